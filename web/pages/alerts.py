"""What a member is told outside of the pages, and by which ways; what was raised, and the letters that told of it."""

from urllib.parse import urlsplit

from flask import Blueprint, render_template, request
from flask_babel import gettext

from core.domain import causes
from core.domain.alerts import Choice
from core.flows import letters
from core.flows.ways import is_here
from core.store import alerts
from web import asked
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("alerts", __name__)


@pages.get("/settings/alerts")
@needs("own")
def page() -> str:
    merchant, user = visitor().merchant, visitor().user
    with hub().database.read() as db:
        member = alerts.member(db, merchant, user)
        raised, mine = alerts.newest(db, merchant, 30), alerts.letters_to(db, merchant, user) if member else []
    return render_template("alerts.html", member=member, raised=raised, letters=mine, loud=causes.LOUD, causes=causes.ALL)


@pages.post("/settings/alerts")
@needs("own")
def choose() -> str:
    said = request.form
    one = Choice(frozenset(asked.texts("now")) & set(causes.LOUD), "digest" in said, "mail" in said, asked.text("hook").strip())
    if one.hook and not _is_address(one.hook):
        say("bad", gettext("Write an address that begins with https://, or leave it empty."))
        return page()
    letters.choose(hub(), visitor().merchant, visitor().user, one, who())
    say("good", gettext("You are told so from now on."))
    return page()


def _is_address(text: str) -> bool:
    try:
        said = urlsplit(text)
        safe = said.scheme == "https" or (said.scheme == "http" and is_here(hub().public_url))  # a rehearsal may call this machine
        return safe and bool(said.hostname) and " " not in text
    except ValueError:
        return False


@pages.post("/settings/alerts/test")
@needs("own")
def test() -> str:
    if letters.attempt(hub(), visitor().merchant, visitor().user):
        say("good", gettext("A message is on its way to you. See below what becomes of it."))
    return page()
