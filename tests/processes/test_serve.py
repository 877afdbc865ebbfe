"""`crossdock serve` alone on SQLite: what it takes over the wire, what survives its death, and how it ends. And the workers' end."""

import gzip
import os
import signal
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

import pytest

from connectors.simulation import Delivery
from tests.processes.plant import GUARD_S, Child, Plant, Shopfront, build, lives, postgres, redis, shopfront, until

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("serve")]


@pytest.fixture(scope="module")
def shop() -> Iterator[Shopfront]:
    with shopfront() as made:
        yield made


@pytest.fixture
def plant(shop: Shopfront, tmp_path: Path) -> Iterator[Plant]:
    made = build(tmp_path / "home", shop, "", "")
    yield made
    made.close()


@pytest.fixture(scope="module")
def open_plant(shop: Shopfront, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plant]:
    """One that serves, for tests that leave it as it was."""
    made = build(tmp_path_factory.mktemp("open") / "home", shop, "", "")
    made.serve()
    yield made
    made.close()


# ---- over the wire


def fresh(shop: Shopfront) -> Delivery:
    return shop.sell(1, seed=time.monotonic_ns())[0][1][0]


def spoken(plant: Plant, head: str, *bodies: bytes) -> bytes:
    """What the door answers to these very bytes."""
    with socket.create_connection(("127.0.0.1", plant.settings.port), timeout=10) as line:
        line.sendall(head.replace("\n", "\r\n").encode())
        with suppress(BrokenPipeError, ConnectionResetError):  # the door need not hear us out
            for body in bodies:
                line.sendall(body)
        return line.recv(65536).split(b"\r\n")[0]


def head_of(one: Delivery, change: Callable[[str], str] = str, *more: str) -> str:
    names = [f"{change(name)}: {value}" for name, value in one.headers.items()]
    return "\n".join(["POST /webhooks/shopify HTTP/1.1", "Host: x", "Connection: close", *names, *more]) + "\n\n"


@pytest.mark.parametrize("change", [str.lower, str.upper, str.swapcase, str])
def test_headers_may_be_written_in_any_case(open_plant: Plant, change: Callable[[str], str]) -> None:
    one = fresh(open_plant.shop)

    assert spoken(open_plant, head_of(one, change, f"content-length: {len(one.body)}"), one.body) == b"HTTP/1.1 200 OK"


def test_a_server_is_ready_and_counts_what_it_is_asked(open_plant: Plant) -> None:
    assert (open_plant.get("/readyz"), open_plant.get("/metrics"), open_plant.get("/api/v1/orders")) == (200, 200, 401)
    with urlopen(f"http://127.0.0.1:{open_plant.settings.port}/metrics", timeout=10) as answer:
        told = answer.read().decode()

    assert 'crossdock_requests_total{outcome="4xx",part="api"}' in told
    assert "crossdock_worker_seen_seconds" in told


def test_a_body_in_chunks_without_a_length_is_read_whole(open_plant: Plant) -> None:
    one = fresh(open_plant.shop)
    pieces = [one.body[at : at + 1000] for at in range(0, len(one.body), 1000)]
    chunks = [f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in pieces]

    assert spoken(open_plant, head_of(one, str, "Transfer-Encoding: chunked"), *chunks, b"0\r\n\r\n") == b"HTTP/1.1 200 OK"


def test_endless_chunks_are_cut_off_at_the_limit(open_plant: Plant) -> None:
    one = fresh(open_plant.shop)
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"

    assert spoken(open_plant, head_of(one, str, "Transfer-Encoding: chunked"), *[chunk] * 40, b"0\r\n\r\n").startswith(b"HTTP/1.1 413")


def test_a_length_beyond_the_limit_is_refused_before_the_body_comes(open_plant: Plant) -> None:
    assert spoken(open_plant, head_of(fresh(open_plant.shop), str, "Content-Length: 99999999999")).startswith(b"HTTP/1.1 413")


def test_a_line_that_breaks_in_the_middle_of_a_body_leaves_nothing_and_hurts_nobody(open_plant: Plant) -> None:
    one = fresh(open_plant.shop)
    kept_of_it = "select count(*) from inbox where delivery = :delivery"
    delivery = one.headers["X-Shopify-Webhook-Id"]

    with socket.create_connection(("127.0.0.1", open_plant.settings.port), timeout=10) as line:
        line.sendall(head_of(one, str, f"Content-Length: {len(one.body)}").replace("\n", "\r\n").encode() + one.body[:500])

    assert open_plant.rows(kept_of_it, delivery=delivery) == [(0,)]
    assert open_plant.post(one) == 200
    assert open_plant.rows(kept_of_it, delivery=delivery) == [(1,)]


def test_a_body_that_a_proxy_packed_is_refused(open_plant: Plant) -> None:
    one = fresh(open_plant.shop)
    packed = gzip.compress(one.body)

    head = head_of(one, str, "Content-Encoding: gzip", f"Content-Length: {len(packed)}")
    assert spoken(open_plant, head, packed).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    "line",
    [
        "Content-Length: -1",
        "Content-Length: x",
        "Content-Length: 5\nContent-Length: 6",
        "X-Bad\x00: 1",
        "Content-Length: 5\nTransfer-Encoding: chunked",
    ],
)
def test_a_request_that_is_none_is_refused_by_the_server(open_plant: Plant, line: str) -> None:
    assert spoken(open_plant, head_of(fresh(open_plant.shop), str, line), b"x" * 6)[:12] in (b"HTTP/1.1 400", b"HTTP/1.1 401")
    assert open_plant.get("/healthz") == 200


def hung_up(line: socket.socket) -> bool:
    """What there is to read ends: the server closed it, with or without a word."""
    with line:
        line.settimeout(GUARD_S)
        with suppress(ConnectionResetError):  # closed, and not politely
            while line.recv(4096):
                pass
    return True


