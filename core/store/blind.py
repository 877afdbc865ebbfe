"""What is left to channels that cannot be read or written."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection

from core.store.sql import run, run_set

Key = tuple[str, str]  # connection, SKU

SIGHTS = """
select c.id, c.channel, c.settings, c.live_at, c.blind_since, c.created_at, coalesce(m.at, 0) as read_at, coalesce(p.at, 0) as paged_at,
  u.at as untold_at,
  exists (select 1 from tasks t where t.merchant = c.merchant and t.kind in ('publish_stock', 'verify_stock') and t.subject = c.id
          and t.state in ('due', 'running', 'parked') and t.cause is not null) as fails
from connections c
left join marks m on m.connection = c.id and m.name = 'orders' left join marks p on p.connection = c.id and p.name = 'orders paged'
left join marks u on u.connection = c.id and u.name = 'untold'
where c.merchant = :merchant and c.live_at is not null and c.state <> 'disconnected' order by c.created_at, c.id
"""


def sights(db: Connection, merchant: str) -> list[Any]:
    """The connections whose stock is written, with what is known of how they are read and told."""
    return list(run(db, SIGHTS, merchant=merchant))


def found_untold(db: Connection, merchant: str, ids: Iterable[str], now: int) -> None:
    """These take nothing of what they are told, as far as is known since now."""
    rows = [{"connection": id} for id in sorted(ids)]
    if rows:
        run_set(db, UNTOLD, {"connection": "text"}, rows, merchant=merchant, now=now)


UNTOLD = """
insert into marks (merchant, connection, name, at) select :merchant, r.connection, 'untold', :now from {rows} where true
on conflict (connection, name) do nothing
"""


def found_told(db: Connection, ids: Iterable[str]) -> None:
    """These take it again."""
    rows = [{"connection": id} for id in sorted(ids)]
    if rows:
        run_set(db, "delete from marks where name = 'untold' and connection in (select r.connection from {rows})", TEXT, rows)


TEXT = {"connection": "text"}
SET_BLIND = "update connections set blind_since = r.at from {rows} where connections.id = r.connection"


def set_blind(db: Connection, since: Mapping[str, int | None]) -> None:
    """Since when these are blind; None: they are not."""
    rows = [{"connection": id, "at": at} for id, at in sorted(since.items())]
    if rows:
        run_set(db, SET_BLIND, TEXT | {"at": "bigint"}, rows)


# What is in quota owns its part already. Of what nobody knows the figure, all that there is may be shown; what was told and not answered
# may have been taken.
SELLERS = """
select l.id, l.connection, l.listing, l.sku, p.sku as part, p.units,
  coalesce(l.shown, (select sum(v.on_hand - v.reserved) from levels v where v.merchant = p.merchant and v.sku = p.sku), 0) as shows,
  (select max(u.quantity) from pushes u where u.listing_id = l.id and u.told_at is null) as asked
from {rows} join listings l on l.connection = r.connection and l.writable is null and l.shown_at > 0 and (l.shown is null or l.shown > 0)
join listing_parts p on p.listing_id = l.id join skus k on k.merchant = p.merchant and k.sku = p.sku
where not k.quota
"""


def sellers(db: Connection, connections: Iterable[str]) -> list[Any]:
    """What these connections' listings may show, a row for each part."""
    rows = [{"connection": id} for id in sorted(connections)]
    return list(run_set(db, SELLERS, TEXT, rows)) if rows else []


def withheld(db: Connection, merchant: str) -> dict[Key, int]:
    """Units that are left to each connection of each SKU."""
    found = run(db, "select connection, sku, units from withheld where merchant = :merchant", merchant=merchant)
    return {(row.connection, row.sku): row.units for row in found}


SUMS = """
select w.connection, sum(w.units) as units, count(*) as skus from connections c join withheld w on w.connection = c.id
where c.merchant = :merchant and c.blind_since is not null group by w.connection
"""


def left(db: Connection, merchant: str) -> dict[str, tuple[int, int]]:
    """By connection: units that are left to it in all, and of how many SKUs."""
    return {row.connection: (int(row.units), int(row.skus)) for row in run(db, SUMS, merchant=merchant)}


LEFT = {"connection": "text", "sku": "text", "units": "int"}
LEAVE = """
insert into withheld (merchant, connection, sku, units) select :merchant, r.connection, r.sku, r.units from {rows} where true
on conflict (connection, sku) do update set units = excluded.units
"""
GIVE_BACK = "delete from withheld where (connection, sku) in (select r.connection, r.sku from {rows})"


def leave(db: Connection, merchant: str, units: Mapping[Key, int]) -> None:
    """So many are left from now on; 0: none any more."""
    rows = [{"connection": connection, "sku": sku, "units": count} for (connection, sku), count in sorted(units.items())]
    for statement, some in ((LEAVE, [row for row in rows if row["units"]]), (GIVE_BACK, [row for row in rows if not row["units"]])):
        if some:
            run_set(db, statement, LEFT, some, merchant=merchant)
