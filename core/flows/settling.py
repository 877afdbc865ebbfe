"""What orders demand of our shelves, line by line: of those that come in, of their kin, and of those that are looked at once more."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.domain.kin import may_be_combined, may_come_again
from core.domain.order import Line, Order
from core.domain.places import PlaceMap
from core.domain.stock import Dues, dues, history, resting
from core.flows import kin
from core.flows.allocation import Wish, settle_lines, wish_of
from core.flows.counting import since_count
from core.flows.kin import Kindred, Taken
from core.hub import Hub
from core.store import connections, orders, places
from core.store.connections import Connection
from core.store.orders import UNBOOKED, Booked, Known
from core.store.tables import us, when
from core.store.unit import Unit

Change = Callable[[Wish], Wish]


@dataclass(frozen=True, slots=True)
class Ground:
    """A connection's shelves: when they were counted, and which of our locations its places are."""

    since: datetime
    places: PlaceMap


@dataclass(frozen=True, slots=True)
class View:
    """What the wishes of a set are made from; `grounds` are those of their connections."""

    kindred: Kindred
    booked: Mapping[tuple[str, str], Booked]
    sure: Collection[str]
    grounds: dict[str, Ground]


def ground_of(work: Unit, connection: Connection) -> Ground:
    return Ground(when(connection.stock_since), places.map_of(work.db, connection.id, connection.location))


def settle(
    work: Unit, connection: Connection, taken: Taken, known: Mapping[str, Known], kindred: Kindred, sure: Collection[str] = (),
    change: Change = lambda wish: wish, past: Collection[str] = (),
) -> Ground:  # fmt: skip
    """Write all lines; those whose books may have to move are settled, and so are those of orders that were found to be kin of theirs.
    Of `sure` orders that were cancelled no combined order is to come any more; `past` ones are history. Gives the connection's ground."""
    merchant, others, ground = connection.merchant, _others(taken, known, kindred), ground_of(work, connection)
    booked = orders.booked(work.db, merchant, [id for id, _, before in (*taken.values(), *others.values()) if before])
    view = View(kindred, booked, sure, {connection.id: ground})
    wishes = [change(wish) for ref, (id, order, before) in taken.items() if ref not in past for wish in _wishes(view, id, order, before)]
    wishes += [wish for ref, (id, order, _) in taken.items() if ref in past for wish in _past_wishes(view, id, order)]
    wishes = since_count(work, merchant, wishes, {id: order for id, order, _ in taken.values()})
    moving, still = [wish for wish in wishes if _moves(wish)], [wish for wish in wishes if not _moves(wish)]
    moving += [wish for wish in _wishes_of_others(work, others, view) if _moves(wish)]
    moving += _takers(work, merchant, moving, known, view)
    if moving or still:
        settle_lines(work, merchant, moving, still)
    kin.write(work, merchant, kindred, known)
    return ground


def _others(taken: Taken, known: Mapping[str, Known], kindred: Kindred) -> Taken:
    return {ref: (known[ref].id, known[ref].order, known[ref]) for ref in kindred.kin if ref not in taken}


def _stand_on(work: Unit, view: View, needed: Collection[str]) -> None:
    """Their grounds, too."""
    for id in needed - view.grounds.keys():
        found = connections.get(work.db, id)
        view.grounds[id] = ground_of(work, found) if found else Ground(when(0), PlaceMap())


def _wishes_of_others(work: Unit, others: Taken, view: View) -> list[Wish]:
    _stand_on(work, view, {order.connection for _, order, _ in others.values()})
    return [wish for id, order, before in others.values() for wish in _wishes(view, id, order, before)]


def _takers(work: Unit, merchant: str, moving: Sequence[Wish], known: Mapping[str, Known], view: View) -> list[Wish]:
    """Lines of orders that take units over and were not looked at themselves: they may wait for just these."""
    wanted = {wish.heir for wish in moving if wish.booked.held and wish.heir} - {wish.order for wish in moving}
    refs = sorted(ref for ref, one in known.items() if one.id in wanted and ref not in view.kindred.kin)
    rows = orders.lines_of(work.db, merchant, refs) if refs else []
    _stand_on(work, view, {row.connection for row in rows})
    return [wish_of(row, view.grounds[row.connection].places) for row in rows]


