"""How a route of the API is made: its permission, its document, its answer, its pages; and how a write is done once."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import msgspec
from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel

from core.errors import Refused, Stale, Unsupported
from core.store import audit, idempotency
from core.store.idempotency import Answer
from core.store.unit import Unit
from web.api import problems
from web.api.problems import Refusal
from web.visitor import hub, needs, visitor

View = Callable[..., Any]
Wrap = Callable[[View], View]
NAME = re.compile(r"[\x21-\x7e]{1,255}")
NAMED = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    "description": "A name of your own for this write, such as a UUID. Sent again within a day it is answered again and not done again.",
}


def reads(api: APIBlueprint, path: str, permission: str, answer: type[BaseModel], *also: int) -> Wrap:
    """A route that shows something, to whoever may. `also` are failures beside those that any route has."""

    def mark(view: View) -> View:
        @wraps(view)
        def say(**values: Any) -> Response:
            return _json(view(**values).model_dump_json().encode())

        return _open(api, "GET", path, permission, answer, also, {})(say)

    return mark


def writes(api: APIBlueprint, method: str, path: str, permission: str, takes: type[BaseModel], answer: type[BaseModel], *also: int) -> Wrap:
    """A route that changes something. Its view gets what was asked and the transaction, and says there what it did; its answer is kept in
    it where the asker gave it a name."""

    def mark(view: View) -> View:
        @wraps(view)
        def once(**values: Any) -> Response:
            return _once(lambda work: view(work, **values).model_dump_json().encode())

        heard = _not_null(api.input(takes, arg_name="asked")(once))
        return _open(api, method, path, permission, answer, (409, 413, 415, *also), {"x-named": True})(heard)

    return mark


def _not_null(view: View) -> View:
    """APIFlask takes null for an empty object, which the document does not."""

    @wraps(view)
    def look(**values: Any) -> Any:
        if request.get_data().strip() == b"null":
            raise Refusal(422, *problems.WORDS[422])
        return view(**values)

    return look


def _open(
    api: APIBlueprint, method: str, path: str, permission: str, answer: type[BaseModel], also: tuple[int, ...], marks: dict[str, Any]
) -> Wrap:
    def mark(view: View) -> View:
        described = api.doc(responses=problems.documented(*also), security=[{"key": [permission]}], extensions=marks)
        told = described(api.output(answer)(view))
        made: View = api.route(path, methods=[method])(needs(permission)(told))
        return made

    return mark


def _json(body: bytes, status: int = 200, **headers: str) -> Response:
    return Response(body, status, headers, mimetype="application/json")


def _once(do: Callable[[Unit], bytes]) -> Response:
    """Do it in one transaction, unless it was done under this name: then answer as then."""
    name = _name()
    try:
        with hub().unit() as work:
            return _json(do(work)) if name is None else _named(work, name, do)
    except Unsupported as error:
        raise Refusal(404, "not-found", f"{error}.") from None
    except Refused as error:
        raise Refusal(409, "refused", f"{error}.") from None
    except Stale:
        raise Refusal(409, "conflict", problems.WORDS[409][1]) from None


def _named(work: Unit, name: str, do: Callable[[Unit], bytes]) -> Response:
    known = _known(work, name)
    if known is None:
        return _json(_keep(work, name, do(work)))
    return _json(known.body, known.status, **{"Idempotency-Replayed": "true"})


def _name() -> str | None:
    name = request.headers.get("Idempotency-Key")
    if name is not None and NAME.fullmatch(name) is None:
        raise Refusal(400, "bad-name", "An Idempotency-Key is up to 255 visible letters of ASCII.")
    return name


def _digest() -> str:
    said = f"{request.method} {request.full_path}\n".encode() + request.get_data()
    return hashlib.sha256(said).hexdigest()


def _known(work: Unit, name: str) -> Answer | None:
    """What was answered under this name. Raises Refusal: 409 while it is being done, 422 where it was said of something else."""
    asks = visitor()
    if not idempotency.hold(work.db, asks.user, name):
        raise Refusal(409, "being-done", "What bears this Idempotency-Key is being done just now.", {"Retry-After": "1"})
    known = idempotency.find(work.db, asks.merchant, asks.user, name, hub().box(asks.merchant), work.now)
    if known is not None and known.digest != _digest():
        raise Refusal(422, "name-reused", "This Idempotency-Key was used for another request.")
    return known


def _keep(work: Unit, name: str, body: bytes) -> bytes:
    asks = visitor()
    answer = Answer(_digest(), 200, body)
    idempotency.keep(work.db, asks.merchant, asks.user, name, answer, hub().box(asks.merchant), work.now)
    return body


def note(work: Unit, act: str, subject: str, **body: Any) -> None:
    """Write down that whoever asks did this."""
    asks = visitor()
    audit.write(work.db, asks.merchant, work.now, asks.user, asks.name, act, subject, **body)


def cursor(*values: Any) -> str:
    """Where a page ended, for the one that asks for the next."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


Values = TypeVar("Values")


def position(text: str | None, values: msgspec.json.Decoder[Values]) -> Values | None:
    """What `cursor` wrote. Raises Refusal for anything else."""
    if text is None:
        return None
    try:
        return values.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise Refusal(404, "no-such-page", "`after` must be the `next` of a page before.") from None
