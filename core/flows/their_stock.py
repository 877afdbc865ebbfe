"""What those who send for us say lies with them: a count at its moment, never units that come on top. What left or was promised since is
kept on top of it, and what is older than our last count says nothing any more."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TextIO

from core.domain.counts import Counted, Sheet
from core.flows import counting
from core.flows.counting import Report, WrongLines
from core.flows.stock_csv import MOST, check_names, moment, reader_of, unescaped, whole
from core.hub import Hub
from core.store import counts
from core.store.unit import Unit

COLUMNS = ("sku", "units", "at")


def read(text: str, location: str) -> Sheet:
    """A file of theirs: a SKU, its units, and the moment at which so many lay there (none: now). Raises WrongLines."""
    found, wrong = dict[str, Counted](), list[tuple[int, str]]()
    try:
        for line, cells in _cells(io.StringIO(text)):
            try:
                one = _row(line, cells, location, found)
                found[one.sku] = one
            except ValueError as error:
                wrong.append((line, str(error)))
    except csv.Error as error:
        raise WrongLines([(0, str(error))]) from None
    if wrong:
        raise WrongLines(wrong)
    return sheet(found.values())


def _cells(file: TextIO) -> Iterable[tuple[int, dict[str, str]]]:
    reader = reader_of(file)
    names = list(reader.fieldnames or ())
    if missing := [name for name in COLUMNS[:2] if name not in names]:
        raise WrongLines([(1, f"the column {missing[0]} is missing; they are {', '.join(COLUMNS)}")])
    check_names(names, COLUMNS)
    for row in reader:
        yield reader.line_num, {column: unescaped(row.get(column) or "").strip() for column in COLUMNS}


def _row(line: int, cells: Mapping[str, str], location: str, known: Mapping[str, Counted]) -> Counted:
    sku = cells["sku"]
    if not sku or not sku.isprintable():
        raise ValueError("sku: there is none")
    if sku in known:
        raise ValueError(f"sku: {sku} is there twice")
    units = whole(cells["units"], f"units: {cells['units']!r} is not a whole number of units", least=0, most=MOST)
    return Counted(line, sku, "", location, units, moment(cells["at"]) if cells["at"] else None)


def sheet(rows: Iterable[Counted]) -> Sheet:
    made = tuple(rows)
    return Sheet(made, titles={one.sku: "" for one in made}, lines={one.sku: one.line for one in made})


def take_in(hub: Hub, work: Unit, merchant: str, said: Sheet) -> Report:
    """Count so in the caller's transaction, which must not be kept when this raises WrongLines: for a SKU that is none of ours, too."""
    known = counts.skus(work.db, merchant)
    if strangers := [(one.line, f"{one.sku} is no SKU of yours") for one in said.counts if one.sku not in known]:
        raise WrongLines(strangers)
    return counting.take_in(hub, work, merchant, said)


class _OnlyLooked(Exception):
    """Ends the transaction of somebody who only wanted to see what it would do."""


def take(hub: Hub, merchant: str, said: Sheet, *, dry_run: bool = False) -> Report:
    """In a transaction of its own. Looking is the same transaction, not kept. Raises WrongLines."""
    made: list[Report] = []
    with suppress(_OnlyLooked), hub.unit() as work:
        made.append(take_in(hub, work, merchant, said))
        if dry_run:
            raise _OnlyLooked
    return made[0]


def said(lines: Sequence[tuple[str, int]], location: str, at: int | None) -> Sheet:
    """(SKU, units) that lay at a location at a moment (None: now), as a program says it."""
    return sheet(Counted(line, sku, "", location, units, at) for line, (sku, units) in enumerate(lines, 1))
