"""Payouts of Shopify Payments and the lines of its balance in our vocabulary. Pure; raises only BadPayload.

Shopify tells of a line what it changes (`amount`), what it takes of that (`fee`, above zero where it takes) and what is left (`net`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC
from typing import Any, TypeVar

import msgspec

from connectors.shopify import shapes
from connectors.shopify.doors import digits
from core.domain.money import Money, total
from core.domain.payouts import Leaf, Movement, Occasion, Paid, Part, Payout
from core.errors import BadPayload

T = TypeVar("T")

# A payout that Shopify cancels went out of the balance and comes back into it by a line of its own (TRANSFER_CANCEL), as one that the bank
# declined does (TRANSFER_FAILURE); its lines stay its own (the statuses and types of 2026-10 say as much ‡).
STATES = {
    "SCHEDULED": Paid.SCHEDULED,
    "IN_TRANSIT": Paid.ON_ITS_WAY,
    "PAID": Paid.PAID,
    "FAILED": Paid.FAILED,
    "CANCELED": Paid.FAILED,
}
WORDS = {"FAILED": "the bank declined it", "CANCELED": "cancelled by Shopify"}
WAITING = frozenset(["PENDING", "ACTION_REQUIRED"])  # in no payout yet
OWN = "TRANSFER"  # the payout's own line, as it leaves the balance


def _of(occasion: Occasion, leaf: Leaf, *types: str) -> dict[str, tuple[Occasion, Leaf]]:
    return dict.fromkeys(types, (occasion, leaf))


# What Shopify's names say by themselves. The others are UNKNOWN: somebody who sees one decides what it is.
TYPES: dict[str, tuple[Occasion, Leaf]] = {
    **_of(Occasion.SALE, Leaf.BUYER, "CHARGE", "SHOP_CASH_CREDIT"),
    **_of(Occasion.REFUND, Leaf.BUYER, "REFUND", "REFUND_FAILURE", "SHOP_CASH_CREDIT_REVERSAL", "SHOP_CASH_REFUND_DEBIT",
          "SHOP_CASH_REFUND_DEBIT_REVERSAL"),
    **_of(Occasion.CHARGEBACK, Leaf.CHARGEBACK, "DISPUTE_WITHDRAWAL", "CHARGEBACK_HOLD", "CHARGEBACK_HOLD_RELEASE",
          "CHARGEBACK_PROTECTION_CREDIT_REVERSAL", "CHARGEBACK_PROTECTION_DEBIT"),
    **_of(Occasion.CHARGEBACK_WON, Leaf.CHARGEBACK, "DISPUTE_REVERSAL", "CHARGEBACK_PROTECTION_CREDIT",
          "CHARGEBACK_PROTECTION_DEBIT_REVERSAL"),
    **_of(Occasion.FEE, Leaf.PAYMENT_FEE, "CHARGEBACK_FEE", "CHARGEBACK_FEE_REFUND", "STRIPE_FEE", "APPLICATION_FEE_REFUND"),
    **_of(Occasion.FEE, Leaf.OTHER_FEE, "ACH_BANK_FAILURE_DEBIT_FEE", "ACH_BANK_FAILURE_DEBIT_REVERSAL_FEE", "CUSTOMS_DUTY",
          "CUSTOMS_DUTY_ADJUSTMENT", "IMPORT_TAX", "IMPORT_TAX_ADJUSTMENT", "IMPORT_TAX_REFUND"),
    **_of(Occasion.FEE, Leaf.SELLING_FEE, "REFERRAL_FEE", "MARKETPLACE_FEE_CREDIT", "MARKETPLACE_FEE_CREDIT_REVERSAL"),
    **_of(Occasion.FEE, Leaf.FEE_TAX, "REFERRAL_FEE_TAX", "VAT_REFUND_CREDIT", "VAT_REFUND_CREDIT_REVERSAL"),
    **_of(Occasion.FEE, Leaf.SUBSCRIPTION, "BILLING_DEBIT", "BILLING_DEBIT_REVERSAL"),
    **_of(Occasion.FEE, Leaf.ADVERTISING, "SHOP_CASH_BILLING_DEBIT", "SHOP_CASH_BILLING_DEBIT_REVERSAL",
          "SHOP_CASH_CAMPAIGN_BILLING_CREDIT", "SHOP_CASH_CAMPAIGN_BILLING_CREDIT_REVERSAL", "SHOP_CASH_CAMPAIGN_BILLING_DEBIT",
          "SHOP_CASH_CAMPAIGN_BILLING_DEBIT_REVERSAL"),
    **_of(Occasion.POSTAGE, Leaf.SHIPPING_FEE, "SHIPPING_LABEL", "SHIPPING_LABEL_ADJUSTMENT", "SHIPPING_LABEL_ADJUSTMENT_BASE",
          "SHIPPING_LABEL_ADJUSTMENT_SURCHARGE", "SHIPPING_OTHER_CARRIER_CHARGE_ADJUSTMENT", "SHIPPING_RETURN_TO_ORIGIN_ADJUSTMENT"),
    **_of(Occasion.ADJUSTMENT, Leaf.ADJUSTMENT, "ADJUSTMENT", "CHARGE_ADJUSTMENT", "REFUND_ADJUSTMENT", "ANOMALY_CREDIT",
          "ANOMALY_CREDIT_REVERSAL", "ANOMALY_DEBIT", "ANOMALY_DEBIT_REVERSAL", "MERCHANT_GOODWILL_CREDIT",
          "MERCHANT_GOODWILL_CREDIT_REVERSAL", "PROMOTION_CREDIT", "PROMOTION_CREDIT_REVERSAL", "TAX_ADJUSTMENT_CREDIT",
          "TAX_ADJUSTMENT_CREDIT_REVERSAL", "TAX_ADJUSTMENT_DEBIT", "TAX_ADJUSTMENT_DEBIT_REVERSAL"),
    **_of(Occasion.ADJUSTMENT, Leaf.LOAN, "ADVANCE", "ADVANCE_FUNDING", "LENDING_CAPITAL_REFUND", "LENDING_CAPITAL_REFUND_REVERSAL",
          "LENDING_CAPITAL_REMITTANCE", "LENDING_CAPITAL_REMITTANCE_REVERSAL", "LENDING_CREDIT", "LENDING_CREDIT_REFUND",
          "LENDING_CREDIT_REFUND_REVERSAL", "LENDING_CREDIT_REMITTANCE", "LENDING_CREDIT_REMITTANCE_REVERSAL", "LENDING_CREDIT_REVERSAL",
          "LENDING_DEBIT", "LENDING_DEBIT_REVERSAL"),
    **_of(Occasion.RESERVE, Leaf.RESERVE, "RESERVED_FUNDS", "RESERVED_FUNDS_REVERSAL", "RESERVED_FUNDS_WITHDRAWAL"),
    **_of(Occasion.TRANSFER, Leaf.BANK, OWN, "TRANSFER_CANCEL", "TRANSFER_FAILURE", "TRANSFER_REFUND", "BALANCE_TRANSFER_INBOUND",
          "BALANCE_TRANSFER_OUTBOUND"),
}  # fmt: skip
STRANGE = (Occasion.UNKNOWN, Leaf.UNKNOWN)
BOUGHT = frozenset(["CHARGE", "REFUND"])  # a line for the whole of one transaction of an order


def _told(node: Any, shape: type[T], what: str) -> T:
    try:
        return msgspec.convert(node, shape)
    except (msgspec.ValidationError, RecursionError) as error:
        raise BadPayload(f"shopify {what}: {error}") from None


def _money(held: shapes.GMoney, field: str) -> Money:
    try:
        return Money.parse(held.amount, held.currency_code)
    except ValueError as error:
        raise BadPayload(f"{field}: {error}") from None


def payout(node: Any) -> Payout:
    """One payout. What is taken from the bank is below zero, with whatever sign Shopify tells it. Raises BadPayload."""
    told = _told(node, shapes.GPayout, "payout")
    net = _money(told.net, "net")
    return Payout(
        id=digits(told.id),
        state=STATES.get(told.status, Paid.UNKNOWN),
        at=told.issued_at.astimezone(UTC),
        amount=-abs(net) if told.transaction_type == "WITHDRAWAL" else net,
        number=told.external_trace_id or "",
        words=WORDS.get(told.status, "" if told.status in STATES else told.status),
    )


def lines(nodes: Iterable[Any]) -> list[shapes.GBalanceLine]:
    """The lines that are real money, without a payout's own. Raises BadPayload."""
    told = [_told(node, shapes.GBalanceLine, "balance transaction") for node in nodes]
    return [line for line in told if not line.test and line.type != OWN]


