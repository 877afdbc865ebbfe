"""Orders are found by what they are and by what they are called, page by page, each once, and never another merchant's."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core.domain.acts import Act
from core.domain.order import FulfillmentStatus, OrderStatus, PaymentStatus
from core.domain.wanted import Cursor, Wanted
from core.domain.who import Who
from core.flows import connections as flows
from core.flows import desk, looking
from core.flows.desk import Wish
from core.store import order_list, order_sieves, words
from tests.conftest import House
from tests.flows import acts

ME = Who("user-1", "Ann")
EVERYTHING = Wanted(buyers=True)


def sell(house: House, sku: str = "A", to: str = "", **different: Any) -> str:
    """An order a minute after the one before; gives its number."""
    address = {"name": to, "street1": "7 Row", "city": "Port", "postcode": "1", "country": "DE"} if to else None
    house.clock.pass_(timedelta(minutes=1))
    return str(house.bogus.sell({sku: 1}, ship_to=address, **different)["id"])


def take(house: House) -> None:
    house.clock.pass_(timedelta(minutes=5))
    house.poll()


def found(house: House, wanted: Wanted = EVERYTHING, **different: Any) -> list[str]:
    """Numbers of the orders, in the order of the list."""
    with house.hub.database.read() as db:
        look = looking.look(house.hub, db, house.merchant.id, replace(wanted, **different))
    return [one.row.channel_id for one in look.orders]


def ids(house: House, *names: str) -> list[str]:
    with house.hub.database.read() as db:
        rows = dict(tuple(row) for row in db.execute(text("select channel_id, id from orders")).all())
    return [rows[name] for name in names]


def do(house: House, act: Act, *names: str, detail: str = "") -> None:
    desk.act(house.hub, house.merchant.id, ME, Wish(house.hub.ids(), act, ids(house, *names), detail))


@pytest.fixture
def street(house: House) -> House:
    """Seven orders, the newest last: 1001 to 1007."""
    house.shelve(A=50, B=1, **{"Red Mug": 9})
    with house.hub.database.write() as db:
        db.execute(text("update listings set backorder = 9 where sku = 'B'"))
    sell(house, to="Ada Krähwinkel", email="Ada@Birds.example")
    sell(house, payment="unpaid", to="Bo O'Neill")
    sell(house, "B", to="Ada Smith")
    sell(house, "B", to="Cy Smith")  # short: there was one
    sell(house, "Red Mug")
    acts.cancel(house.bogus, sell(house))
    number = sell(house)
    acts.fulfill(house.bogus, number, "1", 1)
    house.bogus.change(number, shipped=[{"id": "p", "at": house.clock.now.isoformat(), "lines": [], "tracking": ["1Z 999 AA1"]}])
    take(house)
    return house


def test_the_newest_come_first(street: House) -> None:
    assert found(street) == ["1007", "1006", "1005", "1004", "1003", "1002", "1001"]


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
        ({"status": OrderStatus.OPEN}, ["1005", "1004", "1003", "1001"]),
        ({"status": OrderStatus.CANCELLED}, ["1006"]),
        ({"payment": PaymentStatus.UNPAID}, ["1002"]),
        ({"payment": PaymentStatus.PAID, "status": OrderStatus.FULFILLED}, ["1007"]),
        ({"fulfillment": FulfillmentStatus.FULFILLED}, ["1007"]),
        ({"fulfillment": FulfillmentStatus.CANCELLED}, ["1006"]),
        ({"status": OrderStatus.OPEN, "fulfillment": FulfillmentStatus.FULFILLED}, []),
        ({"attention": True}, ["1004"]),
        ({"attention": True, "status": OrderStatus.CANCELLED}, []),
        ({"channel": "bogus"}, ["1007", "1006", "1005", "1004", "1003", "1002", "1001"]),
        ({"channel": "shopify"}, []),
        ({"connection": "nobody's"}, []),
        ({"held": True}, []),
        ({"tag": "vip"}, []),
        ({"location": "nowhere"}, []),
]  # fmt: skip


def test_filters_leave_what_they_say(street: House) -> None:
    assert [(wanted, found(street, **wanted)) for wanted, _ in FILTERS] == FILTERS


def test_orders_are_found_by_their_connection_and_by_where_their_goods_lie(street: House) -> None:
    everything = ["1007", "1006", "1005", "1004", "1003", "1002", "1001"]

    assert found(street, connection=street.connection.id) == everything
    assert found(street, location=street.place) == ["1005", "1003", "1002", "1001"]


SEARCHES = [
        ("1003", ["1003"]), ("#1003", ["1003"]), ("ada", ["1003", "1001"]), ("ADA krahwinkel", ["1001"]), ("ada smith", ["1003"]),
        ("smith ada", ["1003"]), ("ada bo", []), ("ada@BIRDS.example", ["1001"]), ("birds", []), ("o'neill", ["1002"]),
        ("oneill", []), ("bo neill", ["1002"]), ("b", ["1004", "1003"]), ("red mug", ["1005"]), ("RED MUG", ["1005"]), ("ada b", ["1003"]),
        ("1z999aa1", ["1007"]), ("1Z 999 AA1", ["1007"]), ("nobody", []), ("#", []), ("'; drop table orders; --", []), ("%", []),
]  # fmt: skip
OPENLY = [("ada", []), ("ada@birds.example", []), ("1003", ["1003"]), ("b", ["1004", "1003"])]


def test_a_search_finds_numbers_goods_parcels_and_buyers(street: House) -> None:
    assert [(said, found(street, said=said)) for said, _ in SEARCHES] == SEARCHES


def test_who_may_not_see_buyers_does_not_find_by_them(street: House) -> None:
    assert [(said, found(street, said=said, buyers=False)) for said, _ in OPENLY] == OPENLY


def test_a_search_and_filters_hold_together(street: House) -> None:
    assert found(street, said="ada", status=OrderStatus.OPEN) == ["1003", "1001"]
    assert found(street, said="ada", status=OrderStatus.CANCELLED) == []


def test_what_was_forgotten_of_a_buyer_finds_nothing_and_the_rest_still_does(street: House) -> None:
    with street.hub.database.write() as db:
        words.forget(db, street.merchant.id, ids(street, "1003", "1007"))

    assert found(street, said="ada") == ["1001"]
    assert found(street, said="1z999aa1") == ["1007"]
    assert found(street, said="1003") == ["1003"]


def test_words_follow_the_order(street: House) -> None:
    there = {"name": "Dora Weiß", "street1": "7 Row", "city": "Port", "postcode": "1", "country": "DE"}
    street.bogus.change("1001", ship_to=there)
    take(street)

    assert found(street, said="krähwinkel") == []
    assert found(street, said="dora weiss") == ["1001"]
    assert found(street, said="ada@birds.example") == ["1001"]


def test_the_same_order_again_writes_no_words(street: House) -> None:
    def written() -> Any:
        with street.hub.database.read() as db:
            return db.execute(text("select word, order_id, personal from order_words order by 1, 2")).all()

    before = written()
    street.bogus.change("1001", payment="unpaid")
    take(street)

    assert written() == before != []


def test_holds_and_tags_are_found(street: House) -> None:
    do(street, Act.HOLD, "1001", "1003", detail="address")
    do(street, Act.TAG, "1003", "1005", detail="vip")

    assert found(street, held=True) == ["1003", "1001"]
    assert found(street, status=OrderStatus.ON_HOLD) == ["1003", "1001"]
    assert found(street, tag="vip") == ["1005", "1003"]
    assert found(street, tag="vip", held=True) == ["1003"]


@pytest.mark.parametrize("near", [1, 2, 200])
def test_tags_and_what_is_waited_for_are_shown_however_much_lies_between_the_orders(
    street: House, monkeypatch: pytest.MonkeyPatch, near: int
) -> None:
    monkeypatch.setattr(order_list, "NEAR", near)
    do(street, Act.TAG, "1003", "1005", detail="vip")
    do(street, Act.TAG, "1005", detail="gift")
    with street.hub.database.write() as db:
        db.execute(text("update order_lines set waits = null"))
        marked = "update order_lines set waits = 'stock' where order_id in (select id from orders where channel_id in ('1002', '1005'))"
        db.execute(text(marked))

    with street.hub.database.read() as db:
        look = looking.look(street.hub, db, street.merchant.id, EVERYTHING)

    shown = {one.row.channel_id: (one.tags, one.row.waits) for one in look.orders if one.tags or one.row.waits}
    assert shown == {"1002": ((), "stock"), "1003": (("vip",), None), "1005": (("gift", "vip"), "stock")}


def test_days_bound_the_list(street: House) -> None:
    with street.hub.database.write() as db:
        db.execute(text("update orders set placed_at = placed_at - 86400000000 where channel_id <= '1003'"))
    middle = int(street.clock.now.timestamp() * 1_000_000) - 43_200_000_000

    assert found(street, since=middle) == ["1007", "1006", "1005", "1004"]
    assert found(street, until=middle) == ["1003", "1002", "1001"]
    assert found(street, until=middle, said="ada") == ["1003", "1001"]
    assert found(street, since=middle, until=middle) == []


# ---- pages


Turn = Callable[..., looking.Look]


@pytest.fixture
def turn(street: House) -> Turn:
    def ask(wanted: Wanted = EVERYTHING, **how: Any) -> looking.Look:
        with street.hub.database.read() as db:
            return looking.look(street.hub, db, street.merchant.id, wanted, most=3, **how)

    return ask


def names(look: looking.Look) -> list[str]:
    return [one.row.channel_id for one in look.orders]


def test_pages_go_there_and_back_and_hold_each_order_once(turn: Turn) -> None:
    for wanted in (EVERYTHING, replace(EVERYTHING, channel="bogus")):
        for oldest in (False, True):
            first = turn(wanted, oldest=oldest)
            second = turn(wanted, at=first.next, oldest=oldest)
            third = turn(wanted, at=second.next, oldest=oldest)
            back = turn(wanted, at=third.back, back=True, oldest=oldest)

            everything = [f"100{n}" for n in range(1, 8)]
            assert names(first) + names(second) + names(third) == (everything if oldest else everything[::-1])
            assert third.next is None
            assert names(back) == names(second)
            assert names(turn(wanted, at=back.back, back=True, oldest=oldest)) == names(first)


def test_an_order_that_comes_in_meanwhile_moves_no_page(street: House, turn: Turn) -> None:
    first = turn()
    sell(street)
    take(street)

    assert names(turn(at=first.next)) == ["1004", "1003", "1002"]


def test_what_came_in_since_is_told_by_itself(street: House, turn: Turn) -> None:
    newest = turn().orders[0].place

    def since(wanted: Wanted = EVERYTHING) -> list[str]:
        with street.hub.database.read() as db:
            return names(looking.news(street.hub, db, street.merchant.id, wanted, newest, 5))

    assert since() == []
    sell(street)
    sell(street, "B")
    take(street)
    assert since() == ["1009", "1008"]
    assert since(replace(EVERYTHING, attention=True)) == ["1009"]


def test_orders_placed_in_one_moment_are_told_apart_by_their_ids(street: House, turn: Turn) -> None:
    with street.hub.database.write() as db:
        db.execute(text("update orders set placed_at = 1"))

    first = turn()
    second = turn(at=first.next)

    assert len({*names(first), *names(second), *names(turn(at=second.next))}) == 7


def test_the_count_stops_where_nobody_counts_any_more(street: House, turn: Turn, monkeypatch: pytest.MonkeyPatch) -> None:
    assert turn().count == order_list.Count(7, exact=True)
    monkeypatch.setattr(order_list, "COUNTED", 5)

    assert turn().count == order_list.Count(5, exact=False)
    assert turn(at=turn().next).count is None


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three orders are many, and nobody walks past more than two."""
    monkeypatch.setattr(order_sieves, "FEW", 2)
    monkeypatch.setattr(order_list, "WALK", 2)


