"""How long it takes to find the best plan for an order of five lines over six locations, by all strategies, with why each other lost."""

import random
from collections.abc import Iterator, Sequence

from config.bench.bodies import Body
from config.bench.measure import median, timed
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Stores
from core.domain.routing import Candidate, Rules, Strategy, Wanted, plan

SKUS = tuple(f"P-{number}" for number in range(5))
LOCATIONS, ROUNDS = 6, 7
RULES = Rules((Strategy.FEWEST, Strategy.NEAREST, Strategy.CHEAPEST, Strategy.RANKED))
Case = tuple[list[Wanted], list[Candidate]]


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    rnd = random.Random(7)
    cases = [_case(rnd) for _ in range(pace.routes)]
    if not any(len(plan(*case, RULES).sends) > 1 for case in cases):
        raise RuntimeError("no order leaves in parts")
    took = median([timed(lambda: [plan(*case, RULES) for case in cases]) for _ in range(ROUNDS)])
    yield row("route_ms", "none", took / len(cases) * 1000, note=f"{LOCATIONS} locations, {len(SKUS)} lines, with reasons")


def _case(rnd: random.Random) -> Case:
    free = [{sku: rnd.randrange(4) for sku in SKUS} for _ in range(LOCATIONS)]
    candidates = [Candidate(f"l{n}", f"L{n}", one, rnd.randrange(1, 9), rnd.randrange(300, 900)) for n, one in enumerate(free)]
    return [Wanted(sku, rnd.randint(1, 4), {sku: 1}) for sku in SKUS], candidates
