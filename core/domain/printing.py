"""Printers: where they may stand, which papers they take, and what becomes of what waits for them. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv6Address, ip_address

from core.domain.later import N_

LONG, MOST_STATIONS = 60, 100
RAW_PORTS = range(9100, 9200)  # 9100 and its neighbours, which print servers with several printers use
WEB_PORTS = (631, 80)  # IPP (RFC 8010, 3.1), and printers that answer it at the web's own
CLOUD = ("100.100.100.200", "fd00:ec2::254", "192.0.0.192")  # where clouds keep machines' secrets, beside link-local addresses
PLACE = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?)(?::([0-9]{1,5}))?(/[A-Za-z0-9._~/-]*)?")


class Way(StrEnum):
    """How a printer is spoken to."""

    ZPL = "zpl"  # raw, port 9100
    IPP = "ipp"


TAKES = {Way.ZPL: "zpl", Way.IPP: "pdf"}
WAYS = {Way.ZPL: N_("Label printer (ZPL, port 9100)"), Way.IPP: N_("Office printer (PDF by IPP)")}
KINDS = {
    "label": N_("Labels"),
    "form": N_("Customs papers"),
    "slip": N_("Packing slips"),
    "picks": N_("Pick lists"),
    "invoice": N_("Invoices"),
    "return": N_("Return slips"),
    "test": N_("Test page"),
}
BY_ITSELF = ("label", "form")  # printed once a label is bought


class JobState(StrEnum):
    WAITING = "waiting"
    PRINTED = "printed"
    UNKNOWN = "unknown"  # the printer may have it: a person looks, for a label on two parcels is worse than none
    FAILED = "failed"
    DROPPED = "dropped"


STATES = {
    JobState.WAITING: N_("Waits for its printer"),
    JobState.PRINTED: N_("Printed"),
    JobState.UNKNOWN: N_("Nobody knows whether it was printed"),
    JobState.FAILED: N_("Not printed"),
    JobState.DROPPED: N_("Dropped"),
}
AGAIN = (JobState.PRINTED, JobState.UNKNOWN, JobState.FAILED, JobState.DROPPED)
MAY_DROP = (JobState.WAITING, JobState.UNKNOWN, JobState.FAILED)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a printer stands: `path` is an IPP printer's own ("/ipp/print")."""

    host: str
    port: int
    path: str = ""


def place(way: Way, address: str, *, any_port: bool = False) -> Place | None:
    """What an address says: a host, its port, and for IPP a path. None where it is none, or at a port that printers do not have."""
    found = PLACE.fullmatch(address.strip())
    if found is None or (way is Way.ZPL and found[3]):
        return None
    port = int(found[2] or (9100 if way is Way.ZPL else 631))
    fits = port in (RAW_PORTS if way is Way.ZPL else WEB_PORTS) or (any_port and 0 < port < 65_536)
    return Place(found[1].strip("[]"), port, (found[3] or "/ipp/print") if way is Way.IPP else "") if fits else None


def is_shut(number: str) -> bool:
    """Whether no printer can be at this IP address: link-local, where clouds keep secrets, or no single machine's."""
    found = ip_address(number.partition("%")[0])
    if isinstance(found, IPv6Address):
        found = found.ipv4_mapped or found
    return found.is_link_local or found.is_multicast or found.is_unspecified or str(found) in CLOUD or str(found) == "255.255.255.255"


@dataclass(frozen=True, slots=True)
class Station:
    """A printer with a name. `kinds` are the papers that go there by themselves, `location` whose papers ("" for everywhere)."""

    id: str
    name: str
    way: Way
    address: str
    kinds: tuple[str, ...] = ()
    location: str = ""


def station_for(stations: Iterable[Station], kind: str, form: str, location: str) -> Station | None:
    """Where a paper goes by itself: to a printer of its own location before one of everywhere, by name; None: nowhere."""
    fits = [one for one in stations if kind in one.kinds and TAKES[one.way] == form and one.location in ("", location)]
    return min(fits, key=lambda one: (one.location == "", one.name, one.id), default=None)


def in_zpl(text: str, most: int = 40) -> bytes:
    """A text as the data of a ZPL field under ^FH_: whatever could be a command is written in hex."""
    shown = "".join(sign if sign.isprintable() else " " for sign in text)[:most]
    return b"".join(
        b"%c" % byte if (chr(byte).isascii() and chr(byte).isalnum()) or byte == 32 else b"_%02X" % byte for byte in shown.encode()
    )


def trial_label(name: str, moment: str) -> bytes:
    """A small label that says which station it came from."""
    lines: Sequence[str] = ("Crossdock", name, moment)
    fields = [b"^FO40,%d^A0N,40^FH_^FD%b^FS" % (40 + 60 * at, in_zpl(line)) for at, line in enumerate(lines)]
    return b"^XA^CI28" + b"".join(fields) + b"^XZ"
