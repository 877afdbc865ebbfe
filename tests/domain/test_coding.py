"""Lines with tax codes: the tax that fell lies on them to the cent, and what a code's rate cannot mean stops the document."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.coding import MOST_OFF, Chart, Coder, Lines, TaxWay, Unmapped, limit, lines_of, spread
from core.domain.documents import Written, journal
from core.domain.journal import Account, EntryKind, Posting
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
    made = lines_of(found, CHART, TaxWay.LINES, counts=[5])

    fell = sum(one.amount.minor for one in found if one.account is Account.SELLER_TAX)
    beside = sum(line.amount.minor for line in made.lines if line.account in (Account.ROUNDING, Account.SELLER_TAX))
    assert sum(line.tax.minor for line in made.lines if line.tax) + beside == fell
    assert made.rounded <= MOST_OFF


@given(sales(), st.sampled_from(TaxWay), st.data())
def test_lines_never_depend_on_what_codes_are_called(found, way, data):
    called = {id: replace(one, name=data.draw(st.text(max_size=12))) for id, one in CODES.items()}

    assert lines_of(found, CHART, way) == lines_of(found, replace(CHART, coder=Coder(called, home="GB")), way)


SALE = ((1, 1), (3, 3), (5, 5), (8, 5))  # lines of an order, and how many cents its tax may be off


def a_sale(off: int, taxation: str = TAXED) -> list[Posting]:
    return [a_posting(Account.SALES, -10_000, taxation), a_posting(Account.SELLER_TAX, -2_000 + off, taxation)]


def made_of(found: list[Posting], way: TaxWay, counts: Sequence[int]) -> Lines:
    return lines_of([*found, a_posting(Account.CLEARING, -sum(one.amount.minor for one in found))], CHART, way, counts=counts)


@pytest.mark.parametrize("way", [TaxWay.LINES, TaxWay.MARKS])
@pytest.mark.parametrize(("count", "most"), SALE)
@pytest.mark.parametrize("side", [-1, 1])
def test_a_cent_a_line_and_five_an_order_are_rounding_and_counted_and_one_more_stops_the_document(way, count, most, side):
    at, beyond = (made_of(a_sale(side * off), way, [count]) for off in (most, most + 1))

    assert (at.off, at.rounded) == (None, most)
    assert beyond.off is not None
    assert (beyond.off.apart, beyond.rounded) == (most + 1, 0)


@pytest.mark.parametrize("counts", [(1, 1), (2, 9), (1,) * 30])
def test_a_summary_may_be_off_by_what_its_orders_may_be_and_not_a_cent_more(counts):
    at, beyond = (made_of(a_sale(limit(counts) + more), TaxWay.LINES, counts) for more in (0, 1))

    assert limit(counts) == sum(min(one, 5) for one in counts)
    assert (at.off is None, beyond.off is None) == (True, False)


@pytest.mark.parametrize(("items", "most"), [(0, 2), (1, 2), (4, 5), (9, 5)])
def test_a_days_journal_knows_of_how_many_lines_its_orders_are(items, most):
    """Goods and shipping; of an order whose lines nobody knows, what was taxed."""
    carriage = a_posting(Account.SHIPPING, -500, TAXED), a_posting(Account.SELLER_TAX, -100, TAXED)

    def day(off: int) -> Lines:
        sold = [*a_sale(off), *carriage]
        clearing = a_posting(Account.CLEARING, -sum(one.amount.minor for one in sold))
        kinds = (EntryKind.SALE, (*sold, clearing)), (EntryKind.PAYMENT, (clearing, replace(clearing, amount=-clearing.amount)))
        group = [Written(n, kind, "shop/1", date(2026, 11, 1), "", parts, items=items) for n, (kind, parts) in enumerate(kinds)]
        made = journal("", group, "GBP", CHART, TaxWay.LINES)
        assert made is not None
        return made[1]

    assert (day(most).off, day(most).rounded) == (None, most)
    assert day(most + 1).off is not None


def test_what_two_codes_are_off_by_is_never_set_off():
    zero = [a_posting(Account.SALES, -5_000, FREE), a_posting(Account.SELLER_TAX, -3, FREE)]

    assert made_of([*a_sale(2), *zero], TaxWay.LINES, [5]).off is None
    assert made_of([*a_sale(3), *zero], TaxWay.LINES, [5]).off is not None


@pytest.mark.parametrize(
    ("counts", "words"), [((2,), "0.02 may be rounding in 2 lines ("), ((1, 9), "0.06 may be rounding in 10 lines of 2 orders (")]
)
def test_a_document_that_stops_for_its_tax_says_both_figures_and_the_limit(counts, words):
    off = made_of(a_sale(-7), TaxWay.LINES, counts).off

    assert off is not None
    figures, limits = "tax that fell: 20.07; what the tax codes make of it: 20.00", "0.01 a line, 0.05 for each of the orders)"
    assert off.words() == f"{figures}; that is 0.07 apart, and {words}{limits}"


def test_what_no_line_can_hold_goes_to_the_rounding_account_up_to_the_limit():
    held, beyond = (
        made_of([a_posting(Account.SALES, -5_000, FREE), a_posting(Account.SELLER_TAX, -minor, FREE)], TaxWay.LINES, [2])
        for minor in (2, 3)
    )

    assert [(one.account, one.amount.minor) for one in held.lines if one.account == Account.ROUNDING] == [(Account.ROUNDING, -2)]
    assert Account.ROUNDING not in {one.account for one in beyond.lines}
    assert beyond.off is not None


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
