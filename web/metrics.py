"""What Prometheus reads: what this application's processes counted, and what the database knows. prometheus-client decides when it is first
imported whether several processes count together, so it is not imported before somebody counts."""

import time
from collections import Counter as Counted
from collections.abc import Iterator, Sequence
from typing import Any

from core.hub import Hub
from core.store.gauges import Figures, figures

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
FRESH_S = 2.0  # the database is asked no more often than that


class Meter:
    """One for an application's process. With `together` several processes count into the folder that PROMETHEUS_MULTIPROC_DIR names."""

    def __init__(self, hub: Hub, *, together: bool = False) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self._hub, self._together = hub, together
        self._own = CollectorRegistry()
        named = ("Requests by the part that was asked and the kind of outcome.", ("part", "outcome"))
        self._requests = Counter("crossdock_requests", *named, registry=self._own)
        self._seconds = Histogram("crossdock_request_seconds", "How long answers took.", ("part",), buckets=BUCKETS, registry=self._own)
        self._known: tuple[float, Figures | None] = (0.0, None)

    def note(self, part: str, status: int, seconds: float) -> None:
        self._requests.labels(part, f"{status // 100}xx").inc()
        self._seconds.labels(part).observe(seconds)

    def text(self) -> bytes:
        """All of it as Prometheus reads it. Raises what the database raises."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        counted = self._own
        if self._together:
            counted = CollectorRegistry()
            MultiProcessCollector(counted)  # type: ignore[no-untyped-call]
        known = CollectorRegistry()
        known.register(self)
        made: bytes = generate_latest(counted) + generate_latest(known)
        return made

    def collect(self) -> Iterator[Any]:
        """What the database knows, for prometheus-client."""
        yield from families(self._figures(), self._hub.now)

    def describe(self) -> list[Any]:
        return []

    def _figures(self) -> Figures:
        at, known = self._known
        if known is None or time.monotonic() - at > FRESH_S:
            with self._hub.database.read() as db:
                known = figures(db)
            self._known = (time.monotonic(), known)
        return known


Row = tuple[Sequence[str], float]
# What each figure is, and by what it is told apart.
GAUGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "tasks": ("Tasks that are not done.", ("kind", "state")),
    "task_oldest_seconds": ("How long the first due task of a kind waits.", ("kind",)),
    "connections": ("Connections by state.", ("channel", "state")),
    "orders_read_seconds": ("How long ago is the moment up to which a connection's orders are here.", ("channel", "connection")),
    "untold_sale_seconds": ("How long the oldest sale waits that a channel has not heard of.", ()),
    "hooks": ("Outgoing webhooks by state.", ("state",)),
    "worker_seen_seconds": ("How long ago a worker last swept.", ()),
}


def rows_of(known: Figures, now: int) -> dict[str, list[Row]]:
    """The rows of each gauge."""
    states = (("due", known.due), ("running", known.running), ("parked", known.parked))
    return {
        "tasks": [((row.kind, state), row.n) for state, rows in states for row in rows],
        "task_oldest_seconds": [((row.kind,), _age(row.oldest, now)) for row in known.due],
        "connections": list(Counted((row.channel, row.state) for row in known.connections).items()),
        "orders_read_seconds": [((row.channel, row.id), _age(row.read_to, now)) for row in known.connections if row.read_to],
        "untold_sale_seconds": [((), _age(known.untold, now))],
        "hooks": [((row.state,), row.n) for row in known.hooks],
        "worker_seen_seconds": [((), _age(known.here, now))] if known.here else [],
    }


def families(known: Figures, now: int) -> Iterator[Any]:
    from prometheus_client.core import GaugeMetricFamily

    for name, rows in rows_of(known, now).items():
        words, labels = GAUGES[name]
        family = GaugeMetricFamily(f"crossdock_{name}", words, labels=labels)
        for values, value in rows:
            family.add_metric(values, value)
        yield family


def _age(at: int | None, now: int) -> float:
    return 0.0 if at is None else max(0.0, (now - at) / 1e6)
