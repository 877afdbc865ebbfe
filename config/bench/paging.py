"""Orders read page by page while they change: pages of any length, calls that fail, workers that die, orders that nobody can read.

A run is a seed. In the end the orders here are the orders there, each once and as new as there; what cannot be read or fetched,
however often it is tried, is parked where people see it.
"""

import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from config import logging
from config.bench.street import CHANNELS, Crash, Street, breaking, copied, put_back
from connectors.http import as_datetime
from connectors.simulation import Fault
from core import jobs
from core.flows import doctor
from core.store import connections, tasks
from core.store.sql import run as ask
from core.store.tables import when
from core.store.tasks import FIRST

PARTS = 2  # processes
MOST = 6  # orders of a run
SKUS = ("A", "B", "C")
READS = {"shopify": ("OrderIds", "OrderCore", "OrderMoney"), "amazon": ("searchOrders",), "ebay": ("getOrders", "getOrder")}
BROKEN = ("500", "html", "cut_before", "cut_after", "429", "401")
CHANGED = {"shopify": ("body", "updated_at"), "amazon": ("raw", "lastUpdatedTime"), "ebay": ("document", "lastModifiedDate")}


@dataclass
class Ending:
    """What a run came to: orders that are not here, are here twice, are older here, and what was parked without need."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    old: list[str] = field(default_factory=list)
    parked: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    @property
    def wrong(self) -> list[str]:
        return self.lost + self.doubled + self.old + self.parked + self.broken


class Runs:
    """Runs on one channel, each on a copy of one connected hub."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder / name, name
        self.folder.mkdir()
        self.street = Street(self.folder, [name], limits="relaxed")
        self.street.drain()
        self.street.simulator(name).catalogue(
            [{"sku": sku, "title": sku, "price": "9.00", "quantity": 10_000, "currency": "USD"} for sku in SKUS]
        )
        self.street.clock.pass_(timedelta(minutes=20))
        self.state = copied(self.street.simulator(name).state)
        self.first = f"{self.folder}/first.db"
        self.street.hub.database.copy_to(self.first)
        self.start = self.street.clock.now

    def run(self, seed: int) -> Ending:
        """One seed. `python -m config.bench.paging CHANNEL SEED` replays it."""
        street = self.street
        put_back(street.hub.database, self.first)
        street.simulator(self.name).state.clear()
        street.simulator(self.name).state.update(copied(self.state))
        street.clock.now, street.line.cursed = self.start, ""
        return Paging(street, self.name, seed).run()


