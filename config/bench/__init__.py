"""`crossdock bench`: what the hub costs and how fast it is, each figure beside a reference that was measured in the same rounds.

Everything runs on this machine against private databases that are gone afterwards, for five minutes or so.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from config.bench.chart import draw
from config.bench.pace import FULL, Pace
from config.bench.report import render
from config.bench.rows import CannotMeasure, Row, UnknownPart, all_kept, as_json

__all__ = ["PARTS", "CannotMeasure", "UnknownPart", "all_kept", "as_json", "draw", "render", "run"]
PARTS = (
    "intake", "ingest", "drain", "hot", "answers", "lag", "pushes", "rush", "backfill", "listings", "catalogue", "growth", "memory",
    "reconcile", "kits", "route", "batch", "release", "labels", "once", "papers", "books", "pages", "vitals",
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


ONE_STORE = (["intake"], ["reconcile"], ["papers"], ["once"], ["route"], ["batch"])  # measured alone, these need no PostgreSQL
# What a part takes more of where it is measured alone.
ALONE: dict[str, Callable[[Pace], Pace]] = {
    "backfill": lambda pace: replace(pace, old=pace.old_alone),
    "once": lambda pace: replace(pace, once_runs=pace.once_alone),
    "pages": lambda pace: replace(pace, listed=pace.listed_alone),
    "books": lambda pace: replace(pace, certified=pace.certified_alone),
}


def _measured(parts: Sequence[str], payloads: Path | None, store: str | None, pace: Pace) -> Iterator[Row]:
    """Each part is the module of its name. What measures is imported when something is measured."""
    from config.bench import bodies, intake
    from config.bench.rows import left_out
    from config.bench.stage import stores

    pace = ALONE[parts[0]](pace) if len(parts) == 1 and parts[0] in ALONE else pace
    with stores(["sqlite"] if list(parts) in ONE_STORE else pace.stores) as here:
        if here.missing:
            yield left_out("postgresql", "postgresql", here.missing)
        patterns = [] if payloads and parts == ["intake"] else bodies.made(pace.patterns)
        for part in parts:
            if part == "intake":
                yield from intake.measured(here, pace, patterns, payloads, store)
            else:
                yield from import_module(f"config.bench.{part}").measured(here, pace, patterns)
