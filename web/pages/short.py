"""More was sold than there is: what can be done about one order, and doing it."""

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain.oversold import WORDS, Decision, Short
from core.errors import Refused
from core.flows import oversold
from core.store import lists, places
from web import asked
from web.visitor import hub, needs, visitor, who

pages = Blueprint("short", __name__)


@pages.get("/orders/<order>/short")
@needs("orders.read")
def page(order: str) -> str:
    merchant = visitor().merchant
    with hub().database.read() as db:
        found = lists.order(db, merchant, asked.printable(order)) or abort(404)
        lines = oversold.offers(db, merchant, order)
        names = {row.id: row.name for row in places.locations(db, merchant)}
    return render_template("short.html", row=found[0], lines=lines, names=names, meant=WORDS, could=_could(lines))


def _could(lines: list[Short]) -> dict[str, int]:
    """Units of all lines that each location could send."""
    found: dict[str, int] = {}
    for one in lines:
        for location, units in one.elsewhere.items():
            found[location] = found.get(location, 0) + units
    return found


@pages.post("/orders/<order>/short")
@needs("orders.write")
def decide(order: str) -> Response:
    merchant, what = visitor().merchant, asked.text("what", 20)
    with hub().database.read() as db:
        lists.order(db, merchant, asked.printable(order)) or abort(404)
    try:
        oversold.decide(hub(), merchant, order, Decision(what) if what else None, who(), asked.text("location", 100))
    except (ValueError, Refused):
        flash(gettext("That cannot be done any more: look at what is missing now."), "warn")
    else:
        flash(gettext("It is so from now on."), "good")
    return redirect(url_for("orders.one", order=order), 303)
