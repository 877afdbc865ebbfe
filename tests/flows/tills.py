"""A shop whose buyers pay by gateways that tell no payouts, and what a bookkeeper knows of them."""

from dataclasses import replace
from datetime import timedelta

from core.flows import books as keeping
from core.flows import gateways
from core.flows.gateways import Preview, Taken
from core.ports import Paying
from core.store import connections
from core.store.connections import Connection
from tests.conftest import START, House
from tests.flows.depot import ANN

HEAD = "payout,date,amount,currency,order,gross,fee,net,kind,reference"
DAY = START.date()


def open_till(house: House) -> House:
    """Books are kept; the channel pays out what "bogus" took, and nothing else."""
    one = house.hub.connectors["bogus"]
    house.hub.connectors["bogus"] = replace(one, pays=Paying("bogus", frozenset(["bogus"])))  # type: ignore[index]
    house.shelve(A=1000, B=1000)
    keeping.begin(house.hub, house.merchant.id, DAY - timedelta(days=30), ANN)
    house.drain()
    return house


def paid_by(shop: House, gateway: str = "paypal", amount: str = "20.00", **different: object) -> str:
    """An order of two A that a gateway was paid for; the channel's number of it. It is taken."""
    paid = {"gateway": gateway, "amount": amount, "at": shop.clock().isoformat()}
    number = str(shop.bogus.sell({"A": 2}, paid_by=[paid], **different)["id"])
    shop.clock.pass_(timedelta(minutes=5))
    shop.poll()
    return number


def file(*rows: str) -> str:
    return "\n".join([HEAD, *rows, ""])


def sale(number: str, payout: str = "PO-1", gross: str = "20", fee: str = "0.90", day: str = DAY.isoformat()) -> str:
    return f"{payout},{day},,USD,{number},{gross},{fee},,sale,T-{number}-{payout}"


def here(shop: House) -> Connection:
    """As a page or a command finds it."""
    with shop.hub.database.read() as db:
        found = connections.get(db, shop.connection.id)
    assert found
    return found


def take(shop: House, text: str, gateway: str = "paypal", *replaces: str) -> Taken:
    return gateways.take(shop.hub, here(shop), gateway, text, ANN, file="may.csv", replaces=replaces)


def look(shop: House, text: str, gateway: str = "paypal") -> Preview:
    with shop.hub.database.read() as db:
        return gateways.preview(shop.hub, db, here(shop), gateway, text)
