"""Bogus behaves as a channel does: our tests of flows stand on it."""

from datetime import UTC, datetime, timedelta

import pytest

from connectors.bogus import CALLS, manifest
from connectors.bogus.channel import Bogus
from connectors.bogus.webhooks import signed
from connectors.http import write_json
from core.domain.order import OrderStatus
from core.errors import BadPayload, Forged, OutcomeUnknown, Unavailable
from core.ports import About, Kit, Push, Told

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Unlimited:
    def take(self, operation, units=1.0):
        assert operation in CALLS

    def learn(self, operation, rate=None, left=None):
        """Nothing is counted."""


def a_kit(account="bogus"):
    return Kit(account, None, lambda: NOON, Unlimited(), None, {"secret": "s3cret"}, {})


@pytest.fixture
def bogus():
    system = Bogus(clock=lambda: NOON)
    system.offer("MUG", 5)
    system.offer("SHIRT-M", 9)
    return system


@pytest.fixture
def channel(bogus):
    return manifest(bogus).channel(a_kit())


def push(sku, quantity, expected=None):
    return Push(f"L-{sku}", sku, {}, quantity, expected)


def test_a_sale_lowers_what_is_shown_and_can_be_fetched(bogus, channel):
    sale = bogus.sell({"MUG": 2})

    order = manifest(bogus).order(channel.fetch([sale["id"]])[sale["id"]], "shop")

    assert (order.units_to_ship, order.total.text(), order.problems()) == (2, "20.00", [])
    assert (order.lines[0].listing, order.lines[0].sku) == ("L-MUG", "MUG")
    assert channel.shown([push("MUG", 0)]) == {("L-MUG", "MUG", ""): 3}


def test_an_order_that_is_not_there_is_none(channel):
    assert channel.fetch(["404"]) == {"404": None}


def test_a_change_is_always_newer(bogus):
    before = bogus.sell({"MUG": 1})
    after = bogus.change(before["id"], cancelled_at=NOON.isoformat())

    read = [manifest(bogus).order(write_json(document), "shop") for document in (before, after)]

    assert read[0].revision < read[1].revision
    assert read[1].order_status is OrderStatus.CANCELLED


def test_polling_reads_each_change_of_the_window_once(bogus, channel):
    bogus.per_page = 3
    for minute in range(10):
        bogus.sell({"MUG": 1}, updated_at=(NOON + timedelta(minutes=minute)).isoformat())

    seen, cursor = [], None
    while not seen or cursor:
        page = channel.poll(NOON + timedelta(minutes=1), NOON + timedelta(minutes=9), cursor)
        seen, cursor = seen + [notice.order for notice in page.items], page.cursor

    assert seen == [str(1002 + number) for number in range(9)], "what changed after it comes too: it must not fall between two polls"


def test_orders_of_the_same_moment_are_not_lost_between_pages(bogus, channel):
    bogus.per_page = 2
    for _ in range(5):
        bogus.sell({"MUG": 1})

    first = channel.poll(NOON, NOON + timedelta(hours=1), None)
    second = channel.poll(NOON, NOON + timedelta(hours=1), first.cursor)

    assert [notice.order for notice in first.items + second.items] == ["1001", "1002", "1003", "1004"]


def test_listings_come_in_pages(bogus, channel):
    bogus.per_page = 1

    first = channel.listings(None)
    second = channel.listings(first.cursor)

    assert [found.sku for found in first.items + second.items] == ["MUG", "SHIRT-M"]
    assert second.cursor is None


def test_the_same_key_writes_once(bogus, channel):
    first = channel.show([push("MUG", 4)], "key-1")
    bogus.sell({"MUG": 1})

    assert channel.show([push("MUG", 4)], "key-1") == first
    assert (bogus.listings["L-MUG", "MUG"].writes, bogus.listings["L-MUG", "MUG"].shown) == ([4], 3)


def test_each_push_has_its_own_answer(bogus, channel):
    bogus.compares = True
    bogus.offer("FBA", 1, writable="the channel ships it")

    told = channel.show([push("MUG", 4, 5), push("SHIRT-M", 4, 8), push("FBA", 1), push("GONE", 1)], "key-1")

    assert [answer.told for answer in told] == [Told.SHOWN, Told.STALE, Told.REFUSED, Told.GONE]
    assert (told[1].quantity, bogus.listings["L-SHIRT-M", "SHIRT-M"].shown) == (9, 9)


def test_revisions_run_out(bogus, channel):
    bogus.revisions = 2

    told = [channel.show([push("MUG", quantity)], f"key-{quantity}")[0].told for quantity in (1, 2, 3)]

    assert told == [Told.SHOWN, Told.SHOWN, Told.REFUSED]


