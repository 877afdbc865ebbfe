"""Parcels that channels are told of, and the faults of a call."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from core.domain.shipping import Sent, SentLine

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = "0" * 31 + "1"
TRACKING = "1Z999AA10123456784"


def a_parcel(order: str, *lines: tuple[str, int] | tuple[str, int, str], **different: Any) -> Sent:
    """One of UPS' with these lines: (line, units) or (line, units, assignment)."""
    tracking = different.pop("tracking", TRACKING)
    parcel = Sent(
        order=order,
        number=1,
        lines=tuple(SentLine(*line) for line in lines),
        carrier="ups",
        carrier_name="UPS",
        service="UPS Ground",
        tracking=tracking,
        url=tracking and f"https://www.ups.example/{tracking}",
        sent_at=NOON,
    )
    return replace(parcel, **different)
