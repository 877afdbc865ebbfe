"""Around a parcel: several of one shipment, several orders in one, goods once more, and addresses that staff corrected."""

from datetime import timedelta

import pytest

from connectors.bogus.carrier import manifest
from core.domain.acts import Act
from core.domain.shipments import Again
from core.domain.shipping import CancelReason, Progress, Sent, SentLine, Step, Tracked
from core.domain.telling import Kind, Telling
from core.errors import OutcomeUnknown, Refused
from core.flows import addressing, calling_off, collecting, desk, labelling, packing, printing, reshipping, sending, telling, together
from core.flows.doctor import examine
from core.store import corrections, privacy
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.depot import ANN, BUYER, Depot, depot
from tests.flows.marks import on_sqlite


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10, B=10)
    return depot(house)


def contents(dock: Depot) -> list[tuple[object, ...]]:
    return books.rows(dock.house.hub, "select number, contents, weight_g from parcels order by number")


# ---- several parcels of one shipment


def test_a_shipment_goes_in_two_parcels_bought_at_once_and_each_is_told_with_its_own_lines(dock: Depot) -> None:
    number = dock.sell(A=2, B=1)
    packing.split_scanned(dock.house.hub, dock.merchant, dock.id(), [{"A": 1}, {"A": 1, "B": 1}], ANN)
    for parcel, grams in ((1, 400), (2, 900)):
        packing.weigh(dock.house.hub, dock.merchant, dock.id(), grams, ANN, number=parcel)
        assert dock.state() == ("released" if parcel == 1 else "packed")

    labelling.want(dock.house.hub, dock.merchant, dock.id(), dock.carrier.id, "slow", ANN)
    dock.house.drain()
    dock.send()

    [bought] = dock.post.live()
    assert [(box.weight_g, box.value and box.value.minor) for box in bought.wish.boxes] == [(400, 1000), (900, 2000)]
    told = sorted(dock.house.bogus.shipments(number), key=lambda one: str(one["tracking"]))
    assert [(one["tracking"], [(part["line"], part["quantity"]) for part in one["lines"]]) for one in told] == [
        (["BP00000001"], [("1", 1)]), (["BP00000002"], [("1", 1), ("2", 1)]),
    ]  # fmt: skip
    assert books.level(dock.house.hub, "A") == (8, 0)


@on_sqlite
def test_another_parcel_takes_units_out_of_the_first_and_all_goes_back_into_one(dock: Depot) -> None:
    dock.sell(A=3)
    for _ in range(2):
        packing.move_on(dock.house.hub, dock.merchant, dock.id(), {"1": 1}, ANN)
    assert [row[:2] for row in contents(dock)] == [(1, '{"1":1}'), (2, '{"1":1}'), (3, '{"1":1}')]

    packing.join(dock.house.hub, dock.merchant, dock.id(), ANN)

    assert [row[:2] for row in contents(dock)] == [(1, '{"1":3}')]
    acts = books.rows(dock.house.hub, "select act from audit where act like 'shipment%'")
    assert acts == [("shipment.split",)] * 3


@on_sqlite
def test_a_carrier_of_single_parcels_says_so_before_anything_is_bought(dock: Depot) -> None:
    dock.post.boxes = 1
    dock.house.hub.connectors = {**dock.house.hub.connectors, "bogus_post": manifest(dock.post)}
    dock.sell(A=2)
    packing.move_on(dock.house.hub, dock.merchant, dock.id(), {"1": 1}, ANN)

    with pytest.raises(Refused, match="so many parcels at most: 1"):
        dock.want()

    assert dock.post.purchases == []


