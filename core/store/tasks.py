"""The tasks: asked for in the transaction of their cause, claimed in sets under a lease and a generation."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.domain.tasks import CRASH_REST_S, CRASHES, LATER, LEASE, QUEUES, Claim, Outcome, Task, bell_of
from core.errors import LostLease
from core.store.sql import run, run_set

LEASE_US = int(LEASE.total_seconds() * 1_000_000)

ASKED = {"merchant": "text", "connection": "text", "kind": "text", "subject": "text", "queue": "text", "due_at": "bigint"}

ASK = """
insert into tasks (merchant, connection, kind, subject, queue, state, due_at, asked_at)
select r.merchant, r.connection, r.kind, r.subject, r.queue, 'due', r.due_at, :now from {rows} where true
on conflict (merchant, kind, subject) where state in ('due', 'running', 'parked') do update set
  again = case when tasks.state = 'running' then true else tasks.again end,
  tries = case when tasks.state = 'parked' then 0 else tasks.tries end,
  crashes = case when tasks.state = 'parked' then 0 else tasks.crashes end,
  due_at = case when tasks.state = 'parked' or (tasks.state = 'running' and not tasks.again) or excluded.due_at < tasks.due_at
           then excluded.due_at else tasks.due_at end,
  state = case when tasks.state = 'parked' then 'due' else tasks.state end
where excluded.due_at <> :only_locked
"""
ONLY_LOCKED = -1


def ask(db: Connection, rows: Iterable[Mapping[str, Any]], now: int, held: Claim | None = None) -> None:
    """Ask for work; open tasks of the same merchant, kind and subject merge.

    Rows are locked in one order by all, so that two askers never wait crosswise; those that `held` will record are locked on the
    way: else two units that ask for each other's tasks would, and every webhook about their orders behind them.
    """
    named = {(row["merchant"], row["kind"], row["subject"]): row for row in rows}
    if named:
        ours = {(one.merchant, one.kind, one.subject): _locked(one) for one in held.tasks} if held else {}
        run_set(db, ASK, ASKED, [row for _, row in sorted({**ours, **named}.items())], now=now, only_locked=ONLY_LOCKED)


def _locked(one: Task) -> dict[str, Any]:
    """A row that is there, as `ask` names it. Where it is not, this unit has lost its lease and none of it will count."""
    return {
        "merchant": one.merchant, "connection": one.connection, "kind": one.kind, "subject": one.subject,
        "queue": "", "due_at": ONLY_LOCKED,
    }  # fmt: skip


OPEN = f"""(queue in ('inside', '{LATER["inside"]}') or not exists (select 1 from connections c where c.id = tasks.connection
                                       and (c.state <> 'active' or c.blocked_until > :now)))"""
# The next kind of work in turn: merchants, their connections and kinds come round, so none starves another.
NEXT = f"""
select merchant, connection, kind from tasks
where queue = :queue and state = 'due' and due_at <= :now
  and (merchant, connection, kind) > (:merchant, :connection, :kind)
  and {OPEN}
order by merchant, connection, kind limit 1
"""

# What a worker died over is claimed alone, so that it takes no other down with it.
CLAIM = f"""
with pick as (
  select id, due_at, crashes from tasks where queue = :queue and merchant = :merchant and connection = :connection and kind = :kind
    and state = 'due' and due_at <= :now and {OPEN}
  order by due_at, id limit :most {{skip}})
update tasks set state = 'running', generation = generation + 1, tries = tries + 1, again = false,
  lease_until = {{now}} + :lease
where id in (
  select pick.id from pick, (select id, crashes from pick order by due_at, id limit 1) as head
  where (head.crashes = 0 and pick.crashes = 0) or (head.crashes > 0 and pick.id = head.id))
