"""The Amazon channel against its simulator: the whole protocol in process, on a virtual clock."""

import base64
import dataclasses
import gzip
import importlib.util
import json
import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pytest
import requests
import structlog
from werkzeug.serving import make_server

from config import tour_carriers
from connectors.amazon import MANIFEST, past
from connectors.amazon.channel import AmazonChannel
from connectors.amazon.simulator import SELLER, Simulator
from connectors.http import Http
from connectors.simulation import Fault, InProcess, Post, Stage, World
from core.domain.order import Party, PaymentStatus
from core.domain.shipping import CancelReason, LabelFormat
from core.domain.summary import summary
from core.errors import AccessLost, BadPayload, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import About, Follows, Found, Fresh, Kit, Notice, Page, Push, Rate, Stored, Told
from tests.contract.parcels import KEY, a_parcel

T = TypeVar("T")
BASE = "http://simulated.test/amazon"
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
PRODUCTS = [
    {"sku": "MUG-1", "title": "Mug", "price": "12.50", "quantity": 40, "currency": "USD"},
    {"sku": "Größe 4/5 blau", "title": "Hemd", "price": "29.90", "quantity": 30, "currency": "USD"},
    {"sku": "SET,A", "title": "A set", "price": "99.00", "quantity": 20, "currency": "USD"},
    {"sku": "PEN-1", "title": "Pen", "price": "2.00", "quantity": 300, "currency": "USD"},
    *({"sku": f"BOX-{n:02d}", "title": f"Box {n}", "price": "7.25", "quantity": 50, "currency": "USD"} for n in range(26)),
]


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Buckets:
    """A budget that counts as the hub's does; `open` never refuses."""

    def __init__(self, clock: Clock, *, strict: bool) -> None:
        self.clock, self.strict = clock, strict
        self.learned: dict[str, Rate] = {}
        self.left: dict[str, tuple[float, datetime]] = {}
        self.taken: list[str] = []

    def take(self, operation: str, units: float = 1.0) -> None:
        rate, now = MANIFEST.rates[operation], self.clock()
        left, at = self.left.get(operation, (rate.burst, now))
        left = min(rate.burst, left + (now - at).total_seconds() * rate.per_s)
        if self.strict and left < units:
            raise RateLimited("budget", wait_s=(units - left) / rate.per_s, operation=operation)
        self.left[operation] = (left - units, now)
        self.taken.append(operation)

    def learn(self, operation: str, rate: Rate | None = None, left: float | None = None) -> None:
        if rate:
            self.learned[operation] = rate
        if left is not None:
            self.left[operation] = (left, self.clock())


class Keeper:
    """Keeps one token for as long as it holds, as the hub does."""

    def __init__(self, login: dict[str, str], clock: Clock) -> None:
        self.login, self.clock, self.refreshed = login, clock, 0
        self.fresh: Fresh | None = None

    def access(self, refresh: Callable[[Any], Fresh], *, rejected: str | None = None) -> str:
        if self.fresh is None or self.fresh.access == rejected or self.fresh.expires_at <= self.clock():
            self.fresh = refresh(self.login)
            self.refreshed += 1
        return self.fresh.access


def pages_after(play: "Play", page: Page[Notice]) -> list[Page[Notice]]:
    """The pages of a poll that began an hour before everything, after this one."""
    found = []
    while page.cursor:
        page = play.channel.poll(START - timedelta(hours=1), play.clock(), page.cursor)
        found.append(page)
    return found


def all_of(read: Callable[[str | None], Page[T]]) -> list[T]:
    """What all pages hold."""
    page = read(None)
    found = list(page.items)
    while page.cursor:
        page = read(page.cursor)
        found += page.items
    return found


class Play:
    """A simulator, its world and a channel that talks to it."""

    def __init__(self, limits: str = "relaxed", *, strict: bool = False, **settings: Any) -> None:
        self.clock, self.wire = Clock(), StringIO()
        self.world = World(self.clock, seed=7, limits=limits, recorder=self.wire)
        self.simulator = Simulator(self.world)
        self.http = Http("Amazon", adapter=InProcess(Stage({"amazon": (self.world, self.simulator)})))
        told = self.simulator.credentials(BASE)
        self.budget, self.tokens = Buckets(self.clock, strict=strict), Keeper(told["login"], self.clock)
        self.kit = Kit(
            account=told["account"],
            http=self.http,
            clock=self.clock,
            budget=self.budget,
            tokens=self.tokens,
            app=told["app"],
            settings={**MANIFEST.settings, **told["settings"], **settings},
            login=told["login"],
        )
        self.simulator.catalogue(PRODUCTS)
        self.channel = AmazonChannel(self.kit)

    def place(self, **wish: Any) -> list[dict[str, Any]]:
        placed = self.simulator.place(wish)
        self.clock.pass_(1)
        return placed

    def poll(self, since: datetime = START - timedelta(hours=1)) -> list[Notice]:
        found, cursor = [], None
        while True:
            page = self.channel.poll(since, self.clock(), cursor)
            found += page.items
            cursor = page.cursor
            if cursor is None:
                return found

    def listings(self) -> dict[str, Found]:
        return {item.sku: item for page in self.pages() for item in page.items}

    def pages(self, cursor: str | None = None) -> Iterator[Page[Found]]:
        """Every page, asked for when the channel wants to be asked."""
        while True:
            page = self.channel.listings(cursor)
            yield page
            cursor = page.cursor
            if cursor is None:
                return
            self.clock.pass_(page.wait_s)

    def by_report(self) -> dict[str, Found]:
        found = [item for page in self.pages(self.channel.export().cursor) for item in page.items]
        assert len({item.sku for item in found}) == len(found)
        return {item.sku: item for item in found}

    def counted(self, since: datetime, until: datetime) -> dict[datetime, int]:
        """Orders by day, asked for until the channel has told all."""
        found: Counter[datetime] = Counter()
        cursor = None
        while True:
            page = self.channel.placed(since, until, cursor)
            found.update(dict(page.items))
            cursor = page.cursor
            if cursor is None:
                return dict(found)
            self.clock.pass_(page.wait_s)

    def until_done(self) -> str:
        """The cursor with which the first listings of a report come."""
        for page in self.pages(self.channel.export().cursor):
            if all(report["document"] for report in self.simulator.state["reports"].values()) and page.wait_s == 0.0 and page.cursor:
                plan = json.loads(page.cursor.removeprefix("report:"))
                if len(plan["documents"]) == len(self.channel._client.marketplaces):
                    return page.cursor
        raise AssertionError("never done")

    def push(self, sku: str, quantity: int) -> Push:
        found = self.listings()[sku]
        return Push(found.listing, found.sku, found.handle, quantity)

    def sees(self, sku: str) -> int | None:
        shown: int | None = next(item["shown"] for item in self.simulator.listings() if item["sku"] == sku)
        return shown

    def calls(self, operation: str) -> int:
        return sum(entry["operation"] == operation for entry in self.world.log)

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.wire.getvalue().splitlines()]


