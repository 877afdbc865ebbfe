"""A parcel against what Shopify has of its order: which of its parts it is of, and what Shopify was told of it already. Pure.

An order is what `documents.ORDER_SHIPPING` gives: `fulfillmentOrders`, the parts that places are to send, and `fulfillments`, what left.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.http import as_datetime
from connectors.shopify.doors import digits
from core.domain.shipping import Sent, SentLine
from core.errors import Refused

Json = Mapping[str, Any]
DEAD = ("CANCELLED", "ERROR", "FAILURE")  # a fulfillment that sends nothing
OVER = ("CLOSED", "CANCELLED")
Share = tuple[str, str, str, int]  # location, fulfillment order, its line, units


def told(order: Json, sent: Sent) -> list[Json]:
    """The fulfillments that tell of this parcel. One without a tracking number is known by having none, by its time, and by
    being none of the others."""
    return [one for one in order["fulfillments"] if one["status"] not in DEAD and _is(one, sent)]


def _is(fulfillment: Json, sent: Sent) -> bool:
    numbers = [one["number"] for one in fulfillment["trackingInfo"] if one["number"]]
    if sent.tracking:
        return sent.tracking in numbers
    if digits(fulfillment["id"]) in sent.others:
        return False
    lines = {digits(item["lineItem"]["id"]) for item in fulfillment["fulfillmentLineItems"]["nodes"]}
    since = sent.sent_at.replace(microsecond=0)  # Shopify's times have whole seconds
    return not numbers and as_datetime(fulfillment["createdAt"]) >= since and lines <= {line.line for line in sent.lines}


def left(sent: Sent, said: Sequence[Json]) -> list[SentLine]:
    """What these fulfillments do not tell of the parcel."""
    known: Counter[str] = Counter()
    for item in (item for one in said for item in one["fulfillmentLineItems"]["nodes"]):
        known[digits(item["lineItem"]["id"])] += item["quantity"]
    return [line for line in (_less(line, known) for line in sent.lines) if line.units]


def _less(line: SentLine, known: Counter[str]) -> SentLine:
    """The line without what is known of it, which is known once."""
    units = min(line.units, known[line.line])
    known[line.line] -= units
    return SentLine(line.line, line.units - units, line.assignment, line.assigned_line)


def shared(order: Json, sent: Sent, lines: Sequence[SentLine]) -> dict[str, dict[str, dict[str, int]]]:
    """These units by location, fulfillment order and line of that: from the part that each line names while that has them, then from
    the place that the parcel left, then from any other. Raises Refused where Shopify has fewer of them open."""
    found: dict[str, dict[str, dict[str, int]]] = defaultdict(lambda: defaultdict(Counter))
    taken: Counter[str] = Counter()
    for line in lines:
        for location, part, item, units in _shares(order, sent, line, taken):
            found[location][part][item] += units
            taken[item] += units
    return found


def _shares(order: Json, sent: Sent, line: SentLine, taken: Mapping[str, int]) -> Iterator[Share]:
    missing = line.units
    for location, part, item, there in sorted(_open(order, line.line), key=lambda one: _rank(one, line, sent)):
        units = min(missing, there - taken.get(item, 0))
        if units > 0:
            yield location, part, item, units
            missing -= units
    if missing:
        words = f"Shopify has {line.units - missing} units of this line open, and {line.units} are sent."
        raise Refused("shopify has less open than was sent", words=words, order=sent.order, line=line.line)


def _open(order: Json, line: str) -> Iterator[Share]:
    """What each part of the order has still to send of one of its lines."""
    for part in order["fulfillmentOrders"]["nodes"]:
        place = part["assignedLocation"]["location"]
        for item in () if part["status"] in OVER else part["lineItems"]["nodes"]:
            if digits(item["lineItem"]["id"]) == line:
                yield digits(place["id"]) if place else "", part["id"], item["id"], item["remainingQuantity"]


def _rank(share: Share, line: SentLine, sent: Sent) -> tuple[bool, bool]:
    return digits(share[1]) != line.assignment, share[0] != sent.place


def items(order: Json, assignment: str, lines: Mapping[str, int]) -> list[dict[str, Any]] | None:
    """These units of a part as Shopify names them; None: they are all of it. Raises Refused where it has fewer open."""
    part = next((one for one in order["fulfillmentOrders"]["nodes"] if digits(one["id"]) == assignment), None)
    open_ = {digits(item["lineItem"]["id"]): item for item in part["lineItems"]["nodes"] if item["remainingQuantity"]} if part else {}
    if any(units > (open_[line]["remainingQuantity"] if line in open_ else 0) for line, units in lines.items()):
        raise Refused("shopify has less open there than is to be moved", words="It is assigned otherwise by now.", assignment=assignment)
    if {line: item["remainingQuantity"] for line, item in open_.items()} == dict(lines):
        return None
    return [{"id": open_[line]["id"], "quantity": units} for line, units in lines.items()]


def is_at(order: Json, assignment: str, place: str) -> bool:
    """Whether this part of the order is at that place already: itself, or what became of it where its number is another one now."""
    parts = [part for part in order["fulfillmentOrders"]["nodes"] if part["status"] not in OVER]
    there = [digits(part["id"]) for part in parts if (at := part["assignedLocation"]["location"]) and digits(at["id"]) == place]
    return assignment in there or (bool(there) and assignment not in [digits(part["id"]) for part in parts])
