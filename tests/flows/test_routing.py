"""From where orders leave: decided before they are released, reserved there, and kept with its reasons."""

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from core.domain.oversold import Decision as Short
from core.domain.routing import Decision, Never, Rules, Strategy, Why, Zone
from core.domain.workdays import Hours
from core.flows import oversold, packing, places, releasing, routing
from core.flows.allocation import map_listing
from core.ports import Place
from core.store import routings, shipments, stock
from core.store.sql import run
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.depot import ANN, BUYER, MINUTES, Depot, depot
from tests.flows.marks import on_sqlite

WEST = "west"
FEWEST = Rules((Strategy.FEWEST, Strategy.RANKED))


@pytest.fixture
def dock(house: House) -> Depot:
    """Two locations that send: A and B lie in both, Main is first."""
    with house.hub.unit() as work:
        stock.add_location(work.db, house.merchant.id, WEST, "West", rank=1)
    house.shelve(A=10, B=10)
    dock = depot(house)
    with house.hub.unit() as work:
        run(work.db, "update locations set ships = true")
    count(dock, A=10, B=10)
    return dock


def count(dock: Depot, at: str = WEST, **units: int) -> None:
    rows = [{"sku": sku, "title": sku, "location": at, "on_hand": count} for sku, count in units.items()]
    with dock.house.hub.unit() as work:
        stock.count(work.db, dock.merchant, rows, work.now)


def rule(dock: Depot, rules: Rules) -> None:
    with dock.house.hub.unit() as work:
        routings.set_rules(work.db, dock.merchant, rules)


def sell(dock: Depot, **units: int) -> str:
    """Taken and reserved, not released."""
    number = str(dock.house.bogus.sell(units, ship_to=BUYER)["id"])
    dock.house.clock.pass_(MINUTES)
    dock.house.poll()
    return number


def sent_from(dock: Depot) -> list[tuple[str, int]]:
    """(location, units) of each shipment, in the order in which they were made."""
    sql = """select coalesce(p.name, s.location), (select sum(n.units) from shipment_lines n where n.shipment = s.id)
             from shipments s join locations p on p.id = s.location order by cast(substr(s.name, 2) as integer)"""
    return [(name, int(units)) for name, units in books.rows(dock.house.hub, sql)]


def decided(dock: Depot) -> list[Decision]:
    docs = [doc for (doc,) in books.rows(dock.house.hub, "select doc from routings order by order_id")]
    return [one for doc in docs if (one := routings.read(doc))]


def test_without_rules_orders_leave_from_where_they_are_reserved_and_it_is_said_why(dock: Depot) -> None:
    dock.sell(A=2)

    assert sent_from(dock) == [("Main", 2)]
    (one,) = decided(dock)
    assert [(verdict.name, verdict.why) for verdict in one.verdicts] == [("Main", Why.SENDS), ("West", Why.RANKED)]
    assert books.rows(dock.house.hub, "select ours from order_lines") == [(None,)]


def test_what_is_reserved_elsewhere_moves_before_it_is_released(dock: Depot) -> None:
    rule(dock, replace(FEWEST, strategies=(Strategy.NEAREST,), zones={WEST: (Zone("US", "787", 1),)}))

    dock.sell(A=2)

    assert sent_from(dock) == [("West", 2)]
    assert books.rows(dock.house.hub, "select location, on_hand, reserved from levels where sku = 'A' and reserved > 0") == [(WEST, 10, 2)]
    (one,) = decided(dock)
    assert {verdict.name: verdict.why for verdict in one.verdicts} == {"Main": Why.NEAREST, "West": Why.SENDS}
    books.balance(dock.house.hub)


@on_sqlite
def test_lines_that_lie_apart_are_brought_together_where_one_location_has_all(dock: Depot) -> None:
    count(dock, dock.house.place, A=10, B=0)
    rule(dock, FEWEST)

    dock.sell(A=1, B=1)

    assert sent_from(dock) == [("West", 2)]


@on_sqlite
def test_what_is_kept_back_is_not_taken_for_others(dock: Depot) -> None:
    count(dock, dock.house.place, A=10, B=0)
    with dock.house.hub.unit() as work:
        stock.keep_safe(work.db, dock.merchant, {("A", WEST): 10})
    rule(dock, FEWEST)

    dock.sell(A=1, B=1)

    assert sorted(sent_from(dock)) == [("Main", 1), ("West", 1)]
    (one,) = decided(dock)
    assert {verdict.name: verdict.lacks for verdict in one.verdicts} == {"Main": {"B": 1}, "West": {"A": 1}}


