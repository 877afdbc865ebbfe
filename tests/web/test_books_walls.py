"""Another merchant's books are not there: his bill, payout, ledger, deposit, document and certificate answer 404, by page and by program.

The very same questions are answered to whom they belong, so none of them is asked wrongly. SQLite has no rows of nobody's concern, so the
statements themselves must begin with the merchant.
"""

from typing import Any

import pytest
from sqlalchemy import text as sql

from core.domain.deposits import Deposit
from core.domain.money import Money
from core.flows import books as keeping
from core.flows import connections, depositing, postage
from tests.conftest import START, House
from tests.flows import books
from tests.flows.depot import ANN
from tests.flows.marks import on_sqlite
from tests.flows.test_books import paid_out, sold
from tests.web.neighbours import everything
from tests.web.rooms import keeping_books, person
from tests.web.test_api_books import program
from tests.web.test_api_reads import document_of
from tests.web.test_books import LEDGER

pytestmark = on_sqlite
BILL = "number,date,tracking,what,amount,currency,text\n77,2026-11-20,,freight,9.00,USD,\n"
READ = (
    "/books/payouts/{payout}", "/books/payouts/{payout}/certificate.pdf", "/books/ledgers/{ledger}", "/books/postage/{bill}",
    "/books/orders/{order}",
)  # fmt: skip
BY_PROGRAM = (
    "books/payouts/{payout}", "books/payouts/{payout}/lines", "books/payouts/{payout}/certificate", "books/documents/{document}",
    "books/entries?payout={payout}", "books/entries?order={order}",
)  # fmt: skip
LISTS = ("/books/certificate.csv", "/books/payouts", "/books/postage", "/books/ledgers", "/books/deposits", "/books/open", "/books/held")
WRITE: dict[str, dict[str, str]] = {
    "/books/payouts/{payout}/banked": {"amount": "1.00"},
    "/books/ledgers/{ledger}/choose": {"starts": "2026-11-01"},
    "/books/ledgers/{ledger}/accounts": {"account sales": "4000"},
    "/books/ledgers/{ledger}/codes": {"fee|others": "P"},
    "/books/documents/{document}/again": {},
    "/books/deposits/{deposit}/undo": {},
    "/books/gateways/{payout}/back": {},
}


@pytest.fixture
def shop(house: House) -> House:
    """Books in which something of each kind stands."""
    keeping_books(house)
    hub, merchant = house.hub, house.merchant.id
    for _ in range(2):
        sold(house)
        paid_out(house)
    one = Deposit("D1", START.date(), Money(1910, "USD"), "ACH 4711")
    depositing.add(hub, merchant, one, [str(books.one(hub, "select min(id) from payouts"))], ANN)
    postage.take(hub, merchant, "UPS", "", postage.read(BILL), ANN)
    with hub.database.write() as db:
        db.execute(sql(LEDGER), {"merchant": merchant})
    document_of(hub, merchant, "d1", "ledger", "blocked")
    return house


@pytest.fixture
def named(shop: House) -> dict[str, str]:
    """By what each thing is asked for."""
    asks = {
        "payout": "max(id) from payouts",
        "bill": "id from carrier_bills",
        "order": "max(id) from orders",
        "deposit": "id from deposits",
    }
    found = {name: str(books.one(shop.hub, f"select {one}")) for name, one in asks.items()}
    return {**found, "ledger": "ledger", "document": "d1"}


@pytest.fixture
def neighbour(shop: House) -> str:
    """Another merchant, who keeps books of his own."""
    id = connections.add_merchant(shop.hub, "South Sea Trading").id
    keeping.begin(shop.hub, id, START.date(), ANN)
    return id


def answers(shop: House, merchant: str, named: dict[str, str]) -> dict[str, int]:
    """What each question is answered by, as its status: reading first."""
    ana, till = person(shop.hub, merchant), program(shop, merchant)
    read = {path: ana.ask(path.format(**named)).status_code for path in READ}
    told = {path: till.get(path.format(**named)).status_code for path in BY_PROGRAM}
    return {**read, **told, **{path: ana.send(path.format(**named), **form).status_code for path, form in WRITE.items()}}


def test_nothing_of_another_merchants_books_is_there_and_nothing_of_it_changes(shop: House, named: dict[str, str], neighbour: str) -> None:
    before = everything(shop.hub, shop.merchant.id)

    assert set(answers(shop, neighbour, named).values()) == {404}
    assert everything(shop.hub, shop.merchant.id) == before
    assert {path: status for path, status in answers(shop, shop.merchant.id, named).items() if status not in (200, 303)} == {}


def test_a_neighbours_certificate_and_lists_are_of_his_own_books_alone(shop: House, named: dict[str, str], neighbour: str) -> None:
    """What needs no id shows his own: nothing was sold there."""
    ana, till = person(shop.hub, neighbour), program(shop, neighbour)
    texts = [ana.get(path, month="2026-11") for path in LISTS]

    strange = (*(named[name] for name in ("payout", "bill", "order")), "BOGUS P", "ACH 4711", "UPS", "Our books", "#1001")
    assert [(path, word) for path, text in zip(LISTS, texts, strict=True) for word in strange if word in text] == []
    certificate = till.get("books/certificate?month=2026-11").get_json()
    assert [certificate[name] for name in ("cleared", "open", "balances", "residue")] == [[]] * 4


def test_a_neighbour_cannot_join_what_is_not_his_in_a_deposit_or_write_it_off(shop: House, named: dict[str, str], neighbour: str) -> None:
    ana, before = person(shop.hub, neighbour), everything(shop.hub, shop.merchant.id)
    told: dict[str, Any] = {"amount": "19.10", "currency": "USD", "day": "2026-11-20", "payout": [named["payout"]], "key": "D2"}
    item = {"connection": shop.connection.id, "item": f"{shop.connection.id}/1001", "gateway": "bogus", "currency": "USD"}

    said = ana.post("/books/deposits/add", **told)

    assert "Booked." not in said
    assert ana.send("/books/open/write-off", **item).status_code == 404
    assert books.rows(shop.hub, "select id from deposits") == [("D1",)]
    assert everything(shop.hub, shop.merchant.id) == before
