"""Gateways without a feed, deposits, opening balances and rates, as a bookkeeper meets them on pages."""

import io
import re

import pytest

from tests.conftest import House
from tests.flows import books
from tests.flows.test_books import paid_out, sold
from tests.flows.tills import DAY, file, open_till, paid_by, sale
from tests.web.rooms import Person, person

MOST = 8


@pytest.fixture
def shop(house: House) -> House:
    return open_till(house)


@pytest.fixture
def ana(shop: House) -> Person:
    return person(shop.hub, shop.merchant.id)


def upload(text: str) -> tuple[io.BytesIO, str]:
    return io.BytesIO(text.encode()), "may.csv"


def where(shop: House) -> dict[str, str]:
    return {"connection": shop.connection.id, "gateway": "paypal", "currency": "USD"}


def test_a_file_is_looked_at_taken_in_and_taken_back(shop: House, ana: Person) -> None:
    first, second = paid_by(shop), paid_by(shop)
    text = file(sale(first), sale(second, gross="19"))
    assert "paypal" in ana.get("/books/gateways") and len(ana.statements) <= MOST

    shown = ana.post("/books/gateways/look", file=upload(text), **where(shop))
    assert "to the cent" in shown and "$20.00 was open, $1.00 stays open" in shown
    assert books.one(shop.hub, "select count(*) from payouts") == 0

    assert "Booked: 1 payouts." in ana.post("/books/gateways/take", text=text, file="may.csv", **where(shop))
    assert "Here already: 1." in ana.post("/books/gateways/take", text=text, file="may.csv", **where(shop))
    [id] = [str(one) for (one,) in books.rows(shop.hub, "select id from payouts")]
    assert "PO-1" in ana.get(f"/books/payouts/{id}")
    assert "taken back" in ana.post(f"/books/gateways/{id}/back")


def test_a_wrong_file_says_which_line(shop: House, ana: Person) -> None:
    paid_by(shop)

    shown = ana.post("/books/gateways/look", file=upload(file("PO-1,soon,,USD,1,1,,,sale,")), **where(shop))

    assert "Line 2: date: it is like 2026-11-20" in shown and "Take it in" not in shown


def test_a_deposit_is_declared_of_what_is_ticked(shop: House, ana: Person) -> None:
    number = paid_by(shop)
    page = ana.get("/books/gateways/deposit", **where(shop))
    [item] = re.findall(r'name="item" value="([^"]+)"', page)
    wish = {**where(shop), "key": "K1", "amount": "19.50", "day": DAY.isoformat(), "item": item}

    assert number in page
    assert "say what the difference is" in ana.post("/books/gateways/declare", **wish)
    assert "Booked." in ana.post("/books/gateways/declare", why="fee", **wish)
    assert "Nothing is open" in ana.get("/books/gateways/deposit", **where(shop))


def test_payouts_that_came_together_and_what_the_bank_kept(shop: House, ana: Person) -> None:
    for _ in range(2):
        sold(shop)
        paid_out(shop)
    ids = [str(one) for (one,) in books.rows(shop.hub, "select id from payouts")]

    assert ana.get("/books/payouts").count('name="payout"') == 2
    ana.post("/books/deposits/add", payout=ids, amount="38.00", currency="USD", day=DAY.isoformat(), key="D1")
    assert "the bank shows $0.20 less" in ana.get("/books/deposits") and len(ana.statements) <= MOST
    assert "The bank shows another amount than was sent." in ana.get("/books/open", why="bank")
    item = {"connection": shop.connection.id, "item": "deposit D1", "gateway": "bogus", "currency": "USD"}
    ana.post("/books/open/write-off", into="payment_fees", **item)
    assert "explained" in ana.get("/books/deposits")
    ana.post("/books/deposits/D1/undo")
    assert "No deposit yet" in ana.get("/books/deposits")


def test_lines_of_the_bank_are_proposed_and_said_to_be_these(shop: House, ana: Person) -> None:
    sold(shop)
    paid_out(shop)
    amount = books.one(shop.hub, "select amount from payouts")

    shown = ana.post("/books/deposits/propose", file=upload(f"day,amount,currency,words\n{DAY},{amount / 100:.2f},USD,x\n{DAY},1,USD,y"))

    assert shown.count("These they are") == 1 and shown.count("No payout fits.") == 1


def test_opening_balances_are_typed_and_shown_as_they_are_met(shop: House, ana: Person) -> None:
    typed = {"what": ["clearing", "clearing"], "connection": [shop.connection.id, ""], "gateway": ["paypal", ""], "currency": ["USD", ""]}

    assert "Saved." in ana.post("/books/opening", amount=["100.00", ""], **typed)
    page = ana.get("/books/opening")
    assert "$100.00" in page and len(ana.statements) <= MOST
    assert "Line 2: amount" in ana.post("/books/opening", file=upload("account,channel,currency,amount\nclearing,bogus,USD,x"))
    assert "Saved." in ana.post("/books/opening", file=upload("account,channel,currency,amount\nclearing,bogus,USD,5"))
    assert "$5.00" in ana.get("/books/opening")


def test_rates_are_typed_and_brought(shop: House, ana: Person) -> None:
    assert "1.0834" in ana.post("/books/rates", day="2026-11-20", currency="EUR", base="USD", rate="1.0834")
    assert "rate: it is a plain number" in ana.post("/books/rates", day="2026-11-20", currency="EUR", base="USD", rate="much")
    assert "may.csv" in ana.post("/books/rates", file=upload("day,currency,base,rate\n2026-11-21,EUR,USD,1.09"))


def test_reserves_and_disputes_are_shown_by_channel_and_order(shop: House, ana: Person) -> None:
    number = paid_by(shop)
    rows = [f"PO-1,{DAY},,USD,{number},-20,,,chargeback,C-1", f"PO-1,{DAY},,USD,,-4,,,reserve,R-1"]

    ana.post("/books/gateways/take", text=file(sale(number), *rows), file="may.csv", **where(shop))

    page = ana.get("/books/held")
    assert "$4.00" in page and f"#{number}" in page and "open, or lost" in page and len(ana.statements) <= MOST
    assert "Nothing of it" not in page


@pytest.mark.parametrize("path", ["gateways/look", "gateways/take", "gateways/declare"])
def test_another_merchants_connection_is_not_there(shop: House, ana: Person, path: str) -> None:
    assert ana.send(f"/books/{path}", connection="another", gateway="paypal").status_code == 404
