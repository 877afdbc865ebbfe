"""Which parts of an order must go to another place of its channel's."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from core.domain.moving import Claim, moves
from core.domain.order import Assignment, ShippedLine


def part(id: str, place: str, status: str = "open", **units: int) -> Assignment:
    return Assignment(id, status, place, tuple(ShippedLine(line, count) for line, count in units.items()))


def wants(shipment: str, place: str, line: str, units: int) -> Claim:
    return Claim(shipment, (place,) if place else (), line, units)


def said(*claims: Claim, parts: list[Assignment], mine: str = "s1") -> list[tuple[str, str, dict[str, int]]]:
    return [(one.assignment, one.place, dict(one.lines)) for one in moves(claims, parts, [mine])]


def test_what_is_assigned_to_where_it_leaves_stays() -> None:
    assert said(wants("s1", "P1", "a", 2), parts=[part("f1", "P1", a=2)]) == []


def test_what_is_assigned_elsewhere_goes_there_whole_or_in_part() -> None:
    assert said(wants("s1", "P2", "a", 2), parts=[part("f1", "P1", a=2)]) == [("f1", "P2", {"a": 2})]
    assert said(wants("s1", "P2", "a", 2), parts=[part("f1", "P1", a=5, b=1)]) == [("f1", "P2", {"a": 2})]


def test_several_lines_of_one_part_move_at_once_and_several_parts_one_by_one() -> None:
    parts = [part("f1", "P1", a=1, b=1), part("f2", "P3", c=1)]
    claims = [wants("s1", "P2", line, 1) for line in "abc"]
    assert said(*claims, parts=parts) == [("f1", "P2", {"a": 1, "b": 1}), ("f2", "P2", {"c": 1})]


def test_what_other_shipments_hold_at_their_own_place_is_left_to_them() -> None:
    claims = [wants("s1", "P2", "a", 1), wants("s2", "P1", "a", 2)]
    assert said(*claims, parts=[part("f1", "P1", a=2), part("f2", "P3", a=1)]) == [("f2", "P2", {"a": 1})]


def test_what_is_nowhere_open_or_leaves_from_no_place_of_the_channels_does_not_move() -> None:
    assert said(wants("s1", "P2", "a", 2), parts=[part("f1", "P1", "closed", a=2)]) == []
    assert said(wants("s1", "", "a", 2), parts=[part("f1", "P1", a=2)]) == []


LINES, PLACES = ("a", "b"), ("P1", "P2", "P3")
some_parts = st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(LINES), st.integers(1, 4)), max_size=5)
some_claims = st.lists(
    st.tuples(st.sampled_from(("s1", "s2")), st.sampled_from(PLACES), st.sampled_from(LINES), st.integers(1, 4)), max_size=5
)


@given(some_parts, some_claims)
def test_once_all_of_it_is_moved_nothing_is_left_to_move(told: list[tuple[str, str, int]], asked: list[tuple[str, str, str, int]]) -> None:
    parts = [part(f"f{n}", place, **{line: units}) for n, (place, line, units) in enumerate(told)]
    claims = [wants(*one) for one in asked]
    open_ = Counter((one.id, line.line) for one in parts for line in one.lines for _ in range(line.quantity))

    found = moves(claims, parts, ["s1", "s2"])

    moved = Counter((one.assignment, line) for one in found for line, units in one.lines.items() for _ in range(units))
    assert moved <= open_
    left = [
        part(f"x{n}", {one.id: one.location for one in parts}[id] or "", **{line: units})
        for n, ((id, line), units) in enumerate((open_ - moved).items())
    ]
    there = [part(f"y{n}", one.place, **one.lines) for n, one in enumerate(found)]
    assert moves(claims, [*left, *there], ["s1", "s2"]) == []
