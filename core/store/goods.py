"""Our SKUs as people look for them: by name, by word, page by page, and one with everything about it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from core.domain import cards, goods
from core.store.inbounds import LEFT
from core.store.places import OURS
from core.store.sql import run, run_set

NAMED = {"sku": "text", "title": "text"}
# Gives those that are new or called otherwise now: an empty title says nothing.
NAME = """
insert into skus (merchant, sku, title, created_at) select :merchant, r.sku, max(r.title), :now from {rows} where true group by r.sku
on conflict (merchant, sku) do update set title = excluded.title where excluded.title <> '' and excluded.title <> skus.title
returning sku, title
"""
WORD = {"word": "text", "sku": "text"}
UNWORD = "delete from sku_words where (merchant, sku) in (select r.merchant, r.sku from {rows})"
WORDS = "insert into sku_words (merchant, word, sku) select :merchant, r.word, r.sku from {rows} where true on conflict do nothing"
TITLED = "select k.sku, k.title from {rows} join skus k on k.merchant = r.merchant and k.sku = r.sku"
CODED = "select b.sku, b.barcode from {rows} join barcodes b on b.merchant = r.merchant and b.sku = r.sku"
AT_ONCE = 20_000


def name(db: Connection, merchant: str, titles: Iterable[tuple[str, str]], now: int) -> None:
    """(SKU, title): these SKUs are ours, and are found by these words from now on."""
    rows = [{"sku": sku, "title": title} for sku, title in titles]
    if not rows:
        return
    _word(db, merchant, run_set(db, NAME, NAMED, rows, merchant=merchant, now=now).fetchall())


def find_anew(db: Connection, merchant: str, skus: Iterable[str]) -> None:
    """The barcodes of these SKUs are others now: they are found by those they have."""
    rows = [{"sku": sku} for sku in skus]
    if rows:
        _word(db, merchant, run_set(db, TITLED, {"sku": "text"}, rows, merchant=merchant).fetchall())


def _word(db: Connection, merchant: str, changed: Sequence[Any]) -> None:
    """These {sku, title} are found by their words and barcodes, and by no others."""
    rows = [{"sku": row.sku} for row in changed]
    if not rows:
        return
    coded = run_set(db, CODED, {"sku": "text"}, rows, merchant=merchant).fetchall()
    found = [{"word": word, "sku": row.sku} for row in changed for word in goods.words(row.sku, row.title)]
    found += [{"word": row.barcode.casefold()[: goods.LENGTH], "sku": row.sku} for row in coded]
    run_set(db, UNWORD, {"sku": "text"}, rows, merchant=merchant)
    for start in range(0, len(found), AT_ONCE):
        run_set(db, WORDS, WORD, found[start : start + AT_ONCE], merchant=merchant)


SHELVES = f"""
select shelf.sku, shelf.title, coalesce(sum(v.on_hand), 0) as on_hand, coalesce(sum(v.reserved), 0) as reserved,
  count(v.location) as places,
  (select count(*) from listing_parts p where p.merchant = shelf.merchant and p.sku = shelf.sku) as listings
from ({{these}}) shelf left join levels v on v.merchant = shelf.merchant and v.sku = shelf.sku and {OURS}
group by shelf.merchant, shelf.sku, shelf.title order by shelf.sku
"""
ALL = "select merchant, sku, title from skus where merchant = :merchant and sku > :after order by sku limit :most"
# Those with a word that begins so. The range is worked out by itself: in the order of the SKUs a plan that is made once for all words
# would read every word.
BEGUN = """
select k.merchant, k.sku, k.title from (
  select distinct begun.merchant, begun.sku from (
    select w.merchant, w.sku from sku_words w where w.merchant = :merchant and w.word >= :word and w.word < :end {fence}) begun
  where begun.sku > :after order by begun.sku limit :most) named
join skus k on k.merchant = named.merchant and k.sku = named.sku
"""
# Those with all of these words and one that begins so.
SPELLED = """
select k.merchant, k.sku, k.title from (
  select w.merchant, w.sku from sku_words w where w.merchant = :merchant and w.word = :first and w.sku > :after
    and exists (select 1 from sku_words o where o.merchant = w.merchant and o.sku = w.sku and o.word >= :word and o.word < :end)
    and not exists (select 1 from {rows} where not exists (
      select 1 from sku_words o where o.merchant = w.merchant and o.sku = w.sku and o.word = r.word))
  order by w.sku limit :most) named
join skus k on k.merchant = named.merchant and k.sku = named.sku
"""


def page(db: Connection, merchant: str, text: str = "", after: str = "", most: int = 50) -> list[Any]:
    """SKUs with their sums {sku, title, on_hand, reserved, places, listings}, in their order, behind `after`; with `text` those that it
    finds."""
    *whole, last = goods.sought(text) or [""]
    values = {"merchant": merchant, "after": after, "most": most}
    if not last:
        return list(run(db, SHELVES.replace("{these}", ALL), **values))
    values |= {"word": last, "end": goods.after(last)}
    if not whole:
        return list(run(db, SHELVES.replace("{these}", BEGUN), **values))
    rows = [{"word": word} for word in whole[1:]]
    return list(run_set(db, SHELVES.replace("{these}", SPELLED), {"word": "text"}, rows, first=whole[0], **values))


# A listing that stands at several places waits once.
SHORT = """
select distinct o.id, o.name, c.channel, o.placed_at, l.line, (l.hold - l.held) * p.units as units from order_lines l
join orders o on o.id = l.order_id join connections c on c.id = o.connection
join listings g on g.connection = o.connection and g.listing = l.listing and g.sku = l.sku
join listing_parts p on p.listing_id = g.id and p.sku = :sku
where l.merchant = :merchant and l.waits = 'stock' order by o.placed_at, o.id limit :most
"""
ONE = f"""
select k.sku, k.title, k.created_at, k.quota, {", ".join(f"k.{name}" for name in cards.NAMES)},
  (select {{listed}}(b.barcode, ' ') from barcodes b where b.merchant = k.merchant and b.sku = k.sku) as barcodes
