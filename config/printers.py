"""The way to printers: labels raw to port 9100, PDFs by IPP (RFC 8010, RFC 8011). A printer is looked up each time, and is spoken to at
the very number that was looked at."""

import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from core.domain.printing import Place, Way, is_shut, place
from core.errors import OutcomeUnknown, Refused, Unavailable

PATIENCE_S = 5.0
STATUS = b"~HS\r\n"  # host status: three lines, each from STX to ETX (Zebra's ZPL II programming guide, P1099958, "~HS")
END = b"\x03"
BUSY = (0x0501, 0x0502, 0x0504, 0x0505, 0x0506, 0x0507)  # server-error-... that pass (RFC 8011, B.1.5)
OVER = {7: "cancelled", 8: "aborted"}  # job-state (RFC 8011, 5.3.7)
WAITS = {4: "held", 6: "stopped"}


@dataclass(frozen=True)
class Printers:
    """`any_port`: this hub rehearses on one machine, and its printers may listen anywhere. `patience_s` is waited for each answer,
    `status_s` for a label printer to say how it is: many never do."""

    any_port: bool = False
    patience_s: float = PATIENCE_S
    status_s: float = 1.0

    def refuses(self, way: str, address: str) -> str:
        try:
            self._found(way, address)
        except (Refused, Unavailable) as error:
            return str(error)
        return ""

    def print(self, way: str, address: str, body: bytes, name: str) -> str:
        where, number = self._found(way, address)
        if Way(way) is Way.ZPL:
            return self._raw(number, where.port, body)
        return self._ipp(number, where, body, name)

    def _found(self, way: str, address: str) -> tuple[Place, str]:
        """Where it stands, and its number there. None of a host's numbers may be shut: the next look-up might give that one."""
        where = place(Way(way), address, any_port=self.any_port)
        if where is None:
            raise Refused("that is no printer's address")
        try:
            found = socket.getaddrinfo(where.host, where.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Unavailable("nobody knows the printer's name") from None
        if any(is_shut(str(one[4][0])) for one in found):
            raise Refused("no printer may be at that address")
        return where, str(found[0][4][0])

    # ---- raw

    def _raw(self, number: str, port: int, body: bytes) -> str:
        with self._line(number, port) as line:
            speaks = self._is_well(line)
            with _sent():
                line.settimeout(self.patience_s)
                line.sendall(body)
                if speaks:
                    self._has_it(line)
                else:
                    self._close(line)
        return ""

    @contextlib.contextmanager
    def _line(self, number: str, port: int) -> Iterator[socket.socket]:
        try:
            line = socket.create_connection((number, port), self.patience_s)
        except OSError:
            raise Unavailable("the printer does not answer") from None
        with line:
            yield line

    def _is_well(self, line: socket.socket) -> bool:
        """Whether it says how it is. Raises Unavailable where it says that it cannot print now: nothing was sent to it yet."""
        try:
            line.settimeout(self.status_s)
            line.sendall(STATUS)
            said = _status(line)
        except TimeoutError:
            return False
        except OSError:
            raise Unavailable("the printer hung up") from None
        if not said:
            raise Unavailable("the printer hung up")
        if why := _ails(said):
            raise Unavailable(f"the printer {why}")
        return True

    def _has_it(self, line: socket.socket) -> None:
        """It answers after what was sent: it has all of that."""
        line.sendall(STATUS)
        if not _status(line):
            raise OutcomeUnknown("the printer hung up in the middle")

    def _close(self, line: socket.socket) -> None:
        """A printer that never says anything: it took all if it hangs up in order, or stays silent."""
        line.shutdown(socket.SHUT_WR)
        line.settimeout(self.status_s)
        with contextlib.suppress(TimeoutError):
            while line.recv(4096):
                pass

    # ---- IPP

    def _ipp(self, number: str, where: Place, body: bytes, name: str) -> str:
        uri = f"ipp://{_bracketed(where.host)}:{where.port}{where.path}"
        asked = [("uri", "printer-uri", uri), ("name", "requesting-user-name", "crossdock"), ("name", "job-name", name),
                 ("mime", "document-format", "application/pdf")]  # fmt: skip
        said = self._ask(number, where, message(0x0002, asked) + body)
        job = said.get("job-id")
        if not isinstance(job, int):
            raise OutcomeUnknown("the printer did not say which job it made of it")
        return self._becomes(number, where, uri, job)

    def _becomes(self, number: str, where: Place, uri: str, job: int) -> str:
        """What the printer says of a job that it took: it has it, even where it does not tell."""
        asked = [("uri", "printer-uri", uri), ("int", "job-id", job), ("name", "requesting-user-name", "crossdock")]
        try:
            said = self._ask(number, where, message(0x0009, asked))
        except (Unavailable, OutcomeUnknown, Refused):
            return ""
        state, why = said.get("job-state"), str(said.get("job-state-reasons", ""))[:100]
        if state in OVER:
            raise Refused(f"the printer {OVER[state]} it")
        return f"{WAITS[state]} {why}".strip() if state in WAITS else ""

    def _ask(self, number: str, where: Place, body: bytes) -> dict[str, Any]:
        headers = {"Content-Type": "application/ipp", "Host": f"{_bracketed(where.host)}:{where.port}"}
        url = f"http://{_bracketed(number)}:{where.port}{where.path}"
        try:
            with requests.Session() as session:
                session.trust_env = False  # no proxy stands between us and a printer
                answer = session.post(url, data=body, headers=headers, timeout=self.patience_s, allow_redirects=False)
        except requests.ConnectionError as error:
            never = isinstance(getattr(error.args[0], "reason", None), (NewConnectionError, ConnectTimeoutError))
            raise (Unavailable if never else OutcomeUnknown)("the printer does not answer") from None
        except requests.RequestException:
            raise OutcomeUnknown("the printer did not answer in time") from None
        if answer.status_code != 200:
            raise (Unavailable if answer.status_code == 503 else Refused)("the printer declined", status=answer.status_code)
        return _understood(answer.content)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@contextlib.contextmanager
def _sent() -> Iterator[None]:
    """From here on it may have been printed, whatever happens."""
    try:
        yield
    except OSError:
        raise OutcomeUnknown("the printer hung up in the middle") from None


def _status(line: socket.socket) -> bytes:
    """Its three lines; empty where it hung up. Raises TimeoutError for one that says nothing."""
    said = b""
    while said.count(END) < 3 and len(said) < 4096:
        more = line.recv(4096)
        if not more:
            return b""
        said += more
    return said


def _ails(said: bytes) -> str:
    """Why it cannot print: the second and third value of the first line, the third and fourth of the second."""
    lines = [part.rpartition(b"\x02")[2].split(b",") for part in said.split(END)]
    first, second = lines[0], lines[1]
    if len(first) < 3 or len(second) < 4:
        return ""
    facts = {"is out of paper": first[1], "is paused": first[2], "is open": second[2], "is out of ribbon": second[3]}
    return next((why for why, value in facts.items() if value == b"1"), "")


# ---- what IPP looks like on the wire (RFC 8010, 3)

TAGS = {"uri": 0x45, "name": 0x42, "mime": 0x49, "int": 0x21}
INTEGERS, TEXTS = (0x21, 0x23), range(0x35, 0x4A)


def message(operation: int, asked: list[tuple[str, str, Any]]) -> bytes:
    """A request of IPP 1.1 with these attributes (form, name, value)."""
    first = [_attribute(0x47, "attributes-charset", b"utf-8"), _attribute(0x48, "attributes-natural-language", b"en")]
    rest = [_attribute(TAGS[form], name, _value(form, value)) for form, name, value in asked]
    return struct.pack(">BBHI", 1, 1, operation, 1) + b"\x01" + b"".join((*first, *rest)) + b"\x03"


def _value(form: str, value: Any) -> bytes:
    return struct.pack(">i", value) if form == "int" else str(value).encode()[:255]


def _attribute(tag: int, name: str, value: bytes) -> bytes:
    return struct.pack(">BH", tag, len(name)) + name.encode() + struct.pack(">H", len(value)) + value


def _understood(said: bytes) -> dict[str, Any]:
    """Its attributes, the first value of each. Raises Refused, Unavailable by its status, OutcomeUnknown for what is no IPP."""
    try:
        status, found = struct.unpack_from(">H", said, 2)[0], attributes(said[8:])
    except (struct.error, IndexError, UnicodeDecodeError):
        raise OutcomeUnknown("the printer answered something else than IPP") from None
    if status in BUSY:
        raise Unavailable("the printer is busy, or not well", status=status)
    if status >= 0x0100:
        raise Refused("the printer declined", status=status)
    return found


def attributes(said: bytes) -> dict[str, Any]:
    """What groups of attributes say. Raises struct.error, IndexError for what is cut off."""
    found: dict[str, Any] = {}
    at = 0
    while said[at] != 0x03:
        if said[at] < 0x10:
            at += 1
            continue
        tag, long = said[at], struct.unpack_from(">H", said, at + 1)[0]
        name, at = said[at + 3 : at + 3 + long].decode(), at + 3 + long
        size = struct.unpack_from(">H", said, at)[0]
        value, at = said[at + 2 : at + 2 + size], at + 2 + size
        if name:
            found.setdefault(name, _read(tag, value))
    return found


def _read(tag: int, value: bytes) -> Any:
    if tag in INTEGERS:
        return struct.unpack(">i", value)[0]
    return value.decode() if tag in TEXTS else value
