"""The pages about goods on their way: written down, sent, received by hand or by file, and what does not come is shown."""

import io
import re
from datetime import timedelta
from typing import Any

import pytest

from core.domain.roles import Role
from tests.web.rooms import Person, person
from tests.web.shop import Shop


@pytest.fixture
def shop(shop: Shop) -> Shop:
    shop.offer("MUG", "TRAY", units=10)
    return shop


@pytest.fixture
def ana(shop: Shop) -> Person:
    return person(shop.hub, shop.merchant)


def write(ana: Person, lines: str = "MUG=6\nTRAY=2", **more: Any) -> str:
    """Its id."""
    said = {"kind": "purchase", "location": "place", "sender": "Mill & Sons", "reference": "PO-7", "expected": "2026-12-04", "lines": lines}
    text = ana.post("/inbound/new", **{**said, **more})
    found = re.search(r'href="/inbound/([^/"]+)/change"', text)
    assert found, text
    return found[1]


def receive(ana: Person, id: str, *rows: tuple[str, int, Any, Any], **more: Any) -> str:
    columns = {name: [row[at] for row in rows] for at, name in enumerate(("sku", "seen", "good", "damaged"))}
    return ana.post(f"/inbound/{id}/receive", **columns, **more)


def test_a_purchase_from_writing_it_down_to_what_did_not_come(shop: Shop, ana: Person) -> None:
    id = write(ana)
    assert "It is on its way." in ana.post(f"/inbound/{id}/act/send")
    text = ana.get("/stock/sku", sku="MUG")
    assert "6 by Dec 4, 2026<br><small>from Mill &amp; Sons" in text
    assert len(ana.statements) <= 8

    text = receive(ana, id, ("MUG", 0, "4", "1"), ("TRAY", 0, "", ""))
    assert "5 units are received." in text and ">Undo<" in text
    assert "3 units did not arrive" in ana.post(f"/inbound/{id}/act/close")
    shop.drain()

    assert shop.rows("select on_hand, damaged from levels where sku = 'MUG'") == [(14, 1)]
    text = ana.get("/inbound", show="closed")
    assert all(words in text for words in ("PO-7", "Mill &amp; Sons", "closed"))
    assert len(ana.statements) <= 8
    assert "PO-7" not in ana.get("/inbound")
    assert "Open it again" in ana.get(f"/inbound/{id}")
    assert len(ana.statements) <= 8
    assert "the delivery" in ana.get("/stock/sku", sku="MUG")


def test_one_press_receives_all_that_is_missing_and_one_takes_it_back(shop: Shop, ana: Person) -> None:
    id = write(ana)
    ana.post(f"/inbound/{id}/act/send")
    rows = (("MUG", 0, "", ""), ("TRAY", 0, "", ""))

    assert "8 units are received." in receive(ana, id, *rows, all="1")
    assert "Somebody else received these meanwhile: MUG" not in receive(ana, id, ("MUG", 6, "", ""), ("TRAY", 2, "", ""), all="1")
    assert shop.rows("select sku, on_hand from levels order by sku") == [("MUG", 16), ("TRAY", 12)]
    text = ana.post(f"/inbound/{id}/take-back", sku=["MUG", "TRAY"], good=["6", "2"], damaged=["0", "0"])
    assert "as it was before" in text
    assert shop.rows("select sku, on_hand from levels order by sku") == [("MUG", 10), ("TRAY", 10)]


def test_of_two_who_receive_the_second_sees_what_the_first_did_and_keeps_what_was_typed(shop: Shop, ana: Person) -> None:
    ben = person(shop.hub, shop.merchant, Role.PACKER, user="u2", name="Ben")
    id = write(ana)
    ana.post(f"/inbound/{id}/act/send")
    receive(ana, id, ("MUG", 0, "4", ""))

    text = receive(ben, id, ("MUG", 0, "3", ""))

    assert "Somebody else received these meanwhile: MUG" in text
    assert "Ana received goods" in text and 'name="good" min="0" step="1" value="3"' in text
    assert shop.one("select on_hand from levels where sku = 'MUG'") == 14


