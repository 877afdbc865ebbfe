"""The simulator's orders as GraphQL shows them: the webhook's body with the few fields that are spelled or kept otherwise. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.shopify import bookkeeping as books
from core.domain.money import Money

Json = dict[str, Any]
PART_ID, LINE_ID = 1_000_000_000, 7_000_000_000  # what makes the ids of an order's further parts, and of their lines, other ones
WORDS = {None: "UNFULFILLED", "partial": "PARTIALLY_FULFILLED", "fulfilled": "FULFILLED"}
KINDS = {
    "discount_code": "DiscountCodeApplication",
    "automatic": "AutomaticDiscountApplication",
    "manual": "ManualDiscountApplication",
    "script": "ScriptDiscountApplication",
}


def _allocations(body: Json, line: Json) -> list[Json]:
    found = []
    for part in line["discount_allocations"]:
        at = part["discount_application_index"]
        source = body["discount_applications"][at]
        application = {**source, "__typename": KINDS[source["type"]], "index": at, "target_type": source["target_type"].upper()}
        found.append({"allocated_amount_set": part["amount_set"], "discount_application": application})
    return found


def _line(body: Json, line: Json) -> Json:
    return {
        **line,
        "unfulfilled_quantity": line["fulfillable_quantity"],
        "is_gift_card": line["gift_card"],
        "variant": {"id": line["variant_id"]} if line["variant_id"] else None,
        "line_item_group": {"id": line["sales_line_item_group_id"]} if line["sales_line_item_group_id"] else None,
        "fulfillment_service": {"handle": line["fulfillment_service"]},
        "original_unit_price_set": line["price_set"],
        "discount_allocations": _allocations(body, line),
    }


def _address(told: Json | None) -> Json | None:
    return told and {**told, "country_code_v2": told["country_code"]}


def _transaction(one: Json) -> Json:
    parent = {"id": one["parent_id"]} if one["parent_id"] else None
    return {"fees": [], **one, "kind": one["kind"].upper(), "status": one["status"].upper(), "parent_transaction": parent}


def charge(one: Json) -> Json:
    """An order's transaction by itself, as a node."""
    return {**_transaction(one), "__typename": "OrderTransaction"}


def _refund(body: Json, refund: Json, paid: Sequence[Json], places: Mapping[int | None, Json]) -> Json:
    back = [
        {
            **item,
            "line_item": {"id": item["line_item_id"]},
            "restock_type": item["restock_type"].upper(),
            "location": places.get(item["location_id"]),
        }
        for item in refund["refund_line_items"]
    ]
    own = [one for one in paid if one["id"] in refund["_paid"]]
    sums = [sum(books.minor(one["amount_set"], view) for one in own) for view in books.VIEWS]
    total = books.sets(Money(sums[0], body["currency"]), Money(sums[1], body["presentment_currency"]))
    carriage = [_carriage(body, one) for one in refund["order_adjustments"] if one["kind"] == "shipping_refund"]
    return {**refund, "refund_line_items": back, "refund_shipping_lines": carriage, "transactions": own, "total_refunded_set": total}


def _carriage(body: Json, adjustment: Json) -> Json:
    """A shipping line of a refund: the adjustment's amounts as a buyer sees them."""
    inside = body["taxes_included"]
    codes = (body["currency"], body["presentment_currency"])
    taxes = [-books.minor(adjustment["tax_amount_set"], view) for view in books.VIEWS]
    prices = [-books.minor(adjustment["amount_set"], view) + (tax if inside else 0) for view, tax in zip(books.VIEWS, taxes, strict=True)]
    price, tax = (books.sets(*(Money(one, code) for one, code in zip(some, codes, strict=True))) for some in (prices, taxes))
    return {"id": adjustment["id"], "subtotal_amount_set": price, "tax_amount_set": tax}


def _parcel(parcel: Json, places: Mapping[int | None, Json]) -> Json:
    lines = [{"id": line["id"], "quantity": line["quantity"], "line_item": {"id": line["id"]}} for line in parcel["line_items"]]
    return {
        **parcel,
        "status": parcel["status"].upper(),
        "location": places.get(parcel["location_id"]),
        "tracking_info": [{"number": number} for number in parcel["tracking_numbers"] if number],
        "fulfillment_line_items": lines,
    }


def _left(body: Json) -> bool:
    return any(books.open_units(line) for line in body["line_items"] if line["requires_shipping"])


