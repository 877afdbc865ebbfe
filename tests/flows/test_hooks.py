"""Outgoing webhooks: every event is told, in order, under the same id at each try; who does not answer is asked again, later and later."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from config import schedule
from core import jobs
from core.domain import hooks as domain
from core.domain.feed import TYPES
from core.errors import Refused
from core.flows import hooks
from core.ports import Heard
from core.store import hooks as store
from core.store import tasks
from tests.conftest import House

ADA = ("u-ada", "Ada")
URL = "https://till.example/hook"


@dataclass
class Till:
    """A receiver that does as the specification tells receivers: it checks the signature, and drops what it had by its id. `next` are
    answers for the calls to come: a status, "lost" (it took it, and its answer never came), or a Heard."""

    secret: str = ""
    next: list[Any] = field(default_factory=list)
    usual: Any = 200
    tries: list[str] = field(default_factory=list)
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    forged: int = 0
    ms: int = 1

    def refuses(self, url: str) -> str:
        return "" if url.startswith("https://") else "only https addresses are called"

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Heard:
        self.tries.append(headers["webhook-id"])
        answer = self.next.pop(0) if self.next else self.usual
        if not self.signed(headers, body):
            self.forged += 1
            return Heard(401, self.ms)
        if answer in (200, "lost"):
            self.taken.setdefault(headers["webhook-id"], json.loads(body))
        return answer if isinstance(answer, Heard) else Heard(None, self.ms, "no answer") if answer == "lost" else Heard(answer, self.ms)

    def done(self) -> None:
        return None

    def signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        said = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        mine = "v1," + base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
        return any(hmac.compare_digest(mine, one) for one in headers["webhook-signature"].split(" "))

    @property
    def types(self) -> list[str]:
        return [one["type"] for one in self.taken.values()]


@dataclass
class Told:
    """A house with a hook, and whom it tells."""

    house: House
    till: Till
    id: str

    def sell(self, count: int = 1) -> None:
        for _ in range(count):
            self.house.bogus.sell({"A": 1})
        self.house.clock.pass_(timedelta(minutes=5))
        self.house.poll()

    def work(self, through: timedelta = timedelta(0), step: timedelta = timedelta(minutes=1)) -> None:
        """Play the worker that tells, and the sweeper."""
        end = self.house.clock.now + through
        while True:
            while jobs.drain_live(self.house.hub, "hooks"):
                pass
            if self.house.clock.now >= end:
                return
            self.house.clock.pass_(min(step, end - self.house.clock.now))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.house.hub.database.read() as db:
            return [tuple(row) for row in db.execute(text(query))]

    @property
    def all(self) -> list[str]:
        """The ids of every event, in order."""
        return [domain.message_of(*row) for row in self.rows("select id, at from events order by id")]

    @property
    def hook(self) -> store.Hook:
        with self.house.hub.database.read() as db:
            found = store.get(db, self.house.merchant.id, self.id)
        assert found is not None
        return found

    def task(self) -> tasks.Seen:
        with self.house.hub.database.read() as db:
            return next(one for one in tasks.listed(db, self.house.merchant.id, kind="send_hooks") if one.subject == self.id)


@pytest.fixture
def told(house: House) -> Told:
    till = Till()
    house.hub.outward = till
    house.shelve(A=500)
    id, till.secret = hooks.add(house.hub, house.merchant.id, ADA, URL)
    return Told(house, till, id)


def test_every_event_is_told_once_and_in_order(told: Told) -> None:
    told.sell(3)
    told.work()

    assert told.till.tries == told.all
    assert list(told.till.taken) == told.all
    assert told.till.types.count("order.taken") == 3
    assert told.till.forged == 0
    assert [(status, words) for status, words in told.rows("select status, words from hook_calls")] == [(200, None)] * len(told.all)


def test_a_message_names_the_order_and_carries_facts_and_nothing_of_a_buyer(told: Told) -> None:
    told.sell()
    told.work()
    taken = next(one for one in told.till.taken.values() if one["type"] == "order.taken")

    [(order, ref)] = told.rows("select id, connection || '/' || channel_id from orders")
    assert set(taken) == {"type", "timestamp", "data"}
    assert (taken["data"]["order"], taken["data"]["subject"]) == (order, ref)
    assert taken["data"]["facts"]["total"] == {"minor": 1000, "currency": "USD", "text": "10.00"}


def test_what_was_before_the_hook_is_not_told(house: House) -> None:
    house.shelve(A=5)
    house.bogus.sell({"A": 1})
    house.clock.pass_(timedelta(minutes=5))
    house.poll()
    house.hub.outward = till = Till()
    id, till.secret = hooks.add(house.hub, house.merchant.id, ADA, URL)
    told = Told(house, till, id)
    told.work()
    assert till.tries == []

    told.sell()
    told.work()

    assert till.types == ["order.taken", "stock.reserved"]


def test_only_the_types_that_it_wants_are_told(told: Told) -> None:
    _, told.till.secret = hooks.add(told.house.hub, told.house.merchant.id, ADA, URL, ["order.taken"])
    hooks.remove(told.house.hub, told.house.merchant.id, ADA, told.id)
    told.sell(2)
    told.work()

    assert told.till.types == ["order.taken"] * 2
    assert len(told.all) == 4
    assert told.rows("select sent_to from hooks") == told.rows("select max(id) from events")


def test_whoever_fails_is_asked_again_later_and_later_with_the_same_ids(told: Told) -> None:
    told.till.usual = 503
    told.sell()
    waits = []
    for _ in range(10):
        told.work()
        assert told.hook.state == "active"
        waits.append((told.hook.rests_until - told.house.hub.now) / 1e6)
        told.house.clock.pass_(timedelta(seconds=waits[-1]))

    assert waits == [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400, 86400]
    assert told.till.tries == told.all[:1] * 10
    told.till.usual = 200
    told.work()
    assert list(told.till.taken) == told.all
    assert (told.hook.failed, told.hook.failing_since) == (0, None)


def test_news_do_not_hurry_whoever_rests(told: Told) -> None:
    told.till.usual = 503
    told.sell()
    told.work()
    told.house.clock.pass_(timedelta(seconds=5))
    told.work()
    told.sell()
    told.work()

    assert len(told.till.tries) == 3
    told.work(timedelta(minutes=4))
    assert len(told.till.tries) == 3


def test_after_five_days_it_stops_says_so_and_goes_on_where_it_was_when_somebody_asks(told: Told) -> None:
    told.till.usual = 500
    told.sell()
    told.work(timedelta(days=7), timedelta(hours=1))

    assert (told.hook.state, told.hook.reason) == ("stopped", "its receiver took nothing for five days")
    assert (told.task().state, told.task().cause) == ("parked", "HookStopped")
    assert "till.example" in (told.task().detail or "")
    tries = len(told.till.tries)
    told.sell()
    told.work(timedelta(days=1), timedelta(hours=1))
    assert len(told.till.tries) <= tries + 1
    assert told.task().state == "parked"

    told.till.usual = 200
    assert hooks.resume(told.house.hub, told.house.merchant.id, ADA, told.id)
    told.work()
    assert list(told.till.taken) == told.all
    assert (told.hook.state, told.task().state) == ("active", "done")


def test_a_parked_one_that_is_tried_again_goes_on_if_it_is_taken_and_stays_parked_if_not(told: Told) -> None:
    told.till.usual = 410
    told.sell()
    told.work()
    assert (told.hook.state, told.hook.reason) == ("stopped", "its receiver said that it is gone")
    for answer, states in ((410, ("stopped", "parked")), (200, ("active", "done"))):
        told.till.usual = answer
        with told.house.hub.database.write() as db:
            assert tasks.retry(db, told.house.merchant.id, told.house.hub.now, kind="send_hooks") == ["hooks"]
        told.work()
        assert (told.hook.state, told.task().state) == states

    assert list(told.till.taken) == told.all


def test_an_answer_that_is_lost_costs_a_second_try_that_the_receiver_drops(told: Told) -> None:
    told.till.next = ["lost", "lost"]
    told.sell()
    told.work(timedelta(minutes=10))

    assert told.till.tries == told.all[:1] * 3 + told.all[1:]
    assert list(told.till.taken) == told.all


def test_what_was_taken_before_a_failure_is_not_told_again(told: Told) -> None:
    told.till.next = [200, 500]
    told.sell(2)
    told.work()
    assert told.hook.failed == 1
    told.work(timedelta(minutes=1))

    assert told.till.tries == [told.all[0], told.all[1], *told.all[1:]]


def test_a_receiver_may_ask_for_more_time_and_never_for_more_than_a_day(told: Told) -> None:
    told.till.next = [Heard(429, 1, "", wait_s=600), Heard(503, 1, "", wait_s=10**6)]
    told.sell()
    told.work()
    assert told.hook.rests_until == told.house.hub.now + 600_000_000
    told.house.clock.pass_(timedelta(seconds=600))
    told.work()
    assert told.hook.rests_until == told.house.hub.now + 86_400_000_000


def test_a_slow_receiver_is_left_for_others_after_some_seconds_and_told_the_rest(told: Told) -> None:
    told.till.ms = 6000
    told.sell(4)
    with told.house.hub.database.write() as db:
        claim = tasks.claim(db, "hooks", (told.house.merchant.id, "", "send_hooks"), 1, told.house.hub.now)
    assert claim is not None
    jobs.run(told.house.hub, claim)

    assert len(told.till.tries) == 2
    told.work()
    assert told.till.tries == told.all


def test_many_events_are_told_in_several_goes(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "AT_ONCE", 3)
    told.sell(5)
    told.work()

    assert told.till.tries == told.all
    assert len(told.all) > 6


def test_a_paused_hook_is_told_nothing_and_everything_when_it_goes_on(told: Told) -> None:
    hub, merchant = told.house.hub, told.house.merchant.id
    hooks.pause(hub, merchant, ADA, told.id)
    told.sell()
    schedule.tick(hub)
    told.work(timedelta(hours=1))
    assert told.till.tries == []

    hooks.resume(hub, merchant, ADA, told.id)
    told.work()

    assert told.till.tries == told.all


def test_a_new_secret_signs_at_once_and_the_old_one_for_a_day_beside_it(told: Told) -> None:
    old, fresh = told.till.secret, hooks.rotate(told.house.hub, told.house.merchant.id, ADA, told.id)
    assert fresh and fresh != old
    told.sell()
    told.work()
    assert told.till.forged == 0
    told.till.secret = fresh
    told.sell()
    told.work()
    assert told.till.forged == 0
    told.till.secret = old
    told.house.clock.pass_(timedelta(hours=24))
    told.sell()
    told.work()

    assert told.till.forged == 1


def test_a_test_is_told_once_paused_or_not_and_written_down(told: Told) -> None:
    hub, merchant = told.house.hub, told.house.merchant.id
    hooks.pause(hub, merchant, ADA, told.id)
    told.till.usual = 500
    assert hooks.test(hub, merchant, ADA, told.id)
    told.work(timedelta(hours=1))

    assert len(told.till.tries) == 1
    assert told.rows("select event_id, status from hook_calls") == [(0, 500)]
    assert told.hook.failed == 0


def test_an_event_is_told_again_under_its_old_id(told: Told) -> None:
    told.sell()
    told.work()
    [(event,)] = told.rows("select max(id) from events")

    assert hooks.resend(told.house.hub, told.house.merchant.id, ADA, told.id, event)
    told.work()

    assert told.till.tries == [*told.all, told.all[-1]]
    assert not hooks.resend(told.house.hub, told.house.merchant.id, ADA, told.id, event + 1)


def test_a_hook_of_another_merchant_is_nobodys_to_touch(told: Told) -> None:
    hub = told.house.hub
    acts = [hooks.pause, hooks.resume, hooks.remove, hooks.test, hooks.rotate]

    assert [bool(act(hub, "another", ADA, told.id)) for act in acts] == [False] * 5
    assert not hooks.resend(hub, "another", ADA, told.id, 1)
    with hub.database.read() as db:
        assert (store.all_of(db, "another"), store.calls(db, "another", told.id)) == ([], [])


def test_a_removed_hook_is_gone_with_its_log_and_what_was_parked_for_it(told: Told) -> None:
    told.till.usual = 410
    told.sell()
    told.work()
    assert hooks.remove(told.house.hub, told.house.merchant.id, ADA, told.id)
    told.work()

    assert told.rows("select count(*) from hooks") + told.rows("select count(*) from hook_calls") == [(0,), (0,)]
    assert told.task().state == "done"
    told.sell()
    told.work()
    assert len(told.till.tries) == 1


def test_what_nobody_asked_for_is_found_by_the_sweep(told: Told) -> None:
    told.sell()
    with told.house.hub.database.write() as db:
        db.execute(text("delete from tasks where kind = 'send_hooks'"))
    told.work()
    assert told.till.tries == []

    assert hooks.ask_behind(told.house.hub) == 1
    told.work()

    assert told.till.tries == told.all
    assert hooks.ask_behind(told.house.hub) == 0


def test_a_worker_that_dies_after_telling_tells_again_and_the_receiver_drops_it(told: Told) -> None:
    told.sell()
    with told.house.hub.database.write() as db:
        claim = tasks.claim(db, "hooks", (told.house.merchant.id, "", "send_hooks"), 1, told.house.hub.now)
        assert claim is not None
        db.execute(text("update tasks set generation = generation + 1, state = 'due' where kind = 'send_hooks'"))
    jobs.run(told.house.hub, claim)
    told.work()

    assert told.till.tries == told.all * 2
    assert list(told.till.taken) == told.all


@pytest.mark.parametrize(("url", "types"), [("http://till.example/", ()), (URL, ["order.everything"])])
def test_an_address_that_may_not_be_called_and_a_type_that_nobody_knows_are_refused(told: Told, url: str, types: list[str]) -> None:
    with pytest.raises(Refused):
        hooks.add(told.house.hub, told.house.merchant.id, ADA, url, types)


def test_a_secret_is_sealed_and_what_was_done_is_written_down(told: Told) -> None:
    hooks.rotate(told.house.hub, told.house.merchant.id, ADA, told.id)

    dump = str(told.rows("select * from hooks")) + str(told.rows("select * from audit"))
    assert told.till.secret.removeprefix("whsec_") not in dump
    assert [act for (act,) in told.rows("select act from audit order by id")] == ["hook.add", "hook.rotate"]
    assert "whsec" not in repr(told.hook)


def test_without_hooks_nothing_is_asked_for(house: House) -> None:
    house.shelve(A=5)
    house.bogus.sell({"A": 1})
    house.clock.pass_(timedelta(minutes=5))
    house.poll()

    with house.hub.database.read() as db:
        assert [one for one in tasks.listed(db, house.merchant.id) if one.kind == "send_hooks"] == []


def test_the_documents_example_believes_us_and_nobody_else(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[dict[str, str], bytes]] = []
    monkeypatch.setattr(told.till, "signed", lambda headers, body: said.append((dict(headers), body)) or True)
    told.sell()
    told.work()
    text = (Path(__file__).parents[2] / "docs/api.md").read_text("utf-8")
    room: dict[str, Any] = {}
    exec(text.split("```python\n")[1].split("```")[0], room)
    monkeypatch.setattr("time.time", lambda: told.house.clock.now.timestamp())
    headers, body = said[0]

    assert room["is_ours"](told.till.secret, headers, body)
    assert not room["is_ours"](told.till.secret, headers, body + b" ")
    assert not room["is_ours"](told.till.secret, {**headers, "webhook-id": "evt_1"}, body)
    assert not room["is_ours"](domain.written(bytes(32)), headers, body)
    told.house.clock.pass_(timedelta(minutes=6))
    assert not room["is_ours"](told.till.secret, headers, body)


def test_the_documents_name_every_type() -> None:
    text = (Path(__file__).parents[2] / "docs/api.md").read_text("utf-8")

    assert [name for name in TYPES.values() if f"`{name}`" not in text] == []


def test_the_signature_is_the_specifications_own_example() -> None:
    """From the specification's reference libraries: this secret, id, moment and body have this signature."""
    secret = domain.Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    said = domain.signatures([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', 0)

    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
