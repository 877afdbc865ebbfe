"""What a carrier is asked and what it answers, in one vocabulary. Pure.

Weights are whole grams and lengths whole millimetres; a connector turns them into its carrier's units once, rounding up. A purchase is
one paid permission for one or more parcels that go together from one address to another.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from core.domain.money import Money
from core.domain.order import Address


class LabelFormat(StrEnum):
    PDF = "pdf"
    PNG = "png"
    ZPL = "zpl"


class Duties(StrEnum):
    """Who pays duty and tax at the border: the sender (DDP) or whoever receives it (DAP)."""

    SENDER = "ddp"
    RECEIVER = "dap"


class Progress(StrEnum):
    """Where a parcel is, whatever its carrier calls it. UNKNOWN is a word of theirs that we have no word for: it is kept and shown."""

    LABELLED = "labelled"
    PICKED_UP = "picked_up"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    READY_FOR_PICKUP = "ready_for_pickup"
    DELIVERED = "delivered"
    EXCEPTION = "exception"
    RETURNED = "returned"
    VOIDED = "voided"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Box:
    """A parcel as it is sent: grams, and millimetres (0: not known). `value` is what it holds, for insurance and customs; `units` are
    those of the channel's own lines that lie in it."""

    weight_g: int
    length_mm: int = 0
    width_mm: int = 0
    height_mm: int = 0
    value: Money | None = None
    units: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Goods:
    """One line of a customs declaration: `value` is that of one unit, `origin` a country's two letters."""

    title: str
    units: int
    weight_g: int
    value: Money
    hs_code: str = ""
    origin: str = ""
    sku: str = ""


@dataclass(frozen=True, slots=True)
class Customs:
    """What leaves the customs area. `ioss`, `eori` and `vat` are the sender's numbers ("" where there is none); `invoice` is the
    commercial invoice's number, `reason` one of sale, gift, sample, return, repair."""

    goods: tuple[Goods, ...]
    duties: Duties = Duties.RECEIVER
    reason: str = "sale"
    invoice: str = ""
    ioss: str = ""
    eori: str = ""
    vat: str = ""


@dataclass(frozen=True, slots=True)
class Consignment:
    """What is to be sent: parcels that go together from `sender` to `to`. `ship_on` is the day in the sender's own zone. `residential`:
    None where nobody knows. `references` are printed where the label has room, the order's name first. `customs` is None inside one
    customs area. `order` is the channel's id of what is sent; `offer` what a carrier that Prepares gave for just this."""

    sender: Address
    to: Address
    boxes: tuple[Box, ...]
    ship_on: date
    currency: str
    customs: Customs | None = None
    residential: bool | None = None
    signature: bool = False
    insured: Money | None = None
    label: LabelFormat = LabelFormat.PDF
    references: tuple[str, ...] = ()
    order: str = ""
    offer: str = ""

    @property
    def is_abroad(self) -> bool:
        return self.sender.country != self.to.country


@dataclass(frozen=True, slots=True)
class Quote:
    """An offer: `service` as the carrier's code; `price` is what this account pays with all surcharges, `listed` what it would be without
    its contract (None: not told). `arrives_on` is the day it promises at the receiver's (None: it promises none), `arrives_at` the
    hour where it tells one. `words` are its remarks."""

    service: str
    name: str
    price: Money
    listed: Money | None = None
    arrives_on: date | None = None
    arrives_at: datetime | None = None
    words: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class Paper:
    """A document to print: a label, an invoice, a manifest. `kind`: label, invoice, form, manifest, receipt."""

    kind: str
    format: LabelFormat
    content: bytes

    def __repr__(self) -> str:
        return f"Paper({self.kind}, {self.format}, {len(self.content)} bytes)"


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase. `handle` is what the carrier needs to void it or to print it again (opaque JSON); `tracking` has a number for each box in
    their order, `labels` a paper for each, or nothing where a lost answer was found and its papers can be had by `papers` only.
    `price` is None where the carrier does not tell it; `by` names who really carries it, where another one does."""

    handle: Mapping[str, Any]
    tracking: tuple[str, ...]
    labels: tuple[Paper, ...] = ()
    forms: tuple[Paper, ...] = ()
    price: Money | None = None
    arrives_on: date | None = None
    words: str = ""
    by: str = ""

    @property
    def master(self) -> str:
        """The number under which the whole purchase goes."""
        return self.tracking[0] if self.tracking else ""


class Sought(StrEnum):
    """What became of a purchase whose answer was lost."""

    ABSENT = "absent"  # the carrier knows nothing of it: it may be bought
    CANNOT_TELL = "cannot_tell"  # it cannot be asked: a person must look


class Voided(StrEnum):
    """What became of a label that is not wanted any more."""

    VOIDED = "voided"  # it costs nothing
    PENDING = "pending"  # the carrier decides later about the money; the label is dead
    REFUSED = "refused"  # too late or used: it is live, or paid anyway
    UNUSED = "unused"  # this carrier charges what it scans: a label that is thrown away costs nothing


@dataclass(frozen=True, slots=True)
class Voiding:
    """What became of giving a label back, and why in the carrier's own words where it refused (they may name somebody)."""

    became: Voided
    words: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a carrier tells of a parcel. `at` is in UTC; `code` and `words` are the carrier's own; `town` and `country` are where
    it was."""

    at: datetime
    progress: Progress
    code: str
    words: str = ""
    town: str = ""
    country: str = ""


def in_order(steps: Iterable[Step]) -> list[Step]:
    """Oldest first. Carriers tell whole seconds, some whole minutes: of one moment, what happens to a parcel first stands first."""
    rank = {one: n for n, one in enumerate(Progress)}
    return sorted(steps, key=lambda one: (one.at, rank[one.progress], one.code))


@dataclass(frozen=True, slots=True)
class Tracked:
    """All that a carrier tells of a parcel, oldest first. `expected_on` is the day on which it should come."""

    steps: tuple[Step, ...] = ()
    expected_on: date | None = None
    words: str = ""


class Verdict(StrEnum):
    GOOD = "good"
    CORRECTED = "corrected"  # the carrier writes it otherwise
    AMBIGUOUS = "ambiguous"  # several would do
    UNKNOWN = "unknown"  # it finds no such address
    UNCHECKED = "unchecked"  # it does not check addresses there


@dataclass(frozen=True, slots=True)
class Checked:
    """What a carrier thinks of an address: `better` are addresses as it would write them, the likeliest first."""

    verdict: Verdict
    better: tuple[Address, ...] = ()
    residential: bool | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """An end of day: the carrier's number of it and its papers to hand to the driver."""

    id: str
    papers: tuple[Paper, ...] = ()
    words: str = ""


