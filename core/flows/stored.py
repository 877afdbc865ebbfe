"""What a channel's own warehouses hold (FBA): read, never written. Its levels stand at a location of the kind fba, from which nothing is
reserved and which no channel is shown; what it received of our transfers is told by what is no longer on its way there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from core.domain.inbound import STORED, Came, Line
from core.domain.inbound import Kind as Delivery
from core.domain.tasks import Claim
from core.domain.who import Who
from core.flows import inbound
from core.hub import Hub
from core.ports import Stored, Stores
from core.store import connections, counts, inbounds, stock, stored
from core.store.connections import Connection
from core.store.inbounds import Inbound
from core.store.stock import Move
from core.store.unit import Unit

ALIVE = timedelta(seconds=20)  # after which a page's cursor is given up, and reading begins again
READING, COMING = "stored", "stored coming"  # marks: the page to go on with, and what was on its way there last
Sums = dict[str, tuple[int, int, int]]  # by SKU: can be sold, damaged, on its way


@dataclass
class Reading:
    """How far a reading came, as it is kept between its pages."""

    cursor: str | None = None
    seen: Sums = field(default_factory=dict)


_reading = msgspec.json.Decoder(Reading)
_coming = msgspec.json.Decoder(dict[str, int])


def read_stored(hub: Hub, claim: Claim) -> None:
    """Read one page, and ask for the next; after the last one levels and transfers are what the channel says. Nothing is read where no
    location is that channel's."""
    connection = hub.connection(claim.connection)
    channel = hub.channel(connection)
    with hub.database.read() as db:
        location = stored.location_of(db, connection.merchant, connection.id)
        paged, kept = connections.mark(db, connection.id, READING)
    if location is None or not isinstance(channel, Stores):
        return
    reading = _reading.decode(kept) if kept and paged > hub.now - ALIVE // timedelta(microseconds=1) else Reading()
    page = channel.stored(reading.cursor)
    reading = Reading(page.cursor, {**reading.seen, **{one.sku: _figures(one) for one in page.items}})
    with hub.unit(claim) as work:
        done = page.cursor is None
        said = None if done else msgspec.json.encode(reading).decode()
        connections.set_mark(work.db, connection.merchant, connection.id, READING, work.now, said)
        if done:
            _take(work, connection, location, reading.seen)
        else:
            work.ask(connection.merchant, "read_stored", connection.id, connection.id, wait_s=page.wait_s)


def _figures(one: Stored) -> tuple[int, int, int]:
    return one.sellable, one.damaged, one.coming


def _take(work: Unit, connection: Connection, location: str, seen: Sums) -> None:
    """Deliveries are locked before levels, as everywhere."""
    sums = _in_our_skus(stored.parts(work.db, connection.merchant, connection.id, seen), seen)
    _receive(work, connection, location, sums)
    _write(work, connection, location, sums)


def _in_our_skus(parts: Sequence[tuple[str, str, int]], seen: Sums) -> Sums:
    """(the channel's SKU, ours, units): what of ours lies there."""
    found: Sums = {}
    for theirs, ours, units in parts:
        before, there = found.get(ours, (0, 0, 0)), seen[theirs]
        found[ours] = (before[0] + there[0] * units, before[1] + there[1] * units, before[2] + there[2] * units)
    return found


def _write(work: Unit, connection: Connection, location: str, sums: Sums) -> None:
    """A movement for each difference; what the channel does not name any more is gone."""
    skus = {*sums, *stored.at(work.db, connection.merchant, location)}
    stock.lock_levels(work.db, connection.merchant, skus)
    levels = counts.levels(work.db, connection.merchant, skus)
    moves = []
    for sku in sorted(skus):
        level, (sellable, damaged, _) = levels.get((sku, location)), sums.get(sku, (0, 0, 0))
        units, spoilt = sellable - (level.on_hand if level else 0), damaged - (level.damaged if level else 0)
        if units or spoilt:
            moves.append(Move(sku, location, units, spoilt, STORED, f"stored/{connection.id}"))
    stock.move(work.db, connection.merchant, moves, work.now)


def _receive(work: Unit, connection: Connection, location: str, sums: Sums) -> None:
    """What was on its way there at the last reading and is not any more has come: of our transfers, the oldest first."""
    _, kept = connections.mark(work.db, connection.id, COMING)
    before = _coming.decode(kept) if kept else {}
    came = {sku: units - sums.get(sku, (0, 0, 0))[2] for sku, units in before.items() if units > sums.get(sku, (0, 0, 0))[2]}
    for one in stored.on_their_way(work.db, connection.merchant, location) if came else ():
        found = inbounds.one(work.db, connection.merchant, one, lock=True)
        if found is not None and (part := _part(found, came)):
            inbound.take_in(work, connection.merchant, found, part, Who(f"channel/{connection.id}", connection.label))
    now_coming = {sku: figures[2] for sku, figures in sums.items() if figures[2]}
    connections.set_mark(work.db, connection.merchant, connection.id, COMING, work.now, msgspec.json.encode(now_coming).decode())


def _part(one: Inbound, came: dict[str, int]) -> list[Came]:
    """As much of what came as this delivery misses; it is taken off."""
    found = [Came(line.sku, min(line.missing(Delivery.TRANSFER), came.get(line.sku, 0))) for line in _lines(one.lines)]
    for part in found:
        if part.good:
            came[part.sku] -= part.good
    return [part for part in found if part.good]


def _lines(lines: Mapping[str, Line]) -> list[Line]:
    return [lines[sku] for sku in sorted(lines)]
