"""Orders of a page that compete for short stock are decided together: at the least cost for all, where the merchant wants that."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from core.domain import batch
from core.domain.batch import Entry, Plan
from core.domain.routing import Candidate, Decision, Left, Rules, Verdict, Wanted, Why, ways
from core.domain.shipments import ToSend
from core.domain.stock import Key

Sends = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided of an order by itself, and from what. `days`: since it was placed; `is_free`: nothing of its lines is in a
    shipment."""

    order: str
    name: str
    days: int
    lines: Sequence[ToSend]
    wanted: Sequence[Wanted]
    candidates: Sequence[Candidate]
    rules: Rules
    decision: Decision
    asked: str
    is_free: bool

    @property
    def takes_part(self) -> bool:
        """It leaves, or waits for one location that has all of it: what leaves from where it lies does not."""
        return self.is_free and bool(self.decision.sends or not self.decision.split)


def together(decided: Sequence[Decided], spare: Mapping[Key, int]) -> list[Decided]:
    """The same, those that gain by it or make room otherwise decided; `spare` is what nobody held before any of them was decided."""
    some = [one for one in decided if one.takes_part][: batch.MOST]
    held = [_held(one.lines) for one in some]
    pool = dict(spare)
    for mine in held:
        for key, units in mine.items():
            pool[key] = pool.get(key, 0) + units
    made = [_choices(one, mine, pool) for one, mine in zip(some, held, strict=True)]
    entries = [Entry(one.order, [plan for _, plan in choices], one.days) for one, choices in zip(some, made, strict=True)]
    found = batch.settle(entries, spare)
    worth = batch.worths(entries)
    alone = [_place(one.decision.sends, choices) for one, choices in zip(some, made, strict=True)]
    chosen = [found.chosen[one.order] for one in some]
    if found.worth >= sum(mine[n] for mine, n in zip(worth, alone, strict=True)):
        return list(decided)
    anew = {}
    for n, one in enumerate(some):
        gave_way = worth[n][chosen[n]] > worth[n][alone[n]]
        if chosen[n] != alone[n]:
            anew[one.order] = _anew(one, made[n][chosen[n]][0], _left(some, entries, chosen, n, alone[n]) if gave_way else None)
    return [anew.get(one.order, one) for one in decided]


def _place(sends: Sends, choices: Sequence[tuple[Sends, Plan]]) -> int:
    return next(n for n, (known, _) in enumerate(choices) if known == sends)


def _held(lines: Sequence[ToSend]) -> dict[Key, int]:
    found: dict[Key, int] = {}
    for one in lines:
        for key, units in one.reserved.items():
            if units > 0:
                found[key] = found.get(key, 0) + units
    return found


def _choices(one: Decided, held: Mapping[Key, int], pool: Mapping[Key, int]) -> list[tuple[Sends, Plan]]:
    """As it is reserved, as it was decided alone, and the cheapest of all other ways."""
    costs = _costs(one.candidates)
    lies = _as_it_lies(one)
    found = [(lies, Plan(held, sum(costs[at] for at in lies), sends=bool(lies)))]
    roomy = [replace(each, free={sku: pool.get((sku, each.location), 0) for sku in each.free}) for each in one.candidates if not each.full]
    others = sorted(ways(one.wanted, roomy, one.rules), key=lambda sends: sum(costs[at] for at in sends))
    for sends in [one.decision.sends, *others[:24]]:
        if all(sends != known for known, _ in found) and sends:
            found.append((sends, Plan(_uses(one, sends), sum(costs[at] for at in sends))))
    return found if any(sends == one.decision.sends for sends, _ in found) else [*found, ({}, Plan(held, 0, sends=False))]


def _as_it_lies(one: Decided) -> Sends:
    """By location the units of each line that are reserved there; {} where it may not leave so."""
    found: dict[str, dict[str, int]] = {}
    for line in one.wanted:
        for at, units in line.here.items():
            found.setdefault(at, {})[line.line] = units
    whole = all(sum(line.here.values()) == line.units and (line.at is None or line.at >= line.here.keys()) for line in one.wanted)
    known = {each.location for each in one.candidates}
    return found if whole and found.keys() <= known and (one.rules.split or len(found) == 1) else {}


def _costs(candidates: Sequence[Candidate]) -> dict[str, int]:
    """What nobody named a cost of is dearer than all others, the farther the more."""
    dearest = max((one.cost for one in candidates if one.cost is not None), default=0)
    return {one.location: dearest + one.zone if one.cost is None else one.cost for one in candidates}


def _uses(one: Decided, sends: Sends) -> dict[Key, int]:
    parts = {line.line: line.parts for line in one.wanted}
    found: dict[Key, int] = {}
    for at, lines in sends.items():
        for line, units in lines.items():
            for sku, each in parts[line].items():
                found[sku, at] = found.get((sku, at), 0) + each * units
    return found


def _left(some: Sequence[Decided], entries: Sequence[Entry], chosen: Sequence[int], mine: int, alone: int) -> Left | None:
    """Who has what it would have taken alone, and saves most by it."""
    wanted = entries[mine].plans[alone].uses.keys()
    found = []
    for place, one in enumerate(entries):
        plan = one.plans[chosen[place]]
        if place != mine and plan.sends and (shared := wanted & plan.uses.keys()):
            others = [other.cost for other in one.plans if other.sends and not shared & other.uses.keys()]
            found.append((min(others) - plan.cost if others else None, some[place].name))
    more, name = max(found, key=lambda one: (one[0] is None, one[0] or 0, one[1]), default=(None, ""))
    return Left(name, more) if name else None


def _anew(one: Decided, sends: Sends, left: Left | None) -> Decided:
    verdicts = tuple(_verdict(verdict, sends) for verdict in one.decision.verdicts)
    decision = replace(one.decision, sends=sends, verdicts=verdicts, left=left)
    asked = hashlib.sha256(one.asked.encode() + msgspec.json.encode(decision, order="deterministic")).hexdigest()[:32]
    return replace(one, decision=decision, asked=asked)


def _verdict(one: Verdict, sends: Sends) -> Verdict:
    if one.location in sends:
        return replace(one, why=Why.SENDS)
    return replace(one, why=Why.LEFT) if one.why is Why.SENDS else one
