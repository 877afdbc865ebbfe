"""Failures of fulfillment that users of other order systems reported, by number and in the words in which they were reported."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from config.bench.street import Street
from connectors.bogus.channel import a_line
from connectors.simulation import Fault
from core.domain.acts import Act
from core.domain.routing import Never
from core.domain.routing import Rules as Routing
from core.domain.shipments import Rules, State
from core.domain.shipping import Progress
from core.errors import OutcomeUnknown, Refused
from core.flows import allocation, desk, labelling, packing, places, sending, sites
from core.flows.desk import Wish
from core.flows.sending import Typed
from core.ports import Place
from core.store import routings, stock
from core.store.sql import run
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.depot import ANN, BUYER, Depot, depot
from tests.flows.marks import on_sqlite


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10, B=10)
    return depot(house)


# ---- 14: edited order ignored or overwrites local work


@pytest.mark.parametrize("edited", ["fewer", "address"])
def test_14_an_edit_after_the_label_stops_the_shipment_gives_the_label_back_and_makes_it_anew(dock: Depot, edited: str) -> None:
    number = dock.sell(A=3)
    dock.label()
    if edited == "fewer":
        acts.edit(dock.house.bogus, number, "1", 2)
    else:
        dock.house.bogus.change(number, ship_to={**BUYER, "street1": "9 Cedar Street"})
    dock.house.clock.pass_(timedelta(minutes=5))
    dock.house.poll()

    assert [(name, state) for name, state, _ in dock.shipments()] == [("S1", "cancelled"), ("S2", "released")]
    assert [one.voided for one in dock.post.purchases] == [True]
    assert list(dock.send().values()) == ["it is cancelled"]

    dock.label("S2")
    assert dock.send("S2") == {}
    [sold] = dock.post.live()
    assert sold.wish.to.street1 == ("77 Juniper Street" if edited == "fewer" else "9 Cedar Street")
    assert books.level(dock.house.hub, "A") == ((8, 0) if edited == "fewer" else (7, 0))
    kinds = [kind for (kind,) in books.rows(dock.house.hub, "select kind from events order by id")]
    assert [kind for kind in kinds if kind in ("LabelVoided", "ShipmentCancelled", "ShipmentSent")] == [
        "LabelVoided", "ShipmentCancelled", "ShipmentSent",
    ]  # fmt: skip


@on_sqlite
def test_14_an_edit_of_what_has_a_label_leaves_the_rest_of_its_order_alone_however_long_the_carrier_takes(dock: Depot) -> None:
    """A label that is not taken back must not have the other shipments made and cancelled without end."""
    sites.set_rules(dock.house.hub, dock.merchant, ANN, Rules(part=True))
    number = dock.sell(A=2, C=1)
    dock.label()
    dock.house.shelve(C=1)
    with dock.house.hub.unit() as work:
        allocation.ask_waiting(work, dock.merchant)
    dock.house.drain()
    dock.release()
    dock.post.scan(dock.post.purchases[0].bought.master, Progress.PICKED_UP)
    acts.edit(dock.house.bogus, number, "1", 1)

    dock.poll()
    dock.release()

    assert dock.shipments() == [("S1", "labelled", "not_voided"), ("S2", "released", None)]
    assert books.one(dock.house.hub, "select count(*) from events where kind = 'ShipmentMade'") == 2


@on_sqlite
def test_14_an_edit_that_comes_while_the_label_is_bought_is_not_lost(dock: Depot) -> None:
    number = dock.sell(A=3)
    dock.post.next("buy", OutcomeUnknown("lost"), after_the_work=True)
    dock.want()
    acts.edit(dock.house.bogus, number, "1", 1)

    dock.poll()
    dock.house.work(timedelta(minutes=2))
    dock.release()

    assert [(name, state) for name, state, _ in dock.shipments()] == [("S1", "cancelled"), ("S2", "released")]
    assert dock.post.live() == []


@on_sqlite
def test_14_a_hold_of_ours_survives_what_the_channel_changes(dock: Depot) -> None:
    number = dock.sell(A=1)
    dock.label()
    order = str(books.one(dock.house.hub, "select id from orders"))
    desk.act(dock.house.hub, dock.merchant, ANN, Wish("a1", Act.HOLD, [order], "address", ""))

    dock.house.bogus.change(number, note="ring twice")
    dock.poll()

    assert list(dock.send().values()) == ["it stops: held"]
    assert len(dock.post.live()) == 1


# ---- a parcel without a tracking number, told twice after a lost answer


@pytest.mark.parametrize("after_the_work", [True, False])
@on_sqlite
def test_a_parcel_typed_without_a_tracking_number_is_told_once_whatever_answer_is_lost(dock: Depot, after_the_work: bool) -> None:
    """Nothing tells two such parcels apart but that the channel knows one of them already."""
    number = dock.sell(A=3)
    loads = [{"1": 1}, {"1": 1}, {"1": 1}]
    packing.split(dock.house.hub, dock.merchant, dock.id(), loads, ANN)
    for _ in range(2):
        dock.house.bogus.next("confirm", OutcomeUnknown("lost"), after_the_work)

    sending.send(dock.house.hub, dock.merchant, [dock.id()], ANN, Typed("Harbor Bikes"))
    dock.house.drain(timedelta(minutes=1))

    shipped = dock.house.bogus.orders[number]["shipped"]
    assert [one["lines"] for one in shipped] == [[{"line": "1", "quantity": 1}]] * 3
    told = [told for (told,) in books.rows(dock.house.hub, "select told_as from parcels")]
    assert sorted(told) == sorted(one["id"] for one in shipped)


# ---- 15: partial or split fulfillment wrong: quantities, several locations in one call


def two_places(house: House) -> str:
    """The channel knows two places of ours, each with three of A. Gives the second's id."""
    east = house.hub.ids()
    house.bogus.places = [Place("P1", "Main"), Place("P2", "East")]
    for place in ("P1", "P2"):
        house.bogus.offer("A", 3, at=place)
    with house.hub.unit() as work:
        stock.add_location(work.db, house.merchant.id, east, "East")
        rows = [{"sku": "A", "title": "A", "location": place, "on_hand": 3} for place in (house.place, east)]
        stock.count(work.db, house.merchant.id, rows, work.now)
        run(work.db, "update locations set address = (select address from locations where id = :known), ships = true where id = :id",
            known=house.place, id=east)  # fmt: skip
    house.ask("read_listings")
    house.drain()
    for place, ours in (("P1", house.place), ("P2", east)):
        places.map_place(house.hub, house.connection, place, [ours], ANN)
    house.drain()
    return east


