"""Rows that two workers want at once: PostgreSQL shows whoever waited what was committed meanwhile, and nobody waits crosswise."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from core import jobs
from core.store import listings, orders, stock, tasks
from core.store.engine import Database, is_too_busy
from core.store.sql import run_set
from tests.conftest import House
from tests.flows import books
from tests.flows.acts import count, deliver, notice
from tests.flows.marks import on_postgresql
from tests.flows.workers import drain_in_small_sets, in_threads

MakeHouse = Callable[..., House]


def until_somebody_waits(database: Database) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with database.read() as db:
            if db.exec_driver_sql("select count(*) from pg_stat_activity where wait_event_type = 'Lock'").scalar_one():
                return
        time.sleep(0.01)
    raise TimeoutError("nobody waits")


@on_postgresql
def test_whoever_waited_for_an_order_sees_its_lines_as_they_are_now(house: House) -> None:
    house.shelve(A=10)
    sold = house.bogus.sell({"A": 3})
    deliver(house, [notice(sold, "sold")])
    house.drain()
    ref, database = f"{house.connection.id}/{sold['id']}", house.hub.database
    seen: list[int] = []

    def wait() -> None:
        with database.write() as db:
            seen.extend(row.held for row in orders.lines_of(db, house.merchant.id, [ref]))

    with database.write() as db:
        orders.lines_of(db, house.merchant.id, [ref])
        db.execute(text("update order_lines set held = 1"))
        db.execute(text("update orders set saved_at = saved_at + 1"))
        waits = threading.Thread(target=wait)
        waits.start()
        until_somebody_waits(database)
    waits.join(10)

    assert seen == [1]


@on_postgresql
def test_whoever_waited_for_a_shelf_sees_its_level_as_it_is_now(house: House) -> None:
    house.shelve(A=10)
    seen: list[tuple[int, int]] = []

    def wait() -> None:
        with house.hub.database.write() as db:
            seen.extend(stock.lock_levels(db, house.merchant.id, ["A"]).values())

    with house.hub.database.write() as db:
        stock.lock_levels(db, house.merchant.id, ["A"])
        db.execute(text("update levels set reserved = 4"))
        waits = threading.Thread(target=wait)
        waits.start()
        until_somebody_waits(house.hub.database)
    waits.join(10)

    assert seen == [(10, 4)]


@on_postgresql
def test_a_push_that_is_answered_while_a_sale_waits_for_its_shelf_is_not_taken_to_have_come_before_it(house: House) -> None:
    """The channel sells one, and is told nine, which it sets whatever it sold; only then its sale is reserved."""
    house.shelve(A=10)
    house.clock.pass_(timedelta(seconds=10))
    deliver(house, [notice(house.bogus.sell({"A": 1}), "sold")])
    house.clock.pass_(timedelta(seconds=10))
    count(house, A=9)

    with house.hub.database.write() as db:
        stock.lock_levels(db, house.merchant.id, ["A"])
        takes = threading.Thread(target=lambda: jobs.drain(house.hub, "inside"))
        takes.start()
        until_somebody_waits(house.hub.database)
        jobs.drain(house.hub, "outside")
    takes.join(10)
    house.drain()

    assert house.bogus.listings["L-A", "A"].shown == 8
    assert books.wrong_listings(house) == []


@on_postgresql
def test_orders_that_share_goods_in_opposite_order_never_wait_crosswise(house: House) -> None:
    goods = [f"S{n}" for n in range(8)]
    house.shelve(**dict.fromkeys(goods, 1000))
    for n in range(64):
        names = goods if n % 2 else goods[::-1]
        deliver(house, [notice(house.bogus.sell(dict.fromkeys(names, 1)), str(n))])

    in_threads([lambda: drain_in_small_sets(house.hub, most=2)] * 4)

    assert books.one(house.hub, "select deadlocks from pg_stat_database where datname = current_database()") == 0
    assert books.parked(house.hub) == []
    assert {books.level(house.hub, sku) for sku in goods} == {(1000, 64)}
    books.balance(house.hub)


@on_postgresql
def test_a_copy_and_its_original_that_come_in_at_the_same_moment_see_each_other(make_house: MakeHouse) -> None:
    house = make_house("market", "shop")
    house.shelve(A=1000, B=1000)
    market, shop = house.systems["market"], house.systems["shop"]
    for n in range(40):
        one = market.sell({"A": 1})
        copy = shop.sell({"B": 1}, id=f"copy-{n}", source="market", source_id=one["id"])
        deliver(house, [notice(one, f"o{n}")], house.connections["market"])
        deliver(house, [notice(copy, f"c{n}")], house.connections["shop"])

    in_threads([lambda: drain_in_small_sets(house.hub, most=2)] * 4)

    assert books.one(house.hub, "select count(*) from orders where copy_of is not null") == 40
    assert (books.level(house.hub, "A"), books.level(house.hub, "B")) == ((1000, 40), (1000, 0))
    assert books.one(house.hub, "select deadlocks from pg_stat_database where datname = current_database()") == 0
    books.balance(house.hub)


@on_postgresql
def test_a_shelf_that_changed_under_a_plan_is_planned_again(house: House) -> None:
    """The guarded update refuses what the plan no longer finds, and the order is settled in a later try."""
    house.shelve(A=10)
    plan = jobs.allocation.settle([], {})
    plan.shelves["A", house.place] = [0, 11]

    with pytest.raises(Exception, match="a shelf changed under a plan"):
        with house.hub.database.write() as db:
            stock.apply(db, house.merchant.id, plan, stock.lock_levels(db, house.merchant.id, ["A"]), house.hub.now)

    assert books.level(house.hub, "A") == (10, 0)


@on_postgresql
def test_a_deadlock_and_an_ended_session_are_no_bugs(house: House) -> None:
    database = house.hub.database
    with pytest.raises(Exception) as ended, database.engine.connect() as db:
        db.exec_driver_sql("select pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(Exception) as refused, database.engine.connect() as db:
        db.exec_driver_sql("select 1/0")

    assert is_too_busy(ended.value)
    assert not is_too_busy(refused.value)


def test_two_answers_to_one_listing_count_two_revisions_and_the_later_is_believed(house: House) -> None:
    house.shelve(A=10)
    with house.hub.database.write() as db:
        one = db.execute(text("select id, changed, heard from listings")).one()
        row = {
            "id": one.id,
            "changed": one.changed,
            "heard": one.heard,
            "told": "shown",
            "problem": None,
            "day": "2026-11-22",
            "settled": 1,
        }
        listings.answered(db, house.connection.id, [{**row, "shown": 7}], 1, 2)
        listings.answered(db, house.connection.id, [{**row, "shown": 6}], 3, 4)

    assert books.rows(house.hub, "select shown, revised, shown_from, shown_at from listings") == [(6, 2, 3, 4)]


@on_postgresql
def test_held_tasks_are_locked_in_the_order_of_who_asks_for_them_in_a_database_of_any_language(house: House) -> None:
    """A language sorts capitals and signs otherwise: then who holds tasks and who asks for them would wait crosswise."""
    merchant, own = house.merchant.id, house.connection.id
    with house.hub.database.write() as db:
        db.execute(text('alter table tasks alter column subject type text collate "und-x-icu"'))
    with house.hub.unit() as work:
        for subject in ("b", "A", "a-2", "a_1", "#9", "B"):
            work.ask(merchant, "take_orders", subject, own)
    with house.hub.database.write() as db:
        held = tasks.claim(db, "inside", (merchant, own, "take_orders"), 9, house.hub.now)
        assert held
        rows = [{"id": one.id, "generation": one.generation} for one in held.tasks]
        locked = [row.id for row in run_set(db, tasks.FENCE, tasks.HELD, rows)]

    subjects = {one.id: one.subject for one in held.tasks}
    assert [subjects[id] for id in locked] == sorted(subjects.values())
