"""What somebody else is asked to send for us, and what they answer: a supplier, another firm's warehouse, a channel's own. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.domain.later import N_
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


OPEN = (RequestState.WANTED, RequestState.ASKED, RequestState.ACCEPTED)
LIVE = (*OPEN, RequestState.WITHDRAWING)  # what they say that they sent is sent
WORDS: dict[RequestState, str] = {
    RequestState.WANTED: N_("Not asked yet"),
    RequestState.ASKED: N_("Asked"),
    RequestState.ACCEPTED: N_("Accepted"),
    RequestState.REJECTED: N_("Refused"),
    RequestState.WITHDRAWING: N_("Being withdrawn"),
    RequestState.WITHDRAWN: N_("Withdrawn"),
    RequestState.SENT: N_("Sent by them"),
}


class Way(StrEnum):
    """How somebody is asked."""

    MAIL = "mail"
    HOOK = "hook"
    API = "api"
    CONNECTION = "connection"


WAYS: dict[Way, str] = {
    Way.MAIL: N_("By e-mail, with a packing slip and a list"),
    Way.HOOK: N_("By a call of their program"),
    Way.API: N_("Their program fetches it from our API"),
    Way.CONNECTION: N_("Through a connection"),
}
HOURS = 24  # in which they should answer, where nobody said otherwise


@dataclass(frozen=True, slots=True, repr=False)
class Asking:
    """How whoever sends from a location is asked: `to` is an address of mail or of a program, `secret` signs what that is told, `key` is
    the id of the API key that sees this location alone. They should answer within `hours`. Of a channel's own warehouse: `cushion` units of
    each SKU stay for its own buyers, `blank`: parcels bear no name of the channel, `speed` is how fast they leave, but for services that
    `speeds` names."""

    way: Way
    to: str = ""
    connection: str = ""
    key: str = ""
    secret: str = ""
    hours: int = HOURS
    cushion: int = 0
    blank: bool = True
    speed: str = "standard"
    speeds: Mapping[str, str] = field(default_factory=dict)

    def speed_for(self, services: Iterable[str]) -> str:
        """How fast what was sold with these services leaves: the fastest that any of them names."""
        named = {service.strip().casefold(): speed for service, speed in self.speeds.items()}
        found = [named[one.strip().casefold()] for one in services if one.strip().casefold() in named]
        return max(found, key=list(SPEEDS).index, default=self.speed)


SPEEDS: dict[str, str] = {
    "standard": N_("Standard"),
    "expedited": N_("Expedited"),
    "priority": N_("Priority"),
}  # the slowest first


@dataclass(frozen=True, slots=True)
class Share:
    """Units of an order line that somebody was asked to send, and what became of them. Each is sent, refused or open."""

    line: str
    sku: str
    title: str
    units: int
    sent: int = 0
    refused: int = 0

    @property
    def open(self) -> int:
        return self.units - self.sent - self.refused


class Heard(StrEnum):
    """What an answer is worth."""

    NEW = "new"
    KNOWN = "known"  # it is so already
    LATE = "late"  # it was over before


def on_accepted(state: RequestState) -> Heard:
    if state in (RequestState.WANTED, RequestState.ASKED):
        return Heard.NEW
    return Heard.LATE if state in (RequestState.REJECTED, RequestState.WITHDRAWN) else Heard.KNOWN


def on_refused(state: RequestState) -> Heard:
    if state in LIVE:
        return Heard.NEW
    return Heard.LATE if state is RequestState.SENT else Heard.KNOWN


def on_sent(state: RequestState) -> Heard:
    """LATE: nobody waits for it any more, and it left all the same."""
    return Heard.NEW if state in LIVE else Heard.LATE


def standing(state: RequestState, shares: Iterable[Share]) -> RequestState:
    """How a request stands once some of it was sent or refused."""
    known = list(shares)
    if any(one.open for one in known):
        return RequestState.ACCEPTED if state in OPEN and any(one.sent for one in known) else state
    if any(one.sent for one in known):
        return RequestState.SENT
    return RequestState.WITHDRAWN if state is RequestState.WITHDRAWING else RequestState.REJECTED


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
    """What is to be sent. `name` is the shipment's, `order` what the buyer calls theirs; `speed` a word of SPEEDS. `whole`: all of it or
    nothing; `blank`: in a parcel that bears no name of whoever sends it."""

    name: str
    order: str
    placed_at: datetime
    to: Address
    lines: tuple[RequestLine, ...]
    email: str = ""
    speed: str = "standard"
    note: str = ""
    whole: bool = False
    blank: bool = True


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
