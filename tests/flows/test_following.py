"""Carriers that push where parcels are: asked to once, asked anew in time, and believed only so far that the parcel is asked for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.bogus.carrier import BogusCarrier
from core.domain.shipping import Progress
from core.errors import OutcomeUnknown
from core.flows import following
from core.ports import About, Notice
from core.store import inbox
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import Depot, depot

NUMBER = "BP00000001"
URL = "https://hub.example/webhooks/bogus_post"


class Pushes(BogusCarrier):
    """Bogus Post that pushes, once it was asked to. It takes no number of `strange`."""

    asked: list[tuple[tuple[str, ...], str]]
    strange: set[str]
    breaks: list[Exception]

    def follow_parcels(self, numbers: Sequence[str], url: str) -> Sequence[str]:
        type(self).asked.append((tuple(numbers), url))
        if self.breaks:
            raise self.breaks.pop()
        return [number for number in numbers if number not in self.strange]


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=10)
    dock = depot(house)
    Pushes.asked, Pushes.strange, Pushes.breaks = [], set(), []
    known = house.hub.connectors["bogus_post"]
    house.hub.connectors = {**house.hub.connectors, "bogus_post": replace(known, carrier=lambda kit: Pushes(dock.post, kit))}
    house.hub.public_url = "https://hub.example"
    house.hub.forget_made()
    dock.sell(A=1)
    dock.label()
    dock.send()
    return dock


def pushed(dock: Depot, delivery: str = "d1", number: str = NUMBER) -> None:
    """A push, as the door keeps it."""
    notice = Notice("track", delivery, About.PARCEL, parcel=number)
    with dock.house.hub.unit() as work:
        inbox.keep(work.db, [following.row_of(dock.carrier, notice, work.now)])
    dock.house.ask("hear_of_parcels", following.ref_of(dock.carrier.id, number), dock.carrier)
    dock.house.drain()


def calls(dock: Depot) -> int:
    return sum(name == "track" for name, _ in dock.post.calls)


def follow(dock: Depot, after: timedelta = timedelta(minutes=1)) -> None:
    dock.house.drain(through=after) if after < timedelta(hours=1) else dock.house.clock.pass_(after)
    dock.house.ask("follow_parcels", dock.carrier.id, dock.carrier)
    dock.house.drain()


def parcel(dock: Depot, *columns: str) -> tuple[Any, ...]:
    [row] = books.rows(dock.house.hub, f"select {', '.join(columns)} from parcels")
    return row


def test_what_leaves_is_followed_and_followed_anew_before_that_ends(dock: Depot) -> None:
    follow(dock)
    follow(dock)
    assert Pushes.asked == [((NUMBER,), URL)]

    follow(dock, timedelta(days=12))
    assert len(Pushes.asked) == 2


def test_what_is_followed_is_asked_for_more_seldom(dock: Depot) -> None:
    follow(dock)
    dock.house.clock.pass_(timedelta(hours=2))
    dock.house.ask("track_parcels", dock.carrier.id, dock.carrier)
    dock.house.drain()

    [look_at] = parcel(dock, "look_at")
    assert look_at == dock.house.hub.now + 24 * 3_600_000_000


def test_what_a_carrier_does_not_take_is_offered_again_tomorrow_and_asked_for_meanwhile(dock: Depot) -> None:
    Pushes.strange = {NUMBER}
    follow(dock)
    follow(dock)
    assert (len(Pushes.asked), parcel(dock, "followed_until")) == (1, (None,))

    follow(dock, timedelta(days=1))
    assert len(Pushes.asked) == 2


def test_after_a_lost_answer_it_is_asked_again(dock: Depot) -> None:
    Pushes.breaks = [OutcomeUnknown("connection reset")]
    follow(dock)
    dock.house.drain(through=timedelta(minutes=1))

    assert (len(Pushes.asked), parcel(dock, "followed_until")[0] is not None) == (2, True)


def test_a_push_has_the_parcel_asked_for_at_once_and_said_again_it_changes_nothing(dock: Depot) -> None:
    dock.post.scan(NUMBER, Progress.OUT_FOR_DELIVERY, "Austin")
    pushed(dock)
    assert parcel(dock, "progress") == ("out_for_delivery",)

    pushed(dock)
    assert books.one(dock.house.hub, "select count(*) from tracks") == 1
    assert books.rows(dock.house.hub, "select outcome from inbox where topic = 'track'") == [("hint",)]
    assert books.one(dock.house.hub, "select count(*) from events where kind = 'ParcelMoved'") == 1


def test_a_push_about_what_arrived_is_heard_and_nobody_is_asked(dock: Depot) -> None:
    dock.post.scan(NUMBER, Progress.DELIVERED, "Austin")
    pushed(dock)
    before = calls(dock)
    pushed(dock, "late")
    pushed(dock, "of nobody", "BP99999999")

    assert parcel(dock, "progress", "look_at") == ("delivered", None)
    assert calls(dock) == before
    assert books.one(dock.house.hub, "select count(*) from inbox where topic = 'track' and done_at is null") == 0
