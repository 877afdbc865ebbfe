"""Listings: what a channel sells, which SKUs one unit of it consumes, what it shows and what it should show. Where a channel keeps
stock by location, a listing has a row for each place that stocks it: all of them consume the same, each shows what is free there."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain import kits
from core.domain.exposure import NO_RULE, Exposure, Rule, exposure
from core.domain.kits import SPLIT, Exploded
from core.store import stock
from core.store.inbounds import LEFT
from core.store.sql import run, run_set

DAY = 86_400_000_000  # microseconds
Name = tuple[str, str, str]  # connection, listing, SKU as the channel spells it

NAMES = {"connection": "text", "listing": "text", "sku": "text"}
PARTS = """
select r.connection, r.listing, r.sku, l.id, l.place, l.shown_from, l.shown_at, l.alone, l.exploded_by, p.sku as part, p.units
from {rows}
left join listings l on l.connection = r.connection and l.listing = r.listing and l.sku = r.sku and l.merchant || '' = :merchant
left join listing_parts p on p.listing_id = l.id
"""


@dataclass
class Mapped:
    """A listing and the SKUs it consumes; `parts` empty: nobody has mapped it. `alone`: all of them must lie at one location; `split`: they
    are lines of their own, it consumes nothing. `rows` are its places: when the call began that taught us what it shows there, and when
    its answer was written, by the row's id."""

    rows: dict[int, tuple[int, int]] = field(default_factory=dict)
    parts: dict[str, int] = field(default_factory=dict)
    alone: bool = False
    split: bool = False


def mapped(db: Connection, merchant: str, names: Iterable[Name]) -> dict[Name, Mapped]:
    found: dict[Name, Mapped] = {}
    rows = [row for row in run_set(db, PARTS, NAMES, _names(names), merchant=merchant) if row.id is not None]
    placed = {(row.connection, row.listing, row.sku) for row in rows if row.place}
    for row in rows:
        name = (row.connection, row.listing, row.sku)
        one = found.setdefault(name, Mapped(alone=bool(row.alone), split=row.exploded_by != Exploded.HUB))
        if row.place or name not in placed:
            one.rows[row.id] = (row.shown_from, row.shown_at)
        if row.part is not None:
            one.parts[row.part] = row.units
    return found


def _names(names: Iterable[Name]) -> list[dict[str, str]]:
    return [dict(zip(NAMES, name, strict=True)) for name in sorted(set(names))]


FOUND = {
    "listing": "text", "sku": "text", "place": "text", "title": "text", "handle": "text", "writable": "text", "shown": "int",
    "uncovered": "text", "splits": "boolean", "item": "text",
}  # fmt: skip
KEEP = """
insert into listings (merchant, connection, listing, sku, place, alike, title, handle, writable, uncovered, item, shown, shown_from,
                      shown_at, figure_at, changed, found_at, seen_at, exploded_by)
select :merchant, :connection, r.listing, r.sku, coalesce(r.place, ''), lower(trim(r.sku)), r.title, r.handle, r.writable, r.uncovered,
       r.item, r.shown, :began, :now, :now, 1, :now, :now, case when r.splits then 'splits' else 'hub' end from {rows} where true
on conflict (connection, listing, sku, place) do update set seen_at = excluded.seen_at,
  found_at = case when listings.found_at = 0 then excluded.found_at else listings.found_at end, title = excluded.title,
  handle = excluded.handle, uncovered = excluded.uncovered, item = excluded.item,
  writable = case when listings.exploded_by = 'channel' then coalesce(excluded.writable, :split) else excluded.writable end,
  exploded_by = case when excluded.exploded_by = 'splits' then 'splits' when listings.exploded_by = 'splits' then 'hub'
                     else listings.exploded_by end,
  shown = case when (:written and listings.changed > listings.told) or listings.shown_at > :began or listings.heard_at > :began then null
          else excluded.shown end,
  shown_from = excluded.shown_from, shown_at = excluded.shown_at, figure_at = excluded.figure_at, changed = listings.changed + 1
"""
# A place that stocks a listing since today consumes what the listing consumes elsewhere.
INHERIT = """
insert into listing_parts (merchant, listing_id, sku, units)
select distinct l.merchant, l.id, p.sku, p.units from {rows}
join listings l on l.connection = r.connection and l.listing = r.listing and l.sku = r.sku
join listings s on s.connection = r.connection and s.listing = r.listing and s.sku = r.sku and s.id <> l.id
join listing_parts p on p.listing_id = s.id
where l.merchant || '' = :merchant and not exists (select 1 from listing_parts q where q.listing_id = l.id)
on conflict do nothing
returning listing_id
"""
INHERIT_HOW = """
update listings set alone = kin.alone, exploded_by = kin.exploded_by, writable = coalesce(listings.writable, kin.writable)
from (select t.id, s.alone, s.exploded_by, case when s.exploded_by = 'channel' then :split end as writable from {rows}
      join listings t on t.id = r.id
      join listings s on s.connection = t.connection and s.listing = t.listing and s.sku = t.sku and s.id <> t.id
      where s.alone or s.exploded_by = 'channel' {fence}) kin
where listings.id = kin.id
"""
ID = {"id": "bigint"}
MAPPED = "update listings set mapped = true from {rows} where listings.id = r.id"
# A row without a place is one that an order named first, or that no place stocked: nothing was ever written there.
PLACELESS = """
select l.id from {rows} join listings l on l.connection = r.connection and l.listing = r.listing and l.sku = r.sku and l.place = ''
where l.merchant || '' = :merchant
"""
UNPLACED_PARTS = f"delete from listing_parts where listing_id in ({PLACELESS})"
UNPLACED = f"delete from listings where id in ({PLACELESS})"
ADD = """
insert into listings (merchant, connection, listing, sku, alike, title, writable)
select :merchant, r.connection, r.listing, r.sku, lower(trim(r.sku)), r.title,
       case when r.listing = '' then 'not a listing of the channel' end from {rows} where true
on conflict (connection, listing, sku, place) do nothing
"""
# The SKU text is the first proposal only, trimmed and exact; a map that somebody made stays. Where SKUs of one channel differ by
# case or blanks alone, a person is asked.
ALIKE = "exists (select 1 from listings a where a.connection = l.connection and a.alike = l.alike and a.sku <> l.sku)"
PROPOSE = f"""
insert into listing_parts (merchant, listing_id, sku, units)
select l.merchant, l.id, s.sku, 1 from connections c join listings l on l.connection = c.id and not l.mapped
join skus s on s.merchant = l.merchant and s.sku = trim(l.sku)
where c.merchant = :merchant and l.sku <> '' and not {ALIKE}
on conflict do nothing
returning listing_id
"""
PROPOSE_THESE = f"""
insert into listing_parts (merchant, listing_id, sku, units)
select these.merchant, these.id, s.sku, 1
from (select t.id, t.merchant, t.connection, t.sku, t.alike from {{rows}} left join listings t
        on t.connection = r.connection and t.listing = r.listing and t.sku = r.sku and t.merchant || '' = :merchant {{fence}}) these
join skus s on s.merchant = these.merchant and s.sku = trim(these.sku)
where these.sku <> '' and not exists (select 1 from listing_parts p where p.listing_id = these.id) and not {ALIKE.replace("l.", "these.")}
on conflict do nothing
returning listing_id
"""


