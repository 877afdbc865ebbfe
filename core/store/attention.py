"""What needs somebody, as questions to the database: parked work, findings, waiting lines, odd orders, listings that were refused or
never matched. What goes away is not asked for any more, so nothing here is ever cleaned up.

Each source gives rows of one shape: cause, subject (by which it is ignored), seen (how it is: ignored only while it stays so), name,
detail, kind, units, connection, at (microseconds), id (of an order, a listing or a task).
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.domain.causes import OF_ERRORS, OF_KINDS
from core.store.sql import run, run_set

MOST = 501  # no source is read further: a person sees "500+"

_KINDS = " ".join(f"when t.kind = '{kind}' then '{name}'" for kind, name in OF_KINDS.items())
_ERRORS = " ".join(f"when t.cause = '{error}' then '{name}'" for error, name in OF_ERRORS.items())
PARKED_CAUSE = f"case {_KINDS} {_ERRORS} else 'bug' end"
PARKED = f"""
select {PARKED_CAUSE} as cause, t.kind || ' ' || t.subject as subject, coalesce(t.cause, '') || ' ' || coalesce(t.detail, '') as seen,
  t.subject as name, t.detail, t.kind, 0 as units, t.connection, coalesce(t.done_at, t.asked_at) as at, cast(t.id as text) as id
from tasks t where t.merchant = :merchant and t.state = 'parked'
"""
FOUND = """
select 'found-' || f.what as cause, f.connection || ' ' || f.subject as subject, f.theirs || ' ' || f.ours as seen, f.subject as name,
  'there: ' || f.theirs || '; here: ' || f.ours as detail, f.what as kind, 0 as units, f.connection, f.found_at as at, '' as id
from findings f where f.merchant = :merchant and f.mended_at is null and f.found_at > 0 and f.what not in ('login', 'label')
"""  # that a login ends soon is said by the connection itself
SHORT = """
select 'oversold' as cause, o.id as subject, cast(sum(l.hold - l.held) as text) as seen, o.name, min(l.sku) as detail, '' as kind,
  sum(l.hold - l.held) as units, o.connection, o.placed_at as at, o.id
from order_lines l join orders o on o.id = l.order_id where l.merchant = :merchant and l.waits = 'stock' and l.decided is null
group by o.id, o.name, o.connection, o.placed_at
"""
# Not coalesce: behind PostgreSQL's second lock no index is asked for what that gives (it is none of those thought to keep secrets).
UNKNOWN = """
select 'mapping' as cause, o.connection || ' ' || coalesce(l.listing, '') || ' ' || coalesce(l.sku, '') as subject,
  cast(count(*) as text) as seen, coalesce(nullif(l.sku, ''), nullif(l.listing, ''), '?') as name, min(o.name) as detail, '' as kind,
  sum(l.hold + l.gone) as units, o.connection, max(o.placed_at) as at,
  coalesce((select cast(min(g.id) as text) from listings g where g.connection = o.connection
            and g.listing = case when l.listing is null then '' else l.listing end
            and g.sku = case when l.sku is null then '' else l.sku end), '') as id
from order_lines l join orders o on o.id = l.order_id where l.merchant = :merchant and l.waits = 'mapping'
group by o.connection, l.listing, l.sku
"""
ODD = """
select 'problem' as cause, o.id as subject, o.problems as seen, o.name, o.problems as detail, '' as kind, 0 as units, o.connection,
  o.saved_at as at, o.id
from orders o where o.merchant = :merchant and o.problems is not null and o.saved_at > 0
"""
LATE = """
select 'late' as cause, o.id as subject, cast(o.ship_by as text) as seen, o.name, cast(o.ship_by as text) as detail, '' as kind, 0 as units,
  o.connection, o.ship_by as at, o.id
from orders o where o.merchant = :merchant and o.ship_by >= :overdue and o.ship_by < :soon
  and exists (select 1 from order_lines l where l.order_id = o.id and l.hold > 0)
"""
DECLINED = """
select 'declined' as cause, cast(l.id as text) as subject, l.problem as seen, coalesce(nullif(l.sku, ''), l.listing) as name,
  l.problem as detail, '' as kind, 0 as units, l.connection, l.shown_at as at,
  coalesce((select min(p.sku) from listing_parts p where p.listing_id = l.id), '') as id
