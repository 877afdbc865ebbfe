"""What an RQ worker runs: one job per ring, that drains one queue of the database. The process gives us its hub first."""

from collections.abc import Callable

from core import jobs
from core.hub import Hub
from core.jobs import Keeper

_own: dict[str, tuple[Hub, Keeper, Callable[[], bool]]] = {}


def take_over(hub: Hub, keeper: Keeper, stop: Callable[[], bool]) -> None:
    """This process works for this hub from now on, until `stop` says so."""
    _own["process"] = (hub, keeper, stop)


def drain(queue: str) -> int:
    """Do everything that is due in the queue. Gives how many tasks were done."""
    hub, keeper, stop = _own["process"]
    answer = getattr(hub.bell, "answer", None)
    if answer:
        answer(queue)
    return drain_of(queue)(hub, queue, keeper=keeper, stop=stop)


def drain_of(queue: str) -> Callable[..., int]:
    """Inside, another thread of the process takes old orders, so that no live one waits for them."""
    return jobs.drain_live if queue == "inside" else jobs.drain