def keep(
    db: Connection, merchant: str, connection: str, rows: Sequence[Mapping[str, Any]], now: int, began: int | None = None, *,
    written: bool = True,
) -> None:  # fmt: skip
    """Write listings as the channel has them, and what each showed in a call that began then. Where stock is `written`, nobody knows
    of one that was told something meanwhile, or is about to be."""
    if rows:
        since = now if began is None else began
        run_set(db, KEEP, FOUND, rows, merchant=merchant, connection=connection, now=now, began=since, written=written, split=SPLIT)
    if placed := _names((connection, row["listing"], row["sku"]) for row in rows if row.get("place")):
        if new := run_set(db, INHERIT, NAMES, placed, merchant=merchant).fetchall():
            _have_parts(db, new)
            run_set(db, INHERIT_HOW, ID, [{"id": id} for id in sorted({row.listing_id for row in new})], split=SPLIT)
        for statement in (UNPLACED_PARTS, UNPLACED):
            run_set(db, statement, NAMES, placed, merchant=merchant)


def add(db: Connection, merchant: str, titles: Mapping[Name, str]) -> None:
    """Listings that an order names and nobody has read yet, with their titles as the order tells them."""
    rows = [{**dict(zip(NAMES, name, strict=True)), "title": title} for name, title in sorted(titles.items())]
    run_set(db, ADD, NAMES | {"title": "text"}, rows, merchant=merchant)


def propose(db: Connection, merchant: str) -> int:
    """Map what is not mapped where its SKU text is exactly one of ours. Gives how many."""
    return _have_parts(db, run(db, PROPOSE, merchant=merchant))


def propose_these(db: Connection, merchant: str, names: Iterable[Name]) -> None:
    """The same for these listings only, however many there are."""
    _have_parts(db, run_set(db, PROPOSE_THESE, NAMES, _names(names), merchant=merchant))


def _have_parts(db: Connection, rows: Iterable[Any]) -> int:
    """Those of these rows {listing_id} have parts from now on. Gives how many."""
    ids = sorted({row.listing_id for row in rows})
    if ids:
        run_set(db, MAPPED, ID, [{"id": id} for id in ids])
    return len(ids)


# One name of a listing went and one came in the same reading of the whole catalogue: it was renamed. What it consumes stays; the old
# row keeps it too, for the orders that name it.
RENAMED = """
select min(old.id) as old, min(new.id) as new, old.listing, min(old.sku) as was, min(new.sku) as sku
from listings old join listings new on new.connection = old.connection and new.listing = old.listing
where old.connection = :connection and old.seen_at > 0 and old.seen_at < :began and old.writable is null
  and new.place = old.place and new.found_at >= :began and exists (select 1 from listing_parts p where p.listing_id = old.id)
group by old.listing, old.place having count(*) = 1
"""
RENAME = """
insert into listing_parts (merchant, listing_id, sku, units)
select p.merchant, r.new, p.sku, p.units from {rows} join listing_parts p on p.listing_id = r.old
"""
RENAMED_HOW = """
update listings set alone = kin.alone, exploded_by = kin.exploded_by, writable = coalesce(listings.writable, kin.writable)
from (select r.new as id, s.alone, s.exploded_by, case when s.exploded_by = 'channel' then :split end as writable
      from {rows} join listings s on s.id = r.old where s.alone or s.exploded_by = 'channel' {fence}) kin
where listings.id = kin.id
"""
GONE = """
update listings set writable = 'the channel lists it no more' where connection = :connection and writable is null
  and seen_at > 0 and seen_at < :before
"""


def read_whole(db: Connection, connection: str, began: int, before: int) -> list[tuple[str, str, str]]:
    """The catalogue was read to its end from `began` on, and the time before that from `before` on. What was not in it either time is
    written no more. Gives what was renamed: (listing, was, is)."""
    found = run(db, RENAMED, connection=connection, began=began).fetchall()
    rows = [{"old": row.old, "new": row.new} for row in found]
    if rows:
        run_set(db, "delete from listing_parts where listing_id in (select r.new from {rows})", {"old": "bigint", "new": "bigint"}, rows)
        run_set(db, RENAME, {"old": "bigint", "new": "bigint"}, rows)
        run_set(db, MAPPED, ID, [{"id": row.new} for row in found])
        run_set(db, RENAMED_HOW, {"old": "bigint", "new": "bigint"}, rows, split=SPLIT)
        run_set(
            db, "update listings set writable = 'renamed' where id in (select r.old from {rows})", {"old": "bigint", "new": "bigint"}, rows
        )
    run(db, GONE, connection=connection, before=before)
    return sorted({(row.listing, row.was, row.sku) for row in found})


