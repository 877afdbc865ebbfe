"""What units cost, as a CSV file that a spreadsheet opens: looked at first, then taken whole or not at all."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, TextIO

from core.domain.costing import UnitCost
from core.domain.who import Who
from core.flows import costing
from core.flows.costing import Priced, Typed, WrongCost
from core.flows.counting import WrongLines
from core.flows.stock_csv import cells_of, escaped
from core.hub import Hub
from core.store import costs

COLUMNS = ("sku", "title", "cost", "currency", "from")
NEEDED = ("sku", "cost", "currency")
AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Row:
    at: int
    said: Typed


class _OnlyLooked(Exception):
    """Ends the transaction of somebody who only wanted to see what it would do."""


def read(text: str) -> list[Row]:
    """What a file says, a SKU and day once; rows without a cost say nothing. Raises WrongLines, which name the line and the column."""
    found, wrong, seen = list[Row](), list[tuple[int, str]](), set[tuple[str, date | None]]()
    for at, cells in cells_of(text, COLUMNS, NEEDED):
        try:
            row = _row(at, cells, seen)
        except ValueError as error:
            wrong.append((at, str(error)))
        else:
            found += [row] if row else []
    if wrong:
        raise WrongLines(wrong)
    return found


def _row(at: int, cells: Mapping[str, str], seen: set[tuple[str, date | None]]) -> Row | None:
    if not cells["sku"]:
        raise ValueError("sku: there is no SKU")
    if not cells["cost"]:
        return None
    try:
        first = date.fromisoformat(cells["from"]) if cells["from"] else None
    except ValueError:
        raise ValueError(f"from: {cells['from']!r} is not a day like 2026-11-30") from None
    if (cells["sku"], first) in seen:
        raise ValueError(f"sku: {cells['sku']} is in the file twice")
    seen.add((cells["sku"], first))
    return Row(at, Typed(cells["sku"], cells["cost"], cells["currency"].upper(), first))


def take(hub: Hub, merchant: str, rows: Sequence[Row], who: Who, *, dry_run: bool = False) -> list[Priced]:
    """Take all of it in one transaction; gives what changed. Looking is the same transaction, not kept. Raises WrongLines."""
    made: list[Priced] = []
    with suppress(_OnlyLooked), hub.unit() as work:
        try:
            made += costing.type_in(work, merchant, [row.said for row in rows], who)
        except WrongCost as error:
            raise WrongLines([(rows[error.index].at, str(error))]) from None
        if dry_run:
            raise _OnlyLooked
    return made


# ---- and back


def export(hub: Hub, merchant: str) -> Iterator[dict[str, Any]]:
    """Units without a cost first, then every SKU of ours with what it costs now, as a file to fill in."""
    for what in (costs.lacking, costs.page):
        after: str | None = ""
        while after is not None:
            with hub.database.read() as db:
                found = what(db, merchant, after, AT_ONCE)
            yield from (_cell(row) for row in found if row.sku)
            after = found[-1].sku if len(found) == AT_ONCE else None


def _cell(row: Any) -> dict[str, Any]:
    cost = getattr(row, "cost", None)
    known = UnitCost(row.at, cost, row.currency) if cost is not None else None
    return {"sku": row.sku, "title": row.title or "", "cost": known.text if known else "", "currency": known.currency if known else ""}


def write(file: TextIO, rows: Iterator[dict[str, Any]]) -> None:
    writer, seen = csv.writer(file, lineterminator="\r\n"), set[str]()
    writer.writerow(COLUMNS)
    for row in rows:
        if row["sku"] not in seen:
            seen.add(row["sku"])
            writer.writerow([escaped(str(row.get(column, ""))) for column in COLUMNS])