@pytest.fixture
def play() -> Play:
    return Play()


def test_the_probe_tells_who_we_are(play: Play) -> None:
    account = play.channel.probe()

    assert (account.id, account.currency) == (SELLER, "USD")


def test_an_order_polled_is_the_order_fetched(play: Play) -> None:
    (placed,) = play.place(lines=[{"sku": "MUG-1", "quantity": 2}])

    (notice,) = play.poll()
    fetched = play.channel.fetch([placed["id"]])[placed["id"]]

    assert notice.body is not None and fetched is not None
    assert MANIFEST.order(notice.body, "c1") == MANIFEST.order(fetched, "c1")
    assert notice.order == placed["id"] and notice.revision == MANIFEST.order(fetched, "c1").revision


def test_orders_that_the_budget_does_not_reach_are_left_out_and_come_next_time() -> None:
    play = Play("vendor", strict=True)
    ids = [play.simulator.place({"lines": [{"sku": "PEN-1", "quantity": 1}]})[0]["id"] for _ in range(33)]

    first = play.channel.fetch(ids)
    play.clock.pass_(6)
    rest = play.channel.fetch([id_ for id_ in ids if id_ not in first])

    assert len(first) == 30 and {*first, *rest} == set(ids)


def test_an_order_that_is_gone_is_none(play: Play) -> None:
    assert play.channel.fetch(["902-0000000-0000000"]) == {"902-0000000-0000000": None}


def test_every_order_comes_over_pages_oldest_first(play: Play) -> None:
    channel = Play(page_size=7)
    channel.place(count=60, seed=3)

    notices = channel.poll()

    assert {notice.order for notice in notices} == {order["id"] for order in channel.simulator.orders()}
    assert [notice.revision for notice in notices] == sorted(notice.revision for notice in notices if notice.revision)
    assert channel.calls("searchOrders") == 9


def test_what_comes_in_while_pages_are_read_comes_at_their_end() -> None:
    play = Play(page_size=5)
    play.place(count=12, seed=1)
    first = play.channel.poll(START - timedelta(hours=1), play.clock(), None)
    play.clock.pass_(1)
    (late,) = play.place(lines=[{"sku": "PEN-1", "quantity": 1}])
    play.clock.pass_(60)

    *_, last = rest = pages_after(play, first)

    assert late["id"] not in {notice.order for page in rest[:-1] for notice in page.items}
    assert late["id"] in {notice.order for notice in last.items}
    assert last.until == play.clock()


def test_an_order_that_changes_between_two_pages_is_not_lost() -> None:
    play = Play(page_size=5)
    names = [order["id"] for order in sorted(play.place(count=12, seed=1), key=lambda order: str(order["id"]))]
    first = play.channel.poll(START - timedelta(hours=1), play.clock(), None)
    seen = {notice.order for notice in first.items}
    play.clock.pass_(1)
    (again, *_) = (name for name in names if name not in seen)
    play.simulator.act(again, "touch", {})
    play.clock.pass_(60)

    assert seen | {notice.order for page in pages_after(play, first) for notice in page.items} == set(names)


def test_an_order_that_changed_again_since_does_not_fall_between_two_polls(play: Play) -> None:
    (order,) = play.place(lines=[{"sku": "PEN-1", "quantity": 1}])
    play.clock.pass_(90)
    play.simulator.act(order["id"], "touch", {})
    play.clock.pass_(1)

    page = play.channel.poll(START - timedelta(hours=1), START + timedelta(seconds=30), None)

    assert [notice.order for notice in page.items] == [order["id"]]


def test_the_upper_bound_lies_two_minutes_back_under_the_vendors_limits() -> None:
    play = Play("vendor")
    play.simulator.place({"lines": [{"sku": "MUG-1", "quantity": 1}]})
    play.clock.pass_(60)

    early = play.channel.poll(START - timedelta(hours=1), play.clock(), None)
    play.clock.pass_(120)
    later = play.channel.poll(START - timedelta(hours=1), play.clock(), None)

    assert early.items == () and early.until == START - timedelta(seconds=60)
    assert len(later.items) == 1


def test_a_window_that_is_too_young_is_not_asked_for() -> None:
    play = Play("vendor")

    page = play.channel.poll(START - timedelta(seconds=30), START, None)

    assert page.items == () and page.cursor is None and play.world.log == []


def test_every_simulated_order_adds_up_and_tells_the_same_as_the_oracle(play: Play) -> None:
    play.place(count=150, seed=11)
    oracle = {order["id"]: order for order in play.simulator.orders()}

    read = [MANIFEST.order(notice.body or b"", "c1") for notice in play.poll()]

    assert len(read) == len(oracle) and {order.currency for order in read} == {"USD", "GBP", "EUR", "JPY"}
    assert {order.party for order in read} == {Party.MERCHANT, Party.CHANNEL}
    for order in read:
        assert order.problems() == []
        assert order.total.text() == oracle[order.id]["total"] and order.currency == oracle[order.id]["currency"]
        assert {line.sku: line.open for line in order.lines if order.units_to_ship} == oracle[order.id]["units"]


def test_planted_orders_are_parked_or_flagged_as_foretold(play: Play) -> None:
    placed = play.place(count=0, planted=True)
    told: dict[str, Any] = {}

    for notice in play.poll():
        try:
            told[notice.order or ""] = MANIFEST.order(notice.body or b"", "c1").problems()
        except BadPayload as error:
            told[notice.order or ""] = error

    parked = [order for order in placed if order["parks"]]
    assert len(parked) == 2 and all(order["parks"] in str(told[order["id"]]) for order in parked)
    flagged = [order for order in placed if order["flags"]]
    assert len(flagged) == 1 and told[flagged[0]["id"]][0].startswith("money:")


def test_the_same_seed_and_state_place_the_same_orders() -> None:
    one, two = (Play().simulator.place({"count": 20, "seed": 5}) for _ in range(2))

    assert one == two


def test_a_pending_order_has_no_prices_until_it_is_paid(play: Play) -> None:
    play.place(count=60, seed=2)
    pending = next(order for order in play.simulator.orders() if order["pending"])

    before = MANIFEST.order(play.channel.fetch([pending["id"]])[pending["id"]] or b"", "c1")
    play.clock.pass_(5)
    play.simulator.act(pending["id"], "pay", {})
    after = MANIFEST.order(play.channel.fetch([pending["id"]])[pending["id"]] or b"", "c1")

    assert before.payment_status is PaymentStatus.UNPAID and before.total.minor == 0 and before.problems() == []
    assert before.units_to_ship == after.units_to_ship > 0
    assert after.payment_status is PaymentStatus.PAID and after.total.minor > 0 and after.revision > before.revision


def test_an_order_lowers_what_the_listing_shows_and_a_cancellation_raises_it(play: Play) -> None:
    (placed,) = play.place(lines=[{"sku": "MUG-1", "quantity": 3}])
    lowered = play.sees("MUG-1")

    play.simulator.act(placed["id"], "cancel", {})
    order = MANIFEST.order(play.channel.fetch([placed["id"]])[placed["id"]] or b"", "c1")

    assert (lowered, play.sees("MUG-1")) == (37, 40)
    assert order.is_cancelled and order.lines[0].cancelled == 3 and order.units_to_ship == 0


