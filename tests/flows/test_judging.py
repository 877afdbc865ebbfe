"""What does not agree in the books needs attention and is told, until it is gone."""

from datetime import timedelta

import pytest

from connectors.bogus.ledger import BogusBooks, manifest
from core.flows import accounts, books, posting
from core.flows import connections as flows
from core.store import alerts, attention, findings
from tests.conftest import START, House
from tests.flows.depot import ANN
from tests.flows.test_books import changed, only, paid_out, sold
from tests.flows.test_posting import night, rows

TODAY = START.date()


@pytest.fixture
def shop(house: House) -> House:
    house.shelve(A=100)
    books.begin(house.hub, house.merchant.id, TODAY - timedelta(days=30), ANN)
    house.drain()
    return house


def found(shop: House) -> list[tuple[str, str, str, str]]:
    with shop.hub.database.read() as db:
        return [(one.what, one.subject, one.theirs, one.ours) for one in findings.listed(db, shop.merchant.id, only_open=True)]


def test_a_payout_that_settles_too_little_is_found_told_and_gone_once_it_is_written_off(shop):
    number = sold(shop)
    paid_out(shop, but=only(f"sale {number}", lambda one: changed(one, gross=-100)))

    assert found(shop) == [("break", f"#{number} bogus USD", "19.00", "20.00")]
    with shop.hub.database.read() as db:
        [shown] = attention.page(db, shop.merchant.id, "found-break", shop.hub.now)
    assert shown.name == f"#{number} bogus USD"
    with shop.hub.unit() as work:
        work.ask(shop.merchant.id, "raise_alerts", shop.merchant.id)
    shop.drain()
    with shop.hub.database.read() as db:
        assert ("found-break", shown.subject) in alerts.open_of(db, shop.merchant.id)

    accounts.write_off(shop.hub, shop.merchant.id, shop.connection.id, f"{shop.connection.id}/{number}", "bogus", "USD", ANN)
    shop.drain()

    assert found(shop) == []


def test_what_agrees_is_never_found(shop):
    for _ in range(3):
        sold(shop)
    paid_out(shop)

    assert found(shop) == []


def test_a_document_that_its_ledger_declines_is_found_until_it_is_taken(shop):
    system = BogusBooks(closed=TODAY)
    shop.hub.connectors = {**shop.hub.connectors, "bogus_books": manifest(system)}
    ledger = flows.connect(shop.hub, shop.merchant.id, "bogus_books", "north-books", {})
    posting.choose(shop.hub, shop.merchant.id, ledger, ANN, starts=TODAY, chosen={shop.connection.id: "daily"})
    sold(shop)
    night(shop)
    assert [one[0] for one in found(shop)] == ["document"]

    system.closed = None
    posting.again(shop.hub, shop.merchant.id, str(rows.one(shop.hub, "select id from documents")), ANN)
    shop.drain()

    assert found(shop) == []
