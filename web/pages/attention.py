"""Needs attention: what happened, what it means, what to press; by cause, gone when it is mended."""

from typing import Any

from flask import Blueprint, abort, render_template, request
from flask_babel import gettext, ngettext

from core.domain import causes
from core.domain.causes import Cause
from core.domain.shipments import PROBLEMS
from core.errors import Refused
from core.flows import attention, health
from core.store import attention as store
from web import asked, shipping_words
from web.pages.printing import why as printer_words
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("attention", __name__)
MOST = 50


@pages.context_processor
def _words() -> dict[str, Any]:
    return {"print_words": printer_words, "shipment_problems": PROBLEMS, "unused_label": shipping_words.unused}


@pages.get("/attention")
@needs("attention.read")
def page() -> str:
    merchant = visitor().merchant
    with hub().database.read() as db:
        known = health.look(hub(), db, merchant)
        groups = attention.groups(hub(), db, merchant, known)
        left = store.ignored(db, merchant)
    return render_template("attention.html", groups=groups, left=left, causes=causes, labels={one.one.id: one.one.label for one in known})


@pages.get("/attention/<cause>")
@needs("attention.read")
def cause(cause: str) -> str:
    return _cause(cause)


def _cause(name: str) -> str:
    found, merchant = _known(name), visitor().merchant
    where = {"before": asked.number(asked.text("before"), store.FOREVER), "after": asked.text("after"), "most": MOST + 1}
    with hub().database.read() as db:
        known = health.look(hub(), db, merchant)
        items = attention.of_cause(hub(), db, merchant, found, known, **where)
        words = attention.words_of(hub(), db, merchant, items[:MOST]) if visitor().may("attention.act") else {}
    more = items[MOST - 1] if len(items) > MOST else None
    labels = {one.one.id: one.one.label for one in known}
    return render_template("cause.html", cause=found, items=items[:MOST], words=words, more=more, causes=causes, labels=labels)


def _known(name: str) -> Cause:
    return causes.ALL.get(name) or abort(404)


@pages.post("/attention/<cause>/retry")
@needs("attention.act")
def retry(cause: str) -> str:
    """The tasks that are named, or all of the cause."""
    ids = asked.numbers("task")
    if not ids and "all" not in request.form:
        abort(400)
    done = attention.retry(hub(), visitor().merchant, _known(cause).name, who(), ids)
    say("good", ngettext("%(num)s is tried again. What works goes away by itself.", "%(num)s are tried again. What works goes away.", done))
    return _cause(cause)


@pages.post("/attention/<cause>/ignore")
@needs("attention.act")
def ignore(cause: str) -> str:
    marks = {subject: mark for said in asked.texts("subject", 2000) for mark, _, subject in [said.partition(" ")]}
    try:
        done = attention.leave(hub(), visitor().merchant, _known(cause).name, marks, asked.text("note", 500), who())
    except Refused:
        say("bad", gettext("Write a word on why it may stay as it is."))
        return _cause(cause)
    say(
        "good", ngettext("%(num)s is left as it is, and comes back if it changes.", "%(num)s are left, and come back if they change.", done)
    )
    return _cause(cause)


@pages.post("/attention/<cause>/show")
@needs("attention.act")
def show(cause: str) -> str:
    attention.show_again(hub(), visitor().merchant, _known(cause).name, asked.text("subject", 2000), who())
    return page()


@pages.post("/attention/read")
@needs("attention.act")
def read() -> str:
    """Read a channel now."""
    try:
        attention.read_now(hub(), visitor().merchant, asked.text("connection"), who())
    except Refused:
        abort(404)
    say("good", gettext("It is being read."))
    return page()
