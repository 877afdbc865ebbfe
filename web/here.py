"""Whoever sits at this machine, while nobody has a login yet."""

from urllib.parse import urlsplit

from flask import abort, request

from core.domain.roles import Role
from core.hub import Hub
from core.store import connections
from web.visitor import Visitor

LOCAL = ("127.0.0.1", "::1", "localhost")
FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP", "Via")  # a proxy on this machine speaks for people elsewhere


def visitor(hub: Hub) -> Visitor | None:
    """A viewer of the first merchant, or of the one that `merchant` names. A foreign Host is somebody else's name for this machine."""
    host = urlsplit(f"//{request.host}").hostname
    if request.remote_addr not in LOCAL or host not in LOCAL or any(name in request.headers for name in FORWARDED):
        abort(403)
    with hub.database.read() as db:
        found = connections.merchants(db)
    if not found:
        abort(404, "nobody is connected yet: crossdock connect")
    wanted = request.args.get("merchant") or found[0].id
    if wanted not in {merchant.id for merchant in found}:
        abort(404)
    return Visitor(wanted, "", "", Role.VIEWER, "here")
