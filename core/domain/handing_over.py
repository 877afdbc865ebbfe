"""The end of a warehouse's day: what a driver takes, that one is asked to come, and what leaves by itself. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.domain.later import N_
from core.domain.shipping import Progress


class ManifestState(StrEnum):
    """LISTED: this carrier wants no manifest, the list of what its driver takes is ours. UNKNOWN: its answer was lost, and it was asked
    again in vain."""

    WANTED = "wanted"
    CLOSED = "closed"
    LISTED = "listed"
    FAILED = "failed"
    UNKNOWN = "unknown"


class PickupState(StrEnum):
    WANTED = "wanted"
    AGREED = "agreed"
    LEAVING = "leaving"  # the carrier is told that nobody need come
    LEFT = "left"
    FAILED = "failed"
    UNKNOWN = "unknown"


MANIFESTS: dict[str, str] = {
    ManifestState.WANTED: N_("The carrier is told."),
    ManifestState.CLOSED: N_("Handed over on the carrier's manifest."),
    ManifestState.LISTED: N_("Handed over on a list of ours."),
    ManifestState.FAILED: N_("The carrier made no manifest of it."),
    ManifestState.UNKNOWN: N_("Nobody knows whether the carrier made a manifest of it: look in the carrier's own account."),
}
PICKUPS: dict[str, str] = {
    PickupState.WANTED: N_("The carrier is asked."),
    PickupState.AGREED: N_("The driver comes."),
    PickupState.LEAVING: N_("The carrier is told that nobody need come."),
    PickupState.LEFT: N_("Nobody comes."),
    PickupState.FAILED: N_("The carrier declined."),
    PickupState.UNKNOWN: N_("Nobody knows whether a driver comes: look in the carrier's own account."),
}
COMING = (PickupState.WANTED, PickupState.AGREED, PickupState.LEAVING, PickupState.UNKNOWN)
ON_LABEL = "label"  # of a merchant's rule: parcels of this channel count as sent once their label is bought
SCANNED = frozenset(Progress) - {Progress.LABELLED, Progress.VOIDED, Progress.UNKNOWN}
LONGEST, FARTHEST = timedelta(hours=12), timedelta(days=14)


def is_taken(steps: Iterable[Progress]) -> bool:
    """Whether a carrier has the parcel: one of its scans says so."""
    return any(step in SCANNED for step in steps)


def leaves_with_label(channel: str, rule: Collection[str]) -> bool:
    """Whether a parcel of this channel's connection counts as sent with its label."""
    return channel in rule


@dataclass(frozen=True, slots=True)
class Window:
    """From when until when a driver may come, in the location's own time."""

    ready: datetime
    until: datetime


def wrong_window(one: Window, now: datetime) -> str:
    """What is wrong with it; "" where nothing is. `now` is the location's own time, without a zone as the window's are."""
    if one.until <= one.ready:
        return N_("The driver's time ends before it begins.")
    if one.until <= now:
        return N_("That is over already.")
    if one.until - one.ready > LONGEST or one.ready - now > FARTHEST or one.ready.date() != one.until.date():
        return N_("A driver comes on one day, within two weeks.")
    return ""
