"""What channels' own warehouses lost, found and disposed of: read by the day, booked once, never beside the money they pay for it."""

from datetime import date, timedelta

import pytest

from core.domain.money import Money
from core.domain.payouts import Leaf, Movement, Occasion, Part
from core.domain.shelf_moves import Cause, ShelfMove
from core.flows import books, costing
from core.store import shelf_moves
from tests.conftest import START, House
from tests.flows.depot import ANN
from tests.flows.marks import on_sqlite
from tests.flows.test_books import balances
from tests.flows.test_costing import lacking, price, versions

TODAY = START.date()
DAY = timedelta(days=1)
FIRST = TODAY - 30 * DAY


@pytest.fixture
def shop(house: House) -> House:
    house.shelve(A=100, B=100)
    house.bogus.moved = []
    books.begin(house.hub, house.merchant.id, FIRST, ANN)
    house.drain()
    return house


def book_costs(shop: House, first: date | None = FIRST) -> None:
    costing.switch(shop.hub, shop.merchant.id, first, ANN)
    shop.drain()


def read(shop: House) -> None:
    shop.ask("read_shelves")
    shop.drain()


def happened(shop: House, day: date, units: int, cause: Cause = Cause.LOST, sku: str = "A", reason: str = "M") -> None:
    shop.bogus.moved.append(ShelfMove(day, sku, cause, reason, units))


def booked(shop: House) -> dict[str, str]:
    return {name: amount for name, amount in balances(shop).items() if name in ("goods_sold", "inventory", "reimbursements")}


def pays(shop: House, units: int, paid: int = 500, label: str = "lost") -> None:
    """A payout in which the channel pays for units that it lost, today."""
    amount = Money(paid, "USD")
    parts = (Part(Leaf.REIMBURSEMENT, amount, label),)
    told = Movement(f"{label}-{units}-{paid}", Occasion.REIMBURSEMENT, shop.clock(), amount, parts, sku="A", units=units)
    shop.bogus.till.close([told], shop.clock(), "USD")
    shop.ask("read_payouts")
    shop.drain()


def test_what_a_warehouse_lost_found_and_disposed_of_moves_what_it_cost_once_however_often_it_is_read(shop):
    price(shop, "A", "1.50")
    happened(shop, TODAY - 3 * DAY, -4)
    happened(shop, TODAY - 2 * DAY, 1, Cause.FOUND, reason="F")
    happened(shop, TODAY - 2 * DAY, -2, Cause.DISPOSED, reason="D")
    book_costs(shop)
    assert booked(shop) == {"goods_sold": "7.50", "inventory": "-7.50"}

    read(shop)

    assert (booked(shop)["goods_sold"], versions(shop)) == ("7.50", 2)


@on_sqlite
def test_a_day_that_is_told_otherwise_is_corrected(shop):
    price(shop, "A", "1.50")
    happened(shop, TODAY - 3 * DAY, -4)
    book_costs(shop)

    shop.bogus.moved.clear()
    happened(shop, TODAY - 3 * DAY, -1)
    read(shop)
    assert booked(shop) == {"goods_sold": "1.50", "inventory": "-1.50"}

    shop.bogus.moved.clear()
    read(shop)
    assert booked(shop) == {}


@on_sqlite
def test_money_for_what_its_shelves_tell_moves_no_stock_and_money_for_what_was_lost_elsewhere_does(shop):
    price(shop, "A", "1.50")
    book_costs(shop)
    happened(shop, TODAY - DAY, -2)
    read(shop)

    pays(shop, 2)
    assert booked(shop) == {"goods_sold": "3.00", "inventory": "-3.00", "reimbursements": "-5.00"}

    pays(shop, 1, label="on its way")
    assert booked(shop) == {"goods_sold": "4.50", "inventory": "-4.50", "reimbursements": "-10.00"}


@on_sqlite
def test_what_a_reimbursement_moved_is_taken_back_once_its_day_is_read_from_the_shelves(shop):
    price(shop, "A", "1.50")
    shop.bogus.moved = None
    book_costs(shop)
    pays(shop, 2)
    assert booked(shop)["goods_sold"] == "3.00"

    shop.bogus.moved = []
    happened(shop, TODAY - DAY, -2)
    read(shop)

    assert booked(shop) == {"goods_sold": "3.00", "inventory": "-3.00", "reimbursements": "-5.00"}
    assert versions(shop) == 3  # the payout's, taken back, and the day's


@on_sqlite
def test_units_without_a_cost_wait_and_reasons_that_nobody_knows_move_nothing_and_are_kept(shop):
    happened(shop, TODAY - DAY, -2)
    happened(shop, TODAY - DAY, -9, Cause.UNKNOWN, reason="Z")
    book_costs(shop)
    assert (booked(shop), lacking(shop)) == ({}, {"A": 2})

    price(shop, "A", "1.50")

    assert (booked(shop)["goods_sold"], lacking(shop)) == ("3.00", {})
    with shop.hub.database.read() as db:
        kept = shelf_moves.of_days(db, shop.merchant.id, shop.connection.id, [TODAY - DAY])
    assert ShelfMove(TODAY - DAY, "A", Cause.UNKNOWN, "Z", -9) in kept
