"""Bogus: a channel in memory that behaves, for tests. Its state is the truth and its log the oracle; no network anywhere."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from connectors.bogus import paying, sending
from connectors.bogus.paying import Till
from connectors.bogus.trouble import Trouble
from connectors.http import as_datetime, write_json
from core.domain.capturing import Taking
from core.domain.money import Money
from core.domain.payouts import Movement, Payout
from core.domain.requests import Request, RequestState, Standing
from core.domain.shelf_moves import DAY, ShelfMove, ToldDays, added_up
from core.domain.shipping import Appeal, Cancelling, CancelReason, Sent
from core.errors import Refused
from core.ports import About, Account, Answer, Found, Kit, Level, Name, Notice, Page, Place, Push, Stored, Told

Document = dict[str, Any]
T = TypeVar("T")
Key = tuple[str, ...]  # (listing, sku), and the place where the channel has some


@dataclass
class Shelf:
    """A listing at Bogus. `writes` are the quantities it was told to show, in order; `refuses` makes it decline them."""

    title: str
    shown: int
    sold: int = 0
    writable: str | None = None
    refuses: str = ""
    writes: list[int] = field(default_factory=list)
    committed: int = 0
    uncovered: str | None = None


@dataclass
class Bogus(Trouble):
    """One account. `compares`: writes are compare-and-set. `commits`: it tells what is sold and not sent. `revisions`: writes a listing
    takes in all. `queues`: writes are ACCEPTED and show, and cancellations only ASKED and done, after `settle()`. `whole`: polls bring
    bodies. `merges`: unpaid orders may be combined. `topics` are those that it pushes once subscribed. `answers` are those that buyers got
    who wished to cancel: (order, agreed, the tracking number they were told). `calls` holds (method, argument) of every call."""

    account: str = "bogus"
    currency: str = "USD"
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    compares: bool = False
    commits: bool = False
    revisions: int | None = None
    queues: bool = False
    whole: bool = True
    merges: bool = False
    per_call: int = 100
    per_page: int = 50
    remembers: timedelta | None = None  # how far back it lets us read; None: it does not say
    orders: dict[str, Document] = field(default_factory=dict)
    listings: dict[Key, Shelf] = field(default_factory=dict)
    places: list[Place] = field(default_factory=list)
    queue: list[Notice] = field(default_factory=list)
    answered: dict[str, list[Answer]] = field(default_factory=dict)
    pending: dict[Key, int] = field(default_factory=dict)
    topics: tuple[str, ...] = ("orders/changed",)
    hooks: set[tuple[str, str]] = field(default_factory=set)  # (topic, url)
    placed: int = 0
    warehouse: dict[str, Stored] = field(default_factory=dict)  # what its own warehouses hold, by SKU
    moved: list[ShelfMove] | None = None  # what its own warehouses lost, found and disposed of; None: it says nothing of that
    calling_off: dict[str, bool] = field(default_factory=dict)  # orders that are being cancelled: are their units shown again?
    capturing: dict[str, Document] = field(default_factory=dict)  # payments that are being captured: what will change
    answers: list[tuple[str, bool, str]] = field(default_factory=list)
    asked: dict[str, tuple[Request, Standing]] = field(default_factory=dict)  # what it was asked to send for other channels, by key
    prepared: set[str] = field(default_factory=set)  # orders whose buyers were written to that they can fetch them
    till: Till = field(default_factory=Till)
    deaf: bool = False  # an order shows its buyer's wish for ever, whatever is answered, as Amazon's do

    def offer(self, sku: str, quantity: int, *, listing: str | None = None, writable: str | None = None, at: str = "") -> Shelf:
        """Put something up for sale, at a place where the channel has some; the listing is called L-SKU unless named."""
        shelf = Shelf(f"Bogus {sku}", quantity, writable=writable)
        self.listings[_key(listing or f"L-{sku}", sku, at)] = shelf
        return shelf

    def sell(self, wanted: Mapping[str, int], at: str = "", **different: Any) -> Document:
        """A buyer orders these quantities by SKU. What listings show goes down, as channels do by themselves; `at` a place that will
        send it."""
        with self.lock:
            number = self._next()
            names = [f"{number}-{n}" if self.merges else str(n) for n in range(1, len(wanted) + 1)]
            lines = [a_line(name, *self._taken(*part, at), self.currency) for name, part in zip(names, wanted.items(), strict=True)]
            document = {**an_order(number, lines, self.currency, self.clock()), **different}
            self.orders[document["id"]] = document
            return document

    def _next(self) -> str:
        self.placed += 1
        return str(1000 + self.placed)

    def combine(self, *orders: str, old: str = "gone", **different: Any) -> Document:
        """Unpaid orders become one with a new id, which lists the same lines. The old ones are `gone`, or `cancelled`."""
        with self.lock:
            lines = [line for order in orders for line in self.orders[order]["lines"]]
            at = max([self.clock(), *(as_datetime(self.orders[order]["placed_at"]) + timedelta(seconds=1) for order in orders)])
            document = {**an_order(self._next(), lines, self.currency, at), "payment": "unpaid", **different}
            for order in orders:
                if old == "gone":
                    del self.orders[order]
                else:
                    self.change(order, cancelled_at=self.clock().isoformat())
            self.orders[document["id"]] = document
            return document

    def _taken(self, sku: str, count: int, at: str) -> tuple[str, str, int]:
        listing = next((listing for listing, mine, *_ in self.listings if mine == sku), f"L-{sku}")
        if shelf := self.listings.get(_key(listing, sku, at)):
            shelf.sold, shelf.shown = shelf.sold + count, max(0, shelf.shown - count)
            shelf.committed += count
        return listing, sku, count

    def route(self, order: str, **places: Mapping[str, int]) -> Document:
        """The channel says which place sends what: route("1001", P1={"1": 2}) by line."""
        parts = [{"place": place, "lines": dict(lines)} for place, lines in places.items()]
        return self.change(order, routing=parts)

    def placed_in(self, since: datetime, until: datetime, after: str) -> list[Document]:
        """Orders placed in [since, until), oldest first, behind a mark."""
        found = [item for item in self.orders.values() if since <= as_datetime(item["placed_at"]) < until and mark_of(item) > after]
        return sorted(found, key=mark_of)

    def change(self, order: str, **different: Any) -> Document:
        """Something happens to an order there; its last change is now, and later than the one before."""
        with self.lock:
            before = self.orders[order]
            at = max(self.clock(), as_datetime(before["updated_at"]) + timedelta(seconds=1))
            self.orders[order] = {**before, **different, "updated_at": at.isoformat()}
            return self.orders[order]

    def tell(self, order: str) -> None:
        """Put a notice about this order into the queue."""
        number = str(len(self.queue) + 1)
        self.queue.append(Notice("orders/changed", f"q-{order}-{number}", account=self.account, order=order, receipt=f"r-{order}-{number}"))

    def settle(self) -> None:
        """What was accepted shows now, and what was asked for is done."""
        with self.lock:
            for key, quantity in self.pending.items():
                self.listings[key].shown = quantity
            self.pending.clear()
            for order, changed in self.capturing.items():
                self.change(order, **changed)
            self.capturing.clear()
            for order in list(self.calling_off):
                with suppress(Refused):  # something left meanwhile: it stands
                    self._called_off(order)

    def confirm(self, sent: Sent) -> str:
        """A parcel left: told twice, it counts twice. Raises Refused where that is more than is open."""
        document, number = self.order(sent.order), f"{sent.order}-S{len(self.shipments(sent.order)) + 1}"
        changed = self.change(sent.order, **sending.told(document, sent, number, self.clock().isoformat()))
        self._committed(document, changed, "fulfilled", sent.place)
        return number

    def order(self, order: str) -> Document:
        if order not in self.orders:
            raise sending.refused(f"There is no order {order}.")
        return self.orders[order]

    def shipments(self, order: str) -> list[Document]:
        """The parcels of an order that we told of, as {id, at, place, tracking, carrier, url, lines}; one told twice is here twice."""
        return list(self.order(order).get("shipped", ()))

    def _committed(self, before: Document, after: Document, what: str, at: str, restock: bool = False) -> None:
        """Units that are not open any more count as committed no longer; they are for sale again where they are put back."""
        for old, new in zip(before["lines"], after["lines"], strict=True):
            if shelf := self.listings.get(_key(new["listing"], new["sku"], at)):
                units = new[what] - old[what]
                shelf.committed, shelf.shown = max(0, shelf.committed - units), shelf.shown + units * restock

    def pay_out(self, but: Callable[[Movement], Movement | None] = lambda one: one) -> Payout:
        """All that is not paid out yet is; `but` changes what is told of a movement, or leaves it out."""
        told = [but(one) for one in paying.movements(self.orders.values()) if one.id not in self.till.done]
        return self.till.close([one for one in told if one], self.clock(), self.currency)

    def ask_to_cancel(self, order: str) -> Document:
        """The buyer wishes that it were cancelled."""
        return self.change(order, cancel_requested=True)

    def call_off(self, order: str, *, restock: bool) -> Cancelling:
        document = self.order(order)
        if document["cancelled_at"]:
            return Cancelling.DONE
        sending.called_off(document, "")
        self.calling_off[order] = restock
        return Cancelling.ASKED if self.queues else self._called_off(order)

    def _called_off(self, order: str) -> Cancelling:
        before, restock = self.orders[order], self.calling_off.pop(order)
        after = self.change(order, **sending.called_off(before, self.clock().isoformat()))
        self._committed(before, after, "cancelled", "", restock)
        return Cancelling.DONE

    def cancelling(self, order: str) -> Cancelling:
        if self.order(order)["cancelled_at"]:
            return Cancelling.DONE
        return Cancelling.ASKED if order in self.calling_off else Cancelling.NOT_CANCELLED

    def answer(self, order: str, *, agree: bool, tracking: str) -> None:
        if not self.order(order)["cancel_requested"]:
            return
        self.answers.append((order, agree, tracking))
        if agree:
            self.call_off(order, restock=True)
        elif not self.deaf:
            self.change(order, cancel_requested=False)

    def authorize(self, order: str, until: datetime | None = None, amount: str | None = None) -> Document:
        """Its buyer promised to pay: all of it, or so much; what is promised may end."""
        ends = until.isoformat() if until else None
        return self.change(
            order, payment="authorized", authorized={"amount": amount or self.orders[order]["total"], "until": ends}, captures=[]
        )

    def captures(self, order: str) -> list[Document]:
        """What was captured of an order, as {amount, key}: taken twice it is here twice."""
        return list(self.order(order).get("captures", ()))

    def capture(self, order: str, amount: Money, key: str) -> None:
        """Once it is captured that shows at once; where Bogus queues it is only worked on until `settle()`."""
        changed = sending.captured(self.order(order), amount, key, self.clock())
        if self.queues:
            self.capturing[order] = changed
        else:
            self.change(order, **changed)

    def move(self, order: str, assignment: str, place: str, units: Mapping[str, int] | None = None) -> Document:
        """A part of an order, or some units of it, goes to another place. Raises Refused where that is not one that stocks its lines."""
        document = self.order(order)
        lines = units or [line for part in document.get("routing", ()) if part["place"] == assignment for line in part["lines"]]
        wares = [(line["listing"], line["sku"]) for line in document["lines"] if line["id"] in lines]
        if place not in [one.id for one in self.places] or any(_key(*ware, place) not in self.listings for ware in wares):
            raise sending.refused(f"{place} does not stock it.")
        return self.change(order, **sending.moved(document, assignment, place, units))

    def write(self, push: Push) -> Answer:
        shelf = self.listings.get(_key(*push.name))
        if shelf is None:
            return _answer(push, Told.GONE)
        if words := self._refusal(shelf):
            return _answer(push, Told.REFUSED, words=words)
        if self.compares and push.expected not in (None, shelf.shown):
            return _answer(push, Told.STALE, shelf.shown)
        return self._written(push, shelf)

    def _refusal(self, shelf: Shelf) -> str:
        spent = self.revisions is not None and len(shelf.writes) >= self.revisions
        return shelf.refuses or shelf.writable or ("no revisions left" if spent else "")

    def _written(self, push: Push, shelf: Shelf) -> Answer:
        shelf.writes.append(push.quantity)
        if self.queues:
            self.pending[_key(*push.name)] = push.quantity
            return _answer(push, Told.ACCEPTED)
        shelf.shown = push.quantity
        return _answer(push, Told.SHOWN, push.quantity)


def _key(listing: str, sku: str, place: str) -> Key:
    return (listing, sku, place) if place else (listing, sku)


def _answer(push: Push, told: Told, quantity: int | None = None, words: str = "") -> Answer:
    return Answer(push.listing, push.sku, told, quantity, words, push.place)


def mark_of(item: Document) -> str:
    """Where an order stands among all by the time it was placed."""
    return f"{as_datetime(item['placed_at']).astimezone(UTC).isoformat()} {item['id']}"


def a_line(id: str, listing: str, sku: str, quantity: int, currency: str) -> Document:
    """A line at ten units of the currency each, untaxed."""
    return {
        "id": id,
        "listing": listing,
        "sku": sku,
        "title": f"Bogus {sku}",
        "quantity": quantity,
        "cancelled": 0,
        "lost": 0,
        "fulfilled": 0,
        "returned": 0,
        "requires_shipping": True,
        "gross": (Money.parse("10", currency) * quantity).text(),
        "discount": "0",
        "tax": "0",
    }


def an_order(id: str, lines: list[Document], currency: str, at: datetime) -> Document:
    """A paid order of these lines, which adds up."""
    return {
        "id": id,
        "name": f"#{id}",
        "placed_at": at.isoformat(),
        "updated_at": at.isoformat(),
        "currency": currency,
        "taxes_included": False,
        "total": sum((Money.parse(line["gross"], currency) for line in lines), Money.zero(currency)).text(),
        "payment": "paid",
        "fulfillment": "unfulfilled",
        "cancelled_at": None,
        "cancel_requested": False,
        "test": False,
        "lines": lines,
        "shipping": [],
        "refunds": [],
        "ship_to": {"name": "Ada Bogus", "street1": "1 Nowhere Lane", "city": "Null", "postcode": "00000", "country": "US"},
    }


class BogusChannel:
    """The port on a Bogus."""

    def __init__(self, system: Bogus, kit: Kit) -> None:
        self._system, self._budget = system, kit.budget

    @contextmanager
    def _call(self, method: str, what: Any = None) -> Iterator[Bogus]:
        self._budget.take(method)
        with self._system.call(method, what):
            yield self._system

    def stored(self, cursor: str | None) -> Page[Stored]:
        with self._call("stored", cursor) as system:
            found = [system.warehouse[sku] for sku in sorted(system.warehouse) if sku > (cursor or "")]
            page = found[: system.per_page]
            return Page(tuple(page), page[-1].sku if len(found) > len(page) else None)

    def shelf_moves(self, since: date, until: date, cursor: str | None) -> Page[ToldDays]:
        """A page for each `per_page` days."""
        begin = date.fromisoformat(cursor) if cursor else since
        with self._call("shelf_moves", (since, until, cursor)) as system:
            end = min(begin + system.per_page * DAY, until)
            moves = tuple(added_up(one for one in system.moved or () if begin <= one.day < end))
            return Page(() if system.moved is None else (ToldDays(begin, end, moves),), end.isoformat() if end < until else None)

    def probe(self) -> Account:
        with self._call("probe") as system:
            return Account(system.account, "Bogus", system.currency)

    def poll(self, since: datetime, until: datetime, cursor: str | None) -> Page[Notice]:
        with self._call("poll", (since, until, cursor)) as system:
            changed = sorted((as_datetime(item["updated_at"]), item["id"]) for item in system.orders.values())
            due = [(at, order) for at, order in changed if since <= at and f"{at.isoformat()} {order}" > (cursor or "")]
            page = tuple(self._notice(at, order) for at, order in due[: system.per_page])
            last = due[: system.per_page][-1:] if len(due) > system.per_page else []
            return Page(page, next((f"{at.isoformat()} {order}" for at, order in last), None))

    def _notice(self, at: datetime, order: str) -> Notice:
        body = write_json(self._system.orders[order]) if self._system.whole else None
        return Notice("poll", f"{order}@{at.isoformat()}", About.ORDER, self._system.account, order, at, body)

    def reach(self) -> tuple[datetime | None, str]:
        with self._call("reach") as system:
            if system.remembers is None:
                return None, ""
            return system.clock() - system.remembers, f"only the last {system.remembers.days} days came: Bogus forgets"

    def history(self, since: datetime, until: datetime, cursor: str | None, *, open_only: bool) -> Page[Notice]:
        with self._call("history", (since, until, cursor, open_only)) as system:
            begin = max(since, system.clock() - system.remembers) if system.remembers else since
            due = [item for item in system.placed_in(begin, until, cursor or "") if not open_only or _is_open(item)]
            page = due[: system.per_page]
            notices = tuple(self._notice(as_datetime(item["updated_at"]), item["id"]) for item in page)
            return Page(notices, mark_of(page[-1]) if len(due) > len(page) else None)

    def fetch(self, orders: Sequence[str]) -> Mapping[str, bytes | None]:
        with self._call("fetch", list(orders)) as system:
            return {order: write_json(system.orders[order]) if order in system.orders else None for order in orders}

    def receive(self) -> Sequence[Notice]:
        with self._call("receive") as system:
            return tuple(system.queue[:10])

    def acknowledge(self, receipts: Sequence[str]) -> None:
        with self._call("acknowledge", list(receipts)) as system:
            system.queue[:] = [notice for notice in system.queue if notice.receipt not in receipts]

    def listings(self, cursor: str | None) -> Page[Found]:
        with self._call("listings", cursor) as system:
            start, found = int(cursor or 0), list(system.listings.items())
            page = found[start : start + system.per_page]
            upto = start + system.per_page
            return Page(tuple(_found(key, shelf) for key, shelf in page), str(upto) if upto < len(found) else None)

    def places(self) -> Sequence[Place]:
        with self._call("places") as system:
            return tuple(system.places)

    def show(self, pushes: Sequence[Push], key: str) -> Sequence[Answer]:
        """The same key again has the same answers and no second effect."""
        with self._call("show", (list(pushes), key)) as system:
            if key not in system.answered:
                system.answered[key] = [system.write(push) for push in pushes]
            return tuple(system.answered[key])

    def shown(self, pushes: Sequence[Push]) -> Mapping[Name, int | None]:
        with self._call("shown", list(pushes)) as system:
            shelves = {push.name: system.listings.get(_key(*push.name)) for push in pushes}
            return {name: shelf.shown if shelf else None for name, shelf in shelves.items()}

    def uncovered(self, push: Push) -> str | None:
        with self._call("uncovered", push) as system:
            return system.listings[_key(*push.name)].uncovered

    def mend(self, push: Push, uncovered: str, *, back: bool) -> None:
        with self._call("mend", (push, uncovered, back)) as system:
            system.listings[_key(*push.name)].uncovered = uncovered if back else None

    def confirm(self, sent: Sent) -> str:
        with self._call("confirm", sent) as system:
            return system.confirm(sent)

    def confirmed(self, sent: Sent) -> str | None:
        with self._call("confirmed", sent) as system:
            return next((one["id"] for one in system.shipments(sent.order) if sending.is_it(one, sent)), None)

    def ready_to_fetch(self, order: str, assignments: Sequence[str]) -> None:
        with self._call("ready_to_fetch", (order, tuple(assignments))) as system:
            system.prepared.add(order)

    def cancel(self, order: str, reason: CancelReason, key: str, *, restock: bool) -> Cancelling:
        with self._call("cancel", (order, reason, key, restock)) as system:
            return system.call_off(order, restock=restock)

    def cancelling(self, order: str, key: str) -> Cancelling:
        with self._call("cancelling", (order, key)) as system:
            return system.cancelling(order)

    def appeals(self, order: str) -> Sequence[Appeal]:
        with self._call("appeals", order) as system:
            return (Appeal(f"A-{order}", "changed my mind"),) if system.order(order)["cancel_requested"] else ()

    def answer(self, order: str, appeal: Appeal, *, agree: bool, sent: Sent | None = None) -> None:
        with self._call("answer", (order, appeal, agree, sent)) as system:
            system.answer(order, agree=agree, tracking=sent.tracking if sent else "")

    def captured(self, order: str, key: str) -> Taking:
        with self._call("captured", (order, key)) as system:
            return replace(sending.taking(system.order(order), system.clock()), pending=order in system.capturing)

    def capture(self, order: str, amount: Money, key: str) -> None:
        with self._call("capture", (order, amount, key)) as system:
            system.capture(order, amount, key)

    def fulfill(self, wish: Request, key: str) -> None:
        with self._call("fulfill", (wish, key)) as system:
            system.asked.setdefault(key, (wish, Standing(RequestState.ASKED, f"B-{len(system.asked) + 1}")))

    def fulfilling(self, key: str) -> Standing | None:
        with self._call("fulfilling", key) as system:
            return system.asked[key][1] if key in system.asked else None

    def call_back(self, key: str) -> Cancelling:
        with self._call("call_back", key) as system:
            wish, said = system.asked[key]
            if said.parcels:
                return Cancelling.NOT_CANCELLED
            if system.queues:
                return Cancelling.ASKED
            system.asked[key] = (wish, replace(said, state=RequestState.WITHDRAWN))
            return Cancelling.DONE

    def route(self, order: str, assignment: str, place: str, lines: Mapping[str, int] | None = None) -> None:
        with self._call("route", (order, assignment, place, lines)) as system:
            system.move(order, assignment, place, lines)

    def payouts(self, since: datetime, cursor: str | None) -> Page[Payout]:
        with self._call("payouts", (since, cursor)) as system:
            return _page([one for one in system.till.payouts.values() if one.at >= since], cursor, system.per_page)

    def movements(self, payout: Payout, cursor: str | None) -> Page[Movement]:
        with self._call("movements", (payout.id, cursor)) as system:
            return _page(system.till.held[payout.id], cursor, system.per_page)

    def unpaid(self, since: datetime, cursor: str | None) -> Page[Movement]:
        with self._call("unpaid", (since, cursor)) as system:
            found = [one for one in paying.movements(system.orders.values()) if one.id not in system.till.done and one.at >= since]
            return _page(found, cursor, system.per_page)

    def unsubscribed(self, url: str) -> Sequence[str]:
        with self._call("unsubscribed", url) as system:
            return tuple(topic for topic in system.topics if (topic, url) not in system.hooks)

    def subscribe(self, url: str) -> Sequence[str]:
        with self._call("subscribe", url) as system:
            missing = tuple(topic for topic in system.topics if (topic, url) not in system.hooks)
            system.hooks |= {(topic, url) for topic in missing}
            return missing

    def placed(self, since: datetime, until: datetime, cursor: str | None) -> Page[tuple[datetime, int]]:
        """A page holds `per_page` days."""
        with self._call("placed", (since, until, cursor)) as system:
            start = as_datetime(cursor) if cursor else since
            end = min(until, start + timedelta(days=system.per_page))
            days = Counter(_day(item) for item in system.orders.values() if start <= as_datetime(item["placed_at"]) < end)
            return Page(tuple(sorted(days.items())), end.isoformat() if end < until else None)


class CommittingChannel(BogusChannel):
    """One that tells what is sold and not sent, too."""

    def levels(self, pushes: Sequence[Push]) -> Mapping[Name, Level]:
        with self._call("levels", list(pushes)) as system:
            shelves = {push.name: system.listings.get(_key(*push.name)) for push in pushes}
            return {name: Level(shelf.shown, shelf.committed) if shelf else Level(None) for name, shelf in shelves.items()}

    def selling(self, sku: str, cursor: str | None) -> Page[Notice]:
        with self._call("selling", sku) as system:
            held = [one for one in system.orders.values() if any(line["sku"] == sku for line in one["lines"])]
            return Page(tuple(self._notice(as_datetime(one["updated_at"]), one["id"]) for one in held))


def _page(found: Sequence[T], cursor: str | None, most: int) -> Page[T]:
    start = int(cursor or 0)
    return Page(tuple(found[start : start + most]), str(start + most) if start + most < len(found) else None)


def _day(item: Document) -> datetime:
    return as_datetime(item["placed_at"]).astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _is_open(item: Document) -> bool:
    return not item["cancelled_at"] and any(line["fulfilled"] + line["cancelled"] < line["quantity"] for line in item["lines"])


def _found(key: Key, shelf: Shelf) -> Found:
    place = "".join(key[2:])
    return Found(key[0], key[1], shelf.title, shelf.shown, {"shelf": "/".join(key)}, shelf.writable, place, uncovered=shelf.uncovered)
