"""Units that are promised to a shipment itself, not to a line of its order: what goes once more. Their stock moves by its own cause."""

from collections.abc import Mapping, Sequence

from core.domain.shipments import Load, pieces
from core.domain.stock import Plan
from core.flows.allocation import ask_waiting, tell_of
from core.store import stock
from core.store.shipments import Shipment
from core.store.unit import Unit

Levels = Mapping[tuple[str, str], tuple[int, int]]  # (on hand, reserved), locked
CAUSE = "resent"


def promise(work: Unit, merchant: str, one: Shipment, loads: Sequence[Load], levels: Levels) -> None:
    """What it holds is reserved. Raises Stale where a shelf has not so much left."""
    _write(work, merchant, one, loads, levels, on_hand=0, reserved=1)


def let_go(work: Unit, merchant: str, one: Shipment, loads: Sequence[Load]) -> None:
    """What it holds is free again, for whoever waits for it."""
    _write(work, merchant, one, loads, stock.lock_levels(work.db, merchant, pieces(loads)), on_hand=0, reserved=-1)
    ask_waiting(work, merchant)


def leave(work: Unit, merchant: str, one: Shipment, loads: Sequence[Load]) -> None:
    """What it holds leaves its shelf."""
    _write(work, merchant, one, loads, stock.lock_levels(work.db, merchant, pieces(loads)), on_hand=-1, reserved=-1)


def _write(
    work: Unit, merchant: str, one: Shipment, loads: Sequence[Load], levels: Levels, *, on_hand: int, reserved: int
) -> None:  # fmt: skip
    every = pieces(loads)
    plan = Plan(
        shelves={(sku, one.location): [on_hand * units, reserved * units] for sku, units in every.items()},
        reservations={(one.order_id, one.id, sku, one.location): units if reserved > 0 else 0 for sku, units in every.items()},
        movements=[(sku, one.location, on_hand * units, CAUSE, f"again/{one.id}") for sku, units in every.items() if on_hand],
    )
    stock.apply(work.db, merchant, plan, levels, work.now)
    tell_of(work, merchant, every)