def test_more_than_announced_is_taken_and_said(shop: Shop, ana: Person) -> None:
    id = write(ana)
    ana.post(f"/inbound/{id}/act/send")

    assert "MUG: 3 more than announced" in receive(ana, id, ("MUG", 0, "9", ""))


def test_a_transfer_leaves_when_it_is_sent_and_is_back_when_it_is_cancelled(shop: Shop, ana: Person) -> None:
    ana.post("/stock/locations", name="Attic")
    attic = shop.one("select id from locations where name = 'Attic'")
    id = write(ana, "MUG=6", kind="transfer", location=attic, source="place")

    ana.post(f"/inbound/{id}/act/send")
    assert shop.one("select sum(on_hand) from levels where sku = 'MUG'") == 4
    assert "6 units are back where they left" in ana.post(f"/inbound/{id}/act/cancel")
    assert shop.one("select sum(on_hand) from levels where sku = 'MUG'") == 10
    ana.post(f"/inbound/{id}/act/reopen")
    text = ana.post(f"/inbound/{id}/change", kind="transfer", location=attic, source="place", lines="MUG=60")
    ana.post(f"/inbound/{id}/act/send")
    assert "60" in text
    assert "Less than that is free where it leaves: MUG" in ana.post(f"/inbound/{id}/act/send")


@pytest.mark.parametrize("units", ["-1", "1.5", "two", "9" * 30])
def test_what_is_no_number_receives_nothing_and_stays_typed(shop: Shop, ana: Person, units: str) -> None:
    id = write(ana)
    ana.post(f"/inbound/{id}/act/send")

    text = receive(ana, id, ("MUG", 0, "4", ""), ("TRAY", 0, units, ""))

    assert "Nothing was received" in text and f'value="{units}"' in text
    assert shop.one("select on_hand from levels where sku = 'MUG'") == 10


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("MUG", "cannot be read: MUG"),
        ("MUG=-1", "cannot be read: MUG=-1"),
        ("MUG=1.5", "cannot be read: MUG=1.5"),
        ("MUG=1\nMUG=2", "cannot be read: MUG=2"),
        ("MUG=1\nNONE=2", "Nobody knows these SKUs: NONE"),
    ],
)
def test_lines_that_cannot_be_meant_are_named_and_stay_typed(shop: Shop, ana: Person, lines: str, words: str) -> None:
    text = ana.post("/inbound/new", kind="purchase", location="place", lines=lines)

    assert words in text
    assert lines.splitlines()[-1] in text
    assert shop.one("select count(*) from inbounds") == 0


def bring(shop: Shop, ana: Person, id: str, raw: bytes) -> str:
    """The page of the file, once it was looked at; or the delivery's, where it was refused."""
    text = ana.post(f"/inbound/{id}/file", file=(io.BytesIO(raw), "came.csv"))
    upload = re.search(r'hx-get="(/stock/import/[^"]+)"', text)
    shop.drain()
    return ana.get(upload[1]) if upload else text


