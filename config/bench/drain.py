"""The drain, one worker: normalize, save, reserve, ask, in sets; against single-row commits by the same driver in the same rounds."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import psycopg

from config.bench import bodies, measure
from config.bench.bodies import Body
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Shop, Stores, open_shop
from core import jobs
from core.store.engine import PRAGMAS

WARM_UP = 100  # orders before the first round: statements are prepared, caches filled


@dataclass(frozen=True, slots=True)
class Round:
    """What one round found, a second or an order."""

    raw_per_s: float
    orders_per_s: float
    cpu_ms: float
    statements: float

    @property
    def ratio(self) -> float:
        return self.orders_per_s / self.raw_per_s


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    goods = bodies.goods(body.raw for body in patterns)
    for store in stores.names:
        shop = open_shop(stores.new(store), stores.folder, goods)
        try:
            yield from _rows(store, _rounds(shop, pace, patterns))
        finally:
            shop.close()


def _rows(store: str, found: Sequence[Round]) -> Iterator[Row]:
    def median(of: Callable[[Round], float]) -> float:
        return measure.median([of(one) for one in found])

    rate, raw = median(lambda one: one.orders_per_s), median(lambda one: one.raw_per_s)
    yield row("drain", store, rate, raw, median(lambda one: one.ratio), "one worker, against single-row commits")
    database = "Python and its database's backend" if store == "postgresql" else "Python with SQLite in it"
    yield row("drain_cpu_ms", store, median(lambda one: one.cpu_ms), note=database)
    yield row("drain_statements", store, median(lambda one: one.statements))


def _rounds(shop: Shop, pace: Pace, patterns: Sequence[Body]) -> list[Round]:
    statements = measure.Statements(shop.hub.database.engine)
    keep_and_drain(shop, patterns, WARM_UP, 0)
    with single_commits(shop.hub.database.url) as commit:
        return [_round(shop, pace, patterns, number, commit, statements) for number in range(pace.rounds)]


def _round(
    shop: Shop, pace: Pace, patterns: Sequence[Body], number: int, commit: Callable[[], Any], statements: measure.Statements
) -> Round:
    raw = measure.rate(commit, pace.seconds)
    shop.keep(list(bodies.copies(patterns, pace.drained, WARM_UP + number * pace.drained)), f"round-{number}-")
    before, cpu, begin = statements.count, measure.Cpu(shop.hub.database), perf_counter()
    done = jobs.drain(shop.hub, "inside")
    seconds = perf_counter() - begin
    return Round(raw, done / seconds, cpu.spent() / done * 1000, (statements.count - before) / done)


def keep_and_drain(shop: Shop, patterns: Sequence[Body], count: int, start: int) -> int:
    shop.keep(list(bodies.copies(patterns, count, start)), f"from-{start}-")
    return jobs.drain(shop.hub, "inside")


@contextmanager
def single_commits(url: str) -> Iterator[Callable[[], Any]]:
    """One small row, inserted and committed."""
    if url.startswith("sqlite"):
        small = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        for pragma in PRAGMAS:
            small.execute(f"pragma {pragma}")
        small.execute("create table if not exists single (id integer primary key, words text)")
        yield lambda: small.execute("insert into single (words) values (?)", ("one row",))
        small.close()
        return
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("create table if not exists single (id bigint generated always as identity primary key, words text)")
        yield lambda: db.execute("insert into single (words) values (%s)", ("one row",))
