"""Our quantities as Amazon's payloads. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from core.ports import Push

OURS = "DEFAULT"  # the fulfillment channel of goods that the merchant ships
FEED = "JSON_LISTINGS_FEED"
FEED_TYPE = "application/json; charset=UTF-8"


def patch(push: Push, product_type: str) -> dict[str, Any]:
    """The body of patchListingsItem. Only whole attributes can be patched."""
    return {"productType": product_type, "patches": [_availability(push.quantity)]}


def _availability(quantity: int) -> dict[str, Any]:
    value = [{"fulfillment_channel_code": OURS, "quantity": quantity}]
    return {"op": "replace", "path": "/attributes/fulfillment_availability", "value": value}


def feed(pushes: Sequence[Push], seller: str, product_type: str) -> dict[str, Any]:
    """A JSON_LISTINGS_FEED document, one message a push; message ids count from 1."""
    header = {"sellerId": seller, "version": "2.0", "issueLocale": "en_US"}
    return {"header": header, "messages": [_message(number, push, product_type) for number, push in enumerate(pushes, 1)]}


def _message(number: int, push: Push, product_type: str) -> Mapping[str, Any]:
    return {"messageId": number, "sku": push.sku, "operationType": "PATCH", **patch(push, product_type)}
