"""Places: a channel keeps stock by location, and each of its places is one of ours, nothing, or another service's."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from config import schedule
from connectors.bogus import manifest
from core.domain.who import COMMAND_LINE
from core.errors import Refused
from core.flows import join
from core.flows import places as flow
from core.ports import Place
from core.store import listings, places, stock
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.acts import deliver, notice

MakeHouse = Callable[..., House]
EAST, WEST = "east", "west"


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    """A channel with two places and a service, and two locations of ours: A lies in both."""
    house = make_house("north", "south")
    north = house.systems["north"]
    north.places = [
        Place("P1", "Shop"),
        Place("P2", "Store room"),
        Place("S", "Pick & Pack", service=True),
        Place("X", "Shed", active=False),
    ]
    for place, units in (("P1", 5), ("P2", 7)):
        north.offer("A", units, at=place)
    house.systems["south"].offer("A", 12)
    with house.hub.unit() as work:
        stock.add_location(work.db, house.merchant.id, EAST, "East")
        stock.add_location(work.db, house.merchant.id, WEST, "West", rank=1)
    count(house, east=5, west=7)
    read(house)
    return house


def count(house: House, **units: int) -> None:
    rows = [{"sku": "A", "title": "", "location": place, "on_hand": count} for place, count in units.items()]
    with house.hub.unit() as work:
        stock.count(work.db, house.merchant.id, rows, work.now)
        for connection in listings.touch(work.db, house.merchant.id, ["A"], None):
            work.ask(house.merchant.id, "publish_stock", connection, connection)
    house.drain()


def read(house: House) -> None:
    for connection in house.connections.values():
        house.ask("read_listings", connection=connection)
    house.drain()


def map_both(house: House) -> None:
    north = house.connections["north"]
    flow.map_place(house.hub, north, "P1", [EAST])
    flow.map_place(house.hub, north, "P2", [WEST])
    house.drain()


def shown(house: House) -> dict[str, int]:
    return {"".join(key[2:]): shelf.shown for key, shelf in house.systems["north"].listings.items()}


def writes(house: House) -> list[int]:
    return [units for shelf in house.systems["north"].listings.values() for units in shelf.writes]


def reserved(house: House) -> dict[str, int]:
    return dict(books.rows(house.hub, "select location, sum(units) from reservations group by location"))


def sell(house: House, units: int, at: str = "", **places: dict[str, int]) -> str:
    """North sells; `places` is what it says of where the order is sent from."""
    north = house.systems["north"]
    order: str = north.sell({"A": units}, at=at)["id"]
    if places:
        north.route(order, **places)
    deliver(house, [notice(north.orders[order], f"sold {order}")], house.connections["north"])
    house.drain()
    return order


def test_where_it_is_not_clear_which_place_is_which_nothing_is_written(house: House) -> None:
    count(house, east=50, west=70)

    assert writes(house) == []
    assert house.systems["south"].listings["L-A", "A"].shown == 120


def test_each_place_shows_what_is_free_at_its_location_and_the_others_the_sum(house: House) -> None:
    map_both(house)
    count(house, east=3, west=4)

    assert shown(house) == {"P1": 3, "P2": 4}
    assert house.systems["south"].listings["L-A", "A"].shown == 7
    books.balance(house.hub)


def test_a_place_that_is_nothing_of_ours_is_never_written(house: House) -> None:
    flow.map_place(house.hub, house.connections["north"], "P1", [EAST])
    flow.map_place(house.hub, house.connections["north"], "P2", [])
    count(house, east=1, west=1)

    assert shown(house) == {"P1": 1, "P2": 7}


def test_a_service_is_never_ours_and_a_place_that_is_not_there_is_refused(house: House) -> None:
    north = house.connections["north"]
    with pytest.raises(Refused, match="another service's"):
        flow.map_place(house.hub, north, "S", [EAST])
    with pytest.raises(Refused, match="no place 'P9'"):
        flow.map_place(house.hub, north, "P9", [EAST])
    with pytest.raises(Refused, match="at least one"):
        flow.map_place(house.hub, house.connections["south"], "", [])


def test_a_location_belongs_to_one_place_of_a_channel(house: House) -> None:
    map_both(house)
    flow.map_place(house.hub, house.connections["north"], "P2", [WEST, EAST])
    house.drain()

    with house.hub.database.read() as db:
        assert places.map_of(db, house.connections["north"].id, None).ours == {"P2": (EAST, WEST)}
    assert shown(house) == {"P1": 5, "P2": 12}


def test_a_channel_without_places_sells_from_the_locations_it_may(house: House) -> None:
    flow.map_place(house.hub, house.connections["south"], "", [WEST])
    house.drain()

    assert house.systems["south"].listings["L-A", "A"].shown == 7

    flow.unmap_places(house.hub, house.connections["south"])
    house.drain()
    assert house.systems["south"].listings["L-A", "A"].shown == 12


def test_a_channel_reserves_only_where_it_may_sell_from(house: House) -> None:
    flow.map_place(house.hub, house.connections["south"], "", [WEST])
    order = house.systems["south"].sell({"A": 9})
    deliver(house, [notice(order, "sold")], house.connections["south"])
    house.drain()

    assert reserved(house) == {WEST: 7}
    assert books.lines(house.hub, order["id"])["1"][4] == "stock"
    house.drain()  # and nobody asks for ever
    books.balance(house.hub)


def test_an_order_is_reserved_where_the_channel_sends_it_from(house: House) -> None:
    map_both(house)
    sell(house, 3, at="P2", P2={"1": 3})

    assert reserved(house) == {WEST: 3}
    assert shown(house) == {"P1": 5, "P2": 4}
    assert writes(house) == []  # the channel took them off itself
    assert house.systems["south"].listings["L-A", "A"].shown == 9


def test_it_is_reserved_at_the_first_location_until_the_channel_says_from_where_and_follows_then(house: House) -> None:
    map_both(house)
    north = house.systems["north"]
    order = north.sell({"A": 3}, at="P2")["id"]
    deliver(house, [notice(north.orders[order], "sold")], house.connections["north"])
    house.work()
    before = reserved(house)
    north.route(order, P2={"1": 3})
    house.clock.pass_(timedelta(minutes=2))
    house.drain()

    assert (before, reserved(house)) == ({EAST: 3}, {WEST: 3})
    assert shown(house) == {"P1": 5, "P2": 4}
    books.balance(house.hub)


def test_a_line_that_two_places_send_lies_in_both(house: House) -> None:
    map_both(house)
    sell(house, 4, P1={"1": 1}, P2={"1": 3})

    assert reserved(house) == {EAST: 1, WEST: 3}


def test_what_the_place_does_not_have_is_reserved_where_it_lies(house: House) -> None:
    map_both(house)
    sell(house, 9, P2={"1": 9})

    assert reserved(house) == {WEST: 7, EAST: 2}
    count(house, west=20)
    house.ask("reserve", f"{house.connections['north'].id}/1001", house.connections["north"])
    house.drain()
    assert reserved(house) == {WEST: 9}
    books.balance(house.hub)


def test_what_another_service_or_a_place_that_is_not_ours_sends_is_shown_and_never_reserved(house: House) -> None:
    flow.map_place(house.hub, house.connections["north"], "P1", [EAST])
    flow.map_place(house.hub, house.connections["north"], "P2", [])
    order = sell(house, 4, P1={"1": 1}, P2={"1": 2}, S={"1": 1})

    assert reserved(house) == {EAST: 1}
    assert books.lines(house.hub, order)["1"][:2] == (1, 1)

    parcel = {"id": "p1", "at": house.clock.now.isoformat(), "place": "P2", "lines": [{"line": "1", "quantity": 2}]}
    north = house.systems["north"]
    sent = acts.fulfill(north, order, "1", 2)
    north.orders[order] = {**sent, "shipped": [parcel], "routing": [{"place": "P1", "lines": {"1": 1}}, {"place": "S", "lines": {"1": 1}}]}
    deliver(house, [notice(north.change(order), "sent")], house.connections["north"])
    house.drain()

    assert books.level(house.hub, "A") == (12, 1)
    books.balance(house.hub)


def test_when_a_place_becomes_ours_its_open_orders_are_reserved_and_what_left_it_before_does_not_leave_again(house: House) -> None:
    map_both(house)
    flow.map_place(house.hub, house.connections["north"], "P2", [])
    order = sell(house, 5, at="P2", P2={"1": 5})
    north = house.systems["north"]
    parcel = {"id": "p1", "at": house.clock.now.isoformat(), "place": "P2", "lines": [{"line": "1", "quantity": 2}]}
    sent = acts.fulfill(north, order, "1", 2)
    north.orders[order] = {**sent, "shipped": [parcel], "routing": [{"place": "P2", "lines": {"1": 3}}]}
    deliver(house, [notice(north.change(order), "sent")], house.connections["north"])
    house.drain()
    before = reserved(house)

    flow.map_place(house.hub, house.connections["north"], "P2", [WEST])
    house.drain()

    assert (before, reserved(house)) == ({}, {WEST: 3})
    assert books.level(house.hub, "A") == (12, 3)
    books.balance(house.hub)


def test_goods_come_back_to_the_location_that_the_channel_names(house: House) -> None:
    map_both(house)
    order = sell(house, 2, at="P2", P2={"1": 2})
    north = house.systems["north"]
    deliver(house, [notice(acts.fulfill(north, order, "1", 2), "sent")], house.connections["north"])
    house.drain()
    back = acts.refund(north, order, "1", 2, "return")
    back["refunds"][-1]["lines"][0]["place"] = "P2"
    deliver(house, [notice(north.change(order, **back), "back")], house.connections["north"])
    house.drain()

    assert dict(books.rows(house.hub, "select location, on_hand from levels where sku = 'A'")) == {EAST: 5, WEST: 7}


def test_a_place_that_stocks_a_listing_since_today_consumes_what_the_listing_consumes(house: House) -> None:
    map_both(house)
    system = house.systems["north"]
    system.places.append(Place("P3", "Market stall"))
    system.offer("A", 1, at="P3")
    with house.hub.unit() as work:
        work.db.exec_driver_sql("update listing_parts set units = 2")
        stock.add_location(work.db, house.merchant.id, "stall", "Stall", rank=2)
    count(house, stall=8)
    read(house)
    flow.map_place(house.hub, house.connections["north"], "P3", ["stall"])
    house.drain()

    assert shown(house)["P3"] == 4


def test_an_order_that_comes_before_the_listings_are_read_finds_its_place_later(make_house: MakeHouse) -> None:
    house = make_house("north")
    system = house.bogus
    system.places = [Place("P1", "Shop")]
    system.offer("A", 5, at="P1")
    with house.hub.unit() as work:
        stock.count(work.db, house.merchant.id, [{"sku": "A", "title": "", "location": house.place, "on_hand": 5}], work.now)
    deliver(house, [notice(system.sell({"A": 1}, at="P1"), "early")])
    house.drain()
    read(house)

    assert books.rows(house.hub, "select place, shown from listings") == [("P1", 4)]
    assert writes_of(system) == []
    count(house, **{house.place: 9})
    assert system.listings["L-A", "A", "P1"].shown == 8


def writes_of(system: Any) -> list[int]:
    return [units for shelf in system.listings.values() for units in shelf.writes]


def test_a_shop_that_opens_a_second_place_is_written_no_more_until_somebody_says_which_is_which(make_house: MakeHouse) -> None:
    house = make_house("north")
    system = house.bogus
    system.places = [Place("P1", "Shop")]
    system.offer("A", 5, at="P1")
    count(house, **{house.place: 5})
    read(house)
    system.places.append(Place("P2", "New"))
    system.offer("A", 3, at="P2")
    read(house)
    count(house, **{house.place: 1})

    assert writes_of(system) == []
    flow.map_place(house.hub, house.connection, "P1", [house.place])
    house.drain()
    assert system.listings["L-A", "A", "P1"].shown == 1


def test_the_opening_stock_is_taken_place_by_place(house: House) -> None:
    map_both(house)
    sell(house, 2, at="P2", P2={"1": 2})
    sell(house, 1, at="P1")
    south = house.systems["south"].sell({"A": 3})
    deliver(house, [notice(south, "sold there")], house.connections["south"])
    house.drain()
    north = house.hub.connection(house.connections["north"].id)

    found, left = join.opening(house.hub, north, others_taken_off=False)
    everyones, _ = join.opening(house.hub, north, others_taken_off=True)

    assert [(one.location, one.shown, one.open) for one in found] == [(EAST, 1, 1), (WEST, 5, 2)]
    assert [(one.location, one.open) for one in everyones] == [(EAST, 4), (WEST, 2)]
    assert left == []


def test_what_lies_at_a_place_that_is_none_of_our_locations_is_left_out_and_said_before_going_live(house: House) -> None:
    flow.map_place(house.hub, house.connections["north"], "P1", [EAST])
    north = house.hub.connection(house.connections["north"].id)

    found, left = join.opening(house.hub, north, others_taken_off=False)

    assert [one.location for one in found] == [EAST]
    assert left == ["A: Store room is none of our locations"]
    assert [(one.place, one.what) for one in join.changes(house.hub, north)] == [
        ("Shop", "same"),
        ("Store room", "nobody said which location its place is"),
    ]


# ---- a channel that tells what is sold and not sent


@pytest.fixture
def committing(make_house: MakeHouse) -> House:
    """A channel that compares, and tells what is sold and not sent; A lies there ten times."""
    made = make_house("north", "south")
    made.bogus.compares = made.bogus.commits = True
    made.hub = replace(made.hub, connectors={"bogus": manifest(*made.systems.values())})
    made.shelve(A=10)
    return made


def stale(house: House) -> None:
    """Another channel sells one; the push to north finds that something happened there."""
    deliver(house, [notice(house.systems["south"].sell({"A": 1}), "elsewhere")], house.connections["south"])


def test_a_sale_that_no_webhook_told_is_fetched_before_a_stale_listing_is_written(committing: House) -> None:
    north = committing.systems["north"]
    order = north.sell({"A": 2})["id"]
    stale(committing)
    committing.work(timedelta(seconds=5))

    assert ("selling", "A") in north.calls
    assert (committing.connections["north"].id, order) in books.orders(committing.hub)
    assert north.listings["L-A", "A"].writes == [7]
    books.balance(committing.hub)


def test_units_that_stay_unexplained_are_sought_once_and_do_not_stop_the_stock(committing: House) -> None:
    """A draft order, another tool: the channel holds units that no order of ours explains."""
    north = committing.systems["north"]
    shelf = north.listings["L-A", "A"]
    shelf.committed, shelf.shown = 4, 6
    stale(committing)
    committing.drain(through=timedelta(seconds=5))
    again = [method for method, _ in north.calls].count("selling")
    shelf.shown -= 1
    stale(committing)
    committing.drain(through=timedelta(seconds=5))

    assert shelf.shown == 8
    assert again == [method for method, _ in north.calls].count("selling") == 1


def test_where_the_units_are_ours_nothing_is_sought(committing: House) -> None:
    north = committing.systems["north"]
    deliver(committing, [notice(north.sell({"A": 2}), "sold")], committing.connections["north"])
    committing.drain()
    north.listings["L-A", "A"].shown = 9  # somebody typed something
    stale(committing)
    committing.drain(through=timedelta(seconds=5))

    assert ("selling", "A") not in north.calls
    assert north.listings["L-A", "A"].shown == 7


# ---- after a standstill


def test_after_a_standstill_stock_is_written_once_the_orders_of_all_channels_are_read(make_house: MakeHouse) -> None:
    house = make_house("north", "south")
    house.shelve(A=10)
    schedule.tick(house.hub)
    house.drain()
    house.clock.pass_(timedelta(minutes=1))
    schedule.tick(house.hub)
    awake = house.hub.connection(house.connections["north"].id).live_at
    house.clock.pass_(timedelta(hours=1))
    house.systems["south"].sell({"A": 4})
    house.systems["north"].sell({"A": 1})
    house.clock.pass_(timedelta(seconds=1))
    schedule.tick(house.hub)
    asleep = house.hub.connection(house.connections["north"].id).live_at
    house.work(timedelta(seconds=3))
    early = writes_of(house.systems["north"])
    house.work(timedelta(minutes=4))

    assert (awake, asleep) == (0, house.hub.now - 243_000_000)
    assert early == []
    assert [one.shown for system in house.systems.values() for one in system.listings.values()] == [5, 5]
    assert house.hub.connection(house.connections["north"].id).live_at == 0


def test_a_paused_channel_is_left_alone_and_goes_on_after_its_orders_are_read(make_house: MakeHouse) -> None:
    house = make_house("north", "south")
    house.shelve(A=10)
    join.pause(house.hub, house.connections["north"])
    paused = house.hub.connection(house.connections["north"].id)
    house.systems["north"].calls.clear()
    deliver(house, [notice(house.systems["south"].sell({"A": 4}), "sold")], house.connections["south"])
    house.systems["north"].sell({"A": 1})
    house.clock.pass_(timedelta(minutes=5))
    house.poll()
    assert house.systems["north"].calls == []

    join.resume(house.hub, paused)
    house.work(timedelta(minutes=4))

    assert house.systems["north"].listings["L-A", "A"].writes == [5]
    with pytest.raises(Refused, match="it is not paused"):
        join.resume(house.hub, house.hub.connection(paused.id))


def test_what_a_place_gives_back_to_follows_the_order_of_our_locations(house: House) -> None:
    """Where a channel's place stands for several of ours its open orders are settled anew; what stands alone is left alone."""
    north, merchant = house.connections["north"], house.merchant.id
    flow.map_place(house.hub, north, "P1", [EAST, WEST])
    flow.map_place(house.hub, north, "P2", [])
    house.drain()

    assert flow.prefer_location(house.hub, merchant, WEST, COMMAND_LINE)

    with house.hub.database.read() as db:
        assert [row.name for row in places.locations(db, merchant)] == ["Main", "West", "East"]
        assert places.map_of(db, north.id, None).heads == {"P1": WEST}
        asked = db.exec_driver_sql("select connection from tasks where kind = 'settle_orders' and state = 'due'").all()
    assert [row[0] for row in asked] == [north.id]
    assert not flow.prefer_location(house.hub, "another", EAST, COMMAND_LINE)
    assert not flow.rename_location(house.hub, "another", WEST, "Mine", COMMAND_LINE)
