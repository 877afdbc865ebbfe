"""Settings: what the merchant chose."""

import zoneinfo
from datetime import timedelta
from functools import cache

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain.checking import RULES as CHECKS
from core.domain.shipments import Rules
from core.errors import Refused
from core.flows import people as flows
from core.flows import sites
from core.store import connections, people
from web import asked
from web.visitor import hub, needs, visitor, who

pages = Blueprint("settings", __name__)
Page = str | tuple[str, int] | Response


@cache
def zones() -> list[str]:
    """The time zones that people know by a city, and UTC."""
    regions = ("Africa/", "America/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/", "Pacific/")
    return ["UTC", *sorted(name for name in zoneinfo.available_timezones() if name.startswith(regions))]


@pages.get("/settings")
@needs("settings.read")
def page() -> Page:
    return _page()


def _page(problem: str = "") -> Page:
    with hub().database.read() as db:
        name, chosen = people.settings(db, visitor().merchant)
        rules, channels = sites.rules(db, visitor().merchant), connections.all_of(db, visitor().merchant)
    languages = current_app.config["LANGUAGES"]
    text = render_template(
        "settings.html",
        name=name,
        chosen=chosen,
        zones=zones(),
        languages=languages,
        problem=problem,
        rules=rules,
        channels=channels,
        checks=CHECKS,
    )
    return (text, 400) if problem else text


@pages.post("/settings")
@needs("settings.write")
def save() -> Page:
    name, zone, locale = (request.form.get(field, "") for field in ("name", "zone", "locale"))
    if not flows.called(name) or zone not in zones() or locale not in current_app.config["LANGUAGES"]:
        return _page(gettext("Please give a name, and choose a time zone and a language from the lists."))
    flows.set_merchant(hub(), visitor().merchant, flows.called(name), zone, locale, who())
    flash(gettext("Saved."), "good")
    return redirect(url_for("settings.page"), 303)


@pages.post("/settings/release")
@needs("settings.write")
def release() -> Page:
    """What must hold before an order becomes shipments."""
    minutes = asked.number(asked.text("grace").strip() or "0", -1)
    part, authorized, terms, later = (asked.text(name, 5) == "1" for name in ("part", "authorized", "terms", "on_delivery"))
    try:
        if not 0 <= minutes <= 10**6:
            raise Refused("no such time")
        on_label = frozenset(request.form.getlist("on_label"))
        rules = Rules(timedelta(minutes=minutes), part, authorized, terms, later, on_label=on_label)
        sites.set_rules(hub(), visitor().merchant, who(), rules)
        sites.set_check(hub(), visitor().merchant, who(), asked.text("address_check", 10))
    except Refused:
        return _page(gettext("Write for how many minutes buyers may still change an order: a week at most."))
    flash(gettext("Saved."), "good")
    return redirect(url_for("settings.page"), 303)
