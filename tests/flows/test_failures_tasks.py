"""Failures that users of other hubs reported: "job lost when a worker dies; failure needs hand work". Named by what must hold."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import event, text

from connectors.bogus import manifest
from core import jobs
from core.domain.order import Order
from core.domain.tasks import CRASH_REST_S, Claim
from core.errors import BadPayload, Refused, Unavailable
from core.flows import connections as flows
from core.hub import Hub
from core.store import tasks
from core.store.tasks import FIRST
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.acts import deliver, notice
from tests.flows.marks import on_postgresql, on_sqlite
from tests.flows.workers import Crash, in_threads

MakeHouse = Callable[..., House]


def lapse(house: House) -> None:
    """The leases of silent workers run out, the sweeper comes by, and what rests after that is rested."""
    with house.hub.database.write() as db:
        db.execute(text("update tasks set lease_until = 1 where state = 'running'"))
    jobs.sweep(house.hub)
    house.clock.pass_(timedelta(seconds=CRASH_REST_S))


def crash(house: House, queue: str) -> None:
    with pytest.raises(Crash):
        jobs.drain(house.hub, queue)


def claim(hub: Hub, queue: str = "inside", most: int = 100) -> Claim | None:
    with hub.database.read() as db:
        turn = tasks.next_turn(db, queue, FIRST, hub.now)
    with hub.database.write() as db:
        return tasks.claim(db, queue, turn, most, hub.now) if turn else None


def ask(house: House, kind: str, *subjects: str, wait_s: float = 0.0) -> None:
    with house.hub.unit() as work:
        for subject in subjects:
            work.ask(house.merchant.id, kind, subject, house.connection.id, wait_s)


def state(house: House, kind: str) -> list[tuple[str, int, int]]:
    """(state, tries, crashes) of each task of a kind."""
    return books.rows(house.hub, "select state, tries, crashes from tasks where kind = :kind order by id", kind=kind)


def poisoned(house: House, what: BaseException | None) -> None:
    """Orders named "poison" end whoever reads them, or are readable again."""
    connector, plain = house.hub.connectors["bogus"], manifest(*house.systems.values()).order

    def read(body: bytes, connection: str) -> Order:
        if what is not None and b'"#poison"' in body:
            raise what
        return plain(body, connection)

    house.hub.connectors = {"bogus": replace(connector, order=read)}


def before_reading(house: House, act: Callable[[], object]) -> None:
    """Something happens once between a worker's look into the inbox and its transaction."""
    connector = house.hub.connectors["bogus"]

    def read(body: bytes, connection: str) -> Order:
        house.hub.connectors = {"bogus": connector}
        act()
        return connector.order(body, connection)

    house.hub.connectors = {"bogus": replace(connector, order=read)}


def sold(house: House, count: int = 1, **different: object) -> list[str]:
    """Orders that wait in the inbox."""
    made = [house.bogus.sell({"A": 1}, **different) for _ in range(count)]
    deliver(house, [notice(one, f"sold {one['id']}") for one in made])
    return [one["id"] for one in made]


# ---- workers die


def test_what_a_dead_worker_held_is_done_by_another_once(house: House) -> None:
    house.shelve(A=10)
    sold(house)
    dead = claim(house.hub)

    house.drain()
    assert dead and books.orders(house.hub) == []

    lapse(house)
    house.drain()
    assert len(books.orders(house.hub)) == 1
    assert books.level(house.hub, "A") == (10, 1)


def test_a_worker_that_wakes_late_writes_nothing(house: House) -> None:
    house.shelve(A=10)
    sold(house)
    late = claim(house.hub)
    lapse(house)
    house.drain()
    before = books.written(house.hub)

    assert late
    jobs.run(house.hub, late)

    assert books.written(house.hub) == before
    assert state(house, "take_orders") == [("done", 0, 0)]


def test_a_worker_that_wakes_late_does_not_record_for_the_one_that_holds_it_now(house: House) -> None:
    house.shelve(A=10)
    sold(house)
    late = claim(house.hub)
    lapse(house)
    holder = claim(house.hub)

    assert late and holder
    jobs.run(house.hub, late)

    assert books.orders(house.hub) == []
    assert state(house, "take_orders")[0][0] == "running"
    jobs.run(house.hub, holder)
    assert len(books.orders(house.hub)) == 1


