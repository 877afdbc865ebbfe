"""What Bogus makes of a parcel that it is told of, and of an order that is called off: changes of the order's document. Pure."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from core.domain.shipping import Sent
from core.errors import Refused

Document = dict[str, Any]


def refused(words: str) -> Refused:
    return Refused("bogus refused", words=words)


def told(document: Document, sent: Sent, number: str, at: str) -> Document:
    """What changes of the order with this parcel. Raises Refused for a line that is not its own, or more units than are open."""
    units = _units(document, sent)
    parcel = {
        "id": number,
        "at": at,
        "place": sent.place or None,
        "tracking": [sent.tracking] if sent.tracking else [],
        "carrier": sent.carrier_name,
        "url": sent.url,
        "lines": [{"line": line, "quantity": count} for line, count in units.items()],
    }
    lines = [{**line, "fulfilled": line["fulfilled"] + units[line["id"]]} for line in document["lines"]]
    return {"lines": lines, "shipped": [*document.get("shipped", ()), parcel], "fulfillment": _progress(lines), **_routed(document, sent)}


def is_it(parcel: Document, sent: Sent) -> bool:
    """Whether Bogus was told of this parcel: one without a number by its units, and by being none of the others."""
    if sent.tracking:
        return sent.tracking in parcel["tracking"]
    units = Counter({line["line"]: line["quantity"] for line in parcel["lines"]})
    ours: Counter[str] = Counter()
    for part in sent.lines:
        ours[part.line] += part.units
    return not parcel["tracking"] and units == ours and parcel["id"] not in sent.others


def _units(document: Document, sent: Sent) -> Counter[str]:
    if document["cancelled_at"]:
        raise refused("The order is cancelled.")
    units: Counter[str] = Counter()
    for part in sent.lines:
        units[part.line] += part.units
    left = {line["id"]: line["quantity"] - line["cancelled"] - line["fulfilled"] for line in document["lines"]}
    for line, count in units.items():
        if not 0 < count <= left.get(line, 0):
            raise refused(f"{count} units of line {line} are not open: {left.get(line, 0)} are.")
    return units


def _progress(lines: Iterable[Document]) -> str:
    return "partially_fulfilled" if any(line["quantity"] > line["cancelled"] + line["fulfilled"] for line in lines) else "fulfilled"


def _routed(document: Document, sent: Sent) -> Document:
    """The parts of the order that are given to places, less what left of them."""
    if "routing" not in document:
        return {}
    gone = Counter({(part.assignment, part.line): part.units for part in sent.lines if part.assignment})
    left = {(part["place"], line): units for part in document["routing"] for line, units in part["lines"].items()}
    if wrong := next((key for key in gone if gone[key] > left.get(key, 0)), None):
        raise refused(f"{gone[wrong]} units of line {wrong[1]} are not open at {wrong[0]}.")
    return {"routing": [_less(part, gone) for part in document["routing"]]}


def _less(part: Document, gone: Counter[tuple[str, str]]) -> Document:
    return {**part, "lines": {line: units - gone[part["place"], line] for line, units in part["lines"].items()}}


def moved(document: Document, assignment: str, place: str) -> Document:
    """A part of the order goes to another place, and joins what that one has of it already: the part has another id then."""
    parts = {part["place"]: Counter(part["lines"]) for part in document.get("routing", ())}
    if not any(parts.get(assignment, {}).values()):
        raise refused(f"{assignment} has nothing of this order to send.")
    taken = parts.pop(assignment)
    parts[place] = parts.get(place, Counter()) + taken
    return {"routing": [{"place": name, "lines": dict(lines)} for name, lines in parts.items()]}


def called_off(document: Document, at: str) -> Document:
    """What changes of the order when it is cancelled. Raises Refused where something left."""
    if any(line["fulfilled"] for line in document["lines"]):
        raise refused("A part of the order is sent.")
    lines = [{**line, "cancelled": line["quantity"]} for line in document["lines"]]
    return {"lines": lines, "cancelled_at": at, "cancel_requested": False}