def sold_twice_over(dock: Depot) -> str:
    """An order with the same SKU on two lines, three units each, of which two and one are to leave each place."""
    lines = [a_line(name, "L-A", "A", 3, "USD") for name in ("1", "2")]
    number = str(dock.house.bogus.sell({"A": 6}, at="P1", ship_to=BUYER, lines=lines)["id"])
    dock.house.bogus.route(number, P1={"1": 2, "2": 1}, P2={"1": 1, "2": 2})
    dock.poll()
    return number


def test_15_of_two_locations_with_two_parcels_each_and_a_repeated_sku_each_unit_is_sent_once(house: House) -> None:
    dock = depot(house)
    two_places(house)
    number = sold_twice_over(dock)
    assert [state for _, state, _ in dock.shipments()] == ["released", "released"]
    inside = {name: Counter[str]() for name in ("S1", "S2")}
    for name, line, units in books.rows(
        house.hub, "select s.name, n.line, n.units from shipment_lines n join shipments s on s.id = n.shipment"
    ):
        inside[name][line] += units

    for name, units in inside.items():
        first = next(line for line, count in units.items() if count == 2)
        packing.split(house.hub, dock.merchant, dock.id(name), [{first: 1}, dict(units - Counter({first: 1}))], ANN)
        dock.label(name)
    assert dock.send("S1", "S2") == {}

    parcels = house.bogus.shipments(number)
    assert len({one["tracking"][0] for one in parcels}) == len(parcels) == 4
    assert Counter(one["place"] for one in parcels) == {"P1": 2, "P2": 2}
    told = sum((Counter({part["line"]: part["quantity"]}) for one in parcels for part in one["lines"]), Counter[str]())
    assert told == {"1": 3, "2": 3}
    assert books.level(house.hub, "A") == (0, 0)

    dock.poll()
    assert books.rows(house.hub, "select line, gone, booked_gone, sent from order_lines order by line") == [("1", 3, 3, 3), ("2", 3, 3, 3)]


@on_sqlite
@pytest.mark.parametrize("contents", [[{"1": 1}], [{"1": 2}, {"1": 1}], [{"1": 2}, {}], [{"1": 3}, {"1": -1}], [{"2": 2}]])
def test_15_parcels_that_do_not_hold_each_unit_once_are_refused(dock: Depot, contents: list[dict[str, int]]) -> None:
    dock.sell(A=2)

    with pytest.raises(Refused):
        packing.split(dock.house.hub, dock.merchant, dock.id(), contents, ANN)

    assert books.rows(dock.house.hub, "select number, contents from parcels") == [(1, None)]


