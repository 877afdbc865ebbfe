"""How the installation does, over all merchants: for those who run it. Each figure is found by an index that holds only what it counts."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.store.sql import run

DUE = "select kind, count(*) as n, min(due_at) as oldest from tasks where state = 'due' group by kind"
RUNNING = "select kind, count(*) as n from tasks where state = 'running' group by kind"
PARKED = "select kind, count(*) as n from tasks where state = 'parked' group by kind"
CONNECTIONS = """
select c.id, c.channel, c.state, coalesce(m.at, 0) as read_to from connections c
left join marks m on m.connection = c.id and m.name = 'orders'
where c.role = 'channel'
"""
UNTOLD = "select min(since) from listings where changed > told and since is not null"
HOOKS = """
select case when state = 'active' and failing_since is not null then 'failing' else state end as state, count(*) as n from hooks group by 1
"""
HERE = "select slot from schedules where name = 'here'"


@dataclass(frozen=True, slots=True)
class Figures:
    """`due` are (kind, how many, when the first was due), `running` and `parked` (kind, how many), `connections` (id, channel, state, up to
    when its orders are read), `hooks` (state, how many); `untold` is the oldest sale that a channel has not heard of, `here` when a worker
    last swept (microseconds, or None)."""

    due: list[Any]
    running: list[Any]
    parked: list[Any]
    connections: list[Any]
    hooks: list[Any]
    untold: int | None
    here: int | None


def figures(db: Connection) -> Figures:
    return Figures(
        due=list(run(db, DUE)),
        running=list(run(db, RUNNING)),
        parked=list(run(db, PARKED)),
        connections=list(run(db, CONNECTIONS)),
        hooks=list(run(db, HOOKS)),
        untold=run(db, UNTOLD).scalar(),
        here=run(db, HERE).scalar(),
    )


def last_here(db: Connection) -> int | None:
    """When a worker last swept; None: never."""
    found: int | None = run(db, HERE).scalar()
    return found
