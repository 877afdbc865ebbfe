"""Holding the hub against its channels without anyone's help: what nothing told us of, days, listings, subscriptions."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config import schedule
from core.errors import Unavailable
from core.flows import connections as flows
from core.flows import overview, reconcile
from core.store import connections, doubts, findings
from core.store.findings import Finding
from core.store.tables import when
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.marks import on_sqlite
from tests.flows.workers import Crash

URL = "https://hub.example/webhooks/bogus"
DAY = timedelta(days=1)


def found(house: House, what: str = "") -> list[Finding]:
    with house.hub.database.read() as db:
        return [one for one in reversed(findings.listed(db, house.merchant.id)) if what in ("", one.what)]


def opened(house: House) -> list[tuple[str, str]]:
    return [(one.what, one.subject) for one in found(house) if one.mended_at is None]


@pytest.fixture
def told(house: House) -> House:
    """A connection that is subscribed, and polled once since."""
    flows.connect(house.hub, house.merchant.id, "bogus", "bogus", {}, settings={"webhook_url": URL})
    house.drain()
    house.clock.pass_(timedelta(minutes=5))
    return house


def calls(house: House, *methods: str) -> list[str]:
    return [method for method, _ in house.bogus.calls if method in methods]


# ---- what nothing told us of


def test_an_order_that_only_a_poll_found_is_kept_with_the_time_that_nobody_knew_of_it(told: House) -> None:
    acts.deliver(told, [acts.notice(told.bogus.sell({"A": 1}), "d1")])
    told.bogus.sell({"A": 1})
    told.clock.pass_(timedelta(minutes=14))
    told.poll()

    (one,) = found(told, "order")
    assert (one.subject, one.how) == ("1002", "repaired")
    assert one.found_at - (one.since or 0) == 14 * 60_000_000
    with told.hub.database.read() as db:
        assert findings.missed(db, told.merchant.id, 0) == [14 * 60_000_000]


def test_what_a_notice_told_and_what_is_on_its_way_is_not_counted_as_missed(told: House) -> None:
    acts.deliver(told, [acts.notice(told.bogus.sell({"A": 1}), "d1", whole=False)])
    told.clock.pass_(timedelta(minutes=5))
    told.ask("poll_orders")
    told.drain()
    told.clock.pass_(timedelta(minutes=5))
    told.poll()

    assert found(told) == []


def test_a_connection_that_nobody_should_tell_anything_misses_nothing(house: House) -> None:
    house.bogus.sell({"A": 1})
    house.clock.pass_(timedelta(minutes=14))
    house.poll()

    assert found(house) == []
    assert len(books.orders(house.hub)) == 1


def test_a_channel_that_once_told_us_something_is_expected_to_go_on(house: House) -> None:
    """Nothing is set: Shopify's app has subscriptions of its own."""
    acts.deliver(house, [acts.notice(house.bogus.sell({"A": 1}), "d1")])
    house.clock.pass_(timedelta(minutes=5))
    house.poll()
    house.bogus.sell({"A": 1})
    house.clock.pass_(timedelta(minutes=5))
    house.poll()

    assert [(one.what, one.subject, one.mended_at is None) for one in found(house)] == [
        ("order", "1002", False),
        ("silence", "notices", True),
    ]


def test_what_changed_before_anything_was_to_be_told_is_not_missed(house: House) -> None:
    house.bogus.sell({"A": 1})
    house.clock.pass_(timedelta(minutes=14))
    flows.connect(house.hub, house.merchant.id, "bogus", "bogus", {}, settings={"webhook_url": URL})
    house.drain()
    house.poll()

    assert found(house) == []


def test_silence_is_found_with_the_first_order_and_the_subscription_is_made_again_at_once(told: House) -> None:
    told.bogus.hooks.clear()
    told.bogus.sell({"A": 1})
    told.clock.pass_(timedelta(minutes=10))
    told.poll()

    assert [(one.what, one.how) for one in found(told)] == [("order", "repaired"), ("silence", "repaired"), ("subscription", "repaired")]
    assert told.bogus.hooks == {("orders/changed", URL)}


