"""Amazon as a channel: render, call, normalize."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from connectors.amazon import listings, notices, outbound, past, render
from connectors.amazon.catalogue import PREFIX, Catalogue
from connectors.amazon.client import SKUS, Client, stamp
from connectors.amazon.history import History
from connectors.amazon.paying import Paying
from connectors.amazon.read import need
from connectors.amazon.sending import Sending
from connectors.amazon.shelves import Shelves
from connectors.amazon.tables import MARKETPLACES
from connectors.http import as_datetime, write_json
from core.domain.payouts import Movement, Payout
from core.domain.requests import Request, RequestState, Standing
from core.domain.shelf_moves import ToldDays
from core.domain.shipping import Appeal, Cancelling, CancelReason, Sent
from core.errors import AccessLost, OutcomeUnknown, RateLimited, Refused
from core.ports import Account, Answer, Found, Kit, Name, Notice, Page, Place, Push, Stored, Told

BATCH = 10  # what one SQS call takes
REACH = 1000  # listings that searchListingsItems pages through (its model, 2026-08)
OPEN = ("PENDING_AVAILABILITY", "PENDING", "UNSHIPPED", "PARTIALLY_SHIPPED")
FAR_BACK = frozenset(["A1VC38T7YXB528", "A39IBJ37TRP1C6", "A19VAU5U5O7RUS"])  # JP, AU, SG
SINCE_2016, TWO_YEARS = datetime(2016, 1, 1, tzinfo=UTC), timedelta(days=729)
MILLISECOND = timedelta(milliseconds=1)
FEED = "feed "  # how the words of an accepted push begin; the feed's id follows
DELAYED = "not sent: the budget of this operation is spent"


class AmazonChannel:
    """One seller account in one region. It is a Follows, a Stores, a Shelves, a Confirms, a Cancels, an Appeals, a Fulfills and a Pays
    too."""

    def __init__(self, kit: Kit) -> None:
        self._kit, self._client = kit, Client(kit)
        self._catalogue = Catalogue(kit, self._client)
        self._history = History(kit, self._client)
        self._sending = Sending(kit, self._client)
        self._paying = Paying(kit, self._client)
        self._shelves = Shelves(kit, self._client)

    def probe(self) -> Account:
        """One listing read: proves token, seller id and role."""
        self._client.listings(None, page_size=1)
        place = MARKETPLACES.get(self._client.marketplaces[0])
        name = f"Amazon {place.country}" if place else "Amazon"
        return Account(self._kit.account, name, place.currency if place else "")

    def poll(self, since: datetime, until: datetime, cursor: str | None) -> Page[Notice]:
        """Whole orders by searchOrders. Amazon wants the upper bound `min_age_s` in the past; the cursor keeps that of the first page.
        After several pages comes what changed meanwhile: an order that changes again leaves the window before its page comes."""
        newest = self._kit.clock() - timedelta(seconds=self._kit.settings["min_age_s"])
        if not cursor and newest <= since:
            return Page((), None, since)
        after, before, token = _window(cursor)
        after, before = after or stamp(since), before or stamp(newest)
        answer = self._client.search_orders(after, before, token or None)
        read = [_notice(order, self._kit.account) for order in need(answer, "orders", list)]
        found = sorted(read, key=lambda notice: notice.revision or since)
        return Page(tuple(found), _following(answer, after, before, token, stamp(newest)), _covered(answer, before))

    def reach(self) -> tuple[datetime | None, str]:
        """Two years, but in Japan, Australia and Singapore (Orders, read 2026-11)."""
        if set(self._client.marketplaces) <= FAR_BACK:
            return SINCE_2016, "Amazon gives orders since 2016 here"
        return self._kit.clock() - TWO_YEARS, "Amazon gives orders of the last two years"

    def history(self, since: datetime, until: datetime, cursor: str | None, *, open_only: bool) -> Page[Notice]:
        """Open orders whole, by searchOrders; all of them by report, which names them: what is not known is fetched."""
        if not open_only:
            return self._history.page(since, until, cursor)
        before, _, token = (cursor or "").partition("|")
        upper = min(until - MILLISECOND, self._kit.clock() - timedelta(seconds=self._kit.settings["min_age_s"]))
        if not cursor and upper <= since:
            return Page(())
        answer = self._client.placed_orders(stamp(since), before or stamp(upper), token or None, OPEN)
        found, following = need(answer, "orders", list), _token(answer, "nextToken")
        return Page(
            tuple(_notice(order, self._kit.account) for order in found), f"{before or stamp(upper)}|{following}" if following else None
        )

    def fetch(self, orders: Sequence[str]) -> Mapping[str, bytes | None]:
        """One getOrder each. An order that the budget did not reach is left out: ask for it again."""
        found: dict[str, bytes | None] = {}
        try:
            for order in orders:
                found[order] = _bare(self._client.order(order))
        except RateLimited:
            if not found:
                raise
        return found

    def placed(self, since: datetime, until: datetime, cursor: str | None) -> Page[tuple[datetime, int]]:
        """By reports of 30 days each: searchOrders would need a call for every hundred orders, and three minutes for each."""
        return past.placed(self._kit, self._client, since, until, cursor)

    def receive(self) -> Sequence[Notice]:
        """ORDER_CHANGE notices from the queue, at most `queue_calls` times ten; empty without a queue."""
        found: list[Notice] = []
        for _ in range(self._kit.settings["queue_calls"] if self._kit.settings["queue_url"] else 0):
            messages = self._client.messages()
            found += [notices.notice(message) for message in messages]
            if len(messages) < BATCH:
                break
        return found

    def acknowledge(self, receipts: Sequence[str]) -> None:
        for start in range(0, len(receipts), BATCH):
            self._client.delete_messages(receipts[start : start + BATCH])

    def listings(self, cursor: str | None) -> Page[Found]:
        """By searchListingsItems, or by one report a marketplace where there are more of them than it reaches."""
        if cursor and cursor.startswith(PREFIX):
            return self._catalogue.page(cursor)
        answer = self._client.listings(cursor)
        if cursor is None and need(answer, "numberOfResults", int) > min(self._kit.settings["report_from"], REACH):
            return self.export()
        prefix, places = self._kit.settings["fba_prefix"], self._client.marketplaces
        return Page(tuple(listings.found(item, places, prefix) for item in need(answer, "items", list)), _token(answer, "nextToken"))

    def export(self) -> Page[Found]:
        """Begins to read everything by report, however small it is; `listings` goes on with the cursor."""
        return Page((), self._catalogue.begin())

    def places(self) -> Sequence[Place]:
        """None: merchant-fulfilled stock is one number a SKU."""
        return ()

    def show(self, pushes: Sequence[Push], key: str) -> Sequence[Answer]:
        """Small sets by PATCH, larger ones by feed; both are ACCEPTED and read back later. Quantities are absolute, so a repeated
        call does no harm and `key` is not needed. FBA listings are never written: DEFAULT would make them merchant-fulfilled.
        Once the budget is spent, the rest is answered STALE: nothing was written, ask again."""
        ours = [push for push in pushes if listings.is_ours(push)]
        told = self._feed(ours) if len(ours) >= self._kit.settings["feed_from"] else self._patch(ours)
        known = {(answer.listing, answer.sku): answer for answer in told}
        return [known.get((push.listing, push.sku)) or _answer(push, Told.REFUSED, listings.FBA) for push in pushes]

    def _feed(self, pushes: Sequence[Push]) -> list[Answer]:
        """`words` name the feed, for `follow`."""
        feed = self._client.feed(render.feed(pushes, self._kit.account, self._kit.settings["product_type"]))
        return [_answer(push, Told.ACCEPTED, FEED + feed) for push in pushes]

    def _patch(self, pushes: Sequence[Push]) -> list[Answer]:
        told: list[Answer] = []
        try:
            for push in pushes:
                told.append(self._patched(push))
        except RateLimited:
            if not told:
                raise
        return told + [_answer(push, Told.STALE, DELAYED) for push in pushes[len(told) :]]

    def _patched(self, push: Push) -> Answer:
        try:
            answer = self._client.patch(push.sku, render.patch(push, self._kit.settings["product_type"]))
        except AccessLost:
            raise
        except Refused as error:
            return _answer(push, Told.GONE if error.facts.get("status") == 404 else Told.REFUSED, error.words)
        if need(answer, "status", str, OutcomeUnknown) == "ACCEPTED":
            return _answer(push, Told.ACCEPTED)
        return _answer(push, Told.REFUSED, listings.issues(answer))

    def shown(self, pushes: Sequence[Push]) -> Mapping[Name, int | None]:
        """Twenty listings a call; one alone, or with a comma in its SKU, by itself. A push that the budget did not reach is left out."""
        found: dict[Name, int | None] = {}
        try:
            for group in _groups(pushes):
                found |= self._shown(group)
        except RateLimited:
            if not found:
                raise
        return found

    def _shown(self, group: Sequence[Push]) -> dict[Name, int | None]:
        levels = {item.get("sku"): listings.shown(item) for item in self._items([push.sku for push in group])}
        return {push.name: levels.get(push.sku) for push in group}

    def _items(self, skus: Sequence[str]) -> list[Any]:
        if len(skus) > 1:
            return need(self._client.listings(None, page_size=SKUS, names=skus), "items", list)
        item = self._client.listing(skus[0])
        return [item] if item else []

    def follow(self, accepted: Mapping[str, Sequence[Push]]) -> Sequence[Answer]:
        """What Amazon's reports refuse of feeds. A single PATCH says so at once, so there is nothing to follow."""
        feeds = [(words.removeprefix(FEED), pushes) for words, pushes in accepted.items() if words.startswith(FEED)]
        return [answer for feed, pushes in feeds for answer in self._followed(feed, pushes)]

    def _followed(self, feed: str, pushes: Sequence[Push]) -> list[Answer]:
        try:
            refused = self.feed_result(feed)
        except RateLimited:
            refused = None
        except AccessLost:
            raise
        except Refused as error:
            undone = error.facts.get("status") == 404 or error.facts.get("state") == "CANCELLED"  # nothing was refused: it is read back
            return [] if undone else [_answer(push, Told.REFUSED, str(error)) for push in pushes]
        if refused is None:
            return [_answer(push, Told.ACCEPTED, FEED + feed) for push in pushes]
        said = [(push, refused.get(push.sku) or refused.get("")) for push in pushes]  # words without a SKU are about the whole feed
        return [_answer(push, Told.REFUSED, words) for push, words in said if words]

    def feed_result(self, feed: str) -> Mapping[str, str] | None:
        """What Amazon refused of a feed, its words by SKU; None while it is not done. Raises Refused when the whole feed failed."""
        state = self._client.feed_state(feed)
        match need(state, "processingStatus", str):
            case "IN_QUEUE" | "IN_PROGRESS":
                return None
            case "DONE":
                return listings.refusals(self._client.feed_report(need(state, "resultFeedDocumentId", str)))
            case other:
                raise Refused("Amazon did not work off the feed", feed=feed, state=other)

    def stored(self, cursor: str | None) -> Page[Stored]:
        """What Amazon's warehouses hold for the first marketplace, fifty SKUs a page; the token lives 30 seconds."""
        answer = self._client.fba(cursor)
        return Page(tuple(listings.stored(answer)), _token(answer, "nextToken"))

    def shelf_moves(self, since: date, until: date, cursor: str | None) -> Page[ToldDays]:
        return self._shelves.page(since, until, cursor)

    def confirm(self, sent: Sent) -> str:
        return self._sending.confirm(sent)

    def confirmed(self, sent: Sent) -> str | None:
        return self._sending.confirmed(sent)

    def cancel(self, order: str, reason: CancelReason, key: str, *, restock: bool) -> Cancelling:
        """Amazon knows neither `key` nor `restock`: what is on sale is ours to write."""
        return self._sending.cancel(order, reason)

    def cancelling(self, order: str, key: str) -> Cancelling:
        return self._sending.cancelling(order)

    def appeals(self, order: str) -> Sequence[Appeal]:
        return self._sending.appeals(order)

    def answer(self, order: str, appeal: Appeal, *, agree: bool, sent: Sent | None = None) -> None:
        self._sending.answer(order, agree=agree)

    def payouts(self, since: datetime, cursor: str | None) -> Page[Payout]:
        return self._paying.payouts(since, cursor)

    def movements(self, payout: Payout, cursor: str | None) -> Page[Movement]:
        return self._paying.movements(payout, cursor)

    def unpaid(self, since: datetime, cursor: str | None) -> Page[Movement]:
        return self._paying.unpaid(since, cursor)

    def fulfill(self, wish: Request, key: str) -> None:
        features = str(self._kit.settings["fulfill_features"]).split() if wish.blank else []
        self._client.send_for_us(outbound.order(wish, key, self._client.marketplaces[0], features))

    def fulfilling(self, key: str) -> Standing | None:
        answer = self._client.sent_for_us(key)
        return None if answer is None else outbound.standing(answer)

    def call_back(self, key: str) -> Cancelling:
        """What is being packed is not called back: it stands."""
        try:
            self._client.call_back(key)
        except AccessLost:
            raise
        except Refused as error:
            if error.facts.get("status") not in (400, 404):
                raise
            found = self.fulfilling(key)
            return Cancelling.DONE if found is None or found.state is RequestState.WITHDRAWN else Cancelling.NOT_CANCELLED
        return Cancelling.ASKED


