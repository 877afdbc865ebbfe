"""How fast the pages are while many orders are stored: time, statements and bytes of each, and what the list of orders touches.

Each page is asked for as a browser would, by the application without a network, as an owner sees it. A room adds its addresses to
ADDRESSES; those of rooms that this version has not are passed by.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from time import perf_counter
from typing import Any

import msgspec
from sqlalchemy import Connection, event
from werkzeug.exceptions import HTTPException
from werkzeug.test import Client

from config.bench import bodies, measure
from config.bench.bodies import Body
from config.bench.drain import keep_and_drain
from config.bench.pace import Pace
from config.bench.rows import CannotMeasure, Row, row
from config.bench.stage import Shop, Stores, copy_rows, open_shop, tidy
from core.domain.order import OrderStatus, Person
from core.domain.roles import Role
from core.domain.wanted import Wanted
from core.flows.looking import look
from core.store.sql import run, run_set
from web.app import make_app
from web.visitor import Visitor

# {order} is an order's id, {number} its number, {buyer} a part of its buyer's name, {mail} their address, {day} the day before it.
ADDRESSES = (
    "/",
    "/orders",
    "/orders?status=open",
    "/orders?status=cancelled&payment=voided",
    "/orders?attention=1",
    "/orders?held=1",
    "/orders?tag=gift",
    "/orders?first={day}&last={day}",
    "/orders?fulfillment=unfulfilled&sort=oldest",
    "/orders?q={number}",
    "/orders?q={buyer}",
    "/orders?q={mail}",
    "/orders?q=SKU-0007",
    "/orders?q={buyer}+SKU-0007&status=open",
    "/orders?q=nobody",
    "/orders/new?since=9999999999999999_z",
    "/orders/{order}",
    "/orders/{order}/raw",
    "/orders/export",
    "/stock",
    "/attention",
    "/connections",
    "/settings",
    "/activity",
)
WARM_UP = 3  # looks


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    first = min(pace.small, pace.listed_few, pace.pages)
    goods = bodies.goods(body.raw for body in patterns) | {(f"L-{n}", f"GOODS-{n:05}") for n in range(pace.page_skus)}
    for store in stores.names:
        with _shop(stores, store, goods) as shop:
            fill(shop, patterns, first, pace.pages)
            yield from _pages(shop, store, pace)
    if stores.server:
        yield _list(stores, pace, patterns, goods, first)


@contextmanager
def _shop(stores: Stores, store: str, goods: Any) -> Iterator[Shop]:
    shop = open_shop(stores.new(store), stores.folder, goods)
    try:
        yield shop
    finally:
        shop.close()


# ---- the pages


def _pages(shop: Shop, store: str, pace: Pace) -> Iterator[Row]:
    asks = Visitor(shop.merchant, "bench", "Bench", Role.OWNER, "bench", zone="Europe/Berlin")
    app = make_app(shop.hub, (lambda hub: asks,))
    client, statements = Client(app.wsgi_app), measure.Statements(shop.hub.database.engine)
    named = _named(shop)
    for path in [address.format(**named) for address in ADDRESSES]:
        if _is_there(app, path):
            yield from _page(shop, client, statements, store, path, pace.page_looks)


def _is_there(app: Any, path: str) -> bool:
    try:
        return bool(app.url_map.bind("bench").match(path.partition("?")[0]))
    except HTTPException:
        return False


def _page(shop: Shop, client: Client, statements: measure.Statements, store: str, path: str, looks: int) -> Iterator[Row]:
    for _ in range(WARM_UP):
        _look(client, path)
    cpu, before = measure.Cpu(shop.hub.database), statements.count
    times, sizes = zip(*(_look(client, path) for _ in range(looks)), strict=True)
    note = f"{path}: p95 of {looks}, p50 {measure.median(times):.1f} ms, {cpu.spent() / looks * 1000:.1f} ms of it computing"
    yield row("page_ms", store, measure.percentile(times, 0.95), note=note)
    yield row("page_statements", store, statements.since(before) / looks, note=path)
    yield row("page_kb", store, sizes[-1] / 1024, note=f"{path}, not packed")


def _look(client: Client, path: str) -> tuple[float, int]:
    """Milliseconds until the answer is there, and its bytes."""
    begin = perf_counter()
    answer = client.get(path)
    if answer.status_code >= 400:
        raise CannotMeasure(f"{path} was answered {answer.status_code}")
    return (perf_counter() - begin) * 1000, len(answer.data)


ONE = "select id, name, person from orders where merchant = :merchant order by placed_at desc, id desc limit 1 offset 7"


def _named(shop: Shop) -> Mapping[str, str]:
    with shop.hub.database.read() as db:
        one = run(db, ONE, merchant=shop.merchant).one()
    person = msgspec.json.decode(shop.hub.box(shop.merchant).open_text(f"orders|person|{one.id}", one.person), type=Person)
    day = (shop.hub.clock() - timedelta(days=1)).date().isoformat()
    return {"order": one.id, "number": one.name.strip("#"), "buyer": person.name.split()[-1], "mail": person.email, "day": day}


# ---- what the list touches


def _list(stores: Stores, pace: Pace, patterns: Sequence[Body], goods: Any, first: int) -> Row:
    touched = []
    for stored in (pace.listed_few, pace.listed):
        with _shop(stores, "postgresql", goods) as shop:
            fill(shop, patterns, first, stored, seal=False)
            touched.append(sum(_touched(shop, wanted) for wanted in (Wanted(), Wanted(status=OrderStatus.OPEN))))
    note = f"first page of all orders and of the open ones, {pace.listed:,} stored; reference: {pace.listed_few:,}"
    return row("list_buffers", "postgresql", touched[1], touched[0], note=note)


def _touched(shop: Shop, wanted: Wanted) -> int:
    """Pages of the database that the statements of one list touch."""
    said: list[tuple[str, Any]] = []

    def see(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        said.append((statement, parameters))

    event.listen(shop.hub.database.engine, "before_cursor_execute", see)
    with shop.hub.database.read() as db:
        look(shop.hub, db, shop.merchant, wanted)
    event.remove(shop.hub.database.engine, "before_cursor_execute", see)
    with shop.hub.database.read() as db:
        return sum(_buffers(db, *one) for one in said)


def _buffers(db: Connection, statement: str, parameters: Any) -> int:
    plan = db.exec_driver_sql(f"explain (analyze, buffers, costs off, timing off) {statement}", parameters).scalars().all()
    top = next((line for line in plan if "Buffers: shared" in line), "")
    return sum(int(number) for number in re.findall(r"(?:hit|read)=(\d+)", top))


# ---- filling a database: some orders come in by the normal way, the rest are copies of their rows, half a day older each time

NAMES = {
    "orders": ("id", "channel_id", "name"),
    "order_lines": ("order_id",),
    "order_words": ("order_id",),
    "order_tags": ("order_id",),
    "reservations": ("order_id",),
}
APART, OLDER = timedelta(seconds=40), timedelta(hours=12)
MICROSECOND = timedelta(microseconds=1)
UUID = 36  # letters of an id; a copy's is longer
STATES = {
    "open": ("open", "paid", "unfulfilled"),
    "sent": ("fulfilled", "paid", "fulfilled"),
    "cancelled": ("cancelled", "voided", "cancelled"),
}
VARIED = """
update orders set placed_at = r.at, status = r.status, payment = r.payment, fulfillment = r.fulfillment from {rows} where orders.id = r.id
"""
COLUMNS = {"id": "text", "at": "bigint", "status": "text", "payment": "text", "fulfillment": "text"}
TAGGED = "insert into order_tags (merchant, order_id, tag) select o.merchant, r.id, 'gift' from {rows} join orders o on o.id = r.id"
HELD = "update orders set held_at = 1, held_why = 'other', status = 'on_hold' from {rows} where orders.id = r.id"


def fill(shop: Shop, patterns: Sequence[Body], first: int, stored: int, *, seal: bool = True) -> None:
    """`stored` orders of which `first` came in; without `seal` their buyers cannot be read."""
    keep_and_drain(shop, patterns, first, 0)
    with shop.hub.database.write() as db:
        if not shop.hub.database.is_sqlite:
            db.exec_driver_sql("set local statement_timeout = 0")  # a million rows are many for one statement
        _vary(db, shop)
        for table, names in NAMES.items():
            copy_rows(db, table, names, stored // first, {"placed_at": OLDER // MICROSECOND} if table == "orders" else {})
        if seal:
            _seal(db, shop)
    tidy(shop.hub.database)


def _vary(db: Connection, shop: Shop) -> None:
    """One each forty seconds, back from now: most were sent, one in twenty is cancelled, two in ten are open. One in a hundred has a tag,
    one in five hundred is held."""
    ids = [row.id for row in run(db, "select id from orders where merchant = :merchant order by id desc", merchant=shop.merchant)]
    rows = [_varied(id, shop.hub.now - number * (APART // MICROSECOND), number) for number, id in enumerate(ids)]
    run_set(db, VARIED, COLUMNS, rows)
    run_set(db, TAGGED, {"id": "text"}, rows[::100])
    run_set(db, HELD, {"id": "text"}, rows[::500])


def _varied(id: str, at: int, number: int) -> dict[str, Any]:
    state = STATES["cancelled" if number % 20 == 7 else "sent" if number % 10 > 1 else "open"]
    return {"id": id, "at": at, **dict(zip(("status", "payment", "fulfillment"), state, strict=True))}


PEOPLE = "select id, person from orders where person is not null and id > :after order by id limit 5000"
SEALED = "update orders set person = r.person from {rows} where orders.id = r.id"


def _seal(db: Connection, shop: Shop) -> None:
    """A copy has its buyer's data sealed for its own row."""
    box, after = shop.hub.box(shop.merchant), ""
    while rows := run(db, PEOPLE, after=after).fetchall():
        after = rows[-1].id
        opened = [(row.id, box.open_text(f"orders|person|{row.id[:UUID]}", row.person)) for row in rows if len(row.id) > UUID]
        sealed = [{"id": id, "person": box.seal_text(f"orders|person|{id}", person)} for id, person in opened]
        run_set(db, SEALED, {"id": "text", "person": "text"}, sealed)
