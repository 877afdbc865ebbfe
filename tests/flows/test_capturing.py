"""What is authorized is captured when goods leave: once an order, whatever is lost on the way, and what failed is shown."""

import random
from datetime import timedelta
from typing import Any

import pytest

from core.domain.acts import Act
from core.domain.shipments import Rules, State, Wait
from core.errors import OutcomeUnknown, Refused, Unavailable
from core.flows import capturing, desk, releasing, sites
from core.flows.allocation import ask_waiting
from core.flows.capturing import Barred
from core.flows.desk import Wish
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, BUYER, Depot, depot
from tests.flows.marks import on_sqlite

DAY, SEEDS, LEAPS = timedelta(days=1), 8, 4


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10, B=10)
    return depot(house)


def authorized(dock: Depot, until: timedelta | None = None, amount: str | None = None, **units: int) -> str:
    """An order whose buyer promised to pay, taken and released; its number."""
    number = str(dock.house.bogus.sell(units or {"A": 2}, ship_to=BUYER)["id"])
    dock.house.bogus.authorize(number, until and dock.house.clock() + until, amount)
    dock.poll()
    return number


def rest(dock: Depot, long: timedelta = timedelta(minutes=2)) -> None:
    """Whatever is due within that time is done; it passes in a few leaps."""
    for _ in range(LEAPS):
        dock.house.clock.pass_(long / LEAPS)
        dock.house.drain()


def states(dock: Depot) -> list[str]:
    return [state for (state,) in books.rows(dock.house.hub, "select state from captures order by asked_at, id")]


def taken(dock: Depot, number: str) -> list[str]:
    return [one["amount"] for one in dock.house.bogus.captures(number)]


def kinds(dock: Depot) -> list[str]:
    found = [kind for (kind,) in books.rows(dock.house.hub, "select kind from events order by id")]
    return [kind for kind in found if kind in ("PaymentCaptured", "CaptureFailed", "ShipmentSent")]


def parked(dock: Depot) -> list[tuple[Any, ...]]:
    return books.rows(dock.house.hub, "select kind, cause from tasks where state = 'parked'")


def test_what_is_authorized_leaves_and_is_captured_then(dock: Depot) -> None:
    number = authorized(dock, A=2)
    dock.label()
    assert (taken(dock, number), states(dock)) == ([], [])

    assert dock.send() == {}
    rest(dock)

    assert (taken(dock, number), states(dock)) == (["20.00"], ["done"])
    assert kinds(dock) == ["ShipmentSent", "PaymentCaptured"]
    assert books.rows(dock.house.hub, "select amount, currency, words from captures") == [(2000, "USD", None)]
    assert books.one(dock.house.hub, "select payment from orders") == "paid"
    assert parked(dock) == []


def in_parts(dock: Depot) -> str:
    """Two units of B are not there: the rest leaves before them."""
    sites.set_rules(dock.house.hub, dock.merchant, ANN, Rules(part=True))
    number = authorized(dock, A=2, B=12)
    order = str(books.one(dock.house.hub, "select id from orders"))
    desk.act(dock.house.hub, dock.merchant, ANN, Wish("let go", Act.RELEASE, [order], "", ""))
    dock.release()
    return number


def refill(dock: Depot) -> None:
    """What was missing is there."""
    dock.house.shelve(B=5)
    with dock.house.hub.unit() as work:
        ask_waiting(work, dock.merchant)
    dock.poll()


def test_of_an_order_that_leaves_in_parts_all_is_captured_with_the_first_and_nothing_with_the_rest(dock: Depot) -> None:
    number = in_parts(dock)
    dock.label()
    dock.send()
    rest(dock)
    assert taken(dock, number) == ["140.00"]

    refill(dock)
    dock.label("S2")
    assert dock.send("S2") == {}
    rest(dock)

    assert (taken(dock, number), states(dock)) == (["140.00"], ["done"])


@on_sqlite
def test_what_is_paid_already_is_not_captured(dock: Depot) -> None:
    dock.sell(A=1)
    dock.label()
    dock.send()
    rest(dock)

    assert states(dock) == []
    assert "capture" not in [method for method, _ in dock.house.bogus.calls]


@on_sqlite
def test_what_the_channel_captured_by_itself_is_not_captured_again(dock: Depot) -> None:
    number = authorized(dock)
    dock.label()
    dock.house.bogus.capture(number, *_all(dock, number))
    dock.send()
    rest(dock)

    assert (taken(dock, number), states(dock)) == (["20.00"], ["done"])


