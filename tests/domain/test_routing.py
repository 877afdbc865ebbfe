"""The best plan is the best of all plans there are, and says why each other location lost."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain import routing
from core.domain.routing import FAR, MOST, Candidate, Decision, Never, Rules, Strategy, Wanted, Why, Zone, plan

FEWEST, NEAREST, CHEAPEST, RANKED = Strategy.FEWEST, Strategy.NEAREST, Strategy.CHEAPEST, Strategy.RANKED
SOONEST, OLDEST = Strategy.SOONEST, Strategy.OLDEST
SKUS = ("P-7", "P-8", "P-9")


def place(name: str, *, zone: int = FAR, cost: int | None = None, **free: int) -> Candidate:
    return Candidate(name, name.title(), {sku.replace("_", "-"): units for sku, units in free.items()}, zone, cost)


def wants(**units: int) -> list[Wanted]:
    return [Wanted(sku, count, {sku.replace("_", "-"): 1}) for sku, count in units.items()]


def why(decision: Decision) -> dict[str, Why]:
    return {one.location: one.why for one in decision.verdicts}


# ---- against all plans


def every_plan(wanted: list[Wanted], candidates: list[Candidate]) -> Iterator[list[tuple[int, ...]]]:
    """By candidate the units of each line: all ways to deal them out that the shelves allow."""
    ways = [[way for way in product(range(one.units + 1), repeat=len(candidates)) if sum(way) == one.units] for one in wanted]
    for dealt in product(*ways):
        if all(_fits(wanted, one, [way[n] for way in dealt]) for n, one in enumerate(candidates)):
            yield [tuple(way[n] for way in dealt) for n in range(len(candidates))]


def _fits(wanted: list[Wanted], one: Candidate, units: list[int]) -> bool:
    if any(count and line.at is not None and one.location not in line.at for line, count in zip(wanted, units, strict=True)):
        return False
    needs = {sku: sum(line.parts.get(sku, 0) * count for line, count in zip(wanted, units, strict=True)) for sku in SKUS}
    return all(needs[sku] <= one.free.get(sku, 0) for sku in SKUS)


def worth(way: list[tuple[int, ...]], candidates: list[Candidate], rules: Rules) -> list[object]:
    sending = [one for one, units in zip(candidates, way, strict=True) if any(units)]
    said: dict[Strategy, object] = {
        FEWEST: len(sending),
        NEAREST: (max(one.zone for one in sending), sum(one.zone for one in sending)),
        CHEAPEST: (sum(one.cost is None for one in sending), sum(one.cost or 0 for one in sending)),
        SOONEST: (max(one.leaves for one in sending), sum(one.leaves for one in sending)),
        OLDEST: [-lain for lain in sorted(one.lain for one in sending)],
        RANKED: [-sum(units) for units in way],
    }
    return [said[one] for one in (*rules.strategies, RANKED)]


lines = st.lists(
    st.builds(
        Wanted,
        line=st.just(""),
        units=st.integers(1, 3),
        parts=st.dictionaries(st.sampled_from(SKUS), st.integers(1, 2), min_size=1, max_size=2),
        at=st.none() | st.frozensets(st.sampled_from("012"), min_size=1),
    ),
    min_size=1,
    max_size=3,
).map(lambda some: [Wanted(str(n), one.units, one.parts, one.at) for n, one in enumerate(some)])
shelves = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from(SKUS), st.integers(0, 5)), st.integers(1, 3), st.none() | st.integers(1, 3),
        st.integers(1, 3), st.integers(0, 3),
    ),
    min_size=1,
    max_size=3,
).map(lambda some: [Candidate(str(n), f"L{n}", *one) for n, one in enumerate(some)])  # fmt: skip
orders = st.lists(st.sampled_from(Strategy), unique=True).map(tuple)


@given(wanted=lines, candidates=shelves, strategies=orders, split=st.booleans())
def test_no_other_plan_is_better(wanted: list[Wanted], candidates: list[Candidate], strategies: tuple[Strategy, ...], split: bool) -> None:
    rules = Rules(strategies, split)
    found = plan(wanted, candidates, rules)
    ways = [way for way in every_plan(wanted, candidates) if split or sum(any(units) for units in way) == 1]

    assert found.exact
    assert bool(found.sends) is bool(ways)
    if ways:
        mine = [tuple(found.sends.get(one.location, {}).get(line.line, 0) for line in wanted) for one in candidates]
        assert mine in ways
        assert worth(mine, candidates, rules) == min(worth(way, candidates, rules) for way in ways)


@given(wanted=lines, candidates=shelves, strategies=orders)
def test_what_it_says_would_make_a_location_win_makes_it_win(
    wanted: list[Wanted], candidates: list[Candidate], strategies: tuple[Strategy, ...]
) -> None:
    rules = Rules(strategies)
    for one in plan(wanted, candidates, rules).verdicts:
        if one.why is Why.SHORT:
            more = [
                replace(c, free={s: c.free.get(s, 0) + one.lacks.get(s, 0) for s in SKUS})
                if c.location == one.location else c
                for c in candidates
            ]  # fmt: skip
            assert one.lacks
            assert one.location in plan(wanted, more, rules).sends


# ---- each strategy


NEAR_AND_FAR = [
    place("lyon", zone=1, cost=900, P_7=1, P_8=2),
    place("metz", zone=2, cost=700, P_7=3, P_8=3),
    place("nice", zone=3, cost=300, P_7=3, P_8=3),
]


@pytest.mark.parametrize(
    ("strategies", "sends"),
    [
        ((FEWEST,), ["metz"]),
        ((RANKED, FEWEST), ["lyon", "metz"]),
        ((CHEAPEST,), ["nice"]),
        ((NEAREST, CHEAPEST), ["metz"]),
        ((), ["lyon", "metz"]),
    ],
)
def test_the_first_strategy_that_sees_a_difference_decides(strategies: tuple[Strategy, ...], sends: list[str]) -> None:
    assert list(plan(wants(P_7=2, P_8=2), NEAR_AND_FAR, Rules(strategies)).sends) == sends


def test_a_location_that_lacks_one_unit_is_told_which() -> None:
    found = plan(wants(P_7=2, P_8=2), NEAR_AND_FAR, Rules((FEWEST, NEAREST)))

    assert why(found) == {"lyon": Why.SHORT, "metz": Why.SENDS, "nice": Why.NEAREST}
    assert found.verdicts[0].lacks == {"P-7": 1}


def test_what_no_row_names_is_far_and_its_cost_is_the_last() -> None:
    rules = Rules((CHEAPEST,), zones={"lyon": (Zone("FR", "", 3, 700), Zone("FR", "69", 1, 400), Zone("FR", "6 9", 2, 500))})

    assert rules.zone("lyon", "FR", "69 003").zone == 1
    assert rules.zone("lyon", "FR", "75001").cost == 700
    assert rules.zone("lyon", "BE", "1000") == Zone("BE", "", FAR, None)
    assert list(plan(wants(P_7=1), [place("a", P_7=1), place("b", cost=9_999, P_7=1)], rules).sends) == ["b"]


def test_a_merchant_that_does_not_split_sends_from_one_location_or_waits() -> None:
    apart = [place("a", P_7=1), place("b", P_8=1)]

    assert plan(wants(P_7=1, P_8=1), apart, Rules(split=False)).sends == {}
    assert plan(wants(P_7=1, P_8=1), apart, Rules()).sends == {"a": {"P_7": 1}, "b": {"P_8": 1}}
    assert list(plan(wants(P_7=1), [place("a", P_7=0), place("b", P_7=1)], Rules(split=False)).sends) == ["b"]


def test_a_location_that_may_not_send_there_is_banned() -> None:
    rules = Rules(never=(Never("a", "P-7", "CH"), Never("b", country="US"), Never("c")))

    assert [rules.may("a", {"P-7": 1}, country) for country in ("CH", "FR")] == [False, True]
    assert [rules.may("b", {"P-7": 1}, country) for country in ("US", "FR")] == [False, True]
    assert not rules.may("c", {}, "FR")
    found = plan([Wanted("1", 1, {"P-7": 1}, frozenset({"b"}))], [place("a", P_7=5), place("b", P_7=5)], rules)
    assert why(found) == {"a": Why.BANNED, "b": Why.SENDS}


def test_all_parts_of_a_unit_leave_from_one_location() -> None:
    kit = [Wanted("1", 2, {"P-7": 1, "P-8": 1})]

    assert plan(kit, [place("a", P_7=2, P_8=1), place("b", P_7=1, P_8=1)], Rules()).sends == {"a": {"1": 1}, "b": {"1": 1}}
    assert plan(kit, [place("a", P_7=2), place("b", P_8=2)], Rules()).sends == {}


def test_lines_keep_what_is_reserved_for_them_so_that_nothing_moves_in_a_circle() -> None:
    lines = [Wanted("1", 1, {"P-7": 1}, here={"b": 1}), Wanted("2", 1, {"P-7": 1}, here={"a": 1})]

    assert plan(lines, [place("a", P_7=1), place("b", P_7=1)], Rules()).sends == {"a": {"2": 1}, "b": {"1": 1}}


def test_beyond_twelve_locations_those_first_in_rank_are_looked_at() -> None:
    many = [place(f"l{n}", P_7=1, cost=100 - n) for n in range(MOST + 2)]
    found = plan(wants(P_7=1), many, Rules((CHEAPEST,)))

    assert list(found.sends) == [f"l{MOST - 1}"]
    assert [one.location for one in found.verdicts if one.why is Why.LEFT_OUT] == [f"l{MOST}", f"l{MOST + 1}"]


def test_too_many_ways_to_deal_out_shared_parts_are_not_all_tried_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "STEPS", 10)
    lines = [Wanted("1", 4, {"P-7": 1, "P-8": 1}), Wanted("2", 4, {"P-7": 1})]

    found = plan(lines, [place("a", P_7=5, P_8=5), place("b", P_7=9, P_8=9)], Rules())

    assert found.sends
    assert not found.exact


# ---- full, later, younger


def test_a_full_location_gives_way_to_the_next_and_says_so() -> None:
    near = [replace(place("lyon", zone=1, P_7=9), full=True), place("metz", zone=2, P_7=9)]
    found = plan(wants(P_7=2), near, Rules((NEAREST,)))

    assert list(found.sends) == ["metz"]
    assert why(found) == {"lyon": Why.FULL, "metz": Why.SENDS}


def test_a_full_location_sends_what_no_other_has() -> None:
    found = plan(wants(P_7=2), [replace(place("lyon", P_7=9), full=True), place("metz", P_7=1)], Rules((NEAREST,), split=False))

    assert list(found.sends) == ["lyon"]


@given(wanted=lines, candidates=shelves, full=st.sets(st.sampled_from("012")), split=st.booleans())
def test_full_locations_change_nothing_but_who_is_asked_first(
    wanted: list[Wanted], candidates: list[Candidate], full: set[str], split: bool
) -> None:
    rules = Rules((FEWEST,), split)
    said = [replace(one, full=one.location in full) for one in candidates]
    roomy = plan(wanted, [one for one in candidates if one.location not in full], rules)
    found = plan(wanted, said, rules)

    assert found.sends == (roomy.sends or plan(wanted, candidates, rules).sends)


@pytest.mark.parametrize(("strategies", "sends"), [((SOONEST,), "metz"), ((OLDEST,), "nice"), ((OLDEST, SOONEST), "nice"), ((), "lyon")])
def test_what_leaves_sooner_or_has_lain_longer_wins_where_that_is_asked_first(strategies: tuple[Strategy, ...], sends: str) -> None:
    three = [
        replace(place("lyon", P_7=3), leaves=12, lain=5), replace(place("metz", P_7=3), leaves=10, lain=1),
        replace(place("nice", P_7=3), leaves=11, lain=90),
    ]  # fmt: skip
    found = plan(wants(P_7=2), three, Rules(strategies))

    assert list(found.sends) == [sends]
    lost = {one.why for one in found.verdicts} - {Why.SENDS}
    assert lost == {Why(strategies[0])} if strategies else {Why.RANKED}
