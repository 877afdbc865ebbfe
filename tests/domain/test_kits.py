"""Kits: how many whole ones there are, which maps cannot be, and that a unit is never split where it must not be."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.kits import DEALT, INSIDE, ITSELF, NESTED, UNITS, available, explodes, whole, wrong
from core.domain.places import PlaceMap
from core.domain.stock import Dues, LineStock, Plan, sellable, settle

SET = {"MUG": 2, "TRAY": 1}
PLACES = ("a", "b", "c")
units = st.integers(0, 12)
maps = st.dictionaries(st.sampled_from(("MUG", "TRAY", "LID")), st.integers(1, 4), min_size=1)
shelves = st.dictionaries(st.tuples(st.sampled_from(("MUG", "TRAY", "LID")), st.sampled_from(PLACES)), units)


def at(free: dict[tuple[str, str], int]) -> dict[str, dict[str, int]]:
    return {place: {sku: count for (sku, there), count in free.items() if there == place} for place in PLACES}


def put_together(parts: dict[str, int], free: dict[tuple[str, str], int]) -> int:
    """One after the other, at every location, until none is left."""
    left, made = Counter(free), 0
    for place in PLACES:
        while all(left[sku, place] >= each for sku, each in parts.items()):
            left.subtract({(sku, place): each for sku, each in parts.items()})
            made += 1
    return made


def line(parts: dict[str, int], hold: int, **more: object) -> LineStock:
    given_ = {"parts": parts, "alone": True, "places": PlaceMap({"": PLACES}), **more}
    return LineStock("o1", "1", 0, Dues(hold, 0, 0), **given_)  # type: ignore[arg-type]


def reserved(plan: Plan) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for (_, _, sku, place), count in plan.reservations.items():
        found.setdefault(place, Counter())[sku] += count
    return found


@given(maps, shelves)
def test_exactly_as_many_lie_whole_as_can_be_put_together_one_by_one(parts, free):
    assert whole(parts, at(free)) == put_together(parts, free)


@given(maps, shelves, st.sampled_from(("MUG", "TRAY")), st.lists(st.sampled_from(PLACES), max_size=9))
def test_wherever_others_take_what_they_are_owed_no_more_were_shown_than_are_left(parts, free, sku, taken):
    left = Counter(free)
    for place in taken:
        left[sku, place] -= min(1, left[sku, place])
    owed = sum(free.values()) - left.total()

    assert whole(parts, at(free), {sku: owed}) <= put_together(parts, dict(left))


def test_what_is_over_at_each_location_is_taken_first():
    free = {"a": {"MUG": 9, "TRAY": 2}, "b": {"MUG": 5, "TRAY": 1}}

    assert [whole(SET, free, {"MUG": owed}) for owed in (0, 3, 4, 5, 6)] == [3, 3, 2, 2, 1]


@given(maps, shelves, st.booleans())
def test_of_all_kits_as_many_are_told_as_of_each(parts, free, alone):
    lies = {sku: {place: free.get((sku, place), 0) for place in PLACES} for sku in parts}
    everywhere = {sku: sum(there.values()) for sku, there in lies.items()}

    assert available(parts, lies, PLACES, alone=alone) == (put_together(parts, free) if alone else sellable(parts, everywhere))


def test_of_a_part_that_nobody_counted_nothing_is_known():
    assert available(SET, {"MUG": {"a": 5}}, PLACES, alone=False) is None
    assert available(SET, {"MUG": {"a": 5}, "TRAY": {"z": 5}}, PLACES, alone=True) is None
    assert available({"MUG": 2}, {"MUG": {"a": -3, "b": 5}}, PLACES, alone=True) == 2


@given(maps, shelves)
def test_never_more_lie_at_one_location_than_at_all_of_them_together(parts, free):
    everywhere = Counter[str]()
    for (sku, _), count in free.items():
        everywhere[sku] += count

    assert whole(parts, at(free)) <= sellable(parts, everywhere)


@given(maps, shelves, st.integers(0, 20))
def test_whatever_is_shown_can_be_reserved_and_no_unit_is_split(parts, free, wanted):
    plan = settle([line(parts, wanted)], {key: (count, 0) for key, count in free.items()})

    [(_, held, _, _, waits)] = plan.lines
    assert held == min(wanted, whole(parts, at(free)))
    assert (waits == "stock") == (held < wanted)
    for lies in reserved(plan).values():
        [made] = {lies[sku] / each for sku, each in parts.items()}
        assert made == int(made)


@given(maps, shelves, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_units_that_leave_or_are_let_go_leave_whole_ones_behind(parts, free, wanted, gone, kept):
    levels = {key: (count, 0) for key, count in free.items()}
    first = settle([line(parts, wanted)], levels)
    [(_, held, _, _, _)] = first.lines
    shelf = Counter({key: change[1] for key, change in first.shelves.items()})
    now = {key: (levels.get(key, (0, 0))[0], shelf[key]) for key in {*levels, *shelf}}
    mine = {(sku, place): count for (_, _, sku, place), count in first.reservations.items() if count}
    shuffled = dict(sorted(mine.items(), key=lambda one: (one[0][0], one[0][1] != "b")))

    again = settle(
        [replace(line(parts, min(kept, held)), held=held, reserved=shuffled, due=Dues(min(kept, held), min(gone, held), 0))], now
    )

    left = {**mine, **{(sku, place): count for (_, _, sku, place), count in again.reservations.items()}}
    for place in PLACES:
        assert len({left.get((sku, place), 0) / each for sku, each in parts.items()}) == 1


def test_units_lie_at_several_locations_and_each_is_whole():
    free = {("MUG", "a"): 5, ("TRAY", "a"): 2, ("MUG", "b"): 1, ("TRAY", "b"): 9, ("MUG", "c"): 2, ("TRAY", "c"): 1}

    plan = settle([line(SET, 4)], {key: (count, 0) for key, count in free.items()})

    assert reserved(plan) == {"a": Counter(MUG=4, TRAY=2), "c": Counter(MUG=2, TRAY=1)}
    assert plan.lines[0][1] == 3, "the mug at b has trays enough and no second mug"


def test_where_the_channel_wants_it_sent_from_is_served_with_whole_units():
    levels = {("MUG", "a"): (4, 0), ("TRAY", "a"): (2, 0), ("MUG", "b"): (2, 0), ("TRAY", "b"): (2, 0)}
    plan = settle([line(SET, 2, assigned={"b": 2})], levels)
    assert reserved(plan) == {"a": Counter(MUG=2, TRAY=1), "b": Counter(MUG=2, TRAY=1)}

    held = {("MUG", "a"): 4, ("TRAY", "a"): 2}
    now = {("MUG", "a"): (4, 4), ("TRAY", "a"): (2, 2), ("MUG", "b"): (2, 0), ("TRAY", "b"): (1, 0)}
    moved = settle([line(SET, 2, assigned={"b": 2}, held=2, reserved=held)], now)
    assert reserved(moved) == {"a": Counter(MUG=2, TRAY=1), "b": Counter(MUG=2, TRAY=1)}


def test_what_was_reserved_across_locations_is_put_together_anew():
    split = {("MUG", "a"): 2, ("TRAY", "b"): 1}
    levels = {("MUG", "a"): (2, 2), ("TRAY", "b"): (1, 1), ("MUG", "c"): (2, 0), ("TRAY", "c"): (1, 0)}

    plan = settle([line(SET, 1, held=1, reserved=split)], levels)

    assert {place: lies for place, lies in reserved(plan).items() if lies.total()} == {"c": Counter(MUG=2, TRAY=1)}


def test_a_line_whose_parts_are_lines_of_their_own_moves_nothing_and_waits_for_nothing():
    plan = settle([replace(line({}, 0), due=Dues(0, 3, 1))], {("MUG", "a"): (4, 0)})

    assert (plan.shelves, plan.movements, plan.events) == ({}, [], [])
    assert plan.lines[0][1:] == (0, 3, 1, None)


@pytest.mark.parametrize(
    ("sku", "parts", "known", "why"),
    [
        ("SET", {"MUG": 2, "TRAY": 1}, {}, ""),
        ("MUG", {"MUG": 6}, {}, ""),
        ("SET", {"SET": 1, "MUG": 1}, {}, ITSELF),
        ("BIG", {"SET": 1, "MUG": 1}, {"kits": ["SET"]}, NESTED),
        ("BIG", {"SET": 1}, {"kits": ["SET"]}, NESTED),
        ("SET", {"SET": 1}, {"kits": ["SET"]}, ""),
        ("SET", {"MUG": 2}, {"inside": ["SET"]}, INSIDE),
        ("SET", {"SET": 1}, {"inside": ["SET"]}, ""),
        ("SET", {"MUG": 0}, {}, UNITS),
        ("SET", {"MUG": -1}, {}, UNITS),
        ("SET", {"MUG": 10_000}, {}, UNITS),
        ("SET", {"MUG": 2}, {"dealt": ["MUG"], "alone": True}, DEALT),
        ("SET", {"MUG": 2}, {"dealt": ["MUG"]}, ""),
    ],
)
def test_maps_that_cannot_be_are_refused_with_the_reason(sku, parts, known, why):
    assert wrong(sku, parts, **{"kits": (), "inside": (), **known})[0] == why


def test_a_listing_that_sells_its_own_sku_explodes_into_nothing():
    assert not explodes("MUG", {"MUG": 2})
    assert not explodes("MUG", {})
    assert explodes("SET", {"MUG": 1})
