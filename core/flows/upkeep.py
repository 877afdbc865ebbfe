"""How each connection is, for whoever looks after it: what it may do, until when, what was read, and whether it answers now."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection as Db

from core.domain.access import ends_soon, missing
from core.domain.who import Who
from core.errors import AccessLost
from core.flows.join import come_back
from core.flows.ways import Way, ways
from core.hub import Hub
from core.ports import Account
from core.store import audit, connections
from core.store.connections import Connection
from core.store.tables import when

READ = ("orders", "listings")


@dataclass(frozen=True, slots=True)
class Health:
    """A connection with how its news come. `label` is the channel's, `read` says up to when orders, and when listings, were read
    (microseconds; 0: never), `lacks` which scopes are missing, `ends` when the login does, `is_ending` that somebody should renew it."""

    way: Way
    label: str
    read: dict[str, int]
    lacks: tuple[str, ...]
    ends: datetime | None
    is_ending: bool

    @property
    def one(self) -> Connection:
        return self.way.connection


def health(hub: Hub, db: Db, merchant: str) -> list[Health]:
    """One for each connection of a merchant, in the order in which they were made."""
    marks = {(row.connection, row.name): row.at for row in connections.marks(db, merchant)}
    return [_health(hub, way, {name: marks.get((way.connection.id, name), 0) for name in READ}) for way in ways(hub, db, merchant)]


def _health(hub: Hub, way: Way, read: dict[str, int]) -> Health:
    one, connector = way.connection, hub.connectors.get(way.connection.channel)
    ends = when(one.login_until) if one.login_until else None
    lacks = missing(connector.scopes if connector else (), one.scopes)
    return Health(way, connector.label if connector else one.channel, read, lacks, ends, ends_soon(ends, hub.clock()))


def test(hub: Hub, connection: Connection, by: Who) -> Account:
    """Ask the channel, the carrier or the books who we are there: one call. What needed a login and answers goes on; what is refused needs
    one. Raises what the call raises."""
    try:
        found = _probe(hub, connection)
    except AccessLost as error:
        _tested(hub, connection, by, "needs_login", str(error.args[0]))
        raise
    _tested(hub, connection, by, "active", None)
    return found


def _probe(hub: Hub, connection: Connection) -> Account:
    """Who we are there, by whatever it is to us."""
    match connection.role:
        case connections.CARRIER:
            return Account(connection.account, hub.carrier(connection).probe())
        case connections.LEDGER:
            books = hub.ledger(connection).probe()
            return Account(books.id, books.name, books.currencies[0])
        case _:
            return hub.channel(connection).probe()


def _tested(hub: Hub, connection: Connection, by: Who, state: str, reason: str | None) -> None:
    """A connection that somebody stopped stays so."""
    with hub.unit() as work:
        audit.write(work.db, connection.merchant, work.now, by.id, by.name, "connection.test", connection.id, state=state)
        if connection.state in ("active", "needs_login") and state != connection.state:
            connections.set_state(work.db, connection.id, state, reason)
            if connection.role == connections.CHANNEL:
                come_back(work, connection.merchant)
