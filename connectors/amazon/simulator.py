"""Amazon's Selling Partner API as it behaves: tokens, plans, paging, delays, feeds, FBA stock and an SQS queue of order changes."""

import base64
import gzip
import json
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request, Response

from connectors.amazon import (
    shapes,
    simulated,
    simulated_labels,
    simulated_money,
    simulated_outbound,
    simulated_payouts,
    simulated_report,
    simulated_shelves,
)
from connectors.amazon import simulated_sending as sending
from connectors.amazon.simulated import DE, GB, JP, US, Goods, stamp
from connectors.amazon.simulated_shelves import MOVES
from connectors.amazon.tables import INCLUDED, KEYS, MARKETPLACES, RATES
from connectors.http import write_json
from connectors.simulation import RELAXED, World, ask_page, came_back, cart, chosen, reply, whole
from core.domain.money import Money

SELLER = "A1SIMULATEDSELLER"
APP = {
    "client_id": "amzn1.application-oa2-client.simulated", "client_secret": "amzn1.oa2-cs.v1.simulated",
    "application_id": "amzn1.sp.solution.simulated",
}  # fmt: skip
CODE_S = 300
REFRESH = "Atzr|simulated-refresh-token"
FBA_CODE = "AMAZON_NA"
TOKEN_S, PAGE_TOKEN_S, FBA_TOKEN_S, UPLOAD_S, DOWNLOAD_S = 3600, 86400, 30, 300, 300
REACH = 1000  # listings that searchListingsItems pages through
REPORT = "GET_MERCHANT_LISTINGS_ALL_DATA"
SETTLEMENT = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
ORDERS = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
LEDGER = "GET_LEDGER_DETAIL_VIEW_DATA"
LEDGER_KEPT = timedelta(days=548)  # eighteen months
ORDERS_DAYS = 30  # "Report can be requested only upto 30 days" (vendor's tracker, 2023-05)
OLDEST = timedelta(days=731)  # older orders are not returned
KEPT = 16  # documents of reports; Amazon keeps them for 90 days
SQS, STORAGE = "sqs", "storage"
LISTINGS_FEED, ACKNOWLEDGEMENT = "JSON_LISTINGS_FEED", "POST_ORDER_ACKNOWLEDGEMENT_DATA"
LISTING_PARTS = ("summaries", "attributes", "issues", "offers", "fulfillmentAvailability", "procurement", "relationships", "productTypes")


def _error(code: str, message: str, status: int, details: str = "") -> Response:
    """The vendor's error shape. A real 429 came without any header on limits (seen 2025-09)."""
    return reply({"errors": [{"code": code, "message": message, "details": details}]}, status)


class Wrong(Exception):
    """The request is refused with 400."""


def _token(position: Any, until: datetime) -> str:
    return base64.urlsafe_b64encode(json.dumps([position, until.isoformat()]).encode()).decode()


def _untoken(token: str, now: datetime) -> Any:
    try:
        position, until = json.loads(base64.urlsafe_b64decode(token.encode()))
        expired = datetime.fromisoformat(until) < now
    except (ValueError, TypeError):
        raise Wrong("the page token is not valid") from None
    if expired:
        raise Wrong("the page token has expired")
    return position


def _new_account() -> dict[str, Any]:
    """One that listed and sold nothing."""
    return {
        "seq": 0,
        "last": "",
        "listings": {},
        "orders": {},
        "tokens": {},
        "codes": {},
        "writes": [],
        "documents": {},
        "feeds": {},
        "reports": {},
        "queue": [],
        "offers": {},
        "labels": {},
        "outbound": {},
        "ledger": [],
        "money": simulated_money.empty(),
    }


