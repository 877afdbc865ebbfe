"""Quotas: each listing owns a part of what is free, so that nothing is sold twice however late a channel's orders come. Pure.

A listing `holds` what it may still sell without our knowing. What it holds lies on the shelves for it alone, unit by unit. It is given
more out of what nobody holds, and what it gives back is free for others only when its channel is known to show less, and its orders are
read past that moment. A channel that sets what it is told, whatever it sold meanwhile, may sell what it showed and then what it was told:
it holds both until then. So the sum of all that may be sold is never more than there is, whatever is late, lost or repeated.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

Key = tuple[str, str]  # SKU, location


@dataclass(frozen=True, slots=True)
class Owner:
    """A listing in quota: the SKUs that one unit of it consumes, the locations that it sells from, what it `holds` (None: nobody knows
    what it may sell), what it `shows`, the `most` that its rule lets it show, and how many of it are sold a day.

    `sure`: it shows that, and no order that would say otherwise can be on its way. `stuck`: its channel cannot be told anything now, and
    goes on selling. `compares`: it takes a number only where it still shows what we believe, so that no sale is overwritten.
    """

    id: int
    parts: Mapping[str, int]
    locations: tuple[str, ...]
    holds: int | None = 0
    shows: int = 0
    most: int = 0
    rate: float = 0.0
    sure: bool = True
    stuck: bool = False
    compares: bool = True


@dataclass
class Deal:
    """`shares`: what each listing is to show; `holds`: what each may sell until it is known to show less; `later`: those that would get
    more if we were sure of them."""

    shares: dict[int, int] = field(default_factory=dict)
    holds: dict[int, int] = field(default_factory=dict)
    later: set[int] = field(default_factory=set)


def deal(owners: Sequence[Owner], free: Mapping[Key, int]) -> Deal:
    """Deal what is free at these shelves to these listings. Whoever has enough keeps it: a part is taken from one only where another is
    left with less than half of what its sales call for, or more is held than there is."""
    left = _Shelves(free)
    over = [one.id for one in _narrow_first(owners) if not left.take(one, one.holds or 0)]
    for one in owners:
        if one.holds is None:
            left.shut(one)
    target = targets(owners, free)
    done = Deal()
    raised = {one.id: left.most(one) for one in owners}
    poor = [one for one in owners if one.holds is not None and 2 * (one.holds + raised[one.id]) < target[one.id]]
    for one in sorted(owners, key=lambda one: ((one.holds or 0) - target[one.id], one.id)):
        _share(done, left, one, target[one.id], gives=bool(over or poor))
    done.later = {one.id for one in owners if not one.sure and target[one.id] > one.shows}
    return done


def _share(done: Deal, left: "_Shelves", one: Owner, target: int, *, gives: bool) -> None:
    """It is raised as far as something is left; it is lowered to its target where others need it, and to what its rule lets it always.
    One that we are not sure of is not raised: what it sold meanwhile would be added to what it is given."""
    if one.holds is None:
        return
    keeps = min(one.shows, one.most)
    wanted = target if (one.sure and target > keeps) or (gives and target < keeps) else keeps
    done.shares[one.id], done.holds[one.id] = _given(left, one, wanted, one.holds)


def _given(left: "_Shelves", one: Owner, wanted: int, holds: int) -> tuple[int, int]:
    """(what it is to show, what it holds then), as far as something is left for it."""
    if one.compares or wanted == one.shows:
        units = min(wanted, holds) + left.take_up_to(one, wanted - holds)
        return units, max(holds, units)
    units = min(wanted, left.most(one))
    if units <= one.shows < wanted:  # there is not enough to raise it
        return one.shows, holds
    left.take(one, units)
    return units, holds + units


def targets(owners: Sequence[Owner], free: Mapping[Key, int]) -> dict[int, int]:
    """What each would have if all were dealt anew: by its sales, one that sells nothing as if it sold a little, and no more than its rule
    lets it. What no sale calls for goes round."""
    left, found = _Shelves(free), {one.id: min(one.shows, one.most) if one.stuck else 0 for one in owners}
    for one in owners:
        left.take(one, (one.holds or 0) if one.stuck else 0)
    hungry = [one for one in owners if one.most > 0 and not one.stuck]
    while hungry:
        given = _round(hungry, left, found)
        hungry = [one for one in hungry if found[one.id] < one.most and left.most(one) > 0]
        if not given:
            break
    return found


LITTLE = 0.1  # units a day that a listing without sales is taken to sell


def _round(hungry: Sequence[Owner], left: "_Shelves", found: dict[int, int]) -> int:
    """Each gets its part of what is left; where that is less than one for all, the best sellers get one each. Gives how many units."""
    weight = {one.id: max(one.rate, LITTLE) for one in hungry}
    among = {one.id: max(_among(hungry, weight, sku) for sku in one.parts) for one in hungry}
    parts = {one.id: int(left.most(one) * weight[one.id] / among[one.id]) for one in hungry}
    if not any(parts.values()):
        parts = dict.fromkeys(parts, 1)
    given = 0
    for one in sorted(hungry, key=lambda one: (-weight[one.id], found[one.id], one.id)):
        taken = left.take_up_to(one, min(parts[one.id], one.most - found[one.id]))
        found[one.id] += taken
        given += taken
    return given


def _among(owners: Iterable[Owner], weight: Mapping[int, float], sku: str) -> float:
    return sum(weight[one.id] for one in owners if sku in one.parts)


def _narrow_first(owners: Iterable[Owner]) -> list[Owner]:
    """Those that sell from few locations: the others find their units elsewhere."""
    return sorted(owners, key=lambda one: (len(one.locations), one.id))


class _Shelves:
    """What nobody holds."""

    def __init__(self, free: Mapping[Key, int]) -> None:
        self._left = {key: max(0, units) for key, units in free.items()}

    def _of(self, one: Owner, sku: str) -> int:
        return sum(self._left.get((sku, location), 0) for location in one.locations)

    def most(self, one: Owner) -> int:
        """Whole units of this listing that are left."""
        return min((self._of(one, sku) // each for sku, each in one.parts.items()), default=0)

    def take_up_to(self, one: Owner, units: int) -> int:
        taken = max(0, min(units, self.most(one)))
        self.take(one, taken)
        return taken

    def take(self, one: Owner, units: int) -> bool:
        """Whether there was enough; what there is, is taken."""
        short = [sku for sku, each in one.parts.items() if not self._take(one, sku, each * units)]
        return not short

    def _take(self, one: Owner, sku: str, units: int) -> bool:
        for location in one.locations:
            taken = min(units, self._left.get((sku, location), 0))
            if taken:
                self._left[sku, location] -= taken
                units -= taken
        return units == 0

    def shut(self, one: Owner) -> None:
        """Nobody knows what it may sell: of what it consumes nothing is dealt."""
        for sku in one.parts:
            self._left |= {(sku, location): 0 for location in one.locations}