def test_parts_shipped_and_cancelled_are_counted_per_line(play: Play) -> None:
    (placed,) = play.place(lines=[{"sku": "MUG-1", "quantity": 3}, {"sku": "PEN-1", "quantity": 2}])
    play.simulator.act(placed["id"], "fulfill", {"lines": [{"sku": "MUG-1", "quantity": 2}]})
    play.simulator.act(placed["id"], "cancel", {"lines": [{"sku": "PEN-1"}]})

    order = MANIFEST.order(play.channel.fetch([placed["id"]])[placed["id"]] or b"", "c1")

    assert [(line.sku, line.ordered, line.fulfilled, line.cancelled, line.open) for line in order.lines] == [
        ("MUG-1", 3, 2, 0, 1),
        ("PEN-1", 2, 0, 2, 0),
    ]
    assert order.shipped[0].lines[0].quantity == 2 and order.units_to_ship == 1 and order.problems() == []


def test_a_request_to_cancel_is_seen(play: Play) -> None:
    (placed,) = play.place(lines=[{"sku": "MUG-1", "quantity": 1}])
    play.simulator.act(placed["id"], "ask_to_cancel", {})

    order = MANIFEST.order(play.channel.fetch([placed["id"]])[placed["id"]] or b"", "c1")

    assert order.cancel_requested and summary(order)["order_status"] == "cancel_requested"


def test_listings_come_with_what_writing_them_needs(play: Play) -> None:
    found = play.listings()

    assert len(found) == len(play.simulator.listings())
    assert found["Größe 4/5 blau"].shown == 30 and found["Größe 4/5 blau"].writable is None
    assert found["MUG-1-FBA"].writable == "fulfilled by Amazon" and found["MUG-1-FBA"].shown is None


def test_lines_name_the_listing_that_was_found(play: Play) -> None:
    (placed,) = play.place(lines=[{"sku": "Größe 4/5 blau", "quantity": 1}])

    order = MANIFEST.order(play.channel.fetch([placed["id"]])[placed["id"]] or b"", "c1")
    found = play.listings()["Größe 4/5 blau"]

    assert (order.lines[0].listing, order.lines[0].sku) == (found.listing, found.sku)


@pytest.mark.parametrize("sku", ["MUG-1", "Größe 4/5 blau", "SET,A"])
def test_a_quantity_is_accepted_and_live_a_little_later(play: Play, sku: str) -> None:
    push = play.push(sku, 5)

    (answer,) = play.channel.show([push], "k1")
    at_once = play.sees(sku)
    play.clock.pass_(1)

    assert answer.told is Told.ACCEPTED and at_once != 5
    assert play.channel.shown([push]) == {push.name: 5}


def test_larger_sets_go_by_feed_and_its_report_names_what_was_refused(play: Play) -> None:
    pushes = [Push(found.listing, found.sku, found.handle, 9) for found in play.listings().values() if found.writable is None]
    ghost = Push("B000000000", "NO-SUCH-SKU", {"channel": "DEFAULT"}, 1)

    answers = play.channel.show([*pushes, ghost], "k1")
    asked = {answers[0].words: [*pushes[:3], ghost]}
    waiting = play.channel.follow(asked)
    play.clock.pass_(1)
    done = play.channel.follow(asked)
    play.clock.pass_(1)

    assert len(pushes) >= 20 and {answer.told for answer in answers} == {Told.ACCEPTED} and play.calls("patchListingsItem") == 0
    assert [(answer.sku, answer.told) for answer in waiting] == [(push.sku, Told.ACCEPTED) for push in (*pushes[:3], ghost)]
    assert [(answer.listing, answer.sku, answer.told) for answer in done] == [("B000000000", "NO-SUCH-SKU", Told.REFUSED)]
    assert "the SKU is not in the seller's catalogue" in done[0].words
    shown = play.channel.shown([*pushes, ghost])
    assert {shown[push.name] for push in pushes} == {9} and shown[ghost.name] is None


def test_a_feed_that_amazon_could_not_read_is_refused(play: Play) -> None:
    play.simulator.state["feeds"]["77"] = {"status": "FATAL", "result": None, "sites": [], "created": "2026-11-22T09:00:00Z"}

    with pytest.raises(Refused):
        play.channel.feed_result("77")
    (answer,) = play.channel.follow({"feed 77": [play.push("MUG-1", 5)]})
    assert (answer.sku, answer.told) == ("MUG-1", Told.REFUSED) and "FATAL" in answer.words


def test_a_feed_that_was_cancelled_or_forgotten_refused_nothing(play: Play) -> None:
    play.simulator.state["feeds"]["78"] = {"status": "CANCELLED", "result": None, "sites": [], "created": "2026-11-22T09:00:00Z"}

    assert play.channel.follow({"feed 78": [play.push("MUG-1", 5)], "feed 1": [play.push("PEN-1", 5)]}) == []


def test_what_was_patched_alone_needs_no_following(play: Play) -> None:
    push = play.push("MUG-1", 5)
    (answer,) = play.channel.show([push], "k1")

    assert isinstance(play.channel, Follows)
    assert play.channel.follow({answer.words: [push]}) == [] and play.calls("getFeed") == 0


def test_a_spent_budget_leaves_a_feed_to_be_followed_later(play: Play) -> None:
    push = play.push("MUG-1", 5)
    play.world.faults.append(Fault("429", "getFeed"))

    assert [answer.told for answer in play.channel.follow({"feed 1": [push]})] == [Told.ACCEPTED]


def test_an_fba_listing_is_never_written(play: Play) -> None:
    push = play.push("MUG-1-FBA", 5)

    (answer,) = play.channel.show([push], "k1")

    assert (answer.told, answer.words) == (Told.REFUSED, "fulfilled by Amazon") and play.calls("patchListingsItem") == 0


def test_one_bad_entry_does_not_fail_the_others(play: Play) -> None:
    good, bad = play.push("MUG-1", 4), play.push("PEN-1", 200_000)
    gone = Push("B000000000", "NO-SUCH-SKU", {"channel": "DEFAULT"}, 1)

    answers = play.channel.show([bad, gone, good], "k1")

    assert [answer.told for answer in answers] == [Told.REFUSED, Told.GONE, Told.ACCEPTED]
    assert "90220" in answers[0].words


def test_what_the_budget_does_not_reach_is_answered_stale_and_can_be_asked_again() -> None:
    play = Play("vendor", strict=True)
    pushes = [Push("B0", f"BOX-{n:02d}", {"channel": "DEFAULT"}, 3) for n in range(8)]

    told = [answer.told for answer in play.channel.show(pushes, "k1")]

    assert told == [Told.ACCEPTED] * 5 + [Told.STALE] * 3
    with pytest.raises(RateLimited):
        play.channel.show(pushes[5:], "k2")
    play.clock.pass_(1)
    assert [answer.told for answer in play.channel.show(pushes[5:], "k2")] == [Told.ACCEPTED] * 3


