"""`crossdock simulate-world`: the product among channels, buyers and workers that fail, by seeds; and whether that finds mistakes."""

import importlib
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from config.keys_cli import as_json, fail, table

SIMULATION = "tests/simulation"
SHOWN = 5  # failures that are made smaller and told


@click.command("simulate-world")
@click.option("--seeds", type=click.IntRange(1), default=100, show_default=True, help="How many runs.")
@click.option("--first", type=int, default=1, show_default=True, help="The first seed.")
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True)
@click.option("--world", "kind", type=click.Choice(["pure", "sqlite"]), default="pure", show_default=True,
              help="pure: the decisions alone, in memory; sqlite: the whole hub on its database.")  # fmt: skip
@click.option("--knob", default="mixed", show_default=True, help="plain, quota; with sqlite also kin, rush, 'rush quota', frail, dock.")
@click.option("--seconds", type=float, help="End after so long, whatever seeds are left.")
@click.option("--without", multiple=True, help="A kind of trouble that does not happen: lost, doubled, late, crash, ... (may be repeated).")
@click.option("--trouble", "trouble_s", type=float, help="For how many seconds of its own time things go wrong.")
@click.option("--mutant", default="", help="Plant a mistake, by its name; all: seek the seed that finds each of them.")
@click.option("--table", "cells", is_flag=True, help="Print which fault met what, and when (with sqlite).")
@as_json
def simulate_world(kind: str, knob: str, mutant: str, *, cells: bool, as_json: bool, **wish: Any) -> None:
    """Run the product's own code in simulated worlds, one a seed.

    There are channels with delays, limits, repeats and losses, buyers in crowds, workers that die anywhere. What must hold is checked after
    every commit, and all of it once the trouble is over.

    The same commit and the same seeds give the same hash. Exit 1 where a rule broke, with the command that shows it again.
    """
    runner = _runner()
    if mutant == "all":
        sys.exit(_seek_mutants(runner, wish["seeds"], as_json=as_json))
    if knob not in (*runner.KNOBS[kind], "mixed"):
        fail(f"simulate-world: the {kind} world knows no knob {knob}: {', '.join(runner.KNOBS[kind])}, mixed")
    if strange := set(wish["without"]) - set(runner.KINDS):
        fail(f"simulate-world: no such trouble: {' '.join(sorted(strange))}; there are {' '.join(runner.KINDS)}")
    if mutant and mutant not in runner.mutants.ALL:
        fail(f"simulate-world: no such mistake: {mutant}; there are {', '.join(runner.mutants.ALL)}")
    seeds = range(wish["first"], wish["first"] + wish["seeds"])
    some = runner.wishes(
        kind, knob, seeds, off=frozenset(wish["without"]), trouble_s=wish["trouble_s"], mutant=mutant, tell=len(seeds) == 1
    )
    said, broken = _count(runner.many(some, wish["processes"], wish["seconds"]))
    _tell(said, broken, as_json=as_json)
    if cells:
        _cells(said.pop("cells"))
    for outcome in broken[:SHOWN]:
        _tell_of(runner.shrink(outcome.wish))
    sys.exit(1 if broken else 0)


def _runner() -> Any:
    """It is no part of what is installed: it lies beside the project."""
    root = Path(__file__).parents[1]
    if not (root / SIMULATION).is_dir():
        fail(f"simulate-world: {SIMULATION} is not here; run this in a copy of the project's repository")
    sys.path.insert(0, str(root))
    try:
        return importlib.import_module("tests.simulation.runner")
    except ModuleNotFoundError as error:
        fail(f"simulate-world: {error.name} is missing; `make test` installs what tests need")


def _count(outcomes: Iterable[Any]) -> tuple[dict[str, Any], list[Any]]:
    counts, cells, endings, broken = Counter[str](), Counter[tuple[str, str, str]](), list[str](), list[Any]()
    began, began_cpu = time.monotonic(), _cpu_s()
    for outcome in outcomes:
        counts, cells = counts + outcome.counts, cells + outcome.cells
        endings.append(outcome.ending)
        if outcome.broke:
            broken.append(outcome)
        if sys.stderr.isatty() and len(endings) % 100 == 0:
            click.echo(f"\r{len(endings)} seeds, {counts['orders']} orders, {len(broken)} broken", err=True, nl=False)
    took_s, cpu_s = time.monotonic() - began, _cpu_s() - began_cpu
    return {
        "seeds": len(endings), "orders": counts.pop("orders", 0), "events": counts.pop("events", 0), "broken": len(broken),
        "seconds": round(took_s, 1), "seeds a minute and core": round(60 * len(endings) / max(cpu_s, 0.001)),
        "hash": _hash(endings), "happened": dict(sorted(counts.items())), "cells": cells,
    }, broken  # fmt: skip


def _cpu_s() -> float:
    """Of this process and of those that it started and that ended."""
    return sum(os.times()[:4])


def _hash(endings: list[str]) -> str:
    trouble = importlib.import_module("tests.simulation.trouble")
    return str(trouble.hash_of(endings))


def _tell(said: dict[str, Any], broken: list[Any], *, as_json: bool) -> None:
    shown = {name: value for name, value in said.items() if name != "cells"}
    if as_json:
        click.echo(json.dumps({**shown, "replay": [one.wish.command for one in broken]}))
        return
    happened = ", ".join(f"{name} {count}" for name, count in shown.pop("happened").items())
    table("Simulated worlds", ("", "# "), [*shown.items(), ("happened", happened)])


def _tell_of(outcome: Any) -> None:
    click.echo("\n".join([*outcome.trace[-28:], outcome.broke, outcome.wish.command]), err=True)


def _cells(cells: "Counter[tuple[str, str, str]]") -> None:
    report = importlib.import_module("tests.simulation.cells")
    columns, rows, empty = report.laid_out(cells)
    table("Faults met, by what was being done and how far it had come", columns, rows)
    click.echo("never met: " + ("; ".join(empty) or "nothing"))


def _seek_mutants(runner: Any, most: int, *, as_json: bool) -> int:
    rows = [found for name in runner.mutants.ALL if (found := _seek(runner, name, most))]
    if as_json:
        click.echo(json.dumps([dict(zip(("mutant", "world", "knob", "seeds", "killed by"), row, strict=True)) for row in rows]))
    else:
        table("Planted mistakes", ("mutant", "world", "knob", "# seeds", "killed by"), rows)
    alive = [row for row in rows if row[3] is None]
    click.echo(f"{len(rows) - len(alive)} of {len(rows)} killed", err=True)
    return 1 if alive else 0


def _seek(runner: Any, name: str, most: int) -> tuple[str, str, str, int | None, str]:
    """How many seeds it took until a rule broke; None where none did."""
    mutant = runner.mutants.ALL[name]
    for number, wish in enumerate(runner.wishes(mutant.world, mutant.knob, range(1, most + 1), mutant=name), 1):
        if broke := runner.once(wish).broke:
            return name, mutant.world, mutant.knob, number, broke[:90]
    return name, mutant.world, mutant.knob, None, "alive"
