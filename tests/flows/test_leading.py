"""Two writers: somebody changes stock in the channel itself, and the merchant's rule decides."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.bogus.channel import Bogus
from core import jobs
from core.domain.leading import Leader, Unsure
from core.domain.who import Who
from core.errors import Refused, Unavailable
from core.flows import allocation, leading, sharing
from core.store import audit, connections, doubts, findings, stock
from core.store.doubts import Doubt
from tests.conftest import House
from tests.flows import acts, books

ANN = Who("u1", "Ann")


@pytest.fixture
def shop(make_house: Callable[..., House]) -> House:
    """Five of A and of B on two channels, of which north leads."""
    house = make_house("north", "south")
    house.shelve(A=5, B=5)
    settle(house)
    lead(house, Leader.CHANNEL)
    return house


def lead(house: House, rule: Leader, name: str = "north") -> None:
    leading.lead(house.hub, house.hub.connection(house.connections[name].id), rule, ANN)
    settle(house)


def settle(house: House, *, rounds: int = 3) -> None:
    """Polls read past everything, and everything is done."""
    for _ in range(rounds):
        house.clock.pass_(timedelta(minutes=4))
        house.poll()
        house.drain()


def change(house: House, units: int, sku: str = "A", name: str = "north") -> None:
    """Somebody sets what a listing shows there; then what moved is looked at."""
    house.systems[name].listings[f"L-{sku}", sku].shown = units
    look(house, name)


def look(house: House, name: str = "north") -> None:
    """What moved is read back, as soon as something did."""
    with house.hub.database.write() as db:
        db.exec_driver_sql("update listings set compared = 0")
    house.ask("compare_listings", connection=house.connections[name])
    house.work()


def read(house: House, name: str = "north") -> None:
    house.ask("read_listings", connection=house.connections[name])
    house.work()


def shown(house: House, sku: str = "A") -> list[int]:
    return [system.listings[f"L-{sku}", sku].shown for system in house.systems.values()]


def doubted(house: House) -> list[Doubt]:
    with house.hub.database.read() as db:
        return doubts.listed(db, house.merchant.id)


def found(house: House) -> list[tuple[str, str, str | None]]:
    with house.hub.database.read() as db:
        return [(one.theirs, one.ours, one.how) for one in findings.listed(db, house.merchant.id)]


def moved(house: House) -> list[tuple[str, int, str]]:
    return books.rows(house.hub, "select sku, units, cause from movements where cause = 'channel' order by id")


def choose(house: House, *, theirs: bool, location: str = "") -> None:
    (one,) = doubted(house)
    leading.choose(house.hub, house.merchant.id, one.id, theirs=theirs, mark=leading.mark_of(one), who=ANN, location=location)


# ---- the channel leads


@pytest.mark.parametrize("units", [9, 2, 0])
def test_what_was_changed_in_a_channel_that_leads_is_taken_over_and_told_to_all(shop: House, units: int) -> None:
    change(shop, units)
    before = shown(shop)
    settle(shop)

    assert before == [units, 5], "nothing is told before its orders are read"
    assert books.level(shop.hub, "A") == (units, 0)
    assert shown(shop) == [units, units]
    assert moved(shop) == [("A", units - 5, "channel")]
    assert found(shop) == [(f"shows {units}", "should show 5", "accepted")]
    assert doubted(shop) == []


def test_it_is_written_down_whose_number_that_was_and_can_be_undone_once(shop: House) -> None:
    change(shop, 9)
    settle(shop)
    with shop.hub.database.read() as db:
        (row,) = audit.page(db, shop.merchant.id, act="stock.follow")
    leading.undo(shop.hub, shop.merchant.id, row.id, ANN)
    settle(shop)

    assert (row.who, row.name) == (f"connection/{shop.connection.id}", "north")
    assert books.level(shop.hub, "A") == (5, 0)
    assert shown(shop) == [5, 5]
    assert [units for _, units, _ in moved(shop)] == [4, -4]
    with pytest.raises(Refused, match="undone already"):
        leading.undo(shop.hub, shop.merchant.id, row.id, ANN)


def test_a_sale_that_nobody_told_us_of_is_no_change(shop: House) -> None:
    shop.bogus.sell({"A": 2})
    shop.clock.pass_(timedelta(seconds=10))
    look(shop)
    assert [one.units for one in doubted(shop)] == [-2]
    settle(shop)

    assert books.level(shop.hub, "A") == (5, 2)
    assert shown(shop) == [3, 3]
    assert (moved(shop), found(shop), doubted(shop)) == ([], [], [])


def test_of_a_sale_and_a_change_at_once_only_the_change_is_taken_over(shop: House) -> None:
    shop.bogus.sell({"A": 2})
    shop.clock.pass_(timedelta(seconds=10))
    change(shop, 8)
    shop.clock.pass_(timedelta(seconds=10))
    shop.bogus.sell({"A": 1})
    settle(shop)

    assert moved(shop) == [("A", 5, "channel")]
    assert books.level(shop.hub, "A") == (10, 3)
    assert shown(shop) == [7, 7]


def while_it_is_asked(house: House, act: Callable[[], object]) -> None:
    """North's next call that asks what is shown begins; then this happens, and only then it is answered."""
    system, late = house.systems["north"], iter([True])
    plain = system.call

    @contextmanager
    def waits(method: str, what: Any = None) -> Iterator[Bogus]:
        if method == "shown" and next(late, False):
            act()
        with plain(method, what) as itself:
            yield itself

    system.call = waits  # type: ignore[method-assign]