@dataclass(frozen=True, slots=True)
class Collection:
    """A pickup that is wanted: at `place`, between `ready` and `until` (in that place's own time), so many parcels of so many grams."""

    place: Address
    ready: datetime
    until: datetime
    parcels: int
    weight_g: int
    words: str = ""


@dataclass(frozen=True, slots=True)
class Agreed:
    """A pickup that the carrier agreed to: `handle` is what cancelling it needs."""

    id: str
    handle: Mapping[str, Any] = field(default_factory=dict)
    price: Money | None = None
    words: str = ""


@dataclass(frozen=True, slots=True)
class SentLine:
    """Units of an order line in a parcel; `assignment` is the channel's own part of the order that they are of ("" where it has none)."""

    line: str
    units: int
    assignment: str = ""
    assigned_line: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """A parcel that left, to be told to the channel of its order. `order` is the channel's id, `number` counts an order's parcels from 1
    and never changes, `carrier` is our connector's name of it ("" for one typed by hand), `carrier_name` and `service` as people write
    them. `place` is the channel's own name of where it left from. `notify`: the channel shall write to the buyer. `own`: its label is the
    channel's own, which tells its buyer by itself. `others` are the channel's ids of the order's other parcels: what is one of these is not
    this one, however alike they are."""

    order: str
    number: int
    lines: tuple[SentLine, ...]
    carrier: str
    carrier_name: str
    service: str
    tracking: str
    url: str
    sent_at: datetime
    place: str = ""
    notify: bool = True
    marketplace: str = ""
    own: bool = False
    others: frozenset[str] = frozenset()


class CancelReason(StrEnum):
    """Why an order is called off."""

    BUYER = "buyer"
    STOCK = "stock"
    FRAUD = "fraud"
    ADDRESS = "address"
    OTHER = "other"


class Cancelling(StrEnum):
    """What became of calling an order off."""

    DONE = "done"
    ASKED = "asked"  # the channel works on it: it is seen in the order when it is done
    NOT_CANCELLED = "not_cancelled"  # it stands as it stood, and nobody asked


@dataclass(frozen=True, slots=True)
class Appeal:
    """A buyer's open wish to have an order cancelled: `id` is the channel's own number of it ("" where it has none), `reason` its word,
    `due_at` by when it wants an answer."""

    id: str
    reason: str = ""
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A quote of one of several carriers, by our id of its connection."""

    connection: str
    quote: Quote


def best(offers: Iterable[Offer], by: date | None) -> Offer | None:
    """The cheapest that promises to arrive by that day; the one that arrives first where none does; without a day the cheapest of all.
    Only prices in one currency compare: that of most offers counts."""
    known = list(offers)
    if not known:
        return None
    currencies = Counter(one.quote.price.currency for one in known)
    alike = [one for one in known if one.quote.price.currency == currencies.most_common(1)[0][0]]
    in_time = [one for one in alike if by is None or (one.quote.arrives_on is not None and one.quote.arrives_on <= by)]
    if in_time:
        return min(in_time, key=lambda one: (one.quote.price.minor, one.quote.arrives_on or date.max, one.quote.service))
    return min(alike, key=lambda one: (one.quote.arrives_on or date.max, one.quote.price.minor, one.quote.service))
