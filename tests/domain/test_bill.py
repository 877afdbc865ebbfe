"""An order's money adds up before one's eyes, or says by how much it does not."""

from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from core.domain.bill import bill, portion
from core.domain.money import Money, total
from core.domain.order import Charge, Discount, Tax
from tests.builders import a_charge, a_line, a_shipping, an_order, money


def test_lines_shipping_and_extras_come_to_the_total():
    order = an_order(
        lines=[a_line("A", charge=a_charge("20", discounts=["3"], taxes=["1.70"])), a_line("B", charge=a_charge("5"))],
        shipping=[a_shipping("4")], fees=money("1"), tips=money("2"), duties=money("0"),
    )  # fmt: skip

    one = bill(order)

    assert [row.payable.text() for row in one.lines + one.shipping] == ["18.70", "5.00", "4.00"]
    assert one.extras == (("fees", money("1")), ("tips", money("2")))
    assert one.adds_up
    assert one.parts == one.total == money("30.70")


def test_a_cent_a_line_is_rounding_and_more_is_a_gap():
    assert bill(an_order(total=money("10.01"))).rounding == money("0.01")
    assert bill(an_order(total=money("10.01"))).adds_up
    assert not bill(an_order(total=money("12"))).adds_up
    assert bill(an_order(total=money("12"))).gap == money("2")


@given(st.lists(st.integers(0, 10**6), min_size=1, max_size=5), st.integers(-(10**6), 10**6))
def test_parts_rounding_and_gap_are_always_the_total(prices, off):
    order = an_order(lines=[a_line(f"S{n}", gross=f"{price}") for n, price in enumerate(prices)])
    one = bill(an_order(lines=order.lines, total=money(f"{sum(prices) + off}")))

    assert one.parts + one.rounding + one.gap == one.total


eur = partial(Money, currency="EUR")


@given(
    gross=st.integers(0, 10_000),
    off=st.integers(0, 500),
    tax=st.integers(0, 900),
    parts=st.lists(st.integers(1, 4), min_size=1, max_size=5),
)
def test_what_falls_on_a_lines_shipments_is_its_whole_charge(gross: int, off: int, tax: int, parts: list[int]) -> None:
    charge = Charge(eur(gross), (Discount(eur(off)),), (Tax("VAT", eur(tax), included=False),))
    shares = [portion(charge, sum(parts[:n]), units, sum(parts)) for n, units in enumerate(parts)]

    for name in ("gross", "discount", "tax", "payable"):
        assert total((getattr(one, name) for one in shares), "EUR") == getattr(charge, name)
