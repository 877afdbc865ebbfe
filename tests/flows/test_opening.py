"""What stood when accounting began: typed, met by money for older orders, never a break, never in a ledger."""

from datetime import date, timedelta

import pytest

from connectors.bogus.ledger import BogusBooks, manifest
from core.domain.matching import Cause
from core.domain.money import Money
from core.domain.opening import Balance, What
from core.flows import accounts, books, opening, posting
from core.flows import connections as flows
from core.store import journal
from tests.conftest import House
from tests.flows import books as rows
from tests.flows.depot import ANN
from tests.flows.test_books import balances
from tests.flows.tills import DAY, file, open_till, sale, take


@pytest.fixture
def shop(house: House) -> House:
    return open_till(house)


def usd(minor: int) -> Money:
    return Money(minor, "USD")


def stood(shop: House, minor: int = 10000, gateway: str = "paypal") -> Balance:
    return Balance(What.CLEARING, shop.connection.id, gateway, usd(minor))


def keep(shop: House, *found: Balance) -> None:
    opening.keep(shop.hub, shop.merchant.id, found, ANN)


def test_each_balance_stands_where_it_belongs_against_the_opening_account(shop: House) -> None:
    here = shop.connection.id

    keep(
        shop, stood(shop), Balance(What.DEFERRED, here, "bogus", usd(700)), Balance(What.RESERVE, here, "bogus", usd(500)),
        Balance(What.GIFT_CARDS, here, "", usd(300)), Balance(What.STOCK, "", "", usd(2000)),
    )  # fmt: skip

    with shop.hub.database.read() as db:
        kept = journal.balances(db, shop.merchant.id, date.min, date.max)
    sums: dict[str, int] = {}
    for one in kept:
        sums[one.account] = sums.get(one.account, 0) + one.amount.minor
    assert sums == {"clearing": 10700, "reserve": 500, "gift_cards": -300, "inventory": 2000, "opening": -12900}
    with shop.hub.database.read() as db:
        found = opening.look(db, shop.merchant.id)
    assert found and {(one.item.gateway, one.item.open.text()) for one in found.met} == {("paypal", "100.00"), ("bogus", "7.00")}


def test_balances_that_are_typed_again_are_booked_as_a_difference_and_taken_back(shop: House) -> None:
    keep(shop, stood(shop))
    keep(shop, stood(shop))
    assert rows.one(shop.hub, "select count(*) from entries") == 1

    keep(shop, stood(shop, 9000))
    assert balances(shop)["clearing"] == "90.00"
    keep(shop)

    assert balances(shop) == {}


def test_money_for_older_orders_meets_it_and_is_never_a_break(shop: House) -> None:
    keep(shop, stood(shop))

    take(shop, file(sale("opening", gross="30"), sale("opening", "PO-2", gross="90")))

    with shop.hub.database.read() as db:
        found = opening.look(db, shop.merchant.id)
        certificate = accounts.certificate(shop.hub, db, shop.merchant.id, DAY, DAY)
    assert found and [(one.came.text(), one.item.open.text()) for one in found.met] == [("120.00", "-20.00")]
    assert [one.cause for one in certificate.found] == [Cause.AWAITED]


def test_books_that_begin_on_another_day_begin_with_the_same_balances(shop: House) -> None:
    keep(shop, stood(shop))

    books.begin(shop.hub, shop.merchant.id, DAY - timedelta(days=10), ANN)

    assert balances(shop)["clearing"] == "100.00"
    assert rows.one(shop.hub, "select max(day) from entries where reverses is null") == (DAY - timedelta(days=10)).isoformat()


def test_no_opening_balance_is_written_into_a_ledger(shop: House) -> None:
    system = BogusBooks()
    shop.hub.connectors = {**shop.hub.connectors, "bogus_books": manifest(system)}
    ledger = flows.connect(shop.hub, shop.merchant.id, "bogus_books", "north-books", {})
    posting.choose(shop.hub, shop.merchant.id, ledger, ANN, starts=DAY - timedelta(days=30), chosen={shop.connection.id: "daily"})
    keep(shop, stood(shop))
    shop.clock.pass_(timedelta(days=40))
    shop.ask("gather_documents", connection=ledger)
    shop.drain()

    assert rows.one(shop.hub, "select count(*) from entries where kind = 'opening'") == 1
    assert rows.one(shop.hub, "select count(*) from document_entries") == 0
    assert system.documents == []
