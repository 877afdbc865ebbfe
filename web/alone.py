"""The way in for those who sign in here: a signed cookie that names their session, and where they are sent who have none."""

import ipaddress
from urllib.parse import urlsplit

import msgspec
from flask import current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response

from core.domain.roles import Role
from core.domain.signin import LONGEST
from core.flows import signin
from core.flows.signin import Asker, Welcome
from core.hub import Hub
from web import visitor as visitors
from web.visitor import Visitor

# Of this machine, and of networks that nobody outside can come from (RFC 1918, 3927, 4193)
NEAR = [
    ipaddress.ip_network(one)
    for one in ("127.0.0.0/8", "::1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "fc00::/7")
]
SESSION, DOOR = "crossdock", "crossdock-door"  # who is signed in; and who looks at a form and is not, so that nobody else sends it for them


def visitor(hub: Hub) -> Visitor | Response | None:
    """Whose session the cookie names. Somebody who asks for a page without one is sent to sign in, and back."""
    token = session()
    row = signin.asks(hub, token) if token else None
    if row is None:
        return _to_signin()
    chosen = msgspec.json.decode(row.settings)
    g.session, g.merchant_name, g.merchants = token, row.merchant_name, row.merchants
    locale, zone = row.locale or chosen.get("locale", ""), chosen.get("zone", "UTC")
    return Visitor(row.merchant, row.user_id, row.name or row.email, Role(row.role), "alone", locale=locale, zone=zone)


def _to_signin() -> Response | None:
    if request.method not in ("GET", "HEAD") or request.path.startswith("/api/"):
        return None
    if "HX-Request" in request.headers:  # a part of a page: the whole of it goes
        return Response(status=401, headers={"HX-Redirect": _signin(request.headers.get("HX-Current-URL", ""))})
    return redirect(_signin(request.full_path))


def _signin(whence: str) -> str:
    parts = urlsplit(whence)
    path = local(parts.path + (f"?{parts.query}" if parts.query else ""))
    return url_for("signin.page", next=path if path != "/" else None)


def local(path: str) -> str:
    """The path where it is one of this house, else the first page: nobody is sent elsewhere by a link to us."""
    safe = path.isprintable() and path.startswith("/") and not path.startswith("//") and "\\" not in path and " " not in path
    return path if safe else "/"


# ---- cookies


def origin() -> str:
    """The address by which people reach us."""
    return str(current_app.config["PUBLIC_URL"])


def is_secure() -> bool:
    """Whether they do so by TLS: cookies then go no other way."""
    return origin().startswith("https:")


def _named(name: str) -> str:
    """With this prefix a browser takes it from this very host alone, and over TLS (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if is_secure() else name


def cookie(name: str) -> str:
    """What we put into this cookie; empty where there is none, or it is not ours."""
    return visitors.hub().vault.signed(name, request.cookies.get(_named(name), "")) or ""


def session() -> str:
    return cookie(SESSION)


def keep(answer: Response, name: str, value: str, seconds: int | None = None) -> None:
    """`seconds`: None for as long as the browser is open."""
    signed = visitors.hub().vault.sign(name, value)
    answer.set_cookie(_named(name), signed, max_age=seconds, secure=is_secure(), httponly=True, samesite="Lax")


def forget(answer: Response, name: str) -> None:
    answer.delete_cookie(_named(name), secure=is_secure(), httponly=True, samesite="Lax")


def let_in(welcome: Welcome, path: str) -> Response:
    """Their session begins, and they go where they wanted to."""
    answer = redirect(local(path), 303)
    keep(answer, SESSION, welcome.token, int(LONGEST.total_seconds()))
    forget(answer, DOOR)
    return answer


# ---- who asks, for what is counted and what is written down


def asker() -> Asker:
    former = session()
    return Asker(address(), request.user_agent.string, signin.id_of(former) if former else "")


def address() -> str:
    """Where a request comes from, for counting: what a proxy of this network says last of it (whoever is outside cannot come from there),
    else the peer. Of IPv6 the network, since one household has all of it."""
    peer, said = request.remote_addr or "", request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return _network(said if said and _is_near(peer) else peer)


def _is_near(peer: str) -> bool:
    try:
        return any(ipaddress.ip_address(peer) in network for network in NEAR)
    except ValueError:
        return True  # a socket of this machine


def _network(address: str) -> str:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address[:45]
    return str(ipaddress.ip_network((known, 64), strict=False)) if known.version == 6 else str(known)
