"""The whole intake in this process, one worker: raw bytes, signature, inbox, normalize, save, reserve, ask. No HTTP.

Pass 1 takes the payloads one at a time, pass 2 in sets, each round into a shop of its own.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from sqlalchemy.exc import ProgrammingError

from config.bench import bodies, measure
from config.bench.bodies import Body
from config.bench.pace import Pace
from config.bench.rows import CannotMeasure, Row, row
from config.bench.stage import Shop, Stores, add_shop, command, open_shop
from core import jobs
from core.errors import BadPayload
from core.flows import intake
from core.ports import Notice
from core.store import schema
from core.store.engine import Database

IN_SET = 100
WARM_UP = 20


@dataclass
class Delivery:
    raw: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Round:
    orders_per_s: float
    cpu_ms: float
    statements: float
    taken: int
    refused: int
    duplicates: int


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body], payloads: Path | None, url: str | None) -> Iterator[Row]:
    raws = bodies.read(payloads) if payloads else [body.raw for body in patterns]
    if not raws:
        raise CannotMeasure(f"{payloads}: there is no payload in it")
    goods = bodies.goods(raws)
    with _database(stores, url) as own:
        shop = open_shop(own, stores.folder, goods, "one-by-one.example")
        store = "sqlite" if shop.hub.database.is_sqlite else "postgresql"
        try:
            yield from _latencies(store, _singly(shop, raws, pace))
            yield from _rows(store, [_in_sets(_shop(shop, goods, number), raws) for number in range(pace.in_sets)], len(raws))
        finally:
            shop.close()


@contextmanager
def _database(stores: Stores, url: str | None) -> Iterator[str]:
    """A database of our own: a file, or one on the given server that is dropped afterwards."""
    if not url or url.startswith("sqlite"):
        yield stores.new("sqlite")
        return
    server, name = url.rpartition("/")[0], f"crossdock_bench_{random.getrandbits(40):010x}"
    try:
        command(url, f"create database {name}")
    except ProgrammingError as error:
        raise CannotMeasure(f"DATABASE_URL: the bench needs a database of its own there: {str(error.orig).splitlines()[0]}") from None
    try:
        database = Database(f"{server}/{name}")
        schema.migrate(database)
        database.close()
        yield f"{server}/{name}"
    finally:
        command(url, f"drop database {name} with (force)")


def _shop(first: Shop, goods: set[tuple[str, str]], number: int) -> Shop:
    return add_shop(first.settings, first.hub, goods, f"in-sets-{number}.example")


def _deliveries(shop: Shop, raws: Sequence[bytes]) -> list[Delivery]:
    return [Delivery(raw, bodies.headers(raw, f"d{number}", shop.connection.account)) for number, raw in enumerate(raws)]


def _read(shop: Shop, deliveries: Sequence[Delivery]) -> list[Notice]:
    """Their notices, signatures checked; the door would refuse the others."""
    found = []
    for one in deliveries:
        try:
            found.append(shop.webhooks.notice(one.raw, one.headers, "/webhooks/shopify"))
        except BadPayload:
            continue
    return found


def _take(shop: Shop, deliveries: Sequence[Delivery]) -> int:
    """Keep these and take their orders in. Gives how many the door refused."""
    notices = _read(shop, deliveries)
    with shop.hub.unit() as work:
        intake.keep(shop.hub, work, shop.connection, notices)
    jobs.drain(shop.hub, "inside")
    return len(deliveries) - len(notices)


def _singly(shop: Shop, raws: Sequence[bytes], pace: Pace) -> list[float]:
    """Milliseconds of each payload."""
    found: list[float] = []
    end = perf_counter() + pace.single_s
    for one in _deliveries(shop, raws[: pace.single + WARM_UP]):
        begin = perf_counter()
        if begin > end:
            break
        _take(shop, [one])
        found.append((perf_counter() - begin) * 1000)
    return found[WARM_UP:] or found


def _latencies(store: str, found: Sequence[float]) -> Iterator[Row]:
    for name, share in (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99)):
        yield row(name, store, measure.percentile(found, share), note=f"{len(found)} payloads, one at a time")


def _in_sets(shop: Shop, raws: Sequence[bytes]) -> Round:
    deliveries, statements = _deliveries(shop, raws), measure.Statements(shop.hub.database.engine)
    cpu, begin = measure.Cpu(shop.hub.database), perf_counter()
    refused = sum(_take(shop, deliveries[start : start + IN_SET]) for start in range(0, len(deliveries), IN_SET))
    seconds, count = perf_counter() - begin, len(deliveries)
    taken, unread = shop.count("orders"), shop.count("inbox", "done_at is null")
    return Round(
        count / seconds, cpu.spent() / count * 1000, statements.count / count, taken, refused + unread, count - taken - refused - unread
    )


def _rows(store: str, found: Sequence[Round], payloads: int) -> Iterator[Row]:
    last = found[-1]
    names = {"orders_per_s": "orders_per_s", "cpu_ms": "cpu_ms_per_order", "statements": "statements_per_order"}
    for field, name in names.items():
        value = measure.median([getattr(one, field) for one in found])
        yield row(name, store, value, note=f"{payloads} payloads in sets of {IN_SET}, {len(found)} rounds")
    yield row("peak_memory_mb", store, measure.peak_mb(), note="of this process")
    for name in ("taken", "refused", "duplicates"):
        yield row(name, store, getattr(last, name))