from connections c join listings l on l.connection = c.id and l.problem is not null where c.merchant = :merchant and l.writable is null
"""
STRANGE = """
select 'unmatched' as cause, cast(l.id as text) as subject, '' as seen, coalesce(nullif(l.sku, ''), l.listing) as name, l.title as detail,
  '' as kind, 0 as units, l.connection, l.found_at as at, cast(l.id as text) as id
from connections c join listings l on l.connection = c.id and not l.mapped
where c.merchant = :merchant and l.writable is null and l.listing <> ''
"""
CHANGED = """
select 'changed' as cause, cast(d.listing_id as text) as subject, d.at || ' ' || coalesce(d.units, 0) as seen, d.name,
  'there: ' || coalesce(d.theirs, 0) || '; here: ' || d.ours as detail, d.why as kind, 0 as units, d.connection, d.found_at as at, '' as id
from doubts d where d.merchant = :merchant and d.found_at > 0 and d.why is not null
"""
OTHERS = """
select 'other-writer' as cause, c.id as subject, 'again' as seen, c.label as name, cast(count(*) as text) as detail, '' as kind,
  count(*) as units, c.id as connection, max(f.found_at) as at, '' as id
from connections c join findings f on f.connection = c.id and f.what = 'listing' and f.found_at >= :week
where c.merchant = :merchant group by c.id, c.label having count(*) >= 5
"""
# On its way, and for days nobody told anything of it: lost, or never handed over.
QUIET = """
select 'quiet' as cause, p.id as subject, cast(p.heard_at as text) as seen, s.name, coalesce(p.tracking, '') as detail, '' as kind,
  0 as units, o.connection, p.heard_at as at, o.id
from parcels p join shipments s on s.id = p.shipment join orders o on o.id = s.order_id
where p.merchant = :merchant and p.look_at is not null and p.heard_at >= :lost and p.heard_at < :quiet
"""
# Papers of printers that are in use. What is forgotten after thirty days needs nobody any more.
PAPER = """
select 'print-{name}' as cause, j.id as subject, j.state as seen, t.name, coalesce(j.words, '') as detail, '' as kind, 0 as units,
  '' as connection, j.asked_at as at, t.id as id
from stations t join print_jobs j on j.station = t.id and j.state = '{state}'{more} where t.merchant = :merchant and t.state = 'active'
"""
UNLABELLED = """
select 'unlabelled' as cause, s.id as subject, s.problem || ' ' || coalesce(s.service, '') as seen, s.name, s.problem as detail, '' as kind,
  0 as units, '' as connection, s.created_at as at, s.name as id
from shipments s where s.merchant = :merchant and s.problem is not null
  and s.problem in ('address', 'carrier', 'no_rates', 'lacks', 'unknown')
  and s.state in ('released', 'packed', 'labelled') and s.created_at > 0
"""
# Its carrier did not take it back, and said why: it is good, it is paid, and its parcel stays where it is.
NOT_VOIDED = """
select 'not-voided' as cause, s.id as subject, cast(s.labelled_at as text) as seen, s.name, s.problem as detail, '' as kind, 0 as units,
  u.connection, s.labelled_at as at, u.id
from shipments s join purchases u on u.shipment = s.id and u.state = 'bought'
where s.merchant = :merchant and s.problem is not null and s.problem = 'not_voided' and s.state = 'labelled' and s.created_at > 0
"""
# Paid and not used. What left or was given back needs nobody, even before it is judged again.
UNUSED = """
select 'found-label' as cause, f.subject, f.theirs as seen, f.subject as name, f.theirs as detail, '' as kind, 0 as units, f.connection,
  f.found_at as at, f.ours as id
from findings f join shipments s on s.merchant = f.merchant and s.name = f.subject and s.state = 'labelled'
where f.merchant = :merchant and f.mended_at is null and f.found_at > 0 and f.what = 'label'
  and (s.problem is null or s.problem not in ('giving_back', 'taking_apart', 'not_voided'))
