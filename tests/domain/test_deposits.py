"""Deposits: the payouts that one holds and what it shows otherwise come to what the bank says."""

from datetime import UTC, date, datetime, timedelta
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from core.domain.deposits import AMONG, AT_MOST, BankLine, Deposit, Held, entries_of, fitting, item_of, proposals, rest_of
from core.domain.journal import Account
from core.domain.money import Money, total
from core.domain.payout_entries import LEFT
from core.domain.payouts import Paid, Payout

DAY = date(2026, 3, 20)
AMOUNTS = st.integers(-50_000, 50_000)


@st.composite
def held(draw: st.DrawFn, currency: str = "USD") -> list[Held]:
    found = []
    for n in range(draw(st.integers(1, 6))):
        on = DAY - timedelta(days=draw(st.integers(-3, 9)))
        at = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
        payout = Payout(f"P{n}", draw(st.sampled_from(Paid)), at, Money(draw(AMOUNTS), currency))
        found.append(Held(f"id {n}", "shop", draw(st.sampled_from(["paypal", "klarna"])), on, payout))
    return found


@given(held(), AMOUNTS)
def test_payouts_and_the_difference_are_what_the_bank_shows(some, amount):
    one = Deposit("d1", DAY, Money(amount, "USD"))

    sent = total((each.payout.amount for each in some if each.payout.state in LEFT), "USD")
    entries = entries_of(one, some, date(2026, 1, 1))
    bank = sum(side.amount.minor for entry in entries for side in entry.postings if side.account is Account.BANK)

    assert sent.minor + bank == amount
    assert sent - rest_of(one, some) == one.amount


@given(held(), AMOUNTS)
def test_the_difference_stands_under_the_deposits_name_until_somebody_says_why(some, amount):
    one = Deposit("d1", DAY, Money(amount, "USD"))
    sides = [side for entry in entries_of(one, some, date(2026, 1, 1)) for side in entry.postings if side.item]

    assert {side.item for side in sides} <= {item_of("d1")}
    assert sum(side.amount.minor for side in sides) == rest_of(one, some).minor


@given(held(), AMOUNTS)
def test_before_the_books_begin_nothing_is_booked_of_it(some, amount):
    assert entries_of(Deposit("d1", DAY, Money(amount, "USD")), some, DAY + timedelta(days=1)) == []


@given(held(), st.lists(AMOUNTS, max_size=5), st.data())
def test_what_is_proposed_comes_to_the_line_and_each_payout_once(some, amounts, data):
    meant = [sum(one.reaches.minor for one in part) for part in (some[:1], some[1:3])]
    lines = [BankLine(n, DAY, Money(amount, "USD"), "") for n, amount in enumerate([*amounts, *meant]) if amount]

    found = proposals(lines, some)

    used = [one.id for part in found.values() for one in part]
    assert len(used) == len(set(used))
    for line in lines:
        if line.line in found:
            assert total((one.reaches for one in found[line.line]), "USD") == line.amount


def sent(minor: int, n: int, days: int = 0) -> Held:
    on = DAY - timedelta(days=days)
    payout = Payout(f"P{n}", Paid.PAID, datetime(on.year, on.month, on.day, 12, tzinfo=UTC), Money(minor, "USD"))
    return Held(f"id {n:02}", "shop", "paypal", on, payout)


@given(st.lists(st.tuples(st.integers(-4, 9).filter(bool), st.integers(0, 7)), max_size=9), st.integers(-6, 25), st.integers(1, AT_MOST))
def test_what_is_found_is_what_trying_every_combination_finds_first(some, amount, count):
    free = [sent(minor, n, days) for n, (minor, days) in enumerate(some)]
    close = sorted(free, key=lambda each: (abs(DAY - each.day), each.id))

    every = (each for each in combinations(close, count) if sum(one.reaches.minor for one in each) == amount)

    assert fitting(BankLine(1, DAY, Money(amount, "USD"), ""), free, count) == next(every, None)


def test_only_those_closest_in_time_are_looked_at():
    far = sent(7, 99, days=7)
    free = [*(sent(1000 + n, n) for n in range(AMONG)), far]

    assert fitting(BankLine(1, DAY, far.reaches, ""), free, 1) is None
    assert fitting(BankLine(1, DAY, far.reaches, ""), free[1:], 1) == (far,)
