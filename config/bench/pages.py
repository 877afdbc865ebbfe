"""How fast the pages and the API's lists are while many orders are stored: time, statements and bytes of each.

Each is asked for as a browser or a program would, of the whole application as `crossdock serve` has it but without a network, by an
owner who is signed in and with an API key. The addresses take turns, so that what else the machine does meanwhile falls on all of them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from time import perf_counter
from typing import Any

import msgspec
from sqlalchemy import Engine
from werkzeug.test import Client, TestResponse

from config.bench import bodies, measure, touched
from config.bench.bodies import Body
from config.bench.filled import fill, surround
from config.bench.pace import Pace
from config.bench.rows import CannotMeasure, Row, row
from config.bench.stage import Shop, Stores, open_shop
from config.processes import make_wsgi, spare_the_loaded
from core.domain.inbound import Kind
from core.domain.order import Person
from core.domain.roles import SCOPES, Role
from core.domain.shipments import Load, State
from core.domain.who import Who
from core.flows import inbound, keys, people, signin
from core.flows.inbound import Draft
from core.store import goods as skus_of
from core.store import places, shipments
from core.store.people import User
from core.store.sql import run

# {order} is an order's id, {number} its number, {buyer} a part of its buyer's name, {mail} their address, {day} the day before it.
PAGES = (
    "/",
    "/books",
    "/books/payouts",
    "/books/open",
    "/books/certificate",
    "/books/balances",
    "/books/orders/{order}",
    "/books/ledgers",
    "/books/gateways",
    "/books/deposits",
    "/books/opening",
    "/books/held",
    "/books/rates",
    "/books/profit",
    "/books/profit?by=sku",
    "/books/profit?by=order",
    "/books/costs",
    "/books/postage",
    "/start",
    "/start/difference?connection={connection}",
    "/orders",
    "/orders?after={deep}",
    "/orders?status=open",
    "/orders?status=cancelled&payment=voided",
    "/orders?attention=1",
    "/orders?held=1",
    "/orders?tag=gift",
    "/orders?location={location}",
    "/orders?connection={connection}",
    "/orders?first={day}&last={day}",
    "/orders?fulfillment=unfulfilled&sort=oldest",
    "/orders?q={number}",
    "/orders?q={buyer}",
    "/orders?q={mail}",
    "/orders?q=SKU-0007",
    "/orders?q={buyer}+SKU-0007&status=open",
    "/orders?q=nobody",
    "/orders/export",
    "/orders/{order}",
    "/orders/{order}/raw",
    "/orders/{order}/short",
    "/print",
    "/print/rules",
    "/totes",
    "/stock",
    "/stock?after=GOODS-10000",
    "/stock?q=goods-0100",
    "/stock?q=sku+0007",
    "/stock?q=nothing",
    "/stock/sku?sku=SKU-0007",
    "/stock/sku?sku=GOODS-00012",
    "/inbound",
    "/inbound/{inbound}",
    "/inbound/{inbound}/change",
    "/inbound/new",
    "/shipments",
    "/shipments?state=problem",
    "/shipments/day",
    "/shipments?state=sent",
    "/shipments/waiting",
    "/shipments/{shipment}",
    "/bench",
    "/requests",
    "/bench?at={shipment}&done=0x1",
    "/stock/card?sku=GOODS-00012",
    "/stock/lacks",
    "/stock/lacks?what=size&after=GOODS-01000",
    "/stock/windows",
    "/stock/promise",
    "/stock/changes",
    "/stock/unmatched",
    "/stock/locations",
    "/stock/import",
    "/attention",
    "/attention/oversold",
    "/attention/late",
    "/attention/mapping",
    "/attention/problem",
    "/attention/declined",
    "/attention/unmatched",
    "/attention/refused",
    "/attention/unreadable",
    "/attention/unsure",
    "/attention/found-listing",
    "/attention/found-order",
    "/connections",
    "/connections/carriers",
    "/connections/ledgers",
    "/settings",
    "/settings/people",
    "/settings/keys",
    "/settings/hooks",
    "/settings/hooks/{hook}",
    "/settings/alerts",
    "/settings/buyers",
    "/settings/routing",
    "/settings/schedules",
    "/activity",
    "/activity?who=bench&act=stock",
    "/account",
    "/account/code",
    "/login",
    "/api/docs",
)
PIECES = (
    "/live",
    "/orders/new?since={deep}",
    "/connections/live",
    "/shipments/live",
    "/shipments/{shipment}/story",
    "/shipments/{shipment}/offers",
    "/shipments/{shipment}/printers",
    "/orders/{order}/shipments",
    "/orders/{order}/waiting",
    "/stock/windows/sku?sku=GOODS-00012",
)  # of a page, fetched while somebody looks
LISTS = (
    "/api/v1/orders",
    "/api/v1/orders?limit=250",
    "/api/v1/orders?status=open&limit=250",
    "/api/v1/orders/{order}",
    "/api/v1/orders/{order}/events",
    "/api/v1/stock",
    "/api/v1/stock?limit=250&after=GOODS-10000",
    "/api/v1/stock?sku=SKU-0007",
    "/api/v1/stock/locations",
    "/api/v1/stock/movements?sku=GOODS-00012",
    "/api/v1/listings/changed",
    "/api/v1/inbounds",
    "/api/v1/inbounds/{inbound}",
    "/api/v1/requests",
    "/api/v1/skus?sku=GOODS-00012",
    "/api/v1/listings",
    "/api/v1/listings?limit=250&after=9000",
    "/api/v1/listings?unmatched=true",
    "/api/v1/books",
    "/api/v1/books/entries",
    "/api/v1/books/balances",
    "/api/v1/books/payouts",
    "/api/v1/books/open?breaks=true",
    "/api/v1/books/documents",
    "/api/v1/books/profit?by=order",
    "/api/v1/listings?connection={connection}&limit=250",
    "/api/v1/listings/{listing}",
    "/api/v1/tasks",
    "/api/v1/tasks?state=parked&limit=250",
    "/api/v1/tasks/{task}",
    "/api/v1/events",
    "/api/v1/events?after={event}&limit=250",
    "/api/v1/connections",
    "/api/v1/connections/{connection}",
)
WARM_UP = 6  # looks at each: a statement is prepared when it is said for the fifth time
FILES = re.compile(r'(?:src|href)="(/static/[^"]+)"')


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    goods = bodies.goods(body.raw for body in patterns) | {(f"L-{n}", f"GOODS-{n:05}") for n in range(pace.page_skus)}
    for store in stores.names:
        with busy_shop(stores, store, pace, patterns, goods) as (shop, hook):
            yield from _rows(_looked(shop, hook, pace.page_looks), store, pace)
    if stores.server:
        yield from touched.measured(stores, pace, patterns, goods)


@contextmanager
def busy_shop(stores: Stores, store: str, pace: Pace, patterns: Sequence[Body], goods: Any) -> Iterator[tuple[Shop, str]]:
    """A shop with all its orders and what stands around them, and the id of its outgoing webhook."""
    shop = open_shop(stores.new(store), stores.folder, goods, api_per_s=10_000, api_burst=100_000)
    try:
        fill(shop, patterns, min(pace.small, pace.listed_few, pace.pages), pace.pages)
        yield shop, surround(shop, goods, pace.pages)
    finally:
        shop.close()


# ---- what is found


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen of one address: milliseconds until each answer, statements of the last one, bytes over the wire."""

    path: str
    ms: list[float] = field(default_factory=list)
    statements: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)


