"""The way out to merchants' own programs. They name the address, so it may be anybody's: only public ones are called, the name is resolved
once and the connection made to that very address, no redirect is followed, nothing of the answer is kept, and none of it takes long."""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import SplitResult, urlsplit

import certifi

from core.ports import Heard

CONNECT_S, SILENT_S, WHOLE_S = 5.0, 10.0, 15.0
LENGTH, BODY = 2000, 65_536
EMBEDDED = ipaddress.ip_network("64:ff9b::/96")  # IPv4 behind a translator (RFC 6052): who knows what that is there
Resolve = Callable[..., list[tuple[Any, Any, Any, Any, Any]]]


class NotThere(Exception):
    """We do not call that; the text says why."""


@dataclass
class Poster:
    """`private` lets it call this machine and private networks, without TLS on this machine: for rehearsals, and for who knows what is
    reachable from here. `resolve` is socket.getaddrinfo's like, `trusts` the certificates that are believed."""

    private: bool = False
    resolve: Resolve = socket.getaddrinfo
    trusts: ssl.SSLContext | None = None
    whole_s: float = WHOLE_S
    _own: threading.local = field(default_factory=threading.local)

    @cached_property
    def _trusted(self) -> ssl.SSLContext:
        return self.trusts or ssl.create_default_context(cafile=certifi.where())

    def refuses(self, url: str) -> str:
        """Why nothing may be told there; empty: it may. A name is looked up when it is called, not before."""
        try:
            parts = _parts(url)
            self._check_scheme(parts)
            if (address := _literal(parts.hostname or "")) is not None:
                self._check(address)
        except NotThere as error:
            return str(error)
        return ""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Heard:
        """Tell it. Never raises for what the other side does, or does not."""
        began = time.monotonic()
        try:
            status, wait_s = self._say(_parts(url), headers, body)
            words = "" if 200 <= status < 300 else "redirects are not followed" if 300 <= status < 400 else "it did not take it"
            return Heard(status, _ms(began), words, wait_s)
        except NotThere as error:
            return Heard(None, _ms(began), str(error))
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Heard(None, _ms(began), self._words(error, time.monotonic() - began))

    def _words(self, error: Exception, took_s: float) -> str:
        if isinstance(error, ssl.SSLCertVerificationError):
            return "its certificate is not for that name, or nobody vouches for it"
        if isinstance(error, TimeoutError) or took_s >= self.whole_s:
            return "it did not answer in time"
        return f"no connection ({type(error).__name__})"

    def _say(self, parts: SplitResult, headers: Mapping[str, str], body: bytes) -> tuple[int, float]:
        self._check_scheme(parts)
        kept = self._kept(parts)
        if kept is not None:
            with contextlib.suppress(ConnectionError, http.client.RemoteDisconnected):  # they hung up meanwhile: once more, on a new line
                return self._on(kept, parts, headers, body)
        return self._on(self._line(parts), parts, headers, body)

    def _on(self, line: "_Plain", parts: SplitResult, headers: Mapping[str, str], body: bytes) -> tuple[int, float]:
        timer = threading.Timer(self.whole_s, _hang_up, [line])
        timer.daemon = True
        timer.start()
        try:
            line.request("POST", _path(parts), body, dict(headers))
            answer = line.getresponse()
            answer.read(BODY)
            if answer.isclosed() and not answer.will_close:
                self._own.line, self._own.place = line, (parts.scheme, parts.netloc)
            return answer.status, _seconds(answer.headers.get("Retry-After"))
        finally:
            timer.cancel()
            if getattr(self._own, "line", None) is not line:
                line.close()

    def _kept(self, parts: SplitResult) -> "_Plain | None":
        """This thread's line to there, where it has one; whoever takes it keeps it."""
        line: _Plain | None = getattr(self._own, "line", None)
        if line is None or self._own.place != (parts.scheme, parts.netloc):
            self.done()
            return None
        self._own.line = None
        return line

    def done(self) -> None:
        """This thread tells nobody anything for a while: its line is given up."""
        line: _Plain | None = getattr(self._own, "line", None)
        if line is not None:
            line.close()
            self._own.line = None

    def _line(self, parts: SplitResult) -> "_Plain":
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        address = self._address(host, port)
        return _Secure(host, port, address, self._trusted) if secure else _Plain(host, port, address)

    def _address(self, host: str, port: int) -> str:
        """Where the name leads: the connection is made to this address and to no other."""
        try:
            found = [info[4][0] for info in self.resolve(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError):
            raise NotThere("its name is not known") from None
        for one in found:
            self._check(ipaddress.ip_address(one.partition("%")[0]))
        if not found:
            raise NotThere("its name is not known")
        first: str = found[0]
        return first

    def _check_scheme(self, parts: SplitResult) -> None:
        if parts.scheme == "https" or (parts.scheme == "http" and self.private and _is_here(parts.hostname or "")):
            return
        raise NotThere("only https addresses are called")

    def _check(self, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
        if not self.private and not is_public(address):
            raise NotThere("it is not on the public internet")


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Anybody's, and not a way to something that is not: no private, local or reserved address, in no disguise."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address in EMBEDDED:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _parts(url: str) -> SplitResult:
    """Raises NotThere for what is no address that can be called."""
    if len(url) > LENGTH or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise NotThere("it is no address")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotThere("it is no address") from None
    if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment or port == 0:
        raise NotThere("it is no address")
    return parts


def _literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_here(host: str) -> bool:
    literal = _literal(host)
    return host == "localhost" or (literal is not None and literal.is_loopback)


def _path(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


def _seconds(text: str | None) -> float:
    """Retry-After in seconds; a date, or anything else, says nothing."""
    return float(text) if text and text.isascii() and text.isdecimal() and len(text) < 8 else 0.0


def _hang_up(line: http.client.HTTPConnection) -> None:
    """Whoever drips an answer does not hold us."""
    with contextlib.suppress(OSError):  # it ended by itself
        if line.sock is not None:
            line.sock.shutdown(socket.SHUT_RDWR)


class _Plain(http.client.HTTPConnection):
    def __init__(self, host: str, port: int, address: str) -> None:
        super().__init__(host, port, timeout=SILENT_S)
        self._to = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._to, self.port), CONNECT_S)
        self.sock.settimeout(SILENT_S)


class _Secure(_Plain):
    default_port = http.client.HTTPS_PORT

    def __init__(self, host: str, port: int, address: str, trusted: ssl.SSLContext) -> None:
        super().__init__(host, port, address)
        self._trusted = trusted

    def connect(self) -> None:
        super().connect()
        self.sock = self._trusted.wrap_socket(self.sock, server_hostname=self.host)
