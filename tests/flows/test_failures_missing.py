"""Failures that users of other hubs reported: orders that never arrive, subscriptions that are gone, pages that step over orders, data
of the merchant's that a connector overwrites, time zones that cut orders off. Named by what must hold.

The channels are their simulators with the vendors' limits, in this process, on a clock that is turned by hand.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from config import schedule
from config.bench.paging import Runs
from config.bench.reconcile import SLACK, silent_hour
from config.bench.street import CHANNELS, Street
from core.flows.intake import BEGIN
from core.store import findings
from core.store.findings import DAY_US
from core.store.tables import us

MINUTE = timedelta(minutes=1)
SKUS = ["A", "B", "C"]


@pytest.fixture
def make_street(tmp_path: Path) -> Iterator[Callable[..., Street]]:
    made: list[Street] = []

    def make(*names: str, **different: Any) -> Street:
        street = Street(tmp_path, names or CHANNELS, **different)
        made.append(street)
        street.offer(SKUS)
        street.drain()
        return street

    yield make
    for street in made:
        street.close()


def buy(street: Street, name: str, count: int = 1) -> list[str]:
    return [street.simulator(name).place({"lines": [{"sku": SKUS[n % 3], "quantity": 1}]})[0]["id"] for n in range(count)]


def live(street: Street, through: timedelta, each: timedelta = MINUTE, then: Callable[[], object] = lambda: None) -> None:
    """Time passes: the clockwork ticks, webhooks come in, work is done."""
    end = street.clock() + through
    while street.clock() < end:
        street.clock.pass_(each)
        then()
        for name in street.connections:
            if street.told:
                street.deliver(name)
        schedule.tick(street.hub)
        street.drain()


def found(street: Street, what: str) -> list[findings.Finding]:
    return [one for one in street.findings() if one.what == what]


def rows(street: Street, statement: str) -> list[tuple[Any, ...]]:
    with street.hub.database.read() as db:
        return [tuple(row) for row in db.execute(text(statement))]


# ---- case 2: orders never arrive, and nobody notices


@pytest.mark.parametrize("name", ["shopify", "amazon"])
def test_of_ten_notices_one_is_lost_and_every_order_is_here_and_how_late_is_known(make_street: Callable[..., Street], name: str) -> None:
    street = make_street(name, told=True)
    live(street, 16 * MINUTE)
    street.world(name).post.drop = 0.1
    before = street.here(name)

    live(street, 40 * MINUTE, each=2 * MINUTE, then=lambda: buy(street, name, 2))
    live(street, street.hub.connectors[name].poll_every + SLACK)

    assert street.here(name) == street.there(name)
    assert len(street.here(name) - before) == 40
    missed = found(street, "order")
    assert 1 <= len(missed) <= 12
    assert {one.subject for one in missed} <= street.here(name)
    limit = (street.hub.connectors[name].poll_every + SLACK) // timedelta(microseconds=1)
    assert all(0 < one.found_at - (one.since or 0) <= limit for one in missed)
    assert found(street, "silence") == []


def test_with_every_notice_of_an_hour_lost_the_next_poll_of_each_channel_finds_all(make_street: Callable[..., Street]) -> None:
    street = make_street()
    told = silent_hour(street)

    for name, (lags, missing) in told.items():
        assert (missing, len(lags) > 10) == (0, True)
        assert max(lags) <= street.hub.connectors[name].poll_every + SLACK
    assert street.refusals() == []


# ---- case 3: Shopify removes the subscription after errors


def test_a_subscription_that_shopify_removed_is_made_again_with_the_first_order_that_only_a_poll_found(
    make_street: Callable[..., Street],
) -> None:
    street = make_street("shopify", told=True)
    live(street, 20 * MINUTE)
    street.simulator("shopify").state["hooks"].clear()
    street.world("shopify").post.drop = 1.0  # what is not subscribed is not sent; some topics are the app's own
    lost = buy(street, "shopify", 2)
    live(street, 20 * MINUTE)

    (one,) = found(street, "subscription")
    assert (one.how, "not subscribed: " in one.theirs) == ("repaired", True)
    assert [one.how for one in found(street, "silence")] == ["repaired"]
    assert street.simulator("shopify").state["hooks"]
    assert set(lost) <= street.here("shopify")
    street.world("shopify").post.drop = 0.0
    told = buy(street, "shopify")
    live(street, MINUTE)
    assert set(told) <= street.here("shopify"), "it is told again"


def test_a_removed_subscription_of_a_quiet_shop_is_found_within_a_day(make_street: Callable[..., Street]) -> None:
    street = make_street("shopify", told=True)
    live(street, 20 * MINUTE)
    street.simulator("shopify").state["hooks"].clear()
    live(street, timedelta(days=1), each=60 * MINUTE)

    assert [one.how for one in found(street, "subscription")] == ["repaired"]
    assert street.simulator("shopify").state["hooks"]


# ---- case 20: pagination and watermarks step over orders


@pytest.fixture(scope="module")
def all_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Runs]]:
    folder = tmp_path_factory.mktemp("paging")
    made = {name: Runs(folder, name) for name in CHANNELS}
    yield made
    for one in made.values():
        one.street.close()


@pytest.mark.parametrize("name", CHANNELS)
def test_no_order_is_lost_or_doubled_while_orders_change_between_short_pages(all_runs: dict[str, Runs], name: str) -> None:
    endings = {seed: all_runs[name].run(seed) for seed in range(1, 21)}

    assert {seed: one.wrong for seed, one in endings.items() if one.wrong} == {}
    seen = sum((one.seen for one in endings.values()), start=endings[1].seen.__class__())
    assert {"placed", "cancel", "fault", "crash", "cursed"} <= seen.keys(), "and there was trouble"


# ---- the vendors' limits


def test_a_day_of_the_clockwork_stays_within_the_limits_and_polls_go_on_at_night(make_street: Callable[..., Street]) -> None:
    """Polls, the nightly counts with days that must be read again, and the hourly comparisons."""
    street = make_street()
    live(street, timedelta(hours=15), each=60 * MINUTE, then=lambda: [buy(street, name, 3) for name in CHANNELS])
    live(street, timedelta(hours=1), each=5 * MINUTE)
    for name in CHANNELS:
        _lose(street, name)
    late: list[timedelta] = []
    live(street, timedelta(hours=4), each=5 * MINUTE, then=lambda: late.append(_behind(street)))
    live(street, timedelta(hours=6), each=15 * MINUTE)

    assert street.refusals() == []
    assert max(late) <= max(street.hub.connectors[name].poll_every for name in CHANNELS) + SLACK + 5 * MINUTE
    for name in CHANNELS:
        calls = [entry["operation"] for entry in street.world(name).log]
        assert {"shopify": "OrdersCount", "amazon": "createReport", "ebay": "getOrders"}[name] in calls
    days = {(one.connection, one.subject): one for one in found(street, "day")}
    assert len(days) == len(CHANNELS), "each channel's day lacked one"


def _lose(street: Street, name: str) -> None:
    """One of yesterday's orders is not here any more."""
    connection = street.connections[name].id
    with street.hub.database.write() as db:
        (order,) = db.execute(text(f"select id from orders where connection = '{connection}' order by placed_at limit 1")).one()
        for table, column in (("order_lines", "order_id"), ("reservations", "order_id"), ("orders", "id")):
            db.execute(text(f"delete from {table} where {column} = '{order}'"))


