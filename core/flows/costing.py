"""What goods cost, in the books: typed, or taken from what was received; booked with the orders that they left with.

Off until the merchant says from which day on. Costs are derived with all other entries of an order (core.flows.books), so whatever runs
again books nothing twice; a unit without a cost waits in `costless` and never keeps its sale from being booked.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import Connection as Db

from core.domain.costing import EVER, Costed, Gone, Parts, UnitCost, after_receipt, costed, lost, on_shelves, parse, parts_of, us
from core.domain.costing import at as cost_at
from core.domain.inbound import Came, Kind
from core.domain.journal import Entry
from core.domain.money import Money
from core.domain.order import Order
from core.domain.order_entries import Rules
from core.domain.payouts import Movement, Occasion
from core.domain.shelf_moves import PREFIX, in_ours, is_told_by_shelves, place_of, subject_of
from core.domain.tasks import Claim
from core.domain.today import zone_of
from core.domain.who import Who
from core.hub import Hub
from core.ports import Shelving
from core.store import audit, connections, costs, journal, listings, payouts, shelf_moves, stored
from core.store.connections import CHANNEL
from core.store.inbounds import Inbound
from core.store.journal import Books
from core.store.orders import Known
from core.store.unit import Unit

SETTING = "costs"  # of the books: the day from which on goods' cost is booked
AT_ONCE = 500


class NotKept(Exception):
    """Nobody keeps books."""


def since(books: Books) -> date | None:
    """From which day on goods' cost is booked; None: it is not."""
    text = str(books.settings.get(SETTING) or "")
    return date.fromisoformat(text) if text else None


def since_of(db: Db, merchant: str) -> date | None:
    """The same of a merchant; None, too, where nobody keeps books."""
    books = journal.books(db, merchant)
    return since(books) if books else None


def switch(hub: Hub, merchant: str, first: date | None, who: Who) -> None:
    """Book what goods cost from this day on; None: no more, and what was booked is taken back. All orders are looked at. Raises NotKept."""
    with hub.unit() as work:
        books = journal.books(work.db, merchant)
        if books is None:
            raise NotKept("no books are kept yet: say from which day on")
        text = first.isoformat() if first else ""
        journal.keep(work.db, merchant, Books(books.starts, books.closed_until, books.zone, {**books.settings, SETTING: text}))
        audit.write(work.db, merchant, work.now, who.id, who.name, "books.costs", merchant, starts=text)
        work.ask(merchant, "post_costs", ALL)


# ---- with an order


def of_orders(work: Unit, merchant: str, books: Books, known: Mapping[str, tuple[Known, Rules]]) -> list[Entry]:
    """What of these orders' goods is to be booked, by ref; units without a cost are written down."""
    first = since(books)
    if first is None:
        costs.lack(work.db, merchant, known, {}, work.now)
        return []
    made = _costed(work, merchant, known, first)
    lacks = {(ref, sku): units for ref, one in made.items() for sku, units in one.missing.items()}
    costs.lack(work.db, merchant, known, lacks, work.now)
    return [entry for one in made.values() for entry in one.entries]


def _costed(work: Unit, merchant: str, known: Mapping[str, tuple[Known, Rules]], first: date) -> dict[str, Costed]:
    sent, again = costs.sent(work.db, merchant, [one.id for one, _ in known.values()])
    parts = _parts(work, merchant, [one for one, _ in known.values()], sent)
    prices = costs.of(work.db, merchant, {sku for lines in parts.values() for each in lines.values() for sku in each})
    return {ref: costed(one.order, parts[ref], again.get(one.id, ()), prices, rules, first) for ref, (one, rules) in known.items()}


def _parts(work: Unit, merchant: str, known: Iterable[Known], sent: Mapping[tuple[str, str], Parts]) -> dict[str, dict[str, Parts]]:
    """By order and line what one unit consumes; lines without goods are left out."""
    names = {one.id: _names(one.order) for one in known}
    mapped = listings.mapped(work.db, merchant, {name for lines in names.values() for name in lines.values()})
    found: dict[str, dict[str, Parts]] = {}
    for one in known:
        lines = found.setdefault(one.order.ref, {})
        for line in one.order.lines:
            listing = mapped.get(names[one.id][line.id])
            own = parts_of(line, listing.parts if listing else None, sent.get((one.id, line.id)))
            if own is not None and not (listing and listing.split):  # a bundle whose parts are lines of their own
                lines[line.id] = own
    return found


def _names(order: Order) -> dict[str, tuple[str, str, str]]:
    return {line.id: (order.connection, line.listing or "", line.sku or "") for line in order.lines}


