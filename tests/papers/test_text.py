"""Text of any script in lines."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.papers.fonts import glyph
from core.papers.text import RAISED, clusters, folded, lines, width_of


def said(text, width=1000.0, size=10.0):
    return ["".join(run.text for run in line.runs) for line in lines(text, size, width)]


def bare(text):
    return "".join(text.split())


@given(st.text(max_size=80), st.floats(0.5, 40))
def test_breaking_loses_nothing_but_blanks(text, room):
    paragraph = " ".join(text.splitlines())

    found = list(folded(paragraph, room, bold=False))

    assert bare("".join(found)) == bare(paragraph)


@given(st.text(max_size=80), st.floats(0.5, 40))
def test_no_line_is_wider_than_its_room_unless_one_letter_is(text, room):
    for line in folded(" ".join(text.splitlines()), room, bold=False):
        found = list(clusters(line))
        assert sum(width_of(one, False) for one in found) <= room + 1e-6 or len(found) == 1


@given(st.text(st.characters(exclude_categories=["M", "C"]), max_size=80), st.floats(3, 300), st.booleans())
@settings(max_examples=60)
def test_what_is_drawn_is_as_wide_as_what_was_measured(text, width, bold):
    for line in lines(text, 10, width, bold=bold):
        assert line.width <= width + 0.001 or sum(len(run.text) for run in line.runs) == 1


def test_lines_end_at_blanks_and_after_hyphens_and_long_words_are_broken():
    narrow = lines("A blue well-known mug", 10, 55)
    broken = lines("Donaudampfschifffahrt", 10, 50)

    assert ["".join(run.text for run in line.runs) for line in narrow] == ["A blue", "well-", "known", "mug"]
    assert len(broken) > 1 and "".join(run.text for line in broken for run in line.runs) == "Donaudampfschifffahrt"


def test_chinese_breaks_between_any_two_letters_but_never_before_a_full_stop():
    found = said("蓝色马克杯。蓝色马克杯。", width=51)

    assert len(found) > 2
    assert not [line for line in found if line.startswith("。")]


def test_thai_breaks_at_blanks_and_never_parts_a_vowel_from_its_consonant():
    assert said("แก้วมัค สีน้ำเงิน", width=60)[0] == "แก้วมัค"
    assert not [line for line in said("เแโใไกเแโใไก" * 3, width=30) if line.endswith("เ")]


def test_thai_tone_marks_stand_above_the_vowels_that_are_above():
    (line,) = lines("ที่", 10, 100)

    assert [(run.text, run.rise) for run in line.runs] == [("ที", 0), ("่", 10 * RAISED)]


def test_arabic_is_joined_and_runs_from_right_to_left():
    (found,) = said("محمد")

    assert unicodedata.normalize("NFKC", found)[::-1] == "محمد"
    assert {unicodedata.decomposition(char).split()[0] for char in found} == {"<initial>", "<medial>", "<final>"}


def test_numbers_and_brackets_in_hebrew_stand_as_they_are_read():
    assert said("ספל (350)") == ["(350) לפס"]


def test_a_line_that_begins_in_latin_keeps_its_order_around_hebrew():
    assert said("Mug שלום 12") == ["Mug 12 םולש"]


def test_wrapped_arabic_begins_with_its_beginning():
    found = [unicodedata.normalize("NFKC", line)[::-1] for line in said("كوب أزرق كبير", width=45)]

    assert found[0].startswith("كوب")
    assert found[-1].endswith("كبير")


@pytest.mark.parametrize(
    "text",
    ["Ελλάδα", "Москва", "Łódź", "Tiếng Việt", "ქართული", "蓝色马克杯", "青いマグカップ", "파란색", "שלום", "แก้ว", "€ £ ₽ ₹ № ™ – …"],
)
def test_each_script_has_its_letters(text):
    assert "□" not in "".join(said(text))
    assert len(bare("".join(said(text)))) == len(bare(unicodedata.normalize("NFC", text)))


def test_a_letter_that_no_typeface_has_is_a_square_in_the_line():
    assert said("Mug \U0001faa8 \U00012000") == ["Mug □ □"]


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\t", "\u200b\u200d", "\ufe0f"])
def test_what_cannot_be_seen_makes_no_line(text):
    assert not [line for line in lines(text, 10, 100) if line.runs]


def test_blank_lines_between_paragraphs_stay():
    assert said("Happy birthday!\r\n\r\nAda") == ["Happy birthday!", "", "Ada"]


def test_letters_are_bold_where_the_typeface_has_them():
    assert glyph("A", True).font == "Papers-Bold"
    assert glyph("杯", True).font == "Papers-Far"
