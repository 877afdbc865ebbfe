"""The simulator's money: what shipped orders bring and cost, what is kept back, and settlements. Pure but for the dicts it is given.

A booking is one happening: {id, kind, order, shipment, refund, at, currency, site, free_at, settlement, lines}; a line is [amount-type,
amount-description, minor units, SKU, units, item]. Settlement reports and the Finances API are written from the same bookings.
"""

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any

from connectors.amazon.simulated import SITES, US, stamp, unit_price
from core.domain.money import Money

Json = dict[str, Any]
Line = list[Any]

REFERRAL, KEPT_OF_REFUNDS, MOST_KEPT = 15, 20, 500  # per cent of the price; per cent of the commission, and cents at most
FBA_FEE, SUBSCRIPTION, STORAGE, ADVERTISING, LOST = 322, 3999, 118, 1240, 863  # US cents
HELD = 10  # per cent of a settlement are kept back
INVOICED = timedelta(days=7)  # so long money of business buyers is deferred
WITHHELD = (("Principal", "Tax"), ("Shipping", "ShippingTax"), ("Giftwrap", "GiftWrapTax"))
OTHER = "other-transaction"


def empty() -> Json:
    return {"seq": 0, "booked": [], "sent": {}, "back": {}, "reserve": {}, "debt": {}, "settlements": []}


def catch_up(money: Json, raws: Iterable[Json]) -> None:
    """Book what left since the last time."""
    for raw in raws:
        lines = [line for item in raw["orderItems"] for line in _shipped(money, raw, item)]
        if lines:
            tips = _tips(raw) if not any(one["order"] == raw["orderId"] for one in money["booked"]) else []
            _book(money, raw, "Order", lines + tips, shipment=f"D{_next(money):07d}")