@on_sqlite
def test_15_what_has_a_label_is_not_split_any_more_and_what_was_split_can_be_split_again(dock: Depot) -> None:
    dock.sell(A=3)
    packing.split(dock.house.hub, dock.merchant, dock.id(), [{"1": 1}, {"1": 1}, {"1": 1}], ANN)
    packing.split(dock.house.hub, dock.merchant, dock.id(), [{"1": 2}, {"1": 1}], ANN)
    assert books.rows(dock.house.hub, "select number, contents from parcels order by number") == [(1, '{"1":2}'), (2, '{"1":1}')]

    dock.label()
    with pytest.raises(labelling.NotThen):
        packing.split(dock.house.hub, dock.merchant, dock.id(), [{"1": 3}], ANN)


# ---- 17: second paid label on timeout, retry or double click


@on_sqlite
def test_17_a_carrier_that_answers_after_our_timeout_sells_one_label_that_is_adopted_by_its_reference(dock: Depot) -> None:
    dock.sell(A=1)
    dock.post.next("buy", OutcomeUnknown("it answered when nobody waited any more"), after_the_work=True)
    dock.label()
    with pytest.raises(labelling.NotThen):  # somebody clicks again meanwhile
        dock.want()

    dock.house.work(timedelta(minutes=1))

    [sold] = dock.post.purchases
    assert dock.state() is State.LABELLED
    assert books.rows(dock.house.hub, "select tracking from parcels") == [(sold.bought.master,)]


@on_sqlite
def test_17_where_the_carrier_cannot_be_asked_it_is_held_as_unknown_and_nothing_is_bought(dock: Depot) -> None:
    dock.sell(A=1)
    dock.post.forgets = True
    dock.post.next("buy", OutcomeUnknown("lost"), after_the_work=True)
    dock.want()

    dock.house.work(timedelta(minutes=1))
    dock.house.clock.pass_(timedelta(hours=8))
    dock.house.drain()

    assert len(dock.post.purchases) == 1
    assert dock.shipments() == [("S1", "released", "unknown")]
    assert books.rows(dock.house.hub, "select state from tasks where kind = 'buy_labels'") == [("parked",)]
    assert list(dock.send().values()) == ["it has no label yet"]


# ---- Amazon rejects shipment confirmation: carrier or tracking mismatch; Shopify guesses the tracking URL for an unknown carrier


@pytest.fixture
def make_street(tmp_path: Path) -> Iterator[Callable[[str], Street]]:
    made: list[Street] = []

    def make(name: str) -> Street:
        street = Street(tmp_path, [name], carriers=["ups"])
        made.append(street)
        street.offer(["A"])
        street.drain()
        street.sell(name, {"A": 1})
        street.poll()
        return street

    yield make
    for street in made:
        street.close()


def shipment(street: Street) -> str:
    return str(books.one(street.hub, "select id from shipments"))


def leave(street: Street, typed: Typed | None = None) -> None:
    if typed is None:
        labelling.want(street.hub, street.merchant, shipment(street), street.connections["ups"].id, "03", ANN)
        street.drain()
    assert sending.send(street.hub, street.merchant, [shipment(street)], ANN, typed) == {}
    street.drain()


def document(street: Street, name: str) -> Mapping[str, Any]:
    [one] = street.simulator(name).state["orders"].values()
    return dict(one)


def test_amazon_is_told_the_carriers_name_and_method_as_it_spells_them(make_street: Callable[[str], Street]) -> None:
    street = make_street("amazon")

    leave(street)

    [package] = document(street, "amazon")["raw"]["packages"]
    tracking = books.one(street.hub, "select tracking from parcels")
    assert (package["carrier"], package["shippingService"], package["trackingNumber"]) == ("UPS", "UPS Ground", tracking)


