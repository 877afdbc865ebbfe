"""What went wrong, for programs: problem+json (RFC 9457). Nothing that was sent to us is said again."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from apiflask.exceptions import HTTPError
from flask import Flask, Response, request
from flask.json.provider import DefaultJSONProvider
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from web.trace import KEY

MIME = "application/problem+json"
WORDS = {
    400: ("not-understood", "The request could not be read."),
    401: ("no-key", "Show an API key: Authorization: Bearer cdk_..."),
    403: ("no-scope", "This key was not given what that needs."),
    404: ("not-found", "There is no such thing here."),
    405: ("no-method", "That cannot be done with this."),
    409: ("conflict", "Somebody else was faster, or is at it just now. Look, and ask again."),
    413: ("too-large", "That was too much at once."),
    415: ("not-json", "Send JSON, and say so: Content-Type: application/json."),
    422: ("not-valid", "Something in the request is not as it must be."),
    429: ("too-many", "This key asks too often. Wait, then ask again."),
    503: ("unavailable", "The database is busy or away. Ask again in a moment."),
}
OURS = ("failed", "That is our fault. It was written down under the request's id.")


class Fault(BaseModel):
    """One thing that is not as it must be: where, and what it must be."""

    model_config = ConfigDict(extra="forbid")

    field: str = Field(description="Where, as the names on the way to it: `parts.0.units`. Empty: the whole.")
    what: str


class Problem(BaseModel):
    """What went wrong. `code` is for programs, `detail` for people; quote `request_id` when you ask somebody."""

    model_config = ConfigDict(extra="forbid")

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[Fault] = []


class Refusal(HTTPException):
    """An answer that is no success, with a word for programs and words of ours."""

    def __init__(self, code: int, word: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.word = word
        self.told = dict(headers or {})


def is_for_programs() -> bool:
    """It was asked of the API, not by a person with a browser."""
    return request.path.startswith("/api/v1/")


def answer(error: HTTPException) -> Response:
    """Any failure of a request to the API."""
    status = error.code or 500
    word, words = WORDS.get(status, OURS)
    if isinstance(error, Refusal):
        return write(status, error.word, error.description or words, headers=error.told)
    allowed = {"Allow": ", ".join(sorted(error.valid_methods or ()))} if isinstance(error, MethodNotAllowed) else {}
    return write(status, word, words, headers=allowed)


def unfit(error: HTTPError) -> Response:
    """What APIFlask found in a body or a query."""
    cause = error.__cause__
    return write(422, *WORDS[422], faults=list(_faults(cause)) if isinstance(cause, ValidationError) else ())


def _faults(error: ValidationError) -> Iterable[Fault]:
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        if one["type"] == "extra_forbidden":  # the name of an unknown field is theirs
            yield Fault(field=_path(one["loc"][:-1]), what="There is a field here that nobody knows.")
        else:
            yield Fault(field=_path(one["loc"]), what=one["msg"])


def _path(place: Sequence[int | str]) -> str:
    return ".".join(str(step) for step in place)


def write(status: int, word: str, detail: str, *, faults: Sequence[Fault] = (), headers: Mapping[str, str] | None = None) -> Response:
    problem = Problem(
        title=_title(status), status=status, detail=detail, code=word, request_id=request.environ.get(KEY, ""), errors=list(faults)
    )
    return Response(problem.model_dump_json(), status, dict(headers or {}), MIME)


def _title(status: int) -> str:
    titles = {400: "Bad request", 401: "No key", 403: "Not allowed", 404: "Not found", 405: "Not that way", 409: "Conflict"}
    titles |= {413: "Too large", 415: "Not JSON", 422: "Not valid", 429: "Too many requests", 503: "Not now"}
    return titles.get(status, "Our fault" if status >= 500 else "Refused")


def documented(*also: int) -> dict[int, Any]:
    """The failures that every route of the API may answer with, and these, for its document."""
    body = {"content": {MIME: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    return {status: {"description": WORDS[status][1], **body} for status in sorted({400, 401, 403, 422, 429, 503, *also})}


def set_up(app: Flask) -> None:
    """Read JSON as we do."""
    app.json = Reader(app)


def _number(text: str) -> int | Decimal:
    """A whole number may be written as 3.0 or 3e1; what is none stays what it is, and is refused by whoever wants one."""
    value = Decimal(text)
    return int(value) if value.adjusted() < DIGITS and value == value.to_integral_value() else value


DIGITS = 20
_decoder = msgspec.json.Decoder(float_hook=_number)


class Reader(DefaultJSONProvider):
    """JSON as it comes in."""

    def loads(self, s: str | bytes, **_: Any) -> Any:
        """Raises ValueError for what is not JSON: too deep, NaN and bad UTF-8 included."""
        try:
            return _decoder.decode(s)
        except (msgspec.DecodeError, RecursionError, UnicodeError, ArithmeticError):
            raise ValueError("not JSON") from None
