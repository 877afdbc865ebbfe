"""Calls to Shopify's Admin GraphQL API: tokens, cost budget, errors. Vendor's JSON in, vendor's JSON out; shopifyapi lives here only."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import requests
import shopify

from connectors.http import json_of
from core.errors import AccessLost, HubError, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import Fresh, Kit, Rate

BUDGET = "graphql"
GUESS = 100.0  # points of a document that was never answered yet
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


class Client:
    """One shop's Admin API."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._url = str(kit.settings["url"]).format(account=kit.account).rstrip("/")
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
        """A new pair. The old refresh token holds until the new access token is used (2026-08-28), so a lost answer may be asked again."""
        body = {
            "client_id": self._kit.app["client_id"],
            "client_secret": self._kit.app["client_secret"],
            "grant_type": "refresh_token",
            "refresh_token": login["refresh_token"],
        }
        answer = self._kit.http.send("POST", f"{self._url}/admin/oauth/access_token", changes=False, json=body)
        if answer.status_code in (400, 401):
            raise _lost(answer)
        if answer.status_code != 200:
            refusal: HubError = self._kit.http.refusal(answer, changes=False)
            raise refusal
        told = json_of(answer, "shopify", changes=False)
        expires = self._kit.clock() + timedelta(seconds=int(told["expires_in"]))
        return Fresh(told["access_token"], expires, {"refresh_token": told["refresh_token"]})

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
    if "invalid_client" in answer.text[:500]:
        return Refused("shopify does not know our app: its client id or secret is wrong", status=answer.status_code)
    return AccessLost("shopify no longer accepts our refresh token", status=answer.status_code)


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
