"""Calls to Amazon, and nothing else: python-amazon-sp-api on our own session, LWA tokens from the kit, SQS by plain HTTP.

The SDK builds the requests; it sends none itself. Its transport is replaced by `_Way`, which sends through `kit.http`, takes off
what the SDK adds on its own, and turns every answer that is not what was asked for into one of our errors (the SDK takes an
HTML page for an empty success; seen with 2.1.35, 2026-11).
"""

import gzip
import io
import json
import logging
import ssl
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from sp_api.api import Feeds, Finances, FulfillmentOutbound, Inventories, ListingsItems, Orders, Reports, ShippingV2
from sp_api.base import Marketplaces
from sp_api.base.credential_provider import FromCodeCredentialProvider

from connectors.amazon import postage, signing
from connectors.amazon.read import NOTHING, need
from connectors.amazon.render import FEED, FEED_TYPE, XML_TYPE
from connectors.amazon.tables import INCLUDED, KEYS, MARKETPLACES, RATES
from connectors.http import TIMEOUT, json_of, write_json
from core.errors import AccessLost, BadPayload, HubError, OutcomeUnknown, Refused, Unavailable
from core.ports import Fresh, Kit, Rate

LISTING_DATA = "summaries,fulfillmentAvailability"
SKUS = 20  # what one searchListingsItems takes
REPORT = "GET_MERCHANT_LISTINGS_ALL_DATA"
SETTLEMENT_REPORT = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
REPORTS = 100  # a page of a list of reports
ORDERS_REPORT = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
LEDGER_REPORT = "GET_LEDGER_DETAIL_VIEW_DATA"
GZIP = b"\x1f\x8b"
MAKING, DONE, CANCELLED, FATAL = ("IN_QUEUE", "IN_PROGRESS"), "DONE", "CANCELLED", "FATAL"  # getReport's processingStatus
WAITS = "waits"  # it is being made, and not for too long yet
CHUNK = 65536
AGENT = "Crossdock/0.1 (Language=Python)"
LOGGERS = ("sp_api", "sp_api.base.client", "sp_api.auth.access_token_client", "httpx", "httpcore")  # they print tokens and buyers at DEBUG


class ReportState(NamedTuple):
    """How a report stands: WAITS, or getReport's own word; its document once it is DONE; the seconds until somebody looks again."""

    state: str
    document: str = ""
    wait_s: float = 0.0


class _Stub:
    """What the SDK gets to see of an answer: nothing, so that it can neither misread nor keep it."""

    status_code = 200
    headers: Mapping[str, str] = {}

    def json(self) -> dict[str, Any]:
        return {}


class _Token:
    """Stands in for the SDK's AccessTokenResponse."""

    def __init__(self, access_token: str) -> None:
        self.access_token = access_token


class _Way:
    """The SDK's transport: one call at a time, named by `operation` before it is made; `answer` is its JSON."""

    def __init__(self, kit: Kit) -> None:
        self.kit, self.operation, self.answer, self.token, self.renewed = kit, "", None, "", False
        self.more: Mapping[str, str] = {}  # headers that this call has beside the common ones
        self.body: Mapping[str, Any] = {}  # what the SDK cannot write: it knows no Decimals
        self.per_s = {operation: rate.per_s for operation, rate in RATES.items()}

    def request(self, method: str, url: str, *, params: Any = None, data: Any = None, content: Any = None, headers: Any = None) -> _Stub:
        keys = KEYS[self.operation]
        query = {key: _joined(value) for key, value in (params or {}).items() if key in keys.query}
        body = {key: value for key, value in {**json.loads(content or "{}"), **self.body}.items() if key in keys.body}
        sent = {"x-amz-access-token": self.token, "x-amz-date": headers["x-amz-date"], "user-agent": AGENT, **self.more}
        self.answer = self._sent(method, url, query, body, sent)
        return _Stub()

    def _sent(self, method: str, url: str, query: Mapping[str, str], body: Mapping[str, Any], headers: dict[str, str]) -> Any:
        more: dict[str, Any] = {"params": query} if query else {}
        if body:
            more["data"], headers["content-type"] = write_json(body), "application/json"
        changes = KEYS[self.operation].changes
        answer = self.kit.http.send(method, url, changes=changes, headers=headers, **more)
        self._learn(answer)
        if answer.status_code >= 300:
            raise self._refusal(answer, changes=changes)
        return None if answer.status_code == 204 else json_of(answer, "Amazon", changes=changes)

    def _learn(self, answer: requests.Response) -> None:
        """Amazon's header gives the live rate; a 429 comes without it and means that nothing is left (seen 2025-09)."""
        if per_s := _number(answer.headers.get("x-amzn-RateLimit-Limit")):
            self.per_s[self.operation] = per_s
            self.kit.budget.learn(self.operation, rate=Rate(per_s, RATES[self.operation].burst))
        if answer.status_code == 429:
            self.kit.budget.learn(self.operation, left=0.0)

    def _refusal(self, answer: requests.Response, *, changes: bool) -> Exception:
        rejected = answer.status_code == 401 or (answer.status_code == 403 and "Unauthorized" in _codes(answer))
        if rejected and not self.renewed:
            return _Rejected()
        error: HubError = self.kit.http.refusal(answer, changes=changes, default_wait_s=1 / self.per_s[self.operation])
        error.words = _words(answer) if error.words else ""
        return error


