"""How many units a listing may show, and what bounds it: the merchant's rules over what can be sold. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.domain.later import N_
from core.domain.stock import sellable


class Bound(StrEnum):
    """What keeps a listing from showing more."""

    FREE = "free"
    BUFFER = "buffer"
    CAP = "cap"
    STOPPED = "stopped"
    SHARE = "share"


@dataclass(frozen=True, slots=True)
class Rule:
    """A merchant's wish for one listing, in its units: so many are kept back (`buffer`; None: as many as its connection keeps), never more
    than `cap` are shown, none at all where its sale is `stopped`."""

    buffer: int | None = None
    cap: int | None = None
    stopped: bool = False


NO_RULE = Rule()
MOST = 1_000_000


def problem(rule: Rule) -> str:
    """What cannot be meant by it; "" where nothing is wrong."""
    for name, units in (("buffer", rule.buffer), ("cap", rule.cap)):
        if units is not None and not 0 <= units <= MOST:
            return f"{name} must be from 0 to {MOST}"
    return ""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What a listing may show: `units`, and why not more. `sellable` are what its parts make, `buffer` what is kept back of these; `scarce`
    is the part of which there is least, where it has several."""

    units: int
    bound: Bound
    sellable: int
    buffer: int = 0
    cap: int | None = None
    share: int | None = None
    scarce: str = ""


def exposure(
    parts: Mapping[str, int], free: Mapping[str, int], rule: Rule, buffer: int, share: int | None = None, whole: int | None = None
) -> Exposure:
    """`parts` are the SKUs that one unit consumes, `free` their free units where its channel sells from; `buffer` is what its connection
    keeps of each listing, `share` what it was dealt where a part is in quota,
    `whole` how many lie at one location each where they must. What is shown is never below zero."""
    made = sellable(parts, free) if whole is None else whole
    kept = buffer if rule.buffer is None else rule.buffer
    units, bound = _bounded(made, kept, rule)
    if share is not None and share < units:
        units, bound = share, Bound.SHARE
    return Exposure(units, bound, made, kept, rule.cap, share, _scarce(parts, free) if len(parts) > 1 else "")


def _bounded(made: int, kept: int, rule: Rule) -> tuple[int, Bound]:
    if rule.stopped:
        return 0, Bound.STOPPED
    left = max(0, made - kept)
    if rule.cap is not None and rule.cap < left:
        return rule.cap, Bound.CAP
    return left, Bound.BUFFER if kept and made else Bound.FREE


def _scarce(parts: Mapping[str, int], free: Mapping[str, int]) -> str:
    return min(parts, key=lambda sku: (max(0, free.get(sku, 0)) // parts[sku], sku))


# What people read. %(sellable)s, %(buffer)s and %(cap)s are put in by who shows it.
WORDS: dict[Bound, str] = {
    Bound.FREE: N_("%(sellable)s can be sold."),
    Bound.BUFFER: N_("%(sellable)s can be sold, %(buffer)s of these are kept back."),
    Bound.CAP: N_("%(sellable)s can be sold; more than %(cap)s are never shown here."),
    Bound.STOPPED: N_("Its sale is stopped here."),
    Bound.SHARE: N_("%(sellable)s can be sold on all channels together; %(share)s are this listing's part."),
}
