"""Kin among orders that come in: who may be a copy of whom or list whose lines, and what follows from it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from core.domain.events import CopyFound, Event, HasCopy, Merged
from core.domain.kin import ALONE, Family, Kin, Sight, named
from core.domain.order import Order
from core.store import journal, kin
from core.store.connections import Connection
from core.store.orders import Known
from core.store.unit import Unit

Taken = Mapping[str, tuple[str, Order, Known | None]]  # by ref: our id, the order as it is now, and as it was


@dataclass(frozen=True, slots=True)
class Relatives:
    """Refs of orders that are here: `near` may be found to be something else now, `far` only bear witness."""

    near: frozenset[str] = frozenset()
    far: frozenset[str] = frozenset()


def look_up(work: Unit, connection: Connection, orders: Collection[Order], *, merges: bool) -> Relatives:
    """The orders that may be kin of these. Nothing is locked yet; whoever may be kin of them comes before us or after."""
    if not orders:
        return Relatives()
    names, merchant = [name for order in orders if (name := named(order))], connection.merchant
    kin.wait_turn(work.db, merchant, alone=merges or bool(names))
    near = kin.copies(work.db, merchant, connection.id, (order.id for order in orders))
    far = kin.originals(work.db, merchant, connection.id, names) if names else set()
    if merges:
        siblings, others = kin.siblings(work.db, merchant, connection.id, {line.id for order in orders for line in order.lines})
        near, far = near | siblings, far | others
    return Relatives(frozenset(near), frozenset(far - near))


def be_alone(work: Unit, merchant: str) -> None:
    """Nobody else finds kin of this merchant until this unit is written. Before any row is locked."""
    kin.wait_turn(work.db, merchant, alone=True)


@dataclass(frozen=True, slots=True)
class Kindred:
    """What was found: each order's kin by ref, and our ids of all that were looked at. `seen` says where a line was counted before."""

    kin: Mapping[str, Kin] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    family: Family = field(default_factory=lambda: Family({}))
    known: frozenset[str] = frozenset()

    def of(self, ref: str) -> Kin:
        return self.kin.get(ref, ALONE)

    def heir(self, ref: str, line: str) -> str | None:
        """Our id of the order that stands for this line."""
        return self.ids.get(self.of(ref).heir(line) or "")

    def lists(self, ref: str) -> bool:
        """Its channel may list its lines in another order."""
        return ref in self.family.sights and self.family.sights[ref].lists


NOBODY = Kindred()


def find(
    connection: Connection, taken: Taken, known: Mapping[str, Known], seen: Relatives, said: Mapping[str, str], *, merges: bool
) -> Kindred:
    """What these orders are to each other. `said`: whose copies somebody says they are."""
    if not (merges or seen.near or seen.far or said or any(_is_named(order, before) for _, order, before in taken.values())):
        return NOBODY
    now = {ref: one.order for ref, one in known.items()} | {ref: order for ref, (_, order, _) in taken.items()}
    sights = {ref: _sight(one, known.get(ref), said.get(ref), merges and one.connection == connection.id) for ref, one in now.items()}
    ids = {ref: one.id for ref, one in known.items()} | {ref: id for ref, (id, _, _) in taken.items()}
    family = Family(sights)
    decided = taken.keys() | (seen.near & known.keys())
    return Kindred({ref: family.kin(ref) for ref in sorted(decided)}, ids, family, frozenset(known))


def _is_named(order: Order, before: Known | None) -> bool:
    return named(order) is not None or (before is not None and before.copy_of is not None)


def _sight(order: Order, known: Known | None, said: str | None, lists: bool) -> Sight:
    if known is None:
        return Sight(order, said, lists=lists)
    return Sight(order, known.copy_of if said is None else said, known.names, lists)


def write(work: Unit, merchant: str, kindred: Kindred, known: Mapping[str, Known]) -> None:
    """Keep what is new of it, and tell it in the orders' stories."""
    new = {ref: one for ref, one in kindred.kin.items() if _written(known.get(ref)) != (one.copy_of, one.merged_into)}
    rows = [{"id": kindred.ids[ref], "copy_of": one.copy_of, "merged_into": one.merged_into} for ref, one in new.items()]
    kin.write(work.db, rows)
    if new and journal.books(work.db, merchant):  # a copy books nothing, and what is none any more does again
        for ref in new:
            work.ask(merchant, "post_entries", ref, ref.split("/", 1)[0])
    for ref, one in new.items():
        work.happened(merchant, _facts(ref, _written(known.get(ref)), one))
        if one.merged_into:
            work.ask(merchant, "fetch_orders", ref, ref.split("/", 1)[0])  # where it was parked as gone, it is known now where to


def _facts(ref: str, before: tuple[str | None, str | None], now: Kin) -> list[tuple[str, Event]]:
    found: list[tuple[str, Event]] = []
    if before[0] != now.copy_of:
        found.append((ref, CopyFound(now.copy_of or None)))
        found += [(now.copy_of, HasCopy(ref))] if now.copy_of else []
    if before[1] != now.merged_into:
        found.append((ref, Merged(now.merged_into)))
    return found


def _written(known: Known | None) -> tuple[str | None, str | None]:
    return (known.copy_of, known.merged_into) if known else (None, None)