def test_fba_levels_are_read_by_seller_sku(play: Play) -> None:
    levels = {one.sku: one for one in play.channel.stored(None).items}

    assert levels["MUG-1-FBA"] == Stored("MUG-1-FBA", 25) and all(sku.endswith("-FBA") for sku in levels)
    for what, units, more in (("shipped", 6, {}), ("received", 4, {"lost": 1}), ("returned", 2, {"spoilt": True}), ("removed", 3, {})):
        play.simulator.befall(what, {"sku": "MUG-1-FBA", "units": units, **more})
    [one] = [one for one in play.channel.stored(None).items if one.sku == "MUG-1-FBA"]
    assert one == Stored("MUG-1-FBA", 25 + 3 - 3, 2, 2)


def test_that_amazons_warehouses_hold_something_else_is_heard_from_the_queue(play: Play) -> None:
    play.simulator.befall("shipped", {"sku": "MUG-1-FBA", "units": 6})

    [notice] = play.channel.receive()
    assert (notice.about, notice.account, notice.order) == (About.STORED, SELLER, None)
    play.channel.acknowledge([notice.receipt])
    assert play.channel.receive() == []


def test_there_are_no_places(play: Play) -> None:
    assert play.channel.places() == ()


# --- a catalogue by report


@pytest.fixture
def said() -> Iterator[list[Any]]:
    """What is logged, from warnings on."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with structlog.testing.capture_logs() as logs:
        yield logs
    structlog.configure(**before)


def same(one: Found) -> tuple[object, ...]:
    return one.listing, one.sku, one.handle, one.shown, one.writable


def test_a_small_catalogue_comes_by_pages(play: Play) -> None:
    assert len(play.listings()) == len(PRODUCTS) * 5 // 4 + 1 and play.calls("createReport") == 0


def test_a_large_catalogue_comes_by_a_report_for_each_marketplace() -> None:
    play = Play(report_from=30, report_page_size=10, marketplace_ids="ATVPDKIKX0DER,A1F83G8C2ARO7P,A1PA6795UKMFR9")

    pages = list(play.pages())

    found = [item for page in pages for item in page.items]
    assert sorted(item.sku for item in found) == sorted(play.simulator.state["listings"])
    assert max(len(page.items) for page in pages) == 10 and play.calls("searchListingsItems") == 1
    assert (play.calls("createReport"), play.calls("getReportDocument")) == (3, 3)


def test_one_sku_on_several_marketplaces_is_one_listing_written_once_for_all() -> None:
    """A merchant-fulfilled SKU has one number for all of Europe: it is counted once, told once and read back once."""
    places = "A1F83G8C2ARO7P,A1PA6795UKMFR9,A13V1IB3VIYZZH"
    play = Play(marketplace_ids=places)
    found = [item for page in play.pages() for item in page.items]
    mug = next(item for item in found if item.sku == "MUG-1")
    push = Push(mug.listing, mug.sku, mug.handle, 3)

    play.channel.show([push], "k")
    play.clock.pass_(600)

    assert len(found) == len({item.sku for item in found})
    assert (play.calls("patchListingsItem"), play.channel.shown([push])) == (1, {push.name: 3})
    wires = [line for line in play.wire.getvalue().splitlines() if '"PATCH"' in line]
    assert len(wires) == 1 and all(place in wires[0] for place in places.split(","))


@pytest.mark.parametrize("report_from", [1000, 9999])
def test_a_catalogue_beyond_what_a_search_reaches_comes_by_report(report_from: int) -> None:
    play = Play(report_from=report_from)
    many = [{"sku": f"S-{n:04d}", "title": "Thing", "price": "1.00", "quantity": n % 50, "currency": "USD"} for n in range(900)]
    play.simulator.catalogue(many)

    found = play.listings()

    assert set(found) == set(play.simulator.state["listings"]) and len(found) > 1000
    assert play.calls("createReport") == 4


def test_the_same_listings_come_by_report_as_by_pages(play: Play) -> None:
    play.simulator.state["listings"]["BOX-07"]["shown"] = 0
    play.simulator.state["listings"]["BOX-08"]["state"] = "incomplete"

    paged, reported = play.listings(), play.by_report()

    assert {sku: same(one) for sku, one in reported.items()} == {sku: same(one) for sku, one in paged.items()}
    assert reported["BOX-07"].writable is None and reported["BOX-07"].shown == 0
    assert reported["BOX-08"].writable == "no ASIN yet"


def test_what_is_found_by_report_can_be_written(play: Play) -> None:
    found = play.by_report()["Größe 4/5 blau"]
    push = Push(found.listing, found.sku, found.handle, 6)

    (answer,) = play.channel.show([push], "k1")
    play.clock.pass_(1)

    assert answer.told is Told.ACCEPTED and play.sees("Größe 4/5 blau") == 6


def test_fba_offers_of_a_report_are_told_apart_and_never_written(play: Play) -> None:
    found = play.by_report()["MUG-1-FBA"]

    (answer,) = play.channel.show([Push(found.listing, found.sku, found.handle, 5)], "k1")

    assert (found.writable, found.shown, answer.told) == ("fulfilled by Amazon", None, Told.REFUSED)


def test_a_report_in_the_making_is_asked_for_again_later() -> None:
    play = Play("vendor", marketplace_ids="ATVPDKIKX0DER")

    pages = list(play.pages(play.channel.export().cursor))

    waits = [page.wait_s for page in pages if not page.items]
    assert waits == [0.0, 15.0, 15.0, 15.0, 15.0, 0.0] and len(pages[-1].items) == len(play.simulator.listings())
    assert pages[-1].until == START


@pytest.mark.parametrize("state", ["FATAL", "CANCELLED", "LOST"])
def test_a_report_that_amazon_does_not_make_is_refused_in_words(play: Play, state: str) -> None:
    cursor = play.channel.listings(play.channel.export().cursor).cursor
    (report,) = play.simulator.state["reports"].values()
    report["status"] = state

    with pytest.raises(Refused, match=f"did not make the report of all listings .*state={state}"):
        for _ in range(9):
            cursor = play.channel.listings(cursor).cursor


def test_a_report_that_is_never_done_is_given_up(play: Play) -> None:
    play.simulator.report_s = 1e9

    with pytest.raises(Refused, match="IN_QUEUE"):
        for _ in play.pages(play.channel.export().cursor):
            play.clock.pass_(3600)


def test_a_marketplace_without_listings_is_cancelled_and_does_not_keep_the_others_back() -> None:
    play = Play(marketplace_ids="A2EUQ1WTGCTBG2,ATVPDKIKX0DER")

    assert set(play.by_report()) == set(play.simulator.state["listings"])
    assert [report["status"] for report in play.simulator.state["reports"].values()] == ["CANCELLED", "DONE"]


def test_another_worker_goes_on_where_one_stopped_and_asks_for_the_document_anew(play: Play) -> None:
    play = Play(report_page_size=7, marketplace_ids="ATVPDKIKX0DER")
    first = play.channel.listings(play.until_done())
    play.clock.pass_(600)
    play.channel = AmazonChannel(play.kit)

    rest = [item.sku for page in play.pages(first.cursor) for item in page.items]

    assert sorted([*(item.sku for item in first.items), *rest]) == sorted(play.simulator.state["listings"])
    assert play.calls("getReportDocument") == 2


def test_an_address_that_has_expired_is_asked_for_anew(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.amazon.simulator.DOWNLOAD_S", 20)
    play = Play(marketplace_ids="ATVPDKIKX0DER")
    play.world.pause = play.clock.pass_
    play.world.faults.append(Fault("slow", "getReportDocument", seconds=25))

    assert set(play.by_report()) == set(play.simulator.state["listings"]) and play.calls("getReportDocument") == 2


def test_an_address_that_is_never_good_is_a_refusal(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.amazon.simulator.DOWNLOAD_S", -1)

    with pytest.raises(Refused):
        play.by_report()
    assert play.calls("getReportDocument") == 2


def rewrite(play: Play, change: Callable[[bytes], bytes], content_type: str = "") -> None:
    """Change the documents of reports behind the simulator's back."""
    for document in play.simulator.state["documents"].values():
        raw = gzip.decompress(base64.b64decode(document["body"]))
        document |= {"body": base64.b64encode(change(raw)).decode(), "packed": False, "content_type": content_type}


