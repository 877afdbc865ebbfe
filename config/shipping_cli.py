"""`crossdock shipments`: what is sent, with labels and papers; `crossdock stock sends`: from where."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from config.keys_cli import as_json, fail, of_merchant, opened, table
from config.rules_cli import location_of
from config.settings import Settings

if TYPE_CHECKING:
    from core.flows.checking import Trial
    from core.hub import Hub

names = click.argument("names", nargs=-1, metavar="SHIPMENT...")
STATES = ("released", "packed", "labelled", "sent", "cancelled")


@click.group("shipments")
def shipments() -> None:
    """What is sent: from a reserved order to a parcel that its channel knows of. A shipment is named as its papers say: S12."""


@shipments.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only these. Default: all that have not left.")
@of_merchant
@as_json
@click.pass_obj
def list_them(settings: Settings, state: str | None, merchant: str, as_json: bool) -> None:
    """Shipments, those that are due first at the head."""
    from core.store import shipments as store
    from core.store.shipment_list import SOON_US

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        rows = [dict(row._mapping) for row in store.page(db, owner, (state,) if state else STATES[:3], 1000, hub.now + SOON_US)]
    if as_json:
        click.echo(json.dumps(rows))
        return
    shown = [(row["name"], row["state"], row["order_name"], row["location_name"] or "", row["units"], row["tracking"] or "",
              row["problem"] or "") for row in rows]  # fmt: skip
    table("Shipments", ("name", "state", "order", "from", "# units", "tracking", "problem"), shown)


def _ids(hub: "Hub", owner: str, wanted: Sequence[str], states: Sequence[str]) -> dict[str, str]:
    """Ids of shipments by their names; without names all in these states."""
    from core.store import shipments as store

    with hub.database.read() as db:
        if not wanted:
            return {row.name: row.id for row in store.page(db, owner, states, 10_000)}
        found = {name: store.by_name(db, owner, name) for name in wanted}
    if strangers := [name for name, id in found.items() if id is None]:
        fail(f"shipments: there is no {strangers[0]}; see: crossdock shipments list")
    return {name: id for name, id in found.items() if id}


@shipments.command("weigh")
@click.argument("name", metavar="SHIPMENT")
@click.argument("grams", type=click.IntRange(1, 1_000_000))
@click.option("--size", help="Outside, in millimetres: 300x200x150.")
@click.option("--parcel", "number", type=click.IntRange(1, 1000), help="Which of its parcels. Default: each of them weighs so much.")
@of_merchant
@click.pass_obj
def weigh(settings: Settings, name: str, grams: int, size: str | None, number: int | None, merchant: str) -> None:
    """Say what a shipment's parcel weighs."""
    from core.store import parcels

    hub, owner = opened(settings, merchant)
    id = _ids(hub, owner, [name], STATES)[name]
    try:
        length, width, height = (int(side) for side in (size or "0x0x0").lower().split("x"))
    except ValueError:
        fail("shipments: a size is three numbers of millimetres: 300x200x150")
    with hub.unit() as work:
        inside = [one for one in parcels.of_shipments(work.db, owner, [id]).get(id, []) if number in (None, one.number)]
        for parcel in inside:
            parcels.set_size(work.db, parcel.id, grams, (length, width, height), None)
    if not inside:
        fail(f"shipments: {name} has no parcel {number}")


@shipments.command("split")
@click.argument("name", metavar="SHIPMENT")
@click.argument("parcels", nargs=-1, metavar="SKU=UNITS[,SKU=UNITS]...")
@click.option("--one", "join", is_flag=True, help="Back to one parcel.")
@of_merchant
@click.pass_obj
def split(settings: Settings, name: str, parcels: tuple[str, ...], join: bool, merchant: str) -> None:
    """A shipment goes in several parcels: each argument says what is in one more, and the first holds the rest."""
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import packing

    hub, owner = opened(settings, merchant)
    id = _ids(hub, owner, [name], STATES)[name]
    if join == bool(parcels):
        fail("shipments: say what goes in the further parcels, or --one")
    further = [units_of(said) for said in parcels]
    try:
        packing.join(hub, owner, id, COMMAND_LINE) if join else packing.set_apart(hub, owner, id, further, COMMAND_LINE)
    except Refused as error:
        fail(f"shipments: {error}")
    click.echo(f"{name}: {len(further) + 1 if not join else 1} parcels")


@shipments.command("together")
@of_merchant
@as_json
@click.pass_obj
def together(settings: Settings, merchant: str, as_json: bool) -> None:
    """Orders of one buyer that may go in one parcel."""
    from core.flows import together

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        found = [[one.row.name for one in proposal.some] for proposal in together.proposed(hub, db, owner)]
    click.echo(json.dumps(found)) if as_json else click.echo("\n".join(" ".join(names) for names in found) or "none")


