"""An order's money, so that it adds up before one's eyes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.domain.money import Money, total
from core.domain.order import Charge, Order, PaymentStatus
from core.domain.packing import Bill as Paper
from core.domain.packing import Slip, Sold


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is asked for: `gross` before discounts, `net` after them, both in the order's tax mode; `payable` with every tax."""

    sku: str
    title: str
    units: int | None
    gross: Money
    discount: Money
    net: Money
    tax: Money
    payable: Money


@dataclass(frozen=True, slots=True)
class Bill:
    """`extras` are fees, duties and tips by name, those that there are. `parts` is what all of it comes to, `rounding` what is left to the
    total where that is as small as rounding is; `gap` what is left then, nothing in a bill that adds up."""

    lines: tuple[Row, ...]
    shipping: tuple[Row, ...]
    extras: tuple[tuple[str, Money], ...]
    parts: Money
    rounding: Money
    total: Money

    @property
    def gap(self) -> Money:
        return self.total - self.parts - self.rounding

    @property
    def adds_up(self) -> bool:
        return not self.gap.minor


def bill(order: Order) -> Bill:
    lines = tuple(_row(line.charge, line.title, line.sku or "", line.ordered) for line in order.lines)
    shipping = tuple(_row(line.charge, line.title) for line in order.shipping)
    extras = (("fees", order.fees), ("duties", order.duties), ("tips", order.tips))
    asked = tuple((name, amount) for name, amount in extras if amount is not None and amount.minor)
    return Bill(lines, shipping, asked, order.payable, order.rounding, order.total)


def _row(charge: Charge, title: str, sku: str = "", units: int | None = None) -> Row:
    return Row(sku, title, units, charge.gross, charge.discount, charge.net, charge.tax, charge.payable)


# ---- of one shipment


def portion(charge: Charge, before: int, units: int, of: int) -> Charge:
    """What of a line's charge falls on `units` of its `of`, of which `before` went before: all portions together are the charge."""
    if (before, units) == (0, of):
        return charge
    weights = [before, units, max(0, of - before - units)]

    def share(amount: Money) -> Money:
        return -(-amount).split(weights)[1] if amount.minor < 0 else amount.split(weights)[1]

    discounts = tuple(replace(part, amount=share(part.amount)) for part in charge.discounts)
    return Charge(share(charge.gross), discounts, tuple(replace(tax, amount=share(tax.amount)) for tax in charge.taxes))


def of_shipment(order: Order, slip: Slip, units: Mapping[str, int], before: Mapping[str, int], *, leads: bool) -> Paper:
    """The bill of a shipment that holds these units by line, of which `before` went in earlier ones. The first one (`leads`) bears what is
    asked once for an order: shipping, fees, duties, tips, and lines that are not sent."""
    here = {line.id: line for line in order.lines}
    lines = [_sold(order, id, before.get(id, 0), count) for id, count in units.items() if id in here]
    extras = _extras(order) if leads else ()
    lines += [Sold(line.title, line.charge, line.sku or "", line.ordered) for line in order.lines if leads and not line.requires_shipping]
    parts = total((one.charge.payable for one in (*lines, *extras)), order.currency)
    all_ = leads and all(units.get(line.id, 0) == line.ordered for line in order.lines if line.requires_shipping)
    owed = order.total if all_ else parts
    paid = owed if order.payment_status is PaymentStatus.PAID else None
    person = order.person
    return Paper(
        slip, slip.shipment, order.placed_at.date(), tuple(lines), owed, order.tax_mode, extras,
        bill_to=person.bill_to if person else None, tax_id=person.tax_id if person else "", paid=paid,
    )  # fmt: skip


def _sold(order: Order, id: str, before: int, units: int) -> Sold:
    line = next(line for line in order.lines if line.id == id)
    return Sold(line.title, portion(line.charge, before, units, max(line.ordered, before + units)), line.sku or "", units)


def _extras(order: Order) -> tuple[Sold, ...]:
    """What has no units."""
    named = (("Fees", order.fees), ("Duties", order.duties), ("Tips", order.tips))
    asked = [Sold(title, Charge(amount)) for title, amount in named if amount is not None and amount.minor]
    return (*(Sold(one.title, one.charge) for one in order.shipping), *asked)
