"""Deposits that hold several payouts, lines of the bank's statement as a file, opening balances, and the day's rates."""

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain import books_words
from core.domain import rates as rates_domain
from core.domain.deposits import Deposit
from core.domain.money import Money
from core.domain.opening import Balance, balance, read
from core.errors import Refused
from core.flows import depositing, opening
from core.flows.books import NotKept
from core.store import audit, connections, held, rates
from core.store.tables import us
from web import asked
from web.pages.gateways import brought, today
from web.visitor import hub, needs, visitor, who

pages = Blueprint("deposits", __name__)
MOST = 50
BLANK = 3  # empty rows of the table of opening balances
ROWS = 200
YEAR = timedelta(days=366)


def _sorry(words: str, page: str) -> Response:
    flash(gettext("That cannot be: %(why)s.", why=words), "bad")
    return redirect(url_for(page), 303)


def _names(db: Any) -> dict[str, str]:
    return {one.id: one.label for one in connections.all_of(db, visitor().merchant)}


# ---- deposits


@pages.get("/books/deposits")
@needs("books.read")
def page() -> str:
    with hub().database.read() as db:
        found, names = depositing.listed(db, visitor().merchant, most=MOST), _names(db)
    return render_template("deposits.html", rows=found, names=names, into=books_words.INTO)


@pages.post("/books/deposits/add")
@needs("books.write")
def add() -> Response:
    """The payouts that are ticked came as one deposit."""
    try:
        amount = Money.parse(asked.text("amount", 30).strip(), asked.text("currency", 3))
        one = Deposit(
            asked.text("key", 64) or hub().ids(), date.fromisoformat(asked.text("day", 10)), amount, asked.text("words", 200).strip()
        )
        depositing.add(hub(), visitor().merchant, one, set(asked.texts("payout", 64)), who())
    except (ValueError, Refused, NotKept) as error:
        return _sorry(str(error.args[0]), "deposits.page")
    flash(gettext("Booked."), "good")
    return redirect(url_for("deposits.page"), 303)


@pages.post("/books/deposits/<id>/undo")
@needs("books.write")
def undo(id: str) -> Response:
    try:
        depositing.undo(hub(), visitor().merchant, asked.printable(id)[:64], who())
    except (Refused, NotKept):
        abort(404)
    flash(gettext("Taken back."), "good")
    return redirect(url_for("deposits.page"), 303)


@pages.post("/books/deposits/propose")
@needs("books.write")
def propose() -> str:
    """What the lines of a file likely are; nothing is changed."""
    _, text = brought("deposits.page")
    with hub().database.read() as db:
        found, wrong = depositing.propose(hub(), db, visitor().merchant, text)
        names = _names(db)
    return render_template(
        "deposit_lines.html", rows=found[:ROWS], wrong=wrong[:ROWS], names=names, keys=[hub().ids() for _ in found[:ROWS]]
    )


# ---- what stood when accounting began


@pages.get("/books/opening")
@needs("books.read")
def start() -> str:
    with hub().database.read() as db:
        found = opening.look(db, visitor().merchant)
        _, feeds = opening.channels(hub(), db, visitor().merchant)
        names = _names(db)
    told = {"feeds": feeds, "names": names, "words": books_words.BALANCES, "blank": BLANK}
    return render_template("opening.html", look=found, **told)


@pages.post("/books/opening")
@needs("books.write")
def keep() -> Response:
    """The balances of the table, or those of a file, instead of what was kept before."""
    with hub().database.read() as db:
        named, feeds = opening.channels(hub(), db, visitor().merchant)
    try:
        found = _of_file(named, feeds) if request.files.get("file") else _typed(set(named.values()), feeds)
        opening.keep(hub(), visitor().merchant, found, who())
    except (ValueError, NotKept) as error:
        return _sorry(str(error.args[0]), "deposits.start")
    flash(gettext("Saved."), "good")
    return redirect(url_for("deposits.start"), 303)


def _of_file(named: dict[str, str], feeds: dict[str, str]) -> list[Balance]:
    _, text = brought("deposits.start")
    found, wrong = read(text, named, feeds)
    if wrong:
        raise ValueError(gettext("Line %(line)s: %(why)s", line=wrong[0][0], why=wrong[0][1]))
    return found


def _typed(channels: set[str], feeds: dict[str, str]) -> list[Balance]:
    """Rows without an amount are none. Raises ValueError for what is wrong in the others; a channel that is not there is none."""
    names = ("what", "connection", "gateway", "currency", "amount")
    columns = [asked.texts(name, 100)[:ROWS] for name in names]
    made = dict[tuple[str, ...], Balance]()
    for what, connection, gateway, currency, amount in zip(*columns, strict=False):
        if amount.strip():
            one = balance(
                what, connection if connection in channels else "", gateway.strip() or feeds.get(connection, ""), currency, amount.strip()
            )
            if made.setdefault(one.place, one) is not one:
                raise ValueError(gettext("two rows are of the same account"))
    return list(made.values())


# ---- what is held, and disputed


@pages.get("/books/held")
@needs("books.read")
def kept_back() -> str:
    """Reserves, and disputes that are open, won and lost."""
    with hub().database.read() as db:
        names = _names(db)
        reserves = held.reserves(db, visitor().merchant, list(names))
        disputes = held.disputes(db, visitor().merchant, MOST, us(hub().clock() - YEAR))
    return render_template("held.html", reserves=reserves, disputes=disputes, names=names, words=books_words.DISPUTES)


# ---- the day's rates


@pages.get("/books/rates")
@needs("books.read")
def day_rates() -> str:
    currency, base = asked.text("currency", 3), asked.text("base", 3)
    with hub().database.read() as db:
        pairs = rates.pairs(db, visitor().merchant)
        shown = (currency, base) if (currency, base) in pairs else pairs[0] if pairs else ("", "")
        rows = rates.listed(db, visitor().merchant, *shown, most=MOST)
    return render_template("rates.html", pairs=pairs, shown=shown, rows=rows, today=today())


@pages.post("/books/rates")
@needs("books.write")
def keep_rates() -> Response:
    """One that somebody typed, or those of a file."""
    try:
        name, found = _rates()
    except ValueError as error:
        return _sorry(str(error.args[0]), "deposits.day_rates")
    with hub().unit() as work:
        rates.keep(work.db, visitor().merchant, found, name)
        audit.write(work.db, visitor().merchant, work.now, who().id, who().name, "books.rates", "", rates=len(found), file=name)
    flash(gettext("Saved."), "good")
    return redirect(url_for("deposits.day_rates"), 303)


def _rates() -> tuple[str, list[rates_domain.Rate]]:
    if not request.files.get("file"):
        typed = [asked.text(name, 40).strip() for name in ("day", "currency", "base", "rate")]
        return "", [rates_domain.rate(*typed)]
    name, text = brought("deposits.day_rates")
    found, wrong = rates_domain.read(text)
    if wrong:
        raise ValueError(gettext("Line %(line)s: %(why)s", line=wrong[0][0], why=wrong[0][1]))
    return name, list(found)