@shipments.command("join")
@click.argument("names", nargs=-1, required=True, metavar="SHIPMENT...")
@of_merchant
@click.pass_obj
def join(settings: Settings, names: tuple[str, ...], merchant: str) -> None:
    """These go in the parcel of the first: one label, each told to its own channel."""
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import together

    hub, owner = opened(settings, merchant)
    ids = [_ids(hub, owner, [name], STATES)[name] for name in names]
    try:
        together.join(hub, owner, ids[0], ids[1:], COMMAND_LINE)
    except Refused as error:
        fail(f"shipments: {error}")


@shipments.command("part")
@click.argument("name", metavar="SHIPMENT")
@of_merchant
@click.pass_obj
def part(settings: Settings, name: str, merchant: str) -> None:
    """It goes alone again; of the one whose parcel it is all do. A label that was bought for all is given back first."""
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import together

    hub, owner = opened(settings, merchant)
    try:
        together.part(hub, owner, _ids(hub, owner, [name], STATES)[name], COMMAND_LINE)
    except Refused as error:
        fail(f"shipments: {error}")


@shipments.command("pickup")
@click.argument("name", metavar="SHIPMENT")
@click.argument("what", type=click.Choice(["ready", "collected", "wait", "undo"]))
@click.option("--days", type=click.IntRange(1, 90), default=7, show_default=True, help="So long it waits for its buyer.")
@of_merchant
@click.pass_obj
def pickup(settings: Settings, name: str, what: str, days: int, merchant: str) -> None:
    """What a buyer fetches: it is ready (its channel is told), was collected (stock leaves), waits longer, or was not ready after all."""
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import collecting

    hub, owner = opened(settings, merchant)
    id = _ids(hub, owner, [name], STATES)[name]
    try:
        match what:
            case "ready":
                collecting.prepare(hub, owner, id, COMMAND_LINE, days)
            case "wait":
                collecting.wait(hub, owner, id, COMMAND_LINE, days)
            case "collected":
                collecting.collected(hub, owner, id, COMMAND_LINE)
            case _:
                collecting.take_back(hub, owner, id, COMMAND_LINE)
    except Refused as error:
        fail(f"shipments: {error}")


def units_of(said: str) -> dict[str, int]:
    """SKU=2,OTHER=1"""
    found: dict[str, int] = {}
    for part in said.split(","):
        sku, _, units = part.rpartition("=")
        if not (sku and units.isascii() and units.isdecimal() and int(units)):
            fail(f"shipments: say SKU=UNITS,SKU=UNITS, and not {said}")
        found[sku.strip()] = found.get(sku.strip(), 0) + int(units)
    return found


@shipments.command("label")
@names
@click.option("--carrier", help="The carrier's connection: an id, an account or a name. Default: the best of all offers.")
@click.option("--service", help="Its service, by the carrier's code; with --carrier.")
@of_merchant
@click.pass_obj
def label(settings: Settings, names: tuple[str, ...], carrier: str | None, service: str | None, merchant: str) -> None:
    """Buy labels, for those named or for all that have none: of one service, or the best that all carriers offer. A label is bought by
    the hub's workers; `crossdock shipments list` shows when it is there, or why not."""
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import labelling, rating

    hub, owner = opened(settings, merchant)
    ids = _ids(hub, owner, names, ("released", "packed"))
    if (carrier is None) != (service is None):
        fail("shipments: --carrier and --service go together")
    try:
        if carrier is None or service is None:
            asked = rating.ask(hub, owner, list(ids.values()), COMMAND_LINE, buy=True)
            click.echo(f"{asked} carriers are asked for {len(ids)} shipments")
            return
        account = _carrier(hub, owner, carrier)
        for id in ids.values():
            labelling.want(hub, owner, id, account, service, COMMAND_LINE)
    except Refused as error:
        fail(f"shipments: {error}")
    click.echo(f"{len(ids)} labels are being bought")


def _carrier(hub: "Hub", owner: str, named: str) -> str:
    from core.flows import labelling

    known = [one for one, _ in labelling.carriers(hub, owner)]
    found = [one.id for one in known if named in (one.id, one.account, one.channel)]
    if len(found) != 1:
        fail(f"shipments: {named} is {'no carrier' if not found else 'several carriers'} of yours; see: crossdock connect")
    return found[0]


