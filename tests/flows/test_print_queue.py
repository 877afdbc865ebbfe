"""Papers at stations: in order, once, and a person looks where an answer was lost. The printers are real sockets on this machine."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from config import demo_dock
from config.printers import Printers
from config.printers_simulated import Tray, Trouble, label_printer, office_printer
from core.domain.printing import JobState, Station
from core.domain.shipping import LabelFormat, Paper
from core.errors import Refused
from core.flows import print_queue
from core.flows.print_queue import NoStation
from core.store import printers
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, Depot, depot
from tests.flows.marks import on_sqlite

QUICK = Printers(any_port=True, patience_s=2, status_s=0.05)
LABEL = Paper("label", LabelFormat.ZPL, b"^XA^FDone^FS^XZ")


@pytest.fixture
def zebra() -> Iterator[Tray]:
    with label_printer() as tray:
        yield tray


@pytest.fixture
def office() -> Iterator[Tray]:
    with office_printer() as tray:
        yield tray


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=20)
    house.hub.printer = QUICK
    return depot(house)


def station(dock: Depot, tray: Tray, way: str = "zpl", **more: object) -> Station:
    return print_queue.add(dock.house.hub, dock.merchant, more.pop("name", way), way, tray.address, ANN, **more)  # type: ignore[arg-type]


def send(dock: Depot, one: Station, *papers: Paper) -> None:
    print_queue.send(dock.house.hub, dock.merchant, one.id, "label", papers, ANN)
    dock.house.drain()


def jobs(dock: Depot) -> list[str]:
    return [state for (state,) in books.rows(dock.house.hub, "select state from print_jobs order by asked_at, id")]


def only(dock: Depot) -> str:
    return str(books.one(dock.house.hub, "select id from print_jobs"))


def test_a_label_is_printed_at_its_location_once_it_is_bought(dock: Depot, zebra: Tray) -> None:
    station(dock, zebra, kinds=("label",), location=dock.house.place)
    dock.sell(A=1)
    dock.label()

    assert len(zebra.printed) == 1 and b"BP00000001" in zebra.printed[0]
    assert jobs(dock) == ["printed"] and len(dock.post.purchases) == 1
    assert b"BP00000001" not in books.one(dock.house.hub, "select body from print_jobs")


@on_sqlite
def test_papers_come_out_in_the_order_in_which_they_were_asked_for(dock: Depot, zebra: Tray) -> None:
    one = station(dock, zebra)
    papers = [Paper("label", LabelFormat.ZPL, b"^XA^FD%d^FS^XZ" % n) for n in range(5)]
    send(dock, one, *papers)

    assert zebra.printed == [paper.content for paper in papers]


@on_sqlite
def test_a_printer_without_paper_gets_nothing_until_it_has_some(dock: Depot, zebra: Tray) -> None:
    zebra.trouble = Trouble.PAPER
    send(dock, station(dock, zebra), LABEL)
    assert zebra.printed == [] and jobs(dock) == ["waiting"]
    assert books.one(dock.house.hub, "select words from print_jobs") == "the printer is out of paper"

    zebra.trouble = Trouble.NONE
    dock.house.drain(timedelta(minutes=2))
    assert zebra.printed == [LABEL.content] and jobs(dock) == ["printed"]


@on_sqlite
def test_a_printer_that_is_off_is_tried_again(dock: Depot) -> None:
    with label_printer() as gone:
        one = station(dock, gone)
    send(dock, one, LABEL)

    assert jobs(dock) == ["waiting"] and books.one(dock.house.hub, "select tried_at from print_jobs") is None


@on_sqlite
def test_a_printer_that_never_says_how_it_is_prints_too(dock: Depot, zebra: Tray) -> None:
    zebra.trouble = Trouble.SILENT
    send(dock, station(dock, zebra), LABEL)

    assert zebra.printed == [LABEL.content] and jobs(dock) == ["printed"]


@on_sqlite
@pytest.mark.parametrize("trouble", [Trouble.CUT, Trouble.LOST])
def test_a_label_whose_answer_was_lost_is_not_printed_again_without_a_person(dock: Depot, zebra: Tray, trouble: Trouble) -> None:
    zebra.trouble = trouble
    send(dock, station(dock, zebra), LABEL)
    assert jobs(dock) == ["unknown"]
    came = len(zebra.printed)
    zebra.trouble = Trouble.NONE
    dock.house.drain(timedelta(minutes=1))
    assert len(zebra.printed) == came and jobs(dock) == ["unknown"]

    if came:
        print_queue.was_printed(dock.house.hub, dock.merchant, only(dock), ANN)
    else:
        print_queue.again(dock.house.hub, dock.merchant, only(dock), ANN)
    dock.house.drain()
    assert len(zebra.printed) == 1 and jobs(dock) == ["printed"]


@on_sqlite
def test_a_worker_that_died_while_it_printed_leaves_a_question(dock: Depot, zebra: Tray) -> None:
    one = station(dock, zebra)
    print_queue.send(dock.house.hub, dock.merchant, one.id, "label", [LABEL], ANN)
    with dock.house.hub.unit() as work:
        printers.tried(work.db, only(dock), work.now)
    dock.house.drain()

    assert zebra.printed == [] and jobs(dock) == ["unknown"]


@on_sqlite
@pytest.mark.parametrize(
    ("trouble", "state"),
    [(Trouble.NONE, "printed"), (Trouble.PAPER, "printed"), (Trouble.LOST, "unknown"), (Trouble.CUT, "unknown"),
     (Trouble.DECLINES, "failed"), (Trouble.ABORTS, "failed")],
)  # fmt: skip
def test_what_an_office_printer_says_is_what_is_known(dock: Depot, office: Tray, trouble: Trouble, state: str) -> None:
    office.trouble = trouble
    send(dock, station(dock, office, "ipp"), Paper("slip", LabelFormat.PDF, b"%PDF-1.4 slip"))

    assert jobs(dock) == [state]
    assert office.printed == ([] if state == "failed" or trouble is Trouble.CUT else [b"%PDF-1.4 slip"])
    if trouble is Trouble.PAPER:
        assert books.one(dock.house.hub, "select words from print_jobs") == "stopped media-empty"


@on_sqlite
def test_a_test_page_says_the_station_and_its_name_is_no_command(dock: Depot, zebra: Tray, office: Tray) -> None:
    hostile = station(dock, zebra, name='^XZ~JR^FD_"<b>Ä')
    for one in (hostile, station(dock, office, "ipp")):
        print_queue.test_page(dock.house.hub, dock.merchant, one.id, ANN)
    dock.house.drain()

    [label] = zebra.printed
    assert label.count(b"^XZ") == 1 and b"~JR" not in label and b"_5EXZ_7EJR" in label
    assert office.printed[0].startswith(b"%PDF")


@on_sqlite
def test_a_station_takes_what_its_printer_can_print(dock: Depot, office: Tray) -> None:
    one = station(dock, office, "ipp")
    with pytest.raises(NoStation):
        send(dock, one, LABEL)
    with pytest.raises(NoStation):
        print_queue.send(dock.house.hub, dock.merchant, "nobody's", "label", [], ANN)


@on_sqlite
def test_a_station_that_is_removed_drops_what_waits_for_it(dock: Depot, zebra: Tray) -> None:
    one = station(dock, zebra)
    print_queue.send(dock.house.hub, dock.merchant, one.id, "label", [LABEL], ANN)
    print_queue.remove(dock.house.hub, dock.merchant, one.id, ANN)
    dock.house.drain()

    assert zebra.printed == [] and jobs(dock) == ["dropped"]
    with pytest.raises(NoStation):
        print_queue.again(dock.house.hub, dock.merchant, only(dock), ANN)


@on_sqlite
def test_what_is_dropped_is_not_printed(dock: Depot, zebra: Tray) -> None:
    one = station(dock, zebra)
    print_queue.send(dock.house.hub, dock.merchant, one.id, "label", [LABEL], ANN)
    print_queue.drop(dock.house.hub, dock.merchant, only(dock), ANN)
    dock.house.drain()
    assert zebra.printed == [] and jobs(dock) == [JobState.DROPPED]

    with pytest.raises(Refused):
        print_queue.was_printed(dock.house.hub, dock.merchant, only(dock), ANN)


@on_sqlite
def test_papers_are_forgotten_after_thirty_days(dock: Depot, zebra: Tray) -> None:
    send(dock, station(dock, zebra), LABEL)
    with dock.house.hub.unit() as work:
        assert printers.prune(work.db, work.now) == 0
        assert printers.prune(work.db, work.now + printers.KEPT_US) == 1


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254:9100", "[fe80::1]:9100", "[fd00:ec2::254]:9100", "100.100.100.200", "[::ffff:169.254.169.254]", "0.0.0.0", "",
     "224.0.0.1", "10.0.0.5:6379", "10.0.0.5:22", "user@10.0.0.5", "10.0.0.5/path", "10.0.0.5:9100\r\nx"],
)  # fmt: skip
def test_nothing_is_printed_where_no_printer_may_be(address: str) -> None:
    assert Printers().refuses("zpl", address)


@pytest.mark.parametrize(
    ("way", "address"), [("zpl", "10.0.0.5"), ("zpl", "127.0.0.1:9101"), ("zpl", "[fd00::5]"), ("ipp", "192.168.1.9:631/ipp/print")]
)
def test_printers_are_in_the_house(way: str, address: str) -> None:
    assert Printers().refuses(way, address) == ""


@on_sqlite
def test_the_rehearsals_printers_print_into_a_folder_and_are_new_each_time(dock: Depot, tmp_path: Path) -> None:
    for _ in range(2):
        with demo_dock.printers(dock.house.hub, dock.merchant, tmp_path) as trays:
            with dock.house.hub.database.read() as db:
                known = printers.stations(db, dock.merchant)
            assert {one.name: one.address for one in known} == {name: tray.address for name, tray in trays.items()}
            for one in known:
                print_queue.test_page(dock.house.hub, dock.merchant, one.id, ANN)
            dock.house.drain()

    assert sorted(one.suffix for one in (tmp_path / "printed").iterdir()) == [".pdf", ".pdf", ".zpl", ".zpl"]