def _wishes(view: View, id: str, order: Order, before: Known | None) -> list[Wish]:
    """What each line demands now; lines that the channel no longer lists hold nothing any more."""
    new, map_ = {line.id: line for line in order.lines}.values(), view.grounds[order.connection].places
    if before is None:
        return [_first_wish(view, id, order, line) for line in new]
    old = {line.id: line for line in before.order.lines}
    lines = [(line, _due(view, id, order, line, before), _sold(order, line, old.get(line.id), before)) for line in new]
    gone = {line.id: view.booked.get((id, line.id), UNBOOKED).sent for line in _vanished(order, before)}
    lines += [
        (line, replace(dues(before.order, line, map_, gone[line.id]), hold=0), 0 if order.test else None)
        for line in _vanished(order, before)
    ]
    wishes = [_wish(view, id, order, line, due, view.booked.get((id, line.id), UNBOOKED), sold) for line, due, sold in lines]
    return [replace(wish, back=_back(order, before, wish.line)) if wish.sold is None else wish for wish in wishes]


def _back(order: Order, before: Known, line: str) -> int:
    """Units of a known line that its channel may show again since we looked last."""
    old, new = (next((one for one in some.lines if one.id == line), None) for some in (before.order, order))
    was, now = (_on_show(some, one) if one else 0 for some, one in ((before.order, old), (order, new)))
    return old.ordered - was if old and not new else max(0, now - was)


def _on_show(order: Order, line: Line) -> int:
    return line.cancelled + max(line.returned, dues(order, line).back) + (line.open if order.is_cancelled else 0)


def _first_wish(view: View, id: str, order: Order, line: Line) -> Wish:
    """What left and came back before our shelves were counted is in no count of ours: it counts as booked."""
    ground = view.grounds[order.connection]
    due = dues(order, line, ground.places)
    past = history(order, line, ground.since, ground.places) if due.gone or due.back else (0, 0)
    sold = _new_sold(view, order, line)
    due = resting(*past) if view.kindred.of(order.ref).rests(line.id) else due
    return _wish(view, id, order, line, due, Booked(0, *past, None) if any(past) else UNBOOKED, sold)


def _past_wishes(view: View, id: str, order: Order) -> list[Wish]:
    """All that left and came back counts as booked, and no channel shows anything else for it."""
    ground = replace(view.grounds[order.connection], since=order.revision)
    return [replace(wish, sold=0) for wish in _wishes(replace(view, grounds={order.connection: ground}), id, order, None)]


def _due(view: View, id: str, order: Order, line: Line, before: Known) -> Dues:
    """What a known order's line demands. One for which another order stands keeps what was in no count of ours, and nothing else."""
    booked, known = view.booked.get((id, line.id), UNBOOKED), {one.id: one for one in before.order.lines}
    ground = view.grounds[order.connection]
    if view.kindred.of(order.ref).rests(line.id):
        if before.copy_of or before.merged_into or line.id not in known:
            return resting(booked.gone, booked.back)
        return resting(*history(before.order, known[line.id], ground.since, ground.places))
    due = dues(order, line, ground.places, booked.sent)
    unsure = may_come_again(order) and view.kindred.lists(order.ref) and order.ref not in view.sure
    return replace(due, hold=min(booked.held, line.ordered)) if unsure else due


def _vanished(order: Order, before: Known) -> list[Line]:
    listed = {line.id for line in order.lines}
    return [line for line in before.order.lines if line.id not in listed]


