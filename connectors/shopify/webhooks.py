"""Shopify's webhooks: the signature over the raw bytes, and what each topic is about. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from connectors.shopify.doors import digits
from connectors.shopify.shapes import Named, Time
from core.errors import BadPayload, Forged
from core.ports import About, Kit, Notice

# Bodies that hold the whole order.
WHOLE = frozenset(["orders/create", "orders/updated", "orders/cancelled", "orders/paid", "orders/fulfilled", "orders/partially_fulfilled"])

# Where the other topics name their order: the way to the number, and to the gid beside it where there is one.
ORDER = {
    "orders/delete": ("id",),
    "orders/edited": ("order_edit", "order_id"),
    "orders/risk_assessment_changed": ("order_id",),
    "orders/shopify_protect_eligibility_changed": ("order_id",),
    "orders/link_requested": ("id",),
    "refunds/create": ("order_id",),
    "order_transactions/create": ("order_id",),
    "fulfillments/create": ("order_id",),
    "fulfillments/update": ("order_id",),
    "fulfillment_events/create": ("order_id",),
    "fulfillment_events/delete": ("order_id",),
    "returns/request": ("order", "id"),
    "returns/approve": ("order", "id"),
    "returns/decline": ("order", "id"),
    "returns/cancel": ("order_id",),
    "returns/close": ("order_id",),
    "returns/reopen": ("order_id",),
    "returns/process": ("order", "id"),
}

ABOUT = {
    "customers/data_request": About.COMPLIANCE,
    "customers/redact": About.COMPLIANCE,
    "shop/redact": About.COMPLIANCE,
    "app/uninstalled": About.ACCESS,
    "app/scopes_update": About.OTHER,  # more or fewer: what we may not do any more, Shopify refuses by itself
    "inventory_levels/update": About.LISTING,
    "inventory_levels/connect": About.LISTING,
    "inventory_levels/disconnect": About.LISTING,
    "inventory_items/create": About.LISTING,
    "inventory_items/update": About.LISTING,
    "inventory_items/delete": About.LISTING,
    "products/create": About.LISTING,
    "products/update": About.LISTING,
    "products/delete": About.LISTING,
    "variants/in_stock": About.LISTING,
    "variants/out_of_stock": About.LISTING,
    "locations/activate": About.LISTING,
    "locations/deactivate": About.LISTING,
}

# What `subscribe` asks for. Compliance topics are declared in the app's configuration and cannot be asked for.
WANTED = (
    "orders/create",
    "orders/updated",
    "orders/cancelled",
    "orders/edited",
    "orders/delete",
    "orders/risk_assessment_changed",
    "refunds/create",
    "fulfillments/create",
    "fulfillments/update",
    "returns/approve",
    "returns/cancel",
    "returns/close",
    "inventory_levels/update",
    "products/update",
    "products/delete",
    "app/uninstalled",
    "app/scopes_update",
)


class _Peek(Named, kw_only=True):
    updated_at: Time


_peek = msgspec.json.Decoder(_Peek)
_any = msgspec.json.Decoder()


def signed(raw: bytes, signature: str, secrets: Sequence[str]) -> bool:
    """Whether one of the secrets signed these very bytes (base64 of HMAC-SHA256)."""
    given = signature.encode()
    made = [base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()) for secret in secrets if secret]
    return any(hmac.compare_digest(one, given) for one in made)


class ShopifyWebhooks:
    """The door. While our client secret is being changed the old one is good as well."""

    def __init__(self, kit: Kit) -> None:
        self._secrets = [kit.app.get("client_secret", ""), kit.app.get("old_client_secret", "")]

    def notice(self, raw: bytes, headers: Mapping[str, str], path: str) -> Notice:
        """Raises Forged where the signature does not hold, BadPayload where a header or the body cannot be read."""
        if not signed(raw, headers.get("x-shopify-hmac-sha256", ""), self._secrets):
            raise Forged("shopify webhook: the signature does not hold")
        topic, delivery = _header(headers, "x-shopify-topic"), _header(headers, "x-shopify-webhook-id")
        account = _header(headers, "x-shopify-shop-domain")
        if topic in WHOLE:
            return _whole(topic, delivery, account, raw)
        return _other(topic, delivery, account, raw)

    def challenge(self, query: Mapping[str, str], url: str) -> Mapping[str, str] | None:
        """Shopify asks none."""
        return None


def _header(headers: Mapping[str, str], name: str) -> str:
    if not headers.get(name):
        raise BadPayload(f"shopify webhook: {name}: missing")
    return headers[name]


def _whole(topic: str, delivery: str, account: str, raw: bytes) -> Notice:
    try:
        peek = _peek.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise BadPayload(f"shopify webhook: {error}", topic=topic) from None
    return Notice(topic, delivery, account=account, order=_number(peek.gid, peek.id), revision=peek.updated_at, body=raw)


def _other(topic: str, delivery: str, account: str, raw: bytes) -> Notice:
    body = _read(raw, topic)
    about = ABOUT.get(topic, About.OTHER)
    if topic in ORDER:
        order = _order(body, ORDER[topic])
        return Notice(topic, delivery, About.ORDER if order else About.OTHER, account, order)
    return Notice(topic, delivery, about, account, body=raw if about is About.COMPLIANCE else None)


def _read(raw: bytes, topic: str) -> Mapping[str, Any]:
    try:
        body = _any.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise BadPayload(f"shopify webhook: {type(error).__name__}", topic=topic) from None
    if not isinstance(body, dict):
        raise BadPayload("shopify webhook: the body is not an object", topic=topic)
    return body


def _order(body: Mapping[str, Any], way: Sequence[str]) -> str | None:
    """The order's number; None where the body does not tell it (risk changes may not)."""
    for step in way[:-1]:
        inner = body.get(step)
        if not isinstance(inner, Mapping):
            return None
        body = inner
    gid = body.get("admin_graphql_api_order_id") if way[-1] == "order_id" else body.get("admin_graphql_api_id")
    number = body.get(way[-1])
    return _number(gid if isinstance(gid, str) else None, number if isinstance(number, int) else None)


def _number(gid: str | None, number: int | None) -> str | None:
    return digits(gid) if gid else None if number is None else str(number)
