"""Who asks, and what they may. Each route names what it needs with `needs`; what names nothing is let nobody in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, abort, current_app, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from core.domain.roles import PERMISSIONS, Role, may
from core.hub import Hub

View = TypeVar("View", bound=Callable[..., Any])
LOCALES = ("en", "ru")
PUBLIC = "public"  # a page for people who are not let in yet, or for machines that ask whether we live


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
    """What a visitor must be allowed to do to be let in; PUBLIC: nothing. Raises KeyError for a permission that nobody knows."""
    if permission != PUBLIC:
        PERMISSIONS[permission]

    def mark(view: View) -> View:
        view.needs = permission  # type: ignore[attr-defined]
        return view

    return mark


def needed(app: Flask, endpoint: str) -> str | None:
    """What this endpoint's view needs; None where it names nothing."""
    return getattr(app.view_functions.get(endpoint), "needs", None)


def guard(app: Flask, ways: tuple[Way, ...]) -> None:
    """Let nobody in who may not: asked before each request."""
    app.extensions["ways"] = ways
    app.before_request(_let_in)
    app.view_functions["static"] = needs(PUBLIC)(app.view_functions["static"])


def _let_in() -> Response | None:
    if request.endpoint is None or (wanted := needed(current_app, request.endpoint)) == PUBLIC:
        return None  # what is not there is answered by Flask
    found = _found()
    if isinstance(found, Response):
        return found
    g.visitor = found
    if wanted is None or not found.may(wanted):
        abort(403)
    return None


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


def hub() -> Hub:
    found: Hub = current_app.extensions["hub"]
    return found