def test_for_a_sale_while_it_was_asked_nothing_is_taken_over(shop: House) -> None:
    """The orders are read while the call is under way, and another one comes before it is answered."""

    def reads_and_sells() -> None:
        shop.clock.pass_(timedelta(minutes=4))
        shop.ask("poll_orders", connection=shop.connection)
        jobs.drain(shop.hub, "outside")
        shop.clock.pass_(timedelta(seconds=1))
        shop.bogus.sell({"A": 2})

    while_it_is_asked(shop, reads_and_sells)
    look(shop)
    look(shop)
    assert [one.units for one in doubted(shop)] == [-2], "nothing is said before its orders are read"
    settle(shop)

    assert (moved(shop), found(shop), books.level(shop.hub, "A")) == ([], [], (5, 2))
    assert [(one.units, one.why) for one in doubted(shop)] == [(None, Unsure.MOMENT.value)], "it may be the sale, or a change"


def test_a_sale_while_it_was_asked_is_nobodys_change_though_another_number_was_told_since(shop: House) -> None:
    lead(shop, Leader.HUB)

    def sells() -> None:
        shop.clock.pass_(timedelta(seconds=1))
        shop.bogus.sell({"A": 2})
        shop.clock.pass_(timedelta(seconds=3))

    while_it_is_asked(shop, sells)
    look(shop)
    shop.clock.pass_(timedelta(seconds=10))
    acts.count(shop, A=2)
    shop.work()
    assert shown(shop) == [2, 2]
    settle(shop)

    assert (found(shop), doubted(shop)) == ([], [])


def test_one_changed_twice_before_anybody_judged_it_counts_once(shop: House) -> None:
    change(shop, 9)
    shop.clock.pass_(timedelta(seconds=30))
    change(shop, 7)
    settle(shop)

    assert moved(shop) == [("A", 2, "channel")]
    assert shown(shop) == [7, 7]


def test_what_no_poll_moved_is_found_by_the_daily_reading(shop: House) -> None:
    shop.clock.pass_(timedelta(hours=20))
    shop.systems["north"].listings["L-A", "A"].shown = 12
    read(shop)
    settle(shop)

    assert (books.level(shop.hub, "A"), shown(shop)) == ((12, 0), [12, 12])


def test_promised_units_stay_and_the_rest_is_asked(shop: House) -> None:
    shop.systems["south"].sell({"A": 3})
    settle(shop)
    assert shown(shop) == [2, 2]
    change(shop, 0)
    order = shop.systems["south"].sell({"A": 1})
    acts.deliver(shop, [acts.notice(order, "d1")], shop.connections["south"])
    shop.work()
    settle(shop)

    assert books.level(shop.hub, "A") == (4, 4)
    assert [(one.why, one.units) for one in doubted(shop)] == [(Unsure.PROMISED.value, -1)]
    with pytest.raises(Refused, match="promised"):
        choose(shop, theirs=True)
    choose(shop, theirs=False)
    settle(shop)
    assert shown(shop) == [0, 0]


