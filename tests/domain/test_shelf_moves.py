"""What a channel's own warehouses lost, found and disposed of: which days are read, who counts a loss, and what is booked."""

from collections.abc import Sequence
from datetime import UTC, date, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.costing import EVER, UnitCost, on_shelves, us
from core.domain.documents import Mode, Written, described, source_of
from core.domain.journal import Entry
from core.domain.order_entries import Rules
from core.domain.shelf_moves import (
    DAY,
    Cause,
    Reading,
    ShelfMove,
    ToldDays,
    added_up,
    changed,
    in_ours,
    is_told_by_shelves,
    place_of,
    subject_of,
)
from tests.conftest import START

NOV = partial(date, 2026, 11)
RULES = Rules(NOV(1), UTC)
COSTS = {"A": [UnitCost(EVER, 1_500_000, "USD"), UnitCost(us(START.replace(day=5, hour=12)), 2_000_000, "USD")]}


# ---- who counts a loss


@pytest.mark.parametrize(
    ("on", "first", "outside", "told"),
    [
        (NOV(4), NOV(4), False, True),  # from the first day on that was read
        (NOV(9), NOV(4), False, True),
        (NOV(3), NOV(4), False, False),  # before, the money tells it as it always did
        (NOV(9), None, False, False),  # nobody ever read its shelves
        (NOV(9), NOV(4), True, False),  # lost before it lay there, or after it left: no shelf tells
    ],
)
def test_a_loss_is_counted_once_by_its_shelf_or_by_the_money_for_it(on: date, first: date | None, outside: bool, told: bool) -> None:
    assert is_told_by_shelves(on, first, outside=outside) is told


# ---- which days are read

TODAY = NOV(22)
LONG_AGO = TODAY - 100 * DAY


@pytest.mark.parametrize(
    ("reading", "wanted", "since"),
    [
        (Reading(), LONG_AGO, LONG_AGO),  # nobody ever asked
        (Reading(LONG_AGO, TODAY - DAY, LONG_AGO), LONG_AGO, TODAY - 30 * DAY),  # what may change is read again
        (Reading(LONG_AGO, TODAY - 50 * DAY, LONG_AGO), LONG_AGO, TODAY - 50 * DAY),  # so long nobody asked
        (Reading(LONG_AGO, TODAY, LONG_AGO), LONG_AGO - DAY, LONG_AGO - DAY),  # goods' cost is booked from an earlier day on
        (Reading(LONG_AGO, TODAY, LONG_AGO), TODAY - 3 * DAY, TODAY - 3 * DAY),  # and from a later one
        (Reading(asked=LONG_AGO), LONG_AGO, TODAY - 30 * DAY),  # it never said anything
    ],
)
def test_what_may_have_changed_is_read_and_all_that_nobody_asked_for_yet(reading: Reading, wanted: date, since: date) -> None:
    assert reading.begins(wanted, TODAY, 30) == since


def test_a_reading_is_over_when_its_last_page_came_and_knows_which_days_were_told() -> None:
    page = [ToldDays(NOV(3), NOV(8))]

    midway = Reading().after(page, NOV(1), NOV(1), "more")
    over = midway.after([], NOV(1), NOV(1), None)

    assert midway == Reading(NOV(3), NOV(8), None, NOV(1), "more")
    assert over == Reading(NOV(3), NOV(8), NOV(1))
    assert over.after([ToldDays(NOV(7), NOV(9))], NOV(7), NOV(2), None) == Reading(NOV(3), NOV(9), NOV(1))


# ---- what is booked


def move(day: date, units: int, cause: Cause = Cause.LOST, sku: str = "A", reason: str = "M") -> ShelfMove:
    return ShelfMove(day, sku, cause, reason, units)


def entries(moves: Sequence[ShelfMove]) -> list[Entry]:
    """Of all these days, as they are told in the end."""
    days = in_ours(moves, {"A": [("A", 1)], "TWO": [("A", 2)]})
    return [entry for day, units in sorted(days.items()) for entry in _made(day, units).entries]


def _made(day: date, units: dict[str, int]):  # type: ignore[no-untyped-def]
    return on_shelves(subject_of("c", day), "c", day, units, COSTS, RULES, NOV(3))


