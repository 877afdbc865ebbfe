"""The Shopify channel against its simulator: the whole protocol without sockets, on a virtual clock."""

import dataclasses
import importlib.util
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from graphql import GraphQLSchema, is_enum_type, is_input_object_type, is_interface_type, is_object_type, parse, validate
from urllib3.exceptions import ProtocolError

from connectors.http import Http
from connectors.shopify import MANIFEST, documents
from connectors.shopify.exports import File
from connectors.shopify.graphql_door import cost, full_schema, operation, read, schema
from connectors.shopify.simulator import BUCKET, CLIENT_SECRET, CUSTOM_TOKEN, ONE_QUERY, VERSIONS, Simulator
from connectors.shopify.webhooks import WANTED
from connectors.simulation import Fault, InProcess, Stage, World
from core.domain.order import Order
from core.domain.shipping import CancelReason
from core.errors import AccessLost, BadPayload, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import Account, Channel, Found, Fresh, Kit, Push, Rate, Told
from tests.contract.parcels import KEY, a_parcel

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = Path(os.environ.get("CROSSDOCK_CONTRACTS") or ROOT.parent / "shared/contracts")
START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


class Wallet:
    """Takes note of what was taken and learned."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, float]] = []
        self.learned: list[tuple[Rate | None, float | None]] = []

    def take(self, operation: str, units: float = 1.0) -> None:
        self.taken.append((operation, units))

    def learn(self, operation: str, rate: Rate | None = None, left: float | None = None) -> None:
        self.learned.append((rate, left))


class Keeper:
    """One connection's tokens."""

    def __init__(self, login: dict[str, str], clock: Clock) -> None:
        self.login, self.clock, self.refreshed = login, clock, 0
        self.fresh: Fresh | None = None

    def access(self, refresh: Callable[[Mapping[str, str]], Fresh], *, rejected: str | None = None) -> str:
        if self.fresh is None or self.fresh.access == rejected or self.fresh.expires_at <= self.clock():
            self.fresh = refresh(self.login)
            self.refreshed += 1
            self.login.update(self.fresh.login)
        return self.fresh.access


class Rig:
    def __init__(self, limits: str = "relaxed", products: int = 12, login: dict[str, str] | None = None, **settings: Any) -> None:
        self.clock, self.recorder = Clock(), io.StringIO()
        self.world = World(self.clock, seed=7, limits=limits, recorder=self.recorder)
        self.simulator = Simulator(self.world)
        found = self.simulator.credentials("http://sim.test/shopify")
        known, self.login = {**MANIFEST.settings, **found["settings"], **settings}, login or dict(found["login"])
        self.budget, self.tokens = Wallet(), Keeper(dict(self.login), self.clock)
        http = Http("shopify", InProcess(Stage({"shopify": (self.world, self.simulator)})))
        self.kit = Kit(found["account"], http, self.clock, self.budget, self.tokens, found["app"], known, self.login)
        self.channel: Channel = MANIFEST.channel(self.kit)
        self.simulator.catalogue(
            [{"sku": f"SKU-{n}", "title": f"Thing {n}", "price": f"{n + 5}.50", "quantity": 40, "currency": "USD"} for n in range(products)]
        )

    def break_(self, kind: str, operation: str, times: int = 1, after: int = 0) -> None:
        self.world.faults.append(Fault(kind, operation, times, after))

    def found(self) -> list[Found]:
        """Everything that is sold, as the hub reads it."""
        page = self.channel.listings(None)
        found = list(page.items)
        while page.cursor:
            self.clock.forward(seconds=page.wait_s or 0.1)
            page = self.channel.listings(page.cursor)
            found += page.items
        return found

    def read(self, order: str) -> Order:
        body = self.channel.fetch([order])[order]
        assert body is not None
        return MANIFEST.order(body, "shop")

    def files_read(self) -> int:
        return sum(1 for entry in self.world.log if entry["operation"] is None)

    def pushes(self, quantity: int = 9, **expected: int | None) -> list[Push]:
        return [
            Push(one.listing, one.sku, one.handle, quantity, expected.get(one.sku.replace("-", "_"), one.shown)) for one in self.found()
        ]

    def shown(self) -> dict[str, int]:
        return {one["sku"]: one["shown"] for one in self.simulator.listings()}

    def calls(self, name: str) -> int:
        return sum(1 for entry in self.world.log if entry["operation"] == name)

    def place(self, *skus: str, **wish: Any) -> str:
        [made] = self.simulator.place({"lines": [{"sku": sku, "quantity": 1} for sku in skus or ("SKU-1",)], "plain": True, **wish})
        return str(made["id"])


@pytest.fixture
def rig() -> Rig:
    return Rig()


# ---- tokens


def test_the_probe_tells_who_we_are(rig):
    assert rig.channel.probe() == Account("crossdock-demo.myshopify.com", "Crossdock Demo", "USD")


def test_an_expired_token_is_renewed_and_the_refresh_token_rotates(rig):
    rig.channel.probe()
    first = rig.tokens.login["refresh_token"]
    rig.clock.forward(hours=2)

    rig.channel.probe()

    assert rig.tokens.login["refresh_token"] != first
    assert rig.tokens.refreshed == 2


def test_a_refused_token_is_renewed_once(rig):
    rig.channel.probe()
    rig.break_("401", "Shop")

    rig.channel.probe()

    assert rig.tokens.refreshed == 2


def test_a_second_refusal_means_that_access_is_lost(rig):
    rig.break_("401", "Shop", times=2)

    with pytest.raises(AccessLost):
        rig.channel.probe()


def test_a_lost_answer_of_the_renewal_may_be_asked_again(rig):
    rig.break_("cut_after", "token")

    with pytest.raises(Unavailable):
        rig.channel.probe()

    assert rig.channel.probe().name == "Crossdock Demo"


