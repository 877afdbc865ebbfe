"""No unit of a shelf that a channel counts itself is promised twice or lost, whatever happens between a promise and its parcel."""

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain.requests import RequestState
from core.domain.stored import SETTLES_US, Asked, Theirs, doubtful, lacks, on_hand, settles_at, taken

MINUTE = 60_000_000


@dataclass
class Unit:
    """Units of one promise. `ours` is what we believe of it, `taken`, `gone` and `back` what the channel did."""

    units: int
    ours: RequestState | None = None  # None: promised and not asked for
    answered_at: int | None = None
    taken: bool = False
    taken_at: int = 0
    gone: bool = False
    held: bool = True  # reserved here


@dataclass
class World:
    """A channel's warehouse and our shelf of it: `there` can be sold there. What it took is told off its figure `lag` later."""

    there: int
    level: int = 0
    now: int = 0
    units: list[Unit] = field(default_factory=list)
    figures: list[tuple[int, int]] = field(default_factory=list)
    lag: int = 0
    reading: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        self.note()
        self.level = self.there

    def note(self) -> None:
        self.figures.append((self.now, self.there))

    @property
    def told(self) -> int:
        """The figure as it was some while ago: what it sells and takes is seen late."""
        return next(there for at, there in reversed(self.figures) if at <= max(0, self.now - self.lag))

    @property
    def reserved(self) -> int:
        return sum(one.units for one in self.units if one.held)

    @property
    def free(self) -> int:
        return self.level - self.reserved

    def pick(self, n: int, **fits: object) -> Unit | None:
        some = [one for one in self.units if all(getattr(one, name) == value for name, value in fits.items())]
        return some[n % len(some)] if some else None

    def promise(self, n: int) -> None:
        if 0 < n <= self.free:
            self.units.append(Unit(n))

    def ask(self, n: int) -> None:
        if one := self.pick(n, ours=None, held=True):
            one.ours = RequestState.ASKED

    def take(self, n: int) -> None:
        """The channel takes a request's units: it always can, where nothing was promised twice."""
        if one := self.pick(n, ours=RequestState.ASKED, taken=False):
            assert one.units <= self.there
            self.there, one.taken, one.taken_at = self.there - one.units, True, self.now
            self.note()

    def accept(self, n: int) -> None:
        if (one := self.pick(n, ours=RequestState.ASKED, taken=True)) and one.held:
            one.ours, one.answered_at = RequestState.ACCEPTED, self.now

    def send(self, n: int) -> None:
        """Packing takes longer than its figure lags."""
        if (one := self.pick(n, ours=RequestState.ACCEPTED, gone=False)) and one.held and one.taken_at + SETTLES_US <= self.now:
            one.gone, one.held = True, False
            self.level -= one.units
            one.ours = RequestState.SENT

    def give_up(self, n: int) -> None:
        """Its order is cancelled: what was asked for leaves the shelf until the channel says that it is there again."""
        if (one := self.pick(n, held=True)) is not None:
            one.held = False
            self.level -= one.units if one.ours else 0
            one.ours = RequestState.WITHDRAWING if one.ours else RequestState.WITHDRAWN

    def put_back(self, n: int) -> None:
        if one := self.pick(n, ours=RequestState.WITHDRAWING):
            self.there += one.units if one.taken else 0
            one.ours = RequestState.WITHDRAWN
            self.note()

    def receive(self, n: int) -> None:
        self.there += n
        self.note()

    def begin(self, _: int) -> None:
        self.reading = (self.now, self.told)

    def finish(self, _: int) -> None:
        if self.reading:
            (at, told), self.reading = self.reading, None
            known = [
                Asked(one.units, one.units * one.held, one.ours, one.answered_at) for one in self.units if one.ours in LIVE and not one.gone
            ]
            self.level = on_hand(told - doubtful(known, at), self.reserved, taken(known, at))

    def pass_(self, n: int) -> None:
        """No reading takes that long."""
        self.now, self.reading = self.now + n * MINUTE, None


LIVE = (RequestState.ASKED, RequestState.ACCEPTED, RequestState.WITHDRAWING)
ACTS = ["promise", "ask", "take", "accept", "send", "give_up", "put_back", "receive", "begin", "finish", "pass_"]
OFTEN = [*ACTS, "promise", "ask", "take", "accept", "begin", "finish", "ask", "take", "accept", "begin", "finish"]
steps = st.lists(st.tuples(st.sampled_from(OFTEN), st.integers(1, 8)), min_size=15, max_size=60)


@settings(max_examples=400)
@given(there=st.integers(4, 12), lag=st.integers(0, 14), acts=steps)
def test_whatever_happens_no_unit_is_promised_twice(there: int, lag: int, acts: list[tuple[str, int]]) -> None:
    world = World(there, lag=lag * MINUTE)
    for act, n in acts:
        getattr(world, act)(n)
        waiting = sum(one.units for one in world.units if one.held and not one.taken)
        asked = sum(one.units for one in world.units if one.ours is RequestState.WITHDRAWING and not one.taken)
        assert world.free >= 0
        assert world.free + waiting + asked <= world.there


@given(there=st.integers(0, 12), acts=steps)
def test_once_all_is_settled_a_reading_finds_every_unit_again(there: int, acts: list[tuple[str, int]]) -> None:
    world = World(there)
    for act, n in acts:
        getattr(world, act)(n)
    for act in ("ask", "take", "accept", "put_back"):
        for _ in world.units:
            getattr(world, act)(0)
    world.pass_(16)
    world.begin(0)
    world.finish(0)
    known = [one for one in world.units if one.held and not one.taken]
    assert world.free == world.there - sum(one.units for one in known)


@given(sellable=st.integers(-3, 20), promised=st.integers(0, 20), gone=st.integers(0, 30))
def test_a_shelf_is_what_can_be_sold_and_what_was_taken_of_our_promises_and_holds_them_all(sellable: int, promised: int, gone: int) -> None:
    there = on_hand(sellable, promised, gone)

    assert there >= promised
    assert there - lacks(sellable, promised, gone) == max(0, sellable) + min(promised, gone)
    assert lacks(sellable, promised, gone) >= 0


ONE = Asked(4, 4, RequestState.ACCEPTED, 0)


def test_what_is_certainly_taken_was_accepted_a_while_before_the_reading_and_is_still_promised() -> None:
    assert taken([ONE], SETTLES_US) == 4
    assert taken([ONE], SETTLES_US - 1) == 0
    assert taken([replace(ONE, reserved=1)], SETTLES_US) == 1
    for other in (RequestState.WANTED, RequestState.ASKED, RequestState.WITHDRAWING):
        assert taken([replace(ONE, state=other)], SETTLES_US) == 0


def test_it_says_when_another_reading_says_more() -> None:
    assert settles_at([ONE, replace(ONE, answered_at=7)]) == SETTLES_US + 7
    assert settles_at([replace(ONE, state=RequestState.ASKED), replace(ONE, answered_at=None)]) is None


def test_of_a_shelf_that_a_channel_counts_something_is_promised_where_it_is_open_but_for_the_cushion() -> None:
    theirs = Theirs(frozenset({"FBA", "OFF"}), frozenset({"FBA"}), {("A", "FBA"): 3, ("A", "OFF"): 3})

    assert [theirs.free(("A", at), 5) for at in ("HERE", "FBA", "OFF")] == [5, 2, 0]
    assert theirs.free(("A", "FBA"), 2) == 0