@pytest.mark.parametrize("said", ["X-Slow: ", "Content-Length: 1000\r\n\r\nabc"], ids=["in the head", "in the body"])
def test_callers_that_fall_silent_are_hung_up_on_and_others_get_their_turn(open_plant: Plant, said: str) -> None:
    """Slow-loris: as many half requests as there are threads, that nobody ever ends."""
    lines = [socket.create_connection(("127.0.0.1", open_plant.settings.port)) for _ in range(open_plant.settings.threads)]
    for line in lines:
        line.sendall(f"POST /webhooks/shopify HTTP/1.1\r\nHost: x\r\n{said}".encode())
    time.sleep(0.3)
    one = fresh(open_plant.shop)

    until(lambda: open_plant.post(one) == 200, "the silent ones hold all threads")

    assert sum(hung_up(line) for line in lines) == len(lines)


def test_pages_and_health_answer_on_this_machine(open_plant: Plant) -> None:
    asked = ("/", "/live", "/healthz", "/static/crossdock.css", "/nowhere")

    strangers = [open_plant.get(path) for path in asked]
    cookie = open_plant.sign_in()

    assert strangers == [302, 302, 200, 200, 404]
    assert [open_plant.get(path, cookie) for path in asked] == [200, 200, 200, 200, 404]
    assert f"{open_plant.settings.public_url}/setup/" in open_plant.children[0].says(), "told while there was nobody"


# ---- what survives


def kept(plant: Plant) -> set[str]:
    with sqlite3.connect(plant.home / "crossdock.db") as db:
        found = {delivery for (delivery,) in db.execute("select delivery from inbox")}
    db.close()
    return found


def test_what_was_answered_200_is_in_the_inbox_after_kill_minus_nine(plant: Plant) -> None:
    """Five times: the process group dies while eight clients deliver as fast as they can."""
    acked: list[str] = []

    def knock(one: Delivery) -> None:
        if plant.post(one) == 200:
            acked.append(one.headers["X-Shopify-Webhook-Id"])

    for n in range(1, 6):
        web, before = plant.serve(), len(acked)
        told = [one for _, deliveries in plant.shop.sell(60, seed=n) for one in deliveries]
        with ThreadPoolExecutor(8) as clients:
            knocking = [clients.submit(knock, one) for one in told]
            until(lambda before=before, n=n: len(acked) >= before + 20 * n, "nothing is answered")
            os.killpg(web.pid, signal.SIGKILL)
            for one in knocking:
                one.result()
        web.process.wait()
        plant.hang_up()

    assert set(acked) - kept(plant) == set()


def test_orders_taken_before_a_kill_are_finished_after_it(plant: Plant) -> None:
    web = plant.serve()
    sold = plant.shop.sell(40, seed=40)
    orders = [order for order, _ in sold]
    assert plant.deliver(one for _, deliveries in sold for one in deliveries)[200] == 120
    os.killpg(web.pid, signal.SIGKILL)
    web.process.wait()

    plant.serve()

    plant.settle(orders)
    plant.check(orders)
    with sqlite3.connect(plant.home / "crossdock.db") as db:
        assert db.execute("pragma integrity_check").fetchall() == [("ok",)]
    db.close()


# ---- how it ends


def ended(child: Child) -> tuple[int, list[int]]:
    """The exit code of a process that was asked to end, and those of its children that live on."""
    below = child.children()
    assert below
    code = child.end()
    return code, [pid for pid in below if lives(pid)]


def test_serve_ends_when_it_is_asked_to_and_leaves_nobody_behind(plant: Plant) -> None:
    web = plant.serve()
    assert plant.post(fresh(plant.shop)) == 200

    assert ended(web) == (0, [])
    assert plant.rows("select count(*) from tasks where state = 'running'") == [(0,)]


def test_a_key_press_that_reaches_all_of_its_processes_ends_serve(plant: Plant) -> None:
    web = plant.serve()
    below = web.children()

    os.killpg(web.pid, signal.SIGINT)

    assert web.process.wait(timeout=GUARD_S) == 0
    assert [pid for pid in below if lives(pid)] == []


def test_serve_and_workers_end_in_the_middle_of_their_work_and_give_nothing_half_done(shop: Shopfront, tmp_path: Path) -> None:
    with postgres() as (_, database_url), redis() as (_, redis_url):
        plant = build(tmp_path / "home", shop, database_url, redis_url)
        try:
            workers, web = plant.start("worker"), plant.serve()
            until(lambda: plant.rows("select count(*) from listings") == [(40,)], f"no worker works: {workers.says()[-2000:]}")
            sold = plant.shop.sell(80, seed=8)
            plant.deliver(one for _, deliveries in sold for one in deliveries)

            assert ended(workers) == (0, [])
            assert ended(web) == (0, [])
            assert plant.rows("select count(*) from tasks where state = 'running'") == [(0,)]

            plant.start("worker")
            orders = [order for order, _ in sold]
            plant.settle(orders)
            plant.check(orders)
        finally:
            plant.close()


def test_workers_end_while_redis_is_away(shop: Shopfront, tmp_path: Path) -> None:
    with postgres() as (_, database_url), redis() as (server, redis_url):
        plant = build(tmp_path / "home", shop, database_url, redis_url)
        try:
            workers = plant.start("worker")
            until(lambda: plant.rows("select count(*) from listings") == [(40,)], f"no worker works: {workers.says()[-2000:]}")
            server.stop(signal.SIGKILL)
            until(lambda: "Redis does not answer" in workers.says(), "nobody missed Redis")

            assert ended(workers) == (0, [])
        finally:
            plant.close()
