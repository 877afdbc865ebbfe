"""What it costs that everybody wants the same: reservations of one SKU against as many of a thousand, in the same rounds."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial

from config.bench import bodies, child, measure
from config.bench.bodies import Body
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Shop, Stores, open_shop, tidy
from core import jobs

WORKERS = 3  # processes that take orders at once
Drain = Callable[[], float]  # takes everything that waits; the seconds it took


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    """By one worker, which takes a hundred orders in a transaction, on both; by several processes at once on PostgreSQL."""
    spread = bodies.single(pace.spread)
    for store in stores.names:
        with ExitStack() as stack:
            url = stores.new(store)
            shop = open_shop(url, stores.folder, bodies.goods(body.raw for body in spread))
            stack.callback(shop.close)
            yield _row("hot", store, shop, pace, spread, partial(_alone, shop), "one worker")
            if store == "postgresql":
                workers = [stack.enter_context(child.standing(url, stores.folder)) for _ in range(WORKERS)]
                yield _row("hot_at_once", store, shop, pace, spread, partial(_at_once, workers), f"{WORKERS} processes at once")


def _row(name: str, store: str, shop: Shop, pace: Pace, spread: Sequence[Body], drain: Drain, who: str) -> Row:
    _rate(shop, name, spread, pace.drained, 0, drain)  # statements are prepared, caches filled
    tidy(shop.hub.database)
    rounds = [_round(name, shop, pace, spread, drain, number) for number in range(1, pace.rounds + 1)]
    _proved(shop)
    one, many = (measure.median(rates) for rates in zip(*rounds, strict=True))
    note = f"orders of one SKU against orders of {len(spread)} SKUs; {who}, {pace.drained} orders a round"
    return row(name, store, one, many, measure.median([hot / cold for hot, cold in rounds]), note)


def _round(name: str, shop: Shop, pace: Pace, spread: Sequence[Body], drain: Drain, number: int) -> tuple[float, float]:
    """(orders a second of one SKU, of all). Which of them is first changes: the second finds a warmer house."""
    kinds = [spread[:1], spread] if number % 2 else [spread, spread[:1]]
    starts = itertools.count(number * 2 * pace.drained, pace.drained)
    rates = {len(kind): _rate(shop, name, kind, pace.drained, start, drain) for kind, start in zip(kinds, starts, strict=False)}
    return rates[1], rates[len(spread)]


def _rate(shop: Shop, name: str, patterns: Sequence[Body], count: int, start: int, drain: Drain) -> float:
    shop.keep(list(bodies.copies(patterns, count, OF[name] + start)), f"{name}-{start}-")
    return count / drain()


OF = {"hot": 0, "hot_at_once": 10_000_000}  # where the numbers of their orders begin


def _proved(shop: Shop) -> None:
    """Raises RuntimeError where an order was taken and its unit not reserved."""
    taken, held = shop.count("orders"), shop.count("order_lines", "held = 1 and waits is null")
    if taken != held:
        raise RuntimeError(f"{taken} orders were taken and {held} units reserved")


def _alone(shop: Shop) -> float:
    return measure.timed(lambda: jobs.drain(shop.hub, "inside"))


def _at_once(workers: Sequence[child.Standing]) -> float:
    return measure.timed(lambda: measure.together([worker.drain for worker in workers]))
