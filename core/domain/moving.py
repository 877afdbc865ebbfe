"""Which of the channel's own parts of an order go to another place, so that each shipment leaves from where it thinks. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.domain.order import Assignment


@dataclass(frozen=True, slots=True)
class Claim:
    """Units of a line in a shipment, and the channel's places that stand for where it leaves from, the first of them where it goes to."""

    shipment: str
    places: tuple[str, ...]
    line: str
    units: int


@dataclass(frozen=True, slots=True)
class Move:
    """So many units by line of the channel's part of an order go to a place."""

    assignment: str
    place: str
    lines: Mapping[str, int]


def moves(claims: Iterable[Claim], parts: Sequence[Assignment], mine: Collection[str]) -> list[Move]:
    """What must move for these shipments of an order, whose others take what lies at their own places first. By difference: what is moved
    already does not move again, and what the channel has nowhere open is nobody's to move."""
    left = {(part.id, line.line): line.quantity for part in parts if part.open for line in part.lines}
    at = {part.id: part.location or "" for part in parts}
    some = list(claims)
    missing = [(one, _take(left, one, one.units, [id for id, place in at.items() if place in one.places])) for one in some]
    found: dict[tuple[str, str], dict[str, int]] = {}
    for one, units in missing:
        if one.shipment in mine and one.places:
            for id in at:
                taken = units - (units := _take(left, one, units, [id]))
                if taken:
                    lines = found.setdefault((id, one.places[0]), {})
                    lines[one.line] = lines.get(one.line, 0) + taken
    return [Move(id, place, lines) for (id, place), lines in found.items()]


def _take(left: dict[tuple[str, str], int], one: Claim, units: int, ids: Iterable[str]) -> int:
    """Take as much of it from these parts as is left there. Gives what is missing then."""
    for id in ids:
        taken = min(units, left.get((id, one.line), 0))
        left[id, one.line] = left.get((id, one.line), 0) - taken
        units -= taken
    return units
