"""From a reserved order to a parcel that its channel knows of: once each, whatever is lost on the way."""

from datetime import timedelta
from typing import Any

import pytest

from connectors.bogus.carrier import BogusPost, Purchase, manifest
from core.domain.acts import Act
from core.domain.shipments import Rules, State
from core.domain.shipping import Progress
from core.errors import OutcomeUnknown, Refused, Unavailable
from core.flows import connections as flows
from core.flows import desk, labelling, rating, sending, sites
from core.flows.allocation import ask_waiting
from core.flows.desk import Wish
from core.store import parcels, privacy
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.depot import ANN, BUYER, Depot, depot
from tests.flows.marks import on_sqlite


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10, B=10)
    return depot(house)


def told(dock: Depot) -> list[tuple[str, ...]]:
    """The tracking numbers that the channel was told, order by order, as often as it was."""
    return [tuple(parcel["tracking"]) for order in dock.house.bogus.orders.values() for parcel in order.get("shipped", ())]


def live(dock: Depot) -> list[Purchase]:
    return dock.post.live()


# ---- the walk


def test_an_order_is_released_labelled_sent_and_its_channel_knows_of_it(dock: Depot) -> None:
    dock.sell(A=2)
    assert dock.shipments() == [("S1", "released", None)]

    dock.label()
    assert dock.state() is State.LABELLED
    assert [one.bought.tracking for one in live(dock)] == [("BP00000001",)]
    assert books.level(dock.house.hub, "A") == (10, 2)

    assert dock.send() == {}
    assert dock.state() is State.SENT
    assert books.level(dock.house.hub, "A") == (8, 0)
    assert told(dock) == [("BP00000001",)]


def test_what_the_channel_says_of_our_own_parcel_moves_no_stock_again(dock: Depot) -> None:
    dock.sell(A=2)
    dock.label()
    dock.send()

    dock.poll()

    assert books.level(dock.house.hub, "A") == (8, 0)
    assert books.rows(dock.house.hub, "select gone, booked_gone, released, sent from order_lines") == [(2, 2, 0, 2)]
    assert books.one(dock.house.hub, "select status from orders") == "fulfilled"
    assert dock.shipments() == [("S1", "sent", None)]


def test_the_story_of_the_order_tells_it(dock: Depot) -> None:
    dock.sell(A=2)
    dock.label()
    dock.send()

    kinds = [kind for (kind,) in books.rows(dock.house.hub, "select kind from events order by id")]

    assert [kind for kind in kinds if kind.startswith(("Shipment", "Label", "Parcel", "UnitsLeft"))] == [
        "ShipmentMade", "LabelBought", "ShipmentSent", "UnitsLeft", "ParcelTold",
    ]  # fmt: skip


@on_sqlite
def test_a_parcel_that_goes_by_hand_is_told_by_what_was_typed(dock: Depot) -> None:
    dock.sell(A=1)

    sending.send(dock.house.hub, dock.merchant, [dock.id()], ANN, sending.Typed("Harbor Bikes", "HB-7"))
    dock.house.drain()

    assert told(dock) == [("HB-7",)]
    assert live(dock) == []


@on_sqlite
def test_a_carrier_is_asked_where_it_is_until_it_is_there(dock: Depot) -> None:
    dock.sell(A=1)
    dock.label()
    dock.send()
    dock.post.scan("BP00000001", Progress.IN_TRANSIT, "Boston")

    dock.house.clock.pass_(timedelta(hours=2))
    dock.house.ask("track_parcels", dock.carrier.id, dock.carrier)
    dock.house.drain()
    assert books.rows(dock.house.hub, "select progress from parcels") == [("in_transit",)]

    dock.post.scan("BP00000001", Progress.DELIVERED, "Austin")
    dock.house.clock.pass_(timedelta(hours=5))
    dock.house.ask("track_parcels", dock.carrier.id, dock.carrier)
    dock.house.drain()
    assert books.rows(dock.house.hub, "select progress, look_at from parcels") == [("delivered", None)]
    assert books.rows(dock.house.hub, "select count(*) from tracks") == [(2,)]