class Simulator:
    """One seller account. Quantities become live `delay_s` after they were accepted; a report is made `report_s` after it was asked for,
    and its document is gzip as long as `packs`."""

    name = "amazon"

    def __init__(self, world: World) -> None:
        self.world = world
        self.delay_s, self.report_s = (0.2, 0.4) if world.relaxed else (5.0, 60.0)
        self.packs = True
        self.fails: set[str] = set()  # types of reports that end FATAL
        self.late_s, self.deposit_s = (0, 0) if world.relaxed else (172_800, 172_800)  # how late finances tell, and deposits come
        self.state = _new_account()
        self._calls = self._operations()

    def _operations(self) -> dict[str, Callable[..., Response]]:
        """By the operation's name in the vendor's models, what answers it."""
        return {
            "token": self._grant,
            "searchOrders": self._search_orders,
            "getOrder": self._get_order,
            "searchListingsItems": self._search_listings,
            "getListingsItem": self._get_listing,
            "patchListingsItem": self._patch_listing,
            "createFeedDocument": self._create_document,
            "createFeed": self._create_feed,
            "getFeed": self._get_feed,
            "getFeedDocument": self._get_document,
            "getInventorySummaries": self._fba,
            "createReport": self._create_report,
            "getReport": self._get_report,
            "getReports": self._get_reports,
            "getReportDocument": self._get_report_document,
            "listTransactions": self._transactions,
            "confirmShipment": self._confirm,
            "getRates": self._rates,
            "purchaseShipment": self._purchase,
            "getShipmentDocuments": self._documents,
            "cancelShipment": self._cancel_label,
            "getTracking": self._label_track,
            "createFulfillmentOrder": self._send_for,
            "getFulfillmentOrder": self._sent_for,
            "cancelFulfillmentOrder": self._call_back,
        }

    def credentials(self, base: str) -> dict[str, Any]:
        """`min_age_s` is 0 under relaxed limits; the queue is always there."""
        settings: dict[str, Any] = {
            "url": base,
            "auth_url": f"{base}/auth/o2/token",
            "consent_url": base,
            "queue_url": f"{base}/{SQS}",
            "sqs_url": f"{base}/{SQS}",
        }
        settings |= {"marketplace_ids": f"{US},{GB},{DE},{JP}", "min_age_s": 0 if self.world.relaxed else 120}
        settings["report_wait_s"] = self.report_s / 4
        return {"account": SELLER, "app": dict(APP), "login": {"refresh_token": REFRESH}, "settings": settings}

    # --- the door

    def _steps(self, request: Request) -> list[str]:
        """The path below /amazon, from the raw target: a SKU may hold a slash."""
        raw = str(request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or request.path).partition("?")[0]
        return [unquote(step) for step in raw.split("/") if step][1:]

    def operation(self, request: Request) -> str | None:
        match request.method, self._steps(request):
            case "POST", ["auth", "o2", "token"]:
                return "token"
            case "GET", ["orders", "2026-01-01", "orders"]:
                return "searchOrders"
            case "GET", ["orders", "2026-01-01", "orders", _]:
                return "getOrder"
            case "POST", ["orders", "v0", "orders", _, "shipmentConfirmation"]:
                return "confirmShipment"
            case "GET", ["listings", "2021-08-01", "items", _]:
                return "searchListingsItems"
            case ("GET" | "PATCH") as method, ["listings", "2021-08-01", "items", _, _]:
                return "getListingsItem" if method == "GET" else "patchListingsItem"
            case method, ["feeds", "2021-06-30", *rest]:
                return self._feed_operation(method, rest)
            case method, ["reports", "2021-06-30", *rest]:
                return self._report_operation(method, rest)
            case "GET", ["fba", "inventory", "v1", "summaries"]:
                return "getInventorySummaries"
            case "GET", ["finances", "2024-06-19", "transactions"]:
                return "listTransactions"
            case method, ["fba", "outbound", "2020-07-01", "fulfillmentOrders", *rest]:
                return self._outbound_operation(method, rest)
            case method, ["shipping", "v2", *rest]:
                return self._label_operation(method, rest)
            case _:
                return None

    def _feed_operation(self, method: str, rest: list[str]) -> str | None:
        match method, rest:
            case "POST", ["documents"]:
                return "createFeedDocument"
            case "POST", ["feeds"]:
                return "createFeed"
            case "GET", ["feeds", _]:
                return "getFeed"
            case "GET", ["documents", _]:
                return "getFeedDocument"
            case _:
                return None

    def _report_operation(self, method: str, rest: list[str]) -> str | None:
        match method, rest:
            case "POST", ["reports"]:
                return "createReport"
            case "GET", ["reports"]:
                return "getReports"
            case "GET", ["reports", _]:
                return "getReport"
            case "GET", ["documents", _]:
                return "getReportDocument"
            case _:
                return None

    def _outbound_operation(self, method: str, rest: list[str]) -> str | None:
        match method, rest:
            case "POST", []:
                return "createFulfillmentOrder"
            case "GET", [_]:
                return "getFulfillmentOrder"
            case "PUT", [_, "cancel"]:
                return "cancelFulfillmentOrder"
            case _:
                return None

    def _label_operation(self, method: str, rest: list[str]) -> str | None:
        match method, rest:
            case "POST", ["shipments", "rates"]:
                return "getRates"
            case "POST", ["shipments"]:
                return "purchaseShipment"
            case "GET", ["shipments", _, "documents"]:
                return "getShipmentDocuments"
            case "PUT", ["shipments", _, "cancel"]:
                return "cancelShipment"
            case "GET", ["tracking"]:
                return "getTracking"
            case _:
                return None

    def answer(self, request: Request, operation: str | None) -> Response:
        self._settle()
        steps = self._steps(request)
        if operation is None:
            return self._elsewhere(request, steps)
        if operation != "token" and (refusal := self._refusal(request, operation)):
            return refusal
        try:
            answer = self._calls[operation](request, *steps[3:])
        except (Wrong, simulated_outbound.Declined) as error:
            return _error("InvalidInput", str(error), 400)
        except simulated_labels.Declined as error:
            return _error(error.code, str(error), error.status)
        if operation != "token" and answer.status_code < 300:
            answer.headers["x-amzn-RateLimit-Limit"] = str(RATES[operation].per_s * (RELAXED if self.world.relaxed else 1.0))
        answer.headers["x-amzn-RequestId"] = f"sim-{len(self.world.log)}"
        return answer

    def _elsewhere(self, request: Request, steps: list[str]) -> Response:
        match steps:
            case ["sqs"]:
                return self._sqs(request)
            case ["apps", "authorize", "consent"]:
                return self._agree(request)
            case ["storage", document]:
                return self._storage(request, document)
            case _:
                return _error("NotFound", "The requested resource doesn't exist.", 404)

    def _refusal(self, request: Request, operation: str) -> Response | None:
        """Token, plan, then the parameters that the operation knows."""
        expires = self.state["tokens"].get(request.headers.get("x-amz-access-token", ""))
        if expires is None or datetime.fromisoformat(expires) <= self.world.clock():
            details = "The access token you provided has expired." if expires else "The access token you provided is not valid."
            return _error("Unauthorized", "Access to requested resource is denied.", 403, details)
        if self.world.take(operation, RATES[operation]) > 0:
            return self.fault("429", operation)
        if unknown := [key for key in request.args if key not in KEYS[operation].query]:
            return _error("InvalidInput", f"{unknown[0]} is not a parameter of {operation}", 400)
        if repeated := [key for key, values in request.args.lists() if len(values) > 1]:
            return _error("InvalidInput", f"{repeated[0]} is given twice", 400)
        return None

    def fault(self, kind: str, operation: str | None) -> Response:
        match kind:
            case "429":
                return _error("QuotaExceeded", "You exceeded your quota for the requested resource.", 429)
            case "401":
                return _error("Unauthorized", "Access to requested resource is denied.", 401)
            case _:
                return _error("InternalFailure", "We encountered an internal error. Please try again.", 500)

    def _grant(self, request: Request, *_: str) -> Response:
        form = request.form
        if (form.get("client_id"), form.get("client_secret")) != (APP["client_id"], APP["client_secret"]):
            return reply({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
        by_code = form.get("grant_type") == "authorization_code" and self._takes(form)
        if not by_code and (form.get("grant_type") != "refresh_token" or form.get("refresh_token") != REFRESH):
            return reply({"error": "invalid_grant", "error_description": "The request has an invalid grant parameter"}, 400)
        token, until = f"Atza|{self._next()}-{self.world.seed}", self.world.clock() + timedelta(seconds=TOKEN_S)
        self.state["tokens"] = {**dict(list(self.state["tokens"].items())[-20:]), token: until.isoformat()}
        return reply({"access_token": token, "refresh_token": REFRESH, "token_type": "bearer", "expires_in": TOKEN_S})

    def _agree(self, request: Request) -> Response:
        """Seller Central's page: the seller comes back with a code that holds five minutes."""
        args = request.args
        address = args.get("redirect_uri", "")
        if args.get("application_id") != APP["application_id"] or not address or not args.get("state"):
            return Response("MD1000: the application, its redirect address or the state is wrong", 400)
        if request.method != "POST":
            return ask_page(
                "Simulated Seller Central: authorize Crossdock", f"{SELLER} would share orders and stock.", request.full_path, "Confirm"
            )
        if not request.form.get("agree"):
            return came_back(address, state=args["state"], error="access_denied")
        code = f"simulated-{self._next()}"
        self.state["codes"][code] = [(self.world.clock() + timedelta(seconds=CODE_S)).isoformat(), address]
        return came_back(address, state=args["state"], selling_partner_id=SELLER, spapi_oauth_code=code)

    def _takes(self, form: Mapping[str, str]) -> bool:
        """Whether this code holds; it does so once, and for the address that it was given for."""
        until, address = self.state["codes"].pop(form.get("code", ""), (None, None))
        return until is not None and form.get("redirect_uri") == address and datetime.fromisoformat(until) > self.world.clock()

    def _next(self) -> int:
        self.state["seq"] += 1
        return int(self.state["seq"])

    # --- orders

    def _search_orders(self, request: Request, *_: str) -> Response:
        args, now = request.args, self.world.clock()
        kind, after, before = self._window(args)
        most, sites = int(args.get("maxResultsPerPage", 100)), args.get("marketplaceIds", "").split(",")
        if not 1 <= most <= 100 or len(sites) > 50:
            raise Wrong("maxResultsPerPage is between 1 and 100, and marketplaceIds holds at most 50")
        key = "lastUpdatedTime" if kind == "lastUpdated" else "createdTime"
        found = [raw for raw in self._raws() if after <= raw[key] <= before and raw["salesChannel"]["marketplaceId"] in sites]
        found = sorted(self._filtered(found, args), key=lambda raw: (raw[key], raw["orderId"]))
        if token := args.get("paginationToken"):
            past = tuple(_untoken(token, now))
            found = [raw for raw in found if (raw[key], raw["orderId"]) > past]
        most, included = min(most, self.world.page), self._included(args)
        page = found[:most]
        answer: dict[str, Any] = {"orders": [shapes.view(raw, included) for raw in page], f"{kind}Before": before}
        if len(found) > most:
            answer["pagination"] = {"nextToken": _token([page[-1][key], page[-1]["orderId"]], now + timedelta(seconds=PAGE_TOKEN_S))}
        return reply(answer)

    def _window(self, args: Any) -> tuple[str, str, str]:
        """Exactly one of createdAfter and lastUpdatedAfter; the other end at least two minutes ago."""
        kinds = [kind for kind in ("created", "lastUpdated") if f"{kind}After" in args]
        others = [kind for kind in ("created", "lastUpdated") if f"{kind}Before" in args]
        if len(kinds) != 1 or any(kind != kinds[0] for kind in others):
            raise Wrong("exactly one of createdAfter and lastUpdatedAfter is needed")
        newest = self.world.clock() - timedelta(seconds=0 if self.world.relaxed else 120)
        after = _when(args[f"{kinds[0]}After"])
        before = _when(args[f"{kinds[0]}Before"]) if others else newest
        if before > newest or before < after:
            raise Wrong(f"{kinds[0]}Before must not lie before {kinds[0]}After and be at least two minutes in the past")
        return kinds[0], stamp(after), stamp(before)

    def _raws(self) -> list[dict[str, Any]]:
        return [order["raw"] for order in self.state["orders"].values()]

    def _filtered(self, found: list[dict[str, Any]], args: Any) -> list[dict[str, Any]]:
        for name, key in (("fulfillmentStatuses", "fulfillmentStatus"), ("fulfilledBy", "fulfilledBy")):
            if name in args:
                found = [raw for raw in found if raw.get("fulfillment", {}).get(key) in args[name].split(",")]
        return found

    def _included(self, args: Any) -> set[str]:
        asked = {word for word in args.get("includedData", "").split(",") if word}
        if unknown := asked - {*INCLUDED, "FULFILLMENT_ORDERS"}:
            raise Wrong(f"includedData does not know {sorted(unknown)[0]}")
        return asked

    def _get_order(self, request: Request, order: str) -> Response:
        if order not in self.state["orders"]:
            return _error("NotFound", "Resource not found", 404)
        return reply({"order": shapes.view(self.state["orders"][order]["raw"], self._included(request.args))})

    def _confirm(self, request: Request, order: str, *_: str) -> Response:
        if order not in self.state["orders"]:
            return _error("NotFound", "Resource not found", 404)
        raw = self.state["orders"][order]["raw"]
        body = _body(request, KEYS["confirmShipment"].body, {"marketplaceId": str, "packageDetail": dict})
        try:
            sending.confirmed(raw, body, stamp(self.world.clock()))
        except sending.Declined as error:
            raise Wrong(str(error)) from None
        raw["lastUpdatedTime"] = stamp(self._later())
        self._announce(raw, "Order shipped")
        return Response("", 204, content_type="application/json")

    # --- labels of its own orders

    def _rates(self, request: Request, *_: str) -> Response:
        body = _body(request, KEYS["getRates"].body, {"channelDetails": dict, "packages": list, "shipFrom": dict})
        order = body["channelDetails"].get("amazonOrderDetails", {}).get("orderId", "")
        if body["channelDetails"].get("channelType") != "AMAZON" or order not in self.state["orders"]:
            raise Wrong("channelDetails names no order of this account")
        raw, now = self.state["orders"][order]["raw"], self.world.clock()
        token = f"offer-{self._next()}"
        rates = simulated_labels.offered(raw, body, now)
        until = (now + timedelta(seconds=simulated_labels.OFFER_S)).isoformat()
        self.state["offers"] = {
            **dict(list(self.state["offers"].items())[-200:]),
            token: {"order": order, "until": until, "rates": rates, "packages": body["packages"]},
        }
        why = [{"code": "WEIGHT_RESTRICTIONS", "message": "The package is too heavy."}]
        none = [
            {"serviceId": one[0], "serviceName": one[1], "carrierId": one[2], "carrierName": one[3], "ineligibilityReasons": why}
            for one in (() if rates else simulated_labels.SERVICES)
        ]
        return reply({"payload": {"requestToken": token, "rates": rates, "ineligibleRates": none}})

    def _purchase(self, request: Request, *_: str) -> Response:
        """Under a key that was used it is the purchase of then, whatever became of its offer."""
        body = _body(request, KEYS["purchaseShipment"].body, {"requestToken": str, "rateId": str, "requestedDocumentSpecification": dict})
        key, labels = request.headers.get("x-amzn-IdempotencyKey", ""), self.state["labels"]
        if key and (before := next((one for one in labels.values() if one["key"] == key), None)):
            return reply({"payload": simulated_labels.purchase(before)})
        offer = self.state["offers"].get(body["requestToken"])
        if offer is None or datetime.fromisoformat(offer["until"]) < self.world.clock():
            return _error("TOKEN_EXPIRED", "The request token is not valid any more.", 400)
        rate = next((one for one in offer["rates"] if one["rateId"] == body["rateId"]), None)
        if rate is None:
            raise Wrong("there is no such rate")
        raw = self.state["orders"][offer["order"]]["raw"]
        made = simulated_labels.sold(labels, raw, offer, rate, body, key, self.world.clock())
        labels[made["shipment"]] = made
        raw["lastUpdatedTime"] = stamp(self._later())
        self._announce(raw, "Order shipped")
        return reply({"payload": simulated_labels.purchase(made)})

    def _label(self, shipment: str) -> dict[str, Any]:
        if shipment not in self.state["labels"]:
            raise simulated_labels.Declined(404, "NotFound", "There is no such shipment.")
        made: dict[str, Any] = self.state["labels"][shipment]
        return made

    def _documents(self, request: Request, shipment: str, *_: str) -> Response:
        package, how = request.args.get("packageClientReferenceId", ""), request.args.get("format", "PNG")
        return reply({"payload": simulated_labels.documents(self._label(shipment), package, how)})

    def _cancel_label(self, request: Request, shipment: str, *_: str) -> Response:
        made = self._label(shipment)
        raw = self.state["orders"][made["order"]]["raw"]
        simulated_labels.cancelled(raw, made)
        raw["lastUpdatedTime"] = stamp(self._later())
        self._announce(raw, "Order updated")
        return reply({"payload": {}})

    def _label_track(self, request: Request, *_: str) -> Response:
        made = simulated_labels.found(self.state["labels"], request.args.get("trackingId", ""))
        if made is None or made["carrier"] != request.args.get("carrierId"):
            raise Wrong("there is no such parcel")
        return reply({"payload": simulated_labels.tracking(made)})

    def parcels(self) -> list[dict[str, Any]]:
        return list(simulated_labels.known(self.state["labels"]))

    def move(self, tracking: str, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        made = simulated_labels.found(self.state["labels"], tracking)
        if made is None or what not in simulated_labels.MOVES:
            raise BadRequest("no such parcel, or nothing that happens to one")
        simulated_labels.moved(made, what, wish, self.world.clock())
        return simulated_labels.parcel(made)

    # --- orders of other channels

    def _send_for(self, request: Request, *_: str) -> Response:
        body = _body(request, KEYS["createFulfillmentOrder"].body, {"sellerFulfillmentOrderId": str, "items": list})
        number = body["sellerFulfillmentOrderId"]
        if number not in self.state["outbound"]:
            stock = {sku: one["stock"] for sku, one in self.state["listings"].items() if one["code"] != "DEFAULT"}
            self.state["outbound"][number] = made = simulated_outbound.created(body, stock, stamp(self.world.clock()))
            self._take_off(simulated_outbound.kept(made), -1)
        return reply({})

    def _outbound_order(self, number: str) -> dict[str, Any]:
        made: dict[str, Any] = self.state["outbound"][number]
        return made

    def _sent_for(self, request: Request, *steps: str) -> Response:
        if steps[-1] not in self.state["outbound"]:
            return _error("NotFound", "There is no such fulfillment order.", 404)
        return reply({"payload": simulated_outbound.view(self._outbound_order(steps[-1]))})

    def _call_back(self, request: Request, *steps: str) -> Response:
        if steps[-2] not in self.state["outbound"]:
            return _error("NotFound", "There is no such fulfillment order.", 404)
        self._take_off(simulated_outbound.cancelled(self._outbound_order(steps[-2]), stamp(self.world.clock())), +1)
        return reply({})

    def _send_out(self, number: str) -> dict[str, Any]:
        if number not in self.state["outbound"]:
            raise BadRequest("no such fulfillment order")
        units = simulated_outbound.shipped(self._outbound_order(number), str(self._next()), stamp(self.world.clock()))
        return {"units": units}

    def _take_off(self, units: dict[str, int], sign: int) -> None:
        """What can be sold is less by what is kept for an order of another channel ‡, or that much more again."""
        for sku, count in units.items():
            self.state["listings"][sku]["stock"] += sign * count

    # --- listings

    def _listing_view(self, listing: dict[str, Any], args: Any) -> dict[str, Any]:
        wanted = args.get("includedData", "summaries").split(",")
        if unknown := [word for word in wanted if word not in LISTING_PARTS]:
            raise Wrong(f"includedData does not know {unknown[0]}")
        sites = self._sites(args)
        named = {} if listing.get("state") == "incomplete" else {"asin": listing["asin"]}
        summary = {
            **named,
            "productType": listing["kind"],
            "status": ["BUYABLE", "DISCOVERABLE"],
            "itemName": listing["title"],
        }
        dates = {"createdDate": listing["created"], "lastUpdatedDate": listing["updated"], "conditionType": "new_new"}
        level = {"fulfillmentChannelCode": listing["code"]} | ({"quantity": listing["shown"]} if listing["code"] == "DEFAULT" else {})
        parts = {
            "summaries": [{"marketplaceId": site, **summary, **dates} for site in sites],
            "fulfillmentAvailability": [level],
            "productTypes": [{"marketplaceId": site, "productType": listing["kind"]} for site in sites],
            "issues": [],
        }
        return {"sku": listing["sku"], **{name: parts[name] for name in wanted if name in parts}}

    def _sites(self, args: Any) -> list[str]:
        if not args.get("marketplaceIds"):
            raise Wrong("marketplaceIds is missing")
        return [site for site in args["marketplaceIds"].split(",") if site in simulated.SITES]

    def _search_listings(self, request: Request, seller: str) -> Response:
        args, size = request.args, int(request.args.get("pageSize", 10))
        if not 1 <= size <= 20 or ("identifiers" in args) != ("identifiersType" in args) or seller != SELLER:
            raise Wrong("pageSize is between 1 and 20; identifiers and identifiersType belong together; the seller must be known")
        found = self._searched(args) if self._sites(args) else []
        total, now, found = len(found), self.world.clock(), found[:REACH]
        if token := args.get("pageToken"):
            past = _untoken(token, now)
            found = [listing for listing in found if listing["sku"] > past]
        answer: dict[str, Any] = {"numberOfResults": total, "items": [self._listing_view(item, args) for item in found[:size]]}
        if len(found) > size:
            answer["pagination"] = {"nextToken": _token(found[size - 1]["sku"], now + timedelta(seconds=PAGE_TOKEN_S))}
        return reply(answer)

    def _searched(self, args: Any) -> list[dict[str, Any]]:
        """The listings that a search is about, by SKU."""
        listings, kind = self.state["listings"], args.get("identifiersType", "")
        asked = args.get("identifiers", "").split(",")
        if len(asked) > 20 or kind not in ("", "ASIN", "SKU"):
            raise Wrong("identifiers holds at most 20, and identifiersType is one that is known")
        if kind == "SKU":
            return [listings[sku] for sku in sorted(set(asked)) if sku in listings]
        return [listings[sku] for sku in sorted(listings) if not kind or listings[sku]["asin"] in asked]

    def _get_listing(self, request: Request, seller: str, sku: str) -> Response:
        if seller != SELLER or sku not in self.state["listings"]:
            return _error("NOT_FOUND", f"SKU '{sku}' not found", 404)
        return reply(self._listing_view(self.state["listings"][sku], request.args))

    def _patch_listing(self, request: Request, seller: str, sku: str) -> Response:
        self._sites(request.args)
        if seller != SELLER or sku not in self.state["listings"]:
            return _error("NOT_FOUND", f"SKU '{sku}' not found", 404)
        body = _body(request, KEYS["patchListingsItem"].body, {"productType": str, "patches": list})
        issues = self._patched(sku, body["patches"], self.world.clock() + timedelta(seconds=self.delay_s))
        status = "INVALID" if issues else "ACCEPTED"
        return reply({"sku": sku, "status": status, "submissionId": f"sub{self._next()}", "issues": issues})

    def _patched(self, sku: str, patches: list[Any], due: datetime) -> list[dict[str, Any]]:
        """Queue the quantity of a patch until then; the issues where it is not valid."""
        for patch in patches:
            if (
                not isinstance(patch, dict)
                or set(patch) - {"op", "path", "value"}
                or patch.get("op") not in ("add", "replace", "merge", "delete")
            ):
                raise Wrong("a patch has op, path and value")
            if problem := _level_problem(patch):
                return [{"code": "90220", "message": problem, "severity": "ERROR", "categories": ["INVALID_ATTRIBUTE"]}]
            level = patch["value"][0]
            write = {"sku": sku, "quantity": level["quantity"], "code": level["fulfillment_channel_code"], "due": due.isoformat()}
            self.state["writes"].append(write)
            self.state["listings"][sku]["writes"] += 1
        return []

    def _settle(self) -> None:
        """What is due happens now: accepted quantities go live, uploaded feeds are worked off."""
        now = self.world.clock().isoformat()
        for feed in self.state["feeds"].values():
            if feed["status"] == "IN_QUEUE" and feed["due"] <= now:
                self._work_off(feed)
        waiting = []
        for write in sorted(self.state["writes"], key=lambda write: str(write["due"])):
            if write["due"] > now:
                waiting.append(write)
            elif listing := self.state["listings"].get(write["sku"]):
                listing |= {"shown": write["quantity"], "code": write["code"], "updated": stamp(self.world.clock())}
        self.state["writes"] = waiting

    # --- feeds

    def _url(self, request: Request, document: str) -> str:
        return f"{request.host_url.rstrip('/')}/{self.name}/{STORAGE}/{document}?X-Amz-Signature=simulated"

    def _create_document(self, request: Request, *_: str) -> Response:
        body = _body(request, KEYS["createFeedDocument"].body, {"contentType": str})
        id_, until = f"amzn1.tortuga.3.{self._next()}", self.world.clock() + timedelta(seconds=UPLOAD_S)
        self.state["documents"][id_] = {"type": body["contentType"], "until": until.isoformat(), "body": None, "packed": False}
        return reply({"feedDocumentId": id_, "url": self._url(request, id_)}, 201)

    def _storage(self, request: Request, id_: str) -> Response:
        """A presigned address: Amazon signs the content type along with it."""
        document = self.state["documents"].get(id_)
        if document is None or request.args.get("X-Amz-Signature") != "simulated":
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, content_type="application/xml")
        if request.method == "GET" and "site" in document:
            return self._report_storage(document)
        if request.method == "GET":
            raw = (document["body"] or "").encode()
            return Response(gzip.compress(raw) if document["packed"] else raw, content_type="application/octet-stream")
        if request.headers.get("content-type") != document["type"] or document["until"] < self.world.clock().isoformat():
            return Response("<Error><Code>SignatureDoesNotMatch</Code></Error>", 403, content_type="application/xml")
        document["body"] = request.get_data(as_text=True)
        return Response("", 200)

    def _create_feed(self, request: Request, *_: str) -> Response:
        wanted = {"feedType": str, "marketplaceIds": list, "inputFeedDocumentId": str}
        body = _body(request, KEYS["createFeed"].body, wanted)
        document = self.state["documents"].get(body["inputFeedDocumentId"])
        if body["feedType"] not in (LISTINGS_FEED, ACKNOWLEDGEMENT) or document is None or document["body"] is None:
            raise Wrong("the feed type or its document is not known")
        id_, now = str(5_000_000 + self._next()), self.world.clock()
        due = (now + timedelta(seconds=self.delay_s)).isoformat()
        feed = {"id": id_, "sites": body["marketplaceIds"], "input": body["inputFeedDocumentId"], "created": stamp(now), "due": due}
        self.state["feeds"][id_] = {**feed, "type": body["feedType"], "status": "IN_QUEUE", "result": None}
        return reply({"feedId": id_}, 202)

    def _work_off(self, feed: dict[str, Any]) -> None:
        if feed.get("type") == ACKNOWLEDGEMENT:
            self._acknowledge(feed)
        else:
            self._list_all(feed)

    def _acknowledge(self, feed: dict[str, Any]) -> None:
        """Orders that the seller cannot send."""
        try:
            declined = sending.declines(self.state["documents"][feed["input"]]["body"])
        except ValueError:
            feed["status"] = "FATAL"
            return
        errors = [(number, words) for number, order, reason in declined if (words := self._declined(order, reason))]
        self._done(feed, sending.report(errors, len(declined)))

    def _declined(self, order: str, reason: str) -> str:
        """Why it cannot be cancelled; empty where it is."""
        raw = self.state["orders"].get(order, {}).get("raw")
        if raw is None or raw["fulfillment"]["fulfillmentStatus"] not in ("UNSHIPPED", "PENDING"):
            return "The order cannot be cancelled in its current status."
        told = self._cancel(raw, {"reason": reason})
        raw["lastUpdatedTime"] = stamp(self._later())
        self._announce(raw, told)
        return ""

    def _done(self, feed: dict[str, Any], report: str) -> None:
        result = f"amzn1.tortuga.4.{self._next()}"
        self.state["documents"][result] = {"type": "", "until": "", "body": report, "packed": True}
        feed |= {"status": "DONE", "result": result}

    def _list_all(self, feed: dict[str, Any]) -> None:
        try:
            messages = json.loads(self.state["documents"][feed["input"]]["body"])["messages"]
            issues = [issue for message in messages for issue in self._message(message, _when(feed["due"]))]
        except (ValueError, KeyError, TypeError):
            feed["status"] = "FATAL"
            return
        invalid = len({issue["messageId"] for issue in issues})
        summary = {"errors": len(issues), "warnings": 0, "messagesProcessed": len(messages)}
        summary |= {"messagesAccepted": len(messages) - invalid, "messagesInvalid": invalid}
        report = {"header": {"sellerId": SELLER, "version": "2.0", "feedId": feed["id"]}, "issues": issues, "summary": summary}
        self._done(feed, json.dumps(report))

    def _message(self, message: dict[str, Any], due: datetime) -> list[dict[str, Any]]:
        """One message of a feed, live when the feed was due; its issues in the report's shape."""
        sku = message["sku"]
        try:
            words = [] if sku in self.state["listings"] else ["the SKU is not in the seller's catalogue"]
            words += [] if words else [issue["message"] for issue in self._patched(sku, message["patches"], due)]
        except Wrong as error:
            words = [str(error)]
        return [{"messageId": message["messageId"], "sku": sku, "code": "90220", "severity": "ERROR", "message": word} for word in words]

    def _get_feed(self, _: Request, id_: str) -> Response:
        feed = self.state["feeds"].get(id_)
        if feed is None:
            return _error("NotFound", "The feed is not known", 404)
        answer = {
            "feedId": id_,
            "feedType": feed.get("type", LISTINGS_FEED),
            "marketplaceIds": feed["sites"],
            "createdTime": feed["created"],
        }
        result = {"resultFeedDocumentId": feed["result"]} if feed["result"] else {}
        return reply({**answer, "processingStatus": feed["status"], **result})

    def _get_document(self, request: Request, id_: str) -> Response:
        document = self.state["documents"].get(id_)
        if document is None:
            return _error("NotFound", "The document is not known", 404)
        packed = {"compressionAlgorithm": "GZIP"} if document["packed"] else {}
        return reply({"feedDocumentId": id_, "url": self._url(request, id_), **packed})

    # --- reports

    def _create_report(self, request: Request, *_: str) -> Response:
        body = _body(request, KEYS["createReport"].body, {"reportType": str, "marketplaceIds": list})
        sites, options = body["marketplaceIds"], body.get("reportOptions", {})
        if (
            body["reportType"] not in (REPORT, ORDERS, LEDGER)
            or not 1 <= len(sites) <= 25
            or any(site not in MARKETPLACES for site in sites)
        ):
            raise Wrong("the report type is not known, or a marketplace is not")
        span = [stamp(_when(body[key])) if key in body else "" for key in ("dataStartTime", "dataEndTime")]
        if not isinstance(options, dict) or not all(isinstance(value, str) for value in options.values()):
            raise Wrong("reportOptions holds texts")
        id_, locale = str(7_000_000 + self._next()), options.get("preferredReportDocumentLocale", "")
        made = {"id": id_, "sites": sites, "locale": locale, "created": stamp(self.world.clock()), "status": "IN_QUEUE", "document": None}
        made |= {"type": body["reportType"], "span": span}
        self.state["reports"][id_] = made
        return reply({"reportId": id_}, 202)

    def _make_report(self, report: dict[str, Any]) -> None:
        """It goes through the queue in time. Where there is nothing to report, Amazon cancels it; several marketplaces are one
        document of the first."""
        age = self.world.clock() - _when(report["created"])
        if report["status"] not in ("IN_QUEUE", "IN_PROGRESS") or age < timedelta(seconds=self.report_s / 2):
            return
        if age < timedelta(seconds=self.report_s):
            report["status"] = "IN_PROGRESS"
        elif (report["type"] == ORDERS and _days(report["span"]) > ORDERS_DAYS) or report["type"] in self.fails:
            report["status"] = "FATAL"
        elif not self._reported(report):
            report["status"] = "CANCELLED"
        else:
            report |= {"status": "DONE", "document": self._write_report(report)}

    def _reported(self, report: dict[str, Any]) -> list[dict[str, Any]]:
        """What a report is about. Orders come of the whole region, whatever marketplaces were named (vendor's tracker, 2022 to 2024)."""
        if report["type"] == ORDERS:
            since, until = max(report["span"][0], stamp(self.world.clock() - OLDEST)), report["span"][1]
            found = [raw for raw in self._raws() if since <= raw["createdTime"] <= until]
            return sorted(found, key=lambda raw: str(raw["createdTime"]))
        if report["type"] == LEDGER:
            since, until = max(report["span"][0], stamp(self.world.clock() - LEDGER_KEPT)), report["span"][1]
            return [one for one in self.state.setdefault("ledger", []) if since <= one["at"] <= until]
        return list(self.state["listings"].values()) if report["sites"][0] in simulated.SITES else []

    def _write_report(self, report: dict[str, Any]) -> str:
        id_, site = f"amzn1.spdoc.1.4.{self._next()}", report["sites"][0]
        for old in [old for old, document in self.state["documents"].items() if document.get("site")][: 1 - KEPT]:
            del self.state["documents"][old]
        found = self._reported(report)
        if report["type"] == ORDERS:
            raw = simulated_report.orders(found, packed=self.packs)
        elif report["type"] == LEDGER:
            raw = simulated_shelves.ledger(found, packed=self.packs)
        else:
            raw = simulated_report.document(found, site, report["locale"], packed=self.packs)
        self.state["documents"][id_] = {"site": site, "packed": self.packs, "type": "", "body": base64.b64encode(raw).decode(), "until": ""}
        return id_

    def _get_report(self, _: Request, id_: str) -> Response:
        report = self.state["reports"].get(id_)
        if report is None:
            return _error("NotFound", "The report is not known", 404)
        self._make_report(report)
        return reply(_report_view(report))

    def _get_report_document(self, request: Request, id_: str) -> Response:
        document = self.state["documents"].get(id_)
        if document is None or "site" not in document:
            return _error("NotFound", "The document is not known", 404)
        document["until"] = (self.world.clock() + timedelta(seconds=DOWNLOAD_S)).isoformat()
        packed = {"compressionAlgorithm": "GZIP"} if document["packed"] else {}
        return reply({"reportDocumentId": id_, "url": self._url(request, id_), **packed})

    def _report_storage(self, document: dict[str, Any]) -> Response:
        if document["until"] < self.world.clock().isoformat():
            return Response(
                "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>", 403, content_type="application/xml"
            )
        return Response(
            base64.b64decode(document["body"]), content_type=document.get("content_type") or simulated_report.content_type(document["site"])
        )

    # --- money

    def _get_reports(self, request: Request, *_: str) -> Response:
        """Newest first ‡. A token is asked with alone."""
        args, now = request.args, self.world.clock()
        if ("nextToken" in args) == ("reportTypes" in args) or ("nextToken" in args and len(args) > 1):
            raise Wrong("either reportTypes or nextToken is needed, and a token is asked with alone")
        wish = _untoken(args["nextToken"], now) if "nextToken" in args else self._listing_wish(args)
        found = [one for one in self.state["reports"].values() if one["type"] in wish["types"] and one["created"] >= wish["since"]]
        found = sorted((one for one in found if one["status"] in wish["states"]), key=lambda one: (one["created"], one["id"]), reverse=True)
        start, end = wish["start"], wish["start"] + min(wish["size"], self.world.page)
        answer: dict[str, Any] = {"reports": [_report_view(one) for one in found[start:end]]}
        if len(found) > end:
            answer["nextToken"] = _token(wish | {"start": end}, now + timedelta(seconds=PAGE_TOKEN_S))
        return reply(answer)

    def _listing_wish(self, args: Any) -> dict[str, Any]:
        size, oldest = int(args.get("pageSize", 10)), self.world.clock() - timedelta(days=90)
        if not 1 <= size <= 100:
            raise Wrong("pageSize is between 1 and 100")
        since = max(_when(args["createdSince"]), oldest) if "createdSince" in args else oldest
        states = args.get("processingStatuses", "CANCELLED,DONE,FATAL,IN_PROGRESS,IN_QUEUE")
        return {"types": args["reportTypes"].split(","), "states": states.split(","), "since": stamp(since), "size": size, "start": 0}

    def _transactions(self, request: Request, *_: str) -> Response:
        """A first page of many is empty, and has a token: so it may be."""
        args, now = request.args, self.world.clock()
        if "postedAfter" not in args:
            raise Wrong("Start date cannot be null")
        newest = now - timedelta(seconds=0 if self.world.relaxed else 120)
        after, before = _when(args["postedAfter"]), _when(args.get("postedBefore", stamp(newest)))
        if before > newest or after >= before:
            raise Wrong("postedBefore must be later than postedAfter and two minutes in the past")
        found = self._posted(stamp(after), stamp(before)) if before - after <= timedelta(days=180) else []
        size, start = min(100, self.world.page), _untoken(args["nextToken"], now) if "nextToken" in args else 0
        empty = len(found) > size and "nextToken" not in args
        end = start if empty else start + size
        more = {"nextToken": _token(end, now + timedelta(seconds=PAGE_TOKEN_S))} if len(found) > end else {}
        return Response(write_json({"payload": {"transactions": found[start:end], **more}}), content_type="application/json")

    def _posted(self, after: str, before: str) -> list[dict[str, Any]]:
        self._catch_up()
        known = stamp(self.world.clock() - timedelta(seconds=self.late_s))
        told = simulated_payouts.transactions(self.state["money"]["booked"], SELLER, self.world.clock())
        found = [one for one in told if after <= one["postedDate"] < before and one["postedDate"] <= known]
        return sorted(found, key=lambda one: (one["postedDate"], one["transactionId"]))

    def _catch_up(self) -> None:
        readable = [one["raw"] for one in self.state["orders"].values() if not one["parks"]]
        simulated_money.catch_up(self.state["money"], readable)

    def _refund(self, raw: dict[str, Any], wish: dict[str, Any]) -> str:
        """Of what left; orders do not show it. `units` by SKU, or all."""
        self._catch_up()
        simulated_money.refund(self.state["money"], raw, wish.get("units") or None, stamp(self.world.clock()))
        return "Refunded"

    def settle(self, wish: dict[str, Any]) -> list[dict[str, Any]]:
        """See `Settles`. `advertising` is what was spent on it besides, in dollars; not `charged`: a debt stays one."""
        self._catch_up()
        now = self.world.clock()
        stored = any(one["fba"] and one["stock"] for one in self.state["listings"].values())
        try:
            closed = simulated_money.settle(self.state["money"], wish, now, now + timedelta(seconds=self.deposit_s), stored=stored)
        except simulated_money.Nothing as error:
            raise BadRequest(str(error)) from None
        for made, told in closed:
            self._publish(made, simulated_payouts.report(made, told), simulated_payouts.content_type(made["currency"]))
        return [simulated_money.oracle(made, now) for made, _ in closed]

    def _publish(self, made: dict[str, Any], raw: bytes, content_type: str) -> None:
        """The report of a settlement, which nobody asked for."""
        document, id_ = f"amzn1.spdoc.1.4.{self._next()}", str(7_000_000 + self._next())
        body = base64.b64encode(gzip.compress(raw, 5) if self.packs else raw).decode()
        kept = {"site": "", "packed": self.packs, "type": "", "until": "", "body": body, "content_type": content_type}
        self.state["documents"][document] = kept
        report = {"id": id_, "sites": [US], "locale": "", "created": made["ended"], "status": "DONE", "document": document}
        self.state["reports"][id_] = report | {"type": SETTLEMENT, "span": [made["began"], made["ended"]]}

    def payouts(self) -> list[dict[str, Any]]:
        return [simulated_money.oracle(made, self.world.clock()) for made in self.state["money"]["settlements"]]

    # --- FBA

    def _fba(self, request: Request, *_: str) -> Response:
        args, now = request.args, self.world.clock()
        if args.get("granularityType") != "Marketplace" or not args.get("granularityId") or not args.get("marketplaceIds"):
            raise Wrong("granularityType, granularityId and marketplaceIds are needed")
        found = [self.state["listings"][sku] for sku in sorted(self.state["listings"]) if self.state["listings"][sku]["fba"]]
        if args.get("sellerSkus"):
            found = [listing for listing in found if listing["sku"] in args["sellerSkus"].split(",")]
        if token := args.get("nextToken"):
            past = _untoken(token, now)
            found = [listing for listing in found if listing["sku"] > past]
        page = found[:50]
        payload = {"granularity": {"granularityType": "Marketplace", "granularityId": args["granularityId"]}}
        details = args.get("details") == "true"
        answer: dict[str, Any] = {
            "payload": {**payload, "inventorySummaries": [shapes.stock(listing, details=details) for listing in page]}
        }
        if len(found) > 50:
            answer["pagination"] = {"nextToken": _token(page[-1]["sku"], now + timedelta(seconds=FBA_TOKEN_S))}
        return reply(answer)

    # --- the queue

    def _sqs(self, request: Request) -> Response:
        wish = json.loads(request.get_data() or b"{}")
        match request.headers.get("x-amz-target"):
            case "AmazonSQS.ReceiveMessage":
                return self._receive(wish)
            case "AmazonSQS.DeleteMessageBatch":
                gone = {entry["ReceiptHandle"] for entry in wish["Entries"]}
                self.state["queue"] = [message for message in self.state["queue"] if message["receipt"] not in gone]
                return reply({"Successful": [{"Id": entry["Id"]} for entry in wish["Entries"]], "Failed": []})
            case _:
                return reply({"__type": "com.amazonaws.sqs#UnsupportedOperation"}, 400)

    def _receive(self, wish: dict[str, Any]) -> Response:
        now, most = self.world.clock(), int(wish.get("MaxNumberOfMessages", 1))
        if not 1 <= most <= 10:
            return reply({"__type": "com.amazonaws.sqs#InvalidParameterValue"}, 400)
        ready = [message for message in self.state["queue"] if message["visible"] <= now.isoformat()]
        if self.world.random.random() < self.world.post.reorder:
            self.world.random.shuffle(ready)
        for message in ready[:most]:
            hidden = now + timedelta(seconds=int(wish.get("VisibilityTimeout", 30)))
            message |= {"visible": hidden.isoformat(), "receipt": f"receipt-{self._next()}"}
        found = [{"MessageId": item["id"], "ReceiptHandle": item["receipt"], "Body": item["body"]} for item in ready[:most]]
        return reply({"Messages": found} if found else {})

    def _announce(self, raw: dict[str, Any], reason: str) -> None:
        self._queue(shapes.order_change(raw, reason, f"note-{self._next()}", self.world.clock(), seller=SELLER))

    def _move(self, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        listing = self.state["listings"].get(wish.get("sku"))
        if what not in MOVES or listing is None or not listing["fba"]:
            raise BadRequest("no such goods, or nothing that happens to them")
        rows = MOVES[what](listing, whole(wish["units"], "units"), whole(wish.get("lost", 0), "lost"), bool(wish.get("spoilt")))
        self._enter(listing, rows)
        simulated_money.owe(self.state["money"], listing["sku"], simulated_shelves.gone(rows))
        listing["updated"] = stamp(self.world.clock())
        self._queue(shapes.stock_change(listing, US, f"note-{self._next()}", self.world.clock(), seller=SELLER))
        return shapes.stock(listing, details=True)

    def _enter(self, listing: dict[str, Any], rows: list[simulated_shelves.Row]) -> None:
        """Into the inventory ledger."""
        at = stamp(self.world.clock())
        made = [simulated_shelves.event(listing, row, at, f"L{self._next():08d}") for row in rows if row[1]]
        self.state.setdefault("ledger", []).extend(made)

    def _queue(self, told: dict[str, Any]) -> None:
        """Into the queue: once, twice or never, as the post's habits are."""
        post, chance = self.world.post, self.world.random
        if chance.random() < post.drop:
            return
        body = json.dumps(told)
        for _ in range(1 + (chance.random() < post.duplicates)):
            visible = self.world.clock() + timedelta(seconds=post.delay_s * chance.random())
            id_ = f"message-{self._next()}"
            self.state["queue"].append({"id": id_, "body": body, "visible": visible.isoformat(), "receipt": f"unread-{id_}"})

    # --- what happens there

    def catalogue(self, products: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """One merchant-fulfilled listing a product; every fourth product has an FBA listing beside it, under its own SKU."""
        for index, product in enumerate(products):
            self._list(product, product["sku"], fba=False)
            if index % 4 == 0:
                self._list(product, f"{product['sku']}-FBA", fba=True)
        return self.listings()

    def _list(self, product: dict[str, Any], sku: str, *, fba: bool) -> None:
        now = stamp(self.world.clock())
        number = int.from_bytes(sha256(product["sku"].encode()).digest()[:6], "big")
        price = Money.parse(product["price"], product.get("currency", "USD")).minor
        self.state["listings"][sku] = {
            "sku": sku,
            "asin": f"B0{_base36(number)[-8:]:0>8}",
            "title": product["title"],
            "price": price,
            "kind": "PRODUCT",
            "code": FBA_CODE if fba else "DEFAULT",
            "shown": 0 if fba else product["quantity"],
            "fba": fba,
            "stock": 25 if fba else 0,
            "sold": 0,
            "writes": 0,
            "created": now,
            "updated": now,
        }

    def place(self, wish: dict[str, Any]) -> list[dict[str, Any]]:
        """Buyers buy what is shown. `count` orders are a mixture of sites, parties and states; `lines` make exactly that order,
        paid, merchant-fulfilled unless its first SKU is an FBA one."""
        self._settle()
        rng = random.Random(f"{wish.get('seed', self.world.seed)}:{len(self.state['orders'])}")
        if "lines" in wish:
            return [self._take(rng, cart(wish), US, plain=True)]
        placed = [order for _ in range(whole(wish.get("count", 0), "count")) if (order := self._random_order(rng))]
        return placed + (self._planted(rng) if wish.get("planted") else [])

    def _random_order(self, rng: random.Random) -> dict[str, Any] | None:
        """None when nothing is left to sell."""
        fba = rng.random() < 0.15
        field = "stock" if fba else "shown"
        open_ = [listing for listing in self.state["listings"].values() if listing["fba"] == fba and listing[field] > 0]
        if not open_:
            return None
        chosen = rng.sample(open_, min(len(open_), rng.choice((1, 1, 1, 2, 2, 3, 4))))
        lines = [(listing["sku"], min(listing[field], rng.choice((1, 1, 1, 2, 3)))) for listing in chosen]
        return self._take(rng, lines, rng.choice((US, US, US, US, GB, DE, JP)), pending=not fba and rng.random() < 0.12)

    def _take(
        self, rng: random.Random, lines: list[tuple[str, int]], site: str, *, pending: bool = False, plain: bool = False
    ) -> dict[str, Any]:
        """One order comes in: the listings show that much less at once."""
        if unknown := [sku for sku, _ in lines if sku not in self.state["listings"]]:
            raise BadRequest(f"no such listing: {unknown[0]}")
        party = "AMAZON" if self.state["listings"][lines[0][0]]["fba"] else "MERCHANT"
        goods = [self._sell(sku, quantity, site) for sku, quantity in lines]
        raw = simulated.made(rng, site, goods, fulfilled_by=party, at=self._later(), plain=plain)
        if pending:
            raw["fulfillment"]["fulfillmentStatus"] = "PENDING"
        self.state["orders"][raw["orderId"]] = {"raw": raw, "parks": None, "flags": None}
        self._announce(raw, "Order placed")
        return self._oracle(raw["orderId"])

    def _sell(self, sku: str, quantity: int, site: str) -> Goods:
        listing = self.state["listings"][sku]
        listing["sold"] += quantity
        self._shift(listing, -quantity)
        return Goods(sku, listing["asin"], listing["title"], simulated.unit_price(listing["price"], site), quantity)

    def _shift(self, listing: dict[str, Any], units: int) -> None:
        field = "stock" if listing["fba"] else "shown"
        listing[field] = max(0, listing[field] + units)

    def _later(self) -> datetime:
        """Now, but after every change before: Amazon's times tell changes apart. What happened long ago changes nothing of that."""
        now, last = self.world.clock(), self.state["last"]
        if last and now < _when(last) - timedelta(minutes=1):
            return now
        at = max(now, _when(last) + timedelta(milliseconds=1)) if last else now
        self.state["last"] = stamp(at)
        return at

    def _planted(self, rng: random.Random) -> list[dict[str, Any]]:
        """Two that cannot be read (schema-valid all the same, of FBA goods so that no stock of ours is touched) and one that does
        not add up."""
        fba = next((sku for sku, listing in self.state["listings"].items() if listing["fba"]), None)
        ours = next((sku for sku, listing in self.state["listings"].items() if not listing["fba"] and listing["shown"] > 0), None)
        placed = []
        if fba:
            placed = [self._spoil(rng, fba, shapes.comma, "amount"), self._spoil(rng, fba, shapes.no_fulfillment, "fulfillment")]
        if ours:
            id_ = self._take(rng, [(ours, 1)], US, plain=True)["id"]
            order = self.state["orders"][id_]
            total = order["raw"]["proceeds"]["grandTotal"]
            total["amount"] = Money(Money.parse(total["amount"], "USD").minor + 500, "USD").text()
            order["flags"] = "money"
            placed.append(self._oracle(id_))
        return placed

    def _spoil(self, rng: random.Random, sku: str, spoil: Callable[[dict[str, Any]], None], why: str) -> dict[str, Any]:
        id_ = self._take(rng, [(sku, 1)], US, plain=True)["id"]
        order = self.state["orders"][id_]
        spoil(order["raw"])
        order["parks"] = why
        return self._oracle(id_)

    def act(self, order: str, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        """pay, cancel {restock} and fulfill (both see `chosen`), refund {units: {sku: n}} (orders do not show it), ask_to_cancel (the
        buyer), touch."""
        self._settle()
        if order not in self.state["orders"] or (self.state["orders"][order]["parks"] and what != "touch"):
            raise BadRequest("no such order, or one that was planted to be parked")
        raw = self.state["orders"][order]["raw"]
        acts: dict[str, Callable[[dict[str, Any], dict[str, Any]], str]] = {
            "pay": self._pay,
            "cancel": self._cancel,
            "fulfill": self._fulfill,
            "refund": self._refund,
            "ask_to_cancel": self._ask_to_cancel,
            "touch": lambda _, __: "Order updated",
        }
        if what not in acts:
            raise BadRequest(f"Amazon knows no {what}")
        reason = acts[what](raw, wish)
        raw["lastUpdatedTime"] = stamp(self._later())
        self._announce(raw, reason)
        return self._oracle(order)

    def _pay(self, raw: dict[str, Any], _: dict[str, Any]) -> str:
        if raw["fulfillment"]["fulfillmentStatus"].startswith("PENDING"):
            raw["fulfillment"]["fulfillmentStatus"] = "UNSHIPPED"
        return "Payment authorized"

    def _chosen(self, raw: dict[str, Any], wish: dict[str, Any]) -> list[tuple[dict[str, Any], int]]:
        """The items that a wish names, each with the units to move; all that is left where it names none."""
        items = {item["orderItemId"]: item for item in raw["orderItems"]}
        left = [(id_, item["product"]["sellerSku"], item["fulfillment"]["quantityUnfulfilled"]) for id_, item in items.items()]
        return [(items[id_], units) for id_, units in chosen(wish, left).items()]

    def _cancel(self, raw: dict[str, Any], wish: dict[str, Any]) -> str:
        for item, count in self._chosen(raw, wish):
            item["cancellation"] = {
                "cancellationExecution": {"cancelledBy": "MERCHANT", "cancelReason": wish.get("reason", "Simulated cancellation")}
            }
            item["fulfillment"]["quantityUnfulfilled"] -= count
            if wish.get("restock", True):
                self._shift(self.state["listings"][item["product"]["sellerSku"]], count)
        if not any(shapes.counts(item) != (0, 0) for item in raw["orderItems"]):
            raw["fulfillment"]["fulfillmentStatus"] = "CANCELLED"
        return "Order cancelled"

    def _ask_to_cancel(self, raw: dict[str, Any], _: dict[str, Any]) -> str:
        for item in raw["orderItems"]:
            item["cancellation"] = {"cancellationRequest": {"requester": "BUYER", "cancelReason": "Changed my mind"}}
        return "Buyer Requested Cancel"

    def _fulfill(self, raw: dict[str, Any], wish: dict[str, Any]) -> str:
        shipped = self._chosen(raw, wish)
        if not shipped:
            return "Order updated"
        for item, count in shipped:
            item["fulfillment"]["quantityFulfilled"] += count
            item["fulfillment"]["quantityUnfulfilled"] -= count
            if raw["fulfillment"]["fulfilledBy"] == "AMAZON":
                self._enter(self.state["listings"][item["product"]["sellerSku"]], [("Shipments", -count, simulated_shelves.SELLABLE, "")])
        left = any(item["fulfillment"]["quantityUnfulfilled"] for item in raw["orderItems"])
        raw["fulfillment"]["fulfillmentStatus"] = "PARTIALLY_SHIPPED" if left else "SHIPPED"
        if raw["fulfillment"]["fulfilledBy"] == "MERCHANT":
            raw.setdefault("packages", []).append(shapes.package(len(raw.get("packages", [])) + 1, shipped, self.world.clock()))
        return "Order shipped"

    # --- the oracle

    def _oracle(self, id_: str) -> dict[str, Any]:
        order = self.state["orders"][id_]
        raw, total = order["raw"], order["raw"]["proceeds"]["grandTotal"]
        status, party = raw.get("fulfillment", {}).get("fulfillmentStatus", ""), raw.get("fulfillment", {}).get("fulfilledBy", "AMAZON")
        units: dict[str, int] = {}
        for item in raw["orderItems"] if party == "MERCHANT" else []:
            if left := item["fulfillment"]["quantityUnfulfilled"]:
                units[item["product"]["sellerSku"]] = units.get(item["product"]["sellerSku"], 0) + left
        currency = total["currencyCode"]
        return {
            "id": id_,
            "units": units,
            "parks": order["parks"],
            "flags": order["flags"],
            "placed_at": raw["createdTime"],
            "total": None if order["parks"] else Money.zero(currency).text() if status == "PENDING" else total["amount"],
            "currency": currency,
            "cancelled": status == "CANCELLED",
            "pending": status == "PENDING",
            "fulfilled_by": party,
            "shipments": sending.told_of(raw),
        }

    def orders(self) -> list[dict[str, Any]]:
        """Units are those that we have to ship: none of orders that Amazon fulfills."""
        return [self._oracle(id_) for id_ in self.state["orders"]]

    def befall(self, what: str, wish: dict[str, Any]) -> dict[str, Any]:
        """Something happens to the account. stock {sku, units}: the seller sets what is on sale in Seller Central. Of FBA goods {sku,
        units}: "shipped" to Amazon, "received" there (`lost` of these did not arrive), "returned" by a buyer (`spoilt`: cannot be sold
        again), "removed" to their seller, "damaged" and (`spoilt`: of such) "disposed" of by Amazon, "lost" there, which the next
        settlement pays for, and "found" again, which it takes back; "sent_out" {number}: an order of another channel leaves."""
        if what == "sent_out":
            return self._send_out(str(wish.get("number", "")))
        if what != "stock":
            return self._move(what, wish)
        self._settle()
        listing = self.state["listings"][wish["sku"]]
        self._shift(listing, whole(wish["units"], "units") - listing["shown"])
        return {"told": ""}

    def listings(self) -> list[dict[str, Any]]:
        """FBA listings show None: their stock is not ours to write."""
        self._settle()
        return [
            {
                "listing": listing["asin"],
                "sku": listing["sku"],
                "shown": None if listing["code"] != "DEFAULT" else listing["shown"],
                "sold": listing["sold"],
                "writes": listing["writes"],
                "fba": listing["fba"],
            }
            for listing in self.state["listings"].values()
        ]


def _report_view(report: dict[str, Any]) -> dict[str, Any]:
    answer = {"reportId": report["id"], "reportType": report["type"], "marketplaceIds": report["sites"], "createdTime": report["created"]}
    result = {"reportDocumentId": report["document"]} if report["document"] else {}
    return {**answer, "processingStatus": report["status"], **result}


def _when(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Wrong("a time must be in ISO 8601 format") from None
    if at.tzinfo is None:
        raise Wrong("a time must have a zone")
    return at


def _days(span: list[str]) -> float:
    """How long a report's time is; endless without a beginning and an end."""
    since, until = span
    return (_when(until) - _when(since)) / timedelta(days=1) if since and until else float("inf")


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[digit] + digits
    return digits


def _body(request: Request, known: frozenset[str], wanted: Mapping[str, type]) -> dict[str, Any]:
    """The request's JSON, held against what the operation knows and needs."""
    try:
        body = json.loads(request.get_data())
    except ValueError:
        raise Wrong("the body is not JSON") from None
    if not isinstance(body, dict) or set(body) - known:
        raise Wrong("the body has unknown fields")
    if missing := [key for key, kind in wanted.items() if not isinstance(body.get(key), kind)]:
        raise Wrong(f"{missing[0]} is missing or of the wrong type")
    return body


def _level_problem(patch: dict[str, Any]) -> str:
    """Why a fulfillment_availability patch is invalid; empty when it is fine."""
    if patch.get("path") != "/attributes/fulfillment_availability":
        return "only fulfillment_availability can be patched here"
    value = patch.get("value")
    level = value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict) else {}
    quantity = level.get("quantity")
    if not level.get("fulfillment_channel_code") or not isinstance(quantity, int) or not 0 <= quantity <= 100_000:
        return "'quantity' is not a valid value"
    return ""
