"""Old orders come in behind live work, once each, whatever happens on the way; what is over moves nothing."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from core import jobs
from core.domain.backfill import Run
from core.errors import RateLimited, Unavailable
from core.flows import backfill, doctor
from core.flows.connections import SharedBudget
from core.ports import Rate
from core.store import backfills, tasks
from core.store.tables import metadata, us
from core.store.tasks import FIRST
from tests.conftest import House
from tests.flows import acts, books
from tests.flows.acts import deliver, notice
from tests.flows.quick import Houses
from tests.flows.workers import Crash
from tests.store.test_plans import statements, wholes

MakeHouse = Callable[..., House]


def long_ago(house: House, days: float, wanted: dict[str, int] | None = None, *, over: bool = True, **different: Any) -> str:
    """An order placed so many days ago, and by default sent the day after; what the channel shows is today's."""
    at = house.clock.now - timedelta(days=days)
    shown = {key: shelf.shown for key, shelf in house.bogus.listings.items()}
    made = house.bogus.sell(wanted or {"A": 1}, placed_at=at.isoformat(), updated_at=at.isoformat(), **different)
    for key, shelf in house.bogus.listings.items():
        shelf.shown = shown[key]
    if over:
        lines = [{**line, "fulfilled": line["quantity"]} for line in made["lines"]]
        house.bogus.orders[made["id"]] = {**made, "lines": lines, "updated_at": (at + timedelta(days=1)).isoformat()}
    return str(made["id"])


def counted(house: House, days_ago: float = 0) -> None:
    """Our shelves were counted then."""
    with house.hub.database.write() as db:
        moment = us(house.clock.now - timedelta(days=days_ago))
        db.execute(text("update connections set stock_since = :at"), {"at": moment})
        db.execute(text("update levels set counted_at = :at"), {"at": moment})


def ask(house: House, days: float = 200) -> Run:
    return backfill.ask(house.hub, house.connection, house.clock.now - timedelta(days=days))


def run_of(house: House) -> Run:
    with house.hub.database.read() as db:
        found = backfills.get(db, house.connection.id)
    assert found
    return found


def through(house: House) -> None:
    house.drain(through=timedelta(seconds=3))


def claims(house: House, kind: str) -> int:
    return int(books.one(house.hub, "select count(*) from tasks where kind = :kind and state = 'due'", kind=kind))


# ---- what comes, and what it moves


@pytest.mark.parametrize("whole", [True, False])
def test_old_orders_come_in_and_those_that_are_over_move_nothing(make_house: MakeHouse, whole: bool) -> None:
    house = make_house()
    house.shelve(A=10)
    house.bogus.whole = whole
    for days in (190, 90, 89, 31, 30):
        long_ago(house, days)
    waiting = long_ago(house, 45, {"A": 2}, over=False)
    pushes = books.one(house.hub, "select count(*) from pushes")

    ask(house)
    through(house)

    run = run_of(house)
    assert (run.phase, run.orders, run.passed, run.back_to, run.share) == ("done", 6, 1, run.since, 1.0)
    assert books.level(house.hub, "A") == (10, 2)
    assert books.rows(house.hub, "select channel_id from orders where not history") == [(waiting,)]
    assert books.rows(house.hub, "select kind, count(*) from events where kind <> 'StockReserved' group by kind") == [("OrderTaken", 6)]
    assert books.one(house.hub, "select count(*) from pushes") <= pushes + 1  # for what the open one reserved
    assert books.rows(house.hub, "select count(*) from inbox") == [(0,)]
    books.balance(house.hub)


def test_orders_that_are_over_ask_for_nothing_even_where_nobody_knows_what_they_sold(house: House) -> None:
    house.shelve(A=10)
    counted(house)
    long_ago(house, 90, {"A": 1, "FORGOTTEN": 2})
    gone = long_ago(house, 80, {"A": 1}, over=False)
    house.bogus.orders[gone] |= {"cancelled_at": house.bogus.orders[gone]["placed_at"]}
    before = books.rows(house.hub, "select id, changed, told, shown from listings order by id"), len(house.bogus.calls)

    ask(house)
    through(house)

    assert books.rows(house.hub, "select count(*) from orders where history") == [(2,)]
    assert books.rows(house.hub, "select id, changed, told, shown from listings order by id") == before[0]
    assert {call for call, _ in house.bogus.calls[before[1] :]} == {"reach", "history"}
    assert books.rows(house.hub, "select distinct waits from order_lines") == [(None,)]
    books.balance(house.hub)


