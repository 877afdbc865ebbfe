"""What the papers of a location hold."""

from collections import Counter
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.money import Money
from core.domain.order import Address, Charge, Liable, Tax, TaxMode
from core.domain.packing import Bill, PickList, Shop, Slip, Sold, Wanted, natural, picks


def eur(minor):
    return Money(minor, "EUR")


def taxed(gross, tax, title="VAT", **given):
    return Charge(eur(gross), taxes=(Tax(title, eur(tax), included=True, **given),))


def a_bill(*lines, total, **given):
    slip = Slip(Shop("Northern Mugs"), "S-1-1", "#1", Address(), ())
    return Bill(slip, "INV-1", date(2026, 5, 2), lines, eur(total), TaxMode.INCLUSIVE, **given)


def test_bins_are_walked_as_people_count_them():
    assert sorted(["A-10", "a-2", "B-1", "A-2-10", "A-2-9", "A-02"], key=natural) == ["a-2", "A-02", "A-2-9", "A-2-10", "A-10", "B-1"]


@given(st.lists(st.text(max_size=12) | st.from_regex(r"[A-C]-[0-9]{1,25}", fullmatch=True)))
def test_any_bins_can_be_put_in_order(bins):
    numbered = [f"A-{number}" for number in (2, 10, 100)]

    found = sorted([*bins, *numbered], key=natural)

    assert Counter(found) == Counter([*bins, *numbered])
    assert [one for one in found if one in numbered and one not in bins] == [one for one in numbered if one not in bins]


def test_a_stop_gathers_what_goes_into_several_totes_and_says_how_many_there_are_in_all():
    found = picks([Wanted("MUG", "Mug", 2, "A-2", "T-1"), Wanted("MUG", "Mug", 1, "A-2", "T-2"), Wanted("MUG", "Mug", 4, "A-10", "T-2")])

    assert [(pick.bin, pick.units, pick.of, pick.totes) for pick in found] == [
        ("A-2", 3, 7, (("T-1", 2), ("T-2", 1))),
        ("A-10", 4, 7, (("T-2", 4),)),
    ]


def test_what_lies_in_no_known_bin_is_sought_last_and_one_order_needs_no_tote():
    found = picks([Wanted("LOST", "Lost", 1), Wanted("MUG", "Mug", 1, "Z-9"), Wanted("NONE", "None", 0, "A-1")])

    assert [(pick.sku, pick.totes) for pick in found] == [("MUG", ()), ("LOST", ())]


WANTED = st.builds(
    Wanted,
    st.sampled_from("ABC"),
    st.just("title"),
    st.integers(0, 5),
    st.sampled_from(["", "A-1", "A-2", "A-10", "a-1"]),
    st.sampled_from(["T-1", "T-2"]),
)


@given(st.lists(WANTED, max_size=30))
def test_no_unit_is_lost_or_doubled_on_the_way_to_its_tote(wanted):
    found = picks(wanted)

    asked, fetched = Counter(), Counter()
    for one in wanted:
        asked[one.sku, one.bin, one.tote] += one.units
    for pick in found:
        assert pick.units == sum(units for _, units in pick.totes)
        fetched.update({(pick.sku, pick.bin, tote): units for tote, units in pick.totes})
    assert +asked == fetched
    assert len({(pick.bin, pick.sku) for pick in found}) == len(found)
    assert all(pick.of == sum(one.units for one in wanted if one.sku == pick.sku) for pick in found)


def test_a_list_counts_its_units_and_skus():
    listed = PickList("B-1", "North", picks([Wanted("MUG", "Mug", 2, "A"), Wanted("MUG", "Mug", 2, "B"), Wanted("CUP", "Cup", 1, "B")]))

    assert (listed.units, listed.skus) == (5, 2)


def test_taxes_of_one_kind_are_added_up_over_lines_and_shipping():
    bill = a_bill(
        Sold("Mug", taxed(1190, 190, rate="0.19"), "MUG", 1),
        Sold("Book", taxed(1070, 70, rate="0.07"), "BOOK", 1),
        extras=(Sold("Post", taxed(119, 19, rate="0.19")),),
        total=2379,
    )

    assert [(tax.rate, tax.amount) for tax in bill.taxes] == [("0.19", eur(209)), ("0.07", eur(70))]
    assert (bill.subtotal, bill.rounding) == (eur(2260), eur(0))


def test_what_the_marketplace_pays_is_never_added_to_what_the_seller_pays():
    bill = a_bill(Sold("Mug", taxed(119, 19)), Sold("Cup", taxed(119, 19, liable=Liable.MARKETPLACE)), total=238)

    assert [(tax.liable, tax.amount) for tax in bill.taxes] == [(Liable.SELLER, eur(19)), (Liable.MARKETPLACE, eur(19))]


def test_what_does_not_add_up_is_rounding_and_what_is_not_paid_is_due():
    bill = a_bill(Sold("Mug", taxed(1190, 190)), total=1191, paid=eur(1000))

    assert (bill.rounding, bill.due) == (eur(1), eur(191))
    assert a_bill(total=0).due is None


def test_a_bill_of_two_currencies_is_refused():
    bill = a_bill(Sold("Mug", Charge(Money(1, "USD"))), total=1)

    with pytest.raises(ValueError, match="do not add"):
        _ = bill.rounding
