"""SKUs in quota: what is free is dealt to the listings that sell it, before any of them is told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from core.domain import sharing
from core.domain.kits import WHOLE
from core.domain.sharing import Owner
from core.domain.tasks import Claim
from core.domain.who import Who
from core.errors import Refused
from core.flows.exposing import InQuota
from core.flows.intake import ask_before_raising
from core.flows.kits import WrongKit
from core.hub import Hub
from core.store import audit, connections, counts, goods, kits, listings, quotas, stock
from core.store.connections import Connection
from core.store.quotas import Listed
from core.store.unit import Unit

SOLD_WITHIN = timedelta(days=28)
Shelves = Mapping[tuple[str, str], int]


def deal(hub: Hub, claim: Claim, connection: Connection, skus: Iterable[str]) -> None:
    """Deal these SKUs, and those that share a listing with them. What this connection's listings may still sell is known here, since
    nobody else tells them anything meanwhile; of others it is what was written down."""
    with hub.unit(claim, finish=False) as work:
        merchant = connection.merchant
        found = _component(work, merchant, skus)
        levels = stock.lock_levels(work.db, merchant, {sku for one in found for sku in one.parts})
        listings.lock(work.db, (one.id for one in found))
        found = quotas.sharing(work.db, merchant, {sku for one in found for sku in one.parts})
        kept = {key: level.safety for key, level in counts.levels(work.db, merchant, {sku for sku, _ in levels}).items()}
        free = _free(levels, kept, quotas.short(work.db, merchant))
        ground = _ground(hub, work, connection, found, free)
        owners = [ground.owner(one) for one in found]
        made = sharing.deal(owners, free)
        mine = [one for one in found if one.connection == connection.id]
        quotas.write(work.db, mine, made)
        _look_later(hub, work, connection, [one.id for one in mine if one.id in made.later])
        _wake_others(work, connection, found, {one.id: made.shares[one.id] for one in owners if one.sure and not one.stuck})


def _wake_others(work: Unit, connection: Connection, found: Sequence[Listed], shares: Mapping[int, int]) -> None:
    """Those that would be dealt something else are dealt it by their own connection."""
    other = [one for one in found if one.connection != connection.id and one.share != shares.get(one.id, one.share)]
    quotas.wake(work.db, [one.id for one in other])
    for id in sorted({one.connection for one in other}):
        work.ask(connection.merchant, "publish_stock", id, id)


def _look_later(hub: Hub, work: Unit, connection: Connection, ids: Sequence[int]) -> None:
    if ids:
        quotas.later(work.db, ids)
        ask_before_raising(work, connection, hub.connector(connection))


def _component(work: Unit, merchant: str, skus: Iterable[str]) -> list[Listed]:
    known: set[str] = set()
    wanted, found = set(skus), list[Listed]()
    while wanted - known:
        known = wanted
        found = quotas.sharing(work.db, merchant, known)
        wanted = known | {sku for one in found for sku in one.parts}
    return found


def _free(levels: Mapping[tuple[str, str], tuple[int, int]], kept: Shelves, short: Mapping[str, int]) -> dict[tuple[str, str], int]:
    """Units that nobody is promised, no order waits for, and that are not kept from channels."""
    free, owed = {}, dict(short)
    for (sku, location), (on_hand, reserved) in sorted(levels.items()):
        there = max(0, on_hand - reserved)
        taken = min(there, owed.get(sku, 0))
        owed[sku] = owed.get(sku, 0) - taken
        free[sku, location] = max(0, there - taken - kept.get((sku, location), 0))
    return free


@dataclass(frozen=True, slots=True)
class Ground:
    """What the owners of some SKUs have in common. `read` says up to when a connection's orders are here, and whether they are taken;
    `compares`, whether its channel compares before it sets."""

    mine: str
    free: Shelves
    places: Mapping[tuple[str, str], Sequence[str]]
    sold: Mapping[int, int]
    read: Mapping[str, tuple[int, bool]]
    compares: Mapping[str, bool]

    def owner(self, one: Listed) -> Owner:
        locations, (read_to, taken) = self.places.get((one.connection, one.place), ()), self.read[one.connection]
        sure = one.shown is not None and not one.busy and taken and one.figure_at < read_to
        return Owner(
            one.id, one.parts, tuple(locations), _holds(one, known=sure and one.connection == self.mine), one.shown or 0,
            one.most(self.free, locations), self.sold[one.id] / SOLD_WITHIN.days, sure, one.state != "active",
            self.compares[one.connection],
        )  # fmt: skip


def _ground(hub: Hub, work: Unit, mine: Connection, found: Sequence[Listed], free: Shelves) -> Ground:
    merchant, of = mine.merchant, {one.connection: one.channel for one in found}
    since = work.now - SOLD_WITHIN // timedelta(microseconds=1)
    read = {id: connections.read_to(work.db, merchant, id) for id in of}
    compares = {id: hub.connectors[name].limits.compares for id, name in of.items()}
    return Ground(mine.id, free, quotas.locations(work.db, of), quotas.sold(work.db, merchant, found, since), read, compares)


def _holds(one: Listed, *, known: bool) -> int | None:
    if one.shown is None or known:
        return one.shown
    return max(one.shown, one.holds or 0)


def set_quota(hub: Hub, merchant: str, skus: Mapping[str, bool], who: Who) -> list[str]:
    """These SKUs are dealt to channels, or shown to all of them as one pool. Gives those of which it was not so. Raises Refused for a SKU
    that is not there, WrongKit for one that is in a kit whose parts must lie at one location."""
    with hub.unit() as work:
        return set_quota_in(work, merchant, skus, who)


def set_quota_in(work: Unit, merchant: str, skus: Mapping[str, bool], who: Who) -> list[str]:
    """The same in a transaction that is open."""
    known = goods.known(work.db, merchant, list(skus))
    if strangers := sorted(skus.keys() - known):
        raise Refused(f"there is no SKU {strangers[0]}")
    if ahead := listings.selling_ahead(work.db, merchant, [sku for sku, quota in skus.items() if quota]):
        raise InQuota(ahead)
    was = goods.quotas(work.db, merchant, list(skus))
    changed = {sku: quota for sku, quota in skus.items() if was[sku] != quota}
    if whole := sorted(kits.in_alone(work.db, merchant, [sku for sku, quota in changed.items() if quota])):
        raise WrongKit(WHOLE, whole[0])
    if changed:
        _change(work, merchant, changed, who)
    return sorted(changed)


def _change(work: Unit, merchant: str, changed: Mapping[str, bool], who: Who) -> None:
    """Until it is known to show less, each may sell all that there is: somebody may be telling it so right now."""
    levels = stock.lock_levels(work.db, merchant, changed)
    quotas.set_quota(work.db, merchant, changed)
    rows = listings.consuming(work.db, merchant, changed)
    listings.lock(work.db, (row.id for row in rows))
    pool = {sku: sum(on_hand for (mine, _), (on_hand, _) in levels.items() if mine == sku) for sku in changed}
    quotas.begin(work.db, {row.id: (row.shown or 0) + pool[row.sku] if changed[row.sku] else None for row in rows})
    for connection in sorted({row.connection for row in rows}):
        work.ask(merchant, "publish_stock", connection, connection)
    for sku, quota in sorted(changed.items()):
        audit.write(work.db, merchant, work.now, who.id, who.name, "stock.quota", f"sku/{sku}", quota=quota)
