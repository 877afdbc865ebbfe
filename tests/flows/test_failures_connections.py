"""Failures that users of other hubs reported: "OAuth refresh race kills the connection". Named by what must hold."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from core.domain.tasks import Task
from core.errors import AccessLost, RateLimited, Refused, Unavailable
from core.flows import connections as flows
from core.flows.connections import SharedBudget, StoredTokens
from core.jobs import judge
from core.ports import Fresh, Rate
from core.store import connections
from tests.conftest import Clock, House
from tests.flows import books
from tests.flows.marks import on_postgresql, on_sqlite
from tests.flows.workers import Crash, in_threads


@dataclass
class Issuer:
    """Gives tokens for an hour and rotates the refresh token; the one before holds until the new access token is used."""

    clock: Clock
    current: str = "refresh-0"
    before: str | None = None
    calls: int = 0
    issued: dict[str, datetime] = field(default_factory=dict)
    crash: BaseException | None = None

    def __post_init__(self) -> None:
        self.lock = threading.Lock()

    def refresh(self, login: Mapping[str, str]) -> Fresh:
        with self.lock:
            if login["refresh"] not in (self.current, self.before):
                raise AccessLost("the refresh token was used before")
            self.calls += 1
            self.before, self.current = login["refresh"], f"refresh-{self.calls}"
            token = f"access-{self.calls}"
            self.issued[token] = self.clock.now + timedelta(hours=1)
            if self.crash:
                crash, self.crash = self.crash, None
                raise crash
            return Fresh(token, self.issued[token], {"refresh": self.current})

    def use(self, token: str) -> None:
        assert self.clock.now < self.issued[token]
        with self.lock:
            if token == f"access-{self.calls}":
                self.before = None


@pytest.fixture
def issuer(house: House) -> Issuer:
    flows.connect(house.hub, house.merchant.id, "bogus", "bogus", {"refresh": "refresh-0", "client": "ours"})
    return Issuer(house.clock)


def tokens(house: House) -> StoredTokens:
    return StoredTokens(house.hub, house.connection.id)


def test_eight_workers_with_an_expired_token_refresh_it_once_and_all_go_on(house: House, issuer: Issuer) -> None:
    issuer.use(tokens(house).access(issuer.refresh))
    house.clock.pass_(timedelta(hours=2))
    got: list[str] = []

    def work() -> None:
        got.append(tokens(house).access(issuer.refresh))
        issuer.use(got[-1])

    in_threads([work] * 8)

    assert (issuer.calls, got) == (2, ["access-2"] * 8)


def test_eight_workers_whose_token_was_rejected_refresh_it_once(house: House, issuer: Issuer) -> None:
    old = tokens(house).access(issuer.refresh)
    got: list[str] = []

    in_threads([lambda: got.append(tokens(house).access(issuer.refresh, rejected=old))] * 8)

    assert (issuer.calls, got) == (2, ["access-2"] * 8)


@on_postgresql
def test_two_processes_with_an_expired_token_refresh_it_once(house: House, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds threads of one process apart is not there between processes: the database does it. (SQLite has one process.)"""

    class Apart(dict[str, threading.Lock]):
        def __getitem__(self, key: str) -> threading.Lock:
            return threading.Lock()

    monkeypatch.setattr(flows, "_refreshing", Apart())
    got: list[str] = []

    in_threads([lambda: got.append(tokens(house).access(issuer.refresh))] * 6)

    assert (issuer.calls, got) == (1, ["access-1"] * 6)


def test_a_crash_between_the_refresh_and_its_saving_recovers(house: House, issuer: Issuer) -> None:
    issuer.crash = Crash()
    with pytest.raises(Crash):
        tokens(house).access(issuer.refresh)

    token = tokens(house).access(issuer.refresh)
    issuer.use(token)

    assert (token, issuer.calls) == ("access-2", 2)
    house.clock.pass_(timedelta(hours=2))
    issuer.use(tokens(house).access(issuer.refresh))


@on_sqlite
@pytest.mark.parametrize("tries", range(1, 9))
def test_a_renewal_without_an_answer_is_asked_again_while_the_old_one_is_taken(house: House, issuer: Issuer, tries: int) -> None:
    """Whatever was tried before: after half an hour nobody takes it any more (Xero), and somebody would have to log in again."""
    issuer.crash = Unavailable("no answer")
    with pytest.raises(Unavailable) as lost:
        tokens(house).access(issuer.refresh)

    waits = [judge(lost.value, Task(1, "m", "c", "post_document", "s", 1, tries + n), 0.9).wait_s for n in range(2)]
    assert 0 < waits[0] < waits[0] + min(waits[1], 300.0) < 30 * 60
    assert judge(Unavailable("no answer"), Task(1, "m", "c", "post_document", "s", 1, 7), 0.9).wait_s > 3600, "others wait longer"


