"""Our quantities as Amazon's payloads. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from core.domain.shipping import CancelReason, Sent
from core.ports import Push

OURS = "DEFAULT"  # the fulfillment channel of goods that the merchant ships
FEED = "JSON_LISTINGS_FEED"
FEED_TYPE = "application/json; charset=UTF-8"
XML_TYPE = "text/xml; charset=UTF-8"
# Spelled as Amazon's own list of carriers has them (CarrierCode of its order feeds ‡); others go as Other, with their name.
CARRIERS = {"ups": "UPS", "fedex": "FedEx", "usps": "USPS", "dhl": "DHL"}
OTHER = "Other"
REASONS = {  # CancelReason of OrderAcknowledgement.xsd ‡
    CancelReason.BUYER: "BuyerCanceled",
    CancelReason.STOCK: "NoInventory",
    CancelReason.FRAUD: "GeneralAdjustment",
    CancelReason.ADDRESS: "ShippingAddressUndeliverable",
    CancelReason.OTHER: "GeneralAdjustment",
}


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


def package(sent: Sent, marketplace: str, shipped: str) -> dict[str, Any]:
    """The body of confirmShipment. The parcel's number is the package's reference: one of the order's, and the same when it is repeated."""
    units: Counter[str] = Counter()
    for line in sent.lines:
        units[line.line] += line.units
    detail = {
        "packageReferenceId": str(sent.number),
        **_carrier(sent),
        **({"shippingMethod": sent.service} if sent.service else {}),
        "trackingNumber": sent.tracking,
        "shipDate": shipped,
        "orderItems": [{"orderItemId": line, "quantity": count} for line, count in units.items()],
    }
    return {"marketplaceId": marketplace, "packageDetail": detail}


def _carrier(sent: Sent) -> dict[str, str]:
    code = CARRIERS.get(sent.carrier)
    return {"carrierCode": code} if code else {"carrierCode": OTHER, "carrierName": sent.carrier_name}


def declined(seller: str, order: str, items: Sequence[str], reason: CancelReason) -> str:
    """An order acknowledgement feed that says no to a whole order. Its XML is ‡: Amazon publishes no example."""
    why = f"<CancelReason>{REASONS[reason]}</CancelReason>"
    lines = "".join(f"<Item><AmazonOrderItemCode>{escape(item)}</AmazonOrderItemCode>{why}</Item>" for item in items)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<AmazonEnvelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="amzn-envelope.xsd">'
        f"<Header><DocumentVersion>1.01</DocumentVersion><MerchantIdentifier>{escape(seller)}</MerchantIdentifier></Header>"
        "<MessageType>OrderAcknowledgement</MessageType><Message><MessageID>1</MessageID><OrderAcknowledgement>"
        f"<AmazonOrderID>{escape(order)}</AmazonOrderID><StatusCode>Failure</StatusCode>{lines}"
        "</OrderAcknowledgement></Message></AmazonEnvelope>"
    )
