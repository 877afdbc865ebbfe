"""Shopify: a channel. Orders come whole by webhook, stock is written as `available` at one location."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.domain.order import Order
from core.errors import BadPayload
from core.ports import CallsOff, Channel, Connector, Consents, Field, Frames, Kit, Limits, Paying, Rate, Webhooks

URL = "https://{account}"
# What we read and write, and nothing more; deploy/shopify.app.toml asks for the same.
SCOPES = (
    "read_orders", "write_orders", "read_products", "read_inventory", "write_inventory", "read_locations", "read_fulfillments",
    "read_merchant_managed_fulfillment_orders", "write_merchant_managed_fulfillment_orders", "read_third_party_fulfillment_orders",
    "read_returns", "read_customers", "read_shopify_payments_accounts", "read_shopify_payments_payouts",
)  # fmt: skip
# How orders' payments name what comes with its payouts: cards and wallets, and two ways of Shop Pay that settle there too ‡.
PAID_OUT = frozenset(["shopify_payments", "shop_cash", "shop_pay_installments"])
VERSION = "2026-10"  # the Admin API's version; checked also against 2026-07


def _channel(kit: Kit) -> Channel:
    from connectors.shopify.channel import ShopifyChannel

    return ShopifyChannel(kit)


def _webhooks(kit: Kit) -> Webhooks:
    from connectors.shopify.webhooks import ShopifyWebhooks

    return ShopifyWebhooks(kit)


def _frames(kit: Kit) -> Frames:
    from connectors.shopify.frames import ShopifyFrames

    return ShopifyFrames(kit)


def _consents(kit: Kit) -> Consents:
    from connectors.shopify.consents import ShopifyConsents

    return ShopifyConsents(kit)


def _order(body: bytes, connection: str) -> Order:
    from connectors.shopify.normalize import order

    return order(body, connection)


def _orders(document: Any, connection: str) -> Iterator[Order | BadPayload]:
    from connectors.shopify.normalize import orders

    return orders(document, connection)


def _order_url(account: str, order: str, settings: Mapping[str, Any]) -> str:
    """The order in the shop's admin; in the simulator, what that has of it."""
    if settings["url"] != URL:
        return f"{settings['url'].removesuffix('/{account}')}/_sim/orders/{order}"
    return f"https://admin.shopify.com/store/{account.removesuffix('.myshopify.com')}/orders/{order}"


def _listing_url(account: str, listing: str, handle: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """The variant in the shop's admin; "" for one that was read before we knew its product, and in the simulator."""
    if settings["url"] != URL or not handle.get("product"):
        return ""
    return f"https://admin.shopify.com/store/{account.removesuffix('.myshopify.com')}/products/{handle['product']}/variants/{listing}"


MANIFEST = Connector(
    name="shopify",
    label="Shopify",
    roles=frozenset(["channel"]),
    app=(
        Field("client_id", "Client ID", "Dev Dashboard, your app, Settings", secret=False),
        Field("client_secret", "Client secret", "Dev Dashboard, your app, Settings"),
        Field("old_client_secret", "Old client secret", "Only while you change the secret", required=False),
    ),
    login=(
        Field("refresh_token", "Refresh token", "Comes with the installation; not for an app made in the shop's admin", required=False),
        Field("access_token", "Admin API access token", "An app made in the shop's admin: Settings, Apps, Develop apps", required=False),
    ),
    settings={
        "url": URL,
        "admin": "https://admin.shopify.com",  # the origin that frames our pages
        "app_bridge": "https://cdn.shopify.com/shopifycloud/app-bridge.js",  # never from anywhere else, says Shopify
        "app_page": "https://admin.shopify.com/store/{store}/apps/{app}",  # where a shop's admin shows us
        "polaris": "https://cdn.shopify.com/shopifycloud/polaris.js",  # the elements of its admin; empty: pages draw them themselves
        "version": VERSION,
        "location": "",  # the location whose stock is written; empty: the merchant's first active one
        "deep": 20_000,  # orders of one search, after which another one goes on: Shopify pages no deeper than 25,000
        "bulk_from": 500,  # variants; a shop of so many has them exported into a file, a smaller one is read page by page
    },
    rates={"graphql": Rate(per_s=100.0, burst=2000.0)},  # points, standard plan; `throttleStatus` corrects both at the first answer
    limits=Limits(per_call=250, compares=True, look_s=60.0, looks=15_000),
    calls=(
        "Shop",
        "OrderIds",
        "OrdersCount",
        "Reach",
        "History",
        "OrderCore",
        "OrderMoney",
        "OrderShipping",
        "More",
        "VariantsCount",
        "Variants",
        "BulkQuery",
        "BulkState",
        "Locations",
        "Levels",
        "SetQuantities",
        "Variant",
        "SetPolicy",
        "SetTracked",
        "Hooks",
        "Hook",
        "Ship",
        "Move",
        "Payable",
        "Capture",
        "Prepared",
        "Cancel",
        "Cancelled",
        "Payouts",
        "Movements",
        "Charges",
        "token",
    ),
    channel=_channel,
    order=_order,
    orders=_orders,
    webhooks=_webhooks,
    order_url=_order_url,
    listing_url=_listing_url,
    frames=_frames,
    consents=_consents,
    asks=(Field("account", "Shop", "example.myshopify.com", secret=False),),
    scopes=SCOPES,
    simulator="connectors.shopify.simulator:Simulator",
    calls_off=CallsOff(),
    pays=Paying("shopify_payments", PAID_OUT, comes_back=True),
    captures=True,
    routes=True,
)
