"""The room of printers: who says where one is, what waits for it, and what somebody does with it."""

import pytest

from config.printers import Printers
from config.printers_simulated import Trouble, label_printer, office_printer
from core.domain.roles import Role
from core.domain.shipping import LabelFormat, Paper
from core.flows import print_queue
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, Depot, depot
from tests.flows.marks import on_sqlite
from tests.web.rooms import Person, person

pytestmark = on_sqlite
LABEL = Paper("label", LabelFormat.ZPL, b"^XA^FDone^FS^XZ")


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10)
    house.hub.printer = Printers(any_port=True, patience_s=2, status_s=0.05)
    return depot(house)


@pytest.fixture
def ana(dock: Depot) -> Person:
    return person(dock.house.hub, dock.merchant)


def test_a_label_goes_through_the_room(dock: Depot, ana: Person) -> None:
    assert "No printer yet" in ana.get("/print")
    with label_printer() as zebra:
        text = ana.post("/print/stations", name="Zebra <b>", way="zpl", address=zebra.address, kinds=["label"])
        assert "Zebra &lt;b&gt;" in text and "<b>" not in text.replace("<b></b>", "")
        dock.sell(A=1)
        zebra.trouble = Trouble.LOST
        dock.label()
        text = ana.get("/print")
        assert all(
            words in text for words in ("Nobody knows whether it was printed", "The printer hung up in the middle.", 'href="/shipments/S1"')
        )
        assert len(ana.statements) <= 8

        job, station = (str(books.one(dock.house.hub, f"select id from {table}")) for table in ("print_jobs", "stations"))
        assert "Good: it was printed." in ana.post(f"/print/jobs/{job}/printed", at=station)
        zebra.trouble = Trouble.NONE
        assert "It is printed again." in ana.post(f"/print/jobs/{job}/again", at=station)
        assert "A test page is on its way." in ana.post(f"/print/stations/{station}/test")
        dock.house.drain()
        assert len(zebra.printed) == 3 and len(dock.post.purchases) == 1
        assert "That was done already" in ana.post(f"/print/jobs/{job}/drop", at=station)
        assert "used no more" in ana.post(f"/print/stations/{station}/remove")
        assert "No printer yet" in ana.get("/print")


def test_only_an_owner_says_where_a_printer_is(dock: Depot) -> None:
    said = {"name": "Z", "way": "zpl", "address": "127.0.0.1:9100"}
    for role, answer in ((Role.MANAGER, 403), (Role.PACKER, 403), (Role.VIEWER, 403), (Role.OWNER, 303)):
        assert person(dock.house.hub, dock.merchant, role).send("/print/stations", **said).status_code == answer


def test_an_address_where_no_printer_may_be_is_refused_in_words(ana: Person) -> None:
    assert "No printer may be at that address." in ana.post("/print/stations", name="Z", way="zpl", address="169.254.169.254")
    assert "That is no address of a printer." in ana.post("/print/stations", name="Z", way="zpl", address="a b")
    assert "Say what kind of printer it is." in ana.post("/print/stations", name="Z", way="fax", address="10.0.0.1")


def test_anothers_printer_and_papers_are_not_there(dock: Depot) -> None:
    with label_printer() as zebra:
        one = print_queue.add(dock.house.hub, dock.merchant, "Z", "zpl", zebra.address, ANN)
        print_queue.send(dock.house.hub, dock.merchant, one.id, "label", [LABEL], ANN)
    job = str(books.one(dock.house.hub, "select id from print_jobs"))
    stranger = person(dock.house.hub, "somebody else")

    for path in (f"stations/{one.id}/remove", f"stations/{one.id}/test", f"stations/{one.id}/retry", f"jobs/{job}/drop"):
        stranger.send(f"/print/{path}")
    assert books.rows(dock.house.hub, "select state from print_jobs") == [("waiting",)]
    assert books.rows(dock.house.hub, "select state from stations") == [("active",)]


def test_the_chosen_are_printed_at_a_station_and_the_bench_knows_the_printer_of_its_browser(dock: Depot, ana: Person) -> None:
    dock.sell(A=1)
    dock.sell(A=1)
    with label_printer() as zebra:
        one = print_queue.add(dock.house.hub, dock.merchant, "Zebra", "zpl", zebra.address, ANN)
        for name in ("S1", "S2"):
            dock.label(name)
        assert "Labels to the printer" in ana.get("/shipments", state="labelled")
        chosen = {"id": [dock.id("S2"), dock.id("S1")], "station": one.id, "state": "labelled"}
        assert "2 papers wait for their printer." in ana.post("/shipments/print-at", what="labels", **chosen)
        assert "This printer does not take such papers." in ana.post("/shipments/print-at", what="slips", **chosen)
        dock.house.drain()
        assert [b"BP00000002" in zebra.printed[0], b"BP00000001" in zebra.printed[1], len(zebra.printed)] == [True, True, 2]

        assert "Print at Zebra" not in ana.get("/bench", at="S1")
        assert "This browser prints here" in ana.post(f"/print/stations/{one.id}/here")
        assert "Print at Zebra" in ana.get("/bench", at="S1")
        assert len(ana.statements) <= 8
        assert "The label waits for its printer." in ana.post("/bench/S1/print", station=one.id)
        dock.house.drain()
        assert len(zebra.printed) == 3 and len(dock.post.purchases) == 2


def test_slips_and_pick_lists_go_to_an_office_printer(dock: Depot, ana: Person) -> None:
    dock.sell(A=1)
    with office_printer() as office:
        one = print_queue.add(dock.house.hub, dock.merchant, "Office", "ipp", office.address, ANN)
        for what in ("slips", "picks"):
            assert "1 paper waits" in ana.post("/shipments/print-at", what=what, id=[dock.id()], station=one.id, state="released")
        dock.house.drain()
        assert [page[:4] for page in office.printed] == [b"%PDF", b"%PDF"]
    assert books.rows(dock.house.hub, "select kind, shipment is null from print_jobs order by kind") == [("picks", 1), ("slip", 0)]
