"""What we ask of the outside. A connector is one folder that offers a MANIFEST of type `Connector`; it knows nothing else of us."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from core.domain.capturing import Taking
from core.domain.cards import Card
from core.domain.coding import TaxWay
from core.domain.ledgers import Books, DocKind, Document, LedgerAccount, Posted, Tag, TaxCode
from core.domain.money import Money
from core.domain.order import Address, Glance, Order
from core.domain.payouts import Movement, Payout
from core.domain.requests import Request, Standing
from core.domain.shelf_moves import ToldDays
from core.domain.shipping import (
    Agreed,
    Appeal,
    Bought,
    Cancelling,
    CancelReason,
    Checked,
    Closed,
    Collection,
    Consignment,
    LabelFormat,
    Paper,
    Quote,
    Sent,
    Sought,
    Tracked,
    Voided,
    Voiding,
)
from core.errors import BadPayload, Unsupported

T = TypeVar("T")
Name = tuple[str, str, str]  # listing, SKU as the channel spells it, place


class About(StrEnum):
    """What a notice is about."""

    ORDER = "order"
    LISTING = "listing"
    STORED = "stored"  # what the channel's own warehouses hold
    PARCEL = "parcel"  # where a parcel is: `Notice.parcel` says which, it is asked for
    BOOKS = "books"  # a document of a ledger is another one than it was: `Notice.document` says which
    COMPLIANCE = "compliance"  # a customer's or a shop's data: always answered 200 once the signature holds
    ACCESS = "access"  # uninstalled, revoked
    SCOPES = "scopes"  # what we may do is another thing now
    OTHER = "other"


class Wanted(StrEnum):
    """What a channel may demand of the data that we hold."""

    EXPORT = "export"  # everything about a customer, for the merchant to hand on
    REDACT = "redact"  # a customer is forgotten
    ERASE = "erase"  # a whole account is


@dataclass(frozen=True, slots=True, repr=False)
class Demand:
    """A channel's demand in our words: `orders` by the channel's ids; the customer by the channel's id, mail address or telephone, any of
    which may be missing; `request` is the channel's own number of it."""

    what: Wanted
    orders: tuple[str, ...] = ()
    person: str = ""
    email: str = ""
    phone: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something changed at a channel. `body` holds the whole order as the channel wrote it, or None: then it is fetched, unless we
    hold it as new as `revision` and what the channel's list tells, a `glance`, is the same.

    `delivery` is the channel's id of this delivery (repeats are dropped by it), `order` the channel's order id,
    `revision` the order's last change where the notice tells it, or when access was lost, `receipt` what `Channel.acknowledge` wants back.
    `demand` is what a notice about COMPLIANCE asks for; one without an account concerns every account. `level` is what one about a
    LISTING says of its stock, `parcel` the tracking number of one about a PARCEL. `document` is the ledger's id of one about BOOKS.
    """

    topic: str
    delivery: str
    about: About = About.ORDER
    account: str = ""
    order: str | None = None
    revision: datetime | None = None
    body: bytes | None = field(default=None, repr=False)
    receipt: str = ""
    glance: Glance | None = None
    demand: Demand | None = None
    level: "ShownNow | None" = None
    parcel: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True)
class ShownNow:
    """What a channel says a listing shows at a place, by `Found.item`: a hint, since it may be late."""

    item: str
    place: str
    units: int


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a long read. `cursor` asks for the next one (None: that was the last), after `wait_s` seconds where the channel
    still prepares it; `until` is the moment that the whole read covers, or at which what it tells was true, where the channel says
    so itself."""

    items: tuple[T, ...]
    cursor: str | None = None
    until: datetime | None = None
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """A listing as the channel has it: `listing` its id there, `sku` the channel's exact spelling. `handle` is what the
    connector needs to write its stock (inventory item, location, offer, product type): opaque JSON to us. Where the channel
    keeps stock by location, a listing is found once for each `place` that stocks it; "" where it does not.

    `writable` is None, or the reason why stock must not be written here (FBA, untracked, bundle parent). `splits`: it is a bundle that the
    channel itself sells as its parts, each a line of its own. `card` and `barcode` are what it tells of the goods beside.
    `uncovered` is None, or a word of core/domain/promise.py: why it goes on selling, whatever it shows.
    """

    listing: str
    sku: str
    title: str = ""
    shown: int | None = None
    handle: Mapping[str, Any] = field(default_factory=dict)
    writable: str | None = None
    place: str = ""
    splits: bool = False
    card: Card | None = None
    barcode: str = ""
    uncovered: str | None = None
    item: str | None = None  # what the channel's notices about stock call it


