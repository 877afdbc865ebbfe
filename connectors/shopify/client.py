"""Calls to Shopify's Admin GraphQL API: tokens, cost budget, errors. Vendor's JSON in, vendor's JSON out; shopifyapi lives here only."""

import hmac
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import requests
import shopify
from shopify import session_token
from shopify.utils.shop_url import sanitize_shop_domain

from connectors.http import TIMEOUT, json_of
from core.errors import AccessLost, BadPayload, Forged, HubError, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import Fresh, Kit, Rate

SHOP = re.compile(r"[a-z0-9][a-z0-9_-]*\.myshopify\.com", re.I)  # what may stand in an address of ours (shopify.dev, authorization, 2026)
TOKEN_SIZE = 8_192  # letters of what may be an ID token
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"  # noqa: S105 - the name of a kind
KINDS = {kind: f"urn:shopify:params:oauth:token-type:{kind}-access-token" for kind in ("offline", "online")}
BUDGET = "graphql"
GUESS = 100.0  # points of a document that was never answered yet
PATIENCE = (3.05, 10.0)  # seconds to connect, to answer, while a person waits
CHUNK = 65_536  # bytes
Send = Callable[[str, Mapping[str, Any]], requests.Response]


class Gql(shopify.GraphQL):
    """Shopify's own client on our session: no global session, no urllib, no printing of what went wrong."""

    def __init__(self, endpoint: str, token: str, send: Send) -> None:
        self.endpoint = endpoint
        self.headers = {"X-Shopify-Access-Token": token, "Content-Type": "application/json", "Accept": "application/json"}
        self._send = send

    def execute(self, query: str, variables: Mapping[str, Any] | None = None, operation_name: str | None = None) -> requests.Response:
        """The answer, whatever its status."""
        return self._send(self.endpoint, {"query": query, "variables": variables, "operationName": operation_name})


def secrets(app: Mapping[str, str]) -> list[str]:
    """Our app's client secrets: while one is being changed the old one is good as well."""
    return [secret for name in ("client_secret", "old_client_secret") if (secret := app.get(name))]


def claims(token: str, app: Mapping[str, str]) -> dict[str, Any]:
    """What an ID token says, once shopifyapi takes it for one of ours: signature, audience, hosts, times where it tells any. Raises
    Forged."""
    if len(token) > TOKEN_SIZE:
        raise Forged("shopify: an ID token is not as long as that")
    for secret in secrets(app):
        try:
            said: dict[str, Any] = session_token.decode_from_header(f"Bearer {token}", app["client_id"], secret)
            return said
        except session_token.SessionTokenError:
            continue
        except (TypeError, ValueError, AttributeError, RecursionError):  # claims of another kind than shopifyapi reckons with (12.7.0)
            break
    raise Forged("shopify: the ID token does not hold")


def signed_query(query: Mapping[str, str], app: Mapping[str, str]) -> bool:
    """Whether Shopify signed these parameters: shopifyapi's way of writing them down, with each of our secrets."""
    given = query.get("hmac", "").encode()
    return any(hmac.compare_digest(_query_hmac(query, secret).encode(), given) for secret in secrets(app))


def _query_hmac(query: Mapping[str, str], secret: str) -> str:
    """The secret is the class's there: one of its own for each call shares it with nobody."""
    own: Any = type("Signer", (shopify.Session,), {"secret": secret})
    made: str = own.calculate_hmac(query)
    return made


def shop_named(text: str) -> str:
    """The shop that somebody typed: its name, its domain or its address. Raises BadPayload."""
    said = text.strip().lower().removeprefix("https://").partition("/")[0]
    found: str | None = sanitize_shop_domain(said) if said else None
    if found is None or not SHOP.fullmatch(found):
        raise BadPayload("shopify: a shop is example.myshopify.com")
    return found


def address(kit: Kit, account: str) -> str:
    """The shop's own address, without a slash at its end."""
    return str(kit.settings["url"]).format(account=account).rstrip("/")


def exchanged(kit: Kit, account: str, token: str, kind: str) -> Mapping[str, Any]:
    """What Shopify gives for an ID token: an "offline" token of the shop, which ends and can be renewed, or an "online" one of the
    person. Raises Refused where it gives none."""
    body = {
        "grant_type": EXCHANGE,
        "subject_token": token,
        "subject_token_type": ID_TOKEN,
        "requested_token_type": KINDS[kind],
        **({"expiring": "1"} if kind == "offline" else {}),
    }
    return _granted(kit, account, body, _no_token, PATIENCE)


