"""What accounts let us do, and until when: read, held against what we need, and said before it hurts."""

from core.domain.access import ends_soon, missing
from core.domain.tasks import Claim
from core.flows.connections import LOGIN
from core.hub import Hub
from core.ports import Allows
from core.store import connections, findings
from core.store.connections import Connection
from core.store.findings import Finding
from core.store.tables import when
from core.store.unit import Unit

SCOPES = "scopes"  # what a finding says, and its subject


def read_scopes(hub: Hub, claim: Claim) -> None:
    """Ask what we may do, where the channel tells; what is missing for our work is a finding until it is granted."""
    connection = hub.connection(claim.connection)
    channel = hub.channel(connection)
    said = ",".join(sorted(channel.allowed())) if isinstance(channel, Allows) else None
    with hub.unit(claim) as work:
        if said is not None:
            connections.set_scopes(work.db, connection.id, said)
            _scopes(work, connection, missing(hub.connector(connection).scopes, said))


def check_login(hub: Hub, claim: Claim) -> None:
    """Say so while there is time where a login ends soon, and where one came without what we need."""
    with hub.unit(claim) as work:
        one = connections.get(work.db, claim.connection)
        connector = one and hub.connectors.get(one.channel)
        if one and connector:
            _scopes(work, one, missing(connector.scopes, one.scopes))
            _login(work, one)


def _scopes(work: Unit, one: Connection, lacks: tuple[str, ...]) -> None:
    words = f"we may not: {', '.join(lacks)}"
    _find(work, one, SCOPES, words if lacks and one.login else "", "needed for orders and stock; install the app again to grant it")


def _login(work: Unit, one: Connection) -> None:
    until = when(one.login_until) if one.login_until else None
    ends = until.date().isoformat() if until and ends_soon(until, when(work.now)) else ""
    _find(work, one, LOGIN, ends and f"our login ends on {ends}", "somebody must renew it before")


def _find(work: Unit, one: Connection, what: str, theirs: str, ours: str) -> None:
    """A finding while there are words for it; over when there are none."""
    if theirs:
        findings.keep(work.db, one.merchant, one.id, [Finding(one.id, what, what, theirs, ours, work.now)])
    else:
        findings.close(work.db, one.id, what, [what], "repaired", work.now)
