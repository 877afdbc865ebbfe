"""Where a read of old orders stands: which search it is in, how deep, and behind which order. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from connectors.http import as_datetime
from connectors.shopify.doors import digits
from core.ports import Notice

BAR = "|"


@dataclass(frozen=True, slots=True)
class Mark:
    """The search for orders since then, of which `seen` were told, up to Shopify's own cursor."""

    since: datetime
    seen: int = 0
    after: str | None = None

    def following(self, page: Mapping[str, Any], deep: int) -> str | None:
        """The cursor behind this page; None where it was the last. A second that holds more than `deep` orders is paged on."""
        nodes, info = page["nodes"], page["pageInfo"]
        if not info["hasNextPage"]:
            return None
        last, seen = as_datetime(nodes[-1]["processedAt"]), self.seen + len(nodes)
        return str(Mark(last) if seen >= deep and last > self.since else replace(self, seen=seen, after=info["endCursor"]))

    def __str__(self) -> str:
        return BAR.join((self.since.isoformat(), str(self.seen), self.after or ""))


def mark(cursor: str | None, since: datetime) -> Mark:
    if cursor is None:
        return Mark(since)
    begun, seen, after = cursor.split(BAR, 2)
    return Mark(datetime.fromisoformat(begun), int(seen), after or None)


def notice(node: Mapping[str, Any], account: str) -> Notice:
    number, changed = digits(node["id"]), node["updatedAt"]
    return Notice("history", f"{number}:{changed}", account=account, order=number, revision=as_datetime(changed))
