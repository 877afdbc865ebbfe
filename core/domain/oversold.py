"""More was sold than there is: what can be done about it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.domain.later import N_


class Decision(StrEnum):
    """What somebody says of units that are not there."""

    BACKORDER = "backorder"  # the order waits for them
    PARTIAL = "partial"  # what is there is sent, the rest follows
    ELSEWHERE = "elsewhere"  # they are sent from a location that its channel does not sell from


WORDS: dict[Decision, str] = {
    Decision.BACKORDER: N_("It waits until there is more"),
    Decision.PARTIAL: N_("What is there is sent, the rest follows"),
    Decision.ELSEWHERE: N_("It is sent from another location"),
}


@dataclass(frozen=True, slots=True)
class Short:
    """A line that lacks units: `missing` units of its listing, the `parts` that one consumes, whether anything of it is there (`held`
    units), what was `decided` ("" for nothing), and how many units other locations could make, by their ids."""

    line: str
    sku: str
    missing: int
    held: int
    decided: str
    parts: Mapping[str, int]
    elsewhere: Mapping[str, int]


def makes(parts: Mapping[str, int], free: Mapping[tuple[str, str], int], location: str, most: int) -> int:
    """Whole units that the free parts at a location make, `most` at most."""
    return max(0, min([most, *(free.get((sku, location), 0) // each for sku, each in parts.items())])) if parts else 0
