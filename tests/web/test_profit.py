"""What orders left, as an owner reads it."""

from datetime import timedelta

import pytest

from core.flows import costing
from tests.conftest import START, House
from tests.flows import acts, books
from tests.flows.depot import ANN
from tests.flows.test_books import give_back, paid_out, sold
from tests.web.rooms import Person, keeping_books, person

MOST = 8
TODAY = START.date()


@pytest.fixture
def shop(house: House) -> House:
    return keeping_books(house)


@pytest.fixture
def ana(shop: House) -> Person:
    return person(shop.hub, shop.merchant.id)


def order_id(shop: House, number: str) -> str:
    return str(books.one(shop.hub, f"select id from orders where channel_id = '{number}'"))


@pytest.mark.parametrize("tab", ["channel", "sku", "order"])
def test_a_month_is_seen_by_channel_sku_and_order(shop: House, ana: Person, tab: str) -> None:
    sold(shop, A=2)
    sold(shop, A=1, B=1)
    paid_out(shop)
    ana.get("/books/profit")

    text = ana.get("/books/profit", by=tab, month="2026-11")

    assert len(ana.statements) <= MOST
    assert {"channel": "$40.00", "sku": "$10.00", "order": "#1002"}[tab] in text
    assert "cost missing" not in text and "the cost of goods is not booked" in text


def test_cost_is_missing_only_where_units_left_and_nobody_knows_what_they_cost(shop: House, ana: Person) -> None:
    costing.switch(shop.hub, shop.merchant.id, TODAY - timedelta(days=30), ANN)
    both = sold(shop, A=1, B=1)
    sold(shop, B=1)
    acts.fulfill(shop.bogus, both, "1", 1)
    shop.poll()

    rows = {tab: ana.get("/books/profit.csv", by=tab, sort="name").splitlines()[1:] for tab in ("sku", "order")}
    text = ana.get("/books/profit", by="sku")

    assert {tab: [one.split(",")[-2:] for one in some] for tab, some in rows.items()} == {
        "sku": [["yes", ""], ["", "yes"]], "order": [["yes", ""], ["", "yes"]],
    }  # fmt: skip
    assert text.count("cost missing") == 1 and text.count("when it leaves") == 1
    assert "without the cost of goods of 1 of them · the cost of 1 is booked when they leave" in text
    text = ana.get(f"/books/orders/{order_id(shop, both)}")
    assert (text.count("cost missing"), text.count("when it leaves")) == (2, 1)


def test_what_left_and_is_named_by_no_row_is_missed_where_it_may_be_a_part(shop: House, ana: Person) -> None:
    costing.switch(shop.hub, shop.merchant.id, TODAY - timedelta(days=30), ANN)
    acts.fulfill(shop.bogus, sold(shop, X=1), "1", 1)
    shop.poll()

    assert [one.split(",")[-2:] for one in ana.get("/books/profit.csv", by="sku").splitlines()[1:]] == [["yes", ""]]


def test_rows_are_sorted_as_asked(shop: House, ana: Person) -> None:
    for units in (2, 3, 1):
        sold(shop, A=units)

    least, most = (ana.get("/books/profit", by="order", sort=sort) for sort in ("earned", "-earned"))

    assert [least.index(f"#{name}") for name in (1003, 1001, 1002)] == sorted(least.index(f"#{name}") for name in (1001, 1002, 1003))
    assert [most.index(f"#{name}") for name in (1002, 1001, 1003)] == sorted(most.index(f"#{name}") for name in (1001, 1002, 1003))


def test_the_file_has_every_row(shop: House, ana: Person) -> None:
    sold(shop, A=2)

    head, *rows = ana.get("/books/profit.csv", by="sku").splitlines()

    assert head.startswith("name,currency,orders,units,earned")
    assert rows == ["A,USD,1,2,20.00,0.00,0.00,0.00,0.00,20.00,,yes"]


def test_an_orders_page_says_what_it_left(shop: House, ana: Person) -> None:
    sold(shop, A=2)

    text = ana.get(f"/books/orders/{books.one(shop.hub, 'select max(id) from orders')}")

    assert "What it left" in text and "The whole order" in text and "<details" not in text


def test_what_was_taken_back_is_folded(shop: House, ana: Person) -> None:
    shop.bogus.change(sold(shop, A=2), payment="unpaid")
    shop.poll()

    text = ana.get(f"/books/orders/{books.one(shop.hub, 'select max(id) from orders')}")

    assert text.index("4 entries that were taken back") < text.index("<h2>Sale")
    assert "What it left" not in text


def test_a_refund_lowers_what_was_left(shop: House, ana: Person) -> None:
    give_back(shop, sold(shop, A=2))
    shop.poll()

    assert "-$10.00" in ana.get("/books/profit", by="order").replace("−", "-")
