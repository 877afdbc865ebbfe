"""eBay's payouts and monetary transactions in our vocabulary. Pure; raises only BadPayload, which names the field and never a value.

eBay tells amounts above zero, and by `bookingEntry` whether our balance grows or shrinks. Of a sale, `amount` is what is left of
`totalFeeBasisAmount` when `totalFeeAmount` is taken off; `orderLineItems` say which fees those are. Tax that eBay collects (as
`ebayCollectedTaxAmount`) never comes into our balance: it is no part of any of these, and no pair of our own is made of it.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from connectors.http import as_datetime
from core.domain.money import Money, total
from core.domain.payouts import Leaf, Movement, Occasion, Paid, Part, Payout
from core.errors import BadPayload

Doc = Mapping[str, Any]
T = TypeVar("T")

# PayoutStatusEnum (read 2026-11). What is tried again is closed, and not on its way; what the bank sent back is in our balance again ‡.
STATES = {
    "INITIATED": Paid.ON_ITS_WAY,
    "SUCCEEDED": Paid.PAID,
    "RETRYABLE_FAILED": Paid.SCHEDULED,
    "TERMINAL_FAILED": Paid.FAILED,
    "REVERSED": Paid.FAILED,
}
FINE = frozenset(["INITIATED", "SUCCEEDED"])
SIGNS = {"CREDIT": 1, "DEBIT": -1}
STRANGE = (Occasion.UNKNOWN, Occasion.UNKNOWN, Leaf.UNKNOWN)
# TransactionTypeEnum (read 2026-11): why our balance shrinks, why it grows, and what its own money is for. PURCHASE is left out: eBay does
# not say whose purchase it is.
TYPES: Mapping[str, tuple[Occasion, Occasion, Leaf]] = {
    "SALE": (Occasion.SALE, Occasion.SALE, Leaf.BUYER),
    "REFUND": (Occasion.REFUND, Occasion.REFUND, Leaf.BUYER),
    "CREDIT": (Occasion.ADJUSTMENT, Occasion.ADJUSTMENT, Leaf.ADJUSTMENT),
    "ADJUSTMENT": (Occasion.ADJUSTMENT, Occasion.ADJUSTMENT, Leaf.ADJUSTMENT),
    "DISPUTE": (Occasion.CHARGEBACK, Occasion.CHARGEBACK_WON, Leaf.CHARGEBACK),
    "NON_SALE_CHARGE": (Occasion.FEE, Occasion.FEE, Leaf.UNKNOWN),  # its `feeType` says which
    "SHIPPING_LABEL": (Occasion.POSTAGE, Occasion.POSTAGE, Leaf.SHIPPING_FEE),
    "TRANSFER": (Occasion.TRANSFER, Occasion.TRANSFER, Leaf.ADJUSTMENT),  # we make good what eBay paid, a refund as a rule
    "WITHDRAWAL": (Occasion.TRANSFER, Occasion.TRANSFER, Leaf.BANK),
    "LOAN_REPAYMENT": (Occasion.ADJUSTMENT, Occasion.ADJUSTMENT, Leaf.LOAN),
}
CHARGE, OWN, BACK = "NON_SALE_CHARGE", "WITHDRAWAL", "REFUND"


def _of(leaf: Leaf, *types: str) -> dict[str, Leaf]:
    return dict.fromkeys(types, leaf)


# FeeTypeEnum (read 2026-11).
FEES: Mapping[str, Leaf] = {
    **_of(Leaf.SELLING_FEE, "FINAL_VALUE_FEE", "FINAL_VALUE_FEE_FIXED_PER_ORDER", "FINAL_VALUE_SHIPPING_FEE", "BELOW_STANDARD_FEE",
          "BELOW_STANDARD_SHIPPING_FEE", "HIGH_ITEM_NOT_AS_DESCRIBED_FEE", "HIGH_ITEM_NOT_AS_DESCRIBED_SHIPPING_FEE", "INTERNATIONAL_FEE",
          "REGULATORY_OPERATING_FEE", "INSERTION_FEE", "BOLD_FEE", "CATEGORY_FEATURED_FEE", "GALLERY_FEE", "FEATURED_GALLERY_FEE",
          "GALLERY_PLUS_FEE", "RESERVE_PRICE_FEE", "IPIXPHOTO_FEE", "LARGE_PICTURE_FEE", "BUY_IT_NOW_FEE", "SUBTITLE_FEE",
          "INTERNATIONAL_LISTING_FEE", "PRO_PACK_BUNDLE_FEE", "PRO_PACK_PLUS_BUNDLE_FEE", "VALUE_PACK_BUNDLE_FEE", "PRIVATE_LISTING_FEE",
          "AUCTION_END_EARLY_FEE", "VEHICLE_LOCAL_INSERTION_FEE", "VEHICLES_BASIC_PACKAGE_FEE", "VEHICLES_PLUS_PACKAGE_FEE",
          "VEHICLES_PREMIUM_PACKAGE_FEE", "EBAY_MOTORS_PRO_FEE"),
    **_of(Leaf.PAYMENT_FEE, "PAYMENT_PROCESSING_FEE", "DEPOSIT_PROCESSING_FEE", "PAYMENT_DISPUTE_FEE", "EXPRESS_PAYOUT_FEE",
          "BANK_PAYOUT_FEE"),
    **_of(Leaf.ADVERTISING, "AD_FEE", "PREMIUM_AD_FEES", "CO_FUNDING_COUPON_FEE"),
    **_of(Leaf.SUBSCRIPTION, "EBAY_STORE_SUBSCRIPTION_FEE", "STORE_SUBSCRIPTION_EARLY_TERMINATION_FEE", "EBAY_PLUS_SUBSCRIPTION_FEE",
          "MARKETPLACE_RESEARCH_PRO_SUBSCRIPTION_FEE", "VEHICLE_LOCAL_SUBSCRIPTION_FEE", "VEHICLE_SUBSCRIPTION_FEE"),
    **_of(Leaf.MARKETPLACE_TAX, "TAX_DEDUCTION_AT_SOURCE", "INCOME_TAX_WITHHOLDING", "VAT_WITHHOLDING"),
    **_of(Leaf.ADJUSTMENT, "PROMOTIONAL_CREDIT"),
    **_of(Leaf.OTHER_FEE, "OTHER_FEES", "FINANCE_FEE", "NSFCHECK_FEE", "CHARITY_DONATION"),
}  # fmt: skip
HELD = "FUNDS_ON_HOLD"
FAILED = "FAILED"  # a transfer that did not happen: nothing moved
OVER = frozenset(["PAYOUT", "COMPLETED"])  # in a payout, or settled beside them
# What a transaction settles, by the kinds of its references; items, invoices and orders are none.
SETTLED = frozenset(["REFUND_ID", "CANCELLATION_ID", "CASE_ID", "RETURN_ID", "PAYMENTS_DISPUTE_ID", "LOAN_REPAYMENT_ID"])


class _Field(ValueError):
    """A field that cannot be read; its text is "field: why"."""


def _told(read: Callable[[Doc], T], document: Any, what: str) -> T:
    if not isinstance(document, Mapping):
        raise BadPayload(f"ebay {what}: not a JSON object")
    try:
        return read(document)
    except _Field as error:
        raise BadPayload(f"ebay {what}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise BadPayload(f"ebay {what}: {type(error).__name__} in a field of another shape") from None


def _text(holder: Doc, key: str) -> str:
    value = holder.get(key)
    if not isinstance(value, str) or not value:
        raise _Field(f"{key}: {'missing' if value is None else 'not text'}")
    return value


def _maybe(holder: Doc, key: str) -> str:
    return _text(holder, key) if holder.get(key) is not None and holder[key] != "" else ""


def _time(holder: Doc, key: str) -> datetime:
    try:
        return as_datetime(holder.get(key))
    except (TypeError, ValueError):
        raise _Field(f"{key}: not a time") from None


def _rows(holder: Doc, key: str) -> list[Doc]:
    found = holder.get(key) or []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise _Field(f"{key}: not a list of objects")
    return found


def _money(holder: Doc, key: str, value: str = "value", currency: str = "currency") -> Money:
    held = holder.get(key)
    if not isinstance(held, Mapping):
        raise _Field(f"{key}: {'missing' if held is None else 'not an amount'}")
    try:
        return Money.parse(held[value], held[currency])
    except KeyError:
        raise _Field(f"{key}: without {value} or {currency}") from None
    except (TypeError, ValueError):
        raise _Field(f"{key}: not an amount of money") from None


def _other(holder: Doc, key: str, way: str) -> Money | None:
    """The same amount before ("convertedFrom") or after ("convertedTo") eBay changed its currency."""
    held = holder.get(key)
    if not isinstance(held, Mapping) or held.get(f"{way}Value") is None:
        return None
    return _money(holder, key, f"{way}Value", f"{way}Currency")


# Payouts


def payout(document: Any) -> Payout:
    """One payout. Raises BadPayload."""
    return _told(_payout, document, "payout")


def _payout(document: Doc) -> Payout:
    status = _text(document, "payoutStatus")
    amount, deposit = _paid(document)
    return Payout(
        id=_text(document, "payoutId"),
        state=STATES.get(status, Paid.UNKNOWN),
        at=_time(document, "payoutDate"),
        amount=amount,
        deposit=deposit,
        number=_maybe(document, "bankReference"),
        words="" if status in FINE else _maybe(document, "payoutStatusDescription") or status,
    )


def _paid(document: Doc) -> tuple[Money, Money | None]:
    """What left our balance, and what reaches the bank where that is in another currency ‡."""
    value = _money(document, "amount")
    before, after = _other(document, "amount", "convertedFrom"), _other(document, "amount", "convertedTo")
    if before is not None and before.currency != value.currency:
        return before, value
    return value, after if after is not None and after.currency != value.currency else None


# Transactions


def moved(document: Doc) -> bool:
    """Whether it moved money at all."""
    return not (document.get("transactionType") == "TRANSFER" and document.get("transactionStatus") == FAILED)


def held_by(document: Doc, number: str) -> bool:
    """Whether it is one of the lines of this payout: its own line, by which a seller withdraws it, is not."""
    return document.get("payoutId") == number and document.get("transactionType") != OWN


def waits(document: Doc) -> bool:
    """Whether it is in no payout yet, and will be in one. eBay gives it the payout's number once it begins to pay out."""
    return not document.get("payoutId") and document.get("transactionStatus") not in OVER


