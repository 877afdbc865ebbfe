"""Which orders may be kin: copies and what they name, orders that list the same lines. And what is written of it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.order import Order
from core.store.sql import run, run_set

# Two orders that are kin may come in at the same moment, each unseen by the other. Whoever brings one that looks for others is alone
# until it is written, everybody else is only not beside such a one. SQLite has one writer anyway.
BESIDE = {True: "select pg_advisory_xact_lock(hashtextextended(:merchant, 0))",
          False: "select pg_advisory_xact_lock_shared(hashtextextended(:merchant, 0))"}  # fmt: skip


def wait_turn(db: Connection, merchant: str, *, alone: bool) -> None:
    """Before any row is locked."""
    if db.dialect.name == "postgresql":
        run(db, BESIDE[alone], merchant=merchant)


COPIES = """
select o.connection, o.channel_id from {rows}
left join orders o on o.merchant = r.merchant and o.source_id = r.id and o.source_id is not null and o.connection <> :connection
  and o.copy_of is null
"""
ORIGINALS = """
select o.connection, o.channel_id from {rows} join connections on connections.merchant = r.merchant and connections.id <> :connection
  and connections.role = 'channel'
left join orders o on o.connection = connections.id and o.channel_id = r.id
"""
SIBLINGS = """
select o.connection, o.channel_id, o.id from {rows}
left join order_lines l on l.merchant = r.merchant and l.merge_key = r.id and l.merge_key is not null
left join orders o on o.id = l.order_id and o.connection = :connection
"""
LISTED = """
select l.merge_key from {rows} left join order_lines l on l.order_id = r.id
"""
ID = {"id": "text"}


def copies(db: Connection, merchant: str, connection: str, ids: Iterable[str]) -> set[str]:
    """Refs of the orders of other connections that name one of these orders, and were not found to be anybody's copy yet."""
    return _refs(run_set(db, COPIES, ID, _rows(ids), merchant=merchant, connection=connection))


def originals(db: Connection, merchant: str, connection: str, names: Iterable[str]) -> set[str]:
    """Refs of the merchant's orders of other connections with these ids."""
    return _refs(run_set(db, ORIGINALS, ID, _rows(names), merchant=merchant, connection=connection))


def siblings(db: Connection, merchant: str, connection: str, lines: Iterable[str]) -> tuple[set[str], set[str]]:
    """Refs of the connection's orders that listed one of these lines; and of those that listed any line of them."""
    near = run_set(db, SIBLINGS, ID, _rows(lines), merchant=merchant, connection=connection).fetchall()
    if not _refs(near):
        return set(), set()
    listed = run_set(db, LISTED, ID, _rows(row.id for row in near if row.id)).fetchall()
    keys = [row.merge_key for row in listed if row.merge_key]
    return _refs(near), _refs(run_set(db, SIBLINGS, ID, _rows(keys), merchant=merchant, connection=connection))


def _rows(ids: Iterable[str]) -> list[dict[str, str]]:
    return [{"id": id} for id in sorted(set(ids))]


def _refs(rows: Iterable[Any]) -> set[str]:
    return {f"{row.connection}/{row.channel_id}" for row in rows if row.channel_id is not None}


FOUND = {"id": "text", "copy_of": "text", "merged_into": "text"}
WRITE = """
update orders set copy_of = r.copy_of, merged_into = r.merged_into from {rows} where orders.id = r.id
"""


def write(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """{id, copy_of, merged_into}: what these orders are to others now. They are locked, or new."""
    if rows:
        run_set(db, WRITE, FOUND, rows)


NAMED = """
select o.connection, o.channel_id from orders o join connections c on c.id = o.connection
where o.merchant = :merchant and (o.id = :said or o.channel_id = :said or o.connection || '/' || o.channel_id = :said or o.name = :said
                                  or c.channel || '/' || o.channel_id = :said)
"""


def said(db: Connection, merchant: str, words: str) -> list[str]:
    """Refs of the orders that somebody may mean: our id, a ref, CHANNEL/ID, the channel's id or name."""
    return sorted(_refs(run(db, NAMED, merchant=merchant, said=words)))


BY_REF = """
select o.id, o.name, o.channel_id, c.channel, o.copy_of, o.merged_into from orders o join connections c on c.id = o.connection
where o.merchant = :merchant and o.connection = :connection and o.channel_id = :channel_id
"""


def row_of(db: Connection, merchant: str, ref: str | None) -> Any:
    """(id, name, channel_id, channel, copy_of, merged_into) of the order of this ref; None where there is none."""
    connection, _, channel_id = (ref or "").partition("/")
    return run(db, BY_REF, merchant=merchant, connection=connection, channel_id=channel_id).first() if channel_id else None


COPIES_OF = """
select o.id, o.name, c.channel from orders o join connections c on c.id = o.connection
where o.merchant = :merchant and o.source_id = :channel_id and o.source_id is not null and o.copy_of = :ref order by o.id
"""


def copies_of(db: Connection, merchant: str, ref: str) -> list[Any]:
    """(id, name, channel) of the orders that name this one and were found to be its copies."""
    return list(run(db, COPIES_OF, merchant=merchant, ref=ref, channel_id=ref.partition("/")[2]))


ALL_COPIES = "select doc, copy_of from orders where merchant = :merchant and connection = :connection and copy_of <> ''"
SENT = """
select r.connection, r.channel_id from {rows} join orders o on o.connection = r.connection and o.channel_id = r.channel_id
where o.merchant || '' = :merchant and exists (select 1 from order_lines l where l.order_id = o.id and l.gone > 0)
"""


def copies_in(db: Connection, merchant: str, connection: str) -> list[Order]:
    """The connection's copies of orders of which nothing has left yet, without their persons."""
    found = run(db, ALL_COPIES, merchant=merchant, connection=connection).fetchall()
    columns = {"connection": "text", "channel_id": "text"}
    rows = [dict(zip(columns, ref.split("/", 1), strict=True)) for ref in sorted({row.copy_of for row in found})]
    sent = _refs(run_set(db, SENT, columns, rows, merchant=merchant)) if rows else set()
    return [msgspec.json.decode(row.doc, type=Order) for row in found if row.copy_of not in sent]
