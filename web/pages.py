"""The plain page: orders and stock as they move. No buyer's data, and on this machine only, until there is a login."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Flask, abort, current_app, render_template, request
from sqlalchemy.exc import SQLAlchemyError

from core.domain.money import Money
from core.flows import overview, ways
from core.hub import Hub
from core.store import connections, events, findings, kin, listings, orders, stock, tasks
from core.store.tables import when

pages = Blueprint("pages", __name__)
LOCAL = ("127.0.0.1", "::1", "localhost")
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")  # a proxy on this machine speaks for people elsewhere


def make_app(hub: Hub) -> Flask:
    app = Flask(__name__)
    app.extensions["hub"] = hub
    app.register_blueprint(pages)
    app.jinja_env.filters["money"] = lambda minor, currency: Money(minor, currency).text()
    app.jinja_env.filters["clock"] = lambda at: when(at).strftime("%Y-%m-%d %H:%M:%S")
    app.jinja_env.filters["spell"] = ways.spell
    app.after_request(_harden)
    return app


def _harden(answer: Any) -> Any:
    answer.headers["Content-Security-Policy"] = "default-src 'self'; frame-ancestors 'none'"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _hub() -> Hub:
    hub: Hub = current_app.extensions["hub"]
    return hub


@pages.before_request
def _only_here() -> None:
    """A page for whoever sits at this machine; a foreign Host is somebody else's name for it."""
    if request.endpoint == "pages.health":
        return
    host = urlsplit(f"//{request.host}").hostname
    if request.remote_addr not in LOCAL or host not in LOCAL or any(name in request.headers for name in FORWARDED):
        abort(403)


def _merchant(hub: Hub) -> str:
    with hub.database.read() as db:
        found = connections.merchants(db)
    if not found:
        abort(404, "nobody is connected yet: crossdock connect")
    return request.args.get("merchant") or found[0].id


def _view(hub: Hub) -> Mapping[str, Any]:
    merchant = _merchant(hub)
    with hub.database.read() as db:
        return {
            "overview": overview.overview(db, merchant, hub.now),
            "orders": orders.latest(db, merchant, 25),
            "listings": listings.all_of(db, merchant)[:90],
            "levels": stock.levels(db, merchant, most=30),
            "findings": findings.listed(db, merchant, only_open=True, most=20),
            "parked": tasks.listed(db, merchant, state="parked", most=20),
            "ways": ways.ways(hub, db, merchant),
        }


@pages.get("/")
def home() -> str:
    return render_template("home.html", **_view(_hub()))


@pages.get("/live")
def live() -> str:
    """The moving part of the page, fetched every two seconds."""
    return render_template("live.html", **_view(_hub()))


@pages.get("/orders/<order>")
def order(order: str) -> str:
    hub = _hub()
    merchant = _merchant(hub)
    with hub.database.read() as db:
        found = orders.by_id(db, merchant, order)
        if found is None:
            abort(404)
        row, seen = found
        original, into = (kin.row_of(db, merchant, ref) for ref in (row.copy_of, row.merged_into))
        copies, story = kin.copies_of(db, merchant, seen.ref), events.story(db, merchant, seen.ref)
        return render_template("order.html", row=row, order=seen, story=story, original=original, into=into, copies=copies)


@pages.get("/healthz")
def health() -> tuple[dict[str, str], int]:
    """200 while the database answers, else 503."""
    try:
        with _hub().database.read() as db:
            db.exec_driver_sql("select 1")
    except SQLAlchemyError:
        return {"status": "the database does not answer"}, 503
    return {"status": "ok"}, 200
