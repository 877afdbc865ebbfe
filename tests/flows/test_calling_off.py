"""An order is called off at its channel, once, whatever is lost on the way; and buyers who wish it are answered."""

from datetime import timedelta
from typing import Any

import pytest

from core.domain.calling_off import Bar
from core.domain.shipments import State, Stop
from core.domain.shipping import CancelReason
from core.errors import AccessLost, OutcomeUnknown, Refused, Unavailable
from core.flows import calling_off, labelling
from core.flows.calling_off import Barred
from core.store import callings
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.depot import ANN, BUYER, Depot, depot
from tests.flows.marks import on_sqlite

LATE, SOON = timedelta(minutes=16), timedelta(seconds=16)


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10, B=10)
    return depot(house)


def order(dock: Depot) -> str:
    return str(books.one(dock.house.hub, "select id from orders"))


def call_off(dock: Depot, reason: CancelReason = CancelReason.STOCK, *, restock: bool = True) -> str:
    return calling_off.call_off(dock.house.hub, dock.merchant, order(dock), reason, ANN, restock=restock)


def answer(dock: Depot, *, agree: bool) -> str:
    return calling_off.answer(dock.house.hub, dock.merchant, order(dock), ANN, agree=agree)


def calls(dock: Depot, *names: str) -> list[Any]:
    return [call for call, _ in dock.house.bogus.calls if call in (names or ("cancel", "cancelling"))]


def states(dock: Depot) -> list[str]:
    return [state for (state,) in books.rows(dock.house.hub, "select state from callings_off order by asked_at, id")]


def status(dock: Depot) -> str:
    return str(books.one(dock.house.hub, "select status from orders"))


def parked(dock: Depot) -> list[tuple[Any, ...]]:
    return books.rows(dock.house.hub, "select cause from tasks where kind = 'call_off_orders' and state = 'parked'")


def facts(dock: Depot) -> list[tuple[str, str]]:
    found = books.rows(dock.house.hub, "select kind, body from events where kind in ('OrderCalledOff', 'AppealAnswered') order by id")
    return [(kind, body) for kind, body in found]


def pass_(dock: Depot, by: timedelta) -> None:
    dock.house.clock.pass_(by)
    dock.house.drain()


# ---- the walk


def test_an_order_is_called_off_and_its_shipment_taken_apart_when_it_comes_back_cancelled(dock: Depot) -> None:
    number = dock.sell(A=2)
    call_off(dock, restock=False)
    dock.house.drain()

    assert dock.house.bogus.orders[number]["cancelled_at"]
    assert (status(dock), states(dock), dock.shipments()) == ("cancelled", ["done"], [("S1", "cancelled", None)])
    assert books.level(dock.house.hub, "A") == (10, 0)
    [(_, _, _, restock)] = [said for call, said in dock.house.bogus.calls if call == "cancel"]
    assert restock is False
    assert books.rows(dock.house.hub, "select act, name from audit where act like 'order.%'") == [("order.cancel", "Ann")]


def test_a_label_that_was_paid_is_given_back(dock: Depot) -> None:
    dock.sell(A=1)
    dock.label()

    call_off(dock)
    dock.house.drain()

    assert dock.post.live() == []
    assert (dock.state(), states(dock)) == (State.CANCELLED, ["done"])


@on_sqlite
def test_said_twice_it_is_called_off_once(dock: Depot) -> None:
    dock.sell(A=1)

    assert call_off(dock) == call_off(dock, CancelReason.FRAUD)
    dock.house.drain()

    assert calls(dock) == ["cancel"]
    assert states(dock) == ["done"]
    with pytest.raises(Barred) as barred:
        call_off(dock)
    assert barred.value.why is Bar.CANCELLED


@on_sqlite
def test_nothing_leaves_while_it_is_called_off(dock: Depot) -> None:
    dock.sell(A=1)
    dock.house.bogus.queues = True
    dock.label()
    call_off(dock)
    dock.house.drain()
    assert states(dock) == ["asked"]

    assert dock.send() == {dock.id(): f"it stops: {Stop.CALLED_OFF}"}
    assert dock.state() is State.LABELLED

    dock.house.bogus.settle()
    pass_(dock, SOON)
    assert (status(dock), states(dock), dock.state()) == ("cancelled", ["done"], State.CANCELLED)


