"""What Amazon pays out: settlement reports, which are the truth, and its Finances API, which tells before them what moved.

Settlement reports cannot be asked for: Amazon makes one when a settlement closes, and keeps it 90 days. Reading one takes a
getReportDocument, of which there are fifteen, then one a minute: what is known of a document is kept, and pages are small.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from connectors.amazon import finances, report, settlement
from connectors.amazon.client import Client
from connectors.amazon.read import items, maybe_text, time
from connectors.amazon.settlement import Document
from connectors.amazon.statement import Statement
from core.domain.payouts import Movement, Payout
from core.errors import BadPayload, RateLimited
from core.ports import Kit, Page

KEPT = timedelta(days=89)  # of the 90 that Amazon keeps reports
BEFORE = timedelta(days=10)  # so long before its deposit a settlement's report may be made
HEADS = 5  # documents a page
SPAN = timedelta(days=179)  # of 180 that one question may reach over
LATE = timedelta(hours=48)  # "might not include orders from the last 48 hours" (Finances 2024-06-19)


class Plan(msgspec.Struct):
    """How far a list of payouts got: first all reports are listed, then their heads are read, the oldest first. `bad` could not be."""

    token: str = ""
    listed: bool = False
    documents: list[tuple[datetime, str]] = []
    bad: list[str] = []

    def cursor(self) -> str:
        return msgspec.json.encode(self).decode()


class Window(msgspec.Struct):
    """How far a list of transactions got: those posted in [after, before), up to `until` in the end."""

    after: datetime
    before: datetime
    until: datetime
    token: str = ""

    def cursor(self) -> str:
        return msgspec.json.encode(self).decode()


class Paying:
    """Pages of payouts, of what is in them, and of what is in none yet."""

    def __init__(self, kit: Kit, client: Client) -> None:
        self._kit, self._client = kit, client
        self._heads: dict[str, settlement.Head] = {}
        self._kept: tuple[str, Statement] | None = None

    def payouts(self, since: datetime, cursor: str | None) -> Page[Payout]:
        """Those whose report was made, or whose deposit is due, since then. Documents that cannot be read raise BadPayload, after all
        others are told."""
        plan = msgspec.json.decode(cursor, type=Plan) if cursor else Plan()
        if not plan.listed:
            self._list(plan, max(since - BEFORE, self._kit.clock() - KEPT))
            return Page((), plan.cursor() if plan.documents or not plan.listed else None)
        if not plan.documents and plan.bad:
            raise BadPayload("amazon settlement: documents cannot be read", documents=plan.bad)
        found = [one for created, one in self._read(plan) if created >= since or one.at >= since]
        return Page(tuple(found), plan.cursor() if plan.documents or plan.bad else None)

    def _list(self, plan: Plan, since: datetime) -> None:
        answer = self._client.settlements(since, plan.token)
        plan.documents = sorted({*plan.documents, *_reports(answer)})
        plan.token = maybe_text(answer, "nextToken")
        plan.listed = not plan.token

    def _read(self, plan: Plan) -> list[tuple[datetime, Payout]]:
        """The next few; fewer where the budget ends. Raises RateLimited where it reaches none."""
        found: list[tuple[datetime, Payout]] = []
        try:
            for created, document in plan.documents[:HEADS]:
                head = self._head(document, plan)
                plan.documents = plan.documents[1:]
                found += [(created, settlement.payout(head, document, self._kit.clock()))] if head else []
        except RateLimited:
            if not found:
                raise
        return found

    def _head(self, document: str, plan: Plan) -> settlement.Head | None:
        if document not in self._heads:
            try:
                with self._client.report(document) as (kind, lines):
                    self._heads[document] = self._document(kind, lines).head
            except BadPayload:
                plan.bad.append(document)
        return self._heads.get(document)

    def _document(self, kind: str, lines: Any) -> Document:
        return settlement.document(lines, report.charsets(kind, self._client.marketplaces[0]))

    def movements(self, payout: Payout, cursor: str | None) -> Page[Movement]:
        """What a report told is kept on disk between two pages. Another instance that goes on reads it anew."""
        statement, size = self._statement(payout.handle), int(self._kit.settings["report_page_size"])
        found = statement.after(int(cursor or 0), size + 1)
        moved = tuple(one for _, one in found[:size])
        if len(found) > size:
            return Page(moved, str(found[size - 1][0]))
        self._forget()
        return Page(moved)

    def _statement(self, document: str) -> Statement:
        if self._kept is None or self._kept[0] != document:
            self._forget()
            with self._client.report(document) as (kind, lines):
                self._kept = document, Statement(self._document(kind, lines))
        return self._kept[1]

    def _forget(self) -> None:
        if self._kept:
            self._kept[1].close()
        self._kept = None

    def unpaid(self, since: datetime, cursor: str | None) -> Page[Movement]:
        """Transactions posted since then, by stretches of 180 days; a page may be empty and not the last. `until` leaves out the last 48
        hours, which Amazon does not tell whole. Those of a closed settlement are told too: `payout` names it where Amazon does."""
        newest = self._kit.clock() - timedelta(seconds=self._kit.settings["min_age_s"])  # as orders, not younger than two minutes
        window = msgspec.json.decode(cursor, type=Window) if cursor else self._window(since, newest)
        if window.after >= window.before:
            return Page((), None, since)
        told, token = finances.page(self._client.transactions(window.after, window.before, window.token))
        following = Window(window.after, window.before, window.until, token) if token else self._window(window.before, window.until)
        cursor = following.cursor() if following.after < following.before else None
        return Page(tuple(finances.movements(told, self._kit.account)), cursor, max(since, window.until - LATE))

    def _window(self, after: datetime, until: datetime) -> Window:
        return Window(after, min(after + SPAN, until), until)


def _reports(answer: Any) -> Sequence[tuple[datetime, str]]:
    """(made at, document) of each report that is done. Raises BadPayload."""
    try:
        return [
            (time(one, "createdTime"), maybe_text(one, "reportDocumentId"))
            for one in items(answer, "reports")
            if one.get("reportDocumentId")
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise BadPayload(f"amazon reports: {error!r}") from None
