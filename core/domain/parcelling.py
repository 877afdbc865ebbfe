"""Several parcels of one shipment: what was scanned into each, and which units of its lines that is. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from core.domain.bench import Done, Piece
from core.domain.shipments import Load, pieces

Contents = list[dict[str, int]]  # units by order line, one for each parcel


def cuts(text: str, done: Done) -> tuple[int, ...]:
    """Where another parcel begins, as an address says it: after so many units that were scanned. What is not reached does not count."""
    said = {int(part) for part in text.split(".") if part.isascii() and part.isdecimal() and len(part) < 6}
    return tuple(sorted(cut for cut in said if 0 < cut <= done.scanned))


def scanned_into(done: Done, cuts: Iterable[int], wanted: Sequence[Piece]) -> list[Counter[str]]:
    """SKUs by parcel, in the order in which they were scanned; the last may be empty yet."""
    found, starts = [Counter[str]()], set(cuts)
    units = (wanted[place].sku for place, many in done.runs for _ in range(many))
    for number, sku in enumerate(units, 1):
        found[-1][sku] += 1
        if number in starts:
            found.append(Counter())
    return found


def in_lines(loads: Iterable[Load], parts: Sequence[Mapping[str, int]]) -> Contents:
    """Whole units of lines in these parcels of SKUs; those of most parts first. Raises ValueError where a unit's parts lie apart, or these
    are not the shipment's."""
    known = sorted(loads, key=lambda load: (-sum(load.parts.values()), load.line))
    if sum((Counter(part) for part in parts), Counter[str]()) != pieces(known):
        raise ValueError("each unit is in one parcel")
    left, found = {load.line: load.units for load in known}, Contents()
    for part in parts:
        found.append(_taken(known, left, Counter(part)))
    if any(left.values()):
        raise ValueError("what is sold as one unit lies in one parcel")
    return [one for one in found if one]


def _taken(known: Iterable[Load], left: dict[str, int], here: Counter[str]) -> dict[str, int]:
    """Units of lines that are whole here; `left` goes down by them."""
    found = {}
    for load in known:
        units = min([left[load.line], *(here[sku] // each for sku, each in load.parts.items())])
        if units:
            found[load.line] = units
            left[load.line] -= units
            here.subtract({sku: each * units for sku, each in load.parts.items()})
    return found


def another(loads: Iterable[Load], now: Sequence[Mapping[str, int]], units: Mapping[str, int]) -> Contents:
    """These units of lines go into one more parcel, out of those that hold them `now`, the first before others (nothing: all is in one).
    A parcel that is empty then is none. Raises ValueError where there are not so many, or nothing would be moved."""
    wanted = Counter({line: many for line, many in units.items() if many})
    held = [Counter(part) for part in now] or [Counter({load.line: load.units for load in loads})]
    if not wanted or min(wanted.values()) < 1 or not wanted <= sum(held, Counter()):
        raise ValueError("there are not so many units in it")
    missing = wanted.copy()
    for part in held:
        taken = part & missing
        part.subtract(taken)
        missing.subtract(taken)
    parts = [dict(+part) for part in (*held, wanted)]
    return [part for part in parts if part]
