"""Shopify as a channel: orders by webhook and by updated_at, stock as `available` at each location of the merchant's own."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from connectors.http import as_datetime, write_json
from connectors.shopify import catalogue, documents, history, paying, render, sending, shapes
from connectors.shopify import payouts as paid_out
from connectors.shopify.client import Client
from connectors.shopify.doors import digits
from connectors.shopify.normalize import PAYMENT
from connectors.shopify.webhooks import WANTED
from core.domain.capturing import Taking
from core.domain.money import Money
from core.domain.order import Glance, PaymentStatus
from core.domain.payouts import Movement, Payout
from core.domain.promise import Uncovered
from core.domain.shipping import Cancelling, CancelReason, Sent
from core.errors import RateLimited, Refused, Unavailable
from core.ports import Account, Answer, Found, Kit, Level, Name, Notice, Page, Place, Push, Told

PREPARED = "NO_LINE_ITEMS_TO_PREPARE_FOR_FULFILLMENT_ORDER"  # it was said before
T = TypeVar("T")
TOLD = {
    "CHANGE_FROM_QUANTITY_STALE": Told.STALE,
    "COMPARE_QUANTITY_STALE": Told.STALE,
    "INVALID_INVENTORY_ITEM": Told.GONE,
}
KEYS = 3  # tries with a new key where Shopify says that an earlier attempt with the old one failed
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
RECENT = timedelta(days=60)  # what an app sees without ALL_ORDERS (shopify.dev, access scopes, read 2026-11)
ALL_ORDERS = "read_all_orders"
SETTLING = timedelta(days=30)  # so long after it was sent a payout may still be declined: our guess; nothing tells when one changed
FEW, MANY = 20, 250  # Shopify's plain lists cannot be paged: a full one is asked for again, as long as it may be

NOTHING = {"nodes": [], "pageInfo": {"hasNextPage": False}}
LOOK_S = 1.0  # how often a file that is being written is looked after
PIECE = 1 << 20  # bytes of it for one page: some 3,000 variants


class _Changed(Exception):
    """The order changed between two of its reads."""


class ShopifyChannel:
    """One shop. Its handle for a listing is {"item": inventory item, "location": location}, both as numbers in text."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._client = Client(kit)
        self._only = str(kit.settings.get("location") or "")
        self._known: list[str] = []

    def probe(self) -> Account:
        shop = self._client.run("Shop", documents.SHOP)["shop"]
        return Account(shop["myshopifyDomain"], shop["name"], shop["currencyCode"])

    # orders

    def poll(self, since: datetime, until: datetime, cursor: str | None) -> Page[Notice]:
        """Names and times only; `fetch` reads the orders."""
        query = {"q": render.changed(since), "after": cursor}
        page = self._client.run("OrderIds", documents.ORDER_IDS, query)["orders"]
        notices = tuple(_notice(node, self._kit.account) for node in page["nodes"])
        return Page(notices, _next(page), until)

    def reach(self) -> tuple[datetime | None, str]:
        """To the shop's first day, if the merchant granted as much."""
        said = self._client.run("Reach", documents.REACH)
        if any(scope["handle"] == ALL_ORDERS for scope in said["currentAppInstallation"]["accessScopes"]):
            return as_datetime(said["shop"]["createdAt"]), ""
        return self._kit.clock() - RECENT, f"only the last {RECENT.days} days came: the app lacks {ALL_ORDERS}"

    def history(self, since: datetime, until: datetime, cursor: str | None, *, open_only: bool) -> Page[Notice]:
        """Names and times, oldest first. Where a search gets deep, another one begins at the second in which the last order of this one
        was made: that second's are told twice rather than never."""
        mark = history.mark(cursor, since)
        asked = {"q": render.placed(mark.since, until, open_only=open_only), "after": mark.after}
        page = self._client.run("History", documents.HISTORY, asked)["orders"]
        items = tuple(history.notice(node, self._kit.account) for node in page["nodes"])
        return Page(items, mark.following(page, int(self._kit.settings["deep"])))

    def allowed(self) -> Sequence[str]:
        return [scope["handle"] for scope in self._client.run("Reach", documents.REACH)["currentAppInstallation"]["accessScopes"]]

    def fetch(self, orders: Sequence[str]) -> Mapping[str, bytes | None]:
        """Each order by its three documents and their next pages, merged. One that the budget did not reach is left out: ask for it
        again. Raises Unavailable where one keeps changing meanwhile."""
        found: dict[str, bytes | None] = {}
        try:
            for number in orders:
                found[number] = self._fetched(number)
        except RateLimited:
            if not found:
                raise
        return found

    def _fetched(self, number: str) -> bytes | None:
        order = self._steady(self._read, number)
        return None if order is None else write_json({"data": {"order": order}})

    def _steady(self, read: Callable[[str], T], number: str) -> T:
        """An order of several reads is read again where it changed between them; Unavailable where it changes on and on."""
        for _ in range(2):
            try:
                return read(render.gid("Order", number))
            except _Changed:
                continue
        raise Unavailable("the order changes while it is read", order=number)

    def _read(self, gid: str) -> dict[str, Any] | None:
        order = self._client.run("OrderCore", documents.ORDER_CORE, {"id": gid})["order"]
        if order is None:
            return None
        for name, document in (("OrderMoney", documents.ORDER_MONEY), ("OrderShipping", documents.ORDER_SHIPPING)):
            part = self._part(name, document, gid)
            if part is None or part["updatedAt"] != order["updatedAt"]:
                raise _Changed
            order.update(part)
        return self._whole(order)

    def _whole(self, order: dict[str, Any]) -> dict[str, Any]:
        """The next pages of all that was read of it."""
        for path in documents.MORE:
            for owner in _owners(order, path) if path.partition(".")[0] in order else ():
                self._rest(path, owner, order["updatedAt"])
        return dict(order)

    def _part(self, name: str, document: str, gid: str) -> dict[str, Any] | None:
        for first in (FEW, MANY):
            part: dict[str, Any] | None = self._client.run(name, document, {"id": gid, "first": first})["order"]
            if part is None or not any(isinstance(value, list) and len(value) >= first for value in part.values()):
                return part
        raise Refused(f"shopify: an order with {MANY} parcels or refunds cannot be read whole", order=digits(gid))

    def _rest(self, path: str, owner: dict[str, Any], seen: str) -> None:
        """The next pages of one connection of the order, put behind the first."""
        name = path.rpartition(".")[2]
        while owner[name]["pageInfo"]["hasNextPage"]:
            asked = {"id": owner["id"], "after": owner[name]["pageInfo"]["endCursor"]}
            node = self._client.run("More", documents.MORE[path], asked)["node"]
            if node is None or (node.get("order") or node)["updatedAt"] != seen:
                raise _Changed
            owner[name]["nodes"] += node[name]["nodes"]
            owner[name]["pageInfo"] = node[name]["pageInfo"]

    def placed(self, since: datetime, until: datetime, cursor: str | None) -> Page[tuple[datetime, int]]:
        """One day a page."""
        begin = as_datetime(cursor) if cursor else since
        end = min(begin + DAY, until)
        return Page(((begin, self._placed(begin, end)),), end.isoformat() if end < until else None)

    def _placed(self, since: datetime, until: datetime) -> int:
        """Where Shopify stops counting, the two halves are counted."""
        told = self._client.run("OrdersCount", documents.ORDERS_COUNT, {"q": render.placed(since, until)})["ordersCount"]
        if told is None:
            raise Refused("shopify does not count orders for us")
        if told["precision"] == "EXACT" or until - since <= SECOND:
            return int(told["count"])
        half = since + (until - since) // (2 * SECOND) * SECOND
        return self._placed(since, half) + self._placed(half, until)

    def receive(self) -> Sequence[Notice]:
        return ()

    def acknowledge(self, receipts: Sequence[str]) -> None:
        """There is no queue."""

    # stock

    def listings(self, cursor: str | None) -> Page[Found]:
        """Every variant, with what its item has available at each location of the merchant's own that stocks it: page by page, or, where
        there are many, from a file that Shopify writes first. Where it cannot, or has lost the file, all begins anew, page by page."""
        if mark := catalogue.mark(cursor):
            return self._exported(mark)
        self._known = [] if cursor is None else self._known
        return self.export() if cursor is None and self._many() else self._variants(cursor)

    def _many(self) -> bool:
        least = int(self._kit.settings["bulk_from"])
        told = self._client.run("VariantsCount", documents.VARIANTS_COUNT, {"limit": max(1, least)})["productVariantsCount"]
        return told is not None and told["count"] >= least

    def _variants(self, cursor: str | None) -> Page[Found]:
        own = self._own()
        asked = {"first": documents.page_of(len(own)), "after": cursor, **render.at(own)}
        page = self._client.run("Variants", documents.variants(len(own)), asked)["productVariants"]
        return Page(tuple(found for node in page["nodes"] for found in catalogue.found(node, own)), _next(page))

    def export(self) -> Page[Found]:
        """Have the variants written into a file, however many there are. It changes nothing in the shop, so a lost answer may be
        asked again: five may run at once since 2026-01."""
        own = self._own()
        done = self._client.run("BulkQuery", documents.BULK_QUERY, {"query": render.export(own)})["bulkOperationRunQuery"]
        if done["userErrors"] or done["bulkOperation"] is None:
            return self._variants(None)
        return Page((), str(catalogue.Mark(digits(done["bulkOperation"]["id"]), tuple(own))), wait_s=LOOK_S)

    def _exported(self, mark: catalogue.Mark) -> Page[Found]:
        """The next piece of the file, once it is written."""
        asked = {"id": render.gid("BulkOperation", mark.operation)}
        operation = self._client.run("BulkState", documents.BULK_STATE, asked)["bulkOperation"]
        match operation and operation["status"]:
            case "CREATED" | "RUNNING":
                return Page((), str(mark), wait_s=LOOK_S)
            case "COMPLETED" if operation["url"]:
                return self._piece(operation["url"], mark, as_datetime(operation["createdAt"])) or self._variants(None)
            case _:
                return self._variants(None)

    def _piece(self, url: str, mark: catalogue.Mark, begun: datetime) -> Page[Found] | None:
        """What the file tells may be as old as its operation, and the page says so; None where the file is gone."""
        piece = self._client.piece(url, mark.start, PIECE)
        if piece is None:
            return None
        read, last = piece
        lines = catalogue.whole(read, last)
        items = tuple(catalogue.read(lines, mark.locations))
        return Page(items, None if last else str(mark.at(mark.start + len(lines))), begun)

    def places(self) -> Sequence[Place]:
        """All locations; only the one of the settings, where they name one."""
        found = [Place(digits(node["id"]), node["name"], node["isActive"], node["isFulfillmentService"]) for node in self._locations()]
        return [one for one in found if self._only in ("", one.id)]

    def _locations(self) -> Iterator[dict[str, Any]]:
        return self._client.pages("Locations", documents.LOCATIONS, "locations")

    def _own(self) -> list[str]:
        """The location of the settings, else all active ones that are the merchant's own."""
        if not self._known:
            self._known = [self._only] if self._only else [one.id for one in self.places() if one.active and not one.service]
            if not self._known:
                raise Refused("shopify: the shop has no active location of its own")
        return self._known

    def show(self, pushes: Sequence[Push], key: str) -> Sequence[Answer]:
        """One call writes all or nothing: entries that it names are answered by themselves and the others sent again."""
        told: dict[int, Answer] = {}
        waiting = list(range(len(pushes)))
        attempt = 0
        while waiting:
            errors = self._set([pushes[at] for at in waiting], key, attempt)
            attempt += 1
            if _failed_before(errors) and attempt < KEYS:
                continue
            named = _named(errors, waiting)
            told.update({at: _answer(pushes[at], named.get(at)) for at in (named or waiting)})
            waiting = [at for at in waiting if at not in told]
        return [told[at] for at in range(len(pushes))]

    def _set(self, pushes: Sequence[Push], key: str, attempt: int) -> list[dict[str, Any]]:
        asked = {"input": render.quantities(pushes), "key": render.idempotency(key, attempt, pushes)}
        done = self._client.run("SetQuantities", documents.SET_QUANTITIES, asked, changes=True)["inventorySetQuantities"]
        errors: list[dict[str, Any]] = done["userErrors"]
        if any(error["code"] == "IDEMPOTENCY_CONCURRENT_REQUEST" for error in errors):
            raise RateLimited("shopify still works on the same request", wait_s=1.0, operation="SetQuantities")
        return errors

    def shown(self, pushes: Sequence[Push]) -> Mapping[Name, int | None]:
        return {name: level.shown for name, level in self.levels(pushes).items()}

    def levels(self, pushes: Sequence[Push]) -> Mapping[Name, Level]:
        """`committed` are units of orders that nobody has sent yet (shopify.dev, inventory states)."""
        places: dict[str, list[Push]] = defaultdict(list)
        for push in pushes:
            places[push.handle["location"]].append(push)
        return {name: level for location, some in places.items() for name, level in self._levels_at(location, some)}

    def _levels_at(self, location: str, pushes: Sequence[Push]) -> Iterator[tuple[Name, Level]]:
        items = [render.gid("InventoryItem", push.handle["item"]) for push in pushes]
        asked = {"ids": items, "location": render.gid("Location", location)}
        nodes = self._client.run("Levels", documents.LEVELS, asked)["nodes"]
        for push, node in zip(pushes, nodes, strict=True):
            level = node and node["inventoryLevel"]
            yield push.name, Level(catalogue.quantity(level, "available"), catalogue.quantity(level, "committed"))

    def selling(self, sku: str, cursor: str | None) -> Page[Notice]:
        """Names and times only, as `poll`."""
        page = self._client.run("OrderIds", documents.ORDER_IDS, {"q": render.selling(sku), "after": cursor})["orders"]
        return Page(tuple(_notice(node, self._kit.account) for node in page["nodes"]), _next(page))

    # what sells beyond zero

    def uncovered(self, push: Push) -> str | None:
        return catalogue.uncovered(self._variant(push))

    def _variant(self, push: Push) -> dict[str, Any]:
        node: dict[str, Any] | None = self._client.run("Variant", documents.VARIANT, {"id": render.gid("ProductVariant", push.listing)})[
            "productVariant"
        ]
        if node is None:
            raise Refused("shopify has no such variant any more", listing=push.listing)
        return node

    def mend(self, push: Push, uncovered: str, *, back: bool) -> None:
        """Raises Refused where the app may not: its scopes do not hold write_products unless the merchant granted that."""
        node = self._variant(push)
        if uncovered == Uncovered.OVERSELLS:
            said = self._client.run("SetPolicy", documents.SET_POLICY, render.policy(node, back=back), changes=True)
            errors = said["productVariantsBulkUpdate"]["userErrors"]
        else:
            said = self._client.run("SetTracked", documents.SET_TRACKED, render.tracked(node, back=back), changes=True)
            errors = said["inventoryItemUpdate"]["userErrors"]
        if errors:
            raise Refused("shopify declined", words=str(errors)[:500], listing=push.listing)

    # what leaves

    def confirm(self, sent: Sent) -> str:
        """One fulfillment for each location that the parcel's lines are assigned to, of what Shopify was not told of it yet; their ids
        joined by commas."""
        order = self._steady(self._shipping, sent.order)
        known = sending.told(order, sent)
        shares = sending.shared(order, sent, sending.left(sent, known))
        made = [self._ship(sent, parts) for parts in shares.values()]
        return ",".join([digits(one["id"]) for one in known] + made)

    def _ship(self, sent: Sent, parts: Mapping[str, Mapping[str, int]]) -> str:
        done = self._client.run("Ship", documents.SHIP, {"fulfillment": render.parcel(sent, parts)}, changes=True)["fulfillmentCreate"]
        _agreed(done["userErrors"], "shopify refused the parcel", sent.order)
        return digits(done["fulfillment"]["id"])

    def confirmed(self, sent: Sent) -> str | None:
        """Known when all of it is: where one of two locations was told, the other is still to be."""
        known = sending.told(self._steady(self._shipping, sent.order), sent)
        return None if sending.left(sent, known) else ",".join(digits(one["id"]) for one in known)

    def _shipping(self, gid: str) -> dict[str, Any]:
        order = self._part("OrderShipping", documents.ORDER_SHIPPING, gid)
        if order is None:
            raise Refused("shopify has no such order", order=digits(gid))
        return self._whole(order)

    def route(self, order: str, assignment: str, place: str, lines: Mapping[str, int] | None = None) -> None:
        """Its number may be another one afterwards. Where it is there already, nothing is refused."""
        items = None if lines is None else sending.items(self._steady(self._shipping, order), assignment, lines)
        asked = {"id": render.gid("FulfillmentOrder", assignment), "to": render.gid("Location", place), "lines": items}
        errors = self._client.run("Move", documents.MOVE, asked, changes=True)["fulfillmentOrderMove"]["userErrors"]
        if errors and (lines is not None or not sending.is_at(self._steady(self._shipping, order), assignment, place)):
            _agreed(errors, "shopify did not move it", order)

    def ready_to_fetch(self, order: str, assignments: Sequence[str]) -> None:
        """What was said of a part already is refused there, and done."""
        parts = [{"fulfillmentOrderId": render.gid("FulfillmentOrder", one)} for one in assignments]
        asked = {"input": {"lineItemsByFulfillmentOrder": parts}}
        told = self._client.run("Prepared", documents.PREPARED, asked, changes=True)["fulfillmentOrderLineItemsPreparedForPickup"]
        _agreed([one for one in told["userErrors"] if one["code"] != PREPARED], "shopify did not take it as ready", order)

    # what is paid when it leaves

    def captured(self, order: str, key: str) -> Taking:
        """Shopify keeps no keys: what its transactions add up to says what is left to take."""
        return paying.taking(self._payable(order))

    def capture(self, order: str, amount: Money, key: str) -> None:
        """Where nothing is owed any more, since Shopify captured it by itself meanwhile, nothing is refused."""
        ready = paying.ready(self._payable(order))
        if ready is None:
            raise Refused("nothing of it is authorized at shopify", order=order)
        asked = {"input": render.capture(order, ready[0]["id"], amount)}
        done = self._client.run("Capture", documents.CAPTURE, asked, changes=True)["orderCapture"]
        if done["userErrors"] and self.captured(order, key).owed.minor <= 0:
            return
        _agreed(done["userErrors"], "shopify did not capture it", order)
        if (one := done["transaction"]) and one["status"] in paying.DECLINED:
            raise Refused("the payment was declined", words=one["errorCode"] or one["status"], order=order)

    def _payable(self, order: str) -> dict[str, Any]:
        found = self._part("Payable", documents.PAYABLE, render.gid("Order", order))
        if found is None:
            raise Refused("shopify has no such order", order=order)
        return found

    def cancel(self, order: str, reason: CancelReason, key: str, *, restock: bool) -> Cancelling:
        """Nothing is refunded, and the buyer is not written to. Said twice it has one effect: a cancelled order is not cancelled again."""
        asked = {"id": render.gid("Order", order), "reason": render.REASONS[reason], "restock": restock}
        errors = self._client.run("Cancel", documents.CANCEL, asked, changes=True)["orderCancel"]["orderCancelUserErrors"]
        if errors and self.cancelling(order, key) is Cancelling.DONE:
            return Cancelling.DONE
        _agreed(errors, "shopify did not cancel it", order)
        return Cancelling.ASKED

    def cancelling(self, order: str, key: str) -> Cancelling:
        """Shopify does not tell of one that it works on: until the order is cancelled it looks as if nobody asked."""
        told = self._client.run("Cancelled", documents.CANCELLED, {"id": render.gid("Order", order)})["order"]
        if told is None:
            raise Refused("shopify has no such order", order=order)
        return Cancelling.DONE if told["cancelledAt"] else Cancelling.NOT_CANCELLED

    # what is paid out

    def payouts(self, since: datetime, cursor: str | None) -> Page[Payout]:
        """Those that were sent up to thirty days before then are told again, since they may have changed. A shop without Shopify Payments
        has none."""
        page = self._paid("Payouts", documents.PAYOUTS, "payouts", render.issued(since - SETTLING), cursor)
        return Page(tuple(paid_out.payout(node) for node in page["nodes"]), _next(page))

    def movements(self, payout: Payout, cursor: str | None) -> Page[Movement]:
        """Two calls a page: the lines, and what their orders' transactions tell of currency and tax."""
        page = self._paid("Movements", documents.MOVEMENTS, "balanceTransactions", render.held_by(payout.id), cursor)
        return Page(self._moved(paid_out.held_by(paid_out.lines(page["nodes"]), payout.id)), _next(page))

    def unpaid(self, since: datetime, cursor: str | None) -> Page[Movement]:
        """All that moved since then is looked through: a page may hold nothing and go on."""
        page = self._paid("Movements", documents.MOVEMENTS, "balanceTransactions", render.moved(since), cursor)
        return Page(self._moved(paid_out.waiting(paid_out.lines(page["nodes"]))), _next(page))

    def _paid(self, name: str, document: str, field: str, query: str, cursor: str | None) -> dict[str, Any]:
        account = self._client.run(name, document, {"q": query, "after": cursor})["shopifyPaymentsAccount"]
        page: dict[str, Any] = account[field] if account else NOTHING
        return page

    def _moved(self, lines: Sequence[shapes.GBalanceLine]) -> tuple[Movement, ...]:
        """An order's transaction that we may not see, since its order is too old, tells nothing."""
        asked = [render.gid("OrderTransaction", number) for number in paid_out.charges(lines)]
        told = self._client.run("Charges", documents.CHARGES, {"charges": asked})["nodes"] if asked else ()
        known = paid_out.by_number(told)
        return tuple(paid_out.movement(line, known) for line in lines)

    # webhooks

    def unsubscribed(self, url: str) -> Sequence[str]:
        """Shopify deletes subscriptions that fail for long, so this is worth asking daily."""
        there = {hook["topic"] for hook in self._client.pages("Hooks", documents.HOOKS, "webhookSubscriptions") if hook["uri"] == url}
        return [topic for topic in WANTED if _enum(topic) not in there]

    def subscribe(self, url: str) -> Sequence[str]:
        """Subscribe `url` to the topics it does not get yet; gives the names of those created."""
        return [topic for topic in self.unsubscribed(url) if self._subscribe(topic, url)]

    def _subscribe(self, topic: str, url: str) -> bool:
        asked = {"topic": _enum(topic), "hook": render.hook(url)}
        done = self._client.run("Hook", documents.HOOK, asked, changes=True)["webhookSubscriptionCreate"]
        if errors := done["userErrors"]:
            raise Refused("shopify refused a webhook subscription", words=str(errors)[:500], topic=topic)
        return True


