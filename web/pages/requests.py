"""What others are asked to send for us: by location and state, those whose time is over first, with what may be done for each."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import gettext

from core.domain.requests import LIVE, WAYS, WORDS, RequestState
from core.errors import Refused, Unsupported
from core.flows import answering, parties, uploads
from core.store import requests
from core.store.unit import Unit
from web import asked, request_asked, shipping_words
from web.pages.stock import brought, uploaded_page
from web.said import say
from web.visitor import hub, needs, visitor, who

pages = Blueprint("requests", __name__)
MOST = 200
OVER = (RequestState.REJECTED, RequestState.WITHDRAWN, RequestState.SENT)
TONES = {
    "wanted": "", "asked": "info", "accepted": "info", "rejected": "bad", "withdrawing": "warn", "withdrawn": "", "sent": "good",
}  # fmt: skip


@pages.context_processor
def _words() -> dict[str, Any]:
    return {"request_words": WORDS, "request_tones": TONES, "way_words": WAYS, "LIVE": LIVE}


@pages.get("/requests")
@needs("shipments.read")
def page() -> str:
    """`state` is open, or one of those in which it is over."""
    merchant, state, location = visitor().merchant, asked.text("state", 20), asked.text("location", 64)
    states = (RequestState(state),) if state in OVER else LIVE
    with hub().database.read() as db:
        rows = requests.page(db, merchant, states, location, hub().now, MOST)
        ours = requests.asked_locations(db, merchant, hub().box(merchant))
    views = {"": gettext("Open"), **{one.value: gettext(WORDS[one]) for one in OVER}}
    return render_template(
        "requests.html", rows=rows, state=state if state in OVER else "", location=location, ours=ours, views=views, now=hub().now,
        words_of=_words_of, most=MOST,
    )  # fmt: skip


def _words_of(row: Any) -> str:
    """What they said: it may hold a part of the address."""
    may = row.words and visitor().may("orders.buyers")
    return hub().box(visitor().merchant).open_text(f"requests|words|{row.id}", row.words).decode() if may else ""


@pages.get("/requests/<id>")
@needs("shipments.read")
def one(id: str) -> str:
    return _one(id)


def _one(id: str) -> str:
    merchant = visitor().merchant
    with hub().database.read() as db:
        found = requests.find(db, merchant, asked.printable(id)[:64]) or abort(404)
        shares, told = requests.shares(db, merchant, found.id), requests.parcels(db, merchant, found.id)
        ours = requests.asked_locations(db, merchant, hub().box(merchant))
    said = {"told": request_asked.parcels(told, shares), "nonce": request_asked.nonce(), "words": _words_of(found), "now": hub().now}
    link, name = f"{hub().public_url}{url_for('answer.page', token=found.token)}", ours.get(found.location, ("",))[0]
    return render_template("request_one.html", one=found, shares=shares.values(), name=name, link=link, **said)


def _do(id: str, act: Callable[[Unit, str], Any], words: str) -> str:
    """Do it in one unit, and say what became of it over the page."""

    def in_one() -> None:
        with hub().unit() as work:
            act(work, visitor().merchant)

    return _tried(id, in_one, words)


def _tried(id: str, act: Callable[[], Any], words: str) -> str:
    try:
        act()
    except Unsupported:
        abort(404)
    except Refused as error:
        say("bad", shipping_words.why(str(error)))
        return _one(id)
    say("good", words)
    return _one(id)


@pages.post("/requests/<id>/accept")
@needs("requests.write")
def accept(id: str) -> str:
    return _do(id, lambda work, merchant: answering.accept(hub(), work, merchant, id, who()), gettext("They send it."))


@pages.post("/requests/<id>/refuse")
@needs("requests.write")
def refuse(id: str) -> str:
    return _do(id, lambda work, merchant: request_asked.refuse(work, merchant, id, who()), gettext("They do not send that."))


@pages.post("/requests/<id>/sent")
@needs("requests.write")
def sent(id: str) -> str:
    return _do(id, lambda work, merchant: request_asked.sent(work, merchant, id, who()), gettext("It left. Its channel is told."))


@pages.post("/requests/<id>/stopped")
@needs("requests.write")
def stopped(id: str) -> str:
    return _do(id, lambda work, merchant: answering.stopped(hub(), work, merchant, id, who()), gettext("They stopped."))


@pages.post("/requests/<id>/again")
@needs("requests.write")
def again(id: str) -> str:
    return _tried(id, lambda: parties.ask_again(hub(), visitor().merchant, id, who()), gettext("They are asked again."))


@pages.post("/requests/<id>/withdraw")
@needs("requests.write")
def withdraw(id: str) -> str:
    return _tried(id, lambda: parties.withdraw(hub(), visitor().merchant, id, who()), gettext("They are asked to stop."))


# ---- files


@pages.post("/requests/files")
@needs("requests.write")
def bring() -> str:
    """A file with parcels that left, or with what lies at a location of somebody who sends for us."""
    request.max_content_length = uploads.LIMIT + 100_000
    name, raw = brought()
    if not raw or len(raw) > uploads.LIMIT:
        say("bad", gettext("Choose a file of at most %(size)s MB.", size=uploads.LIMIT // 1_000_000))
        return page()
    try:
        return uploaded_page(_kept(name, raw))
    except Refused:
        say("bad", gettext("It is not a text in UTF-8. Save it as CSV (UTF-8) in your spreadsheet."))
        return page()


def _kept(name: str, raw: bytes) -> str:
    merchant, what = visitor().merchant, asked.text("what", 64)
    if what == uploads.TRACKING:
        return uploads.bring_parcels(hub(), merchant, name, raw, who())
    with hub().database.read() as db:
        ours = requests.asked_locations(db, merchant, hub().box(merchant))
    return uploads.bring_theirs(hub(), merchant, name, raw, (ours.get(what) or abort(404))[0], who())
