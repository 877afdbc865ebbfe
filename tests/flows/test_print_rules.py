"""What rules have bought and printed on release: once, whatever happens on the way, and a person looks where it cannot be done."""

from collections.abc import Iterator

import pytest

from config.printers import Printers
from config.printers_simulated import Tray, label_printer, office_printer
from core.domain.print_rules import PrintRule
from core.domain.printing import JobState, Station
from core.domain.shipments import Rules, State
from core.errors import Refused
from core.flows import attention, labelling, packing, print_queue, print_rules, sites
from core.hub import Hub
from core.store import attention as needs
from core.store import desk, printers
from core.store.sql import run
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, Depot, depot
from tests.flows.marks import on_sqlite


def say(hub: Hub, statement: str) -> None:
    with hub.unit() as work:
        run(work.db, statement)


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
    house.hub.printer = Printers(any_port=True, patience_s=2, status_s=0.05)
    found = depot(house)
    say(house.hub, "update skus set weight_g = 400")
    return found


def station(dock: Depot, tray: Tray, way: str, **more: object) -> Station:
    return print_queue.add(dock.house.hub, dock.merchant, way, way, tray.address, ANN, **more)  # type: ignore[arg-type]


def rule(dock: Depot, *rules: PrintRule) -> None:
    print_rules.set_rules(dock.house.hub, dock.merchant, ANN, rules)


def jobs(dock: Depot) -> list[tuple[str, str]]:
    return books.rows(dock.house.hub, "select kind, state from print_jobs order by kind")


def causes(dock: Depot) -> dict[str, int]:
    with dock.house.hub.database.read() as db:
        return needs.counts(db, dock.merchant, dock.house.hub.now)


def test_a_label_is_bought_at_once_and_comes_out_where_the_rule_says(dock: Depot, zebra: Tray, office: Tray) -> None:
    one, pages = station(dock, zebra, "zpl"), station(dock, office, "ipp")
    rule(dock, PrintRule(country="US", buy=f"{dock.carrier.id}/slow", label=one.id, slip=pages.id), PrintRule(slip=pages.id))
    dock.sell(A=1)

    assert dock.state() is State.LABELLED and len(dock.post.purchases) == 1
    assert len(zebra.printed) == 1 and len(office.printed) == 1
    assert jobs(dock) == [("label", "printed"), ("slip", "printed")]


@on_sqlite
def test_the_best_of_all_carriers_is_bought(dock: Depot, zebra: Tray) -> None:
    rule(dock, PrintRule(buy="best", label=station(dock, zebra, "zpl").id))
    dock.sell(A=1)
    dock.poll()

    assert dock.state() is State.LABELLED and len(zebra.printed) == 1


def test_asked_again_nothing_is_bought_or_printed_twice(dock: Depot, zebra: Tray, office: Tray) -> None:
    rule(dock, PrintRule(buy=f"{dock.carrier.id}/slow", label=station(dock, zebra, "zpl").id, slip=station(dock, office, "ipp").id))
    dock.sell(A=1)
    for subject in ("S1", "S1 label") * 2:
        dock.house.ask("follow_print_rules", subject)
        dock.house.drain()

    assert len(dock.post.purchases) == len(zebra.printed) == len(office.printed) == 1


@on_sqlite
def test_a_label_that_somebody_gave_back_is_not_bought_again_by_its_rule(dock: Depot, zebra: Tray) -> None:
    rule(dock, PrintRule(buy=f"{dock.carrier.id}/slow", label=station(dock, zebra, "zpl").id))
    dock.sell(A=1)
    labelling.give_back(dock.house.hub, dock.merchant, dock.id(), ANN)
    dock.house.drain()
    dock.house.ask("follow_print_rules", "S1")
    dock.house.drain()

    assert dock.state() is State.PACKED and len(dock.post.purchases) == 1


@on_sqlite
def test_a_second_label_is_printed_too(dock: Depot, zebra: Tray) -> None:
    rule(dock, PrintRule(buy=f"{dock.carrier.id}/slow", label=station(dock, zebra, "zpl").id))
    dock.sell(A=1)
    labelling.give_back(dock.house.hub, dock.merchant, dock.id(), ANN)
    dock.house.drain()
    dock.label()

    assert len(zebra.printed) == 2


@on_sqlite
def test_the_label_of_what_counts_as_sent_with_it_is_printed_all_the_same(dock: Depot, zebra: Tray) -> None:
    known = dock.house.connections["bogus"].id
    sites.set_rules(dock.house.hub, dock.merchant, ANN, Rules(on_label=frozenset({known})))
    rule(dock, PrintRule(buy=f"{dock.carrier.id}/slow", label=station(dock, zebra, "zpl").id))
    dock.sell(A=1)
    dock.house.ask("follow_print_rules", "S1 label")
    dock.house.drain()

    assert dock.state() is State.SENT and len(zebra.printed) == 1