@on_sqlite
def test_what_has_a_label_stays_in_its_parcels(dock: Depot) -> None:
    dock.sell(A=2)
    dock.label()

    for act in (lambda: packing.join(dock.house.hub, dock.merchant, dock.id(), ANN),
                lambda: packing.move_on(dock.house.hub, dock.merchant, dock.id(), {"1": 1}, ANN),
                lambda: packing.set_apart(dock.house.hub, dock.merchant, dock.id(), [{"A": 1}], ANN)):  # fmt: skip
        with pytest.raises(labelling.NotThen):
            act()
    with pytest.raises(Refused):
        packing.weigh(dock.house.hub, dock.merchant, dock.id(), 100, ANN, number=2)


# ---- an address that one of us corrected

CEDAR = {"name": "Nadia Osei", "street1": "9 Cedar Street", "city": "Austin", "postcode": "78702", "country": "us"}


def order_of(dock: Depot, at: int = 0) -> str:
    return str(books.rows(dock.house.hub, "select id from orders order by placed_at, channel_id")[at][0])


def correct(dock: Depot, **different: str) -> None:
    addressing.correct(dock.house.hub, dock.merchant, order_of(dock), {**CEDAR, **different}, ANN)
    dock.house.drain()


def streets(dock: Depot) -> list[str]:
    """Where labels that count go to."""
    return [one.wish.to.street1 for one in dock.post.live()]


def states(dock: Depot) -> list[tuple[str, str]]:
    return [(name, state) for name, state, _ in dock.shipments()]


def test_a_corrected_address_is_on_the_label_and_one_for_elsewhere_is_given_back_first(dock: Depot) -> None:
    dock.sell(A=1)
    dock.label()
    assert streets(dock) == ["77 Juniper Street"]

    correct(dock)
    dock.release()

    assert states(dock) == [("S1", "cancelled"), ("S2", "released")] and streets(dock) == []
    dock.label("S2")
    assert streets(dock) == ["9 Cedar Street"]
    assert dock.send("S2") == {}
    with dock.house.hub.database.read() as db:
        sealed = str(books.one(dock.house.hub, "select ship_to from orders"))
        assert "Cedar" not in sealed and corrections.of(db, dock.merchant, order_of(dock), dock.house.hub.box(dock.merchant))
    assert books.rows(dock.house.hub, "select act, body from audit where act = 'order.address'") == [("order.address", '{"whose": "ours"}')]


def test_what_the_channel_says_later_is_not_lost_and_nothing_leaves_until_somebody_chooses(dock: Depot) -> None:
    number = dock.sell(A=1)
    correct(dock)
    dock.release()
    dock.house.bogus.change(number, ship_to={**BUYER, "street1": "1 Maple Street"})
    dock.poll()

    with pytest.raises(labelling.Stopped, match="torn"):
        dock.want("S2")

    addressing.keep(dock.house.hub, dock.merchant, order_of(dock), ANN)
    dock.house.drain()
    dock.label("S2")
    assert streets(dock) == ["9 Cedar Street"]


@on_sqlite
def test_the_channels_address_can_be_chosen_and_a_correction_taken_back(dock: Depot) -> None:
    number = dock.sell(A=1)
    correct(dock)
    dock.house.bogus.change(number, ship_to={**BUYER, "street1": "1 Maple Street"})
    dock.poll()
    addressing.take_back(dock.house.hub, dock.merchant, order_of(dock), ANN)
    dock.house.drain()
    dock.release()

    name = dock.shipments()[-1][0]
    dock.label(name)
    assert streets(dock) == ["1 Maple Street"]
    with pytest.raises(Refused, match="nobody corrected"):
        addressing.take_back(dock.house.hub, dock.merchant, order_of(dock), ANN)


@on_sqlite
def test_where_the_channel_comes_to_say_the_same_there_is_nothing_to_choose(dock: Depot) -> None:
    number = dock.sell(A=1)
    correct(dock)
    dock.release()
    dock.house.bogus.change(number, ship_to={**CEDAR, "country": "US"})
    dock.poll()

    dock.label(dock.shipments()[-1][0])
    assert streets(dock) == ["9 Cedar Street"]


