"""The eBay channel against its simulator: the whole protocol without sockets, on a virtual clock."""

import importlib.util
import io
import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from werkzeug.exceptions import BadRequest

from connectors.ebay import MANIFEST, reading, render
from connectors.ebay.simulator import Simulator
from connectors.http import Http
from connectors.simulation import Fault, InProcess, Stage, World, reply
from core.domain.money import Money
from core.domain.order import OrderStatus, PaymentStatus
from core.domain.shipping import CancelReason
from core.errors import AccessLost, BadPayload, HubError, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import Channel, Found, Kit, Notice, Push, Told
from tests.contract.means import Clock, Keeper, Wallet
from tests.contract.parcels import KEY, a_parcel

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = Path(os.environ.get("CROSSDOCK_CONTRACTS") or ROOT.parent / "shared/contracts")
START = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)


class Rig:
    def __init__(
        self, limits: str = "vendor", products: int = 16, quantity: int = 20, goods: Sequence[dict[str, Any]] = (), **settings: Any
    ) -> None:
        self.clock, self.recorder = Clock(START), io.StringIO()
        self.world = World(self.clock, seed=7, limits=limits, recorder=self.recorder)
        self.simulator = Simulator(self.world)
        found = self.simulator.credentials("http://sim.test/ebay")
        self.budget, self.tokens = Wallet(), Keeper(dict(found["login"]), self.clock)
        http = Http("ebay", InProcess(Stage({"ebay": (self.world, self.simulator)})))
        known = {**MANIFEST.settings, **found["settings"], **settings}
        self.kit = Kit(found["account"], http, self.clock, self.budget, self.tokens, found["app"], known, found["login"])
        self.channel: Channel = MANIFEST.channel(self.kit)
        shelves = [
            {"sku": f"SKU-{n:02d}", "title": f"Lamp & <Co> {n}", "price": f"{10 + n}.50", "quantity": quantity, "currency": "USD"}
            for n in range(0 if goods else products)
        ]
        self.simulator.catalogue([*shelves, *({"title": "Lamp", "price": "9.50", "quantity": quantity, **one} for one in goods)])

    def all_found(self, meanwhile: Callable[[], object] = lambda: None) -> list[Found]:
        found, page = [], self.channel.listings(None)
        found += page.items
        while page.cursor:
            meanwhile()
            page = self.channel.listings(page.cursor)
            found += page.items
        return found

    def oracle(self) -> Counter[tuple[str, str, int]]:
        return Counter((one["listing"], one["sku"], one["shown"]) for one in self.simulator.listings())

    def poll(self, since: datetime = START - timedelta(hours=1)) -> list[Notice]:
        self.clock.forward(seconds=1)
        page = self.channel.poll(since, self.clock(), None)
        notices = list(page.items)
        while page.cursor:
            page = self.channel.poll(since, self.clock(), page.cursor)
            notices += page.items
        return notices

    def shown(self) -> dict[str, int]:
        return {one["sku"]: one["shown"] for one in self.simulator.listings()}

    def fail(self, kind: str, operation: str = "*", times: int = 1) -> None:
        self.world.faults.append(Fault(kind, operation, times))

    def calls(self) -> list[str]:
        return [entry["operation"] for entry in self.world.log]


def pushes(found: list[Found], quantity: int = 5) -> list[Push]:
    return [Push(one.listing, one.sku, one.handle, quantity) for one in found]


def inventory_items(rig: Rig, skus: list[str]) -> set[str]:
    found: set[str] = rig.channel.inventory_items(skus)  # type: ignore[attr-defined]
    return found


def units(order: Any) -> dict[str, int]:
    found: Counter[str] = Counter()
    for line in order.lines:
        found[line.sku] += line.open
    return dict(found)


def test_the_probe_tells_who_the_seller_is() -> None:
    account = Rig().channel.probe()

    assert (account.id, account.currency) == ("harbor-lane-goods", "USD")


def test_listings_of_both_origins_are_found_with_their_variations_and_their_way_to_write() -> None:
    rig = Rig()

    found = rig.all_found()

    assert {(one.listing, one.sku, one.shown) for one in found} == {
        (one["listing"], one["sku"], one["shown"]) for one in rig.simulator.listings()
    }
    assert Counter(one.handle["api"] for one in found) == {"inventory": 8, "trading": 8}
    assert any("/" in one.listing for one in found)


def test_listings_come_page_by_page() -> None:
    rig = Rig(products=60, listings_page=7)

    assert len(rig.all_found()) == 60


def test_a_seller_without_listings_has_an_empty_page() -> None:
    page = Rig(products=0).channel.listings(None)

    assert (page.items, page.cursor) == ((), None)


def seen(found: Sequence[Found]) -> Counter[tuple[str, str, int | None]]:
    return Counter((one.listing, one.sku, one.shown) for one in found)


def mixed(count: int) -> list[dict[str, Any]]:
    return [{"sku": f"P-{n:04d}", "api": "inventory" if n % 2 else "trading", "quantity": n % 50} for n in range(count)]


def test_a_catalogue_of_many_pages_comes_once_and_whole_without_a_call_for_each_sku() -> None:
    rig = Rig(goods=mixed(900))

    found = rig.all_found()

    assert seen(found) == rig.oracle()
    assert all(one.handle["api"] == ("inventory" if int(one.sku[2:]) % 2 else "trading") for one in found)
    assert Counter(rig.calls()) == {"token": 1, "getInventoryItems": 3, "GetSellerList": 5}


