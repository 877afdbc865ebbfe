"""Goods on their way: a list by state, one with everything about it, writing it down, receiving it."""

import io
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, render_template, request
from flask_babel import gettext, ngettext
from markupsafe import Markup

from core.domain import inbound as rules
from core.domain.costing import UnitCost
from core.domain.inbound import KINDS, STATES, Act, Came, Kind, State
from core.errors import Refused, Unsupported
from core.flows import inbound, inbound_csv, uploads
from core.flows.inbound import Draft
from core.store import audit, costs, inbounds
from core.store import places as locations_of
from core.store.inbounds import Inbound
from core.store.tables import us, when
from web import acts, asked
from web.pages.stock import brought, csv_file, uploaded_page
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("inbound", __name__)
MOST = 50
LONG = 60_000  # letters of the lines that somebody types
SHOWS: dict[str, tuple[str, ...]] = {"open": ("open", "sent"), "closed": ("closed",), "cancelled": ("cancelled",), "all": ()}


@pages.get("/inbound")
@needs("stock.read")
def page() -> str:
    show = asked.text("show", 20) if asked.text("show", 20) in SHOWS else "open"
    behind = (asked.number(asked.text("at")), asked.text("id", 64)) if asked.text("at") else inbounds.NEWEST
    with hub().database.read() as db:
        rows = inbounds.page(db, visitor().merchant, SHOWS[show], behind, MOST + 1)
    more = rows[MOST - 1] if len(rows) > MOST else None
    return render_template("inbound.html", rows=rows[:MOST], more=more, show=show, views=_views(), kinds=KINDS, states=STATES)


def _views() -> dict[str, str]:
    named = (gettext("Under way"), gettext("Closed"), gettext("Cancelled"), gettext("All"))
    return dict(zip(SHOWS, named, strict=True))


@pages.get("/inbound/<id>")
@needs("stock.read")
def one(id: str) -> str:
    return _page(id)


def _page(id: str, typed: Mapping[str, tuple[str, str]] | None = None) -> str:
    with hub().database.read() as db:
        found = inbounds.one(db, visitor().merchant, id) or abort(404)
        told = audit.of(db, visitor().merchant, f"inbound/{id}", 30)
    may_reopen = rules.may(found.state, Act.REOPEN, found.lines.values())
    return render_template(
        "inbound_one.html", one=found, acts=told, words=acts.words, kinds=KINDS, states=STATES, typed=typed or {}, may_reopen=may_reopen
    )


# ---- writing it down


@pages.get("/inbound/new")
@needs("stock.write")
def new() -> str:
    return _form("", {"lines": f"{asked.text('sku')}=1" if asked.text("sku") else ""})


@pages.get("/inbound/<id>/change")
@needs("stock.write")
def change(id: str) -> str:
    with hub().database.read() as db:
        found = inbounds.one(db, visitor().merchant, id) or abort(404)
    return _form(id, _as_typed(found))


def _as_typed(one: Inbound) -> dict[str, Any]:
    day = when(one.expected_at).astimezone(_zone()).date().isoformat() if one.expected_at else ""
    lines = "\n".join(f"{line.sku}={line.units}" for line in one.lines.values())
    said = {name: getattr(one, name) for name in ("location", "source", "sender", "reference", "note")}
    return {**said, "kind": one.kind.value, "expected": day, "lines": lines}


def _form(id: str, said: Mapping[str, Any]) -> str:
    with hub().database.read() as db:
        places = locations_of.locations(db, visitor().merchant)
    return render_template("inbound_form.html", id=id, typed=said, places=places, kinds=KINDS)


@pages.post("/inbound/new")
@needs("stock.write")
def add() -> str:
    draft = _draft()
    id = _tried(lambda: inbound.add(hub(), visitor().merchant, draft, who())) if draft else None
    return _page(id) if id else _form("", request.form)


@pages.post("/inbound/<id>/change")
@needs("stock.write")
def edit(id: str) -> str:
    with hub().database.read() as db:
        inbounds.one(db, visitor().merchant, id) or abort(404)
    draft = _draft()
    done = _tried(lambda: _edited(id, draft)) if draft else None
    return _form(id, request.form) if done is None else _page(id)


