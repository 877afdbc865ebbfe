"""The lines of one settlement put together, on disk: a report of any length takes no memory, and its movements come in its own order."""

import sqlite3
from collections.abc import Iterator
from itertools import groupby

import msgspec

from connectors.amazon import settlement
from connectors.amazon.settlement import Document, Head, Line
from core.domain.payouts import Movement

SHAPE = "create table lines (seq integer primary key, key text not null, alone integer not null, body blob not null)"
PUT = "insert into lines (key, alone, body) values (?, ?, ?)"
# Lines that stand alone and are the same are told apart by their number: the second, the third.
TOLD = """
create table told as
select seq, body, iif(alone and nth > 1, key || '.' || nth, key) as id
from (select seq, body, key, alone, row_number() over (partition by key order by seq) as nth from lines)
"""
MOVED = "create table moved as select id, min(seq) as first from told group by id"
INDEXES = ("create index told_by_id on told (id, seq)", "create index moved_by_first on moved (first)")
AFTER = """
select page.first, page.id, told.body from (select id, first from moved where first > ? order by first limit ?) page
join told on told.id = page.id order by page.first, told.seq
"""


class Statement:
    """One document, read once and whole. Raises BadPayload where a line cannot be read."""

    def __init__(self, read: Document) -> None:
        self.head: Head = read.head
        self._db = sqlite3.connect("", isolation_level=None)  # a private file of SQLite's, gone with the connection
        self._db.execute("pragma journal_mode = off")
        self._db.execute(SHAPE)
        self._db.execute("begin")
        self._db.executemany(PUT, self._rows(read.lines))
        for statement in (TOLD, "drop table lines", MOVED, *INDEXES):
            self._db.execute(statement)
        self._db.execute("commit")

    def _rows(self, lines: Iterator[Line]) -> Iterator[tuple[str, bool, bytes]]:
        for line in lines:
            yield (*settlement.key(self.head.settlement, line), msgspec.json.encode(line))

    def after(self, last: int, most: int) -> list[tuple[int, Movement]]:
        """Movements that follow place `last`, each with its own place."""
        found = self._db.execute(AFTER, (last, most)).fetchall()
        return [
            (place, settlement.movement(id, self.head.settlement, [msgspec.json.decode(body, type=Line) for _, _, body in rows]))
            for (place, id), rows in groupby(found, key=lambda row: (row[0], row[1]))
        ]

    def close(self) -> None:
        self._db.close()
