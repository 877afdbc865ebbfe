"""What a payout books: orders settled by their items, fees where they belong, money at the bank; and nothing that it does not explain."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.deposits import Deposit, Held
from core.domain.deposits import entries_of as of_deposit
from core.domain.journal import Account, Entry
from core.domain.matching import Cause, Item, cause_of, dearer
from core.domain.money import Money, total
from core.domain.order_entries import OPENING, Rules
from core.domain.payout_entries import ACCOUNTS, entries_of
from core.domain.payouts import Leaf, Movement, Occasion, Paid, Part, Payout
from tests.builders import money
from tests.domain.test_journal import sums

AT = datetime(2026, 3, 20, 12, tzinfo=UTC)
RULES = Rules(date(2026, 1, 1), UTC, "amazon", own=True)


def a_movement(*parts: tuple[Leaf, str], order: str | None = "1001", at: datetime = AT, id: str = "m1", **different: object) -> Movement:
    told = tuple(Part(leaf, money(amount)) for leaf, amount in parts)
    made = Movement(id, Occasion.SALE, at, total((one.amount for one in told), "USD"), told, order)
    return replace(made, **different)  # type: ignore[arg-type]


def a_payout(*movements: Movement, **different: object) -> Payout:
    made = Payout("P1", Paid.PAID, AT, total((one.amount for one in movements), "USD"))
    return replace(made, **different)  # type: ignore[arg-type]


def booked(*movements: Movement, rules: Rules = RULES, known: tuple[str, ...] = ("1001",), **different: object):
    payout = a_payout(*movements, **different)
    return entries_of("shop", payout, movements, rules, {one: f"shop/{one}" for one in known}.get)


def items(entries):
    """What stands in clearing, by item, in minor units."""
    found: dict[str, int] = {}
    for entry in entries:
        for one in entry.postings:
            if one.account is Account.CLEARING:
                found[one.item] = found.get(one.item, 0) + one.amount.minor
    return {item: amount for item, amount in found.items() if amount}


SALE = a_movement((Leaf.BUYER, "20"), (Leaf.SELLING_FEE, "-3"), (Leaf.FULFILLMENT_FEE, "-4"))


def test_a_payout_settles_its_orders_and_leaves_nothing_of_its_own():
    found = booked(SALE)

    assert items(found) == {"shop/1001": -2000}
    assert sums(found) == {Account.CLEARING: -2000, Account.SELLING_FEES: 300, Account.FULFILLMENT_FEES: 400, Account.BANK: 1300}


def test_every_leaf_has_its_account():
    assert set(ACCOUNTS) == set(Leaf)


@pytest.mark.parametrize("leaf", [leaf for leaf in Leaf if ACCOUNTS[leaf] is not Account.CLEARING])
def test_a_leaf_is_booked_where_the_table_says(leaf):
    found = booked(a_movement((leaf, "-5"), order=None))

    assert sums(found).get(ACCOUNTS[leaf], 0) == (0 if leaf is Leaf.BANK else 500)


def test_tax_that_the_marketplace_shows_and_keeps_settles_nothing():
    taxed = a_movement((Leaf.BUYER, "21.60"), (Leaf.MARKETPLACE_TAX, "-1.60"))

    assert items(booked(taxed)) == {"shop/1001": -2000}


def test_what_the_leaves_do_not_explain_stands_out():
    found = booked(replace(SALE, amount=money("12")))

    assert sums(found)[Account.UNKNOWN] == 100


def test_a_payout_that_is_not_what_its_lines_come_to_leaves_the_difference_under_its_name():
    found = booked(SALE, amount=money("12"))

    assert items(found) == {"shop/1001": -2000, "payout shop/P1": 100}


def test_days_are_booked_each_for_itself_so_that_months_are_split():
    late = replace(SALE, id="m2", at=datetime(2026, 2, 27, 9, tzinfo=UTC))

    found = booked(SALE, late)

    assert sorted(entry.on for entry in found) == [date(2026, 2, 27), date(2026, 3, 20), date(2026, 3, 20)]


def test_a_reserve_that_is_kept_and_given_back_comes_to_nothing():
    kept, back = (a_movement((Leaf.RESERVE, amount), order=None, id=amount) for amount in ("-50", "50"))

    assert Account.RESERVE not in sums(booked(kept, back))
    assert sums(booked(kept))[Account.RESERVE] == 5000


def test_a_settlement_below_zero_is_taken_from_the_bank():
    found = booked(a_movement((Leaf.SUBSCRIPTION, "-39.99"), order=None))

    assert sums(found) == {Account.SUBSCRIPTIONS: 3999, Account.BANK: -3999}


def test_a_settlement_below_zero_that_is_carried_on_meets_the_next_one():
    first = booked(a_movement((Leaf.SUBSCRIPTION, "-39.99"), order=None), deposit=money("0"))
    second = booked(replace(SALE, id="m2"), a_movement((Leaf.CARRIED, "-39.99"), order=None, id="m3"))

    assert items(first) == {"carried shop": -3999}
    assert items([*first, *second]) == {"shop/1001": -2000}


def test_what_the_channel_converts_reaches_the_bank_in_its_currency():
    found = booked(SALE, deposit=Money(1180, "EUR"))

    bank = [one.amount for entry in found for one in entry.postings if one.account is Account.BANK]
    assert bank == [Money(1180, "EUR")]
    assert items(found) == {"shop/1001": -2000}


@pytest.mark.parametrize(("comes_back", "bank"), [(False, 0), (True, 1300)])
def test_a_payout_that_the_bank_sent_back(comes_back, bank):
    found = booked(SALE, rules=replace(RULES, comes_back=comes_back), state=Paid.FAILED)

    assert sums(found).get(Account.BANK, 0) == bank


def test_money_of_an_order_from_before_the_books_meets_the_opening_balance():
    old = replace(SALE, at=datetime(2025, 12, 30, tzinfo=UTC))

    assert items(booked(old, known=())) == {OPENING: -2000}


def test_money_of_an_order_that_nobody_knows_has_a_name_of_its_own():
    assert items(booked(SALE, known=())) == {"shop/1001": -2000}
    assert items(booked(replace(SALE, order=None))) == {"shop/?m1": -2000}


@st.composite
def payouts(draw):
    found = []
    for n in range(draw(st.integers(1, 8))):
        parts = tuple(
            Part(leaf, Money(draw(st.integers(-9000, 9000)), "USD")) for leaf in draw(st.lists(st.sampled_from(Leaf), max_size=5))
        )
        gap = draw(st.sampled_from([0, 0, 0, 1]))
        amount = total((one.amount for one in parts), "USD") + Money(gap, "USD")
        at = AT - timedelta(days=draw(st.integers(0, 120)))
        found.append(Movement(f"m{n}", draw(st.sampled_from(Occasion)), at, amount, parts, draw(st.sampled_from(["1001", "1002", None]))))
    return found


@given(payouts())
def test_whatever_a_payout_holds_balances_and_leaves_nothing_under_its_name(movements):
    found = booked(*movements, known=("1001",))

    assert "payout shop/P1" not in items(found)


# ---- why something is open


def an_item(paid: str = "0", repaid: str = "0", settled: str = "0", other: str = "0", item: str = "shop/1", **different: object) -> Item:
    amounts = (money(one) for one in (paid, repaid, settled, other))
    made = Item(item, "shop", "amazon", *amounts, date(2026, 3, 1), date(2026, 3, 1), ("USD",))
    return replace(made, **different)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("item", "days", "cause"),
    [
        (an_item("20", settled="-20"), 0, None),
        (an_item("20"), 14, Cause.AWAITED),
        (an_item("20"), 15, Cause.OVERDUE),
        (an_item("20", settled="-40"), 0, Cause.TWICE),
        (an_item("20", settled="-19.99"), 0, Cause.DIFFERS),
        (an_item("20", "-5", "-20"), 14, Cause.AWAITED),
        (an_item("20", "-5", "-20"), 15, Cause.REFUND_OVERDUE),
        (an_item(settled="-20"), 0, Cause.NOT_OURS),
        (an_item(settled="20"), 0, Cause.UNKNOWN_REFUND),
        (an_item("20", currencies=("EUR", "USD")), 0, Cause.CURRENCY),
        (an_item(settled="-1", item="payout shop/P1"), 0, Cause.SUM),
        (an_item("20", other="-20"), 99, None),
    ],
)
def test_why_an_item_is_open(item, days, cause):
    assert cause_of(item, timedelta(days=14), date(2026, 3, 1) + timedelta(days=days)) is cause


def test_money_of_an_order_that_waits_to_be_booked_is_no_break_of_its_own():
    assert cause_of(an_item(settled="-20"), timedelta(days=14), date(2026, 3, 1), waits=True) is Cause.UNBOOKED


@pytest.mark.parametrize(
    ("item", "cause"),
    [
        (an_item("20"), Cause.AWAITED),
        (an_item("20", settled="-8"), Cause.AWAITED),
        (an_item("20", settled="-40"), Cause.TWICE),
        (an_item(settled="-8"), Cause.NOT_OURS),
    ],
)
def test_what_is_paid_as_it_is_sent_is_awaited_until_all_of_it_left(item, cause):
    late = date(2026, 3, 1) + timedelta(days=99)

    assert cause_of(item, timedelta(days=14), late, in_parts=True) is cause


def test_fees_are_compared_where_both_are_known():
    told, charged = {"1": money("-3"), "2": money("-3")}, {"1": money("-3.01"), "3": money("-9")}

    assert dearer(told, charged) == {"1": money("-0.01")}


# ---- lives of money, whole: each with all that it books, and nothing left in clearing


LOST = a_movement((Leaf.BUYER, "-20"), (Leaf.CHARGEBACK, "-15"), id="m2", occasion=Occasion.CHARGEBACK)
WON = a_movement((Leaf.BUYER, "20"), (Leaf.CHARGEBACK, "15"), id="m3", occasion=Occasion.CHARGEBACK_WON)
PAID_FOR = {"shop/1001": 2000}  # what the order's own entries put into clearing


def residue(*found: list[Entry], before: dict[str, int] | None = None) -> dict[str, int]:
    """What stands in clearing beside the orders' own money."""
    left = Counter(before if before is not None else PAID_FOR)
    left.update(items([one for some in found for one in some]))
    return {item: amount for item, amount in left.items() if amount}


