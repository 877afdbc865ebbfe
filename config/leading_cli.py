"""`crossdock stock lead`, `stock changed` and `stock choose`: whose number counts where somebody changes stock in a channel itself."""

import json

import click

from config.keys_cli import as_json, fail, of_merchant, opened, table
from config.settings import Settings


@click.command("lead")
@click.argument("connection")
@click.argument("leads", type=click.Choice(["hub", "channel", "ask"]), required=False)
@of_merchant
@click.pass_obj
def lead(settings: Settings, connection: str, leads: str | None, merchant: str) -> None:
    """Whose number counts where stock is changed in the channel itself; without a word it is only shown.

    hub: it is put right, and kept as a finding. channel: it is taken over, as far as that is plain. ask: nothing but zero is told there
    before one of you chose.
    """
    from core.domain.leading import Leader, leader
    from core.domain.who import COMMAND_LINE
    from core.flows import leading
    from core.store import connections

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        found = connections.one_of(db, owner, connection)
    if found is None:
        fail("stock lead: there is no such connection")
    if leads is None:
        click.echo(leader(found.settings).value)
        return
    changed = leading.lead(hub, found, Leader(leads), COMMAND_LINE)
    click.echo(f"{found.label}: {leads} from now on" if changed else "it was so already")


@click.command("changed")
@of_merchant
@as_json
@click.pass_obj
def changed(settings: Settings, merchant: str, as_json: bool) -> None:
    """Listings that showed something else than they were told: those that one of you must decide, and those whose orders are read first."""
    from core.flows.leading import mark_of
    from core.store import doubts

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        found = doubts.listed(db, owner, most=1000)
    rows = [
        {
            "id": one.id, "listing": one.name, "ours": one.ours, "theirs": one.theirs, "units": one.units,
            "seen": hub.at(one.at).isoformat(), "why": one.why, "mark": mark_of(one),
        }
        for one in found
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps(rows))
    elif rows:
        table("Changed in channels", tuple(rows[0]), [tuple("-" if value is None else value for value in one.values()) for one in rows])
    else:
        click.echo("nothing to decide")


@click.command("choose")
@click.argument("id", type=int)
@click.argument("whose", type=click.Choice(["ours", "theirs"]))
@click.option("--mark", required=True, help="As `stock changed` shows it: a change meanwhile is not overwritten.")
@click.option("--location", default="", help="Id of your location, where the listing sells from several.")
@of_merchant
@click.pass_obj
def choose(settings: Settings, id: int, whose: str, mark: str, location: str, merchant: str) -> None:
    """Say whose number of a listing is right: ours is told, or theirs is taken over and told to every channel."""
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import leading

    hub, owner = opened(settings, merchant)
    try:
        leading.choose(hub, owner, id, theirs=whose == "theirs", mark=mark, who=COMMAND_LINE, location=location)
    except Refused as error:
        fail(f"stock choose: {error}")
    click.echo("done")
