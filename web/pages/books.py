"""The books: how they stand, payouts matched line by line, what is open and why, an order's entries, a month's certificate."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain import books_words
from core.domain.certifying import WORDS as WORDS_ON_PAPER
from core.domain.journal import Account
from core.domain.matching import Cause
from core.domain.money import Money, total
from core.domain.today import zone_of
from core.errors import Refused
from core.flows import accounts, books, costing, standing
from core.flows.accounts import Certificate
from core.store import connections, journal, lists, margins, payouts
from core.store.journal import Balance
from core.store.tables import us
from web import asked
from web.visitor import hub, needs, visitor, who

pages = Blueprint("books", __name__)
MOST = 50
AWAITED = Cause.AWAITED.value
WORDS: dict[str, Any] = {
    "accounts": books_words.ACCOUNTS, "kinds": books_words.KINDS, "causes": books_words.CAUSES, "steps": books_words.STEPS,
    "states": books_words.STATES, "tones": books_words.BEHIND, "waits": books_words.WAITS,
    "into": books_words.INTO, "occasions": books_words.OCCASIONS,
}  # fmt: skip
AGES = timedelta(days=3660)  # so far back a first day may lie


@pages.app_template_filter("gateway")
def called(gateway: str) -> str:
    """What took a buyer's money; one that we do not know goes by what its channel calls it."""
    return str(gettext(books_words.GATEWAYS.get(gateway, gateway))) if gateway else ""


@pages.app_template_filter("day_here")
def day_here(at: datetime) -> str:
    """The merchant's day of a moment: what is booked is booked on it."""
    return at.astimezone(zone_of(visitor().zone)).date().isoformat()


@pages.get("/books")
@needs("books.read")
def page() -> str:
    with hub().database.read() as db:
        found = accounts.look(hub(), db, visitor().merchant)
    if found is None:
        return not_kept()
    shown = {"channels": standing.channels(found), "ledgers": standing.ledgers(found), "blocks": books_words.BLOCKS}
    return render_template("books.html", look=found, names=found.names, **shown, **WORDS, today=today_here(), most=MOST)


def not_kept() -> str:
    """Nobody said yet from which day on."""
    return render_template("books.html", look=None, names={}, **WORDS, today=today_here(), most=MOST)


def _names(db: Any) -> dict[str, Any]:
    """What accounts, channels and causes are called."""
    return {"names": {one.id: one.label for one in connections.all_of(db, visitor().merchant)}, **WORDS}


def today_here() -> date:
    return hub().clock().astimezone(zone_of(visitor().zone)).date()


@pages.get("/books/balances")
@needs("books.read")
def balances() -> str:
    """The trial balance at the end of a day: debit and credit, each currency for itself."""
    on = _on(asked.text("on", 10))
    with hub().database.read() as db:
        found = [one for one in journal.balances(db, visitor().merchant, date.min, on) if one.amount]
        shown = _names(db)
    currencies = sorted({one.amount.currency for one in found})
    rows = {currency: [one for one in found if one.amount.currency == currency] for currency in currencies}
    return render_template("books_balances.html", rows=rows, sums={name: sides(some) for name, some in rows.items()}, on=on, **shown)


