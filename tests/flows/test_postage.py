"""Postage in the books: labels once, as they were bought, given back and billed; and a carrier's bill in the ledger."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.bogus.ledger import BogusBooks, manifest
from core.domain.ledgers import DocKind, Document, TaxCode
from core.flows import books, labelling, postage, posting
from core.flows import connections as flows
from core.flows.counting import WrongLines
from core.store import billing
from core.store.sql import run
from tests.conftest import START, House
from tests.flows import books as rows
from tests.flows.depot import ANN, Depot, depot
from tests.flows.marks import on_sqlite
from tests.flows.test_books import balances

TODAY = START.date()
DAY = timedelta(days=1)
HEAD = "number,date,tracking,what,amount,currency,text\n"


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=100)
    books.begin(house.hub, house.merchant.id, TODAY - 30 * DAY, ANN)
    house.drain()
    return depot(house)


def postage_of(dock: Depot) -> tuple[str, str]:
    found = balances(dock.house)
    return found.get("postage", "0.00"), found.get("postage_owed", "0.00")


def bought(dock: Depot) -> tuple[str, str]:
    """A label; its number and price."""
    dock.sell(A=1)
    dock.label()
    price = int(rows.one(dock.house.hub, "select price from purchases"))
    return str(rows.one(dock.house.hub, "select tracking from parcels")), f"{price / 100:.2f}"


def take(dock: Depot, text: str, **different: Any) -> list[postage.Reported]:
    hub, merchant = dock.house.hub, dock.merchant
    done = postage.take(hub, merchant, "dock 4", dock.carrier.id, postage.read(HEAD + text), ANN, **different)
    dock.house.drain()
    return done


def test_a_label_is_booked_when_it_is_bought_under_its_order(dock: Depot) -> None:
    _, price = bought(dock)

    assert postage_of(dock) == (price, f"-{price}")
    (item,) = rows.rows(dock.house.hub, "select item from postings where account = 'postage'")
    assert item[0] == rows.one(dock.house.hub, "select connection || '/' || channel_id from orders")


def test_what_an_order_leaves_is_less_its_label_as_soon_as_that_is_booked(dock: Depot) -> None:
    bought(dock)
    dock.house.drain()

    paid = rows.one(dock.house.hub, "select sum(price) from purchases")
    assert rows.one(dock.house.hub, "select sum(postage) from margins where part = ''") == -paid < 0


def test_a_label_that_is_given_back_is_taken_back(dock: Depot) -> None:
    bought(dock)

    labelling.give_back(dock.house.hub, dock.merchant, dock.id(), ANN)
    dock.house.drain()

    assert postage_of(dock) == ("0.00", "0.00")


def test_labels_are_booked_once_whoever_asks_and_those_forgotten_are_found(dock: Depot) -> None:
    _, price = bought(dock)
    with dock.house.hub.unit() as work:
        run(work.db, "delete from postings")
        run(work.db, "delete from entries")

    for _ in range(3):
        dock.house.ask("post_postage", dock.carrier.id, connection=dock.carrier)
        dock.house.drain()

    assert postage_of(dock) == (price, f"-{price}")
    assert rows.one(dock.house.hub, "select count(*) from entries where kind = 'postage'") == 1


@on_sqlite
def test_labels_of_before_somebody_kept_books_are_booked_when_they_begin_earlier(house: House) -> None:
    house.shelve(A=100)
    dock = depot(house)
    _, price = bought(dock)
    assert postage_of(dock) == ("0.00", "0.00")

    books.begin(house.hub, house.merchant.id, TODAY - DAY, ANN)
    house.drain()

    assert postage_of(dock) == (price, f"-{price}")


@on_sqlite
def test_a_label_that_a_channel_sold_comes_with_its_payouts_and_not_from_here(dock: Depot) -> None:
    dock.sell(A=1)
    key = dock.want()
    with dock.house.hub.unit() as work:
        run(work.db, "update connections set role = 'channel' where id = :id", id=dock.carrier.id)
    dock.house.drain()

    assert rows.one(dock.house.hub, "select state from purchases where id = :id", id=key) == "bought"
    assert postage_of(dock) == ("0.00", "0.00")


# ---- bills


def test_a_bill_makes_a_label_cost_what_was_billed(dock: Depot) -> None:
    number, _ = bought(dock)

    take(dock, f"77,{TODAY},{number},freight,9.00,USD,\n77,{TODAY},{number},surcharge,1.50,USD,Residential\n")
    assert postage_of(dock) == ("10.50", "-10.50")

    take(dock, f"78,{TODAY},{number},credit,-0.50,USD,Adjusted\n")
    assert postage_of(dock) == ("10.00", "-10.00")


def test_looking_at_a_bill_keeps_nothing_and_says_what_it_would_do(dock: Depot) -> None:
    number, price = bought(dock)

    (said,) = take(
        dock,
        f"77,{TODAY},{number.lower()},freight,99,USD,\n77,{TODAY},1Zother,freight,5,USD,\n77,{TODAY},,other,2,USD,Weekly\n",
        dry_run=True,
    )

    told = said.told()
    assert [(one["price"], one["billed"]) for one in told["labels"]] == [(price, "99.00")]
    assert told["not_bought_here"] == [{"tracking": "1Zother", "what": "freight", "amount": "5.00"}]
    assert told["others"] == [{"what": "other", "amount": "2.00", "text": "Weekly"}]
    assert postage_of(dock) == (price, f"-{price}")
    assert rows.one(dock.house.hub, "select count(*) from carrier_bills") == 0


def test_a_bill_is_taken_once(dock: Depot) -> None:
    take(dock, f"77,{TODAY},1Zother,freight,5,USD,\n")

    with pytest.raises(WrongLines, match="line 2: number: 77 of dock 4 is here already"):
        take(dock, f"77,{TODAY},1Zother,freight,5,USD,\n")

    assert balances(dock.house)["unknown"] == "5.00"


@on_sqlite
def test_a_label_that_was_given_back_and_is_billed_all_the_same_is_found(dock: Depot) -> None:
    number, _ = bought(dock)
    labelling.give_back(dock.house.hub, dock.merchant, dock.id(), ANN)
    dock.house.drain()

    (said,) = take(dock, f"77,{TODAY},{number},freight,9,USD,\n")

    assert [(one.price.text() if one.price is not None else None, one.billed.text()) for one in said.labels] == [("0.00", "9.00")]
    assert postage_of(dock) == ("9.00", "-9.00")


@on_sqlite
def test_what_was_bought_and_never_billed_is_listed(dock: Depot) -> None:
    number, _ = bought(dock)

    def unbilled() -> int:
        with dock.house.hub.database.read() as db:
            return len(billing.unbilled(db, dock.merchant, TODAY - DAY, TODAY + DAY, 10))

    assert unbilled() == 1
    take(dock, f"77,{TODAY},{number},freight,9,USD,\n")
    assert unbilled() == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("77,soon,1Z,freight,9,USD,\n", "line 2: date: .soon. is not a day"),
        ("77,2026-11-20,1Z,fright,9,USD,\n", "line 2: what: .fright. is none of freight, surcharge"),
        ("77,2026-11-20,1Z,freight,9.999,USD,\n", "line 2: amount"),
        (",2026-11-20,1Z,freight,9,USD,\n", "line 2: number: there is none"),
        ("77,2026-11-20,1Z,freight,9,USD,\n77,2026-11-21,1Z,freight,9,USD,\n", "line 3: number: 77 has another date"),
        ("", "there is no line in it"),
    ],
)
def test_a_file_that_is_no_bill_names_its_lines(text: str, words: str) -> None:
    with pytest.raises(WrongLines, match=words):
        postage.read(HEAD + text)


def keeper(dock: Depot, system: BogusBooks, **codes: str) -> str:
    """A ledger into which bills are written; its id."""
    house = dock.house
    house.hub.connectors = {**house.hub.connectors, "bogus_books": manifest(system)}
    ledger = flows.connect(house.hub, dock.merchant, "bogus_books", "north-books", {})
    posting.choose(house.hub, dock.merchant, ledger, ANN, starts=TODAY - 30 * DAY, chosen={})
    house.drain()
    with house.hub.unit() as work:
        shelf = posting.look(house.hub, work.db, house.hub.connection(ledger.id))
    spare = next(one.id for one in shelf.accounts if one.journals)
    choose(dock, ledger.id, **dict.fromkeys(["postage_owed", "postage", "fee_tax"], spare), **codes)
    return ledger.id


def choose(dock: Depot, ledger: str, **chosen: str) -> None:
    posting.map_accounts(dock.house.hub, dock.merchant, dock.house.hub.connection(ledger), ANN, chosen)
    dock.house.drain()


def gather(dock: Depot, ledger: str) -> None:
    dock.house.ask("gather_documents", connection=dock.house.hub.connection(ledger))
    dock.house.drain()


def bills(system: BogusBooks) -> list[Document]:
    return [one.document for one in system.documents if one.document.kind is DocKind.BILL]


def test_a_bill_becomes_a_bill_in_the_ledger_once(dock: Depot) -> None:
    system = BogusBooks()
    ledger = keeper(dock, system)
    number, _ = bought(dock)
    take(dock, f"77,{TODAY},{number},freight,9.00,USD,\n")
    for _ in range(3):
        gather(dock, ledger)

    assert [(one.contact, one.total.text(), one.on) for one in bills(system)] == [("dock 4", "9.00", TODAY)]


@on_sqlite
def test_a_bill_that_charges_tax_brings_it_by_its_code_and_waits_for_the_right_one(dock: Depot) -> None:
    system = BogusBooks(
        country="GB", codes=(TaxCode("P", "20", Decimal(20)), TaxCode("P5", "5", Decimal(5)), TaxCode("N", "No", Decimal(0)))
    )
    ledger = keeper(dock, system, **{f"fee|{dock.carrier.id}": "P5"})
    take(dock, f"77,{TODAY},,freight,10.00,USD,\n77,{TODAY},,tax,2.00,USD,\n")
    gather(dock, ledger)
    assert bills(system) == []
    assert rows.rows(dock.house.hub, "select state, why from documents where kind = 'bill'") == [("blocked", "tax")]

    choose(dock, ledger, **{f"fee|{dock.carrier.id}": "P"})

    assert [(one.total.text(), one.tax.text(), [line.tax_code for line in one.lines]) for one in bills(system)] == [
        ("12.00", "2.00", ["P", "N", "N"])
    ]
