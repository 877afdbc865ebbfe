"""Where a channel keeps its stock, and which of our locations each of its places stands for. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from core.domain.later import N_
from core.domain.order import Assignment, Order, Party


class LocationKind(StrEnum):
    """What a location of ours is."""

    OWN = "own"
    SHOP = "shop"
    SERVICE = "3pl"
    SUPPLIER = "dropship"
    FBA = "fba"  # Amazon's own: its levels are read, never written; other channels sell from it where that is switched on


WORDS: dict[LocationKind, str] = {
    LocationKind.OWN: N_("Own warehouse"),
    LocationKind.SHOP: N_("Shop"),
    LocationKind.SERVICE: N_("Another company's warehouse"),
    LocationKind.SUPPLIER: N_("Supplier that sends to buyers"),
    LocationKind.FBA: N_("Amazon's warehouse (FBA)"),
}


@dataclass(frozen=True, slots=True)
class Contents:
    """What is at a location, or on its way there or from there: SKUs with units, those on hand, reserved and damaged, and deliveries."""

    skus: int = 0
    on_hand: int = 0
    reserved: int = 0
    damaged: int = 0
    inbounds: int = 0

    @property
    def is_empty(self) -> bool:
        return not (self.on_hand or self.reserved or self.damaged or self.inbounds)


NOWHERE = ""  # the one place of a channel that keeps no stock by location


@dataclass(frozen=True)
class PlaceMap:
    """What the places of a connection are. `ours`: by place, the locations of ours that it stands for, in the order that stock is taken
    from; `nothing`: those that somebody said are none of ours; `services`: other fulfillment services'. A place that is none of these
    waits for a word: until then its orders are reserved at the connection's own locations. `first` is the location to begin with."""

    ours: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    nothing: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    first: str | None = None

    @cached_property
    def away(self) -> frozenset[str]:
        return self.nothing | self.services

    @cached_property
    def locations(self) -> list[str]:
        """All that its orders may be reserved at, the connection's first one at the head."""
        found = dict.fromkeys(location for some in self.ours.values() for location in some)
        return sorted(found, key=lambda location: location != self.first)

    @cached_property
    def heads(self) -> dict[str, str]:
        """By place, the location that its goods come back to."""
        return {place: some[0] for place, some in self.ours.items() if some}

    @property
    def is_split(self) -> bool:
        """It matters which place the channel sends an order from. What a service sends, its lines say themselves."""
        return len(self.ours) > 1 or bool(self.nothing)

    def assigned(self, order: Order) -> dict[str, dict[str, int]]:
        """By line, the open units that the channel wants sent from each of our locations; without those that it did not say."""
        if not self.is_split:
            return {}
        found: dict[str, dict[str, int]] = {}
        for part in self._parts(order):
            location = self.heads.get(part.location or "")
            for line in part.lines if location else ():
                mine = found.setdefault(line.line, {})
                mine[location or ""] = mine.get(location or "", 0) + line.quantity
        return found

    def elsewhere(self, order: Order) -> dict[str, tuple[int, int]]:
        """By line, the units that are none of our shelves' business: (open ones, sent ones)."""
        open_: dict[str, int] = {}
        for part in self._parts(order):
            if part.party is Party.OTHER or part.location in self.away:
                for line in part.lines:
                    open_[line.line] = open_.get(line.line, 0) + line.quantity
        sent: dict[str, int] = {}
        for parcel in order.shipped if self.away else ():
            for line in parcel.lines if parcel.location in self.away else ():
                sent[line.line] = sent.get(line.line, 0) + line.quantity
        return {line: (open_.get(line, 0), sent.get(line, 0)) for line in open_.keys() | sent.keys()}

    def _parts(self, order: Order) -> Iterable[Assignment]:
        return (part for part in order.routing or () if part.open) if self.is_split or self.services else ()
