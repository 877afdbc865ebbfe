"""What is left over when an order's money meets its payouts: open items, and why each is one. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from core.domain.money import Money
from core.domain.order_entries import OPENING


class Cause(StrEnum):
    """Why something stands in clearing. AWAITED is none to look at: all others are breaks."""

    AWAITED = "awaited"  # it is still to be paid out, in time
    OVERDUE = "overdue"  # nothing of it was paid out, and it should have been
    REFUND_OVERDUE = "refund_overdue"  # money that we gave back was never taken from a payout
    TWICE = "twice"  # an order's money came more than once
    DIFFERS = "differs"  # more or less than the order's
    UNBOOKED = "unbooked"  # its order is here, and waits to be booked
    NOT_OURS = "not_ours"  # money of an order that we do not know
    UNKNOWN_REFUND = "unknown_refund"  # the channel gave back what we know nothing of
    CURRENCY = "currency"  # it came in another currency
    SUM = "sum"  # a payout is not what its lines come to
    FEE = "fee"  # a fee is another one than was told before
    BANK = "bank"  # the bank shows another amount than was sent


@dataclass(frozen=True, slots=True)
class Item:
    """What stands in a clearing account under one item. `paid` is what buyers paid by our books, `repaid` what they got back (below zero),
    `settled` what payouts took of it (below zero for money that was paid out), `other` what somebody wrote off or brought in. `since` is
    the first day of it, `last` the last. `currencies` are those that the order's money moved in."""

    item: str
    connection: str
    gateway: str
    paid: Money
    repaid: Money
    settled: Money
    other: Money
    since: date
    last: date
    currencies: Collection[str] = ()

    @property
    def open(self) -> Money:
        return self.paid + self.repaid + self.settled + self.other


def cause_of(one: Item, within: timedelta, today: date, *, waits: bool = False, in_parts: bool = False) -> Cause | None:
    """Why it is open; None: it is not. What nobody paid out yet is awaited `within` so long after it last moved. `waits`: its order is
    not booked yet; `in_parts`: not all of it left, and its channel pays for what did."""
    if not one.open:
        return None
    if waits:
        return Cause.UNBOOKED
    if in_parts and one.paid.minor > 0 and 0 <= -one.settled.minor < one.paid.minor:
        return Cause.AWAITED
    overdue = today > one.last + within
    return _of_no_order(one, overdue=overdue) if is_no_order(one.item) else _of_order(one, overdue=overdue)


def is_no_order(item: str) -> bool:
    """It stands for something else than an order's money."""
    return item == OPENING or " " in item.partition("/")[0]


def _of_no_order(one: Item, *, overdue: bool) -> Cause:
    """What stood when accounting began is met little by little, and what is carried on by the next payout."""
    match one.item.partition(" ")[0]:
        case "payout":
            return Cause.SUM
        case "bank" | "deposit":
            return Cause.BANK
        case "opening":
            return Cause.AWAITED
    return Cause.OVERDUE if overdue else Cause.AWAITED


def _of_order(one: Item, *, overdue: bool) -> Cause:
    ours = one.paid + one.repaid
    if not one.paid and not one.repaid:
        return _of_nobody(one)
    if not one.settled:
        return _not_yet(one, overdue=overdue)
    if one.open == -one.paid:  # it came once more than it was paid
        return Cause.TWICE
    if one.repaid and one.open == one.repaid:
        return Cause.REFUND_OVERDUE if overdue else Cause.AWAITED
    if one.settled == -one.paid and ours.minor:
        return Cause.REFUND_OVERDUE if overdue else Cause.AWAITED
    return Cause.DIFFERS


def _of_nobody(one: Item) -> Cause:
    if len(set(one.currencies)) > 1:
        return Cause.CURRENCY
    return Cause.NOT_OURS if one.open.minor < 0 else Cause.UNKNOWN_REFUND


def _not_yet(one: Item, *, overdue: bool) -> Cause:
    if len(set(one.currencies)) > 1:
        return Cause.CURRENCY
    return Cause.OVERDUE if overdue else Cause.AWAITED


def dearer(told: Mapping[str, Money], charged: Mapping[str, Money]) -> dict[str, Money]:
    """By order, by how much its fees differ from what was told before: of those that were told, and came in the same currency."""
    both = {order for order in told.keys() & charged.keys() if told[order].currency == charged[order].currency}
    return {order: charged[order] - told[order] for order in sorted(both) if charged[order] != told[order]}
