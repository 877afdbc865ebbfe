"""Real servers for tests and measurements: a private PostgreSQL cluster and a Redis in a temporary folder, ended with their `with`."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

NOBODY = "nobody"


class NotHere(Exception):
    """A server's program is not on this machine; the text says how to get it."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def postgres_programs() -> Path | None:
    """The folder with initdb and postgres of the newest PostgreSQL here, 15 or newer."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    named = shutil.which("postgres")
    return Path(named).parent if named else None


def _as_other(command: Sequence[str]) -> list[str]:
    """PostgreSQL refuses to run as root: then it runs as nobody."""
    if os.getuid():
        return list(command)
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={pwd.getpwnam(NOBODY).pw_gid}", "--clear-groups", *command]


def _quietly(command: Sequence[str], folder: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603 - our own words


@contextmanager
def _folder(name: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=f"crossdock-{name}-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(command: Sequence[str], folder: Path, ready: Callable[[], bool]) -> Iterator[None]:
    server = _quietly(command, folder)
    try:
        _until(ready, server)
        yield
    finally:
        server.send_signal(signal.SIGINT)  # PostgreSQL ends at once, whoever is still connected
        server.wait(timeout=20)


AWAY = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")  # what waits for a disk, or works when it likes


@contextmanager
def postgres(*, durable: bool = True) -> Iterator[str]:
    """A private cluster with fsync as production has it, unless it need not be `durable`; gives the address of its server, without a
    database's name. Raises NotHere."""
    programs = postgres_programs()
    if programs is None:
        raise NotHere("PostgreSQL is not on this machine: apt-get install postgresql")
    with _folder("pg") as folder:
        if os.getuid() == 0:
            shutil.chown(folder, NOBODY)
        port, data = free_port(), str(folder / "data")
        made = _quietly(_as_other([str(programs / "initdb"), "-D", data, "-U", "crossdock", "-A", "trust", "-N"]), folder).wait(timeout=60)
        if made:
            raise NotHere(f"initdb of {programs} failed with {made}")
        options = [f"-p{port}", f"-k{folder}", "-cshared_buffers=128MB", "-cmax_connections=200", "-clisten_addresses=127.0.0.1"]
        options += [] if durable else [f"-c{name}=off" for name in AWAY]
        asks = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        with _running(
            _as_other([str(programs / "postgres"), "-D", data, *options]), folder, lambda: _quietly(asks, folder).wait(timeout=10) == 0
        ):
            yield f"postgresql://crossdock@127.0.0.1:{port}"


@contextmanager
def redis_server() -> Iterator[str]:
    """A Redis that keeps nothing on disk; gives its address. Raises NotHere."""
    program = shutil.which("redis-server")
    if program is None:
        raise NotHere("redis-server is not on this machine: apt-get install redis-server")
    port = free_port()
    with _folder("redis") as folder:
        command = [program, "--port", str(port), "--save", "", "--bind", "127.0.0.1", "--dir", str(folder)]
        with _running(command, folder, lambda: listens(port)):
            yield f"redis://127.0.0.1:{port}/0"


def listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _until(ready: Callable[[], bool], server: "subprocess.Popen[bytes]", seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end or server.poll() is not None:
            raise TimeoutError("the server did not start")
        time.sleep(0.05)
