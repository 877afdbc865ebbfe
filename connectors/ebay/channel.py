"""eBay as a channel: render -> client -> normalize."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from connectors.ebay import render
from connectors.ebay.client import Client, rows, trading_words
from connectors.http import as_datetime, write_json
from core.errors import BadPayload, RateLimited, Refused
from core.ports import Account, Answer, Found, Kit, Notice, Page, Place, Push, Told

CURRENCY = {"EBAY_US": "USD", "EBAY_GB": "GBP", "EBAY_AU": "AUD", "EBAY_CA": "CAD", "EBAY_CH": "CHF", "EBAY_PL": "PLN"}
EURO = frozenset(["EBAY_DE", "EBAY_FR", "EBAY_IT", "EBAY_ES", "EBAY_AT", "EBAY_BE", "EBAY_IE", "EBAY_NL"])
LOOKUPS = 25  # SKUs in one bulkGetInventoryItem
GONE = frozenset(["17", "291", "1047", "21916750"])  # Trading: cannot be accessed, ended, closed, ended fixed price
NOT_FOUND = frozenset([25702, 25710, 25713])  # Inventory: no such SKU, entity, offer
SOLD_BY_BID = frozenset(["Chinese"])


class EbayChannel:
    """One seller account."""

    def __init__(self, kit: Kit, client: Client) -> None:
        self._kit = kit
        self._client = client

    def probe(self) -> Account:
        user = self._client.user()
        name = user.get("username") or user.get("userId")
        if not isinstance(name, str):
            raise BadPayload("ebay user: username: missing")
        return Account(name, name, _currency(str(user.get("registrationMarketplaceId") or "")))

    # Orders

    def poll(self, since: datetime, until: datetime, cursor: str | None) -> Page[Notice]:
        """Orders that changed in the window. Should orders leave it while we page (they changed again), the rest moves
        up by as many places: then we step back by that many, and see some twice rather than one never."""
        at: dict[str, Any] = json.loads(cursor) if cursor else {"offset": 0, "total": None}
        reach = self._kit.clock() - timedelta(days=float(self._kit.settings["reach_days"]))
        window = render.window(max(since, reach), min(until, self._kit.clock()))
        said = self._client.orders(window, at["offset"])
        found = said.get("orders") or []
        items = sorted((self._notice(one) for one in found), key=lambda notice: notice.revision or since)
        return Page(tuple(items), _next(at, len(found), said.get("total")), until)

    def _notice(self, document: Any) -> Notice:
        """An order in its list's form; without a body where only its own address tells all (shipments, cancel requests)."""
        body = write_json(document)
        try:
            number, changed = str(document["orderId"]), document["lastModifiedDate"]
            revision, whole = as_datetime(changed), _is_whole(document)
        except (KeyError, TypeError, ValueError):
            return Notice("getOrders", sha256(body).hexdigest(), account=self._kit.account, body=body)
        return Notice(
            "getOrders", f"{number}@{changed}", account=self._kit.account, order=number, revision=revision, body=body if whole else None
        )

    def fetch(self, orders: Sequence[str]) -> Mapping[str, bytes | None]:
        """One getOrder each, and its shipments where they tell more. What the budget did not reach is left out: ask for it again."""
        found: dict[str, bytes | None] = {}
        try:
            for number in dict.fromkeys(orders):
                found[number] = self._whole(number)
        except RateLimited:
            if not found:
                raise
        return found

    def _whole(self, number: str) -> bytes | None:
        document = self._client.order(number)
        if document is None:
            return None
        started = document.get("orderFulfillmentStatus") == "IN_PROGRESS"
        return write_json(render.with_shipments(document, self._client.shipments(number) if started else None))

    def receive(self) -> Sequence[Notice]:
        return ()

    def acknowledge(self, receipts: Sequence[str]) -> None:
        """eBay has no queue."""

    # Listings

    def listings(self, cursor: str | None) -> Page[Found]:
        """Active listings of every origin, as Trading lists them; those with an offer of the Inventory API are written there."""
        page = int(cursor or 1)
        active = self._client.selling(page)
        goods = [one for item in rows((active.get("ItemArray") or {}).get("Item")) for one in _goods(item)]
        offers = self._offers([found.sku for found in goods if found.sku and found.writable is None])
        last = int((active.get("PaginationResult") or {}).get("TotalNumberOfPages") or 1)
        items = tuple(_with_offer(found, offers) for found in goods)
        return Page(items, str(page + 1) if page < last else None)

    def _offers(self, skus: Sequence[str]) -> dict[tuple[str, str], str]:
        """Offer ids by (item, SKU), of those SKUs that the Inventory API knows."""
        unique = list(dict.fromkeys(skus))
        parts = (unique[start : start + LOOKUPS] for start in range(0, len(unique), LOOKUPS))
        known = [str(row["sku"]) for part in parts for row in self._client.stock_records(part) if row.get("statusCode") == 200]
        return {
            (str(offer["listing"]["listingId"]), sku): str(offer["offerId"])
            for sku in known
            for offer in self._client.offers(sku)
            if (offer.get("listing") or {}).get("listingId")
        }

    def places(self) -> Sequence[Place]:
        return ()

    # Stock

    def show(self, pushes: Sequence[Push], key: str) -> Sequence[Answer]:
        """Absolute quantities, so the same key may come again: writing twice has one effect."""
        told: dict[tuple[str, str], Answer] = {}
        settings = self._kit.settings
        ours = [push for push in pushes if push.handle["api"] == "inventory"]
        for part in render.chunks(ours, int(settings["entries_per_call"])):
            told.update(_named(self._show_inventory(part)))
        theirs = [push for push in pushes if push.handle["api"] == "trading"]
        for part in render.chunks(theirs, int(settings["trading_entries_per_call"])):
            told.update(_named(self._show_trading(part)))
        return [told.get((push.listing, push.sku)) or _answer(push, Told.REFUSED, "an unknown handle") for push in pushes]

    def _show_inventory(self, pushes: Sequence[Push]) -> list[Answer]:
        """Where eBay refuses the whole call, each entry goes alone: the bad one shows itself."""
        try:
            said = self._client.set_quantities([render.quantity(push) for push in pushes])
        except Refused as error:
            if error.facts.get("status") not in (400, 404):
                raise
            if len(pushes) > 1:
                return [answer for push in pushes for answer in self._show_inventory([push])]
            return [_answer(pushes[0], Told.GONE if error.facts["status"] == 404 else Told.REFUSED, error.words)]
        return [_judged(push, [row for row in said if _is_of(row, push)]) for push in pushes]

    def _show_trading(self, pushes: Sequence[Push]) -> list[Answer]:
        said = self._client.revise([render.status(push) for push in pushes])
        done = {(str(row.get("ItemID")), str(row.get("SKU") or "")): row for row in rows(said.get("InventoryStatus"))}
        if said.get("Ack") in ("Success", "Warning"):
            return [_answer(push, Told.SHOWN) for push in pushes]
        if len(pushes) == 1:
            return [_answer(pushes[0], _why(said), trading_words(said))]
        left = [push for push in pushes if said.get("Ack") == "Failure" or (push.handle["item"], push.sku) not in done]
        shown = [_answer(push, Told.SHOWN) for push in pushes if push not in left]
        return shown + [answer for push in left for answer in self._show_trading([push])]

    def shown(self, pushes: Sequence[Push]) -> Mapping[tuple[str, str], int | None]:
        items = dict.fromkeys(push.handle["item"] for push in pushes)
        now = {(found.listing.partition("/")[0], found.sku): found.shown for item in items for found in self._item(item)}
        return {(push.listing, push.sku): now.get((push.handle["item"], push.sku)) for push in pushes}

    def _item(self, number: str) -> list[Found]:
        item = self._client.item(number)
        return list(_goods(item)) if item and _status(item) in ("", "Active") else []


