"""How soon a webhook is answered while a third of what is possible comes in, at a fixed rate, whatever the server does meanwhile."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial

from config.bench import bodies, child, measure
from config.bench.bodies import Body
from config.bench.http import Line, request
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Shop, Stores, open_shop
from core.store import connections

LINES = 16  # connections at the fixed rate; more than the server has threads
MOST_PER_S = 2500


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    goods = bodies.goods(body.raw for body in patterns)
    for store in stores.names:
        url = stores.new(store)
        shop = open_shop(url, stores.folder, goods)
        _pause(shop)
        shop.close()
        with child.web(url, stores.folder) as port:
            yield _row(store, port, pace, patterns)


def _pause(shop: Shop) -> None:
    """Orders come in; nothing goes out to a channel that is not there."""
    with shop.hub.database.write() as db:
        connections.set_state(db, shop.connection.id, "paused", "nobody answers here")


def _row(store: str, port: int, pace: Pace, patterns: Sequence[Body]) -> Row:
    with ExitStack() as stack:
        lines = [stack.enter_context(Line(port)) for _ in range(LINES)]
        requests = _requests(patterns, int(MOST_PER_S * (pace.seconds * 2 + pace.load_s * pace.load)))
        most = _possible(lines[: pace.clients], requests, pace.seconds * 2)
        rate = most * pace.load
        late = at_rate([_asker(line, requests) for line in lines], rate, pace.load_s)
    note = f"{rate:.0f}/s of {most:.0f}/s for {pace.load_s:.0f} s, drains in the same process; p50 {measure.median(late):.1f} ms"
    return row("answer_p99_ms", store, measure.percentile(late, 0.99), note=note)


def _requests(patterns: Sequence[Body], count: int) -> Iterator[bytes]:
    made = [request("/webhooks/shopify", body.raw, bodies.headers(body.raw, f"d{body.order}")) for body in bodies.copies(patterns, count)]
    return iter(made)


def _asker(line: Line, requests: Iterator[bytes]) -> Callable[[], None]:
    def ask() -> None:
        if (status := line.ask(next(requests))) != 200:
            raise RuntimeError(f"the server answered {status}")

    return ask


def _possible(lines: Sequence[Line], requests: Iterator[bytes], seconds: float) -> float:
    return measure.rate_of_threads([_asker(line, requests) for line in lines], seconds)


def at_rate(askers: Sequence[Callable[[], None]], rate: float, seconds: float) -> list[float]:
    """Milliseconds from the moment that each was due to its answer: who waits for a late one is late too."""
    begin = time.perf_counter() + 0.1
    due = ((begin + number / rate) for number in itertools.takewhile(lambda number: number < rate * seconds, itertools.count()))
    late: list[float] = []
    lock = threading.Lock()

    def work(ask: Callable[[], None]) -> None:
        while True:
            with lock:
                at = next(due, None)
            if at is None:
                return
            time.sleep(max(0.0, at - time.perf_counter()))
            ask()
            late.append((time.perf_counter() - at) * 1000)

    measure.together([partial(work, ask) for ask in askers])
    return late