from skus k where k.merchant = :merchant and k.sku = :sku
"""
ON_ITS_WAY = f"""
  from inbound_lines n join inbounds i on i.id = n.inbound and i.state = 'sent' and {LEFT} > 0"""
NEXT = "case when i.expected_at is null then 1 else 0 end, i.expected_at, i.id"
LEVELS = f"""
select o.id as location, o.name, o.kind, v.on_hand, v.reserved, v.safety, v.damaged, v.counted_at, coming.units as coming,
  coming.expected_at,
  (select case when i.sender <> '' then i.sender else f.name end {ON_ITS_WAY} left join locations f on f.id = i.source
   where n.merchant = o.merchant and n.sku = :sku and i.location = o.id order by {NEXT} limit 1) as sender
from locations o left join levels v on v.merchant = o.merchant and v.sku = :sku and v.location = o.id
left join (select i.location, min(i.expected_at) as expected_at, sum({LEFT}) as units {ON_ITS_WAY}
  where n.merchant = :merchant and n.sku = :sku group by i.location) coming on coming.location = o.id
where o.merchant = :merchant order by o.rank, o.id
"""
WANTS = """
select held.id, held.name, c.channel, held.placed_at, held.line, held.location, held.units from (
  select o.id, o.name, o.connection, o.placed_at, r.line, r.location, r.units from reservations r join orders o on o.id = r.order_id
  where r.merchant = :merchant and r.sku = :sku order by o.placed_at desc, o.id desc limit :most) held
join connections c on c.id = held.connection order by held.placed_at desc, held.id desc
"""


def one(db: Connection, merchant: str, sku: str) -> Any:
    """{sku, title, created_at, quota} its card's fields and its barcodes as one text, or None."""
    return run(db, ONE, merchant=merchant, sku=sku).first()


def levels(db: Connection, merchant: str, sku: str) -> list[Any]:
    """Each of our locations with what lies there {location, name, kind, on_hand, reserved, safety, damaged, counted_at}; None
    where nobody counted it; `coming` units are on their way there, the next by `expected_at` from `sender`."""
    return list(run(db, LEVELS, merchant=merchant, sku=sku))


def short(db: Connection, merchant: str, sku: str, most: int = 20) -> list[Any]:
    """The oldest orders that wait for units of a SKU {id, name, channel, placed_at, line, units}."""
    return list(run(db, SHORT, merchant=merchant, sku=sku, most=most))


def promised(db: Connection, merchant: str, sku: str, most: int = 20) -> list[Any]:
    """The newest orders that hold units of a SKU {id, name, channel, placed_at, line, location, units}."""
    return list(run(db, WANTS, merchant=merchant, sku=sku, most=most))


NAMES = {"id": "bigint", "name": "text"}
LIKELY = """
select r.id, r.name, w.sku from {rows} join sku_words w on w.merchant = r.merchant and w.word = r.name
"""


def likely(db: Connection, merchant: str, spelled: Mapping[int, tuple[str, str]]) -> dict[int, list[str]]:
    """SKUs that listings may be, by the listings' rows: those that are spelled alike, or called alike. `spelled` is (SKU, title)."""
    rows = [{"id": id, "name": name} for id, (sku, title) in spelled.items() for name in goods.names(sku, title)]
    found: dict[int, list[tuple[str, str]]] = {}
    for row in run_set(db, LIKELY, NAMES, rows, merchant=merchant) if rows else ():
        found.setdefault(row.id, []).append((row.name, row.sku))
    return {id: goods.likely(some) for id, some in found.items()}


QUOTAS = "select k.sku, k.quota from {rows} join skus k on k.merchant = r.merchant and k.sku = r.sku"


def quotas(db: Connection, merchant: str, skus: Sequence[str]) -> dict[str, bool]:
    """Whether each of these SKUs is in quota."""
    rows = [{"sku": sku} for sku in skus]
    return {row.sku: bool(row.quota) for row in run_set(db, QUOTAS, {"sku": "text"}, rows, merchant=merchant)} if rows else {}


def known(db: Connection, merchant: str, skus: Sequence[str]) -> set[str]:
    """Those of these that are SKUs of ours."""
    rows = [{"sku": sku} for sku in sorted(set(skus))]
    statement = "select k.sku from {rows} left join skus k on k.merchant = r.merchant and k.sku = r.sku"
    return {row.sku for row in run_set(db, statement, {"sku": "text"}, rows, merchant=merchant) if row.sku} if rows else set()
