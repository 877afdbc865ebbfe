"""How long a session lasts, how long who guesses must wait, and which password is none. Pure."""

from datetime import timedelta
from enum import StrEnum

IDLE, LONGEST = timedelta(hours=12), timedelta(days=14)  # a session ends when nobody used it for so long, and in any case
SEEN = timedelta(minutes=5)  # that it is used is written down so often
FORGOTTEN = timedelta(days=1)  # after so long without another try, refused ones count no more
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(minutes=15)
FREE = {"email": 6, "address": 30}  # tries before the first wait; behind one address may sit many people

SHORTEST, LONGEST_TEXT = 10, 200  # letters of a password
COMMON = frozenset({"1234567890", "0123456789", "password12", "password123", "qwertyuiop", "1q2w3e4r5t", "crossdock1", "letmein123"})


def wait(kind: str, failed: int) -> timedelta:
    """How long nothing more is tried, after so many refused tries for an "email" or from an "address": twice as long each time."""
    over = failed - FREE[kind]
    return min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(over - 1, 10)) if over > 0 else timedelta(0)


class Problem(StrEnum):
    """Why something about a person was not done."""

    SHORT = "short"
    LONG = "long"
    KNOWN = "known"
    EMAIL = "email"
    NAME = "name"
    TAKEN = "taken"  # somebody has that address
    GONE = "gone"  # a link that was used, or is too old, or was never ours
    WRONG = "wrong"  # the password or the code
    WAIT = "wait"
    LAST_OWNER = "last owner"
    NOBODY = "nobody"  # does not work here


def weakness(password: str, email: str) -> Problem | None:
    """Why this is no password: too short, too long to be hashed in time, or the first that anybody would guess."""
    folded = password.casefold()
    if len(password) < SHORTEST:
        return Problem.SHORT
    if len(password) > LONGEST_TEXT:
        return Problem.LONG
    guessed = folded in COMMON or folded in (email.casefold(), email.casefold().partition("@")[0]) or len(set(folded)) < 4
    return Problem.KNOWN if guessed else None


def tidy(email: str) -> str:
    """An e-mail address as we keep it; empty where it cannot be one."""
    said = email.strip().lower()
    name, at, host = said.rpartition("@")
    fits = name and at and "." in host and len(said) <= 254 and said.isprintable() and not any(map(str.isspace, said))
    return said if fits else ""