def _all(dock: Depot, number: str) -> tuple[Any, str]:
    from connectors.bogus import sending

    return sending.taking(dock.house.bogus.order(number), dock.house.clock()).owed, "by hand"


def test_what_the_channel_refuses_leaves_all_the_same_and_is_shown_in_its_words(dock: Depot) -> None:
    number = authorized(dock)
    dock.label()
    dock.house.bogus.next("capture", Refused("bogus refused", words="The card was declined."))
    assert dock.send() == {}
    rest(dock)

    assert dock.state() is State.SENT
    assert (taken(dock, number), states(dock), parked(dock)) == ([], ["failed"], [("capture_payments", "Refused")])
    assert kinds(dock) == ["ShipmentSent", "CaptureFailed"]
    with dock.house.hub.database.read() as db:
        seen = capturing.look(dock.house.hub, db, dock.merchant, str(books.one(dock.house.hub, "select id from orders")))
    assert seen and seen.capture and (seen.capture.words, seen.may_try) == ("The card was declined.", True)

    capturing.capture(dock.house.hub, dock.merchant, seen.row.id, ANN)
    rest(dock)
    assert (taken(dock, number), states(dock), parked(dock)) == (["20.00"], ["failed", "done"], [])


@on_sqlite
def test_a_failed_capture_that_is_tried_again_as_it_is_parked_goes_on(dock: Depot) -> None:
    number = authorized(dock)
    dock.label()
    dock.house.bogus.next("capture", Refused("bogus refused", words="Not now."))
    dock.send()
    rest(dock)

    dock.house.ask("capture_payments", books.one(dock.house.hub, "select subject from tasks where state = 'parked'"))
    rest(dock)

    assert (taken(dock, number), states(dock)) == (["20.00"], ["done"])


@on_sqlite
def test_what_somebody_captured_at_the_channel_after_it_failed_here_needs_nobody_any_more(dock: Depot) -> None:
    number = authorized(dock)
    dock.label()
    dock.house.bogus.next("capture", Refused("bogus refused", words="Not now."))
    dock.send()
    rest(dock)

    dock.house.bogus.capture(number, *_all(dock, number))
    dock.poll()
    rest(dock)

    assert (states(dock), parked(dock)) == (["done"], [])


@on_sqlite
def test_what_is_left_of_an_order_waits_while_its_payment_could_not_be_captured(dock: Depot) -> None:
    in_parts(dock)
    dock.label()
    dock.house.bogus.next("capture", Refused("bogus refused", words="Not now."))
    dock.send()
    rest(dock)

    refill(dock)

    order = str(books.one(dock.house.hub, "select id from orders"))
    assert [name for name, _, _ in dock.shipments()] == ["S1"]
    assert releasing.would_leave(dock.house.hub, dock.merchant, order, write=False)[0] is Wait.UNCAPTURED


@on_sqlite
def test_less_than_what_is_owed_is_captured_and_somebody_is_told(dock: Depot) -> None:
    number = authorized(dock, amount="15.00")
    dock.label()
    dock.send()
    rest(dock)

    assert (taken(dock, number), states(dock), parked(dock)) == (["15.00"], ["failed"], [("capture_payments", "Refused")])


@on_sqlite
@pytest.mark.parametrize(("ends", "reason"), [(timedelta(minutes=4), Wait.EXPIRED), (DAY, None)])
def test_what_has_ended_waits_with_its_own_reason(dock: Depot, ends: timedelta, reason: Wait | None) -> None:
    authorized(dock, until=ends)

    order = str(books.one(dock.house.hub, "select id from orders"))
    assert len(dock.shipments()) == (1 if reason is None else 0)
    assert releasing.would_leave(dock.house.hub, dock.merchant, order, write=False)[0] is reason


@on_sqlite
def test_what_ended_between_the_label_and_the_door_leaves_and_is_shown(dock: Depot) -> None:
    number = authorized(dock, until=timedelta(minutes=30))
    dock.label()
    dock.house.clock.pass_(timedelta(hours=1))
    assert dock.send() == {}
    rest(dock)

    assert (taken(dock, number), states(dock)) == ([], ["failed"])


@on_sqlite
def test_where_merchants_want_it_captured_before_it_waits(dock: Depot) -> None:
    sites.set_rules(dock.house.hub, dock.merchant, ANN, Rules(authorized=False))
    number = authorized(dock)
    assert dock.shipments() == []

    capturing.capture(dock.house.hub, dock.merchant, str(books.one(dock.house.hub, "select id from orders")), ANN)
    rest(dock)
    dock.release()

    assert taken(dock, number) == ["20.00"]
    assert [name for name, _, _ in dock.shipments()] == ["S1"]
    assert books.rows(dock.house.hub, "select act from audit where act like 'order.%'") == [("order.capture",)]


