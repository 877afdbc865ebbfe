"""Who works here: the first owner, invitations, roles, passwords. What a page or the command line asks for, with its line in the audit
trail in the same transaction. What cannot be done is a Problem, not an error."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection as Db

from core.domain.roles import Role
from core.domain.signin import IDLE, Problem, tidy, weakness
from core.domain.who import COMMAND_LINE, Who
from core.errors import Stale
from core.flows import codes, passwords
from core.flows.signin import Asker, Sorry, Welcome, begin, fingerprint, forgive, holder, id_of, is_password, reading, us, writing
from core.hub import Hub
from core.store import audit, connections, people, sessions
from core.store.connections import Merchant
from core.store.people import User

LINK, INVITATION = timedelta(days=1), timedelta(days=7)
NAME_LENGTH = 100


def called(text: str) -> str:
    """A name as we keep it; empty where it is none."""
    said = " ".join(text.split())
    return said if said.isprintable() and len(said) <= NAME_LENGTH else ""


def _problem(email: str, name: str, password: str) -> Problem | None:
    if not tidy(email):
        return Problem.EMAIL
    return weakness(passwords.folded(password), tidy(email)) if called(name) else Problem.NAME


# ---- the first owner


def setup_token(hub: Hub) -> str:
    """What the address holds by which the first owner is made; it opens nothing once there is a user."""
    return hub.vault.mark("setup", "the first owner")[:32]


def is_setup(hub: Hub, token: str) -> bool:
    """Whether this token makes the first owner now."""
    is_ours = hmac.compare_digest(setup_token(hub).encode(), token.encode("utf-8", "replace"))
    with reading(hub) as db:
        return is_ours and people.is_empty(db)


def first_owner(hub: Hub, token: str, email: str, name: str, password: str, merchant_name: str, asker: Asker) -> Welcome | Problem:
    """Make the owner of all merchants that are here, of a new one of that name where there is none; they are signed in."""
    if problem := _problem(email, name, password):
        return problem
    hashed = passwords.hashed(password) if is_setup(hub, token) else ""
    with writing(hub) as db:
        people.lock_first(db)
        if not hashed or not people.is_empty(db):
            return Problem.GONE
        merchants = [one.id for one in connections.merchants(db)] or _found(hub, db, merchant_name)
        if not merchants:
            return Problem.NAME
        user = _add(hub, db, email, name, hashed)
        for merchant in merchants:
            _take_in(hub, db, merchant, user, Role.OWNER, Who(user, called(name)), "user.setup")
        return begin(hub, db, user, merchants[0], asker.agent)


def _found(hub: Hub, db: Db, name: str) -> list[str]:
    """A merchant of that name; none where it is no name."""
    id = hub.ids()
    if called(name):
        connections.add_merchant(db, Merchant(id, called(name), hub.vault.new_key(id)), hub.now)
    return [id] if called(name) else []


def _add(hub: Hub, db: Db, email: str, name: str, password: str | None) -> str:
    """A new user's id; empty where somebody has that address."""
    id = hub.ids()
    return id if people.add_user(db, id, tidy(email), called(name), hub.vault.new_key(id), hub.now, password) else ""


def _take_in(hub: Hub, db: Db, merchant: str, user: str, role: Role, by: Who, act: str) -> None:
    people.join(db, merchant, user, role, hub.now)
    audit.write(db, merchant, hub.now, by.id, by.name, act, user, role=role.value)


# ---- from the command line


def add(hub: Hub, merchant: str, email: str, name: str, role: Role) -> User | Problem:
    """Somebody works for this merchant, as a new user or one that is known already."""
    if not tidy(email):
        return Problem.EMAIL
    with writing(hub) as db:
        known = people.by_email(db, tidy(email))
        if known and merchant in {one.id for one in people.merchants_of(db, known.id)}:
            return Problem.TAKEN
        user = known.id if known else _add(hub, db, email, name, None)
        _take_in(hub, db, merchant, user, role, COMMAND_LINE, "user.add")
        return people.by_email(db, tidy(email)) or Problem.TAKEN


def find(hub: Hub, email: str) -> User | None:
    with reading(hub) as db:
        return people.by_email(db, tidy(email))


def of(hub: Hub, id: str) -> User | None:
    with reading(hub) as db:
        return people.get(db, id)


def everyone(hub: Hub) -> list[Any]:
    """Every user with each merchant that they work for: for whoever has the command line."""
    with reading(hub) as db:
        return people.everyone(db)


def shut_out(hub: Hub, user: User, is_out: bool) -> None:
    """Disabled everywhere, with all sessions ended; or let in again."""
    with writing(hub) as db:
        people.disable(db, user.id, hub.now if is_out else None)
        sessions.end_all(db, user.id)
        _note(hub, db, user, COMMAND_LINE, "user.disable" if is_out else "user.enable")


