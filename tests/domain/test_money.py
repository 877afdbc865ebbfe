"""Money: nothing is lost, nothing is rounded, nothing is mixed."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.money import LIMIT, NONE, THREE, Money, places, total
from tests.builders import money

CURRENCIES = st.sampled_from(["USD", "EUR", "JPY", "KRW", "KWD", "BHD"])
MINOR = st.integers(-(10**15), 10**15)
WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("12.30", "USD", 1230),
        ("12.3", "USD", 1230),
        ("12.3000", "USD", 1230),
        ("-0.05", "USD", -5),
        ("1250", "JPY", 1250),
        ("1250.00", "JPY", 1250),
        ("1.005", "KWD", 1005),
        ("1E+2", "USD", 10000),
        ("-0.00", "USD", 0),
        (7, "USD", 700),
        (Decimal("7.10"), "USD", 710),
    ],
)
def test_decimal_text_becomes_minor_units(text, currency, minor):
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("12.345", "USD"),
        ("0.5", "JPY"),
        ("1.0005", "KWD"),
        ("", "USD"),
        ("twelve", "USD"),
        ("12,30", "USD"),
        ("1_000", "USD"),
        ("١٢", "USD"),
        ("NaN", "USD"),
        ("sNaN", "USD"),
        ("Infinity", "USD"),
        ("1E+18", "USD"),
        ("1E+999999", "USD"),
        ("1E-999999", "USD"),
        ("0.1000000000000000000000000000000000000001", "USD"),
        (10**40, "USD"),
        ("1", "usd"),
        ("1", "US"),
        ("1", "ÜSD"),
        ("1", None),
        ("1", 840),
    ],
)
def test_what_is_no_exact_amount_is_refused(text, currency):
    with pytest.raises(ValueError, match=r"amount|minor|currency"):
        Money.parse(text, currency)


@pytest.mark.parametrize("amount", [12.3, True, None, [], {}, b"12"])
def test_only_text_and_exact_numbers_are_money(amount):
    with pytest.raises(TypeError):
        Money.parse(amount, "USD")


def test_a_refused_amount_is_not_repeated_in_the_message():
    with pytest.raises(ValueError, match="amount") as refused:
        Money.parse("Ada Lovelace", "USD")

    assert "Ada" not in str(refused.value)


@given(MINOR, CURRENCIES)
def test_text_reads_back_as_the_same_money(minor, currency):
    written = Money(minor, currency).text()

    assert Money.parse(written, currency) == Money(minor, currency)
    assert len(written.partition(".")[2]) == places(currency)


@settings(max_examples=50)
@given(st.one_of(st.text(max_size=30), st.decimals(), st.integers()), CURRENCIES)
def test_whatever_stands_there_it_is_read_exactly_or_refused(amount, currency):
    try:
        read = Money.parse(amount, currency)
    except ValueError:
        return

    assert Decimal(read.minor) == Decimal(amount) * 10 ** places(currency)
    assert abs(read.minor) <= LIMIT


@given(MINOR, WEIGHTS)
def test_the_parts_of_a_split_add_up_to_the_whole(minor, weights):
    parts = Money(minor, "USD").split(weights)

    assert len(parts) == len(weights)
    assert total(parts, "USD") == Money(minor, "USD")


@given(MINOR, WEIGHTS)
def test_no_part_of_a_split_is_a_whole_minor_unit_off(minor, weights):
    shares = weights if any(weights) else [1] * len(weights)

    for part, weight in zip(Money(minor, "USD").split(weights), shares, strict=True):
        assert abs(part.minor * sum(shares) - minor * weight) < sum(shares)


@given(st.integers(0, 10**15), WEIGHTS)
def test_a_split_never_gives_less_than_nothing(minor, weights):
    assert all(part.minor >= 0 for part in Money(minor, "USD").split(weights))


@given(MINOR, st.lists(st.integers(1, 1000), min_size=1, max_size=10))
def test_who_weighs_nothing_beside_others_bears_nothing(minor, weights):
    assert Money(minor, "USD").split([0, *weights])[0] == money("0")


def test_zero_weights_share_evenly():
    assert money("0.10").split([0, 0, 0]) == [money("0.03"), money("0.03"), money("0.04")]


def test_nothing_splits_among_nobody():
    assert money("0").split([]) == []


@pytest.mark.parametrize("weights", [[], [1, -1], [-1, -2]])
def test_a_split_that_cannot_add_up_is_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        money("1").split(weights)


@given(MINOR, MINOR, CURRENCIES)
def test_adding_and_taking_away_are_exact(one, other, currency):
    both = Money(one, currency) + Money(other, currency)

    assert both.minor == one + other
    assert both - Money(other, currency) == Money(one, currency)
    assert Money(one, currency) * 3 == total([Money(one, currency)] * 3, currency)


def test_pounds_and_euros_do_not_add():
    with pytest.raises(ValueError, match="GBP and EUR"):
        money("1", "GBP") + money("1", "EUR")

    with pytest.raises(ValueError, match="do not add"):
        total([money("1", "GBP")], "EUR")


def test_the_sum_of_nothing_is_zero_of_the_currency():
    assert total([], "JPY") == Money.zero("JPY")
    assert not Money.zero("JPY")


def test_no_currency_has_both_no_cents_and_three():
    assert not NONE & THREE
