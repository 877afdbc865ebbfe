"""Whom a demand means, and nobody else."""

import pytest

from core.domain.order import Address, Person
from core.domain.privacy import digits, is_meant

ADA = Person("Ada", "Ada@Example.com", "+1 (555) 000-1234", "71", ship_to=Address(email="ship@example.com", phone="0049 30 123456"))


@pytest.mark.parametrize(
    ("number", "email", "phone", "meant"),
    [
        ("71", "", "", True),
        ("72", "", "", False),
        ("", " ada@EXAMPLE.com", "", True),
        ("", "SHIP@example.com", "", True),
        ("", "ada@example.com.evil", "", False),
        ("", "", "15550001234", True),
        ("", "", "004930123456", True),
        ("", "", "+49 30 123456", True),
        ("", "", "1234", False),
        ("", "", "", False),
        ("72", "ben@example.com", "15550001234", True),
    ],
)
def test_a_customer_is_known_by_any_of_three(number, email, phone, meant):
    assert is_meant(ADA, number, email, phone) is meant


@pytest.mark.parametrize("nobody", [Person(), Person(email="", phone="", channel_id="")])
def test_what_nobody_told_meets_nobody(nobody):
    assert not is_meant(nobody, "", "", "")
    assert not is_meant(nobody, "71", "a@b.example", "15550001234")


def test_a_number_too_short_to_be_a_telephone_is_none():
    assert [digits(text) for text in ("", "0000000000", "12345", "+1 555 000 1234")] == ["", "", "", "15550001234"]
