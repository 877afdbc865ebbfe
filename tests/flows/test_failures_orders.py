"""Failures that users of other hubs reported: orders doubled, out of order, oversold, lost over one line. Named by their words."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations

import pytest

from connectors.bogus.channel import Bogus, Document
from core.errors import Refused, Unavailable
from core.flows import intake
from core.flows.allocation import ask_waiting, map_listing
from core.store import listings, orders, stock
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.acts import deliver, notice
from tests.flows.marks import on_postgresql, on_sqlite
from tests.flows.workers import drain_in_small_sets, in_threads

MakeHouse = Callable[..., House]


# ---- "Same order imported twice": duplicate or concurrent delivery, webhook and poll


def test_an_order_delivered_five_times_by_push_and_poll_is_one_order_with_one_reservation(make_house: MakeHouse) -> None:
    house = make_house()
    house.shelve(A=10)
    created = house.bogus.sell({"A": 3}, payment="unpaid")
    paid = acts.pay(house.bogus, created["id"])
    house.clock.pass_(timedelta(minutes=5))

    for n in range(5):
        deliver(house, [notice(created, f"c{n}", "orders/create"), notice(paid, f"p{n}", "orders/paid"), notice(paid, f"u{n}")])
        deliver(house, [notice(created, "the same delivery"), notice(paid, f"hint{n}", whole=False)])
        house.ask("poll_orders")
        if n % 2:
            house.drain()
    house.drain()

    assert len(books.orders(house.hub)) == 1
    assert books.level(house.hub, "A") == (10, 3)
    assert books.rows(house.hub, "select sku, units from reservations") == [("A", 3)]
    assert books.rows(house.hub, "select count(*) from events where kind = 'OrderTaken'") == [(1,)]
    books.balance(house.hub)


@on_postgresql
def test_four_workers_that_take_the_same_orders_at_once_take_each_once(make_house: MakeHouse) -> None:
    house = make_house()
    house.shelve(A=1000)
    sold = [house.bogus.sell({"A": 1}, payment="unpaid") for _ in range(20)]
    paid = [acts.pay(house.bogus, one["id"]) for one in sold]

    def door(n: int) -> Callable[[], None]:
        def work() -> None:
            for one, later in zip(sold, paid, strict=True):
                deliver(house, [notice(one, f"{n} {one['id']}"), notice(later, f"{n} {one['id']} paid")])
                drain_in_small_sets(house.hub)

        return work

    in_threads(door(n) for n in range(4))
    house.drain()

    assert len(books.orders(house.hub)) == 20
    assert books.level(house.hub, "A") == (1000, 20)
    assert books.parked(house.hub) == []
    books.balance(house.hub)


# ---- "Events out of order": paid before create, a stale update overwrites a newer one


def the_life_of(system: Bogus) -> list[Document]:
    """One order from its first word to its last: unpaid, paid, a line edited and sent in part, one unit sent back and one
    refunded unsent, the rest cancelled."""
    order = system.sell({"A": 4, "B": 2}, payment="unpaid")["id"]
    story = [system.orders[order], acts.pay(system, order)]
    acts.edit(system, order, "1", 5)
    story.append(acts.fulfill(system, order, "1", 2))
    acts.refund(system, order, "1", 1, "return")
    story.append(acts.refund(system, order, "2", 1, "none"))
    return [*story, acts.cancel(system, order)]


def state_of(house: House, order: str) -> tuple[object, ...]:
    (doc, *marks), *others = books.rows(house.hub, "select doc, revision, problems from orders where channel_id = :order", order=order)
    assert not others
    return (str(json.loads(doc) | {"id": "", "name": ""}), marks, books.lines(house.hub, order))


def test_every_order_of_created_paid_edited_sent_refunded_and_cancelled_ends_in_the_same_state(make_house: MakeHouse) -> None:
    house = make_house()
    house.shelve(A=10_000, B=10_000)
    ways = list(permutations(range(5)))
    stories = [the_life_of(house.bogus) for _ in ways]

    for step in range(5):
        deliver(house, [notice(story[way[step]], f"{way[step]} of {story[0]['id']}") for story, way in zip(stories, ways, strict=True)])
        house.drain()

    assert len({str(state_of(house, story[0]["id"])) for story in stories}) == 1
    assert books.lines(house.hub, stories[0][0]["id"]) == {"1": (0, 0, 2, 1, None), "2": (0, 0, 1, 0, None)}
    assert books.level(house.hub, "A") == (10_000 - len(ways), 0)
    assert books.level(house.hub, "B") == (10_000 - len(ways), 0)
    books.balance(house.hub)


@on_sqlite
def test_a_whole_life_that_arrives_at_once_and_backwards_ends_in_the_same_state(make_house: MakeHouse) -> None:
    house = make_house()
    house.shelve(A=100, B=100)
    forth, back, twice = (the_life_of(house.bogus) for _ in range(3))

    for n, document in enumerate(forth):
        deliver(house, [notice(document, f"forth {n}")])
        house.drain()
    deliver(house, [notice(document, f"back {n}") for n, document in enumerate(reversed(back))])
    deliver(house, [notice(document, f"twice {n}") for n, document in enumerate([*twice, *reversed(twice)])])
    house.drain()

    assert len({str(state_of(house, story[0]["id"])) for story in (forth, back, twice)}) == 1
    books.balance(house.hub)


@on_sqlite
@pytest.mark.parametrize("whole", [True, False], ids=["pushed", "read within the second"])
def test_a_change_in_the_second_of_the_last_one_whose_push_was_lost_is_found_by_the_poll(house: House, whole: bool) -> None:
    """Both copies carry the same mark, so a poll that only looks for newer ones would never say anything."""
    house.shelve(A=10)
    created = house.bogus.sell({"A": 3})
    deliver(house, [notice(created, "created", whole=whole)])
    house.drain()
    assert books.level(house.hub, "A") == (10, 3)
    house.bogus.orders[created["id"]] = {**created, "lines": [{**created["lines"][0], "quantity": 1}]}

    house.clock.pass_(timedelta(minutes=5))
    house.ask("poll_orders")
    house.drain()
    assert books.level(house.hub, "A") == (10, 1)

    house.clock.pass_(timedelta(minutes=5))
    house.ask("poll_orders")
    house.drain()
    assert books.rows(house.hub, "select count(*) from inbox") == [(2 if whole else 3,)]  # by now nothing is news


@on_sqlite
@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("backwards", [True, False])
def test_two_pushes_of_the_same_second_are_settled_by_a_fetch(house: House, at_once: bool, backwards: bool) -> None:
    """The revision has whole seconds: which of two copies came last only the channel can tell."""
    house.shelve(A=10)
    created = house.bogus.sell({"A": 3}, payment="unpaid")
    paid = house.bogus.orders[created["id"]] = {**created, "payment": "paid", "lines": [{**created["lines"][0], "quantity": 2}]}
    pushes = [notice(paid, "paid"), notice(created, "created")] if backwards else [notice(created, "created"), notice(paid, "paid")]

    for group in [pushes] if at_once else [[push] for push in pushes]:
        deliver(house, group)
        house.drain()

    assert books.level(house.hub, "A") == (10, 2)
    assert '"payment_status":"paid"' in books.one(house.hub, "select doc from orders")


@on_sqlite
def test_a_page_that_was_read_before_a_push_of_the_same_second_does_not_undo_it(house: House) -> None:
    """A poll reads an order, it changes, and the push overtakes the page: both carry the same mark."""
    house.shelve(A=10)
    created = house.bogus.sell({"A": 1})
    asked = house.hub.now
    more = house.bogus.orders[created["id"]] = {**created, "lines": [{**created["lines"][0], "quantity": 2}]}
    house.clock.pass_(timedelta(milliseconds=300))
    deliver(house, [notice(more, "more")])
    house.drain()
    house.bogus.next("fetch", Unavailable("not now"))

    with house.hub.unit() as work:
        intake.keep(house.hub, work, house.connection, [notice(created, "page")], read_at=asked)
    house.work()
    assert books.level(house.hub, "A") == (10, 2)

    house.clock.pass_(timedelta(minutes=1))
    house.drain()
    assert books.level(house.hub, "A") == (10, 2)
    assert [call for call in house.bogus.calls if call[0] == "fetch"]


# ---- "Oversell by concurrent orders"


def test_more_buyers_than_units_over_three_channels_reserve_each_unit_once_and_the_rest_waits(make_house: MakeHouse) -> None:
    house = make_house("north", "south", "west")
    house.shelve(A=20)
    for system in house.systems.values():
        for _ in range(9):
            system.sell({"A": 1})
    house.clock.pass_(timedelta(minutes=5))

    house.poll()

    with house.hub.database.read() as db:
        assert stock.units(db, house.merchant.id) == {"reserved": 20, "on_hand": 20, "short": 7, "unmapped": 0}
    assert books.wrong_listings(house) == []
    books.balance(house.hub)


@on_postgresql
def test_four_workers_that_reserve_at_once_never_promise_a_unit_twice(make_house: MakeHouse) -> None:
    house = make_house("north", "south", "west")
    house.shelve(A=40, B=40)
    for n in range(20):
        for name, system in house.systems.items():
            sold = system.sell({"A": 1, "B": 1} if n % 2 else {"B": 1, "A": 1})
            deliver(house, [notice(sold, f"{name} {n}")], house.connections[name])

    in_threads([lambda: drain_in_small_sets(house.hub)] * 4)
    house.drain()

    with house.hub.database.read() as db:
        assert stock.units(db, house.merchant.id) == {"reserved": 80, "on_hand": 80, "short": 40, "unmapped": 0}
    assert books.parked(house.hub) == []
    assert books.wrong_listings(house) == []
    books.balance(house.hub)


@on_postgresql
def test_an_order_settled_again_while_it_changes_is_reserved_once(make_house: MakeHouse) -> None:
    """Two workers on one order: one takes its change, the other settles its lines because stock came in."""
    house = make_house()
    house.shelve(A=1000)
    order = house.bogus.sell({"A": 1})["id"]
    deliver(house, [notice(house.bogus.orders[order], "first")])
    house.drain()

    def change() -> None:
        for quantity in range(2, 40):
            deliver(house, [notice(acts.edit(house.bogus, order, "1", quantity), f"q{quantity}")])
            drain_in_small_sets(house.hub)

    def settle() -> None:
        for _ in range(60):
            house.ask("reserve", f"{house.connection.id}/{order}")
            drain_in_small_sets(house.hub)

    in_threads([change, settle, settle])
    house.drain()

    assert books.lines(house.hub, order)["1"][:2] == (39, 39)
    books.balance(house.hub)


def test_an_order_that_waits_gets_the_units_that_another_gives_back(house: House) -> None:
    house.shelve(A=3)
    first = house.bogus.sell({"A": 3})["id"]
    house.clock.pass_(timedelta(seconds=1))
    second = house.bogus.sell({"A": 2})["id"]
    deliver(house, [notice(house.bogus.orders[one], one) for one in (first, second)])
    house.drain()
    assert books.lines(house.hub, second)["1"] == (2, 0, 0, 0, "stock")

    deliver(house, [notice(acts.cancel(house.bogus, first), "cancelled")])
    house.drain()

    assert books.lines(house.hub, second)["1"] == (2, 2, 0, 0, None)
    assert books.wrong_listings(house) == []
    books.balance(house.hub)


# ---- "Unmapped, deleted or custom line loses the whole order"


def test_a_line_that_nobody_has_mapped_waits_and_the_order_with_its_totals_stays(house: House) -> None:
    house.shelve(A=10)
    house.bogus.offer("strange", 5)
    sold = house.bogus.sell({"A": 1, "strange": 2})
    deliver(house, [notice(sold, "sold")])
    house.drain()

    assert books.lines(house.hub, sold["id"]) == {"1": (1, 1, 0, 0, None), "2": (2, 0, 0, 0, "mapping")}
    assert books.rows(house.hub, "select total, problems from orders") == [(3000, None)]
    assert books.parked(house.hub) == []
    books.balance(house.hub)


@on_sqlite
@pytest.mark.parametrize("listing", ["L-gone", None])
@pytest.mark.parametrize("sku", ["no such", None])
def test_a_deleted_or_custom_line_waits_and_the_order_with_its_totals_stays(house: House, listing: str | None, sku: str | None) -> None:
    house.shelve(A=10)
    sold = house.bogus.sell({"A": 1, "X": 2})
    custom = {**sold["lines"][1], "listing": listing, "sku": sku}
    house.bogus.orders[sold["id"]] = sold = {**sold, "lines": [sold["lines"][0], custom]}

    deliver(house, [notice(sold, "sold")])
    house.drain()

    assert books.lines(house.hub, sold["id"]) == {"1": (1, 1, 0, 0, None), "2": (2, 0, 0, 0, "mapping")}
    assert books.rows(house.hub, "select total, problems from orders") == [(3000, None)]
    assert books.parked(house.hub) == []


def test_a_line_whose_listing_nobody_read_never_stops_the_stock_of_the_others(house: House) -> None:
    """A deleted product with a SKU of ours: an order names its listing, but there is nothing to write stock to."""
    house.shelve(A=10)
    sold = house.bogus.sell({"A": 1})
    deleted = {**sold, "lines": [{**sold["lines"][0], "listing": "L-deleted"}]}
    house.bogus.orders[sold["id"]] = deleted
    house.bogus.listings["L-A", "A"].shown = 10

    deliver(house, [notice(deleted, "sold")])
    house.drain()

    told = [
        push.listing
        for method, what in house.bogus.calls
        if method in ("show", "shown")
        for push in (what[0] if method == "show" else what)
    ]
    assert "L-deleted" not in told
    assert books.wrong_listings(house) == []


def test_a_line_mapped_later_is_reserved_then(make_house: MakeHouse) -> None:
    house = make_house()
    house.shelve(A=10)
    house.bogus.offer("strange", 5)
    house.ask("read_listings")
    sold = house.bogus.sell({"strange": 2})
    deliver(house, [notice(sold, "sold")])
    house.drain()

    with house.hub.unit() as work:
        listings.map_parts(work.db, house.merchant.id, (house.connection.id, "L-strange", "strange"), {"A": 3})
        assert ask_waiting(work, house.merchant.id) == 1
    house.drain()

    assert books.lines(house.hub, sold["id"])["1"] == (2, 2, 0, 0, None)
    assert books.level(house.hub, "A") == (10, 6)
    books.balance(house.hub)


def test_a_line_mapped_to_other_goods_gives_back_what_it_held_of_the_old(make_house: MakeHouse) -> None:
    house = make_house()
    house.shelve(A=10, B=10)
    sold = house.bogus.sell({"A": 2})
    deliver(house, [notice(sold, "sold")])
    house.drain()

    for parts, a, b in (({"B": 2}, 0, 4), ({"A": 1, "B": 1}, 2, 2), ({}, 0, 0), ({"A": 1}, 2, 0)):
        with house.hub.unit() as work:
            assert map_listing(work, house.merchant.id, (house.connection.id, "L-A", "A"), parts)
        house.drain()
        assert (books.level(house.hub, "A"), books.level(house.hub, "B")) == ((10, a), (10, b)), parts
        books.balance(house.hub)

    deliver(house, [notice(acts.cancel(house.bogus, sold["id"]), "cancelled")])
    house.drain()
    assert (books.level(house.hub, "A"), books.level(house.hub, "B")) == ((10, 0), (10, 0))
    assert books.wrong_listings(house) == []


def test_units_sent_before_their_line_was_mapped_leave_the_shelf_when_it_is(house: House) -> None:
    house.shelve(A=10)
    house.bogus.offer("strange", 5)
    sold = house.bogus.sell({"strange": 2})
    deliver(house, [notice(sold, "sold"), notice(acts.fulfill(house.bogus, sold["id"], "1", 2), "sent")])
    house.drain()

    with house.hub.unit() as work:
        map_listing(work, house.merchant.id, (house.connection.id, "L-strange", "strange"), {"A": 1})
    house.drain()

    assert books.level(house.hub, "A") == (8, 0)
    books.balance(house.hub)


def test_thousands_of_lines_that_nobody_maps_never_hide_one_that_somebody_mapped(house: House) -> None:
    house.shelve(A=10)
    sold = [house.bogus.sell({name: 1}) for name in ("never", "strange")]
    deliver(house, [notice(one, one["id"]) for one in sold])
    house.drain()

    with house.hub.unit() as work:
        listings.map_parts(work.db, house.merchant.id, (house.connection.id, "L-strange", "strange"), {"A": 1})
        waiting = orders.waiting(work.db, house.merchant.id, "mapping", most=1)

    assert waiting == [f"{house.connection.id}/{sold[1]['id']}"]


@on_sqlite
def test_a_merchant_without_a_place_loses_no_order(house: House) -> None:
    house.shelve(A=10)
    with house.hub.database.write() as db:
        db.exec_driver_sql("delete from levels")
        db.exec_driver_sql("delete from movements")
        db.exec_driver_sql("delete from locations")
    sold = house.bogus.sell({"A": 2})["id"]
    acts.fulfill(house.bogus, sold, "1", 2)

    deliver(house, [notice(acts.refund(house.bogus, sold, "1", 1, "return"), "back")])
    house.drain()

    assert books.lines(house.hub, sold)["1"] == (0, 0, 2, 1, None)


# ---- "Orders never arrive; nobody notices": a page that a channel no longer knows stops nothing for ever


@on_sqlite
@pytest.mark.parametrize("kind", ["poll_orders", "read_listings"])
def test_a_channel_that_forgot_where_we_were_is_read_from_the_beginning_again(house: House, kind: str) -> None:
    house.shelve(A=10)
    house.bogus.per_page = 2
    for n in range(5):
        house.bogus.sell({"A": 1})
        house.bogus.offer(f"new {n}", 1)
    house.clock.pass_(timedelta(minutes=5))
    plain, asked = house.bogus.call, Counter[bool]()

    def call(method: str, what: object = None) -> object:
        """The page that is asked for first is forgotten; whoever begins again gets all."""
        page = what[2] if method == "poll" else what
        if method in ("poll", "listings"):
            asked[page is None] += 1
            if page is not None and asked[True] == 1:
                raise Refused("no such page")
        return plain(method, what)

    house.bogus.call = call
    house.ask(kind)
    house.drain()
    assert [row[2] for row in books.parked(house.hub)] == ["Refused"]

    for _ in range(5):  # the clockwork asks every quarter of an hour
        house.clock.pass_(timedelta(minutes=15))
        house.ask(kind)
        house.drain()

    assert books.parked(house.hub) == []
    assert len(books.orders(house.hub)) == 5 or kind == "read_listings"
    assert books.one(house.hub, "select count(*) from listings") == (6 if kind == "read_listings" else 1)
