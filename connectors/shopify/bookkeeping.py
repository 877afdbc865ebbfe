"""The simulator's orders: webhook bodies that are changed as Shopify changes them, always adding up. Pure but for the dicts it is given.

Keys that begin with an underscore are ours and never leave the simulator: units that an edit removed (`_removed`), that were refunded
(`_refunded`), shipped (`_fulfilled`) and sent back (`_returned`), the location that sends a line (`_location`) but for some of its units
(`_apart`), the buyer's rate (`_rate`), a till's tip (`_tip_set`).
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from core.domain.money import Money, places

VIEWS = ("shop_money", "presentment_money")
Json = dict[str, Any]


def bag(body: Mapping[str, Any], minor: int) -> Json:
    """An amount of the shop's currency in both, the buyer's at the order's rate."""
    shop, buyer = body["currency"], body["presentment_currency"]
    theirs = Decimal(minor).scaleb(places(buyer) - places(shop)) * Decimal(body["_rate"])
    return sets(Money(minor, shop), Money(int(theirs.to_integral_value(ROUND_HALF_UP)), buyer))


def sets(shop: Money, buyer: Money) -> Json:
    return {name: {"amount": one.text(), "currency_code": one.currency} for name, one in zip(VIEWS, (shop, buyer), strict=True)}


def minor(held: Mapping[str, Any], view: str) -> int:
    """The amount of a bag in one of its currencies, in minor units; what was planted unreadable counts as it was meant."""
    cash = held[view]
    return int(Decimal(cash["amount"]).scaleb(places(cash["currency_code"])))


def _share(whole: int, units: int, of: int) -> int:
    return whole * units // of if of else 0


def net(line: Mapping[str, Any], units: int, view: str) -> int:
    """What `units` of the line cost after discounts, in the order's tax mode."""
    off = sum(_share(minor(part["amount_set"], view), units, line["quantity"]) for part in line["discount_allocations"])
    return minor(line["price_set"], view) * units - off


def tax(line: Mapping[str, Any], units: int, view: str) -> int:
    return sum(_share(minor(part["price_set"], view), units, line["quantity"]) for part in line["tax_lines"])


def _carriage(body: Mapping[str, Any]) -> list[Json]:
    return [dict(line, quantity=1) for line in body["shipping_lines"] if not line["is_removed"]]


def _extras(body: Mapping[str, Any], view: str) -> int:
    bags = [body["current_total_duties_set"], body["current_total_additional_fees_set"], body["_tip_set"]]
    return sum(minor(one, view) for one in bags if one)


def kept(line: Mapping[str, Any]) -> int:
    return int(line["quantity"] - line["_removed"])


def current(line: Mapping[str, Any]) -> int:
    return int(line["current_quantity"])


def _sums(body: Mapping[str, Any], units: Callable[[Mapping[str, Any]], int], view: str) -> dict[str, int]:
    lines = [(line, units(line)) for line in body["line_items"]]
    carriage = [(line, 1) for line in _carriage(body)]
    gross = sum(minor(line["price_set"], view) * n for line, n in lines)
    after = sum(net(line, n, view) for line, n in lines)
    shipping = sum(net(line, n, view) for line, n in carriage)
    taxes = sum(tax(line, n, view) for line, n in [*lines, *carriage])
    on_top = 0 if body["taxes_included"] else taxes
    full = sum(minor(line["price_set"], view) for line, _ in carriage)
    return {
        "total_line_items_price": gross,
        "subtotal_price": after,
        "total_discounts": gross - after + full - shipping,
        "total_shipping_price": shipping,
        "total_tax": taxes,
        "total_price": after + shipping + on_top + _extras(body, view),
    }