# ---- what is not released


@on_sqlite
@pytest.mark.parametrize(
    "different", [{"payment": "unpaid"}, {"ship_to": None}, {"cancel_requested": True}, {"test": True}], ids=lambda one: next(iter(one))
)
def test_what_must_not_leave_is_not_released(dock: Depot, different: dict[str, object]) -> None:
    dock.house.bogus.sell({"A": 1}, **{"ship_to": BUYER, **different})

    dock.poll()

    assert dock.shipments() == []


@on_sqlite
def test_an_order_that_is_held_waits_and_goes_when_it_is_let_go(dock: Depot) -> None:
    dock.house.bogus.sell({"A": 1}, ship_to=BUYER)
    dock.house.clock.pass_(timedelta(minutes=5))
    dock.house.poll()
    order = str(books.one(dock.house.hub, "select id from orders"))
    desk.act(dock.house.hub, dock.merchant, ANN, Wish("a1", Act.HOLD, [order], "address", ""))
    dock.release()
    assert dock.shipments() == []

    desk.act(dock.house.hub, dock.merchant, ANN, Wish("a2", Act.RELEASE, [order], "", ""))
    dock.release()
    assert dock.shipments() == [("S1", "released", None)]


@on_sqlite
def test_an_order_of_which_not_all_is_there_is_sent_whole_later(dock: Depot) -> None:
    dock.sell(A=12)
    assert dock.shipments() == []

    acts.count(dock.house, A=12)
    with dock.house.hub.unit() as work:
        ask_waiting(work, dock.merchant)
    dock.house.drain()
    dock.release()

    assert dock.shipments() == [("S1", "released", None)]


@on_sqlite
def test_releasing_again_releases_nothing_twice(dock: Depot) -> None:
    dock.sell(A=2, B=1)

    dock.release()
    dock.release()

    assert dock.shipments() == [("S1", "released", None)]
    assert books.rows(dock.house.hub, "select line, released from order_lines order by line") == [("1", 2), ("2", 1)]


@on_sqlite
def test_a_merchant_says_what_must_hold_before_an_order_leaves(dock: Depot) -> None:
    def let(**rules: Any) -> None:
        sites.set_rules(dock.house.hub, dock.merchant, ANN, Rules(**rules))
        dock.release()

    dock.house.bogus.sell({"A": 1}, ship_to=BUYER, payment="unpaid")
    let(grace=timedelta(hours=1), terms=True)
    dock.poll()
    assert dock.shipments() == []

    dock.house.clock.pass_(timedelta(hours=1))
    let(grace=timedelta(hours=1))
    assert dock.shipments() == []
    let(grace=timedelta(hours=1), terms=True)
    assert dock.shipments() == [("S1", "released", None)]


@on_sqlite
def test_what_is_there_leaves_before_the_rest_where_the_merchant_says_so(dock: Depot) -> None:
    sites.set_rules(dock.house.hub, dock.merchant, ANN, Rules(part=True))
    dock.sell(A=4, B=12)
    order = str(books.one(dock.house.hub, "select id from orders"))
    desk.act(dock.house.hub, dock.merchant, ANN, Wish("let go", Act.RELEASE, [order], "", ""))

    dock.release()

    assert dock.shipments() == [("S1", "released", None)]
    assert books.rows(dock.house.hub, "select line, units from shipment_lines order by line") == [("1", 4), ("2", 10)]


# ---- one label, whatever is lost


@pytest.mark.parametrize("after_the_work", [True, False])
@pytest.mark.parametrize("error", [OutcomeUnknown("lost"), Unavailable("lost")], ids=["unknown", "unavailable"])
def test_a_purchase_whose_answer_is_lost_is_looked_up_and_not_bought_twice(dock: Depot, error: Exception, after_the_work: bool) -> None:
    dock.sell(A=1)
    dock.post.next("buy", error, after_the_work)

    dock.label()
    dock.house.clock.pass_(timedelta(minutes=2))
    dock.house.work(timedelta(minutes=1))

    assert len(dock.post.purchases) == 1
    assert dock.state() is State.LABELLED
    assert [call for call, _ in dock.post.calls if call in ("buy", "find")][:2] == ["buy", "find"]