@on_sqlite
def test_an_order_that_is_called_off_is_not_released(dock: Depot) -> None:
    dock.house.bogus.sell({"A": 1}, ship_to=BUYER)
    dock.house.clock.pass_(timedelta(minutes=5))
    dock.house.poll()
    call_off(dock)
    dock.house.ask("release_orders", dock.merchant)
    dock.house.bogus.queues = True
    dock.house.drain()

    assert dock.shipments() == []


# ---- whatever is lost


@pytest.mark.parametrize("after_the_work", [True, False])
@pytest.mark.parametrize("error", [OutcomeUnknown("lost"), Unavailable("lost")], ids=["unknown", "unavailable"])
def test_a_lost_answer_is_asked_for_before_it_is_said_again(dock: Depot, error: Exception, after_the_work: bool) -> None:
    dock.sell(A=1)
    dock.house.bogus.next("cancel", error, after_the_work)

    call_off(dock)
    dock.house.drain()
    for _ in range(4):
        pass_(dock, timedelta(minutes=2))

    assert calls(dock)[:2] == ["cancel", "cancelling"]
    assert calls(dock).count("cancel") == (1 if after_the_work else 2)
    assert (status(dock), states(dock), parked(dock)) == ("cancelled", ["done"], [])


@on_sqlite
def test_what_may_not_show_there_yet_is_not_said_again_at_once(dock: Depot) -> None:
    dock.sell(A=1)
    dock.house.bogus.next("cancel", OutcomeUnknown("lost"))
    call_off(dock)
    dock.house.work(timedelta(seconds=30))

    assert calls(dock).count("cancel") == 1
    assert states(dock) == ["wanted"]
    assert calls(dock).count("cancelling") > 1


@on_sqlite
def test_a_login_that_ends_meanwhile_ends_nothing_else(dock: Depot) -> None:
    dock.sell(A=1)
    dock.house.bogus.next("cancel", AccessLost("no"))

    call_off(dock)
    dock.house.drain()

    assert states(dock) == ["wanted"]
    assert parked(dock) == []


@on_sqlite
def test_a_label_that_is_being_bought_is_not_bought(dock: Depot) -> None:
    dock.sell(A=1)
    dock.house.bogus.queues = True
    dock.want()
    call_off(dock)
    dock.house.drain()

    assert dock.post.purchases == []
    with pytest.raises(labelling.Stopped):
        dock.want()


@on_sqlite
def test_a_label_that_was_bought_in_that_moment_is_given_back(dock: Depot) -> None:
    dock.sell(A=1)
    dock.post.next("buy", OutcomeUnknown("lost"), True)
    dock.label()
    call_off(dock)
    dock.house.drain()

    for _ in range(4):
        pass_(dock, timedelta(minutes=2))

    assert dock.post.live() == []
    assert (dock.state(), status(dock)) == (State.CANCELLED, "cancelled")


# ---- where it is not done


@on_sqlite
def test_a_refusal_stands_in_the_channels_words_and_the_order_is_held(dock: Depot) -> None:
    number = dock.sell(A=1)
    acts.fulfill(dock.house.bogus, number, "1", 1)

    call_off(dock)
    dock.house.drain()

    box = dock.house.hub.box(dock.merchant)
    with dock.house.hub.database.read() as db:
        known = callings.newest(db, dock.merchant, order(dock), box)
    assert known is not None
    assert (known.words, states(dock), parked(dock)) == ("A part of the order is sent.", ["refused"], [("Refused",)])
    assert books.one(dock.house.hub, "select held_why from orders") == "stock"
    assert "A part" not in str(books.rows(dock.house.hub, "select * from callings_off"))