def test_a_refresh_token_ends_when_the_new_access_token_is_used(rig):
    rig.channel.probe()

    with pytest.raises(AccessLost):
        MANIFEST.channel(with_login(rig, {"refresh_token": "simulated-refresh-0"})).probe()


def with_login(rig: Rig, login: dict[str, str], **app: str) -> Kit:
    kit = rig.kit
    return Kit(kit.account, kit.http, kit.clock, kit.budget, Keeper(login, rig.clock), {**kit.app, **app}, kit.settings, login)


def test_a_wrong_client_secret_is_our_own_fault_and_not_the_shops(rig):
    channel = MANIFEST.channel(with_login(rig, dict(rig.login), client_secret="wrong"))

    with pytest.raises(Refused) as refused:
        channel.probe()

    assert not isinstance(refused.value, AccessLost)


def test_a_custom_apps_token_is_used_as_it_is():
    rig = Rig(login={"access_token": CUSTOM_TOKEN})

    rig.channel.probe()

    assert rig.calls("token") == 0


def test_a_custom_apps_token_that_is_refused_is_lost():
    with pytest.raises(AccessLost):
        Rig(login={"access_token": "of another shop"}).channel.probe()


def test_secrets_are_not_printed(rig):
    rig.break_("401", "Shop", times=2)

    with pytest.raises(AccessLost) as lost:
        rig.channel.probe()

    assert [word for word in (CLIENT_SECRET, "simulated-") if word in f"{lost.value!r} {rig.kit!r} {rig.tokens.fresh!r}"] == []


# ---- what may go wrong on the way


@pytest.mark.parametrize(
    ("fault", "error"), [("500", Unavailable), ("html", Unavailable), ("cut_before", Unavailable), ("cut_after", Unavailable)]
)
def test_a_read_that_fails_may_be_asked_again(rig, fault, error):
    rig.break_(fault, "Shop")

    with pytest.raises(error):
        rig.channel.probe()
    assert rig.channel.probe().currency == "USD"


@pytest.mark.parametrize("fault", ["500", "html", "cut_before", "cut_after"])
def test_a_write_that_fails_may_have_worked(rig, fault):
    pushes = rig.pushes()
    rig.break_(fault, "SetQuantities")

    with pytest.raises(OutcomeUnknown):
        rig.channel.show(pushes, "key")


def test_throttling_tells_how_long_to_wait(rig):
    rig.world.buckets["graphql"] = (0.0, rig.clock())
    rig.world.limits = "vendor"

    with pytest.raises(RateLimited) as limited:
        rig.channel.listings(None)

    assert limited.value.wait_s == pytest.approx(0.5)  # places first: 50 points at 100 a second


def test_every_answer_teaches_the_budget(rig):
    rig.world.limits = "vendor"
    rig.channel.probe()
    rig.channel.probe()

    rate, left = rig.budget.learned[-1]
    assert rate == Rate(BUCKET.per_s, BUCKET.burst)
    assert left is not None
    assert left <= BUCKET.burst
    assert rig.budget.taken[-1] == ("graphql", 1.0)  # what the first answer said it costs


def test_a_whole_morning_under_vendor_limits_never_stops_for_good():
    rig = Rig(limits="vendor")
    made = rig.simulator.place({"count": 30, "seed": 1})

    for told in made:
        while True:
            try:
                assert rig.channel.fetch([told["id"]])[told["id"]]
                break
            except RateLimited as limited:
                rig.clock.forward(seconds=limited.wait_s)

    assert rig.clock() - START < timedelta(minutes=3)


# ---- orders


def test_poll_names_what_changed_in_the_window_oldest_first(rig):
    first = rig.place()
    rig.clock.forward(minutes=1)
    second = rig.place()
    rig.clock.forward(minutes=1)
    rig.simulator.act(first, "touch", {})

    page = rig.channel.poll(START + timedelta(seconds=30), START + timedelta(minutes=3), None)

    assert [notice.order for notice in page.items] == [second, first]
    assert page.items[1].revision == START + timedelta(minutes=2)
    assert all(notice.body is None for notice in page.items)


def test_windows_side_by_side_lose_nothing(rig):
    orders = []
    for _ in range(7):
        orders.append(rig.place())
        rig.clock.forward(seconds=0.7)

    seen: list[str | None] = []
    for step in range(10):
        window = (START + timedelta(seconds=step / 2), START + timedelta(seconds=(step + 1) / 2))
        seen += [notice.order for notice in rig.channel.poll(*window, None).items]

    assert set(filter(None, seen)) == set(orders)


def test_an_order_that_changed_again_since_does_not_fall_between_two_polls(rig):
    """What waits to be shown again waits until the orders up to some moment are here: also one that was placed before and paid after."""
    order = rig.place()
    rig.clock.forward(seconds=90)
    rig.simulator.act(order, "touch", {})

    page = rig.channel.poll(START, START + timedelta(seconds=30), None)

    assert order in [notice.order for notice in page.items]


def test_poll_goes_on_page_by_page():
    rig = Rig(products=4)
    for _ in range(130):
        rig.place()

    first = rig.channel.poll(START, START + timedelta(hours=1), None)
    second = rig.channel.poll(START, START + timedelta(hours=1), first.cursor)

    assert (len(first.items), len(second.items), second.cursor) == (100, 30, None)
    assert len({notice.delivery for notice in first.items + second.items}) == 130


def test_an_order_that_is_gone_is_none(rig):
    order = rig.place()
    rig.simulator.act(order, "delete", {})

    assert rig.channel.fetch([order]) == {order: None}


def test_a_long_order_is_read_page_by_page():
    rig = Rig(products=40)
    skus = [f"SKU-{n}" for n in range(40)]
    order = rig.place(*skus)
    rig.simulator.act(order, "fulfill", {"units": dict.fromkeys(skus[:30], 1)})
    rig.simulator.act(order, "cancel", {})

    body = rig.channel.fetch([order])[order]

    read = MANIFEST.order(body or b"", "c")
    assert len(read.lines) == 40
    assert [len(parcel.lines) for parcel in read.shipped] == [30]
    assert sum(len(refund.lines) for refund in read.refunds) == 10
    assert len(read.routing[0].lines) == 40
    assert rig.calls("More") == 3


