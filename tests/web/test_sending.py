"""From where and by whom is sent: what a location sends from, the boxes, the carriers, and the buyer's page of a parcel."""

import re
from datetime import timedelta
from typing import Any

import pytest

from core.domain.roles import Role
from core.domain.shipping import Progress
from core.errors import AccessLost
from core.store import people
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.depot import Depot, depot
from tests.flows.marks import on_sqlite
from tests.web.rooms import Person, person
from web.app import make_app
from web.doors import Doors
from web.visitor import Visitor

MOST = 8
HARBOR = {
    "to_name": "North Sea Trading", "to_street1": "120 Harbor Way", "to_city": "Portland", "to_region": "ME", "to_postcode": "04101",
    "to_country": "US",
}  # fmt: skip


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10)
    return depot(house)


@pytest.fixture
def ana(dock: Depot) -> Person:
    asks = Visitor(dock.merchant, "u1", "Ana", Role.OWNER, "desk")
    app = make_app(dock.house.hub, ways=(lambda _: asks,), doors=Doors(ready=frozenset({"bogus_post", "bogus"})))
    return Person(app.test_client(), dock.house.hub)


def nobody(dock: Depot) -> Any:
    return make_app(dock.house.hub, ways=()).test_client()


# ---- locations and boxes


def test_a_location_sends_once_its_address_is_known_and_what_waited_is_released(house: House) -> None:
    house.shelve(A=10)
    ana = person(house.hub, house.merchant.id)
    depot(house)
    with house.hub.unit() as work:
        work.db.exec_driver_sql("update locations set ships = false, address = null")
    house.bogus.sell(
        {"A": 1}, ship_to={"name": "Nadia", "street1": "77 Juniper Street", "city": "Austin", "postcode": "78701", "country": "US"}
    )
    house.clock.pass_(timedelta(minutes=5))
    house.poll()
    assert books.rows(house.hub, "select name from shipments") == []

    assert "Say first which address its parcels come from" in ana.post(f"/stock/locations/{house.place}/site", ships="1")
    assert "Carriers ask for a street" in ana.post(f"/stock/locations/{house.place}/site", ships="1", to_city="Portland")
    assert "Choose a time zone" in ana.post(f"/stock/locations/{house.place}/site", ships="1", **{**HARBOR, "zone": "Mars/North"})
    text = ana.post(f"/stock/locations/{house.place}/site", ships="1", zone="America/New_York", **HARBOR)
    assert "orders that are reserved there become shipments" in text and "120 Harbor Way" in text
    house.drain()

    assert books.rows(house.hub, "select name, state from shipments") == [("S1", "released")]
    assert books.rows(house.hub, "select act from audit where act = 'location.sends'") == [("location.sends",)]
    ana.get("/stock/locations")
    assert len(ana.statements) <= MOST
    assert "Nothing is sent from" in ana.post(f"/stock/locations/{house.place}/site", **HARBOR)


@on_sqlite
def test_a_box_is_written_down_taken_at_the_bench_and_removed(dock: Depot, ana: Person) -> None:
    assert "Give the box a name" in ana.post("/stock/boxes", name="", length=1, width=1, height=1)
    ana.post("/stock/boxes", name="Small", length=300, width=200, height=100, grams=120, most=2000)
    dock.sell(A=1)

    assert "That is more than this box may hold." in ana.post("/shipments/S1/weigh", grams=5000, box="Small")
    assert "300 × 200 × 100 mm" in ana.post("/shipments/S1/weigh", grams=900, box="Small")
    assert "is not offered any more" in ana.post("/stock/boxes/remove", name="Small")
    assert ana.send("/stock/boxes/remove", name="Small").status_code == 404
    assert "no such box any more" in ana.post("/shipments/S1/weigh", grams=900, box="Small")


@on_sqlite
def test_who_may_not_write_settings_sees_neither_form(dock: Depot) -> None:
    packer = person(dock.house.hub, dock.merchant, Role.PACKER)

    assert packer.send(f"/stock/locations/{dock.house.place}/site").status_code == 403
    assert packer.send("/stock/boxes", name="x").status_code == 403
    assert 'name="to_street1"' not in packer.get("/stock/locations")


