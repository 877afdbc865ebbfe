"""Every failure the hub knows, sorted by what to do next. Raised where the knowledge is, judged in core/jobs.py."""

from typing import Any


class HubError(Exception):
    """A failure with facts. `words` are the other side's own: kept encrypted, never in str() or repr()."""

    def __init__(self, message: str = "", *, words: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.words = words
        self.facts = facts

    def __str__(self) -> str:
        facts = " ".join(f"{key}={value}" for key, value in self.facts.items() if value not in (None, ""))
        return " ".join(filter(None, (self.args[0] if self.args else "", f"({facts})" if facts else "")))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class Retryable(HubError):
    """The same call may work later."""


class Unavailable(Retryable):
    """No answer to a read, or a write that never reached them."""


class RateLimited(Retryable):
    """They said when; the try does not count. `operation` names the budget that is spent."""

    def __init__(self, message: str = "", *, wait_s: float = 1.0, **facts: Any) -> None:
        super().__init__(message, wait_s=round(wait_s, 3), **facts)
        self.wait_s = wait_s


class OutcomeUnknown(HubError):
    """A write may have worked: look before it is repeated."""


class Refused(HubError):
    """Understood and declined: a person must look."""


class AccessLost(Refused):
    """Credentials expired or were revoked: the connection pauses and the merchant is told."""


class Unsupported(Refused):
    """This system has no way to say that."""


class WouldEmpty(Refused):
    """We decline it ourselves: most likely our shelves are wrong."""


class BadPayload(HubError):
    """We do not understand what they sent; the raw payload is kept."""


class Forged(HubError):
    """A webhook that is not from whom it says it is."""


class Stale(HubError):
    """Somebody changed the row first: again now."""


class LostLease(HubError):
    """This worker was silent too long and its tasks belong to another one now; nothing was written."""
