"""SKUs in quota: which listings share them, what each holds and shows, and what each is dealt."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from core.domain.exposure import Rule, exposure
from core.domain.sharing import Deal
from core.store.listings import RULE, rule_of
from core.store.sql import run, run_set

SKU, ID = {"sku": "text"}, {"id": "bigint"}
# Those that nobody writes are no part of it: their channel shows what it likes.
OWNERS = f"""
select l.id, l.connection, l.listing, l.sku, l.place, l.shown, l.share, l.holds, l.figure_at, {RULE}, c.buffer, p.sku as part, p.units,
  k.quota, c.channel, c.state, l.problem is not null or l.accepted_at is not null
    or exists (select 1 from pushes u where u.listing_id = l.id and u.told_at is null) as busy
from (select distinct q.listing_id as id from {{rows}} join listing_parts q on q.merchant = r.merchant and q.sku = r.sku) wanted
join listings l on l.id = wanted.id join connections c on c.id = l.connection
join listing_parts p on p.listing_id = l.id join skus k on k.merchant = p.merchant and k.sku = p.sku
where l.writable is null and l.shown_at > 0 and c.live_at is not null and c.state <> 'disconnected'
order by l.id
"""
PLACES = """
select m.connection, m.place, m.location from (select distinct r.connection from {rows}) mine
join place_locations m on m.connection = mine.connection order by m.connection, m.place, m.location
"""
# Of a SKU that sells much the newest lines say enough.
SOLD = """
select r.id, (
  select sum(newest.units) from (
    select l.order_id, l.listing, l.hold + l.gone as units from order_lines l where l.merchant = r.merchant and l.sku = r.sku
    order by l.order_id desc limit 200) newest
  join orders o on o.id = newest.order_id
  where o.connection = r.connection and newest.listing = r.listing and o.placed_at > :since) as units
from {rows}
"""
# A listing that is stocked at several places has a row for each, and consumes the same.
SHORT = """
select waiting.sku, sum((waiting.hold - waiting.held) * waiting.units) as units from (
  select distinct l.order_id, l.line, l.hold, l.held, p.sku, p.units from order_lines l join orders o on o.id = l.order_id
  join listings g on g.connection = o.connection and g.listing = l.listing and g.sku = l.sku
  join listing_parts p on p.listing_id = g.id
  where l.merchant = :merchant and l.waits = 'stock') waiting
