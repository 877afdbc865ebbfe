"""`crossdock sku`: cards, barcodes, bins, and what labels will lack."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from config.keys_cli import as_json, fail, of_merchant, opened, table
from config.settings import Settings

if TYPE_CHECKING:
    from core.flows.cards import Wish
    from core.hub import Hub
    from core.store.cards import Held


@click.group("sku")
def sku() -> None:
    """What carriers and customs ask of a SKU: its card, its barcodes, and where it lies."""


@sku.command("show")
@click.argument("sku")
@of_merchant
@as_json
@click.pass_obj
def show(settings: Settings, sku: str, merchant: str, as_json: bool) -> None:
    """A SKU's card, barcodes and bins, and what a label will lack."""
    hub, owner = opened(settings, merchant)
    _show(hub, owner, sku, as_json=as_json)


def _show(hub: "Hub", owner: str, sku: str, *, as_json: bool) -> None:
    from core.domain.cards import lacks
    from core.store import cards, counts

    with hub.database.read() as db:
        held, names = cards.one(db, owner, sku), counts.locations(db, owner)
        bins = {names.get(at, at): said for (_, at), said in cards.bins(db, owner, [sku]).items()}
    if held is None:
        fail(f"sku: there is no SKU {sku}")
    told = {"sku": held.sku, "title": held.title, **_card(held), "barcodes": list(held.barcodes), "bins": bins, "lacks": lacks(held.card)}
    if as_json:
        click.echo(json.dumps(told))
    else:
        table("Card", ("", "says"), [(name, _plain(value)) for name, value in told.items()])


def _card(held: "Held") -> dict[str, Any]:
    from core.flows.card_csv import cells

    return cells(held.card)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {said}" for name, said in value.items())
    return ", ".join(value) if isinstance(value, list) else "-" if value is None else str(value)


@sku.command("set")
@click.argument("sku")
@click.argument("fields", nargs=-1, required=True, metavar="FIELD=VALUE...")
@of_merchant
@as_json
@click.pass_obj
def set_(settings: Settings, sku: str, fields: tuple[str, ...], merchant: str, as_json: bool) -> None:
    """Write fields of a SKU's card: weight_g=350 hs_code=691200 origin=PT; - takes away what was there.

    The fields: weight_g, length_mm, width_mm, height_mm, hs_code, origin, customs, cost (7.05) with cost_currency (EUR), picture.
    """
    from core.domain import cards as rules
    from core.flows.cards import Wish
    from core.store import cards

    hub, owner = opened(settings, merchant)
    said = dict(one.partition("=")[::2] for one in fields)
    if strange := sorted(said.keys() - set(rules.NAMES)):
        fail(f"sku set: {strange[0]} is no field; they are {', '.join(rules.NAMES)}")
    with hub.database.read() as db:
        held = cards.one(db, owner, sku)
    if held is None:
        fail(f"sku set: there is no SKU {sku}")
    try:
        wish = Wish(rules.read({name: text or rules.CLEAR for name, text in said.items()}, held.card))
    except rules.WrongCell as error:
        fail(f"sku set: {error}")
    _write(hub, owner, sku, wish, "sku set")
    _show(hub, owner, sku, as_json=as_json)


def _write(hub: "Hub", owner: str, sku: str, wish: "Wish", command: str) -> None:
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import cards

    try:
        done = cards.write(hub, owner, {sku: wish}, COMMAND_LINE)
    except (Refused, cards.WrongCard) as error:
        fail(f"{command}: {error}")
    for code in (code for one in done for code in one.odd):
        click.echo(f"look: the last digit of {code} does not fit an EAN or UPC", err=True)


@sku.command("barcode")
@click.argument("sku")
@click.argument("barcodes", nargs=-1, metavar="[BARCODE...]")
@of_merchant
@as_json
@click.pass_obj
def barcode(settings: Settings, sku: str, barcodes: tuple[str, ...], merchant: str, as_json: bool) -> None:
    """All barcodes of a SKU from now on; none: it has none. A barcode is one SKU's."""
    from core.domain import cards as rules
    from core.flows.cards import Wish

    hub, owner = opened(settings, merchant)
    try:
        wish = Wish(barcodes=rules.barcodes(" ".join(barcodes)))
    except rules.WrongCell as error:
        fail(f"sku barcode: {error}")
    _write(hub, owner, sku, wish, "sku barcode")
    _show(hub, owner, sku, as_json=as_json)


