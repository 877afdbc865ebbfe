"""What an account lets us do, and for how long. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

SOON = timedelta(days=30)


def missing(needed: Iterable[str], said: str | None) -> tuple[str, ...]:
    """The scopes that we need and do not have, by what the channel says; none where it does not say. Who may write may read."""
    if said is None:
        return ()
    have = set(said.replace(",", " ").split())
    have |= {f"read_{one.removeprefix('write_')}" for one in have if one.startswith("write_")}
    return tuple(one for one in needed if one not in have)


def ends_soon(until: datetime | None, now: datetime) -> bool:
    """Whether somebody should renew a login."""
    return until is not None and until <= now + SOON
