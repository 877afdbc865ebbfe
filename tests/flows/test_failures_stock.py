"""Failures that users of other hubs reported: stock on channels stale, wrong, starved or dropped. Named by what must hold."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.bogus.channel import Bogus, Shelf
from core import jobs
from core.errors import OutcomeUnknown, RateLimited, Unavailable
from core.flows.allocation import ask_waiting
from core.ports import Answer, Limits, Push, Told
from core.store import connections, listings, stock, tasks
from tests.conftest import Clock, House
from tests.flows import acts, books
from tests.flows.acts import count, deliver, notice
from tests.flows.marks import on_sqlite

MakeHouse = Callable[..., House]


def keys(system: Bogus) -> list[str]:
    return [what[1] for method, what in system.calls if method == "show"]


def calls(system: Bogus, *methods: str) -> list[str]:
    return [method for method, _ in system.calls if method in methods]


def shown(house: House, sku: str = "A") -> list[int]:
    return [system.listings[f"L-{sku}", sku].shown for system in house.systems.values()]


def limited(house: House, **limits: int) -> None:
    """The channels of this house take that much."""
    connector = house.hub.connectors["bogus"]
    house.hub.connectors = {"bogus": replace(connector, limits=Limits(**limits))}


# ---- "Stock on channels stale or wrong: pushed late, starved, or swallowed by a bad idempotency key"


def test_ten_nine_ten_ends_at_ten_on_every_channel(make_house: MakeHouse) -> None:
    house = make_house("north", "south", "west")
    house.shelve(A=10)

    for units in (9, 10, 9, 10):
        count(house, A=units)
        house.drain()

    assert shown(house) == [10, 10, 10]
    for system in house.systems.values():
        assert system.listings["L-A", "A"].writes == [9, 10, 9, 10]
        assert len(keys(system)) == len(set(keys(system))) == 4


@on_sqlite
def test_a_thousand_changes_between_two_pushes_are_one_push(house: House) -> None:
    house.shelve(A=1000)
    house.clock.pass_(timedelta(seconds=1))

    for units in range(999, 700, -1):
        count(house, A=units)
    house.drain()

    assert house.bogus.listings["L-A", "A"].writes == [701]


@on_sqlite
@pytest.mark.parametrize("after_the_work", [False, True])
def test_a_lost_answer_is_read_back_before_anything_is_written_again(house: House, after_the_work: bool) -> None:
    house.shelve(A=10)
    house.bogus.calls.clear()
    house.bogus.next("show", OutcomeUnknown("connection reset"), after_the_work)

    count(house, A=9)
    house.drain(through=timedelta(seconds=20))

    assert shown(house) == [9]
    assert house.bogus.listings["L-A", "A"].writes == [9]
    assert calls(house.bogus, "show", "shown") == (["show", "shown"] if after_the_work else ["show", "shown", "show"])
    assert len(set(keys(house.bogus))) == len(keys(house.bogus))


def test_a_push_whose_answer_was_lost_and_that_comes_true_after_it_was_read_back_is_noticed(house: House) -> None:
    house.shelve(A=20)
    house.bogus.queues = True
    house.bogus.next("show", OutcomeUnknown("connection reset"), after_the_work=True)

    count(house, A=10)
    house.drain()
    count(house, A=20)
    house.work(timedelta(seconds=20))
    house.bogus.settle()
    assert shown(house) == [10]
    house.drain(through=timedelta(minutes=1))
    house.bogus.settle()

    assert shown(house) == [20]


def test_ten_nine_with_a_lost_answer_and_back_to_ten_ends_at_ten(house: House) -> None:
    """What we believed before the lost answer would say that there is nothing to tell."""
    house.shelve(A=10)
    house.bogus.next("show", OutcomeUnknown("connection reset"), after_the_work=True)

    count(house, A=9)
    house.drain()
    count(house, A=10)
    house.drain(through=timedelta(minutes=1))

    assert shown(house) == [10]


def test_a_lost_answer_is_read_back_though_other_listings_come_first(house: House) -> None:
    limited(house, per_call=2)
    house.shelve(A=10, B=10, C=10, D=10)
    house.bogus.next("show", OutcomeUnknown("connection reset"), after_the_work=True)

    count(house, C=9, D=9)
    house.drain()
    for sku in ("A", "B"):
        deliver(house, [notice(house.bogus.sell({sku: 1}), sku)])
    count(house, C=10, D=10)
    house.drain(through=timedelta(minutes=1))

    assert books.wrong_listings(house) == []


@on_sqlite
def test_a_channel_that_compares_and_shows_something_else_is_told_again_with_what_it_shows(make_house: MakeHouse) -> None:
    house = make_house("north", "south")
    for system in house.systems.values():
        system.compares = True
    house.shelve(A=10)
    house.systems["south"].listings["L-A", "A"].shown = 4  # somebody changed it there

    count(house, A=8)
    house.drain(through=timedelta(minutes=1))

    assert shown(house) == [8, 8]


def test_a_channel_that_only_accepts_is_read_back_and_told_again_what_did_not_come_true(house: House) -> None:
    house.shelve(A=10)
    house.bogus.queues = True

    count(house, A=3)
    house.drain()
    house.bogus.pending.clear()  # it was accepted, and forgotten
    house.drain(through=timedelta(seconds=40))
    house.bogus.settle()
    house.drain(through=timedelta(minutes=2))

    assert shown(house) == [3]
    assert books.open_tasks(house.hub) == []


@on_sqlite
def test_a_channel_that_has_not_come_to_it_is_read_again_after_a_while_and_not_without_end(house: House) -> None:
    house.shelve(A=10)
    house.bogus.queues = True
    count(house, A=3)
    house.drain()
    house.bogus.calls.clear()

    house.drain(through=timedelta(seconds=95))

    assert len(calls(house.bogus, "shown")) <= 4


@on_sqlite
def test_a_change_while_the_answer_of_a_push_is_read_back_is_not_taken_for_confirmed(house: House) -> None:
    """Accepted, and something new is told while somebody reads back: the new word is read back too."""
    house.shelve(A=10)
    house.bogus.queues = True
    count(house, A=8)
    house.drain()
    house.bogus.settle()
    during(house.bogus, "shown", lambda: (count(house, A=12), jobs.drain(house.hub, "outside")))

    house.drain(through=timedelta(seconds=31))
    house.bogus.pending.clear()
    house.drain(through=timedelta(seconds=31))
    house.bogus.settle()
    count(house, A=8)
    house.drain(through=timedelta(minutes=2))
    house.bogus.settle()

    assert shown(house) == [8]


@on_sqlite
def test_what_is_told_while_an_earlier_word_is_read_back_is_not_taken_for_confirmed(house: House) -> None:
    """Six are wanted, and told while eight are read back: eight is not what it will show."""
    house.shelve(A=10)
    house.bogus.queues = True
    count(house, A=8)
    house.drain()
    house.bogus.settle()
    house.clock.pass_(timedelta(seconds=31))
    count(house, A=6)
    publish = turn(house, "publish_stock")
    during(house.bogus, "shown", lambda: (house.clock.pass_(timedelta(seconds=1)), jobs.work_off(house.hub, "outside", publish)))

    jobs.work_off(house.hub, "outside", turn(house, "verify_stock"))
    house.bogus.settle()
    count(house, A=8)
    for _ in range(4):
        house.clock.pass_(timedelta(minutes=3))
        house.poll()
        house.bogus.settle()

    assert shown(house) == [8]


def turn(house: House, kind: str) -> tasks.Turn:
    return (house.merchant.id, house.connection.id, kind)


@on_sqlite
def test_what_comes_in_is_shown_only_when_those_who_waited_have_theirs(make_house: MakeHouse) -> None:
    house = make_house("north", "south")
    house.shelve(A=2)
    for system in house.systems.values():
        system.sell({"A": 2})
    for _ in range(2):
        house.clock.pass_(timedelta(minutes=4))
        house.poll()
    count(house, A=5)
    with house.hub.unit() as work:
        ask_waiting(work, house.merchant.id)

    jobs.drain(house.hub, "outside")
    house.clock.pass_(timedelta(minutes=4))
    for connection in house.connections.values():
        house.ask("poll_orders", connection=connection)
    jobs.drain(house.hub, "outside")
    assert max(shown(house)) <= 1, "two of the three that are free are sold already"
    house.drain()

    assert shown(house) == [1, 1]


def during(system: Bogus, method: str, act: Callable[[], object]) -> None:
    """Something happens once between the channel's answer to this call and our writing it down."""
    plain = system.call

    @contextmanager
    def call(name: str, what: object = None) -> Iterator[None]:
        with plain(name, what):
            yield
        if name == method and system.call is call:
            system.call = plain
            act()

    system.call = call