def test_an_order_that_changes_between_its_reads_is_read_again(rig):
    order = rig.place()
    meddle(rig, order, times=1)

    assert rig.channel.fetch([order])[order]
    assert rig.calls("OrderCore") == 2


def test_an_order_that_keeps_changing_is_left_for_later(rig):
    order = rig.place()
    meddle(rig, order, times=9)

    with pytest.raises(Unavailable):
        rig.channel.fetch([order])


def meddle(rig: Rig, order: str, times: int) -> None:
    """The order changes just before its second document is read."""
    answer, left = rig.simulator.answer, [times]

    def meddling(request: Any, operation: str | None) -> Any:
        if operation == "OrderMoney" and left[0]:
            left[0] -= 1
            rig.clock.forward(seconds=1)
            rig.simulator.act(order, "touch", {})
        return answer(request, operation)

    rig.simulator.answer = meddling  # type: ignore[method-assign]


# ---- stock


def test_listings_tell_what_our_location_has_and_what_must_not_be_written():
    rig = Rig(products=2)
    more = {"title": "Odd", "price": "1.00", "quantity": 3, "currency": "USD"}
    rig.simulator.catalogue([{"sku": "SET", **more, "bundle": True}, {"sku": "POSTER", **more, "tracked": False}])

    found = {one.sku: one for one in rig.found()}

    assert (found["SKU-0"].shown, found["SKU-0"].writable, found["SKU-0"].handle["location"]) == (40, None, "70001")
    assert (found["SET"].writable or "").startswith("bundle")
    assert (found["POSTER"].writable or "").startswith("untracked")


def test_what_goes_on_selling_at_zero_says_so_and_is_switched_off_and_on():
    rig = Rig(products=1)
    more = {"title": "Odd", "price": "1.00", "quantity": 3, "currency": "USD"}
    wishes = {"MORE": {"policy": "CONTINUE"}, "POSTER": {"tracked": False}, "LATER": {"status": "DRAFT", "policy": "CONTINUE"}}
    rig.simulator.catalogue([{"sku": sku, **more, **wish} for sku, wish in wishes.items()])
    found = {one.sku: one for one in rig.found()}
    assert {sku: one.uncovered for sku, one in found.items()} == {
        "SKU-0": None, "MORE": "oversells", "POSTER": "untracked", "LATER": "draft",
    }  # fmt: skip
    assert (found["MORE"].writable, found["LATER"].writable) == (None, None), "they are written all the same"

    for sku, word in (("MORE", "oversells"), ("POSTER", "untracked")):
        push = Push(found[sku].listing, sku, found[sku].handle, 0)
        rig.channel.mend(push, word, back=False)  # type: ignore[attr-defined]
        assert rig.channel.uncovered(push) is None  # type: ignore[attr-defined]
        rig.channel.mend(push, word, back=True)  # type: ignore[attr-defined]
        assert rig.channel.uncovered(push) == word  # type: ignore[attr-defined]


def test_an_app_that_may_not_change_products_is_told_so():
    rig = Rig(products=1)
    rig.simulator.state["scopes"].remove("write_products")

    with pytest.raises(Refused) as refused:
        rig.channel.mend(rig.pushes()[0], "oversells", back=False)  # type: ignore[attr-defined]
    assert "write_products" in refused.value.words


def test_a_location_of_the_settings_is_written_instead():
    found = Rig(location="70002").found()

    assert {one.writable for one in found} == {"not stocked at any of your locations"}


def test_places_are_all_of_them_with_what_is_active(rig):
    assert [(place.id, place.active) for place in rig.channel.places()] == [("70001", True), ("70002", True), ("70003", False)]


def test_what_is_pushed_is_shown(rig):
    pushes = rig.pushes(quantity=9)

    answers = rig.channel.show(pushes, "key")

    assert {answer.told for answer in answers} == {Told.SHOWN}
    assert set(rig.shown().values()) == {9}
    assert set(rig.channel.shown(pushes).values()) == {9}


def test_a_push_leaves_what_is_sold_but_not_sent_alone(rig):
    rig.place("SKU-1")
    rig.channel.show(rig.pushes(quantity=9), "key")

    level = next(iter(rig.simulator.state["levels"][item(rig, "SKU-1")].values()))

    assert level == {"available": 9, "committed": 1, "on_hand": 10}


def item(rig: Rig, sku: str) -> str:
    return next(str(one["inventory_item"]["id"]) for one in rig.simulator.state["variants"].values() if one["sku"] == sku)


def test_a_stale_entry_is_answered_by_itself_and_the_others_are_written(rig):
    pushes = rig.pushes(quantity=9, SKU_3=77)

    answers = {answer.sku: answer for answer in rig.channel.show(pushes, "key")}

    assert (answers["SKU-3"].told, answers["SKU-3"].quantity) == (Told.STALE, None)
    assert {answer.told for sku, answer in answers.items() if sku != "SKU-3"} == {Told.SHOWN}
    assert rig.shown()["SKU-3"] == 40
    assert rig.shown()["SKU-4"] == 9


def test_one_bad_entry_does_not_fail_the_others(rig):
    good = rig.pushes(quantity=9)
    gone = Push("1", "GONE", {"item": "999", "location": "70001"}, 5, 5)
    elsewhere = Push(good[0].listing, good[0].sku, {**good[0].handle, "location": "70003"}, 5, 5)
    too_many = Push(good[1].listing, good[1].sku, good[1].handle, 2_000_000_000, 40)

    answers = rig.channel.show([gone, elsewhere, too_many, *good[2:]], "key")

    assert [answer.told for answer in answers] == [Told.GONE, Told.REFUSED, Told.REFUSED, *[Told.SHOWN] * len(good[2:])]
    assert "INVALID_LOCATION" in answers[1].words


