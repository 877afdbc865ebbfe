"""The plain page: for whoever sits at this machine, and nothing of any buyer on it."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from werkzeug.test import Client, TestResponse

from core.flows import backfill
from core.store import findings
from core.store.findings import Finding
from tests.web.relay import Relay
from tests.web.shop import Shop

HERE = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "127.0.0.1:8400"}
CANARIES = {
    "first_name": "Canariella",
    "last_name": "Kanarivogel",
    "name": "Canariella Kanarivogel",
    "company": "Kanarifirma",
    "address1": "7 Canary Wharf Mews",
    "address2": "Kanaristock",
    "city": "Canaryville",
    "zip": "CN4RY",
    "phone": "+15550004711",
}
EMAIL, NOTE = "canary@birds.example", "ring the canary bell"
WORDS = (*CANARIES.values(), EMAIL, NOTE, "canar", "kanari")


@pytest.fixture
def page(shop: Shop) -> Callable[..., TestResponse]:
    """page("/") is the answer to somebody at this machine."""
    client = Client(shop.app)

    def ask(path: str, **different: Any) -> TestResponse:
        return client.get(path, environ_overrides={**HERE, **different})

    return ask


def paths(shop: Shop) -> list[str]:
    """Every page there is, each order's too."""
    return ["/", "/live", "/?merchant=" + shop.merchant, *(f"/orders/{id}" for (id,) in shop.rows("select id from orders"))]


def watched(body: dict[str, Any]) -> dict[str, Any]:
    """An order of somebody whom we would recognize anywhere."""
    buyer = {**body["customer"], "email": EMAIL, "first_name": CANARIES["first_name"], "last_name": CANARIES["last_name"]}
    addresses = {side: {**body[side], **CANARIES} for side in ("shipping_address", "billing_address")}
    return {**body, **addresses, "customer": buyer, "email": EMAIL, "contact_email": EMAIL, "note": NOTE, "phone": CANARIES["phone"]}


@pytest.fixture
def canary_shop(shop: Shop) -> Shop:
    """An order that was taken, changed, sent elsewhere, cancelled in part; one that waits; and one that nobody can read."""
    shop.offer("A", "")
    for lines in ({"A": 3}, {"": 1}):
        body = watched(json.loads(shop.sold(**lines).body))
        shop.send(body)
        shop.drain()
        moved = {**body, "shipping_address": {**body["shipping_address"], "country_code": "CA", "city": "Canarytown"}}
        shop.send({**moved, "updated_at": "2026-12-01T00:00:00Z", "financial_status": "wondrous", "cancelled_at": "2026-12-01T00:00:00Z"})
        shop.drain()
        shop.send({**moved, "updated_at": "2026-12-02T00:00:00Z", "total_price": EMAIL, "line_items": [NOTE]})
        shop.drain()
    return shop


def test_no_page_shows_anything_of_a_buyer(canary_shop: Shop, page: Callable[..., TestResponse]) -> None:
    asked = paths(canary_shop)

    answers = [page(path) for path in asked]

    assert len(asked) == 5
    assert [answer.status_code for answer in answers] == [200] * 5
    found = [(path, word) for path, answer in zip(asked, answers, strict=True) for word in WORDS if word.lower() in answer.text.lower()]
    assert found == []


def test_nothing_of_a_buyer_lies_open_in_the_database(canary_shop: Shop) -> None:
    tables = [name for (name,) in canary_shop.rows("select name from sqlite_master where type = 'table'")]

    dump = " ".join(str(row) for table in tables for row in canary_shop.rows(f"select * from {table}")).lower()

    assert [word for word in WORDS if word.lower() in dump] == []


def test_the_first_page_shows_orders_stock_listings_and_what_waits_for_a_person(
    canary_shop: Shop, page: Callable[..., TestResponse]
) -> None:
    text = page("/").text

    [(first,), (second,)] = canary_shop.rows("select name from orders order by name")
    assert first in text
    assert second in text
    assert "BadPayload" in text
    assert "unmapped" in text
    assert re.search(r"<td[^>]*>A</td>", text)


def test_the_first_page_shows_how_far_a_run_through_old_orders_came_while_it_runs(shop: Shop, page: Callable[..., TestResponse]) -> None:
    backfill.ask(shop.hub, shop.connection, shop.clock() - timedelta(days=100))
    running = page("/").get_data(as_text=True)
    shop.drain()

    assert "Old orders" in running
    assert "open ones first" in running
    assert "Old orders" not in page("/").get_data(as_text=True)


def test_an_orders_page_tells_its_lines_and_its_story(canary_shop: Shop, page: Callable[..., TestResponse]) -> None:
    [(order,)] = canary_shop.rows("select o.id from orders o join order_lines l on l.order_id = o.id where l.sku = 'A'")

    text = page(f"/orders/{order}").text

    for word in ("OrderTaken", "StockReserved", "AddressChanged", "A A"):
        assert word in text


@pytest.mark.parametrize("path", ["/", "/live", "/orders/1"])
@pytest.mark.parametrize(
    "different",
    [
        {"REMOTE_ADDR": "203.0.113.9"},
        {"REMOTE_ADDR": "10.0.0.7"},
        {"REMOTE_ADDR": ""},
        {"HTTP_HOST": "evil.example"},
        {"HTTP_HOST": "127.0.0.1.evil.example"},
        {"HTTP_HOST": "localhost.evil.example:8400"},
        {"HTTP_HOST": "hub.example"},
        {"HTTP_HOST": "user@127.0.0.1@evil.example"},
        {"HTTP_X_FORWARDED_FOR": "203.0.113.9"},
        {"HTTP_FORWARDED": "for=203.0.113.9"},
        {"HTTP_X_REAL_IP": "203.0.113.9"},
        {"HTTP_VIA": "1.1 proxy"},
    ],
    ids=lambda different: str(*different.items()),
)
def test_pages_are_for_this_machine_alone(page: Callable[..., TestResponse], path: str, different: dict[str, str]) -> None:
    assert page(path, **different).status_code in (400, 403)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8400", "localhost:9", "[::1]", "[::1]:8400"])
