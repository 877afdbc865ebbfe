"""The proof that a form which changes something was ours: a mark on the visitor's own session, and that the browser says it came from this
site. Asked for in one place, before any view; those who come by another way than a cookie prove themselves with each request."""

import secrets
from urllib.parse import urlsplit

from flask import abort, g, request
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from web import alone, visitor

SAFE = ("GET", "HEAD", "OPTIONS")
FIELD, HEADER = "proof", "X-Proof"


def proof() -> str:
    """The hidden field of a form."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, token()) if _is_by_cookie() else ""


def token() -> str:
    """The visitor's proof, for what htmx sends without a form too; empty where none is needed."""
    return visitor.hub().vault.mark("proof", _own()) if _is_by_cookie() else ""


def _is_by_cookie() -> bool:
    asks: visitor.Visitor | None = g.get("visitor")
    return asks is None or asks.via == "alone"


def _own() -> str:
    """What only this browser has: the session, or where there is none a cookie of its own."""
    if "visitor" in g:
        return str(g.session)
    if "door" not in g:
        g.door = alone.cookie(alone.DOOR) or secrets.token_urlsafe(16)
    return f"door {g.door}"


def check() -> None:
    """Refuse a request that changes something and does not come from a page of ours: 400."""
    if request.method in SAFE or not _is_by_cookie():
        return
    said = request.form.get(FIELD) or request.headers.get(HEADER, "")
    if _is_elsewhere() or not visitor.hub().vault.is_mark("proof", _own(), said):
        abort(
            400, gettext("This form is too old, or did not come from here. Load the page again, and see that your browser takes cookies.")
        )


def _is_elsewhere() -> bool:
    """What the browser says of where it comes from; older ones say nothing."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
    if site not in (None, "same-origin", "none"):
        return True
    return origin is not None and urlsplit(origin).netloc not in (urlsplit(alone.origin()).netloc, request.host)


def keep_door(answer: Response) -> Response:
    """Whoever was shown a form keeps the cookie that it goes with."""
    if "door" in g and "visitor" not in g and alone.cookie(alone.DOOR) != g.door:
        alone.keep(answer, alone.DOOR, g.door)
    return answer
