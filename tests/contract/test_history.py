"""Old orders of each channel, by the day they were placed: all of them, none twice over, within what the vendor allows."""

import base64
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.amazon import MANIFEST as AMAZON
from connectors.amazon.past import read_rows
from connectors.ebay import MANIFEST as EBAY
from connectors.shopify import MANIFEST as SHOPIFY
from core.domain import backfill as runs
from core.errors import BadPayload, Refused
from core.ports import Notice, Page, Remembers
from tests.contract import test_amazon_channel as amazon
from tests.contract import test_ebay_channel as ebay
from tests.contract import test_shopify_channel as shopify

DAY = timedelta(days=1)
YEAR = timedelta(days=365)
MAKE: dict[str, Callable[..., Any]] = {"shopify": shopify.Rig, "amazon": amazon.Play, "ebay": lambda: ebay.Rig(limits="relaxed")}
CHANNELS = pytest.mark.parametrize("name", MAKE)
SKUS = {"shopify": "SKU-1", "amazon": "BOX-01", "ebay": "SKU-01"}


def at(rig: Any, moment: datetime, name: str, **acts: Any) -> str:
    """An order placed there at that moment, with what happened to it within the minute."""
    now, rig.clock.now = rig.clock.now, moment
    [made] = rig.simulator.place({"lines": [{"sku": SKUS[name], "quantity": 1}], "plain": True})
    for what, wish in acts.items():
        rig.clock.now += timedelta(seconds=30)
        rig.simulator.act(str(made["id"]), what, wish)
    rig.clock.now = now
    rig.simulator.state["last"] = ""  # Amazon's clock is back where it was
    return str(made["id"])


def pages(rig: Any, since: datetime, until: datetime, *, open_only: bool = False) -> Iterator[Page[Notice]]:
    assert isinstance(rig.channel, Remembers)
    cursor = None
    while True:
        page = rig.channel.history(since, until, cursor, open_only=open_only)
        yield page
        cursor = page.cursor
        if cursor is None:
            return
        rig.clock.now += timedelta(seconds=page.wait_s)


def told(rig: Any, since: datetime, until: datetime, *, open_only: bool = False) -> list[str]:
    return [notice.order or "" for page in pages(rig, since, until, open_only=open_only) for notice in page.items]


@CHANNELS
def test_every_order_of_a_stretch_is_told_once_and_none_of_its_neighbours(name: str) -> None:
    rig = MAKE[name]()
    now = rig.clock.now
    inside = {at(rig, now - timedelta(days=days), name) for days in (30, 29.5, 2, 1.0001)}
    outside = {at(rig, now - timedelta(days=days), name) for days in (31, 1)}

    found = Counter(told(rig, now - 30 * DAY, now - DAY))

    assert set(found) == inside
    assert not outside & found.keys()
    assert set(found.values()) == {1}


@CHANNELS
def test_of_open_orders_those_that_are_over_are_left_out(name: str) -> None:
    rig = MAKE[name]()
    now = rig.clock.now
    waiting = at(rig, now - 400 * DAY, name)
    gone = at(rig, now - 400 * DAY, name, cancel={})
    sent = at(rig, now - 300 * DAY, name, fulfill={})

    found = told(rig, now - 2 * YEAR + 2 * DAY, now - DAY, open_only=True)

    assert waiting in found
    assert sent not in found or name == "shopify"  # there an order is open until somebody archives it
    assert gone not in found or name == "ebay"  # there a cancelled order was not begun to be sent


@CHANNELS
@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("America/New_York", date(2026, 3, 8)),  # the clock goes forward: 23 hours
        ("Europe/Berlin", date(2026, 10, 25)),  # and back: 25
        ("Pacific/Kiritimati", date(2026, 6, 1)),
        ("Pacific/Pago_Pago", date(2026, 6, 1)),
    ],
)
def test_stretches_side_by_side_lose_no_order_at_a_merchants_midnight(name: str, zone: str, day: date) -> None:
    rig = MAKE[name]()
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    after = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)) + DAY
    end = after.astimezone(UTC)
    moments = [midnight, midnight + timedelta(milliseconds=400), end - timedelta(milliseconds=1), end, end + timedelta(milliseconds=600)]
    placed = [at(rig, moment, name) for moment in moments]
    edges = [
        runs.first_moment(day),
        midnight,
        midnight + timedelta(milliseconds=500),
        end,
        end + timedelta(microseconds=500_500),
        end + DAY,
    ]

    found = [one for since, until in pairwise(edges) for one in told(rig, since, until)]

    assert runs.first_moment(day) <= midnight
    assert set(found) == set(placed)


