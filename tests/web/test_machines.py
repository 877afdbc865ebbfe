"""What looks after us: whether we are ready, what is measured, by which id a request is known, and that no line tells a secret."""

import io
import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError
from werkzeug.test import Client, TestResponse

from config import logging as ours
from config import schedule
from core.store import schema
from tests.web.programs import HERE, a_program
from tests.web.relay import Relay
from tests.web.shop import Shop

THERE = {"REMOTE_ADDR": "203.0.113.9", "HTTP_HOST": "hub.example"}


def get(shop: Shop, path: str, environ: dict[str, str] | None = None, **headers: str) -> TestResponse:
    return Client(shop.app).get(
        path, headers={name.replace("_", "-"): value for name, value in headers.items()}, environ_overrides=environ or HERE
    )


# ---- ready


def test_a_hub_is_ready_while_its_database_is_up_to_date_and_says_when_a_worker_last_swept(either_shop: Shop) -> None:
    assert get(either_shop, "/readyz", THERE).json == {
        "status": "ready", "database": "ok", "schema": "ok", "bell": "ok", "worker_seen_s": None
    }  # fmt: skip
    schedule.tick(either_shop.hub)
    either_shop.clock.pass_(timedelta(seconds=7))

    assert (get(either_shop, "/readyz").json or {})["worker_seen_s"] == 7


def test_a_hub_on_another_schema_is_not_ready(shop: Shop) -> None:
    with shop.hub.database.write() as db:
        db.execute(text("update alembic_version set version_num = '0001'"))

    answer = get(shop, "/readyz", THERE)

    assert (answer.status_code, (answer.json or {})["schema"]) == (503, "another")
    assert schema.head() not in answer.text


def test_a_bell_that_is_away_is_told_and_refuses_nobody(shop: Shop) -> None:
    from config.bells import RedisBell

    shop.hub.bell = RedisBell("redis://127.0.0.1:1/0")

    answer = get(shop, "/readyz")

    assert (answer.status_code, (answer.json or {})["bell"]) == (200, "away")


@pytest.mark.processes
def test_a_hub_whose_database_is_away_is_not_ready_and_the_api_says_when_to_ask_again(
    make_shop: Callable[[str], Shop], postgres_database: str
) -> None:
    with Relay(postgres_database) as relay:
        shop = make_shop(relay.url)
        till = a_program(shop)
        assert get(shop, "/readyz").status_code == 200

        relay.become("refuses")

        assert (get(shop, "/readyz").status_code, get(shop, "/readyz").json) == (503, {"status": "not ready", "database": "away"})
        answer = till.get("orders")
        assert (answer.status_code, answer.get_json()["code"], answer.headers["Retry-After"]) == (503, "unavailable", "1")


# ---- measured


def figures(shop: Shop) -> dict[str, float]:
    told = get(shop, "/metrics").text
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in told.splitlines() if not line.startswith("#")}


def test_what_is_due_parked_and_late_is_measured(either_shop: Shop) -> None:
    shop = either_shop
    shop.offer("A")
    shop.send({**json.loads(shop.sold(A=1).body), "total_price": "much"})
    shop.drain()
    with shop.hub.unit() as work:
        work.ask(shop.merchant, "reserve", f"{shop.connection.id}/1", shop.connection.id)
    schedule.tick(shop.hub)
    shop.clock.pass_(timedelta(seconds=30))

    found = figures(shop)

    assert found['crossdock_tasks{kind="take_orders",state="parked"}'] == 1
    assert found['crossdock_tasks{kind="reserve",state="due"}'] == 1
    assert found['crossdock_task_oldest_seconds{kind="reserve"}'] == 30
    assert found['crossdock_connections{channel="shopify",state="active"}'] == 1
    assert found["crossdock_worker_seen_seconds"] == 30
    assert found["crossdock_untold_sale_seconds"] == 0
    assert found[f'crossdock_orders_read_seconds{{channel="shopify",connection="{shop.connection.id}"}}'] > 0


