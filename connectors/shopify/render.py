"""Our types as Shopify's GraphQL variables. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from connectors.http import write_json
from connectors.shopify import documents
from core.domain.money import Money
from core.domain.shipping import CancelReason, Sent
from core.ports import Push

# Spelled as Shopify's own list of carriers has them, so that it follows the parcel (shopify.dev, FulfillmentTrackingInfo, read 2026-11).
CARRIERS = {"ups": "UPS", "fedex": "FedEx", "usps": "USPS", "dhl": "DHL Express"}
REASONS = {
    CancelReason.BUYER: "CUSTOMER",
    CancelReason.STOCK: "INVENTORY",
    CancelReason.FRAUD: "FRAUD",
    CancelReason.ADDRESS: "OTHER",
    CancelReason.OTHER: "OTHER",
}


def gid(kind: str, number: str) -> str:
    return f"gid://shopify/{kind}/{number}"


def export(locations: Sequence[str]) -> str:
    """The query of a bulk operation over all variants with what they have at these locations."""
    return documents.export([write_json(gid("Location", location)).decode() for location in locations])


def at(locations: Sequence[str]) -> dict[str, str]:
    """The variables of a page of variants."""
    return {f"{documents.LEVEL}{number}": gid("Location", location) for number, location in enumerate(locations)}


def selling(sku: str) -> str:
    """The search for open orders of a SKU; a quote inside it is escaped (shopify.dev, search syntax)."""
    text = sku.replace("\\", "\\\\").replace("'", "\\'")
    return f"sku:'{text}' AND status:'open'"


def _moment(at: datetime) -> str:
    """Shopify's times have whole seconds; cutting both ends of a window off keeps windows side by side."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def changed(since: datetime) -> str:
    """The search for orders whose last change is not before then."""
    return f"updated_at:>='{_moment(since)}'"


def placed(since: datetime, until: datetime, *, open_only: bool = False) -> str:
    """The search for orders placed in [since, until): by processed_at, which is when we say that an order was placed. `open` are those
    that nobody archived or cancelled."""
    window = f"processed_at:>='{_moment(since)}' AND processed_at:<'{_moment(until)}'"
    return f"{window} AND status:'open'" if open_only else window


def issued(since: datetime) -> str:
    """The search for payouts sent since then."""
    return f"issued_at:>='{_moment(since)}'"


def held_by(payout: str) -> str:
    """The search for the lines of a payout, which is a transfer there."""
    return f"payments_transfer_id:{payout}"


def moved(since: datetime) -> str:
    """The search for lines of the balance since then."""
    return f"processed_at:>='{_moment(since)}'"


def quantities(pushes: Sequence[Push]) -> dict[str, Any]:
    """`available` is what we may set; `changeFromQuantity` must be there since 2026-04, and null writes without compare."""
    return {
        "name": "available",
        "reason": "correction",
        "quantities": [
            {
                "inventoryItemId": gid("InventoryItem", push.handle["item"]),
                "locationId": gid("Location", push.handle["location"]),
                "quantity": push.quantity,
                "changeFromQuantity": push.expected,
            }
            for push in pushes
        ],
    }


def idempotency(key: str, attempt: int, pushes: Sequence[Push]) -> str:
    """One key for one content: what is sent again without the refused entries is another request, the same intent the same one."""
    content = "|".join(f"{push.handle['item']}@{push.handle['location']}={push.quantity}<{push.expected}" for push in pushes)
    return str(uuid5(NAMESPACE_URL, f"shopify:{key}:{attempt}:{content}"))


def hook(url: str) -> dict[str, str]:
    return {"uri": url, "format": "JSON"}


def policy(node: Mapping[str, Any], *, back: bool) -> dict[str, Any]:
    """Whether a variant goes on selling at zero."""
    return {"product": node["product"]["id"], "variants": [{"id": node["id"], "inventoryPolicy": "CONTINUE" if back else "DENY"}]}


def tracked(node: Mapping[str, Any], *, back: bool) -> dict[str, Any]:
    """Whether Shopify counts it."""
    return {"id": node["inventoryItem"]["id"], "input": {"tracked": not back}}


def parcel(sent: Sent, parts: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
    """Units by fulfillment order and its line. The url goes along always: of a carrier that it does not know Shopify guesses one."""
    lines = [
        {"fulfillmentOrderId": part, "fulfillmentOrderLineItems": [{"id": line, "quantity": units} for line, units in items.items()]}
        for part, items in parts.items()
    ]
    return {"lineItemsByFulfillmentOrder": lines, "notifyCustomer": sent.notify, **_tracking(sent)}


def capture(order: str, parent: str, amount: Money) -> dict[str, Any]:
    """What is to be taken of an authorization, in the buyer's currency."""
    return {"id": gid("Order", order), "parentTransactionId": parent, "amount": amount.text(), "currency": amount.currency}


def _tracking(sent: Sent) -> dict[str, Any]:
    told = {"company": CARRIERS.get(sent.carrier, sent.carrier_name), "number": sent.tracking, "url": sent.url}
    return {"trackingInfo": {name: text for name, text in told.items() if text}} if sent.tracking else {}
