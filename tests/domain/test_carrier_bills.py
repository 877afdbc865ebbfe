"""Carriers' bills in books with tax: charged, reverse charge or none; what was booked is paid off, and tax lies where it can be claimed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.billing import Bill, BillLine, What, rest_of
from core.domain.carrier_bills import carrier_bill
from core.domain.coding import Chart, Coder, Unmapped
from core.domain.journal import Account
from core.domain.ledgers import Document, TaxCode, TaxIs
from core.domain.money import Money

DAY = date(2026, 11, 2)
CODES = {
    one.id: one
    for one in (
        TaxCode("S", "Sales", Decimal(0), purchases=False), TaxCode("P", "Purchases", Decimal(20)), TaxCode("N", "None", Decimal(0)),
        TaxCode("R", "Reverse", Decimal(0), reverse=True),
    )
}  # fmt: skip
Row = tuple[str, What, int]
PARCEL: tuple[Row, ...] = (("1Z1", What.FREIGHT, 1000), ("1Z1", What.SURCHARGE, 50), ("1Z1", What.TAX, 210))
ABROAD: tuple[Row, ...] = (("1Z2", What.FREIGHT, 3000), ("1Z2", What.DUTY, 700), ("1Z2", What.TAX, 400))


def a_bill(*rows: Row) -> Bill:
    return Bill("b", "UPS", "ups", "77", DAY, "GBP", tuple(BillLine(what, Money(minor, "GBP"), number) for number, what, minor in rows))


def chart_of(code: str, home: str = "GB", codes: Sequence[str] = tuple(CODES)) -> Chart:
    coder = Coder({id: CODES[id] for id in codes}, {"fee|ups": code}, home)
    return Chart(lambda one: str(one.account), {}, coder)


def made(bill: Bill, chart: Chart) -> tuple[Document, str]:
    return carrier_bill("", bill, chart)


def lines(one: Document) -> list[tuple[str, str, int, int]]:
    return [(line.account, line.tax_code, line.amount.minor, line.tax.minor if line.tax else 0) for line in one.lines]


def test_tax_that_was_charged_lies_on_what_bears_it_and_leaves_the_account_of_taxes_on_fees():
    one, stops = made(a_bill(*PARCEL, ("1Z3", What.FREIGHT, 500)), chart_of("P"))

    assert (stops, one.tax_is, one.total.minor, one.tax.minor) == ("", TaxIs.ON_TOP, 1760, 210)
    assert lines(one) == [("postage_owed", "P", 1050, 210), ("postage_owed", "N", 710, 0), ("fee_tax", "N", -210, 0)]


def test_duties_and_the_tax_beside_them_are_the_states():
    one, stops = made(a_bill(*PARCEL, *ABROAD), chart_of("P"))

    assert (stops, lines(one)[0], one.total.minor) == ("", ("postage_owed", "P", 1050, 210), 5360)


def test_tax_that_is_said_of_no_parcel_fell_on_all():
    one, stops = made(a_bill(("1Z1", What.FREIGHT, 1000), ("1Z2", What.FREIGHT, 2000), ("", What.TAX, 600)), chart_of("P"))

    assert (stops, lines(one)[0]) == ("", ("postage_owed", "P", 3000, 600))


def test_under_reverse_charge_all_services_have_the_code_and_no_tax():
    services, stops = made(a_bill(("1Z1", What.FREIGHT, 1000), ("", What.OTHER, 30)), chart_of("R"))
    _, charged = made(a_bill(*PARCEL), chart_of("R"))

    assert (stops, lines(services)) == ("", [("postage_owed", "R", 1030, 0)])
    assert charged.startswith("tax charged: 2.10; its tax code is one of reverse charge")


@pytest.mark.parametrize("chart", [chart_of(""), chart_of("P", home="US"), chart_of("gone")], ids=["no code", "American", "code is gone"])
def test_without_a_code_and_in_america_a_bill_says_what_is_owed_and_no_more(chart):
    one, stops = made(a_bill(*PARCEL), chart)

    assert (stops, one.tax_is, lines(one)) == ("", TaxIs.NONE, [("postage_owed", "", 1260, 0)])


@pytest.mark.parametrize(("more", "stops"), [(3, False), (-3, False), (4, True), (-4, True)])
def test_tax_of_a_parcel_may_be_off_by_a_cent_a_line(more, stops):
    *rest, (number, what, tax) = PARCEL
    _, words = made(a_bill(*rest, (number, what, tax + more)), chart_of("P"))

    assert bool(words) is stops
    assert not stops or ("0.04 apart" in words and "0.03 may be rounding in 3 lines" in words)


def test_books_without_a_code_for_what_bears_no_tax_stop_the_bill():
    _, words = made(a_bill(*PARCEL), chart_of("P", codes=["S", "P", "R"]))

    assert words.startswith("there is no tax code of purchases without tax")


def test_what_bears_no_tax_is_outside_before_it_is_a_purchase_of_rate_zero_and_as_the_merchant_chose_before_all():
    codes = {**CODES, "A": TaxCode("A", "Zero", Decimal(0), sales=False)}
    ordered = {id: codes[id] for id in ("A", "S", "N", "P")}
    chart = replace(chart_of("P"), coder=Coder(ordered, {"fee|ups": "P"}, "GB"))
    chosen = replace(chart, coder=Coder(ordered, {"fee|ups": "P", "tax||outside": "A"}, "GB"))

    assert [{line.tax_code for line in made(a_bill(*PARCEL), one)[0].lines} for one in (chart, chosen)] == [{"P", "N"}, {"P", "A"}]


def test_an_account_that_nobody_named_waits():
    with pytest.raises(Unmapped):
        made(a_bill(*PARCEL), replace(chart_of("P"), account=lambda one: None))


ROWS = st.tuples(st.sampled_from(["", "A1", "A2"]), st.sampled_from(What), st.integers(-5_000, 20_000))


@given(st.lists(ROWS, min_size=1, max_size=8), st.sampled_from(["", "P", "R", "N"]))
def test_whatever_is_billed_what_was_owed_is_paid_off_and_no_tax_is_counted_twice(rows, code):
    """The bill and the entry of the same lines: nothing stays owed, and the tax that was booked is claimed or stays, once."""
    bill = a_bill(*rows)
    one, _ = made(bill, chart_of(code))
    left = Counter[str]()
    for entry in rest_of(bill, date.min):
        for posting in entry.postings:
            left[posting.account] += posting.amount.minor
    for line in one.lines:
        left[line.account] += line.amount.minor

    tax = sum(line.amount.minor for line in bill.lines if line.what is What.TAX)
    assert one.total.minor == bill.total.minor
    assert left[Account.POSTAGE_OWED] == 0
    assert left[Account.FEE_TAX] + one.tax.minor == tax
