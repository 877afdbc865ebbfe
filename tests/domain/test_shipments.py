"""What may leave, what it makes, and what stops it."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.money import Money
from core.domain.order import Party, Payment, PaymentStatus
from core.domain.shipments import ADVICE, PATIENCE, RULES, WAITS, Load, Rules, Stop, ToSend, Wait, pieces, plan, stops, turn, waits, weigh
from core.domain.shipping import Offer, Quote, best
from tests.builders import LONG_AGO, an_order

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def promised(long: timedelta) -> tuple[Payment, ...]:
    return (Payment("1", "authorization", "success", Money(100, "USD"), until=NOW + long),)


def why(rules: Rules = RULES, **different: object) -> Wait | None:
    said = {"held": False, "has_address": True, "short": False, "off": False, "waived": False}
    said |= {name: bool(different.pop(name)) for name in (*said, "captures", "uncaptured") if name in different}
    return waits(an_order(**different), rules, NOW, **said)


@pytest.mark.parametrize(
    ("different", "reason"),
    [
        ({}, None),
        ({"payment_status": PaymentStatus.PARTIALLY_REFUNDED}, None),
        ({"payment_status": PaymentStatus.UNPAID}, Wait.PAYMENT),
        ({"payment_status": PaymentStatus.PARTIALLY_PAID}, Wait.PAYMENT),
        ({"payment_status": PaymentStatus.AUTHORIZED}, Wait.PAYMENT),
        ({"payment_status": PaymentStatus.AUTHORIZED, "captures": True}, None),
        ({"payment_status": PaymentStatus.AUTHORIZED, "captures": True, "payments": promised(timedelta(hours=1))}, None),
        ({"payment_status": PaymentStatus.AUTHORIZED, "captures": True, "payments": promised(timedelta(0))}, Wait.EXPIRED),
        ({"payment_status": PaymentStatus.AUTHORIZED, "captures": True, "uncaptured": True}, Wait.UNCAPTURED),
        ({"payment_status": PaymentStatus.PARTIALLY_PAID, "captures": True}, Wait.PAYMENT),
        ({"payment_status": PaymentStatus.PAID, "uncaptured": True}, None),
        ({"payment_status": PaymentStatus.EXPIRED}, Wait.EXPIRED),
        ({"payment_status": PaymentStatus.UNKNOWN}, Wait.PAYMENT),
        ({"payment_status": PaymentStatus.UNPAID, "total": Money(0, "USD")}, None),
        ({"cancel_requested": True}, Wait.CANCELLING),
        ({"cancelled": True}, Wait.CANCELLING),
        ({"cancel_requested": True, "waived": True}, None),
        ({"off": True}, Wait.CALLED_OFF),
        ({"on_hold": True}, Wait.HELD),
        ({"held": True}, Wait.HELD),
        ({"has_address": False}, Wait.ADDRESS),
        ({"short": True}, Wait.STOCK),
        ({"risk": "high"}, Wait.RISK),
        ({"test": True}, Wait.TEST),
        ({"party": Party.CHANNEL}, Wait.CHANNEL),
    ],
    ids=str,
)
def test_an_order_is_released_only_where_nothing_speaks_against_it(different: dict[str, object], reason: Wait | None) -> None:
    assert why(**dict(different)) is reason  # type: ignore[arg-type]


def test_what_the_merchant_allows_is_released_too() -> None:
    assert why(Rules(authorized=False), payment_status=PaymentStatus.AUTHORIZED, captures=True) is Wait.PAYMENT
    assert why(Rules(terms=True), payment_status=PaymentStatus.UNPAID) is None
    assert why(Rules(on_delivery=True), payment_status=PaymentStatus.UNPAID, on_delivery=True) is None
    assert why(Rules(on_delivery=True), payment_status=PaymentStatus.UNPAID) is Wait.PAYMENT
    assert why(Rules(part=True), short=True) is None
    assert why(Rules(grace=timedelta(hours=1)), placed_at=NOW - timedelta(minutes=59)) is Wait.GRACE
    assert why(Rules(grace=timedelta(hours=1)), placed_at=LONG_AGO) is None


SKUS, PLACES = ("A", "B", "C"), ("north", "south")
lines = st.lists(
    st.builds(
        ToSend, line=st.sampled_from("1234"), title=st.just("thing"), units=st.integers(1, 5),
        parts=st.dictionaries(st.sampled_from(SKUS), st.integers(1, 3), min_size=1),
        reserved=st.dictionaries(st.tuples(st.sampled_from(SKUS), st.sampled_from(PLACES)), st.integers(0, 9)),
    ),
    max_size=4, unique_by=lambda one: one.line,
)  # fmt: skip


@given(lines)
def test_no_shipment_holds_more_than_is_reserved_where_it_leaves(wanted: list[ToSend]) -> None:
    made = plan(wanted, PLACES)

    by_line = {one.line: one for one in wanted}
    for one in made:
        assert one.loads
        for load in one.loads:
            lies = by_line[load.line].reserved
            assert all(each * load.units <= lies.get((sku, one.location), 0) for sku, each in load.parts.items())
    sent = Counter[str]()
    for load in [load for one in made for load in one.loads]:
        sent[load.line] += load.units
    assert all(units <= by_line[line].units for line, units in sent.items())


@given(lines)
def test_what_lies_whole_at_one_place_leaves(wanted: list[ToSend]) -> None:
    made = plan(wanted, PLACES)

    for line in wanted:
        sent = sum(load.units for one in made for load in one.loads if load.line == line.line)
        there = [min(line.reserved.get((sku, place), 0) // each for sku, each in line.parts.items()) for place in PLACES]
        assert sent == min(line.units, sum(there))


def stopped(*, person: str = "1", was: str = "1", **different: object) -> Stop | None:
    said = {"held": False, "over": False, "off": False, "waived": False}
    said |= {name: bool(different.pop(name)) for name in said if name in different}
    return stops(an_order(**different), person=person, was=was, **said)


@pytest.mark.parametrize(
    ("different", "reason"),
    [
        ({}, None),
        ({"cancelled": True}, Stop.CANCELLED),
        ({"cancel_requested": True}, Stop.CANCELLING),
        ({"person": "2"}, Stop.ADDRESS),
        ({"person": ""}, None),
        ({"was": ""}, None),
        ({"over": True}, Stop.FEWER),
        ({"off": True}, Stop.CALLED_OFF),
        ({"cancel_requested": True, "waived": True}, None),
        ({"held": True}, Stop.HELD),
        ({"held": True, "cancelled": True}, Stop.CANCELLED),
    ],
    ids=str,
)
def test_a_shipment_stops_for_the_gravest_reason(different: dict[str, object], reason: Stop | None) -> None:
    assert stopped(**dict(different)) is reason  # type: ignore[arg-type]


def test_a_parcel_weighs_what_is_in_it_and_its_box_or_nobody_knows() -> None:
    loads = [Load("1", "kit", 2, {"A": 1, "B": 3}), Load("2", "thing", 1, {"A": 1})]

    assert pieces(loads) == {"A": 3, "B": 6}
    assert weigh(loads, {"A": 100, "B": 10}, 50) == 410
    assert weigh(loads, {"A": 100}) is None


def offer(minor: int, arrives: int | None, service: str = "s", currency: str = "USD") -> Offer:
    day = (NOW + timedelta(days=arrives)).date() if arrives is not None else None
    return Offer("c", Quote(service, service, Money(minor, currency), arrives_on=day))


def test_the_cheapest_that_arrives_in_time_is_best_and_the_first_where_none_does() -> None:
    slow, fast, soon = offer(400, 6, "slow"), offer(900, 1, "fast"), offer(700, 2, "soon")

    assert best([slow, fast, soon], None) is slow
    assert best([slow, fast, soon], (NOW + timedelta(days=2)).date()) is soon
    assert best([slow, soon], NOW.date()) is soon
    assert best([offer(1, None, "silent"), slow], (NOW + timedelta(days=9)).date()) is slow
    assert best([], None) is None


def test_prices_in_another_currency_are_not_compared() -> None:
    assert best([offer(1, 1, "yen", "JPY"), offer(400, 1, "a"), offer(500, 1, "b")], None) == offer(400, 1, "a")


hours = st.integers(-200, 200).map(lambda n: NOW + timedelta(hours=n))


@given(mine=hours, my_day=st.none() | hours, other=hours, its_day=st.none() | hours)
def test_nobody_goes_before_an_order_who_was_placed_more_than_two_days_after_it(
    mine: datetime, my_day: datetime | None, other: datetime, its_day: datetime | None
) -> None:
    if turn(other, its_day) <= turn(mine, my_day):
        assert other <= mine + PATIENCE


def test_of_two_orders_of_one_day_the_one_that_is_due_first_goes_first() -> None:
    assert turn(NOW, NOW + timedelta(hours=5)) < turn(NOW - timedelta(hours=3), NOW + timedelta(hours=9))
    assert turn(NOW, None) == turn(NOW, NOW + timedelta(days=30)) == NOW + PATIENCE
    assert turn(NOW, NOW - timedelta(days=3)) == NOW


def test_for_each_reason_there_is_something_to_do() -> None:
    assert set(ADVICE) == set(WAITS) == set(Wait)
