"""eBay: orders by the Sell Fulfillment API, stock by the Inventory API and Trading, money by Finances, notices by Notification.

Nothing heavy is imported here; client and SDK come in when a channel is made.
"""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from core.domain.order import Order
from core.errors import BadPayload
from core.ports import CallsOff, Channel, Connector, Consents, Field, Kit, Limits, Paying, Rate, Webhooks

SCOPE = "https://api.ebay.com/oauth/api_scope"
API = "https://api.ebay.com"
DAY = 86_400.0
SCOPES = ("sell.fulfillment", "sell.inventory", "sell.finances", "commerce.identity.readonly")


def _daily(calls: int) -> Rate:
    """eBay counts calls a day; a tenth of them may go at once."""
    return Rate(calls / DAY, calls / 10)


def channel(kit: Kit) -> Channel:
    from connectors.ebay.channel import EbayChannel
    from connectors.ebay.client import Client

    return EbayChannel(kit, Client(kit))


def webhooks(kit: Kit) -> Webhooks:
    """Make it once a process and keep it: it remembers eBay's public keys."""
    from connectors.ebay.client import AppClient
    from connectors.ebay.webhooks import EbayWebhooks

    return EbayWebhooks(kit, AppClient(kit))


def consents(kit: Kit) -> Consents:
    from connectors.ebay.consents import EbayConsents

    return EbayConsents(kit)


def order(body: bytes, connection: str) -> Order:
    from connectors.ebay import normalize

    return normalize.order(body, connection)


def orders(document: Any, connection: str) -> Iterator[Order | BadPayload]:
    from connectors.ebay import normalize

    return normalize.orders(document, connection)


SITES = {"GB": "co.uk", "DE": "de", "FR": "fr", "IT": "it", "ES": "es", "AU": "com.au", "CA": "ca"}  # others are looked at on ebay.com


def order_url(account: str, order: str, settings: Mapping[str, Any]) -> str:
    """The order in Seller Hub; in the simulator, what that has of it."""
    if settings["api_url"] != API:
        return f"{settings['api_url']}/_sim/orders/{order}"
    return f"https://www.ebay.{SITES.get(settings['marketplace'].removeprefix('EBAY_'), 'com')}/sh/ord/details?orderid={order}"


MANIFEST = Connector(
    name="ebay",
    label="eBay",
    roles=frozenset(["channel"]),
    app=(
        Field("client_id", "App ID (client ID)", "developer.ebay.com, Application Keys", secret=False),
        Field("client_secret", "Cert ID (client secret)", "developer.ebay.com, Application Keys"),
        Field("verification_token", "Verification token", "The token you chose beside the notification endpoint, 32 to 80 characters"),
        Field("ru_name", "RuName", "developer.ebay.com, User Tokens: the redirect name", secret=False, required=False),
        Field("dev_id", "Dev ID", "developer.ebay.com, Application Keys", secret=False, required=False),
    ),
    login=(Field("refresh_token", "Refresh token", "Given when the seller agrees; holds 18 months"),),
    settings={
        "api_url": API,
        "apiz_url": "https://apiz.ebay.com",
        "auth_url": "https://auth.ebay.com",  # where sellers agree
        "trading_version": "1451",
        "trading_site": "0",
        "marketplace": "EBAY_US",
        "endpoint_url": "",  # the notification address exactly as registered; empty: the address that was asked
        "scopes": " ".join([SCOPE, *(f"{SCOPE}/{name}" for name in SCOPES)]),
        "app_scopes": SCOPE,
        "signatures": "",  # of sellers in the EU and the UK: always, never; empty: by the marketplace, and where eBay asks for them
        "orders_page": 200,
        "payouts_page": 200,
        "transactions_page": 1000,
        "records_page": 200,
        "listings_page": 200,
        "listings_reach_days": 60,  # no active listing ends later: GTC is renewed each month
        "entries_per_call": 25,  # of bulkUpdatePriceQuantity; its own text also says one SKU a call, so refusals fall back to one
        "trading_entries_per_call": 4,
        "post_order_scheme": "IAF",  # ‡ what stands before the token in calls of the Post-Order API
        "cancel_answer_days": 3,  # ‡ a seller has to answer a buyer who wishes to cancel
        "reach_days": 729,  # getOrders reaches back two years
        "throttled_wait_s": 300.0,  # after a 429 that names no time
        "key_age_s": 3600.0,
        "unknown_key_age_s": 600.0,
        "key_timeout_s": 2.0,
        "key_fetches_a_minute": 10,
    },
    rates={
        "fulfillment": _daily(100_000),
        "inventory": _daily(2_000_000),
        "trading": _daily(5_000),
        "notification": _daily(10_000),
        "post_order": _daily(10_000),
        "finances": _daily(15_000),
        "keys": _daily(5_000),
        "identity": _daily(5_000),
        "token": _daily(5_000),
    },
    limits=Limits(per_call=25, revisions=250, kept_for_zero=25, day_zone="America/Los_Angeles", look_s=300.0, looks=100),
    calls=(
        "token",
        "getUser",
        "getOrders",
        "getOrder",
        "getShippingFulfillments",
        "createShippingFulfillment",
        "createCancellation",
        "approveCancellation",
        "rejectCancellation",
        "getPayouts",
        "getTransactions",
        "createSigningKey",
        "getInventoryItems",
        "bulkGetInventoryItem",
        "getOffers",
        "bulkUpdatePriceQuantity",
        "GetSellerList",
        "GetItem",
        "ReviseInventoryStatus",
        "getPublicKey",
    ),
    channel=channel,
    order=order,
    orders=orders,
    webhooks=webhooks,
    order_url=order_url,
    consents=consents,
    simulator="connectors.ebay.simulator:Simulator",
    refusal=412,
    poll_every=timedelta(minutes=10),
    poll_overlap=timedelta(minutes=10),
    poll_age=timedelta(minutes=2),
    merges=True,
    pays=Paying("ebay", within=timedelta(days=35)),  # a seller may choose to be paid once a month
    calls_off=CallsOff(repays=True, answers=True),
)
