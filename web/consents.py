"""The way back from a channel on whose page somebody agreed, and the way there out of a frame.

Who is signed in here comes back as the same person. Out of a frame, where no cookie of ours counts, they leave by a page of ours in a
window of its own, which says for whom they agree and leaves that window a cookie to come back with.
"""

from urllib.parse import urlsplit

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.errors import Forged, HubError
from core.flows import consents
from core.store import connections, visits
from core.store.connections import Connection
from core.store.consents import Asked
from web.doors import doors
from web.visitor import PUBLIC, Visitor, hub, needs, perhaps

COOKIE = "consent"
FRAMED = "framed"  # in a wish: they were sent out of a frame
pages = Blueprint("consents", __name__)


@pages.get("/consents/<channel>/go")
@needs(PUBLIC)
def hop(channel: str) -> str:
    """For whom somebody is about to agree: read it before you go on."""
    asked = _asked(channel)
    with hub().database.read() as db:
        merchant, name = connections.merchant(db, asked.merchant), visits.name_of(db, asked.user)
    there = url_for("consents.leave", channel=channel, state=request.args["state"])
    label = hub().connectors[channel].label
    return render_template("hop.html", there=there, label=label, merchant=merchant.name if merchant else "", name=name)


def _asked(channel: str) -> Asked:
    asked = consents.sent(hub(), request.args.get("state", ""))
    if asked is None or asked.channel != channel or FRAMED not in asked.wish or channel not in doors().consents:
        abort(404)
    return asked


@pages.get("/consents/<channel>/leave")
@needs(PUBLIC)
def leave(channel: str) -> Response:
    """Only from the page before: a link that somebody sent leads there first."""
    asked, state = _asked(channel), request.args["state"]
    if not _from_us():
        return redirect(url_for("consents.hop", channel=channel, state=state))
    answer = redirect(doors().consents[channel].address(asked.wish, state, doors().back(channel)))
    secure = doors().public_url.startswith("https:")
    answer.set_cookie(COOKIE, state, max_age=900, path="/consents", httponly=True, samesite="Lax", secure=secure)
    return answer


def _from_us() -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    return site == "same-origin" if site else urlsplit(request.headers.get("Referer", "")).netloc == request.host


@pages.get("/consents/<channel>/back")
@needs(PUBLIC)
def back(channel: str) -> Response | tuple[str, int]:
    """They come back; what the channel gives for their code connects the account."""
    port, asks = doors().consents.get(channel) or abort(404), perhaps()
    if not isinstance(asks, Visitor) and COOKIE not in request.cookies:
        return asks or abort(401)
    query, who = request.args.to_dict(), asks if isinstance(asks, Visitor) else None
    try:
        one, asked = consents.come_back(hub(), port, channel, query, doors().back(channel), lambda asked: _is_theirs(asked, who))
    except Forged:
        abort(403, gettext("This does not come from where you were sent, or came twice. Start again from the connections page."))
    except HubError as error:
        return render_template("sorry.html", title=gettext("It is not connected"), words=str(error.args[0])), 409
    return _done(one) if FRAMED in asked.wish else _welcome(one)


def _is_theirs(asked: Asked, asks: Visitor | None) -> bool:
    """Whether it was they who were sent: the same person here; or the same window, where a frame sent them."""
    if FRAMED in asked.wish:
        return request.cookies.get(COOKIE) == request.args.get("state")
    return asks is not None and (asks.merchant, asks.user) == (asked.merchant, asked.user) and asks.may("connections.manage")


def _welcome(one: Connection) -> Response:
    label = hub().connectors[one.channel].label
    flash(gettext("%(channel)s %(account)s is connected.", channel=label, account=one.account), "good")
    return redirect(url_for("connections.page"), 303)


def _done(one: Connection) -> Response:
    """The window that a frame opened has done its work."""
    label, watched = hub().connectors[one.channel].label, one.live_at is None
    page = render_template("done.html", label=label, account=one.account, watched=watched)
    answer = Response(page, content_type="text/html; charset=utf-8")
    answer.delete_cookie(COOKIE, path="/consents")
    return answer
