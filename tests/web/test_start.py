"""The guide to going live: each step says where it stands, each button leads on, and back is one."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import text as sql

from core.domain.roles import Role
from core.store import findings
from core.store.findings import Finding
from tests.web.rooms import Person, person
from tests.web.shop import Shop


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """A shop that sells, and that we only watch."""
    goods = [{"sku": sku, "title": f"A {sku}", "price": "10.00", "quantity": 8, "currency": "USD"} for sku in ("A", "B", "c")]
    shop.simulator.catalogue(goods)
    with shop.hub.unit() as work:
        work.db.execute(sql("update connections set live_at = null"))
        for kind in ("read_listings", "poll_orders"):
            work.ask(shop.merchant, kind, shop.connection.id, shop.connection.id)
    shop.drain()
    return shop


@pytest.fixture
def ana(shop: Shop) -> Person:
    return person(shop.hub, shop.merchant)


def states(text: str) -> list[str]:
    return re.findall(r"<h2>[^<]+<span class=\"badge \w*\">([^<]+)</span></h2>", text)


def count(shop: Shop, ana: Person) -> None:
    ana.post("/start/opening", connection=shop.connection.id, others="no")
    shop.drain()
    id = shop.one("select id from uploads order by at desc limit 1")
    ana.post(f"/stock/import/{id}/take")
    shop.drain()


def test_the_first_step_that_is_not_done_is_marked(shop: Shop, ana: Person) -> None:
    assert states(ana.get("/start")) == ["done", "later", "now", "if you like", "later", "later"]
    assert len(ana.statements) <= 8


def test_what_a_channel_shows_is_taken_over_after_a_look(shop: Shop, ana: Person) -> None:
    text = ana.post("/start/opening", connection=shop.connection.id, others="no")
    assert "It is being looked at" in text
    shop.drain()
    assert shop.one("select count(*) from levels") == 0

    count(shop, ana)

    assert dict(shop.rows("select sku, on_hand from levels")) == {"A": 8, "B": 8, "c": 8}
    assert states(ana.get("/start"))[:3] == ["done", "done", "done"]


def test_who_does_not_answer_the_question_takes_nothing_over(shop: Shop, ana: Person) -> None:
    assert "Say whether somebody takes off there" in ana.post("/start/opening", connection=shop.connection.id)
    assert shop.one("select count(*) from uploads") == 0


def test_what_would_change_is_worked_out_and_shown(shop: Shop, ana: Person) -> None:
    count(shop, ana)
    with shop.hub.unit() as work:
        work.db.execute(sql("update levels set on_hand = 0 where sku = 'A'"))
        work.db.execute(sql("update levels set on_hand = 3 where sku = 'B'"))

    assert "It is being worked out" in ana.post("/start/difference", connection=shop.connection.id)
    shop.drain()

    text = ana.get("/start")
    assert "1 become zero" in text
    assert "1 show less" in text
    assert states(text)[4:] == ["done", "now"]
    every = ana.get("/start/difference", connection=shop.connection.id)
    assert re.findall(r'<span class="badge (\w*)">', every) == ["bad", "warn", "good"]
    assert len(ana.statements) <= 8


def test_going_live_writes_and_back_is_one_button(shop: Shop, ana: Person) -> None:
    count(shop, ana)
    ana.post("/stock/sku", sku="A", location=shop.one("select id from locations"), seen=8, how="to", units=5)

    assert "goes live as soon as" in ana.post("/start/live", connection=shop.connection.id)
    for _ in range(6):  # the channel's orders are polled at two minutes old
        shop.clock.pass_(timedelta(minutes=1))
        shop.drain()
    assert shop.one("select shown from listings where sku = 'A'") == 5
    assert states(ana.get("/start"))[5] == "done"

    assert "only watched" in ana.post("/start/watch", connection=shop.connection.id)
    assert shop.one("select live_at from connections") is None
    assert [act for (act,) in shop.rows("select act from audit where act like 'connection.%' order by id")] == [
        "connection.live", "connection.watch",
    ]  # fmt: skip


def test_who_is_not_ready_is_told_so(shop: Shop, ana: Person) -> None:
    with shop.hub.database.write() as db:
        db.exec_driver_sql("update marks set at = 0 where name = 'listings'")

    assert "Not yet" in ana.post("/start/live", connection=shop.connection.id)
    assert shop.one("select live_at from connections") is None


def test_somebody_else_who_writes_stock_there_is_warned_of(shop: Shop, ana: Person) -> None:
    found = Finding(shop.connection.id, "listing", "A", "shows 3", "should show 8", shop.hub.now, None, shop.hub.now, "accepted")
    with shop.hub.database.write() as db:
        findings.keep(db, shop.merchant, shop.connection.id, [found])

    assert "Something else writes stock there: 1 listing showed" in ana.get("/start")


def test_old_orders_are_asked_for_and_stopped(shop: Shop, ana: Person) -> None:
    text = ana.post("/start/history", connection=shop.connection.id, days=100)
    assert "<progress" in text
    assert shop.one("select (until - since) / 86400000000 from backfills") == 100

    ana.post("/start/history", connection=shop.connection.id, stop=1)
    assert shop.one("select phase from backfills") == "done"


@pytest.mark.parametrize("path", ["/start/opening", "/start/history", "/start/difference", "/start/live", "/start/watch"])
def test_nobody_moves_another_merchants_connection(shop: Shop, path: str) -> None:
    stranger, viewer = person(shop.hub, "another"), person(shop.hub, shop.merchant, Role.VIEWER)

    assert stranger.send(path, connection=shop.connection.id, others="no").status_code == 404
    assert viewer.send(path, connection=shop.connection.id, others="no").status_code == 403
    assert shop.one("select count(*) from audit") == 0


def test_another_merchants_listings_are_not_shown(shop: Shop) -> None:
    assert person(shop.hub, "another").ask("/start/difference", connection=shop.connection.id).status_code == 404


def test_whatever_things_are_called_is_text_and_never_markup(shop: Shop, ana: Person) -> None:
    wild = "<script>alert(1)</script>"
    count(shop, ana)
    with shop.hub.unit() as work:
        work.db.execute(sql("update listings set title = :wild, writable = case when sku = 'A' then :wild end"), {"wild": wild})
        work.db.execute(sql("update connections set label = :wild"), {"wild": wild})
        work.db.execute(sql("update levels set on_hand = 1"))
    ana.post("/start/difference", connection=shop.connection.id)
    shop.drain()

    for text in (ana.get("/start"), ana.get("/start/difference", connection=shop.connection.id)):
        assert "<script>alert" not in text
    assert wild in json.dumps(shop.rows("select cursor from marks where name = 'difference'"))
