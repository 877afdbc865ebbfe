"""The plain pages: for whoever is signed in, and nothing of any buyer on what a viewer sees."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from werkzeug.test import Client, TestResponse

from tests.web.people import Person
from tests.web.relay import Relay
from tests.web.shop import Shop

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


Page = Callable[..., TestResponse]


@pytest.fixture
def page(signed_in: Callable[..., Person]) -> Page:
    """page("/") is the answer to a viewer."""
    return signed_in("viewer").get


def paths(shop: Shop) -> list[str]:
    """Every page there is, each order's too."""
    return ["/", "/live", *(f"/orders/{id}" for (id,) in shop.rows("select id from orders"))]


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


def test_no_page_shows_anything_of_a_buyer(canary_shop: Shop, page: Page) -> None:
    asked = paths(canary_shop)

    answers = [page(path) for path in asked]

    assert len(asked) == 4
    assert [answer.status_code for answer in answers] == [200] * 4
    found = [(path, word) for path, answer in zip(asked, answers, strict=True) for word in WORDS if word.lower() in answer.text.lower()]
    assert found == []


def test_nothing_of_a_buyer_lies_open_in_the_database(canary_shop: Shop) -> None:
    tables = [name for (name,) in canary_shop.rows("select name from sqlite_master where type = 'table'")]

    dump = " ".join(str(row) for table in tables for row in canary_shop.rows(f"select * from {table}")).lower()

    assert [word for word in WORDS if word.lower() in dump] == []


def test_an_orders_page_tells_its_lines_and_its_story(canary_shop: Shop, page: Page) -> None:
    [(order,)] = canary_shop.rows("select o.id from orders o join order_lines l on l.order_id = o.id where l.sku = 'A'")

    text = page(f"/orders/{order}").text

    for word in ("OrderTaken", "StockReserved", "AddressChanged", "A A"):
        assert word in text


@pytest.mark.parametrize("path", ["/", "/healthz", "/nowhere", "/orders/nobody", "/static/crossdock.css", "/static/../pages.py"])
def test_every_answer_says_what_a_browser_may_do_with_it(page: Page, path: str) -> None:
    answer = page(path)
    answer.close()

    assert answer.headers["Content-Security-Policy"] == (
        "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; "
        "base-uri 'none'; form-action 'self'"
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert (answer.headers["Cache-Control"] == "no-store") == (not path.startswith("/static/crossdock"))
    assert "Set-Cookie" not in answer.headers


def test_pages_need_no_inline_script_or_style(canary_shop: Shop, page: Page) -> None:
    for path in paths(canary_shop):
        text = page(path).text
        assert "<style" not in text
        assert " style=" not in text
        assert re.findall(r"<script(?![^>]* src=)", text) == []
        assert re.findall(r"\son\w+=", text) == []


WILD = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'{{7*7}}"


def test_what_a_channel_calls_things_is_text_and_never_markup(shop: Shop, page: Page) -> None:
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


def test_an_order_that_is_not_there_is_not_found(page: Page) -> None:
    assert page("/orders/nobody").status_code == 404


def test_health_is_told_to_everybody_and_tells_nothing_else(shop: Shop) -> None:
    answer = Client(shop.app).get("/healthz")

    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


@pytest.mark.processes
def test_health_is_503_while_the_database_is_away(make_shop: Callable[[str], Shop], postgres_database: str) -> None:
    with Relay(postgres_database) as relay:
        shop = make_shop(relay.url)
        client = Client(shop.app)
        assert client.get("/healthz").status_code == 200

        relay.become("refuses")

        assert client.get("/healthz").status_code == 503


def test_a_copy_and_its_original_name_each_other(shop: Shop, page: Page) -> None:
    shop.offer("A")
    for body in (json.loads(shop.sold(A=1).body), json.loads(shop.sold(A=1).body)):
        shop.send(body)
    shop.drain()
    (original, number, ref), (copy, _, _) = shop.rows("select id, channel_id, connection || '/' || channel_id from orders order by name")
    with shop.hub.database.write() as db:
        db.execute(
            text("update orders set copy_of = :ref, source_id = :number where id = :copy"), {"ref": ref, "number": number, "copy": copy}
        )

    told = [page(f"/orders/{copy}").text, page(f"/orders/{original}").text]

    assert f'A copy of <a href="/orders/{original}">' in told[0]
    assert f'Seen again as <a href="/orders/{copy}">' in told[1]
