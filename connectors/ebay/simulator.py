"""eBay as a WSGI simulator: OAuth, Fulfillment, Finances, Inventory, keys and Trading, with eBay's own refusals.

State is plain JSON. Listings are kept per (item, variation); each belongs to the Inventory API or to Trading, and each API refuses
the other's. Quantity 0 keeps a listing (out-of-stock control is on).
"""

import base64
import json
import random
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Request, Response

from connectors.ebay import simulated_paying as paying
from connectors.ebay import simulated_sending as sending
from connectors.simulation import World, ask_page, came_back, cart, chosen, reply, whole
from core.domain.money import Money

SELLER, SELLER_ID = "harbor-lane-goods", "hL7sQm2VtYk"
APP = {
    "client_id": "Crossdoc-demo-SIM-000000000-00000000",
    "client_secret": "SIM-0000000000000000-demo-cert",
    "verification_token": "crossdock-demo-verification-token-0001",
    "dev_id": "00000000-0000-4000-8000-000000000000",
    "ru_name": "Crossdock-Crossdoc-demo-S-simulated",
}
REFRESH = "v^1.1#i^1#r^1#demo-refresh-token"
LIFE_S, LOGIN_S, CODE_S = 7200, 47_304_000, 299
AGREE = "/ebay/oauth2/authorize"
MONTH_MS = 30 * 86_400_000
PACIFIC = ZoneInfo("America/Los_Angeles")
REVISIONS = 250
CANCEL_S = 2.0  # seconds until an order that somebody cancels is cancelled: our guess
QUOTAS = {
    "fulfillment": 100_000, "inventory": 2_000_000, "trading": 5_000, "notification": 10_000, "identity": 5_000, "post_order": 10_000,
    "finances": 15_000, "keys": 5_000,
}  # fmt: skip
BY_APP = frozenset(["notification", "keys"])  # what is asked by an application, not for a seller
SIGNED = frozenset(["getPayouts", "getTransactions", "createCancellation", "approveCancellation"])  # by sellers in the EU and the UK
NS = "urn:ebay:apis:eBLBaseComponents"
ITEMS, BUYERS = 110_550_000_000, 26_000
OWN = 10_000_000  # numbers of listings that share their item with nobody
# (site, currency, country, tax): "remit" on top by eBay, "inside" the price, "none"; and what it is converted from
SITES = (
    ("EBAY_US", "USD", "US", "remit", None),
    ("EBAY_US", "USD", "US", "remit", None),
    ("EBAY_US", "USD", "US", "none", None),
    ("EBAY_GB", "GBP", "GB", "inside", None),
    ("EBAY_DE", "EUR", "DE", "inside", None),
    ("EBAY_DE", "EUR", "FR", "ioss", None),
    ("EBAY_AU", "AUD", "AU", "inside", None),
    ("EBAY_CA", "USD", "CA", "remit", ("CAD", 137)),
)
PEOPLE = (
    ("Mara Lindqvist", "14 Orchard Row", "Portland", "OR", "97205"),
    ("José Ñúñez Prado", "Calle Mayor 9", "Austin", "TX", "78701"),
    ("佐藤 美咲", "2-7-1 Example Street", "Seattle", "WA", "98101"),
    ("Олена Коваль", "33 Sample Avenue", "Denver", "CO", "80203"),
    ("عمر الخطيب", "5 Specimen Court", "Dearborn", "MI", "48126"),
    ("Zoë O'Hara-Smythe", "Flat 2, 8 Mill Lane", "Leeds", "", "LS1 4AP"),
    ("Jürgen Groß", "Musterweg 12", "Köln", "", "50667"),
)
SHIP = {"US": ("USPS", "USPSPriority"), "GB": ("RoyalMail", "UK_RoyalMailTracked48"), "DE": ("DHL", "DE_DHLPaket")}


class Refusal(Exception):
    """A refusal in the REST shape."""

    def __init__(self, status: int, number: int, domain: str, message: str) -> None:
        super().__init__(message)
        self.answer = errors(status, number, domain, message)


def errors(status: int, number: int, domain: str, message: str) -> Response:
    return reply({"errors": [_error(number, domain, message)]}, status)


def _error(number: int, domain: str, message: str) -> dict[str, Any]:
    return {"errorId": number, "domain": domain, "category": "REQUEST", "message": message, "longMessage": message}


def _post_order_error(error: sending.Declined) -> Response:
    """The Post-Order API's own shape ‡."""
    wrong = {"errorId": error.number, "domain": "post-order", "severity": "ERROR", "category": "REQUEST", "message": error.message}
    return reply({"errorMessage": {"error": [wrong]}}, 400)


def stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def decimal(money: Money) -> str:
    """Amounts as eBay writes them: 120.0, 24.33, 0.0."""
    text = money.text()
    return text.rstrip("0") + ("0" if text.rstrip("0").endswith(".") else "") if "." in text else text + ".0"


class Shelf:
    """The listings in the orders that calls ask for them. Made anew when the list is another one, or another length."""

    def __init__(self, listings: list[dict[str, Any]]) -> None:
        self.listings, self.count = listings, len(listings)
        self.items: dict[str, list[dict[str, Any]]] = {}
        self.records: dict[str, dict[str, Any]] = {}  # the Inventory API's, by SKU
        self.first: dict[str, dict[str, Any]] = {}  # by SKU, whoever made them
        for one in listings:
            self.items.setdefault(one["item"], []).append(one)
            self.first.setdefault(one["sku"], one)
            if one["api"] == "inventory":
                self.records.setdefault(one["sku"], one)
        self.skus = list(self.records)
        self.ends: list[tuple[int, str]] = []

    def of(self, listings: list[dict[str, Any]]) -> bool:
        return self.listings is listings and self.count == len(listings)

    def listed(self, now: int, since: int, until: int) -> range:
        """Where in `ends` stand the items that end in that time (ms). What runs until cancelled is renewed when a month is over."""
        if not self.ends or self.ends[0][0] <= now:
            self.ends = sorted((_end_after(family[0], now), item) for item, family in self.items.items() if not family[0].get("hidden"))
        return range(bisect_left(self.ends, (since, "")), bisect_left(self.ends, (until + 1, "")))