def test_an_old_order_that_came_back_after_it_was_taken_goes_onto_the_shelf(house: House) -> None:
    """What left before our shelves were counted is in no count; what comes back today is there."""
    house.shelve(A=10)
    counted(house)
    order = long_ago(house, 60)
    ask(house)
    through(house)
    assert books.level(house.hub, "A") == (10, 0)

    house.clock.pass_(timedelta(days=1))
    deliver(house, [notice(acts.refund(house.bogus, order, "1", 1, "return"), "back")])
    house.drain()

    assert books.level(house.hub, "A") == (11, 0)
    books.balance(house.hub)


def test_an_order_that_nobody_told_us_of_and_that_left_since_we_counted_leaves_the_shelf(house: House) -> None:
    house.shelve(A=10)
    counted(house, days_ago=30)
    missed = long_ago(house, 10)

    ask(house)
    through(house)

    assert books.level(house.hub, "A") == (9, 0)
    assert books.rows(house.hub, "select channel_id, history from orders") == [(missed, False)]


def test_open_orders_are_taken_before_any_that_is_over(house: House) -> None:
    house.shelve(A=10)
    house.bogus.per_page = 2
    for days in range(10, 30):
        long_ago(house, days)
    first = [long_ago(house, days, over=False) for days in (150, 140, 130)]

    ask(house)
    through(house)

    assert [call[3] for name, call in house.bogus.calls if name == "history"][:2] == [True, True]
    asked = [row[0].split("/")[1] for row in books.rows(house.hub, "select subject from tasks where kind = 'take_history' order by id")]
    assert set(asked[:3]) == set(first)
    assert len(asked) == 23


# ---- behind live work


def test_a_live_order_is_claimed_before_every_old_one_that_waited_longer(house: House) -> None:
    house.shelve(A=100)
    for days in range(20, 60):
        long_ago(house, days)
    ask(house)
    jobs.drain(house.hub, "outside")
    assert claims(house, "take_history") == 40
    seen: list[str] = []

    class Keeper(jobs.Keeper):
        def hold(self, claim: Any) -> None:
            seen.append(claim.kind)
            if len(seen) == 1:
                deliver(house, [notice(house.bogus.sell({"A": 1}), "live")])

    jobs.KINDS["take_history"] = jobs.Job(jobs.KINDS["take_history"].flow, batch=10)
    try:
        jobs.drain(house.hub, "inside", keeper=Keeper(house.hub))
    finally:
        jobs.KINDS["take_history"] = jobs.Job(jobs.KINDS["take_history"].flow, batch=50)

    assert seen[:3] == ["take_history", "take_orders", "take_history"]


def test_who_does_live_work_alone_leaves_old_orders_to_others_and_these_leave_live_work_first(house: House) -> None:
    house.shelve(A=100)
    long_ago(house, 20)
    ask(house)
    jobs.drain(house.hub, "outside")
    deliver(house, [notice(house.bogus.sell({"A": 1}), "live")])
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        jobs.drain_live(house.hub, "inside")

    house.hub.pause = pause
    assert jobs.drain_behind(house.hub, "inside") == 1

    assert waited[0] == jobs.YIELD_S
    assert books.rows(house.hub, "select history, count(*) from orders group by history order by history") == [(False, 1), (True, 1)]


def test_no_more_is_read_than_can_wait_to_be_taken(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "BACKLOG", 6)
    house.bogus.per_page = 4
    for days in range(20, 60):
        long_ago(house, days)

    ask(house)
    jobs.drain(house.hub, "outside")
    waiting = claims(house, "take_history")
    for _ in range(60):
        house.drain(through=timedelta(seconds=1))

    assert waiting <= 6 + 4
    assert run_of(house).phase == "done"
    assert books.rows(house.hub, "select count(*) from orders") == [(40,)]


