"""What orders left stands beside their entries: to the cent what the journal says of them, whenever it is looked at."""

from datetime import timedelta

import pytest

from core.domain.journal import Account, Entry, EntryKind, Posting, due
from core.domain.money import Money
from core.flows import books as flow
from core.flows import linking
from core.flows import margins as flow_margins
from core.store import journal, margins
from tests.conftest import START, House
from tests.flows import books
from tests.flows.depot import ANN
from tests.flows.test_books import give_back, paid_out, sold

TODAY = START.date()
FEES = "('selling_fees', 'payment_fees', 'fee_tax', 'other_fees')"


@pytest.fixture
def shop(house: House) -> House:
    house.shelve(A=100, B=100)
    flow.begin(house.hub, house.merchant.id, TODAY - timedelta(days=30), ANN)
    house.drain()
    return house


def ref(shop: House, number: str) -> str:
    return f"{shop.connection.id}/{number}"


def rows(shop: House, number: str) -> dict[str, tuple[int, int, int, int | None]]:
    """By part: earned, given back, fees, cost."""
    with shop.hub.database.read() as db:
        found = margins.of_order(db, shop.merchant.id, ref(shop, number))
    return {one.part: (one.earned, one.given_back, one.fees, one.cost) for one in found}


def book(shop: House, entry: Entry) -> None:
    with shop.hub.unit() as work:
        journal.append(work.db, shop.merchant.id, due([entry], {}), work.now)


def test_a_sale_leaves_what_it_earned_and_its_cost_is_not_known(shop):
    number = sold(shop, A=2)

    assert rows(shop, number) == {"": (2000, 0, 0, None), "1": (2000, 0, 0, None)}


def test_what_is_given_back_and_what_the_payout_takes_is_taken_off(shop):
    number = sold(shop, A=2)
    give_back(shop, number)
    shop.poll()
    paid_out(shop)

    found = rows(shop, number)[""]

    assert found[:2] == (2000, -1000)
    assert found[2] == -books.one(shop.hub, f"select sum(amount) from postings where account in {FEES}") < 0


def test_what_orders_left_is_what_the_journal_says_of_them(shop):
    for units in (1, 2, 3):
        number = sold(shop, A=units, B=1)
    give_back(shop, number)
    shop.poll()
    paid_out(shop)

    left = books.one(shop.hub, "select sum(earned + given_back + fees + postage) from margins where sku = ''")
    lines = books.one(shop.hub, "select sum(earned + given_back + fees + postage) from margins where sku <> ''")
    kept = books.one(shop.hub, f"select -sum(amount) from postings where account in ('sales', 'shipping', 'returns') or account in {FEES}")
    assert left == lines == kept


def test_postage_is_taken_off_once_a_label_is_booked(shop):
    number, cost = sold(shop, A=2), Money(700, "USD")
    sent = (Posting(Account.POSTAGE, cost, item=ref(shop, number)), Posting(Account.POSTAGE_OWED, -cost))
    book(shop, Entry(EntryKind.POSTAGE, "label 1", "label", TODAY, sent))

    with shop.hub.unit() as work:
        flow_margins.keep_these(shop.hub, work, shop.merchant.id, [ref(shop, number), "nobody/1"])

    with shop.hub.database.read() as db:
        assert [one.postage for one in margins.of_order(db, shop.merchant.id, ref(shop, number))] == [-700, -700]


def test_an_order_that_is_said_to_be_a_copy_is_taken_out_of_the_books_at_once_and_comes_back(shop):
    first, copy = sold(shop, A=1), sold(shop, A=1)
    shop.drain()

    linking.link(shop.hub, shop.merchant.id, ref(shop, copy), ref(shop, first))
    shop.drain()
    assert books.one(shop.hub, "select -sum(amount) from postings where account = 'sales'") == 1000
    assert rows(shop, copy) == {}

    linking.unlink(shop.hub, ref(shop, copy))
    shop.drain()
    assert books.one(shop.hub, "select -sum(amount) from postings where account = 'sales'") == 2000
    assert rows(shop, copy)[""][0] == 1000