@shipments.command("void")
@click.argument("name", metavar="SHIPMENT")
@click.option("--throw-away", is_flag=True, help="Its carrier did not take it back: it stays paid, and is not used.")
@of_merchant
@click.pass_obj
def void(settings: Settings, name: str, throw_away: bool, merchant: str) -> None:
    """Give a shipment's label back."""
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import labelling

    hub, owner = opened(settings, merchant)
    act = labelling.throw_away if throw_away else labelling.give_back
    try:
        act(hub, owner, _ids(hub, owner, [name], STATES)[name], COMMAND_LINE)
    except Refused as error:
        fail(f"shipments: {error}")


@shipments.command("send")
@names
@click.option("--by", "carrier_name", help="It goes by this carrier, which is not connected.")
@click.option("--tracking", default="", help="Its tracking number there.")
@click.option("--url", default="", help="The page on which it can be followed; without one, the hub's own page of the parcel.")
@of_merchant
@as_json
@click.pass_obj
def send(
    settings: Settings, names: tuple[str, ...], carrier_name: str | None, tracking: str, url: str, merchant: str, as_json: bool
) -> None:  # fmt: skip
    """They leave now: those named, or all that have a label. Stock goes with them and their channels are told. Exit 1 where one stays."""
    from core.domain.who import COMMAND_LINE
    from core.flows import sending

    hub, owner = opened(settings, merchant)
    if carrier_name and len(names) != 1:
        fail("shipments: name the one shipment that goes by it")
    ids = _ids(hub, owner, names, ("labelled",))
    typed = sending.Typed(carrier_name, tracking, url=url) if carrier_name else None
    stays = sending.send(hub, owner, list(ids.values()), COMMAND_LINE, typed)
    by_id = {id: name for name, id in ids.items()}
    said = {by_id[id]: words for id, words in stays.items()}
    if as_json:
        click.echo(json.dumps({"sent": sorted(ids.keys() - said.keys()), "stay": said}))
    else:
        click.echo(f"{len(ids) - len(said)} left")
        for name, words in said.items():
            click.echo(f"{name} stays: {words}", err=True)
    if said:
        raise SystemExit(1)


@shipments.command("close-day")
@click.option("--location", help="Only what is sent from here: an id or a name.")
@click.option("--carrier", help="Only what goes with this carrier: an id, an account or a name.")
@click.option("--dry-run", is_flag=True, help="Only say what would leave.")
@of_merchant
@as_json
@click.pass_obj
def close_day(settings: Settings, location: str | None, carrier: str | None, dry_run: bool, merchant: str, as_json: bool) -> None:
    """Hand over all that is labelled: stock leaves, channels are told, and carriers that want it learn what their drivers take. Exit 1
    where something stays."""
    from core.domain.who import COMMAND_LINE
    from core.flows import day_end

    hub, owner = opened(settings, merchant)
    where = location_of(hub, owner, location) if location else ""
    account = _carrier(hub, owner, carrier) if carrier else ""
    day = day_end.close(hub, owner, COMMAND_LINE, location=where, connection=account, dry=dry_run)
    if as_json:
        click.echo(json.dumps({"left": day.left, "stay": day.stay, "manifests": day.manifests}))
    else:
        click.echo(f"{len(day.left)} {'would leave' if dry_run else 'left'}, on {len(day.manifests)} manifests and lists")
        for name, words in day.stay.items():
            click.echo(f"{name} stays: {words}", err=True)
    if day.stay:
        raise SystemExit(1)


