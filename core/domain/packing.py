"""What the papers of a location hold: packing slips, bills of what was packed, and the list by which it is picked. Pure.

Texts are as people wrote them, in any script. Amounts are `Money` in one currency a bill, each for a whole line.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from itertools import groupby
from typing import NamedTuple

from core.domain.later import N_
from core.domain.money import Money, total
from core.domain.order import Address, Charge, Liable, Tax, TaxMode

# What is printed beside the data, by key. A caller hands in the same keys in the reader's language; `{}` is filled in.
WORDS = {
    "packing_slip": N_("Packing slip"),
    "invoice": N_("Invoice"),
    "return_slip": N_("Return slip"),
    "pick_list": N_("Pick list"),
    "order": N_("Order"),
    "shipment": N_("Shipment"),
    "date": N_("Date"),
    "number": N_("Number"),
    "service": N_("Service"),
    "ship_to": N_("Ship to"),
    "bill_to": N_("Bill to"),
    "from": N_("From"),
    "seller": N_("Seller"),
    "send_back_to": N_("Send back to"),
    "tax_id": N_("Tax ID"),
    "sku": N_("SKU"),
    "item": N_("Item"),
    "units": N_("Units"),
    "of": N_("{units} of {ordered}"),
    "bin": N_("Bin"),
    "gift_message": N_("Gift message"),
    "note": N_("Note"),
    "more": N_("Further parcels of this order follow."),
    "page": N_("Page {page} of {pages}"),
    "unit_price": N_("Unit price"),
    "discount": N_("Discount"),
    "tax": N_("Tax"),
    "amount": N_("Amount"),
    "subtotal": N_("Subtotal"),
    "rounding": N_("Rounding"),
    "total": N_("Total"),
    "paid": N_("Amount paid"),
    "due": N_("Due"),
    "tax_included": N_("Prices include tax."),
    "including": N_("Including {tax}"),
    "by_marketplace": N_("{tax} (collected by the marketplace)"),
    "tax_on_top": N_("Tax is added to the prices."),
    "returned": N_("Returned"),
    "reason": N_("Reason"),
    "reason_wrong": N_("It is something else than was ordered"),
    "reason_damaged": N_("It came damaged or does not work"),
    "reason_unlike": N_("It is not as it was described"),
    "reason_mind": N_("It is not wanted any more"),
    "totes": N_("Totes"),
    "tote": N_("Tote"),
    "sum": N_("Units: {units}, SKUs: {skus}"),
    "handed_over": N_("Handed over to"),
    "parcels": N_("Parcels"),
    "grams": N_("Grams"),
    "signed": N_("Taken by"),
}


REASONS = ("reason_wrong", "reason_damaged", "reason_unlike", "reason_mind")  # why something may come back


class Sheet(StrEnum):
    """What is printed on. LABEL is 4 x 6 inches."""

    A4 = "a4"
    LETTER = "letter"
    A6 = "a6"
    LABEL = "4x6"


@dataclass(frozen=True, slots=True, repr=False)
class Shop:
    """Whose paper it is. `logo` is a PNG or JPEG (b"": none), `contact` what stands under the address: mail, telephone, hours."""

    name: str
    logo: bytes = b""
    address: Address | None = None
    tax_id: str = ""
    contact: str = ""

    def __repr__(self) -> str:
        return f"Shop({self.name!r})"


@dataclass(frozen=True, slots=True)
class Packed:
    """Units of a line in this shipment, of so many that were `ordered`, from `bin` ("" where nobody knows)."""

    sku: str
    title: str
    units: int
    ordered: int
    bin: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Slip:
    """A shipment as its packing slip tells it. `shipment` is its short id: what the bench scans, in plain ASCII. `more`: further parcels
    of the order follow."""

    shop: Shop
    shipment: str
    order: str
    to: Address
    lines: tuple[Packed, ...]
    placed_on: date | None = None
    service: str = ""
    gift_message: str = ""
    note: str = ""
    more: bool = False

    def __repr__(self) -> str:
        return f"Slip({self.shipment!r}, {len(self.lines)} lines)"


@dataclass(frozen=True, slots=True)
class Sold:
    """One line of a bill: `charge` is for all its `units`. What is no good (shipping, a fee, duties, a tip) has no SKU and no units."""

    title: str
    charge: Charge
    sku: str = ""
    units: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class Bill:
    """The amounts of a slip. `extras` are shipping, fees, duties and tips of it, `total` what the buyer owes for all, every tax inside;
    what it differs from the sum of its parts is printed as rounding. `number` is the invoice's or the return's, `tax_id` the buyer's,
    `paid` None where nobody knows."""

    slip: Slip
    number: str
    issued_on: date
    lines: tuple[Sold, ...]
    total: Money
    tax_mode: TaxMode
    extras: tuple[Sold, ...] = ()
    bill_to: Address | None = None
    tax_id: str = ""
    paid: Money | None = None

    def __repr__(self) -> str:
        return f"Bill({self.number!r}, {len(self.lines)} lines)"

    @property
    def currency(self) -> str:
        return self.total.currency

    @property
    def subtotal(self) -> Money:
        """Lines after discounts, in the tax mode."""
        return total((line.charge.net for line in self.lines), self.currency)

    @property
    def rounding(self) -> Money:
        return self.total - total((line.charge.payable for line in (*self.lines, *self.extras)), self.currency)

    @property
    def due(self) -> Money | None:
        return None if self.paid is None else self.total - self.paid

    @property
    def taxes(self) -> list[Tax]:
        """All taxes of lines and extras, one for each title, rate, way of asking and payer, in the order in which they come."""
        found: dict[tuple[str, str | None, bool, Liable], Tax] = {}
        for tax in (tax for line in (*self.lines, *self.extras) for tax in line.charge.taxes):
            key = (tax.title, tax.rate, tax.included, tax.liable)
            found[key] = replace(tax, amount=found[key].amount + tax.amount) if key in found else tax
        return list(found.values())


class Wanted(NamedTuple):
    """Units of a SKU that go from a bin into a tote ("" where one order is picked without any)."""

    sku: str
    title: str
    units: int
    bin: str = ""
    tote: str = ""


@dataclass(frozen=True, slots=True)
class Pick:
    """One stop: take `units` of a SKU from a bin, of the list's `of` units of that SKU; `totes` says how many go where."""

    bin: str
    sku: str
    title: str
    units: int
    of: int
    totes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Tote:
    """A tote of a batch: its name is what is scanned, `order` whose goods come into it."""

    name: str
    order: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class PickList:
    """What somebody walks for: `name` is the order's or the batch's, `code` what is scanned to begin it ("": nothing)."""

    name: str
    location: str
    picks: tuple[Pick, ...]
    totes: tuple[Tote, ...] = ()
    code: str = ""
    note: str = ""

    def __repr__(self) -> str:
        return f"PickList({self.name!r}, {len(self.picks)} picks)"

    @property
    def units(self) -> int:
        return sum(pick.units for pick in self.picks)

    @property
    def skus(self) -> int:
        return len({pick.sku for pick in self.picks})