@on_sqlite
def test_a_merchant_that_does_not_split_waits_until_one_location_has_all_of_it(dock: Depot) -> None:
    count(dock, dock.house.place, A=10, B=0)
    count(dock, A=0, B=10)
    rule(dock, replace(FEWEST, split=False))

    dock.sell(A=1, B=1)
    assert sent_from(dock) == []
    assert [one.sends for one in decided(dock)] == [{}]

    count(dock, A=5)
    dock.release()
    assert sent_from(dock) == [("West", 2)]


@on_sqlite
def test_an_older_order_is_not_overtaken_for_the_last_unit(dock: Depot) -> None:
    count(dock, A=0, B=0)
    for _ in range(2):
        sell(dock, A=1)
    older, younger = (id for (id,) in books.rows(dock.house.hub, "select id from orders order by id"))
    count(dock, A=1)
    rule(dock, Rules((Strategy.NEAREST,), zones={WEST: (Zone("US", "", 1),)}))

    dock.release()

    assert dict(books.rows(dock.house.hub, "select order_id, location from shipments")) == {older: WEST, younger: dock.house.place}
    assert [list(one.sends) for one in decided(dock)] == [[WEST], [dock.house.place]]


@on_sqlite
def test_the_same_question_is_not_written_again(dock: Depot) -> None:
    count(dock, dock.house.place, A=10, B=0)
    count(dock, A=0, B=10)
    rule(dock, replace(FEWEST, split=False))
    dock.sell(A=1, B=1)
    before = books.rows(dock.house.hub, "select at, asked from routings")

    dock.house.clock.pass_(MINUTES)
    dock.release()
    assert books.rows(dock.house.hub, "select at, asked from routings") == before

    count(dock, A=0, B=11)
    dock.release()
    assert books.rows(dock.house.hub, "select at, asked from routings") != before


@on_sqlite
def test_a_location_that_may_not_send_there_does_not(dock: Depot) -> None:
    rule(dock, Rules(never=(Never(dock.house.place, country="US"),)))

    dock.sell(A=2)

    assert sent_from(dock) == [("West", 2)]


@on_sqlite
def test_the_rest_of_an_order_that_left_in_part_leaves_the_first_shipment_alone(dock: Depot) -> None:
    dock.sell(A=2)
    rule(dock, Rules((Strategy.NEAREST,), zones={WEST: (Zone("US", "", 1),)}))
    number = next(iter(dock.house.bogus.orders))
    acts.edit(dock.house.bogus, number, "1", 5)
    dock.poll()

    assert sent_from(dock) == [("Main", 2), ("West", 3)]
    assert books.rows(dock.house.hub, "select location, units from reservations order by units") == [(dock.house.place, 2), (WEST, 3)]
    books.balance(dock.house.hub)


@on_sqlite
def test_who_sends_from_one_location_decides_nothing(house: House) -> None:
    house.shelve(A=10)
    dock = depot(house)

    dock.sell(A=2)

    assert sent_from(dock) == [("Main", 2)]
    assert decided(dock) == []


@on_sqlite
def test_what_one_of_us_said_stays(dock: Depot) -> None:
    with dock.house.hub.unit() as work:
        stock.add_location(work.db, dock.merchant, "attic", "Attic", rank=2)
        run(work.db, "update locations set ships = true")
    map_ = dock.house.connection
    places.map_place(dock.house.hub, map_, "", [dock.house.place, WEST])
    count(dock, "attic", A=50)
    count(dock, dock.house.place, A=0)
    count(dock, A=0)
    sell(dock, A=2)
    order = str(books.one(dock.house.hub, "select id from orders"))
    oversold.decide(dock.house.hub, dock.merchant, order, Short.ELSEWHERE, ANN, "attic")
    dock.house.drain()
    count(dock, A=10)

    dock.release()

    assert sent_from(dock) == [("Attic", 2)]
    assert decided(dock) == []


# ---- full, closed, quoted, and what has lain longest


def hours(dock: Depot, at: str, hours: Hours) -> None:
    with dock.house.hub.unit() as work:
        shipments.set_hours(work.db, dock.merchant, at, hours)


