"""Who did something: for the audit trail. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Who:
    """`id` is a user's id, "key/...", "command line" or "hub"; `name` how they are called now."""

    id: str
    name: str


COMMAND_LINE = Who("command line", "command line")
HUB = Who("hub", "Crossdock")