def test_a_chargeback_that_is_lost_leaves_the_orders_money_open_under_its_name_and_its_fee_as_one():
    first, then = booked(SALE), booked(LOST)

    assert sums(then) == {Account.CLEARING: 2000, Account.CHARGEBACKS: 1500, Account.BANK: -3500}
    assert residue(first, then) == {"shop/1001": 2000}


def test_a_chargeback_that_is_won_gives_all_of_it_back():
    found = [booked(one) for one in (SALE, LOST, WON)]

    assert sums(entry for some in found[1:] for entry in some) == {}
    assert residue(*found) == {}


def test_a_payout_that_failed_and_is_sent_again_reaches_the_bank_once():
    """The channel tells of the failure as a movement of the next payout."""
    rules = replace(RULES, comes_back=True)
    failed = booked(SALE, rules=rules, state=Paid.FAILED)
    back = a_movement((Leaf.BANK, "13"), order=None, id="back", occasion=Occasion.TRANSFER)
    again = booked(back, rules=rules, id="P2")

    assert sums([*failed, *again])[Account.BANK] == 1300
    assert residue(failed, again) == {}


@pytest.mark.parametrize(
    ("deposit", "later", "bank"),
    [(None, (), -3999), ("0", ((Leaf.CARRIED, "-39.99"), (Leaf.BUYER, "50")), 1001)],
    ids=["the card is charged", "carried on"],
)
def test_a_payout_below_zero_is_charged_or_carried_on(deposit, later, bank):
    first = booked(a_movement((Leaf.SUBSCRIPTION, "-39.99"), order=None), deposit=money(deposit) if deposit else None)
    then = booked(a_movement(*later, id="m2"), id="P2") if later else []

    assert sums([*first, *then])[Account.BANK] == bank
    assert residue(first, then, before={"shop/1001": 5000} if later else {}) == {}


