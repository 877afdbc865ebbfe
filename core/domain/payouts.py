"""What a channel tells of money: the movements of our balance there, and the payouts that bring it to the bank. Pure.

Amounts are signed as they change our balance at the channel: what a buyer paid is above zero, a fee, a refund and a payout's own line
below it. Every movement has leaves that say what it is made of; they sum to its amount, or the payout that holds it is a break.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.money import Money, total


class Occasion(StrEnum):
    """Why a movement happened."""

    SALE = "sale"
    REFUND = "refund"
    CHARGEBACK = "chargeback"  # the buyer's bank took money back, or holds it while a dispute is open
    CHARGEBACK_WON = "chargeback_won"
    FEE = "fee"  # of no one order: a subscription, advertising, storage
    POSTAGE = "postage"  # a label bought of the channel, or corrected
    REIMBURSEMENT = "reimbursement"  # for goods that the channel lost or damaged
    ADJUSTMENT = "adjustment"
    RESERVE = "reserve"  # kept back, below zero, or released, above it
    CARRIED = "carried"  # a balance taken over from the last payout, or on to the next one
    CHARGED = "charged"  # our card or bank account paid a balance below zero
    TRANSFER = "transfer"  # to or from the bank outside a payout; a payout that failed and came back
    UNKNOWN = "unknown"


class Leaf(StrEnum):
    """What a part of a movement is for; each has its account in the books."""

    BUYER = "buyer"  # what a buyer paid or got back: goods, shipping, wrapping, our own tax, less our discounts
    MARKETPLACE_TAX = "marketplace_tax"  # what the channel shows, and pays to the state itself
    SELLING_FEE = "selling_fee"
    PAYMENT_FEE = "payment_fee"
    FULFILLMENT_FEE = "fulfillment_fee"
    SHIPPING_FEE = "shipping_fee"  # postage bought of the channel
    ADVERTISING = "advertising"
    SUBSCRIPTION = "subscription"
    STORAGE = "storage"
    OTHER_FEE = "other_fee"
    FEE_TAX = "fee_tax"  # tax that the channel charges on its fees
    REIMBURSEMENT = "reimbursement"
    CHARGEBACK = "chargeback"
    ADJUSTMENT = "adjustment"
    LOAN = "loan"
    RESERVE = "reserve"
    CARRIED = "carried"
    BANK = "bank"  # it moved between our balance there and our bank or card
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf. `label` is the channel's own name of it ("Commission"), kept as it is spelled."""

    leaf: Leaf
    amount: Money
    label: str = ""


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of our balance at a channel. `id` is the channel's own, unique within the connection and the same whenever it is read;
    `order` the channel's id of the order it is for, `refers` the channel's ids of what it settles (a payment, a refund), `payout` the
    payout it is in, where it is in one. `amount` is what our balance changed by, its parts' sum. `bought` is the same in the buyer's
    currency where the channel converted it. `free_at`: it is kept back until then (deferred). Of a REIMBURSEMENT `units` are those of `sku`
    that the channel lost, damaged or gave up while they lay with it and pays for, or, where it takes its money back, found again: 0 where
    it is for anything else (goods that a buyer had: they left with his order)."""

    id: str
    occasion: Occasion
    at: datetime
    amount: Money
    parts: tuple[Part, ...]
    order: str | None = None
    refers: tuple[str, ...] = ()
    payout: str | None = None
    label: str = ""  # the channel's own name of the kind
    sku: str = ""
    units: int = 0
    bought: Money | None = None
    free_at: datetime | None = None
    deferred: bool = False

    @property
    def gross(self) -> Money:
        """What of it is the buyer's money."""
        return self.sum_of(Leaf.BUYER)

    @property
    def fees(self) -> Money:
        return total((part.amount for part in self.parts if part.leaf in FEES), self.amount.currency)

    def sum_of(self, leaf: Leaf) -> Money:
        return total((part.amount for part in self.parts if part.leaf is leaf), self.amount.currency)

    @property
    def gap(self) -> Money:
        """What its parts do not explain: zero where it is told whole."""
        return self.amount - total((part.amount for part in self.parts), self.amount.currency)


FEES = frozenset(
    (Leaf.SELLING_FEE, Leaf.PAYMENT_FEE, Leaf.FULFILLMENT_FEE, Leaf.SHIPPING_FEE, Leaf.ADVERTISING, Leaf.SUBSCRIPTION, Leaf.STORAGE,
     Leaf.OTHER_FEE, Leaf.FEE_TAX)
)  # fmt: skip


class Paid(StrEnum):
    """How a payout stands."""

    OPEN = "open"  # it still grows (Amazon's settlement of now): a preview
    SCHEDULED = "scheduled"  # closed, not yet on its way
    ON_ITS_WAY = "on_its_way"
    PAID = "paid"
    FAILED = "failed"  # the bank sent it back; the money is in our balance again
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


CLOSED = frozenset((Paid.SCHEDULED, Paid.ON_ITS_WAY, Paid.PAID, Paid.FAILED))


@dataclass(frozen=True, slots=True)
class Payout:
    """What a channel pays to the bank at once, or takes (an amount below zero). Its movements, without a line of its own, sum to
    `amount`. `id` is the channel's own; `at` the day on which it was, or will be, sent; `began` and `ended` the stretch it is for.
    `deposit` is what reaches the bank where the channel converts it. `handle` is what reading its movements needs: the connector's own
    text. `number` is what stands on the bank's statement."""

    id: str
    state: Paid
    at: datetime
    amount: Money
    began: datetime | None = None
    ended: datetime | None = None
    deposit: Money | None = None
    number: str = ""
    handle: str = ""
    words: str = ""  # why it failed, as the channel says it

    @property
    def reaches(self) -> Money:
        """What the bank should show of it."""
        return self.amount if self.deposit is None else self.deposit
