"""Words by which orders are found: one spelling finds the other, and a search means what was typed."""

from dataclasses import replace

import pytest

from core.domain.order import Address, Person, Shipped
from core.domain.words import fold, meanings, words_of
from tests.builders import an_order

ADA = Person(
    name="Zuleika Krähwinkel-Ōta",
    email="Zuleika@Birds.Example",
    ship_to=Address(name="Z. Krähwinkel", company="Vogel & Co", street1="Canary Row 7"),
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller", "MULLER"), ("Łódź", "lodz"), ("Sørensen", "SORENSEN"), ("Straße", "strasse"), ("Ａｄａ", "ada"), ("#1001", "1001"),
        ("1Z 999 AA1", "1z999aa1"), ("Ελένη", "ΕΛΕΝΗ"), ("Иванов", "ИВАНОВ"), ("ada@EXAMPLE.org", "ADA@example.org"), ("é", "e\u0301"),
    ],
)  # fmt: skip
def test_one_spelling_finds_the_other(one, other):
    assert fold(one) == fold(other) != ""


@pytest.mark.parametrize("nothing", ["", "  ", "#", "\t"])
def test_what_holds_no_letter_is_no_word(nothing):
    assert fold(nothing) == ""


def test_a_buyer_is_found_by_whole_mail_addresses_and_by_the_words_and_pieces_of_names_and_nothing_else():
    found = words_of(an_order(), ADA)

    assert found.personal == {
        "zuleika@birds.example", "zuleika", "krahwinkel-ota", "krahwinkel", "ota", "z.", "z", "vogel", "co",
    }  # fmt: skip


def test_parcels_and_other_systems_numbers_are_for_everybody():
    order = an_order(shipped=(Shipped("1", None, (), tracking=("1Z 999",)),), seller_ref="PO-7", source_id="902-1")

    assert words_of(order, None).open == {"1z999", "po-7", "902-1"}
    assert words_of(order, None).personal == frozenset()


def test_a_word_that_everybody_may_know_is_not_personal():
    order = an_order(seller_ref="Zuleika")

    assert "zuleika" in words_of(order, ADA).open
    assert "zuleika" not in words_of(order, ADA).personal


def test_a_buyer_without_a_name_has_no_words():
    assert words_of(an_order(), replace(ADA, name="", email="", ship_to=None)).personal == frozenset()


def test_several_words_mean_all_of_them_or_one_with_blanks_or_their_pieces():
    meant = [[one.word for one in words] for words in meanings("  Mary O'Neill ")]

    assert meant == [["maryo'neill"], ["mary", "o'neill"], ["mary", "o", "neill"]]


def test_one_plain_word_means_itself_once():
    assert [[one.word for one in words] for words in meanings("#1001")] == [["1001"]]
    assert meanings("1001")[0][0].numbers == ("1001", "#1001")
    assert meanings("#en7")[0][0].numbers == ("en7", "#en7", "EN7", "#EN7")


@pytest.mark.parametrize("said", ["", " ", "#", "# #"])
def test_nothing_means_nothing(said):
    assert meanings(said) == []


def test_a_very_long_search_is_cut_to_a_few_words():
    assert all(len(words) <= 16 for words in meanings("a-b " * 500))
