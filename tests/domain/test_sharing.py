"""Quotas: the sum of what channels may sell is never more than there is."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.sharing import Deal, Owner, deal, targets

HERE = ("here",)


def a(id: int, holds: int | None = 0, rate: float = 1.0, most: int = 1000, **parts: int) -> Owner:
    return Owner(id, parts or {"P": 1}, HERE, holds, holds or 0, most, rate)


def shares(made: Deal) -> list[int]:
    return [made.shares[id] for id in sorted(made.shares)]


def test_what_nobody_holds_is_dealt_by_sales() -> None:
    assert shares(deal([a(1, rate=3), a(2, rate=1)], {("P", "here"): 8})) == [6, 2]
    assert shares(deal([a(1), a(2), a(3)], {("P", "here"): 2})) == [1, 1, 0]
    assert shares(deal([a(1, rate=0), a(2, rate=0)], {("P", "here"): 5})) == [3, 2]


def test_who_shows_the_pool_is_lowered_to_its_part_and_nobody_is_raised_before_it_is_known() -> None:
    first = deal([a(1, holds=10), a(2, holds=10)], {("P", "here"): 10})
    assert (shares(first), first.holds) == ([5, 5], {1: 10, 2: 10})

    then = deal([a(1, holds=5), a(2, holds=10)], {("P", "here"): 10})
    assert shares(then) == [5, 5]


def test_a_sale_moves_nobody_elses_number() -> None:
    before = deal([a(1, holds=5), a(2, holds=5)], {("P", "here"): 10})
    after = deal([a(1, holds=4), a(2, holds=5)], {("P", "here"): 9})

    assert (shares(before), shares(after)) == ([5, 5], [4, 5])


def test_who_has_sold_out_gets_a_part_once_others_have_given_it_back() -> None:
    asked = deal([a(1, holds=0, rate=5), a(2, holds=6, rate=1)], {("P", "here"): 6})
    assert (shares(asked), asked.holds[2]) == ([0, 1], 6)

    given = deal([a(1, holds=0, rate=5), a(2, holds=1, rate=1)], {("P", "here"): 6})
    assert shares(given) == [5, 1]


def test_what_somebody_may_sell_that_nobody_knows_stops_all_raising() -> None:
    made = deal([a(1, holds=0), a(2, holds=None)], {("P", "here"): 6})

    assert made.shares[1] == 0
    assert 2 not in made.holds


def test_one_that_cannot_be_told_keeps_what_it_shows_and_the_others_share_the_rest() -> None:
    stuck = replace(a(1, holds=3), stuck=True)

    assert shares(deal([stuck, a(2, holds=3), a(3, holds=4)], {("P", "here"): 5})) == [3, 1, 1]


def test_one_that_we_are_not_sure_of_is_looked_at_later() -> None:
    made = deal([replace(a(1, holds=2), sure=False), a(2, holds=5)], {("P", "here"): 10})

    assert (shares(made), made.later) == ([2, 5], {1})


def test_who_sets_whatever_was_sold_meanwhile_holds_what_it_showed_and_what_it_is_told() -> None:
    """It may sell two, be set to three, and sell three."""
    blunt = replace(a(1, holds=2), compares=False)

    made = deal([blunt, a(2, holds=5)], {("P", "here"): 10})
    assert (made.shares[1], made.holds[1]) == (3, 5)

    made = deal([blunt, a(2, holds=5)], {("P", "here"): 9})
    assert (made.shares[1], made.holds[1]) == (2, 2), "two are left, and three it would need"


def test_a_rule_bounds_a_part_and_the_rest_goes_to_others() -> None:
    assert shares(deal([a(1, most=2), a(2)], {("P", "here"): 9})) == [2, 7]
    assert shares(deal([a(1, most=0, holds=4), a(2, holds=5)], {("P", "here"): 9})) == [0, 5]


def test_a_set_and_its_part_share_one_shelf() -> None:
    made = deal([a(1, P=2, Q=1), a(2, P=1)], {("P", "here"): 9, ("Q", "here"): 4})

    assert 2 * made.shares[1] + made.shares[2] <= 9
    assert made.shares[1] > 0 < made.shares[2]


def test_each_place_has_only_what_lies_there() -> None:
    here, there = replace(a(1, rate=9), locations=("here",)), replace(a(2), locations=("there",))

    assert shares(deal([here, there], {("P", "here"): 2, ("P", "there"): 5})) == [2, 5]


units = st.integers(0, 12)
owners = st.lists(
    st.builds(
        Owner,
        st.just(0),
        st.dictionaries(st.sampled_from("PQ"), st.integers(1, 3), min_size=1),
        st.sampled_from([("x",), ("y",), ("x", "y")]),
        st.none() | units,
        units,
        units,
        st.floats(0, 9),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    min_size=1,
    max_size=5,
).map(lambda some: [_sensible(n, one) for n, one in enumerate(some)])


def _sensible(id: int, one: Owner) -> Owner:
    """What is surely shown is all that is held."""
    shows = (one.holds or 0) if one.sure else min(one.shows, one.holds or 0)
    return replace(one, id=id, shows=shows, sure=one.sure and one.holds is not None)


shelves = st.fixed_dictionaries({(sku, place): units for sku in "PQ" for place in "xy"})


def demanded(some: list[Owner], of: dict[int, int]) -> dict[str, int]:
    found = Counter[str]()
    for one in some:
        found.update({sku: each * of.get(one.id, 0) for sku, each in one.parts.items()})
    return dict(found)


@given(owners.map(lambda some: [replace(one, locations=("x",)) for one in some]), shelves)
def test_whatever_is_held_nobody_is_raised_beyond_what_there_is(some: list[Owner], free: dict[tuple[str, str], int]) -> None:
    made = deal(some, free)
    pool = {sku: free[sku, "x"] for sku in "PQ"}
    raised = {one.id for one in some if made.holds.get(one.id, 0) > (one.holds or 0)}

    before, after = demanded(some, {one.id: one.holds or 0 for one in some}), demanded(some, made.holds)
    touched = {sku for one in some if one.id in raised for sku in one.parts}
    assert all(after[sku] <= max(pool[sku], before[sku]) for sku in touched)
    assert all(made.holds[one.id] >= one.holds for one in some if one.holds is not None), "held until it is known to show less"
    assert all(made.shares.get(one.id, 0) <= max(one.most, 0) for one in some)
    unsure = {one.id: one for one in some if not one.sure and one.holds is not None}
    assert all(made.shares[id] <= one.shows for id, one in unsure.items()), "who may have sold is given nothing"
    shut = {(sku, place) for one in some if one.holds is None for sku in one.parts for place in one.locations}
    assert not [one for one in some if one.id in raised and all((sku, place) in shut for sku in one.parts for place in one.locations)]


@given(owners, shelves)
def test_what_was_dealt_and_is_shown_is_dealt_so_again(some: list[Owner], free: dict[tuple[str, str], int]) -> None:
    """It comes to rest: once everybody shows their part, nobody is told anything."""
    for _ in range(3 * len(some) + 3):
        made = deal(some, free)
        shows = {one.id: made.shares.get(one.id, one.shows) for one in some}
        some = [replace(one, holds=shows[one.id], shows=shows[one.id], sure=True, stuck=False) for one in some]

    assert deal(some, free).shares == {one.id: one.holds for one in some}


@given(owners, shelves)
def test_targets_are_on_the_shelves(some: list[Owner], free: dict[tuple[str, str], int]) -> None:
    some = [replace(one, stuck=False) for one in some]
    found = demanded(some, targets(some, free))

    assert all(count <= free[sku, "x"] + free[sku, "y"] for sku, count in found.items())


@pytest.mark.parametrize("count", [1, 7, 1000])
def test_everything_is_dealt(count: int) -> None:
    made = deal([a(1, rate=0.3), a(2, rate=2.2), a(3, rate=0)], {("P", "here"): count})

    assert sum(made.shares.values()) == count
