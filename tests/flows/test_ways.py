"""How news of orders reach us, how late by polling alone, and what a connection that is to be written waits for."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

import connectors
from connectors.bogus import MANIFEST
from core.flows import join
from core.flows.ways import POLL, QUEUE, WEBHOOK, Way, late, notices, spell, ways
from core.store import connections
from tests.conftest import House
from tests.flows.acts import deliver, notice
from tests.flows.test_join import fresh, read_everything, watched


def way(house: House, name: str) -> Way:
    with house.hub.database.read() as db:
        return next(one for one in ways(house.hub, db, house.merchant.id) if one.connection.account == name)


@pytest.mark.parametrize(
    ("said", "by"),
    [
        ({}, POLL),
        ({"public_url": "http://127.0.0.1:8400"}, POLL),
        ({"public_url": "http://hub.example.com"}, POLL),
        ({"public_url": "https://localhost"}, POLL),
        ({"public_url": "https://192.168.0.7"}, POLL),
        ({"public_url": "https://hub"}, POLL),
        ({"public_url": "https://hub.example.com"}, WEBHOOK),
        ({"public_url": "http://127.0.0.1:8400", "webhook_url": "https://hub.example.com/webhooks/x"}, WEBHOOK),
        ({"public_url": "https://hub.example.com", "webhook_url": "http://10.0.0.1/webhooks/x"}, POLL),
        ({"public_url": "http://127.0.0.1:8400", "url": "http://127.0.0.1:8410/shopify/{account}"}, WEBHOOK),
        ({"public_url": "http://127.0.0.1:8400", "api_url": "http://localhost:8410/ebay"}, WEBHOOK),
        ({"public_url": "https://hub.example.com", "queue_url": "https://sqs.example.com/q"}, QUEUE),
    ],
)
def test_notices_come_only_to_an_address_that_the_channel_reaches(said: dict[str, Any], by: str) -> None:
    assert notices(MANIFEST, said) == by


def test_amazon_pushes_nothing_without_a_queue() -> None:
    amazon = connectors.load()["amazon"]

    assert notices(amazon, {"public_url": "https://hub.example.com", "queue_url": ""}) == POLL
    assert late(amazon, amazon.settings) == 17 * 60


@pytest.mark.parametrize(("said", "seconds"), [({}, 1020), ({"poll_s": 60, "min_age_s": 0}, 60), ({"poll_s": "often"}, 1020)])
def test_an_order_is_late_by_a_poll_and_by_the_age_that_is_left_out(said: dict[str, Any], seconds: int) -> None:
    assert late(MANIFEST, said) == seconds


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (None, "-"),
        (340, "340 ms"),
        (999, "999 ms"),
        (1138, "1.1 s"),
        (3000, "3 s"),
        (9949, "9.9 s"),
        (12_400, "12 s"),
        (14_300, "14 s"),
        (1_020_000, "17 min"),
        (10_800_000, "3 h"),
    ],
)
def test_times_are_said_in_one_unit(ms: int | None, words: str) -> None:
    assert spell(ms) == words


def test_what_polling_alone_costs_is_said_and_measured(house: House) -> None:
    house.bogus.offer("A", 10)
    for n, lag in enumerate((5, 20, 300)):
        sold = house.bogus.sell({"A": 1})
        house.clock.pass_(timedelta(seconds=lag))
        deliver(house, [notice(sold, f"d{n}")])
        house.drain()

    one = way(house, "bogus")
    assert (one.notices, one.seen, one.lag_p50, one.lag_p99) == (POLL, 3, 20_000, 300_000)
    assert one.words.startswith("orders are seen up to 17 min late; ")


def test_orders_of_before_the_connection_or_of_another_day_are_not_measured(house: House) -> None:
    house.bogus.offer("A", 10)
    early = house.bogus.sell({"A": 1}, placed_at=(house.clock.now - timedelta(days=3)).isoformat())
    late_one = house.bogus.sell({"A": 1})
    house.clock.pass_(timedelta(hours=30))
    deliver(house, [notice(early, "early"), notice(late_one, "late")])
    house.drain()

    assert way(house, "bogus").seen == 0


def test_a_live_connection_says_whose_orders_it_waits_for_until_it_is_written(make_house: Any) -> None:
    house: House = make_house("north", "south")
    watched(house)
    house.shelve(A=10)
    read_everything(house)
    assert way(house, "north").state == "watched"
    join.go_live(house.hub, fresh(house, "north"))

    moment = house.clock.now
    north = way(house, "north")
    assert north.state == "waits"
    assert {words.split(" read to ")[0] for words in north.waits} == {"waits for orders of bogus north", "waits for orders of bogus south"}
    assert f"read to {moment:%H:%M:%S}; polled to {moment - timedelta(minutes=2):%H:%M:%S}" in north.waits[0]

    house.clock.pass_(timedelta(minutes=5))
    with house.hub.database.write() as db:
        connections.set_mark(db, house.merchant.id, house.connections["north"].id, "orders", house.hub.now)
    assert [words.split(" read to ")[0] for words in way(house, "north").waits] == ["waits for orders of bogus south"]
    with house.hub.database.write() as db:
        connections.set_state(db, house.connections["south"].id, "needs_login", "its token ended")
        connections.set_live(db, house.connections["south"].id, 0)
    assert "it needs a login" in way(house, "north").waits[0]
    with house.hub.database.write() as db:
        connections.set_state(db, house.connections["south"].id, "active", None)

    house.poll()
    house.drain(through=timedelta(minutes=5))
    assert (way(house, "north").state, way(house, "north").waits) == ("written", ())


def test_orders_that_are_here_and_not_taken_are_waited_for(house: House) -> None:
    house.shelve(A=10)
    read_everything(house)
    house.clock.pass_(timedelta(minutes=5))
    house.poll()
    sold = house.bogus.sell({"A": 1})
    deliver(house, [notice(sold, "sold")])
    with house.hub.database.write() as db:
        connections.set_live(db, house.connection.id, house.hub.now - 200_000_000)
        db.exec_driver_sql("update tasks set asked_at = 0 where kind = 'take_orders'")

    assert way(house, "bogus").waits == ("waits for 1 orders that are here and not taken yet",)


def test_a_connection_of_a_channel_that_is_not_installed_is_listed_all_the_same(house: House) -> None:
    stranger = replace(house.hub, connectors={})
    with house.hub.database.read() as db:
        [one] = ways(stranger, db, house.merchant.id)

    assert one.notices == POLL