@pytest.mark.parametrize("packs", [True, False])
def test_a_document_is_read_packed_or_plain(play: Play, packs: bool) -> None:
    play.simulator.packs = packs

    assert set(play.by_report()) == set(play.simulator.state["listings"])


@pytest.mark.parametrize("place", ["ATVPDKIKX0DER", "A1F83G8C2ARO7P", "A1PA6795UKMFR9"])
def test_each_marketplace_is_read_in_its_own_charset(place: str) -> None:
    play = Play(marketplace_ids=place)

    assert play.by_report()["Größe 4/5 blau"].title == "Hemd"


def test_japanese_is_read_in_windows_31j() -> None:
    play = Play(marketplace_ids="A1VC38T7YXB528")
    play.simulator.catalogue([{"sku": "抹茶-①", "title": "抹茶セット", "price": "900", "quantity": 3, "currency": "JPY"}])

    found = play.by_report()["抹茶-①"]

    assert (found.title, found.shown) == ("抹茶セット", 3)


@pytest.mark.parametrize(
    ("charset", "content_type"),
    [
        ("utf-8", ""),
        ("cp1252", ""),
        ("utf-8", "text/plain; charset=klingon"),
        ("utf-8", "text/plain; charset=hex"),
        ("cp1252", "text/plain; charset=utf-16"),
        ("utf-8-sig", ""),
        ("cp1252", "text/plain;charset=ISO-8859-1"),
    ],
)
def test_a_charset_that_is_not_told_or_not_known_is_found_out(charset: str, content_type: str) -> None:
    play = Play(marketplace_ids="ATVPDKIKX0DER")
    cursor = play.until_done()
    rewrite(play, lambda raw: raw.decode("cp1252").encode(charset), content_type or "text/plain")

    found = {item.sku: item for page in play.pages(cursor) for item in page.items}

    assert set(found) == set(play.simulator.state["listings"])


def test_a_sku_that_the_charset_cannot_hold_is_asked_for_in_its_own_spelling() -> None:
    play = Play(marketplace_ids="ATVPDKIKX0DER")
    play.simulator.catalogue(
        [{"sku": sku, "title": "Łyżka", "price": "4.00", "quantity": 8, "currency": "USD"} for sku in ("Łyżka-1", "Żyłka-1", "Why?")]
    )

    paged, reported = play.listings(), play.by_report()

    assert {sku: same(one) for sku, one in reported.items()} == {sku: same(one) for sku, one in paged.items()}


def test_a_spoilt_sku_that_amazon_does_not_find_is_left_out_and_said(said: list[Any]) -> None:
    play = Play(marketplace_ids="ATVPDKIKX0DER")
    cursor = play.until_done()
    rewrite(play, lambda raw: raw.replace(b"BOX-07\t", b"B?X-08\t"), "text/plain; charset=Cp1252")

    found = {item.sku for page in play.pages(cursor) for item in page.items}

    assert found == set(play.simulator.state["listings"]) - {"BOX-07"} and "spoilt" in said[0]["event"]


def test_a_listing_whose_report_tells_no_asin_is_asked_for() -> None:
    play = Play(marketplace_ids="A1PA6795UKMFR9")
    for sku in ("PEN-1", "SET,A"):
        play.simulator.state["listings"][sku]["state"] = "ean"

    paged, reported = play.listings(), play.by_report()

    assert same(reported["PEN-1"]) == same(paged["PEN-1"]) and same(reported["SET,A"]) == same(paged["SET,A"])
    assert paged["PEN-1"].listing


def test_more_doubts_than_one_search_clears_up_make_more_pages() -> None:
    play = Play(marketplace_ids="A1PA6795UKMFR9")
    for listing in play.simulator.state["listings"].values():
        listing["state"] = "ean"

    paged, reported = play.listings(), play.by_report()

    assert {sku: same(one) for sku, one in reported.items()} == {sku: same(one) for sku, one in paged.items()}


def test_a_broken_line_is_left_out_and_said_and_the_others_come(said: list[Any]) -> None:
    play = Play(marketplace_ids="ATVPDKIKX0DER")
    cursor = play.until_done()
    rewrite(play, lambda raw: raw.replace(b"BOX-07\t7.25\t50", b"BOX-07\t7.25\tmany").replace(b"Box 9\t", b"Box\t9\t"))

    found = {item.sku for page in play.pages(cursor) for item in page.items}

    assert found == set(play.simulator.state["listings"]) - {"BOX-07", "BOX-09"}
    assert [(entry["count"], entry["marketplace"], len(entry["lines"])) for entry in said] == [(2, "ATVPDKIKX0DER", 2)]


def test_a_report_of_which_nothing_can_be_read_is_not_an_empty_catalogue() -> None:
    play = Play(marketplace_ids="ATVPDKIKX0DER")
    cursor = play.until_done()
    rewrite(play, lambda raw: raw.replace(b"\r\n", b"\t\r\n").replace(b"\t\r\n", b"\r\n", 1))

    with pytest.raises(BadPayload, match="no line can be read"):
        play.channel.listings(cursor)


@pytest.mark.parametrize("column", ["seller-sku", "quantity", "fulfillment-channel", "asin1"])
def test_a_report_without_a_column_that_we_need_names_it(column: str) -> None:
    play = Play(marketplace_ids="ATVPDKIKX0DER")
    cursor = play.until_done()
    rewrite(play, lambda raw: raw.replace(b"product-id-type", b"x").replace(column.encode(), b"y", 1))

    with pytest.raises(BadPayload, match=column):
        play.channel.listings(cursor)