@on_sqlite
@pytest.mark.parametrize(("method", "before", "after"), [("show", 9, 10), ("shown", 10, 11), ("listings", 10, 11)])
def test_a_sale_heard_of_during_a_call_is_not_overwritten_by_its_answer(
    make_house: MakeHouse, method: str, before: int, after: int
) -> None:
    """The channel says 10, sells one and tells us, then we write down what it said; and now it should show 10."""
    house = make_house("north", "south")
    house.shelve(A=10)
    north = house.systems["north"]
    if method == "shown":
        with house.hub.unit() as work:
            work.db.exec_driver_sql("update listings set shown = null")

    def sell() -> None:
        house.clock.pass_(timedelta(milliseconds=1))
        deliver(house, [notice(north.sell({"A": 1}), "in between")], house.connections["north"])
        house.clock.pass_(timedelta(milliseconds=1))
        jobs.drain(house.hub, "inside")
        count(house, A=after)

    during(north, method, sell)
    if method == "listings":
        house.ask("read_listings", connection=house.connections["north"])
    else:
        count(house, A=before)
    house.drain(through=timedelta(minutes=1))

    assert books.wrong_listings(house) == []
    assert shown(house) == [after - 1, after - 1]


def test_a_sale_that_fell_into_a_call_and_is_heard_of_later_is_looked_up(house: House) -> None:
    house.shelve(A=10)
    sold = []

    def sell() -> None:
        house.clock.pass_(timedelta(milliseconds=1))
        sold.append(house.bogus.sell({"A": 1}))
        house.clock.pass_(timedelta(milliseconds=1))

    during(house.bogus, "show", sell)
    count(house, A=9)
    house.drain()
    deliver(house, [notice(sold[0], "late")])
    count(house, A=10)
    house.drain(through=timedelta(minutes=1))

    assert books.wrong_listings(house) == []


