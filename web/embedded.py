"""Our pages inside a channel's own admin: a signed token with each request says who looks, and no cookie is kept.

What the channel's script asks of us is told by the connector's `Bridge`: a page's request carries the token in its query, and is sent by
our bounce page to fetch a fresh one; what a script asks carries it as a bearer.
"""

from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from flask import Blueprint, Flask, abort, current_app, g, redirect, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain.roles import Role
from core.errors import Forged, Refused, Retryable
from core.flows.visits import Doorway, arrive
from core.hub import Hub
from core.ports import Bridge, Frames
from core.store.visits import Visit
from web import carried
from web.doors import doors
from web.visitor import LOCALES, OPEN, PUBLIC, Visitor, Way, needed, needs

BEARER = "bearer "
IN_A_FRAME = ("iframe", "frame")
pages = Blueprint("embedded", __name__)


def set_up(app: Flask) -> None:
    app.register_blueprint(pages)
    app.after_request(_without_cookies)


def way(frames: Mapping[str, Frames]) -> Way:
    """Whoever comes by the admin of one of these channels. It is asked before the ways that know cookies: in a frame ours do not count."""

    def come(hub: Hub) -> Visitor | Response | None:
        if token := _bearer():
            return _fetched(hub, frames, token)
        return _opened(hub, frames) if frames else None

    return come


def _bearer() -> str:
    """The ID token of a script's request; "" where there is none: our own keys are no such three parts."""
    told = request.headers.get("Authorization", "")
    return told[len(BEARER) :] if told.lower().startswith(BEARER) and told.count(".") == 2 else ""


def _fetched(hub: Hub, frames: Mapping[str, Frames], token: str) -> Visitor | Response:
    for channel, frame in frames.items():
        if by := _proven(channel, frame, token):
            return _visitor(hub, by)
    return _again(next(iter(frames.values())).bridge if frames else None)


def _opened(hub: Hub, frames: Mapping[str, Frames]) -> Visitor | Response | None:
    """A page that is opened: with a token that holds it is shown; without, where the admin asks for it, one is fetched first."""
    channel, frame = next((found for found in frames.items() if found[1].bridge.account in request.args), next(iter(frames.items())))
    token = request.args.get(frame.bridge.token)
    if token is None and _is_whole_window():
        return _into_the_admin(frame)
    if token is None and not _is_framed():
        return None
    if request.method not in ("GET", "HEAD"):
        return _again(frame.bridge)
    by = _proven(channel, frame, token) if token else None
    return _visitor(hub, by) if by else _bounce(frame.bridge)


def _is_framed() -> bool:
    return request.headers.get("Sec-Fetch-Dest") in IN_A_FRAME or request.args.get("embedded") == "1"


def _is_whole_window() -> bool:
    """It is no frame's, as the browser says; one that says nothing is believed what the address says."""
    kind = request.headers.get("Sec-Fetch-Dest")
    return kind == "document" or (kind is None and not _is_framed())


def _into_the_admin(frame: Frames) -> Response | None:
    """Who was sent here by an admin, and stands outside of it, goes to our page in there. What is open to all is not asked about: people
    come back to it from a consent."""
    if request.method not in ("GET", "HEAD") or needed(current_app, request.endpoint or "") in OPEN:
        return None
    there = frame.entrance(request.path, request.args.to_dict())
    return redirect(there) if there else None


def _proven(channel: str, frame: Frames, token: str) -> Doorway | None:
    """By whom the token is; None where it does not hold. An address that names another account is somebody's trick: 401."""
    try:
        guest = frame.guest(token)
    except Forged:
        return None
    if request.args.get(frame.bridge.account, guest.account) != guest.account:
        abort(401)
    frame_by(frame, guest.account)
    return Doorway(channel, frame, guest, token)


def frame_by(frame: Frames, account: str) -> None:
    """Let this account's admin, and nobody else, show the page in a frame, and run its script first."""
    scripts = {_origin(script): None for script in (frame.bridge.script, frame.bridge.elements) if script}
    g.bridge, g.frame, g.scripts = frame.bridge, frame.ancestors(account), tuple(scripts)


def _origin(address: str) -> str:
    said = urlsplit(address)
    return f"{said.scheme}://{said.netloc}"


def _visitor(hub: Hub, by: Doorway) -> Visitor:
    try:
        found = arrive(hub, by)
    except Refused as error:
        abort(403, str(error.args[0]))
    except Retryable:
        abort(503, gettext("%(channel)s does not answer just now. Try again in a minute.", channel=hub.label(by.channel)))
    g.doorway = by
    carried.take()
    zone = str(found.settings.get("zone") or "UTC")
    return Visitor(found.merchant, found.user or "", found.name, Role(found.role), by.channel, by.guest.account, None, _locale(found), zone)


def _locale(found: Visit) -> str:
    """The language that their admin speaks, where we do."""
    theirs = (request.args.get("locale") or found.locale).partition("-")[0]
    return theirs if theirs in LOCALES else ""


def _again(bridge: Bridge | None) -> Response:
    """No token, or not one that holds: the script may ask once more with a fresh one."""
    return Response(gettext("Please sign in"), 401, dict([bridge.retry]) if bridge else {})


def _bounce(bridge: Bridge) -> Response:
    """To the page that has the script load this one again, with a token."""
    kept = {name: value for name, value in request.args.items() if name not in (bridge.token, bridge.reload, carried.NAME)}
    back = f"{request.path}?{urlencode(kept)}" if kept else request.path
    return redirect(f"/auth/patch-id-token?{urlencode({**kept, bridge.reload: back})}")


@pages.get("/auth/patch-id-token")
@needs(PUBLIC)
def bounce() -> Response:
    """Nothing but the channel's script, which loads what `reload` names once it has a token. It leads nowhere but to our own pages."""
    frame = next((one for one in doors().frames.values() if one.bridge.reload in request.args), None) or abort(404)
    back = request.args[frame.bridge.reload]
    if not back.startswith("/") or back[1:2] in ("/", "\\"):
        abort(400)
    frame_by(frame, request.args.get(frame.bridge.account, ""))
    page = render_template("bounce.html", bridge=frame.bridge)
    return current_app.make_response((page, {"Link": f'<{frame.bridge.script}>; rel="preload"; as="script"'}))


def _without_cookies(answer: Response) -> Response:
    """In a frame of somebody else's page browsers drop cookies, and must have none of ours to keep."""
    if g.get("bridge"):
        carried.carry(answer)
        answer.headers.remove("Set-Cookie")
    return answer