@pytest.mark.parametrize("cut", [30, 200])
def test_a_document_that_breaks_off_is_unavailable_and_comes_whole_next_time(cut: int) -> None:
    play = Play(marketplace_ids="ATVPDKIKX0DER")
    cursor = play.until_done()
    (document,) = play.simulator.state["documents"].values()
    whole = base64.b64decode(document["body"])
    document["body"] = base64.b64encode(whole[:-cut]).decode()

    with pytest.raises(Unavailable):
        play.channel.listings(cursor)
    document["body"] = base64.b64encode(whole).decode()

    assert len(play.channel.listings(cursor).items) == len(play.simulator.listings())


@pytest.mark.parametrize("packs", [True, False])
def test_a_document_is_read_over_a_real_line(packs: bool) -> None:
    play = Play(marketplace_ids="ATVPDKIKX0DER")
    play.simulator.packs = packs
    server = make_server("127.0.0.1", 0, Stage({"amazon": (play.world, play.simulator)}), threaded=True)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    told = play.simulator.credentials(f"http://127.0.0.1:{server.port}/amazon")["settings"]
    http = Http("Amazon")
    settings = {**play.kit.settings, **told, "marketplace_ids": "ATVPDKIKX0DER"}
    play.channel = AmazonChannel(dataclasses.replace(play.kit, http=http, settings=settings))

    found = play.by_report()

    http.session.close()
    server.shutdown()
    serving.join()
    server.server_close()
    assert set(found) == set(play.simulator.state["listings"])


def test_a_document_that_is_packed_badly_cannot_be_read() -> None:
    play = Play(marketplace_ids="ATVPDKIKX0DER")
    cursor = play.until_done()
    rewrite(play, lambda raw: gzip.compress(raw)[:10] + b"\xff" * 90)

    with pytest.raises(BadPayload, match="gzip"):
        play.channel.listings(cursor)


def test_one_sku_in_several_marketplaces_is_amazons_where_any_says_so() -> None:
    play = Play(marketplace_ids="ATVPDKIKX0DER,A1F83G8C2ARO7P")
    cursor = play.until_done()
    _, british = play.simulator.state["documents"].values()
    raw = gzip.decompress(base64.b64decode(british["body"])).replace(b"DEFAULT", b"AMAZON_EU", 1)
    british["body"] = base64.b64encode(gzip.compress(raw)).decode()

    found = {item.sku: item for page in play.pages(cursor) for item in page.items}

    assert len(found) == len(play.simulator.listings()) and found["MUG-1"].writable == "fulfilled by Amazon"


def test_documents_of_old_reports_do_not_pile_up_in_the_simulator() -> None:
    play = Play(marketplace_ids="ATVPDKIKX0DER")
    for _ in range(20):
        play.by_report()
        play.clock.pass_(3600)

    assert len(play.simulator.state["documents"]) == 16


def test_under_the_vendors_limits_a_report_is_read_within_its_rates() -> None:
    play = Play("vendor", strict=True)

    assert len(play.by_report()) == len(play.simulator.listings())


def test_the_simulator_refuses_reports_that_amazon_does_not_know(play: Play) -> None:
    token = play.tokens.access(play.channel._client._renew)

    def ask(**body: object) -> requests.Response:
        headers = {"x-amz-access-token": token, "content-type": "application/json"}
        return play.http.send("POST", f"{BASE}/reports/2021-06-30/reports", changes=False, headers=headers, data=json.dumps(body))

    kind = "GET_MERCHANT_LISTINGS_ALL_DATA"
    wrong = [ask(reportType="GET_NOTHING", marketplaceIds=["ATVPDKIKX0DER"]), ask(reportType=kind), ask(reportType=kind, marketplaceIds=[])]
    wrong += [ask(reportType=kind, marketplaceIds=["X"]), ask(reportType=kind, marketplaceIds=["ATVPDKIKX0DER"], more=1)]
    wrong += [ask(reportType=kind, marketplaceIds=["ATVPDKIKX0DER"], reportOptions={"custom": True})]

    assert {answer.status_code for answer in wrong} == {400} and {answer.json()["errors"][0]["code"] for answer in wrong} == {
        "InvalidInput"
    }


# --- notices from the queue


def test_the_queue_gives_a_notice_for_each_order_and_takes_acknowledgement(play: Play) -> None:
    placed = play.place(count=25, seed=4)

    notices = play.channel.receive()
    play.channel.acknowledge([notice.receipt for notice in notices])
    play.clock.pass_(3600)

    assert {notice.order for notice in notices} == {order["id"] for order in placed}
    assert {(notice.about, notice.account, notice.topic) for notice in notices} == {(About.ORDER, SELLER, "ORDER_CHANGE")}
    assert play.channel.receive() == []


def test_an_unacknowledged_notice_comes_again_after_its_time(play: Play) -> None:
    play.place(lines=[{"sku": "MUG-1", "quantity": 1}])

    (first,) = play.channel.receive()
    hidden = play.channel.receive()
    play.clock.pass_(61)
    (again,) = play.channel.receive()

    assert hidden == [] and first.delivery == again.delivery and first.receipt != again.receipt


def test_a_duplicate_has_the_same_delivery(play: Play) -> None:
    play.world.post = Post(duplicates=1.0)
    play.place(lines=[{"sku": "MUG-1", "quantity": 1}])

    one, two = play.channel.receive()

    assert one.delivery == two.delivery and one.receipt != two.receipt


def test_a_message_that_is_no_order_change_is_told_apart(play: Play) -> None:
    for number, body in enumerate(
        ['{"NotificationType": "FEED_PROCESSING_FINISHED", "NotificationMetadata": {"NotificationId": "n"}}', "no", "[]"]
    ):
        play.simulator.state["queue"].append({"id": str(number), "body": body, "visible": "", "receipt": ""})

    notices = play.channel.receive()

    assert [(notice.about, notice.topic) for notice in notices] == [
        (About.OTHER, "FEED_PROCESSING_FINISHED"),
        (About.OTHER, "unreadable"),
        (About.OTHER, "unreadable"),
    ]
    assert all(notice.receipt for notice in notices)


def test_without_a_queue_polling_is_all_there_is() -> None:
    play = Play(queue_url="")
    play.place(lines=[{"sku": "MUG-1", "quantity": 1}])

    assert play.channel.receive() == [] and len(play.poll()) == 1


# --- when things go wrong


