"""Rules for printing, totes, and papers of a shipment: their pages."""

from collections.abc import Iterator

import pytest

from config.printers import Printers
from config.printers_simulated import Tray, office_printer
from core.domain.printing import Station
from core.domain.roles import Role
from core.flows import print_queue
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, Depot, depot
from tests.flows.marks import on_sqlite
from tests.papers.reading import text
from tests.web.rooms import Person, person

pytestmark = on_sqlite


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10)
    house.hub.printer = Printers(any_port=True, patience_s=2, status_s=0.05)
    return depot(house)


@pytest.fixture
def ana(dock: Depot) -> Person:
    return person(dock.house.hub, dock.merchant)


@pytest.fixture
def office() -> Iterator[Tray]:
    with office_printer() as tray:
        yield tray


def pages_at(dock: Depot, office: Tray) -> Station:
    return print_queue.add(dock.house.hub, dock.merchant, "Office", "ipp", office.address, ANN)


def row(**said: str) -> dict[str, str]:
    return {name: said.get(name, "") for name in ("place", "program", "channel", "service", "country", "tag", "buy", "label", "slip")}


def form(*rows: dict[str, str]) -> dict[str, list[str]]:
    return {name: [one[name] for one in rows] for name in rows[0]}


def test_rules_are_tried_saved_ordered_and_taken_back(dock: Depot, ana: Person, office: Tray) -> None:
    slip = pages_at(dock, office).id
    dock.sell(A=1)
    rows = form(row(place="2", slip=slip), row(place="1", country="DE", buy="best"), row())
    shown = ana.post("/print/rules", act="try", **rows)
    assert "What these rules would do now" in shown and "rule 2" in shown and "Undo the last change" not in shown
    assert len([one for one in ana.statements if one != "BEGIN"]) <= 8

    shown = ana.post("/print/rules", act="save", **rows)
    assert "follow these rules" in shown and shown.index('value="DE"') < shown.index(f'value="{slip}" selected')
    dock.sell(A=1)
    assert len(office.printed) == 1

    shown = ana.post("/print/rules/undo")
    assert "It is as it was before." in shown and 'value="DE"' not in shown
    assert "There is nothing to take back." in ana.post("/print/rules/undo")


def test_what_cannot_be_meant_is_said_and_what_was_typed_stays(ana: Person) -> None:
    shown = ana.post("/print/rules", act="save", **form(row(program="PRIME <b>")))

    assert "A rule does nothing" in shown and "PRIME &lt;b&gt;" in shown
    assert "There is no such printer any more." in ana.post("/print/rules", **form(row(label="x")))


def test_only_an_owner_changes_rules(dock: Depot) -> None:
    for role, answer in ((Role.MANAGER, 403), (Role.PACKER, 403), (Role.OWNER, 200)):
        assert person(dock.house.hub, dock.merchant, role).send("/print/rules", act="try").status_code == answer


def test_a_tote_is_scanned_then_its_slip_and_the_bench_opens_what_lies_in_it(dock: Depot, ana: Person) -> None:
    for _ in range(2):
        dock.sell(A=1)
    assert ana.client.get("/totes?scan=t-1").headers["Location"] == "/totes?tote=T-1"
    assert "Now the slip of what goes into T-1" in ana.get("/totes", tote="T-1")
    assert "S1 lies in T-1." in ana.post("/totes", tote="T-1", scan="s1")
    assert "Goods of S1 lie in T-1." in ana.post("/totes", tote="T-1", scan="S2")
    assert "No shipment is called S99." in ana.post("/totes", tote="T-1", scan="S99")
    assert "Now the slip of what goes into T-2" in ana.post("/totes", tote="T-1", scan="T-2")
    assert "Scan the tote first" in ana.get("/totes", scan="S1")

    assert ana.client.get("/bench?scan=t-1").headers["Location"] == "/bench?at=S1"
    assert ana.client.get("/bench?at=S1&done=0x1&scan=T-1").headers["Location"] == "/bench?at=S1"
    assert "T-1 is free." in ana.post("/totes/T-1/free")
    assert books.rows(dock.house.hub, "select tote from shipments where tote is not null") == []


