"""What is bought and printed on release: a list of rules, of which the first that fits counts, with what it would do now."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, render_template
from flask_babel import gettext

from core.domain.print_rules import BEST, CONDITIONS, PrintRule
from core.domain.printing import TAKES
from core.errors import Refused
from core.flows import packing, print_rules
from core.flows.print_rules import Trial
from core.store import connections, printers
from core.store import print_rules as store
from web import asked
from web.pages.printing import why
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("print_rules", __name__)
FIELDS = (*CONDITIONS, "buy", "label", "slip")
BLANK = 2  # rows for new rules


@pages.get("/print/rules")
@needs("shipments.work")
def page() -> str:
    return _show()


def _show(draft: Sequence[PrintRule] | None = None, trial: Sequence[Trial] | None = None) -> str:
    merchant = visitor().merchant
    with hub().database.read() as db:
        known, stations = store.rules(db, merchant), printers.stations(db, merchant)
        channels = connections.all_of(db, merchant)
        offers = packing.offered(hub(), merchant, connections.all_of(db, merchant, connections.CARRIER))
    rules = known.rules if draft is None else draft
    return render_template(
        "print_rules.html", rules=[*rules, *[PrintRule()] * BLANK], trial=trial, conditions=CONDITIONS, best=BEST, offers=offers,
        stations=stations, pages=[one for one in stations if TAKES[one.way] == "pdf"], channels=_channels(channels),
        can_undo=known.before is not None,
    )  # fmt: skip


def _channels(known: Sequence[Any]) -> dict[str, str]:
    """Whole channels, and the accounts where there are several of one."""
    kinds = [one.channel for one in known]
    own = {name: hub().connectors[name].label for name in dict.fromkeys(kinds) if name in hub().connectors}
    return own | {one.id: f"{own.get(one.channel, one.channel)} · {one.label}" for one in known if kinds.count(one.channel) > 1}


def _draft() -> list[PrintRule]:
    """What the form says, in the order of its numbers; rows without anything are left out."""
    columns = [[said.strip() for said in asked.texts(name, 200)] for name in FIELDS]
    rows = [PrintRule(**dict(zip(FIELDS, row, strict=True))) for row in zip(*columns, strict=False)]
    places = [asked.number(said, 999) for said in asked.texts("place", 4)] + [999] * len(rows)
    numbered = sorted(enumerate(rows), key=lambda one: (places[one[0]], one[0]))
    return [row for _, row in numbered if row != PrintRule()]


@pages.post("/print/rules")
@needs("printers.manage")
def save() -> str:
    """Saved, or only tried out."""
    draft = _draft()
    if asked.text("act", 10) == "try":
        return _show(draft, print_rules.try_out(hub(), visitor().merchant, draft))
    try:
        print_rules.set_rules(hub(), visitor().merchant, who(), draft)
    except Refused as error:
        say("bad", why(str(error)))
        return _show(draft)
    say("good", gettext("Orders that are released from now on follow these rules."))
    return _show()


@pages.post("/print/rules/undo")
@needs("printers.manage")
def undo() -> str:
    """Back to the rules that there were before the last change."""
    try:
        print_rules.undo(hub(), visitor().merchant, who())
    except Refused as error:
        say("bad", why(str(error)))
    else:
        say("good", gettext("It is as it was before."))
    return _show()
