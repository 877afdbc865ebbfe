"""Payouts that no feed tells: what a file or somebody says comes to its amount, and settles what was open."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.gateways import WHY, Sight, declared, differences, settling, sight
from core.domain.journal import Account
from core.domain.money import Money, total
from core.domain.order_entries import Rules
from core.domain.payout_csv import Held
from core.domain.payout_entries import entries_of
from core.domain.payouts import Paid

AT = datetime(2026, 3, 20, 12, tzinfo=UTC)
RULES = Rules(date(2026, 1, 1), UTC, "paypal")
OPEN = st.dictionaries(st.sampled_from(["1", "2", "3", "4"]), st.integers(-9000, 9000).filter(bool), min_size=1)


def said(open_: dict[str, int], amount: int, why: str = "fee") -> Held:
    return declared("n1", "paypal", AT, Money(amount, "USD"), [(one, Money(left, "USD")) for one, left in open_.items()], why)


@given(OPEN, st.integers(-50_000, 50_000), st.sampled_from(sorted(WHY)))
def test_a_deposit_that_somebody_declares_settles_what_was_chosen_and_leaves_nothing_of_its_own(open_, amount, why):
    one = said(open_, amount, why)

    left = Counter(open_)
    for entry in entries_of("shop", one.payout, one.movements, RULES, lambda order: order):
        for side in entry.postings:
            if side.account is Account.CLEARING:
                left[side.item] += side.amount.minor

    assert total((move.amount for move in one.movements), "USD") == one.payout.amount
    assert {item: n for item, n in left.items() if n} == {}


@given(OPEN, st.integers(-50_000, 50_000))
def test_what_differs_needs_somebody_who_says_what_it_is(open_, amount):
    if amount != sum(open_.values()):
        with pytest.raises(ValueError, match="say what the difference is"):
            said(open_, amount, "")
    else:
        assert len(said(open_, amount, "").movements) == len(open_)


@given(OPEN, st.integers(-50_000, 50_000), st.integers(-50_000, 50_000))
def test_it_is_here_as_the_file_says_where_nothing_differs(open_, first, then):
    one, other = said(open_, first), said(open_, then)

    assert (sight(one, None), sight(one, one), differences(one, one)) == (Sight.NEW, Sight.SAME, [])
    assert sight(other, one) is (Sight.SAME if first == then else Sight.OTHER)
    assert bool(differences(other, one)) == (first != then)
    assert sight(one, replace(one, payout=replace(one.payout, state=Paid.CANCELLED))) is Sight.GONE


@given(OPEN, OPEN)
def test_line_by_line_what_is_left_open_goes_on_from_the_line_before(paid, open_):
    one, now = said(paid, sum(paid.values())), {order: Money(left, "USD") for order, left in open_.items()}

    rows = list(settling((*one.movements, *one.movements), now))

    for order in open_.keys() & paid.keys():
        first, then = (row for row in rows if row.movement.order == order)
        assert (first.before, first.after) == (now[order], then.before)
        assert then.after == now[order] - Money(2 * paid[order], "USD")
    assert all((row.after is None) == (row.movement.order not in open_) for row in rows)
