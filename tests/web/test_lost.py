"""Webhooks that never came: the poll makes up for them."""

from datetime import timedelta

from tests.web.shop import Shop


def test_a_cancellation_in_the_second_of_the_order_whose_webhook_was_lost_is_read_by_the_next_poll_and_only_once(shop: Shop) -> None:
    shop.offer("A")
    assert shop.deliver(shop.sold(A=2)) == 200
    shop.drain()
    order = shop.one("select channel_id from orders")
    revision = shop.one("select revision from orders")
    shop.clock.now = shop.hub.at(revision)
    shop.simulator.act(order, "cancel", {"restock": True})
    assert shop.one("select sum(hold) from order_lines") == 2

    for _ in range(3):
        shop.clock.pass_(timedelta(minutes=5))
        with shop.hub.unit() as work:
            work.ask(shop.merchant, "poll_orders", shop.connection.id, shop.connection.id)
        shop.drain()

    assert (shop.one("select sum(hold) from order_lines"), shop.one("select revision from orders")) == (0, revision)
    assert [entry["operation"] for entry in shop.world.log].count("OrderCore") == 1


def test_what_a_webhook_told_is_not_read_again_where_the_shops_list_tells_the_same(shop: Shop) -> None:
    shop.offer("A")
    for _ in range(3):
        assert shop.deliver(shop.sold("paid", A=1)) == 200
    shop.clock.pass_(timedelta(minutes=5))
    with shop.hub.unit() as work:
        work.ask(shop.merchant, "poll_orders", shop.connection.id, shop.connection.id)
    shop.drain()

    assert shop.one("select count(*) from orders") == 3
    assert [entry["operation"] for entry in shop.world.log].count("OrderCore") == 0