def test_the_door_and_the_pages_count_what_they_are_asked(shop: Shop) -> None:
    shop.offer("A")
    shop.deliver(shop.sold(A=1))
    shop.send(b"{", X_Shopify_Hmac_Sha256="forged")
    a_program(shop).get("orders")
    get(shop, "/api/v1/orders")
    get(shop, "/nowhere")

    found = figures(shop)

    assert found['crossdock_requests_total{outcome="2xx",part="door"}'] >= 1
    assert found['crossdock_requests_total{outcome="4xx",part="door"}'] == 1
    assert found['crossdock_requests_total{outcome="2xx",part="api"}'] == 1
    assert found['crossdock_requests_total{outcome="4xx",part="api"}'] == 1
    assert found['crossdock_requests_total{outcome="4xx",part="page"}'] == 1
    assert found['crossdock_request_seconds_count{part="api"}'] == 2


def test_figures_are_for_whoever_sits_here_or_holds_the_token(shop: Shop) -> None:
    from config.processes import make_wsgi
    from config.settings import load

    told = {"home": shop.settings.home, "database_url": shop.settings.database_url, "metrics_token": "a-token-of-the-test"}
    guarded = Client(make_wsgi(load(told, {}), shop.hub))

    def ask(environ: dict[str, str], **headers: str) -> int:
        return guarded.get("/metrics", headers=headers, environ_overrides=environ).status_code

    assert ask(HERE) == 200
    assert ask(THERE) == 403
    assert ask({**HERE, "HTTP_X_FORWARDED_FOR": "203.0.113.9"}) == 403
    assert ask(THERE, Authorization="Bearer a-token-of-the-test") == 200
    assert ask(THERE, Authorization="Bearer a-token-of-the-tesT") == 403
    assert get(shop, "/metrics", THERE, Authorization="Bearer ").status_code == 403


def test_figures_are_asked_of_the_database_once_in_some_seconds(shop: Shop) -> None:
    first = figures(shop)
    with shop.hub.database.write() as db:
        db.execute(text("update connections set state = 'paused'"))

    assert {key: value for key, value in figures(shop).items() if "connections" in key} == {
        key: value for key, value in first.items() if "connections" in key
    }


TOGETHER = """
import os, sys
os.environ["PROMETHEUS_MULTIPROC_DIR"] = sys.argv[1]
from web.metrics import Meter
for _ in range(2):
    if os.fork() == 0:
        Meter(None, together=True).note("door", 200, 0.01)
        os._exit(0)
    os.wait()
meter = Meter(None, together=True)
meter.collect = lambda: iter(())
print(meter.text().decode())
"""


def test_processes_of_one_server_count_together(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TOGETHER, str(tmp_path)], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )

    assert 'crossdock_requests_total{outcome="2xx",part="door"} 2.0' in done.stdout
    assert 'crossdock_request_seconds_count{part="door"} 2.0' in done.stdout


# ---- known by


@contextmanager
def lines() -> Iterator[list[dict[str, Any]]]:
    """What is logged meanwhile, as a machine reads it."""
    told: list[dict[str, Any]] = []

    def keep(_: Any, __: str, event: Any) -> Any:
        told.append(dict(ours._blot(None, "", event)))
        raise structlog.DropEvent

    known = structlog.get_config()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, keep], cache_logger_on_first_use=False)
    try:
        yield told
    finally:
        structlog.configure(**known)


