"""The audit trail: who did what, written with what they did and never changed."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.store.sql import run

WRITE = "insert into audit (merchant, at, who, name, act, subject, body) values (:merchant, :at, :who, :name, :act, :subject, :body)"


def write(db: Connection, merchant: str, now: int, who: str, name: str, act: str, subject: str = "", **body: Any) -> None:
    """One act of a person or a program: `who` is a user's id, "key/..." or "command line", `name` how they are called now, `act` is
    "room.verb", `subject` what it was done to, `body` what a reader wants to know of it. No buyer's data."""
    run(db, WRITE, merchant=merchant, at=now, who=who, name=name, act=act, subject=subject, body=json.dumps(body, sort_keys=True))


PAGE = """
select id, at, who, name, act, subject, body from audit
where merchant = :merchant and id < :below {who} {act} order by id desc limit :most
"""
BELOW_ALL = 2**63 - 1


def page(db: Connection, merchant: str, below: int = BELOW_ALL, who: str = "", act: str = "", most: int = 50) -> list[Any]:
    """The newest acts older than the one with id `below`; of one person, or of one kind ("room" or "room.verb")."""
    parts = {"{who}": "and who = :who" if who else "", "{act}": "and (act = :act or substr(act, 1, :size) = :room)" if act else ""}
    statement = PAGE
    for name, part in parts.items():
        statement = statement.replace(name, part)
    given: dict[str, Any] = {"who": who} if who else {}
    given |= {"act": act, "room": f"{act}.", "size": len(act) + 1} if act else {}
    return list(run(db, statement, merchant=merchant, below=below, most=most, **given))


OF = "select at, who, name, act, subject, body from audit where merchant = :merchant and subject = :subject order by id desc limit :most"


@dataclass(frozen=True, slots=True)
class Act:
    at: int
    who: str
    name: str
    act: str
    subject: str
    body: dict[str, Any]


def of(db: Connection, merchant: str, subject: str, most: int = 50) -> list[Act]:
    """What was done to one subject, the newest first."""
    rows = run(db, OF, merchant=merchant, subject=subject, most=most)
    return [Act(row.at, row.who, row.name, row.act, row.subject, json.loads(row.body)) for row in rows]


ONE = "select at, who, name, act, subject, body from audit where merchant = :merchant and id = :id"


def one(db: Connection, merchant: str, id: int) -> Act | None:
    row = run(db, ONE, merchant=merchant, id=id).first()
    return Act(row.at, row.who, row.name, row.act, row.subject, json.loads(row.body)) if row else None
