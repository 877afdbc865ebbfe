"""What the page of one order shows beside its document, in a few statements however much there is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.order import Order, Person
from core.store.connections import Connection as Login
from core.store.inbox import place
from core.store.sql import run
from core.store.vault import Box

_order, _person = msgspec.json.Decoder(Order), msgspec.json.Decoder(Person)
ONE = """
select o.id, o.connection, o.channel_id, o.name, o.placed_at, o.taken_at, o.saved_at, o.read_at, o.revision, o.status, o.history,
  o.held_at, o.held_why, o.copy_of, o.merged_into, o.doc, o.person_until, c.channel, c.account, c.label, c.settings,
  case when :buyers then o.person end as person, o.person is not null as has_person,
  (select k.doc from routings k where k.order_id = o.id) as routing
from orders o join connections c on c.id = o.connection where o.merchant = :merchant and o.id = :id
"""


def one(db: Connection, merchant: str, id: str, box: Box, *, buyers: bool) -> tuple[Any, Order] | None:
    """An order, with its person only for those who may see `buyers`."""
    row = run(db, ONE, merchant=merchant, id=id, buyers=buyers).first()
    if row is None:
        return None
    order = _order.decode(row.doc)
    if row.person is None:
        return row, order
    return row, replace(order, person=_person.decode(box.open_text(f"orders|person|{row.id}", row.person)))


def connection_of(row: Any) -> Login:
    """Its connection as far as the row tells: whose it is and how it is set."""
    settings = msgspec.json.decode(row.settings)
    return Login(row.connection, "", row.channel, row.account, row.label, "", None, 0, 0, settings, None, None, 0, None, 0)


# What an order names and is named by, in one statement: (what, id, name, channel).
BESIDE = """
select case when o.connection || '/' || o.channel_id = :copy_of then 'original' else 'into' end as what, o.id, o.name, c.channel
from orders o join connections c on c.id = o.connection where o.merchant || '' = :merchant
  and ((o.connection = :original and o.channel_id = :original_id) or (o.connection = :into and o.channel_id = :into_id))
union all select 'copy', o.id, o.name, c.channel from orders o join connections c on c.id = o.connection
where o.merchant = :merchant and o.source_id = :channel_id and o.source_id is not null and o.copy_of = :ref
union all select 'tag', g.tag, g.tag, '' from order_tags g where g.order_id = :id and g.merchant || '' = :merchant
union all select 'place', p.place, p.name, '' from places p where p.connection = :connection
union all select 'task', t.kind, coalesce(t.cause, ''), coalesce(t.detail, '') from tasks t
where t.merchant = :merchant and t.subject = :ref
  and t.kind in ('take_orders', 'fetch_orders', 'look_again', 'reserve', 'link_orders') and t.state = 'parked'
"""


def beside(db: Connection, merchant: str, row: Any) -> list[Any]:
    """Its kin, tags, its channel's places, and work on it that is parked."""
    original, into = ((ref or "/").split("/", 1) for ref in (row.copy_of, row.merged_into))
    return list(
        run(
            db, BESIDE, merchant=merchant, id=row.id, connection=row.connection, channel_id=row.channel_id, copy_of=row.copy_of or "",
            ref=f"{row.connection}/{row.channel_id}", original=original[0], original_id=original[-1], into=into[0], into_id=into[-1],
        )
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """What of a line is ours to know: where how many units are reserved, by the location's name, and what it waits for."""

    reserved: Mapping[str, int]
    waits: str | None


LINES = """
select l.line, l.waits, v.units, coalesce(p.name, v.location) as location from order_lines l
left join reservations v on v.order_id = l.order_id and v.line = l.line
left join locations p on p.id = v.location
where l.order_id = :id and l.merchant || '' = :merchant order by l.line, p.rank, p.name
"""


def lines(db: Connection, merchant: str, id: str) -> dict[str, Kept]:
    """By the channel's id of the line."""
    found: dict[str, tuple[dict[str, int], str | None]] = {}
    for row in run(db, LINES, merchant=merchant, id=id):
        places, _ = found.setdefault(row.line, ({}, row.waits))
        if row.units:
            places[row.location] = places.get(row.location, 0) + row.units
    return {line: Kept(places, waits) for line, (places, waits) in found.items()}


# What channels were told soon after a moment, of the listings that sell the order's goods. Bounded: a busy shop tells much in a minute.
SOON_US, LOOKED_AT = 120_000_000, 500
TOLD_AFTER = """
select s.listing_id, s.quantity, s.asked_at, s.told_at, s.told from (
  select u.* from pushes u where u.merchant = :merchant and u.asked_at >= :at_N and u.asked_at < :until_N
  order by u.asked_at limit :looked) s
"""
TOLD = """
select f.asked_at, f.told_at, f.told, f.quantity, g.sku, g.listing, c.channel, c.label from (TOLD) f
join listings g on g.id = f.listing_id join connections c on c.id = g.connection
where g.id in (select p.listing_id from listing_parts p where p.merchant = :merchant and p.sku in (
    select m.sku from order_lines i join listings k on k.connection = :connection and k.listing = i.listing and k.sku = i.sku
    join listing_parts m on m.listing_id = k.id where i.order_id = :id))
order by f.asked_at
"""


def told(db: Connection, merchant: str, row: Any, moments: Sequence[int]) -> list[Any]:
    """What channels were told of its goods within two minutes after each of these moments, in their order."""
    if not moments:
        return []
    parts = " union ".join(TOLD_AFTER.replace("_N", f"_{number}") for number in range(len(moments)))
    bounds = {f"at_{number}": at for number, at in enumerate(moments)} | {
        f"until_{number}": at + SOON_US for number, at in enumerate(moments)
    }
    statement = TOLD.replace("(TOLD)", f"({parts})")
    return list(run(db, statement, merchant=merchant, connection=row.connection, id=row.id, looked=LOOKED_AT, **bounds))


RAW = """
select connection, delivery, topic, received_at, body from inbox
where ref = :ref and body is not null and merchant || '' = :merchant order by id desc limit 1
"""


@dataclass(frozen=True, slots=True, repr=False)
class Raw:
    """The newest notice of an order that came with a body, as the channel wrote it."""

    topic: str
    at: int
    body: bytes


def raw(db: Connection, merchant: str, ref: str, box: Box) -> Raw | None:
    """None where none came with one, or all have gone by now."""
    row = run(db, RAW, merchant=merchant, ref=ref).first()
    return Raw(row.topic, row.received_at, box.open(place(row.connection, row.delivery), bytes(row.body))) if row else None
