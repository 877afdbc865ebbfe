"""Money of gateways that tell no payouts: files that are looked at and taken, deposits that somebody declares, and the way back."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, tzinfo

from sqlalchemy import Connection as Db

from core.domain import payout_csv
from core.domain.gateways import WHY, Difference, Origin, Settling, Sight, declared, differences, named, settling, sight
from core.domain.matching import Item, is_no_order
from core.domain.money import Money
from core.domain.order_entries import OPENING
from core.domain.payout_csv import Held
from core.domain.payout_entries import settles, subject_of
from core.domain.payouts import Paid
from core.domain.today import zone_of
from core.domain.who import Who
from core.errors import Refused
from core.flows.books import NotKept
from core.flows.payouts import book_now, rebook
from core.hub import Hub
from core.store import audit, connections, journal, payouts
from core.store.connections import Connection
from core.store.journal import Books, Named
from core.store.payouts import Known
from core.store.unit import Unit

LIMIT = 4_000_000  # bytes of a file
MOST = 500  # payouts of a file
CHOICE = 200  # open items that a page shows to choose from


# ---- which gateways there are


@dataclass(frozen=True, slots=True)
class Place:
    """A clearing account whose money no feed pays out, and what stands in it; `connection` is None where it is none of ours any more."""

    connection: Connection | None
    id: str
    gateway: str
    open: Money


def places(hub: Hub, db: Db, merchant: str, today: date) -> list[Place]:
    """Every clearing account of a gateway without a feed, by what stands in it now."""
    known = {one.id: one for one in connections.all_of(db, merchant)}
    found = journal.cleared_now(db, merchant, today.replace(day=1))
    return [
        Place(known.get(one.connection), one.connection, one.gateway, one.after)
        for one in found
        if one.gateway and one.gateway != feed_of(hub, known.get(one.connection))
    ]


def feed_of(hub: Hub, connection: Connection | None) -> str:
    """The gateway whose payouts a channel tells itself."""
    connector = hub.connectors.get(connection.channel) if connection else None
    return connector.pays.gateway if connector and connector.pays else ""


# ---- a file, looked at


@dataclass(frozen=True, slots=True)
class Shown:
    """A payout of a file, as the file has it and as it is here; its lines with what they would settle; what is otherwise than here."""

    held: Held
    number: str
    sight: Sight
    known: Known | None
    rows: Sequence[Settling]
    others: Sequence[Difference]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file would do: its payouts, or (line, why) of what cannot be taken; what of the gateway's money would still be open then, and
    of how many items; orders by the channel's ids."""

    payouts: Sequence[Shown]
    wrong: Sequence[tuple[int, str]]
    left: Mapping[str, Money]
    items: int
    orders: Mapping[str, Named]

    @property
    def new(self) -> list[Shown]:
        return [one for one in self.payouts if one.sight in (Sight.NEW, Sight.GONE)]

    @property
    def others(self) -> list[Shown]:
        return [one for one in self.payouts if one.sight is Sight.OTHER]


def preview(hub: Hub, db: Db, connection: Connection, gateway: str, text: str) -> Preview:
    """Nothing is changed. Raises NotKept, and Refused where the gateway has a feed, or no money of it ever stood in clearing."""
    books = _may(hub, db, connection, gateway)
    read = payout_csv.read(text, zone_of(books.zone))
    if read.wrong or len(read.payouts) > MOST:
        return Preview((), read.wrong or ((1, f"there are more than {MOST} payouts in it"),), {}, 0, {})
    held = _named(db, connection, gateway, read.payouts)
    return _preview(db, connection, gateway, [one.payout.id for one in read.payouts], held)


def _may(hub: Hub, db: Db, connection: Connection, gateway: str) -> Books:
    books = journal.books(db, connection.merchant)
    if books is None:
        raise NotKept("no books are kept yet: say from which day on")
    if not gateway or gateway == feed_of(hub, connection):
        raise Refused("this gateway's payouts are told by the channel itself")
    if not payouts.knows(db, connection.merchant, connection.id, gateway):
        raise Refused("no money of this gateway ever stood in clearing")
    return books


def _named(db: Db, connection: Connection, gateway: str, found: Iterable[Held]) -> list[Held]:
    read = list(found)
    names = {move.order for one in read for move in one.movements if move.order and move.order != OPENING}
    orders = payouts.called(db, connection.merchant, connection.id, names)
    return [named(one, gateway, orders) for one in read]


