"""From which locations an order is sent: the best plan, exact, and why each other location lost. Pure.

Plans are compared by the merchant's strategies, one after the other. What all but ranked say of a plan never gets better by one more
location, so they are asked of subsets of locations; among those that are equal, as many units as can be leave from the first in rank,
then from the second: that is one plan alone, and two runs agree.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from itertools import islice, takewhile

from core.domain.later import N_


class Strategy(StrEnum):
    FEWEST = "fewest"
    NEAREST = "nearest"
    CHEAPEST = "cheapest"
    SOONEST = "soonest"
    OLDEST = "oldest"
    RANKED = "ranked"


STRATEGIES: dict[str, str] = {
    Strategy.FEWEST: N_("in as few parcels as can be"),
    Strategy.NEAREST: N_("from as near as can be"),
    Strategy.CHEAPEST: N_("as cheaply as can be"),
    Strategy.SOONEST: N_("so that it leaves as soon as can be"),
    Strategy.OLDEST: N_("what has lain longest"),
    Strategy.RANKED: N_("from the first location of your list that has it"),
}


class Why(StrEnum):
    """Why a location sends it, or not. Those after LEFT_OUT are the strategies by which it lost."""

    SENDS = "sends"
    BANNED = "banned"
    REFUSED = "refused"
    SHORT = "short"
    FULL = "full"
    LEFT = "left"
    LEFT_OUT = "left_out"
    FEWEST = "fewest"
    NEAREST = "nearest"
    CHEAPEST = "cheapest"
    SOONEST = "soonest"
    OLDEST = "oldest"
    RANKED = "ranked"


WHYS: dict[str, str] = {
    Why.SENDS: N_("It sends this."),
    Why.BANNED: N_("A rule of yours, or the channel, wants none of it from there."),
    Why.REFUSED: N_("Whoever sends from there was asked, and refused."),
    Why.SHORT: N_("It would send all of this if it had more."),
    Why.FULL: N_("It sends no more today: as many parcels as it sends in a day are there already."),
    Why.LEFT: N_("It is left to another order: that costs less for all together."),
    Why.LEFT_OUT: N_("Twelve locations before it in your list have some of it: no more are looked at."),
    Why.FEWEST: N_("It would take more parcels."),
    Why.NEAREST: N_("It is farther away."),
    Why.CHEAPEST: N_("It costs more from there."),
    Why.SOONEST: N_("It would leave later from there."),
    Why.OLDEST: N_("What lies there came in later."),
    Why.RANKED: N_("It stands later in your list."),
}
MOST = 12  # locations whose subsets are enumerated: 4,095
STEPS = 20_000  # ways to deal out kits that share parts; beyond, the first way found is taken and the decision says so
FAR = 9  # the zone of what no row names


@dataclass(frozen=True, slots=True)
class Zone:
    """What the merchant says of postcodes of a country that begin so: how far they are, and what a parcel there costs, in minor units."""

    country: str
    prefix: str
    zone: int
    cost: int | None = None


@dataclass(frozen=True, slots=True)
class Never:
    """A location never sends this SKU ("": none at all) to this country ("": to none at all)."""

    location: str
    sku: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a merchant decides. `split`: an order may leave from several locations; `zones`: rows by location, their costs in `currency`;
    `move`: also from another place than its channel assigned it to, where that can be told. `batch`: orders that compete for short stock
    are decided together, at the least cost for all."""

    strategies: tuple[Strategy, ...] = (Strategy.RANKED, Strategy.FEWEST)
    split: bool = True
    zones: Mapping[str, tuple[Zone, ...]] = field(default_factory=dict)
    never: tuple[Never, ...] = ()
    currency: str = ""
    move: bool = False
    batch: bool = False

    def zone(self, location: str, country: str, postcode: str) -> Zone:
        """Of those rows that fit the one with the longest prefix."""
        said = _plain(postcode)
        fits = [row for row in self.zones.get(location, ()) if row.country == country and said.startswith(_plain(row.prefix))]
        return max(fits, key=lambda row: len(_plain(row.prefix)), default=Zone(country, "", FAR))

    def may(self, location: str, skus: Mapping[str, int], country: str) -> bool:
        """Whether a location may send goods of these SKUs there."""
        mine = (one for one in self.never if one.location == location and one.country in ("", country))
        return not any(one.sku == "" or one.sku in skus for one in mine)


def _plain(postcode: str) -> str:
    return "".join(postcode.upper().split())


