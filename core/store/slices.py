"""Slices of a catalogue as their channel has just told them, held against what we have: whole by digest first, then row by row."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.exposure import exposure
from core.store.listings import FREE, RULE, SHARE, Dirty, rule_of
from core.store.sql import run_set

Row = Mapping[str, Any]
NAMES = {"listing": "text", "sku": "text", "place": "text"}
SAID = ("listing", "sku", "place", "title", "handle", "writable", "uncovered", "item", "shown")
KNOWN = f"""
select l.id, l.listing, l.sku, l.place, l.title, l.handle, l.writable, l.uncovered, l.item,
  l.shown, l.shown_at, l.heard_at, l.changed, l.told, l.heard,
  l.mapped, l.found_at, c.buffer,
  coalesce(l.accepted_at, (select min(u.asked_at) from pushes u
                           where u.connection = l.connection and u.listing_id = l.id and u.told_at is null)) as busy,
  p.sku as part, p.units, {FREE} as free, {RULE}, {SHARE}
from {{rows}} left join listings l
  on l.connection = :connection and l.listing = r.listing and l.sku = r.sku and l.place = r.place and l.merchant || '' = :merchant
left join connections c on c.id = l.connection left join listing_parts p on p.listing_id = l.id
where l.id is not null order by l.id
"""


@dataclass(frozen=True, slots=True)
class Known:
    """A listing as we have it: what its channel `said` of it last, whether it is `right` so, and whether nothing is under way about it
    that a call begun at some moment may not have seen."""

    row: Any
    right: bool

    @property
    def said(self) -> tuple[Any, ...]:
        return tuple(getattr(self.row, name) for name in SAID)

    def rests(self, began: int, *, live: bool) -> bool:
        row = self.row
        told = not live or (row.changed == row.told and row.busy is None)
        return bool(told and row.writable is None and row.shown is not None and max(row.shown_at, row.heard_at) < began)

    def as_dirty(self) -> Dirty:
        row = self.row
        return Dirty(
            row.id, row.listing, row.sku, {}, row.shown, row.shown or 0, row.changed, None, 0, "", row.heard, False, place=row.place
        )


@dataclass(frozen=True, slots=True)
class Slice:
    """What a page of the catalogue comes to: `same` rows are as we have them; `other` are not; `odd` show something else than we
    believe though nothing is under way about them; `strange` names nobody has mapped."""

    same: Sequence[Dirty]
    other: Sequence[Row]
    odd: Sequence[tuple[Dirty, int]]
    strange: Sequence[tuple[str, str]]


def compare(db: Connection, merchant: str, connection: str, rows: Sequence[Row], began: int, *, live: bool) -> Slice:
    """Rows {SAID} that a call begun then told. Equal slices cost one reading."""
    known = _known(db, merchant, connection, rows, live=live) if rows else {}
    if digest(_theirs(row) for row in rows) == digest(one.said for one in known.values() if one.right):
        return Slice([one.as_dirty() for one in known.values()], (), (), ())
    found = [(row, known.get(_name(row))) for row in rows]
    return Slice(
        [one.as_dirty() for row, one in found if one and one.right and one.said == _theirs(row)],
        [row for row, one in found if not (one and one.right and one.said == _theirs(row))],
        [(one.as_dirty(), row["shown"]) for row, one in found if one and _is_odd(row, one, began, live=live)],
        [(row["listing"], row["sku"]) for row, one in found if not (one and one.row.mapped)],
    )


def _is_odd(row: Row, one: Known, began: int, *, live: bool) -> bool:
    return row["writable"] is None and row["shown"] not in (None, one.row.shown) and one.rests(began, live=live)


def digest(said: Iterable[tuple[Any, ...]]) -> bytes:
    """Of rows in any order."""
    made = hashlib.blake2b(digest_size=16)
    for line in sorted(msgspec.json.encode(one) for one in said):
        made.update(line)
    return made.digest()


def _theirs(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in SAID)


def _name(row: Row) -> tuple[str, str, str]:
    return (row["listing"], row["sku"], row["place"])


def _known(db: Connection, merchant: str, connection: str, rows: Sequence[Row], *, live: bool) -> dict[tuple[str, str, str], Known]:
    first: dict[tuple[str, str, str], Any] = {}
    parts: dict[int, dict[str, int]] = {}
    free: dict[int, dict[str, int]] = {}
    names = [dict(zip(NAMES, name, strict=True)) for name in sorted({_name(row) for row in rows})]
    for row in run_set(db, KNOWN, NAMES, names, merchant=merchant, connection=connection):
        first.setdefault((row.listing, row.sku, row.place), row)
        if row.part is not None:
            parts.setdefault(row.id, {})[row.part] = row.units
            free.setdefault(row.id, {}).update({} if row.free is None else {row.part: int(row.free)})
    return {name: Known(row, _is_right(row, parts.get(row.id, {}), free.get(row.id, {}), live=live)) for name, row in first.items()}


def _is_right(row: Any, parts: Mapping[str, int], free: Mapping[str, int], *, live: bool) -> bool:
    """It was read before, somebody mapped it, and it shows what it should, as far as anybody knows that and writes it."""
    if not (row.found_at and row.mapped):
        return False
    if not live or row.writable is not None or parts.keys() - free.keys():
        return True
    return bool(row.changed == row.told and exposure(parts, free, rule_of(row), row.buffer, row.share).units == row.shown)


SEEN = "update listings set seen_at = :now where id in (select r.id from {rows})"


def seen(db: Connection, ids: Iterable[int], now: int) -> None:
    """The channel lists these as ever."""
    if rows := [{"id": id} for id in ids]:
        run_set(db, SEEN, {"id": "bigint"}, rows, now=now)
