"""What somebody else is asked to send for us, and what they answer: a supplier, another firm's warehouse, a channel's own. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.domain.money import Money
from core.domain.order import Address


class RequestState(StrEnum):
    """Where a request stands. What is `ASKED` was told to them; `REJECTED`, `WITHDRAWN` and `SENT` are its ends."""

    WANTED = "wanted"
    ASKED = "asked"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WITHDRAWING = "withdrawing"
    WITHDRAWN = "withdrawn"
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class RequestLine:
    """Units of one SKU of a request; `line` is the name that their answers call it by, `value` that of one unit."""

    line: str
    sku: str
    units: int
    title: str = ""
    value: Money | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """What is to be sent. `name` is the shipment's, `order` what the buyer calls theirs; `speed` a word of the one who sends."""

    name: str
    order: str
    placed_at: datetime
    to: Address
    lines: tuple[RequestLine, ...]
    email: str = ""
    speed: str = "standard"
    note: str = ""


@dataclass(frozen=True, slots=True)
class TheirParcel:
    """A parcel that they sent: units by line."""

    tracking: str
    carrier_name: str
    units: Mapping[str, int]
    sent_at: datetime
    url: str = ""
    number: str = ""  # their own of the parcel


@dataclass(frozen=True, slots=True)
class Standing:
    """How a request stands with them. `refused` are units by line that they will not send."""

    state: RequestState
    number: str = ""
    parcels: tuple[TheirParcel, ...] = ()
    refused: Mapping[str, int] | None = None
    words: str = ""
