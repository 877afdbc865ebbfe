"""An order: its lines, its money, its story."""

from flask import Blueprint, abort, render_template

from core.store import events, kin, orders
from web.visitor import hub, needs, visitor

pages = Blueprint("orders", __name__)


@pages.get("/orders/<order>")
@needs("orders.read")
def one(order: str) -> str:
    merchant = visitor().merchant
    with hub().database.read() as db:
        found = orders.by_id(db, merchant, order)
        if found is None:
            abort(404)
        row, seen = found
        original, into = (kin.row_of(db, merchant, ref) for ref in (row.copy_of, row.merged_into))
        copies, story = kin.copies_of(db, merchant, seen.ref), events.story(db, merchant, seen.ref)
        return render_template("order.html", row=row, order=seen, story=story, original=original, into=into, copies=copies)
