"""What is written into ledgers: which entries are to be, the documents that they became, and what of ours is which of theirs."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection

from core.domain.documents import Written
from core.domain.journal import EntryKind
from core.domain.ledgers import Books as LedgerBooks
from core.domain.ledgers import DocKind, Document, LedgerAccount, Posted, Tag, TaxCode
from core.domain.money import Money
from core.domain.order_documents import Open
from core.store import journal
from core.store.connections import CHANNEL, LEDGER
from core.store.sql import run, run_set
from core.store.vault import Box

T = TypeVar("T")
_document = msgspec.json.Decoder(Document)
ENTRY = {"entry": "bigint"}


@dataclass(frozen=True, slots=True)
class Kept:
    """A document and how it stands: wanted, asked (the ledger may have it), posted, blocked (`why` and the ledger's own `words` say so).
    `id` is the key that it carries. `shape_now`: somebody changed it there, `gone`: or took it away."""

    id: str
    connection: str
    source: str
    document: Document
    state: str
    why: str
    words: str
    tried_at: int | None
    posted_at: int | None
    ledger_id: str
    version: str
    shape: str
    shape_now: str
    gone: bool
    link: str
    after: str = ""  # the document that goes first

    @property
    def is_changed(self) -> bool:
        return self.gone or bool(self.shape_now)


# ---- entries that are to be written

PULL = """
insert into document_entries (merchant, connection, entry)
select e.merchant, :connection, e.id from entries e where e.merchant = :merchant and e.at >= :since and e.day >= :first
  and e.kind <> 'opening'
on conflict (connection, entry) do nothing
"""
TO_DO = """
select e.id, e.kind, e.subject, e.day, e.memo from document_entries d join entries e on e.id = d.entry
where d.connection = :connection and d.document = '' and d.merchant || '' = :merchant order by d.entry limit :most
"""
SETTLED_BY = """
select m.connection, m.order_id, min(m.payout) as payout from {rows}
left join payout_lines m on m.connection = r.connection and m.order_id = r.order_id
where m.payout <> '' and m.merchant || '' = :merchant group by m.connection, m.order_id
"""
ITEMS = """
select r.connection, r.order_id, count(l.line) as found from {rows}
left join orders o on o.connection = r.connection and o.channel_id = r.order_id and o.merchant || '' = :merchant
left join order_lines l on l.order_id = o.id
group by r.connection, r.order_id
"""
PUT = """
update document_entries set document = :document where connection = :connection and document = '' and merchant || '' = :merchant
  and entry in (select r.entry from {rows})
"""


def pull(db: Connection, merchant: str, connection: str, since: int, first: date) -> None:
    """Entries that were booked since then, of that day or later, are to be written into this ledger; what stood when accounting began it
    was told by others."""
    run(db, PULL, merchant=merchant, connection=connection, since=since, first=first.isoformat())


def to_do(db: Connection, merchant: str, connection: str, most: int) -> list[Written]:
    """Those that are in no document yet, the oldest first; each with the payout that settles its order, where one does, and its count of
    lines."""
    found = waiting(db, merchant, connection, most)
    refs = _refs(one.subject for one in found)
    payouts, items = _settled_by(db, merchant, refs), _items(db, merchant, refs)
    return [replace(one, payout=payouts.get(one.subject, ""), items=items.get(one.subject, 0)) for one in found]


def waiting(db: Connection, merchant: str, connection: str, most: int) -> list[Written]:
    """The same without their payouts and counts."""
    found = run(db, TO_DO, merchant=merchant, connection=connection, most=most).all()
    parts = journal.postings_of(db, merchant, [row.id for row in found])
    return [
        Written(
            row.id, EntryKind(row.kind), row.subject, date.fromisoformat(row.day), row.memo, tuple(parts.get(row.id, ())),
        )
        for row in found
    ]  # fmt: skip


REF = {"connection": "text", "order_id": "text"}


def _refs(subjects: Iterable[str]) -> list[dict[str, str]]:
    """Those subjects that are orders."""
    refs = sorted({one for one in subjects if "/" in one and " " not in one})
    return [dict(zip(REF, ref.split("/", 1), strict=True)) for ref in refs]


def _items(db: Connection, merchant: str, refs: Sequence[Mapping[str, str]]) -> dict[str, int]:
    found = run_set(db, ITEMS, REF, refs, merchant=merchant)
    return {f"{row.connection}/{row.order_id}": row.found for row in found}


def _settled_by(db: Connection, merchant: str, refs: Sequence[Mapping[str, str]]) -> dict[str, str]:
    found = run_set(db, SETTLED_BY, REF, refs, merchant=merchant)
    return {f"{row.connection}/{row.order_id}": f"payout {row.connection}/{row.payout}" for row in found}


def put(db: Connection, merchant: str, connection: str, entries: Iterable[int], document: str) -> None:
    """These entries are in this document."""
    run_set(db, PUT, ENTRY, [{"entry": one} for one in entries], merchant=merchant, connection=connection, document=document)


# ---- documents

ADD = """
insert into documents (id, merchant, connection, source, revision, kind, number, day, currency, total, tax, doc, state, why, after,
  wanted_at)
values (:id, :merchant, :connection, :source, (select coalesce(max(d.revision), 0) + 1 from documents d
  where d.connection = :connection and d.source = :source), :kind, :number, :day, :currency, :total, :tax, :doc, :state, :why, :after, :now)
"""
FIELDS = """d.id, d.connection, d.source, d.doc, d.state, d.why, d.words, d.tried_at, d.posted_at, d.ledger_id, d.version, d.shape,
  d.shape_now, d.gone, d.link, d.after"""
ONE = f"select {FIELDS} from documents d where d.id = :id and d.merchant || '' = :merchant"
LOCKED = f"select {FIELDS.replace('d.', 'o.')} from documents o where o.id = :id and o.merchant || '' = :merchant {{lock}}"
LISTED = f"""
select {FIELDS} from documents d where d.merchant = :merchant and d.state = :state and d.wanted_at < :before
order by d.wanted_at desc, d.id desc limit :most
"""
COUNTS = """
select d.state, count(*) as found from documents d where d.merchant = :merchant and d.state in ('wanted', 'asked', 'blocked')
group by d.state
"""
BY_LEDGER = f"select {FIELDS} from documents d where d.connection = :connection and d.ledger_id = :id and d.merchant || '' = :merchant"


def add(
    db: Connection, merchant: str, connection: str, id: str, source: str, one: Document, box: Box, now: int, after: str | None = None
) -> None:  # fmt: skip
    """It is to be posted; first the one that it comes after."""
    run(
        db, ADD, id=id, merchant=merchant, connection=connection, source=source, kind=one.kind, number=one.number, day=one.on.isoformat(),
        currency=one.currency, total=one.total.minor, tax=one.tax.minor, doc=box.seal_text(_place(id), msgspec.json.encode(one)),
        state="wanted", why=None, after=after, now=now,
    )  # fmt: skip


def _place(id: str) -> str:
    return f"documents|doc|{id}"


def _words_place(id: str) -> str:
    return f"documents|words|{id}"


def one(db: Connection, merchant: str, id: str, box: Box, *, lock: bool = False) -> Kept | None:
    row = run(db, LOCKED if lock else ONE, id=id, merchant=merchant).first()
    return kept_of(row, box) if row else None


def by_ledger(db: Connection, merchant: str, connection: str, id: str, box: Box) -> Kept | None:
    """The document that the ledger calls so."""
    row = run(db, BY_LEDGER, connection=connection, id=id, merchant=merchant).first()
    return kept_of(row, box) if row else None


def listed(db: Connection, merchant: str, state: str, box: Box, before: int = 2**62, most: int = 50) -> list[Kept]:
    """Documents in a state, the newest first."""
    return [kept_of(row, box) for row in run(db, LISTED, merchant=merchant, state=state, before=before, most=most)]


def counts(db: Connection, merchant: str) -> dict[str, int]:
    """How many documents are not written yet, by state."""
    return {row.state: row.found for row in run(db, COUNTS, merchant=merchant)}


def kept_of(row: Any, box: Box) -> Kept:
    """A row of FIELDS."""
    words = box.open_text(_words_place(row.id), row.words).decode() if row.words else ""
    document = _document.decode(box.open_text(_place(row.id), row.doc))
    return Kept(
        row.id, row.connection, row.source, document, row.state, row.why or "", words, row.tried_at, row.posted_at, row.ledger_id or "",
        row.version or "", row.shape or "", row.shape_now or "", bool(row.gone), row.link or "", row.after or "",
    )  # fmt: skip


OPEN = """
select d.id, d.source, d.kind, d.currency, d.total - coalesce((select sum(p.total) from documents p
  where p.connection = d.connection and p.source = d.source and p.after = d.id and not p.gone), 0) as open
from {rows} left join documents d on d.connection = :connection and d.source = r.source
where d.kind in ('invoice', 'credit') and not d.gone and d.merchant || '' = :merchant order by d.source, d.revision
"""
APPLIED = """
select d.id, d.source, d.doc from {rows} left join documents d on d.connection = :connection and d.source = r.source
where d.kind = 'applied' and not d.gone and d.merchant || '' = :merchant
"""
FOLLOWERS = """
select d.id from documents d join documents f on f.connection = d.connection and f.source = d.source
  and (f.id = d.after or (f.kind = 'invoice' and d.kind = 'applied'))
where f.id = :id and f.merchant || '' = :merchant and d.state = 'wanted' order by d.revision
"""


def open_of(db: Connection, merchant: str, connection: str, sources: Iterable[str], box: Box) -> dict[str, list[Open]]:
    """Invoices and credits of these sources, and what of each nobody paid yet, nor had a credit set against it, the oldest first. What
    somebody took away there by hand is not there."""
    rows, found = [{"source": one} for one in sources], dict[str, list[Open]]()
    if not rows:
        return found
    told = run_set(db, OPEN, {"source": "text"}, rows, merchant=merchant, connection=connection).all()
    credited = _credited(run_set(db, APPLIED, {"source": "text"}, rows, merchant=merchant, connection=connection), box)
    for row in told:
        left = Money(int(row.open) - credited[row.id], row.currency)
        found.setdefault(row.source, []).append(Open(row.id, DocKind(row.kind), left))
    return found


def _credited(rows: Iterable[Any], box: Box) -> Counter[str]:
    """What credits were set against each invoice: only the document itself names both."""
    found = Counter[str]()
    for row in rows:
        document = _document.decode(box.open_text(_place(row.id), row.doc))
        found[document.of] += document.total.minor
    return found


INVOICE = """
select d.id from documents d where d.connection = :connection and d.source = :source and d.kind = 'invoice' and not d.gone
  and d.merchant || '' = :merchant order by d.revision limit 1
"""


def invoice_of(db: Connection, merchant: str, kept: Kept) -> str | None:
    """The first invoice of the same order."""
    found: str | None = run(db, INVOICE, connection=kept.connection, source=kept.source, merchant=merchant).scalar()
    return found


def after_it(db: Connection, merchant: str, id: str) -> list[str]:
    """The documents that waited for this one."""
    return [row.id for row in run(db, FOLLOWERS, id=id, merchant=merchant)]


# What the ledger surely never took is made anew, with all that was made of the same entries at the same time.
TOGETHER = """
select n.id, n.source, n.state, n.ledger_id, n.tried_at, n.after from documents d join documents n on n.merchant = d.merchant
  and n.state in ('wanted', 'asked', 'posted', 'blocked') and n.wanted_at = d.wanted_at and n.connection = d.connection
where d.id = :id and d.merchant || '' = :merchant
"""
WAITING = """
select d.id from documents d where d.connection = :connection and d.source = :source and d.after = :id and d.kind = 'payment'
  and d.state = 'wanted' and d.merchant || '' = :merchant
"""
UNDONE = """
update document_entries set document = '' where connection = :connection and document in (select r.id from {rows})
  and merchant || '' = :merchant
"""
DROP = """
delete from documents where id in (select r.id from {rows}) and connection = :connection and state in ('blocked', 'wanted')
  and ledger_id is null and merchant || '' = :merchant
"""
UNTAXED = """
select d.id from documents d where d.merchant = :merchant and d.connection = :connection and d.state = 'blocked' and d.why = 'tax'
  and d.tried_at is null and d.after is null
"""


def undo(db: Connection, merchant: str, kept: Kept) -> None:
    """A blocked document, of which nothing stands in the ledger, is forgotten with those that were made with it, and with payments that
    waited for them; their entries are to be written."""
    found = _together(db, merchant, kept)
    found += [row for one in found for row in run(db, WAITING, connection=kept.connection, source=one.source, id=one.id, merchant=merchant)]
    rows = [{"id": id} for id in sorted({row.id for row in found})]
    for statement in (UNDONE, DROP):
        run_set(db, statement, {"id": "text"}, rows, connection=kept.connection, merchant=merchant)


def _together(db: Connection, merchant: str, kept: Kept) -> list[Any]:
    """It and what was made of the same entries: in another currency, or as another document of the same order."""
    found = run(db, TOGETHER, id=kept.id, merchant=merchant).all()
    return [row for row in found if _made_of(row.source) == _made_of(kept.source)]


def _made_of(source: str) -> str:
    return source if source.startswith("bill|") else source.rpartition("|")[0]


ANEW = ("account", "tax", "unsupported")  # why it stopped, where the merchant's choices may have been the cause


def can_be_made_anew(db: Connection, merchant: str, kept: Kept) -> bool:
    """Nothing of it is in the ledger, nor of what was made together with it, and another choice may help."""
    return kept.why in ANEW and all(_is_not_there(row) for row in _together(db, merchant, kept))


def _is_not_there(row: Any) -> bool:
    """The ledger declined it, or was never asked and is not going to be before another one is there."""
    return row.ledger_id is None and (row.state == "blocked" or (row.state == "wanted" and row.tried_at is None and bool(row.after)))


PLACED = """
select coalesce(sum((select count(*) from (select 1 as one from orders o where o.connection = r.connection and o.placed_at >= :since
  and o.merchant || '' = :merchant limit :most) few)), 0) from {rows}
"""
MOST_COUNTED = 100_000


def placed(db: Connection, merchant: str, channels: Iterable[str], since: int) -> int:
    """Orders of these channels that were placed since then, of each as far as it is worth counting them."""
    rows = [{"connection": one} for one in sorted(set(channels))]
    found = run_set(db, PLACED, {"connection": "text"}, rows, merchant=merchant, since=since, most=MOST_COUNTED) if rows else None
    return int(found.scalar_one()) if found else 0


def untaxed(db: Connection, merchant: str, connection: str) -> list[str]:
    """Documents that stopped for their tax before the ledger was asked."""
    return [row.id for row in run(db, UNTAXED, merchant=merchant, connection=connection)]


TRY = "update documents set state = 'asked', why = null, words = null, tried_at = :now where id = :id"
UNTRIED = """
update documents set state = case when cast(:tried as bigint) is null then 'wanted' else state end, tried_at = cast(:tried as bigint)
where id = :id
"""
POSTED = """
update documents set state = 'posted', why = null, words = null, posted_at = coalesce(posted_at, :now), ledger_id = :ledger_id,
  version = :version, shape = :shape, shape_now = null, gone = false, link = :link where id = :id
"""
BLOCK = """
update documents set state = 'blocked', why = :why, words = :words, ledger_id = coalesce(:ledger_id, ledger_id), link = coalesce(:link,
link)
where id = :id
"""
SEEN = "update documents set version = :version, shape_now = :shape_now, gone = :gone where id = :id"


def try_it(db: Connection, id: str, now: int) -> None:
    """The ledger is asked from now on: it is looked up before it is said again."""
    run(db, TRY, id=id, now=now)


def untried(db: Connection, id: str, tried_at: int | None) -> None:
    """What was begun never reached the ledger: it stands as it did before."""
    run(db, UNTRIED, id=id, tried=tried_at)


def posted(db: Connection, id: str, said: Posted, now: int) -> None:
    run(db, POSTED, id=id, ledger_id=said.id, version=said.version, shape=said.shape, link=said.link, now=now)


def block(db: Connection, id: str, why: str, words: str, box: Box, said: Posted | None = None) -> None:
    """The ledger declined it, or made something else of it, as `said`: somebody must look."""
    sealed = box.seal_text(_words_place(id), words.encode()) if words else None
    run(db, BLOCK, id=id, why=why, words=sealed, ledger_id=said.id if said else None, link=said.link if said else None)


def seen(db: Connection, kept: Kept, said: Posted) -> None:
    """How it stands there now; what somebody changed is kept beside what we said."""
    run(db, SEEN, id=kept.id, version=said.version, shape_now=said.shape if said.shape != kept.shape else None, gone=said.gone)


# ---- what the ledger has

FORGET = "delete from ledger_things where connection = :connection and kind = :kind and merchant || '' = :merchant"
KEEP = """
insert into ledger_things (merchant, connection, kind, id, doc, seen_at)
select :merchant, :connection, :kind, r.id, r.doc, :now from {rows} where true
"""
THINGS = "select t.kind, t.doc from ledger_things t where t.connection = :connection and t.merchant || '' = :merchant order by t.kind, t.id"


def keep_things(db: Connection, merchant: str, connection: str, kind: str, found: Mapping[str, Any], now: int) -> None:
    """All that it has of a kind (books, account, tax, tag), by id; what is not among them is forgotten."""
    run(db, FORGET, connection=connection, kind=kind, merchant=merchant)
    rows = [{"id": id, "doc": msgspec.json.encode(one).decode()} for id, one in found.items()]
    if rows:
        run_set(db, KEEP, {"id": "text", "doc": "text"}, rows, merchant=merchant, connection=connection, kind=kind, now=now)


@dataclass(frozen=True, slots=True)
class Things:
    """What a ledger has, as we last read it: whose books these are (None: not read yet), accounts, tax codes and tags."""

    books: LedgerBooks | None
    accounts: list[LedgerAccount]
    codes: list[TaxCode]
    tags: list[Tag]


def things(db: Connection, merchant: str, connection: str) -> Things:
    found: dict[str, list[str]] = {}
    for row in run(db, THINGS, connection=connection, merchant=merchant):
        found.setdefault(row.kind, []).append(row.doc)
    return things_of(found)


def things_of(found: Mapping[str, Sequence[str]]) -> Things:
    """By kind, what was kept of each."""
    return Things(
        next(iter(_all(found.get("books", ()), LedgerBooks)), None), _all(found.get("account", ()), LedgerAccount),
        _all(found.get("tax", ()), TaxCode), _all(found.get("tag", ()), Tag),
    )  # fmt: skip


def _all(docs: Iterable[str], type_: type[T]) -> list[T]:
    return [msgspec.json.decode(doc, type=type_) for doc in docs]


MAPS = "select a.what, a.target from account_maps a where a.connection = :connection and a.merchant || '' = :merchant"
MAP = """
insert into account_maps (merchant, connection, what, target) select :merchant, :connection, r.what, r.target from {rows} where true
on conflict (connection, what) do update set target = excluded.target
"""


def maps(db: Connection, merchant: str, connection: str) -> dict[str, str]:
    """What of ours is which of theirs, by name."""
    return {row.what: row.target for row in run(db, MAPS, connection=connection, merchant=merchant)}


def set_maps(db: Connection, merchant: str, connection: str, chosen: Mapping[str, str]) -> None:
    """These from now on; an empty one is not mapped."""
    rows: Sequence[Mapping[str, str]] = [{"what": what, "target": target} for what, target in chosen.items()]
    run_set(db, MAP, {"what": "text", "target": "text"}, rows, merchant=merchant, connection=connection)


SHELF = """
select t.kind as part, t.id as what, t.doc as told from ledger_things t where t.connection = :connection and t.merchant || '' = :merchant
union all select 'map', a.what, a.target from account_maps a where a.connection = :connection and a.merchant || '' = :merchant
union all select 'rounded', '', cast(m.at as text) from marks m where m.connection = :merchant and m.name = :rounded order by 1, 2
"""


def shelf(db: Connection, merchant: str, connection: str) -> tuple[Things, dict[str, str], int]:
    """What a ledger has, what of ours is which of theirs, and how many cents were rounded: one statement."""
    found: dict[str, dict[str, str]] = {}
    for row in run(db, SHELF, merchant=merchant, connection=connection, rounded=f"rounded {connection}"):
        found.setdefault(row.part, {})[row.what] = row.told
    there = things_of({part: list(told.values()) for part, told in found.items()})
    return there, found.get("map", {}), int(found.get("rounded", {}).get("", 0))


CHANGE = "update documents set doc = :doc, day = :day where id = :id"
WANT = "update documents set state = 'wanted', why = null, words = null where id = :id and state = 'blocked'"


def change(db: Connection, id: str, one: Document, box: Box) -> None:
    """It is said in another way: nothing of it is in the ledger."""
    run(db, CHANGE, id=id, doc=box.seal_text(_place(id), msgspec.json.encode(one)), day=one.on.isoformat())


def want(db: Connection, id: str) -> None:
    """A blocked one is to be posted after all."""
    run(db, WANT, id=id)


DECLINED = """
select d.connection, d.number, coalesce(d.why, '') as why, d.total, d.currency, d.wanted_at from documents d
where d.merchant = :merchant and d.state = 'blocked' order by d.wanted_at, d.id limit :most
"""


@dataclass(frozen=True, slots=True)
class Declined:
    """A document that its ledger does not take, as it stands."""

    connection: str
    number: str
    why: str
    total: Money
    wanted_at: int


def declined(db: Connection, merchant: str, most: int) -> list[Declined]:
    """The oldest first."""
    found = run(db, DECLINED, merchant=merchant, most=most)
    return [Declined(row.connection, row.number, row.why, Money(row.total, row.currency), row.wanted_at) for row in found]


STANDING = """
select c.id as connection, c.role as state, c.label as why, c.channel as last,
  (select count(*) from document_entries e where e.connection = c.id and e.document = '') as found
from connections c where c.merchant = :merchant and c.role in (:seller, :role)
union all select d.connection, d.state, coalesce(d.why, ''), max(d.day), count(*) from documents d
where d.merchant = :merchant and d.state in ('wanted', 'asked', 'blocked') group by 1, 2, 3
union all select d.connection, d.state, '', max(d.day), count(*) from documents d
where d.merchant = :merchant and d.state = 'posted' and d.wanted_at >= :since group by 1, 2
order by 3, 1
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a ledger stands: documents written (of those made since a moment) and the last day among them, about to be written, and blocked
    by why; and entries that are in no document yet."""

    connection: str
    label: str
    channel: str
    entries: int
    posted: int
    last: str
    waiting: int
    blocked: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Seller:
    """A channel: its system and its name."""

    id: str
    channel: str
    label: str


def standing(db: Connection, merchant: str, since: int) -> tuple[list[Seller], list[Standing]]:
    """The merchant's channels, and how each ledger stands; both by name."""
    found = run(db, STANDING, merchant=merchant, since=since, role=LEDGER, seller=CHANNEL).all()
    sellers = [Seller(row.connection, row.last, row.why) for row in found if row.state == CHANNEL]
    return sellers, [_standing(one, [row for row in found if row.connection == one.connection]) for one in found if one.state == LEDGER]


def _standing(ledger: Any, rows: Sequence[Any]) -> Standing:
    posted = next((row for row in rows if row.state == "posted"), None)
    waiting = sum(row.found for row in rows if row.state in ("wanted", "asked"))
    blocked = {row.why: row.found for row in rows if row.state == "blocked"}
    head = (ledger.connection, ledger.why, ledger.last, ledger.found)
    return Standing(
        *head, posted.found if posted else 0, posted.last if posted else "", waiting, blocked
    )  # fmt: skip
