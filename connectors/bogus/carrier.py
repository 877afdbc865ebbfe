"""Bogus Post: a carrier in memory that behaves, for tests. Its parcels are the truth and its calls the oracle."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from connectors.bogus import sending
from connectors.bogus.channel import Bogus
from connectors.bogus.trouble import Trouble
from core.domain.money import Money
from core.domain.order import Address
from core.domain.shipping import (
    Agreed,
    Bought,
    Checked,
    Closed,
    Collection,
    Consignment,
    LabelFormat,
    Paper,
    Progress,
    Quote,
    Sent,
    SentLine,
    Sought,
    Step,
    Tracked,
    Verdict,
    Voided,
    Voiding,
)
from core.errors import Refused
from core.ports import CarrierLimits, Connector, Kit, Limits, Rate

CALLS = ("probe", "rates", "buy", "find", "void", "track", "papers", "check", "close", "pick_up", "leave")
SERVICES = {"slow": ("Bogus Slow", 400, 4), "fast": ("Bogus Fast", 900, 1)}
HEAVY_G = 30_000


@dataclass
class Purchase:
    key: str
    service: str
    wish: Consignment
    bought: Bought
    at: datetime
    voided: bool = False
    steps: list[Step] = field(default_factory=list)


@dataclass
class BogusPost(Trouble):
    """One carrier with one account. `forgets`: it cannot be asked about keys. It knows what it sold `known_after_s` later. `blank`: what
    is found comes without papers."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    boxes: int = 5
    forgets: bool = False
    known_after_s: float = 0.0
    blank: bool = False
    prints: bool = True
    dearer: int = 1
    streets: dict[str, Checked] = field(default_factory=dict)  # what it says of addresses in these
    purchases: list[Purchase] = field(default_factory=list)
    closed: list[tuple[str, ...]] = field(default_factory=list)
    drivers: dict[str, Collection] = field(default_factory=dict)
    stay_away: set[str] = field(default_factory=set)

    def live(self) -> list[Purchase]:
        return [one for one in self.purchases if not one.voided]

    def scan(self, tracking: str, progress: Progress, town: str = "") -> None:
        """Somebody of theirs scans a parcel."""
        one = next(one for one in self.purchases if tracking in one.bought.tracking)
        one.steps.append(Step(self.clock(), progress, progress.value.upper(), progress.value.replace("_", " "), town, "US"))