def test_without_an_expectation_it_is_written_without_compare(rig):
    pushes = [Push(one.listing, one.sku, one.handle, 3, None) for one in rig.found()[:1]]

    assert [answer.told for answer in rig.channel.show(pushes, "key")] == [Told.SHOWN]


def test_the_same_intent_after_a_lost_answer_is_written_once(rig):
    pushes = rig.pushes(quantity=9, SKU_3=77)
    rig.break_("cut_after", "SetQuantities", after=1)
    with pytest.raises(OutcomeUnknown):
        rig.channel.show(pushes, "key")
    rig.place("SKU-5")

    answers = {answer.sku: answer.told for answer in rig.channel.show(pushes, "key")}

    assert answers["SKU-5"] is Told.SHOWN
    assert rig.shown()["SKU-5"] == 8  # not written again over what was sold meanwhile
    assert rig.simulator.state["writes"][pushes[5].listing] == 1


def test_the_same_key_with_other_content_is_refused_there(rig):
    first = {"input": {"name": "available", "reason": "correction", "quantities": []}, "key": "k"}
    other = {"input": {"name": "available", "reason": "received", "quantities": []}, "key": "k"}

    told = [rig.channel._client.run("SetQuantities", documents.SET_QUANTITIES, asked, changes=True) for asked in (first, other)]  # type: ignore[attr-defined]

    assert [error["code"] for error in told[1]["inventorySetQuantities"]["userErrors"]] == ["IDEMPOTENCY_KEY_PARAMETER_MISMATCH"]


@pytest.mark.parametrize("lacking", ["changeFromQuantity", "key"])
def test_a_write_without_compare_or_key_is_refused_there(rig, lacking):
    push = rig.pushes()[0]
    entry = {
        "inventoryItemId": f"gid://shopify/InventoryItem/{push.handle['item']}",
        "locationId": "gid://shopify/Location/70001",
        "quantity": 1,
    }
    entry |= {} if lacking == "changeFromQuantity" else {"changeFromQuantity": None}
    asked = {"input": {"name": "available", "reason": "correction", "quantities": [entry]}, "key": "" if lacking == "key" else "k"}

    with pytest.raises(Refused):
        rig.channel._client.run("SetQuantities", documents.SET_QUANTITIES, asked, changes=True)  # type: ignore[attr-defined]


def test_what_is_gone_shows_nothing(rig):
    gone = Push("1", "GONE", {"item": "999", "location": "70001"}, 5, 5)

    assert rig.channel.shown([gone]) == {gone.name: None}


