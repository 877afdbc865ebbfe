"""Whose copy an order is, who holds a line, and how reservations go over: whatever came first, and with nothing lost or doubled."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.kin import NO_COPY, Family, Kin, Sight, hand_over, may_come_again, named
from core.domain.order import Order, PaymentStatus
from core.domain.places import PlaceMap
from core.domain.stock import Dues, LineStock, settle
from tests.builders import LONG_AGO, a_line, an_order


def original(**different: object) -> Order:
    return an_order(**{"channel": "amazon", "connection": "market", "id": "302-1", **different})


def copy(**different: object) -> Order:
    return an_order(**{"channel": "shopify", "connection": "shop", "id": "5001", "source": "amazon", "source_id": " 302-1 ", **different})


def family(*sights: Order | Sight) -> Family:
    found = [one if isinstance(one, Sight) else Sight(one, lists=True) for one in sights]
    return Family({one.order.ref: one for one in found})


def kin(of: Order, *sights: Order | Sight) -> Kin:
    return family(*sights).kin(of.ref)


def test_an_order_that_names_another_connections_order_is_its_copy_and_the_other_is_none() -> None:
    assert kin(copy(), copy(), original()).copy_of == "market/302-1"
    assert kin(original(), copy(), original()).copy_of is None


@pytest.mark.parametrize(
    "different",
    [{"source_id": None}, {"source_id": "302-2"}, {"source_id": ""}, {"test": True}, {"connection": "market"}, {"source": "shopify"}],
)
def test_whoever_names_nobody_we_know_of_another_channel_is_an_order_of_its_own(different: dict[str, object]) -> None:
    one = copy(**different)

    assert kin(one, one, original()).copy_of is None


def test_a_test_order_is_nobodys_original() -> None:
    assert kin(copy(), copy(), original(test=True)).copy_of is None


def test_of_two_orders_with_one_id_the_one_on_the_named_channel_is_meant() -> None:
    other = an_order(channel="ebay", connection="a", id="302-1")

    assert kin(copy(), copy(), original(), other).copy_of == "market/302-1"


def test_what_somebody_said_stays_and_what_was_found_follows_what_the_order_names() -> None:
    elsewhere = original(connection="other", id="302-9")
    by_hand = Sight(copy(), copy_of="other/302-9", names="302-1")
    found = Sight(copy(source_id="302-9"), copy_of="market/302-1", names="302-1")

    assert kin(copy(), Sight(copy(), copy_of=NO_COPY, names="302-1"), original()).copy_of == NO_COPY
    assert kin(copy(), by_hand, original(), elsewhere).copy_of == "other/302-9"
    assert kin(copy(), found, original(), elsewhere).copy_of == "other/302-9"
    assert kin(copy(), Sight(copy(source_id=None), copy_of="market/302-1", names="302-1"), original()).copy_of is None
    assert kin(copy(), Sight(copy(), copy_of="market/302-1", names="302-1")).copy_of == "market/302-1", "the original need not be at hand"


@pytest.mark.parametrize("length", [2, 3, 4])
def test_orders_that_name_each_other_in_a_circle_are_all_orders_of_their_own(length: int) -> None:
    ring = [an_order(channel=f"c{n}", connection=f"c{n}", id=str(n), source="app", source_id=str((n + 1) % length)) for n in range(length)]

    assert {kin(one, *ring).copy_of for one in ring} == {None}


@pytest.mark.parametrize(("source", "id", "found"), [("amazon", "302-1", "302-1"), ("shopify", "302-1", None), ("amazon", " ", None)])
def test_channels_that_name_themselves_name_nobody(source: str, id: str, found: str | None) -> None:
    assert named(copy(source=source, source_id=id)) == found


def part(id: str, lines: str, minutes: int, **different: object) -> Order:
    return an_order(id=id, lines=[a_line(one, id=one) for one in lines], placed_at=LONG_AGO + timedelta(minutes=minutes), **different)


def test_a_line_is_held_by_the_order_that_was_made_last() -> None:
    one, two, new = part("1", "ab", 0), part("2", "c", 1), part("3", "abc", 2)

    assert kin(one, one, two, new) == Kin(merged_into="shop/3", away={"a": "shop/3", "b": "shop/3"})
    assert kin(new, one, two, new) == Kin()


def test_an_order_keeps_the_lines_that_did_not_reappear() -> None:
    one, new = part("1", "ab", 0), part("3", "a", 2)

    assert kin(one, one, new) == Kin(away={"a": "shop/3"})


def test_an_order_whose_lines_went_two_ways_is_merged_into_the_later() -> None:
    one, left, right = part("1", "ab", 0), part("2", "a", 1), part("3", "b", 2)

    assert kin(one, one, left, right).merged_into == "shop/3"


def test_an_order_that_got_another_id_when_it_was_paid_is_the_paid_one() -> None:
    unpaid, paid = part("9", "a", 0, payment_status=PaymentStatus.UNPAID), part("1", "a", 0)

    assert kin(unpaid, unpaid, paid).merged_into == "shop/1"
    assert kin(paid, unpaid, paid).merged_into is None


def test_another_accounts_lines_are_other_lines() -> None:
    one, other = part("1", "a", 0), part("2", "a", 1, connection="other")

    assert kin(one, one, other) == Kin()
    assert kin(one, Sight(one), Sight(part("2", "a", 1))) == Kin(), "on a channel that never merges"


def test_only_an_unpaid_order_that_was_cancelled_may_come_again() -> None:
    unpaid = part("1", "a", 0, payment_status=PaymentStatus.UNPAID)

    assert may_come_again(replace(unpaid, cancelled=True))
    assert not may_come_again(unpaid)
    assert not may_come_again(replace(unpaid, cancelled=True, payment_status=PaymentStatus.PAID))


@st.composite
def merges(draw: st.DrawFn) -> list[Order]:
    """Two to four orders of one account, each of some of the same lines."""
    count = draw(st.integers(2, 4))
    lists = st.sets(st.sampled_from("abcd"), min_size=1).map(lambda found: "".join(sorted(found)))
    paid = st.sampled_from([PaymentStatus.UNPAID, PaymentStatus.PAID])
    return [part(str(n), draw(lists), draw(st.integers(0, 2)), payment_status=draw(paid)) for n in range(count)]


@given(orders=merges(), chance=st.randoms())
def test_every_line_has_one_holder_whatever_was_heard_first(orders: list[Order], chance: object) -> None:
    shuffled = list(orders)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    first, second = family(*orders), family(*shuffled)

    holders = Counter(
        line.id for one in orders for line in one.lines if line.id not in first.kin(one.ref).away
    )  # fmt: skip

    assert {one.ref: first.kin(one.ref) for one in orders} == {one.ref: second.kin(one.ref) for one in orders}
    assert holders == Counter({line.id: 1 for one in orders for line in one.lines})
    for into in filter(None, (first.kin(one.ref).merged_into for one in orders)):
        assert {line.id for line in first.sights[into].order.lines} - first.kin(into).away.keys(), "it holds something itself"


def test_a_line_is_counted_where_it_was_known_first() -> None:
    one, new = part("1", "a", 0), part("3", "a", 2)
    both = family(one, new)

    assert both.counted(new, "a", {"shop/1"}) == (one, one.lines[0])
    assert both.counted(one, "a", {"shop/3"}) == (new, new.lines[0])
    assert both.counted(one, "a", set()) is None, "they came together: the first of them counts"
    assert both.counted(new, "a", set()) == (one, one.lines[0])


KEYS = [("A", "x"), ("A", "y"), ("B", "x")]


@st.composite
def shelved(draw: st.DrawFn, order: str, line: str, heir: str | None) -> LineStock:
    parts = draw(st.sampled_from([{"A": 1}, {"A": 2}, {"A": 1, "B": 3}]))
    held = draw(st.integers(0, 4))
    at_x = {sku: draw(st.integers(0, each * held)) for sku, each in parts.items()}
    reserved = {(sku, "x"): at_x[sku] for sku in parts} | {(sku, "y"): each * held - at_x[sku] for sku, each in parts.items()}
    hold = 0 if heir else draw(st.integers(0, 5))
    return LineStock(order, line, 0, Dues(hold, 0, 0), held, parts=parts, reserved={key: n for key, n in reserved.items() if n}, heir=heir)


@st.composite
def carts(draw: st.DrawFn) -> list[LineStock]:
    givers = [draw(shelved(f"old{n}", str(n), "new")) for n in range(draw(st.integers(1, 3)))]
    takers = [draw(shelved("new", str(n), None)) for n in range(draw(st.integers(1, 3)))]
    return draw(st.permutations([*givers, *takers]))


def sums(lines: list[LineStock]) -> Counter[tuple[str, str]]:
    found = Counter[tuple[str, str]]()
    for line in lines:
        found.update(line.reserved)
    return +found


@given(lines=carts())
def test_what_goes_over_lies_where_it_lay_and_nobody_gets_more_than_he_wants(lines: list[LineStock]) -> None:
    after, moved, _ = hand_over(lines)

    before = {(line.order, line.line): line for line in lines}
    assert sums(after) == sums(lines), "no shelf moves"
    for line in after:
        was = before[line.order, line.line]
        assert line.held <= max(was.held, was.due.hold) and line.held >= min(was.held, was.due.hold)
        assert {key: n for key, n in line.reserved.items() if n}.keys() <= {(sku, place) for sku in line.parts or {} for place in "xy"}
        assert sum(line.reserved.values()) == sum((line.parts or {}).values()) * line.held
        changed = {
            key: line.reserved.get(key, 0)
            for key in (*line.reserved, *was.reserved)
            if line.reserved.get(key, 0) != was.reserved.get(key, 0)
        }
        assert all(moved[line.order, line.line, *key] == units for key, units in changed.items()), "what changed is written"


@given(lines=carts(), spare=st.integers(0, 5))
def test_afterwards_nobody_waits_for_what_another_gave_back(lines: list[LineStock], spare: int) -> None:
    held = sums(lines)
    levels = {key: (held[key] + spare, held[key]) for key in [("A", "x"), ("A", "y"), ("B", "x"), ("B", "y")]}
    now, moved, _ = hand_over(lines)

    plan = settle([replace(line, places=PlaceMap({"": ("x", "y")})) for line in now], levels)

    reservations = (
        {(line.order, line.line, *key): units for line in lines for key, units in line.reserved.items()} | moved | plan.reservations
    )
    by_shelf = Counter[tuple[str, str]]()
    for (_, _, sku, place), units in reservations.items():
        by_shelf[sku, place] += units
    for key, (on_hand, reserved) in levels.items():
        change = plan.shelves.get(key, [0, 0])
        assert by_shelf[key] == reserved + change[1], "reserved is the sum of reservations"
        assert 0 <= reserved + change[1] <= on_hand + change[0]
    assert all(held == 0 for line, held, *_ in plan.lines if line.heir)
