"""An order's money, so that it adds up before one's eyes. Pure."""

from dataclasses import dataclass

from core.domain.money import Money
from core.domain.order import Charge, Order


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