def held_by(told: Sequence[shapes.GBalanceLine], number: str) -> list[shapes.GBalanceLine]:
    """Those of this payout."""
    return [line for line in told if _payout(line) == number]


def waiting(told: Sequence[shapes.GBalanceLine]) -> list[shapes.GBalanceLine]:
    """Those that no payout holds yet."""
    return [line for line in told if line.associated_payout.id is None or line.associated_payout.status in WAITING]


def charges(told: Sequence[shapes.GBalanceLine]) -> list[str]:
    """The numbers of the orders' transactions that tell more of these lines, each once."""
    found = (str(line.source_order_transaction_id) for line in told if line.type in BOUGHT and line.source_order_transaction_id)
    return list(dict.fromkeys(found))


def by_number(nodes: Iterable[Any]) -> dict[str, shapes.GCharge]:
    """The orders' transactions that could be read, by their numbers. Raises BadPayload."""
    told = [_told(node, shapes.GCharge, "order transaction") for node in nodes if node]
    return {digits(one.id): one for one in told}


def movement(line: shapes.GBalanceLine, known: Mapping[str, shapes.GCharge]) -> Movement:
    """One line of the balance. Raises BadPayload."""
    amount, fee, net = (_money(getattr(line, name), name) for name in ("amount", "fee", "net"))
    if not amount.currency == fee.currency == net.currency:
        raise BadPayload("amount, fee and net: of several currencies")
    charge = known.get(str(line.source_order_transaction_id)) if line.type in BOUGHT else None
    return Movement(
        id=digits(line.id),
        occasion=_kind(line, amount)[0],
        at=line.transaction_date.astimezone(UTC),
        amount=net,
        parts=tuple(part for part in _parts(line, amount, fee, charge) if part.amount),
        order=digits(line.associated_order.id, "associatedOrder.id") if line.associated_order else None,
        refers=_refers(line),
        payout=_payout(line),
        label=line.type,
        bought=_bought(charge, amount),
        deferred=line.associated_payout.status == "ACTION_REQUIRED",
    )


