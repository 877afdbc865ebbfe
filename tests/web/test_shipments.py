"""The room of shipments: what is there by state, what may be done with one or with some, who sees what, and STOP."""

import re
from datetime import timedelta

import pytest

from connectors.bogus.carrier import manifest
from core.domain.roles import PERMISSIONS, Role
from core.domain.shipping import Progress
from core.errors import OutcomeUnknown, Refused
from core.flows import judging, places
from core.store import connections
from core.store.connections import Merchant
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, BUYER, Depot, depot
from tests.flows.marks import on_sqlite
from tests.flows.test_checking import ELSEWHERE
from tests.web.rooms import Person, person

MOST = 8


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10, B=10)
    return depot(house)


@pytest.fixture
def ana(dock: Depot) -> Person:
    return person(dock.house.hub, dock.merchant)


def at(dock: Depot, role: Role) -> Person:
    return person(dock.house.hub, dock.merchant, role)


def test_a_shipment_goes_through_the_room(dock: Depot, ana: Person) -> None:
    dock.sell(A=2)
    text = ana.get("/shipments")
    assert "S1" in text and ">Pack<" in text
    assert len(ana.statements) <= MOST

    assert "It is packed." in ana.post("/shipments/S1/weigh", grams="1500", length="300", width="200", height="100")
    assert "The label is being bought." in ana.post("/shipments/S1/buy", service=f"{dock.carrier.id}/slow")
    dock.house.drain()
    text = ana.get("/shipments/s1")
    assert all(words in text for words in ("BP00000001", "77 Juniper Street", "300 × 200 × 100 mm", "1,500 g", "Hand it over"))
    assert len(ana.statements) <= MOST

    answer = ana.client.get("/shipments/S1/label", follow_redirects=True)
    assert answer.status_code == 200 and answer.data and len(dock.post.purchases) == 1
    assert "It left. Its channel is told." in ana.post("/shipments/S1/send")
    dock.house.drain()
    assert "BP00000001" in ana.get("/shipments", state="sent")
    order = str(books.one(dock.house.hub, "select id from orders"))
    assert all(words in ana.get(f"/orders/{order}/shipments") for words in ('href="/shipments/S1"', "Sent", "× 2"))
    told, sentences = (
        ana.get("/shipments/S1/story"),
        ("was made at", "A label was bought for", "handed shipment S1 over", "The channel knows of"),
    )
    assert [words for words in sentences if words not in told] == []


@on_sqlite
def test_labels_are_bought_for_the_chosen_and_those_that_stay_say_why(dock: Depot, ana: Person) -> None:
    dock.sell(A=1)
    dock.sell(B=1)
    dock.weigh("S1")

    text = ana.post("/shipments/labels", id=[dock.id("S1"), dock.id("S2"), "nobody's"], service=f"{dock.carrier.id}/fast", state="released")

    assert "1 label is being bought." in text and "Nobody said yet what it weighs." in text
    assert "1 label is with its carrier" in text
    dock.house.drain()
    assert "The carriers answered." in ana.get("/shipments/live", was=1)
    assert len(dock.post.purchases) == 1


@on_sqlite
def test_the_chosen_leave_and_what_stops_stays(dock: Depot, ana: Person) -> None:
    number = dock.sell(A=1)
    dock.sell(B=1)
    dock.label("S1")
    dock.label("S2")
    dock.house.bogus.change(number, cancel_requested=True)
    dock.poll()
    assert "The buyer wants to cancel the order." in ana.get("/shipments", state="labelled")

    text = ana.post("/shipments/send", id=[dock.id("S1"), dock.id("S2")], state="labelled")

    assert "1 shipment left." in text and re.search(r">S1</a>: The buyer wants to cancel the order.", text)
    assert [state for _, state, _ in dock.shipments()] == ["labelled", "sent"]


@on_sqlite
def test_what_stops_it_stands_in_red_with_the_difference(dock: Depot, ana: Person) -> None:
    number = dock.sell(A=2)
    document = dock.house.bogus.orders[number]
    dock.house.bogus.change(number, lines=[{**document["lines"][0], "quantity": 1}])
    dock.poll()

    text = ana.get("/shipments/S1")

    assert "STOP" in text and "This shipment is cancelled" in text
    assert re.search(r'class="n was">2</td><td class="n"><b>1</b>', text) and "/bench?at=S2" in text
    assert len(ana.statements) <= MOST


