"""What a hundred changed SKUs cost in a small catalogue and in one a hundred times as large: calls, statements, computing time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from config.bench import measure
from config.bench.bodies import Body
from config.bench.market import Market, market
from config.bench.pace import Pace
from config.bench.rows import CannotMeasure, Row, row
from config.bench.stage import Stores
from core import jobs

ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Cost:
    calls: float
    statements: float
    cpu_ms: float


def measured(stores: Stores, pace: Pace, patterns: Sequence[Body]) -> Iterator[Row]:
    for store in stores.names:
        small, large = _cost(stores, store, pace.small, pace), _cost(stores, store, pace.large, pace)
        note = f"{pace.changed} changed of {pace.large:,}; reference: of {pace.small:,}"
        yield row("catalogue_statements", store, large.statements, small.statements, note=note)
        yield row("catalogue_calls", store, large.calls, small.calls, note=f"{note}; computing {large.cpu_ms / small.cpu_ms:.2f} times")


def _cost(stores: Stores, store: str, size: int, pace: Pace) -> Cost:
    with market(stores.new(store), stores.folder, ["north", "south"], drains=False) as there:
        skus = [f"SKU-{number:06}" for number in range(pace.small)]
        there.shelve(skus, 1000, size // pace.small)
        statements = measure.Statements(there.hub.database.engine)
        found = [_round(there, skus[number :: pace.small // pace.changed], statements) for number in range(ROUNDS + 1)][1:]
    return Cost(*(measure.median([getattr(one, name) for one in found]) for name in Cost.__slots__))


def _round(there: Market, skus: Sequence[str], statements: measure.Statements) -> Cost:
    """A sale of each of these SKUs on one channel, taken in and told to the other."""
    for sku in skus:
        there.sell("north", sku)
    calls, before, cpu = there.calls, statements.count, measure.Cpu(there.hub.database)
    while jobs.drain(there.hub, "inside") + jobs.drain(there.hub, "outside"):
        pass
    if there.calls == calls:
        raise CannotMeasure(f"catalogue: nobody was told of {len(skus)} sales")
    return Cost(there.calls - calls, statements.since(before), cpu.spent() * 1000)
