"""`crossdock orders cancel` and `orders answer`: an order is called off at its channel, and its buyer's wish for it answered."""

from collections.abc import Callable
from typing import Any

import click

from config.keys_cli import fail, of_merchant, opened
from config.settings import Settings

REASONS = ("buyer", "stock", "fraud", "address", "other")


@click.command("cancel")
@click.argument("order", metavar="ORDER")
@click.option("--reason", type=click.Choice(REASONS), help="Why it is cancelled; the channel is told.")
@click.option("--no-restock", is_flag=True, help="The channel does not show its units again by itself.")
@click.option("--take-back", is_flag=True, help="It shall be sent after all: the channel was not told yet, or did not do it.")
@of_merchant
@click.pass_obj
def cancel(settings: Settings, order: str, reason: str | None, no_restock: bool, take_back: bool, merchant: str) -> None:
    """Have ORDER cancelled at its channel, once. Only before something of it is sent; nothing of it leaves meanwhile.

    The channel is told by the worker, and it is done when the order comes back cancelled. No money is moved by us.
    """
    from core.domain.shipping import CancelReason
    from core.domain.who import COMMAND_LINE
    from core.flows import calling_off

    if (reason is None) != take_back:
        fail("orders cancel: say why with --reason, or --take-back")
    hub, owner, id = order_of(settings, order, merchant)
    if reason is None:
        do("cancel", lambda: calling_off.withdraw(hub, owner, id, COMMAND_LINE))
    else:
        why = CancelReason(reason)
        do("cancel", lambda: calling_off.call_off(hub, owner, id, why, COMMAND_LINE, restock=not no_restock))
    click.echo("its channel is told" if reason else "taken back")


@click.command("answer")
@click.argument("order", metavar="ORDER")
@click.option("--agree/--ship", "agree", default=None, help="Agree that it is cancelled, or send it anyway.")
@of_merchant
@click.pass_obj
def answer(settings: Settings, order: str, agree: bool | None, merchant: str) -> None:
    """Answer the buyer of ORDER who wishes to cancel it."""
    from core.domain.who import COMMAND_LINE
    from core.flows import calling_off

    if agree is None:
        fail("orders answer: say --agree or --ship")
    hub, owner, id = order_of(settings, order, merchant)
    do("answer", lambda: calling_off.answer(hub, owner, id, COMMAND_LINE, agree=bool(agree)))
    click.echo("its channel is told")


def order_of(settings: Settings, words: str, merchant: str) -> tuple[Any, str, str]:
    """(the hub, the merchant, our id of the order that is meant)."""
    from core.errors import Refused
    from core.flows import linking
    from core.store import orders

    hub, owner = opened(settings, merchant)
    try:
        ref = linking.one(hub, owner, words)
    except Refused as error:
        fail(f"orders: {error}")
    with hub.database.read() as db:
        return hub, owner, orders.find(db, owner, [ref], hub.box(owner))[ref].id


def do(name: str, act: Callable[[], object]) -> None:
    from core.errors import Refused

    try:
        act()
    except Refused as error:
        fail(f"orders {name}: {error}")
