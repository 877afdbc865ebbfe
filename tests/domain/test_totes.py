"""What totes are called."""

import pytest

from core.domain.totes import tote


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (" t-14 ", "T-14"),
        ("Red  box", "RED BOX"),
        ("S12", ""),
        ("s12", ""),
        ("SX12", "SX12"),
        ("", ""),
        ("a" * 41, ""),
        ("T/1", ""),
        ("<b>", ""),
    ],
)
def test_a_tote_is_called_in_capitals_and_never_as_a_slip_is(said: str, name: str) -> None:
    assert tote(said) == name
