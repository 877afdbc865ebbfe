"""The simulator's buyers: who they are, what they order and what the shop asks for it, as webhook bodies. Invented throughout."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

from connectors.shopify import bookkeeping as books
from connectors.shopify.graphql_door import gid
from core.domain.money import Money

Json = dict[str, Any]

PEOPLE = (
    ("Mara", "Oduya", "14 Lantern Row", "Portsmere", "OR", "Oregon", "97321", "US"),
    ("Tobias", "Ziegenfuß", "Lindenhof 7", "Grünwalde", "BE", "Berlin", "10999", "DE"),
    ("Aoife", "Ní Bhriain", "3 Quay Steps", "Ballyrone", "C", "Cork", "T12 X8F4", "IE"),
    ("結衣", "橋本", "若葉町2-14-3", "青葉市", "JP-13", "Tōkyō", "190-0011", "JP"),
    ("نورة", "السالم", "شارع النخيل ١٢", "الكويت", "KU", "Al Asimah", "13001", "KW"),
    ("Ελένη", "Παπαδάκη", "Οδός Ανέμων 5", "Νέα Πόλη", "", "", "55131", "DE"),
    ("Олена", "Шевчук", "вул. Кленова, 9", "Лісове", "", "", "04070", "PL"),
    ("Chloé", "Marchand-D'Arcy", "8 rue des Échasses", "Saint-Avel", "", "", "69007", "FR"),
)
INCLUSIVE = {"DE": ("VAT", "0.19"), "IE": ("VAT", "0.23"), "FR": ("TVA", "0.2"), "PL": ("VAT", "0.23"), "JP": ("CT", "0.1")}
BUYERS = (("EUR", "0.92"), ("JPY", "149.25"), ("KWD", "0.3075"), ("GBP", "0.79"))
CARRIAGE = (("standard", "Standard shipping", 490), ("express", "Express", 1290), ("free", "Free shipping", 0))
PLANTED = (
    ("total_price", "the total is written with a fraction of a cent"),
    ("line_currency", "a line is priced in another currency than the order"),
    ("sum", None),
    ("test", None),
)


@dataclass(frozen=True)
class Desk:
    """Where an order is written down: the shop's currency, the time there, and the next free number."""

    currency: str
    now: str
    next_id: Callable[[], int]


def _buyer(rnd: Random, shop: str, wish: Json) -> tuple[str, str]:
    """The buyer's currency and its rate; one buyer in four pays in another one."""
    if "buyer" in wish:
        currency, rate = wish["buyer"]
        return str(currency), str(rate)
    abroad = rnd.random() < 0.25 and not wish.get("plain")
    return rnd.choice([one for one in BUYERS if one[0] != shop]) if abroad else (shop, "1")


UNTOUCHED: Json = {  # what an order is born with, whoever buys
    "_tip_set": None,
    "app_id": 580111,
    "browser_ip": "203.0.113.7",
    "buyer_accepts_marketing": False,
    "cancel_reason": None,
    "cancelled_at": None,
    "client_details": {"accept_language": "en", "browser_ip": "203.0.113.7", "user_agent": "Simulated/1.0"},
    "closed_at": None,
    "confirmed": True,
    "current_total_additional_fees_set": None,
    "current_total_duties_set": None,
    "customer_locale": "en",
    "device_id": None,
    "discount_codes": [],
    "duties_included": False,
    "estimated_taxes": False,
    "financial_status": "pending",
    "fulfillment_status": None,
    "landing_site": "/",
    "landing_site_ref": None,
    "location_id": None,
    "merchant_business_entity_id": "MTAwMQ",
    "merchant_of_record_app_id": None,
    "note_attributes": [],
    "original_total_additional_fees_set": None,
    "original_total_duties_set": None,
    "payment_gateway_names": ["shopify_payments"],
    "phone": None,
    "reference": None,
    "referring_site": None,
    "source_identifier": None,
    "source_name": "web",
    "source_url": None,
    "tax_exempt": False,
    "tax_lines": [],
    "test": False,
    "total_outstanding": "0.00",
    "total_weight": 500,
    "user_id": None,
    "discount_applications": [],
    "fulfillments": [],
    "line_items": [],
    "payment_terms": None,
    "refunds": [],
    "shipping_lines": [],
    "returns": [],
    "line_item_groups": [],
}


def _address(rnd: Random) -> Json:
    """Where one of the buyers lives."""
    first, last, street, city, code, province, postcode, country = rnd.choice(PEOPLE)
    return {
        "first_name": first,
        "address1": street,
        "phone": None,
        "city": city,
        "zip": postcode,
        "province": province or None,
        "country": country,
        "last_name": last,
        "address2": None,
        "company": None,
        "latitude": None,
        "longitude": None,
        "name": f"{first} {last}",
        "country_code": country,
        "province_code": code or None,
    }


