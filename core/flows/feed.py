"""Facts as programs read them, in the feed and in what they are told: under public names, money with its text."""

from typing import Any

import msgspec

from core.domain.feed import type_of
from core.domain.money import Money
from core.store.tables import when


def told_of(row: Any, order: str | None) -> dict[str, Any]:
    """A row of the feed as a message; `order` is our id of the order that it is about."""
    data = {"id": row.id, "subject": row.subject, "order": order, "facts": facts_of(row)}
    return {"type": type_of(row.kind), "timestamp": when(row.at).isoformat().replace("+00:00", "Z"), "data": data}


def facts_of(row: Any) -> dict[str, Any]:
    """What a fact holds: ids, units, words of statuses, and money as minor units, currency and text."""
    facts: dict[str, Any] = msgspec.json.decode(row.body)
    return {name: _with_text(value) for name, value in facts.items()}


def _with_text(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"minor", "currency"}:
        return {**value, "text": Money(value["minor"], value["currency"]).text()}
    return value
