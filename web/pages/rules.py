"""Rules of a listing: what is kept back, what is shown at most, and whether it is sold at all. Answered with the SKU's page."""

from dataclasses import replace

from flask import Blueprint, abort, render_template, request
from flask_babel import gettext, ngettext
from markupsafe import Markup

from core.domain.exposure import FARTHEST, MOST, Rule
from core.errors import Refused
from core.flows import exposing, sharing
from core.flows.exposing import InQuota, Ruled
from core.flows.kits import WrongKit
from core.store import displays
from web import asked
from web.pages.stock import sku_page
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("rules", __name__)


@pages.post("/stock/rule")
@needs("stock.write")
def save() -> str:
    """The rules of the listings of a form, each with its fields; an undo's too."""
    rules = {id: _rule(id) for id in asked.numbers("id")}
    if None in rules.values():
        say("bad", gettext("Write whole numbers from 0 to %(most)s, or nothing. Nothing was changed.", most=MOST))
    else:
        _set({id: rule for id, rule in rules.items() if rule}, gettext("It is so from now on. Its channel is told."))
    return sku_page(asked.text("sku"))


def _rule(id: int) -> Rule | None:
    """What the form says of one listing; None where a number is none."""
    units = [_units(asked.text(f"{name}_{id}", 20)) for name in ("buffer", "cap", "ahead", "backorder")]
    if -1 in units or (units[2] or 0) > FARTHEST:
        return None
    return Rule(units[0], units[1], f"stopped_{id}" in request.form, units[2], units[3] or 0)


def _units(said: str) -> int | None:
    """-1 for what is no number of units."""
    found = asked.number(said.strip(), -1) if said.strip() else None
    return found if found is None or 0 <= found <= MOST else -1


@pages.post("/stock/stop")
@needs("stock.write")
def stop() -> str:
    """Every listing that consumes the SKU shows none, or sells again."""
    sku, stopped = asked.text("sku"), "sell" not in request.form
    with hub().database.read() as db:
        found = displays.of_sku(db, visitor().merchant, sku)
    rules = {one.id: replace(one.rule, stopped=stopped) for one in found}
    _set(rules, gettext("It is sold nowhere any more.") if stopped else gettext("It is sold again, as far as there is any."))
    return sku_page(sku)


@pages.post("/stock/quota")
@needs("stock.write")
def quota() -> str:
    """The SKU is dealt to its listings, or shown to all as one pool."""
    sku, dealt = asked.text("sku"), "pool" not in request.form
    try:
        changed = sharing.set_quota(hub(), visitor().merchant, {sku: dealt}, who())
    except InQuota:
        say("bad", _in_quota())
        return sku_page(sku)
    except Refused:
        abort(404)
    except WrongKit as error:
        say("bad", gettext(error.words, part=error.part))
        return sku_page(sku)
    if changed:
        on, off = gettext("It is dealt to its listings. That takes some minutes."), gettext("Every channel shows all that is free again.")
        say("good", on if dealt else off)
    else:
        say("info", gettext("It was so already; nothing changed."))
    return sku_page(sku)


def _in_quota() -> str:
    words: str = gettext("What is dealt to its listings must lie there: in quota nothing is sold ahead or owed. Nothing was changed.")
    return words


def _set(rules: dict[int, Rule], words: str) -> None:
    try:
        done = exposing.set_rules(hub(), visitor().merchant, rules, who())
    except InQuota:
        say("bad", _in_quota())
        return
    except Refused:
        abort(404)
    if done:
        told = ngettext("%(num)s listing is told.", "%(num)s listings are told.", len(done))
        say("good", f"{words} {told}", undo=_undo(done))
    else:
        say("info", gettext("It was so already; nothing changed."))


def _undo(done: list[Ruled]) -> Markup:
    rows = [(one.listing.id, one.was) for one in done]
    return Markup(render_template("undo_rules.html", rows=rows, sku=asked.text("sku")))  # noqa: S704 - our own template made it