@pytest.mark.parametrize("act", ["cancel", "return", "cancel at first sight"])
def test_what_a_channel_puts_back_on_show_by_itself_is_looked_up_before_we_are_content(make_house: MakeHouse, act: str) -> None:
    """North cancels two and shows ten again; south sells two meanwhile: north must go down to eight."""
    house = make_house("north", "south")
    house.shelve(A=10)
    house.clock.pass_(timedelta(minutes=1))
    north, south = house.systems.values()
    order = north.sell({"A": 2})["id"]
    if act != "cancel at first sight":
        deliver(house, [notice(north.orders[order], "sold")], house.connections["north"])
        house.drain()
    if act == "return":
        acts.fulfill(north, order, "1", 2)
        deliver(house, [notice(north.orders[order], "sent")], house.connections["north"])
        house.drain()

    after = acts.refund(north, order, "1", 2, "return") if act == "return" else acts.cancel(north, order)
    deliver(house, [notice(after, "back")], house.connections["north"])
    deliver(house, [notice(south.sell({"A": 2}), "elsewhere")], house.connections["south"])
    house.drain(through=timedelta(minutes=1))

    assert shown(house) == [8, 8]


def test_a_cancelled_order_that_never_got_stock_is_taken_off_show_again(make_house: MakeHouse) -> None:
    house = make_house("north")
    house.shelve(A=1)
    house.clock.pass_(timedelta(minutes=1))
    house.bogus.listings["L-A", "A"].shown = 3
    first, second = house.bogus.sell({"A": 1}), house.bogus.sell({"A": 2})
    deliver(house, [notice(first, "first")])
    house.drain()
    deliver(house, [notice(second, "second")])
    house.drain()

    deliver(house, [notice(acts.cancel(house.bogus, second["id"]), "cancelled")])
    house.drain(through=timedelta(minutes=1))

    assert shown(house) == [0]


