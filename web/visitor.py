"""Who asks, and what they may. Each route names what it needs with `needs`; what names nothing is let nobody in."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Flask, abort, current_app, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response
from werkzeug.wsgi import ClosingIterator

from core.domain.roles import PERMISSIONS, Role, may
from core.domain.who import Who
from core.hub import Hub

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

View = TypeVar("View", bound=Callable[..., Any])
LANGUAGES = {"en": "English", "ru": "Русский"}
LOCALES = tuple(LANGUAGES)
PUBLIC = "public"  # a page for people who are not let in yet; its forms carry a proof like all others
MACHINES = "machines"  # a door for machines that nobody is signed in at: they prove themselves in their own way, or need not
OPEN = (PUBLIC, MACHINES)
TYPED, FILES = "application/x-www-form-urlencoded", "multipart/form-data"
TYPED_LIMIT = 200_000  # bytes of a form without files: its fields are read all at once, and take many times their length


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody, or a program, of one merchant. `via` says by which way they came: "alone", "shopify", "key"; `account` is the channel's
    account whose admin frames us; `scopes` are a key's permissions, which bound its role's; `locale` and `zone` are how they read."""

    merchant: str
    user: str
    name: str
    role: Role
    via: str
    account: str = ""
    scopes: frozenset[str] | None = None
    locale: str = ""
    zone: str = "UTC"

    def may(self, permission: str) -> bool:
        return may(self.role, permission) and (self.scopes is None or permission in self.scopes)


Way = Callable[[Hub], Visitor | Response | None]  # an answer instead of a visitor sends them elsewhere; None: not by this way


def needs(permission: str) -> Callable[[View], View]:
    """What a visitor must be allowed to do to be let in; PUBLIC, MACHINES: nothing. Raises KeyError for a permission that nobody knows."""
    if permission not in OPEN:
        PERMISSIONS[permission]

    def mark(view: View) -> View:
        view.needs = permission  # type: ignore[attr-defined]
        return view

    return mark


def needed(app: Flask, endpoint: str) -> str | None:
    """What this endpoint's view needs; None where it names nothing."""
    return getattr(app.view_functions.get(endpoint), "needs", None)


def guard(app: Flask, ways: tuple[Way, ...], check: Callable[[], None]) -> None:
    """Let nobody in who may not: asked before each request. `check` refuses what was not sent from a page of ours."""
    app.extensions["ways"], app.extensions["check"] = ways, check
    app.before_request(_let_in)
    app.view_functions["static"] = needs(PUBLIC)(app.view_functions["static"])
    app.wsgi_app = _Released(app.wsgi_app, app.extensions["hub"])  # type: ignore[method-assign]


class _Released:
    """A request's thread is bound to a merchant until its answer is sent, a long one's last line too; then to nobody."""

    def __init__(self, application: "WSGIApplication", hub: Hub) -> None:
        self._application, self._hub = application, hub

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        self._release()
        try:
            return ClosingIterator(self._application(environ, start_response), self._release)
        except BaseException:
            self._release()
            raise

    def _release(self) -> None:
        self._hub.database.bind("")


def _let_in() -> Response | None:
    wanted = needed(current_app, request.endpoint) if request.endpoint else MACHINES  # what is not there is answered by Flask
    if wanted not in OPEN:
        found = _found()
        if isinstance(found, Response):
            return found
        g.visitor = found
        hub().database.bind(found.merchant)
        if wanted is None or not found.may(wanted):
            abort(403)
    if request.mimetype == TYPED:
        request.max_content_length = TYPED_LIMIT
    if wanted != MACHINES:
        _refuse_unreadable()
        current_app.extensions["check"]()
    return None


def _refuse_unreadable() -> None:
    """400 for a text that no database of ours can keep: no view need think of it."""
    said = (request.args, request.form) if request.mimetype in (TYPED, FILES) else (request.args,)  # a program's body is the API's to read
    given = [*(request.view_args or {}).values(), *(value for pairs in said for _, value in pairs.items(multi=True))]
    if any(isinstance(value, str) and "\0" in value for value in given):
        abort(400)


def _found() -> Visitor | Response:
    ways: tuple[Way, ...] = current_app.extensions["ways"]
    return next((found for way in ways if (found := way(hub())) is not None), None) or abort(401)


def perhaps() -> Visitor | Response | None:
    """Who asks, on a page that is open to all; where nobody knows them, what the first way that has something to say would answer."""
    ways: tuple[Way, ...] = current_app.extensions["ways"]
    try:
        return next((found for way in ways if (found := way(hub())) is not None), None)
    except HTTPException:
        return None


def visitor() -> Visitor:
    """Who asks. For views that need something."""
    found: Visitor = g.visitor
    return found


def who() -> Who:
    """The same, as the audit trail names them."""
    return Who(visitor().user, visitor().name)


def hub() -> Hub:
    found: Hub = current_app.extensions["hub"]
    return found
