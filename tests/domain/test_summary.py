"""The summary: the flat text that people and programs check us by."""

import json

from hypothesis import given
from hypothesis import strategies as st

from core.domain.money import Money, total
from core.domain.order import Discount, Liable, OrderStatus, Party, Refund, TaxMode
from core.domain.summary import summary
from tests.builders import LONG_AGO, a_charge, a_line, a_shipping, an_order, money


def test_a_plain_order_reads_as_it_was_placed():
    order = an_order(lines=[a_line(ordered=2, gross="20")], shipping=[a_shipping("5")])

    told = summary(order)

    assert (told["subtotal"], told["shipping"], told["total"]) == ("20.00", "5.00", "25.00")
    assert (told["channel"], told["number"], told["name"], told["currency"]) == ("bogus", "1001", "#1001", "USD")
    assert (told["order_status"], told["payment_status"], told["fulfillment_status"]) == ("open", "paid", "unfulfilled")
    assert (told["units_to_ship"], told["problems"], told["rounding"]) == (2, [], "0.00")


def test_taxes_on_top_are_owed_and_those_inside_are_not_owed_twice():
    on_top = summary(an_order(lines=[a_line(charge=a_charge("100", taxes=["19"]))], tax_mode=TaxMode.EXCLUSIVE))
    inside = summary(an_order(lines=[a_line(charge=a_charge("119", taxes=["19"], included=True))], tax_mode=TaxMode.INCLUSIVE))

    assert (on_top["subtotal"], on_top["tax_total"], on_top["total"]) == ("100.00", "19.00", "119.00")
    assert (inside["subtotal"], inside["tax_total"], inside["total"]) == ("119.00", "19.00", "119.00")
    assert on_top["lines"][0]["payable"] == inside["lines"][0]["payable"] == "119.00"


def test_discounts_of_lines_and_shipping_count_together():
    order = an_order(
        lines=[a_line(charge=a_charge("30", discounts=["3", "0.50"]))], shipping=[a_shipping(charge=a_charge("5", discounts=["5"]))]
    )

    told = summary(order)

    assert (told["discount_total"], told["subtotal"], told["shipping"], told["total"]) == ("8.50", "26.50", "0.00", "26.50")


def test_tax_that_the_marketplace_pays_is_kept_apart():
    lines = [
        a_line("A", charge=a_charge("10", taxes=["1"], liable=Liable.MARKETPLACE)),
        a_line("B", charge=a_charge("10", taxes=["2"])),
        a_line("C", charge=a_charge("10", taxes=["4"], liable=Liable.UNKNOWN)),
    ]

    told = summary(an_order(lines=lines))

    assert (told["tax_total"], told["tax_marketplace"], told["tax_seller"]) == ("7.00", "1.00", "6.00")


def test_tips_fees_and_duties_are_parts_of_the_total():
    told = summary(an_order(tips=money("1"), fees=money("2"), duties=money("4")))

    assert (told["tips"], told["fees"], told["duties"], told["total"], told["problems"]) == ("1.00", "2.00", "4.00", "17.00", [])


def test_refunds_are_told_beside_a_total_that_stays():
    told = summary(an_order(refunds=(Refund("r1", LONG_AGO, money("2.50")), Refund("r2", LONG_AGO, money("1")))))

    assert (told["refunded_total"], told["total"]) == ("3.50", "10.00")


def test_yen_have_no_cents_and_dinars_have_three():
    yen = summary(an_order(currency="JPY", lines=[a_line(gross="1200", currency="JPY")]))
    dinars = summary(an_order(currency="KWD", lines=[a_line(gross="1.005", currency="KWD")]))

    assert (yen["total"], yen["tips"], yen["lines"][0]["gross"]) == ("1200", "0", "1200")
    assert (dinars["total"], dinars["tips"], dinars["lines"][0]["gross"]) == ("1.005", "0.000", "1.005")


def test_a_line_tells_what_is_still_open():
    told = summary(an_order(lines=[a_line(ordered=5, cancelled=1, fulfilled=2)]))["lines"][0]

    assert (told["ordered"], told["cancelled"], told["fulfilled"], told["open"]) == (5, 1, 2, 2)


def test_what_the_channel_ships_is_not_ours_to_ship():
    assert summary(an_order(party=Party.CHANNEL))["units_to_ship"] == 0


def test_each_status_is_told_by_its_word():
    assert summary(an_order(cancelled=True))["order_status"] == OrderStatus.CANCELLED.value == "cancelled"


AMOUNTS = st.integers(0, 10**7)


@given(st.lists(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, st.booleans()), min_size=1, max_size=6), st.sampled_from(["USD", "JPY", "KWD"]))
def test_the_told_parts_add_up_to_the_told_total(rows, currency):
    order = an_order(currency=currency, lines=[_line(str(n), currency, *row) for n, row in enumerate(rows)])

    told = summary(order)

    parts = [Money.parse(line["payable"], currency) for line in told["lines"]]
    assert total(parts, currency).text() == told["total"]
    assert told["problems"] == []


def _line(sku, currency, gross, discount, tax, included):
    charge = a_charge(Money(gross, currency).text(), taxes=[Money(tax, currency).text()], included=included, currency=currency)
    return a_line(sku, charge=type(charge)(charge.gross, (Discount(Money(min(discount, gross), currency)),), charge.taxes))


def test_the_summary_is_plain_json_without_a_float():
    told = summary(an_order(lines=[a_line(charge=a_charge("30", discounts=["3"], taxes=["1.11"]))]))

    assert json.loads(json.dumps(told), parse_float=_never) == told


def _never(text):
    raise AssertionError(f"a float: {text}")
