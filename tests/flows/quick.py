"""Databases that do not wait for the disk, and houses on SQLite by the hundred, for tests that try many stories."""

import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from sqlalchemy import event

from config.settings import load
from config.wiring import make_kit
from connectors.bogus import manifest
from connectors.bogus.channel import Bogus
from core.flows import connections as flows
from core.hub import Hub
from core.store import connections, schema, stock
from core.store.engine import Database
from core.store.vault import Vault
from tests.conftest import Clock, House


def hurry(database: Database) -> Database:
    statement = "PRAGMA synchronous=OFF" if database.is_sqlite else "set synchronous_commit = off"

    @event.listens_for(database.engine, "connect")
    def _connect(raw: Any, _: Any) -> None:
        raw.execute(statement)
        raw.commit()

    return database


def counted(prefix: str = "id") -> Callable[[], str]:
    """Ids in order, the same in every run."""
    last = 0

    def make() -> str:
        nonlocal last
        last += 1
        return f"{prefix}-{last:06d}"

    return make


class Houses:
    """Houses with one merchant on bogus channels of these names, each on a copy of one file."""

    def __init__(self, folder: Path, *names: str, make_database: Callable[[str], Database] = Database, merges: bool = False) -> None:
        self.folder, self.names, self.make_database, self.merges, self.made = folder, names, make_database, merges, 0
        self.settings = load({"home": folder}, {"CROSSDOCK_APPS__BOGUS__SECRET": "s3cret"})
        first = Database(f"sqlite:///{folder}/first.db")
        schema.migrate(first)
        hub = self.hub(first, Clock(), {name: Bogus(account=name, merges=merges) for name in names}, counted("first"))
        self.merchant, self.place = flows.add_merchant(hub, "North Sea Trading"), "place"
        with hub.unit() as work:
            stock.add_location(work.db, self.merchant.id, self.place, "Main")
        for name in names:
            flows.connect(hub, self.merchant.id, "bogus", name, {}, stock_since=0, live_at=0)
        first.copy_to(f"{folder}/template.db")
        first.close()
        self.listings: dict[str, dict[Any, Any]] = {name: {} for name in names}
        self.start = Clock().now

    def furnish(self, furnish: Callable[[House], None]) -> None:
        """Every house from now on begins as this leaves one."""
        house = self.make()
        furnish(house)
        (self.folder / "template.db").unlink()
        house.hub.database.copy_to(f"{self.folder}/template.db")
        house.hub.database.close()
        self.listings = {name: system.listings for name, system in house.systems.items()}
        self.start = house.clock.now

    def hub(self, database: Database, clock: Clock, systems: dict[str, Bogus], ids: Callable[[], str]) -> Hub:
        return Hub(
            database=database,
            vault=Vault({"k1": bytes(32)}),
            connectors={"bogus": manifest(*systems.values())},
            make_kit=lambda hub, connection, connector: make_kit(self.settings, None, hub, connection, connector),
            clock=clock,
            jitter=lambda: 0.5,
            make_id=ids,
        )

    def make(self, **different: Any) -> House:
        """A new house; `different` are settings of its channels."""
        self.made += 1
        path = self.folder / f"house-{self.made % 4}.db"
        for old in self.folder.glob(f"{path.name}*"):
            old.unlink()
        shutil.copy(self.folder / "template.db", path)
        clock = Clock(self.start)
        different = {"merges": self.merges, **different}
        systems = {
            name: Bogus(account=name, clock=clock, listings=deepcopy(self.listings[name]), placed=10_000 * n * self.merges, **different)
            for n, name in enumerate(self.names)
        }
        hub = self.hub(hurry(self.make_database(f"sqlite:///{path}")), clock, systems, counted("own"))
        with hub.database.read() as db:
            known = {one.account: one for one in connections.all_of(db, self.merchant.id)}
        return House(hub, clock, self.merchant, systems, {name: known[name] for name in self.names}, self.place)
