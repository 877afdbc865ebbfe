"""Buyers are told of their parcels: in the transaction in which a step is learned a letter is put down, and a task of its own sends it.

Each kind is told once a parcel. A mail server cannot be asked what became of a letter: where its answer was lost, or we went down while it
had it, a person says whether it goes again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import msgspec
from babel.dates import format_date

from core.domain import telling as words
from core.domain.order import Person
from core.domain.tasks import Claim, Outcome
from core.domain.telling import MAIL, Kind, Telling
from core.domain.who import Who
from core.errors import OutcomeUnknown, Refused, Unavailable
from core.hub import Hub
from core.ports import Letter
from core.store import alerts, audit, connections, people
from core.store import telling as store
from core.store.tables import us, when
from core.store.unit import Unit

CHOSEN = "telling"  # the merchant's setting
# What became of a letter, beside being sent.
TRYING, AGAIN, UNSURE, DECLINED = "trying", "again", "unsure", "refused"
LATE, OVER, NOBODY, KEPT = "late", "over", "nobody", "kept"
EXAMPLE = "example"  # the first part of the subject of a letter to try
_person = msgspec.json.Decoder(Person)


@dataclass(frozen=True, slots=True)
class News:
    """Something happened to a parcel of an order of this connection at that moment (microseconds)."""

    parcel: str
    connection: str
    kind: Kind
    at: int


def chosen(settings: Mapping[str, Any]) -> Telling:
    """What a merchant with these settings chose."""
    return words.telling(settings.get(CHOSEN) or {})


def tell(hub: Hub, work: Unit, merchant: str, news: Iterable[News]) -> None:
    """Whoever is to be told of these is told soon, each thing once."""
    some = list(news)
    choice = chosen(people.settings(work.db, merchant)[1]) if some else Telling()
    wanted = [one for one in some if choice.tells(one.connection, one.kind)]
    rows = [{"id": hub.ids(), "parcel": one.parcel, "what": one.kind.value, "way": MAIL, "at": one.at} for one in wanted]
    for id in store.write(work.db, merchant, rows):
        work.ask(merchant, "tell_buyers", id)


def tell_buyers(hub: Hub, claim: Claim) -> None:
    """Send one letter, unless it was sent or is not to be sent any more. Raises Unavailable where mail has no way out now."""
    merchant, id = claim.merchant, claim.subjects[0]
    if id.startswith(f"{EXAMPLE}/"):
        _send_example(hub, merchant, id)
        return
    with hub.unit(claim, finish=False) as work:
        one = store.letter(work.db, merchant, id)
        letter, outcome = _begin(hub, work, merchant, one) if one else (None, LATE)
    if letter is None:
        _over(hub, claim, id, outcome)
        return
    try:
        became = hub.post.mail(letter) if hub.post else KEPT
    except Unavailable:
        with hub.unit(claim, finish=False) as work:
            store.become(work.db, merchant, id, outcome, work.now)
        raise
    except Refused as error:
        _stop(hub, claim, id, DECLINED, error)
        return
    except OutcomeUnknown as error:
        _stop(hub, claim, id, UNSURE, error)
        return
    _over(hub, claim, id, became)


def _begin(hub: Hub, work: Unit, merchant: str, one: Any) -> tuple[Letter | None, str | None]:
    """The letter to send and what stood there before; from now on it may have been sent. None, and what becomes of it, where nothing is
    sent. One that we went down with is for a person to decide."""
    if one.sent_at is not None and one.outcome != AGAIN:
        return None, one.outcome
    if one.outcome == TRYING:
        return None, UNSURE
    asked_for = one.outcome in (AGAIN, UNSURE, DECLINED)  # a person wants it sent, whatever the hour
    if not asked_for and (one.over or one.at < work.now - us_of_old()):
        return None, OVER if one.over else LATE
    to = address_of(hub, merchant, one)
    if not to:
        return None, NOBODY
    store.become(work.db, merchant, one.id, TRYING, work.now)
    return written(hub, one, to, hub.ids() if one.outcome == AGAIN else one.id, work.now), one.outcome


def us_of_old() -> int:
    return int(words.OLD.total_seconds() * 1_000_000)


def address_of(hub: Hub, merchant: str, one: Any) -> str:
    """The buyer's address; "" for one who was forgotten, or left none that a letter could go to."""
    if one.person is None:
        return ""
    person = _person.decode(hub.box(merchant).open_text(f"orders|person|{one.order_id}", one.person))
    return person.email.strip() if words.is_address(person.email.strip()) else ""


def _over(hub: Hub, claim: Claim, id: str, outcome: str | None) -> None:
    if outcome == UNSURE:
        _stop(hub, claim, id, UNSURE, OutcomeUnknown("nobody knows whether the letter was sent"))
        return
    with hub.unit(claim) as work:
        store.become(work.db, claim.merchant, id, outcome, work.now)


