"""Files with counts and maps that somebody brought: looked at first, then taken or left. They go after a month."""

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.store.sql import run

FIELDS = "o.id, o.merchant, o.who, o.name, o.file, o.at, o.state, o.options, o.report, o.undo is not null as undoable"
ADD = """
insert into uploads (id, merchant, who, name, file, at, state, options, text)
values (:id, :merchant, :who, :name, :file, :now, 'new', :options, :text)
"""
ONE = f"select {FIELDS} from uploads o where o.id = :id and o.merchant = :merchant"
NEWEST = f"select {FIELDS} from uploads o where o.merchant = :merchant and o.at > 0 order by o.at desc limit :most"
TEXT = "select o.text, o.state from uploads o where o.id = :id and o.merchant = :merchant {lock}"
MOVE = """
update uploads set state = :state, report = coalesce(:report, report), undo = coalesce(:undo, undo), text = coalesce(:text, text)
where id = :id and merchant = :merchant and state = :was
"""


@dataclass(frozen=True, slots=True)
class Upload:
    """`state`: new (to be looked at), wrong (it cannot be taken), looked, wanted (to be taken), taken. `report` says what it does, or
    did."""

    id: str
    merchant: str
    who: str
    name: str
    file: str
    at: int
    state: str
    options: dict[str, Any]
    report: dict[str, Any]
    undoable: bool


def _read(row: Any) -> Upload:
    values = dict(row._mapping)
    decoded = {name: msgspec.json.decode(values[name]) for name in ("options", "report")}
    return Upload(**{**values, **decoded, "undoable": bool(values["undoable"])})


def add(
    db: Connection, merchant: str, id: str, file: str, text: str, options: dict[str, Any], who: str, name: str, now: int
) -> None:  # fmt: skip
    said = msgspec.json.encode(options).decode()
    run(db, ADD, merchant=merchant, id=id, file=file, text=text, options=said, who=who, name=name, now=now)


def one(db: Connection, merchant: str, id: str) -> Upload | None:
    row = run(db, ONE, merchant=merchant, id=id).first()
    return _read(row) if row else None


def newest(db: Connection, merchant: str, most: int = 10) -> list[Upload]:
    return [_read(row) for row in run(db, NEWEST, merchant=merchant, most=most)]


def text_of(db: Connection, merchant: str, id: str, state: str) -> str | None:
    """What stands in it, locked until the transaction ends; None unless it is in that state."""
    row = run(db, TEXT, merchant=merchant, id=id).first()
    return str(row.text) if row and row.state == state else None


def undo_of(db: Connection, merchant: str, id: str) -> str | None:
    """The file that undoes it; None where it was not taken."""
    found: str | None = run(db, "select undo from uploads where id = :id and merchant = :merchant", id=id, merchant=merchant).scalar()
    return found


def move(
    db: Connection, merchant: str, id: str, was: str, state: str, report: dict[str, Any] | None = None, undo: str | None = None,
    text: str | None = None,
) -> bool:  # fmt: skip
    """False where somebody was first. What is None stays as it is."""
    said = None if report is None else msgspec.json.encode(report).decode()
    return run(db, MOVE, merchant=merchant, id=id, was=was, state=state, report=said, undo=undo, text=text).rowcount == 1


def prune(db: Connection, before: int) -> int:
    """For the sweeper: forget files that were brought before then."""
    return run(db, "delete from uploads where at < :before", before=before).rowcount
