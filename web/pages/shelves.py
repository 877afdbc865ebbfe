"""What is kept from channels at a location. Answered with the SKU's page."""

from flask import Blueprint, render_template
from flask_babel import gettext
from markupsafe import Markup

from core.errors import Refused
from core.flows import keeping
from core.flows.keeping import Kept
from web import asked
from web.pages.stock import sku_page
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("shelves", __name__)


@pages.post("/stock/safety")
@needs("stock.write")
def keep_safe() -> str:
    """So many units of a SKU at a location are shown to no channel."""
    sku, units = asked.text("sku"), asked.number(asked.text("units").strip(), -1)
    if not 0 <= units <= keeping.MOST:
        say("bad", gettext("Write a whole number of units, at least 0."))
        return sku_page(sku)
    try:
        _told(keeping.keep_safe(hub(), visitor().merchant, {(sku, asked.text("location")): units}, who()))
    except Refused:
        say("bad", gettext("Nobody has counted it there: count it first."))
    return sku_page(sku)


def _told(done: list[Kept]) -> None:
    for one in done:
        words = gettext("%(now)s are kept from channels at %(place)s. Every channel is told.", now=one.now, place=one.name)
        say("good", words, undo=Markup(render_template("undo_safety.html", was=one)))  # noqa: S704 - our own template made it
    if not done:
        say("info", gettext("It was so already; nothing changed."))
