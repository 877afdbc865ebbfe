"""How much memory a worker needs at most while it drains what an outage left behind."""

from collections.abc import Iterator, Sequence

from config.bench import bodies, child
from config.bench.bodies import Body
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import SET, Stores, open_shop


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    goods, url = bodies.goods(body.raw for body in patterns), stores.new(stores.best)
    shop = open_shop(url, stores.folder, goods)
    for start in range(0, pace.waiting, SET):
        shop.keep(list(bodies.copies(patterns, SET, start)), f"from-{start}-")
    shop.close()
    seen = child.worker(url, stores.folder, pace.memory_s)
    note = f"{pace.waiting:,} notices waited; {seen['done']:,} were taken in {seen['seconds']:.0f} s"
    yield row("memory_mb", stores.best, seen["peak_mb"], note=note)