def test_what_is_announced_and_what_came_are_brought_as_files_and_looked_at_first(shop: Shop, ana: Person) -> None:
    id = write(ana, "")
    text = bring(shop, ana, id, b"sku;units\r\nMUG;6\r\nTRAY;2\r\n")
    assert "Nothing is changed yet" in text
    assert shop.rows("select * from inbound_lines") == []
    take = re.search(r'action="(/stock/import/[^"]+/take)"', text)
    assert take
    ana.post(take[1])
    shop.drain()
    assert shop.rows("select sku, units from inbound_lines order by sku") == [("MUG", 6), ("TRAY", 2)]

    ana.post(f"/inbound/{id}/act/send")
    text = bring(shop, ana, id, b"sku,received,damaged\nMUG,7,\nTRAY,1,1\n")
    assert "More than announced" in text
    assert shop.one("select on_hand from levels where sku = 'MUG'") == 10
    take = re.search(r'action="(/stock/import/[^"]+/take)"', text)
    assert take
    ana.post(take[1])
    shop.drain()
    assert shop.rows("select sku, on_hand, damaged from levels order by sku") == [("MUG", 17, 0), ("TRAY", 11, 1)]
    assert "MUG,6" in ana.get(f"/inbound/{id}/lines.csv")


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"sku,recieved\nMUG,1\n", "the column received is missing"),
        (b"sku,received,price\nMUG,1,2\n", "is no column here"),
        (b"sku,received\nMUG,1\nNONE,1\n", '<td class="n">3</td><td class="words">sku: NONE is not on this delivery'),
        (b"sku,received\nMUG,1\nTRAY,-1\n", "received: &#39;-1&#39; is not a whole number"),
        (b"sku,received\nMUG,1\nTRAY,1.5\n", "received: &#39;1.5&#39; is not a whole number"),
        (b"sku,received,damaged\nMUG,1,one\n", "damaged: &#39;one&#39; is not a whole number"),
        (b"sku,received\nMUG,1\nMUG,1\n", '<td class="n">3</td><td class="words">sku: MUG is there twice'),
        ("sku,received\nMUG,1\n".encode("utf-16"), "It is not a text in UTF-8"),
        ("sku,received\nMÜG,1\n".encode("latin-1"), "It is not a text in UTF-8"),
    ],
)
def test_a_file_with_one_wrong_cell_names_it_and_nothing_is_taken(shop: Shop, ana: Person, raw: bytes, words: str) -> None:
    id = write(ana)
    ana.post(f"/inbound/{id}/act/send")

    assert words in bring(shop, ana, id, raw)
    assert shop.rows("select distinct on_hand from levels") == [(10,)]


def test_levels_are_a_file_with_what_is_on_its_way(shop: Shop, ana: Person) -> None:
    ana.post("/stock/locations", name="Attic")
    attic = shop.one("select id from locations where name = 'Attic'")
    ana.post(f"/inbound/{write(ana, location=attic)}/act/send")

    text = ana.get("/stock/levels.csv")

    assert "MUG,MUG,Main,own,10,0,0,10,0,,," in text
    assert "MUG,MUG,Attic,own,,,,," in text and ",6,2026-12-04T12:00:00+00:00," in text


def test_many_deliveries_come_a_page_at_a_time_each_once(shop: Shop, ana: Person) -> None:
    for number in range(55):
        write(ana, "MUG=1", reference=f"R{number:03}")
        shop.clock.pass_(timedelta(seconds=number % 2))

    seen, address = [], "/inbound"
    while address:
        text = ana.client.get(address).text
        seen += re.findall(r">(R\d{3})</a>", text)
        more = re.search(r'class="more"><a href="([^"]+)"', text)
        address = more[1].replace("&amp;", "&") if more else ""

    assert sorted(seen) == [f"R{number:03}" for number in range(55)]
    assert seen[0] > seen[-1]


def test_who_may_only_look_looks(shop: Shop, ana: Person) -> None:
    id, viewer = write(ana), person(shop.hub, shop.merchant, Role.VIEWER)

    assert "MUG" in viewer.get(f"/inbound/{id}")
    assert "Cancel it" not in viewer.get(f"/inbound/{id}")
    assert viewer.send(f"/inbound/{id}/act/send").status_code == 403


def test_another_merchants_delivery_is_not_there(shop: Shop, ana: Person) -> None:
    id, stranger = write(ana), person(shop.hub, "another")

    assert stranger.ask(f"/inbound/{id}").status_code == 404
    for path in ("act/send", "receive", "take-back", "change", "file"):
        answer = stranger.send(f"/inbound/{id}/{path}", location="place", lines="MUG=1", sku="MUG", good="1", damaged="0", seen="0")
        assert answer.status_code == 404 or (path == "change" and "no such" in answer.text.lower()), path
    assert "PO-7" not in stranger.get("/inbound")
