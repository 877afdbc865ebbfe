"""Shopify's webhooks: the signature over the raw bytes, and what each topic is about. Pure."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from connectors.http import as_datetime
from connectors.shopify.doors import digits
from connectors.shopify.shapes import Named, Time
from core.errors import BadPayload, Forged
from core.ports import About, Demand, Kit, Notice, ShownNow, Wanted

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
    "app/scopes_update": About.SCOPES,
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

WANTS = {"customers/data_request": Wanted.EXPORT, "customers/redact": Wanted.REDACT, "shop/redact": Wanted.ERASE}

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
        return _other(topic, delivery, account, raw, _moment(headers.get("x-shopify-triggered-at", "")))

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


def _moment(text: str) -> datetime | None:
    """When it happened; None where the header does not say it in a way that we know."""
    try:
        return as_datetime(text)
    except ValueError:
        return None


def _other(topic: str, delivery: str, account: str, raw: bytes, at: datetime | None) -> Notice:
    body = _read(raw, topic)
    about = ABOUT.get(topic, About.OTHER)
    if topic in ORDER:
        order = _order(body, ORDER[topic])
        return Notice(topic, delivery, About.ORDER if order else About.OTHER, account, order)
    if topic in WANTS:
        return Notice(topic, delivery, about, account, demand=_demand(WANTS[topic], body))
    level = _level(body) if topic == LEVEL else None
    return Notice(topic, delivery, about, account, revision=at if about is About.ACCESS else None, level=level)


LEVEL = "inventory_levels/update"


def _level(body: Mapping[str, Any]) -> ShownNow | None:
    """None where it does not say all of it: an item that is not stocked there any more has no `available` (shopify.dev, 2026-11)."""
    item, place, units = (body.get(name) for name in ("inventory_item_id", "location_id", "available"))
    whole = all(isinstance(one, int) and not isinstance(one, bool) for one in (item, place, units))
    return ShownNow(str(item), str(place), int(units)) if whole and isinstance(units, int) else None


def _demand(what: Wanted, body: Mapping[str, Any]) -> Demand:
    """A customer may carry a mail address alone (shopify.dev, privacy law compliance, 2026-11). What is odd there is left out: the rest
    must be done all the same."""
    customer, request = (one if isinstance(one, Mapping) else {} for one in (body.get("customer"), body.get("data_request")))
    orders = body.get("orders_requested") or body.get("orders_to_redact")
    numbers = tuple(_word(one) for one in orders) if isinstance(orders, list) else ()
    words = {name: _word(customer.get(key)) for name, key in (("person", "id"), ("email", "email"), ("phone", "phone"))}
    return Demand(what, tuple(filter(None, numbers)), request=_word(request.get("id")), **words)


def _word(value: object) -> str:
    return str(value)[:255] if isinstance(value, str | int) and not isinstance(value, bool) else ""


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
