"""Amazon's simulator loses, pays for, finds and disposes of goods: its ledger and its settlements are read, and the books count each unit
once. With the vendor's limits, on a virtual clock."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from config.bench.street import START, Street
from connectors.simulation import Settles
from core.domain.money import Money
from core.flows import books, costing
from core.flows.costing import Typed
from core.store import costs, shelf_moves, stock
from tests.flows import books as rows
from tests.flows.depot import ANN

SKU = "A-FBA"
FIRST = START.date() - timedelta(days=20)


class Warehouse:
    """An account with goods in Amazon's warehouses, and our books beside it."""

    def __init__(self, street: Street) -> None:
        self.street, self.id = street, street.connections["amazon"].id
        self.simulator = street.simulator("amazon")
        street.offer(["A"])
        with street.hub.unit() as work:
            stock.count(work.db, street.merchant, [{"sku": SKU, "title": SKU, "location": street.place, "on_hand": 1}], work.now)
        self.ask("read_listings")
        books.begin(street.hub, street.merchant, FIRST, ANN)
        costing.type_costs(street.hub, street.merchant, [Typed(SKU, "2", "USD")], ANN)

    def ask(self, kind: str) -> None:
        """It is done, however often it has to be asked for within an hour."""
        self.street.ask(kind, self.id, self.id)
        for _ in range(60):
            self.street.drain()
            self.street.clock.pass_(timedelta(minutes=1))

    def befall(self, what: str, units: int) -> None:
        self.simulator.befall(what, {"sku": SKU, "units": units})  # type: ignore[attr-defined]

    def days(self, count: int) -> None:
        """These pass, and the ledger is read."""
        self.street.clock.pass_(timedelta(days=count))
        self.ask("read_shelves")

    def settle(self) -> None:
        """An order leaves and is paid for, and whatever else the settlement holds."""
        self.simulator.act(self.street.sell("amazon", {"A": 1}), "fulfill", {})
        self.street.clock.pass_(timedelta(hours=1))
        assert isinstance(self.simulator, Settles)
        self.simulator.settle({})
        self.street.clock.pass_(timedelta(days=3))
        self.ask("read_payouts")

    def cost(self) -> str:
        """Of this SKU, as booked."""
        minor = rows.one(
            self.street.hub,
            "select coalesce(sum(amount), 0) from postings where account = 'goods_sold' and item = :item",
            item=f"sku {SKU}",
        )
        return Money(int(minor), "USD").text()

    def income(self) -> int:
        return -int(rows.one(self.street.hub, "select coalesce(sum(amount), 0) from postings where account = 'reimbursements'"))

    def parked(self) -> list[tuple[object, ...]]:
        return rows.rows(self.street.hub, "select kind, cause from tasks where state = 'parked'")


@pytest.fixture
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    street = Street(tmp_path_factory.mktemp("amazon"), ["amazon"])
    yield Warehouse(street)
    street.close()


def test_a_loss_is_counted_where_the_ledger_tells_it_and_what_amazon_pays_for_it_is_income_alone(warehouse: Warehouse) -> None:
    warehouse.befall("lost", 3)
    warehouse.settle()
    costing.switch(warehouse.street.hub, warehouse.street.merchant, FIRST, ANN)
    warehouse.days(2)
    assert (warehouse.cost(), warehouse.income() > 0) == ("6.00", True)

    before = warehouse.income()
    warehouse.befall("found", 1)
    warehouse.befall("disposed", 2)
    warehouse.befall("damaged", 4)
    warehouse.days(2)
    assert warehouse.cost() == "8.00"

    warehouse.settle()
    warehouse.days(1)
    assert (warehouse.cost(), warehouse.income() < before) == ("8.00", True)
    assert warehouse.parked() == []

    with warehouse.street.hub.database.read() as db:
        _, reading = shelf_moves.reading(db, warehouse.id)
        assert (reading.first, reading.cursor, costs.how_many_lack(db, warehouse.street.merchant)) == (FIRST, None, 0)
