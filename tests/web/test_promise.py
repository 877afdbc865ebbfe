"""The promise on its page: what it covers, what is left out and why, and having it mended at the channel."""

from datetime import timedelta

import pytest

from core.domain.roles import Role
from core.errors import OutcomeUnknown
from tests.web.programs import a_program
from tests.web.rooms import Person, person
from tests.web.shop import Shop


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """One that stops at zero, one that does not, one that nobody counts, and a draft."""
    shop.offer("MUG", units=5)
    more = {"title": "A thing", "price": "1.00", "quantity": 5, "currency": "USD"}
    shop.simulator.catalogue(
        [
            {"sku": "KETTLE", **more, "policy": "CONTINUE"},
            {"sku": "POSTER", **more, "tracked": False},
            {"sku": "LATER", **more, "status": "DRAFT"},
        ]
    )
    shop.offer("TRAY", units=5)
    shop.offer("KETTLE-2", units=5)
    return shop


@pytest.fixture
def ana(shop: Shop) -> Person:
    return person(shop.hub, shop.merchant)


def row(shop: Shop, sku: str) -> tuple[int, str | None]:
    [found] = shop.rows("select id, uncovered from listings where sku = :sku", sku=sku)
    return found[0], found[1]


def policy(shop: Shop, sku: str) -> str:
    return str(next(one["inventory_policy"] for one in shop.simulator.state["variants"].values() if one["sku"] == sku))


def test_what_does_not_stop_at_its_number_is_named_with_the_reason(shop: Shop, ana: Person) -> None:
    text = ana.get("/stock/promise")

    assert len(ana.statements) <= 8
    for words in ("Continue selling when out of stock", "Track quantity", "It is a draft or archived"):
        assert words in text
    assert ">Stop selling at zero</button>" in text
    assert ">MUG</a>" not in text
    lines = ana.get("/stock/promise.csv").splitlines()
    assert [line.split(",")[3] for line in lines[1:]] == ["KETTLE", "POSTER", "LATER"]


def test_programs_are_told_what_does_not_stop_at_its_number(shop: Shop) -> None:
    items = {one["sku"]: one for one in a_program(shop).all("listings", 50)}

    assert {sku: one["uncovered"] for sku, one in items.items() if one["uncovered"]} == {
        "KETTLE": "oversells", "POSTER": "untracked", "LATER": "draft",
    }  # fmt: skip
    assert items["MUG"]["uncovered"] is None


def test_it_is_mended_at_the_channel_and_undone(shop: Shop, ana: Person) -> None:
    id, was = row(shop, "KETTLE")
    text = ana.post("/stock/promise", listing=id, uncovered="oversells")
    assert "being asked" in text
    shop.drain()

    assert (was, row(shop, "KETTLE")[1], policy(shop, "KETTLE")) == ("oversells", None, "DENY")
    assert "Stop selling at zero" not in ana.get("/stock/promise")
    ana.post("/stock/promise", listing=id, uncovered="oversells", back="1")
    shop.drain()
    assert (row(shop, "KETTLE")[1], policy(shop, "KETTLE")) == ("oversells", "CONTINUE")


def test_what_nobody_counts_is_counted(shop: Shop, ana: Person) -> None:
    id, _ = row(shop, "POSTER")
    ana.post("/stock/promise", listing=id, uncovered="untracked")
    shop.drain()

    assert [uncovered for (uncovered,) in shop.rows("select uncovered from listings where sku = 'POSTER' and writable is null")] == [None]


def test_a_lost_answer_is_looked_up_before_it_is_asked_again(shop: Shop, ana: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    from connectors.shopify.channel import ShopifyChannel

    real, calls = ShopifyChannel.mend, []

    def lost(self: ShopifyChannel, *args: object, **more: object) -> None:
        calls.append(args)
        real(self, *args, **more)  # type: ignore[arg-type]
        raise OutcomeUnknown("the answer was lost")

    monkeypatch.setattr(ShopifyChannel, "mend", lost)
    ana.post("/stock/promise", listing=row(shop, "KETTLE")[0], uncovered="oversells")
    shop.drain()
    shop.clock.pass_(timedelta(minutes=2))
    shop.drain()

    assert (len(calls), row(shop, "KETTLE")[1]) == (1, None)


def test_what_the_app_may_not_do_is_said_with_the_step_in_the_admin(shop: Shop, ana: Person) -> None:
    shop.simulator.state["scopes"].remove("write_products")
    ana.post("/stock/promise", listing=row(shop, "KETTLE")[0], uncovered="oversells")
    shop.drain()

    text = ana.get("/stock/promise")
    assert "Do it there, by the step above." in text
    assert row(shop, "KETTLE")[1] == "oversells"


def test_a_sku_says_that_the_promise_does_not_cover_it(shop: Shop, ana: Person) -> None:
    with shop.hub.database.write() as db:
        db.exec_driver_sql("update listing_parts set sku = 'MUG' where listing_id = (select id from listings where sku = 'TRAY')")
        db.exec_driver_sql("update listings set uncovered = 'oversells' where sku = 'TRAY'")

    assert "does not cover this SKU" in ana.get("/stock/sku", sku="MUG")
    assert "does not cover this SKU" not in ana.get("/stock/sku", sku="KETTLE-2")


def test_only_those_who_lead_have_it_mended(shop: Shop) -> None:
    viewer = person(shop.hub, shop.merchant, Role.VIEWER)

    assert "Stop selling at zero" not in viewer.get("/stock/promise")
    assert viewer.send("/stock/promise", listing=1, uncovered="oversells").status_code == 403
