"""What one order's intake costs while few orders are stored and while a hundred times as many are, in turns; computing time only."""

from collections.abc import Iterator, Sequence

from config.bench import bodies, measure
from config.bench.bodies import Body
from config.bench.drain import keep_and_drain
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Shop, Stores, copy_rows, open_shop, tidy
from core import jobs

# A thousand orders come in by the normal way. The rest are copies of their rows under other names, since that is faster.
NAMES = {
    "orders": ("id", "channel_id"),
    "order_lines": ("order_id",),
    "order_words": ("order_id",),
    "reservations": ("order_id",),
    "events": ("subject",),
    "tasks": ("subject",),
    "inbox": ("delivery", "ref"),
}


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    goods = bodies.goods(body.raw for body in patterns)
    for store in stores.names:
        shops = [open_shop(stores.new(store), stores.folder, goods) for _ in range(2)]
        try:
            yield _row(store, shops[0], shops[1], pace, patterns)
        finally:
            for shop in shops:
                shop.close()


def _row(store: str, few: Shop, many: Shop, pace: Pace, patterns: Sequence[Body]) -> Row:
    for shop, stored in ((few, pace.small), (many, pace.large)):
        _store(shop, patterns, pace.small, stored)
    costs = [(_cost(few, pace, patterns, number), _cost(many, pace, patterns, number)) for number in range(pace.grown_rounds)]
    small, large = (measure.median(values) for values in zip(*costs, strict=True))
    ratio = measure.median([cost / other for other, cost in costs])
    return row("growth", store, large, small, ratio, f"{many.count('orders'):,} orders stored; reference: {few.count('orders'):,}")


def _store(shop: Shop, patterns: Sequence[Body], first: int, stored: int) -> None:
    keep_and_drain(shop, patterns, first, 0)
    with shop.hub.database.write() as db:
        for table, names in NAMES.items():
            copy_rows(db, table, names, stored // first)
    tidy(shop.hub.database)


def _cost(shop: Shop, pace: Pace, patterns: Sequence[Body], number: int) -> float:
    """Milliseconds of computing an order, from the inbox on."""
    start = pace.small + number * pace.grown
    shop.keep(list(bodies.copies(patterns, pace.grown, start)), f"grown-{number}-")
    cpu = measure.Cpu(shop.hub.database)
    done = jobs.drain(shop.hub, "inside")
    return cpu.spent() / done * 1000
