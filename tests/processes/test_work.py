"""What several processes share: the clock's slots, the locks on tasks, the bell, and a channel's budget."""

import json
import random
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from redis import Redis
from sqlalchemy import text

from config import schedule
from config.bells import AWAY_S, RedisBell, ThreadBell
from config.processes import Drains
from core.domain.tasks import Claim
from core.flows import hooks
from core.hub import Hub
from core.store import connections, tasks
from core.store.engine import Database
from tests.conftest import House
from tests.flows.test_hooks import Till
from tests.web.relay import Relay

MakeHouse = Callable[..., House]


def another(house: House) -> Hub:
    """A second process of the same installation."""
    own = house.hub
    return Hub(Database(own.database.url), own.vault, own.connectors, own.make_kit, clock=house.clock, jitter=lambda: 0.5)


def asked(house: House, kind: str) -> int:
    with house.hub.database.read() as db:
        found: int = db.execute(text("select count(*) from tasks where kind = :kind and state = 'due'"), {"kind": kind}).scalar_one()
        return found


# ---- by the clock


def test_two_schedulers_do_the_work_of_a_slot_once(make_house: MakeHouse) -> None:
    house = make_house("north", "south", "west")
    hubs = [another(house) for _ in range(4)]
    schedule.tick(house.hub)
    house.drain()

    for _ in range(5):
        house.clock.pass_(timedelta(minutes=15))
        with ThreadPoolExecutor(4) as pool:
            won = list(pool.map(schedule.tick, hubs))
        assert asked(house, "poll_orders") == 3
        assert sum(won) == 3 + sum(asked(house, kind) for kind in ("compare_listings", "read_stored", "read_payouts"))
        house.drain()

    for hub in hubs:
        hub.database.close()


def test_a_slot_that_nobody_ticked_is_made_up_for_once(house: House) -> None:
    schedule.tick(house.hub)
    house.drain()

    house.clock.pass_(timedelta(hours=10))

    assert schedule.tick(house.hub) == 4
    assert [asked(house, kind) for kind in ("poll_orders", "compare_listings", "read_stored", "read_payouts")] == [1, 1, 1, 1]
    assert schedule.tick(house.hub) == 0


def set_poll(house: House, value: object) -> None:
    with house.hub.database.write() as db:
        db.execute(text("update connections set settings = :text"), {"text": json.dumps({"poll_s": value})})


@pytest.mark.parametrize(("before", "after"), [(5, 900), (900, 5), (1, 86_400)])
def test_a_connection_that_is_polled_at_another_pace_is_polled_on(house: House, before: int, after: int) -> None:
    set_poll(house, before)
    schedule.tick(house.hub)
    house.drain()

    set_poll(house, after)
    house.clock.pass_(timedelta(seconds=after))
    schedule.tick(house.hub)

    assert asked(house, "poll_orders") == 1


@pytest.mark.parametrize("wrong", ["often", 0, -5, None, [], 1e300])
def test_a_pace_that_is_none_stops_nobodys_clockwork(make_house: MakeHouse, wrong: object) -> None:
    house = make_house("north", "south")
    schedule.tick(house.hub)
    house.drain()
    set_poll(house, wrong)

    house.clock.pass_(timedelta(minutes=15))
    schedule.tick(house.hub)

    assert asked(house, "poll_orders") == 2


def test_a_connection_that_is_not_active_is_not_polled(make_house: MakeHouse) -> None:
    house = make_house("north", "south")
    schedule.tick(house.hub)
    house.drain()
    with house.hub.database.write() as db:
        connections.set_state(db, house.connections["north"].id, "needs_login", "revoked")

    house.clock.pass_(timedelta(minutes=15))
    schedule.tick(house.hub)

    assert asked(house, "poll_orders") == 1


def test_what_is_old_is_forgotten_once_a_day(house: House) -> None:
    schedule.tick(house.hub)
    house.bogus.offer("A", 5)
    house.bogus.sell({"A": 1})
    house.clock.pass_(timedelta(minutes=5))
    house.poll()

    house.clock.pass_(timedelta(days=31))
    schedule.tick(house.hub)

    with house.hub.database.read() as db:
        assert db.exec_driver_sql("select count(*) from inbox").scalar_one() == 0
        assert db.exec_driver_sql("select count(*) from tasks where state = 'done'").scalar_one() == 0
        assert db.exec_driver_sql("select count(*) from orders").scalar_one() == 1


