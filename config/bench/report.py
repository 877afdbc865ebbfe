"""The figures as a table for people."""

from collections.abc import Iterable

from rich.console import Group
from rich.table import Table
from rich.text import Text

from config.bench.rows import GOALS, Goal, Row, at_aim


def render(rows: Iterable[Row]) -> Group:
    """For a rich console: a table, and a line for each figure that was left out."""
    rows = list(rows)
    table = Table("figure", "store", "value", "reference", "ratio", "must", "aim", "", "how", title="Crossdock bench", title_justify="left")
    for one in rows:
        if one.value is not None:
            table.add_row(*_cells(one))
    missing = [Text(f"left out: {one.note}", style="yellow") for one in rows if one.value is None]
    return Group(table, *missing)


def _cells(one: Row) -> list[str | Text]:
    goal = GOALS.get(one.name, Goal(""))
    sign = "≤" if goal.most else "≥"
    wanted = [f"{sign} {number(limit)}" if limit is not None else "" for limit in (one.must, one.aim)]
    return [
        one.name,
        one.store,
        f"{number(one.value)} {one.unit}",
        number(one.reference),
        number(one.ratio),
        *wanted,
        _verdict(one),
        one.note,
    ]


def _verdict(one: Row) -> Text:
    match one.ok, at_aim(one):
        case False, _:
            return Text("missed", style="bold red")
        case True | None, True:
            return Text("at aim", style="bold green")
        case True, _:
            return Text("ok", style="green")
        case _:
            return Text("")


def number(value: float | None) -> str:
    """Three digits or so: 0.123, 12.3, 1,234."""
    if value is None:
        return ""
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
