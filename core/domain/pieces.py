"""What a channel's own warehouse is asked for: lines of its own SKUs, a bundle by its components, and what its answers mean for the lines
of the order. Pure.

The name of a piece says all that its answers are read by: `LINE/PART.PARTS.NEED.PACK.N` is part PART of PARTS that one unit of LINE needs
NEED of, asked for in packs of PACK, the Nth SKU that holds it. Where one unit of a line is one unit there, its name is the line's own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.domain.requests import RequestLine, Share, Standing, TheirParcel

Holder = tuple[str, int, int]  # a SKU of theirs, units of ours in one, how many can be sold


class NotHeld(Exception):
    """It cannot be said in what they hold: `sku` is ours."""

    def __init__(self, sku: str) -> None:
        super().__init__(sku)
        self.sku = sku


@dataclass(frozen=True, slots=True)
class Piece:
    """One line of theirs."""

    line: str
    part: int = 0
    parts: int = 1
    need: int = 1
    pack: int = 1
    number: int = 0

    @property
    def name(self) -> str:
        if self == Piece(self.line):
            return self.line
        return f"{self.line}/{self.part}.{self.parts}.{self.need}.{self.pack}.{self.number}"


def read(name: str) -> Piece:
    """A piece by its name."""
    line, slash, said = name.rpartition("/")
    figures = said.split(".")
    if slash and len(figures) == 5 and all(one.isascii() and one.isdigit() for one in figures):
        part, parts, need, pack, number = map(int, figures)
        return Piece(line, part, parts, need, pack, number)
    return Piece(name)


def asked(
    lines: Iterable[RequestLine], parts: Mapping[str, Mapping[str, int]], holders: Mapping[str, Sequence[Holder]]
) -> tuple[RequestLine, ...]:
    """Lines of the order as lines of theirs; `parts`: what one unit of each line consumes of ours. What several lines want of one SKU is
    dealt out of what lies there. Raises NotHeld."""
    left = {sku: [_Heap(*one) for one in some] for sku, some in holders.items()}
    found: list[RequestLine] = []
    for line in lines:
        mine = sorted(parts.get(line.line, {line.sku: 1}).items())
        for n, (sku, need) in enumerate(mine):
            dealt = _dealt(sku, need * line.units, left.get(sku, []))
            found += [
                replace(line, line=Piece(line.line, n, len(mine), need, pack, number).name, sku=theirs, units=many)
                for number, (theirs, pack, many) in enumerate(dealt)
            ]
    return tuple(found)


@dataclass(slots=True)
class _Heap:
    """What is left of a SKU of theirs."""

    theirs: str
    pack: int
    there: int


def _dealt(sku: str, wanted: int, heaps: Sequence[_Heap]) -> list[Holder]:
    """(their SKU, units of ours in one, how many): the smallest packs first, and what nobody has of the first that it can be said in: they
    say themselves that they lack it."""
    found = dict[tuple[str, int], int]()
    for one in heaps:
        if many := max(0, min(wanted // one.pack, one.there)):
            found[one.theirs, one.pack] = many
            one.there, wanted = one.there - many, wanted - many * one.pack
    if wanted:
        first = next((one for one in heaps if wanted % one.pack == 0), None)
        if first is None:
            raise NotHeld(sku)
        found[first.theirs, first.pack] = found.get((first.theirs, first.pack), 0) + wanted // first.pack
    return [(theirs, pack, many) for (theirs, pack), many in found.items()]


# ---- what they answer


def meant(said: Standing, shares: Mapping[str, Share], told: Iterable[str] = ()) -> Standing:
    """The same in units of the order's lines. A unit that lies in several parcels counts with the last of them that nobody told of yet
    (`told` are their numbers); one of which a part is refused is refused."""
    names = [name for one in said.parcels for name in one.units] + list(said.refused or ())
    if all(read(name).name == read(name).line for name in names):
        return said
    return replace(said, parcels=_parcels(said.parcels, shares, set(told)), refused=_refused(said.refused or {}))


def _parcels(parcels: Sequence[TheirParcel], shares: Mapping[str, Share], told: set[str]) -> tuple[TheirParcel, ...]:
    """Those of `parcels` that hold whole units, once all that came before is counted."""
    found, inside = [], dict[str, int]()
    done = {line: share.sent for line, share in shares.items()}
    for one in sorted(parcels, key=lambda one: (one.number not in told, one.sent_at, one.number)):
        for name, units in one.units.items():
            inside[name] = inside.get(name, 0) + units
        if one.number in told:
            continue
        new = {line: units - done.get(line, 0) for line, units in _whole(inside).items() if units > done.get(line, 0)}
        done |= {line: done.get(line, 0) + units for line, units in new.items()}
        found += [replace(one, units=new)] if new else []
    return tuple(found)


def _whole(units: Mapping[str, int]) -> dict[str, int]:
    """By line as many units as all of its parts make."""
    have: dict[tuple[str, int, int], int] = {}
    parts: dict[str, int] = {}
    for name, many in units.items():
        one = read(name)
        parts[one.line] = one.parts
        have[one.line, one.part, one.need] = have.get((one.line, one.part, one.need), 0) + many * one.pack
    made = {line: [units // need for (of, _, need), units in have.items() if of == line] for line in parts}
    return {line: min(some) for line, some in made.items() if len(some) == parts[line]}


def _refused(units: Mapping[str, int]) -> dict[str, int]:
    """By line as many units as lack any part."""
    lack: dict[tuple[str, int, int], int] = {}
    for name, many in units.items():
        one = read(name)
        lack[one.line, one.part, one.need] = lack.get((one.line, one.part, one.need), 0) + many * one.pack
    found: dict[str, int] = {}
    for (line, _, need), many in lack.items():
        found[line] = max(found.get(line, 0), -(-many // need))
    return found
