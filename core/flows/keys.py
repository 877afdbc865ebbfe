"""API keys: made, shown once, revoked."""

import secrets
from collections.abc import Collection

from core.domain import keys as domain
from core.domain.roles import SCOPES
from core.errors import Refused
from core.hub import Hub
from core.store import audit, keys


def make(hub: Hub, merchant: str, who: tuple[str, str], name: str, scopes: Collection[str], until: int | None = None) -> str:
    """A new key, as its owner sees it this once; `who` is (id, name) of whoever makes it. Raises Refused for a scope that no key has,
    for none, and for a name that says nothing."""
    known = [scope for scope in SCOPES if scope in scopes]
    if not known or len(known) != len(set(scopes)):
        raise Refused(f"a key needs at least one scope of: {', '.join(SCOPES)}")
    if not name.strip() or len(name) > 80 or not name.isprintable():
        raise Refused("a key needs a name of up to 80 letters, by which you will know it")
    key, id = domain.written(secrets.token_bytes(domain.BYTES)), hub.ids()
    with hub.unit() as work:
        keys.add(work.db, merchant, id, name.strip(), domain.digest(key), key[-4:], known, who[1], work.now, until)
        audit.write(work.db, merchant, work.now, *who, "key.add", id, called=name.strip(), scopes=known, until=until)
    return key


def revoke(hub: Hub, merchant: str, who: tuple[str, str], id: str) -> bool:
    """False where there is no such key that holds."""
    with hub.unit() as work:
        name = keys.revoke(work.db, merchant, id, work.now)
        if name is not None:
            audit.write(work.db, merchant, work.now, *who, "key.revoke", id, called=name)
    return name is not None
