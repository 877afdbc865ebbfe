"""Activity: who did what, newest first."""

import json
import re
from typing import Any

from flask import Blueprint, render_template, request, url_for

from core.store import audit, people
from web import acts
from web.visitor import hub, needs, visitor

pages = Blueprint("activity", __name__)
MOST = 50
ID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


@pages.get("/activity")
@needs("audit.read")
def page() -> str:
    who, act = request.args.get("who", "")[:100], request.args.get("act", "")[:100]
    below = request.args.get("below", audit.BELOW_ALL, type=int)
    with hub().database.read() as db:
        rows = audit.page(db, visitor().merchant, min(below, audit.BELOW_ALL), who, act, MOST + 1)
        staff = people.staff(db, visitor().merchant)
    older = url_for("activity.page", who=who or None, act=act or None, below=rows[MOST - 1].id) if len(rows) > MOST else ""
    told = [_told(row) for row in rows[:MOST]]
    return render_template("activity.html", rows=told, staff=staff, who=who, act=act, rooms=acts.rooms(), older=older)


def _told(row: Any) -> dict[str, Any]:
    """An act as people read it: the sentence, what it was done to, and what else was written down."""
    is_id = re.fullmatch(ID, row.subject) is not None
    order = url_for("orders.one", order=row.subject) if is_id and row.act.startswith("order.") else ""
    told = {"words": acts.words(row.act), "details": acts.details(json.loads(row.body)), "order": order}
    return {"at": row.at, "who": row.who, "name": row.name, "subject": "" if is_id else row.subject, **told}