@dataclass(frozen=True, slots=True)
class Place:
    """A stock location as the channel has it; `service`: it is another fulfillment service's, not the merchant's."""

    id: str
    name: str
    active: bool = True
    service: bool = False


@dataclass(frozen=True, slots=True)
class Push:
    """Show `quantity` units of this listing. `expected` is what we believe it shows (None: unknown, write without compare)."""

    listing: str
    sku: str
    handle: Mapping[str, Any]
    quantity: int
    expected: int | None = None
    place: str = ""

    @property
    def name(self) -> Name:
        return (self.listing, self.sku, self.place)


class Told(StrEnum):
    """What became of a push."""

    SHOWN = "shown"  # the channel confirmed it
    ACCEPTED = "accepted"  # queued there; read back later (Amazon)
    STALE = "stale"  # it showed something else: `Answer.quantity` says what, where known; nothing was written
    REFUSED = "refused"  # declined, `Answer.words` says why
    GONE = "gone"  # no such listing any more


@dataclass(frozen=True, slots=True)
class Answer:
    listing: str
    sku: str
    told: Told
    quantity: int | None = None
    words: str = ""
    place: str = ""

    @property
    def name(self) -> Name:
        return (self.listing, self.sku, self.place)


@dataclass(frozen=True, slots=True)
class Level:
    """What a channel keeps of a listing at a place: units for sale (None: it has no such listing), and units sold and not yet
    sent (None: it does not say)."""

    shown: int | None
    committed: int | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are at that system."""

    id: str
    name: str
    currency: str = ""


class Channel(Protocol):
    """Where orders come from and stock is shown. One instance serves one connection and one thread.

    Reads raise Unavailable, RateLimited, AccessLost, Refused or BadPayload; writes raise OutcomeUnknown where an answer
    was lost. No method retries beyond one refreshed token.
    """

    def probe(self) -> Account:
        """The cheapest call that proves the credentials."""
        ...

    def poll(self, since: datetime, until: datetime, cursor: str | None) -> Page[Notice]:
        """Orders that changed since then, oldest first; with bodies where the API gives whole orders. All that were there before `until`:
        one that changed again after it must not fall between two polls, so later changes come too where the channel tells them."""
        ...

    def fetch(self, orders: Sequence[str]) -> Mapping[str, bytes | None]:
        """The whole of each order as the channel writes it; None where it no longer exists there. One that has another id now is None
        under the old and told under the new. What a spent rate budget did not reach is left out; RateLimited only where nothing was
        reached."""
        ...

    def receive(self) -> Sequence[Notice]:
        """Notices from a queue the channel fills (Amazon's SQS); empty where there is none."""
        ...

    def acknowledge(self, receipts: Sequence[str]) -> None:
        """These notices are kept: take them off the queue."""
        ...

    def listings(self, cursor: str | None) -> Page[Found]:
        """What the channel sells, with the quantity it shows now."""
        ...

    def places(self) -> Sequence[Place]:
        """The channel's own stock locations; empty where it has none."""
        ...

    def show(self, pushes: Sequence[Push], key: str) -> Sequence[Answer]:
        """Write absolute quantities; one answer per push. `key` is new for each intent and the same when it is repeated."""
        ...

    def shown(self, pushes: Sequence[Push]) -> Mapping[Name, int | None]:
        """What these listings show now, by `Push.name`; None where one is gone. What was not reached is left out."""
        ...


@runtime_checkable
class Subscribes(Protocol):
    """A channel whose webhooks are subscribed to through its API."""

    def unsubscribed(self, url: str) -> Sequence[str]:
        """What we want and `url` does not get: the topics by name. Changes nothing."""
        ...

    def subscribe(self, url: str) -> Sequence[str]:
        """Have what we want pushed to `url`; gives the topics that were missing and are subscribed now."""
        ...


@runtime_checkable
class Follows(Protocol):
    """A channel that only accepts stock (Told.ACCEPTED) and can tell afterwards what it refused of it."""

    def follow(self, accepted: Mapping[str, Sequence[Push]]) -> Sequence[Answer]:
        """What became of accepted pushes, by the `words` of their answers: REFUSED with the channel's reasons; ACCEPTED where it
        still works on them, or was not reached; no answer for what it has worked off: that is read back with `shown`."""
        ...


@runtime_checkable
class Commits(Protocol):
    """A channel that tells, beside what a listing shows, how many of its units are sold and not yet sent."""

    def levels(self, pushes: Sequence[Push]) -> Mapping[Name, Level]:
        """Both at one moment, by `Push.name`. What was not reached is left out."""
        ...

    def selling(self, sku: str, cursor: str | None) -> Page[Notice]:
        """The open orders that hold units of this SKU."""
        ...


@dataclass(frozen=True, slots=True)
class Stored:
    """What a channel's own warehouses hold of a SKU as the channel spells it: units that can be sold, that cannot, and that are on their
    way there as far as the channel knows."""

    sku: str
    sellable: int
    damaged: int = 0
    coming: int = 0


@runtime_checkable
class Stores(Protocol):
    """A channel with warehouses of its own, whose levels are read and never written."""

    def stored(self, cursor: str | None) -> Page[Stored]:
        """A page of what lies there; a cursor lives half a minute."""
        ...


@runtime_checkable
class Shelves(Protocol):
    """A Stores that tells what its warehouses lost, found and disposed of. Reads only."""

    def shelf_moves(self, since: date, until: date, cursor: str | None) -> Page[ToldDays]:
        """What happened on the days from `since` to before `until`, in stretches of whole days, the oldest first. A page is empty while the
        channel prepares it, and where it says nothing of some days: what was told of them stands. Raises Refused where it tells none."""
        ...


@runtime_checkable
class Mends(Protocol):
    """A channel where what lets a listing sell beyond what it shows can be switched off, and on again, through its API."""

    def uncovered(self, push: Push) -> str | None:
        """A word of core/domain/promise.py as `Found` has it; None: it stops at what it shows. Raises Refused where it is gone."""
        ...

    def mend(self, push: Push, uncovered: str, *, back: bool) -> None:
        """Switch that off, or on again. Absolute: said twice it has one effect."""
        ...


@runtime_checkable
class Confirms(Protocol):
    """A channel that is told what left. Nothing is told it twice: `confirmed` is asked first wherever an answer was lost."""

    def confirm(self, sent: Sent) -> str:
        """Tell it of a parcel; gives the channel's own id of it. Raises Refused with its words where it declines, OutcomeUnknown."""
        ...

    def confirmed(self, sent: Sent) -> str | None:
        """The channel's id of this parcel where it knows it already; None where it does not."""
        ...


@runtime_checkable
class ReadiesPickups(Protocol):
    """A channel that writes to a buyer once their order can be fetched."""

    def ready_to_fetch(self, order: str, assignments: Sequence[str]) -> None:
        """All of these parts of an order can be fetched, by the channel's own names. Said twice it has one effect. Raises Refused."""
        ...


@runtime_checkable
class Cancels(Protocol):
    """A channel where an order can be called off."""

    def cancel(self, order: str, reason: CancelReason, key: str, *, restock: bool) -> Cancelling:
        """Call off a whole order that nothing left of. `key`, 32 hexadecimal digits, is the same when it is repeated."""
        ...

    def cancelling(self, order: str, key: str) -> Cancelling:
        """How that stands: asked wherever an answer was lost, before it is said again."""
        ...


@runtime_checkable
class Appeals(Protocol):
    """A channel whose buyers' wishes to cancel wait for an answer."""

    def appeals(self, order: str) -> Sequence[Appeal]:
        """Those that are open."""
        ...

    def answer(self, order: str, appeal: Appeal, *, agree: bool, sent: Sent | None = None) -> None:
        """Agree, or say that it is sent anyway (`sent`: the parcel, where it left already). Said twice it has one effect."""
        ...


@runtime_checkable
class Captures(Protocol):
    """A channel whose authorized payments are captured through its API, in the buyer's currency. Nothing is captured twice: `captured` is
    asked before each capture, and `key`, 32 hexadecimal digits, is the same when one is repeated."""

    def captured(self, order: str, key: str) -> Taking:
        """How the payment of an order stands now."""
        ...

    def capture(self, order: str, amount: Money, key: str) -> None:
        """Take this much of what is authorized. Raises Refused with its words where it declines, OutcomeUnknown."""
        ...


@runtime_checkable
class Routes(Protocol):
    """A channel that keeps which place sends what of an order."""

    def route(self, order: str, assignment: str, place: str, lines: Mapping[str, int] | None = None) -> None:
        """Move what is still to send of this part to another place of the channel's: all of it, or units by line. Raises Refused with its
        words where it declines, OutcomeUnknown."""
        ...


@runtime_checkable
class Fulfills(Protocol):
    """A system that sends goods of ours from its own warehouse for orders of other channels. `key`, 32 hexadecimal digits, is written
    down before the call, and a request under the same key is made once."""

    def fulfill(self, wish: Request, key: str) -> None:
        """Have it sent. Raises Refused with its words where it declines, OutcomeUnknown."""
        ...

    def fulfilling(self, key: str) -> Standing | None:
        """How it stands with them; None where they know nothing of it."""
        ...

    def call_back(self, key: str) -> Cancelling:
        """It is wanted no more. Said twice it has one effect."""
        ...


@runtime_checkable
class Pays(Protocol):
    """A channel that takes buyers' money and pays it out. Reads only; raises as the others do."""

    def payouts(self, since: datetime, cursor: str | None) -> Page[Payout]:
        """Payouts sent, or changed, since then, oldest first; one that was told before comes again as it stands now."""
        ...

    def movements(self, payout: Payout, cursor: str | None) -> Page[Movement]:
        """All that a closed payout holds. This is the truth of it: what was told of the same money before is over."""
        ...

    def unpaid(self, since: datetime, cursor: str | None) -> Page[Movement]:
        """What moved since then and is in no closed payout yet, as far as the channel tells: a preview of the next ones."""
        ...


class Ledger(Protocol):
    """A set of books. A write carries our `key`, 32 hexadecimal digits written down before the call, the same when it is repeated. Raises
    Refused with the ledger's own words in `words` and a `reason` of core.domain.ledgers.Why among its facts, OutcomeUnknown where a write
    may have worked."""

    def probe(self) -> Books:
        """Whose books these are; proves that the login holds."""
        ...

    def accounts(self) -> Sequence[LedgerAccount]:
        """The chart of accounts, those that are inactive too."""
        ...

    def tax_codes(self) -> Sequence[TaxCode]: ...

    def tags(self) -> Sequence[Tag]:
        """What lines can be marked with; empty where the plan has none."""
        ...

    def post(self, document: Document, key: str) -> Posted:
        """Write it, with the contact that it names where that is missing. Said twice under one key it is there once."""
        ...

    def find(self, document: Document, key: str) -> Posted | None:
        """The document that `post` wrote under this key or number; None where the books hold none. Changes nothing. Raises Refused with
        DUPLICATE where the number is another document's."""
        ...

    def look(self, kind: DocKind, ids: Sequence[str]) -> Mapping[str, Posted]:
        """These documents as they stand now; one that does not exist any more is `gone`. What was not reached is left out."""
        ...

    def changed(self, since: datetime, cursor: str | None) -> Page[tuple[DocKind, Posted]]:
        """Documents that anybody changed, voided or deleted since then."""
        ...

    def void(self, kind: DocKind, posted: Posted, key: str) -> Posted:
        """Take it back, if it is as `posted` says. Said twice it has one effect. Raises Refused with STALE where somebody changed it."""
        ...


@runtime_checkable
class Remembers(Protocol):
    """A channel whose orders can be read by the day they were placed, however old."""

    def reach(self) -> tuple[datetime | None, str]:
        """How far back the channel lets us read, and in words why not further; (None, "") where it does not say."""
        ...

    def history(self, since: datetime, until: datetime, cursor: str | None, *, open_only: bool) -> Page[Notice]:
        """Orders placed in [since, until), in any order; `open_only` leaves out those that are surely over. With bodies where the API
        gives whole orders, `wait_s` where a file is still being written."""
        ...


@runtime_checkable
class Counts(Protocol):
    """A channel that can say how many orders it took in a stretch of time."""

    def placed(self, since: datetime, until: datetime, cursor: str | None) -> Page[tuple[datetime, int]]:
        """(the first moment of a day in UTC, how many orders were placed on it) for each day in [since, until); days without any may
        be left out. `wait_s` where a file is still being written."""
        ...


@runtime_checkable
class Allows(Protocol):
    """A channel that tells what its merchant lets us do."""

    def allowed(self) -> Sequence[str]:
        """Each scope by its name, as the channel spells it."""
        ...


class Carrier(Protocol):
    """What every carrier can do. A purchase carries our `key`, 32 hexadecimal digits written down before the call: a lost answer is looked
    up by it. Raises Refused with the carrier's own words in `words` for what it declines (a bad address, a weight over the limit, a
    service that is not offered there), OutcomeUnknown where a purchase or a void may have worked."""

    def probe(self) -> str:
        """What the account is called; proves that its credentials hold."""
        ...

    def rates(self, wish: Consignment) -> Sequence[Quote]:
        """What it would cost by each service that goes there, the account's own prices; empty where none does."""
        ...

    def buy(self, wish: Consignment, service: str, key: str) -> Bought:
        """Buy labels for all boxes of this, at most `CarrierLimits.boxes`."""
        ...

    def find(self, wish: Consignment, service: str, key: str) -> Bought | Sought:
        """What became of the purchase with this key, whose answer was lost: what was bought, or that the carrier knows of none, or that
        it cannot tell. Where the carrier keeps keys this may repeat the purchase under the same one, which buys nothing twice."""
        ...

    def void(self, bought: Bought) -> Voiding:
        """Give all its labels back. Said twice it has one effect. What is refused has the carrier's words."""
        ...

    def track(self, numbers: Sequence[str]) -> Mapping[str, Tracked]:
        """Where these parcels are, at most `CarrierLimits.numbers` of them, by number; one that the carrier does not know yet has no steps.
        What was not reached is left out."""
        ...


@runtime_checkable
class Prepares(Protocol):
    """A carrier that sells only what it offered a moment ago. What it gives is written down before the purchase, so that a purchase whose
    answer was lost is repeated word for word."""

    def prepare(self, wish: Consignment, service: str) -> str:
        """The `offer` that `buy` and `find` need in the wish. Raises Refused where the service is not offered."""
        ...


@runtime_checkable
class Reprints(Protocol):
    """A carrier that gives the papers of a purchase once more, for nothing."""

    def papers(self, bought: Bought, label: LabelFormat) -> Sequence[Paper]:
        """Its labels, one for each box in their order, then other papers. Raises Refused where it is too late."""
        ...


@runtime_checkable
class Refunds(Protocol):
    """A carrier that decides later about the money of a voided label."""

    def refunded(self, bought: Bought) -> Voided:
        """What it decided: VOIDED, REFUSED, or PENDING still."""
        ...


@runtime_checkable
class ChecksAddresses(Protocol):
    def check(self, address: Address) -> Checked:
        """Whether it delivers to this address, and how it writes it."""
        ...


@runtime_checkable
class ClosesDays(Protocol):
    """A carrier that wants to be told at the end of a day what its driver takes."""

    def close(self, bought: Sequence[Bought], sender: Address, key: str) -> Closed:
        """Hand these over on one manifest. `key` is the same when it is repeated."""
        ...


@runtime_checkable
class PicksUp(Protocol):
    """A carrier whose driver can be ordered."""

    def pick_up(self, wish: Collection, key: str) -> Agreed:
        """Order the driver."""
        ...

    def leave(self, agreed: Agreed) -> None:
        """The driver need not come. Said twice it has one effect."""
        ...


@runtime_checkable
class TellsTracks(Protocol):
    """A carrier that pushes where parcels are, once it was asked to: its notices are About.PARCEL."""

    def follow_parcels(self, numbers: Sequence[str], url: str) -> Sequence[str]:
        """Have `url` told of these; gives the numbers that it took."""
        ...


class Webhooks(Protocol):
    """The door of a system that pushes."""

    def notice(self, raw: bytes, headers: Mapping[str, str], path: str) -> Notice:
        """Check the signature over the raw bytes, then name the notice. Header names are lower case. Raises Forged, BadPayload."""
        ...

    def challenge(self, query: Mapping[str, str], url: str) -> Mapping[str, str] | None:
        """The JSON answer to a GET that proves the address is ours (eBay); None: nothing to answer."""
        ...


@runtime_checkable
class TellsSeveral(Protocol):
    """A door whose pushes may be about several accounts at once."""

    def notices(self, raw: bytes, headers: Mapping[str, str], path: str) -> Sequence[Notice]:
        """All that one push tells, at least one. Raises as `Webhooks.notice`."""
        ...


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: `per_s` units come back each second, `burst` fit in."""

    per_s: float
    burst: float


class Budget(Protocol):
    """The rate budgets of one connection, shared by all workers."""

    def take(self, operation: str, units: float = 1.0) -> None:
        """Raises RateLimited with the wait when it is spent."""
        ...

    def learn(self, operation: str, rate: Rate | None = None, left: float | None = None) -> None:
        """What the channel's own headers say of the budget."""
        ...

    def behind(self) -> "Budget":
        """The same budgets for work that may wait: they give only what leaves half of a full one to the rest."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Fresh:
    """New tokens. `login` are the fields of the connection's secrets that changed with them (a rotated refresh token), `until` is when
    that login ends unless it is renewed, `scopes` what it lets us do in the channel's words; None where the channel did not say."""

    access: str
    expires_at: datetime
    login: Mapping[str, str] = field(default_factory=dict)
    until: datetime | None = None
    scopes: str | None = None


class Tokens(Protocol):
    """The access token of one connection: refreshed by one worker at a time and stored before it is used."""

    def access(self, refresh: Callable[[Mapping[str, str]], Fresh], *, rejected: str | None = None) -> str:
        """A token that holds for minutes, and is not `rejected`. `refresh` gets the connection's secrets."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Kit:
    """What the hub hands a connector: one connection's means. `app` are our own credentials at that system, `settings`
    the MANIFEST's settings with the operator's values, `login` the connection's secrets."""

    account: str
    http: Any  # connectors.http.Http; named there, since core knows no transport
    clock: Callable[[], datetime]
    budget: Budget
    tokens: Tokens
    app: Mapping[str, str]
    settings: Mapping[str, Any]
    login: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, repr=False)
