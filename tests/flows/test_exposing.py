"""Rules of listings through the flows: every channel shows what its rule lets it, at once, and the way back."""

from collections.abc import Callable

import pytest

from core.domain.exposure import NO_RULE, Rule
from core.domain.who import Who
from core.errors import Refused
from core.flows import exposing
from core.store import displays
from tests.conftest import House
from tests.flows import books

ANN = Who("u1", "Ann")


def listings(house: House, sku: str = "A") -> dict[str, int]:
    """The row of each channel's listing of it, by the channel's account."""
    with house.hub.database.read() as db:
        by = {one.id: name for name, one in house.connections.items()}
        return {by[one.connection]: one.id for one in displays.of_sku(db, house.merchant.id, sku)}


def shown(house: House, sku: str = "A") -> dict[str, int]:
    return {name: system.listings[f"L-{sku}", sku].shown for name, system in house.systems.items()}


def rule(house: House, **rules: Rule) -> list[exposing.Ruled]:
    mine = listings(house)
    done = exposing.set_rules(house.hub, house.merchant.id, {mine[name]: one for name, one in rules.items()}, ANN)
    house.drain()
    return done


@pytest.fixture
def stocked(make_house: Callable[..., House]) -> House:
    house = make_house("east", "west")
    house.shelve(A=10)
    return house


def test_each_channel_shows_what_its_own_rule_lets_it(stocked: House) -> None:
    first, second = stocked.systems

    rule(stocked, **{first: Rule(cap=3), second: Rule(buffer=4)})
    assert shown(stocked) == {first: 3, second: 6}

    stocked.systems[second].sell({"A": 5})
    stocked.poll()
    assert shown(stocked) == {first: 3, second: 1}


def test_a_sale_that_is_stopped_shows_none_and_begins_again(stocked: House) -> None:
    first, second = stocked.systems

    done = rule(stocked, **{first: Rule(stopped=True)})
    assert shown(stocked) == {first: 0, second: 10}
    rule(stocked, **{first: done[0].was})

    assert shown(stocked) == {first: 10, second: 10}


def test_what_is_set_again_as_it_is_changes_nothing(stocked: House) -> None:
    first, _ = stocked.systems
    rule(stocked, **{first: Rule(cap=3)})
    writes = stocked.systems[first].calls.copy()

    assert rule(stocked, **{first: Rule(cap=3)}) == []
    assert stocked.systems[first].calls == writes


def test_all_of_them_or_none(stocked: House) -> None:
    [first, second] = stocked.systems
    mine = listings(stocked)

    for wrong in ({mine[first]: Rule(cap=1), 999_999: NO_RULE}, {mine[first]: Rule(cap=1), mine[second]: Rule(cap=-1)}):
        with pytest.raises(Refused):
            exposing.set_rules(stocked.hub, stocked.merchant.id, wrong, ANN)
    stocked.drain()

    assert shown(stocked) == {first: 10, second: 10}


def test_who_set_it_is_written_down(stocked: House) -> None:
    first, _ = stocked.systems
    rule(stocked, **{first: Rule(buffer=2)})

    [(who, name, act, body)] = books.rows(stocked.hub, "select who, name, act, body from audit where act = 'listing.rule'")
    assert (who, name, act) == ("u1", "Ann", "listing.rule")
    assert '"buffer":2' in body.replace(" ", "")


def test_many_that_somebody_stopped_are_no_reason_to_ask_back(stocked: House) -> None:
    """Most of a channel at once usually means that our shelves are wrong. Here somebody said so."""
    first, _ = stocked.systems
    stocked.shelve(**{f"S{n}": 5 for n in range(20)})
    ids = [listings(stocked, f"S{n}")[first] for n in range(20)]

    exposing.set_rules(stocked.hub, stocked.merchant.id, dict.fromkeys(ids, Rule(stopped=True)), ANN)
    stocked.drain()

    assert [shown(stocked, f"S{n}")[first] for n in range(20)] == [0] * 20
    assert books.rows(stocked.hub, "select cause from tasks where state = 'parked'") == []
