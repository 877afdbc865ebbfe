"""Lines with tax codes: the tax that fell lies on them to the cent, and what a code's rate cannot mean stops the document."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.coding import MOST_OFF, Chart, Coder, TaxWay, Unmapped, lines_of, spread
from core.domain.journal import Account, Posting
from core.domain.ledgers import TaxCode
from core.domain.money import Money

TAXED, FREE = "seller|VAT|0.2|GB>GB", "none|||GB>GB"
CODES = {one.id: one for one in (TaxCode("S", "Standard", Decimal(20)), TaxCode("Z", "Zero", Decimal(0), purchases=False))}
CHART = Chart(lambda one: str(one.account), {}, Coder(CODES, home="GB"))
EARNED = st.sampled_from([Account.SALES, Account.SHIPPING, Account.DISCOUNTS])


def a_posting(account: Account, minor: int, tax: str = "") -> Posting:
    return Posting(account, Money(minor, "GBP"), "shop", tax=tax)


@st.composite
def sales(draw: st.DrawFn) -> list[Posting]:
    """Parts of sales, taxed at a fifth within a unit or two, or not at all; and the clearing account that they land on."""
    found = []
    for _ in range(draw(st.integers(1, 6))):
        net, taxed = draw(st.integers(1, 20_000)), draw(st.booleans())
        found.append(a_posting(draw(EARNED), -net if draw(st.integers(0, 4)) else net, TAXED if taxed else FREE))
        if taxed:
            found.append(a_posting(Account.SELLER_TAX, found[-1].amount.minor // 5 + draw(st.integers(-2, 2)), TAXED))
    return [*found, a_posting(Account.CLEARING, -sum(one.amount.minor for one in found))]


@given(sales(), st.sampled_from(TaxWay))
def test_lines_and_their_tax_come_to_what_was_booked(found, way):
    lines = lines_of(found, CHART, way).lines

    assert sum(line.amount.minor + (line.tax.minor if line.tax and way is TaxWay.LINES else 0) for line in lines) == 0


@given(sales())
def test_the_tax_that_fell_lies_on_lines_or_is_a_line_of_its_own(found):
    made = lines_of(found, CHART, TaxWay.LINES)

    fell = sum(one.amount.minor for one in found if one.account is Account.SELLER_TAX)
    beside = sum(line.amount.minor for line in made.lines if line.account in (Account.ROUNDING, Account.SELLER_TAX))
    assert sum(line.tax.minor for line in made.lines if line.tax) + beside == fell
    assert made.rounded <= MOST_OFF


@given(sales(), st.sampled_from(TaxWay), st.data())
def test_lines_never_depend_on_what_codes_are_called(found, way, data):
    called = {id: replace(one, name=data.draw(st.text(max_size=12))) for id, one in CODES.items()}

    assert lines_of(found, CHART, way) == lines_of(found, replace(CHART, coder=Coder(called, home="GB")), way)


@pytest.mark.parametrize("way", [TaxWay.LINES, TaxWay.MARKS])
@pytest.mark.parametrize(("off", "stops"), [(-6, True), (-5, False), (0, False), (5, False), (6, True)])
def test_tax_off_by_more_than_five_cents_stops_the_document(way, off, stops):
    found = [a_posting(Account.SALES, -10_000, TAXED), a_posting(Account.SELLER_TAX, -2_000 + off, TAXED)]

    made = lines_of([*found, a_posting(Account.CLEARING, 12_000 - off)], CHART, way)

    assert (made.off is not None) is stops


@pytest.mark.parametrize(("orders", "stops"), [(1, True), (2, False)])
def test_each_order_of_a_journal_may_be_rounded(orders, stops):
    found = [a_posting(Account.SALES, -10_000, TAXED), a_posting(Account.SELLER_TAX, -2_010, TAXED), a_posting(Account.CLEARING, 12_010)]

    assert (lines_of(found, CHART, TaxWay.LINES, orders=orders).off is not None) is stops


def test_what_nobody_said_a_code_for_stops_and_is_named():
    found = [a_posting(Account.SALES, -100, "seller|VAT|0.07|DE>DE"), a_posting(Account.CLEARING, 100)]

    with pytest.raises(Unmapped) as caught:
        lines_of(found, CHART, TaxWay.LINES)

    assert caught.value.args == ([], ["seller|VAT|0.07|DE>DE"])


@given(st.integers(-5_000, 5_000), st.lists(st.integers(-20_000, 20_000), max_size=6))
def test_a_tax_is_shared_to_the_cent_and_no_line_bears_more_than_itself(tax, amounts):
    found = spread(Money(tax, "GBP"), [Money(one, "GBP") for one in amounts])

    if found is not None:
        assert sum(one.minor for one in found) == tax
        assert all(abs(share.minor) <= abs(one) and share.minor * one >= 0 for share, one in zip(found, amounts, strict=True))