def test_a_key_whose_first_attempt_failed_gives_way_to_a_new_one(rig):
    pushes = rig.pushes(quantity=9)
    write, failed = rig.simulator._set_quantities, [1]

    def failing(source: Any, info: Any, args: Any) -> Any:
        if failed:
            failed.pop()
            error = {"field": None, "code": "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "message": "The previous attempt failed."}
            return {"inventory_adjustment_group": None, "user_errors": [error]}
        return write(source, info, args)

    rig.simulator._fields["Mutation", "inventorySetQuantities"] = failing

    assert {answer.told for answer in rig.channel.show(pushes, "key")} == {Told.SHOWN}


# ---- webhook subscriptions


def test_missing_subscriptions_are_made_and_others_left(rig):
    url = "https://hub.example/webhooks/shopify"

    assert rig.channel.subscribe(url) == list(WANTED)  # type: ignore[attr-defined]
    assert rig.channel.subscribe(url) == []  # type: ignore[attr-defined]


# ---- a large catalogue, which Shopify writes into a file


def large(products: int = 12, **settings: Any) -> Rig:
    return Rig(products=products, **{"bulk_from": 2, **settings})


def begun(rig: Rig) -> str:
    """The cursor behind which the file is being written, or waits."""
    page = rig.channel.listings(None)
    assert page.cursor is not None
    return page.cursor


def fail(rig: Rig) -> None:
    for record in rig.simulator.state["exports"].values():
        record["failed"] = True


def store(rig: Rig, change: Callable[[bytes], bytes]) -> None:
    """The file holds something else than Shopify would write."""
    for number, file in rig.simulator._files.items():
        rig.simulator._files[number] = File([change(file.part(0, file.size))])


def test_a_small_shop_is_read_page_by_page():
    rig = Rig(products=120)

    assert len(rig.found()) == 120
    assert (rig.calls("Variants"), rig.calls("BulkQuery")) == (2, 0)


def test_from_so_many_variants_on_they_are_exported():
    small, big = Rig(products=11, bulk_from=12), Rig(products=12, bulk_from=12)
    small.found()
    big.found()

    assert (small.calls("BulkQuery"), big.calls("BulkQuery")) == (0, 1)
    assert (big.calls("Variants"), big.files_read()) == (0, 1)


def test_both_ways_tell_exactly_the_same():
    odd = [
        {"sku": "SET", "title": "Ein Paar", "price": "1.00", "quantity": 3, "currency": "USD", "bundle": True},
        {"sku": "POSTER", "title": '«Плакат» 海报\n"gross"', "price": "1.00", "quantity": 0, "currency": "USD", "tracked": False},
        {"sku": "", "title": "No SKU\u2028at all", "price": "1.00", "quantity": -4, "currency": "USD"},
    ]
    rigs = Rig(products=250), large(products=250)
    for rig in rigs:
        rig.simulator.catalogue(odd)
        elsewhere(rig, "SKU-7")
        rig.place("SKU-1")
        rig.simulator.state["variants"][rig.found()[8].listing]["sku"] = None

    pages, lines = (rig.found() for rig in rigs)

    assert pages == lines
    assert len(lines) == 253


def elsewhere(rig: Rig, sku: str) -> None:
    """The item lies at the service's location, and not at our own."""
    levels = rig.simulator.state["levels"]
    levels[item(rig, sku)] = {"70002": levels[item(rig, sku)]["70001"]}


def test_what_lies_at_other_locations_only_is_not_written():
    rig = large()
    elsewhere(rig, "SKU-3")

    here, there = rig.found(), large(location="70002")
    elsewhere(there, "SKU-3")

    assert {one.sku for one in here if one.writable == "not stocked at any of your locations"} == {"SKU-3"}
    assert {one.sku: one.shown for one in there.found() if one.writable is None} == {"SKU-3": 40}


def two_places(**settings: Any) -> Rig:
    """A shop with a second warehouse: A lies in both, B in the second alone."""
    rig = Rig(products=0, **settings)
    plain = {"price": "5.00", "currency": "USD"}
    rig.simulator.catalogue([
        {**plain, "sku": "A", "title": "A", "quantity": 0, "levels": {"70001": 4, "70009": 6}},
        {**plain, "sku": "B", "title": "B", "quantity": 0, "levels": {"70009": 3}},
    ])  # fmt: skip
    return rig


@pytest.mark.parametrize("bulk_from", [2, 500])
def test_a_listing_is_found_once_for_each_place_that_stocks_it(bulk_from):
    rig = two_places(bulk_from=bulk_from)

    assert {(one.sku, one.place, one.shown) for one in rig.found()} == {("A", "70001", 4), ("A", "70009", 6), ("B", "70009", 3)}
    assert {(one.id, one.active, one.service) for one in rig.channel.places()} == {
        ("70001", True, False), ("70002", True, True), ("70003", False, False), ("70009", True, False),
    }  # fmt: skip


def test_each_place_is_written_and_read_by_itself():
    rig = two_places()
    pushes = [Push(one.listing, one.sku, one.handle, 2, one.shown, one.place) for one in rig.found()]
    stale = dataclasses.replace(pushes[0], quantity=1, expected=99)

    answers = rig.channel.show(pushes, "k1")
    again = rig.channel.show([stale], "k2")

    assert {(one.sku, one.place, one.told, one.quantity) for one in answers} == {
        ("A", "70001", Told.SHOWN, 2), ("A", "70009", Told.SHOWN, 2), ("B", "70009", Told.SHOWN, 2),
    }  # fmt: skip
    assert [(one.told, one.quantity, one.place) for one in again] == [(Told.STALE, None, "70001")]
    assert set(rig.channel.shown(pushes).values()) == {2}


def test_units_that_are_sold_and_not_sent_are_told_by_place_with_the_orders_that_hold_them():
    rig = two_places()
    order = rig.simulator.place({"lines": [{"sku": "A", "quantity": 3}], "location": "70009"})[0]["id"]
    rig.simulator.place({"lines": [{"sku": "B", "quantity": 1}]})
    pushes = [Push(one.listing, one.sku, one.handle, 2, one.shown, one.place) for one in rig.found()]
    levels = rig.channel.levels(pushes)

    assert {(name[1], name[2]): (level.shown, level.committed) for name, level in levels.items()} == {
        ("A", "70001"): (4, 0), ("A", "70009"): (3, 3), ("B", "70009"): (2, 1),
    }  # fmt: skip
    assert [one.order for one in rig.channel.selling("A", None).items] == [order]
    assert rig.channel.selling("it's", None).items == ()


def test_an_order_says_which_place_sends_what_and_that_it_was_moved():
    rig = two_places()
    order = rig.simulator.place({"lines": [{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}]})[0]["id"]
    before = rig.read(order).routing
    rig.simulator.act(order, "move", {"sku": "A", "location": "70009"})

    assert [(one.location, [line.quantity for line in one.lines]) for one in before] == [("70001", [2]), ("70009", [1])]
    assert [(one.location, [line.quantity for line in one.lines]) for one in rig.read(order).routing] == [("70009", [2, 1])]
    assert {one["sku"]: one["at"] for one in rig.simulator.listings()} == {"A": {"70001": 4, "70009": 4}, "B": {"70009": 2}}


def test_it_is_asked_for_again_while_the_file_is_written():
    rig = Rig("vendor", products=12, bulk_from=2)
    cursor = begun(rig)

    page = rig.channel.listings(cursor)

    assert (page.items, page.cursor, page.wait_s) == ((), cursor, 1.0)
    assert len(rig.found()) == 12
    assert (rig.clock.now - START).total_seconds() >= 2


def test_a_larger_shop_takes_longer_to_be_written():
    small, big = Rig("vendor", products=10, bulk_from=2), Rig("vendor", products=6_000, bulk_from=2)
    small.found()
    big.found()

    assert small.clock.now < big.clock.now


def test_a_long_file_is_read_in_pieces_each_part_once():
    rig = large(products=9_000)
    cursor: str | None = begun(rig)
    pages = []
    while cursor:
        page = rig.channel.listings(cursor)
        pages.append(page.items)
        cursor = page.cursor

    assert [one.sku for items in pages for one in items] == [f"SKU-{n}" for n in range(9_000)]
    assert rig.files_read() == len(pages) > 1
    assert max(map(len, pages)) < 6_000


def test_a_piece_that_was_not_given_is_asked_for_again():
    rig = large(products=9_000)
    cursor = begun(rig)
    rig.world.faults.append(Fault("html", "*", 1, after=1))

    with pytest.raises(Unavailable):
        rig.channel.listings(cursor)

    assert len(rig.channel.listings(cursor).items) > 2_000


def test_a_piece_that_breaks_off_is_asked_for_again():
    rig = large()
    cursor = begun(rig)
    rig.kit.http.session.mount("http://", Breaking(rig.kit.http.session.get_adapter("http://").app))

    with pytest.raises(Unavailable, match="broke off"):
        rig.channel.listings(cursor)


class Breaking(InProcess):
    """What is read from the storage ends in the middle."""

    def send(self, request: Any, *args: Any, **rest: Any) -> Any:
        answer = super().send(request, *args, **rest)
        if "/storage/" in request.url:
            answer.raw = Broken(answer.content[:100])
            answer._content, answer._content_consumed = False, False
        return answer


class Broken(io.BytesIO):
    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()
        raise ProtocolError("the connection broke")


def test_pages_of_a_file_tell_how_old_they_may_be():
    rig = Rig("vendor", products=12, bulk_from=2)
    cursor = begun(rig)
    rig.clock.forward(minutes=5)

    page = rig.channel.listings(cursor)

    assert (len(page.items), page.until) == (12, START)


def test_an_export_that_failed_gives_way_to_pages():
    rig = large()
    cursor = begun(rig)
    fail(rig)

    page = rig.channel.listings(cursor)

    assert (len(page.items), page.cursor) == (12, None)


def test_five_exports_run_at_once_and_the_sixth_gives_way_to_pages():
    rig = Rig("vendor", products=12, bulk_from=2)

    waiting = [rig.channel.listings(None) for _ in range(6)]

    assert [len(page.items) for page in waiting] == [0, 0, 0, 0, 0, 12]


def test_an_export_that_shopify_forgot_gives_way_to_pages():
    rig = large()
    cursor = begun(rig)
    rig.simulator.state["exports"].clear()

    assert len(rig.channel.listings(cursor).items) == 12


def test_an_export_that_expired_gives_way_to_pages():
    rig = large()
    cursor = begun(rig)
    rig.clock.forward(days=7)

    assert len(rig.channel.listings(cursor).items) == 12
    assert rig.files_read() == 0


def test_a_file_that_is_gone_gives_way_to_pages_from_the_first_on():
    rig = large(products=9_000)
    half = rig.channel.listings(begun(rig))
    rig.simulator._files.clear()

    page = rig.channel.listings(half.cursor)

    assert [one.sku for one in page.items] == [f"SKU-{n}" for n in range(documents.page_of(1))]
    assert page.cursor is not None
    assert not page.cursor.startswith("bulk:")


def test_an_address_that_expired_gives_way_to_pages():
    rig = large()
    rig.channel.listings(begun(rig))
    [record] = rig.simulator.state["exports"].values()
    url = rig.simulator._file_url(str(record["id"]), record)
    rig.clock.forward(days=7)

    assert rig.channel._client.piece(url, 0, 100) is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"id":"gid://shopify/ProductVariant/1","sku":"A"', "not JSON"),
        (b'{"id":"gid://shopify/ProductVariant/1","sku":"A"}', "'inventoryItem'"),
        (b'{"id":"gid://shopify/ProductVariant/none","sku":"A","inventoryItem":null}', "id"),
        (b"[]", "no variant"),
    ],
)
def test_a_broken_line_is_refused_with_what_it_lacks(line, said):
    rig = large()
    cursor = begun(rig)
    rig.channel.listings(cursor)
    store(rig, lambda file: file + line + b"\n")

    with pytest.raises(BadPayload, match=said) as broken:
        rig.channel.listings(cursor)

    assert broken.value.facts["line"] == 13


