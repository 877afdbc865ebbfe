"""Taxations: what was named is read back, and a code is chosen by what it is, never by what it is called."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from core.domain.ledgers import TaxCode
from core.domain.order import Liable, Tax
from core.domain.taxation import MARKS, NONE, OUTSIDE, named, on_way, proposed, read
from tests.builders import money

COUNTRIES = st.sampled_from(["", "US-CA", "US-NY", "GB", "DE", "CA-BC"])
RATES = st.sampled_from([None, "0.2", "0.05", "0.0825", "0", "some", "1E+1", "NaN", "a|b"])
PLAIN = {"1E+1": "10", "a|b": "a b"}


@st.composite
def taxes(draw: st.DrawFn) -> list[Tax]:
    def one() -> Tax:
        amount = money(draw(st.sampled_from(["0", "1", "2.50"])))
        return Tax(draw(st.text(max_size=8)), amount, draw(st.booleans()), draw(st.sampled_from(Liable)), draw(RATES), draw(schemes))

    schemes = st.one_of(st.none(), st.text(max_size=12), st.sampled_from(["a|b", "a+b", "a>b"]))
    return [one() for _ in range(draw(st.integers(0, 4)))]


@given(taxes(), COUNTRIES, COUNTRIES)
def test_what_is_named_is_read_back(some, start, end):
    found = read(on_way(named(some), start, end))

    told = {(one.liable.value, MARKS.sub(" ", one.scheme or ""), PLAIN.get(one.rate or "", one.rate or "")) for one in some if one.amount}
    assert found.rate is None or found.rate.is_finite()
    assert set(found.parts) == (told or {(NONE, "", "")})
    assert (found.start, found.end) == (start, end)
    assert found.ours == any(one.liable is Liable.SELLER and one.amount for one in some)


@given(st.one_of(st.text(max_size=40), st.sampled_from(["seller||NaN|>", "seller||Infinity|>", "seller", "seller|||", "+"])))
def test_what_is_no_name_of_ours_is_read_and_breaks_nothing(text):
    found = read(text)

    assert found.liable and (text not in ("", OUTSIDE) or found.parts == ())
    assert found.rate is None or found.rate.is_finite()


CODES = st.builds(
    TaxCode, st.uuids().map(str), st.text(max_size=10), st.sampled_from([None, Decimal(0), Decimal(5), Decimal(20), Decimal("8.25")]),
    st.booleans(), st.booleans(), st.booleans(), st.sampled_from(["", "GB", "DE"]), st.booleans(),
)  # fmt: skip


@given(taxes(), COUNTRIES, COUNTRIES, st.lists(CODES, max_size=6), st.sampled_from(["", "US", "GB"]), st.data())
def test_a_code_is_never_chosen_by_its_name(some, start, end, codes, home, data):
    taxation = on_way(named(some), start, end)
    renamed = [replace(one, name=data.draw(st.text(max_size=10))) for one in codes]

    assert proposed(taxation, codes, home) == proposed(taxation, renamed, home)


@given(taxes(), COUNTRIES, st.lists(CODES, max_size=6), st.sampled_from(["US", "GB"]))
def test_what_is_chosen_can_stand_on_a_sale_and_bears_its_rate(some, end, codes, home):
    taxation = on_way(named(some), "", end)
    chosen = next((one for one in codes if one.id == proposed(taxation, codes, home)), None)

    if chosen:
        assert chosen.active and chosen.sales and not chosen.reverse
        assert chosen.rate in ((read(taxation).rate, None) if read(taxation).ours else (0,))
