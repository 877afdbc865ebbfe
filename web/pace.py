"""How often one address of the network may ask for what nobody signs in for. In this process's memory: a guess at addresses that cannot be
guessed is slowed down, and nobody is counted for longer than a minute."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

MOST, WINDOW_S, KNOWN = 120, 60, 20_000


@dataclass
class Pace:
    """`most` requests in a minute from one address."""

    clock: Callable[[], datetime]
    most: int = MOST
    _window: int = 0
    _seen: dict[str, int] = field(default_factory=dict)

    def is_too_fast(self, address: str) -> bool:
        """Counts this request."""
        window = int(self.clock().timestamp()) // WINDOW_S
        if window != self._window or len(self._seen) > KNOWN:
            self._window, self._seen = window, {}
        self._seen[address] = self._seen.get(address, 0) + 1
        return self._seen[address] > self.most
