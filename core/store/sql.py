"""Statements over sets: a whole list travels as one JSON parameter, so the text stays the same for one row and for a thousand.

Rows are looked up by an index, never by reading a merchant's all. A young database has no statistics that would say so. Therefore
reads are left joins, which begin with r (a row that finds nothing comes back empty), those that lock do so in a fenced subselect; where an
index begins with the merchant, `r.merchant` is joined; and where it does not, `merchant || '' = :merchant` checks without tempting
anybody to begin there. tests/store/test_plans.py holds this.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import Connection, CursorResult, TextClause, text

from core.domain.signs import without_nul

_encode = msgspec.json.Encoder().encode
FENCE = {"postgresql": "offset 0", "sqlite": "limit -1"}  # what stands so is worked out by itself, never merged into what is around it


@lru_cache(maxsize=512)
def _compiled(statement: str, columns: tuple[tuple[str, str], ...], dialect: str) -> TextClause:
    """`{rows}` becomes a table r of the given columns and, where the statement names it, r.merchant; `{lock}` a lock on the
    rows of o, `{fence}` the end of a subselect that is worked out first, `{now}` the database's own clock where it has one to trust,
    `{listed}(text, sign)` puts a group's texts into one, `{exact}` sorts a text as Python does, whatever the database's language."""
    own = ", cast(:merchant as text) as merchant" if "r.merchant" in statement and ("merchant", "text") not in columns else ""
    fence = FENCE[dialect]
    if dialect == "postgresql":
        fields = ", ".join(f"{name} {kind}" for name, kind in columns)
        parts = {
            "rows": f"(select t.*{own} from json_to_recordset(cast(:rows as json)) as t({fields}) {fence}) as r",
            "lock": "for update of o",
            "skip": "for update skip locked",
            "fence": fence,
            "listed": "string_agg",
            "exact": 'collate "C"',
            "now": "cast(extract(epoch from clock_timestamp()) * 1000000 as bigint)",
        }
    else:
        fields = ", ".join(f"json_extract(v, '$.{name}') as {name}" for name, _ in columns)
        rows = f"(select {fields}{own} from (select value as v from json_each(:rows) {fence}) {fence}) as r"  # v: written out once a row
        parts = {"rows": rows, "lock": "", "skip": "", "fence": fence, "listed": "group_concat", "exact": "", "now": ":now"}
    for name, part in parts.items():
        statement = statement.replace("{" + name + "}", part)
    return text(statement)


def run(db: Connection, statement: str, **values: Any) -> CursorResult[Any]:
    """One statement; `{lock}`, `{skip}` and `{now}` are put in the database's own words."""
    return db.execute(_compiled(statement, (), db.dialect.name), values)


def by_ref(refs: Iterable[str]) -> list[dict[str, str]]:
    """Rows of orders, {connection, channel_id}, by their refs, "connection/channel_id"."""
    return [dict(zip(("connection", "channel_id"), ref.split("/", 1), strict=True)) for ref in refs]


def run_set(
    db: Connection, statement: str, columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]], **values: Any
) -> CursorResult[Any]:
    """One statement over `rows`, which it sees as table r."""
    compiled = _compiled(statement, tuple(columns.items()), db.dialect.name)
    return db.execute(compiled, {"rows": without_nul(_encode(rows)).decode(), **values})
