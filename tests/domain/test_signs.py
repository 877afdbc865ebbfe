"""Texts that a database cannot keep."""

import json

import pytest

from core.domain.signs import without_nul


@pytest.mark.parametrize("text", ["\0", "a\0b", "\0\0", "\\\0", "\\\\\0x"])
def test_of_a_text_the_sign_that_ends_it_is_replaced_and_nothing_else(text: str) -> None:
    assert json.loads(without_nul(json.dumps({"a": text}).encode())) == {"a": text.replace("\0", "\ufffd")}


@pytest.mark.parametrize("text", ["\\u0000", "x\\\\u0000", "u0000", "plain"])
def test_a_text_that_only_spells_it_stays_as_it_is(text: str) -> None:
    raw = json.dumps(text).encode()

    assert without_nul(raw) == raw
