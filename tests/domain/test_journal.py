"""The journal: entries balance or cannot be built, what is derived again is booked once, and what turns out otherwise is taken back."""

import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.journal import Account, Booked, Entry, EntryKind, Line, Posting, Unbalanced, due
from core.domain.money import Money, total
from core.domain.order import (
    Charge,
    Discount,
    Liable,
    Order,
    Payment,
    PaymentStatus,
    Refund,
    RefundLine,
    Restock,
    Shipped,
    Tax,
)
from core.domain.order_entries import OPENING, Rules, Unbookable, entries_of
from tests.builders import LONG_AGO, a_charge, a_line, a_shipping, an_order, money

START = date(2026, 1, 1)
BY_GATEWAYS, BY_MARKETPLACE = Rules(START, UTC, "shopify_payments"), Rules(START, UTC, "amazon", own=True)


def paid(amount: str = "10", gateway: str = "shopify_payments", kind: str = "sale", id: str = "p1", currency: str = "USD") -> Payment:
    return Payment(id, kind, "success", money(amount, currency), gateway, LONG_AGO)


def sums(entries: Iterable[Entry]) -> dict[Account, int]:
    """What each account comes to, in minor units; those at nothing are left out."""
    found: dict[Account, int] = {}
    for entry in entries:
        for one in entry.postings:
            found[one.account] = found.get(one.account, 0) + one.amount.minor
    return {account: amount for account, amount in found.items() if amount}


def an_entry(*amounts: str, key: str = "sale", on: date = date(2026, 3, 1)) -> Entry:
    accounts = (Account.CLEARING, Account.SALES, Account.SELLER_TAX)
    postings = tuple(Posting(account, money(amount)) for account, amount in zip(accounts, amounts, strict=False))
    return Entry(EntryKind.SALE, "shop/1001", key, on, postings)


def journal_of(*rounds: list[Entry], open_from: date = date.min) -> list[Line]:
    """All that is appended when each of these is what should be booked, one after the other."""
    lines: list[Line] = []
    for wanted in rounds:
        lines += due(wanted, standing(lines), open_from)
    return lines


def standing(lines: Iterable[Line]) -> dict[tuple[str, str], Booked]:
    found: dict[tuple[str, str], Booked] = {}
    for line in lines:
        one = line.entry
        found[one.subject, one.key] = Booked(line.version, one.kind, one.on, () if line.reverses else one.postings, one.memo)
    return found


# ---- what an entry is


def test_an_entry_that_does_not_come_to_nothing_cannot_be_built():
    with pytest.raises(Unbalanced):
        an_entry("10", "-9.99")


def test_currencies_balance_each_for_itself():
    with pytest.raises(Unbalanced):
        Entry(
            EntryKind.SALE, "shop/1", "sale", START, (Posting(Account.CLEARING, money("10")), Posting(Account.SALES, money("-10", "EUR")))
        )


def test_an_entry_without_postings_is_none():
    with pytest.raises(Unbalanced):
        an_entry()


# ---- what is booked when


def test_what_is_derived_again_is_booked_once():
    assert len(journal_of([an_entry("10", "-10")], [an_entry("10", "-10")])) == 1


def test_what_turns_out_otherwise_is_taken_back_and_booked_anew():
    first, second = an_entry("10", "-10"), an_entry("12", "-12")

    lines = journal_of([first], [second])

    assert [(line.version, line.reverses) for line in lines] == [(1, None), (2, 1), (3, None)]
    assert sums(line.entry for line in lines) == sums([second])


def test_what_is_no_more_to_be_booked_is_taken_back_once():
    lines = journal_of([an_entry("10", "-10")], [], [])

    assert [line.reverses for line in lines] == [None, 1]
    assert sums(line.entry for line in lines) == {}


def test_what_was_taken_back_can_be_booked_again():
    lines = journal_of([an_entry("10", "-10")], [], [an_entry("10", "-10")])

    assert [line.version for line in lines] == [1, 2, 3]
    assert sums(line.entry for line in lines) == sums([an_entry("10", "-10")])


def test_what_falls_into_a_closed_period_is_booked_on_the_first_open_day_and_says_so():
    [line] = journal_of([an_entry("10", "-10", on=date(2026, 2, 27))], open_from=date(2026, 3, 1))

    assert (line.entry.on, line.due) == (date(2026, 3, 1), date(2026, 2, 27))


