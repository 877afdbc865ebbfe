"""What channels' own warehouses lost, found and disposed of: read by the day, booked once, never beside the money they pay for it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.domain.money import Money
from core.domain.payouts import Leaf, Movement, Occasion, Part
from core.domain.shelf_moves import Cause, ShelfMove, ToldDays, added_up
from core.errors import Unavailable
from core.flows import books, costing, shelves
from core.flows.clockwork import slots
from core.store import connections, journal, shelf_moves
from tests.conftest import START, House
from tests.flows import books as rows
from tests.flows.depot import ANN
from tests.flows.marks import on_sqlite
from tests.flows.test_books import balances
from tests.flows.test_costing import cost, lacking, price, versions

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


@on_sqlite
def test_a_day_of_a_closed_period_is_booked_on_the_first_open_one_and_says_so(shop):
    price(shop, "A", "1.50")
    book_costs(shop)
    books.close(shop.hub, shop.merchant.id, TODAY - 2 * DAY, ANN)

    happened(shop, TODAY - 5 * DAY, -2)
    read(shop)

    assert rows.rows(shop.hub, "select day, due_day from entries where kind = 'cost'") == [(str(TODAY - DAY), str(TODAY - 5 * DAY))]
    shop.bogus.moved.clear()
    read(shop)
    assert booked(shop) == {}


@on_sqlite
def test_a_reading_that_broke_off_goes_on_where_it_was_and_a_cursor_that_is_old_is_given_up(shop):
    price(shop, "A", "1.50")
    shop.bogus.per_page = 10
    happened(shop, TODAY - 25 * DAY, -1)
    happened(shop, TODAY - 3 * DAY, -1)
    shop.bogus.next("shelf_moves", Unavailable("no answer"), after_the_work=True)
    book_costs(shop)
    shop.drain(through=timedelta(minutes=2))
    assert (booked(shop)["goods_sold"], begins(shop)) == ("3.00", [0, 0, 10, 20])

    shop.bogus.calls.clear()
    with shop.hub.unit() as work:
        _, reading = shelf_moves.reading(work.db, shop.connection.id)
        stale = replace(reading, since=FIRST, cursor=str(TODAY - DAY))
        shelf_moves.keep_reading(work.db, shop.merchant.id, shop.connection.id, work.now, stale)
    shop.clock.pass_(timedelta(hours=2))
    read(shop)
    assert begins(shop) == [0, 10, 20]


def begins(shop: House) -> list[int]:
    """Which days were asked for, counted from the first."""
    asked = [what for method, what in shop.bogus.calls if method == "shelf_moves"]
    return [(date.fromisoformat(cursor) - since).days if cursor else 0 for since, _, cursor in asked]


@on_sqlite
@pytest.mark.parametrize(("said", "days"), [({}, 30), ({"shelf_days": 7}, 7), ({"shelf_days": "soon"}, 30)])
def test_so_many_days_are_read_again_as_is_said(shop, said, days):
    book_costs(shop, TODAY - 3 * DAY)
    shop.clock.pass_(40 * DAY)
    read(shop)
    with shop.hub.unit() as work:
        connections.set_settings(work.db, shop.connection.id, said)
    shop.bogus.calls.clear()

    read(shop)

    [(since, until, _)] = [what for method, what in shop.bogus.calls if method == "shelf_moves"]
    assert (until - since).days == days


@on_sqlite
def test_nothing_is_read_while_goods_cost_is_not_booked_or_before_a_day_is_over(shop):
    happened(shop, TODAY - DAY, -1)
    read(shop)
    book_costs(shop, TODAY)

    assert [method for method, _ in shop.bogus.calls if method == "shelf_moves"] == []


@on_sqlite
def test_they_are_read_by_the_clock_once_a_day(shop):
    with shop.hub.database.read() as db:
        known = connections.everyone(db)

    assert [(slot.kind, slot.every) for slot in slots(shop.hub, known) if "shelves" in slot.name] == [("read_shelves", DAY)]


@st.composite
def tellings(draw):
    """What happened, and readings of it that overlap, in any order; those before the last may tell less."""
    day = st.integers(-8, -1).map(lambda n: TODAY + n * DAY)
    move = st.builds(ShelfMove, day, st.sampled_from("AB"), st.sampled_from(Cause), st.sampled_from("MF"), st.integers(-4, 4))
    truth = draw(st.lists(move, max_size=8))
    spans = draw(st.lists(st.tuples(day, st.integers(1, 4), st.booleans()), max_size=3))
    readings = [(since, min(since + count * DAY, TODAY), truth[::2] if less else truth) for since, count, less in spans]
    return [*readings, (TODAY - 8 * DAY, TODAY, truth)], truth


@on_sqlite
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(told=tellings())
def test_whatever_was_read_before_and_in_whatever_order_the_books_hold_what_is_told_last(shop, told):
    readings, truth = told
    price(shop, "A", "1.50")
    price(shop, "B", "2")
    keep_since(shop)

    for since, until, moves in readings:
        tell(shop, since, until, moves)
    minor = sum(-one.units * {"A": 150, "B": 200}[one.sku] for one in truth if one.cause.moves)
    assert int(cost(shop).replace(".", "")) == minor

    tell(shop, TODAY - 8 * DAY, TODAY, [])
    assert (booked(shop), lacking(shop)) == ({}, {})


def keep_since(shop: House) -> None:
    """Goods' cost is booked, and nobody reads shelves but `tell`."""
    with shop.hub.unit() as work:
        kept = journal.books(work.db, shop.merchant.id)
        journal.keep(work.db, shop.merchant.id, replace(kept, settings={costing.SETTING: FIRST.isoformat()}))


def tell(shop: House, since: date, until: date, moves: list[ShelfMove]) -> None:
    told = ToldDays(since, until, tuple(added_up(one for one in moves if since <= one.day < until)))
    with shop.hub.unit() as work:
        days = shelf_moves.replace(work.db, shop.merchant.id, shop.connection.id, told)
        shelves.book(work, shop.merchant.id, shop.connection.id, journal.books(work.db, shop.merchant.id), days)
