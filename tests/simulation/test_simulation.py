"""The hub among channels, a network and workers that fail: whatever happens, in the end everything is right.

Two worlds: the whole hub on SQLite, and the pure decisions in memory, which are quick and check each sale when it happens.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import pytest

from tests.flows import books
from tests.simulation import cells, mutants, runner
from tests.simulation.runner import Wish, once
from tests.simulation.world import World

SOMETIMES = {"crash", "failure", "lost answer", "freeze", "sold", "quiet"}


def seen(wishes: Iterable[Wish]) -> Counter[str]:
    """What happened in these worlds, all of which end well."""
    counts = Counter[str]()
    for wish in wishes:
        found = once(wish)
        assert not found.broke, f"{found.broke}\n{wish.command}"
        counts += found.counts
    return counts


def on_sqlite(knob: str, seeds: Iterable[int]) -> list[Wish]:
    return [Wish("sqlite", knob, seed) for seed in seeds]


@pytest.mark.parametrize("first", [1, 21, 41, 61])
def test_when_the_trouble_is_over_every_order_is_here_once_and_every_listing_shows_what_it_should(first: int) -> None:
    found = seen(on_sqlite("plain", range(first, first + 20)))

    assert SOMETIMES - found.keys() <= {"freeze", "quiet"}, "every kind of trouble happens in every block, but for the rare ones"


BOOKS = {
    "sold",
    "paid out",
    "break",
    "cause",
    "edited by hand",
    "period closed",
    "tried again",
    "gift card",
    "old order",
    "line of no order",
}


# Those after the range once found something.
@pytest.mark.parametrize(
    ("knob", "seeds", "happens"),
    [
        ("kin", [*range(1, 21), 169, 177, 424], {"sold", "copy", "combined"}),
        ("quota", [*range(1, 21), 4, 26, 46, 53, 99], {"sold", "failure"}),
        ("rush", [*range(1, 16), 24], {"sold", "login expired", "lost answer"}),
        ("rush quota", range(1, 16), {"sold", "crash"}),
        ("frail", range(1, 6), {"sold", "crash", "freeze", "copy", "combined"}),
        ("plain", [352, 3350], {"sold"}),
        ("dock", [*range(1, 5), 38], {"sold", "sent", "may not", "crash", "lost answer"}),
        ("books", [4, 13, 21, 24], {*BOOKS, "crash", "lost answer"}),
    ],
)
def test_copies_parts_and_crowds_change_nothing_about_that(knob: str, seeds: Iterable[int], happens: set[str]) -> None:
    assert seen(on_sqlite(knob, seeds)).keys() >= happens


PURE = {"lost", "doubled", "late", "reordered", "crash", "freeze", "lease lost", "429", "5xx", "lost answer", "bell lost", "sold out"}


# Those after the ranges once found something.
@pytest.mark.parametrize(
    ("knob", "seeds"), [("plain", [*range(1, 201), 262, 4562, 10471]), ("quota", [*range(1, 61), 34, 247, 276, 368, 868])]
)
def test_each_sale_is_of_what_is_there_or_of_what_no_channel_could_know_to_be_gone(knob: str, seeds: Iterable[int]) -> None:
    found = seen(Wish("pure", knob, seed) for seed in seeds)

    assert found.keys() >= PURE
    assert found["orders"] > 1000


ENOUGH = 60


@cache
def holds(wish: Wish) -> bool:
    return not once(wish).broke


@pytest.mark.parametrize("name", mutants.ALL)
def test_a_planted_mistake_is_found(name: str) -> None:
    """By the seed that is known to find it, or soon after where the product has changed since; all is well there without the mistake."""
    mutant = mutants.ALL[name]
    found = (seed for seed in (mutant.seed, *range(1, ENOUGH)) if once(Wish(mutant.world, mutant.knob, seed, mutant=name)).broke)

    assert any(holds(Wish(mutant.world, mutant.knob, seed)) for seed in found), mutant.words
    assert len(mutants.ALL) >= 30


def test_a_mistake_in_a_statement_is_planted_only_where_it_says_what_it_said() -> None:
    with pytest.raises(AssertionError, match="not in the statement any more: no such words"):
        mutants.text("no such words", "")("select 1")


@pytest.mark.parametrize("wish", [Wish("sqlite", "plain", 7), Wish("sqlite", "rush quota", 3), Wish("pure", "plain", 7)])
def test_a_seed_is_a_run(wish: Wish) -> None:
    first, second = once(wish), once(wish)

    assert (first.ending, first.counts, first.trace) == (second.ending, second.counts, second.trace)
    assert first.ending


def test_what_breaks_names_its_seed_and_how_to_see_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "check", lambda _: books.balance(None))

    found = once(Wish("sqlite", "rush quota", 5))

    assert found.broke
    assert found.wish.command == "crossdock simulate-world --world sqlite --knob 'rush quota' --first 5 --seeds 1"
    assert 0 < len(found.trace) <= 30


def test_what_breaks_is_made_smaller_while_it_breaks() -> None:
    mutant = mutants.ALL["return-lost"]
    wish = Wish("pure", "plain", mutant.seed, mutant="return-lost")

    small = runner.shrink(wish)

    assert small.broke
    assert small.wish.off, "what comes back gets lost without most kinds of trouble"
    assert small.wish.command.endswith("--mutant return-lost")
    assert once(replace(small.wish, tell=True)).broke == small.broke


def test_the_table_says_what_was_never_met_and_leaves_out_what_cannot_be() -> None:
    met = {("crash", "publish_stock", "written"): 2, ("lost", "notice", "on its way"): 1}

    columns, rows, missing = cells.laid_out(met)

    assert rows[3][:2] == ("crash", "fetch_orders")
    assert ("crash", "publish_stock", "0", "0", "0", "-", "0", "2", "-") in rows
    assert len(columns) == len(rows[0])
    assert "crash, publish_stock, at its start" in missing
    assert not [words for words in missing if words.startswith(("crash, publish_stock, written", "429, notice"))]