def test_a_correction_of_a_closed_month_leaves_that_month_alone():
    february = due([an_entry("10", "-10", on=date(2026, 2, 27))], {})

    later = due([an_entry("12", "-12", on=date(2026, 2, 27))], standing(february), date(2026, 3, 1))

    assert {line.entry.on for line in later} == {date(2026, 3, 1)}
    assert {line.due for line in later} == {date(2026, 2, 27)}


# ---- a sale


def test_a_sale_is_what_was_earned_by_kind_and_what_is_owed_in_tax():
    mug = a_line(gross="20", charge=a_charge("20", discounts=["2"], taxes=["1.80"]))
    order = an_order(lines=[mug], shipping=[a_shipping("5")], tips=money("1"), payments=(paid("25.80"),))

    found = sums(entries_of(order, BY_GATEWAYS))

    assert found == {
        Account.SALES: -2000, Account.DISCOUNTS: 200, Account.SHIPPING: -500, Account.TIPS: -100, Account.SELLER_TAX: -180,
        Account.CLEARING: 2580,
    }  # fmt: skip


def test_tax_inside_the_price_is_no_revenue():
    order = an_order(lines=[a_line(charge=a_charge("12", taxes=["2"], included=True))], payments=(paid("12"),))

    assert sums(entries_of(order, BY_GATEWAYS)) == {Account.SALES: -1000, Account.SELLER_TAX: -200, Account.CLEARING: 1200}


def test_tax_that_the_marketplace_pays_is_neither_revenue_nor_owed_nor_expected():
    order = an_order(lines=[a_line(charge=a_charge("10", taxes=["0.80"], liable=Liable.MARKETPLACE))])

    assert sums(entries_of(order, BY_MARKETPLACE)) == {Account.SALES: -1000, Account.CLEARING: 1000}


def test_vat_that_a_marketplace_owes_lowers_what_was_earned():
    """Failure: tax inside a price that the deemed supplier pays was booked as our sale."""
    order = an_order(lines=[a_line(charge=a_charge("12", taxes=["2"], included=True, liable=Liable.MARKETPLACE))])

    assert sums(entries_of(order, BY_MARKETPLACE)) == {Account.SALES: -1000, Account.CLEARING: 1000}


def test_a_gift_card_that_is_sold_is_a_debt_and_one_that_is_used_pays_it():
    sold = an_order(lines=[a_line(gross="50", gift_card=True)], payments=(paid("50"),))
    used = an_order(lines=[a_line(gross="60")], payments=(paid("50", "gift_card"), paid("10", id="p2")))

    assert sums(entries_of(sold, BY_GATEWAYS)) == {Account.GIFT_CARDS: -5000, Account.CLEARING: 5000}
    assert sums(entries_of(used, BY_GATEWAYS)) == {Account.SALES: -6000, Account.GIFT_CARDS: 5000, Account.CLEARING: 1000}


def test_each_gateway_has_a_clearing_account_of_its_own():
    order = an_order(lines=[a_line(gross="30")], payments=(paid("10", "paypal"), paid("20", id="p2")))

    held = [one for entry in entries_of(order, BY_GATEWAYS) for one in entry.postings if one.account is Account.CLEARING]

    assert {(one.gateway, one.amount.minor) for one in held} == {("paypal", 1000), ("shopify_payments", 2000)}


@pytest.mark.parametrize("status", [PaymentStatus.UNPAID, PaymentStatus.AUTHORIZED, PaymentStatus.VOIDED, PaymentStatus.EXPIRED])
def test_what_nobody_paid_and_nothing_left_of_is_no_sale(status):
    assert entries_of(an_order(payment_status=status, payments=()), BY_GATEWAYS) == []


def test_what_left_unpaid_is_owed():
    order = an_order(lines=[a_line(fulfilled=1)], payment_status=PaymentStatus.UNPAID, payments=())

    assert sums(entries_of(order, BY_GATEWAYS)) == {Account.SALES: -1000, Account.RECEIVABLE: 1000}


def test_a_test_order_is_never_booked():
    assert entries_of(an_order(test=True), BY_MARKETPLACE) == []


