"""Orders and their lines. The canonical order lies in `doc` as JSON, its person sealed beside it."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain import holds
from core.domain.kin import named
from core.domain.order import Order, OrderStatus, Person
from core.domain.places import PlaceMap
from core.domain.taxation import destination
from core.store.sql import by_ref, run, run_set
from core.store.tables import us
from core.store.vault import Box

FINAL = timedelta(seconds=5) // timedelta(microseconds=1)  # channels tell whole seconds, by clocks of their own
KEPT = timedelta(days=44)  # fourteen days to deliver and thirty after that (Amazon's data protection policy)
PARTS = ("payments", "holds", "routing", "risk", "due_at")
CORE = tuple(field.name for field in fields(Order) if field.name not in ("person", *PARTS))
DEFAULTS = {field.name: field.default for field in fields(Order)}

_encode = msgspec.json.Encoder().encode
_order = msgspec.json.Decoder(Order)
_person = msgspec.json.Decoder(Person)


@dataclass(frozen=True, slots=True)
class Written:
    """An order as it is kept: `doc` without its person, `person` as bytes, `digest` over both less the parts with a read of their own,
    `read_at` as in Kept."""

    order: Order
    doc: bytes
    person: bytes | None
    digest: str
    read_at: int | None = None
    history: bool = False  # it came with the backfill, and was over


def write(order: Order, read_at: int | None = None) -> Written:
    core, person = _json(order, CORE), _encode(order.person) if order.person else None
    digest = hashlib.blake2b(core + (person or b""), digest_size=16).hexdigest()
    if all(getattr(order, part) is None for part in PARTS):
        return Written(order, core, person, digest, read_at)
    return Written(order, _json(order, CORE + PARTS), person, digest, read_at)


def _json(order: Order, names: Iterable[str]) -> bytes:
    """The fields of these names, less those that only say their default."""
    return _encode({name: value for name in names if (value := getattr(order, name)) != DEFAULTS[name]})


def merge(order: Order, known: Order | None) -> Order:
    """Parts that this look did not read keep what an earlier one saw."""
    if known is None:
        return order
    kept = {part: getattr(known, part) for part in PARTS if getattr(order, part) is None and getattr(known, part) is not None}
    return replace(order, **kept) if kept else order


def brings_parts(order: Order, known: Order) -> bool:
    """This look read a part that the earlier one did not, or saw it otherwise."""
    return any(getattr(order, part) not in (None, getattr(known, part)) for part in PARTS)


@dataclass(frozen=True, slots=True)
class Known:
    """An order that is already here; `read_at` as in Kept, `names`, `copy_of` and `merged_into` as its kin were found last."""

    id: str
    order: Order
    revision: int
    digest: str
    read_at: int | None
    names: str | None = None
    copy_of: str | None = None
    merged_into: str | None = None
    has_words: bool = True  # it can be searched for: what was kept before that is indexed later
    saved_at: int = 0
    goes_to: str | None = None  # country, and region: kept when the address is not any more

    @property
    def destination(self) -> str:
        """Where it goes, also where that was not written down yet; "" where nobody knows any more."""
        return self.goes_to or destination(self.order.person) or ""

    @property
    def final(self) -> bool:
        """It was read so long after its last change that no other change can carry the same mark."""
        return self.read_at is not None and self.read_at >= self.revision + FINAL


REFS = {"connection": "text", "channel_id": "text"}
THESE = """(select t.id from {rows}
  left join orders t on t.connection = r.connection and t.channel_id = r.channel_id and t.merchant || '' = :merchant {fence})"""
FIND = f"""
select o.id, o.connection, o.channel_id, o.revision, o.digest, o.read_at, o.doc, o.person, o.source_id, o.copy_of, o.merged_into, o.status,
  o.saved_at, o.destination
