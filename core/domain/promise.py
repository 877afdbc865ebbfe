"""The promise that nothing is sold twice, and the listings that it does not cover: those whose channel does not stop at the number that
it shows. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from core.domain.later import N_


class Uncovered(StrEnum):
    """Why a listing is left out."""

    OVERSELLS = "oversells"
    UNTRACKED = "untracked"
    DRAFT = "draft"
    AUCTION = "auction"
    NAMELESS = "nameless"


MENDABLE = frozenset({Uncovered.OVERSELLS, Uncovered.UNTRACKED})  # from here, where the channel lets us


@dataclass(frozen=True, slots=True)
class Standing:
    """How a connection stands to the promise: whether its stock is written, it is open, and we lead."""

    live: bool
    state: str
    leads: str


def left_out(one: Standing) -> str:
    """Why nothing that a connection sells is covered; "" where it is."""
    if not one.live:
        return N_("Only watched: nothing is written there until you go live.")
    if one.state != "active":
        return N_("Closed or paused: nothing can be told there.")
    return N_("The channel leads: what is changed there is not ours to bound.") if one.leads == "channel" else ""


WORDS: dict[Uncovered, str] = {
    Uncovered.OVERSELLS: N_('It goes on selling when nothing is left: "Continue selling when out of stock" is switched on in %(channel)s.'),
    Uncovered.UNTRACKED: N_('%(channel)s does not count it, so it sells without end: "Track quantity" is switched off there.'),
    Uncovered.DRAFT: N_("It is a draft or archived in %(channel)s: nobody can buy it there now."),
    Uncovered.AUCTION: N_("It is an auction: %(channel)s sells it whatever lies on your shelf."),
    Uncovered.NAMELESS: N_("A variation without a SKU: nothing can be told to it, so it sells what it shows."),
}
STEPS: dict[Uncovered, str] = {
    Uncovered.OVERSELLS: N_('In %(channel)s: the product, the variant, Inventory, take the tick off "Continue selling when out of stock".'),
    Uncovered.UNTRACKED: N_('In %(channel)s: the product, the variant, Inventory, tick "Track quantity".'),
    Uncovered.DRAFT: N_("Nothing needs doing. It is covered as soon as it is active and read again."),
    Uncovered.AUCTION: N_("End it, or list it at a fixed price."),
    Uncovered.NAMELESS: N_("Give each variation a SKU in %(channel)s."),
}
PRESSES: dict[Uncovered, str] = {Uncovered.OVERSELLS: N_("Stop selling at zero"), Uncovered.UNTRACKED: N_("Have it counted")}
