"""Kits: what one unit of a listing consumes, and how its parts leave. Answered with the SKU's page."""

from flask import Blueprint, abort, render_template, request
from flask_babel import gettext
from markupsafe import Markup

from core.domain.kits import Exploded
from core.errors import Refused
from core.flows import kits, mapping
from core.flows.kits import Changed, How, WrongKit
from core.flows.mapping import NotOurs
from web import asked
from web.pages.stock import sku_page, undo_map
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("kits", __name__)


@pages.post("/stock/kit")
@needs("listings.map")
def save() -> str:
    """What a listing consumes, as typed: "MUG=2, TRAY"."""
    try:
        done = mapping.map_many(hub(), visitor().merchant, {asked.number(asked.text("id"), -1): asked.text("parts", 2000)}, who())
    except NotOurs as error:
        say("bad", gettext("Nobody knows these SKUs: %(skus)s. Count them first.", skus=", ".join(error.skus)))
    except WrongKit as error:
        say("bad", gettext(error.words, part=error.part))
    except Refused:
        say("bad", gettext("Write a SKU of yours, or a set as MUG=2, TRAY. Nothing was changed."))
    else:
        if done:
            say("good", gettext("It is so from now on. Open orders are reserved anew, and its channel is told."), undo=undo_map(done))
        else:
            say("info", gettext("It was so already; nothing changed."))
    return sku_page(asked.text("sku"))


@pages.post("/stock/kit/how")
@needs("listings.map")
def how() -> str:
    """Whether all parts of a unit must lie at one location, and who says which parts leave; an undo's too."""
    said = How("alone" in request.form, Exploded.CHANNEL if "channel" in request.form else Exploded.HUB)
    try:
        done = kits.set_how(hub(), visitor().merchant, asked.number(asked.text("id"), -1), said, who())
    except WrongKit as error:
        say("bad", gettext(error.words, part=error.part))
    except Refused:
        abort(404)
    else:
        _tell(done)
    return sku_page(asked.text("sku"))


def _tell(done: Changed | None) -> None:
    if done is None:
        say("info", gettext("It was so already; nothing changed."))
        return
    made = Markup(render_template("undo_kit.html", one=done, sku=asked.text("sku")))  # noqa: S704 - our own template made it
    say("good", gettext("It is so from now on. Open orders are reserved anew, and its channel is told."), undo=made)
