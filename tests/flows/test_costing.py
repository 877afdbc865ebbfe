"""What goods cost is booked with the orders that they left with: once, at the cost of that moment, and never in a sale's way."""

import io
from datetime import date, timedelta
from typing import Any

import pytest

from core.domain.costing import UnitCost
from core.domain.inbound import Came, Kind
from core.domain.money import Money
from core.domain.payouts import Leaf, Movement, Occasion, Part
from core.flows import books, cost_csv, costing, inbound, inbound_csv
from core.flows.costing import Typed, WrongCost
from core.flows.counting import WrongLines
from core.flows.inbound import Draft
from core.store import costs, journal
from core.store.sql import run
from tests.conftest import START, House
from tests.flows import acts
from tests.flows import books as rows
from tests.flows.depot import ANN, Depot, depot
from tests.flows.marks import on_sqlite
from tests.flows.test_books import balances, sold

TODAY = START.date()
DAY = timedelta(days=1)


@pytest.fixture
def shop(house: House) -> House:
    house.shelve(A=100, B=100)
    books.begin(house.hub, house.merchant.id, TODAY - 30 * DAY, ANN)
    costing.switch(house.hub, house.merchant.id, TODAY - 30 * DAY, ANN)
    house.drain()
    return house


def price(shop: House, sku: str, cost: str, first: date | None = None) -> None:
    costing.type_costs(shop.hub, shop.merchant.id, [Typed(sku, cost, "USD", first)], ANN)
    shop.drain()


def left(shop: House, **units: int) -> str:
    number = sold(shop, **units)
    for n, count in enumerate(units.values(), 1):
        acts.fulfill(shop.bogus, number, str(n), count)
    shop.poll()
    return number


def cost(shop: House) -> str:
    return balances(shop).get("goods_sold", "0.00")


def lacking(shop: House) -> dict[str, int]:
    with shop.hub.database.read() as db:
        return {row.sku: int(row.units) for row in costs.lacking(db, shop.merchant.id)}


def versions(shop: House) -> int:
    return int(rows.one(shop.hub, "select count(*) from entries where kind = 'cost'"))


def test_goods_that_left_become_an_expense_out_of_stock(shop):
    price(shop, "A", "3.3333")

    left(shop, A=3)

    assert (cost(shop), balances(shop)["inventory"]) == ("10.00", "-10.00")
    assert lacking(shop) == {}


@on_sqlite
def test_what_has_not_left_costs_nothing_yet(shop):
    price(shop, "A", "3")
    sold(shop, A=3)

    assert cost(shop) == "0.00"


def test_a_unit_without_a_cost_waits_while_its_sale_is_booked_and_is_booked_once_somebody_types_it(shop):
    left(shop, A=2, B=1)

    assert (lacking(shop), balances(shop)["sales"]) == ({"A": 2, "B": 1}, "-30.00")

    price(shop, "A", "4")

    assert (lacking(shop), cost(shop)) == ({"B": 1}, "8.00")


@on_sqlite
def test_a_cost_from_today_on_does_not_price_what_left_before(shop):
    left(shop, A=1)
    shop.clock.pass_(2 * DAY)

    price(shop, "A", "4", TODAY + 2 * DAY)

    assert (lacking(shop), cost(shop)) == ({"A": 1}, "0.00")


def test_a_later_cost_leaves_what_was_booked_and_a_corrected_one_books_it_anew(shop):
    price(shop, "A", "4")
    number = left(shop, A=1)
    shop.clock.pass_(2 * DAY)
    price(shop, "A", "9", TODAY + DAY)
    shop.bogus.change(number, note="anything")
    shop.poll()
    assert (cost(shop), versions(shop)) == ("4.00", 1)

    price(shop, "A", "5")

    assert (cost(shop), versions(shop)) == ("5.00", 3)


def test_what_comes_back_to_the_shelf_is_stock_again(shop):
    price(shop, "A", "4")
    number = left(shop, A=2)

    acts.refund(shop.bogus, number, "1", 1, "return")
    shop.poll()

    assert cost(shop) == "4.00"


def test_what_is_asked_for_again_and_again_is_booked_once(shop):
    price(shop, "A", "4")
    left(shop, A=2)

    for _ in range(3):
        books.ask_all(shop.hub, shop.merchant.id)
        shop.ask("post_costs", "all")
        shop.drain()

    assert (cost(shop), versions(shop)) == ("8.00", 1)


@on_sqlite
def test_what_waits_is_looked_at_every_night(shop):
    left(shop, A=2)
    with shop.hub.unit() as work:
        costs.add(work.db, shop.merchant.id, [("A", UnitCost(0, 40_000, "USD"), 0)], ANN)

    shop.ask("post_costs")
    shop.drain()

    assert (lacking(shop), cost(shop)) == ({}, "0.08")