@on_sqlite
def test_what_the_carrier_said_is_shown_to_those_who_may_see_buyers(dock: Depot, ana: Person) -> None:
    dock.sell(A=1)
    dock.post.next("buy", Refused("the carrier refused", words="There is no 77 Juniper Street."))
    dock.want()
    dock.house.drain()

    assert "There is no 77 Juniper Street." in ana.get("/shipments", state="problem")
    assert "There is no 77 Juniper Street." in ana.get("/shipments/S1")
    text = at(dock, Role.VIEWER).get("/shipments", state="problem") + at(dock, Role.VIEWER).get("/shipments/S1")
    assert "The carrier declined." in text
    assert not re.search("Juniper|Nadia|78701", text)


@on_sqlite
def test_where_nobody_knows_what_became_of_a_purchase_somebody_looks_and_says_so(dock: Depot, ana: Person) -> None:
    dock.sell(A=1)
    dock.post.forgets = True
    dock.post.next("buy", OutcomeUnknown("lost"))
    key = dock.want()
    dock.house.work(timedelta(minutes=2))
    assert "I checked: nothing was bought" in ana.get("/shipments/S1")
    assert "S1" in ana.get("/shipments", state="problem")

    assert "another label may be bought" in ana.post("/shipments/S1/checked", purchase=key)
    dock.house.drain()

    assert dock.shipments() == [("S1", "released", None)]


@on_sqlite
def test_a_parcel_goes_by_hand_or_its_label_is_given_back_or_all_of_it_taken_apart(dock: Depot, ana: Person) -> None:
    for _ in range(3):
        dock.sell(A=1)
    assert "It left." in ana.post("/shipments/S1/send", carrier="Harbor Bikes", tracking="HB-7", url="javascript:evil()")
    dock.label("S2")
    assert "being given back" in ana.post("/shipments/S2/give-back")
    assert "made ready anew" in ana.post("/shipments/S3/take-apart")
    dock.house.drain()
    dock.release()

    assert [(name, state) for name, state, _ in dock.shipments()] == [
        ("S1", "sent"), ("S2", "packed"), ("S3", "cancelled"), ("S4", "released"),
    ]  # fmt: skip
    assert "javascript" not in ana.get("/shipments/S1")
    assert "Harbor Bikes" in ana.get("/shipments", state="sent")


@on_sqlite
def test_anothers_shipment_is_not_there_and_a_viewer_only_looks(dock: Depot) -> None:
    dock.sell(A=1)
    dock.label()
    viewer = at(dock, Role.VIEWER)
    with dock.house.hub.unit() as work:
        connections.add_merchant(work.db, Merchant("x", "X", dock.house.hub.vault.new_key("x")), 1)
    stranger = person(dock.house.hub, "x")
    assert [stranger.ask(f"/shipments/{name}").status_code for name in ("S1", dock.id())] == [404, 404]
    assert stranger.send("/shipments/S1/send").status_code == 404
    assert "no shipment was chosen" in stranger.post("/shipments/send", id=dock.id())
    assert [
        viewer.send(f"/shipments/S1/{act}").status_code for act in ("send", "buy", "weigh", "give-back", "throw-away", "take-apart")
    ] == [403] * 6
    assert viewer.ask("/shipments/S1/label").status_code == 403
    assert dock.state() == "labelled"


def test_whoever_may_work_with_shipments_may_see_addresses() -> None:
    assert PERMISSIONS["shipments.work"] <= PERMISSIONS["orders.buyers"]