def test_listings_that_all_end_at_the_same_moment_come_page_by_page() -> None:
    rig = Rig(goods=mixed(50), listings_page=7)
    for one in rig.simulator.state["listings"]:
        one["began"] = 0

    assert seen(rig.all_found()) == rig.oracle()


def test_another_process_that_goes_on_with_a_read_finds_the_same() -> None:
    rig = Rig(goods=[*mixed(60), {"sku": "left-out", "api": "inventory", "hidden": True}], listings_page=7, records_page=10)

    found = rig.all_found(reading._reads.clear)

    assert seen(found) >= rig.oracle()
    assert {one.sku for one in found if one.handle["api"] == "inventory"} == {"left-out", *(f"P-{n:04d}" for n in range(1, 60, 2))}
    assert "bulkGetInventoryItem" in rig.calls()


def test_a_process_that_takes_over_a_read_reads_once_more_before_it_looks_up_each_item() -> None:
    rig, steps = Rig(goods=[*mixed(60), {"sku": "left-out", "api": "inventory", "hidden": True}], listings_page=7, records_page=10), []

    def restart_once() -> None:
        steps.append(1)
        if len(steps) == 8:
            reading._reads.clear()

    found = rig.all_found(restart_once)

    assert {one.sku for one in found} == {"left-out", *(f"P-{n:04d}" for n in range(60))}
    assert rig.calls().count("getOffers") == 1 and rig.calls().count("getInventoryItems") == 12


def test_a_page_that_is_asked_for_twice_changes_nothing() -> None:
    rig, cursor, found = Rig(goods=mixed(60), listings_page=7, records_page=10), None, []
    while True:
        rig.channel.listings(cursor)
        page = rig.channel.listings(cursor)
        found, cursor = [*found, *page.items], page.cursor
        if cursor is None:
            break

    assert seen(found) == rig.oracle() and not {"bulkGetInventoryItem", "getOffers"} & set(rig.calls())


def test_a_cursor_of_another_kind_begins_the_read_anew() -> None:
    assert len(Rig().channel.listings("3").items) == 16


def test_listings_that_end_while_we_read_hide_no_others() -> None:
    rig = Rig(goods=mixed(60), listings_page=7, records_page=10)
    listings, ended = rig.simulator.state["listings"], []

    def end_two() -> None:
        ended.extend(one["sku"] for one in sorted(listings, key=lambda one: one["began"])[:2])
        listings[:] = [one for one in listings if one["sku"] not in ended]

    found = rig.all_found(end_two)

    assert {one["sku"] for one in listings} <= {one.sku for one in found} and len(found) == len({one.sku for one in found})


def test_listings_that_are_renewed_or_made_while_we_read_are_found() -> None:
    rig = Rig(goods=mixed(60), listings_page=7, records_page=10)
    more = iter(range(100, 200))

    def a_day_later() -> None:
        rig.clock.forward(days=1)
        rig.simulator.catalogue([{"sku": f"P-{next(more):04d}", "api": "inventory", "quantity": 3, "price": "1.00", "title": "new"}])

    found = rig.all_found(a_day_later)

    assert {f"P-{n:04d}" for n in range(60)} <= {one.sku for one in found}
    assert all(one.handle["api"] == "inventory" for one in found if one.sku[2:] >= "0100")


def test_inventory_items_that_vanish_while_their_pages_are_read_leave_every_listing_found() -> None:
    rig = Rig(goods=mixed(60), records_page=10)
    listings = rig.simulator.state["listings"]

    found = rig.all_found(lambda: listings.pop(1))

    assert {one["sku"]: one["api"] for one in listings}.items() <= {one.sku: one.handle["api"] for one in found}.items()


def test_an_inventory_listing_that_the_list_leaves_out_still_comes() -> None:
    goods = [{"sku": f"L-{n:02d}", "api": "inventory", "hidden": n > 2, "quantity": n} for n in range(70)]
    sizes = {"sku": "", "api": "inventory", "hidden": True, "variations": [{"sku": "S", "quantity": 3}, {"sku": "M"}]}
    rig = Rig(goods=[*goods, sizes], records_page=40)

    found = rig.all_found()

    assert seen(found) == rig.oracle() and {one.title for one in found} == {"Lamp"}
    assert (rig.calls().count("getOffers"), rig.calls().count("GetItem")) == (69, 2)
    assert {one.told for one in rig.channel.show(pushes(found), "k")} == {Told.SHOWN}


def test_a_draft_and_an_ended_offer_are_no_listings() -> None:
    rig = Rig(goods=[{"sku": name, "api": "inventory", "hidden": True} for name in ("draft", "ended")])
    rig.simulator.state["listings"][0]["offers"] = []
    rig.simulator.state["listings"][1]["offers"] = [{"listing": {"listingId": "1", "listingStatus": "ENDED"}}]

    assert rig.all_found() == []


AWKWARD = [
    {"sku": "Lamp", "api": "inventory"},
    {"sku": "LAMP", "api": "trading"},
    {"sku": "lamp", "api": "inventory"},
    {"sku": " Lamp", "api": "trading"},
    {"sku": "Lamp ", "api": "inventory"},
    {"sku": "La  mp", "api": "trading"},
    {"sku": "灯/ø&<1>", "api": "inventory"},
    {"sku": "灯/ø&<1>", "api": "trading"},
    {"sku": "twice", "api": "trading"},
    {"sku": "twice", "api": "trading"},
    {"sku": "", "api": "trading"},
    {"sku": "", "api": "trading"},
    {"sku": "", "api": "trading", "variations": [{"sku": "v"}, {"sku": "V", "quantity": 2}, {"sku": "Lamp"}]},
    {"sku": "", "api": "inventory", "variations": [{"sku": "w"}, {"sku": "W ", "quantity": 2}]},
    {"sku": "L" * 80, "api": "trading"},
]


