"""A channel with the vendor's own limits: everything comes, a little at a time."""

from datetime import timedelta

from tests.web.shop import Shop


def test_orders_beyond_a_channels_budget_are_fetched_a_few_at_a_time_until_all_are_here(shop: Shop) -> None:
    """A set that began anew whenever the budget is spent would go on for ever and finish nothing."""
    shop.offer("A")
    shop.world.limits = "vendor"
    for _ in range(40):
        shop.simulator.place({"lines": [{"sku": "A", "quantity": 1}]})
    shop.clock.pass_(timedelta(minutes=5))
    with shop.hub.unit() as work:
        work.ask(shop.merchant, "poll_orders", shop.connection.id, shop.connection.id)

    for _ in range(120):
        shop.drain()
        shop.clock.pass_(timedelta(seconds=1))

    assert shop.one("select count(*) from orders") == 40
    calls = [entry["operation"] for entry in shop.world.log if entry["status"] == 200]
    assert calls.count("OrderCore") <= 50  # each once, and what a spent budget interrupted
