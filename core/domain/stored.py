"""Shelves that a channel fills, sells from and counts itself (FBA), and from which we promise units to orders of other channels. Pure.

A unit there passes these moments: we promise it; we ask for it; the channel takes it off what it says can be sold; it leaves. What the
channel says can be sold holds the units that are promised and not yet taken, and no longer those that are taken. So, of one SKU:

    on hand here = what the channel says can be sold + what it took of our promises - what it may yet take of promises that we gave up
    free         = on hand - promised = what can be sold - all that it has yet to take

`taken` counts what was certainly taken before the channel was read: an answer that is younger, or that never came, may or may not be in
its figure, and then fewer units are free until a later reading, never more. Packing takes longer than SETTLES_US.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.domain.requests import RequestState

STORED = "fba"  # the cause of movements that the channel told of
SETTLES_US = 15 * 60 * 1_000_000  # ‡ after which what a channel accepted is certainly off the figure that it tells
Key = tuple[str, str]  # SKU, location


def on_hand(sellable: int, promised: int, taken: int) -> int:
    """Units of a shelf as it is written after a reading. Promises are kept on it even where the channel has sold them meanwhile: it says
    so itself when it is asked for them, and then they are sent from elsewhere."""
    return max(promised, max(0, sellable) + min(promised, taken))


def lacks(sellable: int, promised: int, taken: int) -> int:
    """Promises for which nothing lies there any more."""
    return on_hand(sellable, promised, taken) - max(0, sellable) - min(promised, taken)


@dataclass(frozen=True, slots=True)
class Asked:
    """Units of one SKU that one line of an order is promised and that the channel was asked for; `answered_at`: when it said that it
    takes the request, or last said something of it."""

    units: int
    reserved: int
    state: RequestState
    answered_at: int | None


def taken(some: Iterable[Asked], read_at: int) -> int:
    """What of these is certainly in no figure that was read then. What we called back may be in it again."""
    return sum(min(one.units, one.reserved) for one in some if _is_certain(one, read_at))


def doubtful(some: Iterable[Asked], read_at: int) -> int:
    """What of these it may yet take off that figure though nothing is promised of it any more: it was called back, and may leave."""
    return sum(max(0, one.units - one.reserved) for one in some if not _is_certain(one, read_at))


def _is_certain(one: Asked, read_at: int) -> bool:
    return one.state is RequestState.ACCEPTED and one.answered_at is not None and one.answered_at + SETTLES_US <= read_at


def settles_at(some: Iterable[Asked]) -> int | None:
    """When another reading would say more than one that begins before; None: what was asked for is all settled, or not answered yet."""
    at = [one.answered_at + SETTLES_US for one in some if one.state is RequestState.ACCEPTED and one.answered_at is not None]
    return max(at, default=None)


@dataclass(frozen=True, slots=True)
class Theirs:
    """The locations that channels count themselves. Of those in `open` units are promised, but for `cushion`, which stays for the
    channel's own buyers. By (order, line) units of a shelf: `asked`, that the channel was ever asked for, and `leaving`, that it is to
    send; `sent` are the line's own units that left from there, and come back there if they do."""

    counted: frozenset[str] = frozenset()
    open: frozenset[str] = frozenset()
    cushion: Mapping[Key, int] = field(default_factory=dict)
    asked: Mapping[tuple[str, str], Mapping[Key, int]] = field(default_factory=dict)
    leaving: Mapping[tuple[str, str], Mapping[Key, int]] = field(default_factory=dict)
    sent: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def free(self, key: Key, free: int) -> int:
        """What of so many may be promised."""
        if key[1] not in self.counted:
            return free
        return max(0, free - self.cushion.get(key, 0)) if key[1] in self.open else 0


NOBODYS = Theirs()
