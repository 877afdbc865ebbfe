"""The pages and the API as one Flask application: its routes, who is let in, how times and money are written, what browsers are told."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from apiflask import APIFlask
from flask import Blueprint, Flask, current_app, g, redirect, render_template, request
from flask_babel import Babel, format_currency, format_date, format_datetime, format_decimal, get_locale, gettext
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, ServiceUnavailable
from werkzeug.wrappers import Response

from core.domain.money import Money
from core.flows import ways as notices
from core.hub import Hub
from core.jobs import where
from core.store.engine import is_too_busy
from core.store.tables import when
from web import alone, consents, embedded, keys, look, machines, proof
from web.api import problems
from web.api.app import open_to_programs
from web.doors import Doors
from web.metrics import Meter
from web.pages import (
    account,
    activity,
    addresses,
    alerts,
    answer,
    assembling,
    attention,
    bench,
    books,
    buyers,
    calling_off,
    capturing,
    cards,
    changes,
    collecting,
    connections,
    costs,
    day_end,
    deposits,
    gateways,
    home,
    inbound,
    kits,
    ledger,
    locations,
    margins,
    orders,
    people,
    postage,
    print_rules,
    printing,
    promise,
    routing,
    rules,
    schedules,
    settings,
    shelves,
    shipments,
    short,
    signin,
    start,
    stock,
    together,
    totes,
    track,
    waiting,
    windows,
)
from web.pages import hooks as hooks_page
from web.pages import keys as keys_page
from web.pages import requests as requests_page
from web.said import said
from web.shell import navigation, sections, way
from web.visitor import LANGUAGES, LOCALES, MACHINES, Visitor, Way, guard, needs
from web.visitor import hub as this_hub

log = structlog.get_logger("web")
ROOMS: tuple[Blueprint, ...] = (
    home.pages,
    start.pages,
    orders.pages,
    short.pages,
    addresses.pages,
    calling_off.pages,
    capturing.pages,
    books.pages,
    costs.pages,
    postage.pages,
    ledger.pages,
    gateways.pages,
    deposits.pages,
    margins.pages,
    stock.pages,
    inbound.pages,
    day_end.pages,
    together.pages,
    totes.pages,
    collecting.pages,
    shipments.pages,
    waiting.pages,
    bench.pages,
    requests_page.pages,
    answer.pages,
    print_rules.pages,
    printing.pages,
    track.pages,
    rules.pages,
    shelves.pages,
    windows.pages,
    cards.pages,
    kits.pages,
    assembling.pages,
    changes.pages,
    promise.pages,
    attention.pages,
    connections.pages,
    settings.pages,
    people.pages,
    locations.pages,
    routing.pages,
    schedules.pages,
    keys_page.pages,
    hooks_page.pages,
    alerts.pages,
    buyers.pages,
    activity.pages,
    signin.pages,
    account.pages,
    consents.pages,
)
FORM_LIMIT = 16_000_000  # bytes that a page takes
WAYS: tuple[Way, ...] = (keys.visitor, alone.visitor)
health = Blueprint("health", __name__)


def make_app(
    hub: Hub,
    ways: tuple[Way, ...] = WAYS,
    public_url: str = "http://127.0.0.1:8400",
    told: Mapping[str, Any] | None = None,
    doors: Doors | None = None,
    meter: Meter | None = None,
) -> Flask:
    """`ways` are those by which people and programs are let in, asked in this order; `public_url` is the address by which people come;
    `told` is what the operator set, by the names under which the app's parts read it; `doors` is what connectors offer to the pages;
    `meter` counts its requests."""
    app = APIFlask(__name__, enable_openapi=False, json_errors=False)
    app.config |= told or {}
    app.extensions |= {"hub": hub, "doors": doors or Doors(), "meter": meter or Meter(hub)}
    app.config |= {"PUBLIC_URL": public_url, "MAX_CONTENT_LENGTH": FORM_LIMIT, "LANGUAGES": LANGUAGES, **_flashes(hub, public_url)}
    Babel(app, locale_selector=_locale, timezone_selector=_zone, default_translation_directories="translations")
    for room in (*ROOMS, health, machines.pages):
        app.register_blueprint(room)
    embedded.set_up(app)
    guard(app, ways, proof.check)
    open_to_programs(app)
    _teach(app, hub)
    app.register_error_handler(HTTPException, _sorry)
    app.register_error_handler(SQLAlchemyError, _busy)
    app.log_exception = _failed  # type: ignore[assignment, method-assign]
    app.after_request(_harden)
    app.after_request(proof.keep_door)
    return app


def _teach(app: APIFlask, hub: Hub) -> None:
    """What templates know."""
    app.jinja_env.filters |= {
        "money": money,
        "clock": clock,
        "day": day,
        "count": format_decimal,
        "spell": notices.spell,
        "channel": hub.label,
    }
    app.context_processor(_shell)
    app.jinja_env.globals |= {
        "proof": proof.proof,
        "proof_token": proof.token,
        "get_locale": get_locale,
        "way": way,
        "said": said,
        "sections": sections,
    }


def _flashes(hub: Hub, public_url: str) -> dict[str, Any]:
    """Flask's own cookie holds what the next page says first, and nothing else."""
    newest, *older = hub.vault.derive("flashes")
    kept = {"SECRET_KEY": newest, "SECRET_KEY_FALLBACKS": older, "SESSION_COOKIE_NAME": "crossdock-said"}
    return {**kept, "SESSION_COOKIE_SECURE": public_url.startswith("https:"), "SESSION_COOKIE_SAMESITE": "Lax"}