def test_old_orders_take_only_what_leaves_half_a_budget_to_live_ones(house: House) -> None:
    live = SharedBudget(house.hub, house.connection.id, {"searches": Rate(per_s=0.5, burst=20)})
    behind = live.behind()

    for _ in range(10):
        behind.take("searches")
    with pytest.raises(RateLimited) as said:
        behind.take("searches")
    for _ in range(10):
        live.take("searches")

    assert said.value.wait_s == pytest.approx(2.0)
    with pytest.raises(RateLimited):
        live.take("searches")


# ---- asked for, widened, stopped, again


def test_asking_again_while_it_runs_changes_nothing_but_an_earlier_beginning(house: House) -> None:
    house.bogus.per_page = 2
    for days in (150, 100, 60, 50, 40):
        long_ago(house, days)
    ask(house, days=120)
    step(house, 4)
    before = run_of(house)

    later = ask(house, days=60)
    assert (later, run_of(house)) == (before, before)

    wider = ask(house, days=180)
    through(house)

    assert (wider.since, wider.phase, wider.at, wider.orders) == (
        us(house.clock.now - timedelta(days=180, seconds=3)),
        "open",
        before.at,
        before.orders,
    )
    assert run_of(house).orders == 5
    assert books.rows(house.hub, "select count(*) from orders") == [(5,)]


def test_asked_for_again_after_it_ended_it_passes_what_is_known(house: House) -> None:
    house.shelve(A=10)
    for days in (150, 100, 60):
        long_ago(house, days)
    long_ago(house, 50, over=False)
    ask(house)
    through(house)
    before = books.written(house.hub)

    house.clock.pass_(timedelta(hours=1))
    ask(house)
    through(house)

    run = run_of(house)
    assert (run.orders, run.passed, run.phase) == (0, 5, "done")
    assert books.written(house.hub) == before
    assert books.rows(house.hub, "select count(*) from events where kind = 'OrderTaken'") == [(4,)]


def test_stopped_it_reads_no_more_and_takes_what_it_read(house: House) -> None:
    house.bogus.per_page = 2
    for days in range(20, 30):
        long_ago(house, days)
    ask(house)
    step(house, 3)

    assert backfill.stop(house.hub, house.connection)
    through(house)

    run = run_of(house)
    assert (run.phase, run.note, run.orders) == ("done", "stopped by hand", 2)
    assert books.rows(house.hub, "select count(*) from orders") == [(2,)]
    assert backfill.stop(house.hub, house.connection) is None


def test_where_the_channel_forgets_the_run_ends_there_and_says_why(house: House) -> None:
    house.bogus.remembers = timedelta(days=60)
    long_ago(house, 61)
    long_ago(house, 59)

    ask(house, days=1000)
    through(house)

    run = run_of(house)
    assert (run.since, run.note) == (us(house.clock.now - timedelta(days=60, seconds=3)), "only the last 60 days came: Bogus forgets")
    assert run.orders == 1


def test_a_page_that_the_channel_has_forgotten_by_now_is_asked_for_from_its_beginning(house: House) -> None:
    house.bogus.per_page = 2
    for days in range(20, 26):
        long_ago(house, days)
    ask(house)
    step(house, 3)
    assert run_of(house).cursor

    house.clock.pass_(timedelta(hours=21))
    through(house)

    assert books.rows(house.hub, "select count(*) from orders") == [(6,)]
    assert run_of(house).phase == "done"


def step(house: House, times: int) -> None:
    """So many steps of the run, and nothing else."""
    for _ in range(times):
        with house.hub.database.read() as db:
            turn = tasks.next_turn(db, "outside later", FIRST, house.hub.now)
        assert turn
        jobs.work_off(house.hub, "outside later", turn)


def test_an_unreachable_channel_stops_nothing_for_good(house: House) -> None:
    long_ago(house, 50)
    house.bogus.next("history", Unavailable("away"))
    house.bogus.next("reach", Unavailable("away"))

    ask(house)
    house.drain(through=timedelta(minutes=2))

    assert run_of(house).phase == "done"
    assert books.rows(house.hub, "select count(*) from orders") == [(1,)]


