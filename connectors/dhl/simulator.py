"""DHL Express as we use it: prices by weight, way and product, waybills with pieces, papers, tracking, addresses and pickups.

It refuses what MyDHL's description refuses, in MyDHL's shape of errors: a body that does not fit with 422 and the place in it, a wish that
cannot be with 400 and a number before the words. Numbers that MyDHL's own samples show are theirs (998, 999, 7008, 8003), the others are
made up. `move` names a waybill, for all its pieces, or one piece.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request, Response

from connectors.simulation import World, reply
from core.ports import Rate

Doc = dict[str, Any]

BASE = "/mydhlapi"
ROUTES = (
    ("validateAddress", "GET", r"/address-validate"),
    ("rates", "POST", r"/rates"),
    ("createShipment", "POST", r"/shipments"),
    ("tracking", "GET", r"/tracking"),
    ("shipmentTracking", "GET", r"/shipments/[^/]+/tracking"),
    ("requestPickup", "POST", r"/pickups"),
    ("cancelPickup", "DELETE", r"/pickups/[^/]+"),
)
# fmt: off
EU = frozenset([
    "AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE",
    "IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE",
])
# fmt: on
NEAR = (EU | {"GB", "CH", "NO"}, frozenset({"US", "CA", "MX"}))
NO_POSTCODES = frozenset({"AE", "HK", "IE", "PA", "QA"})
NO_DOMESTIC = frozenset({"US"})  # DHL Express carries nothing inside the United States
OFFSETS = {"US": "-05:00", "CA": "-05:00", "GB": "+00:00", "JP": "+09:00", "AU": "+11:00"}
HEAVY_KG = 70
DAY_ZONE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d ?GMT[+-]\d\d:\d\d")
# Products: name, days, cents to start with, cents for each half kilogram, how much each farther zone adds (in percent).
PRODUCTS = {
    "P": ("EXPRESS WORLDWIDE", 2, 4200, 310, 40),
    "Y": ("EXPRESS 12:00", 2, 5400, 330, 40),
    "E": ("EXPRESS 9:00", 1, 7900, 350, 45),
    "H": ("ECONOMY SELECT", 5, 3100, 210, 35),
    "U": ("EXPRESS WORLDWIDE", 1, 2600, 180, 0),
    "T": ("EXPRESS 12:00", 1, 3300, 190, 0),
    "W": ("ECONOMY SELECT", 4, 1700, 120, 0),
    "N": ("EXPRESS DOMESTIC", 1, 1200, 90, 0),
    "I": ("EXPRESS DOMESTIC 9:00", 1, 2100, 110, 0),
}
SERVICES = {"II": 1500, "DD": 1900, "SF": 600, "WY": 0}  # cents
CODES = {
    "pick_up": ("PU", "Shipment picked up"),
    "travel": ("DF", "Shipment has departed from a DHL facility"),
    "bring": ("WC", "Shipment is out with courier for delivery"),
    "deliver": ("OK", "Delivered : N O"),
    "fail": ("NH", "Delivery attempted; recipient not home"),
    "return": ("RT", "Returned to shipper"),
}
PLACES = {("US", "78701"): "AUSTIN", ("US", "04101"): "PORTLAND", ("DE", "04109"): "LEIPZIG", ("DE", "53113"): "BONN"}
LAG_S = 300.0  # so long a new shipment is not found by its reference
CALLS = Rate(10.0, 50.0)

# What a body may hold: a path ([] for each of a list, ? for what may be missing) and what stands there. A text's length, a number's range
# and a list's are (least, most); whatever is not named here is refused.
TEXT, NUMBER, FLAG, LIST, OBJECT = "a text", "a number", "true or false", "a list", "an object"
Rule = tuple[str, str, float, float]


def _place(path: str, street: str = "") -> tuple[Rule, ...]:
    return (
        (f"{path}.postalCode", TEXT, 0, 12),
        (f"{path}.cityName", TEXT, 1, 45),
        (f"{path}.countryCode", TEXT, 2, 2),
        (f"{path}.provinceCode?", TEXT, 2, 35),
        (f"{path}.addressLine1{street}", TEXT, 1, 45),
        (f"{path}.addressLine2?", TEXT, 1, 45),
        (f"{path}.addressLine3?", TEXT, 1, 45),
    )


def _party(path: str) -> tuple[Rule, ...]:
    contact = f"{path}.contactInformation"
    return (
        (path, OBJECT, 0, 0),
        (f"{path}.postalAddress", OBJECT, 0, 0),
        *_place(f"{path}.postalAddress"),
        (contact, OBJECT, 0, 0),
        (f"{contact}.email?", TEXT, 1, 70),
        (f"{contact}.phone", TEXT, 1, 70),
        (f"{contact}.companyName", TEXT, 1, 100),
        (f"{contact}.fullName", TEXT, 1, 255),
        (f"{path}.registrationNumbers?", LIST, 0, 50),
        (f"{path}.registrationNumbers[].typeCode", TEXT, 1, 3),
        (f"{path}.registrationNumbers[].number", TEXT, 1, 35),
        (f"{path}.registrationNumbers[].issuerCountryCode", TEXT, 2, 2),
        (f"{path}.typeCode?", TEXT, 1, 20),
    )


def _packages(path: str) -> tuple[Rule, ...]:
    sizes = tuple((f"{path}[].dimensions.{side}", NUMBER, 0.001, 9_999_999) for side in ("length", "width", "height"))
    return ((path, LIST, 1, 999), (f"{path}[].weight", NUMBER, 0.001, 999_999_999_999), (f"{path}[].dimensions?", OBJECT, 0, 0), *sizes)


def _references(path: str) -> tuple[Rule, ...]:
    return ((f"{path}?", LIST, 1, 99), (f"{path}[].value", TEXT, 1, 35), (f"{path}[].typeCode?", TEXT, 2, 3))


def _around(most: int) -> tuple[Rule, ...]:
    return (
        ("accounts", LIST, 1, most),
        ("accounts[].typeCode", TEXT, 1, 15),
        ("accounts[].number", TEXT, 1, 12),
        ("valueAddedServices?", LIST, 0, 99),
        ("valueAddedServices[].serviceCode", TEXT, 1, 6),
        ("valueAddedServices[].value?", NUMBER, 0, 10**15),
        ("valueAddedServices[].currency?", TEXT, 3, 3),
        ("plannedShippingDateAndTime", TEXT, 1, 29),
        ("estimatedDeliveryDate?", OBJECT, 0, 0),
        ("estimatedDeliveryDate.isRequested", FLAG, 0, 0),
        ("estimatedDeliveryDate.typeCode?", TEXT, 4, 4),
    )


DECLARED = "content.exportDeclaration"
IMAGES = "outputImageProperties"
BODIES: dict[str, tuple[Rule, ...]] = {
    "rates": (
        ("customerDetails", OBJECT, 0, 0),
        ("customerDetails.shipperDetails", OBJECT, 0, 0),
        ("customerDetails.receiverDetails", OBJECT, 0, 0),
        *_place("customerDetails.shipperDetails", "?"),
        *_place("customerDetails.receiverDetails", "?"),
        *_around(2),
        ("unitOfMeasurement", TEXT, 6, 8),
        ("isCustomsDeclarable", FLAG, 0, 0),
        ("monetaryAmount?", LIST, 0, 9),
        ("monetaryAmount[].typeCode", TEXT, 1, 15),
        ("monetaryAmount[].value", NUMBER, 0, 10**15),
        ("monetaryAmount[].currency", TEXT, 3, 3),
        ("returnStandardProductsOnly?", FLAG, 0, 0),
        ("nextBusinessDay?", FLAG, 0, 0),
        *_packages("packages"),
    ),
    "createShipment": (
        *_around(3),
        ("pickup", OBJECT, 0, 0),
        ("pickup.isRequested", FLAG, 0, 0),
        ("productCode", TEXT, 1, 6),
        ("localProductCode?", TEXT, 1, 3),
        ("getRateEstimates?", FLAG, 0, 0),
        (f"{IMAGES}?", OBJECT, 0, 0),
        (f"{IMAGES}.printerDPI?", NUMBER, 200, 300),
        (f"{IMAGES}.encodingFormat?", TEXT, 3, 3),
        (f"{IMAGES}.imageOptions?", LIST, 0, 20),
        (f"{IMAGES}.imageOptions[].typeCode", TEXT, 5, 15),
        (f"{IMAGES}.imageOptions[].templateName?", TEXT, 0, 25),
        (f"{IMAGES}.imageOptions[].isRequested?", FLAG, 0, 0),
        (f"{IMAGES}.imageOptions[].invoiceType?", TEXT, 7, 10),
        (f"{IMAGES}.imageOptions[].languageCode?", TEXT, 3, 3),
        (f"{IMAGES}.splitTransportAndWaybillDocLabels?", FLAG, 0, 0),
        (f"{IMAGES}.splitDocumentsByPages?", FLAG, 0, 0),
        (f"{IMAGES}.splitInvoiceAndReceipt?", FLAG, 0, 0),
        *_references("customerReferences"),
        ("customerDetails", OBJECT, 0, 0),
        *_party("customerDetails.shipperDetails"),
        *_party("customerDetails.receiverDetails"),
        ("content", OBJECT, 0, 0),
        *_packages("content.packages"),
        *_references("content.packages[].customerReferences"),
        ("content.isCustomsDeclarable", FLAG, 0, 0),
        ("content.declaredValue?", NUMBER, 0, 10**15),
        ("content.declaredValueCurrency?", TEXT, 3, 3),
        (f"{DECLARED}?", OBJECT, 0, 0),
        (f"{DECLARED}.lineItems", LIST, 1, 999),
        (f"{DECLARED}.lineItems[].number", NUMBER, 1, 999),
        (f"{DECLARED}.lineItems[].description", TEXT, 1, 512),
        (f"{DECLARED}.lineItems[].price", NUMBER, 0, 10**15),
        (f"{DECLARED}.lineItems[].quantity", OBJECT, 0, 0),
        (f"{DECLARED}.lineItems[].quantity.value", NUMBER, 1, 10**9),
        (f"{DECLARED}.lineItems[].quantity.unitOfMeasurement", TEXT, 1, 8),
        (f"{DECLARED}.lineItems[].commodityCodes?", LIST, 0, 2),
        (f"{DECLARED}.lineItems[].commodityCodes[].typeCode", TEXT, 7, 8),
        (f"{DECLARED}.lineItems[].commodityCodes[].value", TEXT, 2, 18),
        (f"{DECLARED}.lineItems[].exportReasonType?", TEXT, 1, 40),
        (f"{DECLARED}.lineItems[].manufacturerCountry", TEXT, 2, 2),
        (f"{DECLARED}.lineItems[].weight", OBJECT, 0, 0),
        (f"{DECLARED}.lineItems[].weight.netValue?", NUMBER, 0, 10**12),
        (f"{DECLARED}.lineItems[].weight.grossValue?", NUMBER, 0, 10**12),
        *_references(f"{DECLARED}.lineItems[].customerReferences"),
        (f"{DECLARED}.invoice?", OBJECT, 0, 0),
        (f"{DECLARED}.invoice.number", TEXT, 1, 35),
        (f"{DECLARED}.invoice.date", TEXT, 10, 10),
        (f"{DECLARED}.invoice.totalNetWeight?", NUMBER, 0, 10**12),
        (f"{DECLARED}.invoice.totalGrossWeight?", NUMBER, 0, 10**12),
        (f"{DECLARED}.placeOfIncoterm?", TEXT, 1, 256),
        (f"{DECLARED}.exportReason?", TEXT, 1, 30),
        (f"{DECLARED}.exportReasonType?", TEXT, 1, 40),
        (f"{DECLARED}.shipmentType?", TEXT, 8, 10),
        ("content.description", TEXT, 1, 70),
        ("content.USFilingTypeValue?", TEXT, 1, 20),
        ("content.incoterm", TEXT, 3, 3),
        ("content.unitOfMeasurement", TEXT, 6, 8),
        ("getAdditionalInformation?", LIST, 0, 5),
        ("getAdditionalInformation[].typeCode?", TEXT, 1, 40),
        ("getAdditionalInformation[].isRequested", FLAG, 0, 0),
    ),
    "requestPickup": (
        ("plannedPickupDateAndTime", TEXT, 1, 29),
        ("closeTime?", TEXT, 5, 5),
        ("accounts", LIST, 1, 5),
        ("accounts[].typeCode", TEXT, 1, 15),
        ("accounts[].number", TEXT, 1, 12),
        ("specialInstructions?", LIST, 0, 4),
        ("specialInstructions[].value", TEXT, 1, 80),
        ("remark?", TEXT, 0, 500),
        ("customerDetails", OBJECT, 0, 0),
        *_party("customerDetails.shipperDetails"),
        ("shipmentDetails", LIST, 1, 999),
        ("shipmentDetails[].productCode", TEXT, 1, 6),
        ("shipmentDetails[].isCustomsDeclarable", FLAG, 0, 0),
        ("shipmentDetails[].unitOfMeasurement", TEXT, 6, 8),
        *_packages("shipmentDetails[].packages"),
    ),
}


class Declined(Exception):
    """A refusal in DHL's shape."""

    def __init__(self, status: int, title: str, detail: str, *more: str) -> None:
        super().__init__(detail)
        self.status, self.title, self.detail, self.more = status, title, detail, more


