"""What a channel pushes to us, and what it did not: orders that only a poll found, silence, subscriptions that are gone."""

from collections.abc import Sequence
from typing import Any

from core.domain.tasks import Claim
from core.hub import Hub
from core.ports import Channel, Notice, Subscribes
from core.store import connections, findings, inbox
from core.store.connections import Connection
from core.store.findings import Finding
from core.store.tables import us
from core.store.unit import Unit

PUSHES = ("webhook_url", "queue_url")  # a connection with one of these settings expects to be told
DAY_US = 86_400_000_000
HOUR_US, QUIET_US = 3_600_000_000, 240_000_000  # one lost notice is no silence: others come soon after it
NOTICES = "notices"  # the subject of a connection's silence, and of its subscriptions


def _expects(work: Unit, connection: Connection) -> bool:
    """Whether this channel should tell us of its orders by itself: it is set so, or did (Shopify's app subscribes without us)."""
    return any(connection.settings.get(name) for name in PUSHES) or inbox.heard(work.db, connection.id, work.now - DAY_US)


def untold(work: Unit, connection: Connection, notices: Sequence[Notice], asked: int) -> None:
    """Remember which of the orders that a poll (asked for then) found nothing had told us of. Where they are all that was heard, that is
    silence: the subscription is looked after at once."""
    since, _ = connections.mark(work.db, connection.id, "told since")
    if not since:
        if _expects(work, connection):
            connections.set_mark(work.db, connection.merchant, connection.id, "told since", work.now)
        return
    missed = _missed(work, connection, notices, since, asked)
    findings.keep(work.db, connection.merchant, connection.id, missed)
    _listen(work, connection, missed)


def _missed(work: Unit, connection: Connection, notices: Sequence[Notice], since: int, asked: int) -> list[Finding]:
    changed = {f"{connection.id}/{one.order}": (one.order, us(one.revision)) for one in notices if one.order and one.revision}
    late = {ref: one for ref, one in changed.items() if one[1] >= since}
    refs = inbox.untold(work.db, connection.merchant, late) if late else set()
    return [_order(connection, *late[ref], asked) for ref in sorted(refs)]


def _order(connection: Connection, order: str, changed: int, asked: int) -> Finding:
    """It is kept in the same transaction: found and repaired at once."""
    return Finding(connection.id, "order", order, "changed there", "nothing told us of it", asked, changed, asked, "repaired")


def _listen(work: Unit, connection: Connection, missed: Sequence[Finding]) -> None:
    silence = next(iter(findings.open_of(work.db, connection.id, "silence")), None)
    since = findings.missed_by(work.db, connection.id, work.now - HOUR_US, work.now - QUIET_US) if missed else None
    if since is not None and not inbox.heard(work.db, connection.id, since):
        _silent(work, connection, silence.since if silence else since)
    elif silence and inbox.heard(work.db, connection.id, silence.found_at):
        findings.close(work.db, connection.id, "silence", [NOTICES], "gone by itself", work.now)


def _silent(work: Unit, connection: Connection, since: int | None) -> None:
    count = findings.orders_since(work.db, connection.id, since or 0)
    found = Finding(connection.id, "silence", NOTICES, f"{count} orders changed", "polls found them, no notice told", work.now, since)
    findings.keep(work.db, connection.merchant, connection.id, [found])
    work.ask(connection.merchant, "subscribe", connection.id, connection.id)


def subscribe(hub: Hub, claim: Claim) -> None:
    """Make sure that the channel pushes its notices to us, where it lets an API say so. What it did once and does no longer is found,
    repaired, and what came meanwhile is asked for at once."""
    connection = hub.connection(claim.connection)
    channel, url = hub.channel(connection), str(connection.settings.get("webhook_url") or "")
    if not isinstance(channel, Subscribes) or not url:
        return
    missing = channel.unsubscribed(url)
    with hub.unit(claim, finish=False) as work:
        _lost(work, connection, url, missing)
    if missing:
        channel.subscribe(url)
    with hub.unit(claim) as work:
        connections.set_mark(work.db, connection.merchant, connection.id, "subscribed", work.now, url)
        for what in ("subscription", "silence") if missing else ("subscription",):
            findings.close(work.db, connection.id, what, [NOTICES], "repaired", work.now)


def _lost(work: Unit, connection: Connection, url: str, missing: Sequence[str]) -> None:
    """Written down before it is repaired: a crash in between forgets nothing. The very first subscribing of an address is no finding."""
    checked, known = connections.mark(work.db, connection.id, "subscribed")
    if not missing or known != url:
        return
    found = Finding(connection.id, "subscription", NOTICES, f"not subscribed: {', '.join(missing)}", "subscribed", work.now, checked)
    findings.keep(work.db, connection.merchant, connection.id, [found])
    work.ask(connection.merchant, "poll_orders", connection.id, connection.id)


def unsubscribed(channel: Channel | Any, connection: Connection) -> Sequence[str]:
    """The topics that a channel should push to us and does not; changes nothing."""
    url = str(connection.settings.get("webhook_url") or "")
    return channel.unsubscribed(url) if url and isinstance(channel, Subscribes) else ()
