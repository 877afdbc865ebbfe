"""The books, for programs of bookkeepers: entries, balances, payouts and their matches, what is open, documents, certificates, profit."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from msgspec import Meta
from msgspec.json import Decoder
from sqlalchemy import Connection as Db

from core.domain import books_words
from core.domain.journal import EntryKind, Posting
from core.domain.money import Money
from core.domain.payouts import Movement, Paid
from core.domain.today import zone_of
from core.flows import accounts, profit
from core.flows.accounts import Certificate, Open
from core.flows.books import NotKept
from core.flows.certifying import paid_out
from core.store import connections, documents, journal, ledger_reads, lists, margins, payouts
from core.store.documents import Kept
from core.store.journal import Balance, Cleared, Named
from core.store.margins import Total
from core.store.payouts import Known
from core.store.tables import us, when
from web.api import books_said as say
from web.api.models import Paged, amount, amount_or_none, moment
from web.api.problems import Refusal
from web.api.route import cursor, position, reads
from web.visitor import hub, visitor

api = APIBlueprint("api_books", __name__, url_prefix="/api/v1/books", tag="Books")
Number = Annotated[int, Meta(ge=-1, le=2**62)]
Word = Annotated[str, Meta(max_length=500, pattern=r"^[^\x00-\x1f]*$")]
_entry_behind, _moment_behind = Decoder(tuple[Word, Number]), Decoder(tuple[Number, Word])
_item_behind, _count_behind = Decoder(tuple[Word, Word, Word, Word, Word]), Decoder(tuple[Annotated[int, Meta(ge=0, le=10**9)]])
NO_PAYOUT = Refusal(404, "no-such-payout", "There is no such payout.")


@reads(api, "", "books.read", say.BooksSaid)
def books() -> say.BooksSaid:
    """How the books are kept"""
    with hub().database.read() as db:
        found = journal.books(db, visitor().merchant)
    if found is None:
        return say.BooksSaid.model_construct(kept=False, starts=None, closed_until=None, zone=None)
    return say.BooksSaid.model_construct(kept=True, starts=found.starts, closed_until=found.closed_until, zone=found.zone)


# ---- the journal


@reads(api, "/entries", "books.read", say.EntryPage, 404)
@api.input(say.EntriesAsked, location="query", arg_name="asked")
def entries(asked: say.EntriesAsked) -> say.EntryPage:
    """The journal, the newest day first

    Entries are appended only: what changed is taken back by another one, and booked anew.
    """
    behind, merchant = position(asked.after, _entry_behind) or ledger_reads.NEWEST, visitor().merchant
    with hub().database.read() as db:
        days = (asked.since or say.FIRST, asked.until or say.LAST)
        found = ledger_reads.entries(db, merchant, *days, behind, asked.limit + 1, _sieves(db, asked))
        orders = journal.named(db, merchant, [row.subject for row, _ in found if " " not in row.subject])
    shown, last = found[: asked.limit], found[asked.limit - 1][0] if len(found) > asked.limit else None
    return say.EntryPage.model_construct(
        items=[_entry(row, parts, orders) for row, parts in shown], next=cursor(last.day, last.id) if last else None
    )  # fmt: skip


def _sieves(db: Db, asked: say.EntriesAsked) -> dict[str, str]:
    """Raises Refusal for an order or payout that is none of the merchant's."""
    plain = {name: str(value) for name in ("account", "connection") if (value := getattr(asked, name))}
    if asked.order and asked.payout:
        raise Refusal(404, "no-such-entry", "No entry is about an order and a payout.")
    if asked.order:
        row = _order(db, asked.order)
        return {**plain, "subject": f"{row.connection}/{row.channel_id}"}
    if asked.payout:
        known = _payout(db, asked.payout)
        return {**plain, "subject": f"payout {known.connection}/{known.payout.id}"}
    return plain


def _order(db: Db, id: str) -> Any:
    found = lists.order(db, visitor().merchant, id)
    if not found:
        raise Refusal(404, "no-such-order", "There is no such order.")
    return found[0]


def _payout(db: Db, id: str) -> Known:
    found = payouts.one(db, visitor().merchant, id)
    if found is None:
        raise NO_PAYOUT
    return found


def _entry(row: Any, parts: Sequence[Posting], orders: Mapping[str, Named]) -> say.EntrySaid:
    order = orders.get(row.subject)
    return say.EntrySaid.model_construct(
        id=row.id, kind=EntryKind(row.kind), subject=row.subject, key=row.key, version=row.version, day=date.fromisoformat(row.day),
        due_day=date.fromisoformat(row.due_day) if row.due_day else None, at=when(row.at), memo=row.memo, reverses=row.reverses,
        order=order.id if order else None, postings=[_posting(one) for one in parts],
    )  # fmt: skip