@on_sqlite
def test_a_label_whose_answer_was_lost_while_its_address_was_corrected_is_found_and_given_back(dock: Depot) -> None:
    dock.sell(A=1)
    dock.post.next("buy", OutcomeUnknown("lost"), after_the_work=True)
    dock.want()
    dock.house.drain()

    correct(dock)
    dock.house.work(timedelta(minutes=5))
    dock.release()

    assert len(dock.post.purchases) == 1 and streets(dock) == []
    assert states(dock) == [("S1", "cancelled"), ("S2", "released")]


@on_sqlite
def test_with_its_buyer_a_corrected_address_is_forgotten(dock: Depot) -> None:
    dock.sell(A=1)
    correct(dock)
    ref = str(books.one(dock.house.hub, "select connection || '/' || channel_id from orders"))

    with dock.house.hub.unit() as work:
        privacy.forget(work.db, dock.merchant, [privacy.Sealed(order_of(dock), ref, None)], notes=True)

    assert books.rows(dock.house.hub, "select person, ship_to, ship_to_was from orders") == [(None, None, None)]
    with pytest.raises(Refused, match="nothing of its buyer"):
        correct(dock)


@on_sqlite
@pytest.mark.parametrize("wrong", [{"street1": " "}, {"country": "USA"}, {"city": ""}, {"planet": "Mars"}], ids=lambda one: next(iter(one)))
def test_what_is_no_address_is_refused(dock: Depot, wrong: dict[str, str]) -> None:
    dock.sell(A=1)

    with pytest.raises(Refused):
        correct(dock, **wrong)

    assert books.rows(dock.house.hub, "select ship_to from orders") == [(None,)]


@on_sqlite
def test_the_packing_slip_goes_where_the_parcel_goes(dock: Depot, monkeypatch: pytest.MonkeyPatch) -> None:
    dock.sell(A=1)
    correct(dock)
    dock.release()
    seen: list[str] = []

    def keep(slips: list[printing.Slip], *_: object) -> bytes:
        seen.extend(slip.to.street1 for slip in slips)
        return b"%PDF-"

    monkeypatch.setattr(printing, "packing_slips", keep)
    printing.slips(dock.house.hub, dock.merchant, [dock.id("S2")])

    assert seen == ["9 Cedar Street"]


# ---- goods once more


def again(dock: Depot, why: Again = Again.LOST, **units: int) -> str:
    return reshipping.reship(dock.house.hub, dock.merchant, order_of(dock), units, why, ANN)


def sound(dock: Depot) -> list[str]:
    """What the doctor finds about shipments and shelves."""
    wanted = ("shipment", "left once", "reserved", "on hand", "once more", "live label")
    with dock.house.hub.database.read() as db:
        found = examine(db, dock.house.hub.now)
    return [one.name for one in found if not one.ok and any(word in one.name for word in wanted)]


def sent_whole(dock: Depot, **units: int) -> str:
    number = dock.sell(**units)
    dock.label()
    assert dock.send() == {}
    dock.poll()
    return number


def test_what_was_lost_goes_once_more_and_is_no_sale(dock: Depot) -> None:
    number = sent_whole(dock, A=2, B=1)
    before = books.rows(dock.house.hub, "select line, hold, held, released, sent, gone, booked_gone from order_lines order by line")

    name = again(dock, **{"1": 1})
    assert (name, books.level(dock.house.hub, "A"), sound(dock)) == ("S2", (8, 1), [])
    dock.label("S2")
    assert dock.send("S2") == {}
    dock.poll()

    assert books.level(dock.house.hub, "A") == (7, 0)
    assert books.rows(dock.house.hub, "select line, hold, held, released, sent, gone, booked_gone from order_lines order by line") == before
    assert len(dock.house.bogus.shipments(number)) == 1  # its channel was told once
    assert books.rows(dock.house.hub, "select cause, units from movements where cause = 'resent'") == [("resent", -1)]
    assert sound(dock) == []
    assert books.rows(dock.house.hub, "select again, state from shipments order by number") == [(None, "sent"), ("lost", "sent")]