"""
PAPERS = {
    "print-unknown": PAPER.format(name="unknown", state="unknown", more=""),
    "print-failed": PAPER.format(name="failed", state="failed", more=""),
    "print-waits": PAPER.format(name="waits", state="waiting", more=" and j.asked_at < :hour"),
}
SOURCES: Mapping[str, str] = {
    "oversold": SHORT, "late": LATE, "mapping": UNKNOWN, "problem": ODD, "declined": DECLINED, "unmatched": STRANGE,
    "changed": CHANGED, "other-writer": OTHERS, "quiet": QUIET, "unlabelled": UNLABELLED,
    "found-label": UNUSED, "not-voided": NOT_VOIDED, **PAPERS,
}  # fmt: skip
ALL = (PARKED, FOUND, *SOURCES.values())
EVERYTHING = " union all ".join(f"select * from ({source} limit {MOST}) s{n}" for n, source in enumerate(ALL))
LEFT = "left join ignored i on i.merchant = :merchant and i.cause = item.cause and i.subject = item.subject and i.seen = item.seen"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that needs somebody; `at` is since when, `id` that of its order, listing, SKU or task, by its cause."""

    cause: str
    subject: str
    seen: str
    name: str
    detail: str | None
    kind: str
    units: int
    connection: str
    at: int
    id: str

    @property
    def mark(self) -> str:
        """Names how it is, for a form: whoever leaves it as it is has seen it so."""
        return hashlib.blake2b(self.seen.encode(), digest_size=8).hexdigest()


FIELDS = "item.cause, item.subject, item.seen, item.name, item.detail, item.kind, item.units, item.connection, item.at, item.id"
HOW_MANY = f"select item.cause, count(*) as n from ({EVERYTHING}) item {LEFT} where i.at is null group by item.cause"
FIRST = f"""
select * from (
  select {FIELDS}, count(*) over (partition by item.cause) as n,
    row_number() over (partition by item.cause order by item.at desc, item.subject) as place
  from ({EVERYTHING}) item {LEFT} where i.at is null) numbered
where numbered.place <= :most order by numbered.cause, numbered.place
"""

HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000
OVERDUE_US, SOON_US = 14 * DAY_US, DAY_US // 4  # an order is late from six hours before it must leave, until nobody waits for it any more
QUIET_US, LOST_US = 5 * DAY_US, 60 * DAY_US  # after the second nobody asks for a parcel any more


def _when(now: int) -> dict[str, int]:
    return {
        "overdue": now - OVERDUE_US,
        "soon": now + SOON_US,
        "week": now - 7 * DAY_US,
        "quiet": now - QUIET_US,
        "lost": now - LOST_US,
        "hour": now - HOUR_US,
    }


def counts(db: Connection, merchant: str, now: int) -> dict[str, int]:
    """How much of each cause there is, counted no further than MOST."""
    return {row.cause: int(row.n) for row in run(db, HOW_MANY, merchant=merchant, **_when(now))}


def first(db: Connection, merchant: str, now: int, most: int = 5) -> dict[str, tuple[int, list[Item]]]:
    """By cause how much there is, and the newest of it."""
    found: dict[str, tuple[int, list[Item]]] = {}
    for row in run(db, FIRST, merchant=merchant, most=most, **_when(now)):
        found.setdefault(row.cause, (int(row.n), []))[1].append(_item(row))
    return found


def _item(row: Any) -> Item:
    units, at, id = int(row.units or 0), int(row.at), str(row.id or "")
    return Item(row.cause, row.subject, row.seen, row.name, row.detail, row.kind, units, row.connection, at, id)


PAGE = f"""
select {FIELDS}, i.note, i.name as by, i.at as ignored_at from ({{source}}) item {LEFT}
where item.cause = :cause and (item.at < :before or (item.at = :before and item.subject > :after)) and (i.at is not null) = :ignored
order by item.at desc, item.subject limit :most
"""
FOREVER = 2**62


def page(
    db: Connection, merchant: str, cause: str, now: int, *, ignored: bool = False, before: int = FOREVER, after: str = "", most: int = 50
) -> list[Item]:  # fmt: skip
    """What there is of one cause, the newest first, from (before, after) on: those that nobody ignored, or those that somebody did."""
    statement = PAGE.replace("{source}", _source(cause))
    values = {"merchant": merchant, "cause": cause, "before": before, "after": after, "most": most, "ignored": ignored, **_when(now)}
    return [_item(row) for row in run(db, statement, **values)]


def _source(cause: str) -> str:
    return SOURCES.get(cause) or (FOUND if cause.startswith("found-") else PARKED)


