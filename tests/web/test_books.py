"""The books as a bookkeeper sees them: beginning, payouts matched, a break found and explained, an order's entries, the certificate."""

import re

import pytest
from sqlalchemy import text as sql

from core.domain.roles import Role
from core.store.tables import us
from tests.conftest import START, House
from tests.flows import books
from tests.flows.marks import on_sqlite
from tests.flows.test_books import changed, give_back, only, paid_out, sold
from tests.papers.reading import text
from tests.web.rooms import Person, keeping_books, person
from tests.web.test_api_reads import document_of

MOST = 8
LEDGER = """
insert into connections (id, merchant, channel, account, label, created_at, role)
values ('ledger', :merchant, 'bogus', 'b', 'Our books', 1, 'ledger')
"""


@pytest.fixture
def shop(house: House) -> House:
    return keeping_books(house)


@pytest.fixture
def ana(shop: House) -> Person:
    return person(shop.hub, shop.merchant.id)


def payout(shop: House) -> str:
    return str(books.one(shop.hub, "select max(id) from payouts"))


def order(shop: House) -> str:
    return str(books.one(shop.hub, "select max(id) from orders"))


def test_books_begin_on_the_page(house: House) -> None:
    house.shelve(A=10)
    sold(house)
    ana = person(house.hub, house.merchant.id)
    assert "No books are kept yet" in ana.get("/books")

    ana.post("/books/begin", starts="2026-11-01")
    house.drain()

    assert "Payment: 1" in ana.get("/books")


def test_a_payout_that_is_told_whole_says_so_and_every_page_opens(shop: House, ana: Person) -> None:
    number = sold(shop)
    give_back(shop, number)
    shop.poll()
    paid_out(shop)

    ana.get("/books")
    text = ana.get("/books")
    assert len(ana.statements) <= MOST
    assert "all explained" in text and "BOGUS P1" in text
    text = ana.get(f"/books/payouts/{payout(shop)}")
    assert "Its lines add up to the payout, to the cent." in text and "to the cent</" in text
    assert len(ana.statements) <= MOST
    text = ana.get("/books/certificate")
    assert "everything is named" in text
    assert "residue,,,USD,,clearing less open items,0.00" in ana.get("/books/certificate.csv")
    assert "Nothing is open" in ana.get("/books/open")
    assert "BOGUS P1" in ana.get("/books/payouts")


def test_days_of_payouts_are_the_merchants(shop: House, ana: Person) -> None:
    sold(shop)
    shop.poll()
    paid_out(shop)
    assert "2026-11-22" in ana.get(f"/books/payouts/{payout(shop)}")

    there = person(shop.hub, shop.merchant.id, zone="Pacific/Auckland")

    for page in ("/books/payouts", f"/books/payouts/{payout(shop)}"):
        assert "2026-11-23" in there.get(page)


def test_what_is_awaited_is_counted_and_listed_apart_from_what_needs_a_look(shop: House, ana: Person) -> None:
    sold(shop)

    assert "<b>1</b><small>orders whose money is still to come" in ana.get("/books")
    assert "#1001" in ana.get("/books/open", why="awaited")
    assert "#1001" not in ana.get("/books/open")


def test_a_planted_break_is_found_and_explained_with_what_to_do(shop: House, ana: Person) -> None:
    number = sold(shop)
    paid_out(shop, but=only(f"sale {number}", lambda one: changed(one, gross=-1)))

    text = ana.get("/books")
    assert "The channel settled another amount than the order's." in text
    assert re.search(r'<td class="n"><strong>\$0\.01</strong></td>', text)
    assert "Compare the order" in ana.get("/books/open", why="differs")


def test_a_break_can_be_written_off_once(shop: House, ana: Person) -> None:
    number = sold(shop)
    paid_out(shop, but=only(f"sale {number}", lambda one: changed(one, gross=-1)))
    wish = {"connection": shop.connection.id, "item": f"{shop.connection.id}/{number}", "gateway": "bogus", "currency": "USD"}

    ana.post("/books/open/write-off", **wish)

    assert "Nothing is open" in ana.get("/books/open")
    assert books.one(shop.hub, "select sum(amount) from postings where account = 'written_off'") == 1
    assert ana.send("/books/open/write-off", **wish).status_code == 404