# ---- "Published quantity ignores reservations"


@on_sqlite
@pytest.mark.parametrize(
    ("on_hand", "sold", "buffer", "wanted"), [(10, 3, 0, 7), (10, 3, 2, 5), (10, 3, 7, 0), (10, 3, 20, 0), (3, 3, 1, 0)]
)
def test_every_channel_shows_on_hand_less_reserved_less_its_buffer_and_never_less_than_nothing(
    make_house: MakeHouse, on_hand: int, sold: int, buffer: int, wanted: int
) -> None:
    house = make_house("plain", "careful")
    house.shelve(A=on_hand)
    with house.hub.unit() as work:
        careful = house.connections["careful"].id
        connections.set_buffer(work.db, careful, buffer)
        work.ask(house.merchant.id, "publish_stock", careful, careful)
    deliver(house, [notice(house.bogus.sell({"A": sold}), "sold")])

    house.drain()

    assert shown(house) == [on_hand - sold, wanted]


@on_sqlite
def test_a_bundle_shows_what_its_scarcest_part_makes_and_two_bundles_share_it(house: House) -> None:
    house.shelve(A=10, B=3)
    house.bogus.offer("AB", 0)
    house.ask("read_listings")
    house.drain()
    with house.hub.unit() as work:
        listings.map_parts(work.db, house.merchant.id, (house.connection.id, "L-AB", "AB"), {"A": 2, "B": 1})
        work.ask(house.merchant.id, "publish_stock", house.connection.id, house.connection.id)
    house.drain()
    assert [shown(house, sku)[0] for sku in ("A", "B", "AB")] == [10, 3, 3]

    deliver(house, [notice(house.bogus.sell({"A": 7}), "sold")])
    house.drain()

    assert [shown(house, sku)[0] for sku in ("A", "B", "AB")] == [3, 3, 1]


# ---- "429 during a bulk stock push; updates dropped"


class Leaky:
    """Bogus as a leaky bucket: so many calls, then none for a while. Calls during a ban are counted."""

    def __init__(self, system: Bogus, clock: Clock, every: int, wait_s: float) -> None:
        self.clock, self.every, self.wait_s = clock, every, wait_s
        self.taken, self.banned_until, self.early = 0, clock.now, 0
        self._plain, system.call = system.call, self.call

    def call(self, method: str, what: object = None) -> object:
        self.early += self.clock.now < self.banned_until
        self.taken += 1
        if self.taken % self.every == 0:
            self.banned_until = self.clock.now + timedelta(seconds=self.wait_s)
            raise RateLimited("slow down", wait_s=self.wait_s)
        return self._plain(method, what)


def test_five_thousand_listings_converge_under_a_rate_limit_and_no_order_starves(make_house: MakeHouse) -> None:
    house = make_house("limited", "free")
    goods = {f"S{n:04}": 100 for n in range(5000 if house.hub.database.is_sqlite else 500)}
    for system in house.systems.values():
        system.per_page = 1000
        system.listings = {(f"L-{sku}", sku): Shelf(sku, units) for sku, units in goods.items()}
    count(house, **goods)
    for connection in house.connections.values():
        house.ask("read_listings", connection=connection)
    house.drain()
    bucket = Leaky(house.systems["limited"], house.clock, every=4, wait_s=2.0)
    for system in house.systems.values():
        system.calls.clear()

    count(house, **dict.fromkeys(goods, 99))
    jobs.drain(house.hub, "outside")
    for name, system in house.systems.items():
        system.sell({"S0000": 1})
        deliver(house, [notice(system.orders["1001"], "sold", whole=False)], house.connections[name])
    start, taken = house.clock.now, []
    while any(kind == "publish_stock" for kind, _, _ in books.open_tasks(house.hub)) or len(taken) < 2:
        house.drain(through=timedelta(seconds=1))
        taken += [house.clock.now - start] * (len(books.orders(house.hub)) - len(taken))

    assert bucket.early == 0
    assert taken[0] <= timedelta(seconds=1)  # on the other connection nobody waits
    assert taken[1] <= timedelta(seconds=10)  # nor behind five thousand listings
    assert books.wrong_listings(house) == []
    assert books.parked(house.hub) == []