@on_sqlite
def test_a_carrier_that_cannot_be_asked_waits_for_a_person_who_looks(dock: Depot) -> None:
    dock.sell(A=1)
    dock.post.forgets = True
    dock.post.next("buy", OutcomeUnknown("lost"))
    key = dock.want()
    dock.house.work(timedelta(minutes=2))
    assert books.rows(dock.house.hub, "select state from tasks where kind = 'buy_labels'") == [("parked",)]
    with pytest.raises(labelling.NotThen):
        dock.want()

    labelling.checked(dock.house.hub, dock.merchant, key, ANN)
    dock.house.drain()
    dock.label()

    assert len(live(dock)) == 1
    assert dock.state() is State.LABELLED


@on_sqlite
def test_papers_that_were_lost_are_printed_again_or_the_label_is_given_back_and_bought_anew(dock: Depot) -> None:
    dock.sell(A=1)
    dock.post.blank = True
    dock.post.next("buy", OutcomeUnknown("lost"), after_the_work=True)
    dock.want()
    dock.house.work(timedelta(minutes=2))
    assert dock.state() is State.LABELLED
    assert len(dock.post.purchases) == 1

    dock.sell(B=1)
    dock.post.prints = False
    dock.post.next("buy", OutcomeUnknown("lost"), after_the_work=True)
    dock.want("S2")
    dock.house.work(timedelta(minutes=3))
    assert dock.state("S2") is State.LABELLED
    assert [one.voided for one in dock.post.purchases] == [False, True, False]


@on_sqlite
def test_a_carrier_that_knows_late_what_it_sold_is_given_its_time_after_each_try(dock: Depot) -> None:
    dock.post.known_after_s = 1000.0
    dock.house.hub.connectors = {**dock.house.hub.connectors, "bogus_post": manifest(dock.post)}
    dock.sell(A=1)
    dock.post.next("buy", Unavailable("it never arrived"))
    dock.want()
    dock.house.work(timedelta(minutes=1))
    dock.post.next("buy", OutcomeUnknown("lost"), after_the_work=True)

    for _ in range(40):
        dock.house.clock.pass_(timedelta(minutes=4))
        dock.house.ask("buy_labels", str(books.one(dock.house.hub, "select id from purchases")), dock.carrier)
        dock.house.work(timedelta(seconds=2))

    assert len(dock.post.purchases) == 1
    assert dock.state() is State.LABELLED


@on_sqlite
def test_what_the_carrier_declines_is_told_in_its_words_and_can_be_tried_again(dock: Depot) -> None:
    dock.sell(A=1)
    dock.post.next("buy", Refused("the carrier refused", words="A parcel may weigh 30 kg."))
    key = dock.want()
    dock.house.drain()
    assert dock.shipments() == [("S1", "released", "carrier")]
    assert books.rows(dock.house.hub, f"select state from purchases where id = '{key}'") == [("failed",)]

    dock.label()
    assert dock.shipments() == [("S1", "labelled", None)]


@on_sqlite
def test_two_who_want_a_label_at_once_get_one(dock: Depot) -> None:
    dock.sell(A=1)
    dock.want()

    with pytest.raises(labelling.NotThen):
        dock.want()
    dock.house.drain()

    assert len(dock.post.purchases) == 1


def test_what_is_being_given_back_does_not_leave(dock: Depot) -> None:
    dock.sell(A=1)
    dock.label()
    labelling.give_back(dock.house.hub, dock.merchant, dock.id(), ANN)

    said = sending.send(dock.house.hub, dock.merchant, [dock.id()], ANN)
    dock.house.drain()

    assert list(said.values()) == ["its label is being given back"]
    assert (dock.state(), live(dock), told(dock)) == (State.PACKED, [], [])
    dock.label()
    assert dock.send() == {}
    assert len(live(dock)) == len(told(dock)) == 1


