"""Many processes under load, on PostgreSQL and Redis, while one thing after another is taken away from them."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from redis import Redis

from connectors.simulation import Delivery
from tests.processes.plant import Child, Plant, Server, build, kill, lives, postgres, redis, shopfront, until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("processes")]


@dataclass
class Works:
    """A running plant with its servers."""

    plant: Plant
    database: Server
    redis: Server
    redis_url: str
    web: Child
    workers: Child

    @property
    def count(self) -> int:
        """How many processes work."""
        return 1 + self.plant.settings.outside_workers


@pytest.fixture(scope="module")
def works(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Works]:
    """`crossdock serve` with two web processes, and `crossdock worker` with a process for each queue."""
    with shopfront() as shop, postgres() as (database, database_url), redis() as (bell, redis_url):
        plant = build(tmp_path_factory.mktemp("home"), shop, database_url, redis_url)
        try:
            workers = plant.start("worker")
            web = plant.serve()
            until(lambda: plant.rows("select count(*) from listings") == [(40,)], f"no worker works: {workers.says()[-2000:]}")
            yield Works(plant, database, bell, redis_url, web, workers)
        finally:
            plant.close()


def load(plant: Plant, count: int, seed: int, copies: int = 1) -> tuple[list[str], list[Delivery]]:
    """Orders, and their webhooks `copies` times each, thoroughly mixed."""
    sold = plant.shop.sell(count, seed)
    told = [one for _, deliveries in sold for one in deliveries * copies]
    random.Random(seed).shuffle(told)
    return [order for order, _ in sold], told


def well(answers: Counter[int], count: int) -> None:
    """All were taken; on a machine with better things to do some were asked to come again."""
    assert set(answers) <= {200, 503}
    assert answers[200] == count
    assert answers[503] <= count / 20


def meanwhile(work: Callable[[], Any], disturb: Callable[[], Any]) -> Any:
    """Do one while the other happens; gives what the first gave."""
    with ThreadPoolExecutor(1) as pool:
        doing = pool.submit(work)
        disturb()
        return doing.result()


def test_a_thousand_orders_delivered_twice_by_three_topics_and_polled_at_once_are_each_one_order_with_one_reservation(
    works: Works,
) -> None:
    """The failure "same order imported twice": k deliveries of create, updated and paid at once, and the poll."""
    plant, orders, answers = works.plant, list[str](), Counter[int]()
    only_polled = [order for order, _ in plant.shop.sell(10, seed=100)]

    for part in range(10):
        some, told = load(plant, 100, seed=part, copies=2)
        orders += some
        answers += plant.deliver(told)
        if part % 3 == 1:
            plant.poll()

    well(answers, 6000)
    plant.poll()
    plant.settle([*orders, *only_polled])
    plant.check([*orders, *only_polled])
    _, deadlock, its_story = (works.database.folder / "log").read_text().partition("deadlock detected")
    assert not deadlock, its_story[:6000]


def test_workers_that_are_killed_again_and_again_leave_no_work_undone_and_none_done_twice(works: Works) -> None:
    plant, chance, killed = works.plant, random.Random(2), list[int]()
    orders, told = load(plant, 250, seed=200)

    def murder() -> None:
        for _ in range(8):
            time.sleep(chance.uniform(0.2, 0.9))
            if pids := works.workers.children():
                killed.append(chance.choice(pids))
                kill(killed[-1])

    answers = meanwhile(lambda: plant.deliver(told, clients=2), murder)

    well(answers, len(told))
    plant.poll()
    plant.settle(orders)
    plant.check(orders)
    assert len(killed) == 8
    until(lambda: len([pid for pid in works.workers.children() if lives(pid)]) == works.count, "dead workers are not begun anew")
    assert set(killed) & set(works.workers.children()) == set()


def test_a_worker_that_dies_with_work_in_its_hands_gives_it_back(works: Works) -> None:
    """All workers at once, in the middle of a set: nobody is left who could finish it but those who come after."""
    plant = works.plant
    orders, told = load(plant, 100, seed=250)
    for pid in works.workers.children():
        kill(pid)
    claimed = "select count(*) from tasks where state = 'running' and kind = 'take_orders'"

    def murder() -> None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if plant.rows(claimed)[0][0]:
                for pid in works.workers.children():
                    kill(pid)
                return

    well(meanwhile(lambda: plant.deliver(told), murder), len(told))
    plant.settle(orders)
    plant.check(orders)


def test_nothing_is_lost_when_redis_forgets_everything_again_and_again(works: Works) -> None:
    plant, stop = works.plant, threading.Event()
    orders, told = load(plant, 150, seed=300)

    def flush() -> None:
        with Redis.from_url(works.redis_url) as there:
            while not stop.wait(0.05):
                there.flushall()

    flushing = threading.Thread(target=flush)
    flushing.start()
    answers = plant.deliver(told)
    plant.settle(orders)
    stop.set()
    flushing.join()

    well(answers, len(told))
    plant.check(orders)


def test_while_redis_is_away_webhooks_are_taken_and_the_sweep_does_the_work(works: Works) -> None:
    plant = works.plant
    before, told_before = load(plant, 50, seed=400)
    well(plant.deliver(told_before), len(told_before))
    works.redis.stop(signal.SIGKILL)
    try:
        orders, told = load(plant, 100, seed=401)
        well(plant.deliver(told), len(told))
        plant.settle([*before, *orders])
        plant.check([*before, *orders])
    finally:
        works.redis.start()
    after, told_after = load(plant, 50, seed=402)

    well(plant.deliver(told_after), len(told_after))
    plant.settle(after)
    plant.check(after)
    assert works.workers.process.poll() is None
    until(lambda: listening(works) == works.count, "not all workers listen to Redis again")


def listening(works: Works) -> int:
    """Workers that wait at Redis for the bell."""
    with Redis.from_url(works.redis_url) as there:
        return int(there.info("clients")["blocked_clients"])  # type: ignore[index]


def test_a_redis_that_is_silent_does_not_keep_webhooks_waiting(works: Works) -> None:
    plant = works.plant
    orders, told = load(plant, 20, seed=450)
    assert works.redis.process
    works.redis.process.send_signal(signal.SIGSTOP)
    try:
        well(plant.deliver(told), len(told))
    finally:
        works.redis.process.send_signal(signal.SIGCONT)

    plant.settle(orders)
    plant.check(orders)


def test_no_webhook_that_was_answered_200_is_lost_when_the_database_falls_and_rises(works: Works) -> None:
    plant = works.plant
    orders, told = load(plant, 150, seed=500)

    def fall() -> None:
        for _ in range(2):
            time.sleep(0.5)
            works.database.stop(signal.SIGQUIT)  # what `pg_ctl stop -m immediate` sends
            time.sleep(0.7)
            works.database.start()

    answers = meanwhile(lambda: plant.deliver(told, clients=4), fall)

    assert set(answers) == {200, 503}
    assert answers[200] == len(told)
    kept = {delivery for (delivery,) in plant.rows("select delivery from inbox")}
    assert {one.headers["X-Shopify-Webhook-Id"] for one in told} <= kept
    plant.settle(orders)
    plant.check(orders)
    assert works.web.process.poll() is None