@pytest.mark.parametrize(
    ("different", "why"),
    [
        ({"payments": None}, "payments"),
        ({"payments": (paid(),), "total": money("99")}, "problems"),
        ({"payments": (paid("11"),), "lines": (a_line(charge=a_charge(taxes=["1"], liable=Liable.UNKNOWN)),)}, "tax"),
    ],
)
def test_what_cannot_be_booked_waits_and_says_why(different, why):
    with pytest.raises(Unbookable) as caught:
        entries_of(an_order(**different), BY_GATEWAYS)

    assert caught.value.args == (why,)


def test_a_sale_is_booked_on_the_merchants_day_and_not_on_greenwichs():
    """Failure: orders of the evening were booked on the wrong day, and so in the wrong month."""
    import zoneinfo

    order = an_order(placed_at=datetime(2026, 3, 1, 3, tzinfo=UTC), payments=(paid(),))

    [sale, *_] = entries_of(order, Rules(START, zoneinfo.ZoneInfo("America/Los_Angeles")))

    assert sale.on == date(2026, 2, 28)


def test_a_sale_can_be_booked_when_its_first_parcel_left():
    left = Shipped("s1", LONG_AGO + timedelta(days=3), ())
    order = an_order(payments=(paid(),), shipped=(left,))

    [sale, payment] = entries_of(order, replace(BY_GATEWAYS, on_leaving=True))

    assert (sale.on, payment.on) == (date(2026, 3, 4), date(2026, 3, 1))


# ---- before the books began


def test_orders_from_before_the_books_are_not_booked_and_their_money_meets_the_opening_balance():
    back = Refund("r1", LONG_AGO + timedelta(days=30), money("10"), (RefundLine("line-SHIRT-M", 1, Restock.RETURN, None, money("10")),))
    order = an_order(refunds=(back,), payment_status=PaymentStatus.REFUNDED)

    found = entries_of(order, replace(BY_MARKETPLACE, starts=date(2026, 3, 15)))

    assert {entry.kind for entry in found} == {EntryKind.REFUND, EntryKind.REPAYMENT}
    assert {one.item for entry in found for one in entry.postings if one.account is Account.CLEARING} == {OPENING}


# ---- refunds


def refunded(total_: str, *lines: RefundLine, id: str = "r1") -> Refund:
    return Refund(id, LONG_AGO + timedelta(days=2), money(total_), lines)


def test_a_refund_gives_back_goods_and_their_tax():
    order = an_order(
        lines=[a_line(charge=a_charge("10", taxes=["1"]))], payments=(paid("11"), paid("11", kind="refund", id="p2")),
        payment_status=PaymentStatus.REFUNDED,
        refunds=(refunded("11", RefundLine("line-SHIRT-M", 1, Restock.RETURN, None, money("10"), money("1"))),),
    )  # fmt: skip

    assert sums(entries_of(order, BY_GATEWAYS)) == {Account.SALES: -1000, Account.RETURNS: 1000}


def test_what_is_given_back_beside_goods_is_a_difference_of_its_own():
    order = an_order(payments=(paid(), paid("3", kind="refund", id="p2")), refunds=(refunded("3"),))

    assert sums(entries_of(order, BY_GATEWAYS)) == {Account.SALES: -1000, Account.REFUND_DIFFERENCE: 300, Account.CLEARING: 700}


def test_a_restocking_fee_is_what_is_kept_of_a_refund():
    order = an_order(
        payments=(paid(), paid("8", kind="refund", id="p2")),
        refunds=(refunded("8", RefundLine("line-SHIRT-M", 1, Restock.RETURN, None, money("10"))),),
    )  # fmt: skip

    found = sums(entries_of(order, BY_GATEWAYS))

    assert (found[Account.RETURNS], found[Account.REFUND_DIFFERENCE]) == (1000, -200)
    assert Account.RECEIVABLE not in found


@pytest.mark.parametrize(("included", "whole"), [(False, "5.50"), (True, "5.00")])
def test_what_is_given_back_of_the_carriage_lowers_what_was_earned_by_it_and_its_tax(included, whole):
    back = replace(refunded(whole), shipping=money(whole), shipping_tax=money("0.50"))
    order = an_order(
        payments=(paid("10"), paid(whole, id="p3"), paid(whole, kind="refund", id="p2")), refunds=(back,),
        shipping=[a_shipping(charge=a_charge("5", taxes=["0.50"], included=included))], payment_status=PaymentStatus.PARTIALLY_REFUNDED,
    )  # fmt: skip

    found = [entry for entry in entries_of(order, BY_GATEWAYS) if entry.kind is EntryKind.REFUND]

    net = money(whole).minor - 50
    assert sums(found) == {Account.SHIPPING: net, Account.SELLER_TAX: 50, Account.RECEIVABLE: -net - 50}
    assert sums(entries_of(order, BY_GATEWAYS)) == {Account.SALES: -1000, Account.CLEARING: 1000}


