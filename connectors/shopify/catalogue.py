"""Shopify's variants as what we know of a listing, from a page or from the lines of an export. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.http import read_json
from connectors.shopify.documents import LEVEL
from connectors.shopify.doors import digits
from core.domain.promise import Uncovered
from core.errors import BadPayload
from core.ports import Found

SIGN = "bulk"


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an export is read: its operation, the locations it tells of, and the byte where the next line begins."""

    operation: str
    locations: tuple[str, ...]
    start: int = 0

    def __str__(self) -> str:
        return f"{SIGN}:{self.operation}:{','.join(self.locations)}:{self.start}"

    def at(self, start: int) -> "Mark":
        return replace(self, start=start)


def mark(cursor: str | None) -> Mark | None:
    """The mark that a cursor holds; None where it is one of Shopify's own, which know no colon."""
    match (cursor or "").split(":"):
        case [sign, operation, locations, start] if sign == SIGN:
            return Mark(operation, tuple(locations.split(",")), int(start))
        case _:
            return None


def quantity(level: Mapping[str, Any] | None, name: str) -> int | None:
    """The units of that name at a location; None where the item is not stocked there."""
    return next((one["quantity"] for one in level["quantities"] if one["name"] == name), None) if level else None


def _writable(node: Mapping[str, Any], levels: Mapping[str, int]) -> str | None:
    if node["requiresComponents"]:
        return "bundle: its stock is that of its parts"
    if not node["inventoryItem"]["tracked"]:
        return "untracked: Shopify does not count it"
    return None if levels else "not stocked at any of your locations"


def uncovered(node: Mapping[str, Any]) -> str | None:
    """Why a variant goes on selling whatever it shows; a bundle is bounded by its parts (shopify.dev, inventoryPolicy, read 2026-11)."""
    if node["product"]["status"] in ("DRAFT", "ARCHIVED"):
        return Uncovered.DRAFT.value
    if node["requiresComponents"]:
        return None
    if not node["inventoryItem"]["tracked"]:
        return Uncovered.UNTRACKED.value
    return Uncovered.OVERSELLS.value if node["inventoryPolicy"] == "CONTINUE" else None


def found(node: Mapping[str, Any], locations: Sequence[str]) -> Iterator[Found]:
    """The listing at each of the locations that stock it; once, without a place, where none does or none may be told."""
    listing, item = digits(node["id"]), node["inventoryItem"]
    levels = {place: item.get(f"{LEVEL}{at}") for at, place in enumerate(locations)}
    shown = {place: units for place, level in levels.items() if (units := quantity(level, "available")) is not None}
    writable = _writable(node, shown)
    for place, units in [("", None)] if writable else shown.items():
        yield Found(
            listing=listing,
            sku=node["sku"] or "",
            title=node["displayName"],
            shown=units,
            handle={"item": digits(item["id"]), "location": place, "product": digits(node["product"]["id"])},
            writable=writable,
            place=place,
            uncovered=uncovered(node),
            item=digits(item["id"]),
        )


def whole(piece: bytes, last: bool) -> bytes:
    """The lines of a piece that are whole; the file may end without a line's end. Raises BadPayload where there is none."""
    end = len(piece) if last else piece.rfind(b"\n") + 1
    if end == 0 and not last:
        raise BadPayload("a line of the export is longer than any variant's")
    return piece[:end]


def read(lines: bytes, locations: Sequence[str]) -> Iterator[Found]:
    """Raises BadPayload, with the place among these lines, for one that is not a variant as we asked for it."""
    for number, line in enumerate(lines.split(b"\n"), 1):
        if line:
            yield from _read(line, locations, number)


def _read(line: bytes, locations: Sequence[str], number: int) -> list[Found]:
    try:
        return list(found(read_json(line), locations))
    except BadPayload as error:
        raise BadPayload(f"a line of the export is {error}", line=number) from None
    except KeyError as error:
        raise BadPayload(f"a line of the export lacks {error}", line=number) from None
    except (TypeError, AttributeError) as error:
        raise BadPayload(f"a line of the export is no variant: {type(error).__name__}", line=number) from None
