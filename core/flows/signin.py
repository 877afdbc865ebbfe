"""Signing in alone: a password, a code where there is a second factor, a session. Who guesses waits, longer each time, by the e-mail
address that was typed in, known or not, and by where it came from; the answer to a stranger is that to a wrong password."""

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection as Db

from core.domain.signin import FORGOTTEN, IDLE, LONGEST, SEEN, tidy, wait
from core.flows import codes, passwords
from core.hub import Hub
from core.store import audit, people, sessions
from core.store.people import User

log = structlog.get_logger("signin")
SECOND = timedelta(minutes=5)  # to type in the code after the password


def us(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Sorry:
    """Not let in. `wait_s`: nothing is tried before."""

    wait_s: int = 0


@dataclass(frozen=True, slots=True)
class CodeWanted:
    """The password was right. `ticket` says so to `enter_code`, for some minutes."""

    ticket: str


@dataclass(frozen=True, slots=True)
class Welcome:
    """`token` is what the cookie holds; nobody else knows it."""

    token: str
    until: int


Answer = Welcome | CodeWanted | Sorry


@contextmanager
def reading(hub: Hub) -> Iterator[Db]:
    """About people, whoever they work for: a merchant's lock does not stand before it."""
    with hub.database.unbound(), hub.database.read() as db:
        yield db


@contextmanager
def writing(hub: Hub) -> Iterator[Db]:
    with hub.database.unbound(), hub.database.write() as db:
        yield db


@dataclass(frozen=True, slots=True)
class Asker:
    """Where somebody asks from: the network address, the browser, and the session that they had."""

    address: str
    agent: str = ""
    former: str = ""


def enter(hub: Hub, email: str, password: str, asker: Asker) -> Answer:
    """Let somebody in by their password, or ask for the code."""
    if held := _held_up(hub, tidy(email) or email[:254], asker.address):
        return held
    with reading(hub) as db:
        user = people.by_email(db, tidy(email))
    if not passwords.fits(password, user.password if user else None) or user is None or user.disabled_at:
        return _refuse(asker)
    user = _renewed(hub, user, password)
    return CodeWanted(_ticket(hub, user)) if user.totp else _welcome(hub, user, asker)


def _renewed(hub: Hub, user: User, password: str) -> User:
    """The same, with a password that is hashed as they are now."""
    if user.password is None or not passwords.is_old(user.password):
        return user
    hashed = passwords.hashed(password)
    with writing(hub) as db:
        people.set_password(db, user.id, hashed, user.password)
    return replace(user, password=hashed)


def enter_code(hub: Hub, ticket: str, code: str, asker: Asker) -> Answer:
    """Let somebody in whose password was right, by their code."""
    with reading(hub) as db:
        user = holder(hub, db, "second", ticket)
    if user is None or user.email is None or user.totp is None:
        return _refuse(asker)
    if held := _held_up(hub, user.email, asker.address):
        return held
    with writing(hub) as db:
        right = codes.is_right(db, hub, user, code)
    return _welcome(hub, user, asker) if right else _refuse(asker)


def _refuse(asker: Asker) -> Sorry:
    log.warning("refused to sign in", peer=asker.address)
    return Sorry()


def _held_up(hub: Hub, email: str, address: str) -> Sorry | None:
    """Counts this try before it is made, so that many at once are not one; says how long whoever tries too often must wait."""
    names = _names(hub, email, address)
    with writing(hub) as db:
        until = sessions.waits(db, list(names))
        if until > hub.now:
            return Sorry(-((hub.now - until) // 1_000_000))
        counted = sessions.count_tries(db, list(names), hub.now, hub.now - us(FORGOTTEN))
        if len(counted) < len(names):
            return Sorry(1)
        sessions.hold_up(db, {id: hub.now + us(wait(names[id], failed)) for id, failed in counted.items() if wait(names[id], failed)})
    return None


def _names(hub: Hub, email: str, address: str) -> dict[str, str]:
    """What tries are counted by: keyed hashes, and of what."""
    return {hub.vault.mark("attempts", f"{kind} {word}"): kind for kind, word in (("email", email), ("address", address))}


def forgive(hub: Hub, db: Db, email: str, address: str = "") -> None:
    """Nothing stands against this e-mail address any more; of where it came from only this try is taken back."""
    names = {kind: id for id, kind in _names(hub, email, address).items()}
    sessions.forgive(db, names["email"])
    sessions.give_back(db, names["address"])


def is_password(hub: Hub, user: User, password: str, address: str) -> bool | Sorry:
    """Whether somebody who is signed in knows their password; guessing is held up here too."""
    if held := _held_up(hub, user.email or user.id, address):
        return held
    right = passwords.fits(password, user.password)
    if right:
        with writing(hub) as db:
            forgive(hub, db, user.email or user.id, address)
    return right


def _ticket(hub: Hub, user: User) -> str:
    return hub.vault.sign("second", f"{user.id}.{hub.now + us(SECOND)}.{fingerprint(hub, user)}")


def fingerprint(hub: Hub, user: User) -> str:
    """Of their password: what carries it holds until they have another."""
    return hub.vault.mark("fingerprint", f"{user.id} {user.password or ''}")[:16]


def holder(hub: Hub, db: Db, purpose: str, ticket: str) -> User | None:
    """Who may use this ticket: signed by us for that purpose, not too old, and their password is what it was."""
    id, until, mark, *_ = *(hub.vault.signed(purpose, ticket) or "").split("."), "", "", ""
    user = people.get(db, id) if until.isdigit() and int(until) > hub.now else None
    return user if user and not user.disabled_at and fingerprint(hub, user) == mark else None


def _welcome(hub: Hub, user: User, asker: Asker) -> Answer:
    """A session, new in any case, with the merchant that they came to first."""
    with writing(hub) as db:
        merchants = people.merchants_of(db, user.id)
        forgive(hub, db, user.email or user.id, asker.address)
        if not merchants:
            return _refuse(asker)
        if asker.former:
            sessions.end(db, asker.former, user.id)
        made = begin(hub, db, user.id, merchants[0].id, asker.agent)
        audit.write(db, merchants[0].id, hub.now, user.id, user.name or user.email or "", "user.in", user.id)
    return made


def begin(hub: Hub, db: Db, user: str, merchant: str, agent: str) -> Welcome:
    """A session of a person's with one of their merchants. Only the token's hash is kept."""
    token, until = secrets.token_urlsafe(32), hub.now + us(LONGEST)
    sessions.begin(db, id_of(token), user, merchant, hub.now, until, "".join(filter(str.isprintable, agent))[:200])
    return Welcome(token, until)


def id_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def asks(hub: Hub, token: str) -> Any:
    """Whose open session this is: a row of `sessions.asks`; None where there is none."""
    with reading(hub) as db:
        row = sessions.asks(db, id_of(token), hub.now, hub.now - us(IDLE))
    if row is not None and hub.now - row.seen_at > us(SEEN):
        with writing(hub) as db:
            sessions.seen(db, id_of(token), hub.now)
    return row


def leave(hub: Hub, token: str, user: str) -> None:
    with writing(hub) as db:
        sessions.end(db, id_of(token), user)
