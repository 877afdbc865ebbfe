"""Counts and maps as a CSV file that a spreadsheet opens: read, written, taken."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import Any, TextIO

from core.domain.counts import Counted, Safe, Said, Sheet
from core.domain.places import LocationKind
from core.flows import counting
from core.flows.counting import Report, WrongLines
from core.hub import Hub
from core.store import connections, counts, places, stock
from core.store.tables import us, when

COLUMNS = ("sku", "on_hand", "title", "location", "counted_at", "safety", "channel", "connection", "listing", "channel_sku", "units")
OF_A_LISTING = ("channel", "connection", "listing", "channel_sku", "units")
UNCOUNTED = "uncounted"
MOST = 1_000_000_000
# A spreadsheet takes a cell that begins so for a formula (owasp.org, CSV injection), in full width too: an apostrophe before it says that
# it is none.
FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")


def escaped(cell: str) -> str:
    return f"'{cell}" if FORMULA.match(cell) else cell


def unescaped(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


@dataclass
class _Reading:
    """What the rows come to so far, and a sentence for each that is wrong."""

    location: str
    counted_at: int | None
    counts: list[Counted] = field(default_factory=list)
    maps: dict[tuple[str, str, str, str], Said] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    shelves: set[tuple[str, str]] = field(default_factory=set)
    safety: dict[tuple[str, str], Safe] = field(default_factory=dict)
    silent: int = 0
    wrong: list[tuple[int, str]] = field(default_factory=list)

    def take(self, line: int, row: Mapping[str, str]) -> None:
        try:
            self._take(line, row)
        except ValueError as error:
            self.wrong.append((line, str(error)))

    def _take(self, line: int, row: Mapping[str, str]) -> None:
        sku = row["sku"].strip()
        if not (sku + row["title"]).isprintable():
            raise ValueError("a SKU or title that cannot be printed")
        if not sku and (row["on_hand"].strip() or row["safety"].strip() or not _names_a_listing(row)):
            raise ValueError("there is no SKU")
        self._count(line, sku, row)
        self._keep(line, sku, row)
        self._map(line, sku, row)
        if sku:
            self.lines.setdefault(sku, line)
            self.titles[sku] = row["title"].strip() or self.titles.get(sku, "")

    def _count(self, line: int, sku: str, row: Mapping[str, str]) -> None:
        units, location = row["on_hand"].strip(), row["location"].strip() or self.location
        if not units and (_names_a_listing(row) or row["safety"].strip()):
            return
        on_hand = None if units == UNCOUNTED else whole(units, "on_hand is not a whole number of units", least=0, most=MOST)
        if (sku, location) in self.shelves:
            raise ValueError("the SKU is counted twice")
        if not location.isprintable():
            raise ValueError("a location that cannot be printed")
        self.shelves.add((sku, location))
        self.counts.append(Counted(line, sku, row["title"].strip(), location, on_hand, _moment(row["counted_at"], self.counted_at)))

    def _keep(self, line: int, sku: str, row: Mapping[str, str]) -> None:
        units, location = row["safety"].strip(), row["location"].strip() or self.location
        if not units:
            return
        if (sku, location) in self.safety:
            raise ValueError("safety is said twice of this SKU")
        if row["on_hand"].strip() == UNCOUNTED:
            raise ValueError("safety of what nobody counted")
        kept = whole(units, "safety is not a whole number of units", least=0, most=MOST)
        self.safety[sku, location] = Safe(line, sku, location, kept)

    def _map(self, line: int, sku: str, row: Mapping[str, str]) -> None:
        if not _names_a_listing(row):
            if any(row[column].strip() for column in OF_A_LISTING):
                raise ValueError("it names a channel or units and no listing: listing or channel_sku is missing")
            return
        units = whole(row["units"].strip() or "1", "units is not a whole number from 0 to 9999", least=0, most=9_999)
        if not sku and row["units"].strip() != "0":
            self.silent += 1  # a listing that nobody mapped, as it was exported
            return
        self._add(line, row, {sku: units} if sku and units else {})

    def _add(self, line: int, row: Mapping[str, str], parts: Mapping[str, int]) -> None:
        """Rows of one listing make a bundle."""
        names = (row["connection"].strip(), row["channel"].strip(), row["listing"].strip(), row["channel_sku"])
        known = self.maps.get(names)
        if known and parts.keys() & known.parts.keys():
            raise ValueError("the listing is mapped twice to this SKU")
        if known and not (parts and known.parts):
            raise ValueError("the listing is mapped, and to nothing")
        self.maps[names] = Said(known.line if known else line, *names, {**(known.parts if known else {}), **parts})

    def sheet(self) -> Sheet:
        return Sheet(tuple(self.counts), tuple(self.maps.values()), self.titles, self.lines, self.silent, tuple(self.safety.values()))


def _names_a_listing(row: Mapping[str, str]) -> bool:
    return bool(row["listing"].strip() or row["channel_sku"].strip())


def whole(text: str, words: str, *, least: int, most: int) -> int:
    """The number of units that a cell says. Raises ValueError with these words for anything else."""
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and least <= int(text) <= most):
        raise ValueError(words)
    return int(text)


def _moment(text: str, otherwise: int | None) -> int | None:
    return moment(text.strip()) if text.strip() else otherwise


def moment(text: str) -> int:
    """Microseconds of an ISO time with its zone. Raises ValueError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"counted_at {text!r} is not a time like 2026-11-22T18:30:00Z") from None
    if at.tzinfo is None:
        raise ValueError(f"counted_at {text!r} does not say its zone; write {text}Z for UTC, or {text}+01:00")
    return us(at)


