"""What a contract test hands a connector in place of the hub: time that is turned by hand, a purse, one connection's token."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from core.errors import RateLimited
from core.ports import Fresh, Rate


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


class Wallet:
    """Takes note of what was taken."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.units: Counter[str] = Counter()
        self.learned: list[str] = []

    def take(self, operation: str, units: float = 1.0) -> None:
        self.taken[operation] += 1
        self.units[operation] += int(units)

    def learn(self, operation: str, rate: Rate | None = None, left: float | None = None) -> None:
        self.learned.append(operation)

    def behind(self) -> "Wallet":
        return self


class Keeper:
    """One connection's token."""

    def __init__(self, login: dict[str, str], clock: Clock) -> None:
        self.login, self.clock, self.refreshed = login, clock, 0
        self.fresh: Fresh | None = None

    def access(self, refresh: Callable[[Mapping[str, str]], Fresh], *, rejected: str | None = None) -> str:
        if self.fresh is None or self.fresh.access == rejected or self.fresh.expires_at <= self.clock():
            self.refreshed += 1
            self.fresh = refresh(self.login)
            self.login.update(self.fresh.login)
        return self.fresh.access


class Purse:
    """One that is empty, and gets a unit of each kind back between two tries."""

    def __init__(self) -> None:
        self.left: Counter[str] = Counter()

    def earn(self) -> None:
        for operation in self.left:
            self.left[operation] += 1

    def take(self, operation: str, units: float = 1.0) -> None:
        if self.left[operation] < units:
            self.left.setdefault(operation, 0)
            raise RateLimited("spent", wait_s=1.0)
        self.left[operation] -= int(units)

    def learn(self, operation: str, rate: Rate | None = None, left: float | None = None) -> None: ...

    def behind(self) -> "Purse":
        return self
