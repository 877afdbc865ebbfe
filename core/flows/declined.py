"""A channel that understood and declined: what was asked of it waits for a person, with its words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from core.domain.tasks import Outcome
from core.errors import AccessLost, Refused, Unsupported

T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class Declined:
    """`outcome` parks the task; `words` are the channel's own, or ours where it said none."""

    outcome: Outcome
    words: str


def asked(call: Callable[[], T]) -> T | Declined:
    """What a channel answers, or how it declined. Raises every other error as it is, AccessLost too: that is a matter of the connection."""
    try:
        return call()
    except AccessLost:
        raise
    except Refused as error:
        kind = "Unsupported" if isinstance(error, Unsupported) else "Refused"
        return Declined(Outcome("parked", cause=kind, detail=str(error), words=error.words), error.words or str(error))