@on_sqlite
def test_what_no_rule_is_of_is_printed_as_its_location_does(dock: Depot, zebra: Tray) -> None:
    station(dock, zebra, "zpl", kinds=("label",))
    rule(dock, PrintRule(program="PRIME", buy="best"))
    dock.sell(A=1)
    assert dock.state() is State.RELEASED and zebra.printed == []

    dock.label()
    assert len(zebra.printed) == 1


def test_a_rule_whose_printer_is_gone_waits_for_a_person_and_is_followed_once_it_is_mended(dock: Depot, zebra: Tray, office: Tray) -> None:
    one, other = station(dock, zebra, "zpl"), station(dock, office, "ipp")
    rule(dock, PrintRule(buy=f"{dock.carrier.id}/slow", label=one.id))
    print_queue.remove(dock.house.hub, dock.merchant, one.id, ANN)
    dock.sell(A=1)
    assert causes(dock) == {"print-rule": 1} and dock.post.purchases == [] and dock.state() is State.RELEASED

    rule(dock, PrintRule(slip=other.id))
    attention.retry(dock.house.hub, dock.merchant, "print-rule", ANN)
    dock.house.drain()
    assert causes(dock) == {} and len(office.printed) == 1


def test_what_lacks_for_a_label_is_seen(dock: Depot) -> None:
    say(dock.house.hub, "update skus set weight_g = null")
    rule(dock, PrintRule(buy=f"{dock.carrier.id}/slow"))
    dock.sell(A=1)

    assert dock.shipments() == [("S1", "released", "lacks")] and causes(dock) == {"unlabelled": 1}


@on_sqlite
def test_what_is_packed_by_hand_meanwhile_is_left_alone(dock: Depot) -> None:
    rule(dock, PrintRule(buy=f"{dock.carrier.id}/slow"))
    dock.sell(A=1)
    packing.take_apart(dock.house.hub, dock.merchant, dock.id(), ANN)
    dock.house.ask("follow_print_rules", "S1")
    dock.house.drain()

    assert causes(dock) == {}


@on_sqlite
def test_staffs_own_tags_count(dock: Depot, office: Tray) -> None:
    pages = station(dock, office, "ipp")
    dock.sell(A=1)
    order = str(books.one(dock.house.hub, "select id from orders"))
    with dock.house.hub.unit() as work:
        desk.tag(work.db, dock.merchant, [order], "Gift")
    rules = [PrintRule(tag="gift", slip=pages.id)]

    assert [(one.shipment, one.number) for one in print_rules.try_out(dock.house.hub, dock.merchant, rules)] == [("S1", 1)]
    assert jobs(dock) == []


@on_sqlite
def test_the_last_change_is_taken_back_once(dock: Depot) -> None:
    rule(dock, PrintRule(buy="best"))
    rule(dock)
    print_rules.undo(dock.house.hub, dock.merchant, ANN)
    assert print_rules.change(dock.house.hub, dock.merchant, ANN, lambda was: was).rules == (PrintRule(buy="best"),)

    with pytest.raises(Refused, match="nothing to take back"):
        print_rules.undo(dock.house.hub, dock.merchant, ANN)
    with pytest.raises(Refused, match="no such station"):
        rule(dock, PrintRule(slip="nobody's"))


# ---- papers that need somebody


@pytest.mark.parametrize(("state", "cause"), [("unknown", "print-unknown"), ("failed", "print-failed"), ("printed", ""), ("dropped", "")])
def test_a_paper_that_did_not_come_out_for_sure_needs_somebody(dock: Depot, zebra: Tray, state: str, cause: str) -> None:
    one = station(dock, zebra, "zpl")
    print_queue.test_page(dock.house.hub, dock.merchant, one.id, ANN)
    with dock.house.hub.unit() as work:
        for row in printers.queue(work.db, dock.merchant, one.id):
            printers.become(work.db, row.id, JobState(state), work.now, "the printer declined")
    assert causes(dock) == ({cause: 1} if cause else {})


def test_a_paper_that_waits_for_an_hour_needs_somebody_until_it_is_dropped(dock: Depot, zebra: Tray) -> None:
    one = station(dock, zebra, "zpl")
    print_queue.test_page(dock.house.hub, dock.merchant, one.id, ANN)
    assert causes(dock) == {}
    say(dock.house.hub, "update print_jobs set asked_at = asked_at - 3700000000")
    assert causes(dock) == {"print-waits": 1}

    print_queue.drop(dock.house.hub, dock.merchant, str(books.one(dock.house.hub, "select id from print_jobs")), ANN)
    assert causes(dock) == {}
