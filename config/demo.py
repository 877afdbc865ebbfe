"""The rehearsal: simulators and a hub as children of this process, one merchant on three channels, orders, and the checks."""

import base64
import fcntl
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import requests
import structlog
from pydantic import SecretStr

from config import demo_books, demo_dock, tour_carriers, tour_ledgers
from config import tour as tours
from config.catalogue import products
from config.printers_simulated import Tray
from config.processes import environment
from config.settings import BadSettings, Settings
from config.wiring import make_hub
from core.domain.money import Money
from core.domain.roles import Role
from core.domain.who import COMMAND_LINE
from core.flows import connections as flows
from core.flows import passwords, people
from core.flows.overview import Overview, overview, percentile
from core.hub import Hub
from core.store import connections, listings, places, schema, stock, tasks
from core.store.connections import Connection, Merchant
from core.store.people import User
from core.store.sql import run as sql

MERCHANT, OWNER = "Crossdock demo", "owner@example.com"
PATIENCE_S = {"relaxed": 180.0, "vendor": 900.0}  # Amazon lists orders after two minutes, and every three minutes
ROLES = (connections.CHANNEL, connections.CARRIER, connections.LEDGER)
READY_S = 60.0
HERE = "127.0.0.1"
PER_S = 100  # buyers at a sale
COPIED = 6  # of so many turns at the channels an app brings an order of Amazon's into the shop too
POST = {"duplicates": 0.1, "reorder": 0.1, "drop": 0.02}  # how webhooks travel in the rehearsal
OWN = {"demo": True, "poll_s": 5, "min_age_s": 0, "verify_s": 1}  # a connection that this rehearsal made, polled as often as we like
QUICK = {"faster": 1000.0}  # a ledger's calls are as many as its simulator takes under relaxed limits

log = structlog.get_logger("demo")


class Failed(Exception):
    """The rehearsal cannot go on; the text says why."""


@dataclass
class Stagehand:
    """Talks to the simulators' control doors."""

    base: str
    http: requests.Session = field(default_factory=requests.Session)

    def get(self, name: str, what: str) -> Any:
        return self._read(self.http.get(f"{self.base}/{name}/_sim/{what}", timeout=30))

    def post(self, name: str, what: str, body: object) -> Any:
        return self._read(self.http.post(f"{self.base}/{name}/_sim/{what}", json=body, timeout=60))

    def _read(self, answer: requests.Response) -> Any:
        if answer.status_code != 200:
            raise Failed(f"a simulator answered {answer.status_code} to {answer.request.path_url}")
        return answer.json()

    def names(self) -> list[str]:
        found: list[str] = self.http.get(f"{self.base}/_sim", timeout=5).json()["simulators"]
        return found


@dataclass
class Stage:
    """Everything that runs: the hub as we see it, its merchant and connections, the simulators."""

    settings: Settings
    hub: Hub
    hand: Stagehand
    merchant: Merchant
    by_channel: dict[str, Connection]
    patience_s: float
    password: str
    doors: dict[str, str] = field(default_factory=dict)  # by channel, where its simulated admin shows the hub
    carriers: dict[str, Connection] = field(default_factory=dict)
    ledgers: dict[str, Connection] = field(default_factory=dict)
    printers: dict[str, Tray] = field(default_factory=dict)  # by their stations' names
    started: float = field(default_factory=time.monotonic)

    @property
    def everybody(self) -> dict[str, Connection]:
        return {**self.by_channel, **self.carriers, **self.ledgers}


@dataclass(frozen=True, slots=True)
class FirstDay:
    """A business that ran before us: what its channels hold when we come, and how it is joined."""

    before: Callable[[Stagehand, list[str], int, int], None]
    play: Callable[[Stage, Callable[[str], None]], dict[str, Any]]


