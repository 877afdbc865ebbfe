"""Somebody else sends for us: asked once, whatever is lost; what they say counts once, in whatever order they say it."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from core.domain.requests import Asking, RequestState, Way
from core.domain.shipments import State
from core.errors import OutcomeUnknown, Refused, Unavailable
from core.flows import parties, releasing
from core.flows.answering import Over, TooMany
from core.store import places, privacy, requests
from core.store.privacy import Sealed
from core.store.sql import run
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN
from tests.flows.marks import on_sqlite
from tests.flows.supplier import Supplied, parcel, supplied


@pytest.fixture
def supply(house: House) -> Supplied:
    return supplied(house)


def parked(supply: Supplied) -> list[str]:
    found = books.rows(supply.house.hub, "select cause from tasks where kind = 'ask_parties' and state = 'parked'")
    return [cause for (cause,) in found]


def pass_(supply: Supplied, by: timedelta) -> None:
    supply.house.clock.pass_(by)
    supply.house.drain()


# ---- the walk


def test_an_order_that_a_supplier_has_is_asked_of_them_and_leaves_when_they_say_so(supply: Supplied) -> None:
    number = supply.dock.sell(C=3)

    assert supply.dock.shipments() == [("S1", "released", None)]
    assert supply.states == [RequestState.ASKED]
    [letter] = supply.box.letters.values()
    assert letter.to == "orders@supplier.example"
    assert [one.name for one in letter.files] == ["S1.pdf", "S1.csv"]
    assert "77 Juniper Street" in letter.files[1].content.decode()
    assert f"https://hub.example/request/{supply.asked()[0].token}" in letter.body

    supply.accept()
    assert supply.sent("T1")

    assert supply.states == [RequestState.SENT]
    assert supply.dock.state() is State.SENT
    assert supply.level("C") == (7, 0)
    [told] = supply.house.bogus.orders[number]["shipped"]
    assert (told["tracking"], told["carrier"]) == (["T1"], "Parcelforce")
    assert parked(supply) == []


def test_what_leaves_in_parts_is_told_in_parts_and_each_unit_is_sent_refused_or_open(supply: Supplied) -> None:
    number = supply.dock.sell(C=3)

    supply.sent("T1", l1=1)
    assert (supply.states, supply.shares()["1"].open) == ([RequestState.ACCEPTED], 2)
    assert supply.dock.shipments() == [("S1", "released", None), ("S2", "sent", None)]
    supply.sent("T2", l1=2)

    assert supply.states == [RequestState.SENT]
    shipped = supply.house.bogus.orders[number]["shipped"]
    assert [(one["tracking"], one["lines"][0]["quantity"]) for one in shipped] == [(["T1"], 1), (["T2"], 2)]
    assert supply.level("C") == (7, 0)


def test_what_they_refuse_is_sent_by_somebody_else_and_their_location_is_left_out(house: House) -> None:
    supply = supplied(house, A=10)
    with house.hub.unit() as work:
        places.rank(work.db, house.merchant.id, [supply.location, house.place])
    supply.dock.sell(A=2)
    assert books.rows(house.hub, "select way from shipments") == [("request",)]

    supply.refuse()

    assert supply.states == [RequestState.REJECTED]
    assert books.rows(house.hub, "select state, way from shipments order by name") == [("cancelled", "request"), ("released", "parcel")]
    assert (supply.level("A"), supply.level("A", house.place)) == ((10, 0), (10, 2))
    assert '"refused"' in str(books.one(house.hub, "select doc from routings"))


def test_a_part_that_they_refuse_goes_elsewhere_and_the_rest_stays_theirs(house: House) -> None:
    supply = supplied(house, A=10)
    with house.hub.unit() as work:
        places.rank(work.db, house.merchant.id, [supply.location, house.place])
    supply.dock.sell(A=3)

    supply.refuse({"1": 1})

    assert [one.open for one in supply.shares().values()] == [2]
    assert books.rows(house.hub, "select s.way, n.units from shipments s join shipment_lines n on n.shipment = s.id order by s.name") == [
        ("request", 2),
        ("parcel", 1),
    ]
    supply.sent("T1", l1=2)
    assert supply.states == [RequestState.SENT]


@on_sqlite
def test_what_nobody_else_has_waits_and_says_why(supply: Supplied) -> None:

    supply.dock.sell(C=1)
    supply.refuse()

    order = str(books.one(supply.house.hub, "select id from orders"))
    with supply.house.hub.unit() as work:
        assert releasing.release(supply.house.hub, work, supply.merchant, [order]) == {order: "refused"}
    parties.ask_again(supply.house.hub, supply.merchant, supply.id, ANN)
    supply.dock.release()
    assert supply.states == [RequestState.REJECTED, RequestState.ASKED]


# ---- whatever is lost


@pytest.mark.parametrize("came", [True, False])
@pytest.mark.parametrize("error", [OutcomeUnknown("lost"), Unavailable("away")], ids=["unknown", "unavailable"])
def test_a_letter_whose_answer_was_lost_is_the_same_letter_again(supply: Supplied, error: Exception, came: bool) -> None:
    supply.box.next = [(error, came)]
    supply.dock.sell(C=1)
    pass_(supply, timedelta(minutes=1))

    assert len(supply.box.tries) == 2
    assert len(supply.box.letters) == 1
    assert supply.states == [RequestState.ASKED]


@on_sqlite
def test_asked_again_by_somebody_it_is_another_letter_about_the_same_request(supply: Supplied) -> None:
    supply.dock.sell(C=1)
    supply.house.clock.pass_(timedelta(hours=1))
    parties.ask_again(supply.house.hub, supply.merchant, supply.id, ANN)
    supply.house.drain()

    first, second = supply.box.letters
    assert first.split(".")[0] == second.split(".")[0] == supply.id
    assert supply.states == [RequestState.ASKED]


@on_sqlite
def test_a_house_without_a_way_out_for_mail_says_so(supply: Supplied) -> None:
    supply.house.hub.post = None
    supply.dock.sell(C=1)

    assert (supply.states, parked(supply)) == ([RequestState.WANTED], ["Refused"])


@on_sqlite
def test_who_does_not_answer_in_time_is_shown_until_they_do(supply: Supplied) -> None:
    supply.dock.sell(C=1)
    pass_(supply, timedelta(hours=23))
    assert parked(supply) == []
    pass_(supply, timedelta(hours=2))
    assert parked(supply) == ["NoAnswer"]

    supply.accept()
    assert parked(supply) == []
    pass_(supply, timedelta(hours=80))
    assert parked(supply) == ["NoAnswer"]
    supply.sent("T1")
    assert parked(supply) == []


# ---- what they say


@on_sqlite
def test_a_parcel_told_twice_leaves_once(supply: Supplied) -> None:
    number = supply.dock.sell(C=3)
    assert supply.sent("T1", l1=1)
    assert not supply.sent("T1", l1=1)
    supply.sent("T2", l1=2)
    assert not supply.sent("T2", l1=2)

    assert len(supply.house.bogus.orders[number]["shipped"]) == 2
    assert supply.level("C") == (7, 0)


@on_sqlite
def test_more_than_is_open_is_not_taken(supply: Supplied) -> None:
    supply.dock.sell(C=2)
    supply.sent("T1", l1=1)
    with pytest.raises(TooMany):
        supply.sent("T2", l1=2)
    with pytest.raises(Refused):
        supply.refuse({"1": 2})
    with pytest.raises(Refused):
        supply.sent("", l1=1)


@pytest.mark.parametrize("order", list(permutations(("accept", "sent", "refuse", "withdraw"))), ids="-".join)
@on_sqlite
def test_in_whatever_order_things_are_said_nothing_leaves_twice_and_nothing_is_lost(supply: Supplied, order: tuple[str, ...]) -> None:
    """Who is told to stop and had said a word is waited for: they say that they did at the end."""
    number, first = supply.dock.sell(C=2), supply.id
    acts = {"accept": supply.accept, "sent": lambda: supply.sent("T1", l1=1), "refuse": supply.refuse, "withdraw": supply.withdraw}
    for name in order:
        if supply.id != first:
            break  # it was withdrawn and they were asked anew
        try:
            acts[name]()
        except Refused:
            supply.house.drain()
    known = supply.shares(first)["1"]
    assert known.units == known.sent + known.refused + known.open
    left = sum(line["quantity"] for one in supply.house.bogus.orders[number].get("shipped", ()) for line in one["lines"])
    assert left == known.sent
    on_hand, reserved = supply.level("C")
    assert (on_hand, reserved) == (10 - left, 2 - left)


@on_sqlite
def test_an_order_that_is_cancelled_is_called_back_from_who_had_not_answered(supply: Supplied) -> None:
    number = supply.dock.sell(C=2)
    supply.house.bogus.change(number, cancelled_at=supply.house.clock().isoformat())
    supply.dock.poll()

    assert supply.states == [RequestState.WITHDRAWN]
    assert [one.title for one in supply.box.letters.values()] == ["Please send S1", "Please do not send S1"]
    assert supply.dock.state() is State.CANCELLED
    assert supply.level("C") == (10, 0)

    supply.sent("T1", l1=2)
    assert supply.dock.shipments() == [("S1", "cancelled", "sent_anyway")]
    assert supply.level("C") == (10, 0)
    assert books.rows(supply.house.hub, "select count(*) from events where kind = 'RequestMoved' and body like '%anyway%'") == [(1,)]
    assert not supply.sent("T1", l1=2)


@on_sqlite
def test_who_had_accepted_is_waited_for_before_anything_is_sold_again(supply: Supplied) -> None:
    number = supply.dock.sell(C=2)
    supply.accept()
    supply.house.bogus.change(number, cancelled_at=supply.house.clock().isoformat())
    supply.dock.poll()

    assert supply.states == [RequestState.WITHDRAWING]
    assert supply.dock.shipments() == [("S1", "released", "withdrawing")]
    supply.house.bogus.change(number, note="looked at again")
    supply.dock.poll()
    pass_(supply, timedelta(hours=25))
    assert parked(supply) == ["NoAnswer"]
    supply.stopped()
    assert (supply.states, parked(supply)) == ([RequestState.WITHDRAWN], [])
    assert supply.dock.state() is State.CANCELLED


@on_sqlite
def test_a_lost_answer_to_the_letter_that_stops_them_stops_them_once(supply: Supplied) -> None:
    supply.dock.sell(C=1)
    supply.box.next = [(OutcomeUnknown("lost"), True)]
    parties.withdraw(supply.house.hub, supply.merchant, supply.id, ANN)
    supply.house.drain()
    pass_(supply, timedelta(minutes=1))

    assert [one for one in supply.box.letters if one.endswith(".stop")] == [f"{supply.asked()[0].id}.stop"]
    assert supply.asked()[0].state is RequestState.WITHDRAWN


@on_sqlite
def test_what_was_never_said_is_withdrawn_without_a_word(supply: Supplied) -> None:
    supply.house.hub.post = None
    supply.dock.sell(C=1)
    with supply.house.hub.unit() as work:
        run(work.db, "update requests set tried_at = null")
    parties.withdraw(supply.house.hub, supply.merchant, supply.id, ANN)

    assert supply.asked()[0].state is RequestState.WITHDRAWN
    with pytest.raises(Over):
        parties.withdraw(supply.house.hub, supply.merchant, supply.asked()[0].id, ANN)


@on_sqlite
def test_nobody_is_asked_to_send_to_a_buyer_who_was_forgotten_and_what_they_said_goes_too(supply: Supplied) -> None:
    supply.box.next = [(Unavailable("away"), False)]
    supply.dock.sell(C=1)
    with supply.house.hub.unit() as work:
        requests.say(work.db, supply.id, supply.house.hub.box(supply.merchant), words="Nadia Osei is not at home")
        order, ref = supply.asked()[0].order_id, f"{supply.house.connection.id}/1001"
        privacy.forget(work.db, supply.merchant, [Sealed(order, ref, None)], notes=True)
    pass_(supply, timedelta(minutes=1))

    assert (supply.box.letters, supply.states, parked(supply)) == ({}, [RequestState.WANTED], ["Refused"])
    assert supply.asked()[0].words is None


# ---- other ways


def through(house: House) -> Supplied:
    return supplied(house, Asking(Way.CONNECTION, connection=house.connection.id))


@pytest.mark.parametrize("after_the_work", [True, False])
@on_sqlite
def test_a_connected_system_whose_answer_was_lost_is_asked_before_it_is_told_again(house: House, after_the_work: bool) -> None:
    supply = through(house)
    house.bogus.next("fulfill", OutcomeUnknown("lost"), after_the_work)
    supply.dock.sell(C=1)
    pass_(supply, timedelta(minutes=1))

    assert [name for name, _ in house.bogus.calls if name == "fulfill"] == ["fulfill"] * (1 if after_the_work else 2)
    assert list(house.bogus.asked) == [supply.id]
    assert supply.states == [RequestState.ASKED]


@on_sqlite
def test_a_connected_system_tells_by_itself_what_it_sent_and_what_it_refuses(house: House) -> None:

    supply = through(house)
    supply.dock.sell(C=3)
    wish, said = house.bogus.asked[supply.id]
    house.bogus.asked[supply.id] = (wish, replace(said, state=RequestState.ACCEPTED, parcels=(parcel("T1", **{"1": 2}),), refused={"1": 1}))
    pass_(supply, timedelta(minutes=31))
    pass_(supply, timedelta(minutes=31))

    assert supply.states == [RequestState.SENT]
    assert (supply.shares()["1"].sent, supply.shares()["1"].refused) == (2, 1)
    assert supply.asked()[0].number == "B-1"


@on_sqlite
def test_what_a_connected_system_declines_is_refused(house: House) -> None:
    supply = through(house)
    house.bogus.next("fulfill", Refused("no", words="We do not know C."))
    supply.dock.sell(C=1)

    assert (supply.states, parked(supply)) == ([RequestState.REJECTED], [])


@on_sqlite
def test_a_connected_system_that_sent_it_already_is_not_stopped(house: House) -> None:

    supply = through(house)
    supply.dock.sell(C=2)
    wish, said = house.bogus.asked[supply.id]
    house.bogus.asked[supply.id] = (wish, replace(said, state=RequestState.SENT, parcels=(parcel("T1", **{"1": 2}),)))
    supply.withdraw()
    pass_(supply, timedelta(minutes=31))

    assert supply.states == [RequestState.SENT]
    assert supply.dock.shipments() == [("S1", "sent", "sent_anyway")]


@pytest.mark.parametrize("after_the_work", [True, False])
@on_sqlite
def test_a_connected_system_that_takes_its_time_to_stop_is_asked_until_it_did(house: House, after_the_work: bool) -> None:
    supply = through(house)
    supply.dock.sell(C=2)
    house.bogus.queues = True
    house.bogus.next("call_back", OutcomeUnknown("lost"), after_the_work)
    first = supply.id
    parties.withdraw(house.hub, supply.merchant, first, ANN)
    pass_(supply, timedelta(minutes=1))
    pass_(supply, timedelta(minutes=1))
    assert supply.states == [RequestState.WITHDRAWING]

    wish, said = house.bogus.asked[first]
    house.bogus.asked[first] = (wish, replace(said, state=RequestState.WITHDRAWN))
    pass_(supply, timedelta(minutes=31))

    assert supply.asked()[0].state is RequestState.WITHDRAWN
    assert [name for name, _ in house.bogus.calls if name == "call_back"] == ["call_back"] * 2


# ---- what we do not do ourselves


@on_sqlite
def test_no_label_is_bought_for_what_somebody_else_sends(supply: Supplied) -> None:
    supply.dock.sell(C=1)
    with pytest.raises(Refused, match="somebody else sends it"):
        supply.dock.want()
    assert list(supply.dock.send().values()) == ["somebody else sends it: they are asked to, and tell when it left"]
