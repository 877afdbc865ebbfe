"""What goods cost: averages lose nothing, older moments stand, and what comes back comes to what it left at."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.costing import SCALE, Again, Costed, Gone, UnitCost, after_receipt, at, costed, lost, parse, parts_of, us, worth
from core.domain.journal import Account
from core.domain.money import Money
from core.domain.order import Order, Refund, RefundLine, Restock, Shipped, ShippedLine
from core.domain.order_entries import Rules
from tests.builders import a_line, an_order

NOON = datetime(2026, 11, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
RULES = Rules(date(2026, 1, 1), UTC)
COSTS = st.integers(0, 10**9)
UNITS = st.integers(1, 10**5)
A = {"A": [UnitCost(0, 33333, "USD")]}  # three and a third cents


def sold(fulfilled: int = 3, *parcels: tuple[str, int], **different: object) -> Order:
    shipped = tuple(Shipped(id, NOON + n * DAY, (ShippedLine("1", units),)) for n, (id, units) in enumerate(parcels))
    made = an_order(placed_at=NOON - DAY, lines=[a_line("A", id="1", ordered=9, fulfilled=fulfilled)], shipped=shipped)
    return replace(made, **different)  # type: ignore[arg-type]


def back(id: str, units: int, restock: Restock = Restock.RETURN) -> Refund:
    return Refund(id, NOON + 5 * DAY, Money(0, "USD"), (RefundLine("1", units, restock),))


def made(one: Order, costs: object = A, parts: object = None, again: tuple[Again, ...] = (), since: date = date.min) -> Costed:
    return costed(one, parts or {"1": {"A": 1}}, again, costs, RULES, since)  # type: ignore[arg-type]


def sums(one: Costed) -> dict[str, int]:
    return {entry.key: sum(p.amount.minor for p in entry.postings if p.account is Account.GOODS_SOLD) for entry in one.entries}


@given(UNITS, COSTS, UNITS, COSTS)
def test_an_average_lies_between_what_it_is_made_of_and_loses_less_than_a_half(on_hand, old, received, cost):
    found = after_receipt(on_hand, UnitCost(0, old, "USD"), received, cost, "USD")

    assert min(old, cost) <= found <= max(old, cost)
    assert abs(found * (on_hand + received) - (on_hand * old + received * cost)) * 2 <= on_hand + received


@given(st.integers(-(10**5), 0), COSTS, UNITS, COSTS)
def test_where_nothing_lay_the_new_cost_counts(on_hand, old, received, cost):
    assert after_receipt(on_hand, UnitCost(0, old, "USD"), received, cost, "USD") == cost


def test_another_currency_is_not_averaged():
    assert after_receipt(10, UnitCost(0, 100, "EUR"), 10, 300, "USD") == 300
    assert after_receipt(10, None, 10, 300, "USD") == 300


@given(UNITS, COSTS)
def test_worth_is_right_to_the_nearest_cent(units, cost):
    assert abs(worth(units, UnitCost(0, cost, "USD")).minor * SCALE - units * cost) * 2 <= SCALE


@given(st.lists(st.tuples(st.integers(0, 100), COSTS), max_size=6, unique_by=lambda one: one[0]), st.integers(-1, 101), COSTS)
def test_a_cost_that_begins_later_changes_nothing_before(known, moment, cost):
    costs = [UnitCost(when, each, "USD") for when, each in sorted(known)]

    assert at([*costs, UnitCost(200, cost, "USD")], moment) == at(costs, moment)


@given(st.integers(0, 10**12), st.sampled_from(["USD", "JPY", "KWD"]))
def test_what_is_typed_is_read_as_it_is_shown(cost, currency):
    assert parse(UnitCost(0, cost, currency).text, currency) == cost


@pytest.mark.parametrize("text", ["", "x", "-1", "1.2345678", "NaN", "Infinity", "1e30"])
def test_what_is_no_cost_is_declined(text):
    with pytest.raises(ValueError, match="amount of money"):
        parse(text, "USD")


def test_each_parcel_is_an_entry_of_its_own_and_kits_are_their_parts():
    found = made(sold(3, ("p1", 1), ("p2", 2)), {**A, "B": [UnitCost(0, 10000, "USD")]}, {"1": {"A": 2, "B": 1}})

    assert sums(found) == {"cost p1": 7 + 1, "cost p2": 13 + 2}
    assert {posting.item for posting in found.entries[0].postings} == {"sku A", "sku B"}
    assert [entry.on for entry in found.entries] == [NOON.date(), (NOON + DAY).date()]


def test_what_the_channel_sent_without_telling_when_left_when_it_was_placed():
    found = made(sold(3, ("p1", 1)))

    assert sums(found) == {"cost p1": 3, "cost line 1": 7}
    assert found.entries[1].on == (NOON - DAY).date()


def test_older_parcels_stand_at_the_cost_of_their_moment():
    later = {"A": [UnitCost(0, 10000, "USD"), UnitCost(us(NOON) + 1, 90000, "USD")]}

    assert sums(made(sold(2, ("p1", 1), ("p2", 1)), later)) == {"cost p1": 1, "cost p2": 9}


def test_units_without_a_cost_are_told_and_the_others_booked():
    found = made(sold(2, ("p1", 2)), parts={"1": {"A": 1, "B": 3}})

    assert (sums(found), found.missing) == ({"cost p1": 7}, {"B": 6})


def test_nothing_is_booked_before_the_first_day_nor_missed():
    found = made(sold(2, ("p1", 1), ("p2", 1)), {}, since=(NOON + DAY).date())

    assert (found.entries, found.missing) == ([], {"A": 1})


def test_what_left_before_the_first_day_does_not_come_back_into_the_books():
    found = made(sold(1, ("p1", 1), refunds=(back("r", 1),)), since=(NOON + DAY).date())

    assert found.entries == []


@pytest.mark.parametrize("restock", [Restock.CANCEL, Restock.NONE, Restock.UNKNOWN])
def test_what_did_not_come_back_to_the_shelf_stays_sold(restock):
    assert sums(made(sold(1, ("p1", 1), refunds=(back("r", 1, restock),)))) == {"cost p1": 3}


def test_no_more_comes_back_than_left():
    found = made(sold(1, ("p1", 1), refunds=(back("r", 5), back("s", 1))))

    assert sums(found) == {"cost p1": 3, "cost back r": -3}


@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.lists(st.integers(1, 5), max_size=8), st.integers(1, 10**6))
def test_once_all_came_back_nothing_is_left_to_the_cent(parcels, returns, cost):
    units = sum(parcels)
    returned = [*returns, units]  # the last brings whatever is left
    parts = [(f"p{n}", count) for n, count in enumerate(parcels)]
    found = made(sold(units, *parts, refunds=tuple(back(f"r{n}", n_) for n, n_ in enumerate(returned))), {"A": [UnitCost(0, cost, "USD")]})

    assert sum(sums(found).values()) == 0


def test_goods_sent_once_more_are_an_entry_of_their_own():
    assert sums(made(sold(1, ("p1", 1)), again=(Again("s9", NOON, {"1": 2}),))) == {"cost p1": 3, "cost again s9": 7}


def test_test_orders_cost_nothing():
    assert made(sold(1, ("p1", 1), test=True)) == Costed()


def test_what_a_line_consumes_is_what_was_sent_else_what_is_mapped_else_its_own_sku():
    one = a_line("A")

    assert parts_of(one, {"B": 2}, {"C": 1}) == {"C": 1}
    assert parts_of(one, {"B": 2}, None) == {"B": 2}
    assert parts_of(one, None, None) == {"A": 1}
    assert parts_of(replace(one, sku=None), None, None) == {"": 1}
    assert parts_of(replace(one, sku=None, requires_shipping=False), None, None) is None


COSTED = {"A": [UnitCost(0, 12_345, "USD"), UnitCost(us(NOON), 30_000, "USD")]}


def gone(*parts: tuple[str, int], at_: datetime = NOON, since: date = date.min) -> Costed:
    return lost("payout amazon/7", "7", "amazon", [Gone(at_, sku, units) for sku, units in parts], COSTED, RULES, since)


def test_what_a_channel_lost_leaves_stock_at_the_average_of_its_moment_and_comes_back_when_it_is_found():
    assert sums(gone(("A", 2))) == {f"lost {NOON.date()}": 6}
    assert sums(gone(("A", 2), at_=NOON - DAY)) == {f"lost {(NOON - DAY).date()}": 2}
    assert sums(gone(("A", -2))) == {f"lost {NOON.date()}": -6}
    assert gone(("A", 2), ("A", -2)).entries == []


def test_what_was_lost_before_the_first_day_is_not_booked_and_what_nobody_knows_a_cost_of_waits():
    assert gone(("A", 2), ("B", 1), since=(NOON + DAY).date()) == Costed()
    assert gone(("B", 1), ("", -3)).missing == {"B": 1, "": 3}
