"""The guide to going live: connect, match, count, bring old orders, look at what would change, go live channel by channel; and back."""

from datetime import timedelta

from flask import Blueprint, abort, render_template, request
from flask_babel import gettext

from core.errors import Refused, Unsupported
from core.flows import backfill, join, start, uploads
from core.store import displays
from core.store import uploads as uploads_of
from core.store.connections import Connection
from web import asked
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("start", __name__)
MOST, YEARS = 100, 5


@pages.get("/start")
@needs("connections.read")
def page() -> str:
    with hub().database.read() as db:
        made = start.guide(hub(), db, visitor().merchant)
    return render_template("start.html", guide=made)


def _one() -> Connection:
    try:
        return start.mine(hub(), visitor().merchant, asked.text("connection"))
    except Refused:
        abort(404)


@pages.post("/start/opening")
@needs("stock.write")
def opening() -> str:
    """Take over what a channel shows: as a file that is looked at first."""
    if asked.text("others") not in ("yes", "no"):
        say("bad", gettext("Say whether somebody takes off there what other channels sell."))
        return page()
    id = uploads.bring_opening(hub(), _one(), who(), others_taken_off=asked.text("others") == "yes")
    with hub().database.read() as db:
        return render_template("upload.html", one=uploads_of.one(db, visitor().merchant, id))


@pages.post("/start/history")
@needs("connections.manage")
def history() -> str:
    """Bring in old orders, or stop that."""
    try:
        if "stop" in request.form:
            backfill.stop(hub(), _one(), who())
        else:
            days = min(max(1, asked.number(asked.text("days"), 365)), YEARS * 366)
            backfill.ask(hub(), _one(), hub().clock() - timedelta(days=days), who())
    except Unsupported:
        say("bad", gettext("This channel cannot be asked for its old orders."))
    return page()


@pages.post("/start/difference")
@needs("connections.manage")
def reckon() -> str:
    start.ask_reckon(hub(), _one(), who())
    return page()


@pages.get("/start/difference")
@needs("connections.read")
def difference() -> str:
    """Every listing, now and after, a page at a time."""
    one, after = _one(), (asked.text("after"), asked.number(asked.text("id")))
    with hub().database.read() as db:
        rows = displays.of_connection(db, one.merchant, one.id, after, MOST + 1)
    more = rows[MOST - 1] if len(rows) > MOST else None
    return render_template("difference.html", one=one, rows=rows[:MOST], more=more)


@pages.post("/start/live")
@needs("connections.manage")
def live() -> str:
    one = _one()
    try:
        join.go_live(hub(), one, who())
    except Refused:
        say("bad", gettext("Not yet: its listings and orders are not read, or it does not let us in."))
        return page()
    say("good", gettext("%(name)s goes live as soon as the orders of all channels are read up to now.", name=one.label))
    return page()


@pages.post("/start/watch")
@needs("connections.manage")
def watch() -> str:
    one = _one()
    join.watch(hub(), one, who())
    say("good", gettext("%(name)s is only watched from now on. Nothing more is written there.", name=one.label))
    return page()