def test_a_renewed_lease_keeps_the_work_and_a_lost_one_is_not_renewed(house: House) -> None:
    sold(house)
    held = claim(house.hub)
    assert held

    lapsed = "select count(*) from tasks where state = 'running' and lease_until = 1"
    with house.hub.database.write() as db:
        db.execute(text("update tasks set lease_until = 1 where state = 'running'"))
        tasks.renew(db, held.tasks, house.hub.now)
    assert books.one(house.hub, lapsed) == 0

    lapse(house)
    another = claim(house.hub)
    with house.hub.database.write() as db:
        db.execute(text("update tasks set lease_until = 1 where state = 'running'"))
        tasks.renew(db, held.tasks, house.hub.now)
    assert another and books.one(house.hub, lapsed) == 1


@on_sqlite
def test_a_keeper_renews_what_its_process_holds_and_nothing_else(house: House) -> None:
    sold(house, 2)
    kept, left = claim(house.hub, most=1), claim(house.hub, most=1)
    assert kept and left
    keeper = jobs.Keeper(house.hub)
    keeper.hold(kept)
    keeper.hold(left)
    keeper.drop(left)
    with house.hub.database.write() as db:
        db.execute(text("update tasks set lease_until = 1 where state = 'running'"))

    keeper.start()
    seen = threading.Event()
    for _ in range(40):
        if books.one(house.hub, "select count(*) from tasks where lease_until = 1") == 1:
            break
        seen.wait(0.1)
    keeper.stop()

    assert books.rows(house.hub, "select id from tasks where lease_until = 1") == [(left.tasks[0].id,)]


@pytest.mark.parametrize("after_the_work", [False, True])
def test_a_worker_that_dies_while_it_tells_a_channel_leaves_it_right(house: House, after_the_work: bool) -> None:
    house.shelve(A=10)
    sold(house, 3)
    jobs.drain(house.hub, "inside")
    house.bogus.listings["L-A", "A"].shown = 10  # the channel did not lower it by itself
    with house.hub.database.write() as db:
        db.execute(text("update listings set shown = 10"))
    house.bogus.next("show", Crash(), after_the_work)

    crash(house, "outside")
    lapse(house)
    house.drain(through=timedelta(seconds=40))

    assert house.bogus.listings["L-A", "A"].writes == [7]
    assert books.open_tasks(house.hub) == []


def test_a_task_that_kills_its_worker_three_times_is_parked_and_the_rest_of_its_set_is_done(house: House) -> None:
    house.shelve(A=100)
    poisoned(house, Crash())
    sold(house, 5)
    poison = sold(house, name="#poison")[0]
    sold(house, 5)

    for _ in range(3):
        for _ in range(20):
            try:
                jobs.drain(house.hub, "inside")
            except Crash:
                lapse(house)

    assert [(kind, subject.split("/")[1], cause) for kind, subject, cause, _ in books.parked(house.hub)] == [
        ("take_orders", poison, "Crash")
    ]
    assert len(books.orders(house.hub)) == 10
    assert books.rows(house.hub, "select distinct crashes from tasks where state = 'done' and kind = 'take_orders'") == [(0,)]


@on_sqlite
def test_a_task_rests_a_minute_before_a_third_worker_dies_over_it(house: House) -> None:
    """Workers that are started anew, or frozen, three times within seconds die over whatever they do: that passes."""
    ask(house, "reserve", "X")
    due = []
    for _ in range(2):
        assert claim(house.hub)
        with house.hub.database.write() as db:
            db.execute(text("update tasks set lease_until = 1 where state = 'running'"))
            tasks.revive(db, house.hub.now)
        due.append(claim(house.hub) is not None)
        with house.hub.database.write() as db:
            db.execute(text("update tasks set state = 'due', lease_until = null where state = 'running'"))

    assert due == [True, False]
    house.clock.pass_(timedelta(seconds=CRASH_REST_S))
    assert claim(house.hub) is not None


