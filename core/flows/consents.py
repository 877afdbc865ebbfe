"""Connecting by consent: a person is sent to a channel with a state that counts once, and what they come back with connects the account."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta

import msgspec

from core.errors import Forged, Refused
from core.flows.connections import connect_in
from core.hub import Hub
from core.ports import Consents, Granted
from core.store import audit, connections, consents, visits
from core.store.connections import Connection
from core.store.consents import Asked
from core.store.tables import us

LASTS = timedelta(minutes=15)
RENEWS = "renews"  # in a wish: the connection that gets a new login


def send(hub: Hub, asked: Asked) -> str:
    """The state with which they are sent; it names them to nobody else, and is kept only as its hash."""
    state = secrets.token_urlsafe(32)
    with hub.database.write() as db:
        consents.ask(db, _hash(state), asked, hub.now, us(hub.clock() + LASTS))
    return state


def sent(hub: Hub, state: str) -> Asked | None:
    """Who was sent with it; None where it was used, is too old or never ours."""
    with hub.database.read() as db:
        return consents.look(db, _hash(state), hub.now)


def _hash(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()


def come_back(
    hub: Hub, port: Consents, channel: str, query: Mapping[str, str], back: str, is_theirs: Callable[[Asked], bool]
) -> tuple[Connection, Asked]:  # fmt: skip
    """Connect what they agreed to. Raises Forged for a state that is not this person's, this channel's or was used, and where the channel
    did not say this; Refused where it, or the person, declined, or the account is another merchant's; Unavailable, RateLimited."""
    found = sent(hub, query.get("state", ""))
    if found is None or found.channel != channel or not is_theirs(found):
        raise Forged("nobody was sent with this, or somebody else, or it was used already")
    with hub.database.write() as db:
        taken = consents.take(db, _hash(query["state"]), hub.now)
    if taken is None:
        raise Forged("it was used already")
    return _connect(hub, channel, port.granted(query, taken.wish, back), taken), taken


def _connect(hub: Hub, channel: str, granted: Granted, asked: Asked) -> Connection:
    login = _kept_login(hub, asked, granted)
    with hub.database.unbound(), hub.unit() as work:  # whose account it is, is asked of all merchants
        box = hub.box(asked.merchant)
        one = connect_in(hub, work, box, asked.merchant, channel, granted.account, login, fresh=granted.fresh, label=granted.label)
        act = "connection.renew" if RENEWS in asked.wish else "connection.connect"
        name = visits.name_of(work.db, asked.user)
        audit.write(work.db, asked.merchant, work.now, asked.user, name, act, one.id, channel=channel, account=granted.account)
    return one


def _kept_login(hub: Hub, asked: Asked, granted: Granted) -> dict[str, str]:
    """What of the login before is no secret, where it is renewed. Raises Refused for another account than the one before."""
    if RENEWS not in asked.wish:
        return {}
    with hub.database.read() as db:
        known = connections.one_of(db, asked.merchant, asked.wish[RENEWS])
    if known is None or known.account.casefold() != granted.account.casefold():
        raise Refused(f"you agreed as {granted.account}, which is another account than the one to renew")
    plain = {field.name for field in hub.connector(known).login if not field.secret}
    return {name: value for name, value in login_of(hub, known).items() if name in plain}


def login_of(hub: Hub, one: Connection) -> dict[str, str]:
    if not one.login:
        return {}
    return msgspec.json.decode(hub.box(one.merchant).open_text(f"connections|login|{one.id}", one.login), type=dict[str, str])
