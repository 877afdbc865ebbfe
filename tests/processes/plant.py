"""The hub as an operator runs it: real processes on private servers, all on loopback, and a shop that sells to it. Everything here is
ended by the process id that started it."""

import contextlib
import http.client
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from config import servers
from config.bells import RedisBell
from config.servers import free_port, listens
from config.settings import Settings, load
from config.wiring import make_hub
from connectors.shopify.simulator import ACCOUNT, CLIENT_ID, CLIENT_SECRET, Simulator
from connectors.simulation import Delivery, Post, Stage, World
from core.domain.roles import Role
from core.flows import connections as flows
from core.flows import doctor, people, signin
from core.hub import Hub
from core.store import connections, schema, stock, tasks
from core.store.connections import Connection
from core.store.people import User
from core.store.sql import run

ROOT = Path(__file__).resolve().parents[2]
GUARD_S = 60.0  # how long anything may take before a test gives up; no test asks how fast
SKUS = [f"S{n:02}" for n in range(40)]
PLENTY = 1_000_000
TOPICS = ("orders/create", "orders/paid", "orders/updated")
WORKING = """
select 1 from tasks where state in ('due', 'running') and kind not in ('poll_orders', 'subscribe', 'compare_listings') limit 1
"""


def until(holds: Callable[[], Any], what: str, seconds: float = GUARD_S) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)


class Child:
    """One of our own commands as a process, in a session of its own."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "config.cli", *command], env=dict(environ), cwd=ROOT, stdout=out, stderr=out, start_new_session=True
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def children(self) -> list[int]:
        """The processes that it started and that live."""
        path = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        with contextlib.suppress(OSError):
            return [int(pid) for pid in path.read_text().split()]
        return []

    def end(self) -> int:
        """Ask it to end; gives its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=GUARD_S)

    def destroy(self) -> None:
        """It and what it started, at once."""
        for pid in (*self.children(), self.pid):
            kill(pid)
        self.process.wait()

    def says(self) -> str:
        return self.log.read_text(errors="replace")


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def lives(pid: int) -> bool:
    """A process that is more than a name which its parent has not read yet."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@dataclass
class Server:
    """A server that can be stopped and started again on its old data and port."""

    command: Sequence[str]
    folder: Path
    ready: Callable[[], bool]
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> "Server":
        with (self.folder / "log").open("ab") as out:
            self.process = subprocess.Popen(self.command, cwd=self.folder, stdout=out, stderr=out)
        until(self.ready, f"{self.command[0]} does not start: {(self.folder / 'log').read_text()[-500:]}")
        return self

    def stop(self, how: signal.Signals) -> None:
        if self.process:
            self.process.send_signal(how)
            self.process.wait(timeout=GUARD_S)
            self.process = None


@contextlib.contextmanager
def redis() -> Iterator[tuple[Server, str]]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not on this machine: apt-get install redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="crossdock-redis-") as folder:
        command = [program, "--port", str(port), "--save", "", "--bind", "127.0.0.1", "--dir", folder]
        server = Server(command, Path(folder), lambda: listens(port)).start()
        try:
            yield server, f"redis://127.0.0.1:{port}/0"
        finally:
            server.stop(signal.SIGKILL)


@contextlib.contextmanager
def postgres() -> Iterator[tuple[Server, str]]:
    """A private cluster with a migrated database; SIGQUIT stops it as `stop -m immediate` does."""
    programs = servers.postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not on this machine: apt-get install postgresql")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="crossdock-pg-") as name:
        folder, data = Path(name), str(Path(name) / "data")
        if os.getuid() == 0:
            shutil.chown(folder, servers.NOBODY)
        made = [str(programs / "initdb"), "-D", data, "-U", "crossdock", "-A", "trust", "-N"]
        subprocess.run(servers._as_other(made), cwd=folder, stdout=subprocess.DEVNULL, check=True)
        command = [str(programs / "postgres"), "-D", data, f"-p{port}", f"-k{folder}", "-cmax_connections=200"]
        asks = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        server = Server(servers._as_other(command), folder, lambda: subprocess.run(asks, check=False).returncode == 0).start()
        try:
            yield server, f"postgresql://crossdock@127.0.0.1:{port}/postgres"
        finally:
            server.stop(signal.SIGINT)


class Ticking:
    """The shop's clock, two days late. It leaps a second with each act there, since webhooks tell whole seconds."""

    def __init__(self) -> None:
        self.late = timedelta(days=2)

    def __call__(self) -> datetime:
        return datetime.now(UTC) - self.late

    def tick(self) -> None:
        self.late -= timedelta(seconds=1)


