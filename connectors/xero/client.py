"""Calls to Xero, JSON in and JSON out. A 401 is answered by one new token; nothing is sent twice otherwise."""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import requests

from connectors.http import TIMEOUT, Http, Prepaid, json_of, read_json, write_json
from connectors.xero import A_DAY, DAY_S, words
from core.errors import AccessLost, BadPayload, HubError, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import Fresh, Kit, Rate

Body = Mapping[str, Any]
BASE = "/api.xro/2.0"
LEFT = {"minute": "X-MinLimit-Remaining", "day": "X-DayLimit-Remaining"}
AT_ONCE = 10  # calls that one piece of work may need


def grant(kit: Kit, login: Mapping[str, str], form: Mapping[str, str], timeout: tuple[float, float] = TIMEOUT) -> Fresh:
    """Tokens of the OAuth endpoint; `login` is what is kept unless they rotate it. Raises AccessLost where Xero takes the grant, or our
    keys, no longer."""
    kit.budget.take("token")
    http: Http = kit.http
    pair = base64.b64encode(f"{kit.app.get('client_id', '')}:{kit.app.get('client_secret', '')}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Accept": "application/json"}
    answer = http.send("POST", kit.settings["identity_url"] + "/connect/token", changes=False, headers=headers, data=form, timeout=timeout)
    if answer.status_code in (400, 401, 403):
        raise AccessLost("Xero takes the grant no longer", status=answer.status_code, words=answer.text[:500])
    if answer.status_code >= 300:
        raise http.refusal(answer, changes=False)
    return _held(kit, json_of(answer, "Xero", changes=False))


def _held(kit: Kit, said: Any) -> Fresh:
    now = kit.clock()
    try:
        rotated = {"refresh_token": str(said["refresh_token"])} if said.get("refresh_token") else {}
        until = now + timedelta(days=float(kit.settings["refresh_days"])) if rotated else None
        return Fresh(str(said["access_token"]), now + timedelta(seconds=int(said["expires_in"])), rotated, until, said.get("scope"))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Unavailable("Xero gave no token") from None


class Client:
    """Calls for one organisation, the kit's account. Each takes from the minute and from the day."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._http: Http = kit.http
        self.calls = Prepaid(kit.budget, tuple(LEFT), AT_ONCE)
        if int(kit.settings["calls_a_day"]) != A_DAY:
            half = float(kit.settings["calls_a_day"]) / 2
            kit.budget.learn("day", rate=Rate(half / DAY_S, half))

    def connections(self, event: str = "") -> list[Body]:
        """Organisations that let us in; those of one consent where its event is named."""
        query = f"?{urlencode({'authEventId': event})}" if event else ""
        said = self._call("GET", "/connections" + query)
        if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
            raise BadPayload("xero connections: not a list of objects")
        return said

    def read(self, path: str, query: Mapping[str, str] | None = None, since: datetime | None = None) -> Body:
        """Whatever lies at this path; with `since`, only what changed since then."""
        headers = {"If-Modified-Since": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"} if since else {}
        return self._object("GET", _address(path, query), headers)

    def write(self, method: str, path: str, body: Body, key: str, query: Mapping[str, str] | None = None) -> Body:
        """Said twice under one key it is done once."""
        headers = {"Idempotency-Key": key, "Content-Type": "application/json"}
        return self._object(method, _address(path, query), headers, write_json(body))

    def delete(self, path: str, key: str) -> Body:
        """Gone there. Deleted twice it is refused: whoever lost the answer looks first."""
        return self._object("DELETE", _address(path, None), {"Idempotency-Key": key}, b"")

    def _object(self, method: str, address: str, headers: Body, body: bytes | None = None) -> Body:
        said = self._call(method, address, headers, body)
        if not isinstance(said, dict):
            raise (Unavailable if body is None else OutcomeUnknown)("Xero answered another shape")
        return said

    def _call(self, method: str, address: str, headers: Body | None = None, body: bytes | None = None) -> Any:
        self.calls.spend()
        token = self._kit.tokens.access(self._fresh)
        answer = self._send(method, address, token, headers or {}, body)
        if answer.status_code == 401:
            answer = self._send(method, address, self._kit.tokens.access(self._fresh, rejected=token), headers or {}, body)
        self._learn(answer)
        return self._said(answer, changes=body is not None)

    def _said(self, answer: requests.Response, *, changes: bool) -> Any:
        if answer.status_code == 304:  # nothing changed since then
            return {}
        if answer.status_code >= 300:
            raise self._refusal(answer, changes=changes)
        return json_of(answer, "Xero", changes=changes)

    def _send(self, method: str, address: str, token: str, more: Body, body: bytes | None) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", **more}
        if address.startswith(BASE):
            headers["Xero-Tenant-Id"] = self._kit.account
        return self._http.send(method, self._kit.settings["api_url"] + address, changes=body is not None, headers=headers, data=body)

    def _fresh(self, login: Mapping[str, str]) -> Fresh:
        """A new token; the one that renews it is used up by that, and another one comes with it."""
        return grant(self._kit, login, {"grant_type": "refresh_token", "refresh_token": login.get("refresh_token", "")})

    def _learn(self, answer: requests.Response) -> None:
        """What Xero says is left. Of a minute it is told only where it is little: our bucket holds half of what Xero's does."""
        for limit, header in LEFT.items():
            said = answer.headers.get(header, "")
            if said.isdigit() and int(said) < self._full(limit):
                self._kit.budget.learn(limit, left=float(said))

    def _full(self, limit: str) -> float:
        return 30.0 if limit == "minute" else int(self._kit.settings["calls_a_day"]) / 2

    def _refusal(self, answer: requests.Response, *, changes: bool) -> HubError:
        """Their refusal with what it means; their words stay out of its text."""
        error = self._http.refusal(answer, changes=changes, default_wait_s=float(self._kit.settings["throttled_wait_s"]))
        error.words = _words(answer) or error.words
        if isinstance(error, RateLimited):
            error.facts["operation"] = answer.headers.get("X-Rate-Limit-Problem", "minute").lower()
        elif answer.status_code == 403:  # the organisation let go of us, or nobody allowed us this
            return AccessLost("Xero does not let us in", words=error.words, **error.facts)
        elif isinstance(error, Refused) and not isinstance(error, AccessLost):
            error.facts["reason"] = words.why(error.words)
        return error


def _words(answer: requests.Response) -> str:
    """Nothing where it is not JSON."""
    try:
        return words.told(read_json(answer.content))
    except BadPayload:
        return ""


def _address(path: str, query: Mapping[str, str] | None) -> str:
    return f"{BASE}/{path}{'?' + urlencode(query, quote_via=quote) if query else ''}"


def steps(path: str, *ids: str) -> str:
    """Ids as parts of a path."""
    return "/".join([path, *(quote(one, safe="") for one in ids)])


def listed(said: Body, name: str) -> Sequence[Body]:
    """The objects of an answer; none where it leaves them out. Raises BadPayload."""
    found = said.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise BadPayload(f"xero {name}: not a list of objects")
    return found
