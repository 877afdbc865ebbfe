"""What somebody must look at in the books: breaks, and documents that a ledger declined. Kept as findings until they are gone."""

from collections.abc import Iterator
from datetime import datetime, time

from sqlalchemy import Connection as Db

from core.domain.tasks import Claim
from core.domain.today import zone_of
from core.flows import accounts
from core.flows.accounts import Look, Open
from core.hub import Hub
from core.store import documents, findings
from core.store.findings import Finding
from core.store.tables import us

BREAK, DECLINED = "break", "document"
MOST = 10_000
GONE = "gone by itself"
Name = tuple[str, str, str]  # connection, what, subject


def judge_books(hub: Hub, claim: Claim) -> None:
    """Hold what is a break now, and what is declined, against what was found before."""
    merchant = claim.merchant
    with hub.database.read() as db:
        now = {(one.connection, one.what, one.subject): one for one in _found(hub, db, merchant)}
        before = _open(db, merchant)
    with hub.unit(claim) as work:
        for connection, what in sorted({name[:2] for name in now}):
            findings.keep(work.db, merchant, connection, [one for name, one in sorted(now.items()) if name[:2] == (connection, what)])
        gone = [name for name in sorted(before) if name not in now]
        for connection, what in sorted({name[:2] for name in gone}):
            findings.close(work.db, connection, what, [name[2] for name in gone if name[:2] == (connection, what)], GONE, work.now)


def _open(db: Db, merchant: str) -> set[Name]:
    known = findings.listed(db, merchant, only_open=True, most=MOST)
    return {(one.connection, one.what, one.subject) for one in known if one.what in (BREAK, DECLINED)}


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
