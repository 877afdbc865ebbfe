"""UPS as a WSGI simulator: OAuth, rating, shipping, label recovery, tracking, addresses, pickups and Track Alert, with its own refusals.

State is plain JSON. A parcel can be tracked by our reference a minute after it was bought; label recovery knows it at once.
"""

import base64
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from urllib.parse import unquote

from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Request, Response

from connectors import simulated_papers
from connectors.simulation import World, reply
from core.domain.money import Money
from core.ports import Rate

ACCOUNT = "A1B2C3"
LOGIN = {"client_id": "simulated-ups-client-id-0001", "client_secret": "simulated-ups-client-secret-0001"}
APP = {"alert_credential": "simulated-track-alert-credential"}
LIFE_S = 14_399
QUOTA = Rate(per_s=50.0, burst=500.0)
SEEN_AFTER = timedelta(seconds=60)  # until tracking knows a new parcel by its reference
FORTNIGHT = timedelta(days=14)
VOID_DAYS, HEAVIEST_LB = 28, Decimal(150)
UNION = frozenset(
    ["AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE", "IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT",
     "RO", "SK", "SI", "ES", "SE"]
)  # fmt: skip
CODED = frozenset(["US", "PR", "CA", "DE", "FR", "GB", "NL", "ES", "IT", "PL", "AT", "BE", "PT"])  # countries that use postal codes
CURRENCIES = {"US": "USD", "PR": "USD", "CA": "CAD", "GB": "GBP", "PL": "PLN"}
# code: (name, cents to begin with, cents a pound and zone, business days)
HOME = {
    "03": ("UPS Ground", 980, 12, 5),
    "12": ("UPS 3 Day Select", 1690, 22, 3),
    "02": ("UPS 2nd Day Air", 2540, 31, 2),
    "13": ("UPS Next Day Air Saver", 4870, 58, 1),
    "01": ("UPS Next Day Air", 5320, 64, 1),
}
AWAY = {
    "08": ("UPS Worldwide Expedited", 7420, 55, 5),
    "65": ("UPS Worldwide Saver", 8350, 62, 3),
    "07": ("UPS Worldwide Express", 9110, 70, 2),
}
NEAR = {"11": ("UPS Standard", 1240, 16, 4), "65": ("UPS Express Saver", 3980, 40, 1)}
FUEL, CONTRACT = (118, 100), (72, 100)  # surcharge on all, and what this account pays of it
HOUSE, SIGNED, ABROAD_ZONE = 595, 675, 9
# what happens: status.type, status.code, status.statusCode, description, where it may follow
MOVES = {
    "pick_up": ("P", "PU", "038", "Pickup Scan"),
    "travel": ("I", "DP", "010", "Departed from Facility"),
    "bring": ("I", "OT", "021", "Out For Delivery Today"),
    "deliver": ("D", "FS", "011", "DELIVERED"),
    "fail": ("X", "48", "022", "The receiver was not available for delivery. We'll make a second attempt."),
    "return": ("RS", "RS", "034", "Returned to Sender"),
}
MADE = ("M", "MP", "003", "Shipper created a label, UPS has not received the package yet.")
GONE = ("MV", "VP", "007", "Shipment information voided")
ENDS = frozenset(["D", "RS", "MV"])
# what UPS's schema demands of a purchase: field, code, words; [] stands for each of a list
DEMANDED = (
    ("Request.RequestOption", "120001", "Missing or invalid request option"),
    ("Shipment.Shipper.Name", "120100", "Missing or invalid shipper name"),
    ("Shipment.Shipper.ShipperNumber", "120124", "Missing or invalid shipper number"),
    ("Shipment.Shipper.Address.AddressLine", "120101", "Missing or invalid shipper address line"),
    ("Shipment.Shipper.Address.City", "120103", "Missing or invalid shipper city"),
    ("Shipment.Shipper.Address.CountryCode", "120108", "Missing or invalid shipper country or territory"),
    ("Shipment.ShipTo.Name", "120200", "Missing or invalid ship to name"),
    ("Shipment.ShipTo.Address.AddressLine", "120202", "Missing or invalid ship to address line 1"),
    ("Shipment.ShipTo.Address.City", "120205", "Missing or invalid ship to city"),
    ("Shipment.ShipTo.Address.CountryCode", "120209", "Missing or invalid ship to country or territory"),
    ("Shipment.PaymentInformation.ShipmentCharge.[].Type", "120302", "Missing or invalid payment information"),
    ("Shipment.Service.Code", "120500", "Missing or invalid shipment service"),
    ("Shipment.Package.[].Packaging.Code", "120600", "Missing or invalid packaging type"),
    ("Shipment.Package.[].PackageWeight.UnitOfMeasurement.Code", "120606", "Missing or invalid unit of weight"),
    ("Shipment.Package.[].PackageWeight.Weight", "120608", "Missing or invalid package weight"),
    ("LabelSpecification.LabelImageFormat.Code", "121001", "Missing or invalid label image format"),
    ("LabelSpecification.LabelStockSize.Height", "121007", "Missing or invalid label stock size"),
    ("LabelSpecification.LabelStockSize.Width", "121007", "Missing or invalid label stock size"),
)
INVOICED = (
    ("FormType", "128001", "Missing form type"),
    ("Contacts.SoldTo.AttentionName", "128070", "Missing sold to attention name"),
    ("Contacts.SoldTo.Phone.Number", "128071", "Missing or invalid sold to phone number"),
    ("InvoiceDate", "128057", "Missing or invalid invoice date"),
    ("ReasonForExport", "128060", "Missing reason for export"),
    ("CurrencyCode", "128052", "Missing or invalid currency code"),
    ("Product.[].Description", "128030", "Missing product description"),
    ("Product.[].Unit.Number", "128033", "Missing product unit"),
    ("Product.[].Unit.Value", "128034", "Missing product unit value"),
    ("Product.[].OriginCountryCode", "128040", "Missing or invalid product country of origin"),
)
NARROW = (("Name", 35), ("AttentionName", 35), ("City", 30), ("PostalCode", 9), ("StateProvinceCode", 5), ("Value", 35))  # most letters


