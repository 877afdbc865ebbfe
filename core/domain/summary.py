"""One order as flat decimal text, for people and programs that check us: what `crossdock normalize` prints. Pure."""

from typing import Any

from core.domain.money import Money
from core.domain.order import Liable, Line, Order


def _text(amount: Money | None, currency: str) -> str:
    return (amount or Money.zero(currency)).text()


def summary(order: Order) -> dict[str, Any]:
    """The order in the shop's currency. `total` is what the buyer first owed; subtotal, shipping, payable are in the order's tax mode."""
    return {
        "channel": order.channel,
        "number": order.id,
        "name": order.name,
        "currency": order.currency,
        "presentment_currency": order.presentment_currency,
        "tax_mode": order.tax_mode.value,
        "order_status": order.order_status.value,
        "payment_status": order.payment_status.value,
        "fulfillment_status": order.fulfillment_status.value,
        "total": order.total.text(),
        "subtotal": order.subtotal.text(),
        "discount_total": order.discount_total.text(),
        "shipping": order.shipping_total.text(),
        "tax_total": order.tax_total.text(),
        "tax_seller": (order.tax_total - order.tax_by(Liable.MARKETPLACE)).text(),
        "tax_marketplace": order.tax_by(Liable.MARKETPLACE).text(),
        "duties": _text(order.duties, order.currency),
        "tips": _text(order.tips, order.currency),
        "fees": _text(order.fees, order.currency),
        "rounding": order.rounding.text(),
        "refunded_total": order.refunded_total.text(),
        "units_to_ship": order.units_to_ship,
        "problems": order.problems(),
        "lines": [_line(line) for line in order.lines],
    }


def _line(line: Line) -> dict[str, Any]:
    return {
        "id": line.id,
        "sku": line.sku,
        "listing": line.listing,
        "ordered": line.ordered,
        "cancelled": line.cancelled,
        "fulfilled": line.fulfilled,
        "open": line.open,
        "requires_shipping": line.requires_shipping,
        "gross": line.charge.gross.text(),
        "discount": line.charge.discount.text(),
        "tax": line.charge.tax.text(),
        "payable": line.charge.payable.text(),
    }
