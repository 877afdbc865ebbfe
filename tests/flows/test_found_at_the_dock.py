"""Failures of sending that the simulated dock found (tests/simulation/dock.py), each told once more as it was met."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from connectors.bogus.carrier import manifest
from core import jobs
from core.errors import OutcomeUnknown
from core.flows import labelling, packing, sending
from core.flows.labelling import NotThen
from core.flows.sending import Typed
from core.store import shipment_list
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.depot import ANN, Depot, depot

MANY = 100  # sets of tasks


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10, B=10)
    return depot(house)


def test_an_order_with_fewer_units_whose_buyer_wishes_to_cancel_keeps_no_worker_busy_for_ever(dock: Depot) -> None:
    """Releasing asked to have it looked at, and who looked asked to release: the wish came before what is final."""
    number = dock.sell(A=3)
    dock.house.bogus.ask_to_cancel(number)
    acts.edit(dock.house.bogus, number, "1", 2)
    for connection in dock.house.connections.values():
        dock.house.ask("poll_orders", connection=connection)
    sets = count()
    for queue in ("outside", "inside"):
        jobs.drain(dock.house.hub, queue, stop=lambda: next(sets) > MANY)

    assert next(sets) < MANY
    assert dock.shipments() == [("S1", "cancelled", None)]

    dock.house.bogus.change(number, cancel_requested=False)
    dock.poll()
    assert [(name, state) for name, state, _ in dock.shipments()] == [("S1", "cancelled"), ("S2", "released")]


def test_while_a_label_is_still_being_bought_nobody_says_that_it_was_not(dock: Depot) -> None:
    """It was said between two tries: the label came all the same, belonged to nothing, and another one could be bought."""
    dock.sell(A=1)
    dock.post.next("buy", OutcomeUnknown("lost"))
    key = dock.want()
    dock.house.work()

    with pytest.raises(NotThen, match="still being bought"):
        labelling.checked(dock.house.hub, dock.merchant, key, ANN)

    dock.house.work(timedelta(seconds=30))
    assert [name for name, *_ in dock.shipments()] == ["S1"]
    assert dock.state() == "labelled"
    assert len(dock.post.live()) == 1


def test_whoever_looked_says_so_of_a_shipment_that_is_being_taken_apart_too(dock: Depot) -> None:
    """The page offered it only where nothing else was said of the shipment: it waited for ever."""
    dock.post.forgets = True
    dock.sell(A=1)
    dock.post.next("buy", OutcomeUnknown("lost"))
    key = dock.want()
    dock.house.work(timedelta(seconds=30))
    packing.take_apart(dock.house.hub, dock.merchant, dock.id(), ANN)
    assert dock.shipments() == [("S1", "released", "taking_apart")]

    with dock.house.hub.database.read() as db:
        [bought] = shipment_list.purchases(db, dock.merchant, dock.id())
    assert bought.is_left, "by which the page offers it"
    labelling.checked(dock.house.hub, dock.merchant, key, ANN)
    dock.release()

    assert [state for _, state, _ in dock.shipments()] == ["cancelled", "released"]


def test_what_was_typed_is_not_corrected_while_the_channel_may_know_it(dock: Depot) -> None:
    """The answer was lost: with another number the channel did not know the parcel, and was told of it twice."""
    number = dock.sell(A=2)
    dock.house.bogus.next("confirm", OutcomeUnknown("lost"), after_the_work=True)
    sending.send(dock.house.hub, dock.merchant, [dock.id()], ANN, Typed("Bike", "B1"))
    dock.house.work()
    parcel = books.one(dock.house.hub, "select id from parcels")

    with pytest.raises(NotThen, match="being told"):
        sending.correct(dock.house.hub, dock.merchant, parcel, Typed("Bike", "B2"), ANN)

    dock.house.work(timedelta(seconds=30))
    assert [one["tracking"] for one in dock.house.bogus.shipments(number)] == [["B1"]]


def test_what_a_carrier_sells_late_and_knows_late_is_not_bought_again(dock: Depot) -> None:
    """Its time was counted from the moment before it was asked: the call took five seconds, and the first look came five seconds early."""
    dock.post.known_after_s = 20.0
    dock.house.hub.connectors = {**dock.house.hub.connectors, "bogus_post": manifest(dock.post)}
    plain = dock.post.call

    @contextmanager
    def slow(method: str, what: Any = None) -> Iterator[None]:
        dock.house.clock.pass_(timedelta(seconds=5 if method == "buy" else 0))
        with plain(method, what):
            yield

    dock.post.call = slow  # type: ignore[method-assign]
    dock.sell(A=1)
    dock.post.next("buy", OutcomeUnknown("lost"), after_the_work=True)
    key = dock.want()
    dock.house.work()
    dock.house.clock.pass_(timedelta(seconds=17))
    dock.house.work(timedelta(minutes=2))
    dock.house.ask("buy_labels", key, dock.carrier)
    dock.house.work(timedelta(minutes=2))

    assert len(dock.post.purchases) == 1
    assert dock.state() == "labelled"
