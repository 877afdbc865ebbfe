"""The webhook door, knocked at as a web server does: what is kept before 200, what is refused, and how fast."""

import gzip
import io
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, event

from config.processes import make_wsgi
from config.settings import load
from config.wiring import door_kit
from connectors.ebay import MANIFEST as EBAY
from connectors.ebay.simulator import Simulator as Ebay
from connectors.ebay.simulator import signature as ebay_signature
from connectors.shopify.simulator import ACCOUNT
from connectors.simulation import Delivery, Fault, InProcess, Stage, World
from core.flows import connections as flows
from core.store import writer
from tests.flows import books
from tests.web.relay import Relay
from tests.web.shop import APPS, DOOR, Shop, bogus_headers
from web.webhooks import Door

ROOT = Path(__file__).resolve().parents[2]
PLAIN = (ROOT / "connectors/shopify/examples/plain.in.json").read_bytes()
STORY = """
select l.line, l.hold, l.held, l.gone, l.back, l.waits from order_lines l join orders o on o.id = l.order_id where o.channel_id = :id
"""


def bugs(shop: Shop) -> list[tuple[Any, ...]]:
    return shop.rows("select kind, subject, detail from tasks where detail like 'bug:%'")


# ---- kept before it is answered


def test_a_good_webhook_is_in_the_database_when_it_is_answered(either_shop: Shop) -> None:
    status, _ = either_shop.send(PLAIN)

    [(delivery, ref, body)] = either_shop.rows("select delivery, ref, body from inbox")
    assert status == 200
    assert (len(delivery), ref) == (36, f"{either_shop.connection.id}/5600000001001")
    assert either_shop.rows("select kind, subject, state from tasks where kind = 'take_orders'") == [("take_orders", ref, "due")]
    assert b"Oduya" not in bytes(body)


def test_a_full_disk_is_503_and_what_was_kept_before_is_still_there(shop: Shop) -> None:
    shop.send({**json.loads(PLAIN), "id": 7})

    @event.listens_for(shop.hub.database.engine, "begin")
    def fill(db: Connection) -> None:
        db.exec_driver_sql("pragma max_page_count = 1")  # SQLite takes the size that it has

    assert shop.send({**json.loads(PLAIN), "note": "too long for any page that is half full" * 1000})[0] == 503
    assert shop.waiting() == 1
    event.remove(shop.hub.database.engine, "begin", fill)


def test_a_doubled_delivery_is_answered_200_and_kept_once(either_shop: Shop) -> None:
    headers = either_shop.simulator.headers("orders/create", PLAIN)

    assert [either_shop.knock(PLAIN, headers)[0] for _ in range(3)] == [200, 200, 200]
    assert either_shop.waiting() == 1


def test_many_at_once_are_all_kept(either_shop: Shop) -> None:
    bodies = [{**json.loads(PLAIN), "id": n, "admin_graphql_api_id": f"gid://shopify/Order/{n}"} for n in range(1, 41)]

    with ThreadPoolExecutor(8) as clients:
        statuses = [status for status, _ in clients.map(either_shop.send, bodies)]

    assert statuses == [200] * 40
    assert either_shop.rows("select count(distinct ref), count(*) from inbox") == [(40, 40)]


# ---- forged