def test_tax_that_is_given_back_with_a_carriage_that_bore_none_is_ours():
    back = replace(refunded("5.50"), shipping=money("5.50"), shipping_tax=money("0.50"))
    order = an_order(
        payments=(paid("15"), paid("5.50", kind="refund", id="p2")), refunds=(back,), shipping=[a_shipping(charge=a_charge("5"))]
    )

    found = sums(entries_of(order, BY_GATEWAYS))

    assert (found.get(Account.SHIPPING, 0), found[Account.SELLER_TAX], found[Account.CLEARING]) == (0, 50, 950)


def test_what_is_called_off_before_it_was_captured_is_owed_by_nobody():
    """Failure: an order that was captured in part stayed open in the books for ever."""
    order = an_order(
        lines=[a_line(), a_line("MUG", gross="30", cancelled=1)], payments=(paid("10", kind="capture"),),
        refunds=(refunded("0", RefundLine("line-MUG", 1, Restock.CANCEL, None, money("30"))),),
    )  # fmt: skip

    assert sums(entries_of(order, BY_GATEWAYS)) == {Account.SALES: -4000, Account.RETURNS: 3000, Account.CLEARING: 1000}


def test_a_marketplace_refund_takes_back_the_tax_that_it_paid():
    taxed = a_line(charge=a_charge("10", taxes=["0.80"], liable=Liable.MARKETPLACE))
    back = refunded("10.80", RefundLine("line-SHIRT-M", 1, Restock.RETURN, None, money("10"), money("0.80")))
    order = an_order(lines=[taxed], payment_status=PaymentStatus.REFUNDED, refunds=(back,))

    assert sums(entries_of(order, BY_MARKETPLACE)) == {Account.SALES: -1000, Account.RETURNS: 1000}


# ---- any life of any order


CURRENCIES = st.sampled_from(["USD", "JPY", "KWD"])
LIVES = int(os.environ.get("CROSSDOCK_LIVES", "300"))


