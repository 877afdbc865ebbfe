"""What was changed in a channel itself, on the pages and through the API: whose number counts, and who says so."""

from datetime import timedelta

import pytest

from core.domain.leading import Leader
from core.domain.roles import Role
from core.domain.who import Who
from core.flows import leading
from tests.web.programs import a_program, a_stranger
from tests.web.rooms import Person, person
from tests.web.shop import Shop

ANN = Who("u1", "Ann")


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """Ten of each on a shop that is asked about; somebody has set MUG-1 to 14 in its admin."""
    shop.offer("KET-SA-04", "MUG-1", units=10)
    leading.lead(shop.hub, shop.connection, Leader.ASK, ANN)
    change(shop, "MUG-1", 4)
    return shop


@pytest.fixture
def ana(shop: Shop) -> Person:
    return person(shop.hub, shop.merchant)


def change(shop: Shop, sku: str, by: int) -> None:
    shop.simulator.befall("stock", {"sku": sku, "units": there(shop, sku) + by})
    with shop.hub.unit() as work:
        work.ask(shop.merchant, "read_listings", shop.connection.id, shop.connection.id)
    shop.drain()
    settle(shop)


def there(shop: Shop, sku: str) -> int:
    return {one["sku"]: int(one["shown"]) for one in shop.simulator.listings()}[sku]


def settle(shop: Shop) -> None:
    for _ in range(3):
        shop.clock.pass_(timedelta(minutes=4))
        with shop.hub.unit() as work:
            work.ask(shop.merchant, "poll_orders", shop.connection.id, shop.connection.id)
        shop.drain()


def doubt(shop: Shop) -> tuple[int, str]:
    [row] = shop.rows("select listing_id, at, units, why from doubts")
    return row[0], f"{row[1]}.{row[2]}.{row[3]}"


def test_somebody_who_wants_to_be_asked_is(shop: Shop, ana: Person) -> None:
    text = ana.get("/attention")
    assert "Somebody changed stock in a channel" in text
    text = ana.get("/stock/changes")
    assert len(ana.statements) <= 8
    assert 'value="theirs"' in text
    assert "+4" in text
    assert "One of you must say whose number is right." in ana.get("/stock/sku", sku="MUG-1")


@pytest.mark.parametrize(("whose", "shown"), [("ours", 10), ("theirs", 14)])
def test_they_say_whose_number_is_right(shop: Shop, ana: Person, whose: str, shown: int) -> None:
    id, mark = doubt(shop)
    text = ana.post("/stock/changes", listing=id, mark=mark, choose=whose)
    settle(shop)

    assert "Nothing to decide" in text
    assert there(shop, "MUG-1") == shown
    assert shop.one("select sum(on_hand) from levels where sku = 'MUG-1'") == shown


def test_what_was_taken_over_is_taken_back(shop: Shop, ana: Person) -> None:
    id, mark = doubt(shop)
    ana.post("/stock/changes", listing=id, mark=mark, choose="theirs")
    act = shop.one("select id from audit where act = 'stock.follow'")
    assert "It is as it was before." in ana.post("/stock/changes/undo", act=act)
    assert "undone" in ana.get("/stock/changes")
    assert "Nothing was changed" in ana.post("/stock/changes/undo", act=act)
    settle(shop)

    assert there(shop, "MUG-1") == 10


def test_a_viewer_sees_it_and_decides_nothing(shop: Shop) -> None:
    viewer = person(shop.hub, shop.merchant, Role.VIEWER)

    assert 'value="theirs"' not in viewer.get("/stock/changes")


def test_the_rule_is_set_where_the_buffers_are(shop: Shop, ana: Person) -> None:
    assert "Whose number counts" in ana.get("/stock/locations")
    ana.post("/stock/leads", connection=shop.connection.id, leads="channel")
    settle(shop)

    assert shop.one("select count(*) from doubts") == 0
    assert shop.one("select sum(on_hand) from levels where sku = 'MUG-1'") == 14
    assert shop.one("select count(*) from audit where act = 'connection.lead'") == 2


def test_a_program_chooses_and_sets_the_rule(shop: Shop) -> None:
    till, id = a_program(shop), doubt(shop)[0]
    [one] = till.all("listings/changed", 1)
    assert (one["listing"], one["ours"], one["theirs"], one["units"], one["why"]) == (id, 10, 14, 4, "rule")
    assert till.ask("POST", f"listings/{id}/choice", {"choose": "ours", "mark": "x"}).status_code == 409
    assert a_stranger(shop).ask("POST", f"listings/{id}/choice", {"choose": "ours", "mark": one["mark"]}).status_code == 404

    said = till.ask("POST", f"listings/{id}/choice", {"choose": "theirs", "mark": one["mark"]})
    assert (said.status_code, said.get_json()["wanted"]) == (200, 14)
    rule = till.ask("PUT", f"connections/{shop.connection.id}/leader", {"leads": "hub"})
    assert (rule.status_code, rule.get_json()["leads"]) == (200, "hub")
    assert a_stranger(shop).ask("PUT", f"connections/{shop.connection.id}/leader", {"leads": "hub"}).status_code == 404


def test_what_is_written_again_and_again_is_said_to_be_so(shop: Shop, ana: Person) -> None:
    leading.lead(shop.hub, shop.connection, Leader.HUB, ANN)
    for number in range(5):
        change(shop, "KET-SA-04", 3 + number)

    assert there(shop, "KET-SA-04") == 10
    assert "Something else writes a channel" in ana.get("/attention")


def test_what_a_channel_says_by_itself_is_looked_at_within_seconds(shop: Shop) -> None:
    leading.lead(shop.hub, shop.connection, Leader.HUB, ANN)
    settle(shop)
    shop.simulator.state["hooks"].append({"id": 9, "topic": "INVENTORY_LEVELS_UPDATE", "uri": "https://hub.example/webhooks/shopify"})
    shop.world.outbox.clear()
    shop.simulator.befall("stock", {"sku": "KET-SA-04", "units": 17})
    for delivery in list(shop.world.outbox):
        assert shop.deliver(delivery) == 200
    shop.clock.pass_(timedelta(seconds=6))
    shop.drain()
    assert there(shop, "KET-SA-04") == 10
    assert [row[0] for row in shop.rows("select units from doubts")] == [7]

    done = len(shop.rows("select id from tasks where kind = 'look_at_items'"))
    for delivery in list(shop.world.outbox)[1:]:
        shop.deliver(delivery)
    assert len(shop.rows("select id from tasks where kind = 'look_at_items'")) == done == 1, "what we told ourselves is no news"
