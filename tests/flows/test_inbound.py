"""Goods on their way: nothing is lost between two locations, what does not arrive is shown, and every act has its way back."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.inbound import Act, Came, Kind, State
from core.domain.places import LocationKind as Place
from core.domain.who import Who
from core.errors import Refused, Unsupported
from core.flows import inbound, places
from core.flows.inbound import Draft
from core.store import inbounds, stock
from core.store.inbounds import Inbound
from tests.conftest import House
from tests.flows import books
from tests.flows.quick import Houses

ANN = Who("u1", "Ann")


def site(house: House, name: str, kind: Place = Place.OWN) -> str:
    with house.hub.unit() as work:
        return places.add_location_in(house.hub, work, house.merchant.id, name, ANN, kind)


def add(house: House, kind: Kind = Kind.PURCHASE, *, to: str = "", source: str | None = None, **lines: int) -> str:
    return inbound.add(house.hub, house.merchant.id, Draft(kind, to or house.place, source, "Mill & Sons", "PO-7", lines=lines), ANN)


def do(house: House, act: Callable[..., object], id: str, *more: object) -> object:
    made = act(house.hub, house.merchant.id, id, *more, ANN)
    house.drain()
    return made


def one(house: House, id: str) -> Inbound:
    with house.hub.database.read() as db:
        found = inbounds.one(db, house.merchant.id, id)
    assert found
    return found


def shown(house: House, sku: str = "A") -> int:
    return house.bogus.listings[f"L-{sku}", sku].shown


def level(house: House, place: str, sku: str = "A") -> tuple[int, int]:
    found = books.rows(house.hub, "select on_hand, damaged from levels where location = :place and sku = :sku", place=place, sku=sku)
    return (int(found[0][0]), int(found[0][1])) if found else (0, 0)


@pytest.fixture
def stocked(make_house: Callable[..., House]) -> House:
    house = make_house("east")
    house.shelve(A=10, B=5)
    return house


def test_a_purchase_is_received_in_parts_good_and_damaged_apart_and_channels_are_told(stocked: House) -> None:
    id = add(stocked, A=6, B=2)
    do(stocked, inbound.send, id)
    assert shown(stocked) == 10

    do(stocked, inbound.receive, id, [Came("A", 3, 1)])
    assert (level(stocked, stocked.place), shown(stocked)) == ((13, 1), 13)
    do(stocked, inbound.receive, id, [Came("A", 1), Came("B", 2)])

    assert do(stocked, inbound.close, id) == {"A": 1}
    assert one(stocked, id).state is State.CLOSED
    assert (level(stocked, stocked.place), level(stocked, stocked.place, "B")) == ((14, 1), (7, 0))
    assert books.rows(stocked.hub, "select units, damaged, cause, subject from movements where cause = 'received' order by id") == [
        (3, 1, "received", f"inbound/{id}"), (1, 0, "received", f"inbound/{id}"), (2, 0, "received", f"inbound/{id}"),
    ]  # fmt: skip
    acts = ["inbound.add", "inbound.send", "inbound.receive", "inbound.receive", "inbound.close"]
    assert [act for (act,) in books.rows(stocked.hub, "select act from audit order by id")] == acts
    kinds = "select kind from events where subject = :id order by id"
    assert [kind for (kind,) in books.rows(stocked.hub, kinds, id=f"inbound/{id}")] == [
        "InboundSent", "InboundReceived", "InboundReceived", "InboundClosed",
    ]  # fmt: skip
    books.balance(stocked.hub)


def test_more_than_announced_is_taken_and_said(stocked: House) -> None:
    id = add(stocked, A=2)
    do(stocked, inbound.send, id)

    done = do(stocked, inbound.receive, id, [Came("A", 5)])
    assert isinstance(done, inbound.Received)
    assert done.more == {"A": 3}
    assert do(stocked, inbound.close, id) == {}


def test_orders_that_wait_are_served_when_goods_come_the_oldest_first(stocked: House) -> None:
    stocked.bogus.sell({"A": 12})
    stocked.clock.pass_(timedelta(minutes=5))
    stocked.poll()
    stocked.bogus.sell({"A": 3})
    stocked.clock.pass_(timedelta(minutes=5))
    stocked.poll()
    id = add(stocked, A=4)
    do(stocked, inbound.send, id)

    do(stocked, inbound.receive, id, [Came("A", 4)])

    assert books.rows(stocked.hub, "select held, waits from order_lines l join orders o on o.id = l.order_id order by placed_at") == [
        (12, None), (2, "stock"),
    ]  # fmt: skip
    assert shown(stocked) == 0


def test_a_transfer_leaves_at_dispatch_and_what_does_not_arrive_is_a_loss_of_nobodys_shelf(stocked: House) -> None:
    attic = site(stocked, "Attic")
    id = add(stocked, Kind.TRANSFER, to=attic, source=stocked.place, A=6)
    assert shown(stocked) == 10

    do(stocked, inbound.send, id)
    assert (level(stocked, stocked.place), level(stocked, attic), shown(stocked)) == ((4, 0), (0, 0), 4)
    do(stocked, inbound.receive, id, [Came("A", 3, 1)])
    assert (level(stocked, attic), shown(stocked)) == ((3, 1), 7)
    assert do(stocked, inbound.close, id) == {"A": 2}

    do(stocked, inbound.reopen, id)
    do(stocked, inbound.receive, id, [Came("A", 2)])
    assert do(stocked, inbound.close, id) == {}
    assert (level(stocked, stocked.place), level(stocked, attic)) == ((4, 0), (5, 1))


def test_a_cancelled_transfer_is_back_where_it_left(stocked: House) -> None:
    attic = site(stocked, "Attic")
    id = add(stocked, Kind.TRANSFER, to=attic, source=stocked.place, A=6)
    do(stocked, inbound.send, id)
    assert do(stocked, inbound.cancel, id) == 6
    assert shown(stocked) == 10

    do(stocked, inbound.reopen, id)
    assert one(stocked, id).state is State.OPEN
    do(stocked, inbound.send, id)
    do(stocked, inbound.receive, id, [Came("A", 2)])
    assert do(stocked, inbound.cancel, id) == 4
    assert (level(stocked, stocked.place), level(stocked, attic)) == ((8, 0), (2, 0))
    with pytest.raises(inbound.NotThen):
        do(stocked, inbound.reopen, id)


def test_what_orders_hold_is_not_sent_to_another_location(stocked: House) -> None:
    stocked.bogus.sell({"A": 8})
    stocked.clock.pass_(timedelta(minutes=5))
    stocked.poll()
    id = add(stocked, Kind.TRANSFER, to=site(stocked, "Attic"), source=stocked.place, A=3, B=5)

    with pytest.raises(inbound.Short) as short:
        do(stocked, inbound.send, id)
    assert short.value.skus == ["A"]
    assert (level(stocked, stocked.place, "B"), one(stocked, id).state) == ((5, 0), State.OPEN)


def test_receiving_is_undone_unless_it_is_promised_by_now(stocked: House) -> None:
    id = add(stocked, A=6)
    do(stocked, inbound.send, id)
    do(stocked, inbound.receive, id, [Came("A", 4, 2)])

    do(stocked, inbound.take_back, id, [Came("A", 1, 2)])
    assert level(stocked, stocked.place) == (13, 0)
    for wrong in (Came("A", 4), Came("A", 0, 1), Came("B", 1)):
        with pytest.raises(Refused):
            do(stocked, inbound.take_back, id, [wrong])
    stocked.bogus.sell({"A": 12})
    stocked.clock.pass_(timedelta(minutes=5))
    stocked.poll()
    with pytest.raises(Refused):
        do(stocked, inbound.take_back, id, [Came("A", 2)])
    do(stocked, inbound.take_back, id, [Came("A", 1)])


def test_of_two_who_receive_the_same_boxes_the_second_is_told(stocked: House) -> None:
    id = add(stocked, A=6)
    do(stocked, inbound.send, id)
    do(stocked, inbound.receive, id, [Came("A", 6, 0, seen=0)])

    with pytest.raises(inbound.Changed) as changed:
        do(stocked, inbound.receive, id, [Came("A", 6, 0, seen=0)])
    assert changed.value.skus == ["A"]
    assert level(stocked, stocked.place) == (16, 0)


def test_a_delivery_is_changed_only_while_it_is_written(stocked: House) -> None:
    id = add(stocked, A=6)
    inbound.edit(stocked.hub, stocked.merchant.id, id, Draft(Kind.PURCHASE, stocked.place, reference="PO-8", lines={"B": 1}), ANN)
    assert (one(stocked, id).reference, list(one(stocked, id).lines)) == ("PO-8", ["B"])

    do(stocked, inbound.send, id)
    with pytest.raises(inbound.NotThen, match="it is sent: it cannot be changed now"):
        inbound.edit(stocked.hub, stocked.merchant.id, id, Draft(Kind.PURCHASE, stocked.place, lines={"A": 1}), ANN)


@pytest.mark.parametrize(
    ("kind", "to", "source", "lines", "why"),
    [
        (Kind.PURCHASE, "nowhere", None, {"A": 1}, "no such location"),
        (Kind.PURCHASE, "Main", "Attic", {"A": 1}, "a transfer leaves"),
        (Kind.TRANSFER, "Main", None, {"A": 1}, "a transfer leaves"),
        (Kind.TRANSFER, "Main", "Main", {"A": 1}, "a transfer leaves"),
        (Kind.TRANSFER, "Main", "FBA", {"A": 1}, "is a removal"),
        (Kind.PURCHASE, "FBA", None, {"A": 1}, "only a transfer"),
        (Kind.PURCHASE, "Main", None, {"A": 0}, "of 1 to"),
        (Kind.PURCHASE, "Main", None, {"A": 1, "Z": 1}, "none of yours: Z"),
    ],
)
def test_what_cannot_be_meant_is_refused_whole(
    stocked: House, kind: Kind, to: str, source: str | None, lines: dict[str, int], why: str
) -> None:
    known = {"Main": stocked.place, "Attic": site(stocked, "Attic"), "FBA": site(stocked, "FBA", Place.FBA), "nowhere": "nowhere"}

    with pytest.raises(Refused, match=why):
        add(stocked, kind, to=known[to], source=known[source] if source else None, **lines)
    assert books.rows(stocked.hub, "select count(*) from inbounds") == [(0,)]


def test_nobody_touches_another_merchants_delivery(stocked: House) -> None:
    id = add(stocked, A=6)

    for act in (inbound.send, inbound.close, inbound.cancel, inbound.reopen):
        with pytest.raises(Unsupported):
            act(stocked.hub, "another", id, ANN)


def test_a_location_that_something_is_on_its_way_to_stays(stocked: House) -> None:
    attic = site(stocked, "Attic")
    id = add(stocked, to=attic, A=6)
    do(stocked, inbound.send, id)

    with pytest.raises(places.HoldsStock, match="1 deliveries are on their way"):
        places.remove_location(stocked.hub, stocked.merchant.id, attic, ANN)
    do(stocked, inbound.cancel, id)
    assert places.remove_location(stocked.hub, stocked.merchant.id, attic, ANN) == "Attic"


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Houses:
    made = Houses(tmp_path_factory.mktemp("inbound"), "east")
    made.furnish(lambda house: house.shelve(A=10))
    return made


ACTS = st.one_of(
    st.tuples(st.sampled_from([Act.RECEIVE, Act.TAKE_BACK]), st.tuples(st.integers(0, 4), st.integers(0, 2))),
    st.tuples(st.sampled_from([Act.SEND, Act.CLOSE, Act.CANCEL, Act.REOPEN]), st.just((0, 0))),
)


@given(acts=st.lists(ACTS, max_size=10), units=st.integers(1, 8))
def test_whatever_is_done_nothing_is_lost_between_two_locations(
    houses: Houses, acts: list[tuple[Act, tuple[int, int]]], units: int
) -> None:
    house = houses.make()
    attic = site(house, "Attic")
    id = add(house, Kind.TRANSFER, to=attic, source=house.place, A=units)
    for act, (good, damaged) in acts:
        with suppress(Refused):
            more = ([Came("A", good, damaged)],) if act in (Act.RECEIVE, Act.TAKE_BACK) else ()
            getattr(inbound, act.value)(house.hub, house.merchant.id, id, *more, ANN)
        line = one(house, id).lines["A"]
        on_the_way_or_lost = line.sent - line.came  # less than none: more came than left
        assert sum(level(house, house.place)) + sum(level(house, attic)) + on_the_way_or_lost == 10
    books.balance(house.hub)
    house.hub.database.close()


def test_stock_that_moves_says_so_when_a_shelf_holds_less(stocked: House) -> None:
    with pytest.raises(Exception, match="holds less"), stocked.hub.unit() as work:
        stock.move(work.db, stocked.merchant.id, [stock.Move("A", stocked.place, -11, 0, "received", "x")], work.now)