@CHANNELS
def test_a_notice_of_an_old_order_names_its_last_change_and_is_its_own_delivery(name: str) -> None:
    rig = MAKE[name]()
    order = at(rig, rig.clock.now - 10 * DAY, name, fulfill={})

    [first] = [one for page in pages(rig, rig.clock.now - 11 * DAY, rig.clock.now - DAY) for one in page.items]
    [again] = [one for page in pages(rig, rig.clock.now - 11 * DAY, rig.clock.now - DAY) for one in page.items]

    assert (first.order, first.delivery) == (order, again.delivery)
    assert first.revision
    assert rig.clock.now - 10 * DAY < first.revision <= rig.clock.now - 10 * DAY + timedelta(minutes=1)


@CHANNELS
def test_a_rehearsal_may_place_orders_of_long_ago(name: str) -> None:
    rig = MAKE[name]()
    simulator = rig.channel._kit.http
    wish = {"lines": [{"sku": SKUS[name], "quantity": 1}], "days_ago": 200}
    said = simulator.send("POST", f"http://sim.test/{name}/_sim/orders", changes=True, json=wish).json()

    assert told(rig, rig.clock.now - 201 * DAY, rig.clock.now - 199 * DAY) == [str(said[0]["id"])]
    assert told(rig, rig.clock.now - 199 * DAY, rig.clock.now + DAY) == []


# ---- Shopify


def test_without_the_scope_for_all_orders_only_sixty_days_come_and_it_says_so() -> None:
    rig = shopify.Rig()
    now = rig.clock.now
    old, recent = at(rig, now - 61 * DAY, "shopify"), at(rig, now - 59 * DAY, "shopify")
    assert rig.channel.reach() == (now - 3650 * DAY, "")

    rig.simulator.state["scopes"].remove("read_all_orders")

    assert rig.channel.reach() == (now - 60 * DAY, "only the last 60 days came: the app lacks read_all_orders")
    assert told(rig, now - 100 * DAY, now) == [recent]
    assert rig.channel.fetch([old]) == {old: None}


