"""What cannot wait is told once, to those who chose it, and cleared when it is mended; whatever is lost on the way."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from core.domain.alerts import Choice
from core.errors import OutcomeUnknown, Unavailable
from core.ports import Letter
from core.store import alerts, connections
from tests.conftest import House
from tests.flows import acts

AGE = timedelta(minutes=3)  # of orders that are polled


class Post:
    """Takes letters, and loses its answer where a test wants it to."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.fails: list[Exception] = []

    def mail(self, letter: Letter) -> str:
        self.letters.append(letter)
        if self.fails:
            raise self.fails.pop()
        return "sent"

    call = mail


@pytest.fixture
def house(house: House) -> House:
    house.shelve(A=2)
    return house


@pytest.fixture
def post(house: House) -> Post:
    house.hub.post = Post()
    return house.hub.post


def hire(house: House, user: str, role: str, said: str = "{}") -> None:
    values = {"id": user, "email": f"{user}@north.example", "merchant": house.merchant.id, "role": role, "said": said}
    with house.hub.database.write() as db:
        db.execute(text("insert into users (id, email, data_key, created_at) values (:id, :email, '', 1)"), values)
        member = "insert into members (merchant, user_id, role, alerts, created_at) values (:merchant, :id, :role, :said, 1)"
        db.execute(text(member), values)


def look(house: House) -> None:
    """Some minutes pass, and somebody looks."""
    house.clock.pass_(AGE)
    house.poll()
    house.ask("raise_alerts", house.merchant.id)
    with house.hub.database.write() as db:
        db.execute(text("update tasks set connection = '' where kind = 'raise_alerts' and state = 'due'"))
    house.drain()


def raised(house: House) -> list[tuple[str, bool, bool]]:
    """(cause, told, cleared), the oldest first."""
    with house.hub.database.read() as db:
        found = alerts.newest(db, house.merchant.id)
    return [(row.cause, row.told_at is not None, row.cleared_at is not None) for row in reversed(found)]


def test_a_lost_login_is_told_once_and_told_again_when_it_is_over(house: House, post: Post) -> None:
    hire(house, "ana", "owner")
    with house.hub.database.write() as db:
        connections.set_state(db, house.connection.id, "needs_login", "revoked")
    look(house)
    look(house)

    [letter] = post.letters
    assert letter.to == "ana@north.example"
    assert "does not let us in any more" in letter.title
    assert "revoked" in letter.body
    assert raised(house) == [("login", True, False)]

    with house.hub.database.write() as db:
        connections.set_state(db, house.connection.id, "active", None)
    look(house)
    assert "it is mended" in post.letters[-1].title
    assert raised(house) == [("login", True, True)]


def test_an_oversold_order_is_told_to_those_who_pack_and_cleared_without_a_word(house: House, post: Post) -> None:
    hire(house, "ana", "owner", '{"now": ["login"]}')
    hire(house, "ben", "warehouse")
    house.bogus.sell({"A": 5})
    look(house)

    assert [letter.to for letter in post.letters] == ["ben@north.example"]
    acts.count(house, A=9)
    with house.hub.unit() as work:
        work.ask(house.merchant.id, "reserve", f"{house.connection.id}/1001", house.connection.id)
    look(house)
    assert len(post.letters) == 1
    assert raised(house) == [("oversold", True, True)]


def test_an_unpaid_order_or_one_of_a_channel_that_is_only_watched_is_not_oversold_yet(house: House, post: Post) -> None:
    hire(house, "ana", "owner")
    house.bogus.sell({"A": 5}, payment="unpaid")
    look(house)
    assert raised(house) == []

    acts.pay(house.bogus, "1001")
    with house.hub.database.write() as db:
        connections.set_live(db, house.connection.id, None)
    look(house)
    assert raised(house) == []

    with house.hub.database.write() as db:
        connections.set_live(db, house.connection.id, 0)
    look(house)
    assert raised(house) == [("oversold", True, False)]