def test_a_kit_and_a_listing_that_sells_from_two_locations_are_asked_about(shop: House) -> None:
    second = shop.hub.ids()
    with shop.hub.unit() as work:
        stock.add_location(work.db, shop.merchant.id, second, "Second")
        allocation.map_listing(work, shop.merchant.id, (shop.connection.id, "L-A", "A"), {"A": 1, "B": 1})
    shop.work()
    settle(shop)
    change(shop, 8)
    change(shop, 3, sku="B")
    settle(shop)

    assert {one.name: one.why for one in doubted(shop)} == {"L-A A": "parts", "L-B B": "places"}
    assert moved(shop) == []
    (one,) = (one for one in doubted(shop) if one.why == "places")
    leading.choose(shop.hub, shop.merchant.id, one.id, theirs=True, mark=leading.mark_of(one), who=ANN, location=shop.place)
    assert moved(shop) == [("B", -2, "channel")]


def test_a_cap_says_nothing_of_what_lies_there(shop: House) -> None:
    from core.domain.exposure import Rule
    from core.flows import exposing

    [(id,)] = books.rows(shop.hub, "select id from listings where connection = :c and sku = 'A'", c=shop.connection.id)
    exposing.set_rules(shop.hub, shop.merchant.id, {id: Rule(cap=3)}, ANN)
    settle(shop)
    change(shop, 2)
    settle(shop)
    assert [one.why for one in doubted(shop)] == ["bound"]

    choose(shop, theirs=True)
    settle(shop)
    assert (books.level(shop.hub, "A"), shown(shop)) == ((4, 0), [3, 4])


def test_a_worker_that_dies_after_judging_takes_nothing_over_twice(shop: House) -> None:
    change(shop, 9)
    shop.clock.pass_(timedelta(minutes=4))
    shop.bogus.next("shown", Unavailable("gone for a moment"))
    settle(shop)

    assert moved(shop) == [("A", 4, "channel")]


# ---- a write that compared


@pytest.mark.parametrize("commits", [True, False])
def test_a_write_that_met_another_number_is_judged_like_any(make_house: Callable[..., House], commits: bool) -> None:
    """Nobody looked: a sale elsewhere is told, and the channel says that it shows something else."""
    house = make_house("north", "south")
    for system in house.systems.values():
        system.compares, system.commits = True, commits
    bogus = house.hub.connectors["bogus"]
    house.hub.connectors["bogus"] = replace(bogus, limits=replace(bogus.limits, compares=True))
    house.shelve(A=5)
    settle(house)
    lead(house, Leader.CHANNEL)
    house.systems["north"].listings["L-A", "A"].shown = 11
    house.systems["south"].sell({"A": 2})
    settle(house)

    assert moved(house) == [("A", 6, "channel")]
    assert books.level(house.hub, "A") == (11, 2)
    assert shown(house) == [9, 9]


# ---- ask


@pytest.fixture
def asked(shop: House) -> House:
    lead(shop, Leader.ASK)
    change(shop, 9)
    settle(shop)
    return shop


def test_while_somebody_is_asked_nothing_is_told_up_or_down(asked: House) -> None:
    asked.systems["south"].sell({"A": 1})
    settle(asked)

    assert shown(asked) == [9, 4]
    assert [(one.theirs, one.ours, one.units, one.why) for one in doubted(asked)] == [(9, 5, 4, "rule")]
    assert books.level(asked.hub, "A") == (5, 1)


def test_ours_is_told_when_somebody_says_so(asked: House) -> None:
    choose(asked, theirs=False)
    settle(asked)

    assert (shown(asked), books.level(asked.hub, "A")) == ([5, 5], (5, 0))
    assert found(asked) == [("shows 9", "should show 5", "repaired")]
    assert doubted(asked) == []


def test_theirs_is_taken_over_less_what_was_sold_since(asked: House) -> None:
    asked.systems["south"].sell({"A": 1})
    settle(asked)
    choose(asked, theirs=True)
    settle(asked)

    assert (shown(asked), books.level(asked.hub, "A")) == ([8, 8], (9, 1))


def test_that_nothing_is_left_is_told_all_the_same(asked: House) -> None:
    asked.systems["south"].sell({"A": 5})
    settle(asked)

    assert shown(asked) == [0, 0]
    assert len(doubted(asked)) == 1, "and somebody is still asked"
    choose(asked, theirs=True)
    settle(asked)
    assert (shown(asked), books.level(asked.hub, "A")) == ([4, 4], (9, 5))


def test_what_showed_nothing_before_is_not_emptied_while_somebody_is_asked(shop: House) -> None:
    lead(shop, Leader.ASK)
    acts.count(shop, A=0)
    settle(shop)
    change(shop, 6)
    settle(shop)

    assert shown(shop) == [6, 0]
    choose(shop, theirs=True)
    settle(shop)
    assert shown(shop) == [6, 6]