def test_anothers_totes_are_not_there(dock: Depot, ana: Person) -> None:
    dock.sell(A=1)
    ana.post("/totes", tote="T-1", scan="S1")
    stranger = person(dock.house.hub, "somebody else")

    assert stranger.send("/totes/T-1/free").status_code == 404
    assert "S1" not in stranger.get("/totes") and "No shipment is called S1." in stranger.post("/totes", tote="T-1", scan="S1")


def test_invoices_and_return_slips_are_files_and_go_to_a_printer(dock: Depot, ana: Person, office: Tray) -> None:
    station = pages_at(dock, office)
    for _ in range(2):
        dock.sell(A=1)
    ids = [dock.id("S1"), dock.id("S2")]
    bill = ana.send("/shipments/print", what="invoices", id=ids)
    back = ana.send("/shipments/print", what="returns", id=ids)
    assert bill.mimetype == back.mimetype == "application/pdf"
    assert text(bill.data).count("Total") == 2 and "not wanted any more" in text(back.data)

    assert "2 papers wait" in ana.post("/shipments/print-at", what="invoices", id=ids, station=station.id, state="released")
    assert "Return slip" in ana.get("/shipments/S1") and len(ana.statements) <= 8
    assert "To the printer" in ana.get("/shipments/S1/printers") and len(ana.statements) <= 8
    assert "It waits for its printer." in ana.post("/shipments/S1/print-at", what="returns", station=station.id)
    dock.house.drain()
    assert len(office.printed) == 3
    kinds = "select kind, count(*) from print_jobs group by kind order by kind"
    assert books.rows(dock.house.hub, kinds) == [("invoice", 2), ("return", 1)]


def test_a_kept_paper_goes_to_a_printer_that_takes_it(dock: Depot, ana: Person, office: Tray) -> None:
    station = pages_at(dock, office)
    dock.sell(A=1)
    dock.label()
    paper = str(books.one(dock.house.hub, "select id from papers"))

    assert "This printer does not take such papers." in ana.post("/shipments/S1/print-at", what=paper, station=station.id)
    assert "There is nothing to print." in ana.post("/shipments/S1/print-at", what="99999", station=station.id)
    assert person(dock.house.hub, "somebody else").send("/shipments/S1/print-at", what=paper, station=station.id).status_code == 404


def test_what_was_not_printed_stands_under_needs_attention_with_the_way_to_its_printer(dock: Depot, ana: Person, office: Tray) -> None:
    station = pages_at(dock, office)
    print_queue.test_page(dock.house.hub, dock.merchant, station.id, ANN)
    with dock.house.hub.unit() as work:
        from core.store.sql import run

        run(work.db, "update print_jobs set state = 'unknown', words = 'the printer hung up in the middle'")
    shown = ana.get("/attention")

    assert "Nobody knows whether a paper was printed" in shown and "The printer hung up in the middle." in shown
    assert f"/print?at={station.id}" in shown and "To the printers" in shown
    assert "The printer hung up in the middle." in ana.get("/attention/print-unknown")


def test_a_rule_that_could_not_be_followed_names_its_shipment(dock: Depot, ana: Person, office: Tray) -> None:
    station = pages_at(dock, office)
    ana.post("/print/rules", act="save", **form(row(slip=station.id)))
    print_queue.remove(dock.house.hub, dock.merchant, station.id, ANN)
    dock.sell(A=1)

    shown = ana.get("/attention")
    assert "A rule for printing could not be followed" in shown and '<a href="/shipments/S1">S1</a>' in shown and "To the rules" in shown
    assert "gone" in ana.get("/print/rules")