def _end_after(listing: Mapping[str, Any], now: int) -> int:
    """When the month ends that `now` lies in; listings of older states began at some time too."""
    began = int(listing.get("began", int(listing["item"]) * 7919))
    return began + ((now - began) // MONTH_MS + 1) * MONTH_MS


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


class Simulator:
    name = "ebay"
    unrecorded = ("createCancellation", "approveCancellation", "rejectCancellation")  # the Post-Order API has no contract that is published

    def __init__(self, world: World) -> None:
        self.world = world
        self.state: dict[str, Any] = {
            "listings": [],
            "orders": {},
            "tokens": {},
            "calls": {},
            "number": 0,
            "refresh": REFRESH,
            "codes": {},
            "cancelling": {},
            "key": _new_key(world.seed),
        }
        self._kept = Shelf(self.state["listings"])
        self.till = paying.Till(self.state, lambda: world.clock(), self._next, stamp, decimal)

    # The protocol

    def credentials(self, base: str) -> dict[str, Any]:
        urls = {"api_url": base, "apiz_url": base, "auth_url": base}
        return {"account": SELLER, "app": dict(APP), "login": {"refresh_token": self.state["refresh"]}, "settings": urls}

    def operation(self, request: Request) -> str | None:
        if request.path == "/ebay/ws/api.dll":
            return request.headers.get("X-EBAY-API-CALL-NAME") or "Trading"
        if request.path == AGREE:
            return None
        found = self._route(request)
        return found[0] if found else "unknown"

    def answer(self, request: Request, operation: str | None) -> Response:
        self._work_off()
        if request.path == "/ebay/ws/api.dll":
            return self._trading(request)
        if request.path == AGREE:
            return self._agree(request)
        found = self._route(request)
        if found is None:
            return errors(404, 2002, "ACCESS", "Resource not found")
        name, api, serve = found
        try:
            self._admit(request, api)
            self._check_signature(request, name)
            return serve(request)
        except Refusal as refusal:
            return refusal.answer

    def fault(self, kind: str, operation: str | None) -> Response:
        if kind == "401":
            return errors(401, 1001, "OAuth", "Invalid access token")
        if kind == "429":
            return errors(429, 2001, "ACCESS", "Too many requests.")
        return errors(500, 30500, "API_FULFILLMENT", "System error")

    def catalogue(self, products: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Every other product is listed by the Inventory API; of Trading's, every other pair shares one item with variations. A product
        that names its `api` ("inventory" or "trading") is a listing of its own, whatever its SKU; its `variations`, products
        {sku, quantity?, price?}, share its item. `hidden`: the list of listings leaves it out. No SKU is the SKU ""."""
        known, records = {one["sku"]: one for one in self.state["listings"]}, set(self.shelf.records)
        for product in products:
            if "api" in product:
                self.state["listings"] += self._own(product, records)
            elif product["sku"] in known:
                known[product["sku"]].update(quantity=product["quantity"], price=product["price"], title=product["title"])
            else:
                known[product["sku"]] = self._listing(product, len(self.state["listings"]))
                self.state["listings"].append(known[product["sku"]])
        return self.listings()

    def _own(self, product: Mapping[str, Any], records: set[str]) -> list[dict[str, Any]]:
        """The rows of one listing, which shares its item with no other. `records` are the SKUs of inventory items."""
        goods, varied, api = product.get("variations") or [product], bool(product.get("variations")), product["api"]
        skus = {str(one["sku"]) for one in goods}
        if api not in ("inventory", "trading"):
            raise BadRequest("api is inventory or trading")
        if api == "inventory" and (skus & records or len(skus) < len(goods) or not all(1 <= len(sku) <= 50 for sku in skus)):
            raise BadRequest("an inventory item has a SKU of its own, of 1 to 50 letters")
        records |= skus if api == "inventory" else set()
        start = len(self.state["listings"])
        rows = [self._row({**product, **one}, OWN + start, start + n, varied, api) for n, one in enumerate(goods)]
        return [{**row, "hidden": True} for row in rows] if product.get("hidden") else rows

    @property
    def shelf(self) -> Shelf:
        if not self._kept.of(self.state["listings"]):
            self._kept = Shelf(self.state["listings"])
        return self._kept

    def orders(self) -> list[dict[str, Any]]:
        self._work_off()
        return [_oracle(order) for order in self.state["orders"].values()]

    def listings(self) -> list[dict[str, Any]]:
        return [
            {"listing": _id(one), "sku": one["sku"], "shown": one["quantity"], "sold": one["sold"], "writes": one["writes"]}
            for one in self.state["listings"]
        ]

    def place(self, wish: dict[str, Any]) -> list[dict[str, Any]]:
        if "lines" in wish:
            return [self._exact(wish)]
        chance = random.Random(f"{wish.get('seed', 0)}:{len(self.state['orders'])}")
        placed = [order for _ in range(whole(wish.get("count", 1), "count")) if (order := self._random_order(chance))]
        if wish.get("planted"):
            placed += [order for plan in PLANTED if (order := self._plant(chance, *plan))]
        return [_oracle(order) for order in placed]

    def act(self, order: str, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        """pay, cancel, ask_to_cancel (the buyer), fulfill (see `chosen`), refund, touch and combine; hold and release (its money);
        chargeback and chargeback_won."""
        self._work_off()
        if order not in self.state["orders"]:
            raise NotFound(f"there is no order {order}")
        one = self.state["orders"][order]
        acts: dict[str, Callable[[dict[str, Any], Any], None]] = {
            "ask_to_cancel": lambda one, wish: self._cancel(one, {**wish, "requested": True}),
            "pay": self._pay,
            "cancel": self._cancel,
            "fulfill": self._fulfill,
            "refund": self._refund,
            "touch": self._touch,
            "hold": lambda one, _: self.till.hold(one["document"], held=True),
            "release": lambda one, _: self.till.hold(one["document"], held=False),
            "chargeback": lambda one, _: self.till.dispute(one["document"], won=False),
            "chargeback_won": lambda one, _: self.till.dispute(one["document"], won=True),
        }
        if what == "combine":
            return _oracle(self._combine(one, wish))
        if what not in acts:
            raise BadRequest(f"eBay orders cannot be changed by {what}")
        acts[what](one, wish)
        return _oracle(one)

    # Admission: tokens, quotas, routes

    def _route(self, request: Request) -> tuple[str, str, Callable[[Request], Response]] | None:
        path, method = request.path.removeprefix("/ebay").rstrip("/"), request.method
        fixed: dict[tuple[str, str], tuple[str, str, Callable[[Request], Response]]] = {
            ("POST", "/identity/v1/oauth2/token"): ("token", "token", self._token),
            ("GET", "/commerce/identity/v1/user"): ("getUser", "identity", self._user),
            ("GET", "/sell/fulfillment/v1/order"): ("getOrders", "fulfillment", self._get_orders),
            ("POST", "/sell/inventory/v1/bulk_get_inventory_item"): ("bulkGetInventoryItem", "inventory", self._bulk_get),
            ("GET", "/sell/inventory/v1/offer"): ("getOffers", "inventory", self._get_offers),
            ("GET", "/sell/inventory/v1/inventory_item"): ("getInventoryItems", "inventory", self._get_items),
            ("POST", "/sell/inventory/v1/bulk_update_price_quantity"): ("bulkUpdatePriceQuantity", "inventory", self._bulk_update),
            ("POST", "/post-order/v2/cancellation"): ("createCancellation", "post_order", self._create_cancellation),
            ("GET", "/sell/finances/v1/payout"): ("getPayouts", "finances", self._get_payouts),
            ("GET", "/sell/finances/v1/transaction"): ("getTransactions", "finances", self._get_transactions),
            ("POST", "/developer/key_management/v1/signing_key"): ("createSigningKey", "keys", self._create_key),
        }
        named = {"GET": self._named_route, "POST": self._named_change}.get(method)
        return fixed.get((method, path)) or (named(path) if named else None)

    def _named_change(self, path: str) -> tuple[str, str, Callable[[Request], Response]] | None:
        match path.split("/")[1:]:
            case ["sell", "fulfillment", "v1", "order", number, "shipping_fulfillment"]:
                return "createShippingFulfillment", "fulfillment", lambda request: self._ship(request, unquote(number))
            case ["post-order", "v2", "cancellation", number, "approve"]:
                return "approveCancellation", "post_order", lambda request: self._decide(request, number, agree=True)
            case ["post-order", "v2", "cancellation", number, "reject"]:
                return "rejectCancellation", "post_order", lambda request: self._decide(request, number, agree=False)
        return None

    def _named_route(self, path: str) -> tuple[str, str, Callable[[Request], Response]] | None:
        match path.split("/")[1:]:
            case ["sell", "fulfillment", "v1", "order", number]:
                return "getOrder", "fulfillment", lambda request: self._get_order(request, unquote(number))
            case ["sell", "fulfillment", "v1", "order", number, "shipping_fulfillment"]:
                return "getShippingFulfillments", "fulfillment", lambda request: self._get_shipments(request, unquote(number))
            case ["commerce", "notification", "v1", "public_key", kid]:
                return "getPublicKey", "notification", lambda request: self._get_key(request, kid)
        return None

    def _admit(self, request: Request, api: str) -> None:
        if api == "token":
            return
        scheme = "IAF " if api == "post_order" else "Bearer "
        kind = self._token_kind(request.headers.get("Authorization", "").removeprefix(scheme))
        if kind is None:
            raise Refusal(401, 1001, "OAuth", "Invalid access token")
        if (kind == "app") != (api in BY_APP) or (api == "finances" and "finances" in self.state.get("refused", ())):
            raise Refusal(403, 1100, "ACCESS", "Access denied")
        if self._spent(api):
            raise Refusal(429, 2001, "ACCESS", "Too many requests.")

    def _check_signature(self, request: Request, name: str) -> None:
        """A seller of the EU or the UK signs."""
        if name in SIGNED and self.till.state["signs"]:
            try:
                self.till.check(request)
            except paying.Unsigned as error:
                raise Refusal(403, error.number, "ACCESS", error.message) from None

    def _token_kind(self, token: str) -> str | None:
        held = self.state["tokens"].get(token)
        return held["kind"] if held and datetime.fromisoformat(held["until"]) > self.world.clock() else None

    def _spent(self, api: str) -> bool:
        """eBay counts calls from one Pacific midnight to the next."""
        today, calls = self._today(), self.state["calls"]
        if calls.get("day") != today:
            calls.clear()
            calls["day"] = today
        calls[api] = calls.get(api, 0) + 1
        return bool(calls[api] > QUOTAS[api] * (1000 if self.world.relaxed else 1))

    def _today(self) -> str:
        return self.world.clock().astimezone(PACIFIC).date().isoformat()

    def _next(self) -> int:
        self.state["number"] += 1
        return int(self.state["number"])

    def _token(self, request: Request) -> Response:
        given = request.authorization
        if given is None or (given.username, given.password) != (APP["client_id"], APP["client_secret"]):
            return reply({"error": "invalid_client", "error_description": "client authentication failed"}, 401)
        match request.form.get("grant_type"):
            case "refresh_token" if self._beyond(request.form):
                return reply({"error": "invalid_scope", "error_description": "the requested scope exceeds the scope granted"}, 400)
            case "refresh_token" if request.form.get("refresh_token") == self.state["refresh"]:
                return self._grant("user", "User Access Token")
            case "refresh_token":
                return reply({"error": "invalid_grant", "error_description": "the provided refresh token is invalid"}, 400)
            case "authorization_code" if self._takes(request.form):
                return self._grant("user", "User Access Token", {"refresh_token": self._renewed(), "refresh_token_expires_in": LOGIN_S})
            case "authorization_code":
                return reply({"error": "invalid_grant", "error_description": "the provided authorization grant code is invalid"}, 400)
            case "client_credentials" if request.form.get("scope"):
                return self._grant("app", "Application Access Token")
            case "client_credentials":
                return reply({"error": "invalid_scope", "error_description": "a scope is needed"}, 400)
        return reply({"error": "unsupported_grant_type", "error_description": "grant type is not supported"}, 400)

    def _beyond(self, form: Mapping[str, str]) -> bool:
        """Whether it asks for more than the seller agreed to."""
        asked = {scope.rpartition("/")[2].partition(".")[2] for scope in form.get("scope", "").split()}
        return bool(asked & set(self.state.get("refused", ())))

    def _agree(self, request: Request) -> Response:
        """The page on which a seller agrees; they come back to the address that stands behind the RuName."""
        args = request.args
        named = (args.get("client_id"), args.get("redirect_uri"), args.get("response_type"))
        if named != (APP["client_id"], APP["ru_name"], "code") or not args.get("scope") or not self.world.post.url:
            return Response("invalid_request: client_id, redirect_uri, response_type or scope", 400)
        if request.method != "POST":
            words = f"{SELLER} would let Crossdock read orders and change stock: {args['scope']}"
            return ask_page("Simulated eBay: grant application access", words, request.full_path)
        address = self.world.post.url.replace("/webhooks/ebay", "/consents/ebay/back")
        if not request.form.get("agree"):
            return came_back(address, error="access_denied", state=args.get("state", ""))
        code = f"v^1.1#i^1#code-{self._next()}"
        self.state["codes"][code] = (self.world.clock() + timedelta(seconds=CODE_S)).isoformat()
        return came_back(address, state=args.get("state", ""), code=code, expires_in=str(CODE_S))

    def _takes(self, form: Mapping[str, str]) -> bool:
        """Whether this code holds; it does so once, and for the RuName that it was given for."""
        until = self.state["codes"].pop(form.get("code", ""), None)
        return bool(until) and form.get("redirect_uri") == APP["ru_name"] and datetime.fromisoformat(until) > self.world.clock()

    def _renewed(self) -> str:
        self.state["refresh"] = f"v^1.1#i^1#r^1#refresh-{self._next()}"
        return str(self.state["refresh"])

    def befall(self, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        """Something happens to the account: revoke (the seller takes the grant back); or to a buyer: delete {username};
        or stock {sku, units}: somebody sets what is on sale; balance: see `Till.befall`; domicile {signs}: it is a seller of the EU or
        the UK, or not; agreed {without}: scopes (finances) that the seller did not agree to."""
        match what:
            case "stock":
                for one in (one for one in self.state["listings"] if one["sku"] == wish["sku"]):
                    one["quantity"] = whole(wish["units"], "units")
            case "balance":
                return self.till.befall(wish)
            case "domicile":
                self.till.state["signs"] = bool(wish["signs"])
            case "agreed":
                self.state["refused"] = [str(one) for one in wish["without"]]
            case "revoke":
                self.state |= {"refresh": "", "tokens": {}}
                self._notify("AUTHORIZATION_REVOCATION", {"username": SELLER, "userId": SELLER_ID})
            case "delete":
                self._notify("MARKETPLACE_ACCOUNT_DELETION", {"username": str(wish["username"]), "userId": "u", "eiasToken": "t"})
            case _:
                raise BadRequest("it is revoke, delete, stock, balance, domicile or agreed")
        return {"told": self.world.post.url}

    def _grant(self, kind: str, title: str, more: Mapping[str, Any] | None = None) -> Response:
        token, now = f"v^1.1#i^1#p^1#{kind}-{self._next():06d}", self.world.clock()
        old = self.state["tokens"]
        self.state["tokens"] = {name: one for name, one in old.items() if datetime.fromisoformat(one["until"]) > now}
        self.state["tokens"][token] = {"kind": kind, "until": (now + timedelta(seconds=LIFE_S)).isoformat()}
        return reply({"access_token": token, "expires_in": LIFE_S, "token_type": title, **(more or {})})

    def _user(self, request: Request) -> Response:
        _only(request, (), "API_IDENTITY", 190000)
        site = {"registrationMarketplaceId": "EBAY_US", "accountType": "BUSINESS", "status": "CONFIRMED"}
        return reply({"userId": SELLER_ID, "username": SELLER, **site})

    def _get_key(self, request: Request, kid: str) -> Response:
        _only(request, (), "API_NOTIFICATION", 195003)
        key = self.state["key"]
        if kid != key["kid"]:
            raise Refusal(404, 195001, "API_NOTIFICATION", "The specified key id is invalid.")
        return reply({"algorithm": "ECDSA", "digest": "SHA1", "key": key["public"]})

    # Fulfillment

    def _get_orders(self, request: Request) -> Response:
        _only(request, ("filter", "fieldGroups", "limit", "offset", "orderIds"), "API_FULFILLMENT", 30700)
        limit, offset = _number(request, "limit", 50, 31100), _number(request, "offset", 0, 31000)
        if request.args.get("orderIds"):
            found, broken = self._by_ids(request.args["orderIds"]), False
        else:
            found, broken = self._changed(request.args.get("filter", "")), _breakdown(request)
        if not 1 <= limit <= 200:
            raise Refusal(400, 31100, "API_FULFILLMENT", f"Invalid limit: {limit}")
        limit = min(limit, self.world.page)
        page = [_as_told(order, alone=False, broken=broken) for order in found[offset : offset + limit]]
        more = {"next": f"{request.base_url}?offset={offset + limit}&limit={limit}"} if offset + limit < len(found) else {}
        return reply({"href": request.url, "total": len(found), "limit": limit, "offset": offset, "orders": page, **more})

    def _by_ids(self, text: str) -> list[dict[str, Any]]:
        names = text.split(",")
        if len(names) > 50:
            raise Refusal(400, 30900, "API_FULFILLMENT", "Exceeded maximum number of order IDs (the current limit is 50)")
        renamed = self.state.get("renamed", {})
        return [
            self.state["orders"][name] for name in dict.fromkeys(renamed.get(one, one) for one in names) if name in self.state["orders"]
        ]

    def _changed(self, text: str) -> list[dict[str, Any]]:
        """By a filter's text: one window, the states of fulfillment beside it. Without any filter, those of the last 90 days."""
        filters = {name: value for name, _, value in (part.partition(":") for part in text.split(",") if part)}
        states = _states(filters.pop("orderfulfillmentstatus", None))
        name = next(
            (name for name in ("creationdate", "lastmodifieddate") if name in filters), ""
        )  # where both are given, the first counts
        if strange := [name for name in filters if name not in ("creationdate", "lastmodifieddate")]:
            raise Refusal(400, 30700, "API_FULFILLMENT", f"Invalid filter name: {strange[0]}")
        field = "lastModifiedDate" if name == "lastmodifieddate" else "creationDate"
        since, until = self._window(name, filters.get(name, ""))
        orders = [order for order in self.state["orders"].values() if since <= order["document"][field] <= until]
        orders = [order for order in orders if order["document"]["orderFulfillmentStatus"] in states]
        return sorted(orders, key=lambda order: (order["document"][field], order["document"]["orderId"]))

    def _window(self, name: str, value: str) -> tuple[str, str]:
        now = self.world.clock()
        if not name:
            return stamp(now - timedelta(days=90)), stamp(now)
        if not (value.startswith("[") and value.endswith("]") and ".." in value):
            raise Refusal(400, 30800, "API_FULFILLMENT", f"Invalid filter value {value} for filter {name}")
        start, _, end = value[1:-1].partition("..")
        since, until = _filter_time(start), _filter_time(end) if end else now
        if since > until:
            raise Refusal(400, 30840, "API_FULFILLMENT", "Start date should be before end date")
        if since < now - timedelta(days=731):
            raise Refusal(400, 30830, "API_FULFILLMENT", "Time range between start date and end date must be within '2' years.")
        if until > now + timedelta(seconds=1):
            raise Refusal(400, 30850, "API_FULFILLMENT", "Start and end dates can't be in the future")
        return stamp(since), stamp(until)

    def _get_order(self, request: Request, number: str) -> Response:
        _only(request, ("fieldGroups",), "API_FULFILLMENT", 32800)
        return reply(_as_told(self._order(number), alone=True, broken=_breakdown(request)))

    def _get_shipments(self, request: Request, number: str) -> Response:
        _only(request, (), "API_FULFILLMENT", 32100)
        found = self._order(number)["fulfillments"]
        return reply({"fulfillments": found, "total": len(found)})

    def _order(self, number: str) -> dict[str, Any]:
        number = self.state.get("renamed", {}).get(number, number)
        if number not in self.state["orders"]:
            raise Refusal(404, 32100, "API_FULFILLMENT", f"Invalid order ID: {number}")
        order: dict[str, Any] = self.state["orders"][number]
        return order

    def _ship(self, request: Request, number: str) -> Response:
        """It keeps no keys: told again, there are two."""
        _only(request, (), "API_FULFILLMENT", 32600)
        order = self._order(number)
        left = {line.get("lineItemId", ""): _open(order, line) for line in order["document"]["lineItems"]}
        try:
            body = json.loads(request.get_data() or b"{}")
            units = sending.units(order, left, body)
        except sending.Declined as error:
            raise Refusal(400, error.number, "API_FULFILLMENT", error.message) from None
        except (ValueError, TypeError, KeyError):
            raise Refusal(400, 32600, "API_FULFILLMENT", "Invalid input data") from None
        now = self._changed_now(order)
        made = self._sent(order, units, body.get("trackingNumber"), body.get("shippingCarrierCode"), body.get("shippedDate", now))
        return reply({}, 201, headers={"Location": made})

    # Cancellations: the Post-Order API

    def _create_cancellation(self, request: Request) -> Response:
        body = json.loads(request.get_data() or b"{}")
        known = {one["document"]["legacyOrderId"]: one for one in self.state["orders"].values()}
        order = known.get(str(body.get("legacyOrderId")))
        try:
            sending.cancellable(order, body, bool(order and order["fulfillments"]))
        except sending.Declined as error:
            return _post_order_error(error)
        assert order is not None
        return reply({"cancelId": self._begin_cancel(order, "Seller", body["cancelReason"])}, 201)

    def _begin_cancel(self, order: dict[str, Any], by: str, reason: str) -> str:
        number, now = str(5_000_000_000 + self._next()), self._changed_now(order)
        request = {"cancelRequestId": number, "cancelInitiator": by, "cancelRequestedDate": now, "cancelReason": reason}
        order["requests"] = [*order["requests"], {**request, "cancelRequestState": "REQUESTED"}]
        order["document"]["cancelStatus"]["cancelState"] = "IN_PROGRESS"
        if by == "Seller":
            self._soon(order)
        return number

    def _soon(self, order: dict[str, Any]) -> None:
        due = self.world.clock() + timedelta(seconds=0.0 if self.world.relaxed else CANCEL_S)
        self.state["cancelling"][order["document"]["orderId"]] = due.isoformat()

    def _decide(self, request: Request, number: str, *, agree: bool) -> Response:
        found = ((one, row) for one in self.state["orders"].values() for row in one["requests"] if row["cancelRequestId"] == number)
        order, row = next(found, (None, None))
        if order is None or row is None or row["cancelRequestState"] != "REQUESTED" or row["cancelInitiator"] != "Buyer":
            return _post_order_error(sending.Declined(1003, "The cancellation request is not open."))
        self._changed_now(order)
        if agree:
            row["cancelRequestState"] = "APPROVED"
            self._soon(order)
        else:
            row["cancelRequestState"] = "REJECTED"
            order["document"]["cancelStatus"]["cancelState"] = "NONE_REQUESTED"
        order.setdefault("answers", []).append({"agreed": agree, **json.loads(request.get_data() or b"{}")})
        return reply({}, 200)

    def _work_off(self) -> None:
        """What is due is cancelled, once somebody looks; what left meanwhile stands."""
        now, waiting = self.world.clock(), self.state["cancelling"]
        for number in [number for number, due in waiting.items() if datetime.fromisoformat(due) <= now]:
            del waiting[number]
            order = self.state["orders"].get(number)
            if order is not None and order["fulfillments"]:
                order["document"]["cancelStatus"]["cancelState"] = "NONE_REQUESTED"
            elif order is not None:
                self._called_off(order, self._changed_now(order), restock=True)

    # Finances

    def settle(self, wish: dict[str, Any]) -> list[dict[str, Any]]:
        """See `Till.settle`."""
        self._work_off()
        return self.till.settle(wish)

    def payouts(self) -> list[dict[str, Any]]:
        return self.till.payouts()

    def _get_payouts(self, request: Request) -> Response:
        _only(request, ("filter", "sort", "limit", "offset"), FINANCES, 135004)
        since, until = self._stretch(_filters(request), "payoutDate", 135004)
        found = [one for one in self.till.payout_rows() if since <= one["payoutDate"] <= until]
        return self._money_page(request, "payouts", found, 200)

    def _get_transactions(self, request: Request) -> Response:
        """By a payout, or by days; where neither is named, the last 90 of them."""
        _only(request, ("filter", "sort", "limit", "offset"), FINANCES, 135008)
        filters, rows = _filters(request), self.till.line_rows()
        if "payoutId" in filters:
            return self._money_page(
                request, "transactions", [one for one in rows if one.get("payoutId") == filters["payoutId"][1:-1]], 1000
            )
        since, until = self._stretch(filters, "transactionDate", 135008)
        return self._money_page(request, "transactions", [one for one in rows if since <= one["transactionDate"] <= until], 1000)

    def _stretch(self, filters: Mapping[str, str], name: str, number: int) -> tuple[str, str]:
        """A stretch of at most 90 days."""
        start, _, end = filters.get(name, "[..]")[1:-1].partition("..")
        now = self.world.clock()
        since, until = _filter_time(start) if start else now - timedelta(days=90), _filter_time(end) if end else now
        if set(filters) - {name} or not timedelta() <= until - since <= timedelta(days=90):
            raise Refusal(400, number, FINANCES, f"The value of the filter {name} is invalid.")
        return stamp(since), stamp(until)

    def _money_page(self, request: Request, name: str, found: Sequence[dict[str, Any]], most: int) -> Response:
        limit, offset = _number(request, "limit", 20, 135003), _number(request, "offset", 0, 135003)
        if not 1 <= limit <= most:
            raise Refusal(400, 135003, FINANCES, "The value of pagination is invalid.")
        if not found:
            return Response(b"", 204)
        limit = min(limit, self.world.page)
        more = {"next": f"{request.base_url}?limit={limit}&offset={offset + limit}"} if offset + limit < len(found) else {}
        head = {"href": request.url, "total": len(found), "limit": limit, "offset": offset}
        return reply({**head, name: list(found[offset : offset + limit]), **more})

    def _create_key(self, request: Request) -> Response:
        body = json.loads(request.get_data() or b"{}")
        if not isinstance(body, dict) or body.get("signingKeyCipher") != "ED25519":
            raise Refusal(400, 210003, "KEY_MANAGEMENT", "The signingKeyCipher is not supported here.")
        return reply(self.till.new_key(self.world.seed))

    # Inventory

    def _of_inventory(self, sku: str) -> dict[str, Any] | None:
        return self.shelf.records.get(sku)

    def _bulk_get(self, request: Request) -> Response:
        _only(request, (), "API_INVENTORY", 25709)
        wanted = _body_rows(request, {"sku": str})
        if not 1 <= len(wanted) <= 25:
            raise Refusal(400, 25727, "API_INVENTORY", "The number of InventoryItems in the request cannot exceed 25.")
        if len({row["sku"] for row in wanted}) < len(wanted):
            raise Refusal(400, 25734, "API_INVENTORY", "SKU should be unique in the request.")
        said = [self._record(row["sku"]) for row in wanted]
        return reply({"responses": said}, 200 if all(row["statusCode"] == 200 for row in said) else 207)

    def _record(self, sku: str) -> dict[str, Any]:
        listing = self._of_inventory(sku)
        if listing is None:
            wrong = _error(25710, "API_INVENTORY", "We didn't find the resource/entity you are requesting. Please verify the request")
            return {"sku": sku, "statusCode": 404, "errors": [wrong], "warnings": []}
        return {"sku": sku, "statusCode": 200, "inventoryItem": _inventory_item(listing), "errors": [], "warnings": []}

    def _get_items(self, request: Request) -> Response:
        """`offset` is the number of the page here, as eBay's text says."""
        _only(request, ("limit", "offset"), "API_INVENTORY", 25706)
        limit, page = _number(request, "limit", 25, 25706), _number(request, "offset", 0, 25706)
        if not 1 <= limit <= 200:
            raise Refusal(400, 25706, "API_INVENTORY", "You have provided invalid pagination values.")
        found, records = self.shelf.skus, self.shelf.records
        if page and page * limit >= len(found):
            raise Refusal(400, 25706, "API_INVENTORY", "You have provided invalid pagination values.")
        part = [records[sku] for sku in found[page * limit : (page + 1) * limit]]
        more = {"next": f"{request.path}?limit={limit}&offset={page + 1}"} if (page + 1) * limit < len(found) else {}
        sizes = {"href": request.full_path, "limit": limit, "size": len(part), "total": len(found)}
        return reply({**sizes, "inventoryItems": [_inventory_item(one, listed=True) for one in part], **more})

    def _get_offers(self, request: Request) -> Response:
        _only(request, ("sku", "format", "limit", "marketplace_id", "offset"), "API_INVENTORY", 25709)
        sku = request.args.get("sku")
        if not sku or len(sku) > 50:
            raise Refusal(400, 25709, "API_INVENTORY", "Invalid value for sku.")
        listing = self._of_inventory(sku)
        if listing is None:
            raise Refusal(404, 25713, "API_INVENTORY", "This Offer is not available.")
        offers = listing.get("offers", [_offer(listing)])
        return reply({"href": request.full_path, "limit": 100, "size": len(offers), "total": len(offers), "offers": offers})

    def _bulk_update(self, request: Request) -> Response:
        _only(request, (), "API_INVENTORY", 25709)
        wanted = _body_rows(request, {"sku": str, "shipToLocationAvailability": dict, "offers": list})
        if not 1 <= len(wanted) <= 25:
            raise Refusal(400, 25709, "API_INVENTORY", "Invalid value for requests.")
        said = [row for one in wanted for row in self._update(one)]
        return reply({"responses": said}, 200 if all(row["statusCode"] == 200 for row in said) else 207)

    def _update(self, wish: Mapping[str, Any]) -> list[dict[str, Any]]:
        quantity, offers = _quantities(wish)
        listing = self._of_inventory(wish["sku"])
        named = {"sku": wish["sku"], **({"offerId": offers[0]["offerId"]} if offers else {})}
        if listing is None or any(offer["offerId"] != listing["offer"] for offer in offers):
            wrong = _error(25702, "API_INVENTORY", f"{wish['sku']} could not be found or is not available in the system.")
            return [{**named, "statusCode": 404, "errors": [wrong]}]
        if not self._revise(listing, quantity):
            wrong = _error(25002, "API_INVENTORY", "A user error has occurred. The listing was revised 250 times today.")
            return [{**named, "statusCode": 400, "errors": [wrong]}]
        return [
            {"sku": wish["sku"], "statusCode": 200},
            *({"offerId": offer["offerId"], "sku": wish["sku"], "statusCode": 200} for offer in offers),
        ]

    def _revise(self, listing: dict[str, Any], quantity: int) -> bool:
        """A listing takes 250 revisions a calendar day, all its variations together."""
        family = self.shelf.items[listing["item"]]
        today = self._today()
        if sum(one["revisions"].get(today, 0) for one in family) >= REVISIONS:
            return False
        listing["revisions"] = {today: listing["revisions"].get(today, 0) + 1}
        listing["writes"] += 1
        listing["quantity"] = quantity
        return True

    # Trading

    def _trading(self, request: Request) -> Response:
        call = request.headers.get("X-EBAY-API-CALL-NAME", "")
        kind = self._token_kind(request.headers.get("X-EBAY-API-IAF-TOKEN", ""))
        if kind != "user":
            return _trading_failure(call, self.world, "21917053", "Validation of the authentication token in API request failed.")
        if self._spent("trading"):
            return _trading_failure(call, self.world, "518", "Your application has exceeded usage limit on this call.")
        serve = {"GetSellerList": self._seller_list, "GetItem": self._item, "ReviseInventoryStatus": self._inventory_status}.get(call)
        try:
            root = ElementTree.fromstring(request.get_data())  # noqa: S314 - our own client wrote it
            if serve is None or root.tag != f"{{{NS}}}{call}Request" or not request.headers.get("X-EBAY-API-COMPATIBILITY-LEVEL"):
                return _trading_failure(call, self.world, "2", "Unsupported API call.")
            return serve(root)
        except (ElementTree.ParseError, _Schema) as error:
            return _trading_failure(call, self.world, "10007" if isinstance(error, ElementTree.ParseError) else "5", f"XML: {error}")

    def _seller_list(self, root: Any) -> Response:
        tree = _tree(root, {"": LIST, "Pagination": {"EntriesPerPage", "PageNumber"}})
        if tree.get("Sort", "0") not in ("0", "1", "2") or tree.get("IncludeVariations", "false") not in ("true", "false"):
            raise _Schema("Sort is 0, 1 or 2, IncludeVariations true or false")
        paging = tree.get("Pagination") or {}
        size, page = (_whole(paging, key, default) for key, default in (("EntriesPerPage", 0), ("PageNumber", 1)))
        if not 1 <= size <= 200 or page < 1:
            raise _Schema("Pagination is out of range")
        ends = _range(tree, "EndTimeFrom", "EndTimeTo")
        if ends is None:
            return _trading_failure("GetSellerList", self.world, "21917", "A date range of at most 120 days is needed.")
        found = self.shelf.listed(_ms(self.world.clock()), *ends)
        found = found[::-1] if tree.get("Sort") == "1" else found
        return _trading_answer("GetSellerList", self.world, "Success", self._list_page(found, size, page, tree))

    def _list_page(self, found: range, size: int, page: int, tree: Mapping[str, Any]) -> str:
        now, shelf, varied = _ms(self.world.clock()), self.shelf, tree.get("IncludeVariations") == "true"
        families = [shelf.items[shelf.ends[at][1]] for at in found[(page - 1) * size : page * size]]
        whole = tree.get("DetailLevel") == "ReturnAll" or "GranularityLevel" in tree
        part = [_item_xml(one, now, varied) if whole else f"<Item><ItemID>{one[0]['item']}</ItemID></Item>" for one in families]
        pages = -(-len(found) // size)
        return (
            f"<PaginationResult><TotalNumberOfPages>{pages}</TotalNumberOfPages><TotalNumberOfEntries>{len(found)}</TotalNumberOfEntries>"
            f"</PaginationResult><HasMoreItems>{str(page < pages).lower()}</HasMoreItems><ItemArray>{''.join(part)}</ItemArray>"
            f"<ItemsPerPage>{size}</ItemsPerPage><PageNumber>{page}</PageNumber><ReturnedItemCountActual>{len(part)}</ReturnedItemCountActual>"
        )

    def _item(self, root: Any) -> Response:
        tree = _tree(root, {"": {"ItemID"}})
        family = self.shelf.items.get(str(tree.get("ItemID")))
        if not family:
            return _trading_failure("GetItem", self.world, "17", "This item cannot be accessed because the listing has been deleted.")
        return _trading_answer("GetItem", self.world, "Success", _item_xml(family, _ms(self.world.clock()), varied=True))

    def _inventory_status(self, root: Any) -> Response:
        wanted = [_tree(one, {"": {"ItemID", "SKU", "Quantity", "StartPrice"}}) for one in root]
        if any(_local(one) != "InventoryStatus" for one in root) or not wanted:
            raise _Schema("InventoryStatus is expected")
        if len(wanted) > 4:
            return _trading_failure("ReviseInventoryStatus", self.world, "21916635", "Up to 4 InventoryStatus may be given.")
        told = [(one, self._status(one)) for one in wanted]
        done = "".join(_status_xml(one) for one, wrong in told if wrong is None)
        wrongs = "".join(_error_xml(*wrong, one.get("ItemID", "")) for one, wrong in told if wrong)
        ack = "Success" if not wrongs else "PartialFailure" if done else "Failure"
        return _trading_answer("ReviseInventoryStatus", self.world, ack, wrongs + done)

    def _status(self, wish: Mapping[str, str]) -> tuple[str, str] | None:
        quantity = _whole(wish, "Quantity", -1)
        family = self.shelf.items.get(str(wish.get("ItemID")), [])
        found = [one for one in family if wish.get("SKU", one["sku"]) == one["sku"]]
        if not family:
            return "17", "This item cannot be accessed because the listing has been deleted."
        if family[0]["api"] == "inventory":
            return "21919474", "Inventory-based listing management is not currently supported by this tool."
        if len(found) != 1:
            return "21916799", "SKU Mismatch: the SKU does not exist in the item."
        if quantity < 0:
            return "515", "The item quantity must be valid number."
        return None if self._revise(found[0], quantity) else ("21919028", "The listing has been revised 250 times today.")

    # Orders and what happens to them

    def _listing(self, product: Mapping[str, Any], index: int) -> dict[str, Any]:
        varied = index % 4 == 3
        number = index // 8 * 8 + 3 if varied else index
        return self._row(product, number, index, varied, "trading" if index % 2 else "inventory")

    def _row(self, product: Mapping[str, Any], number: int, index: int, varied: bool, api: str) -> dict[str, Any]:
        """One thing to buy: the listing of that number, or its variation."""
        return {
            "item": str(ITEMS + number * 137),
            "variation": str(560_000_000 + index) if varied else None,
            "sku": product["sku"],
            "title": product.get("title", ""),
            "price": product.get("price", "1.00"),
            "currency": product.get("currency", "USD"),
            "quantity": whole(product.get("quantity", 0), "quantity"),
            "api": api,
            "offer": str(8_200_000_000 + index) if api == "inventory" else None,
            "began": _ms(self.world.clock()) - number * 7919 * 1000 % MONTH_MS,
            "sold": 0,
            "writes": 0,
            "revisions": {},
        }

    def _exact(self, wish: Mapping[str, Any]) -> dict[str, Any]:
        listings, lines = self.shelf.first, cart(wish)
        if unknown := [sku for sku, _ in lines if sku not in listings]:
            raise BadRequest(f"no listing has the SKU {unknown[0]}")
        goods = [(listings[sku], units) for sku, units in lines]
        chance = random.Random(f"exact:{self.state['number']}")
        return _oracle(self._sell(goods, SITES[0], chance, plain=True, unpaid=bool(wish.get("unpaid"))))

    def _random_order(self, chance: random.Random) -> dict[str, Any] | None:
        shelves = [one for one in self.state["listings"] if one["quantity"] > 0]
        if not shelves:
            return None
        picked = chance.sample(shelves, min(len(shelves), chance.choice((1, 1, 1, 2, 2, 3, 4))))
        goods = [(one, min(one["quantity"], chance.choice((1, 1, 1, 1, 2, 2, 3)))) for one in picked]
        return self._sell(goods, chance.choice(SITES), chance)

    def _plant(
        self, chance: random.Random, change: Callable[[dict[str, Any]], None], parks: str | None, flags: str
    ) -> dict[str, Any] | None:
        """An order that the hub must park or flag. Parked ones take nothing from the shelf: nobody could reserve them."""
        if not self.state["listings"]:
            return None
        order = self._sell([(self.state["listings"][0], 1)], SITES[0], chance, plain=True, taken=not parks)
        change(order["document"])
        order.update(parks=parks, flags=flags)
        if order["document"]["orderPaymentStatus"] != "PAID":
            self.till.forget(order["document"]["orderId"])
        return order

    def _sell(
        self,
        goods: Sequence[tuple[dict[str, Any], int]],
        site: tuple[str, str, str, str, tuple[str, int] | None],
        chance: random.Random,
        *,
        plain: bool = False,
        taken: bool = True,
        unpaid: bool = False,
    ) -> dict[str, Any]:
        number = self._next()
        for listing, quantity in goods if taken else ():
            listing["quantity"] = max(0, listing["quantity"] - quantity)
            listing["sold"] += quantity
        paid = not unpaid and (plain or chance.random() > 0.08)
        document = _Checkout(number, site, chance, plain).document(goods, self.world.clock(), paid)
        order: dict[str, Any] = {"document": document, "fulfillments": [], "requests": [], "parks": None, "flags": ""}
        self.state["orders"][document["orderId"]] = order
        if paid:
            self._confirmed(document)
        return order

    def _changed_now(self, order: dict[str, Any]) -> str:
        before = datetime.fromisoformat(order["document"]["lastModifiedDate"])
        now = max(self.world.clock(), before + timedelta(milliseconds=1))
        order["document"]["lastModifiedDate"] = stamp(now)
        return stamp(now)

    def _touch(self, order: dict[str, Any], wish: Mapping[str, Any]) -> None:
        self._changed_now(order)

    def _pay(self, order: dict[str, Any], wish: Mapping[str, Any]) -> None:
        document, now = order["document"], self._changed_now(order)
        if document["orderPaymentStatus"] in ("PENDING", "FAILED"):
            document["orderPaymentStatus"] = "PAID"
            document["paymentSummary"]["payments"] = [_payment(document, now)]
            self._confirmed(document)

    def _combine(self, order: dict[str, Any], wish: Mapping[str, Any]) -> dict[str, Any]:
        """{with: [ids], old: "renamed"|"gone"|"cancelled"}: unpaid orders become one, made now, under a new id; their lines keep theirs.
        The buyer of the first is the buyer of all. Nobody is notified: eBay does so when it is paid, and lists it as changed.

        eBay's documents (AddOrder, 2026-11): an unpaid order's id changes, and calls that take order ids know the old one too. So getOrder
        answers with the new order, and getOrders lists that alone. For the careful: the old ids are not known, or cancelled orders.
        """
        others = [self._order_named(str(name)) for name in wish["with"]]
        old, parts = wish.get("old", "renamed"), [order, *others]
        if old not in ("renamed", "gone", "cancelled"):
            raise BadRequest("old is renamed, gone or cancelled")
        same = len({one["document"]["pricingSummary"]["total"]["currency"] for one in parts}) == 1
        if len({one["document"]["orderId"] for one in parts}) < max(2, len(parts)) or not all(map(_combines, parts)) or not same:
            raise BadRequest("eBay combines two or more unpaid orders in one currency")
        new = json.loads(json.dumps(_joined([one["document"] for one in parts], self._next(), stamp(self.world.clock()))))
        for one in parts:
            self._replaced(one, new["orderId"], old)
        made: dict[str, Any] = {"document": new, "fulfillments": [], "requests": [], "parks": None, "flags": ""}
        self.state["orders"][new["orderId"]] = made
        return made

    def _order_named(self, number: str) -> dict[str, Any]:
        if number not in self.state["orders"]:
            raise BadRequest(f"there is no order {number}")
        found: dict[str, Any] = self.state["orders"][number]
        return found

    def _replaced(self, order: dict[str, Any], new: str, old: str) -> None:
        """What the channel says of an order whose lines are in another now."""
        number = order["document"]["orderId"]
        if old == "cancelled":
            self._cancel(order, {"restock": False, "reason": "UNKNOWN"})
            return
        del self.state["orders"][number]
        if old == "renamed":
            renamed = self.state.setdefault("renamed", {})
            renamed |= {before: new for before, now in renamed.items() if now == number} | {number: new}

    def _cancel(self, order: dict[str, Any], wish: Mapping[str, Any]) -> None:
        """{requested: true}: the buyer asks. Else it is done: money goes back, and goods too unless restock is false."""
        document, now = order["document"], self._changed_now(order)
        if document["cancelStatus"]["cancelState"] == "CANCELED":
            return
        order["requests"] = []
        self._begin_cancel(order, "Buyer", wish.get("reason", "BUYER_ASKED_CANCEL"))
        if not wish.get("requested"):
            self._called_off(order, now, restock=bool(wish.get("restock", True)))

    def _called_off(self, order: dict[str, Any], now: str, *, restock: bool) -> None:
        document = order["document"]
        document["cancelStatus"] |= {"cancelState": "CANCELED", "cancelledDate": now}
        order["requests"][-1].update(cancelRequestState="COMPLETED", cancelCompletedDate=now)
        if restock:
            self._put_back(order)
        if document["orderPaymentStatus"] != "PENDING":
            self._give_back(order, document["pricingSummary"]["total"], now)
            document["orderPaymentStatus"] = "FULLY_REFUNDED"

    def _put_back(self, order: dict[str, Any]) -> None:
        for line in order["document"]["lineItems"]:
            listing = self._sold_as(line)
            if listing:
                listing["quantity"] += _open(order, line)
                listing["sold"] -= _open(order, line)

    def _sold_as(self, line: Mapping[str, Any]) -> dict[str, Any] | None:
        family = self.shelf.items.get(line["legacyItemId"], [])
        return next((one for one in family if one["variation"] == line.get("legacyVariationId")), None)

    def _give_back(self, order: dict[str, Any], amount: Mapping[str, Any], now: str) -> str:
        name = str(5_210_000_000 + self._next())
        row = {"refundId": name, "refundDate": now, "refundStatus": "REFUNDED", "amount": dict(amount), "refundReferenceId": f"R{name}"}
        order["document"]["paymentSummary"]["refunds"].append(row)
        self.till.refunded(order["document"], name, amount)
        return name

    def _fulfill(self, order: dict[str, Any], wish: Mapping[str, Any]) -> None:
        """See `chosen`; `tracking` too."""
        document = order["document"]
        units = chosen(wish, [(line.get("lineItemId", ""), line.get("sku", ""), _open(order, line)) for line in document["lineItems"]])
        now = self._changed_now(order)
        if not units:
            return
        self._sent(order, units, str(wish.get("tracking") or f"9400{self._next():018d}"), "USPS", now)

    def _sent(self, order: dict[str, Any], units: Mapping[str, int], tracking: str | None, carrier: str | None, at: str) -> str:
        """A parcel left; gives the address of what is known of it. Its id is its number, or an arbitrary one."""
        document, name = order["document"], tracking or str(999 + self._next())
        number = {"shipmentTrackingNumber": tracking, "shippingCarrierCode": carrier} if tracking else {}
        parts = [{"lineItemId": line, "quantity": count} for line, count in units.items()]
        order["fulfillments"].append({"fulfillmentId": name, **number, "shippedDate": at, "lineItems": parts})
        address = f"https://api.ebay.com/sell/fulfillment/v1/order/{document['orderId']}/shipping_fulfillment/{name}"
        document["fulfillmentHrefs"].append(address)
        _progress(order)
        for line in units:
            self._notify(
                "ITEM_MARKED_SHIPPED", {"itemMarkedShipped": {"orderId": document["orderId"], "lineItemId": line, "username": SELLER}}
            )
        return address

    def _refund(self, order: dict[str, Any], wish: Mapping[str, Any]) -> None:
        """{line, quantity, amount?}; without a line, all of the order. eBay keeps the money of it, not the units."""
        document = order["document"]
        if "line" not in wish:
            self._give_back(order, self.till.ours(document), self._changed_now(order))
            document["orderPaymentStatus"] = "FULLY_REFUNDED"
            return
        line = next((one for one in document["lineItems"] if one.get("lineItemId") == wish["line"]), None)
        if line is None:
            raise BadRequest(f"the order has no line {wish['line']}")
        amount = _share(line, wish)
        now = self._changed_now(order)
        name = self._give_back(order, amount, now)
        line["refunds"].append({"refundId": name, "refundDate": now, "amount": amount})
        document["orderPaymentStatus"] = "PARTIALLY_REFUNDED"

    # Notifications

    def _confirmed(self, document: Mapping[str, Any]) -> None:
        """It is paid; eBay says so once for each line."""
        self.till.sold(document)
        for line in document["lineItems"]:
            row = {"orderLineItemId": line.get("lineItemId"), "listingId": line["legacyItemId"], "quantity": line["quantity"]}
            self._notify("ORDER_CONFIRMATION", {"order": {"orderId": document["orderId"], "orderLineItems": [row]}})

    def _notify(self, topic: str, data: Mapping[str, Any]) -> None:
        now = stamp(self.world.clock())
        sent = {
            "notificationId": f"5e1fde40-0000-4000-8000-{self._next():012d}_33f7e043",
            "eventDate": now,
            "publishDate": now,
            "publishAttemptCount": 1,
            "data": {"user": {"userId": SELLER_ID, "username": SELLER}, **data},
        }
        message = {"metadata": {"topic": topic, "schemaVersion": "1.0", "deprecated": False}, "notification": sent}
        body = json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()
        self.world.send({"Content-Type": "application/json", "X-EBAY-SIGNATURE": signature(self.state["key"], body)}, body)


# Keys and signatures


def _new_key(seed: int) -> dict[str, str]:
    secret = random.Random(f"ebay-key:{seed}").getrandbits(250) + 1
    public = _private(secret).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = base64.b64encode(public).decode()
    kid = f"{random.Random(f'ebay-kid:{seed}').getrandbits(48):012x}"
    pem = f"-----BEGIN PUBLIC KEY-----{text}-----END PUBLIC KEY-----"  # one line, as eBay gives it
    return {"kid": f"9f3a61c2-7d7b-4621-a0f1-{kid}", "secret": str(secret), "public": pem}


def _private(secret: int) -> EllipticCurvePrivateKey:
    return derive_private_key(secret, SECP256R1())


def signature(key: Mapping[str, str], body: bytes) -> str:
    """The x-ebay-signature header over these bytes."""
    signed = _private(int(key["secret"])).sign(body, ECDSA(SHA1(), deterministic_signing=True))  # noqa: S303 - eBay's keys say SHA1
    head = {"alg": "ecdsa", "kid": key["kid"], "signature": base64.b64encode(signed).decode(), "digest": "SHA1"}
    return base64.b64encode(json.dumps(head).encode()).decode()


# What eBay refuses


def _only(request: Request, known: Sequence[str], domain: str, number: int) -> None:
    for key in request.args:
        if key not in known:
            raise Refusal(400, number, domain, f"Invalid parameter: {key}")


def _number(request: Request, key: str, default: int, number: int) -> int:
    text = request.args.get(key, str(default))
    if not (text.isascii() and text.isdigit()):
        raise Refusal(400, number, "API_FULFILLMENT", f"Invalid {key}: {text}")
    return int(text)


def _breakdown(request: Request) -> bool:
    groups = request.args.get("fieldGroups")
    if groups not in (None, "TAX_BREAKDOWN"):
        raise Refusal(400, 32800, "API_FULFILLMENT", f"Invalid field group: {groups}")
    return groups is not None


def _filter_time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(400, 30810, "API_FULFILLMENT", "Invalid date format") from None
    if at.tzinfo is None or not text.endswith("Z"):
        raise Refusal(400, 30810, "API_FULFILLMENT", "Invalid date format")
    return at


FINANCES = "API_FINANCES"


def _filters(request: Request) -> dict[str, str]:
    """By name; each is a parameter of its own."""
    return {name: value for name, _, value in (text.partition(":") for text in request.args.getlist("filter"))}


STATES = {"NOT_STARTED", "IN_PROGRESS", "FULFILLED"}


def _states(value: str | None) -> set[str]:
    """eBay knows two sets of them, and no others (getOrders, filter; read 2026-11)."""
    if value is None:
        return STATES
    found = set(value.removeprefix("{").removesuffix("}").split("|"))
    if not (value.startswith("{") and value.endswith("}")) or found not in ({"NOT_STARTED", "IN_PROGRESS"}, {"FULFILLED", "IN_PROGRESS"}):
        raise Refusal(400, 30800, "API_FULFILLMENT", f"Invalid filter value {value} for filter orderfulfillmentstatus")
    return found


def _body_rows(request: Request, known: Mapping[str, type]) -> list[dict[str, Any]]:
    """`requests` of a bulk call: nothing but the known fields, each of its type."""
    try:
        body = json.loads(request.get_data())
    except ValueError:
        raise Refusal(400, 25709, "API_INVENTORY", "Invalid value for body. It is not JSON.") from None
    if "json" not in (request.content_type or "") or not isinstance(body, dict) or set(body) != {"requests"}:
        raise Refusal(400, 25709, "API_INVENTORY", "Invalid value for body.")
    for row in body["requests"]:
        _shape(row, known)
        if not 1 <= len(row.get("sku") or "") <= 50:
            raise Refusal(400, 25708, "API_INVENTORY", "Invalid SKU.")
    rows: list[dict[str, Any]] = body["requests"]
    return rows


def _shape(row: Any, known: Mapping[str, type]) -> None:
    if not isinstance(row, dict):
        raise Refusal(400, 25709, "API_INVENTORY", "Invalid value for requests.")
    for key, value in row.items():
        if key not in known or not isinstance(value, known[key]) or isinstance(value, bool):
            raise Refusal(400, 25709, "API_INVENTORY", f"Invalid value for {key}.")


def _quantities(wish: Mapping[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    """What the listing will show: the lesser of the SKU's quantity and the offer's."""
    shared, offers = wish.get("shipToLocationAvailability", {}), wish.get("offers", [])
    _shape(shared, {"quantity": int, "availabilityDistributions": list})
    for offer in offers:
        _shape(offer, {"offerId": str, "availableQuantity": int, "price": dict})
    told = [shared.get("quantity"), *(offer.get("availableQuantity") for offer in offers)]
    told = [one for one in told if one is not None]
    if not told or min(told) < 0 or any("offerId" not in offer for offer in offers):
        raise Refusal(400, 25709, "API_INVENTORY", "Invalid value for quantity.")
    return min(told), offers


class _Schema(ValueError):
    """A Trading request that its schema refuses."""


LIST = {
    "EndTimeFrom",
    "EndTimeTo",
    "Sort",
    "StartTimeFrom",
    "StartTimeTo",
    "Pagination",
    "GranularityLevel",
    "SKUArray",
    "IncludeVariations",
}
STANDARD = {"ErrorLanguage", "MessageID", "Version", "WarningLevel", "ErrorHandling", "OutputSelector", "DetailLevel"}


def _local(node: ElementTree.Element) -> str:
    return node.tag.rpartition("}")[2]


def _tree(node: Any, known: Mapping[str, set[str]], name: str = "") -> dict[str, Any]:
    """Children by name; one that the schema does not know, or text where none may be, is refused."""
    allowed = known.get(name, set()) if name or name in known else set(known)
    found: dict[str, Any] = {}
    for child in node:
        key = _local(child)
        if key not in (allowed if name else allowed | STANDARD):
            raise _Schema(f"{key} is not expected")
        found[key] = _tree(child, known, key) if len(child) else (child.text or "")
    return found


def _range(tree: Mapping[str, Any], start: str, end: str) -> tuple[int, int] | None:
    """A range of times in ms; None where it is not given, ends first or is longer than 120 days."""
    try:
        since, until = datetime.fromisoformat(tree.get(start, "")), datetime.fromisoformat(tree.get(end, ""))
    except ValueError:
        return None
    return (_ms(since), _ms(until)) if timedelta() <= until - since <= timedelta(days=120) else None


def _whole(holder: Mapping[str, str], key: str, default: int) -> int:
    text = holder.get(key, str(default))
    try:
        return int(text)
    except ValueError:
        raise _Schema(f"{key} is not a number") from None


# How eBay tells things


def _id(listing: Mapping[str, Any]) -> str:
    return f"{listing['item']}/{listing['variation']}" if listing["variation"] else listing["item"]


def _as_told(order: Mapping[str, Any], *, alone: bool, broken: bool) -> dict[str, Any]:
    """The document; only getOrder tells cancel requests, and only the breakdown puts collected tax into totals."""
    document: dict[str, Any] = json.loads(json.dumps(order["document"]))
    document["cancelStatus"]["cancelRequests"] = order["requests"] if alone else []
    if not broken:
        for line in document["lineItems"]:
            for tax in line["taxes"]:
                tax.pop("taxType", None)
    return document


def _inventory_item(listing: Mapping[str, Any], *, listed: bool = False) -> dict[str, Any]:
    """The list of inventory items calls groups one way, a single read the other."""
    stock = {"shipToLocationAvailability": {"quantity": listing["quantity"]}}
    groups = {"groupIds" if listed else "inventoryItemGroupKeys": [f"G-{listing['item']}"]} if listing["variation"] else {}
    about = {"sku": listing["sku"], "locale": "en_US", "condition": "NEW", **groups}
    return {**about, "availability": stock, "product": {"title": listing["title"]}}


def _offer(listing: Mapping[str, Any]) -> dict[str, Any]:
    live = {"listingId": listing["item"], "listingStatus": "ACTIVE" if listing["quantity"] else "OUT_OF_STOCK"}
    price = {"price": {"value": listing["price"], "currency": listing["currency"]}}
    return {
        "offerId": listing["offer"],
        "sku": listing["sku"],
        "marketplaceId": "EBAY_US",
        "format": "FIXED_PRICE",
        "availableQuantity": listing["quantity"],
        "pricingSummary": price,
        "status": "PUBLISHED",
        "listing": {**live, "soldQuantity": listing["sold"]},
    }


def _item_xml(family: Sequence[Mapping[str, Any]], now: int, varied: bool) -> str:
    """An Item of Trading; one with variations tells quantity and SKU there, quantity as ever offered."""
    first = family[0]
    offered, sold = sum(one["quantity"] + one["sold"] for one in family), sum(one["sold"] for one in family)
    own = f"<SKU>{escape(first['sku'])}</SKU>" if first["sku"] and not first["variation"] else ""
    inner = "".join(_variation_xml(one) for one in family) if varied and first["variation"] else ""
    return (
        f"<Item><ItemID>{first['item']}</ItemID><ListingDetails><EndTime>{_stamp_ms(_end_after(first, now))}</EndTime></ListingDetails>"
        f"<ListingType>FixedPriceItem</ListingType><Quantity>{offered}</Quantity>"
        f"<SellingStatus><QuantitySold>{sold}</QuantitySold><ListingStatus>Active</ListingStatus></SellingStatus>{own}"
        f"<Title>{escape(first['title'])}</Title>" + (f"<Variations>{inner}</Variations>" if inner else "") + "</Item>"
    )


def _stamp_ms(at: int) -> str:
    return stamp(datetime.fromtimestamp(at / 1000, UTC))


def _variation_xml(one: Mapping[str, Any]) -> str:
    named = f"<SKU>{escape(one['sku'])}</SKU>" if one["sku"] else ""
    return (
        f"<Variation>{named}<Quantity>{one['quantity'] + one['sold']}</Quantity>"
        f"<SellingStatus><QuantitySold>{one['sold']}</QuantitySold></SellingStatus>"
        f"<VariationTitle>{escape(one['title'])}</VariationTitle>"
        f"<VariationViewItemURL>https://www.ebay.com/itm/{one['item']}?var={one['variation']}</VariationViewItemURL></Variation>"
    )


def _status_xml(wish: Mapping[str, str]) -> str:
    inner = "".join(f"<{key}>{escape(wish[key])}</{key}>" for key in ("ItemID", "SKU", "Quantity") if key in wish)
    return f"<InventoryStatus>{inner}</InventoryStatus>"


def _error_xml(code: str, words: str, item: str = "") -> str:
    named = f'<ErrorParameters ParamID="ItemID"><Value>{escape(item)}</Value></ErrorParameters>' if item else ""
    return (
        f"<Errors><ShortMessage>{escape(words)}</ShortMessage><LongMessage>{escape(words)}</LongMessage><ErrorCode>{code}</ErrorCode>"
        f"<SeverityCode>Error</SeverityCode>{named}<ErrorClassification>RequestError</ErrorClassification></Errors>"
    )


def _trading_answer(call: str, world: World, ack: str, inner: str) -> Response:
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><{call}Response xmlns="{NS}"><Timestamp>{stamp(world.clock())}</Timestamp>'
        f"<Ack>{ack}</Ack><Version>1451</Version><Build>E1451_SIM</Build>{inner}</{call}Response>"
    )
    return Response(text, 200, content_type="text/xml")


def _trading_failure(call: str, world: World, code: str, words: str) -> Response:
    return _trading_answer(call if call.isalnum() else "Unknown", world, "Failure", _error_xml(code, words))


# A checkout


class _Checkout:
    """Builds one order's document. Amounts are minor units of the seller's currency; a converted order tells both."""

    def __init__(self, number: int, site: tuple[str, str, str, str, tuple[str, int] | None], chance: random.Random, plain: bool) -> None:
        self.number, self.chance, self.plain = number, chance, plain
        self.site, self.currency, self.country, self.tax, self.converted = site
        self.hub = not plain and site[3] == "none" and chance.random() < 0.3

    def amount(self, minor: int) -> dict[str, str]:
        told = {"value": decimal(Money(minor, self.currency)), "currency": self.currency}
        if self.converted:
            currency, rate = self.converted
            told.update(convertedFromValue=decimal(Money(minor * rate // 100, currency)), convertedFromCurrency=currency)
        return told

    def summed(self, *minors: int) -> dict[str, str]:
        """A total whose converted form is the sum of its parts' converted forms."""
        told = self.amount(sum(minors))
        if self.converted:
            told["convertedFromValue"] = decimal(Money(sum(minor * self.converted[1] // 100 for minor in minors), self.converted[0]))
        return told

    def document(self, goods: Sequence[tuple[dict[str, Any], int]], now: datetime, paid: bool) -> dict[str, Any]:
        numbers = [self._figures(listing, quantity) for listing, quantity in goods]
        delivery = 0 if self.plain else self.chance.choice((0, 0, 499, 799))
        less = delivery // 2 if delivery and self.chance.random() < 0.2 else 0
        costs, discounts, taxes = ([row[place] for row in numbers] for place in range(3))
        parts = [*costs, *(-one for one in discounts), *taxes, delivery, -less]
        prices = {"priceSubtotal": self.summed(*costs), "deliveryCost": self.amount(delivery), "total": self.summed(*parts)}
        if any(taxes):
            prices["tax"] = self.summed(*taxes)
        if any(discounts):
            prices["priceDiscount"] = self.summed(*(-one for one in discounts))
        if less:
            prices["deliveryDiscount"] = self.amount(-less)
        lines = [
            self._line(place, listing, quantity, figures, now)
            for place, ((listing, quantity), figures) in enumerate(zip(goods, numbers, strict=True))
        ]
        return self._order(now, paid, prices, lines)

    def _figures(self, listing: Mapping[str, Any], quantity: int) -> tuple[int, int, int]:
        """(cost, discount, tax collected by eBay) of one line."""
        cost = Money.parse(listing["price"], listing["currency"]).minor * quantity
        discount = 0 if self.plain or self.chance.random() > 0.2 else cost // 10
        rate = {"remit": 725, "ioss": 2000}.get(self.tax, 0)
        return cost, discount, (cost - discount) * rate // 10_000

    def _line(self, place: int, listing: Mapping[str, Any], quantity: int, figures: tuple[int, int, int], now: datetime) -> dict[str, Any]:
        cost, discount, tax = figures
        kind = "VAT" if self.tax == "ioss" else "PROVINCE_SALES_TAX" if self.country == "CA" else "STATE_SALES_TAX"
        line: dict[str, Any] = {
            "lineItemId": str(10_080_000_000_000 + self.number * 10 + place),
            "legacyItemId": listing["item"],
            **({"legacyVariationId": listing["variation"]} if listing["variation"] else {}),
            "sku": listing["sku"],
            "title": listing["title"],
            "lineItemCost": self.amount(cost),
            "quantity": quantity,
            "soldFormat": "FIXED_PRICE",
            "listingMarketplaceId": self.site,
            "purchaseMarketplaceId": self.site,
            "lineItemFulfillmentStatus": "NOT_STARTED",
            "total": self.summed(cost, -discount, tax),
            "deliveryCost": {"shippingCost": self.amount(0)},
            "appliedPromotions": [],
            "taxes": [{"taxType": kind, "amount": self.amount(tax)}] if tax else [],
            "refunds": [],
            "properties": {"buyerProtection": True},
            "lineItemFulfillmentInstructions": {"shipByDate": stamp(now + timedelta(days=2)), "guaranteedDelivery": False},
        }
        if discount:
            promotion = {"promotionId": "5000123010", "description": "Order discount", "discountAmount": self.amount(discount)}
            line.update(appliedPromotions=[promotion], discountedLineItemCost=self.summed(cost, -discount))
        if tax:
            line["ebayCollectAndRemitTaxes"] = [self._remitted(kind, tax)]
        return line

    def _remitted(self, kind: str, tax: int) -> dict[str, Any]:
        reference = {"ebayReference": {"name": "IOSS", "value": "IM2760000000"}} if self.tax == "ioss" else {}
        return {"taxType": kind, "amount": self.amount(tax), "collectionMethod": "NET", **reference}

    def _order(self, now: datetime, paid: bool, prices: dict[str, Any], lines: list[dict[str, Any]]) -> dict[str, Any]:
        number = f"{self.number % 90 + 10:02d}-{14000 + self.number // 90 % 900:05d}-{10000 + self.number:05d}"
        document: dict[str, Any] = {
            "orderId": number,
            "legacyOrderId": number,
            "creationDate": stamp(now),
            "lastModifiedDate": stamp(now),
            "orderFulfillmentStatus": "NOT_STARTED",
            "orderPaymentStatus": "PAID" if paid else "PENDING",
            "sellerId": SELLER,
            "buyer": self._buyer(),
            "pricingSummary": prices,
            "cancelStatus": {"cancelState": "NONE_REQUESTED", "cancelRequests": []},
            "paymentSummary": {"totalDueSeller": prices["total"], "refunds": [], "payments": []},
            "fulfillmentStartInstructions": [self._start(now)],
            "fulfillmentHrefs": [],
            "lineItems": lines,
            "salesRecordReference": str(17_000 + self.number),
            "totalFeeBasisAmount": prices["total"],
        }
        if paid:
            document["paymentSummary"]["payments"] = [_payment(document, stamp(now))]
        if any(line.get("ebayCollectAndRemitTaxes") for line in lines):
            document["ebayCollectAndRemitTax"] = True
        return {**document, "program": {"ebayInternationalShipping": {"returnsManagedBy": "EBAY"}}} if self.hub else document

    def _contact(self, person: tuple[str, str, str, str, str]) -> dict[str, Any]:
        name, street, city, region, postcode = person
        home = {"addressLine1": street, "city": city, "stateOrProvince": region, "postalCode": postcode, "countryCode": self.country}
        mail = f"{self.number:020d}@members.ebay.com"
        return {"fullName": name, "contactAddress": home, "primaryPhone": {"phoneNumber": "5550100"}, "email": mail}

    def _buyer(self) -> dict[str, Any]:
        self.person = PEOPLE[self.number % len(PEOPLE)]
        contact = self._contact(self.person)
        home = contact["contactAddress"]
        tax = {key: home[key] for key in ("city", "stateOrProvince", "postalCode", "countryCode")}
        return {"username": f"sim-buyer-{BUYERS + self.number}", "taxAddress": tax, "buyerRegistrationAddress": contact}

    def _start(self, now: datetime) -> dict[str, Any]:
        carrier, service = SHIP.get(self.country, ("Other", "OtherInternational"))
        step: dict[str, Any] = {"shipTo": self._contact(self.person), "shippingCarrierCode": carrier, "shippingServiceCode": service}
        start = {
            "fulfillmentInstructionsType": "SHIP_TO",
            "minEstimatedDeliveryDate": stamp(now + timedelta(days=3)),
            "maxEstimatedDeliveryDate": stamp(now + timedelta(days=6)),
            "ebaySupportedFulfillment": self.hub,
            "shippingStep": step,
        }
        if self.hub:
            start["finalDestinationAddress"] = step["shipTo"]["contactAddress"]
            hub = ("eBay Hub Glendale", "1850 Airport Exchange", "Erlanger", "KY", "41018")
            step.update(shipTo=self._contact(hub), shipToReferenceId=f"eBay{self.number:012d}")
        return start


def _combines(order: Mapping[str, Any]) -> bool:
    document = order["document"]
    return (
        document["orderPaymentStatus"] == "PENDING" and document["cancelStatus"]["cancelState"] == "NONE_REQUESTED" and not order["parks"]
    )


def _joined(parts: Sequence[Mapping[str, Any]], number: int, now: str) -> dict[str, Any]:
    """One order of all their lines, which costs what they cost together."""
    first, prices = parts[0], [part["pricingSummary"] for part in parts]
    name = f"{number % 90 + 10:02d}-{14000 + number // 90 % 900:05d}-{10000 + number:05d}"
    names = dict.fromkeys(key for price in prices for key in price)
    told = {key: _added([price[key] for price in prices if key in price]) for key in names}
    return {
        **first,
        "orderId": name,
        "legacyOrderId": name,
        "creationDate": now,
        "lastModifiedDate": now,
        "pricingSummary": told,
        "paymentSummary": {"totalDueSeller": told["total"], "refunds": [], "payments": []},
        "totalFeeBasisAmount": told["total"],
        "lineItems": [line for part in parts for line in part["lineItems"]],
        **({"ebayCollectAndRemitTax": True} if any(part.get("ebayCollectAndRemitTax") for part in parts) else {}),
    }


def _added(amounts: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Their sum, in both currencies where they tell two."""
    found = dict(amounts[0])
    for value, currency in (("value", "currency"), ("convertedFromValue", "convertedFromCurrency")):
        if value in found:
            sums = [Money.parse(one[value], one[currency]) for one in amounts]
            found[value] = decimal(sum(sums[1:], sums[0]))
    return found


def _payment(document: Mapping[str, Any], now: str) -> dict[str, Any]:
    number = f"42{document['salesRecordReference']}_S"
    return {
        "paymentMethod": "EBAY",
        "paymentReferenceId": number,
        "paymentDate": now,
        "amount": document["pricingSummary"]["total"],
        "paymentStatus": "PAID",
    }


def _share(line: Mapping[str, Any], wish: Mapping[str, Any]) -> dict[str, Any]:
    """What `quantity` units of the line cost after discounts, or the amount that was wished for."""
    cost = line.get("discountedLineItemCost") or line["lineItemCost"]
    currency, units = cost["currency"], whole(wish.get("quantity", line["quantity"]), "quantity")
    minor = Money.parse(cost["value"], currency).minor * units // line["quantity"]
    value = Money.parse(wish["amount"], currency) if "amount" in wish else Money(minor, currency)
    return {"value": decimal(value), "currency": currency}


# The oracle


def _sent(order: Mapping[str, Any], line: Mapping[str, Any]) -> int:
    parts = (part for parcel in order["fulfillments"] for part in parcel["lineItems"])
    return sum(part["quantity"] for part in parts if part["lineItemId"] == line.get("lineItemId"))


def _open(order: Mapping[str, Any], line: Mapping[str, Any]) -> int:
    return max(0, int(line["quantity"]) - _sent(order, line))


def _progress(order: dict[str, Any]) -> None:
    """Statuses of the lines and the order, from what was sent."""
    lines = order["document"]["lineItems"]
    for line in lines:
        line["lineItemFulfillmentStatus"] = (
            "NOT_STARTED" if not _sent(order, line) else "IN_PROGRESS" if _open(order, line) else "FULFILLED"
        )
    words = {line["lineItemFulfillmentStatus"] for line in lines}
    order["document"]["orderFulfillmentStatus"] = words.pop() if len(words) == 1 else "IN_PROGRESS"


def _units(order: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    document = order["document"]
    gone = document["cancelStatus"]["cancelState"] == "CANCELED" or document["orderPaymentStatus"] == "FULLY_REFUNDED"
    for line in document["lineItems"]:
        paid_back = not _sent(order, line) and _minor_back(line) >= _minor_due(line) > 0
        yield line.get("sku", ""), 0 if gone or paid_back else _open(order, line)


def _minor_back(line: Mapping[str, Any]) -> int:
    return sum(Money.parse(row["amount"]["value"], row["amount"]["currency"]).minor for row in line["refunds"])


def _minor_due(line: Mapping[str, Any]) -> int:
    due = line.get("discountedLineItemCost") or line["lineItemCost"]
    try:
        return Money.parse(due["value"], due["currency"]).minor
    except ValueError:
        return 0


def _oracle(order: Mapping[str, Any]) -> dict[str, Any]:
    document = order["document"]
    units: dict[str, int] = {}
    for sku, count in _units(order):
        units[sku] = units.get(sku, 0) + count
    return {
        "id": document["orderId"],
        "units": units,
        "parks": order["parks"],
        "flags": order["flags"],
        "placed_at": document["creationDate"],
        "total": document["pricingSummary"]["total"]["value"],
        "currency": document["pricingSummary"]["total"]["currency"],
        "cancelled": document["cancelStatus"]["cancelState"] == "CANCELED",
        "shipments": sending.told_of(order),
        "lines": [{"id": line.get("lineItemId"), "sku": line.get("sku"), "quantity": line["quantity"]} for line in document["lineItems"]],
    }


# The planted list: (what is done to the document, why the hub cannot read it, why it must flag it)


def _break_amount(document: dict[str, Any]) -> None:
    document["lineItems"][0]["lineItemCost"]["value"] = "12,50"


def _drop_line_id(document: dict[str, Any]) -> None:
    del document["lineItems"][0]["lineItemId"]


def _unknown_payment(document: dict[str, Any]) -> None:
    document["orderPaymentStatus"] = "AWAITING_ESCROW"


def _failed_payment(document: dict[str, Any]) -> None:
    document["orderPaymentStatus"] = "FAILED"


def _wrong_total(document: dict[str, Any]) -> None:
    total = document["pricingSummary"]["total"]
    total["value"] = decimal(Money.parse(total["value"], total["currency"]) + Money(777, total["currency"]))


PLANTED: tuple[tuple[Callable[[dict[str, Any]], None], str | None, str], ...] = (
    (_break_amount, "lineItemCost: not an amount of money", ""),
    (_drop_line_id, "lineItemId: missing", ""),
    (_unknown_payment, None, "status"),
    (_failed_payment, None, "payment"),
    (_wrong_total, None, "money"),
)