@on_sqlite
def test_switched_off_it_is_taken_back_and_on_again_booked_anew(shop):
    price(shop, "A", "4")
    left(shop, A=2)

    costing.switch(shop.hub, shop.merchant.id, None, ANN)
    shop.drain()
    assert cost(shop) == "0.00"

    costing.switch(shop.hub, shop.merchant.id, TODAY - DAY, ANN)
    shop.drain()
    assert cost(shop) == "8.00"


@on_sqlite
def test_it_is_off_until_somebody_switches_it_on(house):
    house.shelve(A=100)
    books.begin(house.hub, house.merchant.id, TODAY - DAY, ANN)
    house.drain()
    price(house, "A", "4")
    left(house, A=1)

    assert (cost(house), lacking(house)) == ("0.00", {})


@on_sqlite
def test_nobody_switches_it_on_without_books(house):
    with pytest.raises(costing.NotKept):
        costing.switch(house.hub, house.merchant.id, TODAY, ANN)


# ---- received


def deliver(shop: House, units: int, cost: int | None, kind: Kind = Kind.PURCHASE) -> str:
    """A delivery of A at so much a unit, in ten thousandths of a cent, that came whole; its id."""
    hub, merchant = shop.hub, shop.merchant.id
    id = inbound.add(hub, merchant, Draft(kind, shop.place, lines={"A": units}), ANN)
    if cost is not None:
        with hub.unit() as work:
            costs.set_of_delivery(work.db, merchant, id, {"A": (cost, "USD")})
    inbound.send(hub, merchant, id, ANN)
    came(shop, id, units)
    return id


def came(shop: House, id: str, units: int) -> None:
    inbound.receive(shop.hub, shop.merchant.id, id, [Came("A", units)], ANN)
    shop.drain()


def known(shop: House) -> list[tuple[int, int]]:
    with shop.hub.database.read() as db:
        return [(row.cost, row.units) for row in costs.story(db, shop.merchant.id, "A")]


def test_a_delivery_is_averaged_with_what_lay_there(shop):
    price(shop, "A", "4")

    deliver(shop, 100, 600 * 10_000)

    assert known(shop) == [(400 * 10_000, 0), (500 * 10_000, 200)]


@on_sqlite
def test_what_a_delivery_costs_comes_with_the_file_that_announces_it(shop):
    hub, merchant = shop.hub, shop.merchant.id
    id = inbound.add(hub, merchant, Draft(Kind.PURCHASE, shop.place), ANN)
    text = "sku,units,cost,currency\nA,100,6,USD\nB,1,,\n"
    inbound_csv.take(hub, merchant, id, inbound_csv.LINES, inbound_csv.read(io.StringIO(text), inbound_csv.LINES), ANN)
    inbound.send(hub, merchant, id, ANN)

    came(shop, id, 100)

    assert known(shop) == [(600 * 10_000, 200)]
    with pytest.raises(WrongLines, match=r"line 2: cost: .six. is not an amount"):
        inbound_csv.read(io.StringIO("sku,units,cost,currency\nA,1,six,USD\n"), inbound_csv.LINES)


@on_sqlite
def test_a_delivery_without_a_cost_changes_none(shop):
    price(shop, "A", "4")

    deliver(shop, 100, None)

    assert known(shop) == [(400 * 10_000, 0)]


@on_sqlite
def test_what_a_delivery_costs_survives_a_change_of_its_lines(shop):
    hub, merchant = shop.hub, shop.merchant.id
    id = inbound.add(hub, merchant, Draft(Kind.PURCHASE, shop.place, lines={"A": 1}), ANN)
    with hub.unit() as work:
        costs.set_of_delivery(work.db, merchant, id, {"A": (7, "USD")})

    inbound.edit(hub, merchant, id, Draft(Kind.PURCHASE, shop.place, lines={"A": 2, "B": 1}), ANN)

    with hub.database.read() as db:
        assert costs.of_delivery(db, merchant, id) == {"A": (7, "USD")}


# ---- what our own shipments say


@pytest.fixture
def dock(shop: House) -> Depot:
    return depot(shop)


def test_a_shipment_costs_what_it_was_sent_as_though_its_listing_is_mapped_otherwise_later(dock: Depot) -> None:
    shop = dock.house
    price(shop, "A", "4")
    price(shop, "B", "9")
    dock.sell(A=2)
    dock.label()
    dock.send()
    dock.poll()
    assert cost(shop) == "8.00"

    with shop.hub.unit() as work:
        run(work.db, "update listing_parts set sku = 'B' where sku = 'A'")
    books.ask_all(shop.hub, shop.merchant.id)
    shop.drain()

    assert cost(shop) == "8.00"


