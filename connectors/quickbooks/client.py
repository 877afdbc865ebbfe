"""Calls to QuickBooks Online, JSON in and JSON out. A 401 is answered by one new token; nothing is sent twice otherwise."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import requests

from connectors.http import TIMEOUT, Http, Prepaid, json_of, read_json, write_json
from connectors.quickbooks.tables import DELETED, MINOR_VERSION, SHUT_OUT, THROTTLED, VOIDS, why
from core.errors import AccessLost, BadPayload, HubError, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import Fresh, Kit

Body = Mapping[str, Any]
MOST = 1000  # rows of a query
AT_ONCE = 10  # calls that one payment is for: no more fit the budget of a second


def grant(kit: Kit, form: Mapping[str, str], timeout: tuple[float, float] = TIMEOUT) -> Fresh:
    """A token of the OAuth endpoint. Raises AccessLost where Intuit no longer takes the grant or our keys."""
    kit.budget.take("token")
    pair = base64.b64encode(f"{kit.app.get('client_id', '')}:{kit.app.get('client_secret', '')}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}", "Accept": "application/json"}
    http: Http = kit.http
    answer = http.send("POST", kit.settings["token_url"], changes=False, headers=headers, data=dict(form), timeout=timeout)
    if answer.status_code == 400:
        raise AccessLost("QuickBooks takes the grant no longer", status=400, words=answer.text[:500])
    if answer.status_code >= 300:
        raise http.refusal(answer, changes=False, default_wait_s=float(kit.settings["throttled_wait_s"]))
    return _fresh(kit, json_of(answer, "QuickBooks", changes=False))


def _fresh(kit: Kit, said: Mapping[str, Any]) -> Fresh:
    """The refresh token changes about daily: whatever came back is the one to keep."""
    try:
        rotated = {"refresh_token": str(said["refresh_token"])} if said.get("refresh_token") else {}
        ends = said.get("x_refresh_token_expires_in")
        return Fresh(str(said["access_token"]), _after(kit, said["expires_in"]), rotated, _after(kit, ends) if ends else None)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise Unavailable("QuickBooks gave no token") from None


def _after(kit: Kit, seconds: Any) -> datetime:
    return kit.clock() + timedelta(seconds=int(seconds))


class Client:
    """Calls in the books of one company. Each takes from its budgets first."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._http: Http = kit.http
        self.calls = Prepaid(kit.budget, ("second", "minute"), AT_ONCE)

    def company(self) -> Body:
        return self._part(self._call("GET", f"companyinfo/{quote(self._kit.account, safe='')}"), "CompanyInfo")

    def preferences(self) -> Body:
        return self._part(self._call("GET", "preferences"), "Preferences")

    def page(self, entity: str, where: str = "", start: int = 1, order: str = "") -> Sequence[Body]:
        """One page of a query, at most a thousand rows from that position on."""
        parts = (
            "select * from",
            entity,
            where and f"where {where}",
            order and f"orderby {order}",
            f"startposition {start} maxresults {MOST}",
        )
        said = self._call("GET", "query", {"query": " ".join(filter(None, parts))})
        rows = self._part(said, "QueryResponse").get(entity, [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadPayload(f"quickbooks query: {entity}: not a list")
        return rows

    def every(self, entity: str, where: str = "") -> Iterator[Body]:
        """All rows, page after page."""
        start = 1
        while rows := self.page(entity, where, start):
            yield from rows
            if len(rows) < MOST:
                return
            start += len(rows)

    def changes(self, entities: Sequence[str], since: datetime) -> Body:
        """Change data capture: at most a thousand objects of the last thirty days, deleted ones too."""
        return self._call("GET", "cdc", {"entities": ",".join(entities), "changedSince": since.isoformat(timespec="seconds")})

    def read(self, entity: str, ident: str) -> Body:
        """Raises Refused with code 610 where there is none."""
        return self._part(self._call("GET", f"{entity.lower()}/{quote(ident, safe='')}"), entity)

    def create(self, entity: str, body: Body, key: str) -> Body:
        return self._part(self._call("POST", entity.lower(), {"requestid": key}, body), entity, changes=True)

    def void(self, entity: str, ident: str, version: str, key: str) -> Body:
        """Voided where the API can, else deleted. Raises Refused with STALE."""
        how = dict(pair.split("=") for pair in VOIDS.get(entity, DELETED).split("&"))
        body = {"Id": ident, "SyncToken": version, **({"sparse": True} if "include" in how else {})}
        return self._part(self._call("POST", entity.lower(), {**how, "requestid": key}, body), entity, changes=True)

    def _part(self, said: Body, name: str, *, changes: bool = False) -> Body:
        part = said.get(name)
        if not isinstance(part, dict):
            raise (OutcomeUnknown if changes else BadPayload)(f"quickbooks: {name}: missing")
        return part

    def _call(self, method: str, path: str, query: Mapping[str, str] | None = None, body: Body | None = None) -> Body:
        self.calls.spend()
        url = self._url(path, query or {})
        token = self._kit.tokens.access(self._renewed)
        answer = self._send(method, url, token, body)
        if answer.status_code == 401:
            answer = self._send(method, url, self._kit.tokens.access(self._renewed, rejected=token), body)
        if answer.status_code >= 300 or b'"Fault"' in answer.content[:200]:
            raise self._refusal(answer, changes=body is not None)
        return _whole(answer, changes=body is not None)

    def _url(self, path: str, query: Mapping[str, str]) -> str:
        base = f"{self._kit.settings['api_url']}/v3/company/{quote(self._kit.account, safe='')}/{path}"
        return f"{base}?{urlencode({**query, 'minorversion': str(MINOR_VERSION)}, quote_via=quote)}"

    def _send(self, method: str, url: str, token: str, body: Body | None) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if body is None:
            return self._http.send(method, url, changes=False, headers=headers)
        headers["Content-Type"] = "application/json"
        return self._http.send(method, url, changes=True, headers=headers, data=write_json(body))

    def _renewed(self, login: Mapping[str, str]) -> Fresh:
        if not login.get("refresh_token"):
            raise AccessLost("QuickBooks was never agreed to")
        return grant(self._kit, {"grant_type": "refresh_token", "refresh_token": login["refresh_token"]})

    def _refusal(self, answer: requests.Response, *, changes: bool) -> HubError:
        """Their fault with its code and what it means; their words stay out of its text."""
        wait_s = float(self._kit.settings["throttled_wait_s"])
        error = self._http.refusal(answer, changes=changes, default_wait_s=wait_s)
        error.facts["request_id"] = answer.headers.get("intuit_tid", "")
        code, words = _told(answer)
        error.facts["code"], error.words = code, words or error.words
        if code in THROTTLED:
            return RateLimited("QuickBooks says slow down", wait_s=wait_s, code=code)
        if answer.status_code == 403 and (not code or code in SHUT_OUT):
            return AccessLost("QuickBooks no longer lets us in", words=error.words, **error.facts)
        if answer.status_code == 200:
            error = Refused("QuickBooks refused", words=words, **error.facts)
        if type(error) is Refused:
            error.facts["reason"] = why(code, words)
        return error


def _told(answer: requests.Response) -> tuple[str, str]:
    """(code, words) of the first error of a fault; nothing where it is not JSON. Its names are written large or small."""
    try:
        said = read_json(answer.content)
        fault = said.get("Fault") or said.get("fault") or {}
        first = (fault.get("Error") or fault.get("error") or [{}])[0]
    except (BadPayload, AttributeError, LookupError, TypeError):
        return "", ""
    if not isinstance(first, dict):
        return "", ""
    text = [str(first.get(name) or first.get(name.lower()) or "") for name in ("Message", "Detail", "element")]
    return str(first.get("code", "")), " ".join(filter(None, text))[:500]


def _whole(answer: requests.Response, *, changes: bool) -> Body:
    """The object that was answered; another shape, or an empty body, tells nothing of what happened."""
    said = json_of(answer, "QuickBooks", changes=changes)
    if not isinstance(said, dict):
        raise (OutcomeUnknown if changes else Unavailable)("QuickBooks answered another shape", status=answer.status_code)
    return said


def quoted(text: str) -> str:
    """A text in a query."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
