"""What goods and postage cost, as a bookkeeper sees it: switched on, typed where it is missing, files looked at first, bills by label."""

import html
import io
import re
from datetime import timedelta

import pytest

from core.domain.roles import Role
from core.domain.shelf_moves import Cause, ShelfMove
from tests.conftest import START, House
from tests.flows import acts, books
from tests.flows.depot import Depot, depot
from tests.flows.marks import on_sqlite
from tests.flows.test_books import sold
from tests.web.rooms import Person, keeping_books, person

TODAY = START.date()
MOST = 8
BILL = "number,date,tracking,what,amount,currency,text\n"


@pytest.fixture
def shop(house: House) -> House:
    return keeping_books(house)


@pytest.fixture
def ana(shop: House) -> Person:
    return person(shop.hub, shop.merchant.id)


def cost(shop: House) -> int:
    return int(books.one(shop.hub, "select coalesce(sum(amount), 0) from postings where account = 'goods_sold'"))


def left(shop: House) -> None:
    number = sold(shop, A=2)
    acts.fulfill(shop.bogus, number, "1", 2)
    shop.poll()


def file(text: str) -> tuple[io.BytesIO, str]:
    return io.BytesIO(text.encode()), "bill.csv"


def test_it_is_off_then_on_and_what_is_missing_is_typed_where_it_is_shown(shop: House, ana: Person) -> None:
    left(shop)
    assert "Off: the books show sales" in ana.get("/books/costs")

    ana.post("/books/costs/switch", starts=str(TODAY - timedelta(days=30)))
    shop.drain()
    text = ana.get("/books/costs")
    assert "Cost missing" in text and "What one A costs" in text
    assert len(ana.statements) <= MOST

    ana.post("/books/costs", sku="A", cost="4.25", currency="usd")
    shop.drain()
    text = ana.get("/books/costs")
    assert "Cost missing" not in text and "4.25 USD" in text
    assert cost(shop) == 850


@on_sqlite
def test_what_a_channels_warehouse_lost_is_shown_with_its_days_and_reasons_that_nobody_knows(shop: House, ana: Person) -> None:
    yesterday, first = TODAY - timedelta(days=1), TODAY - timedelta(days=30)
    ana.post("/books/costs", sku="A", cost="4.25", currency="usd")
    shop.bogus.moved = [ShelfMove(yesterday, "A", Cause.LOST, "M", -3), ShelfMove(yesterday, "A", Cause.UNKNOWN, "Z", 1, 2)]
    assert "lost and found this month" not in ana.get("/books/costs")

    ana.post("/books/costs/switch", starts=str(first))
    shop.drain()

    text = " ".join(re.sub("<[^>]+>", " ", html.unescape(ana.get("/books/costs"))).split())
    assert f"{first} to {yesterday} Reasons that are new to us Z × 2 No money moves for them. 3 0 0 12.75 USD" in text


@on_sqlite
def test_what_a_warehouse_lost_without_a_cost_is_counted_beside_orders(shop: House, ana: Person) -> None:
    shop.bogus.moved = [ShelfMove(TODAY - timedelta(days=1), "A", Cause.LOST, "M", -3)]
    ana.post("/books/costs/switch", starts=str(TODAY - timedelta(days=30)))
    shop.drain()

    text = " ".join(re.sub("<[^>]+>", " ", html.unescape(ana.get("/books/costs"))).split())
    assert "Cost missing 1" in text and "3 0 and for channels' warehouses: 1" in text


def test_shelves_of_which_nothing_was_told_say_so(shop: House, ana: Person) -> None:
    ana.post("/books/costs/switch", starts=str(TODAY - timedelta(days=30)))
    shop.drain()

    assert "No day was told yet" in ana.get("/books/costs")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"sku": "Z", "cost": "1", "currency": "USD"}, "There is no such SKU."),
        ({"sku": "A", "cost": "much", "currency": "USD"}, "That is no cost"),
        ({"sku": "A", "cost": "1", "currency": "USD", "first": "soon"}, "That is not a day."),
    ],
)
def test_what_is_no_cost_is_declined_in_words(shop: House, ana: Person, said: dict[str, str], words: str) -> None:
    assert words in ana.post("/books/costs", **said)
    assert books.one(shop.hub, "select count(*) from unit_costs") == 0


@on_sqlite
def test_a_file_of_costs_is_looked_at_then_taken(shop: House, ana: Person) -> None:
    text = "sku,cost,currency\nA,4.5,USD\n"
    looked = ana.post("/books/costs/file", file=file(text))
    assert "Nothing is changed yet" in looked and "4.50 USD" in looked
    assert books.one(shop.hub, "select count(*) from unit_costs") == 0

    ana.post("/books/costs/file", go="take", text=text)
    assert "A,A,4.50,USD," in ana.get("/books/costs/costs.csv")
    assert "line 2" not in ana.get("/books/costs")
    assert "there is no SKU Z" in ana.post("/books/costs/file", file=file("sku,cost,currency\nZ,4.5,USD\n"))


@pytest.fixture
def dock(shop: House) -> Depot:
    made = depot(shop)
    made.sell(A=1)
    made.label()
    return made


def test_a_bill_is_looked_at_then_taken_and_shows_what_each_label_cost_more(dock: Depot, ana: Person) -> None:
    number = books.one(dock.house.hub, "select tracking from parcels")
    text = f"{BILL}77,{TODAY},{number},freight,99,USD,\n77,{TODAY},1Zother,freight,5,USD,\n77,{TODAY},,other,2,USD,Weekly\n"
    looked = ana.post("/books/postage/bill", carrier="dock 4", file=file(text))
    assert "Nothing is changed yet" in looked and "$99.00" in looked and "not bought here" in looked
    assert books.one(dock.house.hub, "select count(*) from carrier_bills") == 0

    ana.post("/books/postage/bill", carrier="dock 4", go="take", text=text, name="bill.csv")
    shown = ana.get("/books/postage")
    assert "Billed, but not bought here" in shown and "1Zother" in shown
    assert len(ana.statements) <= MOST
    assert books.one(dock.house.hub, "select sum(amount) from postings where account = 'postage_owed'") == -10600

    id = books.one(dock.house.hub, "select id from carrier_bills")
    one = ana.get(f"/books/postage/{id}")
    assert "$99.00" in one and "Weekly" in one
    assert len(ana.statements) <= MOST
    assert "is here already" in ana.post("/books/postage/bill", carrier="dock 4", go="take", text=text)


@on_sqlite
def test_another_merchants_bill_is_not_there(dock: Depot, ana: Person) -> None:
    assert ana.send("/books/postage/nobody").status_code in (404, 405)
    assert "Say whose bill it is." in ana.post("/books/postage/bill", file=file(BILL))


@on_sqlite
def test_who_may_only_look_changes_nothing(shop: House, ana: Person) -> None:
    packer = person(shop.hub, shop.merchant.id, Role.PACKER)

    for path in ("/books/costs", "/books/costs/switch", "/books/costs/file", "/books/postage/bill"):
        assert packer.send(path).status_code == 403
