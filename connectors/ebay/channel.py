"""eBay as a channel: render -> client -> normalize."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from connectors.ebay import reading, render
from connectors.ebay.client import Client, rows, trading_words
from connectors.ebay.paying import Paying
from connectors.ebay.sending import Sending
from connectors.http import as_datetime, write_json
from core.domain.payouts import Movement, Payout
from core.domain.promise import Uncovered
from core.domain.shipping import Appeal, Cancelling, CancelReason, Sent
from core.errors import BadPayload, RateLimited, Refused
from core.ports import Account, Answer, Found, Kit, Name, Notice, Page, Place, Push, Told

CURRENCY = {"EBAY_US": "USD", "EBAY_GB": "GBP", "EBAY_AU": "AUD", "EBAY_CA": "CAD", "EBAY_CH": "CHF", "EBAY_PL": "PLN"}
EURO = frozenset(["EBAY_DE", "EBAY_FR", "EBAY_IT", "EBAY_ES", "EBAY_AT", "EBAY_BE", "EBAY_IE", "EBAY_NL"])
DAY = timedelta(days=1)
BEGIN: Mapping[str, Any] = {"offset": 0, "total": None}  # of a list of orders
LOOKUPS = 25  # SKUs in one bulkGetInventoryItem; and offers looked up for one page
APIS = frozenset(["inventory", "trading"])
LONGEST = 50  # letters of a SKU that the Inventory API takes
ON_SALE = frozenset(["ACTIVE", "OUT_OF_STOCK"])
GONE = frozenset(["17", "291", "1047", "21916750"])  # Trading: cannot be accessed, ended, closed, ended fixed price
NOT_FOUND = frozenset([25702, 25710, 25713])  # Inventory: no such SKU, entity, offer
SOLD_BY_BID = frozenset(["Chinese"])


class EbayChannel:
    """One seller account."""

    def __init__(self, kit: Kit, client: Client) -> None:
        self._kit = kit
        self._client = client
        self._sending, self._paying = Sending(kit, client), Paying(kit, client)
        self._known_offers: dict[tuple[str, str], str] = {}  # by item and SKU

    def probe(self) -> Account:
        user = self._client.user()
        name = user.get("username") or user.get("userId")
        if not isinstance(name, str):
            raise BadPayload("ebay user: username: missing")
        return Account(name, name, _currency(str(user.get("registrationMarketplaceId") or "")))

    # Orders

    def poll(self, since: datetime, until: datetime, cursor: str | None) -> Page[Notice]:
        """Orders that changed since then, up to now: one page is all of them at one moment. Where there are more, they are read up to
        `until`, and then those that changed after it. Should orders leave a window while we page (they changed again), the rest moves up by
        as many places: then we step back by that many, and see some twice rather than one never."""
        at: dict[str, Any] = json.loads(cursor) if cursor else {**BEGIN, "since": max(since, self._earliest()).isoformat()}
        begin, now = as_datetime(at.get("since") or since.isoformat()), self._kit.clock()
        page = self._page(render.window(begin, as_datetime(at["until"]) if at.get("until") else None), at)
        items = tuple(sorted(page.items, key=lambda notice: notice.revision or since))
        return Page(items, _going_on(at, page.cursor, begin, now if at.get("after") else min(until, now)), until)

    def _page(self, window: str, at: Mapping[str, Any]) -> Page[Notice]:
        said = self._client.orders(window, at["offset"])
        found = said.get("orders") or []
        return Page(tuple(self._notice(one) for one in found), _next(at, len(found), said.get("total")))

    def _earliest(self) -> datetime:
        return self._kit.clock() - timedelta(days=float(self._kit.settings["reach_days"]))

    def reach(self) -> tuple[datetime | None, str]:
        return self._earliest(), "eBay gives orders of the last two years"

    def history(self, since: datetime, until: datetime, cursor: str | None, *, open_only: bool) -> Page[Notice]:
        """As `poll`, by the day on which orders were made. Those that are sent or cancelled leave the open ones while we page: then we
        step back as there."""
        since, until = max(since, self._earliest()), min(until, self._kit.clock())
        at = json.loads(cursor) if cursor else BEGIN
        return self._page(render.placed(since, until, open_only=open_only), at) if since < until else Page(())

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
        """One getOrder each, and its shipments where they tell more. What the budget did not reach is left out: ask for it again. An
        unpaid order may have got another id since; then eBay answers with the new order, which is told under its own."""
        found: dict[str, bytes | None] = {}
        try:
            for number in dict.fromkeys(orders):
                now, body = self._whole(number)
                found |= {number: None, now: body}
        except RateLimited:
            if not found:
                raise
        return found

    def _whole(self, number: str) -> tuple[str, bytes | None]:
        """(the id it has now, the order)."""
        document = self._client.order(number)
        if document is None:
            return number, None
        now, started = str(document.get("orderId") or number), document.get("orderFulfillmentStatus") == "IN_PROGRESS"
        return now, write_json(render.with_shipments(document, self._client.shipments(now) if started else None))

    def placed(self, since: datetime, until: datetime, cursor: str | None) -> Page[tuple[datetime, int]]:
        """One day a page."""
        begin = as_datetime(cursor) if cursor else since
        end = min(begin + DAY, until)
        count = self._client.count(render.placed(begin, end))
        if not isinstance(count, int):
            raise BadPayload("ebay orders: total: missing")
        return Page(((begin, count),), end.isoformat() if end < until else None)

    def receive(self) -> Sequence[Notice]:
        return ()

    def acknowledge(self, receipts: Sequence[str]) -> None:
        """eBay has no queue."""

    # What leaves

    def confirm(self, sent: Sent) -> str:
        return self._sending.confirm(sent)

    def confirmed(self, sent: Sent) -> str | None:
        return self._sending.confirmed(sent)

    def cancel(self, order: str, reason: CancelReason, key: str, *, restock: bool) -> Cancelling:
        """eBay knows neither `key` nor `restock`; it pays the buyer back by itself."""
        return self._sending.cancel(order, reason)

    def cancelling(self, order: str, key: str) -> Cancelling:
        return self._sending.cancelling(order)

    def appeals(self, order: str) -> Sequence[Appeal]:
        return self._sending.appeals(order)

    def answer(self, order: str, appeal: Appeal, *, agree: bool, sent: Sent | None = None) -> None:
        self._sending.answer(order, appeal, agree=agree, sent=sent)

    # What is paid out

    def payouts(self, since: datetime, cursor: str | None) -> Page[Payout]:
        return self._paying.payouts(since, cursor)

    def movements(self, payout: Payout, cursor: str | None) -> Page[Movement]:
        return self._paying.movements(payout, cursor)

    def unpaid(self, since: datetime, cursor: str | None) -> Page[Movement]:
        return self._paying.unpaid(since, cursor)

    def signing_key(self) -> None:
        """Have a key for the calls that sellers in the EU and the UK sign."""
        self._client.signing_key()

    # Listings

    def listings(self, cursor: str | None) -> Page[Found]:
        """Active listings of every origin, as Trading lists them; those whose SKU is an inventory item say so. Then those of the
        Inventory API that the list left out. A page may be empty: the first ones only learn which SKUs are inventory items."""
        at = reading.position(cursor)
        match at["step"]:
            case reading.RECORDS:
                return self._records(at)
            case reading.LISTED:
                return self._listed(at)
        return self._unlisted(at)

    def _records(self, at: Mapping[str, Any]) -> Page[Found]:
        said = self._client.records(at["page"])
        reading.remembered(at).keep(at, said, (str(record["sku"]) for record in _records(said)))
        if said.get("next"):
            return Page((), json.dumps(reading.more(at)))
        return self._listed(reading.listed(at, self._kit.clock(), timedelta(days=float(self._kit.settings["listings_reach_days"]))))

    def _listed(self, at: Mapping[str, Any]) -> Page[Found]:
        said = self._client.listed(at["from"], at["until"], at["page"])
        items = rows((said.get("ItemArray") or {}).get("Item"))
        goods = [found for item in items if _is_active(item) and item["ItemID"] not in at["had"] for found in _goods(item)]
        read = reading.remembered(at)
        owned, has_all = self._owned(read, [found.sku for found in goods if found.sku]), read.follow(at)
        found = tuple(_by_inventory(one) if one.sku in owned and one.writable is None else one for one in goods)
        if said.get("HasMoreItems") == "true":
            return Page(found, json.dumps(reading.after(at, [(str(item["ItemID"]), _end(item)) for item in items])))
        return Page(found, self._left_out(at, read, has_all))

    def _owned(self, read: reading.Read, skus: Sequence[str]) -> set[str]:
        """Those that are inventory items: by the list of these, or where that was not read here, asked for."""
        owned = {sku for sku in skus if sku in read.shown}
        owned |= set() if read.whole else self.inventory_items([sku for sku in skus if sku not in owned])
        read.saw(owned)
        return owned

    def inventory_items(self, skus: Sequence[str]) -> set[str]:
        """Which of these SKUs the Inventory API has, 25 a call."""
        asked = reading.chunks((sku for sku in skus if len(sku) <= LONGEST), LOOKUPS)
        return {str(row["sku"]) for part in asked for row in self._client.stock_records(part) if row.get("statusCode") == 200}

    def _left_out(self, at: Mapping[str, Any], read: reading.Read, has_all: bool) -> str | None:
        """The cursor after Trading's list: the inventory items once more, unless all of them were on it. Where another process read
        some of the pages, they are all read once more first: that is cheaper than to look up each item that it saw."""
        if not read.is_done and (has_all or at["again"]):
            return json.dumps(reading.unlisted(at))
        read.over = True
        return None if read.is_done else json.dumps(reading.beginning(again=True))

    def _unlisted(self, at: Mapping[str, Any]) -> Page[Found]:
        """Inventory items that were on no page of the list: where their offers are on sale, their listings come too."""
        page, said = at["page"], self._client.records(at["page"])
        records, read = _records(said), reading.remembered(at)
        strange = [row for row in range(at["row"], len(records)) if not read.shown.get(records[row]["sku"])]
        found = tuple(found for row in strange[:LOOKUPS] for found in self._offered(records[row]))
        if len(strange) > LOOKUPS:
            return Page(found, json.dumps(reading.unlisted(at, page, strange[LOOKUPS])))
        if said.get("next"):
            return Page(found, json.dumps(reading.unlisted(at, page + 1)))
        read.over = True
        return Page(found)

    def _offered(self, record: Mapping[str, Any]) -> list[Found]:
        """The active listings of an inventory item's offers. Of one that is a variation, only the listing tells the variation's id."""
        sku = str(record["sku"])
        offers = [offer for offer in self._client.offers(sku) if _is_on_sale(offer)]
        if not (record.get("groupIds") or record.get("inventoryItemGroupKeys")):
            return [_by_offer(record, offer) for offer in offers]
        items = [found for offer in offers for found in self._item(_item_of(offer))]
        return [_by_inventory(found) for found in items if found.sku == sku and found.writable is None]

    def places(self) -> Sequence[Place]:
        return ()

    # Stock

    def show(self, pushes: Sequence[Push], key: str) -> Sequence[Answer]:
        """Absolute quantities, so the same key may come again: writing twice has one effect."""
        told: dict[tuple[str, str], Answer] = {}
        known = {_name(push) for push in pushes} & self._known_offers.keys()
        ours, theirs = self._ways(pushes, told)
        for part in render.chunks(ours, int(self._kit.settings["entries_per_call"])):
            told.update(_named(self._show_inventory(part)))
        for part in render.chunks(theirs, int(self._kit.settings["trading_entries_per_call"])):
            told.update(_named(self._show_trading(part)))
        return [self._checked(push, told[push.listing, push.sku], _name(push) in known) for push in pushes]

    def _ways(self, pushes: Sequence[Push], told: dict[tuple[str, str], Answer]) -> tuple[list[Push], list[Push]]:
        """Pushes by offers, and pushes by items; what goes neither way is answered at once."""
        ours, theirs = [], []
        for push in pushes:
            try:
                offer = self._offer(push)
            except Refused as error:
                if error.facts.get("status") != 400:
                    raise
                told[push.listing, push.sku] = _answer(push, Told.REFUSED, error.words)
                continue
            if offer:
                ours.append(replace(push, handle={**push.handle, "offer": offer}))
            elif push.handle["api"] in APIS:
                theirs.append(push)
            else:
                told[push.listing, push.sku] = _answer(push, Told.REFUSED, "an unknown handle")
        return ours, theirs

    def _offer(self, push: Push) -> str | None:
        """The offer that is this very listing, looked up when it is first needed; None: the listing is not the Inventory API's, even
        where its SKU is."""
        if push.handle["api"] != "inventory":
            return None
        if _name(push) not in self._known_offers:
            offers = self._client.offers(push.sku)
            self._known_offers.update(((_item_of(offer), push.sku), str(offer["offerId"])) for offer in offers if _item_of(offer))
        return self._known_offers.get(_name(push))

    def _checked(self, push: Push, answer: Answer, known: bool) -> Answer:
        """Where an offer that we knew is gone, the listing may have another one: to be read and told again, before it is given up."""
        if answer.told is Told.GONE:
            self._known_offers.pop(_name(push), None)
        return replace(answer, told=Told.STALE) if answer.told is Told.GONE and known else answer

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

    def shown(self, pushes: Sequence[Push]) -> Mapping[Name, int | None]:
        items = dict.fromkeys(push.handle["item"] for push in pushes)
        now = {(found.listing.partition("/")[0], found.sku): found.shown for item in items for found in self._item(item)}
        return {push.name: now.get((push.handle["item"], push.sku)) for push in pushes}

    def _item(self, number: str) -> list[Found]:
        item = self._client.item(number)
        return list(_goods(item)) if item and _is_active(item) else []


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


def _going_on(at: Mapping[str, Any], following: str | None, since: datetime, until: datetime) -> str | None:
    """The cursor after a poll's page: more of its window, or once what changed since that window's end; None where one page was all."""
    ended = at.get("until") or max(since, until).isoformat()
    if following:
        return json.dumps({**json.loads(following), "since": since.isoformat(), "until": ended, "after": at.get("after")})
    return json.dumps({**BEGIN, "since": ended, "after": True}) if at.get("until") and not at.get("after") else None


def _is_whole(document: Mapping[str, Any]) -> bool:
    cancel = document["cancelStatus"]["cancelState"]
    return bool(cancel == "NONE_REQUESTED" and document["orderFulfillmentStatus"] != "IN_PROGRESS")


def _goods(item: Mapping[str, Any]) -> Iterator[Found]:
    """A Trading item as what can be bought: itself, or each of its variations."""
    number, title = str(item["ItemID"]), str(item.get("Title") or "")
    variations = rows((item.get("Variations") or {}).get("Variation"))
    if not variations:
        why = "an auction is not stock" if item.get("ListingType") in SOLD_BY_BID else None
        left_out = Uncovered.AUCTION.value if why else None
        yield Found(number, str(item.get("SKU") or ""), title, _left(item), {"api": "trading", "item": number}, why, uncovered=left_out)
    for variation in variations:
        sku = str(variation.get("SKU") or "")
        why = None if sku else "a variation without a SKU cannot be named"
        left_out = Uncovered.NAMELESS.value if why else None
        yield Found(
            _variation_id(number, variation), sku, title, _left(variation), {"api": "trading", "item": number}, why, uncovered=left_out
        )


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


def _is_active(item: Mapping[str, Any]) -> bool:
    return _status(item) in ("", "Active")


def _end(item: Mapping[str, Any]) -> str:
    return str((item.get("ListingDetails") or {}).get("EndTime"))


def _records(said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [record for record in said.get("inventoryItems") or [] if record.get("sku")]


def _item_of(offer: Mapping[str, Any]) -> str:
    """The listing that an offer is; none for a draft."""
    return str((offer.get("listing") or {}).get("listingId") or "")


def _is_on_sale(offer: Mapping[str, Any]) -> bool:
    return bool(_item_of(offer)) and offer["listing"].get("listingStatus") in ON_SALE


def _by_offer(record: Mapping[str, Any], offer: Mapping[str, Any]) -> Found:
    """A listing without variations as the Inventory API tells it. It shows the lesser of the two figures."""
    stock = ((record.get("availability") or {}).get("shipToLocationAvailability") or {}).get("quantity")
    told = [int(one) for one in (stock, offer.get("availableQuantity")) if one is not None]
    title, item = str((record.get("product") or {}).get("title") or ""), _item_of(offer)
    return Found(item, str(record["sku"]), title, min(told, default=None), {"api": "inventory", "item": item})


def _by_inventory(found: Found) -> Found:
    return replace(found, handle={**found.handle, "api": "inventory"})


def _name(push: Push) -> tuple[str, str]:
    return (str(push.handle.get("item")), push.sku)


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
