"""What a carrier pushes of parcels: its credential is looked at, what it says is kept as a hint, and the parcel is asked for."""

import json

import pytest

from core.domain.shipments import State
from core.flows import connections as flows
from core.store.sql import run
from tests.web.shop import Shop

NUMBER = "1Z999AA10123456784"
DOOR = "/webhooks/ups"


@pytest.fixture
def sent(either_shop: Shop) -> Shop:
    """A parcel of the shop's is on its way with UPS."""
    shop = either_shop
    shop.offer("A")
    shop.deliver(shop.sold(A=1))
    shop.drain()
    shop.make_ready(state=State.SENT)
    carrier = flows.connect(shop.hub, shop.merchant, "ups", "A1B2C3", {"client_id": "x", "client_secret": "y"})
    with shop.hub.unit() as work:
        run(
            work.db,
            "insert into purchases (id, merchant, shipment, connection, service, state, wish, asked_at) "
            "values ('k', :m, 's-1', :c, '03', 'bought', '', 1)",
            m=shop.merchant,
            c=carrier.id,
        )
        run(work.db, "update parcels set purchase = 'k', tracking = :n, look_at = :at", n=NUMBER, at=work.now + 10**10)
    return shop


def push(shop: Shop, credential: str = "credential-of-the-test", number: str = NUMBER, **more: object) -> int:
    raw = json.dumps({"trackingNumber": number, **more}).encode()
    return shop.knock(raw, {"credential": credential}, DOOR)[0]


def heard(shop: Shop) -> int:
    return int(shop.one("select count(*) from inbox where topic = 'track'"))


def test_a_push_is_kept_and_its_parcel_asked_for(sent: Shop) -> None:
    assert [push(sent), push(sent)] == [200, 200]

    assert heard(sent) == 1
    assert sent.rows("select kind, state from tasks where kind = 'hear_of_parcels'") == [("hear_of_parcels", "due")]
    assert sent.rows("select body from inbox where topic = 'track'") == [(None,)]


@pytest.mark.parametrize("credential", ["", "another", "credential-of-the-tes"])
def test_who_does_not_bring_our_credential_is_not_heard(sent: Shop, credential: str) -> None:
    assert push(sent, credential) == 401
    assert heard(sent) == 0


def test_a_parcel_that_is_nobodys_is_answered_and_not_kept(sent: Shop) -> None:
    assert push(sent, number="1Z000") == 200
    assert push(sent, number="1Z" + "9" * 400) == 400
    assert heard(sent) == 0
