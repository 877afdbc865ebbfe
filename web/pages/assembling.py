"""Kits put together in advance, and taken apart. Answered with the SKU's page."""

from flask import Blueprint, render_template, request
from flask_babel import gettext
from markupsafe import Markup

from core.domain import goods as words
from core.domain.assembling import Assembly
from core.errors import Refused
from core.flows import assembling
from core.flows.assembling import Assembled, CannotAssemble
from web import asked
from web.pages.stock import sku_page
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("assembling", __name__)


@pages.post("/stock/assemble")
@needs("stock.write")
def assemble() -> str:
    """So many more, or with `apart` so many less."""
    sku = asked.text("sku")
    try:
        parts = words.parts(asked.text("parts", 2000))
        units = asked.number(asked.text("units"))
        what = Assembly(sku, asked.text("location"), -units if "apart" in request.form else units, parts)
        _tell(assembling.assemble(hub(), visitor().merchant, what, who()))
    except CannotAssemble as error:
        say("bad", gettext("It cannot be: %(why)s. Nothing was changed.", why=gettext(error.words, **error.values)))
    except Refused:
        say("bad", gettext("You have no such SKU or location. Nothing was changed."))
    except ValueError:
        say("bad", gettext("Write the parts of one as MUG=2, TRAY. Nothing was changed."))
    return sku_page(sku)


def _tell(done: Assembled) -> None:
    undo = Markup(render_template("undo_assembly.html", one=done.what.back, parts=words.spelled(done.what.parts)))  # noqa: S704 - our own template made it
    say("good", gettext("%(now)s of it on hand there now. Every channel is told.", now=done.now), undo=undo)
