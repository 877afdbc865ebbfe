"""How a paper speaks: its words, amounts, days and countries, and from which side it is read. Translating is the caller's. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from core.domain.money import Money, places
from core.domain.order import Liable, Tax
from core.domain.packing import WORDS


def _plain(amount: Decimal, currency: str) -> str:
    return f"{amount} {currency}"


@dataclass(frozen=True, slots=True)
class Language:
    """`words` are those of `packing.WORDS` by their keys; what is missing stays English. `amount` writes a decimal with its currency and
    keeps all its places (a unit price may have more than the currency), `day` a date, `country` two letters. `rtl` turns the whole page."""

    words: Mapping[str, str] = field(default_factory=lambda: WORDS)
    amount: Callable[[Decimal, str], str] = _plain
    day: Callable[[date], str] = date.isoformat
    country: Callable[[str], str] = str
    rtl: bool = False

    def say(self, key: str, **values: object) -> str:
        said = self.words.get(key) or WORDS[key]
        for name, value in values.items():
            said = said.replace(f"{{{name}}}", str(value))
        return said

    def money(self, money: Money) -> str:
        return self.amount(Decimal(money.text()), money.currency)

    def unit_price(self, gross: Money, units: int) -> str:
        """Of one unit: as the currency writes it, or with two places more where it does not go out even."""
        whole, exact = Decimal(gross.text()) / units, places(gross.currency)
        digits = exact if gross.minor % units == 0 else exact + 2
        return self.amount(whole.quantize(Decimal(1).scaleb(-digits)), gross.currency)

    def tax(self, tax: Tax) -> str:
        """Title and rate: "VAT 19%", and who pays it where that is not the seller. A rate is a share of one, as text."""
        said = f"{tax.title or self.say('tax')} {percent(tax.rate)}".strip()
        return self.say("by_marketplace", tax=said) if tax.liable is Liable.MARKETPLACE else said


def percent(rate: str | None) -> str:
    """ "0.19" is "19%"; what is no number is written as it is."""
    try:
        share = Decimal(rate or "").scaleb(2).normalize()
    except ArithmeticError:
        return rate or ""
    return f"{share:f}%" if share.is_finite() else rate or ""


ENGLISH = Language()
