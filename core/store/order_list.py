"""The list of orders, read a page at a time, however many there are.

Pages go by when an order was placed and its id. Where the leading filter lets many through and others take most of them out, a walk stops
after WALK orders and says how far it came: rare things among very many are found in steps, and no step is slow.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.wanted import Cursor, Wanted
from core.store.order_sieves import Plan
from core.store.sql import run, run_set
from core.store.vault import Box

WALK = 3_000
COUNTED = 1_000  # beyond that it is "more than"

OWN = "(select distinct id from (IDS) as ids {fence}) as s join orders o on o.id = s.id where o.merchant || '' = :merchant"
COLUMNS = """o.id, o.connection, o.channel_id, o.name, o.placed_at, o.currency, o.total, o.status, o.payment, o.fulfillment, o.units,
  o.test, o.held_at, o.held_why, o.copy_of, o.merged_into, o.problems is not null as odd, o.history,
  case when :buyers then o.person end as person"""
# What leads to few orders gives them in no order: they are sorted before more than their place is read.
SORTED = "select COLUMNS, f.among from (FOUND) f join orders o on o.id = f.id order by o.placed_at WAY, o.id WAY"
# What some of them wait for, and their tags. Orders that follow each other were mostly taken one after the other: what lies between their
# ids is read at once, where it is little; else each is looked up, at a cost that grows with all orders there are.
NEAR = 200
DRESSED = """
with page as materialized (PAGE),
span as materialized (select min(page.id) as lo, max(page.id) as hi from page),
waiting as materialized (
  select l.order_id, l.waits from span join order_lines l
    on l.merchant = :merchant and l.waits is not null and l.order_id >= span.lo and l.order_id <= span.hi limit :near),
tagged as materialized (select g.order_id, g.tag from span join order_tags g on g.order_id >= span.lo and g.order_id <= span.hi limit :near)
select page.*,
  case when (select count(*) from waiting) < :near then (select max(waiting.waits) from waiting where waiting.order_id = page.id)
    else (select max(l.waits) from order_lines l where l.merchant = :merchant and l.order_id = page.id and l.waits is not null)
  end as waits,
  case when (select count(*) from tagged) < :near then (select {listed}(tagged.tag, ',') from tagged where tagged.order_id = page.id)
    else (select {listed}(g.tag, ',') from order_tags g where g.order_id = page.id) end as tags
from page order by page.placed_at WAY, page.id WAY
"""
BETWEEN = {
    "desc": "(o.placed_at, o.id) < (:at, :id) and (o.placed_at, o.id) >= (:end, :end_id)",
    "asc": "(o.placed_at, o.id) > (:at, :id) and (o.placed_at, o.id) <= (:end, :end_id)",
}


@dataclass(frozen=True, slots=True)
class Walked:
    """Orders in the order of the walk. `more`: there are others behind the last; `stopped`: nothing of the rest was looked at; `among`: how
    many there are in the whole stretch, where all of it was read."""

    rows: Sequence[Any]
    more: bool = False
    stopped: Cursor | None = None
    among: int | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the list: after `start`, up to and with `end`; `way` is desc for from new to old, asc for back."""

    start: Cursor
    end: Cursor
    way: str

    @property
    def values(self) -> dict[str, Any]:
        return {"at": self.start.at, "id": self.start.id, "end": self.end.at, "end_id": self.end.id}


def stretch(wanted: Wanted, start: Cursor | None, *, back: bool = False) -> Stretch:
    """All that was placed in the time that is asked for, from `start` on."""
    oldest, newest = Cursor(wanted.since, ""), Cursor(wanted.until, "")
    if back:
        return Stretch(max(start or oldest, oldest, key=_place), newest, "asc")
    return Stretch(min(start or newest, newest, key=_place), oldest, "desc")


def _place(one: Cursor) -> tuple[int, str]:
    return (one.at, one.id)


def walk(db: Connection, plan: Plan, part: Stretch, most: int, *, more: str = "") -> Walked:
    """Up to `most` orders of this stretch; `more` columns of theirs where wanted."""
    stopped = _end(db, plan, part) if plan.is_sparse else None
    part = replace(part, end=stopped) if stopped else part
    dressed = _dressed(_shown(plan, part, COLUMNS + more), part.way)
    rows = run(db, dressed, **plan.values, **part.values, most=most + 1, near=NEAR).fetchall()
    full = len(rows) > most
    return Walked(rows[:most], full, None if full else stopped, (rows[0].among if rows else 0) if plan.few else None)


def _shown(plan: Plan, part: Stretch, columns: str) -> str:
    if not plan.few:
        return _places(plan, part, plan.checks, "limit :most", f"{columns}, 0 as among")
    found = _places(plan, part, plan.checks, "limit :most", "o.id, count(*) over () as among")
    return SORTED.replace("COLUMNS", columns).replace("FOUND", found).replace("WAY", part.way)