# ---- carriers


@on_sqlite
def test_a_carrier_stands_apart_from_the_channels_and_is_tested_paused_and_let_go(dock: Depot, ana: Person) -> None:
    assert "dock 4" not in ana.get("/connections/live")
    text = ana.get("/connections/carriers")
    assert "dock 4" in text and "Bogus Slow" in text and len(ana.statements) <= MOST

    id = dock.carrier.id
    assert "dock 4 answers, as Bogus Post." in ana.post(f"/connections/{id}/test")
    assert "It is paused" in ana.post(f"/connections/{id}/pause")
    assert "It goes on." in ana.post(f"/connections/{id}/resume")
    assert books.one(dock.house.hub, "select count(*) from connections where live_at > 0 and role = 'channel'") == 0
    dock.post.next("probe", AccessLost("revoked"))
    assert "does not work" in ana.post(f"/connections/{id}/test")
    assert "The carrier no longer lets us in" in ana.get("/connections/carriers")
    ana.post(f"/connections/{id}/disconnect")
    assert "Disconnected" in ana.get("/connections/carriers")


@on_sqlite
def test_a_carrier_is_connected_by_its_login_and_never_by_a_channels_form(dock: Depot, ana: Person) -> None:
    text = ana.post("/connections/new/bogus_post", account="dock 5")

    assert "dock 5 answers, as Bogus Post." in text
    assert books.rows(dock.house.hub, "select role from connections where account = 'dock 5'") == [("carrier",)]
    assert 'id="offer-bogus_post"' in ana.get("/connections/carriers")
    assert 'id="offer-bogus_post"' not in ana.get("/connections")


@on_sqlite
def test_the_usual_service_is_chosen_once(dock: Depot, ana: Person) -> None:
    assert "not offered any more" in ana.post("/connections/service", service="nobody/fast")
    assert "Parcels go by it" in ana.post("/connections/service", service=f"{dock.carrier.id}/fast")
    dock.sell(A=1)

    text = ana.get("/bench", at="S1", done="0x1")

    assert f'value="{dock.carrier.id}/fast" selected' in text
    with dock.house.hub.database.read() as db:
        assert people.settings(db, dock.merchant)[1]["ship_with"] == f"{dock.carrier.id}/fast"


# ---- the buyer's page


def test_a_buyer_sees_where_the_parcel_is_and_nothing_of_who_they_are(dock: Depot) -> None:
    number = dock.sell(A=1)
    dock.label()
    dock.send()
    dock.post.scan("BP00000001", Progress.IN_TRANSIT, "Memphis")
    dock.house.clock.pass_(timedelta(hours=2))
    dock.house.ask("track_parcels", dock.carrier.id, dock.carrier)
    dock.house.drain()
    token = str(books.one(dock.house.hub, "select token from parcels"))

    answer = nobody(dock).get(f"/track/{token}")

    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin" and "noindex" in answer.headers["X-Robots-Tag"]
    assert all(words in answer.text for words in ("Now in Memphis, US", "On its way", "https://post.example/BP00000001"))
    assert not re.search("Juniper|Nadia|Austin|78701|title-A", answer.text)
    assert [nobody(dock).get(f"/track/{one}").status_code for one in ("x", token[:-1], number, "%00")] == [404, 404, 404, 400]


@on_sqlite
def test_a_parcel_that_does_not_leave_has_no_page(dock: Depot) -> None:
    number = dock.sell(A=1)
    token = str(books.one(dock.house.hub, "select token from parcels"))
    assert nobody(dock).get(f"/track/{token}").status_code == 404

    dock.label()
    assert nobody(dock).get(f"/track/{token}").status_code == 200
    acts.cancel(dock.house.bogus, number)
    dock.poll()

    assert nobody(dock).get(f"/track/{token}").status_code == 404