returning id, subject, generation, tries
"""

Turn = tuple[str, str, str]
FIRST: Turn = ("", "", "")


def next_turn(db: Connection, queue: str, after: Turn, now: int) -> Turn | None:
    """The (merchant, connection, kind) that is due after the given one, wrapping round once."""
    for merchant, connection, kind in dict.fromkeys((after, FIRST)):
        row = run(db, NEXT, queue=queue, merchant=merchant, connection=connection, kind=kind, now=now).first()
        if row:
            return (row.merchant, row.connection, row.kind)
    return None


def is_worked_on(db: Connection, queue: str) -> bool:
    """For whoever works behind: somebody does something of this queue right now."""
    return run(db, "select 1 from tasks where state = 'running' and queue = :queue limit 1", queue=queue).first() is not None


def claim(db: Connection, queue: str, turn: Turn, most: int, now: int) -> Claim | None:
    merchant, connection, kind = turn
    rows = run(db, CLAIM, queue=queue, merchant=merchant, connection=connection, kind=kind, most=most, now=now, lease=LEASE_US).fetchall()
    tasks = [Task(row.id, merchant, connection, kind, row.subject, row.generation, row.tries) for row in rows]
    return Claim(sorted(tasks, key=lambda task: task.id)) if tasks else None


HELD = {"id": "bigint", "generation": "int"}
FENCE = """
select o.id from tasks o where o.id in (
  select t.id from {rows} left join tasks t on t.id = r.id and t.generation = r.generation and t.lease_until is not null {fence})
order by o.merchant {exact}, o.kind {exact}, o.subject {exact} {lock}
"""
# One that somebody is writing just now is left for the next second: to wait for it with others in hand is how deadlocks are made.
RENEW = """
update tasks set lease_until = {now} + :lease where id in (
  select t.id from {rows} join tasks t on t.id = r.id and t.generation = r.generation and t.lease_until is not null {skip})
"""


def _in_order(tasks: Iterable[Task]) -> list[Task]:
    """As askers lock them: rows are updated in the order in which they are given."""
    return sorted(tasks, key=lambda task: (task.merchant, task.kind, task.subject))


def _held(tasks: Sequence[Task]) -> list[dict[str, int]]:
    return [{"id": task.id, "generation": task.generation} for task in _in_order(tasks)]


def fence(db: Connection, held: Claim) -> None:
    """Raises LostLease unless every task of the claim is still ours; on PostgreSQL nobody can take one before we commit."""
    if len(run_set(db, FENCE, HELD, _held(held.tasks)).fetchall()) != len(held.tasks):
        raise LostLease("the lease ran out")


def renew(db: Connection, tasks: Sequence[Task], now: int) -> None:
    run_set(db, RENEW, HELD, _held(tasks), now=now, lease=LEASE_US)


OUTCOMES = {
    "id": "bigint", "generation": "int", "state": "text", "due_at": "bigint", "uncounted": "int",
    "cause": "text", "detail": "text", "words": "text",
}  # fmt: skip
RECORD = """
update tasks set
  state = case when r.state <> 'due' and tasks.again then 'due' else r.state end,
  due_at = case when tasks.again and (r.state <> 'due' or tasks.due_at < r.due_at) then tasks.due_at else r.due_at end,
  tries = case when r.state = 'done' or (r.state = 'parked' and tasks.again) then 0 else tasks.tries - r.uncounted end,
  crashes = case when r.state = 'done' then 0 else tasks.crashes end,
  again = false, lease_until = null, done_at = :now,
  cause = r.cause, detail = r.detail, words = r.words
from {rows}
where tasks.id = r.id and tasks.generation = r.generation and tasks.lease_until is not null
"""


def record(db: Connection, held: Claim, now: int, seal: Any = None) -> None:
    """Write what became of each task. Raises LostLease where one is no longer ours: then nothing of this transaction counts."""
    rows = [_outcome(task, held.outcome(task), now, seal) for task in _in_order(held.tasks)]
    if run_set(db, RECORD, OUTCOMES, rows, now=now).rowcount != len(rows):
        raise LostLease("the lease ran out")
    held.finished = True


def _outcome(task: Task, outcome: Outcome, now: int, seal: Any) -> dict[str, Any]:
    return {
        "id": task.id,
        "generation": task.generation,
        "state": outcome.state,
        "due_at": now + int(outcome.wait_s * 1_000_000),
        "uncounted": 0 if outcome.counts else 1,
        "cause": outcome.cause,
        "detail": outcome.detail and outcome.detail[:500],
        "words": seal(f"tasks|words|{task.id}", outcome.words.encode()) if outcome.words and seal else None,
    }


REVIVE = """
update tasks set crashes = crashes + 1, generation = generation + 1, lease_until = null,
  state = case when crashes + 1 >= :most then 'parked' else 'due' end,
  due_at = case when crashes + 2 >= :most then :now + :rest else due_at end,
  cause = case when crashes + 1 >= :most then 'Crash' else cause end,
  detail = case when crashes + 1 >= :most then 'its worker died or fell silent each time' else detail end
