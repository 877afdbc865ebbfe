"""The first page: what came in, what needs somebody, how fast channels are told."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template

from core.flows import overview, ways
from core.store import findings, listings, orders, stock, tasks
from web.visitor import hub, needs, visitor

pages = Blueprint("home", __name__)


def _view() -> Mapping[str, Any]:
    merchant = visitor().merchant
    with hub().database.read() as db:
        return {
            "overview": overview.overview(db, merchant, hub().now),
            "orders": orders.latest(db, merchant, 25),
            "listings": listings.all_of(db, merchant)[:90],
            "levels": stock.levels(db, merchant, most=30),
            "findings": findings.listed(db, merchant, only_open=True, most=20),
            "parked": tasks.listed(db, merchant, state="parked", most=20),
            "ways": ways.ways(hub(), db, merchant),
        }


@pages.get("/")
@needs("orders.read")
def page() -> str:
    return render_template("home.html", **_view())


@pages.get("/live")
@needs("orders.read")
def live() -> str:
    """The moving part of the page, fetched every two seconds."""
    return render_template("live.html", **_view())