UNMAP = """
delete from listing_parts where listing_id in (select id from listings where merchant || '' = :merchant and connection = :connection
  and listing = :listing and sku = :sku)
"""
MAP = """
insert into listing_parts (merchant, listing_id, sku, units)
select :merchant, l.id, r.part, r.units from {rows} join listings l on l.connection = :connection and l.listing = :listing and l.sku = :sku
where l.merchant || '' = :merchant
"""


def map_parts(db: Connection, merchant: str, name: Name, parts: Mapping[str, int]) -> bool:
    """Say which SKUs a listing consumes; False where there is no such listing."""
    where = dict(zip(NAMES, name, strict=True))
    run(db, UNMAP, merchant=merchant, **where)
    rows = [{"part": sku, "units": units} for sku, units in parts.items()]
    done = run_set(db, MAP, {"part": "text", "units": "int"}, rows, merchant=merchant, **where).rowcount >= len(rows)
    run(db, TOUCH_ONE, merchant=merchant, mapped=bool(parts), **where)
    return done


TOUCH_ONE = """
update listings set changed = changed + 1, mapped = :mapped
where merchant || '' = :merchant and connection = :connection and listing = :listing and sku = :sku
"""
SKU = {"sku": "text"}
# What of a part is free at the locations that a row's place stands for; null where nobody counted it there, or it stands for none.
THERE = f"""(select sum({stock.FREE}) from place_locations m
        join levels v on v.merchant = l.merchant and v.sku = p.sku and v.location = m.location
        where m.connection = l.connection and m.place = l.place)"""
# One that is to show none, or that only its buffer is left of, is told before the others.
URGENT = f"""p.units * (coalesce(listings.buffer, (select c.buffer from connections c where c.id = listings.connection), 0) + 1) > coalesce(
  {THERE.replace(" l.", " listings.")}, 0)"""
TOUCH = f"""
update listings set changed = changed + 1, since = case when since is null then cast(:since as bigint) else since end, urgent = {URGENT}
from {{rows}} join listing_parts p on p.merchant = r.merchant and p.sku = r.sku where listings.id = p.listing_id
returning listings.connection
"""


def touch(db: Connection, merchant: str, skus: Iterable[str], since: int | None) -> set[str]:
    """The free units of these SKUs changed (by a sale at `since`): their listings must be looked at. Gives the connections."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    return {row.connection for row in run_set(db, TOUCH, SKU, rows, merchant=merchant, since=since)} if rows else set()


# Whoever writes several listings locks them first, in the order of their ids: sales and what is published meet on the same rows.
LOCK = """
select o.id from listings o where o.id in (select t.id from {rows} left join listings t on t.id = r.id {fence}) order by o.id {lock}
"""
LOCK_OF = """
select o.id, o.shown_from, o.shown_at from listings o where o.id in (
  select p.listing_id from {rows} left join listing_parts p on p.merchant = r.merchant and p.sku = r.sku
  union select t.id from {rows} left join listings t on t.id = r.id) order by o.id {lock}
"""


def lock(db: Connection, ids: Iterable[int]) -> None:
    """Until the transaction ends. SQLite has one writer."""
    rows = [{"id": id} for id in set(ids)]
    if rows and db.dialect.name == "postgresql":
        run_set(db, LOCK, {"id": "bigint"}, rows)


def lock_of(db: Connection, merchant: str, skus: Iterable[str], ids: Iterable[int]) -> dict[int, tuple[int, int]]:
    """The same for those that consume these SKUs, and these. Gives by their ids when the call began that taught us what each shows, and
    when its answer was written, as it is now; nothing on SQLite, where nobody wrote since this transaction began."""
    rows: list[dict[str, Any]] = [*({"sku": sku} for sku in set(skus)), *({"id": id} for id in set(ids))]
    if not rows or db.dialect.name != "postgresql":
        return {}
    return {
        row.id: (row.shown_from, row.shown_at) for row in run_set(db, LOCK_OF, {"sku": "text", "id": "bigint"}, rows, merchant=merchant)
    }


@dataclass(frozen=True, slots=True)
class Moved:
    """What a channel itself did to what a listing shows: it took `units` off, or may have moved it either way (None), up by `back` at
    most."""

    units: int | None = 0
    back: int = 0

    def and_by(self, units: int | None, back: int) -> "Moved":
        return Moved(None if self.units is None or units is None else self.units + units, self.back + back)


SOLD = {"id": "bigint", "units": "int", "back": "int"}
# What the channel shows again by itself it may sell again: of what is free it is no part.
LOWER = """
update listings set changed = listings.changed + 1, heard = listings.heard + 1, heard_at = :now, shown = case
  when r.units is null or listings.shown is null then null when listings.shown > r.units then listings.shown - r.units else 0 end,
  holds = case when listings.holds is null then null when r.units is null then listings.holds + r.back
               when listings.holds > r.units then listings.holds - r.units else 0 end,
  share = case when r.units is null or listings.share is null then listings.share
               when listings.share > r.units then listings.share - r.units else 0 end
