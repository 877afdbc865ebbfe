"""Shipments, their lines and parcels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.order import Address, Order, Person
from core.domain.shipments import LAST_HOURS, PATIENCE, Load, Parts, State
from core.domain.workdays import ALWAYS, EVERY_DAY, Hours
from core.store import callings, captures, corrections
from core.store.sql import run, run_set
from core.store.vault import Box

_order = msgspec.json.Decoder(Order)
_parts = msgspec.json.Decoder(dict[str, int])
_address = msgspec.json.Decoder(Address)
OPEN = "('released', 'packed', 'labelled')"
TEXT = {"id": "text"}


@dataclass(frozen=True, slots=True)
class Site:
    """A location that sends. `address` is where its parcels come from; None: nobody said it yet. `zone`: its own time zone; "": the
    merchant's."""

    id: str
    name: str
    address: Address | None
    zone: str
    asked: bool = False  # somebody else sends from there, and is asked to
    hours: Hours = ALWAYS


SITE = """
select id, name, address, zone, cutoff, capacity, days, party is not null and kind in ('3pl', 'dropship', 'fba') as asked from locations
"""
SITES = f"{SITE} where merchant = :merchant and ships order by rank, id"


def sites(db: Connection, merchant: str) -> list[Site]:
    """In the order in which stock is taken from them."""
    return [_site(row) for row in run(db, SITES, merchant=merchant)]


ALL_SITES = f"{SITE} where merchant = :merchant order by rank, id"


def all_sites(db: Connection, merchant: str) -> list[Site]:
    """Every location, whether it sends or not."""
    return [_site(row) for row in run(db, ALL_SITES, merchant=merchant)]


def _site(row: Any) -> Site:
    return Site(row.id, row.name, _address.decode(row.address) if row.address else None, row.zone, bool(row.asked), hours_of(row))


@dataclass(frozen=True, slots=True)
class Days:
    """How working days are kept: days of the week, 0 is Monday, and holidays."""

    week: tuple[int, ...] = EVERY_DAY
    holidays: tuple[date, ...] = ()


_days = msgspec.json.Decoder(Days)


def hours_of(row: Any) -> Hours:
    """When a location sends, from its columns."""
    days = _days.decode(row.days) if row.days else Days()
    return Hours(days.week, days.holidays, time.fromisoformat(row.cutoff) if row.cutoff else None, row.capacity)


SET_HOURS = "update locations set cutoff = :cutoff, capacity = :capacity, days = :days where id = :id and merchant = :merchant"


def set_hours(db: Connection, merchant: str, id: str, hours: Hours) -> None:
    """On which days a location sends, until when, and how many parcels a day."""
    days = _text(Days(hours.week, hours.holidays)) if hours.week != EVERY_DAY or hours.holidays else None
    cutoff = hours.cutoff.strftime("%H:%M") if hours.cutoff else None
    run(db, SET_HOURS, id=id, merchant=merchant, cutoff=cutoff, capacity=hours.capacity, days=days)


LOAD = """
select r.location, (select count(*) from shipments s where s.merchant = r.merchant and s.state in ('released', 'packed', 'labelled')
    and s.location = r.location)
  + (select count(*) from shipments s where s.merchant = r.merchant and s.state = 'sent' and s.created_at > r.since - :window
    and s.location = r.location and s.sent_at >= r.since) as parcels
from {rows}
"""
WINDOW = 14 * 86_400_000_000  # who made a parcel ready longer ago than that counts it into no day any more


def load(db: Connection, merchant: str, since: Mapping[str, int]) -> dict[str, int]:
    """By location the parcels that wait there, and those that left since a moment of its own: what it has done of a day's work and has to
    do."""
    rows = [{"location": id, "since": at} for id, at in sorted(since.items())]
    found = run_set(db, LOAD, {"location": "text", "since": "bigint"}, rows, merchant=merchant, window=WINDOW) if rows else ()
    return {row.location: int(row.parcels) for row in found}


