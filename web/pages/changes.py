"""What was changed in channels themselves: what one of you must decide, what is being looked into, and what was taken over."""

from flask import Blueprint, abort, render_template
from flask_babel import gettext

from core.domain import leading as words
from core.domain.leading import Unsure
from core.errors import Refused
from core.flows import leading
from core.store import audit, displays, doubts, places
from web import asked
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("changes", __name__)
MOST = 50


@pages.get("/stock/changes")
@needs("stock.read")
def page() -> str:
    merchant, below = visitor().merchant, (asked.number(asked.text("before"), doubts.BELOW_ALL[0]), asked.number(asked.text("id")))
    with hub().database.read() as db:
        found = doubts.listed(db, merchant, below, MOST + 1)
        listed = {one.id: one for one in displays.these(db, merchant, [one.id for one in found[:MOST]])}
        taken, undone = audit.page(db, merchant, act=leading.TOOK, most=20), audit.page(db, merchant, act=leading.UNDID, most=100)
        names = {row.id: row.name for row in places.locations(db, merchant)}
    more = found[MOST - 1] if len(found) > MOST else None
    return render_template(
        "changes.html", rows=[(one, listed[one.id]) for one in found[:MOST] if one.id in listed], more=more, names=names, words=words,
        mark=leading.mark_of, several=Unsure.PLACES.value, acts=[leading.taken(row) for row in taken],
        undone={row.subject for row in undone}, undid=leading.UNDID,
    )  # fmt: skip


@pages.post("/stock/changes")
@needs("stock.write")
def choose() -> str:
    """Whose number is right."""
    theirs, id = asked.text("choose") == "theirs", asked.number(asked.text("listing"))
    try:
        where = {"mark": asked.text("mark", 100), "location": asked.text("location")}
        leading.choose(hub(), visitor().merchant, id, theirs=theirs, who=who(), **where)
    except Refused as error:
        say("bad", gettext("Nothing was changed: %(why)s.", why=gettext(str(error)).rstrip(".")))
        return page()
    say("good", gettext("Its number is taken over, and every channel is told.") if theirs else gettext("Our number is told there."))
    return page()


@pages.post("/stock/changes/undo")
@needs("stock.write")
def undo() -> str:
    """What was taken over is taken back."""
    id = asked.number(asked.text("act")) or abort(400)
    try:
        leading.undo(hub(), visitor().merchant, id, who())
    except Refused as error:
        say("bad", gettext("Nothing was changed: %(why)s.", why=gettext(str(error)).rstrip(".")))
        return page()
    say("good", gettext("It is as it was before. Every channel is told."))
    return page()
