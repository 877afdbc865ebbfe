"""What orders left after fees, postage and the cost of goods: a month by channel, by SKU, by order."""

from typing import Any

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from core.domain.later import N_
from core.flows import accounts, costing, profit
from core.store import connections, journal
from core.store.margins import ORDERS
from web import asked
from web.pages.books import not_kept, today_here
from web.visitor import hub, needs, visitor

pages = Blueprint("margins", __name__)
MOST = 50
TABS = {"channel": N_("By channel"), "sku": N_("By SKU"), "order": N_("By order")}
COLUMNS = {
    "units": N_("Units"), "earned": N_("Earned"), "given_back": N_("Given back"), "fees": N_("Fees"), "postage": N_("Postage"),
    "cost": N_("Cost of goods"), "left": N_("Profit"),
}  # fmt: skip
SORTS = {sign + name for name in ORDERS if name != "day" for sign in ("", "-")}


def _asked() -> tuple[str, str, Any, Any]:
    """(tab, sort, first day, last day): what is none of them is as it usually is."""
    tab, sort = asked.text("by", 10), asked.text("sort", 20)
    since, until = accounts.month(asked.text("month", 7), today_here())
    return tab if tab in TABS else "channel", sort if sort in SORTS else "-left", since, until


@pages.get("/books/profit")
@needs("books.read")
def page() -> str:
    tab, sort, since, until = _asked()
    after, currency = max(0, asked.number(asked.text("after"))), asked.text("currency", 3)
    with hub().database.read() as db:
        merchant = visitor().merchant
        if (kept := journal.books(db, merchant)) is None:
            return not_kept()
        found = profit.look(db, merchant, since, until, tab, sort, after, MOST, currency)
        names = {one.id: one.label for one in connections.all_of(db, merchant)}
    behind = after + MOST if found.more else None
    told = {
        "tab": tab,
        "sort": sort,
        "tabs": TABS,
        "columns": COLUMNS,
        "month": f"{since:%Y-%m}",
        "behind": behind,
        "since": costing.since(kept),
    }
    return render_template("books_profit.html", one=found, names=names, days=profit.days_of(found), **told)


@pages.get("/books/profit.csv")
@needs("books.read")
def file() -> Response:
    """All rows of a tab."""
    tab, sort, since, until = _asked()
    with hub().database.read() as db:
        names = {one.id: one.label for one in connections.all_of(db, visitor().merchant)}
        text = "".join(profit.as_csv(db, visitor().merchant, since, until, tab, sort, names))
    told = {"Content-Disposition": f'attachment; filename="profit-{tab}-{since:%Y-%m}.csv"'}
    return Response(text, content_type="text/csv; charset=utf-8", headers=told)
