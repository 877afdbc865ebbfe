"""An address that a carrier doubts gets no label until somebody decides, where the merchant wants that."""

import pytest

from core.domain.order import Address
from core.domain.shipping import Checked, Verdict
from core.errors import AccessLost, Refused, Unavailable
from core.flows import addressing, checking, sites
from core.flows.labelling import NotThen
from core.store import attention, checks, connections, people
from core.store.sql import run
from tests.conftest import House
from tests.flows import books as rows
from tests.flows.depot import ANN, BUYER, Depot, depot

STREET = BUYER["street1"]
THERE = Address(street1="7 JUNIPER STREET", city="AUSTIN", region="TX", postcode="78702-1111", country="US")
ELSEWHERE = Checked(Verdict.CORRECTED, (THERE,))


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=100)
    return depot(house)


def rule(dock: Depot, said: str) -> None:
    with dock.house.hub.unit() as work:
        people.choose(work.db, dock.merchant, address_check=said)


def verdict(dock: Depot, name: str = "S1") -> tuple[str, int]:
    with dock.house.hub.database.read() as db:
        said, better = checks.said(db, dock.merchant, dock.id(name), dock.house.hub.box(dock.merchant))
    return said, len(better)


def asked(dock: Depot) -> int:
    return sum(call[0] == "check" for call in dock.post.calls)


def test_nobody_is_asked_where_the_merchant_does_not_want_it(dock):
    dock.sell(A=1)

    assert (asked(dock), verdict(dock)) == (0, ("", 0))


def test_an_address_that_is_doubted_is_shown_and_gets_its_label_where_that_is_the_rule(dock):
    rule(dock, "warn")
    dock.post.streets[STREET] = ELSEWHERE
    dock.sell(A=1)
    assert (verdict(dock), dock.shipments()) == (("corrected", 1), [("S1", "released", None)])

    dock.label()

    assert dock.state() == "labelled"


def test_an_address_that_is_doubted_gets_no_label_before_somebody_decides(dock):
    rule(dock, "hold")
    dock.post.streets[STREET] = Checked(Verdict.UNKNOWN)
    dock.sell(A=1)
    assert dock.shipments() == [("S1", "released", "address")]
    with dock.house.hub.database.read() as db:
        assert attention.counts(db, dock.merchant, dock.house.hub.now) == {"unlabelled": 1}
    with pytest.raises(NotThen):
        dock.want()

    checking.keep(dock.house.hub, dock.merchant, dock.id(), ANN)
    dock.label()

    assert dock.state() == "labelled"


def test_what_somebody_called_right_is_asked_about_again_on_their_word(dock):
    rule(dock, "hold")
    dock.post.streets[STREET] = Checked(Verdict.UNKNOWN)
    dock.sell(A=1)
    checking.keep(dock.house.hub, dock.merchant, dock.id(), ANN)
    dock.post.streets.clear()

    checking.again(dock.house.hub, dock.merchant, dock.id(), ANN)
    dock.house.drain()

    assert (verdict(dock), dock.shipments()) == (("good", 0), [("S1", "released", None)])


def test_the_carriers_spelling_becomes_ours_and_the_channels_stays_beside_it(dock):
    rule(dock, "hold")
    dock.post.streets[STREET] = ELSEWHERE
    dock.sell(A=1)
    order = str(rows.one(dock.house.hub, "select id from orders"))

    checking.use(dock.house.hub, dock.merchant, dock.id(), 0, ANN)
    dock.house.drain()
    dock.release()

    with dock.house.hub.database.read() as db:
        looked = addressing.look(dock.house.hub, db, dock.merchant, order)
    assert looked and looked.ours and (looked.ours.name, looked.ours.street1) == ("Nadia Osei", "7 JUNIPER STREET")
    assert looked.theirs and looked.theirs.street1 == STREET
    assert dock.shipments()[-1][1:] == ("released", None) and verdict(dock, dock.shipments()[-1][0])[0] == "good"


def test_an_address_that_was_called_right_stays_so_when_its_shipment_is_made_anew(dock):
    rule(dock, "hold")
    dock.post.streets[STREET] = Checked(Verdict.UNKNOWN)
    dock.sell(A=1)
    checking.keep(dock.house.hub, dock.merchant, dock.id(), ANN)
    from core.flows import packing

    packing.take_apart(dock.house.hub, dock.merchant, dock.id(), ANN)
    dock.release()

    assert [state for _, state, _ in dock.shipments()] == ["cancelled", "released"]
    assert verdict(dock, "S2") == ("kept", 0)


def test_a_carrier_that_is_broken_stops_nothing(dock):
    rule(dock, "hold")
    dock.post.next("check", Unavailable("away"))
    dock.sell(A=1)

    assert (verdict(dock), dock.shipments()) == (("unchecked", 0), [("S1", "released", None)])


def test_a_carrier_that_knows_us_no_more_stops_nothing_and_is_shown(dock):
    rule(dock, "hold")
    dock.post.next("check", AccessLost("revoked"))
    dock.sell(A=1)

    assert (verdict(dock), dock.shipments()) == (("unchecked", 0), [("S1", "released", None)])
    assert rows.rows(dock.house.hub, f"select state, reason from connections where id = '{dock.carrier.id}'") == [
        ("needs_login", "revoked")
    ]
    with dock.house.hub.database.write() as db:
        run(db, "update connections set state = 'paused', reason = null where id = :id", id=dock.carrier.id)
        connections.lose_access(db, dock.carrier.id, dock.carrier.login, "late")
    assert rows.one(dock.house.hub, f"select state from connections where id = '{dock.carrier.id}'") == "paused"


def test_a_spelling_that_nobody_told_is_refused(dock):
    rule(dock, "hold")
    dock.sell(A=1)

    with pytest.raises(Refused):
        checking.use(dock.house.hub, dock.merchant, dock.id(), 0, ANN)


def test_what_holding_would_do_is_told_and_changes_nothing(dock):
    dock.post.streets[STREET] = ELSEWHERE
    for _ in range(2):
        dock.sell(A=1)
    dock.label("S2")

    found = checking.trial(dock.house.hub, dock.merchant, 10)

    assert found == checking.Trial(1, [("S1", Verdict.CORRECTED)], [], left=False)
    assert checking.trial(dock.house.hub, dock.merchant, 1) == found
    assert (dock.shipments()[0], verdict(dock)) == (("S1", "released", None), ("", 0))


def test_what_nobody_can_check_or_was_called_right_would_not_be_held(dock):
    rule(dock, "warn")
    dock.post.streets[STREET] = Checked(Verdict.UNKNOWN)
    dock.sell(A=1)
    checking.keep(dock.house.hub, dock.merchant, dock.id(), ANN)
    assert checking.trial(dock.house.hub, dock.merchant, 10) == checking.Trial(1, [], [], left=False)

    dock.sell(A=1)
    dock.post.next("check", Unavailable("away"))
    assert checking.trial(dock.house.hub, dock.merchant, 10) == checking.Trial(2, [], ["S2"], left=False)
    assert checking.trial(dock.house.hub, dock.merchant, 1).left


def test_a_rule_counts_for_what_waits_already_and_another_lets_it_go(dock):
    dock.post.streets[STREET] = Checked(Verdict.UNKNOWN)
    dock.sell(A=1)
    seen = []
    for said in ("hold", "warn", "hold", "off"):
        sites.set_check(dock.house.hub, dock.merchant, ANN, said)
        dock.house.drain()
        seen.append(dock.shipments()[0][2])

    assert seen == ["address", None, "address", None]
