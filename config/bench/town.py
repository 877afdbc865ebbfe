"""A merchant as in production: the hub's own processes, the channels' simulators in a process of theirs, and buyers who come by HTTP."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from config.bench.listings import simulators
from config.bench.stage import Stores
from config.bench.street import CHANNELS
from config.demo import WORKING, start_hub, until
from config.servers import free_port, redis_server
from config.settings import Settings, load
from config.wiring import make_hub
from connectors.http import as_datetime
from connectors.simulation import SOLD_AT
from core.flows import connections as flows
from core.hub import Hub
from core.store import connections, stock
from core.store.connections import Connection
from core.store.sql import run
from core.store.tables import us

UNTHROTTLED = {"min_age_s": 0, "verify_s": 1, "faster": 1000.0}  # no call waits for a budget
Asked = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Sale:
    """What a buyer has: the order's id at its channel, and when it was sold by the channel's clock, in microseconds."""

    channel: str
    order: str
    at: int


@dataclass
class Town:
    hub: Hub
    merchant: str
    base: str
    connections: dict[str, Connection]

    def buy(self, name: str, sku: str) -> Sale | None:
        """A buyer clicks and has one; None where the channel says that it is sold out."""
        wish = {"lines": [{"sku": sku, "quantity": 1}], "only_shown": True}
        answer = requests.post(f"{self.base}/{name}/_sim/orders", json=wish, timeout=60)
        if answer.status_code == 409:
            return None
        answer.raise_for_status()
        return Sale(name, answer.json()[0]["id"], us(as_datetime(answer.headers[SOLD_AT])))

    def shelves(self, name: str) -> dict[str, dict[str, Any]]:
        """What a channel shows, by SKU: {shown, sold, writes}."""
        found: list[dict[str, Any]] = requests.get(f"{self.base}/{name}/_sim/listings", timeout=60).json()
        return {one["sku"]: one for one in found}

    def shown(self, sku: str) -> dict[str, int]:
        return {name: self.shelves(name)[sku]["shown"] for name in self.connections}

    def rows(self, query: str, **values: Any) -> list[Any]:
        with self.hub.database.read() as db:
            return list(run(db, query, merchant=self.merchant, **values))

    def poll_each(self, seconds: int) -> None:
        """From now on the channels are asked so often for their orders, which is what raising a listing waits for."""
        with self.hub.database.write() as db:
            for one in self.connections.values():
                connections.set_settings(db, one.id, {**one.settings, "poll_s": seconds})

    def rest(self, most_s: float = 120.0) -> None:
        """Until nothing is to be done but to listen. Raises Failed."""
        until(lambda: self.rows(WORKING)[0][0] == 0, "the town does not come to rest", most_s)


@contextmanager
def town(stores: Stores, store: str, goods: Mapping[str, int]) -> Iterator[Town]:
    """These goods, so many of each, on three channels. On PostgreSQL web and workers are processes of their own, with a Redis between them;
    on SQLite all of it is one. Raises NotHere."""
    with ExitStack() as over:
        home = stores.folder / f"town-{store}"
        redis = over.enter_context(redis_server()) if store == "postgresql" else ""
        base = over.enter_context(simulators(home / "channels"))
        said = {name: requests.get(f"{base}/{name}/_sim/credentials", timeout=60).json() for name in CHANNELS}
        settings = _settings(home, stores.new(store), redis, said)
        hub = make_hub(settings)
        over.callback(hub.database.close)
        there = _open(hub, base, said, goods)
        start_hub(settings, over, said)
        for name in CHANNELS:
            _post(f"{base}/{name}/_sim/post", {"url": f"{settings.public_url}/webhooks/{name}"})
        until(lambda: _is_open(there, len(goods)), "the hub did not read the channels' listings", 120.0)
        there.rest()
        yield there


def _settings(home: Path, url: str, redis: str, said: Mapping[str, Any]) -> Settings:
    apps = {f"CROSSDOCK_APPS__{name.upper()}__{key.upper()}": value for name, one in said.items() for key, value in one["app"].items()}
    port = free_port()
    given = {"home": home, "database_url": url, "redis_url": redis, "log_level": "error", "port": port}
    return load({**given, "public_url": f"http://127.0.0.1:{port}"}, apps)


def _open(hub: Hub, base: str, said: Mapping[str, Any], goods: Mapping[str, int]) -> Town:
    """The shelves are counted, and every channel shows what lies there."""
    merchant, place = flows.add_merchant(hub, "Town").id, hub.ids()
    with hub.unit() as work:
        stock.add_location(work.db, merchant, place, "Main")
        rows = [{"sku": sku, "title": sku, "location": place, "on_hand": units} for sku, units in goods.items()]
        stock.count(work.db, merchant, rows, work.now)
    made = {}
    for name, one in said.items():
        wares = [{"sku": sku, "title": sku, "price": "9.90", "quantity": units, "currency": "USD"} for sku, units in goods.items()]
        _post(f"{base}/{name}/_sim/catalogue", {"products": wares})
        settings = {**one["settings"], **UNTHROTTLED}
        made[name] = flows.connect(hub, merchant, name, one["account"], one["login"], settings=settings, stock_since=0, live_at=0)
    return Town(hub, merchant, base, made)


def _post(address: str, body: object) -> None:
    requests.post(address, json=body, timeout=300).raise_for_status()


MAPPED = """
select count(*) from listings l join connections c on c.id = l.connection
where l.merchant = :merchant and l.mapped and l.shown_at > 0 and c.state = 'active'
"""


def _is_open(there: Town, goods: int) -> bool:
    return int(there.rows(MAPPED)[0][0]) >= goods * len(CHANNELS)


def wait_until(asked: Asked, most_s: float) -> float:
    """Seconds until it is so. Raises TimeoutError."""
    begin = time.perf_counter()
    while not asked():
        if time.perf_counter() - begin > most_s:
            raise TimeoutError(f"it is not so after {most_s:.0f} s")
        time.sleep(0.05)
    return time.perf_counter() - begin