@on_sqlite
def test_pressed_twice_it_is_captured_once(dock: Depot) -> None:
    number = authorized(dock)
    order = str(books.one(dock.house.hub, "select id from orders"))
    keys = {capturing.capture(dock.house.hub, dock.merchant, order, ANN) for _ in range(2)}
    rest(dock)

    assert (len(keys), taken(dock, number)) == (1, ["20.00"])


@on_sqlite
@pytest.mark.parametrize("change", [{"payment": "paid"}, {"payment": "voided"}, {"cancelled_at": "2026-11-22T12:00:00Z"}])
def test_what_cannot_be_captured_is_refused_with_the_reason(dock: Depot, change: dict[str, Any]) -> None:
    number = authorized(dock)
    dock.house.bogus.change(number, **change)
    dock.poll()

    with pytest.raises(Barred):
        capturing.capture(dock.house.hub, dock.merchant, str(books.one(dock.house.hub, "select id from orders")), ANN)
    with pytest.raises(Refused):
        capturing.capture(dock.house.hub, dock.merchant, "nobody's", ANN)


@on_sqlite
def test_a_channel_that_works_on_it_is_asked_until_it_is_done(dock: Depot) -> None:
    number = authorized(dock)
    dock.label()
    dock.house.bogus.queues = True
    dock.send()
    rest(dock, timedelta(hours=1))
    assert (taken(dock, number), states(dock)) == ([], ["asked"])

    dock.house.bogus.settle()
    rest(dock)

    assert (taken(dock, number), states(dock)) == (["20.00"], ["done"])


@on_sqlite
def test_a_channel_that_works_on_it_for_more_than_a_day_is_shown(dock: Depot) -> None:
    authorized(dock)
    dock.label()
    dock.house.bogus.queues = True
    dock.send()
    rest(dock)
    dock.house.clock.pass_(2 * DAY)
    rest(dock)

    assert (states(dock), parked(dock)) == (["failed"], [("capture_payments", "Refused")])


def trouble(dock: Depot, rnd: random.Random) -> None:
    """One of the ways in which the walk of a capture can break."""
    faults: list[tuple[str, Exception, bool]] = [
        ("captured", Unavailable("silent"), False),
        ("capture", OutcomeUnknown("lost"), True),
        ("capture", OutcomeUnknown("lost"), False),
        ("capture", Refused("bogus refused", words="Not now."), False),
        ("capture", RuntimeError("a bug after the work"), True),
        ("captured", RuntimeError("a bug before"), False),
    ]
    dock.house.bogus.next(*rnd.choice(faults))


def walk(dock: Depot, number: str, name: str, rnd: random.Random) -> None:
    """An order leaves; whatever goes wrong, somebody looks after what is shown."""
    dock.label(name)
    for _ in range(rnd.randint(1, 4)):
        trouble(dock, rnd)
    dock.send(name)
    order = str(books.one(dock.house.hub, "select id from orders where name = :name", name=f"#{number}"))
    for _ in range(5):
        rest(dock, timedelta(minutes=rnd.choice((1, 5, 90))))
        if parked(dock):
            capturing.capture(dock.house.hub, dock.merchant, order, ANN)
    rest(dock, timedelta(hours=3))
    dock.house.bogus.faults.clear()
    if parked(dock):
        capturing.capture(dock.house.hub, dock.merchant, order, ANN)
        rest(dock)


@on_sqlite
def test_whatever_is_lost_on_the_way_the_money_is_taken_once(dock: Depot) -> None:
    """A thousand seeds passed once (2026-11); a few of them stand for all."""
    dock.house.shelve(A=SEEDS)
    for seed in range(SEEDS):
        number = authorized(dock, A=1)
        walk(dock, number, f"S{seed + 1}", random.Random(seed))
        assert (seed, taken(dock, number)) == (seed, ["10.00"])

    assert states(dock).count("done") == kinds(dock).count("PaymentCaptured") == SEEDS
    assert parked(dock) == []


@on_sqlite
def test_a_payment_that_was_not_captured_is_told_at_once(dock: Depot) -> None:
    number = authorized(dock)
    dock.label()
    dock.house.bogus.next("capture", Refused("bogus refused", words="Not now."))
    dock.send()
    rest(dock)

    dock.house.ask("raise_alerts", dock.merchant)
    dock.house.drain()

    assert books.rows(dock.house.hub, "select cause, cleared_at from alerts") == [("uncaptured", None)]
    assert taken(dock, number) == []
