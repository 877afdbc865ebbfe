"""How long live orders wait to be taken while old ones come in behind them, beside how long they wait when none do.

Live orders come through the webhook door at a fixed rate, whatever the hub does. In each round first without a backfill, then while one
brings its share of the old orders: read page by page, kept, and taken by the same threads.
"""

import itertools
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from config.bench import measure
from config.bench.bodies import Body
from config.bench.market import Listener, Market, market
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Stores
from connectors.bogus.channel import Document, a_line, an_order, mark_of
from core.domain.tasks import Claim
from core.flows import backfill
from core.hub import Hub
from core.jobs import Keeper
from core.store import backfills

NAME = "shop"
SKUS = 200
OLD = timedelta(days=60)  # how long ago the first of the old orders was placed
BUYERS = 2
PATIENCE_S = 120.0


@dataclass
class Archive(Listener):
    """A channel with old orders beside those that are placed now: as many as one round brings, oldest first."""

    old: list[Document] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)

    def remember(self, old: list[Document]) -> None:
        with self.lock:
            self.old, self.marks = old, [mark_of(item) for item in old]
            self.orders |= {item["id"]: item for item in old}

    def placed_in(self, since: datetime, until: datetime, after: str) -> list[Document]:
        begin = max(bisect_left(self.marks, since.isoformat()), bisect_right(self.marks, after))
        end = min(bisect_left(self.marks, until.isoformat()), begin + self.per_page + 1)
        return self.old[begin:end]


class Watch(Keeper):
    """Sees when orders were taken: their claim is put down once that is written."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self.taken: dict[str, float] = {}

    def drop(self, claim: Claim) -> None:
        if claim.kind == "take_orders":
            now = time.perf_counter()
            self.taken |= {subject.split("/", 1)[1]: now for subject in claim.subjects}
        super().drop(claim)


@dataclass
class Live:
    """Live orders at a fixed rate, whatever the hub does. `alone` and `behind` hold how long each waited in each round: milliseconds
    from the moment at which it was due to be placed until it was taken."""

    there: Market
    watch: Watch
    per_s: float
    skus: Iterator[str]
    alone: list[list[float]] = field(default_factory=list)
    behind: list[list[float]] = field(default_factory=list)

    def until(self, is_over: Callable[[], bool]) -> list[float]:
        begin, due = time.perf_counter() + 0.1, dict[str, float]()
        for number in itertools.count():
            if is_over():
                break
            at = begin + number / self.per_s
            time.sleep(max(0.0, at - time.perf_counter()))
            due[self.there.sell(NAME, next(self.skus))] = at
        self._await(due)
        return [(self.watch.taken[order] - at) * 1000 for order, at in due.items()]

    def during(self, seconds: float) -> list[float]:
        end = time.perf_counter() + seconds
        return self.until(lambda: time.perf_counter() > end)

    def _await(self, due: dict[str, float]) -> None:
        end = time.perf_counter() + PATIENCE_S
        while not due.keys() <= self.watch.taken.keys():
            if time.perf_counter() > end:
                raise TimeoutError("live orders are not taken")
            time.sleep(0.005)


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    each = min(pace.old_round, pace.old // len(stores.names))
    rounds = pace.old // len(stores.names) // each
    for store in stores.names:
        with market(stores.new(store), stores.folder, [NAME], make=Archive, watch=Watch) as there:
            skus = [f"SKU-{number:04}" for number in range(SKUS)]
            there.shelve(skus, 1_000_000)
            live = Live(there, _watch(there), pace.live_per_s, itertools.cycle(skus))
            live.during(0.5)
            began = time.perf_counter()
            seconds = sum(_round(there, live, pace.quiet_s, _old_orders(there, each, number)) for number in range(rounds))
            yield _row(store, live, each * rounds, seconds, time.perf_counter() - began)


def _watch(there: Market) -> Watch:
    if not isinstance(there.keeper, Watch):
        raise TypeError("nobody watches this market")
    return there.keeper


def _round(there: Market, live: Live, quiet_s: float, old: list[Document]) -> float:
    """Live orders alone, then with a backfill behind them. Gives the seconds that it took."""
    _archive(there).remember(old)
    live.alone.append(live.during(quiet_s))
    over, begin = threading.Event(), time.perf_counter()
    backfill.ask(there.hub, there.connections[NAME], there.hub.clock() - OLD - timedelta(days=1))
    there.hub.bell.ring("outside")
    watcher = threading.Thread(target=_wait, args=(there, over), daemon=True)
    watcher.start()
    live.behind.append(live.until(over.is_set))
    watcher.join()
    return time.perf_counter() - begin


def _archive(there: Market) -> Archive:
    found = there.systems[NAME]
    if not isinstance(found, Archive):
        raise TypeError("this channel has no archive")
    return found


def _old_orders(there: Market, count: int, number: int) -> list[Document]:
    """Sent long ago, each a minute or so after the one before."""
    begin, step = there.hub.clock() - OLD, OLD / 2 / count
    return [_old_order(f"old-{number}-{n}", begin + n * step, f"SKU-{n % SKUS:04}") for n in range(count)]


def _old_order(id: str, at: datetime, sku: str) -> Document:
    line = a_line("1", f"L-{sku}", sku, 1, "USD") | {"fulfilled": 1}
    return an_order(id, [line], "USD", at)


def _wait(there: Market, over: threading.Event) -> None:
    end = time.perf_counter() + PATIENCE_S
    while not _is_over(there) and time.perf_counter() < end:
        time.sleep(0.1)
    over.set()


QUERY = "select count(*) from tasks where kind in ('take_history', 'fetch_history', 'backfill') and state in ('due', 'running')"


def _is_over(there: Market) -> bool:
    with there.hub.database.read() as db:
        run = backfills.get(db, there.connections[NAME].id)
        return run is not None and run.is_over and not db.exec_driver_sql(QUERY).scalar_one()


def _row(store: str, live: Live, old: int, seconds: float, all_s: float) -> Row:
    alone, behind = ([wait for one in rounds for wait in one] for rounds in (live.alone, live.behind))
    with live.there.hub.database.read() as db:
        kept = db.exec_driver_sql("select count(*) from orders where history").scalar_one()
    if kept != old:
        raise RuntimeError(f"{kept} old orders came in")
    note = f"p99 of {len(behind)} live orders at {live.per_s:.0f}/s, {len(live.alone)} rounds; {kept:,} old ones behind them"
    note += f" at {kept / seconds:.0f}/s; p50 {measure.median(behind):.1f} ms, alone {measure.median(alone):.1f} ms; {all_s:.0f} s"
    return row("backfill_wait", store, measure.percentile(behind, 0.99), measure.percentile(alone, 0.99), note=note)