def test_what_goes_once_more_is_offered_to_nobody_else_and_is_free_when_it_is_taken_apart(dock: Depot) -> None:
    sent_whole(dock, A=2)
    again(dock, **{"1": 2})
    dock.house.drain()
    assert dock.house.bogus.listings[next(iter(dock.house.bogus.listings))].shown == 6

    dock.label("S2")
    packing.take_apart(dock.house.hub, dock.merchant, dock.id("S2"), ANN)
    dock.house.drain()
    dock.release()

    assert states(dock) == [("S1", "sent"), ("S2", "cancelled")]
    assert (books.level(dock.house.hub, "A"), dock.post.live()[1:], sound(dock)) == ((8, 0), [], [])


@on_sqlite
@pytest.mark.parametrize("units", [{}, {"1": 3}, {"1": 0}, {"1": -1}, {"9": 1}])
def test_only_what_left_goes_once_more(dock: Depot, units: dict[str, int]) -> None:
    sent_whole(dock, A=2)

    with pytest.raises(Refused, match="only what left"):
        again(dock, **units)

    assert len(dock.shipments()) == 1


@on_sqlite
def test_what_is_not_there_cannot_go_once_more(dock: Depot) -> None:
    sent_whole(dock, A=6)

    with pytest.raises(Refused, match="no location"):
        again(dock, **{"1": 6})

    assert books.level(dock.house.hub, "A") == (4, 0)


@on_sqlite
def test_before_something_left_nothing_goes_once_more(dock: Depot) -> None:
    dock.sell(A=2)

    with pytest.raises(Refused, match="only what left"):
        again(dock, **{"1": 1})


@on_sqlite
@pytest.mark.parametrize("labelled", [False, True])
def test_what_goes_once_more_follows_a_corrected_address(dock: Depot, labelled: bool) -> None:
    sent_whole(dock, A=2)
    again(dock, **{"1": 1})
    if labelled:
        dock.label("S2")

    correct(dock)
    dock.release()
    dock.label("S2")

    assert states(dock) == [("S1", "sent"), ("S2", "labelled")]
    assert streets(dock) == ["77 Juniper Street", "9 Cedar Street"] and sound(dock) == []


@on_sqlite
def test_a_lost_answer_buys_no_second_label_for_what_goes_once_more(dock: Depot) -> None:
    sent_whole(dock, A=2)
    again(dock, **{"1": 1})
    dock.post.next("buy", OutcomeUnknown("lost"), after_the_work=True)
    dock.want("S2")
    dock.house.work(timedelta(minutes=5))

    assert dock.send("S2") == {} and len(dock.post.purchases) == 2
    assert books.level(dock.house.hub, "A") == (7, 0)


# ---- several orders in one parcel


def proposed(dock: Depot) -> list[list[str]]:
    with dock.house.hub.database.read() as db:
        return [[one.row.name for one in proposal.some] for proposal in together.proposed(dock.house.hub, db, dock.merchant)]


def join(dock: Depot, *names: str) -> None:
    together.join(dock.house.hub, dock.merchant, dock.id(names[0]), [dock.id(name) for name in names[1:]], ANN)


def two_in_one(dock: Depot) -> tuple[str, str]:
    """Two orders of one buyer, weighed 1000 and 500 g and joined."""
    numbers = dock.sell(A=2), dock.sell(B=1)
    packing.weigh(dock.house.hub, dock.merchant, dock.id("S1"), 1000, ANN)
    packing.weigh(dock.house.hub, dock.merchant, dock.id("S2"), 500, ANN)
    join(dock, "S1", "S2")
    return numbers


def buy(dock: Depot, name: str = "S1") -> None:
    labelling.want(dock.house.hub, dock.merchant, dock.id(name), dock.carrier.id, "slow", ANN)
    dock.house.drain()