def test_a_request_has_the_id_that_its_asker_gave_it_or_one_of_ours(shop: Shop) -> None:
    given = get(shop, "/api/v1/orders", X_Request_Id="till-2026.11_22")
    bad = [get(shop, "/api/v1/orders", X_Request_Id=one) for one in ("short", "x" * 65, "a b c d e f g", "<script>alert(1)</script>", "")]

    assert (given.headers["X-Request-Id"], given.get_json()["request_id"]) == ("till-2026.11_22", "till-2026.11_22")
    assert all(re.fullmatch(r"[0-9a-f-]{36}", one.headers["X-Request-Id"]) for one in bad)
    assert len({one.headers["X-Request-Id"] for one in bad}) == 5
    assert all(one.get_json()["request_id"] == one.headers["X-Request-Id"] for one in bad)


def test_the_door_names_its_answers_too(shop: Shop) -> None:
    assert Client(shop.app).post("/webhooks/shopify", data=b"{}").headers["X-Request-Id"]


def test_a_bug_is_logged_by_its_place_with_the_requests_id_and_nothing_of_the_request(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        raise ProgrammingError("select canary-7411", {"a": "canary-7411"}, Exception("canary-7411"))

    monkeypatch.setattr("core.store.lists.orders", broken)
    with lines() as told:
        monkeypatch.setattr("web.app.log", structlog.get_logger("web"))
        answer = a_program(shop).get("orders", X_Request_Id="till-2026")

    assert (answer.status_code, answer.get_json()["code"], answer.get_json()["request_id"]) == (500, "failed", "till-2026")
    [line] = [one for one in told if one["event"] == "request failed"]
    assert (line["request_id"], line["endpoint"]) == ("till-2026", "api_orders.page")
    assert "api/orders.py" in line["where"]
    assert "canary-7411" not in json.dumps(told) + answer.text


def test_a_database_that_is_busy_is_503_and_says_when_to_ask_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: Any, **__: Any) -> Any:
        raise OperationalError("select canary-7411", {}, Exception("database is locked"))

    monkeypatch.setattr("core.store.lists.orders", busy)
    answer = a_program(shop).get("orders")

    assert (answer.status_code, answer.get_json()["code"], answer.headers["Retry-After"]) == (503, "unavailable", "1")
    assert "canary" not in answer.text


# ---- what no line tells

SECRETS = {
    "a key": "cdk_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq",
    "a webhook's secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "a shop's token": "shpat_0123456789abcdef0123456789abcdef",
    "a seller's token": "Atza|IwEBIDabc-def_ghi",
    "a user's token": "v^1.1#i^1#p^3#r^0",
    "a signed token": "eyJhbGciOiJIUzI1NiJ9.eyJkZXN0IjoieCJ9.c2lnbmF0dXJl",
    "a header": "Bearer 7f3a9c1e5b2d4f6a",
    "an e-mail address": "canary@birds.example",
    "an address's user": "canary:secret-7411",
}


def test_what_looks_like_a_secret_is_blotted_out_of_every_line() -> None:
    for name, secret in SECRETS.items():
        said = f"postgresql://{secret}@host/db" if ":" in secret and "@" not in secret else f"it was {secret}, they said"
        line = ours.blotted({"event": said, "deep": [{"inner": (said,)}], "merchant": "m-1"})
        assert secret not in json.dumps(line), name
        assert line["merchant"] == "m-1"


def test_what_is_called_a_secret_is_blotted_out_whatever_it_is() -> None:
    line = ours.blotted(
        {"access_token": 7411, "Authorization": "Basic x", "buyer": {"name": "Canariella"}, "password": "", "kind": "reserve"}
    )

    assert line == {"access_token": ours.BLOT, "Authorization": ours.BLOT, "buyer": ours.BLOT, "password": "", "kind": "reserve"}


def test_lines_of_other_packages_are_blotted_too() -> None:
    said = io.StringIO()
    handler = logging.StreamHandler(said)
    handler.addFilter(ours.Blotter())
    logger = logging.Logger("others")
    logger.addHandler(handler)

    logger.warning("refused %s for %s", "Bearer 7f3a9c1e5b2d4f6a", "canary@birds.example")

    assert said.getvalue() == f"refused {ours.BLOT} for {ours.BLOT}\n"
