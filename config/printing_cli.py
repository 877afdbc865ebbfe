"""`crossdock printers`: stations, what waits for each, and a test page."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from config.keys_cli import as_json, fail, of_merchant, opened, table
from config.rules_cli import location_of
from config.settings import Settings

if TYPE_CHECKING:
    from core.domain.print_rules import PrintRule
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


@printers.command("retry")
@click.argument("name")
@of_merchant
@click.pass_obj
def retry(settings: Settings, name: str, merchant: str) -> None:
    """Have what waits for a printer tried now. What may be printed already is not printed again."""
    from core.domain.who import COMMAND_LINE
    from core.flows import print_queue

    hub, owner = opened(settings, merchant)
    print_queue.retry(hub, owner, _one(hub, owner, name).id, COMMAND_LINE)
    click.echo("it is tried")


FIELDS = ("program", "channel", "service", "country", "tag", "buy", "label", "slip")


@printers.command("rules")
@click.option(
    "--set", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="These rules, a JSON list, in place of all."
)
@click.option("--try", "dry", is_flag=True, help="Show what they would do with what waits; with --set nothing is saved.")
@click.option("--undo", "back", is_flag=True, help="As before the last change.")
@of_merchant
@as_json
@click.pass_obj
def rules(settings: Settings, file: Path | None, dry: bool, back: bool, merchant: str, as_json: bool) -> None:
    """What is bought and printed once an order is released; without an option it is only shown. The first rule that fits counts.

    A rule is an object of texts: program, channel, service, country and tag say of which orders it is; buy is best (the cheapest that
    arrives in time) or CARRIER/SERVICE by the connection's id; label and slip name printers.
    """
    hub, owner = opened(settings, merchant)
    named = {one.name: one.id for one in _all(hub, owner)}
    found = _read(file, named) if file else None
    if dry:
        _try(hub, owner, found, as_json=as_json)
        return
    _show(_changed(hub, owner, found, back=back), {id: name for name, id in named.items()}, as_json=as_json)


def _changed(hub: "Hub", owner: str, found: "Sequence[PrintRule] | None", *, back: bool) -> "Sequence[PrintRule]":
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import print_rules

    try:
        if back:
            return print_rules.undo(hub, owner, COMMAND_LINE).rules
        return print_rules.set_rules(hub, owner, COMMAND_LINE, found).rules if found is not None else _kept(hub, owner)
    except Refused as error:
        fail(f"printers: {error}")


def _kept(hub: "Hub", owner: str) -> "Sequence[PrintRule]":
    from core.store import print_rules

    with hub.database.read() as db:
        return print_rules.rules(db, owner).rules


def _read(file: Path, named: dict[str, str]) -> "list[PrintRule]":
    """The rules of a file; printers by their names or ids."""
    from core.domain.print_rules import PrintRule

    try:
        said = json.loads(file.read_text("utf-8"))
        rows = [{key: row[key].strip() for key in row} for row in said]
        return [PrintRule(**row | {at: named.get(row.get(at, ""), row.get(at, "")) for at in ("label", "slip")}) for row in rows]
    except (ValueError, TypeError, AttributeError, KeyError):
        fail(f"printers: rules are a JSON list of objects of texts, with {', '.join(FIELDS)}")


def _try(hub: "Hub", owner: str, found: "Sequence[PrintRule] | None", *, as_json: bool) -> None:
    from core.flows import print_rules

    trial = print_rules.try_out(hub, owner, _kept(hub, owner) if found is None else found)
    rows = [(one.name, one.shipment, one.number) for one in trial]
    if as_json:
        click.echo(json.dumps([dict(zip(("order", "shipment", "rule"), row, strict=True)) for row in rows]))
        return
    table("What waits", ("order", "shipment", "# rule"), [(name, shipment or "-", number or "-") for name, shipment, number in rows])


def _show(found: "Sequence[PrintRule]", names: dict[str, str], *, as_json: bool) -> None:
    rows = [tuple(names.get(getattr(one, field), getattr(one, field)) for field in FIELDS) for one in found]
    if as_json:
        click.echo(json.dumps([dict(zip(FIELDS, row, strict=True)) for row in rows]))
        return
    table("On release", ("#", *FIELDS), [(n, *(cell or "-" for cell in row)) for n, row in enumerate(rows, 1)])