def _posting(one: Posting) -> say.PostingSaid:
    return say.PostingSaid.model_construct(
        account=one.account, name=books_words.ACCOUNTS[one.account], connection=one.connection or None, gateway=one.gateway, item=one.item,
        tax=one.tax, amount=amount(one.amount),
    )  # fmt: skip


@reads(api, "/balances", "books.read", say.BalanceList)
@api.input(say.BalancesAsked, location="query", arg_name="asked")
def balances(asked: say.BalancesAsked) -> say.BalanceList:
    """The trial balance, at the end of a day

    By account, connection, gateway and currency; of each currency all of it comes to nothing.
    """
    with hub().database.read() as db:
        found = journal.balances(db, visitor().merchant, say.FIRST, asked.on or say.LAST)
    return say.BalanceList.model_construct(on=asked.on, items=[_balance(one) for one in found if one.amount])


def _balance(one: Balance) -> say.BalanceSaid:
    return say.BalanceSaid.model_construct(
        account=one.account, name=books_words.ACCOUNTS[one.account], connection=one.connection or None, gateway=one.gateway,
        amount=amount(one.amount),
    )  # fmt: skip


# ---- payouts


@reads(api, "/payouts", "books.read", say.PayoutPage, 404)
@api.input(say.PayoutsAsked, location="query", arg_name="asked")
def paid(asked: say.PayoutsAsked) -> say.PayoutPage:
    """Payouts, the newest first"""
    behind = position(asked.after, _moment_behind) or ledger_reads.LATEST
    with hub().database.read() as db:
        found = ledger_reads.payouts_page(db, visitor().merchant, behind, asked.limit + 1, asked.connection)
    shown, last = found[: asked.limit], found[asked.limit - 1] if len(found) > asked.limit else None
    more = cursor(us(last.payout.at), last.id) if last else None
    return say.PayoutPage.model_construct(items=[say.PayoutSaid.model_construct(**_paid(one)) for one in shown], next=more)


def _paid(one: Known) -> dict[str, Any]:
    told = one.payout
    return {
        "id": one.id, "connection": one.connection, "channel_id": told.id, "gateway": one.gateway, "state": told.state, "at": told.at,
        "amount": amount(told.amount), "reaches": amount(told.reaches), "number": told.number, "banked": amount_or_none(one.banked),
        "deposit": one.deposit, "read_at": moment(one.read_at), "booked_at": moment(one.booked_at),
    }  # fmt: skip


@reads(api, "/payouts/<payout>", "books.read", say.PayoutWhole, 404)
def payout(payout: str) -> say.PayoutWhole:
    """One payout, and what its lines come to"""
    with hub().database.read() as db:
        known = _payout(db, payout)
        sums = ledger_reads.sums(db, visitor().merchant, known)
    told = [say.LinesSum.model_construct(lines=one.lines, orders=one.orders, amount=amount(one.amount)) for one in sums]
    return say.PayoutWhole.model_construct(**_paid(known), sums=told, gap=amount_or_none(_gap(known, [one.amount for one in sums])))


def _gap(known: Known, sums: Sequence[Money]) -> Money | None:
    """None where nobody can say yet."""
    amount_ = known.payout.amount
    if not known.read_at or known.payout.state is Paid.OPEN or any(one.currency != amount_.currency for one in sums):
        return None
    return amount_ - (sums[0] if sums else Money.zero(amount_.currency))


@reads(api, "/payouts/<payout>/lines", "books.read", say.PayoutLinePage, 404)
@api.input(Paged, location="query", arg_name="asked")
def lines(payout: str, asked: Paged) -> say.PayoutLinePage:
    """A payout's lines as its channel told them, each with its order, and what stands open under that"""
    behind, merchant = position(asked.after, _moment_behind) or ledger_reads.FIRST, visitor().merchant
    with hub().database.read() as db:
        known = _payout(db, payout)
        found = ledger_reads.lines(db, merchant, known, behind, asked.limit + 1)
        shown = found[: asked.limit]
        refs = {f"{known.connection}/{one.order}" for _, one in shown if one.order}
        names, left = journal.named(db, merchant, refs), _open_of(db, known, refs)
    said = [_line(known, one, names, left) for _, one in shown]
    return say.PayoutLinePage.model_construct(items=said, next=cursor(*shown[-1][0]) if len(found) > asked.limit else None)


