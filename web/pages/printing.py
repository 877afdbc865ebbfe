"""Printers: where they are, what waits for each, and what somebody must look at."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain.later import N_
from core.domain.printing import AGAIN, BY_ITSELF, KINDS, LONG, MAY_DROP, STATES, WAYS, JobState
from core.errors import Refused
from core.flows import print_queue
from core.store import places, printers
from web import asked
from web.pages.shipments import STATION
from web.visitor import hub, needs, visitor, who

pages = Blueprint("printing", __name__)
YEAR_S = 365 * 86_400
TONES = {"waiting": "info", "printed": "good", "unknown": "bad", "failed": "bad", "dropped": ""}
SAID = {
    "that is no way to a printer": N_("Say what kind of printer it is."),
    "that is no printer's address": N_("That is no address of a printer. Labels go to port 9100, PDFs to port 631."),
    "nobody knows the printer's name": N_("Nobody knows a printer of that name."),
    "no printer may be at that address": N_("No printer may be at that address."),
    "a station needs a name of its own": N_("Write a name that none of your printers has."),
    "there is no such station": N_("There is no such printer any more."),
    "this printer does not take such papers": N_("This printer does not take such papers."),
    "it is being printed": N_("It is being printed right now."),
    "there is no such location": N_("There is no such location."),
    "these are as many stations as there can be": N_("There are as many printers as there can be."),
    "it is not that far, or there no more": N_("That was done already, or it is there no more."),
    "this hub prints nowhere": N_("This hub prints nowhere."),
    "these are more rules than there can be": N_("These are more rules than there can be."),
    "a rule does nothing": N_("A rule does nothing: say what it buys or prints."),
    "a country is two large letters: US": N_("A country is two large letters: US."),
    "there is no such carrier": N_("There is no such carrier or service any more."),
    "there is nothing to take back": N_("There is nothing to take back."),
}
WORDS = {
    "the printer does not answer": N_("The printer does not answer."),
    "the printer hung up": N_("The printer hung up."),
    "the printer hung up in the middle": N_("The printer hung up in the middle."),
    "the printer is out of paper": N_("The printer is out of paper."),
    "the printer is paused": N_("The printer is paused."),
    "the printer is open": N_("The printer is open."),
    "the printer is out of ribbon": N_("The printer is out of ribbon."),
    "the printer is busy, or not well": N_("The printer is busy, or not well."),
    "the printer declined": N_("The printer declined it."),
    "the printer did not answer in time": N_("The printer did not answer in time."),
}


def why(said: str) -> str:
    """A flow's words in the reader's; what a printer said itself stays as it is."""
    known = (SAID | WORDS).get(said)
    return str(gettext(known)) if known else said


@pages.get("/print")
@needs("shipments.work")
def page() -> str:
    merchant, chosen = visitor().merchant, asked.text("at", 64)
    with hub().database.read() as db:
        stations, ours = printers.stations(db, merchant), places.locations(db, merchant)
        here = next((one for one in stations if one.id == chosen), stations[0] if stations else None)
        queue = printers.queue(db, merchant, here.id) if here else []
    named = {"kinds": KINDS, "states": STATES, "ways": WAYS, "tones": TONES, "by_itself": BY_ITSELF, "why": why}
    may = {"again": AGAIN, "droppable": MAY_DROP, "unknown": JobState.UNKNOWN, "mine": request.cookies.get(STATION, "")}
    return render_template("printing.html", stations=stations, here=here, queue=queue, ours=ours, **named, **may)


def _station(id: str) -> str:
    """Its id, where it is the merchant's own."""
    with hub().database.read() as db:
        return (printers.station(db, visitor().merchant, asked.printable(id)[:64]) or abort(404)).id


def _job(id: str) -> str:
    with hub().database.read() as db:
        return id if printers.is_there(db, visitor().merchant, asked.printable(id)[:64]) else abort(404)


def _done(act: Callable[[], Any], words: str, at: str = "") -> Response:
    try:
        act()
    except Refused as error:
        flash(why(str(error)), "bad")
    else:
        flash(words, "good")
    return redirect(url_for("printing.page", at=at or None), 303)


@pages.post("/print/stations")
@needs("printers.manage")
def add() -> Response:
    name, way, address = (asked.text(field, 200).strip() for field in ("name", "way", "address"))
    where, kinds = asked.text("location", 64), asked.texts("kinds", 20)
    words = gettext("%(name)s is there.", name=name[:LONG])
    return _done(lambda: print_queue.add(hub(), visitor().merchant, name, way, address, who(), location=where, kinds=kinds), words)


@pages.post("/print/stations/<id>/remove")
@needs("printers.manage")
def remove(id: str) -> Response:
    known = _station(id)
    return _done(lambda: print_queue.remove(hub(), visitor().merchant, known, who()), gettext("The printer is used no more."))


@pages.post("/print/stations/<id>/here")
@needs("shipments.work")
def here(id: str) -> Response:
    """This browser prints there from now on."""
    known = _station(id)
    answer = _done(lambda: None, gettext("This browser prints there from now on."), known)
    answer.set_cookie(STATION, known, max_age=YEAR_S, httponly=True, samesite="Lax", secure=request.is_secure)
    return answer


@pages.post("/print/stations/<id>/test")
@needs("shipments.work")
def trial(id: str) -> Response:
    known = _station(id)
    return _done(lambda: print_queue.test_page(hub(), visitor().merchant, known, who()), gettext("A test page is on its way."), id)


@pages.post("/print/stations/<id>/retry")
@needs("shipments.work")
def retry(id: str) -> Response:
    known = _station(id)
    return _done(lambda: print_queue.retry(hub(), visitor().merchant, known, who()), gettext("The printer is tried again."), id)


@pages.post("/print/jobs/<id>/again")
@needs("shipments.work")
def again(id: str) -> Response:
    known = _job(id)
    return _done(lambda: print_queue.again(hub(), visitor().merchant, known, who()), gettext("It is printed again."), asked.text("at", 64))


@pages.post("/print/jobs/<id>/printed")
@needs("shipments.work")
def printed(id: str) -> Response:
    known, words = _job(id), gettext("Good: it was printed.")
    return _done(lambda: print_queue.was_printed(hub(), visitor().merchant, known, who()), words, asked.text("at", 64))


@pages.post("/print/jobs/<id>/drop")
@needs("shipments.work")
def drop(id: str) -> Response:
    known = _job(id)
    return _done(lambda: print_queue.drop(hub(), visitor().merchant, known, who()), gettext("It is not printed."), asked.text("at", 64))
