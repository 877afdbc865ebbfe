"""What an RQ worker runs: one job per ring, that drains one queue of the database. The process gives us its hub first."""

from core import jobs
from core.hub import Hub
from core.jobs import Keeper

_own: dict[str, tuple[Hub, Keeper]] = {}


def take_over(hub: Hub, keeper: Keeper) -> None:
    """This process works for this hub from now on."""
    _own["process"] = (hub, keeper)


def drain(queue: str) -> int:
    """Do everything that is due in the queue. Gives how many tasks were done."""
    hub, keeper = _own["process"]
    answer = getattr(hub.bell, "answer", None)
    if answer:
        answer(queue)
    return jobs.drain(hub, queue, keeper=keeper)
