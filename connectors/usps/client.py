"""Calls to USPS. Each takes from its API's budget first; a token that is refused is renewed once. JSON in, JSON out, no retries."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import requests

from connectors.http import Http, json_of, read_json, write_json
from connectors.usps import HOURLY, normalize, render
from core.errors import AccessLost, BadPayload, HubError, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import Fresh, Kit, Rate

PAYMENT = "X-Payment-Authorization-Token"
KEY = "X-Idempotency-Key"
# A 403 with one of these is about our app; every other is about a parcel, an account or a Mailer ID.
NO_ACCESS = frozenset(["oauth.v2.InsufficientScope", "oauth.v2.InvalidApiKeyForGivenResource", "oauth.v2.ApiKeyNotApproved"])
MARGIN = timedelta(minutes=5)


class Client:
    """One account's calls. The payment authorization lives in here as long as USPS lets it, eight hours."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._http: Http = kit.http
        self._payment: tuple[str, datetime] | None = None
        self._taught: set[str] = set()

    # What USPS can do

    def authorize(self) -> Mapping[str, Any]:
        """A new payment authorization: {paymentAuthorizationToken, roles}."""
        said = self._json("payments", "POST", "/payments/v3/payment-authorization", body=render.roles(self._kit.login))
        life = timedelta(seconds=self._kit.settings["payment_life_s"])
        self._payment = (normalize.payment_token(said), self._kit.clock() + life - MARGIN)
        return said

    def options(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Prices with days: {pricingOptions: [{priceType, shippingOptions: [{mailClass, rateOptions}]}]}."""
        return self._json("shipments", "POST", "/shipments/v3/options/search", body=body)

    def label(self, body: Mapping[str, Any], key: str, *, abroad: bool) -> Mapping[str, Any]:
        """Buy a label under this key: its metadata and `labelImage` in base64. The same key and body give the same label."""
        path = "/international-labels/v3/international-label" if abroad else "/labels/v3/label"
        return self._papers(_api(abroad), path, body, changes=True, pays=True, headers={KEY: key})

    def cancel(self, tracking: str, *, abroad: bool) -> Mapping[str, Any]:
        """Cancel a label, or ask for its refund: {status: CANCELED or DISPUTED}."""
        path = "/international-labels/v3/international-label" if abroad else "/labels/v3/label"
        return self._json(_api(abroad), "DELETE", f"{path}/{_quoted(tracking)}", changes=True, pays=True)

    def reprint(self, tracking: str, body: Mapping[str, Any], *, abroad: bool) -> Mapping[str, Any]:
        """The label once more: {labelMetadata, labelImage, reprintInfo}."""
        path = "/international-labels/v3/international-label-reprint" if abroad else "/labels/v3/label-reprint"
        return self._papers(_api(abroad), f"{path}/{_quoted(tracking)}", body, pays=True)

    def tracking(self, number: str) -> Mapping[str, Any] | None:
        """Everything of a parcel; None where USPS knows no such number."""
        path = f"/tracking/v3/tracking/{_quoted(number)}?expand=DETAIL"
        return self._known("tracking", path, absent=(400, 404))

    def address(self, query: Mapping[str, str]) -> Mapping[str, Any]:
        """An address as USPS writes it. Raises Refused with status 404 where it finds none, or several."""
        text = "&".join(f"{name}={_quoted(value)}" for name, value in query.items())
        return self._json("addresses", "GET", f"/addresses/v3/address?{text}")

    def scan_form(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """A manifest of labels: {manifestNumber, trackingNumbers, SCANFormImage}."""
        return self._papers("scan-forms", "/scan-forms/v3/scan-form", body, changes=True)

    def schedule_pickup(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Order the driver: {confirmationNumber, pickupDate}."""
        return self._json("pickup", "POST", "/pickup/v3/carrier-pickup", changes=True, body=body)

    def cancel_pickup(self, number: str) -> None:
        """The driver need not come; nothing where no such pickup stands any more."""
        path = f"/pickup/v3/carrier-pickup/{_quoted(number)}"
        try:
            version = self._call("pickup", "GET", path).headers.get("ETag", "")
        except Refused as error:
            if error.facts.get("status") == 404:
                return
            raise
        self._call("pickup", "DELETE", path, changes=True, headers={"If-Match": version})

    # How it is asked

    def _known(self, api: str, path: str, absent: tuple[int, ...]) -> Mapping[str, Any] | None:
        try:
            return self._json(api, "GET", path)
        except Refused as error:
            if error.facts.get("status") in absent:
                return None
            raise

    def _json(self, api: str, method: str, path: str, *, changes: bool = False, **rest: Any) -> Mapping[str, Any]:
        answer = self._call(api, method, path, changes=changes, **rest)
        return _object(json_of(answer, "usps", changes=changes), changes=changes)

    def _papers(self, api: str, path: str, body: Mapping[str, Any], *, changes: bool = False, **rest: Any) -> Mapping[str, Any]:
        """An answer with documents: JSON with base64 in it, or several parts where USPS prefers those."""
        accept = str(self._kit.settings["papers"])
        answer = self._call(api, "POST", path, changes=changes, body=body, accept=accept, **rest)
        if answer.headers.get("Content-Type", "").startswith("multipart/"):
            return normalize.parts(answer.content, answer.headers["Content-Type"])
        return _object(json_of(answer, "usps", changes=changes), changes=changes)

    def _call(self, api: str, method: str, path: str, *, changes: bool = False, pays: bool = False, **rest: Any) -> requests.Response:
        self._take(api)
        answer = self._send(method, path, self._tokens(pays), changes, **rest)
        if answer.status_code == 401 or (pays and _names_payment(answer)):
            self._payment = None
            rejected = self._used if answer.status_code == 401 else None
            answer = self._send(method, path, self._tokens(pays, rejected), changes, **rest)
        if answer.status_code >= 300:
            raise self._refusal(api, answer, changes=changes)
        return answer

    def _take(self, api: str) -> None:
        """From the API's budget, which is as large as the operator says that USPS made it."""
        hourly = int(self._kit.settings["calls_per_hour"])
        if hourly != HOURLY and api not in self._taught:
            self._kit.budget.learn(api, rate=Rate(hourly / 3600, hourly))
            self._taught.add(api)
        self._kit.budget.take(api)

    def _send(
        self,
        method: str,
        path: str,
        tokens: Mapping[str, str],
        changes: bool,
        *,
        body: Mapping[str, Any] | None = None,
        accept: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        sent = {"Accept": accept, **tokens, **(headers or {})}
        if body is not None:
            sent["Content-Type"] = "application/json"
        data = None if body is None else write_json(body)
        return self._http.send(method, self._kit.settings["api_url"] + path, changes=changes, headers=sent, data=data)

    def _refusal(self, api: str, answer: requests.Response, *, changes: bool) -> HubError:
        wait_s = float(self._kit.settings["throttled_wait_s"])
        error = self._http.refusal(answer, changes=changes, default_wait_s=wait_s)
        codes, words = _said(answer)
        if isinstance(error, RateLimited):
            self._kit.budget.learn(api, left=0.0)
        if answer.status_code == 403 and NO_ACCESS & set(codes):
            error = AccessLost("USPS does not let this app do that", **error.facts)
        error.facts["codes"] = ",".join(codes)
        error.words = (words or error.words)[:500]
        return error

    # Tokens

    def _tokens(self, pays: bool, rejected: str | None = None) -> dict[str, str]:
        """The headers that let us in; `pays`: the payment authorization too."""
        self._used = self._kit.tokens.access(self._refresh, rejected=rejected)
        if pays and (self._payment is None or self._payment[1] <= self._kit.clock()):
            self.authorize()
        paying = {PAYMENT: self._payment[0]} if pays and self._payment else {}
        return {"Authorization": f"Bearer {self._used}", **paying}

    def _refresh(self, login: Mapping[str, str]) -> Fresh:
        self._take("oauth")
        form = {"grant_type": "client_credentials", "client_id": login["consumer_key"], "client_secret": login["consumer_secret"]}
        if self._kit.settings["scopes"]:
            form["scope"] = self._kit.settings["scopes"]
        answer = self._http.send("POST", self._kit.settings["api_url"] + "/oauth2/v3/token", changes=False, data=form)
        if answer.status_code in (400, 401, 403):
            raise AccessLost("USPS does not take the consumer key and secret", status=answer.status_code, words=answer.text[:500])
        if answer.status_code >= 300:
            raise self._refusal("oauth", answer, changes=False)
        return self._fresh(json_of(answer, "usps", changes=False))

    def _fresh(self, said: Mapping[str, Any]) -> Fresh:
        try:
            return Fresh(said["access_token"], self._kit.clock() + timedelta(seconds=int(said["expires_in"])))
        except (KeyError, TypeError, ValueError):
            raise Unavailable("USPS gave no token") from None


def _api(abroad: bool) -> str:
    return "international-labels" if abroad else "labels"


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _object(said: Any, *, changes: bool) -> Mapping[str, Any]:
    if not isinstance(said, dict):
        raise (OutcomeUnknown if changes else Unavailable)("USPS answered another shape")
    return said


def _error(answer: requests.Response) -> dict[str, Any]:
    """USPS's {error: {code, message, errors}}; {} where it said something else."""
    try:
        said = read_json(answer.content)
    except BadPayload:
        return {}
    error = said.get("error") if isinstance(said, dict) else None
    return error if isinstance(error, dict) else {}


def _details(answer: requests.Response) -> list[dict[str, Any]]:
    listed = _error(answer).get("errors")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _said(answer: requests.Response) -> tuple[list[str], str]:
    """The codes and the words of a refusal: the details where there are any, else the message."""
    details, error = _details(answer), _error(answer)
    codes = [str(one["code"]) for one in (error, *details) if one.get("code")]
    words = [str(one["detail"]) for one in details if one.get("detail")] or [str(error.get("message") or "")]
    return codes, " ".join(words)


def _names_payment(answer: requests.Response) -> bool:
    """It is the payment authorization that is refused: it ended, or was made before something changed."""
    if answer.status_code not in (400, 403):
        return False
    sources = [one["source"] for one in _details(answer) if isinstance(one.get("source"), dict)]
    return any(PAYMENT in (source.get("parameter"), source.get("header")) for source in sources)