def test_each_awkward_sku_is_a_listing_of_its_own_and_travels_as_it_is_spelled() -> None:
    rig = Rig(goods=AWKWARD)
    found = rig.all_found()

    wanted = [Push(one.listing, one.sku, one.handle, number) for number, one in enumerate(found)]
    told = rig.channel.show(wanted, "k")

    assert len(found) == 18 and len({(one.listing, one.sku) for one in found}) == 18
    assert {answer.told for answer in told} == {Told.SHOWN}
    assert rig.oracle() == Counter((push.listing, push.sku, push.quantity) for push in wanted)
    assert rig.channel.shown(wanted) == {push.name: push.quantity for push in wanted}


def test_what_is_on_sale_is_read_the_same_from_the_list_the_item_and_the_offer() -> None:
    rig = Rig(goods=[*mixed(12), {"sku": "out", "api": "inventory", "hidden": True}], quantity=30)
    for sku in ("P-0004", "P-0005", "out"):
        rig.simulator.catalogue([{"sku": sku, "title": "x", "price": "2.00", "quantity": 9}])
        rig.simulator.place({"lines": [{"sku": sku, "quantity": 2}]})

    found = rig.all_found()

    assert seen(found) == rig.oracle() and {one.sku: one.shown for one in found}["out"] == 7
    assert rig.channel.shown(pushes(found)) == {(one.listing, one.sku, one.place): one.shown for one in found}


def test_offers_are_looked_up_for_what_is_written_and_only_once() -> None:
    rig = Rig(goods=mixed(60))
    found = rig.all_found()
    looked = rig.calls().count("getOffers")

    rig.channel.show(pushes(found[:10], 1), "k")
    rig.channel.show(pushes(found[:10], 2), "l")

    assert (looked, rig.calls().count("getOffers")) == (0, sum(one.handle["api"] == "inventory" for one in found[:10]))


def test_a_listing_whose_skus_offer_is_another_listing_is_written_by_trading() -> None:
    rig = Rig(goods=[{"sku": "both", "api": "inventory"}, {"sku": "both", "api": "trading"}])
    ours, theirs = rig.simulator.state["listings"]
    other = next(one for one in rig.all_found() if one.listing == theirs["item"])

    told = rig.channel.show(pushes([other], 3), "k")

    assert [one.told for one in told] == [Told.SHOWN]
    assert (ours["quantity"], theirs["quantity"]) == (20, 3) and "bulkUpdatePriceQuantity" not in rig.calls()


def test_a_handle_of_an_earlier_read_is_written_by_the_offer_of_today() -> None:
    rig = Rig(products=2)
    found = next(one for one in rig.all_found() if one.handle["api"] == "inventory")

    told = rig.channel.show([Push(found.listing, found.sku, {**found.handle, "offer": "1"}, 3)], "k")

    assert told[0].told is Told.SHOWN and rig.shown()[found.sku] == 3


def test_a_handle_that_names_no_api_is_refused_alone() -> None:
    rig = Rig(products=2)
    found = rig.all_found()

    told = rig.channel.show([Push("1", "x", {"api": "fax", "item": "1"}, 3), *pushes(found)], "k")

    assert [one.told for one in told] == [Told.REFUSED, Told.SHOWN, Told.SHOWN]


def test_an_offer_that_was_made_anew_is_read_and_told_again_before_its_listing_is_given_up() -> None:
    rig = Rig(products=2)
    wanted = pushes([one for one in rig.all_found() if one.handle["api"] == "inventory"], 4)
    rig.channel.show(wanted, "k")
    rig.simulator.state["listings"][0]["offer"] = "8299999999"

    told = [rig.channel.show([replace(one, quantity=5) for one in wanted], key)[0].told for key in ("l", "m")]

    assert told == [Told.STALE, Told.SHOWN] and rig.shown()[wanted[0].sku] == 5


def test_a_sku_that_vanished_between_looking_and_writing_is_stale_and_then_gone() -> None:
    rig = Rig(products=4)
    wanted = pushes([one for one in rig.all_found() if one.handle["api"] == "inventory"], 4)
    rig.channel.show(wanted, "k")
    gone = rig.simulator.state["listings"].pop(0)["sku"]

    told = [{one.sku: one.told for one in rig.channel.show(wanted, key)} for key in ("l", "m")]

    assert [one.pop(gone) for one in told] == [Told.STALE, Told.GONE]
    assert [list(one.values()) for one in told] == [[Told.SHOWN], [Told.SHOWN]]


def test_a_sku_whose_offers_ebay_will_not_tell_is_refused_alone() -> None:
    rig = Rig(products=4)
    found = next(one for one in rig.all_found() if one.handle["api"] == "inventory")
    bad = Push(found.listing, "S" * 51, found.handle, 3)

    told = rig.channel.show([bad, *pushes([found], 3)], "k")

    assert [one.told for one in told] == [Told.REFUSED, Told.SHOWN] and "sku" in told[0].words