def _dressed(page: str, way: str) -> str:
    return DRESSED.replace("PAGE", page).replace("WAY", way)


def ids(db: Connection, plan: Plan, part: Stretch, most: int) -> tuple[list[str], Cursor | None]:
    """The ids of up to `most` orders of this stretch, and where the walk stopped before its end."""
    stopped = _end(db, plan, part) if plan.is_sparse else None
    part = replace(part, end=stopped) if stopped else part
    rows = run(db, _places(plan, part, plan.checks, "limit :most"), **plan.values, **part.values, most=most)
    return [row.id for row in rows], stopped


THESE = "select o.id, 0 as among from {rows} join orders o on o.id = r.id and o.merchant || '' = :merchant"


def these(db: Connection, merchant: str, ids: Sequence[str], *, buyers: bool, more: str = "") -> Sequence[Any]:
    """These of the merchant's orders as `walk` gives them, the newest first."""
    statement = _dressed(SORTED.replace("COLUMNS", COLUMNS + more).replace("FOUND", THESE), "desc")
    rows = [{"id": id} for id in ids]
    return run_set(db, statement, {"id": "text"}, rows, merchant=merchant, buyers=buyers, near=NEAR).fetchall()


def _places(plan: Plan, part: Stretch, checks: str, limit: str, columns: str = "o.id, o.placed_at") -> str:
    between, order = BETWEEN[part.way], f"order by o.placed_at {part.way}, o.id {part.way}"
    return f"select {columns} from {_from(plan)} and {between} and {checks} {order} {limit}"


def _from(plan: Plan) -> str:
    """Where the orders come from, with the first condition."""
    ids = plan.lead.ids if plan.lead else ""
    return OWN.replace("IDS", ids) if ids else f"orders o where {plan.scope}"


def _end(db: Connection, plan: Plan, part: Stretch) -> Cursor | None:
    """The last of the next WALK orders along the leading index; None where there are fewer."""
    row = run(db, _places(plan, part, "true", "limit 1 offset :walk"), **plan.values, **part.values, walk=WALK - 1).first()
    return Cursor(row.placed_at, row.id) if row else None


@dataclass(frozen=True, slots=True)
class Count:
    """`exact` or at least."""

    orders: int
    exact: bool


def count(db: Connection, plan: Plan, walked: Walked) -> Count:
    """How many there are, counted to COUNTED, and no further than a walk goes. `walked` is the first page of them."""
    if walked.among is not None:
        return Count(walked.among, exact=True)
    part = stretch(plan.wanted, None)
    stopped = _end(db, plan, part) if plan.is_sparse else None
    part = replace(part, end=stopped) if stopped else part
    counted = f"select 1 from {_from(plan)} and {BETWEEN['desc']} and {plan.checks} limit :most"
    found = run(db, f"select count(*) from ({counted}) as counted", **plan.values, **part.values, most=COUNTED + 1).scalar_one()
    return Count(min(found, COUNTED), found <= COUNTED and stopped is None)


class _Buyer(msgspec.Struct):
    name: str = ""


_buyer = msgspec.json.Decoder(_Buyer)


@dataclass(frozen=True, slots=True)
class Shown:
    """A row of the list, with its buyer's name for those who may see it."""

    row: Any
    buyer: str
    tags: tuple[str, ...]

    @property
    def place(self) -> Cursor:
        return place_of(self.row)


def shown(row: Any, box: Box) -> Shown:
    """Raises Unreadable where its buyer's data was sealed for another place."""
    buyer = _buyer.decode(box.open_text(f"orders|person|{row.id}", row.person)).name if row.person else ""
    return Shown(row, buyer, tags_of(row))


def tags_of(row: Any) -> tuple[str, ...]:
    return tuple(sorted(filter(None, (row.tags or "").split(","))))


def place_of(row: Any) -> Cursor:
    return Cursor(row.placed_at, row.id)


CHOICES = """
with recursive used(tag) as (
  select min(tag) from order_tags where merchant = :merchant
  union all select (select min(g.tag) from order_tags g where g.merchant = :merchant and g.tag > used.tag) from used
            where used.tag is not null)
select 'connection' as what, id, label as name, channel, created_at as rank from connections where merchant = :merchant
union all select 'location', id, name, '', rank from locations where merchant = :merchant
union all select * from (select 'tag', tag, tag, '', 0 from used where tag is not null limit 200) as tags
"""


def choices(db: Connection, merchant: str) -> list[Any]:
    """(what, id, name, channel): the connections, locations and tags that a merchant can filter by."""
    return sorted(run(db, CHOICES, merchant=merchant), key=lambda row: (row.what, row.rank, row.name))
