"""Totes: a tote is scanned, then the slip of the shipment whose goods lie in it. What was scanned stands in the address."""

from flask import Blueprint, abort, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain.totes import tote as named
from core.errors import Refused
from core.flows import totes
from core.flows.totes import Taken
from core.store import shipment_list
from web import asked, shipping_words
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("totes", __name__)
MOST = 200


@pages.get("/totes")
@needs("shipments.work")
def page() -> str | Response:
    """With `scan` a tote was scanned: next comes its slip."""
    tote, scan = asked.text("tote", 100), asked.text("scan", 100).strip()
    if scan and named(scan):
        return redirect(url_for("totes.page", tote=named(scan)), 303)
    if scan:
        say("bad", gettext("Scan the tote first: %(said)s is none.", said=scan))
    return _show(named(tote))


def _show(tote: str = "") -> str:
    merchant = visitor().merchant
    with hub().database.read() as db:
        rows = shipment_list.totes(db, merchant, MOST)
    return render_template("totes.html", tote=tote, rows=rows, holder=next((row.name for row in rows if row.tote == tote), ""))


@pages.post("/totes")
@needs("shipments.work")
def bind() -> str:
    """The slip was scanned. Another tote in its place is where the next one goes."""
    tote, scan = asked.text("tote", 100), asked.text("scan", 100).strip()
    with hub().database.read() as db:
        found = shipment_list.one(db, visitor().merchant, scan)
    if found is None and named(scan):
        return _show(named(scan))
    if found is None:
        say("bad", gettext("No shipment is called %(said)s.", said=scan))
        return _show(named(tote))
    return _bound(tote, found.id, found.name)


def _bound(tote: str, id: str, name: str) -> str:
    try:
        into = totes.bind(hub(), visitor().merchant, tote, id, who())
    except Taken as error:
        say("bad", gettext("Goods of %(other)s lie in %(tote)s.", other=error.by, tote=named(tote)))
        return _show(named(tote))
    except Refused as error:
        say("bad", shipping_words.why(str(error)))
        return _show(named(tote))
    say("good", gettext("%(name)s lies in %(tote)s.", name=name, tote=into))
    return _show()


@pages.post("/totes/<tote>/free")
@needs("shipments.work")
def free(tote: str) -> str:
    """Nothing lies in it any more."""
    name = named(asked.printable(tote))
    with hub().database.read() as db:
        if not shipment_list.in_tote(db, visitor().merchant, name):
            abort(404)
    try:
        totes.free(hub(), visitor().merchant, name, who())
    except Refused as error:
        say("bad", shipping_words.why(str(error)))
    else:
        say("good", gettext("%(tote)s is free.", tote=name))
    return _show()
