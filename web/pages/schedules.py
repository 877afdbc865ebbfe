"""Settings: what happens by the clock, for each account and for everybody here; how often orders are read is the merchant's to choose."""

from collections import defaultdict
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain import alerts, causes
from core.domain.today import zone_of
from core.flows import clockwork
from core.flows import connections as flows
from core.store import connections
from core.store.connections import Connection
from core.store.tables import us
from web import asked
from web.visitor import hub, needs, visitor, who

pages = Blueprint("schedules", __name__)
MINUTES = (1, 2, 5, 10, 15, 30, 60)  # between two reads of a channel's orders


@pages.get("/settings/schedules")
@needs("settings.read")
def page() -> str:
    with hub().database.read() as db:
        known = [one for one in connections.all_of(db, visitor().merchant) if one.state != "disconnected"]
    slots = defaultdict(list)
    for slot in clockwork.slots(hub(), known):
        slots[slot.connection.id].append(_told(slot))
    morning = us(alerts.next_morning(hub().clock(), zone_of(visitor().zone)))
    told = [(one, _chosen(one), slots[one.id]) for one in known]
    return render_template("schedules.html", known=told, minutes=MINUTES, morning=morning)


def _told(slot: clockwork.Slot) -> dict[str, Any]:
    what = gettext(causes.DOES[slot.kind])
    return {"what": what, "every": slot.every.total_seconds() * 1000, "next": clockwork.next_at(hub().now, slot)}


def _chosen(one: Connection) -> dict[str, Any]:
    """How often its orders are read: by itself, in minutes; and what somebody chose (None: nobody did), in seconds."""
    connector = hub().connectors.get(one.channel)
    return {"usual": connector.poll_every.total_seconds() / 60 if connector else 0, "seconds": one.settings.get("poll_s")}


@pages.post("/settings/schedules/<id>")
@needs("settings.write")
def choose(id: str) -> Response:
    with hub().database.read() as db:
        one = connections.one_of(db, visitor().merchant, id) or abort(404)
    minutes = asked.number(request.form.get("minutes", ""), -1)
    if minutes not in (0, *MINUTES):
        abort(400, gettext("Choose one of the times on the list."))
    flows.poll_each(hub(), one, minutes * 60 or None, who())
    flash(gettext("%(account)s is read so often from now on.", account=one.label), "good")
    return redirect(url_for("schedules.page"), 303)
