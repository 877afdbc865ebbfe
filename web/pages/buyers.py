"""Settings: what buyers are told of their parcels, and what their pages look like."""

from contextlib import closing
from typing import Any

from flask import Blueprint, Response, abort, render_template, request
from flask_babel import gettext

from core.domain.looks import Look
from core.domain.telling import KINDS, UNWISHED, Kind, Telling
from core.errors import Refused
from core.flows import looks as look_flow
from core.flows import telling
from core.store import connections, looks, people
from web import asked
from web.pages.track import picture
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("buyers", __name__, url_prefix="/settings/buyers")
TOO_MUCH = 2_000_000  # bytes of a picture that is looked at


@pages.get("")
@needs("settings.read")
def page() -> str:
    merchant = visitor().merchant
    with hub().database.read() as db:
        channels = connections.all_of(db, merchant)
        shop, chosen = people.settings(db, merchant)
    return render_template(
        "buyers.html", channels=channels, choice=telling.chosen(chosen), look=look_flow.look(chosen), kinds=KINDS, unwished=UNWISHED,
        examples=[(kind, telling.sample(hub(), shop, chosen, kind, "")) for kind in Kind], has_post=bool(hub().post),
    )  # fmt: skip


@pages.post("/letters")
@needs("settings.write")
def letters() -> str:
    with hub().database.read() as db:
        mine = [one.id for one in connections.all_of(db, visitor().merchant)]
    kinds = {id: frozenset(asked.texts(f"kinds_{id}", 30)) & frozenset(Kind) for id in mine}
    return _tried(
        lambda: telling.choose(hub(), visitor().merchant, Telling(kinds, asked.text("reply_to").strip()), who()),
        gettext("Buyers are told so from now on."), gettext("Write one mail address for answers, or leave it empty."),
    )  # fmt: skip


@pages.post("/try")
@needs("settings.write")
def attempt() -> str:
    kind = asked.text("kind", 30)
    if kind not in set(Kind):
        abort(404)
    if telling.try_one(hub(), visitor().merchant, visitor().user, Kind(kind)):
        say("good", gettext("An example is on its way to your own address."))
    else:
        say("warn", gettext("You have no mail address here, so there is nowhere to send it."))
    return page()


@pages.post("/look")
@needs("settings.write")
def look() -> str:
    color = asked.text("color", 20).strip().lower() if asked.text("colored", 5) else ""
    one = Look(color, asked.text("link").strip(), asked.text("support").strip())
    return _tried(
        lambda: look_flow.choose(hub(), visitor().merchant, one, who()), gettext("Saved."),
        gettext("A color is written as #336699, the shop's address begins with https://, and whom to ask is one mail address."),
    )  # fmt: skip


@pages.post("/logo")
@needs("settings.write")
def logo() -> str:
    raw = b""
    for brought in request.files.getlist("logo")[:1]:
        with closing(brought):
            raw = brought.read(TOO_MUCH)
    return _tried(
        lambda: look_flow.set_logo(hub(), visitor().merchant, raw, who()), gettext("Saved."),
        gettext("Choose a picture in PNG, JPEG or WebP of a megabyte at most."),
    )  # fmt: skip


@pages.post("/logo/remove")
@needs("settings.write")
def remove() -> str:
    look_flow.drop_logo(hub(), visitor().merchant, who())
    say("good", gettext("Removed."))
    return page()


@pages.get("/logo.png")
@needs("settings.read")
def shown() -> Response:
    with hub().database.read() as db:
        found = looks.logo(db, visitor().merchant)
    return picture(found) if found else Response(status=204)


def _tried(act: Any, done: str, wrong: str) -> str:
    """Do it, and say what became of it over the page."""
    try:
        act()
    except Refused:
        say("bad", wrong)
    else:
        say("good", done)
    return page()