def postage(dock: Depot) -> list[tuple[str, int]]:
    with dock.house.hub.database.read() as db:
        return [(name, share.minor) for name, _, share in together.postage(dock.house.hub, db, dock.merchant, dock.id("S1"))]


def test_two_orders_of_one_buyer_go_under_one_label_and_each_is_told_with_the_same_number(dock: Depot) -> None:
    dock.sell(A=2)
    dock.sell(B=1)
    dock.house.bogus.sell({"A": 1}, ship_to={**BUYER, "street1": "9 Cedar Street"})
    dock.poll()
    assert proposed(dock) == [["S1", "S2"]]
    packing.weigh(dock.house.hub, dock.merchant, dock.id("S1"), 1000, ANN)
    packing.weigh(dock.house.hub, dock.merchant, dock.id("S2"), 500, ANN)

    join(dock, "S1", "S2")
    assert proposed(dock) == []
    with pytest.raises(labelling.NotThen, match="parcel of another"):
        buy(dock, "S2")
    buy(dock)

    [bought] = dock.post.live()
    assert [(box.weight_g, box.value and box.value.minor) for box in bought.wish.boxes] == [(1500, 3000)]
    assert states(dock)[:2] == [("S1", "labelled"), ("S2", "labelled")]
    assert dict(postage(dock)) == {"S1": 276, "S2": 139} and sum(share for _, share in postage(dock)) == 415
    assert dock.send("S2") == {}  # the parcel is one: whoever is named
    told = [parcel["tracking"] for order in dock.house.bogus.orders.values() for parcel in order.get("shipped", ())]
    assert told == [["BP00000001"], ["BP00000001"]]
    assert (books.level(dock.house.hub, "A"), books.level(dock.house.hub, "B"), sound(dock)) == ((8, 1), (9, 0), [])


def test_who_is_cancelled_leaves_the_parcel_and_its_label_is_given_back(dock: Depot) -> None:
    _, second = two_in_one(dock)
    buy(dock)

    acts.cancel(dock.house.bogus, second)
    dock.poll()

    assert states(dock) == [("S1", "packed"), ("S2", "cancelled")] and dock.post.live() == []
    assert books.rows(dock.house.hub, "select weight_g, tracking from parcels order by weight_g desc") == [(1000, None), (500, None)]
    buy(dock)
    assert dock.send("S1") == {} and sound(dock) == []


@on_sqlite
def test_when_the_first_is_cancelled_the_others_go_alone(dock: Depot) -> None:
    first, _ = two_in_one(dock)
    buy(dock)

    acts.cancel(dock.house.bogus, first)
    dock.poll()

    assert states(dock) == [("S1", "cancelled"), ("S2", "released")] and dock.post.live() == []
    assert books.rows(dock.house.hub, "select distinct goes_with from shipments") == [(None,)] and sound(dock) == []


@on_sqlite
def test_who_is_held_leaves_the_parcel_and_waits_alone(dock: Depot) -> None:
    two_in_one(dock)
    buy(dock)
    order = str(books.one(dock.house.hub, "select order_id from shipments where name = 'S2'"))
    desk.act(dock.house.hub, dock.merchant, ANN, desk.Wish("a1", Act.HOLD, [order], "address", ""))
    assert "S1" not in dock.send("S1") and dock.send("S1") != {}

    dock.release()

    assert states(dock) == [("S1", "packed"), ("S2", "released")] and dock.post.live() == []
    buy(dock)
    assert dock.send("S1") == {}


@on_sqlite
def test_a_label_that_is_being_bought_when_one_leaves_is_given_back_when_it_is_there(dock: Depot) -> None:
    _, second = two_in_one(dock)
    dock.post.next("buy", OutcomeUnknown("lost"), after_the_work=True)
    buy(dock)
    acts.cancel(dock.house.bogus, second)
    dock.poll()
    dock.house.work(timedelta(minutes=5))

    assert states(dock) == [("S1", "packed"), ("S2", "cancelled")]
    assert len(dock.post.purchases) == 1 and dock.post.live() == [] and sound(dock) == []


