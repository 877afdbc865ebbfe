"""A system in trouble: calls are refused, broken, cut off or slower than anybody waits, workers die at their writes, and then time
passes until nothing is due any more. A scene says what is begun, and what it must have come to in the end.
"""

import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from config.bench.street import Crash, Street, copied, put_back
from connectors.simulation import Fault, World
from core import jobs
from core.flows import labelling
from core.store import tasks
from core.store.sql import run as ask
from core.store.tables import when
from core.store.tasks import FIRST

STEPS = 600  # no run needs as many
BROKEN = ("429", "500", "html", "cut_before", "cut_after", "cut_after", "slow")
SLOW_S = 120.0  # nobody waits so long for an answer


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


class Scene(ABC):
    """A street with something on it to be begun, of which every run has a copy. Writes among which a worker may die, how many calls go well
    before one is broken, and how many are broken."""

    writes: int = 14
    after: tuple[int, ...] = (0, 0, 1, 1, 2, 3, 5)
    troubles: tuple[int, ...] = (0, 1, 1, 2, 3)
    queues: tuple[str, ...] = ("outside", "inside")
    street: Street

    def keep(self, folder: Path) -> None:
        """Runs begin with all as it is now."""
        self.first, self.start = f"{folder}/first.db", self.street.clock.now
        self.street.hub.database.copy_to(self.first)
        self.states = {name: copied(one.state) for name, (_, one) in self.street.stage.cast.items()}

    def run(self, name: str, seed: int) -> "Ending":
        """One seed at one system. `python -m config.bench.once NAME SEED` replays it."""
        return self.played(Run(self, name, seed))

    def played(self, run: "Run") -> "Ending":
        """What that run comes to."""
        self._play(run)
        return self.judge(run)

    def _play(self, run: "Run") -> None:
        self._put_back()
        run.prepare()
        run.play(lambda: self.begin(run))

    def _put_back(self) -> None:
        street = self.street
        put_back(street.hub.database, self.first)
        for other, (world, simulator) in street.stage.cast.items():
            simulator.state.clear()
            simulator.state.update(copied(self.states[other]))
            for left in (world.faults, world.log, world.buckets):
                left.clear()
        street.clock.now = self.start

    @abstractmethod
    def begin(self, run: "Run") -> None:
        """Somebody wants something of the system."""

    @abstractmethod
    def judge(self, run: "Run") -> "Ending":
        """What became of it, by the simulator's own log."""


class Run:
    """One run: a system in trouble, and workers that die now and then."""

    def __init__(self, scene: Scene, name: str, seed: int, *, calm: bool = False) -> None:
        self.scene, self.street, self.name, self.seed, self.calm = scene, scene.street, name, seed, calm
        self.random, self.seen = random.Random(f"{name} {seed}"), Counter[str]()
        self.deaths, self.writes = dict[int, bool](), 0
        self.world: World = self.street.world(name)

    def prepare(self) -> None:
        """Which writes and calls go wrong."""
        if self.calm:
            return
        draw, scene = self.random, self.scene
        self.deaths = {draw.randint(1, scene.writes): draw.random() < 0.5 for _ in range(draw.choice((0, 1, 1, 2)))}
        self.world.faults += [self._fault() for _ in range(draw.choice(scene.troubles))]

    def _fault(self) -> Fault:
        kind = self.random.choice(BROKEN)
        times, after = self.random.choice((1, 1, 2)), self.random.choice(self.scene.after)
        return Fault(kind, times=times, after=after, seconds=SLOW_S if kind == "slow" else 0.0)

    def play(self, begin: Callable[[], None]) -> None:
        """It begins, and then time passes until all is quiet."""
        self.street.hub.forget_made()
        self.street.chance(f"{self.name} {self.seed} ids")
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
        for queue in self.scene.queues:
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
  from tasks t join connections c on c.id = t.connection where t.state = 'due' and c.state = 'active' and t.kind in (
    'buy_labels', 'void_labels', 'confirm_parcels', 'fetch_orders', 'read_ledger', 'gather_documents', 'post_document')
  union all select lease_until + 1 as at from tasks where state = 'running') w
"""