def _on(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return today_here()


def sides(some: Iterable[Balance]) -> tuple[Money, Money]:
    """Of one currency: all debits and all credits, both above zero."""
    amounts = [one.amount for one in some]
    currency = amounts[0].currency
    debit, credit = (total((one for one in amounts if one.minor * sign > 0), currency) for sign in (1, -1))
    return debit, -credit


@pages.post("/books/begin")
@needs("books.write")
def begin() -> Response:
    """Keep books from this day on."""
    starts = _day("starts")
    if starts is None or not today_here() - AGES <= starts <= today_here() + timedelta(days=366):
        flash(gettext("Say from which day on books are kept."), "bad")
        return _back()
    asked_for = books.begin(hub(), visitor().merchant, starts, who())
    flash(gettext("Books are kept from now on. %(count)s orders are booked in the background.", count=asked_for), "good")
    return _back()


@pages.post("/books/close")
@needs("books.write")
def close() -> Response:
    """Close everything up to a day; nothing: open all again."""
    until = _day("until")
    try:
        books.close(hub(), visitor().merchant, until, who())
    except books.NotKept:
        abort(404)
    flash(gettext("Saved."), "good")
    return _back()


def _day(name: str) -> date | None:
    try:
        return date.fromisoformat(asked.text(name, 10))
    except ValueError:
        return None


def _back() -> Response:
    return redirect(url_for("books.page"), 303)


@pages.get("/books/payouts")
@needs("books.read")
def paid() -> str:
    """Payouts, the newest first."""
    before = asked.number(asked.text("before")) or 2**62
    with hub().database.read() as db:
        rows = payouts.listed(db, visitor().merchant, before, MOST)
        shown = _names(db)
    return render_template(
        "books_payouts.html",
        rows=rows,
        **shown,
        more=us(rows[-1].payout.at) if len(rows) == MOST else None,
        key=hub().ids(),
        today=today_here(),
    )


@pages.get("/books/payouts/<id>")
@needs("books.read")
def payout(id: str) -> str:
    with hub().database.read() as db:
        found = accounts.open_payout(hub(), db, visitor().merchant, asked.printable(id)[:64], today_here()) or abort(404)
        shown = _names(db)
    return render_template("books_payout.html", found=found, one=found.known.payout, **shown, most=200)


@pages.post("/books/payouts/<id>/banked")
@needs("books.write")
def banked(id: str) -> Response:
    """What the bank's statement says of it."""
    with hub().database.read() as db:
        known = payouts.one(db, visitor().merchant, asked.printable(id)[:64]) or abort(404)
    try:
        accounts.bank(hub(), visitor().merchant, known, asked.text("amount", 30), who())
    except ValueError:
        flash(gettext("That is not an amount of money."), "bad")
    except Refused:
        flash(gettext("It came in a deposit with others: look there."), "bad")
    return redirect(url_for("books.payout", id=id), 303)


@pages.get("/books/open")
@needs("books.read")
def left() -> str:
    """What is open and may be a break, or what is open for one cause; what is awaited a page at a time."""
    why, after = asked.text("why", 20), max(0, asked.number(asked.text("after")))
    with hub().database.read() as db:
        if (found := accounts.look(hub(), db, visitor().merchant)) is None:
            return not_kept()
        rows = [one for one in found.found if why in ("", one.cause.value)][after : after + MOST + 1]
        if why == AWAITED:  # those that nobody need judge stand behind the others
            rows = (rows if not after else []) + accounts.awaited(hub(), db, visitor().merchant, found.today, after, MOST + 1)
    counts = {cause: sum(one.cause is cause for one in found.found) for cause in {one.cause for one in found.found}}
    counts[Cause.AWAITED] = found.awaited
    told = {"counts": counts, "why": why, "after": after + MOST if len(rows) > MOST else None, "today": found.today, "names": found.names}
    return render_template("books_open.html", rows=rows[:MOST], **told, **WORDS)


@pages.post("/books/open/write-off")
@needs("books.write")
def write_off() -> Response:
    """What is open under an item closes as a loss, or a gain."""
    item, gateway, currency = asked.text("item", 300), asked.text("gateway", 100), asked.text("currency", 3)
    try:
        accounts.write_off(
            hub(),
            visitor().merchant,
            asked.text("connection", 64),
            item,
            gateway,
            currency,
            who(),
            asked.text("words", 300).strip(),
            _into(),
        )
    except (Refused, books.NotKept):
        abort(404)
    flash(gettext("Written off."), "good")
    return redirect(url_for("books.left"), 303)


def _into() -> Account:
    """What a difference turned out to be."""
    return next((one for one in accounts.INTO if one == asked.text("into", 20)), Account.WRITTEN_OFF)


@pages.get("/books/orders/<order>")
@needs("books.read")
def of_order(order: str) -> str:
    """An order's entries as a bookkeeper draws them."""
    with hub().database.read() as db:
        row = (lists.order(db, visitor().merchant, asked.printable(order)) or abort(404))[0]
        ref = f"{row.connection}/{row.channel_id}"
        story, left = journal.story(db, visitor().merchant, ref), margins.of_order(db, visitor().merchant, ref)
        since, shown = costing.since_of(db, visitor().merchant), _names(db)
        known = journal.named(db, visitor().merchant, [ref]).get(ref)
    said = {"why": books_words.IT_WAITS.get(known.why if known else ""), "since": since, **shown}
    return render_template("books_order.html", row=row, story=story, gone=taken_back(story), left=left, **said)


def taken_back(story: Any) -> set[int]:
    """The ids of entries that were taken back, and of those that did: they come to nothing together."""
    by_version = {(entry.key, entry.version): entry.id for entry, _ in story}
    pairs = [(entry.id, by_version[entry.key, entry.reverses]) for entry, _ in story if entry.reverses]
    return {id for pair in pairs for id in pair}


@pages.get("/books/certificate")
@needs("books.read")
def certificate() -> str:
    if (found := _certificate()) is None:
        return not_kept()
    with hub().database.read() as db:
        shown = _names(db)
    return render_template("books_certificate.html", one=found, most=MOST, month=f"{found.since:%Y-%m}", **shown)


@pages.get("/books/certificate.csv")
@needs("books.read")
def certificate_file() -> Response:
    if (found := _certificate()) is None:
        return _back()
    with hub().database.read() as db:
        names = _names(db)["names"]
    name = f"certificate-{found.since:%Y-%m}.csv"
    told = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(accounts.as_csv(found, names), content_type="text/csv; charset=utf-8", headers=told)


@pages.get("/books/certificate.pdf")
@needs("books.read")
def certificate_paper() -> Response:
    """For a bookkeeper's folder."""
    from core.flows import certifying  # fonts and all that draws are loaded when somebody prints
    from web.pages.shipments import language

    since, until = accounts.month(asked.text("month", 7), today_here())
    words = {text: str(gettext(text)) for text in (*WORDS_ON_PAPER.values(), *books_words.CAUSES.values(), *books_words.GATEWAYS.values())}
    try:
        made = certifying.paper(hub(), visitor().merchant, since, min(until, today_here()), language(), words)
    except books.NotKept:
        return _back()
    told = {"Content-Disposition": f'attachment; filename="certificate-{since:%Y-%m}.pdf"'}
    return Response(made, content_type="application/pdf", headers=told)


@pages.get("/books/payouts/<id>/certificate.pdf")
@needs("books.read")
def payout_paper(id: str) -> Response:
    """One payout, for a bookkeeper's folder."""
    from core.flows import certifying  # as above
    from web.pages.shipments import language

    tables = (WORDS_ON_PAPER, books_words.CAUSES, books_words.STATES, books_words.OCCASIONS, books_words.GATEWAYS)
    words = {text: str(gettext(text)) for table in tables for text in table.values()}
    made = certifying.paper_of_payout(hub(), visitor().merchant, asked.printable(id)[:64], language(), words) or abort(404)
    told = {"Content-Disposition": 'attachment; filename="certificate-of-payout.pdf"'}
    return Response(made, content_type="application/pdf", headers=told)


def _certificate() -> Certificate | None:
    """None where no books are kept."""
    since, until = accounts.month(asked.text("month", 7), today_here())
    try:
        with hub().database.read() as db:
            return accounts.certificate(hub(), db, visitor().merchant, since, min(until, today_here()))
    except books.NotKept:
        return None
