"""What connectors offer to the pages, once our app is set up at their systems: frames in their own admins, and consents."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from flask import current_app

from core.ports import Consents, Frames


@dataclass(frozen=True, slots=True)
class Doors:
    """By the connector's name. `ready` are those whose app is set up, `lacks` says of the others which of its credentials are missing;
    `public_url` is our own address, to which people are sent back."""

    frames: Mapping[str, Frames] = field(default_factory=dict)
    consents: Mapping[str, Consents] = field(default_factory=dict)
    ready: Set[str] = frozenset()
    lacks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    public_url: str = ""

    def back(self, channel: str) -> str:
        """Where a channel sends people back to; registered there."""
        return f"{self.public_url}/consents/{channel}/back"


def doors() -> Doors:
    found: Doors = current_app.extensions["doors"]
    return found