@shipments.command("driver")
@click.option("--carrier", required=True, help="Whose driver: an id, an account or a name.")
@click.option("--location", required=True, help="Where to: an id or a name.")
@click.option("--ready", type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]), required=True, help="From when, by the clock there.")
@click.option("--until", type=click.DateTime(["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]), required=True, help="Until when, on the same day.")
@click.option("--parcels", type=click.IntRange(1, 9999), help="How many. Default: those that wait there with a label.")
@of_merchant
@click.pass_obj
def driver(settings: Settings, carrier: str, location: str, ready: datetime, until: datetime, parcels: int | None, merchant: str) -> None:
    """Ask a carrier's driver to come. What becomes of it is shown on the page End of the day."""
    from core.domain.handing_over import Window
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import drivers

    hub, owner = opened(settings, merchant)
    account, place = _carrier(hub, owner, carrier), location_of(hub, owner, location)
    try:
        drivers.want(hub, owner, account, place, Window(ready, until), COMMAND_LINE, parcels=parcels or 0)
    except Refused as error:
        fail(f"shipments: {error}")
    click.echo("the carrier is asked")


@shipments.command("addresses")
@click.argument("rule", type=click.Choice(["off", "warn", "hold"]), required=False)
@click.option("--dry-run", is_flag=True, help="Only ask carriers which shipments would be held.")
@click.option("--most", type=click.IntRange(1, 10_000), default=200, show_default=True, help="With --dry-run: ask about as many.")
@of_merchant
@as_json
@click.pass_obj
def addresses(settings: Settings, rule: str | None, dry_run: bool, most: int, merchant: str, as_json: bool) -> None:
    """What is done with an address that a carrier doubts, before a label is bought; without a word it is only shown.

    off: nobody asks. warn: it is shown. hold: no label is bought until somebody decides. It counts for what waits already, too.
    """
    from core.domain.who import COMMAND_LINE
    from core.flows import checking, sites
    from core.store import checks

    hub, owner = opened(settings, merchant)
    if dry_run:
        _would_hold(checking.trial(hub, owner, most), as_json)
        return
    if rule is not None:
        sites.set_check(hub, owner, COMMAND_LINE, rule)
    with hub.database.read() as db:
        now = checks.rule(db, owner).value
    click.echo(json.dumps({"rule": now}) if as_json else now)


def _would_hold(found: "Trial", as_json: bool) -> None:
    if as_json:
        held = dict(found.held)
        click.echo(json.dumps({"looked": found.looked, "held": held, "unchecked": found.unchecked, "left": found.left}))
        return
    click.echo(f"{found.looked} looked at, {len(found.held)} would be held, {len(found.unchecked)} nobody could check")
    for name, verdict in found.held:
        click.echo(f"{name}: {verdict.value}")
    if found.left:
        click.echo("more wait than were looked at; say --most", err=True)


@shipments.command("correct")
@click.argument("name", metavar="SHIPMENT")
@click.option("--by", "carrier_name", required=True, help="The carrier by which it went.")
@click.option("--tracking", default="", help="Its tracking number there.")
@click.option("--service", default="", help="How it went, as the carrier calls it.")
@click.option("--url", default="", help="The page on which it can be followed.")
@of_merchant
@click.pass_obj
def correct(settings: Settings, name: str, carrier_name: str, tracking: str, service: str, url: str, merchant: str) -> None:
    """It left by hand, and its channel declined what it was told: tell it this instead."""
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import sending
    from core.store import parcels

    hub, owner = opened(settings, merchant)
    id = _ids(hub, owner, (name,), ())[name]
    with hub.unit() as work:
        untold = [one.id for one in parcels.of_shipments(work.db, owner, [id]).get(id, []) if one.told_at is None]
    if len(untold) != 1:
        fail(f"shipments: {len(untold)} parcels of {name} are not told of yet, and one can be corrected")
    try:
        sending.correct(hub, owner, untold[0], sending.Typed(carrier_name, tracking, service, url), COMMAND_LINE)
    except Refused as error:
        fail(f"shipments: {error}")


@shipments.command("rules")
@click.option("--grace", type=click.IntRange(0, 10_080), help="Minutes in which buyers may still change an order.")
@click.option("--part/--whole", default=None, help="What is there leaves before the rest; or an order waits until all of it is there.")
@click.option("--authorized/--captured", default=None, help="What is authorized leaves, and is captured then; or is captured before.")
@click.option("--on-delivery/--prepaid", default=None, help="What is paid to whoever brings it leaves unpaid; or only what is paid.")
@click.option("--terms/--paid", default=None, help="What is not paid leaves too; or only what is paid.")
@click.option("--on-label", multiple=True, help="Parcels of this channel count as sent with their label: its connection's id.")
@click.option("--on-hand-over", is_flag=True, help="Parcels of all channels count as sent when they are handed over, or scanned.")
@of_merchant
@as_json
@click.pass_obj
def rules(settings: Settings, /, merchant: str, as_json: bool, **said: Any) -> None:
    """What must hold before an order is released to be sent; with options they are changed."""
    from datetime import timedelta

    from core.domain.who import COMMAND_LINE
    from core.flows import sites

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        known = sites.rules(db, owner)
    on_label, on_hand_over = said.pop("on_label"), said.pop("on_hand_over")
    changed = {name: value for name, value in said.items() if value is not None}
    if on_label or on_hand_over:
        changed["on_label"] = frozenset(on_label)
    if changed:
        grace = timedelta(minutes=changed.pop("grace")) if "grace" in changed else known.grace
        known = replace(known, grace=grace, **changed)
        sites.set_rules(hub, owner, COMMAND_LINE, known)
    shown = {
        "grace_min": known.grace // timedelta(minutes=1), "part": known.part, "authorized": known.authorized, "terms": known.terms,
        "on_label": sorted(known.on_label),
        "on_delivery": known.on_delivery,
    }  # fmt: skip
    click.echo(json.dumps(shown)) if as_json else table(
        "Released when", ("rule", ""), [(name, str(value)) for name, value in shown.items()]
    )


@shipments.command("papers")
@click.argument("name", metavar="SHIPMENT")
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Where to write them.")
@of_merchant
@click.pass_obj
def papers(settings: Settings, name: str, folder: Path, merchant: str) -> None:
    """Write a shipment's labels and forms as files. Nothing is bought again."""
    from core.store import parcels

    hub, owner = opened(settings, merchant)
    id = _ids(hub, owner, [name], STATES)[name]
    with hub.database.read() as db:
        found = parcels.papers(db, owner, [id], hub.box(owner)).get(id, [])
    folder.mkdir(parents=True, exist_ok=True)
    for n, (_, paper) in enumerate(found, 1):
        path = folder / f"{name}-{n}-{paper.kind}.{paper.format.value}"
        path.write_bytes(paper.content)
        click.echo(str(path))
    if not found:
        fail("shipments: it has no papers, or not any more")


@shipments.command("tote")
@click.argument("tote")
@click.argument("name", metavar="[SHIPMENT]", required=False)
@click.option("--free", "off", is_flag=True, help="Nothing lies in it any more.")
@of_merchant
@click.pass_obj
def tote(settings: Settings, tote: str, name: str | None, off: bool, merchant: str) -> None:
    """Say that a shipment's goods lie in TOTE; without one, whose lie in it. It is free once they left."""
    from core.domain.totes import tote as named
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import totes
    from core.store import shipment_list

    hub, owner = opened(settings, merchant)
    try:
        if off:
            click.echo(f"{totes.free(hub, owner, tote, COMMAND_LINE)} lay in it")
        elif name:
            click.echo(f"{name} lies in {totes.bind(hub, owner, tote, _ids(hub, owner, [name], STATES)[name], COMMAND_LINE)}")
        else:
            with hub.database.read() as db:
                click.echo(shipment_list.in_tote(db, owner, named(tote)) or "it is free")
    except Refused as error:
        fail(f"shipments: {error}")


@shipments.command("print")
@click.argument("what", type=click.Choice(["slips", "picks", "invoices", "returns", "labels"]))
@names
@click.option("--to", "file", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The PDF to write; ZPL goes beside it.")
@click.option("--sheet", type=click.Choice(["a4", "letter", "4x6"]), help="What is printed on. Default: a4, labels 4x6.")
@of_merchant
@click.pass_obj
def print_them(settings: Settings, what: str, names: tuple[str, ...], file: Path, sheet: str | None, merchant: str) -> None:
    """Packing slips, pick lists, invoices, return slips or labels, of those named or of all that wait for it, as one file."""
    from core.domain.packing import Sheet
    from core.errors import Refused
    from core.flows import printing

    hub, owner = opened(settings, merchant)
    ids = list(_ids(hub, owner, names, ("labelled",) if what == "labels" else ("released", "packed")).values())
    on = Sheet(sheet or ("4x6" if what == "labels" else "a4"))
    try:
        if what == "labels":
            for paper in printing.labels(hub, owner, ids, on):
                path = file.with_suffix(f".{paper.format.value}")
                path.write_bytes(paper.content)
                click.echo(str(path))
            return
        makes = {"slips": printing.slips, "picks": printing.pick_list, "invoices": printing.invoices, "returns": printing.return_slips}
        file.write_bytes(makes[what](hub, owner, ids, on))
        click.echo(str(file))
    except Refused as error:
        fail(f"shipments: {error}")


@click.command("sends")
@click.argument("location")
@click.option("--address", help="Where its parcels come from, as JSON: company, street1, city, region, postcode, country, phone.")
@click.option("--zone", default="", help="Its time zone: America/New_York.")
@click.option("--no", "off", is_flag=True, help="It sends nothing any more.")
@of_merchant
@click.pass_obj
def sends(settings: Settings, location: str, address: str | None, zone: str, off: bool, merchant: str) -> None:
    """A location sends what is reserved there, from this address: its orders are released."""
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import sites

    hub, owner = opened(settings, merchant)
    where = location_of(hub, owner, location)
    try:
        sites.set_site(hub, owner, where, COMMAND_LINE, ships=not off, address=_address(address), zone=zone)
    except Refused as error:
        fail(f"sends: {error}")


def _address(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        said = json.loads(text)
    except ValueError:
        fail("sends: the address is not JSON")
    if not isinstance(said, dict) or not all(isinstance(value, str) for value in said.values()):
        fail("sends: an address is an object of texts")
    return said
