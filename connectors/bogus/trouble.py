"""What both systems in memory share: a log of the calls that reached them, and calls that fail where a test asks for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass(kw_only=True)
class Trouble:
    """`calls` holds (method, argument) of every call, `faults` (method, error, whether the work is done first) of those that will fail."""

    calls: list[tuple[str, Any]] = field(default_factory=list)
    faults: list[tuple[str, Exception, bool]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()

    def next(self, method: str, error: Exception, after_the_work: bool = False) -> None:
        """The next call of this port method fails once; `after_the_work`: it is done and only the answer is lost."""
        self.faults.append((method, error, after_the_work))

    @contextmanager
    def call(self, method: str, what: Any = None) -> Iterator[None]:
        """One call from outside: logged, and broken where a test asked for it."""
        with self.lock:
            self.calls.append((method, what))
            fault = next((fault for fault in self.faults if fault[0] == method), None)
            if fault:
                self.faults.remove(fault)
            if fault and not fault[2]:
                raise fault[1]
            yield
            if fault:
                raise fault[1]
