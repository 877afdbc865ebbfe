"""What cannot wait is raised once a cause, told at once and cleared when it is mended; the rest is told in the morning."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Connection as Db

from core.domain import alerts as rules
from core.domain.alerts import TOLD_MENDED, Alert
from core.domain.causes import LOUD
from core.domain.tasks import Claim
from core.domain.today import today, zone_of
from core.flows import attention, health, judging, letters
from core.flows.health import Health
from core.flows.letters import Morning
from core.hub import Hub
from core.store import alerts, figures
from core.store import attention as needs
from core.store.tables import us
from core.store.unit import Unit

Key = tuple[str, str]  # cause, subject
STOPPED = ("stands", "uncaptured")  # tasks about orders that cannot wait
ODD = ("found-break", "found-document", "found-label")
MOST = 500  # orders of one cause that are raised at once


def raise_alerts(hub: Hub, claim: Claim) -> None:
    """Hold what cannot wait against what was raised: new ones are raised and told, those that are over are cleared. In the morning the
    digest is written, too."""
    merchant = claim.merchant
    judging.judge_labels(hub, merchant)
    with hub.database.read() as db:
        known, before = health.look(hub, db, merchant), alerts.open_of(db, merchant)
        found = {(one.cause, one.subject): one for one in _loud(hub, db, merchant, known, before)}
    with hub.unit(claim) as work:
        over = [one for key, one in before.items() if key not in found]
        alerts.clear(work.db, over, work.now)
        alerts.raise_these(work.db, merchant, [one for key, one in found.items() if key not in before], work.now)
        _tell(hub, work, merchant, [one for one in over if one.told_at and one.cause in TOLD_MENDED])
        _digest(hub, work, merchant, known)


def _loud(hub: Hub, db: Db, merchant: str, known: Sequence[Health], before: Mapping[Key, Alert]) -> Iterator[Alert]:
    """What cannot wait, now; what somebody left as it is can."""
    loud = [one for one in attention.of_connections(known, hub.now) if one.cause in LOUD]
    yield from (Alert(one.cause, one.subject, one.name, one.detail or "") for one in loud)
    yield from (Alert(one.cause, one.subject, one.name) for one in needs.page(db, merchant, "late", hub.now, most=MOST))
    stopped = [one for cause in STOPPED for one in needs.page(db, merchant, cause, hub.now, most=MOST)]
    yield from (Alert(one.cause, one.subject, one.name.split("/", 1)[-1]) for one in stopped)
    odd = [one for cause in ODD for one in needs.page(db, merchant, cause, hub.now, most=MOST)]
    yield from (Alert(one.cause, one.subject, one.name) for one in odd)
    live = {one.one.id for one in known if one.one.live_at is not None}
    short = [one for one in needs.page(db, merchant, "oversold", hub.now, most=MOST) if one.connection in live]
    new = [one.subject for one in short if ("oversold", one.subject) not in before]
    unpaid = set(new) - {id for id, status in alerts.payments(db, merchant, new).items() if rules.is_paid(status)}
    yield from (Alert(one.cause, one.subject, one.name, one.detail or "") for one in short if one.subject not in unpaid)


def _tell(hub: Hub, work: Unit, merchant: str, mended: Sequence[Alert]) -> None:
    """What nobody was told of, as far as its cause was not told just now."""
    untold = [one for one in alerts.open_of(work.db, merchant).values() if one.told_at is None]
    due = rules.due(untold, alerts.last_told(work.db, merchant), work.now) if untold else []
    alerts.told(work.db, due, work.now)
    if due or mended:
        letters.tell(hub, work, merchant, due, mended)


def _digest(hub: Hub, work: Unit, merchant: str, known: Sequence[Health]) -> None:
    """Once a day, in the merchant's morning: what came in yesterday, and what needs somebody."""
    _, zone = alerts.merchant_of(work.db, merchant)
    local = hub.clock().astimezone(zone_of(zone))
    if local.hour not in rules.MORNING or not alerts.is_first_of(work.db, merchant, local.toordinal()):
        return
    begin, end = today(today(hub.clock(), zone_of(zone))[0] - timedelta(hours=1), zone_of(zone))
    names = {one.one.id: one.name for one in known}
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for row in figures.of_a_day(work.db, merchant, us(begin), us(end)):
        count, total = sums.get(key := (names.get(row.connection, "?"), row.currency), (0, 0))
        sums[key] = (count + int(row.orders), total + int(row.total))
    letters.digest(hub, work, merchant, Morning(sums, attention.counts(hub, work.db, merchant, known)))