def _customer(desk: Desk, address: Json, mail: str) -> Json:
    """Whoever lives there, as the shop knows them."""
    number, country = desk.next_id(), address["country"]
    return {
        "id": number,
        "admin_graphql_api_id": gid("Customer", number),
        "created_at": desk.now,
        "updated_at": desk.now,
        "first_name": address["first_name"],
        "last_name": address["last_name"],
        "state": "disabled",
        "note": None,
        "verified_email": True,
        "tax_exempt": False,
        "email": mail,
        "phone": None,
        "currency": desk.currency,
        "tax_exemptions": [],
        "default_address": {"id": number, "customer_id": number, **address, "country_name": country, "default": True},
    }


def _named(number: int, serial: int) -> Json:
    """Under which ids and names the shop has it."""
    order_number = 1001 + serial
    return {
        "id": 5_000_000_000_000 + number,
        "admin_graphql_api_id": gid("Order", 5_000_000_000_000 + number),
        "cart_token": f"{number:032x}",
        "checkout_id": number,
        "checkout_token": f"{number + 7:032x}",
        "confirmation_number": f"SIM{number}",
        "name": f"#{order_number}",
        "number": order_number - 1000,
        "order_number": order_number,
        "order_status_url": f"https://crossdock-demo.myshopify.com/1/orders/{number:032x}/authenticate?key=simulated",
        "token": f"{number:032x}",
    }


def blank(rnd: Random, desk: Desk, serial: int, wish: Json) -> Json:
    """The order without its goods: who, when, where to, in which currencies."""
    address, number = _address(rnd), desk.next_id()
    buyer, rate = _buyer(rnd, desk.currency, wish)
    address |= {"phone": f"+1555{rnd.randrange(10**7):07d}", "address2": rnd.choice((None, "2nd floor"))}
    mail = f"buyer{number}@example.com"
    customer = _customer(desk, address, mail)
    body: Json = {
        **deepcopy(UNTOUCHED),
        **_named(number, serial),
        "_rate": rate,
        "contact_email": mail,
        "created_at": desk.now,
        "currency": desk.currency,
        "email": mail,
        "note": rnd.choice((None, "", "Bitte im Laden abgeben", "ring twice")),
        "po_number": rnd.choice((None, None, None, f"PO-{number}")),
        "presentment_currency": buyer,
        "processed_at": desk.now,
        "tags": rnd.choice(("", "", "wholesale", "gift, priority")),
        "taxes_included": address["country"] in INCLUSIVE,
        "total_tip_received": Money.zero(desk.currency).text(),
        "updated_at": desk.now,
        "billing_address": dict(address),
        "customer": customer,
        "shipping_address": dict(address),
    }
    zero = books.bag(body, 0)
    body |= {"total_cash_rounding_payment_adjustment_set": zero, "total_cash_rounding_refund_adjustment_set": zero}
    return body


def imported(body: Json, original: str, source: str) -> None:
    """An app writes it down for another channel: nobody went through the shop's checkout."""
    body |= {"source_name": source, "source_identifier": original, "app_id": 2_329_312, "cart_token": None, "checkout_id": None}
    body |= {"checkout_token": None, "browser_ip": None, "client_details": None, "landing_site": None, "tags": source}


PLAIN: Json = {  # of every line
    "_removed": 0,
    "_refunded": 0,
    "_fulfilled": 0,
    "_returned": 0,
    "attributed_staffs": [],
    "fulfillment_service": "manual",
    "fulfillment_status": None,
    "gift_card": False,
    "grams": 250,
    "product_exists": True,
    "properties": [],
    "requires_shipping": True,
    "sales_line_item_group_id": None,
    "taxable": True,
    "variant_inventory_management": "shopify",
    "variant_title": None,
    "vendor": "Crossdock Demo",
    "tax_lines": [],
    "duties": [],
    "discount_allocations": [],
}


def line(body: Json, desk: Desk, variant: Json, quantity: int) -> Json:
    """One line of the order, taxed."""
    number = desk.next_id()
    price = Money.parse(variant["price"], body["currency"])
    zero = books.bag(body, 0)
    made: Json = {
        **deepcopy(PLAIN),
        "id": 14_000_000_000_000 + number,
        "admin_graphql_api_id": gid("LineItem", 14_000_000_000_000 + number),
        "current_quantity": quantity,
        "fulfillable_quantity": quantity,
        "name": variant["title"],
        "price": price.text(),
        "price_set": books.bag(body, price.minor),
        "product_id": variant["product_id"],
        "quantity": quantity,
        "sku": variant["sku"],
        "title": variant["title"],
        "total_discount": zero["shop_money"]["amount"],
        "total_discount_set": zero,
        "variant_id": variant["id"],
    }
    taxed(body, made)
    return made


def priced(rnd: Random, desk: Desk, body: Json, *, plain: bool) -> None:
    """Discounts of lines and order, carriage, taxes, now and then a tip, duties or a marketplace that pays the tax."""
    if not plain:
        _discounts(rnd, body)
    code, title, price = rnd.choice(CARRIAGE)
    body["shipping_lines"].append(_shipping_line(body, desk.next_id(), code, title, 0 if plain else price))
    if not plain and price and rnd.random() < 0.15:
        _share_discount(body, {"type": "automatic", "title": "Free carriage"}, body["shipping_lines"], [price], price, "shipping_line")
    liable = not plain and rnd.random() < 0.08
    for line in [*body["line_items"], *body["shipping_lines"]]:
        taxed(body, line, liable=liable)
    if not plain:
        _extras(rnd, body)