def test_no_flipped_byte_of_a_signature_goes_through(shop: Shop) -> None:
    headers = shop.simulator.headers("orders/create", PLAIN)
    right = headers["X-Shopify-Hmac-Sha256"]

    for place in range(len(right)):
        forged = right[:place] + chr(ord(right[place]) ^ 1) + right[place + 1 :]
        assert shop.knock(PLAIN, {**headers, "X-Shopify-Hmac-Sha256": forged})[0] == 401

    assert shop.waiting() == 0


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(PLAIN) - 1), flip=st.integers(1, 255))
def test_no_flipped_byte_of_a_body_goes_through(shop: Shop, place: int, flip: int) -> None:
    forged = PLAIN[:place] + bytes([PLAIN[place] ^ flip]) + PLAIN[place + 1 :]

    assert shop.knock(forged, shop.simulator.headers("orders/create", PLAIN))[0] == 401
    assert shop.waiting() == 0


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300), said=st.text(st.characters(max_codepoint=255), max_size=60))
def test_nothing_unsigned_goes_through_whatever_it_is(shop: Shop, body: bytes, said: str) -> None:
    headers = {**shop.simulator.headers("orders/create", b"something else"), "X-Shopify-Hmac-Sha256": said}

    assert shop.knock(body, headers)[0] == 401
    assert shop.knock(body, {})[0] == 401
    assert shop.waiting() == 0


def test_another_secret_an_empty_body_and_a_missing_signature_are_forged(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    right = shop.simulator.headers("orders/create", PLAIN)
    missing = {name: value for name, value in right.items() if "Hmac" not in name}
    with monkeypatch.context() as other:
        other.setattr("connectors.shopify.simulator.CLIENT_SECRET", "another shop's app")
        theirs = shop.simulator.headers("orders/create", PLAIN)

    assert shop.knock(PLAIN, theirs)[0] == 401
    assert shop.knock(b"", right)[0] == 401
    assert shop.knock(PLAIN, missing)[0] == 401
    assert shop.waiting() == 0


def test_a_body_cut_at_any_byte_is_refused_and_leaves_no_row(shop: Shop) -> None:
    headers = shop.simulator.headers("orders/create", PLAIN)

    assert {shop.knock(PLAIN[:length], headers)[0] for length in range(len(PLAIN))} == {401}
    assert shop.waiting() == 0


def test_a_body_that_was_cut_before_it_was_signed_is_not_understood(shop: Shop) -> None:
    whole = PLAIN.rstrip()

    assert {shop.send(whole[:length])[0] for length in range(0, len(whole), 7)} == {400}
    assert shop.waiting() == 0


# ---- a proxy between us and the channel


@pytest.mark.parametrize(
    "re_encode",
    [
        lambda raw: json.dumps(json.loads(raw)).encode(),
        lambda raw: json.dumps(json.loads(raw), separators=(",", ":"), ensure_ascii=False).encode(),
        lambda raw: raw.replace(b"\n", b"\r\n"),
        lambda raw: raw.decode().encode("utf-16"),
        lambda raw: b"\xef\xbb\xbf" + raw,
        gzip.compress,
    ],
    ids=["as other JSON", "compact", "line ends", "charset", "byte order mark", "gzip"],
)
def test_the_hmac_fails_behind_a_proxy_that_changes_the_body(shop: Shop, re_encode: Callable[[bytes], bytes]) -> None:
    headers = shop.simulator.headers("orders/create", PLAIN)

    assert shop.knock(re_encode(PLAIN), headers)[0] == 401
    assert shop.waiting() == 0
    assert shop.knock(PLAIN, headers)[0] == 200


def test_what_a_proxy_adds_to_the_headers_does_not_matter(shop: Shop) -> None:
    headers = {**shop.simulator.headers("orders/create", PLAIN), "X-Forwarded-For": "203.0.113.9", "Via": "1.1 proxy", "Content-Type": "x"}

    assert shop.knock(PLAIN, headers)[0] == 200


# ---- signed, but not what it should be


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"order"',
        b"{}",
        b"\xff\xfe{}",
        PLAIN.decode().encode("utf-16"),
        b"<order/>",
        gzip.compress(PLAIN),
    ],
)
def test_a_signed_body_that_is_no_order_is_not_understood(shop: Shop, raw: bytes) -> None:
    assert shop.send(raw)[0] == 400
    assert shop.waiting() == 0


