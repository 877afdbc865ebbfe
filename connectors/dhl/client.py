"""Calls to the MyDHL API: JSON in, JSON out. HTTP Basic, so there is no token to renew: a 401 is final."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from email.utils import format_datetime
from typing import Any
from urllib.parse import quote, urlencode

import requests

from connectors.http import Http, json_of, read_json, write_json
from core.errors import AccessLost, BadPayload, HubError, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import Kit

Query = Sequence[tuple[str, str]]
CODE = re.compile(r"\s*(\d{3,6}):")  # DHL's number of a refusal stands before its words


class Client:
    """Calls for one account. Each takes from its budget first; none is repeated."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._http: Http = kit.http

    def addresses(self, query: Query) -> dict[str, Any]:
        """Places that are served: {address: [...], warnings}."""
        return self._json("addresses", "GET", "/address-validate", query=query)

    def rates(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """{products: [...]}; none where nothing goes there."""
        try:
            return self._json("rates", "POST", "/rates", body=body)
        except Refused as error:
            if set(error.facts.get("codes", "").split(",")) & set(self._kit.settings["no_product_codes"].split()):
                return {"products": []}
            raise

    def ship(self, body: Mapping[str, Any], key: str, query: Query) -> dict[str, Any]:
        """Buy: {shipmentTrackingNumber, packages, documents, ...}."""
        return self._json("shipments", "POST", "/shipments", changes=True, key=key, body=body, query=query)

    def tracking(self, query: Query) -> dict[str, Any]:
        """{shipments: [...]}; none where DHL knows none of them."""
        return self._known("/tracking", query)

    def shipment_tracking(self, waybill: str, query: Query) -> dict[str, Any]:
        """The same of one shipment, its events with the zones of their times."""
        return self._known(f"/shipments/{quote(waybill, safe='')}/tracking", query)

    def pick_up(self, body: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Order the driver: {dispatchConfirmationNumbers, ...}."""
        return self._json("pickups", "POST", "/pickups", changes=True, key=key, body=body)

    def leave(self, number: str, query: Query) -> None:
        """Cancel a pickup; one that is gone already is no mistake."""
        try:
            self._send("pickups", "DELETE", f"/pickups/{quote(number, safe='')}", changes=True, query=query)
        except Refused as error:
            if error.facts.get("status") != 404 and self._kit.settings["pickup_gone"] not in error.words.lower():
                raise

    def _known(self, path: str, query: Query) -> dict[str, Any]:
        try:
            return self._json("tracking", "GET", path, query=query)
        except Refused as error:
            if error.facts.get("status") == 404:
                return {"shipments": []}
            raise

    def _json(self, api: str, method: str, path: str, *, changes: bool = False, **rest: Any) -> dict[str, Any]:
        said = json_of(self._send(api, method, path, changes=changes, **rest), "DHL Express", changes=changes)
        if not isinstance(said, dict):
            raise (OutcomeUnknown if changes else Unavailable)("DHL Express answered another shape", path=path)
        return said

    def _send(
        self, api: str, method: str, path: str, *, changes: bool, query: Query = (), body: Mapping[str, Any] | None = None, key: str = ""
    ) -> requests.Response:
        self._kit.budget.take(api)
        url = f"{self._kit.settings['api_url']}{path}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        raw = None if body is None else write_json(body)
        answer = self._http.send(method, url, changes=changes, headers=self._headers(key or _reference(url, raw)), data=raw)
        if answer.status_code >= 300:
            raise self._refusal(api, answer, changes=changes)
        return answer

    def _headers(self, reference: str) -> dict[str, str]:
        login = self._kit.login
        pair = f"{login['api_key']}:{login['api_secret']}".encode()
        return {
            "Authorization": "Basic " + base64.b64encode(pair).decode(),
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Message-Reference": reference,
            "Message-Reference-Date": format_datetime(self._kit.clock(), usegmt=True),
            "x-version": self._kit.settings["x_version"],
        }

    def _refusal(self, api: str, answer: requests.Response, *, changes: bool) -> HubError:
        error = self._http.refusal(answer, changes=changes, default_wait_s=float(self._kit.settings["throttled_wait_s"]))
        words = _words(answer)
        facts = {**error.facts, "codes": ",".join(filter(None, map(_code, words))), "request_id": answer.headers.get("Invocation-Id", "")}
        if isinstance(error, RateLimited):
            self._kit.budget.learn(api, left=0.0)
        if answer.status_code == 403 and not facts["codes"]:  # with a number it is about a service that the account may not use
            return AccessLost("DHL Express no longer accepts our credentials", **facts)
        error.facts, error.words = facts, "; ".join(words)[:500]
        return error


def _reference(url: str, raw: bytes | None) -> str:
    """A message's name where it has no key: 32 characters, of 28 to 36 that DHL wants."""
    return hashlib.sha256(url.encode() + (raw or b"")).hexdigest()[:32]


def _words(answer: requests.Response) -> list[str]:
    """What DHL says of a refusal; its text where it is not DHL's own shape."""
    try:
        said = read_json(answer.content)
        return [str(one) for one in (said.get("detail") or said.get("message"), *(said.get("additionalDetails") or ())) if one]
    except (BadPayload, AttributeError, TypeError):
        return [answer.text[:500]]


def _code(words: str) -> str:
    found = CODE.match(words)
    return found[1] if found else ""