# ---- locks


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_units_that_ask_for_each_others_tasks_never_wait_crosswise(house: House) -> None:
    """Workers hold a set and ask for others, which others hold and ask for these; the door asks for all of them."""
    refs = [f"{house.connection.id}/{n:03}" for n in range(30)]
    merchant, own = house.merchant.id, house.connection.id
    failed: list[BaseException] = []
    end = time.monotonic() + 2.5

    def work(held_kind: str, asked_kind: str, queue: str, chance: random.Random) -> None:
        while time.monotonic() < end:
            with house.hub.database.write() as db:
                claim = tasks.claim(db, queue, (merchant, own, held_kind), 20, house.hub.now)
            if claim:
                mixed = Claim(chance.sample(list(claim.tasks), len(claim.tasks)))
                with house.hub.unit(mixed) as unit:
                    for ref in chance.sample(refs, 20):
                        unit.ask(merchant, asked_kind, ref, own)

    def knock(chance: random.Random) -> None:
        while time.monotonic() < end:
            with house.hub.unit() as unit:
                for ref in chance.sample(refs, 20):
                    unit.ask(merchant, chance.choice(("take_orders", "fetch_orders")), ref, own)

    def safely(job: Callable[..., None], *args: object) -> None:
        try:
            job(*args, random.Random(str(args)))
        except BaseException as error:
            failed.append(error)

    jobs = [("take_orders", "fetch_orders", "inside"), ("fetch_orders", "take_orders", "outside")]
    threads = [threading.Thread(target=safely, args=(work, *args)) for args in jobs * 2]
    threads += [threading.Thread(target=safely, args=(knock,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert not failed, "\n".join(map(str, failed))


# ---- bells


def test_a_ring_in_the_future_outlives_one_that_comes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    bell = ThreadBell()
    bell.ring("outside", 1.0)
    bell.ring("outside")

    assert bell.wait("outside", 0)
    assert not bell.wait("outside", 0)
    now[0] += 1.0
    assert bell.wait("outside", 0)
    assert not bell.wait("outside", 0)


def test_a_ring_wakes_who_waits_and_a_ring_before_is_not_missed() -> None:
    bell = ThreadBell()
    bell.ring("inside")
    assert bell.wait("inside", 0)
    assert not bell.wait("inside", 0)

    threading.Timer(0.05, bell.ring, ("inside",)).start()
    assert bell.wait("inside", 30)


def test_a_ring_for_later_is_kept_until_then_and_a_nearer_one_counts() -> None:
    bell = ThreadBell()
    bell.ring("inside", 30)
    bell.ring("inside", 0.05)
    bell.ring("outside")

    assert not bell.wait("inside", 0)
    assert bell.wait("inside", 30)
    assert bell.wait("outside", 0)


@pytest.mark.processes
def test_rings_at_redis_are_merged_until_a_drain_answers(redis_url: str) -> None:
    bell = RedisBell(redis_url)
    with Redis.from_url(redis_url) as there:
        there.flushall()
        for _ in range(50):
            bell.ring("inside")
        assert there.llen("rq:queue:inside") == 1

        bell.answer("inside")
        bell.ring("inside")
        assert there.llen("rq:queue:inside") == 2
    bell.redis.close()


@pytest.mark.processes
def test_what_lies_at_redis_is_the_name_of_a_queue_and_no_more(redis_url: str) -> None:
    bell = RedisBell(redis_url)
    with Redis.from_url(redis_url) as there:
        there.flushall()
        bell.ring("outside")
        [job] = [there.hgetall(key) for key in there.keys("rq:job:*")]
    bell.redis.close()

    assert json.loads(zlib.decompress(job[b"data"])) == ["worker.drain", None, ["outside"], {}]


@pytest.mark.processes
@pytest.mark.parametrize("how", ["refuses", "cuts", "swallows"])
def test_a_redis_that_is_away_costs_a_ringer_one_moment_and_is_found_again(redis_url: str, how: str) -> None:
    with Relay(redis_url) as relay:
        bell = RedisBell(relay.url)
        bell.ring("inside")
        relay.become(how)

        begun = time.monotonic()
        for _ in range(100):
            bell.ring("inside")
        assert time.monotonic() - begun < 1.5

        relay.become("carries")
        bell.answer("inside")
        bell._away_until -= AWAY_S
        with Redis.from_url(redis_url) as there:
            there.flushall()
            bell.ring("inside")
            assert there.llen("rq:queue:inside") == 1
        bell.redis.close()


# ---- threads of one process


@pytest.fixture
def drains(house: House) -> Iterator[Drains]:
    house.hub.bell = ThreadBell()
    made = Drains(house.hub, house.hub.bell, outside=2).start()
    yield made
    made.stop()


def test_the_threads_of_a_process_do_what_is_asked_for(house: House, drains: Drains) -> None:
    house.bogus.offer("A", 5)
    house.bogus.sell({"A": 1})
    house.clock.pass_(timedelta(minutes=5))

    house.ask("poll_orders")

    assert in_time(lambda: count(house, "orders")), "nobody took the order"


def in_time(happened: Callable[[], object]) -> bool:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if happened():
            return True
        time.sleep(0.02)
    return False


def count(house: House, table: str) -> int:
    with house.hub.database.read() as db:
        found: int = db.exec_driver_sql(f"select count(*) from {table}").scalar_one()
    return found


def test_the_threads_of_a_process_tell_webhooks_as_soon_as_something_happens(house: House, drains: Drains) -> None:
    house.hub.outward = till = Till()
    _, till.secret = hooks.add(house.hub, house.merchant.id, ("u-ada", "Ada"), "https://till.example/")
    house.bogus.offer("A", 5)
    house.bogus.sell({"A": 1})
    house.clock.pass_(timedelta(minutes=5))

    house.ask("poll_orders")

    assert in_time(lambda: "order.taken" in till.types), "nobody told the webhook"


def test_threads_end_at_once_when_nobody_rings(house: House, drains: Drains) -> None:
    time.sleep(0.1)
    begun = time.monotonic()

    drains.stop()

    assert time.monotonic() - begun < 2
    assert not any(thread.is_alive() for thread in drains._threads)
