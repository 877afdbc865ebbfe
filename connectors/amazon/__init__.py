"""Amazon Selling Partner API: Orders 2026-01-01, Listings Items 2021-08-01, Feeds and Reports 2021-06-30, FBA Inventory v1,
Shipping v2 for labels of its own orders, Fulfillment Outbound 2020-07-01, Finances 2024-06-19."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from connectors.amazon.tables import RATES, SELLER_CENTRAL
from core.domain.order import Order
from core.domain.shipping import LabelFormat
from core.errors import BadPayload
from core.ports import CallsOff, Carrier, CarrierLimits, Channel, Connector, Consents, Field, Kit, Limits, Paying, Shelving


def _channel(kit: Kit) -> Channel:
    from connectors.amazon.channel import AmazonChannel

    return AmazonChannel(kit)


def _carrier(kit: Kit) -> Carrier:
    from connectors.amazon.client import Client
    from connectors.amazon.labels import BuyShipping

    return BuyShipping(kit, Client(kit))


def _tracking_url(number: str) -> str:
    """Amazon's page of a parcel that Amazon carries itself."""
    return f"https://track.amazon.com/tracking/{number}" if number.startswith("TBA") else ""


def _outside(label: str) -> bool:
    from connectors.amazon.leaves import is_outside

    return is_outside(label)


def _consents(kit: Kit) -> Consents:
    from connectors.amazon.consents import AmazonConsents

    return AmazonConsents(kit)


def _order(body: bytes, connection: str) -> Order:
    from connectors.amazon.normalize import order

    return order(body, connection)


def _orders(document: Any, connection: str) -> Iterator[Order | BadPayload]:
    from connectors.amazon.normalize import orders

    return orders(document, connection)


def _order_url(account: str, order: str, settings: Mapping[str, Any]) -> str:
    """The order in Seller Central; in the simulator, what that has of it."""
    if settings["url"]:
        return f"{settings['url']}/_sim/orders/{order}"
    first = settings["marketplace_ids"].split(",")[0].strip()
    return f"https://{SELLER_CENTRAL.get(first, 'sellercentral.amazon.com')}/orders-v3/order/{order}"


MANIFEST = Connector(
    name="amazon",
    label="Amazon",
    roles=frozenset(["channel"]),
    app=(
        Field("client_id", "LWA client id", "Solution Provider Portal, your app, View LWA credentials", secret=False),
        Field("client_secret", "LWA client secret", "Beside the client id; Amazon wants it rotated every 180 days"),
        Field("application_id", "Application id", "Beside your app there: amzn1.sp.solution...", secret=False, required=False),
        Field("aws_access_key_id", "AWS access key id", "Only for notices from an SQS queue", secret=False, required=False),
        Field("aws_secret_access_key", "AWS secret access key", "Only for notices from an SQS queue", required=False),
    ),
    login=(
        Field("refresh_token", "Refresh token", "Solution Provider Portal, Authorize app; one per seller and region"),
        Field("marketplace_ids", "Marketplace ids", "Separated by commas, all of one region", secret=False, required=False),
    ),
    settings={
        "url": "",  # empty: the regional host of the first marketplace
        "auth_url": "https://api.amazon.com/auth/o2/token",
        "consent_url": "",  # where sellers agree; empty: the Seller Central of their first marketplace
        "consent_version": "",  # "beta" while the app is a draft
        "consent_days": 365,  # ‡ after which a seller must agree again
        "marketplace_ids": "ATVPDKIKX0DER",
        "min_age_s": 120,  # searchOrders wants its upper bound two minutes in the past
        "page_size": 100,  # orders a page
        "listings_page_size": 20,
        "feed_from": 20,  # so many quantities at once go by feed
        "report_from": 1000,  # where there are more listings, they come by report: searchListingsItems reaches no further
        "report_page_size": 5000,  # listings a page of a report
        "report_wait_s": 15,  # between two looks at a report in the making
        "report_patience_s": 14400,  # after which a report that is still not made is given up
        "report_locale": "en_US",  # of the report's column names
        "shelf_days": 30,  # so long Amazon may change what its inventory ledger tells of a day: so many days are read again
        "ledger_report_days": 30,  # what one report of it may hold ‡
        "product_type": "PRODUCT",  # ‡ accepted for changes of the offer alone, whatever the listing is
        "fba_prefix": "AMAZON_",  # ‡ fulfillment channel codes of Amazon's own warehouses
        "cancel_feed": "POST_ORDER_ACKNOWLEDGEMENT_DATA",  # ‡ calls orders off; empty: that is left to Seller Central
        "fulfill_features": "BLANK_BOX",  # of parcels for orders of other channels; BLOCK_AMZL too, where Amazon's cars may not
        "queue_url": "",  # an SQS queue that Amazon fills with ORDER_CHANGE; empty: polling alone
        "sqs_url": "",  # empty: the host of queue_url
        "aws_region": "us-east-1",
        "queue_calls": 10,  # ReceiveMessage calls at a time, ten messages each
        "visibility_s": 60,
    },
    rates=RATES,
    limits=Limits(per_call=500, look_s=60.0, looks=3000),
    calls=("token", *RATES),
    channel=_channel,
    carrier=_carrier,
    # Amazon names no end for all of its carriers: the strictest of them, the day of the purchase ‡
    carries=CarrierLimits(boxes=1, numbers=20, lookup_s=900.0, formats=(LabelFormat.PDF, LabelFormat.PNG, LabelFormat.ZPL), void_days=1),
    demands=frozenset(["PRIME"]),  # ‡ seller-fulfilled Prime leaves with Amazon's label
    tracking_url=_tracking_url,
    order=_order,
    orders=_orders,
    order_url=_order_url,
    consents=_consents,
    asks=(Field("marketplace_ids", "Marketplace ids", "Separated by commas, all of one region", secret=False, required=False),),
    simulator="connectors.amazon.simulator:Simulator",
    poll_overlap=timedelta(minutes=15),
    poll_age=timedelta(0),  # `min_age_s` rules
    queue=True,
    stores=True,
    shelves=Shelving(again=30, back=540, outside=_outside),  # Amazon keeps eighteen months of it
    # Two weeks are the rule, and a reserve or an invoice may take one more.
    pays=Paying("amazon", None, within=timedelta(days=31), as_sent=True, refunds=True),
    calls_off=CallsOff(within=timedelta(hours=2), repays=True, answers=True),
)
