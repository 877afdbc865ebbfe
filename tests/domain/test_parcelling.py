"""Several parcels of a shipment: whatever is scanned or moved, each unit is in one of them."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.domain.bench import Done, Piece
from core.domain.parcelling import another, cuts, in_lines, scanned_into
from core.domain.shipments import Load, parted, pieces

SET = Load("1", "Set", 2, {"CUP": 1, "PLATE": 2})
CUPS = Load("2", "Cup", 3, {"CUP": 1})

load = some.builds(Load, some.sampled_from("123"), some.just(""), some.integers(1, 6), some.just({"A": 1}))
loads = some.lists(load, min_size=1, unique_by=lambda load: load.line)


@given(loads, some.lists(some.dictionaries(some.sampled_from("123"), some.integers(0, 6)), max_size=5))
def test_moving_units_into_further_parcels_loses_and_gains_none(lines: list[Load], moves: list[dict[str, int]]) -> None:
    now: list[dict[str, int]] = []
    for move in moves:
        try:
            now = another(lines, now, move)
        except ValueError:
            continue
        found = parted(lines, now)
        assert all(found)
        assert {line.line: sum(one.units for part in found for one in part if one.line == line.line) for line in lines} == {
            line.line: line.units for line in lines
        }


@given(some.lists(some.integers(0, 2), min_size=1, max_size=12), some.sets(some.integers(1, 12)))
def test_what_was_scanned_lies_in_the_parcel_that_was_open_then(places: list[int], starts: set[int]) -> None:
    wanted = [Piece(sku, "", 12) for sku in "ABC"]
    done = Done()
    for place in places:
        done = done.more(place, 1)
    here = cuts(".".join(map(str, starts)), done)

    found = scanned_into(done, here, wanted)

    assert sum(found, Counter()) == Counter("ABC"[place] for place in places)
    assert len(found) == len(here) + 1 and all(found[:-1])


@given(loads, some.data())
def test_what_is_scanned_is_units_of_lines_again(lines: list[Load], data: some.DataObject) -> None:
    every = pieces(lines)
    first = {sku: data.draw(some.integers(0, units)) for sku, units in every.items()}
    parts = [part for part in (Counter(first), every - Counter(first)) if +part]

    found = in_lines(lines, parts)

    assert [sum(part.values()) for part in found] == [part.total() for part in parts]
    parted(lines, found)


def test_a_set_is_in_one_parcel_and_single_goods_go_wherever_there_is_room() -> None:
    parts = [{"CUP": 3, "PLATE": 2}, {"CUP": 2, "PLATE": 2}]

    assert in_lines([CUPS, SET], parts) == [{"1": 1, "2": 2}, {"1": 1, "2": 1}]


@pytest.mark.parametrize("parts", [[{"CUP": 5}, {"PLATE": 4}], [{"CUP": 5, "PLATE": 3}], [{"CUP": 6, "PLATE": 4}]])
def test_parts_that_lie_apart_or_are_not_all_there_are_no_parcels(parts: list[dict[str, int]]) -> None:
    with pytest.raises(ValueError, match="one parcel"):
        in_lines([CUPS, SET], parts)


@pytest.mark.parametrize("units", [{}, {"1": 3}, {"9": 1}, {"1": -1}, {"1": 0}])
def test_what_is_not_there_goes_into_no_parcel(units: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="not so many"):
        another([SET, CUPS], [], units)


def test_a_parcel_that_is_emptied_is_none_any_more() -> None:
    assert another([CUPS], [{"2": 1}, {"2": 2}], {"2": 1}) == [{"2": 2}, {"2": 1}]


@pytest.mark.parametrize("said", ["", "0", "7", "x.-1", "9" * 30])
def test_an_address_that_makes_no_sense_begins_no_parcel(said: str) -> None:
    assert cuts(said, Done(((0, 3),))) == ()
