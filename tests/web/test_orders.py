"""The orders' pages: found, read, held, noted, exported by whom it is allowed; everything a channel or a buyer wrote is text."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from config.bench.measure import Statements
from core.domain.roles import Role
from core.flows import connections as flows
from tests.web.shop import Shop
from web.app import make_app
from web.visitor import Visitor

WILD = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'{{7*7}}"
CORPUS = (
    WILD,
    '=HYPERLINK("http://x","y")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "javascript:alert(1)",
    "\u202e<blink>",
    "%s%n",
)
BUYER = "Zuleika Krähwinkel"
Ask = Callable[..., TestResponse]


def ask_as(shop: Shop, role: Role, merchant: str = "") -> Ask:
    """ask("/orders") is what a person of this role is answered."""
    asks = Visitor(merchant or shop.merchant, "user-1", "Ann", role, "test", zone="Europe/Berlin")
    client = Client(make_app(shop.hub, (lambda hub: asks,)).wsgi_app, TestResponse)

    def ask(path: str, **form: Any) -> TestResponse:
        return client.post(path, data=form) if form else client.get(path)

    return ask


@pytest.fixture
def owner(sold: Shop) -> Ask:
    return ask_as(sold, Role.OWNER)


def body_of(shop: Shop, **units: int) -> dict[str, Any]:
    """A sale that was not told yet."""
    body: dict[str, Any] = json.loads(shop.sold(**units).body)
    return body


def named(body: dict[str, Any], first: str, last: str, email: str) -> dict[str, Any]:
    there = {**body["shipping_address"], "first_name": first, "last_name": last, "name": f"{first} {last}"}
    who = {**body["customer"], "first_name": first, "last_name": last, "email": email}
    return {**body, "customer": who, "shipping_address": there, "billing_address": there, "email": email, "contact_email": email}


@pytest.fixture
def sold(shop: Shop) -> Shop:
    """Two orders: of Zuleika, and of somebody else."""
    shop.offer("A", "B")
    shop.send(named(body_of(shop, A=2), "Zuleika", "Krähwinkel", "zuleika@birds.example"))
    shop.clock.pass_(timedelta(minutes=1))
    shop.send(named(body_of(shop, B=1), "Bo", "Smith", "bo@birds.example"))
    shop.drain()
    return shop


def order_of(shop: Shop, sku: str = "A") -> str:
    return str(shop.one("select o.id from orders o join order_lines l on l.order_id = o.id where l.sku = :sku", sku=sku))


def numbers(answer: TestResponse) -> list[str]:
    """The orders of a list, by our ids."""
    return re.findall(r'<tr id="order-([^"]+)"', answer.text)


def test_the_list_holds_each_order_with_its_buyer_and_its_statuses(sold: Shop, owner: Ask) -> None:
    page = owner("/orders")

    assert numbers(page) == [order_of(sold, "B"), order_of(sold, "A")]
    for words in (BUYER, "2 orders", "To be sent", 'value="' + order_of(sold)):
        assert words in page.text


def test_filters_and_searches_stay_in_the_address(sold: Shop, owner: Ask) -> None:
    page = owner("/orders?q=zuleika&status=open")

    assert numbers(page) == [order_of(sold, "A")]
    assert 'value="zuleika"' in page.text
    assert '<option value="open" selected>' in page.text
    assert "/orders/export?q=zuleika&amp;status=open" in page.text
    assert 'name="back" value="q=zuleika&amp;status=open"' in page.text


def test_who_finds_nothing_is_told_what_to_do(owner: Ask, shop: Shop) -> None:
    assert "No order is like that" in owner("/orders?q=nobody").text
    assert "No orders yet" in ask_as(shop, Role.OWNER, flows.add_merchant(shop.hub, "New").id)("/orders").text


def test_a_viewer_sees_no_buyer_and_finds_by_none_and_is_told_why(sold: Shop) -> None:
    ask = ask_as(sold, Role.VIEWER)
    pages = [ask("/orders"), ask("/orders?q=zuleika"), ask(f"/orders/{order_of(sold)}")]

    assert [page.status_code for page in pages] == [200] * 3
    assert numbers(pages[1]) == []
    assert not any(word in page.text for page in (pages[0], pages[2]) for word in ("Zuleika", "birds.example", "Krähwinkel"))
    assert "Your role does not show buyers" in pages[2].text
    assert [page for page in pages if 'name="do"' in page.text or "What the channel sent" in page.text] == []


MAY = {
    ("get", "/orders/{id}/raw"): {Role.OWNER, Role.MANAGER},
    ("get", "/orders/export"): {Role.OWNER, Role.MANAGER, Role.ACCOUNTANT},
    ("post", "/orders/export"): {Role.OWNER, Role.MANAGER, Role.ACCOUNTANT},
    ("post", "/orders/acts"): {Role.OWNER, Role.MANAGER, Role.PACKER},
}


def test_each_door_is_open_to_those_whose_role_allows_it(sold: Shop) -> None:
    form = {"act": "form-0001", "do": "tag", "tag": "vip", "id": order_of(sold)}
    found = {
        (method, path): {
            role for role in Role
            if ask_as(sold, role)(path.format(id=order_of(sold)), **(form if method == "post" else {})).status_code in (200, 303)
        }
        for method, path in MAY
    }  # fmt: skip

    assert found == MAY


def test_an_orders_page_tells_everything_about_it(sold: Shop, owner: Ask) -> None:
    page = owner(f"/orders/{order_of(sold)}").text

    for words in (
        BUYER, "zuleika@birds.example", "2 at Main", "It adds up", "Reserved 2 units of A", "Taken in: 2 units", "StockReserved",
        "Nothing was sent yet", f"/_sim/orders/{sold.one('select channel_id from orders where id = :id', id=order_of(sold))}",
    ):  # fmt: skip
        assert words in page, words


def test_what_was_done_is_said_and_can_be_undone(sold: Shop, owner: Ask) -> None:
    ids = [order_of(sold, "A"), order_of(sold, "B")]
    sent = owner("/orders/acts", act="form-0001", do="hold", why="address", id=ids, back="q=a&status=open")

    page = owner(sent.headers["Location"])
    assert (sent.status_code, sent.headers["Location"]) == (303, "/orders?q=a&status=open&did=form-0001")
    assert "2 orders are held. They stay reserved." in page.text
    assert "Held: Address to be checked" in owner("/orders").text
    assert "Held by us: Address to be checked" in owner(f"/orders/{ids[0]}").text

    undone = owner("/orders/acts/form-0001/undo", act="form-0002", back="q=a", order="")
    assert "2 orders were let go." in owner(undone.headers["Location"]).text
    assert owner("/orders/acts/form-0001/undo", act="form-0003").status_code == 409
    assert sold.one("select count(*) from orders where held_at is not null") == 0


def test_from_an_orders_own_page_one_comes_back_to_it(sold: Shop, owner: Ask) -> None:
    one = order_of(sold)
    sent = owner("/orders/acts", act="form-0001", do="note", note="call first\nthen send", id=one, order=one)

    page = owner(sent.headers["Location"]).text
    assert sent.headers["Location"] == f"/orders/{one}?did=form-0001"
    assert "The note is on 1 order." in page
    assert "call first\nthen send" in page
    assert "Ann wrote a note" in page


def test_all_that_match_are_acted_on_not_only_the_page(sold: Shop, owner: Ask) -> None:
    owner("/orders/acts", act="form-0001", do="tag", tag="Birds", all="1", back="q=zuleika")
    owner("/orders/acts", act="form-0002", do="tag", tag="All", all="1", back="", id="nonsense-id")

    assert sold.rows("select order_id, tag from order_tags order by tag, order_id") == [
        *((id, "all") for id in sorted((order_of(sold, "A"), order_of(sold, "B")))), (order_of(sold, "A"), "birds"),
    ]  # fmt: skip
    assert numbers(owner("/orders?tag=birds")) == [order_of(sold, "A")]


def test_a_long_act_shows_how_far_it_came(sold: Shop, owner: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.flows.desk.AT_ONCE", 1)
    owner("/orders/acts", act="form-0001", do="tag", tag="vip", all="1")

    going = owner("/orders?did=form-0001").text
    sold.drain()
    over = owner("/orders/acts/form-0001").text

    assert "0 of 2 orders are done." in going
    assert 'hx-trigger="every 1s"' in going
    assert "2 orders were tagged vip." in over
    assert "hx-trigger" not in over


def test_what_the_channel_sent_is_shown_and_that_somebody_looked_is_written_down(sold: Shop, owner: Ask) -> None:
    page = owner(f"/orders/{order_of(sold)}/raw").text

    assert "orders/create" in page
    assert "&#34;line_items&#34;: [" in page
    assert sold.rows("select act, name, subject from audit") == [("order.raw", "Ann", order_of(sold))]


def test_when_the_notices_are_gone_the_order_is_shown_as_it_is_kept(sold: Shop, owner: Ask) -> None:
    with sold.hub.database.write() as db:
        db.exec_driver_sql("delete from inbox")

    page = owner(f"/orders/{order_of(sold)}/raw").text

    assert "As it is kept here" in page
    assert "zuleika@birds.example" in page


# ---- the table for spreadsheets


def table(answer: TestResponse) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))


def test_an_export_holds_the_orders_of_the_filters_with_the_columns_that_were_chosen(sold: Shop, owner: Ask) -> None:
    sent = owner("/orders/export", back="q=zuleika", column=["number", "total", "currency", "name", "placed"], bom="1")

    [row] = table(sent)
    assert list(row) == ["number", "placed", "currency", "total", "name"]
    assert (row["currency"], row["name"]) == ("USD", BUYER)
    assert re.fullmatch(r"\d+\.\d\d", row["total"])
    assert sent.get_data().startswith("\ufeff".encode())
    assert sent.headers["Content-Disposition"] == "attachment; filename=orders-2026-11-22-1301.csv"
    assert "q=zuleika" in sold.one("select body from audit") or "filtered" in sold.one("select body from audit")
    assert not owner("/orders/export", back="").get_data().startswith("\ufeff".encode())


def test_a_channel_is_called_as_people_write_it(sold: Shop, owner: Ask) -> None:
    assert re.search(r"<td>Shopify<br>", owner("/orders").text)
    assert "(Shopify)</option>" in owner("/orders").text
    assert {row["channel"] for row in table(owner("/orders/export", back="", column=["number", "channel"]))} == {"Shopify"}


def test_only_ticked_orders_are_exported_where_some_are(sold: Shop, owner: Ask) -> None:
    assert len(table(owner("/orders/export", id=order_of(sold), back=""))) == 1
    assert len(table(owner("/orders/export", id=order_of(sold), all="1", back=""))) == 2


def test_an_export_of_many_pages_holds_each_order_once(sold: Shop, owner: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.flows.exporting.AT_ONCE", 1)

    assert len({row["id"] for row in table(owner("/orders/export", back="", column="id"))}) == 2
    assert len(table(owner("/orders/export", back="", id=[order_of(sold, "A"), order_of(sold, "B")]))) == 2


# ---- what somebody else wrote


@pytest.mark.parametrize("wild", CORPUS)
def test_what_channels_buyers_and_staff_write_is_text_on_every_page_and_in_the_table(shop: Shop, wild: str) -> None:
    shop.offer("A")
    body = named(body_of(shop, A=1), wild, wild, "x@example.org")
    line = {**body["line_items"][0], "title": wild, "name": wild, "sku": wild}
    more = {"name": wild, "tags": wild, "note": wild, "source_name": wild, "financial_status": wild, "cancel_reason": wild}
    shop.send({**body, **more, "line_items": [line]})
    shop.drain()
    ask, id = ask_as(shop, Role.OWNER), str(shop.one("select id from orders"))
    ask("/orders/acts", act="form-0001", do="note", note=wild, id=id)
    ask("/orders/acts", act="form-0002", do="tag", tag=wild[:40], id=id)

    pages = [ask(path) for path in ("/orders", f"/orders/{id}", f"/orders/{id}/raw", "/orders/new?since=1_1")]
    [row] = table(ask("/orders/export", back="", column=COLUMNS))

    assert [page.status_code for page in pages] == [200] * 4
    for page in pages:
        assert not re.search(r"<script>alert|<img|<blink|href=\"?javascript:", page.text)
        assert "49" not in re.findall(r"&#39;(\d+)", page.text)
    assert [cell for name, cell in row.items() if re.match(r"[=+\-@\t\r]", cell)] == []


COLUMNS = ["number", "goods", "tags", "channel_tags", "problems", "name", "ship_name", "email", "city"]


# ---- what makes no sense


ODD = (
    "after=x", "after=1_", "before=9999999999999999999_a", "first=x", "last=2026-02-30", "first=0001-01-01&last=9999-12-31", "status=wild",
    "payment=%00", "fulfillment=" + "x" * 300, "q=" + "x" * 10_240, "q=%00", "q=%ff%fe", "q=" + "%F0%9F%A6%86" * 40, "tag=" + "y" * 500,
    "connection=%27%3B--", "location=%0a", "channel=%u0041", "sort=sideways", "did=nothing", "did=%3Cb%3E", "attention=maybe&held=maybe",
    "q=a&q=b&q=c", "merchant=another", "after=1_1&before=2_2", "after=-1_0", "q=" + "a-" * 90,
)  # fmt: skip


def test_odd_addresses_get_a_clear_answer(either_shop: Shop) -> None:
    owner = ask_as(either_shop, Role.OWNER)
    found = {query: owner(f"/orders?{query}").status_code for query in ODD}
    found |= {f"new {query}": owner(f"/orders/new?since=1_1&{query}").status_code for query in ODD}
    found |= {f"export {query}": owner(f"/orders/export?{query}").status_code for query in ODD}

    assert {query: status for query, status in found.items() if status not in (200, 204, 400)} == {}
    assert found["q=" + "x" * 10_240] == found["after=x"] == found["first=x"] == 400


def test_no_answer_says_again_what_was_asked(owner: Ask) -> None:
    assert "wildword" not in owner("/orders?status=wildword").text
    assert "wildword" not in owner("/orders?after=wildword").text


@pytest.mark.parametrize(
    "form",
    [
        {"act": "form-0001", "do": "burn", "id": "x"}, {"act": "form-0001", "do": "hold", "why": "because", "id": "x"},
        {"act": "x", "do": "release", "id": "x"}, {"do": "release", "id": "x"}, {"act": "form-0001", "do": "tag", "tag": "", "id": "x"},
        {"act": "form-0001", "do": "note", "note": "x" * 5000, "id": "x"}, {"act": "form-0001", "do": "note", "note": "a\0b", "id": "x"},
        {"act": "form-0001", "do": "release"}, {"act": "form-0001", "do": "release", "id": "'; drop table orders; --"},
        {"act": "form-0001", "do": "release", "all": "1", "back": "after=x"}, {"act": "form-0001\0", "do": "release", "id": "x"},
    ],
)  # fmt: skip
def test_odd_forms_change_nothing_and_say_why(sold: Shop, owner: Ask, form: dict[str, str]) -> None:
    answer = owner("/orders/acts", **form)

    assert answer.status_code == 400
    assert sold.one("select count(*) from order_acts") == sold.one("select count(*) from audit") == 0


@pytest.mark.parametrize("id", ["nobody", "%00", "%27", "a" * 500, "..", "01a2037a-c66a-706a-b3f4-8e5a5b8233ad"])
def test_an_order_that_is_not_there_is_not_found(owner: Ask, id: str) -> None:
    assert {owner(f"/orders/{id}{part}").status_code for part in ("", "/raw")} <= {400, 404}
    assert owner(f"/orders/acts/{id}").status_code in (400, 404)
    assert owner(f"/orders/acts/{id}/undo", act="form-0001").status_code in (400, 404, 409)


def test_another_merchants_orders_are_not_there(sold: Shop, owner: Ask) -> None:
    owner("/orders/acts", act="form-0001", do="tag", tag="vip", id=order_of(sold))
    stranger = ask_as(sold, Role.OWNER, flows.add_merchant(sold.hub, "South").id)
    one = order_of(sold)

    assert [stranger(path).status_code for path in (f"/orders/{one}", f"/orders/{one}/raw", "/orders/acts/form-0001")] == [404] * 3
    assert numbers(stranger("/orders")) == numbers(stranger("/orders?q=zuleika")) == []
    assert table(stranger("/orders/export", back="")) == table(stranger("/orders/export", id=one)) == []
    assert stranger("/orders/acts/form-0001/undo", act="form-0002").status_code == 404
    stranger("/orders/acts", act="form-0003", do="untag", tag="vip", id=one)
    assert sold.rows("select tag from order_tags") == [("vip",)]


# ---- what moves


def test_an_order_that_comes_in_appears_above_the_first_row(sold: Shop, owner: Ask) -> None:
    [address] = re.findall(r'hx-get="([^"]+)" hx-trigger="every 5s"', owner("/orders").text)
    assert owner(address).status_code == 204

    sold.clock.pass_(timedelta(minutes=1))
    sold.send(body_of(sold, A=1))
    sold.drain()

    news = owner(address)
    assert "1 new order" in news.text
    assert len(numbers(news)) == 1
    assert 'hx-swap-oob="afterbegin:#orders"' in news.text
    [address] = re.findall(r'hx-get="([^"]+)"', news.text)
    assert owner(address).status_code == 204


def test_the_first_order_of_all_appears_too(shop: Shop) -> None:
    ask = ask_as(shop, Role.OWNER)
    [address] = re.findall(r'hx-get="([^"]+)" hx-trigger="every 5s"', ask("/orders").text)
    shop.offer("A")
    shop.send(body_of(shop, A=1))
    shop.drain()

    assert len(numbers(ask(address))) == 1


def test_no_page_needs_more_than_a_handful_of_statements(sold: Shop, owner: Ask) -> None:
    owner("/orders/acts", act="form-0001", do="hold", why="other", id=[order_of(sold, "A"), order_of(sold, "B")])
    paths = ["/orders", "/orders?did=form-0001&q=zuleika+smith&status=open&tag=x&location=y&attention=1&held=1&first=2026-01-01"]
    paths += [
        "/orders?after=9999999999999999_z&channel=shopify&q=a",
        f"/orders/{order_of(sold)}?did=form-0001",
        "/orders/new?since=1_1&q=bo",
    ]
    statements = Statements(sold.hub.database.engine)

    counts = {}
    for path in paths:
        before = statements.count
        owner(path)
        counts[path] = statements.since(before)

    assert {path: count for path, count in counts.items() if count > 7} == {}
