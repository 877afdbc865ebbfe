"""Orders of which something waits to be released, and all that decides whether it may: for people who want to know why."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.holds import Why
from core.domain.order import Order
from core.domain.routing import Decision
from core.store import corrections, routings
from core.store.shipments import ENDING, PARTED, TURN, WAITED, Facts, parted
from core.store.sql import run
from core.store.vault import Box

_order = msgspec.json.Decoder(Order)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order that waits. `short`: units of it are not reserved; `unmapped`: of these nobody said what they are; `oversold`: we
    hold it for that; `sends`: the locations that send; `decision`: from where it was to leave; `turn`: by when its turn is."""

    facts: Facts
    placed_at: int
    turn: int
    short: bool
    unmapped: bool
    oversold: bool
    sends: Sequence[str]
    decision: Decision | None


OPEN = """o.status in ('open', 'partially_fulfilled', 'pending_payment', 'on_hold', 'cancel_requested', 'unknown')
  and o.copy_of is null and o.merged_into is null and not o.history"""
STOPPING = """
  exists (select 1 from callings_off y where y.order_id = o.id and y.state in ('wanted', 'asked')
    and (y.appeal is null or y.appeal like '%agree%true%')) as off,
  exists (select 1 from callings_off z where z.order_id = o.id and z.state = 'waived') as waived,
  exists (select 1 from captures g where g.order_id = o.id and g.state = 'failed')
    and not exists (select 1 from captures k where k.order_id = o.id and k.state <> 'failed') as uncaptured"""
ROWS = f"""
select o.id, o.name, o.connection, o.channel_id, o.placed_at, o.ship_by, o.doc, o.person, o.ship_to, o.ship_to_was, o.held_at,
  o.held_why, o.status, {PARTED}, {TURN} as turn, {STOPPING},
  (select k.doc from routings k where k.order_id = o.id) as routing,
  (select count(*) from order_lines n where n.order_id = o.id and n.ships and n.hold > n.held
    and coalesce(n.decided, '') <> 'partial') as short,
  (select count(*) from order_lines n where n.order_id = o.id and n.ships and n.waits = 'mapping') as unmapped,
  (select {{listed}}(p.id, ' ') from locations p where p.merchant = :merchant and p.ships) as sends
from orders o where o.id in (THESE) and o.merchant || '' = :merchant order by turn, o.id
"""
ALL = f"""select o.id from orders o where o.id in (
    select l.order_id from order_lines l where l.merchant = :merchant and l.held > l.released and l.ships
    union select w.order_id from order_lines w where w.merchant = :merchant and w.waits is not null and w.ships)
  and {OPEN} order by {TURN}, o.id limit :most"""
ONE = f"""select o.id from orders o where o.id = :order and {OPEN} and exists (select 1 from order_lines l
  where l.order_id = o.id and l.ships and (l.held > l.released or l.hold > l.held))"""


def first(db: Connection, merchant: str, most: int, box: Box, now: int) -> list[Waiting]:
    """So many of those whose turn it is first. One statement."""
    rows = run(db, ROWS.replace("THESE", ALL), merchant=merchant, most=most, patience=WAITED, ending=now + ENDING)
    return [_waiting(row, box) for row in rows]


def one(db: Connection, merchant: str, order: str, box: Box, now: int) -> Waiting | None:
    """This one; None where nothing of it waits."""
    rows = run(db, ROWS.replace("THESE", ONE), merchant=merchant, order=order, patience=WAITED, ending=now + ENDING)
    return next((_waiting(row, box) for row in rows), None)


def _waiting(row: Any, box: Box) -> Waiting:
    to = corrections.reached(row, row.id, box)
    ref, held = f"{row.connection}/{row.channel_id}", row.held_at is not None
    order, oversold = _order.decode(row.doc), held and row.held_why == Why.OVERSOLD
    stops = {"off": bool(row.off), "waived": bool(row.waived), "uncaptured": bool(row.uncaptured)}
    facts = Facts(
        row.id, ref, row.name, row.channel_id, row.connection, order, to.person, held, row.ship_by, **stops, parts=parted(row),
        torn=to.torn,
    )  # fmt: skip
    sends = (row.sends or "").split()
    return Waiting(facts, row.placed_at, int(row.turn), row.short > 0, row.unmapped > 0, oversold, sends, routings.read(row.routing))


NEWEST = f"""
select distinct l.order_id from order_lines l join orders o on o.id = l.order_id
where l.merchant = :merchant and l.held > l.released and l.ships and {OPEN}
order by l.order_id desc limit :most
"""


def newest(db: Connection, merchant: str, most: int) -> list[str]:
    """Ids of the newest orders of which something is reserved and in no shipment."""
    return [row.order_id for row in run(db, NEWEST, merchant=merchant, most=most)]