def take_off_code(hub: Hub, user: User) -> None:
    """They sign in by their password alone until they put on another second factor."""
    with writing(hub) as db:
        people.set_totp(db, user.id, None, user.totp)
        _note(hub, db, user, COMMAND_LINE, "user.code_off")


def _note(hub: Hub, db: Db, user: User, by: Who, act: str) -> None:
    """In the audit trail of each merchant that they work for."""
    for merchant in people.merchants_of(db, user.id):
        audit.write(db, merchant.id, hub.now, by.id, by.name, act, user.id, email=user.email)


# ---- passwords


def link(hub: Hub, user: User) -> str:
    """The token of a link by which somebody sets a password: for a day, and once, since it holds for the password that they have now."""
    return hub.vault.sign("password", f"{user.id}.{hub.now + us(LINK)}.{fingerprint(hub, user)}")


def linked(hub: Hub, token: str) -> User | None:
    """Whose link this is; None where it holds no more."""
    with reading(hub) as db:
        return holder(hub, db, "password", token)


def redeem(hub: Hub, token: str, password: str) -> Problem | None:
    """Set the password that a link is for. All their sessions end."""
    user = linked(hub, token)
    return set_password(hub, user, password, Who(user.id, user.name or user.email or "")) if user else Problem.GONE


def set_password(hub: Hub, user: User, password: str, by: Who, keep: str = "") -> Problem | None:
    """Another password: every session ends but the one whose token is `keep`, and so does what held them up."""
    if problem := weakness(passwords.folded(password), user.email or ""):
        return problem
    hashed = passwords.hashed(password)
    with writing(hub) as db:
        if not people.set_password(db, user.id, hashed, user.password):
            return Problem.GONE
        sessions.end_all(db, user.id, id_of(keep) if keep else "")
        forgive(hub, db, user.email or user.id)
        _note(hub, db, user, by, "user.password")
    return None


def change_password(hub: Hub, user: User, old: str, new: str, keep: str, address: str) -> Problem | None:
    """By somebody who is signed in and says the old one."""
    if problem := _unproven(hub, user, old, address):
        return problem
    return set_password(hub, user, new, Who(user.id, user.name or user.email or ""), keep)


def _unproven(hub: Hub, user: User, password: str, address: str) -> Problem | None:
    match is_password(hub, user, password, address):
        case Sorry():
            return Problem.WAIT
        case False:
            return Problem.WRONG
    return None


# ---- one's own second factor


def put_on_code(hub: Hub, user: User, ticket: str, code: str) -> list[str] | Problem:
    """Sign in with codes from now on; gives the recovery codes. `ticket` is `code_ticket`'s, `code` shows that the telephone has it."""
    secret = code_secret(hub, user, ticket)
    if not secret or user.totp:
        return Problem.GONE
    step = codes.step_of(secret, code, hub.now)
    if step is None:
        return Problem.WRONG
    with writing(hub) as db:
        recovery = codes.put_on(db, hub, user, secret)
        people.use_step(db, user.id, step)
        _note(hub, db, user, Who(user.id, user.name or user.email or ""), "user.code_on")
    return recovery or Problem.GONE


def code_ticket(hub: Hub, user: User, secret: str) -> str:
    """Between showing the picture and the first code."""
    return hub.vault.sign("new code", f"{user.id}.{secret}")


def code_secret(hub: Hub, user: User, ticket: str) -> str:
    """The secret of a ticket of theirs; empty for any other."""
    id, _, secret = (hub.vault.signed("new code", ticket) or "").partition(".")
    return secret if id == user.id else ""


def give_up_code(hub: Hub, user: User, password: str, address: str) -> Problem | None:
    if problem := _unproven(hub, user, password, address):
        return problem
    with writing(hub) as db:
        people.set_totp(db, user.id, None, user.totp)
        _note(hub, db, user, Who(user.id, user.name or user.email or ""), "user.code_off")
    return None


# ---- invitations


def invite(hub: Hub, merchant: str, email: str, role: Role, by: Who) -> str | Problem:
    """The token of a link by which somebody joins, for a week and once; an older one to the same address holds no more."""
    if not tidy(email):
        return Problem.EMAIL
    token, id = secrets.token_urlsafe(24), hub.ids()
    with hub.database.write() as db:
        if any(one.email == tidy(email) for one in people.staff(db, merchant)):
            return Problem.TAKEN
        people.invite(db, merchant, id, tidy(email), role, hash_of(token), by.id, hub.now, hub.now + us(INVITATION))
        audit.write(db, merchant, hub.now, by.id, by.name, "user.invite", id, email=tidy(email), role=role.value)
    return token


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def withdraw(hub: Hub, merchant: str, id: str, by: Who) -> Problem | None:
    with hub.database.write() as db:
        email = people.withdraw(db, merchant, id)
        if email is None:
            return Problem.NOBODY
        audit.write(db, merchant, hub.now, by.id, by.name, "user.withdraw", id, email=email)
    return None


