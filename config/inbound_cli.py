"""`crossdock inbound`: goods on their way to our locations."""

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from config.keys_cli import as_json, fail, of_merchant, opened, table
from config.rules_cli import location_of
from config.settings import Settings

if TYPE_CHECKING:
    from core.domain.inbound import Came
    from core.hub import Hub
    from core.store.inbounds import Inbound

Done = TypeVar("Done")
units = click.argument("units", nargs=-1, metavar="[SKU=UNITS]...")
a_file = click.option("--file", type=click.File("r", encoding="utf-8-sig"), help="A CSV file instead.")
preview = click.option("--dry-run", "--preview", is_flag=True, help="Say what would be done and do nothing.")


@click.group("inbound")
def inbound() -> None:
    """Goods on their way: purchases, transfers between locations, what a channel's warehouse sends back."""


@inbound.command("list")
@click.option("--state", type=click.Choice(["open", "sent", "closed", "cancelled"]), help="Only these. Default: open and sent.")
@click.option("--all", "everything", is_flag=True, help="Those that are over, too.")
@of_merchant
@as_json
@click.pass_obj
def list_them(settings: Settings, state: str | None, everything: bool, merchant: str, as_json: bool) -> None:
    """Deliveries, the newest first."""
    from core.store import inbounds

    hub, owner = opened(settings, merchant)
    wanted = () if everything else (state,) if state else ("open", "sent")
    with hub.database.read() as db:
        rows = [dict(row._mapping) for row in inbounds.page(db, owner, wanted, most=1000)]
    if as_json:
        click.echo(json.dumps(rows))
        return
    shown = [(row["id"], row["kind"], row["state"], row["reference"], row["source_name"] or row["sender"], row["location_name"] or "",
              _day(row["expected_at"]), row["units"] or 0, row["came"] or 0) for row in rows]  # fmt: skip
    table("Inbound", ("id", "kind", "state", "reference", "from", "to", "expected", "# units", "# came"), shown)


def _day(at: int | None) -> str:
    from core.store.tables import when

    return when(at).date().isoformat() if at else "-"


@inbound.command("show")
@click.argument("id")
@of_merchant
@as_json
@click.pass_obj
def show(settings: Settings, id: str, merchant: str, as_json: bool) -> None:
    """One delivery: what was announced, what left, what came and what is missing."""
    hub, owner = opened(settings, merchant)
    _show(_one(hub, owner, id), as_json)


def _one(hub: "Hub", owner: str, id: str) -> "Inbound":
    from core.store import inbounds

    with hub.database.read() as db:
        found = inbounds.one(db, owner, id)
    if found is None:
        fail("inbound: there is no such delivery; see: crossdock inbound list --all")
    return found


def _show(one: "Inbound", as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(asdict(one)))
        return
    rows = [(line.sku, line.units, line.sent, line.received, line.damaged, line.missing(one.kind)) for line in one.lines.values()]
    title = f"{one.kind.value} {one.reference}, {one.state.value}, to {one.location_name}"
    table(title, ("SKU", "# announced", "# left", "# came", "# damaged", "# missing"), rows)


@inbound.command("add")
@units
@click.option("--kind", type=click.Choice(["purchase", "transfer", "removal"]), default="purchase", show_default=True)
@click.option("--to", "location", required=True, help="Our location that it goes to, by name or id.")
@click.option("--from", "source", help="The location that it leaves, of a transfer; else who sends it.")
@click.option("--expected", help="The day by which it is here: 2026-12-04.")
@click.option("--reference", default="", help="What its papers say.")
@click.option("--note", default="")
@a_file
@of_merchant
@click.pass_obj
def add(settings: Settings, /, units: tuple[str, ...], kind: str, location: str, source: str | None, expected: str | None, merchant: str,
        file: Any, **said: str) -> None:  # fmt: skip
    """Write a delivery down and print its id. The file has the columns sku and units."""
    from core.domain.inbound import Kind
    from core.domain.who import COMMAND_LINE
    from core.flows import inbound as flow
    from core.flows.inbound import Draft

    hub, owner = opened(settings, merchant)
    lines = _lines(file) if file else _units(units)
    left = location_of(hub, owner, source) if source and kind == "transfer" else None
    sender = "" if left else source or ""
    draft = Draft(Kind(kind), location_of(hub, owner, location), left, sender, **said, expected_at=_noon(expected), lines=lines)
    click.echo(_refusing(lambda: flow.add(hub, owner, draft, COMMAND_LINE)))


def _noon(day: str | None) -> int | None:
    from core.store.tables import us

    if not day:
        return None
    try:
        return us(datetime.strptime(day, "%Y-%m-%d").replace(hour=12, tzinfo=UTC))
    except ValueError:
        fail("inbound: --expected must be a day like 2026-12-04")


def _units(said: Iterable[str]) -> dict[str, int]:
    made: dict[str, int] = {}
    for one in said:
        sku, mark, count = one.rpartition("=")
        if not (mark and sku and count.isascii() and count.isdecimal()) or sku in made:
            fail(f"inbound: {one}: write each SKU once, with a whole number of units: MUG=12")
        made[sku] = int(count)
    return made


def _lines(file: Any) -> dict[str, int]:
    from core.flows import inbound_csv

    return {row.sku: row.units["units"] for row in _rows(file, inbound_csv.LINES)}