def test_what_amazon_rejects_is_shown_in_its_words_and_said_again_corrected(make_street: Callable[[str], Street]) -> None:
    street = make_street("amazon")
    leave(street, Typed("", "HB-7"))
    [(id, state, words)] = books.rows(street.hub, "select id, state, words from tasks where kind = 'confirm_parcels'")
    parcel = str(books.one(street.hub, "select id from parcels"))
    said = street.hub.box(street.merchant).open_text(f"tasks|words|{id}", words).decode()
    assert (state, "CarrierName is required when CarrierCode is Other." in said) == ("parked", True)
    assert books.rows(street.hub, "select told_at, told_problem from parcels") == [(None, "refused")]

    sending.correct(street.hub, street.merchant, parcel, Typed("Harbor Bikes", "HB-7", "Cargo"), ANN)
    street.drain()

    [package] = document(street, "amazon")["raw"]["packages"]
    assert (package["carrier"], package["shippingService"], package["trackingNumber"]) == ("Harbor Bikes", "Cargo", "HB-7")
    assert books.rows(street.hub, "select told_problem, told_at is not null from parcels") == [(None, 1)]
    with pytest.raises(labelling.NotThen):
        sending.correct(street.hub, street.merchant, parcel, Typed("Harbor Bikes", "HB-8"), ANN)


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        (None, "https://www.ups.com/track?tracknum={number}"),
        (Typed("Harbor Bikes", "HB-7", url="https://bikes.example/HB-7"), "https://bikes.example/HB-7"),
        (Typed("Harbor Bikes", "HB-7"), "https://hub.example/track/{token}"),
    ],
    ids=["known", "unknown", "unknown without a page"],
)
def test_shopify_is_always_told_where_the_parcel_can_be_followed(
    make_street: Callable[[str], Street], typed: Typed | None, wanted: str
) -> None:
    street = make_street("shopify")
    street.hub.public_url = "https://hub.example"

    leave(street, typed)

    [parcel] = document(street, "shopify")["body"]["fulfillments"]
    token = books.one(street.hub, "select token from parcels")
    assert parcel["tracking_url"] == wanted.format(number=parcel["tracking_number"], token=token)
    assert parcel["tracking_company"] == ("Harbor Bikes" if typed else "UPS")


# ---- goods leave and their money is never taken, or taken twice


@pytest.mark.parametrize("lost", [False, True])
def test_what_is_authorized_at_shopify_is_captured_once_when_it_leaves(make_street: Callable[[str], Street], lost: bool) -> None:
    street = make_street("shopify")
    simulator = street.simulator("shopify")
    [made] = simulator.place({"lines": [{"sku": "A", "quantity": 2}], "payment": "authorized", "plain": True})
    street.poll()
    found = "select s.id, o.name from shipments s join orders o on o.id = s.order_id where o.channel_id = :id"
    [(id, name)] = books.rows(street.hub, found, id=made["id"])
    assert books.rows(street.hub, "select pay_until is not null from orders where channel_id = :id", id=made["id"]) == [(1,)]
    if lost:
        street.world("shopify").faults.append(Fault("cut_after", "Capture", 1, 0))

    assert sending.send(street.hub, street.merchant, [id], ANN, Typed("Harbor Bikes", "HB-9")) == {}
    for _ in range(4):
        street.clock.pass_(timedelta(seconds=50))
        street.drain()

    [there] = [one for one in simulator.orders() if one["id"] == made["id"]]
    assert there["captures"] == [made["total"]]
    assert books.rows(street.hub, "select state from captures") == [("done",)]
    assert books.rows(street.hub, "select payment, pay_until from orders where name = :name", name=name) == [("paid", None)]


def test_shopifys_own_fulfillment_order_is_moved_to_where_it_leaves_from_before_it_is_told(make_street: Callable[[str], Street]) -> None:
    street = make_street("shopify")
    hub, simulator = street.hub, street.simulator("shopify")
    goods = {"sku": "B", "title": "B", "price": "5.00", "currency": "USD", "quantity": 0, "levels": {"70001": 4, "70009": 6}}
    simulator.catalogue([goods])
    with hub.unit() as work:
        stock.add_location(work.db, street.merchant, "east", "East")
        run(work.db, "update locations set ships = true, address = (select address from locations where id = :known) where id = 'east'",
            known=street.place)  # fmt: skip
        rows = [{"sku": "B", "title": "B", "location": at, "on_hand": 6} for at in (street.place, "east")]
        stock.count(work.db, street.merchant, rows, work.now)
        routings.set_rules(work.db, street.merchant, Routing(move=True, never=(Never(street.place, "B"),)))
    street.ask("read_listings", street.connections["shopify"].id, street.connections["shopify"].id)
    street.drain()
    for place, ours in (("70001", street.place), ("70009", "east")):
        places.map_place(hub, street.connections["shopify"], place, [ours], ANN)
    street.drain()

    [made] = simulator.place({"lines": [{"sku": "B", "quantity": 2}], "payment": "paid", "location": "70001", "plain": True})
    for _ in range(3):
        street.poll()

    found = "select s.id, s.location, s.problem from shipments s join orders o on o.id = s.order_id where o.channel_id = :id"
    [(id, at, problem)] = books.rows(hub, found, id=made["id"])
    assert (at, problem) == ("east", None)
    assert sending.send(hub, street.merchant, [id], ANN, Typed("Harbor Bikes", "HB-9")) == {}
    street.drain()
    body = simulator.state["orders"][made["id"]]["body"]
    assert [(one["location_id"], one["tracking_number"]) for one in body["fulfillments"]] == [(70009, "HB-9")]
