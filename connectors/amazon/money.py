"""What an Amazon order's amounts mean: tax inside or outside, discounts of either sign, fees and tips. Pure; minor units throughout.

Amazon states neither whether tax is inside a price nor the sign of a discount. Both are read from the total: the reading under
which the parts make the total to the cent is taken (samples of the 2026-01-01 model, read 2026-11); where none does, tax is
taken to come on top, as in Amazon's own samples, and the order is flagged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from connectors.amazon.read import currency_of, items, maybe_items, maybe_part, maybe_text, minor, text
from core.domain.order import Liable, TaxMode

FEES = frozenset(["GIFT_WRAP", "COD_FEE", "OTHER"])
TAXED_APART = {"SHIPPING": "shipping", "GIFT_WRAP": "wrap", "COD_FEE": "cod"}
FACILITATOR = "MARKETPLACE_FACILITATOR"


@dataclass(slots=True)
class Amounts:
    """One item's amounts. Discounts are never negative; taxes are net of the tax on discounts."""

    goods: int = 0
    shipping: int = 0
    fees: int = 0
    goods_off: int = 0
    shipping_off: int = 0
    taxed: bool = False
    taxes: dict[str, int] = field(default_factory=dict)
    liable: Liable = Liable.SELLER
    scheme: str | None = None
    unknown: tuple[str, ...] = ()

    @property
    def net(self) -> int:
        return self.goods - self.goods_off + self.shipping - self.shipping_off + self.fees

    @property
    def tax(self) -> int:
        return sum(self.taxes.values())


def amounts(item: Mapping[str, Any], currency: str) -> Amounts:
    """An item's amounts; all zero where it has no proceeds."""
    found = Amounts()
    proceeds = maybe_part(item, "proceeds")
    if not proceeds:
        return found
    for entry in items(proceeds, "breakdowns"):
        _add(found, text(entry, "type"), minor(entry, "subtotal", currency), entry, currency)
    if found.taxed:
        _who_pays(found, maybe_part(item, "tax"))
    return found


def _add(found: Amounts, kind: str, subtotal: int, entry: Mapping[str, Any], currency: str) -> None:
    if kind == "ITEM":
        found.goods += subtotal
    elif kind == "SHIPPING":
        found.shipping += subtotal
    elif kind == "TAX":
        _add_tax(found, subtotal, _details(entry, currency))
    elif kind == "DISCOUNT":
        _add_discount(found, abs(subtotal), _details(entry, currency))
    else:
        found.fees += subtotal
        found.unknown += () if kind in FEES else (kind,)


def _details(entry: Mapping[str, Any], currency: str) -> list[tuple[str, int]]:
    return [(text(detail, "subtype"), minor(detail, "value", currency)) for detail in maybe_items(entry, "detailedBreakdowns")]


def _add_tax(found: Amounts, subtotal: int, details: Sequence[tuple[str, int]]) -> None:
    """The subtotal counts; what its details do not give to shipping, wrap or cash on delivery is the goods'."""
    found.taxed = True
    for subtype, value in details:
        if name := TAXED_APART.get(subtype):
            found.taxes[name] = found.taxes.get(name, 0) + value
            subtotal -= value
    found.taxes["goods"] = found.taxes.get("goods", 0) + subtotal


def _add_discount(found: Amounts, subtotal: int, details: Sequence[tuple[str, int]]) -> None:
    for subtype, value in details:
        if subtype == "SHIPPING":
            found.shipping_off += abs(value)
            subtotal -= abs(value)
        elif subtype in FEES:
            found.fees -= abs(value)
            subtotal -= abs(value)
    found.goods_off += subtotal


def _who_pays(found: Amounts, tax: Mapping[str, Any]) -> None:
    models = [text(entry, "model") for entry in maybe_items(tax, "taxCollections")]
    if models:
        found.liable = Liable.MARKETPLACE if FACILITATOR in models else Liable.UNKNOWN
    schemes = [text(entry, "reportingScheme") for entry in maybe_items(tax, "taxCalculationBreakdowns")]
    found.scheme = schemes[0] if schemes else None


class Reading(NamedTuple):
    """How the amounts are read: `total` is what the buyer owes, `included` whether taxes are inside the prices."""

    total: int
    mode: TaxMode
    included: bool
    tips: int = 0
    notes: tuple[str, ...] = ()


def reading(proceeds: Mapping[str, Any], parts: Sequence[Amounts], currency: str) -> Reading:
    """The reading under which the parts make grandTotal. `proceeds` are the order's."""
    total = minor(proceeds, "grandTotal", currency)
    tips, pending = _tips(proceeds, currency)
    notes = tuple(f"money: breakdown {kind} is not known" for part in parts for kind in part.unknown)
    for tip in (tips, tips - pending) if pending else (tips,):  # a pending tip may not be in the total yet
        if read := _balanced(total, tip, parts):
            return read._replace(notes=notes)
    gap = total - tips - sum(part.net + part.tax for part in parts)
    doubt = ("tax: the parts make the total neither with nor without tax",) if _close(gap, parts) else ()  # else the money problem says it
    return Reading(total, TaxMode.UNKNOWN, included=False, tips=tips, notes=notes + doubt)


def _tips(proceeds: Mapping[str, Any], currency: str) -> tuple[int, int]:
    """All tips, and those that are still pending."""
    tips = pending = 0
    for entry in maybe_items(proceeds, "breakdowns"):
        subtotal = minor(entry, "subtotal", currency)
        if text(entry, "type") == "DELIVERY_TIP":
            tips += subtotal
            pending += subtotal if maybe_text(entry, "status") == "PENDING" else 0
    return tips, pending


def _balanced(total: int, tips: int, parts: Sequence[Amounts]) -> Reading | None:
    net, tax = sum(part.net for part in parts) + tips, sum(part.tax for part in parts)
    if not tax:
        return Reading(total, _untaxed(parts), included=False, tips=tips) if _close(total - net, parts) else None
    if total == net + tax:
        return Reading(total, TaxMode.EXCLUSIVE, included=False, tips=tips)
    if total == net:
        return Reading(total, TaxMode.INCLUSIVE, included=True, tips=tips)
    withheld = sum(part.tax for part in parts if part.liable is Liable.MARKETPLACE)
    if withheld and total == net + tax - withheld:  # what Amazon collects for the state is left out of the seller's total
        return Reading(total + withheld, TaxMode.EXCLUSIVE, included=False, tips=tips)
    return _nearly(total, net, tax, tips, parts)


def _untaxed(parts: Sequence[Amounts]) -> TaxMode:
    """Without a TAX entry nobody knows whether tax is inside."""
    return TaxMode.NONE if any(part.taxed for part in parts) else TaxMode.UNKNOWN


def _close(gap: int, parts: Sequence[Amounts]) -> bool:
    return abs(gap) <= max(1, len(parts))


def _nearly(total: int, net: int, tax: int, tips: int, parts: Sequence[Amounts]) -> Reading | None:
    """One minor unit a line may be rounding, as long as only one reading is that close."""
    outside, inside = _close(total - net - tax, parts), _close(total - net, parts)
    if outside == inside:
        return None
    mode = TaxMode.EXCLUSIVE if outside else TaxMode.INCLUSIVE
    return Reading(total, mode, included=inside, tips=tips)


def currency_by_price(document: Mapping[str, Any]) -> str | None:
    """The currency of the first unit price; None where no item has one."""
    for item in maybe_items(document, "orderItems"):
        price = maybe_part(maybe_part(item, "product"), "price")
        if price.get("unitPrice"):
            return currency_of(price, "unitPrice")
    return None
