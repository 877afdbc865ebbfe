"""Two printers that print into memory, on loopback: one for labels (raw ZPL, with its host status) and one for PDFs (IPP). Each can be out
of paper, silent or cut in the middle, as real ones are; both are on no network but this machine's."""

import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from config.printers import attributes

WELL = b"\x02030,0,0,0,0,0,0,0,000,0,0,0\x03\r\n\x02000,0,0,0,0,2,4,0,00000000,1,000\x03\r\n\x021234,0\x03\r\n"
EMPTY = WELL.replace(b"030,0,0", b"030,1,0", 1)
ASKS = b"~HS\r\n"


class Trouble(StrEnum):
    NONE = "none"
    PAPER = "paper"  # it is out of paper
    SILENT = "silent"  # a label printer that never says how it is
    CUT = "cut"  # it hangs up in the middle of what it is sent
    LOST = "lost"  # it prints, and its answer does not come
    DECLINES = "declines"  # an office printer that does not know such a file
    ABORTS = "aborts"  # it takes the job and gives it up


@dataclass
class Tray:
    """What a printer printed, and what is wrong with it now. With a `folder` each paper lies there too, as a file."""

    printed: list[bytes] = field(default_factory=list)
    trouble: Trouble = Trouble.NONE
    address: str = ""
    folder: Path | None = None

    def take(self, paper: bytes) -> None:
        self.printed.append(paper)
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
            ending = "pdf" if paper.startswith(b"%PDF") else "zpl"
            (self.folder / f"{time.time_ns()}.{ending}").write_bytes(paper)


@contextmanager
def label_printer(folder: Path | None = None) -> Iterator[Tray]:
    """It listens while this lasts."""
    tray = Tray(folder=folder)

    class Line(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            _labels(self.request, tray)

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Line), tray):
        yield tray


def _labels(line: Any, tray: Tray) -> None:
    """Take labels until the other side hangs up, and say how we are when asked."""
    taken, asked = b"", 0
    while said := line.recv(65_536):
        taken += said
        while ASKS in taken:
            taken, asked = taken.replace(ASKS, b"", 1), asked + 1
            taken = _rest(tray, taken)
            if tray.trouble is Trouble.LOST and asked > 1:
                return
            if tray.trouble is not Trouble.SILENT:
                line.sendall(EMPTY if tray.trouble is Trouble.PAPER else WELL)
        if taken and tray.trouble is Trouble.CUT:
            return
    _rest(tray, taken)


def _rest(tray: Tray, taken: bytes) -> bytes:
    """Print what is whole; what is left of it."""
    if tray.trouble is Trouble.CUT or not taken.rstrip().endswith(b"^XZ"):
        return taken
    tray.take(taken)
    return b""


@contextmanager
def office_printer(folder: Path | None = None) -> Iterator[Tray]:
    tray = Tray(folder=folder)

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if tray.trouble is not Trouble.CUT:
                _answer(self, _office(tray, body))

        def log_message(self, *args: Any) -> None:
            return None

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Door), tray):
        yield tray


def _answer(door: BaseHTTPRequestHandler, body: bytes | None) -> None:
    if body is None:
        return
    door.send_response(200)
    door.send_header("Content-Type", "application/ipp")
    door.send_header("Content-Length", str(len(body)))
    door.end_headers()
    door.wfile.write(body)


def _office(tray: Tray, body: bytes) -> bytes | None:
    """What it says to Print-Job and Get-Job-Attributes (RFC 8011, 4.2.1 and 4.3.4); None: nothing."""
    operation, head = struct.unpack_from(">H", body, 2)[0], body.index(b"\x03", 8)
    said = attributes(body[8:])
    if "printer-uri" not in said or said.get("attributes-charset") != "utf-8":
        return _ipp(0x0400)
    if operation == 0x0009:
        return _ipp(0, _state(tray))
    if tray.trouble is Trouble.DECLINES or said.get("document-format") != "application/pdf":
        return _ipp(0x040A)
    if tray.trouble is not Trouble.ABORTS:
        tray.take(body[body.index(b"%PDF", head) :] if b"%PDF" in body else body[head + 1 :])
    return None if tray.trouble is Trouble.LOST else _ipp(0, b"\x21\x00\x06job-id" + struct.pack(">Hi", 4, len(tray.printed) + 1))


def _state(tray: Tray) -> bytes:
    state = {Trouble.ABORTS: 8, Trouble.PAPER: 6}.get(tray.trouble, 9)
    why = b"media-empty" if tray.trouble is Trouble.PAPER else b"none"
    return b"\x23\x00\x09job-state" + struct.pack(">Hi", 4, state) + b"\x44\x00\x11job-state-reasons" + struct.pack(">H", len(why)) + why


def _ipp(status: int, job: bytes = b"") -> bytes:
    words = b"\x47\x00\x12attributes-charset\x00\x05utf-8\x48\x00\x1battributes-natural-language\x00\x02en"
    return struct.pack(">BBHI", 1, 1, status, 1) + b"\x01" + words + (b"\x02" + job if job else b"") + b"\x03"


@contextmanager
def _serving(server: Any, tray: Tray) -> Iterator[None]:
    server.daemon_threads, server.block_on_close = True, False
    tray.address = f"127.0.0.1:{server.server_address[1]}"
    serve: Callable[[float], None] = server.serve_forever
    thread = threading.Thread(target=serve, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
