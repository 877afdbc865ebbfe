"""`crossdock orders short`: more was sold than there is."""

from collections.abc import Mapping

import click

from config.keys_cli import fail, of_merchant, opened, table
from config.settings import Settings


@click.command("short")
@click.argument("order", metavar="ORDER")
@click.option("--backorder", "what", flag_value="backorder", help="Let it wait until there is more.")
@click.option("--partial", "what", flag_value="partial", help="Send what is there, the rest follows.")
@click.option("--undecided", "what", flag_value="", help="Take back what was said.")
@click.option("--from", "place", default="", metavar="LOCATION", help="Send what is missing from this location of yours.")
@of_merchant
@click.pass_obj
def short(settings: Settings, order: str, what: str | None, place: str, merchant: str) -> None:
    """What is missing of ORDER, and what shall become of it; without an option it is only shown.

    Named by the channel's id or name of it, or CHANNEL/ID where several have the same.
    """
    from core.domain.oversold import Decision
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import linking, oversold
    from core.store import orders as store
    from core.store import places

    hub, owner = opened(settings, merchant)
    ref = linking.one(hub, owner, order)
    with hub.database.read() as db:
        id = store.find(db, owner, [ref], hub.box(owner))[ref].id
        names = {row.id: row.name for row in places.locations(db, owner)}
    location = next((known for known, name in names.items() if place in (known, name)), "")
    if place and not location:
        fail(f"orders short: there is no location {place!r}")
    if place or what is not None:
        decision = Decision.ELSEWHERE if place else Decision(what) if what else None
        try:
            oversold.decide(hub, owner, id, decision, COMMAND_LINE, location)
        except Refused as error:
            fail(f"orders short: {error}")
    with hub.database.read() as db:
        found = oversold.offers(db, owner, id)
    rows = [(one.line, one.sku, one.missing, one.held, one.decided or "-", _others(one.elsewhere, names)) for one in found]
    table("Missing", ("line", "sku", "# missing", "# there", "decided", "elsewhere"), rows) if rows else click.echo("nothing is missing")


def _others(elsewhere: Mapping[str, int], names: Mapping[str, str]) -> str:
    return ", ".join(f"{units} at {names[location]}" for location, units in elsewhere.items()) or "-"