def test_a_parked_crash_is_done_when_somebody_retries_it_after_the_repair(house: House) -> None:
    house.shelve(A=10)
    poisoned(house, Crash())
    sold(house, name="#poison")
    for _ in range(3):
        crash(house, "inside")
        lapse(house)
    assert state(house, "take_orders")[0][0] == "parked"

    poisoned(house, None)
    with house.hub.unit() as work:
        assert tasks.retry(work.db, house.merchant.id, work.now, kind="take_orders") == ["inside"]
    house.drain()

    assert state(house, "take_orders") == [("done", 0, 0)]
    assert len(books.orders(house.hub)) == 1


# ---- two workers


@on_postgresql
def test_eight_claimers_never_get_the_same_task(house: House) -> None:
    ask(house, "reserve", *(f"{house.connection.id}/{n}" for n in range(300)))
    got: list[str] = []

    def work() -> None:
        while held := claim(house.hub, most=7):
            got.extend(held.subjects)

    in_threads([work] * 8)

    assert len(got) == 300
    assert len(set(got)) == 300


def test_asked_again_while_it_runs_it_is_done_again(house: House) -> None:
    ask(house, "reserve", "x/1")
    held = claim(house.hub)
    ask(house, "reserve", "x/1")
    ask(house, "reserve", "x/1")

    assert held and claim(house.hub) is None
    jobs.run(house.hub, held)

    again = claim(house.hub)
    assert again and again.subjects == ["x/1"]
    jobs.run(house.hub, again)
    assert claim(house.hub) is None


def test_asked_again_for_later_while_it_runs_it_is_done_later(house: House) -> None:
    ask(house, "reserve", "x/1")
    held = claim(house.hub)
    ask(house, "reserve", "x/1", wait_s=30)

    assert held
    jobs.run(house.hub, held)

    assert claim(house.hub) is None
    house.clock.pass_(timedelta(seconds=30))
    assert claim(house.hub) is not None


def test_asked_again_for_later_and_then_for_now_it_is_done_now(house: House) -> None:
    ask(house, "reserve", "x/1")
    held = claim(house.hub)
    ask(house, "reserve", "x/1", wait_s=30)
    ask(house, "reserve", "x/1")

    assert held
    jobs.run(house.hub, held)

    assert claim(house.hub) is not None


@on_sqlite
def test_an_empty_queue_of_notices_is_asked_once_a_second_and_not_without_end(house: House) -> None:
    house.ask("receive_notices")
    house.bogus.calls.clear()

    house.drain(through=timedelta(seconds=5))

    assert 4 <= len([method for method, _ in house.bogus.calls if method == "receive"]) <= 7


@on_sqlite
def test_a_queue_that_something_came_from_is_asked_four_times_a_second_for_a_minute(house: House) -> None:
    house.shelve(A=10)
    house.bogus.tell(house.bogus.sell({"A": 1})["id"])
    house.ask("receive_notices")
    house.drain()
    house.bogus.calls.clear()

    for _ in range(20):
        house.clock.pass_(timedelta(seconds=0.25))
        house.work()
    busy = len([method for method, _ in house.bogus.calls if method == "receive"])
    house.clock.pass_(timedelta(minutes=2))
    house.work()
    house.bogus.calls.clear()
    for _ in range(20):
        house.clock.pass_(timedelta(seconds=0.25))
        house.work()

    assert 19 <= busy <= 21
    assert len([method for method, _ in house.bogus.calls if method == "receive"]) <= 7


def test_a_notice_that_comes_while_its_order_is_being_parked_is_taken(house: House) -> None:
    house.shelve(A=10)
    broken = {**house.bogus.sell({"A": 1}), "total": "x"}
    deliver(house, [notice(broken, "broken")])
    before_reading(house, lambda: deliver(house, [notice(acts.pay(house.bogus, broken["id"]), "good")]))

    house.drain()

    assert books.parked(house.hub) == []
    assert len(books.orders(house.hub)) == 1


# ---- failures