def test_an_orders_entries_stand_as_debit_and_credit(shop: House, ana: Person) -> None:
    sold(shop)

    text = ana.get(f"/books/orders/{order(shop)}")

    assert re.findall(r"<h2>(\w+) · ", text) == ["Sale", "Payment"]
    assert text[text.index("<h2>Sale") :].count("$20.00") == 4


def test_an_order_that_is_not_booked_says_why(shop: House, ana: Person) -> None:
    """As it came, or as it is after a change."""
    number = sold(shop)
    shop.bogus.change(number, total="21.00")
    shop.poll()
    shop.bogus.sell({"A": 1}, total="11.00")
    shop.poll()

    was, new = (
        ana.get(f"/books/orders/{books.one(shop.hub, 'select id from orders where total = :total', total=total)}") for total in (2100, 1100)
    )

    assert "It changed, and the change waits to be booked." in was and "<h2>Sale" in was
    assert "It waits to be booked" in new and "Its parts do not come to its total" in new


def test_what_the_bank_says_is_kept_beside_the_payout(shop: House, ana: Person) -> None:
    sold(shop)
    paid_out(shop)
    address = f"/books/payouts/{payout(shop)}"

    ana.post(f"{address}/banked", amount="19.10")
    assert "on the bank's statement" in ana.get(address)
    ana.post(f"{address}/banked", amount="19.00")
    assert "the bank says $19.00" in ana.get(address)
    assert "That is not an amount of money." in ana.post(f"{address}/banked", amount="a lot")


def test_a_month_is_closed_and_opened_again(shop: House, ana: Person) -> None:
    ana.post("/books/close", until="2026-10-31")
    assert "Closed up to 2026-10-31" in ana.get("/books")

    ana.post("/books/close", until="")
    assert "No month is closed yet." in ana.get("/books")


@on_sqlite
@pytest.mark.parametrize("role", [Role.PACKER, Role.VIEWER])
def test_books_are_for_bookkeepers(shop: House, role: Role) -> None:
    other = person(shop.hub, shop.merchant.id, role)

    assert other.ask("/books").status_code == 403
    assert "Accounting" not in other.get("/orders")


@on_sqlite
def test_older_payouts_follow_on_the_next_page(shop: House, ana: Person) -> None:
    sold(shop)
    paid_out(shop)

    assert "BOGUS P1" not in ana.get("/books/payouts", before=str(us(START)))


def test_a_months_certificate_is_a_paper_too(shop: House, ana: Person) -> None:
    number = sold(shop)

    answer = ana.client.get("/books/certificate.pdf")

    assert answer.content_type == "application/pdf" and "certificate-" in answer.headers["Content-Disposition"]
    assert f"#{number}" in text(answer.data) or number in text(answer.data)


def test_without_books_there_is_no_paper(house: House) -> None:
    answer = person(house.hub, house.merchant.id).client.get("/books/certificate.pdf")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/books")


def test_a_payout_is_a_paper_too_that_names_its_break_and_comes_to_nothing(shop: House, ana: Person) -> None:
    number = sold(shop)
    paid_out(shop, but=only(f"sale {number}", lambda one: changed(one, gross=-1)))
    address = f"/books/payouts/{payout(shop)}"

    assert f"{address}/certificate.pdf" in ana.get(address)
    said = text(ana.client.get(f"{address}/certificate.pdf").data)
    assert "#1001" in said and "another amount" in said.replace("\n", " ") and "everything is named" in said


def test_the_trial_balance_stands_on_both_sides_alike(shop: House, ana: Person) -> None:
    sold(shop)

    said = ana.get("/books/balances")

    assert "it balances" in said and "does not balance" not in said and len(ana.statements) <= MOST
    assert "Nothing was booked by then" in ana.get("/books/balances", on="2020-01-01")


@on_sqlite
def test_a_ledger_that_declines_is_seen_at_a_glance_with_why_and_what_to_do(shop: House, ana: Person) -> None:
    with shop.hub.database.write() as db:
        db.execute(sql(LEDGER), {"merchant": shop.merchant.id})
    document_of(shop.hub, shop.merchant.id, "d1", "ledger", "blocked")
    document_of(shop.hub, shop.merchant.id, "d2", "ledger", "posted")

    said = ana.get("/books")

    assert "1 × Its day lies in a period that is closed there." in said and "Open the period there" in said
    assert "2026-11-20" in said and len(ana.statements) <= MOST