def _agreed(errors: Sequence[Mapping[str, Any]], what: str, order: str) -> None:
    """Raises Refused with Shopify's words where it has any."""
    if errors:
        raise Refused(what, words=" ".join(error["message"] for error in errors)[:500], order=order)


def _enum(topic: str) -> str:
    return topic.replace("/", "_").upper()


def _next(page: Mapping[str, Any]) -> str | None:
    return page["pageInfo"]["endCursor"] if page["pageInfo"]["hasNextPage"] else None


def _notice(node: Mapping[str, Any], account: str) -> Notice:
    number, changed = digits(node["id"]), node["updatedAt"]
    payment = PAYMENT.get((node["displayFinancialStatus"] or "").lower(), PaymentStatus.UNKNOWN)
    glance = Glance(payment, node["cancelledAt"] is not None, node["displayFulfillmentStatus"] in ("PARTIALLY_FULFILLED", "FULFILLED"))
    return Notice("poll", f"poll:{number}:{changed}", account=account, order=number, revision=as_datetime(changed), glance=glance)


def _owners(order: dict[str, Any], path: str) -> list[dict[str, Any]]:
    """The objects of the order that hold the connection at the end of `path`."""
    first, _, rest = path.partition(".")
    if not rest:
        return [order]
    held = order[first]
    return list(held["nodes"] if isinstance(held, dict) else held)


def _named(errors: Sequence[Mapping[str, Any]], waiting: Sequence[int]) -> dict[int, Mapping[str, Any]]:
    """The first error of each entry, by its place among all pushes; an error that names none concerns every entry."""
    named: dict[int, Mapping[str, Any]] = {}
    for error in errors:
        at = next((int(step) for step in error["field"] or () if step.isdigit()), None)
        for place in waiting if at is None or at >= len(waiting) else waiting[at : at + 1]:
            named.setdefault(place, error)
    return named


def _failed_before(errors: Sequence[Mapping[str, Any]]) -> bool:
    return any(error["code"] == "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED" for error in errors)


def _answer(push: Push, error: Mapping[str, Any] | None) -> Answer:
    if error is None:
        return Answer(push.listing, push.sku, Told.SHOWN, push.quantity, place=push.place)
    told = TOLD.get(error["code"] or "", Told.REFUSED)
    words = "" if told is Told.STALE else f"{error['code']}: {error['message']}"
    return Answer(push.listing, push.sku, told, words=words, place=push.place)
