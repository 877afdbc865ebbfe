"""By which words orders are found: keyed hashes, kept while what they stand for is kept."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from core.domain.order import Order, Person
from core.domain.words import Found, words_of
from core.store.orders import Known, kept_until
from core.store.sql import run_set
from core.store.vault import Box

WORD = {"order_id": "text", "word": "bigint", "personal": "boolean"}
# Of a new order nothing is there yet, and not to look is much cheaper.
KEEP = (
    "insert into order_words (merchant, word, order_id, personal) select :merchant, r.word, r.order_id, r.personal from {rows} where true"
)
KEEP_MORE = f"{KEEP} on conflict (word, order_id) do nothing"
DROP = """
delete from order_words where (word, order_id) in (select r.word, r.order_id from {rows}) and merchant || '' = :merchant
"""
FORGET = """
delete from order_words where order_id in (select r.order_id from {rows}) and personal and merchant || '' = :merchant
"""
Saved = tuple[str, Order, Known | None]  # our id, the order, and as it was known before


def save(db: Connection, merchant: str, saved: Iterable[Saved], box: Box, now: int) -> None:
    """Let these orders be found by what they say now. Their rows are locked, or new; what stays as it was is not written again."""
    news, more, olds = list[Mapping[str, Any]](), list[Mapping[str, Any]](), list[Mapping[str, Any]]()
    for id, order, before in saved:
        was = _found(before.order, now) if before and before.has_words else Found()
        new = _found(order, now)
        if new != was:
            (more if before else news).extend(_rows(id, new, was, box))
            olds += _rows(id, was, new, box)
    _write(db, merchant, DROP, olds)
    _write(db, merchant, KEEP, news)
    _write(db, merchant, KEEP_MORE, more)


def _found(order: Order, now: int) -> Found:
    person: Person | None = order.person if kept_until(order) > now else None
    return words_of(order, person)


def _rows(id: str, found: Found, less: Found, box: Box) -> list[dict[str, Any]]:
    words = [(word, False) for word in found.open - less.open] + [(word, True) for word in found.personal - less.personal]
    return [{"order_id": id, "word": box.index(word), "personal": personal} for word, personal in words]


def _write(db: Connection, merchant: str, statement: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        run_set(db, statement, WORD, rows, merchant=merchant)


def forget(db: Connection, merchant: str, orders: Iterable[str]) -> None:
    """These orders (our ids) are found by nothing of their buyers any more. For whoever erases what the words stand for."""
    rows = [{"order_id": id} for id in orders]
    if rows:
        run_set(db, FORGET, {"order_id": "text"}, rows, merchant=merchant)


SIZES = """
select r.word, (select count(*) from (select 1 from order_words w where w.word = r.word and w.merchant || '' = :merchant
                                        and (:buyers or not w.personal) limit :most) as found) as orders
from {rows}
"""


def sizes(db: Connection, merchant: str, words: Iterable[int], *, buyers: bool, most: int) -> dict[int, int]:
    """How many orders are found by each of these, counted up to `most`; without `buyers` only by what is not personal."""
    rows = [{"word": word} for word in words]
    found = run_set(db, SIZES, {"word": "bigint"}, rows, merchant=merchant, buyers=buyers, most=most) if rows else ()
    return {row.word: row.orders for row in found}
