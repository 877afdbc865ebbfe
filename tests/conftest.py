"""What tests share: a hub over a real database, bogus channels, a clock that the test turns, and `drain`, which plays the worker."""

import gc
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from config import logging
from config.settings import load
from config.wiring import make_kit
from connectors.bogus import manifest
from connectors.bogus.channel import Bogus
from core import jobs
from core.flows import connections as flows
from core.hub import Hub
from core.store import listings, schema, stock
from core.store.connections import Connection, Merchant
from core.store.engine import Database
from core.store.vault import Vault
from tests import quarters, servers

logging.set_up("error")
ROUNDS = 4
UNTIL_POLLED = timedelta(minutes=3, seconds=3)
DAY_US = 86_400_000_000
# When the next task may be begun: it is due, and its connection is not blocked. One that is paused may end that at any time.
NEXT_DUE = """
select min(case when c.blocked_until > t.due_at then c.blocked_until else t.due_at end)
from tasks t left join connections c on c.id = t.connection where t.state = 'due'
"""
START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@dataclass
class Clock:
    """Time that stands still until it is told otherwise."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, by: timedelta) -> None:
        self.now += by


@dataclass
class House:
    """A hub with one merchant, connected to bogus channels that its tests own."""

    hub: Hub
    clock: Clock
    merchant: Merchant
    systems: dict[str, Bogus]
    connections: dict[str, Connection] = field(default_factory=dict)
    place: str = ""

    @property
    def bogus(self) -> Bogus:
        return next(iter(self.systems.values()))

    @property
    def connection(self) -> Connection:
        return next(iter(self.connections.values()))

    def shelve(self, **units: int) -> None:
        """Count these SKUs on the shelf, and offer each on every channel."""
        for system in self.systems.values():
            for sku, count in units.items():
                if not any(mine == sku for _, mine in system.listings):
                    system.offer(sku, count)
        rows = [{"sku": sku, "title": sku, "location": self.place, "on_hand": count} for sku, count in units.items()]
        with self.hub.unit() as work:
            stock.count(work.db, self.merchant.id, rows, work.now)
            listings.touch(work.db, self.merchant.id, units, None)
            for connection in self.connections.values():
                work.ask(self.merchant.id, "read_listings", connection.id, connection.id)
        self.drain()

    def ask(self, kind: str, subject: str | None = None, connection: Connection | None = None) -> None:
        one = connection or self.connection
        with self.hub.unit() as work:
            work.ask(self.merchant.id, kind, subject or one.id, one.id)

    def drain(self, through: timedelta = timedelta(0)) -> None:
        """Play the worker. What is to be raised waits for orders to be read past the figure that it was compared with: minutes pass
        for that, too."""
        self.work(through)
        for _ in range(ROUNDS):
            if not self.waits_to_raise():
                return
            self.clock.pass_(UNTIL_POLLED)
            self.work(timedelta(seconds=2))

    def waits_to_raise(self) -> bool:
        with self.hub.database.read() as db:
            return any(listings.first_raise(db, one.id) is not None for one in self.connections.values())

    def work(self, through: timedelta = timedelta(0)) -> None:
        """Do everything that is due now, and what falls due while time passes."""
        end = self.clock.now + through
        while True:
            while any([jobs.drain(self.hub, "inside"), jobs.drain(self.hub, "outside")]):
                pass
            if self.clock.now >= end:
                return
            self.clock.pass_(min(self.until_due(), end - self.clock.now))

    def until_due(self) -> timedelta:
        """So many whole seconds from now something falls due, at least one; a day where nothing will."""
        with closing(self.hub.database.engine.raw_connection()) as raw:  # beside whoever counts statements, or fails them
            (due_us,) = raw.driver_connection.execute(NEXT_DUE).fetchone()
            raw.rollback()
        wait_us = DAY_US if due_us is None else due_us - self.hub.now
        return timedelta(seconds=max(1, -(-wait_us // 1_000_000)))

    def poll(self) -> None:
        for connection in self.connections.values():
            self.ask("poll_orders", connection=connection)
        self.drain()


def pytest_configure(config: pytest.Config) -> None:
    quarters.move_in(config)
    hypothesis.settings.register_profile("calm", deadline=None)  # how long something takes is the bench's to judge
    hypothesis.settings.load_profile("calm")


def pytest_unconfigure(config: pytest.Config) -> None:
    quarters.move_out(config)


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    return quarters.workers()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    return quarters.scheduler(config, log)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A server that asks no disk; those that must survive their death are tests/processes' own."""
    with servers.postgres(durable=False) as address:
        yield address


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: str) -> Iterator[servers.Databases]:
    with servers.databases(postgres_server) as made:
        yield made


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with servers.redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "house.db"
    database = Database(f"sqlite:///{path}")
    schema.migrate(database)
    database.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("vacuum")  # migrations leave room in it, and some tests want a file that is full
    return path


@pytest.fixture
def young(request: pytest.FixtureRequest) -> None:
    """The test's database is new, so that its plans are those of one without statistics."""
    if "postgresql" in request.node.name:
        databases: servers.Databases = request.getfixturevalue("postgres_databases")
        databases.only_young()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty, migrated database of each kind."""
    if request.param == "sqlite":
        path = tmp_path / "house.db"
        path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
        yield f"sqlite:///{path}"
        return
    databases: servers.Databases = request.getfixturevalue("postgres_databases")
    with databases.one() as address:
        yield address


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make_house(database: Database, clock: Clock, tmp_path: Path) -> Callable[..., House]:
    """make_house("north", "south") is a hub with one merchant on two bogus channels of those names."""

    def make(*names: str) -> House:
        systems = {name: Bogus(account=name, clock=clock) for name in names or ("bogus",)}
        settings = load({"home": tmp_path}, {"CROSSDOCK_APPS__BOGUS__SECRET": "s3cret"})
        hub = Hub(
            database=database,
            vault=Vault({"k1": bytes(32)}),
            connectors={"bogus": manifest(*systems.values())},
            make_kit=lambda hub, connection, connector: make_kit(settings, None, hub, connection, connector),
            clock=clock,
            jitter=lambda: 0.5,
        )
        merchant = flows.add_merchant(hub, "North Sea Trading")
        place = hub.ids()
        with hub.unit() as work:
            stock.add_location(work.db, merchant.id, place, "Main")
        made = {name: flows.connect(hub, merchant.id, "bogus", name, {}, stock_since=0, live_at=0) for name in systems}
        house = House(hub, clock, merchant, systems, made, place)
        house.drain()
        return house

    return make


@pytest.fixture
def house(make_house: Callable[..., House]) -> House:
    return make_house()
