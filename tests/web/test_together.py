"""Orders of one buyer in one parcel, as staff see it: proposed, joined, with each one's postage, and parted."""

import pytest

from core.domain.roles import Role
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import Depot, depot
from tests.flows.marks import on_sqlite
from tests.web.rooms import Person, person


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10, B=10)
    return depot(house)


@pytest.fixture
def ana(dock: Depot) -> Person:
    return person(dock.house.hub, dock.merchant)


def test_a_proposal_is_joined_packed_at_the_bench_and_its_postage_shared(dock: Depot, ana: Person) -> None:
    dock.sell(A=1)
    dock.sell(B=1)
    dock.weigh("S1", 1000)
    dock.weigh("S2", 500)
    assert "Send them in one parcel" in ana.get("/shipments/together") and len(ana.statements) <= 8
    assert "S2" in ana.get("/shipments/together", name="S1")

    text = ana.post("/shipments/together", id=[dock.id("S1"), dock.id("S2")])
    assert "They go in one parcel: that of S1." in text
    assert "It goes in the parcel of S1." in ana.get("/shipments/S2")
    assert ana.ask("/bench", at="S2").headers["Location"] == "/bench?at=S1"
    text = ana.get("/bench", at="S1", done="0x1.1x1")
    assert "All of it is in the parcel." in text and "1 more order goes in this parcel." in text and len(ana.statements) <= 8
    ana.post("/bench/S1/label", grams="1500", service=f"{dock.carrier.id}/slow", done="0x1.1x1")
    dock.house.drain()
    text = ana.get("/shipments/S2/parcel")
    assert "$2.76" in text and "$1.39" in text

    assert "It goes alone again." in ana.post("/shipments/S2/part")
    dock.house.drain()
    assert [state for _, state, _ in dock.shipments()] == ["packed", "released"]
    assert "does not go together" in ana.post("/shipments/S2/part")


@on_sqlite
def test_who_only_looks_joins_nothing_and_anothers_is_not_there(dock: Depot) -> None:
    dock.sell(A=1)
    dock.sell(B=1)
    viewer, stranger = person(dock.house.hub, dock.merchant, Role.VIEWER), person(dock.house.hub, "x")

    assert "Send them" not in viewer.get("/shipments/together")
    ids = [dock.id("S1"), dock.id("S2")]
    assert [viewer.send("/shipments/together", id=ids).status_code, stranger.send("/shipments/together", id=ids).status_code] == [403, 404]
    assert [stranger.ask("/shipments/S1/parcel").status_code, stranger.send("/shipments/S1/part").status_code] == [404, 404]
    assert books.rows(dock.house.hub, "select distinct goes_with from shipments") == [(None,)]