class Refusal(Exception):
    def __init__(self, status: int, code: str, words: str) -> None:
        super().__init__(words)
        self.answer = errors(status, code, words)


def errors(status: int, code: str, words: str, headers: Mapping[str, str] | None = None) -> Response:
    return reply({"response": {"errors": [{"code": code, "message": words}]}}, status, headers)


class Simulator:
    name = "ups"

    def __init__(self, world: World) -> None:
        self.world = world
        self.state: dict[str, Any] = {"tokens": {}, "shipments": {}, "pickups": {}, "followed": {}, "number": 0}

    # the protocol

    def credentials(self, base: str) -> dict[str, Any]:
        return {"account": ACCOUNT, "app": dict(APP), "login": dict(LOGIN), "settings": {"api_url": base}}

    def operation(self, request: Request) -> str | None:
        found = self._route(request)
        return found[0] if found else "unknown"

    def answer(self, request: Request, operation: str | None) -> Response:
        found = self._route(request)
        if found is None:
            return errors(404, "10404", "Invalid Resource")
        name, serve = found
        try:
            if name != "token":
                self._admit(request)
            return serve(request)
        except Refusal as refusal:
            return refusal.answer

    def fault(self, kind: str, operation: str | None) -> Response:
        if kind == "401":
            return errors(401, "250002", "Invalid Authentication Information.")
        if kind == "429":
            return errors(429, "10429", "Too Many Requests", {"Retry-After": "30"})
        return errors(500, "10500", "Internal Server Error")

    def parcels(self) -> list[dict[str, Any]]:
        return [_oracle(one, parcel) for one in self.state["shipments"].values() for parcel in one["parcels"]]

    def move(self, tracking: str, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        if what not in MOVES:
            raise BadRequest(f"a parcel cannot {what}: {', '.join(MOVES)}")
        one, parcel = self._parcel(tracking)
        if parcel["steps"][-1]["type"] in ENDS:
            raise BadRequest("this parcel is at its end")
        self._happens(one, parcel, MOVES[what], str(wish.get("town", "")), str(wish.get("country", "")))
        self._tell(tracking, parcel)
        return _oracle(one, parcel)

    # admission and routes

    def _route(self, request: Request) -> tuple[str, Callable[[Request], Response]] | None:
        match request.method, request.path.removeprefix("/ups").rstrip("/").split("/")[1:]:
            case "POST", ["security", "v1", "oauth", "token"]:
                return "token", self._token
            case "POST", ["api", "rating", _, option]:
                return "rate", lambda request: self._rate(request, option)
            case "POST", ["api", "shipments", _, "ship"]:
                return "ship", self._ship
            case "DELETE", ["api", "shipments", _, "void", "cancel", number]:
                return "void", lambda request: self._void(unquote(number))
            case "POST", ["api", "labels", _, "recovery"]:
                return "recoverLabel", self._recover
            case "POST", ["api", "addressvalidation", _, option]:
                return "validateAddress", lambda request: self._validate(request, option)
        return self._tracking_route(request) or self._pickup_route(request)

    def _tracking_route(self, request: Request) -> tuple[str, Callable[[Request], Response]] | None:
        match request.method, request.path.removeprefix("/ups").rstrip("/").split("/")[1:]:
            case "GET", ["api", "track", _, "details", number]:
                return "track", lambda request: self._track(request, unquote(number))
            case "GET", ["api", "track", _, "reference", "details", reference]:
                return "trackReference", lambda request: self._track_reference(request, unquote(reference))
            case "POST", ["api", "track", version, "subscription", _, "package"]:
                return "subscribeTracking", lambda request: self._subscribe(request, version)
        return None

    def _pickup_route(self, request: Request) -> tuple[str, Callable[[Request], Response]] | None:
        match request.method, request.path.removeprefix("/ups").rstrip("/").split("/")[1:]:
            case "POST", ["api", "pickupcreation", _, "pickup"]:
                return "pickup", self._pick_up
            case "GET", ["api", "shipments", _, "pickup", "oncall"]:
                return "pendingPickups", self._pending
            case "DELETE", ["api", "shipments", _, "pickup", "02"]:
                return "cancelPickup", self._cancel_pickup
        return None

    def _admit(self, request: Request) -> None:
        until = self.state["tokens"].get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if until is None or datetime.fromisoformat(until) <= self.world.clock():
            raise Refusal(401, "250002", "Invalid Authentication Information.")
        if self.world.take("ups", QUOTA):
            raise Refusal(429, "10429", "Too Many Requests")

    def _token(self, request: Request) -> Response:
        given = request.authorization
        if given is None or {"client_id": given.username, "client_secret": given.password} != LOGIN:
            return errors(401, "10401", "ClientId is Invalid")
        if request.form.get("grant_type") != "client_credentials":
            return errors(400, "10400", "Invalid Grant Type")
        now, token = self.world.clock(), f"simulated-ups-token-{self._next():06d}"
        self.state["tokens"] = {old: until for old, until in self.state["tokens"].items() if datetime.fromisoformat(until) > now}
        self.state["tokens"][token] = (now + timedelta(seconds=LIFE_S)).isoformat()
        said = {"token_type": "Bearer", "issued_at": str(int(now.timestamp() * 1000)), "client_id": LOGIN["client_id"]}
        return reply({**said, "access_token": token, "expires_in": str(LIFE_S), "refresh_count": "0", "status": "approved", "scope": ""})

    def _next(self) -> int:
        self.state["number"] += 1
        return int(self.state["number"])

    # rating

    def _rate(self, request: Request, option: str) -> Response:
        if option not in ("Rate", "Shop", "Ratetimeintransit", "Shoptimeintransit"):
            raise Refusal(400, "111200", "Invalid request option")
        wish = _part(_body(request), "RateRequest").get("Shipment")
        if not isinstance(wish, dict):
            raise Refusal(400, "110002", "No shipment found")
        _weighed(wish)
        _addressed(wish)
        if wish["ShipTo"]["Address"]["CountryCode"] != wish["Shipper"]["Address"]["CountryCode"]:
            _needs(wish, "ShipmentTotalWeight.Weight", "111547", "The total weight of the shipment is needed for its time in transit")
        codes = [wish.get("Service", {}).get("Code")] if option.startswith("Rate") else list(_services(wish))
        if not codes or not set(codes) <= set(_services(wish)):
            raise Refusal(400, "111210", "The requested service is unavailable between the selected locations.")
        start = wish.get("DeliveryTimeInformation", {}).get("Pickup", {}).get("Date") or f"{self.world.clock():%Y%m%d}"
        rated = [{**_rated(wish, code), **(_transit(wish, code, start) if option.endswith("timeintransit") else {})} for code in codes]
        return reply({"RateResponse": {"Response": _success(ALERTED), "RatedShipment": rated}})

    # shipping

    def _ship(self, request: Request) -> Response:
        asked = _part(_body(request), "ShipmentRequest")
        for path, code, words in DEMANDED:
            _needs(asked, path, code, words)
        wish, form = asked["Shipment"], asked["LabelSpecification"]["LabelImageFormat"]["Code"]
        self._acceptable(wish, form)
        one = self._keep(wish, form)
        return reply({"ShipmentResponse": {"Response": _success([]), "ShipmentResults": _results(one, wish)}})

    def _acceptable(self, wish: dict[str, Any], form: str) -> None:
        if form not in LABELS or form == "PDF":
            raise Refusal(400, "121001", "Missing or invalid label image format")
        if wish["Shipper"]["ShipperNumber"] != ACCOUNT:
            raise Refusal(400, "120124", "The requested accessory option or shipper number is invalid for this user")
        _narrow(wish)
        _weighed(wish)
        _addressed(wish)
        if wish["Service"]["Code"] not in _services(wish):
            raise Refusal(400, "121210", "The selected service is not available from the origin to the destination.")
        _declared(wish)
        _referenced(wish)

    def _keep(self, wish: dict[str, Any], form: str) -> dict[str, Any]:
        code, parcels = wish["Service"]["Code"], _list(wish["Package"])
        numbers = [_tracking_number(ACCOUNT, code, self._next()) for _ in parcels]
        one = {
            "id": numbers[0],
            "service": code,
            "references": [said["Value"] for said in _references(wish)],
            "country": wish["ShipTo"]["Address"]["CountryCode"],
            "offset": "-05:00" if wish["Shipper"]["Address"]["CountryCode"] in ("US", "CA") else "+01:00",
            "at": self.world.clock().isoformat(),
            "form": form,
            "invoice": bool(_invoice_of(wish)),
            "price": _priced(wish, code)[1].text(),
            "currency": _currency(wish),
            "due": _due(wish, code, wish.get("ShipmentDate") or f"{self.world.clock():%Y%m%d}").isoformat(),
            "voided": False,
            "parcels": [
                {"tracking": number, "weight_g": _grams(parcel), "steps": []} for number, parcel in zip(numbers, parcels, strict=True)
            ],
        }
        for parcel in one["parcels"]:
            self._happens(one, parcel, MADE)
        self.state["shipments"][one["id"]] = one
        return one

    def _void(self, number: str) -> Response:
        one = self.state["shipments"].get(number)
        if one is None:
            raise Refusal(400, "190102", "No shipment found within the allowed void period")
        if not one["voided"]:
            self._may_void(one)
            one["voided"] = True
            for parcel in one["parcels"]:
                self._happens(one, parcel, GONE)
        each = [{"TrackingNumber": parcel["tracking"], "Status": {"Code": "1", "Description": "Voided"}} for parcel in one["parcels"]]
        done = {"SummaryResult": {"Status": {"Code": "1", "Description": "Voided"}}, "PackageLevelResults": each}
        return reply({"VoidShipmentResponse": {"Response": _success(None), **done}})

    def _may_void(self, one: dict[str, Any]) -> None:
        if self.world.clock() - datetime.fromisoformat(one["at"]) > timedelta(days=VOID_DAYS):
            raise Refusal(400, "190101", "Time for voiding has expired.")
        if any(len(parcel["steps"]) > 1 for parcel in one["parcels"]):
            raise Refusal(400, "190117", "The package was already scanned and cannot be voided.")

    def _recover(self, request: Request) -> Response:
        asked = _part(_body(request), "LabelRecoveryRequest")
        form = asked.get("LabelSpecification", {}).get("LabelImageFormat", {}).get("Code", "GIF")
        if form not in ("GIF", "PDF", "ZPL", "EPL", "SPL"):
            raise Refusal(400, "300013", "Invalid label image format")
        found = self._recoverable(asked)
        if len({one["id"] for one, _ in found}) > 1:
            several = [{"TrackingNumber": number, "DestinationCountryCode": one["country"]} for one, number in found]
            return reply({"LabelRecoveryResponse": {"Response": _success([]), "LabelResults": [], "TrackingCandidate": several}})
        results = [{"TrackingNumber": number, "LabelImage": _image("LabelImageFormat", form, number)} for _, number in found]
        said = {"Response": _success([]), "ShipmentIdentificationNumber": found[0][0]["id"], "LabelResults": results}
        if found[0][0]["invoice"]:
            said["Form"] = {"Image": _image("ImageFormat", "PDF", found[0][0]["id"])}
        return reply({"LabelRecoveryResponse": said})

    def _recoverable(self, asked: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
        """A parcel by its own number, or all of a shipment by the reference and the account."""
        number, values = asked.get("TrackingNumber"), asked.get("ReferenceValues") or {}
        reference = values.get("ReferenceNumber", {}).get("Value")
        mine = values.get("ShipperNumber") == ACCOUNT
        live = [one for one in self.state["shipments"].values() if not one["voided"]]
        found = [
            (one, parcel["tracking"])
            for one in live
            for parcel in one["parcels"]
            if (parcel["tracking"] == number if number else mine and reference in one["references"])
        ]
        if not found:
            raise Refusal(400, "300022", "No label was found for this number or reference")
        return found

    # tracking

    def _track(self, request: Request, number: str) -> Response:
        _traced(request)
        if not _is_number(number):
            raise Refusal(400, "TV1002", "Invalid inquiry number")
        try:
            one, parcel = self._parcel(number)
        except NotFound:
            raise Refusal(404, "TW0001", "Tracking Information Not Found") from None
        return reply({"trackResponse": {"shipment": [{"inquiryNumber": number, "package": [self._package(one, parcel)]}]}})

    def _track_reference(self, request: Request, reference: str) -> Response:
        _traced(request)
        since, until = self._between(request)
        seen = [one for one in self.state["shipments"].values() if self._seen_by(one, reference, since, until)]
        if not seen or request.args.get("shipperNum") != ACCOUNT:
            raise Refusal(404, "TW0001", "Tracking Information Not Found")
        told = [{"inquiryNumber": reference, "package": [self._package(one, parcel) for parcel in one["parcels"]]} for one in seen]
        return reply({"trackResponse": {"shipment": told}})

    def _between(self, request: Request) -> tuple[date, date]:
        """The days of pickup that are asked for: the last fortnight where none are."""
        today = self.world.clock().date()
        since, until = (request.args.get(name, "") for name in ("fromPickUpDate", "toPickUpDate"))
        return _date(since) if since else today - FORTNIGHT, _date(until) if until else today

    def _seen_by(self, one: dict[str, Any], reference: str, since: date, until: date) -> bool:
        at = datetime.fromisoformat(one["at"])
        return reference in one["references"] and self.world.clock() - at >= SEEN_AFTER and since <= at.date() <= until

    def _package(self, one: dict[str, Any], parcel: dict[str, Any]) -> dict[str, Any]:
        steps = [_activity(step, one["offset"]) for step in reversed(parcel["steps"])]
        return {
            "trackingNumber": parcel["tracking"],
            "activity": steps,
            "currentStatus": steps[0]["status"],
            "deliveryDate": [{"type": "SDD", "date": one["due"].replace("-", "")}],
            "packageCount": len(one["parcels"]),
            "referenceNumber": [{"type": "PACKAGE", "number": said} for said in one["references"]],
            "service": {"code": one["service"], "description": _name(one["service"])},
        }

    def _parcel(self, tracking: str) -> tuple[dict[str, Any], dict[str, Any]]:
        for one in self.state["shipments"].values():
            for parcel in one["parcels"]:
                if parcel["tracking"] == tracking:
                    return one, parcel
        raise NotFound(f"there is no parcel {tracking}")

    def _happens(
        self, one: dict[str, Any], parcel: dict[str, Any], what: tuple[str, str, str, str], town: str = "", country: str = ""
    ) -> None:
        kind, code, status, words = what
        step = {"type": kind, "code": code, "status": status, "words": words, "town": town, "country": country or one["country"]}
        parcel["steps"].append({**step, "at": self.world.clock().isoformat()})

    def _subscribe(self, request: Request, version: str) -> Response:
        _traced(request)
        asked, goal = _body(request), _body(request).get("destination") or {}
        if not asked.get("locale"):
            return _rejected("VSS300", "Locale is required. The Subscription request has been rejected.")
        if version == "v1" and not (goal.get("url") and goal.get("credential") and goal.get("credentialType")):
            return _rejected("VSS500", "Destination is required. The Subscription request has been rejected")
        numbers = asked.get("trackingNumberList") or []
        if not 0 < len(numbers) <= 100:
            return _rejected("VSS220", "You have submitted over 100 tracking numbers, or none.")
        good = [number for number in numbers if _is_number(number)]
        self.state["followed"].update({number: {"url": goal.get("url", ""), "credential": goal.get("credential", "")} for number in good})
        return reply({"validTrackingNumbers": good, "invalidTrackingNumbers": [number for number in numbers if number not in good]})

    def _tell(self, tracking: str, parcel: dict[str, Any]) -> None:
        """Push what happened to whoever follows this parcel."""
        if goal := self.state["followed"].get(tracking):
            step = parcel["steps"][-1]
            at = datetime.fromisoformat(step["at"])
            status = {"type": step["type"], "code": step["code"], "description": step["words"], "descriptionCode": step["status"]}
            told = {
                "trackingNumber": tracking,
                "gmtActivityDate": f"{at:%Y%m%d}",
                "gmtActivityTime": f"{at:%H%M%S}",
                "activityStatus": status,
            }
            headers = {"Content-Type": "application/json", "User-Agent": "UPSPubSubTrackingService", "credential": goal["credential"]}
            self.world.send(headers, json.dumps(told).encode())

    # addresses

    def _validate(self, request: Request, option: str) -> Response:
        there = _part(_part(_body(request), "XAVRequest"), "AddressKeyFormat")
        if option != "3" or there.get("CountryCode") not in ("US", "PR"):
            raise Refusal(400, "264002", "Country or territory code is invalid or missing.")
        lines = [line.upper() for line in _list(there.get("AddressLine", []))]
        written = _written(there, lines)
        kind = (
            {"Code": "2", "Description": "Residential"}
            if any("APT" in line for line in lines)
            else {"Code": "1", "Description": "Commercial"}
        )
        said: dict[str, Any] = {"Response": _success([])}
        if not lines or not there.get("PoliticalDivision2") or "NOWHERE" in lines[0]:
            return reply({"XAVResponse": {**said, "NoCandidatesIndicator": ""}})
        if not any(letter.isdigit() for letter in lines[0]):
            both = [{"AddressKeyFormat": {**written, "AddressLine": [f"{n} {lines[0]}"]}} for n in ("1-99", "101-199")]
            return reply({"XAVResponse": {**said, "AmbiguousAddressIndicator": "", "Candidate": both}})
        found = [{"AddressClassification": kind, "AddressKeyFormat": written}]
        return reply({"XAVResponse": {**said, "ValidAddressIndicator": "", "AddressClassification": kind, "Candidate": found}})

    # pickups

    def _pick_up(self, request: Request) -> Response:
        asked = _part(_body(request), "PickupCreationRequest")
        _part(asked, "Request")
        for path in PICKED:
            _needs(asked, path, "9510111", f"Missing or invalid {path.rpartition('.')[2]}")
        when = asked["PickupDateInfo"]
        if when["PickupDate"] < f"{self.world.clock():%Y%m%d}" or when["ReadyTime"] >= when["CloseTime"]:
            raise Refusal(400, "9510102", "The pickup date or its times are invalid.")
        number = f"29{self._next():09d}"
        self.state["pickups"][number] = {"day": when["PickupDate"], "reference": asked.get("ReferenceNumber", ""), "cancelled": False}
        currency = CURRENCIES.get(asked["PickupAddress"]["CountryCode"], "EUR")
        detail = [{"ChargeCode": "B", "ChargeDescription": "BASE CHARGE", "ChargeAmount": "8.40"}]
        price = {"RateType": "FD", "CurrencyCode": currency, "ChargeDetail": detail, "GrandTotalOfAllCharge": "8.40"}
        rated = {"RateStatus": {"Code": "01", "Description": "Rate available"}, "RateResult": price}
        return reply({"PickupCreationResponse": {"Response": _success([]), "PRN": number, **rated}})

    def _pending(self, request: Request) -> Response:
        if request.headers.get("AccountNumber") != ACCOUNT:
            raise Refusal(400, "9510201", "Invalid account number")
        soon = {f"{self.world.clock() + timedelta(days=n):%Y%m%d}" for n in (0, 1)}
        here = [(number, one) for number, one in self.state["pickups"].items() if not one["cancelled"] and one["day"] in soon]
        if not here:
            raise Refusal(404, "9510203", "There is no pickup pending")
        told = [
            {
                "PickupType": "01",
                "ServiceDate": one["day"],
                "PRN": number,
                "PickupStatusMessage": "Received",
                "ReferenceNumber": one["reference"],
            }
            for number, one in here
        ]
        return reply({"PickupPendingStatusResponse": {"Response": _success([]), "PendingStatus": told}})

    def _cancel_pickup(self, request: Request) -> Response:
        one = self.state["pickups"].get(request.headers.get("Prn", ""))
        if one is None or one["cancelled"]:
            raise Refusal(400, "9510112", "The pickup request number is invalid, or was cancelled already.")
        if one["day"] < f"{self.world.clock():%Y%m%d}":
            raise Refusal(400, "9510117", "The pickup request has already been completed.")
        one["cancelled"] = True
        return reply({"PickupCancelResponse": {"Response": _success([]), "PickupType": "01"}})


PICKED = (
    "RatePickupIndicator",
    "PickupDateInfo.CloseTime",
    "PickupDateInfo.ReadyTime",
    "PickupDateInfo.PickupDate",
    "PickupAddress.CompanyName",
    "PickupAddress.ContactName",
    "PickupAddress.AddressLine",
    "PickupAddress.City",
    "PickupAddress.CountryCode",
    "PickupAddress.ResidentialIndicator",
    "PickupAddress.Phone.Number",
    "AlternateAddressIndicator",
    "PickupPiece.[].ServiceCode",
    "PickupPiece.[].Quantity",
    "PickupPiece.[].DestinationCountryCode",
    "PickupPiece.[].ContainerCode",
    "PaymentMethod",
)


# ---- what it takes and declines


def _body(request: Request) -> dict[str, Any]:
    try:
        said = json.loads(request.get_data() or b"null")
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise Refusal(400, "9264030", "The request is not valid JSON")
    return said


def _part(node: dict[str, Any], name: str) -> dict[str, Any]:
    value = node.get(name)
    if not isinstance(value, dict):
        raise Refusal(400, "10001", f"The request is missing its {name}")
    return value


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _needs(node: Any, path: str, code: str, words: str) -> None:
    """Every field along the path is there and says something."""
    name, _, rest = path.partition(".")
    if name == "[]":
        for one in _list(node):
            _needs(one, rest, code, words)
        return
    value = node.get(name) if isinstance(node, dict) else None
    if value in (None, "", [], {}):
        raise Refusal(400, code, words)
    if rest:
        _needs(value, rest, code, words)


def _narrow(node: Any) -> None:
    """Nothing is longer than UPS's schema has room for."""
    for one in node if isinstance(node, list) else node.values() if isinstance(node, dict) else ():
        _narrow(one)
    if isinstance(node, dict):
        for name, most in NARROW:
            if isinstance(node.get(name), str) and len(node[name]) > most:
                raise Refusal(400, "120050", f"{name} is longer than {most} characters")
        if any(len(line) > 35 for line in _list(node.get("AddressLine", []))):
            raise Refusal(400, "120051", "An address line is longer than 35 characters")


def _pounds(parcel: Mapping[str, Any]) -> Decimal:
    weight = parcel.get("PackageWeight", {})
    try:
        said = Decimal(str(weight["Weight"]))
        return said if weight["UnitOfMeasurement"]["Code"] == "LBS" else said * Decimal("2.20462262")
    except (KeyError, TypeError, ArithmeticError):
        raise Refusal(400, "111056", "Missing or invalid package weight") from None


def _grams(parcel: Mapping[str, Any]) -> int:
    return round(_pounds(parcel) * Decimal("453.59237"))


def _weighed(wish: dict[str, Any]) -> None:
    parcels = _list(wish.get("Package") or [])
    if not parcels:
        raise Refusal(400, "110000", "A shipment needs a package")
    if any(_pounds(parcel) > HEAVIEST_LB for parcel in parcels):
        raise Refusal(400, "111035", "The maximum per package weight for that service from the selected country is 150.00 pounds.")
    if any(_pounds(parcel) <= 0 for parcel in parcels):
        raise Refusal(400, "111056", "Package weight must be more than zero")


def _addressed(wish: dict[str, Any]) -> None:
    for who in ("Shipper", "ShipTo"):
        _needs(wish, f"{who}.Address.CountryCode", "110208", "Missing or invalid country or territory")
        there = wish[who]["Address"]
        if there["CountryCode"] in CODED and not there.get("PostalCode"):
            raise Refusal(400, "111286" if who == "ShipTo" else "111285", f"Missing or invalid {who} postal code")
        if there["CountryCode"] in ("US", "CA") and not there.get("StateProvinceCode"):
            raise Refusal(400, "120206", f"Missing or invalid {who} state or province code")


def _pair(wish: dict[str, Any]) -> tuple[str, str]:
    return wish["Shipper"]["Address"]["CountryCode"], wish["ShipTo"]["Address"]["CountryCode"]


def _services(wish: dict[str, Any]) -> dict[str, tuple[str, int, int, int]]:
    origin, goal = _pair(wish)
    if goal in ("KP", "SY", "AQ"):
        return {}
    if origin == goal and origin in ("US", "PR"):
        return HOME
    return NEAR if origin == goal or {origin, goal} <= UNION else AWAY


def _invoice_of(wish: dict[str, Any]) -> dict[str, Any]:
    return dict(wish.get("ShipmentServiceOptions", {}).get("InternationalForms") or {})


def _declared(wish: dict[str, Any]) -> None:
    """What crosses a customs border is described, with an invoice, and somebody can be called."""
    origin, goal = _pair(wish)
    if origin == goal or {origin, goal} <= UNION:
        return
    _needs(wish, "Description", "120502", "Missing or invalid description of goods")
    _needs(wish, "ShipTo.AttentionName", "120201", "Missing or invalid ship to attention name")
    _needs(wish, "ShipTo.Phone.Number", "120213", "Missing or invalid ship to phone number")
    invoice = _invoice_of(wish)
    if not invoice:
        raise Refusal(400, "128000", "International forms are needed for this shipment")
    for path, code, words in INVOICED:
        _needs(invoice, path, code, words)


def _references(wish: dict[str, Any]) -> list[dict[str, Any]]:
    found = [*_list(wish.get("ReferenceNumber") or []), *_list(_list(wish["Package"])[0].get("ReferenceNumber") or [])]
    return [one for one in found if isinstance(one, dict)]


def _referenced(wish: dict[str, Any]) -> None:
    """References stand by package within the United States and Puerto Rico, by shipment elsewhere."""
    home = _pair(wish) in (("US", "US"), ("PR", "PR"))
    if home and wish.get("ReferenceNumber"):
        raise Refusal(400, "120541", "Shipment reference numbers are not allowed for this origin and destination")
    if not home and any(parcel.get("ReferenceNumber") for parcel in _list(wish["Package"])):
        raise Refusal(400, "120541", "Package reference numbers are not allowed for this origin and destination")


def _traced(request: Request) -> None:
    if not request.headers.get("transId") or not request.headers.get("transactionSrc"):
        raise Refusal(400, "VSS002", "Missing transId or transactionSrc")


def _rejected(code: str, words: str) -> Response:
    return reply({"invalidTrackingNumbers": [], "response": {"errors": [{"code": code, "message": words}]}}, 400)


# ---- what it says

ALERTED = [{"Code": "110971", "Description": "Your invoice may vary from the displayed reference rates"}]


def _success(alerts: list[dict[str, str]] | None) -> dict[str, Any]:
    return {"ResponseStatus": {"Code": "1", "Description": "Success"}, **({"Alert": alerts} if alerts else {})}


def _currency(wish: dict[str, Any]) -> str:
    return CURRENCIES.get(_pair(wish)[0], "EUR")


def _zone(wish: dict[str, Any]) -> int:
    """Two to eight by how far the postal codes lie apart; abroad it is one more."""
    if len(set(_pair(wish))) > 1:
        return ABROAD_ZONE
    here, there = (int("".join(filter(str.isdigit, wish[who]["Address"].get("PostalCode", "0")))[:3] or 0) for who in ("Shipper", "ShipTo"))
    return min(8, 2 + abs(here - there) // 130)


def _priced(wish: dict[str, Any], code: str) -> tuple[Money, Money]:
    """(what is listed, what this account pays)."""
    _, begin, each, _ = _services(wish)[code]
    cents = sum(begin + each * _zone(wish) * int(_pounds(parcel).to_integral_value("ROUND_UP")) for parcel in _list(wish["Package"]))
    cents = cents * FUEL[0] // FUEL[1] + sum(_extras(wish, parcel) for parcel in _list(wish["Package"]))
    return Money(cents, _currency(wish)), Money(cents * CONTRACT[0] // CONTRACT[1], _currency(wish))


def _extras(wish: dict[str, Any], parcel: dict[str, Any]) -> int:
    options = {**wish.get("ShipmentServiceOptions", {}), **parcel.get("PackageServiceOptions", {})}
    house = HOUSE if "ResidentialAddressIndicator" in wish["ShipTo"]["Address"] else 0
    worth = Decimal(options.get("DeclaredValue", {}).get("MonetaryValue", "0"))
    return house + (SIGNED if "DeliveryConfirmation" in options else 0) + 125 * max(0, int(worth - 1) // 100)


def _charge(amount: Money) -> dict[str, str]:
    return {"CurrencyCode": amount.currency, "MonetaryValue": amount.text()}


def _due(wish: dict[str, Any], code: str, start: str) -> date:
    """So many days of work from the day of the pickup on."""
    day, left = _date(start), _services(wish)[code][3]
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5
    return day


def _date(said: str) -> date:
    """A day as UPS writes it: 20261118."""
    try:
        return date(int(said[:4]), int(said[4:6]), int(said[6:]))
    except ValueError:
        raise Refusal(400, "111547", "Missing or invalid date") from None


def _name(code: str) -> str:
    return next((table[code][0] for table in (HOME, AWAY, NEAR) if code in table), code)


def _weight_said(wish: dict[str, Any]) -> dict[str, Any]:
    pounds = sum(_pounds(parcel) for parcel in _list(wish["Package"]))
    return {"UnitOfMeasurement": {"Code": "LBS", "Description": "Pounds"}, "Weight": f"{pounds:.1f}"}


def _rated(wish: dict[str, Any], code: str) -> dict[str, Any]:
    listed, ours = _priced(wish, code)
    zero = Money.zero(listed.currency)
    said = {
        "Service": {"Code": code, "Description": ""},
        "RatedShipmentAlert": ALERTED,
        "BillingWeight": _weight_said(wish),
        "TransportationCharges": _charge(listed),
        "ServiceOptionsCharges": _charge(zero),
        "TotalCharges": _charge(listed),
        "RatedPackage": [{"Weight": str(parcel["PackageWeight"]["Weight"])} for parcel in _list(wish["Package"])],
    }
    if "NegotiatedRatesIndicator" in wish.get("ShipmentRatingOptions", {}):
        said["NegotiatedRateCharges"] = {"TotalCharge": _charge(ours)}
    return said


def _transit(wish: dict[str, Any], code: str, start: str) -> dict[str, Any]:
    due, days = _due(wish, code, start), _services(wish)[code][3]
    arrival = {
        "Arrival": {"Date": f"{due:%Y%m%d}", "Time": "230000"},
        "BusinessDaysInTransit": str(days),
        "Pickup": {"Date": start, "Time": "180000"},
        "DayOfWeek": f"{due:%a}".upper(),
    }
    summary = {"Service": {"Description": _name(code)}, "EstimatedArrival": arrival}
    return {"TimeInTransit": {"PickupDate": start, "ServiceSummary": summary}}


def _results(one: dict[str, Any], wish: dict[str, Any]) -> dict[str, Any]:
    """What a purchase gives; of a single parcel UPS tells the thing itself in place of a list."""
    listed, ours = _priced(wish, one["service"])
    charges = {name: _charge(listed) for name in ("TransportationCharges", "TotalCharges")}
    parcels = [
        {
            "TrackingNumber": parcel["tracking"],
            "ServiceOptionsCharges": _charge(Money.zero(listed.currency)),
            "ShippingLabel": _image("ImageFormat", one["form"], parcel["tracking"]),
        }
        for parcel in one["parcels"]
    ]
    said = {
        "ShipmentCharges": {**charges, "ServiceOptionsCharges": _charge(Money.zero(listed.currency))},
        "BillingWeight": _weight_said(wish),
        "ShipmentIdentificationNumber": one["id"],
        "PackageResults": parcels,
    }
    if "NegotiatedRatesIndicator" in wish.get("ShipmentRatingOptions", {}):
        said["NegotiatedRateCharges"] = {"TotalCharge": _charge(ours)}
    if one["invoice"]:
        said["Form"] = {"Code": "01", "Description": "All Requested International Forms", "Image": _image("ImageFormat", "PDF", one["id"])}
    return said


def _activity(step: dict[str, Any], offset: str) -> dict[str, Any]:
    at = datetime.fromisoformat(step["at"])
    local = at + timedelta(hours=int(offset[:3]))
    place = {"city": step["town"], "countryCode": step["country"], "country": step["country"]}
    return {
        "date": f"{local:%Y%m%d}",
        "time": f"{local:%H%M%S}",
        "gmtDate": f"{at:%Y%m%d}",
        "gmtTime": f"{at:%H:%M:%S}",
        "gmtOffset": offset,
        "location": {"address": {name: said for name, said in place.items() if said}},
        "status": {"type": step["type"], "code": step["code"], "statusCode": step["status"], "description": step["words"]},
    }


def _oracle(one: dict[str, Any], parcel: dict[str, Any]) -> dict[str, Any]:
    return {
        "key": one["references"][0] if one["references"] else "",
        "tracking": parcel["tracking"],
        "service": one["service"],
        "voided": one["voided"],
        "price": one["price"],
        "currency": one["currency"],
        "weight_g": parcel["weight_g"],
        "country": one["country"],
        "steps": [step["type"] for step in parcel["steps"]],
    }


def _written(there: dict[str, Any], lines: list[str]) -> dict[str, Any]:
    """An address as UPS writes it: in capitals, the common words short, with four more digits."""
    short = [line.replace("STREET", "ST").replace("AVENUE", "AVE").replace(".", "") for line in lines]
    return {
        "AddressLine": short,
        "PoliticalDivision2": there.get("PoliticalDivision2", "").upper(),
        "PoliticalDivision1": there.get("PoliticalDivision1", ""),
        "PostcodePrimaryLow": there.get("PostcodePrimaryLow", ""),
        "PostcodeExtendedLow": there.get("PostcodeExtendedLow") or "2041",
        "CountryCode": there["CountryCode"],
    }


# ---- numbers and papers


def _tracking_number(account: str, service: str, serial: int) -> str:
    body = f"{account}{service}{serial:07d}"
    return f"1Z{body}{_check_digit(body)}"


def _check_digit(body: str) -> int:
    """Letters count as digits, every other one twice."""
    values = [int(letter) if letter.isdigit() else (ord(letter) - 63) % 10 for letter in body]
    return -(sum(values[::2]) + 2 * sum(values[1::2])) % 10


def _is_number(number: str) -> bool:
    body = number[2:-1]
    whole = len(number) == 18 and number.startswith("1Z") and number.isalnum() and number.isascii() and number == number.upper()
    return whole and number[-1] == str(_check_digit(body))


def _image(how: str, form: str, number: str) -> dict[str, Any]:
    return {how: {"Code": form, "Description": form}, "GraphicImage": base64.b64encode(LABELS[form](number)).decode()}


GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==")
LABELS: dict[str, Callable[[str], bytes]] = {
    "GIF": lambda number: GIF,
    **{form: partial(simulated_papers.label, form, carrier="UPS") for form in ("PNG", "ZPL", "PDF")},
}