def _kind(line: shapes.GBalanceLine, amount: Money) -> tuple[Occasion, Leaf]:
    """An adjustment whose source is a dispute is one."""
    if line.type == "ADJUSTMENT" and line.source_type == "DISPUTE":
        return (Occasion.CHARGEBACK_WON if amount.minor > 0 else Occasion.CHARGEBACK, Leaf.CHARGEBACK)
    return TYPES.get(line.type, STRANGE)


def _parts(line: shapes.GBalanceLine, amount: Money, fee: Money, charge: shapes.GCharge | None) -> Iterator[Part]:
    leaf = _kind(line, amount)[1]
    yield Part(leaf, amount, line.adjustment_reason or line.type)
    tax = _tax(charge, fee)
    yield Part(Leaf.UNKNOWN if leaf is Leaf.UNKNOWN else Leaf.PAYMENT_FEE, tax - fee, "fee")
    yield Part(Leaf.FEE_TAX, -tax, "taxAmount")


def _tax(charge: shapes.GCharge | None, fee: Money) -> Money:
    """The tax in a fee: told by the order's transaction, and believed where its fees and their taxes make up the fee."""
    told = charge.fees if charge else []
    try:
        cost = total((_money(one.amount, "fees") for one in told), fee.currency)
        tax = total((_money(one.tax_amount, "fees") for one in told), fee.currency)
    except (BadPayload, ValueError):  # fractions of a cent, another currency: it says nothing of this fee
        return Money.zero(fee.currency)
    return tax if cost + tax == fee else Money.zero(fee.currency)


def _bought(charge: shapes.GCharge | None, amount: Money) -> Money | None:
    """What the buyer paid or got, where that was in another currency; signed as the line is."""
    theirs = _money(charge.amount_set.presentment_money, "presentmentMoney") if charge else None
    if theirs is None or theirs.currency == amount.currency:
        return None
    return -abs(theirs) if amount.minor < 0 else theirs


def _refers(line: shapes.GBalanceLine) -> tuple[str, ...]:
    named = [line.source_order_transaction_id, *(one.order_transaction_id for one in line.adjustments_orders)]
    return tuple(dict.fromkeys(str(one) for one in named if one is not None))


def _payout(line: shapes.GBalanceLine) -> str | None:
    held = line.associated_payout.id
    return None if held is None else digits(held, "associatedPayout.id")
