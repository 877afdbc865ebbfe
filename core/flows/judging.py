"""What somebody must look at, held against what was found before: in the books breaks, and documents that a ledger declined; at the dock
labels that are paid and not used. Kept as findings until they are gone."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, time

from sqlalchemy import Connection as Db

from core.domain import unused
from core.domain.tasks import Claim
from core.domain.today import zone_of
from core.flows import accounts
from core.flows.accounts import Look, Open
from core.hub import Hub
from core.store import documents, findings, handovers
from core.store.findings import Finding
from core.store.tables import us, when
from core.store.unit import Unit

BREAK, DECLINED, LABEL = "break", "document", "label"
MOST = 10_000
GONE = "gone by itself"
Name = tuple[str, str, str]  # connection, what, subject


def judge_books(hub: Hub, claim: Claim) -> None:
    """Hold what is a break now, and what is declined, against what was found before."""
    merchant = claim.merchant
    with hub.database.read() as db:
        now = {(one.connection, one.what, one.subject): one for one in _found(hub, db, merchant)}
        before = _open(db, merchant, (BREAK, DECLINED))
    with hub.unit(claim) as work:
        _hold(work, merchant, now, before)


def judge_labels(hub: Hub, merchant: str) -> None:
    """The same of labels that are not used. Nothing is written where nothing is new."""
    with hub.database.read() as db:
        now = {(one.connection, one.what, one.subject): one for one in _unused(hub, db, merchant)}
        before = _open(db, merchant, (LABEL,))
    new = {name: one for name, one in now.items() if before.get(name) != (one.theirs, one.ours)}
    gone = {name: seen for name, seen in before.items() if name not in now}
    if new or gone:
        with hub.unit() as work:
            _hold(work, merchant, new, gone)


def _hold(work: Unit, merchant: str, now: Mapping[Name, Finding], before: Collection[Name]) -> None:
    for connection, what in sorted({name[:2] for name in now}):
        findings.keep(work.db, merchant, connection, [one for name, one in sorted(now.items()) if name[:2] == (connection, what)])
    gone = [name for name in sorted(before) if name not in now]
    for connection, what in sorted({name[:2] for name in gone}):
        findings.close(work.db, connection, what, [name[2] for name in gone if name[:2] == (connection, what)], GONE, work.now)


def _open(db: Db, merchant: str, some: Collection[str]) -> dict[Name, tuple[str, str]]:
    known = findings.all_open(db, merchant, MOST)
    return {(one.connection, one.what, one.subject): (one.theirs, one.ours) for one in known if one.what in some}


def _unused(hub: Hub, db: Db, merchant: str) -> Iterator[Finding]:
    """`theirs` is why, a word of core/domain/unused.py; `ours` until when, in microseconds."""
    for row in handovers.unused(db, merchant, MOST):
        why, until = unused_label(hub, row.channel, row.bought_at, row.ship_by, row.zone)
        if why:
            yield Finding(row.connection, LABEL, row.name, why.value, str(until), hub.now, row.bought_at)


def unused_label(hub: Hub, channel: str, bought_at: int, ship_by: int | None, zone: str) -> tuple[unused.Unused | None, int]:
    """Why a label of this carrier that is not used needs somebody now, and the moment (microseconds) that it is about."""
    connector, bought = hub.connectors.get(channel), when(bought_at)
    until = unused.given_back_by(bought, connector.carries.void_days if connector else 1, zone_of(zone))
    why = unused.needs(bought, when(ship_by) if ship_by else None, until, hub.clock())
    return why, ship_by if why is unused.Unused.LEAVES and ship_by else us(until)


def _found(hub: Hub, db: Db, merchant: str) -> Iterator[Finding]:
    if look := accounts.look(hub, db, merchant):
        yield from (_break(one, look, hub.now) for one in look.breaks)
        yield from (
            Finding(one.connection, DECLINED, one.number, one.why, f"{one.total.text()} {one.total.currency}", hub.now, one.wanted_at)
            for one in documents.declined(db, merchant, MOST)
        )


def _break(one: Open, look: Look, now: int) -> Finding:
    item = one.item
    subject = " ".join(filter(None, (one.order.name if one.order else item.item, item.gateway, item.open.currency)))
    since = us(datetime.combine(item.since, time(), zone_of(look.books.zone)))
    return Finding(item.connection, BREAK, subject, (-item.settled).text(), (item.paid + item.repaid).text(), now, since)
