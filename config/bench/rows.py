"""The figures and their goals: what must be reached, what we aim at, and whether it was."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace


class CannotMeasure(ValueError):
    """One line that says what is in the way."""


class UnknownPart(CannotMeasure):
    """It names the part and those there are."""


@dataclass(frozen=True, slots=True)
class Goal:
    """`of` is what is judged: "value" or "ratio". `must` and `aim` are the least, or the most where `most`."""

    unit: str
    must: float | None = None
    aim: float | None = None
    of: str = "value"
    most: bool = False


GOALS = {
    "ingest": Goal("notices/s", 0.25, 0.50, "ratio"),
    "ingest_http": Goal("notices/s", 0.25, 0.50, "ratio"),
    "drain": Goal("orders/s", 0.20, 0.80, "ratio"),
    "drain_cpu_ms": Goal("ms/order", 1.0, 0.3, most=True),
    "drain_statements": Goal("statements/order", 3, 0.5, most=True),
    "hot": Goal("orders/s", 0.5, 0.9, "ratio"),
    "hot_at_once": Goal("orders/s", 0.5, 0.9, "ratio"),
    "answer_p99_ms": Goal("ms", 100, 25, most=True),
    "lag_p99_ms": Goal("ms", 1000, 500, most=True),
    "told_p99_ms": Goal("ms", 1000, 500, most=True),
    "burst_s": Goal("s", 10, 5, most=True),
    "burst_pushes": Goal("pushes/listing"),
    "shared_oversold": Goal("units"),
    "shared_unexplained": Goal("units", 0, 0, most=True),
    "quota_oversold": Goal("units", 0, 0, most=True),
    "quota_sold": Goal("units", 100, 100),
    "quota_sold_s": Goal("s"),
    "rush_wait_ms": Goal("ms", None, 1000, most=True),
    "pushes_per_sale": Goal("pushes/sale", 0.2, 0.05, most=True),
    "catalogue_statements": Goal("statements", 1.1, 1.1, "ratio", most=True),
    "catalogue_calls": Goal("calls", 1.0, 1.0, "ratio", most=True),
    "listings_s": Goal("s", 60, 30, most=True),
    "listings_mb": Goal("MB", 250, 150, most=True),
    "silent_missing": Goal("orders", 0, 0, most=True),
    "silent_found_share": Goal("of poll interval + 3 min", 1.0, 1.0, most=True),
    "paging_lost": Goal("orders", 0, 0, most=True),
    "paging_doubled": Goal("orders", 0, 0, most=True),
    "kits_s": Goal("s", 1.0, 0.2, most=True),
    "entries_s": Goal("s", 10, 5, most=True),
    "payout_s": Goal("s", 5, 2, most=True),
    "certificate_s": Goal("s", 30, 10, most=True),
    "certificate_mb": Goal("MB", 300, 250, most=True),
    "release_s": Goal("s", 2, 1, most=True),
    "labels_per_s": Goal("labels/s", 30, 60),
    "labels_per_parcel": Goal("labels", 1, 1, most=True),
    "labels_per_parcel_least": Goal("labels", 1, 1),
    "confirmations_per_parcel": Goal("times", 1, 1, most=True),
    "confirmations_per_parcel_least": Goal("times", 1, 1),
    "documents_per_entry": Goal("documents", 1, 1, most=True),
    "documents_per_entry_least": Goal("documents", 1, 1),
    "held_share": Goal("of all", 0.03, 0, most=True),
    "once_broken": Goal("runs", 0, 0, most=True),
    "route_ms": Goal("ms", 1.0, 0.13, most=True),
    "batch_gap": Goal("%", 1, 0.1, most=True),
    "batch_gap_worst": Goal("%"),
    "batch_ms": Goal("ms", 100, 10, most=True),
    "slips_s": Goal("s", 10, 5, most=True),
    "slips_mb": Goal("MB", 200, 175, most=True),
    "backfill_wait": Goal("ms", 1.5, 1.1, "ratio", most=True),
    "memory_mb": Goal("MB", 200, 120, most=True),
    "growth": Goal("ms/order", 1.1, 1.02, "ratio", most=True),
    "page_ms": Goal("ms", 50, 25, most=True),
    "page_statements": Goal("statements", 8, 6, most=True),
    "page_kb": Goal("KB", 150, 60, most=True),
    "lcp_ms": Goal("ms", 1000, 500, most=True),
    "cls": Goal("", 0.02, 0, most=True),
    "inp_ms": Goal("ms", 100, 50, most=True),
    "list_buffers": Goal("buffers", 1.3, 1.1, "ratio", most=True),
    "orders_per_s": Goal("orders/s", 300, 2000),
    "p50_ms": Goal("ms"),
    "p95_ms": Goal("ms"),
    "p99_ms": Goal("ms", 50, 50, most=True),
    "cpu_ms_per_order": Goal("ms/order"),
    "statements_per_order": Goal("statements/order"),
    "peak_memory_mb": Goal("MB"),
    "taken": Goal("orders"),
    "refused": Goal("payloads"),
    "duplicates": Goal("payloads"),
}
INTAKE: tuple[str, ...] = (
    "p50_ms",
    "p95_ms",
    "p99_ms",
    "orders_per_s",
    "cpu_ms_per_order",
    "statements_per_order",
    "peak_memory_mb",
    "taken",
    "refused",
)
INTAKE += ("duplicates",)
# Told, not judged: a single-row commit costs SQLite next to nothing, and the reference of ingest has no HTTP in it.
NO_GOAL = {("drain", "sqlite"), ("ingest_http", "postgresql")}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `reference` was measured in the same rounds; `ok` is None where nothing must be reached, `value` None where
    the figure was left out, and `note` says why."""

    name: str
    store: str
    value: float | None
    reference: float | None
    ratio: float | None
    must: float | None
    aim: float | None
    ok: bool | None
    unit: str
    note: str = ""


def row(name: str, store: str, value: float, reference: float | None = None, ratio: float | None = None, note: str = "") -> Row:
    """A figure judged by its goal. `ratio` is the median over rounds where there were several."""
    goal = goal_of(name, store)
    if ratio is None and reference:
        ratio = value / reference
    judged = ratio if goal.of == "ratio" else value
    return Row(name, store, value, reference, ratio, goal.must, goal.aim, _reached(goal, goal.must, judged), goal.unit, note)


def left_out(name: str, store: str, why: str) -> Row:
    return Row(name, store, None, None, None, None, None, None, "", why)


def goal_of(name: str, store: str) -> Goal:
    goal = GOALS.get(name, Goal(""))
    return replace(goal, must=None, aim=None) if (name, store) in NO_GOAL else goal


def _reached(goal: Goal, wanted: float | None, judged: float | None) -> bool | None:
    if wanted is None or judged is None:
        return None
    return judged <= wanted if goal.most else judged >= wanted


def at_aim(one: Row) -> bool | None:
    goal = goal_of(one.name, one.store)
    return _reached(goal, one.aim, one.ratio if goal.of == "ratio" else one.value)


def all_kept(rows: Iterable[Row]) -> bool:
    """Whether every figure that must be reached is."""
    return all(one.ok is not False for one in rows)


def as_json(rows: Iterable[Row]) -> str:
    """{ok, intake: {name: value}, rows: [...]}; `intake` is empty where it was not measured."""
    rows = list(rows)
    document = {
        "ok": all_kept(rows),
        "intake": {one.name: one.value for one in rows if one.name in INTAKE},
        "rows": [{name: getattr(one, name) for name in Row.__slots__} for one in rows],
    }
    return json.dumps(document, indent=2)
