"""What leaves from elsewhere than its channel assigned it to: the assignment is moved first, once, whatever is lost on the way."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core.domain.routing import Never, Rules
from core.domain.shipments import State
from core.errors import OutcomeUnknown, Refused, Unavailable
from core.flows import labelling, moving, packing, places
from core.ports import Place
from core.store import connections, shipment_list, stock
from core.store.sql import run
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, BUYER, MINUTES, Depot, depot
from tests.flows.marks import on_sqlite
from tests.flows.test_routing import NEAR_WEST, WEST, count, rule, sent_from

MOVES = replace(NEAR_WEST, move=True)


@pytest.fixture
def dock(house: House) -> Depot:
    """A channel with two places, each of which stands for a location of ours that sends; West is nearer to the buyer."""
    with house.hub.unit() as work:
        stock.add_location(work.db, house.merchant.id, WEST, "West", rank=1)
    house.bogus.places = [Place("P1", "Shop"), Place("P2", "Store room")]
    for place in ("P1", "P2"):
        for sku in ("A", "B"):
            house.bogus.offer(sku, 10, at=place)
    dock = depot(house)
    with house.hub.unit() as work:
        run(work.db, "update locations set ships = true, address = (select address from locations where id = :id)", id=house.place)
    for place in (house.place, WEST):
        count(dock, place, A=10, B=10)
    house.ask("read_listings")
    house.drain()
    for place, ours in (("P1", house.place), ("P2", WEST)):
        places.map_place(house.hub, house.connection, place, [ours])
    house.drain()
    rule(dock, MOVES)
    return dock


def sell(dock: Depot, routing: dict[str, dict[str, int]], **units: int) -> str:
    """An order of which the channel says which place sends what; taken and released, nothing asked of the channel yet."""
    number = str(dock.house.bogus.sell(units, at="P1", ship_to=BUYER)["id"])
    dock.house.bogus.route(number, **routing)
    dock.house.clock.pass_(MINUTES)
    dock.house.poll()
    dock.release()
    return number


def assigned(dock: Depot, number: str) -> dict[str, dict[str, int]]:
    return {one["place"]: {line: n for line, n in one["lines"].items() if n} for one in dock.house.bogus.orders[number]["routing"]}


def calls(dock: Depot) -> list[Any]:
    return [what for method, what in dock.house.bogus.calls if method == "route"]


def rest(dock: Depot) -> None:
    for _ in range(4):
        dock.house.clock.pass_(timedelta(seconds=40))
        dock.house.drain()


def test_a_look_from_where_it_will_be_sent_holds_no_stock_back(dock: Depot) -> None:
    """The order itself is here: listings are raised while its channel has not said that yet."""
    number = str(dock.house.bogus.sell({"A": 1}, at="P1", ship_to=BUYER)["id"])
    dock.house.clock.pass_(MINUTES)
    dock.house.poll()
    looks = books.rows(dock.house.hub, "select subject, due_at - asked_at from tasks where kind = 'look_again' and state = 'due'")
    dock.house.clock.pass_(timedelta(seconds=20))
    dock.house.poll()

    with dock.house.hub.database.read() as db:
        read, all_taken = connections.read_to(db, dock.merchant, dock.house.connection.id)
        assert all_taken and connections.has_read(db, dock.merchant, read)
    assert looks == [(f"{dock.house.connection.id}/{number}", 60_000_000)]

    dock.house.bogus.route(number, P1={"1": 1})
    dock.house.drain(timedelta(seconds=60))
    assert "P1" in str(books.one(dock.house.hub, "select doc from orders"))


def test_the_channels_assignment_is_moved_before_anything_is_bought_and_it_is_told_from_there(dock: Depot) -> None:
    number = sell(dock, {"P1": {"1": 2}}, A=2)
    rest(dock)

    assert sent_from(dock) == [("West", 2)]
    assert (assigned(dock, number), len(calls(dock))) == ({"P2": {"1": 2}}, 1)
    assert dock.shipments() == [("S1", "released", None)]
    dock.label()
    assert dock.send() == {}
    rest(dock)
    [parcel] = dock.house.bogus.shipments(number)
    assert parcel["place"] == "P2"
    kinds = [kind for (kind,) in books.rows(dock.house.hub, "select kind from events order by id")]
    assert kinds.index("AssignmentMoved") < kinds.index("ShipmentSent")
    assert books.rows(dock.house.hub, "select state from tasks where state = 'parked'") == []
    books.balance(dock.house.hub)


@on_sqlite
def test_without_the_rule_it_leaves_from_where_the_channel_assigned_it(dock: Depot) -> None:
    rule(dock, NEAR_WEST)
    sell(dock, {"P1": {"1": 2}}, A=2)

    assert (sent_from(dock), calls(dock)) == ([("Main", 2)], [])


@on_sqlite
def test_nothing_is_bought_or_sent_until_it_is_moved(dock: Depot) -> None:
    dock.house.bogus.next("route", Unavailable("silent"))
    sell(dock, {"P1": {"1": 2}}, A=2)

    assert dock.shipments() == [("S1", "released", "moving")]
    with pytest.raises(labelling.NotThen, match="its channel is being told"):
        dock.want()
    rest(dock)
    rest(dock)
    assert dock.shipments() == [("S1", "released", None)]


@on_sqlite
@pytest.mark.parametrize("after_the_work", [True, False])
def test_a_move_whose_answer_is_lost_is_looked_up_and_made_once(dock: Depot, after_the_work: bool) -> None:
    dock.house.bogus.next("route", OutcomeUnknown("lost"), after_the_work)
    number = sell(dock, {"P1": {"1": 2}}, A=2)
    for _ in range(3):
        rest(dock)

    assert (assigned(dock, number), len(calls(dock))) == ({"P2": {"1": 2}}, 1 if after_the_work else 2)
    assert dock.shipments() == [("S1", "released", None)]


@on_sqlite
def test_of_an_order_that_leaves_from_two_places_only_what_leaves_elsewhere_is_moved(dock: Depot) -> None:
    rule(dock, replace(MOVES, never=(Never(dock.house.place, "A"),)))
    count(dock, WEST, A=10, B=0)
    number = sell(dock, {"P1": {"1": 2, "2": 1}}, A=2, B=1)
    rest(dock)

    assert sorted(sent_from(dock)) == [("Main", 1), ("West", 2)]
    assert (assigned(dock, number), len(calls(dock))) == ({"P1": {"2": 1}, "P2": {"1": 2}}, 1)


@on_sqlite
def test_some_units_of_one_line_move_and_the_others_stay(dock: Depot) -> None:
    rule(dock, Rules(move=True))
    count(dock, dock.house.place, A=1)
    number = sell(dock, {"P2": {"1": 3}}, A=3)
    rest(dock)

    assert sorted(sent_from(dock)) == [("Main", 1), ("West", 2)]
    assert assigned(dock, number) == {"P1": {"1": 1}, "P2": {"1": 2}}
    for name in ("S1", "S2"):
        dock.label(name)
    assert dock.send("S1", "S2") == {}
    rest(dock)
    told = [(one["place"], one["lines"]) for one in dock.house.bogus.shipments(number)]
    assert sorted(told) == [("P1", [{"line": "1", "quantity": 1}]), ("P2", [{"line": "1", "quantity": 2}])]


def refused(dock: Depot) -> str:
    """Its channel does not let it go. Gives the shipment's id."""
    dock.house.bogus.next("route", Refused("bogus refused", words="Store room does not stock it."))
    sell(dock, {"P1": {"1": 2}}, A=2)
    rest(dock)
    assert dock.shipments() == [("S1", "released", "not_moved")]
    return dock.id()