@pytest.mark.parametrize(
    "product",
    [
        {"sku": "a", "api": "fax"},
        {"sku": "", "api": "inventory"},
        {"sku": "S" * 51, "api": "inventory"},
        {"sku": "SKU-00", "api": "inventory"},
        {"sku": "", "api": "inventory", "variations": [{"sku": "a"}, {"sku": "a"}]},
    ],
)
def test_the_simulator_stocks_nothing_that_ebay_could_not_list(product: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        Rig().simulator.catalogue([product])


@pytest.mark.parametrize("days", [0, 121, None])
def test_the_list_of_listings_wants_a_range_of_at_most_120_days(days: int | None) -> None:
    rig = Rig()
    client, start = rig.channel._client, render.timestamp(START)  # type: ignore[attr-defined]
    until = "" if days is None else render.timestamp(START + timedelta(days=days))

    if days == 0:
        assert client.listed(start, until, 1)["HasMoreItems"] == "false"
    else:
        with pytest.raises(Refused):
            client.listed(start, until, 1)


def test_orders_come_with_bodies_and_say_what_ebay_holds() -> None:
    rig = Rig()
    rig.simulator.place({"count": 30, "seed": 2})

    notices = rig.poll()

    oracle = {one["id"]: one for one in rig.simulator.orders()}
    orders = [MANIFEST.order(one.body or b"", "c1") for one in notices]
    listings = {(one.listing, one.sku) for one in rig.all_found()}
    assert {one.id for one in orders} == set(oracle)
    for order in orders:
        assert units(order) == oracle[order.id]["units"]
        assert order.total == Money.parse(oracle[order.id]["total"], oracle[order.id]["currency"])
        assert order.problems() == []
        assert {(line.listing, line.sku) for line in order.lines} <= listings


def test_the_list_and_the_single_read_give_the_same_order() -> None:
    rig = Rig()
    rig.simulator.place({"count": 20, "seed": 3})
    notices = rig.poll()

    bodies = rig.channel.fetch([one.order or "" for one in notices])

    assert all(MANIFEST.order(one.body or b"", "c1") == MANIFEST.order(bodies[one.order or ""] or b"", "c1") for one in notices)


def test_placing_is_the_same_for_the_same_seed() -> None:
    one, two = Rig(), Rig()

    assert one.simulator.place({"count": 12, "seed": 9}) == two.simulator.place({"count": 12, "seed": 9})
    assert one.simulator.state == two.simulator.state


def test_the_planted_list_parks_two_and_flags_the_rest_as_announced() -> None:
    rig = Rig()
    planted = rig.simulator.place({"count": 0, "planted": True})

    for told in planted:
        body = next(one.body for one in rig.poll() if one.order == told["id"]) or b""
        if told["parks"]:
            with pytest.raises(BadPayload, match=told["parks"]):
                MANIFEST.order(body, "c1")
        else:
            assert MANIFEST.order(body, "c1").problems()[0].startswith(told["flags"] + ":")
    assert sum(bool(told["parks"]) for told in planted) == 2


def test_paging_sees_all_orders_once() -> None:
    rig = Rig(orders_page=4)
    rig.simulator.place({"count": 18, "seed": 4})

    found = [one.order for one in rig.poll()]

    assert len(found) == 18 and len(set(found)) == 18


def test_orders_that_change_while_we_page_hide_no_others() -> None:
    rig = Rig(orders_page=4)
    names = [one["id"] for one in rig.simulator.place({"count": 18, "seed": 4})]
    rig.clock.forward(seconds=1)
    until, seen, touched = rig.clock(), set(), names[:6]
    changes, cursor, more = iter(touched), None, True
    while more:
        page = rig.channel.poll(START - timedelta(hours=1), until, cursor)
        seen |= {one.order for one in page.items}
        cursor, more = page.cursor, page.cursor is not None
        rig.clock.forward(seconds=1)
        for name in filter(None, [next(changes, None), next(changes, None)]):
            rig.simulator.act(name, "touch", {})
    later = {one.order for one in rig.poll(until)}

    assert set(names) <= seen and later == set(touched)


def test_an_order_that_changed_again_since_does_not_fall_between_two_polls() -> None:
    rig = Rig()
    (order,) = rig.simulator.place({"count": 1, "seed": 4})
    rig.clock.forward(seconds=90)
    rig.simulator.act(order["id"], "touch", {})

    page = rig.channel.poll(START - timedelta(hours=1), START + timedelta(seconds=30), None)

    assert [one.order for one in page.items] == [order["id"]]


def test_an_order_that_changes_while_the_last_pages_are_read_comes_after_them() -> None:
    rig = Rig(orders_page=4)
    names = [one["id"] for one in rig.simulator.place({"count": 6, "seed": 4})]
    rig.clock.forward(seconds=1)
    first = rig.channel.poll(START - timedelta(hours=1), rig.clock(), None)
    seen, cursor = {one.order for one in first.items}, first.cursor
    rig.clock.forward(seconds=1)
    rig.simulator.act(next(name for name in names if name not in seen), "touch", {})
    rig.clock.forward(seconds=1)

    while cursor:
        page = rig.channel.poll(START - timedelta(hours=1), rig.clock(), cursor)
        seen, cursor = seen | {one.order for one in page.items}, page.cursor

    assert seen == set(names)


def test_a_partly_sent_order_is_fetched_with_its_shipments() -> None:
    rig = Rig()
    order = rig.simulator.place({"lines": [{"sku": "SKU-00", "quantity": 3}]})[0]
    rig.simulator.act(order["id"], "fulfill", {"lines": [{"line": order["lines"][0]["id"], "quantity": 1}]})

    notice = rig.poll()[0]
    read = MANIFEST.order(rig.channel.fetch([order["id"]])[order["id"]] or b"", "c1")

    assert notice.body is None and notice.revision == read.revision
    assert (read.lines[0].fulfilled, read.lines[0].open, len(read.shipped), read.problems()) == (1, 2, 1, [])
    assert units(read) == rig.simulator.orders()[0]["units"]


def test_a_cancelled_order_is_fetched_for_its_reason_and_its_goods_go_back() -> None:
    rig = Rig()
    order = rig.simulator.place({"lines": [{"sku": "SKU-01", "quantity": 4}]})[0]
    taken = rig.shown()["SKU-01"]
    rig.simulator.act(order["id"], "cancel", {"restock": True, "reason": "ORDER_MISTAKE"})

    notice = rig.poll()[0]
    read = MANIFEST.order(rig.channel.fetch([order["id"]])[order["id"]] or b"", "c1")

    assert (taken, rig.shown()["SKU-01"]) == (16, 20) and notice.body is None
    assert (read.order_status, read.cancel_reason, read.units_to_ship) == (OrderStatus.CANCELLED, "ORDER_MISTAKE", 0)
    assert read.refunded_total == read.total and read.cancelled_at is not None


def test_a_request_to_cancel_blocks_shipping() -> None:
    rig = Rig()
    order = rig.simulator.place({"lines": [{"sku": "SKU-01", "quantity": 1}]})[0]
    rig.simulator.act(order["id"], "cancel", {"requested": True})

    read = MANIFEST.order(rig.channel.fetch([order["id"]])[order["id"]] or b"", "c1")

    assert read.order_status is OrderStatus.CANCEL_REQUESTED


def test_a_refund_of_one_unit_moves_money_and_of_the_whole_line_units_too() -> None:
    rig = Rig()
    order = rig.simulator.place({"lines": [{"sku": "SKU-00", "quantity": 2}, {"sku": "SKU-01", "quantity": 1}]})[0]
    line = order["lines"][0]["id"]
    rig.simulator.act(order["id"], "refund", {"line": line, "quantity": 1})
    part = MANIFEST.order(rig.poll()[0].body or b"", "c1")
    rig.simulator.act(order["id"], "refund", {"line": line, "quantity": 1})
    whole = MANIFEST.order(rig.poll()[0].body or b"", "c1")

    assert (part.payment_status, part.refunded_total.text(), part.units_to_ship) == (PaymentStatus.PARTIALLY_REFUNDED, "10.50", 3)
    assert (whole.refunded_total.text(), whole.units_to_ship, units(whole)) == ("21.00", 1, rig.simulator.orders()[0]["units"])


def test_each_change_raises_the_revision_even_when_time_stands_still() -> None:
    rig = Rig()
    order = rig.simulator.place({"lines": [{"sku": "SKU-00", "quantity": 2}]})[0]["id"]
    before = rig.poll()[0].revision
    rig.clock.now = START
    rig.simulator.act(order, "touch", {})

    assert before and (rig.poll()[0].revision or before) > before


def test_an_unknown_order_is_none() -> None:
    assert Rig().channel.fetch(["99-99999-99999"]) == {"99-99999-99999": None}


def test_stock_is_written_to_each_listing_by_its_own_api() -> None:
    rig = Rig()

    answers = rig.channel.show(pushes(rig.all_found(), 7), "key-1")

    assert {one.told for one in answers} == {Told.SHOWN} and set(rig.shown().values()) == {7}
    assert rig.calls().count("bulkUpdatePriceQuantity") == 1
    assert rig.calls().count("ReviseInventoryStatus") == 2


def test_zero_keeps_the_listing_and_is_read_back() -> None:
    rig = Rig()
    found = rig.all_found()

    rig.channel.show(pushes(found, 0), "key-1")

    assert set(rig.channel.shown(pushes(found)).values()) == {0}


def test_a_sale_lowers_what_is_read_back() -> None:
    rig = Rig()
    found = {one.sku: one for one in rig.all_found()}
    rig.simulator.place({"lines": [{"sku": "SKU-03", "quantity": 2}]})
    push = pushes([found["SKU-03"]])

    assert rig.channel.shown(push) == {(found["SKU-03"].listing, "SKU-03", ""): 18}


@pytest.mark.parametrize("api", ["inventory", "trading"])
def test_one_vanished_listing_fails_alone(api: str) -> None:
    rig = Rig()
    wanted = pushes([one for one in rig.all_found() if one.handle["api"] == api][:4], 3)
    gone = wanted[1].sku
    rig.simulator.state["listings"] = [one for one in rig.simulator.state["listings"] if one["sku"] != gone]

    answers = {one.sku: one.told for one in rig.channel.show(wanted, "key-1")}

    assert answers.pop(gone) in (Told.GONE, Told.REFUSED)
    assert set(answers.values()) == {Told.SHOWN}
    assert rig.channel.shown(wanted)[wanted[1].name] is None


def test_a_whole_call_refused_for_one_entry_is_sent_again_one_by_one() -> None:
    rig = Rig()
    wanted = pushes([one for one in rig.all_found() if one.handle["api"] == "inventory"][:3], 3)
    wanted[1] = Push(wanted[1].listing, "S" * 51, wanted[1].handle, 3)

    told = [one.told for one in rig.channel.show(wanted, "key-1")]

    assert told == [Told.SHOWN, Told.REFUSED, Told.SHOWN]


def test_a_listing_written_by_the_wrong_api_is_refused_and_the_words_are_kept_apart() -> None:
    rig = Rig()
    found = next(one for one in rig.all_found() if one.handle["api"] == "inventory")

    answer = rig.channel.show([Push(found.listing, found.sku, {"api": "trading", "item": found.handle["item"]}, 3)], "key-1")[0]

    assert answer.told is Told.REFUSED and "Inventory" in answer.words


@pytest.mark.parametrize("api", ["inventory", "trading"])
def test_the_two_hundred_and_fifty_first_revision_of_a_day_is_refused_until_pacific_midnight(api: str) -> None:
    rig = Rig(products=2)
    found = pushes([one for one in rig.all_found() if one.handle["api"] == api])
    told = [rig.channel.show([Push(one.listing, one.sku, one.handle, n)], "k")[0].told for one in found for n in range(251)]
    rig.clock.forward(hours=12)
    next_day = rig.channel.show(found, "k")[0].told

    assert told[:250] == [Told.SHOWN] * 250 and told[250] is Told.REFUSED and next_day is Told.SHOWN


def test_a_sku_with_xml_in_it_reaches_ebay_as_it_is() -> None:
    rig = Rig(products=0)
    sku = 'A&B <"1">'
    rig.simulator.catalogue([{"sku": name, "title": "x", "price": "1.00", "quantity": 1, "currency": "USD"} for name in ("first", sku)])

    answers = rig.channel.show(pushes([one for one in rig.all_found() if one.sku == sku], 9), "k")

    assert [one.told for one in answers] == [Told.SHOWN] and rig.shown()[sku] == 9


CALLS: list[tuple[str, bool, Callable[[Rig], object]]] = [
    ("getUser", False, lambda rig: rig.channel.probe()),
    ("getOrders", False, lambda rig: rig.poll()),
    ("getOrder", False, lambda rig: rig.channel.fetch(["1"])),
    ("GetSellerList", False, lambda rig: rig.channel.listings(None)),
    ("getInventoryItems", False, lambda rig: rig.channel.listings(None)),
    ("bulkGetInventoryItem", False, lambda rig: inventory_items(rig, ["SKU-00"])),
    ("getOffers", False, lambda rig: rig.channel.show(_push("inventory"), "k")),
    ("GetItem", False, lambda rig: rig.channel.shown(_push("trading"))),
    ("bulkUpdatePriceQuantity", True, lambda rig: rig.channel.show(_push("inventory"), "k")),
    ("ReviseInventoryStatus", True, lambda rig: rig.channel.show(_push("trading"), "k")),
]


def _push(api: str) -> list[Push]:
    return pushes([one for one in Rig().all_found() if one.handle["api"] == api][:1])


@pytest.mark.parametrize(("operation", "writes", "call"), CALLS)
@pytest.mark.parametrize(("kind", "read_error", "write_error"), [
    ("429", RateLimited, RateLimited),
    ("500", Unavailable, OutcomeUnknown),
    ("html", Unavailable, OutcomeUnknown),
    ("cut_before", Unavailable, OutcomeUnknown),
    ("cut_after", Unavailable, OutcomeUnknown),
])  # fmt: skip
def test_each_failure_of_each_call_raises_its_one_error(
    operation: str, writes: bool, call: Callable[[Rig], object], kind: str, read_error: type[HubError], write_error: type[HubError]
) -> None:
    rig = Rig()
    rig.fail(kind, operation)

    with pytest.raises(write_error if writes else read_error) as caught:
        call(rig)
    assert rig.tokens.fresh and rig.tokens.fresh.access not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize(("operation", "writes", "call"), CALLS)
def test_a_401_is_answered_by_one_refresh_and_a_second_one_is_lost_access(
    operation: str, writes: bool, call: Callable[[Rig], object]
) -> None:
    once, twice = Rig(), Rig()
    once.fail("401", operation)
    twice.fail("401", operation, times=2)

    call(once)

    assert once.tokens.refreshed == 2
    with pytest.raises(AccessLost):
        call(twice)
    assert twice.tokens.refreshed == 2


def test_a_token_that_ebay_forgot_is_refreshed_for_trading_too() -> None:
    rig = Rig()
    rig.channel.probe()
    rig.simulator.state["tokens"].clear()

    assert len(rig.channel.listings(None).items) == 16 and rig.tokens.refreshed == 2


def test_a_revoked_refresh_token_is_lost_access() -> None:
    rig = Rig()
    rig.tokens.login["refresh_token"] = "revoked"

    with pytest.raises(AccessLost) as caught:
        rig.channel.probe()
    assert "revoked" not in str(caught.value)


def test_wrong_keys_of_ours_are_lost_access() -> None:
    rig = Rig()
    rig.kit.app["client_secret"] = "wrong"  # type: ignore[index]

    with pytest.raises(AccessLost):
        rig.channel.probe()


def test_a_write_whose_answer_was_lost_had_its_effect_once_repeated() -> None:
    rig = Rig()
    wanted = pushes([one for one in rig.all_found() if one.handle["api"] == "inventory"][:1], 4)
    rig.fail("cut_after", "bulkUpdatePriceQuantity")

    with pytest.raises(OutcomeUnknown):
        rig.channel.show(wanted, "key-1")
    again = rig.channel.show(wanted, "key-1")

    assert again[0].told is Told.SHOWN and rig.shown()[wanted[0].sku] == 4


def test_the_daily_quota_of_trading_is_told_as_a_wait() -> None:
    rig = Rig()
    rig.channel.listings(None)
    rig.simulator.state["calls"]["trading"] = 5_000

    with pytest.raises(RateLimited) as caught:
        rig.channel.listings(None)
    assert caught.value.wait_s == 300.0 and rig.budget.learned == ["trading"]


def test_the_daily_quota_of_orders_is_told_as_a_wait() -> None:
    rig = Rig()
    rig.poll()
    rig.simulator.state["calls"]["fulfillment"] = 100_000

    with pytest.raises(RateLimited):
        rig.poll()
    assert rig.budget.learned == ["fulfillment"]


def test_each_call_takes_from_its_apis_budget_first() -> None:
    rig = Rig()
    rig.poll()
    rig.channel.show(pushes(rig.all_found()), "k")

    assert set(rig.budget.taken) == {"token", "fulfillment", "inventory", "trading"} <= set(MANIFEST.rates)


def test_a_window_beyond_two_years_and_into_the_future_is_cut_to_what_ebay_takes() -> None:
    rig = Rig()
    rig.simulator.place({"count": 1, "seed": 1})

    page = rig.channel.poll(START - timedelta(days=2000), START + timedelta(days=9), None)

    assert len(page.items) == 1


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/sell/fulfillment/v1/order?filters=x", 30700),
        ("/sell/fulfillment/v1/order?filter=lastmodified:[2026-11-01T00:00:00.000Z..]", 30700),
        ("/sell/fulfillment/v1/order?filter=lastmodifieddate:2026", 30800),
        ("/sell/fulfillment/v1/order?filter=lastmodifieddate:[yesterday..]", 30810),
        ("/sell/fulfillment/v1/order?limit=201", 31100),
        ("/sell/fulfillment/v1/order?fieldGroups=ALL", 32800),
        ("/sell/inventory/v1/offer", 25709),
        ("/sell/inventory/v1/inventory_item?limit=500", 25706),
    ],
)
def test_the_simulator_refuses_what_ebay_refuses_in_ebays_words(path: str, number: int) -> None:
    rig = Rig()
    rig.channel.probe()
    assert rig.tokens.fresh
    headers = {"Authorization": f"Bearer {rig.tokens.fresh.access}"}

    answer = rig.kit.http.send("GET", f"http://sim.test/ebay{path}", changes=False, headers=headers)

    assert answer.status_code == 400 and answer.json()["errors"][0]["errorId"] == number


