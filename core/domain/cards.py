"""A SKU's card: what carriers and customs ask of it. Read from text, checked, filled where it is blank. Pure."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from core.domain.later import N_
from core.domain.money import Money

Value = int | str | None


@dataclass(frozen=True, slots=True)
class Card:
    """Grams, millimetres, and minor units of the cost's own currency; None: nobody said."""

    weight_g: int | None = None
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    hs_code: str | None = None
    origin: str | None = None
    customs: str | None = None
    cost: int | None = None
    cost_currency: str | None = None
    picture: str | None = None


BLANK = Card()
NAMES = tuple(one.name for one in fields(Card))
NUMBERS = ("weight_g", "length_mm", "width_mm", "height_mm")
COST = ("cost", "cost_currency")
MOST = {"weight_g": 10_000_000, "length_mm": 100_000, "width_mm": 100_000, "height_mm": 100_000}
LONGEST = {"customs": 200, "picture": 2_000}
CLEAR = "-"  # what somebody writes to say that nobody knows any more
HS = re.compile(r"[0-9]{6,10}")
# ISO 3166-1, alpha-2, as of 2026-11, and XK, which carriers and channels write for Kosovo.
_ISO = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD
CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF
GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN
KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA
NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI
SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI
VN VU WF WS YE YT ZA ZM ZW XK
"""
COUNTRIES = frozenset(_ISO.split())


class WrongCell(ValueError):
    """What was said of one field cannot be."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name, self.why = name, why


def read(said: Mapping[str, str], was: Card = BLANK) -> dict[str, Value]:
    """What somebody typed, as fields that are another than they `were` or the same: an empty text says nothing, "-" that nobody knows. A
    cost is decimal text of its currency, that of before where none is told. Raises WrongCell."""
    told = {name: text.strip() for name, text in said.items() if text.strip()}
    found: dict[str, Value] = {name: _read(name, text) for name, text in told.items() if name not in COST}
    return found | (_cost(told, was) if told.keys() & set(COST) else {})


def _read(name: str, text: str) -> Value:
    if text == CLEAR:
        return None
    if name in NUMBERS:
        return _whole(name, text)
    value = text.upper() if name == "origin" else re.sub(r"[ .]", "", text) if name == "hs_code" else text
    return _checked(name, value)


def _whole(name: str, text: str) -> Value:
    if not (text.isascii() and text.isdecimal() and len(text) < 12):
        raise WrongCell(name, "write a whole number")
    return _checked(name, int(text))


def _cost(told: Mapping[str, str], was: Card) -> dict[str, Value]:
    if CLEAR in (told.get("cost"), told.get("cost_currency")):
        return dict.fromkeys(COST)
    currency = told.get("cost_currency", was.cost_currency or "").upper()
    if not currency:
        raise WrongCell("cost_currency", "say the currency of the cost")
    if "cost" not in told:
        raise WrongCell("cost", "say what it costs, not the currency alone")
    try:
        money = Money.parse(told["cost"], currency)
    except ValueError as error:
        raise WrongCell("cost", str(error)) from None
    return {"cost": _checked("cost", money.minor), "cost_currency": currency}


def _checked(name: str, value: Value) -> Value:
    if why := wrong(name, value):
        raise WrongCell(name, why)
    return value


def check(changes: Mapping[str, Value]) -> None:
    """Raises WrongCell for the first of these fields that cannot be so."""
    for name, value in changes.items():
        _checked(name, value)
    if len({changes[name] is None for name in COST if name in changes}) > 1 or len(changes.keys() & set(COST)) == 1:
        raise WrongCell("cost", "a cost is told with its currency")


def wrong(name: str, value: Value) -> str:
    """Why a field cannot hold that; "" where it can. Nothing is always possible."""
    if value is None:
        return ""
    if name in NUMBERS:
        return "" if isinstance(value, int) and 0 < value <= MOST[name] else f"must be from 1 to {MOST[name]}"
    return TESTS[name](value) if name in TESTS else ""


def _long(most: int) -> Callable[[Any], str]:
    return lambda text: "" if len(text) <= most and text.isprintable() else f"at most {most} letters that can be printed"


TESTS: dict[str, Callable[[Any], str]] = {
    "hs_code": lambda text: "" if HS.fullmatch(text) else "an HS code has 6 to 10 digits",
    "origin": lambda text: "" if text in COUNTRIES else "is no country of ISO 3166, like DE or US",
    "cost": lambda minor: "" if 0 <= minor <= 10**12 else "is less than nothing, or too much",
    "cost_currency": lambda text: "" if re.fullmatch("[A-Z]{3}", text) else "is no currency of ISO 4217, like EUR or USD",
    "customs": _long(LONGEST["customs"]),
    "picture": lambda text: (
        _long(LONGEST["picture"])(text) or ("" if re.match("https?://[^/ ]", text) else "must be an address that begins with https://")
    ),
}


def filled(card: Card, found: Card) -> Card:
    """The card with what a channel tells where it is blank, as far as that can be: what is there stays, whoever wrote it. A cost comes
    with its currency."""
    said = {name: value for name, value in asdict(found).items() if value is not None and not wrong(name, value)}
    if card.cost is not None or card.cost_currency is not None or not said.keys() >= set(COST):
        said = {name: value for name, value in said.items() if name not in COST}
    return replace(card, **{name: value for name, value in said.items() if getattr(card, name) is None})


# ---- barcodes

LONGEST_BARCODE = 64


def barcodes(text: str) -> tuple[str, ...]:
    """Those of a text, which blanks part; each once. Raises WrongCell."""
    found = tuple(dict.fromkeys(text.split()))
    if any(len(one) > LONGEST_BARCODE or not one.isprintable() for one in found):
        raise WrongCell("barcodes", f"a barcode has at most {LONGEST_BARCODE} letters that can be printed")
    return found


def odd(barcode: str) -> bool:
    """An EAN or UPC whose last digit does not fit the others: most likely a slip, and taken. Those of eight digits that begin with 0 or 1
    may be UPC-E, which is checked otherwise (GS1 General Specifications, 7.9)."""
    if not (barcode.isascii() and barcode.isdecimal() and len(barcode) in (8, 12, 13, 14)) or (len(barcode) == 8 and barcode[0] in "01"):
        return False
    weighed = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(reversed(barcode)))
    return weighed % 10 != 0


# ---- what labels will lack

# What is asked for, and the fields that answer it. Customs ask only abroad.
ASKED: dict[str, tuple[str, ...]] = {
    "weight": ("weight_g",),
    "size": ("length_mm", "width_mm", "height_mm"),
    "hs_code": ("hs_code",),
    "origin": ("origin",),
    "customs": ("customs",),
}
WORDS = {
    "weight": N_("weight"),
    "size": N_("size"),
    "hs_code": N_("HS code"),
    "origin": N_("country of origin"),
    "customs": N_("customs text"),
}


def lacks(card: Card) -> list[str]:
    """What a label to anywhere will ask for and the card does not say."""
    return [what for what, names in ASKED.items() if any(getattr(card, name) is None for name in names)]


def of_row(row: Any) -> Card:
    """The card of whatever has its fields."""
    return Card(*(getattr(row, name) for name in NAMES))


def with_(card: Card, changes: Mapping[str, Any]) -> Card:
    """The card with these fields."""
    return replace(card, **changes)


def changed(was: Card, now: Card, names: Iterable[str] = NAMES) -> dict[str, Value]:
    """The fields that are another now."""
    return {name: getattr(now, name) for name in names if getattr(was, name) != getattr(now, name)}
