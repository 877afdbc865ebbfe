"""Calls to eBay: REST by our session, Trading by ebaysdk on the same session. Nothing else in the house imports the SDK."""

import base64
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import requests
from ebaysdk.exception import EbaySDKError
from ebaysdk.trading import Connection as Trading
from lxml import etree

from connectors.ebay import signing
from connectors.http import Http, json_of, write_json
from core.errors import AccessLost, HubError, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import Fresh, Kit

ORDERS = "/sell/fulfillment/v1/order"
CANCELLATIONS = "/post-order/v2/cancellation"
INVENTORY = "/sell/inventory/v1"
FINANCES = "/sell/finances/v1"
SIGNING_KEY = "/developer/key_management/v1/signing_key"
LISTED = [  # fields of a listing that we read; without them eBay tells descriptions and pictures too
    "HasMoreItems",
    *(f"ItemArray.Item.{name}" for name in ("ItemID", "Title", "SKU", "Quantity", "ListingType", "ListingDetails.EndTime")),
    *(f"ItemArray.Item.SellingStatus.{name}" for name in ("QuantitySold", "ListingStatus")),
    *(f"ItemArray.Item.Variations.Variation.{name}" for name in ("SKU", "Quantity", "SellingStatus.QuantitySold", "VariationViewItemURL")),
]
BREAKDOWN = "TAX_BREAKDOWN"  # without it totals leave out the tax that eBay collects
NO_SUCH_ORDER = "32100"
NO_SUCH_PAGE = "25706"
# Trading answers 200 and says in ErrorCode what REST says in the status (developer.ebay.com, Errors by number).
BAD_TOKEN = frozenset(["931", "932", "16110", "17470", "21916984", "21917053"])
TOO_MANY = frozenset(["518", "21919144"])
BROKEN = frozenset(["2", "10007", "16100"])

logging.getLogger("ebaysdk").setLevel(logging.CRITICAL)  # at DEBUG it writes the token, at WARNING the seller's goods


def _basic(app: Mapping[str, str]) -> str:
    pair = f"{app['client_id']}:{app['client_secret']}".encode()
    return "Basic " + base64.b64encode(pair).decode()


def grant(kit: Kit, form: Mapping[str, str], timeout: tuple[float, float]) -> Fresh:
    """A token of the OAuth endpoint. Raises AccessLost where eBay no longer takes the grant or our keys."""
    kit.budget.take("token")
    http: Http = kit.http
    headers = {"Authorization": _basic(kit.app)}
    url = kit.settings["api_url"] + "/identity/v1/oauth2/token"
    answer = http.send("POST", url, changes=False, headers=headers, data=dict(form), timeout=timeout)
    if answer.status_code == 400:
        raise AccessLost("eBay takes the grant no longer", status=400, codes=_grant_code(answer), words=answer.text[:500])
    if answer.status_code >= 300:
        raise http.refusal(answer, changes=False)
    return _fresh(kit, json_of(answer, "ebay", changes=False))


def _grant_code(answer: requests.Response) -> str:
    """OAuth's own word for what is wrong."""
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return ""


def _fresh(kit: Kit, said: Mapping[str, Any]) -> Fresh:
    try:
        rotated = {"refresh_token": said["refresh_token"]} if said.get("refresh_token") else {}
        ends, login_ends = _after(kit, said["expires_in"]), said.get("refresh_token_expires_in")
        return Fresh(said["access_token"], ends, rotated, _after(kit, login_ends) if login_ends else None)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unavailable("eBay gave no token") from None


def _after(kit: Kit, seconds: Any) -> datetime:
    return kit.clock() + timedelta(seconds=int(seconds))


