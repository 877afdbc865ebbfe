"""From where orders leave: what decides, how far and dear each place is, who never sends what, and when each location sends; tried out on
orders that wait before it is saved."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any

import msgspec
from flask import Blueprint, abort, render_template, request
from flask_babel import format_date, gettext, ngettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from core.domain.order_csv import safe
from core.domain.places import LocationKind
from core.domain.routing import STRATEGIES, Never, Rules, Strategy
from core.domain.shipments import PARTS, Parts
from core.domain.workdays import Hours
from core.errors import Refused
from core.flows import parting, routing_rules, routing_trial, sites
from core.flows.routing_rules import COLUMNS, WRONG, WrongZones
from core.store import connections, places, routings, shipments
from web import asked
from web.pages.stock import brought, csv_file
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("routing", __name__)
BY_HAND = 200  # rows of zones that are changed in the browser; more by file
BLANK, MOST_NEVER = 3, 200
NEVER = ("location", "sku", "country")


@pages.app_template_filter("ordinal_day")
def ordinal_day(day: int) -> str:
    """A day by its number, as the reader's language writes it."""
    return str(format_date(date.fromordinal(day), "medium"))


@dataclass(frozen=True, slots=True)
class Draft:
    """The rules as a form says them; `order` are all strategies, those that count first unless somebody moved them."""

    rules: Rules
    order: Sequence[Strategy]
    is_saved: bool = False


@pages.get("/settings/routing")
@needs("settings.read")
def page() -> str:
    return _show()


def _show(draft: Draft | None = None, trial: Sequence[routing_trial.Trial] | None = None) -> str:
    """The page of what is saved, or of a draft."""
    merchant = visitor().merchant
    with hub().database.read() as db:
        ours = [row for row in places.locations(db, merchant) if row.kind != LocationKind.FBA or row.party]
        hours = {site.id: site.hours for site in shipments.all_sites(db, merchant)}
        accounts = [(one, one.settings.get(shipments.PARTS_SETTING, "")) for one in connections.all_of(db, merchant)]
        draft = draft or _saved(routings.rules(db, merchant))
    rows = routing_rules.write_zones(draft.rules, {})
    week = [str(format_date(date(2024, 1, n), "EEEE")) for n in range(1, 8)]  # a Monday first
    return render_template(
        "routing.html", draft=draft, ours=ours, hours=hours, trial=trial, strategies=STRATEGIES, rows=rows, by_hand=len(rows) <= BY_HAND,
        zones_csv=_csv(rows) if len(rows) > BY_HAND else "", blank=range(BLANK), accounts=accounts, parts=PARTS, week=week,
    )  # fmt: skip


def _saved(rules: Rules) -> Draft:
    return Draft(rules, [*rules.strategies, *(one for one in Strategy if one not in rules.strategies)], is_saved=True)


@pages.get("/settings/routing/zones.csv")
@needs("settings.read")
def export() -> Response:
    """The zones, as a file that can be brought back."""
    with hub().database.read() as db:
        rules, ours = routings.rules(db, visitor().merchant), places.locations(db, visitor().merchant)
    return csv_file(
        "zones.csv", _csv([[safe(cell) for cell in row] for row in routing_rules.write_zones(rules, {row.id: row.name for row in ours})])
    )


