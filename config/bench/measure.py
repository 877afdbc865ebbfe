"""How things are measured: CPU from /proc, statements by an engine hook, medians and percentiles."""

import os
import resource
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, event

from core.store.engine import Database

T = TypeVar("T")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
BACKENDS = "select pid from pg_stat_activity where backend_type = 'client backend' and datname = current_database()"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values: Sequence[float]) -> float:
    return percentile(values, 0.5)


def cpu_s(pid: int) -> float:
    """Seconds that a process of one thread computed so far; 0 where it is gone. To the nanosecond where the kernel counts so,
    else to its tick."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return _ticks_s(pid)


def _ticks_s(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) * TICK_S


def backends(database: Database) -> list[int]:
    """The server processes that work for this database; none for SQLite."""
    if database.is_sqlite:
        return []
    with database.read() as db:
        return [row.pid for row in db.exec_driver_sql(BACKENDS)]


class Cpu:
    """Seconds computed by this process and its database's backends since it was made."""

    def __init__(self, database: Database) -> None:
        self._pids = backends(database)
        self._before = self._now()

    def _now(self) -> float:
        return time.process_time() + sum(map(cpu_s, self._pids))

    def spent(self) -> float:
        return self._now() - self._before


class Statements:
    """Counts the SQL statements of an engine, or of all there are; an executemany counts as its number of rows."""

    def __init__(self, engine: Engine | type[Engine]) -> None:
        self.count = 0
        event.listen(engine, "before_cursor_execute", self._see)

    def _see(self, _: Any, __: Any, statement: str, parameters: Any, ___: Any, many: bool) -> None:
        if not statement.startswith("BEGIN"):
            self.count += len(parameters) if many else 1

    def since(self, before: int) -> int:
        return self.count - before


def peak_mb() -> float:
    """The most memory that this process ever held. Linux' getrusage counts what its parent held too."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def rate(work: Callable[[], Any], seconds: float) -> float:
    """How often a second `work` can be done, one after the other."""
    begin = time.perf_counter()
    end, done = begin + seconds, 0
    while time.perf_counter() < end:
        work()
        done += 1
    return done / (time.perf_counter() - begin)


def timed(work: Callable[[], Any]) -> float:
    """The seconds that it took."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def rate_of_threads(works: Iterable[Callable[[], Any]], seconds: float) -> float:
    """The same with a thread for each of them, all at once."""
    return sum(together([partial(rate, work, seconds) for work in works]))


def together(works: Sequence[Callable[[], T]]) -> list[T]:
    """What each gives, a thread for each; raises what the first of them raised."""
    with ThreadPoolExecutor(len(works)) as threads:
        return [future.result() for future in [threads.submit(work) for work in works]]
