"""What orders leave after all that they cost, from what stands in the journal and what payouts say. Pure.

Amounts are signed as they change the profit: what is earned is above zero; what is given back, fees, postage and cost are below it. An
order has rows for its whole (part ''), for fees that are told and not yet charged (part '~'), and for each of its lines: what is of
no line is shared out over the lines by their value, so the lines sum to the whole, to the cent, in each currency.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from core.domain.journal import Account, EntryKind
from core.domain.money import Money, total
from core.domain.order import Line, Order
from core.domain.payouts import FEES, Leaf, Movement

WHOLE, TOLD, NO_SKU = "", "~", "?"
EARNED = (
    Account.SALES, Account.SHIPPING, Account.TIPS, Account.DUTIES, Account.CHARGES, Account.DISCOUNTS, Account.RETURNS,
    Account.REFUND_DIFFERENCE, Account.ROUNDING,
)  # fmt: skip
COSTS = (Account.GOODS_SOLD, Account.POSTAGE)
PROFIT = (*EARNED, *COSTS)  # of these what an order left is made, beside what its channel charges
# What a payout takes or gives for an order, beside the buyer's money: all that is booked as an expense, or as its opposite.
CHARGED = (FEES - {Leaf.SHIPPING_FEE}) | {Leaf.CHARGEBACK, Leaf.REIMBURSEMENT, Leaf.ADJUSTMENT}


class Sum(NamedTuple):
    """What all postings of an order come to in one account (debit above zero): of its own entries, or of others that name it."""

    kind: EntryKind
    account: Account
    item: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Charges:
    """What channels and carriers charge for an order (below zero): `fees`, of them not yet paid out `told`, and `postage`, by currency."""

    fees: Mapping[str, int] = field(default_factory=dict)
    told: Mapping[str, int] = field(default_factory=dict)
    postage: Mapping[str, int] = field(default_factory=dict)

    @property
    def currencies(self) -> list[str]:
        return sorted({*self.fees, *self.told, *self.postage})


@dataclass(frozen=True, slots=True)
class Margin:
    """A row: what a part of an order left, in one currency. `cost` None: goods whose cost nobody knows, or (`waits`) whose cost is not
    booked yet: it is when they leave. Which of the two is read with the row, not reckoned."""

    part: str
    currency: str
    sku: str = ""
    units: int = 0
    earned: int = 0
    given_back: int = 0
    fees: int = 0
    postage: int = 0
    cost: int | None = 0
    waits: bool = False

    @property
    def left(self) -> int:
        """Without the cost of goods, where that is not known."""
        return self.earned + self.given_back + self.fees + self.postage + (self.cost or 0)


def shares(amount: int, weights: Sequence[int]) -> list[int]:
    """An amount by weight, in whole units, as near as can be: what is left of rounding goes where most was cut off, the first of equals
    first. Weights below zero count nothing; all nothing: evenly. They sum to the amount. Raises ValueError where there is no weight."""
    fair = [max(0, one) for one in weights]
    fair = fair if any(fair) else [1] * len(fair)
    if not fair:
        raise ValueError("somebody must bear it")
    whole, sign = sum(fair), -1 if amount < 0 else 1
    cut = [divmod(abs(amount) * one, whole) for one in fair]
    rest = abs(amount) - sum(each for each, _ in cut)
    first = set(sorted(range(len(fair)), key=lambda n: -cut[n][1])[:rest])
    return [sign * (each + (n in first)) for n, (each, _) in enumerate(cut)]


# ---- what channels charge


def charges(told: Iterable[tuple[bool, Movement]], postage: Iterable[Sum]) -> Charges:
    """From an order's movements (whether each is paid out) and the postings of its labels. What was told before and has come counts once:
    as it came."""
    found = {one.id: (paid, one) for paid, one in sorted(told, key=lambda one: one[0])}.values()
    fees, awaited, sent = Counter[str](), Counter[str](), Counter[str]()
    for paid, one in found:
        (fees if paid else awaited)[one.amount.currency] += sum(part.amount.minor for part in one.parts if part.leaf in CHARGED)
        sent[one.amount.currency] += one.sum_of(Leaf.SHIPPING_FEE).minor
    for each in postage:
        sent[each.amount.currency] -= each.amount.minor
    return Charges(fees, awaited, sent)


# ---- an order


@dataclass(frozen=True, slots=True)
class Sold:
    """A line as goods: which of our SKUs one unit of it takes, and what it is called in tables (`sku`)."""

    sku: str
    takes: Mapping[str, int] = field(default_factory=dict)


def margins_of(
    order: Order, sold: Mapping[str, Sold], sums: Sequence[Sum], paid: Charges, unknown: Iterable[str] = ()
) -> list[Margin]:  # fmt: skip
    """All rows of an order. `sums` are those of its own entries; `unknown` our SKUs that left and whose cost nobody knows."""
    missing = _missing(order, sold, sums, set(unknown))
    currencies = sorted({order.currency, *paid.currencies, *(one.amount.currency for one in sums if one.account in PROFIT)})
    return [row for currency in currencies for row in _in_one(order, sold, _of(sums, currency), paid, currency, missing)]


def _of(sums: Iterable[Sum], currency: str) -> list[Sum]:
    return [one for one in sums if one.amount.currency == currency]


def _missing(order: Order, sold: Mapping[str, Sold], sums: Iterable[Sum], unknown: set[str]) -> set[str]:
    """The lines whose goods cost nobody knows what. Gift cards cost nothing, nor does what was called off before it left."""
    known = {_sku(one.item) for one in sums if one.account is Account.GOODS_SOLD} - unknown
    goods = [line for line in order.lines if not line.gift_card and line.ordered > line.cancelled]
    return {line.id for line in goods if not (takes := sold[line.id].takes.keys()) or not takes <= known}


def _sku(item: str) -> str:
    return item.removeprefix("sku ")


def _in_one(
    order: Order, sold: Mapping[str, Sold], sums: Sequence[Sum], paid: Charges, currency: str, missing: set[str]
) -> list[Margin]:  # fmt: skip
    own = currency == order.currency
    earned, back = _sum(sums, EntryKind.SALE), _sum(sums, EntryKind.REFUND)
    cost = -sum(one.amount.minor for one in sums if one.account is Account.GOODS_SOLD)
    fees, told, postage = (some.get(currency, 0) for some in (paid.fees, paid.told, paid.postage))
    if not own and not any((earned, back, cost, fees, told, postage)):
        return []
    units = sum(line.ordered for line in order.lines) if own else 0
    whole = Margin(WHOLE, currency, "", units, earned, back, fees, postage, None if missing and own else cost)
    awaited = [Margin(TOLD, currency, fees=told)] if told else []
    lines = _lines(order, sold, sums, (earned, back, fees + told, postage), currency, missing)
    return [whole, *awaited, *lines]


def _sum(sums: Iterable[Sum], kind: EntryKind) -> int:
    return -sum(one.amount.minor for one in sums if one.kind is kind and one.account in EARNED)


def _lines(
    order: Order, sold: Mapping[str, Sold], sums: Sequence[Sum], whole: tuple[int, int, int, int], currency: str, missing: set[str]
) -> list[Margin]:  # fmt: skip
    """What each line earned itself and its share of the rest. Where a sale is older than the books, it earned nothing here."""
    own, lines = currency == order.currency, order.lines
    if not lines:
        return []
    worth = [_worth(line, order) for line in lines]
    earned = _spread(whole[0], worth if own and whole[0] else [0] * len(lines), worth)
    back = _spread(whole[1], [_returned(line, order) for line in lines] if own and whole[1] else [0] * len(lines), worth)
    fees, postage, costs = shares(whole[2], worth), shares(whole[3], worth), _costs(order, sold, sums, worth)
    return [
        Margin(
            line.id, currency, sold[line.id].sku or NO_SKU, line.ordered if own else 0, earned[n], back[n], fees[n], postage[n],
            None if own and line.id in missing else costs[n],
        )
        for n, line in enumerate(lines)
    ]  # fmt: skip


def _spread(whole: int, own: Sequence[int], worth: Sequence[int]) -> list[int]:
    """What each has itself, and its share of what is left of the whole."""
    return [one + more for one, more in zip(own, shares(whole - sum(own), worth), strict=True)]


def _worth(line: Line, order: Order) -> int:
    """Goods without tax, discounts taken off. A gift card is money that is owed: nothing is earned yet."""
    inside = total((tax.amount for tax in line.charge.taxes if tax.included), order.currency)
    return 0 if line.gift_card else (line.charge.net - inside).minor


def _returned(line: Line, order: Order) -> int:
    """What of it was given back, without tax: as its refunds say."""
    inside = any(tax.included for tax in line.charge.taxes)
    back = [one for refund in order.refunds for one in refund.lines if one.line == line.id and one.subtotal]
    return -sum(one.subtotal.minor - (one.tax.minor if one.tax and inside else 0) for one in back if one.subtotal)


def _costs(order: Order, sold: Mapping[str, Sold], sums: Iterable[Sum], worth: Sequence[int]) -> list[int]:
    """By line: what its goods cost. A SKU that several lines take is shared out by units; what nobody seems to take, by value."""
    found = [0] * len(order.lines)
    for one in sums:
        if one.account is Account.GOODS_SOLD:
            units = [sold[line.id].takes.get(_sku(one.item), 0) * line.ordered for line in order.lines]
            for n, part in enumerate(shares(-one.amount.minor, units if any(units) else worth)):
                found[n] += part
    return found
