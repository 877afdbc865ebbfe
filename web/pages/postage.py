"""Postage: carriers' bills beside the labels that they are for, what was billed but not bought here, and bought but not billed."""

from typing import Any

from flask import Blueprint, abort, render_template, request
from flask_babel import gettext

from core.domain import billing as rules
from core.flows import postage, uploads
from core.flows.counting import WrongLines
from core.store import billing, connections, journal
from core.store.connections import CARRIER
from web import asked
from web.pages.stock import brought
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("postage", __name__)
MOST = 50


@pages.get("/books/postage")
@needs("books.read")
def page() -> str:
    return _page()


def _page(wrong: list[tuple[int, str]] | None = None, looked: "list[postage.Reported] | None" = None, text: str = "") -> str:
    merchant, now = visitor().merchant, hub().clock()
    before = asked.number(asked.text("before")) or 2**62
    with hub().database.read() as db:
        rows, strangers = billing.page(db, merchant, before, MOST), billing.strangers(db, merchant, MOST)
        unbilled = billing.unbilled(db, merchant, (now - postage.BACK).date(), (now - postage.LATE).date(), MOST)
        carriers, books = connections.all_of(db, merchant, CARRIER), journal.books(db, merchant)
    return render_template(
        "postage.html", rows=rows, strangers=strangers, unbilled=unbilled, carriers=carriers, books=books, days=postage.LATE.days,
        more=rows[-1].at if len(rows) == MOST else None, words=rules.WORDS, wrong=wrong, looked=looked, text=text,
        carrier=asked.text("carrier", 100), file=asked.text("name", 200) or brought_name(),
    )  # fmt: skip


def brought_name() -> str:
    file = request.files.get("file")
    return asked.printable(file.filename or "")[:200] if file else ""


@pages.post("/books/postage/bill")
@needs("books.write")
def bring() -> Any:
    """A carrier's bills as a file: looked at first; taken when somebody says so."""
    request.max_content_length = uploads.LIMIT + 100_000
    taken, carrier = asked.text("go", 10) == "take", asked.text("carrier", 100).strip()
    text = request.form.get("text", "") if taken else brought()[1].decode("utf-8-sig", "replace")
    if not carrier:
        return _page(wrong=[(0, gettext("Say whose bill it is."))])
    name, connection = postage.carrier_of(hub(), visitor().merchant, carrier)
    try:
        told = postage.read(text)
        made = postage.take(
            hub(), visitor().merchant, name, connection, told, who(), file=asked.text("name", 200), dry_run=not taken
        )  # fmt: skip
    except WrongLines as error:
        return _page(wrong=error.lines)
    if not taken:
        return _page(looked=made, text=text)
    say("good", gettext("It is taken: each label is booked at what was billed for it."))
    return _page()


@pages.get("/books/postage/<id>")
@needs("books.read")
def bill(id: str) -> str:
    """A bill, label by label."""
    merchant = visitor().merchant
    with hub().database.read() as db:
        found = billing.one(db, merchant, asked.printable(id)[:64]) or abort(404)
        shown = postage.reported(db, merchant, found)
    return render_template("postage_bill.html", one=shown, words=rules.WORDS)
