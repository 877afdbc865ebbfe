"""What Amazon's warehouses lost, found and disposed of, by reports of its inventory ledger.

One step a call; the cursor holds how far it got.
"""

from datetime import UTC, date, datetime, time, timedelta

import msgspec

from connectors.amazon import client, report, shelf_report
from connectors.amazon.client import Client
from core.domain.shelf_moves import DAY, ToldDays
from core.errors import Refused
from core.ports import Kit, Page

MILLISECOND = timedelta(milliseconds=1)
TRIES = 2  # so often a report is asked for that Amazon fails to make


class Plan(msgspec.Struct):
    """A report of the days from `since` to before `until`: asked for `began` and for the `tries`th time, when it has an id."""

    since: date
    until: date
    began: datetime
    report: str = ""
    tries: int = 0

    def cursor(self) -> str:
        return msgspec.json.encode(self).decode()


class Shelves:
    def __init__(self, kit: Kit, client: Client) -> None:
        self._kit, self._client = kit, client

    def page(self, since: date, until: date, cursor: str | None) -> Page[ToldDays]:
        """Asks for a report, or looks whether it is done and gives all that it tells. Raises Refused where Amazon makes none."""
        plan = msgspec.json.decode(cursor, type=Plan) if cursor else self._plan(since, until)
        if plan.since >= plan.until:
            return Page(())
        return self._look(plan, until) if plan.report else self._ask(plan)

    def _plan(self, since: date, until: date) -> Plan:
        return Plan(since, min(since + int(self._kit.settings["ledger_report_days"]) * DAY, until), self._kit.clock())

    def _ask(self, plan: Plan) -> Page[ToldDays]:
        """A day more on both sides: Amazon's days are those of its marketplace ‡."""
        newest = self._kit.clock() - timedelta(seconds=self._kit.settings["min_age_s"])
        plan.report = self._client.create_ledger_report(_begin(plan.since - DAY), min(_begin(plan.until + DAY) - MILLISECOND, newest))
        plan.began, plan.tries = self._kit.clock(), plan.tries + 1
        return self._waits(plan)

    def _waits(self, plan: Plan) -> Page[ToldDays]:
        return Page((), plan.cursor(), wait_s=self._kit.settings["report_wait_s"])

    def _look(self, plan: Plan, until: date) -> Page[ToldDays]:
        told = self._client.report_state(plan.report, plan.began)
        match told.state:
            case client.WAITS:
                return self._waits(plan)
            case client.DONE:
                return Page((self._read(plan, told.document),), self._following(plan, until))
            case client.CANCELLED:  # there is nothing to report, or it was asked for too often: nothing is said of these days
                return Page((), self._following(plan, until))
            case _ if plan.tries < TRIES:
                return self._ask(plan)
            case state:
                raise Refused("Amazon did not make the report of its inventory ledger", report=plan.report, state=state)

    def _following(self, plan: Plan, until: date) -> str | None:
        return self._plan(plan.until, until).cursor() if plan.until < until else None

    def _read(self, plan: Plan, document: str) -> ToldDays:
        with self._client.report(document) as (kind, lines):
            found = shelf_report.moves(lines, report.charsets(kind, self._client.marketplaces[0]), plan.since, plan.until)
        shelf_report.say_unknown(found)
        return ToldDays(plan.since, plan.until, found)


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
