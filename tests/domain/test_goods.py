"""By which words goods are found, and which of ours a listing may be."""

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
