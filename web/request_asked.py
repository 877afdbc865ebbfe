"""What a form says of a request: what is refused, and a parcel that left."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from flask import request

from core.domain.requests import Share, TheirParcel
from core.domain.who import Who
from core.errors import Refused
from core.flows import answering
from core.store.unit import Unit
from web import asked
from web.visitor import hub

LINE = "line_"  # before a line's name: its units


def nonce() -> str:
    """By which a form that is sent twice is known."""
    return secrets.token_urlsafe(9)


def units() -> dict[str, int]:
    """By line the units that were typed; lines of which none were are left out. Raises Refused for what is no number of units."""
    typed = {name.removeprefix(LINE): value.strip() for name, value in request.form.items() if name.startswith(LINE)}
    found = {asked.printable(line): asked.number(value, -1) for line, value in typed.items() if value}
    if any(many < 0 for many in found.values()):
        raise Refused("write whole numbers of units")
    return {line: many for line, many in found.items() if many}


def refuse(work: Unit, merchant: str, id: str, who: Who) -> None:
    """What the form names; all that is open, where it names no line."""
    answering.refuse(hub(), work, merchant, id, who, asked.text("reason", 300).strip(), units() or None)


def sent(work: Unit, merchant: str, id: str, who: Who) -> None:
    """A parcel, by its tracking number or, where it has none, by the form that told of it."""
    tracking, url = asked.text("tracking", 100).strip(), asked.text("url", 300).strip()
    carrier = asked.text("carrier", 60).strip()
    if not carrier:
        raise Refused("write the carrier's name")
    number = "" if tracking else f"form {asked.text('nonce', 20)}"
    link = url if url.startswith(("https://", "http://")) else ""
    answering.sent(hub(), work, merchant, id, TheirParcel(tracking, carrier, units(), hub().clock(), link, number), who)


def parcels(rows: Iterable[Any], shares: Mapping[str, Share]) -> list[dict[str, Any]]:
    """What they told of, for a page."""
    found = []
    for row in rows:
        doc = msgspec.json.decode(row.doc)
        inside = [(shares[line].title or line, many) for line, many in doc["units"].items() if line in shares]
        found.append({"at": row.at, "anyway": row.shipment is None, "inside": inside, **doc})
    return found
