"""What orders left, as an owner reads it."""

import pytest

from tests.conftest import House
from tests.flows import books
from tests.flows.test_books import give_back, paid_out, sold
from tests.web.rooms import Person, keeping_books, person

MOST = 8


@pytest.fixture
def shop(house: House) -> House:
    return keeping_books(house)


@pytest.fixture
def ana(shop: House) -> Person:
    return person(shop.hub, shop.merchant.id)


@pytest.mark.parametrize("tab", ["channel", "sku", "order"])
def test_a_month_is_seen_by_channel_sku_and_order(shop: House, ana: Person, tab: str) -> None:
    sold(shop, A=2)
    sold(shop, A=1, B=1)
    paid_out(shop)
    ana.get("/books/profit")

    text = ana.get("/books/profit", by=tab, month="2026-11")

    assert len(ana.statements) <= MOST
    assert {"channel": "$40.00", "sku": "$10.00", "order": "#1002"}[tab] in text
    assert "cost missing" in text and "without the cost of goods of 2 of them" in text


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
    assert rows == ["A,USD,1,2,20.00,0.00,0.00,0.00,0.00,20.00,yes"]


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