def retotal(body: Json) -> None:
    """Every total of the body from its parts: `total_*` without what edits removed, `current_*` without what was refunded too."""
    for units, prefix in ((kept, ""), (current, "current_")):
        shop, buyer = (_sums(body, units, view) for view in VIEWS)
        for name in shop:
            held = sets(Money(shop[name], body["currency"]), Money(buyer[name], body["presentment_currency"]))
            body[f"{prefix}{name}_set"] = held
            body[f"{prefix}{name}"] = held["shop_money"]["amount"]
    for name in ("current_total_line_items_price", "current_total_line_items_price_set"):
        body.pop(name, None)
    body["current_shipping_price_set"] = body.pop("current_total_shipping_price_set")
    for name in ("total_shipping_price", "current_total_shipping_price"):
        body.pop(name, None)
    body["tax_lines"] = _all_taxes(body)


def _all_taxes(body: Mapping[str, Any]) -> list[Json]:
    found: dict[tuple[str, str], list[Json]] = {}
    for line in [*body["line_items"], *_carriage(body)]:
        for one in line["tax_lines"]:
            found.setdefault((one["title"], str(one["rate"])), []).append(one)
    return [_joined(body, group) for group in found.values()]


def _joined(body: Mapping[str, Any], group: Sequence[Json]) -> Json:
    currencies = (body["currency"], body["presentment_currency"])
    shop, buyer = (Money(sum(minor(one["price_set"], view) for one in group), code) for view, code in zip(VIEWS, currencies, strict=True))
    return {**group[0], "price_set": sets(shop, buyer), "price": shop.text()}


# what happens to an order


def open_units(line: Mapping[str, Any]) -> int:
    return int(line["fulfillable_quantity"])


def shares(line: Mapping[str, Any]) -> dict[int, int]:
    """The line's open units by the location that is to send them: those that were moved (`_apart`), and the rest where the line is."""
    left, found = open_units(line), {}
    for place, units in line.get("_apart", {}).items():
        found[int(place)] = min(units, left)
        left -= found[int(place)]
    return {int(line["_location"]): left, **found}


def carry(line: Json, units: int, begin: int, to: int) -> None:
    """So many of its open units are to be sent from another location."""
    at = shares(line)
    at[begin] -= units
    at[to] = at.get(to, 0) + units
    line["_location"] = line["_location"] if at[line["_location"]] else to
    line["_apart"] = {str(place): count for place, count in at.items() if count and place != line["_location"]}


def spend(line: Json, units: int) -> None:
    line["fulfillable_quantity"] -= units
    line["_fulfilled"] += units
    line["fulfillment_status"] = "partial" if line["fulfillable_quantity"] else "fulfilled"


def ship(
    body: Json, number: int, units: Mapping[int, int], location: int, at: str, tracking: Mapping[str, str] | None = None
) -> Json:  # fmt: skip
    """A parcel leaves with these units of the lines. `tracking` as it was told: {company, number, url}; None: we make one up."""
    lines = [line for line in body["line_items"] if units.get(line["id"])]
    for line in lines:
        spend(line, units[line["id"]])
    told = {"company": "Other", "number": f"SIM{number:012d}"} if tracking is None else tracking
    numbers, urls = [list(filter(None, [told.get(name)])) for name in ("number", "url")]
    parcel: Json = {
        "id": number,
        "admin_graphql_api_id": f"gid://shopify/Fulfillment/{number}",
        "created_at": at,
        "location_id": location,
        "name": f"{body['name']}.{len(body['fulfillments']) + 1}",
        "order_id": body["id"],
        "origin_address": {},
        "receipt": {},
        "service": "manual",
        "shipment_status": None,
        "status": "success",
        "tracking_company": told.get("company"),
        "tracking_number": next(iter(numbers), None),
        "tracking_numbers": numbers,
        "tracking_url": next(iter(urls), None),
        "tracking_urls": urls,
        "updated_at": at,
        "line_items": [dict(line, quantity=units[line["id"]]) for line in lines],
    }
    body["fulfillments"].append(parcel)
    restate(body)
    return parcel


def restate(body: Json) -> None:
    """The order's fulfillment status from its lines."""
    gone = any(line["_fulfilled"] for line in body["line_items"])
    left = any(open_units(line) for line in body["line_items"] if line["requires_shipping"])
    body["fulfillment_status"] = ("partial" if left else "fulfilled") if gone else None


