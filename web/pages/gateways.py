"""Money that no feed tells: files of payouts, deposits that somebody declares, and the day's rates."""

from datetime import date
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from sqlalchemy import Connection as Db
from werkzeug.wrappers import Response

from core.domain import books_words
from core.domain.money import Money
from core.domain.today import zone_of
from core.errors import Refused
from core.flows import gateways
from core.flows.books import NotKept
from core.flows.gateways import Said
from core.store import connections, journal, payouts
from core.store.connections import Connection
from web import asked
from web.visitor import hub, needs, visitor, who

pages = Blueprint("gateways", __name__)
MOST = 50
LONG = 4_000_000  # letters of a file that a form carries
WORDS: dict[str, Any] = {"states": books_words.STATES, "tones": books_words.BEHIND, "sights": books_words.SIGHTS, "whys": books_words.WHYS}


def today() -> date:
    return hub().clock().astimezone(zone_of(visitor().zone)).date()


@pages.get("/books/gateways")
@needs("books.read")
def page() -> str:
    """Clearing accounts without a feed, and what was brought in."""
    with hub().database.read() as db:
        kept = journal.books(db, visitor().merchant) is not None
        places = gateways.places(hub(), db, visitor().merchant, today()) if kept else []
        rows = payouts.brought_in(db, visitor().merchant, 2**62, MOST)
        names = {one.id: one.label for one in connections.all_of(db, visitor().merchant)}
    return render_template("gateways.html", places=places, rows=rows, names=names, **WORDS)


def connection_of(db: Db) -> Connection:
    """The merchant's own; another's is not there."""
    return connections.one_of(db, visitor().merchant, asked.text("connection", 64)) or abort(404)


@pages.post("/books/gateways/look")
@needs("books.write")
def look() -> str | Response:
    """What a file would do: nothing is changed."""
    file, text = brought("gateways.page")
    with hub().database.read() as db:
        one = connection_of(db)
        try:
            found = gateways.preview(hub(), db, one, asked.text("gateway", 100), text)
        except (Refused, NotKept) as error:
            return _sorry(str(error.args[0]), "gateways.page")
    told = {"found": found, "one": one, "gateway": asked.text("gateway", 100), "file": file, "text": text, "most": 100}
    return render_template("gateway_file.html", **told, **WORDS)


def brought(back: str) -> tuple[str, str]:
    """The file's name and its text; one that is none is refused by a page that says so."""
    request.max_content_length = LONG + 100_000
    request.max_form_memory_size = LONG + 100_000
    if (typed := request.form.get("text")) is not None:
        return asked.text("file", 100), typed[:LONG]
    file = request.files.get("file")
    raw = file.stream.read(LONG + 1) if file else b""
    try:
        return asked.printable(file.filename or "" if file else "")[:100], raw.decode("utf-8-sig") if len(raw) <= LONG else ""
    except UnicodeDecodeError:
        return "", "\0"


def _sorry(words: str, page: str, **where: Any) -> Response:
    flash(gettext("That cannot be: %(why)s.", why=words), "bad")
    return redirect(url_for(page, **where), 303)


@pages.post("/books/gateways/take")
@needs("books.write")
def take() -> Response:
    """Take the file in that was looked at; what is here otherwise only where it is ticked."""
    file, text = brought("gateways.page")
    with hub().database.read() as db:
        one = connection_of(db)
    try:
        done = gateways.take(hub(), one, asked.text("gateway", 100), text, who(), file=file, replaces=asked.texts("replace"))
    except (Refused, NotKept) as error:
        return _sorry(str(error.args[0]), "gateways.page")
    flash(gettext("Booked: %(booked)s payouts. Here already: %(same)s.", booked=len(done.booked), same=len(done.same)), "good")
    return redirect(url_for("gateways.page"), 303)


@pages.post("/books/gateways/<id>/back")
@needs("books.write")
def back(id: str) -> Response:
    """A payout that somebody brought counts no more."""
    with hub().database.read() as db:
        known = payouts.one(db, visitor().merchant, asked.printable(id)[:64]) or abort(404)
    try:
        gateways.take_back(hub(), visitor().merchant, known, who())
    except Refused as error:
        return _sorry(str(error.args[0]), "gateways.page")
    flash(gettext("Taken back."), "good")
    return redirect(url_for("gateways.page"), 303)


@pages.get("/books/gateways/deposit")
@needs("books.write")
def deposit() -> str:
    """Open items of a clearing account, to say which ones a deposit paid."""
    gateway, currency = asked.text("gateway", 100), asked.text("currency", 3)
    with hub().database.read() as db:
        one = connections.one_of(db, visitor().merchant, asked.text("connection", 64))
        rows = gateways.choice(db, visitor().merchant, one.id, gateway, currency) if one else []
    told = {"one": one, "gateway": gateway, "currency": currency, "key": hub().ids(), "today": today()}
    return render_template("gateway_deposit.html", rows=rows, **told, **WORDS)


@pages.post("/books/gateways/declare")
@needs("books.write")
def declare() -> Response:
    """A deposit paid what is ticked."""
    with hub().database.read() as db:
        one = connection_of(db)
    where = {"connection": one.id, "gateway": asked.text("gateway", 100), "currency": asked.text("currency", 3)}
    try:
        said = _said()
        gateways.declare(hub(), one, where["gateway"], said, who())
    except (Refused, NotKept, ValueError) as error:
        return _sorry(str(error.args[0]), "gateways.deposit", **where)
    flash(gettext("Booked."), "good")
    return redirect(url_for("gateways.page"), 303)


def _said() -> Said:
    """Raises ValueError for what is no day or amount."""
    amount = Money.parse(asked.text("amount", 30).strip(), asked.text("currency", 3))
    day = date.fromisoformat(asked.text("day", 10))
    items = tuple(dict.fromkeys(asked.texts("item")))
    return Said(asked.text("key", 64), day, amount, items, asked.text("why", 10), asked.text("words", 100).strip())
