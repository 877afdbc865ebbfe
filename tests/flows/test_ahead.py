"""Listings that sell what is not there yet: as much as comes in their days, and so many units more; orders wait and are served by age."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from config import schedule
from core.domain.exposure import Rule
from core.domain.inbound import Came, Kind
from core.domain.who import Who
from core.errors import Refused
from core.flows import exposing, inbound, sharing
from core.flows.inbound import Draft
from core.store import displays
from core.store.tables import us, when
from tests.conftest import House
from tests.flows import books

ANN = Who("u1", "Ann")


def listing(house: House, name: str) -> int:
    with house.hub.database.read() as db:
        return next(one.id for one in displays.of_sku(db, house.merchant.id, "A") if one.connection == house.connections[name].id)


def rule(house: House, name: str, **said: int) -> None:
    exposing.set_rules(house.hub, house.merchant.id, {listing(house, name): Rule(**said)}, ANN)
    rest(house)


def rest(house: House) -> None:
    """Everything is read and told, and the clock is looked at."""
    for _ in range(5):
        house.clock.pass_(timedelta(seconds=50))  # longer, and nobody was here for a while
        schedule.tick(house.hub)
        house.poll()


def comes(house: House, units: int, days: int | None) -> str:
    at = None if days is None else us(house.clock.now + timedelta(days=days))
    id = inbound.add(house.hub, house.merchant.id, Draft(Kind.PURCHASE, house.place, None, "Mill", "", "", at, {"A": units}), ANN)
    inbound.send(house.hub, house.merchant.id, id, ANN)
    rest(house)
    return id


def shown(house: House) -> dict[str, int]:
    return {name: system.listings["L-A", "A"].shown for name, system in house.systems.items()}


@pytest.fixture
def street(make_house: Callable[..., House]) -> House:
    house = make_house("east", "west")
    house.shelve(A=2)
    rest(house)
    return house


def test_a_listing_shows_what_comes_in_its_days_and_no_other_does(street: House) -> None:
    comes(street, 3, days=5)
    comes(street, 4, days=20)
    comes(street, 5, days=None)

    rule(street, "east", ahead=7)

    assert shown(street) == {"east": 5, "west": 2}
    with street.hub.database.read() as db:
        [one] = displays.these(db, street.merchant.id, [listing(street, "east")])
    assert one.may
    assert (one.may.sellable, one.may.coming) == (2, 3)
    assert timedelta(days=4, hours=23) < when(one.coming_by or 0) - street.clock.now < timedelta(days=5)


def test_as_days_pass_more_of_what_comes_is_shown(street: House) -> None:
    rule(street, "east", ahead=7)
    comes(street, 4, days=8)
    assert shown(street)["east"] == 2

    street.clock.pass_(timedelta(days=1, hours=1))
    rest(street)

    assert shown(street) == {"east": 6, "west": 2}


def test_so_many_units_more_are_sold_and_owed(street: House) -> None:
    rule(street, "east", backorder=3)
    assert shown(street) == {"east": 5, "west": 2}

    street.systems["east"].sell({"A": 4})
    rest(street)
    assert shown(street) == {"east": 1, "west": 0}
    assert books.rows(street.hub, "select held, hold, waits from order_lines") == [(2, 4, "stock")]
    assert books.rows(street.hub, "select held_at from orders") == [(None,)], "its merchant lets it wait: nobody is surprised"


def test_orders_for_what_comes_wait_and_are_served_by_age_when_it_is_there(street: House) -> None:
    rule(street, "east", ahead=7, backorder=2)
    id = comes(street, 3, days=5)
    for units in (4, 2):
        street.systems["east"].sell({"A": units})
        rest(street)
    assert shown(street) == {"east": 1, "west": 0}

    inbound.receive(street.hub, street.merchant.id, id, [Came("A", 3)], ANN)
    rest(street)

    assert books.rows(street.hub, "select l.held, l.waits from order_lines l join orders o on o.id = l.order_id order by o.placed_at") == [
        (4, None), (1, "stock"),
    ]  # fmt: skip
    assert shown(street) == {"east": 1, "west": 0}
    books.balance(street.hub)


def test_what_does_not_come_is_shown_no_more(street: House) -> None:
    rule(street, "east", ahead=7)
    id = comes(street, 3, days=5)
    assert shown(street)["east"] == 5

    inbound.cancel(street.hub, street.merchant.id, id, ANN)
    rest(street)

    assert shown(street)["east"] == 2


def test_what_is_dealt_is_not_sold_ahead(street: House) -> None:
    rule(street, "east", ahead=7)
    with pytest.raises(exposing.InQuota):
        sharing.set_quota(street.hub, street.merchant.id, {"A": True}, ANN)

    rule(street, "east")
    sharing.set_quota(street.hub, street.merchant.id, {"A": True}, ANN)
    with pytest.raises(exposing.InQuota, match="take these out of quota first"):
        rule(street, "east", backorder=1)


@pytest.mark.parametrize("said", [{"ahead": -1}, {"ahead": 366}, {"backorder": -1}])
def test_what_cannot_be_meant_is_refused(street: House, said: dict[str, int]) -> None:
    with pytest.raises(Refused):
        rule(street, "east", **said)