@on_sqlite
@pytest.mark.parametrize("method", ["poll", "show", "shown", "fetch", "listings"])
def test_no_call_is_made_before_the_wait_is_over_and_the_try_does_not_count(make_house: MakeHouse, method: str) -> None:
    house = make_house("limited", "free")
    house.shelve(A=10)
    limited, free = house.systems.values()
    for _ in range(12):  # more often than a task may fail
        limited.next(method, RateLimited("slow down", wait_s=60))
    one = house.connections["limited"]
    with house.hub.unit() as work:
        work.db.exec_driver_sql("update listings set shown = null, changed = changed + 1")
        for kind in ("poll_orders", "read_listings", "publish_stock"):
            work.ask(house.merchant.id, kind, one.id, one.id)
        work.ask(house.merchant.id, "fetch_orders", f"{one.id}/{limited.sell({'A': 1})['id']}", one.id)
    count(house, A=9)
    limited.calls.clear()

    house.drain()
    after = len(limited.calls)
    assert books.one(house.hub, "select max(tries) from tasks where state = 'due' and cause = 'RateLimited'") == 0
    house.drain(through=timedelta(seconds=59))

    assert len(limited.calls) == after
    assert shown(house)[1] in (8, 9)
    house.drain(through=timedelta(minutes=20))
    assert books.parked(house.hub) == []
    assert [row for row in books.wrong_listings(house) if row[0] == "limited"] == []
    assert free.listings["L-A", "A"].shown == 8


@on_sqlite
def test_a_silent_channel_is_left_alone_for_a_while_and_then_tried_once(make_house: MakeHouse) -> None:
    """The circuit breaker: an hour of silence costs few calls and parks nothing."""
    house = make_house("silent", "free")
    house.shelve(A=10)
    silent = house.systems["silent"]
    plain = silent.call

    def dead(method: str, what: object = None) -> object:
        silent.calls.append((method, what))
        raise Unavailable("no answer")

    silent.call = dead
    silent.calls.clear()
    for n in range(60):
        count(house, A=20 + n)
        house.work(timedelta(minutes=1))
    assert len(silent.calls) <= 130
    assert books.parked(house.hub) == []

    silent.call = plain
    count(house, A=5)
    house.drain(through=timedelta(minutes=2))

    assert shown(house) == [5, 5]


# ---- "One bad SKU fails the whole batch"


def test_one_refused_listing_is_shown_with_its_reason_and_the_others_are_written(house: House) -> None:
    house.shelve(A=10, B=10, C=10)
    house.bogus.listings["L-B", "B"].refuses = "not of this category"

    count(house, A=1, B=2, C=3)
    house.drain()

    assert [shown(house, sku) for sku in "ABC"] == [[1], [10], [3]]
    with house.hub.database.read() as db:
        told = {shelf.sku: shelf.problem for shelf in listings.all_of(db, house.merchant.id)}
    assert told == {"A": None, "B": "not of this category", "C": None}
    assert books.open_tasks(house.hub) == []

    house.bogus.listings["L-B", "B"].refuses = ""
    count(house, B=4)
    house.drain()
    with house.hub.database.read() as db:
        assert [shelf.problem for shelf in listings.all_of(db, house.merchant.id)] == [None, None, None]
    assert shown(house, "B") == [4]