def _stop(hub: Hub, claim: Claim, id: str, outcome: str, error: OutcomeUnknown | Refused) -> None:
    """A person must look."""
    claim.say(id, Outcome("parked", cause=type(error).__mro__[0].__name__, detail=str(error)))
    with hub.unit(claim) as work:
        store.become(work.db, claim.merchant, id, outcome, work.now)


def again(hub: Hub, merchant: str, id: str, shipment: str, who: Who) -> None:
    """Send this letter of a shipment's once more, because somebody wants it. Raises Refused where there is none, or it is under way."""
    with hub.unit() as work:
        known = {row.id: row for row in store.of_shipment(work.db, merchant, shipment)}
        if id not in known:
            raise Refused("there is no such letter")
        if known[id].outcome in (TRYING, AGAIN, None):
            raise Refused("it is on its way")
        store.become(work.db, merchant, id, AGAIN, work.now)
        work.ask(merchant, "tell_buyers", id)
        audit.write(work.db, merchant, work.now, who.id, who.name, "letter.again", id, what=known[id].what)


# ---- what stands in it


def written(hub: Hub, one: Any, to: str, id: str, now: int) -> Letter:
    """A letter in the merchant's language, of the shop, with the parcel's page and the shop's own address to answer."""
    settings = msgspec.json.decode(one.settings)
    language, choice = str(settings.get("locale") or "en"), chosen(settings)

    def say(text: str, **values: object) -> str:
        return hub.translate(language, text) % values

    page = f"{hub.public_url}/track/{one.token}" if hub.public_url else ""
    named = {"shop": one.shop, "order": one.order_name}
    lines = [say(words.LINES[Kind(one.what)], **named)]
    if one.carrier_name and one.tracking:
        lines.append(say(words.CARRIER, carrier=one.carrier_name, tracking=one.tracking))
    if one.expected_on and one.what != Kind.DELIVERED:
        lines.append(say(words.EXPECTED, day=_day(one.expected_on, language)))
    lines += [say(words.SEE, address=page)] if page else []
    lines += [say(words.ANSWER)] if choice.reply_to else []
    body = "\n\n".join([*lines, one.shop]) + "\n"
    title = say(words.TITLES[Kind(one.what)], **named)
    return Letter(id, to, title, body, when(now), words.as_page([*lines, one.shop], page, language), choice.reply_to, one.shop)


def _day(said: str, language: str) -> str:
    return str(format_date(date.fromisoformat(said), "long", locale=language))


# ---- what a merchant chooses


def choose(hub: Hub, merchant: str, one: Telling, who: Who) -> None:
    """From now on buyers are told so. Raises Refused for an address to answer that is none; other merchants' connections are left out."""
    if one.reply_to and not words.is_address(one.reply_to):
        raise Refused("that is no address for answers")
    with hub.unit() as work:
        mine = {row.id for row in connections.all_of(work.db, merchant)}
        kept = words.kept(Telling({id: kinds for id, kinds in one.kinds.items() if id in mine}, one.reply_to))
        people.choose(work.db, merchant, **{CHOSEN: kept})
        audit.write(work.db, merchant, work.now, who.id, who.name, "letter.choose", "", **kept)


@dataclass(frozen=True, slots=True)
class Sample:
    """An invented parcel, to show what a letter looks like."""

    shop: str
    settings: str
    what: str
    order_name: str = "#1001"
    carrier_name: str = "UPS"
    tracking: str = "1Z999AA10123456784"
    expected_on: str | None = None
    token: str = EXAMPLE


def sample(hub: Hub, shop: str, settings: Mapping[str, Any], kind: Kind, to: str, id: str = EXAMPLE) -> Letter:
    """What a buyer of this merchant's would read."""
    one = Sample(shop, msgspec.json.encode(settings).decode(), kind.value, expected_on=hub.clock().date().isoformat())
    return written(hub, one, to, id, us(hub.clock()))


def try_one(hub: Hub, merchant: str, user: str, kind: Kind) -> bool:
    """An example to oneself. False where nobody of this id works here, or they have no address."""
    with hub.unit() as work:
        member = alerts.member(work.db, merchant, user)
        if member is None or not member.email:
            return False
        work.ask(merchant, "tell_buyers", f"{EXAMPLE}/{user}/{kind.value}")
    return True


def _send_example(hub: Hub, merchant: str, subject: str) -> None:
    _, user, kind = subject.split("/")
    with hub.database.read() as db:
        member, (shop, settings) = alerts.member(db, merchant, user), people.settings(db, merchant)
    if member and member.email and hub.post:
        hub.post.mail(sample(hub, shop, settings, Kind(kind), member.email, hub.ids()))