@on_sqlite
@pytest.mark.parametrize("bought", [True, False])
def test_what_has_a_label_does_not_go_by_hand_as_well(dock: Depot, bought: bool) -> None:
    dock.sell(A=1)
    dock.post.next("buy", OutcomeUnknown("lost"), after_the_work=True)
    dock.want()
    if bought:
        dock.house.work(timedelta(minutes=2))
    else:
        dock.house.drain()

    said = sending.send(dock.house.hub, dock.merchant, [dock.id()], ANN, sending.Typed("Harbor Bikes", "HB-7"))
    dock.house.work(timedelta(minutes=2))

    assert list(said.values()) == ["it has a label, or one is being bought: give it back first"]
    assert (dock.state(), len(live(dock)), told(dock)) == (State.LABELLED, 1, [])


@on_sqlite
def test_what_was_cancelled_between_two_tries_is_not_bought(dock: Depot) -> None:
    number = dock.sell(A=1)
    dock.post.next("buy", OutcomeUnknown("lost"))
    dock.want()
    dock.house.drain()
    acts.cancel(dock.house.bogus, number)
    acts.deliver(dock.house, [acts.notice(dock.house.bogus.orders[number], "cancelled")])
    dock.house.drain()

    dock.house.work(timedelta(minutes=2))

    assert dock.state() is State.CANCELLED
    assert dock.post.purchases == []


@on_sqlite
@pytest.mark.parametrize("cancelled", [True, False])
def test_a_label_that_is_not_taken_back_is_thrown_away_and_stays_paid(dock: Depot, cancelled: bool) -> None:
    number = dock.sell(A=1)
    dock.label()
    dock.post.scan("BP00000001", Progress.PICKED_UP)
    if cancelled:
        acts.cancel(dock.house.bogus, number)
        dock.poll()
    else:
        labelling.give_back(dock.house.hub, dock.merchant, dock.id(), ANN)
        dock.house.drain()
    assert dock.shipments() == [("S1", "labelled", "not_voided")]

    labelling.throw_away(dock.house.hub, dock.merchant, dock.id(), ANN)

    assert dock.state() is (State.CANCELLED if cancelled else State.PACKED)
    assert books.rows(
        dock.house.hub, "select p.state, c.tracking, c.purchase from purchases p join parcels c on c.shipment = p.shipment"
    ) == [("kept", None, None)]
    with pytest.raises(labelling.NotThen):
        labelling.throw_away(dock.house.hub, dock.merchant, dock.id(), ANN)


@on_sqlite
@pytest.mark.parametrize("cancelled", [True, False])
def test_a_label_that_was_not_taken_back_is_tried_again_and_what_was_cancelled_ends(dock: Depot, cancelled: bool) -> None:
    number = dock.sell(A=1)
    dock.label()
    dock.post.scan("BP00000001", Progress.PICKED_UP)
    if cancelled:
        acts.cancel(dock.house.bogus, number)
        dock.poll()
    else:
        labelling.give_back(dock.house.hub, dock.merchant, dock.id(), ANN)
        dock.house.drain()
    dock.post.purchases[0].steps.clear()  # it was another parcel that they scanned

    labelling.give_back(dock.house.hub, dock.merchant, dock.id(), ANN)
    dock.house.drain()

    assert dock.shipments()[0] == ("S1", "cancelled" if cancelled else "packed", None)
    assert books.one(dock.house.hub, "select state from purchases") == "voided"
    assert books.one(dock.house.hub, "select words from purchases") is None


# ---- changed under our hands


@on_sqlite
@pytest.mark.parametrize("labelled", [False, True])
def test_a_cancelled_order_takes_its_shipment_apart_and_gives_its_label_back(dock: Depot, labelled: bool) -> None:
    number = dock.sell(A=2)
    if labelled:
        dock.label()

    acts.cancel(dock.house.bogus, number)
    dock.poll()

    assert dock.state() is State.CANCELLED
    assert live(dock) == []
    assert books.level(dock.house.hub, "A") == (10, 0)
    assert books.rows(dock.house.hub, "select released, sent from order_lines") == [(0, 0)]