def test_silence_of_a_channel_whose_subscription_stands_stays_open_until_it_is_heard_again(told: House) -> None:
    for _ in range(2):
        told.bogus.sell({"A": 1})
        told.clock.pass_(timedelta(minutes=10))
        told.poll()
    (silence,) = found(told, "silence")
    assert (silence.theirs, silence.mended_at) == ("2 orders changed", None)

    acts.deliver(told, [acts.notice(told.bogus.sell({"A": 1}), "d3")])
    told.drain()
    told.poll()
    assert [one.how for one in found(told, "silence")] == ["gone by itself"]


def test_the_first_subscribing_is_no_finding_and_another_address_is_a_first_one(told: House) -> None:
    assert calls(told, "subscribe") == ["subscribe"]
    flows.connect(told.hub, told.merchant.id, "bogus", "bogus", {}, settings={"webhook_url": f"{URL}/2"})
    told.drain()

    assert len(told.bogus.hooks) == 2
    assert found(told) == []


def test_a_crash_between_finding_and_making_a_subscription_again_loses_neither(told: House) -> None:
    told.bogus.hooks.clear()
    told.bogus.next("subscribe", Crash())
    told.ask("subscribe")
    with pytest.raises(Crash):
        told.drain()
    told.clock.pass_(timedelta(seconds=10))
    with told.hub.database.write() as db:
        db.exec_driver_sql("update tasks set state = 'due', lease_until = null where state = 'running'")
    told.drain()

    assert [(one.what, one.how) for one in found(told)] == [("subscription", "repaired")]
    assert told.bogus.hooks == {("orders/changed", URL)}


# ---- days


def night(house: House) -> None:
    """What the clock asks for at night, with the polls before it."""
    house.poll()
    house.ask("compare_days")
    house.drain(timedelta(minutes=5))


def lose(house: House, order: str) -> None:
    """An order that was here is not any more."""
    with house.hub.database.write() as db:
        for table in ("order_lines", "reservations"):
            db.exec_driver_sql(f"delete from {table} where order_id in (select id from orders where channel_id = '{order}')")
        db.exec_driver_sql(f"delete from orders where channel_id = '{order}'")


def days_of_orders(house: House, days: int, each: int = 1) -> None:
    for _ in range(days):
        for _ in range(each):
            house.bogus.sell({"A": 1})
        house.clock.pass_(DAY)
        house.poll()


def test_days_that_are_equal_are_no_finding(house: House) -> None:
    days_of_orders(house, 3, 2)
    night(house)

    assert calls(house, "placed", "history") == ["placed"]
    assert found(house) == []


def test_a_day_that_lacks_an_order_is_read_and_the_order_is_here_again(house: House) -> None:
    days_of_orders(house, 4, 2)
    lose(house, "1003")
    night(house)

    (one,) = found(house, "day")
    assert (one.theirs, one.ours, one.how) == ("2 orders", "1 orders", "repaired")
    assert len(books.orders(house.hub)) == 8
    assert calls(house, "placed", "history") == ["placed", "history", "placed"]
    books.balance(house.hub)


def test_what_still_differs_is_shown_with_its_evidence_until_it_does_not_any_more(house: House) -> None:
    days_of_orders(house, 3)
    gone = house.bogus.orders.pop("1002")
    night(house)
    (one,) = found(house, "day")
    assert (one.theirs, one.ours, one.mended_at) == ("0 orders", "1 orders", None)

    house.clock.pass_(DAY)
    night(house)
    assert len(found(house)) == 1, "one finding, however many nights"
    house.bogus.orders["1002"] = gone
    house.clock.pass_(DAY)
    night(house)
    assert [one.how for one in found(house)] == ["gone by itself"]


def test_an_order_that_nobody_can_read_is_said_and_not_tried_again_each_night(house: House) -> None:
    days_of_orders(house, 2)
    house.bogus.change("1001", total="12,5")
    lose(house, "1001")
    night(house)
    night(house)
    tries = books.one(house.hub, "select count(*) from inbox where outcome = 'unreadable' or done_at is null")
    night(house)

    assert [(one.theirs, one.ours) for one in found(house, "day") if one.mended_at is None] == [
        ("1 orders", "0 orders, and 1 that cannot be read")
    ]
    assert books.one(house.hub, "select count(*) from inbox where outcome = 'unreadable' or done_at is null") == tries


