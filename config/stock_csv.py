"""Stock counts from a CSV file."""

import csv
from collections.abc import Iterator
from typing import Any, TextIO

from core.flows.allocation import ask_waiting
from core.hub import Hub
from core.store import listings, stock
from core.store.sql import run

Row = dict[str, Any]


def read(file: TextIO) -> tuple[list[Row], list[str]]:
    """Rows {sku, title, on_hand}, and a sentence for each line that is wrong."""
    reader = csv.DictReader(file)
    missing = {"sku", "on_hand"} - set(reader.fieldnames or ())
    if missing:
        return [], [f"line 1: the column {min(missing)} is missing"]
    rows, wrong, seen = [], [], set()
    for number, line in enumerate(reader, 2):
        sku, units = (line["sku"] or "").strip(), (line["on_hand"] or "").strip()
        if not sku or sku in seen:
            wrong.append(f"line {number}: {'the SKU is counted twice' if sku else 'there is no SKU'}")
        elif not units.isdecimal() or int(units) > 1_000_000_000:
            wrong.append(f"line {number}: on_hand is not a whole number of units")
        else:
            seen.add(sku)
            rows.append({"sku": sku, "title": (line.get("title") or "").strip(), "on_hand": int(units)})
    return rows, wrong


def apply(hub: Hub, merchant: str, rows: list[Row], location: str, *, dry_run: bool) -> Iterator[str]:
    """Count these rows at the location of that name; says what changes. Lines that waited for stock get another look."""
    with hub.unit() as work:
        place = _location(hub, work.db, merchant, location)
        known = stock.lock_levels(work.db, merchant, (row["sku"] for row in rows))
        for row in rows:
            was = known.get((row["sku"], place), (0, 0))[0]
            if was != row["on_hand"]:
                yield f"{row['sku']}: {was} -> {row['on_hand']}"
        if not dry_run:
            stock.count(work.db, merchant, [{**row, "location": place} for row in rows], work.now)
            listings.propose(work.db, merchant)
            for connection in listings.touch(work.db, merchant, (row["sku"] for row in rows), None):
                work.ask(merchant, "publish_stock", connection, connection)
            ask_waiting(work, merchant)


def _location(hub: Hub, db: Any, merchant: str, name: str) -> str:
    query = "select id from locations where merchant = :merchant and name = :name"
    found = run(db, query, merchant=merchant, name=name).scalar()
    if found is None:
        found = hub.ids()
        stock.add_location(db, merchant, found, name)
    return str(found)
