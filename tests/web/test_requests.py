"""What others are asked to send, on our pages and on theirs: the page of a supplier asks for no login, shows the request alone, and takes
each answer once."""

import re
from datetime import timedelta
from typing import Any

import pytest

from core.domain.places import LocationKind
from core.domain.requests import Asking, RequestState, Way
from core.flows import keys, parties, places
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN
from tests.flows.marks import on_sqlite
from tests.flows.supplier import Supplied, supplied
from tests.flows.test_hooks import Till
from tests.web.programs import Program
from tests.web.rooms import Person, person
from web.app import make_app


@pytest.fixture
def supply(house: House) -> Supplied:
    return supplied(house)


@pytest.fixture
def ana(supply: Supplied) -> Person:
    return person(supply.house.hub, supply.merchant)


class Guest:
    """Whoever opens the address in the letter."""

    def __init__(self, supply: Supplied) -> None:
        self.client = make_app(supply.house.hub, ways=()).test_client()
        self.address = f"/request/{supply.asked()[0].token}"

    def see(self) -> Any:
        return self.client.get(self.address)

    def say(self, what: str, **fields: Any) -> str:
        proof = re.findall(r'name="proof" value="([^"]+)"', self.see().text)[0]
        answer = self.client.post(f"{self.address}/{what}", data={"proof": proof, **fields}, follow_redirects=True)
        assert answer.status_code == 200
        return str(answer.text)


@on_sqlite
def test_a_supplier_answers_at_an_address_of_its_own_and_what_they_sent_leaves(supply: Supplied) -> None:
    supply.dock.sell(C=3)
    guest = Guest(supply)
    page = guest.see().text
    assert "77 Juniper Street" in page
    assert "Please send S1" in page

    assert "Thank you: you send it." in guest.say("accept")
    nonce = re.findall(r'name="nonce" value="([^"]+)"', guest.see().text)[0]
    form = {"carrier": "Parcelforce", "tracking": "T1", "nonce": nonce, "line_1": "2"}
    guest.say("sent", **form)
    guest.say("sent", **form)
    guest.say("refuse", reason="the last one is broken")
    supply.dock.release()

    assert supply.asked()[0].state is RequestState.SENT
    assert (supply.shares()["1"].sent, supply.shares()["1"].refused) == (2, 1)
    assert "77 Juniper Street" not in guest.see().text


@on_sqlite
def test_a_parcel_without_a_number_that_is_told_twice_by_one_form_leaves_once(supply: Supplied) -> None:
    supply.dock.sell(C=3)
    guest = Guest(supply)
    for _ in range(2):
        guest.say("sent", carrier="Own van", tracking="", nonce="form-one", line_1="1")

    assert supply.shares()["1"].sent == 1


@on_sqlite
def test_nobody_guesses_and_what_is_long_over_is_gone(supply: Supplied) -> None:
    supply.dock.sell(C=1)
    guest = Guest(supply)
    token = supply.asked()[0].token
    assert [guest.client.get(f"/request/{one}").status_code for one in ("x", token[:-1], supply.id, "S1")] == [404] * 4
    supply.sent("T1", l1=1)
    assert guest.see().status_code == 200
    supply.house.clock.pass_(timedelta(days=31))
    assert guest.see().status_code == 404


@on_sqlite
def test_who_asks_too_often_waits(supply: Supplied) -> None:
    supply.dock.sell(C=1)
    guest = Guest(supply)
    assert 429 in [guest.see().status_code for _ in range(60)]
    supply.house.clock.pass_(timedelta(minutes=2))
    assert guest.see().status_code == 200


@on_sqlite
def test_a_form_that_did_not_come_from_the_page_changes_nothing(supply: Supplied) -> None:
    supply.dock.sell(C=1)
    guest = Guest(supply)
    assert guest.client.post(f"{guest.address}/accept").status_code == 400
    assert supply.states == [RequestState.ASKED]


def test_staff_see_whose_answer_is_late_first_and_say_for_them_what_they_answer(supply: Supplied, ana: Person) -> None:
    supply.dock.sell(C=1)
    supply.house.clock.pass_(timedelta(hours=30))
    supply.dock.sell(C=2)
    page = ana.get("/requests")
    assert page.index("S1") < page.index("S2")
    assert "late" in page

    first, second = (one.id for one in supply.asked())
    assert "They send it." in ana.post(f"/requests/{first}/accept")
    assert "It left." in ana.post(f"/requests/{first}/sent", carrier="Parcelforce", tracking="T1", line_1="1")
    assert "They do not send that." in ana.post(f"/requests/{second}/refuse", reason="none left")
    assert "none left" in ana.get("/requests", state="rejected")
    assert "S1" in ana.get("/requests", state="sent")
    assert "Somebody else sends it" in ana.get("/shipments/S1")
    assert books.rows(supply.house.hub, "select distinct name from audit where act like 'request.%'") == [("Ana",)]


