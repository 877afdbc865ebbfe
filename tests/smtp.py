"""A mail server that behaves: it takes letters, and breaks where a test wants it to."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Sink:
    """`letters` are (recipient, text). `refuses` answers the recipient so; `hangs_up_after_data` takes the letter and says nothing."""

    address: str = ""
    letters: list[tuple[str, str]] = field(default_factory=list)
    refuses: str = ""
    hangs_up_after_data: bool = False


class _Talk(socketserver.StreamRequestHandler):
    server: Any

    def say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())

    def handle(self) -> None:
        self.say("220 sink")
        to = ""
        while line := self.rfile.readline().decode().strip():
            word = line.upper()
            if word.startswith("RCPT"):
                to = line.partition("<")[2].rstrip(">")
                self.say(self.server.sink.refuses or "250 yes")
            elif word == "DATA":
                if self._data(to):
                    return
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 yes")

    def _data(self, to: str) -> bool:
        """True where it hangs up without a word."""
        self.say("354 go on")
        lines = []
        while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
            lines.append(line)
        self.server.sink.letters.append((to, "\n".join(lines)))
        if not self.server.sink.hangs_up_after_data:
            self.say("250 taken")
        return bool(self.server.sink.hangs_up_after_data)


@contextmanager
def sink() -> Iterator[Sink]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Talk) as server:
        server.daemon_threads = True
        server.sink = Sink(f"smtp://127.0.0.1:{server.server_address[1]}")  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server.sink  # type: ignore[attr-defined]
        finally:
            server.shutdown()
            thread.join()