def for_code(kit: Kit, account: str, code: str) -> Mapping[str, Any]:
    """What Shopify gives for the code that a person came back with."""
    return _granted(kit, account, {"code": code, "expiring": "1"}, _no_token, PATIENCE)


def renewed(kit: Kit, account: str, refresh_token: str) -> Mapping[str, Any]:
    """A new pair. Raises AccessLost where the shop must be connected again."""
    return _granted(kit, account, {"grant_type": "refresh_token", "refresh_token": refresh_token}, _lost, TIMEOUT)


def _granted(
    kit: Kit, account: str, body: Mapping[str, str], refusal: Callable[[requests.Response], HubError], timeout: tuple[float, float]
) -> Mapping[str, Any]:  # fmt: skip
    asked = {"client_id": kit.app["client_id"], "client_secret": kit.app["client_secret"], **body}
    url = f"{address(kit, account)}/admin/oauth/access_token"
    answer = kit.http.send("POST", url, changes=False, json=asked, timeout=timeout)
    if answer.status_code in (400, 401):
        raise refusal(answer)
    if answer.status_code != 200:
        other: HubError = kit.http.refusal(answer, changes=False)
        raise other
    told = json_of(answer, "shopify", changes=False)
    if not isinstance(told, dict):
        raise Unavailable("shopify answered something that is not an object", call="token")
    return told


