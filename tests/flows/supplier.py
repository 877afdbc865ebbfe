"""A supplier who sends for the house: a location of theirs with stock, and whatever hears what they are asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from core.domain.places import LocationKind
from core.domain.requests import Asking, RequestState, Share, TheirParcel, Way
from core.flows import answering, parties, places
from core.ports import Letter
from core.store import listings, requests, stock
from core.store.requests import Asked
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, Depot, depot

ASKED = "select q.id from requests q join shipments s on s.id = q.shipment order by s.number, q.asked_at"
MAIL = Asking(Way.MAIL, to="orders@supplier.example")


@dataclass
class Mailbox:
    """What came by mail, each letter once by its id; `next` are errors, and whether the letter came all the same."""

    next: list[tuple[Exception, bool]] = field(default_factory=list)
    tries: list[str] = field(default_factory=list)
    letters: dict[str, Letter] = field(default_factory=dict)

    def mail(self, letter: Letter) -> str:
        self.tries.append(letter.id)
        error, came = self.next.pop(0) if self.next else (None, True)
        if came:
            self.letters.setdefault(letter.id, letter)
        if error:
            raise error
        return "sent"

    def call(self, letter: Letter) -> str:
        return self.mail(letter)


@dataclass
class Supplied:
    dock: Depot
    location: str
    box: Mailbox

    @property
    def house(self) -> House:
        return self.dock.house

    @property
    def merchant(self) -> str:
        return self.dock.merchant

    def asked(self) -> list[Asked]:
        ids = [id for (id,) in books.rows(self.house.hub, ASKED)]
        with self.house.hub.database.read() as db:
            return [one for id in ids if (one := requests.find(db, self.merchant, id))]

    @property
    def states(self) -> list[RequestState]:
        return [one.state for one in self.asked()]

    @property
    def id(self) -> str:
        return self.asked()[-1].id

    def shares(self, id: str = "") -> dict[str, Share]:
        with self.house.hub.database.read() as db:
            return requests.shares(db, self.merchant, id or self.id)

    def accept(self) -> None:
        with self.house.hub.unit() as work:
            answering.accept(self.house.hub, work, self.merchant, self.id, ANN)
        self.house.drain()

    def refuse(self, units: Mapping[str, int] | None = None, words: str = "none left") -> None:
        with self.house.hub.unit() as work:
            answering.refuse(self.house.hub, work, self.merchant, self.id, ANN, words, units)
        self.dock.release()

    def sent(self, tracking: str = "T1", **units: int) -> bool:
        """Units by line, "l1" for line 1; all of line 1 where none is named."""
        named = {line.removeprefix("l"): many for line, many in units.items()} or {"1": self.shares()["1"].units}
        with self.house.hub.unit() as work:
            said = answering.sent(self.house.hub, work, self.merchant, self.id, parcel(tracking, **named), ANN)
        self.house.drain()
        return said

    def stopped(self) -> None:
        with self.house.hub.unit() as work:
            answering.stopped(self.house.hub, work, self.merchant, self.id, ANN)
        self.dock.release()

    def withdraw(self) -> None:
        parties.withdraw(self.house.hub, self.merchant, self.id, ANN)
        self.dock.release()

    def level(self, sku: str, location: str = "") -> tuple[Any, ...]:
        """(on hand, reserved)"""
        where = f"sku = '{sku}' and location = '{location or self.location}'"
        return books.rows(self.house.hub, f"select on_hand, reserved from levels where {where}")[0]


def parcel(tracking: str = "T1", **units: int) -> TheirParcel:
    return TheirParcel(tracking, "Parcelforce", units, datetime(2026, 11, 22, tzinfo=UTC))


def supplied(house: House, how: Asking = MAIL, **units: int) -> Supplied:
    """A depot of ours with ten of A, and a supplier who has ten of C, or these units, and is asked so."""
    house.shelve(A=10)
    dock = depot(house)
    places.add_location(house.hub, house.merchant.id, "Supplier", ANN, LocationKind.SUPPLIER)
    location = str(books.one(house.hub, "select id from locations where name = 'Supplier'"))
    lie = units or {"C": 10}
    for sku, many in lie.items():
        if not any(mine == sku for _, mine in house.bogus.listings):
            house.bogus.offer(sku, many)
    with house.hub.unit() as work:
        rows = [{"sku": sku, "title": sku, "location": location, "on_hand": many} for sku, many in lie.items()]
        stock.count(work.db, house.merchant.id, rows, work.now)
        listings.touch(work.db, house.merchant.id, lie, None)
    house.ask("read_listings")
    house.drain()
    house.hub.post = box = Mailbox()
    house.hub.public_url = "https://hub.example"
    parties.set_asking(house.hub, house.merchant.id, location, how, ANN)
    house.drain()
    return Supplied(dock, location, box)