# ---- crashes and interleavings


def lapse(house: House) -> None:
    with house.hub.database.write() as db:
        db.execute(text("update tasks set lease_until = 1 where state = 'running'"))
    jobs.sweep(house.hub)


class Dying:
    """The process ends before the n-th statement it says to the database or the channel."""

    def __init__(self, house: House) -> None:
        self.left, self.house, call = -1, house, house.bogus.call

        def calls(method: str, what: Any = None) -> Any:
            self.tick()
            return call(method, what)

        house.bogus.call = calls  # type: ignore[method-assign]
        event.listen(house.hub.database.engine, "before_cursor_execute", lambda *_: self.tick())
        event.listen(house.hub.database.engine, "commit", lambda *_: self.tick())

    def tick(self) -> None:
        if self.left == 0:
            self.left = -1
            raise Crash
        self.left -= 1 if self.left > 0 else 0


def a_street(folder: Path) -> Houses:
    houses = Houses(folder, "shop")

    def furnish(house: House) -> None:
        house.shelve(A=50)

    houses.furnish(furnish)
    return houses


@pytest.mark.parametrize("whole", [True, False])
def test_a_crash_before_any_statement_loses_no_order_and_takes_none_twice(tmp_path: Path, whole: bool) -> None:
    houses, ends, at = a_street(tmp_path), set[str](), 0
    while True:
        house = houses.make(whole=whole, per_page=2)
        counted(house)
        for days in (100, 99, 98, 40):
            long_ago(house, days)
        long_ago(house, 97, {"A": 2}, over=False)
        ask(house, days=110)
        dying = Dying(house)
        dying.left = at
        with suppress(Crash):
            house.drain()
        survived, dying.left = dying.left > 0, -1
        lapse(house)
        through(house)
        books.balance(house.hub)
        run = run_of(house)
        assert (run.phase, run.orders) == ("done", 5), at
        assert books.parked(house.hub) == []
        ends.add(str(books.written(house.hub)["lines"]))
        house.hub.database.close()
        if survived:
            break
        at += 5
    assert at > 60
    assert len(ends) == 1


MOVES = ("push", "poll", "page", "take", "take live", "change")


@pytest.mark.parametrize("whole", [True, False])
def test_an_order_that_comes_by_both_doors_in_any_order_is_one_order_and_the_newest(tmp_path: Path, whole: bool) -> None:
    """An open order of last week: told live, polled, read by the backfill, and changed at the channel in between."""
    houses, ends = a_street(tmp_path), set[str]()
    for way in list(permutations(MOVES))[::13]:
        if way.index("page") > way.index("take"):
            continue
        house = houses.make(whole=whole)
        counted(house, days_ago=20)
        order = long_ago(house, 7, {"A": 2}, over=False)
        first = house.bogus.orders[order]
        ask(house, days=30)
        play = {
            "push": lambda first=first, house=house: deliver(house, [notice(first, "pushed")]),
            "poll": lambda house=house: (house.ask("poll_orders"), jobs.drain_live(house.hub, "outside")),
            "page": lambda house=house: step(house, 2),
            "take": lambda house=house: jobs.drain_behind(house.hub, "inside"),
            "take live": lambda house=house: jobs.drain_live(house.hub, "inside"),
            "change": lambda house=house, order=order: acts.fulfill(house.bogus, order, "1", 1),
        }
        house.hub.pause = lambda seconds, house=house: jobs.drain_live(house.hub, "inside")
        for move in way:
            play[move]()
        house.clock.pass_(timedelta(minutes=10))
        house.poll()
        through(house)
        assert books.level(house.hub, "A") == (49, 1), way
        assert books.rows(house.hub, "select count(*) from events where kind = 'OrderTaken'") == [(1,)]
        books.balance(house.hub)
        ends.add(str(books.written(house.hub)["orders"][0][:4]))
        house.hub.database.close()
    assert len(ends) == 1


