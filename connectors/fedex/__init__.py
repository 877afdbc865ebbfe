"""FedEx: labels, prices, parcels and pickups by its REST APIs (v1).

Nothing heavy is imported here; the client comes in when a carrier is made.
"""

from core.domain.shipping import LabelFormat
from core.ports import Carrier, CarrierLimits, Connector, Field, Kit, Limits, Rate

DAY = 86_400.0


def carrier(kit: Kit) -> Carrier:
    from connectors.fedex.carrier import FedexCarrier
    from connectors.fedex.client import Client

    return FedexCarrier(kit, Client(kit))


def tracking_url(number: str) -> str:
    return f"https://www.fedex.com/fedextrack/?trknbr={number}"


SERVICES = {
    "FEDEX_GROUND": "FedEx Ground",
    "GROUND_HOME_DELIVERY": "FedEx Home Delivery",
    "FEDEX_EXPRESS_SAVER": "FedEx Express Saver",
    "FEDEX_2_DAY": "FedEx 2Day",
    "FEDEX_2_DAY_AM": "FedEx 2Day AM",
    "STANDARD_OVERNIGHT": "FedEx Standard Overnight",
    "PRIORITY_OVERNIGHT": "FedEx Priority Overnight",
    "FIRST_OVERNIGHT": "FedEx First Overnight",
    "FEDEX_INTERNATIONAL_CONNECT_PLUS": "FedEx International Connect Plus",
    "INTERNATIONAL_ECONOMY": "FedEx International Economy",
    "FEDEX_INTERNATIONAL_PRIORITY": "FedEx International Priority",
    "FEDEX_INTERNATIONAL_PRIORITY_EXPRESS": "FedEx International Priority Express",
    "INTERNATIONAL_FIRST": "FedEx International First",
}

MANIFEST = Connector(
    name="fedex",
    label="FedEx",
    roles=frozenset(["carrier"]),
    app=(),
    login=(
        Field("client_id", "API key", "developer.fedex.com, My Projects, your project: API key", secret=False),
        Field("client_secret", "Secret key", "developer.fedex.com, shown once when the project is made"),
        Field("track_client_id", "API key for tracking", "Only where tracking is a project of its own", secret=False, required=False),
        Field("track_client_secret", "Secret key for tracking", "Only where tracking is a project of its own", required=False),
    ),
    settings={
        "api_url": "https://apis.fedex.com",  # the sandbox: https://apis-sandbox.fedex.com
        "locale": "en_US",  # the language of its words
        "packaging": "YOUR_PACKAGING",
        "pickup_type": "USE_SCHEDULED_PICKUP",  # or DROPOFF_AT_FEDEX_LOCATION, CONTACT_FEDEX_TO_SCHEDULE
        "paper_stock": "PAPER_4X6",  # of PDF and PNG
        "thermal_stock": "STOCK_4X6",  # of ZPL
        "signature": "DIRECT",  # what "signature" means: INDIRECT, DIRECT or ADULT
        "paperless": False,  # commercial invoices go to the customs electronically; the account must be enrolled
        # Kinds of numbers, as FedEx classes them; its schema does not say which is which (2026-11, not tried in a live account).
        "ioss_tin": "BUSINESS_UNION",
        "eori_tin": "BUSINESS_UNION",
        "vat_tin": "BUSINESS_NATIONAL",
        # Its own codes where they are not those of ISO 4217; it reads and writes both, or one of them (2026-11, not tried).
        "currencies": "GBP=UKL JPY=JYE CHF=SFR MXN=NMP SGD=SID KRW=WON TWD=NTD AED=DHS ARS=ARN CLP=CHP KWD=KUD JMD=JAD DOP=RDD XCD=ECD",
        "reference_type": "",  # empty: a reference of any kind; Express is said to know ours as SHIPPER_REFERENCE (2026-11, not tried)
        "lookup_days": 3,  # so long before the day of sending a purchase may have been made
        "pickup_company": "FDXE",  # whose driver comes: FDXE (Express) or FDXG (Ground)
        "pickup_spot": "FRONT",
        "throttled_wait_s": 10.0,  # after a 429 that names no time: the rate is counted by ten seconds
        "token_wait_s": 600.0,  # after a 403 to a request for a token: whoever asks too often is shut out so long (its guide, 2026-11)
    },
    # A project has 1,400 calls in ten seconds, of which each API takes its part; tracking has 100,000 a day (its guide to limits, 2026-11).
    rates={
        "token": Rate(0.5, 4),
        "rate": Rate(30, 250),
        "ship": Rate(40, 300),
        "track": Rate(100_000 / DAY, 10_000),
        "address": Rate(15, 100),
        "pickup": Rate(2, 20),
    },
    limits=Limits(),
    calls=(
        "token",
        "rateQuotes",
        "createShipment",
        "shipmentResults",
        "cancelShipment",
        "trackByNumber",
        "trackByReference",
        "createPickup",
        "cancelPickup",
    ),  # and addresses/resolve, which is not recorded: FedEx gives no contract of it away
    carrier=carrier,
    carries=CarrierLimits(
        boxes=40,  # more are answered by a job number
        numbers=30,
        lookup_s=3600.0,  # a reference is found some time after the purchase; nobody says how long (2026-11, not tried)
        formats=(LabelFormat.PDF, LabelFormat.PNG, LabelFormat.ZPL),
        void_days=1,  # until the end of the ship day
    ),
    services=SERVICES,
    tracking_url=tracking_url,
    simulator="connectors.fedex.simulator:Simulator",
)
