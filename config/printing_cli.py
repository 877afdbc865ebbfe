"""`crossdock printers`: stations, what waits for each, and a test page."""

import json
from typing import TYPE_CHECKING

import click

from config.keys_cli import as_json, fail, of_merchant, opened, table
from config.rules_cli import location_of
from config.settings import Settings

if TYPE_CHECKING:
    from core.domain.printing import Station
    from core.hub import Hub


@click.group("printers")
def printers() -> None:
    """Printers: where they are, and what waits for each."""


@printers.command("list")
@of_merchant
@as_json
@click.pass_obj
def list_them(settings: Settings, merchant: str, as_json: bool) -> None:
    """All printers, by name."""
    hub, owner = opened(settings, merchant)
    shown = [(one.name, one.way.value, one.address, ",".join(one.kinds)) for one in _all(hub, owner)]
    if as_json:
        click.echo(json.dumps([dict(zip(("name", "way", "address", "kinds"), row, strict=True)) for row in shown]))
        return
    table("Printers", ("name", "way", "address", "prints by itself"), shown)


def _all(hub: "Hub", owner: str) -> "list[Station]":
    from core.store import printers as store

    with hub.database.read() as db:
        return store.stations(db, owner)


def _one(hub: "Hub", owner: str, name: str) -> "Station":
    found = next((one for one in _all(hub, owner) if name in (one.name, one.id)), None)
    if found is None:
        fail(f"printers: there is no {name}; see: crossdock printers list")
    return found


@printers.command("add")
@click.argument("name")
@click.argument("address")
@click.option("--way", type=click.Choice(["zpl", "ipp"]), default="zpl", help="zpl: labels, port 9100; ipp: PDFs. Default: zpl.")
@click.option("--location", help="Whose papers it prints. Default: all.")
@click.option("--prints", "kinds", multiple=True, type=click.Choice(["label", "form"]), help="By itself, once a label is bought.")
@of_merchant
@click.pass_obj
def add(settings: Settings, name: str, address: str, way: str, location: str | None, kinds: tuple[str, ...], merchant: str) -> None:
    """A printer by a name of yours, at an address in your network."""
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import print_queue

    hub, owner = opened(settings, merchant)
    where = location_of(hub, owner, location) if location else ""
    try:
        print_queue.add(hub, owner, name, way, address, COMMAND_LINE, location=where, kinds=kinds)
    except Refused as error:
        fail(f"printers: {error}")
    click.echo(f"{name} is there; try it: crossdock printers test {name}")


@printers.command("remove")
@click.argument("name")
@of_merchant
@click.pass_obj
def remove(settings: Settings, name: str, merchant: str) -> None:
    """It is used no more; what waits for it is dropped."""
    from core.domain.who import COMMAND_LINE
    from core.flows import print_queue

    hub, owner = opened(settings, merchant)
    print_queue.remove(hub, owner, _one(hub, owner, name).id, COMMAND_LINE)
    click.echo("removed")


@printers.command("test")
@click.argument("name")
@of_merchant
@click.pass_obj
def trial(settings: Settings, name: str, merchant: str) -> None:
    """Have a test page printed by the hub's workers."""
    from core.domain.who import COMMAND_LINE
    from core.flows import print_queue

    hub, owner = opened(settings, merchant)
    print_queue.test_page(hub, owner, _one(hub, owner, name).id, COMMAND_LINE)
    click.echo(f"it waits; see: crossdock printers queue {name}")


@printers.command("queue")
@click.argument("name")
@of_merchant
@as_json
@click.pass_obj
def queue(settings: Settings, name: str, merchant: str, as_json: bool) -> None:
    """What went to a printer, the newest first."""
    from core.store import printers as store

    hub, owner = opened(settings, merchant)
    one = _one(hub, owner, name)
    with hub.database.read() as db:
        rows = [dict(row._mapping) for row in store.queue(db, owner, one.id)]
    if as_json:
        click.echo(json.dumps(rows))
        return
    shown = [(row["kind"], row["shipment"] or "", row["state"], row["words"] or "") for row in rows]
    table(one.name, ("paper", "shipment", "state", "why"), shown)
