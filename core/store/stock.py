"""Shelves: SKUs, locations, levels, reservations and movements. Levels change by guarded updates only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection

from core.domain.stock import Key, Plan
from core.domain.stored import Theirs
from core.errors import Stale
from core.store import goods, places
from core.store.sql import run, run_set

SKU = {"sku": "text"}
# What channels are shown of a shelf v: neither what orders hold nor what is kept for them.
FREE = "case when v.on_hand - v.reserved > v.safety then v.on_hand - v.reserved - v.safety else 0 end"
LOCK = """
select o.sku, o.location, o.on_hand, o.reserved from {rows} join levels o on o.merchant = r.merchant and o.sku = r.sku
order by r.sku, o.location {lock}
"""


def lock_levels(db: Connection, merchant: str, skus: Iterable[str]) -> dict[Key, tuple[int, int]]:
    """(on hand, reserved) of every shelf of these SKUs, locked in (SKU, location) order."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    if not rows:
        return {}
    return {(row.sku, row.location): (row.on_hand, row.reserved) for row in run_set(db, LOCK, SKU, rows, merchant=merchant)}


SHELVES = """
select o.sku, o.location, o.on_hand, o.reserved, o.safety, coalesce(f.kind, '') = 'fba' as theirs, f.ships and f.party is not null as open
from {rows} join levels o on o.merchant = r.merchant and o.sku = r.sku left join locations f on f.id = o.location
order by r.sku, o.location {lock}
"""


def lock_shelves(db: Connection, merchant: str, skus: Iterable[str]) -> tuple[dict[Key, tuple[int, int]], Theirs]:
    """The same, and which of them a channel counts itself, with the units that stay there for its own buyers."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    found = run_set(db, SHELVES, SKU, rows, merchant=merchant).fetchall() if rows else []
    theirs = [row for row in found if row.theirs]
    counted, open_ = {row.location for row in theirs}, {row.location for row in theirs if row.open}
    cushion = {(row.sku, row.location): row.safety for row in theirs}
    levels = {(row.sku, row.location): (row.on_hand, row.reserved) for row in found}
    return levels, Theirs(frozenset(counted), frozenset(open_), cushion)


LOCK_LOCATION = "select o.sku from levels o where o.merchant = :merchant and o.location = :location order by o.sku {lock}"


def lock_location(db: Connection, merchant: str, location: str) -> None:
    """Every shelf of a location, until the transaction ends."""
    run(db, LOCK_LOCATION, merchant=merchant, location=location)


ORDERS = {"order_id": "text"}
RESERVED = """
select v.order_id, v.line, v.sku, v.location, v.units
from {rows} left join reservations v on v.order_id = r.order_id and v.merchant || '' = :merchant
"""


def reserved(db: Connection, merchant: str, orders: Iterable[str]) -> dict[tuple[str, str], dict[Key, int]]:
    """Reservations of these orders by (order id, line)."""
    found: dict[tuple[str, str], dict[Key, int]] = {}
    rows = [{"order_id": one} for one in sorted(set(orders))]
    for row in run_set(db, RESERVED, ORDERS, rows, merchant=merchant) if rows else ():
        if row.units is not None:
            found.setdefault((row.order_id, row.line), {})[row.sku, row.location] = row.units
    return found


SHELF = {"sku": "text", "location": "text", "on_hand": "int", "reserved": "int"}
ADD_SHELVES = """
insert into levels (merchant, sku, location, on_hand, reserved) select :merchant, r.sku, r.location, 0, 0 from {rows} where true
on conflict (merchant, sku, location) do nothing
"""
CHANGE = """
update levels set on_hand = levels.on_hand + r.on_hand, reserved = levels.reserved + r.reserved from {rows}
where levels.merchant = r.merchant and levels.sku = r.sku and levels.location = r.location
  and levels.reserved + r.reserved >= 0 and levels.on_hand + r.on_hand >= levels.reserved + r.reserved