def amounts(found: Sequence[Entry]) -> dict[str, list[str]]:
    return {entry.subject: [one.amount.text() for one in entry.postings] for entry in found}


def test_what_left_is_an_expense_and_what_is_found_comes_back_at_the_cost_of_the_days_end() -> None:
    told = [move(NOV(4), -3), move(NOV(5), -1, Cause.DISPOSED), move(NOV(6), 2, Cause.FOUND), move(NOV(6), -9, Cause.UNKNOWN)]

    assert amounts(entries(told)) == {
        "shelf c/2026-11-04": ["4.50", "-4.50"],
        "shelf c/2026-11-05": ["2.00", "-2.00"],
        "shelf c/2026-11-06": ["-4.00", "4.00"],
    }


def test_units_are_those_of_our_skus_and_days_before_the_first_are_not_booked() -> None:
    assert amounts(entries([move(NOV(4), -1, sku="TWO"), move(NOV(2), -1)])) == {"shelf c/2026-11-04": ["3.00", "-3.00"]}


def test_what_is_lost_and_found_on_one_day_moves_nothing() -> None:
    assert entries([move(NOV(4), -2), move(NOV(4), 2, Cause.FOUND)]) == []


def test_units_without_a_cost_or_a_sku_of_ours_are_missing() -> None:
    made = _made(NOV(4), in_ours([move(NOV(4), -2, sku="B")], {})[NOV(4)])

    assert (made.entries, made.missing) == ([], {"": 2})


def test_a_subject_says_whose_day_it_is() -> None:
    assert place_of(subject_of("c/1", NOV(4))) == ("c/1", NOV(4))


@pytest.mark.parametrize(
    ("mode", "source"),
    [(Mode.PER_PAYOUT, "shelf|c|2026-11"), (Mode.DAILY, "day|c|2026-11-04"), (Mode.PER_ORDER, "day|c|2026-11-04"), (Mode.NONE, None)],
)
def test_in_a_ledger_it_is_a_journal_a_day_or_where_payouts_are_one_of_the_month(mode: Mode, source: str | None) -> None:
    [made] = entries([move(NOV(4), -1)])
    written = Written(1, made.kind, made.subject, made.on, made.memo, made.postings)

    assert source_of(written, mode, date(2026, 12, 15)) == source
    assert "lost and found" in described("shelf|c|2026-11", [written], "Amazon")
    if mode is Mode.PER_PAYOUT:
        assert source_of(written, mode, date(2026, 12, 5)) is None  # until then Amazon may tell it otherwise


moves = st.builds(
    ShelfMove, st.dates(NOV(1), NOV(8)), st.sampled_from(["A", "TWO", "B"]), st.sampled_from(Cause), st.sampled_from("MFD5Z"),
    st.integers(-5, 5),
)  # fmt: skip


@given(st.lists(moves, max_size=20), st.data())
def test_in_whatever_order_days_are_read_and_however_often_the_same_is_booked(told: list[ShelfMove], data: st.DataObject) -> None:
    """Readings of overlapping days in any order, the days before them told otherwise: what stands in the end is what was told last."""
    truth, kept = added_up(told), list[ShelfMove]()
    spans = data.draw(st.lists(st.tuples(st.dates(NOV(1), NOV(8)), st.integers(1, 8)), max_size=4))
    for since, days in [*spans, (NOV(1), 8)]:
        until, lied = since + timedelta(days=days), data.draw(st.booleans())
        said = [] if lied and (since, days) != (NOV(1), 8) else [one for one in truth if since <= one.day < until]
        before = [one for one in kept if since <= one.day < until]
        new = [one for one in kept if not since <= one.day < until] + said
        assert {one.day for one in kept} ^ {one.day for one in new} <= {*changed(before, said)}
        kept = sorted(new, key=lambda one: (one.day, one.sku, one.cause, one.reason))

    assert kept == truth
    assert entries(kept) == entries(told)


@given(st.lists(moves, max_size=20))
def test_adding_up_loses_no_unit_and_no_word(told: list[ShelfMove]) -> None:
    found = added_up(told)

    assert sum(one.units for one in found) == sum(one.units for one in told)
    assert sum(one.times for one in found) == len(told)
    assert len({(one.day, one.sku, one.cause, one.reason) for one in found}) == len(found)
