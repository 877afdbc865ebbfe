"""Listings of several reports put together, on disk: a catalogue of any size takes no memory, and its pages are read in order."""

import sqlite3
from collections.abc import Iterable, Sequence

from connectors.amazon.report import Row, is_like

SHAPE = """
create table found (sku text, twin text, asin text, title text, shown integer, fba integer, doubt integer, primary key (sku, twin))
without rowid
"""
PUT = """
insert into found values (?, ?, ?, ?, ?, ?, ?)
on conflict do update set
  title = iif(asin = '', excluded.title, title), doubt = max(doubt, excluded.doubt), shown = coalesce(shown, excluded.shown),
  fba = max(fba, excluded.fba), asin = iif(asin = '', excluded.asin, asin)
"""
SPOILT = "select exists (select 1 from found where twin <> '')"
SHARE = """
update found as ours set fba = 1 where twin = '' and exists (
  select 1 from found theirs where theirs.asin = ours.asin and theirs.twin <> '' and theirs.fba and is_like(ours.sku, theirs.sku))
"""
AFTER = """
select sku, twin, asin, title, shown, fba, doubt and (asin = '' or twin <> '')
from found where (sku, twin) > (?, ?) order by sku, twin limit ?
"""


class Shelf:
    """One row for a SKU, whatever marketplaces tell of it: the first that has an ASIN names it, any that is Amazon's makes it Amazon's."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)  # a private file of SQLite's, gone with the connection
        self._db.execute("pragma journal_mode = off")
        self._db.create_function("is_like", 2, is_like, deterministic=True)
        self._db.execute(SHAPE)

    def put(self, rows: Iterable[Row]) -> None:
        self._db.execute("begin")
        self._db.executemany(PUT, rows)
        self._db.execute("commit")

    def settle(self) -> None:
        """All reports are in: what one could not spell makes Amazon's what another one could."""
        if self._db.execute(SPOILT).fetchone()[0]:
            self._db.execute("create index by_asin on found (asin)")
            self._db.execute(SHARE)

    def holds(self, sku: str) -> bool:
        """Whether some report spelt this SKU out."""
        return bool(self._db.execute("select exists (select 1 from found where sku = ? and twin = '')", (sku,)).fetchone()[0])

    def after(self, last: Sequence[str], most: int) -> list[Row]:
        """Those that follow `last`, which is SKU and twin."""
        found = self._db.execute(AFTER, (*last, most))
        return [Row(sku, twin, asin, title, shown, bool(fba), bool(doubt)) for sku, twin, asin, title, shown, fba, doubt in found]

    def close(self) -> None:
        self._db.close()
