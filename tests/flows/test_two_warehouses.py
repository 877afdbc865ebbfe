"""Two accounts of one channel, each with a warehouse: what lies in the one is never counted, promised or asked for at the other."""

import pytest

from core.domain.places import LocationKind
from core.errors import Refused
from core.flows import join, places
from core.store import places as places_of
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, BUYER
from tests.flows.lent import Lent, twice_lent
from tests.flows.marks import on_sqlite


@pytest.fixture
def both(house: House) -> tuple[Lent, Lent]:
    return twice_lent(house)


def rank(west: Lent, east: Lent) -> None:
    """The east is asked first, then the west, then our own shelf."""
    with west.house.hub.unit() as work:
        places_of.rank(work.db, west.merchant, [east.fba, west.fba, west.house.place])


def levels(west: Lent, east: Lent) -> dict[str, tuple[int, ...]]:
    return {"west": west.level(), "east": east.level(), "east B": east.level("B"), "own": west.level("A", west.house.place)}


def test_each_accounts_warehouse_is_a_location_of_its_own(both: tuple[Lent, Lent]) -> None:
    west, east = both
    assert levels(*both) == {"west": (10, 0), "east": (6, 0), "east B": (4, 0), "own": (10, 0)}
    assert (west.shown(), west.shown("B")) == (10, 0)

    west.holds(A=1)
    east.holds(A=5)
    assert levels(*both) == {"west": (1, 0), "east": (5, 0), "east B": (0, 0), "own": (10, 0)}


@on_sqlite
def test_which_is_whose_stays_when_the_first_of_two_is_switched_on_for_the_second(house: House) -> None:
    west, east = twice_lent(house)
    with pytest.raises(Refused, match="choose the connection whose warehouse it is"):
        west.switch(connection=east.account.id)
    east.switch()
    west.holds(A=8)
    east.holds(A=2)

    assert (west.level(), east.level(), west.shown()) == ((8, 0), (2, 0), 12)


@on_sqlite
def test_which_is_whose_stays_in_whatever_order_stock_is_taken_from_them(both: tuple[Lent, Lent]) -> None:
    rank(*both)
    both[1].holds(A=5, B=4)

    assert levels(*both) == {"west": (10, 0), "east": (5, 0), "east B": (4, 0), "own": (10, 0)}


@on_sqlite
def test_who_goes_leaves_its_warehouse_to_nobody_who_has_one(both: tuple[Lent, Lent]) -> None:
    west, east = both
    join.disconnect(west.house.hub, west.account, ANN)
    east.holds(A=5)

    assert (west.level(), east.level()) == ((10, 0), (5, 0))
    places.set_kind(west.house.hub, west.merchant, east.fba, LocationKind.OWN, ANN)
    east.holds(A=2)  # nobody's but the first's stands free
    assert west.level() == (2, 0)


def test_only_the_account_that_holds_the_goods_is_asked_and_the_orders_own_channel_is_told(both: tuple[Lent, Lent]) -> None:
    west, east = both
    for one in both:
        one.switch()
    rank(*both)
    assert (west.shown(), west.shown("B")) == (26, 4)

    number = west.dock.sell(A=3, B=1)  # the east has both
    assert ({one.sku: one.units for one in east.wish().lines}, west.theirs.asked) == ({"A-F": 3, "B-F": 1}, {})
    east.takes()
    east.sends()
    assert [one["tracking"] for one in west.house.bogus.orders[number]["shipped"]] == [["T1"]]

    number = west.dock.sell(A=5)  # three there, the others in the west
    assert [sum(one.units for one in lent.wish().lines) for lent in both] == [2, 3]
    for lent in both:
        lent.takes()
    east.sends()
    west.sends()
    assert [one["lines"][0]["quantity"] for one in west.house.bogus.orders[number]["shipped"]] == [3, 2]
    for lent in both:
        lent.read()
    assert levels(*both) == {"west": (8, 0), "east": (0, 0), "east B": (3, 0), "own": (10, 0)}
    books.balance(west.house.hub)


def test_an_order_of_the_one_is_never_sent_from_the_others_shelf(both: tuple[Lent, Lent]) -> None:
    west, east = both
    for one in both:
        one.switch()
    rank(*both)
    west.theirs.offer("A", 5)
    west.house.ask("read_listings", connection=west.account)
    west.house.drain()
    west.theirs.sell({"A": 12}, ship_to=BUYER)
    west.dock.poll()

    assert books.rows(west.house.hub, "select held, waits from order_lines") == [(10, "stock")]
    assert (west.theirs.asked, east.theirs.asked) == ({}, {})
    with pytest.raises(Refused, match="its stock is not promised here"):
        places.map_place(west.house.hub, west.account, "", [east.fba])
