"""The page of what needs somebody: grouped by cause, gone when mended, back when it changes."""

import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import text as sql

from core.domain.roles import Role
from core.store import connections, findings
from core.store.findings import Finding
from tests.web.rooms import Person, person
from tests.web.shop import Shop

WILD = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'{{7*7}}"


@pytest.fixture
def shop(shop: Shop) -> Shop:
    shop.offer("A", "B", units=3)
    return shop


@pytest.fixture
def ana(shop: Shop) -> Person:
    return person(shop.hub, shop.merchant)


def unreadable(shop: Shop, total: str = "nonsense") -> None:
    body = json.loads(shop.sold(A=1).body)
    shop.send({**body, "total_price": total})
    shop.drain()


def do(shop: Shop, statement: str, **values: object) -> None:
    with shop.hub.database.write() as db:
        db.execute(sql(statement), values)


def test_where_nothing_is_wrong_the_page_says_so(ana: Person) -> None:
    assert "Nothing needs you" in ana.get("/attention")
    assert len(ana.statements) <= 8


def test_what_cannot_be_read_oversold_unmapped_or_odd_stands_there_in_words(shop: Shop, ana: Person) -> None:
    unreadable(shop)
    shop.deliver(shop.sold(A=5))
    shop.simulator.catalogue([{"sku": "X", "title": "Strange", "price": "10.00", "quantity": 4, "currency": "USD"}])
    shop.deliver(shop.sold(X=2))
    shop.send({**json.loads(shop.sold(B=1).body), "financial_status": "wondrous"})
    shop.drain()

    text = ana.get("/attention")

    for words in (
        "An order could not be read", "More was sold than lies on the shelf", "2 units are missing", "nobody has said what it is",
        "An order does not add up", "It carries a status that is new to us", "Listings are not matched",
    ):  # fmt: skip
        assert words in text, words
    assert len(ana.statements) <= 8


def test_a_mended_thing_goes_away_by_itself(shop: Shop, ana: Person) -> None:
    shop.deliver(shop.sold(A=5))
    shop.drain()
    assert "More was sold than lies on the shelf" in ana.get("/attention")

    ana.post("/stock/sku", sku="A", location="place", seen=3, how="to", units=9, reason="counted")
    shop.drain()

    assert "Nothing needs you" in ana.get("/attention")


def test_parked_work_is_tried_again_by_cause(shop: Shop, ana: Person) -> None:
    unreadable(shop)
    unreadable(shop)
    do(shop, "update tasks set cause = 'Stale' where id = (select max(id) from tasks where state = 'parked')")

    text = ana.post("/attention/unreadable/retry", all=1)

    assert "1 is tried again" in text
    states = shop.rows("select state from tasks where state in ('due', 'parked') and kind = 'take_orders' order by state")
    assert states == [("due",), ("parked",)]


def test_one_of_many_is_tried_again_alone(shop: Shop, ana: Person) -> None:
    unreadable(shop)
    unreadable(shop)
    [(first,), _] = shop.rows("select id from tasks where state = 'parked' order by id")

    ana.post("/attention/unreadable/retry", task=first)

    assert shop.one("select state from tasks where id = :id", id=first) == "due"
    assert shop.one("select count(*) from tasks where state = 'parked'") == 1


def ticked(ana: Person, cause: str) -> list[str]:
    return re.findall(r'name="subject" value="([^"]+)"', ana.get(f"/attention/{cause}"))


def test_what_somebody_leaves_with_a_note_is_gone_until_it_changes(shop: Shop, ana: Person) -> None:
    unreadable(shop)
    [subject] = ticked(ana, "unreadable")

    text = ana.post("/attention/unreadable/ignore", subject=subject, note="the channel's test order")

    assert "1 is left as it is" in text
    page = ana.get("/attention")
    assert "An order could not be read" not in page.partition("<details")[0]
    assert "the channel&#39;s test order" in page
    do(shop, "update tasks set detail = 'another field' where state = 'parked'")
    assert "An order could not be read" in ana.get("/attention").partition("<details")[0]


def test_what_changed_while_somebody_looked_is_not_left(shop: Shop, ana: Person) -> None:
    unreadable(shop)
    [subject] = ticked(ana, "unreadable")
    do(shop, "update tasks set detail = 'another field' where state = 'parked'")

    assert "0 are left" in ana.post("/attention/unreadable/ignore", subject=subject, note="fine")
    assert ticked(ana, "unreadable") != []


def test_what_was_left_is_shown_again_on_request(shop: Shop, ana: Person) -> None:
    unreadable(shop)
    [subject] = ticked(ana, "unreadable")
    ana.post("/attention/unreadable/ignore", subject=subject, note="fine")

    ana.post("/attention/unreadable/show", subject=subject.partition(" ")[2])

    assert ticked(ana, "unreadable") == [subject]
    assert [act for (act,) in shop.rows("select act from audit order by id")] == ["attention.ignore", "attention.show"]


@pytest.mark.parametrize("note", ["", "  "])
def test_nothing_is_left_without_a_note(shop: Shop, ana: Person, note: str) -> None:
    unreadable(shop)
    [subject] = ticked(ana, "unreadable")

    assert "Write a word" in ana.post("/attention/unreadable/ignore", subject=subject, note=note)
    assert ticked(ana, "unreadable") == [subject]


