"""Pick lists as whoever walks sees them."""

import re

import pytest

from core.domain.packing import PickList, Sheet, Tote, Wanted, picks
from core.papers.picks import pick_lists
from tests.papers.reading import pages, scanned, text


def a_batch(count=2, **given):
    wanted = [Wanted(f"SKU-{number}", f"Mug {number}", 1 + number % 3, f"A-{number}", f"TOTE-{1 + number % 2}") for number in range(count)]
    known = {"name": "B-17", "location": "Hamburg", "picks": picks(wanted), "totes": (Tote("TOTE-1", "#1001"), Tote("TOTE-2", "#1002"))}
    return PickList(**(known | given))


def test_bins_come_in_the_order_in_which_they_are_passed():
    found = re.findall(r"^A-[0-9]+", text(pick_lists([a_batch(12)])), re.M)

    assert found == [f"A-{number}" for number in range(12)]


def test_a_stop_says_how_many_go_into_which_tote():
    wanted = [
        Wanted("MUG", "Blue mug", 2, "A-1", "TOTE-1"),
        Wanted("MUG", "Blue mug", 1, "A-1", "TOTE-2"),
        Wanted("MUG", "Blue mug", 4, "B-1", "TOTE-2"),
    ]

    said = text(pick_lists([a_batch(picks=picks(wanted))]))

    assert "3 of 7" in said and "4 of 7" in said
    assert "2 → TOTE-1" in said and "1 → TOTE-2" in said and "4 → TOTE-2" in said
    assert "Units: 7, SKUs: 1" in said


@pytest.mark.parametrize("sheet", [Sheet.A4, Sheet.LABEL])
def test_each_tote_and_the_list_itself_can_be_scanned(sheet):
    pdf = pick_lists([a_batch(code="B-17")], sheet)

    assert sorted(code for page in scanned(pdf) for code in page) == ["B-17", "TOTE-1", "TOTE-2"]
    assert "#1001" in text(pdf) and "#1002" in text(pdf)


def test_one_order_is_picked_without_totes():
    listed = PickList("#1007", "Hamburg", picks([Wanted("MUG", "Blue mug", 2, "A-1")]), code="S-1007-1", note="Fragile")

    pdf = pick_lists([listed])

    assert "Tote" not in text(pdf) and "Fragile" in text(pdf) and "#1007" in text(pdf)
    assert scanned(pdf) == [["S-1007-1"]]


def test_long_lists_repeat_their_heading():
    found = pages(pick_lists([a_batch(120, totes=())]))

    assert len(found) > 2 and all("Bin" in page for page in found)


def test_a_tote_that_goes_to_nobody_by_name_has_its_words_alone():
    pdf = pick_lists([a_batch(totes=(Tote("Короб 1"),))])

    assert "Короб 1" in text(pdf)
    assert scanned(pdf) == [[]]