def test_an_order_with_a_letter_in_the_wrong_charset_is_kept_and_shown_as_unreadable(shop: Shop) -> None:
    """Whether to read it is not the door's question: refused, the channel would give it up after some tries."""
    assert shop.send(PLAIN.replace(b"Oduya", "Oduyä".encode("latin-1")))[0] == 200

    shop.drain()
    assert shop.rows("select kind, state, cause from tasks where state = 'parked'") == [("take_orders", "parked", "BadPayload")]


def deep(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


def planted(value: bytes) -> bytes:
    """The plain order with something that nobody asked for in it."""
    return PLAIN.rstrip().removesuffix(b"}") + b',"bomb":' + value + b"}"


BOMBS = {
    "deep arrays": deep(100_000),
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a long number": b"1" * 100_000,
    "an order with deep arrays": planted(deep(100_000)),
    "an order with a long number": planted(b"1" * 100_000),
    "an order with a huge exponent": planted(b"1e999999999"),
    "an order with NaN": planted(b"NaN"),
    "an order whose price is NaN": PLAIN.replace(b'"total_price": "47.89"', b'"total_price": "NaN"'),
    "an order whose price is huge": PLAIN.replace(b'"total_price": "47.89"', b'"total_price": "1e999999"'),
    "an order whose price is long": PLAIN.replace(b'"total_price": "47.89"', b'"total_price": "' + b"1" * 100_000 + b'"'),
    "an order with fifty thousand keys": planted(json.dumps({f"key{n}": n for n in range(50_000)}).encode()),
    "an order with its keys twice": PLAIN.rstrip().removesuffix(b"}") + b"," + PLAIN.lstrip().removeprefix(b"{"),
    "an order with two numbers": PLAIN.rstrip().removesuffix(b"}") + b',"id":1,"admin_graphql_api_id":"gid://shopify/Order/2"}',
    "an order of the year 9999": PLAIN.replace(b"2026-11-03T09:15:01-05:00", b"9999-12-31T23:59:59-05:00"),
    "an order of the year 1": PLAIN.replace(b"2026-11-03T09:15:01-05:00", b"0001-01-01T00:00:00+05:00"),
    "too much": planted(b'"' + b"x" * 3_000_000 + b'"'),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_answered_quickly_and_hurts_nobody(shop: Shop, name: str) -> None:
    raw = BOMBS[name]
    headers = shop.simulator.headers("orders/create", raw)
    begun = time.perf_counter()

    status, _ = shop.knock(raw, headers)

    assert time.perf_counter() - begun < 1
    assert status in (200, 400, 413)
    shop.drain()
    assert bugs(shop) == []
    assert shop.waiting() == (status == 200)
    shop.send({**json.loads(PLAIN), "id": 9, "admin_graphql_api_id": "gid://shopify/Order/9"})
    shop.drain()
    assert shop.one("select count(*) from orders where channel_id = '9'") == 1


def test_too_much_is_refused_with_its_length_told_or_not(shop: Shop) -> None:
    raw = b"x" * (shop.settings.body_limit + 1)
    headers = shop.simulator.headers("orders/create", raw)

    assert shop.knock(raw, headers)[0] == 413
    assert shop.knock(raw, headers, CONTENT_LENGTH="")[0] == 413
    assert shop.knock(raw, headers, CONTENT_LENGTH="-1")[0] == 413
    assert shop.knock(raw, headers, CONTENT_LENGTH="many")[0] == 413


@pytest.mark.parametrize("told", ["", "-1", "many"])
def test_no_more_than_the_limit_is_read(shop: Shop, told: str) -> None:
    class Endless(io.RawIOBase):
        given = 0

        def read(self, size: int = -1) -> bytes:
            assert 0 <= size <= shop.settings.body_limit + 1
            self.given += size
            return b"x" * size

    endless = Endless()

    assert shop.knock(b"", {}, CONTENT_LENGTH=told, **{"wsgi.input": endless})[0] == 413
    assert endless.given == shop.settings.body_limit + 1


def test_a_body_at_the_limit_is_read(shop: Shop) -> None:
    raw = planted(b'"' + b"x" * (shop.settings.body_limit - len(planted(b'""'))) + b'"')

    assert len(raw) == shop.settings.body_limit
    assert shop.send(raw)[0] == 200


@pytest.mark.parametrize("wrong", ["x" * 5000, "with\ta tab", "with a nul\0"])
@pytest.mark.parametrize("header", ["X-Shopify-Webhook-Id", "X-Shopify-Shop-Domain"])
def test_headers_are_not_signed_so_a_name_that_is_none_is_not_understood(either_shop: Shop, header: str, wrong: str) -> None:
    assert either_shop.send(PLAIN, **{header: wrong})[0] == 400
    assert either_shop.waiting() == 0


LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["NaN", "-1", "1e400", "2026-13-01"])
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3), max_leaves=6
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUE, topic=st.sampled_from(["orders/create", "refunds/create", "products/update", "customers/redact", "nobody/knows"]))
def test_any_signed_json_is_taken_or_refused(shop: Shop, value: object, topic: str) -> None:
    assert shop.send(value, topic)[0] in (200, 400)
    shop.drain()
    assert bugs(shop) == []