"""
RESERVATION = {"order_id": "text", "line": "text", "sku": "text", "location": "text", "units": "int"}
RESERVE = """
insert into reservations (merchant, order_id, line, sku, location, units)
select :merchant, r.order_id, r.line, r.sku, r.location, r.units from {rows} where true
on conflict (order_id, line, sku, location) do update set units = excluded.units
"""
RELEASE = """
delete from reservations where (order_id, line, sku, location) in (select r.order_id, r.line, r.sku, r.location from {rows})
"""
PLANNED = ("sku", "location", "units", "cause", "subject")
MOVEMENT = {"sku": "text", "location": "text", "units": "int", "damaged": "int", "cause": "text", "subject": "text"}
MOVE = """
insert into movements (merchant, sku, location, units, damaged, cause, subject, at)
select :merchant, r.sku, r.location, r.units, coalesce(r.damaged, 0), r.cause, r.subject, :now from {rows}
"""


def apply(db: Connection, merchant: str, plan: Plan, known: Mapping[Key, Any], now: int) -> None:
    """Write a plan made from `known` levels. Raises Stale where a shelf is not as the plan saw it."""
    shelves = [
        {"sku": sku, "location": place, "on_hand": change[0], "reserved": change[1]}
        for (sku, place), change in sorted(plan.shelves.items())
        if any(change)
    ]
    new = [row for row in shelves if (row["sku"], row["location"]) not in known]
    if new:
        run_set(db, ADD_SHELVES, SHELF, new, merchant=merchant)
    if shelves and run_set(db, CHANGE, SHELF, shelves, merchant=merchant).rowcount != len(shelves):
        raise Stale("a shelf changed under a plan")
    _reservations(db, merchant, plan)
    _movements(db, merchant, [dict(zip(PLANNED, move, strict=True)) for move in plan.movements], now)


def _reservations(db: Connection, merchant: str, plan: Plan) -> None:
    rows = [dict(zip(RESERVATION, (*key, units), strict=True)) for key, units in sorted(plan.reservations.items())]
    kept, ended = [row for row in rows if row["units"]], [row for row in rows if not row["units"]]
    if kept:
        run_set(db, RESERVE, RESERVATION, kept, merchant=merchant)
    if ended:
        run_set(db, RELEASE, RESERVATION, ended)


def _movements(db: Connection, merchant: str, rows: Sequence[Mapping[str, Any]], now: int) -> None:
    if rows:
        run_set(db, MOVE, MOVEMENT, rows, merchant=merchant, now=now)


MOVED = {"sku": "text", "location": "text", "units": "int", "damaged": "int"}
CHANGE_BOTH = """
update levels set on_hand = levels.on_hand + r.units, damaged = levels.damaged + r.damaged from {rows}
where levels.merchant = r.merchant and levels.sku = r.sku and levels.location = r.location
  and levels.on_hand + r.units >= levels.reserved and levels.damaged + r.damaged >= 0
"""


@dataclass(frozen=True, slots=True)
class Move:
    """So many units more, or less, lie on a shelf: that can be sold, and damaged ones."""

    sku: str
    location: str
    units: int
    damaged: int
    cause: str
    subject: str


def move(db: Connection, merchant: str, moves: Sequence[Move], now: int) -> None:
    """Move units of shelves that are locked; what nobody counted yet held none. Raises Stale where less would be left than is promised,
    or less than nothing damaged."""
    sums = {(one.sku, one.location): [0, 0] for one in moves}
    for one in moves:
        sums[one.sku, one.location][0] += one.units
        sums[one.sku, one.location][1] += one.damaged
    rows = [{"sku": sku, "location": at, "units": units, "damaged": damaged} for (sku, at), (units, damaged) in sorted(sums.items())]
    if rows:
        run_set(db, ADD_SHELVES, SHELF, rows, merchant=merchant)
        if run_set(db, CHANGE_BOTH, MOVED, rows, merchant=merchant).rowcount != len(rows):
            raise Stale("a shelf holds less than that")
        _movements(db, merchant, [asdict(one) for one in moves], now)


def add_location(db: Connection, merchant: str, id: str, name: str, rank: int = 0, kind: str = "own") -> None:
    run(
        db,
        "insert into locations (id, merchant, name, rank, kind) values (:id, :merchant, :name, :rank, :kind) on conflict do nothing",
        id=id, merchant=merchant, name=name, rank=rank, kind=kind,
    )  # fmt: skip
    places.spread_all(db, merchant)


SAFETY = {"sku": "text", "location": "text", "safety": "int"}
KEEP_SAFE = """
update levels set safety = r.safety from {rows} where levels.merchant = r.merchant and levels.sku = r.sku and levels.location = r.location
"""


def keep_safe(db: Connection, merchant: str, shelves: Mapping[Key, int]) -> None:
    """No channel is shown so many units of these shelves from now on. What nobody counted keeps none."""
    rows = [{"sku": sku, "location": place, "safety": units} for (sku, place), units in sorted(shelves.items())]
    if rows:
        run_set(db, KEEP_SAFE, SAFETY, rows, merchant=merchant)


COUNTED = {"sku": "text", "title": "text", "location": "text", "on_hand": "int", "counted_at": "bigint"}
# Fewer than are promised: some of those have left already and nobody told us. The moment of such a count says nothing of them.
COUNT = """
insert into levels (merchant, sku, location, on_hand, reserved, counted_at)
select :merchant, r.sku, r.location, r.on_hand, 0, r.counted_at from {rows} where true
on conflict (merchant, sku, location) do update set
  on_hand = case when excluded.on_hand < levels.reserved then levels.reserved else excluded.on_hand end,
  counted_at = case when excluded.on_hand < levels.reserved then levels.counted_at else excluded.counted_at end
