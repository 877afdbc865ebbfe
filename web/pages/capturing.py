"""What is authorized of an order: whether it is captured, why not, and trying it again."""

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain.capturing import BARS, WORDS
from core.errors import Refused
from core.flows import capturing
from core.flows.capturing import Barred
from core.store import lists
from web import asked
from web.visitor import hub, needs, visitor, who

pages = Blueprint("capturing", __name__)


@pages.get("/orders/<order>/capture")
@needs("orders.read")
def page(order: str) -> str:
    with hub().database.read() as db:
        one = capturing.look(hub(), db, visitor().merchant, asked.printable(order)) or abort(404)
    return render_template("capturing.html", one=one, row=one.row, capture=one.capture, words=WORDS, bars=BARS)


@pages.post("/orders/<order>/capture")
@needs("orders.write")
def capture(order: str) -> Response:
    with hub().database.read() as db:
        lists.order(db, visitor().merchant, asked.printable(order)) or abort(404)
    try:
        capturing.capture(hub(), visitor().merchant, order, who())
    except Barred as error:
        flash(gettext(BARS[error.why]), "warn")
    except Refused:
        abort(404)
    return redirect(url_for("orders.one", order=order), 303)