def _asks() -> Visitor | None:
    found: Visitor | None = g.get("visitor")
    return found


def _locale() -> str:
    asks = _asks()
    return (asks and asks.locale) or request.accept_languages.best_match(LOCALES) or LOCALES[0]


def _zone() -> str:
    asks = _asks()
    return asks.zone if asks else "UTC"


def money(minor: int, currency: str) -> str:
    """An amount as the reader's language writes it, with its currency."""
    return str(format_currency(Decimal(Money(int(minor), currency).text()), currency))


def clock(at: int, form: str = "medium") -> str:
    """A moment (microseconds, UTC) on the merchant's clock, as the reader's language writes it."""
    return str(format_datetime(when(at), form))


def day(at: int) -> str:
    """The day of a moment (microseconds, UTC) on the merchant's clock, as the reader's language writes it."""
    return str(format_date(when(at).astimezone(ZoneInfo(_zone())).date(), "medium", rebase=False))


def _shell() -> dict[str, Any]:
    asks = _asks()
    named = {"merchant_name": g.get("merchant_name", ""), "merchants": g.get("merchants", 1)}
    return {
        "visitor": asks,
        "navigation": navigation(asks) if asks else [],
        "bridge": g.get("bridge"),
        **named,
        **look.words(g.get("bridge")),
    }


def _sorry(error: HTTPException) -> tuple[str, int] | HTTPException | Response:
    """What went wrong, for a person or a program: nothing that was sent to us is said again."""
    if error.code is None or error.code < 400:
        return error
    if problems.is_for_programs():
        return problems.answer(error)
    if error.code == 405 and request.method == "GET" and (page := _stood_in(request.path)):
        return redirect(page, 303)
    ours = error.description if error.description != type(error).description else None
    return render_template("sorry.html", title=_title(error.code), words=ours or _words(error.code)), error.code


def _stood_in(path: str) -> str | None:
    """The page of a form, where somebody opens the address that the form was sent to, which is what their browser shows."""
    pages = current_app.url_map.bind("")
    while path := path.rpartition("/")[0]:
        if pages.test(path, "GET"):
            return path
    return None


def _busy(error: SQLAlchemyError) -> Any:
    """Of what the database says nothing is said again. Raises it where waiting does not help."""
    if not is_too_busy(error):
        raise error
    answer = current_app.make_response(_sorry(ServiceUnavailable()))
    answer.headers["Retry-After"] = "1"
    return answer


def _failed(caught: Any) -> None:
    """A bug, by its place; no values, since they may be somebody's."""
    log.error("request failed", where=where(caught[1]), endpoint=request.endpoint)


def _title(code: int) -> str:
    known = {401: gettext("Please sign in"), 403: gettext("This is not yours to see"), 404: gettext("There is no such page")}
    return str(known.get(code) or gettext("That did not work"))


def _words(code: int) -> str:
    known = {
        401: gettext("You are not signed in, or your session has ended."),
        403: gettext("Your role does not allow this. An owner can change that in the settings."),
        404: gettext("It may have moved, or belongs to somebody else."),
        413: gettext("That was too much at once."),
        503: gettext("The database does not answer. Try again in a minute."),
    }
    otherwise = gettext("Nothing was changed. Try again, and if it happens again, tell whoever looks after this installation.")
    return str(known.get(code) or otherwise)


def _harden(answer: Response) -> Response:
    """What a browser may do with this page. Whoever let the visitor in says who may frame it (`g.frame`) and whose scripts it may
    run beside ours (`g.scripts`)."""
    scripts, frame = " ".join(["'self'", *g.get("scripts", ())]), " ".join(g.get("frame", ())) or "'none'"
    allowed = f"default-src 'self'; script-src {scripts}; style-src {scripts}; img-src 'self' data:; frame-ancestors {frame}"
    answer.headers["Content-Security-Policy"] = f"{allowed}; base-uri 'none'; form-action 'self'"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "same-origin"
    if request.endpoint != "static" or answer.status_code >= 400:
        answer.headers["Cache-Control"] = "no-store"
    return answer


@health.get("/healthz")
@needs(MACHINES)
def lives() -> tuple[dict[str, str], int]:
    """200 while the database answers, else 503."""
    try:
        with this_hub().database.read() as db:
            db.exec_driver_sql("select 1")
    except SQLAlchemyError:
        return {"status": "the database does not answer"}, 503
    return {"status": "ok"}, 200