from {rows} where listings.id = r.id
returning listings.connection
"""


def sold(db: Connection, moved: Mapping[int, Moved], now: int) -> set[str]:
    """The channels lowered these listings themselves when they sold, and what they hold and are dealt with it; one that may have moved
    either way is read before it is written. Gives the connections."""
    rows = [{"id": id, "units": one.units, "back": one.back} for id, one in sorted(moved.items())]
    return {row.connection for row in run_set(db, LOWER, SOLD, rows, now=now)} if rows else set()


@dataclass(frozen=True, slots=True)
class Dirty:
    """A listing whose channel may not show what it should."""

    id: int
    listing: str
    sku: str
    handle: Mapping[str, Any]
    shown: int | None
    wanted: int
    changed: int
    since: int | None
    revised: int
    revised_on: str
    heard: int
    asked: bool
    accepted_as: str = ""
    place: str = ""
    figure_at: int = 0
    sought: int | None = None
    shares: tuple[str, ...] = ()  # its SKUs, where one of them is in quota

    @property
    def name(self) -> tuple[str, str, str]:
        return (self.listing, self.sku, self.place)


# What of it is left to other channels, that cannot be read or written now.
WITHHELD = """(select coalesce(sum(w.units), 0) from withheld w
        where w.merchant = l.merchant and w.sku = p.sku and w.connection <> l.connection)"""
# What orders wait for, units that nobody has or a map that somebody made just now: it is theirs, wherever it lies.
OWED = """(select coalesce(sum((w.hold - w.held) * sold_by.units), 0) from (
          select distinct s.merchant, s.connection, s.listing, s.sku, g.units from listing_parts g join listings s on s.id = g.listing_id
          where g.merchant = l.merchant and g.sku = p.sku) sold_by
        join order_lines w on w.merchant = sold_by.merchant and w.listing = sold_by.listing and w.sku = sold_by.sku and w.waits is not null
        join orders o on o.id = w.order_id and o.connection = sold_by.connection)"""
FREE = f"({THERE} - {WITHHELD} - {OWED})"
# The same by location where all parts of a unit must lie at one: lines of "location=units", whoever is owed some of them.
SPREAD = f"""case when l.alone then (select {{listed}}(m.location || '=' || ({stock.FREE}), '
') from place_locations m join levels v on v.merchant = l.merchant and v.sku = p.sku and v.location = m.location
        where m.connection = l.connection and m.place = l.place) end as spread"""
# What of a part is on its way there, and expected within the days that the row looks ahead: from the moment that the clock was last read.
EXPECTED = f"""from place_locations m join inbound_lines n on n.merchant = l.merchant and n.sku = p.sku
        join inbounds i on i.id = n.inbound and i.state = 'sent' and i.location = m.location and {LEFT} > 0
        where m.connection = l.connection and m.place = l.place
          and i.expected_at <= (select s.slot from schedules s where s.name = 'here') + l.ahead * {DAY}"""
COMING = f"case when l.ahead is null then 0 else coalesce((select sum({LEFT}) {EXPECTED}), 0) end"
RULE = "l.buffer as own_buffer, l.cap, l.stopped, l.ahead, l.backorder"
# Its part, where one of its SKUs is in quota: none before it was dealt any.
SHARE = """case when (select min(q.sku) from listing_parts q join skus k on k.merchant = q.merchant and k.sku = q.sku
    where q.listing_id = l.id and k.quota) is not null then coalesce(l.share, 0) end as share"""
# What `Pools` reads, of a listing and one of its parts.
POOLS = f"p.sku as part, p.units, {FREE} as free, {COMING} as coming, {SPREAD}, l.alone, {RULE}, {SHARE}"
# A SKU that nobody counted has no level: what is not known is not shown.
WAITS = """changed > told and writable is null and shown_at > 0
  and exists (select 1 from listing_parts p where p.listing_id = listings.id)
  and not exists (select 1 from listing_parts p where p.listing_id = listings.id and not exists (
    select 1 from place_locations m join levels v on v.merchant = p.merchant and v.sku = p.sku and v.location = m.location
    where m.connection = listings.connection and m.place = listings.place))"""
DIRTY = f"""
select l.id, l.listing, l.sku, l.place, l.handle, l.shown, l.changed, l.since, l.revised, l.revised_on, l.heard, l.figure_at, l.sought,
       {POOLS},
       exists (select 1 from pushes u where u.listing_id = l.id and u.told_at is null) as asked
from listings l join listing_parts p on p.listing_id = l.id
where l.id in (select id from listings where connection = :connection and {WAITS}
               order by case when urgent then 0 when since is null then 2 else 1 end, since, id limit :most)
order by l.id
"""


class Pools:
    """What can be made of the parts of some listings, from rows with the columns POOLS: one for each part, in any order."""

    def __init__(self, found: Iterable[Any]) -> None:
        self.rows: dict[int, Any] = {}
        self.parts: dict[int, dict[str, int]] = {}
        self._free: dict[int, dict[str, int]] = {}
        self._coming: dict[int, dict[str, int]] = {}
        self._there: dict[int, dict[str, dict[str, int]]] = {}  # by location, where all parts of a unit must lie at one
        for row in found:
            self._add(row)

    def _add(self, row: Any) -> None:
        self.rows.setdefault(row.id, row)
        parts, free, coming = (some.setdefault(row.id, {}) for some in (self.parts, self._free, self._coming))
        if row.part is None:
            return
        parts[row.part], coming[row.part] = row.units, int(row.coming)
        if row.free is not None:
            free[row.part] = int(row.free)
        for one in (row.spread or "").splitlines():
            location, _, units = one.rpartition("=")
            self._there.setdefault(row.id, {}).setdefault(location, {})[row.part] = int(units)

    def may(self, id: int, buffer: int) -> Exposure | None:
        """What the listing may show, where its connection keeps so many back; None where it is not mapped, or somebody did not count one of
        its parts."""
        row, parts, free = self.rows[id], self.parts[id], self._free[id]
        if not parts or parts.keys() - free.keys():
            return None
        return exposure(parts, free, rule_of(row), buffer, row.share, self._whole(id), self._coming[id])

    def _whole(self, id: int) -> int | None:
        """How many units lie at one location each, where less is free of a part than lies there since others are owed it; None where they
        need not."""
        if not self.rows[id].alone:
            return None
        parts, free, there = self.parts[id], self._free[id], self._there.get(id, {})
        lies = {sku: sum(units.get(sku, 0) for units in there.values()) for sku in parts}
        return kits.whole(parts, there, {sku: lies[sku] - left for sku, left in free.items() if sku in lies})


def dirty(db: Connection, connection: str, buffer: int, most: int) -> list[Dirty]:
    """Up to `most` listings that changed since the channel was last told, with what each should show: those that run out first, then the
    oldest sale."""
    pools = Pools(run(db, DIRTY, connection=connection, most=most))
    return [
        _dirty(row, _units(pools.may(id, buffer)) or 0, pools.parts[id] if row.share is not None else {}) for id, row in pools.rows.items()
    ]


def _units(may: Exposure | None) -> int | None:
    return may.units if may else None


def rule_of(row: Any) -> Rule:
    """Of a row with the columns RULE."""
    return Rule(row.own_buffer, row.cap, bool(row.stopped), row.ahead, row.backorder)


def _dirty(row: Any, wanted: int, shares: Mapping[str, int]) -> Dirty:
    handle = msgspec.json.decode(row.handle)
    return Dirty(
        row.id,
        row.listing,
        row.sku,
        handle,
        row.shown,
        wanted,
        row.changed,
        row.since,
        row.revised,
        row.revised_on,
        row.heard,
        bool(row.asked),
        place=row.place,
        figure_at=row.figure_at,
        sought=row.sought,
        shares=tuple(shares),
    )


IDS = {"id": "bigint", "changed": "bigint"}
SETTLED = """
update listings set told = r.changed, since = case when listings.changed = r.changed then null else listings.since end
from {rows} where listings.id = r.id and listings.told < r.changed
"""
ASKED = {"listing_id": "bigint", "quantity": "int", "expected": "int", "since": "bigint"}
ASK = """
insert into pushes (merchant, connection, listing_id, key, quantity, expected, since, asked_at)
select :merchant, :connection, r.listing_id, :key, r.quantity, r.expected, r.since, :now from {rows}
"""


def settled(db: Connection, ids: Iterable[tuple[int, int]]) -> None:
    """(id, changed): these show what they should; nothing to tell."""
    rows = [{"id": id, "changed": changed} for id, changed in ids]
    if rows:
        run_set(db, SETTLED, IDS, rows)


def asking(db: Connection, merchant: str, connection: str, key: str, rows: Sequence[Mapping[str, Any]], now: int) -> None:
    """Write down what is about to be told, before it is."""
    run_set(db, ASK, ASKED, rows, merchant=merchant, connection=connection, key=key, now=now)


RESTED = """
update listings set told = r.changed, rests_until = :until from {rows} where listings.id = r.id and listings.told < r.changed
"""
RAISING = """
update listings set told = r.changed, raise_from = r.figure_at from {rows} where listings.id = r.id and listings.told < r.changed
"""
RAISE = "update listings set changed = changed + 1, raise_from = null where connection = :connection and raise_from < :read_to"
FIRST_RAISE = "select min(raise_from) from listings where connection = :connection and raise_from is not null"
SEEKING = """
update listings set told = r.changed, sought = r.committed from {rows} where listings.id = r.id and listings.told < r.changed
"""
SOUGHT = """
update listings set changed = changed + 1 where merchant || '' = :merchant and connection = :connection and alike = lower(trim(:sku))
"""
WAKE = "update listings set changed = changed + 1, rests_until = null where connection = :connection and rests_until <= :now"
WAKES = "select min(rests_until) from listings where connection = :connection and rests_until is not null"


def rested(db: Connection, ids: Iterable[tuple[int, int]], until: int) -> None:
    """(id, changed): these may not be told anything before then."""
    rows = [{"id": id, "changed": changed} for id, changed in ids]
    if rows:
        run_set(db, RESTED, IDS, rows, until=until)


def raising(db: Connection, rows: Iterable[tuple[int, int, int]]) -> None:
    """(id, changed, figure_at): these are raised once the channel's orders are read past the figure that they were compared with."""
    made = [{"id": id, "changed": changed, "figure_at": figure_at} for id, changed, figure_at in rows]
    if made:
        run_set(db, RAISING, {**IDS, "figure_at": "bigint"}, made)


def raise_again(db: Connection, connection: str, read_to: int) -> int:
    """The channel's orders are all here up to then: what waited to be raised is looked at again. Gives how many listings."""
    return run(db, RAISE, connection=connection, read_to=read_to).rowcount


def first_raise(db: Connection, connection: str) -> int | None:
    """The moment that orders must be read past before the first of those that wait is raised; None where none waits."""
    found: int | None = run(db, FIRST_RAISE, connection=connection).scalar_one()
    return found


def seeking(db: Connection, rows: Iterable[tuple[int, int, int]]) -> None:
    """(id, changed, units committed there): these are not told before the channel's open orders of their SKU are here."""
    made = [{"id": id, "changed": changed, "committed": committed} for id, changed, committed in rows]
    if made:
        run_set(db, SEEKING, {**IDS, "committed": "int"}, made)


def sought(db: Connection, merchant: str, connection: str, sku: str) -> None:
    """The open orders of this SKU are here: its listings are looked at again."""
    run(db, SOUGHT, merchant=merchant, connection=connection, sku=sku)


def wake(db: Connection, connection: str, now: int) -> None:
    """What rested until now is looked at again."""
    run(db, WAKE, connection=connection, now=now)


def wakes_at(db: Connection, connection: str) -> int | None:
    """When the first of the resting listings may be told something; None where none rests."""
    found: int | None = run(db, WAKES, connection=connection).scalar_one()
    return found


ANSWERED = {
    "id": "bigint", "changed": "bigint", "shown": "int", "told": "text", "problem": "text", "day": "text", "settled": "int",
    "heard": "bigint", "accepted_as": "text",
}  # fmt: skip
CLOSE = """
update pushes set told_at = :now, told = r.told from {rows}
where pushes.listing_id = r.id and pushes.connection = :connection and pushes.told_at is null
"""
# Words of an earlier acceptance stay until that is over: it may come true after a later one. So may a push whose answer was lost.
# If an order of the channel was heard of during the call, nobody knows whether it came before or after it: then it is read again.
ANSWER = """
update listings set shown = case when listings.heard = r.heard then r.shown end, shown_from = :began, shown_at = :now, problem = r.problem,
  figure_at = case when :proves and r.told = 'shown' then listings.figure_at else :now end,
  raise_from = case when r.settled = 1 then null else listings.raise_from end,
  accepted_at = case when r.told in ('accepted', 'lost') then :now else listings.accepted_at end,
  accepted_as = case when r.told <> 'accepted' or coalesce(listings.accepted_as, '') <> '' then listings.accepted_as else r.accepted_as end,
  told = case when r.settled = 1 and r.changed > listings.told then r.changed else listings.told end,
  since = case when r.settled = 1 and listings.changed = r.changed then null else listings.since end,
  revised = case when r.day is null then revised when revised_on = r.day then revised + 1 else 1 end,
  revised_on = case when r.day is null then revised_on else r.day end
from {rows} where listings.id = r.id
"""


def answered(
    db: Connection, connection: str, rows: Sequence[Mapping[str, Any]], began: int, now: int, *, proves: bool = False
) -> None:  # fmt: skip
    """What the channel said in a call that began then: {id, changed, shown, told, problem, day (spends a revision of it, or
    null), settled (1: it was told), heard (as it was before the call), accepted_as (words to follow it up by)}. A write that
    `proves` what was there before, since it was compared, leaves the figure as old as it was."""
    if rows:
        run_set(db, CLOSE, ANSWERED, rows, connection=connection, now=now)
        run_set(db, ANSWER, ANSWERED, rows, began=began, now=now, proves=proves)


ACCEPTED = """
select l.id, l.listing, l.sku, l.place, l.handle, l.shown, l.changed, l.since, l.revised, l.revised_on, l.heard, l.accepted_as
from listings l where l.connection = :connection and l.accepted_at <= :before order by l.accepted_at, l.id limit :most
"""
FIRST_ACCEPTED = "select min(accepted_at) from listings where connection = :connection and accepted_at is not null"
# What does not show what it was told is looked at again; less may be a sale that we have not seen: it is raised once the channel's
# orders were read past that moment and did not explain it. What was told while it was read is not what was read.
CONFIRM = """
update listings set accepted_at = null, accepted_as = null, shown_from = :began, shown_at = :now, figure_at = :now, shown = r.shown,
  changed = case when r.shown <> listings.shown then listings.changed + 1 else listings.changed end
from {rows} where listings.id = r.id and listings.changed = r.changed and listings.changed = listings.told and listings.heard = r.heard
  and listings.shown_at <= :began
"""
READ = {"id": "bigint", "changed": "bigint", "heard": "bigint", "shown": "int"}


def accepted(db: Connection, connection: str, before: int, most: int) -> list[Dirty]:
    """Listings whose channel said "accepted" before then and was not read back since; the oldest first."""
    return [_as_shown(row) for row in run(db, ACCEPTED, connection=connection, before=before, most=most)]


def first_accepted(db: Connection, connection: str) -> int | None:
    """When the channel accepted the oldest quantity that was not read back; None where there is none."""
    found: int | None = run(db, FIRST_ACCEPTED, connection=connection).scalar_one()
    return found


def _as_shown(row: Any) -> Dirty:
    return Dirty(
        row.id, row.listing, row.sku, msgspec.json.decode(row.handle), row.shown, row.shown or 0, row.changed, row.since,
        row.revised, row.revised_on, row.heard, False, row.accepted_as or "", row.place,
    )  # fmt: skip


def confirm(db: Connection, read: Iterable[tuple[Dirty, int | None]], began: int, now: int) -> None:
    """(listing as it was before the call, what it shows). What changed since is read back another time."""
    rows = [{"id": one.id, "changed": one.changed, "heard": one.heard, "shown": shown} for one, shown in read]
    if rows:
        run_set(db, CONFIRM, READ, rows, began=began, now=now)


DECLINE = """
update listings set accepted_at = null, accepted_as = null, problem = r.problem, shown = null from {rows}
where listings.id = r.id and listings.connection = :connection
"""


def declined(db: Connection, connection: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """{id, problem}: what was accepted first and refused after."""
    if rows:
        run_set(db, DECLINE, {"id": "bigint", "problem": "text"}, rows, connection=connection)


HOW_MANY = f"select count(*) from listings where connection = :connection and {WAITS}"


def dirty_left(db: Connection, connection: str) -> int:
    return int(run(db, HOW_MANY, connection=connection).scalar_one())


BLIND = """
select l.id, l.listing, l.sku, l.place, l.handle, l.shown, l.changed, l.since, l.revised, l.revised_on, l.heard, l.accepted_as
from listings l where l.connection = :connection and l.writable is null and l.shown is null and l.shown_at > 0 and l.problem is null
order by l.id limit :most
"""


def blind(db: Connection, connection: str, most: int) -> list[Dirty]:
    """Listings that were read once, and of which nobody knows any more what they show."""
    return [_as_shown(row) for row in run(db, BLIND, connection=connection, most=most)]


ZEROING = f"""
select (select count(*) from listings l where l.connection = :connection and l.changed > l.told and l.writable is null and l.shown > 0
          and not l.stopped and coalesce(l.cap, 1) > 0 and l.ahead is null and l.backorder = 0
          and exists (select 1 from listing_parts p
                      where p.listing_id = l.id and p.units * (coalesce(l.buffer, :buffer) + 1) > {THERE})) as zeros,
       (select count(*) from listings l where l.connection = :connection and l.writable is null and l.shown > 0) as showing
"""


def zeroing(db: Connection, connection: str, buffer: int) -> tuple[int, int]:
    """How many listings that show something are about to show nothing though nobody stopped their sale, nor is it left to another channel;
    and how many show something."""
    row = run(db, ZEROING, connection=connection, buffer=buffer).one()
    return int(row.zeros), int(row.showing)


CONSUMING = """
select distinct l.id, l.connection, l.shown, r.sku from {rows} join listing_parts p on p.merchant = r.merchant and p.sku = r.sku
join listings l on l.id = p.listing_id
"""


def consuming(db: Connection, merchant: str, skus: Iterable[str]) -> list[Any]:
    """(id, connection, shown, SKU) of the listings that consume these SKUs, once for each of them."""
    return list(run_set(db, CONSUMING, SKU, [{"sku": sku} for sku in sorted(set(skus))], merchant=merchant))


RULED = {"id": "bigint", "buffer": "int", "cap": "int", "stopped": "boolean", "ahead": "int", "backorder": "int"}
SET_RULES = """
update listings set buffer = known.buffer, cap = known.cap, stopped = known.stopped, ahead = known.ahead, backorder = known.backorder,
  changed = listings.changed + 1 from (
  select g.id, r.buffer, r.cap, r.stopped, r.ahead, r.backorder from {rows}
  left join listings g on g.id = r.id and g.merchant || '' = :merchant {fence}) known
where listings.id = known.id
"""


def set_rules(db: Connection, merchant: str, rules: Mapping[int, Rule]) -> None:
    """What these listings may show at most, by their ids."""
    rows = [{"id": id, **{name: getattr(one, name) for name in RULED if name != "id"}} for id, one in sorted(rules.items())]
    if rows:
        run_set(db, SET_RULES, RULED, rows, merchant=merchant)


NEARER = f"""
update listings set changed = changed + 1 where ahead is not null and exists (
  select 1 from listing_parts p join inbound_lines n on n.merchant = p.merchant and n.sku = p.sku
  join inbounds i on i.id = n.inbound and i.state = 'sent'
  where p.listing_id = listings.id and i.expected_at > :since + listings.ahead * {DAY} and i.expected_at <= :now + listings.ahead * {DAY})
returning merchant, connection
"""
SELLING_AHEAD = """
select distinct p.sku from {rows} join listing_parts p on p.merchant = r.merchant and p.sku = r.sku
join listings l on l.id = p.listing_id and (l.ahead is not null or l.backorder > 0) order by p.sku
"""


def come_nearer(db: Connection, since: int, now: int) -> set[tuple[str, str]]:
    """For the sweeper: goods came so near between these moments that listings which look ahead may sell them. Gives (merchant,
    connection)."""
    return {(row.merchant, row.connection) for row in run(db, NEARER, since=since, now=now)}


def selling_ahead(db: Connection, merchant: str, skus: Iterable[str]) -> list[str]:
    """Those of these SKUs that a listing sells before they are there."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    return [row.sku for row in run_set(db, SELLING_AHEAD, SKU, rows, merchant=merchant)] if rows else []


STANDS = """
update listings set uncovered = :uncovered
where merchant || '' = :merchant and connection = :connection and listing = :listing and sku = :sku
"""


def stands(db: Connection, merchant: str, name: Name, uncovered: str | None) -> None:
    """Whether a listing goes on selling whatever it shows, as its channel has just said, at each of its places."""
    run(db, STANDS, merchant=merchant, uncovered=uncovered, **dict(zip(NAMES, name, strict=True)))


def touch_all(db: Connection, connection: str) -> None:
    """What any of this channel's listings should show may be another number now."""
    run(db, "update listings set changed = changed + 1 where connection = :connection", connection=connection)


AGAIN = "update listings set changed = changed + 1, shown = null where connection = :connection"


def look_again(db: Connection, connection: str) -> None:
    """Nothing is believed of what this channel shows: each listing is read before it is written."""
    run(db, AGAIN, connection=connection)


EVERYTHING = """
select l.id, l.listing, l.sku, l.place, l.handle, l.shown, l.changed, l.since, l.revised, l.revised_on, l.heard, l.accepted_as
from listings l where l.connection = :connection and l.writable is null and l.shown is not null order by l.id limit :most
"""


def everything(db: Connection, connection: str, most: int) -> list[Dirty]:
    """Listings that may be written, wanted as they are shown."""
    return [_as_shown(row) for row in run(db, EVERYTHING, connection=connection, most=most)]


SEEN = f"""
select l.id, l.connection, c.channel, l.listing, l.sku, l.place, k.name as place_name, l.title, l.shown, l.writable, l.problem,
       l.changed > l.told as waits, c.buffer, l.exploded_by, l.uncovered, {POOLS},
       k.service or k.decided as decided,
       exists (select 1 from place_locations m where m.connection = l.connection and m.place = l.place) as ours
from listings l join connections c on c.id = l.connection left join listing_parts p on p.listing_id = l.id
left join places k on k.connection = l.connection and k.place = l.place
"""
ALL = f"{SEEN} where l.merchant = :merchant and (:connection = '' or l.connection = :connection) order by l.id"


@dataclass(frozen=True, slots=True)
class Shelf:
    """A listing as people see it; `wanted` is None where it is not mapped, or nobody counted one of its SKUs. `ours`: its place stands for
    a location of ours; else somebody `decided` that it does not, or nobody said anything."""

    id: int
    connection: str
    channel: str
    listing: str
    sku: str
    title: str
    shown: int | None
    wanted: int | None
    parts: Mapping[str, int]
    writable: str | None
    problem: str | None
    waits: bool
    place: str = ""
    place_name: str = ""
    ours: bool = True
    decided: bool = False
    rule: Rule = NO_RULE
    alone: bool = False
    exploded_by: str = "hub"
    uncovered: str | None = None  # why it goes on selling whatever it shows


def all_of(db: Connection, merchant: str, connection: str = "") -> list[Shelf]:
    return _shelves(run(db, ALL, merchant=merchant, connection=connection))


PLACED = {
    "all": "listings n where n.merchant = :merchant",
    "one": "listings n where n.connection = :connection and n.merchant || '' = :merchant",
    "all unmatched": "connections c join listings n on n.connection = c.id and not n.mapped where c.merchant = :merchant",
    "one unmatched": "listings n where n.connection = :connection and not n.mapped and n.merchant || '' = :merchant",
}
PAGES = {
    name: f"""{SEEN} where l.id in (
      select n.id from {those} and n.id > :after order by n.id limit :most) order by l.id"""
    for name, those in PLACED.items()
}
ONE = f"{SEEN} where l.id = :id and l.merchant || '' = :merchant"


def page(db: Connection, merchant: str, after: int, most: int, *, connection: str = "", unmatched: bool = False) -> list[Shelf]:
    """Up to `most` listings behind the id `after`; only a connection's, only those that nobody mapped."""
    statement = PAGES[("one" if connection else "all") + (" unmatched" if unmatched else "")]
    values = {"connection": connection} if connection else {}
    return _shelves(run(db, statement, merchant=merchant, after=after, most=most, **values))


def one(db: Connection, merchant: str, id: int) -> Shelf | None:
    return next(iter(_shelves(run(db, ONE, merchant=merchant, id=id))), None)


def _shelves(found: Iterable[Any]) -> list[Shelf]:
    pools = Pools(found)
    return [
        Shelf(
            row.id, row.connection, row.channel, row.listing, row.sku, row.title, row.shown, _units(pools.may(id, row.buffer)),
            pools.parts[id], row.writable, row.problem, bool(row.waits), row.place, row.place_name or "", bool(row.ours),
            bool(row.decided), rule_of(row),
            bool(row.alone), row.exploded_by, row.uncovered,
        )
        for id, row in pools.rows.items()
    ]  # fmt: skip


LAGS = """
select u.since, u.told_at, u.connection, u.told from pushes u
where u.merchant = :merchant and u.since is not null and u.told_at is not null and u.told in ('shown', 'accepted') and u.asked_at >= :after
order by u.id desc limit :most
"""


def lags(db: Connection, merchant: str, after: int = 0, most: int = 10_000) -> list[Any]:
    """(since, told_at) of pushes that a sale caused, newest first."""
    return list(run(db, LAGS, merchant=merchant, after=after, most=most))


# What moved since it was last read back, and is settled: told, confirmed, and not under any suspicion. `moved` counts causes as
# `changed` does. One that is only watched is never told anything, and is held against what was last read of it.
SEEN = """
select l.id, l.listing, l.sku, l.place, l.handle, l.shown, l.changed, l.since, l.revised, l.revised_on, l.heard, l.accepted_as
from listings l
"""
SETTLED_ONES = """l.writable is null and l.problem is null and l.shown is not null
  and (:live = 0 or (l.changed = l.told and l.accepted_at is null and l.raise_from is null))
  and not exists (select 1 from pushes u where u.listing_id = l.id and u.told_at is null)"""
MOVED = f"""
{SEEN} where l.connection = :connection and l.id > :after and l.changed > l.compared and {SETTLED_ONES} order by l.id limit :most
"""
OF_ITEMS = f"""
{SEEN.replace("l.accepted_as", "l.accepted_as, l.item")} where l.id in (
  select t.id from {{rows}} left join listings t on t.connection = :connection and t.item = r.item and t.place = r.place {{fence}})
  and {SETTLED_ONES} order by l.id
"""
ITEM = {"item": "text", "place": "text"}
SHOWN_AT = "select shown from listings where connection = :connection and item = :item and place = :place and merchant || '' = :merchant"
AS_THEN = {"id": "bigint", "changed": "bigint", "heard": "bigint"}
STILL = """
select o.id from listings o where o.id in (
  select t.id from {rows} left join listings t
    on t.id = r.id and t.changed = r.changed and t.heard = r.heard and t.connection || '' = :connection {fence}) order by o.id {lock}
"""
COMPARED = """
update listings set compared = changed where id in (select o.id from listings o where o.id in (
  select t.id from {rows} left join listings t on t.id = r.id and t.changed = r.changed and t.connection || '' = :connection {fence}))
"""
READ_BACK = "update listings set compared = changed where connection = :connection and seen_at >= :began"


def moved(db: Connection, connection: str, after: int, most: int, *, live: bool) -> list[Dirty]:
    """Up to `most` listings behind the id `after` that moved since they were last read back, wanted as they are believed to be."""
    return [_as_shown(row) for row in run(db, MOVED, connection=connection, after=after, most=most, live=int(live))]


def of_items(db: Connection, connection: str, items: Iterable[tuple[str, str]], *, live: bool) -> list[tuple[Dirty, str]]:
    """Those of these (item, place) that nothing is under way about, wanted as they are believed to be, each with its item."""
    rows = [{"item": item, "place": place} for item, place in sorted(set(items))]
    found = run_set(db, OF_ITEMS, ITEM, rows, connection=connection, live=int(live)) if rows else ()
    return [(_as_shown(row), row.item) for row in found]


def shows(db: Connection, merchant: str, connection: str, item: str, place: str) -> set[int | None]:
    """What we believe is shown of an item at a place."""
    found = run(db, SHOWN_AT, merchant=merchant, connection=connection, item=item, place=place)
    return {row.shown for row in found}


def still(db: Connection, connection: str, seen: Sequence[Dirty]) -> set[int]:
    """Those of which nothing was told, sold or counted since they were seen so; locked until the transaction ends."""
    rows = [{"id": one.id, "changed": one.changed, "heard": one.heard} for one in seen]
    return {row.id for row in run_set(db, STILL, AS_THEN, rows, connection=connection)} if rows else set()


def compared(db: Connection, connection: str, seen: Sequence[Dirty]) -> None:
    """These were read back and held against what we believe."""
    if rows := [{"id": one.id, "changed": one.changed, "heard": one.heard} for one in seen]:
        run_set(db, COMPARED, AS_THEN, rows, connection=connection)


def read_back(db: Connection, connection: str, began: int) -> None:
    """A reading of the whole catalogue that began then looked at all of these."""
    run(db, READ_BACK, connection=connection, began=began)