def _bad(detail: str, *more: str) -> Declined:
    return Declined(400, "Bad request", detail, *more)


def _missing(name: str) -> Declined:
    return Declined(400, "Missing parameters", f"Missing mandatory parameters: {name}")


class Simulator:
    """One account at DHL Express. Shipments are kept by waybill, pickups by their number."""

    name = "dhl"

    def __init__(self, world: World) -> None:
        self.world = world
        self.state: Doc = {"account": "963814207", "key": "apQ7rehearsal", "secret": "K!2rehearsal-secret", "shipments": {}, "pickups": {}}

    # ---- what a stage asks

    def credentials(self, base: str) -> Doc:
        known = self.state
        login = {"api_key": known["key"], "api_secret": known["secret"], "account_number": known["account"]}
        return {"account": known["account"], "app": {}, "login": login, "settings": {"api_url": base + BASE}}

    def operation(self, request: Request) -> str | None:
        path = request.path.partition(BASE)[2]
        return next((name for name, method, route in ROUTES if method == request.method and re.fullmatch(route, path)), None)

    def answer(self, request: Request, operation: str | None) -> Response:
        try:
            self._admit(request)
            if wait := self.world.take("calls", CALLS):
                return self._slow_down(wait)
            return self._answers(request, operation)
        except Declined as error:
            return _declined(request, error)

    def fault(self, kind: str, operation: str | None) -> Response:
        if kind == "429":
            return self._slow_down(2.0)
        if kind == "401":
            return _said(401, "Unauthorized", "Invalid Credentials")
        return _said(500, "Internal Server Error", "999: Process failure occurred. Process ID associated for that transaction (1234567890)")

    def parcels(self) -> list[Doc]:
        return [self._parcel(one, place) for one in self.state["shipments"].values() for place in range(len(one["pieces"]))]

    def move(self, tracking: str, what: str, wish: Doc) -> Doc:
        if what not in CODES:
            raise BadRequest(f"a parcel may {', '.join(CODES)}")
        one, places = self._named(tracking)
        event = self._event(one, what, wish)
        one["events"].append(event)
        for place in places:
            one["pieces"][place]["events"].append(event)
        return self._parcel(one, places[0])

    def _named(self, tracking: str) -> tuple[Doc, list[int]]:
        """The shipment of a number, and which of its pieces are meant."""
        if one := self.state["shipments"].get(tracking):
            return one, list(range(len(one["pieces"])))
        for one in self.state["shipments"].values():
            if places := [place for place, piece in enumerate(one["pieces"]) if piece["number"] == tracking]:
                return one, places
        raise BadRequest(f"there is no parcel {tracking}")

    def _event(self, one: Doc, what: str, wish: Doc) -> Doc:
        code, words = CODES[what]
        at_home = what in ("pick_up", "return")
        country = str(wish.get("country", one["from"]["country"] if at_home else one["to"]["country"]))
        town = str(wish.get("town", one["from"]["city"] if at_home else one["to"]["city"])).upper()
        return {"at": self.world.clock().isoformat(), "code": code, "words": words, "town": town, "country": country}

    def _parcel(self, one: Doc, place: int) -> Doc:
        piece = one["pieces"][place]
        return {
            "key": one["references"][0],
            "tracking": one["pieces"][place]["number"] if place else one["waybill"],
            "service": one["product"],
            "voided": False,  # there is no void: what is never scanned is not charged
            "price": _price_text(one["cents"]),
            "currency": "USD",
            "weight_g": piece["weight_g"],
            "country": one["to"]["country"],
            "steps": [event["code"] for event in piece["events"]],
        }

    # ---- the door

    def _admit(self, request: Request) -> None:
        """Who asks, and whether the headers are what MyDHL wants."""
        told = request.authorization
        if not told or told.type != "basic" or (told.username, told.password) != (self.state["key"], self.state["secret"]):
            raise Declined(401, "Unauthorized", "Invalid Credentials")
        if not request.headers.get("x-version"):
            raise _missing("x-version")
        if not 28 <= len(request.headers.get("Message-Reference", "")) <= 36:
            raise _bad("Parameters not having correct format: Message-Reference (minLength=28, maxLength=36)")

    def _slow_down(self, wait: float) -> Response:
        answer = _said(429, "Too Many Requests", "Rate limit exceeded")
        answer.headers["Retry-After"] = str(int(wait) + 1)
        return answer

    def _answers(self, request: Request, operation: str | None) -> Response:
        query = request.args
        match operation:
            case "validateAddress":
                return reply(_addresses(query))
            case "rates":
                return reply(self._rates(_body(request, operation)))
            case "createShipment":
                return reply(self._ship(_body(request, operation)), 201)
            case "tracking":
                return reply(self._tracking(request))
            case "shipmentTracking":
                return reply(self._one(request.path.split("/")[-2], query))
            case "requestPickup":
                return reply(self._pick_up(_body(request, operation)), 201)
            case "cancelPickup":
                return self._leave(request.path.rpartition("/")[2], query)
        raise Declined(404, "Not Found", "No such resource")

    # ---- prices and labels

    def _rates(self, body: Doc) -> Doc:
        way = _way(body["customerDetails"]["shipperDetails"], body["customerDetails"]["receiverDetails"], body["isCustomsDeclarable"])
        self._check(body, body["packages"])
        products = [self._product(code, body, way) for code in _offered(way)]
        if not products:
            raise _bad("996: The requested product(s) are not available based on your search criteria.")
        return {"products": products}

    def _product(self, code: str, body: Doc, way: "Way") -> Doc:
        name, days, *_ = PRODUCTS[code]
        cents, weight = _cents(code, body["packages"], body.get("valueAddedServices", []), way), _weight(body["packages"])
        prices = [{"currencyType": kind, "priceCurrency": "USD", "price": cents / 100} for kind in ("BILLC", "PULCL")]
        arrives = f"{_arrives(_moment(body['plannedShippingDateAndTime']), days):%Y-%m-%d}T23:59:00"
        return {
            "productName": name,
            "productCode": code,
            "localProductCode": code,
            "localProductCountryCode": way.sender,
            "networkTypeCode": "DD" if code in "HW" else "TD",
            "isCustomerAgreement": False,
            "weight": {"volumetric": _volume(body["packages"]), "provided": weight, "unitOfMeasurement": "metric"},
            "totalPrice": prices,
            "deliveryCapabilities": {"deliveryTypeCode": "QDDC", "estimatedDeliveryDateAndTime": arrives, "totalTransitDays": days},
            "pricingDate": f"{self.world.clock():%Y-%m-%d}",
        }

    def _check(self, body: Doc, packages: Sequence[Doc]) -> None:
        """What any wish for transport must hold to."""
        if any(one["number"] != self.state["account"] for one in body["accounts"]):
            raise _bad("8003: Account not allowed for this service. Please contact your DHL Express representative.")
        at, now = _moment(body["plannedShippingDateAndTime"]), self.world.clock()
        if not now <= at <= now + timedelta(days=10):
            raise _bad("1020: The planned shipping date is past or more than 10 days in the future.")
        if heavy := [str(n) for n, one in enumerate(packages) if one["weight"] > HEAVY_KG]:
            raise _bad(f"7104: A piece may weigh {HEAVY_KG} kg; these are heavier: {', '.join(heavy)}.")
        for one in body.get("valueAddedServices", []):
            if one["serviceCode"] not in SERVICES:
                raise _bad(
                    f"7008: The requested Special Service Code '{one['serviceCode']}' is not available between this origin and destination."
                )

    def _ship(self, body: Doc) -> Doc:
        content, parties = body["content"], body["customerDetails"]
        sender, to = (parties[who]["postalAddress"] for who in ("shipperDetails", "receiverDetails"))
        way = _way(sender, to, content["isCustomsDeclarable"])
        self._check(body, content["packages"])
        _check_customs(content, way)
        if body["productCode"] not in _offered(way):
            raise _bad(f"7009: The requested product '{body['productCode']}' is not available between this origin and destination.")
        one = self._made(body, way, sender, to)
        self.state["shipments"][one["waybill"]] = one
        return _bought(one, body)

    def _made(self, body: Doc, way: "Way", sender: Doc, to: Doc) -> Doc:
        count = len(self.state["shipments"]) + 1
        number = 100_000_000 + crc32(f"{self.world.seed}-{count}".encode()) % 800_000_000
        waybill = f"{number}{number % 7}"  # ten digits, of which the last is the rest by seven
        packages, code = body["content"]["packages"], body["productCode"]
        return {
            "waybill": waybill,
            "at": self.world.clock().isoformat(),
            "product": code,
            "references": [one["value"] for one in body.get("customerReferences", [])] or [""],
            "from": {"city": sender["cityName"], "country": sender["countryCode"], "postcode": sender["postalCode"]},
            "to": {"city": to["cityName"], "country": to["countryCode"], "postcode": to["postalCode"]},
            "cents": _cents(code, packages, body.get("valueAddedServices", []), way),
            "arrives": f"{_arrives(_moment(body['plannedShippingDateAndTime']), PRODUCTS[code][1]):%Y-%m-%d}",
            "description": body["content"]["description"],
            "pieces": [self._piece(count, place, one) for place, one in enumerate(packages, 1)],
            "events": [],
        }

    def _piece(self, count: int, place: int, package: Doc) -> Doc:
        number = f"JD0146{self.world.seed % 1000:03d}{count:06d}{place:05d}"
        return {"number": number, "weight_g": round(package["weight"] * 1000), "events": []}

    # ---- tracking

    def _tracking(self, request: Request) -> Doc:
        query = request.args
        found = self._by_reference(query) if "shipmentReference" in query else self._by_number(query)
        if not found:
            raise Declined(404, "Not data found", f"No Shipments Found for ReferenceID | {query.get('shipmentReference', '')}")
        return {"shipments": [_shipment(one, query, zones=False) for one in found]}

    def _by_reference(self, query: Mapping[str, str]) -> list[Doc]:
        for name in ("shipperAccountNumber", "dateRangeFrom", "dateRangeTo"):
            if not query.get(name):
                raise _missing(name)
        lag = timedelta(seconds=0 if self.world.relaxed else LAG_S)
        known = [one for one in self.state["shipments"].values() if datetime.fromisoformat(one["at"]) + lag <= self.world.clock()]
        within = [one for one in known if query["dateRangeFrom"] <= one["at"][:10] <= query["dateRangeTo"]]
        mine = [one for one in within if query["shipperAccountNumber"] == self.state["account"]]
        return [one for one in mine if query["shipmentReference"] in one["references"] and _in_view(one, query)]

    def _by_number(self, query: Any) -> list[Doc]:
        waybills, pieces = query.getlist("shipmentTrackingNumber"), query.getlist("pieceTrackingNumber")
        if not waybills and not pieces:
            raise _missing("shipmentTrackingNumber")
        if max(len(waybills), len(pieces)) > 200:
            raise _bad("Parameters not having correct format: shipmentTrackingNumber (maxItems=200)")
        named = [one for one in self.state["shipments"].values() if _is_named(one, waybills, pieces)]
        return [one for one in named if _in_view(one, query)]

    def _one(self, waybill: str, query: Mapping[str, str]) -> Doc:
        one = self.state["shipments"].get(waybill)
        if one is None or not _in_view(one, query):
            raise Declined(404, "Not data found", f"No Shipments Found for AWBNumber | {waybill}")
        return {"shipments": [_shipment(one, query, zones=query.get("requestGMTOffsetPerEvent", "").lower() == "true")]}

    # ---- pickups

    def _pick_up(self, body: Doc) -> Doc:
        if any(one["number"] != self.state["account"] for one in body["accounts"]):
            raise _bad("8003: Account not allowed for this service. Please contact your DHL Express representative.")
        at = _moment(body["plannedPickupDateAndTime"])
        if not self.world.clock() <= at <= self.world.clock() + timedelta(days=10):
            raise _bad("1020: The planned pickup date is past or more than 10 days in the future.")
        number = f"PRG{at:%y%m%d}{len(self.state['pickups']) + 1:06d}"
        parcels = sum(len(one["packages"]) for one in body["shipmentDetails"])
        self.state["pickups"][number] = {"at": at.isoformat(), "parcels": parcels, "remark": body.get("remark", ""), "cancelled": False}
        return {"dispatchConfirmationNumbers": [number], "readyByTime": f"{at:%H:%M}", "nextPickupDate": f"{at:%Y-%m-%d}", "warnings": []}

    def _leave(self, number: str, query: Mapping[str, str]) -> Response:
        for name in ("requestorName", "reason"):
            if not query.get(name):
                raise _missing(name)
        if number not in self.state["pickups"]:
            raise Declined(404, "Pickup not found", "Cancellation of booking was not successful. Requested Pickup was not found")
        if self.state["pickups"][number]["cancelled"]:
            raise _bad("Pickup already cancelled or completed")
        self.state["pickups"][number]["cancelled"] = True
        return Response(status=200)