from orders o where o.id in {THESE} order by o.id {{lock}}
"""


def find(db: Connection, merchant: str, refs: Iterable[str], box: Box) -> dict[str, Known]:
    """The known ones among these orders by ref, locked until the transaction ends."""
    rows = by_ref(refs)
    found = run_set(db, FIND, REFS, rows, merchant=merchant)
    return {f"{row.connection}/{row.channel_id}": _known(row, box) for row in found}


def _known(row: Any, box: Box) -> Known:
    kin = (row.source_id, row.copy_of, row.merged_into)
    more = {"has_words": row.status is not None, "saved_at": row.saved_at, "goes_to": row.destination}
    return Known(row.id, _read(row, box), row.revision, row.digest, row.read_at, *kin, **more)


def _read(row: Any, box: Box) -> Order:
    order = _order.decode(row.doc)
    if row.person is None:
        return order
    return replace(order, person=_person.decode(box.open_text(f"orders|person|{row.id}", row.person)))


LISTED = {"status": "text", "payment": "text", "fulfillment": "text", "units": "int", "test": "boolean"}
SAVED = {
    "id": "text", "connection": "text", "channel_id": "text", "name": "text", "revision": "bigint", "digest": "text", "placed_at": "bigint",
    "currency": "text", "total": "bigint", "doc": "text", "person": "text", "person_until": "bigint", "problems": "text",
    "read_at": "bigint", "source_id": "text", "history": "boolean", "ship_by": "bigint",
    "pay_until": "bigint", "destination": "text", **LISTED,
}  # fmt: skip
CAN_BE_HELD = ", ".join(f"'{status}'" for status in sorted(holds.CAN_BE_HELD))
SHOWN = f"case when orders.held_at is not null and excluded.status in ({CAN_BE_HELD}) then '{OrderStatus.ON_HOLD}' else excluded.status end"
SAVE = f"""
insert into orders (id, merchant, connection, channel_id, name, revision, digest, placed_at, currency, total, doc, person, person_until,
                    problems, taken_at, saved_at, read_at, source_id, history, ship_by, pay_until, status, payment, fulfillment, units,
                    test, destination)
select r.id, :merchant, r.connection, r.channel_id, r.name, r.revision, r.digest, r.placed_at, r.currency, r.total, r.doc, r.person,
       r.person_until, r.problems, :now, :now, r.read_at, r.source_id, r.history, r.ship_by, r.pay_until, r.status, r.payment,
       r.fulfillment, r.units, r.test, r.destination
from {{rows}} where true
on conflict (connection, channel_id) do update set name = excluded.name, revision = excluded.revision, digest = excluded.digest,
  placed_at = excluded.placed_at, currency = excluded.currency, total = excluded.total, doc = excluded.doc, person = excluded.person,
  ship_to = case when excluded.person is null then null else orders.ship_to end,
  ship_to_was = case when excluded.person is null then null else orders.ship_to_was end,
  person_until = excluded.person_until, problems = excluded.problems, saved_at = excluded.saved_at,
  read_at = excluded.read_at, source_id = excluded.source_id, ship_by = excluded.ship_by, pay_until = excluded.pay_until,
  status = {SHOWN},
  payment = excluded.payment, fulfillment = excluded.fulfillment, units = excluded.units, test = excluded.test,
  destination = coalesce(excluded.destination, orders.destination)
where orders.id = excluded.id and excluded.revision >= orders.revision
returning id
"""


def save(db: Connection, merchant: str, rows: Sequence[tuple[str, Written]], box: Box, now: int) -> set[str]:
    """Write these orders under their ids; gives the ids that were written. One that somebody wrote first is left alone."""
    if not rows:
        return set()
    return {row.id for row in run_set(db, SAVE, SAVED, [_row(id, one, box, now) for id, one in rows], merchant=merchant, now=now)}


def kept_until(order: Order) -> int:
    """Until when its buyer's data may be held."""
    return us((order.ship_by or order.placed_at) + KEPT)


def listed(order: Order) -> dict[str, Any]:
    """What lists show and are filtered by: columns beside the document that says the same."""
    fulfillment, units = order.fulfillment_status, sum([line.ordered for line in order.lines])
    states = {"status": order.status_with(fulfillment).value, "payment": order.payment_status.value, "fulfillment": fulfillment.value}
    return {**states, "units": units, "test": order.test}


def _row(id: str, one: Written, box: Box, now: int) -> dict[str, Any]:
    """A buyer whose data is past its time is not written."""
    order, problems, until = one.order, one.order.problems(), kept_until(one.order)
    person = one.person if until > now else None
    return {
        "id": id,
        "connection": order.connection,
        "channel_id": order.id,
        "name": order.name,
        "revision": us(order.revision),
        "digest": one.digest,
        "placed_at": us(order.placed_at),
        "currency": order.currency,
        "total": order.total.minor,
        "doc": one.doc.decode(),
        "person": box.seal_text(f"orders|person|{id}", person) if person else None,
        "person_until": until if person else None,
        "problems": "\n".join(problems) or None,
        "read_at": one.read_at,
        "source_id": named(order),
        "history": one.history,
        "ship_by": us(order.ship_by) if order.ship_by else None,
        "pay_until": us(order.pay_until) if order.pay_until else None,
        "destination": destination(order.person),
        **listed(order),
    }


