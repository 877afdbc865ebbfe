"""A house whose shop sells from another channel's warehouse: that channel counts it, sells from it, and takes off what it is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.bogus import manifest
from connectors.bogus.channel import Bogus
from core.domain.places import LocationKind
from core.domain.requests import Asking, Request, RequestState, Standing, TheirParcel, Way
from core.flows import connections as flows
from core.flows import places, switching
from core.flows.allocation import map_listing
from core.flows.switching import Switched
from core.ports import Connector, Stored
from core.store.connections import Connection
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, Depot, depot

NUMBERS = ("T1", "T2", "T3", "T4", "T5")


@dataclass
class Lent:
    """`fba` is the location, `theirs` the system whose warehouse it is; its SKUs end in -F."""

    dock: Depot
    theirs: Bogus
    account: Connection
    fba: str

    @property
    def house(self) -> House:
        return self.dock.house

    @property
    def merchant(self) -> str:
        return self.dock.merchant

    def holds(self, **units: int) -> None:
        """So many can be sold there, and it is read."""
        self.theirs.warehouse = {f"{sku}-F": Stored(f"{sku}-F", count) for sku, count in units.items()}
        self.read()

    def read(self) -> None:
        self.house.ask("read_stored", connection=self.account)
        self.house.drain()

    def how(self, **different: Any) -> Asking:
        return replace(Asking(Way.CONNECTION, connection=self.account.id), **different)

    def switch(self, **different: Any) -> Switched:
        done = switching.switch(self.house.hub, self.merchant, self.fba, self.how(**different), ANN)
        self.house.drain()
        return done

    def off(self) -> Switched:
        done = switching.switch(self.house.hub, self.merchant, self.fba, None, ANN)
        self.house.drain()
        return done

    def level(self, sku: str = "A", location: str = "") -> tuple[Any, ...]:
        """(on hand, reserved)"""
        where = f"sku = '{sku}' and location = '{location or self.fba}'"
        return next(iter(books.rows(self.house.hub, f"select on_hand, reserved from levels where {where}")), (0, 0))

    def shown(self, sku: str = "A") -> int | None:
        return self.house.bogus.listings[f"L-{sku}", sku].shown

    def keys(self) -> list[str]:
        return list(self.theirs.asked)

    def wish(self, n: int = -1) -> Request:
        return self.theirs.asked[self.keys()[n]][0]

    def takes(self, n: int = -1) -> None:
        """The channel accepts it, and takes its goods off what can be sold."""
        key = self.keys()[n]
        wish, said = self.theirs.asked[key]
        for one in wish.lines:
            there = self.theirs.warehouse[one.sku]
            self.theirs.warehouse[one.sku] = replace(there, sellable=there.sellable - one.units)
        self.theirs.asked[key] = (wish, replace(said, state=RequestState.ACCEPTED))

    def says(self, n: int = -1, **said: Any) -> None:
        key = self.keys()[n]
        wish, was = self.theirs.asked[key]
        self.theirs.asked[key] = (wish, replace(was, **said))
        self.look()

    def sends(self, *parcels: Mapping[str, int], n: int = -1) -> None:
        """Parcels of these units by their own lines; one with all where none is named."""
        whole = {one.line: one.units for one in self.wish(n).lines}
        made = [the_parcel(number, units) for number, units in zip(NUMBERS, parcels or (whole,), strict=False)]
        self.says(n, state=RequestState.SENT, parcels=tuple(made))

    def look(self) -> None:
        """What was asked for is looked at, half an hour later."""
        self.pass_(timedelta(minutes=31))

    def pass_(self, by: timedelta) -> None:
        self.house.clock.pass_(by)
        self.house.drain()

    def standing(self, n: int = -1) -> Standing:
        return self.theirs.asked[self.keys()[n]][1]


def the_parcel(number: str, units: Mapping[str, int]) -> TheirParcel:
    return TheirParcel(number, "Parcelforce", dict(units), datetime(2026, 11, 22, tzinfo=UTC), number=f"P-{number}")


def lent(house: House, **units: int) -> Lent:
    """A shop with ten of A on its own shelf, and a channel beside it whose warehouse holds ten of A, or these units."""
    house.shelve(A=10)
    theirs = Bogus(account="prime", clock=house.clock)
    return _beside(depot(house), theirs, manifest(theirs, name="prime"), units or {"A": 10})


def twice_lent(house: House) -> tuple[Lent, Lent]:
    """The same shop beside two accounts of one channel, with a warehouse each: ten of A in the one, six of A and four of B in the other,
    under the same SKUs."""
    house.shelve(A=10)
    dock, west, east = depot(house), *(Bogus(account=name, clock=house.clock) for name in ("west", "east"))
    connector = manifest(west, east, name="prime")
    return _beside(dock, west, connector, {"A": 10}), _beside(dock, east, connector, {"A": 6, "B": 4})


def _beside(dock: Depot, theirs: Bogus, connector: Connector, lie: dict[str, int]) -> Lent:
    """The account is connected, a location is its warehouse, and these units of what it lists lie there."""
    house, name = dock.house, theirs.account.upper()
    house.hub.connectors = {**house.hub.connectors, "prime": connector}
    house.clock.pass_(timedelta(seconds=1))
    account = flows.connect(house.hub, house.merchant.id, "prime", theirs.account, {}, stock_since=0, live_at=0)
    places.add_location(house.hub, house.merchant.id, "FBA" if name == "PRIME" else f"FBA {name}", ANN, LocationKind.FBA)
    fba = str(books.one(house.hub, "select id from locations where kind = 'fba' order by rank desc, id desc limit 1"))
    for sku in lie:
        theirs.offer(f"{sku}-F", 0, writable="fulfilled by Prime")
        if not any(mine == sku for _, mine in house.bogus.listings):
            house.bogus.offer(sku, 0)
    house.ask("read_listings")
    house.ask("read_listings", connection=account)
    house.drain()
    with house.hub.unit() as work:
        for sku in lie:
            map_listing(work, house.merchant.id, (account.id, f"L-{sku}-F", f"{sku}-F"), {sku: 1})
            map_listing(work, house.merchant.id, (house.connection.id, f"L-{sku}", sku), {sku: 1})
    house.drain()
    made = Lent(dock, theirs, account, fba)
    made.holds(**lie)
    return made