@dataclass(frozen=True, slots=True)
class HandedParcel:
    tracking: str
    shipment: str
    order: str
    service: str
    weight_g: int


@dataclass(frozen=True, slots=True)
class Handed:
    """What a carrier's driver takes from a location on a day; `number` is the carrier's own of it ("": it has none)."""

    carrier: str
    location: str
    day: str
    parcels: tuple[HandedParcel, ...]
    number: str = ""


DIGITS = re.compile("([0-9]+)")


def natural(text: str) -> tuple[tuple[int, str], ...]:
    """A key to sort by as people count: A-2 before A-10."""
    parts = [part.lstrip("0") if number % 2 else part for number, part in enumerate(DIGITS.split(text.casefold()))]
    return tuple((len(part) if number % 2 else -1, part) for number, part in enumerate(parts))


def picks(wanted: Iterable[Wanted]) -> tuple[Pick, ...]:
    """The walk: one stop for each bin and SKU, bins as people count them, SKUs without a bin at the end."""
    every = sorted((one for one in wanted if one.units > 0), key=_stop)
    of = Counter[str]()
    for one in every:
        of[one.sku] += one.units
    return tuple(_pick(list(group), of) for _, group in groupby(every, key=lambda one: (one.bin, one.sku)))


def _stop(one: Wanted) -> tuple[bool, object, str, object, str, object]:
    return not one.bin, natural(one.bin), one.bin, natural(one.sku), one.sku, natural(one.tote)


def _pick(here: Sequence[Wanted], of: Counter[str]) -> Pick:
    totes = Counter[str]()
    for one in here:
        totes[one.tote] += one.units
    first = here[0]
    return Pick(first.bin, first.sku, first.title, totes.total(), of[first.sku], tuple((name, n) for name, n in totes.items() if name))