UNINDEXED = "select connection, channel_id from orders where merchant = :merchant and status is null order by placed_at desc limit :most"
INDEX = """
update orders set status = r.status, payment = r.payment, fulfillment = r.fulfillment, units = r.units, test = r.test from {rows}
where orders.id = r.id and orders.merchant || '' = :merchant
"""


def unindexed(db: Connection, merchant: str, most: int) -> list[str]:
    """Refs of orders that were kept before they could be filtered and searched, the newest first."""
    return [f"{row.connection}/{row.channel_id}" for row in run(db, UNINDEXED, merchant=merchant, most=most)]


def index(db: Connection, merchant: str, found: Sequence[tuple[str, Order]]) -> None:
    """Write down the statuses of these orders, by our ids. They are locked."""
    rows = [{"id": id, **listed(order)} for id, order in found]
    if rows:
        run_set(db, INDEX, {"id": "text", **LISTED}, rows, merchant=merchant)


GO_TO = """
update orders set destination = r.destination from {rows} where orders.id = r.id and orders.destination is null
  and orders.merchant || '' = :merchant
"""
LEFT_FROM = f"""
select o.connection, o.channel_id, t.address from orders o join shipments s on s.order_id = o.id and s.sent_at is not null
join locations t on t.id = s.location and t.address is not null where o.id in {THESE} order by s.sent_at desc, s.id desc
"""
HOME = "select t.address from locations t where t.merchant = :merchant and t.address is not null order by t.rank, t.id limit 1"


def go_to(db: Connection, merchant: str, found: Iterable[Known]) -> None:
    """Where these go is written down, of those that were kept before that was. They are locked."""
    rows = [{"id": one.id, "destination": one.destination} for one in found if one.goes_to is None and one.destination]
    if rows:
        run_set(db, GO_TO, {"id": "text", "destination": "text"}, rows, merchant=merchant)


def left_from(db: Connection, merchant: str, refs: Iterable[str]) -> dict[str, str]:
    """From which country the first parcel of each of these left, by ref; without those of which none did."""
    rows = by_ref(refs)
    found = run_set(db, LEFT_FROM, REFS, rows, merchant=merchant) if rows else ()
    return {f"{row.connection}/{row.channel_id}": _country(row.address) for row in found}


def home(db: Connection, merchant: str) -> str:
    """The country of the first location whose address is known: parcels leave from there; "" where none is."""
    return _country(run(db, HOME, merchant=merchant).scalar() or "{}")


def _country(address: str) -> str:
    return str(msgspec.json.decode(address).get("country", "")).upper()[:2]


LINES = {
    "order_id": "text", "line": "text", "listing": "text", "sku": "text", "hold": "int", "gone": "int", "back": "int", "back_to": "text",
    "ships": "boolean", "held": "int", "booked_gone": "int", "booked_back": "int", "waits": "text", "assigned": "text",
    "merge_key": "text",
}  # fmt: skip
SAVE_LINES = """
insert into order_lines (merchant, order_id, line, listing, sku, hold, gone, back, back_to, ships, held, booked_gone, booked_back, waits,
                         assigned, merge_key)
select :merchant, r.order_id, r.line, r.listing, r.sku, r.hold, r.gone, r.back, r.back_to, r.ships, r.held, r.booked_gone, r.booked_back,
       r.waits, r.assigned, r.merge_key
from {rows} where true
on conflict (order_id, line) do update set listing = excluded.listing, sku = excluded.sku, hold = excluded.hold, gone = excluded.gone,
  back = excluded.back, back_to = excluded.back_to, ships = excluded.ships, held = excluded.held, booked_gone = excluded.booked_gone,
  booked_back = excluded.booked_back, waits = excluded.waits, assigned = excluded.assigned, merge_key = excluded.merge_key,
  decided = case when excluded.waits is not null then order_lines.decided end
"""
BOOKED = """
select l.order_id, l.line, l.held, l.booked_gone, l.booked_back, l.waits, l.ours, l.sent
from {rows} left join order_lines l on l.order_id = r.order_id and l.merchant || '' = :merchant
"""


