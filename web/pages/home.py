"""The first page: what came in today, what needs somebody, how fast channels are told, how each of them is."""

import hashlib
from dataclasses import dataclass

from flask import Blueprint, Response, render_template, request
from markupsafe import Markup

from core.flows import front
from web.visitor import hub, needs, visitor

pages = Blueprint("home", __name__)


@pages.get("/")
@needs("orders.read")
def page() -> str:
    return render_template("home.html", moving=_moving())


@pages.get("/live")
@needs("orders.read")
def live() -> Response | Markup:
    """The moving part of the page, fetched every few seconds; nothing where it would look as before."""
    moving = _moving()
    return Response(status=204) if request.args.get("seen") == moving.mark else moving.html


@dataclass(frozen=True, slots=True)
class Moving:
    """`mark` names how it looks now."""

    mark: str
    html: Markup


def _moving() -> Moving:
    with hub().database.read() as db:
        made = front.look(hub(), db, visitor().merchant, visitor().zone)
    text = render_template("live.html", front=made)
    mark = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    return Moving(mark, Markup(render_template("moving.html", mark=mark, html=Markup(text))))  # noqa: S704 - our own templates made it
