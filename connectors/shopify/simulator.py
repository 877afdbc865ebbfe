"""Shopify as it behaves: Admin GraphQL with its costs, tokens that rotate, stock with compare-and-set, signed webhooks in the REST shape.

Shops, people, keys and amounts are invented. The app's own configuration subscribes to `APP_TOPICS`; others are sent once subscribed.
"""

import base64
import hashlib
import hmac
import json
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from graphql import DocumentNode, GraphQLError, OperationDefinitionNode
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Request, Response

from connectors.shopify import SCOPES as NEEDED
from connectors.shopify import bookkeeping as books
from connectors.shopify import buyers, exports
from connectors.shopify import graphql_door as door
from connectors.shopify import simulated_payouts as paid_out
from connectors.shopify import simulated_sending as sending
from connectors.shopify.admin_door import NOBODY, STAFF, Admin
from connectors.shopify.graphql_orders import charge, listed, part_of, parts, seen
from connectors.simulation import RELAXED, World, cart, chosen, reply, whole
from core.domain.money import Money
from core.ports import Rate

Json = dict[str, Any]

ACCOUNT = "crossdock-demo.myshopify.com"
CLIENT_ID, CLIENT_SECRET = "simulated-client-id", "simulated-client-secret-0123456789abcdef"
FIRST_REFRESH, CUSTOM_TOKEN = "simulated-refresh-0", "simulated-custom-app-token"
VERSIONS = ("2026-07", "2026-10")
TOKEN_LIFE = timedelta(hours=1)
BUCKET = Rate(per_s=100.0, burst=2000.0)  # standard plan
ONE_QUERY = 1000  # points
COMPLIANCE = ("customers/data_request", "customers/redact", "shop/redact")
APP_TOPICS = (
    "orders/create",
    "orders/updated",
    "orders/cancelled",
    "orders/edited",
    "orders/delete",
    "app/uninstalled",
    "app/scopes_update",
)
MAIN, SERVICE, CLOSED = 70001, 70002, 70003
REASONS = frozenset(["correction", "cycle_count_available", "received", "restock", "damaged", "shrinkage", "quality_control", "other"])
UNIT_LIMIT = 1_000_000_000
RESTOCKS = ("cancel", "return", "no_restock")
RISKS = ("ACCEPT", "CANCEL", "INVESTIGATE", "NONE")
HOLDS = ("OTHER", "AWAITING_PAYMENT", "HIGH_RISK_OF_FRAUD", "INCORRECT_ADDRESS", "INVENTORY_OUT_OF_STOCK", "UNKNOWN_DELIVERY_DATE")
SCOPES = (*NEEDED, "read_all_orders", "write_products")
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - the name of a kind
TOKEN_TYPE = "urn:shopify:params:oauth:token-type:"  # noqa: S105 - the name of a kind
ALL_ORDERS, RECENT = "read_all_orders", timedelta(days=60)
DEEPEST = 25_000  # objects that one search pages through
OPEN = "status:open"
ITEMS = 500_000  # an inventory item's number less its variant's
KEYS_KEPT = 5_000
STORAGE = "storage"
EXPORTS_AT_ONCE, EXPORTS_KEPT = 5, 20  # the first is Shopify's own, since 2026-01
EXPORT_LIFE = timedelta(days=7)
AUTHORIZED = timedelta(days=7)  # so long Shopify Payments holds an authorization (help.shopify.com, read 2026-11); told on Plus alone
CANCEL_S = 2.0  # seconds that its job takes to cancel an order: our guess
EXPORT_START_S, EXPORT_PER_S = 2.0, 2_000.0  # seconds before the first variant, and variants a second after it: our guess


def _new_shop(now: datetime) -> Json:
    """A shop that was opened ten years ago and sold nothing."""
    return {
        "seq": 1000,
        "currency": "USD",
        "variants": {},
        "levels": {},
        "locations": [
            {"id": MAIN, "name": "Main warehouse", "is_active": True, "is_fulfillment_service": False},
            {"id": SERVICE, "name": "Pick & Pack Partners", "is_active": True, "is_fulfillment_service": True},
            {"id": CLOSED, "name": "Old shed", "is_active": False, "is_fulfillment_service": False},
        ],
        "orders": {},
        "opened": (now - timedelta(days=3650)).isoformat(),
        "scopes": list(SCOPES),
        "installed": True,
        "access": {},
        "refresh": {FIRST_REFRESH: None},
        "codes": {},
        "keys": {},
        "hooks": [],
        "exports": {},
        "cancelling": {},
        "writes": {},
        "sold": {},
        "balance": paid_out.new(),
    }


