"""`crossdock bench`: what the hub costs and how fast it is, each figure beside a reference that was measured in the same rounds.

Everything runs on this machine against private databases that are gone afterwards, for five minutes or so.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from config.bench.chart import draw
from config.bench.pace import FULL, Pace
from config.bench.report import render
from config.bench.rows import CannotMeasure, Row, UnknownPart, all_kept, as_json

__all__ = ["PARTS", "CannotMeasure", "UnknownPart", "all_kept", "as_json", "draw", "render", "run"]
PARTS = (
    "intake", "ingest", "drain", "hot", "answers", "lag", "pushes", "rush", "backfill", "listings", "catalogue", "growth", "memory",
    "reconcile", "kits", "route", "release", "labels", "once", "papers", "pages", "vitals",
)  # fmt: skip


def run(
    parts: Sequence[str] = (),
    *,
    payloads: Path | None = None,
    store: str | None = None,
    svg: Path | None = None,
    pace: Pace = FULL,
    tell: Callable[[Row], None] = lambda row: None,
) -> list[Row]:
    """Measure these parts, or all. `payloads` holds one Shopify order body a line and `store` is the address of a database's
    server; both are for `intake`. `svg` is where a chart goes. `tell` hears each figure as soon as it is there. Raises
    CannotMeasure.
    """
    wrong = [part for part in parts if part not in PARTS]
    if wrong:
        raise UnknownPart(f"no part of the bench is called {wrong[0]}; there are {', '.join(PARTS)}")
    found = []
    for row in _measured([part for part in PARTS if part in (parts or PARTS)], payloads, store, pace):
        found.append(row)
        tell(row)
    if svg:
        svg.write_text(draw(found), "utf-8")
    return found


def _measured(parts: Sequence[str], payloads: Path | None, store: str | None, pace: Pace) -> Iterator[Row]:
    from config.bench import (
        answers,
        backfill,
        bodies,
        catalogue,
        drain,
        growth,
        hot,
        ingest,
        intake,
        kits,
        labels,
        lag,
        listings,
        memory,
        once,
        pages,
        papers,
        pushes,
        reconcile,
        release,
        routes,
        rush,
        vitals,
    )
    from config.bench.rows import left_out
    from config.bench.stage import stores

    measures = {
        "ingest": ingest.measured, "drain": drain.measured, "hot": hot.measured, "answers": answers.measured, "lag": lag.measured,
        "pushes": pushes.measured, "rush": rush.measured, "backfill": backfill.measured, "listings": listings.measured,
        "catalogue": catalogue.measured, "growth": growth.measured, "memory": memory.measured, "reconcile": reconcile.measured,
        "kits": kits.measured, "route": routes.measured, "papers": papers.measured, "pages": pages.measured, "vitals": vitals.measured,
        "release": release.measured, "labels": labels.measured, "once": once.measured,
    }  # fmt: skip
    alone = (["intake"], ["reconcile"], ["papers"], ["once"], ["route"])
    with stores(["sqlite"] if parts in alone else pace.stores) as here:
        if here.missing:
            yield left_out("postgresql", "postgresql", here.missing)
        patterns = [] if payloads and parts == ["intake"] else bodies.made(pace.patterns)
        if parts == ["backfill"]:
            pace = replace(pace, old=pace.old_alone)
        if parts == ["once"]:
            pace = replace(pace, once_runs=pace.once_alone)
        if parts == ["pages"]:
            pace = replace(pace, listed=pace.listed_alone)
        for part in parts:
            if part == "intake":
                yield from intake.measured(here, pace, patterns, payloads, store)
            else:
                yield from measures[part](here, pace, patterns)
