"""What lies where, and what is on its way there, as a file for reading: unlike the export of counts it is not taken back."""

import csv
from collections.abc import Iterable
from typing import Any, TextIO

from core.flows.stock_csv import escaped
from core.hub import Hub
from core.store import levels
from core.store.tables import when

COLUMNS = ("sku", "title", "location", "kind", "on_hand", "reserved", "safety", "free", "damaged", "coming", "coming_by", "counted_at")


def rows(hub: Hub, merchant: str) -> list[dict[str, Any]]:
    """Every SKU at every location where it was counted, or where it is on its way to, by column."""
    with hub.database.read() as db:
        return [_row(row) for row in levels.everything(db, merchant)]


def _row(row: Any) -> dict[str, Any]:
    found = {name: getattr(row, name) for name in COLUMNS}
    moments = {name: when(found[name]).isoformat() if found[name] else None for name in ("coming_by", "counted_at")}
    return {**found, **moments}


def write(file: TextIO, rows: Iterable[dict[str, Any]]) -> None:
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([escaped("" if row[name] is None else str(row[name])) for name in COLUMNS] for row in rows)
