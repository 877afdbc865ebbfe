"""The simulator's mutations over what leaves: which lines a call means, and what Shopify has against it. Pure.

Shopify's own sentences are not all published: those here are near to them ‡ (2026-11).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.shopify import bookkeeping as books
from connectors.shopify.graphql_orders import LINE_ID, PART_ID, parts

Json = dict[str, Any]
Places = Mapping[int | None, Json]
OPEN = ("OPEN", "IN_PROGRESS", "SCHEDULED", "INCOMPLETE")
GONE = "Fulfillment order does not exist."


class Declined(Exception):
    """What Shopify says instead, and of which field."""

    def __init__(self, message: str, *field: str) -> None:
        super().__init__(message)
        self.told: Json = {"field": list(field) or None, "message": message}


def found(records: Iterable[Json], places: Places, gid: str) -> tuple[Json, Json]:
    """The order that a fulfillment order is of, and itself. Raises Declined."""
    number = gid.removeprefix("gid://shopify/FulfillmentOrder/")
    for record in records:
        if number.isdigit() and record["part"] == int(number) % PART_ID:
            for part in parts(record, places):
                if part["id"] == int(number):
                    return record, part
    raise Declined(GONE, "fulfillment", "lineItemsByFulfillmentOrder")


def shipped(records: Sequence[Json], places: Places, asked: Sequence[Mapping[str, Any]]) -> tuple[Json, int, dict[int, int]]:
    """The order, the location and the units by line that a fulfillment is of. Raises Declined."""
    chosen = [(*found(records, places, one["fulfillmentOrderId"]), one.get("fulfillmentOrderLineItems")) for one in asked]
    if not chosen:
        raise Declined("Line items by fulfillment order can't be blank.", "fulfillment", "lineItemsByFulfillmentOrder")
    if len({record["body"]["id"] for record, _, _ in chosen}) > 1:
        raise Declined("All fulfillment orders must belong to the same order.", "fulfillment")
    if len(locations := {part["assigned_location"]["location"]["id"] for _, part, _ in chosen}) > 1:
        raise Declined("All fulfillment orders must be assigned to the same location.", "fulfillment")
    units: Counter[int] = Counter()
    for _, part, items in chosen:
        units.update(_units(part, items))
    return chosen[0][0], locations.pop(), dict(units)


def _units(part: Json, items: Sequence[Mapping[str, Any]] | None) -> dict[int, int]:
    if part["status"] not in OPEN:
        raise Declined(f"Fulfillment order {part['id']} has an unfulfillable status= {part['status'].lower()}.", "fulfillment")
    open_units = {line["id"]: line["remaining_quantity"] for line in part["line_items"]}
    if not items:
        return {line - LINE_ID: units for line, units in open_units.items() if units}
    wished: Counter[int] = Counter()
    for one in items:
        wished[int(one["id"].rpartition("/")[2])] += one["quantity"]
    for line, units in wished.items():
        if line not in open_units:
            raise Declined("Fulfillment order line item does not exist.", "fulfillment")
        if not 0 < units <= open_units[line]:
            raise Declined("Invalid fulfillment order line item quantity requested.", "fulfillment")
    return {line - LINE_ID: units for line, units in wished.items()}


def prepared(record: Json, part: Json) -> None:
    """Raises Coded where nobody fetches it, or nothing of it is left to be prepared."""
    if record.get("method") != "PICK_UP":
        raise Coded("FULFILLMENT_ORDER_INVALID", "Fulfillment order is not for local pickup.", "input")
    if part["status"] not in OPEN or part["id"] in record.setdefault("prepared", []):
        raise Coded("NO_LINE_ITEMS_TO_PREPARE_FOR_FULFILLMENT_ORDER", "There are no line items to prepare.", "input")
    record["prepared"].append(part["id"])


def movable(part: Json, lines: Iterable[Json], place: int, stocked: Iterable[str]) -> None:
    """Raises Declined where a part must stay, or the place does not stock one of its lines."""
    if part["status"] not in OPEN and part["status"] != "ON_HOLD":
        raise Declined("The fulfillment order is closed.", "id")
    if part["status"] == "IN_PROGRESS":
        raise Declined("Cannot move a fulfillment order that has had progress reported.", "id")
    if part["assigned_location"]["location"]["id"] == place:
        raise Declined("The fulfillment order is already assigned to this location.", "newLocationId")
    if any(str(line["variant_id"]) not in stocked for line in lines if books.open_units(line)):
        raise Declined("The destination location does not stock the requested inventory item.", "newLocationId")


def cancellable(record: Json | None, asked: bool) -> None:
    """Raises Declined, with a code; `asked`: a job works on it already."""
    if record is None:
        raise Coded("NOT_FOUND", "Order does not exist.", "orderId")
    if record["body"]["cancelled_at"] is not None or asked:
        raise Coded("INVALID", "Cannot cancel an order that has already been canceled.", "orderId")
    if any(parcel["status"] == "success" for parcel in record["body"]["fulfillments"]):
        raise Coded("INVALID", "Cannot cancel an order with fulfillments that can't be canceled.", "orderId")


class Coded(Declined):
    def __init__(self, code: str, message: str, *field: str) -> None:
        super().__init__(message, *field)
        self.told["code"] = code


def told_of(parcels: Iterable[Json]) -> list[Json]:
    """The oracle: each parcel as often as it was told."""
    return [
        {"tracking": parcel["tracking_number"], "carrier": parcel["tracking_company"], "units": _by_sku(parcel["line_items"])}
        for parcel in parcels
        if parcel["status"] == "success"
    ]


def _by_sku(lines: Iterable[Json]) -> dict[str, int]:
    units: Counter[str] = Counter()
    for line in lines:
        units[line["sku"]] += line["quantity"]
    return dict(units)