def _rows(file: Any, what: str) -> list[Any]:
    from core.flows import inbound_csv
    from core.flows.counting import WrongLines

    try:
        return list(inbound_csv.read(file, what))
    except WrongLines as error:
        _wrong(file.name, error.lines)
        sys.exit(2)


def _wrong(name: str, lines: Iterable[tuple[int, str]]) -> None:
    for line, why in lines:
        click.echo(f"{name}: line {line}: {why}" if line else f"{name}: {why}", err=True)


def _refusing(do: Callable[[], Done]) -> Done:
    from core.errors import Refused

    try:
        return do()
    except Refused as error:
        fail(f"inbound: {error}")


@inbound.command("send")
@click.argument("id")
@of_merchant
@as_json
@click.pass_obj
def send(settings: Settings, id: str, merchant: str, as_json: bool) -> None:
    """It is on its way; the units of a transfer leave their location now."""
    from core.domain.who import COMMAND_LINE
    from core.flows import inbound as flow

    hub, owner = opened(settings, merchant)
    _refusing(lambda: flow.send(hub, owner, id, COMMAND_LINE))
    _show(_one(hub, owner, id), as_json)


@inbound.command("receive")
@click.argument("id")
@click.argument("came", nargs=-1, metavar="[SKU=GOOD[+DAMAGED]]...")
@click.option("--all", "everything", is_flag=True, help="All that is missing came, good.")
@click.option("--undo", is_flag=True, help="The way back: these did not come.")
@a_file
@preview
@of_merchant
@as_json
@click.pass_obj
def receive(settings: Settings, id: str, came: tuple[str, ...], everything: bool, undo: bool, file: Any, dry_run: bool, merchant: str,
            as_json: bool) -> None:  # fmt: skip
    """Put what came on the shelf, whatever was announced. The file has the columns sku, received and damaged."""
    from core.domain.who import COMMAND_LINE
    from core.flows import inbound as flow

    hub, owner = opened(settings, merchant)
    if file:
        _receive_file(hub, owner, id, file, dry_run=dry_run)
    else:
        found = _missing(_one(hub, owner, id)) if everything else [_came(one) for one in came]
        does: Callable[..., Any] = flow.take_back if undo else flow.receive
        done = _refusing(lambda: None if dry_run else does(hub, owner, id, found, COMMAND_LINE))
        for sku, more in done.more.items() if done and not undo else ():
            click.echo(f"{sku}: {more} more than announced", err=True)
    _show(_one(hub, owner, id), as_json)


def _missing(one: "Inbound") -> "list[Came]":
    from core.domain.inbound import Came

    return [Came(line.sku, line.missing(one.kind)) for line in one.lines.values()]


def _came(said: str) -> "Came":
    from core.domain.inbound import Came

    sku, mark, count = said.rpartition("=")
    good, _, damaged = count.partition("+")
    if not (mark and sku and all(one.isascii() and one.isdecimal() for one in (good, damaged or "0"))):
        fail(f"inbound receive: {said}: write a SKU with what came: MUG=12, or MUG=12+1 where one is damaged")
    return Came(sku, int(good), int(damaged or 0))


def _receive_file(hub: "Hub", owner: str, id: str, file: Any, *, dry_run: bool) -> None:
    """Looking is the same transaction, not kept."""
    from core.domain.who import COMMAND_LINE
    from core.flows import inbound_csv
    from core.flows.counting import WrongLines

    rows = _rows(file, inbound_csv.RECEIPTS)
    try:
        for line in inbound_csv.take(hub, owner, id, inbound_csv.RECEIPTS, rows, COMMAND_LINE, dry_run=dry_run).report["came"]:
            more = f", {line['more']} more than announced" if line["more"] else ""
            click.echo(f"{line['sku']}: {line['received']} good, {line['damaged']} damaged{more}")
    except WrongLines as error:
        _wrong(file.name, error.lines)
        sys.exit(2)
    if dry_run:
        click.echo("nothing was changed")


@inbound.command("close")
@click.argument("id")
@of_merchant
@as_json
@click.pass_obj
def close(settings: Settings, id: str, merchant: str, as_json: bool) -> None:
    """Nothing more of it comes; what did not arrive is shown."""
    from core.domain.who import COMMAND_LINE
    from core.flows import inbound as flow

    hub, owner = opened(settings, merchant)
    missing = _refusing(lambda: flow.close(hub, owner, id, COMMAND_LINE))
    for sku, count in missing.items():
        click.echo(f"{sku}: {count} did not arrive", err=True)
    _show(_one(hub, owner, id), as_json)


@inbound.command("cancel")
@click.argument("id")
@of_merchant
@as_json
@click.pass_obj
def cancel(settings: Settings, id: str, merchant: str, as_json: bool) -> None:
    """It does not come; what left for a transfer and did not arrive is back where it left."""
    from core.domain.who import COMMAND_LINE
    from core.flows import inbound as flow

    hub, owner = opened(settings, merchant)
    _refusing(lambda: flow.cancel(hub, owner, id, COMMAND_LINE))
    _show(_one(hub, owner, id), as_json)


@inbound.command("reopen")
@click.argument("id")
@of_merchant
@as_json
@click.pass_obj
def reopen(settings: Settings, id: str, merchant: str, as_json: bool) -> None:
    """The way back from closing, and from cancelling before anything came."""
    from core.domain.who import COMMAND_LINE
    from core.flows import inbound as flow

    hub, owner = opened(settings, merchant)
    _refusing(lambda: flow.reopen(hub, owner, id, COMMAND_LINE))
    _show(_one(hub, owner, id), as_json)
