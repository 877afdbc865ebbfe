"""Labels and confirmations in trouble: how many live labels a parcel has in its carrier's own log, and how often its channel was told.

A run is a seed: one shipment whose label is bought, or that leaves and is told of, while calls are refused, broken, cut off or slower than
anybody waits, and workers die at their writes. Then time passes until nothing is due any more.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from config import logging
from config.bench.bodies import Body
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Stores
from config.bench.street import CARRIERS, CHANNELS, Crash, Street, copied, put_back
from connectors.simulation import Fault, World
from core import jobs
from core.domain.shipments import State
from core.domain.who import HUB
from core.flows import labelling, sending
from core.store import tasks
from core.store.sql import run as ask
from core.store.tables import when
from core.store.tasks import FIRST

PARTS, FEW = 2, 50  # processes, and runs that are not worth a second one
STEPS = 400  # no run needs as many
BROKEN = ("429", "500", "html", "cut_before", "cut_after", "cut_after", "slow")
SLOW_S = 120.0  # nobody waits so long for an answer
SERVICES = {"ups": "03", "fedex": "FEDEX_GROUND", "usps": "USPS_GROUND_ADVANTAGE", "dhl": "P"}
UNITS = {"A": 2, "B": 1}


@dataclass
class Ending:
    """What a run came to. `count` is of live labels, or of times that the channel was told; `held`: a person has to look, and is told so;
    `thrown` labels are of a carrier that charges what it scans, and were never printed."""

    name: str
    seed: int
    count: int
    held: bool = False
    thrown: int = 0
    wrong: str = ""
    seen: Counter[str] = field(default_factory=Counter)


class Dock:
    """All channels and carriers with a shipment for each, of which every run has a copy."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.street = street = Street(folder, CHANNELS, carriers=CARRIERS)
        street.offer(list(UNITS))
        street.drain()
        self.orders = {name: street.sell(name, UNITS) for name in CHANNELS}
        self.orders |= {name: street.sell("shopify", UNITS, "DE" if name == "dhl" else "US") for name in CARRIERS}
        street.poll()
        self._measure()
        self.shipments = {name: self._shipment(order) for name, order in self.orders.items()}
        for name in CHANNELS:
            labelling.want(street.hub, street.merchant, self.shipments[name], street.connections["ups"].id, SERVICES["ups"], HUB)
        street.drain()
        street.clock.pass_(timedelta(hours=1))
        self._keep(folder)

    def _measure(self) -> None:
        """Some carriers ask how large a parcel is."""
        with self.street.hub.unit() as work:
            ask(work.db, "update parcels set length_mm = 300, width_mm = 200, height_mm = 150")

    def _shipment(self, order: str) -> str:
        with self.street.hub.database.read() as db:
            found = ask(db, "select s.id from shipments s join orders o on o.id = s.order_id where o.channel_id = :order", order=order)
            return str(found.scalar_one())

    def _keep(self, folder: Path) -> None:
        self.first, self.start = f"{folder}/first.db", self.street.clock.now
        self.street.hub.database.copy_to(self.first)
        self.before = {name: len(self.street.carrier(name).parcels()) for name in CARRIERS}  # labels that are of no run
        self.states = {name: copied(one.state) for name, (_, one) in self.street.stage.cast.items()}

    def run(self, name: str, seed: int) -> Ending:
        """One seed at one carrier or channel. `python -m config.bench.once NAME SEED` replays it."""
        street = self.street
        put_back(street.hub.database, self.first)
        for other, (world, simulator) in street.stage.cast.items():
            simulator.state.clear()
            simulator.state.update(copied(self.states[other]))
            for left in (world.faults, world.log, world.buckets):
                left.clear()
        street.clock.now = self.start
        begin, judge = (buy, labels) if name in CARRIERS else (tell, confirmations)
        run = Run(self, name, seed)
        run.play(lambda: begin(run))
        return judge(run)