def run(
    settings: Settings, *, count: int, seed: int, and_exit: bool, limits: str, record: Path | None, tour: bool, as_json: bool,
    first_day: FirstDay | None = None,
) -> int:  # fmt: skip
    """Rehearse; gives the exit code. However it ends, its children end with it."""
    say: Callable[[str], None] = (lambda words: None) if as_json else print
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with ExitStack() as over:
        try:
            stage = _set_up(settings, over, count=count, seed=seed, limits=limits, record=record, first_day=first_day)
            say(f"The hub is up. Orders and stock, live: {stage.settings.public_url}\nSign in as {OWNER} with {stage.password}")
            _say_doors(stage, say)
            joined = first_day.play(stage, say) if first_day else None
            _play(stage, count, seed, quiet=as_json)
            if tour:
                _tour(stage)
            report = _examine(stage, tour=tour) | ({"joined": joined} if joined else {})
            if not first_day:
                say("The orders are in. Parcels are packed, labelled and sent.")
                report["parcels"] = demo_dock.play(stage, stage.carriers)
                say("Sales, fees and payouts are booked, matched and written into two ledgers.")
                report["books"] = demo_books.play(stage, {ref for ref, one in _held(stage).items() if one["parks"]})
                report["ok"] = report["ok"] and report["parcels"]["ok"] and report["books"]["ok"]
        except (Failed, TimeoutError) as error:
            print(f"crossdock demo: {error}", file=sys.stderr)
            return 1
        print(json.dumps(report)) if as_json else _show(report, stage)
        if not and_exit:
            _say_doors(stage, say)
            _wait_for_the_end(as_json)
        return 0 if report["ok"] else 1


def _say_doors(stage: Stage, say: Callable[[str], None]) -> None:
    """On a line of its own each: an address that is cut to fit a table opens nothing."""
    for name, door in stage.doors.items():
        say(f"Inside of the simulated admin of {stage.hub.connectors[name].label}: {door}")


def _set_up(
    settings: Settings, over: ExitStack, *, count: int, seed: int, limits: str, record: Path | None, first_day: FirstDay | None
) -> Stage:  # fmt: skip
    """Database, simulators, merchant, connections and stock; then the hub."""
    over.enter_context(alone(settings.home))
    hub = make_hub(settings)
    over.callback(hub.database.close)
    schema.migrate(hub.database)
    merchant = _merchant(hub)
    password = _owner(hub, merchant)
    port = over.enter_context(a_port(8410))
    options = ["--port", str(port), "--empty", "--limits", limits, "--seed", str(seed), *(["--record", str(record)] if record else [])]
    over.enter_context(_child(settings, ["simulate", *options], f"http://127.0.0.1:{port}/_sim"))
    hand = Stagehand(f"http://127.0.0.1:{port}")
    all_ = hand.names()
    known = [name for name in all_ if "channel" in hub.connectors[name].roles]
    apps = {name: hand.get(name, "credentials") for name in all_}
    for name in all_:
        apps[name]["settings"] |= QUICK if limits == "relaxed" and connections.LEDGER in hub.connectors[name].roles else {}
    if first_day:
        first_day.before(hand, known, count, seed)
    else:
        _stock_shelves(hub, merchant, hand, known, count)
    counted = {} if first_day else {"stock_since": 0, "live_at": 0}
    made = {name: _connect(hub, merchant, name, apps[name], counted) for name in all_}
    settings = settings.model_copy(update={"port": over.enter_context(a_port(settings.port))})
    settings = settings.model_copy(update={"public_url": f"http://127.0.0.1:{settings.port}"})
    trays = over.enter_context(demo_dock.printers(hub, merchant.id, settings.home))
    start_hub(settings, over, apps)
    doors = {name: said["door"] for name, said in apps.items() if said.get("door")}
    by_role = [{name: one for name, one in made.items() if one.role == role} for role in ROLES]
    stage = Stage(settings, hub, hand, merchant, by_role[0], PATIENCE_S[limits], password, doors, by_role[1], by_role[2], trays)
    for name in known:
        hand.post(name, "post", {"url": f"{settings.public_url}/webhooks/{name}", **POST})
    until(lambda: _listings_are_read(stage), "the hub did not read the channels' listings")
    return stage


