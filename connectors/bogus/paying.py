"""What Bogus pays out: three per cent and thirty cents are its fee, and refunds are taken from what is paid out next."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.http import as_datetime
from core.domain.money import Money, total
from core.domain.payouts import Leaf, Movement, Occasion, Paid, Part, Payout

Document = Mapping[str, Any]


@dataclass
class Till:
    """What was paid out, each payout with what it holds, and which of the orders' money that was."""

    payouts: dict[str, Payout] = field(default_factory=dict)
    held: dict[str, list[Movement]] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def close(self, found: Iterable[Movement], at: datetime, currency: str) -> Payout:
        """Pay out all of this."""
        held, number = list(found), f"P{len(self.payouts) + 1}"
        self.done |= {one.id for one in held}
        self.held[number] = held
        amount = total((one.amount for one in held), currency)
        self.payouts[number] = Payout(number, Paid.PAID, at, amount, number=f"BOGUS {number}")
        return self.payouts[number]


def movements(orders: Iterable[Document]) -> Iterator[Movement]:
    """All money that ever moved of these orders."""
    for order in orders:
        if order["payment"] in ("paid", "refunded", "partially_refunded") and "paid_by" not in order:  # by other gateways
            yield _sale(order)
        yield from (_refund(order, one) for one in order["refunds"])


def _sale(order: Document) -> Movement:
    gross = Money.parse(order["total"], order["currency"])
    fee = Money(-(gross.minor * 3 // 100 + 30), gross.currency)
    parts = (Part(Leaf.BUYER, gross, "Order"), Part(Leaf.SELLING_FEE, fee, "Fee"))
    return Movement(f"sale {order['id']}", Occasion.SALE, as_datetime(order["placed_at"]), gross + fee, parts, order["id"])


def _refund(order: Document, refund: Document) -> Movement:
    back = -Money.parse(refund["total"], order["currency"])
    name = f"refund {order['id']} {refund['id']}"
    return Movement(name, Occasion.REFUND, as_datetime(refund["at"]), back, (Part(Leaf.BUYER, back, "Refund"),), order["id"])
