"""Settling several lines at once: who is short while others give back gets another look."""

from dataclasses import replace

import pytest

from core.domain.events import UnitsBack
from core.domain.places import PlaceMap
from core.domain.stock import Dues, LineStock, Plan, settle
from core.domain.stored import Theirs

HOME = PlaceMap({"": ("home",)}, first="home")


def a_line(order: str, placed_at: int, hold: int, held: int) -> LineStock:
    reserved = {("A", "home"): held} if held else {}
    return LineStock(order, "1", placed_at, Dues(hold, 0, 0), held=held, parts={"A": 1}, reserved=reserved, places=HOME)


def test_what_one_gives_back_after_another_went_short_is_told_though_a_third_took_as_much() -> None:
    lines = [a_line("first", 1, hold=1, held=0), a_line("second", 2, hold=1, held=0), a_line("third", 3, hold=0, held=1)]

    plan = settle(lines, {("A", "home"): (2, 1)})

    assert [waits for *_, waits in plan.lines] == [None, "stock", None]
    assert plan.shelves["A", "home"] == [0, 0]
    assert plan.frees


# ---- a line of which some lies on a shelf that a channel counts

BOTH = PlaceMap({"": ("FBA", "home"), "P2": ("FBA",)}, first="FBA")
SPLIT = LineStock(
    "one", "1", 1, Dues(0, 5, 0), booked_gone=5, parts={"A": 1}, places=BOTH,
)  # fmt: skip


def comes_back(now: int, booked: int = 0, sent: int = 3, back_to: str | None = None) -> Plan:
    """Of five units that left, `sent` of them from there, so many are back now."""
    theirs = Theirs(frozenset({"FBA"}), frozenset({"FBA"}), sent={("one", "1"): sent})
    line = replace(SPLIT, due=Dues(0, 5, now, back_to), booked_back=booked)
    return settle([line], {("A", "FBA"): (4, 0), ("A", "home"): (6, 0)}, theirs)


@pytest.mark.parametrize(
    ("booked", "now", "sent", "home"),
    [(0, 2, 3, 0), (0, 4, 3, 1), (3, 5, 3, 2), (0, 2, 0, 2), (4, 2, 3, -1), (2, 1, 3, 0), (2, 2, 3, 0)],
)
def test_what_a_channel_sent_comes_back_to_its_shelf_first_and_never_to_ours(booked: int, now: int, sent: int, home: int) -> None:
    plan = comes_back(now, booked, sent)

    assert {place: units for _, place, units, _, _ in plan.movements} == ({"home": home} if home else {})
    assert plan.lines[0][1:4] == (0, 5, now)


def test_who_reads_the_order_sees_where_it_came_back_to() -> None:
    assert [fact for _, fact in comes_back(4).events] == [UnitsBack("1", 4, theirs=3)]


def test_a_place_that_only_the_channel_counts_gives_nothing_to_our_shelves() -> None:
    assert comes_back(2, sent=0, back_to="P2").movements == []


@pytest.mark.parametrize(("first", "home"), [("FBA", []), ("home", [2])])
def test_what_did_not_leave_after_all_is_never_put_on_a_shelf_of_ours_that_it_may_not_have_left(first: str, home: list[int]) -> None:
    other = {"FBA": "home", "home": "FBA"}[first]
    line = replace(SPLIT, due=Dues(0, 3, 0), places=PlaceMap({"": (first, other)}, first=first))

    plan = settle([line], {("A", "FBA"): (4, 0), ("A", "home"): (6, 0)}, Theirs(frozenset({"FBA"})))

    assert [units for _, _, units, _, _ in plan.movements] == home


@pytest.mark.parametrize("staying", ["FBA", "home"])
def test_what_leaves_is_taken_from_where_no_other_shipment_waits_for_it(staying: str) -> None:
    lies = {("A", "FBA"): 2, ("A", "home"): 2}
    line = replace(SPLIT, due=Dues(2, 2, 0), held=4, booked_gone=0, reserved=lies, staying={("A", staying): 2})

    plan = settle([line], dict.fromkeys(lies, (2, 2)), Theirs(frozenset({"FBA"}), frozenset({"FBA"})))

    assert [(place, units) for _, place, units, _, _ in plan.movements] == [("home" if staying == "FBA" else "FBA", -2)]


def test_what_the_channel_sent_without_us_leaves_no_shelf_that_another_counts() -> None:
    plan = settle([replace(SPLIT, booked_gone=0)], {("A", "FBA"): (9, 0), ("A", "home"): (3, 0)}, Theirs(frozenset({"FBA"})))

    assert [(place, units) for _, place, units, _, _ in plan.movements] == [("home", -3)]
