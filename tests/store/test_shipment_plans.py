"""What is sent is found by an index, whatever else there is."""

from datetime import timedelta

import pytest

from core.domain.shipping import Progress
from core.errors import OutcomeUnknown
from core.flows import labelling, printing, rating, sending, waiting
from core.store import parcels, shipments
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