class _Silent(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Not to the terminal."""


@dataclass
class Shopfront:
    """The simulated Shopify, served by this process on a port."""

    clock: Ticking
    world: World
    simulator: Simulator
    server: BaseWSGIServer
    url: str

    def grant(self, name: str) -> dict[str, str]:
        """A login of its own for each hub: a refresh token that two share ends for one of them when the other uses its successor."""
        with self.world.lock:
            self.simulator.state["refresh"] |= {f"granted-to-{name}": None}
        return {"refresh_token": f"granted-to-{name}"}

    def sell(self, count: int, seed: int) -> list[tuple[str, list[Delivery]]]:
        """So many buyers; gives each order with its webhooks: created, paid, updated."""
        return [self._one(random.Random(f"{seed}:{n}")) for n in range(count)]

    def _one(self, chance: random.Random) -> tuple[str, list[Delivery]]:
        with self.world.lock:
            cart = [{"sku": sku, "quantity": chance.randint(1, 3)} for sku in chance.sample(SKUS, chance.randint(1, 3))]
            [placed] = self.simulator.place({"lines": cart})
            for what in ("pay", "touch"):
                self.clock.tick()
                self.simulator.act(placed["id"], what, {})
            self.clock.tick()
            told, self.world.outbox = self.world.outbox, []
        by_topic = {one.headers["X-Shopify-Topic"]: one for one in told}
        return placed["id"], [by_topic[topic] for topic in TOPICS]

    def units(self, orders: Iterable[str]) -> dict[str, dict[str, int]]:
        wanted = set(orders)
        return {one["id"]: one["units"] for one in self.simulator.orders() if one["id"] in wanted}


@contextlib.contextmanager
def shopfront() -> Iterator[Shopfront]:
    clock = Ticking()
    world = World(clock, post=Post(url="http://hub.test"))
    simulator = Simulator(world)
    simulator.state["hooks"].append({"id": 1, "topic": "ORDERS_PAID", "uri": "https://hub.test"})
    goods = [{"sku": sku, "title": f"A {sku}", "price": "10.00", "quantity": PLENTY, "currency": "USD"} for sku in SKUS]
    simulator.catalogue(goods)
    server = make_server("127.0.0.1", 0, Stage({"shopify": (world, simulator)}), threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Shopfront(clock, world, simulator, server, f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


IDLE_S = 5.0  # the server ends lines that say nothing for longer


@dataclass
class Plant:
    """A shop, the hub's processes, and our own look into its database."""

    home: Path
    settings: Settings
    hub: Hub
    shop: Shopfront
    merchant: str
    connection: Connection
    environ: dict[str, str]
    children: list[Child] = field(default_factory=list)
    _own: threading.local = field(default_factory=threading.local)
    _lines: list[http.client.HTTPConnection] = field(default_factory=list)

    def start(self, *command: str) -> Child:
        child = Child(command, self.environ, self.home / f"{command[0]}.log")
        self.children.append(child)
        return child

    def serve(self) -> Child:
        child = self.start("serve", "--port", str(self.settings.port))
        until(lambda: self.get("/healthz") == 200, f"serve does not answer: {child.says()[-2000:]}")
        return child

    def get(self, path: str, cookie: str = "") -> int:
        """The status, or 0 where nobody answers."""
        try:
            return self._ask("GET", path, None, {"Cookie": cookie} if cookie else {})
        except OSError:
            return 0

    def sign_in(self) -> str:
        """The cookie of somebody who works here."""
        made = people.add(self.hub, self.merchant, "ada@staff.example", "Ada", Role.OWNER)
        assert isinstance(made, User)
        with self.hub.database.write() as db:
            token = signin.begin(self.hub, db, made.id, self.merchant, "").token
        return f"crossdock={self.hub.vault.sign('crossdock', token)}"

    def post(self, one: Delivery) -> int:
        """Deliver a webhook; gives the status, or 0 where the connection broke."""
        try:
            return self._ask("POST", "/webhooks/shopify", one.body, one.headers)
        except (OSError, http.client.HTTPException):
            return 0

    def _ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> int:
        line: http.client.HTTPConnection | None = getattr(self._own, "line", None)
        if line is None:
            line = self._own.line = http.client.HTTPConnection("127.0.0.1", self.settings.port, timeout=10)
            self._lines.append(line)
        elif time.monotonic() - self._own.at > IDLE_S:
            line.close()  # it opens itself again; a line that the server just ended would look like a server that is away
        self._own.at = time.monotonic()
        try:
            line.request(method, path, body, dict(headers))
            answer = line.getresponse()
            answer.read()
            return answer.status
        except (OSError, http.client.HTTPException):
            line.close()
            self._own.line = None
            raise

    def deliver(self, deliveries: Iterable[Delivery], clients: int = 8) -> Counter[int]:
        """As a channel does: what is not answered with 200 comes again. Gives how often each answer was given."""
        with self._clients(clients) as pool:
            return Counter(status for said in pool.map(self._insist, deliveries) for status in said)

    @contextlib.contextmanager
    def _clients(self, count: int) -> Iterator[ThreadPoolExecutor]:
        """Each keeps its line open until all are done."""
        with ThreadPoolExecutor(count) as pool:
            yield pool
        self.hang_up()

    def hang_up(self) -> None:
        """Close our lines to the hub."""
        for line in self._lines:
            line.close()
        self._lines.clear()

    def _insist(self, one: Delivery) -> list[int]:
        said, end = [self.post(one)], time.monotonic() + GUARD_S
        while said[-1] != 200 and time.monotonic() < end:
            time.sleep(0.05)
            said.append(self.post(one))
        return said

    def poll(self) -> None:
        """Have all orders of the shop polled from the beginning, as after a new login."""
        with self.hub.unit() as work:
            connections.set_mark(work.db, self.merchant, self.connection.id, "orders", work.now - 3 * 86_400_000_000, None)
            work.ask(self.merchant, "poll_orders", self.connection.id, self.connection.id)

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        with self.hub.database.read() as db:
            return [tuple(row) for row in db.execute(text(query), values)]

    def taken(self) -> set[str]:
        return {id for (id,) in self.rows("select channel_id from orders")}

    def quiet(self, orders: Iterable[str]) -> bool:
        return not self.rows(WORKING) and set(orders) <= self.taken()

    def settle(self, orders: Iterable[str]) -> None:
        """Wait until all of it is done; what dead workers parked, or what rests after two of them, is looked at by a person, who says:
        again."""
        wanted = list(orders)
        with contextlib.suppress(AssertionError):
            until(lambda: self.quiet(wanted) or self._crashed(), "")
        if self._crashed():
            with self.hub.database.write() as db:
                tasks.retry(db, self.merchant, self.hub.now)
                run(db, "update tasks set due_at = :now where state = 'due' and crashes >= 2", now=self.hub.now)
        until(lambda: self.quiet(wanted), f"{len(set(wanted) - self.taken())} orders are missing; open: {self._open()}")

    def _crashed(self) -> bool:
        return bool(self.rows("select 1 from tasks where (state = 'parked' and cause = 'Crash') or (state = 'due' and crashes >= 2)"))

    def _open(self) -> list[tuple[Any, ...]]:
        return self.rows("select kind, state, cause, detail, count(*) from tasks where state <> 'done' group by 1, 2, 3, 4")

    def check(self, orders: Iterable[str]) -> None:
        """Each order is here once, was taken once, and its open units are reserved once."""
        wanted = list(orders)
        refs = [f"{self.connection.id}/{one}" for one in wanted]
        held: dict[str, dict[str, int]] = {one: {} for one in wanted}
        for order, sku, units in self.rows("select o.channel_id, r.sku, r.units from reservations r join orders o on o.id = r.order_id"):
            if order in held:
                held[order][sku] = held[order].get(sku, 0) + units
        first = dict(self.rows("select subject, count(*) from events where kind = 'OrderTaken' group by subject"))
        assert [one for one in refs if first.get(one) != 1] == []
        assert held == self.shop.units(wanted)
        assert self.rows("select kind, cause, detail from tasks where state = 'parked'") == []
        with self.hub.database.read() as db:
            assert [one for one in doctor.examine(db, self.hub.now) if not one.ok] == []

    def close(self) -> None:
        self.hang_up()
        for child in self.children:
            child.destroy()
        self.hub.database.close()


def build(home: Path, shop: Shopfront, database_url: str, redis_url: str) -> Plant:
    """A plant whose processes are not started yet."""
    port = free_port()
    said = {
        "CROSSDOCK_HOME": str(home),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "CROSSDOCK_PORT": str(port),
        "CROSSDOCK_LOG_LEVEL": "warning",
        "CROSSDOCK_APPS__SHOPIFY__CLIENT_ID": CLIENT_ID,
        "CROSSDOCK_APPS__SHOPIFY__CLIENT_SECRET": CLIENT_SECRET,
    }
    settings = load({}, {name: value for name, value in said.items() if value})
    hub = make_hub(settings, bell=RedisBell(redis_url) if redis_url else None)
    schema.migrate(hub.database)
    merchant = flows.add_merchant(hub, "North Sea Trading").id
    with hub.unit() as work:
        stock.add_location(work.db, merchant, "main", "Main")
        stock.count(work.db, merchant, [{"sku": sku, "title": sku, "location": "main", "on_hand": PLENTY} for sku in SKUS], work.now)
    there = shop.simulator.credentials(f"{shop.url}/shopify")
    own = {**there["settings"], "min_age_s": 0, "verify_s": 1, "faster": 1000.0}
    one = flows.connect(hub, merchant, "shopify", ACCOUNT, shop.grant(merchant), settings=own, stock_since=0, live_at=0)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CROSSDOCK_", "DATABASE_URL", "REDIS_URL"))}
    return Plant(home, settings, hub, shop, merchant, one, {**clean, **{name: value for name, value in said.items() if value}})
