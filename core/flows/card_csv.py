"""SKUs' cards as a CSV file that a spreadsheet opens: looked at first, then taken whole or not at all."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TextIO

from core.domain import cards as rules
from core.domain.cards import CLEAR, Card, WrongCell
from core.domain.money import Money
from core.domain.who import Who
from core.flows import cards
from core.flows.cards import Wish, Written, WrongCard
from core.flows.counting import WrongLines
from core.flows.stock_csv import check_names, escaped, plain, reader_of, unescaped
from core.hub import Hub
from core.store import cards as store
from core.store import counts
from core.store.cards import Held
from core.store.unit import Unit

COLUMNS = ("sku", "title", "barcodes", *rules.NAMES, "location", "bin")
OWN = frozenset(COLUMNS) - {"sku", "title", "location"}  # that no other file of ours has


@dataclass
class Row:
    """What a file says of one SKU: the cells of its card and where they stand, and its bins by the names of their locations."""

    line: int
    cells: Mapping[str, str] = field(default_factory=dict)
    bins: dict[str, tuple[int, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """What a file does, or would do. `same` SKUs are so already."""

    cards: Sequence[Written] = ()
    warnings: Sequence[str] = ()
    same: int = 0


class _OnlyLooked(Exception):
    """Ends the transaction of somebody who only wanted to see what it would do."""


def is_one(text: str) -> bool:
    """Whether a file is about cards, by its columns."""
    with suppress(csv.Error):
        return bool(OWN & set(reader_of(io.StringIO(text)).fieldnames or ()))
    return False


def read(file: TextIO) -> dict[str, Row]:
    """What a file says, by SKU. Raises WrongLines."""
    found, wrong = dict[str, Row](), list[tuple[int, str]]()
    try:
        rows = reader_of(file)
        _check_header(rows.fieldnames or ())
        for row in rows:
            _take(found, wrong, rows.line_num, {name: unescaped(row.get(name) or "").strip() for name in COLUMNS})
    except UnicodeDecodeError:
        raise WrongLines([(0, "it is not a text in UTF-8")]) from None
    except csv.Error as error:
        raise WrongLines([(rows.line_num, str(error))]) from None
    if wrong:
        raise WrongLines(wrong)
    return found


def _check_header(names: Sequence[str]) -> None:
    if "sku" not in names:
        raise WrongLines([(1, "the column sku is missing")])
    check_names(names, COLUMNS)


def _take(found: dict[str, Row], wrong: list[tuple[int, str]], line: int, row: Mapping[str, str]) -> None:
    try:
        _add(found, line, row)
    except ValueError as error:
        wrong.append((line, str(error)))


def _add(found: dict[str, Row], line: int, row: Mapping[str, str]) -> None:
    """Rows of one SKU may each say a bin; one of them says the rest."""
    if not row["sku"]:
        raise ValueError("sku: there is no SKU")
    one = found.setdefault(row["sku"], Row(line))
    cells = {name: row[name] for name in ("barcodes", *rules.NAMES) if row[name]}
    if cells and one.cells:
        raise ValueError(f"sku: {row['sku']} is in the file twice")
    if cells:
        one.line, one.cells = line, cells
    if row["bin"]:
        _add_bin(one, line, row)


def _add_bin(one: Row, line: int, row: Mapping[str, str]) -> None:
    if not row["location"]:
        raise ValueError("location: say at which location that bin is")
    if row["location"] in one.bins:
        raise ValueError(f"bin: {row['sku']} has one at {row['location']} already")
    one.bins[row["location"]] = (line, row["bin"])


def take(hub: Hub, merchant: str, said: Mapping[str, Row], who: Who, *, dry_run: bool = False) -> Report:
    """Take all of it in one transaction; gives what changed. Looking is the same transaction, not kept. Raises WrongLines."""
    made: list[Report] = []
    with suppress(_OnlyLooked), hub.unit() as work:
        made.append(take_in(work, merchant, said, who))
        if dry_run:
            raise _OnlyLooked
    return made[0]


def take_in(work: Unit, merchant: str, said: Mapping[str, Row], who: Who) -> Report:
    """The same in the caller's transaction, which must not be kept when this raises WrongLines."""
    wishes = _wishes(work, merchant, said)
    try:
        done = cards.write_in(work, merchant, wishes, who)
    except WrongCard as error:
        raise WrongLines([(said[error.sku].line if error.sku in said else 0, str(error))]) from None
    odd = [f"{one.sku}: the last digit of {code} does not fit: most likely a slip" for one in done for code in one.odd]
    return Report(done, odd, len(wishes) - len(done))


