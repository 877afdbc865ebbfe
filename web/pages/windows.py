"""Windows of risk: how long each channel shows what was sold elsewhere, what to keep back for that, and what is left to one out of
sight."""

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain.blind import LEAST, MOST, care
from core.errors import Refused
from core.flows import blind, windows
from core.store import blind as left_by
from core.store import connections, goods
from core.store.connections import Connection
from web import asked
from web.visitor import hub, needs, visitor, who

pages = Blueprint("windows", __name__)


@pages.get("/stock/windows")
@needs("stock.read")
def page() -> str:
    merchant = visitor().merchant
    with hub().database.read() as db:
        risks = windows.look(db, merchant, hub().now)
        left = left_by.left(db, merchant)
    cares = {one.one.id: care(one.one.settings) for one in risks}
    return render_template("windows.html", risks=risks, cares=cares, left=left, days=windows.DAYS, least=LEAST, most=MOST)


@pages.get("/stock/windows/sku")
@needs("stock.read")
def of_sku() -> str:
    """What each channel's window calls for of one SKU; a part of its page."""
    merchant, sku = visitor().merchant, asked.text("sku")
    with hub().database.read() as db:
        if goods.one(db, merchant, sku) is None:
            abort(404)
        found = windows.advice(db, merchant, sku, hub().now)
    return render_template("windows_sku.html", advice=found, sku=sku, days=windows.SOLD_WITHIN)


@pages.post("/stock/windows")
@needs("settings.write")
def leave() -> Response:
    """How much is left to a channel out of sight."""
    try:
        blind.set_care(hub(), _one(), strict="strict" in request.form, factor=asked.number(asked.text("factor", 20)), who=who())
    except Refused:
        flash(gettext("Write a whole number from %(least)s to %(most)s.", least=LEAST, most=MOST), "bad")
    else:
        flash(gettext("It is so from now on."), "good")
    return redirect(url_for("windows.page"), 303)


def _one() -> Connection:
    with hub().database.read() as db:
        return connections.one_of(db, visitor().merchant, asked.text("connection")) or abort(404)
