"""How near to the very best a batch of orders comes that want the same short stock, and how long that takes."""

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations
from time import perf_counter

from config.bench.bodies import Body
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Stores
from core.domain.batch import Entry, Key, Plan, settle, worths

ORDERS, LOCATIONS, SKUS = 10, 4, 3
Case = tuple[list[Entry], dict[Key, int]]


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    """Gaps in percent of the least cost of those that leave; where fewer leave than could, it is one hundred."""
    rnd = random.Random(7)
    cases = [a_batch(rnd) for _ in range(pace.batches)]
    began = perf_counter()
    found = [settle(*case) for case in cases]
    took = perf_counter() - began
    gaps = [gap(one.worth, least(*case), case[0]) for one, case in zip(found, cases, strict=True)]
    note = f"{len(cases)} batches of up to {ORDERS} orders, {LOCATIONS} locations, {SKUS} SKUs"
    yield row("batch_gap", "none", sum(gaps) / len(gaps), note=f"mean; the very best in {sum(one == 0 for one in gaps)} of {note}")
    yield row("batch_gap_worst", "none", max(gaps), note=note)
    yield row("batch_ms", "none", took / len(cases) * 1000, note=note)


def gap(mine: int, best: int, entries: Sequence[Entry]) -> float:
    """By how many percent a batch costs more than the best one."""
    waits = min((some[n] for one, some in zip(entries, worths(entries), strict=True) for n, plan in enumerate(one.plans) if not plan.sends),
                default=0)  # fmt: skip
    if waits and mine - best >= waits // 2:
        return 100.0
    costs = best % waits if waits else best
    return 100 * (mine - best) / max(1, costs)


def a_batch(rnd: random.Random, orders: int = ORDERS) -> Case:
    """Orders of one or two SKUs, reserved by age at the first locations that have any; four in five may leave in parts."""
    stock = {(f"P-{sku}", f"l{place}"): rnd.randrange(4) for sku in range(SKUS) for place in range(LOCATIONS)}
    left, entries = dict(stock), []
    for n in range(orders):
        wanted = {f"P-{sku}": rnd.randint(1, 2) for sku in rnd.sample(range(SKUS), rnd.randint(1, 2))}
        costs = {f"l{place}": rnd.randrange(300, 900) for place in range(LOCATIONS)}
        if held := _dealt(wanted, left, list(costs)):
            left = {key: units - held.get(key, 0) for key, units in left.items()}
            entries.append(Entry(f"R-{n}", _plans(wanted, stock, costs, held, split=rnd.random() < 0.8), rnd.randrange(5)))
    return entries, left


def _dealt(wanted: Mapping[str, int], left: Mapping[Key, int], places: Sequence[str]) -> dict[Key, int]:
    """As much as can be from the first place, then from the second; {} where they have not enough."""
    found: dict[Key, int] = {}
    for sku, units in wanted.items():
        for place in places:
            taken = min(units, left[sku, place])
            found |= {(sku, place): taken} if taken else {}
            units -= taken
        if units:
            return {}
    return found


def _plans(
    wanted: Mapping[str, int], stock: Mapping[Key, int], costs: Mapping[str, int], held: Mapping[Key, int], *, split: bool
) -> list[Plan]:  # fmt: skip
    here = {place for _, place in held}
    may = split or len(here) == 1
    found = [Plan(held, sum(costs[place] for place in here) if may else 0, may)]
    for count in (1, 2) if split else (1,):
        for places in permutations(costs, count):
            uses = _dealt(wanted, stock, places)
            if uses and {place for _, place in uses} == set(places) and all(uses != one.uses for one in found):
                found.append(Plan(uses, sum(costs[place] for place in places)))
    return found


def least(entries: Sequence[Entry], free: Mapping[Key, int]) -> int:
    """The least total of all choices that the shelves allow, by branch and bound: what is measured against."""
    worth, left = worths(entries), dict(free)
    for one in entries:
        for key, units in one.plans[0].uses.items():
            left[key] = left.get(key, 0) + units
    rest = [sum(min(some) for some in worth[n:]) for n in range(len(worth) + 1)]
    best = sum(some[0] for some in worth)

    def look(n: int, so_far: int) -> None:
        nonlocal best
        if so_far + rest[n] >= best:
            return
        if n == len(entries):
            best = so_far
            return
        for plan in sorted(range(len(worth[n])), key=worth[n].__getitem__):
            uses = entries[n].plans[plan].uses
            if all(left.get(key, 0) >= units for key, units in uses.items()):
                _take(left, uses, 1)
                look(n + 1, so_far + worth[n][plan])
                _take(left, uses, -1)

    look(0, 0)
    return best


def _take(left: dict[Key, int], uses: Mapping[Key, int], times: int) -> None:
    for key, units in uses.items():
        left[key] -= units * times
