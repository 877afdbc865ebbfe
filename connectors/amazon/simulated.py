"""Invented buyers and orders in the vendor's shape, for the simulator. Pure but for the random generator that is handed in."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.domain.money import Money

US, GB, DE, JP = "ATVPDKIKX0DER", "A1F83G8C2ARO7P", "A1PA6795UKMFR9", "A1VC38T7YXB528"
SITES = {
    US: ("Amazon.com", "USD", 100),
    GB: ("Amazon.co.uk", "GBP", 80),
    DE: ("Amazon.de", "EUR", 90),
    JP: ("Amazon.co.jp", "JPY", 15000),
}
BUYERS = {
    US: [
        ("Rosalind Okafor", "418 Juniper Hollow", "Boise", "ID", "83702", "US"),
        ("Teo Marchetti-Vance", "77 Old Quarry Rd Apt 3", "Duluth", "MN", "55802", "US"),
        ("María José Íñiguez", "2901 Calle del Sol", "El Paso", "TX", "79901", "US"),
    ],
    GB: [
        ("Imogen Ashdown", "4 Fennel Row", "Whitby", "North Yorkshire", "YO21 3AB", "GB"),
        ("Seán Ó Braonáin", "12 Harbour Terrace", "Bangor", "County Down", "BT20 5ED", "GB"),
    ],
    DE: [
        ("Jürgen Weißgerber", "Am Mühlbach 9", "Görlitz", "Sachsen", "02826", "DE"),
        ("Σοφία Παππά", "Lindenstraße 41", "Köln", "Nordrhein-Westfalen", "50674", "DE"),
        ("Олена Коваль", "Hafenweg 3a", "Münster", "Nordrhein-Westfalen", "48155", "DE"),
    ],
    JP: [
        ("山田 さくら", "架空町1-2-3", "横浜市", "神奈川県", "231-0001", "JP"),
        ("佐藤 健二", "夢見台4-5-6", "京都市", "京都府", "600-8001", "JP"),
    ],
}
RATES = (0, 625, 888)  # hundredths of a per cent
SERVICES = ("STANDARD", "EXPEDITED", "SECOND_DAY", "FREE_ECONOMY")


@dataclass(slots=True)
class Goods:
    """What one line buys: `unit` in minor units of the site's currency."""

    sku: str
    asin: str
    title: str
    unit: int
    quantity: int


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def order_id(rng: random.Random) -> str:
    return f"{rng.randrange(100, 999)}-{rng.randrange(10**6, 10**7)}-{rng.randrange(10**6, 10**7)}"


def unit_price(price_minor: int, site: str) -> int:
    """A price in US cents as the site's own, in its minor units."""
    _, currency, factor = SITES[site]
    whole = price_minor * factor // 10000 if currency == "JPY" else price_minor * factor // 100
    return max(1, whole)


def made(rng: random.Random, site: str, goods: list[Goods], *, fulfilled_by: str, at: datetime, plain: bool = False) -> dict[str, Any]:
    """A paid order, UNSHIPPED. `plain`: no shipping, discounts, wrap or tip."""
    _, currency, _ = SITES[site]
    included = site != US
    rate = _rate(rng, site)
    facilitator = rate is not None and rng.random() < 0.5
    items = [_item(rng, line, currency, rate, included=included, facilitator=facilitator, plain=plain) for line in goods]
    tip = rng.choice((200, 500)) if site == US and not plain and rng.random() < 0.1 else 0
    id_, ours = order_id(rng), fulfilled_by == "MERCHANT"
    service = rng.choice(SERVICES)
    order: dict[str, Any] = {
        "orderId": id_,
        "createdTime": stamp(at),
        "lastUpdatedTime": stamp(at),
        "programs": rng.choice(([], [], ["PRIME"], ["AMAZON_BUSINESS"])),
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": site, "marketplaceName": SITES[site][0]},
        "buyer": {},
        "proceeds": _order_proceeds(items, currency, tip, included=included),
        "fulfillment": _fulfillment(fulfilled_by, service, at),
        "orderItems": items,
    }
    if ours:
        _address(order, rng, site)
    return order


def _rate(rng: random.Random, site: str) -> int | None:
    """Tax in hundredths of a per cent; None: Amazon writes no TAX entry."""
    if site == US:
        return rng.choice(RATES)
    return rng.choice((None, 2000 if site == GB else 1900)) if site in (GB, DE) else None


def _fulfillment(fulfilled_by: str, service: str, at: datetime) -> dict[str, Any]:
    return {
        "fulfillmentStatus": "UNSHIPPED",
        "fulfilledBy": fulfilled_by,
        "fulfillmentServiceLevel": service,
        "shipByWindow": {"earliestDateTime": stamp(at), "latestDateTime": stamp(at + timedelta(days=2))},
        "deliverByWindow": {"earliestDateTime": stamp(at + timedelta(days=3)), "latestDateTime": stamp(at + timedelta(days=6))},
    }


def _address(order: dict[str, Any], rng: random.Random, site: str) -> None:
    name, street, city, region, postcode, country = rng.choice(BUYERS[site])
    order["buyer"] = {"buyerName": name, "buyerEmail": f"{order['orderId'].replace('-', '')}@marketplace.example"}
    address = {"name": name, "addressLine1": street, "city": city, "stateOrRegion": region, "postalCode": postcode, "countryCode": country}
    order["recipient"] = {"deliveryAddress": {**address, "addressType": "RESIDENTIAL"}}