def _edited(id: str, draft: Draft) -> str:
    inbound.edit(hub(), visitor().merchant, id, draft, who())
    return id


def _tried(act: Callable[[], str]) -> str | None:
    """None where it was refused: then that is said."""
    try:
        return act()
    except Unsupported:
        abort(404)
    except Refused as error:
        say("bad", _cannot(error))
        return None


def _draft() -> Draft | None:
    """What the form says; None where it cannot be read: then that is said."""
    kind, day = asked.text("kind", 20), asked.text("expected", 20)
    try:
        lines = _lines(request.form.get("lines", "")[:LONG])
        at = us(datetime.combine(date.fromisoformat(day), time(12), _zone())) if day else None
    except ValueError as error:
        say("bad", gettext("That cannot be read: %(line)s", line=str(error)))
        return None
    sender, reference, note = (asked.text(name, most).strip() for name, most in (("sender", 100), ("reference", 100), ("note", 500)))
    meant = Kind(kind) if kind in set(Kind) else Kind.PURCHASE
    return Draft(meant, asked.text("location", 64), asked.text("source", 64) or None, sender, reference, note, at, lines)


def _zone() -> ZoneInfo:
    return ZoneInfo(visitor().zone)


def _lines(text: str) -> dict[str, int]:
    """A SKU and its units on each line. Raises ValueError with the line that says something else."""
    made: dict[str, int] = {}
    for line in filter(None, (asked.printable(one).strip() for one in text.splitlines())):
        sku, _, units = line.rpartition("=")
        if not sku.strip() or sku.strip() in made or not 1 <= asked.number(units.strip(), -1) <= rules.MOST:
            raise ValueError(line[:100])
        made[sku.strip()] = asked.number(units.strip())
    return made


# ---- what is done with it

DOES: dict[str, Callable[..., Any]] = {"send": inbound.send, "close": inbound.close, "cancel": inbound.cancel, "reopen": inbound.reopen}


@pages.post("/inbound/<id>/act/<what>")
@needs("stock.write")
def act(id: str, what: str) -> str:
    does = DOES.get(what) or abort(404)
    try:
        _tell(id, what, does(hub(), visitor().merchant, id, who()))
    except Unsupported:
        abort(404)
    except Refused as error:
        say("bad", _cannot(error))
    return _page(id)


def _tell(id: str, what: str, done: Any) -> None:
    match what:
        case "send":
            say("good", gettext("It is on its way."))
        case "close":
            missing = sum(done.values())
            words = ngettext("It is closed; %(num)s unit did not arrive.", "It is closed; %(num)s units did not arrive.", missing)
            say("warn" if missing else "good", words if missing else gettext("It is closed; all of it came."), undo=_undo(id))
        case "cancel":
            back = ngettext(
                "It is cancelled; %(num)s unit is back where it left.", "It is cancelled; %(num)s units are back where they left.", done
            )
            say("good", back if done else gettext("It is cancelled."))
        case _:
            say("good", gettext("It is open again."))


def _undo(id: str, came: Any = ()) -> Markup:
    return Markup(render_template("undo_inbound.html", id=id, came=came))  # noqa: S704 - our own template made it


@pages.post("/inbound/<id>/receive")
@needs("stock.write")
def receive(id: str) -> str:
    typed = {sku: (good, damaged) for sku, _, good, damaged in _rows()}
    came = _came(id)
    if came is None:
        say("bad", gettext("Write whole numbers of units. Nothing was received."))
        return _page(id, typed)
    try:
        done = inbound.receive(hub(), visitor().merchant, id, came, who())
    except Unsupported:
        abort(404)
    except Refused as error:
        say("bad", _cannot(error))
        return _page(id, typed)
    _received(id, done)
    return _page(id)


def _received(id: str, done: inbound.Received) -> None:
    units = sum(one.good + one.damaged for one in done.came)
    if not units:
        say("info", gettext("Nothing was received: no number was written."))
        return
    say("good", ngettext("%(num)s unit is received.", "%(num)s units are received.", units), undo=_undo(id, done.came))
    for sku, more in done.more.items():
        say("warn", gettext("%(sku)s: %(units)s more than announced.", sku=sku, units=more))


