"""An order is called off at its channel, or its buyer's wish for it is answered: how that stands, and doing it."""

from collections.abc import Callable

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain.calling_off import BARS, REASONS, WORDS
from core.domain.shipping import CancelReason
from core.errors import Refused
from core.flows import calling_off
from core.flows.calling_off import Barred
from core.store import lists
from web import asked
from web.visitor import hub, needs, visitor, who

pages = Blueprint("calling_off", __name__)


@pages.get("/orders/<order>/cancel")
@needs("orders.read")
def page(order: str) -> str:
    with hub().database.read() as db:
        one = calling_off.look(hub(), db, visitor().merchant, asked.printable(order)) or abort(404)
    return render_template("calling_off.html", one=one, row=one.row, calling=one.calling, words=WORDS, reasons=REASONS, bars=BARS)


@pages.post("/orders/<order>/cancel")
@needs("orders.write")
def call_off(order: str) -> Response:
    said, restock = asked.text("reason", 20), asked.text("restock", 5) != "keep"
    if said not in REASONS:
        abort(400, gettext("Say why it is cancelled."))
    reason = CancelReason(said)
    return _done(order, lambda: calling_off.call_off(hub(), visitor().merchant, order, reason, who(), restock=restock))


@pages.post("/orders/<order>/answer")
@needs("orders.write")
def answer(order: str) -> Response:
    agree = asked.text("agree", 5) == "yes"
    return _done(order, lambda: calling_off.answer(hub(), visitor().merchant, order, who(), agree=agree))


@pages.post("/orders/<order>/uncancel")
@needs("orders.write")
def withdraw(order: str) -> Response:
    return _done(order, lambda: calling_off.withdraw(hub(), visitor().merchant, order, who()))


def _done(order: str, do: Callable[[], object]) -> Response:
    """Do it, and show the order. Only the visitor's own is one."""
    with hub().database.read() as db:
        lists.order(db, visitor().merchant, asked.printable(order)) or abort(404)
    try:
        do()
    except Barred as error:
        flash(gettext(BARS[error.why]), "warn")
    except Refused:
        abort(404)
    return redirect(url_for("orders.one", order=order), 303)
