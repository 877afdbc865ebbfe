"""Shopify's webhooks: the signature, what each topic is about, and bodies that are whole orders."""

import base64
import hashlib
import hmac
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.shopify import MANIFEST
from connectors.shopify.simulator import APP_TOPICS, CLIENT_SECRET, Simulator
from connectors.shopify.webhooks import ABOUT, ORDER, WANTED, WHOLE, ShopifyWebhooks
from connectors.simulation import Post, World
from core.errors import BadPayload, Forged
from core.ports import About, Demand, Kit, Wanted

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = Path(os.environ.get("CROSSDOCK_CONTRACTS") or ROOT.parent / "shared/contracts")
SECRET = "client-secret"


def door(**app: str) -> ShopifyWebhooks:
    kit = Kit("shop.myshopify.com", None, datetime.now, None, None, {"client_secret": SECRET, **app}, {})  # type: ignore[arg-type]
    return ShopifyWebhooks(kit)


def headers(raw: bytes, topic: str = "orders/create", secret: str = SECRET, **more: str) -> dict[str, str]:
    signature = base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode()
    told = {"x-shopify-topic": topic, "x-shopify-webhook-id": "delivery-1", "x-shopify-shop-domain": "shop.myshopify.com"}
    return {**told, "x-shopify-hmac-sha256": signature, **more}


WHOLE_BODY = (ROOT / "connectors/shopify/examples/plain.in.json").read_bytes()


def notice(payload: Any, topic: str, **more: str) -> Any:
    raw = json.dumps(payload).encode()
    return door().notice(raw, headers(raw, topic, **more), "/webhooks/shopify")


def test_a_signed_order_is_taken_whole():
    found = door().notice(WHOLE_BODY, headers(WHOLE_BODY), "/webhooks/shopify")

    assert (found.topic, found.delivery, found.account, found.about) == ("orders/create", "delivery-1", "shop.myshopify.com", About.ORDER)
    assert found.body == WHOLE_BODY
    assert found.order == "5600000001001"
    assert found.revision == datetime(2026, 11, 3, 14, 15, 1, tzinfo=UTC)
    assert MANIFEST.order(found.body, "c").revision == found.revision


@pytest.mark.parametrize("at", [0, 100, -1])
def test_one_flipped_byte_is_forged(at):
    raw = bytearray(WHOLE_BODY)
    raw[at] ^= 1

    with pytest.raises(Forged):
        door().notice(bytes(raw), headers(WHOLE_BODY), "/webhooks/shopify")


@pytest.mark.parametrize("wrong", ["", "zz", "ü", base64.b64encode(b"\x00" * 32).decode()])
def test_a_wrong_or_missing_signature_is_forged(wrong):
    with pytest.raises(Forged):
        door().notice(WHOLE_BODY, headers(WHOLE_BODY, **{"x-shopify-hmac-sha256": wrong}), "/webhooks/shopify")


def test_without_headers_it_is_forged():
    with pytest.raises(Forged):
        door().notice(b"", {}, "/webhooks/shopify")


def test_without_a_secret_nothing_is_let_in():
    with pytest.raises(Forged):
        door(client_secret="").notice(WHOLE_BODY, headers(WHOLE_BODY, secret=""), "/webhooks/shopify")


def test_the_old_secret_is_good_while_it_is_changed():
    found = door(old_client_secret="before").notice(WHOLE_BODY, headers(WHOLE_BODY, secret="before"), "/webhooks/shopify")

    assert found.order == "5600000001001"


@pytest.mark.parametrize("name", ["x-shopify-topic", "x-shopify-webhook-id", "x-shopify-shop-domain"])
def test_a_missing_header_is_named(name):
    told = headers(WHOLE_BODY)
    del told[name]

    with pytest.raises(BadPayload, match=name):
        door().notice(WHOLE_BODY, told, "/webhooks/shopify")


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"\xff", b"{", b"[" * 9999])
@pytest.mark.parametrize("topic", ["orders/create", "products/update", "refunds/create"])
def test_a_signed_body_that_is_nothing_is_refused_and_does_not_crash(raw, topic):
    with pytest.raises(BadPayload):
        door().notice(raw, headers(raw, topic), "/webhooks/shopify")


@pytest.mark.parametrize(
    "raw", [b"{}", b'{"id": 1}', b'{"id": 1, "updated_at": "yesterday"}', b'{"id": "x", "updated_at": "2026-11-03T09:15:01Z"}']
)
def test_an_order_without_its_number_or_time_is_refused(raw):
    with pytest.raises(BadPayload):
        door().notice(raw, headers(raw), "/webhooks/shopify")


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("orders/delete", {"id": 77}),
        ("orders/edited", {"order_edit": {"id": 1, "order_id": 77}}),
        ("orders/risk_assessment_changed", {"order_id": None, "admin_graphql_api_order_id": "gid://shopify/Order/77"}),
        ("refunds/create", {"id": 1, "order_id": 77}),
        ("fulfillments/update", {"id": 1, "order_id": 77}),
        ("order_transactions/create", {"id": 1, "order_id": 77}),
        ("returns/approve", {"id": 1, "order": {"id": 7, "admin_graphql_api_id": "gid://shopify/Order/77"}}),
        ("returns/close", {"id": 1, "admin_graphql_api_id": "gid://shopify/Return/1", "order_id": 77}),
    ],
)
def test_what_only_names_its_order_is_to_be_fetched(topic, payload):
    found = notice(payload, topic)

    assert (found.about, found.order, found.body) == (About.ORDER, "77", None)


