"""Everything that a merchant can have: a row in each table, and by which ids somebody else could ask for it."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, LargeBinary, insert, select

from core.hub import Hub
from core.store.tables import metadata

CANARY = "Kanarivogel"
OWNED = [table for table in metadata.sorted_tables if "merchant" in table.columns]
# Words of ours that nothing else can stand for, and what is sealed.
KINDS = {
    "inbounds.kind": "purchase", "inbounds.state": "open", "manifests.state": "failed", "manifests.words": None,
    "pickups.state": "unknown", "pickups.words": None, "pickups.handle": None, "pickups.ready": "2026-11-22T13:00",
    "pickups.until": "2026-11-22T17:00", "stations.way": "zpl", "stations.kinds": "[]", "print_jobs.state": "failed",
    "books.starts": "2026-11-01", "books.closed_until": None, "books.settings": "{}",
    "carrier_bill_lines.what": "freight", "carrier_bills.day": "2026-11-02", "carrier_bills.currency": "USD", "unit_costs.currency": "USD",
    "entries.kind": "sale", "entries.day": "2026-11-02", "entries.due_day": None, "postings.kind": "sale",
    "postings.day": "2026-11-02", "postings.account": "sales", "payouts.state": "paid", "items.since": "2026-11-02",
    "items.last": "2026-11-02", "postings.currency": "USD", "items.currency": "USD", "payouts.currency": "USD",
    "payouts.deposit_currency": None, "payouts.findings": None, "documents.kind": "journal", "documents.day": "2026-11-02",
    "deposits.day": "2026-11-02", "deposits.currency": "USD", "day_rates.day": "2026-11-02", "day_rates.currency": "EUR",
    "day_rates.base": "USD", "day_rates.rate": "1.1",
    "documents.state": "draft", "documents.words": None, "documents.doc": "{}",
}  # fmt: skip
NAMED = ("subject", "ref", "channel_id", "connection", "user_id", "account", "sku", "token", "name", "who", "listing")  # beside the keys


def fill(hub: Hub, merchant: str) -> None:
    """A row in every table of this merchant's that has none yet; its words are canaries."""
    with hub.database.write() as db:
        for table in OWNED:
            if db.execute(select(table).where(table.c.merchant == merchant).limit(1)).first() is None:
                db.execute(insert(table), {**{column.name: _any(hub, column) for column in table.columns}, "merchant": merchant})


def _any(hub: Hub, column: "Column[Any]") -> Any:
    """A value of its kind; what may be open, is."""
    match column.type:
        case Boolean():
            return False
        case BigInteger() | Integer() | Float():
            return None if column.nullable else hub.now + 3_600_000_000 if column.name == "until" else 1_000_000
        case LargeBinary():
            return b"1"
    if f"{column.table.name}.{column.name}" in KINDS:
        return KINDS[f"{column.table.name}.{column.name}"]
    default = str(getattr(column.server_default, "arg", "")).strip("()'")
    return default or (hub.ids() if column.primary_key or column.name.endswith("_id") else f"{CANARY} {column.name}")


def rows(hub: Hub, merchant: str) -> dict[str, list[dict[str, Any]]]:
    with hub.database.read() as db:
        return {
            table.name: [dict(row._mapping) for row in db.execute(select(table).where(table.c.merchant == merchant))] for table in OWNED
        }


def ids(found: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """By which their things could be asked for."""
    for table, some in found.items():
        keys = [column.name for column in metadata.tables[table].primary_key] + list(NAMED)
        for row in some[:2]:
            yield from (str(row[key]) for key in keys if row.get(key) not in (None, "", row["merchant"]))


def everything(hub: Hub, merchant: str) -> dict[str, list[str]]:
    return {table: sorted(map(str, some)) for table, some in rows(hub, merchant).items()}