@sku.command("bin")
@click.argument("sku")
@click.argument("location")
@click.argument("place", metavar="BIN")
@of_merchant
@as_json
@click.pass_obj
def bin_(settings: Settings, sku: str, location: str, place: str, merchant: str, as_json: bool) -> None:
    """Where at a LOCATION (its name or id) a SKU lies; - for nobody says."""
    from core.flows.cards import Wish
    from core.store import counts

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        names = counts.locations(db, owner)
    found = location if location in names else next((id for id, name in names.items() if name == location), None)
    if found is None:
        fail(f"sku bin: you have no location that is called {location}")
    _write(hub, owner, sku, Wish(bins={found: "" if place == "-" else place}), "sku bin")
    _show(hub, owner, sku, as_json=as_json)


@sku.command("lacks")
@click.option("--what", default="", help="Only those that lack this: weight, size, hs_code, origin, customs.")
@of_merchant
@as_json
@click.pass_obj
def lacks(settings: Settings, what: str, merchant: str, as_json: bool) -> None:
    """SKUs that are sold or on hand, and what a label will lack of each; the first thousand."""
    from core.domain import cards as rules
    from core.store import cards

    hub, owner = opened(settings, merchant)
    if what and what not in rules.ASKED:
        fail(f"sku lacks: --what is one of {', '.join(rules.ASKED)}")
    with hub.database.read() as db:
        found = cards.lacking(db, owner, what, most=1000)
    if as_json:
        click.echo(json.dumps([{"sku": one.sku, "title": one.title, "lacks": rules.lacks(one.card)} for one in found]))
    else:
        rows = [(one.sku, one.title, ", ".join(rules.lacks(one.card))) for one in found]
        table("Labels will lack", ("SKU", "title", "lacks"), rows)


@sku.command("import")
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
@click.option("--dry-run", "--preview", is_flag=True, help="Show what would change and change nothing.")
@click.option("--undo", type=click.Path(path_type=Path, dir_okay=False), help="Write what was before as such a file.")
@of_merchant
@as_json
@click.pass_obj
def import_(settings: Settings, file: Any, dry_run: bool, undo: Path | None, merchant: str, as_json: bool) -> None:
    """Write cards from a CSV file; all of it, or with one wrong cell nothing.

    An empty cell says nothing, - takes away what was there. `crossdock sku export` writes such a file.
    """
    from config.cli import _wrong_lines
    from core.domain.who import COMMAND_LINE
    from core.flows import card_csv
    from core.flows.counting import WrongLines

    hub, owner = opened(settings, merchant)
    try:
        report = card_csv.take(hub, owner, card_csv.read(file), COMMAND_LINE, dry_run=dry_run)
    except WrongLines as error:
        _wrong_lines(file.name, error.lines, as_json)
    if undo and not dry_run:
        _write_undo(hub, owner, undo, report)
    _say(report, dry_run=dry_run, as_json=as_json)


def _say(report: Any, *, dry_run: bool, as_json: bool) -> None:
    if as_json:
        made = [{"sku": one.sku, "was": one.was, "now": one.now} for one in report.cards]
        click.echo(json.dumps({"dry_run": dry_run, "wrong": [], "cards": made, "warnings": report.warnings, "same": report.same}))
        return
    for one in report.cards:
        for name, value in one.now.items():
            click.echo(f"{one.sku}: {name}: {_plain(one.was[name]) or '-'} -> {_plain(value) or '-'}")
    click.echo(f"{len(report.cards)} cards {'would change' if dry_run else 'changed'}, {report.same} are so already")
    for words in report.warnings:
        click.echo(f"look: {words}", err=True)


def _write_undo(hub: "Hub", owner: str, path: Path, report: Any) -> None:
    from core.flows import card_csv
    from core.store import counts

    with hub.database.read() as db:
        names = counts.locations(db, owner)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        card_csv.write(file, card_csv.undo(report.cards, names))


@sku.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@of_merchant
@click.pass_obj
def export(settings: Settings, file: Path | None, merchant: str) -> None:
    """Write every SKU's card, barcodes and bins as CSV; without FILE to standard output."""
    from core.flows import card_csv

    hub, owner = opened(settings, merchant)
    if file is None:
        card_csv.write(sys.stdout, card_csv.export(hub, owner))
        return
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        card_csv.write(out, card_csv.export(hub, owner))
    click.echo(str(file))
