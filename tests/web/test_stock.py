"""The pages about stock: finding SKUs, seeing why a channel shows what it shows, adjusting, matching listings."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from config import schedule
from core.domain.inbound import Kind
from core.domain.roles import Role
from core.domain.who import Who
from core.flows import inbound
from core.flows.inbound import Draft
from core.store import stock
from core.store.tables import us
from tests.web.rooms import Person, person
from tests.web.shop import Shop

ANA = Who("u1", "Ana")


@pytest.fixture
def shop(shop: Shop) -> Shop:
    shop.offer("KET-SA-04", "MUG-1", units=10)
    return shop


@pytest.fixture
def ana(shop: Shop) -> Person:
    return person(shop.hub, shop.merchant)


def count(shop: Shop, **titles: str) -> None:
    rows = [{"sku": sku.replace("_", "-"), "title": title, "location": "place", "on_hand": 5} for sku, title in titles.items()]
    with shop.hub.unit() as work:
        stock.count(work.db, shop.merchant, rows, work.now)


def test_skus_are_listed_with_what_lies_there_and_what_is_free(shop: Shop, ana: Person) -> None:
    shop.deliver(shop.sold(**{"KET-SA-04": 3}))
    shop.drain()

    text = " ".join(ana.get("/stock").split())

    assert (
        '>KET-SA-04</a></th><td class="words">KET-SA-04</td> <td class="n">10</td><td class="n">3</td><td class="n"><b>7</b></td>' in text
    )
    assert len(ana.statements) <= 8


@pytest.mark.parametrize("words", ["ket-s", "KET-SA-04", "kettle", "steel kett", "kettle st"])
def test_a_sku_is_found_by_its_spelling_and_by_the_beginnings_of_its_words(shop: Shop, ana: Person, words: str) -> None:
    count(shop, KET_SA_04="Kettle, brushed steel", MUG_1="Mug")

    text = ana.get("/stock", q=words)

    assert "KET-SA-04</a>" in text
    assert "MUG-1</a>" not in text


def test_what_a_sku_was_called_before_finds_it_no_more(shop: Shop, ana: Person) -> None:
    count(shop, MUG_1="Beaker")
    count(shop, MUG_1="Mug")

    assert "MUG-1</a>" not in ana.get("/stock", q="beaker")
    assert "Nothing is called that" in ana.get("/stock", q="beaker")


def test_many_skus_come_a_page_at_a_time_each_once(shop: Shop, ana: Person) -> None:
    count(shop, **{f"S{n:03}": "thing" for n in range(120)})

    seen, address = [], "/stock?q=thing"
    while address:
        text = ana.client.get(address).text
        seen += re.findall(r">(S\d{3})</a>", text)
        more = re.search(r'class="more"><a href="([^"]+)"', text)
        address = more[1].replace("&amp;", "&") if more else ""

    assert seen == [f"S{n:03}" for n in range(120)]


def test_a_skus_page_says_what_each_channel_shows_and_why(shop: Shop, ana: Person) -> None:
    text = ana.get("/stock/sku", sku="KET-SA-04")

    assert "It shows what it should." in text
    assert "counted" in text.lower()
    assert len(ana.statements) <= 8


def adjust(ana: Person, units: int, *, seen: Any = 10, how: str = "to", **more: Any) -> str:
    said = {
        "sku": "KET-SA-04",
        "location": "place",
        "seen": seen,
        "how": how,
        "units": units,
        "reason": "damaged",
        "note": "dropped",
        **more,
    }
    return ana.post("/stock/sku", **said)


def test_a_count_changes_the_shelf_the_channel_and_the_trail(shop: Shop, ana: Person) -> None:
    text = adjust(ana, 7)
    shop.drain()

    assert "7 on hand now" in text
    assert shop.one("select on_hand from levels where sku = 'KET-SA-04'") == 7
    assert shop.one("select shown from listings where sku = 'KET-SA-04'") == 7
    [(who, act, body)] = shop.rows("select name, act, body from audit")
    assert (who, act) == ("Ana", "stock.adjust")
    assert json.loads(body) | {} == {"location": "place", "place": "Main", "was": 10, "became": 7, "reason": "counted", "note": "dropped"}
    assert shop.one("select count(*) from events where kind = 'StockAdjusted'") == 1


def test_a_difference_is_a_movement_with_its_reason_and_who_said_so(shop: Shop, ana: Person) -> None:
    text = adjust(ana, -2, how="by")
    shop.drain()

    assert "8 on hand now" in text
    assert shop.rows("select units, cause from movements where sku = 'KET-SA-04' order by id desc limit 1") == [(-2, "damaged")]
    assert "Ana: dropped" in ana.get("/stock/sku", sku="KET-SA-04")
    assert shop.one("select shown from listings where sku = 'KET-SA-04'") == 8


def test_damaged_units_are_put_aside_and_one_press_puts_them_back(shop: Shop, ana: Person) -> None:
    text = adjust(ana, -2, how="by", aside=0)

    assert 'name="reason" value="mended"' in text and "2</b><small>put aside, never sold" in text
    text = adjust(ana, 2, how="by", seen=8, aside=2, reason="mended")
    assert "10 on hand now" in text
    assert shop.rows("select on_hand, damaged from levels where sku = 'KET-SA-04'") == [(10, 0)]


def test_of_two_who_throw_the_same_unit_away_the_second_is_told(shop: Shop, ana: Person) -> None:
    adjust(ana, -2, how="by", aside=0)
    adjust(ana, -1, how="by", seen=8, aside=2, reason="written_off")

    assert "It changed while you looked" in adjust(ana, -1, how="by", seen=8, aside=2, reason="written_off")
    assert shop.one("select damaged from levels where sku = 'KET-SA-04'") == 1


def test_units_are_kept_from_channels_and_shown_again(shop: Shop, ana: Person) -> None:
    text = ana.post("/stock/safety", sku="KET-SA-04", location="place", units=4)
    shop.drain()

    assert "4 are kept from channels at Main" in text
    assert shop.one("select shown from listings where sku = 'KET-SA-04'") == 6
    assert "Write a whole number" in ana.post("/stock/safety", sku="KET-SA-04", location="place", units="1.5")
    assert "count it first" in ana.post("/stock/safety", sku="KET-SA-04", location="elsewhere", units=1)
    assert "0 are kept from channels" in ana.post("/stock/safety", sku="KET-SA-04", location="place", units=0)


def test_a_listing_sells_what_comes_and_says_by_when(shop: Shop, ana: Person) -> None:
    id = shop.one("select id from listings where sku = 'KET-SA-04'")
    at = us(shop.clock.now + timedelta(days=5))
    one = inbound.add(shop.hub, shop.merchant, Draft(Kind.PURCHASE, "place", expected_at=at, lines={"KET-SA-04": 3}), ANA)
    inbound.send(shop.hub, shop.merchant, one, ANA)
    schedule.tick(shop.hub)

    text = ana.post("/stock/rule", sku="KET-SA-04", id=id, **{f"ahead_{id}": 7, f"backorder_{id}": 2})

    assert "10 can be sold now, 3 come by" in text and "2 may be owed beyond that" in text
    assert len(ana.get("/stock/sku", sku="KET-SA-04")) and len(ana.statements) <= 8
    assert "It is dealt" not in ana.post("/stock/quota", sku="KET-SA-04")
    assert "Write whole numbers" in ana.post("/stock/rule", sku="KET-SA-04", id=id, **{f"ahead_{id}": 999})


def test_of_two_who_adjust_at_once_the_second_sees_what_the_first_did(shop: Shop, ana: Person) -> None:
    ben = person(shop.hub, shop.merchant, Role.PACKER, user="u2", name="Ben")
    adjust(ana, -2, how="by")

    text = adjust(ben, -3, how="by")

    assert "It changed while you looked: 8 on hand now" in text
    assert "Ana: dropped" in text
    assert 'value="-3"' in text, "what he typed is still there"
    assert shop.one("select on_hand from levels where sku = 'KET-SA-04'") == 8
    assert "5 on hand now" in adjust(ben, -3, how="by", seen=8)


def test_orders_that_wait_for_a_sku_are_named_on_its_page(shop: Shop, ana: Person) -> None:
    shop.deliver(shop.sold(**{"KET-SA-04": 13}))
    shop.drain()

    text = ana.get("/stock/sku", sku="KET-SA-04")

    assert "Sold, and not there</span><b>3</b>" in text
    assert "3 missing" in text
    assert len(ana.statements) <= 8


def test_what_is_promised_stays(shop: Shop, ana: Person) -> None:
    shop.deliver(shop.sold(**{"KET-SA-04": 3}))
    shop.drain()

    assert "3 are promised" in adjust(ana, 2)
    assert "3 are promised" in adjust(ana, -8, how="by")
    assert shop.one("select on_hand from levels where sku = 'KET-SA-04'") == 10


@pytest.mark.parametrize("units", ["", "two", "1.5", "9" * 30])
def test_what_is_no_number_changes_nothing(shop: Shop, ana: Person, units: Any) -> None:
    adjust(ana, units)

    assert shop.one("select on_hand from levels where sku = 'KET-SA-04'") == 10


def test_the_first_count_of_a_sku_maps_its_listings_and_tells_the_channel(shop: Shop, ana: Person) -> None:
    shop.simulator.catalogue([{"sku": "NEW-1", "title": "New", "price": "1.00", "quantity": 2, "currency": "USD"}])
    with shop.hub.unit() as work:
        work.ask(shop.merchant, "read_listings", shop.connection.id, shop.connection.id)
    shop.drain()
    [(id,)] = shop.rows("select id from listings where sku = 'NEW-1'")
    ana.post("/stock/unmatched", connection=shop.connection.id, only=id, new=1, **{f"sku_{id}": "NEW-1"})
    ana.post("/stock/sku", sku="NEW-1", location="place", seen="", how="to", units=4, reason="counted")
    shop.drain()

    assert shop.one("select shown from listings where sku = 'NEW-1'") in (2, 4)
    assert shop.one("select on_hand from levels where sku = 'NEW-1'") == 4


def test_who_may_only_look_is_offered_no_button_and_no_way_round_it(shop: Shop) -> None:
    viewer = person(shop.hub, shop.merchant, Role.VIEWER)

    assert "Adjust" not in viewer.get("/stock/sku", sku="KET-SA-04")
    assert viewer.send("/stock/sku", sku="KET-SA-04", location="place", units=1).status_code == 403
    assert viewer.send("/stock/unmatched").status_code == 403


def test_nobody_finds_or_changes_another_merchants_goods(shop: Shop, ana: Person) -> None:
    stranger = person(shop.hub, "another")
    [(id,)] = shop.rows("select id from listings where sku = 'KET-SA-04'")

    assert "KET-SA-04" not in stranger.get("/stock")
    assert "KET-SA-04" not in stranger.get("/stock", q="ket")
    assert stranger.ask("/stock/sku", sku="KET-SA-04").status_code == 404
    assert stranger.send("/stock/sku", sku="KET-SA-04", location="place", units=1, seen=10, how="to").status_code == 404
    stranger.post("/stock/unmatched", only=id, new=1, **{f"sku_{id}": "MINE"})
    assert shop.rows("select sku from listing_parts where listing_id = :id", id=id) == [("KET-SA-04",)]
    assert shop.one("select on_hand from levels where sku = 'KET-SA-04'") == 10


# ---- matching


@pytest.fixture
def strange(shop: Shop) -> dict[str, int]:
    """Listings whose SKU is not letter by letter one of ours, by it."""
    goods = [("ket sa 04", "Other kettle"), ("X-1", "Kettle set"), ("", "MUG-1")]
    shop.simulator.catalogue([{"sku": sku, "title": title, "price": "1.00", "quantity": 3, "currency": "USD"} for sku, title in goods])
    with shop.hub.unit() as work:
        work.ask(shop.merchant, "read_listings", shop.connection.id, shop.connection.id)
    shop.drain()
    return dict(shop.rows("select sku, id from listings where not mapped"))


def test_listings_that_nobody_matched_come_with_what_they_may_be(shop: Shop, ana: Person, strange: dict[str, int]) -> None:
    text = ana.get("/stock/unmatched")

    assert strange.keys() == {"ket sa 04", "X-1", ""}
    assert f'name="sku_{strange["ket sa 04"]}" value="KET-SA-04"' in text
    assert f'name="sku_{strange[""]}" value="MUG-1"' in text
    assert f'name="sku_{strange["X-1"]}" value=""' in text
    assert len(ana.statements) <= 8


def test_many_are_matched_at_once_and_back(shop: Shop, ana: Person, strange: dict[str, int]) -> None:
    one, other = strange["ket sa 04"], strange[""]
    text = ana.post("/stock/unmatched", take=[one, other], **{f"sku_{one}": "KET-SA-04", f"sku_{other}": "MUG-1"})
    shop.drain()

    assert "2 listings are matched" in text
    assert shop.rows("select sku from listing_parts where listing_id in (:a, :b) order by 1", a=one, b=other) == [
        ("KET-SA-04",),
        ("MUG-1",),
    ]
    assert shop.one("select shown from listings where id = :id", id=one) in (3, 10)
    ana.post("/stock/unmap", id=[one, other], was=["", ""])
    assert shop.one("select count(*) from listings where not mapped") == 3
    assert shop.one("select count(*) from audit where act = 'listing.map'") == 4


def test_a_set_takes_several_of_several(shop: Shop, ana: Person, strange: dict[str, int]) -> None:
    id = strange["X-1"]

    ana.post("/stock/unmatched", only=id, **{f"sku_{id}": "MUG-1=2, KET-SA-04"})

    assert shop.rows("select sku, units from listing_parts where listing_id = :id order by 1", id=id) == [("KET-SA-04", 1), ("MUG-1", 2)]


def test_a_slip_changes_nothing_and_is_named(shop: Shop, ana: Person, strange: dict[str, int]) -> None:
    one, other = strange["ket sa 04"], strange["X-1"]

    text = ana.post("/stock/unmatched", take=[one, other], **{f"sku_{one}": "KET-SA-04", f"sku_{other}": "KET-SA-40"})

    assert "Nobody knows these SKUs: KET-SA-40" in text
    assert 'value="KET-SA-40"' in text
    assert shop.one("select count(*) from listings where not mapped") == 3


def test_an_order_that_waited_for_its_match_is_reserved(shop: Shop, ana: Person, strange: dict[str, int]) -> None:
    shop.deliver(shop.sold(**{"X-1": 2}))
    shop.drain()
    id = strange["X-1"]

    ana.post("/stock/unmatched", only=id, **{f"sku_{id}": "MUG-1"})
    shop.drain()

    assert shop.one("select reserved from levels where sku = 'MUG-1'") == 2


WILD = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'{{7*7}}"


def test_whatever_goods_are_called_is_text_and_never_markup(shop: Shop, ana: Person) -> None:
    shop.simulator.catalogue([{"sku": WILD, "title": WILD, "price": "1.00", "quantity": 3, "currency": "USD"}])
    count(shop, **{WILD.replace("_", "-"): WILD})
    with shop.hub.unit() as work:
        work.ask(shop.merchant, "read_listings", shop.connection.id, shop.connection.id)
    shop.drain()
    ana.post("/stock/sku", sku=WILD, location="place", seen=5, how="by", units=1, reason="found", note=WILD)

    for text in (ana.get("/stock"), ana.get("/stock", q=WILD), ana.get("/stock/sku", sku=WILD), ana.get("/stock/unmatched")):
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "{{7*7}}" in text or "alert" not in text


# ---- locations


def test_a_channels_place_is_said_to_be_one_of_ours_or_none(shop: Shop, ana: Person) -> None:
    [(place,)] = shop.rows("select place from places where active and not service")
    assert "Main" in ana.get("/stock/locations")

    ana.post("/stock/locations", name="Shop")
    [(id,)] = shop.rows("select id from locations where name = 'Shop'")
    text = ana.post("/stock/places", connection=shop.connection.id, place=place, location=id)

    assert "It is so from now on" in text
    assert shop.rows("select place, location from place_locations") == [(place, id)]
    ana.post("/stock/places", connection=shop.connection.id, place=place)
    assert "none of yours" in ana.get("/stock/locations")
    ana.post("/stock/places", connection=shop.connection.id, forget=1)
    assert shop.one("select count(*) from place_locations") == 2
    assert [act for (act,) in shop.rows("select act from audit order by id")] == ["location.add", "place.map", "place.map", "place.forget"]


def test_locations_come_as_a_file_with_what_sells_from_each(shop: Shop, ana: Person) -> None:
    ana.post("/stock/locations", name="=Shop")
    [(place, name)] = shop.rows("select place, name from places where active and not service")
    ana.post("/stock/places", connection=shop.connection.id, place=place, location="place")
    lines = [line.split(",") for line in ana.get("/stock/locations.csv").splitlines()]

    assert lines[0] == ["\ufefflocation", "kind", "channel", "account", "channel_place"]
    assert lines[1:] == [["Main", "own", "Shopify", shop.connection.label, name], ["'=Shop", "own", "", "", ""]]


def test_a_location_has_a_name_of_its_own(shop: Shop, ana: Person) -> None:
    for name in ("", "  ", "Main"):
        assert "Write a name that none of your locations has" in ana.post("/stock/locations", name=name)
    assert shop.one("select count(*) from locations") == 1


def test_nobody_says_what_another_merchants_place_is(shop: Shop) -> None:
    stranger = person(shop.hub, "another")

    assert stranger.send("/stock/places", connection=shop.connection.id, place="", location="place").status_code == 404
    assert "Main" not in stranger.get("/stock/locations")


# ---- rules


def listing_of(shop: Shop, sku: str) -> int:
    return int(shop.one("select id from listings where sku = :sku", sku=sku))


def test_a_listing_shows_what_its_rule_lets_it_and_the_page_says_why(shop: Shop, ana: Person) -> None:
    id = listing_of(shop, "MUG-1")

    said = ana.post("/stock/rule", sku="MUG-1", id=id, **{f"cap_{id}": 3})
    shop.drain()

    assert "1 listing is told." in said
    assert "10 can be sold; more than 3 are never shown here." in ana.get("/stock/sku", sku="MUG-1")
    assert shop.one("select shown from listings where sku = 'MUG-1'") == 3


def test_a_sale_that_is_stopped_everywhere_begins_again_by_undo(shop: Shop, ana: Person) -> None:
    id = listing_of(shop, "MUG-1")
    ana.post("/stock/rule", sku="MUG-1", id=id, **{f"buffer_{id}": 4})

    said = ana.post("/stock/stop", sku="MUG-1")
    shop.drain()
    assert "Its sale is stopped here." in said
    assert shop.one("select shown from listings where sku = 'MUG-1'") == 0
    undo = dict(re.findall(r'name="([a-z]+(?:_\d+)?)" value="([^"]*)"', said[said.index('action="/stock/rule"') : said.index("Undo")]))
    ana.post("/stock/rule", **undo)

    assert shop.rows("select buffer, cap, stopped from listings where sku = 'MUG-1'") == [(4, None, False)]


@pytest.mark.parametrize("said", ["-1", "1.5", "x", "99999999", "1e3"])
def test_a_rule_that_is_none_changes_nothing(shop: Shop, ana: Person, said: str) -> None:
    id = listing_of(shop, "MUG-1")

    assert "Nothing was changed." in ana.post("/stock/rule", sku="MUG-1", id=id, **{f"cap_{id}": said})
    assert shop.one("select cap from listings where id = :id", id=id) is None


def test_a_listing_of_nobodys_has_no_rule(shop: Shop, ana: Person) -> None:
    assert ana.send("/stock/rule", sku="MUG-1", id=99_999).status_code == 404


def test_a_sku_is_dealt_to_its_listings_and_shown_as_one_pool_again(shop: Shop, ana: Person) -> None:
    assert "dealt to its listings" in ana.post("/stock/quota", sku="MUG-1")
    shop.drain()
    assert shop.rows("select share from listings where sku = 'MUG-1'") == [(10,)]
    assert "In quota" in ana.get("/stock/sku", sku="MUG-1")

    assert "all that is free again" in ana.post("/stock/quota", sku="MUG-1", pool=1)
    assert shop.rows("select share, holds from listings where sku = 'MUG-1'") == [(None, None)]
    assert ana.send("/stock/quota", sku="NONE").status_code == 404
