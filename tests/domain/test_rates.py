"""The day's rates: what a file says of them, each fault by its line."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.rates import Rate, rate, read

HEAD = "day,currency,base,rate"


def test_a_file_of_rates_is_read_in_any_order_of_its_columns():
    found, wrong = read("\ufeffrate,base,note,currency,day\n1.0834,USD,ecb,EUR,2026-11-20\n\n0.0066,USD,,JPY,2026-11-20\n")

    assert wrong == []
    assert found == [
        Rate(date(2026, 11, 20), "EUR", "USD", Decimal("1.0834")),
        Rate(date(2026, 11, 20), "JPY", "USD", Decimal("0.0066")),
    ]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("2026-11-31,EUR,USD,1.1", "day: it is like 2026-11-20"),
        ("2026-W47-5,EUR,USD,1.1", "day: it is like 2026-11-20"),
        ("20261120,EUR,USD,1.1", "day: it is like 2026-11-20"),
        ("2026-11-20,eur,USD,1.1", "currency: it is three capital letters"),
        ("2026-11-20,EUR,USDX,1.1", "base: it is three capital letters"),
        ("2026-11-20,EUR,EUR,1.1", "base: it is the same currency"),
        ("2026-11-20,EUR,USD,0", "rate: it is a plain number above zero, like 1.0834"),
        ("2026-11-20,EUR,USD,-1", "rate: it is a plain number above zero, like 1.0834"),
        ('2026-11-20,EUR,USD,"1,08"', "rate: it is a plain number above zero, like 1.0834"),
        ("2026-11-20,EUR,USD,1e3", "rate: it is a plain number above zero, like 1.0834"),
        ("2026-11-20,EUR,USD,nan", "rate: it is a plain number above zero, like 1.0834"),
        ("2026-11-20,EUR,USD,1000000000", "rate: it is a plain number above zero, like 1.0834"),
        ("2026-11-20,EUR,USD,", "rate: there is none"),
        ("2026-11-20,EUR,USD,1.2\n2026-11-20,EUR,USD,1.3", "rate: a line before says another one of this day"),
    ],
)
def test_a_rate_that_cannot_be_meant_is_named_by_its_line(row, why):
    _, wrong = read(f"{HEAD}\n{row}")

    assert wrong == [(1 + len(row.split("\n")), why)]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the column day is missing"),
        ("day,currency,base", "the column rate is missing"),
        (f"{HEAD},rate", "the column rate stands twice"),
    ],
)
def test_a_file_without_its_columns_is_refused_at_its_first_line(text, why):
    assert read(text) == ([], [(1, why)])


@given(st.text() | st.lists(st.text(), max_size=5).map(lambda rows: "\n".join([HEAD, *rows])))
def test_whatever_is_in_a_file_it_is_read_or_named(text):
    found, wrong = read(text)

    assert all(one.rate > 0 for one in found)
    assert all(line >= 1 and why for line, why in wrong)


@given(st.dates(date(1999, 1, 1), date(2999, 1, 1)), st.decimals("0.000001", "99999", places=6))
def test_what_is_typed_is_what_is_kept(day, number):
    assert rate(day.isoformat(), "EUR", "USD", f"{number:f}") == Rate(day, "EUR", "USD", number)
