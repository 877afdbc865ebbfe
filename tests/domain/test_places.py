"""Where an order's units are to lie: what a channel's places stand for, and that reservations follow them without losing a unit."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.order import Assignment, Party, Refund, RefundLine, Restock, Shipped, ShippedLine
from core.domain.places import PlaceMap
from core.domain.stock import Dues, LineStock, Plan, dues, history, settle
from tests.builders import LONG_AGO, a_line, an_order, money

BOTH = PlaceMap({"P1": ("east",), "P2": ("west",)}, frozenset({"P3"}), frozenset({"S"}), None)
PLACES = ["east", "west", "attic"]
ANY = PlaceMap({"": tuple(PLACES)})
UNITS = st.integers(0, 6)


def sent_by(place: str | None, units: int, party: Party = Party.MERCHANT, status: str = "open") -> Assignment:
    return Assignment(f"part of {place}", status, place, (ShippedLine("line-SHIRT-M", units),), party)


def test_the_connections_own_location_comes_first_and_the_others_in_their_order() -> None:
    assert replace(BOTH, first="west").locations == ["west", "east"]
    assert PlaceMap({"": ("a", "b")}).locations == ["a", "b"]


@pytest.mark.parametrize(
    ("places", "split"), [(PlaceMap(), False), (PlaceMap({"P1": ("a",)}, services=frozenset("S")), False), (BOTH, True),
                          (PlaceMap({"P1": ("a",)}, frozenset({"P2"})), True)]
)  # fmt: skip
def test_it_matters_where_an_order_is_sent_from_once_there_are_two_places(places: PlaceMap, split: bool) -> None:
    assert places.is_split is split


def test_units_are_assigned_by_what_is_open_at_each_place_and_unknown_places_say_nothing() -> None:
    order = an_order(lines=[a_line(ordered=9)], routing=(
        sent_by("P1", 2), sent_by("P2", 3), sent_by("P1", 1), sent_by("P9", 1), sent_by(None, 1), sent_by("P2", 4, status="closed"),
    ))  # fmt: skip

    assert BOTH.assigned(order) == {"line-SHIRT-M": {"east": 3, "west": 3}}
    assert BOTH.assigned(replace(order, routing=None)) == {}


@pytest.mark.parametrize(("part", "hold"), [
    (sent_by("P3", 2), 3), (sent_by("S", 2, Party.OTHER), 3), (sent_by("P1", 2), 5), (sent_by("P9", 2), 5), (sent_by("P3", 9), 0),
])  # fmt: skip
def test_what_is_sent_from_elsewhere_is_not_reserved(part: Assignment, hold: int) -> None:
    order = an_order(lines=[a_line(ordered=5)], routing=(part,))

    assert dues(order, order.lines[0], BOTH).hold == hold


def test_what_left_elsewhere_left_no_shelf_of_ours_and_comes_back_to_none() -> None:
    parcels = tuple(Shipped(place, LONG_AGO, (ShippedLine("line-SHIRT-M", units),), place) for place, units in (("P1", 2), ("P3", 1)))
    back = tuple(RefundLine("line-SHIRT-M", 1, Restock.RETURN, place) for place in ("P1", "P3"))
    refund = Refund("r", LONG_AGO, money("0"), back)
    order = an_order(lines=[a_line(ordered=5, fulfilled=3)], shipped=parcels, refunds=(refund,), revision=LONG_AGO + timedelta(days=1))

    assert dues(order, order.lines[0], BOTH) == Dues(2, 2, 1, "P1")
    assert history(order, order.lines[0], LONG_AGO, BOTH) == (2, 1)
    assert history(order, order.lines[0], LONG_AGO - timedelta(days=1), BOTH) == (0, 0)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[dict[tuple[str, str], tuple[int, int]], list[LineStock]]:
    """Shelves, and lines that hold some of them and want more or less, sent from here or there."""
    levels = {(sku, place): (draw(UNITS) + 4, 0) for sku in "AB" for place in PLACES}
    lines = []
    for number in range(draw(st.integers(1, 3))):
        parts = draw(st.sampled_from([{"A": 1}, {"B": 1}, {"A": 1, "B": 2}]))
        place, held = draw(st.sampled_from(PLACES)), draw(st.integers(0, 1))
        reserved = {(sku, place): each * held for sku, each in parts.items() if held}
        for key, units in reserved.items():
            levels[key] = (levels[key][0], levels[key][1] + units)
        assigned = draw(st.dictionaries(st.sampled_from(PLACES[:2]), st.integers(1, 4), max_size=2))
        lines.append(
            LineStock(f"o{number}", "1", number, Dues(draw(UNITS), 0, 0), held, 0, 0, parts, reserved, assigned=assigned, places=ANY)
        )
    return {key: (max(on_hand, reserved), reserved) for key, (on_hand, reserved) in levels.items()}, lines


def after(levels: dict[tuple[str, str], tuple[int, int]], plan: Plan) -> dict[tuple[str, str], tuple[int, int]]:
    moved = {key: plan.shelves.get(key, [0, 0]) for key in levels}
    return {key: (on_hand + moved[key][0], reserved + moved[key][1]) for key, (on_hand, reserved) in levels.items()}


def lies(line: LineStock, plan: Plan) -> Counter[tuple[str, str]]:
    found = Counter(line.reserved)
    for (order, _, sku, place), units in plan.reservations.items():
        if order == line.order:
            found[sku, place] = units
    return +found


@settings(max_examples=150, deadline=None, derandomize=True)
@given(scenes())
def test_wherever_units_are_to_be_sent_from_none_is_lost_or_promised_twice(scene) -> None:  # type: ignore[no-untyped-def]
    levels, lines = scene
    plan = settle(lines, levels)
    shelves = after(levels, plan)
    held = {line.order: held for line, held, *_ in plan.lines}

    assert all(0 <= reserved <= on_hand for on_hand, reserved in shelves.values())
    total = sum((lies(line, plan) for line in lines), Counter[tuple[str, str]]())
    assert {key: units for key, (_, units) in shelves.items() if units} == dict(total)
    for line in lines:
        wanted = Counter({sku: each * held[line.order] for sku, each in (line.parts or {}).items()})
        by_sku = Counter[str]()
        for (sku, _), units in lies(line, plan).items():
            by_sku[sku] += units
        assert by_sku == +wanted
        assert held[line.order] <= line.due.hold


@settings(max_examples=100, deadline=None, derandomize=True)
@given(scenes())
def test_a_line_lies_elsewhere_only_where_the_place_that_sends_it_has_no_more(scene) -> None:  # type: ignore[no-untyped-def]
    levels, lines = scene
    line = replace(lines[0], reserved={}, held=0)
    levels = {key: (on_hand, 0) for key, (on_hand, _) in levels.items()}
    plan = settle([line], levels)
    shelves, mine = after(levels, plan), lies(line, plan)

    for sku, each in (line.parts or {}).items():
        for place, units in line.assigned.items():
            short = units * each - mine[sku, place]
            astray = sum(mine[sku, other] - line.assigned.get(other, 0) * each for other in PLACES if mine[sku, other])
            assert short <= 0 or astray <= 0 or shelves[sku, place][0] == shelves[sku, place][1]