@on_sqlite
@pytest.mark.parametrize("labelled", [False, True])
def test_what_was_joined_goes_alone_again(dock: Depot, labelled: bool) -> None:
    two_in_one(dock)
    if labelled:
        buy(dock)

    together.part(dock.house.hub, dock.merchant, dock.id("S1"), ANN)
    dock.house.drain()

    assert states(dock)[1] == ("S2", "released") and dock.post.live() == []
    assert books.rows(dock.house.hub, "select p.weight_g from parcels p join shipments s on s.id = p.shipment order by s.name") == [
        (1000,),
        (500,),
    ]
    buy(dock, "S1")
    assert dock.send("S1") == {} and states(dock) == [("S1", "sent"), ("S2", "released")] and sound(dock) == []


@on_sqlite
def test_a_label_is_given_back_for_all_in_the_parcel(dock: Depot) -> None:
    two_in_one(dock)
    buy(dock)

    labelling.give_back(dock.house.hub, dock.merchant, dock.id("S1"), ANN)
    dock.house.drain()

    assert states(dock) == [("S1", "packed"), ("S2", "packed")]
    assert books.rows(dock.house.hub, "select distinct tracking from parcels") == [(None,)]


@on_sqlite
def test_two_orders_leave_by_hand_in_one_parcel(dock: Depot) -> None:
    two_in_one(dock)

    sending.send(dock.house.hub, dock.merchant, [dock.id("S1")], ANN, sending.Typed("Harbor Bikes", "HB-7"))
    dock.house.drain()

    assert states(dock) == [("S1", "sent"), ("S2", "sent")]
    assert [parcel["tracking"] for order in dock.house.bogus.orders.values() for parcel in order.get("shipped", ())] == [["HB-7"], ["HB-7"]]


@on_sqlite
def test_where_a_parcel_is_stands_at_each_order_in_it(dock: Depot) -> None:
    two_in_one(dock)
    buy(dock)
    dock.send("S1")
    dock.post.scan("BP00000001", Progress.DELIVERED, "Austin")

    dock.house.clock.pass_(timedelta(hours=2))
    dock.house.ask("track_parcels", dock.carrier.id, dock.carrier)
    dock.house.drain()

    assert books.rows(dock.house.hub, "select progress from parcels") == [("delivered",), ("delivered",)]


@on_sqlite
def test_what_does_not_go_to_one_address_or_is_in_parts_is_not_joined(dock: Depot) -> None:
    dock.sell(A=2)
    dock.sell(B=1)
    dock.house.bogus.sell({"A": 1}, ship_to={**BUYER, "street1": "9 Cedar Street"})
    dock.poll()
    with pytest.raises(Refused, match="one place to one address"):
        join(dock, "S1", "S3")
    with pytest.raises(Refused, match="choose"):
        join(dock, "S1")
    packing.move_on(dock.house.hub, dock.merchant, dock.id("S1"), {"1": 1}, ANN)
    assert proposed(dock) == []
    with pytest.raises(labelling.NotThen, match="cannot go together"):
        join(dock, "S1", "S2")


# ---- what buyers fetch


def fetched(dock: Depot, **different: object) -> str:
    """An order that its buyer fetches at the house; nobody needs to know where they live."""
    parts = [{"place": "P1", "lines": {"1": 2}, "method": "pick_up"}]
    number = str(dock.house.bogus.sell({"A": 2}, **{"ship_to": None, "routing": parts, **different})["id"])
    dock.poll()
    return number


def ways(dock: Depot) -> list[tuple[object, ...]]:
    return books.rows(dock.house.hub, "select name, way, state, problem from shipments order by name")


def ready(dock: Depot, days: int = 7) -> None:
    collecting.prepare(dock.house.hub, dock.merchant, dock.id(), ANN, days)
    dock.house.drain()


