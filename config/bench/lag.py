"""From a sale on one channel to the moment that the last of two others is told what is left, sales at a fixed rate."""

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
        what = f"{len(skus)} sales at {pace.sales_per_s:.0f}/s, until the last of {len(CHANNELS) - 1} channels was told"
        note = f"{what}; p50 {measure.median(lags):.0f} ms"
        yield row("lag_p99_ms", store, measure.percentile(lags, 0.99), note=note)


def _lags(there: Market, skus: Sequence[str], pace: Pace) -> list[float]:
    """Milliseconds, of each SKU, until the last channel was told. Raises KeyError where one was never told."""
    sold: dict[str, float] = {}
    waiting = iter(skus)

    def sell() -> None:
        sku = next(waiting)
        sold[sku] = time.perf_counter()
        there.sell(CHANNELS[0], sku)

    at_rate([sell] * BUYERS, pace.sales_per_s, len(skus) / pace.sales_per_s)
    there.rest()
    return [(max(there.systems[name].heard[sku] for name in CHANNELS[1:]) - sold[sku]) * 1000 for sku in skus]
