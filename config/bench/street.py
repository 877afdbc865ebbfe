"""The channels' simulators in this process, with a hub, on a clock that is turned by hand: a day passes in a second.

What stands here is for measurements and tests that ask whether orders are found, however late or broken the channels are.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import requests
from sqlalchemy import event

from config.demo_dock import ADDRESS, furnish
from config.settings import Settings, load
from config.simulators import make_stage
from config.wiring import door_kit, make_hub
from connectors.simulation import Carries, Delivery, InProcess, Keeps, Sells, Stage, World
from core import jobs
from core.flows import connections as flows
from core.flows import intake
from core.hub import Hub, uuid7
from core.store import schema, stock
from core.store.connections import Connection
from core.store.engine import Database
from core.store.findings import Finding, listed
from core.store.sql import run
from core.store.unit import Unit

CHANNELS = ("shopify", "amazon", "ebay")
CARRIERS = ("ups", "fedex", "usps", "dhl")
LEDGERS = ("quickbooks", "xero")
BASE = "http://street.test"
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TAKEN = "select channel_id, taken_at from orders where connection = :connection"
TAKING = "select 1 from tasks where kind in ('take_orders', 'fetch_orders') and state = 'due' limit 1"
HOOK = "https://hub.street.test/webhooks"
PHONE = {"phone_if_none": ADDRESS["phone"]}  # a carrier that wants a telephone number of everybody is given ours for buyers without one


def home(channel: str, document: dict[str, Any]) -> dict[str, Any]:
    """Where an order goes, in its simulator's own document: what is changed in it is where it goes from now on."""
    match channel:
        case "shopify":
            found = document["body"]["shipping_address"]
        case "amazon":
            found = document["raw"]["recipient"]["deliveryAddress"]
        case _:
            found = document["document"]["fulfillmentStartInstructions"][0]["shippingStep"]["shipTo"]["contactAddress"]
    assert isinstance(found, dict)
    return found


HOMES: dict[tuple[str, str], dict[str, Any]] = {  # by channel and country, in each channel's own words
    ("shopify", "US"): {
        "name": "Nadia Osei", "first_name": "Nadia", "last_name": "Osei", "address1": "77 Juniper Street", "address2": None,
        "city": "Austin", "zip": "78701", "province": "Texas", "province_code": "TX", "country": "United States", "country_code": "US",
    },
    ("shopify", "DE"): {
        "name": "Jürgen Ackermann", "first_name": "Jürgen", "last_name": "Ackermann", "address1": "Lindenallee 12", "address2": None,
        "city": "Leipzig", "zip": "04109", "province": None, "province_code": None, "country": "Germany", "country_code": "DE",
    },
    ("amazon", "US"): {
        "name": "Nadia Osei", "addressLine1": "77 Juniper Street", "city": "Austin", "stateOrRegion": "TX", "postalCode": "78701",
        "countryCode": "US",
    },
    ("ebay", "US"): {
        "addressLine1": "77 Juniper Street", "city": "Austin", "stateOrProvince": "TX", "postalCode": "78701", "countryCode": "US",
    },
}  # fmt: skip


class Clock:
    """Time that stands still until it is told otherwise."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, by: timedelta) -> None:
        self.now += by


class Crash(BaseException):
    """The process is gone: nobody handles this, nobody records anything."""


class Line(InProcess):
    """The way to the simulators. Whoever names a `cursed` order gets no good answer, ever."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.cursed = ""

    def send(self, request: requests.PreparedRequest, *rest: Any, **more: Any) -> requests.Response:
        said = request.body.decode() if isinstance(request.body, bytes) else request.body or ""
        if self.cursed and self.cursed in f"{request.url} {said}":
            answer = requests.Response()
            answer.status_code, answer.url, answer.request = 500, request.url or "", request
            return answer
        return super().send(request, *rest, **more)


