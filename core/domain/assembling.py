"""Kits that are put together in advance and lie on the shelf as a SKU of their own, and kits that are taken apart again. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.domain.later import N_
from core.domain.stock import Key, Plan

MOST = 1_000_000  # kits at once
ASSEMBLED, APART = "assembled", "taken apart"  # causes of movements
BEFORE = "assemble/"  # a movement's subject begins so


@dataclass(frozen=True, slots=True)
class Assembly:
    """So many `units` of the kit `sku` are put together at a location, each from these parts; less than none: they are taken apart."""

    sku: str
    location: str
    units: int
    parts: Mapping[str, int]

    @property
    def back(self) -> "Assembly":
        return replace(self, units=-self.units)

    @property
    def cause(self) -> str:
        return ASSEMBLED if self.units > 0 else APART


UNITS = N_("say how many kits, from 1 to 1000000")
NO_PARTS = N_("say what one %(sku)s is put together from")
ITSELF = N_("%(sku)s cannot be a part of itself")
TOO_MANY = N_("units of %(sku)s in one kit must be from 1 to 9999")
SHORT = N_("of %(sku)s %(free)s are free there, and %(needed)s are needed")


def wrong(one: Assembly) -> tuple[str, str]:
    """What cannot be meant, and the SKU that it names; two empty texts where nothing is wrong."""
    if not 1 <= abs(one.units) <= MOST:
        return UNITS, one.sku
    if not one.parts:
        return NO_PARTS, one.sku
    if one.sku in one.parts:
        return ITSELF, one.sku
    slip = next((sku for sku, each in one.parts.items() if not 1 <= each <= 9_999), "")
    return (TOO_MANY, slip) if slip else ("", "")


def short(one: Assembly, levels: Mapping[Key, tuple[int, int]]) -> tuple[str, int, int] | None:
    """(SKU, free, needed) of what there is too little of at the location: units that orders hold are not taken. None: there is enough."""
    needed = {sku: each * one.units for sku, each in one.parts.items()} if one.units > 0 else {one.sku: -one.units}
    for sku, units in sorted(needed.items()):
        on_hand, reserved = levels.get((sku, one.location), (0, 0))
        if on_hand - reserved < units:
            return sku, max(0, on_hand - reserved), units
    return None


def plan(one: Assembly, subject: str) -> Plan:
    """The parts leave and the kits come, or the other way round, by movements that name each other's subject."""
    changes = {one.sku: one.units} | {sku: -each * one.units for sku, each in one.parts.items()}
    moves = [(sku, one.location, units, one.cause, subject) for sku, units in sorted(changes.items())]
    return Plan(shelves={(sku, one.location): [units, 0] for sku, units in changes.items()}, movements=moves)
