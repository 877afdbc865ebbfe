"""Orders that want the same short stock: the least total, nobody worse off than waiting, and none passed over for ever."""

import random
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from config.bench.batch import a_batch, gap, least
from core.domain.batch import Entry, Key, Plan, settle, worths

LYON, METZ = ("P-7", "lyon"), ("P-7", "metz")
batches = st.integers(0, 100_000).map(lambda seed: a_batch(random.Random(seed), 5))


def fits(entries: list[Entry], chosen: Mapping[str, int], free: Mapping[Key, int]) -> bool:
    left = dict(free)
    for one in entries:
        for key, units in one.plans[0].uses.items():
            left[key] = left.get(key, 0) + units
    for one in entries:
        for key, units in one.plans[chosen[one.order]].uses.items():
            left[key] = left.get(key, 0) - units
    return min(left.values(), default=0) >= 0


def chosen(entries: list[Entry], free: Mapping[Key, int] | None = None) -> dict[str, int]:
    return dict(settle(entries, free or {}).chosen)


def test_who_pays_more_elsewhere_is_left_the_shelf() -> None:
    first = Entry("R-1", [Plan({LYON: 1}, 400), Plan({METZ: 1}, 500)])
    second = Entry("R-2", [Plan({METZ: 1}, 900), Plan({LYON: 1}, 450)])

    assert chosen([first, second]) == {"R-1": 1, "R-2": 1}


def test_who_gains_less_than_the_other_loses_does_not_take_his_shelf() -> None:
    first = Entry("R-1", [Plan({LYON: 1}, 400), Plan({METZ: 1}, 600)])
    second = Entry("R-2", [Plan({METZ: 1}, 500), Plan({LYON: 1}, 450)])

    assert chosen([first, second]) == {"R-1": 0, "R-2": 0}


def test_an_order_that_could_not_leave_is_made_room_for() -> None:
    apart = Entry("R-1", [Plan({LYON: 1, METZ: 1}, 0, sends=False), Plan({LYON: 2}, 700)], days=1)
    other = Entry("R-2", [Plan({LYON: 1}, 300), Plan({METZ: 1}, 400)])

    assert chosen([apart, other]) == {"R-1": 1, "R-2": 1}


@given(batches)
def test_shelves_never_give_more_than_they_have_and_the_total_never_rises(batch: tuple[list[Entry], dict[Key, int]]) -> None:
    entries, free = batch
    found = settle(entries, free)

    assert fits(entries, found.chosen, free)
    assert found.worth <= sum(some[0] for some in worths(entries))
    assert found.worth == sum(some[found.chosen[one.order]] for one, some in zip(entries, worths(entries), strict=True))
    assert settle(entries, free) == found


@given(batches)
def test_who_could_leave_as_things_were_leaves(batch: tuple[list[Entry], dict[Key, int]]) -> None:
    """Nobody who has a plan that sends is made to wait for others."""
    entries, free = batch
    for one in entries:
        if one.plans[0].sends:
            assert one.plans[settle(entries, free).chosen[one.order]].sends


@given(days=st.integers(7, 20), costs=st.lists(st.integers(0, 10**6), min_size=1, max_size=99))
def test_an_order_that_waited_a_week_longer_outweighs_all_others_together(days: int, costs: list[int]) -> None:
    old = Entry("old", [Plan({}, 0, sends=False)], days)
    young = [Entry(str(n), [Plan({}, 0, sends=False), Plan({}, cost)], days - 7) for n, cost in enumerate(costs)]

    (mine, *others) = worths([old, *young])
    assert mine[0] > sum(some[0] for some in others) + sum(costs)


def test_it_is_the_very_best_nearly_always() -> None:
    rnd = random.Random(3)
    cases = [a_batch(rnd, 6) for _ in range(40)]
    gaps = [gap(settle(*case).worth, least(*case), case[0]) for case in cases]

    assert min(gaps) == 0
    assert sum(one == 0 for one in gaps) >= 36
