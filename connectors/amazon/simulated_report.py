"""The simulator's reports of all listings, as Amazon writes it for each of its marketplaces, and of orders. Pure."""

import gzip
from collections.abc import Iterable
from typing import Any

from connectors.amazon.simulated import DE, GB, JP, US

WHOLE = (
    "item-name", "item-description", "listing-id", "seller-sku", "price", "quantity", "open-date", "image-url", "item-is-marketplace",
    "product-id-type", "zshop-shipping-fee", "item-note", "item-condition", "zshop-category1", "zshop-browse-path",
    "zshop-storefront-feature", "asin1", "asin2", "asin3", "will-ship-internationally", "expedited-shipping", "zshop-boldface",
    "product-id", "bid-for-featured-placement", "add-delete", "pending-quantity", "fulfillment-channel", "merchant-shipping-group",
    "status",
)  # fmt: skip
SHORT = (
    "item-name", "listing-id", "seller-sku", "price", "quantity", "open-date", "product-id-type", "item-note", "item-condition",
    "will-ship-internationally", "expedited-shipping", "product-id", "pending-quantity", "fulfillment-channel", "merchant-shipping-group",
    "status",
)  # fmt: skip
COLUMNS = {US: WHOLE, GB: WHOLE, DE: SHORT, JP: SHORT}
CHARSETS = {US: ("Cp1252", "cp1252"), GB: ("UTF-8", "utf-8"), DE: ("Cp1252", "cp1252"), JP: ("Windows-31J", "cp932")}
JAPANESE = {"item-name": "商品名", "listing-id": "出品ID", "seller-sku": "出品者SKU", "price": "価格", "quantity": "数量"}
EAN = "4006381333931"


def document(listings: Iterable[dict[str, Any]], site: str, locale: str, *, packed: bool) -> bytes:
    """Column names are those of `locale`, or the marketplace's own; what its charset lacks becomes a question mark."""
    columns, charset = COLUMNS[site], CHARSETS[site][1]
    named = [JAPANESE.get(name, name) for name in columns] if site == JP and not locale else columns
    lines = ["\t".join(named), *("\t".join(fields.get(name, "") for name in columns) for fields in map(_fields, listings))]
    raw = "".join(f"{line}\r\n" for line in lines).encode(charset, "replace")
    return gzip.compress(raw, 5) if packed else raw


def content_type(site: str) -> str:
    return f"text/plain; charset={CHARSETS[site][0]}"


def _fields(listing: dict[str, Any]) -> dict[str, str]:
    ours, state = listing["code"] == "DEFAULT", listing.get("state", "")
    by_asin = {"asin1": listing["asin"], "product-id": listing["asin"], "product-id-type": "1"}
    by_ean = {"product-id": EAN, "product-id-type": "4"}
    identified = {"": by_asin, "ean": by_ean, "incomplete": {}}[state]
    status = "Incomplete" if state == "incomplete" else "Active" if listing["fba"] or listing["shown"] else "Inactive"
    return identified | {
        "item-name": listing["title"],
        "listing-id": f"1122{listing['asin'][-7:]}",
        "seller-sku": listing["sku"],
        "price": f"{listing['price'] / 100:.2f}",
        "quantity": str(listing["shown"]) if ours else "",
        "open-date": listing["created"],
        "item-is-marketplace": "y",
        "item-condition": "11",
        "pending-quantity": "0",
        "fulfillment-channel": listing["code"],
        "merchant-shipping-group": "Migrated Template",
        "status": status,
    }


ORDERS = (
    "amazon-order-id", "merchant-order-id", "purchase-date", "last-updated-date", "order-status", "fulfillment-channel", "sales-channel",
    "ship-service-level", "product-name", "sku", "asin", "item-status", "quantity", "currency", "item-price", "ship-city", "ship-state",
    "ship-postal-code", "ship-country",
)  # fmt: skip
WORDS = {"PENDING": "Pending", "UNSHIPPED": "Unshipped", "PARTIALLY_SHIPPED": "Shipping", "SHIPPED": "Shipped", "CANCELLED": "Cancelled"}


def orders(raws: Iterable[dict[str, Any]], *, packed: bool) -> bytes:
    """A line for each item of each order; times are whole seconds."""
    rows = ["\t".join(ORDERS)]
    rows += ["\t".join(_order_fields(raw, item).get(name, "") for name in ORDERS) for raw in raws for item in raw["orderItems"]]
    text = "".join(f"{line}\r\n" for line in rows).encode("cp1252", "replace")
    return gzip.compress(text, 5) if packed else text


def _order_fields(raw: dict[str, Any], item: dict[str, Any]) -> dict[str, str]:
    address = raw.get("recipient", {}).get("deliveryAddress", {})
    fulfillment = raw.get("fulfillment", {})
    return {
        "amazon-order-id": raw["orderId"],
        "purchase-date": f"{raw['createdTime'][:19]}+00:00",
        "last-updated-date": f"{raw['lastUpdatedTime'][:19]}+00:00",
        "order-status": WORDS.get(fulfillment.get("fulfillmentStatus", ""), "Pending"),
        "fulfillment-channel": "Merchant" if fulfillment.get("fulfilledBy") == "MERCHANT" else "Amazon",
        "sales-channel": raw["salesChannel"]["marketplaceName"],
        "product-name": item["product"]["title"],
        "sku": item["product"]["sellerSku"],
        "asin": item["product"]["asin"],
        "quantity": str(item["quantityOrdered"]),
        "ship-city": address.get("city", ""),
        "ship-state": address.get("stateOrRegion", ""),
        "ship-postal-code": address.get("postalCode", ""),
        "ship-country": address.get("countryCode", ""),
    }
