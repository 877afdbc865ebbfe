"""Workers as tests play them: several at once, in small sets, and dying in the middle."""

import threading
from collections.abc import Callable, Iterable

from core import jobs
from core.hub import Hub
from core.store import tasks
from core.store.tasks import FIRST


class Crash(BaseException):
    """The process is gone: nobody handles this, nobody records anything."""


def in_threads(works: Iterable[Callable[[], object]]) -> None:
    """Do these at once; what one of them raises is raised here."""
    failed: list[BaseException] = []
    works = list(works)
    start = threading.Barrier(len(works))

    def safely(work: Callable[[], object]) -> None:
        try:
            start.wait(10)
            work()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=safely, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failed:
        raise failed[0]


def drain_in_small_sets(hub: Hub, queue: str = "inside", most: int = 3) -> None:
    """What `jobs.drain` does, a few tasks at a time, so that several workers have something to do."""
    turn = FIRST
    while True:
        with hub.database.read() as db:
            after = tasks.next_turn(db, queue, turn, hub.now)
        if after is None:
            return
        turn = after
        with hub.database.write() as db:
            claim = tasks.claim(db, queue, turn, most, hub.now)
        if claim:
            jobs.run(hub, claim)