def read(file: TextIO, location: str, counted_at: int | None = None) -> Sheet:
    """What a file says. `location` and `counted_at` (microseconds; None: now) are for rows that do not say theirs. Raises WrongLines."""
    reading = _Reading(location, counted_at)
    try:
        reader = reader_of(file)
        _check_header(reader.fieldnames or ())
        for row in reader:
            reading.take(reader.line_num, {column: unescaped(row.get(column) or "") for column in COLUMNS})
    except UnicodeDecodeError:
        raise WrongLines([(0, "it is not a text in UTF-8")]) from None
    except csv.Error as error:
        raise WrongLines([(reader.line_num, str(error))]) from None
    if reading.wrong:
        raise WrongLines(reading.wrong)
    return reading.sheet()


def reader_of(file: TextIO) -> "csv.DictReader[str]":
    """Commas, or what a spreadsheet of another country writes instead; its first line may say so."""
    text = file.read()
    told = re.match(r"sep=(.)\r?\n", text)
    head = text.partition("\n")[0]
    mark = told[1] if told else max(",;\t", key=head.count)
    rows = csv.DictReader(io.StringIO(text[told.end() :] if told else text, newline=""), delimiter=mark, strict=True)
    rows.fieldnames = [name.strip().casefold() for name in rows.fieldnames or ()]
    return rows


def _check_header(names: Sequence[str]) -> None:
    missing = [] if "sku" in names and {"on_hand", "listing", "channel_sku"} & set(names) else sorted({"sku", "on_hand"} - set(names))
    if missing:
        raise WrongLines([(1, f"the column {missing[0]} is missing")])
    check_names(names, COLUMNS)


def check_names(names: Sequence[str], columns: Sequence[str]) -> None:
    """A file's columns are some of these, each once. Raises WrongLines."""
    if strange := sorted(set(names) - set(columns) - {""}):
        raise WrongLines([(1, f"{strange[0]!r} is no column of ours: they are {', '.join(columns)}")])
    if twice := sorted({name for name in names if name and list(names).count(name) > 1}):
        raise WrongLines([(1, f"the column {twice[0]} is there twice")])


def cells_of(text: str, columns: Sequence[str], needed: Iterable[str]) -> list[tuple[int, dict[str, str]]]:
    """Every row of a file of these columns, with the line that it ends in: all columns, "" where one is left out. Raises WrongLines."""
    reader = reader_of(io.StringIO(text))
    try:
        names = reader.fieldnames or ()
        if missing := [name for name in needed if name not in names]:
            raise WrongLines([(1, f"the column {missing[0]} is missing; they are {', '.join(columns)}")])
        check_names(names, columns)
        return [(reader.line_num, {name: unescaped(row.get(name) or "").strip() for name in columns}) for row in reader]
    except csv.Error as error:
        raise WrongLines([(reader.line_num, str(error))]) from None


# ---- and back


def write(file: TextIO, rows: Iterable[Mapping[str, Any]]) -> None:
    """Rows by column; what a row does not say is empty."""
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([escaped(plain(row.get(column))) for column in COLUMNS])


def plain(value: Any) -> str:
    return "" if value is None else "".join(letter if letter.isprintable() else " " for letter in str(value))


