"""What stands around each page: the way to the others."""

from dataclasses import dataclass
from typing import Any

from flask import current_app, g, request, url_for
from flask_babel import gettext

from web.visitor import Visitor, needed

# Blueprints whose pages are pages of another room.
PART_OF = dict.fromkeys(("people", "locations", "routing", "schedules", "alerts", "buyers", "keys", "hooks"), "settings")
PART_OF |= dict.fromkeys(("assembling", "cards", "changes", "kits", "promise", "rules", "shelves", "windows"), "stock")
PART_OF |= dict.fromkeys(("ledger", "gateways", "deposits", "margins", "costs", "postage"), "books")
PART_OF |= dict.fromkeys(("short", "calling_off", "capturing", "addresses"), "orders")
PART_OF |= dict.fromkeys(
    ("bench", "day_end", "requests", "waiting", "together", "collecting", "printing", "print_rules", "totes"), "shipments"
)


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    address: str
    is_here: bool


def navigation(asks: Visitor) -> list[Link]:
    """The rooms that this visitor may enter."""
    return [
        Link(name, url_for(endpoint), _room() == endpoint.split(".")[0])
        for endpoint, name in _rooms().items()
        if (wanted := needed(current_app, endpoint)) and asks.may(wanted)
    ]


def _room() -> str | None:
    return PART_OF.get(request.blueprint or "", request.blueprint)


def sections() -> list[Link]:
    """The pages of the settings that this visitor may open; none for who may not open the settings."""
    named = {
        "settings.page": gettext("General"),
        "people.page": gettext("People"),
        "locations.page": gettext("Locations and buffers"),
        "routing.page": gettext("Where orders leave from"),
        "schedules.page": gettext("Schedules"),
        "buyers.page": gettext("Buyers"),
        "alerts.page": gettext("Alerts"),
        "keys.page": gettext("API keys"),
        "hooks.page": gettext("Webhooks"),
    }
    found = [Link(name, address, request.endpoint == endpoint) for endpoint, name in named.items() if (address := way(endpoint))]
    return found if way("settings.page") else []


def _rooms() -> dict[str, str]:
    return {
        "home.page": gettext("Overview"),
        "orders.page": gettext("Orders"),
        "stock.page": gettext("Stock"),
        "inbound.page": gettext("Inbound"),
        "shipments.page": gettext("Shipping"),
        "books.page": gettext("Accounting"),
        "attention.page": gettext("Needs attention"),
        "connections.page": gettext("Connections"),
        "settings.page": gettext("Settings"),
        "activity.page": gettext("Activity"),
    }


def way(endpoint: str, **values: Any) -> str:
    """The address of a page for links to it; "" where it is not there, or not for this visitor."""
    asks, wanted = g.get("visitor"), needed(current_app, endpoint)
    return url_for(endpoint, **values) if asks and wanted and asks.may(wanted) else ""
