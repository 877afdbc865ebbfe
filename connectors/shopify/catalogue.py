"""Shopify's variants as what we know of a listing, from a page or from the lines of an export. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.http import read_json
from connectors.shopify.documents import LEVEL
from connectors.shopify.doors import digits
from core.domain.cards import Card
from core.domain.money import Money
from core.domain.promise import Uncovered
from core.errors import BadPayload
from core.ports import Found

SIGN = "bulk"
# International avoirdupois (NIST Handbook 44, appendix C).
GRAMS = {"GRAMS": Decimal(1), "KILOGRAMS": Decimal(1000), "OUNCES": Decimal("28.349523125"), "POUNDS": Decimal("453.59237")}


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
    writable, card = _writable(node, shown), _card(node)
    for place, units in [("", None)] if writable else shown.items():
        yield Found(
            listing=listing,
            sku=node["sku"] or "",
            title=node["displayName"],
            shown=units,
            handle={"item": digits(item["id"]), "location": place, "product": digits(node["product"]["id"])},
            writable=writable,
            place=place,
            splits=node["requiresComponents"],
            card=card,
            barcode=(node.get("barcode") or "").strip(),
            uncovered=uncovered(node),
            item=digits(item["id"]),
        )


def _card(node: Mapping[str, Any]) -> Card:
    """What carriers and customs ask, as far as the shop says it."""
    item, picture = node["inventoryItem"], node.get("product") or {}
    for name in ("featuredMedia", "preview", "image"):
        picture = picture.get(name) or {}
    cost = _cost(item.get("unitCost"))
    return Card(
        weight_g=_grams((item.get("measurement") or {}).get("weight")),
        hs_code=item.get("harmonizedSystemCode"),
        origin=item.get("countryCodeOfOrigin"),
        cost=cost.minor if cost else None,
        cost_currency=cost.currency if cost else None,
        picture=picture.get("url"),
    )


def _grams(weight: Mapping[str, Any] | None) -> int | None:
    """Whole grams; a shop that weighs nothing says 0."""
    if not weight or weight["unit"] not in GRAMS or not weight["value"]:
        return None
    return max(1, int((Decimal(weight["value"]) * GRAMS[weight["unit"]]).quantize(Decimal(1), ROUND_HALF_UP)))


def _cost(told: Mapping[str, Any] | None) -> Money | None:
    """A cost with fractions of a cent is none that we can keep."""
    try:
        return Money.parse(told["amount"], told["currencyCode"]) if told else None
    except ValueError:
        return None


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
