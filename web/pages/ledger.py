"""Ledgers: which books, which accounts, from which day on, how each channel is written; documents and what became of them."""

from datetime import date

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain import books_words, taxation
from core.domain.journal import Account
from core.errors import Refused
from core.flows import posting
from core.store import connections, documents
from core.store.connections import LEDGER, Connection
from web import asked
from web.visitor import hub, needs, visitor, who

pages = Blueprint("ledger", __name__)
MOST = 50
STATES = tuple(books_words.DOCUMENTS)


@pages.get("/books/ledgers")
@needs("books.read")
def page() -> str:
    """The ledgers, what waits and what is blocked."""
    state = asked.text("state", 10)
    with hub().database.read() as db:
        merchant, box = visitor().merchant, hub().box(visitor().merchant)
        found = connections.all_of(db, merchant, LEDGER)
        counts = documents.counts(db, merchant)
        shown = state if state in STATES else "blocked" if counts.get("blocked") else "posted"
        rows = documents.listed(db, merchant, shown, box, most=MOST)
    labels = {one.id: one.label for one in found}
    return render_template(
        "ledgers.html", ledgers=found, counts=counts, rows=rows, state=shown, labels=labels, words=books_words.DOCUMENTS,
        blocks=books_words.BLOCKS, today=hub().clock().date(),
    )  # fmt: skip


@pages.get("/books/ledgers/<id>")
@needs("books.read")
def one(id: str) -> str:
    connection = _one(id)
    with hub().database.read() as db:
        shelf = posting.look(hub(), db, connection)
    return render_template(
        "ledger.html", shelf=shelf, names=shelf.channels, modes=books_words.MODES, accounts=books_words.ACCOUNTS, every=list(Account),
        today=hub().clock().date(), ways=books_words.TAXES, liable=books_words.LIABLE,
        dimensions={one.of: one.of_name for one in shelf.tags},
        taxed={one: taxation.read(one) for one in shelf.taxations},
    )  # fmt: skip


def _one(id: str) -> Connection:
    """The merchant's own ledger; another's, or no ledger, is not there."""
    with hub().database.read() as db:
        found = connections.one_of(db, visitor().merchant, asked.printable(id)[:64])
    return found if found and found.role == LEDGER else abort(404)


@pages.post("/books/ledgers/<id>/choose")
@needs("books.write")
def choose(id: str) -> Response:
    """From which day on entries are written there, and how each channel's are."""
    connection, text, switch = _one(id), asked.text("starts", 10), asked.text("switch", 10)
    try:
        starts, on = date.fromisoformat(text) if text else None, date.fromisoformat(switch) if switch else None
    except ValueError:
        flash(gettext("That is not a day."), "bad")
        return _back(id)
    with hub().database.read() as db:
        channels = [one.id for one in connections.all_of(db, connection.merchant)]
    chosen = {one: asked.text(f"mode {one}", 20) for one in channels}
    try:
        posting.choose(
            hub(), connection.merchant, connection, who(), starts=starts, chosen=chosen, switch_on=on, taxes=_way(asked.text("taxes", 10))
        )
    except posting.TooMany as error:
        flash(gettext(
            "%(orders)s orders a month or more: that system takes documents of their own for at most %(most)s. Choose a journal a day.",
            **error.facts,
        ), "bad")  # fmt: skip
        return _back(id)
    flash(gettext("Saved."), "good")
    return _back(id)


def _way(said: str) -> str:
    return said if said in books_words.TAXES else ""


@pages.post("/books/ledgers/<id>/accounts")
@needs("books.write")
def map_accounts(id: str) -> Response:
    """What of ours is which of theirs; an empty one is as proposed."""
    connection = _one(id)
    chosen = {account.value: asked.text(f"account {account.value}", 100) for account in Account}
    posting.map_accounts(hub(), connection.merchant, connection, who(), chosen)
    flash(gettext("Saved."), "good")
    return _back(id)


CODED = ("tax|", "fee|", "tag|")  # names of fields, as the map has them
MANY = 500


@pages.post("/books/ledgers/<id>/codes")
@needs("books.write")
def map_codes(id: str) -> Response:
    """Which tax code each taxation and each channel's fees have, and how lines of a channel are marked; an empty one is as proposed."""
    connection = _one(id)
    names = [name for name in request.form if name.startswith(CODED) and len(name) <= 300][:MANY]
    posting.map_accounts(hub(), connection.merchant, connection, who(), {asked.printable(name): asked.text(name, 100) for name in names})
    flash(gettext("Saved."), "good")
    return _back(id)


@pages.post("/books/documents/<id>/again")
@needs("books.write")
def again(id: str) -> Response:
    """A blocked document is tried once more, on another day where one is named."""
    text = asked.text("on", 10)
    try:
        different = {"on": date.fromisoformat(text)} if text else {}
        posting.again(hub(), visitor().merchant, asked.printable(id)[:64], who(), **different)
    except ValueError:
        flash(gettext("That is not a day."), "bad")
    except Refused:
        abort(404)
    return redirect(url_for("ledger.page"), 303)


def _back(id: str) -> Response:
    return redirect(url_for("ledger.one", id=id), 303)