def test_a_burst_is_one_letter_and_what_follows_is_gathered(house: House, post: Post) -> None:
    hire(house, "ana", "owner")
    for _ in range(30):
        house.bogus.sell({"A": 5})
    look(house)
    house.bogus.sell({"A": 5})
    house.bogus.sell({"A": 5})
    look(house)

    [letter] = post.letters
    assert "and 10 more" in letter.body
    house.clock.pass_(timedelta(minutes=15))
    look(house)
    assert [letter.body.count("- #") for letter in post.letters] == [20, 2]


def test_an_order_that_must_leave_within_hours_is_told(house: House, post: Post) -> None:
    hire(house, "ana", "owner")
    house.bogus.sell({"A": 1})
    look(house)
    with house.hub.database.write() as db:
        db.execute(text("update orders set ship_by = :at"), {"at": house.hub.now + 7 * 3_600_000_000})
    look(house)
    assert raised(house) == []

    house.clock.pass_(timedelta(hours=1))
    look(house)
    assert raised(house) == [("late", True, False)]
    acts.fulfill(house.bogus, "1001", house.bogus.orders["1001"]["lines"][0]["id"], 1)
    look(house)
    assert raised(house) == [("late", True, True)]


def test_a_channel_that_is_not_read_is_told_of(house: House, post: Post) -> None:
    hire(house, "ana", "owner")
    look(house)
    house.clock.pass_(timedelta(hours=2))
    house.ask("raise_alerts", house.merchant.id)
    with house.hub.database.write() as db:
        db.execute(text("update tasks set connection = '' where kind = 'raise_alerts'"))
    house.drain()

    assert raised(house) == [("unread", True, False)]
    assert "has not been read for too long" in post.letters[0].title


def test_a_lost_answer_sends_the_same_letter_again(house: House, post: Post) -> None:
    hire(house, "ana", "owner")
    post.fails = [OutcomeUnknown("gone"), Unavailable("away")]
    house.bogus.sell({"A": 5})
    look(house)
    house.drain(timedelta(minutes=1))

    assert len(post.letters) == 3
    assert len({letter.id for letter in post.letters}) == 1


def test_a_letter_that_was_sent_is_not_sent_again(house: House, post: Post) -> None:
    hire(house, "ana", "owner")
    house.bogus.sell({"A": 5})
    look(house)
    with house.hub.unit() as work:
        work.ask(house.merchant.id, "send_alerts", post.letters[0].id)
    house.drain()

    assert len(post.letters) == 1


def test_who_left_or_chose_otherwise_meanwhile_gets_nothing(house: House, post: Post) -> None:
    hire(house, "ana", "owner")
    post.fails = [Unavailable("away")]
    house.bogus.sell({"A": 5})
    look(house)
    with house.hub.database.write() as db:
        alerts.choose(db, house.merchant.id, "ana", Choice(mail=False))
    house.drain(timedelta(minutes=1))

    assert len(post.letters) == 1
    with house.hub.database.read() as db:
        [letter] = alerts.letters_to(db, house.merchant.id, "ana")
    assert letter.outcome == "nobody"


def test_the_morning_tells_of_yesterday_and_of_what_needs_somebody_once(house: House, post: Post) -> None:
    hire(house, "ana", "owner", '{"now": [], "digest": true}')
    hire(house, "ben", "viewer")
    with house.hub.database.write() as db:
        db.execute(text("""update merchants set settings = '{"zone": "America/New_York"}'"""))
    house.bogus.sell({"A": 5})
    look(house)
    house.clock.pass_(timedelta(hours=25) - AGE * 3)  # 8:00 there is 13:00 here
    look(house)
    look(house)

    [letter] = post.letters
    assert "this morning" in letter.title
    assert ": 1 / 50.00 USD" in letter.body
    assert "1 × More was sold than lies on the shelf" in letter.body


def test_without_a_way_out_letters_are_kept_and_nothing_stops(house: House) -> None:
    hire(house, "ana", "owner")
    house.bogus.sell({"A": 5})
    look(house)

    with house.hub.database.read() as db:
        [letter] = alerts.letters_to(db, house.merchant.id, "ana")
    assert letter.outcome == "kept"