def test_a_connection_that_lost_its_login_or_is_not_read_stands_first(shop: Shop, ana: Person) -> None:
    with shop.hub.database.write() as db:
        connections.set_state(db, shop.connection.id, "needs_login", "revoked")
    assert "does not let us in any more" in ana.get("/attention")

    with shop.hub.database.write() as db:
        connections.set_state(db, shop.connection.id, "active", None)
    shop.clock.pass_(timedelta(hours=3))
    text = ana.get("/attention")
    assert "has not been read for too long" in text

    ana.post("/attention/read", connection=shop.connection.id)
    shop.drain()
    assert "Nothing needs you" in ana.get("/attention")


def test_findings_stand_there_with_their_evidence(shop: Shop, ana: Person) -> None:
    with shop.hub.database.write() as db:
        rows = [Finding(shop.connection.id, "day", "2026-11-20", "12 orders", "11 orders", shop.hub.now)]
        findings.keep(db, shop.merchant, shop.connection.id, rows)

    text = ana.get("/attention")

    assert "counts other orders for a day" in text
    assert "there: 12 orders; here: 11 orders" in text


def test_a_listing_that_its_channel_refused_says_why(shop: Shop, ana: Person) -> None:
    do(shop, "update listings set problem = 'no such product type' where sku = 'A'")

    text = ana.get("/attention/declined")

    assert "no such product type" in text
    assert "/stock/sku?sku=A" in text


def test_what_the_channel_said_is_for_those_who_may_act(shop: Shop, ana: Person) -> None:
    unreadable(shop)
    [(id,)] = shop.rows("select id from tasks where state = 'parked'")
    sealed = shop.hub.box(shop.merchant).seal_text(f"tasks|words|{id}", b"the vendor's own words")
    do(shop, "update tasks set words = :words where id = :id", words=sealed, id=id)

    assert "the vendor&#39;s own words" in ana.get("/attention/unreadable")
    assert "own words" not in person(shop.hub, shop.merchant, Role.VIEWER).get("/attention/unreadable")


def test_who_may_only_look_changes_nothing(shop: Shop) -> None:
    viewer = person(shop.hub, shop.merchant, Role.VIEWER)
    unreadable(shop)

    assert "<button" not in viewer.get("/attention")
    for path in ("unreadable/retry", "unreadable/ignore", "unreadable/show", "read"):
        assert viewer.send(f"/attention/{path}", all=1).status_code == 403


def test_another_merchants_troubles_are_not_ours(shop: Shop) -> None:
    stranger = person(shop.hub, "another")
    unreadable(shop)
    [(id,)] = shop.rows("select id from tasks where state = 'parked'")

    assert "Nothing needs you" in stranger.get("/attention")
    assert "Nothing of this needs you" in stranger.get("/attention/unreadable")
    stranger.post("/attention/unreadable/retry", task=id)
    stranger.post("/attention/unreadable/retry", all=1)
    assert stranger.send("/attention/read", connection=shop.connection.id).status_code == 404
    assert shop.one("select state from tasks where id = :id", id=id) == "parked"


@pytest.mark.parametrize("path", ["/attention/nothing", "/attention/nothing/retry", "/attention/nothing/ignore", "/attention/nothing/show"])
def test_a_cause_that_nobody_knows_is_not_found(ana: Person, path: str) -> None:
    answer = ana.ask(path) if path.count("/") == 2 else ana.send(path, all=1)

    assert answer.status_code == 404


def test_whatever_things_are_called_is_text_and_never_markup(shop: Shop, ana: Person) -> None:
    unreadable(shop)
    do(shop, "update tasks set detail = :wild, subject = :wild where state = 'parked'", wild=WILD)
    do(shop, "update listings set problem = :wild, title = :wild where sku = 'A'", wild=WILD)
    do(shop, "update connections set label = :wild, reason = :wild", wild=WILD)
    with shop.hub.database.write() as db:
        findings.keep(db, shop.merchant, shop.connection.id, [Finding(shop.connection.id, "day", WILD, WILD, WILD, shop.hub.now)])
    [subject, *_] = ticked(ana, "unreadable")

    for text in (ana.get("/attention"), ana.get("/attention/unreadable"), ana.get("/attention/declined"), ana.get("/attention/found-day")):
        assert "<script>alert" not in text
        assert "<img" not in text
    assert "&lt;script&gt;" in subject


def test_many_come_a_page_at_a_time_each_once(shop: Shop, ana: Person) -> None:
    rows = [Finding(shop.connection.id, "day", f"day-{n:03}", "1", "2", shop.hub.now - n // 7) for n in range(120)]
    with shop.hub.database.write() as db:
        findings.keep(db, shop.merchant, shop.connection.id, rows)

    seen, address = [], "/attention/found-day"
    while address:
        text = ana.client.get(address).text
        seen += re.findall(r"<b>(day-\d{3})</b>", text)
        more = re.search(r'class="more"><a href="([^"]+)"', text)
        address = more[1].replace("&amp;", "&") if more else ""

    assert seen == [f"day-{n:03}" for n in range(120)]