class Granted:
    """What a channel let us have for one account: its tokens, and what a person calls it."""

    account: str
    fresh: Fresh
    label: str = ""


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody who looks at our pages in a channel's own admin, by a token that the channel signed: `account` is whose admin it is,
    `user` the channel's id of the person."""

    account: str
    user: str


@dataclass(frozen=True, slots=True)
class Bridge:
    """How our pages speak with the admin that frames them. `script` is the address of the channel's own script, first on every page; it
    finds our `key` in the meta tag `meta`, offers itself as window[`name`], and takes our rooms over from the element `nav`. `elements`
    is the address of the script that defines s-section, s-badge and s-banner as that admin draws them; "" where it has none. A page's
    request carries the token in the query as `token` and names its account as `account`; our bounce page finds in `reload` what the
    script shall load with a fresh token; `retry` is the header that makes it ask again with one."""

    name: str
    script: str
    elements: str
    meta: str
    key: str
    nav: str
    token: str
    account: str
    reload: str
    retry: tuple[str, str]


class Frames(Protocol):
    """A channel's admin that shows our pages in a frame of its own, and says who looks at them."""

    bridge: Bridge

    def guest(self, token: str) -> Guest:
        """Whose token this is. Raises Forged for whatever is not a token for us that holds now."""
        ...

    def ancestors(self, account: str) -> Sequence[str]:
        """The origins that may frame a page for this account. Before anybody proved whose it is, it may be any text."""
        ...

    def entrance(self, path: str, query: Mapping[str, str]) -> str:
        """Where the admin that sent somebody here shows this page of ours: in the account that the query names, nowhere else. "" where it
        names none, or does not come from an admin."""
        ...

    def login(self, token: str, guest: Guest) -> Granted:
        """The account's own tokens for this one: one call. Raises Refused, Unavailable or RateLimited."""
        ...

    def person(self, token: str, guest: Guest) -> tuple[str, str]:
        """What the person is called, and their language ("" where it does not say): one call. Raises as `login`."""
        ...


