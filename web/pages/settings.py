"""Settings: what the merchant chose. Other rooms add pages of their own to `sections`."""

import zoneinfo
from functools import cache

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.flows import people as flows
from core.store import people
from web.shell import Link
from web.visitor import hub, needed, needs, visitor, who

pages = Blueprint("settings", __name__)
Page = str | tuple[str, int] | Response


def sections() -> list[Link]:
    """The pages of the settings that this visitor may open: those that are there."""
    named = {
        "settings.page": gettext("General"),
        "people.page": gettext("People"),
        "stock.locations": gettext("Locations"),
        "keys.page": gettext("API keys"),
        "hooks.page": gettext("Webhooks"),
        "alerts.page": gettext("What you are told"),
    }
    return [
        Link(name, url_for(endpoint), request.endpoint == endpoint)
        for endpoint, name in named.items()
        if (wanted := needed(current_app, endpoint)) and visitor().may(wanted)
    ]


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
    languages = current_app.config["LANGUAGES"]
    text = render_template(
        "settings.html", name=name, chosen=chosen, zones=zones(), languages=languages, problem=problem, sections=sections()
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
