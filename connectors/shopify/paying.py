"""How the payment of an order stands at Shopify, by its transactions. Pure.

An order is what `documents.PAYABLE` gives. Amounts are in the buyer's currency, in which captures are said (schema texts, 2026-10).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from core.domain.capturing import Taking
from core.domain.money import Money, total

Json = Mapping[str, Any]
PROMISED = ("AUTHORIZATION", "EMV_AUTHORIZATION")
TAKES, GIVES = ("SALE", "CAPTURE"), ("REFUND", "CHANGE")
WORKED_ON = ("PENDING", "AWAITING_RESPONSE")
DECLINED = ("FAILURE", "ERROR")


def amount(held: Json) -> Money:
    cash = held["presentmentMoney"]
    return Money.parse(cash["amount"], cash["currencyCode"])


def taking(order: Json) -> Taking:
    """What is owed is what the order costs now, less what was paid and not given back."""
    owes, done = amount(order["currentTotalPriceSet"]), [one for one in order["transactions"] if one["status"] == "SUCCESS"]
    taken, given = _sum(done, TAKES, owes), _sum(done, GIVES, owes)
    pending = any(one["kind"] == "CAPTURE" and one["status"] in WORKED_ON for one in order["transactions"])
    promised = ready(order)
    return Taking(taken, owes - (taken - given), promised[1] if promised else Money.zero(owes.currency), pending)


def _sum(done: Iterable[Json], kinds: Iterable[str], like: Money) -> Money:
    return total((amount(one["amountSet"]) for one in done if one["kind"] in kinds), like.currency)


def ready(order: Json) -> tuple[Json, Money] | None:
    """The first authorization of which something can be captured, and how much. Most can be captured once (multi-capture is for Plus)."""
    for one in order["transactions"]:
        if one["kind"] in PROMISED and one["status"] == "SUCCESS" and (left := _left(order, one)).minor > 0:
            return one, left
    return None


def _left(order: Json, one: Json) -> Money:
    after = [other for other in order["transactions"] if other["status"] == "SUCCESS" and _parent(other) == one["id"]]
    whole = amount(one["amountSet"])
    if any(other["kind"] == "VOID" or not one["multiCapturable"] for other in after):
        return Money.zero(whole.currency)
    return whole - _sum(after, TAKES, whole)


def _parent(one: Json) -> str | None:
    return one["parentTransaction"] and str(one["parentTransaction"]["id"])