@st.composite
def charges(draw: st.DrawFn, currency: str, included: bool, liable: Liable) -> Charge:
    gross = draw(st.integers(0, 50_000))
    off = draw(st.integers(0, gross)) if draw(st.booleans()) else 0
    taxed = draw(st.integers(0, max(0, (gross - off) // 4)))
    discounts = (Discount(Money(off, currency)),) if off else ()
    taxes = (Tax("tax", Money(taxed, currency), included, liable, "20"),) if taxed else ()
    return Charge(Money(gross, currency), discounts, taxes)


@st.composite
def lives(draw: st.DrawFn) -> tuple[Rules, list[Order]]:
    """An order as it stands after each thing that happened to it: edits, captures, refunds in part, cancelled lines."""
    currency, rules = draw(CURRENCIES), draw(st.sampled_from([BY_GATEWAYS, BY_MARKETPLACE]))
    included, liable = draw(st.booleans()), draw(st.sampled_from([Liable.SELLER, Liable.MARKETPLACE]))
    made = [draw(charges(currency, included, liable)) for _ in range(draw(st.integers(1, 4)))]
    lines = [a_line(f"S{n}", charge=one, ordered=3, gift_card=draw(st.integers(0, 9)) == 0) for n, one in enumerate(made)]
    order = an_order(lines=lines, shipping=[a_shipping(charge=draw(charges(currency, included, liable)))], currency=currency)
    states = [replace(order, payment_status=PaymentStatus.UNPAID, payments=())]
    for _ in range(draw(st.integers(0, 5))):
        states.append(draw(st.sampled_from(STEPS))(draw, states[-1]))
    return rules, states


def _pay(draw: st.DrawFn, order: Order) -> Order:
    left = order.total - total((one.amount for one in order.payments or () if one.kind == "sale"), order.currency)
    if left.minor <= 0:
        return order
    first = draw(st.integers(0, left.minor))
    parts = [(first, "gift_card"), (left.minor - first, draw(st.sampled_from(["shopify_payments", "paypal"])))]
    made = [
        Payment(f"{gateway} {len(order.payments or ())}", "sale", "success", Money(amount, order.currency), gateway, LONG_AGO)
        for amount, gateway in parts
        if amount
    ]
    return replace(order, payments=(*(order.payments or ()), *made), payment_status=PaymentStatus.PAID)


def _refund(draw: st.DrawFn, order: Order) -> Order:
    if order.payment_status is PaymentStatus.UNPAID:
        return order
    line, n = draw(st.sampled_from(order.lines)), len(order.refunds)
    carriage = order.shipping[0].charge if draw(st.booleans()) else None
    worth = line.charge.payable + (carriage.payable if carriage else Money.zero(order.currency))
    given = draw(st.integers(0, worth.minor))
    back = RefundLine(line.id, 1, draw(st.sampled_from(Restock)), None, line.charge.net, line.charge.tax)
    one = Refund(f"r{n}", LONG_AGO + timedelta(days=n), Money(given, order.currency), (back,))
    if carriage and carriage.payable:
        one = replace(one, shipping=carriage.payable, shipping_tax=carriage.tax)
    money_back = Payment(f"b{n}", "refund", "success", Money(given, order.currency), "paypal", LONG_AGO)
    moved = (*(order.payments or ()), money_back) if given else order.payments
    return replace(order, refunds=(*order.refunds, one), payments=moved, payment_status=PaymentStatus.PARTIALLY_REFUNDED)


def _edit(draw: st.DrawFn, order: Order) -> Order:
    more = a_line(f"E{len(order.lines)}", gross=str(draw(st.integers(0, 500))), currency=order.currency)
    added = replace(order, lines=(*order.lines, more))
    return replace(added, total=added.payable)


def _lose(draw: st.DrawFn, order: Order) -> Order:
    """The channel lists a line no more."""
    fewer = replace(order, lines=order.lines[:-1] or order.lines)
    return replace(fewer, total=fewer.payable)


STEPS = [_pay, _pay, _refund, _edit, _lose]


def _moved_at(order: Order, gateways: Iterable[str], rules: Rules) -> int:
    """What clearing should hold of an order, by what was paid and given back."""
    if rules.own:
        taken = order.total.minor if order.payment_status is not PaymentStatus.UNPAID else 0
        return taken - order.refunded_total.minor
    kinds = {"sale": 1, "refund": -1}
    return sum(kinds[one.kind] * one.amount.minor for one in order.payments or () if one.gateway in gateways)


@given(lives())
@settings(max_examples=LIVES, deadline=None)
def test_whatever_happens_to_an_order_the_journal_ends_at_what_it_is_now(life):
    rules, states = life

    lines = journal_of(*(entries_of(state, rules) for state in states))

    assert sums(line.entry for line in lines) == sums(entries_of(states[-1], rules))


@given(lives())
@settings(max_examples=LIVES, deadline=None)
def test_buyers_owe_what_they_did_not_pay_and_gateways_what_they_took(life):
    rules, states = life
    order = states[-1]
    found = sums(entries_of(order, rules))
    if order.payment_status is PaymentStatus.UNPAID:
        assert found == {}
        return

    if rules.own:
        tax = found.get(Account.MARKETPLACE_TAX, 0)
        assert found.get(Account.CLEARING, 0) == _moved_at(order, (), rules) - _kept_by_marketplace(order)
        assert tax == 0
        assert found.get(Account.RECEIVABLE, 0) == 0
    else:
        assert found.get(Account.CLEARING, 0) == _moved_at(order, ("shopify_payments", "paypal"), rules)


def _kept_by_marketplace(order: Order) -> int:
    """The tax of what was sold, less that of what was given back."""
    moved = [refund for refund in order.refunds if refund.total]
    given = sum(line.tax.minor for refund in moved for line in refund.lines if line.tax and _lists(order, line.line))
    given += sum(refund.shipping_tax.minor for refund in moved if refund.shipping_tax)
    return order.tax_by(Liable.MARKETPLACE).minor - (given if order.tax_by(Liable.MARKETPLACE) else 0)


def _lists(order: Order, line: str) -> bool:
    return any(one.id == line and one.charge.taxes for one in order.lines)
