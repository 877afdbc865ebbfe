"""What connectors offer to the pages, once our app is set up at their systems: frames in their own admins, and consents."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import current_app

from core.ports import Consents, Frames


@dataclass(frozen=True, slots=True)
class Doors:
    """By the connector's name. `public_url` is our own address, to which people are sent back."""

    frames: Mapping[str, Frames] = field(default_factory=dict)
    consents: Mapping[str, Consents] = field(default_factory=dict)
    public_url: str = ""


def doors() -> Doors:
    found: Doors = current_app.extensions["doors"]
    return found
