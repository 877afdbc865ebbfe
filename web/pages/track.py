"""Where a buyer's parcel is: a page that nobody signs in for, at an address that cannot be guessed. No name, street or goods are on it."""

from typing import Any

from flask import Blueprint, abort, render_template
from werkzeug.wrappers import Response

from core.domain.shipping import Progress, Step
from core.store import parcels
from web import asked, shipping_words
from web.visitor import PUBLIC, hub, needs

pages = Blueprint("track", __name__)
LONGEST = 60
OVER = (Progress.DELIVERED, Progress.RETURNED, Progress.VOIDED)
COURSE = (Progress.LABELLED, Progress.PICKED_UP, Progress.IN_TRANSIT, Progress.OUT_FOR_DELIVERY, Progress.DELIVERED)


@pages.get("/track/<token>")
@needs(PUBLIC)
def page(token: str) -> Response:
    """404 for what no parcel has, and for one whose shipment was taken apart."""
    with hub().database.unbound(), hub().database.read() as db:  # nobody is signed in: the address says whose it is
        found = parcels.by_token(db, asked.printable(token)[:LONGEST]) or abort(404)
        steps = parcels.steps(db, found.id)
        others = parcels.beside(db, found.merchant, found.shipment)
    if found.state not in ("labelled", "sent"):
        abort(404)
    return Response(render_template("track.html", **_shown(found, steps, others)), headers={"X-Robots-Tag": "noindex"})


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