def test_a_search_that_gets_deep_gives_way_to_another_one_and_loses_nothing() -> None:
    rig = shopify.Rig(deep=200)
    rig.simulator.deepest = 250
    begin = rig.clock.now - 20 * DAY
    placed = {at(rig, begin + timedelta(seconds=n // 30), "shopify") for n in range(520)}

    found = Counter(told(rig, begin, rig.clock.now))

    assert set(found) == placed
    assert found.total() < 520 + 3 * 30  # what was made in the second at which another search begins


def test_one_search_alone_would_be_refused() -> None:
    rig = shopify.Rig()
    rig.simulator.deepest = 250
    begin = rig.clock.now - 20 * DAY
    for n in range(320):
        at(rig, begin + timedelta(seconds=n), "shopify")

    with pytest.raises(Refused, match="shopify refused"):
        told(rig, begin, rig.clock.now)


# ---- Amazon


def test_a_month_of_orders_takes_four_calls_and_one_more_for_each_order() -> None:
    play = amazon.Play(limits="vendor")
    placed = [at(play, play.clock.now - timedelta(days=1, minutes=n), "amazon", fulfill={}) for n in range(40)]

    found = told(play, play.clock.now - 20 * DAY, play.clock.now - timedelta(hours=1))
    for order in found[:10]:
        play.channel.fetch([order])

    assert sorted(found) == sorted(placed)
    assert [play.calls(name) for name in ("createReport", "getReportDocument", "getOrder", "searchOrders")] == [1, 1, 10, 0]
    assert play.calls("getReport") <= 6


def test_a_longer_time_is_read_by_a_report_a_month_and_a_large_one_in_pieces() -> None:
    play = amazon.Play(report_page_size=3)
    placed = [at(play, play.clock.now - timedelta(days=9 * n + 1), "amazon") for n in range(10)]

    sizes = [len(page.items) for page in pages(play, play.clock.now - 100 * DAY, play.clock.now)]

    assert sum(sizes) == len(placed)
    assert max(sizes) == 3
    assert play.calls("createReport") == 4


def test_amazon_makes_no_report_of_more_than_thirty_days() -> None:
    play = amazon.Play()
    client = play.channel._client

    began = play.clock.now
    asked = client.create_orders_report(began - 45 * DAY, began)
    play.clock.pass_(3600)

    assert client.report_state(asked, began).state == "FATAL"


def test_a_report_that_amazon_cancels_although_there_are_orders_is_refused() -> None:
    play = amazon.Play()
    at(play, play.clock.now - 5 * DAY, "amazon")
    play.simulator._reported = lambda report: []

    with pytest.raises(Refused, match="did not make the report"):
        told(play, play.clock.now - 20 * DAY, play.clock.now)

    assert play.calls("createReport") == 2


def test_who_tries_again_later_has_a_report_made_anew() -> None:
    """What Amazon failed to make is not asked after for ever."""
    play = amazon.Play()
    at(play, play.clock.now - 5 * DAY, "amazon")
    since, until = play.clock.now - 20 * DAY, play.clock.now
    makes, play.simulator._reported = play.simulator._reported, lambda report: []
    cursor = None
    with pytest.raises(Refused):
        while page := play.channel.history(since, until, cursor, open_only=False):
            cursor = page.cursor
            play.clock.pass_(page.wait_s or 1)
    with pytest.raises(Refused):
        play.channel.history(since, until, cursor, open_only=False)
    play.simulator._reported = makes
    play.clock.pass_(3600)

    found = []
    while cursor:
        page = play.channel.history(since, until, cursor, open_only=False)
        found, cursor = [*found, *page.items], page.cursor
        play.clock.pass_(page.wait_s or 1)

    assert len(found) == 1 and play.calls("createReport") == 3


def test_orders_older_than_two_years_are_not_promised_but_where_amazon_keeps_them() -> None:
    assert amazon.Play().channel.reach()[1] == "Amazon gives orders of the last two years"
    assert amazon.Play(marketplace_ids="A1VC38T7YXB528").channel.reach()[0] == datetime(2016, 1, 1, tzinfo=UTC)


def test_of_a_report_nothing_about_a_buyer_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    play = amazon.Play()
    at(play, play.clock.now - 5 * DAY, "amazon")
    [document] = [page for page in pages(play, play.clock.now - 20 * DAY, play.clock.now) if page.items]
    raw = next(iter(play.simulator.state["documents"].values()))["body"]
    city = next(iter(play.simulator.state["orders"].values()))["raw"]["recipient"]["deliveryAddress"]["city"]

    assert city.encode() in gzip.decompress(base64.b64decode(raw))
    assert city not in repr(document)
    assert city not in caplog.text


WORDLESS = b"1-2-3\tyesterday\t2026-01-01T00:00:00+00:00\tShipped\tAmazon.com"


@pytest.mark.parametrize("line", [b"too\tshort", b"\t\t\t\t", WORDLESS, b"\xff\xfe\t\t\t\t"])
def test_a_line_of_a_report_that_cannot_be_read_is_left_out_by_its_number(line: bytes) -> None:
    header = b"amazon-order-id\tpurchase-date\tlast-updated-date\torder-status\tsales-channel\r\n"
    good = b"1-2-3\t2026-01-01T00:00:00+00:00\t2026-01-02T00:00:00+00:00\tShipped\tAmazon.com\r\n"
    broken: list[int] = []

    rows = list(read_rows([header, good, line + b"\r\n"], broken))

    assert [row and row.order for row in rows] == ["1-2-3", None]
    assert broken == [3]


def test_a_report_without_a_column_that_is_needed_is_not_read() -> None:
    with pytest.raises(BadPayload, match="no column last-updated-date"):
        list(read_rows([b"amazon-order-id\tpurchase-date\torder-status\r\n"], []))


# ---- eBay


def test_ebay_is_asked_for_no_more_than_two_years_and_two_sets_of_states() -> None:
    rig = ebay.Rig(limits="relaxed")
    now = rig.clock.now
    earliest, note = rig.channel.reach()

    assert told(rig, now - 3 * YEAR, now) == []
    assert (now - earliest, note) == (timedelta(days=729), "eBay gives orders of the last two years")
    with pytest.raises(Refused):
        rig.channel._client.orders("creationdate:[2026-01-01T00:00:00.000Z..],orderfulfillmentstatus:{NOT_STARTED}", 0)


def test_open_orders_that_are_sent_while_we_page_hide_no_other() -> None:
    rig = ebay.Rig(limits="relaxed", orders_page=2)
    now = rig.clock.now
    placed = [at(rig, now - timedelta(days=9 - n), "ebay") for n in range(6)]
    found, reading = [], pages(rig, now - 10 * DAY, now, open_only=True)

    found += next(reading).items
    for order in placed[:2]:
        rig.simulator.act(order, "fulfill", {})
    for page in reading:
        found += page.items

    assert {notice.order for notice in found} == set(placed)


@pytest.mark.contracts
@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)  # the oracle leaves its schemas open
@pytest.mark.parametrize(("name", "calls"), [("shopify", SHOPIFY.calls), ("amazon", AMAZON.calls), ("ebay", EBAY.calls)])
def test_what_is_asked_and_told_keeps_the_vendors_contract(name: str, calls: tuple[str, ...], oracle: Any) -> None:
    rig = MAKE[name]()
    for days in (3, 40):
        at(rig, rig.clock.now - timedelta(days=days), name, fulfill={})
    rig.channel.reach()
    for open_only in (True, False):
        told(rig, rig.clock.now - 50 * DAY, rig.clock.now, open_only=open_only)

    recorded = rig.wire if name == "amazon" else rig.recorder
    lines = [json.loads(line) for line in recorded.getvalue().splitlines()]
    assert {entry["operation"] for entry in rig.world.log} - {None} <= set(calls)
    assert [(line["path"], said) for line in lines for said in oracle.check(line)[1]] == []


oracle = shopify.oracle