def test_what_is_only_accepted_shows_later(bogus, channel):
    bogus.queues = True

    [told] = channel.show([push("MUG", 1)], "key-1")
    before = channel.shown([push("MUG", 1)])
    bogus.settle()

    assert told.told is Told.ACCEPTED
    assert (before, channel.shown([push("MUG", 1)])) == ({("L-MUG", "MUG", ""): 5}, {("L-MUG", "MUG", ""): 1})


def test_a_failure_before_the_work_leaves_nothing_and_one_after_it_loses_the_answer(bogus, channel):
    shelf = bogus.listings["L-MUG", "MUG"]

    bogus.next("show", Unavailable("down"))
    with pytest.raises(Unavailable):
        channel.show([push("MUG", 1)], "key-1")
    assert shelf.shown == 5

    bogus.next("show", OutcomeUnknown("connection reset"), after_the_work=True)
    with pytest.raises(OutcomeUnknown):
        channel.show([push("MUG", 1)], "key-1")
    assert shelf.shown == 1

    assert channel.show([push("MUG", 1)], "key-1")[0].told is Told.SHOWN
    assert [method for method, _ in bogus.calls] == ["show"] * 3


def test_a_failure_waits_for_its_own_method(bogus, channel):
    bogus.next("fetch", Unavailable("down"))

    assert channel.probe().id == "bogus"
    with pytest.raises(Unavailable):
        channel.fetch([])
    assert channel.fetch([]) == {}


def test_a_notice_stays_in_the_queue_until_it_is_acknowledged(bogus, channel):
    bogus.tell(bogus.sell({"MUG": 1})["id"])

    [notice] = channel.receive()
    assert channel.receive() == (notice,)
    channel.acknowledge([notice.receipt])

    assert (notice.order, channel.receive()) == ("1001", ())


def test_several_accounts_do_not_see_each_other():
    one, other = Bogus("one"), Bogus("other")
    both = manifest(one, other, name="market")
    one.sell({"MUG": 1})

    assert both.channel(a_kit("other")).fetch(["1001"]) == {"1001": None}
    assert both.channel(a_kit("one")).fetch(["1001"])["1001"]
    assert both.order(write_json(one.orders["1001"]), "shop").channel == "market"


# ---- webhooks


@pytest.fixture
def door(bogus):
    return manifest(bogus).webhooks(a_kit())


def test_a_signed_order_gives_a_notice_with_its_body(bogus, door):
    raw = write_json(bogus.sell({"MUG": 1}))

    notice = door.notice(raw, signed(raw, "s3cret", delivery="d-1"), "/")

    assert (notice.about, notice.order, notice.delivery, notice.account) == (About.ORDER, "1001", "d-1", "bogus")
    assert (notice.body, notice.revision) == (raw, NOON)


def test_a_body_that_only_names_an_order_is_no_order(door):
    raw = b'{"id": "1001"}'

    notice = door.notice(raw, signed(raw, "s3cret", delivery="d-1"), "/")

    assert (notice.order, notice.body, notice.revision) == ("1001", None, None)


@pytest.mark.parametrize(
    ("topic", "about"),
    [("people/erase", About.COMPLIANCE), ("access/gone", About.ACCESS), ("listings/changed", About.LISTING), ("moon/full", About.OTHER)],
)
def test_a_topic_says_what_a_notice_is_about(door, topic, about):
    assert door.notice(b"{}", signed(b"{}", "s3cret", delivery="d-1", topic=topic), "/").about is about


def test_one_flipped_byte_anywhere_is_a_forgery(door):
    raw = b'{"id": "1001"}'
    headers = signed(raw, "s3cret", delivery="d-1")

    for place in range(len(raw)):
        with pytest.raises(Forged):
            door.notice(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :], headers, "/")


@pytest.mark.parametrize("said", ["", "é", "0" * 64])
def test_a_signature_that_is_missing_or_odd_is_a_forgery(door, said):
    with pytest.raises(Forged):
        door.notice(b"{}", {"x-bogus-signature": said}, "/")
    with pytest.raises(Forged):
        door.notice(b"{}", {}, "/")


@pytest.mark.parametrize("raw", [b"", b"null", b"[]", b"7", b"{}", b'{"id": "1", "lines": [], "updated_at": "soon"}', b'{"lines": []}'])
def test_a_signed_body_we_do_not_understand_is_a_bad_payload(door, raw):
    with pytest.raises(BadPayload):
        door.notice(raw, signed(raw, "s3cret", delivery="d-1"), "/")


@pytest.mark.parametrize("header", ["x-bogus-delivery", "x-bogus-topic", "x-bogus-account"])
def test_a_signed_body_without_a_header_is_a_bad_payload(door, header):
    headers = signed(b'{"id": "1"}', "s3cret", delivery="d-1")
    del headers[header]

    with pytest.raises(BadPayload, match=header):
        door.notice(b'{"id": "1"}', headers, "/")
