"""What goods cost: booked from which day on, units whose cost nobody knows, what each SKU costs now, and files of it."""

import io
from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain.costing import UnitCost
from core.flows import cost_csv, costing, shelves, uploads
from core.flows.costing import Typed, WrongCost
from core.flows.counting import WrongLines
from core.store import costs, journal
from web import asked
from web.pages.stock import brought, csv_file
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("costs", __name__)
MOST = 50


@pages.get("/books/costs")
@needs("books.read")
def page() -> str:
    return _page()


def _page(wrong: list[tuple[int, str]] | None = None, looked: "list[costing.Priced] | None" = None, text: str = "") -> str:
    after, lacks = asked.text("after", 200), asked.text("lacks", 200)
    with hub().database.read() as db:
        merchant = visitor().merchant
        books = journal.books(db, merchant)
        lacking = costs.lacking(db, merchant, lacks, MOST)
        count = costs.how_many_lack(db, merchant) if lacks or len(lacking) == MOST else len(lacking)
        rows = costs.page(db, merchant, after, MOST)
        shelved = shelves.look(db, merchant, hub().clock().date()) if books and costing.since(books) else []
    known = {row.sku: UnitCost(row.at, row.cost, row.currency) for row in rows if row.cost is not None}
    return render_template(
        "costs.html", books=books, since=costing.since(books) if books else None, lacking=lacking, count=count, rows=rows, known=known,
        more=rows[-1].sku if len(rows) == MOST else "", more_lacks=lacking[-1].sku if len(lacking) == MOST else "",
        wrong=wrong, looked=looked, text=text, shelved=shelved, today=hub().clock().date(),
    )  # fmt: skip


@pages.post("/books/costs/switch")
@needs("books.write")
def switch() -> Response:
    """From which day on it is booked; none: not at all."""
    text = asked.text("starts", 10)
    try:
        costing.switch(hub(), visitor().merchant, date.fromisoformat(text) if text else None, who())
        flash(gettext("Saved. Orders are booked once more in the background."), "good")
    except ValueError:
        flash(gettext("That is not a day."), "bad")
    except costing.NotKept:
        flash(gettext("Say from which day on books are kept."), "bad")
    return _back()


@pages.post("/books/costs")
@needs("books.write")
def type_cost() -> Response:
    """What a unit of a SKU costs, from a day on or since ever."""
    text = asked.text("first", 10)
    try:
        first = date.fromisoformat(text) if text else None
        said = Typed(asked.text("sku", 200), asked.text("cost", 30).strip(), asked.text("currency", 3).strip().upper(), first)
        costing.type_costs(hub(), visitor().merchant, [said], who())
        flash(gettext("Saved. What waited for it is booked in the background."), "good")
    except WrongCost as error:
        flash(_words(error), "bad")
    except ValueError:
        flash(gettext("That is not a day."), "bad")
    return _back()


def _words(error: WrongCost) -> str:
    no_sku, no_cost = gettext("There is no such SKU."), gettext("That is no cost: say an amount like 4.25 with its currency, like EUR.")
    return str(no_sku if str(error).startswith("sku") else no_cost)


@pages.post("/books/costs/file")
@needs("books.write")
def bring() -> Any:
    """Looked at first; taken when somebody says so."""
    request.max_content_length = uploads.LIMIT + 100_000
    taken, (_, raw) = asked.text("go", 10) == "take", brought()
    text = request.form.get("text", "") if taken else raw.decode("utf-8-sig", "replace")
    try:
        found = cost_csv.take(hub(), visitor().merchant, cost_csv.read(text), who(), dry_run=not taken)
    except WrongLines as error:
        return _page(wrong=error.lines)
    if not taken:
        return _page(looked=found, text=text)
    say("good", gettext("It is taken. What waited for it is booked in the background."))
    return _page()


@pages.get("/books/costs/costs.csv")
@needs("books.read")
def export() -> Response:
    """Every SKU with what it costs now, those without a cost first: to be filled in and brought again."""
    out = io.StringIO()
    cost_csv.write(out, cost_csv.export(hub(), visitor().merchant))
    return csv_file("costs.csv", out.getvalue())


def _back() -> Response:
    return redirect(url_for("costs.page"), 303)
