"""What a channel's own warehouses hold (FBA): read, never written. Its levels stand at a location of the kind fba, of which other channels
are promised something only where its merchant switched that on (core/domain/stored.py has the arithmetic); what it received of our
transfers is told by what is no longer on its way there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
from sqlalchemy import Connection as Db

from core.domain.inbound import STORED, Came, Line
from core.domain.inbound import Kind as Delivery
from core.domain.requests import Asking
from core.domain.stored import SETTLES_US, Asked, doubtful, lacks, on_hand, settles_at, taken
from core.domain.tasks import Claim
from core.domain.who import Who
from core.flows import inbound
from core.flows.allocation import ask_waiting, tell_of
from core.hub import Hub
from core.ports import Stored, Stores
from core.store import connections, counts, inbounds, requests, stock, stored
from core.store.connections import Connection
from core.store.counts import Level
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
    began: int = 0  # what was promised of the figures is counted against this moment
    seen: Sums = field(default_factory=dict)


_reading = msgspec.json.Decoder(Reading)
_coming = msgspec.json.Decoder(dict[str, int])


def read_stored(hub: Hub, claim: Claim) -> None:
    """Read one page, and ask for the next; after the last one levels and transfers are what the channel says. Nothing is read where no
    location is that channel's."""
    connection = hub.connection(claim.connection)
    channel = hub.channel(connection)
    with hub.database.read() as db:
        opened = switched_on(hub, db, connection.merchant)
        location = stored.location_of(db, connection.merchant, connection.id, {how.connection: at for at, how in opened.items()})
        paged, kept = connections.mark(db, connection.id, READING)
    if location is None or not isinstance(channel, Stores):
        return
    reading = _reading.decode(kept) if kept and paged > hub.now - ALIVE // timedelta(microseconds=1) else Reading(began=hub.now)
    page = channel.stored(reading.cursor)
    reading = Reading(page.cursor, reading.began, {**reading.seen, **{one.sku: _figures(one) for one in page.items}})
    with hub.unit(claim) as work:
        done = page.cursor is None
        said = None if done else msgspec.json.encode(reading).decode()
        connections.set_mark(work.db, connection.merchant, connection.id, READING, work.now, said)
        if done:
            _take(work, connection, location, reading, opened.get(location))
        else:
            work.ask(connection.merchant, "read_stored", connection.id, connection.id, wait_s=page.wait_s)


def switched_on(hub: Hub, db: Db, merchant: str) -> dict[str, Asking]:
    """The locations of channels' own from which they send for other channels' orders, and how each is asked."""
    known = requests.asked_locations(db, merchant, hub.box(merchant))
    fba = set(stored.locations(db, merchant)) if known else set()
    return {location: how for location, (_, how) in known.items() if location in fba}


def _figures(one: Stored) -> tuple[int, int, int]:
    return one.sellable, one.damaged, one.coming


def _take(work: Unit, connection: Connection, location: str, reading: Reading, how: Asking | None) -> None:
    """Deliveries are locked before levels, as everywhere."""
    seen = reading.seen
    sums = _in_our_skus(stored.parts(work.db, connection.merchant, connection.id, seen), seen)
    stored.keep_held(work.db, connection.merchant, connection.id, {sku: one[0] for sku, one in seen.items()}, work.now)
    stored.keep_location(work.db, connection.merchant, connection.id, location, work.now)
    _receive(work, connection, location, sums)
    moved, new = _write(work, connection, location, sums, reading.began)
    if how is not None and moved:
        stored.cushion(work.db, connection.merchant, location, new, how.cushion)
        tell_of(work, connection.merchant, moved)
        ask_waiting(work, connection.merchant)


def _in_our_skus(parts: Sequence[tuple[str, str, int]], seen: Sums) -> Sums:
    """(the channel's SKU, ours, units): what of ours lies there."""
    found: Sums = {}
    for theirs, ours, units in parts:
        before, there = found.get(ours, (0, 0, 0)), seen[theirs]
        found[ours] = (before[0] + there[0] * units, before[1] + there[1] * units, before[2] + there[2] * units)
    return found


def _write(work: Unit, connection: Connection, location: str, sums: Sums, read_at: int) -> tuple[list[str], list[str]]:
    """A movement for each difference; what the channel does not name any more is gone. Gives the SKUs that moved, and those that were never
    there before. Where it may not have taken all that it accepted, it is read again once it has."""
    skus = {*sums, *stored.at(work.db, connection.merchant, location)}
    stock.lock_levels(work.db, connection.merchant, skus)
    levels = counts.levels(work.db, connection.merchant, skus)
    asked = stored.asked_at(work.db, connection.merchant, location)
    moves, lacking = [], False
    for sku in sorted(skus):
        level, (sellable, damaged, _) = levels.get((sku, location), EMPTY), sums.get(sku, (0, 0, 0))
        mine = asked.get(sku, ())
        sellable, gone = sellable - doubtful(mine, read_at), taken(mine, read_at)
        units, spoilt = on_hand(sellable, level.reserved, gone) - level.on_hand, damaged - level.damaged
        lacking = lacking or lacks(sellable, level.reserved, gone) > 0
        if units or spoilt:
            moves.append(Move(sku, location, units, spoilt, STORED, f"stored/{connection.id}"))
    stock.move(work.db, connection.merchant, moves, work.now)
    _again(work, connection, [one for some in asked.values() for one in some], read_at, lacking=lacking)
    return [one.sku for one in moves], [one.sku for one in moves if (one.sku, location) not in levels]


EMPTY = Level(0, 0, 0)


def _again(work: Unit, connection: Connection, asked: Sequence[Asked], read_at: int, *, lacking: bool) -> None:
    """What is kept for promises alone is no unit that lies there: as soon as they are given up, it is read again."""
    at = work.now + SETTLES_US if lacking else settles_at(asked)
    if at is not None and at > read_at:
        work.ask(connection.merchant, "read_stored", connection.id, connection.id, wait_s=max(1.0, (at - work.now) / 1e6 + 1))


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