def test_a_full_location_gives_way_to_the_next_until_its_day_is_over(dock: Depot) -> None:
    hours(dock, dock.house.place, Hours(capacity=2))

    for _ in range(3):
        dock.sell(A=1)
    assert sent_from(dock) == [("Main", 1), ("Main", 1), ("West", 1)]
    assert {one.name: one.why for one in decided(dock)[2].verdicts} == {"Main": Why.FULL, "West": Why.SENDS}

    for name in ("S1", "S2"):
        dock.label(name)
    dock.send("S1", "S2")
    dock.sell(A=1)
    assert sent_from(dock)[3:] == [("West", 1)]

    dock.house.clock.pass_(timedelta(days=1))
    dock.sell(A=1)
    assert sent_from(dock)[4:] == [("Main", 1)]


@on_sqlite
def test_orders_of_one_page_fill_a_location_one_after_the_other(dock: Depot) -> None:
    hours(dock, dock.house.place, Hours(capacity=2))
    for _ in range(4):
        sell(dock, A=1)

    dock.release()

    assert sent_from(dock) == [("Main", 1), ("Main", 1), ("West", 1), ("West", 1)]


@on_sqlite
def test_where_all_are_full_the_best_sends_it_on_a_later_day(dock: Depot) -> None:
    for at in (dock.house.place, WEST):
        hours(dock, at, Hours(capacity=1))

    for _ in range(3):
        dock.sell(A=1)

    assert sent_from(dock) == [("Main", 1), ("West", 1), ("Main", 1)]
    last = decided(dock)[2].verdicts
    today = dock.house.clock().date().toordinal()
    assert {one.name: one.leaves for one in last} == {"Main": today + 1, "West": today + 1}


@on_sqlite
def test_the_soonest_is_reckoned_by_each_locations_own_clock(dock: Depot) -> None:
    rule(dock, Rules((Strategy.SOONEST,)))
    with dock.house.hub.unit() as work:
        run(work.db, "update locations set zone = 'Pacific/Kiritimati' where id = :place", place=dock.house.place)  # 14 hours ahead
    here = dock.house.clock().astimezone(ZoneInfo("Pacific/Kiritimati"))
    hours(dock, dock.house.place, Hours(holidays=(here.date(), here.date() + timedelta(days=1))))

    dock.sell(A=1)

    assert sent_from(dock) == [("West", 1)]
    assert {one.name: one.why for one in decided(dock)[0].verdicts} == {"Main": Why.SOONEST, "West": Why.SENDS}


