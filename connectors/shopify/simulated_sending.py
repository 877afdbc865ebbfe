"""The simulator's mutations over what leaves and is paid then: what a call means, and what Shopify has against it. Pure.

Shopify's own sentences are not all published: those here are near to them ‡ (2026-11).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.shopify import bookkeeping as books
from connectors.shopify.graphql_orders import PART_ID, parts
from core.domain.money import Money

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
    of = {line["id"]: int(line["line_item"]["id"]) for line in part["line_items"]}
    if not items:
        return {of[line]: units for line, units in open_units.items() if units}
    wished: Counter[int] = Counter()
    for one in items:
        wished[int(one["id"].rpartition("/")[2])] += one["quantity"]
    for line, units in wished.items():
        if line not in open_units:
            raise Declined("Fulfillment order line item does not exist.", "fulfillment")
        if not 0 < units <= open_units[line]:
            raise Declined("Invalid fulfillment order line item quantity requested.", "fulfillment")
    return {of[line]: units for line, units in wished.items()}


def prepared(record: Json, part: Json) -> None:
    """Raises Coded where nobody fetches it, or nothing of it is left to be prepared."""
    if record.get("method") != "PICK_UP":
        raise Coded("FULFILLMENT_ORDER_INVALID", "Fulfillment order is not for local pickup.", "input")
    if part["status"] not in OPEN or part["id"] in record.setdefault("prepared", []):
        raise Coded("NO_LINE_ITEMS_TO_PREPARE_FOR_FULFILLMENT_ORDER", "There are no line items to prepare.", "input")
    record["prepared"].append(part["id"])


def movable(
    part: Json, lines: Mapping[int, Json], place: int, stocked: Iterable[str], items: Sequence[Mapping[str, Any]] | None
) -> dict[int, int]:  # fmt: skip
    """The units by line of a part that are to be sent from elsewhere: all, or those asked for. Raises Declined where it must stay, has
    fewer, or the place does not stock one of them."""
    if part["status"] not in OPEN and part["status"] != "ON_HOLD":
        raise Declined("The fulfillment order is closed.", "id")
    if part["status"] == "IN_PROGRESS":
        raise Declined("Cannot move a fulfillment order that has had progress reported.", "id")
    if part["assigned_location"]["location"]["id"] == place:
        raise Declined("The fulfillment order is already assigned to this location.", "newLocationId")
    units = _units({**part, "status": "OPEN"}, items)
    if any(str(lines[line]["variant_id"]) not in stocked for line in units):
        raise Declined("The destination location does not stock the requested inventory item.", "newLocationId")
    return units


ENDED = "expired"


def capturable(record: Json | None, asked: Mapping[str, Any], now: str) -> Json:
    """The authorization that is to be captured. Raises Declined where it is none, has ended, is captured already, or is over so much."""
    if record is None:
        raise Declined("Order does not exist", "id")
    number = asked["parentTransactionId"].removeprefix("gid://shopify/OrderTransaction/")
    one: Json | None = next((one for one in record["transactions"] if str(one["id"]) == number and one["kind"] == "authorization"), None)
    if one is None or record["body"]["cancelled_at"] is not None:
        raise Declined("Transaction cannot be captured", "parentTransactionId")
    if record["body"]["financial_status"] == ENDED or (one["authorization_expires_at"] or now) < now:
        raise Declined("The authorization has expired", "parentTransactionId")
    _enough(record, one, asked)
    return one


def _enough(record: Json, one: Json, asked: Mapping[str, Any]) -> None:
    body, taken = record["body"], [other for other in record["transactions"] if other["parent_id"] == one["id"]]
    if (asked.get("currency") or body["presentment_currency"]) != body["presentment_currency"]:
        raise Declined("Currency must be the presentment currency", "currency")
    if taken and not one["multi_capturable"]:
        raise Declined("The authorization has already been captured", "parentTransactionId")
    left = books.minor(one["amount_set"], "presentment_money") - sum(
        books.minor(other["amount_set"], "presentment_money") for other in taken
    )
    wish = Money.parse(str(asked["amount"]), body["presentment_currency"]).minor
    if not 0 < wish <= left:
        raise Declined("Amount exceeds the authorized amount", "amount")


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
