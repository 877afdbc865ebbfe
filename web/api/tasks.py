"""Tasks: work that must happen, and what stopped until a person looks."""

from typing import Annotated, Any

from apiflask import APIBlueprint
from msgspec import Meta
from msgspec.json import Decoder

from core.store import lists
from core.store import tasks as store
from core.store.tables import when
from core.store.unit import Unit
from web.api import models as say
from web.api.problems import Refusal
from web.api.route import cursor, note, position, reads, writes
from web.visitor import hub, visitor

api = APIBlueprint("api_tasks", __name__, url_prefix="/api/v1/tasks", tag="Tasks")
Word = Annotated[str, Meta(max_length=500, pattern=r"^[^\x00-\x1f]*$")]
_behind = Decoder(tuple[Word, Word])


@reads(api, "", "attention.read", say.TaskPage, 404)
@api.input(say.TasksAsked, location="query", arg_name="asked")
def page(asked: say.TasksAsked) -> say.TaskPage:
    """Tasks that are not done"""
    behind = position(asked.after, _behind) or ("", "")
    with hub().database.read() as db:
        found = lists.tasks(db, visitor().merchant, asked.limit + 1, asked.state or "", behind)
    shown = found[: asked.limit]
    last = shown[-1] if len(found) > asked.limit else None
    return say.TaskPage.model_construct(items=[task(row) for row in shown], next=cursor(last.kind, last.subject) if last else None)


@reads(api, "/<int(max=9223372036854775807):id>", "attention.read", say.TaskSaid, 404)
def one(id: int) -> say.TaskSaid:
    """One task"""
    with hub().database.read() as db:
        found = lists.task(db, visitor().merchant, id)
    if found is None:
        raise Refusal(404, "no-such-task", "There is no such task.")
    return task(found)


@writes(api, "POST", "/<int(max=9223372036854775807):id>/retry", "attention.act", say.Nothing, say.TaskSaid, 404)
def retry(work: Unit, id: int, asked: say.Nothing) -> say.TaskSaid:
    """Make a parked task due again

    One that is not parked stays as it is.
    """
    merchant = visitor().merchant
    if store.retry(work.db, merchant, work.now, task=id):
        note(work, "task.retry", str(id))
    found = lists.task(work.db, merchant, id)
    if found is None:
        raise Refusal(404, "no-such-task", "There is no such task.")
    return task(found)


def task(row: Any) -> say.TaskSaid:
    return say.TaskSaid.model_construct(
        id=row.id, kind=row.kind, subject=row.subject, connection=row.connection or None, state=row.state, due_at=when(row.due_at),
        asked_at=when(row.asked_at), tries=row.tries, cause=row.cause, detail=row.detail,
    )  # fmt: skip
