"""The day's rates as they are kept: the last one before a weekend counts, and no older one."""

from datetime import date
from decimal import Decimal

import pytest

from core.domain.rates import Rate
from core.store import rates
from tests.conftest import House

FRIDAY = Rate(date(2026, 11, 20), "EUR", "USD", Decimal("1.0834"))


@pytest.mark.parametrize(
    ("day", "found"),
    [
        (date(2026, 11, 19), None),
        (date(2026, 11, 20), Decimal("1.0834")),
        (date(2026, 11, 22), Decimal("1.0834")),
        (date(2026, 11, 26), Decimal("1.0834")),
        (date(2026, 11, 27), None),
    ],
)
def test_a_day_without_a_rate_takes_the_last_one_before_it(house: House, day: date, found: Decimal | None) -> None:
    with house.hub.unit() as work:
        rates.keep(work.db, house.merchant.id, [FRIDAY])

        assert rates.on(work.db, house.merchant.id, "EUR", "USD", day) == found


def test_a_rate_that_is_given_again_replaces_the_first_and_one_that_is_dropped_is_gone(house: House) -> None:
    other = Rate(FRIDAY.day, "EUR", "USD", Decimal("1.1"))
    with house.hub.unit() as work:
        rates.keep(work.db, house.merchant.id, [FRIDAY, other])
        assert rates.on(work.db, house.merchant.id, "EUR", "USD", FRIDAY.day) == Decimal("1.1")
        assert [one.rate for one in rates.listed(work.db, house.merchant.id, "EUR", "USD")] == [other]

        rates.drop(work.db, house.merchant.id, "EUR", "USD", FRIDAY.day)

        assert rates.on(work.db, house.merchant.id, "EUR", "USD", FRIDAY.day) is None
        assert rates.pairs(work.db, house.merchant.id) == []


def test_rates_are_a_merchants_own_one_way_and_one_between_a_currency_and_itself(house: House) -> None:
    with house.hub.unit() as work:
        rates.keep(work.db, house.merchant.id, [FRIDAY])

        assert rates.on(work.db, "another", "EUR", "USD", FRIDAY.day) is None
        assert rates.on(work.db, house.merchant.id, "USD", "EUR", FRIDAY.day) is None
        assert rates.on(work.db, house.merchant.id, "EUR", "EUR", FRIDAY.day) == 1