def _share_discount(
    body: Json, source: Json, lines: Sequence[Json], weights: Sequence[int], amount: int, target: str = "line_item"
) -> None:
    """One discount over lines, as allocations that point at their application."""
    body["discount_applications"].append(
        {"target_type": target, "type": source["type"], "value": "10.0", "value_type": "percentage", "allocation_method": "across"}
        | {"target_selection": "all", "code": source.get("code"), "title": source.get("title"), "description": source.get("title")}
    )
    at = len(body["discount_applications"]) - 1
    for line, part in zip(lines, Money(amount, body["currency"]).split(weights), strict=True):
        if part:
            held = books.bag(body, part.minor)
            line["discount_allocations"].append({"amount": part.text(), "amount_set": held, "discount_application_index": at})


def _discounts(rnd: Random, body: Json) -> None:
    lines = body["line_items"]
    goods = [books.net(line, line["quantity"], "shop_money") for line in lines]
    if rnd.random() < 0.2:
        code = rnd.choice(("WELCOME10", "AUTUMN", "FRIENDS"))
        _share_discount(body, {"type": "discount_code", "code": code}, lines, goods, sum(goods) // 10)
        body["discount_codes"].append({"code": code, "amount": Money(sum(goods) // 10, body["currency"]).text(), "type": "percentage"})
    if rnd.random() < 0.15:
        _share_discount(body, {"type": "automatic", "title": "Two for less"}, lines[:1], [1], goods[0] // 7)
    if rnd.random() < 0.05:
        _share_discount(body, {"type": "manual", "title": "Goodwill"}, lines[-1:], [1], goods[-1] // 20)


def _shipping_line(body: Json, number: int, code: str, title: str, price: int) -> Json:
    held = books.bag(body, price)
    return {
        "id": 3_000_000_000_000 + number,
        "carrier_identifier": None,
        "code": code,
        "discounted_price": held["shop_money"]["amount"],
        "discounted_price_set": held,
        "current_discounted_price_set": held,
        "is_removed": False,
        "phone": None,
        "price": held["shop_money"]["amount"],
        "price_set": held,
        "requested_fulfillment_service_id": None,
        "source": "shopify",
        "title": title,
        "tax_lines": [],
        "discount_allocations": [],
    }


def taxed(body: Json, line: Json, *, liable: bool = False) -> None:
    """The line's tax at the country's rate, rounded half up."""
    title, rate = INCLUSIVE.get(body["shipping_address"]["country_code"], ("State tax", "0.065"))
    units = line.get("quantity", 1)
    base = Decimal(books.net(dict(line, quantity=units), units, "shop_money"))
    share = base * Decimal(rate) / (1 + Decimal(rate)) if body["taxes_included"] else base * Decimal(rate)
    held = books.bag(body, int(share.to_integral_value(ROUND_HALF_UP)))
    amount = held["shop_money"]["amount"]
    line["tax_lines"] = [{"channel_liable": liable, "price": amount, "price_set": held, "rate": float(rate), "title": title}]


def grown(body: Json, line: Json, by: int) -> None:
    line["quantity"] += by
    line["current_quantity"] += by
    line["fulfillable_quantity"] += by
    taxed(body, line, liable=line["tax_lines"][0]["channel_liable"])


def _extras(rnd: Random, body: Json) -> None:
    if rnd.random() < 0.05:
        body["_tip_set"] = books.bag(body, 300)
        body["total_tip_received"] = body["_tip_set"]["shop_money"]["amount"]
    if rnd.random() < 0.05:
        body["current_total_duties_set"] = body["original_total_duties_set"] = books.bag(body, 725)
    if rnd.random() < 0.04:
        body["current_total_additional_fees_set"] = body["original_total_additional_fees_set"] = books.bag(body, 40)
    if rnd.random() < 0.05:
        body["company"] = {"id": 77, "location_id": 78}


def plant(body: Json, plan: str) -> None:
    """Spoil an order in one known way."""
    line = body["line_items"][0]
    match plan:
        case "total_price":
            body["total_price"] += "7"
            body["total_price_set"] = {
                **body["total_price_set"],
                "shop_money": {**body["total_price_set"]["shop_money"], "amount": body["total_price"]},
            }
        case "line_currency":
            line["price_set"] = {**line["price_set"], "shop_money": {**line["price_set"]["shop_money"], "currency_code": "NZD"}}
        case "sum":
            more = Decimal(body["total_price"]) + 5
            held = body["total_price_set"]
            body["total_price"] = str(more)
            body["total_price_set"] = {**held, "shop_money": {**held["shop_money"], "amount": str(more)}}
        case "test":
            body["test"] = True