def fresh(kit: Kit, told: Mapping[str, Any]) -> Fresh:
    """The tokens of an answer. Raises Unavailable where they are not all there: one that never ends is refused from 2027 on."""
    now = kit.clock()
    try:
        ends, login_ends = (now + timedelta(seconds=int(told[name])) for name in ("expires_in", "refresh_token_expires_in"))
        return Fresh(str(told["access_token"]), ends, {"refresh_token": str(told["refresh_token"])}, login_ends, str(told["scope"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise Unavailable("shopify gave no token that ends and can be renewed") from None


class Client:
    """One shop's Admin API."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._url = address(kit, kit.account)
        self._costs: dict[str, float] = {}

    def run(self, name: str, document: str, variables: Mapping[str, Any] | None = None, *, changes: bool = False) -> dict[str, Any]:
        """The `data` of an answer without errors. A token that is refused is refreshed once."""
        self._kit.budget.take(BUDGET, self._costs.get(name, GUESS))
        token = self._token()
        answer = self._ask(token, name, document, variables, changes)
        if answer.status_code == 401:
            answer = self._ask(self._token(rejected=token), name, document, variables, changes)
        return self._data(name, answer, changes)

    def _ask(self, token: str, name: str, document: str, variables: Mapping[str, Any] | None, changes: bool) -> requests.Response:
        endpoint = f"{self._url}/admin/api/{self._kit.settings['version']}/graphql.json"
        headers = {"X-Shopify-Access-Token": token, "Accept": "application/json"}

        def send(url: str, body: Mapping[str, Any]) -> requests.Response:
            answer: requests.Response = self._kit.http.send("POST", url, changes=changes, headers=headers, json=body)
            return answer

        answer: requests.Response = Gql(endpoint, token, send).execute(document, variables, name)
        return answer

    def _data(self, name: str, answer: requests.Response, changes: bool) -> dict[str, Any]:
        if answer.status_code != 200:
            refusal: HubError = self._kit.http.refusal(answer, changes=changes)
            raise refusal
        told = json_of(answer, "shopify", changes=changes)
        if not isinstance(told, dict):
            raise Unavailable("shopify answered something that is not an object", call=name)
        self._learn(name, told.get("extensions") or {})
        if errors := told.get("errors"):
            raise _error(name, errors, told.get("extensions") or {}, changes, answer.headers.get("x-request-id", ""))
        data: dict[str, Any] = told["data"]
        return data

    def _learn(self, name: str, extensions: Mapping[str, Any]) -> None:
        """`throttleStatus` is the shop's bucket as it is now; the plan decides its size and speed."""
        cost = extensions.get("cost") or {}
        if (asked := cost.get("requestedQueryCost")) is not None:
            self._costs[name] = float(asked)
        if status := cost.get("throttleStatus"):
            rate = Rate(float(status["restoreRate"]), float(status["maximumAvailable"]))
            self._kit.budget.learn(BUDGET, rate, float(status["currentlyAvailable"]))

    def _token(self, *, rejected: str | None = None) -> str:
        """An expiring token is kept fresh; a custom app's own token, without a refresh token, is all there is."""
        login = self._kit.login
        if login.get("refresh_token"):
            return self._kit.tokens.access(self._refresh, rejected=rejected)
        if rejected is not None or not login.get("access_token"):
            raise AccessLost("shopify no longer accepts our credentials")
        return login["access_token"]

    def _refresh(self, login: Mapping[str, str]) -> Fresh:
        """The old refresh token holds until the new access token is used (2026-08-28), so a lost answer may be asked again."""
        return fresh(self._kit, renewed(self._kit, self._kit.account, login["refresh_token"]))

    def piece(self, url: str, start: int, size: int) -> tuple[bytes, bool] | None:
        """At most `size` bytes of an export's file from `start` on, and whether they are its last; None where the file is no longer
        there. It lies outside of the API: its url is all that opens it, and no token goes along."""
        headers = {"Range": f"bytes={start}-{start + size - 1}", "Accept-Encoding": "identity"}
        with self._kit.http.send("GET", url, changes=False, headers=headers, stream=True) as answer:
            if 400 <= answer.status_code < 500 and answer.status_code not in (408, 429):
                return None
            if answer.status_code not in (200, 206):
                refusal: HubError = self._kit.http.refusal(answer, changes=False)
                raise refusal
            return _piece(answer, start, size)

    def pages(self, name: str, document: str, root: str) -> Iterator[dict[str, Any]]:
        """Every node of a connection at the top of the schema."""
        cursor: str | None = None
        while True:
            page = self.run(name, document, {"after": cursor})[root]
            yield from page["nodes"]
            if not page["pageInfo"]["hasNextPage"]:
                return
            cursor = page["pageInfo"]["endCursor"]


def _piece(answer: requests.Response, start: int, size: int) -> tuple[bytes, bool]:
    """A storage that knows no ranges (status 200) gives the file from its beginning: then what lies before `start` is passed over."""
    if answer.status_code == 200:
        read = _read(answer, start, size + 1)
        return read[:size], len(read) <= size
    span, _, total = answer.headers.get("Content-Range", "").partition("/")
    if not span.startswith(f"bytes {start}-") or not total.isdigit():
        raise Unavailable("shopify's storage gave another part of the file than was asked for")
    read = _read(answer, 0, size)
    return read, start + len(read) >= int(total)


def _read(answer: requests.Response, skip: int, size: int) -> bytes:
    """`size` bytes behind the first `skip`; of all others there is never more than a chunk in memory."""
    kept = bytearray()
    try:
        for chunk in answer.iter_content(CHUNK):
            kept += chunk[skip:]
            skip = max(0, skip - len(chunk))
            if len(kept) >= size:
                break
    except requests.RequestException as error:
        raise Unavailable("shopify's storage broke off", cause=type(error).__name__) from None
    return bytes(kept[:size])


def _lost(answer: requests.Response) -> Refused:
    """invalid_client is our own app's fault and stops every shop; anything else means that this shop must be connected again."""
    return _not_us(answer) or AccessLost("shopify no longer accepts our refresh token", status=answer.status_code)


def _no_token(answer: requests.Response) -> Refused:
    return _not_us(answer) or Refused("shopify gave no token for that", status=answer.status_code, words=answer.text[:500])


def _not_us(answer: requests.Response) -> Refused | None:
    if "invalid_client" not in answer.text[:500]:
        return None
    return Refused("shopify does not know our app: its client id or secret is wrong", status=answer.status_code)


def _codes(errors: Any) -> set[str]:
    if not isinstance(errors, list):
        return set()
    return {str((error.get("extensions") or {}).get("code", "")) for error in errors if isinstance(error, dict)}


def _error(name: str, errors: Any, extensions: Mapping[str, Any], changes: bool, request_id: str) -> HubError:
    """What HTTP 200 with `errors` means: `extensions.code` decides."""
    codes, facts = _codes(errors), {"call": name, "request_id": request_id}
    if "THROTTLED" in codes:
        return RateLimited("shopify says slow down", wait_s=_wait(extensions.get("cost") or {}), operation=BUDGET, **facts)
    if "INTERNAL_SERVER_ERROR" in codes:
        return (OutcomeUnknown if changes else Unavailable)("shopify failed inside", **facts)
    if "ACCESS_DENIED" in codes:
        return Refused("the shop has not granted us that: install the app again", words=str(errors)[:500], code="ACCESS_DENIED", **facts)
    if "SHOP_INACTIVE" in codes:
        return AccessLost("the shop is not active", **facts)
    return Refused("shopify refused", words=str(errors)[:500], code=",".join(sorted(filter(None, codes))), **facts)


def _wait(cost: Mapping[str, Any]) -> float:
    """Seconds until the bucket holds what the query costs."""
    status = cost.get("throttleStatus")
    if not status:
        return 2.0
    short = float(cost.get("requestedQueryCost") or 0) - float(status["currentlyAvailable"])
    return max(0.5, short / float(status["restoreRate"]))
