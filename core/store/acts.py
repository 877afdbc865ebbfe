"""What somebody did to many orders at once: written before it begins, with what it changed, so that it is done once and can be undone."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from sqlalchemy import Connection

from core.domain.acts import Act
from core.store.sql import run
from core.store.vault import Box


@dataclass(frozen=True, slots=True, repr=False)
class Deed:
    """`detail` is why, or which tag; `words` the note; `orders` are our ids, each with the reason for which it is to be held; `changed` are
    those that it changed so far, each with the reason for which it was; `done` says how many of them were looked at."""

    id: str
    merchant: str
    who: str
    name: str
    act: Act
    orders: Mapping[str, str]
    detail: str = ""
    words: str = ""
    changed: Mapping[str, str] = field(default_factory=dict)
    done: int = 0
    at: int = 0
    ended_at: int | None = None
    undone_by: str | None = None


BEGIN = """
insert into order_acts (id, merchant, who, name, act, detail, words, orders, changed, at)
values (:id, :merchant, :who, :name, :act, :detail, :words, :orders, '{}', :at) on conflict (id) do nothing
"""


def begin(db: Connection, one: Deed, box: Box) -> bool:
    """Write it down; False where that was done before: the same form was sent twice."""
    values = {name: getattr(one, name) for name in ("id", "merchant", "who", "name", "detail", "at")}
    words = box.seal_text(_place(one.id), one.words.encode()) if one.words else None
    return bool(run(db, BEGIN, act=one.act.value, orders=_text(one.orders), words=words, **values).rowcount)


def _place(id: str) -> str:
    return f"order_acts|words|{id}"


def _text(value: Mapping[str, str]) -> str:
    return msgspec.json.encode(value).decode()


FIND = """
select o.id, o.merchant, o.who, o.name, o.act, o.detail, o.words, o.orders, o.changed, o.done, o.at, o.ended_at, o.undone_by
from order_acts o where o.id = :id and o.merchant = :merchant
"""


def find(db: Connection, merchant: str, id: str, box: Box, *, lock: bool = False) -> Deed | None:
    row = run(db, FIND + ("{lock}" if lock else ""), merchant=merchant, id=id).first()
    return _read(row, box) if row else None


def _read(row: Any, box: Box) -> Deed:
    words = box.open_text(_place(row.id), row.words).decode() if row.words else ""
    lists = {name: msgspec.json.decode(getattr(row, name)) for name in ("orders", "changed")}
    return Deed(**{**row._mapping, **lists, "act": Act(row.act), "words": words})


GO_ON = """
update order_acts set changed = :changed, done = :done, ended_at = :ended_at, words = case when :ended then null else words end
where id = :id
"""


def go_on(db: Connection, one: Deed, changed: Mapping[str, str], done: int, now: int) -> Deed:
    """It came this far. Once it is over a note stands at its orders alone: what is taken from there is nowhere else."""
    after = replace(one, changed={**one.changed, **changed}, done=done, ended_at=now if done >= len(one.orders) else None)
    run(db, GO_ON, id=one.id, changed=_text(after.changed), done=done, ended_at=after.ended_at, ended=after.ended_at is not None)
    return after


UNDO = "update order_acts set undone_by = :by where id = :id and merchant = :merchant and undone_by is null and ended_at is not null"


def undo(db: Connection, merchant: str, id: str, by: str) -> bool:
    """It is taken back by another one; False where it was before, or is not over."""
    return bool(run(db, UNDO, merchant=merchant, id=id, by=by).rowcount)


def prune(db: Connection, before: int) -> None:
    """For the sweeper: nobody undoes what is older than this."""
    run(db, "delete from order_acts where at < :before", before=before)
