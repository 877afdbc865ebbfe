"""UPS: rates, labels, tracking, addresses and pickups by its REST APIs of 2026-07.

Nothing heavy is imported here; the client comes in when a carrier is made.
"""

from core.domain.shipping import LabelFormat
from core.ports import Carrier, CarrierLimits, Connector, Field, Kit, Limits, Rate, Webhooks


def carrier(kit: Kit) -> Carrier:
    from connectors.ups.carrier import UpsCarrier
    from connectors.ups.client import Client

    return UpsCarrier(kit, Client(kit))


def webhooks(kit: Kit) -> Webhooks:
    from connectors.ups.webhooks import UpsWebhooks

    return UpsWebhooks(kit)


def tracking_url(number: str) -> str:
    return f"https://www.ups.com/track?tracknum={number}"


SERVICES = {
    "01": "UPS Next Day Air",
    "02": "UPS 2nd Day Air",
    "03": "UPS Ground",
    "07": "UPS Worldwide Express",
    "08": "UPS Worldwide Expedited",
    "11": "UPS Standard",
    "12": "UPS 3 Day Select",
    "13": "UPS Next Day Air Saver",
    "14": "UPS Next Day Air Early",
    "54": "UPS Worldwide Express Plus",
    "59": "UPS 2nd Day Air A.M.",
    "65": "UPS Worldwide Saver",
}

MANIFEST = Connector(
    name="ups",
    label="UPS",
    roles=frozenset(["carrier"]),
    app=(
        Field(
            "alert_credential",
            "Track Alert credential",
            "Any text of 20 letters or more: UPS brings it when it tells where parcels are",
            required=False,
        ),
    ),
    login=(
        Field("client_id", "Client ID", "developer.ups.com, My Apps: the app with your account number, Credentials", secret=False),
        Field("client_secret", "Client secret", "Beside the client ID; it is shown by the eye"),
    ),
    settings={
        "api_url": "https://onlinetools.ups.com",
        # What is not certain of UPS's documents stands here, to be changed without a release: see README.md, "Not yet seen".
        "rating_version": "v2409",
        "shipping_version": "v2409",
        "recovery_version": "v1",
        "tracking_version": "v1",
        "address_version": "v2",
        "pickup_version": "v2409",
        "alert_version": "v1",  # v2 takes no address: that is typed in at developer.ups.com
        "alert_kind": "standard",
        "rate_option": "Shoptimeintransit",
        "pickup_type": "01",  # how parcels are handed over, which rates depend on: 01 daily pickup, 03 customer counter, 06 one time
        "address_validation": "nonvalidate",  # validate: a label is refused where town, state and postal code do not fit
        "image_format": "PNG",  # what is asked for as an image; UPS's own text names GIF, its answers know PNG
        "packaging": "02",  # the customer's own box
        "collected_service": "003",
        "collected_payment": "01",
        "transaction_src": "crossdock",
        "throttled_wait_s": 60.0,  # after a 429 that names no time
        "lookup_days": 14,  # before the day of shipping from which on a parcel is looked up by our reference
        "address_countries": "US PR",
        "no_service_codes": "111210 111217 111100",
        "unknown_number_codes": "TW0001 TV1002 151018 151044",
        "unknown_label_codes": "300022",
        "too_late_codes": "190101 190102 190117",
        "no_access_codes": "250002 250003 250004 250005 250006 250007 250009 251004 10401",
    },
    rates={name: Rate(5.0, 50.0) for name in ("token", "rating", "shipping", "tracking", "address", "pickup")},
    limits=Limits(),
    calls=(
        "token",
        "rate",
        "ship",
        "void",
        "recoverLabel",
        "track",
        "trackReference",
        "validateAddress",
        "pickup",
        "pendingPickups",
        "cancelPickup",
        "subscribeTracking",
    ),
    carrier=carrier,
    carries=CarrierLimits(
        boxes=20, numbers=10, lookup_s=300.0, formats=(LabelFormat.PNG, LabelFormat.ZPL), void_days=28
    ),  # 28 days ‡, unscanned (2026-11)
    services=SERVICES,
    tracking_url=tracking_url,
    webhooks=webhooks,
    simulator="connectors.ups.simulator:Simulator",
)
