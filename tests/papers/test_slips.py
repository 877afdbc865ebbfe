"""Packing slips as whoever packs sees them."""

from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.packing import Sheet, Shop
from core.papers import sheet as sheets
from core.papers.fonts import READING
from core.papers.language import ENGLISH, Language
from core.papers.sheet import Frame
from core.papers.slips import packing_slips, rows
from tests.papers.reading import SHOP, a_line, a_png, a_slip, an_address, pages, scanned, sizes, text


def test_a_slip_tells_what_lies_in_the_parcel_and_for_whom():
    slip = a_slip(a_line("MUG", "Blue mug", 2, 3, "A-7"), service="Express", gift_message="Happy birthday!", note="Ring twice", more=True)

    said = text(packing_slips([slip]))

    for words in ("Northern Mugs", "Packing slip", "S-1007-1", "#1007", "2026-05-02", "Express", "Ada Example", "1 Sample Street"):
        assert words in said
    for words in ("Springfield IL 62701", "US", "MUG", "Blue mug", "2 of 3", "A-7", "Happy birthday!", "Ring twice"):
        assert words in said
    assert "Further parcels of this order follow." in said
    assert "Page 1 of 1" in said


def test_what_is_not_there_has_no_heading():
    said = text(packing_slips([a_slip(placed_on=None)]))

    assert not [words for words in ("Gift message", "Note", "Service", "Date", "Further") if words in said]
    assert "1 of 1" not in said.replace("Page 1 of 1", "")


@pytest.mark.parametrize("sheet", list(Sheet))
def test_the_bench_reads_the_shipment_off_every_sheet(sheet):
    pdf = packing_slips([a_slip(), a_slip(shipment="S-123456-12")], sheet)

    assert scanned(pdf) == [["S-1007-1"], ["S-123456-12"]]


def test_sheets_are_as_large_as_they_are_called():
    found = {sheet: sizes(packing_slips([a_slip()], sheet))[0] for sheet in Sheet}

    assert found == {Sheet.A4: (595, 842), Sheet.LETTER: (612, 792), Sheet.A6: (298, 420), Sheet.LABEL: (288, 432)}


def test_a_name_that_no_scanner_can_say_is_printed_without_bars():
    pdf = packing_slips([a_slip(shipment="Отправление-7"), a_slip(shipment="S" * 90)])

    assert scanned(pdf) == [[], []]
    assert "Отправление-7" in text(pdf)


@pytest.mark.parametrize("sheet", [Sheet.A4, Sheet.LABEL])
def test_sixty_lines_go_over_several_pages_with_the_heading_on_each(sheet):
    lines = [a_line(f"SKU-{number:03}", "A mug with a title of some length", bin=f"A-{number}") for number in range(60)]

    found = pages(packing_slips([a_slip(*lines), a_slip()], sheet))

    assert all(f"SKU-{number:03}" in "\n".join(found) for number in range(60))
    assert len(found) > 2
    assert all("Item" in page and "Bin" in page for page in found)
    assert [f"Page {number} of {len(found) - 1}" in page for number, page in enumerate(found[:-1], 1)] == [True] * (len(found) - 1)
    assert "Page 1 of 1" in found[-1]


def test_a_title_longer_than_a_page_is_divided_and_not_cut():
    words = [f"word{number}" for number in range(3000)]

    said = "\n".join(pages(packing_slips([a_slip(a_line(title=" ".join(words)), a_line("LAST"))])))

    assert said.split().count("word0") == 1
    assert not [word for word in words if word not in said]
    assert "LAST" in said


SCRIPTS = st.text(st.characters(), max_size=60) | st.sampled_from(
    ["محمد علي 12", "ירושלים (3)", "蓝色" * 30, "ผู้ใหญ่" * 9, "👩‍👩‍👧", "हिन्दी"]
)