@on_sqlite
def test_a_refusal_can_be_tried_again_by_whoever_mended_it_there(dock: Depot) -> None:
    dock.sell(A=1)
    dock.house.bogus.next("cancel", Refused("no", words="A payment is open."))
    call_off(dock)
    dock.house.drain()
    assert states(dock) == ["refused"]

    dock.house.clock.pass_(timedelta(minutes=2))
    dock.house.ask("call_off_orders", f"{dock.house.connection.id}/{next(iter(dock.house.bogus.orders))}")
    dock.house.drain()

    assert (states(dock), status(dock), parked(dock)) == (["done"], "cancelled", [])


@on_sqlite
def test_after_a_refusal_it_may_be_sent_after_all(dock: Depot) -> None:
    dock.sell(A=1)
    dock.house.bogus.next("cancel", Refused("no"))
    call_off(dock)
    dock.house.drain()

    calling_off.withdraw(dock.house.hub, dock.merchant, order(dock), ANN)
    dock.house.drain()

    assert (states(dock), parked(dock), books.one(dock.house.hub, "select held_why from orders")) == (["withdrawn"], [], None)
    dock.label()
    assert dock.send() == {}
    assert calls(dock) == ["cancel"]


def test_what_the_channel_took_and_did_not_do_in_time_needs_somebody(dock: Depot) -> None:
    dock.sell(A=1)
    dock.house.bogus.queues = True
    call_off(dock, CancelReason.FRAUD)
    dock.house.drain()

    pass_(dock, timedelta(minutes=14))
    assert (states(dock), parked(dock)) == (["asked"], [])

    pass_(dock, LATE)
    assert (states(dock), parked(dock)) == (["stands"], [("StillStands",)])
    assert books.one(dock.house.hub, "select held_why from orders") == "fraud"

    dock.house.bogus.settle()
    dock.poll()
    assert (states(dock), parked(dock), status(dock)) == (["done"], [], "cancelled")


@on_sqlite
def test_what_the_channel_says_is_done_waits_for_the_order(dock: Depot) -> None:
    dock.sell(A=1)
    dock.house.bogus.next("fetch", Unavailable("no"))
    call_off(dock)
    dock.house.work()
    assert states(dock) == ["asked"]

    dock.poll()
    assert (states(dock), status(dock)) == (["done"], "cancelled")


@on_sqlite
def test_what_is_not_said_yet_can_be_taken_back(dock: Depot) -> None:
    dock.sell(A=1)
    call_off(dock)

    calling_off.withdraw(dock.house.hub, dock.merchant, order(dock), ANN)
    dock.house.drain()

    assert (calls(dock), states(dock)) == ([], ["withdrawn"])
    dock.house.bogus.queues = True
    call_off(dock)
    dock.house.drain()
    with pytest.raises(Barred):
        calling_off.withdraw(dock.house.hub, dock.merchant, order(dock), ANN)


# ---- what cannot be called off


@on_sqlite
def test_after_dispatch_nothing_is_called_off(dock: Depot) -> None:
    dock.sell(A=1)
    dock.label()
    dock.send()

    with pytest.raises(Barred) as barred:
        call_off(dock)

    assert barred.value.why is Bar.SENT
    assert (calls(dock), states(dock)) == ([], [])


@on_sqlite
def test_an_order_of_somebody_elses_is_none(dock: Depot) -> None:
    dock.sell(A=1)

    with pytest.raises(Refused):
        calling_off.call_off(dock.house.hub, "another", order(dock), CancelReason.OTHER, ANN)


# ---- buyers' wishes


def wished(dock: Depot) -> str:
    number = dock.sell(A=1)
    dock.house.bogus.ask_to_cancel(number)
    dock.poll()
    assert status(dock) == "cancel_requested"
    return number


def test_a_buyers_wish_is_agreed_to(dock: Depot) -> None:
    number = wished(dock)

    assert answer(dock, agree=True) == answer(dock, agree=True)
    dock.house.drain()

    assert dock.house.bogus.answers == [(number, True, "")]
    assert states(dock) == ["asked"]
    pass_(dock, SOON)
    assert (status(dock), states(dock), dock.state()) == ("cancelled", ["done"], State.CANCELLED)
    assert facts(dock) == [("AppealAnswered", '{"agreed":true,"by":"Ann"}')]


