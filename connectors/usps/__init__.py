"""USPS: labels, prices, tracking, address checks, SCAN forms and pickups by its v3 REST APIs.

Nothing heavy is imported here; the client comes in when a carrier is made.
"""

from core.domain.shipping import LabelFormat
from core.ports import Carrier, CarrierLimits, Connector, Field, Kit, Limits, Rate

API = "https://apis.usps.com"
HOURLY = 60  # calls an hour and API that an app has by default (2026-11); USPS raises it on request
APIS = ("oauth", "payments", "shipments", "labels", "international-labels", "tracking", "addresses", "scan-forms", "pickup")
SERVICES = {
    "USPS_GROUND_ADVANTAGE": "USPS Ground Advantage",
    "PRIORITY_MAIL": "Priority Mail",
    "PRIORITY_MAIL_EXPRESS": "Priority Mail Express",
    "MEDIA_MAIL": "Media Mail",
    "LIBRARY_MAIL": "Library Mail",
    "BOUND_PRINTED_MATTER": "Bound Printed Matter",
    "FIRST-CLASS_PACKAGE_INTERNATIONAL_SERVICE": "First-Class Package International",
    "PRIORITY_MAIL_INTERNATIONAL": "Priority Mail International",
    "PRIORITY_MAIL_EXPRESS_INTERNATIONAL": "Priority Mail Express International",
}


def carrier(kit: Kit) -> Carrier:
    from connectors.usps.carrier import UspsCarrier
    from connectors.usps.client import Client

    return UspsCarrier(kit, Client(kit))


def tracking_url(number: str) -> str:
    """USPS's own page of a parcel."""
    return f"https://tools.usps.com/go/TrackConfirmAction?tLabels={number}"


MANIFEST = Connector(
    name="usps",
    label="USPS",
    roles=frozenset(["carrier"]),
    app=(),
    login=(
        Field("consumer_key", "Consumer key", "developers.usps.com, Apps: your app's credentials"),
        Field("consumer_secret", "Consumer secret", "developers.usps.com, Apps: your app's credentials"),
        Field("crid", "CRID", "Business Customer Gateway, Manage Account: your Customer Registration ID", secret=False),
        Field("mid", "Mailer ID (MID)", "Business Customer Gateway, Mailer ID: the one enrolled in USPS Ship", secret=False),
        Field(
            "manifest_mid",
            "Manifest MID",
            "In the welcome mail of USPS Ship: the MID of your manifests, often the same one",
            secret=False,
        ),
        Field("account_type", "Payment account's type", "EPS (Enterprise Payment), PERMIT, METER or OMAS", secret=False),
        Field("account_number", "Payment account's number", "Enterprise Payment System, Account; or the permit's number"),
        Field("permit_zip", "Permit's ZIP Code", "Of a PERMIT or OMAS account only", secret=False, required=False),
    ),
    settings={
        "api_url": API,  # the test host is https://apis-tem.usps.com
        "scopes": "",  # empty: all that the app may
        "calls_per_hour": HOURLY,  # of each API, once USPS has raised it
        "throttled_wait_s": 300.0,  # after a 429 that names no time
        "papers": "application/vnd.usps.labels+json",  # how labels come; multipart/form-data is understood too
        "price_type": "COMMERCIAL",  # or CONTRACT: prices agreed with the payment account
        "mail_classes": "USPS_GROUND_ADVANTAGE PRIORITY_MAIL PRIORITY_MAIL_EXPRESS FIRST-CLASS_PACKAGE_INTERNATIONAL_SERVICE "
        "PRIORITY_MAIL_INTERNATIONAL PRIORITY_MAIL_EXPRESS_INTERNATIONAL",  # those offered; Media Mail and its like are not for all goods
        "rate_indicators": "CP",  # offered beside the parcel's own: cubic; add FB FS FE ... where you pack in USPS's flat-rate boxes
        "processing_category": "",  # empty: by the parcel's size
        "label_type": "4X6LABEL",
        "physical_signature": 1,  # a signature by hand; 0 lets the receiver sign online
        "exemption": "NO EEI 30.37(a)",  # why no export declaration was filed; goods of more than 2,500 dollars need one
        "exemption_canada": "NO EEI 30.36",
        "undeliverable": "RETURN",  # or ABANDON, abroad
        "prepay_duties": 1,  # a consignment whose sender pays the duties is sent duties paid; 0: never
        "local_zone": "America/Chicago",  # of a scan's time that comes without a zone
        "payment_life_s": 28_800.0,  # of a payment authorization
        "scan_form": "8.5X11LABEL",
        "pickup_place": "FRONT_DOOR",
        "pickup_packages": "OTHER",  # the kind of parcels that a driver is told of
    },
    rates={api: Rate(HOURLY / 3600, HOURLY) for api in APIS},
    limits=Limits(),
    calls=(
        "token",
        "authorizePayment",
        "searchOptions",
        "createLabel",
        "createInternationalLabel",
        "cancelLabel",
        "cancelInternationalLabel",
        "reprintLabel",
        "reprintInternationalLabel",
        "getTracking",
        "getAddress",
        "createScanForm",
        "schedulePickup",
        "getPickup",
        "cancelPickup",
    ),
    carrier=carrier,
    carries=CarrierLimits(
        boxes=1,
        numbers=1,
        keyed=True,
        lookup_s=0.0,
        countries=frozenset(["US", "PR", "VI", "GU", "AS", "MP"]),
        formats=(LabelFormat.PDF, LabelFormat.PNG, LabelFormat.ZPL),
        void_days=30,  # refunds of unscanned labels ‡ (2026-11)
    ),
    services=SERVICES,
    tracking_url=tracking_url,
    simulator="connectors.usps.simulator:Simulator",
)