@given(st.lists(SCRIPTS, min_size=1, max_size=12), SCRIPTS, st.sampled_from(list(Sheet)), st.booleans())
@settings(max_examples=25)
def test_text_of_any_script_never_raises_and_loses_no_line(titles, name, sheet, rtl):
    lines = [a_line(f"K{number:03}", title, bin=title[:9]) for number, title in enumerate(titles)]
    shop = Shop(name, address=an_address(name=name), contact=name)
    slip = a_slip(*lines, shop=shop, to=an_address(name=name, city=name, country=name[:2]), gift_message=name, note=name, service=name)

    said = text(packing_slips([slip], sheet, Language(rtl=rtl)))

    assert [number for number in range(len(lines)) if f"K{number:03}" not in said] == []


@given(st.lists(SCRIPTS, min_size=1, max_size=12), st.sampled_from(list(Sheet)), st.booleans())
@settings(max_examples=25)
def test_nothing_is_printed_over_anything_else_or_beyond_the_margins(titles, sheet, rtl):
    frame = Frame(sheet, Language(rtl=rtl))
    found = list(rows(frame, a_slip(*[a_line(title, title * 9, bin=title) for title in titles])))

    for page in sheets.pages(found, frame.height):
        bottoms = [top + row.height for row, top in page]
        assert all(top >= before - 0.001 for (_, top), before in zip(page[1:], bottoms, strict=False))
        assert max(bottoms) <= frame.height + 0.001
    for row in found:
        ends = sorted((cell.x, cell.x + cell.width) for cell in row.cells)
        assert ends[0][0] >= -0.001 and ends[-1][1] <= frame.width + 0.001
        assert all(after[0] >= before[1] - 0.001 for before, after in pairwise(ends))


def test_words_days_and_countries_are_the_callers():
    german = Language(
        {"packing_slip": "Lieferschein", "page": "Seite {page} von {pages}"},
        day=lambda day: day.strftime("%d.%m.%Y"),
        country=lambda code: "Vereinigte Staaten",
    )

    said = text(packing_slips([a_slip()], language=german))

    for words in ("Lieferschein", "Seite 1 von 1", "02.05.2026", "Vereinigte Staaten", "Units"):
        assert words in said


def test_read_from_right_to_left_the_whole_page_is_turned():
    left, right = (Frame(Sheet.A4, Language(rtl=rtl)).cell(0, 0.5) for rtl in (False, True))

    assert (left.x, left.right, right.right) == (0, False, True)
    assert right.x > left.width


def test_the_postcode_stands_where_the_country_writes_it():
    berlin = an_address(city="Berlin", postcode="10115", region="", country="DE")

    assert "10115 Berlin" in text(packing_slips([a_slip(to=berlin)]))
    assert "Springfield IL 62701" in text(packing_slips([a_slip()]))


def test_a_logo_is_printed_once_in_the_file_for_all_slips():
    with_logo = Shop("Northern Mugs", logo=a_png(60, 30))

    few, many = (packing_slips([a_slip(shop=with_logo)] * count) for count in (1, 20))

    assert few.count(b"/Subtype /Image") == many.count(b"/Subtype /Image") == 1


@pytest.mark.parametrize("logo", [b"no picture", a_png(4, 4)[:30], b"\x89PNG\r\n\x1a\n"])
def test_a_logo_that_cannot_be_read_stops_no_parcel(logo):
    pdf = packing_slips([a_slip(shop=Shop("Northern Mugs", logo=logo))])

    assert b"/Subtype /Image" not in pdf
    assert "Northern Mugs" in text(pdf)


def test_the_same_slips_give_the_same_bytes():
    slips = [a_slip(a_line(title="Кружка 蓝色 محمد"), shop=Shop("Mugs", logo=a_png(20, 20)))] * 2

    assert packing_slips(slips) == packing_slips(slips)


def test_a_paper_waits_while_the_letters_of_another_are_read():
    whole = packing_slips([a_slip()])

    with ThreadPoolExecutor(1) as thread:
        with READING:
            waiting = thread.submit(packing_slips, [a_slip()])
            assert not wait([waiting], timeout=0.1).done
        assert waiting.result() == whole


def test_nothing_to_print_is_said_so():
    with pytest.raises(ValueError, match="nothing to print"):
        packing_slips([])


def test_who_reads_a_trace_reads_no_name():
    assert "Ada" not in repr(a_slip()) + repr(SHOP) and ENGLISH.say("order") == "Order"