def _rows() -> list[tuple[str, str, str, str]]:
    """(SKU, what was seen to have come, good, damaged), as the form says it."""
    columns = [asked.texts(name) for name in ("sku", "seen", "good", "damaged")]
    return list(zip(*columns, strict=False))


def _came(id: str) -> list[Came] | None:
    """What the form says; None where a number is none. "all": whatever is missing came."""
    if "all" in request.form:
        return _all_of(id)
    found = [Came(sku, _units(good), _units(damaged), asked.number(seen, -1)) for sku, seen, good, damaged in _rows()]
    return None if any(-1 in (one.good, one.damaged) for one in found) else found


def _all_of(id: str) -> list[Came]:
    with hub().database.read() as db:
        found = inbounds.one(db, visitor().merchant, id) or abort(404)
    return [
        Came(line.sku, line.missing(found.kind), 0, asked.number(seen, -1)) for sku, seen, *_ in _rows() if (line := found.lines.get(sku))
    ]


def _units(said: str) -> int:
    """-1 for what is no number of units."""
    found = asked.number(said.strip(), -1) if said.strip() else 0
    return found if 0 <= found <= rules.MOST else -1


@pages.post("/inbound/<id>/take-back")
@needs("stock.write")
def take_back(id: str) -> str:
    columns = [asked.texts(name) for name in ("sku", "good", "damaged")]
    came = [Came(sku, asked.number(good), asked.number(damaged)) for sku, good, damaged in zip(*columns, strict=False)]
    try:
        inbound.take_back(hub(), visitor().merchant, id, came, who())
        say("good", gettext("It is as it was before."))
    except Unsupported:
        abort(404)
    except Refused as error:
        say("bad", _cannot(error))
    return _page(id)


def _cannot(error: Refused) -> str:
    """Why not, in the reader's words."""
    match error:
        case inbound.NotOurs():
            words = gettext("Nobody knows these SKUs: %(skus)s. Nothing was changed.", skus=", ".join(error.skus))
        case inbound.Short():
            words = gettext("Less than that is free where it leaves: %(skus)s. Nothing was changed.", skus=", ".join(error.skus))
        case inbound.Changed():
            words = gettext("Somebody else received these meanwhile: %(skus)s. Look at it again.", skus=", ".join(error.skus))
        case inbound.NotThen():
            words = gettext("It is %(state)s now, so that cannot be done. Nothing was changed.", state=gettext(STATES[error.state]))
        case _:
            words = gettext("That cannot be. Nothing was changed.")
    return str(words)


# ---- files


@pages.post("/inbound/<id>/file")
@needs("stock.write")
def bring(id: str) -> Any:
    """Looked at first, as every file is."""
    request.max_content_length = uploads.LIMIT + 100_000
    with hub().database.read() as db:
        found = inbounds.one(db, visitor().merchant, id) or abort(404)
    what = inbound_csv.LINES if found.state is State.OPEN else inbound_csv.RECEIPTS
    name, raw = brought()
    if not raw or len(raw) > uploads.LIMIT:
        say("bad", gettext("Choose a file of at most %(size)s MB.", size=uploads.LIMIT // 1_000_000))
        return _page(id)
    try:
        return uploaded_page(uploads.bring_inbound(hub(), visitor().merchant, name, raw, id, what, who()))
    except Refused:
        say("bad", gettext("It is not a text in UTF-8. Save it as CSV (UTF-8) in your spreadsheet."))
        return _page(id)


@pages.get("/inbound/<id>/lines.csv")
@needs("stock.read")
def export(id: str) -> Response:
    with hub().database.read() as db:
        found = inbounds.one(db, visitor().merchant, id) or abort(404)
        paid = {sku: UnitCost(0, *one) for sku, one in costs.of_delivery(db, visitor().merchant, id).items()}
    out = io.StringIO()
    told = {sku: (one.text, one.currency) for sku, one in paid.items()}
    rows = [(line.sku, line.units, *told.get(line.sku, ("", ""))) for line in found.lines.values()]
    inbound_csv.write(out, inbound_csv.LINES, rows)
    return csv_file("announced.csv", out.getvalue())