def test_what_the_channel_converts_leaves_both_currencies_balanced_and_no_residue():
    found = booked(SALE, deposit=Money(1180, "EUR"))

    sides = Counter[tuple[Account, str]]()
    for one in (one for entry in found for one in entry.postings):
        sides[one.account, one.amount.currency] += one.amount.minor
    assert (sides[Account.EXCHANGE, "USD"], sides[Account.EXCHANGE, "EUR"], sides[Account.BANK, "EUR"]) == (1300, -1180, 1180)
    assert residue(found) == {}


def test_a_reserve_is_held_in_one_payout_and_released_in_another():
    kept = booked(SALE, a_movement((Leaf.RESERVE, "-5"), order=None, id="kept", occasion=Occasion.RESERVE))
    back = booked(a_movement((Leaf.RESERVE, "5"), order=None, id="back", occasion=Occasion.RESERVE), id="P2")

    assert (sums(kept)[Account.RESERVE], sums(kept)[Account.BANK]) == (500, 800)
    assert sums([*kept, *back])[Account.BANK] == 1300
    assert Account.RESERVE not in sums([*kept, *back])
    assert residue(kept, back) == {}


@pytest.mark.parametrize(("shown", "left"), [("26", 0), ("25", 100), ("27", -100)])
def test_several_payouts_in_one_deposit_come_to_what_the_bank_shows(shown, left):
    some = [a_payout(SALE, id=id) for id in ("P1", "P2")]
    one = Deposit("d1", AT.date(), money(shown))
    found = [entries_of("shop", each, [SALE], RULES, {"1001": "shop/1001"}.get) for each in some]

    rest = of_deposit(one, [Held(each.id, "shop", "amazon", AT.date(), each) for each in some], RULES.starts)

    assert sums([*found[0], *found[1], *rest])[Account.BANK] == money(shown).minor
    assert residue(*found, rest, before={"shop/1001": 4000}) == ({"deposit d1": left} if left else {})
