"""The day's rates between currencies, and the CSV file that brings them. Pure.

The first line of a file names its columns, in any order: `day` (2026-11-20), `currency`, `base` and `rate`: so many units of the base for
one of the currency, a plain decimal with a point. Others are left alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from core.domain import plain_csv
from core.domain.plain_csv import Wrong

COLUMNS = ("day", "currency", "base", "rate")
MOST = Decimal(10) ** 9
DIGITS = 20  # after the point


@dataclass(frozen=True, slots=True)
class Rate:
    """Units of `base` for one of `currency` on a day."""

    day: date
    currency: str
    base: str
    rate: Decimal


def rate(day: str, currency: str, base: str, text: str) -> Rate:
    """What somebody typed. Raises ValueError with a word on what is wrong."""
    names = _currency("currency", currency), _currency("base", base)
    if names[0] == names[1]:
        raise ValueError("base: it is the same currency")
    return Rate(_day(day), *names, _number(text))


def _currency(name: str, text: str) -> str:
    if not (len(text) == 3 and text.isascii() and text.isalpha() and text.isupper()):
        raise ValueError(f"{name}: it is three capital letters")
    return text


def _day(text: str) -> date:
    try:
        return plain_csv.day(text)
    except ValueError:
        raise ValueError("day: it is like 2026-11-20") from None


def _number(text: str) -> Decimal:
    try:
        found = Decimal(text) if text.isascii() and text.replace(".", "", 1).isdecimal() else Decimal(0)
    except InvalidOperation:
        found = Decimal(0)
    if not 0 < found < MOST or len(text.partition(".")[2]) > DIGITS:
        raise ValueError("rate: it is a plain number above zero, like 1.0834")
    return found


def read(text: str) -> tuple[Sequence[Rate], Sequence[Wrong]]:
    """What a file says, and (line, why) of what cannot be meant. A day that stands twice with other rates is wrong."""
    rows, wrong = plain_csv.rows(text, COLUMNS)
    found, said = dict[tuple[date, str, str], Rate](), list(wrong)
    for line, cells in rows:
        try:
            _add(found, cells)
        except ValueError as error:
            said.append((line, str(error)))
    return list(found.values()), sorted(said)


def _add(found: dict[tuple[date, str, str], Rate], cells: Mapping[str, str]) -> None:
    one = rate(cells["day"], cells["currency"], cells["base"], cells["rate"])
    if found.setdefault((one.day, one.currency, one.base), one) != one:
        raise ValueError("rate: a line before says another one of this day")
