"""What an order left is told to the cent, however it is looked at."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.journal import Account, EntryKind
from core.domain.margins import TOLD, WHOLE, Charges, Sold, Sum, charges, margins_of, shares
from core.domain.money import Money
from core.domain.order import Charge, Line, Order, PaymentStatus, TaxMode
from core.domain.payouts import Leaf, Movement, Occasion, Part

AT = datetime(2026, 11, 2, tzinfo=UTC)
amounts = st.integers(-10_000, 10_000)


def an_order(*worth: int) -> Order:
    lines = tuple(Line(str(n), f"L{n}", f"S{n}", "Goods", 1, Charge(Money(each, "USD"))) for n, each in enumerate(worth))
    return Order("bogus", "c", "1", "#1", AT, AT, "USD", Money(sum(worth), "USD"), TaxMode.NONE, lines, PaymentStatus.PAID, "USD")


def a_sum(kind: EntryKind, account: Account, amount: int, item: str = "", currency: str = "USD") -> Sum:
    return Sum(kind, account, item, Money(amount, currency))


def a_movement(id: str, fee: int, currency: str = "USD", leaf: Leaf = Leaf.SELLING_FEE) -> Movement:
    return Movement(id, Occasion.SALE, AT, Money(fee, currency), (Part(leaf, Money(fee, currency)),), "1")


def sold(order: Order) -> dict[str, Sold]:
    return {line.id: Sold(line.sku or "", {line.sku or "": 1}) for line in order.lines}


@given(amount=amounts, weights=st.lists(amounts, min_size=1, max_size=8))
def test_shares_come_to_the_amount_and_none_is_off_by_a_whole_unit(amount, weights):
    found, fair = shares(amount, weights), [max(0, one) for one in weights]
    fair = fair if any(fair) else [1] * len(fair)

    assert sum(found) == amount
    assert all(abs(one * sum(fair) - amount * weight) < sum(fair) for one, weight in zip(found, fair, strict=True))


def test_nobody_bears_nothing():
    with pytest.raises(ValueError, match="bear"):
        shares(1, [])


def test_what_is_left_of_rounding_goes_where_most_was_cut_off():
    assert shares(100, [1, 2, 3]) == [17, 33, 50]
    assert shares(-100, [1, 1, 1]) == [-34, -33, -33]


@given(
    worth=st.lists(st.integers(0, 5000), min_size=1, max_size=4), sales=amounts, shipping=amounts, returned=amounts, cost=amounts,
    fees=st.lists(amounts, max_size=3), told=amounts, postage=amounts, foreign=amounts,
)  # fmt: skip
def test_lines_come_to_the_whole_and_the_whole_to_what_the_journal_says(
    worth, sales, shipping, returned, cost, fees, told, postage, foreign
):  # fmt: skip
    order = an_order(*worth)
    sums = [
        a_sum(EntryKind.SALE, Account.SALES, sales), a_sum(EntryKind.SALE, Account.SHIPPING, shipping),
        a_sum(EntryKind.SALE, Account.RECEIVABLE, 77), a_sum(EntryKind.REFUND, Account.RETURNS, returned),
        a_sum(EntryKind.COST, Account.GOODS_SOLD, cost, "sku S0"), a_sum(EntryKind.COST, Account.INVENTORY, -cost, "sku S0"),
    ]  # fmt: skip
    awaited, abroad = (False, a_movement("t", told)), (True, a_movement("f", foreign, "EUR"))
    moved = [*((True, a_movement(f"m{n}", fee)) for n, fee in enumerate(fees)), awaited, abroad]
    paid = charges(moved, [a_sum(EntryKind.POSTAGE, Account.POSTAGE, postage)])

    rows = margins_of(order, sold(order), sums, paid)

    for currency, whole in (("USD", -(sales + shipping + returned + cost + postage) + sum(fees) + told), ("EUR", foreign)):
        lines = [row for row in rows if row.currency == currency and row.part not in (WHOLE, TOLD)]
        heads = [row for row in rows if row.currency == currency and row.part in (WHOLE, TOLD)]
        assert sum(row.left for row in lines) == sum(row.left for row in heads) if None not in {row.cost for row in rows} else True
        known = sum(row.left - (row.cost or 0) for row in heads)
        assert known == whole + (cost if currency == "USD" else 0)
        assert known == sum(row.left - (row.cost or 0) for row in lines)


def test_the_cost_of_goods_is_not_known_until_it_is_booked_whole():
    order = an_order(1000, 500)
    known = a_sum(EntryKind.COST, Account.GOODS_SOLD, 300, "sku S0")

    found = {row.part: row.cost for row in margins_of(order, sold(order), [known], Charges())}
    assert found == {WHOLE: None, "0": -300, "1": None}
    both = [known, a_sum(EntryKind.COST, Account.GOODS_SOLD, 100, "sku S1")]
    assert {row.part: row.cost for row in margins_of(order, sold(order), both, Charges())} == {WHOLE: -400, "0": -300, "1": -100}
    assert margins_of(order, sold(order), both, Charges(), ["S1"])[0].cost is None


def test_a_fee_that_was_told_and_came_counts_as_it_came():
    found = charges([(True, a_movement("m", -30)), (False, a_movement("m", -25)), (False, a_movement("n", -5))], [])

    assert (found.fees, found.told) == ({"USD": -30}, {"USD": -5})


def test_postage_bought_of_a_channel_is_postage():
    found = charges([(True, a_movement("m", -30, leaf=Leaf.SHIPPING_FEE))], [])

    assert (found.fees["USD"], found.postage["USD"]) == (0, -30)


def test_shares_of_a_foreign_fee_stay_in_its_currency():
    order = an_order(1000, 500)

    rows = margins_of(order, sold(order), [], charges([(True, a_movement("m", -30, "EUR"))], []))

    assert [(row.part, row.currency, row.fees) for row in rows if row.fees] == [("", "EUR", -30), ("0", "EUR", -20), ("1", "EUR", -10)]
