"""The audit trail: who did what, written with what they did and never changed."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core.store.sql import run


@dataclass(frozen=True, slots=True)
class Actor:
    """Who does something: a user's id, "key/..." or "command line"; and how they are called now."""

    id: str
    name: str


COMMAND_LINE = Actor("command line", "command line")

WRITE = "insert into audit (merchant, at, who, name, act, subject, body) values (:merchant, :at, :who, :name, :act, :subject, :body)"


def write(db: Connection, merchant: str, now: int, who: str, name: str, act: str, subject: str = "", **body: Any) -> None:
    """One act of a person or a program: `who` is a user's id, "key/..." or "command line", `name` how they are called now, `act` is
    "room.verb", `subject` what it was done to, `body` what a reader wants to know of it. No buyer's data."""
    run(db, WRITE, merchant=merchant, at=now, who=who, name=name, act=act, subject=subject, body=json.dumps(body, sort_keys=True))