def _rows(sights: Sequence[Sight], store: str, pace: Pace) -> Iterator[Row]:
    """A row for each address's time; of statements and bytes the most that any had."""
    for one in sights:
        said = f"{max(one.statements)} statements, {one.sizes[-1] / 1024:.1f} KB"
        note = f"{one.path}: p95 of {len(one.ms)}, p50 {measure.median(one.ms):.1f}; {said}"
        yield row("page_ms", store, measure.percentile(one.ms, 0.95), note=note)
    most = max(sights, key=lambda one: max(one.statements))
    yield row("page_statements", store, max(most.statements), note=f"the most of all {len(sights)} addresses: {most.path}")
    large = max(sights, key=lambda one: max(one.sizes))
    note = f"the most of all: {large.path}; with its style sheet, scripts and headers, not compressed"
    yield row("page_kb", store, max(large.sizes) / 1024, note=note)


def _looked(shop: Shop, hook: str, looks: int) -> list[Sight]:
    named = _named(shop) | {"hook": hook, "inbound": _deliver(shop), "shipment": _make_ready(shop)}
    sights = [Sight(path.format(**named)) for path in (*PAGES, *PIECES, *LISTS)]
    asks, statements = Asks(shop), measure.Statements(Engine)
    for _ in range(WARM_UP):
        for one in sights:
            asks.look(one.path)
    spare_the_loaded()  # as `serve` does
    for number in range(looks):
        for one in sights:
            before, begin = statements.count, perf_counter()
            answer = asks.look(one.path)
            one.ms.append((perf_counter() - begin) * 1000)
            one.statements.append(statements.since(before))
            if not number:
                one.sizes.append(asks.weight(answer))
    return sights