def test_what_a_buyer_fetches_is_made_ready_told_and_leaves_when_it_is_fetched(dock: Depot) -> None:
    number = fetched(dock)
    assert ways(dock) == [("S1", "pickup", "released", None)]

    ready(dock)
    assert ways(dock) == [("S1", "pickup", "packed", None)] and dock.house.bogus.prepared == {number}
    assert (books.level(dock.house.hub, "A"), dock.post.purchases) == ((10, 2), [])

    collecting.collected(dock.house.hub, dock.merchant, dock.id(), ANN)
    dock.house.drain()
    dock.poll()
    assert [(one["tracking"], one["url"]) for one in dock.house.bogus.shipments(number)] == [([], "")]
    assert (books.level(dock.house.hub, "A"), ways(dock), sound(dock)) == ((8, 0), [("S1", "pickup", "sent", None)], [])


@on_sqlite
def test_what_a_buyer_fetches_gets_no_label_and_goes_in_no_parcel(dock: Depot) -> None:
    fetched(dock)

    for act in (lambda: dock.want(), lambda: packing.weigh(dock.house.hub, dock.merchant, dock.id(), 100, ANN),
                lambda: packing.join(dock.house.hub, dock.merchant, dock.id(), ANN)):  # fmt: skip
        with pytest.raises(labelling.NotThen, match="its buyer fetches it"):
            act()
    stays = sending.send(dock.house.hub, dock.merchant, [dock.id()], ANN, sending.Typed("Harbor Bikes"))
    assert stays == {dock.id(): "its buyer fetches it"}
    with pytest.raises(labelling.NotThen, match="not ready"):
        collecting.collected(dock.house.hub, dock.merchant, dock.id(), ANN)


@on_sqlite
def test_what_nobody_fetches_waits_for_somebody_to_decide(dock: Depot) -> None:
    fetched(dock)
    ready(dock, days=3)
    dock.house.clock.pass_(timedelta(days=4))
    dock.release()
    assert ways(dock) == [("S1", "pickup", "packed", "not_collected")]

    collecting.wait(dock.house.hub, dock.merchant, dock.id(), ANN, 2)
    dock.release()
    assert ways(dock) == [("S1", "pickup", "packed", None)]

    dock.house.clock.pass_(timedelta(days=3))
    dock.release()
    calling_off.call_off(dock.house.hub, dock.merchant, order_of(dock), CancelReason.BUYER, ANN)
    dock.house.drain()
    dock.house.bogus.settle()
    dock.poll()
    assert ways(dock) == [("S1", "pickup", "cancelled", None)] and books.level(dock.house.hub, "A") == (10, 0)


@on_sqlite
def test_that_it_is_ready_is_told_again_where_the_answer_was_lost_and_once_it_is_taken_back_no_more(dock: Depot) -> None:
    number = fetched(dock)
    dock.house.bogus.next("prepare", OutcomeUnknown("lost"), after_the_work=True)
    ready(dock)
    dock.house.work(timedelta(minutes=2))
    assert dock.house.bogus.prepared == {number}
    assert books.rows(dock.house.hub, "select count(*) from tasks where kind = 'tell_ready' and state <> 'done'") == [(0,)]

    collecting.take_back(dock.house.hub, dock.merchant, dock.id(), ANN)
    assert books.rows(dock.house.hub, "select state, ready_at, collect_until from shipments") == [("released", None, None)]
    ready(dock)
    assert dock.state() == "packed"


@on_sqlite
def test_a_lost_answer_of_what_was_fetched_tells_its_channel_once(dock: Depot) -> None:
    number = fetched(dock)
    ready(dock)
    dock.house.bogus.next("confirm", OutcomeUnknown("lost"), after_the_work=True)
    collecting.collected(dock.house.hub, dock.merchant, dock.id(), ANN)
    dock.house.work(timedelta(minutes=2))

    assert len(dock.house.bogus.shipments(number)) == 1


