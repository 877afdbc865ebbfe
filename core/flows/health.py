"""How a merchant's connections are: what the database knows of each, with what its connector allows."""

from dataclasses import dataclass

from sqlalchemy import Connection as Db

from core.domain import health as rules
from core.domain.health import Facts, State
from core.flows.ways import late
from core.hub import Hub
from core.store import health
from core.store.health import Seen


@dataclass(frozen=True, slots=True)
class Health:
    """A connection and how it is; `name` is its channel's, `words` wait for `until` and the like."""

    one: Seen
    name: str
    facts: Facts
    state: State

    @property
    def label(self) -> str:
        return rules.LABELS[self.state]

    @property
    def words(self) -> str:
        return rules.WORDS[self.state][0]

    @property
    def tone(self) -> str:
        return rules.WORDS[self.state][1]


def look(hub: Hub, db: Db, merchant: str) -> list[Health]:
    """One for each connection of a merchant, in the order in which they were made."""
    return [_health(hub, one) for one in health.seen(db, merchant)]


def _health(hub: Hub, one: Seen) -> Health:
    connector = hub.connectors.get(one.channel)
    poll_s = late(connector, {**connector.settings, **one.settings}) if connector else 0
    row = one.row
    facts = Facts(
        one.state, one.live_at, row.read_at, row.paged_at, row.created_at, rules.limit_s(poll_s), row.blocked_until, row.login_until,
        bool(row.silent), row.blind_since,
    )  # fmt: skip
    return Health(one, connector.label if connector else one.channel, facts, rules.state(facts, hub.now))
