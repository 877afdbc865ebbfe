"""Puts the application together. The only module that knows everything."""

import functools
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import msgspec
from requests.adapters import BaseAdapter

import connectors
from config.settings import Settings, key_ring
from connectors.http import Http
from core.flows.connections import SharedBudget, StoredTokens
from core.hub import Hub, Silent, utc_now
from core.ports import Connector, Kit
from core.store.connections import Connection
from core.store.engine import Database
from core.store.vault import Vault


def make_hub(settings: Settings, *, bell: Any = None, clock: Callable[[], datetime] = utc_now, adapter: BaseAdapter | None = None) -> Hub:
    """The hub of these settings. `adapter` carries all outside calls where a test or a rehearsal does."""
    settings.home.mkdir(parents=True, exist_ok=True)
    return Hub(
        database=Database(settings.database),
        vault=Vault(key_ring(settings)),
        connectors=connectors.load(),
        make_kit=functools.partial(make_kit, settings, adapter),
        clock=clock,
        bell=bell or Silent(),
    )


def make_kit(settings: Settings, adapter: BaseAdapter | None, hub: Hub, connection: Connection, connector: Connector) -> Kit:
    """One connection's means, each made for one thread."""
    own = channel_settings(settings, connector, connection.settings)
    place = f"connections|login|{connection.id}"
    login = msgspec.json.decode(hub.box(connection.merchant).open_text(place, connection.login)) if connection.login else {}
    return Kit(
        account=connection.account,
        http=Http(connector.label, adapter),
        clock=hub.clock,
        budget=SharedBudget(hub, connection.id, connector.rates, float(own.get("faster", 1))),
        tokens=StoredTokens(hub, connection.id),
        app=settings.app(connector.name),
        settings=own,
        login=login,
    )


def channel_settings(settings: Settings, connector: Connector, own: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest's settings, the operator's above them, the connection's own above those."""
    return {**connector.settings, **settings.channels.get(connector.name, {}), **own}


def door_kit(settings: Settings, hub: Hub, connector: Connector, adapter: BaseAdapter | None = None) -> Kit:
    """What a connector's webhook door gets: our app's credentials and a way out, no connection."""
    return Kit(
        account="",
        http=Http(connector.label, adapter),
        clock=hub.clock,
        budget=NoBudget(),
        tokens=NoTokens(),
        app=settings.app(connector.name),
        settings=channel_settings(settings, connector, {}),
    )


class NoBudget:
    """A door's few calls are limited by the connector itself."""

    def take(self, operation: str, units: float = 1.0) -> None:
        return None

    def learn(self, operation: str, rate: Any = None, left: float | None = None) -> None:
        return None


class NoTokens:
    """A door acts for no connection; what it needs it asks for with the app's own credentials."""

    def access(self, refresh: Any, *, rejected: str | None = None) -> str:
        fresh: str = refresh({}).access
        return fresh
