"""The webhook door: signature over the raw bytes, keep, ask, 200. Plain WSGI before Flask, since channels knock often.

Refused: forged ones with the status its system expects (401, eBay 412), 404 for an account nobody connected, 413 for too
much, 400 for a signed body that is not what it should be, 503 while the database cannot take it: they send it again.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

import structlog
from sqlalchemy.exc import SQLAlchemyError

from core.errors import BadPayload, Forged, HubError
from core.flows import following, privacy
from core.flows.connections import lost
from core.flows.intake import rows_of
from core.hub import Hub
from core.ports import About, Connector, Notice, ShownNow, TellsSeveral, Wanted, Webhooks
from core.store import connections, listings, parcels
from core.store.connections import Connection
from core.store.tables import us
from core.store.vault import Unreadable
from core.store.writer import GroupWriter, TooSlow

log = structlog.get_logger("door")
# How long an account's connection is remembered, and that it has none: a burst asks the database once, and a database that is silent
# is not asked at all. Whose an account is never changes; somebody may connect it any moment.
KNOWN_S, UNKNOWN_S = 300.0, 5.0
LOOK_S = 5.0  # how long a sale is waited for that explains what a channel says of its stock
TOGETHER_S = 600.0  # how long what is demanded of every account waits for more of it: such things come by the thousand
NAME_LENGTH = 255  # of what a header may call a delivery: it becomes a key
Answer = tuple[int, bytes]


@dataclass
class Door:
    """One for all systems that push; `webhooks` by connector name."""

    hub: Hub
    webhooks: Mapping[str, Webhooks]
    writer: GroupWriter
    body_limit: int
    public_url: str
    _known: dict[tuple[str, str], tuple[float, Connection | None]] = field(default_factory=dict)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, body = self.answer(environ)
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [body]

    def answer(self, environ: dict[str, Any]) -> Answer:
        name = environ["PATH_INFO"].removeprefix("/webhooks/").partition("/")[0]
        if name not in self.webhooks:
            return _say(404, "no such system")
        if environ["REQUEST_METHOD"] == "GET":
            return self._challenge(name, environ)
        if environ["REQUEST_METHOD"] != "POST":
            return _say(405, "POST only")
        raw = _body(environ, self.body_limit)
        return _say(413, "too large") if raw is None else self._take(name, raw, environ)

    def _challenge(self, name: str, environ: dict[str, Any]) -> Answer:
        answer = self.webhooks[name].challenge(dict(parse_qsl(environ.get("QUERY_STRING", ""))), self.public_url + environ["PATH_INFO"])
        return _say(404, "nothing to answer") if answer is None else (200, json.dumps(answer).encode())

    def _take(self, name: str, raw: bytes, environ: dict[str, Any]) -> Answer:
        connector = self.hub.connectors[name]
        try:
            told = _told(self.webhooks[name], raw, _headers(environ), environ["PATH_INFO"])
            answers = [self._keep(connector, _named(one)) for one in told]
            return answers[0]
        except Forged as error:
            log.warning("forged webhook", system=name, reason=str(error), peer=environ.get("REMOTE_ADDR"))
            return (connector.refusal, b"") if connector.ledger else _say(connector.refusal, "the signature does not hold")
        except BadPayload as error:
            log.warning("unreadable webhook", system=name, reason=str(error))
            return _say(400, "not understood")
        except (SQLAlchemyError, HubError, TooSlow, Unreadable) as error:
            why = str(error)[:200] if isinstance(error, HubError) else ""
            log.error("webhook not kept", system=name, error=type(error).__name__, why=why)
            return _say(503, "try again")

    def _keep(self, connector: Connector, notice: Notice) -> Answer:
        if notice.demand:
            return self._comply(connector, notice)
        if notice.about is About.PARCEL:
            return self._hear(connector, notice)
        if notice.about is About.BOOKS:
            return self._books(connector, notice)
        connection = self._connection(connector.name, notice.account)
        if connection is None:
            return _say(200 if notice.about is About.COMPLIANCE else 404, "nobody here is connected to that account")
        if notice.about is About.ACCESS:
            self._lost(connection, notice)
        if notice.about is About.SCOPES:
            self.writer.keep([], [(connection.merchant, "read_scopes", connection.id, connection.id)])
        if notice.level:
            self._look(connection, notice.level)
        rows = rows_of(connection, [notice], self.hub.box(connection.merchant), self.hub.now)
        if rows:
            self.writer.keep(rows, [(connection.merchant, "take_orders", row["ref"], connection.id) for row in rows])
        return 200, b"{}"

    def _hear(self, connector: Connector, notice: Notice) -> Answer:
        """A carrier names a parcel and no account: whoever sent it looks. What nobody sends any more is answered all the same."""
        with self.hub.database.read() as db:
            every = connections.of_channel(db, connector.name)
            carriers = parcels.carried_by(db, [one.merchant for one in every], notice.parcel)
        known = [one for one in every if one.id in carriers]
        if known:
            rows = [following.row_of(one, notice, self.hub.now) for one in known]
            asks = [(one.merchant, "hear_of_parcels", following.ref_of(one.id, notice.parcel), one.id) for one in known]
            self.writer.keep(rows, asks)
        return 200, b"{}"

    def _look(self, connection: Connection, level: ShownNow) -> None:
        """What a channel says of its stock is mostly what we told it, or what it has just sold: only what is neither is looked at, once its
        order had time to come in."""
        with self.hub.database.read() as db:
            known = listings.shows(db, connection.merchant, connection.id, level.item, level.place)
        if known - {level.units}:
            subject = f"{connection.id}/{level.item}/{level.place}/{level.units}"
            self.writer.keep([], [(connection.merchant, "look_at_items", subject, connection.id, LOOK_S)])

    def _lost(self, connection: Connection, notice: Notice) -> None:
        at = us(notice.revision) if notice.revision else None
        with self.hub.unit() as work:
            counts = lost(work, connection, f"the channel said: {notice.topic}", at)
        log.warning("access changed" if counts else "access changed before the last login", connection=connection.id, topic=notice.topic)

    def _books(self, connector: Connector, notice: Notice) -> Answer:
        """Something changed in a ledger: what did is read there. One that nobody connected is answered 200 all the same, since a ledger
        that gets anything else gives the hook up."""
        if connection := self._connection(connector.name, notice.account):
            self.writer.keep([], [(connection.merchant, "read_changes", connection.id, connection.id)])
        return 200, b"{}"

    def _comply(self, connector: Connector, notice: Notice) -> Answer:
        """What is demanded is kept for the account, or for every account where it names none; done by tasks, and answered now."""
        with self.hub.database.read() as db:
            known = connections.by_account(db, connector.name, notice.account) if notice.account else None
            every = connections.of_channel(db, connector.name) if not notice.account else [known] if known else []
        for one in every if notice.demand and notice.demand.what is Wanted.ERASE else ():
            self._known.pop((connector.name, one.account), None)
        if every:
            rows = [privacy.row_of(self.hub, one, notice) for one in every]
            wait_s = 0.0 if notice.account else TOGETHER_S
            self.writer.keep(rows, [(one.merchant, "comply", one.id, one.id, wait_s) for one in every])
        return 200, b"{}"

    def _connection(self, channel: str, account: str) -> Connection | None:
        until, found = self._known.get((channel, account), (0.0, None))
        if time.monotonic() < until:
            return found
        with self.hub.database.read() as db:
            found = connections.by_account(db, channel, account)
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[channel, account] = (time.monotonic() + (KNOWN_S if found else UNKNOWN_S), found)
        return found


def _told(port: Webhooks, raw: bytes, headers: Mapping[str, str], path: str) -> Sequence[Notice]:
    return port.notices(raw, headers, path) if isinstance(port, TellsSeveral) else [port.notice(raw, headers, path)]


def _named(notice: Notice) -> Notice:
    """Raises BadPayload where its names are none that a database can keep: signatures do not cover headers."""
    names = (notice.topic, notice.delivery, notice.account, notice.order or "", notice.parcel)
    if not all(len(name) <= NAME_LENGTH and name.isprintable() for name in names):
        raise BadPayload("webhook: a topic, delivery, account or order that is no name")
    return notice


def _say(status: int, words: str) -> Answer:
    return status, json.dumps({"message": words}).encode()


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    return {key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")}


def _body(environ: Mapping[str, Any], limit: int) -> bytes | None:
    """The raw bytes, or None when they are more than the limit."""
    try:
        length = max(0, int(environ.get("CONTENT_LENGTH") or 0))
    except ValueError:
        length = 0
    if length > limit:
        return None
    stream = environ["wsgi.input"]
    raw: bytes = stream.read(length) if length else stream.read(limit + 1)
    return raw if len(raw) <= limit else None
