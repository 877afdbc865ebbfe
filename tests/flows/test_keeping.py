"""Units that are kept from channels, and damaged ones: shown nowhere, promised only where they can be."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.adjusting import UNSEEN, Answer, Reason, Wish
from core.domain.who import Who
from core.errors import Refused
from core.flows import adjusting, counting, keeping, sharing, stock_csv
from tests.conftest import House
from tests.flows import books
from tests.flows.quick import Houses

ANN = Who("u1", "Ann")


def shown(house: House, sku: str = "A") -> list[int]:
    return [system.listings[f"L-{sku}", sku].shown for system in house.systems.values()]


def rest(house: House) -> None:
    """Everything is read, told and dealt."""
    for _ in range(3):
        house.clock.pass_(timedelta(minutes=4))
        house.poll()


def keep(house: House, units: int, sku: str = "A") -> list[keeping.Kept]:
    done = keeping.keep_safe(house.hub, house.merchant.id, {(sku, house.place): units}, ANN)
    house.drain()
    return done


def act(house: House, reason: Reason, units: int) -> adjusting.Adjusted:
    done = adjusting.adjust(house.hub, house.merchant.id, "A", house.place, Wish(reason, units, UNSEEN), ANN)
    house.drain()
    return done


def take(house: House, text: str, *, dry_run: bool = False) -> counting.Report:
    made = counting.take(house.hub, house.merchant.id, stock_csv.read(io.StringIO(text), "Main"), dry_run=dry_run)
    house.drain()
    return made


@pytest.fixture
def stocked(make_house: Callable[..., House]) -> House:
    house = make_house("east", "west")
    house.shelve(A=10)
    return house


def test_what_is_kept_is_shown_on_no_channel_and_comes_back(stocked: House) -> None:
    [done] = keep(stocked, 4)
    assert (done.was, done.now, shown(stocked)) == (0, 4, [6, 6])
    books.balance(stocked.hub)

    assert keep(stocked, 4) == []
    keep(stocked, done.was)
    assert shown(stocked) == [10, 10]
    assert books.rows(stocked.hub, "select act, name from audit order by id") == [("stock.safety", "Ann")] * 2


def test_orders_may_take_what_is_kept(stocked: House) -> None:
    keep(stocked, 8)
    stocked.bogus.sell({"A": 5})
    rest(stocked)

    assert books.level(stocked.hub, "A") == (10, 5)
    assert shown(stocked) == [0, 0]
    assert books.wrong_listings(stocked) == []


def test_of_what_is_dealt_the_kept_units_are_nobodys(stocked: House) -> None:
    keep(stocked, 4)
    sharing.set_quota(stocked.hub, stocked.merchant.id, {"A": True}, ANN)
    rest(stocked)

    assert sum(shown(stocked)) == 6
    keep(stocked, 0)
    rest(stocked)
    assert 6 < sum(shown(stocked)) <= 10


@pytest.mark.parametrize("shelf", [("A", "nowhere"), ("B", "")])
def test_what_nobody_counted_keeps_none(stocked: House, shelf: tuple[str, str]) -> None:
    with pytest.raises(Refused, match="count it first"):
        keeping.keep_safe(stocked.hub, stocked.merchant.id, {(shelf[0], shelf[1] or stocked.place): 1}, ANN)


def test_damaged_units_lie_beside_and_every_act_is_a_movement(stocked: House) -> None:
    assert act(stocked, Reason.DAMAGED, -3).answer is Answer.DONE
    assert shown(stocked) == [7, 7]
    assert act(stocked, Reason.MENDED, 1).answer is Answer.DONE
    assert act(stocked, Reason.WRITTEN_OFF, -2).answer is Answer.DONE
    assert act(stocked, Reason.WRITTEN_OFF, -1).answer is Answer.NOTHING

    assert books.rows(stocked.hub, "select on_hand, damaged from levels") == [(8, 0)]
    assert books.rows(stocked.hub, "select units, damaged, cause from movements where cause <> 'counted' order by id") == [
        (-3, 3, "damaged"), (1, -1, "mended"), (0, -2, "written_off"),
    ]  # fmt: skip
    books.balance(stocked.hub)


def test_what_orders_hold_is_not_put_aside(stocked: House) -> None:
    stocked.bogus.sell({"A": 9})
    rest(stocked)

    assert act(stocked, Reason.DAMAGED, -2).answer is Answer.PROMISED
    assert act(stocked, Reason.DAMAGED, -1).answer is Answer.DONE


def test_what_is_not_counted_any_more_is_not_damaged_either(stocked: House) -> None:
    act(stocked, Reason.DAMAGED, -3)
    take(stocked, "sku,on_hand\nA,uncounted\n")

    assert books.rows(stocked.hub, "select sum(units), sum(damaged) from movements") == [(0, 0)]


def test_a_file_says_what_is_kept_shows_it_first_and_knows_the_way_back(stocked: House) -> None:
    file = "sku,on_hand,safety,location\nA,,4,\nB,5,2,Attic\n"

    assert [(one.sku, one.was, one.will) for one in take(stocked, file, dry_run=True).safeties] == [("A", 0, 4), ("B", None, 2)]
    assert shown(stocked) == [10, 10]
    report = take(stocked, file)
    assert shown(stocked) == [6, 6]
    assert books.rows(stocked.hub, "select sku, on_hand, safety from levels order by sku") == [("A", 10, 4), ("B", 5, 2)]
    assert [row["safety"] for row in stock_csv.export(stocked.hub, stocked.merchant.id) if row.get("on_hand") == 10] == [4]

    back = io.StringIO()
    stock_csv.write(back, stock_csv.undo(report))
    take(stocked, back.getvalue())
    assert books.rows(stocked.hub, "select sku, on_hand, safety from levels") == [("A", 10, 0)]


@pytest.mark.parametrize(
    ("file", "line", "words"),
    [
        ("sku,on_hand,safety\nA,1,2\nB,1,-1\n", 3, "safety is not a whole number"),
        ("sku,on_hand,safety\nA,,1.5\n", 2, "safety is not a whole number"),
        ("sku,on_hand,safety\nA,,1\nA,,1\n", 3, "safety is said twice"),
        ("sku,on_hand,safety\nA,uncounted,1\n", 2, "safety of what nobody counted"),
        ("sku,on_hand,safety\nZ,,1\n", 2, "nobody has counted it at Main"),
        ("sku,on_hand,safety\nA,-1,\n", 2, "on_hand is not a whole number"),
        ("sku,on_hand,safty\nA,1,\n", 1, "'safty' is no column of ours"),
    ],
)
def test_one_wrong_cell_is_named_and_nothing_is_taken(stocked: House, file: str, line: int, words: str) -> None:
    with pytest.raises(counting.WrongLines) as wrong:
        take(stocked, file)

    assert [(at, words in why) for at, why in wrong.value.lines] == [(line, True)]
    assert books.rows(stocked.hub, "select on_hand, safety from levels") == [(10, 0)]


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Houses:
    made = Houses(tmp_path_factory.mktemp("kept"), "east", "west")
    made.furnish(lambda house: house.shelve(A=10))
    return made


ACTS = st.one_of(
    st.tuples(st.sampled_from([Reason.DAMAGED, Reason.MENDED, Reason.WRITTEN_OFF, Reason.FOUND, Reason.LOST]), st.integers(-6, 6)),
    st.tuples(st.sampled_from(["sell", "keep"]), st.integers(0, 6)),
    st.tuples(st.just(Reason.COUNTED), st.integers(0, 12)),
)


@given(acts=st.lists(ACTS, max_size=8))
def test_whatever_is_done_levels_are_their_movements_and_channels_show_what_is_free(houses: Houses, acts: list[tuple[str, int]]) -> None:
    house = houses.make()
    for what, units in acts:
        if what == "sell" and units:
            house.systems["east"].sell({"A": units})
        elif what == "keep":
            keeping.keep_safe(house.hub, house.merchant.id, {("A", house.place): units}, ANN)
        elif what != "sell":
            adjusting.adjust(house.hub, house.merchant.id, "A", house.place, Wish(Reason(what), units, UNSEEN), ANN)
    rest(house)

    books.balance(house.hub)
    assert books.wrong_listings(house) == []
    house.hub.database.close()