def _currency(site: str) -> str:
    return "EUR" if site in EURO else CURRENCY.get(site, "")


def _next(at: Mapping[str, Any], count: int, total: Any) -> str | None:
    """The cursor after this page; None at the end."""
    if not isinstance(total, int):
        raise BadPayload("ebay orders: total: not a number")
    offset, before = int(at["offset"]), at["total"]
    gone = before - total if isinstance(before, int) and before > total else 0
    following = max(0, offset - gone) if gone else offset + count
    more = bool(gone) if gone else bool(count) and following < total
    return json.dumps({"offset": following, "total": total}) if more else None


def _is_whole(document: Mapping[str, Any]) -> bool:
    cancel = document["cancelStatus"]["cancelState"]
    return bool(cancel == "NONE_REQUESTED" and document["orderFulfillmentStatus"] != "IN_PROGRESS")


def _goods(item: Mapping[str, Any]) -> Iterator[Found]:
    """A Trading item as what can be bought: itself, or each of its variations."""
    number, title = str(item["ItemID"]), str(item.get("Title") or "")
    variations = rows((item.get("Variations") or {}).get("Variation"))
    if not variations:
        why = "an auction is not stock" if item.get("ListingType") in SOLD_BY_BID else None
        yield Found(number, str(item.get("SKU") or ""), title, _left(item), {"api": "trading", "item": number}, why)
    for variation in variations:
        sku = str(variation.get("SKU") or "")
        why = None if sku else "a variation without a SKU cannot be named"
        yield Found(_variation_id(number, variation), sku, title, _left(variation), {"api": "trading", "item": number}, why)


