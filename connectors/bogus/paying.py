"""What Bogus pays out: three per cent and thirty cents are its fee, and refunds are taken from what is paid out next."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.http import as_datetime
from core.domain.money import Money, total
from core.domain.payouts import Leaf, Movement, Occasion, Paid, Part, Payout

Document = Mapping[str, Any]
OWN = "bogus"  # what its own gateway is called, in orders that name gateways


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
    """All money that ever moved of these orders: all of it, or, where an order says which gateways took it, what Bogus' own did."""
    for order in orders:
        if "paid_by" in order:
            yield from _by_us(order)
            continue
        if order["payment"] in ("paid", "refunded", "partially_refunded"):
            yield _sale(order, f"sale {order['id']}", order["total"], order["placed_at"], _withheld(order))
        yield from (_refund(order, f"refund {order['id']} {one['id']}", one, _given_up(order, one)) for one in order["refunds"])


def _by_us(order: Document) -> Iterator[Movement]:
    for n, one in enumerate(order["paid_by"], 1):
        if one["gateway"] == OWN and one.get("kind") == "refund":
            yield _refund(order, f"refund {order['id']} G{n}", {"total": one["amount"], "at": one["at"]}, 0)
        elif one["gateway"] == OWN:
            yield _sale(order, f"sale {order['id']} G{n}", one["amount"], one["at"], 0)


def _withheld(order: Document) -> int:
    """Tax that Bogus pays to the state itself, in cents."""
    return sum(_cents(part["tax"], order) for part in (*order["lines"], *order["shipping"]) if part.get("liable") == "marketplace")


def _given_up(order: Document, refund: Document) -> int:
    """What it takes back of that."""
    taxed = {line["id"] for line in order["lines"] if line.get("liable") == "marketplace" and _cents(line["tax"], order)}
    return sum(_cents(line.get("tax", "0"), order) for line in refund["lines"] if line["line"] in taxed)


def _cents(text: str, order: Document) -> int:
    return Money.parse(text, order["currency"]).minor


def _sale(order: Document, name: str, amount: str, at: str, withheld: int) -> Movement:
    gross = Money.parse(amount, order["currency"])
    fee = Money(-(gross.minor * 3 // 100 + 30), gross.currency)
    parts = (Part(Leaf.BUYER, gross, "Order"), Part(Leaf.SELLING_FEE, fee, "Fee"), *_tax(Money(-withheld, gross.currency)))
    return Movement(name, Occasion.SALE, as_datetime(at), total((part.amount for part in parts), gross.currency), parts, order["id"])


def _refund(order: Document, name: str, refund: Document, withheld: int) -> Movement:
    back = -Money.parse(refund["total"], order["currency"])
    parts = (Part(Leaf.BUYER, back, "Refund"), *_tax(Money(withheld, back.currency)))
    return Movement(
        name, Occasion.REFUND, as_datetime(refund["at"]), total((part.amount for part in parts), back.currency), parts, order["id"]
    )


def _tax(amount: Money) -> tuple[Part, ...]:
    return (Part(Leaf.MARKETPLACE_TAX, amount, "Tax that Bogus pays"),) if amount else ()
