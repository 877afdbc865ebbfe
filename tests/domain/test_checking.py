"""When a carrier's word on an address makes somebody look."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.checking import differs, is_doubtful, same_place, written
from core.domain.order import Address
from core.domain.shipping import Checked, Verdict

HOME = Address(name="Ada Example", street1="1 Sample Street", city="Springfield", region="IL", postcode="62701", country="US")


def other(**different: str) -> Address:
    return Address(**{**{name: getattr(HOME, name) for name in Address.__slots__}, **different})


@pytest.mark.parametrize(
    ("said", "doubtful"),
    [
        (Checked(Verdict.GOOD), False),
        (Checked(Verdict.UNCHECKED), False),
        (Checked(Verdict.UNKNOWN), True),
        (Checked(Verdict.AMBIGUOUS, (HOME,)), True),
        (Checked(Verdict.CORRECTED), False),
        (Checked(Verdict.CORRECTED, (other(street1="1 SAMPLE ST", postcode="62701-1234"),)), False),
        (Checked(Verdict.CORRECTED, (other(street1="11 Sample Street"),)), True),
        (Checked(Verdict.CORRECTED, (other(postcode="62704"),)), True),
    ],
)
def test_another_place_is_doubted_and_another_spelling_is_not(said, doubtful):
    assert is_doubtful(HOME, said) is doubtful


def test_elsewhere_the_whole_postcode_counts():
    there = other(country="GB", postcode="SW1A 1AA")

    assert same_place(there, other(country="GB", postcode="sw1a1aa"))
    assert not same_place(there, other(country="GB", postcode="SW1A 1AB"))


def test_a_carriers_spelling_keeps_whom_it_goes_to():
    where = Address(street1="1 SAMPLE ST", city="SPRINGFIELD", region="IL", postcode="62701-1234", country="US")

    found = written(HOME, where)

    assert (found.name, found.street1, found.postcode) == ("Ada Example", "1 SAMPLE ST", "62701-1234")
    assert differs(HOME, found) == ["street1", "postcode"]


@given(st.builds(Address, street1=st.text(max_size=20), city=st.text(max_size=9), postcode=st.text(max_size=9), country=st.just("DE")))
def test_every_address_is_the_same_place_as_itself(address):
    assert same_place(address, address) and differs(address, address) == []