# ---- left as it is

IGNORED = """
insert into ignored (merchant, cause, subject, who, name, note, at, seen)
select :merchant, :cause, r.subject, :who, :name, :note, :now, r.seen from {rows} where true
on conflict (merchant, cause, subject) do update set who = excluded.who, name = excluded.name, note = excluded.note, at = excluded.at,
  seen = excluded.seen
"""
SEEN = {"subject": "text", "seen": "text"}
THESE = f"select {FIELDS} from {{rows}} join ({{source}}) item on item.subject = r.subject where item.cause = :cause"
NOTES = "select cause, subject, name, note, at from ignored where merchant = :merchant order by at desc limit :most"
AGAIN = "delete from ignored where merchant = :merchant and cause = :cause and subject = :subject"


def ignore(
    db: Connection, merchant: str, cause: str, some: Iterable[tuple[str, str]], who: str, name: str, note: str, now: int
) -> None:  # fmt: skip
    """(subject, how it is): somebody looked at these and left them, until they change."""
    rows = [{"subject": subject, "seen": seen} for subject, seen in some]
    if rows:
        run_set(db, IGNORED, SEEN, rows, merchant=merchant, cause=cause, who=who, name=name, note=note, now=now)


def these(db: Connection, merchant: str, cause: str, subjects: Iterable[str], now: int) -> list[Item]:
    """Those of one cause with these subjects, as they are now."""
    rows = [{"subject": subject} for subject in sorted(set(subjects))]
    statement = THESE.replace("{source}", _source(cause))
    return [_item(row) for row in run_set(db, statement, {"subject": "text"}, rows, merchant=merchant, cause=cause, **_when(now))]


def ignored(db: Connection, merchant: str, most: int = 100) -> list[Any]:
    """What somebody left, and why {cause, subject, name, note, at}; the newest first."""
    return list(run(db, NOTES, merchant=merchant, most=most))


def show_again(db: Connection, merchant: str, cause: str, subject: str) -> None:
    run(db, AGAIN, merchant=merchant, cause=cause, subject=subject)


# ---- parked tasks

TRY = {"id": "bigint"}
RETRY = f"""
update tasks set state = 'due', due_at = :now, tries = 0, crashes = 0 where id in (
  select t.id from tasks t where t.merchant = :merchant and t.state = 'parked' and {PARKED_CAUSE} = :cause)
returning queue, kind
"""
RETRY_THESE = """
update tasks set state = 'due', due_at = :now, tries = 0, crashes = 0 where id in (
  select t.id from {rows} left join tasks t on t.id = r.id and t.merchant || '' = :merchant and t.state = 'parked' {fence})
returning queue, kind
"""
WORDS = """
select t.id, t.words from {rows} left join tasks t on t.id = r.id and t.merchant || '' = :merchant and t.words is not null
"""
OF_LABELS = """
select u.id, u.words from {rows} left join purchases u on u.id = r.id and u.merchant || '' = :merchant and u.words is not null
"""


def retry(db: Connection, merchant: str, cause: str, now: int) -> list[Any]:
    """Make everything due again that is parked by this cause. Gives {queue, kind} of each."""
    return list(run(db, RETRY, merchant=merchant, cause=cause, now=now))


def retry_these(db: Connection, merchant: str, ids: Sequence[int], now: int) -> list[Any]:
    """The same for these tasks, as far as they are parked."""
    rows = [{"id": id} for id in sorted(set(ids))]
    return list(run_set(db, RETRY_THESE, TRY, rows, merchant=merchant, now=now)) if rows else []


def sealed_words(db: Connection, merchant: str, ids: Sequence[int]) -> dict[int, str]:
    """What channels said of these tasks, sealed."""
    rows = [{"id": id} for id in sorted(set(ids))]
    found = run_set(db, WORDS, TRY, rows, merchant=merchant) if rows else ()
    return {row.id: row.words for row in found if row.id is not None}


def label_words(db: Connection, merchant: str, ids: Sequence[str]) -> dict[str, str]:
    """What carriers said of these labels, sealed."""
    rows = [{"id": id} for id in sorted(set(ids))]
    found = run_set(db, OF_LABELS, {"id": "text"}, rows, merchant=merchant) if rows else ()
    return {row.id: row.words for row in found if row.id is not None}
