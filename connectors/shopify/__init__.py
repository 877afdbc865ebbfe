"""Shopify: a channel. Orders come whole by webhook, stock is written as `available` at one location."""

from collections.abc import Iterator
from typing import Any

from core.domain.order import Order
from core.errors import BadPayload
from core.ports import Channel, Connector, Field, Kit, Limits, Rate, Webhooks

VERSION = "2026-10"  # the Admin API's version; checked also against 2026-07


def _channel(kit: Kit) -> Channel:
    from connectors.shopify.channel import ShopifyChannel

    return ShopifyChannel(kit)


def _webhooks(kit: Kit) -> Webhooks:
    from connectors.shopify.webhooks import ShopifyWebhooks

    return ShopifyWebhooks(kit)


def _order(body: bytes, connection: str) -> Order:
    from connectors.shopify.normalize import order

    return order(body, connection)


def _orders(document: Any, connection: str) -> Iterator[Order | BadPayload]:
    from connectors.shopify.normalize import orders

    return orders(document, connection)


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
        "url": "https://{account}",
        "version": VERSION,
        "location": "",  # the location whose stock is written; empty: the merchant's first active one
        "deep": 20_000,  # orders of one search, after which another one goes on: Shopify pages no deeper than 25,000
        "bulk_from": 500,  # variants; a shop of so many has them exported into a file, a smaller one is read page by page
    },
    rates={"graphql": Rate(per_s=100.0, burst=2000.0)},  # points, standard plan; `throttleStatus` corrects both at the first answer
    limits=Limits(per_call=250, compares=True),
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
        "Hooks",
        "Hook",
        "token",
    ),
    channel=_channel,
    order=_order,
    orders=_orders,
    webhooks=_webhooks,
    simulator="connectors.shopify.simulator:Simulator",
)
