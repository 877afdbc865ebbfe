"""Where a buyer's parcel is: a page that nobody signs in for, at an address that cannot be guessed, in the look of the shop. No name,
street or goods are on it."""

from typing import Any

import msgspec
from flask import Blueprint, Response, abort, current_app, render_template

from core.domain.looks import Look
from core.domain.shipping import Progress, Step
from core.flows import looks as flow
from core.store import looks, parcels
from web import asked, shipping_words
from web.alone import address
from web.pace import Pace
from web.visitor import PUBLIC, hub, needs

pages = Blueprint("track", __name__)
LONGEST = 60
OVER = (Progress.DELIVERED, Progress.RETURNED, Progress.VOIDED)
COURSE = (Progress.LABELLED, Progress.PICKED_UP, Progress.IN_TRANSIT, Progress.OUT_FOR_DELIVERY, Progress.DELIVERED)
UNSEEN = {"X-Robots-Tag": "noindex, nofollow"}


def _asked(token: str) -> str:
    """The address that somebody asks for. Whoever tries many waits."""
    pace: Pace = current_app.extensions.setdefault("pace", Pace(hub().clock))
    if pace.is_too_fast(address()):
        abort(Response("Too many requests. Try again in a minute.\n", 429, {"Retry-After": "60", **UNSEEN}, content_type="text/plain"))
    return asked.printable(token)[:LONGEST]


@pages.get("/track/<token>")
@needs(PUBLIC)
def page(token: str) -> Response:
    """404 for what no parcel has, and for one whose shipment was taken apart."""
    wanted = _asked(token)
    with hub().database.unbound(), hub().database.read() as db:  # nobody is signed in: the address says whose it is
        found = parcels.by_token(db, wanted) or abort(404)
        steps = parcels.steps(db, found.id)
        others = parcels.beside(db, found.merchant, found.order_id)
    if found.state not in ("labelled", "sent"):
        abort(404)
    return Response(render_template("track.html", look=_look(found), **_shown(found, steps, others)), headers=UNSEEN)


def _look(found: Any) -> Look:
    return flow.look(msgspec.json.decode(found.settings))


@pages.get("/track/<token>/look.css")
@needs(PUBLIC)
def sheet(token: str) -> Response:
    """The shop's color, and what is written on it. Only what was checked to be a color stands here."""
    wanted = _asked(token)
    with hub().database.unbound(), hub().database.read() as db:
        found = parcels.by_token(db, wanted) or abort(404)
    one = _look(found)
    rules = f":root {{ --shop: {one.color}; --shop-ink: {one.ink}; }}\n" if one.color else ""
    return Response(rules, content_type="text/css; charset=utf-8", headers=UNSEEN)


@pages.get("/track/<token>/logo.png")
@needs(PUBLIC)
def logo(token: str) -> Response:
    wanted = _asked(token)
    with hub().database.unbound(), hub().database.read() as db:
        found = looks.for_page(db, wanted) or abort(404)
    return picture(found)


def picture(content: bytes) -> Response:
    """A PNG that we drew: shown, and never run."""
    headers = {**UNSEEN, "Content-Disposition": 'inline; filename="logo.png"'}
    return Response(content, content_type="image/png", headers=headers)


def _shown(found: Any, steps: list[Step], others: list[Any]) -> dict[str, Any]:
    last = steps[-1] if steps else None
    now = Progress(found.progress) if found.progress else Progress.LABELLED
    reached = max((COURSE.index(one.progress) for one in steps if one.progress in COURSE), default=0)
    place = next((one for one in reversed(steps) if one.town or one.country), None)
    return {
        "one": found, "steps": list(reversed(steps)), "others": others, "now": now, "last": last, "place": place, "reached": reached,
        "course": COURSE, "progress_words": shipping_words.PROGRESS, "is_over": now in OVER,
        "url": found.url if (found.url or "").startswith(("https://", "http://")) else "",
    }  # fmt: skip