def test_what_we_never_meant_to_have_is_no_difference(house: House) -> None:
    """Orders placed before the first poll's reach, and not changed since."""
    old = house.clock.now - timedelta(days=40)
    house.bogus.sell({"A": 1}, placed_at=old.isoformat(), updated_at=old.isoformat())
    days_of_orders(house, 2)
    night(house)
    assert found(house) == []

    with house.hub.unit() as work:
        work.db.exec_driver_sql(
            f"insert into backfills (merchant, connection, since, until, phase, begun_at) values "
            f"('{house.merchant.id}', '{house.connection.id}', {work.now - 45 * findings.DAY_US}, {work.now}, 'done', 0)"
        )
    night(house)
    assert [(one.subject, one.how) for one in found(house)] == [(old.date().isoformat(), "repaired")], "after a backfill we do"


def test_today_and_what_polls_have_not_read_yet_is_not_counted(house: House) -> None:
    days_of_orders(house, 2)
    house.bogus.sell({"A": 1})
    house.ask("compare_days")
    house.drain(timedelta(minutes=5))

    assert found(house) == []
    ((_, (_, until, _)),) = [call for call in house.bogus.calls if call[0] == "placed"]
    assert until == house.clock.now.replace(hour=0, minute=0, second=0, microsecond=0)


def test_a_count_by_pages_goes_on_where_it_stopped(house: House) -> None:
    house.bogus.per_page = 1
    days_of_orders(house, 5)
    house.bogus.next("placed", Unavailable("one page fails once"))
    night(house)

    assert found(house) == []
    assert len(calls(house, "placed")) > 5


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Auckland", "Asia/Kathmandu"])
def test_no_zone_of_a_channel_or_a_merchant_cuts_orders_off(house: House, zone: str) -> None:
    """Orders every hour, told with the offset of that zone, through the night in which its clocks change."""
    house.clock.now = datetime(2027, 3, 13, 23, 59, 59, tzinfo=UTC) if zone.startswith("America") else datetime(2027, 4, 2, tzinfo=UTC)
    first = house.clock.now
    house.poll()
    for _ in range(48):
        house.clock.pass_(timedelta(hours=1))
        at = house.clock.now.astimezone(ZoneInfo(zone)).isoformat()
        house.bogus.sell({"A": 1}, placed_at=at, updated_at=at)
    house.clock.pass_(DAY)
    house.poll()
    night(house)

    assert len(books.orders(house.hub)) == 48
    assert found(house) == []
    days = Counter((first + timedelta(hours=hour)).date() for hour in range(1, 49))
    with house.hub.database.read() as db:
        ours = findings.counted(db, house.merchant.id, house.connection.id, 0, house.hub.now)
    assert {when(day).date(): count for day, count in ours.items()} == dict(days)


def test_the_clock_asks_for_the_days_at_night_and_for_the_listings_hourly(house: House) -> None:
    schedule.tick(house.hub)
    house.drain()
    asked: list[tuple[str, int]] = []
    for _ in range(24 * 4):
        house.clock.pass_(timedelta(minutes=15))
        schedule.tick(house.hub)
        due = books.rows(house.hub, "select kind from tasks where state = 'due'")
        asked += [(kind, house.clock.now.hour) for (kind,) in due if kind.startswith("compare")]
        house.drain()

    assert [one for one in asked if one[0] == "compare_days"] == [("compare_days", 2)]
    assert len([one for one in asked if one[0] == "compare_listings"]) == 24


# ---- listings


def look(house: House, through: timedelta = timedelta(0)) -> None:
    house.ask("compare_listings")
    house.drain()
    if through:
        end = house.clock.now + through
        while house.clock.now < end:
            house.clock.pass_(timedelta(minutes=5))
            house.poll()
            house.drain()


@pytest.fixture
def shop(make_house: Callable[..., House]) -> House:
    house = make_house("north", "south")
    house.shelve(A=5, B=5)
    look(house)
    return house