def test_a_line_that_never_ends_is_refused():
    rig = large()
    cursor = begun(rig)
    rig.channel.listings(cursor)
    store(rig, lambda file: b" " * 2_000_000 + file)

    with pytest.raises(BadPayload, match="longer"):
        rig.channel.listings(cursor)


def test_the_last_line_needs_no_end():
    rig = large()
    cursor = begun(rig)
    rig.channel.listings(cursor)
    store(rig, lambda file: file.removesuffix(b"\n"))

    assert len(rig.channel.listings(cursor).items) == 12


def test_an_empty_shop_is_an_empty_page():
    rig = Rig(products=0, bulk_from=0)

    assert rig.found() == []
    assert rig.files_read() == 0


def test_a_storage_without_ranges_is_read_from_the_beginning_each_time():
    rig, ranged = large(products=9_000), large(products=9_000)
    answer = rig.simulator.answer

    def whole(request: Any, operation: str | None) -> Any:
        request.environ.pop("HTTP_RANGE", None)
        return answer(request, operation)

    rig.simulator.answer = whole  # type: ignore[method-assign]

    assert rig.found() == ranged.found()


def test_another_part_than_was_asked_for_is_not_taken():
    rig = large()
    cursor = begun(rig)
    answer = rig.simulator.answer

    def shifted(request: Any, operation: str | None) -> Any:
        given = answer(request, operation)
        if operation is None:
            given.headers["Content-Range"] = "bytes 5-9/10"
        return given

    rig.simulator.answer = shifted  # type: ignore[method-assign]

    with pytest.raises(Unavailable):
        rig.channel.listings(cursor)


def test_no_token_goes_to_the_storage():
    rig = large()
    seen: list[Mapping[str, str]] = []
    answer = rig.simulator.answer

    def watching(request: Any, operation: str | None) -> Any:
        if operation is None:
            seen.append(dict(request.headers))
        return answer(request, operation)

    rig.simulator.answer = watching  # type: ignore[method-assign]
    rig.found()

    assert [[name for name in headers if "token" in name.lower() or name == "Authorization"] for headers in seen] == [[]]


def test_a_lost_answer_begins_another_export():
    rig = large()
    rig.break_("cut_after", "BulkQuery")

    with pytest.raises(Unavailable):
        rig.channel.listings(None)

    assert len(rig.found()) == 12


