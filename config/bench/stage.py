"""What is measured on: databases of both kinds that are ended with the run, and a hub with one shop on one of them."""

import random
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Connection, create_engine

from config import servers
from config.bench import bodies
from config.bench.bodies import Body
from config.bench.child import settings_for
from config.settings import Settings
from config.wiring import door_kit, make_hub
from core.flows import connections as flows
from core.flows import intake
from core.hub import Hub
from core.ports import Notice, Webhooks
from core.store import listings, schema, stock
from core.store.connections import Connection as Login
from core.store.engine import Database
from core.store.sql import run, run_set
from core.store.tables import metadata

PLENTY = 1_000_000
SET = 500  # notices kept in one transaction where keeping is not what is measured


@dataclass
class Stores:
    """`names` are the kinds of database that this machine has; `missing` says how to get what it has not."""

    folder: Path
    server: str | None
    missing: str = ""

    @property
    def names(self) -> list[str]:
        return ["postgresql", "sqlite"] if self.server else ["sqlite"]

    @property
    def best(self) -> str:
        """The one that bears load."""
        return self.names[0]

    def new(self, store: str) -> str:
        """The address of an empty, migrated database of this kind."""
        return self._copy() if store == "sqlite" else self._clone()

    def _copy(self) -> str:
        template, path = self.folder / "template.db", self.folder / f"{_name()}.db"
        if not template.exists():
            _migrate(f"sqlite:///{template}")
        shutil.copyfile(template, path)
        return f"sqlite:///{path}"

    def _clone(self) -> str:
        name = _name()
        command(f"{self.server}/postgres", f"create database {name} template crossdock_template")
        return f"{self.server}/{name}"


def _name() -> str:
    return f"bench_{random.getrandbits(40):010x}"


def _migrate(url: str) -> None:
    database = Database(url)
    schema.migrate(database)
    database.close()


def command(url: str, statement: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as db:
        db.exec_driver_sql(statement)
    engine.dispose()


@contextmanager
def stores(kinds: Collection[str] = ("postgresql", "sqlite")) -> Iterator[Stores]:
    """A folder for SQLite files and, where asked for and on this machine, a private PostgreSQL; both are gone at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="crossdock-bench-")))
        if "postgresql" not in kinds:
            yield Stores(folder, None)
            return
        try:
            server = stack.enter_context(servers.postgres())
        except servers.NotHere as error:
            yield Stores(folder, None, str(error))
            return
        command(f"{server}/postgres", "create database crossdock_template")
        _migrate(f"{server}/crossdock_template")
        yield Stores(folder, server)


def copy_rows(db: Connection, table: str, names: Collection[str], times: int) -> None:
    """Each row of the table once more for each number below `times`, the columns `names` with "-number" at their end; notices without
    their bodies. Much faster than the normal way."""
    values = {name: f"x.{name} || '-' || cast(r.n as text)" if name in names else f"x.{name}" for name in columns_of(table)}
    copy = f"insert into {table} ({', '.join(values)}) select {', '.join(values.values())} from {{rows}} cross join {table} x"  # noqa: S608 - our own words
    run_set(db, copy, {"n": "int"}, [{"n": number} for number in range(1, times)])


def columns_of(table: str) -> list[str]:
    """What is copied of it: not what the database counts, nor what is sealed for its place."""
    every = [column.name for column in metadata.tables[table].columns if column.name != "id" or table == "orders"]
    return [name for name in every if (table, name) != ("inbox", "body")]


def tidy(database: Database) -> None:
    """As after some quiet minutes: statistics are fresh, and what a fast load left behind is swept up."""
    for statement in ("analyze", "pragma wal_checkpoint(truncate)") if database.is_sqlite else ("vacuum (analyze, index_cleanup on)",):
        command(database.url, statement)


@dataclass
class Shop:
    """A hub with one merchant and one Shopify shop, whose goods are on the shelf in plenty."""

    settings: Settings
    hub: Hub
    merchant: str
    connection: Login
    webhooks: Webhooks

    def keep(self, found: Sequence[Body], prefix: str = "d") -> None:
        """Put these orders into the inbox, some hundreds a transaction, past the door."""
        for start in range(0, len(found), SET):
            notices = [self.notice(body.raw, f"{prefix}{start + n}") for n, body in enumerate(found[start : start + SET])]
            with self.hub.unit() as work:
                intake.keep(self.hub, work, self.connection, notices)

    def notice(self, raw: bytes, delivery: str) -> Notice:
        """The notice of these bytes, their signature checked."""
        return self.webhooks.notice(raw, bodies.headers(raw, delivery, self.connection.account), "/webhooks/shopify")

    def count(self, table: str, which: str = "true") -> int:
        """Rows of this shop's merchant."""
        with self.hub.database.read() as db:
            query = f"select count(*) from {table} where merchant = :merchant and {which}"  # noqa: S608 - our own words
            found: int = run(db, query, merchant=self.merchant).scalar_one()
            return found

    def close(self) -> None:
        self.hub.database.close()


def open_shop(url: str, home: Path, goods: Collection[tuple[str, str]], account: str = bodies.ACCOUNT, **more: Any) -> Shop:
    """A shop that sells these (listing, SKU)."""
    settings = settings_for(url, home, **more)
    hub = make_hub(settings)
    return add_shop(settings, hub, goods, account)


def add_shop(settings: Settings, hub: Hub, goods: Collection[tuple[str, str]], account: str) -> Shop:
    """One more merchant with a shop on this hub."""
    connector = hub.connectors["shopify"]
    merchant = flows.add_merchant(hub, account).id
    connection = flows.connect(hub, merchant, "shopify", account, {"access_token": "made-up"}, stock_since=0, live_at=0)
    place = hub.ids()
    with hub.unit() as work:
        work.db.exec_driver_sql("delete from tasks")
        stock.add_location(work.db, merchant, place, "Main")
        _shelve(work, merchant, connection.id, place, goods)
    if connector.webhooks is None:
        raise LookupError("shopify has no webhooks")
    return Shop(settings, hub, merchant, connection, connector.webhooks(door_kit(settings, hub, connector)))


def _shelve(work: Any, merchant: str, connection: str, place: str, goods: Collection[tuple[str, str]]) -> None:
    skus = sorted({sku for _, sku in goods if sku})
    stock.count(work.db, merchant, [{"sku": sku, "title": sku, "location": place, "on_hand": PLENTY} for sku in skus], work.now)
    rows = [
        {"listing": listing, "sku": sku, "title": sku, "handle": "{}", "writable": None, "shown": PLENTY}
        for listing, sku in sorted(goods) if listing
    ]  # fmt: skip
    listings.keep(work.db, merchant, connection, rows, work.now)
    listings.propose(work.db, merchant)
