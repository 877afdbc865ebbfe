"""A ledger's page: what entries wait for is said, and chosen there."""

import html

import pytest

from connectors.bogus.ledger import BogusBooks, manifest
from core.domain.books_words import BLOCKS
from core.domain.ledgers import Why
from core.flows import books as flow
from core.flows import connections as flows
from core.flows import posting
from core.store import documents
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN
from tests.flows.marks import on_sqlite
from tests.flows.test_books import sold
from tests.flows.test_posting import CODES, DAY, TODAY, british, gather, night, shelf, taxed
from tests.web.rooms import Person, person

MOST = 12  # what a ledger has is read by its kinds


@pytest.fixture
def system() -> BogusBooks:
    return BogusBooks()


@pytest.fixture
def shop(house: House, system: BogusBooks) -> House:
    house.shelve(A=100)
    house.hub.connectors = {**house.hub.connectors, "bogus_books": manifest(system)}
    flow.begin(house.hub, house.merchant.id, TODAY - 30 * DAY, ANN)
    ledger = flows.connect(house.hub, house.merchant.id, "bogus_books", "north-books", {})
    posting.choose(house.hub, house.merchant.id, ledger, ANN, starts=TODAY - 30 * DAY, chosen={house.connection.id: "daily"})
    house.drain()
    return house


@pytest.fixture
def ana(shop: House) -> Person:
    return person(shop.hub, shop.merchant.id)


def address(shop: House) -> str:
    return "/books/ledgers/" + str(books.one(shop.hub, "select id from connections where role = 'ledger'"))


def test_a_missing_tax_code_is_said_and_chosen_on_the_page(shop: House, system: BogusBooks, ana: Person) -> None:
    british(shop, system)
    taxed(shop)
    night(shop)
    shown = ana.get(address(shop))
    assert "Tax code missing" in shown and "your tax" in shown and len(ana.statements) <= MOST
    assert "Postage of other carriers" in shown

    [waits] = shelf(shop).untaxed
    ana.post(
        f"{address(shop)}/codes",
        **{f"tax||{waits}": CODES[0].id, f"fee|{shop.connection.id}": CODES[3].id, "fee|others": CODES[3].id, "else": "x"},
    )
    shop.drain()

    assert "Tax code missing" not in ana.get(address(shop))
    assert [one.document.tax.text() for one in system.documents] == ["4.00"]
    assert shelf(shop).chosen["fee|others"] == CODES[3].id
    assert "else" not in {what for (what,) in books.rows(shop.hub, "select what from account_maps")}


def test_another_way_of_writing_begins_on_the_day_that_is_named(shop: House, system: BogusBooks, ana: Person) -> None:
    later = (TODAY + DAY).isoformat()
    form = {"starts": TODAY.isoformat(), f"mode {shop.connection.id}": "per_order", "switch": later, "taxes": "account"}

    assert "Saved." in ana.post(f"{address(shop)}/choose", **form)

    gather(shop)
    assert [day.isoformat() for day, _ in shelf(shop).plans[shop.connection.id]][-1] == later
    assert "not a day" in ana.post(f"{address(shop)}/choose", **{**form, "switch": "soon"})


@on_sqlite
def test_each_reason_of_a_block_is_said_with_its_own_next_step(shop: House, system: BogusBooks, ana: Person) -> None:
    sold(shop)
    night(shop)
    id = str(books.one(shop.hub, "select id from documents"))
    shown = {}
    for why in (*Why, "unsupported"):
        with shop.hub.unit() as work:
            documents.block(work.db, id, why, f"their words of {why}", shop.hub.box(shop.merchant.id))
        shown[str(why)] = html.unescape(ana.get("/books/ledgers", state="blocked"))

    for why, page in shown.items():
        assert all(sentence in page for sentence in (*BLOCKS[why], f"their words of {why}", "Try again")), why
        assert not [other for other, (said, _) in BLOCKS.items() if other != why and said in page], why
        assert ("On day" in page) == (why == "closed")
    assert shown.keys() == BLOCKS.keys()
    assert len({step for _, step in BLOCKS.values()}) == len(BLOCKS)