def test_what_has_lain_longest_leaves_first_by_the_movements_of_each_shelf(dock: Depot) -> None:
    rule(dock, Rules((Strategy.OLDEST,)))
    dock.house.clock.pass_(timedelta(days=30))
    count(dock, dock.house.place, A=0)  # what came in first is gone
    count(dock, dock.house.place, A=20)
    dock.house.clock.pass_(timedelta(days=5))
    count(dock, A=15)  # five more in the west, on top of ten that are a month old

    with dock.house.hub.database.read() as db:
        since = routings.since(db, dock.merchant, ["A"])
    assert {at: (dock.house.hub.now - then) // routing.DAY for (_, at), then in since.items()} == {dock.house.place: 5, WEST: 35}

    dock.sell(A=1)
    assert sent_from(dock) == [("West", 1)]
    assert {one.name: (one.why, one.lain) for one in decided(dock)[0].verdicts} == {"Main": (Why.OLDEST, 5), "West": (Why.SENDS, 35)}


@on_sqlite
def test_what_carriers_asked_for_it_counts_before_the_table(dock: Depot) -> None:
    zones = {dock.house.place: (Zone("US", "", 1, 900),), WEST: (Zone("US", "", 1, 500),)}
    dock.sell(A=1)
    rule(dock, Rules((Strategy.CHEAPEST,), zones=zones, currency="USD"))
    with dock.house.hub.unit() as work:
        sql = """insert into quotes (merchant, shipment, connection, service, name, price, currency, at)
                 values (:merchant, :shipment, 'c', 'slow', 'Slow', 300, 'USD', 1)"""
        run(work.db, sql, merchant=dock.merchant, shipment=dock.id("S1"))
    packing.take_apart(dock.house.hub, dock.merchant, dock.id("S1"), ANN)
    dock.release()

    assert sent_from(dock) == [("Main", 1), ("Main", 1)]
    assert {one.name: one.cost for one in decided(dock)[0].verdicts} == {"Main": 300, "West": 500}


# ---- what the channel assigned


NEAR_WEST = Rules((Strategy.NEAREST,), zones={WEST: (Zone("US", "", 1),)})


@pytest.fixture
def shops(house: House) -> Depot:
    """The channel has two places; both locations send."""
    with house.hub.unit() as work:
        stock.add_location(work.db, house.merchant.id, WEST, "West", rank=1)
    house.bogus.places = [Place("P1", "Shop"), Place("P2", "Store room")]
    for place in ("P1", "P2"):
        house.bogus.offer("A", 10, at=place)
    dock = depot(house)
    with house.hub.unit() as work:
        run(work.db, "update locations set ships = true")
    count(dock, A=10)
    count(dock, house.place, A=10)
    house.ask("read_listings")
    house.drain()
    rule(dock, NEAR_WEST)
    return dock


def sell_at_p1(dock: Depot) -> None:
    order = dock.house.bogus.sell({"A": 2}, at="P1", ship_to=BUYER)["id"]
    dock.house.bogus.route(order, P1={"1": 2})
    dock.poll()


@on_sqlite
def test_what_the_channel_assigned_to_one_location_is_left_alone(shops: Depot) -> None:
    places.map_place(shops.house.hub, shops.house.connection, "P1", [shops.house.place])
    places.map_place(shops.house.hub, shops.house.connection, "P2", [WEST])
    shops.house.drain()

    sell_at_p1(shops)

    assert sent_from(shops) == [("Main", 2)]
    assert decided(shops) == []


@on_sqlite
def test_what_the_channel_assigned_to_a_place_of_several_locations_leaves_from_the_best_of_them(shops: Depot) -> None:
    places.map_place(shops.house.hub, shops.house.connection, "P1", [shops.house.place, WEST])
    places.map_place(shops.house.hub, shops.house.connection, "P2", [])
    shops.house.drain()

    sell_at_p1(shops)
    assert sent_from(shops) == [("West", 2)]

    shops.poll()
    assert books.rows(shops.house.hub, "select location, units from reservations") == [(WEST, 2)]
    books.balance(shops.house.hub)


@on_sqlite
def test_parts_of_a_kit_that_lie_apart_are_brought_together(dock: Depot) -> None:
    count(dock, dock.house.place, A=1, B=0)
    count(dock, A=1, B=1)
    dock.house.bogus.offer("KIT", 1)
    dock.house.ask("read_listings")
    dock.house.drain()
    with dock.house.hub.unit() as work:
        map_listing(work, dock.merchant, (dock.house.connection.id, "L-KIT", "KIT"), {"A": 1, "B": 1})
    dock.house.drain()

    dock.sell(KIT=1)

    assert sent_from(dock) == [("West", 1)]
    assert sorted(books.rows(dock.house.hub, "select sku, location from reservations")) == [("A", WEST), ("B", WEST)]


@on_sqlite
def test_a_shipment_that_is_taken_apart_is_decided_anew(dock: Depot) -> None:
    number = sell(dock, A=2)
    dock.release()
    rule(dock, NEAR_WEST)

    acts.edit(dock.house.bogus, number, "1", 1)
    dock.poll()
    dock.release()

    assert sent_from(dock) == [("Main", 2), ("West", 1)]
    assert books.rows(dock.house.hub, "select state, location from shipments order by name") == [
        ("cancelled", dock.house.place), ("released", WEST),
    ]  # fmt: skip
    books.balance(dock.house.hub)


@on_sqlite
def test_what_is_said_now_can_be_asked_without_moving_anything(dock: Depot) -> None:
    sell(dock, A=2)
    rule(dock, NEAR_WEST)
    order = str(books.one(dock.house.hub, "select id from orders"))

    _, would = releasing.would_leave(dock.house.hub, dock.merchant, order, write=False)
    assert would
    assert list(would.sends) == [WEST]
    assert (decided(dock), books.rows(dock.house.hub, "select location from reservations")) == ([], [(dock.house.place,)])

    releasing.would_leave(dock.house.hub, dock.merchant, order, write=True)
    assert (decided(dock), books.rows(dock.house.hub, "select location from reservations")) == ([would], [(WEST,)])
