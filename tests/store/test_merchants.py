"""Merchants never see each other: every query starts from one, and what one does leaves the other's rows as they were."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from core.flows import connections as flows
from core.flows.allocation import ask_waiting, map_listing
from core.flows.overview import overview
from core.store import acts as deeds
from core.store import (
    alerts,
    attention,
    audit,
    backfills,
    cards,
    connections,
    consents,
    desk,
    displays,
    events,
    figures,
    goods,
    health,
    inbox,
    kits,
    listings,
    order_list,
    order_page,
    order_sieves,
    orders,
    people,
    places,
    privacy,
    sessions,
    start,
    stock,
    tasks,
    uploads,
    visits,
    words,
)
from core.store.tables import metadata
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.acts import deliver, notice

MakeHouse = Callable[..., House]
STORES = (
    alerts, attention, audit, backfills, cards, connections, consents, deeds, desk, displays, events, figures, goods, health, inbox,
    kits, listings,
    order_list, order_page, order_sieves, orders, people, places, privacy, sessions, start, stock, tasks, uploads, visits, words,
)  # fmt: skip
OWNERS = ("merchant", "connection", "id", "user", "plan")  # each has one owner: a person, what was read from a merchant's rows
# These say in their docstring that they are for the sweeper, or work on rows that the caller read as a merchant's.
BY_ROWS = {
    "append", "keep", "close", "sold", "settled", "rested", "confirm", "answered", "book_lines", "ask", "next_turn", "claim", "fence",
    "renew", "record", "add", "add_merchant", "merchants", "by_account", "raising", "seeking", "lock",
    "strip", "_by_id", "put", "is_worked_on", "_have_parts", "held_of", "add_export", "_some", "begin", "go_on",
    "look", "take", "name_of", "erase_staff", "reserved_by",  # by what only one person knows, or a channel signed: an account, a state
    "lock_first", "is_empty", "by_email", "count_tries", "hold_up", "waits",  # before it is known who asks
}  # fmt: skip


def queries() -> list[tuple[str, Callable[..., Any]]]:
    return [
        (f"{store.__name__.rpartition('.')[2]}.{name}", function)
        for store in STORES
        for name, function in inspect.getmembers(store, inspect.isfunction)
        if function.__module__ == store.__name__ and next(iter(inspect.signature(function).parameters), "") == "db"
    ]


@pytest.mark.parametrize(("name", "function"), queries(), ids=[name for name, _ in queries()])
def test_every_query_starts_from_a_merchant_or_is_for_the_sweeper(name: str, function: Callable[..., Any]) -> None:
    parameters = list(inspect.signature(function).parameters)
    sweeps = "For the sweeper" in (function.__doc__ or "")

    assert sweeps or name.rpartition(".")[2] in BY_ROWS or parameters[1] in OWNERS, f"{name}{parameters}"


def everything(house: House, merchant: str) -> dict[str, list[Any]]:
    """Every row of a merchant, in every table that has merchants, and its connections' marks and budgets."""
    found: dict[str, list[Any]] = {}
    with house.hub.database.read() as db:
        for table in metadata.sorted_tables:
            if "merchant" in table.columns:
                query = f"select * from {table.name} where merchant = :merchant"
                found[table.name] = sorted(map(str, db.execute(text(query), {"merchant": merchant})))
    return found


@pytest.fixture
def neighbours(make_house: MakeHouse) -> tuple[House, House]:
    """Two merchants on one hub, who sell the same SKUs under the same listing and order ids, with a line that waits each."""
    ours = make_house("ours", "theirs")
    stranger = flows.add_merchant(ours.hub, "South Sea Trading")
    place = ours.hub.ids()
    connection = ours.connections.pop("theirs")
    with ours.hub.unit() as work:
        stock.add_location(work.db, stranger.id, place, "Main")
        work.db.exec_driver_sql("delete from tasks")
        work.db.execute(text("update connections set merchant = :m, login = null where id = :id"), {"m": stranger.id, "id": connection.id})
        work.db.execute(text("update listings set merchant = :m where connection = :id"), {"m": stranger.id, "id": connection.id})
        places.spread(work.db, stranger.id, connection.id)
        work.db.execute(text("update marks set merchant = :m where connection = :id"), {"m": stranger.id, "id": connection.id})
    other = ours.hub.connection(connection.id)
    theirs = House(ours.hub, ours.clock, stranger, {"theirs": ours.systems.pop("theirs")}, {"theirs": other}, place)
    for house in (ours, theirs):
        house.shelve(A=10, B=1)
        for wanted in ({"A": 2}, {"B": 3}, {"strange": 1}):
            deliver(house, [notice(house.bogus.sell(wanted), str(wanted))])
        house.drain()
    return ours, theirs