# ---- refusals


def _said(status: int, title: str, detail: str, instance: str = "", more: Sequence[str] = ()) -> Response:
    said: Doc = {"instance": instance, "detail": detail, "title": title, "message": title, "status": str(status)}
    text = json.dumps({**said, "additionalDetails": list(more)} if more else said)
    return Response(text, status, {"Invocation-Id": f"20261118-{crc32(text.encode()):08x}"}, content_type="application/problem+json")


def _declined(request: Request, error: Declined) -> Response:
    instance = "/expressapi" + request.full_path.partition(BASE)[2].rstrip("?")
    return _said(error.status, error.title, error.detail, instance, error.more)


# ---- bodies


def _body(request: Request, operation: str) -> Doc:
    """The body, where it is what the description says. Raises Declined with each place in it that is not."""
    try:
        body = json.loads(request.get_data())
    except ValueError:
        raise Declined(422, "Validation error", "#: not JSON") from None
    wrong = list(_misfits(body, [(rule[0].split("."), rule) for rule in BODIES[operation]], "#"))
    if wrong:
        several = "Multiple problems found, see Additional Details"
        raise Declined(422, "Validation error", *([several, *wrong] if len(wrong) > 1 else wrong))
    return body  # type: ignore[no-any-return]


def _misfits(value: Any, rules: Sequence[tuple[list[str], Rule]], where: str) -> Iterator[str]:
    """What in an object, and below it, breaks the rules; a rule is led by the steps that are left of its path."""
    if not isinstance(value, dict):
        yield f"{where}: expected type: JSONObject"
        return
    names: dict[str, list[tuple[list[str], Rule]]] = {}
    for steps, rule in rules:
        names.setdefault(steps[0].rstrip("?").removesuffix("[]"), []).append((steps, rule))
    yield from (f"{where}: extraneous key [{key}] is not permitted" for key in value if key not in names)
    for name, mine in names.items():
        yield from _misfit(value, name, mine, where)