def test_what_the_channel_refuses_is_shown_in_its_words_and_asked_again(dock: Depot) -> None:
    id = refused(dock)
    with dock.house.hub.database.read() as db:
        row = shipment_list.one(db, dock.merchant, "S1")
    words = dock.house.hub.box(dock.merchant).open_text(f"shipments|words|{id}", row.problem_words).decode() if row else ""
    assert words == "Store room does not stock it."
    assert books.rows(dock.house.hub, "select kind, cause from tasks where state = 'parked'") == [("move_assignments", "Refused")]

    moving.again(dock.house.hub, dock.merchant, id, ANN)
    rest(dock)

    assert dock.shipments() == [("S1", "released", None)]
    assert books.rows(dock.house.hub, "select kind from tasks where state = 'parked'") == []


@on_sqlite
def test_somebody_sends_it_from_here_all_the_same(dock: Depot) -> None:
    moving.leave(dock.house.hub, dock.merchant, refused(dock), ANN)
    rest(dock)

    assert (dock.shipments(), len(calls(dock))) == ([("S1", "released", None)], 1)
    assert books.rows(dock.house.hub, "select kind from tasks where state = 'parked'") == []
    assert books.rows(dock.house.hub, "select act from audit where act like 'shipment.%'") == [("shipment.unmoved",)]
    dock.label()
    assert dock.send() == {}
    with pytest.raises(Refused):
        moving.leave(dock.house.hub, dock.merchant, dock.id(), ANN)


@on_sqlite
def test_one_that_is_taken_apart_meanwhile_is_moved_no_more_and_what_is_made_anew_is(dock: Depot) -> None:
    packing.take_apart(dock.house.hub, dock.merchant, refused(dock), ANN)
    moving_on = len(calls(dock))
    dock.house.ask("move_assignments", dock.id())
    dock.house.drain()
    assert (dock.state(), len(calls(dock)) - moving_on) == (State.CANCELLED, 1)

    rest(dock)
    assert dock.shipments() == [("S1", "cancelled", "person"), ("S2", "released", None)]
    assert books.rows(dock.house.hub, "select kind from tasks where state = 'parked'") == []


@on_sqlite
def test_a_channel_that_takes_it_and_does_nothing_is_shown(dock: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(dock.house.bogus), "move", lambda *_: {})
    sell(dock, {"P1": {"1": 2}}, A=2)
    rest(dock)

    assert dock.shipments() == [("S1", "released", "not_moved")]
