"""FedEx's units, currencies and references, there and back. Pure.

Inside the United States it is pounds and inches, elsewhere and across borders kilograms and centimetres: customs wants kilograms, and
FedEx takes one unit in a shipment.
"""

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.domain.money import Money

POUND = 45_359_237  # hundred-thousandths of a gram
INCH = 254  # tenths of a millimetre


def _up(amount: int, unit: int) -> int:
    return -(-amount // unit)


def pounds(grams: int, digits: int = 2) -> Decimal:
    """Pounds with so many digits after the point, rounded up."""
    return Decimal(_up(grams * 100_000 * 10**digits, POUND)).scaleb(-digits)


def kilograms(grams: int) -> Decimal:
    """Kilograms with two digits after the point, rounded up."""
    return Decimal(_up(grams, 10)).scaleb(-2)


def exactly(grams: int) -> Decimal:
    """Kilograms to the gram, for what goods weigh: rounded up, all goods together might weigh more than their box."""
    return Decimal(grams).scaleb(-3)


def inches(millimetres: int) -> int:
    return _up(millimetres * 10, INCH)


def centimetres(millimetres: int) -> int:
    return _up(millimetres, 10)


def codes(settings: Mapping[str, Any]) -> dict[str, str]:
    """FedEx's own codes of currencies by those of ISO 4217."""
    return dict(pair.split("=", 1) for pair in str(settings["currencies"]).split())


def money(amount: Money, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {"amount": Decimal(amount.text()), "currency": codes(settings).get(amount.currency, amount.currency)}


def currency(code: str, settings: Mapping[str, Any]) -> str:
    """The currency by ISO 4217, whichever of the two codes FedEx wrote."""
    return {theirs: ours for ours, theirs in codes(settings).items()}.get(code, code)


def reference(key: str) -> str:
    """Our key as it goes onto a label. Ground takes thirty characters and a key has 32, so its bits are written in base 32: 26."""
    return base64.b32encode(bytes.fromhex(key)).decode().rstrip("=")


def key_of(reference: str) -> str:
    """The key of such a reference. Raises ValueError for another text."""
    return base64.b32decode(reference + "=" * (-len(reference) % 8)).hex()