def _misfit(value: Doc, name: str, rules: Sequence[tuple[list[str], Rule]], where: str) -> Iterator[str]:
    own = next((rule for steps, rule in rules if len(steps) == 1), None)
    if name not in value:
        if own and not own[0].endswith("?"):
            yield f"{where}: required key [{name}] not found"
        return
    if own and (wrong := _wrong(value[name], own)):
        yield f"{where}/{name}: {wrong}"
        return
    below = [(steps[1:], rule) for steps, rule in rules if len(steps) > 1]
    parts = enumerate(value[name]) if isinstance(value[name], list) else [(None, value[name])]
    for place, part in parts if below else ():
        yield from _misfits(part, below, f"{where}/{name}" + ("" if place is None else f"/{place}"))


def _wrong(value: Any, rule: Rule) -> str:
    """What is wrong with a value; "" where it is right."""
    _, kind, least, most = rule
    kinds = {TEXT: str, NUMBER: (int, float), FLAG: bool, LIST: list, OBJECT: dict}
    if not isinstance(value, kinds[kind]) or (kind == NUMBER and isinstance(value, bool)):  # type: ignore[arg-type]
        return f"expected {kind}"
    if kind in (TEXT, LIST) and not least <= len(value) <= most:
        return f"expected a length of {least} to {most}"
    if kind == NUMBER and not least <= value <= most:
        return f"expected {least} to {most}"
    return ""


