"""Puts the application together. The only module that knows everything."""

import functools
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from babel.support import NullTranslations, Translations
from requests.adapters import BaseAdapter

import connectors
import web
from config.post import Mailroom
from config.printers import Printers
from config.settings import BadSettings, Settings, key_ring
from connectors.hooks import Poster
from connectors.http import Http
from core.flows.connections import SharedBudget, StoredTokens
from core.flows.ways import is_here
from core.hub import Hub, Silent, utc_now
from core.ports import Connector, Kit
from core.store.connections import Connection
from core.store.engine import Database
from core.store.vault import Vault

# What a connection may be told beside its channel's own settings: how often and from what age it is polled, how long an accepted
# push is left alone, where its webhooks go, how much faster than the vendor's its rates are.
OF_A_CONNECTION = {"poll_s": 900, "min_age_s": 120, "verify_s": 30, "webhook_url": "", "faster": 1.0}


def make_hub(settings: Settings, *, bell: Any = None, clock: Callable[[], datetime] = utc_now, adapter: BaseAdapter | None = None) -> Hub:
    """The hub of these settings. `adapter` carries all outside calls where a test or a rehearsal does. Raises BadSettings."""
    settings.home.mkdir(parents=True, exist_ok=True)
    known = connectors.load()
    check(settings, known)
    return Hub(
        database=Database(settings.database),
        vault=Vault(key_ring(settings)),
        connectors=known,
        make_kit=functools.partial(make_kit, settings, adapter),
        clock=clock,
        bell=bell or Silent(),
        options=functools.partial(options, settings),
        outward=Poster(private=settings.hooks_private),
        post=Mailroom(settings.smtp_url.get_secret_value(), settings.mail_from, open_doors=is_here(settings.public_url)),
        printer=Printers(any_port=is_here(settings.public_url)),
        public_url=settings.public_url,
        translate=translate,
    )


@functools.cache
def _catalogue(locale: str) -> NullTranslations:
    return Translations.load(str(Path(web.__file__).parent / "translations"), [locale])


def translate(locale: str, words: str) -> str:
    """These words in the language of a locale; as they are where nobody translated them."""
    return _catalogue(locale).ugettext(words) if locale else words


def options(settings: Settings, connection: Connection, connector: Connector) -> dict[str, Any]:
    """What a connection is set to, and by which address channels reach us."""
    return {"public_url": settings.public_url, **channel_settings(settings, connector, connection.settings)}


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
    return {**connector.settings, **_of_operator(settings, connector), **own}


def check(settings: Settings, known: Mapping[str, Connector]) -> None:
    """Raises BadSettings for a table or a key of `apps` and `channels` that no connector reads, or a value that it cannot read."""
    for table in ("apps", "channels"):
        if strangers := sorted(set(getattr(settings, table)) - set(known)):
            raise BadSettings(f"setting {table}.{strangers[0]}: there is no such channel; there are {', '.join(sorted(known))}")
    for connector in known.values():
        typed({field.name: "" for field in connector.app}, settings.app(connector.name), f"apps.{connector.name}")
        _of_operator(settings, connector)


def _of_operator(settings: Settings, connector: Connector) -> dict[str, Any]:
    """`faster` alone of what a connection may be told makes sense for all of them."""
    readable = {**connector.settings, "faster": OF_A_CONNECTION["faster"]}
    return typed(readable, settings.channels.get(connector.name, {}), f"channels.{connector.name}")


def typed(defaults: Mapping[str, Any], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """What was given, as the kind of its default: the environment and the command line have only texts. Raises BadSettings."""
    if strangers := sorted(set(given) - set(defaults)):
        raise BadSettings(f"setting {where}.{strangers[0]}: there is no such setting")
    return {name: _like(defaults[name], value, f"{where}.{name}") for name, value in given.items()}


def _like(default: Any, value: Any, where: str) -> Any:
    if isinstance(default, str) and not isinstance(value, str):
        raise BadSettings(f"setting {where}: must be a text")
    try:
        return type(default)(value)
    except (TypeError, ValueError):
        raise BadSettings(f"setting {where}: must be a number") from None


def missing_of(settings: Settings, connector: Connector) -> tuple[str, ...]:
    """Which of our app's credentials this system needs and the operator did not give; it is set up where there are none."""
    return tuple(field.name for field in connector.app if field.required and field.name not in settings.app(connector.name))


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

    def behind(self) -> "NoBudget":
        return self


class NoTokens:
    """A door acts for no connection; what it needs it asks for with the app's own credentials."""

    def access(self, refresh: Any, *, rejected: str | None = None) -> str:
        fresh: str = refresh({}).access
        return fresh