@on_sqlite
def test_what_a_refresh_rotates_is_stored_with_it_and_the_rest_of_the_login_stays(house: House, issuer: Issuer) -> None:
    seen: list[Mapping[str, str]] = []

    def refresh(login: Mapping[str, str]) -> Fresh:
        seen.append(login)
        return issuer.refresh(login)

    for _ in range(2):
        tokens(house).access(refresh)
        house.clock.pass_(timedelta(hours=2))

    assert seen == [{"refresh": "refresh-0", "client": "ours"}, {"refresh": "refresh-1", "client": "ours"}]
    assert issuer.calls == 2


@on_sqlite
def test_a_token_that_holds_is_not_refreshed_and_one_that_ends_within_minutes_is(house: House, issuer: Issuer) -> None:
    for minutes, calls in ((0, 1), (50, 1), (6, 2)):
        house.clock.pass_(timedelta(minutes=minutes))
        tokens(house).access(issuer.refresh)
        assert issuer.calls == calls


@on_sqlite
def test_lost_access_pauses_the_connection_and_not_the_others_until_somebody_logs_in(make_house: Callable[..., House]) -> None:
    house = make_house("lost", "other")
    house.systems["lost"].next("poll", AccessLost("revoked"))
    house.clock.pass_(timedelta(minutes=5))
    for system in house.systems.values():
        system.calls.clear()
        system.sell({"A": 1})
    house.clock.pass_(timedelta(minutes=5))

    house.poll()
    house.poll()

    assert [method for method, _ in house.systems["lost"].calls] == ["poll"]
    assert len(books.orders(house.hub)) == 1
    assert books.parked(house.hub) == []
    assert house.hub.connection(house.connections["lost"].id).state == "needs_login"

    flows.connect(house.hub, house.merchant.id, "bogus", "lost", {"key": "new"})
    house.drain()
    assert len(books.orders(house.hub)) == 2


def test_an_account_that_another_merchant_connected_stays_theirs(house: House) -> None:
    stranger = flows.add_merchant(house.hub, "Somebody Else")

    with pytest.raises(Refused):
        flows.connect(house.hub, stranger.id, "bogus", house.connection.account, {"key": "theirs"})

    house.poll()
    assert books.parked(house.hub) == []


# ---- rate budgets


def test_a_budget_gives_what_came_back_since_and_says_how_long_to_wait_for_the_rest(house: House) -> None:
    budget = SharedBudget(house.hub, house.connection.id, {"slow": Rate(0.5, 2.0)})
    budget.take("slow")
    budget.take("slow")
    with pytest.raises(RateLimited) as said:
        budget.take("slow")
    assert said.value.wait_s == pytest.approx(2.0)

    house.clock.pass_(timedelta(seconds=2))
    budget.take("slow")
    with pytest.raises(RateLimited):
        budget.take("slow")


def test_a_spent_budget_of_ours_delays_its_task_and_does_not_stop_the_connection(house: House) -> None:
    """It is one operation that is spent: the others go on."""
    house.shelve(A=10)
    budget = SharedBudget(house.hub, house.connection.id, house.hub.connectors["bogus"].rates)
    budget.learn("listings", left=0.0)
    with house.hub.database.write() as db:
        connections.learn(db, house.connection.id, "listings", house.hub.now, 0.1, 1.0, 0.0)
    house.ask("read_listings")
    house.bogus.calls.clear()
    house.ask("poll_orders")
    house.drain()

    assert [method for method, _ in house.bogus.calls] == ["poll"]
    house.drain(through=timedelta(seconds=11))
    assert "listings" in [method for method, _ in house.bogus.calls]
    assert books.open_tasks(house.hub) == []


def test_what_a_channel_says_of_its_budget_counts(house: House) -> None:
    budget = SharedBudget(house.hub, house.connection.id, {"read": Rate(10.0, 100.0)})
    budget.take("read")
    budget.learn("read", Rate(1.0, 5.0), left=0.5)

    with pytest.raises(RateLimited) as said:
        budget.take("read")

    assert said.value.wait_s == pytest.approx(0.5)


def test_threads_never_take_more_than_the_budget_holds(house: House) -> None:
    budget = SharedBudget(house.hub, house.connection.id, {"read": Rate(1.0, 50.0)})
    taken: list[int] = []

    def work() -> None:
        for _ in range(20):
            try:
                budget.take("read")
            except RateLimited:
                continue
            taken.append(1)

    in_threads([work] * 8)

    assert len(taken) == 50


@on_sqlite
def test_a_bigger_piece_than_the_bucket_takes_the_whole_bucket(house: House) -> None:
    budget = SharedBudget(house.hub, house.connection.id, {"read": Rate(1.0, 5.0)})
    budget.take("read", 50)

    with pytest.raises(RateLimited):
        budget.take("read")


@on_sqlite
def test_an_operation_without_a_rate_is_free(house: House) -> None:
    assert SharedBudget(house.hub, house.connection.id, {}).take("anything", 1e9) is None