def of_payouts(
    work: Unit, merchant: str, connection: str, books: Books, held: Mapping[str, tuple[str, Sequence[Movement]]], rules: Rules,
    shelving: Shelving | None = None,
) -> list[Entry]:  # fmt: skip
    """What of our goods a channel's warehouse lost and paid for, by the payouts ((memo, movements) by subject) that hold its money; not
    what the days of its shelves tell."""
    first, read = since(books), shelf_moves.reading(work.db, connection)[1].first
    gone = {
        subject: [one for one in moves if _is_loss(one) and not _is_told(one, read, rules, shelving)] if first else []
        for subject, (_, moves) in held.items()
    }
    parts = _in_ours(work, merchant, connection, {one.sku for moves in gone.values() for one in moves})
    mine = {subject: [part for one in moves for part in _gone(one, parts)] for subject, moves in gone.items()}
    prices = costs.of(work.db, merchant, {one.sku for some in mine.values() for one in some}) if any(mine.values()) else {}
    made = {at: lost(at, held[at][0], connection, some, prices, rules, first or date.max) for at, some in mine.items()}
    lacks = {(at, sku): units for at, one in made.items() for sku, units in one.missing.items()}
    costs.lack(work.db, merchant, held, lacks, work.now)
    return [entry for one in made.values() for entry in one.entries]


def _is_loss(one: Movement) -> bool:
    return one.occasion is Occasion.REIMBURSEMENT and bool(one.sku and one.units and one.amount)


def _is_told(one: Movement, read: date | None, rules: Rules, shelving: Shelving | None) -> bool:
    outside = shelving is not None and any(shelving.outside(part.label) for part in one.parts)
    return is_told_by_shelves(rules.day(one.at), read, outside=outside)


def of_shelves(work: Unit, merchant: str, connection: str, books: Books, days: Collection[date]) -> list[Entry]:
    """What of our goods a channel's own warehouses lost, found and disposed of on these days."""
    first, rules = since(books), Rules(books.starts, zone_of(books.zone))
    moves = shelf_moves.of_days(work.db, merchant, connection, days) if first else []
    found = in_ours(moves, _in_ours(work, merchant, connection, {one.sku for one in moves}))
    prices = costs.of(work.db, merchant, {sku for units in found.values() for sku in units}) if found else {}
    made = {
        at: on_shelves(at, connection, day, found.get(day, {}), prices, rules, first or date.max)
        for day in days
        if (at := subject_of(connection, day))
    }
    lacks = {(at, sku): units for at, one in made.items() for sku, units in one.missing.items()}
    costs.lack(work.db, merchant, made, lacks, work.now)
    return [entry for one in made.values() for entry in one.entries]


def _in_ours(work: Unit, merchant: str, connection: str, skus: Collection[str]) -> dict[str, list[tuple[str, int]]]:
    found: dict[str, list[tuple[str, int]]] = {}
    for theirs, ours, units in stored.parts(work.db, merchant, connection, skus):
        found.setdefault(theirs, []).append((ours, units))
    return found


def _gone(one: Movement, parts: Mapping[str, Sequence[tuple[str, int]]]) -> list[Gone]:
    """In our SKUs; "" where nobody mapped what the channel calls it."""
    units = one.units if one.amount.minor > 0 else -one.units
    return [Gone(one.at, sku, units * each) for sku, each in parts.get(one.sku, [("", 1)])]


ALL, OF_SKU, PAYOUT = "all", "sku ", "payout "


def post_costs(hub: Hub, claim: Claim) -> None:
    """Orders whose cost may be another now are booked once more: those of a SKU ("sku ..."), all of them, or, asked of a connection,
    those that wait: a listing may be mapped by now."""
    for subject in claim.subjects:
        _ask(hub, claim, subject)
    with hub.unit(claim):
        return


def _ask(hub: Hub, claim: Claim, subject: str) -> None:
    after: str | None = ""
    while after is not None:
        with hub.unit(claim, finish=False) as work:
            if subject == ALL and not after:
                ask_shelves(hub, work, claim.merchant)
            refs, after = _page(work, claim.merchant, subject, after)
            for ref in refs:
                _again(work, claim.merchant, ref)


def ask_shelves(hub: Hub, work: Unit, merchant: str) -> None:
    """All days of channels' shelves are booked once more, and those read that are wanted now."""
    for one in connections.all_of(work.db, merchant, CHANNEL):
        if (connector := hub.connectors.get(one.channel)) and connector.shelves:
            work.ask(merchant, "book_shelves", one.id, one.id)
            if one.state == "active":
                work.ask(merchant, "read_shelves", one.id, one.id)


def _again(work: Unit, merchant: str, ref: str) -> None:
    """An order; a payout, or a day of a channel's shelves, by its subject."""
    if ref.startswith(PREFIX):
        at, day = place_of(ref)
        work.ask(merchant, "book_shelves", f"{at}/{day}", at)
        return
    connection, _, id = ref.removeprefix(PAYOUT).partition("/")
    if not ref.startswith(PAYOUT):
        work.ask(merchant, "post_entries", ref, connection)
    elif known := payouts.by_channel(work.db, merchant, connection, [id]).get(id):
        work.ask(merchant, "book_payout", known.id, connection)