WALKS: list[tuple[dict[str, Any], list[str]]] = [
    ({"said": "ada", "status": OrderStatus.OPEN}, ["1003", "1001"]),
    ({"payment": PaymentStatus.PAID, "status": OrderStatus.OPEN}, ["1005", "1004", "1003", "1001"]),
    ({"location": "there", "channel": "bogus"}, ["1005", "1003", "1002", "1001"]),
    ({"payment": PaymentStatus.PAID}, ["1007", "1006", "1005", "1004", "1003", "1001"]),
    ({"channel": "bogus", "attention": True}, ["1004"]),
]


def walked(turn: Turn, wanted: Wanted, *, oldest: bool) -> list[str]:
    """All pages, one after the other."""
    seen, look = list[str](), turn(wanted, oldest=oldest)
    for _ in range(9):
        seen += names(look)
        if look.next is None:
            return seen
        look = turn(wanted, at=look.next, oldest=oldest)
    raise AssertionError("it never ends")


@pytest.mark.usefixtures("hurried")
def test_a_walk_that_stops_goes_on_where_it_stopped_and_misses_none(street: House, turn: Turn) -> None:
    for different, expected in WALKS:
        wanted = replace(EVERYTHING, **{**different, **({"location": street.place} if "location" in different else {})})
        with street.hub.database.read() as db:
            everything = looking.everything(street.hub, db, street.merchant.id, wanted)

        assert walked(turn, wanted, oldest=False) == expected
        assert walked(turn, wanted, oldest=True) == expected[::-1]
        assert everything == ids(street, *expected)


