"""`crossdock backfill`: what somebody wishes of a run through old orders, and how it stands, in words and for programs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from core.domain import backfill as runs
from core.domain.backfill import Run
from core.flows import backfill
from core.hub import Hub
from core.store import backfills
from core.store.connections import Connection
from core.store.tables import us, when

EVER = datetime(2000, 1, 1, tzinfo=UTC)  # before any of these channels sold anything by its API
LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Wish:
    since: datetime | None = None
    days: int | None = None
    dry_run: bool = False
    status: bool = False
    stop: bool = False
    follow: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """`ok`: there is a run to speak of."""

    words: str
    document: Mapping[str, Any]
    ok: bool = True


def begins(wish: Wish, now: datetime) -> datetime:
    """A day is asked for from the moment at which it begins anywhere, so that none of a merchant's own day is left out."""
    if wish.days:
        return now - timedelta(days=wish.days)
    if wish.since is None:
        return EVER
    return wish.since.astimezone(UTC) if wish.since.tzinfo else runs.first_moment(wish.since.date())


def show(hub: Hub, connection: Connection, wish: Wish, console: Any = None) -> Shown:
    """Do what is wished, and tell how the run stands then. `console` draws a bar where it is followed."""
    if wish.dry_run:
        return _would(hub, connection, begins(wish, hub.clock()))
    if wish.stop:
        backfill.stop(hub, connection)
    elif not wish.status:
        backfill.ask(hub, connection, begins(wish, hub.clock()))
    if wish.follow:
        _follow(hub, connection, console)
    run = _run(hub, connection)
    return told(run, hub.now) if run else Shown("nobody asked for its old orders yet", {"phase": None}, ok=False)


def _run(hub: Hub, connection: Connection) -> Run | None:
    with hub.database.read() as db:
        return backfills.get(db, connection.id)


def _would(hub: Hub, connection: Connection, since: datetime) -> Shown:
    said, now = backfill.reach(hub, connection), hub.clock()
    short = said.earliest is not None and said.earliest > since
    start = said.earliest if short and said.earliest else since
    months = max(1, -(-(us(now) - us(start)) // runs.SPAN))
    reach = _day(said.earliest) if said.earliest else "its first order"
    words = f"{connection.channel} lets us read back to {reach}{f': {said.note}' if said.note else ''}\n"
    words += f"would ask for open orders since {_day(start)}, then for all of them in {months} stretches of 30 days"
    facts = {"reach": said.earliest and said.earliest.isoformat(), "note": said.note, "since": start.isoformat(), "stretches": months}
    return Shown(words, facts)


def _day(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M UTC")


def told(run: Run, now: int) -> Shown:
    """How a run stands."""
    facts = {
        "phase": run.phase, "since": _iso(run.since), "until": _iso(run.until), "at": _iso(run.back_to), "orders": run.orders,
        "passed": run.passed, "share": round(run.share, 4), "note": run.note, "begun_at": _iso(run.begun_at),
        "ended_at": _iso(run.ended_at) if run.ended_at else None,
    }  # fmt: skip
    return Shown(f"{words(run)}{f' ({run.note})' if run.note else ''}", facts)


def words(run: Run) -> str:
    counts = f"{run.orders} orders kept, {run.passed} were here already"
    match run.phase:
        case runs.OPEN:
            return f"reading open orders since {_day(when(run.since))}: {counts}"
        case runs.HISTORY:
            return f"reading old orders, back to {_day(when(run.back_to))} of {_day(when(run.since))}, {run.share:.0%}: {counts}"
        case _:
            return f"over: {counts}, back to {_day(when(run.back_to))}"


def _iso(at: int) -> str:
    return when(at).isoformat()


def _follow(hub: Hub, connection: Connection, console: Any) -> None:
    """Until it is over. The hub does the work; here one only looks."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"))
    with Progress(*columns, console=console or Console(stderr=True, quiet=True), transient=True) as bar:
        shown = bar.add_task(f"{connection.channel} {connection.account}", total=1.0, said="")
        while (run := _run(hub, connection)) and not run.is_over:
            bar.update(shown, completed=run.share, said=words(run))
            hub.pause(LOOK_S)