class BogusCarrier:
    def __init__(self, system: BogusPost, kit: Kit) -> None:
        self.system, self.kit = system, kit

    def probe(self) -> str:
        with self.system.call("probe"):
            return "Bogus Post"

    def rates(self, wish: Consignment) -> Sequence[Quote]:
        with self.system.call("rates", wish):
            return [self._quote(wish, service) for service in SERVICES] if wish.to.country in ("US", "DE") else []

    def _quote(self, wish: Consignment, service: str) -> Quote:
        name, cents, days = SERVICES[service]
        price = Money(self.system.dearer * (cents * len(wish.boxes) + sum(box.weight_g for box in wish.boxes) // 100), wish.currency)
        return Quote(service, name, price, arrives_on=wish.ship_on + timedelta(days=days))

    def buy(self, wish: Consignment, service: str, key: str) -> Bought:
        with self.system.call("buy", key):
            if not wish.to.postcode:
                raise Refused("the carrier refused", words="There is no such address: the postal code is missing.")
            if any(box.weight_g > HEAVY_G for box in wish.boxes):
                raise Refused("the carrier refused", words="A parcel may weigh 30 kg.")
            return self._bought(wish, service, key)

    def _bought(self, wish: Consignment, service: str, key: str) -> Bought:
        quote, first = self._quote(wish, service), sum(len(one.bought.tracking) for one in self.system.purchases) + 1
        tracking = tuple(f"BP{first + n:08d}" for n in range(len(wish.boxes)))
        bought = Bought({"id": f"P{first}"}, tracking, _labels(tracking, wish.label), price=quote.price, arrives_on=quote.arrives_on)
        self.system.purchases.append(Purchase(key, service, wish, bought, self.system.clock()))
        return bought

    def find(self, wish: Consignment, service: str, key: str) -> Bought | Sought:
        with self.system.call("find", key):
            if self.system.forgets:
                return Sought.CANNOT_TELL
            known = self.system.clock() - timedelta(seconds=self.system.known_after_s)
            found = next((one.bought for one in self.system.purchases if one.key == key and one.at <= known), None)
            return Sought.ABSENT if found is None else replace(found, labels=()) if self.system.blank else found

    def void(self, bought: Bought) -> Voiding:
        with self.system.call("void", bought.handle["id"]):
            for one in self.system.purchases:
                if one.bought.handle == bought.handle and one.steps:
                    return Voiding(Voided.REFUSED, "The parcel was scanned already.")
                one.voided = one.voided or one.bought.handle == bought.handle
            return Voiding(Voided.VOIDED)

    def track(self, numbers: Sequence[str]) -> Mapping[str, Tracked]:
        with self.system.call("track", tuple(numbers)):
            known = {number: one for one in self.system.purchases for number in one.bought.tracking}
            return {
                number: Tracked(tuple(known[number].steps), known[number].bought.arrives_on) if number in known else Tracked()
                for number in numbers
            }

    def papers(self, bought: Bought, label: LabelFormat) -> Sequence[Paper]:
        with self.system.call("papers", bought.handle["id"]):
            if not self.system.prints:
                raise Refused("the carrier refused", words="This label cannot be printed again.")
            return _labels(bought.tracking, label)

    def check(self, address: Address) -> Checked:
        with self.system.call("check"):
            return self.system.streets.get(address.street1) or Checked(Verdict.GOOD if address.postcode else Verdict.UNKNOWN)

    def pick_up(self, wish: Collection, key: str) -> Agreed:
        with self.system.call("pick_up", key):
            if wish.parcels > 900:
                raise Refused("the carrier refused", words="Our van is not that large.")
            self.system.drivers[f"D{len(self.system.drivers) + 1}"] = wish
            return Agreed(f"D{len(self.system.drivers)}", {"key": key}, Money(250, "USD"))

    def leave(self, agreed: Agreed) -> None:
        with self.system.call("leave", agreed.id):
            self.system.stay_away.add(agreed.id)

    def close(self, bought: Sequence[Bought], sender: Address, key: str) -> Closed:
        with self.system.call("close", key):
            if any(one.master in known for one in bought for known in self.system.closed):
                raise Refused("the carrier refused", words="A label is on a manifest already.")
            self.system.closed.append(tuple(one.master for one in bought))
            return Closed(f"M{len(self.system.closed)}", (Paper("manifest", LabelFormat.PDF, b"%PDF manifest"),))


class OwnCarrier(BogusCarrier):
    """A channel as the carrier of its own orders: it sells what it offered a moment ago, and shows each parcel by itself. The same purchase
    under the same key is one."""

    def __init__(self, system: BogusPost, kit: Kit, shop: Bogus) -> None:
        super().__init__(system, kit)
        self.shop = shop

    def prepare(self, wish: Consignment, service: str) -> str:
        with self.system.call("prepare", service):
            return f"{service} of {len(self.system.calls)}"

    def find(self, wish: Consignment, service: str, key: str) -> Bought | Sought:
        return super().find(wish, service, key) if wish.offer else Sought.ABSENT

    def _bought(self, wish: Consignment, service: str, key: str) -> Bought:
        if not wish.offer.startswith(service):
            raise Refused("the carrier refused", words="There is no such offer.")
        made = replace(super()._bought(wish, service, key), by="Bogus Riders")
        lines = tuple(SentLine(line, units) for box in wish.boxes for line, units in box.units.items())
        sent = Sent(wish.order, 0, lines, "", made.by, service, made.master, "", self.system.clock())
        document = self.shop.order(wish.order)
        self.shop.change(wish.order, **sending.told(document, sent, f"own-{made.master}", self.system.clock().isoformat()))
        return made


def _labels(tracking: Sequence[str], how: LabelFormat) -> tuple[Paper, ...]:
    return tuple(Paper("label", how, f"^XA label {number} ^XZ".encode()) for number in tracking)


def manifest(system: BogusPost, name: str = "bogus_post") -> Connector:
    """Bogus Post as a connector called `name`."""
    return Connector(
        name=name,
        label="Bogus Post",
        roles=frozenset({"carrier"}),
        app=(),
        login=(),
        settings={},
        rates={call: Rate(1000.0, 1000.0) for call in CALLS},
        limits=Limits(),
        calls=CALLS,
        carrier=lambda kit: BogusCarrier(system, kit),
        carries=CarrierLimits(boxes=system.boxes, numbers=20, lookup_s=system.known_after_s, formats=(LabelFormat.ZPL,)),
        services={service: name for service, (name, _, _) in SERVICES.items()},
        tracking_url=lambda number: f"https://post.example/{number}",
    )
