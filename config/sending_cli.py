"""`crossdock orders address` and `orders reship`: where an order goes, and what of it goes once more."""

import json

import click

from config.calling_cli import do, order_of
from config.keys_cli import fail, of_merchant
from config.rules_cli import location_of
from config.settings import Settings
from config.shipping_cli import units_of


@click.command("address")
@click.argument("order", metavar="ORDER")
@click.option("--to", "said", help="JSON: name, company, street1, street2, street3, city, region, postcode, country, phone, email.")
@click.option("--keep", is_flag=True, help="Yours counts, whatever the channel says now.")
@click.option("--theirs", is_flag=True, help="It goes where the channel says.")
@of_merchant
@click.pass_obj
def address(settings: Settings, order: str, said: str | None, keep: bool, theirs: bool, merchant: str) -> None:
    """ORDER goes elsewhere than its channel says. A label that was bought for elsewhere is given back first; the channel is not told."""
    from core.domain.who import COMMAND_LINE
    from core.flows import addressing

    if [said is not None, keep, theirs].count(True) != 1:
        fail("orders address: say one of --to, --keep, --theirs")
    hub, owner, id = order_of(settings, order, merchant)
    if said is not None:
        to = _address(said)
        do("address", lambda: addressing.correct(hub, owner, id, to, COMMAND_LINE))
    else:
        act = addressing.keep if keep else addressing.take_back
        do("address", lambda: act(hub, owner, id, COMMAND_LINE))
    click.echo("it goes where its channel says" if theirs else "it goes there")


def _address(text: str) -> dict[str, str]:
    try:
        said = json.loads(text)
    except ValueError:
        fail("orders address: that is not JSON")
    if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
        fail("orders address: an address is an object of texts")
    return said


@click.command("reship")
@click.argument("order", metavar="ORDER")
@click.argument("goods", nargs=-1, required=True, metavar="SKU=UNITS...")
@click.option("--why", type=click.Choice(["lost", "damaged", "wrong", "other"]), required=True, help="Why it goes once more.")
@click.option("--from", "location", default="", help="The location that sends it. Default: the first that has all of it free.")
@of_merchant
@click.pass_obj
def reship(settings: Settings, order: str, goods: tuple[str, ...], why: str, location: str, merchant: str) -> None:
    """Goods of ORDER that left go once more, in a shipment of their own: labelled and sent as any: no sale, and no channel is told."""
    from core.domain.shipments import Again
    from core.domain.who import COMMAND_LINE
    from core.flows import reshipping
    from core.store import lists, orders

    hub, owner, id = order_of(settings, order, merchant)
    at = location_of(hub, owner, location) if location else ""
    skus: dict[str, int] = {}
    for said in goods:
        skus |= units_of(said)
    with hub.database.read() as db:
        known, booked = lists.order(db, owner, id), orders.booked(db, owner, [id])
    sent = {line: one.sent for (_, line), one in booked.items()}
    made: list[str] = []

    def send() -> None:
        units = reshipping.of_skus(known[1], sent, skus) if known else {}
        made.append(reshipping.reship(hub, owner, id, units, Again(why), COMMAND_LINE, at))

    do("reship", send)
    click.echo(made[0])
