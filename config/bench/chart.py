"""A small picture of the figures: how far each is past what it must reach, on a scale that doubles with each step. Plain SVG."""

from collections.abc import Iterable
from html import escape
from math import log2

from config.bench.report import number
from config.bench.rows import Row, at_aim, goal_of

ROW, ZERO, STEP, STEPS = 22, 330, 60, 5  # pixels; the bars begin at ZERO, each STEP is twice as good
WIDTH = ZERO + STEP * STEPS + 170
COLORS = {True: "#2a9d8f", None: "#4c78a8", False: "#4c78a8"}
MISSED = "#c44e52"


def draw(rows: Iterable[Row]) -> str:
    """The judged figures, one bar each: from the line (must) to the right is better, the tick is the aim."""
    judged = _worst(one for one in rows if one.must is not None and one.value is not None)
    height = ROW * (len(judged) + 2)
    bars = "".join(_bar(number_, one) for number_, one in enumerate(judged, 1))
    line = f'<line x1="{ZERO}" x2="{ZERO}" y1="{ROW - 4}" y2="{height - ROW + 4}" stroke="#888"/>'
    words = _text(ZERO, ROW - 8, "must", "middle") + _text(
        8, height - 6, "bar: this run, tick: the aim, each column twice as good", "start"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="#fff"/>{_grid(height)}{line}{words}{bars}</svg>\n'
    )


def _worst(rows: Iterable[Row]) -> list[Row]:
    """Of a figure that was taken of many things the one that is nearest to its limit, or past it."""
    found: dict[tuple[str, str], Row] = {}
    for one in rows:
        known = found.setdefault((one.name, one.store), one)
        found[one.name, one.store] = min(known, one, key=_past)
    return list(found.values())


def _past(one: Row) -> int:
    goal = goal_of(one.name, one.store)
    return _place(one.ratio if goal.of == "ratio" else one.value, one.must, most=goal.most)


def _grid(height: int) -> str:
    places = [ZERO + STEP * step for step in range(-1, STEPS + 1) if step]
    return "".join(f'<line x1="{x}" x2="{x}" y1="{ROW}" y2="{height - ROW}" stroke="#eee"/>' for x in places)


def _bar(number_: int, one: Row) -> str:
    goal, y = goal_of(one.name, one.store), ROW * number_
    value = one.ratio if goal.of == "ratio" else one.value
    x, aim = _place(value, one.must, most=goal.most), _place(one.aim, one.must, most=goal.most)
    color = MISSED if one.ok is False else COLORS[at_aim(one)]
    said = f"{number(value)}{' × the reference' if goal.of == 'ratio' else f' {one.unit}'}"
    return (
        _text(8, y + 14, f"{one.name.replace('_', ' ')}, {one.store}", "start")
        + f'<rect x="{min(x, ZERO)}" y="{y + 4}" width="{max(2, abs(x - ZERO))}" height="{ROW - 9}" fill="{color}"/>'
        + f'<line x1="{aim}" x2="{aim}" y1="{y + 1}" y2="{y + ROW - 2}" stroke="#222" stroke-width="2"/>'
        + _text(max(x, aim, ZERO) + 6, y + 14, said, "start")
    )


def _place(value: float | None, must: float | None, *, most: bool) -> int:
    """Where a value stands: one step to the right of ZERO is twice as good as it must be."""
    if not value or not must:
        return ZERO + STEP * STEPS if most else ZERO
    steps = log2(must / value) if most else log2(value / must)
    return round(ZERO + STEP * max(-1.0, min(float(STEPS), steps)))


def _text(x: int, y: int, words: str, anchor: str) -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="#222">{escape(words)}</text>'