@on_sqlite
def test_an_unreadable_order_is_parked_alone_with_its_cause_and_its_payload_stays(house: House) -> None:
    house.shelve(A=10)
    sold(house, 2)
    broken = {**house.bogus.sell({"A": 1}), "total": "x"}
    deliver(house, [notice(broken, "broken")])
    house.work()

    assert [(kind, cause) for kind, _, cause, _ in books.parked(house.hub)] == [("take_orders", "BadPayload")]
    assert "total" in books.parked(house.hub)[0][3]
    assert books.rows(house.hub, "select delivery from inbox where done_at is null") == [("broken",)]
    assert len(books.orders(house.hub)) == 2


@on_sqlite
def test_a_bug_over_one_order_of_a_set_parks_that_one_alone(house: House) -> None:
    house.shelve(A=10)
    poisoned(house, ZeroDivisionError("secret words"))
    sold(house, 3)
    sold(house, name="#poison")
    house.drain()

    assert len(books.orders(house.hub)) == 3
    (kind, _, cause, detail), *rest = books.parked(house.hub)
    assert (kind, cause, rest) == ("take_orders", "ZeroDivisionError", [])
    assert "flows/intake.py" in detail
    assert "secret words" not in detail


@on_sqlite
def test_a_failure_of_the_channel_is_tried_again_later_and_later_and_parked_in_the_end(house: House) -> None:
    times = []
    house.ask("poll_orders")
    for _ in range(8):
        house.bogus.next("poll", Unavailable("nobody there"))
    begin = house.clock.now
    while any(task[2] != "parked" for task in books.open_tasks(house.hub)):
        before = len(house.bogus.calls)
        jobs.drain(house.hub, "outside")
        times += [house.clock.now - begin] * (len(house.bogus.calls) - before)
        house.clock.pass_(timedelta(seconds=30) if times[-1:] > [timedelta(seconds=60)] else timedelta(seconds=1))

    waits = [round((after - before).total_seconds()) for before, after in pairwise(times)]
    assert len(times) == 8
    assert waits == sorted(waits)
    assert waits[0] <= 3
    assert waits[-1] > 5 * 3600
    assert books.parked(house.hub)[0][2] == "Unavailable"


@on_sqlite
def test_a_refusal_is_parked_at_once_and_asking_again_makes_it_due_with_new_tries(house: House) -> None:
    house.bogus.next("poll", Refused("no", words="the vendor's words"))
    house.ask("poll_orders")
    house.drain()
    assert [row[2] for row in books.parked(house.hub)] == ["Refused"]
    assert b"vendor's words" not in str(books.rows(house.hub, "select words, detail from tasks")).encode()

    house.ask("poll_orders")
    house.drain()

    assert books.parked(house.hub) == []


def test_a_retry_touches_what_is_parked_and_of_that_kind_only(house: House) -> None:
    for method in ("poll", "listings"):
        house.bogus.next(method, Refused("no"))
    house.ask("poll_orders")
    house.ask("read_listings")
    house.drain()
    assert len(books.parked(house.hub)) == 2

    with house.hub.unit() as work:
        assert tasks.retry(work.db, "somebody else", work.now) == []
        assert tasks.retry(work.db, house.merchant.id, work.now, kind="poll_orders") == ["outside"]
    house.drain()

    assert [row[0] for row in books.parked(house.hub)] == ["read_listings"]