def _answer(push: Push, told: Told, words: str = "") -> Answer:
    return Answer(push.listing, push.sku, told, words=words)


def _groups(pushes: Sequence[Push]) -> list[Sequence[Push]]:
    plain = [push for push in pushes if "," not in push.sku]
    groups: list[Sequence[Push]] = [plain[start : start + SKUS] for start in range(0, len(plain), SKUS)]
    return groups + [[push] for push in pushes if "," in push.sku]


def _notice(order: Any, account: str) -> Notice:
    """An order as a notice with body; what cannot be read is still a notice, so that it is parked where people see it."""
    body, raw = write_json(order), order if isinstance(order, dict) else {}
    id_ = raw.get("orderId")
    try:
        revision = as_datetime(raw.get("lastUpdatedTime"))
    except (TypeError, ValueError):
        revision = None
    delivery = hashlib.sha256(body).hexdigest()[:40]
    return Notice("searchOrders", delivery, account=account, order=id_ if isinstance(id_, str) else None, revision=revision, body=body)


def _token(answer: Any, name: str) -> str | None:
    return (answer.get("pagination") or {}).get(name) or None


def _window(cursor: str | None) -> tuple[str, str, str]:
    """The window that a poll reads now, and the token of its next page; empty where it begins."""
    window, _, token = (cursor or "").partition("|")
    before, _, after = window.partition(">")
    return after, before, token


def _following(answer: Any, after: str, before: str, token: str, newest: str) -> str | None:
    """The cursor after a poll's page: more of its window, or what changed since that window's end; None where one page was all."""
    if following := _token(answer, "nextToken"):
        return f"{before}>{after}|{following}"
    return f">{before}|" if token and before < newest else None


def _covered(answer: Any, before: str) -> datetime:
    return as_datetime(answer.get("lastUpdatedBefore") or before)


def _bare(answer: Any | None) -> bytes | None:
    return None if answer is None else write_json(need(answer, "order", dict))
