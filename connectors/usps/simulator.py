"""USPS as a WSGI simulator: OAuth, payment authorizations, prices, labels under keys, tracking, addresses, SCAN forms and pickups.

State is plain JSON. A label may be cancelled until its manifest goes to USPS: half past midnight in Chicago after its mailing date, a
quarter of an hour after it stood on a SCAN form, or when it is scanned. After that only a refund can be asked for.
"""

import base64
import hashlib
import json
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Request, Response

from connectors.http import read_json
from connectors.simulation import World, reply
from connectors.usps import HOURLY
from core.errors import BadPayload
from core.ports import Rate

LOGIN = {
    "consumer_key": "crossdock-demo-consumer-key-00000000",
    "consumer_secret": "crossdock-demo-consumer-secret-00000",
    "crid": "40404040",
    "mid": "901234567",
    "manifest_mid": "901234568",
    "account_type": "EPS",
    "account_number": "1000400500",
    "permit_zip": "",
}
LIFE_S, PAYMENT_S, REPRINTS, REFUND_DAYS, LOOK_AHEAD = 28_799, 28_800, 3, 30, 7
CENTRAL = ZoneInfo("America/Chicago")
QUOTA = Rate(HOURLY / 3600, HOURLY)
POUND_G = Decimal("453.59237")
VENDOR = "application/vnd.usps.labels+json"


def several(text: str) -> frozenset[str]:
    return frozenset(text.split())


STATES = several(
    "AA AE AL AK AP AS AZ AR CA CO CT DE DC FM FL GA GU HI ID IL IN IA KS KY LA ME MH MD MA MI MN MS MO MP MT NE NV NH NJ NM NY NC ND OH "
    "OK OR PW PA PR RI SC SD TN TX UT VT VI VA WA WV WI WY"
)
# mail class: service type code, cents at once, cents a pound, cents a pound and zone, days
INLAND: dict[str, tuple[str, int, int, int, int]] = {
    "USPS_GROUND_ADVANTAGE": ("001", 420, 55, 9, 5),
    "PRIORITY_MAIL": ("055", 790, 70, 14, 2),
    "PRIORITY_MAIL_EXPRESS": ("570", 2750, 180, 30, 1),
    "MEDIA_MAIL": ("041", 430, 75, 0, 7),
    "LIBRARY_MAIL": ("042", 410, 70, 0, 7),
    "BOUND_PRINTED_MATTER": ("043", 460, 60, 4, 7),
    "PARCEL_SELECT": ("044", 400, 45, 8, 6),
}
# mail class: first letters of its numbers, cents at once, cents a pound
ABROAD: dict[str, tuple[str, int, int]] = {
    "FIRST-CLASS_PACKAGE_INTERNATIONAL_SERVICE": ("LZ", 1490, 620),
    "PRIORITY_MAIL_INTERNATIONAL": ("CZ", 4380, 710),
    "PRIORITY_MAIL_EXPRESS_INTERNATIONAL": ("EZ", 5760, 830),
}
EXPRESS = ("PRIORITY_MAIL_EXPRESS", "PRIORITY_MAIL_EXPRESS_INTERNATIONAL")
PREPAID = frozenset(["DE", "FR", "GB", "CA", "AU", "NL"])
INDICATORS = several(
    "3D 3N 3R 5D BA BB CP CM DC DE DF DN DR E4 E6 FA FB FE FP FS LC LF LL LO LS NP OS P5 P6 P7 P8 P9 Q6 Q7 Q8 Q9 Q0 PA PL PM PR SN SP SR"
)
ABROAD_INDICATORS = several("E4 E6 FA FB FE FP FS PA PL SP")
CATEGORIES = frozenset(["LETTERS", "FLATS", "MACHINABLE", "IRREGULAR", "NON_MACHINABLE", "NONSTANDARD"])
IMAGES = several("PDF TIFF JPG PNG GIF SVG ZPL203DPI ZPL300DPI EPL300DPI LABEL_BROKER NONE")
FORM_IMAGES = several("PDF TIFF ZPL203DPI ZPL300DPI NONE LABEL_BROKER")
CONTENTS = several(
    "MERCHANDISE GIFT DOCUMENT COMMERCIAL_SAMPLE RETURNED_GOODS OTHER HUMANITARIAN_DONATIONS DANGEROUS_GOODS CREMATED_REMAINS "
    "NON_NEGOTIABLE_DOCUMENT MEDICAL_SUPPLIES PHARMACEUTICALS"
)
NO_WORDS = frozenset(["none", "not applicable", "n/a", "null", "gift", "merchandise"])
FIELDS = {  # of bodies that take no others
    "label": several("imageInfo toAddress fromAddress senderAddress returnAddress packageDescription customsForm"),
    "options": several("pricingOptions originZIPCode destinationZIPCode destinationEntryFacilityType packageDescription shippingFilter"),
    "options abroad": several(
        "pricingOptions originZIPCode foreignPostalCode destinationCountryCode packageDescription shippingFilter requestDutiesTaxesFees "
        "destinationCity destinationState items"
    ),
    "scan form": several(
        "imageInfo form imageType labelType mailingDate overwriteMailingDate entryFacilityZIPCode destinationEntryFacilityType shipment "
        "fromAddress"
    ),
    "pickup": several("pickupDate pickupAddress packages estimatedWeight pickupLocation nextAvailablePickup"),
    "reprint": several("imageInfo"),
}
LIGHT = {"FIRST-CLASS_PACKAGE_INTERNATIONAL_SERVICE": 4}  # pounds
HAPPENS = {
    "pick_up": ("03", "USPS in possession of item", "Accepted"),
    "travel": ("A1", "Arrived at USPS Regional Facility", "In Transit"),
    "bring": ("OF", "Out for Delivery", "Out for Delivery"),
    "deliver": ("01", "Delivered, In/At Mailbox", "Delivered"),
    "fail": ("02", "Notice Left (No Authorized Recipient Available)", "Delivery Attempt"),
    "return": ("09", "Return to Sender", "Return to Sender"),
}
SHORT = {"STREET": "ST", "AVENUE": "AVE", "ROAD": "RD", "DRIVE": "DR", "LANE": "LN", "COURT": "CT", "BOULEVARD": "BLVD", "SUITE": "STE"}


