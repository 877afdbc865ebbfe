"""Joining a running business: nothing is written before somebody looked and said yes."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from core import jobs
from core.domain.stock import ANYWHERE
from core.errors import Refused
from core.flows import connections as flows
from core.flows import join
from core.flows.allocation import map_listing
from core.flows.stock_csv import apply
from core.store import connections, listings
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.acts import deliver, notice

MakeHouse = Callable[..., House]


def watched(house: House, *names: str) -> None:
    with house.hub.database.write() as db:
        for name in names or house.connections:
            connections.set_live(db, house.connections[name].id, None)


def writes(house: House) -> int:
    return sum(len(one.writes) for system in house.systems.values() for one in system.listings.values())


def fresh(house: House, name: str) -> connections.Connection:
    return house.hub.connection(house.connections[name].id)


def read_everything(house: House) -> None:
    house.clock.pass_(timedelta(minutes=5))
    for connection in house.connections.values():
        house.ask("read_listings", connection=connection)
    house.poll()


def test_a_connection_that_is_watched_takes_orders_and_writes_nothing(make_house: MakeHouse) -> None:
    house = make_house("north", "south")
    watched(house)
    house.shelve(A=10)
    sold = house.systems["north"].sell({"A": 3})
    deliver(house, [notice(sold, "d1")], house.connections["north"])
    house.drain()
    read_everything(house)
    house.drain(through=timedelta(minutes=10))

    assert books.level(house.hub, "A") == (10, 3)
    assert writes(house) == 0


def test_what_would_change_is_shown_first_and_written_only_when_accepted(make_house: MakeHouse) -> None:
    house = make_house("north", "south")
    watched(house)
    house.shelve(A=10, B=5)
    house.systems["north"].listings["L-A", "A"].shown = 4
    read_everything(house)

    north = {one.sku: one for one in join.changes(house.hub, fresh(house, "north"))}
    assert (north["A"].now, north["A"].after, north["A"].what) == (4, 10, "raise")
    assert north["B"].what == "same"
    assert writes(house) == 0

    join.go_live(house.hub, fresh(house, "north"))
    house.clock.pass_(timedelta(minutes=5))
    house.poll()
    house.drain(through=timedelta(minutes=5))

    assert house.systems["north"].listings["L-A", "A"].shown == 10
    assert all(not one.writes for one in house.systems["south"].listings.values())


@pytest.mark.parametrize("name", ["listings", "orders"])
def test_a_connection_whose_listings_or_orders_are_read_in_part_only_may_not_write(house: House, name: str) -> None:
    watched(house)
    read_everything(house)
    with house.hub.database.write() as db:
        connections.set_mark(db, house.merchant.id, house.connection.id, name, house.hub.now, "page 2")

    with pytest.raises(Refused, match=f"its {name} are not read yet"):
        join.go_live(house.hub, fresh(house, "bogus"))


def test_writing_waits_until_the_orders_of_all_channels_are_read_up_to_the_moment_it_began(make_house: MakeHouse) -> None:
    """South sold one while nobody listened: north must not be raised to what we believe before we know."""
    house = make_house("north", "south")
    watched(house)
    house.shelve(A=10)
    read_everything(house)
    house.systems["north"].listings["L-A", "A"].shown = 2
    house.systems["south"].sell({"A": 4})

    join.go_live(house.hub, fresh(house, "north"))
    jobs.drain(house.hub, "outside")
    assert writes(house) == 0

    house.clock.pass_(timedelta(minutes=5))
    house.poll()
    house.drain(through=timedelta(minutes=5))
    assert house.systems["north"].listings["L-A", "A"].writes == [6]


def test_a_connection_that_was_locked_out_writes_again_only_after_its_orders_were_read(make_house: MakeHouse) -> None:
    """It sold four while its login was lost, and stock was counted meanwhile."""
    house = make_house("north", "south")
    house.shelve(A=10)
    read_everything(house)
    north = house.connections["north"]
    with house.hub.database.write() as db:
        connections.set_state(db, north.id, "needs_login", "its token ended")
    house.systems["north"].sell({"A": 4})
    acts.count(house, A=12)

    flows.connect(house.hub, house.merchant.id, north.channel, north.account, {"key": "new"})
    with house.hub.database.write() as db:
        db.exec_driver_sql("delete from tasks where kind in ('poll_orders', 'read_listings')")
    jobs.drain(house.hub, "outside")
    assert house.systems["north"].listings["L-A", "A"].writes == []

    house.clock.pass_(timedelta(minutes=5))
    house.poll()
    house.drain(through=timedelta(minutes=5))
    assert house.systems["north"].listings["L-A", "A"].writes == [8]


def test_back_to_watching_stops_all_writing_at_once(house: House) -> None:
    house.shelve(A=10)
    join.watch(house.hub, house.connection)
    acts.count(house, A=3)
    house.drain(through=timedelta(minutes=5))

    assert writes(house) == 0


def test_a_sku_that_nobody_counted_is_neither_shown_as_zero_nor_written(house: House) -> None:
    house.shelve(A=10)
    with house.hub.database.write() as db:
        db.exec_driver_sql("delete from movements")
        db.exec_driver_sql("delete from levels")
        db.exec_driver_sql("update listings set changed = changed + 1")
    house.ask("publish_stock")
    house.drain()

    assert writes(house) == 0
    (change,) = join.changes(house.hub, fresh(house, "bogus"))
    assert (change.after, change.what) == (None, "nobody counted its SKU")


MANY = {f"S{n:02}": 10 for n in range(40)}


def test_a_push_that_would_empty_more_than_a_fifth_of_a_channel_is_parked_until_it_is_accepted(house: House) -> None:
    house.shelve(**MANY)
    acts.count(house, **dict.fromkeys(list(MANY)[:12], 0))
    house.drain()

    assert writes(house) == 0
    ((kind, _, cause),) = [row[:3] for row in books.parked(house.hub)]
    assert (kind, cause) == ("publish_stock", "WouldEmpty")

    house.clock.pass_(timedelta(minutes=5))
    house.poll()
    join.go_live(house.hub, fresh(house, "bogus"))
    house.clock.pass_(timedelta(minutes=5))
    house.poll()
    house.drain(through=timedelta(minutes=5))

    assert sum(1 for one in house.bogus.listings.values() if one.shown == 0) == 12
    assert books.parked(house.hub) == []


def test_a_few_that_sell_out_are_not_stopped(house: House) -> None:
    house.shelve(**MANY)
    acts.count(house, **dict.fromkeys(list(MANY)[:8], 0))
    house.drain()

    assert sum(1 for one in house.bogus.listings.values() if one.shown == 0) == 8


@pytest.mark.parametrize(("taken_off", "on_hand"), [(False, 7), (True, 9)])
def test_the_opening_stock_of_a_channel_is_what_it_shows_and_what_is_sold_and_not_sent(
    make_house: MakeHouse, taken_off: bool, on_hand: int
) -> None:
    house = make_house("north", "south")
    watched(house)
    house.systems["north"].offer("A", 5)
    house.systems["south"].offer("A", 5)
    for name, units in (("north", 2), ("south", 2)):
        sold = house.systems[name].sell({"A": units})
        house.systems[name].listings["L-A", "A"].shown = 5
        deliver(house, [notice(sold, f"of {name}")], house.connections[name])
    house.drain()
    read_everything(house)

    found, left = join.opening(house.hub, fresh(house, "north"), others_taken_off=taken_off)

    assert [(one.sku, one.on_hand) for one in found] == [("A", on_hand)]
    assert left == []


def test_listings_whose_skus_are_the_same_or_differ_by_case_alone_are_asked_not_merged() -> None:
    shelves = [
        listings.Shelf(n, "c", "bogus", f"L-{n}", sku, "", 4, None, {}, None, None, False)
        for n, sku in enumerate(["A", "a", "B", "B", " ", "C "], 1)
    ]

    found, left = join._opening(shelves, Counter({("C", ""): 1}), ANYWHERE)

    assert [(one.sku, one.on_hand) for one in found] == [("C", 5)]
    assert len(left) == 5


def test_what_left_before_the_first_count_is_in_that_count(house: House) -> None:
    """Taken in while nobody had counted, sent meanwhile: the units that the count found are those that are left."""
    house.bogus.offer("A", 10)
    sold = house.bogus.sell({"A": 3})
    deliver(house, [notice(sold, "sold")])
    house.drain()
    house.clock.pass_(timedelta(minutes=1))
    deliver(house, [notice(acts.fulfill(house.bogus, sold["id"], "1", 3), "sent")])
    house.drain()
    assert list(apply(house.hub, house.merchant.id, [{"sku": "A", "title": "", "on_hand": 7}], "Main", dry_run=False)) == ["A: 0 -> 7"]
    house.drain()

    assert books.level(house.hub, "A") == (7, 0)


def rename(house: House, was: str, now: str) -> None:
    house.bogus.listings["L-A", now] = house.bogus.listings.pop(("L-A", was))


def parts(house: House) -> dict[str, dict[str, int]]:
    with house.hub.database.read() as db:
        return {one.sku: dict(one.parts) for one in listings.all_of(db, house.merchant.id) if one.writable is None}


def test_a_listing_that_is_renamed_keeps_its_map_and_the_diary_says_so(house: House) -> None:
    house.shelve(A=10)
    with house.hub.unit() as work:
        map_listing(work, house.merchant.id, (house.connection.id, "L-A", "A"), {"A": 2})
    house.drain()
    rename(house, "A", "A-2026")
    read_everything(house)

    assert parts(house) == {"A-2026": {"A": 2}}
    assert books.rows(house.hub, "select kind from events where kind like 'Listing%'") == [("ListingRenamed",)]
    assert house.bogus.listings["L-A", "A-2026"].shown == 5


def test_a_listing_that_is_missed_by_one_reading_is_still_written_and_by_two_no_more(house: House) -> None:
    house.shelve(A=10, B=10)
    read_everything(house)
    kept = house.bogus.listings.pop(("L-B", "B"))
    read_everything(house)
    assert parts(house) == {"A": {"A": 1}, "B": {"B": 1}}

    read_everything(house)
    assert parts(house) == {"A": {"A": 1}}

    house.bogus.listings["L-B", "B"] = kept
    read_everything(house)
    assert parts(house) == {"A": {"A": 1}, "B": {"B": 1}}


def test_skus_of_one_channel_that_differ_by_case_or_blanks_alone_are_not_mapped_by_themselves(house: House) -> None:
    house.shelve(C=5)
    house.bogus.offer("A", 1)
    house.bogus.offer(" A", 1)
    read_everything(house)
    acts.count(house, A=3)
    read_everything(house)

    assert parts(house) == {"C": {"C": 1}, "A": {}, " A": {}}
