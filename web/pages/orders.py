"""Orders: the list with its filters and search, and one order with its lines, its money and its story."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask_babel import format_decimal, gettext, ngettext
from werkzeug.wrappers import Response

from core.domain.acts import UNDOES
from core.domain.order import OrderStatus
from core.domain.order_csv import COLUMNS, chosen
from core.flows import desk, exporting, looking
from core.flows.exporting import Export
from core.flows.looking import Look, look, news
from core.flows.order_page import raw_of, whole
from core.store import acts, order_list
from core.store.acts import Deed
from core.store.tables import us
from web import deeds, story
from web import order_asked as asked
from web import order_words as words
from web.visitor import hub, needs, visitor, who

pages = Blueprint("orders", __name__)
NEWS = 25  # more new ones than that are not put above the list one by one


@pages.context_processor
def _words() -> dict[str, Any]:
    """What this room calls things: each looked up once a page."""
    return words.said() | {"tones": words.TONES, "token": hub().ids}


@pages.app_template_filter("moment")
def _moment(at: datetime) -> str:
    """A channel's moment on the merchant's clock."""
    return str(current_app.jinja_env.filters["clock"](us(at)))


@pages.get("/orders")
@needs("orders.read")
def page() -> str:
    given, asks = request.args, visitor()
    wanted, turn, kept = asked.orders(given, asks), asked.turn(given), asked.filters(given)
    with hub().database.read() as db:
        found = look(hub(), db, asks.merchant, wanted, at=turn.before or turn.after, back=turn.before is not None, oldest=turn.oldest)
        choices, done = order_list.choices(db, asks.merchant), _done(db, given)
    around = {"choices": _choices(choices), "accounts": _accounts(choices), "views": _views(), "back": urlencode({**kept, **turn.places})}
    news = _news_address(found, kept) if turn.is_first and not turn.oldest else ""
    said = _counted(found)
    return render_template("orders.html", found=found, wanted=wanted, kept=kept, turn=turn, done=done, counted=said, news=news, **around)


def _views() -> list[tuple[str, dict[str, str]]]:
    """The filters that are asked for most, by name."""
    return [
        (gettext("All"), {}),
        (gettext("Open"), {"status": OrderStatus.OPEN.value}),
        (gettext("Needs attention"), {"attention": "1"}),
        (gettext("Held by us"), {"held": "1"}),
        (gettext("Waits for payment"), {"status": OrderStatus.PENDING_PAYMENT.value}),
    ]


def _choices(rows: Sequence[Any]) -> dict[str, list[tuple[str, str]]]:
    """What a select offers, by its name; channels only where one of them has several accounts."""
    found: dict[str, list[tuple[str, str]]] = {"connection": [], "location": [], "tag": []}
    for row in rows:
        found[row.what].append((row.id, f"{row.name} ({_called(row.channel)})" if row.channel else row.name))
    channels = Counter(row.channel for row in rows if row.what == "connection")
    return found | {"channel": [(name, _called(name)) for name in sorted(channels)] if max(channels.values(), default=0) > 1 else []}


def _called(channel: str) -> str:
    return str(current_app.jinja_env.filters["channel"](channel))


def _accounts(choices: Sequence[Any]) -> dict[str, Any]:
    return {row.id: row for row in choices if row.what == "connection"}


def _counted(found: Look) -> str:
    if found.count is None:
        return ""
    number = format_decimal(found.count.orders)
    if not found.count.exact:
        return str(gettext("%(number)s orders or more", number=number))
    return str(ngettext("%(number)s order", "%(number)s orders", found.count.orders, number=number))


def _news_address(found: Look, kept: Mapping[str, Any]) -> str:
    """Where the list asks for what came in after its first row."""
    first = found.orders[0].place if found.orders else "-1_0"
    return url_for("orders.fresh", since=first, **kept)


@pages.get("/orders/new")
@needs("orders.read")
def fresh() -> str | tuple[str, int]:
    """The rows of orders that came in since; 204 while there are none."""
    wanted, since = asked.orders(request.args, visitor()), asked.place(request.args, "since")
    with hub().database.read() as db:
        found = news(hub(), db, visitor().merchant, wanted, since or abort(400), NEWS)
        if not found.orders:
            return "", 204
        accounts = _accounts(order_list.choices(db, visitor().merchant))
    kept = asked.filters(request.args)
    return render_template("orders_new.html", found=found, kept=kept, accounts=accounts, news=_news_address(found, kept))


@pages.get("/orders/export")
@needs("orders.export")
def export() -> str:
    """Which columns."""
    kept, asks = asked.filters(request.args), visitor()
    columns = {name: column for name, column in COLUMNS.items() if asks.may("orders.buyers") or not column.personal}
    asked.orders(request.args, asks)  # what makes no sense is said now
    return render_template("orders_export.html", kept=kept, columns=columns, back=urlencode(kept))


@pages.post("/orders/export")
@needs("orders.export")
def download() -> Response:
    form, asks = request.form, visitor()
    wanted = asked.orders(asked.back(form), asks)
    ids = None if form.get("all") or not form.getlist("id") else [id for id in form.getlist("id") if asked.TOKEN.fullmatch(id)]
    columns = chosen(form.getlist("column"), buyers=asks.may("orders.buyers"))
    pieces = exporting.export(hub(), asks.merchant, who(), Export(wanted, ids, columns, asks.zone, bom=bool(form.get("bom"))))
    name = hub().clock().astimezone(ZoneInfo(asks.zone)).strftime("orders-%Y-%m-%d-%H%M.csv")
    return Response(pieces, mimetype="text/csv", headers={"Content-Disposition": f"attachment; filename={name}"})


@pages.get("/orders/<order>")
@needs("orders.read")
def one(order: str) -> str:
    asks = visitor()
    with hub().database.read() as db:
        found = whole(hub(), db, asks.merchant, _id(order), buyers=asks.may("orders.buyers")) or abort(404)
        done = _done(db, request.args)
    happened = story.story(found.story, found.order.lines) + story.told(found.told)
    return render_template("order.html", one=found, row=found.row, order=found.order, story=sorted(happened, key=story.when), done=done)


def _id(said: str) -> str:
    return said if asked.TOKEN.fullmatch(said) else abort(404)


@pages.get("/orders/<order>/raw")
@needs("orders.raw")
def raw(order: str) -> str:
    """What the channel sent; that somebody looked is written down."""
    found = raw_of(hub(), visitor().merchant, _id(order), who()) or abort(404)
    return render_template("order_raw.html", found=found)


# ---- what staff do


def _done(db: Any, given: Mapping[str, str]) -> dict[str, Any] | None:
    """What was done just now, for the page that one comes back to."""
    if not given.get("did"):
        return None
    found = acts.find(db, visitor().merchant, asked.token(given, "did"), hub().box(visitor().merchant))
    return _shown(found) if found else None


def _shown(deed: Deed) -> dict[str, Any]:
    undoable = deed.ended_at is not None and deed.act in UNDOES and bool(deed.changed) and deed.undone_by is None
    return {"deed": deed, "words": deeds.said(deed), "undoable": undoable}


@pages.post("/orders/acts")
@needs("orders.write")
def act() -> Response:
    """Do something to the orders that are ticked, or to all that match."""
    form = request.form
    back, order = asked.back(form), asked.word(form, "order")
    wish = asked.wish(form, _all(back) if form.get("all") else form.getlist("id"))
    if not wish.orders:
        abort(400, gettext("No order is ticked."))
    return _return(desk.act(hub(), visitor().merchant, who(), wish), back, order)


def _all(back: Mapping[str, str]) -> Sequence[str]:
    with hub().database.read() as db:
        return looking.everything(hub(), db, visitor().merchant, asked.orders(back, visitor()))


def _return(deed: Deed, back: Mapping[str, Any], order: str) -> Response:
    address = url_for("orders.one", order=_id(order), did=deed.id) if order else url_for("orders.page", **back, did=deed.id)
    return redirect(address, 303)


@pages.get("/orders/acts/<id>")
@needs("orders.read")
def progress(id: str) -> str:
    """How far it came, while somebody looks."""
    with hub().database.read() as db:
        done = _done(db, {"did": id}) or abort(404)
    return render_template("act.html", done=done, back=request.args.get("back", ""), order=request.args.get("order", ""))


@pages.post("/orders/acts/<id>/undo")
@needs("orders.write")
def undo(id: str) -> Response:
    form = request.form
    with hub().database.read() as db:
        if acts.find(db, visitor().merchant, _id(id), hub().box(visitor().merchant)) is None:
            abort(404)
    done = desk.undo(hub(), visitor().merchant, who(), id, asked.token(form, "act"))
    if done is None:
        abort(409, gettext("That cannot be taken back, or was already."))
    return _return(done, asked.back(form), asked.word(form, "order"))