class Consents(Protocol):
    """A channel that lets a person agree on a page of its own and sends them back to us with a code."""

    def lacks(self) -> str:
        """Which of our app's credentials are missing for it, by name; "" where none is."""
        ...

    def address(self, wish: Mapping[str, str], state: str, back: str) -> str:
        """Where the person is sent. `wish` holds what the manifest's `asks` ask for, `back` is our address to come back to. Raises
        BadPayload for a wish that cannot be meant."""
        ...

    def granted(self, query: Mapping[str, str], wish: Mapping[str, str], back: str) -> Granted:
        """What the person agreed to, by what they came back with: a call or two. Raises Forged where the channel did not say this or
        says it of another account than the wish's, Refused where the person declined or the channel does, Unavailable, RateLimited."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class Attachment:
    """A file that goes with a letter; `kind` is its media type."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """Something told to a person or to a program of theirs. `id` is the same however often it is sent; `to` is an address of mail, or of a
    program that takes calls. `page` is the same as HTML ("": there is none), `answer_to` where answers go, `from_name` whose it is. Files
    go with mail alone."""

    id: str
    to: str
    title: str
    body: str
    at: datetime
    page: str = ""
    answer_to: str = ""
    from_name: str = ""
    files: tuple[Attachment, ...] = ()


class Post(Protocol):
    """The way out for letters. Each method gives a word on what became of it; raises Unavailable, OutcomeUnknown and Refused."""

    def mail(self, letter: Letter) -> str: ...

    def call(self, letter: Letter) -> str: ...


@dataclass(frozen=True, slots=True)
class Field:
    """A credential or setting that somebody types in. `help` says where to find it."""

    name: str
    label: str
    help: str = ""
    secret: bool = True
    required: bool = True


@dataclass(frozen=True, slots=True)
class Limits:
    """How a channel wants its stock written. `per_call` pushes fit one call; a listing may change `revisions` times a day
    (None: as often as one likes), of which `kept_for_zero` are spent only on showing zero. `compares`: a push whose `expected` is not
    what the listing shows is answered STALE, so what was written proves what was there. What moved is read back after `look_s` seconds,
    of at most so many `looks` listings an hour (None: two calls' worth)."""

    per_call: int = 100
    revisions: int | None = None
    kept_for_zero: int = 0
    day_zone: str = "UTC"
    compares: bool = False
    look_s: float = 3600.0
    looks: int | None = None


@dataclass(frozen=True, slots=True)
class CarrierLimits:
    """`boxes` fit one purchase, `numbers` one question about tracking. A carrier that keeps keys (`keyed`) buys nothing twice under one.
    `lookup_s`: so long after a purchase it may not yet be found by its key, and what is not found is not yet absent. `countries` are
    those that it collects in (empty: any), `formats` how it prints labels. `void_days`: so many days, the first being that of its
    purchase, a label can be given back while nobody scanned it."""

    boxes: int = 1
    numbers: int = 1
    keyed: bool = False
    lookup_s: float = 60.0
    countries: frozenset[str] = frozenset()
    formats: tuple[LabelFormat, ...] = (LabelFormat.PDF,)
    void_days: int = 28


@dataclass(frozen=True, slots=True)
class Paying:
    """How a channel that is a Pays goes about it. `gateway` is what the money that it holds for us is called ("shopify_payments");
    `takes` are the gateways, as payments of its orders name them, whose money comes with its payouts (None: all of them, it sells in its
    own name). What it took is paid out `within` that time, else it is overdue. `comes_back`: a payout that the bank sent back is
    followed by a movement that says so. `as_sent`: it pays for what left, part by part. `refunds`: its orders tell of none, its money
    does."""

    gateway: str
    takes: frozenset[str] | None = None
    within: timedelta = timedelta(days=14)
    comes_back: bool = False
    as_sent: bool = False
    refunds: bool = False


@dataclass(frozen=True, slots=True)
class Shelving:
    """How a channel that is a Shelves tells of its days. They may change for `again` days (a connection's setting `shelf_days` says
    otherwise), and are told for `back` days. `outside`: whether money of this label (`Part.label`) is for units that it lost before they
    lay there, or after they left."""

    again: int = 30
    back: int = 540
    outside: Callable[[str], bool] = lambda label: False


@dataclass(frozen=True, slots=True)
class Keeping:
    """What a ledger can hold. `kinds` are the kinds of documents it knows. `most_orders`: so many orders a month may be posted one by one
    (None: any number). `number`: so long may a document's number be. `foreign`: a journal may be in another currency than the books' own.
    `banks`: a transfer goes between bank accounts only. `taxes`: how a journal's lines hold tax."""

    kinds: frozenset[DocKind]
    most_orders: int | None = None
    number: int = 21
    foreign: bool = True
    banks: bool = False
    taxes: TaxWay = TaxWay.PLAIN


def not_a_channel(kit: Kit) -> Channel:
    """What a connector without that role offers as its channel."""
    raise Unsupported("this system is not a channel")


def no_order(body: bytes, connection: str) -> Order:
    raise Unsupported("this system has no orders")


def no_orders(document: Any, connection: str) -> Iterator[Order | BadPayload]:
    raise Unsupported("this system has no orders")


ListingUrl = Callable[[str, str, Mapping[str, Any], Mapping[str, Any]], str]  # of (account, listing, handle, settings): its own page of it


@dataclass(frozen=True, slots=True)
class CallsOff:
    """How a channel that is a Cancels goes about it: what it took it has done `within` that time, else somebody looks. `repays`: it gives
    the buyer the money back by itself. `answers`: it is an Appeals."""

    within: timedelta = timedelta(minutes=15)
    repays: bool = False
    answers: bool = False


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector's MANIFEST. `roles` are "channel", "carrier" and "ledger"; `services` names a carrier's services by their codes, those
    that may be chosen without asking for rates.

    `orders` reads any document that may hold orders of this system (a file, a webhook body, an answer) and gives an
    Order or a BadPayload for each. `calls` names every outside call the connector can make, as the recorder names them.
    `simulator` is "module:Class", loaded only when somebody simulates.
    """

    name: str
    label: str
    roles: frozenset[str]
    app: tuple[Field, ...]
    login: tuple[Field, ...]
    settings: Mapping[str, Any]
    rates: Mapping[str, Rate]
    limits: Limits
    calls: tuple[str, ...]
    channel: Callable[[Kit], Channel] = not_a_channel
    order: Callable[[bytes, str], Order] = no_order
    orders: Callable[[Any, str], Iterator[Order | BadPayload]] = no_orders
    carrier: Callable[[Kit], Carrier] | None = None  # a channel that has one sells labels for its own orders
    demands: frozenset[str] = frozenset()  # an order of such a program leaves with the channel's own label
    carries: CarrierLimits = CarrierLimits()
    services: Mapping[str, str] = field(default_factory=dict)
    tracking_url: Callable[[str], str] | None = None  # (number): the carrier's own page of a parcel, for buyers
    webhooks: Callable[[Kit], Webhooks] | None = None
    frames: Callable[[Kit], Frames] | None = None
    consents: Callable[[Kit], Consents] | None = None
    asks: tuple[Field, ...] = ()  # what must be known before a person is sent to agree
    scopes: tuple[str, ...] = ()  # what we must be allowed to do, where the channel tells what we may
    simulator: str = ""
    refusal: int = 401
    poll_every: timedelta = timedelta(minutes=15)
    poll_overlap: timedelta = timedelta(minutes=10)
    poll_age: timedelta = timedelta(minutes=2)
    calls_off: CallsOff | None = None  # it is a Cancels
    pays: Paying | None = None  # it is a Pays
    ledger: Callable[[Kit], Ledger] | None = None
    keeps: Keeping | None = None  # of a ledger
    captures: bool = False  # it is a Captures
    routes: bool = False  # it is a Routes
    stores: bool = False  # it has warehouses of its own: a Stores
    shelves: Shelving | None = None  # it is a Shelves
    queue: bool = False  # offers notices from a queue: `receive` is worth calling
    order_url: Callable[[str, str, Mapping[str, Any]], str] | None = None  # (account, order id, settings): the channel's own page of it
    listing_url: "ListingUrl | None" = None
    merges: bool = False  # a line may be listed in another order of the same account one day (eBay combines unpaid orders)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of telling somebody: the status (None: nobody answered), how long it took, our words for what was wrong, and how long
    they asked us to wait."""

    status: int | None
    ms: int = 0
    words: str = ""
    wait_s: float = 0.0


class Outward(Protocol):
    """How a merchant's own programs are told something, at an address that they named."""

    def refuses(self, url: str) -> str:
        """Why nothing may be told there; empty: it may."""
        ...

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Heard:
        """Tell it. Never raises for what the other side does, or does not."""
        ...

    def done(self) -> None:
        """This thread tells nobody anything for a while: what was kept open for it is closed."""
        ...


class Printer(Protocol):
    """How papers reach printers: `way` and `address` as stations have them."""

    def refuses(self, way: str, address: str) -> str:
        """Why nothing may be printed there; empty: it may. Asks nobody but the names of hosts."""
        ...

    def print(self, way: str, address: str, body: bytes, name: str) -> str:
        """Hand it over once. Gives what the printer said of it, "" where it said nothing. Raises Unavailable where it surely has nothing of
        it, OutcomeUnknown where it may, Refused where it declined."""
        ...
