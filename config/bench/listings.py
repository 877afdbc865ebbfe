"""How long a large catalogue takes on a channel's first day, and how much memory: every listing read, matched by its SKU and saved.

The simulators are a process of their own, and so is what reads from them.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from config.bench import child
from config.bench.bodies import Body
from config.bench.pace import Pace
from config.bench.rows import Row, row
from config.bench.stage import Stores, tidy
from config.bench.street import CHANNELS
from config.servers import free_port
from config.wiring import make_hub
from core.flows import connections as flows
from core.store import stock

SET = 10_000  # things a call, or a transaction
READY_S = 30.0
PLACE = "main"


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    with simulators(stores.folder / "sellers") as base:
        for name in CHANNELS:
            _offer(base, name, pace.listings)
        for store in stores.names:
            url, home = stores.new(store), stores.folder / f"listings-{store}"
            merchant = _shelve(url, home, pace.listings)
            for name in CHANNELS:
                yield from _rows(f"{name} {store}", pace.listings, child.reader(url, home, merchant, name, f"{base}/{name}"))


def _rows(what: str, wanted: int, seen: dict[str, Any]) -> Iterator[Row]:
    if not seen["mapped"] >= wanted:
        raise RuntimeError(f"{what}: {seen['mapped']} of {wanted} listings were mapped")
    note = f"{seen['listings']:,} listings read, {seen['mapped']:,} mapped by their SKU; {seen['cpu_s']:.1f} s of them computing"
    yield row("listings_s", what, seen["seconds"], note=note)
    yield row("listings_mb", what, seen["peak_mb"], note="the process that read them")


@contextmanager
def simulators(home: Path) -> Iterator[str]:
    """All of them on one port, with the vendors' rates a thousand times faster; gives their address."""
    port = free_port()
    command = [sys.executable, "-m", "config.cli", "--home", str(home), "simulate", "--empty", "--port", str(port), "--limits", "relaxed"]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until_ready(f"http://127.0.0.1:{port}/{CHANNELS[0]}/_sim/credentials", running)
        yield f"http://127.0.0.1:{port}"
    finally:
        running.terminate()
        running.wait(timeout=60)


def _until_ready(address: str, running: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + READY_S
    while not _answers(address):
        if running.poll() is not None or time.monotonic() > end:
            raise TimeoutError("the simulators did not start")
        time.sleep(0.1)


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=1).ok
    except requests.RequestException:
        return False


def _offer(base: str, name: str, count: int) -> None:
    for start in range(0, count, SET):
        goods = [_thing(number) for number in range(start, min(start + SET, count))]
        requests.post(f"{base}/{name}/_sim/catalogue", json={"products": goods}, timeout=300).raise_for_status()


def _thing(number: int) -> dict[str, Any]:
    return {"sku": f"SKU-{number:06}", "title": f"Thing {number}", "price": "9.90", "quantity": 5, "currency": "USD"}


def _shelve(url: str, home: Path, count: int) -> str:
    """A merchant who has five of everything. Gives the merchant."""
    hub = make_hub(child.settings_for(url, home))
    merchant = flows.add_merchant(hub, "Bench").id
    with hub.unit() as work:
        stock.add_location(work.db, merchant, PLACE, "Main")
    for start in range(0, count, SET):
        with hub.unit() as work:
            stock.count(work.db, merchant, [_counted(number) for number in range(start, min(start + SET, count))], work.now)
    tidy(hub.database)
    hub.database.close()
    return merchant


def _counted(number: int) -> dict[str, Any]:
    return {"sku": f"SKU-{number:06}", "title": f"Thing {number}", "location": PLACE, "on_hand": 5}
