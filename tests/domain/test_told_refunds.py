"""Refunds that only a channel's money tells of: shared over lines, counted once, theirs without the marketplace's tax."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.domain.journal import Account, EntryKind
from core.domain.money import Money, total
from core.domain.order import Liable
from core.domain.order_entries import entries_of
from core.domain.payouts import Leaf, Movement, Occasion, Part
from core.domain.told_refunds import with_refunds
from tests.builders import LONG_AGO, a_charge, a_line, a_shipping, an_order, money
from tests.domain.test_journal import BY_MARKETPLACE, sums


def back(amount: Money, id: str = "m1", days: float = 3) -> Movement:
    return Movement(id, Occasion.REFUND, LONG_AGO + timedelta(days=days), -amount, (Part(Leaf.BUYER, -amount),), "1001")


def test_what_was_given_back_is_booked_as_the_returns_of_its_lines_and_their_tax() -> None:
    order = an_order(lines=[a_line(charge=a_charge("10", taxes=["1"])), a_line("MUG", charge=a_charge("30", taxes=["3"]))])

    found = sums(entries_of(with_refunds(order, [back(money("22"))]), BY_MARKETPLACE))

    assert (found[Account.RETURNS], found[Account.SELLER_TAX], found[Account.CLEARING]) == (2000, -200, 2200)


def test_what_was_told_and_came_counts_once_and_what_is_still_to_come_counts_too() -> None:
    order = an_order(lines=[a_line(gross="40")])

    made = with_refunds(
        order, [back(money("5"), "paid 1")], [back(money("5"), "told 1"), back(money("5"), "told 2"), back(money("7"), "told 3")]
    )

    assert sorted(one.total.minor for one in made.refunds) == [500, 500, 700]


def given_back(paid: list[Movement], told: list[Movement]) -> list[int]:
    made = with_refunds(an_order(lines=[a_line(gross="90")]), paid, told)
    return sorted(one.total.minor for one in made.refunds)


def test_a_refund_that_comes_to_another_amount_than_was_told_counts_once() -> None:
    assert given_back([back(money("5.40"), "paid")], [back(money("5"), "told", days=3.5)]) == [540]
    assert given_back([back(money("5.40"), "p1"), back(money("7"), "p2")], [back(money("5"), "t1"), back(money("7"), "t2")]) == [540, 700]


def test_a_later_refund_of_another_amount_is_still_to_come() -> None:
    assert given_back([back(money("5"), "paid")], [back(money("5"), "told"), back(money("7"), "later", days=9)]) == [500, 700]
    assert given_back([back(money("5.40"), "paid")], [back(money("7"), "later", days=9)]) == [540, 700]


SOME = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 6)), max_size=5)


@given(SOME, SOME)
def test_whatever_is_told_all_that_came_counts_and_nothing_of_it_twice(came: list[tuple[int, int]], told: list[tuple[int, int]]) -> None:
    paid = [back(Money(one, "USD"), f"paid {n}", days=day) for n, (one, day) in enumerate(came)]
    said = [back(Money(one, "USD"), f"told {n}", days=day) for n, (one, day) in enumerate(told)]

    counted = Counter(one.total.minor for one in with_refunds(an_order(lines=[a_line(gross="90")]), paid, said).refunds)

    paid_, said_ = (Counter(minor for minor, _ in some) for some in (came, told))
    assert paid_ <= counted <= paid_ | said_
    assert counted.total() >= max(len(came), len(told))


def test_money_in_another_currency_is_no_refund_of_the_order() -> None:
    assert with_refunds(an_order(), [back(money("5", "EUR"))]).refunds == ()


@given(
    st.lists(st.integers(1, 90_000), min_size=1, max_size=4),
    st.integers(1, 60_000),
    st.booleans(),
    st.sampled_from([Liable.SELLER, Liable.MARKETPLACE]),
)
def test_all_of_it_lies_on_lines_and_shipping_to_the_cent(prices: list[int], given_: int, included: bool, liable: Liable) -> None:
    lines = [
        a_line(f"S{n}", charge=a_charge(Money(one, "USD").text(), taxes=[Money(one // 7, "USD").text()], included=included, liable=liable))
        for n, one in enumerate(prices)
    ]
    order = an_order(lines=lines, shipping=[a_shipping(charge=a_charge("4.99"))])
    most = order.total - order.tax_by(Liable.MARKETPLACE)
    given_back = min(Money(given_, "USD"), most, key=lambda one: one.minor)

    made = entries_of(with_refunds(order, [back(given_back)]), BY_MARKETPLACE)

    refund = next(one for one in made if one.kind is EntryKind.REFUND)
    assert not [one for one in refund.postings if one.account is Account.REFUND_DIFFERENCE]
    assert total((one.amount for one in refund.postings if one.account is not Account.RECEIVABLE), "USD") == given_back
    assert sums(made).get(Account.CLEARING, 0) == (most - given_back).minor


def test_a_refund_of_an_order_without_anything_to_pay_is_a_difference() -> None:
    order = replace(an_order(lines=[a_line(gross="0")]), total=money("0"))

    [refund] = with_refunds(order, [back(money("5"))]).refunds

    assert refund.total == money("5")