def test_every_name_of_this_machine_is_good(page: Callable[..., TestResponse], host: str) -> None:
    assert page("/", HTTP_HOST=host).status_code == 200


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/orders/nobody", "/static/crossdock.css", "/static/../pages.py"])
def test_every_answer_says_what_a_browser_may_do_with_it(page: Callable[..., TestResponse], path: str) -> None:
    answer = page(path)
    answer.close()

    assert answer.headers["Content-Security-Policy"] == "default-src 'self'; frame-ancestors 'none'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


def test_pages_need_no_inline_script_or_style(canary_shop: Shop, page: Callable[..., TestResponse]) -> None:
    for path in paths(canary_shop):
        text = page(path).text
        assert "<style" not in text
        assert " style=" not in text
        assert re.findall(r"<script(?![^>]* src=)", text) == []
        assert re.findall(r"\son\w+=", text) == []


WILD = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'{{7*7}}"


def test_what_a_channel_calls_things_is_text_and_never_markup(shop: Shop, page: Callable[..., TestResponse]) -> None:
    shop.offer("A")
    body = json.loads(shop.sold(A=1).body)
    line = {**body["line_items"][0], "title": WILD, "name": WILD, "sku": WILD}
    shop.send({**body, "name": WILD, "line_items": [line], "financial_status": WILD})
    shop.drain()

    for path in paths(shop):
        text = page(path).text
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "49" not in re.findall(r"&#39;(\d+)", text)


def test_somebody_elses_order_is_not_found(canary_shop: Shop, page: Callable[..., TestResponse]) -> None:
    [(order,), _] = canary_shop.rows("select id from orders")

    assert page(f"/orders/{order}?merchant=another").status_code == 404
    assert page("/orders/nobody").status_code == 404


def test_without_a_merchant_the_page_says_what_to_do(shop: Shop, page: Callable[..., TestResponse]) -> None:
    with shop.hub.database.write() as db:
        db.exec_driver_sql("delete from merchants")

    answer = page("/")

    assert answer.status_code == 404
    assert "crossdock connect" in answer.text


def test_health_is_told_to_everybody_and_tells_nothing_else(page: Callable[..., TestResponse]) -> None:
    answer = page("/healthz", REMOTE_ADDR="203.0.113.9", HTTP_HOST="hub.example", HTTP_X_FORWARDED_FOR="198.51.100.1")

    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


@pytest.mark.processes
def test_health_is_503_while_the_database_is_away(make_shop: Callable[[str], Shop], postgres_database: str) -> None:
    with Relay(postgres_database) as relay:
        shop = make_shop(relay.url)
        client = Client(shop.app)
        assert client.get("/healthz").status_code == 200

        relay.become("refuses")

        assert client.get("/healthz").status_code == 503


@pytest.fixture
def crowded(shop: Shop) -> Shop:
    """More of everything than a page shows."""
    shop.offer(*(f"S{n:03}" for n in range(120)), units=50)
    for n in range(40):
        shop.deliver(shop.sold(**{f"S{n:03}": 1}))
        shop.clock.pass_(timedelta(seconds=1))
    shop.drain()
    return shop


def test_a_page_stays_short_however_much_there_is(crowded: Shop, page: Callable[..., TestResponse]) -> None:
    text = page("/").text

    assert text.count("/orders/") == 25
    assert len(text) < 60_000


def test_open_findings_need_attention_and_what_no_notice_told_of_is_counted(page: Callable[..., TestResponse], shop: Shop) -> None:
    assert "found without a notice" not in page("/").text
    now = shop.hub.now
    rows = [
        Finding(shop.connection.id, "day", "2026-11-20", "12 orders", "11 orders", now),
        Finding(shop.connection.id, "order", "1001", "changed there", "nothing told us of it", now, now - 480_000_000, now, "repaired"),
    ]
    with shop.hub.database.write() as db:
        findings.keep(db, shop.merchant, shop.connection.id, rows)

    said = page("/").text
    assert "Needs attention" in said
    assert "there: <b>12 orders</b>; here: <b>11 orders</b>" in said
    assert "480 s p50" in said


def test_a_copy_and_its_original_name_each_other(shop: Shop, page: Callable[..., TestResponse]) -> None:
    shop.offer("A")
    for body in (json.loads(shop.sold(A=1).body), json.loads(shop.sold(A=1).body)):
        shop.send(body)
    shop.drain()
    (original, number, ref), (copy, _, _) = shop.rows("select id, channel_id, connection || '/' || channel_id from orders order by name")
    with shop.hub.database.write() as db:
        db.execute(
            text("update orders set copy_of = :ref, source_id = :number where id = :copy"), {"ref": ref, "number": number, "copy": copy}
        )

    told = [page(f"/orders/{copy}").text, page(f"/orders/{original}").text, page("/").text]

    assert f'A copy of <a href="/orders/{original}">' in told[0]
    assert f'Seen again as <a href="/orders/{copy}">' in told[1]
    assert ">copy<" in told[2]
    assert "<b>1</b><small>orders" in told[2], "counted once"