def _wishes(work: Unit, merchant: str, said: Mapping[str, Row]) -> dict[str, Wish]:
    held, wrong = store.lock(work.db, merchant, said), list[tuple[int, str]]()
    rooms = {name: id for id, name in counts.locations(work.db, merchant).items()}
    made = {sku: wish for sku, row in said.items() if (wish := _wish(sku, row, held.get(sku), rooms, wrong))}
    if wrong:
        raise WrongLines(wrong)
    return made


def _wish(sku: str, row: Row, held: Held | None, rooms: Mapping[str, str], wrong: list[tuple[int, str]]) -> Wish | None:
    if held is None:
        wrong.append((row.line, f"sku: there is no SKU {sku}: count it first"))
        return None
    strange = [(line, f"location: you have none that is called {name}") for name, (line, _) in row.bins.items() if name not in rooms]
    wrong += strange
    try:
        fields = {name: text for name, text in row.cells.items() if name != "barcodes"}
        bins = {rooms[name]: "" if text == CLEAR else text for name, (_, text) in row.bins.items() if name in rooms}
        return Wish(rules.read(fields, held.card), _barcodes(row.cells.get("barcodes")), bins)
    except WrongCell as error:
        wrong.append((row.line, str(error)))
        return None


def _barcodes(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else () if text == CLEAR else rules.barcodes(text)


# ---- and back


def write(file: TextIO, rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows by column; what a row does not say is empty."""
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([escaped(plain(row.get(column))) for column in COLUMNS])


AT_ONCE = 1000


def export(hub: Hub, merchant: str) -> Iterator[dict[str, Any]]:
    """Every SKU of ours with its card, and a row for each of its bins; imported again they change nothing."""
    with hub.database.read() as db:
        names, after = counts.locations(db, merchant), ""
        while found := store.page(db, merchant, after, AT_ONCE):
            bins: dict[str, list[tuple[str, str]]] = {}
            for (sku, location), bin_ in store.bins(db, merchant, [one.sku for one in found]).items():
                bins.setdefault(sku, []).append((names.get(location, location), bin_))
            for one in found:
                yield from _rows(one, bins.get(one.sku, []))
            after = found[-1].sku


def _rows(one: Held, bins: Sequence[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    first = {"sku": one.sku, "title": one.title, "barcodes": " ".join(one.barcodes), **cells(one.card)}
    for at, (location, said) in enumerate(bins or [("", "")]):
        yield {**(first if at == 0 else {"sku": one.sku}), "location": location, "bin": said}


def lacking(hub: Hub, merchant: str, what: str = "") -> Iterator[dict[str, Any]]:
    """Those of which a label will lack `what` ("": anything), as rows to fill in."""
    after = ""
    while True:
        with hub.database.read() as db:
            found = store.lacking(db, merchant, what, after, AT_ONCE)
            coded = store.barcodes(db, merchant, [one.sku for one in found])
        yield from ({"sku": one.sku, "title": one.title, "barcodes": " ".join(coded.get(one.sku, ())), **cells(one.card)} for one in found)
        if len(found) < AT_ONCE:
            return
        after = found[-1].sku


def cells(card: Card) -> dict[str, Any]:
    """The card as a file says it: a cost as decimal text of its currency."""
    said = {name: getattr(card, name) for name in rules.NAMES}
    if card.cost is not None and card.cost_currency is not None:
        said["cost"] = Money(card.cost, card.cost_currency).text()
    return said


def spelled(said: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a card and its barcodes, as a file says them."""
    card = rules.with_(rules.BLANK, {name: value for name, value in said.items() if name in rules.NAMES})
    made = {name: value for name, value in cells(card).items() if name in said}
    return made | ({"barcodes": " ".join(said["barcodes"])} if "barcodes" in said else {})


def undo(done: Iterable[Written], names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """What was before, as rows: taken, they bring it back. `names` are those of the locations."""
    for one in done:
        if said := {name: CLEAR if value in (None, "") else value for name, value in spelled(one.was).items()}:
            yield {"sku": one.sku, **said}
        for location, bin_ in one.was.get("bins", {}).items():
            yield {"sku": one.sku, "location": names.get(location, location), "bin": bin_ or CLEAR}