@pytest.mark.usefixtures("hurried")
def test_a_walk_that_stops_says_how_far_it_came_and_counts_no_further(turn: Turn) -> None:
    look = turn(replace(EVERYTHING, channel="bogus", payment=PaymentStatus.PAID))

    assert look.stopped == look.next == look.orders[-1].place
    assert look.count == order_list.Count(2, exact=False)


def test_a_place_that_no_order_has_is_as_good_as_any(turn: Turn) -> None:
    assert names(turn(at=Cursor(1, "x"))) == []
    assert len(names(turn(at=Cursor(2**62 - 1, "zz")))) == 3


# ---- who


def test_another_merchants_orders_are_found_by_nothing(street: House) -> None:
    other = flows.add_merchant(street.hub, "South Sea Trading").id
    questions = [EVERYTHING, *(replace(EVERYTHING, said=said) for said in ("1003", "ada", "b", "1z999aa1"))]
    questions += [replace(EVERYTHING, connection=street.connection.id), replace(EVERYTHING, location=street.place)]
    questions += [replace(EVERYTHING, status=OrderStatus.OPEN), replace(EVERYTHING, attention=True), replace(EVERYTHING, channel="bogus")]

    with street.hub.database.read() as db:
        seen = [looking.look(street.hub, db, other, wanted).orders for wanted in questions]
        chosen = order_list.these(db, other, ids(street, "1001"), buyers=True)
        choices = order_list.choices(db, other)

    assert seen == [[]] * len(questions)
    assert chosen == choices == []


def test_copies_are_found_and_marked(make_house: Callable[..., House]) -> None:
    house = make_house("north", "south")
    house.shelve(A=9)
    first = house.systems["north"].sell({"A": 1})
    house.systems["south"].sell({"A": 1}, id="copy", name="S-1", source="north", source_id=first["id"])
    house.clock.pass_(timedelta(minutes=5))
    house.poll()

    with house.hub.database.read() as db:
        look = looking.look(house.hub, db, house.merchant.id, replace(EVERYTHING, said=first["id"]))

    assert {one.row.channel_id: bool(one.row.copy_of) for one in look.orders} == {"1001": False, "copy": True}


def test_choices_are_the_merchants_own(street: House) -> None:
    do(street, Act.TAG, "1001", "1002", detail="vip")
    do(street, Act.TAG, "1001", detail="late")
    with street.hub.database.read() as db:
        choices = order_list.choices(db, street.merchant.id)

    assert [(row.what, row.name) for row in choices] == [
        ("connection", "bogus"), ("location", "Main"), ("tag", "late"), ("tag", "vip"),
    ]  # fmt: skip
