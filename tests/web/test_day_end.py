"""The end of the day as the warehouse sees it: what leaves, what drivers took, and drivers who come."""

import pytest

from core.domain.roles import Role
from core.errors import OutcomeUnknown
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import Depot, depot
from tests.flows.marks import on_sqlite
from tests.web.rooms import Person, person


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10)
    return depot(house)


@pytest.fixture
def ana(dock: Depot) -> Person:
    return person(dock.house.hub, dock.merchant)


def test_a_day_is_closed_and_its_papers_can_be_had(dock: Depot, ana: Person) -> None:
    dock.sell(A=1)
    dock.label()
    assert "Hand over" in ana.get("/shipments/day")

    text = ana.post("/shipments/day/close", location=dock.house.place, carrier=dock.carrier.id)
    dock.house.drain()

    assert "1 shipment left." in text
    shown = ana.get("/shipments/day")
    assert [words for words in ("Handed over on the carrier", "M1") if words not in shown] == []
    assert len(ana.statements) <= 8
    id = books.one(dock.house.hub, "select id from manifests")
    answer = ana.client.get(f"/shipments/day/{id}/papers")
    assert (answer.status_code, answer.content_type) == (200, "application/zip")
    assert ana.client.get("/shipments/day/nobodys/papers").status_code == 404


@on_sqlite
def test_a_driver_is_asked_and_told_not_to_come(dock: Depot, ana: Person) -> None:
    said = {"carrier": dock.carrier.id, "location": dock.house.place, "on": "2026-11-24", "from": "13:00", "until": "17:00"}

    assert "The carrier is asked." in ana.post("/shipments/day/driver", **said)
    dock.house.drain()
    assert all(words in ana.get("/shipments/day") for words in ("The driver comes.", "D1", "$2.50"))
    assert "A driver of theirs comes there on that day already." in ana.post("/shipments/day/driver", **said)
    assert "Say on which day" in ana.post("/shipments/day/driver", **{**said, "on": "soon"})
    id = books.one(dock.house.hub, "select id from pickups")
    assert "The carrier is told." in ana.post(f"/shipments/day/driver/{id}/leave")
    dock.house.drain()
    assert "Nobody comes." in ana.get("/shipments/day")


@on_sqlite
def test_what_nobody_knows_is_answered_by_a_person(dock: Depot, ana: Person) -> None:
    dock.post.next("pick_up", OutcomeUnknown("lost"))
    ana.post(
        "/shipments/day/driver", carrier=dock.carrier.id, location=dock.house.place, on="2026-11-24", until="17:00", **{"from": "13:00"}
    )
    dock.house.drain()
    id = books.one(dock.house.hub, "select id from pickups")

    assert "I checked: a driver comes" in ana.get("/shipments/day")
    assert "Saved." in ana.post(f"/shipments/day/driver/{id}/checked")
    assert "Nobody comes." in ana.get("/shipments/day")


@on_sqlite
def test_who_only_looks_hands_nothing_over(dock: Depot) -> None:
    dock.sell(A=1)
    dock.label()
    looker = person(dock.house.hub, dock.merchant, Role.ACCOUNTANT)

    answer = looker.client.post("/shipments/day/close", data={"location": dock.house.place})

    assert answer.status_code in (400, 403, 404)
    assert books.one(dock.house.hub, "select state from shipments") == "labelled"
