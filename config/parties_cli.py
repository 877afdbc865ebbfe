"""`crossdock stock asks`: how whoever sends from a location is asked; `crossdock shipments import`: numbers of parcels from a file."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from config.keys_cli import as_json, fail, of_merchant, opened, table
from config.rules_cli import location_of
from config.settings import Settings

if TYPE_CHECKING:
    from core.domain.requests import Asking
    from core.flows.switching import Switched
    from core.hub import Hub

SPEED = click.Choice(["standard", "expedited", "priority"])
KEY = ("requests.read", "requests.write")


@click.command("asks")
@click.argument("location", required=False)
@click.option("--mail", help="An e-mail address: they get a packing slip and a list with each request.")
@click.option("--hook", help="An https address of their program, called and signed as our webhooks are.")
@click.option("--api", is_flag=True, help="Their program fetches requests with a key that sees this location alone; it is shown once.")
@click.option("--connection", help="A connection that sends for other channels: an id, an account or a name.")
@click.option("--hours", type=click.IntRange(1, 336), default=24, show_default=True, help="In which they should answer.")
@click.option(
    "--cushion", type=click.IntRange(0), default=0, help="Of a channel's own warehouse: units of each SKU that stay for its buyers."
)
@click.option("--own-box", is_flag=True, help="Of a channel's own warehouse: parcels may bear its name.")
@click.option("--speed", type=SPEED, default="standard", help="Of a channel's own warehouse: how fast parcels leave.")
@click.option("--service", "services", type=(str, SPEED), multiple=True, help="What a buyer chose, and how fast that leaves from there.")
@click.option("--dry-run", is_flag=True, help="Of a channel's own warehouse: only say what it would do.")
@click.option("--none", "nobody", is_flag=True, help="Nobody is asked any more: we send from there ourselves.")
@of_merchant
@as_json
@click.pass_obj
def asks(
    settings: Settings, location: str | None, mail: str | None, hook: str | None, api: bool, connection: str | None, hours: int,
    cushion: int, own_box: bool, speed: str, services: tuple[tuple[str, str], ...], dry_run: bool,
    nobody: bool, merchant: str, as_json: bool,
) -> None:  # fmt: skip
    """How whoever sends from LOCATION, another company's warehouse or a supplier, is asked to; without one, how each is.

    A channel's own warehouse (FBA) sends for orders of other channels once it is asked through its connection; --none ends that.
    """
    from core.domain.requests import Asking, Way
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import parties

    hub, owner = opened(settings, merchant)
    said = {Way.MAIL: mail, Way.HOOK: hook, Way.API: api, Way.CONNECTION: connection}
    chosen = [way for way, value in said.items() if value]
    if location is None:
        _show(hub, owner, as_json=as_json)
        return
    if len(chosen) + nobody != 1:
        fail("stock asks: say one of --mail, --hook, --api, --connection, --none")
    where = location_of(hub, owner, location)
    how = None if nobody else Asking(chosen[0], to=mail or hook or "", connection=_connection(hub, owner, connection), hours=hours)
    if parties.is_channels(hub, owner, where):
        more: dict[str, Any] = {"cushion": cushion, "blank": not own_box, "speed": speed, "speeds": dict(services)}
        _switch(hub, owner, where, how and replace(how, **more), dry_run=dry_run)
        return
    if dry_run:
        fail("stock asks: --dry-run is for a channel's own warehouse")
    try:
        if how and how.way is Way.API:
            click.echo(f"key: {_bound(hub, owner, where, hours)}")
        elif secret := parties.set_asking(hub, owner, where, how, COMMAND_LINE):
            click.echo(f"secret: {secret}")
    except Refused as error:
        fail(f"stock asks: {error}")


def _switch(hub: "Hub", owner: str, where: str, how: "Asking | None", *, dry_run: bool) -> None:
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import switching

    try:
        _tell(switching.switch(hub, owner, where, how, COMMAND_LINE, dry_run=dry_run), on=how is not None)
    except Refused as error:
        fail(f"stock asks: {error}")
    if dry_run:
        click.echo("nothing was changed")


def _tell(done: "Switched", *, on: bool) -> None:
    if on:
        click.echo(
            f"{', '.join(done.accounts) or 'no account'} sells from it: {done.free} free units of {done.skus} SKUs, {done.kept} kept"
        )
    else:
        click.echo("no other channel sells from it; what it was asked for goes on")
    click.echo(f"{done.promised} units are promised there")


def _bound(hub: "Hub", owner: str, where: str, hours: int) -> str:
    """A new key that sees this location alone."""
    from core.domain.keys import digest
    from core.domain.requests import Asking, Way
    from core.domain.who import COMMAND_LINE
    from core.flows import keys, parties
    from core.store import keys as store

    parties.check_kind(hub, owner, where)
    made = keys.make(hub, owner, (COMMAND_LINE.id, COMMAND_LINE.name), f"sends from {where}"[:80], KEY)
    with hub.database.read() as db:
        found = store.by_secret(db, digest(made))
    parties.set_asking(hub, owner, where, Asking(Way.API, key=found.id if found else "", hours=hours), COMMAND_LINE)
    return made


def _connection(hub: "Hub", owner: str, named: str | None) -> str:
    from core.store import connections

    if named is None:
        return ""
    with hub.database.read() as db:
        found = [one.id for one in connections.all_of(db, owner) if named in (one.id, one.account, one.label, one.channel)]
    if len(found) != 1:
        fail(f"stock asks: {named} is {'no connection' if not found else 'several connections'} of yours")
    return found[0]


def _show(hub: "Hub", owner: str, *, as_json: bool) -> None:
    from core.store import requests

    with hub.database.read() as db:
        known = requests.asked_locations(db, owner, hub.box(owner))
    rows = [(name, how.way.value, _whom(how), how.hours) for name, how in known.values()]
    if as_json:
        click.echo(json.dumps([dict(zip(("location", "way", "whom", "hours"), row, strict=True)) for row in rows]))
    else:
        table("Who is asked", ("location", "way", "whom", "# hours"), rows)


def _whom(how: "Asking") -> str:
    return how.to or how.connection or how.key


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@of_merchant
@as_json
@click.pass_obj
def bring(settings: Settings, file: Path, dry_run: bool, merchant: str, as_json: bool) -> None:
    """Parcels left, by carriers that are not connected or sent by others: a CSV with shipment or order, line or sku, units, carrier,
    tracking, url. Told again it changes nothing. Exit 2, and nothing is changed, where a row is wrong."""
    from core.domain.who import COMMAND_LINE
    from core.flows import tracking_csv
    from core.flows.counting import WrongLines

    hub, owner = opened(settings, merchant)
    try:
        made = tracking_csv.take(hub, owner, tracking_csv.read(file.read_text("utf-8-sig", "replace")), COMMAND_LINE, dry_run=dry_run)
    except WrongLines as error:
        for line, why in error.lines:
            click.echo(f"row {line}: {why}", err=True)
        raise SystemExit(2) from None
    if as_json:
        click.echo(json.dumps({"parcels": made.parcels, "same": made.same, "dry_run": dry_run}))
        return
    table("Parcels", ("shipment", "carrier", "tracking", "# units"), [tuple(one.values()) for one in made.parcels])
    click.echo(f"{made.same} were told before" + ("; nothing was changed" if dry_run else ""))


@click.command("theirs")
@click.argument("location")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Only say what it would do.")
@of_merchant
@click.pass_obj
def theirs(settings: Settings, location: str, file: Path, dry_run: bool, merchant: str) -> None:
    """What lies with whoever sends from LOCATION: a CSV with sku, units, at. It is a count at its moment, never added; what left since is
    kept on top. Exit 2, and nothing is changed, where a row is wrong."""
    from core.flows import stock_csv, their_stock
    from core.flows.counting import WrongLines

    hub, owner = opened(settings, merchant)
    name = _name(hub, owner, location_of(hub, owner, location))
    try:
        sheet = their_stock.read(file.read_text("utf-8-sig", "replace"), name)
        for line in stock_csv.changes(their_stock.take(hub, owner, sheet, dry_run=dry_run)):
            click.echo(line)
    except WrongLines as error:
        for line_num, why in error.lines:
            click.echo(f"row {line_num}: {why}", err=True)
        raise SystemExit(2) from None


def _name(hub: "Hub", owner: str, id: str) -> str:
    from core.store import places

    with hub.database.read() as db:
        return next(str(row.name) for row in places.locations(db, owner) if row.id == id)
