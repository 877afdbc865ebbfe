"""How many units a listing may show, and what bounds it: the merchant's rules over what can be sold. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from core.domain.ahead import NONE, Promise, promise
from core.domain.later import N_


class Bound(StrEnum):
    """What keeps a listing from showing more."""

    FREE = "free"
    BUFFER = "buffer"
    CAP = "cap"
    STOPPED = "stopped"
    AHEAD = "ahead"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Rule:
    """A merchant's wish for one listing, in its units: so many are kept back (`buffer`; None: as many as its connection keeps), never more
    than `cap` are shown, none at all where its sale is `stopped`. It may sell goods that are expected within `ahead` days (None: only what
    lies there), and `backorder` units beyond that."""

    buffer: int | None = None
    cap: int | None = None
    stopped: bool = False
    ahead: int | None = None
    backorder: int = 0

    @property
    def promises(self) -> bool:
        """It sells what is not there yet."""
        return self.ahead is not None or self.backorder > 0


NO_RULE = Rule()
MOST = 1_000_000
FARTHEST = 365  # days


def problem(rule: Rule) -> str:
    """What cannot be meant by it; "" where nothing is wrong."""
    bounds = (("buffer", rule.buffer, MOST), ("cap", rule.cap, MOST), ("ahead", rule.ahead, FARTHEST), ("backorder", rule.backorder, MOST))
    for name, units, most in bounds:
        if units is not None and not 0 <= units <= most:
            return f"{name} must be from 0 to {most}"
    return ""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a listing may show: `units`, and why not more. `sellable` are what its parts make, `buffer` what is kept back of these; `scarce`
    is the part of which there is least, where it has several. Of what is not there yet it shows `coming` units, and may owe `owed` more."""

    units: int
    bound: Bound
    sellable: int
    buffer: int = 0
    cap: int | None = None
    share: int | None = None
    scarce: str = ""
    coming: int = 0
    owed: int = 0


def exposure(
    parts: Mapping[str, int],
    free: Mapping[str, int],
    rule: Rule,
    buffer: int,
    share: int | None = None,
    whole: int | None = None,
    coming: Mapping[str, int] = NONE,
) -> Exposure:
    """`parts` are the SKUs that one unit consumes, `free` their free units where its channel sells from; `buffer` is what its connection
    keeps of each listing, `share` what it was dealt where a part is in quota, `whole` how many lie at one location each where they must,
    `coming` what is expected of its parts within its days ahead. What is shown is never below zero."""
    made = promise(parts, free, coming, rule.backorder) if share is None else promise(parts, free, NONE, 0)
    if whole is not None:  # what comes lies nowhere yet
        made = replace(made, now=whole, coming=0)
    kept = buffer if rule.buffer is None else rule.buffer
    units, bound = _bounded(made, kept, rule)
    if share is not None and share < units:
        units, bound = share, Bound.SHARE
    scarce = _scarce(parts, free) if len(parts) > 1 else ""
    return Exposure(units, bound, made.now, kept, rule.cap, share, scarce, made.coming, made.owed)


def _bounded(made: Promise, kept: int, rule: Rule) -> tuple[int, Bound]:
    if rule.stopped:
        return 0, Bound.STOPPED
    left = max(0, made.now + made.coming - kept) + made.owed
    if rule.cap is not None and rule.cap < left:
        return rule.cap, Bound.CAP
    if made.coming or made.owed:
        return left, Bound.AHEAD
    return left, Bound.BUFFER if kept and made.now else Bound.FREE


def _scarce(parts: Mapping[str, int], free: Mapping[str, int]) -> str:
    return min(parts, key=lambda sku: (max(0, free.get(sku, 0)) // parts[sku], sku))


# What people read. The numbers are put in by who shows it; %(by)s is the day that it looks ahead to.
WORDS: dict[Bound, str] = {
    Bound.FREE: N_("%(sellable)s can be sold."),
    Bound.BUFFER: N_("%(sellable)s can be sold, %(buffer)s of these are kept back."),
    Bound.CAP: N_("%(sellable)s can be sold; more than %(cap)s are never shown here."),
    Bound.AHEAD: N_("%(sellable)s can be sold now, %(coming)s come by %(by)s, %(owed)s may be owed beyond that; %(buffer)s are kept back."),
    Bound.STOPPED: N_("Its sale is stopped here."),
    Bound.SHARE: N_("%(sellable)s can be sold on all channels together; %(share)s are this listing's part."),
}
