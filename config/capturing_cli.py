"""`crossdock orders capture`: the payment of an order is captured at its channel now, or tried again."""

import click

from config.calling_cli import do, order_of
from config.keys_cli import of_merchant
from config.settings import Settings


@click.command("capture")
@click.argument("order", metavar="ORDER")
@of_merchant
@click.pass_obj
def capture(settings: Settings, order: str, merchant: str) -> None:
    """Have what is authorized of ORDER captured at its channel, once. Without it that is done when something of it is sent.

    The channel is told by the worker; the order's page says what came of it.
    """
    from core.domain.who import COMMAND_LINE
    from core.flows import capturing

    hub, owner, id = order_of(settings, order, merchant)
    do("capture", lambda: capturing.capture(hub, owner, id, COMMAND_LINE))
    click.echo("its channel is told")
