"""A shop on the simulated Shopify, and the application that a web server runs, called as one calls it."""

import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from config.processes import make_wsgi
from config.settings import Settings, load
from config.wiring import make_hub
from connectors.bogus.webhooks import signed
from connectors.shopify.simulator import ACCOUNT, CLIENT_ID, CLIENT_SECRET, Simulator
from connectors.simulation import Delivery, InProcess, Post, Stage, World
from core import jobs
from core.domain.shipments import Load, State
from core.flows import connections as flows
from core.hub import Hub
from core.store import shipments, stock
from core.store.connections import Connection
from core.store.sql import run
from tests.conftest import Clock

Said = tuple[int, Any]
DOOR = "/webhooks/shopify"
APPS = {
    "CROSSDOCK_APPS__SHOPIFY__CLIENT_ID": CLIENT_ID,
    "CROSSDOCK_APPS__SHOPIFY__CLIENT_SECRET": CLIENT_SECRET,
    "CROSSDOCK_APPS__BOGUS__SECRET": "s3cret",
    "CROSSDOCK_APPS__EBAY__CLIENT_ID": "client",
    "CROSSDOCK_APPS__EBAY__CLIENT_SECRET": "secret",
    "CROSSDOCK_APPS__EBAY__VERIFICATION_TOKEN": "token-of-the-test",
    "CROSSDOCK_APPS__UPS__ALERT_CREDENTIAL": "credential-of-the-test",
    "CROSSDOCK_PUBLIC_URL": "https://hub.example",
}


@dataclass
class Shop:
    """A merchant's shop there, and our door here."""

    settings: Settings
    hub: Hub
    clock: Clock
    world: World
    simulator: Simulator
    merchant: str
    connection: Connection
    app: Callable[..., Any]

    def knock(self, raw: bytes, headers: Mapping[str, str], path: str = DOOR, **environ: Any) -> Said:
        """One request with exactly these bytes and headers."""
        told = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items() if name.lower() != "content-type"}
        return self.ask("POST", path, **{**told, "CONTENT_LENGTH": str(len(raw)), "wsgi.input": io.BytesIO(raw), **environ})

    def ask(self, method: str, path: str, **environ: Any) -> Said:
        said: list[str] = []
        asked = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": "", "REMOTE_ADDR": "203.0.113.9", **environ}
        asked = {"wsgi.input": io.BytesIO(), "wsgi.url_scheme": "http", "SERVER_NAME": "x", "SERVER_PORT": "80", **asked}
        body = b"".join(self.app(asked, lambda status, headers: said.append(status)))
        return int(said[0][:3]), json.loads(body or b"{}")

    def deliver(self, delivery: Delivery) -> int:
        return self.knock(delivery.body, delivery.headers)[0]

    def send(self, body: object, topic: str = "orders/create", **headers: str) -> Said:
        """A body of this shop, signed as Shopify does."""
        raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        return self.knock(raw, {**self.simulator.headers(topic, raw), **headers})

    def sold(self, payment: str | None = None, **units: int) -> Delivery:
        """A buyer buys; gives the webhook that says so. What is authorized is read as the shop has it, whatever a test makes of that."""
        before = len(self.world.outbox)
        self.simulator.place({"lines": [{"sku": sku, "quantity": count} for sku, count in units.items()], "payment": payment})
        return self.world.outbox[before]

    def offer(self, *skus: str, units: int = 100, currency: str = "USD", price: str = "10.00") -> None:
        """Put these on the shelves, there and here."""
        goods = [{"sku": sku, "title": f"A {sku}", "price": price, "quantity": units, "currency": currency} for sku in skus]
        self.simulator.catalogue(goods)
        with self.hub.unit() as work:
            rows = [{"sku": sku, "title": sku, "location": "place", "on_hand": units} for sku in skus if sku]
            stock.add_location(work.db, self.merchant, "place", "Main")
            stock.count(work.db, self.merchant, rows, work.now)
            work.ask(self.merchant, "read_listings", self.connection.id, self.connection.id)
        self.drain()

    def make_ready(self, most: int = 1, state: State = State.RELEASED) -> None:
        """Shipments of so many orders, whatever became of these."""
        with self.hub.unit() as work:
            ids = [
                row.id for row in run(work.db, "select id from orders where merchant = :m order by id limit :n", m=self.merchant, n=most)
            ]
            heads: list[dict[str, Any]] = [
                {"id": f"s-{n}", "order_id": id, "number": 1, "name": f"S{n}", "location": "place", "ship_by": None, "person": ""}
                for n, id in enumerate(ids, 1)
            ]
            boxes = [
                {"id": f"p-{one['id']}", "shipment": one["id"], "number": 1, "token": f"t-{one['id']}", "weight_g": 5} for one in heads
            ]
            loads = [(one["id"], Load("1", "A mug", 1, {"A": 1})) for one in heads]
            shipments.add(work.db, self.merchant, heads, loads, boxes, work.now)
            shipments.set_state(work.db, {one["id"]: (state, None) for one in heads if state is not State.RELEASED}, work.now)

    def drain(self) -> None:
        for _ in range(300):
            if not any([jobs.drain(self.hub, "inside"), jobs.drain(self.hub, "outside")]):
                return
            self.clock.pass_(timedelta(seconds=1))
        raise AssertionError("the work never comes to rest")

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.hub.database.read() as db:
            return [tuple(row) for row in db.execute(text(query), values)]

    def one(self, query: str, **values: Any) -> Any:
        return self.rows(query, **values)[0][0]

    def waiting(self) -> int:
        found: int = self.one("select count(*) from inbox")
        return found


def open_shop(database_url: str, home: Path, clock: Clock, **environ: str) -> Shop:
    """A shop that is connected in this migrated database; whoever opens it closes `hub.database`."""
    settings = load({"home": home, "database_url": database_url}, {**APPS, **environ})
    world = World(clock, post=Post(url="http://hub.test"))
    simulator = Simulator(world)
    hub = make_hub(settings, clock=clock, adapter=InProcess(Stage({"shopify": (world, simulator)})))
    hub.jitter = lambda: 0.5
    merchant = flows.add_merchant(hub, "North Sea Trading").id
    there = simulator.credentials("http://sim.test/shopify")
    one = flows.connect(hub, merchant, "shopify", ACCOUNT, there["login"], settings=there["settings"], stock_since=0, live_at=0)
    return Shop(settings, hub, clock, world, simulator, merchant, one, make_wsgi(settings, hub))


def bogus_headers(raw: bytes, delivery: str = "d1", **more: str) -> dict[str, str]:
    return signed(raw, "s3cret", delivery=delivery, **more)