def money(minor: int, currency: str) -> dict[str, str]:
    return {"amount": Money(minor, currency).text(), "currencyCode": currency}


def _tax(amount: int, rate: int, *, included: bool) -> int:
    """Half up: on top of a price, or the part of it that is tax."""
    return (2 * amount * rate // (10000 + rate) + 1) // 2 if included else (2 * amount * rate // 10000 + 1) // 2


def _extras(rng: random.Random, goods: int, *, plain: bool) -> dict[str, int]:
    """Shipping, gift wrap and discounts of one line."""
    if plain:
        return {"SHIPPING": 0, "GIFT_WRAP": 0, "off": 0, "ship_off": 0}
    shipping = rng.choice((0, 0, 399, 599))
    wrap = 299 if rng.random() < 0.1 else 0
    off = goods * rng.choice((0, 0, 0, 5, 10, 20)) // 100
    return {"SHIPPING": shipping, "GIFT_WRAP": wrap, "off": off, "ship_off": shipping if rng.random() < 0.25 else 0}


def _item(
    rng: random.Random, line: Goods, currency: str, rate: int | None, *, included: bool, facilitator: bool, plain: bool
) -> dict[str, Any]:
    goods = line.unit * line.quantity
    extra = _extras(rng, goods, plain=plain)
    parts = [{"type": "ITEM", "subtotal": money(goods, currency)}]
    parts += [{"type": name, "subtotal": money(extra[name], currency)} for name in ("SHIPPING", "GIFT_WRAP") if extra[name]]
    sign = rng.choice((-1, -1, 1))  # Amazon does not say which sign a discount has
    parts += _discount(extra, sign, currency)
    tax = 0
    if rate is not None:
        tax, entry = _tax_entry(goods, extra, rate, currency, included=included)
        parts.append(entry)
    net = goods + extra["SHIPPING"] + extra["GIFT_WRAP"] - extra["off"] - extra["ship_off"]
    item: dict[str, Any] = {
        "orderItemId": str(rng.randrange(10**13, 10**14)),
        "quantityOrdered": line.quantity,
        "product": {
            "asin": line.asin,
            "title": line.title,
            "sellerSku": line.sku,
            "condition": {"conditionType": "NEW"},
            "price": {"unitPrice": money(line.unit, currency)},
        },
        "proceeds": {"proceedsTotal": money(net + (0 if included else tax), currency), "breakdowns": parts},
        "fulfillment": {"quantityFulfilled": 0, "quantityUnfulfilled": line.quantity},
    }
    if extra["off"] or extra["ship_off"]:
        item["promotion"] = {"breakdowns": [{"promotionId": "Simulated Savings"}]}
    if extra["GIFT_WRAP"]:
        item["fulfillment"]["packing"] = {"giftOption": {"giftMessage": "With love from the simulator", "giftWrapLevel": "PREMIUM"}}
    if tax and facilitator:
        item["tax"] = {"taxCollections": [{"model": "MARKETPLACE_FACILITATOR", "responsibleParty": "Amazon Services, Inc."}]}
    return item


def _discount(extra: dict[str, int], sign: int, currency: str) -> list[dict[str, Any]]:
    whole = extra["off"] + extra["ship_off"]
    details = [("ITEM", extra["off"]), ("SHIPPING", extra["ship_off"])]
    entries = [{"subtype": name, "value": money(sign * amount, currency)} for name, amount in details if amount]
    return [{"type": "DISCOUNT", "subtotal": money(sign * whole, currency), "detailedBreakdowns": entries}] if whole else []


def _tax_entry(goods: int, extra: dict[str, int], rate: int, currency: str, *, included: bool) -> tuple[int, dict[str, Any]]:
    taxes = {
        "ITEM": _tax(goods, rate, included=included),
        "DISCOUNT": -_tax(extra["off"], rate, included=included),
        "SHIPPING": _tax(extra["SHIPPING"] - extra["ship_off"], rate, included=included),
        "GIFT_WRAP": _tax(extra["GIFT_WRAP"], rate, included=included),
    }
    tax = sum(taxes.values())
    entries = [{"subtype": name, "value": money(amount, currency)} for name, amount in taxes.items() if amount]
    return tax, {"type": "TAX", "subtotal": money(tax, currency), "detailedBreakdowns": entries}


def _order_proceeds(items: list[dict[str, Any]], currency: str, tip: int, *, included: bool) -> dict[str, Any]:
    """The order's total and the sums of its items' breakdowns."""
    sums: dict[str, int] = {}
    for part in (part for item in items for part in item["proceeds"]["breakdowns"]):
        amount = Money.parse(part["subtotal"]["amount"], currency).minor
        sums[part["type"]] = sums.get(part["type"], 0) + (-abs(amount) if part["type"] == "DISCOUNT" else amount)
    total = sum(amount for kind, amount in sums.items() if not (included and kind == "TAX")) + tip
    parts: list[dict[str, Any]] = [{"type": kind, "subtotal": money(amount, currency)} for kind, amount in sums.items()]
    if tip:
        parts.append({"type": "DELIVERY_TIP", "status": "FINALIZED", "subtotal": money(tip, currency)})
    return {"grandTotal": money(total, currency), "breakdowns": parts}