def movement(document: Any) -> Movement:
    """One monetary transaction. Raises BadPayload."""
    return _told(_movement, document, "transaction")


def _movement(document: Doc) -> Movement:
    kind, entry = _text(document, "transactionType"), _text(document, "bookingEntry")
    if entry not in SIGNS:
        raise _Field("bookingEntry: neither CREDIT nor DEBIT")
    sign, amount, bought = SIGNS[entry], _money(document, "amount"), _other(document, "amount", "convertedFrom")
    shrinks, grows, _ = TYPES.get(kind, STRANGE)
    return Movement(
        id=f"{kind}:{_text(document, 'transactionId')}:{entry}",  # of one kind eBay's ids are unique, and of one side of the books
        occasion=grows if sign > 0 else shrinks,
        at=_time(document, "transactionDate"),
        amount=amount * sign,
        parts=tuple(part for part in _parts(document, kind, amount, sign) if part.amount),
        order=_order(document),
        refers=_refers(document, kind),
        payout=_maybe(document, "payoutId") or None,
        label=kind,
        bought=None if bought is None or bought.currency == amount.currency else bought * sign,
        deferred=document.get("transactionStatus") == HELD,
    )


def _parts(document: Doc, kind: str, amount: Money, sign: int) -> Iterator[Part]:
    """Its own money, then what eBay took of it, or gave back. What does not add up is left so, to be seen."""
    fees = list(_fees(document, amount.currency))
    taken = total((fee.amount for fee in fees), amount.currency)
    gross = _basis(document, amount, taken)
    if kind == CHARGE:
        yield from _charged(document, gross, sign)
    else:
        yield Part(TYPES.get(kind, STRANGE)[2], gross * sign, kind)
    for fee in fees:
        yield Part(fee.leaf, fee.amount * -sign, fee.label)


