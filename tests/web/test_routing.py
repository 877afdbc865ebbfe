"""The room of routing rules: moved, tried out, saved, undone; zones by hand and by file; when locations send."""

import io
import re
from datetime import date, time

import pytest
from flask.testing import FlaskClient

from core.domain.roles import Role
from core.domain.routing import Rules, Strategy, Zone
from core.domain.workdays import Hours
from core.flows import sites
from core.store import routings, shipments, stock
from core.store.sql import run
from tests.conftest import House
from tests.flows import books
from tests.flows.depot import ANN, BUYER, MINUTES, Depot, depot
from tests.flows.marks import on_sqlite
from tests.web.rooms import Person, person

MOST = 8
WEST = "west"
EVERY = [one.value for one in Strategy]


@pytest.fixture
def dock(house: House) -> Depot:
    with house.hub.unit() as work:
        stock.add_location(work.db, house.merchant.id, WEST, "West", rank=1)
    house.shelve(A=10)
    dock = depot(house)
    with house.hub.unit() as work:
        run(work.db, "update locations set ships = true")
        stock.count(work.db, dock.merchant, [{"sku": "A", "title": "A", "location": WEST, "on_hand": 9}], work.now)
    return dock


@pytest.fixture
def ana(dock: Depot) -> Person:
    return person(dock.house.hub, dock.merchant)


def rules(dock: Depot) -> Rules:
    with dock.house.hub.database.read() as db:
        return routings.rules(db, dock.merchant)


NEAR = {
    "batch": "1", "by": ["nearest", "fewest"], "use": ["nearest"], "split": "whole", "currency": "usd", "zone_location": [WEST, ""],
    "zone_country": ["us", ""], "zone_prefix": ["787", ""], "zone_zone": ["1", ""], "zone_cost": ["4.90", ""],
    "never_location": [WEST, ""], "never_sku": ["B", ""], "never_country": ["ch", ""],
}  # fmt: skip


def shown(text: str) -> list[str]:
    """The strategies in the order of the page."""
    return re.findall(r'name="by" value="(\w+)"', text)


def test_rules_are_tried_out_saved_and_undone(dock: Depot, ana: Person) -> None:
    dock.house.bogus.sell({"A": 2}, ship_to=BUYER)
    dock.house.clock.pass_(MINUTES)
    dock.house.poll()
    before = books.rows(dock.house.hub, "select location from reservations")

    text = ana.post("/settings/routing", do="try", **NEAR)
    assert re.search(r"2 from Main</td><td[^>]*>2 from West", text)
    assert "This is not saved yet." in text
    assert (rules(dock), books.rows(dock.house.hub, "select location from reservations")) == (Rules(), before)

    text = ana.post("/settings/routing", do="save", **NEAR)
    assert "follow these rules" in text and "This is not saved yet." not in text
    found = rules(dock)
    assert (found.strategies, found.split, found.currency) == ((Strategy.NEAREST,), False, "USD")
    assert found.batch
    assert found.zones == {WEST: (Zone("US", "787", 1, 490),)}
    assert [(one.location, one.sku, one.country) for one in found.never] == [(WEST, "B", "CH")]
    dock.release()
    assert books.rows(dock.house.hub, "select location from shipments") == [(WEST,)]

    was, now = (re.search(rf'name="{name}" value="([^"]+)"', text)[1].replace("&#34;", '"') for name in ("was", "now"))  # type: ignore[index]
    assert "It is as it was before." in ana.post("/settings/routing/undo", was=was, now=now)
    assert rules(dock) == Rules()
    assert "Somebody changed the rules since." in ana.post("/settings/routing/undo", was=was, now=now)


@on_sqlite
def test_a_strategy_goes_up_and_down_and_nothing_is_saved_by_that(dock: Depot, ana: Person) -> None:
    text = ana.get("/settings/routing")
    assert len(ana.statements) <= MOST
    assert shown(text) == ["ranked", "fewest", "nearest", "cheapest", "soonest", "oldest"]

    text = ana.post("/settings/routing", do="up-1", by=shown(text), use=["ranked", "fewest"])
    assert shown(text)[:2] == ["fewest", "ranked"]
    assert shown(ana.post("/settings/routing", do="down-0", by=shown(text)))[:2] == ["ranked", "fewest"]
    assert shown(ana.post("/settings/routing", do="up-0", by=EVERY)) == EVERY
    assert shown(ana.post("/settings/routing", do="down-99", by=["nonsense"])) == EVERY
    assert rules(dock) == Rules()


