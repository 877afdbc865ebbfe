"""FedEx, simulated: one account with its projects, prices, labels, parcels, addresses and pickups.

It refuses what FedEx' own schema refuses, and says so as FedEx does. Nobody's name or street is kept.
"""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from typing import Any

from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request, Response

from connectors import simulated_papers
from connectors.fedex import MANIFEST, units
from connectors.simulation import World, reply
from core.ports import Rate

ACCOUNT, CLIENT, SECRET = "510087143", "l7sim0main", "simulated-main-secret"
TRACK_CLIENT, TRACK_SECRET = "l7sim0track", "simulated-track-secret"
TOKEN_S = 3599
PROJECT = Rate(140.0, 1400.0)  # calls in ten seconds
DOOR = Rate(1.0, 15.0)  # tokens: three a second for five seconds, or one for two minutes
HEAVIEST_G = 68_038  # 150 lb
FOUND_AFTER_S = 600  # so late a reference is known, under the vendor's limits
JOB_S = 5  # so long a job takes, under the vendor's limits
AT_ONCE = 40
CENTRAL = timezone(timedelta(hours=-6))

OPERATIONS = {
    ("POST", "/oauth/token"): "token",
    ("POST", "/rate/v1/rates/quotes"): "rateQuotes",
    ("POST", "/ship/v1/shipments"): "createShipment",
    ("POST", "/ship/v1/shipments/results"): "shipmentResults",
    ("PUT", "/ship/v1/shipments/cancel"): "cancelShipment",
    ("POST", "/track/v1/trackingnumbers"): "trackByNumber",
    ("POST", "/track/v1/referencenumbers"): "trackByReference",
    ("POST", "/pickup/v1/pickups"): "createPickup",
    ("PUT", "/pickup/v1/pickups/cancel"): "cancelPickup",
}
RESOLVE = ("POST", "/address/v1/addresses/resolve")  # FedEx gives no contract of it away, so it is not recorded

# Cents at the start, cents a kilogram, business days, by service.
WITHIN = {
    "FEDEX_GROUND": (980, 70, 4),
    "GROUND_HOME_DELIVERY": (1120, 75, 4),
    "FEDEX_EXPRESS_SAVER": (1890, 190, 3),
    "FEDEX_2_DAY": (2310, 240, 2),
    "FEDEX_2_DAY_AM": (2790, 260, 2),
    "STANDARD_OVERNIGHT": (4150, 480, 1),
    "PRIORITY_OVERNIGHT": (4690, 510, 1),
    "FIRST_OVERNIGHT": (8250, 530, 1),
}
ACROSS = {
    "FEDEX_INTERNATIONAL_CONNECT_PLUS": (3480, 820, 5),
    "INTERNATIONAL_ECONOMY": (5240, 1010, 5),
    "FEDEX_INTERNATIONAL_PRIORITY": (6480, 1180, 3),
    "FEDEX_INTERNATIONAL_PRIORITY_EXPRESS": (7120, 1220, 2),
}
GROUND = frozenset(["FEDEX_GROUND", "GROUND_HOME_DELIVERY"])
CONTRACT = 72  # hundredths of the list's price that this account pays
SCANS = {  # what happens to a parcel, as FedEx tells it
    "label": ("OC", "Shipment information sent to FedEx"),
    "pick_up": ("PU", "Picked up"),
    "travel": ("DP", "Left FedEx origin facility"),
    "bring": ("OD", "On FedEx vehicle for delivery"),
    "deliver": ("DL", "Delivered"),
    "fail": ("DE", "Delivery exception"),
    "return": ("RS", "Returning package to shipper"),
    "void": ("CA", "Shipment cancelled by sender"),
}
UNION = frozenset(["AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT",
                   "NL", "PL", "PT", "RO", "SE", "SI", "SK"])  # fmt: skip
REFERENCE_TYPES = frozenset(["CUSTOMER_REFERENCE", "SHIPPER_REFERENCE", "PURCHASE_ORDER", "DEPARTMENT", "INVOICE", "PART_NUMBER"])
IMAGES = frozenset(["PDF", "PNG", "ZPLII"])
PARTY = ("contact.phoneNumber", "address.streetLines", "address.city", "address.countryCode")
NUMBER_WORDS = {1: "ONE", 2: "TWO", 3: "THREE", 4: "FOUR", 5: "FIVE", 6: "SIX", 7: "SEVEN", 8: "EIGHT", 9: "NINE", 10: "TEN"}