def test_listings_that_moved_are_read_back_and_the_others_left_alone(shop: House) -> None:
    acts.count(shop, A=4)
    shop.drain()
    shop.bogus.calls.clear()
    look(shop)
    look(shop)

    read = [[push.sku for push in what] for method, what in shop.bogus.calls if method == "shown"]
    assert read == [["A"]], "once each move"
    assert found(shop) == []


def test_one_that_shows_more_is_told_again_and_the_finding_says_repaired(shop: House) -> None:
    acts.count(shop, A=4)
    shop.drain()
    shop.bogus.listings["L-A", "A"].shown = 9
    look(shop, timedelta(minutes=40))

    assert books.wrong_listings(shop) == []
    (one,) = found(shop)
    assert (one.what, one.subject, one.theirs, one.ours, one.how) == ("listing", "L-A A", "shows 9", "should show 4", "repaired")
    assert (one.mended_at or 0) - one.found_at < 3_600_000_000


def test_one_that_shows_less_is_raised_once_its_orders_are_read_past_that(shop: House) -> None:
    acts.count(shop, A=4)
    shop.drain()
    shop.bogus.listings["L-A", "A"].shown = 1
    shop.ask("compare_listings")
    shop.work()
    assert shop.bogus.listings["L-A", "A"].shown == 1, "it may be a sale that nobody told us of yet"
    look(shop, timedelta(minutes=40))

    assert books.wrong_listings(shop) == []
    assert [(one.theirs, one.ours, one.how) for one in found(shop)] == [("shows 1", "should show 4", "repaired")]


def test_a_sale_that_is_not_heard_of_yet_is_no_difference(shop: House) -> None:
    acts.count(shop, A=4)
    shop.drain()
    shop.bogus.sell({"A": 2})
    look(shop, timedelta(minutes=40))

    assert found(shop) == []
    assert books.wrong_listings(shop) == []


