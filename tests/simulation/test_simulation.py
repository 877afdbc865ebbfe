"""The hub among channels, a network and workers that fail: whatever happens, in the end everything is right."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.flows import books
from tests.flows.quick import Houses
from tests.simulation.world import KIN, World, a_street, run

SEEDS, BLOCK = range(1, 81), 20
SOMETIMES = {"crash", "failure", "lost answer", "freeze", "sold", "quiet"}


@pytest.fixture(scope="module")
def street() -> Iterator[Houses]:
    with TemporaryDirectory(prefix="crossdock-world-") as folder:
        yield a_street(Path(folder))


@pytest.mark.parametrize("first", SEEDS[::BLOCK])
def test_when_the_trouble_is_over_every_order_is_here_once_and_every_listing_shows_what_it_should(street: Houses, first: int) -> None:
    seen = Counter[str]()
    for seed in range(first, first + BLOCK):
        seen += run(street, seed).counts

    assert SOMETIMES - seen.keys() <= {"freeze", "quiet"}, "every kind of trouble happens in every block, but for the rare ones"


@pytest.fixture(scope="module")
def merging_street() -> Iterator[Houses]:
    with TemporaryDirectory(prefix="crossdock-world-") as folder:
        yield a_street(Path(folder), merges=True)


# The last of these once found something.
@pytest.mark.parametrize("seeds", [range(1, 21), (169, 177, 424)])
def test_copies_and_combined_orders_hold_each_unit_once(merging_street: Houses, seeds: Iterable[int]) -> None:
    seen = Counter[str]()
    for seed in seeds:
        seen += run(merging_street, seed, **KIN).counts

    assert seen.keys() >= {"sold", "copy", "combined"}


@pytest.fixture(scope="module")
def dealt_street() -> Iterator[Houses]:
    with TemporaryDirectory(prefix="crossdock-world-") as folder:
        yield a_street(Path(folder), quota=True)


# The last of these once found something.
@pytest.mark.parametrize("seeds", [range(1, 21), (4, 26, 46, 53, 99)])
def test_in_quota_nothing_is_sold_twice_whatever_is_late_lost_or_repeated(dealt_street: Houses, seeds: Iterable[int]) -> None:
    seen = Counter[str]()
    for seed in seeds:
        seen += run(dealt_street, seed, quota=True).counts

    assert seen.keys() >= {"sold", "failure"}


# Seeds that once found something, kept for ever.
@pytest.mark.parametrize("seed", [352, 3350])
def test_what_was_repaired_stays_repaired(street: Houses, seed: int) -> None:
    run(street, seed)


def test_a_seed_is_a_run(street: Houses) -> None:
    worlds = [run(street, 7) for _ in range(2)]

    assert worlds[0].counts == worlds[1].counts
    assert worlds[0].ending == worlds[1].ending


def test_what_breaks_names_its_seed_and_how_to_see_it_again(street: Houses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(World, "check", lambda _: books.balance(None))

    with pytest.raises(AssertionError, match=r"seed 5: .*\nreplay: python -m tests.simulation.world 5"):
        run(street, 5)