class No(Exception):
    """FedEx declines: a code, words and a status."""

    def __init__(self, code: str, words: str, status: int = 400) -> None:
        super().__init__(code)
        self.code, self.words, self.status = code, words, status


NOT_AUTHORIZED = No("NOT.AUTHORIZED.ERROR", "Access token expired. Please modify your request and try again.", 401)
FORBIDDEN = No("FORBIDDEN.ERROR", "We could not authorize your credentials. Please check your permissions and try again.", 403)
NOT_FOUND = No("NOT.FOUND.ERROR", "The resource you requested is no longer available. Please modify your request and try again.", 404)
SLOW_DOWN = No("TOO.MANY.REQUESTS", "We have received too many requests in a short duration. Please wait a while to try again.", 429)


def _lacks(body: Any, *paths: str) -> None:
    """Decline what lacks a field that the schema wants. A path goes through the first of a list."""
    for path in paths:
        value = body
        for step in path.split("."):
            value = value[0] if isinstance(value, list) and value else value
            value = value.get(step) if isinstance(value, dict) else None
        if value in (None, "", [], {}):
            raise No("INVALID.INPUT.EXCEPTION", f"Invalid field value in the input: {path}")


def _grams(weight: Mapping[str, Any]) -> int:
    """Whole grams of a weight."""
    match weight.get("units"):
        case "LB":
            return int(float(weight["value"]) * 453.59237)
        case "KG":
            return round(float(weight["value"]) * 1000)
        case _:
            raise No("PACKAGE.WEIGHT.INVALID", "Package weight is missing or invalid.")