def _basis(document: Doc, amount: Money, taken: Money) -> Money:
    """What there was before fees: as eBay tells it, or as it must have been where it does not."""
    if not taken or document.get("totalFeeBasisAmount") is None:
        return amount + taken
    return _same(_money(document, "totalFeeBasisAmount"), amount.currency, "totalFeeBasisAmount")


def _fees(document: Doc, currency: str) -> Iterator[Part]:
    """The fees of each line, above zero, by their own names; gifts to charity among them."""
    for line in _rows(document, "orderLineItems"):
        for fee in (*_rows(line, "marketplaceFees"), *_rows(line, "donations")):
            kind = _text(fee, "feeType")
            yield Part(FEES.get(kind, Leaf.UNKNOWN), _same(_money(fee, "amount"), currency, "marketplaceFees.amount"), kind)


def _charged(document: Doc, gross: Money, sign: int) -> Iterator[Part]:
    """A fee that comes by itself, and the tax that is in it ‡."""
    kind = _maybe(document, "feeType")
    taxes = [_same(_money(one, "amount"), gross.currency, "taxes.amount") for one in _rows(document, "taxes")]
    tax = total(taxes, gross.currency)
    yield Part(FEES.get(kind, Leaf.UNKNOWN), (gross - tax) * sign, kind or CHARGE)
    yield Part(Leaf.FEE_TAX, tax * sign, "taxes")


def _same(money: Money, currency: str, field: str) -> Money:
    if money.currency != currency:
        raise _Field(f"{field}: of another currency than the amount")
    return money


def _order(document: Doc) -> str | None:
    """The order's id, as getOrders spells it; of charges that come later only the references tell it."""
    return _maybe(document, "orderId") or next((_text(one, "referenceId") for one in _references(document, frozenset(["ORDER_ID"]))), None)


def _references(document: Doc, kinds: frozenset[str]) -> list[Doc]:
    return [one for one in _rows(document, "references") if one.get("referenceType") in kinds]


def _refers(document: Doc, kind: str) -> tuple[str, ...]:
    named = [_text(one, "referenceId") for one in _references(document, SETTLED)]
    own = [_text(document, "transactionId")] if kind == BACK else []
    return tuple(dict.fromkeys([*named, *own]))
