"""The end of a day: what is handed over, what drivers took, and drivers who come."""

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain.handing_over import MANIFESTS, PICKUPS, Window
from core.errors import Refused
from core.flows import day_end, drivers
from core.store import connections, handovers, places, shipments
from web import asked, shipping_words
from web.visitor import hub, needs, visitor, who

pages = Blueprint("day_end", __name__)
MOST = 30
BACK_US = 30 * 86_400_000_000  # so far back the page shows what was handed over
Page = str | tuple[str, int] | Response


@pages.get("/shipments/day")
@needs("shipments.read")
def page() -> Page:
    return _page()


def _page(day: day_end.Day | None = None) -> str:
    merchant = visitor().merchant
    with hub().database.read() as db:
        ready = handovers.ready(db, merchant, "", "", day_end.MOST)
        since = hub().now - BACK_US
        closed, coming = handovers.manifests(db, merchant, since, MOST), handovers.pickups(db, merchant, since, MOST)
        names = {row.id: row.name for row in places.locations(db, merchant)}
        accounts = [one for one in connections.all_of(db, merchant, connections.CARRIER) if one.state == "active"]
        sends = [site for site in shipments.sites(db, merchant) if site.address]
    return render_template(
        "day_end.html", groups=_groups(ready), names=names, closed=closed, coming=coming, manifests=MANIFESTS, pickups=PICKUPS, day=day,
        why=shipping_words.why, words=_words, accounts=accounts, sends=sends, today=hub().clock().date() + timedelta(days=1),
    )  # fmt: skip


def _groups(rows: list[Any]) -> dict[tuple[str, str], list[Any]]:
    """What is ready, by location and carrier."""
    found: dict[tuple[str, str], list[Any]] = {}
    for row in rows:
        found.setdefault((row.location, row.connection), []).append(row)
    return found


def _words(table: str, row: Any) -> str:
    """The carrier's own words of it: they may hold a part of an address."""
    if not row.words or not visitor().may("orders.buyers"):
        return ""
    return hub().box(visitor().merchant).open_text(f"{table}|words|{row.id}", row.words).decode()


@pages.post("/shipments/day/close")
@needs("shipments.work")
def close() -> Page:
    """Hand over what is labelled at a location with a carrier's labels."""
    location, connection = asked.text("location", 64), asked.text("carrier", 64)
    day = day_end.close(hub(), visitor().merchant, who(), location=location, connection=connection)
    return _page(day)


@pages.get("/shipments/day/<id>/papers")
@needs("shipments.work")
def papers(id: str) -> Response:
    """The carrier's papers, and the list that its driver signs."""
    from core.flows import printing  # fonts and all that draws are loaded when somebody prints
    from web.pages.shipments import files, language

    try:
        return files(printing.handed(hub(), visitor().merchant, asked.printable(id)[:64], language=language()), "handed-over")
    except Refused:
        abort(404)


@pages.post("/shipments/day/<id>/again")
@needs("shipments.work")
def again(id: str) -> Page:
    known = _manifest(id)
    return _tried(lambda: day_end.again(hub(), visitor().merchant, known, who()), gettext("The carrier is asked once more."))


@pages.post("/shipments/day/<id>/settled")
@needs("shipments.work")
def settled(id: str) -> Page:
    known, number = _manifest(id), asked.text("number", 100).strip()
    return _tried(lambda: day_end.settled(hub(), visitor().merchant, known, number, who()), gettext("Saved."))


@pages.post("/shipments/day/driver")
@needs("shipments.work")
def driver() -> Page:
    """A driver is asked to come to a location."""
    try:
        window = Window(*(datetime.fromisoformat(f"{asked.text('on', 10)}T{asked.text(name, 5)}") for name in ("from", "until")))
    except ValueError:
        flash(gettext("Say on which day a driver may come, and between which hours."), "bad")
        return redirect(url_for("day_end.page"), 303)
    location, connection, count = asked.text("location", 64), asked.text("carrier", 64), asked.number(asked.text("parcels"), 0)
    return _tried(
        lambda: drivers.want(hub(), visitor().merchant, connection, location, window, who(), parcels=max(0, min(count, 9999))),
        gettext("The carrier is asked."),
    )


@pages.post("/shipments/day/driver/<id>/leave")
@needs("shipments.work")
def leave(id: str) -> Page:
    known = _driver(id)
    return _tried(lambda: drivers.leave(hub(), visitor().merchant, known, who()), gettext("The carrier is told."))


@pages.post("/shipments/day/driver/<id>/checked")
@needs("shipments.work")
def checked(id: str) -> Page:
    known, comes = _driver(id), asked.text("comes", 5) == "1"
    return _tried(lambda: drivers.checked(hub(), visitor().merchant, known, who(), comes=comes), gettext("Saved."))


def _mine(row: Any) -> str:
    """The id of what was found; another merchant's, or nobody's, is not there."""
    return str((row or abort(404)).id)


def _manifest(id: str) -> str:
    with hub().database.read() as db:
        return _mine(handovers.seen(db, visitor().merchant, asked.printable(id)[:64]))


def _driver(id: str) -> str:
    with hub().database.read() as db:
        return _mine(handovers.pickup(db, visitor().merchant, asked.printable(id)[:64]))


def _tried(act: Any, done: str) -> Response:
    try:
        act()
    except Refused as error:
        flash(shipping_words.why(str(error)), "bad")
    else:
        flash(done, "good")
    return redirect(url_for("day_end.page"), 303)
