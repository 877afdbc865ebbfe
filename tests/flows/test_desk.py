"""Staff at work on orders: what they do is done once, can be taken back, and stays whatever the channel says later."""

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from core.domain.acts import Act
from core.domain.who import Who
from core.flows import connections as flows
from core.flows import desk, indexing
from core.flows.desk import Wish
from core.store import acts as kept
from core.store import desk as store
from tests.conftest import House
from tests.flows import acts

ANN, BEN = Who("user-1", "Ann"), Who("user-2", "Ben")


def rows(house: House, query: str, **values: Any) -> list[tuple[Any, ...]]:
    with house.hub.database.read() as db:
        return [tuple(row) for row in db.execute(text(query), values)]


def ids(house: House) -> list[str]:
    return [id for (id,) in rows(house, "select id from orders order by channel_id")]


def held(house: House) -> dict[str, tuple[str, str | None]]:
    """Status and reason of each order, by its number."""
    return {number: (status, why) for number, status, why in rows(house, "select channel_id, status, held_why from orders")}


def told(house: House, kind: str = "") -> list[str]:
    found = [f"{what} {json.loads(body)}" for what, body in rows(house, "select kind, body from events order by id")]
    return [one for one in found if one.startswith(("OrderHeld", "OrderReleased", "Note", "Tag")) and kind in one]


def do(house: House, act: Act, orders: list[str], detail: str = "", words: str = "", id: str = "", who: Who = ANN) -> kept.Deed:
    return desk.act(house.hub, house.merchant.id, who, Wish(id or house.hub.ids(), act, orders, detail, words))


def take(house: House) -> None:
    house.clock.pass_(timedelta(minutes=5))
    house.poll()


@pytest.fixture
def shop(house: House) -> House:
    """Three orders: 1001 and 1002 are open, 1003 is cancelled."""
    house.shelve(A=50)
    for _ in range(3):
        house.bogus.sell({"A": 2})
    acts.cancel(house.bogus, "1003")
    take(house)
    return house


def test_a_hold_shows_keeps_the_reservation_and_tells_the_story(shop: House) -> None:
    before = rows(shop, "select order_id, units from reservations order by 1")

    deed = do(shop, Act.HOLD, ids(shop), "address")

    assert held(shop) == {"1001": ("on_hold", "address"), "1002": ("on_hold", "address"), "1003": ("cancelled", None)}
    assert list(deed.changed) == ids(shop)[:2]
    assert rows(shop, "select order_id, units from reservations order by 1") == before
    assert told(shop) == ["OrderHeld {'why': 'address', 'by': 'Ann'}"] * 2


def test_a_hold_stays_while_the_channel_changes_the_order_and_gives_way_to_a_cancellation(shop: House) -> None:
    do(shop, Act.HOLD, ids(shop)[:2], "fraud")
    do(shop, Act.TAG, ids(shop)[:1], "vip")
    do(shop, Act.NOTE, ids(shop)[:1], words="call first")
    acts.edit(shop.bogus, "1001", "1", 3)
    acts.cancel(shop.bogus, "1002")
    take(shop)

    assert held(shop)["1001"] == ("on_hold", "fraud")
    assert held(shop)["1002"] == ("cancelled", "fraud")
    assert rows(shop, "select tag from order_tags") == [("vip",)]
    assert rows(shop, "select count(*) from order_notes") == [(1,)]


def test_who_lets_an_order_go_gets_the_status_that_it_has_by_now(shop: House) -> None:
    do(shop, Act.HOLD, ids(shop)[:2], "stock")
    acts.fulfill(shop.bogus, "1001", "1", 1)
    take(shop)

    do(shop, Act.RELEASE, ids(shop), who=BEN)

    assert held(shop) == {"1001": ("partially_fulfilled", None), "1002": ("open", None), "1003": ("cancelled", None)}
    assert told(shop, "Released") == ["OrderReleased {'by': 'Ben'}"] * 2


def test_the_same_form_twice_is_done_once(shop: House) -> None:
    for _ in range(2):
        do(shop, Act.NOTE, ids(shop)[:1], words="call first", id="form-0001")

    assert rows(shop, "select count(*) from order_notes") == [(1,)]
    assert len(told(shop)) == 1
    assert rows(shop, "select act, name, subject from audit") == [("order.note", "Ann", ids(shop)[0])]


def test_doing_what_is_done_already_changes_nothing(shop: House) -> None:
    for _ in range(2):
        last = [do(shop, act, ids(shop)[:1], detail) for act, detail in ((Act.HOLD, "buyer"), (Act.TAG, "vip"))]

    assert [one.changed for one in last] == [{}, {}]
    assert len(told(shop)) == 2


