"""What all simulators share: limits, faults, the post, the recorder, the control door and a memory that survives."""

import io
import json
import threading
from collections import Counter
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.exceptions import BadRequest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

import connectors
from connectors.http import Http, json_of
from connectors.simulation import ATTEMPTS, RELAXED, Delivery, InProcess, Post, Stage, World, chosen, deliver_by_http, mask, masked, reply
from core.errors import AccessLost, OutcomeUnknown, RateLimited, Refused, Unavailable
from core.ports import Rate

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
BASE = "http://sim.example"
VENDOR_RATE = Rate(per_s=2.0, burst=10.0)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def tick(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Corner:
    """A corner shop: POST /corner/orders sells, GET /corner/orders tells what was sold, POST /corner/token gives a token."""

    name = "corner"

    def __init__(self, world: World) -> None:
        self.world = world
        self.state = {"orders": []}

    def credentials(self, base):
        return {"account": "corner", "app": {}, "login": {"token": "demo"}, "settings": {"base": base}}

    def operation(self, request):
        calls = {("POST", "/corner/orders"): "sell", ("GET", "/corner/orders"): "sold", ("POST", "/corner/token"): "token"}
        return calls.get((request.method, request.path))

    def answer(self, request, operation):
        if operation == "sell":
            self.state["orders"].append(json.loads(request.get_data())["sku"])
        if operation == "token":
            return reply({"access_token": request.form["refresh_token"] + "-fresh", "expires_in": 3600})
        if operation is None:
            return Response("<Found><Name>Ada &amp; Co</Name><Sku>MUG</Sku></Found>", content_type="text/xml")
        return reply({"orders": self.state["orders"], "buyer": {"name": "Ada Lovelace", "city": "London", "countryCode": "GB"}})

    def fault(self, kind, operation):
        return reply({"error": kind}, {"429": 429, "500": 500, "401": 401}[kind], {"Retry-After": "3"} if kind == "429" else {})

    def catalogue(self, products):
        return [{"listing": product["sku"]} for product in products]

    def place(self, wish):
        self.state["orders"] += [line["sku"] for line in wish["lines"]]
        return self.orders()

    def act(self, order, what, wish):
        return {"order": order, "what": what, **wish}

    def orders(self):
        return [{"id": str(number), "units": {sku: 1}} for number, sku in enumerate(self.state["orders"])]

    def listings(self):
        return []


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def world(clock, tmp_path):
    return World(clock, limits="vendor", folder=tmp_path / "simulators")


@pytest.fixture
def shop(world):
    return Corner(world)


@pytest.fixture
def stage(world, shop):
    return Stage({"corner": (world, shop)})


@pytest.fixture
def http(stage):
    return Http("Corner", InProcess(stage))


def sell(http, sku="MUG"):
    return http.call("POST", f"{BASE}/corner/orders", changes=True, json={"sku": sku})


def sold(http):
    return json_of(http.call("GET", f"{BASE}/corner/orders", changes=False), "Corner", changes=False)["orders"]


def control(http, method, door, **wish):
    return json_of(http.call(method, f"{BASE}/corner/_sim/{door}", changes=True, json=wish), "Corner", changes=True)


def fault(http, kind, **more):
    control(http, "POST", "faults", faults=[{"kind": kind, **more}])


# ---- limits


def test_a_full_bucket_gives_its_burst_and_then_says_how_long_to_wait(world):
    assert [world.take("orders", VENDOR_RATE) for _ in range(11)] == [0.0] * 10 + [0.5]


def test_a_bucket_refills_with_time_and_never_beyond_its_burst(world, clock):
    world.take("orders", VENDOR_RATE, 10)
    clock.tick(1)
    assert world.left("orders", VENDOR_RATE) == 2.0

    clock.tick(3600)
    assert world.left("orders", VENDOR_RATE) == 10.0


def test_a_refused_call_costs_nothing_and_the_wait_that_was_told_suffices(world, clock):
    world.take("orders", VENDOR_RATE, 9)

    wait_s = world.take("orders", VENDOR_RATE, 5)
    clock.tick(wait_s)

    assert wait_s == 2.0
    assert world.take("orders", VENDOR_RATE, 5) == 0.0


def test_each_bucket_is_its_own(world):
    world.take("orders", VENDOR_RATE, 10)

    assert world.take("listings", VENDOR_RATE, 10) == 0.0


def test_relaxed_limits_refill_a_thousand_times_faster(clock):
    world = World(clock, limits="relaxed")
    world.take("orders", VENDOR_RATE, 10)

    assert world.take("orders", VENDOR_RATE, 10) == pytest.approx(10 / VENDOR_RATE.per_s / RELAXED)


@given(st.lists(st.tuples(st.floats(0, 30), st.floats(0, 10)), max_size=30))
def test_no_bucket_ever_gives_more_than_burst_and_refill(steps):
    clock, given_out = Clock(), 0.0
    world = World(clock, limits="vendor")
    for seconds, units in steps:
        clock.tick(seconds)
        given_out += units if world.take("orders", VENDOR_RATE, units) == 0.0 else 0.0

    assert given_out <= VENDOR_RATE.burst + VENDOR_RATE.per_s * (clock() - START).total_seconds() + 1e-6


# ---- faults


def test_without_faults_the_shop_answers(http):
    sell(http)

    assert sold(http) == ["MUG"]


@pytest.mark.parametrize(("kind", "error"), [("429", RateLimited), ("401", AccessLost), ("500", OutcomeUnknown), ("html", OutcomeUnknown)])
def test_a_fault_is_told_in_the_vendors_way_and_changes_nothing(http, kind, error):
    fault(http, kind)

    with pytest.raises(error):
        sell(http)

    assert sold(http) == []


def test_a_cut_before_the_work_leaves_nothing_behind(http):
    fault(http, "cut_before")

    with pytest.raises(OutcomeUnknown):
        sell(http)

    assert sold(http) == []


def test_a_cut_after_the_work_loses_only_the_answer(http):
    fault(http, "cut_after")

    with pytest.raises(OutcomeUnknown):
        sell(http)

    assert sold(http) == ["MUG"]


def test_a_cut_read_is_merely_unavailable(http):
    fault(http, "cut_before", operation="sold")

    with pytest.raises(Unavailable):
        sold(http)


def test_a_fault_hits_its_operation_as_often_as_it_was_told(http):
    fault(http, "500", operation="sell", times=2, after=1)

    told = []
    for sku in "ABCD":
        assert isinstance(sold(http), list)
        try:
            told.append(sell(http, sku).status_code)
        except OutcomeUnknown:
            told.append(500)

    assert told == [200, 500, 500, 200]


@contextmanager
def served(stage):
    """The stage on a real port; gives the address."""
    server = make_server("127.0.0.1", 0, stage, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(("kind", "left"), [("cut_before", []), ("cut_after", ["MUG"])])
def test_a_cut_breaks_a_real_connection_too(stage, http, kind, left):
    fault(http, kind)
    real = Http("Corner")

    with served(stage) as base, closing(real.session), pytest.raises(OutcomeUnknown):
        real.call("POST", f"{base}/corner/orders", changes=True, json={"sku": "MUG"})

    assert sold(http) == left


def test_a_slow_answer_comes_while_the_caller_waits(http):
    fault(http, "slow", seconds=29)

    assert sell(http).status_code == 200


def test_an_answer_that_is_slower_than_the_caller_waits_is_lost_but_the_work_is_done(http):
    fault(http, "slow", seconds=31)

    with pytest.raises(OutcomeUnknown):
        sell(http)

    assert sold(http) == ["MUG"]


def test_who_waits_decides_how_long(world, clock, http):
    world.pause = clock.tick
    fault(http, "slow", seconds=5, times=2)

    with pytest.raises(Unavailable):
        http.call("GET", f"{BASE}/corner/orders", changes=False, timeout=(1, 2))
    assert clock() == START + timedelta(seconds=2)

    http.call("GET", f"{BASE}/corner/orders", changes=False, timeout=(1, 6))
    assert clock() == START + timedelta(seconds=7)


def test_a_slow_answer_that_is_served_is_waited_for_and_holds_up_nobody_else(world, stage, http):
    slept, real = [], Http("Corner")
    world.pause = lambda seconds: slept.append((seconds, world.lock.acquire(blocking=False)))
    fault(http, "slow", seconds=7)

    with served(stage) as base, closing(real.session):
        assert real.call("GET", f"{base}/corner/orders", changes=False).status_code == 200

    assert slept == [(7, True)]


@pytest.mark.parametrize("wrong", [{"kind": "sluggish"}, {"kind": "500", "times": "x"}, {"kind": "500", "often": 1}, {}, 7])
def test_a_fault_that_nobody_knows_is_refused(http, wrong):
    with pytest.raises(Refused):
        control(http, "POST", "faults", faults=[wrong])

    assert sell(http).status_code == 200


def test_setting_faults_replaces_those_before(http):
    fault(http, "500", times=99)
    control(http, "POST", "faults", faults=[])

    assert sell(http).status_code == 200


def test_the_log_tells_what_the_shop_really_saw(http):
    sell(http)
    for kind in ("cut_after", "429"):
        fault(http, kind)
        with pytest.raises((OutcomeUnknown, RateLimited)):
            sell(http)

    log = control(http, "GET", "log")

    assert [(entry["seq"], entry["operation"], entry["status"]) for entry in log] == [
        (0, "sell", 200),
        (1, "sell", "cut"),
        (2, "sell", 429),
    ]
    assert control(http, "GET", "log?since=2") == log[2:]


# ---- the post


class Hub:
    """Takes webhooks; `says` is what it answers, 200 at the end of it."""

    def __init__(self, *says: int) -> None:
        self.says, self.got = list(says), []

    def __call__(self, delivery: Delivery) -> int:
        self.got.append(delivery.body)
        return self.says.pop(0) if self.says else 200


def delivered(world, clock, hub, hours=2.0):
    """The moments of all deliveries, in seconds from now."""
    begin, moments = clock(), []
    while world.outbox and clock() - begin < timedelta(hours=hours):
        moments += [(clock() - begin).total_seconds()] * world.deliver(hub)
        clock.tick(0.5)
    return moments


def test_nothing_is_posted_before_somebody_says_where_to(world):
    world.send({}, b"1")

    assert world.outbox == []


def test_a_webhook_that_is_taken_is_delivered_once(world, clock):
    world.post, hub = Post("http://hub.example"), Hub()
    world.send({"x-id": "7"}, b"1")

    assert delivered(world, clock, hub) == [0.0]
    assert hub.got == [b"1"]


def test_a_refused_webhook_comes_again_later_and_later(world, clock):
    world.post, hub = Post("http://hub.example"), Hub(500, 0, 404)
    world.send({}, b"1")

    assert delivered(world, clock, hub) == [0.0, 1.0, 3.0, 7.0]
    assert hub.got == [b"1"] * 4


def test_a_webhook_that_nobody_takes_is_given_up_after_nine_deliveries(world, clock):
    world.post, hub = Post("http://hub.example"), Hub(*[500] * 99)
    world.send({}, b"1")

    moments = delivered(world, clock, hub)

    assert len(moments) == ATTEMPTS == 9
    assert all(later - sooner < again - later for sooner, later, again in zip(moments, moments[1:], moments[2:], strict=False))
    assert world.outbox == []


def test_the_post_doubles_drops_delays_and_shuffles_as_told(world, clock):
    world.post = Post("http://hub.example", duplicates=0.3, drop=0.2, reorder=0.3, delay_s=1.0)
    hub, sent = Hub(), [str(number).encode() for number in range(300)]
    for body in sent:
        world.send({}, body)

    delivered(world, clock, hub)

    copies = Counter(hub.got)
    assert set(copies) < set(sent)
    assert set(copies.values()) == {1, 2}
    assert hub.got != sorted(hub.got, key=int)


def test_the_same_seed_has_the_same_habits(clock):
    def habits(seed: int) -> list[tuple[bytes, datetime]]:
        world = World(clock, seed=seed, post=Post("http://hub.example", 0.3, 0.2, 0.3, 1.0))
        for number in range(50):
            world.send({}, str(number).encode())
        return [(item.body, item.due) for item in world.outbox]

    assert habits(1) == habits(1) != habits(2)


def test_a_hub_that_is_not_there_takes_nothing():
    assert deliver_by_http(Delivery("http://127.0.0.1:9/", {}, b"1", START)) == 0


# ---- the recorder


@pytest.fixture
def recorded(world):
    world.recorder = io.StringIO()

    def lines():
        return [json.loads(line) for line in world.recorder.getvalue().splitlines()]

    return lines


def test_a_call_is_recorded_with_its_raw_target_and_its_answer(http, recorded):
    http.call("GET", f"{BASE}/corner/orders?since=2026-03-01T00%3A00%3A00Z&ids=1%2C2", changes=False)

    [line] = recorded()
    assert (line["vendor"], line["method"], line["path"], line["status"]) == ("corner", "GET", "/corner/orders", 200)
    assert line["query"] == [["since", "2026-03-01T00:00:00Z"], ["ids", "1,2"]]
    assert line["body"] is None
    assert json.loads(line["answer"])["orders"] == []


def test_an_escaped_path_is_recorded_as_it_travelled(http, stage, recorded):
    stage.cast["corner"][1].operation = lambda request: "read"

    http.call("GET", f"{BASE}/corner/skus/a%2Fb%20c", changes=False)

    assert recorded()[0]["path"] == "/corner/skus/a%2Fb%20c"


def test_secrets_in_headers_forms_queries_and_answers_are_masked(http, recorded):
    http.call(
        "POST",
        f"{BASE}/corner/token?client_secret=Hush1",
        changes=True,
        headers={"Authorization": "Bearer Hush2", "X-Corner-Access-Token": "Hush3", "Cookie": "a=Hush4"},
        data={"grant_type": "refresh_token", "refresh_token": "Hush5", "client_secret": "Hush6"},
    )

    [line] = recorded()
    assert "Hush" not in json.dumps(line)
    assert line["headers"]["authorization"] == "xxxxxx xxxx0"
    assert line["body"] == "grant_type=refresh_token&refresh_token=xxxx0&client_secret=xxxx0"
    assert json.loads(line["answer"]) == {"access_token": "xxxx0-xxxxx", "expires_in": 3600}


def test_people_are_masked_and_goods_and_countries_are_not(http, recorded):
    sell(http)

    answer = json.loads(recorded()[0]["answer"])

    assert answer == {"orders": ["MUG"], "buyer": {"name": "xxx xxxxxxxx", "city": "xxxxxx", "countryCode": "GB"}}


def test_people_in_xml_are_masked_too_and_it_stays_xml(http, stage, recorded):
    stage.cast["corner"][1].operation = lambda request: None if request.path.endswith("unnamed") else "trading"
    stage.cast["corner"][1].answer = lambda request, operation: Corner.answer(stage.cast["corner"][1], request, None)

    http.call("POST", f"{BASE}/corner/trading", changes=False, data="<Call><eBayAuthToken>Hush1</eBayAuthToken><SKU>MUG</SKU></Call>")

    [line] = recorded()
    assert line["body"] == "<Call><eBayAuthToken>xxxx0</eBayAuthToken><SKU>MUG</SKU></Call>"
    assert line["answer"] == "<Found><Name>xxx &amp; xx</Name><Sku>MUG</Sku></Found>"


def test_what_a_test_breaks_and_what_the_vendor_serves_elsewhere_is_not_recorded(http, recorded):
    for kind in ("500", "html", "cut_before", "cut_after"):
        fault(http, kind)
        with pytest.raises(OutcomeUnknown):
            sell(http)
    http.call("GET", f"{BASE}/corner/storage/1", changes=False)
    control(http, "GET", "orders")

    assert recorded() == []


@given(st.text())
def test_a_masked_text_keeps_its_form(text):
    assert len(mask(text)) == len(text)
    assert not [letter for letter in mask(text) if letter.isalnum() and letter not in "x0"]


PERSONAL = [
    "firstName",
    "last_name",
    "fullName",
    "displayName",
    "addressLine1",
    "address2",
    "email",
    "phone",
    "postalCode",
    "zip",
    "company",
]
SECRET = ["access_token", "refreshToken", "client_secret", "hmac", "signature"]


@pytest.mark.parametrize("key", PERSONAL + SECRET)
def test_each_private_field_is_masked_at_any_depth(key):
    assert masked({"a": [{key: "Ada 7"}, {"b": {key: ["Ada 7"]}}]}) == {"a": [{key: "xxx 0"}, {"b": {key: ["xxx 0"]}}]}


@pytest.mark.parametrize("key", ["id", "sku", "sellerSku", "currency", "status", "__typename", "operationName", "carrierName", "country"])
def test_what_is_about_goods_stays(key):
    assert masked({key: "Ada 7"}) == {key: "Ada 7"}


# ---- the control door and the memory


def test_the_control_door_places_acts_and_tells(http):
    assert control(http, "POST", "orders", lines=[{"sku": "MUG"}]) == [{"id": "0", "units": {"MUG": 1}}]
    assert control(http, "GET", "orders") == [{"id": "0", "units": {"MUG": 1}}]
    assert control(http, "POST", "orders/0/cancel", restock=True) == {"order": "0", "what": "cancel", "restock": True}
    assert control(http, "POST", "catalogue", products=[{"sku": "MUG"}]) == [{"listing": "MUG"}]
    assert control(http, "GET", "listings") == []
    assert control(http, "POST", "post", url="http://hub.example") == {"url": "http://hub.example"}
    assert control(http, "GET", "credentials")["settings"] == {"base": f"{BASE}/corner"}


def test_the_control_door_is_not_the_vendor(http):
    control(http, "GET", "orders")

    assert control(http, "GET", "log") == []


@pytest.mark.parametrize("path", ["/corner/_sim/nothing", "/nobody/orders", "/corner/_sim"])
def test_a_door_that_is_not_there_is_not_found(http, path):
    with pytest.raises(Refused) as refused:
        http.call("GET", BASE + path, changes=False)

    assert refused.value.facts["status"] == 404


# ---- wishes

SHELVES = [{"sku": f"SKU-{n}", "title": f"Thing {n}", "price": "9.50", "quantity": 20, "currency": "USD"} for n in range(4)]
PLAYERS = [name for name, connector in connectors.load().items() if connector.simulator and "channel" in connector.roles]


@pytest.fixture(params=PLAYERS)
def door(request, clock):
    """Another system's control door, with goods on its shelves: door("POST", "orders", lines=...)."""
    module, _, name = connectors.load()[request.param].simulator.partition(":")
    world = World(clock, seed=3)
    simulator = getattr(import_module(module), name)(world)
    http = Http(request.param, InProcess(Stage({simulator.name: (world, simulator)})))

    def call(method, what, /, **wish):
        answer = http.call(method, f"{BASE}/{simulator.name}/_sim/{what}", changes=True, json=wish)
        return json_of(answer, simulator.name, changes=True)

    call("POST", "catalogue", products=SHELVES)
    return call


def placed(door, **units):
    [order] = door("POST", "orders", lines=[{"sku": sku, "quantity": n} for sku, n in units.items()])
    return order


def test_some_units_of_an_order_leave(door):
    order = placed(door, **{"SKU-0": 3, "SKU-1": 2})

    after = door("POST", f"orders/{order['id']}/fulfill", units={"SKU-0": 2})
    again = door("POST", f"orders/{order['id']}/fulfill", lines=[{"sku": "SKU-1", "quantity": 1}])
    whole = door("POST", f"orders/{order['id']}/fulfill")

    assert (order["units"], after["units"]) == ({"SKU-0": 3, "SKU-1": 2}, {"SKU-0": 1, "SKU-1": 2})
    assert +Counter(again["units"]) == Counter({"SKU-0": 1, "SKU-1": 1})
    assert +Counter(whole["units"]) == Counter()


WRONG_WISHES = [
    ("orders", {"lines": [{"sku": "NO-SUCH"}]}),
    ("orders", {"lines": [{"quantity": 1}]}),
    ("orders", {"lines": [{"sku": "SKU-0", "quantity": "two"}]}),
    ("orders", {"lines": [{"sku": "SKU-0", "quantity": -1}]}),
    ("orders", {"lines": 7}),
    ("orders", {"count": "many"}),
    ("orders/{id}/fulfill", {"units": {"NO-SUCH": 1}}),
    ("orders/{id}/fulfill", {"units": {"SKU-0": "two"}}),
    ("orders/{id}/fulfill", {"units": {"SKU-0": -1}}),
    ("orders/{id}/fulfill", {"units": ["SKU-0"]}),
    ("orders/{id}/fulfill", {"lines": [{"line": "none", "quantity": 1}]}),
    ("orders/{id}/fulfill", {"lines": [{"quantity": 1}]}),
    ("orders/{id}/fulfill", {"lines": ["SKU-0"]}),
    ("orders/{id}/juggle", {}),
    ("catalogue", {}),
    ("catalogue", {"products": [{"title": "nameless"}]}),
    ("catalogue", {"products": [{**SHELVES[0], "price": "cheap"}]}),
    ("catalogue", {"products": [{**SHELVES[0], "quantity": "some"}]}),
    ("post", {"url": 7}),
    ("post", {"drop": "often"}),
    ("post", {"colour": "red"}),
    ("faults", {"faults": [{"kind": "sluggish"}]}),
]


@pytest.mark.parametrize(("what", "wish"), WRONG_WISHES, ids=[f"{what} {json.dumps(wish)[:60]}" for what, wish in WRONG_WISHES])
def test_a_wrong_wish_is_refused_in_a_sentence_and_changes_nothing(door, what, wish):
    order = placed(door, **{"SKU-0": 2})
    before = door("GET", "orders"), door("GET", "listings")

    with pytest.raises(Refused) as refused:
        door("POST", what.format(id=order["id"]), **wish)

    assert refused.value.facts["status"] == 400
    assert len(json.loads(refused.value.words)["error"].split()) > 3
    assert (door("GET", "orders"), door("GET", "listings")) == before


def test_who_wants_only_what_is_shown_is_told_that_it_is_sold_out(door):
    """As at a checkout: no order comes of it. Without that wish more is sold than is shown, as a merchant's own orders may be."""
    wish = {"lines": [{"sku": "SKU-0", "quantity": 12}], "only_shown": True}
    door("POST", "orders", **wish)

    with pytest.raises(Refused) as refused:
        door("POST", "orders", **wish)

    assert (refused.value.facts["status"], refused.value.words) == (409, '{"error": "SKU-0 is sold out"}')
    assert len(door("GET", "orders")) == 1
    door("POST", "orders", lines=wish["lines"])
    assert len(door("GET", "orders")) == 2


def test_an_order_that_is_not_there_is_told_so(door):
    with pytest.raises(Refused) as refused:
        door("POST", "orders/none/cancel")

    assert refused.value.facts["status"] in (400, 404)


@pytest.mark.parametrize("raw", [b"{", b"[1]", b"7", b"\xff"])
def test_a_wish_that_is_no_object_is_refused(http, raw):
    with pytest.raises(Refused) as refused:
        http.call("POST", f"{BASE}/corner/_sim/orders", changes=True, data=raw)

    assert refused.value.facts["status"] == 400


def test_units_are_taken_from_the_first_line_of_their_sku_on():
    left = [("1", "MUG", 2), ("2", "MUG", 3), ("3", "PEN", 1)]

    assert chosen({}, left) == {"1": 2, "2": 3, "3": 1}
    assert chosen({"units": {"MUG": 4}}, left) == {"1": 2, "2": 2}
    assert chosen({"units": {"MUG": 9}}, left) == {"1": 2, "2": 3}
    assert chosen({"units": {}}, left) == {}
    assert chosen({"lines": [{"line": "2", "quantity": 1}, {"sku": "PEN"}]}, left) == {"2": 1, "3": 1}
    assert chosen({"lines": [{"line": 2, "quantity": 2}, {"sku": "MUG", "quantity": 2}]}, left) == {"1": 2, "2": 2}
    with pytest.raises(BadRequest):
        chosen({"units": {"CUP": 1}}, left)


def test_the_front_page_names_who_plays(http):
    assert http.call("GET", f"{BASE}/", changes=False).json() == {"simulators": ["corner"]}


def test_the_shop_remembers_after_a_restart(stage, world, http):
    sell(http, "MÜG")
    stage.save()

    again = Stage({"corner": (world, Corner(world))})
    again.load()

    assert sold(Http("Corner", InProcess(again))) == ["MÜG"]
    assert [path.name for path in world.folder.iterdir()] == ["corner.json"]


def test_a_shop_that_never_played_starts_with_nothing(stage, http):
    stage.load()

    assert sold(http) == []


def test_without_a_folder_nothing_is_kept(clock, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world = World(clock)
    stage = Stage({"corner": (world, Corner(world))})

    stage.save()
    stage.load()

    assert list(tmp_path.iterdir()) == []


def test_an_answer_in_process_is_what_requests_would_give():
    def vendor(environ, start_response):
        request = Request(environ)
        said = {
            "path": request.path,
            "query": request.query_string.decode(),
            "type": request.mimetype,
            "body": request.get_data(as_text=True),
        }
        return Response(json.dumps(said, ensure_ascii=False), headers={"X-Kept": "1"}, content_type="application/json; charset=utf-8")(
            environ, start_response
        )

    with requests.Session() as session:
        session.mount("http://", InProcess(vendor))
        answer = session.post("http://x.example/a%20b/é?c=d&c=e", json={"ü": 1})

    assert answer.json()["path"] == "/a b/é"
    assert answer.json()["query"] == "c=d&c=e"
    assert answer.json()["type"] == "application/json"
    assert json.loads(answer.json()["body"]) == {"ü": 1}
    assert (answer.headers["x-kept"], answer.encoding, answer.ok) == ("1", "utf-8", True)