def calls(play: Play) -> dict[str, tuple[str, Callable[[], object], bool]]:
    """Each call of the connector: its operation, how to make it, whether it may change something."""
    push = Push("B0", "MUG-1", {"channel": "DEFAULT"}, 5)
    many = [Push("B0", f"BOX-{n:02d}", {"channel": "DEFAULT"}, 3) for n in range(26)]
    hour = timedelta(hours=1)
    return {
        "searchOrders": ("searchOrders", lambda: play.channel.poll(START - hour, play.clock(), None), False),
        "getOrder": ("getOrder", lambda: play.channel.fetch(["902-0000000-0000000"]), False),
        "searchListingsItems": ("searchListingsItems", lambda: play.channel.listings(None), False),
        "getListingsItem": ("getListingsItem", lambda: play.channel.shown([push]), False),
        "patchListingsItem": ("patchListingsItem", lambda: play.channel.show([push], "k"), True),
        "createFeedDocument": ("createFeedDocument", lambda: play.channel.show(many, "k"), False),
        "createFeed": ("createFeed", lambda: play.channel.show(many, "k"), True),
        "getFeed": ("getFeed", lambda: play.channel.feed_result("5"), False),
        "getInventorySummaries": ("getInventorySummaries", lambda: play.channel.stored(None), False),
        "createReport": ("createReport", lambda: play.channel.listings(play.channel.export().cursor), False),
        "getReport": ("getReport", play.by_report, False),
        "getReportDocument": ("getReportDocument", play.by_report, False),
    }


EVERY = sorted(calls(Play()))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("kind", ["500", "html", "cut_before", "cut_after"])
def test_no_answer_is_unavailable_for_a_read_and_unknown_for_a_write(play: Play, name: str, kind: str) -> None:
    operation, call, changes = calls(play)[name]
    play.world.faults.append(Fault(kind, operation))

    with pytest.raises(OutcomeUnknown if changes else Unavailable):
        call()


@pytest.mark.parametrize("name", EVERY)
def test_too_fast_is_rate_limited_and_empties_the_budget(play: Play, name: str) -> None:
    operation, call, _ = calls(play)[name]
    play.world.faults.append(Fault("429", operation))

    with pytest.raises(RateLimited) as caught:
        call()

    assert caught.value.wait_s == pytest.approx(1 / MANIFEST.rates[operation].per_s)
    assert play.budget.left[operation][0] == 0.0


@pytest.mark.parametrize("name", EVERY)
def test_a_rejected_token_is_renewed_once_and_then_access_is_lost(play: Play, name: str) -> None:
    operation, call, _ = calls(play)[name]
    play.channel.probe()
    play.world.faults.append(Fault("401", operation, times=2))

    with pytest.raises(AccessLost):
        call()

    assert play.tokens.refreshed == 2


def test_one_rejection_goes_unnoticed(play: Play) -> None:
    play.channel.probe()
    play.world.faults.append(Fault("401", "searchListingsItems"))

    assert play.channel.listings(None).items and play.tokens.refreshed == 2


def test_an_expired_token_that_amazon_refuses_with_403_is_renewed(play: Play) -> None:
    play.channel.probe()
    play.simulator.state["tokens"].clear()

    assert play.channel.listings(None).items and play.tokens.refreshed == 2


