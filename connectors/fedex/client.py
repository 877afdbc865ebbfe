"""Calls to FedEx: JSON in, JSON out. Each takes from its API's budget first; a 401 is answered by one refresh."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import requests

from connectors.http import Http, json_of, read_json, write_json
from core.errors import AccessLost, BadPayload, HubError, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import Fresh, Kit

# A 403 with one of these says that our keys may not do that. Some APIs are an offer of their own that a project may lack.
NOT_ALLOWED = frozenset(["FORBIDDEN.ERROR", "NOT.AUTHORIZED.ERROR"])
EXTRAS = frozenset(["address", "pickup"])
BROKEN = frozenset(["INTERNAL.SERVER.ERROR", "SERVICE.UNAVAILABLE.ERROR", "SYSTEM.UNAVAILABLE.EXCEPTION"])  # whatever the status


class Client:
    """Calls in the name of one account."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._http: Http = kit.http
        self._renewed = False

    def prove(self) -> None:
        """Have new tokens made, which proves the keys. Raises AccessLost."""
        held = self._tokens()
        if not self._renewed:
            self._tokens(held)

    def quotes(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._call("rate", "POST", "/rate/v1/rates/quotes", body)

    def ship(self, body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        """Labels, or the number of a job that makes them."""
        return self._call("ship", "POST", "/ship/v1/shipments", body, changes=True, key=key)

    def results(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """What a job made. A lost answer leaves open what was bought: OutcomeUnknown."""
        return self._call("ship", "POST", "/ship/v1/shipments/results", body, changes=True)

    def cancel(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._call("ship", "PUT", "/ship/v1/shipments/cancel", body, changes=True)

    def by_number(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._call("track", "POST", "/track/v1/trackingnumbers", body)

    def by_reference(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._call("track", "POST", "/track/v1/referencenumbers", body)

    def resolve(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._call("address", "POST", "/address/v1/addresses/resolve", body)

    def pick_up(self, body: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        return self._call("pickup", "POST", "/pickup/v1/pickups", body, changes=True, key=key)

    def leave(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._call("pickup", "PUT", "/pickup/v1/pickups/cancel", body, changes=True)

    def _call(
        self, api: str, method: str, path: str, body: Mapping[str, Any], *, changes: bool = False, key: str = ""
    ) -> Mapping[str, Any]:
        self._kit.budget.take(api)
        tokens = self._tokens()
        answer = self._send(api, method, path, body, tokens, changes, key)
        if answer.status_code == 401:
            answer = self._send(api, method, path, body, self._tokens(tokens), changes, key)
        if answer.status_code >= 300:
            raise self._refusal(api, answer, changes)
        said = json_of(answer, "FedEx", changes=changes)
        if not isinstance(said, dict):
            raise (OutcomeUnknown if changes else Unavailable)("FedEx answered another shape", status=answer.status_code)
        if said.get("errors"):  # seen with status 200, also for what it had done (2026-09, reports of others)
            raise self._declined(api, answer, changes)
        return said

    def _send(self, api: str, method: str, path: str, body: Mapping[str, Any], tokens: str, changes: bool, key: str) -> requests.Response:
        main, _, track = tokens.partition(" ")
        headers = {
            "Authorization": f"Bearer {track if api == 'track' else main}",
            "Accept": "application/json",
            "Content-Type": "application/json",
            "x-customer-transaction-id": key or f"{self._kit.clock():%Y%m%dT%H%M%S%f}",
            "x-locale": self._kit.settings["locale"],
        }
        url = self._kit.settings["api_url"] + path
        return self._http.send(method, url, changes=changes, headers=headers, data=write_json(body))

    def _refusal(self, api: str, answer: requests.Response, changes: bool) -> HubError:
        error = self._http.refusal(answer, changes=changes, default_wait_s=float(self._kit.settings["throttled_wait_s"]))
        if isinstance(error, RateLimited):
            self._kit.budget.learn(api, left=0.0)
        elif type(error) is Refused:
            return self._declined(api, answer, changes)
        error.facts.update(_facts(answer))
        return error

    def _declined(self, api: str, answer: requests.Response, changes: bool) -> HubError:
        """What FedEx understood and declined, or said so of its own troubles."""
        facts: dict[str, Any] = {"path": answer.request.path_url, "status": answer.status_code, **_facts(answer)}
        codes = codes_of(facts)
        if codes & BROKEN:
            return (OutcomeUnknown if changes else Unavailable)("FedEx has an error of its own", **facts)
        if answer.status_code == 403 and codes & NOT_ALLOWED and api not in EXTRAS:
            return AccessLost("FedEx does not let these keys do that", words=_words(answer), **facts)
        return Refused("FedEx refused", words=_words(answer), **facts)

    # Tokens: "MAIN TRACK", one for each project. FedEx makes merchants have tracking as a project of its own; else both are the same.

    def _tokens(self, rejected: str | None = None) -> str:
        return self._kit.tokens.access(self._refresh, rejected=rejected)

    def _refresh(self, login: Mapping[str, str]) -> Fresh:
        main = self._grant(login["client_id"], login["client_secret"])
        track = main
        if login.get("track_client_id"):
            track = self._grant(login["track_client_id"], login.get("track_client_secret", ""))
        self._renewed = True
        return Fresh(f"{main.access} {track.access}", min(main.expires_at, track.expires_at))

    def _grant(self, client_id: str, client_secret: str) -> Fresh:
        """A token that holds for an hour. Raises AccessLost where FedEx does not take the keys."""
        self._kit.budget.take("token")
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        answer = self._http.send("POST", self._kit.settings["api_url"] + "/oauth/token", changes=False, data=form)
        if answer.status_code in (400, 401, 422):
            raise AccessLost("FedEx does not take the keys", status=answer.status_code, words=_words(answer))
        if answer.status_code == 403:  # whoever asks for too many tokens is shut out for ten minutes (its guide to limits, 2026-11)
            raise RateLimited("FedEx gives no tokens for now", wait_s=float(self._kit.settings["token_wait_s"]), operation="token")
        if answer.status_code >= 300:
            raise self._http.refusal(answer, changes=False)
        return self._fresh(json_of(answer, "FedEx", changes=False))

    def _fresh(self, said: Any) -> Fresh:
        try:
            return Fresh(str(said["access_token"]), self._kit.clock() + timedelta(seconds=int(said["expires_in"])))
        except (KeyError, TypeError, ValueError):
            raise Unavailable("FedEx gave no token") from None


def codes_of(facts: Mapping[str, Any]) -> frozenset[str]:
    """The codes that FedEx gave for declining."""
    return frozenset(str(facts.get("codes", "")).split(","))


def _errors(answer: requests.Response) -> tuple[str, list[dict[str, Any]]]:
    """FedEx's number of the exchange and what it found wrong; nothing where it does not say it in its own way."""
    try:
        said = read_json(answer.content)
        return str(said.get("transactionId") or ""), [error for error in said.get("errors") or [] if isinstance(error, dict)]
    except (BadPayload, AttributeError, TypeError):
        return "", []


def _facts(answer: requests.Response) -> dict[str, str]:
    number, errors = _errors(answer)
    return {"request_id": number, "codes": ",".join(str(error.get("code") or "") for error in errors)}


def _words(answer: requests.Response) -> str:
    """FedEx's own words, for `words` only."""
    _, errors = _errors(answer)
    return "; ".join(str(error.get("message") or error.get("code") or "") for error in errors)[:500] or answer.text[:500]
