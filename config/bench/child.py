"""Processes of their own for what must be seen from outside: a web server, and a worker whose memory is looked at."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from config import logging, processes
from config.bench import measure
from config.servers import free_port, listens
from config.settings import Settings, load
from config.wiring import make_hub
from core import jobs

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


def main(what: str, url: str, home: str, number: str, redis_url: str = "") -> None:
    logging.set_up("error")
    match what:
        case "serve":
            processes.serve(settings_for(url, Path(home), port=int(number), redis_url=redis_url))
        case "drain":
            _drain(settings_for(url, Path(home)), float(number))


if __name__ == "__main__":
    main(*sys.argv[1:])
