"""Money as whole minor units with a currency. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow

# ISO 4217 minor units, where they are not two.
NONE = frozenset(["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"])
THREE = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
LIMIT = 10**17  # what fits a bigint with room to sum
EXACT = Context(prec=60, Emax=60, Emin=-60, traps=[InvalidOperation, Overflow, Inexact])  # never rounds, never grows


def places(currency: str) -> int:
    """Digits after the point in `currency` (ISO 4217): 0 for yen, 3 for dinars, else 2."""
    return 0 if currency in NONE else 3 if currency in THREE else 2


@dataclass(frozen=True, slots=True)
class Money:
    """An amount of one currency in minor units. Adding another currency raises ValueError."""

    minor: int
    currency: str

    @classmethod
    def zero(cls, currency: str) -> "Money":
        return cls(0, currency)

    @classmethod
    def parse(cls, amount: str | int | Decimal, currency: str) -> "Money":
        """Read decimal text; trailing zeros may go beyond the currency's places, others raise ValueError. A float raises TypeError."""
        if isinstance(amount, bool) or not isinstance(amount, str | int | Decimal):
            raise TypeError(f"money is text, int or Decimal, not {type(amount).__name__}")
        if not (isinstance(currency, str) and len(currency) == 3 and currency.isascii() and currency.isupper()):
            raise ValueError("a currency is three capital letters")
        if isinstance(amount, str) and ("_" in amount or not amount.isascii()):
            raise ValueError("not an amount of money")  # Decimal reads 1_000 and digits of every script
        try:
            scaled = Decimal(amount).scaleb(places(currency), EXACT)
            minor = int(scaled)
        except (ArithmeticError, ValueError):
            raise ValueError("not an amount of money") from None
        if minor != scaled or abs(minor) > LIMIT:
            raise ValueError(f"not a whole number of minor units of {currency}")
        return cls(minor, currency)

    def __add__(self, other: "Money") -> "Money":
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add")
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add")
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __mul__(self, times: int) -> "Money":
        return Money(self.minor * times, self.currency)

    def __abs__(self) -> "Money":
        return Money(abs(self.minor), self.currency)

    def __bool__(self) -> bool:
        return self.minor != 0

    def split(self, weights: Sequence[int]) -> list["Money"]:
        """Share by weight (all zero: evenly); the parts always add up to the whole. Raises ValueError where that cannot be."""
        if (not weights and self.minor) or any(weight < 0 for weight in weights):
            raise ValueError("weights are never negative, and an amount needs somebody to bear it")
        if not any(weights):
            weights = [1] * len(weights)
        whole, given, seen, parts = sum(weights), 0, 0, []
        for weight in weights:
            seen += weight
            upto = self.minor * seen // whole
            parts.append(Money(upto - given, self.currency))
            given = upto
        return parts

    def text(self) -> str:
        """Decimal text with the currency's places, as the channels write it: "12.30", "1250", "-0.005"."""
        digits = places(self.currency)
        if not digits:
            return str(self.minor)
        sign, whole = ("-" if self.minor < 0 else ""), abs(self.minor)
        return f"{sign}{whole // 10**digits}.{whole % 10**digits:0{digits}d}"


def total(amounts: Iterable[Money], currency: str) -> Money:
    """The sum, zero of `currency` when there is nothing to add."""
    minor = 0
    for amount in amounts:
        if amount.currency != currency:
            raise ValueError(f"{amount.currency} and {currency} do not add")
        minor += amount.minor
    return Money(minor, currency)
