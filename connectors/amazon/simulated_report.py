"""The simulator's report of all listings, as Amazon writes it for each of its marketplaces. Pure."""

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


ORDER_COLUMNS = (
    "amazon-order-id", "merchant-order-id", "purchase-date", "last-updated-date", "order-status", "fulfillment-channel", "sales-channel",
    "order-channel", "ship-service-level", "product-name", "sku", "asin", "item-status", "quantity", "currency", "item-price",
)  # fmt: skip
STATUSES = {"PENDING": "Pending", "UNSHIPPED": "Unshipped", "PARTIALLY_SHIPPED": "PartiallyShipped", "SHIPPED": "Shipped"}
OTHER = "Cancelled"


def orders(raws: Iterable[dict[str, Any]], *, packed: bool) -> bytes:
    """All orders, a line for each item, as Amazon's report by order date writes them."""
    lines = ["\t".join(ORDER_COLUMNS), *("\t".join(row) for raw in raws for row in _order_rows(raw))]
    text = "".join(f"{line}\r\n" for line in lines).encode("cp1252", "replace")
    return gzip.compress(text, 5) if packed else text


def _order_rows(raw: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    placed, changed = (raw[key][:19] + "+00:00" for key in ("createdTime", "lastUpdatedTime"))
    fulfillment = raw.get("fulfillment", {})
    status = STATUSES.get(fulfillment.get("fulfillmentStatus", ""), OTHER)
    party = "Merchant" if fulfillment.get("fulfilledBy") == "MERCHANT" else "Amazon"
    for item in raw["orderItems"]:
        goods, units = item["product"], str(item["quantityOrdered"])
        yield (
            raw["orderId"], "", placed, changed, status, party, raw["salesChannel"]["marketplaceName"], "", "Standard", goods["title"],
            goods["sellerSku"], goods["asin"], status, units, "", "",
        )  # fmt: skip
