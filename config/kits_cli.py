"""`crossdock stock kit`: how the parts of a listing leave."""

import json

import click

from config.keys_cli import as_json, fail, of_merchant, opened, table
from config.settings import Settings


@click.command("assemble")
@click.argument("sku")
@click.argument("units", type=click.IntRange(1))
@click.argument("parts", nargs=-1, required=True, metavar="PART[=UNITS]...")
@click.option("--location", default="Main", show_default=True, help="Its name or id.")
@click.option("--apart", is_flag=True, help="The way back: the kits leave and their parts come.")
@of_merchant
@click.pass_obj
def assemble(settings: Settings, sku: str, units: int, parts: tuple[str, ...], location: str, apart: bool, merchant: str) -> None:
    """Put UNITS of the kit SKU together in advance: the parts of each leave the location, and the kits come to it as a SKU of their own."""
    from core.domain import goods
    from core.domain.assembling import Assembly
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import assembling
    from core.store import counts

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        names = counts.locations(db, owner)
    found = location if location in names else next((id for id, name in names.items() if name == location), "")
    try:
        what = Assembly(sku, found, -units if apart else units, goods.parts(",".join(parts)))
        done = assembling.assemble(hub, owner, what, COMMAND_LINE)
    except ValueError:
        fail("stock assemble: write the parts of one kit as MUG=2 TRAY")
    except (Refused, assembling.CannotAssemble) as error:
        fail(f"stock assemble: {error}")
    click.echo(f"{sku}: {done.was} -> {done.now}")


@click.command("kits")
@of_merchant
@as_json
@click.pass_obj
def kits(settings: Settings, merchant: str, as_json: bool) -> None:
    """Every listing that consumes several units, and exactly how many of it the free units of its parts make."""
    from core.domain.goods import spelled
    from core.store import kits as store

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        found = store.all_of(db, owner)
    if as_json:
        told = [{"id": one.id, "sku": one.sku, "parts": dict(one.parts), "alone": one.alone, "sellable": one.sellable} for one in found]
        click.echo(json.dumps(told))
        return
    rows = [
        (one.sku or one.listing, one.title, spelled(one.parts), "yes" if one.alone else "", "-" if one.sellable is None else one.sellable)
        for one in found
    ]
    table("Kits", ("listing", "title", "takes", "at one location", "# can be sold"), rows)


@click.command("kit")
@click.argument("connection")
@click.argument("listing")
@click.argument("channel_sku")
@click.option("--alone/--together", "alone", default=None, help="All parts of a unit must lie at one location; or at any.")
@click.option("--exploded-by", type=click.Choice(["hub", "channel"]), help="Who says which parts leave: its map, or lines of their own.")
@of_merchant
@as_json
@click.pass_obj
def kit(
    settings: Settings, connection: str, listing: str, channel_sku: str, alone: bool | None, exploded_by: str | None, merchant: str,
    as_json: bool,
) -> None:  # fmt: skip
    """What one unit of a listing consumes and how its parts leave; without an option it is only shown. `stock map` says which parts.

    CONNECTION is its id (`crossdock connect`), LISTING and CHANNEL_SKU as the channel spells them; - for an empty one.
    """
    from core.domain.goods import spelled
    from core.domain.kits import Exploded
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import kits
    from core.store import displays

    hub, owner = opened(settings, merchant)
    name = (connection, listing.removeprefix("-"), channel_sku.removeprefix("-"))
    with hub.database.read() as db:
        found = displays.of_name(db, owner, name)
    if not found:
        fail("stock kit: there is no such listing")
    how = kits.How(found[0].alone if alone is None else alone, Exploded(exploded_by or found[0].exploded_by))
    try:
        kits.set_how(hub, owner, found[0].id, how, COMMAND_LINE)
    except (Refused, kits.WrongKit) as error:
        fail(f"stock kit: {error}")
    with hub.database.read() as db:
        one = displays.of_name(db, owner, name)[0]
    told = {"takes": spelled(one.parts), "alone": one.alone, "exploded by": one.exploded_by, "should show": one.display.wanted}
    if as_json:
        click.echo(json.dumps(told))
    else:
        table("Kit", tuple(told), [tuple("-" if value is None else value for value in told.values())])