@on_sqlite
def test_the_list_is_paged_and_filtered_by_location(dock: Depot, ana: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.pages.shipments.MOST", 2)
    for _ in range(3):
        dock.sell(A=1)
    places.add_location(dock.house.hub, dock.merchant, "Far", ANN)

    far = str(books.one(dock.house.hub, "select id from locations where name = 'Far'"))

    text = ana.get("/shipments")
    [more] = re.findall(r'class="more"><a href="([^"]+)"', text)
    assert re.findall(r">(S\d)</a>", text) == ["S1", "S2"]
    assert re.findall(r">(S\d)</a>", ana.get(more.replace("&amp;", "&"))) == ["S3"]
    assert re.findall(r">(S\d)</a>", ana.get("/shipments", location=far)) == []


@on_sqlite
def test_all_carriers_are_asked_and_one_offer_is_bought(dock: Depot, ana: Person) -> None:
    dock.sell(A=1)
    dock.weigh()

    assert "The carriers are asked." in ana.post("/shipments/S1/rates")
    assert "1 carrier is asked." in ana.get("/shipments/S1/offers")
    dock.house.drain()
    text = ana.get("/shipments/S1/offers")
    assert "Bogus Slow" in text and "$4.15" in text and "hx-trigger" not in text
    [service, *_] = re.findall(r'name="service" value="([^"]+)"', text)
    ana.post("/shipments/S1/buy", service=service)
    dock.house.drain()

    assert dock.state() == "labelled"


@on_sqlite
def test_the_best_is_bought_for_the_chosen(dock: Depot, ana: Person) -> None:
    dock.sell(A=1)
    dock.weigh()

    assert "All carriers are asked, and the best is bought." in ana.post("/shipments/labels", id=dock.id(), service="best/")
    dock.house.work(timedelta(seconds=8))

    assert dock.state() == "labelled"


@on_sqlite
def test_papers_of_the_chosen_are_printed_in_one_file_and_nothing_is_bought(dock: Depot, ana: Person) -> None:
    dock.sell(A=1)
    dock.sell(B=2)
    ids = [dock.id("S1"), dock.id("S2")]

    for what in ("slips", "picks"):
        answer = ana.send("/shipments/print", what=what, id=ids)
        assert (answer.status_code, answer.mimetype, answer.data[:5]) == (200, "application/pdf", b"%PDF-")
    assert "None of these has a label" in ana.post("/shipments/print", what="labels", id=ids)
    assert at(dock, Role.VIEWER).send("/shipments/print", what="slips", id=ids).status_code == 403
    assert dock.post.purchases == []


def test_a_shipment_goes_in_two_parcels_through_the_room(dock: Depot, ana: Person) -> None:
    dock.sell(A=3)
    assert "Another parcel" in ana.get("/shipments/S1")

    text = ana.post("/shipments/S1/parcels", line="1", units="2")
    assert "It goes in several parcels. Weigh each." in text and "Parcel 2" in text and "Back to one parcel" in text
    assert "no more than there are" in ana.post("/shipments/S1/parcels", line="1", units="4")
    ana.post("/shipments/S1/weigh", parcel="1", grams="300")
    assert "It is packed." in ana.post("/shipments/S1/weigh", parcel="2", grams="600", length="10", width="10", height="10")
    ana.post("/shipments/S1/buy", service=f"{dock.carrier.id}/slow")
    dock.house.drain()

    text = ana.get("/shipments/S1")
    assert all(words in text for words in ("BP00000001", "BP00000002", "600 g", "/track/"))
    assert len(ana.statements) <= MOST
    answer = ana.client.get("/shipments/S1/label")
    assert answer.status_code == 200 and b"BP00000001" in answer.data and b"BP00000002" in answer.data


@on_sqlite
def test_two_parcels_become_one_again_and_a_carrier_of_one_says_so(dock: Depot, ana: Person) -> None:
    dock.sell(A=2)
    dock.post.boxes = 1
    dock.house.hub.connectors = {**dock.house.hub.connectors, "bogus_post": manifest(dock.post)}
    ana.post("/shipments/S1/parcels", line="1", units="1")
    dock.weigh()

    assert "(1 parcel at once)" in ana.get("/shipments/S1")
    text = ana.post("/shipments/S1/buy", service=f"{dock.carrier.id}/slow")
    assert "Bogus Post sells labels for at most 1 parcels at once" in text

    assert "All of it goes in one parcel again." in ana.post("/shipments/S1/one-parcel")
    assert "Parcel 2" not in ana.get("/shipments/S1")


def test_goods_that_left_go_once_more_from_the_orders_page(dock: Depot, ana: Person) -> None:
    dock.sell(A=2)
    order = str(books.one(dock.house.hub, "select id from orders"))
    assert "Send something once more" not in ana.get(f"/orders/{order}/shipments")
    dock.label()
    dock.send()
    text = ana.get(f"/orders/{order}/shipments")
    assert "Send something once more" in text and "(of 2)" in text and len(ana.statements) <= MOST
    assert "Send something once more" not in at(dock, Role.VIEWER).get(f"/orders/{order}/shipments")

    assert "Only what left" in ana.post(f"/orders/{order}/reship", line="1", units="3", why="lost")
    text = ana.post(f"/orders/{order}/reship", line="1", units="1", why="damaged")
    assert "S2 goes once more. Its channel is not told." in text and "It arrived damaged." in text
    dock.label("S2")
    ana.post("/shipments/S2/send")
    dock.house.drain()
    assert "is not told: it goes once more" in ana.get("/shipments/S2")
    assert "has 1 unit sent once more, in shipment S2. It arrived damaged." in ana.get(f"/orders/{order}")
    assert "Sent once more" in ana.get("/stock/sku", sku="A")
    assert at(dock, Role.VIEWER).send(f"/orders/{order}/reship", line="1", units="1", why="lost").status_code == 403


def test_an_address_that_a_carrier_doubts_is_decided_on_its_page(dock: Depot, ana: Person) -> None:
    assert "Saved." in ana.post("/settings/release", grace="0", authorized="1", address_check="hold")
    dock.post.streets[BUYER["street1"]] = ELSEWHERE
    dock.sell(A=1)

    text = ana.get("/shipments/S1")
    assert len(ana.statements) <= MOST
    assert all(words in text for words in ("The carrier writes this address otherwise.", "7 JUNIPER STREET", "77 Juniper Street"))
    dock.weigh()
    assert "A carrier doubts its address" in ana.post("/shipments/S1/buy", service=f"{dock.carrier.id}/slow")

    assert "One of you said that this address is right." in ana.post("/shipments/S1/address/keep")
    assert "A carrier is asked" in ana.post("/shipments/S1/address/check")
    dock.house.drain()
    assert "It goes there from now on" in ana.post("/shipments/S1/address", n="0")
    dock.house.drain()
    dock.release()
    assert "The carrier knows this address." in ana.get("/shipments/S2") and "7 JUNIPER STREET" in ana.get("/shipments/S2")


@on_sqlite
def test_a_label_that_is_not_used_can_be_given_back_or_handed_over_where_it_is_listed(dock: Depot, ana: Person) -> None:
    for name in ("S1", "S2"):
        dock.sell(A=1)
        dock.label(name)
    dock.house.clock.pass_(timedelta(days=26))
    judging.judge_labels(dock.house.hub, dock.merchant)

    for page in ("/attention", "/attention/found-label"):
        text = ana.get(page)
        assert "A label is paid, and its parcel is still here" in text and "Its label can be given back until" in text
        assert all(f"/shipments/{name}/{act}" in text for name in ("S1", "S2") for act in ("send", "give-back"))
        assert len(ana.statements) <= MOST
    assert "Its label can be given back until" in ana.get("/shipments/S1")
    assert len(ana.statements) <= MOST
    assert "Give the label back" not in at(dock, Role.VIEWER).get("/attention")

    ana.post("/shipments/S1/send")
    ana.post("/shipments/S2/give-back")

    assert "its parcel is still here" not in ana.get("/attention")
    assert "Its label can be given back until" not in ana.get("/shipments/S1")


@on_sqlite
def test_why_a_carrier_does_not_take_a_label_back_is_shown_with_what_can_be_done(dock: Depot, ana: Person) -> None:
    dock.sell(A=1)
    dock.label()
    dock.post.scan("BP00000001", Progress.PICKED_UP)
    ana.post("/shipments/S1/give-back")
    dock.house.drain()

    for page in ("/shipments/S1", "/attention/not-voided"):
        text = ana.get(page)
        assert "The parcel was scanned already." in text
        assert "Try to give it back again" in text and "Accept it as paid" in text
        assert "/shipments/S1/give-back" in text and "/shipments/S1/throw-away" in text
        assert len(ana.statements) <= MOST
    assert "Accept it as paid" in ana.get("/attention") and "Accept it as paid" not in at(dock, Role.VIEWER).get("/attention/not-voided")
    assert "The parcel was scanned already." not in at(dock, Role.VIEWER).get("/attention/not-voided")
    assert "The parcel was scanned already." not in at(dock, Role.VIEWER).get("/shipments/S1")
    assert "scanned already" not in str(books.one(dock.house.hub, "select words from purchases"))

    ana.post("/shipments/S1/throw-away")

    assert "A carrier did not take a label back" not in ana.get("/attention")
    text = ana.get("/shipments/S1")
    assert "could not be given back" in text and "The parcel was scanned already." in text
    assert "threw a paid label away" in ana.get("/activity")
