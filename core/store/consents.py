"""Consents that somebody was sent to give. Only the hash of a state is kept; it counts once."""

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection as Db

from core.store.sql import run


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was sent, for which merchant, and what for."""

    merchant: str
    user: str
    channel: str
    wish: dict[str, str]


ASK = """
insert into consents (state, merchant, user_id, channel, wish, until) values (:state, :merchant, :user, :channel, :wish, :until)
"""
LOOK = "select merchant, user_id, channel, wish from consents where state = :state and until > :now"
TAKE = "delete from consents where state = :state and until > :now returning merchant, user_id, channel, wish"


def ask(db: Db, state: str, one: Asked, now: int, until: int) -> None:
    """Remember that they were sent; those who never came back are forgotten."""
    run(db, "delete from consents where until <= :now", now=now)
    wish = msgspec.json.encode(one.wish).decode()
    run(db, ASK, state=state, merchant=one.merchant, user=one.user, channel=one.channel, wish=wish, until=until)


def look(db: Db, state: str, now: int) -> Asked | None:
    return _read(run(db, LOOK, state=state, now=now).first())


def take(db: Db, state: str, now: int) -> Asked | None:
    """The same, for the last time."""
    return _read(run(db, TAKE, state=state, now=now).first())


def _read(row: Any) -> Asked | None:
    return Asked(row.merchant, row.user_id, row.channel, msgspec.json.decode(row.wish, type=dict[str, str])) if row else None
