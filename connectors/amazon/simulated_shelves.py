"""The simulator's own warehouses: what happens to goods there, and the inventory ledger that tells it. Pure but for the dicts.

An event is {at, sku, asin, title, event, units, disposition, reason, id}; units below zero left.
"""

import gzip
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]
Row = tuple[str, int, str, str]  # event type, units, disposition, reason

PACIFIC = ZoneInfo("America/Los_Angeles")
COLUMNS = (
    "Date", "FNSKU", "ASIN", "MSKU", "Title", "Event Type", "Reference ID", "Quantity", "Fulfillment Center", "Disposition", "Reason",
    "Country", "Reconciled Quantity", "Unreconciled Quantity", "Date and Time", "Store",
)  # fmt: skip
SELLABLE, DAMAGED = "SELLABLE", "WAREHOUSE_DAMAGED"


def ship(listing: Json, units: int, lost: int, spoilt: bool) -> list[Row]:
    listing["shipped"] = listing.get("shipped", 0) + units
    return []


def arrive(listing: Json, units: int, lost: int, spoilt: bool) -> list[Row]:
    listing["shipped"] = max(0, listing.get("shipped", 0) - units)
    listing["stock"] += units - lost
    return [("Receipts", units - lost, SELLABLE, "")]


def come_back(listing: Json, units: int, lost: int, spoilt: bool) -> list[Row]:
    field = "spoilt" if spoilt else "stock"
    listing[field] = listing.get(field, 0) + units
    return [("CustomerReturns", units, "CUSTOMER_DAMAGED" if spoilt else SELLABLE, "")]


def go(listing: Json, units: int, lost: int, spoilt: bool) -> list[Row]:
    return [("VendorReturns", -_taken(listing, "stock", units), SELLABLE, "")]


def misplace(listing: Json, units: int, lost: int, spoilt: bool) -> list[Row]:
    return [("Adjustments", -_taken(listing, "stock", units), SELLABLE, "M")]


def find(listing: Json, units: int, lost: int, spoilt: bool) -> list[Row]:
    listing["stock"] += units
    return [("Adjustments", units, SELLABLE, "F")]


def dispose(listing: Json, units: int, lost: int, spoilt: bool) -> list[Row]:
    """Of what is spoilt, or else of what could be sold."""
    field = "spoilt" if spoilt else "stock"
    return [("Adjustments", -_taken(listing, field, units), DAMAGED if spoilt else SELLABLE, "D")]


def damage(listing: Json, units: int, lost: int, spoilt: bool) -> list[Row]:
    """It lies there all the same, and cannot be sold."""
    taken = _taken(listing, "stock", units)
    listing["spoilt"] = listing.get("spoilt", 0) + taken
    return [("Adjustments", -taken, SELLABLE, "E"), ("Adjustments", taken, DAMAGED, "P")]


def _taken(listing: Json, field: str, units: int) -> int:
    """As much of it as there is."""
    taken = min(units, listing.get(field, 0))
    listing[field] = listing.get(field, 0) - taken
    return int(taken)


MOVES: dict[str, Callable[[Json, int, int, bool], list[Row]]] = {
    "shipped": ship, "received": arrive, "returned": come_back, "removed": go, "lost": misplace, "found": find, "disposed": dispose,
    "damaged": damage,
}  # fmt: skip


def gone(rows: Iterable[Row]) -> int:
    """Units that Amazon lost, and pays for; below zero: it found them."""
    return -sum(units for _, units, _, reason in rows if reason in ("M", "F"))


def event(listing: Json, row: Row, at: str, id_: str) -> Json:
    kind, units, disposition, reason = row
    goods = {key: listing[key] for key in ("sku", "asin", "title")}
    return {**goods, "at": at, "event": kind, "units": units, "disposition": disposition, "reason": reason, "id": id_}


def ledger(events: Iterable[Json], *, packed: bool) -> bytes:
    """The detailed view: days are the marketplace's own."""
    rows = [_line(COLUMNS), *(_line(_fields(one).get(name, "") for name in COLUMNS) for one in events)]
    raw = "".join(rows).encode("cp1252", "replace")
    return gzip.compress(raw, 5) if packed else raw


def _line(values: Iterable[str]) -> str:
    return "\t".join(f'"{value}"' for value in values) + "\n"


def _fields(one: Json) -> dict[str, str]:
    day = datetime.fromisoformat(one["at"]).astimezone(PACIFIC)
    known = {"Date": f"{day:%m/%d/%Y}", "Date and Time": f"{day:%Y-%m-%dT00:00:00%z}", "FNSKU": f"X0{one['asin'][2:]}", "ASIN": one["asin"]}
    goods = {"MSKU": one["sku"], "Title": one["title"], "Event Type": one["event"], "Reference ID": one["id"], "Country": "US"}
    what = {"Quantity": str(one["units"]), "Disposition": one["disposition"], "Reason": one["reason"], "Fulfillment Center": "PHX3"}
    return {**known, **goods, **what, "Reconciled Quantity": "0", "Unreconciled Quantity": str(abs(one["units"]))}
