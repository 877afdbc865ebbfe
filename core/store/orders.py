"""Orders and their lines. The canonical order lies in `doc` as JSON, its person sealed beside it."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.order import Order, Person
from core.domain.stock import Dues
from core.store.sql import run, run_set
from core.store.tables import us
from core.store.vault import Box

KEPT = timedelta(days=44)  # fourteen days to deliver and thirty after that (Amazon's data protection policy)
PARTS = ("payments", "holds", "routing", "risk")

_encode = msgspec.json.Encoder().encode
_order = msgspec.json.Decoder(Order)
_person = msgspec.json.Decoder(Person)


@dataclass(frozen=True, slots=True)
class Written:
    """An order as it is kept: `doc` without its person, `person` as bytes, `digest` over both less the parts with a read of their own."""

    order: Order
    doc: bytes
    person: bytes | None
    digest: str


def write(order: Order) -> Written:
    bare = replace(order, person=None, payments=None, holds=None, routing=None, risk=None)
    core, person = _encode(bare), _encode(order.person) if order.person else None
    digest = hashlib.blake2b(core + (person or b""), digest_size=16).hexdigest()
    if all(getattr(order, part) is None for part in PARTS):
        return Written(order, core, person, digest)
    return Written(order, _encode(replace(order, person=None)), person, digest)


def merge(order: Order, known: Order | None) -> Order:
    """Parts that this look did not read keep what an earlier one saw."""
    if known is None:
        return order
    kept = {part: getattr(known, part) for part in PARTS if getattr(order, part) is None and getattr(known, part) is not None}
    return replace(order, **kept) if kept else order


@dataclass(frozen=True, slots=True)
class Known:
    """An order that is already here."""

    id: str
    order: Order
    revision: int
    digest: str


REFS = {"connection": "text", "channel_id": "text"}
FIND = """
select o.id, o.connection, o.channel_id, o.revision, o.digest, o.doc, o.person
from {rows} join orders o on o.connection = r.connection and o.channel_id = r.channel_id
where o.merchant = :merchant order by o.id {lock}
"""


def find(db: Connection, merchant: str, refs: Iterable[str], box: Box) -> dict[str, Known]:
    """The known ones among these orders by ref, locked until the transaction ends."""
    rows = [dict(zip(("connection", "channel_id"), ref.split("/", 1), strict=True)) for ref in refs]
    found = run_set(db, FIND, REFS, rows, merchant=merchant)
    return {f"{row.connection}/{row.channel_id}": Known(row.id, _read(row, box), row.revision, row.digest) for row in found}


def _read(row: Any, box: Box) -> Order:
    order = _order.decode(row.doc)
    if row.person is None:
        return order
    return replace(order, person=_person.decode(box.open_text(f"orders|person|{row.id}", row.person)))


SAVED = {
    "id": "text", "connection": "text", "channel_id": "text", "name": "text", "revision": "bigint", "digest": "text", "placed_at": "bigint",
    "currency": "text", "total": "bigint", "doc": "text", "person": "text", "person_until": "bigint", "problems": "text",
}  # fmt: skip
SAVE = """
insert into orders (id, merchant, connection, channel_id, name, revision, digest, placed_at, currency, total, doc, person, person_until,
                    problems, taken_at, saved_at)
select r.id, :merchant, r.connection, r.channel_id, r.name, r.revision, r.digest, r.placed_at, r.currency, r.total, r.doc, r.person,
       r.person_until, r.problems, :now, :now
from {rows} where true
on conflict (connection, channel_id) do update set name = excluded.name, revision = excluded.revision, digest = excluded.digest,
  placed_at = excluded.placed_at, currency = excluded.currency, total = excluded.total, doc = excluded.doc, person = excluded.person,
  person_until = excluded.person_until, problems = excluded.problems, saved_at = excluded.saved_at
where orders.id = excluded.id and excluded.revision >= orders.revision
returning id
"""


def save(db: Connection, merchant: str, rows: Sequence[tuple[str, Written]], box: Box, now: int) -> set[str]:
    """Write these orders under their ids; gives the ids that were written. One that somebody wrote first is left alone."""
    if not rows:
        return set()
    return {row.id for row in run_set(db, SAVE, SAVED, [_row(id, one, box) for id, one in rows], merchant=merchant, now=now)}


def _row(id: str, one: Written, box: Box) -> dict[str, Any]:
    order, problems = one.order, one.order.problems()
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
        "person": box.seal_text(f"orders|person|{id}", one.person) if one.person else None,
        "person_until": us((order.ship_by or order.placed_at) + KEPT) if one.person else None,
        "problems": "\n".join(problems) or None,
    }


LINES = {
    "order_id": "text", "line": "text", "listing": "text", "sku": "text", "hold": "int", "gone": "int", "back": "int",
    "booked_gone": "int", "booked_back": "int", "back_to": "text",
}  # fmt: skip
SAVE_LINES = """
insert into order_lines (merchant, order_id, line, listing, sku, hold, gone, back, booked_gone, booked_back, back_to)
select :merchant, r.order_id, r.line, r.listing, r.sku, r.hold, r.gone, r.back, r.booked_gone, r.booked_back, r.back_to
from {rows} where true
on conflict (order_id, line) do update set listing = excluded.listing, sku = excluded.sku, hold = excluded.hold, gone = excluded.gone,
  back = excluded.back, back_to = excluded.back_to