class Simulator:
    name = "fedex"

    def __init__(self, world: World) -> None:
        self.world = world
        self.state: dict[str, Any] = {"tokens": {}, "parcels": [], "jobs": {}, "pickups": {}, "asked": 0}

    # ---- what every simulator does

    def credentials(self, base: str) -> dict[str, Any]:
        login = {"client_id": CLIENT, "client_secret": SECRET, "track_client_id": TRACK_CLIENT, "track_client_secret": TRACK_SECRET}
        return {"account": ACCOUNT, "app": {}, "login": login, "settings": {"api_url": base}}

    def operation(self, request: Request) -> str | None:
        return OPERATIONS.get((request.method, _path(request)))

    def answer(self, request: Request, operation: str | None) -> Response:
        try:
            return reply(self._said(request, operation))
        except No as no:
            return self._declined(no)

    def fault(self, kind: str, operation: str | None) -> Response:
        match kind:
            case "401":
                return self._declined(NOT_AUTHORIZED)
            case "429":
                answer = self._declined(SLOW_DOWN)
                answer.headers["Retry-After"] = "7"
                return answer
            case _:
                return self._declined(No("INTERNAL.SERVER.ERROR", "We encountered an unexpected error.", 500))

    def _declined(self, no: No) -> Response:
        return reply({"transactionId": self._transaction(), "errors": [{"code": no.code, "message": no.words}]}, no.status)

    def _transaction(self) -> str:
        self.state["asked"] += 1
        return f"624d{self.state['asked']:04x}-0000-4000-8000-000000000000"

    def _said(self, request: Request, operation: str | None) -> dict[str, Any]:
        if operation == "token":
            return self._token(request.form)
        self._admitted(request)
        body = self._body(request)
        known: dict[str | None, Callable[[Any], dict[str, Any]]] = {
            "rateQuotes": self._rates,
            "createShipment": self._ship,
            "shipmentResults": self._results,
            "cancelShipment": self._cancel,
            "trackByNumber": self._by_number,
            "trackByReference": self._by_reference,
            "createPickup": self._pick_up,
            "cancelPickup": self._leave,
        }
        act = self._resolve if (request.method, _path(request)) == RESOLVE else known.get(operation)
        if act is None:
            raise NOT_FOUND
        said = {"transactionId": self._transaction(), "output": act(body)}
        customer = request.headers.get("x-customer-transaction-id")
        return {**said, "customerTransactionId": customer} if customer else said

    def _body(self, request: Request) -> Any:
        if request.mimetype != "application/json":
            raise No("INVALID.INPUT.EXCEPTION", "The content type is not supported.", 415)
        try:
            body = json.loads(request.get_data())
        except ValueError:
            raise No("INVALID.INPUT.EXCEPTION", "Invalid field value in the input.") from None
        if not isinstance(body, dict):
            raise No("INVALID.INPUT.EXCEPTION", "Invalid field value in the input.")
        return body

    # ---- who calls

    def _token(self, form: Mapping[str, str]) -> dict[str, Any]:
        if self.world.take("token", DOOR):
            raise FORBIDDEN
        project = {(CLIENT, SECRET): "main", (TRACK_CLIENT, TRACK_SECRET): "track"}.get(
            (form.get("client_id", ""), form.get("client_secret", ""))
        )
        if project is None or form.get("grant_type") != "client_credentials":
            raise No("NOT.AUTHORIZED.ERROR", "The given client credentials were not valid. Please modify your request and try again.", 401)
        token = f"sim-{project}-{self.world.random.getrandbits(64):016x}"
        self.state["tokens"][token] = (self.world.clock() + timedelta(seconds=TOKEN_S)).isoformat()
        return {"access_token": token, "token_type": "bearer", "expires_in": TOKEN_S, "scope": "CXS"}

    def _admitted(self, request: Request) -> None:
        """The token holds and its project has this API; the main one has them all but tracking."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        until = self.state["tokens"].get(token)
        if until is None or datetime.fromisoformat(until) <= self.world.clock():
            raise NOT_AUTHORIZED
        if token.startswith("sim-track-") is not _path(request).startswith("/track/"):
            raise FORBIDDEN
        if self.world.take("project", PROJECT):
            raise SLOW_DOWN

    def _account(self, said: Any) -> None:
        if not isinstance(said, dict) or said.get("value") != ACCOUNT:
            raise No("ACCOUNT.NUMBER.INVALID", "The account number is invalid. Please modify your request and try again.")

    # ---- prices

    def _rates(self, body: Any) -> dict[str, Any]:
        _lacks(body, "accountNumber", "requestedShipment.pickupType", "requestedShipment.requestedPackageLineItems.weight")
        self._account(body["accountNumber"])
        wanted = body["requestedShipment"]
        origin, goal = _side(wanted, "shipper"), _side(wanted, "recipient")
        for side in (origin, goal):
            _postal(side)
        grams = [_grams(item["weight"]) for item in wanted["requestedPackageLineItems"]]
        _light(grams)
        offers = [one for one in _offered(origin, goal) if wanted.get("serviceType") in (None, one)]
        if not offers:
            raise No("FEDEXSERVICE.NOT.AVAILABLE", "FedEx service is not currently available to this origin / destination combination.")
        asked = wanted.get("rateRequestType") or ["ACCOUNT"]
        on = date.fromisoformat(wanted.get("shipDateStamp") or self.world.clock().date().isoformat())
        return {
            "rateReplyDetails": [_offer(one, origin, goal, grams, asked, on) for one in offers],
            "quoteDate": self.world.clock().date().isoformat(),
        }

    # ---- labels

    def _ship(self, body: Any) -> dict[str, Any]:
        wanted = self._wanted(body)
        made = self._made(wanted)
        if len(wanted["requestedPackageLineItems"]) <= AT_ONCE:
            return {"transactionShipments": [made]}
        number = f"job{len(self.state['jobs']) + 1:013d}"
        self.state["jobs"][number] = {"made": made, "at": self.world.clock().isoformat()}
        return {"jobId": number}

    def _wanted(self, body: Any) -> Any:
        """The shipment that is asked for, if FedEx takes it."""
        _lacks(body, "labelResponseOptions", "accountNumber", "requestedShipment")
        for who in ("shipper", "recipients"):
            _lacks(body["requestedShipment"], *(f"{who}.{field}" for field in PARTY))
        _lacks(body["requestedShipment"], "serviceType", "packagingType", "pickupType", "totalWeight")
        _lacks(
            body["requestedShipment"],
            "shippingChargesPayment.paymentType",
            "labelSpecification.imageType",
            "labelSpecification.labelStockType",
            "requestedPackageLineItems.weight.units",
        )
        self._account(body["accountNumber"])
        wanted = body["requestedShipment"]
        self._possible(wanted, body)
        return wanted

    def _possible(self, wanted: Any, body: Any) -> None:
        origin, goal = wanted["shipper"]["address"], wanted["recipients"][0]["address"]
        for side in (origin, goal):
            _postal(side)
            _printable(side)
        _light([_grams(item["weight"]) for item in wanted["requestedPackageLineItems"]])
        if wanted["labelSpecification"]["imageType"] not in IMAGES:
            raise No("LABELSPECIFICATION.IMAGETYPE.INVALID", "Image type is invalid.")
        if wanted["serviceType"] not in _offered(origin, goal):
            raise No("SERVICETYPE.NOT.ALLOWED", "This service type is not allowed between the origin and destination.")
        if len(wanted["requestedPackageLineItems"]) > AT_ONCE and body.get("processingOptionType") != "ALLOW_ASYNCHRONOUS":
            raise No("PACKAGECOUNT.ASYNCHRONOUS.REQUIRED", "More than 40 packages are processed asynchronously.")
        if origin["countryCode"] != goal["countryCode"] and not {origin["countryCode"], goal["countryCode"]} <= UNION:
            _declared(wanted)
        _referenced(wanted)

    def _made(self, wanted: Any) -> dict[str, Any]:
        items, service = wanted["requestedPackageLineItems"], wanted["serviceType"]
        image = wanted["labelSpecification"]["imageType"]
        origin, goal = wanted["shipper"]["address"], wanted["recipients"][0]["address"]
        on = max(date.fromisoformat(wanted.get("shipDatestamp") or "0001-01-01"), self.world.clock().date())
        numbers = [str(794_600_000_015 + 11 * (len(self.state["parcels"]) + n)) for n in range(len(items))]
        prices = _split(_cents(service, origin, goal, [_grams(item["weight"]) for item in items]) * CONTRACT // 100, len(items))
        for n, item in enumerate(items):
            self._keep(wanted, item, numbers, n, prices[n], on)
        return {
            "serviceType": service,
            "serviceName": MANIFEST.services[service],
            "shipDatestamp": on.isoformat(),
            "masterTrackingNumber": numbers[0],
            "pieceResponses": [_piece(numbers, n, image, prices[n]) for n in range(len(items))],
            "shipmentDocuments": _papers(wanted, numbers[0]),
            "completedShipmentDetail": _detail(service, sum(prices), on + _business(on, (WITHIN | ACROSS)[service][2])),
        }

    def _keep(self, wanted: Any, item: Any, numbers: list[str], n: int, cents: int, on: date) -> None:
        texts = {one["customerReferenceType"]: one["value"] for one in item.get("customerReferences", [])}
        goal = wanted["recipients"][0]["address"]
        parcel = {
            "reference": texts.get("CUSTOMER_REFERENCE", ""),
            "tracking": numbers[n],
            "master": numbers[0],
            "number": n + 1,
            "of": len(numbers),
            "service": wanted["serviceType"],
            "voided": False,
            "cents": cents,
            "weight_g": _grams(item["weight"]),
            "country": goal["countryCode"],
            "on": on.isoformat(),
            "bought_at": self.world.clock().isoformat(),
            "scans": [],
        }
        self.state["parcels"].append(parcel)
        self._scan(parcel, "label", {})

    def _results(self, body: Any) -> dict[str, Any]:
        _lacks(body, "accountNumber", "jobId")
        self._account(body["accountNumber"])
        job = self.state["jobs"].get(body["jobId"])
        if job is None:
            raise NOT_FOUND
        late = timedelta(seconds=0 if self.world.relaxed else JOB_S)
        if self.world.clock() < datetime.fromisoformat(job["at"]) + late:
            raise No("JOBID.PROCESSING.PENDING", "The job is in progress. Please try again later.")
        return {"transactionShipments": [job["made"]]}

    def _cancel(self, body: Any) -> dict[str, Any]:
        _lacks(body, "accountNumber.value", "trackingNumber")
        self._account(body["accountNumber"])
        number = next((one["master"] for one in self.state["parcels"] if one["tracking"] == body["trackingNumber"]), None)
        parcels = [one for one in self.state["parcels"] if one["master"] == number]
        if not parcels:
            raise No("TRACKINGNUMBER.NOTFOUND.ERROR", "The tracking number cannot be found.")
        if parcels[0]["voided"]:
            raise No("CANCELSHIPMENT.TRACKINGNUMBER.DELETED", "The tracking number has already been deleted.")
        if any(len(one["scans"]) > 1 for one in parcels) or self.world.clock().date() > date.fromisoformat(parcels[0]["on"]):
            raise No("TRACKINGIDS.TRACKINGNUMBER.CLOSED", "The shipment was closed and cannot be cancelled any more.")
        for one in parcels:
            one["voided"] = True
            self._scan(one, "void", {})
        return {"cancelledShipment": True, "cancelledHistory": True, "message": "Shipment is successfully cancelled"}

    # ---- parcels

    def _by_number(self, body: Any) -> dict[str, Any]:
        _lacks(body, "trackingInfo.trackingNumberInfo.trackingNumber")
        if len(body["trackingInfo"]) > 30:
            raise No("TRACKING.TRACKINGINFO.EXCEEDED", "Please limit your inquiry to 30 tracking numbers.")
        numbers = [one["trackingNumberInfo"]["trackingNumber"] for one in body["trackingInfo"]]
        known = {one["tracking"]: one for one in self.state["parcels"]}
        return {
            "completeTrackResults": [
                {"trackingNumber": number, "trackResults": [_result(known[number]) if number in known else _unknown(number)]}
                for number in numbers
            ]
        }

    def _by_reference(self, body: Any) -> dict[str, Any]:
        _lacks(body, "referencesInformation.value", "referencesInformation.shipDateBegin", "referencesInformation.shipDateEndDate")
        asked = body["referencesInformation"]
        if asked.get("type") and asked["type"] not in REFERENCE_TYPES:
            raise No("TRACKING.REFERENCETYPE.INVALID", "The reference type is invalid.")
        if asked.get("accountNumber") != ACCOUNT:
            raise No("TRACKING.SHIPPERACCOUNT.INVALID", "Please provide a valid account number or destination.")
        found = [one for one in self.state["parcels"] if one["reference"] == asked["value"] and self._is_known(one, asked)]
        if not found:
            words = "Reference number cannot be found. Please correct the reference number and try again."
            return {"completeTrackResults": [{"trackResults": [_lost("TRACKING.REFERENCENUMBER.NOTFOUND", words)]}]}
        newest_first = found[::-1]
        return {"completeTrackResults": [{"trackingNumber": one["tracking"], "trackResults": [_result(one)]} for one in newest_first]}

    def _is_known(self, parcel: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
        late = timedelta(seconds=0 if self.world.relaxed else FOUND_AFTER_S)
        known = self.world.clock() >= datetime.fromisoformat(parcel["bought_at"]) + late
        return known and asked["shipDateBegin"] <= parcel["on"] <= asked["shipDateEndDate"]

    def _scan(self, parcel: dict[str, Any], what: str, wish: Mapping[str, Any]) -> None:
        code, words = SCANS[what]
        place = {"town": wish.get("town") or "", "country": wish.get("country") or ""}
        parcel["scans"].append({"at": self.world.clock().isoformat(), "code": code, "words": words, **place})

    # ---- addresses

    def _resolve(self, body: Any) -> dict[str, Any]:
        _lacks(body, "addressesToValidate.address.streetLines", "addressesToValidate.address.countryCode")
        return {"resolvedAddresses": [_resolved(one["address"]) for one in body["addressesToValidate"]], "alerts": []}

    # ---- pickups

    def _pick_up(self, body: Any) -> dict[str, Any]:
        origin = "originDetail.pickupLocation"
        _lacks(body, "associatedAccountNumber.value", "carrierCode", f"{origin}.contact", f"{origin}.address.postalCode")
        _lacks(body, f"{origin}.address.streetLines", "originDetail.readyDateTimestamp", "originDetail.customerCloseTime")
        self._account(body["associatedAccountNumber"])
        day = body["originDetail"]["readyDateTimestamp"][:10]
        if date.fromisoformat(day) < self.world.clock().date():
            raise No("PICKUP.REQUESTED.PREVIOUS.DAY", "Cannot schedule a pickup requested for a previous day.")
        code = f"SIMA{len(self.state['pickups']) + 1}"
        self.state["pickups"][code] = {"day": day, "company": body["carrierCode"], "cancelled": False}
        return {"pickupConfirmationCode": code, "message": "Courier on the way", "location": "SIMA", "alerts": []}

    def _leave(self, body: Any) -> dict[str, Any]:
        _lacks(body, "associatedAccountNumber.value", "pickupConfirmationCode", "scheduledDate")
        pickup = self.state["pickups"].get(body["pickupConfirmationCode"])
        if pickup is None or pickup["cancelled"] or pickup["day"] != body["scheduledDate"]:
            raise NOT_FOUND
        if date.fromisoformat(pickup["day"]) < self.world.clock().date():
            raise No("PICKUP.NUMBER.EXPIRED", "PREVIOUS DAY PICKUP, CANNOT CANCEL OR UPDATE")
        pickup["cancelled"] = True
        words = "Requested pickup has been cancelled successfully."
        return {"pickupConfirmationCode": body["pickupConfirmationCode"], "cancelConfirmationMessage": words}

    # ---- the oracle

    def parcels(self) -> list[dict[str, Any]]:
        return [_told(one) for one in self.state["parcels"]]

    def move(self, tracking: str, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        parcel = next((one for one in self.state["parcels"] if one["tracking"] == tracking), None)
        if parcel is None or what not in SCANS or what in ("label", "void"):
            raise BadRequest(f"there is no parcel {tracking} or nothing like {what}")
        if parcel["voided"]:
            raise BadRequest(f"{tracking} was cancelled")
        self._scan(parcel, what, wish)
        return _told(parcel)


def _path(request: Request) -> str:
    """The path as FedEx has it, wherever the simulator stands."""
    return "/" + request.path.lstrip("/").partition("/")[2]


def _told(parcel: Mapping[str, Any]) -> dict[str, Any]:
    try:
        key = units.key_of(parcel["reference"])
    except ValueError:  # a reference that is not from us
        key = parcel["reference"]
    return {
        "key": key,
        **{name: parcel[name] for name in ("tracking", "service", "voided", "weight_g", "country")},
        "price": f"{parcel['cents'] / 100:.2f}",
        "currency": "USD",
        "steps": [scan["code"] for scan in parcel["scans"]],
    }


# What FedEx looks at


def _side(wanted: Any, name: str) -> Any:
    _lacks(wanted, f"{name}.address.countryCode")
    return wanted[name]["address"]


def _postal(side: Mapping[str, Any]) -> None:
    """Everything is postal-aware here but what has no codes in real life."""
    if not side.get("postalCode") and side["countryCode"] not in ("HK", "AE", "IE"):
        raise No("COUNTRY.POSTALCODEORZIP.INVALID", "The postal code is missing or does not fit the country.")


def _printable(side: Mapping[str, Any]) -> None:
    if len(side["streetLines"]) > 3 or any(len(line) > 35 for line in side["streetLines"]) or len(side["city"]) > 35:
        raise No("STREETLINES.LENGTH.EXCEEDED", "An address line is longer than 35 characters.")
    if side["countryCode"] in ("US", "CA") and len(side.get("stateOrProvinceCode") or "") != 2:
        raise No("STATEORPROVINCECODE.INVALID", "The state or province code is missing or invalid.")


def _light(grams: list[int]) -> None:
    if any(one > HEAVIEST_G for one in grams):
        raise No("MAXIMUM.WEIGHT.EXCEEDED", "The package weight exceeds the maximum of 150 LB.")
    if any(one <= 0 for one in grams):
        raise No("PACKAGE.WEIGHT.INVALID", "Package weight is missing or invalid.")


def _declared(wanted: Any) -> None:
    """What crosses a border is declared, line by line."""
    detail = wanted.get("customsClearanceDetail")
    if not detail:
        raise No("CUSTOMSCLEARANCEDETAIL.REQUIRED", "Customs clearance detail is required for international shipments.")
    _lacks(detail, "commercialInvoice", "commodities", "dutiesPayment.paymentType")
    for line in detail["commodities"]:
        _lacks(line, "description", "countryOfManufacture", "customsValue.amount", "quantity", "weight.value")
        if line["weight"]["units"] != wanted["requestedPackageLineItems"][0]["weight"]["units"]:
            raise No("WEIGHT.UNITS.MISMATCH", "Package and commodity weight units must be the same.")
    if sum(_grams(line["weight"]) for line in detail["commodities"]) > sum(
        _grams(item["weight"]) for item in wanted["requestedPackageLineItems"]
    ):
        raise No("COMMODITY.WEIGHT.EXCEEDED", "The commodities weigh more than the packages.")


def _referenced(wanted: Any) -> None:
    longest = 30 if wanted["serviceType"] in GROUND else 40
    for item in wanted["requestedPackageLineItems"]:
        for one in item.get("customerReferences", []):
            if len(one["value"]) > (longest if one["customerReferenceType"] == "CUSTOMER_REFERENCE" else 30):
                raise No("CUSTOMERREFERENCE.VALUE.EXCEEDED", "The customer reference is too long.")


def _offered(origin: Mapping[str, Any], goal: Mapping[str, Any]) -> list[str]:
    if origin["countryCode"] != goal["countryCode"]:
        return list(ACROSS)
    if origin["countryCode"] != "US":
        return []
    other = "FEDEX_GROUND" if goal.get("residential") else "GROUND_HOME_DELIVERY"
    return [one for one in WITHIN if one != other]


# What it costs


def _zone(origin: Mapping[str, Any], goal: Mapping[str, Any]) -> int:
    if origin["countryCode"] != goal["countryCode"]:
        return 12
    first, second = (int(side["postalCode"][:1] or 0) if side["postalCode"][:1].isdigit() else 5 for side in (origin, goal))
    return 2 + min(6, abs(first - second))


def _cents(service: str, origin: Mapping[str, Any], goal: Mapping[str, Any], grams: list[int]) -> int:
    """The list's price of all boxes: by service, weight and zone, and more for a home."""
    start, each, _ = (WITHIN | ACROSS)[service]
    home = 505 if goal.get("residential") else 0
    return sum(start + (each * -(-one // 500) // 2) * (8 + _zone(origin, goal)) // 10 + home for one in grams)


def _offer(
    service: str, origin: Mapping[str, Any], goal: Mapping[str, Any], grams: list[int], asked: list[str], on: date
) -> dict[str, Any]:
    listed = _cents(service, origin, goal, grams)
    prices = {"ACCOUNT": listed * CONTRACT // 100, "LIST": listed}
    days = (WITHIN | ACROSS)[service][2]
    arrives = on + _business(on, days)
    return {
        "serviceType": service,
        "serviceName": MANIFEST.services[service],
        "packagingType": "YOUR_PACKAGING",
        "ratedShipmentDetails": [_rated(kind, prices[kind], origin, goal) for kind in asked if kind in prices],
        "commit": {
            "dateDetail": {"dayOfWeek": f"{arrives:%a}".upper(), "dayFormat": f"{arrives.isoformat()}T17:00:00"},
            "transitDays": {"description": f"{days} Business Days", "minimumTransitTime": f"{NUMBER_WORDS[days]}_DAY{'S' * (days > 1)}"},
            "saturdayDelivery": False,
        },
        "signatureOptionType": "SERVICE_DEFAULT",
    }


def _rated(kind: str, cents: int, origin: Mapping[str, Any], goal: Mapping[str, Any]) -> dict[str, Any]:
    fuel = cents * 12 // 112
    return {
        "rateType": kind,
        "ratedWeightMethod": "ACTUAL",
        "totalBaseCharge": (cents - fuel) / 100,
        "totalNetCharge": cents / 100,
        "totalNetFedExCharge": cents / 100,
        "shipmentRateDetail": {"rateZone": str(_zone(origin, goal)), "totalSurcharges": fuel / 100, "currency": "USD"},
    }


def _business(on: date, days: int) -> timedelta:
    """So many business days from that day on."""
    gone = 0
    while days:
        gone += 1
        days -= (on + timedelta(days=gone)).weekday() < 5
    return timedelta(days=gone)


def _split(cents: int, parts: int) -> list[int]:
    return [cents // parts + (n < cents % parts) for n in range(parts)]


# What it answers


def _encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _piece(numbers: list[str], n: int, image: str, cents: int) -> dict[str, Any]:
    label = _encoded(simulated_papers.label(image, numbers[n], "FedEx"))
    return {
        "masterTrackingNumber": numbers[0],
        "trackingNumber": numbers[n],
        "packageSequenceNumber": n + 1,
        "netChargeAmount": cents / 100,
        "trackingIdType": "FEDEX",
        "packageDocuments": [{"contentType": "LABEL", "copiesToPrint": 1, "docType": image, "encodedLabel": label}],
    }


def _papers(wanted: Any, master: str) -> list[dict[str, Any]]:
    types = (wanted.get("shippingDocumentSpecification") or {}).get("shippingDocumentTypes") or []
    if "COMMERCIAL_INVOICE" not in types:
        return []
    paper = _encoded(simulated_papers.pdf("Commercial invoice (simulated)", master, 612, 792))
    return [{"contentType": "COMMERCIAL_INVOICE", "copiesToPrint": 3, "docType": "PDF", "trackingNumber": master, "encodedLabel": paper}]


def _detail(service: str, cents: int, arrives: date) -> dict[str, Any]:
    rates = [
        {"rateType": "PAYOR_ACCOUNT_SHIPMENT", "totalNetCharge": cents / 100, "currency": "USD"},
        {"rateType": "PAYOR_LIST_SHIPMENT", "totalNetCharge": cents * 100 // CONTRACT / 100, "currency": "USD"},
    ]
    return {
        "carrierCode": "FDXG" if service in GROUND else "FDXE",
        "shipmentRating": {"actualRateType": "PAYOR_ACCOUNT_SHIPMENT", "shipmentRateDetails": rates},
        "operationalDetail": {"deliveryDate": arrives.isoformat()},
    }


def _result(parcel: Mapping[str, Any]) -> dict[str, Any]:
    last, company = parcel["scans"][-1], "FDXG" if parcel["service"] in GROUND else "FDXE"
    arrives = date.fromisoformat(parcel["on"])
    arrives += _business(arrives, (WITHIN | ACROSS)[parcel["service"]][2])
    return {
        "trackingNumberInfo": {"trackingNumber": parcel["tracking"], "carrierCode": company},
        "additionalTrackingInfo": {
            "hasAssociatedShipments": parcel["of"] > 1,
            "packageIdentifiers": [{"type": "SHIPPER_REFERENCE", "value": [parcel["reference"]]}],
        },
        "latestStatusDetail": {"code": last["code"], "derivedCode": last["code"], "description": last["words"]},
        "packageDetails": {"sequenceNumber": str(parcel["number"]), "count": str(parcel["of"])},
        "dateAndTimes": [{"type": "ESTIMATED_DELIVERY", "dateTime": f"{arrives.isoformat()}T17:00:00-06:00"}],
        "scanEvents": [_event(scan) for scan in reversed(parcel["scans"])],
    }


def _event(scan: Mapping[str, Any]) -> dict[str, Any]:
    place = {name: text for name, text in (("city", scan["town"].upper()), ("countryCode", scan["country"])) if text}
    return {
        "date": datetime.fromisoformat(scan["at"]).astimezone(CENTRAL).isoformat(timespec="seconds"),
        "eventType": scan["code"],
        "eventDescription": scan["words"],
        "derivedStatusCode": scan["code"],
        "derivedStatus": scan["words"],
        "scanLocation": place,
    }


def _lost(code: str, words: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": words}}


def _unknown(number: str) -> dict[str, Any]:
    words = "Tracking number cannot be found. Please correct the tracking number and try again."
    return {"trackingNumberInfo": {"trackingNumber": number}, **_lost("TRACKING.TRACKINGNUMBER.NOTFOUND", words)}


def _resolved(address: Mapping[str, Any]) -> dict[str, Any]:
    """As FedEx writes it: in capitals, with ST for STREET. A ZIP code of zeros is nowhere, one of nines is in several places."""
    served, code = address["countryCode"] in ("US", "CA"), str(address.get("postalCode") or "")
    known = served and bool(code) and code.strip("0") != ""
    lines = [" ".join(SHORTER.get(word, word) for word in line.upper().split()) for line in address["streetLines"]]
    facts = {"CountrySupported": served, "Resolved": known, "DPV": known, "MultipleMatches": code.strip("9") == ""}
    home = any(word in " ".join(lines).split() for word in ("APT", "HOME"))
    return {
        "streetLinesToken": lines,
        "city": str(address.get("city") or "").upper(),
        "stateOrProvinceCode": address.get("stateOrProvinceCode") or "",
        "postalCode": f"{code}-0001" if known and address["countryCode"] == "US" else code,
        "countryCode": address["countryCode"],
        "classification": ("RESIDENTIAL" if home else "BUSINESS") if known else "UNKNOWN",
        "customerMessages": [] if known else [{"code": "STANDARDIZED.ADDRESS.NOTFOUND", "message": "Standardized address is not found."}],
        "attributes": {name: str(fact).lower() for name, fact in facts.items()},
    }


SHORTER = {"STREET": "ST", "AVENUE": "AVE", "APARTMENT": "APT"}
