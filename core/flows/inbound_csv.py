"""What is announced, and what came, as CSV files: looked at first, then taken whole or not at all."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TextIO

from core.domain import costing
from core.domain.inbound import MOST, Came
from core.domain.money import Money
from core.domain.who import Who
from core.errors import Refused
from core.flows import inbound
from core.flows.counting import WrongLines
from core.flows.stock_csv import escaped, reader_of, unescaped, whole
from core.hub import Hub
from core.store import costs
from core.store.unit import Unit

LINES, RECEIPTS = "lines", "receipts"
COLUMNS = {LINES: ("sku", "units", "cost", "currency"), RECEIPTS: ("sku", "received", "damaged")}
NEEDED = {LINES: ("sku", "units"), RECEIPTS: ("sku", "received")}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a file: where it stands, its SKU, units by column, and what one of them costs, in ten thousandths of the currency's smallest
    unit; None: it does not say."""

    line: int
    sku: str
    units: Mapping[str, int]
    paid: tuple[int, str] | None = None


def read(file: TextIO, what: str) -> list[Row]:
    """What a file of LINES or RECEIPTS says, each SKU once. Raises WrongLines, which name the line and the column."""
    found, wrong = list[Row](), list[tuple[int, str]]()
    for line, cells in _cells(file, what):
        try:
            found.append(_row(line, cells, what, {row.sku for row in found}))
        except ValueError as error:
            wrong.append((line, str(error)))
    if wrong:
        raise WrongLines(wrong)
    return found


def _cells(file: TextIO, what: str) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        reader = reader_of(file)
        _check_header(reader.fieldnames or (), what)
        for row in reader:
            yield reader.line_num, {column: unescaped(row.get(column) or "").strip() for column in COLUMNS[what]}
    except UnicodeDecodeError:
        raise WrongLines([(0, "it is not a text in UTF-8")]) from None
    except csv.Error as error:
        raise WrongLines([(reader.line_num, str(error))]) from None


def _check_header(names: Sequence[str], what: str) -> None:
    known = ", ".join(COLUMNS[what])
    if missing := [name for name in NEEDED[what] if name not in names]:
        raise WrongLines([(1, f"the column {missing[0]} is missing; they are {known}")])
    if strange := sorted(set(names) - set(COLUMNS[what]) - {""}):
        raise WrongLines([(1, f"{strange[0]!r} is no column here: they are {known}")])
    if twice := sorted({name for name in names if name and list(names).count(name) > 1}):
        raise WrongLines([(1, f"the column {twice[0]} is there twice")])


def _row(line: int, cells: Mapping[str, str], what: str, known: Iterable[str]) -> Row:
    if not cells["sku"]:
        raise ValueError("sku: there is none")
    if cells["sku"] in known:
        raise ValueError(f"sku: {cells['sku']} is there twice")
    least = 1 if what == LINES else 0
    units = {column: _units(cells, column, least) for column in COLUMNS[what][1:] if column not in ("cost", "currency")}
    return Row(line, cells["sku"], units, _paid(cells.get("cost", ""), cells.get("currency", "").upper()))


def _paid(cost: str, currency: str) -> tuple[int, str] | None:
    if not cost:
        return None
    try:
        Money.parse("0", currency)
        return costing.parse(cost, currency), currency
    except ValueError as error:
        raise ValueError(f"cost: {error}") from None


def _units(cells: Mapping[str, str], column: str, least: int) -> int:
    said = cells[column]
    if column == "damaged" and not said:
        return 0
    return whole(said, f"{column}: {said!r} is not a whole number from {least} to {MOST}", least=least, most=MOST)


def write(file: TextIO, what: str, rows: Iterable[Sequence[object]]) -> None:
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS[what])
    writer.writerows([escaped(str(cell)) for cell in row] for row in rows)


# ---- taken


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file did, or would do, for a page; `undo` are the rows that take it back, where a file can."""

    report: dict[str, Any]
    undo: Sequence[tuple[str, int]] | None = None


class _OnlyLooked(Exception):
    """Ends the transaction of somebody who only wanted to see what it would do."""


def take(hub: Hub, merchant: str, id: str, what: str, rows: Sequence[Row], who: Who, *, dry_run: bool = False) -> Taken:
    """Take a file for a delivery, all of it or nothing; looking is the same transaction, not kept. Raises WrongLines."""
    made: list[Taken] = []
    with suppress(_OnlyLooked), hub.unit() as work:
        made.append(take_in(work, merchant, id, what, rows, who))
        if dry_run:
            raise _OnlyLooked
    return made[0]


def take_in(work: Unit, merchant: str, id: str, what: str, rows: Sequence[Row], who: Who) -> Taken:
    """Take a file for a delivery, in a transaction that must not be kept when this raises WrongLines."""
    take: Callable[[Unit, str, str, Sequence[Row], Who], Taken] = _announce if what == LINES else _receive
    try:
        return take(work, merchant, id, rows, who)
    except inbound.NotOurs as error:
        words = "is no SKU of yours" if what == LINES else "is not on this delivery"
        raise WrongLines([(_line(rows, sku), f"sku: {sku} {words}") for sku in error.skus]) from None
    except Refused as error:
        raise WrongLines([(0, str(error))]) from None


def _line(rows: Iterable[Row], sku: str) -> int:
    return next((row.line for row in rows if row.sku == sku), 0)


def _announce(work: Unit, merchant: str, id: str, rows: Sequence[Row], who: Who) -> Taken:
    lines = {row.sku: row.units["units"] for row in rows}
    was = inbound.set_lines_in(work, merchant, id, lines, who)
    costs.set_of_delivery(work.db, merchant, id, {row.sku: row.paid for row in rows if row.paid})
    changed = [{"sku": sku, "was": was.get(sku, 0), "will": lines.get(sku, 0)} for sku in sorted({*was, *lines})]
    changed = [one for one in changed if one["was"] != one["will"]]
    return Taken({"lines": changed, "counts": {"lines": len(changed)}}, sorted(was.items()))


def _receive(work: Unit, merchant: str, id: str, rows: Sequence[Row], who: Who) -> Taken:
    came = [Came(row.sku, row.units["received"], row.units["damaged"]) for row in rows]
    done = inbound.receive_in(work, merchant, id, came, who)
    told = [{"sku": one.sku, "received": one.good, "damaged": one.damaged, "more": done.more.get(one.sku, 0)} for one in done.came]
    return Taken({"came": told, "counts": {"came": len(told)}})
