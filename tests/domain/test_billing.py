"""Postage: a label is booked as it was bought, taken back as it was given back, and comes to what its carrier billed."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.billing import Bill, Billed, BillLine, Label, What, entries_of, matched, rest_of
from core.domain.journal import Account, Entry
from core.domain.money import Money

ON = date(2026, 11, 10)
STARTS = date(2026, 11, 1)
AMOUNTS = st.integers(-(10**6), 10**6)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def label(state: str = "bought", on: date = ON, price: Money | None = None) -> Label:
    return Label("u1", "c/1", "S1", "ups", state, on, price or usd(800))


def billed(id: str, *amounts: int, what: What = What.FREIGHT, on: date = ON) -> Billed:
    return Billed(id, id, on, tuple(BillLine(what, usd(amount), "1Z", "u1") for amount in amounts))


def sums(entries: list[Entry], account: Account) -> int:
    return sum(one.amount.minor for entry in entries for one in entry.postings if one.account is account)


def test_a_label_is_postage_of_its_order_and_owed_to_its_carrier():
    (entry,) = entries_of(label(), [], STARTS)

    assert (entry.subject, entry.key) == ("label u1", "postage")
    assert [(one.account, one.amount.minor, one.item, one.connection) for one in entry.postings] == [
        (Account.POSTAGE, 800, "c/1", ""),
        (Account.POSTAGE_OWED, -800, "", "ups"),
    ]


@pytest.mark.parametrize(("state", "owed"), [("bought", -800), ("kept", -800), ("refunding", -800), ("voided", 0), ("failed", 0)])
def test_what_was_given_back_is_owed_no_more(state, owed):
    assert sums(entries_of(label(state), [], STARTS), Account.POSTAGE_OWED) == owed


@given(st.sampled_from(["bought", "voided", "kept"]), st.lists(st.lists(AMOUNTS, min_size=1, max_size=4), min_size=1, max_size=4))
def test_what_is_owed_for_a_label_is_what_all_bills_ask(state, bills):
    found = entries_of(label(state), [billed(str(n), *amounts) for n, amounts in enumerate(bills)], STARTS)

    assert sums(found, Account.POSTAGE_OWED) == -sum(sum(amounts) for amounts in bills)
    assert sums(found, Account.POSTAGE) == sum(sum(amounts) for amounts in bills)


def test_a_label_of_before_the_books_is_owed_as_its_bill_says():
    assert sums(entries_of(label(on=date(2026, 10, 30)), [billed("b", 900)], STARTS), Account.POSTAGE_OWED) == -900


def test_tax_is_kept_apart():
    found = entries_of(label(), [billed("b", 800), billed("c", 160, what=What.TAX)], STARTS)

    assert (sums(found, Account.POSTAGE), sums(found, Account.FEE_TAX)) == (800, 160)


def test_a_bill_in_another_currency_takes_the_price_back_in_its_own():
    (_, entry) = entries_of(label(price=Money(700, "EUR")), [billed("b", 900)], STARTS)

    assert {(one.account.value, one.amount.text(), one.amount.currency) for one in entry.postings} == {
        ("postage", "9.00", "USD"), ("postage_owed", "-9.00", "USD"), ("postage", "-7.00", "EUR"), ("postage_owed", "7.00", "EUR"),
    }  # fmt: skip


def test_a_bill_that_agrees_books_nothing():
    assert len(entries_of(label(), [billed("b", 500, 300)], STARTS)) == 1


def test_what_is_for_no_label_of_ours_is_not_named_and_what_is_for_no_parcel_is_a_fee():
    lines = (
        BillLine(What.FREIGHT, usd(500), "1Zother"), BillLine(What.SURCHARGE, usd(70)), BillLine(What.TAX, usd(30), "1Zother"),
        BillLine(What.FREIGHT, usd(900), "1Z", "u1"),
    )  # fmt: skip
    found = rest_of(Bill("b", "UPS", "ups", "77", ON, "USD", lines), STARTS)

    told = {account: sums(found, account) for account in (Account.UNKNOWN, Account.OTHER_FEES, Account.FEE_TAX, Account.POSTAGE_OWED)}
    assert list(told.values()) == [500, 70, 30, -600]
    assert rest_of(Bill("b", "UPS", "ups", "77", date(2026, 10, 1), "USD", lines), STARTS) == []


def test_numbers_are_matched_without_their_spaces():
    (one,) = matched([BillLine(What.FREIGHT, usd(1), "1z 999 aa")], {"1Z999AA": "u1"})

    assert one.purchase == "u1"
