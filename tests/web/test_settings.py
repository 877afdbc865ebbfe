"""The settings as a whole: every page of them leads to the others; what channels keep back, where goods lie, what happens by the clock."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from config import schedule
from core.domain.alerts import next_morning
from core.domain.roles import Role
from core.flows import clockwork
from core.store.connections import Connection
from tests.web.people import Person as Browser
from tests.web.rooms import Person, person
from tests.web.shop import Shop

PAGES = {
    "General": "/settings", "People": "/settings/people", "Locations and buffers": "/stock/locations",
    "Schedules": "/settings/schedules", "Alerts": "/settings/alerts", "API keys": "/settings/keys", "Webhooks": "/settings/hooks",
}  # fmt: skip


@pytest.fixture
def ana(either_shop: Shop) -> Person:
    either_shop.offer("A", units=10)
    return person(either_shop.hub, either_shop.merchant)


def acts(shop: Shop) -> list[tuple[str, str]]:
    return [(act, body) for act, body in shop.rows("select act, body from audit order by id")]


# ---- the way around


@pytest.mark.parametrize("here", PAGES.values())
def test_every_page_of_the_settings_leads_to_all_others_and_says_which_it_is(ana: Person, here: str) -> None:
    text = ana.get(here)

    for name, address in PAGES.items():
        current = ' aria-current="page"' if address == here else ""
        assert f'<li><a href="{address}"{current}>{name}</a></li>' in text
    assert '<a href="/settings" aria-current="page">Settings</a></li>' in text


def test_who_may_not_open_the_settings_sees_no_way_to_them(either_shop: Shop) -> None:
    packer = person(either_shop.hub, either_shop.merchant, Role.PACKER)

    for page in ("/settings/alerts", "/stock/locations"):
        assert 'class="tabs"' not in packer.get(page)
    assert packer.ask("/settings/schedules").status_code == 403


def test_nobody_is_removed_by_one_press(signed_in: Callable[..., Browser]) -> None:
    page = " ".join(signed_in("owner", name="Mara").get("/settings/people").text.split())

    assert re.search(r'<details><summary aria-label="Remove Mara">Remove</summary> <p[^>]*>They are signed out[^<]*</p> <form', page)


# ---- what a channel keeps back


def test_what_is_kept_back_is_not_shown_on_the_channel(either_shop: Shop, ana: Person) -> None:
    assert "3 units are kept back there" in ana.post("/stock/buffers", connection=either_shop.connection.id, units="3")
    either_shop.drain()

    assert [one["shown"] for one in either_shop.simulator.listings()] == [7]
    assert acts(either_shop) == [("connection.buffer", '{"became": 3, "was": 0}')]
    assert 'value="3"' in ana.get("/stock/locations")


def test_what_is_kept_back_already_changes_nothing(either_shop: Shop, ana: Person) -> None:
    ana.post("/stock/buffers", connection=either_shop.connection.id, units="0")

    assert acts(either_shop) == []


@pytest.mark.parametrize("units", ["-1", "1.5", "many", "", "10000000000"])
def test_only_a_number_of_units_can_be_kept_back(either_shop: Shop, ana: Person, units: str) -> None:
    assert "Write a whole number of units" in ana.post("/stock/buffers", connection=either_shop.connection.id, units=units)
    assert either_shop.one("select buffer from connections") == 0


# ---- locations


def test_a_location_is_renamed_and_stock_is_taken_from_it_earlier(either_shop: Shop, ana: Person) -> None:
    ana.post("/stock/locations", name="Shop")
    id = either_shop.one("select id from locations where name = 'Shop'")

    assert "It is called Front from now on" in ana.post(f"/stock/locations/{id}/name", name=" Front ")
    assert "earlier now" in ana.post(f"/stock/locations/{id}/up")

    assert either_shop.rows("select name, rank from locations order by rank") == [("Front", 0), ("Main", 1)]
    assert acts(either_shop)[1:] == [("location.rename", '{"was": "Shop"}'), ("location.rank", '{"order": ["Front", "Main"]}')]


def test_a_location_is_said_to_be_what_it_is(either_shop: Shop, ana: Person) -> None:
    assert "is there" in ana.post("/stock/locations", name="Helper", kind="3pl")
    id = either_shop.one("select id from locations where name = 'Helper'")

    page = ana.get("/stock/locations")
    assert "s warehouse<" in page.split("Helper")[1][:200]
    assert "Helper is now: Supplier that sends to buyers." in ana.post(f"/stock/locations/{id}/kind", kind="dropship")
    assert ana.send(f"/stock/locations/{id}/kind", kind="moon").status_code == 400
    assert [act for act, _ in acts(either_shop)] == ["location.add", "location.kind"]


def test_a_location_goes_only_when_nothing_lies_there_and_says_what_does(either_shop: Shop, ana: Person) -> None:
    either_shop.offer("A", "B", units=10)
    ana.post("/stock/locations", name="Attic")
    attic = either_shop.one("select id from locations where name = 'Attic'")

    told = ana.post("/stock/locations/place/remove")
    assert "Main stays as it is: 20 units of 2 SKUs lie there" in told
    assert "Attic is none of your locations any more" in ana.post(f"/stock/locations/{attic}/remove")
    assert either_shop.rows("select name from locations") == [("Main",)]
    assert ana.send(f"/stock/locations/{attic}/remove").status_code == 404


def test_two_locations_never_have_one_name_and_the_first_goes_no_higher(either_shop: Shop, ana: Person) -> None:
    ana.post("/stock/locations", name="Shop")
    id = either_shop.one("select id from locations where name = 'Shop'")

    assert "Write a name that none of your locations has" in ana.post(f"/stock/locations/{id}/name", name="Main")
    assert "taken from Main first already" in ana.post("/stock/locations/place/up")
    assert [act for act, _ in acts(either_shop)] == ["location.add"]


def test_nobody_changes_what_is_another_merchants(either_shop: Shop, ana: Person) -> None:
    stranger, id = person(either_shop.hub, "another"), either_shop.connection.id

    assert stranger.send("/stock/locations/place/name", name="Mine").status_code == 404
    assert stranger.send("/stock/locations/place/up").status_code == 404
    assert stranger.send("/stock/buffers", connection=id, units="5").status_code == 404
    assert stranger.send(f"/settings/schedules/{id}", minutes="5").status_code == 404
    viewer = person(either_shop.hub, either_shop.merchant, Role.VIEWER)
    assert viewer.send("/stock/buffers", connection=id, units="5").status_code == 403
    assert viewer.send("/stock/locations/place/name", name="Mine").status_code == 403


# ---- by the clock


def test_how_often_a_channels_orders_are_read_is_chosen_and_taken_back(either_shop: Shop, ana: Person) -> None:
    address = f"/settings/schedules/{either_shop.connection.id}"
    assert "15 minutes, as is usual there" in ana.get("/settings/schedules")

    ana.post(address, minutes="5")
    slots = {one.kind: one.every.total_seconds() for one in clockwork.slots(either_shop.hub, [one_of(either_shop)])}
    assert slots["poll_orders"] == 300
    assert '<option value="5" selected>' in ana.get("/settings/schedules")

    ana.post(address, minutes="0")
    assert "poll_s" not in one_of(either_shop).settings
    assert "url" in one_of(either_shop).settings
    assert [body for _, body in acts(either_shop)] == ['{"became": 300, "was": null}', '{"became": null, "was": 300}']


def one_of(shop: Shop) -> Connection:
    return shop.hub.connection(shop.connection.id)


@pytest.mark.parametrize("minutes", ["3", "-5", "x", ""])
def test_only_what_is_offered_can_be_chosen(either_shop: Shop, ana: Person, minutes: str) -> None:
    asked = ana.send(f"/settings/schedules/{either_shop.connection.id}", minutes=minutes)

    assert asked.status_code == 400
    assert "Choose one of the times on the list" in asked.text
    assert "poll_s" not in one_of(either_shop).settings


def test_the_next_moment_is_when_the_clockwork_asks_again(either_shop: Shop) -> None:
    schedule.tick(either_shop.hub)
    for slot in clockwork.slots(either_shop.hub, [one_of(either_shop)]):
        begun = either_shop.one("select slot from schedules where name = :name", name=slot.name)
        assert clockwork.next_at(either_shop.hub.now, slot) == begun + slot.every.total_seconds() * 1_000_000


@pytest.mark.parametrize(
    ("now", "then"),
    [("2026-11-22T06:59", "2026-11-22T07:00"), ("2026-11-22T07:00", "2026-11-23T07:00"), ("2026-10-24T12:00", "2026-10-25T07:00")],
)
def test_the_letter_is_written_in_the_merchants_morning(now: str, then: str) -> None:
    assert next_morning(datetime.fromisoformat(now).replace(tzinfo=UTC), ZoneInfo("Europe/Berlin")).isoformat()[:16] == then