@on_sqlite
def test_an_order_that_is_fetched_after_all_is_made_ready_anew(dock: Depot) -> None:
    number = dock.sell(A=2)
    dock.label()

    dock.house.bogus.change(number, routing=[{"place": "P1", "lines": {"1": 2}, "method": "pick_up"}])
    dock.poll()

    assert ways(dock) == [("S1", "parcel", "cancelled", None), ("S2", "pickup", "released", None)] and dock.post.live() == []


# ---- with letters, captures, requests and what leaves by itself


def chosen(dock: Depot) -> None:
    dock.house.hub.public_url = "https://hub.example"
    every = Telling({dock.house.connection.id: frozenset(Kind)}, "shop@north.example")
    telling.choose(dock.house.hub, dock.merchant, every, ANN)


def letters(dock: Depot) -> list[tuple[object, ...]]:
    return books.rows(
        dock.house.hub,
        "select s.name, b.what from buyer_letters b join parcels p on p.id = b.parcel join shipments s on s.id = p.shipment "
        "order by s.name",
    )


@on_sqlite
def test_of_what_goes_once_more_no_buyer_is_written_to_and_nothing_is_captured_again(dock: Depot) -> None:
    chosen(dock)
    number = str(dock.house.bogus.sell({"A": 2}, ship_to=BUYER)["id"])
    dock.house.bogus.authorize(number)
    dock.poll()
    dock.label()
    dock.send()
    dock.house.work(timedelta(minutes=5))
    dock.poll()
    again(dock, **{"1": 1})
    dock.label("S2")

    assert dock.send("S2") == {}
    dock.house.work(timedelta(minutes=5))

    assert letters(dock) == [("S1", "shipped")] and len(dock.house.bogus.captures(number)) == 1
    assert len(dock.house.bogus.shipments(number)) == 1 and sound(dock) == []


@on_sqlite
def test_each_order_in_one_parcel_is_told_its_buyer_once(dock: Depot) -> None:
    chosen(dock)
    two_in_one(dock)
    buy(dock)

    assert dock.send("S1") == {}

    assert letters(dock) == [("S1", "shipped"), ("S2", "shipped")]


@on_sqlite
@pytest.mark.parametrize("first", [0, 1])
def test_what_a_channel_shows_as_sent_takes_all_of_its_parcel_along(dock: Depot, first: int) -> None:
    numbers = two_in_one(dock)
    buy(dock)
    lines = (SentLine("1", 2 - first, ""),)

    dock.house.bogus.confirm(Sent(numbers[first], 101, lines, "", "Bogus Post", "", "BP00000001", "", dock.house.clock()))
    dock.poll()

    assert states(dock) == [("S1", "sent"), ("S2", "sent")]
    assert [len(dock.house.bogus.shipments(number)) for number in numbers] == [1, 1]


@on_sqlite
def test_a_carriers_first_scan_sends_all_in_the_parcel_once(dock: Depot) -> None:
    two_in_one(dock)
    buy(dock)
    [(parcel,)] = books.rows(dock.house.hub, "select p.id from parcels p join shipments s on s.id = p.shipment where s.name = 'S1'")
    scan = Tracked((Step(dock.house.clock(), Progress.IN_TRANSIT, "IT"),))

    with dock.house.hub.unit() as work:
        sending.learn(dock.house.hub, work, dock.merchant, {str(parcel): scan})
    dock.house.drain()

    assert states(dock) == [("S1", "sent"), ("S2", "sent")] and sound(dock) == []
    assert (books.level(dock.house.hub, "A"), books.level(dock.house.hub, "B")) == ((8, 0), (9, 0))


@on_sqlite
def test_what_is_fetched_writes_no_letter_of_a_parcel(dock: Depot) -> None:
    chosen(dock)
    fetched(dock)
    ready(dock)

    collecting.collected(dock.house.hub, dock.merchant, dock.id(), ANN)

    assert (letters(dock), ways(dock)) == ([], [("S1", "pickup", "sent", None)])
