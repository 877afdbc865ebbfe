"""Where tests live: their files in memory where there is room, and tests that share dear servers with the same worker."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

MEMORY = Path("/dev/shm")
ROOM = 4_000_000_000  # bytes that must be free there
NAME = "crossdock-tests-"
# Files whose tests share what is dear to start. xdist's own groups come by a mark that pytest 9 no longer lets it pass on.
TOGETHER = (
    "tests/browser/test_app.py",
    "tests/processes/test_load.py",
    "tests/processes/test_serve.py",
)


def move_in(config: pytest.Config) -> None:
    """No test asks whether a disk keeps what it took after the machine lost its power, so files need no disk. Workers inherit it."""
    if hasattr(config, "workerinput") or config.option.basetemp or "TMPDIR" in os.environ or not _has_room():
        return
    for left in _left_behind():
        shutil.rmtree(left, ignore_errors=True)
    folder = MEMORY / f"{NAME}{os.getpid()}"
    folder.mkdir(mode=0o755)
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), None


def move_out(config: pytest.Config) -> None:
    folder = MEMORY / f"{NAME}{os.getpid()}"
    if not hasattr(config, "workerinput") and folder.exists():
        shutil.rmtree(folder, ignore_errors=True)
        os.environ.pop("TMPDIR", None)
        tempfile.tempdir = None


def _has_room() -> bool:
    with suppress(OSError):
        return os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return False


def _left_behind() -> Iterator[Path]:
    """Of runs that were killed."""
    for folder in MEMORY.glob(f"{NAME}*"):
        if not Path(f"/proc/{folder.name.removeprefix(NAME)}").exists():
            yield folder


def workers() -> int:
    """One more than there are processors: tests of whole processes wait more than they reckon."""
    return (os.cpu_count() or 1) + 1


def scheduler(config: pytest.Config, log: Any) -> Any:
    """One test at a time to whoever is free, but the files named above whole. They come first: they take longest."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            return path if path in TOGETHER else nodeid

    return Together(config, log)