@on_postgresql
def test_a_database_that_ends_our_sessions_parks_nothing(house: House) -> None:
    """ "PostgreSQL restarts in the middle": what was being done is done again, and nobody has to click."""
    house.shelve(A=10)
    sold(house, 3)
    plain = house.hub.ids

    def cut() -> str:
        house.hub.ids = plain
        with house.hub.database.engine.connect() as db:
            db.exec_driver_sql("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
        return plain()

    house.hub.ids = cut
    house.drain(through=timedelta(seconds=2))

    assert books.parked(house.hub) == []
    assert len(books.orders(house.hub)) == 3


def test_what_was_said_of_a_task_in_a_transaction_that_failed_does_not_count(house: House) -> None:
    """The disk is full at the commit: the task is not done, whatever the transaction wrote."""
    house.shelve(A=10)
    sold(house)
    held, failed = claim(house.hub), []

    def fail_once(_: object) -> None:
        if held and held.finished and not failed:
            failed.append("no space left")
            raise OSError

    event.listen(house.hub.database.engine, "commit", fail_once)
    assert held
    jobs.run(house.hub, held)
    event.remove(house.hub.database.engine, "commit", fail_once)

    assert (failed, books.orders(house.hub)) == (["no space left"], [])
    assert [row[2] for row in books.parked(house.hub)] == ["OSError"]


# ---- turns and bells


def test_merchants_connections_and_kinds_take_turns(make_house: MakeHouse) -> None:
    house = make_house("north", "south")
    other = flows.add_merchant(house.hub, "South Sea Trading")
    with house.hub.unit() as work:
        for n in range(500):
            work.ask(house.merchant.id, "reserve", f"{n}/n", house.connections["north"].id)
            work.ask(house.merchant.id, "reserve", f"{n}/s", house.connections["south"].id)
        work.ask(house.merchant.id, "take_orders", "x/1", house.connections["south"].id)
        work.ask(other.id, "reserve", "y/1", "y")

    turn, seen = FIRST, []
    for _ in range(4):
        with house.hub.database.write() as db:
            after = tasks.next_turn(db, "inside", turn, house.hub.now)
            assert after
            assert tasks.claim(db, "inside", after, 100, house.hub.now)
        turn = after
        seen.append(turn)

    assert len(set(seen)) == 4
    assert {(merchant, kind) for merchant, _, kind in seen} == {
        (house.merchant.id, "reserve"), (house.merchant.id, "take_orders"), (other.id, "reserve")
    }  # fmt: skip


def test_a_claim_is_one_kind_of_one_merchant_and_connection(make_house: MakeHouse) -> None:
    house = make_house("north", "south")
    with house.hub.unit() as work:
        for n in range(10):
            work.ask(house.merchant.id, "reserve", f"n/{n}", house.connections["north"].id)
            work.ask(house.merchant.id, "reserve", f"s/{n}", house.connections["south"].id)

    held = claim(house.hub)

    assert held and len(held.tasks) == 10
    assert len({subject[0] for subject in held.subjects}) == 1


def test_losing_every_ring_costs_nothing_but_the_wait_for_the_sweep(house: House) -> None:
    """ "Redis flushed": the bell is silent here, and the sweep alone says what is due."""
    house.shelve(A=10)
    sold(house, 3)

    assert jobs.sweep(house.hub) == {"inside"}
    jobs.drain(house.hub, "inside")
    while queues := jobs.sweep(house.hub):
        for queue in queues:
            jobs.drain(house.hub, queue)

    assert len(books.orders(house.hub)) == 3
    assert books.wrong_listings(house) == []


def test_a_blocked_or_paused_connection_is_no_work_for_the_sweep(house: House) -> None:
    house.ask("poll_orders")
    with house.hub.database.write() as db:
        db.execute(text("update connections set blocked_until = :until"), {"until": house.hub.now + 1})
    assert jobs.sweep(house.hub) == set()

    house.clock.pass_(timedelta(seconds=1))
    assert jobs.sweep(house.hub) == {"outside"}


def test_a_worker_that_chose_its_turn_before_the_ban_makes_no_call_in_it(house: House) -> None:
    house.ask("poll_orders")
    with house.hub.database.read() as db:
        turn = tasks.next_turn(db, "outside", FIRST, house.hub.now)
    with house.hub.database.write() as db:
        db.execute(text("update connections set blocked_until = :until"), {"until": house.hub.now + 1_000_000})

    assert turn
    assert jobs.work_off(house.hub, "outside", turn) == 0


@on_sqlite
def test_what_is_asked_in_a_transaction_that_fails_is_not_asked(house: House) -> None:
    with pytest.raises(BadPayload):
        with house.hub.unit() as work:
            work.ask(house.merchant.id, "reserve", "x/1")
            raise BadPayload("no")

    assert claim(house.hub) is None
