"""Settings: outgoing webhooks. Whom we tell of events, what came of each call, and how a secret is changed."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain.feed import TYPES, type_of
from core.domain.hooks import is_taken
from core.errors import Refused
from core.flows import hooks as flow
from core.store import events, hooks
from core.store.hooks import Hook
from web.pages.settings import sections
from web.visitor import hub, needs, visitor

pages = Blueprint("hooks", __name__, url_prefix="/settings/hooks")
LOGGED = 50
TONES = {"active": "good", "paused": "warn", "stopped": "bad"}


def _who() -> tuple[str, tuple[str, str]]:
    asks = visitor()
    return asks.merchant, (asks.user, asks.name)


@pages.get("")
@needs("keys.manage")
def page() -> str:
    return _page()


def _page(**more: Any) -> str:
    with hub().database.read() as db:
        found = hooks.all_of(db, visitor().merchant)
    return render_template("hooks.html", hooks=found, types=TYPES.values(), states=state_words(), tones=TONES, sections=sections(), **more)


def state_words() -> dict[str, str]:
    return {"active": gettext("Told"), "paused": gettext("Paused"), "stopped": gettext("Stopped")}


@pages.post("")
@needs("keys.manage")
def add() -> str | tuple[str, int]:
    """The answer shows the secret; it is in no address and no cookie."""
    merchant, who = _who()
    try:
        _, secret = flow.add(hub(), merchant, who, request.form.get("url", "").strip(), request.form.getlist("types"))
    except Refused as error:
        return _page(wrong=_words(str(error))), 422
    return _page(secret=secret)


def _words(why: str) -> str:
    known = {
        "only https addresses are called": gettext("Only addresses that begin with https:// are called."),
        "it is not on the public internet": gettext("That address is not on the public internet."),
        "it is no address": gettext("That is not an address that can be called."),
    }
    return str(known.get(why) or gettext("That address cannot be called."))


@pages.get("/<hook>")
@needs("keys.manage")
def one(hook: str) -> str:
    return _one(hook)


def _one(hook: str, **more: Any) -> str:
    merchant, before = visitor().merchant, request.args.get("before", type=int) or 2**63 - 1
    with hub().database.read() as db:
        found = _found(db, hook)
        calls = hooks.calls(db, merchant, hook, LOGGED + 1, before)
        types = {row.id: type_of(row.kind) for row in events.these(db, merchant, [call.event_id for call in calls])}
    shown, older = calls[:LOGGED], len(calls) > LOGGED
    address = url_for("hooks.one", hook=hook, before=shown[-1].id) if older else ""
    return render_template(
        "hook.html", hook=found, calls=shown, types=types, older=address, states=state_words(), tones=TONES, is_taken=is_taken, **more
    )  # fmt: skip


def _found(db: Any, hook: str) -> Hook:
    found = hooks.get(db, visitor().merchant, hook)
    if found is None:
        abort(404)
    return found


def _act(act: Callable[..., bool], hook: str, *more: Any) -> Response:
    merchant, who = _who()
    if not act(hub(), merchant, who, hook, *more):
        abort(404)
    return redirect(url_for("hooks.one", hook=hook), 303)


@pages.post("/<hook>/pause")
@needs("keys.manage")
def pause(hook: str) -> Response:
    return _act(flow.pause, hook)


@pages.post("/<hook>/resume")
@needs("keys.manage")
def resume(hook: str) -> Response:
    return _act(flow.resume, hook)


@pages.post("/<hook>/test")
@needs("keys.manage")
def test(hook: str) -> Response:
    return _act(flow.test, hook)


@pages.post("/<hook>/remove")
@needs("keys.manage")
def remove(hook: str) -> Response:
    _act(flow.remove, hook)
    return redirect(url_for("hooks.page"), 303)


@pages.post("/<hook>/events/<int(max=9223372036854775807):event>/resend")
@needs("keys.manage")
def resend(hook: str, event: int) -> Response:
    return _act(flow.resend, hook, event)


@pages.post("/<hook>/secret")
@needs("keys.manage")
def rotate(hook: str) -> str:
    """The answer shows the new secret, once."""
    merchant, who = _who()
    secret = flow.rotate(hub(), merchant, who, hook)
    if secret is None:
        abort(404)
    return _one(hook, secret=secret)
