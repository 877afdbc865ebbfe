"""A label that is paid and not used needs attention and is told, until its parcel leaves or it is given back."""

from datetime import timedelta

import pytest

from core.domain.shipping import Progress
from core.flows import attention as flow
from core.flows import labelling
from core.store import alerts, attention, findings
from core.store.sql import run
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, Depot, depot
from tests.flows.marks import on_sqlite

DAY = timedelta(days=1)


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10)
    dock = depot(house)
    dock.sell(A=1)
    dock.label()
    return dock


def shown(dock: Depot) -> list[tuple[str, str | None]]:
    with dock.house.hub.database.read() as db:
        return [(one.name, one.detail) for one in attention.page(db, dock.merchant, "found-label", dock.house.hub.now)]


def look(dock: Depot) -> None:
    with dock.house.hub.unit() as work:
        work.ask(dock.merchant, "raise_alerts", dock.merchant)
    dock.house.drain()


def told(dock: Depot) -> set[str]:
    with dock.house.hub.database.read() as db:
        return {subject for cause, subject in alerts.open_of(db, dock.merchant) if cause == "found-label"}


def late(dock: Depot, after: timedelta = 26 * DAY) -> None:
    dock.house.clock.pass_(after)
    look(dock)


def test_a_label_near_the_end_of_its_window_is_listed_and_told_until_it_is_given_back(dock: Depot) -> None:
    late(dock, timedelta(hours=3))
    assert shown(dock) == []

    late(dock)
    assert shown(dock) == [("S1", "ends")]
    assert told(dock) == {"S1"}

    labelling.give_back(dock.house.hub, dock.merchant, dock.id(), ANN)
    assert shown(dock) == []  # at once
    look(dock)
    assert told(dock) == set()
    with dock.house.hub.database.read() as db:
        assert [one for one in findings.listed(db, dock.merchant, only_open=True) if one.what == "label"] == []


@on_sqlite
def test_one_whose_parcel_leaves_is_gone_at_once(dock: Depot) -> None:
    late(dock)
    assert shown(dock)

    dock.send()

    assert shown(dock) == []


@on_sqlite
def test_one_that_must_leave_soon_is_listed_and_says_more_when_its_window_ends(dock: Depot) -> None:
    with dock.house.hub.unit() as work:
        run(work.db, "update shipments set ship_by = :at", at=work.now + 5 * 3_600_000_000)
    late(dock, timedelta(hours=1))
    assert shown(dock) == []

    late(dock, timedelta(hours=2))
    assert shown(dock) == [("S1", "leaves")]
    late(dock)
    assert shown(dock) == [("S1", "ends")]
    late(dock, 3 * DAY)
    assert shown(dock) == [("S1", "ended")]


@on_sqlite
def test_what_is_judged_again_and_again_is_written_once(dock: Depot) -> None:
    late(dock)
    for _ in range(3):
        look(dock)

    with dock.house.hub.database.read() as db:
        assert len([one for one in findings.listed(db, dock.merchant) if one.what == "label"]) == 1


@on_sqlite
def test_a_label_that_is_not_taken_back_needs_somebody_until_it_is_accepted_as_paid_and_is_counted_once(dock: Depot) -> None:
    late(dock)
    dock.post.scan("BP00000001", Progress.PICKED_UP)
    labelling.give_back(dock.house.hub, dock.merchant, dock.id(), ANN)
    dock.house.drain()

    assert counted(dock) == {"not-voided": 1}
    assert books.rows(dock.house.hub, "select state, ended_at from purchases") == [("bought", None)]  # it is live
    assert list(said(dock).values()) == ["The parcel was scanned already."]

    labelling.give_back(dock.house.hub, dock.merchant, dock.id(), ANN)
    assert counted(dock) == {}  # while the carrier is asked again
    dock.house.drain()
    assert counted(dock) == {"not-voided": 1}

    labelling.throw_away(dock.house.hub, dock.merchant, dock.id(), ANN)
    assert counted(dock) == {}
    [(state, ended)] = books.rows(dock.house.hub, "select state, ended_at from purchases")
    assert (state, ended is None) == ("kept", False)


def counted(dock: Depot) -> dict[str, int]:
    with dock.house.hub.database.read() as db:
        found = attention.counts(db, dock.merchant, dock.house.hub.now)
    return {cause: n for cause, n in found.items() if cause in ("not-voided", "found-label")}


def said(dock: Depot) -> dict[str, str]:
    """What carriers said, as the page reads it."""
    with dock.house.hub.database.read() as db:
        items = attention.page(db, dock.merchant, "not-voided", dock.house.hub.now)
        return flow.words_of(dock.house.hub, db, dock.merchant, items)
