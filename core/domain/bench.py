"""The bench: what is scanned against what belongs into a parcel, and how far somebody came, as a short text for the address. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_G = 70_000  # what one person may lift, and more than a parcel of any carrier weighs
MANY = re.compile(r"([1-9][0-9]{0,3})[*×](.+)")  # "3*MUG": three of them at once
GRAMS = re.compile(r"([0-9]{1,5})\s*g?", re.I)
RUN = re.compile(r"([0-9]{1,4})x([0-9]{1,5})")


@dataclass(frozen=True, slots=True)
class Piece:
    """What is to be scanned of a SKU: `units` of it, by any of its `barcodes` or by its own name."""

    sku: str
    title: str
    units: int
    barcodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """Which pieces were scanned, in their order: (place in the list of pieces, units). The text of it is what the address carries."""

    runs: tuple[tuple[int, int], ...] = ()

    @property
    def text(self) -> str:
        return ".".join(f"{place}x{units}" for place, units in self.runs)

    @property
    def scanned(self) -> int:
        """How many units that are."""
        return sum(units for _, units in self.runs)

    def units(self, place: int) -> int:
        return sum(units for at, units in self.runs if at == place)

    def more(self, place: int, units: int) -> "Done":
        """So many more of that piece."""
        if self.runs and self.runs[-1][0] == place:
            return Done((*self.runs[:-1], (place, self.runs[-1][1] + units)))
        return Done((*self.runs, (place, units)))

    @property
    def before(self) -> "Done":
        """Without the last unit."""
        if not self.runs:
            return self
        place, units = self.runs[-1]
        return Done((*self.runs[:-1], (place, units - 1)) if units > 1 else self.runs[:-1])


def done(text: str, pieces: Sequence[Piece]) -> Done:
    """What an address says, as far as it can be: never more of a piece than belongs into the parcel."""
    found = Done()
    for part in text.split("."):
        if (run := RUN.fullmatch(part)) and int(run[1]) < len(pieces):
            place = int(run[1])
            units = min(int(run[2]), pieces[place].units - found.units(place))
            found = found.more(place, units) if units > 0 else found
    return found


def all_of(pieces: Sequence[Piece]) -> Done:
    return Done(tuple((place, piece.units) for place, piece in enumerate(pieces)))


def is_all(done: Done, pieces: Sequence[Piece]) -> bool:
    return all(done.units(place) >= piece.units for place, piece in enumerate(pieces))


class Verdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"  # a SKU of ours that does not belong into this parcel
    ENOUGH = "enough"  # all of it is in the parcel already
    UNKNOWN = "unknown"  # nobody knows this barcode


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of a scan; `sku` is whose it is, "" where nobody knows."""

    verdict: Verdict
    done: Done
    sku: str = ""


def judge(said: str, pieces: Sequence[Piece], done: Done, owner: str = "") -> Judged:
    """`owner` is the SKU of ours that is meant where it is none of these pieces, "" where nobody knows it."""
    place, units = _placed(said, pieces)
    if place is None:
        return Judged(Verdict.WRONG if owner else Verdict.UNKNOWN, done, owner)
    if done.units(place) + units > pieces[place].units:
        return Judged(Verdict.ENOUGH, done, pieces[place].sku)
    return Judged(Verdict.RIGHT, done.more(place, units), pieces[place].sku)


def _placed(said: str, pieces: Sequence[Piece]) -> tuple[int | None, int]:
    """Which piece is meant, and how many of it."""
    whole = _at(said, pieces)
    many = MANY.fullmatch(said.strip()) if whole is None else None
    return (_at(many[2], pieces), int(many[1])) if many else (whole, 1)


def _at(said: str, pieces: Sequence[Piece]) -> int | None:
    wanted = plain(said)
    for place, piece in enumerate(pieces):
        if wanted.casefold() == piece.sku.strip().casefold() or _bare(wanted) in map(_bare, piece.barcodes):
            return place
    return None


def plain(said: str) -> str:
    return said.strip()


def _bare(code: str) -> str:
    """Scanners tell a UPC with or without the zeros that make it an EAN or a GTIN (GS1 General Specifications 2025, 3.3.2)."""
    return code.lstrip("0") if code.isdecimal() else code


def spellings(said: str) -> tuple[str, ...]:
    """As what a barcode may be kept that was scanned so."""
    code = plain(said)
    return tuple(dict.fromkeys((code, *(_bare(code).zfill(length) for length in (8, 12, 13, 14) if code.isdecimal()))))


def grams(said: str) -> int | None:
    """A weight that somebody typed or a scale sent; None for anything else, such as a barcode that was scanned into its field."""
    found = GRAMS.fullmatch(said.strip())
    return int(found[1]) if found and 0 < int(found[1]) <= MOST_G else None


@dataclass(frozen=True, slots=True)
class Holder:
    """An order that holds `units` of a shelf; `placed_at` in microseconds."""

    order: str
    placed_at: int
    units: int


def losers(holders: Iterable[Holder], first: str, too_many: int) -> list[str]:
    """Which orders give up what they hold of a shelf where so many units too many are promised: the one that stands at the bench, then
    the youngest."""
    found: list[str] = []
    for one in sorted(holders, key=lambda one: (one.order != first, -one.placed_at, one.order)):
        if too_many <= 0:
            break
        found.append(one.order)
        too_many -= one.units
    return found
