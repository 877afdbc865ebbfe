"""Calls to UPS, JSON in and JSON out. A 401 is answered by one new token; nothing is sent twice otherwise."""

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import requests

from connectors.http import Http, json_of, read_json
from core.errors import AccessLost, BadPayload, HubError, OutcomeUnknown, Refused, Unavailable
from core.ports import Fresh, Kit

Body = Mapping[str, Any]
OAUTH = "/security/v1/oauth/token"


class Client:
    """Calls in the name of one account. Each takes from its API's budget first."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._http: Http = kit.http

    def rates(self, body: Body) -> Body | None:
        """Offers of all services; None where no service goes there."""
        path = f"/api/rating/{self._of('rating_version')}/{self._of('rate_option')}"
        return self._or_none("no_service_codes", lambda: self._call("rating", "POST", path, json=body))

    def ship(self, body: Body) -> Body:
        return self._call("shipping", "POST", f"/api/shipments/{self._of('shipping_version')}/ship", changes=True, json=body)

    def void(self, shipment: str) -> Body:
        """Raises Refused; with one of `too_late_codes` where it is too late, or UPS no longer knows it as one that can be given back."""
        path = f"/api/shipments/{self._of('shipping_version')}/void/cancel/{_quoted(shipment)}"
        return self._call("shipping", "DELETE", path, changes=True)

    def recover(self, body: Body) -> Body | None:
        """Labels once more; None where UPS has no such shipment."""
        path = f"/api/labels/{self._of('recovery_version')}/recovery"
        return self._or_none("unknown_label_codes", lambda: self._call("shipping", "POST", path, json=body))

    def track(self, number: str) -> Body | None:
        """All that UPS tells of a parcel; None where it does not know it."""
        path = f"/api/track/{self._of('tracking_version')}/details/{_quoted(number)}"
        return self._or_none("unknown_number_codes", lambda: self._call("tracking", "GET", f"{path}?locale=en_US"))

    def by_reference(self, reference: str, ship_on: date) -> Body | None:
        """The parcels of this account with our reference, sent between some days before that day and today; None where UPS knows of
        none."""
        days, today = timedelta(days=int(self._of("lookup_days"))), self._kit.clock().date()
        query = {
            "locale": "en_US",
            "fromPickUpDate": f"{min(ship_on, today) - days:%Y%m%d}",
            "toPickUpDate": f"{max(ship_on, today) + timedelta(days=1):%Y%m%d}",
            "shipperNum": self._kit.account,
            "refNumType": "SmallPackage",
        }
        path = f"/api/track/{self._of('tracking_version')}/reference/details/{_quoted(reference)}?{urlencode(query)}"
        return self._or_none("unknown_number_codes", lambda: self._call("tracking", "GET", path))

    def check(self, body: Body) -> Body:
        """Validate an address and say whether people live there: option 3."""
        return self._call("address", "POST", f"/api/addressvalidation/{self._of('address_version')}/3", json=body)

    def pick_up(self, body: Body) -> Body:
        return self._call("pickup", "POST", f"/api/pickupcreation/{self._of('pickup_version')}/pickup", changes=True, json=body)

    def pending_pickups(self) -> Body | None:
        """Those of today and tomorrow that are still to come; None where there is none."""
        path = f"/api/shipments/{self._of('pickup_version')}/pickup/oncall"
        return self._or_none("", lambda: self._call("pickup", "GET", path, more={"AccountNumber": self._kit.account}))

    def cancel_pickup(self, number: str) -> Body:
        path = f"/api/shipments/{self._of('pickup_version')}/pickup/02"
        return self._call("pickup", "DELETE", path, changes=True, more={"Prn": number})

    def subscribe(self, body: Body) -> Body:
        path = f"/api/track/{self._of('alert_version')}/subscription/{self._of('alert_kind')}/package"
        return self._call("tracking", "POST", path, changes=True, json=body)

    def _of(self, setting: str) -> Any:
        return self._kit.settings[setting]

    def _or_none(self, codes: str, ask: Callable[[], Body]) -> Body | None:
        """What UPS answers; None where it says 404, or one of the codes that mean as much."""
        try:
            return ask()
        except Refused as error:
            if self.is_none(error, codes):
                return None
            raise

    def is_none(self, error: Refused, codes: str) -> bool:
        """Whether a refusal means that there is no such thing: it is a 404, or has one of the codes of this setting."""
        meant = set(str(self._of(codes)).split()) if codes else set()
        return error.facts.get("status") == 404 or bool(meant & set(_codes(error)))

    def _call(self, api: str, method: str, path: str, *, changes: bool = False, more: Body | None = None, **rest: Any) -> Body:
        self._kit.budget.take(api)
        token = self._kit.tokens.access(self._fresh)
        answer = self._send(method, path, token, changes, more, rest)
        if answer.status_code == 401:
            answer = self._send(method, path, self._kit.tokens.access(self._fresh, rejected=token), changes, more, rest)
        if answer.status_code >= 300:
            raise self._refusal(answer, changes=changes)
        said = _whole(answer, changes=changes)
        if _errors(said):  # a refusal in an answer of 200
            codes, words = _told(said)
            raise Refused("UPS refused", words=words, path=path.partition("?")[0], status=answer.status_code, codes=" ".join(codes))
        return said

    def _send(self, method: str, path: str, token: str, changes: bool, more: Body | None, rest: Body) -> requests.Response:
        headers = {
            "Authorization": f"Bearer {token}",
            "Accept": "application/json",
            "transId": uuid4().hex,
            "transactionSrc": self._of("transaction_src"),
            **(more or {}),
        }
        return self._http.send(method, self._of("api_url") + path, changes=changes, headers=headers, **rest)

    def _fresh(self, login: Mapping[str, str]) -> Fresh:
        """A new token. Raises AccessLost where UPS does not take our keys."""
        self._kit.budget.take("token")
        pair = base64.b64encode(f"{login.get('client_id', '')}:{login.get('client_secret', '')}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}", "Accept": "application/json", "x-merchant-id": self._kit.account}
        form = {"grant_type": "client_credentials"}
        answer = self._http.send("POST", self._of("api_url") + OAUTH, changes=False, headers=headers, data=form)
        if answer.status_code in (400, 403):
            raise AccessLost("UPS does not take our keys", status=answer.status_code, words=_said(answer)[1])
        if answer.status_code >= 300:
            raise self._refusal(answer, changes=False)
        return self._held(json_of(answer, "UPS", changes=False))

    def _held(self, said: Mapping[str, Any]) -> Fresh:
        try:
            return Fresh(str(said["access_token"]), self._kit.clock() + timedelta(seconds=int(said["expires_in"])))
        except (KeyError, TypeError, ValueError):
            raise Unavailable("UPS gave no token") from None

    def _refusal(self, answer: requests.Response, *, changes: bool) -> HubError:
        """Their refusal with its codes; their words stay out of its text."""
        error = self._http.refusal(answer, changes=changes, default_wait_s=float(self._of("throttled_wait_s")))
        codes, words = _said(answer)
        error.facts["codes"], error.words = " ".join(codes), words or error.words
        if answer.status_code == 403 and self._shuts_out(codes):
            return AccessLost("UPS no longer accepts our credentials", words=error.words, **error.facts)
        return error

    def _shuts_out(self, codes: Sequence[str]) -> bool:
        """A 403 about ourselves, not about what this one request asked for: one without a code, too."""
        return not codes or bool(set(codes) & set(str(self._of("no_access_codes")).split()))


def _quoted(text: str) -> str:
    return quote(text, safe="")


def _codes(error: HubError) -> list[str]:
    return str(error.facts.get("codes", "")).split()


def _said(answer: requests.Response) -> tuple[list[str], str]:
    """(codes, words) of a refusal; nothing where it is not JSON."""
    try:
        return _told(read_json(answer.content))
    except BadPayload:
        return [], ""


def _told(said: Any) -> tuple[list[str], str]:
    errors = _errors(said)
    words = " ".join(f"{error.get('message', '')} ({error.get('code', '')})" for error in errors)
    return ["".join(str(error.get("code", "")).split()) for error in errors], words[:500]


def _errors(said: Any) -> list[dict[str, Any]]:
    """{response: {errors: [{code, message}]}}"""
    inside = said.get("response") if isinstance(said, dict) else None
    found = inside.get("errors") if isinstance(inside, dict) else None
    return [error for error in found if isinstance(error, dict)] if isinstance(found, list) else []


def _whole(answer: requests.Response, *, changes: bool) -> Body:
    """The object that was answered; another shape, or an empty body, tells nothing of what happened."""
    said = json_of(answer, "UPS", changes=changes)
    if not isinstance(said, dict):
        raise (OutcomeUnknown if changes else Unavailable)("UPS answered another shape", status=answer.status_code)
    return said
