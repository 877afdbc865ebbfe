"""Connections: how each channel is doing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apiflask import APIBlueprint

from core.domain.leading import Leader, leader
from core.flows.leading import lead_in
from core.store import connections as store
from core.store.connections import Connection
from core.store.tables import when
from core.store.unit import Unit
from web.api import models as say
from web.api.problems import Refusal
from web.api.route import reads, writes
from web.visitor import hub, visitor, who

api = APIBlueprint("api_connections", __name__, url_prefix="/api/v1/connections", tag="Connections")


@reads(api, "", "connections.read", say.ConnectionList)
def page() -> say.ConnectionList:
    """All connections with their states"""
    merchant = visitor().merchant
    with hub().database.read() as db:
        found, read = store.all_of(db, merchant), _read_to(store.marks(db, merchant))
    return say.ConnectionList(items=[connection(one, read) for one in found])


@reads(api, "/<connection_id>", "connections.read", say.ConnectionSaid, 404)
def one(connection_id: str) -> say.ConnectionSaid:
    """One connection's state"""
    merchant = visitor().merchant
    with hub().database.read() as db:
        found, read = store.get(db, connection_id), _read_to(store.marks(db, merchant))
    if found is None or found.merchant != merchant:
        raise Refusal(404, "no-such-connection", "There is no such connection.")
    return connection(found, read)


@writes(api, "PUT", "/<connection_id>/leader", "stock.write", say.LeaderAsked, say.ConnectionSaid, 404)
def lead(work: Unit, connection_id: str, asked: say.LeaderAsked) -> say.ConnectionSaid:
    """Say whose number counts where stock is changed in the channel itself

    The hub puts it right, the channel's is taken over, or you are asked for each listing.
    """
    merchant = visitor().merchant
    found = store.one_of(work.db, merchant, connection_id)
    if found is None:
        raise Refusal(404, "no-such-connection", "There is no such connection.")
    lead_in(work, found, Leader(asked.leads), who())
    return connection(store.one_of(work.db, merchant, connection_id) or found, _read_to(store.marks(work.db, merchant)))


def _read_to(marks: list[Any]) -> dict[str, int]:
    return {row.connection: row.at for row in marks if row.name == "orders"}


def connection(one: Connection, read: Mapping[str, int]) -> say.ConnectionSaid:
    return say.ConnectionSaid.model_construct(
        id=one.id, channel=one.channel, account=one.account, label=one.label, state=one.state, reason=one.reason,
        live=one.live_at is not None, buffer=one.buffer, leads=leader(one.settings).value, blocked_until=_if_ahead(one.blocked_until),
        orders_read_to=say.moment(read.get(one.id) or None),
    )  # fmt: skip


def _if_ahead(at: int) -> datetime | None:
    return when(at) if at > hub().now else None