# ---- files


def take(shop: House, text: str, **different: Any) -> list[tuple[str, str]]:
    done = cost_csv.take(shop.hub, shop.merchant.id, cost_csv.read(text), ANN, **different)
    shop.drain()
    return [(one.sku, one.cost.text) for one in done]


def test_a_file_is_looked_at_first_and_changes_nothing_the_second_time(shop):
    text = "sku,cost,currency,from\nA,4.5,usd,\nB,0.1234,USD,2026-11-01\n"

    assert take(shop, text, dry_run=True) == [("A", "4.50"), ("B", "0.1234")]
    assert known(shop) == []
    assert take(shop, text) == [("A", "4.50"), ("B", "0.1234")]
    assert take(shop, text) == []


@on_sqlite
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sku,cost\nA,4", "the column currency is missing"),
        ("sku,cost,currency\nA,four,USD", "line 2: cost: 'four' is not an amount"),
        ("sku,cost,currency\nA,4,dollars", "line 2: cost: a currency is three"),
        ("sku,cost,currency\nZ,4,USD", "line 2: sku: there is no SKU Z"),
        ("sku,cost,currency\nA,4,USD\nA,5,USD", "line 3: sku: A is in the file twice"),
        ("sku,cost,currency,from\nA,4,USD,soon", "line 2: from: 'soon' is not a day"),
    ],
)
def test_what_cannot_be_taken_names_its_line_and_changes_nothing(shop, text, words):
    with pytest.raises(WrongLines, match=words.replace("'", ".")):
        take(shop, text)

    assert known(shop) == []


@on_sqlite
def test_what_is_exported_is_taken_again_and_changes_nothing(shop):
    price(shop, "A", "4.25")
    out = io.StringIO()
    cost_csv.write(out, cost_csv.export(shop.hub, shop.merchant.id))

    assert "A,A,4.25,USD," in out.getvalue()
    assert take(shop, out.getvalue()) == []


@on_sqlite
def test_a_sku_that_is_not_there_has_no_cost(shop):
    with pytest.raises(WrongCost):
        costing.type_costs(shop.hub, shop.merchant.id, [Typed("A", "1", "USD"), Typed("Z", "1", "USD")], ANN)

    with shop.hub.database.read() as db:
        assert journal.books(db, shop.merchant.id)
    assert known(shop) == []


# ---- lost by a channel's warehouse


def reimbursed(shop: House, units: int, paid: int = 500, sku: str = "A") -> None:
    """A payout in which the channel pays for units that it lost, or takes its money back."""
    id, amount = f"lost-{sku}-{units}-{paid}", Money(paid, "USD")
    parts = (Part(Leaf.REIMBURSEMENT, amount),)
    told = Movement(id, Occasion.REIMBURSEMENT, shop.clock(), amount, parts, sku=sku, units=units)
    shop.bogus.till.close([told], shop.clock(), "USD")
    shop.ask("read_payouts")
    shop.drain()


def books_of(shop: House) -> dict[str, str]:
    return {name: amount for name, amount in balances(shop).items() if name in ("goods_sold", "inventory", "reimbursements")}


def test_what_a_channels_warehouse_lost_leaves_stock_beside_what_it_pays_for_it_once(shop):
    price(shop, "A", "1.50")
    reimbursed(shop, 2)
    shop.ask("read_payouts")
    shop.drain()
    assert books_of(shop) == {"goods_sold": "3.00", "inventory": "-3.00", "reimbursements": "-5.00"}

    reimbursed(shop, 2, paid=-500)

    assert books_of(shop) == {}


@on_sqlite
def test_what_was_lost_without_a_cost_waits_until_somebody_types_it_and_goes_when_it_is_switched_off(shop):
    reimbursed(shop, 2)
    assert (cost(shop), lacking(shop)) == ("0.00", {"A": 2})

    price(shop, "A", "1.50")
    assert (cost(shop), lacking(shop)) == ("3.00", {})

    costing.switch(shop.hub, shop.merchant.id, None, ANN)
    shop.drain()
    assert books_of(shop) == {"reimbursements": "-5.00"}

    costing.switch(shop.hub, shop.merchant.id, TODAY - 30 * DAY, ANN)
    shop.drain()
    assert cost(shop) == "3.00"


@on_sqlite
def test_a_payment_for_goods_that_a_buyer_had_or_for_no_goods_moves_no_stock(shop):
    price(shop, "A", "1.50")
    reimbursed(shop, 0)

    assert books_of(shop) == {"reimbursements": "-5.00"}