@pytest.mark.parametrize(
    "query",
    [
        "query { shop { id } }",
        "query { locations { edges { node { id } } } }",
        "query { productVariants { edges { node { id } } } shop { id } }",
        "query { productVariants { nodes { id } } }",
        "query { productVariants { edges { node { colour } } } }",
        "query Q($l: ID!) { productVariants { edges { node { inventoryItem { inventoryLevel(locationId: $l) { id } } } } } }",
        "query { productVariants { edges { node { ...f } } } } fragment f on ProductVariant { id }",
        'mutation { bulkOperationRunQuery(query: "", groupObjects: false) { bulkOperation { id } } }',
        "nothing",
    ],
)
def test_what_cannot_be_exported_is_refused_there(rig, query):
    told = rig.channel._client.run("BulkQuery", documents.BULK_QUERY, {"query": query})["bulkOperationRunQuery"]  # type: ignore[attr-defined]

    assert (told["bulkOperation"], [error["code"] for error in told["userErrors"]]) == (None, ["INVALID"])


def test_a_simulator_that_is_taken_up_again_has_lost_its_files():
    first, again = (large(login={"access_token": CUSTOM_TOKEN}) for _ in range(2))
    cursor = begun(first)
    first.channel.listings(cursor)
    again.simulator.state.update(json.loads(json.dumps(first.simulator.state)))

    assert len(again.channel.listings(cursor).items) == 12
    assert again.calls("Variants") == 1


# ---- the simulator stays what it says


def test_the_same_seed_places_the_same_orders():
    def told() -> list[dict[str, Any]]:
        rig = Rig()
        rig.simulator.place({"count": 20, "seed": 5, "planted": True})
        return [record["body"] for record in rig.simulator.state["orders"].values()]

    assert told() == told()


def test_its_memory_is_plain_json_and_can_be_taken_up(rig):
    order = rig.place()
    rig.channel.show(rig.pushes(), "key")
    again = Rig()
    again.simulator.state.update(json.loads(json.dumps(rig.simulator.state)))

    assert again.simulator.orders() == rig.simulator.orders()
    assert again.simulator.listings() == rig.simulator.listings()
    again.clock.forward(seconds=1)
    assert again.simulator.act(order, "fulfill", {})["units"] == {}


def test_buyers_do_not_buy_what_is_not_there():
    rig = Rig(products=1)

    made = rig.simulator.place({"count": 100, "seed": 2})

    assert sum(sum(one["units"].values()) for one in made) == 40
    assert rig.shown() == {"SKU-0": 0}


def test_a_document_that_asks_for_what_is_not_there_is_refused(rig):
    with pytest.raises(Refused):
        rig.channel._client.run("Bad", "query Bad { shop { colour } }")  # type: ignore[attr-defined]


@pytest.mark.parametrize("document", documents.ALL, ids=lambda text: text.split("(")[0].split("{")[0])
def test_every_document_fits_the_sdl_and_stays_below_the_cost_of_one_query(document):
    parsed, errors = read(VERSIONS[-1], document)

    assert errors == ()
    assert parsed is not None
    chosen = operation(parsed, None)
    assert chosen is not None
    assert cost(parsed, chosen, {"first": 20, "ids": [""] * MANIFEST.limits.per_call}) <= ONE_QUERY


# ---- the vendor's own contract


@pytest.mark.contracts
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("document", documents.ALL, ids=lambda text: text.split("(")[0].split("{")[0])
def test_every_document_fits_the_vendors_schema(document, version):
    assert [error.message for error in validate(contract(version), parse(document))] == []


def contract(version: str) -> GraphQLSchema:
    found = full_schema(version)
    if found is None:
        pytest.skip(f"the vendors' contracts are not at {CONTRACTS}")
    return found


@pytest.mark.contracts
@pytest.mark.parametrize("version", VERSIONS)
def test_each_type_field_and_argument_stands_alike_in_the_vendors_schema(version):
    theirs = contract(version)

    assert [said for name in schema().type_map if not name.startswith("__") for said in differences(name, schema(), theirs)] == []


def differences(name: str, ours: GraphQLSchema, theirs: GraphQLSchema) -> list[str]:
    mine, other = ours.type_map[name], theirs.type_map.get(name)
    if type(mine) is not type(other):
        return [f"{name} is not there, or of another kind"]
    if is_enum_type(mine):
        return [f"{name}.{value}" for value in mine.values if value not in other.values]  # type: ignore[union-attr]
    if is_input_object_type(mine):
        return [f"{name}.{key}" for key, one in mine.fields.items() if str(one.type) != str(getattr(other.fields.get(key), "type", ""))]  # type: ignore[union-attr]
    if is_object_type(mine) or is_interface_type(mine):
        return [said for key, one in mine.fields.items() for said in _field(f"{name}.{key}", one, other.fields.get(key))]  # type: ignore[union-attr]
    return []


def _field(where: str, mine: Any, theirs: Any) -> list[str]:
    if theirs is None or str(mine.type) != str(theirs.type):
        return [f"{where} is {mine.type}, there {theirs and theirs.type}"]
    return [f"{where}({key})" for key, one in mine.args.items() if str(one.type) != str(getattr(theirs.args.get(key), "type", ""))]


@pytest.fixture
def oracle() -> ModuleType:
    tool = CONTRACTS.parent / "tools" / "contract_oracle.py"
    if not tool.exists():
        pytest.skip(f"there is no contract oracle at {tool}")
    spec = importlib.util.spec_from_file_location("contract_oracle", tool)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.contracts
def test_a_tour_over_every_call_breaks_no_contract(oracle):
    rig = Rig(products=40)
    tour(rig)

    lines = [json.loads(line) for line in rig.recorder.getvalue().splitlines()]
    broken = [(line["path"], said) for line in lines for said in oracle.check(line)[1]]

    assert broken == []
    assert {entry["operation"] for entry in rig.world.log} - {None} == set(MANIFEST.calls)
    assert CUSTOM_TOKEN not in rig.recorder.getvalue()