def _stage(record: Json) -> str | None:
    """What the open units wait for, where they do."""
    stage: str | None = "ON_HOLD" if record["holds"] else record.get("stage")
    return stage if _left(record["body"]) else None


def parts(record: Json, places: Mapping[int | None, Json]) -> list[Json]:
    """A fulfillment order for each location that lines are assigned to; the first has the record's own number."""
    goods = [line for line in record["body"]["line_items"] if line["requires_shipping"]]
    shares = [(line, books.shares(line)) for line in goods]
    homes = [line["_location"] for line in goods]
    assigned = list(dict.fromkeys([*homes, *(place for _, at in shares for place in at)])) or list(places)[:1]
    by_place = [(place, [(line, at[place]) for line, at in shares if place in at]) for place in assigned]
    return [_part(record, number, places[place], lines) for number, (place, lines) in enumerate(by_place)]


def _part(record: Json, number: int, place: Json, goods: Sequence[tuple[Json, int]]) -> Json:
    body = record["body"]
    lines = [_open_line(line, units, place["id"]) for line, units in goods]
    left = any(line["remaining_quantity"] for line in lines)
    status = "CANCELLED" if body["cancelled_at"] else (_stage(record) or "OPEN") if left else "CLOSED"
    return {
        "id": record["part"] + PART_ID * number,
        "status": status,
        "assigned_location": {"location": place},
        "fulfillment_holds": record["holds"] if status == "ON_HOLD" else [],
        "line_items": lines,
        "delivery_method": {"id": record["part"] + PART_ID * number, "method_type": record.get("method", "SHIPPING")},
    }


def _open_line(line: Json, units: int, place: Any) -> Json:
    """Units of a line that was taken apart are lines of their own."""
    number = line["id"] + LINE_ID + (0 if line["_location"] == place else int(place))
    return {"id": number, "remaining_quantity": units, "line_item": {"id": line["id"]}}


def _own(record: Json, places: Mapping[int | None, Json]) -> Json:
    """What GraphQL alone knows, or keeps as objects."""
    body = record["body"]
    paid = [_transaction(one) for one in record["transactions"]]
    zero = books.sets(Money.zero(body["currency"]), Money.zero(body["presentment_currency"]))
    return {
        "line_items": [_line(body, line) for line in body["line_items"]],
        "shipping_lines": [
            {**line, "original_price_set": line["price_set"], "discount_allocations": _allocations(body, line)}
            for line in body["shipping_lines"]
        ],
        "transactions": paid,
        "refunds": [_refund(body, refund, paid, places) for refund in body["refunds"]],
        "fulfillments": [_parcel(parcel, places) for parcel in body["fulfillments"]],
        "fulfillment_orders": parts(record, places),
        "risk": {"recommendation": record["risk"]},
        "total_tip_received_set": body["_tip_set"] or zero,
        "purchasing_entity": {"__typename": "PurchasingCompany"} if body.get("company") else {"__typename": "Customer"},
    }


def listed(record: Json) -> Json:
    """The order as a row of a list: a GraphQL source of its own fields only."""
    body = record["body"]
    return {
        **body,
        "display_financial_status": body["financial_status"].upper(),
        "display_fulfillment_status": (not body["cancelled_at"] and _stage(record)) or WORDS[body["fulfillment_status"]],
    }


def seen(record: Json, locations: Sequence[Json]) -> Json:
    """The order as a GraphQL source."""
    body = record["body"]
    return {
        **listed(record),
        **_own(record, {one["id"]: one for one in locations}),
        "currency_code": body["currency"],
        "presentment_currency_code": body["presentment_currency"],
        "cancel_reason": body["cancel_reason"] and body["cancel_reason"].upper(),
        "tags": [tag for tag in body["tags"].split(", ") if tag],
        "shipping_address": _address(body["shipping_address"]),
        "billing_address": _address(body["billing_address"]),
    }


def part_of(order: Json, kind: str, number: str) -> Json | None:
    """The order itself, or whatever of it has pages of its own, as a node."""
    own = {
        "Order": [order],
        "Refund": order["refunds"],
        "Fulfillment": order["fulfillments"],
        "FulfillmentOrder": order["fulfillment_orders"],
    }
    return next(({**one, "__typename": kind, "order": order} for one in own.get(kind, ()) if str(one["id"]) == number), None)