class Run:
    """One run: a system in trouble, and workers that die now and then."""

    def __init__(self, dock: Dock, name: str, seed: int) -> None:
        self.dock, self.street, self.name, self.seed = dock, dock.street, name, seed
        self.random, self.seen = random.Random(f"{name} {seed}"), Counter[str]()
        self.shipment = dock.shipments[name]
        self.deaths = {self.random.randint(1, 14): self.random.random() < 0.5 for _ in range(self.random.choice((0, 1, 1, 2)))}
        self.writes = 0
        self.world: World = self.street.world(name)
        self.world.faults += [self._fault() for _ in range(self.random.choice((0, 1, 1, 2, 3)))]

    def _fault(self) -> Fault:
        kind = self.random.choice(BROKEN)
        times, after = self.random.choice((1, 1, 2)), self.random.choice((0, 0, 1, 1, 2, 3, 5))
        return Fault(kind, times=times, after=after, seconds=SLOW_S if kind == "slow" else 0.0)

    def play(self, begin: Callable[[], None]) -> None:
        """It begins, and then time passes until all is quiet."""
        self.street.hub.forget_made()
        self.world.pause = self._wait
        self.seen["broken"] = sum(fault.times for fault in self.world.faults)
        with self._deadly():
            begin()
            self._until_quiet()
        self.seen["broken"] -= sum(fault.times for fault in self.world.faults)

    def click(self, what: Callable[[], Any]) -> None:
        """Somebody clicks, once more where no answer came, and sometimes twice for no reason."""
        for _ in range(self.random.choice((1, 1, 2))):
            for _ in range(3):
                with suppress(labelling.NotThen):
                    if self._survives(what):
                        break

    def _survives(self, what: Callable[[], Any]) -> bool:
        """Whether the process is still there when it is done. What follows another one."""
        try:
            what()
        except Crash:
            self.seen["deaths"] += 1
            self.street.clock.pass_(timedelta(seconds=5))
            self.street.hub.forget_made()
            return False
        return True

    @contextmanager
    def _deadly(self) -> Iterator[None]:
        """The process dies at the writes that are chosen: before they are committed, or after."""
        database, real = self.street.hub.database, self.street.hub.database.write

        @contextmanager
        def write(*args: Any, **more: Any) -> Iterator[Any]:
            self.writes += 1
            dies = self.deaths.pop(self.writes, None)
            with real(*args, **more) as db:
                yield db
                if dies is True:
                    raise Crash
            if dies is False:
                raise Crash

        database.write = write  # type: ignore[method-assign]  # a death in the middle, not another behaviour
        try:
            yield
        finally:
            database.write = real  # type: ignore[method-assign]

    def _wait(self, seconds: float) -> None:
        """While one waits for an answer its lease may end, and another one takes up its work; a token only one asks for."""
        self.street.clock.pass_(timedelta(seconds=seconds))
        if self.random.random() < 0.5 and self.world.log[-1]["operation"] != "token":
            self.seen["overtaken"] += 1
            self._step()

    def _until_quiet(self) -> None:
        for _ in range(STEPS):
            if not self._step():
                with self.street.hub.database.read() as db:
                    later = ask(db, LATER).scalar_one()
                if later is None:
                    return
                self.street.clock.now = max(self.street.clock.now, when(later))
        self.seen["restless"] += 1

    def _step(self) -> bool:
        """One set of tasks, if any is due."""
        hub = self.street.hub
        for queue in ("outside", "inside"):
            if self._survives(lambda: jobs.sweep(hub)):
                with hub.database.read() as db:
                    turn = tasks.next_turn(db, queue, FIRST, hub.now)
                if turn:
                    self._survives(lambda queue=queue, turn=turn: jobs.work_off(hub, queue, turn))  # type: ignore[misc]
                    return True
        return False

    def rows(self, statement: str, **values: Any) -> list[Any]:
        with self.street.hub.database.read() as db:
            return list(ask(db, statement, **values))


LATER = """
select min(at) from (
  select case when t.due_at > c.blocked_until then t.due_at else c.blocked_until end as at
  from tasks t join connections c on c.id = t.connection where t.state = 'due' and t.kind in (
    'buy_labels', 'void_labels', 'confirm_parcels', 'fetch_orders')
  union all select lease_until + 1 as at from tasks where state = 'running') w
"""
PURCHASES = """
select p.id, p.state, t.state as task from purchases p left join tasks t on t.subject = p.id and t.kind = 'buy_labels'
where p.shipment = :id order by p.asked_at
"""
PARCELS = (
    "select s.state, p.tracking, p.told_at, p.told_problem, p.id from shipments s join parcels p on p.shipment = s.id where s.id = :id"
)
TASKS = "select state from tasks where kind = 'confirm_parcels' and subject = :id"


def buy(run: Run) -> None:
    """Somebody wants a label of the carrier."""
    street, carrier = run.street, run.street.connections[run.name].id
    run.click(lambda: labelling.want(street.hub, street.merchant, run.shipment, carrier, SERVICES[run.name], HUB))


