"""Channels that cannot be read or written: found each minute, what they may sell is left to them, and given back once they are seen."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec
import structlog
from sqlalchemy import Connection as Db

from core.domain import blind as rules
from core.domain.blind import Seller, Sight
from core.domain.tasks import Claim
from core.domain.who import Who
from core.errors import Refused
from core.flows.ways import late
from core.hub import Hub
from core.store import audit, blind, connections, listings, quotas
from core.store.connections import Connection
from core.store.unit import Unit

log = structlog.get_logger("blind")
SOLD_WITHIN = timedelta(days=28)


def look_blind(hub: Hub, claim: Claim) -> None:
    """Find the connections of a merchant that are not seen, and what the others leave to them."""
    merchant = claim.merchant
    with hub.database.read() as db:
        known = blind.sights(db, merchant)
        since = {row.id: rules.blind_since(_sight(hub, db, merchant, row), hub.now) for row in known}
        was = blind.withheld(db, merchant)
        left = _left(hub, db, merchant, known, since)
    with hub.unit(claim) as work:
        blind.found_untold(work.db, merchant, {row.id for row in known if row.fails and row.untold_at is None}, work.now)
        blind.found_told(work.db, {row.id for row in known if not row.fails and row.untold_at is not None})
        _write_down(work, merchant, known, since)
        _leave(work, merchant, was, left)


def _sight(hub: Hub, db: Db, merchant: str, row: Any) -> Sight:
    connector = hub.connectors.get(row.channel)
    poll_s = late(connector, {**connector.settings, **msgspec.json.decode(row.settings)}) if connector else 0
    _, taken = connections.read_to(db, merchant, row.id) if row.blind_since is not None else (0, True)
    untold_at = row.untold_at if row.fails else None
    return Sight(
        live=row.live_at == 0, read_at=max(row.read_at, row.created_at), taken=taken, poll_us=poll_s * rules.SECOND, untold_at=untold_at
    )


def _write_down(work: Unit, merchant: str, known: list[Any], since: Mapping[str, int | None]) -> None:
    changed = {row.id: since[row.id] for row in known if row.blind_since != since[row.id]}
    blind.set_blind(work.db, changed)
    for row in known:
        if row.id in changed:
            log.warning("blind" if changed[row.id] else "seen again", merchant=merchant, connection=row.id, channel=row.channel)


def _left(hub: Hub, db: Db, merchant: str, known: list[Any], since: Mapping[str, int | None]) -> dict[blind.Key, int]:
    """Units of each SKU that the others leave to each blind connection."""
    rows = blind.sellers(db, [id for id, at in since.items() if at is not None])
    sold = quotas.sold(db, merchant, {row.id: row for row in rows}.values(), hub.now - SOLD_WITHIN // timedelta(microseconds=1))
    found: dict[blind.Key, int] = {}
    for row in known:
        if (at := since[row.id]) is not None:
            sellers = _sellers([one for one in rows if one.connection == row.id], sold)
            units = rules.left_to(sellers, hub.now - at, rules.care(msgspec.json.decode(row.settings)))
            found |= {(row.id, sku): count for sku, count in units.items()}
    return found


def _sellers(rows: list[Any], sold: Mapping[int, int]) -> list[Seller]:
    parts: dict[int, dict[str, int]] = {}
    for row in rows:
        parts.setdefault(row.id, {})[row.part] = row.units
    shows = {row.id: max(int(row.shows), row.asked or 0) for row in rows}
    return [Seller(mine, shows[id], sold.get(id, 0) / SOLD_WITHIN.days) for id, mine in parts.items()]


def _leave(work: Unit, merchant: str, was: Mapping[blind.Key, int], left: Mapping[blind.Key, int]) -> None:
    """What differs is written, and every listing of those SKUs is looked at."""
    changed = {key: left.get(key, 0) for key in was.keys() | left.keys() if left.get(key, 0) != was.get(key, 0)}
    if not changed:
        return
    blind.leave(work.db, merchant, changed)
    skus = {sku for _, sku in changed}
    listings.lock_of(work.db, merchant, skus, [])
    for connection in sorted(listings.touch(work.db, merchant, skus, None)):
        work.ask(merchant, "publish_stock", connection, connection)


def set_care(hub: Hub, connection: Connection, *, strict: bool, factor: int, who: Who) -> None:
    """How much the others leave to this connection while it is blind. Raises Refused for a factor that cannot be."""
    if not rules.LEAST <= factor <= rules.MOST:
        raise Refused(f"the factor must be from {rules.LEAST} to {rules.MOST}")
    with hub.unit() as work:
        known = (connections.get(work.db, connection.id) or connection).settings
        was, told = rules.care(known), {"strict": strict, "factor": factor}
        connections.set_settings(work.db, connection.id, {**known, "blind": told})
        work.ask(connection.merchant, "look_blind", connection.merchant)
        said = {"was": {"strict": was.strict, "factor": was.factor}, "became": told}
        audit.write(work.db, connection.merchant, work.now, who.id, who.name, "connection.blind", connection.id, **said)
