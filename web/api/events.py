"""The feed: every fact, in order, behind the last one that a program has. Nobody's data; facts name orders, whom to ask for."""

from collections.abc import Mapping
from typing import Any

from apiflask import APIBlueprint

from core.domain.feed import type_of
from core.flows.feed import facts_of
from core.store import events as store
from core.store import orders
from core.store.tables import when
from web.api import models as say
from web.api.route import reads
from web.visitor import hub, visitor

api = APIBlueprint("api_events", __name__, url_prefix="/api/v1/events", tag="Events")


@reads(api, "", "orders.read", say.EventPage)
@api.input(say.EventsAsked, location="query", arg_name="asked")
def page(asked: say.EventsAsked) -> say.EventPage:
    """Events behind the last one that you have, oldest first

    None is ever left out: an event is only shown when no earlier one can still appear.
    """
    merchant, database = visitor().merchant, hub().database
    upto = store.settled(database, merchant, asked.after)
    with database.read() as db:
        found = store.feed(db, merchant, asked.after, upto, asked.limit + 1) if upto > asked.after else []
        ids = orders.ids_of(db, merchant, (row.subject for row in found))
    shown = found[: asked.limit]
    items = [event(row, ids) for row in shown]
    return say.EventPage.model_construct(items=items, next=shown[-1].id if shown else asked.after, more=len(found) > asked.limit)


def event(row: Any, ids: Mapping[str, str]) -> say.EventSaid:
    return say.EventSaid.model_construct(
        id=row.id,
        type=type_of(row.kind),
        at=when(row.at),
        subject=row.subject,
        order=ids.get(row.subject),
        facts=facts_of(row),
    )
