"""Windows of risk: how long a channel shows what was sold elsewhere, and how many units kept back cover that. Pure."""

from dataclasses import dataclass
from itertools import accumulate, count, takewhile
from math import exp

DAY = 86_400_000_000
SURE = 0.99  # of a hundred windows so many go well
MOST = 500.0  # sales in one window beyond which nothing is reckoned any more
FADES = 0.9


@dataclass(frozen=True, slots=True)
class Spread:
    """Of some durations: the middle one, and the one that 99 of 100 do not exceed; milliseconds. `of`: how many there were."""

    middle: int
    most: int
    of: int


@dataclass(frozen=True, slots=True)
class Window:
    """A channel as it was in the last days: how long after a sale there it is known here (`heard`), how long after a sale elsewhere it is
    told (`told`), how long it takes to show that by itself (`shows_ms`). None: there was none."""

    connection: str
    heard: Spread | None
    told: Spread | None
    shows_ms: int

    @property
    def whole_ms(self) -> int | None:
        """How long it shows what was sold elsewhere, 99 times of 100."""
        return None if self.told is None else self.told.most + self.shows_ms


def spread(values: list[int]) -> Spread | None:
    """Of durations in microseconds."""
    ordered = sorted(max(0, value) // 1000 for value in values)
    at = [ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, SURE) if ordered]
    return Spread(at[0], at[1], len(ordered)) if ordered else None


def buffer(a_day: float, window_ms: int) -> int:
    """Units to keep back, so that in 99 of 100 windows no more are sold elsewhere, where so many are sold a day as buyers come: at random,
    one not knowing of the other (Poisson)."""
    mean = a_day * window_ms * 1000 / DAY
    if mean > MOST:
        return int(mean * 2)
    chances = accumulate(count(1), lambda chance, k: chance * mean / k, initial=exp(-mean))
    return sum(1 for _ in takewhile(lambda sum_: sum_ < SURE, accumulate(chances)))


def sales_covered(units: int, window_ms: int) -> float:
    """Up to how many sales a day elsewhere so many units kept back do. Units 0: hardly any."""
    low, high = 0.0, MOST * DAY / max(1, window_ms * 1000)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if buffer(middle, window_ms) <= units else (low, middle)
    return low


def faded(was_us: int, now_us: int) -> int:
    """How long a channel takes to show what it accepted: the longest of late, forgotten little by little."""
    return max(now_us, int(was_us * FADES))