class Refusal(Exception):
    """A refusal in USPS's own shape."""

    def __init__(self, status: int, detail: str, parameter: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.answer = refused(status, detail, parameter, headers)


TITLES = {400: "Bad Request", 401: "Unauthorized", 403: "Access is denied", 404: "Not Found", 429: "Too Many Requests"}


def refused(status: int, detail: str, parameter: str = "", headers: Mapping[str, str] | None = None) -> Response:
    title = TITLES.get(status, "Service Unavailable")
    one: dict[str, Any] = {"status": str(status), "code": f"{status}000", "title": title, "detail": detail}
    if parameter:
        one["source"] = {"parameter": parameter}
    body = {"apiVersion": "v3", "error": {"code": str(status), "message": title, "errors": [one]}}
    return reply(body, status, headers)


def not_there(message: str) -> Response:
    """How the Addresses API says 404: without details."""
    return reply({"apiVersion": "v3", "error": {"code": "404", "message": message, "errors": []}}, 404)


# ---- what is checked


def need(good: object, detail: str, parameter: str) -> None:
    if not good:
        raise Refusal(400, detail, parameter)


def only(body: Mapping[str, Any], kind: str) -> None:
    strangers = sorted(set(body) - FIELDS[kind])
    need(not strangers, f"Unknown fields: {', '.join(strangers)}.", "body")


def number(said: Any, name: str) -> Decimal:
    need(isinstance(said, int | Decimal) and not isinstance(said, bool) and said >= 0, f"{name} is a number of at least 0", name)
    return Decimal(said)


def among(said: Any, choice: Iterable[str], name: str) -> str:
    need(isinstance(said, str) and said in choice, f"{name} is not one of its values", name)
    return str(said)


def a_day(said: Any, name: str) -> date:
    try:
        return date.fromisoformat(said)
    except (TypeError, ValueError):
        raise Refusal(400, f"{name} is a date as YYYY-MM-DD", name) from None


def a_zip(said: Any, name: str) -> str:
    need(isinstance(said, str) and re.fullmatch(r"\d{5}", said, re.A), f"{name} is a ZIP Code of five digits", name)
    need(said not in ("00000", "99999"), f"{name}: there is no such ZIP Code", name)
    return str(said)


def an_object(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    need(isinstance(said.get(name), dict), f"{name} is required", name)
    found: dict[str, Any] = said[name]
    return found


def named(address: Mapping[str, Any], where: str) -> None:
    good = address.get("firm") or (address.get("firstName") and address.get("lastName"))
    need(good, f"{where}: first and last name, or firm, are required", where)


def inland_address(address: Mapping[str, Any], where: str) -> None:
    named(address, where)
    for name, most in (("streetAddress", 50), ("city", 28)):
        need(1 <= len(str(address.get(name) or "")) <= most, f"{where}.{name} has 1 to {most} letters", f"{where}.{name}")
    need(
        len(str(address.get("secondaryAddress") or "")) <= 50,
        f"{where}.secondaryAddress has at most 50 letters",
        f"{where}.secondaryAddress",
    )
    among(address.get("state"), STATES, f"{where}.state")
    a_zip(address.get("ZIPCode"), f"{where}.ZIPCode")


def foreign_address(address: Mapping[str, Any], where: str) -> None:
    named(address, where)
    for name, most in (("streetAddress", 50), ("city", 28)):
        need(1 <= len(str(address.get(name) or "")) <= most, f"{where}.{name} has 1 to {most} letters", f"{where}.{name}")
    need(address.get("country"), f"{where}.country is required", f"{where}.country")
    country = address.get("countryISOAlpha2Code")
    need(isinstance(country, str) and re.fullmatch(r"[A-Z]{2}", country, re.A), f"{where}.countryISOAlpha2Code", where)


def a_parcel(package: Mapping[str, Any]) -> dict[str, Decimal]:
    """Its weight in pounds and its sides in inches, within USPS's limits."""
    pounds = number(package.get("weight"), "weight")
    need(0 < pounds <= 70, "Items must weigh 70 pounds (1120 ounces) or less.", "weight")
    sides = {name: number(package[name], name) for name in ("length", "width", "height") if name in package}
    need(len(sides) in (0, 3), "Length, width and height are required together.", "length")
    if sides:
        girth = sorted(sides.values())
        need(girth[2] + 2 * (girth[0] + girth[1]) <= 130, "Length and girth may be 130 inches together.", "length")
    return {"weight": pounds, **sides}


def customs(form: Mapping[str, Any], *, abroad: bool) -> None:
    among(form.get("customsContentType"), CONTENTS, "customsForm.customsContentType")
    if abroad:
        need(form.get("AESITN"), "customsForm.AESITN is required", "customsForm.AESITN")
    contents = form.get("contents")
    need(isinstance(contents, list) and 1 <= len(contents) <= 30, "customsForm.contents has 1 to 30 items", "customsForm.contents")
    for one in contents or ():
        content(one, abroad=abroad)


def content(one: Mapping[str, Any], *, abroad: bool) -> None:
    words = str(one.get("itemDescription") or "")
    need(1 <= len(words) <= 30 and words.casefold() not in NO_WORDS, "itemDescription describes the item in 30 letters", "itemDescription")
    need(isinstance(one.get("itemQuantity"), int) and 1 <= one["itemQuantity"] <= 9999, "itemQuantity is 1 to 9999", "itemQuantity")
    need(number(one.get("itemTotalValue"), "itemTotalValue") > 0, "itemTotalValue is required", "itemTotalValue")
    need(number(one.get("itemTotalWeight"), "itemTotalWeight") > 0, "itemTotalWeight is required", "itemTotalWeight")
    if abroad:
        need(re.fullmatch(r"[A-Z]{2}", str(one.get("countryofOrigin") or "")), "countryofOrigin is required", "countryofOrigin")
    code = one.get("HSTariffNumber")
    need(code is None or re.fullmatch(r"\.*(?:[A-Za-z\d]\.*){6,14}", str(code)), "HSTariffNumber has 6 to 14 digits", "HSTariffNumber")


# ---- prices


def whole_pounds(parcel: Mapping[str, Decimal], rate: str) -> int:
    """What is charged for: the dimensional weight where the rate goes by size."""
    weight = parcel["weight"]
    if rate == "DR":
        need("length" in parcel, "Length, width and height are required for a dimensional rate.", "length")
        weight = max(weight, parcel["length"] * parcel["width"] * parcel["height"] / 166)
    return int(weight.to_integral_value(ROUND_CEILING))


def zone(origin: str, destination: str) -> int:
    return 1 + min(8, abs(int(origin[:3]) - int(destination[:3])) // 110 + 1)


def postage(mail_class: str, parcel: Mapping[str, Decimal], rate: str, far: int, kind: str) -> int:
    """Cents. `far` is the zone, or abroad the price group."""
    if rate in ("FB", "FE", "FS", "FP", "PL"):
        return 1960
    if mail_class in ABROAD:
        _, once, pound = ABROAD[mail_class]
        cents = once + whole_pounds(parcel, rate) * (pound + 10 * far)
    else:
        _, once, pound, by_zone, _ = INLAND[mail_class]
        cents = once + whole_pounds(parcel, rate) * (pound + by_zone * far)
    cents -= 45 if rate == "CP" else 0
    return cents * 5 // 4 if kind == "RETAIL" else cents * 19 // 20 if kind == "CONTRACT" else cents


def group(country: str) -> int:
    return 1 + sum(country.encode()) % 17


def amount(cents: int) -> float:
    """A JSON number as USPS writes it."""
    return cents / 100


def extras(asked: Any, value: Decimal) -> list[dict[str, Any]]:
    need(isinstance(asked, list) and len(asked) <= 5, "extraServices has at most 5", "extraServices")
    known: dict[int, tuple[str, int]] = {
        921: ("Signature Confirmation", 395),
        930: ("Insurance <= $500", 280 + int(value) // 100 * 60),
        931: ("Insurance > $500", 900 + int(value) // 100 * 110),
        920: ("USPS Tracking", 0),
    }
    for one in asked:
        need(one in known, "extraServices: this service is not offered for it", "extraServices")
    return [{"id": one, "name": known[one][0], "cents": known[one][1]} for one in asked]


# ---- numbers and papers


def impb(digits: str) -> str:
    """With its check digit: threes and ones from the right, up to the next ten (USPS Publication 199)."""
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def s10(letters: str, serial: int) -> str:
    """An international number with its check digit (UPU S10)."""
    digits = f"{serial:08d}"
    check = 11 - sum(int(digit) * weight for digit, weight in zip(digits, (8, 6, 4, 2, 3, 5, 9, 7), strict=True)) % 11
    return f"{letters}{digits}{ {10: 0, 11: 5}.get(check, check) }US"


def pdf(text: str) -> bytes:
    """A page of 4 by 6 inches with a line on it."""
    stream = f"BT /F1 14 Tf 20 380 Td ({text}) Tj ET".encode("latin-1", "replace")
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 288 432]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>",
        b"<</Length %d>>\nstream\n%b\nendstream" % (len(stream), stream),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body, places = b"%PDF-1.4\n", []
    for place, one in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (place, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end


def png(text: str) -> bytes:
    """Bars, one for each bit of the text, in black and white."""
    bits = [bit for byte in text.encode() for bit in f"{byte:08b}"]
    row = b"\0" + b"".join(b"\0" if bit == "1" else b"\xff" for bit in bits)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", len(bits), 60, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(row * 60)) + chunk(b"IEND", b"")


def printed(kind: str, text: str) -> str:
    """A document in base64."""
    made = {"PDF": pdf, "PNG": png}.get(kind, lambda said: f"^XA^FO40,40^A0N,36,36^FD{said}^FS^XZ".encode())
    return base64.b64encode(made(text)).decode()


def in_parts(metadata: Mapping[str, Any], about: str, papers: Mapping[str, str]) -> Response:
    """How USPS answers unless asked for its own JSON: metadata, then each document in base64."""
    edge = "----usps-simulator"
    head = f'--{edge}\r\nContent-Disposition: form-data; name="{about}"\r\nContent-Type: application/json\r\n\r\n'
    text = head + json.dumps(metadata) + "\r\n"
    for name, content in papers.items():
        text += f'--{edge}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.bin"\r\n'
        text += f"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n{content}\r\n"
    return Response(text + f"--{edge}--\r\n", 200, content_type=f'multipart/form-data; boundary="{edge}"')


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Sale:
    """What is sold. `far` is the zone, abroad the price group; `landed` the duties that are paid with the label."""

    body: Mapping[str, Any]
    package: Mapping[str, Any]
    parcel: Mapping[str, Decimal]
    abroad: bool
    country: str
    far: int
    cents: int
    asked: Sequence[Mapping[str, Any]]
    landed: Mapping[str, Any] | None

    @property
    def mail_class(self) -> str:
        return str(self.package["mailClass"])

    @property
    def price(self) -> str:
        total = self.cents + sum(one["cents"] for one in self.asked) + (landed_cents(self.landed) if self.landed else 0)
        return f"{total // 100}.{total % 100:02d}"


def sold(body: Mapping[str, Any], package: Mapping[str, Any], *, abroad: bool) -> Sale:
    parcel, mail_class, to = a_parcel(package), package["mailClass"], body["toAddress"]
    need(parcel["weight"] <= LIGHT.get(mail_class, 70), "The parcel is too heavy for this mail class.", "weight")
    country = str(to["countryISOAlpha2Code"]) if abroad else "US"
    far = group(country) if abroad else zone(body["fromAddress"]["ZIPCode"], to["ZIPCode"])
    cents = postage(mail_class, parcel, package["rateIndicator"], far, "COMMERCIAL")
    asked = extras(package.get("extraServices", []), number(an_options(package).get("packageValue", 0), "packageValue"))
    landed = prepaid(body) if abroad and package.get("prepayDutiesTaxesFees") and country in PREPAID else None
    return Sale(body, package, parcel, abroad, country, far, cents, asked, landed)


def image_of(body: Mapping[str, Any]) -> Any:
    return (body.get("imageInfo") or {}).get("imageType", "PDF")


Serve = Callable[["Simulator", Request, tuple[str, ...]], Response]


class Simulator:
    name = "usps"

    def __init__(self, world: World) -> None:
        self.world = world
        self.state: dict[str, Any] = {
            "tokens": {},
            "payments": {},
            "labels": [],
            "keys": {},
            "forms": [],
            "pickups": {},
            "serial": 0,
        }

    # ---- the protocol

    def credentials(self, base: str) -> dict[str, Any]:
        return {"account": LOGIN["crid"], "app": {}, "login": dict(LOGIN), "settings": {"api_url": base}}

    def operation(self, request: Request) -> str | None:
        found = self._route(request)
        return found[0] if found else "unknown"

    def answer(self, request: Request, operation: str | None) -> Response:
        found = self._route(request)
        if found is None:
            return refused(404, "There is no such resource.")
        _, api, serve, named_ = found
        try:
            self._admit(request, api)
            return serve(self, request, named_)
        except Refusal as refusal:
            return refusal.answer
        except BadPayload:
            return refused(400, "The request body cannot be read.")

    def fault(self, kind: str, operation: str | None) -> Response:
        if kind == "401":
            return refused(401, "The access token is invalid or has expired.", headers={"WWW-Authenticate": 'Bearer realm="USPS"'})
        if kind == "429":
            return refused(429, "Too many requests.", headers={"Retry-After": "60"})
        return refused(503, "Service is unavailable.")

    def parcels(self) -> list[dict[str, Any]]:
        return [self._seen(label) for label in self.state["labels"]]

    def _seen(self, label: Mapping[str, Any]) -> dict[str, Any]:
        kept = {name: label[name] for name in ("key", "tracking", "service", "price", "weight_g", "country")}
        gone = label["voided"] or label["dispute"] is not None
        return {**kept, "voided": gone, "currency": "USD", "steps": [event["eventType"] for event in label["events"]]}

    def move(self, tracking: str, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        label = self._label(tracking)
        if label is None:
            raise NotFound
        if what not in HAPPENS:
            raise BadRequest(f"what is one of {', '.join(HAPPENS)}")
        if label["voided"]:
            raise BadRequest("the label is cancelled")
        code, words, category = HAPPENS[what]
        town, country = str(wish.get("town") or label["town"]), str(wish.get("country") or "US")
        label["events"].append(self._event(code, words, town, country))
        label["category"] = category
        return self._seen(label)

    def _route(self, request: Request) -> tuple[str, str, Serve, tuple[str, ...]] | None:
        path = request.path.removeprefix(f"/{self.name}")
        for method, pattern, operation, api, serve in ROUTES:
            if method == request.method and (found := re.fullmatch(pattern, path)):
                return operation, api, serve, tuple(found.groups())
        return None

    def _admit(self, request: Request, api: str) -> None:
        wait_s = self.world.take(api, QUOTA)
        if wait_s:
            raise Refusal(
                429, "Too many requests have been received in a short amount of time.", headers={"Retry-After": str(int(wait_s) + 1)}
            )
        if api != "oauth" and not self._holds("tokens", request.headers.get("Authorization", "").removeprefix("Bearer ")):
            raise Refusal(401, "The access token is invalid or has expired.", headers={"WWW-Authenticate": 'Bearer realm="USPS"'})

    def _holds(self, kind: str, token: str) -> bool:
        return token in self.state[kind] and datetime.fromisoformat(self.state[kind][token]) > self.world.clock()

    def _fresh(self, kind: str, seconds: int) -> str:
        token = f"{kind}-{self.world.random.getrandbits(128):032x}"
        self.state[kind][token] = (self.world.clock() + timedelta(seconds=seconds)).isoformat()
        return token

    def _body(self, request: Request) -> dict[str, Any]:
        said = read_json(request.get_data())
        need(isinstance(said, dict), "The body is an object.", "body")
        return dict(said)

    def _paying(self, request: Request) -> None:
        token = request.headers.get("X-Payment-Authorization-Token", "")
        need(self._holds("payments", token), "The payment authorization is missing or has expired.", "X-Payment-Authorization-Token")

    def _today(self) -> date:
        return self.world.clock().astimezone(CENTRAL).date()

    def _serial(self) -> int:
        self.state["serial"] += 1
        return int(self.state["serial"])

    def _label(self, tracking: str) -> dict[str, Any] | None:
        return next((one for one in self.state["labels"] if one["tracking"] == tracking), None)

    def _event(self, code: str, words: str, town: str, country: str) -> dict[str, Any]:
        at = self.world.clock()
        local = at.astimezone(CENTRAL)
        offset = f"{local:%z}"
        event = {"eventType": words, "eventTimestamp": f"{local:%Y-%m-%dT%H:%M:%S}", "GMTTimestamp": stamp(at), "eventCity": town.upper()}
        abroad = {} if country == "US" else {"eventCountry": country}
        return {**event, **abroad, "GMTOffset": f"{offset[:3]}:{offset[3:]}", "eventCode": code}

    # ---- tokens

    def _token(self, request: Request, _: tuple[str, ...]) -> Response:
        form = request.form if request.mimetype == "application/x-www-form-urlencoded" else self._body(request)
        said = [form.get(name) for name in ("grant_type", "client_id", "client_secret")]
        if said != ["client_credentials", LOGIN["consumer_key"], LOGIN["consumer_secret"]]:
            return reply({"error": "invalid_client", "error_description": "Client credentials are invalid."}, 401)
        shown = {"token_type": "Bearer", "issued_at": str(int(self.world.clock().timestamp() * 1000)), "status": "approved"}
        return reply({**shown, "access_token": self._fresh("tokens", LIFE_S), "expires_in": LIFE_S, "scope": "labels tracking"})

    def _authorize(self, request: Request, _: tuple[str, ...]) -> Response:
        roles = self._body(request).get("roles")
        need(isinstance(roles, list) and roles, "roles is required", "roles")
        by_name = {one.get("roleName"): one for one in roles or []}
        need({"PAYER", "LABEL_OWNER"} <= set(by_name), "The PAYER and LABEL_OWNER roles are required.", "roles")
        payer, owner = by_name["PAYER"], by_name["LABEL_OWNER"]
        among(payer.get("accountType"), ("EPS", "PERMIT", "METER", "OMAS"), "accountType")
        need(payer.get("accountNumber") == LOGIN["account_number"], "The payment account is not active.", "accountNumber")
        known = all(owner.get(name) == LOGIN[ours] for name, ours in (("CRID", "crid"), ("MID", "mid"), ("manifestMID", "manifest_mid")))
        need(known, "The CRID, MID and manifestMID do not belong together.", "MID")
        return reply({"paymentAuthorizationToken": self._fresh("payments", PAYMENT_S), "roles": roles})

    # ---- prices

    def _options(self, request: Request, _: tuple[str, ...]) -> Response:
        body = self._body(request)
        only(body, "options abroad" if "destinationCountryCode" in body else "options")
        package = an_object(body, "packageDescription")
        for name in ("weight", "length", "width", "height"):
            need(name in package, f"packageDescription.{name} is required", name)
        prices = body.get("pricingOptions")
        need(isinstance(prices, list) and prices, "pricingOptions is required", "pricingOptions")
        parcel, abroad = a_parcel(package), "destinationCountryCode" in body
        offers = self._foreign_offers if abroad else self._inland_offers
        options = [{"shippingOptions": offers(body, parcel, self._kind(one)), **one} for one in prices or []]
        place = (
            {"destinationCountryCode": body["destinationCountryCode"]} if abroad else {"destinationZIPCode": body.get("destinationZIPCode")}
        )
        return reply({"originZIPCode": body.get("originZIPCode"), **place, "pricingOptions": options})

    def _kind(self, option: Mapping[str, Any]) -> str:
        kind = among(option.get("priceType", "COMMERCIAL"), ("RETAIL", "COMMERCIAL", "CONTRACT"), "priceType")
        if kind == "CONTRACT":
            an_object(option, "paymentAccount")
        return kind

    def _inland_offers(self, body: Mapping[str, Any], parcel: Mapping[str, Decimal], kind: str) -> list[dict[str, Any]]:
        package = body["packageDescription"]
        far = zone(a_zip(body.get("originZIPCode"), "originZIPCode"), a_zip(body.get("destinationZIPCode"), "destinationZIPCode"))
        among(package.get("mailClass"), {*INLAND, "ALL", "ALL_OUTBOUND"}, "mailClass")
        offered = []
        for mail_class in INLAND:
            rates = [self._rate(mail_class, parcel, rate, far, kind, package) for rate in packings(mail_class, parcel)]
            offered.append({"mailClass": mail_class, "rateOptions": rates})
        return offered

    def _foreign_offers(self, body: Mapping[str, Any], parcel: Mapping[str, Decimal], kind: str) -> list[dict[str, Any]]:
        a_zip(body.get("originZIPCode"), "originZIPCode")
        country = str(body["destinationCountryCode"])
        need(re.fullmatch(r"[A-Z]{2}", country), "destinationCountryCode has two letters", "destinationCountryCode")
        offered = []
        for mail_class in ABROAD:
            if parcel["weight"] > LIGHT.get(mail_class, 70):
                continue
            rate = self._rate(mail_class, parcel, "PA" if mail_class in EXPRESS else "SP", group(country), kind, body["packageDescription"])
            if body.get("requestDutiesTaxesFees") and country in PREPAID:
                rate["dutiesTaxesFeesQuote"] = duties(body.get("items"))
            offered.append({"mailClass": mail_class, "rateOptions": [rate]})
        return offered

    def _rate(
        self, mail_class: str, parcel: Mapping[str, Decimal], rate: str, far: int, kind: str, package: Mapping[str, Any]
    ) -> dict[str, Any]:
        cents = postage(mail_class, parcel, rate, far, kind)
        entry = "DESTINATION_DELIVERY_UNIT" if mail_class == "PARCEL_SELECT" else "NONE"
        shown = {"description": mail_class.replace("_", " ").title(), "priceType": kind, "price": amount(cents), "zone": f"{far:02d}"}
        how = {"processingCategory": "MACHINABLE", "rateIndicator": rate, "destinationEntryFacilityType": entry, "mailClass": mail_class}
        asked = extras(package.get("extraServices", []), number(package.get("packageValue", 0), "packageValue"))
        listed = [{"extraService": str(one["id"]), "name": one["name"], "price": amount(one["cents"])} for one in asked]
        total = {"totalPrice": amount(cents + sum(one["cents"] for one in asked))} if asked else {}
        priced = {"totalBasePrice": amount(cents), **total, "rates": [{**shown, **how, "fees": []}], "extraServices": listed}
        return {**self._commitment(mail_class, package.get("mailingDate")), **priced}

    def _commitment(self, mail_class: str, mailed: Any) -> dict[str, Any]:
        if mail_class not in INLAND:
            return {}
        days = INLAND[mail_class][4]
        day = (a_day(mailed, "mailingDate") if mailed else self._today()) + timedelta(days=days)
        known = {"expectedDeliveryDate": day.isoformat(), "guaranteedDelivery": False}
        return {"commitment": {"name": f"{days} Day{'s' if days > 1 else ''}", "scheduleDeliveryDate": day.isoformat(), **known}}

    # ---- labels

    def _create(self, request: Request, _: tuple[str, ...]) -> Response:
        return self._sell(request, abroad=False)

    def _create_abroad(self, request: Request, _: tuple[str, ...]) -> Response:
        return self._sell(request, abroad=True)

    def _sell(self, request: Request, *, abroad: bool) -> Response:
        self._paying(request)
        body, key = self._body(request), self._key(request)
        digest = hashlib.sha256(request.get_data()).hexdigest()
        known = self.state["keys"].get(key)
        if known is None:
            label = self._made(body, key, abroad=abroad)
            self.state["labels"].append(label)
            self.state["keys"][key] = {"digest": digest, "tracking": label["tracking"]}
        else:
            need(known["digest"] == digest, "The idempotency key was used with another request.", "X-Idempotency-Key")
        sold = self._label(self.state["keys"][key]["tracking"]) or {}
        return self._shown(request, sold, 201 if abroad else 200)

    def _key(self, request: Request) -> str:
        """As 32 digits. A purchase without a key is one of its own."""
        said = request.headers.get("X-Idempotency-Key") or str(UUID(int=self.world.random.getrandbits(128)))
        try:
            need(str(UUID(said)) == said.lower(), "The idempotency key is a UUID.", "X-Idempotency-Key")
        except ValueError:
            raise Refusal(400, "The idempotency key is a UUID.", "X-Idempotency-Key") from None
        return said.replace("-", "").lower()

    def _made(self, body: Mapping[str, Any], key: str, *, abroad: bool) -> dict[str, Any]:
        """A label as it is remembered."""
        sale = sold(body, self._checked(body, abroad=abroad), abroad=abroad)
        tracking, town = self._number(sale), str(body["fromAddress"]["city"])
        metadata = self._metadata(sale, tracking)
        kept = {"key": key, "tracking": tracking, "service": sale.mail_class, "abroad": abroad, "price": sale.price, "town": town}
        about = {"weight_g": int(sale.parcel["weight"] * POUND_G), "country": sale.country, "zip": body["fromAddress"]["ZIPCode"]}
        days = {"mailing_date": sale.package["mailingDate"], "made_on": self._today().isoformat()}
        shown = {"image": image_of(body), "metadata": metadata, "expected": metadata.get("commitment", {}).get("expectedDeliveryDate")}
        begun = {"voided": False, "dispute": None, "form_at": None, "reprints": 0, "category": "Pre-Shipment"}
        first = self._event("GX", "Shipping Label Created, USPS Awaiting Item", town, "US")
        return {**kept, **about, **days, **shown, **begun, "events": [first]}

    def _number(self, sale: Sale) -> str:
        serial = self._serial()
        if sale.abroad:
            return s10(ABROAD[sale.mail_class][0], serial)
        return impb(f"94{INLAND[sale.mail_class][0]}{LOGIN['mid']}{serial:07d}")

    def _checked(self, body: Mapping[str, Any], *, abroad: bool) -> dict[str, Any]:
        """Everything that USPS refuses before it looks at prices."""
        only(body, "label")
        inland_address(an_object(body, "fromAddress"), "fromAddress")
        (foreign_address if abroad else inland_address)(an_object(body, "toAddress"), "toAddress")
        package = an_object(body, "packageDescription")
        among(package.get("mailClass"), ABROAD if abroad else INLAND, "packageDescription.mailClass")
        among(package.get("rateIndicator"), ABROAD_INDICATORS if abroad else INDICATORS, "packageDescription.rateIndicator")
        among(package.get("processingCategory"), CATEGORIES, "packageDescription.processingCategory")
        among(package.get("destinationEntryFacilityType"), ("NONE", "INTERNATIONAL_SERVICE_CENTER"), "destinationEntryFacilityType")
        ahead = (a_day(package.get("mailingDate"), "mailingDate") - self._today()).days
        need(0 <= ahead <= LOOK_AHEAD, "mailingDate is today or up to 7 days in advance.", "mailingDate")
        self._check_services(package, abroad=abroad)
        self._check_paper(body, abroad=abroad)
        return package

    def _check_services(self, package: Mapping[str, Any], *, abroad: bool) -> None:
        asked = package.get("extraServices", [])
        if 930 in asked or 931 in asked:
            need("packageValue" in an_options(package), "packageValue is required for insurance.", "packageValue")
        if {921, 931} & set(asked) and not abroad:
            need("physicalSignatureRequired" in package, "physicalSignatureRequired is required.", "physicalSignatureRequired")
        if abroad:
            need(921 not in asked, "extraServices: 921 is not offered abroad", "extraServices")

    def _check_paper(self, body: Mapping[str, Any], *, abroad: bool) -> None:
        form = body.get("customsForm")
        if abroad:
            need(isinstance(form, dict), "customsForm is required", "customsForm")
        if isinstance(form, dict):
            customs(form, abroad=abroad)
        among(image_of(body), FORM_IMAGES if abroad or form else IMAGES, "imageInfo.imageType")

    def _metadata(self, sale: Sale, tracking: str) -> dict[str, Any]:
        common = {"labelAddress": sale.body["toAddress"], "postage": amount(sale.cents), "weightUOM": "lb", "fees": []}
        common["weight"] = float(sale.parcel["weight"])
        return {**common, **(self._foreign_metadata if sale.abroad else self._inland_metadata)(sale, tracking)}

    def _foreign_metadata(self, sale: Sale, tracking: str) -> dict[str, Any]:
        listed = [{"serviceID": str(one["id"]), "serviceName": one["name"], "price": amount(one["cents"])} for one in sale.asked]
        mine = {"internationalTrackingNumber": tracking, "constructCode": "I01", "internationalPriceGroup": f"{sale.far:02d}"}
        landed = {"prepaidDutiesTaxesFees": sale.landed} if sale.landed else {}
        return {**mine, **landed, "extraServices": listed, "mailingDate": sale.package["mailingDate"], "SKU": "IXXX0XXXXC00000"}

    def _inland_metadata(self, sale: Sale, tracking: str) -> dict[str, Any]:
        listed = [{"name": one["name"], "price": amount(one["cents"]), "SKU": "DXXX0XXXXC00000"} for one in sale.asked]
        mine = {"trackingNumber": tracking, "routingInformation": f"420{sale.body['toAddress']['ZIPCode']}", "constructCode": "C03"}
        when = {"mailingDate": f"{sale.package['mailingDate']}T22:00:00Z", "zone": f"{sale.far:02d}", "SKU": "DXXX0XXXXC00000"}
        commitment = self._commitment(sale.mail_class, sale.package["mailingDate"])
        commitment["commitment"].pop("guaranteedDelivery")
        return {**mine, **when, "extraServices": listed, **commitment}

    def _shown(self, request: Request, label: Mapping[str, Any], status: int) -> Response:
        image = printed(label["image"], f"USPS {label['tracking']}")
        if VENDOR in request.headers.get("Accept", ""):
            return Response(json.dumps({**label["metadata"], "labelImage": image}), status, content_type=VENDOR)
        return in_parts(label["metadata"], "labelMetadata", {"labelImage": image})

    # ---- giving back, printing again

    def _cancel(self, request: Request, named_: tuple[str, ...]) -> Response:
        self._paying(request)
        label = self._label(named_[0])
        if label is None:
            raise Refusal(404, "There is no such label.", "trackingNumber")
        need(not label["voided"], "The label has already been canceled.", "trackingNumber")
        if not self._manifested(label):
            label["voided"] = True
            return reply({"trackingNumber": label["tracking"], "status": "CANCELED"})
        return self._dispute(label)

    def _dispute(self, label: dict[str, Any]) -> Response:
        submitted = "A refund request for this order has already been submitted"
        if label["dispute"] is not None:
            raise Refusal(400, submitted + (" today" if label["dispute"] == self._today().isoformat() else ""), "trackingNumber")
        late = self._today() - date.fromisoformat(label["made_on"]) > timedelta(days=REFUND_DAYS)
        need(not late and len(label["events"]) == 1, "A refund request for this order cannot be submitted", "trackingNumber")
        label["dispute"] = self._today().isoformat()
        return reply({"trackingNumber": label["tracking"], "status": "DISPUTED", "disputeId": str(100_000 + self._serial())})

    def _manifested(self, label: Mapping[str, Any]) -> bool:
        """Whether its electronic data went to USPS, which cannot be taken back."""
        night = datetime.combine(date.fromisoformat(label["mailing_date"]) + timedelta(days=1), time(0, 30), CENTRAL)
        formed = label["form_at"] and self.world.clock() >= datetime.fromisoformat(label["form_at"]) + timedelta(minutes=15)
        return bool(len(label["events"]) > 1 or formed or self.world.clock() >= night)

    def _reprint(self, request: Request, named_: tuple[str, ...]) -> Response:
        self._paying(request)
        label = self._label(named_[0])
        if label is None:
            raise Refusal(404, "There is no such label.", "trackingNumber")
        need(not label["voided"] and label["dispute"] is None, "Canceled labels are not eligible for reprint.", "trackingNumber")
        need(
            self._today() <= date.fromisoformat(label["mailing_date"]),
            "Labels can only be reprinted up to the mailing date.",
            "mailingDate",
        )
        need(label["reprints"] < REPRINTS, "Labels can only be reprinted up to 3 times.", "trackingNumber")
        body = self._body(request)
        only(body, "reprint")
        images = FORM_IMAGES if label["abroad"] else IMAGES
        kind = among(image_of(body), images, "imageInfo.imageType")
        label["reprints"] += 1
        return self._shown_again(request, label, printed(kind, f"USPS {label['tracking']} reprint {label['reprints']}"))

    def _shown_again(self, request: Request, label: Mapping[str, Any], image: str) -> Response:
        count = {"reprintNumber": label["reprints"], "reprintLimit": REPRINTS}
        if VENDOR in request.headers.get("Accept", ""):
            body = {"labelMetadata": label["metadata"], "labelImage": image, "reprintInfo": count}
            return Response(json.dumps(body), 200, content_type=VENDOR)
        return in_parts(label["metadata"], "labelMetadata", {"labelImage": image})

    # ---- tracking, addresses

    def _track(self, request: Request, named_: tuple[str, ...]) -> Response:
        label = self._label(named_[0])
        if label is None:
            raise Refusal(404, "The tracking number may be incorrect or the status update is not yet available.", "trackingNumber")
        need(request.args.get("expand") == "DETAIL", "Only expand=DETAIL is simulated.", "expand")
        last = label["events"][-1]
        state = {
            "status": last["eventType"],
            "statusCategory": label["category"],
            "statusSummary": f"{last['eventType']}, {last['eventCity']}",
        }
        expected = {"predictedDeliveryDate": label["expected"]} if label["expected"] else {}
        return reply({"trackingNumber": label["tracking"], **state, **expected, "trackingEvents": label["events"][::-1]})

    def _address(self, request: Request, _: tuple[str, ...]) -> Response:
        """NOWHERE in a street: there is none; SEVERAL: too many; TOWER: a house with apartments."""
        said = request.args
        street, second = said.get("streetAddress", "").upper(), said.get("secondaryAddress", "").upper()
        need(street and (said.get("city") or said.get("ZIPCode")), "A street and a city or a ZIP Code are required.", "streetAddress")
        if said.get("state") not in STATES:
            return not_there("The state code in the request is missing or invalid.")
        if "NOWHERE" in street:
            return not_there("The address requested is an invalid delivery address.")
        if "SEVERAL" in street:
            return not_there("More than one address was found matching the requested address.")
        return reply(standard(street, second, said))

    # ---- end of day, pickup

    def _scan_form(self, request: Request, _: tuple[str, ...]) -> Response:
        body = self._body(request)
        numbers = self._form_of(body)
        manifest = impb(f"9475{LOGIN['mid']}{self._serial():08d}")
        self.state["forms"].append({"number": manifest, "labels": numbers})
        metadata = {**body, "manifestNumber": manifest, "trackingNumbers": numbers}
        image = printed("PDF", f"USPS SCAN form {manifest}")
        if VENDOR in request.headers.get("Accept", ""):
            return Response(json.dumps({**metadata, "SCANFormImage": image}), 200, content_type=VENDOR)
        return in_parts(metadata, "SCANFormMetaData", {"SCANFormImage": image})

    def _form_of(self, body: Mapping[str, Any]) -> list[str]:
        """The labels that stand on this form from now on; none where one of them may not."""
        only(body, "scan form")
        numbers: list[str] = an_object(body, "shipment").get("trackingNumbers") or []
        need(isinstance(numbers, list) and numbers, "shipment.trackingNumbers is required", "shipment")
        day = a_day(body.get("mailingDate"), "mailingDate")
        need(day >= self._today(), "mailingDate is today or later", "mailingDate")
        entry = a_zip(body.get("entryFacilityZIPCode"), "entryFacilityZIPCode")
        inland_address(an_object(body, "fromAddress"), "fromAddress")
        for label in [self._formed(tracking, day, entry, bool(body.get("overwriteMailingDate"))) for tracking in numbers]:
            label.update(form_at=self.world.clock().isoformat(), mailing_date=day.isoformat())
        return numbers

    def _formed(self, tracking: str, day: date, entry: str, overwrite: bool) -> dict[str, Any]:
        label = self._label(tracking)
        if label is None or label["voided"] or label["dispute"] is not None:
            raise Refusal(400, "A tracking number is not eligible for a SCAN form.", "trackingNumbers")
        need(label["form_at"] is None, "A label is on a SCAN form already.", "trackingNumbers")
        need(overwrite or label["mailing_date"] == day.isoformat(), "All labels must have the same mailingDate.", "mailingDate")
        need(label["zip"] == entry, "All labels must have the same entryFacilityZIPCode.", "entryFacilityZIPCode")
        return label

    def _schedule(self, request: Request, _: tuple[str, ...]) -> Response:
        body = self._body(request)
        only(body, "pickup")
        day, address = a_day(body.get("pickupDate"), "pickupDate"), an_object(body, "pickupAddress")
        need(address.get("firstName") and address.get("lastName"), "pickupAddress: first and last name are required", "pickupAddress")
        where = an_object(address, "address")
        need(where.get("streetAddress") and where.get("ZIPCode"), "pickupAddress.address is incomplete", "pickupAddress")
        need(an_object(body, "pickupLocation").get("packageLocation"), "pickupLocation.packageLocation is required", "pickupLocation")
        need(body.get("packages"), "packages is required", "packages")
        number(body.get("estimatedWeight"), "estimatedWeight")
        self._open_day(day)
        place = [day.isoformat(), where["streetAddress"], where["ZIPCode"]]
        standing = [one["place"] for one in self.state["pickups"].values() if not one["cancelled"]]
        need(place not in standing, "A pickup is already scheduled at this address for that day.", "pickupDate")
        name = f"WTC{self._serial():09d}"
        self.state["pickups"][name] = {"place": place, "cancelled": False, "version": 1, "body": json.loads(request.get_data())}
        return self._pickup_of(name, [])

    def _open_day(self, day: date) -> None:
        now = self.world.clock().astimezone(CENTRAL)
        first = now.date() + timedelta(days=0 if now.hour < 2 else 1)
        need(first <= day <= now.date() + timedelta(days=365), "Same-day pickup is not available after 2:00 AM CT.", "pickupDate")
        need(day.weekday() != 6, "There is no pickup on Sundays.", "pickupDate")

    def _pickup_of(self, name: str, within: list[Any] | None) -> Response:
        """The pickup with its entity tag; in a list where it is read."""
        one = self.state["pickups"][name]
        shown = {"confirmationNumber": name, "pickupDate": one["place"][0], "carrierPickupRequest": one["body"]}
        return reply(shown if within is not None else [shown], headers={"ETag": self._tag(name)})

    def _tag(self, name: str) -> str:
        return hashlib.sha1(f"{name} {self.state['pickups'][name]['version']}".encode(), usedforsecurity=False).hexdigest()

    def _get_pickup(self, request: Request, named_: tuple[str, ...]) -> Response:
        one = self.state["pickups"].get(named_[0])
        if one is None or one["cancelled"]:
            raise Refusal(404, "There is no such pickup.", "confirmationNumber")
        return self._pickup_of(named_[0], None)

    def _cancel_pickup(self, request: Request, named_: tuple[str, ...]) -> Response:
        one = self.state["pickups"].get(named_[0])
        need(one is not None and not one["cancelled"], "The pickup can no longer be cancelled.", "confirmationNumber")
        need(request.headers.get("If-Match") == self._tag(named_[0]), "If-Match is not the pickup's entity tag.", "If-Match")
        self.state["pickups"][named_[0]]["cancelled"] = True
        return Response("", 200)


def an_options(package: Mapping[str, Any]) -> Mapping[str, Any]:
    said = package.get("packageOptions")
    return said if isinstance(said, dict) else {}


def packings(mail_class: str, parcel: Mapping[str, Decimal]) -> list[str]:
    """The rate indicators under which a parcel may go."""
    volume = parcel["length"] * parcel["width"] * parcel["height"]
    own = "PA" if mail_class in EXPRESS else "DR" if volume > 1728 and mail_class in ("PRIORITY_MAIL", "USPS_GROUND_ADVANTAGE") else "SP"
    cubic = mail_class in ("PRIORITY_MAIL", "USPS_GROUND_ADVANTAGE") and volume <= 864 and parcel["weight"] <= 20
    return [own, *(["CP"] if cubic else []), *(["FB"] if mail_class == "PRIORITY_MAIL" else [])]


def duties(items: Any) -> dict[str, Any]:
    need(isinstance(items, list) and items, "items is required", "items")
    quoted = []
    for one in items:
        cents = int(number(one.get("itemValue"), "itemValue") * number(one.get("itemQuantity"), "itemQuantity") * 100)
        quoted.append({"itemId": one.get("itemId"), "dutyPrice": amount(cents // 20), "taxPrice": amount(cents // 5)})
    return {"packageFee": 5.0, "itemQuotes": quoted}


def prepaid(body: Mapping[str, Any]) -> dict[str, Any]:
    """What duties and taxes cost that are paid with the label."""
    costs = []
    for one in body["customsForm"]["contents"]:
        cents = int(number(one["itemTotalValue"], "itemTotalValue") * 100)
        costs.append({"itemDescription": one["itemDescription"], "dutyPrice": amount(cents // 20), "taxPrice": amount(cents // 5)})
    return {"packageFee": 5.0, "itemCosts": costs}


def landed_cents(landed: Mapping[str, Any]) -> int:
    prices = [landed["packageFee"], *(one[name] for one in landed["itemCosts"] for name in ("dutyPrice", "taxPrice"))]
    return sum(round(price * 100) for price in prices)


def standard(street: str, second: str, said: Mapping[str, str]) -> dict[str, Any]:
    """An address as USPS writes it."""
    short = " ".join(SHORT.get(word, word) for word in street.split())
    five = said.get("ZIPCode") or "12345"
    where = {"streetAddress": short, "secondaryAddress": second, "city": said.get("city", "ANYTOWN").upper(), "state": said["state"]}
    missing = "TOWER" in street and not second
    more = {
        "DPVConfirmation": "D" if missing else "Y",
        "business": "Y" if said.get("firm") else "N",
        "vacant": "N",
        "centralDeliveryPoint": "N",
    }
    note = {"code": "32", "text": "Default address: more information is needed (such as an apartment, suite, or box number)."}
    match = {"code": "31", "text": "Single Response - exact match"}
    plus = f"{zlib.crc32((short + second).encode()) % 9000 + 1000}"
    listed = {"corrections": [note], "matches": []} if missing else {"corrections": [], "matches": [match]}
    return {"firm": said.get("firm", ""), "address": {**where, "ZIPCode": five, "ZIPPlus4": plus}, "additionalInfo": more, **listed}


NUMBER = r"([A-Za-z0-9]+)"
ROUTES: tuple[tuple[str, str, str, str, Serve], ...] = (
    ("POST", r"/oauth2/v3/token", "token", "oauth", Simulator._token),
    ("POST", r"/payments/v3/payment-authorization", "authorizePayment", "payments", Simulator._authorize),
    ("POST", r"/shipments/v3/options/search", "searchOptions", "shipments", Simulator._options),
    ("POST", r"/labels/v3/label", "createLabel", "labels", Simulator._create),
    ("DELETE", rf"/labels/v3/label/{NUMBER}", "cancelLabel", "labels", Simulator._cancel),
    ("POST", rf"/labels/v3/label-reprint/{NUMBER}", "reprintLabel", "labels", Simulator._reprint),
    ("POST", r"/international-labels/v3/international-label", "createInternationalLabel", "international-labels", Simulator._create_abroad),
    (
        "DELETE",
        rf"/international-labels/v3/international-label/{NUMBER}",
        "cancelInternationalLabel",
        "international-labels",
        Simulator._cancel,
    ),
    (
        "POST",
        rf"/international-labels/v3/international-label-reprint/{NUMBER}",
        "reprintInternationalLabel",
        "international-labels",
        Simulator._reprint,
    ),
    ("GET", rf"/tracking/v3/tracking/{NUMBER}", "getTracking", "tracking", Simulator._track),
    ("GET", r"/addresses/v3/address", "getAddress", "addresses", Simulator._address),
    ("POST", r"/scan-forms/v3/scan-form", "createScanForm", "scan-forms", Simulator._scan_form),
    ("POST", r"/pickup/v3/carrier-pickup", "schedulePickup", "pickup", Simulator._schedule),
    ("GET", rf"/pickup/v3/carrier-pickup/{NUMBER}", "getPickup", "pickup", Simulator._get_pickup),
    ("DELETE", rf"/pickup/v3/carrier-pickup/{NUMBER}", "cancelPickup", "pickup", Simulator._cancel_pickup),
)
