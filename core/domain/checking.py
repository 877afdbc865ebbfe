"""What a carrier's word on an address means for a shipment: whether it may go on. Pure."""

import re
from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum

from core.domain.later import N_
from core.domain.order import Address
from core.domain.shipping import Checked, Verdict

KEPT = "kept"  # one of us said that it is right, whatever the carrier says
PARTS = ("street1", "street2", "street3", "city", "region", "postcode", "country")


class Rule(StrEnum):
    """What is done with an address that a carrier doubts."""

    OFF = "off"  # nobody asks
    WARN = "warn"  # it is shown
    HOLD = "hold"  # no label is bought until somebody decides


RULES: Mapping[Rule, str] = {
    Rule.OFF: N_("Addresses are not checked"),
    Rule.WARN: N_("What a carrier doubts is shown"),
    Rule.HOLD: N_("What a carrier doubts gets no label until somebody decides"),
}
WORDS: Mapping[str, str] = {
    Verdict.GOOD: N_("The carrier knows this address."),
    Verdict.CORRECTED: N_("The carrier writes this address otherwise."),
    Verdict.AMBIGUOUS: N_("The carrier knows several addresses like this."),
    Verdict.UNKNOWN: N_("The carrier finds no such address."),
    Verdict.UNCHECKED: N_("No carrier could check this address."),
    KEPT: N_("One of you said that this address is right."),
}


def is_doubtful(address: Address, said: Checked) -> bool:
    """Whether somebody should look: it is not found, or not for sure, or the likeliest spelling is another place, not only another way of
    writing it."""
    if said.verdict in (Verdict.AMBIGUOUS, Verdict.UNKNOWN):
        return True
    return said.verdict is Verdict.CORRECTED and bool(said.better) and not same_place(address, said.better[0])


def same_place(one: Address, other: Address) -> bool:
    """They name the same house: its number, postcode (its first five digits in the United States) and country, whatever the spelling."""
    return _key(one) == _key(other)


def _key(one: Address) -> tuple[object, ...]:
    postcode = re.sub(r"[^0-9A-Z]", "", one.postcode.upper())
    numbers = tuple(sorted(re.findall(r"\d+", f"{one.street1} {one.street2}")))
    return (numbers, postcode[:5] if one.country == "US" else postcode, one.country.upper())


def differs(one: Address, other: Address) -> list[str]:
    """The parts that are written otherwise, letter by letter but for case."""
    return [part for part in PARTS if getattr(one, part).casefold() != getattr(other, part).casefold()]


def written(who: Address, where: Address) -> Address:
    """The carrier's spelling of where, for whom it goes to: carriers tell no names."""
    return Address(**{field.name: getattr(where if field.name in PARTS else who, field.name) for field in fields(Address)})
