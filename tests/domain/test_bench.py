"""What is scanned at the bench, against what belongs into the parcel."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.bench import Done, Holder, Piece, Verdict, all_of, done, grams, is_all, judge, losers, spellings

PIECES = [Piece("MUG", "A mug", 2, ("4006381333931", "012345678905")), Piece("TRAY", "A tray", 1), Piece("3*1", "Odd", 1)]


@pytest.mark.parametrize(
    ("said", "verdict", "text"),
    [
        ("MUG", Verdict.RIGHT, "0x1"),
        (" mug ", Verdict.RIGHT, "0x1"),
        ("4006381333931", Verdict.RIGHT, "0x1"),
        ("0012345678905", Verdict.RIGHT, "0x1"),
        ("12345678905", Verdict.RIGHT, "0x1"),
        ("2*MUG", Verdict.RIGHT, "0x2"),
        ("3*1", Verdict.RIGHT, "2x1"),
        ("3*MUG", Verdict.ENOUGH, ""),
        ("LAMP", Verdict.WRONG, ""),
        ("999", Verdict.UNKNOWN, ""),
    ],
)
def test_a_scan_is_right_or_not(said: str, verdict: Verdict, text: str) -> None:
    judged = judge(said, PIECES, Done(), "LAMP" if said == "LAMP" else "")

    assert (judged.verdict, judged.done.text) == (verdict, text)


def test_of_what_is_in_the_parcel_already_no_more_is_taken() -> None:
    assert judge("TRAY", PIECES, done("1x1", PIECES)).verdict is Verdict.ENOUGH


def test_the_last_one_can_be_taken_out_again() -> None:
    assert [Done(((0, 2), (1, 1))).before.text, Done(((0, 2),)).before.text, Done(((0, 1),)).before.text, Done().before.text] == [
        "0x2", "0x1", "", "",
    ]  # fmt: skip


@given(st.text(alphabet="0123456789x.", max_size=40))
def test_whatever_an_address_says_never_more_is_in_the_parcel_than_belongs_there(text: str) -> None:
    found = done(text, PIECES)

    assert all(found.units(place) <= piece.units for place, piece in enumerate(PIECES))
    assert done(found.text, PIECES) == found


def test_it_is_whole_when_all_of_it_was_scanned() -> None:
    assert is_all(all_of(PIECES), PIECES)
    assert not is_all(done("0x2.1x1", PIECES), PIECES)


@pytest.mark.parametrize(
    ("said", "meant"),
    [("1500", 1500), ("1500 g", 1500), ("0", None), ("4006381333931", None), ("MUG", None), ("70001", None), ("-5", None)],
)
def test_a_barcode_is_no_weight(said: str, meant: int | None) -> None:
    assert grams(said) == meant


def test_a_barcode_is_looked_for_as_others_may_have_written_it() -> None:
    assert {"12345678905", "012345678905", "0012345678905", "00012345678905"} <= set(spellings("12345678905"))
    assert spellings("AB-1") == ("AB-1",)


def test_who_stands_at_the_bench_loses_first_then_the_youngest_and_no_more_than_needed() -> None:
    holders = [Holder("old", 1, 2), Holder("mid", 2, 2), Holder("new", 3, 2)]

    assert losers(holders, "old", 1) == ["old"]
    assert losers(holders, "old", 3) == ["old", "new"]
    assert losers(holders, "old", 0) == []
