"""Things that tests need, with sensible defaults and one loud difference: `an_order(lines=[a_line(ordered=3)])`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.domain.money import Money
from core.domain.order import Charge, Discount, Liable, Line, Order, PaymentStatus, Shipping, Tax, TaxMode

LONG_AGO = datetime(2026, 3, 1, 12, tzinfo=UTC)


def money(amount: str, currency: str = "USD") -> Money:
    return Money.parse(amount, currency)


def a_charge(
    gross: str = "10",
    *,
    discounts: Sequence[str] = (),
    taxes: Sequence[str] = (),
    included: bool = False,
    liable: Liable = Liable.SELLER,
    currency: str = "USD",
) -> Charge:
    """What is asked for one thing; taxes come on top unless `included`."""
    return Charge(
        gross=money(gross, currency),
        discounts=tuple(Discount(money(amount, currency)) for amount in discounts),
        taxes=tuple(Tax("tax", money(amount, currency), included, liable) for amount in taxes),
    )


def a_line(
    sku: str | None = "SHIRT-M", *, gross: str = "10", charge: Charge | None = None, currency: str = "USD", **different: Any
) -> Line:
    """One unit for ten, untaxed, sold under the listing L-SKU."""
    plain = Line(
        id=f"line-{sku}", listing=f"L-{sku}", sku=sku, title=f"A {sku}", ordered=1, charge=charge or a_charge(gross, currency=currency)
    )
    return replace(plain, **different)


def a_shipping(gross: str = "5", *, charge: Charge | None = None, currency: str = "USD") -> Shipping:
    return Shipping("shipping-1", "Standard", charge or a_charge(gross, currency=currency))


def an_order(*, lines: Sequence[Line] | None = None, shipping: Sequence[Shipping] = (), currency: str = "USD", **different: Any) -> Order:
    """A paid order of one line; the total is what its parts add up to, unless another is given."""
    lines = [a_line(currency=currency)] if lines is None else lines
    plain = Order(
        channel="bogus",
        connection="shop",
        id="1001",
        name="#1001",
        revision=LONG_AGO,
        placed_at=LONG_AGO,
        currency=currency,
        presentment_currency=currency,
        total=Money.zero(currency),
        tax_mode=TaxMode.NONE,
        lines=tuple(lines),
        shipping=tuple(shipping),
        payment_status=PaymentStatus.PAID,
    )
    order = replace(plain, **different)
    return order if "total" in different else replace(order, total=order.payable)