def test_a_403_that_a_fresh_token_does_not_mend_is_a_refusal_and_not_lost_access(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.amazon.simulator.TOKEN_S", 0)

    with pytest.raises(Refused) as caught:
        play.channel.probe()

    assert not isinstance(caught.value, AccessLost) and "Unauthorized" in caught.value.words and play.calls("token") == 2


def test_a_refresh_token_that_was_withdrawn_loses_access_without_telling_secrets(play: Play) -> None:
    play.tokens.login = {"refresh_token": "Atzr|withdrawn"}

    with pytest.raises(AccessLost) as caught:
        play.channel.probe()

    assert "Atzr" not in str(caught.value) and "invalid_grant" in caught.value.words


def test_the_token_endpoint_may_be_down(play: Play) -> None:
    play.world.faults.append(Fault("html", "token"))

    with pytest.raises(Unavailable):
        play.channel.probe()


@pytest.mark.parametrize("kind", ["500", "cut_before", "html"])
def test_a_queue_that_does_not_answer_is_unavailable(play: Play, kind: str) -> None:
    play.world.faults.append(Fault(kind, "*"))

    with pytest.raises(Unavailable):
        play.channel.receive()


def test_a_lost_answer_to_a_write_can_be_looked_up(play: Play) -> None:
    push = play.push("MUG-1", 5)
    play.world.faults.append(Fault("cut_after", "patchListingsItem"))
    with pytest.raises(OutcomeUnknown):
        play.channel.show([push], "k1")
    play.clock.pass_(1)

    assert play.channel.shown([push]) == {push.name: 5}


def test_one_token_serves_many_calls(play: Play) -> None:
    for _ in range(5):
        play.channel.listings(None)

    assert play.calls("token") == 1


def test_amazons_header_teaches_the_budget(play: Play) -> None:
    play.channel.probe()

    assert play.budget.learned["searchListingsItems"] == Rate(5000.0, 5)


def test_under_the_vendors_limits_the_simulator_refuses_the_twenty_first_search() -> None:
    play = Play("vendor")
    for _ in range(20):
        play.channel.poll(START - timedelta(hours=1), START, None)

    with pytest.raises(RateLimited):
        play.channel.poll(START - timedelta(hours=1), START, None)


def test_an_environment_variable_does_not_move_us_to_another_marketplace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SP_API_DEFAULT_MARKETPLACE", "JP")
    play = Play(marketplace_ids="A1PA6795UKMFR9")

    play.channel.probe()

    assert ["marketplaceIds", "A1PA6795UKMFR9"] in play.records()[-1]["query"]


def test_a_region_follows_from_the_marketplace() -> None:
    play = Play(url="", marketplace_ids="A1VC38T7YXB528")

    assert play.channel._client._url() == "https://sellingpartnerapi-fe.amazon.com"


def test_nothing_secret_or_personal_is_logged(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    play.place(count=5, seed=1)

    play.poll()
    play.channel.show([play.push("MUG-1", 1)], "k")

    said = caplog.text + repr(play.kit) + repr(play.channel)
    assert "Atza|" not in said and "Atzr|" not in said and "Okafor" not in said


# --- against the vendor's own contract


def contracts() -> Path:
    return Path(os.environ.get("CROSSDOCK_CONTRACTS") or Path(__file__).parents[2].parent / "shared" / "contracts")


@pytest.fixture(scope="module")
def oracle() -> ModuleType:
    tool = contracts().parent / "tools" / "contract_oracle.py"
    if not tool.exists():
        pytest.skip("the vendors' contracts are not here")
    spec = importlib.util.spec_from_file_location("contract_oracle", tool)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tour(play: Play) -> None:
    """Every call of the connector, with and without what it may carry."""
    placed = play.place(count=40, seed=9, planted=True)
    play.simulator.act(placed[0]["id"], "touch", {})
    for order in placed[1:6]:
        if order["fulfilled_by"] == "MERCHANT" and not order["pending"]:
            play.simulator.act(order["id"], "fulfill", {})
    play.simulator.act(placed[6]["id"], "cancel", {})
    play.clock.pass_(2)
    play.channel.probe()
    play.poll()
    for start in range(0, len(placed), 25):
        play.clock.pass_(60)
        play.channel.fetch([order["id"] for order in placed[start : start + 25]])
    writable = [Push(found.listing, found.sku, found.handle, 9) for found in play.listings().values() if found.writable is None]
    play.channel.show(writable[:4], "k1")
    feed = play.channel.show(writable, "k2")[0].words
    play.clock.pass_(1)
    play.channel.follow({feed: writable})
    play.channel.shown(writable)
    play.channel.stored(None)
    play.by_report()
    play.counted(START - timedelta(days=40), play.clock() + timedelta(days=1))
    (sent,), (gone,) = (play.place(lines=[{"sku": "PEN-1", "quantity": 1}]) for _ in range(2))
    line = MANIFEST.order(play.channel.fetch([sent["id"]])[sent["id"]] or b"", "c1").lines[0].id
    play.channel.confirm(a_parcel(sent["id"], (line, 1), sent_at=play.clock()))
    play.channel.cancel(gone["id"], CancelReason.STOCK, KEY, restock=True)
    (own,) = play.place(lines=[{"sku": "PEN-1", "quantity": 1}])
    its = MANIFEST.order(play.channel.fetch([own["id"]])[own["id"]] or b"", "c1")
    tour_carriers.sell_its_own(MANIFEST.carrier(play.kit), its, tuple(LabelFormat))  # type: ignore[misc]
    fba = next(sku for sku, one in play.simulator.state["listings"].items() if one["code"] != "DEFAULT")
    tour_carriers.send_for_others(play.channel, play.clock(), fba)
    play.simulator.settle({})
    play.clock.pass_(60)
    all_of(partial(play.channel.unpaid, START - timedelta(days=200)))
    for payout in all_of(partial(play.channel.payouts, START)):
        all_of(partial(play.channel.movements, payout))


@pytest.mark.contracts
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # the tool leaves its files open
def test_no_request_and_no_answer_violates_the_vendors_contract(oracle: ModuleType) -> None:
    play = Play(page_size=10)
    tour(play)

    records = play.records()
    verdicts: list[tuple[Any, Any]] = [oracle.check(record) for record in records]

    assert {found for _, violations in verdicts for found in violations} == set()
    assert {name for name, _ in verdicts if name} == set(MANIFEST.calls)


@pytest.mark.contracts
def test_notices_and_feeds_are_those_of_the_vendors_schemas(oracle: ModuleType) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    play = Play()
    tour(play)
    schemas = contracts() / "amazon" / "schemas"
    notice = json.loads((schemas / "notifications" / "OrderChangeNotification.json").read_text("utf-8"))
    feed = json.loads((schemas / "feeds" / "listings-feed-schema-v2.json").read_text("utf-8"))
    report = json.loads((schemas / "feeds" / "listings-feed-processing-report-schema-v2.json").read_text("utf-8"))

    for message in play.simulator.state["queue"]:
        jsonschema.Draft7Validator(notice).validate(json.loads(message["body"]))
    kept = [document for document in play.simulator.state["documents"].values() if "site" not in document]  # reports of listings have one
    documents = [json.loads(document["body"]) for document in kept if not document["body"].startswith("<")]  # order feeds are XML
    for document in documents:
        jsonschema.Draft7Validator(feed if "messages" in document else report).validate(document)
    assert len(documents) == 2


def test_every_call_of_the_manifest_is_made_by_the_tour() -> None:
    play = Play()
    tour(play)

    assert {entry["operation"] for entry in play.world.log if entry["operation"]} == set(MANIFEST.calls)


def test_the_simulator_survives_a_restart() -> None:
    play = Play()
    play.place(count=10, seed=1)
    kept = json.loads(json.dumps(play.simulator.state))
    again = Simulator(play.world)
    again.state.update(kept)

    assert again.orders() == play.simulator.orders() and again.listings() == play.simulator.listings()


# ---- orders by the day they were placed


def day(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def test_orders_are_counted_by_reports_of_thirty_days_each_once_however_many_items(play: Play) -> None:
    for hours in (0, 26, 40 * 24):
        play.clock.pass_(hours * 3600)
        play.place(lines=[{"sku": "MUG-1", "quantity": 1}, {"sku": "PEN-1", "quantity": 2}])
    wanted = Counter(day(datetime.fromisoformat(order["placed_at"])) for order in play.simulator.orders())
    play.clock.pass_(3600)

    assert play.counted(day(START) - timedelta(days=18), day(START) + timedelta(days=42)) == dict(wanted)
    assert (play.calls("createReport"), play.calls("searchOrders")) == (2, 0)


def test_a_day_is_half_open_and_orders_of_other_marketplaces_are_not_ours() -> None:
    play = Play(marketplace_ids="ATVPDKIKX0DER")
    play.clock.now = day(START) + timedelta(hours=23, minutes=59, seconds=59)
    for order in play.place(count=30, seed=2) + play.place(count=30, seed=3):
        assert order["placed_at"]
    ours = [raw for raw in play.simulator._raws() if raw["salesChannel"]["marketplaceId"] == "ATVPDKIKX0DER"]
    wanted = Counter(day(datetime.fromisoformat(raw["createdTime"])) for raw in ours)
    play.clock.pass_(3600)

    assert play.counted(day(START), day(START) + timedelta(days=1)) == {day(START): wanted[day(START)]}
    assert len(ours) < 60


def test_no_orders_are_no_report_and_one_that_is_never_made_is_refused(play: Play) -> None:
    assert play.counted(START - timedelta(days=9), START - timedelta(days=2)) == {}
    play.place(count=1)
    with pytest.raises(Refused):
        past.placed(
            play.kit, play.channel._client, START - timedelta(days=9), START, past._cursor(past.Plan(START, "no such report", START))
        )
    long = play.channel._client.create_orders_report(START - timedelta(days=31), play.clock())
    play.clock.pass_(60)
    with pytest.raises(Refused):
        play.channel.placed(START, play.clock(), past._cursor(past.Plan(START, long, START)))


@pytest.mark.parametrize("written", ["2026-11-21T23:30:00+00:00", "2026-11-21T15:30:00-08:00", "2026-11-22T05:15:00+05:45"])
def test_a_purchase_date_is_read_with_its_zone(written: str) -> None:
    header = "amazon-order-id\tpurchase-date\tlast-updated-date\torder-status\tsales-channel\tsku"
    lines = [header, f"1-2-3\t{written}\t{written}\tShipped\tAmazon.com\tA", "short line", "1-2-4\tnever\t\tPending\tAmazon.com\tA"]

    (row,) = past.rows(f"{line}\r\n".encode() for line in lines)

    assert (row.order, row.placed, row.status) == ("1-2-3", datetime(2026, 11, 21, 23, 30, tzinfo=UTC), "Shipped")


@pytest.mark.parametrize(
    ("channel", "ours"), [("Amazon.com", True), ("amazon.ca", False), ("Non-Amazon US", False), ("Somewhere new", True)]
)
def test_what_was_sold_elsewhere_is_not_counted(channel: str, ours: bool) -> None:
    assert past.is_ours(past.Row("1", START, START, "Shipped", channel), ["ATVPDKIKX0DER"]) is ours