class _Rejected(Exception):
    """Amazon does not take this access token; a fresh one may do."""


def _joined(value: Any) -> str:
    """Amazon wants lists in one parameter, with commas."""
    return ",".join(value) if isinstance(value, list | tuple) else str(value)


def _number(text: str | None) -> float | None:
    try:
        return float(text or "") or None
    except ValueError:
        return None


def _codes(answer: requests.Response) -> set[str]:
    """The error codes of an answer; none where it is not Amazon's JSON."""
    try:
        return {str(error["code"]) for error in answer.json()["errors"]}
    except (ValueError, KeyError, TypeError):
        return set()


def _words(answer: requests.Response) -> str:
    """Its codes and sentences, where it is Amazon's JSON."""
    try:
        return " ".join(f"{error['code']}: {error['message']}" for error in answer.json()["errors"])[:500]
    except (ValueError, KeyError, TypeError):
        return answer.text[:500]


class Client:
    """One seller account. Construct once: each of the SDK's clients costs milliseconds."""

    def __init__(self, kit: Kit) -> None:
        for name in LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._kit, self._way = kit, _Way(kit)
        said = kit.login.get("marketplace_ids") or kit.settings["marketplace_ids"]
        self.marketplaces = [word.strip() for word in said.split(",")] if isinstance(said, str) else list(said)
        self._orders = self._sdk(Orders, "2026-01-01")
        self._parcels = self._sdk(Orders, "v0")  # of which confirmShipment stays (2.4 of the migration guide, read 2026-11)
        self._items = self._sdk(ListingsItems, "2021-08-01")
        self._feeds = self._sdk(Feeds, "2021-06-30")
        self._reports = self._sdk(Reports, None)
        self._stock = self._sdk(Inventories, None)
        self._labels = self._sdk(ShippingV2, None)
        self._outbound = self._sdk(FulfillmentOutbound, None)
        self._finances = self._sdk(Finances, "2024-06-19")

    def _sdk(self, make: Callable[..., Any], version: str | None) -> Any:
        """An SDK client on our transport, tokens and address. The address is set afterwards: SP_API_DEFAULT_MARKETPLACE and
        AWS_ENV would change it otherwise."""
        trusts_nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # the SDK's own transport is dropped; loading its certificates costs 90 ms
        made = make(
            marketplace=Marketplaces.US,
            credentials={"lwa_app_id": "ours", "lwa_client_secret": "ours"},  # it asks us for tokens, so it holds no secret
            credential_providers=[FromCodeCredentialProvider],
            auth_token_client_class=self._tokens,
            verify=trusts_nobody,
            **({"version": version} if version else {}),
        )
        made.close()
        made.endpoint, made.marketplace_id, made._transport = self._url(), self.marketplaces[0], self._way
        return made

    def _url(self) -> str:
        marketplace = MARKETPLACES.get(self.marketplaces[0])
        region = marketplace.region if marketplace else "na"
        return str(self._kit.settings["url"] or f"https://sellingpartnerapi-{region}.amazon.com")

    def _tokens(self, **_: Any) -> "Client":
        """Called by the SDK to make its own token client: that is us."""
        return self

    def get_auth(self) -> _Token:
        return _Token(self._way.token)

    def _ask(self, operation: str, send: Callable[..., Any], *args: Any, **wish: Any) -> Any:
        """One call; a token that Amazon does not take is renewed once."""
        self._kit.budget.take(operation)
        way = self._way
        way.operation, way.renewed, way.token = operation, False, self._kit.tokens.access(self._renew)
        try:
            send(*args, **wish)
        except _Rejected:
            way.renewed, way.token = True, self._kit.tokens.access(self._renew, rejected=way.token)
            send(*args, **wish)
        answer, way.answer = way.answer, None
        return answer

    def _renew(self, login: Mapping[str, str]) -> Fresh:
        """LWA: a new access token for the refresh token. Raises AccessLost when the seller or Amazon has withdrawn it."""
        return granted(self._kit, {"grant_type": "refresh_token", "refresh_token": login.get("refresh_token", "")}, login)

    def search_orders(self, since: str, before: str, token: str | None) -> Any:
        """A page of orders last changed in [since, before], by searchOrders."""
        more = {"paginationToken": token} if token else {}
        return self._ask(
            "searchOrders",
            self._orders.search_orders,
            lastUpdatedAfter=since,
            lastUpdatedBefore=before,
            marketplaceIds=",".join(self.marketplaces),
            includedData=",".join(INCLUDED),
            maxResultsPerPage=self._kit.settings["page_size"],
            **more,
        )

    def placed_orders(self, since: str, before: str, token: str | None, statuses: Sequence[str] = (), most: int = 0) -> Any:
        """A page of orders made in [since, before] and, where given, in one of these states, by searchOrders."""
        more = {"paginationToken": token} if token else {}
        if statuses:
            more["fulfillmentStatuses"] = ",".join(statuses)
        return self._ask(
            "searchOrders",
            self._orders.search_orders,
            createdAfter=since,
            createdBefore=before,
            marketplaceIds=",".join(self.marketplaces),
            includedData=",".join(INCLUDED),
            maxResultsPerPage=most or self._kit.settings["page_size"],
            **more,
        )

    def order(self, order: str) -> Any | None:
        """getOrder; None where Amazon has no such order."""
        return self._or_none("getOrder", self._orders.get_order, order, includedData=",".join(INCLUDED))

    def _or_none(self, operation: str, send: Callable[..., Any], *args: Any, **wish: Any) -> Any | None:
        try:
            return self._ask(operation, send, *args, **wish)
        except Refused as error:
            if error.facts.get("status") == 404:
                return None
            raise

    def listings(
        self, token: str | None, *, page_size: int | None = None, kind: str = "SKU", names: Sequence[str] = (), place: str = ""
    ) -> Any:
        """A page of listings by searchListingsItems, ordered by SKU so that changes do not move it; or those of at most 20 `names`, SKUs
        or what `kind` says; in one `place` or in all of ours."""
        more = {"pageToken": token} if token else {}
        if names:
            more |= {"identifiersType": kind, "identifiers": ",".join(names)}
        return self._ask(
            "searchListingsItems",
            self._items.search_listings_items,
            self._kit.account,
            marketplaceIds=place or ",".join(self.marketplaces),
            includedData=LISTING_DATA,
            sortBy="sku",
            sortOrder="ASC",
            pageSize=page_size or self._kit.settings["listings_page_size"],
            **more,
        )

    def search(self, kind: str, names: Sequence[str]) -> list[Any]:
        """All listings of at most 20 ASINs or SKUs, whichever `kind` says."""
        items, token = list[Any](), None
        while names:
            answer = self.listings(token, page_size=SKUS, kind=kind, names=names)
            items += need(answer, "items", list)
            token = (answer.get("pagination") or {}).get("nextToken")
            if not token:
                break
        return items

    def count(self, place: str) -> int:
        """How many listings a marketplace has."""
        return need(self.listings(None, page_size=1, place=place), "numberOfResults", int)

    def listing(self, sku: str) -> Any | None:
        """getListingsItem; None where there is no such listing."""
        wish = {"marketplaceIds": ",".join(self.marketplaces), "includedData": LISTING_DATA}
        return self._or_none("getListingsItem", self._items.get_listings_item, self._kit.account, sku, **wish)

    def patch(self, sku: str, body: Mapping[str, Any]) -> Any:
        """patchListingsItem: {status ACCEPTED | INVALID, issues}. ACCEPTED is queued, not live."""
        send, places = self._items.patch_listings_item, ",".join(self.marketplaces)
        return self._ask("patchListingsItem", send, self._kit.account, sku, marketplaceIds=places, body=dict(body))

    def feed(self, document: Mapping[str, Any]) -> str:
        """Upload a JSON_LISTINGS_FEED and have it worked off; gives its id. Writing the document changes nothing yet."""
        return self._submit(FEED, FEED_TYPE, write_json(document))

    def acknowledge(self, kind: str, document: str) -> str:
        """Upload an order acknowledgement and have it worked off; gives the feed's id."""
        return self._submit(kind, XML_TYPE, document.encode())

    def _submit(self, kind: str, type_: str, raw: bytes) -> str:
        place = self._ask("createFeedDocument", self._feeds.create_feed_document, None, type_)
        url, id_ = need(place, "url", str), need(place, "feedDocumentId", str)
        self._kit.http.call("PUT", url, changes=False, data=raw, headers={"content-type": type_})
        answer = self._ask("createFeed", self._feeds.create_feed, kind, id_, marketplaceIds=self.marketplaces)
        return need(answer, "feedId", str, OutcomeUnknown)

    def confirm(self, order: str, body: Mapping[str, Any]) -> None:
        """confirmShipment: a parcel of an order left. The same reference again corrects what was said."""
        self._ask("confirmShipment", self._parcels.confirm_shipment, order, **body)

    def rates(self, body: Mapping[str, Any]) -> Any:
        """getRates: what Amazon asks for labels of an order of its own, and a token that holds ten minutes."""
        return self._sold("getRates", self._labels.get_rates, body=body)

    def purchase(self, body: Mapping[str, Any], key: str) -> Any:
        """purchaseShipment: said again under its key it is the same purchase."""
        return self._sold("purchaseShipment", self._labels.purchase_shipment, key=key, body=body)

    def documents(self, shipment: str, package: str, how: str) -> Any:
        """getShipmentDocuments of one package."""
        return self._sold(
            "getShipmentDocuments", self._labels.get_shipment_documents, shipment, packageClientReferenceId=package, format=how
        )

    def cancel_label(self, shipment: str) -> None:
        """cancelShipment of the Shipping API: the labels are worth nothing any more."""
        self._sold("cancelShipment", self._labels.cancel_shipment, shipment)

    def label_track(self, number: str, carrier: str) -> Any | None:
        """getTracking; None where that carrier knows no such parcel yet."""
        try:
            return self._sold("getTracking", self._labels.get_tracking, trackingId=number, carrierId=carrier)
        except Refused as error:
            if error.facts.get("status") in (400, 404):
                return None
            raise

    def _sold(
        self, operation: str, send: Callable[..., Any], *args: Any, key: str = "", body: Mapping[str, Any] = NOTHING, **wish: Any
    ) -> Any:
        """A call of the Shipping API: it wants to know which shipping business is meant, and answers in an envelope."""
        place = MARKETPLACES.get(self.marketplaces[0])
        business = postage.BUSINESSES.get(place.country, "") if place else ""
        named = {"x-amzn-shipping-business-id": business, "x-amzn-IdempotencyKey": key}
        self._way.more, self._way.body = {name: value for name, value in named.items() if value}, body
        try:
            return need(
                self._ask(operation, send, *args, **wish), "payload", dict, OutcomeUnknown if KEYS[operation].changes else Unavailable
            )
        finally:
            self._way.more = self._way.body = {}

    def send_for_us(self, body: Mapping[str, Any]) -> None:
        """createFulfillmentOrder: Amazon sends goods of ours for an order of another channel, once under its number."""
        self._ask("createFulfillmentOrder", self._outbound.create_fulfillment_order, **body)

    def sent_for_us(self, number: str) -> Any | None:
        """getFulfillmentOrder; None where there is none of that number."""
        answer = self._or_none("getFulfillmentOrder", self._outbound.get_fulfillment_order, number)
        return None if answer is None else need(answer, "payload", dict, Unavailable)

    def call_back(self, number: str) -> None:
        """cancelFulfillmentOrder: not possible once it is being packed."""
        self._ask("cancelFulfillmentOrder", self._outbound.cancel_fulfillment_order, number)

    def feed_state(self, feed: str) -> Any:
        return self._ask("getFeed", self._feeds.get_feed, feed)

    def feed_report(self, document: str) -> bytes:
        """The processing report. The SDK's own call would download it past our session, hence the bare request."""
        path = f"/feeds/2021-06-30/documents/{document}"
        place = self._ask("getFeedDocument", lambda: self._feeds._request(path, add_marketplace=False))
        raw: bytes = self._kit.http.call("GET", need(place, "url", str), changes=False).content
        return _unpacked(raw) if place.get("compressionAlgorithm") == "GZIP" else raw

    def create_report(self, place: str) -> str:
        """Ask for the report of all listings of a marketplace; gives its id. It changes nothing: asked twice, there are two."""
        options = {"preferredReportDocumentLocale": self._kit.settings["report_locale"]}
        send = self._reports.create_report
        answer = self._ask("createReport", send, reportType=REPORT, marketplaceIds=[place], reportOptions=options)
        return need(answer, "reportId", str)

    def create_orders_report(self, since: datetime, until: datetime) -> str:
        """Ask for the report of all orders by the date they were placed, at most 30 days; gives its id. It changes nothing."""
        return self._create_report_of(ORDERS_REPORT, since, until)

    def create_ledger_report(self, since: datetime, until: datetime) -> str:
        """Ask for the inventory ledger of that time, each event of it; gives the report's id. It changes nothing."""
        return self._create_report_of(LEDGER_REPORT, since, until)

    def _create_report_of(self, kind: str, since: datetime, until: datetime) -> str:
        asked = {"reportType": kind, "marketplaceIds": list(self.marketplaces)}
        send = self._reports.create_report
        answer = self._ask("createReport", send, **asked, dataStartTime=stamp(since), dataEndTime=stamp(until))
        return need(answer, "reportId", str)

    def report_state(self, report: str, began: datetime) -> ReportState:
        """How a report stands that was asked for `began`. Raises BadPayload."""
        told = self._ask("getReport", self._reports.get_report, report)
        state, settings = need(told, "processingStatus", str), self._kit.settings
        if state in MAKING and self._kit.clock() - began < timedelta(seconds=settings["report_patience_s"]):
            return ReportState(WAITS, wait_s=settings["report_wait_s"])
        return ReportState(state, need(told, "reportDocumentId", str) if state == DONE else "")

    def settlements(self, since: datetime, token: str) -> Any:
        """getReports: a page of the settlement reports that were made since then. A token is asked with alone."""
        wish = {"reportTypes": [SETTLEMENT_REPORT], "processingStatuses": ["DONE"], "pageSize": REPORTS, "createdSince": stamp(since)}
        return self._ask("getReports", self._reports.get_reports, **({"nextToken": token} if token else wish))

    def transactions(self, after: datetime, before: datetime, token: str) -> Any:
        """listTransactions: a page of those posted in [after, before), of all marketplaces: named, those of US orders that the merchant
        sends would be missing (its model, 2026-08)."""
        more = {"nextToken": token} if token else {}
        send = self._finances.list_transactions
        return self._ask("listTransactions", send, postedAfter=stamp(after), postedBefore=stamp(before), **more)

    @contextmanager
    def report(self, document: str) -> Iterator[tuple[str, Iterable[bytes]]]:
        """A report's document as it comes in: its content type and its lines. Its address holds for five minutes, and is asked for anew
        where it does no longer. Raises Unavailable where the document breaks off, inside the block."""
        with closing(self._document(document)) as answer:
            try:
                yield answer.headers.get("content-type", ""), _lines(answer.iter_content(CHUNK))
            except (requests.RequestException, EOFError) as error:
                raise Unavailable("Amazon's document broke off", cause=type(error).__name__) from None
            except (gzip.BadGzipFile, zlib.error):
                raise BadPayload("amazon report: not gzip") from None

    def _document(self, document: str) -> requests.Response:
        try:
            return self._document_once(document)
        except Refused as error:
            if error.facts.get("status") != 403:
                raise
        return self._document_once(document)

    def _document_once(self, document: str) -> requests.Response:
        """The SDK's own call would download it past our session, hence the bare request."""
        path = f"/reports/2021-06-30/documents/{document}"
        place = self._ask("getReportDocument", lambda: self._reports._request(path, add_marketplace=False))
        answer: requests.Response = self._kit.http.call("GET", need(place, "url", str), changes=False, stream=True)
        return answer

    def fba(self, token: str | None) -> Any:
        """A page of FBA summaries of the first marketplace. The token lives 30 seconds."""
        more = {"nextToken": token} if token else {}
        place = self.marketplaces[0]
        wish = {"details": "true", "granularityType": "Marketplace", "granularityId": place, "marketplaceIds": place}
        return self._ask("getInventorySummaries", self._stock.get_inventory_summary_marketplace, **wish, **more)

    def messages(self) -> list[Any]:
        """ReceiveMessage: at most ten messages of the queue, hidden from others for a while."""
        wish = {"MaxNumberOfMessages": 10, "WaitTimeSeconds": 0, "VisibilityTimeout": self._kit.settings["visibility_s"]}
        answer = self._queue("ReceiveMessage", wish, changes=False)
        return [message for message in answer.get("Messages") or [] if isinstance(message, dict)] if isinstance(answer, dict) else []

    def delete_messages(self, receipts: Sequence[str]) -> None:
        """DeleteMessageBatch of at most ten; one that is gone already counts as deleted."""
        entries = [{"Id": str(index), "ReceiptHandle": receipt} for index, receipt in enumerate(receipts)]
        self._queue("DeleteMessageBatch", {"Entries": entries}, changes=True)

    def _queue(self, action: str, wish: Mapping[str, Any], *, changes: bool) -> Any:
        """One SQS call in its JSON protocol, signed when AWS keys are configured."""
        settings, app = self._kit.settings, self._kit.app
        url = settings["sqs_url"] or "{0.scheme}://{0.netloc}/".format(urlsplit(settings["queue_url"]))
        body = write_json({"QueueUrl": settings["queue_url"], **wish})
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": f"AmazonSQS.{action}"}
        if app.get("aws_access_key_id") and app.get("aws_secret_access_key"):
            keys = (app["aws_access_key_id"], app["aws_secret_access_key"])
            headers = signing.signed(url, headers, body, keys=keys, scope=(settings["aws_region"], "sqs"), at=self._kit.clock())
        answer = self._kit.http.call("POST", url, changes=changes, data=body, headers=headers)
        return json_of(answer, "Amazon SQS", changes=changes)


