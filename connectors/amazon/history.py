"""Old orders by report: which there were, month by month. One step a call; the cursor holds how far it got.

The report has a line for each item of an order, with names and addresses: only the columns of `past.COLUMNS` are ever looked at.
"""

from datetime import datetime, timedelta
from itertools import islice

import msgspec

from connectors.amazon import client
from connectors.amazon.client import Client, stamp
from connectors.amazon.past import Row, read_rows, say_broken
from connectors.amazon.read import need
from core.errors import Refused
from core.ports import Kit, Notice, Page

SPAN = timedelta(days=30)  # what one report holds at most (reports of orders, read 2026-11)
MILLISECOND = timedelta(milliseconds=1)
TRIES = 2  # so often a report is asked for that Amazon fails to make
REST = timedelta(hours=1)  # after which somebody who tries again asks for it anew


class Plan(msgspec.Struct):
    """A report of [since, until): asked for `began` and for the `tries`th time, when it has an id, done when it has a document; `line` is
    the next to read."""

    since: datetime
    until: datetime
    began: datetime
    report: str = ""
    document: str = ""
    line: int = 0
    tries: int = 0

    def cursor(self) -> str:
        return msgspec.json.encode(self).decode()


class History:
    def __init__(self, kit: Kit, client: Client) -> None:
        self._kit, self._client = kit, client

    def page(self, since: datetime, until: datetime, cursor: str | None) -> Page[Notice]:
        """Asks for a report, or looks whether it is done, or gives some thousand lines of it; a longer time takes several reports, the
        last month first. Raises Refused where Amazon makes none."""
        upto = min(until, self._kit.clock())
        if upto <= since:
            return Page(())
        plan = msgspec.json.decode(cursor, type=Plan) if cursor else self._plan(since, upto)
        if not plan.report:
            return self._ask(plan)
        return self._read(plan, since) if plan.document else self._look(plan, since)

    def _plan(self, since: datetime, until: datetime) -> Plan:
        return Plan(max(since, until - SPAN), until, self._kit.clock())

    def _ask(self, plan: Plan) -> Page[Notice]:
        plan.report = self._client.create_orders_report(plan.since, plan.until - MILLISECOND)
        plan.began, plan.tries = self._kit.clock(), plan.tries + 1
        return Page((), plan.cursor())

    def _look(self, plan: Plan, since: datetime) -> Page[Notice]:
        told = self._client.report_state(plan.report, plan.began)
        match told.state:
            case client.WAITS:
                return Page((), plan.cursor(), wait_s=told.wait_s)
            case client.DONE:
                plan.document = told.document
                return Page((), plan.cursor())
            case client.CANCELLED if self._is_empty(plan):  # Amazon's way to say that there is nothing to report
                return Page((), self._following(plan, since))
            case client.FATAL | client.CANCELLED if plan.tries < TRIES or self._kit.clock() - plan.began >= REST:
                return self._ask(plan)
            case state:
                raise Refused("Amazon did not make the report of orders", report=plan.report, state=state)

    def _is_empty(self, plan: Plan) -> bool:
        before = min(plan.until - MILLISECOND, self._kit.clock() - timedelta(seconds=self._kit.settings["min_age_s"]))
        if before <= plan.since:
            return True
        return not need(self._client.placed_orders(stamp(plan.since), stamp(before), None, most=1), "orders", list)

    def _following(self, plan: Plan, since: datetime) -> str | None:
        return self._plan(since, plan.since).cursor() if plan.since > since else None

    def _read(self, plan: Plan, since: datetime) -> Page[Notice]:
        """The document is asked for anew and read up to the next lines: it is never whole in memory, nor on disk. Its orders are not held
        against the time asked for: it tells whole seconds."""
        size, broken = int(self._kit.settings["report_page_size"]), list[int]()
        with self._client.report(plan.document) as (_, lines):
            rows = list(islice(read_rows(lines, broken), plan.line, plan.line + size + 1))
        say_broken(broken)
        orders = {row.order: row for row in rows[:size] if row is not None}
        if len(rows) <= size:
            return Page(tuple(map(self._notice, orders.values())), self._following(plan, since))
        plan.line += size
        return Page(tuple(map(self._notice, orders.values())), plan.cursor())

    def _notice(self, told: Row) -> Notice:
        name = f"{told.order}@{told.changed.isoformat()}"
        return Notice("history", name, account=self._kit.account, order=told.order, revision=told.changed)
