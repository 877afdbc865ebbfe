"""How a connection is, as a person would say it. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from core.domain.later import N_

SECOND = 1_000_000
DAY = 86_400 * SECOND
WARNED = 30 * DAY  # a login that ends is told of so long before


class State(StrEnum):
    LOCKED_OUT = "locked out"
    PAUSED = "paused"
    UNREAD = "unread"
    NEW = "new"
    SILENT = "silent"
    BLOCKED = "blocked"
    ENDS = "ends"
    WAITS = "waits"
    WATCHED = "watched"
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a connection; moments in microseconds. `read_at` is up to when its orders are here (0: never), `paged_at` when a
    page of them was last read, `limit_s` how many seconds they may lie behind; `silent` that its notices stopped; since
    `blind_since` others leave it what it may sell."""

    state: str
    live_at: int | None
    read_at: int
    paged_at: int
    created_at: int
    limit_s: int
    blocked_until: int = 0
    login_until: int | None = None
    silent: bool = False
    blind_since: int | None = None


def state(one: Facts, now: int) -> State:
    """The worst that can be said of it."""
    if one.state == "needs_login":
        return State.LOCKED_OUT
    if one.state != "active":
        return State.PAUSED
    if is_unread(one, now):
        return State.UNREAD
    if one.silent:
        return State.SILENT
    if one.blocked_until > now + 10 * SECOND:
        return State.BLOCKED
    return _well(one, now)


def _well(one: Facts, now: int) -> State:
    if ends_soon(one, now):
        return State.ENDS
    if not one.read_at:
        return State.NEW
    if one.live_at is None:
        return State.WATCHED
    return State.WAITS if one.live_at else State.WELL


def is_unread(one: Facts, now: int) -> bool:
    """Nothing of it was read for longer than may be."""
    return one.state == "active" and now - max(one.read_at, one.paged_at, one.created_at) > one.limit_s * SECOND


def ends_soon(one: Facts, now: int) -> bool:
    return one.login_until is not None and one.login_until < now + WARNED


def limit_s(poll_s: int) -> int:
    """How many seconds a channel's orders may lie behind, where a poll finds them after so many: three polls, and a quarter of an hour at
    least."""
    return max(900, 3 * poll_s)


LABELS: dict[State, str] = {
    State.LOCKED_OUT: N_("locked out"), State.PAUSED: N_("paused"), State.UNREAD: N_("unread"), State.NEW: N_("new"),
    State.SILENT: N_("silent"), State.BLOCKED: N_("asked to wait"), State.ENDS: N_("login ends"), State.WAITS: N_("going live"),
    State.WATCHED: N_("watched"), State.WELL: N_("well"),
}  # fmt: skip
WORDS: dict[State, tuple[str, str]] = {  # with its tone
    State.LOCKED_OUT: (N_("It does not let us in. Orders are not read, stock is not written."), "bad"),
    State.PAUSED: (N_("Paused by one of you: neither read nor written."), "warn"),
    State.UNREAD: (N_("Not read since %(read)s. Orders may be missing here."), "bad"),
    State.NEW: (N_("Just connected. Its orders are being read for the first time."), "info"),
    State.SILENT: (N_("It has stopped telling us of orders. They are found by reading it, so they come late."), "warn"),
    State.BLOCKED: (N_("It asked us to wait until %(blocked)s."), "info"),
    State.ENDS: (N_("Its login ends on %(ends)s. Connect it again before that."), "warn"),
    State.WAITS: (N_("Going live: waits for the orders of all channels to be read."), "info"),
    State.WATCHED: (N_("Watched: orders are read, nothing is written there."), "info"),
    State.WELL: (N_("All is well. Orders are read and stock is written."), "good"),
}
