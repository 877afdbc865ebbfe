"""A client that costs as little as possible: one kept-alive connection to this machine, requests put together beforehand."""

import socket
from collections.abc import Mapping


def request(path: str, raw: bytes, headers: Mapping[str, str]) -> bytes:
    """A whole POST as it goes over the wire."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Length: {len(raw)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


class Line:
    """One connection; opened anew when the server closed it between two requests."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket:
            self._socket.close()

    def ask(self, sent: bytes) -> int:
        """The status of the answer. Raises OSError where there is none."""
        try:
            return self._ask(sent)
        except (ConnectionError, EOFError):
            self._socket = None
            return self._ask(sent)

    def _ask(self, sent: bytes) -> int:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=30)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(sent)
        return _status(self._socket)


def _status(there: socket.socket) -> int:
    seen = b""
    while b"\r\n\r\n" not in seen:
        seen += _more(there)
    head, _, rest = seen.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    while len(rest) < length:
        rest += _more(there)
    return int(head[9:12])


def _more(there: socket.socket) -> bytes:
    part = there.recv(65536)
    if not part:
        raise EOFError("the server closed the connection")
    return part