def _preview(db: Db, connection: Connection, gateway: str, numbers: Sequence[str], held: Sequence[Held]) -> Preview:
    merchant = connection.merchant
    known = payouts.by_channel(db, merchant, connection.id, [one.payout.id for one in held])
    lines = payouts.held_of(db, merchant, connection.id, known)
    before = {id: Held(one.payout, tuple(lines.get(id, ()))) for id, one in known.items()}
    now = _open(db, connection, gateway, [*held, *before.values()])
    rows, after = _settled(held, before, now)
    shown = [
        Shown(one, number, sight(one, before.get(one.payout.id)), known.get(one.payout.id), rows[one.payout.id], _others(one, before))
        for number, one in zip(numbers, held, strict=True)
    ]
    names = journal.named(db, merchant, [f"{connection.id}/{id}" for id in now])
    left, items = _left(journal.stands(db, merchant, connection.id, gateway), now, after)
    return Preview(shown, (), left, items, {ref.split("/", 1)[1]: one for ref, one in names.items()})


def _others(one: Held, before: Mapping[str, Held]) -> Sequence[Difference]:
    known = before.get(one.payout.id)
    return differences(one, known) if known and sight(one, known) is Sight.OTHER else ()


def _open(db: Db, connection: Connection, gateway: str, held: Iterable[Held]) -> dict[str, Money]:
    """What stands open of each order that these name, by the channel's ids; zero where it is settled."""
    orders = {move.order for one in held for move in one.movements if move.order}
    items = {OPENING if order == OPENING else f"{connection.id}/{order}": order for order in orders}
    found = journal.items_among(db, connection.merchant, connection.id, items)
    return {items[one.item]: one.open for one in found if one.gateway == gateway}


def _settled(
    held: Sequence[Held], before: Mapping[str, Held], now: Mapping[str, Money]
) -> tuple[dict[str, list[Settling]], dict[str, Money]]:
    """By payout, each line with what it leaves open; and what is open of each order in the end. What these payouts settle already is put
    back first."""
    free, found = dict(now), dict[str, list[Settling]]()
    for one in (one for id, known in before.items() if known.payout.state is not Paid.CANCELLED for one in known.movements):
        if one.order in free and free[one.order].currency == one.amount.currency:
            free[one.order] += settles(one)
    for each in held:
        found[each.payout.id] = rows = list(settling(each.movements, free))
        free |= {row.movement.order or "": row.after for row in rows if row.after is not None}
    return found, free


def _left(stands: Mapping[str, tuple[Money, int]], now: Mapping[str, Money], after: Mapping[str, Money]) -> tuple[dict[str, Money], int]:
    """By currency, what of the gateway's money would still be open, and under how many items."""
    left, items = {currency: open_ for currency, (open_, _) in stands.items()}, sum(count for _, count in stands.values())
    for order, open_ in now.items():
        left[open_.currency] = left.get(open_.currency, Money.zero(open_.currency)) + (after[order] - open_)
        items += bool(after[order]) - bool(open_)
    return left, items