def test_whatever_one_merchant_does_the_others_rows_stay_as_they_are(neighbours: tuple[House, House]) -> None:
    ours, theirs = neighbours
    before = everything(theirs, theirs.merchant.id)
    order = next(iter(ours.bogus.orders))

    deliver(ours, [notice(acts.edit(ours.bogus, order, "1", 5), "edited")])
    ours.drain()
    deliver(ours, [notice(acts.fulfill(ours.bogus, order, "1", 5), "sent")])
    ours.shelve(A=3, B=50)
    with ours.hub.unit() as work:
        ask_waiting(work, ours.merchant.id)
        for name in ("strange", "A"):
            map_listing(work, ours.merchant.id, (ours.connection.id, f"L-{name}", name), {"B": 2})
        map_listing(work, ours.merchant.id, (theirs.connection.id, "L-strange", "strange"), {"B": 2})
        tasks.retry(work.db, ours.merchant.id, work.now)
        connections.set_buffer(work.db, ours.connection.id, 3)
        work.ask(ours.merchant.id, "publish_stock", ours.connection.id, ours.connection.id)
    ours.poll()
    deliver(ours, [notice(acts.cancel(ours.bogus, order), "cancelled")])
    ours.drain()

    assert everything(theirs, theirs.merchant.id) == before
    assert books.wrong_listings(ours) == []
    books.balance(ours.hub)


def test_no_query_for_one_merchant_gives_a_row_of_the_other(neighbours: tuple[House, House]) -> None:
    ours, theirs = neighbours
    name = (theirs.connection.id, "L-A", "A")
    hub, me = ours.hub, ours.merchant.id
    with hub.database.read() as db:
        theirs_order = db.execute(text("select id, channel_id from orders where merchant = :m"), {"m": theirs.merchant.id}).first()
        assert theirs_order
        ref = f"{theirs.connection.id}/{theirs_order.channel_id}"
        assert orders.by_id(db, me, theirs_order.id) is None
        assert orders.find(db, me, [ref], hub.box(me)) == {}
        assert orders.lines_of(db, me, [ref]) == []
        assert orders.copies(db, me, theirs.connection.id, [theirs_order.channel_id]) == {}
        assert orders.selling(db, me, name) == []
        assert inbox.waiting(db, me, [ref], hub.box(me)) == []
        assert listings.mapped(db, me, [name]) == {}
        assert events.story(db, me, ref) == []
        assert stock.reserved(db, me, [theirs_order.id]) == {}
        assert {place for _, place in stock.lock_levels(db, me, ["A", "B"])} == {ours.place}
        assert {one.id for one in connections.all_of(db, me)} == {ours.connection.id}
        assert {shelf.connection for shelf in listings.all_of(db, me)} == {ours.connection.id}
        assert listings.all_of(db, me, theirs.connection.id) == []
        assert {row.connection for row, _ in orders.latest(db, me, 100)} == {ours.connection.id}
        assert len(orders.latest(db, me, 100)) == 3
        assert {task.connection for task in tasks.listed(db, me)} == {ours.connection.id}
        assert [row.orders for row in orders.totals(db, me)] == [3]
        assert stock.units(db, me) == {"reserved": 3, "on_hand": 11, "short": 2, "unmapped": 1}
        assert [(row.sku, row.on_hand) for row in stock.levels(db, me)] == [("A", 10), ("B", 1)]
        assert {mark.connection for mark in connections.marks(db, me)} <= {ours.connection.id}
        assert overview(db, me, hub.now).units == stock.units(db, me)


def test_what_belongs_to_nobody_we_know_is_nothing(neighbours: tuple[House, House]) -> None:
    ours, _ = neighbours
    with ours.hub.database.read() as db:
        nobody = overview(db, "nobody", ours.hub.now)
        assert (nobody.totals, nobody.tasks, nobody.pushes) == ([], [], 0)
        assert stock.levels(db, "nobody") == tasks.listed(db, "nobody") == orders.latest(db, "nobody", 10) == []