where id in (select id from tasks where state = 'running' and lease_until < {now} {skip})
returning queue
"""
DUE = f"""
select distinct queue from tasks where state = 'due' and due_at <= :now and {OPEN}
"""


def revive(db: Connection, now: int) -> int:
    """For the sweeper: take back what silent workers held; what did so three times is parked, and rests before the third. Gives how
    many."""
    return len(run(db, REVIVE, now=now, most=CRASHES, rest=int(CRASH_REST_S * 1_000_000)).fetchall())


def due_queues(db: Connection, now: int) -> set[str]:
    """For the sweeper: the queues with work that is due."""
    return {bell_of(row.queue) for row in run(db, DUE, now=now)}


DUE_OF = """
select id from tasks where queue = :queue and merchant = :merchant and connection = :connection and kind = :kind and state = 'due'
limit :most
"""


def due_of(db: Connection, merchant: str, connection: str, kind: str, most: int) -> int:
    """How many tasks of a kind are due, counted no further than `most`."""
    values = {"queue": QUEUES[kind], "merchant": merchant, "connection": connection, "kind": kind, "most": most}
    return len(run(db, DUE_OF, **values).fetchall())


NAMED = {"kind": "text", "subject": "text"}
UNDER_WAY = """
select t.subject from {rows}
left join tasks t on t.merchant = r.merchant and t.kind = r.kind and t.subject = r.subject and t.state in ('due', 'running', 'parked')
"""


def under_way(db: Connection, merchant: str, kinds: Iterable[str], subjects: Sequence[str]) -> set[str]:
    """Those of these subjects for which something of these kinds is still to be done."""
    rows = [{"kind": kind, "subject": subject} for kind in kinds for subject in subjects]
    found = run_set(db, UNDER_WAY, NAMED, rows, merchant=merchant) if rows else ()
    return {row.subject for row in found if row.subject}


def prune(db: Connection, before: int) -> int:
    """For the sweeper: forget done tasks; the events keep what they did."""
    return run(db, "delete from tasks where state = 'done' and done_at < :before", before=before).rowcount


COUNTS = """
select kind, state, count(*) as n, min(due_at) as oldest from tasks where merchant = :merchant group by kind, state order by kind, state
"""
LIST = """
select id, kind, subject, connection, state, due_at, tries, cause, detail, asked_at, done_at
from tasks
where merchant = :merchant and (:state = '' or state = :state) and (:kind = '' or kind = :kind)
order by id desc limit :most
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A task as people see it."""

    id: int
    kind: str
    subject: str
    connection: str
    state: str
    due_at: int
    tries: int
    cause: str | None
    detail: str | None
    asked_at: int
    done_at: int | None


def listed(db: Connection, merchant: str, *, state: str = "", kind: str = "", most: int = 100) -> list[Seen]:
    return [Seen(**row._mapping) for row in run(db, LIST, merchant=merchant, state=state, kind=kind, most=most)]


def counts(db: Connection, merchant: str) -> list[tuple[str, str, int, int]]:
    """(kind, state, how many, when the first is due)."""
    return [(row.kind, row.state, row.n, row.oldest) for row in run(db, COUNTS, merchant=merchant)]


RETRY = """
update tasks set state = 'due', due_at = :now, tries = 0, crashes = 0
where merchant = :merchant and state = 'parked' and (:id = 0 or id = :id) and (:kind = '' or kind = :kind)
returning queue
"""


def retry(db: Connection, merchant: str, now: int, *, task: int = 0, kind: str = "") -> list[str]:
    """Make parked tasks due again, one or all of a kind. Gives the queue of each."""
    return [row.queue for row in run(db, RETRY, merchant=merchant, now=now, id=task, kind=kind)]
