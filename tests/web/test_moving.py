"""The page of a shipment whose channel does not let it go from where it leaves."""

from tests.flows.depot import Depot
from tests.flows.test_moving import calls, dock, refused, rest  # noqa: F401 - the fixture is found by its name
from tests.web.rooms import person


def test_a_shipment_that_its_channel_wants_elsewhere_says_so_and_is_asked_again(dock: Depot) -> None:  # noqa: F811 - as above
    refused(dock)
    ana = person(dock.house.hub, dock.merchant)

    text = ana.get("/shipments/S1")
    assert "Its channel wants it sent from another place." in text and "Store room does not stock it." in text
    assert "Pack it" not in text and "Ask the channel again" in text and len(ana.statements) <= 8

    assert "Its channel is asked again." in ana.post("/shipments/S1/move")
    assert "every 2s" in ana.get("/shipments/S1")
    rest(dock)
    assert "Pack it" in ana.get("/shipments/S1") and len(calls(dock)) == 2
    assert "It does not wait for its channel any more." in ana.post("/shipments/S1/move")


def test_a_shipment_leaves_from_here_all_the_same(dock: Depot) -> None:  # noqa: F811 - as above
    refused(dock)
    ana = person(dock.house.hub, dock.merchant)

    assert "It leaves from here." in ana.post("/shipments/S1/unmoved")
    rest(dock)

    assert "Pack it" in ana.get("/shipments/S1") and len(calls(dock)) == 1