class Street:
    """A hub and the simulators of some channels, each connected and live. `relaxed` limits are a thousand times as fast. Only where they
    are `told`, channels push notices to us: webhooks, and Amazon's queue. With `carriers`, these are connected too, and what lies here can
    be sent by them; with `ledgers`, these are. `url` is another database than a file of the folder: one that is empty."""

    def __init__(
        self, folder: Path, names: Sequence[str] = CHANNELS, *, carriers: Sequence[str] = (), limits: str = "vendor", seed: int = 1,
        told: bool = False, url: str = "", ledgers: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.folder, self.limits, self.told, self.url, self.clock = folder, limits, told, url, Clock()
        self.stage = make_stage((*names, *carriers, *ledgers), ("channel", "carrier", "ledger"), clock=self.clock, seed=seed, limits=limits)
        self.line = Line(self.stage)
        self.logins: dict[str, dict[str, Any]] = {name: one.credentials(f"{BASE}/{name}") for name, (_, one) in self.stage.cast.items()}
        self.settings = self._settings()
        self.hub = self.open("street")
        self.chance(f"{seed}")
        schema.migrate(self.hub.database)
        self.merchant = flows.add_merchant(self.hub, "North Sea Trading").id
        self.place = self.hub.ids()
        with self.hub.unit() as work:
            stock.add_location(work.db, self.merchant, self.place, "Main")
        self.connections = {name: self._connect(name) for name in (*names, *carriers, *ledgers)}
        self.names, self.carriers = tuple(names), tuple(carriers)
        if carriers:
            furnish(self.hub, self.merchant, self.place, [])

    def _settings(self) -> Settings:
        apps = {
            f"CROSSDOCK_APPS__{name.upper()}__{key.upper()}": value
            for name, one in self.logins.items()
            for key, value in one["app"].items()
        }
        return load({"home": self.folder, "log_level": "error"}, apps)

    def chance(self, seed: str) -> None:
        """From now on ids are those of this seed: what is sorted by them is sorted alike when it is played again."""
        self.hub.ids = uuid7(self.clock, Random(seed).randbytes)

    def open(self, name: str) -> Hub:
        """A hub on this file of the folder."""
        settings = self.settings.model_copy(update={"database_url": self.url or f"sqlite:///{self.folder}/{name}.db"})
        hub = make_hub(settings, clock=self.clock, adapter=self.line)
        hub.jitter = lambda: 0.5
        return _hurried(hub)

    def _connect(self, name: str) -> Connection:
        login = self.logins[name]
        own = {key: value for key, value in login["settings"].items() if key != "queue_url" or self.told}
        if self.told:
            self.world(name).post.url = f"{HOOK}/{name}"
            own |= {} if "queue_url" in own else {"webhook_url": f"{HOOK}/{name}"}
        own |= {"faster": 1000.0 if self.limits == "relaxed" else 1.0, **({"min_age_s": 120} if name == "amazon" else {})}
        own |= PHONE if name == "dhl" else {}
        return flows.connect(self.hub, self.merchant, name, login["account"], login["login"], settings=own, stock_since=0, live_at=0)

    def world(self, name: str) -> World:
        return self.stage.cast[name][0]

    def simulator(self, name: str) -> Sells:
        simulator = self.stage.cast[name][1]
        assert isinstance(simulator, Sells)
        return simulator

    def carrier(self, name: str) -> Carries:
        carrier = self.stage.cast[name][1]
        assert isinstance(carrier, Carries)
        return carrier

    def ledger(self, name: str) -> Keeps:
        ledger = self.stage.cast[name][1]
        assert isinstance(ledger, Keeps)
        return ledger

    def offer(self, skus: Sequence[str], units: int = 1000) -> None:
        """Every channel shows these, and our shelves hold them; for carriers, with all that they and customs ask."""
        goods = [{"sku": sku, "title": f"A {sku}", "price": "9.00", "quantity": units, "currency": "USD"} for sku in skus]
        for name in self.names:
            self.simulator(name).catalogue(goods)
        rows = [{"sku": sku, "title": sku, "location": self.place, "on_hand": units} for sku in skus]
        with self.hub.unit() as work:
            stock.count(work.db, self.merchant, rows, work.now)
        if self.carriers:
            furnish(self.hub, self.merchant, self.place, skus)

    def sell(self, name: str, units: Mapping[str, int], to: str = "US") -> str:
        """Somebody in that country buys these of a channel and pays. Gives the channel's id of the order."""
        simulator = self.simulator(name)
        [made] = simulator.place({"lines": [{"sku": sku, "quantity": count} for sku, count in units.items()], "plain": True})
        document = simulator.state["orders"][made["id"]]
        home(name, document).update(HOMES[name, to])
        if name == "shopify" and document["body"]["financial_status"] != "paid":
            simulator.act(made["id"], "pay", {})
        return str(made["id"])

    def poll(self) -> None:
        """Orders are read, taken, reserved and released."""
        self.clock.pass_(timedelta(minutes=3))
        for name in self.names:
            self.ask("poll_orders", self.connections[name].id, self.connections[name].id)
        self.drain()
        while self._takes():
            self.clock.pass_(timedelta(seconds=1))
            self.drain()
        self.ask("release_orders", self.merchant)
        self.drain()

    def _takes(self) -> bool:
        """Orders that came are not all taken yet."""
        with self.hub.database.read() as db:
            return (
                run(db, "select 1 from tasks where kind in ('take_orders', 'fetch_orders') and state = 'due' limit 1").first() is not None
            )

    def ask(self, kind: str, subject: str, connection: str = "") -> None:
        with self.hub.unit() as work:
            work.ask(self.merchant, kind, subject, connection)

    def drain(self) -> None:
        """Everything that is due now."""
        while any([jobs.drain(self.hub, "inside"), jobs.drain(self.hub, "outside")]):
            pass

    def deliver(self, name: str) -> int:
        """A channel's webhooks come in. Gives how many."""
        connector = self.hub.connectors[name]
        if connector.webhooks is None:
            return 0
        door = connector.webhooks(door_kit(self.settings, self.hub, connector, self.line))

        def take(delivery: Delivery) -> int:
            headers = {key.lower(): value for key, value in delivery.headers.items()}
            notice = door.notice(delivery.body, headers, f"/webhooks/{name}")
            with self.hub.unit() as work:
                intake.keep(self.hub, work, self.connections[name], [notice])
            return 200

        return self.world(name).deliver(take)

    def there(self, name: str) -> set[str]:
        """The orders that the channel has and that can be read."""
        return {one["id"] for one in self.simulator(name).orders() if not one["parks"]}

    def here(self, name: str) -> set[str]:
        return set(self.taken(name))

    def taken(self, name: str) -> dict[str, int]:
        """When each order of a channel was taken in, in microseconds."""
        with self.hub.database.read() as db:
            return {row.channel_id: row.taken_at for row in run(db, TAKEN, connection=self.connections[name].id)}

    def findings(self) -> list[Finding]:
        with self.hub.database.read() as db:
            return list(reversed(listed(db, self.merchant)))

    def refusals(self) -> list[tuple[str, str, str]]:
        """(channel, call, when) of each call that a channel refused because it came too soon."""
        return [
            (name, str(entry["operation"]), str(entry["at"]))
            for name, (world, _) in self.stage.cast.items()
            for entry in world.log
            if entry.get("status") == 429
        ]

    def close(self) -> None:
        self.hub.database.close()


def _hurried(hub: Hub) -> Hub:
    """What is looked at here is what is written, not whether a disk keeps it."""

    if not hub.database.is_sqlite:
        return hub

    @event.listens_for(hub.database.engine, "connect")
    def _connect(raw: Any, _: Any) -> None:
        raw.execute("PRAGMA synchronous=OFF")

    return hub


def copied(state: Any) -> Any:
    """A simulator's state once more: it is plain JSON data."""
    if isinstance(state, dict):
        return {key: copied(value) for key, value in state.items()}
    return [copied(value) for value in state] if isinstance(state, list) else state


def put_back(database: Database, path: str) -> None:
    """Everything as it was when `Database.copy_to` wrote that file. Nobody else may be at it."""
    source, target = sqlite3.connect(path), database.engine.raw_connection()
    try:
        source.backup(target.driver_connection)  # type: ignore[arg-type]
    finally:
        target.close()
        source.close()


@contextmanager
def breaking(hub: Hub) -> Iterator[None]:
    """The next unit of this hub that belongs to a task is lost: its worker dies before it is committed."""
    real: Callable[..., Any] = hub.unit

    @contextmanager
    def unit(*args: Any, **more: Any) -> Iterator[Unit]:
        with real(*args, **more) as work:
            yield work
            if args:
                raise Crash

    hub.unit = unit  # type: ignore[method-assign]  # a death in the middle, not another behaviour
    try:
        yield
    finally:
        hub.unit = real  # type: ignore[method-assign]