def _open_of(db: Db, known: Known, refs: Collection[str]) -> dict[str, list[Open]]:
    """What stands open under these items, by item."""
    merchant, found = visitor().merchant, dict[str, list[Open]]()
    pays = accounts.pays_of(hub(), connections.all_of(db, merchant))
    for one in accounts.judged(db, merchant, journal.items_of(db, merchant, known.connection, refs), _today(), pays):
        found.setdefault(one.item.item, []).append(one)
    return found


def _now() -> datetime:
    return hub().clock().astimezone(zone_of(visitor().zone))


def _today() -> date:
    return _now().date()


def _line(known: Known, one: Movement, names: Mapping[str, Named], left: Mapping[str, Sequence[Open]]) -> say.PayoutLineSaid:
    ref = f"{known.connection}/{one.order}"
    order = names.get(ref)
    return say.PayoutLineSaid.model_construct(
        id=one.id, occasion=one.occasion, label=one.label, at=one.at, amount=amount(one.amount), buyer=amount(one.gross),
        fees=amount(one.fees), order=order.id if order else None, name=order.name if order else None, channel_order=one.order,
        open=[_open(each, _today()) for each in left.get(ref, ())],
    )  # fmt: skip


# ---- what is open


@reads(api, "/open", "books.read", say.OpenPage, 404)
@api.input(say.ItemsAsked, location="query", arg_name="asked")
def left(asked: say.ItemsAsked) -> say.OpenPage:
    """What stands open in clearing, the oldest first: each with its cause and age"""
    behind, merchant, today = position(asked.after, _item_behind) or ledger_reads.OLDEST, visitor().merchant, _today()
    with hub().database.read() as db:
        pays = accounts.pays_of(hub(), connections.all_of(db, merchant))
        sure = accounts.sure_from(pays, today) if asked.breaks else None
        found = ledger_reads.items(db, merchant, behind, asked.limit + 1, sure)
        shown = accounts.judged(db, merchant, found[: asked.limit], today, pays)
    more = cursor(*ledger_reads.place_of(shown[-1].item)) if len(found) > asked.limit else None
    return say.OpenPage.model_construct(items=[_open(one, today) for one in shown if one.is_break or not asked.breaks], next=more)


def _open(one: Open, today: date) -> say.OpenSaid:
    item, order = one.item, one.order
    return say.OpenSaid.model_construct(
        item=item.item, connection=item.connection, gateway=item.gateway, order=order.id if order else None,
        name=order.name if order else None, amount=amount(item.open), cause=one.cause, is_break=one.is_break, since=item.since,
        last=item.last, expected_by=one.by, age_days=(today - item.since).days,
    )  # fmt: skip


# ---- what is written into ledgers


@reads(api, "/documents", "books.read", say.DocumentPage, 404)
@api.input(say.DocumentsAsked, location="query", arg_name="asked")
def written(asked: say.DocumentsAsked) -> say.DocumentPage:
    """Documents of ledgers: written, about to be, or blocked, the newest first"""
    behind, merchant = position(asked.after, _moment_behind) or ledger_reads.LATEST, visitor().merchant
    states = (asked.state,) if asked.state else ledger_reads.STATES
    with hub().database.read() as db:
        found = ledger_reads.documents_page(db, merchant, states, behind, asked.limit + 1, hub().box(merchant), asked.ledger)
    shown, last = found[: asked.limit], found[asked.limit - 1] if len(found) > asked.limit else None
    return say.DocumentPage.model_construct(
        items=[_document(one) for _, one in shown], next=cursor(last[0], last[1].id) if last else None
    )  # fmt: skip


@reads(api, "/documents/<document>", "books.read", say.DocumentSaid, 404)
def document(document: str) -> say.DocumentSaid:
    """One document as it stands"""
    merchant = visitor().merchant
    with hub().database.read() as db:
        found = documents.one(db, merchant, document, hub().box(merchant))
    if found is None:
        raise Refusal(404, "no-such-document", "There is no such document.")
    return _document(found)


def _document(one: Kept) -> say.DocumentSaid:
    told = one.document
    return say.DocumentSaid.model_construct(
        id=one.id, ledger=one.connection, number=told.number, kind=told.kind, day=told.on, total=amount(told.total), tax=amount(told.tax),
        state=one.state, why=one.why or None, words=one.words or None, ledger_id=one.ledger_id or None, link=one.link or None,
        changed=one.is_changed, posted_at=moment(one.posted_at),
    )  # fmt: skip


# ---- certificates, and what is left