def test_a_listing_that_is_gone_or_not_ours_to_write_stops_no_other(house: House) -> None:
    house.shelve(A=10, B=10, C=10)
    house.bogus.listings["L-C", "C"].writable = "bundle parent"
    house.ask("read_listings")
    house.drain()
    del house.bogus.listings["L-B", "B"]

    count(house, A=1, B=2, C=3)
    house.drain()

    assert [shown(house, sku) for sku in "AC"] == [[1], [10]]
    with house.hub.database.read() as db:
        told = {shelf.sku: shelf.problem for shelf in listings.all_of(db, house.merchant.id)}
    assert told["B"] == "the channel has no such listing"
    assert books.open_tasks(house.hub) == []


@on_sqlite
def test_an_answer_that_leaves_one_listing_out_is_read_back(house: House) -> None:
    house.shelve(A=10, B=10)
    plain = house.bogus.write

    def forgetful(push: Push) -> Answer:
        house.bogus.write = plain
        return Answer("L-?", "?", Told.SHOWN)

    house.bogus.write = forgetful
    count(house, A=1, B=2)
    house.drain()

    assert books.wrong_listings(house) == []


# ---- revisions a day, as eBay counts them


def test_the_last_revisions_of_a_day_are_kept_for_showing_zero_and_the_rest_waits_for_the_next_day(house: House) -> None:
    limited(house, revisions=10, kept_for_zero=3)
    house.shelve(A=100)

    for units in range(99, 79, -1):
        count(house, A=units)
        house.drain()
    shelf = house.bogus.listings["L-A", "A"]
    assert shelf.writes == [99, 98, 97, 96, 95, 94, 93]

    count(house, A=0)
    house.drain()
    assert shelf.writes[7:] == [0]
    count(house, A=50)
    house.drain()
    assert shelf.shown == 0

    jump(house, timedelta(hours=12))
    assert shelf.writes[8:] == [50]
    assert books.wrong_listings(house) == []
    assert books.open_tasks(house.hub) == []


def test_a_revision_whose_answer_was_lost_is_counted(house: House) -> None:
    limited(house, revisions=10, kept_for_zero=3)
    house.shelve(A=100)
    for units in range(99, 79, -1):
        house.bogus.next("show", OutcomeUnknown("connection reset"), after_the_work=True)
        count(house, A=units)
        house.drain(through=timedelta(seconds=5))

    assert len(house.bogus.listings["L-A", "A"].writes) <= 7


def jump(house: House, by: timedelta) -> None:
    """Time passes at once."""
    house.clock.pass_(by)
    house.drain()


# ---- counting


def test_a_count_below_what_is_promised_keeps_the_promises(house: House) -> None:
    house.shelve(A=10)
    deliver(house, [notice(house.bogus.sell({"A": 4}), "sold")])
    house.drain()

    count(house, A=1)
    house.drain()

    assert books.level(house.hub, "A") == (4, 4)
    assert shown(house) == [0]
    books.balance(house.hub)


def test_one_sku_counted_in_two_places_under_two_titles_is_one_sku(house: House) -> None:
    with house.hub.unit() as work:
        stock.add_location(work.db, house.merchant.id, "second", "Second", rank=1)
        rows = [
            {"sku": "A", "title": title, "location": place, "on_hand": 5}
            for title, place in (("Mug", house.place), ("Mug, blue", "second"))
        ]
        stock.count(work.db, house.merchant.id, rows, work.now)

    assert books.level(house.hub, "A") == (10, 0)
    books.balance(house.hub)


def test_an_order_takes_from_several_places_and_gives_back_to_each_what_it_took(house: House) -> None:
    house.shelve(A=3)
    with house.hub.unit() as work:
        stock.add_location(work.db, house.merchant.id, "second", "Second", rank=1)
        stock.count(work.db, house.merchant.id, [{"sku": "A", "title": "", "location": "second", "on_hand": 3}], work.now)
    order = house.bogus.sell({"A": 5})["id"]
    deliver(house, [notice(house.bogus.orders[order], "sold")])
    house.drain()
    assert books.rows(
        house.hub,
        "select on_hand, reserved from levels order by rowid"
        if house.hub.database.is_sqlite
        else "select on_hand, reserved from levels order by reserved desc",
    ) == [(3, 3), (3, 2)]

    deliver(house, [notice(acts.edit(house.bogus, order, "1", 1), "edited")])
    house.drain()
    books.balance(house.hub)
    deliver(house, [notice(acts.cancel(house.bogus, order), "cancelled")])
    house.drain()

    assert books.level(house.hub, "A") == (6, 0)
    books.balance(house.hub)