def _page(work: Unit, merchant: str, subject: str, after: str) -> tuple[list[str], str | None]:
    if subject == ALL and not after:
        for id, connection in payouts.with_losses(work.db, merchant):
            work.ask(merchant, "book_payout", id, connection)
    if subject == ALL:
        rows = journal.orders_after(work.db, merchant, after, AT_ONCE)
        return [f"{row.connection}/{row.channel_id}" for row in rows], rows[-1].id if len(rows) == AT_ONCE else None
    if subject.startswith(OF_SKU):
        refs = costs.orders_of(work.db, merchant, subject.removeprefix(OF_SKU), after, AT_ONCE)
    else:
        refs = costs.waiting(work.db, merchant, after, AT_ONCE)
    return refs, refs[-1] if len(refs) == AT_ONCE else None


# ---- typed


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody says a unit costs: as text, in a currency, from a day on; None: since ever."""

    sku: str
    cost: str
    currency: str
    first: date | None = None


@dataclass(frozen=True, slots=True)
class Priced:
    """A cost that was typed, and what the SKU cost at that moment before; None: nobody knew."""

    sku: str
    was: UnitCost | None
    cost: UnitCost


class WrongCost(ValueError):
    """`index` of them cannot be taken, for `args[0]`."""

    def __init__(self, index: int, words: str) -> None:
        super().__init__(words)
        self.index = index


def type_costs(hub: Hub, merchant: str, said: Sequence[Typed], who: Who) -> list[Priced]:
    """These cost so much from then on; what waits for it is booked, and what was booked since then is corrected. Raises WrongCost."""
    with hub.unit() as work:
        return type_in(work, merchant, said, who)


def type_in(work: Unit, merchant: str, said: Sequence[Typed], who: Who) -> list[Priced]:
    """The same in the caller's transaction, which must not be kept when it raises."""
    zone, known = _zone(work, merchant), costs.known(work.db, merchant, [one.sku for one in said])
    before = costs.of(work.db, merchant, [one.sku for one in said])
    made = [_priced(index, one, zone, known, before) for index, one in enumerate(said)]
    changed = [one for one in made if one.was != one.cost]
    costs.add(work.db, merchant, [(one.sku, one.cost, 0) for one in changed], who)
    for one in changed:
        work.ask(merchant, "post_costs", f"{OF_SKU}{one.sku}")
        became = {"cost": one.cost.text, "currency": one.cost.currency, "was": one.was.text if one.was else ""}
        audit.write(work.db, merchant, work.now, who.id, who.name, "books.cost", f"sku/{one.sku}", **became)
    return changed


def _priced(index: int, one: Typed, zone: str, known: Collection[str], before: Mapping[str, Sequence[UnitCost]]) -> Priced:
    if one.sku not in known or not one.sku:
        raise WrongCost(index, f"sku: there is no SKU {one.sku}")
    try:
        Money.parse("0", one.currency)
        moment = us(datetime.combine(one.first, time(), zone_of(zone))) if one.first else EVER
        cost = UnitCost(moment, parse(one.cost, one.currency), one.currency)
    except ValueError as error:
        raise WrongCost(index, f"cost: {error}") from None
    return Priced(one.sku, cost_at(before.get(one.sku, ()), moment), cost)


def _zone(work: Unit, merchant: str) -> str:
    books = journal.books(work.db, merchant)
    return books.zone if books else "UTC"


# ---- received


def received(work: Unit, merchant: str, one: Inbound, came: Iterable[Came], who: Who, hand: Mapping[str, int]) -> None:
    """A purchase came in: what its units cost is averaged with what lay there before (`hand`, by SKU)."""
    paid = costs.of_delivery(work.db, merchant, one.id) if one.kind is Kind.PURCHASE else {}
    units = {part.sku: part.good + part.damaged for part in came if part.sku in paid and part.good + part.damaged > 0}
    if not units:
        return
    known = costs.of(work.db, merchant, units)
    made = [(sku, _averaged(known.get(sku, ()), hand.get(sku, 0), count, *paid[sku], work.now), count) for sku, count in units.items()]
    costs.add(work.db, merchant, [(sku, cost, hand.get(sku, 0) + count) for sku, cost, count in made], who, one.id)
    for sku in units:
        if not known.get(sku):
            work.ask(merchant, "post_costs", f"{OF_SKU}{sku}")


def _averaged(known: Sequence[UnitCost], hand: int, units: int, cost: int, currency: str, now: int) -> UnitCost:
    return UnitCost(now, after_receipt(hand, cost_at(known, now), units, cost, currency), currency)
