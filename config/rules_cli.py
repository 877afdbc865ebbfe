"""`crossdock stock rule` and `stock stop`: what listings may show at most."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from config.keys_cli import as_json, fail, of_merchant, opened, table
from config.settings import Settings

if TYPE_CHECKING:
    from core.domain.exposure import Rule
    from core.hub import Hub
    from core.store.displays import Listed


@click.command("rule")
@click.argument("connection")
@click.argument("listing")
@click.argument("channel_sku")
@click.option("--buffer", help="Keep so many units back here; - as many as the connection keeps.")
@click.option("--cap", help="Never show more units; - no bound.")
@click.option("--ahead", help="Sell goods that are expected within so many days already; - only what lies there.")
@click.option("--backorder", help="Sell so many units beyond that, which are owed; 0 none.")
@click.option("--stop/--sell", "stopped", default=None, help="Show none, whatever there is; or sell again.")
@of_merchant
@as_json
@click.pass_obj
def rule(
    settings: Settings, connection: str, listing: str, channel_sku: str, buffer: str | None, cap: str | None, ahead: str | None,
    backorder: str | None, stopped: bool | None, merchant: str, as_json: bool,
) -> None:  # fmt: skip
    """What a listing may show at most; without an option it is only shown.

    CONNECTION is its id (`crossdock connect`), LISTING and CHANNEL_SKU as the channel spells them; - for an empty one. A listing that is
    stocked at several places of its channel has the rule at each.
    """
    from core.store import displays

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        found = displays.of_name(db, owner, (connection, listing.removeprefix("-"), channel_sku.removeprefix("-")))
    if not found:
        fail("stock rule: there is no such listing")
    said: dict[str, Any] = {
        name: _units(name, text) for name, text in (("buffer", buffer), ("cap", cap), ("ahead", ahead)) if text is not None
    }
    said |= {} if backorder is None else {"backorder": _units("backorder", backorder) or 0}
    said |= {} if stopped is None else {"stopped": stopped}
    _set(hub, owner, found, lambda was: replace(was, **said), as_json=as_json)


def _units(name: str, text: str) -> int | None:
    if text == "-":
        return None
    if not (text.isascii() and text.isdecimal()):
        fail(f"stock rule: --{name} must be a whole number, or -")
    return int(text)


@click.command("stop")
@click.argument("sku")
@click.option("--sell", is_flag=True, help="The way back: sell again.")
@of_merchant
@as_json
@click.pass_obj
def stop(settings: Settings, sku: str, sell: bool, merchant: str, as_json: bool) -> None:
    """Stop the sale of a SKU: every listing that consumes it shows none, on every channel."""
    from core.store import displays

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        found = displays.of_sku(db, owner, sku)
    if not found:
        fail("stock stop: no listing sells that")
    _set(hub, owner, found, lambda was: replace(was, stopped=not sell), as_json=as_json)


@click.command("quota")
@click.argument("skus", nargs=-1, required=True, metavar="SKU...")
@click.option("--off", is_flag=True, help="The way back: every channel shows all that is free.")
@of_merchant
@click.pass_obj
def quota(settings: Settings, skus: tuple[str, ...], off: bool, merchant: str) -> None:
    """Deal SKUs to channels: each listing owns a part of what is free, and nothing is sold twice however late orders come.

    A channel that sets what it is told, whatever it has sold meanwhile (all but Shopify), shows none for some minutes first: until its
    orders are read, what it showed is held for it beside what it is told.
    """
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import sharing
    from core.flows.kits import WrongKit

    hub, owner = opened(settings, merchant)
    try:
        changed = sharing.set_quota(hub, owner, dict.fromkeys(skus, not off), COMMAND_LINE)
    except (Refused, WrongKit) as error:
        fail(f"stock quota: {error}")
    click.echo(f"{' '.join(changed)}: {'shown as one pool' if off else 'in quota'} from now on" if changed else "it was so already")


@click.command("safety")
@click.argument("sku")
@click.argument("location")
@click.argument("units", type=click.IntRange(0))
@of_merchant
@click.pass_obj
def safety(settings: Settings, sku: str, location: str, units: int, merchant: str) -> None:
    """Keep UNITS of a SKU at a location of ours (its name or id) from all channels; orders may still take them. 0 keeps none."""
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import keeping

    hub, owner = opened(settings, merchant)
    try:
        done = keeping.keep_safe(hub, owner, {(sku, location_of(hub, owner, location)): units}, COMMAND_LINE)
    except Refused as error:
        fail(f"stock safety: {error}")
    for one in done:
        click.echo(f"{one.sku} at {one.name}: {one.was} -> {one.now} kept from channels")
    if not done:
        click.echo("it was so already")


def location_of(hub: "Hub", owner: str, name: str) -> str:
    """The id of a location of that name or id; ends the command where there is none."""
    from core.store import places

    with hub.database.read() as db:
        ours = {said: row.id for row in places.locations(db, owner) for said in (row.name, row.id)}
    if name not in ours:
        fail(f"you have no location {name}; there are {', '.join(ours) or 'none'} (new ones: crossdock places add)")
    return str(ours[name])


def _set(hub: "Hub", owner: str, found: "Sequence[Listed]", change: "Callable[[Rule], Rule]", *, as_json: bool) -> None:
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import exposing
    from core.store import displays

    try:
        exposing.set_rules(hub, owner, {one.id: change(one.rule) for one in found}, COMMAND_LINE)
    except Refused as error:
        fail(f"stock rule: {error}")
    with hub.database.read() as db:
        told = [_told(one) for one in displays.these(db, owner, [one.id for one in found])]
    if as_json:
        click.echo(json.dumps(told))
    else:
        table("Listings", tuple(told[0]), [tuple("-" if value is None else value for value in one.values()) for one in told])


def _told(one: "Listed") -> dict[str, Any]:
    return {
        "channel": one.channel, "listing": one.listing, "sku": one.sku, "place": one.place_name or one.place,
        "buffer": one.rule.buffer, "cap": one.rule.cap, "stopped": one.rule.stopped, "ahead": one.rule.ahead,
        "backorder": one.rule.backorder, "sellable": one.may.sellable if one.may else None,
        "should show": one.display.wanted, "shows": one.display.shown,
    }  # fmt: skip
