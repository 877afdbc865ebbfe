"""Each request has an id, from whoever asks or from us: it stands in the answer, in our problems and in every line logged meanwhile.
What was asked of which part, with what outcome and how long it took, is counted."""

import re
import time
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import structlog

log = structlog.get_logger("request")
KEY = "crossdock.request_id"
ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
Start = Callable[..., Any]
Application = Callable[[dict[str, Any], Start], Iterable[bytes]]


class Counts(Protocol):
    """Who counts requests."""

    def note(self, part: str, status: int, seconds: float) -> None: ...


class Traced:
    """An application around which requests are named, counted and, where they changed something or failed, logged."""

    def __init__(self, application: Application, counts: Counts, new_id: Callable[[], str]) -> None:
        self._application, self._counts, self._new_id = application, counts, new_id

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        told = environ.get("HTTP_X_REQUEST_ID", "")
        environ[KEY] = id = told if ID.fullmatch(told) else self._new_id()
        began = time.monotonic()

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            self._note(environ, int(status[:3]), time.monotonic() - began)
            return start_response(status, [*headers, ("X-Request-Id", id)], *rest)

        with structlog.contextvars.bound_contextvars(request_id=id):
            return self._application(environ, start)

    def _note(self, environ: dict[str, Any], status: int, seconds: float) -> None:
        part, method = part_of(environ["PATH_INFO"]), environ["REQUEST_METHOD"]
        self._counts.note(part, status, seconds)
        if status >= 500 or (part in ("api", "page") and method not in ("GET", "HEAD", "OPTIONS")):
            log.info("answered", part=part, method=method, status=status, ms=round(seconds * 1000))


def part_of(path: str) -> str:
    """Which part of the house was asked."""
    parts = {"webhooks": "door", "api": "api", "static": "static", "healthz": "health", "readyz": "health", "metrics": "health"}
    return parts.get(path.removeprefix("/").partition("/")[0], "page")
