"""What a buyer fetches, as staff see it: packed at the bench, made ready, handed out, or not fetched in time."""

from datetime import timedelta

import pytest

from core.domain.roles import Role
from tests.conftest import House
from tests.flows.depot import Depot, depot
from tests.flows.marks import on_sqlite
from tests.web.rooms import Person, person


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10)
    dock = depot(house)
    house.bogus.sell({"A": 1}, ship_to=None, routing=[{"place": "P1", "lines": {"1": 1}, "method": "pick_up"}])
    dock.poll()
    return dock


@pytest.fixture
def ana(dock: Depot) -> Person:
    return person(dock.house.hub, dock.merchant)


def test_it_is_packed_at_the_bench_made_ready_and_handed_out(dock: Depot, ana: Person) -> None:
    assert "pickup" in ana.get("/shipments") and "Its buyer fetches it" in ana.get("/shipments/S1")
    text = ana.get("/bench", at="S1", done="0x1")
    assert "Ready for pickup" in text and 'name="grams"' not in text

    text = ana.post("/shipments/S1/ready", days="3", back="bench")
    assert "It can be fetched." in text and "The buyer has it" in text
    text = ana.get("/shipments/S1")
    assert "Ready for pickup" in text and "until" in text and "Buy the label" not in text and len(ana.statements) <= 8

    assert "Its channel is told." in ana.post("/shipments/S1/collected")
    dock.house.drain()
    text = ana.get("/shipments/S1")
    assert "Fetched" in text and "was told" in text
    assert "made S1 ready to be fetched" in ana.get("/shipments/S1/story")


@on_sqlite
def test_what_nobody_fetches_needs_a_look(dock: Depot, ana: Person) -> None:
    ana.post("/shipments/S1/ready", days="1")
    dock.house.clock.pass_(timedelta(days=2))
    dock.release()

    assert "Nobody fetched it in time" in ana.get("/shipments", state="problem")
    text = ana.get("/shipments/S1")
    assert "Put it back and cancel the order" in text and "Not fetched in time" in text
    assert "It waits longer." in ana.post("/shipments/S1/wait", days="5")
    assert "It is to be packed again." in ana.post("/shipments/S1/unready")
    assert "It is not ready yet." in ana.post("/shipments/S1/collected")
    assert "90 days at most" in ana.post("/shipments/S1/ready", days="900")


@on_sqlite
def test_who_only_looks_hands_nothing_out_and_anothers_is_not_there(dock: Depot) -> None:
    viewer, stranger = person(dock.house.hub, dock.merchant, Role.VIEWER), person(dock.house.hub, "x")

    acts = ("ready", "unready", "wait", "collected")
    assert [viewer.send(f"/shipments/S1/{act}").status_code for act in acts] == [403] * 4
    assert [stranger.send(f"/shipments/S1/{act}").status_code for act in acts] == [404] * 4
    assert dock.state() == "released"