def invited(hub: Hub, token: str) -> Any:
    """The invitation of this link: email, role, merchant, merchant_name; None where it holds no more."""
    with reading(hub) as db:
        return people.invited(db, hash_of(token), hub.now)


def join_new(hub: Hub, token: str, name: str, password: str, asker: Asker) -> Welcome | Problem:
    """Accept an invitation as somebody who had no login; they are signed in."""
    found = invited(hub, token)
    if found is None:
        return Problem.GONE
    if problem := _problem(found.email, name, password):
        return problem
    hashed = passwords.hashed(password)
    with writing(hub) as db:
        if people.by_email(db, found.email):
            return Problem.TAKEN
        if not people.accept(db, found.id, hub.now):
            return Problem.GONE
        user = _add(hub, db, found.email, name, hashed)
        if not user:
            raise Stale("somebody else took this address in this moment")
        _take_in(hub, db, found.merchant, user, Role(found.role), Who(user, called(name)), "user.join")
        return begin(hub, db, user, found.merchant, asker.agent)


def join_known(hub: Hub, token: str, user: User, session: str) -> Problem | None:
    """Accept an invitation as somebody who is signed in under its address; they look at that merchant next."""
    with writing(hub) as db:
        found = people.invited(db, hash_of(token), hub.now)
        if found is None or found.email != user.email or not people.accept(db, found.id, hub.now):
            return Problem.GONE
        _take_in(hub, db, found.merchant, user.id, Role(found.role), Who(user.id, user.name or user.email or ""), "user.join")
        sessions.switch(db, id_of(session), found.merchant)
    return None


# ---- roles


def set_role(hub: Hub, merchant: str, user: str, role: Role, by: Who) -> Problem | None:
    """Somebody's role here; the last owner stays one."""
    with hub.database.write() as db:
        owners, was = people.owners(db, merchant), people.member(db, merchant, user)
        if was is None:
            return Problem.NOBODY
        if owners == [user] and role is not Role.OWNER:
            return Problem.LAST_OWNER
        people.join(db, merchant, user, role, hub.now)
        audit.write(db, merchant, hub.now, by.id, by.name, "user.role", user, person=was.called, was=was.role, role=role.value)
    return None


def remove(hub: Hub, merchant: str, user: str, by: Who) -> Problem | None:
    """Somebody works here no more, and what they have open of this merchant ends; the last owner stays."""
    with hub.database.write() as db:
        owners, was = people.owners(db, merchant), people.member(db, merchant, user)
        if was is None:
            return Problem.NOBODY
        if owners == [user]:
            return Problem.LAST_OWNER
        people.leave(db, merchant, user)
        audit.write(db, merchant, hub.now, by.id, by.name, "user.remove", user, person=was.called, was=was.role)
    with writing(hub) as db:
        sessions.end_of_member(db, merchant, user)
    return None


# ---- one's own things, and the merchant's


@dataclass(frozen=True, slots=True)
class Own:
    """What somebody sees of themselves: their sessions, and the merchants that they work for."""

    user: User
    sessions: list[Any]
    here: str
    merchants: list[Any]
    recovery: int


def own(hub: Hub, id: str, token: str) -> Own:
    """`token` is that of the session by which they look. Raises KeyError for nobody."""
    with reading(hub) as db:
        user = people.get(db, id)
        if user is None:
            raise KeyError(id)
        open_ones = sessions.own(db, id, hub.now, hub.now - us(IDLE))
        return Own(user, open_ones, id_of(token), people.merchants_of(db, id), codes.left(hub, user))


def set_own(hub: Hub, user: str, name: str, locale: str | None) -> None:
    with writing(hub) as db:
        people.set_own(db, user, called(name), locale)


def switch(hub: Hub, session: str, merchant: str) -> bool:
    """Look at another merchant that one works for; False where one does not."""
    with writing(hub) as db:
        return sessions.switch(db, id_of(session), merchant)


def end_session(hub: Hub, user: str, id: str) -> bool:
    """One of a person's own; False where it is none of theirs."""
    with writing(hub) as db:
        return sessions.end(db, id, user)


def end_others(hub: Hub, user: str, token: str) -> None:
    """All sessions of a person's but the one by which they ask."""
    with writing(hub) as db:
        sessions.end_all(db, user, id_of(token))


def set_merchant(hub: Hub, merchant: str, name: str, zone: str, locale: str, by: Who) -> None:
    with hub.database.write() as db:
        people.set_settings(db, merchant, name, zone=zone, locale=locale)
        audit.write(db, merchant, hub.now, by.id, by.name, "settings.general", merchant, called=name, zone=zone, locale=locale)
