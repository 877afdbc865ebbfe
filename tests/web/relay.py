"""A wire to a server that a test can cut."""

import contextlib
import socket
import threading
from urllib.parse import urlsplit, urlunsplit

PIECE = 65536


class Relay:
    """`url` leads to the given server through here. It carries; cuts what is open and what comes; swallows
    what comes without a word; or refuses."""

    def __init__(self, url: str) -> None:
        self._there = urlsplit(url)
        self._how = "carries"
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listen(0)
        user = f"{self._there.username}@" if self._there.username else ""
        self.url = urlunsplit(self._there._replace(netloc=f"{user}127.0.0.1:{self._port}"))

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, *_: object) -> None:
        self._shut()
        self._hang_up()

    def _shut(self) -> None:
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)  # else whoever waits in accept keeps it open for one more
        self._door.close()

    def become(self, how: str) -> None:
        """carries, cuts, swallows or refuses."""
        before, self._how = self._how, how
        if how == "refuses":
            self._shut()
        elif before == "refuses":
            self._listen(self._port)
        if how != "carries":
            self._hang_up()

    def _listen(self, port: int) -> None:
        self._door = socket.create_server(("127.0.0.1", port))
        self._port: int = self._door.getsockname()[1]
        threading.Thread(target=self._serve, args=(self._door,), daemon=True).start()

    def _serve(self, door: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._join(door.accept()[0])

    def _join(self, here: socket.socket) -> None:
        if self._how in ("cuts", "refuses"):
            here.close()
            return
        if self._how == "swallows":
            with self._lock:
                self._open.append(here)
            return
        there = socket.create_connection((self._there.hostname or "", self._there.port or 0))
        with self._lock:
            self._open += [here, there]
        for source, target in ((here, there), (there, here)):
            threading.Thread(target=_carry, args=(source, target), daemon=True).start()

    def _hang_up(self) -> None:
        with self._lock:
            cut, self._open = self._open, []
        for one in cut:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            target.sendall(piece)
        target.shutdown(socket.SHUT_RDWR)