def export(hub: Hub, merchant: str, *, unmapped: bool = False) -> list[dict[str, Any]]:
    """Every SKU of ours with its levels at this moment and the listings that are mapped to it; imported again they change nothing,
    whenever that is. With `unmapped` also listings that nobody mapped, for somebody to put in the SKU."""
    with hub.unit() as work:  # nothing moves between the moment and the figures
        known = counts.skus(work.db, merchant)
        stock.lock_levels(work.db, merchant, known)
        levels, names = counts.levels(work.db, merchant, known), counts.locations(work.db, merchant)
        amazons = {row.id for row in places.locations(work.db, merchant) if row.kind == LocationKind.FBA}
        listed, owners = counts.listings(work.db, merchant), {one.id: one for one in connections.all_of(work.db, merchant)}
        at = when(work.now).isoformat()
    shelves: dict[str, list[dict[str, Any]]] = {}
    for (sku, place), level in levels.items():
        if place in amazons:
            continue
        shelves.setdefault(sku, []).append(
            {"on_hand": level.on_hand, "location": names.get(place, place), "counted_at": at, "safety": level.safety}
        )
    maps: dict[str, list[dict[str, Any]]] = {}
    for one in listed:
        for sku, units in one.parts.items():
            maps.setdefault(sku, []).append({**_listing(owners[one.connection], one.listing, one.sku), "units": units})
    made = [row for sku, title in known.items() for row in _rows(sku, title, shelves.get(sku, []), maps.get(sku, []))]
    lost = [one for one in listed if unmapped and not one.parts and one.writable is None]
    return made + [{"title": one.title, **_listing(owners[one.connection], one.listing, one.sku)} for one in lost]


def _rows(sku: str, title: str, shelves: list[dict[str, Any]], maps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """A SKU's levels and maps side by side, in as few rows as hold them."""
    for shelf, one in zip_longest(shelves, maps):
        yield {"sku": sku, "title": title, **(shelf or {}), **(one or {})}


def _listing(owner: Any, listing: str, channel_sku: str) -> dict[str, Any]:
    return {"channel": owner.channel, "connection": owner.account, "listing": listing, "channel_sku": channel_sku}


def undo(report: Report) -> Iterator[dict[str, Any]]:
    """The state before an import as rows: taken, they bring it back, less what orders moved since."""
    at = when(report.at).isoformat()
    for one in report.shelves:
        yield {"sku": one.sku, "on_hand": UNCOUNTED if one.was is None else one.was, "location": one.location, "counted_at": at}
    for kept in report.safeties:
        if kept.was is not None:
            yield {"sku": kept.sku, "location": kept.location, "safety": kept.was}
    for remapped in report.maps:
        said = {
            "channel": remapped.channel,
            "connection": remapped.account,
            "listing": remapped.listing,
            "channel_sku": remapped.channel_sku,
        }
        for sku, units in remapped.was.items() or [("", 0)]:
            yield {"sku": sku, **said, "units": units}


# ---- rows that do not come from a file


def apply(hub: Hub, merchant: str, rows: Iterable[Mapping[str, Any]], location: str, *, dry_run: bool) -> Iterator[str]:
    """Count these {sku, title, on_hand} at the location of that name, now; says what changes. Raises WrongLines."""
    made = [Counted(line, row["sku"], row["title"], location, row["on_hand"]) for line, row in enumerate(rows, 1)]
    yield from changes(counting.take(hub, merchant, Sheet(tuple(made)), dry_run=dry_run))


def changes(report: Report) -> Iterator[str]:
    """A sentence for each shelf and each map."""
    for one in report.shelves:
        yield f"{one.sku}: {one.was or 0} -> {UNCOUNTED if one.will is None else one.will}{_why(one)}"
    for kept in report.safeties:
        yield f"{kept.sku}: {kept.was or 0} -> {kept.will} kept from channels"
    for remapped in report.maps:
        yield f"{remapped.channel} {remapped.channel_sku or remapped.listing}: {parts(remapped.was)} -> {parts(remapped.will)}"


def _why(one: counting.Shelved) -> str:
    if one.counted is None or one.will is None:
        return ""
    if one.will > max(0, one.counted + one.moved):
        return f", since so many are promised; {one.counted} were counted"
    return f", {one.counted} counted and {one.moved:+} since" if one.moved else ""


def parts(made: Mapping[str, int]) -> str:
    """What one unit of a listing consumes, in words."""
    return " + ".join(sku if units == 1 else f"{units} x {sku}" for sku, units in made.items()) or "nothing"