"""


def count(db: Connection, merchant: str, rows: Sequence[Mapping[str, Any]], now: int) -> None:
    """A stock count: {sku, title, location, on_hand, counted_at (now, where it is not given)}. Units that are promised stay on hand,
    whatever was counted."""
    rows = [{"counted_at": now, **row} for row in rows]
    before = lock_levels(db, merchant, (row["sku"] for row in rows))
    goods.name(db, merchant, ((row["sku"], row["title"]) for row in rows), now)
    run_set(db, COUNT, COUNTED, rows, merchant=merchant)
    moves = [_difference(row, before) for row in rows]
    _movements(db, merchant, [move for move in moves if move["units"]], now)


def _difference(row: Mapping[str, Any], before: Mapping[Key, tuple[int, int]]) -> dict[str, Any]:
    on_hand, reserved = before.get((row["sku"], row["location"]), (0, 0))
    units = max(row["on_hand"], reserved) - on_hand
    return {"sku": row["sku"], "location": row["location"], "units": units, "cause": "counted", "subject": "count"}


LEVELS = f"""
select v.sku, coalesce(s.title, '') as title, sum(v.on_hand) as on_hand, sum(v.reserved) as reserved, sum(v.safety) as safety,
  sum(v.damaged) as damaged, count(*) as places
from levels v left join skus s on s.merchant = v.merchant and s.sku = v.sku
where v.merchant = :merchant and v.sku > :after and (:sku = '' or v.sku = :sku) and {places.OURS}
group by v.sku, s.title order by v.sku limit :most
"""


def levels(db: Connection, merchant: str, *, sku: str = "", after: str = "", most: int = 200) -> list[Any]:
    return list(run(db, LEVELS, merchant=merchant, sku=sku, after=after, most=most))


MOVEMENTS = """
select sku, location, units, damaged, cause, subject, at from movements
where merchant = :merchant and sku = :sku order by id desc limit :most
"""


def movements(db: Connection, merchant: str, sku: str, most: int = 100) -> list[Any]:
    return list(run(db, MOVEMENTS, merchant=merchant, sku=sku, most=most))


UNITS = f"""
select coalesce(sum(v.reserved), 0) as reserved, coalesce(sum(v.on_hand), 0) as on_hand
from levels v where v.merchant = :merchant and {places.OURS}
"""
SHORT = "select coalesce(sum(hold - held), 0) as units from order_lines where merchant = :merchant and waits = :waits"


def units(db: Connection, merchant: str) -> dict[str, int]:
    """Units reserved and on hand, and of the lines that wait: short of stock, without a map."""
    row = run(db, UNITS, merchant=merchant).one()
    short = {waits: int(run(db, SHORT, merchant=merchant, waits=waits).scalar_one()) for waits in ("stock", "mapping")}
    return {"reserved": int(row.reserved), "on_hand": int(row.on_hand), "short": short["stock"], "unmapped": short["mapping"]}