@reads(api, "/certificate", "books.read", say.CertificateSaid, 404)
@api.input(say.CertificateAsked, location="query", arg_name="asked")
def certificate(asked: say.CertificateAsked) -> say.CertificateSaid:
    """A month's certificate: every clearing account, all that is open at its end, and the residue"""
    since, until = accounts.month(asked.month or "", _today())
    try:
        with hub().database.read() as db:
            found = accounts.certificate(hub(), db, visitor().merchant, since, min(until, _today()))
    except NotKept:
        raise Refusal(404, "no-books", "No books are kept yet.") from None
    return say.CertificateSaid.model_construct(
        since=found.since, until=found.until, cleared=[_cleared(one) for one in found.cleared], open=_by_cause(found),
        balances=[_balance(one) for one in found.balances if one.amount], residue=[amount(one) for one in found.residue.values()],
    )  # fmt: skip


def _cleared(one: Cleared) -> say.ClearedSaid:
    names = ("before", "paid", "repaid", "kept", "out", "other", "after")
    told: dict[str, Any] = {name: amount(getattr(one, name)) for name in names}
    return say.ClearedSaid.model_construct(connection=one.connection, gateway=one.gateway, orders=one.orders, **told)


def _by_cause(found: Certificate) -> list[say.OpenSum]:
    counts, sums, breaks = Counter[Any](), Counter[Any](), dict[Any, bool]()
    for one in found.found:
        key = (one.cause, one.item.open.currency)
        counts[key], sums[key], breaks[key] = counts[key] + 1, sums[key] + one.item.open.minor, one.is_break
    return [
        say.OpenSum.model_construct(cause=key[0], is_break=breaks[key], count=counts[key], amount=amount(Money(sums[key], key[1])))
        for key in sorted(counts)
    ]


@reads(api, "/payouts/<payout>/certificate", "books.read", say.PayoutCertificateSaid, 404)
def payout_certificate(payout: str) -> say.PayoutCertificateSaid:
    """A payout's certificate: what it settles, what it costs, what is open, and the residue"""
    with hub().database.read() as db:
        found = accounts.open_payout(hub(), db, visitor().merchant, payout, _today())
    if found is None:
        raise NO_PAYOUT
    one = paid_out(found, "", {}, _now(), {})
    settled, fees, rest, _ = map(amount, one.sums)
    return say.PayoutCertificateSaid.model_construct(
        payout=say.PayoutSaid.model_construct(**_paid(found.known)), orders=len(one.orders), settled=settled, fees=fees, rest=rest,
        others=amount(one.beside), open=[_open(each.left, _today()) for each in found.orders if each.left],
        residue=amount_or_none(one.residue), pdf=f"/books/payouts/{found.known.id}/certificate.pdf",
    )  # fmt: skip


@reads(api, "/profit", "books.read", say.ProfitPage, 404)
@api.input(say.ProfitAsked, location="query", arg_name="asked")
def left_over(asked: say.ProfitAsked) -> say.ProfitPage:
    """What a month's orders left, by channel, SKU or order, each currency for itself; what left the most first"""
    [after], merchant = position(asked.after, _count_behind) or (0,), visitor().merchant
    since, until = accounts.month(asked.month or "", _today())
    with hub().database.read() as db:
        channels = margins.by_channel(db, merchant, since, until) if asked.by == "channel" else []
        found = profit.rows_of(db, merchant, since, until, asked.by, "-left", after, asked.limit + 1, channels)
        names = _titles(db, asked.by, found)
    shown, more = found[: asked.limit], cursor(after + asked.limit) if len(found) > asked.limit else None
    return say.ProfitPage.model_construct(since=since, until=until, items=[_left(one, names) for one in shown], next=more)


def _titles(db: Db, by: str, found: Iterable[Total]) -> dict[str, tuple[str, str]]:
    """The id and the title of each of these names that has others than itself."""
    merchant = visitor().merchant
    if by == "order":
        return {ref: (one.id, one.name) for ref, one in journal.named(db, merchant, [one.name for one in found]).items()}
    return {one.id: (one.id, one.label) for one in connections.all_of(db, merchant)} if by == "channel" else {}


def _left(one: Total, names: Mapping[str, tuple[str, str]]) -> say.ProfitSaid:
    name, title = names.get(one.name, (one.name, one.name))
    parts = ("earned", "given_back", "fees", "postage", "cost", "left")
    told: dict[str, Any] = {part: amount(getattr(one, part)) for part in parts}
    return say.ProfitSaid.model_construct(
        name=name, title=title, orders=one.orders, units=one.units, fees_told=amount(one.told), cost_missing=one.missing,
        cost_waiting=one.waiting, **told,
    )  # fmt: skip