def tour(rig: Rig) -> None:
    """Every call of the manifest at least once, over orders to which something happened."""
    rig.channel.probe()
    rig.channel.places()
    rig.simulator.place({"count": 12, "seed": 4, "planted": True})
    long = rig.place(*[f"SKU-{n}" for n in range(40)])
    rig.simulator.act(long, "fulfill", {"units": {"SKU-2": 1}})
    rig.simulator.act(long, "refund", {"sku": "SKU-3", "restock": "no_restock"})
    rig.channel.show(rig.pushes(SKU_3=77), "key")
    rig.channel.shown(rig.pushes())
    rig.channel.selling("SKU-3", None)  # type: ignore[attr-defined]
    rig.channel.subscribe("https://hub.example/webhooks/shopify")  # type: ignore[attr-defined]
    rig.channel.reach()  # type: ignore[attr-defined]
    rig.channel.history(START - timedelta(days=1), START + timedelta(hours=1), None, open_only=True)  # type: ignore[attr-defined]
    for notice in rig.channel.poll(START, START + timedelta(hours=1), None).items:
        rig.clock.forward(seconds=30)
        rig.channel.fetch([notice.order or ""])
    for what in ("oversells", "untracked"):
        rig.clock.forward(seconds=30)
        rig.channel.mend(rig.pushes()[0], what, back=True)  # type: ignore[attr-defined]
        rig.channel.mend(rig.pushes()[0], what, back=False)  # type: ignore[attr-defined]
    rig.channel.listings(rig.channel.export().cursor)  # type: ignore[attr-defined]
    counted(rig, START - timedelta(days=1), START + timedelta(days=1))
    sent, gone = rig.read(rig.place("SKU-1")), rig.place("SKU-2")
    rig.channel.route(sent.id, (sent.routing or ())[0].id, "70001")  # type: ignore[attr-defined]
    rig.channel.confirm(a_parcel(sent.id, (sent.lines[0].id, 1)))  # type: ignore[attr-defined]
    rig.channel.cancel(gone, CancelReason.STOCK, KEY, restock=True)  # type: ignore[attr-defined]
    rig.channel.cancelling(gone, KEY)  # type: ignore[attr-defined]
    [promised] = rig.simulator.place({"lines": [{"sku": "SKU-2", "quantity": 1}], "payment": "authorized"})
    rig.channel.capture(promised["id"], rig.channel.captured(promised["id"], KEY).owed, KEY)  # type: ignore[attr-defined]
    fetched = rig.read(rig.place("SKU-1", pickup=True))
    rig.channel.ready_to_fetch(fetched.id, [part.id for part in fetched.routing or ()])  # type: ignore[attr-defined]
    rig.channel.unpaid(START - timedelta(days=1), None)  # type: ignore[attr-defined]
    rig.simulator.settle({})
    [paid] = rig.channel.payouts(START - timedelta(days=1), None).items  # type: ignore[attr-defined]
    rig.channel.movements(paid, None)  # type: ignore[attr-defined]


# ---- orders by the day they were placed


def counted(rig: Rig, since: datetime, until: datetime) -> dict[datetime, int]:
    found, page = {}, rig.channel.placed(since, until, None)  # type: ignore[attr-defined]
    found.update(page.items)
    while page.cursor:
        page = rig.channel.placed(since, until, page.cursor)  # type: ignore[attr-defined]
        found.update(page.items)
    return {day: count for day, count in found.items() if count}


def test_orders_are_counted_by_utc_days_that_are_half_open(rig):
    midnight = START.replace(hour=0)
    for seconds in (0, 86_399, 86_400, 2 * 86_400 - 1):
        rig.clock.now = midnight + timedelta(seconds=seconds)
        rig.place()

    assert counted(rig, midnight, midnight + timedelta(days=2)) == {midnight: 2, midnight + timedelta(days=1): 2}
    assert counted(rig, midnight, midnight + timedelta(days=1)) == {midnight: 2}


def test_where_shopify_stops_counting_the_halves_of_the_day_are_counted(rig, monkeypatch):
    """It counts 10,000; here three."""
    monkeypatch.setattr(documents, "ORDERS_COUNT", documents.ORDERS_COUNT.replace("(query: $q)", "(query: $q, limit: 3)"))
    for _ in range(7):
        rig.clock.forward(minutes=7)
        rig.place()

    midnight = START.replace(hour=0)
    assert counted(rig, midnight, midnight + timedelta(days=1)) == {midnight: 7}
    assert rig.calls("OrdersCount") > 1


def test_a_subscription_that_shopify_deleted_is_seen_without_changing_anything(rig):
    url = "https://hub.example/webhooks/shopify"
    made = rig.channel.subscribe(url)
    assert rig.channel.unsubscribed(url) == []
    gone = rig.simulator.state["hooks"].pop()

    assert [topic.replace("/", "_").upper() for topic in rig.channel.unsubscribed(url)] == [gone["topic"]]
    assert rig.calls("Hook") == len(made)


def test_an_order_that_an_app_brought_in_names_the_other_channels_order_through_both_doors() -> None:
    rig = Rig()
    rig.world.post.url = "https://hub.test"
    wish = {"copy_of": "302-7400021-9930011", "source": "amazon", "lines": [{"sku": "SKU-1", "quantity": 2}], "plain": True}
    placed = rig.simulator.place(wish)[0]
    before = next(one["shown"] for one in rig.simulator.listings() if one["sku"] == "SKU-1")

    pushed = MANIFEST.order(rig.world.outbox[0].body, "shop")
    fetched = MANIFEST.order(rig.channel.fetch([placed["id"]])[placed["id"]] or b"", "shop")
    rig.simulator.place({**wish, "copy_of": "302-1", "bypass": True})

    assert {(one.source, one.source_id) for one in (pushed, fetched)} == {("amazon", "302-7400021-9930011")}
    assert (before, next(one["shown"] for one in rig.simulator.listings() if one["sku"] == "SKU-1")) == (38, 38)
    assert placed["copy_of"] == "302-7400021-9930011"
