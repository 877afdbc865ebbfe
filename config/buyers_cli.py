"""`crossdock buyers`: what buyers are told of their parcels, and what the pages of parcels look like."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from config.keys_cli import as_json, fail, of_merchant, opened
from config.settings import Settings

if TYPE_CHECKING:
    from core.hub import Hub

KINDS = ("shipped", "out_for_delivery", "delivered", "exception")


@click.group("buyers")
def buyers() -> None:
    """What buyers are told of their parcels, and what the pages of parcels look like."""


@buyers.command("show")
@of_merchant
@as_json
@click.pass_obj
def show(settings: Settings, merchant: str, as_json: bool) -> None:
    """What is chosen now."""
    import json

    from core.domain import looks, telling

    hub, owner = opened(settings, merchant)
    chosen = _chosen(hub, owner)
    said = {"letters": telling.kept(chosen[0]), "look": looks.kept(chosen[1])}
    click.echo(json.dumps(said, indent=None if as_json else 2))


def _chosen(hub: "Hub", owner: str) -> tuple[Any, Any]:
    from core.flows import looks, telling
    from core.store import people

    with hub.database.read() as db:
        _, settings = people.settings(db, owner)
    return telling.chosen(settings), looks.look(settings)


@buyers.command("letters")
@click.argument("channel", metavar="CONNECTION")
@click.argument("kinds", nargs=-1, type=click.Choice(KINDS))
@click.option("--reply-to", help="Where answers go; it counts for all channels.")
@of_merchant
@click.pass_obj
def letters(settings: Settings, channel: str, kinds: tuple[str, ...], reply_to: str | None, merchant: str) -> None:
    """Of which KINDS buyers of a channel's account (its id, account or name) get a letter; of none where none is named."""
    from dataclasses import replace

    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import telling
    from core.store import connections

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        found = [one.id for one in connections.all_of(db, owner) if channel in (one.id, one.account, one.channel)]
    if len(found) != 1:
        fail(f"buyers: {channel} is {'no channel' if not found else 'several channels'} of yours; see: crossdock status")
    before = _chosen(hub, owner)[0]
    wish = replace(before, kinds={**before.kinds, found[0]: frozenset(kinds)})
    try:
        telling.choose(hub, owner, wish if reply_to is None else replace(wish, reply_to=reply_to), COMMAND_LINE)
    except Refused as error:
        fail(f"buyers: {error}")
    click.echo(f"buyers there are told: {', '.join(kinds) or 'nothing'}")


@buyers.command("look")
@click.option("--color", help="#rrggbb; '' for none.")
@click.option("--link", help="The shop's address (https).")
@click.option("--support", help="A mail address that stands on the page.")
@click.option("--logo", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PNG, JPEG or WebP.")
@click.option("--no-logo", is_flag=True, help="Take the picture off.")
@of_merchant
@click.pass_obj
def look(
    settings: Settings, color: str | None, link: str | None, support: str | None, logo: Path | None, no_logo: bool, merchant: str
) -> None:
    """What the pages of parcels look like. What is not named stays."""
    from dataclasses import replace

    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import looks

    hub, owner = opened(settings, merchant)
    said = {name: value for name, value in (("color", color), ("link", link), ("support", support)) if value is not None}
    try:
        looks.choose(hub, owner, replace(_chosen(hub, owner)[1], **said), COMMAND_LINE)
        if logo:
            looks.set_logo(hub, owner, logo.read_bytes(), COMMAND_LINE)
        elif no_logo:
            looks.drop_logo(hub, owner, COMMAND_LINE)
    except Refused as error:
        fail(f"buyers: {error}")
    click.echo("the pages of parcels look so from now on")
