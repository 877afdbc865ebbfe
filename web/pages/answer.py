"""Where somebody who sends for a merchant answers: a page that nobody signs in for, at an address that cannot be guessed. It shows what the
request says and nothing else, the address only while it is open; some time after its end it is gone."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, abort, flash, render_template, url_for
from flask_babel import gettext
from werkzeug.utils import redirect

from core.domain.requests import LIVE, OPEN, WORDS
from core.domain.who import Who
from core.errors import Refused
from core.flows import answering, parties
from core.store import connections, keys, requests, shipments
from core.store.requests import Asked
from core.store.unit import Unit
from web import asked, request_asked, shipping_words
from web.visitor import PUBLIC, hub, needs

pages = Blueprint("answer", __name__)
LONGEST = 60
KEPT_US, LONGEST_US = 30 * 24 * 3_600_000_000, 180 * 24 * 3_600_000_000  # after its end; after it was asked
PER_S, BURST = 0.5, 40.0


def _found(token: str) -> Asked:
    """404 for what no request has, and for one whose time is over; 429 for who asks too often."""
    with hub().database.unbound(), hub().database.read() as db:  # nobody is signed in: the address says whose it is
        found = requests.by_token(db, asked.printable(token)[:LONGEST]) or abort(404)
    if hub().now > min(found.asked_at + LONGEST_US, (found.ended_at or hub().now) + KEPT_US):
        abort(404)
    hub().database.bind(found.merchant)
    with hub().database.write() as db:
        if keys.spend(db, f"request-{found.id}", PER_S, BURST, hub().now)[1]:
            abort(429)
    return found


@pages.get("/request/<token>")
@needs(PUBLIC)
def page(token: str) -> Response:
    found = _found(token)
    merchant, is_live = found.merchant, found.state in LIVE
    with hub().database.read() as db:
        shop, box = connections.merchant(db, merchant), hub().box(merchant)
        facts = shipments.seen(db, merchant, [found.order_id], box).get(found.order_id) or abort(404)
        shares, told = requests.shares(db, merchant, found.id), requests.parcels(db, merchant, found.id)
    wish = parties.wish_of(facts, found.shipment_name, shares)
    said = {
        "one": found, "shop": shop.name if shop else "", "wish": wish, "shares": shares.values(), "is_live": is_live,
        "is_open": found.state in OPEN, "told": request_asked.parcels(told, shares), "words": WORDS, "nonce": request_asked.nonce(),
    }  # fmt: skip
    return Response(render_template("answer.html", **said), headers={"X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"})


@pages.post("/request/<token>/accept")
@needs(PUBLIC)
def accept(token: str) -> Any:
    return _do(token, lambda work, one, who: answering.accept(hub(), work, one.merchant, one.id, who), gettext("Thank you: you send it."))


@pages.post("/request/<token>/refuse")
@needs(PUBLIC)
def refuse(token: str) -> Any:
    words = gettext("Thank you: you do not send that.")
    return _do(token, lambda work, one, who: request_asked.refuse(work, one.merchant, one.id, who), words)


@pages.post("/request/<token>/sent")
@needs(PUBLIC)
def sent(token: str) -> Any:
    words = gettext("Thank you: the parcel is written down.")
    return _do(token, lambda work, one, who: request_asked.sent(work, one.merchant, one.id, who), words)


@pages.post("/request/<token>/stopped")
@needs(PUBLIC)
def stopped(token: str) -> Any:
    words = gettext("Thank you: nothing more of it is sent.")
    return _do(token, lambda work, one, who: answering.stopped(hub(), work, one.merchant, one.id, who), words)


def _do(token: str, act: Callable[[Unit, Asked, Who], Any], words: str) -> Any:
    one = _found(token)
    try:
        with hub().unit() as work:
            site = next((site.name for site in shipments.all_sites(work.db, one.merchant) if site.id == one.location), "")
            act(work, one, Who(f"request/{one.id}", site))
    except Refused as error:
        flash(shipping_words.why(str(error)), "bad")
    else:
        flash(words, "good")
    return redirect(url_for("answer.page", token=token), 303)
