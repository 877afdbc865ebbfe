"""Around a parcel: several of one shipment, several orders in one, goods once more, and addresses that staff corrected."""

import pytest

from connectors.bogus.carrier import manifest
from core.errors import Refused
from core.flows import labelling, packing
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, Depot, depot
from tests.flows.marks import on_sqlite


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10, B=10)
    return depot(house)


def contents(dock: Depot) -> list[tuple[object, ...]]:
    return books.rows(dock.house.hub, "select number, contents, weight_g from parcels order by number")


# ---- several parcels of one shipment


def test_a_shipment_goes_in_two_parcels_bought_at_once_and_each_is_told_with_its_own_lines(dock: Depot) -> None:
    number = dock.sell(A=2, B=1)
    packing.split_scanned(dock.house.hub, dock.merchant, dock.id(), [{"A": 1}, {"A": 1, "B": 1}], ANN)
    for parcel, grams in ((1, 400), (2, 900)):
        packing.weigh(dock.house.hub, dock.merchant, dock.id(), grams, ANN, number=parcel)
        assert dock.state() == ("released" if parcel == 1 else "packed")

    labelling.want(dock.house.hub, dock.merchant, dock.id(), dock.carrier.id, "slow", ANN)
    dock.house.drain()
    dock.send()

    [bought] = dock.post.live()
    assert [(box.weight_g, box.value and box.value.minor) for box in bought.wish.boxes] == [(400, 1000), (900, 2000)]
    told = sorted(dock.house.bogus.shipments(number), key=lambda one: str(one["tracking"]))
    assert [(one["tracking"], [(part["line"], part["quantity"]) for part in one["lines"]]) for one in told] == [
        (["BP00000001"], [("1", 1)]), (["BP00000002"], [("1", 1), ("2", 1)]),
    ]  # fmt: skip
    assert books.level(dock.house.hub, "A") == (8, 0)


@on_sqlite
def test_another_parcel_takes_units_out_of_the_first_and_all_goes_back_into_one(dock: Depot) -> None:
    dock.sell(A=3)
    for _ in range(2):
        packing.move_on(dock.house.hub, dock.merchant, dock.id(), {"1": 1}, ANN)
    assert [row[:2] for row in contents(dock)] == [(1, '{"1":1}'), (2, '{"1":1}'), (3, '{"1":1}')]

    packing.join(dock.house.hub, dock.merchant, dock.id(), ANN)

    assert [row[:2] for row in contents(dock)] == [(1, '{"1":3}')]
    acts = books.rows(dock.house.hub, "select act from audit where act like 'shipment%'")
    assert acts == [("shipment.split",)] * 3


@on_sqlite
def test_a_carrier_of_single_parcels_says_so_before_anything_is_bought(dock: Depot) -> None:
    dock.post.boxes = 1
    dock.house.hub.connectors = {**dock.house.hub.connectors, "bogus_post": manifest(dock.post)}
    dock.sell(A=2)
    packing.move_on(dock.house.hub, dock.merchant, dock.id(), {"1": 1}, ANN)

    with pytest.raises(Refused, match="so many parcels at most: 1"):
        dock.want()

    assert dock.post.purchases == []


@on_sqlite
def test_what_has_a_label_stays_in_its_parcels(dock: Depot) -> None:
    dock.sell(A=2)
    dock.label()

    for act in (lambda: packing.join(dock.house.hub, dock.merchant, dock.id(), ANN),
                lambda: packing.move_on(dock.house.hub, dock.merchant, dock.id(), {"1": 1}, ANN),
                lambda: packing.set_apart(dock.house.hub, dock.merchant, dock.id(), [{"A": 1}], ANN)):  # fmt: skip
        with pytest.raises(labelling.NotThen):
            act()
    with pytest.raises(Refused):
        packing.weigh(dock.house.hub, dock.merchant, dock.id(), 100, ANN, number=2)
