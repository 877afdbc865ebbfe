"""What was done, in words. A room's acts are named "room.verb"; one that has no words here is shown as it is written."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext


def rooms() -> dict[str, str]:
    """The kinds of acts that can be looked for."""
    return {
        "order": gettext("Orders"),
        "history": gettext("Old orders"),
        "stock": gettext("Stock"),
        "listing": gettext("Listings"),
        "location": gettext("Locations"),
        "place": gettext("Places of channels"),
        "attention": gettext("Needs attention"),
        "task": gettext("Tasks"),
        "connection": gettext("Connections"),
        "privacy": gettext("Buyers' data"),
        "user": gettext("People"),
        "key": gettext("API keys"),
        "hook": gettext("Webhooks"),
        "alerts": gettext("Alerts"),
        "settings": gettext("Settings"),
    }


def words(act: str) -> str:
    room, _, verb = act.partition(".")
    return known().get(act) or f"{rooms().get(room, room)}: {verb.replace('_', ' ')}"


def details(body: Mapping[str, Any]) -> str:
    """What a reader wants to know of it, on one line."""
    return ", ".join(f"{name.replace('_', ' ')}: {_plain(value)}" for name, value in body.items() if value not in (None, "", [], {}))


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def known() -> dict[str, str]:
    """What each act is, as the end of a sentence that begins with who did it."""
    return _of_goods() | _of_channels() | _of_people()


def _of_goods() -> dict[str, str]:
    return {
        "order.hold": gettext("held orders"),
        "order.release": gettext("let orders go"),
        "order.note": gettext("wrote a note on orders"),
        "order.tag": gettext("tagged orders"),
        "order.untag": gettext("took a tag off orders"),
        "order.export": gettext("exported orders"),
        "order.raw": gettext("looked at what the channel sent of an order"),
        "history.ask": gettext("asked for old orders"),
        "history.stop": gettext("stopped bringing old orders in"),
        "stock.quota": gettext("dealt a SKU to its listings"),
        "listing.rule": gettext("set what a listing may show"),
        "stock.adjust": gettext("adjusted stock"),
        "stock.count": gettext("counted stock"),
        "stock.import": gettext("took a file with counts"),
        "listing.map": gettext("said what a listing sells"),
        "location.add": gettext("added a location"),
        "location.rename": gettext("renamed a location"),
        "location.rank": gettext("changed which location stock is taken from first"),
        "place.map": gettext("said which location a channel's place is"),
        "place.forget": gettext("forgot what was said of a channel's places"),
    }


def _of_channels() -> dict[str, str]:
    return {
        "connection.install": gettext("installed Crossdock in a shop"),
        "connection.connect": gettext("connected an account"),
        "connection.renew": gettext("renewed a login"),
        "connection.test": gettext("tested a connection"),
        "connection.read": gettext("had a channel's orders read"),
        "connection.reckon": gettext("looked at what going live would change"),
        "connection.live": gettext("let stock be written"),
        "connection.watch": gettext("went back to watching"),
        "connection.pause": gettext("paused a connection"),
        "connection.resume": gettext("resumed a connection"),
        "connection.buffer": gettext("changed how many units a channel keeps back"),
        "connection.poll": gettext("changed how often a channel's orders are read"),
        "connection.disconnect": gettext("disconnected an account"),
        "connection.erase": gettext("had an account erased"),
        "privacy.redact": gettext("had a customer's data forgotten"),
        "privacy.export": gettext("asked for a customer's data"),
        "privacy.take": gettext("took the file with a customer's data"),
        "attention.retry": gettext("tried again what had stopped"),
        "attention.ignore": gettext("left something as it is, with a note"),
        "attention.show": gettext("brought back what was left as it is"),
        "task.retry": gettext("tried a task again"),
    }


def _of_people() -> dict[str, str]:
    return {
        "user.in": gettext("signed in"),
        "user.arrive": gettext("came in by a shop's admin for the first time"),
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
        "key.add": gettext("made an API key"),
        "key.revoke": gettext("revoked an API key"),
        "hook.add": gettext("added a webhook"),
        "hook.pause": gettext("paused a webhook"),
        "hook.resume": gettext("resumed a webhook"),
        "hook.remove": gettext("removed a webhook"),
        "hook.rotate": gettext("changed a webhook's secret"),
        "hook.test": gettext("sent a webhook to try it"),
        "hook.resend": gettext("sent a webhook once more"),
        "alerts.choose": gettext("chose what to be told"),
        "settings.general": gettext("changed the settings"),
    }
