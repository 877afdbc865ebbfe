"""Shopify's variants as what we know of a listing, from a page or from the lines of an export. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from connectors.http import read_json
from connectors.shopify.doors import digits
from core.errors import BadPayload
from core.ports import Found

SIGN = "bulk"


@dataclass(frozen=True, slots=True)
class Mark:
    """How far an export is read: its operation, the location it tells of, and the byte where the next line begins."""

    operation: str
    location: str
    start: int = 0

    def __str__(self) -> str:
        return f"{SIGN}:{self.operation}:{self.location}:{self.start}"

    def at(self, start: int) -> "Mark":
        return replace(self, start=start)


def mark(cursor: str | None) -> Mark | None:
    """The mark that a cursor holds; None where it is one of Shopify's own, which know no colon."""
    match (cursor or "").split(":"):
        case [sign, operation, location, start] if sign == SIGN:
            return Mark(operation, location, int(start))
        case _:
            return None


def available(item: Mapping[str, Any] | None) -> int | None:
    level = item.get("inventoryLevel") if item else None
    return next((one["quantity"] for one in level["quantities"] if one["name"] == "available"), None) if level else None


def _writable(node: Mapping[str, Any], shown: int | None) -> str | None:
    if node["requiresComponents"]:
        return "bundle: its stock is that of its parts"
    if not node["inventoryItem"]["tracked"]:
        return "untracked: Shopify does not count it"
    return "not stocked at our location" if shown is None else None


def found(node: Mapping[str, Any], location: str) -> Found:
    shown = available(node["inventoryItem"])
    return Found(
        listing=digits(node["id"]),
        sku=node["sku"] or "",
        title=node["displayName"],
        shown=shown,
        handle={"item": digits(node["inventoryItem"]["id"]), "location": location},
        writable=_writable(node, shown),
    )


def whole(piece: bytes, last: bool) -> bytes:
    """The lines of a piece that are whole; the file may end without a line's end. Raises BadPayload where there is none."""
    end = len(piece) if last else piece.rfind(b"\n") + 1
    if end == 0 and not last:
        raise BadPayload("a line of the export is longer than any variant's")
    return piece[:end]


def read(lines: bytes, location: str) -> Iterator[Found]:
    """Raises BadPayload, with the place among these lines, for one that is not a variant as we asked for it."""
    for number, line in enumerate(lines.split(b"\n"), 1):
        if line:
            yield _read(line, location, number)


def _read(line: bytes, location: str, number: int) -> Found:
    try:
        return found(read_json(line), location)
    except BadPayload as error:
        raise BadPayload(f"a line of the export is {error}", line=number) from None
    except KeyError as error:
        raise BadPayload(f"a line of the export lacks {error}", line=number) from None
    except (TypeError, AttributeError) as error:
        raise BadPayload(f"a line of the export is no variant: {type(error).__name__}", line=number) from None