def test_a_buyer_is_answered_that_it_is_sent_anyway_and_it_is(dock: Depot) -> None:
    number = wished(dock)
    assert dock.send() != {}

    assert answer(dock, agree=False) == answer(dock, agree=False)
    dock.house.drain()

    assert dock.house.bogus.answers == [(number, False, "")]
    assert (status(dock), states(dock)) == ("open", ["done"])
    dock.label()
    assert dock.send() == {}


@on_sqlite
@pytest.mark.parametrize("agree", [True, False])
@pytest.mark.parametrize("after_the_work", [True, False])
def test_a_lost_answer_to_a_buyer_is_given_once(dock: Depot, agree: bool, after_the_work: bool) -> None:
    number = wished(dock)
    dock.house.bogus.next("answer", OutcomeUnknown("lost"), after_the_work)

    answer(dock, agree=agree)
    dock.house.drain()
    for _ in range(3):
        pass_(dock, timedelta(minutes=2))

    assert dock.house.bogus.answers == [(number, agree, "")]
    assert (status(dock), states(dock)) == ("cancelled" if agree else "open", ["done"])


@on_sqlite
def test_a_wish_that_a_channel_keeps_showing_stops_nothing_once_it_is_answered(dock: Depot) -> None:
    number = wished(dock)
    dock.house.bogus.deaf = True
    answer(dock, agree=False)
    dock.house.drain()
    assert (status(dock), states(dock)) == ("cancel_requested", ["waived"])

    dock.label()
    assert dock.send() == {}
    assert len(dock.house.bogus.orders[number]["shipped"]) == 1


@on_sqlite
def test_a_buyer_who_wishes_it_again_is_answered_again(dock: Depot) -> None:
    number = wished(dock)
    answer(dock, agree=False)
    dock.house.drain()
    dock.house.bogus.ask_to_cancel(number)
    dock.poll()

    assert dock.send() == {dock.id(): f"it stops: {Stop.CANCELLING}"}
    answer(dock, agree=True)
    dock.house.drain()
    pass_(dock, SOON)
    assert [agreed for _, agreed, _ in dock.house.bogus.answers] == [False, True]
    assert status(dock) == "cancelled"


@on_sqlite
def test_a_buyer_hears_the_number_of_the_parcel_that_left(dock: Depot) -> None:
    number = dock.sell(A=1, B=1)
    dock.label()
    dock.send()
    dock.house.bogus.change(number, cancel_requested=True, lines=[{**line, "fulfilled": 0} for line in
                                                                  dock.house.bogus.orders[number]["lines"]])  # fmt: skip
    dock.poll()

    with pytest.raises(Barred) as barred:
        answer(dock, agree=True)
    assert barred.value.why is Bar.SENT
    answer(dock, agree=False)
    dock.house.drain()

    assert dock.house.bogus.answers == [(number, False, "BP00000001")]


@on_sqlite
def test_only_a_wish_is_answered_and_not_beside_another_answer(dock: Depot) -> None:
    number = dock.sell(A=1)
    with pytest.raises(Barred) as barred:
        answer(dock, agree=True)
    assert barred.value.why is Bar.NO_WISH

    dock.house.bogus.ask_to_cancel(number)
    dock.poll()
    answer(dock, agree=False)
    with pytest.raises(Barred) as barred:
        answer(dock, agree=True)
    assert barred.value.why is Bar.ANSWERED
    with pytest.raises(Barred):
        call_off(dock)


@on_sqlite
def test_people_are_told_of_what_still_stands(dock: Depot) -> None:
    dock.sell(A=1)
    dock.house.bogus.queues = True
    call_off(dock)
    dock.house.drain()
    pass_(dock, LATE)

    dock.house.ask("raise_alerts", dock.merchant)
    dock.house.drain()

    assert books.rows(dock.house.hub, "select cause, cleared_at from alerts") == [("stands", None)]
