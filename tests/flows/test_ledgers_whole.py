"""Orders of a shop in a ledger, order by order, from one simulator through the hub's tasks into the other: what stands there is what is
booked, each document once, whatever answer is lost on the way."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from config.bench.street import LEDGERS, START, Street
from connectors.simulation import Fault
from core.domain.journal import Account
from core.domain.ledgers import Sort
from core.domain.who import HUB
from core.flows import books, posting
from core.store import journal
from tests.flows import books as rows

SHOP, DAY = "shopify", timedelta(days=1)
FIRST = START.date() - DAY
ADDS = {"receipt": -1, "invoice": -1, "refund": 1, "credit": 1, "journal": 1}  # what a line of these does to its account
PAYS = {"receipt": 1, "payment": 1, "refund": -1, "repayment": -1}  # and the whole of it to what came in
KINDS = {
    "quickbooks": {"receipt", "invoice", "payment", "refund"},
    "xero": {"invoice", "payment", "credit", "repayment"},
}
LOST = {
    "quickbooks": ("createSalesReceipt", "createInvoice", "createPayment", "createRefundReceipt", "createItem", "createCustomer"),
    "xero": ("createInvoices", "createPayments", "createCreditNotes"),
}  # fmt: skip


class Shop:
    """A shop at a ledger, which is told of each order from yesterday on."""

    def __init__(self, street: Street, name: str) -> None:
        self.street, self.name, self.ledger = street, name, street.connections[name]
        street.offer(["A", "B"])
        street.drain()
        books.begin(street.hub, street.merchant, FIRST, HUB)
        street.drain()
        self.clearing = self._map()
        chosen = {street.connections[SHOP].id: "per_order"}
        posting.choose(street.hub, street.merchant, self.ledger, HUB, starts=FIRST, chosen=chosen, taxes="account")
        street.drain()

    def _map(self) -> str:
        """What buyers owe, and what they got back, stand on accounts that take no payments."""
        hub, merchant = self.street.hub, self.street.merchant
        with hub.unit() as work:
            known = [one for one in posting.look(hub, work.db, self.ledger).accounts if one.active and one.journals]
        clearing = next(one.id for one in known if one.pays and one.sort is not Sort.BANK)
        spare = next(one.id for one in known if one.sort in posting.SPARE)
        posting.map_accounts(hub, merchant, self.ledger, HUB, {"clearing": clearing, "receivable": spare, "returns": spare})
        return clearing

    def sell(self, payment: str) -> str:
        wish = {"lines": [{"sku": "A", "quantity": 2}, {"sku": "B", "quantity": 1}], "plain": True, "payment": payment}
        [made] = self.street.simulator(SHOP).place(wish)
        return str(made["id"])

    def happens(self, order: str, what: str, **wish: Any) -> None:
        self.street.simulator(SHOP).act(order, what, wish)

    def night(self) -> None:
        """What was booked is gathered and written, and what failed is tried again."""
        self.street.poll()
        self.street.clock.pass_(DAY)
        self.street.ask("gather_documents", self.ledger.id, self.ledger.id)
        for _ in range(40):
            self.street.drain()
            self.street.clock.pass_(timedelta(seconds=30))

    def lose_answers(self) -> None:
        """The next document of each kind is written, and we do not hear of it."""
        self.street.world(self.name).faults[:] = [Fault("cut_after", name) for name in LOST[self.name]]

    def lost(self) -> int:
        return sum(one["status"] == "cut" for one in self.street.world(self.name).log)

    def there(self) -> list[dict[str, Any]]:
        return self.street.ledger(self.name).documents()

    def books_there(self) -> Counter[str]:
        """What each account of the ledger has by our documents; what came in and went out as `clearing`. Cents."""
        found = Counter[str]()
        for one in self.there():
            assert not one["gone"]
            found["clearing"] += PAYS.get(one["kind"], 0) * cents(one["total"])
            for line in one["lines"]:
                account = "clearing" if line["account"] == self.clearing else line["account"]
                found[account] += ADDS[one["kind"]] * cents(line["amount"])
        return found

    def books_here(self) -> Counter[str]:
        """The journal, by the ledger's accounts. What buyers owe is nobody's document: it is what invoices are and payments are not."""
        with self.street.hub.unit() as work:
            used = posting.look(self.street.hub, work.db, self.ledger).used
            sums = journal.balances(work.db, self.street.merchant, date.min, date.max)
        named = {Account.CLEARING: "clearing"}
        found = Counter[str]()
        for one in (one for one in sums if one.account is not Account.RECEIVABLE):
            found[named.get(one.account) or used[one.account.value]] += one.amount.minor
        return found


def cents(text: str) -> int:
    return int(Decimal(text) * 100)


@pytest.fixture(params=LEDGERS)
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    street = Street(tmp_path, [SHOP], limits="relaxed", ledgers=[request.param])
    yield Shop(street, request.param)
    street.close()


def test_an_order_that_is_sold_given_back_in_part_and_called_off_stands_in_the_ledger_as_in_the_journal(shop: Shop) -> None:
    """Paid at once, and paid a day later; every first answer to each kind of document is lost on each day. A third one is never paid, and
    stands nowhere."""
    paid, owed, never = shop.sell("paid"), shop.sell("pending"), shop.sell("pending")
    days = ([], [(paid, "refund"), (owed, "pay")], [(paid, "cancel"), (owed, "cancel"), (never, "cancel")])
    seen = []
    for happenings in days:
        for order, what in happenings:
            shop.happens(order, what)
        shop.lose_answers()
        shop.night()
        assert +shop.books_there() == +shop.books_here()
        assert -shop.books_there() == -shop.books_here()
        seen.append(shop.books_there()["clearing"])

    known = Counter((one["kind"], one["number"]) for one in shop.there())
    assert seen == [2700, 2700 - 900 + 2700, 0], "three units of 9.00 each, and one of them given back"
    assert {kind for kind, _ in known} == KINDS[shop.name]
    assert set(known.values()) == {1}
    assert rows.rows(shop.street.hub, "select distinct state from documents") == [("posted",)]
    assert shop.lost() >= len(KINDS[shop.name]), "answers were lost"