def _variation_id(number: str, variation: Mapping[str, Any]) -> str:
    """No call tells legacyVariationId; the address of the variation holds it as `var` (seen 2026). Without it: the item."""
    from connectors.ebay.client import query_of

    found = query_of(str(variation.get("VariationViewItemURL") or ""), "var")
    return f"{number}/{found}" if found else number


def _left(goods: Mapping[str, Any]) -> int | None:
    """What is on sale: told as QuantityAvailable, else what was ever offered less what was sold."""
    sold = (goods.get("SellingStatus") or {}).get("QuantitySold") or 0
    if goods.get("QuantityAvailable") is not None:
        return int(goods["QuantityAvailable"])
    return None if goods.get("Quantity") is None else int(goods["Quantity"]) - int(sold)


def _status(item: Mapping[str, Any]) -> str:
    return str((item.get("SellingStatus") or {}).get("ListingStatus") or "")


def _with_offer(found: Found, offers: Mapping[tuple[str, str], str]) -> Found:
    item = found.handle["item"]
    offer = offers.get((item, found.sku))
    handle = {"api": "inventory", "item": item, "offer": offer} if offer else found.handle
    return Found(found.listing, found.sku, found.title, found.shown, handle, found.writable)


def _named(answers: Sequence[Answer]) -> dict[tuple[str, str], Answer]:
    return {(answer.listing, answer.sku): answer for answer in answers}


def _answer(push: Push, told: Told, words: str = "") -> Answer:
    return Answer(push.listing, push.sku, told, push.quantity if told is Told.SHOWN else None, words)


def _is_of(row: Mapping[str, Any], push: Push) -> bool:
    return row.get("offerId") == push.handle["offer"] or (not row.get("offerId") and row.get("sku") == push.sku)


def _judged(push: Push, said: Sequence[Mapping[str, Any]]) -> Answer:
    """Shown when every row about it says so; nothing said of it: to be read back."""
    bad = [row for row in said if not 200 <= int(row.get("statusCode") or 0) < 300]
    if not bad:
        return _answer(push, Told.SHOWN if said else Told.ACCEPTED)
    errors = [error for row in bad for error in row.get("errors") or []]
    gone = any(row.get("statusCode") == 404 for row in bad) or any(error.get("errorId") in NOT_FOUND for error in errors)
    words = "; ".join(str(error.get("longMessage") or error.get("message") or "") for error in errors)[:500]
    return _answer(push, Told.GONE if gone else Told.REFUSED, words)


def _why(said: Mapping[str, Any]) -> Told:
    codes = {str(error.get("ErrorCode")) for error in rows(said.get("Errors"))}
    return Told.GONE if codes & GONE else Told.REFUSED
