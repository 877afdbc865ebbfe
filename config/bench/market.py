"""One merchant who sells on several channels at once: Bogus channels in this process, that note when they are told what."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from sqlalchemy import text

from config.bells import ThreadBell
from config.bench.child import SECRET, settings_for
from config.bench.ingest import call
from config.bench.stage import copy_rows, tidy
from config.processes import Drains, make_wsgi
from config.wiring import make_kit
from connectors.bogus import manifest
from connectors.bogus.channel import Bogus
from connectors.bogus.webhooks import signed
from connectors.http import write_json
from core.flows import connections as flows
from core.hub import Hub, Silent
from core.jobs import Keeper
from core.ports import Answer, Push
from core.store import listings, stock
from core.store.connections import Connection
from core.store.engine import Database
from core.store.unit import Unit
from core.store.vault import Vault

SOON_US = 5_000_000  # what is due later waits for the clock, not for a worker
OPEN = text("select 1 from tasks where state in ('due', 'running') and due_at < :soon limit 1")
CATALOGUE = {"skus": ("sku",), "levels": ("sku",), "listings": ("listing", "sku", "alike")}


@dataclass
class Listener(Bogus):
    """A channel that remembers when it was first told of each SKU, and thinks before it answers."""

    heard: dict[str, float] = field(default_factory=dict)
    thinks_s: float = 0.0

    @contextmanager
    def call(self, method: str, what: Any = None) -> Iterator[None]:
        sleep(self.thinks_s if method == "show" else 0.0)
        with super().call(method, what):
            yield

    def write(self, push: Push) -> Answer:
        self.heard.setdefault(push.sku, perf_counter())
        return super().write(push)


@dataclass
class Market:
    hub: Hub
    merchant: str
    place: str
    systems: dict[str, Listener]
    connections: dict[str, Connection]
    application: Any
    keeper: Keeper

    def shelve(self, skus: Sequence[str], units: int, times: int = 1) -> None:
        """Count these SKUs, and offer each on every channel, which shows them already. With `times` the catalogue holds so many
        for each, of which the channels here know only the first: nobody buys the others."""
        with self.hub.unit() as work:
            self._shelve(work, skus, units)
            if times > 1:
                for table, names in CATALOGUE.items():
                    copy_rows(work.db, table, names, times)
            listings.propose(work.db, self.merchant)
            work.db.exec_driver_sql("update listings set told = changed")
        tidy(self.hub.database)

    def _shelve(self, work: Unit, skus: Sequence[str], units: int) -> None:
        rows = [{"sku": sku, "title": sku, "location": self.place, "on_hand": units} for sku in skus]
        stock.count(work.db, self.merchant, rows, work.now)
        for name, system in self.systems.items():
            found = [_offered(system, sku, units) for sku in skus]
            listings.keep(work.db, self.merchant, self.connections[name].id, found, work.now)

    def sell(self, name: str, sku: str) -> str:
        """A buyer takes one at this channel, which tells us of it. Gives the order."""
        document = self.systems[name].sell({sku: 1})
        raw = write_json(document)
        self.knock(raw, signed(raw, SECRET, delivery=document["id"], account=name))
        return str(document["id"])

    def knock(self, raw: bytes, headers: dict[str, str]) -> None:
        if (status := call(self.application, raw, headers, "/webhooks/bogus")) != 200:
            raise RuntimeError(f"the door answered {status}")

    @property
    def pushes(self) -> int:
        return sum(len(shelf.writes) for system in self.systems.values() for shelf in system.listings.values())

    @property
    def calls(self) -> int:
        return sum(len(system.calls) for system in self.systems.values())

    def rest(self, most_s: float = 20.0) -> None:
        """Wait until nothing is due any more. Raises TimeoutError."""
        end = perf_counter() + most_s
        while self._open():
            if perf_counter() > end:
                raise TimeoutError("the market does not come to rest")
            sleep(0.02)

    def _open(self) -> bool:
        with self.hub.database.read() as db:
            return bool(db.execute(OPEN, {"soon": self.hub.now + SOON_US}).first())


def _offered(system: Bogus, sku: str, units: int) -> dict[str, Any]:
    system.offer(sku, units)
    return {"listing": f"L-{sku}", "sku": sku, "title": sku, "handle": "{}", "writable": None, "shown": units}


@contextmanager
def market(
    url: str, home: Path, names: Sequence[str], *, drains: bool = True, make: Callable[..., Listener] = Listener,
    watch: Callable[[Hub], Keeper] = Keeper, **system: Any,
) -> Iterator[Market]:  # fmt: skip
    """A hub with these channels, and its drains at work in this process; `watch` makes what holds their claims. `system` are
    settings of the channels that `make` makes: one thinks so long before it answers a push."""
    settings, bell = settings_for(url, home), ThreadBell()
    systems = {name: make(account=name, **system) for name in names}
    hub = Hub(
        database=Database(url),
        vault=Vault({"k1": bytes(32)}),
        connectors={"bogus": manifest(*systems.values())},
        make_kit=lambda hub, connection, connector: make_kit(settings, None, hub, connection, connector),
        bell=bell if drains else Silent(),
    )
    merchant, place = flows.add_merchant(hub, "Market").id, hub.ids()
    made = {name: flows.connect(hub, merchant, "bogus", name, {}, stock_since=0, live_at=0, settings={"faster": 1e6}) for name in names}
    with hub.unit() as work:
        work.db.exec_driver_sql("delete from tasks")
        stock.add_location(work.db, merchant, place, "Main")
    keeper = watch(hub)
    running = Drains(hub, bell, settings.outside_workers, keeper).start() if drains else None
    try:
        yield Market(hub, merchant, place, systems, made, make_wsgi(settings, hub), keeper)
    finally:
        if running:
            running.stop()
        hub.database.close()
