"""The figures of the first page and of the demo's table: what came in, what is promised, how fast channels are told."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.domain.backfill import Run
from core.store import backfills, findings, inbox, listings, orders, stock, tasks


@dataclass(frozen=True, slots=True)
class Overview:
    """`totals` are (channel, currency, orders, total in minor units); lags are milliseconds from a sale to a channel told; `backfills`
    are the runs through old orders, one a connection."""

    totals: list[Any]
    units: dict[str, int]
    tasks: list[tuple[str, str, int, int]]
    waits: int
    lag_p50: int | None
    lag_p99: int | None
    pushes: int
    missed: "Missed"
    backfills: list[Run]


@dataclass(frozen=True, slots=True)
class Missed:
    """Orders of the last days that no notice told of and a poll found; seconds from their last change to that."""

    days: int
    orders: int
    p50_s: int | None
    max_s: int | None


DAYS = 7


def missed(db: Connection, merchant: str, now: int, days: int = DAYS) -> Missed:
    lags = [lag // 1_000_000 for lag in findings.missed(db, merchant, now - days * findings.DAY_US)]
    return Missed(days, len(lags), percentile(lags, 0.5), max(lags, default=None))


def percentile(values: list[int], share: float) -> int | None:
    """The value that `share` of them do not exceed; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def overview(db: Connection, merchant: str, now: int) -> Overview:
    lags = [(row.told_at - row.since) // 1000 for row in listings.lags(db, merchant)]
    return Overview(
        totals=orders.totals(db, merchant),
        units=stock.units(db, merchant),
        tasks=tasks.counts(db, merchant),
        waits=inbox.waits(db, merchant),
        lag_p50=percentile(lags, 0.5),
        lag_p99=percentile(lags, 0.99),
        pushes=len(lags),
        missed=missed(db, merchant, now),
        backfills=backfills.all_of(db, merchant),
    )