@on_sqlite
@pytest.mark.parametrize(
    ("different", "words"),
    [
        ({"zone_country": "USA"}, "Row 1: a country is two large letters"),
        ({"zone_zone": "0"}, "Row 1: a zone is a number from 1 to 9"),
        ({"zone_cost": "much"}, "Row 1: much is no cost"),
        ({"zone_location": "nobody's"}, "Row 1: there is no location"),
        ({"currency": ""}, "say first in which currency costs are."),
        ({"currency": "E1"}, "A currency is three letters"),
        ({"never_country": "Swiss"}, "A country is two large letters"),
    ],
)
def test_what_cannot_be_meant_is_said_and_nothing_is_saved(dock: Depot, ana: Person, different: dict[str, str], words: str) -> None:
    assert words in ana.post("/settings/routing", do="save", **(NEAR | different))
    assert rules(dock) == Rules()


def bring(client: FlaskClient, text: str) -> str:
    said = {"file": (io.BytesIO(text.encode()), "zones.csv"), "currency": "USD"}
    answer = client.post("/settings/routing/file", data=said, content_type="multipart/form-data")
    assert answer.status_code == 200
    return answer.text


@on_sqlite
def test_zones_come_from_a_file_after_a_look_and_leave_in_one(dock: Depot, ana: Person) -> None:
    ana.post("/settings/routing", do="save", **NEAR)
    saved = rules(dock)
    text = bring(ana.client, "location,country,prefix,zone,cost\nWest,US,787,2,4.90\nMain,US,,5,\n")

    assert all(words in text for words in ("2 rows were read.", "New: 1, gone: 0, changed: 1.", "It is not saved yet."))
    assert rules(dock) == saved
    assert "Row 2: there is no location Nowhere" in bring(ana.client, "location,country,prefix,zone,cost\nNowhere,US,,5,\n")
    assert "the file lacks the column zone" in bring(ana.client, "location,country,prefix\n")

    assert ana.ask("/settings/routing/zones.csv").text.splitlines() == ["\ufefflocation,country,prefix,zone,cost", "West,US,787,1,4.90"]


@on_sqlite
def test_more_rows_than_are_changed_by_hand_go_through_the_form_whole(dock: Depot, ana: Person) -> None:
    rows = "".join(f"West,US,{n},1,\n" for n in range(300))
    text = bring(ana.client, f"location,country,prefix,zone,cost\n{rows}")
    kept = re.search(r'name="zones" value="([^"]+)"', text)
    assert kept
    ana.post("/settings/routing", do="save", by=EVERY, zones=kept[1])

    assert len(rules(dock).zones[WEST]) == 300


def test_it_is_said_when_a_location_sends_and_taken_back(dock: Depot, ana: Person) -> None:
    form = {"day": ["0", "4"], "cutoff": "15:30", "capacity": "40", "holidays": "2026-12-25, 2026-12-26"}
    text = ana.post(f"/settings/routing/hours/{WEST}", **form)
    assert "West sends so from now on." in text
    with dock.house.hub.database.read() as db:
        (west,) = [site.hours for site in shipments.all_sites(db, dock.merchant) if site.id == WEST]
    assert west == Hours((0, 4), (date(2026, 12, 25), date(2026, 12, 26)), time(15, 30), 40)

    for wrong in ({"day": []}, {"cutoff": "25:00"}, {"capacity": "0"}, {"capacity": "many"}, {"holidays": "Christmas"}):
        assert "Choose one day of the week at least" in ana.post(f"/settings/routing/hours/{WEST}", **(form | wrong))
    back = sites.set_hours(dock.house.hub, dock.merchant, WEST, ANN, Hours())
    assert back == west
    assert ana.send("/settings/routing/hours/nobodys", **form).status_code == 404


@on_sqlite
def test_who_may_not_change_settings_only_looks(dock: Depot) -> None:
    bob = person(dock.house.hub, dock.merchant, Role.PACKER)
    assert bob.send("/settings/routing", do="save").status_code == 403
    assert bob.send(f"/settings/routing/hours/{WEST}").status_code == 403


@on_sqlite
def test_it_is_said_of_an_account_whether_its_orders_are_sent_whole(dock: Depot, ana: Person) -> None:
    id = dock.house.connection.id
    assert "It is so from now on for" in ana.post(f"/settings/routing/parts/{id}", parts="whole")
    assert re.search(r'<option value="whole" selected>', ana.get("/settings/routing"))
    assert len(ana.statements) <= MOST
    assert ana.send(f"/settings/routing/parts/{id}", parts="some").status_code == 400
    assert ana.send("/settings/routing/parts/nobodys", parts="whole").status_code == 404
