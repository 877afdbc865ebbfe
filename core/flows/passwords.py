"""Passwords: hashed by argon2id as OWASP asks (19 MiB, two passes, one lane; its cheat sheet, seen 2026-11), and hashed anew when that
changes. One and the same letter may be typed in several ways: they are folded first (NFKC, as NIST SP 800-63B 3.1.1.2 says)."""

import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from core.domain.signin import LONGEST_TEXT

HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def folded(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def hashed(password: str) -> str:
    return HASHER.hash(folded(password))


def fits(password: str, known: str | None) -> bool:
    """Whether it is this one. Takes as long where nobody has one: who listens to the clock learns nothing."""
    try:
        text = folded(password)
        return HASHER.verify(known or _nobodys(), text if len(text) <= LONGEST_TEXT else "") and known is not None
    except (VerificationError, InvalidHashError):
        return False


def is_old(known: str) -> bool:
    """Hashed by other rules than ours are now."""
    return HASHER.check_needs_rehash(known)


@cache
def _nobodys() -> str:
    return HASHER.hash("nobody's")
