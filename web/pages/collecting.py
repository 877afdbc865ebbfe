"""What buyers fetch: made ready, fetched, or waited for longer."""

from collections.abc import Callable

from flask import Blueprint, abort, flash, redirect, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.errors import Refused
from core.flows import collecting
from core.store import shipment_list
from web import asked, shipping_words
from web.visitor import hub, needs, visitor, who

pages = Blueprint("collecting", __name__)


@pages.post("/shipments/<name>/ready")
@needs("shipments.work")
def prepare(name: str) -> Response:
    words = gettext("It can be fetched. The channel is told, and writes to the buyer where it does that.")
    return _done(name, lambda id: collecting.prepare(hub(), visitor().merchant, id, who(), _days()), words)


@pages.post("/shipments/<name>/unready")
@needs("shipments.work")
def take_back(name: str) -> Response:
    words = gettext("It is to be packed again. The buyer is not written to.")
    return _done(name, lambda id: collecting.take_back(hub(), visitor().merchant, id, who()), words)


@pages.post("/shipments/<name>/wait")
@needs("shipments.work")
def wait(name: str) -> Response:
    return _done(name, lambda id: collecting.wait(hub(), visitor().merchant, id, who(), _days()), gettext("It waits longer."))


@pages.post("/shipments/<name>/collected")
@needs("shipments.work")
def collected(name: str) -> Response:
    words = gettext("The buyer has it. Its channel is told.")
    return _done(name, lambda id: collecting.collected(hub(), visitor().merchant, id, who()), words)


def _days() -> int:
    return asked.number(asked.text("days", 5) or str(collecting.DAYS), -1)


def _done(name: str, do: Callable[[str], object], words: str) -> Response:
    """Do it, and show the shipment, or the bench where that is where it was asked."""
    with hub().database.read() as db:
        row = shipment_list.one(db, visitor().merchant, asked.printable(name)[:64]) or abort(404)
    try:
        do(row.id)
    except Refused as error:
        flash(shipping_words.why(str(error)), "warn")
    else:
        flash(words, "good")
    at_bench = asked.text("back", 10) == "bench"
    return redirect(url_for("bench.page", at=row.name) if at_bench else url_for("shipments.one", name=row.name), 303)