class Simulator:
    """One shop. `state` is plain JSON. `lasting`: a token that never ends is still given, as to apps of before 2026-04."""

    name = "shopify"

    def __init__(self, world: World, account: str = ACCOUNT) -> None:
        self.world, self.account, self.lasting = world, account, False
        self.state = _new_shop(world.clock())
        self.balance = paid_out.Balance(self.state, lambda: world.clock(), self._next)
        app = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        self.admin = Admin(lambda: world.clock(), lambda: world.post.url, account, app, self.state)
        self.deepest = DEEPEST
        self._home, self._files = "", dict[str, exports.File]()
        self._fields = self._reads() | self._writes()

    def _reads(self) -> dict[tuple[str, str], door.Resolver]:
        world = self.world
        return {
            ("QueryRoot", "shop"): self._shop,
            ("QueryRoot", "currentAppInstallation"): lambda *_: {"access_scopes": [{"handle": name} for name in self.state["scopes"]]},
            ("QueryRoot", "shopifyPaymentsAccount"): self._payments_account,
            ("ShopifyPaymentsAccount", "payouts"): lambda _, __, args: self.balance.payout_page(args, world.page),
            ("ShopifyPaymentsAccount", "balanceTransactions"): lambda _, __, args: self.balance.line_page(args, world.page),
            ("ShopifyPaymentsBalanceTransactionAssociatedPayout", "id"): paid_out.payout_gid,
            ("QueryRoot", "order"): self._order,
            ("QueryRoot", "orders"): self._orders,
            ("QueryRoot", "node"): lambda _, __, args: self._node(args["id"]),
            ("QueryRoot", "nodes"): lambda _, __, args: [self._node(one) for one in args["ids"]],
            ("QueryRoot", "productVariants"): lambda _, __, args: door.connection(list(self.state["variants"].values()), args, _by_id),
            ("QueryRoot", "productVariant"): lambda _, __, args: self.state["variants"].get(_opened_gid(args["id"])[1]),
            ("QueryRoot", "productVariantsCount"): lambda _, __, args: _counted(len(self.state["variants"]), args),
            ("QueryRoot", "ordersCount"): self._orders_count,
            ("QueryRoot", "bulkOperation"): self._bulk_operation,
            ("QueryRoot", "locations"): self._locations,
            ("QueryRoot", "webhookSubscriptions"): lambda _, __, args: door.connection(self.state["hooks"], args, _by_id),
            ("InventoryItem", "inventoryLevel"): self._level,
            ("InventoryLevel", "quantities"): _quantities,
        }

    def _writes(self) -> dict[tuple[str, str], door.Resolver]:
        return {
            ("Mutation", "inventorySetQuantities"): self._set_quantities,
            ("Mutation", "productVariantsBulkUpdate"): self._set_policy,
            ("Mutation", "inventoryItemUpdate"): self._set_tracked,
            ("Mutation", "webhookSubscriptionCreate"): self._subscribe,
            ("Mutation", "bulkOperationRunQuery"): self._run_bulk,
            ("Mutation", "fulfillmentCreate"): self._create_fulfillment,
            ("Mutation", "fulfillmentOrderMove"): self._move_part,
            ("Mutation", "fulfillmentOrderLineItemsPreparedForPickup"): self._prepare,
            ("Mutation", "orderCancel"): self._order_cancel,
            ("Mutation", "orderCapture"): self._order_capture,
        }

    # the doors

    def credentials(self, base: str) -> Json:
        return {
            "account": self.account,
            "app": {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET},
            "login": {"refresh_token": next(reversed(self.state["refresh"]), "")},
            "door": f"{base}/admin/store/{self.account.partition('.')[0]}/apps/crossdock",
            "settings": {
                "url": base + "/{account}",
                "admin": base.rpartition("/")[0],
                "app_page": base + "/admin/store/{store}/apps/crossdock",
                "app_bridge": f"{base}/app-bridge.js",
                "polaris": f"{base}/polaris.js",
            },
        }

    def operation(self, request: Request) -> str | None:
        if request.path.endswith("/admin/oauth/access_token"):
            return "token"
        if not request.path.endswith("/graphql.json"):
            return None
        name = _body(request).get("operationName")
        return str(name) if name else "graphql"

    def fault(self, kind: str, operation: str | None) -> Response:
        match kind:
            case "401":
                return _unauthorized()
            case "429" if operation in ("token", None):
                return reply({"errors": "Exceeded 2 calls per second for api client."}, 429, {"Retry-After": "2.0"})
            case "429":
                return self._throttled(100)
            case _:
                return reply({"errors": "Internal Server Error"}, 500)

    def answer(self, request: Request, operation: str | None) -> Response:
        steps = request.path.strip("/").split("/")[1:]
        if steps[:1] == [STORAGE]:
            return self._stored(request, steps[1:])
        if self.admin.knows(steps):
            return self._at_home(request, steps)
        if not steps or steps[0] != self.account or request.method != "POST":
            return reply({"errors": "Not Found"}, 404)
        match steps[1:]:
            case ["admin", "oauth", "access_token"]:
                return self._token(_body(request))
            case ["admin", "api", version, "graphql.json"] if version in VERSIONS:
                return self._graphql(version, request)
            case _:
                return reply({"errors": "Not Found"}, 404)

    def befall(self, what: str, wish: Json) -> Json:
        """Something happens to the shop: uninstall; scopes {scopes}: what the app may do is another thing now; data_request and redact
        {order, or customer: {id, email}}; shop_redact; stock {sku, units, location?}: somebody sets what can be sold in the admin; balance
        {type, amount, fee?, currency?, reason?}: a line of its own in the balance of Shopify Payments; payments {on}: the shop has that or
        not. Raises BadRequest, KeyError."""
        match what:
            case "stock":
                self._set_by_hand(wish)
            case "balance":
                return self.balance.befall(wish)
            case "payments":
                self.state["balance"]["on"] = bool(wish["on"])
            case "uninstall" if self.state["installed"]:
                self.admin.uninstall()
                self._send("app/uninstalled", self._shop_as_rest())
            case "scopes":
                before, self.state["scopes"] = self.state["scopes"], [str(one) for one in wish["scopes"]]
                now = self._now()
                self._send("app/scopes_update", {"previous": before, "current": self.state["scopes"], "updated_at": now, **self._named()})
            case "data_request" | "redact":
                self._send(f"customers/{what}", self._about(what, wish))
            case "shop_redact":
                self._send("shop/redact", self._named())
            case _:
                raise BadRequest("it is uninstall, scopes, data_request, redact, shop_redact, stock, balance or payments")
        return {"told": self.world.post.url}

    def _set_by_hand(self, wish: Json) -> None:
        item, location = str(self._by_sku(wish["sku"])["inventory_item"]["id"]), str(wish.get("location", MAIN))
        level = self.state["levels"][item][location]
        by = whole(wish["units"], "units") - level["available"]
        level |= {"available": level["available"] + by, "on_hand": level["on_hand"] + by}
        self._level_moved(item, location)

    def _named(self) -> Json:
        return {"shop_id": 1, "shop_domain": self.account}

    def _shop_as_rest(self) -> Json:
        return {"id": 1, "name": "Crossdock Demo", "domain": self.account, "myshopify_domain": self.account, "email": "owner@staff.example"}

    def _about(self, what: str, wish: Json) -> Json:
        """A customer, by one of their orders or as the wish says; and all of their orders."""
        bodies = [record["body"] for record in self.state["orders"].values()]
        asked = self.state["orders"][str(wish["order"])]["body"]["customer"] if "order" in wish else dict(wish["customer"])
        customer = {"id": asked.get("id"), "email": asked.get("email"), "phone": asked.get("phone")}
        theirs = [body["id"] for body in bodies if asked.get("id") and (body.get("customer") or {}).get("id") == asked["id"]]
        if what == "redact":
            return {**self._named(), "customer": customer, "orders_to_redact": theirs}
        return {**self._named(), "customer": customer, "orders_requested": theirs, "data_request": {"id": self._next()}}

    def _at_home(self, request: Request, steps: Sequence[str]) -> Response:
        """The shop's own admin. Whoever is thrown out of it is told."""
        was = self.state["installed"]
        answer = self.admin.answer(request, steps)
        if was and not self.state["installed"]:
            self._send("app/uninstalled", self._shop_as_rest())
        return answer

    # tokens

    def _token(self, asked: Json) -> Response:
        if (asked.get("client_id"), asked.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return reply({"error": "invalid_client", "error_description": "The client is not known."}, 401)
        match asked.get("grant_type"):
            case "refresh_token" if asked.get("refresh_token") in self.state["refresh"]:
                return self._fresh(asked["refresh_token"])
            case "refresh_token":
                return reply({"error": "invalid_grant", "error_description": "The refresh token is not valid."}, 400)
            case grant if grant == EXCHANGE:
                return self._exchange(asked)
            case None if self.admin.takes(asked.get("code")):
                return self._lasting() if asked.get("expiring") != "1" else self._fresh("")
            case None:
                return reply(
                    {"error": "invalid_request", "error_description": "The authorization code was not found or was already used"}, 400
                )
            case _:
                return reply({"error": "unsupported_grant_type"}, 400)

    def _exchange(self, asked: Json) -> Response:
        """An ID token for a token of the shop or of the person. The shop's one before ends with it."""
        person = self.admin.reads(asked.get("subject_token"))
        if asked.get("subject_token_type") != ID_TOKEN or person is None or not self.state["installed"]:
            return reply({"error": "invalid_subject_token", "error_description": "The subject token is not valid."}, 400)
        match str(asked.get("requested_token_type")).removeprefix(TOKEN_TYPE):
            case "online-access-token":
                return reply(self._person(person))
            case "offline-access-token" if asked.get("expiring") == "1":
                self.state["refresh"] = {}
                return self._fresh("")
            case "offline-access-token":
                return self._lasting()
        return reply({"error": "invalid_request", "error_description": "requested_token_type"}, 400)

    def _person(self, staff: str) -> Json:
        first, last, locale = STAFF.get(staff, NOBODY)
        user = {
            "id": int(staff) if staff.isdigit() else 0, "first_name": first, "last_name": last, "email": f"{first.lower()}@staff.example",
            "account_owner": staff == next(iter(STAFF)), "locale": locale, "collaborator": False, "email_verified": True,
        }  # fmt: skip
        scope = ",".join(self.state["scopes"])
        token = {"access_token": f"simulated-online-{self._next()}", "scope": scope, "expires_in": 86399}
        return {**token, "associated_user_scope": scope, "associated_user": user}

    def _lasting(self) -> Response:
        """Public apps made since 2026-04 must take tokens that end."""
        if not self.lasting:
            return reply({"error": "invalid_request", "error_description": "Expiring offline access tokens are required"}, 400)
        token = f"simulated-lasting-{self._next()}"
        self.state["access"][token] = (self.world.clock() + timedelta(days=36500)).isoformat()
        return reply({"access_token": token, "scope": ",".join(self.state["scopes"])})

    def _fresh(self, old: str) -> Response:
        """A new pair; the old refresh token ends when the new access token is first used."""
        number = self._next()
        access, refresh = f"simulated-access-{number}", f"simulated-refresh-{number}"
        now = self.world.clock()
        alive = {token: until for token, until in self.state["access"].items() if datetime.fromisoformat(until) > now}
        self.state["access"] = {**alive, access: (now + TOKEN_LIFE).isoformat()}
        self.state["refresh"] |= {**({old: access} if old else {}), refresh: None}
        return reply(
            {
                "access_token": access,
                "scope": ",".join(self.state["scopes"]),
                "expires_in": int(TOKEN_LIFE.total_seconds()),
                "refresh_token": refresh,
                "refresh_token_expires_in": 7776000,
            }
        )

    def _known(self, token: str) -> bool:
        until = self.state["access"].get(token)
        if token != CUSTOM_TOKEN and (until is None or datetime.fromisoformat(until) <= self.world.clock()):
            return False
        self.state["refresh"] = {name: ends for name, ends in self.state["refresh"].items() if ends != token}
        return True

    # GraphQL

    def _graphql(self, version: str, request: Request) -> Response:
        if not self._known(request.headers.get("X-Shopify-Access-Token", "")):
            return _unauthorized()
        self._work_off()
        body, self._home = _body(request), f"{request.host_url.rstrip('/')}/{self.name}"
        document, errors = door.read(version, body.get("query") or "")
        chosen = door.operation(document, body.get("operationName")) if document else None
        if document is None or errors or chosen is None:
            return reply({"errors": [{"message": text} for text in errors or ("An operation name is required",)]})
        return self._run(document, chosen, body, version)

    def _run(self, document: DocumentNode, chosen: OperationDefinitionNode, body: Json, version: str) -> Response:
        variables = body.get("variables") or {}
        asked = door.cost(document, chosen, variables)
        if asked > ONE_QUERY:
            return reply({"errors": [_coded(f"Query cost is {asked}, which exceeds the single query max cost limit", "MAX_COST_EXCEEDED")]})
        if self.world.take("graphql", BUCKET, asked):
            return self._throttled(asked)
        data, errors = door.run(document, body.get("operationName"), variables, chosen, self._fields)
        actual = min(asked, door.used(data) - 1) if data else 0
        left, at = self.world.buckets["graphql"]
        self.world.buckets["graphql"] = (min(BUCKET.burst, left + asked - actual), at)
        answer: Json = {"data": data, "extensions": self._cost(asked, actual)}
        if errors:
            answer["errors"] = [{"message": error.message, "path": error.path, "extensions": error.extensions or {}} for error in errors]
        return reply(answer, headers={"X-Request-Id": f"sim-{len(self.world.log)}", "X-Shopify-API-Version": version})

    def _cost(self, asked: int, actual: int | None) -> Json:
        status = {
            "maximumAvailable": BUCKET.burst,
            "currentlyAvailable": int(self.world.left("graphql", BUCKET)),
            "restoreRate": BUCKET.per_s * (RELAXED if self.world.relaxed else 1.0),
        }
        return {"cost": {"requestedQueryCost": asked, "actualQueryCost": actual, "throttleStatus": status}}

    def _throttled(self, asked: int) -> Response:
        return reply({"errors": [_coded("Throttled", "THROTTLED")], "extensions": self._cost(asked, None)})

    def _shop(self, *_: Any) -> Json:
        return {
            "id": door.gid("Shop", 1),
            "name": "Crossdock Demo",
            "myshopify_domain": self.account,
            "currency_code": self.state["currency"],
            "created_at": self.state["opened"],
        }

    def _payments_account(self, *_: Any) -> Json | None:
        for scope in ("read_shopify_payments_accounts", "read_shopify_payments_payouts"):
            self._need(scope, "shopifyPaymentsAccount")
        return self.balance.account()

    def settle(self, wish: Json) -> list[Json]:
        return self.balance.settle(wish)

    def payouts(self) -> list[Json]:
        return self.balance.payouts()

    def _order(self, _: Any, __: door.Info, args: Mapping[str, Any]) -> Json | None:
        kind, number = _opened_gid(args["id"])
        record = self.state["orders"].get(number) if kind == "Order" else None
        return None if record is None or not self._visible(record) else seen(record, self.state["locations"])

    def _visible(self, record: Json) -> bool:
        """Older orders are held back from an app without the scope for all."""
        age = self.world.clock() - datetime.fromisoformat(record["body"]["created_at"])
        return ALL_ORDERS in self.state["scopes"] or age <= RECENT

    def _orders(self, _: Any, __: door.Info, args: Mapping[str, Any]) -> Json:
        column = {"UPDATED_AT": "updated_at", "CREATED_AT": "created_at", "PROCESSED_AT": "processed_at", "ID": "id"}[args["sortKey"]]
        wanted = _search(args.get("query") or "")
        rows = [listed(record) for record in self.state["orders"].values() if wanted(record["body"]) and self._visible(record)]
        rows.sort(key=lambda row: (row[column], row["id"]))
        if args.get("after") and sum((row[column], row["id"]) <= tuple(door.opened(args["after"])) for row in rows) >= self.deepest:
            raise GraphQLError(f"Cannot page beyond {self.deepest} objects; narrow the search", extensions={"code": "BAD_REQUEST"})
        return door.connection(rows, {**args, "first": min(args["first"], self.world.page)}, lambda row: (row[column], row["id"]))

    def _orders_count(self, _: Any, __: door.Info, args: Mapping[str, Any]) -> Json:
        wanted = _search(args.get("query") or "")
        return _counted(sum(wanted(record["body"]) and self._visible(record) for record in self.state["orders"].values()), args)

    def _locations(self, _: Any, __: door.Info, args: Mapping[str, Any]) -> Json:
        shown = [one for one in self.state["locations"] if one["is_active"] or args["includeInactive"]]
        key = _by_id if args["sortKey"] == "ID" else _by_name
        return door.connection(sorted(shown, key=lambda one: list(key(one))), args, key)

    def _node(self, gid: str) -> Json | None:
        """Whatever of an order has a page of its own, and inventory items."""
        kind, number = _opened_gid(gid)
        if kind == "InventoryItem":
            variant = self._variant_of(number)
            return variant and {**variant["inventory_item"], "__typename": kind}
        if kind == "OrderTransaction":
            return self._charge(number)
        orders = (seen(record, self.state["locations"]) for record in self.state["orders"].values())
        return next((found for order in orders if (found := part_of(order, kind, number))), None)

    def _charge(self, number: str) -> Json | None:
        """A transaction of an order that may be seen."""
        seen_by_us = filter(self._visible, self.state["orders"].values())
        return next((charge(one) for record in seen_by_us for one in record["transactions"] if str(one["id"]) == number), None)

    def _level(self, source: Json, _: door.Info, args: Mapping[str, Any]) -> Json | None:
        level = self.state["levels"][str(source["id"])].get(_opened_gid(args["locationId"])[1])
        return level and {**level, "id": f"{_opened_gid(args['locationId'])[1]}?inventory_item_id={source['id']}"}

    # exports

    def _run_bulk(self, _: Any, info: door.Info, args: Mapping[str, Any]) -> Json:
        """Five at once; the file is written when the operation is due and somebody looks."""
        if sum(self._status(record) in ("CREATED", "RUNNING") for record in self.state["exports"].values()) >= EXPORTS_AT_ONCE:
            return _bulk(None, "LIMIT_REACHED", "Bulk operations limit reached. Please try again later.")
        try:
            field = exports.connection(VERSIONS[-1], args["query"])
            exports.lines(field, (), self._fields)
        except GraphQLError as error:
            return _bulk(None, "INVALID", error.message)
        return _bulk(self._begun(args["query"]))

    def _begun(self, query: str) -> Json:
        needed = 0.0 if self.world.relaxed else EXPORT_START_S + len(self.state["variants"]) / EXPORT_PER_S
        now, number = self.world.clock(), self._next()
        due = (now + timedelta(seconds=needed)).isoformat()
        record: Json = {"id": number, "query": query, "created_at": self._now(), "due": due, "failed": False, "written": False}
        self.state["exports"][str(number)] = record
        for old in list(self.state["exports"])[:-EXPORTS_KEPT]:
            del self.state["exports"][old]
        return {**record, "status": "CREATED", "url": None}

    def _status(self, record: Json) -> str:
        if record["failed"]:
            return "FAILED"
        since = self.world.clock() - datetime.fromisoformat(record["due"])
        if since < timedelta():
            return "RUNNING"
        return "COMPLETED" if since < EXPORT_LIFE else "EXPIRED"

    def _bulk_operation(self, _: Any, __: door.Info, args: Mapping[str, Any]) -> Json | None:
        kind, number = _opened_gid(args["id"])
        record = self.state["exports"].get(number) if kind == "BulkOperation" else None
        return record and {**record, "status": self._status(record), "url": self._file_url(number, record)}

    def _file_url(self, number: str, record: Json) -> str | None:
        """Where the file lies, written now where it is not yet; None where there is none, or nothing in it."""
        if self._status(record) != "COMPLETED":
            return None
        if not record["written"]:
            self._written_down(number, record)
        ends = datetime.fromisoformat(record["due"]) + EXPORT_LIFE
        return f"{self._home}/{STORAGE}/{number}.jsonl?Expires={int(ends.timestamp())}&Signature=simulated" if record["size"] else None

    def _written_down(self, number: str, record: Json) -> None:
        field = exports.connection(VERSIONS[-1], record["query"])
        file = exports.File(exports.lines(field, self.state["variants"].values(), self._fields))
        record |= {"written": True, "size": file.size}
        self._files = {name: old for name, old in self._files.items() if name in list(self.state["exports"])[-EXPORTS_AT_ONCE:]}
        self._files[number] = file

    def _stored(self, request: Request, steps: Sequence[str]) -> Response:
        """The storage that exports are put into. It is somebody else's, speaks XML, and forgets: after seven days, and with us."""
        number = "".join(steps).removesuffix(".jsonl")
        record, file = self.state["exports"].get(number), self._files.get(number)
        if record is None or file is None:
            return _xml("NoSuchKey", 404)
        if self._status(record) != "COMPLETED" or request.args.get("Signature") != "simulated":
            return _xml("ExpiredToken", 400)
        return _ranged(request, file)

    # stock

    def _set_quantities(self, source: OperationDefinitionNode, info: door.Info, args: Mapping[str, Any]) -> Json:
        """All or nothing, once a key."""
        key, wish = door.idempotency(info), args["input"]
        if wish["name"] not in ("available", "on_hand"):
            return _told([_error(["input", "name"], "INVALID_NAME", "The quantity name is invalid.")])
        if any("changeFromQuantity" not in one for one in wish["quantities"]):
            raise GraphQLError("changeFromQuantity is required; null writes without compare", extensions={"code": "BAD_REQUEST"})
        digest = hashlib.sha256(json.dumps(wish, sort_keys=True).encode()).hexdigest()
        before = self.state["keys"].get(key)
        if before and before["digest"] != digest:
            return _told([_error(None, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "The key was used with other parameters.")])
        if before is None:
            before = self.state["keys"][key] = {"digest": digest, "told": self._written(wish)}
            for old in list(self.state["keys"])[:-KEYS_KEPT]:
                del self.state["keys"][old]
        told: Json = before["told"]
        return told

    def _written(self, wish: Mapping[str, Any]) -> Json:
        errors = [] if wish["reason"] in REASONS else [_error(["input", "reason"], "INVALID_REASON", "The reason is invalid.")]
        errors += _twice(wish["quantities"])
        errors += [error for at, one in enumerate(wish["quantities"]) for error in self._objections(at, one, wish["name"])]
        if errors:
            return _told(errors)
        for one in wish["quantities"]:
            self._write(one, wish["name"])
        return {"inventory_adjustment_group": {"id": self._next()}, "user_errors": []}

    def _objections(self, at: int, one: Mapping[str, Any], name: str) -> list[Json]:
        item, location = _opened_gid(one["inventoryItemId"])[1], _opened_gid(one["locationId"])[1]
        path = ["input", "quantities", str(at)]
        if item not in self.state["levels"]:
            return [_error([*path, "inventoryItemId"], "INVALID_INVENTORY_ITEM", "The specified inventory item could not be found.")]
        if location not in self.state["levels"][item]:
            return [_error([*path, "locationId"], "INVALID_LOCATION", "The specified location could not be found.")]
        variant = self._variant_of(item)
        if variant is not None and variant["requires_components"]:
            return [_error([*path, "inventoryItemId"], "NON_MUTABLE_INVENTORY_ITEM", "The inventory item is not mutable.")]
        if abs(one["quantity"]) > UNIT_LIMIT:
            return [_error([*path, "quantity"], "INVALID_QUANTITY_TOO_HIGH", "The quantity can't be higher than 1,000,000,000.")]
        if one["changeFromQuantity"] not in (None, self.state["levels"][item][location][name]):
            text = "The changeFromQuantity argument no longer matches the persisted quantity."
            return [_error([*path, "changeFromQuantity"], "CHANGE_FROM_QUANTITY_STALE", text)]
        return []

    def _write(self, one: Mapping[str, Any], name: str) -> None:
        item, location = _opened_gid(one["inventoryItemId"])[1], _opened_gid(one["locationId"])[1]
        level = self.state["levels"][item][location]
        delta = one["quantity"] - level[name]
        level["available"] += delta
        level["on_hand"] += delta
        variant = str(int(item) - ITEMS)
        self.state["writes"][variant] = self.state["writes"].get(variant, 0) + 1
        self._level_moved(item, location)

    def _variant_of(self, item: str) -> Json | None:
        variant: Json | None = self.state["variants"].get(str(int(item) - ITEMS)) if item.isdigit() else None
        return variant

    def _move(self, line: Mapping[str, Any], at: int | None = None, **moves: int) -> None:
        """Units of a line change their state at its location, or another; those of `_aside` were never taken from it."""
        variant = self.state["variants"].get(str(line["variant_id"]))
        if variant is None or line.get("_aside"):
            return
        item, location = str(variant["inventory_item"]["id"]), str(at or line["_location"])
        for name, units in moves.items():
            self.state["levels"][item][location][name] += units
        self._level_moved(item, location)

    def _level_moved(self, item: str, location: str) -> None:
        level = self.state["levels"][item][location]
        gid = f"gid://shopify/InventoryLevel/{location}?inventory_item_id={item}"
        body = {"inventory_item_id": int(item), "location_id": int(location), "available": level["available"], "updated_at": self._now()}
        self._send("inventory_levels/update", {**body, "admin_graphql_api_id": gid})

    # what is sold beyond zero

    def _set_policy(self, _: Any, __: door.Info, args: Mapping[str, Any]) -> Json:
        self._need("write_products", "productVariantsBulkUpdate")
        known = [(one, self.state["variants"].get(_opened_gid(one["id"])[1])) for one in args["variants"]]
        errors = [
            {"field": ["variants", str(at), "id"], "message": "Product variant does not exist", "code": "PRODUCT_VARIANT_DOES_NOT_EXIST"}
            for at, (_, variant) in enumerate(known)
            if variant is None or str(variant["product_id"]) != _opened_gid(args["productId"])[1]
        ]
        for one, variant in () if errors else known:
            variant["inventory_policy"] = one["inventoryPolicy"]
        return {"product_variants": None if errors else [variant for _, variant in known], "user_errors": errors}

    def _set_tracked(self, _: Any, __: door.Info, args: Mapping[str, Any]) -> Json:
        self._need("write_inventory", "inventoryItemUpdate")
        variant = self._variant_of(_opened_gid(args["id"])[1])
        if variant is None:
            return {"inventory_item": None, "user_errors": [{"field": ["id"], "message": "Inventory item does not exist"}]}
        variant["inventory_item"]["tracked"] = args["input"]["tracked"]
        return {"inventory_item": variant["inventory_item"], "user_errors": []}

    def _need(self, scope: str, field: str) -> None:
        """Raises what Shopify answers to an app without it."""
        if scope not in self.state["scopes"]:
            text = f"Access denied for {field} field. Required access: `{scope}` access scope."
            raise GraphQLError(text, extensions={"code": "ACCESS_DENIED"})

    # what leaves

    def _places(self) -> dict[int | None, Json]:
        return {one["id"]: one for one in self.state["locations"]}

    def _create_fulfillment(self, _: Any, __: door.Info, args: Mapping[str, Any]) -> Json:
        self._need("write_merchant_managed_fulfillment_orders", "fulfillmentCreate")
        wish = args["fulfillment"]
        try:
            records = list(self.state["orders"].values())
            record, location, units = sending.shipped(records, self._places(), wish["lineItemsByFulfillmentOrder"])
        except sending.Declined as error:
            return {"fulfillment": None, "user_errors": [error.told]}
        parcel = self._ship(record, units, location, wish.get("trackingInfo") or {})
        self._changed_now(record, *_left(record["body"]))
        return {"fulfillment": {"id": parcel["id"]}, "user_errors": []}

    def _ship(self, record: Json, units: Mapping[int, int], location: int, tracking: Mapping[str, str] | None = None) -> Json:
        body = record["body"]
        for line in body["line_items"]:
            if units.get(line["id"]):
                self._move(line, location, committed=-units[line["id"]], on_hand=-units[line["id"]])
                if str(location) in (apart := line.get("_apart", {})):
                    apart[str(location)] -= units[line["id"]]
        return books.ship(body, 4_000_000_000_000 + self._next(), units, location, self._now(), tracking)

    def _move_part(self, _: Any, __: door.Info, args: Mapping[str, Any]) -> Json:
        """All that a part has still to send, or some of it; where the other location has a part already, they become one."""
        self._need("write_merchant_managed_fulfillment_orders", "fulfillmentOrderMove")
        place = int(_opened_gid(args["newLocationId"])[1])
        stocked = [number for number, one in self.state["variants"].items() if str(place) in self._levels(one)]
        try:
            record, part = sending.found(self.state["orders"].values(), self._places(), args["id"])
            lines = {line["id"]: line for line in record["body"]["line_items"]}
            units = sending.movable(part, lines, place, stocked, args.get("fulfillmentOrderLineItems"))
        except sending.Declined as error:
            return {"moved_fulfillment_order": None, "user_errors": [error.told]}
        for line, count in units.items():
            self._carry(lines[line], count, part["assigned_location"]["location"]["id"], place)
        self._changed_now(record)
        there = [one for one in parts(record, self._places()) if one["assigned_location"]["location"]["id"] == place]
        return {"moved_fulfillment_order": there[0], "user_errors": []}

    def _prepare(self, _: Any, __: door.Info, args: Mapping[str, Any]) -> Json:
        self._need("write_merchant_managed_fulfillment_orders", "fulfillmentOrderLineItemsPreparedForPickup")
        asked = [one["fulfillmentOrderId"] for one in args["input"]["lineItemsByFulfillmentOrder"]]
        try:
            for record, part in [sending.found(self.state["orders"].values(), self._places(), gid) for gid in asked]:
                sending.prepared(record, part)
        except sending.Coded as error:
            return {"user_errors": [error.told]}
        except sending.Declined as error:
            return {"user_errors": [{**error.told, "code": "FULFILLMENT_ORDER_INVALID"}]}
        return {"user_errors": []}

    def _carry(self, line: Json, units: int, begin: int, to: int) -> None:
        self._move(line, begin, available=units, committed=-units)
        books.carry(line, units, begin, to)
        self._move(line, to, available=-units, committed=units)

    def _order_capture(self, _: Any, __: door.Info, args: Mapping[str, Any]) -> Json:
        self._need("write_orders", "orderCapture")
        asked = args["input"]
        record = self.state["orders"].get(_opened_gid(asked["id"])[1])
        try:
            promised = sending.capturable(record, asked, self._now())
        except sending.Declined as error:
            return {"transaction": None, "user_errors": [error.told]}
        assert record is not None
        body = record["body"]
        buyer = Money.parse(str(asked["amount"]), body["presentment_currency"])
        shop, theirs = (books.minor(promised["amount_set"], view) for view in books.VIEWS)
        one = self._transaction(record, "capture", books.sets(Money(shop * buyer.minor // theirs, body["currency"]), buyer), promised["id"])
        left = books.minor(body["current_total_price_set"], "presentment_money") - buyer.minor
        body["financial_status"] = "paid" if left <= 0 else "partially_paid"
        self._changed_now(record, *(("orders/paid", "order_transactions/create") if left <= 0 else ("order_transactions/create",)))
        return {"transaction": {**one, "status": "SUCCESS"}, "user_errors": []}

    def _order_cancel(self, _: Any, __: door.Info, args: Mapping[str, Any]) -> Json:
        """A job does it a little later, and nobody is told before."""
        self._need("write_orders", "orderCancel")
        number = _opened_gid(args["orderId"])[1]
        record = self.state["orders"].get(number)
        try:
            sending.cancellable(record, number in self.state["cancelling"])
        except sending.Declined as error:
            return {"job": None, "order_cancel_user_errors": [error.told]}
        due = self.world.clock() + timedelta(seconds=0.0 if self.world.relaxed else CANCEL_S)
        refund = bool((args.get("refundMethod") or {}).get("originalPaymentMethodsRefund"))
        wish = {"reason": args["reason"].lower(), "restock": args["restock"], "money": refund}
        self.state["cancelling"][number] = {"due": due.isoformat(), **wish}
        return {"job": {"id": str(UUID(int=self.world.random.getrandbits(128), version=4))}, "order_cancel_user_errors": []}

    def _work_off(self) -> None:
        """Jobs that are due are done, once somebody looks."""
        due = {number: job for number, job in self.state["cancelling"].items() if datetime.fromisoformat(job["due"]) <= self.world.clock()}
        for number, job in due.items():
            del self.state["cancelling"][number]
            if record := self.state["orders"].get(number):
                self._changed_now(record, *self._cancel(record, job))

    # webhooks

    def _subscribe(self, _: Any, __: door.Info, args: Mapping[str, Any]) -> Json:
        topic, uri = args["topic"], args["webhookSubscription"].get("uri")
        if not uri:
            return _hooked(None, ["webhookSubscription", "uri"], "Address can't be blank")
        if any((hook["topic"], hook["uri"]) == (topic, uri) for hook in self.state["hooks"]):
            return _hooked(None, ["webhookSubscription", "callbackUrl"], "Address for this topic has already been taken")
        hook = {"id": self._next(), "topic": topic, "uri": uri}
        self.state["hooks"].append(hook)
        return _hooked(hook)

    def _send(self, topic: str, body: Mapping[str, Any]) -> None:
        asked = {hook["topic"] for hook in self.state["hooks"]}
        if topic in (*APP_TOPICS, *COMPLIANCE) or topic.replace("/", "_").upper() in asked:
            raw = json.dumps(books.visible(body), ensure_ascii=False).encode()
            self.world.send(self.headers(topic, raw), raw)

    def headers(self, topic: str, raw: bytes) -> dict[str, str]:
        """Those of a real delivery of these bytes."""
        signature = hmac.new(CLIENT_SECRET.encode(), raw, hashlib.sha256).digest()
        return {
            "Content-Type": "application/json",
            "X-Shopify-Topic": topic,
            "X-Shopify-Hmac-Sha256": base64.b64encode(signature).decode(),
            "X-Shopify-Shop-Domain": self.account,
            "X-Shopify-API-Version": VERSIONS[-1],
            "X-Shopify-Webhook-Id": str(UUID(int=self.world.random.getrandbits(128), version=4)),
            "X-Shopify-Event-Id": str(UUID(int=self.world.random.getrandbits(128), version=4)),
            "X-Shopify-Triggered-At": self.world.clock().astimezone(UTC).isoformat(),
        }

    # the shelves

    def catalogue(self, products: list[Json]) -> list[Json]:
        """The first product's currency is the shop's. `bundle`, `tracked`, `policy` and `status` may be told for a product, the units of
        its `parts` by SKU (a bundle), and `levels`: its quantity by the number of a location, which is opened where it is new; `card`
        what the shop says of it to carriers and customs: {weight, unit, hs_code, origin, cost, currency, barcode, picture}."""
        for product in products:
            if not self.state["variants"]:
                self.state["currency"] = product["currency"]
            number = self._next()
            item = {"id": number + ITEMS, "tracked": product.get("tracked", True), **told_of_item(product.get("card", {}), number)}
            self.state["variants"][str(number)] = {
                "id": number,
                "sku": product["sku"],
                "title": product["title"],
                "display_name": product["title"],
                "price": product["price"],
                "product_id": number + 900_000,
                "requires_components": product.get("bundle", bool(product.get("parts"))),
                "parts": product.get("parts"),
                "inventory_policy": product.get("policy", "DENY"),
                "inventory_item": item,
                **told_of_variant(product.get("card", {}), number, product.get("status", "ACTIVE")),
            }
            levels = product.get("levels", {str(MAIN): product["quantity"]})
            self.state["levels"][str(item["id"])] = {str(self._opened(int(place))): _level_of(units) for place, units in levels.items()}
        return self.listings()

    def _opened(self, place: int) -> int:
        if place not in [one["id"] for one in self.state["locations"]]:
            fresh = {"id": place, "name": f"Warehouse {place}", "is_active": True, "is_fulfillment_service": False}
            self.state["locations"].append(fresh)
        return place

    def listings(self) -> list[Json]:
        return [
            {
                "listing": number,
                "sku": variant["sku"],
                "shown": sum(level["available"] for level in self._levels(variant).values()),
                "at": {place: level["available"] for place, level in self._levels(variant).items()},
                "sold": self.state["sold"].get(number, 0),
                "writes": self.state["writes"].get(number, 0),
            }
            for number, variant in self.state["variants"].items()
        ]

    def _levels(self, variant: Json) -> dict[str, Json]:
        found: dict[str, Json] = self.state["levels"][str(variant["inventory_item"]["id"])]
        return found

    # buyers

    def place(self, wish: Json) -> list[Json]:
        """Buyers buy what is available; exactly told lines are sold in any case, as a merchant's own order is. `location` is where it is
        sent from; else where it lies. `payment`: paid, authorized, pending or on_delivery; else by chance. {copy_of, source, lines}: an app
        brings another channel's order in, as orderCreate lets it (2026-07): its id as sourceIdentifier, and with `bypass` the shop's stock
        is left alone."""
        rnd = random.Random(f"{wish.get('seed', self.world.seed)}:{len(self.state['orders'])}")
        if "lines" in wish:
            goods = [(self._by_sku(sku), units) for sku, units in cart(wish)]
            return [self._oracle(self._placed(rnd, goods, wish))]
        baskets = (self._cart(rnd) for _ in range(whole(wish.get("count", 1), "count")))
        made = [self._placed(rnd, goods, wish) for goods in baskets if goods]
        if wish.get("planted"):
            made += [self._placed(rnd, goods, wish, plan) for plan in buyers.PLANTED if (goods := self._cart(rnd))]
        return [self._oracle(record) for record in made]

    def _by_sku(self, sku: str) -> Json:
        found: Json | None = next((one for one in self.state["variants"].values() if one["sku"] == sku), None)
        if found is None:
            raise BadRequest(f"the shop sells no SKU {sku}")
        return found

    def _lines(self, body: Json, desk: buyers.Desk, variant: Json, quantity: int) -> list[Json]:
        """One; of a bundle its components, which are one group: the parent itself is no line (shopify.dev, bundles, read 2026-11)."""
        if not variant.get("parts"):
            return [buyers.line(body, desk, variant, quantity)]
        group, parts = self._next(), [(self._by_sku(sku), units) for sku, units in variant["parts"].items()]
        made = [buyers.line(body, desk, part, units * quantity) for part, units in parts]
        return [{**line, "sales_line_item_group_id": group} for line in made]

    def _cart(self, rnd: random.Random) -> list[tuple[Json, int]]:
        there = [(one, max(level["available"] for level in self._levels(one).values())) for one in self.state["variants"].values()]
        there = [(one, units) for one, units in there if units > 0]
        chosen = rnd.sample(there, min(len(there), rnd.choices((1, 2, 3, 4), (50, 28, 14, 8))[0]))
        return [(one, min(units, rnd.choices((1, 2, 3, 5), (70, 18, 8, 4))[0])) for one, units in chosen]

    def _placed(self, rnd: random.Random, goods: Sequence[tuple[Json, int]], wish: Json, plan: tuple[str, str | None] = ("", None)) -> Json:
        desk = self._desk()
        body = buyers.blank(rnd, desk, len(self.state["orders"]), wish)
        if "copy_of" in wish:
            buyers.imported(body, str(wish["copy_of"]), str(wish["source"]))
        body["line_items"] = [line for variant, quantity in goods for line in self._lines(body, desk, variant, quantity)]
        buyers.priced(rnd, desk, body, plain=bool(wish.get("plain")))
        books.retotal(body)
        buyers.plant(body, plan[0])
        if wish.get("pickup"):
            body["shipping_address"] = None
        for line in body["line_items"]:  # nobody could reserve them, so they take nothing from the shelf
            line["_aside"] = plan[1] is not None or body["test"] or bool(wish.get("bypass"))
            line["_location"] = self._from(line, wish.get("location"))
        record: Json = {
            "body": body,
            "transactions": [],
            "holds": [],
            "part": self._next(),
            "method": "PICK_UP" if wish.get("pickup") else "SHIPPING",
            "risk": "ACCEPT",
            "plan": plan[0],
            "parks": plan[1],
        }
        self.state["orders"][str(body["id"])] = record
        self._pay_at_once(rnd, record, wish)
        self._sold(body)
        self._happened(record, "orders/create")
        return record

    def _from(self, line: Json, wished: Any) -> int:
        """Shopify's own routing, as far as it goes: the first location that has all of a line, else the first that stocks it."""
        variant = self.state["variants"].get(str(line["variant_id"]))
        levels = self._levels(variant) if variant else {}
        if wished is not None:
            return int(_one_of(list(levels), str(wished)))
        enough = [place for place, level in levels.items() if level["available"] >= line["quantity"]]
        return int(next(iter([*enough, *levels]), MAIN))

    def _desk(self) -> buyers.Desk:
        return buyers.Desk(self.state["currency"], self._now(), self._next)

    def _sold(self, body: Json) -> None:
        for line in body["line_items"]:
            number, units = str(line["variant_id"]), 0 if line["_aside"] else line["quantity"]
            self.state["sold"][number] = self.state["sold"].get(number, 0) + units
            self._move(line, available=-units, committed=units)

    # money

    def _pay_at_once(self, rnd: random.Random, record: Json, wish: Json) -> None:
        wished = wish.get("payment")
        record["body"]["payment_gateway_names"] = [_gateway(record["body"], wish)]
        roll, fixed = rnd.random(), {None: -1.0, "paid": 0.0, "authorized": 0.8, "pending": 0.9, "on_delivery": 0.9}
        roll = roll if wished is None else fixed[_one_of([one for one in fixed if one], str(wished))]
        if wished == "on_delivery":
            record["body"]["payment_gateway_names"] = ["Cash on Delivery (COD)"]
        if roll < 0.8:
            self._paid(record, "sale", "paid", wish.get("gift_card"))
        elif roll < 0.9:
            self._paid(record, "authorization", "authorized")
        else:
            record["body"]["total_outstanding"] = record["body"]["total_price"]

    def _paid(self, record: Json, kind: str, status: str, gift_card: str | None = None) -> None:
        """Some of it by a gift card, where one is named."""
        body = record["body"]
        promised = next((one["id"] for one in record["transactions"] if one["kind"] == "authorization"), None)
        for gateway, amount in _shares(body, gift_card):
            self._transaction(record, kind, amount, promised, gateway)
        body["financial_status"] = status
        body["total_outstanding"] = Money.zero(body["currency"]).text()

    def _transaction(self, record: Json, kind: str, amount: Json, parent: int | None = None, gateway: str | None = None) -> Json:
        one = {
            "id": self._next(),
            "kind": kind,
            "status": "success",
            "gateway": gateway or record["body"]["payment_gateway_names"][-1],
            "processed_at": self._now(),
            "test": False,
            "amount_set": amount,
            "parent_id": parent,
            "authorization_expires_at": self._in(AUTHORIZED) if kind == "authorization" else None,
            "multi_capturable": False,
            "error_code": None,
        }
        record["transactions"].append(one)
        self.balance.follow(record["body"], one)
        return one

    # what happens to orders there

    def act(self, order: str, what: str, wish: Json) -> Json:
        """pay, expire (what was authorized ends), cancel {restock, reason}, fulfill (see `chosen`), refund {sku, quantity, restock,
        shipping}, chargeback and chargeback_won (of what Shopify Payments took), edit {sku, quantity, as_refund} (a new quantity, or a
        new line), touch {note}, risk {recommendation}, hold {reason}, schedule, progress, release (all three), move {sku, location},
        delete."""
        if order not in self.state["orders"]:
            raise NotFound(f"there is no order {order}")
        record = self.state["orders"][order]
        doing: dict[str, Callable[[Json, Json], tuple[str, ...]]] = {
            "pay": self._pay,
            "expire": self._expire,
            "cancel": self._cancel,
            "fulfill": self._fulfill,
            "refund": self._refund,
            "chargeback": lambda record, _: self._disputed(record, won=False),
            "chargeback_won": lambda record, _: self._disputed(record, won=True),
            "edit": self._edit,
            "touch": self._touch,
            "risk": self._risk,
            "hold": self._hold,
            "schedule": lambda record, _: self._staged(record, "SCHEDULED"),
            "progress": lambda record, _: self._staged(record, "IN_PROGRESS"),
            "release": self._release,
            "move": self._reassign,
            "delete": self._delete,
        }
        if what not in doing:
            raise BadRequest(f"Shopify's orders know no {what}")
        self._changed_now(record, *doing[what](record, wish))
        return self._oracle(record)

    def _changed_now(self, record: Json, *topics: str) -> None:
        record["body"]["updated_at"] = max(self._now(), record["body"]["updated_at"])
        self._happened(record, *topics)

    def _pay(self, record: Json, wish: Json) -> tuple[str, ...]:
        captured = record["body"]["financial_status"] == "authorized"
        self._paid(record, "capture" if captured else "sale", "paid")
        return ("orders/paid", "order_transactions/create")

    def _expire(self, record: Json, wish: Json) -> tuple[str, ...]:
        for one in record["transactions"]:
            one["authorization_expires_at"] = self._now() if one["kind"] == "authorization" else None
        record["body"]["financial_status"] = sending.ENDED
        return ()

    def _touch(self, record: Json, wish: Json) -> tuple[str, ...]:
        record["body"]["note"] = wish.get("note", "touched")
        return ()

    def _risk(self, record: Json, wish: Json) -> tuple[str, ...]:
        record["risk"] = _one_of(RISKS, wish.get("recommendation", "CANCEL"))
        return ("orders/risk_assessment_changed",)

    def _hold(self, record: Json, wish: Json) -> tuple[str, ...]:
        reason = _one_of(HOLDS, wish.get("reason", "OTHER"))
        record["holds"].append({"id": self._next(), "reason": reason, "held_by_requesting_app": False})
        return ()

    def _staged(self, record: Json, stage: str | None) -> tuple[str, ...]:
        """Its parts are scheduled, or somebody works on them; None: they are open again."""
        record["stage"] = stage
        return ()

    def _release(self, record: Json, wish: Json) -> tuple[str, ...]:
        record["holds"].clear()
        return self._staged(record, None)

    def _reassign(self, record: Json, wish: Json) -> tuple[str, ...]:
        """A line's open units are to be sent from another location, which must stock them."""
        line = self._line_of(record, wish)
        variant = self.state["variants"][str(line["variant_id"])]
        to = int(_one_of(list(self._levels(variant)), str(wish["location"])))
        for place, units in books.shares(line).items():
            self._carry(line, units, place, to)
        return ()

    def _delete(self, record: Json, wish: Json) -> tuple[str, ...]:
        del self.state["orders"][str(record["body"]["id"])]
        return ("orders/delete",)

    def _fulfill(self, record: Json, wish: Json) -> tuple[str, ...]:
        body = record["body"]
        left = [(str(line["id"]), line["sku"], books.open_units(line)) for line in body["line_items"]]
        units = {int(line): number for line, number in chosen(wish, left).items()}
        if not units:
            return ()
        place = {line["id"]: line["_location"] for line in body["line_items"]}
        for location in dict.fromkeys(place[line] for line in units):  # a parcel leaves from one location
            mine = {line: number for line, number in units.items() if place[line] == location}
            self._ship(record, mine, location)
        return _left(body)

    def _refund(self, record: Json, wish: Json) -> tuple[str, ...]:
        line = self._line_of(record, wish)
        restock = _one_of(RESTOCKS, wish.get("restock", "cancel"))
        most = line["_fulfilled"] - line["_returned"] if restock == "return" else line["current_quantity"]
        quantity = min(whole(wish.get("quantity", 1), "quantity"), line["current_quantity"], most)
        self._give_back(record, [(line, quantity, restock)], money=wish.get("money", True), shipping=bool(wish.get("shipping")))
        books.retotal(record["body"])
        record["body"]["financial_status"] = "partially_refunded" if wish.get("money", True) else record["body"]["financial_status"]
        return ("refunds/create",)

    def _disputed(self, record: Json, *, won: bool) -> tuple[str, ...]:
        self.balance.dispute(record, won=won)
        return ()

    def _line_of(self, record: Json, wish: Json) -> Json:
        """The line that is named by its id or SKU; the first where none is named."""
        lines: list[Json] = record["body"]["line_items"]
        named = (wish.get("line"), wish.get("sku"))
        if named == (None, None):
            return lines[0]
        found = next((line for line in lines if line["sku"] == named[1] or str(line["id"]) == str(named[0])), None)
        if found is None:
            raise BadRequest("the order has no such line")
        return found

    def _give_back(self, record: Json, gone: Sequence[tuple[Json, int, str]], *, money: bool, shipping: bool) -> None:
        """A refund: lines, now and then the carriage, and the money where any moves."""
        body = record["body"]
        lines = [self._line_back(line, quantity, restock) for line, quantity, restock in gone if quantity]
        adjustments = [books.shipping_back(body, self._next())] if shipping else []
        shop, buyer = books.paid_back(body, lines, adjustments)
        moved = money and bool(shop) and bool(record["transactions"]) and body["financial_status"] not in ("pending", "authorized")
        shares = books.by_payment(record["transactions"], shop, buyer) if moved else []
        paid = [self._transaction(record, "refund", amount, one["id"], one["gateway"]) for one, amount in shares]
        number = self._next()
        body["refunds"].append(_refund_of(body, number, self._now(), lines, adjustments, [_as_rest(body, one) for one in paid], paid))

    def _line_back(self, line: Json, quantity: int, restock: str) -> Json:
        unshipped = 0 if restock == "return" else min(quantity, books.open_units(line))
        if unshipped:
            line["fulfillable_quantity"] -= unshipped
            lost = restock == "no_restock"
            self._move(line, committed=-unshipped, **({"on_hand": -unshipped} if lost else {"available": unshipped}))
        if restock == "return":
            line["_returned"] += quantity
            self._move(line, available=quantity, on_hand=quantity)
        return books.back(line, quantity, restock, None if restock == "no_restock" else line["_location"], self._next())

    def _cancel(self, record: Json, wish: Json) -> tuple[str, ...]:
        body = record["body"]
        body["cancelled_at"], body["cancel_reason"] = self._now(), wish.get("reason", "customer")
        restock = "cancel" if wish.get("restock", True) else "no_restock"
        gone = [(line, books.open_units(line), restock) for line in body["line_items"]]
        whole = not body["fulfillments"] and not body["refunds"]
        paid, money = body["financial_status"] not in ("pending", "authorized"), wish.get("money", True)
        self._give_back(record, gone, money=money, shipping=whole and money)
        if money or not paid:
            body["financial_status"] = ("refunded" if whole else "partially_refunded") if paid else "voided"
        books.retotal(body)
        return ("orders/cancelled", "refunds/create")

    def _edit(self, record: Json, wish: Json) -> tuple[str, ...]:
        body = record["body"]
        line = next((one for one in body["line_items"] if one["sku"] == wish.get("sku") or str(one["id"]) == str(wish.get("line"))), None)
        if line is None:
            self._added(body, self._by_sku(wish["sku"]), whole(wish["quantity"], "quantity"))
        else:
            self._changed(record, line, whole(wish["quantity"], "quantity") - line["current_quantity"], bool(wish.get("as_refund")))
        books.retotal(body)
        books.restate(body)
        return ("orders/edited",)

    def _added(self, body: Json, variant: Json, quantity: int) -> None:
        line = {**buyers.line(body, self._desk(), variant, quantity), "_aside": body["line_items"][0]["_aside"]}
        line["_location"] = self._from(line, None)
        body["line_items"].append(line)
        self._sold({"line_items": [line]})

    def _changed(self, record: Json, line: Json, by: int, as_refund: bool) -> None:
        """More units are ordered, or some that did not leave yet are taken off."""
        if by > 0:
            buyers.grown(record["body"], line, by)
            self.state["sold"][str(line["variant_id"])] += by
            self._move(line, available=-by, committed=by)
            return
        off = min(-by, books.open_units(line))
        line["_removed"] += off
        if as_refund and off:
            self._give_back(record, [(line, off, "cancel")], money=False, shipping=False)
            line["_refunded"] -= off
            return
        line["current_quantity"] -= off
        line["fulfillable_quantity"] -= off
        self._move(line, committed=-off, available=off)

    def _happened(self, record: Json, *topics: str) -> None:
        """Everything that changes an order is told as orders/updated too; only its making and its end are not."""
        body = record["body"]
        for topic in topics:
            self._send(topic, _webhook(topic, record))
        if not {"orders/create", "orders/delete"} & set(topics):
            self._send("orders/updated", body)

    # the oracle

    def orders(self) -> list[Json]:
        self._work_off()
        return [self._oracle(record) for record in self.state["orders"].values()]

    def _oracle(self, record: Json) -> Json:
        body = record["body"]
        units: dict[str, int] = {}
        for line in body["line_items"] if body["cancelled_at"] is None and not body["test"] else ():
            if books.open_units(line):
                units[line["sku"]] = units.get(line["sku"], 0) + books.open_units(line)
        return {
            "id": str(body["id"]),
            "name": body["name"],
            "units": units,
            "parks": record["parks"],
            "flags": record["plan"] if record["parks"] is None and record["plan"] else None,
            "placed_at": body["processed_at"],
            "total": body["total_price"],
            "currency": body["currency"],
            "cancelled": body["cancelled_at"] is not None,
            "copy_of": body["source_identifier"],
            "shipments": sending.told_of(body["fulfillments"]),
            "captures": [one["amount_set"]["presentment_money"]["amount"] for one in record["transactions"] if one["kind"] == "capture"],
        }

    def _next(self) -> int:
        self.state["seq"] += 1
        return int(self.state["seq"])

    def _now(self) -> str:
        return self._in(timedelta(0))

    def _in(self, later: timedelta) -> str:
        """As webhooks write it: whole seconds."""
        return (self.world.clock() + later).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def told_of_item(card: Json, number: int) -> Json:
    return {
        "harmonized_system_code": card.get("hs_code"),
        "country_code_of_origin": card.get("origin"),
        "measurement": {"id": number, "weight": {"unit": card.get("unit", "GRAMS"), "value": card.get("weight", 0)}},
        "unit_cost": {"amount": card["cost"], "currency_code": card["currency"]} if "cost" in card else None,
    }


def told_of_variant(card: Json, number: int, status: str = "ACTIVE") -> Json:
    media = {"__typename": "MediaImage", "id": number, "preview": {"image": {"url": card.get("picture")}}}
    product = {"id": number + 900_000, "status": status, "featured_media": media if "picture" in card else None}
    return {"barcode": card.get("barcode"), "product": product}


def _left(body: Json) -> tuple[str, ...]:
    """What is told when a parcel of it leaves."""
    return ("fulfillments/create", "orders/fulfilled" if body["fulfillment_status"] == "fulfilled" else "orders/partially_fulfilled")


def _level_of(units: int) -> Json:
    return {"available": units, "committed": 0, "on_hand": units}


def _one_of(known: Sequence[str], said: object) -> str:
    if said not in known:
        raise BadRequest(f"it is one of {', '.join(known)}")
    return str(said)


def _gateway(body: Json, wish: Json) -> str:
    """By what it is paid: test orders by Shopify's test gateway, another channel's where that is, others by what is wished for."""
    if body["test"]:
        return paid_out.TEST_GATEWAY
    return str(wish.get("source") or wish.get("gateway") or paid_out.GATEWAY)


def _shares(body: Json, gift_card: str | None) -> list[tuple[str, Json]]:
    """What each gateway takes of an order."""
    whole, gateway = body["total_price_set"], body["payment_gateway_names"][-1]
    if gift_card is None:
        return [(gateway, whole)]
    part = books.bag(body, Money.parse(str(gift_card), body["currency"]).minor)
    body["payment_gateway_names"] = ["gift_card", gateway]
    return [("gift_card", part), (gateway, books.less(whole, part))]


def _as_rest(body: Json, one: Json) -> Json:
    """A refund's transaction as webhooks tell it: one amount, in the buyer's currency."""
    cash = one["amount_set"]["presentment_money"]
    return {
        "id": one["id"],
        "admin_graphql_api_id": door.gid("OrderTransaction", one["id"]),
        "amount": cash["amount"],
        "authorization": None,
        "created_at": one["processed_at"],
        "currency": cash["currency_code"],
        "device_id": None,
        "error_code": None,
        "gateway": one["gateway"],
        "kind": one["kind"],
        "location_id": None,
        "message": None,
        "order_id": body["id"],
        "parent_id": one["parent_id"],
        "payment_id": f"{body['name']}.{one['id']}",
        "processed_at": one["processed_at"],
        "receipt": {},
        "source_name": "web",
        "status": one["status"],
        "test": one["test"],
        "user_id": None,
    }


def _refund_of(
    body: Json, number: int, at: str, lines: Sequence[Json], adjustments: Sequence[Json], told: Sequence[Json], paid: Sequence[Json]
) -> Json:
    zero = books.bag(body, 0)
    return {
        "id": number,
        "admin_graphql_api_id": door.gid("Refund", number),
        "created_at": at,
        "note": None,
        "order_id": body["id"],
        "processed_at": at,
        "restock": any(line["restock_type"] != "no_restock" for line in lines),
        "total_additional_fees_set": zero,
        "total_duties_set": zero,
        "user_id": None,
        "order_adjustments": list(adjustments),
        "transactions": list(told),
        "refund_line_items": list(lines),
        "duties": [],
        "additional_fees": [],
        "_paid": [one["id"] for one in paid],
    }


# bodies of webhooks that are not the order


def _webhook(topic: str, record: Json) -> Json:
    body: Json = record["body"]
    match topic:
        case "orders/delete":
            return {"id": body["id"]}
        case "orders/edited":
            lines: Json = {"additions": [], "removals": []}
            return {"order_edit": {"id": body["id"] + 1, "app_id": None, "order_id": body["id"], "staff_note": "", "line_items": lines}}
        case "orders/risk_assessment_changed":
            return {"risk_level": "high", "order_id": body["id"], "admin_graphql_api_order_id": body["admin_graphql_api_id"]}
        case "refunds/create":
            return dict(body["refunds"][-1])
        case "fulfillments/create":
            return dict(body["fulfillments"][-1])
        case "order_transactions/create":
            return _as_rest(body, record["transactions"][-1])
        case _:
            return body


# the vendor's ways of speaking


def _body(request: Request) -> Json:
    try:
        body = json.loads(request.get_data() or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _unauthorized() -> Response:
    return reply({"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}, 401)


def _coded(message: str, code: str) -> Json:
    return {"message": message, "extensions": {"code": code, "documentation": "https://shopify.dev/api/usage/rate-limits"}}


def _error(field: list[str] | None, code: str, message: str) -> Json:
    return {"field": field, "code": code, "message": message}


def _told(errors: Sequence[Json]) -> Json:
    return {"inventory_adjustment_group": None, "user_errors": list(errors)}


def _hooked(hook: Json | None, field: list[str] | None = None, message: str = "") -> Json:
    return {"webhook_subscription": hook, "user_errors": [] if hook else [{"field": field, "message": message}]}


def _counted(there: int, args: Mapping[str, Any]) -> Json:
    """Up to the limit; from there on it is only the least."""
    most = args.get("limit")
    reached = most is not None and there >= most
    return {"count": most if reached else there, "precision": "AT_LEAST" if reached else "EXACT"}


def _bulk(operation: Json | None, code: str = "", message: str = "") -> Json:
    errors = [] if operation else [{"field": None if code == "LIMIT_REACHED" else ["query"], "code": code, "message": message}]
    return {"bulk_operation": operation, "user_errors": errors}


def _xml(code: str, status: int) -> Response:
    return Response(f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code></Error>", status, content_type="application/xml")


def _ranged(request: Request, file: exports.File) -> Response:
    """The file, or the one part of it that the request names."""
    if request.range is None:
        return Response(file.part(0, file.size), content_type="application/jsonl")
    span = request.range.range_for_length(file.size)
    if span is None:
        return _xml("InvalidRange", 416)
    headers = {"Content-Range": f"bytes {span[0]}-{span[1] - 1}/{file.size}"}
    return Response(file.part(*span), 206, headers, content_type="application/jsonl")


def _twice(quantities: Sequence[Mapping[str, Any]]) -> list[Json]:
    seen_before: set[tuple[str, str]] = set()
    errors = []
    for at, one in enumerate(quantities):
        pair = (one["inventoryItemId"], one["locationId"])
        if pair in seen_before:
            text = "The combination of inventoryItemId and locationId must be unique."
            errors.append(_error(["input", "quantities", str(at)], "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", text))
        seen_before.add(pair)
    return errors


def _quantities(source: Json, _: door.Info, args: Mapping[str, Any]) -> list[Json]:
    return [{"id": f"{source['id']}-{name}", "name": name, "quantity": source[name]} for name in args["names"] if name in source]


def _by_id(one: Mapping[str, Any]) -> Sequence[Any]:
    return (one["id"],)


def _by_name(one: Mapping[str, Any]) -> Sequence[Any]:
    return (one["name"], one["id"])


def _opened_gid(gid: str) -> tuple[str, str]:
    kind, _, number = gid.removeprefix("gid://shopify/").partition("/")
    if not gid.startswith("gid://shopify/") or not number:
        raise GraphQLError(f"Invalid global id '{gid}'", extensions={"code": "argumentLiteralsIncompatible"})
    return kind, number


COMPARE = {">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b, "<": lambda a, b: a < b, "": lambda a, b: a == b}


def _term(text: str) -> Callable[[Json], bool]:
    column, _, rest = text.partition(":")
    if column == "sku":
        return lambda body: any(line["sku"] == _unquoted(rest) for line in body["line_items"])
    if column == "status":
        return _STATUS[_one_of(list(_STATUS), _unquoted(rest))]
    if column not in ("updated_at", "created_at", "processed_at"):
        raise GraphQLError(f"Invalid search field: {column}")
    sign = next(one for one in COMPARE if rest.startswith(one))
    at = datetime.fromisoformat(_unquoted(rest.removeprefix(sign)))
    return lambda body: COMPARE[sign](datetime.fromisoformat(body[column]), at)


_STATUS: dict[str, Callable[[Json], bool]] = {
    "open": lambda body: body["closed_at"] is None and body["cancelled_at"] is None,
    "closed": lambda body: body["closed_at"] is not None,
    "cancelled": lambda body: body["cancelled_at"] is not None,
    "not_closed": lambda body: body["closed_at"] is None,
}


def _unquoted(text: str) -> str:
    return text.strip("'").replace("\\'", "'").replace("\\\\", "\\")


def _search(query: str) -> Callable[[Json], bool]:
    """The search syntax, as far as terms joined by AND go."""
    terms = [_term(text) for text in query.split(" AND ") if text]
    return lambda body: all(term(body) for term in terms)
