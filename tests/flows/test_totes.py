"""Totes: one open shipment each, until that left or is cancelled."""

import pytest

from core.errors import Refused
from core.flows import packing, printing, totes
from core.flows.totes import Taken
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, Depot, depot
from tests.flows.marks import on_sqlite
from tests.papers.reading import text


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=20)
    found = depot(house)
    for _ in range(2):
        found.sell(A=1)
    return found


def bind(dock: Depot, tote: str, name: str) -> str:
    return totes.bind(dock.house.hub, dock.merchant, tote, dock.id(name), ANN)


def held(dock: Depot) -> list[tuple[object, ...]]:
    return books.rows(dock.house.hub, "select name, tote from shipments where tote is not null order by name")


def test_a_tote_holds_one_shipment_until_it_left(dock: Depot) -> None:
    assert bind(dock, "t-1", "S1") == bind(dock, "T-1", "S1") == "T-1"
    with pytest.raises(Taken) as taken:
        bind(dock, "T-1", "S2")
    assert taken.value.by == "S1"

    dock.label()
    dock.send()
    assert held(dock) == [] and bind(dock, "T-1", "S2") == "T-1"


def test_a_tote_is_free_once_its_shipment_is_cancelled(dock: Depot) -> None:
    bind(dock, "T-1", "S1")
    packing.take_apart(dock.house.hub, dock.merchant, dock.id(), ANN)

    assert held(dock) == []


@on_sqlite
def test_goods_go_into_another_tote_and_the_first_is_free(dock: Depot) -> None:
    bind(dock, "T-1", "S1")
    bind(dock, "T-2", "S1")
    assert held(dock) == [("S1", "T-2")]

    assert totes.free(dock.house.hub, dock.merchant, "t-2", ANN) == "S1"
    with pytest.raises(Refused, match="empty"):
        totes.free(dock.house.hub, dock.merchant, "T-2", ANN)


@on_sqlite
def test_what_left_or_is_called_as_a_slip_is_not_bound(dock: Depot) -> None:
    dock.label()
    dock.send()
    for tote, name in (("T-1", "S1"), ("S9", "S2")):
        with pytest.raises(Refused):
            bind(dock, tote, name)


@on_sqlite
def test_a_pick_list_says_into_which_tote_each_unit_goes(dock: Depot) -> None:
    bind(dock, "T-7", "S1")
    said = text(printing.pick_list(dock.house.hub, dock.merchant, [dock.id("S1"), dock.id("S2")]))

    assert "1 → T-7" in said and "1 → S2" in said and "Tote T-7" in said