def test_what_is_sold_during_the_look_is_no_difference(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    acts.count(shop, A=4)
    shop.drain()
    shop.clock.pass_(timedelta(minutes=1))
    real = type(shop.hub.channel(shop.connection)).shown

    def meanwhile(self: Any, pushes: Any) -> Any:
        said = real(self, pushes)
        if shop.systems["north"].orders == {}:
            acts.deliver(shop, [acts.notice(shop.bogus.sell({"A": 1}), "d1")], shop.connections["north"])
            shop.drain()
        return said

    monkeypatch.setattr(type(shop.hub.channel(shop.connection)), "shown", meanwhile)
    shop.bogus.listings["L-A", "A"].shown = 8
    look(shop)

    assert found(shop) == []
    with shop.hub.database.read() as db:
        assert doubts.all_of(db, shop.merchant.id, shop.connection.id) == []


def test_a_channel_that_says_yes_and_shows_the_old_figure_is_found_and_stays_open(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    real = type(shop.bogus)._written

    def lying(self: Any, push: Any, shelf: Any) -> Any:
        before, answer = shelf.shown, real(self, push, shelf)
        if push.sku == "A" and self.account == "north":
            shelf.shown = before
        return answer

    monkeypatch.setattr(type(shop.bogus), "_written", lying)
    acts.count(shop, A=2)
    shop.drain()
    look(shop, timedelta(minutes=90))

    assert [(one.theirs, one.ours, one.mended_at) for one in found(shop)] == [("shows 5", "should show 2", None)]
    assert len(shop.bogus.listings["L-A", "A"].writes) > 1, "and it is told again"
    monkeypatch.undo()
    look(shop, timedelta(minutes=90))
    assert [one.how for one in found(shop)] == ["repaired"]


def test_a_channel_that_is_only_watched_is_read_back_and_never_written(make_house: Callable[..., House]) -> None:
    house = make_house("north")
    house.shelve(A=5)
    house.poll()
    with house.hub.unit() as work:
        connections.set_live(work.db, house.connection.id, None)
    before = list(house.bogus.listings["L-A", "A"].writes)
    acts.deliver(house, [acts.notice(house.bogus.sell({"A": 1}), "d1")])
    house.drain()
    house.bogus.listings["L-A", "A"].shown = 11
    look(house, timedelta(minutes=40))
    look(house, timedelta(minutes=40))

    assert house.bogus.listings["L-A", "A"].writes == before
    assert house.bogus.listings["L-A", "A"].shown == 11
    assert [(one.theirs, one.ours, one.how) for one in found(house)] == [("shows 11", "should show 4", "accepted")]


@on_sqlite
def test_an_hour_reads_no_more_than_two_calls_hold(make_house: Callable[..., House]) -> None:
    house = make_house("north")
    house.bogus.per_call = 4
    house.shelve(**{f"S{number}": 5 for number in range(20)})
    object.__setattr__(house.hub.connectors["bogus"].limits, "per_call", 4)
    look(house, timedelta(minutes=35))
    acts.count(house, **{f"S{number}": 3 for number in range(20)})
    house.drain()
    house.clock.pass_(timedelta(hours=1))
    house.bogus.calls.clear()
    look(house, timedelta(minutes=55))

    read = [push.sku for method, what in house.bogus.calls if method == "shown" for push in what]
    assert len(read) == 8
    for _ in range(3):
        look(house, timedelta(minutes=65))
    read = [push.sku for method, what in house.bogus.calls if method == "shown" for push in what]
    assert sorted(read) == sorted(f"S{number}" for number in range(20)), "and each in its turn"


# ---- by hand


def differences(house: House, days: int = 5) -> list[tuple[str, str, str, str]]:
    every = reconcile.compare_all(house.hub, house.hub.connection(house.connection.id), days)
    return [(one.what, one.subject, one.theirs, one.ours) for _, some in every for one in some]


def test_by_hand_all_of_it_is_compared_and_nothing_is_changed(told: House) -> None:
    told.shelve(A=5)
    days_of_orders(told, 3)
    assert differences(told) == []

    told.bogus.hooks.clear()
    lose(told, "1002")
    told.bogus.listings["L-A", "A"].shown = 7
    before, known = books.written(told.hub), found(told)
    said = differences(told)

    assert {what for what, *_ in said} == {"subscription", "order", "day", "listing"}
    assert ("day", "2026-11-23", "1 orders", "0 orders") in said
    assert (books.written(told.hub), found(told), told.bogus.hooks) == (before, known, set())


def test_what_is_mended_by_hand_is_right_after_the_hub_did_its_work(told: House) -> None:
    told.shelve(A=5)
    days_of_orders(told, 3)
    told.bogus.hooks.clear()
    lose(told, "1002")
    told.bogus.listings["L-A", "A"].shown = 7
    reconcile.mend(told.hub, told.connection, told.clock.now - timedelta(days=5))
    told.drain(timedelta(minutes=5))
    told.poll()

    assert differences(told) == []
    assert books.wrong_listings(told) == []


def test_the_first_page_knows_how_many_were_missed_and_how_late_they_were_found(told: House) -> None:
    for minutes in (4, 9, 14):
        told.bogus.sell({"A": 1})
        told.clock.pass_(timedelta(minutes=minutes))
        told.poll()

    with told.hub.database.read() as db:
        late = overview.missed(db, told.merchant.id, told.hub.now)
    assert (late.orders, late.p50_s, late.max_s) == (3, 9 * 60, 14 * 60)


def test_one_order_that_cannot_be_fetched_drags_no_other_along(house: House) -> None:
    """A set of orders that got no answer twice is fetched one by one."""
    house.bogus.whole = False
    real = house.bogus.call

    @contextmanager
    def call(method: str, what: Any = None) -> Iterator[None]:
        with real(method, what):
            if method == "fetch" and "1002" in what:
                raise Unavailable("this one never answers")
            yield

    house.bogus.call = call  # type: ignore[method-assign]  # the channel's trouble, not our code
    for _ in range(4):
        house.bogus.sell({"A": 1})
    house.clock.pass_(timedelta(minutes=5))
    house.poll()
    house.drain(timedelta(minutes=4))

    assert [order for _, order in books.orders(house.hub)] == ["1001", "1003", "1004"]
