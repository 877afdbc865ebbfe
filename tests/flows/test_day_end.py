"""The end of a day: what is labelled is handed over, carriers are told what drivers take, and drivers are asked to come."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from core.domain.handing_over import Window
from core.domain.shipments import Rules, State
from core.domain.shipping import Progress
from core.errors import OutcomeUnknown, Refused
from core.flows import day_end, drivers, printing, sites
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, Depot, depot
from tests.papers.reading import text

TOMORROW = Window(datetime(2026, 11, 23, 13), datetime(2026, 11, 23, 17))


@pytest.fixture
def dock(house: House) -> Depot:
    house.shelve(A=20)
    found = depot(house)
    for _ in range(2):
        found.sell(A=1)
    return found


def close(dock: Depot, **chosen: str) -> day_end.Day:
    day = day_end.close(dock.house.hub, dock.merchant, ANN, **chosen)
    dock.house.drain()
    return day


def manifest(dock: Depot) -> tuple[str, str | None]:
    [row] = books.rows(dock.house.hub, "select state, number from manifests")
    return row


def lose(dock: Depot, call: str, *, after: bool = True) -> None:
    dock.post.next(call, OutcomeUnknown("lost"), after_the_work=after)


# ---- handing over


def test_all_that_is_labelled_leaves_and_the_carrier_is_told_once_what_its_driver_takes(dock: Depot) -> None:
    for name in ("S1", "S2"):
        dock.label(name)

    day = close(dock)

    assert (day.left, day.stay) == (["S1", "S2"], {})
    assert dock.post.closed == [tuple(one.bought.master for one in dock.post.purchases)]
    assert manifest(dock) == ("closed", "M1")
    assert {dock.state("S1"), dock.state("S2")} == {State.SENT}
    assert books.level(dock.house.hub, "A") == (18, 0)
    assert close(dock).left == [] and len(dock.post.closed) == 1


def test_a_dry_run_says_what_would_leave_and_changes_nothing(dock: Depot) -> None:
    dock.label("S1")

    day = day_end.close(dock.house.hub, dock.merchant, ANN, dry=True)

    assert (day.left, dock.state("S1"), books.rows(dock.house.hub, "select 1 from manifests")) == (["S1"], State.LABELLED, [])


def test_what_stops_stays_with_its_reason_and_is_on_no_manifest(dock: Depot) -> None:
    for name in ("S1", "S2"):
        dock.label(name)
    dock.house.bogus.change("1002", cancel_requested=True)
    dock.poll()

    day = close(dock)

    assert day.left == ["S1"] and list(day.stay) == ["S2"]
    assert [len(numbers) for numbers in dock.post.closed] == [1]


def test_papers_are_the_carriers_and_a_list_for_its_driver_to_sign(dock: Depot) -> None:
    dock.label("S1")
    [id] = close(dock).manifests

    theirs, ours = printing.handed(dock.house.hub, dock.merchant, id)

    assert theirs.kind == "manifest"
    said = text(ours.content)
    assert dock.post.purchases[0].bought.master in said and "S1" in said and "Taken by" in said


def test_where_its_answer_is_lost_and_it_takes_none_twice_somebody_looks(dock: Depot) -> None:
    dock.label("S1")
    lose(dock, "close")
    [id] = close(dock).manifests
    dock.house.work(timedelta(minutes=5))

    assert (manifest(dock), len(dock.post.closed)) == (("unknown", None), 1)
    day_end.settled(dock.house.hub, dock.merchant, id, "M1", ANN)
    assert manifest(dock) == ("closed", "M1")


def test_what_never_reached_it_is_told_again_by_itself(dock: Depot) -> None:
    dock.label("S1")
    lose(dock, "close", after=False)
    close(dock)
    dock.house.work(timedelta(minutes=5))

    assert (manifest(dock), len(dock.post.closed)) == (("closed", "M1"), 1)


def test_what_it_declines_says_so_in_its_words_and_is_asked_again_by_a_person(dock: Depot) -> None:
    dock.label("S1")
    dock.post.next("close", Refused("declined", words="We are closed."))
    [id] = close(dock).manifests
    assert manifest(dock) == ("failed", None) and dock.state("S1") is State.SENT

    day_end.again(dock.house.hub, dock.merchant, id, ANN)
    dock.house.drain()

    assert manifest(dock) == ("closed", "M1")
    with pytest.raises(Refused):
        day_end.again(dock.house.hub, dock.merchant, id, ANN)


# ---- what leaves by itself


def test_the_first_scan_of_a_carrier_hands_it_over(dock: Depot) -> None:
    dock.label("S1")
    dock.post.scan(dock.post.purchases[0].bought.master, Progress.PICKED_UP)
    dock.house.clock.pass_(timedelta(hours=2))
    dock.house.ask("track_parcels", dock.carrier.id, dock.carrier)
    dock.house.drain()

    assert dock.state("S1") is State.SENT
    assert len(dock.house.bogus.shipments("1001")) == 1


def test_a_label_that_lies_there_leaves_nothing(dock: Depot) -> None:
    dock.label("S1")
    dock.post.scan(dock.post.purchases[0].bought.master, Progress.LABELLED)
    dock.house.clock.pass_(timedelta(hours=2))
    dock.house.ask("track_parcels", dock.carrier.id, dock.carrier)
    dock.house.drain()

    assert dock.state("S1") is State.LABELLED


def test_a_channel_whose_parcels_count_as_sent_with_their_labels_is_told_then(dock: Depot) -> None:
    sites.set_rules(dock.house.hub, dock.merchant, ANN, Rules(on_label=frozenset([dock.house.connection.id])))

    dock.label("S1")

    assert dock.state("S1") is State.SENT
    assert Counter(what for what, _ in dock.house.bogus.calls)["confirm"] == 1


# ---- drivers


def want(dock: Depot, window: Window = TOMORROW, **more: int) -> str:
    id = drivers.want(dock.house.hub, dock.merchant, dock.carrier.id, dock.house.place, window, ANN, **more)
    dock.house.drain()
    return id


def pickup(dock: Depot) -> tuple[str, str | None, int | None]:
    [row] = books.rows(dock.house.hub, "select state, number, price from pickups")
    return row


def test_a_driver_is_asked_for_what_waits_there_and_says_what_it_costs(dock: Depot) -> None:
    dock.label("S1")

    want(dock)

    assert pickup(dock) == ("agreed", "D1", 250)
    [wish] = dock.post.drivers.values()
    assert (wish.parcels, wish.weight_g, wish.ready.hour) == (1, 1500, 13)


def test_one_driver_a_day_and_place(dock: Depot) -> None:
    want(dock)

    with pytest.raises(Refused):
        want(dock)
    assert len(dock.post.drivers) == 1


@pytest.mark.parametrize("after", [True, False])
def test_where_the_answer_is_lost_no_second_driver_is_asked_and_somebody_looks(dock: Depot, after: bool) -> None:
    lose(dock, "pick_up", after=after)
    id = want(dock)
    dock.house.work(timedelta(minutes=30))

    assert pickup(dock)[0] == "unknown" and len(dock.post.drivers) == after
    drivers.checked(dock.house.hub, dock.merchant, id, ANN, comes=after)
    assert pickup(dock)[0] == ("agreed" if after else "left")


def test_a_driver_is_told_to_stay_away_however_often_that_is_said(dock: Depot) -> None:
    id = want(dock)
    lose(dock, "leave")

    drivers.leave(dock.house.hub, dock.merchant, id, ANN)
    dock.house.drain()
    dock.house.work(timedelta(minutes=5))

    assert (pickup(dock)[0], dock.post.stay_away) == ("left", {"D1"})
    want(dock)
    assert len(dock.post.drivers) == 2


def test_what_the_carrier_declines_is_kept_in_its_words(dock: Depot) -> None:
    want(dock, parcels=1000)

    assert pickup(dock)[0] == "failed"
    [(id, words)] = books.rows(dock.house.hub, "select id, words from pickups")
    assert "van" in dock.house.hub.box(dock.merchant).open_text(f"pickups|words|{id}", words).decode()


@pytest.mark.parametrize(
    "window",
    [
        Window(TOMORROW.until, TOMORROW.ready),
        Window(datetime(2026, 11, 1, 9), datetime(2026, 11, 1, 12)),
        Window(datetime(2027, 3, 1, 9), datetime(2027, 3, 1, 12)),
        Window(datetime(2026, 11, 23, 22), datetime(2026, 11, 24, 2)),
    ],
)
def test_a_time_that_cannot_be_meant_is_refused(dock: Depot, window: Window) -> None:
    with pytest.raises(Refused):
        want(dock, window)
    assert dock.post.drivers == {}
