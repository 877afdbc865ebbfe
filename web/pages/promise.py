"""The promise that nothing is sold twice: what it covers, and which listings are left out, why, and what mends it."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import msgspec
from flask import Blueprint, Response, abort, render_template
from flask_babel import gettext
from markupsafe import Markup

from core.domain import promise as words
from core.domain.leading import leader
from core.domain.order_csv import safe
from core.domain.promise import Standing, Uncovered
from core.errors import Refused
from core.flows import covering
from core.store import promises
from core.store.displays import Listed
from web import asked
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("promise", __name__)
MOST, ALL = 50, 100_000


@pages.get("/stock/promise")
@needs("stock.read")
def page() -> str:
    merchant, after = visitor().merchant, asked.number(asked.text("after"))
    with hub().database.read() as db:
        known, counts = promises.connections(db, merchant), promises.counts(db, merchant)
        found, tasks = promises.left_out(db, merchant, after, MOST + 1), promises.mending(db, merchant)
    rows = [(one, _page_of(one, known)) for one in found[:MOST]]
    mending = {tuple(row.subject.split("/")[1:3]): row for row in tasks}
    return render_template(
        "promise.html", known=[(one, _standing(one)) for one in known], counts=counts, rows=rows,
        more=found[MOST - 1].id if len(found) > MOST else None, mending=mending, words=words, many=promises.MANY - 1,
    )  # fmt: skip


def _standing(row: Any) -> str:
    """Why nothing of a connection is covered."""
    return words.left_out(Standing(row.live_at is not None, row.state, leader(msgspec.json.decode(row.settings)).value))


def _page_of(one: Listed, known: Sequence[Any]) -> str:
    """The channel's own page of a listing; "" where nobody knows it."""
    connector, row = hub().connectors.get(one.channel), next((row for row in known if row.id == one.connection), None)
    if connector is None or connector.listing_url is None or row is None:
        return ""
    return connector.listing_url(one.account, one.listing, one.said_handle, {**connector.settings, **msgspec.json.decode(row.settings)})


@pages.post("/stock/promise")
@needs("listings.map")
def mend() -> str:
    """Have a listing stop at what it shows, or go on as before."""
    id, back = asked.number(asked.text("listing")), asked.text("back") == "1"
    try:
        covering.ask(hub(), visitor().merchant, id, asked.text("uncovered"), who(), back=back)
    except Refused:
        abort(404)
    undo = {"listing": id, "uncovered": asked.text("uncovered"), "back": "" if back else "1"}
    say("good", gettext("Its channel is asked. What it answers stands here in a moment."), undo=_undo(undo))
    return page()


def _undo(fields: dict[str, Any]) -> Markup:
    return Markup(render_template("undo_promise.html", fields=fields))  # noqa: S704 - our own template made it


@pages.get("/stock/promise.csv")
@needs("stock.read")
def export() -> Response:
    """Every listing that is left out."""
    with hub().database.read() as db:
        found = promises.left_out(db, visitor().merchant, 0, ALL)
    out = io.StringIO()
    lines = csv.writer(out)
    lines.writerow(("channel", "account", "listing", "channel_sku", "skus", "shows", "reason"))
    lines.writerows([safe(str(cell)) for cell in _line(one)] for one in found)
    answer = Response("\ufeff" + out.getvalue(), mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename="not-covered.csv")
    return answer


def _line(one: Listed) -> tuple[Any, ...]:
    shows = "" if one.display.shown is None else one.display.shown
    why = words.WORDS.get(Uncovered(one.uncovered)) if one.uncovered in set(Uncovered) else one.uncovered
    return (one.channel, one.label, one.listing, one.sku, " ".join(one.parts), shows, (why or "") % {"channel": hub().label(one.channel)})