def _behind(street: Street) -> timedelta:
    """How far the slowest channel's reading is behind."""
    read = min(row[0] for row in rows(street, "select at from marks where name = 'orders'"))
    return timedelta(microseconds=us(street.clock()) - read)


# ---- time zones cut orders off


@pytest.mark.parametrize("name", CHANNELS)
def test_orders_of_three_days_and_nights_are_counted_alike_there_and_here(make_street: Callable[..., Street], name: str) -> None:
    street = make_street(name)
    live(street, timedelta(hours=64), each=120 * MINUTE, then=lambda: buy(street, name))
    live(street, timedelta(hours=3), each=10 * MINUTE)

    assert found(street, "day") == []
    placed = us(street.clock()) // DAY_US * DAY_US
    with street.hub.database.read() as db:
        connection = street.connections[name]
        ours = findings.counted(db, street.merchant, connection.id, 0, placed)
        assert findings.whole_from(db, connection.id, 0) == us(street.clock.now - timedelta(hours=67) - BEGIN)
    assert sorted(ours.values(), reverse=True) == [12, 12, 7]
    assert street.here(name) == street.there(name)


# ---- connector overwrites master data that users own


@pytest.mark.parametrize("name", CHANNELS)
def test_what_the_merchant_typed_is_not_overwritten_and_what_the_channel_owns_is_never_written(
    make_street: Callable[..., Street], name: str
) -> None:
    street = make_street(name)
    with street.hub.unit() as work:
        work.db.execute(text("update skus set title = 'Our own name of ' || sku"))
        work.db.execute(text("delete from listing_parts where sku = 'B'"))
        work.db.execute(
            text("insert into listing_parts (merchant, listing_id, sku, units) select merchant, id, 'A', 2 from listings where sku = 'B'")
        )
    mine = {table: rows(street, f"select * from {table} order by 1, 2, 3") for table in ("skus", "listing_parts", "levels")}
    theirs = _theirs(street, name)

    buy(street, name, 3)
    live(street, timedelta(hours=26), each=60 * MINUTE)

    assert rows(street, "select * from skus order by 1, 2, 3") == mine["skus"]
    assert rows(street, "select * from listing_parts order by 1, 2, 3") == mine["listing_parts"]
    on_hand = "select sku, location, on_hand from levels order by 1, 2"
    assert rows(street, on_hand) == [(sku, place, count) for _, sku, place, count, *_ in mine["levels"]]
    assert _theirs(street, name) == theirs, "titles and prices there"


def _theirs(street: Street, name: str) -> Any:
    """What a channel owns of its listings."""
    state = street.simulator(name).state
    goods = state["variants"] if name == "shopify" else state["listings"]
    told = goods.values() if isinstance(goods, dict) else goods
    return [{key: one[key] for key in ("title", "price", "display_name") if key in one} for one in told]
