"""From a sale on one channel to the moment that the others are told what is left, three channels, sales at a fixed rate."""

import itertools
import time
from collections.abc import Iterator, Sequence

from config.bench import measure
from config.bench.answers import at_rate
from config.bench.bodies import Body
from config.bench.market import Market, market
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Stores

CHANNELS = ("north", "south", "west")
BUYERS = 4


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    skus = [f"SKU-{number:04}" for number in range(pace.sales)]
    for store in stores.names:
        with market(stores.new(store), stores.folder, CHANNELS) as there:
            there.shelve(skus, 100)
            lags = _lags(there, skus, pace)
        note = f"{len(lags)} pushes for {len(skus)} sales at {pace.sales_per_s:.0f}/s; p50 {measure.median(lags):.0f} ms"
        yield row("lag_p99_ms", store, measure.percentile(lags, 0.99), note=note)


def _lags(there: Market, skus: Sequence[str], pace: Pace) -> list[float]:
    """Milliseconds, of each SKU and channel. Raises KeyError where one was never told."""
    sold: dict[str, float] = {}
    waiting = iter(skus)

    def sell() -> None:
        sku = next(waiting)
        sold[sku] = time.perf_counter()
        there.sell(CHANNELS[0], sku)

    at_rate([sell] * BUYERS, pace.sales_per_s, len(skus) / pace.sales_per_s)
    there.rest()
    told = itertools.product(CHANNELS[1:], skus)
    return [(there.systems[name].heard[sku] - sold[sku]) * 1000 for name, sku in told]
