"""Stock counts from a CSV file."""

import csv
from collections.abc import Iterator
from typing import Any, TextIO

from core.flows.allocation import ask_waiting
from core.hub import Hub
from core.store import listings, orders, stock
from core.store.sql import run
from core.store.unit import Unit

Row = dict[str, Any]


def read(file: TextIO) -> tuple[list[Row], list[str]]:
    """Rows {sku, title, on_hand}, and a sentence for each line that is wrong."""
    reader = csv.DictReader(file)
    try:
        missing = {"sku", "on_hand"} - set(reader.fieldnames or ())
        return ([], [f"line 1: the column {min(missing)} is missing"]) if missing else _rows(reader)
    except UnicodeDecodeError:
        return [], ["it is not a text in UTF-8"]
    except csv.Error as error:
        return [], [f"line {reader.line_num}: {error}"]


def _rows(reader: "csv.DictReader[str]") -> tuple[list[Row], list[str]]:
    rows, wrong, seen = [], [], set[str]()
    for line in reader:
        sku, title, units = ((line.get(column) or "").strip() for column in ("sku", "title", "on_hand"))
        if problem := _problem(sku, title, units, seen):
            wrong.append(f"line {reader.line_num}: {problem}")
        else:
            seen.add(sku)
            rows.append({"sku": sku, "title": title, "on_hand": int(units)})
    return rows, wrong


def _problem(sku: str, title: str, units: str, seen: set[str]) -> str:
    if not sku:
        return "there is no SKU"
    if sku in seen:
        return "the SKU is counted twice"
    if not (sku + title).isprintable():
        return "a SKU or title that cannot be printed"
    if not (units.isascii() and units.isdecimal() and len(units) <= 10 and int(units) <= 1_000_000_000):
        return "on_hand is not a whole number of units"
    return ""


def apply(hub: Hub, merchant: str, rows: list[Row], location: str, *, dry_run: bool) -> Iterator[str]:
    """Count these rows at the location of that name; says what changes. Lines that waited for stock get another look."""
    with hub.unit() as work:
        place = _location(work.db, merchant, location)
        known = stock.lock_levels(work.db, merchant, (row["sku"] for row in rows)) if place else {}
        if not dry_run:
            orders.left_before(work.db, merchant, stock.uncounted(work.db, merchant, (row["sku"] for row in rows)))
            _count(work, merchant, rows, place or _add_location(hub, work.db, merchant, location))
    for row in rows:
        was, reserved = known.get((row["sku"], place or ""), (0, 0))
        if row["on_hand"] < reserved:
            yield f"{row['sku']}: {was} -> {reserved}, since so many are promised; {row['on_hand']} were counted"
        elif row["on_hand"] != was:
            yield f"{row['sku']}: {was} -> {row['on_hand']}"


def _count(work: Unit, merchant: str, rows: list[Row], place: str) -> None:
    stock.count(work.db, merchant, [{**row, "location": place} for row in rows], work.now)
    listings.propose(work.db, merchant)
    for connection in listings.touch(work.db, merchant, (row["sku"] for row in rows), None):
        work.ask(merchant, "publish_stock", connection, connection)
    ask_waiting(work, merchant)


def _location(db: Any, merchant: str, name: str) -> str | None:
    query = "select id from locations where merchant = :merchant and name = :name"
    found: str | None = run(db, query, merchant=merchant, name=name).scalar()
    return found


def _add_location(hub: Hub, db: Any, merchant: str, name: str) -> str:
    made = hub.ids()
    stock.add_location(db, merchant, made, name)
    return made