def test_a_risk_change_that_names_no_order_is_about_nothing_we_can_fetch():
    assert notice({"risk_level": "high", "order_id": None}, "orders/risk_assessment_changed").about is About.OTHER


@pytest.mark.parametrize(
    ("topic", "about"),
    [
        ("inventory_levels/update", About.LISTING),
        ("products/delete", About.LISTING),
        ("app/uninstalled", About.ACCESS),
        ("app/scopes_update", About.SCOPES),
        ("shop/update", About.OTHER),
    ],
)
def test_other_topics_are_told_apart_by_their_exact_name(topic, about):
    assert notice({"id": 1}, topic).about is about


CUSTOMER = {"id": 2, "email": "ada@example.com", "phone": "+15550001234"}


@pytest.mark.parametrize(
    ("topic", "body", "demand"),
    [
        (
            "customers/data_request",
            {"orders_requested": [7, 8], "customer": CUSTOMER, "data_request": {"id": 99}},
            Demand(Wanted.EXPORT, ("7", "8"), "2", "ada@example.com", "+15550001234", "99"),
        ),
        (
            "customers/redact",
            {"orders_to_redact": [7], "customer": CUSTOMER},
            Demand(Wanted.REDACT, ("7",), "2", "ada@example.com", "+15550001234"),
        ),
        ("customers/redact", {"customer": {"email": "ada@example.com"}}, Demand(Wanted.REDACT, email="ada@example.com")),
        ("customers/redact", {"orders_to_redact": "all", "customer": [2]}, Demand(Wanted.REDACT)),
        ("shop/redact", {"shop_id": 1, "shop_domain": "example.myshopify.com"}, Demand(Wanted.ERASE)),
    ],
)
def test_compliance_topics_are_demands_in_our_words_and_odd_ones_are_taken_too(topic, body, demand):
    found = notice({"shop_id": 1, **body}, topic)

    assert found.about is About.COMPLIANCE
    assert found.demand == demand
    assert found.body is None


def test_a_lost_access_says_when():
    told = notice({"id": 1}, "app/uninstalled", **{"x-shopify-triggered-at": "2026-11-22T10:00:00.123Z"})

    assert told.revision == datetime(2026, 11, 22, 10, 0, 0, 123000, tzinfo=UTC)
    assert notice({"id": 1}, "app/uninstalled", **{"x-shopify-triggered-at": "yesterday"}).revision is None


def test_there_is_no_challenge():
    assert door().challenge({"challenge_code": "x"}, "https://hub.example/webhooks/shopify") is None


def test_every_wanted_topic_is_one_that_we_understand():
    assert [topic for topic in WANTED if topic not in WHOLE and topic not in ORDER and topic not in ABOUT] == []


def test_the_simulator_signs_as_shopify_does():
    world = World(lambda: datetime(2026, 11, 22, tzinfo=UTC), post=Post(url="http://hub.test"))
    simulator = Simulator(world)
    simulator.catalogue([{"sku": "A", "title": "A", "price": "1.00", "quantity": 9, "currency": "USD"}])
    [placed] = simulator.place({"lines": [{"sku": "A", "quantity": 2}]})
    simulator.act(placed["id"], "cancel", {})

    said = []
    for one in world.outbox:
        told = {name.lower(): value for name, value in one.headers.items()}
        said.append(door(client_secret=CLIENT_SECRET).notice(one.body, told, "/webhooks/shopify"))

    assert [(one.topic, one.order) for one in said] == [
        ("orders/create", placed["id"]),
        ("orders/cancelled", placed["id"]),
        ("orders/updated", placed["id"]),
    ]
    assert {one.topic for one in said} <= set(APP_TOPICS)
    assert len({one.delivery for one in said}) == 3
    assert b'"_' not in world.outbox[-1].body


@pytest.mark.contracts
def test_every_sample_of_the_vendor_gives_a_notice():
    if not CONTRACTS.is_dir():
        pytest.skip(f"the vendors' contracts are not at {CONTRACTS}")
    found = {}
    for path in sorted((CONTRACTS / "shopify/samples/webhooks").glob("*.json")):
        sample = json.loads(path.read_text("utf-8"))
        found[sample["topic"]] = notice(sample["payload"], sample["topic"])

    whole = {topic for topic, one in found.items() if one.body is not None and one.about is About.ORDER}
    assert whole == {topic for topic in WHOLE if topic in found}
    assert {one.order for topic, one in found.items() if topic in whole} == {"820982911946154508"}
    named = {topic for topic, one in found.items() if topic in ORDER and one.order is None}
    assert named <= {"orders/risk_assessment_changed"}  # its example leaves the order out
