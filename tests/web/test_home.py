"""The first page: today's figures, what needs somebody, how late channels are told, how each of them is."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text as sql

from core.domain.roles import Role
from core.flows import backfill
from core.store import connections, findings
from core.store.findings import Finding
from tests.web.rooms import Person, person
from tests.web.shop import Shop


@pytest.fixture
def ana(shop: Shop) -> Person:
    return person(shop.hub, shop.merchant)


def sell(shop: Shop, *times: datetime) -> None:
    for at in times:
        body = json.loads(shop.sold("paid", A=1).body)
        shop.send({**body, "created_at": at.isoformat(), "processed_at": at.isoformat()})
    shop.drain()


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_orders_and_money_are_those_of_today_on_the_merchants_clock(shop: Shop) -> None:
    shop.offer("A")
    midnight = datetime(2026, 11, 22, 5, tzinfo=UTC)  # in New York
    sell(shop, midnight - timedelta(minutes=1), midnight, midnight + timedelta(hours=6))

    here = person(shop.hub, shop.merchant, zone="America/New_York").get("/")
    there = person(shop.hub, shop.merchant, zone="Europe/Berlin").get("/")

    assert "Orders today 2" in words(here)
    assert "Orders today 3" in words(there)
    assert '<rect class="s0"' in here
    assert re.findall(r"<title>Shopify, (\d\d):00: (\d)</title>", here) == [("00", "1"), ("06", "1")]


def test_the_page_asks_little_and_weighs_little(shop: Shop, ana: Person) -> None:
    shop.offer(*(f"S{n:03}" for n in range(40)))
    for n in range(40):
        shop.deliver(shop.sold(**{f"S{n:03}": 1}))
    shop.drain()

    text = ana.get("/")

    assert len(ana.statements) <= 8
    assert len(text) < 30_000


def test_the_moving_part_is_sent_again_only_when_it_looks_different(shop: Shop, ana: Person) -> None:
    shop.offer("A")
    [address] = re.findall(r'hx-get="(/live[^"]*)"', ana.get("/"))

    assert ana.ask(address).status_code == 204

    sell(shop, shop.clock())
    answer = ana.ask(address)
    assert answer.status_code == 200
    assert "<html" not in answer.text
    assert re.findall(r'hx-get="(/live[^"]*)"', answer.text) != [address]


def test_before_anything_is_connected_the_page_says_what_to_do(shop: Shop) -> None:
    with shop.hub.database.write() as db:
        db.exec_driver_sql("delete from connections")

    assert "Connect your first channel" in person(shop.hub, shop.merchant).get("/")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("update connections set live_at = 0", "All is well."),
        ("update connections set live_at = null", "Watched: orders are read, nothing is written there."),
        ("update connections set state = 'needs_login'", "It does not let us in."),
        ("update connections set state = 'paused'", "Paused by one of you"),
    ],
)
def test_each_connection_says_how_it_is(shop: Shop, ana: Person, change: str, expected: str) -> None:
    shop.offer("A")
    with shop.hub.database.write() as db:
        db.exec_driver_sql(change)

    assert expected in ana.get("/")


def test_how_soon_every_channel_is_told_is_shown_with_its_hours(shop: Shop, ana: Person) -> None:
    shop.offer("A")
    since = shop.hub.now - 60_000_000
    push = """insert into pushes (merchant, connection, listing_id, key, quantity, since, asked_at, told_at, told)
              values (:merchant, :connection, 1, 'k', 1, :since, :asked, :told, 'shown')"""
    with shop.hub.database.write() as db:
        for told in (400_000, 2_000_000):  # the slowest channel counts
            values = {"since": since, "asked": since, "told": since + told}
            db.execute(sql(push), {"merchant": shop.merchant, "connection": shop.connection.id, **values})

    text = ana.get("/")

    assert "From a sale to every channel told 2 s 99 of 100 within 2 s" in words(text)
    assert "<td>11:00</td><td>2 s</td><td>2 s</td>" in text


def test_orders_that_no_notice_told_of_are_counted_with_how_late_they_were_found(shop: Shop, ana: Person) -> None:
    assert "Found without a notice" not in ana.get("/")
    now = shop.hub.now
    late = Finding(shop.connection.id, "order", "1001", "changed there", "nothing told us", now, now - 480_000_000, now, "repaired")
    day = Finding(shop.connection.id, "day", "2026-11-20", "12 orders", "11 orders", now)
    with shop.hub.database.write() as db:
        findings.keep(db, shop.merchant, shop.connection.id, [late, day])

    text = words(ana.get("/"))

    assert "Found without a notice 1 in 24 hours; 8 min late, 8 min at most" in text
    assert "A channel counts other orders for a day than we do" in text


def test_a_run_through_old_orders_is_told_while_it_runs(shop: Shop, ana: Person) -> None:
    backfill.ask(shop.hub, shop.connection, shop.clock() - timedelta(days=100))
    assert "Old orders are coming in" in ana.get("/")

    shop.drain()
    assert "Old orders are coming in" not in ana.get("/")


def test_a_copy_is_counted_once(shop: Shop, ana: Person) -> None:
    shop.offer("A")
    sell(shop, shop.clock(), shop.clock())
    with shop.hub.database.write() as db:
        db.exec_driver_sql("update orders set copy_of = 'shop/1' where id = (select max(id) from orders)")

    assert "Orders today 1" in words(ana.get("/"))


def test_whatever_things_are_called_is_text_and_never_markup(shop: Shop) -> None:
    wild = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    with shop.hub.database.write() as db:
        connections.set_state(db, shop.connection.id, "needs_login", wild)
        db.execute(sql("update connections set label = :wild"), {"wild": wild})

    text = person(shop.hub, shop.merchant, Role.VIEWER, name=wild).get("/")

    assert "<script>alert" not in text
    assert "<img" not in text


def test_another_merchant_sees_nothing_of_it(shop: Shop) -> None:
    shop.offer("A")
    sell(shop, shop.clock())

    assert "Connect your first channel" in person(shop.hub, "another").get("/")
