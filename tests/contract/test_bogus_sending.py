"""Bogus is told of parcels and has orders called off: tests of flows stand on what it makes of that."""

import pytest

from connectors.bogus import CALLS, manifest
from connectors.bogus.channel import Bogus
from connectors.http import write_json
from core.domain.order import OrderStatus
from core.domain.shipping import Cancelling, CancelReason
from core.errors import OutcomeUnknown, Refused
from core.ports import Appeals, Cancels, Confirms, Kit, Place, Routes
from tests.contract.parcels import KEY, NOON, a_parcel


class Unlimited:
    def take(self, operation, units=1.0):
        assert operation in CALLS

    def learn(self, operation, rate=None, left=None):
        """Nothing is counted."""


@pytest.fixture
def bogus():
    system = Bogus(clock=lambda: NOON, places=[Place("P1", "East"), Place("P2", "West")])
    system.offer("MUG", 9)
    return system


@pytest.fixture
def channel(bogus):
    return manifest(bogus).channel(Kit("bogus", None, lambda: NOON, Unlimited(), None, {"secret": "s"}, {}))


def read(bogus, order):
    return manifest(bogus).order(write_json(bogus.orders[order]), "shop")


def test_bogus_can_be_told_of_parcels_and_asked_to_cancel(channel):
    assert all(isinstance(channel, port) for port in (Confirms, Cancels, Appeals, Routes))


def test_a_parcel_that_bogus_is_told_of_stands_in_the_order(bogus, channel):
    order = bogus.sell({"MUG": 3})["id"]
    before = read(bogus, order)

    told = channel.confirm(a_parcel(order, ("1", 2)))

    after = read(bogus, order)
    assert (after.units_to_ship, after.order_status) == (1, OrderStatus.PARTIALLY_FULFILLED)
    assert [(one.id, one.tracking, one.lines[0].quantity) for one in after.shipped] == [(told, ("1Z999AA10123456784",), 2)]
    assert after.revision > before.revision
    assert bogus.listings["L-MUG", "MUG"].committed == 1


def test_bogus_told_twice_counts_twice_and_takes_no_more_than_is_open(bogus, channel):
    order = bogus.sell({"MUG": 3})["id"]
    parcel = a_parcel(order, ("1", 1))

    for _ in range(3):
        channel.confirm(parcel)
    with pytest.raises(Refused) as error:
        channel.confirm(parcel)

    assert len(bogus.shipments(order)) == 3
    assert error.value.words == "1 units of line 1 are not open: 0 are."


def test_bogus_does_what_it_does_not_answer_and_can_be_asked_for_it(bogus, channel):
    order = bogus.sell({"MUG": 3})["id"]
    parcel = a_parcel(order, ("1", 1))
    bogus.next("confirm", OutcomeUnknown("the line broke"), after_the_work=True)

    before = channel.confirmed(parcel)
    with pytest.raises(OutcomeUnknown):
        channel.confirm(parcel)

    assert (before, channel.confirmed(parcel)) == (None, f"{order}-S1")
    assert [method for method, _ in bogus.calls] == ["confirmed", "confirm", "confirmed"]


def test_bogus_knows_which_place_sends_what_and_lets_it_be_moved(bogus, channel):
    bogus.offer("MUG", 5, at="P2")
    order = bogus.sell({"MUG": 3})["id"]
    bogus.route(order, P1={"1": 2}, P2={"1": 1})

    channel.confirm(a_parcel(order, ("1", 1, "P1")))
    channel.route(order, "P1", "P2")

    assert bogus.orders[order]["routing"] == [{"place": "P2", "lines": {"1": 2}}]
    for parcel in (a_parcel(order, ("1", 1, "P1")), a_parcel(order, ("1", 3, "P2"))):
        with pytest.raises(Refused):
            channel.confirm(parcel)
    with pytest.raises(Refused) as error:
        channel.route(order, "P2", "P1")
    assert error.value.words == "P1 does not stock it."


def test_an_order_is_called_off_at_bogus_at_once_or_later(bogus, channel):
    soon, later = bogus.sell({"MUG": 3})["id"], bogus.sell({"MUG": 1})["id"]

    said = [channel.cancel(soon, CancelReason.STOCK, KEY, restock=True), channel.cancelling(later, KEY)]
    bogus.queues = True
    said += [channel.cancel(later, CancelReason.OTHER, KEY, restock=False), channel.cancelling(later, KEY)]
    bogus.settle()

    assert said == [Cancelling.DONE, Cancelling.NOT_CANCELLED, Cancelling.ASKED, Cancelling.ASKED]
    assert channel.cancelling(later, KEY) is Cancelling.DONE
    assert [read(bogus, order).order_status for order in (soon, later)] == [OrderStatus.CANCELLED] * 2
    assert bogus.listings["L-MUG", "MUG"].shown == 8


def test_an_order_of_which_something_left_is_not_called_off(bogus, channel):
    order = bogus.sell({"MUG": 3})["id"]
    channel.confirm(a_parcel(order, ("1", 1)))

    with pytest.raises(Refused) as error:
        channel.cancel(order, CancelReason.BUYER, KEY, restock=True)

    assert error.value.words == "A part of the order is sent."
    assert channel.cancelling(order, KEY) is Cancelling.NOT_CANCELLED


@pytest.mark.parametrize("agree", [True, False])
def test_a_buyers_wish_at_bogus_is_answered_once(bogus, channel, agree):
    order = bogus.sell({"MUG": 3})["id"]
    bogus.ask_to_cancel(order)
    [appeal] = channel.appeals(order)

    for _ in range(2):
        channel.answer(order, appeal, agree=agree, sent=None if agree else a_parcel(order, ("1", 1)))

    assert bogus.answers == [(order, agree, "" if agree else "1Z999AA10123456784")]
    assert channel.appeals(order) == ()
    assert read(bogus, order).is_cancelled is agree