@dataclass(frozen=True, slots=True)
class Booked:
    """What of a line is reserved, has left and came back in our books, and what it waits for; `ours`: units that one of us said shall be
    sent from a location; `sent`: units that left in shipments of ours."""

    held: int
    gone: int
    back: int
    waits: str | None
    ours: Mapping[str, int] = field(default_factory=dict)
    sent: int = 0


UNBOOKED = Booked(0, 0, 0, None)


def save_lines(db: Connection, merchant: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what each line demands and what is booked of it. Their orders are locked, or new."""
    if rows:
        run_set(db, SAVE_LINES, LINES, rows, merchant=merchant)


def booked(db: Connection, merchant: str, orders: Iterable[str]) -> dict[tuple[str, str], Booked]:
    """What is booked of the lines of these orders, by (order id, line)."""
    rows = [{"order_id": id} for id in orders]
    found = run_set(db, BOOKED, {"order_id": "text"}, rows, merchant=merchant) if rows else ()
    return {(row.order_id, row.line): booked_of(row) for row in found if row.order_id}


def booked_of(row: Any) -> Booked:
    """From a row with what is booked of a line."""
    ours = msgspec.json.decode(row.ours) if row.ours else {}
    return Booked(row.held, row.booked_gone, row.booked_back, row.waits, ours, row.sent)


# The lines are read by a statement of their own: one that waited for the lock would show them as they were before.
LOCK = f"""
select o.id from orders o where o.id in {THESE} order by o.id {{lock}}
"""
OPEN = f"""
select o.id as order_id, o.connection, o.channel_id, o.placed_at, l.line, l.listing, l.sku, l.hold, l.gone, l.back, l.held,
       l.booked_gone, l.booked_back, l.back_to, l.ships, l.waits, l.assigned, l.merge_key, l.ours,
       l.sent, l.released
from orders o join order_lines l on l.order_id = o.id where o.id in {THESE} order by o.id, l.line
"""


def lines_of(db: Connection, merchant: str, refs: Iterable[str]) -> list[Any]:
    """Every line of these orders with its dues and books; the orders are locked."""
    rows = by_ref(refs)
    run_set(db, LOCK, REFS, rows, merchant=merchant)
    return list(run_set(db, OPEN, REFS, rows, merchant=merchant))


# Only those that another look helps: a part that is short, or a listing without parts, would be asked for again for ever.
WAITING = """
select distinct o.connection, o.channel_id, o.placed_at
from order_lines l join orders o on o.id = l.order_id
join listings g on g.connection = o.connection and g.listing = l.listing and g.sku = l.sku
where l.merchant = :merchant and l.waits = :waits and exists (select 1 from listing_parts p where p.listing_id = g.id)
  and (l.waits <> 'stock' or not exists (
    select 1 from listing_parts p where p.listing_id = g.id and p.units > (
      select coalesce(sum(v.on_hand - v.reserved), 0) from place_locations m
      join levels v on v.merchant = l.merchant and v.sku = p.sku and v.location = m.location where m.connection = o.connection)))
  and (l.waits <> 'stock' or not g.alone or exists (
    select 1 from place_locations m where m.connection = o.connection and not exists (
      select 1 from listing_parts p where p.listing_id = g.id and p.units > coalesce((
        select v.on_hand - v.reserved from levels v where v.merchant = l.merchant and v.sku = p.sku and v.location = m.location), 0))))
order by o.placed_at limit :most
"""


def waiting(db: Connection, merchant: str, waits: str, most: int = 1000) -> list[str]:
    """Refs of the orders with a line that waits for "stock" or "mapping" and need not any more, oldest first."""
    return [f"{row.connection}/{row.channel_id}" for row in run(db, WAITING, merchant=merchant, waits=waits, most=most)]


SELLING = """
select o.connection, o.channel_id from listings g
join listing_parts p on p.listing_id = g.id
join reservations r on r.merchant = p.merchant and r.sku = p.sku
join order_lines l on l.order_id = r.order_id and l.line = r.line and l.listing = g.listing and l.sku = g.sku
join orders o on o.id = l.order_id and o.connection || '' = g.connection
where g.merchant || '' = :merchant and g.connection = :connection and g.listing = :listing and g.sku = :sku
union
select o.connection, o.channel_id from order_lines l join orders o on o.id = l.order_id
where l.merchant = :merchant and l.waits is not null and o.connection || '' = :connection and l.listing = :listing and l.sku = :sku
"""


def selling(db: Connection, merchant: str, name: tuple[str, str, str]) -> list[str]:
    """Refs of the orders that hold units for a listing (connection, listing, SKU), or wait for them."""
    rows = run(db, SELLING, merchant=merchant, connection=name[0], listing=name[1], sku=name[2])
    return [f"{row.connection}/{row.channel_id}" for row in rows]


OPEN_UNITS = """
select trim(l.sku) as sku, l.assigned, sum(l.hold) as units, count(*) as lines from order_lines l join orders o on o.id = l.order_id
where l.merchant = :merchant and l.hold > 0 and l.ships and (:connection = '' or o.connection = :connection) group by 1, 2
"""


def open_units(db: Connection, merchant: str, connection: str = "") -> Counter[tuple[str, str]]:
    """Units that are sold and not sent, by the SKU that the channel names and our location that it sends them from; "" where it did not
    say."""
    found = Counter[tuple[str, str]]()
    for row in run(db, OPEN_UNITS, merchant=merchant, connection=connection):
        left = int(row.units)
        for location, units in (msgspec.json.decode(row.assigned) if row.assigned else {}).items():
            mine = min(units * row.lines, left)
            found[row.sku or "", location] += mine
            left -= mine
        found[row.sku or "", ""] += left
    return found


OPEN_AT = """
select g.id, g.place, l.order_id, l.line, l.hold, l.assigned from {rows}
join listings g on g.id = r.id join listing_parts p on p.listing_id = g.id
join reservations v on v.merchant = r.merchant and v.sku = p.sku
join order_lines l on l.order_id = v.order_id and l.line = v.line and l.listing = g.listing and l.sku = g.sku
join orders o on o.id = l.order_id and o.connection = g.connection
union
select g.id, g.place, l.order_id, l.line, l.hold, l.assigned from {rows}
join listings g on g.id = r.id
join order_lines l on l.merchant = r.merchant and l.waits = 'stock' and l.listing = g.listing and l.sku = g.sku
join orders o on o.id = l.order_id and o.connection = g.connection
"""


def open_at(db: Connection, merchant: str, ids: Iterable[int], places: PlaceMap) -> Counter[int]:
    """Units of these rows of listings that the connection's own orders wait to have sent from there."""
    rows, found = [{"id": id} for id in ids], Counter[int]()
    for row in run_set(db, OPEN_AT, {"id": "bigint"}, rows, merchant=merchant):
        found[row.id] += _units_at(places, row.place, row.hold, msgspec.json.decode(row.assigned) if row.assigned else {})
    return found


def _units_at(places: PlaceMap, place: str, hold: int, assigned: Mapping[str, int]) -> int:
    """What the channel did not assign is where it begins."""
    mine = places.ours.get(place, ())
    first = next((one for one, some in places.ours.items() if places.locations[:1] and places.locations[0] in some), "")
    return sum(units for location, units in assigned.items() if location in mine) + (
        max(0, hold - sum(assigned.values())) if place == first else 0
    )


AFTER = """
select channel_id from orders where connection = :connection and channel_id > :after and merchant || '' = :merchant and not history
order by channel_id limit :most
"""


def after(db: Connection, merchant: str, connection: str, channel_id: str, most: int) -> list[str]:
    """Refs of a connection's orders in the order of their channel ids, after the given one."""
    rows = run(db, AFTER, merchant=merchant, connection=connection, after=channel_id, most=most)
    return [f"{connection}/{row.channel_id}" for row in rows]


COPIES = f"""
select r.channel_id, o.revision, case when o.read_at >= o.revision + {FINAL} then null else o.doc end as doc from {{rows}}
left join orders o on o.connection = r.connection and o.channel_id = r.channel_id and o.merchant || '' = :merchant
"""


def copies(db: Connection, merchant: str, connection: str, channel_ids: Iterable[str]) -> dict[str, tuple[int, Order | None]]:
    """How new our copies of these orders are by channel id; with the order, less its person, unless the copy is final."""
    rows = [{"connection": connection, "channel_id": one} for one in channel_ids]
    found = run_set(db, COPIES, REFS, rows, merchant=merchant) if rows else ()
    return {row.channel_id: (row.revision, row.doc and _order.decode(row.doc)) for row in found if row.revision is not None}


DUE = """
select o.connection, o.channel_id, o.doc from {rows} left join orders o on o.connection = r.connection and o.channel_id = r.channel_id
where o.merchant || '' = :merchant
"""


class _Due(msgspec.Struct):
    due_at: datetime | None = None


_due = msgspec.json.Decoder(_Due)


def due(db: Connection, merchant: str, refs: Iterable[str]) -> dict[str, datetime]:
    """Of those of these orders that are on payment terms, by when all must be paid."""
    rows = by_ref(sorted(refs))
    found = run_set(db, DUE, REFS, rows, merchant=merchant) if rows else ()
    told = {f"{row.connection}/{row.channel_id}": _due.decode(row.doc).due_at for row in found if row.doc}
    return {ref: at for ref, at in told.items() if at}


LATEST = """
select o.id, o.connection, o.channel_id, o.name, o.placed_at, o.currency, o.total, o.problems, o.doc, c.channel,
       (select max(l.waits) from order_lines l where l.order_id = o.id) as waits, o.copy_of, o.merged_into
from orders o join connections c on c.id = o.connection
where o.merchant = :merchant and (:before = 0 or o.placed_at < :before)
order by o.placed_at desc, o.id desc limit :most
"""


def latest(db: Connection, merchant: str, most: int, before: int = 0) -> list[tuple[Any, Order]]:
    """The newest orders, without their persons."""
    return [(row, _order.decode(row.doc)) for row in run(db, LATEST, merchant=merchant, most=most, before=before)]


SEEN = """
select newest.connection, newest.taken_at - newest.placed_at as lag from (
  select o.connection, o.placed_at, o.taken_at from orders o
  where o.merchant = :merchant and o.placed_at >= :after and not o.history order by o.placed_at desc, o.id desc limit :most) newest
join connections c on c.id = newest.connection where newest.placed_at >= c.created_at order by newest.placed_at desc
"""


def seen_after(db: Connection, merchant: str, after: int, most: int = 2000) -> list[Any]:
    """(connection, microseconds from the sale until it was here) of the newest orders that were placed while we looked."""
    return list(run(db, SEEN, merchant=merchant, after=after, most=most))


TOTALS = """
select c.channel, o.currency, count(*) as orders, cast(sum(o.total) as bigint) as total, min(o.placed_at) as first
from orders o join connections c on c.id = o.connection
where o.merchant = :merchant and coalesce(o.copy_of, '') = '' and o.merged_into is null group by c.channel, o.currency order by 1, 2
"""


def totals(db: Connection, merchant: str) -> list[Any]:
    """How many orders and what they come to, by channel and currency; copies and merged ones are other orders, and left out."""
    return list(run(db, TOTALS, merchant=merchant))


ONE = """
select o.id, o.connection, o.channel_id, o.name, o.placed_at, o.currency, o.total, o.problems, o.doc, o.taken_at, c.channel, o.copy_of,
       o.merged_into
from orders o join connections c on c.id = o.connection where o.merchant = :merchant and o.id = :id
"""


def by_id(db: Connection, merchant: str, id: str) -> tuple[Any, Order] | None:
    """One order, without its person."""
    row = run(db, ONE, merchant=merchant, id=id).first()
    return (row, _order.decode(row.doc)) if row else None


NAMES = """
select o.id, o.connection, o.channel_id from {rows}
left join orders o on o.connection = r.connection and o.channel_id = r.channel_id and o.merchant || '' = :merchant
"""


def ids_of(db: Connection, merchant: str, refs: Iterable[str]) -> dict[str, str]:
    """Our ids of the orders among these refs."""
    rows = by_ref(sorted({ref for ref in refs if "/" in ref}))
    found = run_set(db, NAMES, REFS, rows, merchant=merchant) if rows else ()
    return {f"{row.connection}/{row.channel_id}": row.id for row in found if row.id is not None}


PERSON = "select person from orders where id = :id and merchant || '' = :merchant"


def person_of(db: Connection, merchant: str, id: str, box: Box) -> Person | None:
    """The buyer of an order; None where we do not hold their data, or not any more. For those allowed to see it."""
    sealed = run(db, PERSON, id=id, merchant=merchant).scalar()
    return _person.decode(box.open_text(f"orders|person|{id}", sealed)) if sealed else None