# ---- ways, products, prices


class Way:
    """From where to where: the two countries, how many zones lie between, and whether there is a border of customs."""

    def __init__(self, sender: str, to: str) -> None:
        self.sender, self.to = sender, to
        self.domestic = sender == to
        self.customs = not self.domestic and not {sender, to} <= EU
        self.zone = 0 if not self.customs else 1 if any({sender, to} <= near for near in NEAR) else 2


def _way(sender: Doc, to: Doc, declarable: bool) -> Way:
    for who, one in (("origin", sender), ("destination", to)):
        if not one["postalCode"] and one["countryCode"] not in NO_POSTCODES:
            raise _bad(f"420505: The {who} location is invalid: the post code is missing. Please check the data and try again.")
    way = Way(sender["countryCode"], to["countryCode"])
    if way.customs is not declarable:
        raise _bad(f"7012: isCustomsDeclarable must be {str(way.customs).lower()} between this origin and destination.")
    return way


def _offered(way: Way) -> list[str]:
    if way.domestic:
        return [] if way.sender in NO_DOMESTIC else ["N", "I"]
    if not way.customs:
        return ["U", "T", "W"]
    return ["P", "Y", "E", "H"] if way.zone == 1 else ["P", "Y", "E"]


def _check_customs(content: Doc, way: Way) -> None:
    if way.customs and not content.get("exportDeclaration"):
        raise _bad("7110: exportDeclaration is required where isCustomsDeclarable is true.")
    if way.customs and not content.get("declaredValue"):
        raise _bad("7111: declaredValue is required where isCustomsDeclarable is true.")