def granted(kit: Kit, form: Mapping[str, str], login: Mapping[str, str] | None = None) -> Fresh:
    """What LWA gives for a refresh token, or for a person's code. Raises AccessLost where it takes that no longer."""
    app = {"client_id": kit.app.get("client_id", ""), "client_secret": kit.app.get("client_secret", "")}
    timeout = (3.05, 10.0) if "code" in form else TIMEOUT  # a person waits
    answer = kit.http.send("POST", kit.settings["auth_url"], changes=False, data={**form, **app}, timeout=timeout)
    if answer.status_code in (400, 401):
        raise AccessLost(f"Amazon no longer accepts our {_name(form)}", words=answer.text[:500], status=answer.status_code)
    if answer.status_code >= 300:
        raise kit.http.refusal(answer, changes=False)
    told = json_of(answer, "Amazon", changes=False)
    token, lives_s = need(told, "access_token", str, Unavailable), need(told, "expires_in", int, Unavailable)
    return Fresh(token, kit.clock() + timedelta(seconds=lives_s), _rotated(told, login or {}))


def _name(form: Mapping[str, str]) -> str:
    return "code" if "code" in form else "refresh token"


def _rotated(told: Mapping[str, Any], login: Mapping[str, str]) -> dict[str, str]:
    """LWA repeats the refresh token; should it ever give another one, that one counts."""
    new = told.get("refresh_token")
    return {"refresh_token": new} if new and new != login.get("refresh_token") else {}


def _unpacked(raw: bytes) -> bytes:
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError) as error:
        raise BadPayload(f"amazon feed report: not gzip ({type(error).__name__})") from None


class _Incoming(io.RawIOBase):
    """Chunks of an answer as a file. The answer's own file shuts itself at its end, under whoever reads it (urllib3 2)."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._rest = chunks, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        rest = self._rest or next(self._chunks, b"")
        size = min(len(buffer), len(rest))
        buffer[:size], self._rest = rest[:size], rest[size:]
        return size


def _lines(chunks: Iterator[bytes]) -> Iterable[bytes]:
    """Lines of a document that is packed or not: its first bytes say so, whatever storage and Amazon say of it."""
    stream = io.BufferedReader(_Incoming(chunks), CHUNK)
    return io.BufferedReader(gzip.GzipFile(fileobj=stream), CHUNK) if stream.peek(2).startswith(GZIP) else stream


def stamp(at: datetime) -> str:
    """A time as Amazon reads it: ISO 8601, UTC, milliseconds."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
