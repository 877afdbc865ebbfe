"""How many pushes a sale costs while one SKU sells a thousand times over, on three channels in turn."""

import itertools
from collections.abc import Iterator, Sequence

from config.bench import measure
from config.bench.bodies import Body
from config.bench.lag import CHANNELS
from config.bench.market import Market, market
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Stores

HOT = "SKU-HOT"
THINKS_S = 0.2  # what a shop far away takes for a change of stock


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    for store in stores.names:
        with market(stores.new(store), stores.folder, CHANNELS, thinks_s=THINKS_S) as there:
            there.shelve([HOT], pace.hot_sales * 2)
            seconds = _sell(there, pace)
        shown = {system.listings[f"L-{HOT}", HOT].shown for system in there.systems.values()}
        if shown != {pace.hot_sales}:
            raise RuntimeError(f"the channels show {shown}")
        rate = f"sold at {pace.hot_sales / seconds:.0f}/s"
        note = f"{there.pushes} pushes to {len(CHANNELS)} channels, which answer in {THINKS_S} s and are right in the end; {rate}"
        yield row("pushes_per_sale", store, there.pushes / pace.hot_sales, note=note)


def _sell(there: Market, pace: Pace) -> float:
    """The seconds it took."""
    names = itertools.islice(itertools.cycle(CHANNELS), pace.hot_sales)

    def buy() -> None:
        for name in names:
            there.sell(name, HOT)

    seconds = measure.timed(lambda: measure.together([buy] * pace.clients))
    there.rest()
    return seconds
