"""Refunds of a channel whose orders tell of none: what it says of its money says what was given back. Pure.

Amazon's orders show no refund (Orders 2026-01-01); its finances and settlements do, by their amounts alone. What each line bore of one is
reckoned by what its buyer paid for it.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from core.domain.money import Money, total
from core.domain.order import Charge, Liable, Order, Refund, RefundLine, Restock
from core.domain.payout_entries import settles
from core.domain.payouts import Movement, Occasion

NEAR = timedelta(days=2)  # ‡ between a refund as it is told and the same in a settlement, whatever became of its amount


def with_refunds(order: Order, paid: Iterable[Movement], told: Iterable[Movement] = ()) -> Order:
    """The order with what was given back of its money: as payouts hold it (`paid`), and what is `told` to come and did not come yet, which
    goes by another id. What came in another currency is left out."""
    came = _back(order, paid)
    awaited = _still_to_come(came, _back(order, told))
    made = tuple(_refund(order, one) for one in sorted([*came, *awaited], key=lambda one: (one.at, one.id)))
    return replace(order, refunds=(*order.refunds, *made)) if made else order


def _still_to_come(came: Iterable[Movement], told: Iterable[Movement]) -> list[Movement]:
    """What was told and is none of what came: by its amount or, where that is another by now, by its time."""
    left, awaited = list(came), list(told)
    for is_same in (_as_much, _at_once):
        for one in list(awaited):
            same = [other for other in left if is_same(one, other)]
            if same:
                left.remove(min(same, key=lambda other: (abs(other.at - one.at), other.id)))
                awaited.remove(one)
    return awaited


def _as_much(one: Movement, other: Movement) -> bool:
    return one.amount == other.amount


def _at_once(one: Movement, other: Movement) -> bool:
    return abs(one.at - other.at) <= NEAR


def _back(order: Order, found: Iterable[Movement]) -> list[Movement]:
    own = (one for one in found if one.occasion is Occasion.REFUND and one.amount.currency == order.currency)
    return [one for one in own if settles(one).minor < 0]


def _refund(order: Order, one: Movement) -> Refund:
    """Shared over lines and shipping by what is ours of each: the marketplace gives back its own tax itself."""
    given, shipping = -settles(one), [each.charge for each in order.shipping]
    charges = [*(line.charge for line in order.lines), *shipping]
    parts = given.split([_ours(charge).minor for charge in charges]) if charges else []
    taxes = [_tax_in(part, charge) for part, charge in zip(parts, charges, strict=True)]
    lines = tuple(
        RefundLine(line.id, 0, Restock.UNKNOWN, None, _subtotal(part, tax, line.charge), tax)
        for line, part, tax in zip(order.lines, parts, taxes, strict=False)
    )
    carriage, tax_of_it = (total(some[len(order.lines) :], given.currency) for some in (parts, taxes))
    return Refund(one.id, one.at, given, lines, None, carriage or None, tax_of_it or None)


def _ours(charge: Charge) -> Money:
    """What a buyer pays for it, without what the marketplace owes of its taxes."""
    return charge.payable - total((tax.amount for tax in charge.taxes if tax.liable is not Liable.SELLER), charge.gross.currency)


def _tax_in(part: Money, charge: Charge) -> Money:
    own = total((tax.amount for tax in charge.taxes if tax.liable is Liable.SELLER), charge.gross.currency)
    return Money(part.minor * own.minor // _ours(charge).minor, part.currency) if own else Money.zero(part.currency)


def _subtotal(part: Money, tax: Money, charge: Charge) -> Money:
    """As refunds of lines are told: with its tax where prices hold it."""
    return part if any(one.included for one in charge.taxes if one.liable is Liable.SELLER) else part - tax