SET_SITE = "update locations set ships = :ships, address = :address, zone = :zone where id = :id and merchant = :merchant"


def set_site(db: Connection, merchant: str, id: str, *, ships: bool, address: Address | None, zone: str) -> None:
    """Whether a location sends, and from where."""
    run(db, SET_SITE, id=id, merchant=merchant, ships=ships, address=_text(address) if address else None, zone=zone)


def senders(db: Connection) -> list[str]:
    """The merchants that send something themselves."""
    return [row.merchant for row in run(db, "select distinct merchant from locations where ships order by merchant")]


# ---- what may be released

# When an order's turn is, as `turn` in core/domain/shipments.py says it.
TURN = """case when o.pay_until <= :ending then 0 when o.ship_by is null or o.ship_by > o.placed_at + :patience then o.placed_at + :patience
  when o.ship_by < o.placed_at then o.placed_at else o.ship_by end"""
WAITED, ENDING = (one // timedelta(microseconds=1) for one in (PATIENCE, LAST_HOURS))
TO_RELEASE = f"""
select distinct o.id, {TURN} as turn from order_lines l join orders o on o.id = l.order_id
where l.merchant = :merchant and l.held > l.released and l.ships and o.taken_at <= :began
  and (o.status in ('open', 'partially_fulfilled') or (o.status = 'pending_payment' and :unpaid) or (o.status = 'cancel_requested'
    and exists (select 1 from callings_off c where c.order_id = o.id and c.state = 'waived')))
  and o.copy_of is null and o.merged_into is null and ({TURN} > :turn or ({TURN} = :turn and o.id > :id))
order by turn, o.id limit :most
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """An order as sending it sees it; its row is locked. `person` says whom it goes to, with an address that one of us corrected. `off`:
    it is being called off at its channel; `waived`: its buyer's wish to cancel it is answered, and stops nothing; `uncaptured`: its
    payment could not be captured. `parts`: whether it is sent whole, as was said of it or else of its account; None: nobody said it.
    `torn`: its channel says another address than it did when one of us corrected it."""

    id: str
    ref: str
    name: str
    channel_id: str
    connection: str
    order: Order
    person: Person | None
    held: bool
    ship_by: int | None
    off: bool
    waived: bool
    uncaptured: bool = False
    parts: Parts | None = None
    torn: bool = False


PARTS_SETTING = "parts"  # of an account
PARTED = "o.parts, (select c.settings from connections c where c.id = o.connection) as account_settings"
SAID = f"o.id, o.connection, o.channel_id, o.name, o.doc, o.person, o.ship_to, o.ship_to_was, o.held_at, o.ship_by, {PARTED}"
FACTS = f"""
select {SAID} from orders o
where o.id in (select t.id from {{rows}} left join orders t on t.id = r.id and t.merchant || '' = :merchant {{fence}})
order by o.id {{lock}}
"""


Place = tuple[int, str]  # an order's turn and its id: where it stands among those that wait


def to_release(db: Connection, merchant: str, after: Place, most: int, *, began: int, unpaid: bool = False) -> list[tuple[str, int]]:
    """Orders (id, turn) behind this place with units that are reserved and in no shipment, that nothing known stops and that were taken
    before `began`: a pass over all of them ends, whatever comes in meanwhile."""
    turn, id = after
    rows = run(
        db, TO_RELEASE, merchant=merchant, turn=turn, id=id, most=most, began=began, unpaid=unpaid, patience=WAITED, ending=began + ENDING
    )
    return [(row.id, int(row.turn)) for row in rows]


def facts(db: Connection, merchant: str, ids: Iterable[str], box: Box) -> dict[str, Facts]:
    """These orders, locked until the transaction ends."""
    rows = [{"id": id} for id in sorted(set(ids))]
    found = run_set(db, FACTS, TEXT, rows, merchant=merchant).fetchall() if rows else []
    off, waived = callings.stopping(db, merchant, [row.id for row in found])  # once they are locked: a statement sees what was before it
    missed = captures.failed(db, merchant, [row.id for row in found])
    return {row.id: _facts(row, box, off=row.id in off, waived=row.id in waived, uncaptured=row.id in missed) for row in found}


def _facts(row: Any, box: Box, *, off: bool, waived: bool, uncaptured: bool = False) -> Facts:
    to, order, held = corrections.reached(row, row.id, box), _order.decode(row.doc), row.held_at is not None
    ref = f"{row.connection}/{row.channel_id}"
    return Facts(
        row.id, ref, row.name, row.channel_id, row.connection, order, to.person, held, row.ship_by, off, waived, uncaptured, parted(row),
        torn=to.torn,
    )  # fmt: skip


def parted(row: Any) -> Parts | None:
    """What was said of an order, or else of its account, of the columns PARTED."""
    said = row.parts or msgspec.json.decode(row.account_settings or "{}").get(PARTS_SETTING)
    return Parts(said) if said else None


SEEN_FACTS = f"""
select {SAID} from {{rows}}
left join orders o on o.id = r.id and o.merchant || '' = :merchant
"""


def seen(db: Connection, merchant: str, ids: Iterable[str], box: Box) -> dict[str, Facts]:
    """The same, not locked: to be looked at."""
    rows = [{"id": id} for id in sorted(set(ids))]
    found = run_set(db, SEEN_FACTS, TEXT, rows, merchant=merchant) if rows else ()
    return {row.id: _facts(row, box, off=False, waived=False) for row in found if row.id is not None}


LINES = """
select l.order_id, l.line, l.listing, l.sku, l.hold, l.held, l.released, l.ships, l.waits, l.decided from {rows}
left join order_lines l on l.order_id = r.id and l.merchant || '' = :merchant
"""


def lines(db: Connection, merchant: str, ids: Iterable[str]) -> list[Any]:
    """The lines of these orders, as they are booked."""
    rows = [{"id": id} for id in sorted(set(ids))]
    return [row for row in (run_set(db, LINES, TEXT, rows, merchant=merchant) if rows else ()) if row.order_id is not None]


IN_OPEN = """
select s.order_id, s.location, n.line, n.units, n.parts from {rows}
left join shipments s on s.order_id = r.id and s.state in ('released', 'packed', 'labelled') and s.merchant || '' = :merchant
  and s.again is null
left join shipment_lines n on n.shipment = s.id
"""


@dataclass(frozen=True, slots=True)
class Taken:
    order_id: str
    location: str
    line: str
    units: int
    parts: Mapping[str, int]


def loaded(db: Connection, merchant: str, ids: Iterable[str]) -> list[Taken]:
    """What open shipments of these orders have, but for what goes once more."""
    rows = [{"id": id} for id in sorted(set(ids))]
    found = run_set(db, IN_OPEN, TEXT, rows, merchant=merchant) if rows else ()
    return [Taken(row.order_id, row.location, row.line, row.units, _parts.decode(row.parts)) for row in found if row.line is not None]


CLAIMS = """
select s.order_id, s.id, s.location, n.line, n.units from {rows}
left join shipments s on s.order_id = r.id and s.merchant || '' = :merchant and s.again is null
  and (s.state in ('released', 'packed', 'labelled')
    or (s.state = 'sent' and exists (select 1 from parcels p where p.shipment = s.id and p.told_at is null)))
left join shipment_lines n on n.shipment = s.id order by s.order_id, s.number, n.line
"""


def claims(db: Connection, merchant: str, ids: Iterable[str]) -> list[Any]:
    """What shipments of these orders hold that their channels count as open: those that did not leave, or of which nobody was told."""
    rows = [{"id": id} for id in sorted(set(ids))]
    return [row for row in (run_set(db, CLAIMS, TEXT, rows, merchant=merchant) if rows else ()) if row.line is not None]


NUMBERS = "select r.id, coalesce(max(s.number), 0) as last from {rows} left join shipments s on s.order_id = r.id group by r.id"


def last_numbers(db: Connection, ids: Iterable[str]) -> dict[str, int]:
    """How many shipments these orders had."""
    rows = [{"id": id} for id in sorted(set(ids))]
    return {row.id: row.last for row in (run_set(db, NUMBERS, TEXT, rows) if rows else ())}


ADD = {"id": "text", "order_id": "text", "number": "int", "name": "text", "location": "text", "ship_by": "bigint", "person": "text",
       "again": "text", "way": "text"}  # fmt: skip
ADD_SHIPMENTS = """
insert into shipments (merchant, id, order_id, number, name, location, state, created_at, ship_by, person, again, way)
select :merchant, r.id, r.order_id, r.number, r.name, r.location, 'released', :now, r.ship_by, r.person, r.again, r.way from {rows}
"""
LINE = {"shipment": "text", "line": "text", "units": "int", "parts": "text", "title": "text"}
ADD_LINES = """
insert into shipment_lines (merchant, shipment, line, units, parts, title)
select :merchant, r.shipment, r.line, r.units, r.parts, r.title from {rows}
"""
PARCEL = {"id": "text", "shipment": "text", "number": "int", "token": "text", "weight_g": "int"}
ADD_PARCELS = """
insert into parcels (merchant, id, shipment, number, token, weight_g)
select :merchant, r.id, r.shipment, r.number, r.token, r.weight_g from {rows}
"""
MOVE = {"order_id": "text", "line": "text", "released": "int", "sent": "int"}
MOVE_LINES = """
update order_lines set released = order_lines.released + r.released, sent = order_lines.sent + r.sent
from {rows} where order_lines.order_id = r.order_id and order_lines.line = r.line
"""


def add(
    db: Connection, merchant: str, heads: Sequence[Mapping[str, Any]], loads: Sequence[tuple[str, Load]],
    parcels: Sequence[Mapping[str, Any]], now: int,
) -> None:  # fmt: skip
    """New shipments {id, order_id, number, name, location, ship_by, person; again, way where they are no usual ones} with what is in
    them, by their ids, and their parcels."""
    run_set(db, ADD_SHIPMENTS, ADD, [{"again": None, "way": "parcel", **head} for head in heads], merchant=merchant, now=now)
    rows = [{"shipment": id, "line": one.line, "units": one.units, "parts": _text(one.parts), "title": one.title} for id, one in loads]
    run_set(db, ADD_LINES, LINE, rows, merchant=merchant)
    run_set(db, ADD_PARCELS, PARCEL, parcels, merchant=merchant)


def move(db: Connection, rows: Iterable[tuple[str, str, int, int]]) -> None:
    """(order id, line, units more in open shipments, units more that left): both may be negative. The orders are locked."""
    moved = [{"order_id": order, "line": line, "released": released, "sent": sent} for order, line, released, sent in rows]
    if moved:
        run_set(db, MOVE_LINES, MOVE, moved)


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


# ---- as they are


@dataclass(frozen=True, slots=True)
class Shipment:
    """A shipment as it is. `way` is how it reaches its buyer, `again` why it goes once more, `goes_with` in whose parcel it goes."""

    id: str
    order_id: str
    number: int
    name: str
    location: str
    state: State
    created_at: int
    ship_by: int | None
    person: str
    connection: str | None
    service: str | None
    problem: str | None
    packed_at: int | None
    labelled_at: int | None
    sent_at: int | None
    ended_at: int | None
    way: str
    ready_at: int | None
    collect_until: int | None
    goes_with: str | None
    again: str | None
    tote: str | None = None  # what carries its goods to the bench


COLUMNS = """o.id, o.order_id, o.number, o.name, o.location, o.state, o.created_at, o.ship_by, o.person, o.connection, o.service, o.problem,
  o.packed_at, o.labelled_at, o.sent_at, o.ended_at, o.way, o.ready_at, o.collect_until, o.goes_with, o.again, o.tote"""
FIND = f"""
select {COLUMNS} from shipments o where o.id in (
  select t.id from {{rows}} left join shipments t on t.id = r.id and t.merchant || '' = :merchant {{fence}}) order by o.id {{lock}}
"""


def find(db: Connection, merchant: str, ids: Iterable[str]) -> dict[str, Shipment]:
    """These shipments, locked until the transaction ends. Their orders are locked before, where both are."""
    rows = [{"id": id} for id in sorted(set(ids))]
    return {row.id: _shipment(row) for row in (run_set(db, FIND, TEXT, rows, merchant=merchant) if rows else ())}


def _shipment(row: Any) -> Shipment:
    return Shipment(**{**row._mapping, "state": State(row.state)})


SEEN = f"select {COLUMNS} from {{rows}} left join shipments o on o.id = r.id and o.merchant || '' = :merchant"


def found(db: Connection, merchant: str, ids: Iterable[str]) -> dict[str, Shipment]:
    """These shipments as they are, not locked."""
    rows = [{"id": id} for id in sorted(set(ids))]
    return {row.id: _shipment(row) for row in (run_set(db, SEEN, TEXT, rows, merchant=merchant) if rows else ()) if row.id is not None}


ORDERS_OF = "select s.id, s.order_id from {rows} left join shipments s on s.id = r.id and s.merchant || '' = :merchant"


def orders_of(db: Connection, merchant: str, ids: Iterable[str]) -> dict[str, str]:
    """Our id of each shipment's order."""
    rows = [{"id": id} for id in sorted(set(ids))]
    found = run_set(db, ORDERS_OF, TEXT, rows, merchant=merchant) if rows else ()
    return {row.id: row.order_id for row in found if row.id is not None}


REFS = "select o.id, o.connection, o.channel_id from {rows} left join orders o on o.id = r.id and o.merchant || '' = :merchant"


def refs_of(db: Connection, merchant: str, orders: Iterable[str]) -> dict[str, str]:
    """The refs of these orders by our ids."""
    rows = [{"id": id} for id in sorted(set(orders))]
    found = run_set(db, REFS, TEXT, rows, merchant=merchant) if rows else ()
    return {row.id: f"{row.connection}/{row.channel_id}" for row in found if row.id is not None}


def by_name(db: Connection, merchant: str, name: str) -> str | None:
    """The id of the shipment whose papers say this; letters may be small or large."""
    return run(db, "select id from shipments where merchant = :merchant and name = :name", merchant=merchant, name=name.upper()).scalar()


OF_ORDER_NAMED = """
select s.id from orders o join shipments s on s.order_id = o.id where o.merchant = :merchant and o.name = :name order by s.number
"""


def of_order_named(db: Connection, merchant: str, name: str) -> list[str]:
    """Ids of all shipments of the orders that a channel calls so."""
    return list(run(db, OF_ORDER_NAMED, merchant=merchant, name=name).scalars())


LOADS = """
select n.shipment, n.line, n.title, n.units, n.parts from {rows}
left join shipment_lines n on n.shipment = r.id and n.merchant || '' = :merchant order by n.shipment, n.line
"""


def loads(db: Connection, merchant: str, ids: Iterable[str]) -> dict[str, list[Load]]:
    """What is in these shipments."""
    found: dict[str, list[Load]] = {}
    rows = [{"id": id} for id in sorted(set(ids))]
    for row in run_set(db, LOADS, TEXT, rows, merchant=merchant) if rows else ():
        if row.line is not None:
            found.setdefault(row.shipment, []).append(Load(row.line, row.title, row.units, _parts.decode(row.parts)))
    return found


LESS = {"line": "text", "units": "int"}
LESSEN = """
update shipment_lines set units = shipment_lines.units - r.units from {rows}
where shipment_lines.shipment = :shipment and shipment_lines.line = r.line
"""
EMPTIED = "delete from shipment_lines where shipment = :shipment and units = 0"


def lessen(db: Connection, shipment: str, units: Mapping[str, int]) -> None:
    """So many units of each line are in this shipment no more; a line of which none is left goes. It is locked."""
    rows = [{"line": line, "units": less} for line, less in sorted(units.items())]
    run_set(db, LESSEN, LESS, rows, shipment=shipment)
    run(db, EMPTIED, shipment=shipment)


# Open shipments whose order is cancelled, or has less reserved than they hold: what was asked to look at them may have been lost.
CHANGED = """
select s.order_id from shipments s join orders o on o.id = s.order_id
where s.merchant = :merchant and s.state in ('released', 'packed', 'labelled') and coalesce(s.problem, 'moving') in ('moving', 'not_moved')
  and (o.status = 'cancelled' or exists (
    select 1 from shipment_lines i join order_lines l on l.order_id = s.order_id and l.line = i.line
    where i.shipment = s.id and s.again is null and l.released > l.held))
order by s.id limit :most
"""


def changed(db: Connection, merchant: str, most: int) -> list[str]:
    """Orders whose open shipments cannot leave as they are."""
    return list(dict.fromkeys(row.order_id for row in run(db, CHANGED, merchant=merchant, most=most)))


EARLIER = """
select s.id, n.line, n.units, e.id as other from {rows} left join shipments s on s.id = r.id and s.merchant || '' = :merchant
left join shipments e on e.order_id = s.order_id and e.number < s.number and e.state <> 'cancelled' and e.again is null
left join shipment_lines n on n.shipment = e.id
"""


def earlier(db: Connection, merchant: str, ids: Iterable[str]) -> dict[str, dict[str, int]]:
    """Units by line in the shipments of the same order that were made before each of these; those that are the first are not in it."""
    rows, found = [{"id": id} for id in sorted(set(ids))], dict[str, dict[str, int]]()
    for row in run_set(db, EARLIER, TEXT, rows, merchant=merchant) if rows else ():
        if row.other is not None:
            mine = found.setdefault(row.id, {})
            mine[row.line] = mine.get(row.line, 0) + row.units
    return found


# ---- totes


IN_TOTE = "select o.id, o.name from shipments o where o.merchant = :merchant and o.tote = :tote {lock}"
BIND = "update shipments set tote = :tote where id = :id and merchant = :merchant"


def in_tote(db: Connection, merchant: str, tote: str) -> Any | None:
    """{id, name} of the open shipment whose goods lie in this tote, locked."""
    return run(db, IN_TOTE, merchant=merchant, tote=tote).first()


def lock_totes(db: Connection, merchant: str) -> None:
    """Until the transaction ends nobody else binds totes of this merchant's."""
    run(db, "select o.id from merchants o where o.id = :merchant {lock}", merchant=merchant)


def bind(db: Connection, merchant: str, id: str, tote: str | None) -> None:
    """Its goods lie in this tote from now on, or in none. Both are locked."""
    run(db, BIND, merchant=merchant, id=id, tote=tote)


SENT_OF = "select id from shipments where order_id = :order and state = 'sent' and merchant || '' = :merchant order by number"


def sent_of(db: Connection, merchant: str, order: str) -> list[str]:
    """Ids of the shipments of an order that left."""
    return list(run(db, SENT_OF, order=order, merchant=merchant).scalars())


OF_ORDERS = f"""
select {COLUMNS} from shipments o where o.id in (
  select t.id from {{rows}} left join shipments t on t.order_id = r.id and t.state in {OPEN} and t.merchant || '' = :merchant {{fence}})
order by o.id {{lock}}
"""


def open_of(db: Connection, merchant: str, orders: Iterable[str]) -> list[Shipment]:
    """Open shipments of these orders, locked. The orders are locked before."""
    rows = [{"id": id} for id in sorted(set(orders))]
    return [_shipment(row) for row in (run_set(db, OF_ORDERS, TEXT, rows, merchant=merchant) if rows else ())]


SET = {"id": "text", "state": "text", "problem": "text"}
SET_STATE = """
update shipments set state = r.state, problem = r.problem,
  packed_at = case when r.state = 'packed' then :now else packed_at end,
  labelled_at = case when r.state = 'labelled' then :now else labelled_at end,
  sent_at = case when r.state = 'sent' then :now else sent_at end,
  ended_at = case when r.state = 'cancelled' then :now else ended_at end,
  tote = case when r.state in ('sent', 'cancelled') then null else tote end
from {rows} where shipments.id = r.id
"""


def set_state(db: Connection, states: Mapping[str, tuple[State, str | None]], now: int) -> None:
    """Shipments are in these states from now on, each with its problem or without one. They are locked."""
    rows = [{"id": id, "state": state, "problem": problem} for id, (state, problem) in sorted(states.items())]
    if rows:
        run_set(db, SET_STATE, SET, rows, now=now)


def choose(db: Connection, id: str, connection: str, service: str) -> None:
    """By which service of which carrier it goes; what was wrong with another one counts no more."""
    sql = "update shipments set connection = :connection, service = :service, problem = null, problem_words = null where id = :id"
    run(db, sql, id=id, connection=connection, service=service)


def set_person(db: Connection, id: str, person: str) -> None:
    """Whom it goes to from now on: a hash, as `Shipment.person`."""
    run(db, "update shipments set person = :person where id = :id", id=id, person=person)


ONE_PARCEL = """
select s.id from {rows} left join shipments mine on mine.id = r.id and mine.merchant || '' = :merchant
left join shipments s on s.id = coalesce(mine.goes_with, mine.id)
union
select s.id from {rows} left join shipments mine on mine.id = r.id and mine.merchant || '' = :merchant
left join shipments s on s.merchant = :merchant and s.goes_with = coalesce(mine.goes_with, mine.id)
"""


def one_parcel(db: Connection, merchant: str, ids: Iterable[str]) -> list[str]:
    """These and all that go in one parcel with one of them."""
    rows = [{"id": id} for id in sorted(set(ids))]
    return sorted({row.id for row in (run_set(db, ONE_PARCEL, TEXT, rows, merchant=merchant) if rows else ()) if row.id})


MATES = """
select other.order_id from {rows} left join shipments mine on mine.order_id = r.id and mine.merchant || '' = :merchant
  and mine.state in ('released', 'packed', 'labelled')
left join shipments other on other.id = mine.goes_with
union
select other.order_id from {rows} left join shipments mine on mine.order_id = r.id and mine.merchant || '' = :merchant
  and mine.state in ('released', 'packed', 'labelled')
left join shipments other on other.merchant = :merchant and other.goes_with = coalesce(mine.goes_with, mine.id)
"""


def mates(db: Connection, merchant: str, orders: Iterable[str]) -> list[str]:
    """These orders, and those of which something goes in one parcel with theirs."""
    rows = [{"id": id} for id in sorted(set(orders))]
    found = {row.order_id for row in (run_set(db, MATES, TEXT, rows, merchant=merchant) if rows else ()) if row.order_id}
    return sorted({*orders, *found})


def set_goes_with(db: Connection, ids: Iterable[str], lead: str | None) -> None:
    """In whose parcel these go; None: each in its own."""
    rows = [{"id": id} for id in sorted(set(ids))]
    if rows:
        run_set(db, "update shipments set goes_with = :lead from {rows} where shipments.id = r.id", TEXT, rows, lead=lead)


JOINED = """
select s.order_id from shipments s where s.merchant = :merchant and s.goes_with is not null
  and s.state in ('released', 'packed', 'labelled') order by s.id limit :most
"""
LEADS = """
select lead.order_id from shipments s join shipments lead on lead.id = s.goes_with where s.merchant = :merchant and s.goes_with is not null
  and s.state in ('released', 'packed', 'labelled') order by s.id limit :most
"""


def joined(db: Connection, merchant: str, most: int) -> list[str]:
    """Orders of which something open goes in one parcel with another's."""
    found = [row.order_id for sql in (JOINED, LEADS) for row in run(db, sql, merchant=merchant, most=most)]
    return list(dict.fromkeys(found))


COLLECT = """
update shipments set state = :state, problem = null, ready_at = :ready_at, collect_until = :until,
  packed_at = case when :state = 'packed' then coalesce(packed_at, :now) else packed_at end where id = :id
"""


def set_collecting(db: Connection, id: str, state: State, ready_at: int | None, until: int | None, now: int) -> None:
    """Since when and until when it can be fetched; None: it cannot."""
    run(db, COLLECT, id=id, state=state, ready_at=ready_at, until=until, now=now)


def set_collected(db: Connection, id: str, now: int) -> None:
    run(db, "update shipments set collected_at = :now where id = :id", id=id, now=now)


EXPIRE = """
update shipments set problem = 'not_collected' where merchant = :merchant and state = 'packed' and problem is null and way = 'pickup'
  and collect_until <= :now
"""


def expire(db: Connection, merchant: str, now: int) -> None:
    """What nobody fetched in time waits for somebody to decide."""
    run(db, EXPIRE, merchant=merchant, now=now)


def set_problem(db: Connection, id: str, problem: str | None, words: str | None = None) -> None:
    """Why it does not go on, with sealed words of a carrier's."""
    run(db, "update shipments set problem = :problem, problem_words = :words where id = :id", id=id, problem=problem, words=words)


SET_PARTS = "update orders set parts = :parts where id = :id and merchant = :merchant"
WAIT_ON = "update order_lines set decided = 'backorder' where order_id = :id and merchant || '' = :merchant and decided = 'partial'"


def set_parts(db: Connection, merchant: str, id: str, parts: Parts | None) -> None:
    """Whether an order is sent whole; None: as its account or the rules say. Where it is, what is there waits for what is not."""
    run(db, SET_PARTS, id=id, merchant=merchant, parts=parts.value if parts else None)
    if parts is Parts.WHOLE:
        run(db, WAIT_ON, id=id, merchant=merchant)


SHOPPING = """
select t.subject from {rows}
left join tasks t on t.merchant = r.merchant and t.kind = 'shop_rates' and t.subject = r.subject and t.state in ('due', 'running', 'parked')
  and t.state <> 'parked' and t.tries <= case when t.state = 'running' then 1 else 0 end
"""


def unasked(db: Connection, merchant: str, subjects: Iterable[str]) -> set[str]:
    """Those of these questions about prices that have not had a first answer yet."""
    rows = [{"subject": subject} for subject in subjects]
    found = run_set(db, SHOPPING, {"subject": "text"}, rows, merchant=merchant) if rows else ()
    return {row.subject for row in found if row.subject}


PAGE = """
select s.id, s.name, s.state, s.problem, s.created_at, s.ship_by, s.sent_at, s.order_id, o.name as order_name, t.name as location_name,
  (select sum(n.units) from shipment_lines n where n.shipment = s.id) as units,
  (select min(p.tracking) from parcels p where p.shipment = s.id) as tracking
from {rows} join shipments s on s.merchant = r.merchant and s.state = r.state
join orders o on o.id = s.order_id left join locations t on t.id = s.location
order by case when o.pay_until <= :soon then 0 else 1 end, coalesce(s.ship_by, 9000000000000000), s.created_at, s.id limit :most
"""


def page(db: Connection, merchant: str, states: Iterable[str], most: int, soon: int = 0) -> list[Any]:
    """Shipments in these states, those that are due first at the head; before them those whose payment must be captured until `soon`."""
    return list(run_set(db, PAGE, {"state": "text"}, [{"state": state} for state in states], merchant=merchant, most=most, soon=soon))
