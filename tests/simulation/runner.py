"""Runs of both worlds: one, many on several processes, smaller and smaller ones of a failure; and how to see one again."""

import atexit
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from tests.flows.quick import Houses
from tests.quarters import MEMORY
from tests.simulation import mutants, pure, world
from tests.simulation.trouble import KINDS

PURE: dict[str, dict[str, Any]] = {"plain": {}, "quota": {"quota": True}}
KNOBS = {"pure": PURE, "sqlite": world.KNOBS}
# Where nobody chose a knob, each seed has its own.
MIXED = {"pure": ("quota", "plain", "plain", "plain", "plain"), "sqlite": ("plain", "kin", "quota", "rush", "rush quota", "frail")}
CHUNK = 10


@dataclass(frozen=True)
class Wish:
    """A run. `off`: kinds of trouble that do not happen; `trouble_s`: how long the rest does (None: as long as usual)."""

    world: str
    knob: str
    seed: int
    off: frozenset[str] = frozenset()
    trouble_s: float | None = None
    mutant: str = ""
    tell: bool = False

    @property
    def knobs(self) -> dict[str, Any]:
        length = {} if self.trouble_s is None else {"trouble_s": self.trouble_s}
        return {**KNOBS[self.world][self.knob], **length, "off": self.off, "tell": self.tell}

    @property
    def command(self) -> str:
        parts = ["crossdock simulate-world", f"--world {self.world}", f"--knob '{self.knob}'", f"--first {self.seed}", "--seeds 1"]
        parts += [f"--without {kind}" for kind in sorted(self.off)]
        parts += [f"--trouble {self.trouble_s:g}"] if self.trouble_s is not None else []
        return " ".join([*parts, *([f"--mutant {self.mutant}"] if self.mutant else [])])


@dataclass
class Outcome:
    """What became of a run; `broke`: which rule, and how ("" where none did)."""

    wish: Wish
    ending: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    cells: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    broke: str = ""
    trace: list[str] = field(default_factory=list)


def wishes(kind: str, knob: str, seeds: Iterable[int], **more: Any) -> Iterator[Wish]:
    """One run a seed; `knob` may be mixed."""
    turn = MIXED[kind]
    for seed in seeds:
        yield Wish(kind, turn[seed % len(turn)] if knob == "mixed" else knob, seed, **more)


def once(wish: Wish) -> Outcome:
    if wish.world == "sqlite":
        _street(wish.knob, os.getpid())  # houses are built without mistakes
    with mutants.planted(wish.mutant):
        return _pure(wish) if wish.world == "pure" else _sqlite(wish)


def _pure(wish: Wish) -> Outcome:
    one = pure.World(wish.seed, **wish.knobs)
    try:
        one.run()
    except Exception as error:
        return Outcome(wish, "", one.counts, broke=_words(error), trace=list(one.trace))
    return Outcome(wish, one.ending, one.counts, trace=list(one.trace))


def _sqlite(wish: Wish) -> Outcome:
    try:
        one = world.run(_street(wish.knob, os.getpid()), wish.seed, **wish.knobs)
    except world.Broken as broken:
        there = broken.world
        return Outcome(wish, "", there.counts, there.cells, _words(broken.error), list(there.trace))
    return Outcome(wish, one.ending, one.counts, one.cells, trace=list(one.trace))


def _words(error: Exception) -> str:
    words = " ".join(str(error).split())[:300] or "AssertionError"
    return words if isinstance(error, AssertionError) else f"{type(error).__name__}: {words}"


@cache
def _street(knob: str, process: int) -> Houses:
    """A process has its own."""
    folder = _home() / f"{knob.replace(' ', '-')}-{process}"
    folder.mkdir()
    rush = knob in ("rush", "rush quota", "frail")
    return world.a_street(
        folder, merges=knob in ("kin", "frail"), quota="quota" in knob, rush=rush, dock="dock" in knob, books=knob == "books"
    )


@cache
def _home() -> Path:
    """In memory where there is some; it goes when the process does that asked first."""
    room = MEMORY if os.access(MEMORY, os.W_OK) and "TMPDIR" not in os.environ else None
    folder = tempfile.mkdtemp(prefix="crossdock-world-", dir=room)
    owner = os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
    return Path(folder)


def many(some: Iterable[Wish], processes: int, seconds: float | None = None) -> Iterator[Outcome]:
    """Their outcomes in their order, on so many processes, until they end or the time is over."""
    end = time.monotonic() + seconds if seconds else float("inf")
    some = iter(some)
    if processes == 1:
        yield from (once(wish) for wish in some if time.monotonic() < end)
        return
    _home()
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        while time.monotonic() < end and (set_ := list(islice(some, CHUNK * processes * 4))):
            yield from pool.map(once, set_, chunksize=CHUNK)


def shrink(wish: Wish) -> Outcome:
    """The smallest run that still breaks: less kinds of trouble, then a shorter time of it."""
    best = once(replace(wish, tell=False))
    for kind in KINDS:
        best = _better(best, replace(best.wish, off=best.wish.off | {kind}))
    length_s = wish.trouble_s or (pure.TROUBLE_S if wish.world == "pure" else world.TROUBLE.total_seconds())
    for _ in range(4):
        length_s /= 2
        best = _better(best, replace(best.wish, trouble_s=length_s))
    return once(replace(best.wish, tell=True))


def _better(best: Outcome, wish: Wish) -> Outcome:
    found = once(wish)
    return found if found.broke else best
