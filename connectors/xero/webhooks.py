"""The door for Xero's webhooks: what changed is named, never told, so each is a hint and the document is looked at."""

import base64
import hmac
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from typing import Any

from connectors.http import as_datetime, read_json
from core.errors import BadPayload, Forged
from core.ports import About, Kit, Notice

BOOKED = frozenset(["INVOICE", "CREDITNOTE"])


class XeroWebhooks:
    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def notice(self, raw: bytes, headers: Mapping[str, str], path: str) -> Notice:
        """The first of `notices`."""
        return self.notices(raw, headers, path)[0]

    def notices(self, raw: bytes, headers: Mapping[str, str], path: str) -> Sequence[Notice]:
        """One for each organisation, at least one; it names a document where only one of that organisation's changed. A body without events
        (Xero sends such to see whether we check signatures) is about nobody and answered all the same."""
        if not self._signed(raw, headers.get("x-xero-signature", "")):
            raise Forged("xero webhook: the signature does not hold")
        told, name = _events(read_json(raw)), sha256(raw).hexdigest()[:32]
        return list(_by_organisation(told, name)) or [Notice("intent_to_receive", name, About.COMPLIANCE)]

    def challenge(self, query: Mapping[str, str], url: str) -> Mapping[str, str] | None:
        return None

    def _signed(self, raw: bytes, said: str) -> bool:
        key = self._kit.app.get("webhook_key", "").encode()
        ours = base64.b64encode(hmac.new(key, raw, sha256).digest())
        return bool(key) and hmac.compare_digest(ours, said.encode())


def _events(said: Any) -> list[dict[str, Any]]:
    events = said.get("events") if isinstance(said, dict) else None
    if not isinstance(events, list) or not all(isinstance(one, dict) for one in events):
        raise BadPayload("xero webhook: events: not a list of objects")
    return sorted(events, key=lambda one: _text(one, "tenantId"))


def _by_organisation(events: Sequence[dict[str, Any]], name: str) -> Iterator[Notice]:
    for tenant, theirs in groupby(events, key=lambda one: _text(one, "tenantId")):
        yield _notice(tenant, list(theirs), f"{name}:{tenant}")


def _notice(tenant: str, events: Sequence[dict[str, Any]], name: str) -> Notice:
    booked = [one for one in events if one.get("eventCategory") in BOOKED]
    documents = {_text(one, "resourceId") for one in booked}
    topic = ",".join(sorted({f"{one.get('eventCategory')}.{one.get('eventType')}".lower() for one in events}))[:100]
    about = About.BOOKS if documents else About.OTHER
    document = documents.pop() if len(documents) == 1 else ""
    return Notice(topic, name, about, tenant, revision=max((_at(one) for one in events), default=None), document=document)


def _at(event: Mapping[str, Any]) -> Any:
    """Xero leaves the zone out; it is UTC (developer.xero.com, webhooks overview, read 2026-11)."""
    said = _text(event, "eventDateUtc")
    try:
        return as_datetime(said if said.endswith("Z") or "+" in said else said + "Z")
    except ValueError:
        raise BadPayload("xero webhook: eventDateUtc: not a time") from None


def _text(one: Mapping[str, Any], name: str) -> str:
    said = one.get(name)
    if not isinstance(said, str) or not said:
        raise BadPayload(f"xero webhook: {name}: missing")
    return said
