"""Decided together: what shelves have is enough for all, who could leave leaves, and whoever is decided otherwise has all of it."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.routing import Candidate, Rules, Strategy, Wanted, plan
from core.domain.shipments import ToSend
from core.domain.stock import Key
from core.flows.batching import Decided, together

PLACES, SKUS = ("l0", "l1", "l2"), ("A", "B")
wishes = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(SKUS), st.integers(1, 2), min_size=1),
        st.tuples(*[st.none() | st.integers(1, 9)] * 3),
        st.booleans(),
    ),
    min_size=2,
    max_size=5,
)
shelves = st.fixed_dictionaries({(sku, place): st.integers(0, 3) for sku in SKUS for place in PLACES})


def one_by_one(
    wanted: list[tuple[dict[str, int], tuple[int | None, ...], bool]], stock: Mapping[Key, int]
) -> tuple[list[Decided], dict[Key, int]]:
    """Reserved by age at the first that has any, and decided by what is left of each shelf; with what nobody held at first."""
    left, orders = dict(stock), []
    for units, costs, split in wanted:
        held = _held(units, left)
        if sum(held.values()) == sum(units.values()):
            left = {key: count - held.get(key, 0) for key, count in left.items()}
            orders.append((units, costs, split, held))
    spare, made = dict(left), []
    for n, (units, costs, split, held) in enumerate(orders):
        lines = [
            ToSend(sku, sku, count, {sku: 1}, {key: taken for key, taken in held.items() if key[0] == sku}) for sku, count in units.items()
        ]
        asked = [Wanted(one.line, one.units, one.parts, None, {at: taken for (_, at), taken in one.reserved.items()}) for one in lines]
        there = [
            Candidate(place, place, {sku: spare[sku, place] + held.get((sku, place), 0) for sku in units}, 1, cost)
            for place, cost in zip(PLACES, costs, strict=True)
        ]
        rules = Rules((Strategy.CHEAPEST,), split)
        decision = plan(asked, there, rules)
        for at, mine in decision.sends.items():
            for sku, count in mine.items():
                spare[sku, at] -= max(0, count - held.get((sku, at), 0))
        made.append(Decided(f"o{n}", f"R-{n}", n, lines, asked, there, rules, decision, "", is_free=True))
    return made, left


def _held(units: Mapping[str, int], left: Mapping[Key, int]) -> dict[Key, int]:
    held: dict[Key, int] = {}
    for sku, count in units.items():
        for place in PLACES:
            taken = min(count, left[sku, place])
            held |= {(sku, place): taken} if taken else {}
            count -= taken
    return held


@settings(max_examples=60)
@given(wanted=wishes, stock=shelves)
def test_shelves_are_enough_for_all_and_who_could_leave_leaves(
    wanted: list[tuple[dict[str, int], tuple[int | None, ...], bool]], stock: dict[Key, int]
) -> None:
    made, spare = one_by_one(wanted, stock)
    found = together(made, spare)

    left = dict(stock)
    for before, after in zip(made, found, strict=True):
        sends = after.decision.sends
        assert bool(sends) >= bool(before.decision.sends)
        assert len(sends) <= 1 or after.rules.split
        for line in after.lines:
            total = sum(lines.get(line.line, 0) for lines in sends.values())
            assert total in ((line.units,) if sends else (0,))
            for key, units in ({} if sends else line.reserved).items():
                left[key] -= units
        for at, lines in sends.items():
            for sku, units in lines.items():
                left[sku, at] -= units
    assert min(left.values()) >= 0
    assert together(made, spare) == found