def test_what_can_be_taken_back_is_as_it_was_reasons_too(shop: House) -> None:
    one, two, _ = ids(shop)
    do(shop, Act.HOLD, [one], "fraud")
    do(shop, Act.HOLD, [two], "stock")
    before = held(shop)
    released = do(shop, Act.RELEASE, ids(shop))

    back = desk.undo(shop.hub, shop.merchant.id, BEN, released.id, "form-back")

    assert held(shop) == before
    assert back is not None
    assert back.act is Act.HOLD
    assert desk.undo(shop.hub, shop.merchant.id, BEN, released.id, "form-twice") is None
    assert desk.undo(shop.hub, shop.merchant.id, BEN, "nothing-such", "form-none") is None


def test_only_what_an_act_changed_is_taken_back(shop: House) -> None:
    one, two, _ = ids(shop)
    do(shop, Act.TAG, [one], "vip")
    deed = do(shop, Act.TAG, [one, two], "vip")

    desk.undo(shop.hub, shop.merchant.id, ANN, deed.id, "form-back")

    assert rows(shop, "select order_id from order_tags") == [(one,)]


def test_a_note_cannot_be_taken_back_and_lies_sealed(shop: House) -> None:
    deed = do(shop, Act.NOTE, ids(shop)[:2], words="ring Mrs Canary")

    assert desk.undo(shop.hub, shop.merchant.id, ANN, deed.id, "form-back") is None
    dump = str(rows(shop, "select * from order_notes") + rows(shop, "select * from order_acts") + rows(shop, "select body from audit"))
    assert "Canary" not in dump
    assert "Canary" not in repr(deed)
    with shop.hub.database.read() as db:
        [note] = store.notes(db, shop.merchant.id, ids(shop)[0], shop.hub.box(shop.merchant.id))
    assert (note.name, note.words) == ("Ann", "ring Mrs Canary")


def test_another_merchants_orders_and_acts_are_left_alone(shop: House) -> None:
    other = flows.add_merchant(shop.hub, "South Sea Trading").id
    deed = do(shop, Act.TAG, ids(shop)[:1], "vip")
    before = held(shop)

    for act, detail, words in (
        (Act.HOLD, "other", ""), (Act.RELEASE, "", ""), (Act.TAG, "mine", ""), (Act.UNTAG, "vip", ""), (Act.NOTE, "", "hello"),
    ):  # fmt: skip
        assert desk.act(shop.hub, other, BEN, Wish(shop.hub.ids(), act, ids(shop), detail, words)).changed == {}

    assert held(shop) == before
    assert rows(shop, "select tag from order_tags") == [("vip",)]
    assert rows(shop, "select count(*) from order_notes") == [(0,)]
    assert desk.undo(shop.hub, other, BEN, deed.id, "form-back") is None
    assert desk.act(shop.hub, other, BEN, Wish(deed.id, Act.UNTAG, ids(shop), "vip")).changed == {}


def test_many_are_done_in_steps_and_a_repeated_step_does_nothing_twice(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "AT_ONCE", 1)
    deed = do(shop, Act.HOLD, ids(shop), "payment", id="form-many")
    assert (deed.done, deed.ended_at) == (0, None)
    assert desk.undo(shop.hub, shop.merchant.id, ANN, "form-many", "form-early") is None

    shop.drain()
    shop.ask("act_on_orders", "form-many")
    shop.drain()

    with shop.hub.database.read() as db:
        done = kept.find(db, shop.merchant.id, "form-many", shop.hub.box(shop.merchant.id))
    assert done is not None
    assert (done.done, list(done.changed), done.ended_at is None) == (3, ids(shop)[:2], False)
    assert len(told(shop)) == 2

    desk.undo(shop.hub, shop.merchant.id, ANN, "form-many", "form-undo")
    shop.drain()
    assert [status for status, _ in held(shop).values()].count("on_hold") == 0


def test_what_was_kept_before_there_was_a_search_is_indexed_once_and_behind(shop: House) -> None:
    before = rows(shop, "select word, order_id, personal from order_words order by 1, 2"), held(shop)
    with shop.hub.database.write() as db:
        db.execute(text("delete from order_words"))
        db.execute(text("update orders set status = null, payment = null, fulfillment = null"))
        db.execute(text("update orders set held_at = null"))

    with shop.hub.unit() as work:
        assert indexing.ask_indexing(work) == 1
    shop.drain()

    assert (rows(shop, "select word, order_id, personal from order_words order by 1, 2"), held(shop)) == before
    assert rows(shop, "select distinct queue from tasks where kind = 'index_orders'") == [("inside later",)]
    with shop.hub.unit() as work:
        assert indexing.ask_indexing(work) == 0


def test_an_old_order_that_changes_before_it_is_indexed_gets_all_its_words(shop: House) -> None:
    mine, words = ids(shop)[0], "select word from order_words where order_id = :id order by 1"
    before = rows(shop, words, id=mine)
    with shop.hub.database.write() as db:
        db.execute(text("delete from order_words"))
        db.execute(text("update orders set status = null"))

    acts.edit(shop.bogus, "1001", "1", 4)
    take(shop)

    assert rows(shop, words, id=mine) == before != []
