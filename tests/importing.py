"""Run as `python importing.py ROOT MODULE...`: imports the modules of the house at ROOT and prints what they did besides.

An act counts for the house where the innermost frame outside the standard library is ours: what other people's packages do when
they are imported is theirs.
"""

import importlib
import os
import sys
import sysconfig
from collections.abc import Callable
from typing import Any

STANDARD = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))
ACTS = ("socket.", "subprocess.", "os.system", "os.listdir", "os.scandir", "os.mkdir", "os.remove", "os.rename", "sqlite3.connect")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND


def actor() -> str:
    """The file of the innermost frame outside the standard library; nothing where the import machinery itself acts."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<frozen importlib"):
            return ""
        if name != __file__ and not name.startswith("<") and ("site-packages" in name or not name.startswith(STANDARD)):
            return name
        frame = frame.f_back
    return ""


def watch(root: str) -> None:
    """Print every act of a module under `root` from now on."""

    def told(act: str) -> None:
        if (where := actor()).startswith(root) and "site-packages" not in where:
            print(f"{os.path.relpath(where, root)}: importing it does {act}")

    def audit(event: str, args: tuple[Any, ...]) -> None:
        if event.startswith(ACTS):
            told(event)
        elif event == "open" and isinstance(args[2], int) and args[2] & WRITES:
            told("open to write")

    sys.addaudithook(audit)
    environ: Any = type(os.environ)
    environ.__getitem__ = telling(environ.__getitem__, told)
    environ.__contains__ = telling(environ.__contains__, told)
    environ.__iter__ = telling(environ.__iter__, told)


def telling(method: Callable[..., Any], told: Callable[[str], None]) -> Callable[..., Any]:
    def read(*args: Any) -> Any:
        told("read the environment")
        return method(*args)

    return read


def main(root: str, *modules: str) -> None:
    sys.path.insert(0, root)
    sys.dont_write_bytecode = True
    watch(root)
    for name in modules:
        importlib.import_module(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
