"""CSV files that somebody makes by hand: the first line names the columns, in any order; every fault is named by its line. Pure."""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

LONGEST = 200  # letters of a cell
Wrong = tuple[int, str]  # the line, and why it cannot be taken
Row = tuple[int, Mapping[str, str]]


def rows(text: str, columns: Sequence[str], needed: Sequence[str] | None = None) -> tuple[list[Row], list[Wrong]]:
    """(line, its cells by `columns`) of each line that has any, and (line, why) of what cannot be read. Cells of `needed` columns (None: of
    all) are never empty. Raises nothing."""
    reader = csv.DictReader((f"{line}\n" for line in text.removeprefix("\ufeff").split("\n")), strict=True)
    must, found, wrong = tuple(columns if needed is None else needed), list[Row](), list[Wrong]()
    try:
        reader.fieldnames = names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        if words := _header(names, columns, must):
            return [], [(1, words)]
        for line, cells in _cells(reader, columns):
            why = _fault(cells, must)
            wrong.append((line, why)) if why else found.append((line, cells))
    except csv.Error as error:
        wrong.append((max(reader.line_num, 1), f"this is no CSV: {error}"))
    return found, wrong


def _cells(reader: "csv.DictReader[str]", columns: Sequence[str]) -> Iterator[Row]:
    for row in reader:
        cells = {name: (row.get(name) or "").strip() for name in columns}
        if any(cells.values()):
            yield reader.line_num, cells


def _header(names: Sequence[str], columns: Sequence[str], must: Sequence[str]) -> str:
    missing = [name for name in must if name not in names]
    twice = [name for name, count in Counter(names).items() if count > 1 and name in columns]
    if missing:
        return f"the column {missing[0]} is missing"
    return f"the column {twice[0]} stands twice" if twice else ""


def _fault(cells: Mapping[str, str], must: Sequence[str]) -> str:
    if missing := [name for name in must if not cells[name]]:
        return f"{missing[0]}: there is none"
    odd = [name for name, cell in cells.items() if len(cell) > LONGEST or not cell.isprintable()]
    return f"{odd[0]}: it cannot be meant" if odd else ""


def day(text: str) -> date:
    """2026-11-20. Raises ValueError for all else."""
    if len(text) != len("2026-11-20") or text[7] != "-":  # Python would read a week of the year, too
        raise ValueError("it is like 2026-11-20")
    return date.fromisoformat(text)
