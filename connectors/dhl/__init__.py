"""DHL Express: prices, labels, tracking, addresses and pickups by the MyDHL API.

Nothing heavy is imported here; the client comes in when a carrier is made.
"""

from urllib.parse import quote

from core.domain.shipping import LabelFormat
from core.ports import Carrier, CarrierLimits, Connector, Field, Kit, Limits, Rate

API = "https://express.api.dhl.com/mydhlapi"
SERVICES = {  # global product codes (MyDHL reference data, productCode, 2026-06)
    "P": "Express Worldwide",
    "U": "Express Worldwide (EU)",
    "D": "Express Worldwide (documents)",
    "Y": "Express 12:00",
    "T": "Express 12:00 (documents)",
    "M": "Express 10:30",
    "L": "Express 10:30 (documents)",
    "E": "Express 9:00",
    "K": "Express 9:00 (documents)",
    "H": "Economy Select",
    "W": "Economy Select (EU)",
    "X": "Express Envelope",
    "N": "Express Domestic",
    "1": "Express Domestic 12:00",
    "O": "Express Domestic 10:30",
    "I": "Express Domestic 9:00",
    "G": "Economy Select Domestic",
}


def carrier(kit: Kit) -> Carrier:
    from connectors.dhl.carrier import DhlCarrier
    from connectors.dhl.client import Client

    return DhlCarrier(kit, Client(kit))


def tracking_url(number: str) -> str:
    """DHL's own page of a waybill or a piece."""
    return f"https://www.dhl.com/global-en/home/tracking/tracking-express.html?submit=1&tracking-id={quote(number, safe='')}"


MANIFEST = Connector(
    name="dhl",
    label="DHL Express",
    roles=frozenset(["carrier"]),
    app=(),
    login=(
        Field("api_key", "API key", "developer.dhl.com, your app with DHL Express - MyDHL API: the user name"),
        Field("api_secret", "API secret", "developer.dhl.com, beside the API key: the password"),
        Field(
            "account_number", "Account number", "Nine digits, on each DHL Express invoice; the account that sends and pays", secret=False
        ),
    ),
    settings={
        "api_url": API,  # the test host: https://express.api.dhl.com/mydhlapi/test
        "x_version": "3.1.0",  # what the 3.1.1 description wants in the header x-version, unchanged
        "zone": "UTC",  # of the place where parcels are handed over: its IANA name
        "ship_at": "18:00",  # the hour at which they are, there
        "lead_minutes": 15,  # DHL refuses a moment that is past when it arrives
        "contents": "Goods",  # what a parcel without a customs declaration holds
        "phone_if_none": "",  # DHL wants a telephone number of everybody; empty: a parcel without one is declined here
        "duties_account": "",  # who pays duties that the sender pays; empty: the account itself
        "duties_service": "DD",
        "insurance_service": "II",
        "signature_service": "SF",  # direct signature
        "paperless": True,  # the invoice goes by data where the way allows it
        "paperless_service": "WY",
        "bypass_paperless_error": True,  # where the way does not, the invoice is printed, and the label bought all the same
        "label_template": "ECOM26_84_001",
        "label_dpi": 300,
        "waybill": True,  # also ask for the waybill document that the driver gets
        "waybill_template": "ARCH_8X4",
        "invoice_template": "COMMERCIAL_INVOICE_P_10",
        "us_filing": "",  # AES number or exemption (like "30.37(a)") of what leaves the United States
        "estimate": "QDDC",  # the day that DHL commits itself to, customs included; QDDF: the fastest
        "standard_products_only": True,  # leave out what needs an agreement of its own
        "no_product_codes": "996",  # a refusal of prices that means: nothing goes there
        "lookup_views": "all-checkpoints advance-shipment",  # what was scanned and what was not are found in different ones
        "lookup_days": 7,  # before and after the day of shipping
        "zones_wanted": "True",  # as the values of requestGMTOffsetPerEvent stand in DHL's description; "true" should DHL want it small
        "untold_offset": "+00:00",  # of an event whose zone DHL does not tell though it was asked
        "strict_addresses": False,  # True: no places that are only like the one asked for
        "pickup_product": "P",  # a pickup names one; parcels of any other go with it
        "requestor": "Shipping",  # who cancels a pickup, and why
        "pickup_reason": "Not needed",
        "pickup_gone": "already cancelled",  # a refusal to cancel that says so is no refusal
        "probe_country": "DE",  # a place that DHL surely serves: asking for it proves the credentials
        "probe_postcode": "53113",
        "probe_city": "Bonn",
        "throttled_wait_s": 60.0,  # after a 429 that names no time
    },
    rates={
        name: Rate(5.0, 25.0) for name in ("rates", "shipments", "tracking", "addresses", "pickups")
    },  # the contract's; DHL publishes none
    limits=Limits(),
    calls=("validateAddress", "rates", "createShipment", "tracking", "shipmentTracking", "requestPickup", "cancelPickup"),
    carrier=carrier,
    carries=CarrierLimits(
        boxes=99, numbers=50, lookup_s=900.0, formats=(LabelFormat.PDF, LabelFormat.ZPL), void_days=90
    ),  # ours: DHL charges what it scans, and numbers are not forever ‡
    services=SERVICES,
    tracking_url=tracking_url,
    simulator="connectors.dhl.simulator:Simulator",
)