class AppClient:
    """Calls that we make as the application, without any seller: public keys."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._token: Fresh | None = None

    def public_key(self, kid: str) -> Mapping[str, Any] | None:
        """{key, algorithm, digest}; None where eBay knows no such key. Raises Unavailable or RateLimited."""
        self._kit.budget.take("notification")
        answer = self._ask(kid)
        if answer.status_code == 401:
            self._token = None
            answer = self._ask(kid)
        if answer.status_code in (400, 404):
            return None
        if answer.status_code >= 300:
            raise self._kit.http.refusal(answer, changes=False)
        said: Mapping[str, Any] = json_of(answer, "ebay", changes=False)
        return said

    def _ask(self, kid: str) -> requests.Response:
        url = f"{self._kit.settings['api_url']}/commerce/notification/v1/public_key/{quote(kid, safe='')}"
        headers = {"Authorization": f"Bearer {self._app_token()}"}
        http: Http = self._kit.http
        return http.send("GET", url, changes=False, headers=headers, timeout=self._timeout())

    def _timeout(self) -> tuple[float, float]:
        seconds = float(self._kit.settings["key_timeout_s"])
        return seconds, seconds

    def _app_token(self) -> str:
        if self._token is None or self._token.expires_at <= self._kit.clock() + timedelta(minutes=1):
            form = {"grant_type": "client_credentials", "scope": self._kit.settings["app_scopes"]}
            self._token = grant(self._kit, form, self._timeout())
        return self._token.access


class Client:
    """Calls in the name of one seller. Each takes from its API's budget first; a 401 is answered by one refresh.

    Calls that need it are signed where the seller must (setting `signatures`: always, never, or by the site), and where eBay says so.
    """

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._http: Http = kit.http
        self._signer, self._makes_key = signing.signer(kit.login), False
        wish = kit.settings["signatures"]
        self._signs = wish == "always" or (wish != "never" and kit.settings["marketplace"] in signing.SIGNING)

    # REST

    def user(self) -> Mapping[str, Any]:
        """Who the seller is: {userId, username, registrationMarketplaceId, ...}."""
        return self._json("identity", "GET", self._kit.settings["apiz_url"] + "/commerce/identity/v1/user/")

    def orders(self, window: str, offset: int) -> Mapping[str, Any]:
        """One page of orders changed in the window (a filter's text)."""
        limit = self._kit.settings["orders_page"]
        return self._get("fulfillment", ORDERS, {"filter": window, "fieldGroups": BREAKDOWN, "limit": limit, "offset": offset})

    def count(self, window: str) -> Any:
        """How many orders the window holds, as eBay says it; one of them comes along, since a page holds one at least."""
        return self._get("fulfillment", ORDERS, {"filter": window, "limit": 1, "offset": 0}).get("total")

    def order(self, number: str) -> dict[str, Any] | None:
        """The whole order, its cancel requests too; None where eBay has no such order."""
        try:
            return self._get("fulfillment", f"{ORDERS}/{quote(number, safe='')}", {"fieldGroups": BREAKDOWN})
        except Refused as error:
            if error.facts.get("status") == 404 or NO_SUCH_ORDER in error.facts.get("codes", ""):
                return None
            raise

    def shipments(self, number: str) -> list[dict[str, Any]]:
        """The order's shipping fulfillments."""
        said = self._get("fulfillment", f"{ORDERS}/{quote(number, safe='')}/shipping_fulfillment", {})
        return list(said.get("fulfillments") or [])

    def ship(self, number: str, body: Mapping[str, Any]) -> str:
        """createShippingFulfillment: a parcel of an order left; gives eBay's id of it, which its Location ends with."""
        url = f"{self._kit.settings['api_url']}{ORDERS}/{quote(number, safe='')}/shipping_fulfillment"
        answer = self._answered("fulfillment", "POST", url, changes=True, json=dict(body))
        made = answer.headers.get("Location", "").rstrip("/").rpartition("/")[2]
        return made or str(body.get("trackingNumber") or "")

    def call_off(self, body: Mapping[str, Any]) -> None:
        """A cancellation of the seller's own."""
        self._post_order("", body, signed=True)

    def approve(self, request: str) -> None:
        self._post_order(f"/{quote(request, safe='')}/approve", {}, signed=True)

    def reject(self, request: str, body: Mapping[str, Any]) -> None:
        self._post_order(f"/{quote(request, safe='')}/reject", body)

    def _post_order(self, path: str, body: Mapping[str, Any], *, signed: bool = False) -> None:
        url = f"{self._kit.settings['api_url']}{CANCELLATIONS}{path}"
        self._answered("post_order", "POST", url, changes=True, signed=signed, json=dict(body))

    def payouts(self, stretch: str, offset: int) -> Mapping[str, Any]:
        """getPayouts: a page of those in a stretch of time (a filter's text), oldest first; {} where there is none."""
        return self._finances("payout", {"filter": stretch, "limit": self._kit.settings["payouts_page"], "offset": offset})

    def transactions(self, which: str, offset: int) -> Mapping[str, Any]:
        """getTransactions: a page of monetary transactions by one filter, newest first; {} where there is none."""
        return self._finances("transaction", {"filter": which, "limit": self._kit.settings["transactions_page"], "offset": offset})

    def _finances(self, what: str, query: Mapping[str, Any]) -> Mapping[str, Any]:
        text = urlencode({key: str(value) for key, value in query.items()}, quote_via=quote)
        answer = self._answered("finances", "GET", f"{self._kit.settings['apiz_url']}{FINANCES}/{what}?{text}", changes=False, signed=True)
        return {} if answer.status_code == 204 else self._document(answer, changes=False)

    # Signatures

    def signing_key(self) -> None:
        """Have a key to sign with, kept with the connection's secrets, and sign from now on. Raises as calls do."""
        self._signs = True
        if not self._has_key():
            self._makes_key = True
            token = self._token()  # secrets are written down with a fresh token, by one worker at a time
            if not self._has_key():
                self._token(token)
        if self._signer is None:
            raise Unavailable("eBay: somebody else just made the key to sign with")

    def _has_key(self) -> bool:
        return self._signer is not None and self._signer.holds(self._kit.clock())

    def _new_key(self) -> dict[str, str]:
        """createSigningKey, as the application; eBay keeps no private key and gives it once. Each call makes another one."""
        self._kit.budget.take("keys")
        form = {"grant_type": "client_credentials", "scope": self._kit.settings["app_scopes"]}
        headers = {"Authorization": f"Bearer {grant(self._kit, form, (3.05, 30.0)).access}", "Accept": "application/json"}
        url = self._kit.settings["apiz_url"] + SIGNING_KEY
        answer = self._http.send("POST", url, changes=False, headers=headers, json={"signingKeyCipher": signing.CIPHER})
        if answer.status_code in (401, 403):  # says nothing of the seller's login
            raise Refused("eBay gives our application no key to sign with", status=answer.status_code, words=_words(answer))
        if answer.status_code >= 300:
            raise self._refusal("keys", answer, changes=False)
        return signing.made(self._document(answer, changes=False))

    def _signature(self, method: str, url: str, rest: dict[str, Any]) -> dict[str, str]:
        """The headers of a signed call, whose JSON becomes the very bytes that are signed."""
        self.signing_key()
        assert self._signer is not None
        if "json" in rest:
            rest["data"] = write_json(rest.pop("json"))
        kind = {"Content-Type": "application/json"} if "data" in rest else {}
        return {**kind, **self._signer.headers(method, url, rest.get("data"), self._kit.clock())}

    def records(self, page: int) -> Mapping[str, Any]:
        """A page of all inventory items, from 0: {inventoryItems: [{sku, ...}], total, next?}; {} beyond the last, when some are gone."""
        try:
            return self._get("inventory", f"{INVENTORY}/inventory_item", {"limit": self._kit.settings["records_page"], "offset": page})
        except Refused as error:
            if page and error.facts.get("codes") == NO_SUCH_PAGE:
                return {}
            raise

    def stock_records(self, skus: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """What the Inventory API says of at most 25 SKUs, one row each with its statusCode."""
        body = {"requests": [{"sku": sku} for sku in skus]}
        url = f"{self._kit.settings['api_url']}{INVENTORY}/bulk_get_inventory_item"
        return list(self._json("inventory", "POST", url, json=body).get("responses") or [])

    def offers(self, sku: str) -> Sequence[Mapping[str, Any]]:
        """The Inventory API's offers of a SKU; none where it has no such SKU."""
        try:
            return list(self._get("inventory", f"{INVENTORY}/offer", {"sku": sku}).get("offers") or [])
        except Refused as error:
            if error.facts.get("status") == 404:
                return []
            raise

    def set_quantities(self, requests_: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """Write quantities of the Inventory API (207 where some failed); gives eBay's row for each offer or SKU."""
        url = f"{self._kit.settings['api_url']}{INVENTORY}/bulk_update_price_quantity"
        said = self._json("inventory", "POST", url, changes=True, json={"requests": list(requests_)})
        return list(said.get("responses") or [])

    def _get(self, api: str, path: str, query: Mapping[str, Any]) -> dict[str, Any]:
        text = "?" + urlencode({key: str(value) for key, value in query.items()}, quote_via=quote) if query else ""
        return self._json(api, "GET", f"{self._kit.settings['api_url']}{path}{text}")

    def _json(self, api: str, method: str, url: str, *, changes: bool = False, **rest: Any) -> dict[str, Any]:
        return self._document(self._answered(api, method, url, changes=changes, **rest), changes=changes)

    def _document(self, answer: requests.Response, *, changes: bool) -> dict[str, Any]:
        said = json_of(answer, "ebay", changes=changes)
        if not isinstance(said, dict):
            raise (OutcomeUnknown if changes else Unavailable)("eBay answered another shape", status=answer.status_code)
        return said

    def _answered(self, api: str, method: str, url: str, *, changes: bool, signed: bool = False, **rest: Any) -> requests.Response:
        """An answer that is no refusal, whatever it says. One that wants a signature gets one: it did nothing."""
        answer = self._once(api, method, url, changes=changes, signed=signed and self._signs, **rest)
        if answer.status_code >= 300 and signed and not self._signs and self._wants_signature(answer):
            answer = self._once(api, method, url, changes=changes, signed=True, **rest)
        if answer.status_code >= 300:
            raise self._refusal(api, answer, changes=changes)
        return answer

    def _wants_signature(self, answer: requests.Response) -> bool:
        return self._kit.settings["signatures"] != "never" and signing.MISSING in _codes(answer).split(",")

    def _once(self, api: str, method: str, url: str, *, changes: bool, signed: bool, **rest: Any) -> requests.Response:
        self._kit.budget.take(api)
        scheme = self._kit.settings["post_order_scheme"] if api == "post_order" else "Bearer"
        own = self._signature(method, url, rest) if signed else {}
        answer = self._send(method, url, f"{scheme} {self._token()}", own, changes, rest)
        if answer.status_code == 401:
            answer = self._send(method, url, f"{scheme} {self._token(self._used)}", own, changes, rest)
        return answer

    def _send(
        self, method: str, url: str, authorization: str, own: Mapping[str, str], changes: bool, rest: Mapping[str, Any]
    ) -> requests.Response:  # fmt: skip
        headers = {
            "Authorization": authorization,
            "Accept": "application/json",
            "X-EBAY-C-MARKETPLACE-ID": self._kit.settings["marketplace"],
            **own,
        }
        return self._http.send(method, url, changes=changes, headers=headers, **rest)

    def _refusal(self, api: str, answer: requests.Response, *, changes: bool) -> HubError:
        error = self._http.refusal(answer, changes=changes, default_wait_s=float(self._kit.settings["throttled_wait_s"]))
        if isinstance(error, RateLimited):
            self._kit.budget.learn(api, left=0.0)
        error.facts["codes"] = _codes(answer)
        error.words = _words(answer) if error.words else ""
        return error

    # Tokens

    def _token(self, rejected: str | None = None) -> str:
        self._used = self._kit.tokens.access(self._refresh, rejected=rejected)
        return self._used

    def _refresh(self, login: Mapping[str, str]) -> Fresh:
        """A fresh token; with it the key to sign with, where one is wanted and the secrets hold none that goes on holding."""
        known = signing.signer(login)
        wanted = self._makes_key and (known is None or not known.holds(self._kit.clock()))
        made = self._new_key() if wanted else {}  # first: a login that is renewed must not be lost to what fails after it
        self._signer, fresh = signing.signer(made) if made else known, self._granted(login)
        return replace(fresh, login={**fresh.login, **made})

    def _granted(self, login: Mapping[str, str]) -> Fresh:
        """With all that we ask for; or, where the seller agreed to less, before we asked for more, with what they agreed to."""
        form = {"grant_type": "refresh_token", "refresh_token": login["refresh_token"]}
        try:
            return grant(self._kit, {**form, "scope": self._kit.settings["scopes"]}, (3.05, 30.0))
        except AccessLost as error:
            if error.facts.get("codes") != "invalid_scope":
                raise
            return grant(self._kit, form, (3.05, 30.0))

    # Trading

    def listed(self, since: str, until: str, page: int) -> Mapping[str, Any]:
        """One page of the seller's listings that end in that time, by their ends: {ItemArray, HasMoreItems}.

        GetMyeBaySelling stops at 25,000 listings and leaves out variations that nobody bought (developer.ebay.com, 2026-11).
        """
        pagination = {"EntriesPerPage": self._kit.settings["listings_page"], "PageNumber": page}
        asked = {"EndTimeFrom": since, "EndTimeTo": until, "Sort": 2, "Pagination": pagination, "IncludeVariations": "true"}
        return self._trading("GetSellerList", {**asked, "DetailLevel": "ReturnAll", "OutputSelector": LISTED}, changes=False)

    def item(self, number: str) -> Mapping[str, Any] | None:
        """One listing with its variations; None where it is gone."""
        try:
            said = self._trading("GetItem", {"ItemID": number}, changes=False)
        except Refused as error:
            if "17" in error.facts.get("codes", "").split(","):
                return None
            raise
        item: Mapping[str, Any] | None = said.get("Item")
        return item

    def revise(self, entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """ReviseInventoryStatus of at most four listings; the whole answer with its Ack, also where some or all failed."""
        return self._trading("ReviseInventoryStatus", {"InventoryStatus": list(entries)}, changes=True, judged=True)

    def _trading(self, verb: str, data: Mapping[str, Any], *, changes: bool, judged: bool = False) -> Mapping[str, Any]:
        self._kit.budget.take("trading")
        said = self._execute(verb, data, self._token(), changes)
        if said is None or BAD_TOKEN & set(_trading_codes(said)):
            said = self._execute(verb, data, self._token(self._used), changes)
        if said is None:
            raise AccessLost("eBay no longer accepts our credentials", call=verb)
        codes = _trading_codes(said)
        if said.get("Ack") == "Failure" and (error := self._trading_refusal(verb, said, codes, changes, judged)):
            raise error
        return said

    def _trading_refusal(self, verb: str, said: Mapping[str, Any], codes: Sequence[str], changes: bool, judged: bool) -> HubError | None:
        facts = {"call": verb, "codes": ",".join(codes)}
        if BAD_TOKEN & set(codes):
            return AccessLost("eBay no longer accepts our credentials", **facts)
        if TOO_MANY & set(codes):
            self._kit.budget.learn("trading", left=0.0)
            return RateLimited("eBay says slow down", wait_s=float(self._kit.settings["throttled_wait_s"]), **facts)
        if BROKEN & set(codes):
            return (OutcomeUnknown if changes else Unavailable)("eBay has an error of its own", **facts)
        return None if judged else Refused("eBay refused", words=trading_words(said), **facts)

    def _execute(self, verb: str, data: Mapping[str, Any], token: str, changes: bool) -> Mapping[str, Any] | None:
        """The answer as a plain tree; None for a 401. ebaysdk only asks: its reader is slow and takes blanks off SKUs."""
        answer = self._post(self._connection(token), verb, data, changes)
        said = _tree_of(answer) if answer.status_code == 200 else {}
        if "Ack" in said:
            return said
        if answer.status_code == 401:
            return None
        raise self._no_xml(answer, changes)

    def _post(self, trading: Any, verb: str, data: Mapping[str, Any], changes: bool) -> requests.Response:
        lost = OutcomeUnknown if changes else Unavailable
        try:
            trading.build_request(verb, dict(data), None)
            trading.execute_request()
        except requests.ConnectTimeout as error:
            raise Unavailable("ebay cannot be reached", cause=type(error).__name__) from None
        except (requests.RequestException, EbaySDKError) as error:
            raise lost("ebay did not answer", cause=type(error).__name__) from None
        answer: requests.Response = trading.response
        return answer

    def _no_xml(self, answer: requests.Response, changes: bool) -> HubError:
        if answer.status_code >= 300:
            return self._refusal("trading", answer, changes=changes)
        return (OutcomeUnknown if changes else Unavailable)("eBay answered something that is not its XML")

    def _connection(self, token: str) -> Any:
        url, settings, app = urlsplit(self._kit.settings["api_url"]), self._kit.settings, self._kit.app
        trading = Trading(
            domain=url.netloc,
            uri=f"{url.path}/ws/api.dll",
            config_file=None,  # else it looks for ebay.yaml and fails without
            iaf_token=token,
            appid=app["client_id"],
            devid=app.get("dev_id") or "-",  # None would be an invalid header
            certid="-",
            siteid=str(settings["trading_site"]),
            compatibility=str(settings["trading_version"]),
            escape_xml=True,
            errors=False,
            warnings=False,
            timeout=30,
        )
        trading.config.set("https", url.scheme == "https", force=True)  # its own argument is forced back to True
        trading.session = self._http.session
        return trading


def rows(value: Any) -> list[Any]:
    """A child that comes once stands as itself, several as a list."""
    return [] if value is None else value if isinstance(value, list) else [value]


def _tree_of(answer: requests.Response) -> Mapping[str, Any]:
    """What eBay's XML says, by the names of its elements, texts as they are written; {} for what is no XML."""
    try:
        # no entities and no way out to the network: whoever answers must not make us read files
        said = _tree(etree.fromstring(answer.content, etree.XMLParser(resolve_entities=False, no_network=True)))
    except (etree.XMLSyntaxError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _tree(node: Any) -> dict[str, Any] | str | None:
    if not len(node):
        text: str | None = node.text
        return text
    found: dict[str, Any] = {}
    for child in node:
        if isinstance(child.tag, str):  # a comment's is not
            _hang(found, child.tag.rpartition("}")[2], _tree(child))
    return found


def _hang(tree: dict[str, Any], name: str, value: Any) -> None:
    if name not in tree:
        tree[name] = value
    elif isinstance(tree[name], list):
        tree[name].append(value)
    else:
        tree[name] = [tree[name], value]


def _trading_codes(said: Mapping[str, Any]) -> list[str]:
    return [str(error.get("ErrorCode", "")) for error in rows(said.get("Errors")) if error.get("SeverityCode") != "Warning"]


def trading_words(said: Mapping[str, Any]) -> str:
    """eBay's own words, for `words` only."""
    return "; ".join(str(error.get("LongMessage") or error.get("ShortMessage") or "") for error in rows(said.get("Errors")))[:500]


def _codes(answer: requests.Response) -> str:
    """The errorIds of a REST refusal."""
    try:
        said = answer.json()
        return ",".join(str(error["errorId"]) for error in said["errors"])
    except (ValueError, KeyError, TypeError):
        return ""


def _words(answer: requests.Response) -> str:
    """eBay's own sentences: REST keeps them as `errors`, the Post-Order API as `errorMessage.error` ‡."""
    try:
        said = answer.json()
        found = said["errors"] if "errors" in said else said["errorMessage"]["error"]
        return " ".join(str(error.get("longMessage") or error["message"]) for error in found)[:500]
    except (ValueError, KeyError, TypeError, AttributeError):
        return answer.text[:500]


def query_of(url: str, key: str) -> str | None:
    """One query parameter of an address that eBay gave (`next`)."""
    return next(iter(parse_qs(urlsplit(url).query).get(key, [])), None)
