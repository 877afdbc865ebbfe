"""Who may go in one parcel, and whose postage it is: to the cent."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from core.domain.money import Money
from core.domain.together import Candidate, is_bound, proposals, shares
from tests.builders import an_order

weights = some.lists(some.integers(0, 5_000), min_size=1, max_size=6)


@given(some.integers(0, 100_000), some.integers(0, 20_000), weights)
def test_shares_of_a_parcel_are_its_price_to_the_cent(price: int, whole: int, others: list[int]) -> None:
    found = shares(Money(price, "USD"), whole, others)

    assert sum(one.minor for one in found) == price
    assert len(found) == 1 + len(others) and all(one.minor >= 0 for one in found)


@pytest.mark.parametrize(
    ("whole", "others", "found"),
    [(1000, [250], [750, 250]), (1000, [0], [500, 500]), (300, [400], [500, 500]), (900, [300, 300], [333, 333, 334])],
)
def test_by_weight_and_evenly_where_a_weight_is_not_known(whole: int, others: list[int], found: list[int]) -> None:
    assert [one.minor for one in shares(Money(1000, "USD"), whole, others)] == found


@pytest.mark.parametrize(
    ("programs", "hub", "bound"), [(("PRIME",), None, True), (("AMAZON_BUSINESS",), None, False), ((), "H-1", True), ((), None, False)]
)
def test_what_a_channel_binds_to_its_own_shipping_goes_alone(programs: tuple[str, ...], hub: str | None, bound: bool) -> None:
    assert is_bound(replace(an_order(), programs=programs, hub_reference=hub)) is bound


candidates = some.builds(
    Candidate, some.uuids().map(str), some.just("S"), some.sampled_from("xy"), some.sampled_from(["", "p", "q"]), some.integers(0, 5)
)


@given(some.lists(candidates, max_size=12, unique_by=lambda one: one.id))
def test_only_what_goes_from_one_place_to_one_person_is_proposed_and_each_once(every: list[Candidate]) -> None:
    groups = proposals(every)

    assert all(len(group) > 1 and len({(one.location, one.person) for one in group}) == 1 and group[0].person for group in groups)
    assert len([one for group in groups for one in group]) == len({one.id for group in groups for one in group})
    assert all(group[0].created_at == min(one.created_at for one in group) for group in groups)
