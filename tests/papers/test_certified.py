"""A certificate as a bookkeeper files it."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from core.domain.certifying import Beside, Left, Moved, PaidOut, Part, Settled, Stated, shortened
from core.domain.money import Money, total
from core.papers.certified import certified, certified_payout
from tests.papers.reading import pages, text

DAY = date(2026, 11, 1)


def usd(minor):
    return Money(minor, "USD")


def a_left(n=1, amount=2000, item="", **given_):
    return replace(Left(item or f"#10{n:02d}", "north shopify", DAY, DAY + timedelta(days=n % 3), "Awaited", usd(amount)), **given_)


def an_account(after=2000):
    return Moved("north shopify", usd(0), usd(after + 500), usd(0), usd(-100), usd(-400), usd(0), usd(after))


def a_month(*left, after=2000, merchant="Northern Mugs"):
    return Stated(merchant, DAY, DAY + timedelta(days=29), DAY + timedelta(days=40), DAY, None, (Part("USD", (an_account(after),), left),))


def test_what_is_open_is_listed_and_its_sum_is_what_stands_in_clearing():
    said = text(certified(a_month(a_left())))

    assert "#1001" in said and "20.00 USD" in said and "everything is named" in said and "0.00 USD" in said


def test_what_nobody_can_name_is_said_loudly():
    assert "NOT EXPLAINED" in text(certified(a_month(a_left(amount=1999))))


def test_a_month_of_many_open_items_goes_on_over_pages_with_their_heads():
    found = pages(certified(a_month(*(a_left(n) for n in range(200)), after=400_000)))

    assert len(found) > 3 and all("Why it is open" in page for page in found[1:-1])


def test_no_heading_stands_alone_at_the_foot_of_a_page():
    """What it heads comes with it."""
    for count in range(20, 50):
        month = replace(a_month(), parts=(*a_month(*(a_left(n) for n in range(count))).parts, *a_month(a_left()).parts))
        for page in pages(certified(month)):
            said = [line for line in page.splitlines() if line.strip() and "Page " not in line and "accounts 2026-11" not in line]
            assert said[-1] not in ("USD", "Open items") and "Amount" not in said[-1] and "After" not in said[-1]


def test_names_of_other_scripts_and_long_ones_are_kept():
    said = text(certified(a_month(a_left(item="Заказ-1" + "x" * 60), merchant="北の茶碗")))

    assert "Заказ-1" in said.replace("\n", "") and "北の茶碗" in said


def test_nothing_booked_is_a_paper_that_says_so():
    assert "Nothing was booked." in text(certified(replace(a_month(), parts=())))


@given(st.lists(st.integers(-10_000, 10_000), max_size=40), st.integers(0, 12))
def test_items_that_are_summed_keep_their_sum_and_their_number(amounts, most):
    left = [a_left(n, amount) for n, amount in enumerate(amounts)]

    short = shortened(left, most)

    assert short[:most] == tuple(left[:most])
    assert total((one.amount for one in short), "USD") == total((one.amount for one in left), "USD")
    assert sum(one.count for one in short) == len(left)


def a_payout(*orders, paid=1850, others=(), **more):
    whole = {"banked": None, "deposit": False, "whole": True, **more}
    return PaidOut("Northern Mugs", "P1", "north shopify", DAY, DAY, "paid", usd(paid), usd(paid), orders=orders, others=others, **whole)


def an_order(name="#1001", settled=2000, fees=-100, amount=1900, **more):
    return Settled(name, usd(settled), usd(fees), usd(amount), **more)


def test_a_payout_comes_to_its_lines_order_by_order():
    one = a_payout(an_order(), others=(Beside("Subscription", DAY, usd(-50)),))
    said = text(certified_payout(one))

    assert one.residue == usd(0) and [each.minor for each in one.sums] == [2000, -100, 0, 1900]
    assert "#1001" in said and "Subscription" in said and "18.50 USD" in said and "everything is named" in said


def test_a_payout_that_its_lines_do_not_explain_says_so_loudly():
    assert "NOT EXPLAINED" in text(certified_payout(a_payout(an_order(), paid=1901)))


def test_a_payout_that_was_not_read_whole_claims_nothing():
    one = a_payout(an_order(), whole=False)

    assert one.residue is None and "cannot be said" in text(certified_payout(one))


def test_money_of_another_currency_is_in_no_sum():
    other = Settled("#1002", Money(500, "EUR"), Money(0, "EUR"), Money(500, "EUR"))

    assert a_payout(an_order(), other).sums == a_payout(an_order()).sums
