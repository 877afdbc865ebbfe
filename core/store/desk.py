"""What staff add to orders: holds, notes and tags. It stays whatever the channels say of the order later."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.order import Order, OrderStatus
from core.store.orders import CAN_BE_HELD
from core.store.sql import run, run_set
from core.store.vault import Box

Changed = dict[str, tuple[str, str]]  # our id of each order that was changed: its ref, and why it was held

_order = msgspec.json.Decoder(Order)
HOLD = f"""
update orders set held_at = :now, held_why = r.why, status = '{OrderStatus.ON_HOLD}' from {{rows}}
where orders.id = r.id and orders.merchant || '' = :merchant and orders.held_at is null and orders.status in ({CAN_BE_HELD})
returning orders.id, orders.connection, orders.channel_id
"""


def hold(db: Connection, merchant: str, whys: Mapping[str, str], now: int) -> Changed:
    """Hold these orders, each for its reason. Those that are held, or have nothing to hold back, stay as they are."""
    rows = [{"id": id, "why": why} for id, why in sorted(whys.items())]
    found = run_set(db, HOLD, {"id": "text", "why": "text"}, rows, merchant=merchant, now=now)
    return {row.id: (f"{row.connection}/{row.channel_id}", whys[row.id]) for row in found}


HELD = """
select o.id, o.connection, o.channel_id, o.held_why, o.doc from orders o
where o.id in (select t.id from {rows} left join orders t on t.id = r.id and t.held_at is not null and t.merchant || '' = :merchant {fence})
order by o.id {lock}
"""
RELEASE = "update orders set held_at = null, held_why = null, status = r.status from {rows} where orders.id = r.id"


def release(db: Connection, merchant: str, ids: Iterable[str]) -> Changed:
    """Let these orders go: their status is what their channel says again."""
    rows = run_set(db, HELD, {"id": "text"}, [{"id": id} for id in sorted(ids)], merchant=merchant).fetchall()
    states = [{"id": row.id, "status": _order.decode(row.doc).order_status.value} for row in rows]
    if states:
        run_set(db, RELEASE, {"id": "text", "status": "text"}, states)
    return {row.id: (f"{row.connection}/{row.channel_id}", row.held_why or "") for row in rows}


TAG = """
insert into order_tags (merchant, order_id, tag)
select o.merchant, o.id, :tag from {rows} join orders o on o.id = r.id and o.merchant || '' = :merchant where true
on conflict (order_id, tag) do nothing returning order_id as id
"""
UNTAG = """
delete from order_tags where tag = :tag and merchant || '' = :merchant and order_id in (select r.id from {rows}) returning order_id as id
"""


def tag(db: Connection, merchant: str, ids: Iterable[str], tag: str) -> Changed:
    return _named(db, merchant, run_set(db, TAG, {"id": "text"}, [{"id": id} for id in sorted(ids)], merchant=merchant, tag=tag))


def untag(db: Connection, merchant: str, ids: Iterable[str], tag: str) -> Changed:
    return _named(db, merchant, run_set(db, UNTAG, {"id": "text"}, [{"id": id} for id in sorted(ids)], merchant=merchant, tag=tag))


REFS = """
select o.id, o.connection, o.channel_id from {rows} join orders o on o.id = r.id and o.merchant || '' = :merchant order by o.id
"""


def _named(db: Connection, merchant: str, rows: Iterable[Any]) -> Changed:
    """What of these is the merchant's, with refs."""
    ids = [{"id": row.id} for row in rows]
    found = run_set(db, REFS, {"id": "text"}, ids, merchant=merchant) if ids else ()
    return {row.id: (f"{row.connection}/{row.channel_id}", "") for row in found}


NOTED = {"order_id": "text", "words": "text"}
NOTE = """
insert into order_notes (merchant, order_id, who, name, words, at) select :merchant, r.order_id, :who, :name, r.words, :now from {rows}
"""


def note(db: Connection, merchant: str, ids: Sequence[str], words: str, who: tuple[str, str], box: Box, now: int) -> Changed:
    """Write a note on each of these orders; `who` is a user's id and name."""
    found = _named(db, merchant, [_Id(id) for id in ids])
    rows = [{"order_id": id, "words": box.seal_text(_place(id), words.encode())} for id in found]
    if rows:
        run_set(db, NOTE, NOTED, rows, merchant=merchant, who=who[0], name=who[1], now=now)
    return found


class _Id(msgspec.Struct):
    id: str


def _place(order: str) -> str:
    return f"order_notes|words|{order}"


class Note(msgspec.Struct):
    name: str
    words: str
    at: int


def notes(db: Connection, merchant: str, order: str, box: Box) -> list[Note]:
    """What staff wrote on an order, the newest first."""
    rows = run(db, NOTES, merchant=merchant, order=order)
    return [Note(row.name, box.open_text(_place(order), row.words).decode(), row.at) for row in rows]


NOTES = """
select name, words, at from order_notes where order_id = :order and merchant || '' = :merchant order by id desc limit 200
"""