def test_an_unknown_body_field_is_refused_by_the_simulator() -> None:
    rig = Rig()
    client = rig.channel._client  # type: ignore[attr-defined]

    with pytest.raises(Refused) as caught:
        client.set_quantities([{"sku": "SKU-00", "quantity": 3}])
    assert caught.value.facts["codes"] == "25709" and "SKU-00" not in str(caught.value)


def test_the_simulators_state_survives_a_restart() -> None:
    rig = Rig()
    rig.simulator.place({"count": 5, "seed": 1})
    other = Rig(products=0)

    other.simulator.state.update(json.loads(json.dumps(rig.simulator.state)))

    assert other.simulator.orders() == rig.simulator.orders() and len(other.poll()) == 5


def _oracle() -> ModuleType:
    path = CONTRACTS.parent / "tools/contract_oracle.py"
    if not path.exists():
        pytest.skip("the vendors' contracts are not here")
    spec = importlib.util.spec_from_file_location("contract_oracle", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tour(rig: Rig) -> None:
    """Every call of the connector, with orders in every state."""
    rig.channel.probe()
    found = rig.all_found()
    placed = rig.simulator.place({"count": 40, "seed": 5, "planted": True})
    for order, what in zip(placed[:10], ["pay", "cancel", "fulfill", "refund", "touch"] * 2, strict=True):
        rig.simulator.act(order["id"], what, {})
    partly = rig.simulator.place({"lines": [{"sku": "SKU-00", "quantity": 3}]})[0]
    rig.simulator.act(partly["id"], "fulfill", {"lines": [{"line": partly["lines"][0]["id"], "quantity": 1}]})
    rig.channel.fetch([one.order or "" for one in rig.poll()])
    rig.channel.placed(START - timedelta(days=1), START, None)  # type: ignore[attr-defined]
    assert inventory_items(rig, [one.sku for one in found]) == {one.sku for one in found if one.handle["api"] == "inventory"}
    rig.channel.show(pushes(found), "k")
    rig.channel.shown(pushes(found))
    sent, gone, asked = (rig.simulator.place({"lines": [{"sku": "SKU-01", "quantity": 1}]})[0] for _ in range(3))
    channel: Any = rig.channel
    channel.confirm(a_parcel(sent["id"], (sent["lines"][0]["id"], 1)))
    channel.cancel(gone["id"], CancelReason.STOCK, KEY, restock=True)
    for agree in (False, True):
        rig.simulator.act(asked["id"], "ask_to_cancel", {})
        channel.answer(asked["id"], channel.appeals(asked["id"])[0], agree=agree)
    channel.signing_key()
    channel.unpaid(START - timedelta(days=1), None)
    rig.simulator.settle({})
    rig.clock.forward(seconds=1)
    for payout in channel.payouts(START, None).items:
        channel.movements(payout, None)
    rig.world.post.url = "http://hub.test/webhooks/ebay"
    rig.simulator.act(placed[0]["id"], "fulfill", {})
    rig.simulator._notify("ORDER_CONFIRMATION", {"order": {"orderId": "1"}})
    assert MANIFEST.webhooks
    sent = rig.world.outbox[-1]
    MANIFEST.webhooks(rig.kit).notice(sent.body, {name.lower(): value for name, value in sent.headers.items()}, "/webhooks/ebay")


def test_a_tour_makes_every_call_of_the_manifest() -> None:
    rig = Rig(limits="relaxed")

    tour(rig)

    assert set(rig.calls()) == set(MANIFEST.calls)


@pytest.mark.contracts
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # the oracle leaves files open
def test_every_exchange_of_a_tour_holds_against_ebays_own_contract() -> None:
    oracle, rig = _oracle(), Rig(limits="relaxed")

    tour(rig)

    assert violations(oracle, rig) == set()


def violations(oracle: ModuleType, rig: Rig) -> set[str]:
    lines = [json.loads(line) for line in rig.recorder.getvalue().splitlines()]
    assert lines
    return {f"{operation}: {text}" for operation, texts in map(oracle.check, lines) for text in texts}


@pytest.mark.contracts
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")  # the oracle leaves files open
def test_every_exchange_about_an_awkward_catalogue_holds_against_ebays_own_contract() -> None:
    hidden = {"sku": "", "api": "inventory", "hidden": True, "variations": [{"sku": "left-out"}]}
    oracle, rig = _oracle(), Rig(limits="relaxed", goods=[*AWKWARD, hidden], listings_page=5, records_page=2)

    found = rig.all_found(reading._reads.clear)
    rig.channel.show(pushes(found), "k")

    assert {"getInventoryItems", "bulkGetInventoryItem", "getOffers", "GetSellerList", "GetItem"} <= set(rig.calls())
    assert violations(oracle, rig) == set()


# Orders by the day they were made


def test_orders_are_counted_by_utc_days_that_are_half_open() -> None:
    rig = Rig()
    midnight = START.replace(hour=0)
    for seconds in (0, 86_399.999, 86_400):
        rig.clock.now = midnight + timedelta(seconds=seconds)
        rig.simulator.place({"lines": [{"sku": "SKU-01", "quantity": 1}]})
    changed = rig.simulator.orders()[0]["id"]
    rig.clock.forward(days=2)
    rig.simulator.act(changed, "touch", {})

    found, cursor = {}, None
    while True:
        page = rig.channel.placed(midnight, midnight + timedelta(days=3), cursor)  # type: ignore[attr-defined]
        found.update(page.items)
        cursor = page.cursor
        if cursor is None:
            break

    assert list(found.values()) == [2, 1, 0], "by the day it was made, whatever happened since"
    assert rig.calls().count("getOrders") == 3


def test_an_answer_without_a_total_is_not_taken_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    monkeypatch.setattr(type(rig.simulator), "_get_orders", lambda self, request: reply({"orders": []}))

    with pytest.raises(BadPayload):
        rig.channel.placed(START - timedelta(days=1), START, None)  # type: ignore[attr-defined]


def unpaid(rig: Rig, *skus: str) -> str:
    placed = rig.simulator.place({"lines": [{"sku": sku, "quantity": 2} for sku in skus], "unpaid": True})
    return str(placed[0]["id"])


def combine(rig: Rig, old: str = "renamed") -> tuple[list[str], str]:
    """(the ids of two unpaid orders, the id that they have together)."""
    parts = [unpaid(rig, "SKU-01"), unpaid(rig, "SKU-02", "SKU-03")]
    rig.clock.forward(minutes=1)
    return parts, str(rig.simulator.act(parts[0], "combine", {"with": parts[1:], "old": old})["id"])


def test_unpaid_orders_that_are_combined_are_one_with_the_same_lines_under_a_new_id() -> None:
    rig = Rig()
    before = rig.shown()
    _, new = combine(rig)

    (told,) = rig.poll()

    assert told.order == new
    order = MANIFEST.order(told.body or b"", "ebay-1")
    assert ([line.sku for line in order.lines], order.payment_status, order.problems()) == (
        ["SKU-01", "SKU-02", "SKU-03"],
        PaymentStatus.UNPAID,
        [],
    )
    assert sum(before.values()) - sum(rig.shown().values()) == 6, "each unit left the listings once"
    assert len({line.id for line in order.lines}) == 3


@pytest.mark.parametrize(("old", "found"), [("renamed", True), ("gone", False)])
def test_who_asks_for_the_old_id_learns_of_the_new_one_or_of_none(old: str, found: bool) -> None:
    rig = Rig()
    parts, new = combine(rig, old)

    told = rig.channel.fetch(parts)

    assert {number: body is None for number, body in told.items()} == {**dict.fromkeys(parts, True), **({new: False} if found else {})}


def test_old_orders_may_stay_as_cancelled_ones_whose_units_did_not_come_back() -> None:
    rig = Rig()
    parts, new = combine(rig, "cancelled")

    listed = {str(one.order) for one in rig.poll()}
    found = {number: MANIFEST.order(body or b"", "ebay-1") for number, body in rig.channel.fetch([*parts, new]).items()}

    assert listed == {*parts, new}
    assert {number: found[number].is_cancelled for number in found} == {parts[0]: True, parts[1]: True, new: False}
    assert {line.id for number in parts for line in found[number].lines} == {line.id for line in found[new].lines}


def test_a_combined_order_is_confirmed_once_it_is_paid() -> None:
    rig = Rig()
    rig.world.post.url = "https://hub.test/webhooks/ebay"
    _, new = combine(rig)
    silent = len(rig.world.outbox)

    rig.simulator.act(new, "pay", {})

    assert (silent, len(rig.world.outbox)) == (0, 3)


@pytest.mark.parametrize("wish", [{"with": []}, {"with": ["nothing"]}, {"with": ["12-0"], "old": "eaten"}, {}])
def test_what_cannot_be_combined_is_refused(wish: dict[str, Any]) -> None:
    rig = Rig()
    first = unpaid(rig, "SKU-01")

    with pytest.raises((BadRequest, KeyError)):
        rig.simulator.act(first, "combine", wish)
