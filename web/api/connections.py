"""Connections: how each channel is doing."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from apiflask import APIBlueprint

from core.store import connections as store
from core.store.connections import Connection
from core.store.tables import when
from web.api import models as say
from web.api.problems import Refusal
from web.api.route import reads
from web.visitor import hub, visitor

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


def _read_to(marks: list[Any]) -> dict[str, int]:
    return {row.connection: row.at for row in marks if row.name == "orders"}


def connection(one: Connection, read: Mapping[str, int]) -> say.ConnectionSaid:
    return say.ConnectionSaid.model_construct(
        id=one.id, channel=one.channel, account=one.account, label=one.label, state=one.state, reason=one.reason,
        live=one.live_at is not None, buffer=one.buffer, blocked_until=_if_ahead(one.blocked_until),
        orders_read_to=say.moment(read.get(one.id) or None),
    )  # fmt: skip


def _if_ahead(at: int) -> datetime | None:
    return when(at) if at > hub().now else None
