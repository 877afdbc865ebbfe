"""Goods on their way to one of our locations: what may be done with them when, what came and what did not. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.domain.later import N_
from core.domain.stock import Key
from core.domain.stored import STORED as STORED

MOST = 10_000_000  # units of a line
LINES = 2_000


class Kind(StrEnum):
    PURCHASE = "purchase"  # from a supplier
    TRANSFER = "transfer"  # from another location of ours: its units leave that at dispatch
    REMOVAL = "removal"  # what a channel's warehouse sends back


class State(StrEnum):
    OPEN = "open"  # being written
    SENT = "sent"  # on its way
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Act(StrEnum):
    EDIT = "edit"
    SEND = "send"
    RECEIVE = "receive"
    TAKE_BACK = "take_back"  # what was received was not
    CLOSE = "close"
    CANCEL = "cancel"
    REOPEN = "reopen"


MOVES: dict[tuple[State, Act], State] = {
    (State.OPEN, Act.EDIT): State.OPEN,
    (State.OPEN, Act.SEND): State.SENT,
    (State.OPEN, Act.CANCEL): State.CANCELLED,
    (State.SENT, Act.RECEIVE): State.SENT,
    (State.SENT, Act.TAKE_BACK): State.SENT,
    (State.SENT, Act.CLOSE): State.CLOSED,
    (State.SENT, Act.CANCEL): State.CANCELLED,
    (State.CLOSED, Act.REOPEN): State.SENT,
    (State.CANCELLED, Act.REOPEN): State.OPEN,
}

KINDS: dict[Kind, str] = {Kind.PURCHASE: N_("Purchase"), Kind.TRANSFER: N_("Transfer"), Kind.REMOVAL: N_("Removal")}
STATES: dict[State, str] = {
    State.OPEN: N_("being written"),
    State.SENT: N_("on its way"),
    State.CLOSED: N_("closed"),
    State.CANCELLED: N_("cancelled"),
}
# Causes of movements, beside those of adjusting and of orders.
DISPATCHED, RECEIVED, TAKEN_BACK, RECALLED = "dispatched", "received", "unreceived", "recalled"
CAUSES: dict[str, str] = {
    DISPATCHED: N_("Sent to another location"),
    RECEIVED: N_("Goods came in"),
    TAKEN_BACK: N_("Receiving it was undone"),
    STORED: N_("Counted by Amazon"),
    RECALLED: N_("Came back: its transfer was cancelled"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """`units` were announced, `sent` left our location (transfers alone), `received` came and can be sold, `damaged` came and cannot."""

    sku: str
    units: int
    sent: int = 0
    received: int = 0
    damaged: int = 0

    @property
    def came(self) -> int:
        return self.received + self.damaged

    def due(self, kind: Kind) -> int:
        """What should come in all: of a transfer, what left."""
        return self.sent if kind is Kind.TRANSFER else self.units

    def missing(self, kind: Kind) -> int:
        return max(0, self.due(kind) - self.came)

    def more(self, kind: Kind) -> int:
        """What came beyond what was announced."""
        return max(0, self.came - self.due(kind))


@dataclass(frozen=True, slots=True)
class Came:
    """Units of a SKU that came in: `good` can be sold, `damaged` cannot. `seen` is what was known to have come when they were counted;
    None: nobody looked."""

    sku: str
    good: int
    damaged: int = 0
    seen: int | None = None


def after(state: State, act: Act) -> State | None:
    """Where an act leads; None where it may not be done."""
    return MOVES.get((state, act))


def may(state: State, act: Act, lines: Iterable[Line]) -> bool:
    """What was cancelled after some of it had come is over for good."""
    if (state, act) == (State.CANCELLED, Act.REOPEN):
        return not any(line.came for line in lines)
    return after(state, act) is not None


def short(lines: Iterable[Line], location: str, levels: Mapping[Key, tuple[int, int]]) -> list[str]:
    """SKUs of which less lies free at a location than is to leave it."""
    return [line.sku for line in lines if line.units > _free(levels.get((line.sku, location), (0, 0)))]


def _free(level: tuple[int, int]) -> int:
    return level[0] - level[1]


def not_seen(lines: Mapping[str, Line], came: Sequence[Came]) -> list[str]:
    """SKUs of which something else had come by now than those who counted knew."""
    return [one.sku for one in came if one.seen is not None and one.sku in lines and lines[one.sku].came != one.seen]
