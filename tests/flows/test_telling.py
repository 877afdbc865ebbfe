"""Buyers are told of their parcels: what the merchant chose, once each, whatever is lost on the way."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from core.domain.shipping import Progress, Step, Tracked
from core.domain.telling import Kind, Telling
from core.errors import HubError, OutcomeUnknown, Refused, Unavailable
from core.flows import sending, telling
from core.ports import Letter
from core.store import attention, privacy
from core.store.sql import run
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, BUYER, Depot, depot
from tests.flows.marks import on_sqlite

NADIA = "nadia@buyer.example"
NUMBER = "BP00000001"


@dataclass
class Office:
    """A way out for mail that behaves: it keeps what it took, and breaks where a test wants it to."""

    taken: list[Letter] = field(default_factory=list)
    breaks: list[tuple[HubError, bool]] = field(default_factory=list)  # what it says, and whether it took the letter

    def mail(self, letter: Letter) -> str:
        error, took = self.breaks.pop(0) if self.breaks else (None, True)
        if took:
            self.taken.append(letter)
        if error:
            raise error
        return "sent"

    def call(self, letter: Letter) -> str:
        raise Refused("nobody is called")


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10)
    return depot(house)


@pytest.fixture
def office(dock: Depot) -> Office:
    dock.house.hub.post = office = Office()
    dock.house.hub.public_url = "https://hub.example"
    choose(dock, *Kind)
    return office


def choose(dock: Depot, *kinds: Kind) -> None:
    telling.choose(dock.house.hub, dock.merchant, Telling({dock.house.connection.id: frozenset(kinds)}, "shop@north.example"), ANN)


def sold(dock: Depot, **different: object) -> None:
    """A parcel to Nadia that has left."""
    dock.house.bogus.sell({"A": 1}, **{"ship_to": BUYER, "email": NADIA, **different})
    dock.poll()
    dock.label()
    dock.send()
    dock.house.clock.pass_(timedelta(seconds=1))


def learn(dock: Depot, *steps: tuple[timedelta, Progress]) -> None:
    """What the carrier tells of the parcel: each thing so long ago."""
    now = dock.house.clock()
    told = Tracked(tuple(Step(now - ago, progress, progress.value.upper(), town="Austin") for ago, progress in steps))
    with dock.house.hub.unit() as work:
        sending.learn(dock.house.hub, work, dock.merchant, {str(books.one(dock.house.hub, "select id from parcels")): told})
    dock.house.drain()


def letters(dock: Depot) -> list[tuple[str, str | None]]:
    return [(what, outcome) for what, outcome in books.rows(dock.house.hub, "select what, outcome from buyer_letters order by at, what")]


def parked(dock: Depot) -> list[str]:
    return [str(row[0]) for row in books.rows(dock.house.hub, "select cause from tasks where kind = 'tell_buyers' and state = 'parked'")]


MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def test_a_buyer_is_told_of_each_thing_once(dock: Depot, office: Office) -> None:
    sold(dock)
    dock.post.scan(NUMBER, Progress.OUT_FOR_DELIVERY, "Austin")
    for _ in range(2):
        dock.house.clock.pass_(5 * HOUR)
        dock.house.ask("track_parcels", dock.carrier.id, dock.carrier)
        dock.house.drain()
    dock.post.scan(NUMBER, Progress.DELIVERED, "Austin")
    dock.house.clock.pass_(5 * HOUR)
    dock.house.ask("track_parcels", dock.carrier.id, dock.carrier)
    dock.house.drain()

    assert letters(dock) == [("shipped", "sent"), ("out_for_delivery", "sent"), ("delivered", "sent")]
    assert {one.to for one in office.taken} == {NADIA}
    assert len({one.id for one in office.taken}) == len(office.taken) == 3


def test_a_letter_says_what_happened_and_leads_to_the_page_of_the_parcel(dock: Depot, office: Office) -> None:
    sold(dock)

    [letter] = office.taken
    page = f"https://hub.example/track/{books.one(dock.house.hub, 'select token from parcels')}"
    assert letter.answer_to == "shop@north.example"
    assert "was sent" in letter.title
    assert page in letter.body
    assert f'<a href="{page}">' in letter.page
    assert "<img" not in letter.page
    assert "Nadia" not in letter.body


@on_sqlite
def test_nobody_is_told_anything_until_a_merchant_says_so(dock: Depot, office: Office) -> None:
    choose(dock)
    sold(dock)
    learn(dock, (MINUTE, Progress.DELIVERED))

    assert (letters(dock), office.taken) == ([], [])


@on_sqlite
def test_of_steps_that_come_all_at_once_only_the_newest_is_told(dock: Depot, office: Office) -> None:
    choose(dock, Kind.OUT_FOR_DELIVERY, Kind.DELIVERED, Kind.EXCEPTION)
    sold(dock)
    known = (3 * HOUR, Progress.EXCEPTION), (2 * HOUR, Progress.OUT_FOR_DELIVERY), (HOUR, Progress.DELIVERED)
    learn(dock, *known, (MINUTE, Progress.UNKNOWN))

    assert letters(dock) == [("delivered", "sent")]


@on_sqlite
def test_what_comes_late_sets_nothing_back_and_is_not_told(dock: Depot, office: Office) -> None:
    choose(dock, Kind.OUT_FOR_DELIVERY, Kind.DELIVERED)
    sold(dock)
    learn(dock, (HOUR, Progress.DELIVERED))
    learn(dock, (2 * HOUR, Progress.OUT_FOR_DELIVERY))

    assert letters(dock) == [("delivered", "sent")]
    assert books.rows(dock.house.hub, "select progress, look_at from parcels") == [("delivered", None)]
    assert books.one(dock.house.hub, "select count(*) from tracks") == 2


@on_sqlite
@pytest.mark.parametrize("steps", [[(25 * HOUR, Progress.DELIVERED)], [(HOUR, Progress.EXCEPTION), (MINUTE, Progress.IN_TRANSIT)]])
def test_what_is_over_or_older_than_a_day_is_not_told(dock: Depot, office: Office, steps: list[tuple[timedelta, Progress]]) -> None:
    choose(dock, Kind.DELIVERED, Kind.EXCEPTION)
    sold(dock)
    learn(dock, *steps)

    assert letters(dock) == []


@on_sqlite
def test_a_letter_that_waits_while_something_newer_happens_is_not_sent(dock: Depot, office: Office) -> None:
    office.breaks = [(Unavailable("no mail server"), False)] * 2
    sold(dock)
    learn(dock, (timedelta(0), Progress.DELIVERED))
    dock.house.drain(through=timedelta(minutes=2))

    assert sorted(letters(dock)) == [("delivered", "sent"), ("shipped", "over")]


@on_sqlite
def test_a_letter_that_found_no_way_out_for_a_day_is_not_sent(dock: Depot, office: Office) -> None:
    office.breaks = [(Unavailable("no mail server"), False)]
    sold(dock)
    dock.house.clock.pass_(25 * HOUR)
    dock.house.drain()

    assert (letters(dock), office.taken) == ([("shipped", "late")], [])


@pytest.mark.parametrize("took", [True, False])
def test_after_a_lost_answer_a_person_decides_whether_it_goes_again(dock: Depot, office: Office, took: bool) -> None:
    office.breaks = [(OutcomeUnknown("the mail server went away"), took)]
    sold(dock)
    dock.house.drain(through=timedelta(minutes=10))
    assert (letters(dock), parked(dock), len(office.taken)) == ([("shipped", "unsure")], ["OutcomeUnknown"], int(took))

    [id] = [str(row[0]) for row in books.rows(dock.house.hub, "select id from buyer_letters")]
    dock.house.ask("tell_buyers", id)
    dock.house.drain()

    assert (letters(dock), parked(dock), len(office.taken)) == ([("shipped", "sent")], [], int(took) + 1)


def test_a_crash_while_a_letter_was_under_way_sends_it_once_at_most(dock: Depot, office: Office) -> None:
    class Crash(BaseException):
        pass

    def die(letter: Letter) -> str:
        office.taken.append(letter)
        raise Crash

    office.mail = die  # type: ignore[method-assign]
    with pytest.raises(Crash):
        sold(dock)
    dock.house.hub.post = after = Office()
    dock.house.clock.pass_(MINUTE)
    with dock.house.hub.unit() as work:
        run(work.db, "update tasks set state = 'due', due_at = 0 where state = 'running'")
    dock.house.drain()

    assert (len(office.taken), after.taken, letters(dock), parked(dock)) == (1, [], [("shipped", "unsure")], ["OutcomeUnknown"])


@on_sqlite
def test_a_letter_that_was_declined_needs_somebody_and_goes_again_by_hand(dock: Depot, office: Office) -> None:
    office.breaks = [(Refused("the mail server does not take it to that address"), False)]
    sold(dock)
    assert (letters(dock), parked(dock)) == ([("shipped", "refused")], ["Refused"])

    [id] = [str(row[0]) for row in books.rows(dock.house.hub, "select id from buyer_letters")]
    dock.house.clock.pass_(30 * HOUR)
    telling.again(dock.house.hub, dock.merchant, id, dock.id(), ANN)
    dock.house.drain()

    assert (letters(dock), parked(dock), len(office.taken)) == ([("shipped", "sent")], [], 1)
    with pytest.raises(Refused):
        telling.again(dock.house.hub, dock.merchant, "another", dock.id(), ANN)


@on_sqlite
def test_a_letter_that_was_sent_goes_again_as_another_where_somebody_wants_it(dock: Depot, office: Office) -> None:
    sold(dock)
    [id] = [one.id for one in office.taken]
    telling.again(dock.house.hub, dock.merchant, id, dock.id(), ANN)
    dock.house.drain()

    assert (letters(dock), len({one.id for one in office.taken})) == ([("shipped", "sent")], 2)


@pytest.mark.parametrize("email", ["", "nadia", "a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", "<a@b.example>"])
@on_sqlite
def test_nobody_is_written_to_at_what_is_no_address(dock: Depot, office: Office, email: str) -> None:
    sold(dock, email=email)

    assert (letters(dock), office.taken) == ([("shipped", "nobody")], [])


def test_a_buyer_who_was_forgotten_is_told_nothing(dock: Depot, office: Office) -> None:
    sold(dock)
    connection = dock.house.connection.id
    with dock.house.hub.unit() as work:
        privacy.forget(work.db, dock.merchant, privacy.page(work.db, dock.merchant, connection, ""), notes=True)
    learn(dock, (timedelta(0), Progress.DELIVERED))

    assert letters(dock) == [("shipped", "sent"), ("delivered", "nobody")]
    assert len(office.taken) == 1


@on_sqlite
def test_what_names_hold_ends_no_header_and_is_no_markup(dock: Depot, office: Office) -> None:
    with dock.house.hub.unit() as work:
        run(work.db, "update merchants set name = :name", name="A\r\nBcc: x@y.example <b>&")
    sold(dock)

    [letter] = office.taken
    assert "<b>" not in letter.page
    assert "&lt;b&gt;&amp;" in letter.page


@on_sqlite
def test_an_address_for_answers_that_is_none_is_refused(dock: Depot) -> None:
    with pytest.raises(Refused):
        telling.choose(dock.house.hub, dock.merchant, Telling({}, "shop@north.example\nBcc: x@y.example"), ANN)


# ---- what is not told


def quiet(dock: Depot) -> list[str]:
    with dock.house.hub.database.read() as db:
        return [one.name for one in attention.page(db, dock.merchant, "quiet", dock.house.hub.now)]


def test_a_parcel_that_nobody_tells_anything_of_for_days_needs_somebody(dock: Depot) -> None:
    sold(dock)
    dock.house.clock.pass_(timedelta(days=4, hours=23))
    assert quiet(dock) == []

    dock.house.clock.pass_(2 * HOUR)
    assert quiet(dock) == ["S1"]

    learn(dock, (HOUR, Progress.IN_TRANSIT))
    assert quiet(dock) == []

    dock.house.clock.pass_(timedelta(days=5))
    assert quiet(dock) == ["S1"]
    learn(dock, (MINUTE, Progress.DELIVERED))
    assert quiet(dock) == []
