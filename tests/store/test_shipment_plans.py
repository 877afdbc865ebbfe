"""What is sent is found by an index, whatever else there is."""

from datetime import timedelta
from typing import Any

import pytest

from core.domain.shipping import Progress
from core.domain.telling import Kind, Telling
from core.errors import OutcomeUnknown
from core.flows import following, labelling, printing, rating, sending, telling, waiting
from core.store import parcels, shipments
from core.store import telling as told
from tests.conftest import House
from tests.flows import acts
from tests.flows.depot import ANN, depot
from tests.store.test_plans import statements, wholes

pytestmark = pytest.mark.usefixtures("young")


def test_orders_are_released_labelled_sent_and_followed_without_reading_a_table_whole(house: House) -> None:
    house.shelve(A=50, B=50)
    dock = depot(house)
    for _ in range(3):
        dock.sell(A=1)
    with statements(house.hub.database) as seen:
        number = dock.sell(A=2, B=1)
        name = dock.shipments()[-1][0]
        dock.weigh(name)
        rating.ask(house.hub, dock.merchant, [dock.id(name)], ANN, buy=True)
        house.drain()
        labelling.give_back(house.hub, dock.merchant, dock.id(name), ANN)
        house.drain()
        dock.post.next("buy", OutcomeUnknown("lost"), after_the_work=True)
        dock.label(name)
        house.work(timedelta(minutes=2))
        dock.send(name)
        dock.post.scan(dock.post.live()[-1].bought.master, Progress.DELIVERED)
        house.clock.pass_(timedelta(hours=3))
        house.ask("track_parcels", dock.carrier.id, dock.carrier)
        house.drain()
        acts.cancel(house.bogus, number)
        dock.poll()
        with house.hub.database.read() as db:
            shipments.page(db, dock.merchant, ("released", "sent"), 50)
            parcels.purchases_of(db, dock.merchant, dock.id(name))
            parcels.by_token(db, "nobody")
            shipments.by_name(db, dock.merchant, name)
            waiting.queue(house.hub, db, dock.merchant)
            waiting.of_order(house.hub, db, dock.merchant, "nobody's")
        printing.labels(house.hub, dock.merchant, [dock.id(name)])
        printing.slips(house.hub, dock.merchant, [dock.id(name)])
        sending.send(house.hub, dock.merchant, [dock.id("S1")], ANN, sending.Typed("Harbor Bikes", "HB-7"))
        house.drain()

    of_the_test = "update parcels set weight_g", "select name, state, problem", "where name = '"
    ours = {statement: values for statement, values in seen.items() if not any(words in statement for words in of_the_test)}
    assert wholes(house.hub.database, ours) == []


def test_buyers_are_told_and_pushes_heard_without_reading_a_table_whole(house: House) -> None:
    house.shelve(A=50)
    dock = depot(house)
    house.hub.public_url = "https://hub.example"
    telling.choose(house.hub, dock.merchant, Telling({house.connection.id: frozenset(Kind)}), ANN)
    for _ in range(3):
        dock.sell(A=1)
    dock.label()
    with statements(house.hub.database) as seen:
        dock.send()
        [number] = dock.post.live()[-1].bought.tracking
        dock.post.scan(number, Progress.DELIVERED)
        with house.hub.unit() as work:
            work.ask(dock.merchant, "hear_of_parcels", following.ref_of(dock.carrier.id, number), dock.carrier.id)
        house.drain(through=timedelta(minutes=2))
        with house.hub.database.read() as db:
            [letter, *_] = told.of_shipment(db, dock.merchant, dock.id())
            parcels.beside(db, dock.merchant, "nobody")
            assert parcels.to_follow(db, dock.merchant, dock.carrier.id, house.hub.now, 9) == []
            assert parcels.carried_by(db, [dock.merchant], number) == {dock.carrier.id}
        telling.again(house.hub, dock.merchant, letter.id, dock.id(), ANN)
        house.drain()

    assert {one.what for one in told_of(house, dock.id())} == {"shipped", "delivered"}
    of_the_test = "where name = '"
    ours = {statement: values for statement, values in seen.items() if of_the_test not in statement}
    assert wholes(house.hub.database, ours) == []


def told_of(house: House, shipment: str) -> list[Any]:
    with house.hub.database.read() as db:
        return told.of_shipment(db, house.merchant.id, shipment)
