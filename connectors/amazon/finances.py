"""Transactions of Amazon's Finances API 2024-06-19 as movements. Pure.

A transaction that was deferred is told again once it is released: as DEFERRED_RELEASED, and as the release, which names it. Both have the
id of the deferred one here, so that its money is counted once.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from connectors.amazon import leaves
from connectors.amazon.read import Unreadable, items, maybe_items, maybe_part, maybe_text, maybe_time, part, text, time
from core.domain.money import Money
from core.domain.payouts import Movement, Occasion
from core.errors import BadPayload

REFERS = ("SHIPMENT_ID", "REFUND_ID")
OWN_LINE = "transfer"  # the payout itself


def movements(transactions: Sequence[Any], connection: str) -> list[Movement]:
    """One each, the last of those with one id; payouts' own lines are none. Raises BadPayload that names the field."""
    read = [_readable(one, connection) for one in transactions]
    return list({one.id: one for one in read if leaves.plain(one.label) != OWN_LINE}.values())


def _readable(raw: Any, connection: str) -> Movement:
    try:
        return _movement(raw)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise BadPayload(f"amazon transaction: {error!r}", connection=connection) from None


def _movement(raw: Mapping[str, Any]) -> Movement:
    ids = {text(one, "relatedIdentifierName"): text(one, "relatedIdentifierValue") for one in maybe_items(raw, "relatedIdentifiers")}
    amount = _money(part(raw, "totalAmount"))
    kind, status = text(raw, "transactionType"), maybe_text(raw, "transactionStatus").upper()
    told = _told(raw, amount)
    why = leaves.occasion(kind, [(leaf, label) for leaf, label, _ in told])
    sku, units = _goods(raw)
    return Movement(
        id=ids.get("DEFERRED_TRANSACTION_ID") or text(raw, "transactionId"),
        occasion=why,
        at=time(raw, "postedDate"),
        amount=amount,
        parts=leaves.parts(told, amount.currency, why),
        order=ids.get("ORDER_ID"),
        refers=tuple(ids[name] for name in REFERS if name in ids),
        payout=ids.get("SETTLEMENT_ID"),
        label=kind,
        sku=sku,
        units=0 if why is Occasion.REIMBURSEMENT else units,  # it does not say whether they lay with Amazon: the settlement does
        free_at=_free_at(raw),
        deferred=status == "DEFERRED",
    )


def _money(of: Mapping[str, Any]) -> Money:
    return Money.parse(of["currencyAmount"], text(of, "currencyCode"))


def _contexts(raw: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from maybe_items(raw, "contexts")
    for item in maybe_items(raw, "items"):
        yield from maybe_items(item, "contexts")


def _free_at(raw: Mapping[str, Any]) -> datetime | None:
    return next((at for one in _contexts(raw) if (at := maybe_time(one, "maturityDate"))), None)


def _goods(raw: Mapping[str, Any]) -> tuple[str, int]:
    """The SKU where there is one alone, and units of all."""
    goods = [one for one in _contexts(raw) if maybe_text(one, "sku")]
    skus = {text(one, "sku") for one in goods}
    counts = [one.get("quantityShipped") or 0 for one in goods]
    if not all(isinstance(count, int) for count in counts):
        raise Unreadable("quantityShipped is not a number of units")
    return (skus.pop() if len(skus) == 1 else ""), sum(counts)


def _told(raw: Mapping[str, Any], amount: Money) -> list[leaves.Told]:
    """The leaves of its items' breakdowns, which are the finer ones, or else of its own, whichever make the amount; where neither do, its
    own, and the gap shows."""
    fine = [leaf for item in maybe_items(raw, "items") for leaf in _leaves(maybe_items(item, "breakdowns"), amount.currency)]
    if fine and sum(minor for _, _, minor in fine) == amount.minor:
        return fine
    return list(_leaves(maybe_items(raw, "breakdowns"), amount.currency)) or fine


def _leaves(breakdowns: Sequence[Mapping[str, Any]], currency: str, above: tuple[str, ...] = ()) -> Iterator[leaves.Told]:
    for one in breakdowns:
        path = (*above, text(one, "breakdownType"))
        if beneath := maybe_items(one, "breakdowns"):
            yield from _leaves(beneath, currency, path)
        else:
            yield (*leaves.of_breakdown(path), _minor(one, currency))


def _minor(breakdown: Mapping[str, Any], currency: str) -> int:
    amount = maybe_part(breakdown, "breakdownAmount")
    if not amount:
        return 0
    if text(amount, "currencyCode") != currency:
        raise Unreadable("breakdownAmount has another currency than the transaction")
    return _money(amount).minor


def page(answer: Any) -> tuple[Sequence[Mapping[str, Any]], str | None]:
    """Transactions and the next page's token. Raises BadPayload."""
    try:
        payload = part(answer, "payload")
        return (items(payload, "transactions") if payload.get("transactions") is not None else ()), maybe_text(payload, "nextToken") or None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadPayload(f"amazon transactions: {error!r}") from None
