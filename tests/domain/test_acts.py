"""What staff do to orders: names of tags, notes, and what a hold does to a status."""

import pytest

from core.domain import acts, holds
from core.domain.order import OrderStatus


@pytest.mark.parametrize(("text", "kept"), [("VIP", "vip"), ("  two   words ", "two words"), ("a,b", "a b"), ("Straße", "strasse")])
def test_a_tag_has_one_spelling(text, kept):
    assert acts.tag(text) == kept


@pytest.mark.parametrize("text", ["", "  ", ",", "x" * 41, "a\0b", "a\u202eb"])
def test_what_is_no_tag_is_refused(text):
    with pytest.raises(ValueError, match="not a tag"):
        acts.tag(text)


def test_a_note_keeps_its_lines():
    assert acts.note(" one\r\ntwo\tthree \n") == "one\ntwo\tthree"


@pytest.mark.parametrize("text", ["", " \n ", "x" * 4001, "a\0b", "a\x1bb"])
def test_what_is_no_note_is_refused(text):
    with pytest.raises(ValueError, match="not a note"):
        acts.note(text)


@pytest.mark.parametrize("status", OrderStatus)
def test_a_hold_shows_unless_there_is_nothing_to_hold_back(status):
    over = {OrderStatus.CANCELLED, OrderStatus.CLOSED, OrderStatus.CANCEL_REQUESTED, OrderStatus.FULFILLED}

    assert holds.shown(status, held=False) is status
    assert holds.shown(status, held=True) is (status if status in over else OrderStatus.ON_HOLD)


def test_what_undoes_an_act_is_undone_by_it():
    assert all(acts.UNDOES[acts.UNDOES[act]] is act for act in acts.UNDOES)
