"""A bundle is asked for by its components, in the SKUs of whoever holds them; their answers count in units of the order."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import pieces
from core.domain.pieces import NotHeld, Piece
from core.domain.requests import RequestLine, RequestState, Share, Standing, TheirParcel

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def parcel(number: str, units: dict[str, int], hours: int = 0) -> TheirParcel:
    return TheirParcel(number, "Parcelforce", units, NOON + timedelta(hours=hours), number=number)


@given(
    line=st.sampled_from(["1", "14532112347", "10/7", "a.b"]), part=st.integers(0, 9), parts=st.integers(1, 9), need=st.integers(1, 9),
    pack=st.integers(1, 9), number=st.integers(0, 9),
)  # fmt: skip
def test_a_piece_is_known_by_its_name(line: str, part: int, parts: int, need: int, pack: int, number: int) -> None:
    one = Piece(line, part, parts, need, pack, number)

    assert pieces.read(one.name) == one


def test_one_unit_of_theirs_for_one_of_ours_bears_the_name_of_the_line() -> None:
    [one] = pieces.asked([RequestLine("1", "A", 3)], {"1": {"A": 1}}, {"A": [("A-F", 1, 9)]})

    assert (one.line, one.sku, one.units) == ("1", "A-F", 3)


def test_what_lies_there_under_several_skus_is_dealt_out_the_smallest_packs_first() -> None:
    held = {"A": [("A-F", 1, 2), ("A-G", 1, 1), ("A-SIX", 6, 4)]}
    found = pieces.asked([RequestLine("1", "A", 9)], {"1": {"A": 1}}, held)

    assert [(one.sku, one.units) for one in found] == [("A-F", 2), ("A-G", 1), ("A-SIX", 1)]
    assert len({one.line for one in found}) == 3


def test_what_they_lack_is_asked_for_all_the_same_and_what_they_never_hold_is_not() -> None:
    [one] = pieces.asked([RequestLine("1", "A", 9)], {"1": {"A": 1}}, {"A": [("A-F", 1, 2)]})
    assert (one.sku, one.units) == ("A-F", 9)

    with pytest.raises(NotHeld):
        pieces.asked([RequestLine("1", "A", 9)], {"1": {"A": 1}}, {})
    with pytest.raises(NotHeld):
        pieces.asked([RequestLine("1", "A", 3)], {"1": {"A": 1}}, {"A": [("A-TWO", 2, 9)]})


def test_two_lines_of_one_sku_are_dealt_out_of_the_same_units() -> None:
    held = {"A": [("A-F", 1, 3), ("A-G", 1, 9)]}
    found = pieces.asked([RequestLine("1", "A", 2), RequestLine("2", "A", 2)], {"1": {"A": 1}, "2": {"A": 1}}, held)

    assert Counter({one.sku: 0 for one in found}) + sum((Counter({one.sku: one.units}) for one in found), Counter()) == Counter(
        {"A-F": 3, "A-G": 1}
    )


SET = {"1": {"A": 1, "B": 2}}
HELD = {"A": [("A-F", 1, 99)], "B": [("B-F", 1, 99)]}


def shares(units: int, sent: int = 0) -> dict[str, Share]:
    return {"1": Share("1", "SET", "A set", units, sent)}


def names(units: int) -> tuple[str, str]:
    first, second = pieces.asked([RequestLine("1", "SET", units)], SET, HELD)
    assert (first.units, second.units) == (units, 2 * units)
    return first.line, second.line


def test_a_set_counts_with_the_parcel_that_makes_it_whole() -> None:
    a, b = names(3)
    said = Standing(RequestState.SENT, parcels=(parcel("T2", {b: 4}, 2), parcel("T1", {a: 3}, 1), parcel("T3", {b: 2}, 3)))
    found = pieces.meant(said, shares(3))

    assert [(one.tracking, one.units) for one in found.parcels] == [("T2", {"1": 2}), ("T3", {"1": 1})]


def test_what_was_told_before_is_not_told_again_though_it_comes_in_another_order() -> None:
    a, b = names(2)
    whole = (parcel("T0", {b: 2}, -5), parcel("T1", {a: 2}, 1), parcel("T2", {b: 2}, 2))
    found = pieces.meant(Standing(RequestState.SENT, parcels=whole), shares(2, sent=1), told=["T2"])

    assert [(one.tracking, one.units) for one in found.parcels] == [("T1", {"1": 1})]


def test_a_set_of_which_a_part_is_refused_is_refused() -> None:
    _, b = names(3)

    assert pieces.meant(Standing(RequestState.SENT, refused={b: 3}), shares(3)).refused == {"1": 2}


@given(units=st.integers(1, 6), data=st.data())
def test_however_parcels_are_filled_every_whole_set_is_told_once(units: int, data: st.DataObject) -> None:
    a, b = names(units)
    loose = data.draw(st.permutations([a] * units + [b] * 2 * units))
    many = data.draw(st.lists(st.integers(0, len(loose)), max_size=4))
    cuts = sorted({0, *many, len(loose)})
    made = [parcel(f"T{n}", dict(Counter(loose[start:end])), n) for n, (start, end) in enumerate(pairwise(cuts))]
    sent, told = 0, list[str]()
    for upto in range(1, len(made) + 1):
        found = pieces.meant(Standing(RequestState.ACCEPTED, parcels=tuple(made[:upto])), shares(units, sent), told)
        sent += sum(one.units.get("1", 0) for one in found.parcels)
        told += [one.number for one in found.parcels]
    assert sent == units