def test_nobody_chooses_what_they_have_not_seen(asked: House) -> None:
    (one,) = doubted(asked)
    change(asked, 7)
    settle(asked)

    with pytest.raises(Refused, match="meanwhile"):
        leading.choose(asked.hub, asked.merchant.id, one.id, theirs=True, mark=leading.mark_of(one), who=ANN)
    with pytest.raises(Refused, match="nobody is asked"):
        leading.choose(asked.hub, "another", one.id, theirs=True, mark=leading.mark_of(one), who=ANN)


def test_back_to_the_hub_whoever_was_asked_is_asked_no_more(asked: House) -> None:
    lead(asked, Leader.HUB)

    assert shown(asked) == [5, 5]
    assert doubted(asked) == []
    assert [(theirs, ours) for theirs, ours, _ in found(asked)] == [("shows 9", "should show 5")]


# ---- quota


@pytest.mark.parametrize("rule", [Leader.CHANNEL, Leader.ASK])
def test_in_quota_a_channel_raises_its_own_part_by_nothing_it_does(shop: House, rule: Leader) -> None:
    """What it shows beyond its part is told down at once; what was found there is dealt to all, by the rule."""
    sharing.set_quota(shop.hub, shop.merchant.id, {"A": True}, ANN)
    settle(shop)
    lead(shop, rule)
    before = shown(shop)
    change(shop, before[0] + 6)
    shop.work()
    assert shown(shop)[0] <= before[0]
    settle(shop)

    assert books.wrong_shares(shop) == []
    if rule is Leader.CHANNEL:
        assert books.level(shop.hub, "A") == (11, 0)
    else:
        assert [(one.units, one.why) for one in doubted(shop)] == [(6, "rule")]


# ---- beside


def test_places_that_nobody_is_asked_about_are_told_as_ever(asked: House) -> None:
    acts.count(asked, B=2)
    settle(asked)

    assert shown(asked, "B") == [2, 2]


def test_who_only_watches_takes_nothing_over(shop: House) -> None:
    with shop.hub.unit() as work:
        connections.set_live(work.db, shop.connection.id, None)
    change(shop, 9)
    settle(shop)

    assert (moved(shop), shown(shop)) == ([], [9, 5])


# ---- slices


def test_a_slice_that_is_as_it_should_be_costs_no_write_and_no_message(shop: House) -> None:
    read(shop)
    before = books.rows(shop.hub, "select id, changed, told, shown, shown_at from listings order by id")
    shop.clock.pass_(timedelta(days=1))
    shop.bogus.calls.clear()
    read(shop)

    assert books.rows(shop.hub, "select id, changed, told, shown, shown_at from listings order by id") == before
    assert [method for method, _ in shop.bogus.calls] == ["listings", "places"]
    assert books.rows(shop.hub, "select count(*) from listings where seen_at = :now", now=shop.hub.now) == [(2,)]


def test_of_a_slice_that_differs_only_what_differs_is_written(shop: House) -> None:
    lead(shop, Leader.HUB)
    shop.clock.pass_(timedelta(days=1))
    shop.bogus.listings["L-A", "A"].shown = 8
    before = dict(books.rows(shop.hub, "select sku, changed from listings where connection = :c", c=shop.connection.id))
    read(shop)

    after = dict(books.rows(shop.hub, "select sku, changed from listings where connection = :c", c=shop.connection.id))
    assert (after["A"] > before["A"], after["B"] == before["B"]) == (True, True)
    assert shown(shop) == [5, 5]
    settle(shop)
    assert [(theirs, ours) for theirs, ours, _ in found(shop)] == [("shows 8", "should show 5")]


def test_a_reading_that_is_older_than_a_sale_is_no_difference(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file tells what was so when it was begun; meanwhile a buyer bought, and we know."""
    real = type(shop.hub.channel(shop.connection)).listings

    def old(self: object, cursor: str | None) -> object:
        page = real(self, cursor)  # type: ignore[arg-type]
        order = shop.bogus.sell({"A": 2})
        shop.clock.pass_(timedelta(seconds=3))
        acts.deliver(shop, [acts.notice(order, "d1")])
        shop.work()
        return page

    monkeypatch.setattr(type(shop.hub.channel(shop.connection)), "listings", old)
    shop.clock.pass_(timedelta(minutes=1))
    read(shop)
    monkeypatch.undo()
    settle(shop)

    assert (moved(shop), doubted(shop), shown(shop)) == ([], [], [3, 3])