def paths(value: object, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of a JSON document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*above, key)
        yield from paths(part, (*above, key))


def changed(path: tuple[Any, ...], value: object) -> dict[str, Any]:
    """The plain order with another value there."""
    document: dict[str, Any] = json.loads(PLAIN)
    part: Any = document
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return document


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(list(paths(json.loads(PLAIN)))), value=VALUE, n=st.integers(1, 10**9))
def test_an_order_with_any_field_changed_is_taken_or_parked_with_its_reason_and_never_lost(
    shop: Shop, path: tuple[Any, ...], value: object, n: int
) -> None:
    document = changed(path, value)
    before = shop.waiting()

    status, _ = shop.send(document)
    shop.drain()

    assert status in (200, 400)
    assert bugs(shop) == []
    assert shop.waiting() == before + (status == 200)
    lost = """select ref from inbox i where done_at is null
              and not exists (select 1 from tasks t where t.subject = i.ref and t.state = 'parked' and t.cause = 'BadPayload')"""
    assert shop.rows(lost) == []


# ---- whose it is, and what it is about


def test_an_account_that_nobody_connected_is_404_and_leaves_no_row(shop: Shop) -> None:
    assert shop.send(PLAIN, **{"X-Shopify-Shop-Domain": "stranger.myshopify.com"})[0] == 404
    assert shop.waiting() == 0


@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact", "shop/redact"])
@pytest.mark.parametrize("account", [ACCOUNT, "gone.myshopify.com"])
def test_compliance_is_answered_200_whether_or_not_we_know_the_shop(shop: Shop, topic: str, account: str) -> None:
    assert shop.send({"shop_id": 1, "shop_domain": account}, topic, **{"X-Shopify-Shop-Domain": account})[0] == 200


@pytest.mark.parametrize("topic", ["customers/data_request", "customers/redact", "shop/redact"])
def test_forged_compliance_is_refused(shop: Shop, topic: str) -> None:
    raw = b'{"shop_id": 1}'

    assert shop.knock(raw, shop.simulator.headers(topic, b"{}"))[0] == 401


