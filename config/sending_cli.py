"""`crossdock orders address` and `orders reship`: where an order goes, and what of it goes once more."""

import json

import click

from config.calling_cli import do, order_of
from config.keys_cli import fail, of_merchant
from config.settings import Settings


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