class Paging:
    """One run: buyers, a channel in trouble, and a worker that dies now and then."""

    def __init__(self, street: Street, name: str, seed: int) -> None:
        self.street, self.name, self.seed = street, name, seed
        self.random, self.seen = random.Random(f"{name} {seed}"), Counter[str]()
        self.world, self.simulator = street.world(name), street.simulator(name)
        for left in (self.world.faults, self.world.log, self.world.buckets):
            left.clear()
        self.placed: list[str] = []

    def run(self) -> Ending:
        for _ in range(self.random.randint(2, 5)):
            self._place()
        if self.random.random() < 0.15:
            self._plant()
        for _ in range(self.random.randint(2, 3)):
            self._round()
        return self._ending()

    def _round(self) -> None:
        """Time passes, orders are polled, and between any two steps something may happen."""
        self.street.clock.pass_(timedelta(seconds=self.random.choice((130, 300, 900))))
        self._poll()
        while self._step():
            self.world.page = self.random.choice((1, 1, 2, 3))
            self._happen()

    def _poll(self) -> None:
        connection = self.street.connections[self.name]
        with self.street.hub.unit() as work:
            work.ask(connection.merchant, "poll_orders", connection.id, connection.id)

    def _step(self) -> bool:
        """One set of tasks, if any is due. The worker that has it may die."""
        hub = self.street.hub
        jobs.sweep(hub)
        for queue in ("outside", "inside"):
            with hub.database.read() as db:
                turn = tasks.next_turn(db, queue, FIRST, hub.now)
            if turn:
                self._work(queue, turn)
                return True
        return False

    def _work(self, queue: str, turn: Any) -> None:
        dies = self.random.random() < 0.06
        try:
            with breaking(self.street.hub) if dies else nullcontext():
                jobs.work_off(self.street.hub, queue, turn)
        except Crash:
            self.seen["crash"] += 1
            self.street.clock.pass_(timedelta(seconds=5))

    def _happen(self) -> None:
        chance = self.random.random()
        if chance < 0.15 and len(self.placed) < MOST:
            self._place()
        elif chance < 0.50:
            self._change()
        elif chance < 0.60:
            self.seen["fault"] += 1
            self.world.faults.append(Fault(self.random.choice(BROKEN), self.random.choice(READS[self.name])))
        elif chance < 0.75:
            self.street.clock.pass_(timedelta(seconds=self.random.choice((1, 2, 40))))

    def _place(self) -> None:
        lines = [{"sku": sku, "quantity": 1} for sku in self.random.sample(SKUS, self.random.randint(1, 2))]
        self.placed += [one["id"] for one in self.simulator.place({"lines": lines})]
        self.seen["placed"] += 1
        self.street.clock.pass_(timedelta(seconds=self.random.choice((0, 1, 30))))

    def _plant(self) -> None:
        """Orders that cannot be read, and one that cannot be fetched, for ever."""
        self.simulator.place({"count": 0, "planted": True})
        self.street.line.cursed = self.random.choice(self.placed)
        self.seen["cursed"] += 1

    def _change(self) -> None:
        what = self.random.choice(("touch", "cancel", "fulfill", "pay"))
        self.simulator.act(self.random.choice(self.placed), what, {})
        self.seen[what] += 1

    # ---- and at the end

    def _ending(self) -> Ending:
        """The trouble is over, but for what is broken for ever: who was locked out is let in again, and polls go on."""
        with self.street.hub.database.write() as db:
            connections.set_state(db, self.street.connections[self.name].id, "active", None)
        self.world.faults.clear()
        self.world.page = 1000
        for _ in range(3):
            self.street.clock.pass_(timedelta(minutes=16))
            self._poll()
            self._finish()
        return self._judge()

    def _finish(self) -> None:
        """Everything that is due or will be, at the times when it is."""
        hub, clock = self.street.hub, self.street.clock
        for _ in range(60):
            jobs.sweep(hub)
            self.street.drain()
            with hub.database.read() as db:
                later = ask(db, LATER).scalar_one()
            if later is None:
                return
            clock.now = max(clock.now, when(later))

    def _judge(self) -> Ending:
        there = {one["id"]: one for one in self.simulator.orders()}
        known = dict(self._rows("select channel_id, revision from orders"))
        taken = Counter(row[0] for row in self._rows("select subject from events where kind = 'OrderTaken'"))
        stuck = {row[0].rpartition("/")[2] for row in self._rows("select subject from tasks where state = 'parked'")}
        bad = {id for id, one in there.items() if one["parks"]}
        cursed = {self.street.line.cursed} & (there.keys() - known.keys())
        return Ending(
            lost=sorted(there.keys() - known.keys() - (stuck & (bad | cursed))),
            doubled=sorted(ref for ref, times in taken.items() if times > 1),
            old=sorted(id for id, revision in known.items() if id not in cursed and self._is_old(id, when(revision))),
            parked=sorted(stuck - bad - {self.street.line.cursed}),
            broken=self._broken(),
            seen=self.seen,
        )

    def _is_old(self, id: str, revision: datetime) -> bool:
        part, name = CHANGED[self.name]
        return self.street.line.cursed != id and as_datetime(self.simulator.state["orders"][id][part][name]) > revision

    def _broken(self) -> list[str]:
        with self.street.hub.database.read() as db:
            return [one.name for one in doctor.examine(db, self.street.hub.now) if not one.ok]

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.street.hub.database.read() as db:
            return [tuple(row) for row in ask(db, statement)]


LATER = """
select min(at) from (
  select case when t.due_at > c.blocked_until then t.due_at else c.blocked_until end as at
  from tasks t join connections c on c.id = t.connection where t.state = 'due' and t.kind in ('poll_orders', 'take_orders', 'fetch_orders')
  union all select lease_until + 1 as at from tasks where state = 'running') w
"""


TURNS = ("shopify", "amazon", "ebay", "amazon", "ebay")  # Shopify's orders are read by three calls each, and cost as much computing


def runs(folder: Path, count: int) -> Iterator[Ending]:
    """What this many seeds come to, spread over the channels and over processes."""
    seeds = {name: [seed for seed in range(1, count + 1) if TURNS[seed % len(TURNS)] == name] for name in CHANNELS}
    parts = [(folder / f"{name}-{part}", name, seeds[name][part::PARTS]) for name in CHANNELS for part in range(PARTS)]
    with ProcessPoolExecutor(PARTS, get_context("spawn")) as processes:
        for endings in processes.map(_part, *zip(*parts, strict=True)):
            yield from endings


def _part(folder: Path, name: str, seeds: Sequence[int]) -> list[Ending]:
    logging.set_up("error")
    folder.mkdir(parents=True)
    one = Runs(folder, name)
    try:
        return [one.run(seed) for seed in seeds]
    finally:
        one.street.close()


def main(name: str, seed: str) -> None:
    """Replay one."""
    logging.set_up("error")
    with TemporaryDirectory(prefix="crossdock-paging-") as folder:
        print(Runs(Path(folder), name).run(int(seed)))


if __name__ == "__main__":
    main(*sys.argv[1:])
