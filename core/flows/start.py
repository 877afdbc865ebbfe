"""The guide to going live: where each connection stands, and the acts that lead on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection as Db

from core.domain.start import Ground, State, Step, steps
from core.domain.tasks import Claim
from core.domain.who import Who
from core.errors import Refused
from core.flows import health, join
from core.flows.health import Health
from core.hub import Hub
from core.store import audit, connections, displays, start
from core.store import health as seen
from core.store.connections import Connection

WEEK_US = 7 * 86_400_000_000
KINDS = ("zero", "lower", "raise", "unknown")  # of what would change, the gravest first
SHOWN = 25  # of each kind, in what is worked out


@dataclass(frozen=True, slots=True)
class Standing:
    """A connection on its way: `unmatched` listings, what going live would change (`difference`, asked for or worked out at `reckoned_at`),
    how many listings showed what neither we nor an order explain in a week (`others`, the last of them at `others_at`)."""

    health: Health
    unmatched: int
    reckoned_at: int
    difference: Mapping[str, Any]
    others: int
    others_at: int

    @property
    def is_listed(self) -> bool:
        return bool(self.health.one.row.listed_at) and not self.health.one.row.listing

    @property
    def is_ready(self) -> bool:
        """Writing may begin."""
        return self.is_listed and bool(self.health.facts.read_at) and self.health.one.state == "active"

    @property
    def ground(self) -> Ground:
        row = self.health.one.row
        done = bool(self.difference)
        return Ground(self.is_listed, self.unmatched, row.phase is not None, self.reckoned_at if done else 0, row.live_at is not None)


@dataclass(frozen=True, slots=True)
class Guide:
    """`waits`: in words, what those wait for that were told to go live."""

    steps: Mapping[Step, State]
    standings: Sequence[Standing]
    counted: int
    waits: Sequence[str]


def guide(hub: Hub, db: Db, merchant: str) -> Guide:
    known = health.look(hub, db, merchant)
    unmatched = {row.id: int(row.n) for row in displays.unmatched_counts(db, merchant)}
    differences, others = start.differences(db, merchant), seen.written_by_others(db, merchant, hub.now - WEEK_US)
    found = [
        Standing(one, unmatched.get(one.one.id, 0), *differences.get(one.one.id, (0, {})), *others.get(one.one.id, (0, 0)))
        for one in known
    ]  # fmt: skip
    counted = start.counted(db, merchant)
    return Guide(steps([one.ground for one in found], counted), found, counted, _waits(db, merchant, known))


def _waits(db: Db, merchant: str, known: Sequence[Health]) -> list[str]:
    """Channels whose orders are read first."""
    moment = max((one.one.live_at or 0 for one in known), default=0)
    return [f"{row.channel} {row.account}" for row in connections.behind(db, merchant, moment)] if moment else []


def mine(hub: Hub, merchant: str, id: str) -> Connection:
    """This connection of a merchant. Raises Refused where there is none."""
    with hub.database.read() as db:
        found = connections.get(db, id)
    if found is None or found.merchant != merchant:
        raise Refused("there is no such connection")
    return found


def ask_reckon(hub: Hub, connection: Connection, who: Who) -> None:
    """Have worked out what going live would change there."""
    with hub.unit() as work:
        connections.set_mark(work.db, connection.merchant, connection.id, "difference", work.now)
        work.ask(connection.merchant, "reckon", connection.id, connection.id)
        audit.write(work.db, connection.merchant, work.now, who.id, who.name, "connection.reckon", connection.id)


def reckon(hub: Hub, claim: Claim) -> None:
    """Work out what going live would change: how many listings, by what would become of them, and the gravest of each."""
    connection = hub.connection(claim.connection)
    found = join.changes(hub, connection)
    said = {"counts": Counter(one.what for one in found), "rows": [asdict(one) for kind in KINDS for one in _some(found, kind)]}
    with hub.unit(claim) as work:
        text = msgspec.json.encode(said).decode()
        connections.set_mark(work.db, connection.merchant, connection.id, "difference", work.now, text)


def _some(found: Sequence[join.Change], kind: str) -> list[join.Change]:
    """Those that show the most now come first."""
    return sorted((one for one in found if one.what == kind), key=lambda one: -(one.now or 0))[:SHOWN]
