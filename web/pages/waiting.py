"""What is not released, and why: the queue of orders by their turns, and one order's reason with what to do about it."""

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain.shipments import ADVICE, PARTS, PATIENCE, WAITS, Parts, Wait
from core.flows import parting, waiting
from core.store import lists
from web import asked
from web.visitor import hub, needs, visitor, who

pages = Blueprint("waiting", __name__)
MOST = 50
SOON = "soon"  # nothing stops it any more
WORDS = {why.value: words for why, words in WAITS.items()}
NEXT_STEPS = {why.value: words for why, words in ADVICE.items()}


@pages.get("/shipments/waiting")
@needs("shipments.read")
def page() -> str:
    why, after = asked.text("why", 20), max(0, asked.number(asked.text("after")))
    with hub().database.read() as db:
        found = waiting.queue(hub(), db, visitor().merchant)
    rows = [one for one in found.rows if why in ("", _name(one.why))]
    counts = {_name(reason): units for reason, units in sorted(found.counts.items(), key=lambda one: (-one[1], _name(one[0])))}
    last = after + MOST if len(rows) > after + MOST else None
    return render_template(
        "waiting.html", rows=rows[after : after + MOST], counts=counts, why=why, words=WORDS, advice=NEXT_STEPS,
        more=found.more, after=last,
        days=PATIENCE.days, soon=SOON, now=hub().now, most=waiting.MOST,
    )  # fmt: skip


def _name(why: Wait | None) -> str:
    return why.value if why else SOON


@pages.get("/orders/<order>/waiting")
@needs("orders.read")
def of_order(order: str) -> str:
    """Why nothing of it, or not all, is released: a part of its page."""
    merchant = visitor().merchant
    with hub().database.read() as db:
        row = (lists.order(db, merchant, asked.printable(order)) or abort(404))[0]
        found = waiting.of_order(hub(), db, merchant, row.id)
    about = {"words": gettext(WAITS[found.why]), "todo": gettext(ADVICE[found.why])} if found and found.why else {}
    return render_template(
        "order_waiting.html",
        row=row,
        one=found,
        name=_name(found.why) if found else "",
        parts=PARTS,
        now=found.waiting.facts.parts if found else None,
        **about,
    )


@pages.post("/orders/<order>/parts")
@needs("orders.write")
def set_parts(order: str) -> Response:
    """Whether it is sent whole; nothing: as its account or the rules say."""
    said = asked.text("parts", 10)
    with hub().database.read() as db:
        row = (lists.order(db, visitor().merchant, asked.printable(order)) or abort(404))[0]
    if said not in ("", *Parts):
        abort(400)
    parting.of_order(hub(), visitor().merchant, row.id, Parts(said) if said else None, who())
    flash(gettext("It is so from now on."), "good")
    return redirect(url_for("orders.one", order=order), 303)