returning order_id, line, held, booked_gone, booked_back, waits
"""


@dataclass(frozen=True, slots=True)
class Booked:
    held: int
    gone: int
    back: int
    waits: str | None


def save_lines(db: Connection, merchant: str, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Booked]:
    """Write what each line demands; gives what is booked of it by (order id, line)."""
    if not rows:
        return {}
    found = run_set(db, SAVE_LINES, LINES, rows, merchant=merchant)
    return {(row.order_id, row.line): Booked(row.held, row.booked_gone, row.booked_back, row.waits) for row in found}


def line_row(order_id: str, line: str, listing: str | None, sku: str | None, due: Dues, past: tuple[int, int] = (0, 0)) -> dict[str, Any]:
    """A row for `save_lines`; `past` are the units that left and came back before our first look."""
    return {
        "order_id": order_id,
        "line": line,
        "listing": listing or "",
        "sku": sku or "",
        "hold": due.hold,
        "gone": due.gone,
        "back": due.back,
        "booked_gone": past[0],
        "booked_back": past[1],
        "back_to": due.back_to,
    }


BOOKED = {"order_id": "text", "line": "text", "held": "int", "gone": "int", "back": "int", "waits": "text"}
BOOK = """
update order_lines set held = r.held, booked_gone = r.gone, booked_back = r.back, waits = r.waits from {rows}
where order_lines.order_id = r.order_id and order_lines.line = r.line
"""


def book_lines(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        run_set(db, BOOK, BOOKED, rows)


OPEN = """
select o.id as order_id, o.connection, o.channel_id, o.placed_at, l.line, l.listing, l.sku, l.hold, l.gone, l.back, l.held,
       l.booked_gone, l.booked_back, l.back_to, l.waits
from {rows} join orders o on o.connection = r.connection and o.channel_id = r.channel_id join order_lines l on l.order_id = o.id
where o.merchant = :merchant order by o.id {lock}
"""


def lines_of(db: Connection, merchant: str, refs: Iterable[str]) -> list[Any]:
    """Every line of these orders with its dues and books; the orders are locked."""
    rows = [dict(zip(("connection", "channel_id"), ref.split("/", 1), strict=True)) for ref in refs]
    return list(run_set(db, OPEN, REFS, rows, merchant=merchant))


WAITING = """
select distinct o.connection, o.channel_id, o.placed_at from order_lines l join orders o on o.id = l.order_id
where l.merchant = :merchant and l.waits = :waits order by o.placed_at limit :most
"""


def waiting(db: Connection, merchant: str, waits: str, most: int = 5000) -> list[str]:
    """Refs of the orders with a line that waits for "stock" or "mapping", oldest first."""
    return [f"{row.connection}/{row.channel_id}" for row in run(db, WAITING, merchant=merchant, waits=waits, most=most)]


REVISIONS = """
select o.connection, o.channel_id, o.revision from {rows} join orders o on o.connection = r.connection and o.channel_id = r.channel_id
where o.merchant = :merchant
"""


def revisions(db: Connection, merchant: str, connection: str, channel_ids: Iterable[str]) -> dict[str, int]:
    """What we know of these orders: their revision by channel id."""
    rows = [{"connection": connection, "channel_id": one} for one in channel_ids]
    return {row.channel_id: row.revision for row in run_set(db, REVISIONS, REFS, rows, merchant=merchant)} if rows else {}


LATEST = """
select o.id, o.connection, o.channel_id, o.name, o.placed_at, o.currency, o.total, o.problems, o.doc, c.channel,
       (select max(l.waits) from order_lines l where l.order_id = o.id) as waits
from orders o join connections c on c.id = o.connection
where o.merchant = :merchant and (:before = 0 or o.placed_at < :before)
order by o.placed_at desc, o.id desc limit :most
"""


def latest(db: Connection, merchant: str, most: int, before: int = 0) -> list[tuple[Any, Order]]:
    """The newest orders, without their persons."""
    return [(row, _order.decode(row.doc)) for row in run(db, LATEST, merchant=merchant, most=most, before=before)]


TOTALS = """
select c.channel, o.currency, count(*) as orders, sum(o.total) as total, min(o.placed_at) as first
from orders o join connections c on c.id = o.connection where o.merchant = :merchant group by c.channel, o.currency order by 1, 2
"""


def totals(db: Connection, merchant: str) -> list[Any]:
    return list(run(db, TOTALS, merchant=merchant))


ONE = """
select o.id, o.connection, o.channel_id, o.name, o.placed_at, o.currency, o.total, o.problems, o.doc, o.taken_at, c.channel
from orders o join connections c on c.id = o.connection where o.merchant = :merchant and o.id = :id
"""


def by_id(db: Connection, merchant: str, id: str) -> tuple[Any, Order] | None:
    """One order, without its person."""
    row = run(db, ONE, merchant=merchant, id=id).first()
    return (row, _order.decode(row.doc)) if row else None
