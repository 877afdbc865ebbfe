"""Settings: API keys. One is shown once, when it is made."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain.roles import SCOPES
from core.errors import Refused
from core.flows import keys as flow
from core.store import keys
from web.visitor import hub, needs, visitor

pages = Blueprint("keys", __name__, url_prefix="/settings/keys")
DAYS = (30, 90, 365)


def scope_words() -> dict[str, str]:
    """What each scope lets a program do, for people."""
    words = {
        "orders.read": gettext("Read orders and events"),
        "orders.buyers": gettext("Read names and addresses of buyers"),
        "orders.write": gettext("Hold and release orders, tag them, write notes on them"),
        "stock.read": gettext("Read stock and listings"),
        "stock.write": gettext("Count and adjust stock"),
        "listings.map": gettext("Map listings to SKUs"),
        "requests.read": gettext("Read what others are asked to send, with its addresses"),
        "requests.write": gettext("Answer for those who are asked to send"),
        "connections.read": gettext("Read how channels are doing"),
        "attention.read": gettext("Read tasks"),
        "attention.act": gettext("Try parked tasks again"),
        "books.read": gettext("Read the books: entries, balances, payouts, documents, profit"),
    }
    return {scope: words[scope] for scope in SCOPES}


@pages.get("")
@needs("keys.manage")
def page() -> str:
    return _page()


def _page(**more: Any) -> str:
    with hub().database.read() as db:
        found = keys.all_of(db, visitor().merchant)
    holding = [key for key in found if key.holds(hub().now)]
    return render_template(
        "keys.html",
        keys=holding,
        ended=[key for key in found if key not in holding],
        scopes=scope_words(),
        days=DAYS,
        **more,
    )


@pages.post("")
@needs("keys.manage")
def add() -> str | tuple[str, int]:
    """The answer shows the key; it is in no address and no cookie."""
    asks, days = visitor(), request.form.get("days", type=int)
    until = hub().now + timedelta(days=days) // timedelta(microseconds=1) if days in DAYS else None
    name, scopes = request.form.get("name", ""), request.form.getlist("scopes")
    try:
        made = flow.make(hub(), asks.merchant, (asks.user, asks.name), name, scopes, until)
    except Refused:
        return _page(wrong=gettext("Give it a name of up to 80 letters, and choose at least one thing that it may do.")), 422
    return _page(made=made)


@pages.post("/<key>/revoke")
@needs("keys.manage")
def revoke(key: str) -> Response:
    asks = visitor()
    if not flow.revoke(hub(), asks.merchant, (asks.user, asks.name), key):
        abort(404)
    return redirect(url_for("keys.page"), 303)
