"""Webhooks kept: the door, by eight clients at once, against the raw insert of as many bytes by eight clients of the same driver."""

import functools
import io
import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from time import perf_counter
from typing import Any

import psycopg

from config.bench import bodies, child, measure
from config.bench.bodies import Body
from config.bench.http import Line, request
from config.bench.pace import Pace
from config.bench.rows import Row, left_out, row
from config.bench.stage import Shop, Stores, open_shop
from config.processes import make_wsgi
from config.servers import NotHere, redis_server
from core.store.engine import PRAGMAS

Delivery = tuple[bytes, dict[str, str]]  # the body and its headers
Deliver = Callable[[bytes, dict[str, str]], int]
MOST_PER_S = 5000  # deliveries that a round has ready for each second


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    for store in stores.names:
        with ExitStack() as stack:
            shop = open_shop(stores.new(store), stores.folder, ())
            stack.callback(shop.close)
            application = make_wsgi(shop.settings, shop.hub)
            clients = [functools.partial(call, application)] * pace.clients
            yield _row("ingest", store, shop, clients, pace, patterns, "in this process")
    if stores.server:
        yield _over_http(stores, pace, patterns)


def _over_http(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Row:
    url = stores.new("postgresql")
    shop = open_shop(url, stores.folder, ())
    with ExitStack() as stack:
        stack.callback(shop.close)
        try:
            redis = stack.enter_context(redis_server())
        except NotHere as error:
            return left_out("ingest_http", "postgresql", str(error))
        port = stack.enter_context(child.web(url, stores.folder, redis))
        lines = [stack.enter_context(Line(port)) for _ in range(pace.clients)]
        clients = [_over(line) for line in lines]
        return _row("ingest_http", "postgresql", shop, clients, pace, patterns, "over HTTP; gunicorn, clients and database share the cores")


def _over(line: Line) -> Deliver:
    return lambda raw, headers: line.ask(request("/webhooks/shopify", raw, headers))


def call(application: Any, raw: bytes, headers: dict[str, str], path: str = "/webhooks/shopify") -> int:
    """Knock at the door as a web server does; gives the status."""
    said: list[str] = []
    environ: dict[str, Any] = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
    environ |= {"PATH_INFO": path, "REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(raw)), "wsgi.input": io.BytesIO(raw)}
    application(environ, lambda status, _: said.append(status))
    return int(said[0][:3])


def _row(name: str, store: str, shop: Shop, clients: Sequence[Deliver], pace: Pace, patterns: Sequence[Body], note: str) -> Row:
    numbers, found = itertools.count(), []
    with reference(shop.hub.database.url, pace.clients, [body.raw for body in patterns]) as inserts:
        for _ in range(pace.rounds):
            raw = measure.rate_of_threads(inserts, pace.seconds)
            ready = _deliveries(patterns, numbers, int(pace.seconds * MOST_PER_S))
            found.append((_delivered(clients, ready, pace.seconds), raw))
    kept, raw = (measure.median(values) for values in zip(*found, strict=True))
    return row(name, store, kept, raw, measure.median([one / other for one, other in found]), f"{pace.clients} clients {note}")


def _deliveries(patterns: Sequence[Body], numbers: Iterator[int], count: int) -> Iterator[Delivery]:
    start = next(numbers) * count
    ready = [(body.raw, bodies.headers(body.raw, f"d{body.order}")) for body in bodies.copies(patterns, count, start)]
    return iter(ready)


def _delivered(clients: Sequence[Deliver], ready: Iterator[Delivery], seconds: float) -> float:
    """Deliveries answered with 200 each second, until they or the time are used up. Raises RuntimeError at any other answer."""
    lock, begin = threading.Lock(), perf_counter()

    def work(client: Deliver) -> int:
        done = 0
        while perf_counter() - begin < seconds:
            with lock:
                delivery = next(ready, None)
            if delivery is None:
                return done
            if (status := client(*delivery)) != 200:
                raise RuntimeError(f"the door answered {status}")
            done += 1
        return done

    done = sum(measure.together([functools.partial(work, client) for client in clients]))
    return done / (perf_counter() - begin)


@contextmanager
def reference(url: str, clients: int, raws: Sequence[bytes]) -> Iterator[list[Callable[[], Any]]]:
    """For each client one insert of an order's bytes, committed."""
    around = itertools.cycle(raws)
    with ExitStack() as stack:
        connect = _sqlite if url.startswith("sqlite") else _postgres
        inserts = [connect(stack, url) for _ in range(clients)]
        yield [functools.partial(_insert, insert, around) for insert in inserts]


def _insert(insert: Callable[[bytes], Any], around: Iterator[bytes]) -> None:
    insert(next(around))


def _postgres(stack: ExitStack, url: str) -> Callable[[bytes], Any]:
    db = stack.enter_context(psycopg.connect(url, autocommit=True))
    db.execute("create table if not exists reference (id bigint generated always as identity primary key, body bytea)")
    return lambda raw: db.execute("insert into reference (body) values (%s)", (raw,))


_turn = threading.Lock()  # SQLite's own lock polls; clients that queue are a fairer reference


def _sqlite(stack: ExitStack, url: str) -> Callable[[bytes], Any]:
    db = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None, check_same_thread=False)
    stack.callback(db.close)
    for pragma in PRAGMAS:
        db.execute(f"pragma {pragma}")
    db.execute("create table if not exists reference (id integer primary key, body blob)")

    def insert(raw: bytes) -> None:
        with _turn:
            db.execute("insert into reference (body) values (?)", (raw,))

    return insert
