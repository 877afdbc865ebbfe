"""What a driver takes, as the driver signs it."""

import pytest

from core.domain.packing import Handed, HandedParcel, Sheet
from core.papers.handed import handed_over
from tests.papers.reading import pages, text


def a_day(count=3):
    parcels = tuple(HandedParcel(f"1Z{number:016d}", f"S{number}", f"#10{number:02d}", "Ground", 500 + number) for number in range(count))
    return Handed("UPS", "Portland", "2026-11-22", parcels, "M-17")


def test_each_parcel_stands_on_it_and_there_is_room_to_sign():
    said = text(handed_over(a_day()))

    assert "Handed over to UPS" in said and "M-17" in said and "Taken by" in said
    assert all(f"1Z{number:016d}" in said and f"S{number}" in said for number in range(3))


@pytest.mark.parametrize("sheet", list(Sheet))
def test_a_long_day_goes_on_over_pages_with_their_heads(sheet):
    assert len(pages(handed_over(a_day(200), sheet))) > 1


def test_nothing_on_it_is_no_paper():
    assert "Parcels: 0" in text(handed_over(Handed("UPS", "Portland", "2026-11-22", ())))