# ---- a file, taken


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of a file, by its numbers of payouts: those that are booked now, those that were here as the file says, and those that it
    says otherwise and that nobody let it replace."""

    booked: Sequence[str]
    same: Sequence[str]
    others: Sequence[str]


def take(hub: Hub, connection: Connection, gateway: str, text: str, who: Who, *, file: str = "", replaces: Collection[str] = ()) -> Taken:
    """Take a file in: what is new is booked, what is here is left alone, what is here otherwise is replaced where `replaces` names it.
    Raises what `preview` raises, and Refused with the first line that is wrong."""
    with hub.unit() as work:
        books, found = _may(hub, work.db, connection, gateway), preview(hub, work.db, connection, gateway, text)
        if found.wrong:
            line, why = found.wrong[0]
            raise Refused(f"line {line}: {why}")
        wanted = [one for one in found.payouts if one in found.new or (one.number in replaces and one.sight is Sight.OTHER)]
        _bring(hub, work, connection, books, gateway, Origin.FILE, [_of_file(one.held, file) for one in wanted])
        audit.write(
            work.db, connection.merchant, work.now, who.id, who.name, "books.take_payouts", connection.id, gateway=gateway, file=file,
            payouts=len(wanted),
        )  # fmt: skip
    booked = {one.number for one in wanted}
    left = [one for one in found.payouts if one.number not in booked]
    same = [one.number for one in left if one.sight is Sight.SAME]
    return Taken(sorted(booked), same, [one.number for one in left if one.sight is Sight.OTHER])


def _of_file(held: Held, file: str) -> Held:
    return replace(held, payout=replace(held.payout, handle=file[:100]))


def _bring(
    hub: Hub, work: Unit, connection: Connection, books: Books, gateway: str, origin: Origin, held: Sequence[Held]
) -> dict[str, str]:  # fmt: skip
    """These are here now as they say, and are booked; gives our ids by theirs."""
    if not held:
        return {}
    made = payouts.bring(work.db, connection.merchant, connection.id, gateway, origin, [(hub.ids(), one.payout) for one in held], work.now)
    for one in held:
        payouts.clear(work.db, connection.merchant, connection.id, one.payout.id)
        payouts.hold(work.db, connection.merchant, connection.id, one.payout.id, one.movements)
    book_now(hub, work, connection, books, payouts.some(work.db, connection.merchant, made.values()))
    return made


def take_back(hub: Hub, merchant: str, known: Known, who: Who) -> None:
    """A payout that somebody brought or declared counts no more. Raises Refused where it is a feed's, lies in a deposit with others, or
    any of it is booked in a period that is closed."""
    with hub.unit() as work:
        books = journal.books(work.db, merchant)
        booked = journal.booked(work.db, merchant, [subject_of(known.connection, known.payout.id)])
        closed = books.closed_until if books else None
        if closed and any(one.postings and one.on <= closed for one in booked.values()):
            raise Refused("some of it is booked in a closed period")
        if not payouts.take_back(work.db, merchant, known.id):
            raise Refused("it cannot be taken back")
        rebook(hub, work, merchant, known.id)
        audit.write(work.db, merchant, work.now, who.id, who.name, "books.take_back", known.id, number=known.payout.number)


# ---- a deposit that somebody declares


def choice(db: Db, merchant: str, connection: str, gateway: str, currency: str) -> list[tuple[Item, Named | None]]:
    """Open items of a clearing account from which somebody chooses what a deposit paid, the oldest first."""
    found = journal.of_gateway(db, merchant, connection, gateway, currency, CHOICE)
    items = [one for one in found if one.item == OPENING or not is_no_order(one.item)]
    names = journal.named(db, merchant, [one.item for one in items])
    return [(one, names.get(one.item)) for one in items]


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody says of a deposit: the day, the amount, which items it paid, and why it is not their sum. Said twice under one `key`
    it is one."""

    key: str
    day: date
    amount: Money
    items: Sequence[str]
    why: str = ""
    words: str = ""


def declare(hub: Hub, connection: Connection, gateway: str, said: Said, who: Who) -> str:
    """A deposit paid these items: they are settled by it. Gives the payout's id. Raises NotKept; Refused where an item is not open any
    more, nothing is chosen, or nobody says what the difference is."""
    with hub.unit() as work:
        books = _may(hub, work.db, connection, gateway)
        stands = journal.items_among(work.db, connection.merchant, connection.id, said.items)
        open_ = {one.item: one.open for one in stands if (one.gateway, one.open.currency) == (gateway, said.amount.currency) and one.open}
        if not said.items or set(said.items) - open_.keys():
            raise Refused("choose what is open")
        chosen = [(OPENING if item == OPENING else item.partition("/")[2], open_[item]) for item in said.items]
        held = _declared(gateway, said, chosen, zone_of(books.zone))
        made = _bring(hub, work, connection, books, gateway, Origin.DECLARED, [held])
        audit.write(
            work.db, connection.merchant, work.now, who.id, who.name, "books.declare", connection.id, gateway=gateway,
            amount=said.amount.text(), currency=said.amount.currency, items=len(chosen),
        )  # fmt: skip
        return made[held.payout.id]


def _declared(gateway: str, said: Said, chosen: Sequence[tuple[str, Money]], zone: tzinfo) -> Held:
    at = datetime.combine(said.day, time(13), zone).astimezone(UTC)  # the same day in UTC, wherever but on Samoa
    try:
        return declared(said.key, gateway, at, said.amount, chosen, said.why if said.why in WHY else "", said.words)
    except ValueError as error:
        raise Refused(str(error)) from None
