"""What Bogus makes of a parcel that it is told of, of a payment that is captured, and of an order that is called off. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from connectors.http import as_datetime
from core.domain.capturing import Taking
from core.domain.money import Money
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


def moved(document: Document, assignment: str, place: str, units: Mapping[str, int] | None = None) -> Document:
    """A part of the order, or so many units of it, goes to another place, and joins what that one has of it already: the part has another
    id then."""
    parts = {part["place"]: Counter(part["lines"]) for part in document.get("routing", ())}
    if not any(parts.get(assignment, {}).values()):
        raise refused(f"{assignment} has nothing of this order to send.")
    whole = parts.pop(assignment)
    taken = whole if units is None else Counter(units)
    if wrong := next((line for line in taken if not 0 < taken[line] <= whole[line]), None):
        raise refused(f"{taken[wrong]} units of line {wrong} are not open at {assignment}: {whole[wrong]} are.")
    parts |= {assignment: whole - taken} if whole - taken else {}
    parts[place] = parts.get(place, Counter()) + taken
    return {"routing": [{"place": name, "lines": dict(lines)} for name, lines in parts.items()]}


def taking(document: Document, now: datetime) -> Taking:
    """How its payment stands: a paid order owes nothing, and only what is authorized and did not end can be taken."""
    currency = document["currency"]
    total, promised = Money.parse(document["total"], currency), document.get("authorized")
    if promised is None:
        nothing = Money.zero(currency)
        paid = document["payment"] in ("paid", "partially_refunded")
        return Taking(total if paid else nothing, nothing if paid else total, nothing)
    taken = sum((Money.parse(one["amount"], currency) for one in document.get("captures", ())), Money.zero(currency))
    left = Money.parse(promised["amount"], currency) - taken
    ended = bool(promised.get("until")) and as_datetime(promised["until"]) <= now
    return Taking(taken, total - taken, Money.zero(currency) if ended else left)


def captured(document: Document, amount: Money, key: str, now: datetime) -> Document:
    """What changes of the order when so much is captured. Raises Refused for more than is authorized, or what has ended."""
    known = taking(document, now)
    if known.owed.minor <= 0:
        raise refused("The payment is captured already.")
    if known.ready.minor <= 0:
        raise refused("The authorization has ended.")
    if not 0 < amount.minor <= known.ready.minor:
        raise refused(f"{amount.text()} is more than is authorized: {known.ready.text()} is.")
    payment = "paid" if amount == known.owed else "partially_paid"
    return {"captures": [*document.get("captures", ()), {"amount": amount.text(), "key": key}], "payment": payment}


def called_off(document: Document, at: str) -> Document:
    """What changes of the order when it is cancelled. Raises Refused where something left."""
    if any(line["fulfilled"] for line in document["lines"]):
        raise refused("A part of the order is sent.")
    lines = [{**line, "cancelled": line["quantity"]} for line in document["lines"]]
    return {"lines": lines, "cancelled_at": at, "cancel_requested": False}