def test_an_older_copy_that_was_read_before_a_change_overwrites_nothing(house: House) -> None:
    house.shelve(A=10)
    order = long_ago(house, 60, {"A": 3}, over=False)
    ask(house)
    jobs.drain(house.hub, "outside")  # its page is read, and waits
    cancelled = acts.cancel(house.bogus, order)
    deliver(house, [notice(cancelled, "cancelled")])

    house.drain()

    assert books.level(house.hub, "A") == (10, 0)
    assert '"cancelled_at"' in books.one(house.hub, "select doc from orders")


# ---- buyers


NAME, STREET = "Mireille Tankeu-Vogt", "7 Quince Arcade"


def everything_in(house: House) -> str:
    """All that the database holds, what is sealed for this merchant opened."""
    box, found = house.hub.box(house.merchant.id), list[str]()
    with house.hub.database.read() as db:
        for table in metadata.sorted_tables:
            found += [str(tuple(row)) for row in db.execute(table.select())]
        for row in db.execute(text("select connection, delivery, body from inbox where body is not null")):
            found.append(str(box.open(f"inbox|body|{row.connection}|{row.delivery}", bytes(row.body))))
        for row in db.execute(text("select id, person from orders where person is not null")):
            found.append(box.open_text(f"orders|person|{row.id}", row.person).decode())
    return "\n".join(found)


@pytest.mark.parametrize("whole", [True, False])
def test_of_a_buyer_past_their_time_nothing_is_stored(make_house: MakeHouse, whole: bool) -> None:
    house = make_house()
    house.bogus.whole = whole
    there = {"name": NAME, "street1": STREET, "city": "Null", "postcode": "00000", "country": "US"}
    long_ago(house, 45, ship_to=there)
    recent = long_ago(house, 43, ship_to={**there, "name": "Ulf Recent"})

    ask(house)
    through(house)

    kept = everything_in(house)
    assert books.rows(house.hub, "select count(*) from orders") == [(2,)]
    assert NAME not in kept
    assert "Ulf Recent" in kept
    assert books.rows(house.hub, "select channel_id from orders where person is not null") == [(recent,)]
    if house.hub.database.is_sqlite:
        raw = b"".join(path.read_bytes() for path in Path(house.hub.database.url.removeprefix("sqlite:///")).parent.glob("house.db*"))
        assert NAME.encode() not in raw


def test_of_an_old_order_that_nobody_can_read_no_body_is_kept_and_it_is_fetched_when_somebody_tries_again(house: House) -> None:
    order = long_ago(house, 300, ship_to={"name": NAME, "street1": STREET, "city": "Null", "postcode": "00000", "country": "US"})
    good = house.bogus.orders[order]
    house.bogus.orders[order] = {**good, "currency": "?!"}
    ask(house, days=400)
    through(house)
    assert [row[:3] for row in books.parked(house.hub)] == [("take_history", f"{house.connection.id}/{order}", "BadPayload")]
    assert NAME not in everything_in(house)

    house.bogus.orders[order] = good
    with house.hub.database.write() as db:
        tasks.retry(db, house.merchant.id, house.hub.now)
    through(house)

    assert books.parked(house.hub) == []
    assert books.rows(house.hub, "select channel_id, history from orders") == [(order, True)]
    assert books.rows(house.hub, "select count(*) from inbox") == [(0,)]


# ---- the database


@pytest.mark.usefixtures("young")
@pytest.mark.parametrize("whole", [True, False])
def test_a_backfill_reads_no_table_whole(make_house: MakeHouse, whole: bool) -> None:
    house = make_house()
    house.shelve(A=10)
    house.bogus.whole, house.bogus.per_page = whole, 3
    for days in range(20, 30):
        long_ago(house, days)
    with statements(house.hub.database) as seen:
        ask(house)
        through(house)

    assert run_of(house).orders == 10
    assert wholes(house.hub.database, seen) == []


def test_the_doctor_finds_a_run_that_nobody_works_on(house: House) -> None:
    ask(house)
    with house.hub.database.write() as db:
        db.execute(text("delete from tasks where kind = 'backfill'"))
    with house.hub.database.read() as db:
        ill = [finding.name for finding in doctor.examine(db, house.hub.now) if not finding.ok]

    assert ill == ["every backfill on its way has a task"]
    ask(house)
    through(house)
    assert run_of(house).phase == "done"
    books.balance(house.hub)
