"""A month's certificate as it is printed."""

from collections.abc import Mapping
from datetime import date, datetime

from core.domain import books_words
from core.domain.certifying import WORDS, Beside, Left, Moved, PaidOut, Part, Settled, Stated, shortened
from core.domain.payouts import Movement
from core.domain.today import zone_of
from core.flows import accounts
from core.flows.accounts import Certificate, Matched, Open, Opened
from core.flows.books import NotKept
from core.hub import Hub
from core.papers.certified import certified, certified_payout
from core.papers.language import ENGLISH, Language
from core.store import connections, journal
from core.store.journal import Books, Cleared

MOST = 2000  # open items that are listed one by one, breaks first; the CSV has them all


def paper(
    hub: Hub, merchant: str, since: date, until: date, language: Language = ENGLISH, words: Mapping[str, str] | None = None
) -> bytes:  # fmt: skip
    """Both days included, as one PDF. `words` are those of WORDS, of causes and of gateways, by their English. Raises NotKept."""
    with hub.database.read() as db:
        books, found = journal.books(db, merchant), accounts.certificate(hub, db, merchant, since, until)
        names = {one.id: one.label for one in connections.all_of(db, merchant)}
        owner = connections.merchant(db, merchant)
    if books is None or owner is None:
        raise NotKept("no books are kept yet: say from which day on")
    return certified(
        stated(found, books, owner.name, names, hub.clock().astimezone(zone_of(books.zone)).date(), words or {}), language=language
    )


def stated(found: Certificate, books: Books, merchant: str, names: Mapping[str, str], today: date, words: Mapping[str, str]) -> Stated:
    currencies = sorted({one.after.currency for one in found.cleared} | {one.item.open.currency for one in found.found})
    parts = tuple(_part(currency, found, names, words) for currency in currencies)
    said = {key: words.get(english, english) for key, english in WORDS.items()}
    return Stated(merchant, found.since, found.until, today, books.starts, books.closed_until, parts, said)


def _part(currency: str, found: Certificate, names: Mapping[str, str], words: Mapping[str, str]) -> Part:
    moved = tuple(_moved(one, names, words) for one in found.cleared if one.after.currency == currency)
    mine = sorted((one for one in found.found if one.item.open.currency == currency), key=lambda one: not one.is_break)
    return Part(currency, moved, shortened((_left(one, names, words) for one in mine), MOST))


def _account(connection: str, gateway: str, names: Mapping[str, str], words: Mapping[str, str]) -> str:
    """Where money is cleared: who sells there, and who took the money."""
    english = books_words.GATEWAYS.get(gateway, gateway)
    return f"{names.get(connection, connection)} {words.get(english, english)}".strip()


def _moved(one: Cleared, names: Mapping[str, str], words: Mapping[str, str]) -> Moved:
    account = _account(one.connection, one.gateway, names, words)
    return Moved(account, one.before, one.paid, one.repaid, one.kept, one.out, one.other, one.after)


def _left(one: Open, names: Mapping[str, str], words: Mapping[str, str]) -> Left:
    item, why = one.item, books_words.CAUSES[one.cause]
    account = _account(item.connection, item.gateway, names, words)
    return Left(one.order.name if one.order else item.item, account, item.since, one.by, words.get(why, why), item.open)


# ---- one payout


def paper_of_payout(
    hub: Hub, merchant: str, id: str, language: Language = ENGLISH, words: Mapping[str, str] | None = None
) -> bytes | None:  # fmt: skip
    """One payout as a PDF; None where there is no such. `words` are those of WORDS, of causes, of gateways and of states, by their
    English."""
    with hub.database.read() as db:
        owner, books = connections.merchant(db, merchant), journal.books(db, merchant)
        zone = zone_of(books.zone if books else "UTC")
        found = accounts.open_payout(hub, db, merchant, id, hub.clock().astimezone(zone).date())
        names = {one.id: one.label for one in connections.all_of(db, merchant)}
    if found is None or owner is None:
        return None
    return certified_payout(paid_out(found, owner.name, names, hub.clock().astimezone(zone), words or {}), language=language)


def paid_out(found: Opened, merchant: str, names: Mapping[str, str], now: datetime, words: Mapping[str, str]) -> PaidOut:
    """Breaks first, then as the channel told them. Days are those of the zone that `now` is in."""
    zone = now.tzinfo
    known, told = found.known, found.known.payout
    orders = sorted((_settled(one, words) for one in found.orders), key=lambda one: one.open is None)
    others = tuple(Beside(_beside(one, words), one.at.astimezone(zone).date(), one.amount) for one in found.others)
    state, account = books_words.STATES[told.state], _account(known.connection, known.gateway, names, words)
    return PaidOut(
        merchant, told.number or told.id, account, told.at.astimezone(zone).date(), now.date(), words.get(state, state), told.amount,
        told.reaches, known.banked, known.deposit is not None, tuple(orders), others, found.whole,
        {key: words.get(english, english) for key, english in WORDS.items()},
    )  # fmt: skip


def _beside(one: Movement, words: Mapping[str, str]) -> str:
    """As the channel calls it, where it has a name for it."""
    english = books_words.OCCASIONS[one.occasion]
    return one.label or words.get(english, english)


def _settled(one: Matched, words: Mapping[str, str]) -> Settled:
    name = one.link.name if one.link else one.order
    if one.left is None:
        return Settled(name, one.settled, one.fees, one.amount)
    why = books_words.CAUSES[one.left.cause]
    return Settled(name, one.settled, one.fees, one.amount, one.left.item.open, words.get(why, why))