def _wish(view: View, id: str, order: Order, line: Line, due: Dues, booked: Booked, sold: int | None) -> Wish:
    lists, map_ = view.kindred.lists(order.ref), view.grounds[order.connection].places
    return Wish(
        order=id, ref=order.ref, connection=order.connection, line=line.id, listing=line.listing or "", sku=line.sku or "",
        placed_at=us(order.placed_at), due=due, booked=booked, ships=line.requires_shipping, sold=sold, changed_at=us(order.revision),
        sold_from=0 if lists and may_be_combined(order) else us(order.placed_at), heir=view.kindred.heir(order.ref, line.id),
        merge_key=line.id if lists else None, places=map_, assigned=map_.assigned(order).get(line.id, {}), title=line.title,
    )  # fmt: skip


def _moves(wish: Wish) -> bool:
    """Something is to be booked. One that waits may wait for nothing any more; and units that lie somewhere may have to lie where the
    channel sends them from."""
    due, booked = wish.due, wish.booked
    differs = (due.hold, due.gone, due.back) != (booked.held, booked.gone, booked.back)
    return wish.sold != 0 or booked.waits is not None or differs or bool(wish.assigned and due.hold)


def _first_sold(order: Order, line: Line) -> int | None:
    """Units that the channel itself took off what it shows, at the first sight of a line. When units are cancelled or come back, or the
    line was edited until nothing is left of it, it may have moved either way."""
    if order.test:
        return 0
    return line.ordered or None if _counts(order, line) == (line.ordered, 0, 0, 0, False) else None


def _sold(order: Order, line: Line, old: Line | None, before: Known) -> int | None:
    """The same at a later look: none while it counts as before; when it does not, or is new, the channel may have moved either way."""
    if order.test:
        return 0
    return 0 if old and _counts(order, line) == _counts(before.order, old) else None


def _new_sold(view: View, order: Order, line: Line) -> int | None:
    """The same at the first sight of a line that another order may have listed: that sale was counted with it."""
    sold = _first_sold(order, line)
    if not sold or not view.kindred.lists(order.ref):
        return sold
    seen = view.kindred.family.counted(order, line.id, view.kindred.known)
    return sold if seen is None else 0 if _counts(order, line) == _counts(*seen) else None


def _counts(order: Order, line: Line) -> tuple[int, int, int, int, bool]:
    """What of a line a channel may count when it says how many are left to sell."""
    return (line.ordered, line.cancelled, line.returned, dues(order, line).back, order.is_cancelled)


def link(hub: Hub, work: Unit, connection: Connection, refs: Collection[str], said: Mapping[str, str]) -> None:
    """Look at orders that are here once more: whose copies they are, where `said` by somebody, and which of their lines are elsewhere."""
    _look_again(hub, work, connection, refs, said, lambda wish: wish)


def settle_again(hub: Hub, work: Unit, connection: Connection, refs: Collection[str]) -> None:
    """Settle orders as they are here: the channel's places stand for other locations now. What left and came back until now did so at
    shelves as they were: it is not booked again."""
    _look_again(hub, work, connection, refs, {}, _from_here)


def _from_here(wish: Wish) -> Wish:
    if wish.booked.waits == "mapping":
        return wish
    return replace(wish, booked=replace(wish.booked, gone=wish.due.gone, back=wish.due.back))


def _look_again(hub: Hub, work: Unit, connection: Connection, refs: Collection[str], said: Mapping[str, str], change: Change) -> None:
    merchant, box, merges = connection.merchant, hub.box(connection.merchant), hub.connector(connection).merges
    if not refs:
        return
    kin.be_alone(work, merchant)
    ours = {ref: one.order for ref, one in orders.find(work.db, merchant, refs, box).items()}
    seen = kin.look_up(work, connection, list(ours.values()), merges=merges)
    known = orders.find(work.db, merchant, {*refs, *filter(None, said.values()), *seen.near, *seen.far}, box)
    again = {ref: (known[ref].id, known[ref].order, known[ref]) for ref in refs if ref in known}
    found = kin.find(connection, again, known, seen, said, merges=merges)
    settle(work, connection, again, known, found, refs if change is not _from_here else (), change)
