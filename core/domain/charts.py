"""The shapes of charts: bars and lines in a frame of WIDTH by HEIGHT, the scale on their side. Pure; no colors and no words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH, HEIGHT = 720, 160
GAP = 4  # between two bars
NICE = (1, 2, 4)
MARKS_MS = (10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 86_400_000)  # of a scale for lags


@dataclass(frozen=True, slots=True)
class Bar:
    """One part of a bar: which series, its value, and where it stands."""

    series: int
    slot: int
    value: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Bars:
    """`top` is the value at the upper edge, `marks` are the values to write beside it, from above."""

    bars: tuple[Bar, ...]
    top: int
    marks: tuple[int, ...]


def ceiling(value: int) -> int:
    """The next round number: 1, 2 or 4 with noughts; at least 4, so that its half is whole."""
    step = 1
    while True:
        for nice in NICE:
            if nice * step >= max(4, value):
                return nice * step
        step *= 10


def stacked(series: Sequence[Sequence[int]], slots: int) -> Bars:
    """Each slot's values of all series on top of one another."""
    sums = [sum(values[slot] for values in series) for slot in range(slots)]
    top, width = ceiling(max(sums, default=0)), WIDTH // max(1, slots)
    bars = []
    for slot in range(slots):
        floor = 0
        for number, values in enumerate(series):
            if value := values[slot]:
                y, upper = HEIGHT - HEIGHT * floor // top, HEIGHT - HEIGHT * (floor + value) // top
                bars.append(Bar(number, slot, value, slot * width + GAP // 2, upper, width - GAP, max(1, y - upper)))
                floor += value
    return Bars(tuple(bars), top, (top, top // 2, 0))


@dataclass(frozen=True, slots=True)
class Lines:
    """Points "x,y x,y" of each series, pieces apart where nothing is known; `marks` are the milliseconds to write beside it, from above."""

    pieces: tuple[tuple[int, str], ...]
    dots: tuple[tuple[int, int, int, int], ...]  # series, x, y, value
    marks: tuple[int, ...]


def lags(series: Sequence[Mapping[int, int]], slots: int) -> Lines:
    """Milliseconds by slot, on a scale where each mark is about ten times the one below it."""
    most = max((value for values in series for value in values.values()), default=0)
    high = next((n for n, mark in enumerate(MARKS_MS) if mark >= most), len(MARKS_MS) - 1)
    marks, width = MARKS_MS[: max(2, high + 1)], WIDTH // max(1, slots)
    pieces, dots = [], []
    for number, values in enumerate(series):
        spots = {slot: (slot * width + width // 2, _height(value, marks)) for slot, value in sorted(values.items())}
        pieces += [(number, " ".join(f"{x},{y}" for x, y in run)) for run in _runs(spots) if len(run) > 1]
        dots += [(number, x, y, values[slot]) for slot, (x, y) in spots.items()]
    return Lines(tuple(pieces), tuple(dots), tuple(reversed(marks)))


def _runs(spots: Mapping[int, tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """What lies side by side."""
    runs: list[list[tuple[int, int]]] = []
    last = None
    for slot, spot in spots.items():
        if last is None or slot != last + 1:
            runs.append([])
        runs[-1].append(spot)
        last = slot
    return runs


def _height(value: int, marks: Sequence[int]) -> int:
    """Between two marks it rises evenly."""
    step = HEIGHT // (len(marks) - 1)
    for number, (low, high) in enumerate(pairwise(marks)):
        if value <= high:
            return HEIGHT - step * number - step * max(0, value - low) // (high - low)
    return 0


def shares(parts: Sequence[int]) -> list[tuple[int, int]]:
    """Parts of a whole side by side over WIDTH, as (x, width): none that is there is thinner than 8, and all of nothing is nothing."""
    whole = sum(parts)
    widths = [max(8, WIDTH * part // whole) if part else 0 for part in parts]
    over = max(0, sum(widths) - WIDTH)
    widths = [width - over if n == widths.index(max(widths)) else width for n, width in enumerate(widths)]
    return [(sum(widths[:n]), width) for n, width in enumerate(widths)]