def _merchant(hub: Hub) -> Merchant:
    """Ours, made at the first run. Somebody's real connections are none of our business."""
    with hub.database.read() as db:
        strangers = [one for one in connections.everyone(db) if not one.settings.get("demo")]
        known = connections.merchants(db)
    if strangers or any(one.name != MERCHANT for one in known):
        raise BadSettings("demo: this database has connections that the demo did not make; use another --home or --database-url")
    return known[0] if known else flows.add_merchant(hub, MERCHANT)


def _owner(hub: Hub, merchant: Merchant) -> str:
    """Somebody can sign in; gives their password, which is this home's own and the same each time."""
    password = base64.b32encode(hub.vault.derive("the demo's owner")[0][:10]).decode().lower()
    known = people.find(hub, OWNER) or people.add(hub, merchant.id, OWNER, "Olive Owner", Role.OWNER)
    if isinstance(known, User) and not passwords.fits(password, known.password):
        people.set_password(hub, known, password, COMMAND_LINE)
    return password


def _stock_shelves(hub: Hub, merchant: Merchant, hand: Stagehand, names: list[str], count: int) -> None:
    """The simulators sell our products, and our shelves hold enough of each for this run and the next."""
    wares = products()
    with hub.database.read() as db:
        have = {row.sku: row for row in stock.levels(db, merchant.id, most=1000)}
        known = places.locations(db, merchant.id)
    place = known[0].id if known else hub.ids()
    plenty = {ware["sku"]: int(have[ware["sku"]].reserved if ware["sku"] in have else 0) + 500 + count for ware in wares}
    rows = [{"sku": ware["sku"], "title": ware["title"], "location": place, "on_hand": plenty[ware["sku"]]} for ware in wares]
    with hub.unit() as work:
        stock.add_location(work.db, merchant.id, place, "Main")
        stock.count(work.db, merchant.id, rows, work.now)
    demo_dock.furnish(hub, merchant.id, place, [ware["sku"] for ware in wares])
    for name in names:
        if not hand.get(name, "listings"):
            hand.post(name, "catalogue", {"products": [{**ware, "quantity": plenty[ware["sku"]]} for ware in wares]})


def _connect(hub: Hub, merchant: Merchant, name: str, said: Mapping[str, Any], counted: Mapping[str, int]) -> Connection:
    own = {**OWN, **said["settings"]}
    made = flows.connect(hub, merchant.id, name, said["account"], said["login"], settings=own, label=said["account"], **counted)
    with hub.database.write() as db:
        sql(db, "update tasks set due_at = 0 where connection = :id and state = 'due'", id=made.id)
    return replace(made, settings=own)


def start_hub(settings: Settings, over: ExitStack, apps: Mapping[str, Any]) -> None:
    """The hub as an operator would run it: one process on SQLite, web and workers on PostgreSQL with Redis."""
    tables = {"APPS": "app", "CHANNELS": "settings"}
    environ = {
        f"CROSSDOCK_{table}__{name.upper()}__{key.upper()}": value
        for name, said in apps.items()
        for table, part in tables.items()
        for key, value in said[part].items()
        if isinstance(value, str)
    }
    environ |= {"CROSSDOCK_PUBLIC_URL": settings.public_url, "CROSSDOCK_LOG_LEVEL": "warning"}
    environ |= {"CROSSDOCK_SMTP_URL": settings.smtp_url.get_secret_value() or (settings.home.absolute() / "mail").as_uri()}
    over.enter_context(_child(settings, ["serve", "--port", str(settings.port)], f"{settings.public_url}/healthz", environ))
    if settings.redis_url and not settings.is_sqlite:
        over.enter_context(_child(settings, ["worker"], None, environ))


