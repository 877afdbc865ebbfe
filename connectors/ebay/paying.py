"""What eBay pays out: the Finances API, page by page.

eBay tells transactions newest first and pages by offset. So each read has an end that does not move, and is by what never changes of a
transaction: its day, or its payout. What comes late moves the rest down, and is seen twice rather than never; where something left
after all, we step back by as many.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.ebay import payouts, render
from connectors.ebay.client import Client
from connectors.http import as_datetime
from core.domain.payouts import Movement, Payout
from core.errors import BadPayload
from core.ports import Kit, Page

SETTLING = timedelta(days=30)  # a payout that was sent may still change so long: paid, declined, sent back
STRETCH = timedelta(days=89)  # eBay answers 90 days at once


class Paying:
    """One seller's."""

    def __init__(self, kit: Kit, client: Client) -> None:
        self._kit, self._client = kit, client

    def payouts(self, since: datetime, cursor: str | None) -> Page[Payout]:
        """Those that were sent up to thirty days before then are told again, since they may have changed."""
        at = self._place(since - SETTLING, cursor)
        said = self._client.payouts(render.stretch("payoutDate", *_ends(at)), at["offset"])
        return Page(tuple(map(payouts.payout, _found(said, "payouts"))), _following(at, said, "payouts"))

    def movements(self, payout: Payout, cursor: str | None) -> Page[Movement]:
        at: dict[str, Any] = json.loads(cursor) if cursor else {"offset": 0, "total": None}
        said = self._client.transactions(render.within("payoutId", payout.id), at["offset"])
        held = [one for one in _found(said, "transactions") if payouts.held_by(one, payout.id)]
        return Page(_moved(held), _following(at, said, "transactions"))

    def unpaid(self, since: datetime, cursor: str | None) -> Page[Movement]:
        """All that moved since then is looked through, since the filter by status knows sales alone: a page may hold nothing and go on."""
        at = self._place(since, cursor)
        said = self._client.transactions(render.stretch("transactionDate", *_ends(at)), at["offset"])
        waiting = [one for one in _found(said, "transactions") if payouts.waits(one)]
        return Page(_moved(waiting), _following(at, said, "transactions"))

    def _place(self, since: datetime, cursor: str | None) -> dict[str, Any]:
        """Where a read by days stands: in a stretch of at most 90, of all those until the moment in which it began."""
        if cursor:
            found: dict[str, Any] = json.loads(cursor)
            return found
        return _stretch(since, max(since, self._kit.clock()))


def _stretch(since: datetime, until: datetime) -> dict[str, Any]:
    end = min(until, since + STRETCH)
    return {"offset": 0, "total": None, "since": since.isoformat(), "end": end.isoformat(), "until": until.isoformat()}


def _ends(at: Mapping[str, Any]) -> tuple[datetime, datetime]:
    return as_datetime(at["since"]), as_datetime(at["end"])


def _found(said: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    found = said.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise BadPayload(f"ebay {name}: not a list of objects")
    return found


def _following(at: Mapping[str, Any], said: Mapping[str, Any], name: str) -> str | None:
    """The cursor after this page: more of this stretch, or the next one; None at the end."""
    total = said.get("total", 0 if not said else None)  # it answers nothing at all where there is none
    if not isinstance(total, int) or isinstance(total, bool):
        raise BadPayload(f"ebay {name}: total: not a number")
    count, before, offset = len(_found(said, name)), at["total"], int(at["offset"])
    gone = before - total if before is not None and before > total else 0
    offset = max(0, offset - gone) if gone else offset + count
    if (gone or count) and offset < total:
        return json.dumps({**at, "offset": offset, "total": total})
    return _next_stretch(at)


def _next_stretch(at: Mapping[str, Any]) -> str | None:
    """Both ends of a stretch count, so the next one begins with the end of this one."""
    if "until" not in at or at["end"] == at["until"]:
        return None
    return json.dumps(_stretch(as_datetime(at["end"]), as_datetime(at["until"])))


def _moved(found: Sequence[Mapping[str, Any]]) -> tuple[Movement, ...]:
    return tuple(payouts.movement(one) for one in found if payouts.moved(one))
