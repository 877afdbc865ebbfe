"""The least total cost over orders that want the same short stock: who leaves a shelf to whom. Pure.

Each order has plans, the first of which is what it holds now; all of these together are possible, so nobody ever loses what he has for
nothing in return. From there whoever gains by another plan takes it, also from others who have plans besides (exchanges), as long as the
total falls. What orders wait for weighs more with each day, so that no saving and no number of younger ones outweighs an old one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

Key = tuple[str, str]  # SKU, location
MOST = 100  # orders of a batch
DAYS = 20  # days after which waiting weighs no more
STEPS = 20_000  # plans that are tried; beyond, the best that was found is taken
DEEP = 4  # orders that make room for one


@dataclass(frozen=True, slots=True)
class Plan:
    """One way for an order: what it takes of each shelf, and its cost in minor units. `sends`: it leaves; otherwise it waits."""

    uses: Mapping[Key, int]
    cost: int
    sends: bool = True


@dataclass(frozen=True, slots=True)
class Entry:
    """An order with its plans, the one that it holds now first, and the whole days that it has waited."""

    order: str
    plans: Sequence[Plan]
    days: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The number of each order's plan; `worth`: the total of costs and of what waiting weighs."""

    chosen: Mapping[str, int]
    worth: int


def worths(entries: Sequence[Entry]) -> list[list[int]]:
    """What each plan weighs. One day doubles what waiting weighs, and waiting weighs more than all costs together: with at most 100 orders
    one that has waited seven days longer than the others is worth more than all of these."""
    most = 1 + sum(max((plan.cost for plan in one.plans), default=0) for one in entries)
    return [[plan.cost if plan.sends else most << min(one.days, DAYS) for plan in one.plans] for one in entries]


def settle(entries: Sequence[Entry], free: Mapping[Key, int]) -> Outcome:
    """The best plans that were found together; `free` is what nobody of them holds. Two runs agree."""
    table = _Table(entries, free)
    table.improve_all()
    while table.kick_all() and table.steps < STEPS:
        pass
    return Outcome({one.order: n for one, n in zip(entries, table.chosen, strict=True)}, table.total())


class _Table:
    """Who has which plan, and what is left of each shelf."""

    def __init__(self, entries: Sequence[Entry], free: Mapping[Key, int]) -> None:
        self.plans = [one.plans for one in entries]
        self.worth = worths(entries)
        self.chosen = [0] * len(entries)
        self.left: dict[Key, int] = {**dict.fromkeys((key for one in entries for plan in one.plans for key in plan.uses), 0), **free}
        self.best = [sorted(range(len(some)), key=lambda n, some=some: (some[n], n)) for some in self.worth]  # type: ignore[misc]
        self.steps, self.stays, self.hope = 0, -1, 0

    def total(self) -> int:
        return sum(some[n] for some, n in zip(self.worth, self.chosen, strict=True))

    def kick_all(self) -> bool:
        """Each plan of each order; False where none of it gained anything."""
        return sum(self.kick(n, plan) for n, some in enumerate(self.plans) for plan in range(len(some))) > 0

    def kick(self, n: int, plan: int) -> bool:
        """Give one order a plan that is no better for it alone, and see whether the others gain more by that; else it is as it was."""
        if plan == self.chosen[n] or self.steps >= STEPS or self._lacking({n: plan}):
            return False
        before, chosen, left = self.total(), self.chosen.copy(), self.left.copy()
        self._take({n: plan})
        self.stays = n
        self.improve_all()
        self.stays = -1
        if self.total() < before:
            return True
        self.chosen, self.left = chosen, left
        return False

    def improve_all(self) -> None:
        while self.improve():
            pass

    def improve(self) -> bool:
        """One pass: those who wait for most, or could save most, first. False once nothing is gained, or enough was tried."""
        gains = [some[n] - min(some) for some, n in zip(self.worth, self.chosen, strict=True)]
        self.hope = max(gains, default=0)
        order = sorted((n for n, gain in enumerate(gains) if gain and n != self.stays), key=lambda n: (-gains[n], n))
        return sum(self._better(n) for n in order) > 0 and self.steps < STEPS

    def _better(self, n: int) -> bool:
        """Give it the best plan that lowers the total."""
        for plan in self.best[n]:
            if self.worth[n][plan] >= self.worth[n][self.chosen[n]]:
                return False
            if self._moved({n: plan}, self.worth[n][plan] - self.worth[n][self.chosen[n]], DEEP):
                return True
        return False

    def _moved(self, moves: dict[int, int], gain: int, deep: int) -> bool:
        """Whether these moves, with those of others who make room, are possible and lower the total: then they are done."""
        self.steps += 1
        lacking = self._lacking(moves)
        if not lacking and gain < 0:
            self._take(moves)
            return True
        if not lacking or not deep or self.steps >= STEPS:
            return False
        return any(self._moved({**moves, m: plan}, then, deep - 1) for m, plan, then in self._makers(moves, lacking, gain))

    def _makers(self, moves: Mapping[int, int], lacking: Mapping[Key, int], gain: int) -> Iterator[tuple[int, int, int]]:
        """Orders that take less of what lacks by another plan, the cheapest first, as long as the total falls."""
        key = next(iter(lacking))
        found = []
        for m, chosen in enumerate(self.chosen):
            held = self.plans[m][chosen].uses.get(key, 0)
            if held and m not in moves and m != self.stays:
                for plan in self.best[m]:
                    then = gain + self.worth[m][plan] - self.worth[m][chosen]
                    if plan != chosen and then < self.hope and self.plans[m][plan].uses.get(key, 0) < held:
                        found.append((then, m, plan))
        return ((m, plan, then) for then, m, plan in sorted(found))

    def _lacking(self, moves: Mapping[int, int]) -> dict[Key, int]:
        need: dict[Key, int] = {}
        for n, plan in moves.items():
            for key, units in self.plans[n][plan].uses.items():
                need[key] = need.get(key, 0) + units
            for key, units in self.plans[n][self.chosen[n]].uses.items():
                need[key] = need.get(key, 0) - units
        return {key: units - self.left[key] for key, units in sorted(need.items()) if units > self.left[key] and units > 0}

    def _take(self, moves: Mapping[int, int]) -> None:
        for n, plan in moves.items():
            for key, units in self.plans[n][self.chosen[n]].uses.items():
                self.left[key] += units
            for key, units in self.plans[n][plan].uses.items():
                self.left[key] -= units
            self.chosen[n] = plan