group by waiting.sku
"""


@dataclass(frozen=True, slots=True)
class Listed:
    """A listing that shares SKUs in quota; `parts` are those of them that it consumes. `busy`: something was told to it, or refused,
    and nobody knows yet what came of it."""

    id: int
    connection: str
    channel: str
    listing: str
    sku: str
    place: str
    shown: int | None
    share: int | None
    holds: int | None
    figure_at: int
    rule: Rule
    buffer: int
    busy: bool
    state: str
    parts: Mapping[str, int]

    def most(self, free: Mapping[tuple[str, str], int], locations: Iterable[str]) -> int:
        """What its rule lets it show of everything that is free; of what is dealt nothing is sold ahead."""
        there = {sku: sum(free.get((sku, location), 0) for location in locations) for sku in self.parts}
        return exposure(self.parts, there, replace(self.rule, ahead=None, backorder=0), self.buffer).units


def sharing(db: Connection, merchant: str, skus: Iterable[str]) -> list[Listed]:
    """The listings that consume any of these SKUs, with their SKUs in quota; none for a listing without."""
    found: dict[int, dict[str, int]] = {}
    rows: dict[int, Any] = {}
    wanted = [{"sku": sku} for sku in sorted(set(skus))]
    for row in run_set(db, OWNERS, SKU, wanted, merchant=merchant) if wanted else ():
        if row.quota:
            rows[row.id] = row
            found.setdefault(row.id, {})[row.part] = row.units
    return [_listed(row, found[id]) for id, row in rows.items()]


def _listed(row: Any, parts: Mapping[str, int]) -> Listed:
    return Listed(
        row.id, row.connection, row.channel, row.listing, row.sku, row.place, row.shown, row.share, row.holds, row.figure_at,
        rule_of(row), row.buffer, bool(row.busy), row.state, parts,
    )  # fmt: skip


def locations(db: Connection, connections: Iterable[str]) -> dict[tuple[str, str], list[str]]:
    """Our locations that each place of these connections stands for."""
    found: dict[tuple[str, str], list[str]] = {}
    rows = [{"connection": one} for one in sorted(set(connections))]
    for row in run_set(db, PLACES, {"connection": "text"}, rows) if rows else ():
        found.setdefault((row.connection, row.place), []).append(row.location)
    return found


def sold(db: Connection, merchant: str, some: Iterable[Listed], since: int) -> dict[int, int]:
    """Units that each was ordered of since then."""
    rows = [{"id": one.id, "connection": one.connection, "listing": one.listing, "sku": one.sku} for one in some]
    columns = {"id": "bigint", "connection": "text", "listing": "text", "sku": "text"}
    return {row.id: int(row.units or 0) for row in run_set(db, SOLD, columns, rows, merchant=merchant, since=since)} if rows else {}


def short(db: Connection, merchant: str) -> dict[str, int]:
    """Units that orders wait for, by SKU."""
    return {row.sku: int(row.units) for row in run(db, SHORT, merchant=merchant)}


DEALT = {"id": "bigint", "share": "int", "holds": "int", "told": "int"}
WRITE = """
update listings set share = r.share, holds = r.holds, changed = listings.changed + r.told from {rows} where listings.id = r.id
"""


def write(db: Connection, mine: Iterable[Listed], deal: Deal) -> None:
    """What these are dealt. Of what nobody knows, what was written down stays."""
    rows = [
        {"id": one.id, "share": deal.shares[one.id], "holds": deal.holds[one.id], "told": int(deal.shares[one.id] != one.share)}
        for one in mine
        if one.id in deal.shares and (deal.shares[one.id], deal.holds[one.id]) != (one.share, one.holds)
    ]
    if rows:
        run_set(db, WRITE, DEALT, rows)


GIVING = """
update listings set raise_from = figure_at
where id in (select r.id from {rows}) and holds > shown and raise_from is null and accepted_at is null and problem is null
  and not exists (select 1 from pushes u where u.listing_id = listings.id and u.told_at is null)
"""


def giving(db: Connection, ids: Iterable[int]) -> bool:
    """Those of these listings that show less than they hold are looked at again once their channel's orders are read past that. Whether
    there are any."""
    rows = [{"id": id} for id in sorted(set(ids))]
    return bool(rows) and run_set(db, GIVING, ID, rows).rowcount > 0


LATER = "update listings set raise_from = figure_at where id in (select r.id from {rows}) and raise_from is null and shown is not null"


def later(db: Connection, ids: Iterable[int]) -> None:
    """These are looked at again once their channels' orders are read past what they show."""
    rows = [{"id": id} for id in sorted(set(ids))]
    if rows:
        run_set(db, LATER, ID, rows)


def wake(db: Connection, ids: Iterable[int]) -> None:
    """What these are to show is another thing now, most likely."""
    rows = [{"id": id} for id in sorted(set(ids))]
    if rows:
        run_set(db, "update listings set changed = changed + 1 where id in (select r.id from {rows})", ID, rows)


SET = "update skus set quota = r.quota from {rows} where skus.merchant = :merchant and skus.sku = r.sku and skus.quota <> r.quota"
BEGIN = """
update listings set holds = r.holds, share = null, changed = listings.changed + 1 from {rows} where listings.id = r.id
"""


def set_quota(db: Connection, merchant: str, skus: Mapping[str, bool]) -> None:
    rows = [{"sku": sku, "quota": quota} for sku, quota in sorted(skus.items())]
    run_set(db, SET, SKU | {"quota": "boolean"}, rows, merchant=merchant)


def begin(db: Connection, holds: Mapping[int, int | None]) -> None:
    """These listings may sell so much until they are known to show less; None: they share the pool again."""
    rows = [{"id": id, "holds": units} for id, units in sorted(holds.items())]
    if rows:
        run_set(db, BEGIN, ID | {"holds": "int"}, rows)
