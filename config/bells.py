"""Bells: what wakes a drain. In one process a condition variable, between processes a job on Redis that carries a queue's name."""

import contextlib
import heapq
import threading
import time
from collections.abc import Sequence

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue
from rq.serializers import JSONSerializer

log = structlog.get_logger("bell")
MERGED_MS = 5000  # rings within this time are one job, unless a drain began since
AWAY_S = 5.0  # how long a Redis that did not answer is left alone: whoever rings must not wait for it each time


class ThreadBell:
    """Rings in this process. A ring in the future is kept until then, whatever rings before."""

    def __init__(self) -> None:
        self._due: dict[str, list[float]] = {}
        self._change = threading.Condition()

    def ring(self, queue: str, wait_s: float = 0.0) -> None:
        at = time.monotonic() + wait_s
        with self._change:
            due = self._due.setdefault(queue, [])
            if wait_s > 0 or not _is_due(due, at):
                heapq.heappush(due, at)
            self._change.notify_all()

    def wait(self, queue: str, timeout_s: float) -> bool:
        """Until it rings for this queue or the time is over; True when it rang."""
        end = time.monotonic() + timeout_s
        with self._change:
            due = self._due.setdefault(queue, [])
            while True:
                now = time.monotonic()
                if _is_due(due, now):
                    while _is_due(due, now):
                        heapq.heappop(due)
                    return True
                if now >= end:
                    return False
                self._change.wait(min([*due[:1], end]) - now)


def _is_due(due: Sequence[float], now: float) -> bool:
    return bool(due) and due[0] <= now


def connect(url: str) -> redis.Redis:
    """A client that fails at once: the bell is a comfort, not a need."""
    return redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=0.5, socket_timeout=0.5)


class RedisBell:
    """Rings over Redis with RQ. When Redis is away the sweep finds the work instead."""

    def __init__(self, url: str) -> None:
        self.redis = connect(url)
        self._queues = {name: Queue(name, connection=self.redis, serializer=JSONSerializer) for name in ("inside", "outside")}
        self._away_until = 0.0

    def ring(self, queue: str, wait_s: float = 0.0) -> None:
        if wait_s > 0:
            timer = threading.Timer(wait_s, self.ring, (queue,))
            timer.daemon = True
            timer.start()
        elif queue in self._queues and time.monotonic() >= self._away_until:  # for old orders nobody is woken: they are looked for
            self._ring(queue)

    def _ring(self, queue: str) -> None:
        try:
            if self.redis.set(f"bell:{queue}", 1, nx=True, px=MERGED_MS):
                self._queues[queue].enqueue("worker.drain", queue, result_ttl=0, failure_ttl=60, job_timeout=-1)
        except redis.RedisError as error:
            self._away_until = time.monotonic() + AWAY_S
            log.warning("Redis does not answer; the sweep will find the work", error=type(error).__name__)

    def hears(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(self.redis.ping())
        except redis.RedisError:
            return False

    def answer(self, queue: str) -> None:
        """A drain begins: rings from now on are for the next one."""
        with contextlib.suppress(redis.RedisError):
            self.redis.delete(f"bell:{queue}")
