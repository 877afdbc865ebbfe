"""The one way out: a requests session with timeouts, our errors and Decimal numbers. Nothing here prints what was sent."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Protocol

import msgspec
import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.exceptions import NewConnectionError

from core.errors import AccessLost, BadPayload, HubError, OutcomeUnknown, RateLimited, Refused, Unavailable

TIMEOUT = (3.05, 30.0)  # seconds to connect, to answer
DAY_S = 86_400.0
UNSENT = (requests.ConnectTimeout, requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)
REQUEST_IDS = ("x-request-id", "x-amzn-requestid", "rlogid", "x-ebay-c-request-id")

_decoder = msgspec.json.Decoder(float_hook=Decimal)


class Takes(Protocol):
    def take(self, operation: str, units: float = 1.0) -> None: ...


class Prepaid:
    """Calls that are paid for ahead, from all of these budgets at once, at most so many: work of several calls that stopped in its midst
    would begin again, spend what came back on that, and never end. Raises RateLimited where one is spent."""

    def __init__(self, budget: Takes, limits: Sequence[str], most: int) -> None:
        self._budget, self._limits, self._most, self._left = budget, tuple(limits), most, 0

    def pay(self, calls: int) -> None:
        """For so many from now on. What is left of an earlier payment is over."""
        self._left = 0
        for limit in self._limits:
            self._budget.take(limit, min(calls, self._most))
        self._left = min(calls, self._most)

    def ensure(self, calls: int) -> None:
        """The same, unless that many are paid for already."""
        if self._left < calls:
            self.pay(calls)

    def spend(self) -> None:
        """One call is made; one that nobody paid for is paid for now."""
        self.ensure(1)
        self._left -= 1


def read_json(raw: bytes | str) -> Any:
    """Parse JSON with Decimal for every fraction. Raises BadPayload; too deep, NaN and bad UTF-8 included."""
    try:
        return _decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeError, ArithmeticError) as error:
        raise BadPayload(f"not JSON: {type(error).__name__}") from None


def write_json(value: Any) -> bytes:
    """Compact JSON; Decimals as numbers, datetimes as ISO 8601."""
    return msgspec.json.Encoder(decimal_format="number").encode(value)


def as_datetime(text: object) -> datetime:
    """An ISO 8601 time with a zone, as UTC. Raises ValueError or TypeError."""
    if not isinstance(text, str):
        raise TypeError("a time is text")
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("a time without a zone")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time before the first year or after the last") from None


def ident(value: object) -> str | None:
    """An id as text; None stays None, and nothing else but text and whole numbers is an id (TypeError)."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"an id is text or a whole number, not {type(value).__name__}")
    return str(value)


def retry_after(answer: requests.Response, default: float) -> float:
    """Seconds that Retry-After asks for, as a number or an HTTP date; a day at most. `default` where it says neither."""
    said = answer.headers.get("Retry-After", "")
    with suppress(ValueError):  # a date, then
        return min(max(0.0, float(said)), DAY_S)
    try:
        return min(max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds()), DAY_S)
    except (ValueError, TypeError):
        return default


def _never_left(error: requests.RequestException) -> bool:
    """Nothing was sent: the address is wrong or nobody took the connection."""
    if isinstance(error, UNSENT):
        return True
    return isinstance(getattr(error.args[0] if error.args else None, "reason", None), NewConnectionError)


class Straight(requests.Session):
    """A session that follows no redirect, whoever uses it: a token stays with whom it is for."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


@dataclass(frozen=True, repr=False)
class Held:
    """Tokens of a `Kit` that were given this moment, for the first calls with them: there is no connection yet that could renew them."""

    token: str

    def access(self, refresh: object, *, rejected: str | None = None) -> str:
        """Raises Refused where the system does not take what it just gave."""
        if rejected is not None:
            raise Refused("the token that was just given is not taken")
        return self.token


@dataclass
class Http:
    """A session for one system. `changes` says whether a call may change something there: then a lost answer is OutcomeUnknown."""

    system: str
    adapter: BaseAdapter | None = None
    session: requests.Session = field(default_factory=Straight)

    def __post_init__(self) -> None:
        adapter = self.adapter or HTTPAdapter(pool_connections=4, pool_maxsize=8)
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, adapter)
        self.session.trust_env = False
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # one merchant's cookies never travel with another's call
        self.session.max_redirects = 0

    def send(
        self,
        method: str,
        url: str,
        *,
        changes: bool,
        headers: Mapping[str, str] | None = None,
        timeout: tuple[float, float] = TIMEOUT,
        **body: Any,
    ) -> requests.Response:
        """The answer, whatever its status. Raises Unavailable or OutcomeUnknown where there is none."""
        try:
            return self.session.request(method, url, headers=dict(headers or {}), timeout=timeout, allow_redirects=False, **body)
        except requests.RequestException as error:
            if _never_left(error):
                raise Unavailable(f"{self.system} cannot be reached", cause=type(error).__name__) from None
            lost = OutcomeUnknown if changes else Unavailable
            raise lost(f"{self.system} did not answer", cause=type(error).__name__) from None

    def call(self, method: str, url: str, *, changes: bool, **rest: Any) -> requests.Response:
        """The answer of a call that worked; every other status raises its one error."""
        answer = self.send(method, url, changes=changes, **rest)
        if answer.status_code >= 300:
            raise self.refusal(answer, changes=changes)
        return answer

    def refusal(self, answer: requests.Response, *, changes: bool, default_wait_s: float = 2.0) -> HubError:
        """Their refusal as our error; their words stay out of its text."""
        facts: dict[str, Any] = {
            "path": answer.request.path_url.partition("?")[0] if answer.request else "",
            "status": answer.status_code,
            "request_id": next((answer.headers[name] for name in REQUEST_IDS if name in answer.headers), ""),
        }
        match answer.status_code:
            case 401:
                return AccessLost(f"{self.system} no longer accepts our credentials", **facts)
            case 429:
                return RateLimited(f"{self.system} says slow down", wait_s=retry_after(answer, default_wait_s), **facts)
            case status if status >= 500 or status < 400 or status == 408:
                return (OutcomeUnknown if changes else Unavailable)(f"{self.system} did not answer", **facts)
            case _:
                return Refused(f"{self.system} refused", words=answer.text[:500], **facts)


def json_of(answer: requests.Response, system: str, *, changes: bool) -> Any:
    """The answer's JSON; anything else (HTML from a proxy, nothing) means we do not know what happened."""
    try:
        return read_json(answer.content)
    except BadPayload:
        lost = OutcomeUnknown if changes else Unavailable
        raise lost(f"{system} answered something that is not JSON", status=answer.status_code) from None
