"""Labels that a channel sells for its own orders, and of which it tells its buyers by itself."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from connectors.bogus.carrier import BogusPost, OwnCarrier
from core.domain.shipments import Rules, State
from core.domain.shipping import LabelFormat
from core.errors import OutcomeUnknown, Refused
from core.flows import allocation, labelling, rating, sites
from core.ports import CarrierLimits
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, BUYER, Depot, depot
from tests.flows.marks import on_sqlite
from tests.web.rooms import person


@dataclass
class Own(Depot):
    """A depot whose channel sells labels too, by its `riders`, and demands them for Prime."""

    riders: BogusPost


@pytest.fixture
def dock(house: House) -> Own:
    house.shelve(A=10, B=10)
    plain, riders = depot(house), BogusPost(clock=house.clock, dearer=3)
    limits = CarrierLimits(boxes=5, numbers=20, lookup_s=0.0, formats=(LabelFormat.ZPL,))
    house.hub.connectors["bogus"] = replace(
        house.hub.connectors["bogus"], carrier=lambda kit: OwnCarrier(riders, kit, house.bogus), carries=limits,
        demands=frozenset(["PRIME"]),
    )  # fmt: skip
    return Own(plain.house, plain.post, plain.carrier, riders)


def sell(dock: Own, *programs: str, **units: int) -> str:
    number = str(dock.house.bogus.sell(units, ship_to=BUYER, programs=list(programs))["id"])
    dock.poll()
    return number


def buy(dock: Own, name: str = "S1") -> str:
    dock.weigh(name)
    return labelling.want(dock.house.hub, dock.merchant, dock.id(name), dock.house.connection.id, "slow", ANN)


def settle(dock: Own) -> None:
    for _ in range(3):
        dock.house.clock.pass_(timedelta(minutes=10))
        dock.house.poll()
        dock.house.drain()


def test_a_label_of_the_channel_is_bought_as_it_was_offered_and_named_by_who_carries_it(dock: Own) -> None:
    sell(dock, "PRIME", A=2)
    buy(dock)
    dock.house.drain()

    [made] = dock.riders.live()
    assert dict(made.wish.boxes[0].units) == {"1": 2} and made.wish.order == "1001"
    assert books.rows(dock.house.hub, "select tracking, carrier_name from parcels") == [(made.bought.master, "Bogus Riders")]


def test_what_the_channel_shows_as_sent_leaves_by_itself_and_is_told_once(dock: Own) -> None:
    number = sell(dock, "PRIME", A=2)
    buy(dock)
    dock.house.drain()

    settle(dock)

    assert dock.state() is State.SENT and len(dock.riders.live()) == 1
    assert books.level(dock.house.hub, "A") == (8, 0)
    assert [one["tracking"] for one in dock.house.bogus.shipments(number)] == [[dock.riders.live()[0].bought.master]]
    assert Counter(what for what, _ in dock.house.bogus.calls)["confirm"] == 0
    assert books.rows(dock.house.hub, "select told_as from parcels") == [(f"own-{dock.riders.live()[0].bought.master}",)]


def test_what_left_by_itself_stops_nothing_else_of_its_order(dock: Own) -> None:
    sites.set_rules(dock.house.hub, dock.merchant, ANN, Rules(part=True))
    sell(dock, A=2, C=1)
    dock.house.shelve(C=1)
    with dock.house.hub.unit() as work:
        allocation.ask_waiting(work, dock.merchant)
    dock.house.drain()
    dock.release()
    buy(dock)
    dock.house.drain()

    settle(dock)

    assert [(name, state) for name, state, _ in dock.shipments()] == [("S1", "sent"), ("S2", "released")]
    assert dock.riders.purchases[0].voided is False


def test_handed_over_before_the_channel_shows_it_waits_for_the_channel_and_is_never_told_by_us(dock: Own) -> None:
    number = sell(dock, "PRIME", A=1)
    buy(dock)
    dock.house.drain()
    shown = dock.house.bogus.orders[number]
    dock.house.bogus.change(number, shipped=[])

    assert dock.send() == {}
    assert Counter(what for what, _ in dock.house.bogus.calls)["confirm"] == 0

    dock.house.bogus.change(number, shipped=shown["shipped"])
    settle(dock)
    assert Counter(what for what, _ in dock.house.bogus.calls)["confirm"] == 0
    assert books.one(dock.house.hub, "select told_at is not null from parcels") in (1, True)


def test_an_order_of_a_program_that_demands_it_gets_no_other_label(dock: Own) -> None:
    sell(dock, "PRIME", A=1)
    dock.weigh()

    with pytest.raises(Refused) as refused:
        labelling.want(dock.house.hub, dock.merchant, dock.id(), dock.carrier.id, "slow", ANN)

    assert str(refused.value) == labelling.NOT_ITS
    assert rating.ask(dock.house.hub, dock.merchant, [dock.id()], ANN, buy=True) == 1
    dock.house.drain()
    assert len(dock.riders.live()) == 1 and dock.post.live() == []


def test_any_other_order_takes_the_cheapest_of_all(dock: Own) -> None:
    sell(dock, A=1)
    dock.weigh()

    assert rating.ask(dock.house.hub, dock.merchant, [dock.id()], ANN, buy=True) == 2
    dock.house.drain()

    assert (len(dock.riders.live()), len(dock.post.live())) == (0, 1)


def test_nobody_else_sells_labels(dock: Own, house: House) -> None:
    sell(dock, A=1)
    dock.weigh()

    with pytest.raises(Refused):
        labelling.want(house.hub, dock.merchant, dock.id(), "elsewhere", "slow", ANN)


@pytest.mark.parametrize("lost", ["prepare", "buy"])
def test_a_purchase_whose_answer_is_lost_is_repeated_word_for_word(dock: Own, lost: str) -> None:
    sell(dock, "PRIME", A=1)
    dock.riders.next(lost, OutcomeUnknown("lost"), after_the_work=True)
    buy(dock)
    dock.house.drain()
    dock.house.work(timedelta(minutes=5))
    settle(dock)

    assert len(dock.riders.purchases) == 1
    assert dock.state() is State.SENT


@on_sqlite
def test_whoever_looks_at_such_an_order_is_offered_its_channels_labels_alone(dock: Own) -> None:
    ana = person(dock.house.hub, dock.merchant)
    sell(dock, "PRIME", A=1)
    dock.weigh()
    for page in ("/shipments/S1", "/bench?at=S1&done=A"):
        text = ana.get(page)
        assert "Bogus Slow" not in text and ('value="best/"' in text or "/bench" in page)

    ana.post("/shipments/S1/buy", service="best/")
    dock.house.drain()

    assert len(dock.riders.live()) == 1 and dock.post.live() == []