@on_sqlite
def test_a_label_that_is_being_bought_while_the_order_is_cancelled_is_given_back(dock: Depot) -> None:
    number = dock.sell(A=2)
    dock.post.next("buy", OutcomeUnknown("lost"), after_the_work=True)
    dock.want()
    acts.cancel(dock.house.bogus, number)

    dock.poll()
    dock.house.work(timedelta(minutes=3))

    assert dock.state() is State.CANCELLED
    assert live(dock) == []


@on_sqlite
def test_an_edited_order_is_made_ready_anew(dock: Depot) -> None:
    number = dock.sell(A=2)
    dock.label()
    document = dock.house.bogus.orders[number]

    dock.house.bogus.change(number, lines=[{**document["lines"][0], "quantity": 1}])
    dock.poll()
    dock.release()

    assert [(name, state) for name, state, _ in dock.shipments()] == [("S1", "cancelled"), ("S2", "released")]
    assert live(dock) == []
    assert books.rows(dock.house.hub, "select units from shipment_lines order by shipment desc limit 1") == [(1,)]


@on_sqlite
def test_a_new_address_stops_the_shipment_and_another_is_made(dock: Depot) -> None:
    number = dock.sell(A=2)

    dock.house.bogus.change(number, ship_to={**BUYER, "street1": "9 Cedar Street"})
    dock.poll()
    dock.release()

    assert [state for _, state, _ in dock.shipments()] == ["cancelled", "released"]


@on_sqlite
def test_a_wish_to_cancel_blocks_label_and_departure_until_it_is_answered(dock: Depot) -> None:
    number = dock.sell(A=2)
    dock.label()
    dock.house.bogus.change(number, cancel_requested=True)
    dock.poll()

    assert list(dock.send().values()) == ["it stops: cancelling"]

    dock.house.bogus.change(number, cancel_requested=False)
    dock.poll()
    assert dock.send() == {}


@on_sqlite
def test_after_it_left_nothing_is_voided_or_put_back(dock: Depot) -> None:
    number = dock.sell(A=2)
    dock.label()
    dock.send()

    acts.cancel(dock.house.bogus, number)
    dock.poll()

    assert dock.state() is State.SENT
    assert len(live(dock)) == 1
    assert books.level(dock.house.hub, "A") == (8, 0)


# ---- one confirmation, whatever is lost


@pytest.mark.parametrize("after_the_work", [True, False])
def test_a_confirmation_whose_answer_is_lost_is_looked_for_and_not_said_twice(dock: Depot, after_the_work: bool) -> None:
    dock.sell(A=1)
    dock.label()
    dock.house.bogus.next("confirm", OutcomeUnknown("lost"), after_the_work)

    dock.send()
    dock.house.work(timedelta(minutes=2))

    assert told(dock) == [("BP00000001",)]
    assert books.rows(dock.house.hub, "select count(*) from parcels where told_at is not null") == [(1,)]


@on_sqlite
def test_a_label_that_is_not_sent_is_no_confirmation(dock: Depot) -> None:
    dock.sell(A=1)
    dock.label()
    dock.poll()

    assert told(dock) == []
    assert books.level(dock.house.hub, "A") == (10, 1)


# ---- the best of what carriers offer


@pytest.fixture
def second(dock: Depot) -> BogusPost:
    """Another carrier, twice as dear."""
    other = BogusPost(clock=dock.house.clock, dearer=2)
    dock.house.hub.connectors = {**dock.house.hub.connectors, "dear_post": manifest(other, "dear_post")}
    flows.connect(dock.house.hub, dock.merchant, "dear_post", "dock 5", {})
    dock.house.drain()
    return other


def shop(dock: Depot, *, buy: bool = True) -> None:
    dock.weigh()
    rating.ask(dock.house.hub, dock.merchant, [dock.id()], ANN, buy=buy)


@on_sqlite
def test_the_cheapest_of_all_carriers_is_bought_without_waiting_once_all_have_answered(dock: Depot, second: BogusPost) -> None:
    dock.sell(A=1)

    shop(dock)
    dock.house.drain()

    assert dock.state() is State.LABELLED
    assert [one.service for one in dock.post.purchases] == ["slow"]
    assert second.purchases == []


