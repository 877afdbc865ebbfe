"""The door for QuickBooks' notices: CloudEvents since 2026, `eventNotifications` before; signed over the raw bytes."""

import base64
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from connectors.http import as_datetime, read_json
from connectors.quickbooks.tables import KINDS
from core.errors import BadPayload, Forged
from core.ports import About, Kit, Notice

ENTITIES = {entity.lower() for entity in KINDS}


class QuickBooksWebhooks:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def notice(self, raw: bytes, headers: Mapping[str, str], path: str) -> Notice:
        """The first that is about a document. What else one body tells, of other companies too, is in `notices`, and in what
        `Ledger.changed` tells in its turn: a notice is a hint."""
        found = self.notices(raw, headers, path)
        return next((one for one in found if one.about is About.BOOKS), found[0])

    def notices(self, raw: bytes, headers: Mapping[str, str], path: str) -> Sequence[Notice]:
        """All that one body tells, at least one. Raises Forged, BadPayload."""
        self._check(raw, headers.get("intuit-signature", ""))
        said = read_json(raw)
        try:
            found = list(_events(said) if isinstance(said, list) else _old(said, sha256(raw).hexdigest()[:32]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadPayload(f"quickbooks notice: {type(error).__name__}") from None
        return found or [Notice("empty", sha256(raw).hexdigest()[:32], About.OTHER)]

    def _check(self, raw: bytes, signature: str) -> None:
        token = self._kit.app.get("verifier_token", "").encode()
        ours = base64.b64encode(hmac.new(token, raw, sha256).digest())
        if not token or not hmac.compare_digest(ours, signature.encode()):
            raise Forged("quickbooks: the signature does not hold")

    def challenge(self, query: Mapping[str, str], url: str) -> Mapping[str, str] | None:
        return None


def _events(said: Sequence[Mapping[str, Any]]) -> Iterator[Notice]:
    """{type: "qbo.invoice.updated.v1", id, time, intuitentityid, intuitaccountid}"""
    for event in said:
        _, entity, what, *_ = f"{event['type']}...".split(".")
        yield _notice(entity, what, event["id"], event["intuitaccountid"], event["intuitentityid"], event.get("time"))


def _old(said: Mapping[str, Any], delivery: str) -> Iterator[Notice]:
    """{realmId, dataChangeEvent: {entities: [{name, id, operation, lastUpdated}]}}, which have no id of their own."""
    for company in said["eventNotifications"]:
        for n, one in enumerate(company["dataChangeEvent"]["entities"]):
            ident = f"{delivery}:{company['realmId']}:{n}"
            yield _notice(one["name"].lower(), one["operation"].lower(), ident, company["realmId"], one["id"], one.get("lastUpdated"))


def _notice(entity: str, what: str, delivery: Any, account: Any, document: Any, at: Any) -> Notice:
    if not all(isinstance(text, str) and text for text in (entity, delivery, account, document)):
        raise ValueError("a notice without a name")
    about = About.BOOKS if entity in ENTITIES else About.OTHER
    revision = _at(at)
    return Notice(f"{entity}.{what}", delivery, about, account, revision=revision, document=document if about is About.BOOKS else "")


def _at(said: Any) -> datetime | None:
    """CloudEvents bring nanoseconds, the old shape an offset without a colon; a time that nobody can read is none."""
    try:
        return as_datetime(said)
    except (TypeError, ValueError):
        return None
