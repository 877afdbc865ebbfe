"""The bench, without a mouse: what is right counts up, what is wrong is refused, and what happened is in the address."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from core.errors import Refused
from core.flows import cards
from core.flows.cards import Wish
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, Depot, depot
from tests.flows.marks import on_sqlite
from tests.web.rooms import Person, person

MOST = 8


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10, B=10, C=1)
    return depot(house)


@pytest.fixture
def ana(dock: Depot) -> Person:
    return person(dock.house.hub, dock.merchant)


def scan(ana: Person, *codes: str, at: str = "S1") -> tuple[str, str]:
    """They scan these one after the other; gives the last page, and what its address says is done."""
    done, text = "", ""
    for code in codes:
        answer = ana.client.get("/bench", query_string={"at": at, "done": done, "scan": code})
        if answer.status_code == 303:
            done = parse_qs(urlsplit(answer.headers["Location"]).query).get("done", [""])[0]
            answer = ana.client.get(answer.headers["Location"])
        assert answer.status_code == 200
        text = answer.text
    return text, done


def test_from_the_slip_to_the_label_without_a_mouse(dock: Depot, ana: Person) -> None:
    dock.sell(A=2, B=1)
    assert ana.client.get("/bench", query_string={"scan": "s1"}).headers["Location"].endswith("/bench?at=S1")

    text, done = scan(ana, "A", "B", "A")
    assert "All of it is in the parcel." in text and 'data-sound="right"' in text and done == "0x1.1x1.0x1"
    assert re.search(r'name="grams"[^>]*autofocus', text) and not re.search(r'id="scan"[^>]*autofocus', text)
    ana.get("/bench", at="S1", done=done)
    assert len(ana.statements) <= MOST

    text = ana.post("/bench/S1/label", grams="1500", service=f"{dock.carrier.id}/slow", done=done)
    assert "The label is being bought." in text
    assert "The label is being bought." in ana.get("/bench/S1/label")
    dock.house.drain()
    answer = ana.client.get("/bench/S1/label", headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == "/bench?at=S1&printed="
    text = ana.get("/bench", at="S1", printed="")
    assert "The label is there." in text and "data-opens" in text and re.search(r'id="scan"[^>]*autofocus', text)
    assert dock.state() == "labelled"


@on_sqlite
def test_what_does_not_belong_there_is_refused_in_color_and_sound_and_counts_nothing(dock: Depot, ana: Person) -> None:
    dock.sell(A=1, B=1)

    text, done = scan(ana, "A", "C")
    assert 'data-sound="wrong"' in text and 'class="refused"' in text and "C does not belong into this parcel." in text and done == "0x1"
    text, _ = scan(ana, "A", "A")
    assert "All of A is in the parcel already." in text
    assert 'data-sound="wrong"' in ana.get("/bench", scan="S99")


@on_sqlite
def test_an_unknown_barcode_is_taught_and_then_counts(dock: Depot, ana: Person) -> None:
    dock.sell(A=1, B=1)
    text, _ = scan(ana, "4006381333931")
    assert 'data-sound="unknown"' in text and "It is A" in text and "It is B" in text

    text = ana.post("/bench/S1/teach", code="4006381333931", sku="A", done="")

    assert re.search(r"<b>1</b> / 1", text)
    assert books.rows(dock.house.hub, "select sku, barcode from barcodes") == [("A", "4006381333931")]
    assert "not in this shipment" in ana.post("/bench/S1/teach", code="77", sku="C", done="")


@on_sqlite
def test_a_barcode_of_another_sku_is_wrong_and_none_is_taught_twice(dock: Depot, ana: Person) -> None:
    dock.sell(A=1)
    cards.write(dock.house.hub, dock.merchant, {"C": Wish(barcodes=("4006381333931",))}, ANN)

    text, _ = scan(ana, "4006381333931")

    assert "C does not belong into this parcel." in text
    assert "4006381333931" in ana.post("/bench/S1/teach", code="4006381333931", sku="A", done="")
    assert books.rows(dock.house.hub, "select sku from barcodes") == [("C",)]


@on_sqlite
def test_the_last_one_can_be_undone_and_another_slip_waits_until_this_one_is_empty(dock: Depot, ana: Person) -> None:
    dock.sell(A=2)
    dock.sell(B=1)
    text, done = scan(ana, "A")
    assert re.search(r'id="undo" href="/bench\?at=S1"', text)

    text = ana.get("/bench", at="S1", done=done, scan="S2")
    assert "That is the slip of S2." in text and "<h1>S1</h1>" in text
    assert ana.ask("/bench", at="S1", scan="S2").headers["Location"] == "/bench?at=S2"


@on_sqlite
@pytest.mark.parametrize("said", ["4006381333931", "A", "0", ""])
def test_what_is_scanned_into_the_weight_buys_nothing(dock: Depot, ana: Person, said: str) -> None:
    dock.sell(A=1)

    text = ana.post("/bench/S1/label", grams=said, service=f"{dock.carrier.id}/slow", done="0x1")

    assert "is no weight in grams" in text and "All of it is in the parcel." in text
    assert books.rows(dock.house.hub, "select count(*) from purchases") == [(0,)]


@on_sqlite
def test_stop_stands_in_red_and_no_scan_leads_on(dock: Depot, ana: Person) -> None:
    number = dock.sell(A=1)
    dock.house.bogus.change(number, cancel_requested=True)
    dock.poll()

    text, done = scan(ana, "A")

    assert "STOP" in text and "The buyer wants to cancel the order." in text and done == ""
    assert "The buyer wants to cancel" in ana.post("/bench/S1/label", grams="500", service=f"{dock.carrier.id}/slow", done="0x1")
    assert books.rows(dock.house.hub, "select count(*) from purchases") == [(0,)]


@on_sqlite
def test_a_new_address_stops_the_bench_and_leads_to_what_is_sent_instead(dock: Depot, ana: Person) -> None:
    number = dock.sell(A=1)
    dock.house.bogus.change(
        number, ship_to={"name": "Nadia Osei", "street1": "9 Cedar Street", "city": "Austin", "postcode": "78701", "country": "US"}
    )
    dock.poll()

    text = ana.get("/bench", at="S1")

    assert "STOP" in text and 'href="/bench?at=S2"' in text


@on_sqlite
def test_what_the_carrier_declines_is_at_the_bench_in_its_words(dock: Depot, ana: Person) -> None:
    dock.sell(A=1)
    dock.post.next("buy", Refused("no", words="A parcel may weigh 30 kg."))
    ana.post("/bench/S1/label", grams="500", service=f"{dock.carrier.id}/slow", done="0x1")
    dock.house.drain()

    text = ana.get("/bench", at="S1")

    assert "A parcel may weigh 30 kg." in text and 'name="grams"' in text


@on_sqlite
def test_what_is_packed_was_scanned_and_is_only_weighed(dock: Depot, ana: Person) -> None:
    dock.sell(A=2)
    ana.post("/shipments/S1/weigh", grams="900")

    text = ana.get("/bench", at="S1")

    assert "All of it is in the parcel." in text and 'value="900"' in text


# ---- short


def short(ana: Person, there: int, sku: str = "A", at: str = "S1") -> str:
    return ana.post(f"/bench/{at}/short", sku=sku, there=there)


def test_what_is_short_corrects_the_shelf_and_the_order_waits_or_goes_elsewhere(dock: Depot, ana: Person) -> None:
    dock.sell(A=2)
    dock.sell(A=1)

    text = short(ana, 1)
    dock.house.drain()
    dock.release()

    assert "The shelf of A is corrected. Taken apart and made ready anew: S1." in text
    assert [(name, state) for name, state, _ in dock.shipments()] == [("S1", "cancelled"), ("S2", "released")]
    assert books.level(dock.house.hub, "A") == (1, 1)
    assert books.rows(dock.house.hub, "select held, released, waits from order_lines order by order_id") == [(0, 0, "stock"), (1, 1, None)]
    assert books.rows(dock.house.hub, "select units, cause from movements where sku = 'A' and cause = 'lost'") == [(-9, "lost")]


@on_sqlite
def test_what_is_packed_already_is_there_too(dock: Depot, ana: Person) -> None:
    dock.sell(A=2)
    dock.sell(A=3)
    dock.label("S1")

    short(ana, 0, at="S2")
    dock.house.drain()

    assert books.level(dock.house.hub, "A") == (2, 2)
    assert [(name, state) for name, state, _ in dock.shipments()] == [("S1", "labelled"), ("S2", "cancelled")]


@on_sqlite
def test_where_enough_is_there_nothing_is_short(dock: Depot, ana: Person) -> None:
    dock.sell(A=2)

    assert "nothing is short" in short(ana, 5)
    assert "Write how many of A are there." in ana.post("/bench/S1/short", sku="A", there="")
    assert dock.shipments() == [("S1", "released", None)]
    assert books.level(dock.house.hub, "A") == (10, 2)


def test_what_does_not_fit_is_scanned_into_another_parcel(dock: Depot, ana: Person) -> None:
    dock.sell(A=2, B=1)
    text, done = scan(ana, "A", "A")
    [more] = re.findall(r'href="(/bench[^"]*cuts=2)"', text)
    assert "Scan what goes in it." in ana.get(more.replace("&amp;", "&"))

    answer = ana.ask("/bench", at="S1", done=done, cuts="2", scan="B")
    text = ana.get(answer.headers["Location"])
    assert "All of it is in 2 parcels." in text and text.count('name="grams"') == 2
    assert len(ana.statements) <= MOST

    service = f"{dock.carrier.id}/slow"
    assert "is no weight" in ana.post("/bench/S1/label", grams=["500", "4006381333931"], service=service, done="0x2.1x1", cuts="2")
    ana.post("/bench/S1/label", grams=["500", "700"], service=service, done="0x2.1x1", cuts="2")
    dock.house.drain()

    assert books.rows(dock.house.hub, "select number, contents, weight_g, tracking from parcels order by number") == [
        (1, '{"1":2}', 500, "BP00000001"), (2, '{"2":1}', 700, "BP00000002"),
    ]  # fmt: skip
    assert "Parcel 2" in ana.get("/bench", at="S1")
