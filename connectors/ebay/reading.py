"""A read of all listings, in three steps: the Inventory API's records, Trading's list, and what the list left out.

The cursor alone is enough to go on, in any process. What a process remembers of a read besides only saves calls: which SKUs are
inventory items, and which of them the list has shown.
"""

import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from connectors.ebay.render import timestamp
from connectors.http import as_datetime

KEPT = 8  # reads that a process remembers; one that was dropped asks more, and finds the same
OVERLAP = timedelta(milliseconds=1)  # asked for twice, whichever way eBay counts the ends of a range
RECORDS, LISTED, UNLISTED = "records", "listed", "unlisted"


class Read:
    """SKUs of inventory items by what the list has shown of them; `whole` once all were read here, and none came or went meanwhile."""

    __slots__ = ("_pages", "_total", "over", "shown", "whole")

    def __init__(self) -> None:
        self.shown: dict[str, bool] = {}
        self.whole = self.over = False
        self._pages, self._total = 0, -1

    def follow(self, at: Mapping[str, Any]) -> bool:
        """Count a page of the first two steps. Says whether this process has read all of them so far."""
        self._pages += at["nth"] == self._pages
        return bool(at["nth"] < self._pages)

    def keep(self, at: Mapping[str, Any], said: Mapping[str, Any], skus: Iterable[str]) -> None:
        """A page of inventory items. Where their number changes on the way, some may have moved from one page to another unread."""
        total = int(said.get("total") or 0)
        self._total = total if at["page"] == 0 or total == self._total else -1
        for sku in skus:
            self.shown.setdefault(sku, False)
        self.whole = self.follow(at) and not said.get("next") and len(self.shown) == self._total

    def saw(self, skus: Iterable[str]) -> None:
        for sku in skus:
            self.shown[sku] = True

    @property
    def is_done(self) -> bool:
        return self.whole and all(self.shown.values())


_reads: OrderedDict[str, Read] = OrderedDict()  # by the number in the cursor; threads and channels of a process share it


def remembered(at: Mapping[str, Any]) -> Read:
    """What this process knows of the read; nothing where another one began it. One that is over stays until another begins: its last
    page may be asked for again."""
    name = str(at["read"])
    if name not in _reads:
        done = [other for other, read in list(_reads.items()) if read.over]
        for other in [*done, *list(_reads)[: -KEPT + 1]]:
            _reads.pop(other, None)
    return _reads.setdefault(name, Read())


def position(cursor: str | None) -> dict[str, Any]:
    """Where to go on; at the beginning without a cursor, or with one of another kind."""
    at = json.loads(cursor) if cursor else None
    return at if isinstance(at, dict) and "step" in at else beginning()


def beginning(*, again: bool = False) -> dict[str, Any]:
    return {"read": uuid4().hex, "step": RECORDS, "nth": 0, "page": 0, "again": again}


def more(at: Mapping[str, Any]) -> dict[str, Any]:
    """The next page of the same."""
    return {**at, "nth": at["nth"] + 1, "page": at["page"] + 1}


def listed(at: Mapping[str, Any], now: datetime, reach: timedelta) -> dict[str, Any]:
    """The list from its beginning. What is active ends in the future, and later still once it is renewed: nothing falls out."""
    return {**more(at), "step": LISTED, "from": timestamp(now), "until": timestamp(now + reach), "page": 1, "had": []}


def after(at: Mapping[str, Any], ends: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The place after a page of (item, end): from the last end on, so that pages never shift. `had` are those of them that come again
    there. The next page instead where all end at once, or in no order."""
    start = _last([end for _, end in ends])
    if start is None or start <= as_datetime(at["from"]):
        return more(at)
    return {**more(at), "from": timestamp(start), "page": 1, "had": [item for item, end in ends if as_datetime(end) >= start]}


def unlisted(at: Mapping[str, Any], page: int = 0, row: int = 0) -> dict[str, Any]:
    return {"read": at["read"], "step": UNLISTED, "page": page, "row": row}


def _last(ends: Sequence[str]) -> datetime | None:
    """A moment before the last end; None without an order."""
    try:
        times = [as_datetime(end) for end in ends]
    except (TypeError, ValueError):
        return None
    return times[-1] - OVERLAP if times and times == sorted(times) else None


def chunks(skus: Iterable[str], size: int) -> Iterator[list[str]]:
    unique = list(dict.fromkeys(skus))
    return (unique[start : start + size] for start in range(0, len(unique), size))
