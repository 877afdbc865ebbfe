"""By which words goods are found, and which of ours a listing may be."""

import pytest

from core.domain import goods


def test_goods_are_found_by_their_sku_its_parts_and_the_words_of_their_title() -> None:
    assert goods.words("KET-SA-04", "Kettle, 1.7 l") == ["ket-sa-04", "ket", "sa", "04", "kettle", "1", "7", "l", "=ketsa04", "~kettle17l"]


def test_two_spellings_of_one_sku_have_a_name_in_common() -> None:
    assert set(goods.names("Ket SA-04 ", "")) & set(goods.names("KET-SA-04", "Kettle"))


def test_what_has_neither_letters_nor_digits_is_called_nothing() -> None:
    assert goods.names("--", " ") == []
    assert goods.words("", "") == []


def test_one_word_is_sought_as_it_was_typed_and_several_by_their_parts() -> None:
    assert goods.sought(" KET-S ") == ["ket-s"]
    assert goods.sought("blue KET-S") == ["blue", "ket", "s"]
    assert goods.sought("  ") == []


def test_what_sorts_behind_a_word_is_behind_all_that_begin_with_it() -> None:
    assert "ket" < "ket-sa" < "ket\uffff" < goods.after("ket") < "keu"


def test_who_is_spelled_alike_is_likelier_than_who_is_called_alike() -> None:
    assert goods.likely([("~kettle", "A"), ("=ketsa04", "B"), ("~kettle", "B")]) == ["B", "A"]


@pytest.mark.parametrize(
    ("text", "made"),
    [("A", {"A": 1}), (" A , B=2 ", {"A": 1, "B": 2}), ("A=B", {"A=B": 1}), ("A=B=3", {"A=B": 3}), ("", {}), (" , ", {})],
)
def test_what_a_listing_consumes_is_typed_as_a_text(text: str, made: dict[str, int]) -> None:
    assert goods.parts(text) == made
    assert goods.parts(goods.spelled(made)) == made


@pytest.mark.parametrize("text", ["A, A", "A=0", "=2", "A=99999"])
def test_what_nobody_can_mean_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        goods.parts(text)
