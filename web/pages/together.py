"""Orders of one buyer that may go in one parcel: proposed, joined, parted."""

from collections.abc import Callable

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.errors import Refused
from core.flows import together
from core.store import shipment_list, shipments
from web import asked, shipping_words
from web.visitor import hub, needs, visitor, who

pages = Blueprint("together", __name__)


@pages.get("/shipments/together")
@needs("shipments.read")
def page() -> str:
    """With `name` what may go with that shipment."""
    with hub().database.read() as db:
        found = together.proposed(hub(), db, visitor().merchant, asked.text("name", 64).upper())
    return render_template("together.html", found=found)


@pages.get("/shipments/<name>/parcel")
@needs("shipments.read")
def mates(name: str) -> str:
    """What goes in its parcel, and whose share of its postage is how much."""
    merchant = visitor().merchant
    with hub().database.read() as db:
        row = shipment_list.one(db, merchant, asked.printable(name)[:64]) or abort(404)
        lead = row.goes_with or row.id
        rows, postage = shipment_list.parcel_mates(db, merchant, lead), together.postage(hub(), db, merchant, lead)
    shares = {name: share for name, _, share in postage}
    return render_template("together_parcel.html", row=row, rows=rows, lead=lead, shares=shares)


@pages.post("/shipments/together")
@needs("shipments.work")
def join() -> Response:
    """The chosen go in the parcel of the first."""
    ids = asked.texts("id", 64)
    with hub().database.read() as db:
        ours = shipments.found(db, visitor().merchant, ids)
    mine = [id for id in dict.fromkeys(ids) if id in ours] or abort(404)
    lead = ours[mine[0]].name
    words = gettext("They go in one parcel: that of %(name)s. One label is bought for all.", name=lead)
    return _done(lead, lambda: together.join(hub(), visitor().merchant, mine[0], mine[1:], who()), words)


@pages.post("/shipments/<name>/part")
@needs("shipments.work")
def part(name: str) -> Response:
    with hub().database.read() as db:
        row = shipment_list.one(db, visitor().merchant, asked.printable(name)[:64]) or abort(404)
    words = gettext("It goes alone again. A label that was for all is given back.")
    return _done(row.name, lambda: together.part(hub(), visitor().merchant, row.id, who()), words)


def _done(name: str, do: Callable[[], object], words: str) -> Response:
    try:
        do()
    except Refused as error:
        flash(shipping_words.why(str(error)), "warn")
    else:
        flash(words, "good")
    return redirect(url_for("shipments.one", name=name), 303)