def test_an_account_that_is_connected_a_moment_later_is_known_soon(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    new = {"X-Shopify-Shop-Domain": "new.myshopify.com"}
    assert shop.send(PLAIN, **new)[0] == 404
    flows.connect(shop.hub, shop.merchant, "shopify", "new.myshopify.com", {})

    now = time.monotonic()
    monkeypatch.setattr("web.webhooks.time.monotonic", lambda: now + 6)

    assert shop.send(PLAIN, **new)[0] == 200


def test_an_uninstalled_app_closes_the_connection_and_says_why(shop: Shop) -> None:
    assert shop.send({"id": 1, "domain": ACCOUNT}, "app/uninstalled")[0] == 200

    [(state, reason)] = shop.rows("select state, reason from connections")
    assert state == "needs_login"
    assert "app/uninstalled" in reason
    assert shop.send(PLAIN)[0] == 200  # what was on its way is still an order


def test_topics_that_are_no_orders_are_answered_and_not_kept(shop: Shop) -> None:
    assert shop.send({"id": 1}, "products/update")[0] == 200
    assert shop.send({"id": 1}, "somebody/invented_it_tomorrow")[0] == 200
    assert shop.waiting() == 0


@pytest.mark.parametrize("path", ["/webhooks/", "/webhooks/magento", "/webhooks/../shopify", "/webhooks/SHOPIFY"])
def test_a_system_that_has_no_door_is_404(shop: Shop, path: str) -> None:
    assert shop.knock(PLAIN, shop.simulator.headers("orders/create", PLAIN), path)[0] == 404


def test_a_system_whose_app_is_not_set_up_has_no_door(shop: Shop) -> None:
    assert shop.knock(b"{}", {}, "/webhooks/amazon")[0] == 404


@pytest.mark.parametrize(("method", "status"), [("GET", 404), ("PUT", 405), ("DELETE", 405), ("HEAD", 405), ("OPTIONS", 405)])
def test_only_post_is_taken(shop: Shop, method: str, status: int) -> None:
    assert shop.ask(method, DOOR)[0] == status


def test_every_door_takes_its_own_signature_alone(shop: Shop) -> None:
    raw = b'{"id": "1"}'

    assert shop.knock(raw, bogus_headers(raw), "/webhooks/bogus")[0] == 404  # signed; nobody has connected that account
    assert shop.knock(raw, bogus_headers(raw))[0] == 401
    assert shop.knock(raw, shop.simulator.headers("orders/create", raw), "/webhooks/bogus")[0] == 401


# ---- eBay


@pytest.fixture
def ebay(shop: Shop) -> Iterator[tuple[Shop, Ebay]]:
    """The same door with eBay's simulator behind it."""
    world = World(shop.clock)
    simulator = Ebay(world)
    there = simulator.credentials("http://sim.test/ebay")
    own = shop.settings.model_copy(update={"apps": {}, "channels": {"ebay": there["settings"]}})
    kit = door_kit(own, shop.hub, EBAY, InProcess(Stage({"ebay": (world, simulator)})))
    for name, value in there["app"].items():
        kit.app[name] = value  # type: ignore[index]
    assert EBAY.webhooks
    keeper = writer.GroupWriter(shop.hub.database, lambda: shop.hub.now, lambda _: None)
    shop.app = Door(shop.hub, {"ebay": EBAY.webhooks(kit)}, keeper, 100_000, APPS["CROSSDOCK_PUBLIC_URL"])
    yield shop, simulator


def ebay_body(topic: str = "MARKETPLACE_ACCOUNT_DELETION") -> bytes:
    sent = {"notificationId": "n-1", "data": {"username": "a-buyer", "userId": "x", "eiasToken": "y"}}
    return json.dumps({"metadata": {"topic": topic}, "notification": sent}, separators=(",", ":")).encode()


def test_ebays_challenge_is_answered_with_the_address_that_it_knows(shop: Shop) -> None:
    status, answer = shop.ask("GET", "/webhooks/ebay", QUERY_STRING="challenge_code=abc%2F1")

    wanted = sha256(b"abc/1" + b"token-of-the-test" + b"https://hub.example/webhooks/ebay").hexdigest()
    assert (status, answer) == (200, {"challengeResponse": wanted})


def test_a_public_address_with_a_slash_at_its_end_is_the_same_address(shop: Shop) -> None:
    before = shop.ask("GET", "/webhooks/ebay", QUERY_STRING="challenge_code=abc")

    shop.app = make_wsgi(load({"home": shop.settings.home}, {**APPS, "CROSSDOCK_PUBLIC_URL": "https://hub.example/"}), shop.hub)

    assert shop.ask("GET", "/webhooks/ebay", QUERY_STRING="challenge_code=abc") == before


@pytest.mark.parametrize("query", ["", "challenge_code=", "other=1", "%%%&&&===", "challenge_code"])
def test_a_get_without_a_challenge_is_404(shop: Shop, query: str) -> None:
    assert shop.ask("GET", "/webhooks/ebay", QUERY_STRING=query)[0] == 404


def test_ebays_account_deletion_is_answered_200_and_a_forged_one_412(ebay: tuple[Shop, Ebay]) -> None:
    shop, simulator = ebay
    raw = ebay_body()
    right = {"X-EBAY-SIGNATURE": ebay_signature(simulator.state["key"], raw)}

    assert shop.knock(raw, right, "/webhooks/ebay")[0] == 200
    assert shop.knock(raw.replace(b"a-buyer", b"another"), right, "/webhooks/ebay")[0] == 412
    assert shop.knock(raw, {}, "/webhooks/ebay")[0] == 412
    assert shop.knock(raw, {"X-EBAY-SIGNATURE": "bm9uZQ=="}, "/webhooks/ebay")[0] == 412


def test_a_key_that_ebay_does_not_know_is_412_and_one_that_cannot_be_asked_for_503(ebay: tuple[Shop, Ebay]) -> None:
    shop, simulator = ebay
    raw, other = ebay_body(), {**simulator.state["key"], "kid": "11111111-0000-4000-8000-000000000000"}

    assert shop.knock(raw, {"X-EBAY-SIGNATURE": ebay_signature(other, raw)}, "/webhooks/ebay")[0] == 412
    simulator.world.faults.append(Fault("500", "*", times=9))
    third = {**other, "kid": "22222222-0000-4000-8000-000000000000"}
    assert shop.knock(raw, {"X-EBAY-SIGNATURE": ebay_signature(third, raw)}, "/webhooks/ebay")[0] == 503


# ---- the database cannot take it


def test_a_locked_file_is_503_within_a_second_and_taken_when_it_is_free(shop: Shop) -> None:
    assert shop.send({**json.loads(PLAIN), "id": 7})[0] == 200
    other = sqlite3.connect(shop.hub.database.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("begin immediate")
    begun = time.perf_counter()

    status, _ = shop.send(PLAIN)

    assert (status, time.perf_counter() - begun < 1.3) == (503, True)
    other.execute("rollback")
    other.close()
    eventually(lambda: shop.send(PLAIN)[0] == 200)


@pytest.mark.processes
@pytest.mark.parametrize("how", ["refuses", "cuts", "swallows"])
def test_a_database_that_is_away_is_503_within_a_second_and_found_again(
    make_shop: Callable[[str], Shop], postgres_database: str, how: str
) -> None:
    with Relay(postgres_database) as relay:
        shop = make_shop(relay.url)
        assert shop.send({**json.loads(PLAIN), "id": 7})[0] == 200
        relay.become(how)

        for n in range(3):
            begun = time.perf_counter()
            assert shop.send({**json.loads(PLAIN), "id": 100 + n})[0] == 503
            assert time.perf_counter() - begun < 1.3

        relay.become("carries")
        eventually(lambda: shop.send(PLAIN)[0] == 200)


def eventually(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


# ---- late, reordered, and then the order itself


def life_of(shop: Shop) -> tuple[str, list[Delivery]]:
    """An order's deliveries from its making to its end, a minute between them."""
    before = len(shop.world.outbox)
    [placed] = shop.simulator.place({"lines": [{"sku": "A", "quantity": 3}], "plain": True, "seed": 1})
    order = placed["id"]
    for what, wish in (("touch", {}), ("edit", {"sku": "A", "quantity": 5}), ("fulfill", {"units": {"A": 2}}), ("cancel", {})):
        shop.clock.pass_(timedelta(minutes=1))
        shop.simulator.act(order, what, wish)
    told = [one for one in shop.world.outbox[before:] if one.headers["X-Shopify-Topic"] in ("orders/create", "orders/updated")]
    return order, told


def test_late_and_reordered_webhooks_end_in_one_state(shop: Shop) -> None:
    shop.offer("A", units=1000)
    ways = list(permutations(range(5)))[::5]
    lives = [life_of(shop) for _ in ways]
    assert {len(told) for _, told in lives} == {5}

    for step in range(5):
        for (_, told), way in zip(lives, ways, strict=True):
            assert shop.deliver(told[way[step]]) == 200
        shop.drain()
        shop.clock.pass_(timedelta(days=1))

    ends = {str([row[1:] for row in shop.rows(STORY, id=order)]) for order, _ in lives}
    assert ends == {"[(0, 0, 2, 0, None)]"}
    shop.drain()
    assert books.level(shop.hub, "A") == (1000 - 2 * len(ways), 0)
    books.balance(shop.hub)


def test_an_order_of_five_hundred_lines_is_answered_at_once_and_reserved_whole(shop: Shop) -> None:
    skus = [f"S{n:03}" for n in range(500)]
    shop.offer(*skus, units=9)
    delivery = shop.sold(**dict.fromkeys(skus, 2))
    begun = time.perf_counter()

    status = shop.deliver(delivery)

    assert (status, time.perf_counter() - begun < 1) == (200, True)
    shop.drain()
    assert shop.rows("select count(*), sum(hold), sum(held) from order_lines") == [(500, 1000, 1000)]
    assert shop.rows("select problems from orders") == [(None,)]
    books.balance(shop.hub)


def test_an_order_without_an_address_is_taken_and_reserved(shop: Shop) -> None:
    shop.offer("A")
    body = {**json.loads(shop.sold(A=2).body), "shipping_address": None, "billing_address": None, "customer": None}

    assert shop.send(body)[0] == 200
    shop.drain()
    assert shop.rows("select l.held, o.problems from order_lines l join orders o on o.id = l.order_id") == [(2, None)]


def test_an_order_without_lines_is_taken(shop: Shop) -> None:
    body = {**json.loads(PLAIN), "line_items": []}

    assert shop.send(body)[0] == 200
    shop.drain()
    [(number, problems)] = shop.rows("select channel_id, problems from orders")
    assert number == "5600000001001"
    assert problems  # the total of the plain order is still asked for
    books.balance(shop.hub)


@pytest.mark.parametrize(("currency", "price", "total"), [("JPY", "1200", 2400), ("KWD", "3.125", 6250)])
def test_a_currency_without_cents_or_with_three_decimals_is_kept_whole(shop: Shop, currency: str, price: str, total: int) -> None:
    shop.offer("A", currency=currency, price=price)
    [placed] = shop.simulator.place({"lines": [{"sku": "A", "quantity": 2}], "plain": True})

    assert shop.deliver(shop.world.outbox[-1]) == 200
    shop.drain()
    [(kept, said, problems)] = shop.rows("select total, currency, problems from orders")
    assert (said, problems) == (currency, None)
    assert kept == int(placed["total"].replace(".", ""))
    assert kept >= total


def test_a_listing_without_sku_waits_for_mapping_and_the_order_is_whole(shop: Shop) -> None:
    shop.offer("A", "")
    [placed] = shop.simulator.place({"lines": [{"sku": "A", "quantity": 1}, {"sku": "", "quantity": 3}], "plain": True})

    assert shop.deliver(shop.world.outbox[-1]) == 200
    shop.drain()
    assert shop.rows("select sku, held, waits from order_lines order by sku desc") == [("A", 1, None), ("", 0, "mapping")]
    assert shop.one("select total from orders") == int(placed["total"].replace(".", ""))
    assert bugs(shop) == []
    books.balance(shop.hub)