@on_sqlite
def test_a_request_is_withdrawn_and_asked_again_from_its_page(supply: Supplied, ana: Person) -> None:
    supply.dock.sell(C=1)
    one = supply.id
    assert "They are asked again." in ana.post(f"/requests/{one}/again")
    assert "They are asked to stop." in ana.post(f"/requests/{one}/withdraw")
    supply.dock.release()
    assert supply.asked()[0].state is RequestState.WITHDRAWN
    assert "It is over already." in ana.post(f"/requests/{one}/withdraw")
    assert ana.client.get("/requests/nobody").status_code == 404


@on_sqlite
def test_neither_the_bench_nor_a_label_takes_what_somebody_else_sends(supply: Supplied, ana: Person) -> None:
    supply.dock.sell(C=1)
    words = "Somebody else sends it: they are asked to, and tell when it left."
    assert words in ana.get("/bench", at="S1")
    assert words in ana.post("/shipments/S1/weigh", grams="500")
    assert words in ana.post("/shipments/S1/buy", service=f"{supply.dock.carrier.id}/slow")


@on_sqlite
def test_a_location_says_on_its_page_how_it_is_asked(supply: Supplied, ana: Person) -> None:
    at = f"/stock/locations/{supply.location}/asks"
    assert "Write one e-mail address." in ana.post(at, way="mail", to="nobody", hours="24")
    assert "is asked so from now on" in ana.post(at, way="mail", to="desk@supplier.example", hours="48")
    assert "desk@supplier.example" in ana.get("/stock/locations")
    assert "Nobody else is asked to send from Supplier." in ana.post(at, way="")
    assert "That connection sends nothing for others." in ana.post(at, way="connection", by="x", hours="1")


# ---- programs


def key_of(supply: Supplied, *scopes: str) -> tuple[Program, str]:
    made = keys.make(supply.house.hub, supply.merchant, ("u1", "Ana"), "supplier", scopes or ("requests.read", "requests.write"))
    return Program(make_app(supply.house.hub), made), str(books.one(supply.house.hub, "select max(id) from api_keys"))


@on_sqlite
def test_a_suppliers_program_fetches_what_is_asked_answers_it_and_sees_nothing_of_other_locations(supply: Supplied) -> None:
    till, id = key_of(supply)
    supply.dock.sell(C=1)
    assert len(till.get("requests").get_json()["items"]) == 1  # as long as it is bound to no location
    places.add_location(supply.house.hub, supply.merchant, "Other", ANN, LocationKind.SERVICE)
    other = str(books.one(supply.house.hub, "select id from locations where name = 'Other'"))
    parties.set_asking(supply.house.hub, supply.merchant, other, Asking(Way.API, key=id), ANN)
    assert till.get("requests").get_json()["items"] == []
    assert till.get(f"requests/{supply.id}").status_code == 404
    assert till.ask("POST", f"requests/{supply.id}/accept", {}).status_code == 404

    parties.set_asking(supply.house.hub, supply.merchant, other, None, ANN)
    parties.set_asking(supply.house.hub, supply.merchant, supply.location, Asking(Way.API, key=id), ANN)
    supply.dock.sell(C=3)
    [_, one] = till.get("requests").get_json()["items"]
    assert (one["state"], one["to"]["street1"], one["lines"][0]["units"]) == ("asked", "77 Juniper Street", 3)
    till.ask("POST", f"requests/{one['id']}/accept", {"number": "SUP-1"})
    told = {"parcels": [{"carrier": "Parcelforce", "tracking": "T1", "lines": [{"line": "1", "units": 2}]}]}
    for _ in range(2):
        assert till.ask("POST", f"requests/{one['id']}/sent", told).get_json()["lines"][0]["sent"] == 2
    assert till.ask("POST", f"requests/{one['id']}/refuse", {"reason": "none left"}).get_json()["state"] == "sent"
    supply.house.drain()
    assert till.ask("PUT", "requests/stock", {"lines": [{"sku": "C", "units": 30}]}).get_json()["changed"][0]["units"] == 30
    assert till.ask("PUT", "requests/stock", {"lines": [{"sku": "Z", "units": 30}]}).status_code == 409
    assert till.get("orders").status_code == 403


@on_sqlite
def test_a_program_of_theirs_is_called_once_under_one_id_signed(supply: Supplied) -> None:
    till = Till()
    supply.house.hub.outward = till
    till.secret = parties.set_asking(supply.house.hub, supply.merchant, supply.location, Asking(Way.HOOK, to="https://wms.example/in"), ANN)
    till.next = ["lost", 503]
    supply.dock.sell(C=1)
    for _ in range(3):
        supply.house.clock.pass_(timedelta(minutes=2))
        supply.house.drain()

    assert (len(till.tries), len(till.taken), till.forged) == (3, 1, 0)
    [told] = till.taken.values()
    assert (told["type"], told["to"]["street1"], told["lines"][0]["units"]) == ("request.wanted", "77 Juniper Street", 1)
    assert supply.states == [RequestState.ASKED]