def _csv(rows: Sequence[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows([COLUMNS, *rows])
    return out.getvalue()


@pages.post("/settings/routing")
@needs("settings.write")
def change() -> str:
    """Save the form, try it out, or move a strategy up or down."""
    what, _, place = asked.text("do", 20).partition("-")
    order = _order(what, asked.number(place, -1))
    try:
        rules = _rules(order)
    except Refused as error:
        say("bad", _wrong(error))
        return _show()
    draft = Draft(rules, order)
    if what == "try":
        return _tried(draft)
    return _save(draft) if what == "save" else _show(draft)


def _order(what: str, place: int) -> list[Strategy]:
    """The strategies as the form has them, one of them a step nearer to the first or to the last."""
    known = {one.value: one for one in Strategy}
    order = list(dict.fromkeys(known[said] for said in asked.texts("by", 20) if said in known))
    order += [one for one in Strategy if one not in order]
    other = {"up": place - 1, "down": place + 1}.get(what, -1)
    if 0 <= place < len(order) and 0 <= other < len(order):
        order[place], order[other] = order[other], order[place]
    return order


def _rules(order: Sequence[Strategy]) -> Rules:
    """What the form says. Raises Refused."""
    currency = asked.text("currency", 3).strip().upper()
    if currency and not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise Refused("a currency is three letters")
    used = asked.texts("use", 20)
    bans = tuple(Never(at, sku.strip(), country.strip().upper()) for at, sku, country in _rows("never", NEVER) if at)[:MOST_NEVER]
    rules = Rules(
        tuple(one for one in order if one.value in used),
        asked.text("split", 5) != "whole",
        {},
        bans,
        currency,
        move=asked.text("move", 1) == "1",
        batch=asked.text("batch", 1) == "1",
    )
    text, names = request.form.get("zones", ""), _names()
    if text:
        return routing_rules.read_zones(text, names, rules)
    said = [dict(zip(COLUMNS, row, strict=True)) for row in _rows("zone", COLUMNS)]
    return routing_rules.with_zones(((n, row) for n, row in enumerate(said, 1) if row["country"].strip()), names, rules)


def _rows(of: str, columns: Sequence[str]) -> list[tuple[str, ...]]:
    return list(zip(*(asked.texts(f"{of}_{name}", 100) for name in columns), strict=False))


def _names() -> dict[str, str]:
    """Ids of locations by their names and ids."""
    with hub().database.read() as db:
        return {said: row.id for row in places.locations(db, visitor().merchant) for said in (row.name, row.id)}


def _wrong(error: Refused) -> str:
    """Why the form or the file cannot be meant, in the reader's words."""
    if isinstance(error, WrongZones):
        words = gettext(WRONG[error.what]) % {"value": error.value}
        return str(gettext("Row %(line)s: %(words)s. Nothing was changed.", line=error.line, words=words) if error.line else f"{words}.")
    known = {
        "a currency is three": gettext("A currency is three letters: EUR."),
        "what parcels cost": gettext("Costs are in another currency: bring the zones anew with it."),
        "somebody changed": gettext("Somebody changed the rules since. Nothing was changed."),
        "there is no such location": gettext("There is no such location that could send."),
        "a country is two": gettext("A country is two large letters: US."),
    }
    return next(
        (str(words) for begins, words in known.items() if str(error).startswith(begins)),
        str(gettext("That cannot be. Nothing was changed.")),
    )


def _tried(draft: Draft) -> str:
    trial = routing_trial.try_out(hub(), visitor().merchant, draft.rules)
    return _show(draft, trial)


def _save(draft: Draft) -> str:
    with hub().database.read() as db:
        was = routings.rules(db, visitor().merchant)
    try:
        now = routing_rules.set_rules(hub(), visitor().merchant, who(), lambda _: draft.rules)
    except Refused as error:
        say("bad", _wrong(error))
        return _show(draft)
    undo = render_template("undo_routing.html", was=_text(was), now=_text(now))
    say("good", gettext("Orders that are released from now on follow these rules."), undo=Markup(undo))  # noqa: S704 - our own template made it
    return _show()


def _text(rules: Rules) -> str:
    return msgspec.json.encode(rules).decode()


@pages.post("/settings/routing/undo")
@needs("settings.write")
def undo() -> str:
    """Back to the rules that there were before."""
    try:
        was, now = (msgspec.json.decode(request.form.get(name, ""), type=Rules) for name in ("was", "now"))
        routing_rules.bring_back(hub(), visitor().merchant, who(), was, now)
    except msgspec.DecodeError:
        abort(400)
    except Refused as error:
        say("bad", _wrong(error))
    else:
        say("good", gettext("It is as it was before."))
    return _show()


@pages.post("/settings/routing/file")
@needs("settings.write")
def bring() -> str:
    """A file of zones: what it would change is shown, with where waiting orders would go; nothing is saved yet."""
    _, raw = brought()
    with hub().database.read() as db:
        saved = routings.rules(db, visitor().merchant)
    currency = asked.text("currency", 3).strip().upper()
    try:
        rules = routing_rules.read_zones(raw.decode("utf-8", "replace"), _names(), replace(saved, currency=currency or saved.currency))
    except (Refused, csv.Error) as error:
        say("bad", _wrong(error if isinstance(error, Refused) else Refused("")))
        return _show()
    _say_change(routing_rules.changed(saved, rules), sum(map(len, rules.zones.values())))
    return _tried(replace(_saved(rules), is_saved=False))


def _say_change(change: routing_rules.Change, rows: int) -> None:
    read = ngettext("%(num)s row was read.", "%(num)s rows were read.", rows)
    said = gettext("New: %(come)s, gone: %(go)s, changed: %(other)s.", come=change.come, go=change.go, other=change.other)
    say("info", f"{read} {said} {gettext('It is not saved yet.')}")


@pages.post("/settings/routing/parts/<id>")
@needs("settings.write")
def set_parts(id: str) -> str:
    """Whether an account's orders are sent whole."""
    said = asked.text("parts", 10)
    with hub().database.read() as db:
        one = connections.one_of(db, visitor().merchant, id) or abort(404)
    if said not in ("", *Parts):
        abort(400)
    parting.of_account(hub(), one, Parts(said) if said else None, who())
    say("good", gettext("It is so from now on for %(name)s.", name=one.label))
    return _show()


# ---- when each location sends


@pages.post("/settings/routing/hours/<id>")
@needs("settings.write")
def set_hours(id: str) -> str:
    with hub().database.read() as db:
        name = next((row.name for row in places.locations(db, visitor().merchant) if row.id == id), None) or abort(404)
    try:
        hours = _hours(request.form)
        was = sites.set_hours(hub(), visitor().merchant, id, who(), hours)
    except (ValueError, Refused):
        say(
            "bad",
            gettext(
                "Choose one day of the week at least; write times as 15:30, days as 2026-12-25, and parcels as a number or not at all."
            ),
        )
        return _show()
    undo = render_template("undo_hours.html", id=id, was=was)
    say("good", gettext("%(name)s sends so from now on.", name=name), undo=Markup(undo))  # noqa: S704 - our own template made it
    return _show()


def _hours(form: Mapping[str, Any]) -> Hours:
    """Raises ValueError for what is no time, day or number."""
    week = tuple(sorted({int(said) for said in asked.texts("day", 1)}))
    holidays = sorted({date.fromisoformat(said) for said in form.get("holidays", "").replace(",", " ").split()})
    cutoff, most = asked.text("cutoff", 5).strip(), asked.text("capacity", 10).strip()
    return Hours(week, tuple(holidays), time.fromisoformat(cutoff) if cutoff else None, int(most) if most else None)