def _volume(packages: Sequence[Doc]) -> float:
    sizes = [one["dimensions"] for one in packages if "dimensions" in one]
    return round(float(sum(one["length"] * one["width"] * one["height"] for one in sizes)) / 5000, 3)


def _weight(packages: Sequence[Doc]) -> float:
    return round(float(sum(one["weight"] for one in packages)), 3)


def _cents(code: str, packages: Sequence[Doc], services: Sequence[Doc], way: Way) -> int:
    """The price by the greater of weight and volume, in half kilograms, dearer the farther it goes."""
    _, _, start, each, farther = PRODUCTS[code]
    halves = -int(-max(_weight(packages), _volume(packages)) * 2 // 1)
    return (start + each * halves) * (100 + farther * way.zone) // 100 + sum(SERVICES[one["serviceCode"]] for one in services)


def _price_text(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _moment(text: str) -> datetime:
    if not DAY_ZONE.fullmatch(text):
        raise _bad("998: ShipTimeStamp is not well formatted.(Expected Sample Format : '2010-02-11T17:10:09 GMT+01:00')")
    return datetime.fromisoformat(text.replace(" ", "").replace("GMT", ""))


def _arrives(at: datetime, days: int) -> datetime:
    """So many working days later."""
    while days:
        at += timedelta(days=1)
        days -= at.weekday() < 5
    return at


# ---- papers


def _bought(one: Doc, body: Doc) -> Doc:
    images = body.get("outputImageProperties", {})
    url = f"https://express.api.dhl.com{BASE}/shipments/{one['waybill']}/tracking"
    packages = [
        {"referenceNumber": place, "trackingNumber": piece["number"], "trackingUrl": f"{url}?pieceTrackingNumber={piece['number']}"}
        for place, piece in enumerate(one["pieces"], 1)
    ]
    said: Doc = {"shipmentTrackingNumber": one["waybill"], "trackingUrl": url, "packages": packages, "documents": _documents(one, images)}
    if body.get("getRateEstimates"):
        said["shipmentCharges"] = [{"currencyType": "BILLC", "priceCurrency": "USD", "price": one["cents"] / 100}]
    if body.get("estimatedDeliveryDate", {}).get("isRequested"):
        said["estimatedDeliveryDate"] = {"estimatedDeliveryDate": f"{one['arrives']}T23:59:00Z", "estimatedDeliveryType": "QDDC"}
    return said


def _documents(one: Doc, images: Doc) -> list[Doc]:
    """A label for each piece, then what else was asked for; invoices are PDF whatever the labels are."""
    how = images.get("encodingFormat", "pdf")
    asked = {option["typeCode"] for option in images.get("imageOptions", []) if option.get("isRequested")}
    papers: list[Doc] = [
        {**_document("label", how, [one["waybill"], piece["number"], *one["references"]]), "packageReferenceNumber": place}
        for place, piece in enumerate(one["pieces"], 1)
    ]
    papers += [_document("waybillDoc", how, [one["waybill"], "not to be attached to the package"])] if "waybillDoc" in asked else []
    return papers + ([_document("invoice", "pdf", ["Invoice", one["waybill"]])] if "invoice" in asked else [])


def _document(kind: str, how: str, lines: Sequence[str]) -> Doc:
    content = _zpl(lines) if how == "zpl" else _pdf(lines)
    return {"imageFormat": how.upper(), "content": base64.b64encode(content).decode(), "typeCode": kind}


def _zpl(lines: Sequence[str]) -> bytes:
    fields = "".join(f"^FO40,{40 + 60 * n}^A0N,40^FD{line}^FS" for n, line in enumerate(lines))
    return f"^XA^PW812^LL1624{fields}^FO40,400^BCN,200^FD{lines[0]}^FS^XZ".encode()


def _pdf(lines: Sequence[str]) -> bytes:
    """A page of 4 by 8 inches that any viewer opens."""
    shown = " ".join(f"1 0 0 1 20 {540 - 24 * n} Tm ({line}) Tj" for n, line in enumerate(lines))
    stream = f"BT /F1 14 Tf {shown} ET"
    objects = (
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 576]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        f"<</Length {len(stream)}>>stream\n{stream}\nendstream",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )
    body, places = b"%PDF-1.4\n", []
    for number, text in enumerate(objects, 1):
        places.append(len(body))
        body += f"{number} 0 obj{text}endobj\n".encode("latin-1", "replace")
    rows = "".join(f"{place:010d} 00000 n \n" for place in places)
    count = len(objects) + 1
    tail = f"xref\n0 {count}\n0000000000 65535 f \n{rows}trailer<</Size {count}/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF\n"
    return body + tail.encode()


# ---- tracking


def _is_named(one: Doc, waybills: Sequence[str], pieces: Sequence[str]) -> bool:
    return one["waybill"] in waybills or any(piece["number"] in pieces for piece in one["pieces"])


def _in_view(one: Doc, query: Mapping[str, str]) -> bool:
    """What was never scanned is told as advance data only, what was scanned everywhere else."""
    return (query.get("trackingView", "all-checkpoints") == "advance-shipment") is not bool(one["events"])


def _shipment(one: Doc, query: Mapping[str, str], *, zones: bool) -> Doc:
    said = {
        "shipmentTrackingNumber": one["waybill"],
        "status": "Success",
        "shipmentTimestamp": one["at"][:19],
        "productCode": one["product"],
        "description": one["description"],
        "shipperDetails": _end(one["from"]),
        "receiverDetails": _end(one["to"]),
        "totalWeight": sum(piece["weight_g"] for piece in one["pieces"]) / 1000,
        "unitOfMeasurements": "metric",
        "shipperReferences": [{"value": value, "typeCode": "CU"} for value in one["references"] if value],
        "events": [_told(event, zones=zones) for event in one["events"]],
        "numberOfPieces": len(one["pieces"]),
        "estimatedDeliveryDate": f"{one['arrives']}T23:59:00",
    }
    if query.get("levelOfDetail") in ("piece", "all"):
        said["pieces"] = [_piece_told(one, place, zones=zones) for place in range(len(one["pieces"]))]
    return said


def _end(place: Doc) -> Doc:
    """One end of the way; names and towns stay empty, as DHL leaves them to whoever is not told of them (GDPR)."""
    area = {"code": place["city"][:3].upper(), "description": f"{place['city'].upper()}-{place['country']}"}
    postal = {"cityName": "", "postalCode": "", "countryCode": place["country"]}
    return {"name": "", "postalAddress": postal, "serviceArea": [area]}


def _piece_told(one: Doc, place: int, *, zones: bool) -> Doc:
    piece = one["pieces"][place]
    return {
        "number": place + 1,
        "typeCode": "SMF",
        "shipmentTrackingNumber": one["waybill"],
        "trackingNumber": piece["number"],
        "weight": piece["weight_g"] / 1000,
        "unitOfMeasurements": "metric",
        "events": [_told(event, zones=zones) for event in piece["events"]],
    }


def _told(event: Doc, *, zones: bool) -> Doc:
    """An event by the clock of where it was; its zone is told to whoever asked for it, of one shipment."""
    offset = OFFSETS.get(event["country"], "+01:00")
    local = datetime.fromisoformat(event["at"]).astimezone(datetime.fromisoformat(f"2026-01-01T00:00:00{offset}").tzinfo)
    area = {"code": event["town"][:3], "description": f"{event['town']}-{event['country']}"}
    said = {"date": f"{local:%Y-%m-%d}", "time": f"{local:%H:%M:%S}", "typeCode": event["code"], "description": event["words"]}
    return {**said, **({"GMTOffset": offset} if zones else {}), "serviceArea": [area]}


# ---- addresses


def _addresses(query: Mapping[str, str]) -> Doc:
    """Places that are served. A postal code that starts with 00 is none; without one, a town has two."""
    for name in ("type", "countryCode"):
        if not query.get(name):
            raise _missing(name)
    if len(query["countryCode"]) != 2 or len(query.get("cityName", "")) > 45:
        raise _bad("Parameters not having correct format: countryCode (maxLength=2), cityName (maxLength=45)")
    places = _places(query["countryCode"], query.get("postalCode", ""), query.get("cityName", "").upper())
    exact = [one for one in places if one == (query.get("postalCode"), query.get("cityName", "").upper())]
    told = exact if query.get("strictValidation", "true") == "true" else places
    return {"warnings": [] if told else ["No place was found."], "address": [_served(query["countryCode"], *one) for one in told]}


def _places(country: str, postcode: str, city: str) -> list[tuple[str, str]]:
    if postcode.startswith("00") or not (postcode or city):
        return []
    if postcode:
        return [(postcode, PLACES.get((country, postcode), city))]
    known = [(code, town) for (land, code), town in PLACES.items() if (land, town) == (country, city)]
    return known or [("10001", city), ("10002", city)]


def _served(country: str, postcode: str, city: str) -> Doc:
    area = {"code": city[:3], "description": f"{city}-{country}", "GMTOffset": OFFSETS.get(country, "+01:00")}
    return {"countryCode": country, "postalCode": postcode, "cityName": city, "serviceArea": area}
