"""Where an order goes: as its channel says, or as one of the staff corrected it."""

from collections.abc import Callable

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain.later import N_
from core.errors import Refused
from core.flows import addressing
from core.store import lists
from web import asked
from web.visitor import hub, needs, visitor, who

pages = Blueprint("addresses", __name__)
LONG = 200
SAID = {
    "it is cancelled": N_("It is cancelled."),
    "nothing of its buyer is kept": N_("Nothing of its buyer is kept: there is no address to correct."),
    "nobody corrected its address": N_("Nobody corrected its address."),
    "a country is two letters: US": N_("Write the country as two letters: US, DE."),
}


@pages.get("/orders/<order>/address")
@needs("orders.buyers")
def page(order: str) -> str:
    with hub().database.read() as db:
        one = addressing.look(hub(), db, visitor().merchant, asked.printable(order)) or abort(404)
    return render_template("address.html", one=one, row=one.row, start=one.ours or one.theirs)


@pages.post("/orders/<order>/address")
@needs("orders.write")
def correct(order: str) -> Response:
    said = {part: asked.text(f"to_{part}", LONG).strip() for part in addressing.PARTS}
    words = gettext("It goes there from now on. A label for elsewhere is given back first.")
    return _done(order, lambda: addressing.correct(hub(), visitor().merchant, order, said, who()), words)


@pages.post("/orders/<order>/address/keep")
@needs("orders.write")
def keep(order: str) -> Response:
    return _done(order, lambda: addressing.keep(hub(), visitor().merchant, order, who()), gettext("It goes where you said."))


@pages.post("/orders/<order>/address/theirs")
@needs("orders.write")
def take_back(order: str) -> Response:
    words = gettext("It goes where its channel says.")
    return _done(order, lambda: addressing.take_back(hub(), visitor().merchant, order, who()), words)


def _done(order: str, do: Callable[[], object], words: str) -> Response:
    """Do it, and show the order. Only the visitor's own is one."""
    if not visitor().may("orders.buyers"):
        abort(403)
    with hub().database.read() as db:
        lists.order(db, visitor().merchant, asked.printable(order)) or abort(404)
    try:
        do()
    except Refused as error:
        flash(_why(str(error)), "warn")
    else:
        flash(words, "good")
    return redirect(url_for("orders.one", order=order), 303)


def _why(said: str) -> str:
    if said.startswith("the address lacks"):
        return str(gettext("Write at least the street, the town and the country."))
    return str(gettext(SAID[said])) if said in SAID else said