def labels(run: Run) -> Ending:
    """How many labels the parcel has at the carrier that are not given back."""
    [ours], bought = run.rows(PARCELS, id=run.shipment), run.rows(PURCHASES, id=run.shipment)
    parcels = run.street.carrier(run.name).parcels()[run.dock.before[run.name] :]
    live = [one["tracking"] for one in parcels if not one["voided"]]
    thrown = sum(one.state == "voided" for one in bought) if run.name == "dhl" else 0
    held = any(one.state == "asked" and one.task == "parked" for one in bought)
    end = Ending(run.name, run.seed, len(live) - thrown, held, thrown, seen=run.seen)
    if run.seen["restless"]:
        end.wrong = "it does not come to rest"
    elif end.count > 1:
        end.wrong = f"{end.count} live labels: {live}"
    elif not held and (ours.state != State.LABELLED or ours.tracking not in live):
        end.wrong = f"the shipment is {ours.state} with {ours.tracking}, the carrier has {live}: {[tuple(one) for one in bought]}"
    return end


def tell(run: Run) -> None:
    """A parcel leaves, and its channel is to be told."""
    run.click(lambda: sending.send(run.street.hub, run.street.merchant, [run.shipment], HUB))


def confirmations(run: Run) -> Ending:
    """How often the channel was told of the parcel."""
    [ours] = run.rows(PARCELS, id=run.shipment)
    order = next(one for one in run.street.simulator(run.name).orders() if one["id"] == run.dock.orders[run.name])
    count = sum(one["tracking"] == ours.tracking and one["units"] == UNITS for one in order["shipments"])
    held = any(row.state == "parked" for row in run.rows(TASKS, id=ours.id))
    end = Ending(run.name, run.seed, len(order["shipments"]), held, seen=run.seen)
    if run.seen["restless"]:
        end.wrong = "it does not come to rest"
    elif end.count > 1 or (not held and (count != 1 or ours.told_at is None)):
        end.wrong = f"the parcel is {ours.state} with {ours.tracking}, the channel has {order['shipments']}"
    return end


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    """Channels and carriers are their simulators with the vendors' limits, called in process, on a clock that is turned by hand."""
    found: dict[str, list[Ending]] = {}
    for one in runs(stores.folder / "once", pace.once_runs):
        found.setdefault(one.name, []).append(one)
    for name in (*CARRIERS, *CHANNELS):
        yield from _rows(name, found[name])


def _rows(name: str, endings: Sequence[Ending]) -> Iterator[Row]:
    what = "labels_per_parcel" if name in CARRIERS else "confirmations_per_parcel"
    counts, wrong = [one.count for one in endings], [one for one in endings if one.wrong]
    told = [one.count for one in endings if not one.held]
    seen = sum((one.seen for one in endings), Counter[str]())
    thrown = sum(one.thrown for one in endings)
    note = f"the most of {len(endings):,} runs; {seen['broken']:,} calls broken, {seen['deaths']:,} workers killed"
    note += f"; {thrown} more labels were never printed, and cost nothing there" if thrown else ""
    note += f"; broke with the seeds {', '.join(str(one.seed) for one in wrong[:9])}" if wrong else ""
    yield row(what, name, max(counts), note=note)
    yield row(f"{what}_least", name, min(told, default=1), note="of those that nobody has to look at")
    yield row("held_share", name, sum(one.held for one in endings) / len(endings), note="a person has to look what became of it")
    yield row("once_broken", name, len(wrong), note=wrong[0].wrong if wrong else "")


def runs(folder: Path, count: int) -> Iterator[Ending]:
    """What this many seeds come to at each carrier and channel, spread over processes."""
    seeds = [(name, seed) for seed in range(1, count + 1) for name in (*CARRIERS, *CHANNELS)]
    if len(seeds) < FEW:
        yield from _ran(folder, seeds)
        return
    parts = [(folder / str(part), seeds[part::PARTS]) for part in range(PARTS)]
    with ProcessPoolExecutor(PARTS, get_context("spawn")) as processes:
        for endings in processes.map(_part, *zip(*parts, strict=True)):
            yield from endings


def _part(folder: Path, seeds: Sequence[tuple[str, int]]) -> list[Ending]:
    logging.set_up("critical")
    return _ran(folder, seeds)


def _ran(folder: Path, seeds: Sequence[tuple[str, int]]) -> list[Ending]:
    dock = Dock(folder)
    try:
        return [dock.run(name, seed) for name, seed in seeds]
    finally:
        dock.street.close()


def main(name: str, *seeds: str) -> None:
    """Replay these."""
    logging.set_up("error" if len(seeds) > 1 else "warning")
    with TemporaryDirectory(prefix="crossdock-once-") as folder:
        dock = Dock(Path(folder))
        for seed in seeds:
            print(dock.run(name, int(seed)))


if __name__ == "__main__":
    main(*sys.argv[1:])
