"""A house that sends: its location has an address, Bogus Post is connected, and what is sold goes to somebody."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec

from connectors.bogus.carrier import BogusPost, manifest
from core.domain.order import Address
from core.domain.shipments import State
from core.domain.who import Who
from core.flows import connections as flows
from core.flows import labelling, sending
from core.store.connections import Connection
from core.store.sql import run
from tests.conftest import House
from tests.flows import books

HARBOR = Address("", "North Sea Trading", "120 Harbor Way", "", "", "Portland", "ME", "04101", "US", "+12075550133", "ship@north.example")
BUYER = {"name": "Nadia Osei", "street1": "77 Juniper Street", "city": "Austin", "postcode": "78701", "country": "US"}
ANN = Who("user-1", "Ann")
MINUTES = timedelta(minutes=5)


@dataclass
class Depot:
    house: House
    post: BogusPost
    carrier: Connection

    @property
    def merchant(self) -> str:
        return self.house.merchant.id

    def sell(self, **units: int) -> str:
        """A paid order to Austin; its number at the channel. It is taken and released."""
        number = str(self.house.bogus.sell(units, ship_to=BUYER)["id"])
        self.poll()
        return number

    def poll(self) -> None:
        self.house.clock.pass_(MINUTES)
        self.house.poll()
        self.release()

    def release(self) -> None:
        self.house.ask("release_orders", self.merchant)
        self.house.drain()

    def shipments(self) -> list[tuple[Any, ...]]:
        """(name, state, problem) of all, in the order in which they were made."""
        return books.rows(self.house.hub, "select name, state, problem from shipments order by cast(substr(name, 2) as integer)")

    def id(self, name: str = "S1") -> str:
        return str(books.one(self.house.hub, f"select id from shipments where name = '{name}'"))

    def weigh(self, name: str = "S1", grams: int = 1500) -> None:
        with self.house.hub.unit() as work:
            run(work.db, "update parcels set weight_g = :grams where shipment = :id", grams=grams, id=self.id(name))

    def want(self, name: str = "S1", service: str = "slow") -> str:
        self.weigh(name)
        return labelling.want(self.house.hub, self.merchant, self.id(name), self.carrier.id, service, ANN)

    def label(self, name: str = "S1") -> None:
        self.want(name)
        self.house.drain()

    def send(self, *names: str) -> dict[str, str]:
        said = sending.send(self.house.hub, self.merchant, [self.id(name) for name in names or ("S1",)], ANN)
        self.house.drain()
        return said

    def state(self, name: str = "S1") -> State:
        return State(str(books.one(self.house.hub, f"select state from shipments where name = '{name}'")))


def depot(house: House) -> Depot:
    post = BogusPost(clock=house.clock)
    house.hub.connectors = {**house.hub.connectors, "bogus_post": manifest(post)}
    carrier = flows.connect(house.hub, house.merchant.id, "bogus_post", "dock 4", {})
    with house.hub.unit() as work:
        run(
            work.db,
            "update locations set ships = true, address = :address where id = :id",
            id=house.place,
            address=msgspec.json.encode(HARBOR).decode(),
        )
    house.drain()
    return Depot(house, post, carrier)