def back(line: Json, quantity: int, restock: str, location: int | None, number: int) -> Json:
    """The refund's line for the next `quantity` units: their share of what the line cost."""
    done = line["_refunded"]
    line["_refunded"] += quantity
    line["current_quantity"] -= quantity
    code = {view: line["price_set"][view]["currency_code"] for view in VIEWS}
    price = [Money(net(line, done + quantity, view) - net(line, done, view), code[view]) for view in VIEWS]
    taxes = [Money(tax(line, done + quantity, view) - tax(line, done, view), code[view]) for view in VIEWS]
    return {
        "id": number,
        "line_item_id": line["id"],
        "location_id": location,
        "quantity": quantity,
        "restock_type": restock,
        "subtotal": float(price[0].text()),
        "subtotal_set": sets(*price),
        "total_tax": float(taxes[0].text()),
        "total_tax_set": sets(*taxes),
        "line_item": dict(line),
    }


def shipping_back(body: Mapping[str, Any], number: int) -> Json:
    """The adjustment that pays the carriage back; negative, as Shopify writes it."""
    lines = _carriage(body)
    codes = (body["currency"], body["presentment_currency"])
    price = [Money(-sum(net(line, 1, view) for line in lines), code) for view, code in zip(VIEWS, codes, strict=True)]
    taxes = [Money(-sum(tax(line, 1, view) for line in lines), code) for view, code in zip(VIEWS, codes, strict=True)]
    if body["taxes_included"]:
        price = [one - part for one, part in zip(price, taxes, strict=True)]
    return {
        "id": number,
        "order_id": body["id"],
        "amount": price[0].text(),
        "amount_set": sets(*price),
        "tax_amount": taxes[0].text(),
        "tax_amount_set": sets(*taxes),
        "kind": "shipping_refund",
        "reason": "Shipping refund",
    }


def paid_back(body: Mapping[str, Any], lines: Sequence[Json], adjustments: Sequence[Json]) -> tuple[Money, Money]:
    """What these parts of a refund come to, in both currencies."""
    amounts = []
    for view, code in zip(VIEWS, (body["currency"], body["presentment_currency"]), strict=True):
        whole = sum(minor(line["subtotal_set"], view) for line in lines)
        whole += 0 if body["taxes_included"] else sum(minor(line["total_tax_set"], view) for line in lines)
        whole -= sum(minor(one["amount_set"], view) + minor(one["tax_amount_set"], view) for one in adjustments)
        amounts.append(Money(whole, code))
    return amounts[0], amounts[1]


def less(whole: Mapping[str, Any], part: Mapping[str, Any]) -> Json:
    """What is left of an amount in both currencies."""
    left = [Money(minor(whole, view) - minor(part, view), whole[view]["currency_code"]) for view in VIEWS]
    return sets(*left)


def by_payment(done: Sequence[Json], shop: Money, buyer: Money) -> list[tuple[Json, Json]]:
    """What of a refund goes back by each payment: the last first, as much as is left of it, and the rest by the first."""
    took = [one for one in done if one["kind"] in ("sale", "capture")]
    found, owed = [], (shop.minor, buyer.minor)
    for one in reversed(took):
        given = [other["amount_set"] for other in done if other["kind"] == "refund" and other["parent_id"] == one["id"]]
        left = [minor(one["amount_set"], view) - sum(minor(amount, view) for amount in given) for view in VIEWS]
        share = owed if one is took[0] else (min(owed[0], left[0]), min(owed[1], left[1]))
        owed = (owed[0] - share[0], owed[1] - share[1])
        if share[0] > 0:
            found.append((one, sets(Money(share[0], shop.currency), Money(share[1], buyer.currency))))
    return found


def visible(value: Any) -> Any:
    """A body as it leaves: without our own keys."""
    if isinstance(value, dict):
        return {name: visible(item) for name, item in value.items() if not name.startswith("_")}
    return [visible(item) for item in value] if isinstance(value, list) else value
