"""A channel that cannot be read or written: the others give up what it may sell, and get it back once it is seen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.domain.causes import ALL
from core.domain.who import Who
from core.errors import Refused, Unavailable
from core.flows import attention, blind, health, sharing
from core.store import connections, displays
from tests.conftest import House
from tests.flows import books

ANN = Who("u1", "Ann")
AWAY = timedelta(minutes=20)


@pytest.fixture
def trio(make_house: Callable[..., House]) -> House:
    """Ten of A on three channels that are read each minute."""
    house = make_house("east", "north", "west")
    for connection in house.connections.values():
        with house.hub.unit() as work:
            connections.set_settings(work.db, connection.id, {**connection.settings, "poll_s": 60})
    house.shelve(A=10)
    house.poll()
    return house


def shown(house: House) -> list[int]:
    return [system.listings["L-A", "A"].shown for system in house.systems.values()]


def look(house: House) -> None:
    house.ask("look_blind", house.merchant.id)
    with house.hub.database.write() as db:
        db.execute(text("update tasks set connection = '' where kind = 'look_blind'"))
    house.drain()


def out_of_sight(house: House, name: str = "east") -> None:
    """The others are read, this one is not."""
    house.clock.pass_(AWAY)
    for other, connection in house.connections.items():
        if other != name:
            house.ask("poll_orders", connection=connection)
    house.drain()
    look(house)


def seen_again(house: House) -> None:
    house.clock.pass_(timedelta(minutes=3))
    house.poll()
    look(house)


def test_the_others_leave_it_what_it_may_sell_and_say_so(trio: House) -> None:
    out_of_sight(trio)

    assert shown(trio) == [10, 9, 9], "what never sold may sell once"
    with trio.hub.database.read() as db:
        listed = {one.connection: one for one in displays.of_sku(db, trio.merchant.id, "A")}
    assert [dict(listed[one.id].withheld) for one in trio.connections.values()] == [{}, {"A": 1}, {"A": 1}]


def test_strictly_it_is_left_all_that_it_shows(trio: House) -> None:
    blind.set_care(trio.hub, trio.connections["east"], strict=True, factor=3, who=ANN)
    trio.drain()
    out_of_sight(trio)

    assert shown(trio) == [10, 0, 0]


def test_once_it_is_read_again_the_others_show_what_is_free(trio: House) -> None:
    out_of_sight(trio)
    trio.systems["east"].sell({"A": 1})
    seen_again(trio)

    assert shown(trio) == [9, 9, 9]
    assert books.rows(trio.hub, "select * from withheld") == []
    assert books.rows(trio.hub, "select 1 from connections where blind_since is not null") == []


def test_what_it_sold_unseen_was_there_for_it(trio: House) -> None:
    blind.set_care(trio.hub, trio.connections["east"], strict=True, factor=3, who=ANN)
    trio.drain()
    out_of_sight(trio)
    trio.systems["east"].sell({"A": 10})
    seen_again(trio)

    assert shown(trio) == [0, 0, 0]
    assert books.rows(trio.hub, "select 1 from order_lines where waits is not null") == []


def test_a_channel_that_takes_nothing_it_is_told_is_out_of_sight_too(trio: House, monkeypatch: pytest.MonkeyPatch) -> None:
    east = trio.systems["east"]

    @contextmanager
    def refuses(method: str, what: object = None) -> Iterator[None]:
        if method == "show":
            raise Unavailable("nobody there")
        yield

    monkeypatch.setattr(east, "call", refuses)
    trio.shelve(A=4)
    look(trio)
    for _ in range(4):
        trio.clock.pass_(timedelta(minutes=5))
        trio.poll()
        look(trio)

    assert shown(trio) == [10, 3, 3]


def test_what_is_in_quota_has_its_part_already(trio: House) -> None:
    sharing.set_quota(trio.hub, trio.merchant.id, {"A": True}, ANN)
    trio.drain()
    out_of_sight(trio)

    assert books.rows(trio.hub, "select * from withheld") == []


def test_the_owner_is_told(trio: House) -> None:
    out_of_sight(trio)
    with trio.hub.database.read() as db:
        known = health.look(trio.hub, db, trio.merchant.id)

    assert "blind" in {one.cause for one in attention.of_connections(known, trio.hub.now)}
    assert ALL["blind"].loud


@pytest.mark.parametrize("factor", [0, -1, 1000])
def test_a_factor_that_cannot_be_is_refused(trio: House, factor: int) -> None:
    with pytest.raises(Refused, match="from 1 to 100"):
        blind.set_care(trio.hub, trio.connections["east"], strict=False, factor=factor, who=ANN)