class Asks:
    """An owner at their browser, signed in, and a program with a key."""

    def __init__(self, shop: Shop) -> None:
        self._client = Client(make_wsgi(shop.settings, shop.hub))
        self._client.set_cookie("crossdock", shop.hub.vault.sign("crossdock", token_of(shop)), domain="127.0.0.1")
        key = keys.make(shop.hub, shop.merchant, ("bench", "Bench"), "Bench", SCOPES)
        self._shown = {"Authorization": f"Bearer {key}"}
        self._files: dict[str, int] = {}

    def look(self, path: str) -> TestResponse:
        """Raises CannotMeasure where the answer is no page."""
        headers = self._shown if path.startswith("/api/v1/") else {}
        answer = self._client.get(path, base_url="http://127.0.0.1", headers=headers, buffered=True)
        if answer.status_code not in (200, 204) and not path.startswith("/login"):
            raise CannotMeasure(f"{path} was answered {answer.status_code}")
        return answer

    def weight(self, answer: TestResponse) -> int:
        """Bytes over the wire until it is there as a browser without a cache shows it: the answer, its files, their headers."""
        files = {path: self._file(path) for path in FILES.findall(answer.text)} if answer.mimetype == "text/html" else {}
        return _bytes(answer) + sum(files.values())

    def _file(self, path: str) -> int:
        if path not in self._files:
            self._files[path] = _bytes(self.look(path))
        return self._files[path]


def _bytes(answer: TestResponse) -> int:
    return len(answer.data) + sum(len(name) + len(value) + 4 for name, value in answer.headers)


def token_of(shop: Shop) -> str:
    """The session of an owner who has just signed in."""
    user = people.add(shop.hub, shop.merchant, "owner@shop.example", "Olga Owner", Role.OWNER)
    if not isinstance(user, User):
        raise CannotMeasure(f"nobody can be hired: {user}")
    with shop.hub.database.write() as db:
        return signin.begin(shop.hub, db, user.id, shop.merchant, "Bench").token


ONE = "select id, name, person from orders where merchant = :merchant order by placed_at desc, id desc limit 1 offset 7"
DEEP = "select placed_at, id from orders where merchant = :merchant order by placed_at desc, id desc limit 1 offset :deep"
IDS = """
select (select min(id) from locations where merchant = :merchant) as location, (select max(id) from listings) as listing,
  (select max(id) from tasks where state = 'parked') as task, (select max(id) / 2 from events) as event
"""


DELIVERIES, LINES = 300, 50


def _deliver(shop: Shop) -> str:
    """Some hundred deliveries of goods are on their way. Gives one's id."""
    with shop.hub.database.read() as db:
        [first, *_] = places.locations(db, shop.merchant)
        skus = [row.sku for row in skus_of.page(db, shop.merchant, "goods", "", LINES)]
    who = Who("bench", "Bench")
    for number in range(DELIVERIES):
        draft = Draft(Kind.PURCHASE, first.id, sender="Mill & Sons", lines=dict.fromkeys(skus, 10))
        id = inbound.add(shop.hub, shop.merchant, draft, who)
        if number % 2:
            inbound.send(shop.hub, shop.merchant, id, who)
    return inbound.add(shop.hub, shop.merchant, Draft(Kind.PURCHASE, first.id, lines=dict.fromkeys(skus, 1)), who)


SHIPMENTS = 1000


def _make_ready(shop: Shop) -> str:
    """Some orders are to be packed, and as many are packed. Gives the name of one shipment."""
    with shop.hub.unit() as work:
        orders = [row.id for row in run(work.db, OPENED, merchant=shop.merchant, most=SHIPMENTS)]
        [first, *_] = places.locations(work.db, shop.merchant)
        heads = [
            {"id": f"s-{n}", "order_id": id, "number": 1, "name": f"S{n}", "location": first.id, "ship_by": work.now, "person": ""}
            for n, id in enumerate(orders)
        ]
        loads = [(head["id"], Load("1", "A mug", 1, {"SKU-0007": 1})) for head in heads]
        parcels = [{"id": f"p-{n}", "shipment": f"s-{n}", "number": 1, "token": f"t-{n}", "weight_g": 900} for n in range(len(heads))]
        shipments.add(work.db, shop.merchant, heads, loads, parcels, work.now)
        shipments.set_state(work.db, {head["id"]: (State.PACKED, None) for head in heads[::2]}, work.now)
    return "S1"


OPENED = "select id from orders where merchant = :merchant order by placed_at desc, id desc limit :most"


def _named(shop: Shop) -> dict[str, Any]:
    with shop.hub.database.read() as db:
        one, ids = run(db, ONE, merchant=shop.merchant).one(), run(db, IDS, merchant=shop.merchant).one()
        deep = run(db, DEEP, merchant=shop.merchant, deep=shop.count("orders") // 2).one()
    person = msgspec.json.decode(shop.hub.box(shop.merchant).open_text(f"orders|person|{one.id}", one.person), type=Person)
    day = (shop.hub.clock() - timedelta(days=1)).date().isoformat()
    found: Mapping[str, Any] = {"order": one.id, "number": one.name.strip("#"), "buyer": person.name.split()[-1], "mail": person.email}
    return {**found, "day": day, "connection": shop.connection.id, "deep": f"{deep.placed_at}_{deep.id}", **ids._mapping}