@on_sqlite
def test_a_carrier_that_is_dead_does_not_stop_the_others(dock: Depot, second: BogusPost) -> None:
    dock.sell(A=1)
    for _ in range(9):
        dock.post.next("rates", Unavailable("dead"))

    shop(dock)
    dock.house.work(timedelta(seconds=10))

    assert dock.state() is State.LABELLED
    assert [one.service for one in second.purchases] == ["slow"]


@on_sqlite
def test_what_arrives_by_the_promised_day_is_taken_before_what_is_cheaper(dock: Depot) -> None:
    dock.house.bogus.sell({"A": 1}, ship_to=BUYER, deliver_by=(dock.house.clock.now + timedelta(days=2)).isoformat())
    dock.poll()

    shop(dock)
    dock.house.drain()

    assert [one.service for one in dock.post.purchases] == ["fast"]


@on_sqlite
def test_where_nobody_goes_it_says_so_in_their_words(dock: Depot) -> None:
    dock.house.bogus.sell({"A": 1}, ship_to={**BUYER, "country": "AQ"})
    dock.poll()

    shop(dock)
    dock.house.work(timedelta(seconds=10))

    assert dock.shipments()[0][1:] == ("released", "no_rates")


@on_sqlite
def test_offers_are_kept_and_shown_the_cheapest_first(dock: Depot, second: BogusPost) -> None:
    dock.sell(A=1)

    shop(dock, buy=False)
    dock.house.drain()

    with dock.house.hub.database.read() as db:
        found = parcels.quotes(db, dock.merchant, dock.id(), dock.house.hub.box(dock.merchant))
    prices = [one.offer.quote.price.minor for one in found if one.offer]
    assert prices == sorted(prices) and len(prices) == 4
    assert dock.state() is State.RELEASED


# ---- buyers are forgotten


def test_whom_it_went_to_is_forgotten_with_its_papers(dock: Depot) -> None:
    number = dock.sell(A=1)
    dock.label()
    dock.send()

    with dock.house.hub.unit() as work:
        some = privacy.these(work.db, dock.merchant, dock.house.connection.id, [number])
        privacy.forget(work.db, dock.merchant, some, notes=True)

    kept = (
        books.rows(dock.house.hub, "select person, problem_words from shipments"),
        books.rows(dock.house.hub, "select wish, words from purchases"),
    )
    assert kept == ([("", None)], [("", None)])
    assert books.rows(dock.house.hub, "select count(*) from papers") == [(0,)]
    assert dock.state() is State.SENT


@on_sqlite
def test_a_label_that_nobody_tried_to_buy_is_not_bought_for_somebody_who_is_forgotten(dock: Depot) -> None:
    number = dock.sell(A=1)
    dock.want()

    with dock.house.hub.unit() as work:
        privacy.forget(work.db, dock.merchant, privacy.these(work.db, dock.merchant, dock.house.connection.id, [number]), notes=True)
    dock.house.drain()

    assert dock.post.purchases == []
    assert dock.state() is State.RELEASED


def test_an_account_that_is_erased_takes_its_orders_shipments_with_it_and_a_carrier_none(dock: Depot) -> None:
    number = dock.sell(A=1)
    dock.label()
    with dock.house.hub.unit() as work:
        while not privacy.erase_rest(work.db, dock.merchant, dock.carrier.id, 0):
            pass
    assert dock.shipments() == [("S1", "labelled", None)]

    with dock.house.hub.unit() as work:
        some = privacy.these(work.db, dock.merchant, dock.house.connection.id, [number])
        privacy.erase_orders(work.db, dock.merchant, some, [])

    tables = ("shipments", "shipment_lines", "parcels", "purchases", "papers", "quotes", "tracks", "buyer_letters")
    assert [books.one(dock.house.hub, f"select count(*) from {table}") for table in tables] == [0] * len(tables)


def test_of_no_shipment_no_carrier_is_asked(dock: Depot) -> None:
    assert rating.ask(dock.house.hub, dock.merchant, [], ANN, buy=True) == 0
