"""Processes of their own for what must be seen from outside: a web server, and a worker whose memory is looked at."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import requests

from config import logging, processes
from config.bench import measure
from config.servers import free_port, listens
from config.settings import Settings, load
from config.wiring import make_hub
from core import jobs
from core.flows import accounts, certifying
from core.flows import connections as flows
from core.hub import Hub
from core.store.sql import run

SECRET = "made-up-secret-of-the-bench"  # noqa: S105 - signs made-up bodies in a made-up shop
APPS = {"SHOPIFY__CLIENT_ID": "made-up", "SHOPIFY__CLIENT_SECRET": SECRET, "BOGUS__SECRET": SECRET}


def settings_for(url: str, home: Path, **more: Any) -> Settings:
    given = {"home": home, "database_url": url, "log_level": "error", **more}
    return load(given, {f"CROSSDOCK_APPS__{name}": value for name, value in APPS.items()})


@contextmanager
def web(url: str, home: Path, redis_url: str = "") -> Iterator[int]:
    """A web server as `crossdock serve` starts it, with the drains in it unless there is a Redis for workers; gives its port."""
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", __spec__.name, "serve", url, str(home), str(port), redis_url])
    try:
        _wait(lambda: listens(port), server)
        yield port
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)


def _wait(ready: Callable[[], bool], server: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 30
    while not ready():
        if server.poll() is not None or time.monotonic() > end:
            raise TimeoutError("the web server did not start")
        time.sleep(0.05)


def worker(url: str, home: Path, most_s: float) -> dict[str, Any]:
    """A worker that drains what waits, for `most_s` seconds at the most: {done, seconds, peak_mb}."""
    command = [sys.executable, "-m", __spec__.name, "drain", url, str(home), str(most_s)]
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=most_s + 60).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def _drain(settings: Settings, most_s: float) -> None:
    hub = make_hub(settings)
    keeper = jobs.Keeper(hub).start()
    begin = time.monotonic()
    done = jobs.drain(hub, "inside", keeper=keeper, stop=lambda: time.monotonic() - begin > most_s)
    sys.stdout.write(json.dumps({"done": done, "seconds": time.monotonic() - begin, "peak_mb": measure.peak_mb()}) + "\n")


@dataclass
class Standing:
    """A worker that waits to be told to take what is there."""

    process: "subprocess.Popen[str]"

    def drain(self) -> int:
        """Gives how many tasks it did."""
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("drain\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextmanager
def standing(url: str, home: Path) -> Iterator[Standing]:
    """A worker process of the queue inside, which drains when it is told to."""
    command = [sys.executable, "-m", __spec__.name, "stand", url, str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        one = Standing(process)
        one.drain()
        yield one
        assert process.stdin
        process.stdin.close()


def _stand(settings: Settings) -> None:
    hub = make_hub(settings)
    keeper = jobs.Keeper(hub).start()
    for _ in sys.stdin:
        sys.stdout.write(f"{jobs.drain(hub, 'inside', keeper=keeper)}\n")
        sys.stdout.flush()


def reader(url: str, home: Path, merchant: str, channel: str, seller: str) -> dict[str, Any]:
    """A process that reads all listings of a channel's simulator at this address: {listings, mapped, seconds, cpu_s, peak_mb}."""
    command = [sys.executable, "-m", __spec__.name, "read", url, str(home), merchant, channel, seller]
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=900).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def certifier(url: str, home: Path, merchant: str, since: date, until: date) -> dict[str, Any]:
    """A process that makes the certificate of these days as CSV and as PDF: {seconds, paper_s, peak_mb, bytes, residue}."""
    command = [sys.executable, "-m", __spec__.name, "certify", url, str(home), merchant, since.isoformat(), until.isoformat()]
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=900).stdout
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    return found


def _certify(hub: Hub, merchant: str, since: date, until: date) -> None:
    begin = time.monotonic()
    with hub.database.read() as db:
        found = accounts.certificate(hub, db, merchant, since, until)
    size, end = sum(map(len, accounts.as_csv(found, {}))), time.monotonic()
    residue = sum(abs(one.minor) for one in found.residue.values())
    del found
    certifying.paper(hub, merchant, since, until)
    took = {"seconds": end - begin, "paper_s": time.monotonic() - end, "peak_mb": measure.peak_mb()}
    sys.stdout.write(json.dumps({"bytes": size, "residue": residue, **took}) + "\n")


LISTED = """
select count(distinct l.id) as listings, count(distinct p.listing_id) as mapped
from listings l left join listing_parts p on p.listing_id = l.id where l.connection = :connection
"""
BUSY = "select min(due_at) from tasks where kind = 'read_listings' and state in ('due', 'running')"


def _read(url: str, home: Path, merchant: str, channel: str, seller: str) -> None:
    said = requests.get(f"{seller}/_sim/credentials", timeout=10).json()
    apps = {f"CROSSDOCK_APPS__{channel.upper()}__{key.upper()}": value for key, value in said["app"].items()}
    hub = make_hub(load({"home": home, "database_url": url, "log_level": "error"}, apps))
    settings = {**said["settings"], "faster": 1000.0, "min_age_s": 0, "verify_s": 1}
    made = flows.connect(hub, merchant, channel, said["account"], said["login"], settings=settings)
    with hub.database.write() as db:
        run(db, "delete from tasks where kind <> 'read_listings'")
        run(db, "update tasks set due_at = 0")
    begin, cpu = time.monotonic(), time.process_time()
    while (due := _due(hub)) is not None:
        time.sleep(max(0.0, (due - hub.now) / 1e6))
        jobs.drain(hub, "outside")
    took = {"seconds": time.monotonic() - begin, "cpu_s": time.process_time() - cpu, "peak_mb": measure.peak_mb()}
    with hub.database.read() as db:
        row = run(db, LISTED, connection=made.id).one()
    sys.stdout.write(json.dumps({"listings": row.listings, "mapped": row.mapped, **took}) + "\n")


def _due(hub: Hub) -> int | None:
    with hub.database.read() as db:
        found: int | None = run(db, BUSY).scalar_one()
    return found


def main(what: str, url: str, home: str, *more: str) -> None:
    logging.set_up("error")
    match what, *more:
        case "serve", port, redis_url:
            processes.serve(settings_for(url, Path(home), port=int(port), redis_url=redis_url))
        case "drain", most_s:
            _drain(settings_for(url, Path(home)), float(most_s))
        case "stand", *_:
            _stand(settings_for(url, Path(home)))
        case "read", merchant, channel, seller:
            _read(url, Path(home), merchant, channel, seller)
        case "certify", merchant, since, until:
            _certify(make_hub(settings_for(url, Path(home))), merchant, date.fromisoformat(since), date.fromisoformat(until))


if __name__ == "__main__":
    main(*sys.argv[1:])