@contextmanager
def _child(settings: Settings, command: list[str], ready: str | None, environ: Mapping[str, str] | None = None) -> Iterator[None]:
    """One of our own commands as a process, ended with the rehearsal; what it says goes to a file in the home."""
    folder = settings.home / "log"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{command[0]}.log").open("ab") as out:
        child = subprocess.Popen(
            [sys.executable, "-m", "config.cli", *command],
            env={**os.environ, **environment(settings), **(environ or {})},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        if ready:
            until(lambda: _answers(ready, child), f"`crossdock {command[0]}` did not start; see {folder / command[0]}.log", 30)
        yield
    finally:
        child.terminate()
        try:
            child.wait(timeout=20)
        except subprocess.TimeoutExpired:
            child.kill()


def _answers(url: str, child: "subprocess.Popen[bytes]") -> bool:
    """Whether it is up; what does not answer yet is asked again. Raises Failed where it ended."""
    if child.poll() is not None:
        raise Failed(f"a process of the rehearsal ended with {child.returncode} before it answered at {url}; its log in the home says why")
    try:
        return requests.get(url, timeout=1).status_code == 200
    except requests.RequestException:
        return False


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """One rehearsal in a home at a time: two would play with one database. Raises Failed."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "demo.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Failed(f"another rehearsal runs in {home}; end that one, or give this one a home of its own: --home DIR") from None
        yield


@contextmanager
def a_port(wanted: int) -> Iterator[int]:
    """The one that is wanted, or any where that is taken. Until it is given back no other rehearsal takes it, though its server is not up
    yet: whoever has the datagram port of that number has it. Raises Failed."""
    for number in (wanted, *[0] * 10):
        with socket.socket(type=socket.SOCK_DGRAM) as claim:
            if port := _claimed(claim, number):
                yield port
                return
    raise Failed(f"neither port {wanted} nor any other is free here; say CROSSDOCK_PORT, or end what holds them")


def _claimed(claim: socket.socket, number: int) -> int:
    """0 where somebody has it."""
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server will: what just ended is free
        probe.bind((HERE, number))
        claim.bind((HERE, probe.getsockname()[1]))
        port: int = probe.getsockname()[1]
        return port
    return 0


def until(ready: Callable[[], bool], words: str, seconds: float = READY_S) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise Failed(words)
        time.sleep(0.1)


def _listings_are_read(stage: Stage) -> bool:
    with stage.hub.database.read() as db:
        if shut := [f"{one.channel}: {one.reason}" for one in connections.all_of(db, stage.merchant.id) if one.state != "active"]:
            raise Failed(f"a connection was shut ({shut[0]})")
        found = Counter(one.channel for one in listings.all_of(db, stage.merchant.id) if one.shown is not None or one.writable)
    return all(found[name] >= len(products()) for name in stage.by_channel)


def _play(stage: Stage, count: int, seed: int, *, quiet: bool) -> None:
    """Buyers buy on all channels, some change their minds; then everything must come to rest."""
    begun, bought = time.monotonic(), 0
    first = not any(stage.hand.get(name, "orders") for name in stage.by_channel)
    with _progress(count, quiet) as advance:
        for wish in _wishes(list(stage.by_channel), count, seed, planted=first):
            name = wish.pop("channel")
            placed = stage.hand.post(name, "orders", wish)
            change_some(stage.hand, name, placed, random.Random(wish["seed"]))
            if name == "amazon" and "shopify" in stage.by_channel and wish["seed"] % COPIED == seed % COPIED:
                import_some(stage.hand, placed)
            advance(wish["count"])
            bought += wish["count"]
            time.sleep(max(0.0, begun + bought / PER_S - time.monotonic()))
    settled(stage)


def _wishes(names: list[str], count: int, seed: int, *, planted: bool) -> Iterator[dict[str, Any]]:
    """A few orders at a time, channels in turn."""
    left, turn = count, 0
    while left:
        size = min(left, 4)
        yield {
            "channel": names[turn % len(names)],
            "count": size,
            "seed": seed * 1_000_000 + turn,
            "planted": planted and turn < len(names),
        }
        left, turn = left - size, turn + 1


def change_some(hand: Stagehand, name: str, placed: list[dict[str, Any]], chance: random.Random) -> None:
    """One order in twelve is cancelled, one in twelve shipped by somebody, unless it is one that nobody can read."""
    for one in placed:
        if one["parks"]:
            continue
        luck = chance.random()
        if luck < 1 / 12:
            hand.post(name, f"orders/{one['id']}/cancel", {"restock": True})
        elif luck < 2 / 12:
            hand.post(name, f"orders/{one['id']}/fulfill", {})


def import_some(hand: Stagehand, placed: list[dict[str, Any]]) -> None:
    """An app that sells on Amazon for the shop writes one of these orders down there, as such apps do."""
    for one in [one for one in placed if not one["parks"] and one["units"]][:1]:
        lines = [{"sku": sku, "quantity": units} for sku, units in one["units"].items()]
        hand.post("shopify", "orders", {"copy_of": one["id"], "source": "amazon", "lines": lines, "plain": True})


@contextmanager
def _progress(count: int, quiet: bool) -> Iterator[Callable[[int], None]]:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("orders placed"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, disable=quiet, transient=False) as bar:
        work = bar.add_task("orders", total=count)
        yield lambda done: bar.advance(work, done)


def _held(stage: Stage) -> dict[str, dict[str, Any]]:
    """What the simulators hold for us, by our ref."""
    return {
        f"{connection.id}/{one['id']}": {**one, "channel": name}
        for name, connection in stage.by_channel.items()
        for one in stage.hand.get(name, "orders")
    }


def taken(stage: Stage) -> Counter[str]:
    query = "select connection, channel_id from orders where merchant = :merchant"
    with stage.hub.database.read() as db:
        return Counter(f"{row.connection}/{row.channel_id}" for row in sql(db, query, merchant=stage.merchant.id))


# Listings are read back a minute after they were told: the schedule sees to that, as to polls. Nobody waits for a look again.
WORKING = """
select count(*) from tasks where merchant = :merchant and state in ('due', 'running')
  and kind not in ('poll_orders', 'receive_notices', 'compare_listings', 'read_changes', 'look_again')
"""


CALM_S = 1.5  # what a channel only accepted comes true within this


def settled(stage: Stage) -> None:
    """Waits until all is quiet, and quiet still after a while."""
    end, quiet = time.monotonic() + stage.patience_s, 0
    while quiet < 2:
        waits = _unrest(stage)
        if waits and time.monotonic() > end:
            raise Failed(f"after {stage.patience_s:.0f} s there is still {waits}; see `crossdock tasks` and {stage.settings.home / 'log'}")
        quiet = 0 if waits else quiet + 1
        time.sleep(0.1 if waits or quiet == 2 else CALM_S)


def _unrest(stage: Stage) -> str:
    """What has not come through yet, in words; "" when all has."""
    with stage.hub.database.read() as db:
        if working := sql(db, WORKING, merchant=stage.merchant.id).scalar_one():
            return f"work that waits: {working} tasks"
        parked = {one.subject for one in tasks.listed(db, stage.merchant.id, state="parked", most=1000)}
    held, here = _held(stage), taken(stage)
    found = {
        "an order missing": [ref for ref, one in held.items() if ref not in (parked if one["parks"] else here)],
        "an order that changed": _open_differs(stage, held),
        "a listing that shows something else": _wrong_listings(stage),
    }
    return "; ".join(f"{what}: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}" for what, names in found.items() if names)


def _open_differs(stage: Stage, held: Mapping[str, dict[str, Any]]) -> list[str]:
    """Orders whose open units here are not those there: a change that has not come through yet."""
    query = """select o.connection, o.channel_id, sum(l.hold) as units from orders o join order_lines l on l.order_id = o.id
               where o.merchant = :merchant group by o.connection, o.channel_id"""
    with stage.hub.database.read() as db:
        ours = {f"{row.connection}/{row.channel_id}": int(row.units) for row in sql(db, query, merchant=stage.merchant.id)}
    return [
        ref
        for ref, one in held.items()
        if not one["parks"] and ours.get(ref, 0) != (0 if one.get("copy_of") else sum(one["units"].values()))
    ]


def _wrong_listings(stage: Stage) -> list[str]:
    """Listings whose channel shows something else than it should."""
    with stage.hub.database.read() as db:
        live = {one.id for one in connections.all_of(db, stage.merchant.id) if one.live_at is not None}
        ours = [one for one in listings.all_of(db, stage.merchant.id) if one.connection in live]
    theirs = {(name, one["listing"], one["sku"]): one["shown"] for name in stage.by_channel for one in stage.hand.get(name, "listings")}
    wanted = [one for one in ours if one.wanted is not None and one.writable is None]
    return [f"{one.channel} {one.sku}" for one in wanted if theirs.get((one.channel, one.listing, one.sku)) != one.wanted]


def _tour(stage: Stage) -> None:
    """Every call of every connector that the rehearsal did not need, made by this process as the hub would."""
    apps = {name: stage.hand.get(name, "credentials")["app"] for name in stage.everybody}
    secret = {name: {key: SecretStr(value) for key, value in app.items()} for name, app in apps.items()}
    hub = make_hub(stage.settings.model_copy(update={"apps": secret}))
    for name, connection in stage.by_channel.items():
        tours.make(hub, hub.connection(connection.id), stage.hand, f"{stage.settings.public_url}/webhooks/{name}")
    for name, connection in stage.carriers.items():
        tour_carriers.make(hub, hub.connection(connection.id), stage.hand, f"{stage.settings.public_url}/webhooks/{name}")
    for name, connection in stage.ledgers.items():
        tour_ledgers.make(hub, hub.connection(connection.id), stage.hand, f"{stage.settings.public_url}/webhooks/{name}")
    hub.database.close()
    settled(stage)


def _examine(stage: Stage, *, tour: bool) -> dict[str, Any]:
    """The report, by the simulators' own logs."""
    held, here = _held(stage), taken(stage)
    with stage.hub.database.read() as db:
        figures = overview(db, stage.merchant.id, stage.hub.now)
        parked = tasks.listed(db, stage.merchant.id, state="parked", most=1000)
        pushes = sql(
            db, "select count(*) from pushes where merchant = :merchant and told is not null", merchant=stage.merchant.id
        ).scalar_one()
        lines = sql(db, "select count(*) from order_lines where merchant = :merchant", merchant=stage.merchant.id).scalar_one()
    expected = {ref for ref, one in held.items() if one["parks"]}
    unexpected = [f"{one.kind} {one.subject}: {one.cause} {one.detail or ''}" for one in parked if one.subject not in expected]
    by_channel = {name: _channel_row(name, held, here, {one.subject for one in parked}) for name in stage.by_channel}
    lags = _lags(stage)
    report: dict[str, Any] = {
        "orders": by_channel,
        "lines": int(lines),
        "money": _money(figures),
        "units": {"reserved": figures.units["reserved"], "refused": figures.units["short"]},
        **_copies(stage),
        "expected_parked": len(expected & {one.subject for one in parked}),
        "unexpected_parked": unexpected,
        "pushes": int(pushes),
        "lag_ms": {"p50": percentile(lags, 0.5), "p99": percentile(lags, 0.99)},
        "oversold": figures.units["short"],
        "wrong_listings": len(_wrong_listings(stage)),
        "seconds": round(time.monotonic() - stage.started, 1),
    }
    if tour:
        report["missing_calls"] = tours.missing(
            {name: stage.hub.connectors[name].calls for name in stage.everybody},
            {name: stage.hand.get(name, "log") for name in stage.everybody},
        )
    report["ok"] = _is_right(report, held, here, expected)
    return report


COPIES = """
select count(distinct o.id) as found, coalesce(sum(l.hold + l.held), 0) as holding from orders o join order_lines l on l.order_id = o.id
where o.merchant = :merchant and o.copy_of <> ''
"""


def _copies(stage: Stage) -> dict[str, int]:
    """Orders that are another channel's in disguise, and the units that they hold all the same."""
    with stage.hub.database.read() as db:
        row = sql(db, COPIES, merchant=stage.merchant.id).one()
    return {"copies": int(row.found), "held_twice": int(row.holding)}


def _channel_row(name: str, held: Mapping[str, dict[str, Any]], taken: Counter[str], parked: set[str]) -> dict[str, int]:
    mine = [ref for ref, one in held.items() if one["channel"] == name]
    return {"placed": len(mine), "taken": sum(taken[ref] for ref in mine), "parked": sum(ref in parked for ref in mine)}


def _money(figures: Overview) -> dict[str, str]:
    """What the orders come to, by currency."""
    sums: dict[str, Money] = {}
    for row in figures.totals:
        sums[row.currency] = sums.get(row.currency, Money.zero(row.currency)) + Money(int(row.total), row.currency)
    return {currency: amount.text() for currency, amount in sorted(sums.items())}


def _is_right(report: Mapping[str, Any], held: Mapping[str, dict[str, Any]], taken: Counter[str], expected: set[str]) -> bool:
    once = all(taken[ref] == (0 if ref in expected else 1) for ref in held) and not taken.keys() - held.keys()
    copies = sum(1 for one in held.values() if one.get("copy_of"))
    clean = report["copies"] == copies and not report["unexpected_parked"] and report["expected_parked"] == len(expected)
    return once and clean and not any(report.get(key) for key in ("oversold", "held_twice", "wrong_listings", "missing_calls"))


PUSHES = "select count(*) from pushes where merchant = :merchant and told is not null"
LINES = "select count(*) from order_lines where merchant = :merchant"
LAGS = """
select o.id, o.placed_at, max(x.told_at) as told_at from orders o join (
  select l.order_id, u.listing_id, min(u.told_at) as told_at from order_lines l join orders o2 on o2.id = l.order_id
  join listings mine on mine.connection = o2.connection and mine.listing = l.listing and mine.sku = l.sku
  join listing_parts p on p.listing_id = mine.id join listing_parts other on other.merchant = p.merchant and other.sku = p.sku
  join listings t on t.id = other.listing_id and t.connection <> o2.connection
  join pushes u on u.listing_id = t.id and u.asked_at >= o2.taken_at and u.told in ('shown', 'accepted')
  where l.merchant = :merchant group by l.order_id, u.listing_id) x on x.order_id = o.id
where o.merchant = :merchant and coalesce(o.copy_of, '') = '' group by o.id, o.placed_at
"""


def _lags(stage: Stage) -> list[int]:
    """Milliseconds from each sale until the last of the other channels was told."""
    with stage.hub.database.read() as db:
        return [max(0, (row.told_at - row.placed_at) // 1000) for row in sql(db, LAGS, merchant=stage.merchant.id)]


def _show(report: Mapping[str, Any], stage: Stage) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title="The rehearsal", title_justify="left", show_header=False)
    table.add_column(style="dim")
    table.add_column()
    for name, row in report["orders"].items():
        table.add_row(f"orders from {name}", f"{row['placed']} placed, {row['taken']} taken, {row['parked']} parked")
    table.add_row("lines", str(report["lines"]))
    table.add_row("money", ", ".join(f"{amount} {currency}" for currency, amount in report["money"].items()))
    table.add_row("units", f"{report['units']['reserved']} reserved, {report['units']['refused']} refused")
    table.add_row("copies", f"{report['copies']} of Amazon's orders seen in the shop too, holding {report['held_twice']} units")
    table.add_row("parked", f"{report['expected_parked']} planted, {len(report['unexpected_parked'])} unexpected")
    table.add_row("stock pushes", str(report["pushes"]))
    table.add_row("sale to last channel told", f"p50 {report['lag_ms']['p50']} ms, p99 {report['lag_ms']['p99']} ms")
    table.add_row("sold twice / wrong listings", f"{report['oversold']} / {report['wrong_listings']}")
    if report.get("parcels"):
        table.add_row("parcels", demo_dock.words(report["parcels"]))
    if report.get("books"):
        table.add_row("books", demo_books.words(report["books"]))
    table.add_row("seconds", str(report["seconds"]))
    table.add_row("orders and stock, live", stage.settings.public_url)
    table.add_row("sign in", f"{OWNER} with {stage.password}")
    console = Console()
    console.print(table)
    for line in report["unexpected_parked"]:
        console.print(f"[red]parked:[/] {line}")
    console.print("[green]Everything is right.[/]" if report["ok"] else "[red]Something is not right.[/]")


def _wait_for_the_end(quiet: bool) -> None:
    try:
        if not quiet:
            print("It runs on; Ctrl-C ends it.")
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        return