def refund(money: Json, raw: Json, units: Mapping[str, int] | None, at: str) -> None:
    """Give buyers back what left and was not given back yet: all of it, or units by SKU."""
    lines: list[Line] = []
    for item in raw["orderItems"]:
        id_, sku = item["orderItemId"], item["product"]["sellerSku"]
        sent, back = money["sent"].get(id_, 0), money["back"].get(id_, 0)
        count = sent - back if units is None else min(sent - back, units.get(sku, 0))
        lines += [[kind, word, -minor, *rest] for kind, word, minor, *rest in _of(raw, item, back, back + count)] if count else []
        money["back"][id_] = back + count
    kept = min(MOST_KEPT, sum(line[2] for line in lines if line[1] == "Commission") * KEPT_OF_REFUNDS // 100)
    lines = [line for line in lines if line[1] != "FBAPerUnitFulfillmentFee"]
    if lines:
        first = lines[0]
        _book(
            money,
            raw,
            "Refund",
            [*lines, ["ItemFees", "RefundCommission", -kept, first[3], 0, first[5]]],
            refund=f"R{_next(money):07d}",
            at=at,
        )


def owe(money: Json, sku: str, units: int) -> None:
    """Goods were lost, which the next settlement pays for; below zero they were found."""
    owed = money.setdefault("owed", {})
    owed[sku] = owed.get(sku, 0) + units


def _owed(money: Json) -> dict[str, int]:
    """By SKU, taken off: it is paid."""
    found, money["owed"] = money.get("owed", {}), {}
    return {sku: units for sku, units in found.items() if units}


def _next(money: Json) -> int:
    money["seq"] += 1
    return int(money["seq"])


def _book(money: Json, raw: Json, kind: str, lines: list[Line], *, shipment: str = "", refund: str = "", at: str = "") -> None:
    site = raw["salesChannel"]["marketplaceId"]
    at = at or raw["lastUpdatedTime"]
    deferred = kind == "Order" and "AMAZON_BUSINESS" in raw["programs"]
    free_at = stamp(datetime.fromisoformat(at) + INVOICED) if deferred else ""
    _keep(money, kind, SITES[site][1], site, lines, at, order=raw["orderId"], shipment=shipment, refund=refund, free_at=free_at)


def _keep(money: Json, kind: str, currency: str, site: str, lines: list[Line], at: str, **more: str) -> Json:
    plain = {"order": "", "shipment": "", "refund": "", "free_at": "", "settlement": ""}
    booked: Json = {"id": f"TX{_next(money):09d}", "kind": kind, "currency": currency, "site": site, "at": at, **plain, **more}
    booked["lines"] = [line for line in lines if line[2]]
    money["booked"].append(booked)
    return booked


def _shipped(money: Json, raw: Json, item: Json) -> list[Line]:
    before, now = money["sent"].get(item["orderItemId"], 0), item["fulfillment"]["quantityFulfilled"]
    if now <= before:
        return []
    money["sent"][item["orderItemId"]] = now
    return _of(raw, item, before, now)


def _tips(raw: Json) -> list[Line]:
    currency = raw["proceeds"]["grandTotal"]["currencyCode"]
    return [
        ["ItemPrice", "DeliveryTip", _minor(one["subtotal"], currency), "", 0, ""]
        for one in raw["proceeds"]["breakdowns"]
        if one["type"] == "DELIVERY_TIP"
    ]


def _minor(amount: Json, currency: str) -> int:
    return Money.parse(amount["amount"], currency).minor


def _of(raw: Json, item: Json, start: int, end: int) -> list[Line]:
    """What units `start` to `end` of an item bring and cost: shares that make the whole."""
    site, ordered, sku, id_ = (
        raw["salesChannel"]["marketplaceId"],
        item["quantityOrdered"],
        item["product"]["sellerSku"],
        item["orderItemId"],
    )
    whole = _charges(item, SITES[site][1], included=site != US)
    whole.append(("ItemFees", "Commission", -((whole_price(whole) * REFERRAL + 50) // 100)))
    if raw["fulfillment"]["fulfilledBy"] == "AMAZON":
        whole.append(("ItemFees", "FBAPerUnitFulfillmentFee", -unit_price(FBA_FEE, site) * ordered))
    return [[kind, word, minor * end // ordered - minor * start // ordered, sku, end - start, id_] for kind, word, minor in whole]


def whole_price(charges: Iterable[tuple[str, str, int]]) -> int:
    return max(0, sum(minor for kind, word, minor in charges if kind in ("ItemPrice", "Promotion") and "Tax" not in word))


def _charges(item: Json, currency: str, *, included: bool) -> list[tuple[str, str, int]]:
    """The buyer's side of an item. Prices that include tax are shown without it, and the tax beside them."""
    told, taxes = _told(item, currency)
    tax = {
        "Tax": taxes.get("ITEM", 0) + taxes.get("DISCOUNT", 0),
        "ShippingTax": taxes.get("SHIPPING", 0),
        "GiftWrapTax": taxes.get("GIFT_WRAP", 0),
    }
    inside = tax if included else dict.fromkeys(tax, 0)
    found = [
        ("ItemPrice", "Principal", told["ITEM"] - inside["Tax"]),
        ("ItemPrice", "Shipping", told["SHIPPING"] - inside["ShippingTax"]),
        ("ItemPrice", "GiftWrap", told["GIFT_WRAP"] - inside["GiftWrapTax"]),
        ("Promotion", "Principal", -told["off"]),
        ("Promotion", "Shipping", -told["ship_off"]),
        *(("ItemPrice", name, minor) for name, minor in tax.items()),
    ]
    if item.get("tax"):
        found += [("ItemWithheldTax", f"MarketplaceFacilitatorTax-{of}", -tax[name]) for of, name in WITHHELD]
    return found


def _told(item: Json, currency: str) -> tuple[dict[str, int], dict[str, int]]:
    told, taxes = {"ITEM": 0, "SHIPPING": 0, "GIFT_WRAP": 0, "off": 0, "ship_off": 0}, {}
    for entry in item["proceeds"]["breakdowns"]:
        details = {one["subtype"]: _minor(one["value"], currency) for one in entry.get("detailedBreakdowns", ())}
        if entry["type"] == "TAX":
            taxes = details
        elif entry["type"] == "DISCOUNT":
            told["off"], told["ship_off"] = abs(details.get("ITEM", 0)), abs(details.get("SHIPPING", 0))
        else:
            told[entry["type"]] += _minor(entry["subtotal"], currency)
    return told, taxes


# --- settlements


class Nothing(ValueError):
    """There is nothing of that sort to put a difference in."""


def settle(money: Json, wish: Mapping[str, Any], now: datetime, deposit: datetime, *, stored: bool) -> list[tuple[Json, list[Json]]]:
    """Close what is free, by currency: each settlement with the bookings as its report tells them. Raises Nothing."""
    at = stamp(now)
    if spent := wish.get("advertising"):
        line = ["Cost of Advertising", "TransactionTotalAmount", -Money.parse(spent, "USD").minor, "", 0, ""]
        _keep(money, "ServiceFee", "USD", US, [line], at)
    free = [one for one in money["booked"] if not one["settlement"] and max(one["at"], one["free_at"]) <= at]
    closing = {currency: [one for one in free if one["currency"] == currency] for currency in sorted({one["currency"] for one in free})}
    for currency, booked in closing.items():
        booked += _around(money, currency, booked, at, stored=stored, charged=wish.get("charged", True))
    files = {currency: deepcopy(booked) for currency, booked in closing.items()}
    planted = {}
    if plant := wish.get("plant"):
        currency, order = PLANTS[plant](files)
        planted[currency] = {"what": plant, "order": order}
    return [
        _closed(money, currency, one, closing.get(currency, []), planted.get(currency), now, deposit) for currency, one in files.items()
    ]


def _closed(
    money: Json, currency: str, told: list[Json], booked: list[Json], planted: Json | None, now: datetime, deposit: datetime
) -> tuple[Json, list[Json]]:
    id_, last = str(24_000_000_000 + _next(money)), [one for one in money["settlements"] if one["currency"] == currency]
    for one in booked:
        one["settlement"] = id_
    total = worth(told) + (1 if planted and planted["what"] == "sum" else 0)
    money["debt"][currency] = max(0, -total)
    began = last[-1]["ended"] if last else min((one["at"] for one in told), default=stamp(now))
    made = {"id": id_, "currency": currency, "began": began, "ended": stamp(now), "deposit": stamp(deposit), "minor": total}
    made |= {"planted": planted, "lines": len(told)}
    money["settlements"].append(made)
    return made, told


def worth(booked: Iterable[Json]) -> int:
    return sum(int(line[2]) for one in booked for line in one["lines"])


def _around(money: Json, currency: str, booked: list[Json], at: str, *, stored: bool, charged: bool) -> list[Json]:
    """What a settlement has beside orders: a debt of the last one, fees, reimbursements, and the reserve."""
    site = next(id_ for id_, (_, code, _) in SITES.items() if code == currency)
    found = []

    def keep(kind: str, amount_type: str, word: str, minor: int, sku: str = "", units: int = 0) -> None:
        found.append(_keep(money, kind, currency, site, [[amount_type, word, minor, sku, units, ""]], at))

    for sku, units in sorted(_owed(money).items()) if site == US else ():
        keep(OTHER, "FBA Inventory Reimbursement", "WAREHOUSE_LOST" if units > 0 else "COMPENSATED_CLAWBACK", LOST * units, sku, abs(units))

    if debt := money["debt"].get(currency, 0):
        keep(OTHER, OTHER, "Payable to Amazon", -debt)
        if charged:
            keep(OTHER, OTHER, "Successful charge", debt)
    count = len([one for one in money["settlements"] if one["currency"] == currency])
    if any(one["order"] for one in booked):
        for kind, amount_type, word, cents, every in RECURRING:
            if count % every == 0 and (stored or word != "Storage Fee") and (site == US or word != "Subscription Fee"):
                keep(kind, amount_type, word, (1 if cents > 0 else -1) * unit_price(abs(cents), site))
    if held := money["reserve"].pop(currency, 0):
        keep(OTHER, OTHER, "Previous Reserve Amount Balance", held)
    if held := max(0, worth([*booked, *found])) * HELD // 100:
        money["reserve"][currency] = held
        keep(OTHER, OTHER, "Current Reserve Amount", -held)
    return found


RECURRING = (  # kind, amount-type, description, cents, in each such settlement
    (OTHER, OTHER, "Subscription Fee", -SUBSCRIPTION, 2),
    (OTHER, OTHER, "Storage Fee", -STORAGE, 2),
    ("ServiceFee", "Cost of Advertising", "TransactionTotalAmount", -ADVERTISING, 1),
    (OTHER, "FBA Inventory Reimbursement", "WAREHOUSE_LOST", LOST, 3),
)

Files = dict[str, list[Json]]


def _first(files: Files, kind: str) -> tuple[str, Json]:
    """The first booking of that kind; US dollars before others."""
    for currency in sorted(files, key=lambda code: (code != "USD", code)):
        if found := next((one for one in files[currency] if one["kind"] == kind), None):
            return currency, found
    raise Nothing(f"there is no {kind} that could be told wrongly")


def _less(word: str) -> Callable[[Files], tuple[str, str | None]]:
    def plant(files: Files) -> tuple[str, str | None]:
        currency, one = _first(files, "Order")
        next(line for line in one["lines"] if line[1] == word)[2] -= 1
        return currency, one["order"]

    return plant


def _missing(files: Files) -> tuple[str, str | None]:
    currency, one = _first(files, "Refund")
    files[currency].remove(one)
    return currency, one["order"]


def _twice(files: Files) -> tuple[str, str | None]:
    currency, one = _first(files, "Order")
    files[currency].append(deepcopy(one) | {"id": f"{one['id']}-2", "shipment": f"{one['shipment']}2"})
    return currency, one["order"]


def _elsewhere(files: Files) -> tuple[str, str | None]:
    currency, one = _first(files, "Order")
    files[currency].remove(one)
    other = next((code for code in files if code != currency), "EUR" if currency != "EUR" else "USD")
    files.setdefault(other, []).append(one | {"currency": other})
    return other, one["order"]


def _sum(files: Files) -> tuple[str, str | None]:
    return _first(files, "Order")[0], None


PLANTS: Mapping[str, Callable[[Files], tuple[str, str | None]]] = {
    "fee": _less("Commission"),
    "cent": _less("Principal"),
    "refund_missing": _missing,
    "twice": _twice,
    "currency": _elsewhere,
    "sum": _sum,
}


def oracle(made: Json, now: datetime) -> Json:
    amount = Money(made["minor"], made["currency"]).text()
    state = "paid" if made["deposit"] <= stamp(now) else "scheduled"
    return {"id": made["id"], "state": state, "amount": amount} | {name: made[name] for name in ("currency", "planted", "lines")}
