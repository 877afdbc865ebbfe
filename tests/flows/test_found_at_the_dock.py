"""Failures of sending that the simulated dock found (tests/simulation/dock.py), each told once more as it was met."""

from itertools import count

import pytest

from core import jobs
from tests.conftest import House
from tests.flows import acts
from tests.flows.depot import Depot, depot

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