@dataclass(frozen=True, slots=True)
class Candidate:
    """A location that could send: what of each SKU is there for this order, its zone and what a parcel costs from there. `leaves`: the day
    on which it would (`date.toordinal`; 0: nobody asked), `lain`: days that its goods have lain, of several SKUs the youngest's; `full`:
    it sends no more today."""

    location: str
    name: str
    free: Mapping[str, int]
    zone: int = FAR
    cost: int | None = None
    leaves: int = 0
    lain: int = 0
    full: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """Units of an order line. All `parts` of a unit leave from one location, one of `at` (None: any); `here` is where they are reserved."""

    line: str
    units: int
    parts: Mapping[str, int]
    at: frozenset[str] | None = None
    here: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a candidate; `lacks` is what it has too little of to send all alone."""

    location: str
    name: str
    zone: int
    cost: int | None
    why: Why
    lacks: Mapping[str, int]
    leaves: int = 0
    lain: int = 0


@dataclass(frozen=True, slots=True)
class Left:
    """To which order it left what it would have taken alone, and how much `more` that one would cost from elsewhere (None: it could not
    leave from elsewhere)."""

    order: str
    more: int | None


@dataclass(frozen=True, slots=True)
class Decision:
    """By location the units of each line that leave from there; none: nobody can send all of it. `exact`: no plan is better. `left`: it
    was decided together with others, and gave way."""

    sends: Mapping[str, Mapping[str, int]]
    verdicts: tuple[Verdict, ...]
    strategies: tuple[Strategy, ...]
    split: bool
    currency: str = ""
    exact: bool = True
    left: Left | None = None


def plan(wanted: Sequence[Wanted], candidates: Sequence[Candidate], rules: Rules) -> Decision:
    """The best plan over the candidates, which come in the order of their rank. Those that are full send only where the others cannot
    send all of it."""
    roomy = [one for one in candidates if not one.full]
    found = _planned(wanted, candidates, roomy, rules)
    return found if found.sends or len(roomy) == len(candidates) else _planned(wanted, candidates, candidates, rules)


def _planned(wanted: Sequence[Wanted], candidates: Sequence[Candidate], asked: Sequence[Candidate], rules: Rules) -> Decision:
    goods = _goods(wanted)
    have = {one.location: tuple(good.most(one) for good in goods) for one in asked}
    able = [one for one in asked if any(have[one.location])]
    table = _Table(goods, able[:MOST], [have[one.location] for one in able[:MOST]], rules)
    ranks = {one.location: rank for rank, one in enumerate(candidates)}
    found = table.best()
    ways = {one.location: units for one, units in zip(table.candidates, found, strict=True) if any(units)} if found else {}
    out = dict.fromkeys((one.location for one in able[MOST:]), Why.LEFT_OUT)
    out |= {one.location: Why.FULL for one in candidates if one.location not in have}
    said = tuple(_verdict(one, table, ways, ranks, out.get(one.location)) for one in candidates)
    return Decision(_deal(wanted, goods, ways), said, rules.strategies, rules.split, rules.currency, table.exact)


def ways(wanted: Sequence[Wanted], candidates: Sequence[Candidate], rules: Rules) -> Iterator[Mapping[str, Mapping[str, int]]]:
    """Every plan of at most three locations (one, where nothing is split), in each as much as can be from the first in rank."""
    goods = _goods(wanted)
    able = [(one, have) for one in candidates if any(have := tuple(good.most(one) for good in goods))][:MOST]
    some = [one for one, _ in able]
    table = _Table(goods, some, [have for _, have in able], replace(rules, strategies=(Strategy.FEWEST,)))
    for subset in table.subsets() if table.wanted else ():
        way = table.way(subset) if subset.bit_count() <= 3 else None
        if way and all(any(units) for n, units in enumerate(way) if subset >> n & 1):
            yield _deal(wanted, goods, {one.location: units for one, units in zip(some, way, strict=True) if any(units)})


@dataclass(frozen=True, slots=True)
class _Good:
    """Lines that are alike, as one."""

    units: int
    parts: Mapping[str, int]
    at: frozenset[str] | None
    lines: tuple[str, ...]

    def may(self, one: Candidate) -> bool:
        return self.at is None or one.location in self.at

    def most(self, one: Candidate) -> int:
        """As many of them as it has, and no more than are wanted."""
        if not self.may(one):
            return 0
        return max(0, min(self.units, *(one.free.get(sku, 0) // each for sku, each in self.parts.items())))


def _goods(wanted: Sequence[Wanted]) -> list[_Good]:
    alike: dict[tuple[tuple[tuple[str, int], ...], frozenset[str] | None], list[Wanted]] = {}
    for one in wanted:
        if one.units and one.parts:
            alike.setdefault((tuple(sorted(one.parts.items())), one.at), []).append(one)
    return [_Good(sum(one.units for one in some), dict(parts), at, tuple(one.line for one in some)) for (parts, at), some in alike.items()]


Units = tuple[int, ...]  # of each of the goods


class _Table:
    """What each candidate has of each of the goods, and the plans that this makes."""

    def __init__(self, goods: Sequence[_Good], candidates: Sequence[Candidate], most: Sequence[Units], rules: Rules) -> None:
        self.goods, self.candidates, self.most, self.rules = goods, candidates, most, rules
        self.wanted: Units = tuple(good.units for good in goods)
        self.shared = len({sku for good in goods for sku in good.parts}) < sum(len(good.parts) for good in goods)
        self.exact, self.steps = True, 0

    def best(self) -> list[Units] | None:
        """By candidate the units that leave from there. None where nobody can send all of it."""
        left = self.subsets() if self.wanted else []
        while left:
            equal = self._equal(left)
            ways = [way for subset in equal if (way := self.way(subset))]
            if ways:
                return max(ways, key=_ranks)
            left = [subset for subset in left if subset not in set(equal)]
        return None

    def subsets(self) -> list[int]:
        """Those, as bits, that together have enough of each of the goods. Where rank comes first it is the whole of them: who has more
        to choose from finds no worse."""
        count = len(self.candidates)
        if not self.rules.split:
            return [1 << n for n, most in enumerate(self.most) if most == self.wanted]
        if self.asked() == [] and not self.shared:
            whole = zip(*self.most, strict=True)
            return [(1 << count) - 1] if count and all(sum(have) >= units for have, units in zip(whole, self.wanted, strict=True)) else []
        return self._enumerated(count)

    def _enumerated(self, count: int) -> list[int]:
        """Each of the goods is a field of one number; its topmost bit says that there is enough."""
        width = (max(self.wanted) * (count + 1)).bit_length() + 1
        packed = [sum(units << width * n for n, units in enumerate(most)) for most in self.most]
        enough = sum(1 << width * n + width - 1 for n in range(len(self.wanted)))
        have = [enough - sum(units << width * n for n, units in enumerate(self.wanted))]
        for one in packed:
            have += [before + one for before in have]
        return [subset for subset, fields in enumerate(have) if fields & enough == enough]

    def asked(self) -> list[Strategy]:
        """The strategies before rank: rank decides between any two."""
        return list(takewhile(lambda one: one is not Strategy.RANKED, self.rules.strategies))

    def _equal(self, subsets: Sequence[int]) -> Sequence[int]:
        """Those that are the best by each strategy in turn."""
        for strategy in self.asked():
            said = [self._says(strategy, subset) for subset in subsets]
            best = min(said)
            subsets = [subset for subset, one in zip(subsets, said, strict=True) if one == best]
        return subsets

    def _says(self, strategy: Strategy, subset: int) -> tuple[int, ...]:
        if strategy is Strategy.FEWEST:
            return (subset.bit_count(),)
        return SAYS[strategy]([one for n, one in enumerate(self.candidates) if subset >> n & 1])

    def way(self, subset: int) -> list[Units] | None:
        """By candidate what leaves from there, as much as can be from the first. None where they have not enough after all."""
        if self.shared:
            return self._dealt(subset)
        left, way = list(self.wanted), []
        for n, most in enumerate(self.most):
            taken = tuple(map(min, left, most)) if subset >> n & 1 else (0,) * len(left)
            left = [units - mine for units, mine in zip(left, taken, strict=True)]
            way.append(taken)
        return None if any(left) else way

    # goods that share SKUs: what one takes the other lacks, so all ways are tried

    def _dealt(self, subset: int) -> list[Units] | None:
        @cache
        def ways(n: int, left: Units) -> list[Units] | None:
            if n == len(self.candidates):
                return None if any(left) else []
            found: list[list[Units]] = []
            for taken in self._choices(n, left) if subset >> n & 1 else [(0,) * len(left)]:
                if found and (sum(taken) < sum(found[0][0]) or not self.exact):
                    break
                rest = ways(n + 1, tuple(units - mine for units, mine in zip(left, taken, strict=True)))
                found += [[taken, *rest]] if rest is not None else []
            return max(found, key=_ranks) if found else None

        return ways(0, self.wanted)

    def _choices(self, n: int, left: Units) -> list[Units]:
        """What a candidate could send of what is left, the most first."""
        one = self.candidates[n]
        found = sorted(islice(self._each(one, dict(one.free), left, ()), STEPS), key=sum, reverse=True)
        self.steps += len(found)
        if self.steps >= STEPS:
            self.exact = False
            return found[:1]
        return found

    def _each(self, one: Candidate, free: dict[str, int], left: Units, so_far: Units) -> Iterator[Units]:
        if len(so_far) == len(left):
            yield so_far
            return
        good = self.goods[len(so_far)]
        fits = min(free.get(sku, 0) // each for sku, each in good.parts.items()) if good.may(one) else 0
        for units in range(max(0, min(left[len(so_far)], fits)), -1, -1):
            rest = {sku: have - good.parts.get(sku, 0) * units for sku, have in free.items()}
            yield from self._each(one, rest, left, (*so_far, units))


def _ranks(way: Sequence[Units]) -> list[int]:
    """How many units leave from the first in rank, from the second, ..."""
    return [sum(units) for units in way]


def _near(sending: Sequence[Candidate]) -> tuple[int, ...]:
    """The farthest parcel first: the buyer waits for the last."""
    zones = [one.zone for one in sending]
    return max(zones), sum(zones)


def _cheap(sending: Sequence[Candidate]) -> tuple[int, ...]:
    """What nobody named a cost of comes last."""
    return sum(one.cost is None for one in sending), sum(one.cost or 0 for one in sending)


def _soon(sending: Sequence[Candidate]) -> tuple[int, ...]:
    """The last parcel first, as of the farthest."""
    days = [one.leaves for one in sending]
    return max(days), sum(days)


def _old(sending: Sequence[Candidate]) -> tuple[int, ...]:
    """The youngest goods first: one location more never makes it better."""
    return tuple(-lain for lain in sorted(one.lain for one in sending))


SAYS: dict[Strategy, Callable[[Sequence[Candidate]], tuple[int, ...]]] = {
    Strategy.FEWEST: lambda sending: (len(sending),),
    Strategy.NEAREST: _near,
    Strategy.CHEAPEST: _cheap,
    Strategy.SOONEST: _soon,
    Strategy.OLDEST: _old,
}


# ---- why each lost


def _verdict(one: Candidate, table: _Table, ways: Mapping[str, Units], ranks: Mapping[str, int], out: Why | None) -> Verdict:
    """`out`: why it was not looked at."""
    return Verdict(
        one.location, one.name, one.zone, one.cost, out or _why(one, table, ways, ranks), _lacks(one, table.goods), one.leaves, one.lain
    )  # fmt: skip


def _why(one: Candidate, table: _Table, ways: Mapping[str, Units], ranks: Mapping[str, int]) -> Why:
    if one.location in ways:
        return Why.SENDS
    if not all(good.may(one) for good in table.goods):
        return Why.BANNED
    lost = _lost(one, table, ways, ranks) if ways else None
    return Why(lost) if lost else Why.SHORT


def _lost(one: Candidate, table: _Table, ways: Mapping[str, Units], ranks: Mapping[str, int]) -> Strategy | None:
    """The strategy by which it would lose even if it had all of it; None: it would win."""
    sending = [other for other in table.candidates if other.location in ways]
    for strategy in table.asked():
        mine, best = SAYS[strategy]([one]), SAYS[strategy](sending)
        if mine != best:
            return strategy if mine > best else None
    return None if ranks[one.location] < min(ranks[other.location] for other in sending) else Strategy.RANKED


def _lacks(one: Candidate, goods: Sequence[_Good]) -> dict[str, int]:
    """SKUs of which it has too few to send all alone."""
    needs: dict[str, int] = {}
    for good in goods:
        for sku, each in good.parts.items():
            needs[sku] = needs.get(sku, 0) + each * good.units
    return {sku: units - max(0, one.free.get(sku, 0)) for sku, units in needs.items() if units > one.free.get(sku, 0)}


def _deal(wanted: Sequence[Wanted], goods: Sequence[_Good], ways: Mapping[str, Units]) -> dict[str, dict[str, int]]:
    """Back to lines: first each keeps what is reserved there for it, so that nothing moves in a circle."""
    lines = {one.line: one for one in wanted}
    left = {one.line: one.units for one in wanted}
    at = {location: list(units) for location, units in ways.items()}
    sends: dict[str, dict[str, int]] = {location: {} for location in ways}
    for keeps in (True, False):
        for n, good in enumerate(goods):
            for line in good.lines:
                for location, units in at.items():
                    taken = min(left[line], units[n], lines[line].here.get(location, 0) if keeps else units[n])
                    left[line], units[n] = left[line] - taken, units[n] - taken
                    if taken:
                        sends[location][line] = sends[location].get(line, 0) + taken
    return sends
