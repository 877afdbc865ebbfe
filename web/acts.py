"""What was done, in words. A room's acts are named "room.verb"; one that has no words here is shown as it is written."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext


def rooms() -> dict[str, str]:
    """The kinds of acts that can be looked for."""
    return {
        "order": gettext("Orders"),
        "stock": gettext("Stock"),
        "listing": gettext("Listings"),
        "attention": gettext("Needs attention"),
        "connection": gettext("Connections"),
        "user": gettext("People"),
        "key": gettext("API keys"),
        "hook": gettext("Webhooks"),
        "settings": gettext("Settings"),
    }


def words(act: str) -> str:
    known = _known()
    room, _, verb = act.partition(".")
    return known.get(act) or f"{rooms().get(room, room)}: {verb.replace('_', ' ')}"


def details(body: Mapping[str, Any]) -> str:
    """What a reader wants to know of it, on one line."""
    return ", ".join(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in body.items() if value not in (None, "", [], {}))


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _known() -> dict[str, str]:
    return {
        "user.in": gettext("signed in"),
        "user.setup": gettext("became the first owner"),
        "user.add": gettext("added somebody"),
        "user.invite": gettext("invited somebody"),
        "user.withdraw": gettext("withdrew an invitation"),
        "user.join": gettext("accepted an invitation"),
        "user.role": gettext("gave somebody another role"),
        "user.remove": gettext("took somebody off the people who work here"),
        "user.password": gettext("set a password"),
        "user.code_on": gettext("switched the second factor on"),
        "user.code_off": gettext("switched the second factor off"),
        "user.disable": gettext("shut somebody out"),
        "user.enable": gettext("let somebody in again"),
        "settings.general": gettext("changed the settings"),
    }
