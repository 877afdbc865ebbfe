"""Two writers: whose number counts where somebody changes stock in the channel itself, and what becomes of such a change. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from core.domain.exposure import Bound, Exposure
from core.domain.later import N_


class Leader(StrEnum):
    """The merchant's rule for one connection."""

    HUB = "hub"
    CHANNEL = "channel"
    ASK = "ask"


class Unsure(StrEnum):
    """Why somebody is asked."""

    RULE = "rule"
    MOMENT = "moment"
    PARTS = "parts"
    PLACES = "places"
    BOUND = "bound"
    UNCOUNTED = "uncounted"
    PROMISED = "promised"


SETTING = "leads"  # the connection's setting


def leader(settings: Mapping[str, Any]) -> Leader:
    """Whoever never said anything, or something that nobody understands, is led by the hub."""
    said = settings.get(SETTING)
    return Leader(said) if said in {one.value for one in Leader} else Leader.HUB


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed in a channel: so many `units` of a listing more (None: nobody knows how many), which consumes these `parts` and
    sells from these `locations`; `may` is what it may show (None: nobody counted). `meant`: somebody says that it is so."""

    units: int | None
    parts: Mapping[str, int]
    locations: Sequence[str]
    may: Exposure | None
    meant: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """So many `units` of a SKU more lie at a location; `why` somebody must be asked, None where it is plain: about all of it where `units`
    is 0, about the listing's units that are `left` else (None: all that were changed)."""

    why: Unsure | None
    sku: str = ""
    location: str = ""
    units: int = 0
    left: int | None = None


def verdict(change: Change, free: int) -> Verdict:
    """What a change in the channel says of our shelf, of which `free` units are promised to nobody. Only one part at one location can have
    changed by it; a listing that a rule bounds says nothing of what lies there."""
    why = _unclear(change)
    if why or change.units is None:
        return Verdict(why or Unsure.MOMENT)
    (sku, each), (location,) = next(iter(change.parts.items())), change.locations
    may_go = max(0, free) // each
    if change.units + may_go < 0:
        return Verdict(Unsure.PROMISED, sku, location, -may_go * each, change.units + may_go)
    return Verdict(None, sku, location, change.units * each)


def _unclear(change: Change) -> Unsure | None:
    if change.units is None:
        return Unsure.MOMENT
    if len(change.parts) != 1:
        return Unsure.PARTS
    if len(change.locations) != 1:
        return Unsure.PLACES
    if change.may is None:
        return Unsure.UNCOUNTED
    return Unsure.BOUND if _is_bound(change.may) and not change.meant else None


def _is_bound(may: Exposure) -> bool:
    """What is shown is not what there is, less a fixed number."""
    return may.bound in (Bound.CAP, Bound.STOPPED) or may.sellable < may.buffer


def speaks(*, wanted: int, ours: int) -> bool:
    """Whether a listing that is somebody's to judge is told all the same: our stock fell to nothing since, and nobody may buy what is
    gone."""
    return wanted == 0 and ours > 0


LABELS: dict[Leader, str] = {
    Leader.HUB: N_("Crossdock leads"), Leader.CHANNEL: N_("The channel leads"), Leader.ASK: N_("Ask me"),
}  # fmt: skip
WORDS: dict[Leader, str] = {
    Leader.HUB: N_("What is changed there is put right, and kept as a finding."),
    Leader.CHANNEL: N_(
        "What is changed there, and no order explains, is taken over here: the shelf is adjusted, every other channel is told."
    ),
    Leader.ASK: N_("What is changed there stays until one of you says which number is right. Only zero is told meanwhile."),
}
ASKED: dict[Unsure, str] = {
    Unsure.RULE: N_("You want to be asked."),
    Unsure.MOMENT: N_("An order came at the same moment, so nobody knows how many units were changed."),
    Unsure.PARTS: N_("It consumes several SKUs, and nobody knows of which there are more or fewer."),
    Unsure.PLACES: N_("It sells from several of your locations, and nobody knows at which there are more or fewer."),
    Unsure.BOUND: N_("A cap, a buffer or a stop bounds what it shows, so its number says nothing of what lies there."),
    Unsure.UNCOUNTED: N_("Nobody has counted its SKU."),
    Unsure.PROMISED: N_("More is promised to orders than would be left."),
}