def pushed_over(house: House) -> str:
    """An order of two that we have not seen, and a count that was pushed after it."""
    house.shelve(A=20)
    house.clock.pass_(timedelta(seconds=5))
    order = str(house.bogus.sell({"A": 2})["id"])
    house.clock.pass_(timedelta(seconds=5))
    count(house, A=13)
    house.drain()
    assert shown(house) == [13]
    house.clock.pass_(timedelta(seconds=5))
    return order


@on_sqlite
def test_an_order_that_grew_before_we_saw_it_first_is_looked_up(house: House) -> None:
    """Sold before our last push and edited after it: the push undid the sale's part and not the edit's."""
    order = pushed_over(house)
    acts.show_again(house.bogus, acts.line_of(house.bogus, order, "1"), -1)

    deliver(house, [notice(acts.edit(house.bogus, order, "1", 3), "first word")])
    count(house, A=16)
    house.drain(through=timedelta(minutes=1))

    assert shown(house) == [13]


@on_sqlite
def test_an_order_that_was_edited_to_nothing_before_we_saw_it_first_is_looked_up(house: House) -> None:
    """Sold before our last push and edited after it: the channel shows again what that order does not want any more."""
    order = pushed_over(house)
    acts.show_again(house.bogus, acts.line_of(house.bogus, order, "1"), 2)
    assert shown(house) == [15]

    deliver(house, [notice(acts.edit(house.bogus, order, "1", 0), "first word")])
    house.drain(through=timedelta(minutes=1))

    assert shown(house) == [13]


@on_sqlite
def test_what_runs_out_is_told_before_everything_else(make_house: MakeHouse) -> None:
    """A file of counts for a large catalogue goes out in many calls, and one SKU is sold out meanwhile."""
    house = make_house("north", "south")
    goods = {f"G{number}": 5 for number in range(12)}
    house.shelve(**goods, Z=1)
    bogus = house.hub.connectors["bogus"]
    house.hub.connectors["bogus"] = replace(bogus, limits=replace(bogus.limits, per_call=3))
    count(house, **dict.fromkeys(goods, 4))
    count(house, Z=0)
    south, written = house.systems["south"], []
    plain = south.call

    @contextmanager
    def listens(method: str, what: Any = None) -> Iterator[None]:
        written.extend(push.sku for push in what[0]) if method == "show" else None
        with plain(method, what):
            yield

    south.call = listens  # type: ignore[method-assign]
    house.drain()

    assert "Z" in written[:3]
    assert len(written) == 13


@on_sqlite
def test_a_figure_is_as_late_as_its_answer_however_early_it_was_asked_for(make_house: MakeHouse) -> None:
    """The call waits for its turn. Meanwhile the orders are read, and two more are sold that nobody has seen when the answer comes."""
    house = make_house("north", "south")
    house.shelve(A=5)
    north, late = house.systems["north"], iter([True])
    with house.hub.database.write() as db:
        db.exec_driver_sql("update listings set shown = null, changed = changed + 1")
    plain = north.call

    @contextmanager
    def waits(method: str, what: Any = None) -> Iterator[None]:
        if method == "shown" and next(late, False):
            house.clock.pass_(timedelta(minutes=4))
            house.ask("poll_orders", connection=house.connections["north"])
            jobs.drain(house.hub, "outside")
            house.clock.pass_(timedelta(seconds=1))
            north.sell({"A": 2})
        with plain(method, what):
            yield

    north.call = waits  # type: ignore[method-assign]
    house.ask("publish_stock", connection=house.connections["north"])
    jobs.drain(house.hub, "outside")

    assert north.listings["L-A", "A"].shown == 3, "more would be sold twice"
