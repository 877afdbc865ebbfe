"""The command line. Exit 0: done; 1: a check failed; 2: bad usage or bad input, with one line that says what and where."""

import json
import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import click

from config import (
    books_cli,
    buyers_cli,
    calling_cli,
    capturing_cli,
    inbound_cli,
    keys_cli,
    kits_cli,
    leading_cli,
    logging,
    parties_cli,
    printing_cli,
    routing_cli,
    rules_cli,
    sending_cli,
    shipping_cli,
    short_cli,
    simulate_cli,
    sku_cli,
    windows_cli,
)
from config.people_cli import user
from config.settings import BadSettings, Settings, load, local_url
from core.store.tables import when

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of a table.")
of_merchant = click.option("--merchant", default="", help="The merchant's id; needed only where there are several.")


def main() -> None:
    """Run a command; what an operator can mend is one line, not a traceback."""
    from alembic.util import CommandError
    from sqlalchemy.exc import DatabaseError, OperationalError

    from core.errors import HubError
    from core.store.vault import Unreadable

    try:
        sys.exit(cli(standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        sys.exit(2)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "crossdock"
        _fail(f"{error.format_message()} (see: {command} -h)")
    except click.ClickException as error:
        _fail(error.format_message())
    except click.Abort:
        sys.exit(130)
    except (BadSettings, Unreadable, CommandError) as error:
        _fail(str(error))
    except HubError as error:
        click.echo(f"crossdock: {error}", err=True)
        sys.exit(1)
    except DatabaseError as error:
        if type(error) not in (DatabaseError, OperationalError):  # the others are bugs of ours
            raise
        _fail(f"database: {str(error.orig).splitlines()[0]}")


def _fail(words: str) -> NoReturn:
    click.echo(f"crossdock: {words}", err=True)
    sys.exit(2)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", type=click.Path(path_type=Path), help="Where every file lies that Crossdock makes (default: .crossdock here).")
@click.option("--database-url", help="postgresql://... ; an SQLite file in the home where it is not given.")
@click.option("--redis-url", help="redis://... ; with it and PostgreSQL any number of workers.")
@click.option("--log-level", help="debug, info, warning or error.")
@click.version_option(package_name="crossdock")
@click.pass_context
def cli(context: click.Context, /, **given: Any) -> None:
    """Crossdock: orders of Shopify, Amazon and eBay in once, stock promised once, every channel told what is left.

    Try `crossdock demo` first: it starts simulators of the three channels and drives orders through the hub.
    """
    if context.invoked_subcommand == "normalize":
        return
    context.obj = load(given)
    logging.set_up(context.obj.log_level)


def _hub(settings: Settings) -> Any:
    """The hub of a database that is at head; otherwise exit 2."""
    from config.wiring import make_hub
    from core.store import schema

    hub = make_hub(settings)
    if schema.current(hub.database) != schema.head():
        _fail("the database is not up to date: run `crossdock migrate`")
    return hub


def _merchant(hub: Any, wanted: str) -> str:
    from core.store import connections

    with hub.database.read() as db:
        found = [one.id for one in connections.merchants(db)]
    if wanted in found:
        return wanted
    if wanted or len(found) != 1:
        _fail(
            f"no such merchant: {wanted}" if wanted else "say which --merchant" if found else "nobody is connected yet: crossdock connect"
        )
    return found[0]


def _console() -> Any:
    """As wide as the terminal; wide where a file or another program reads."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=160)


def _table(title: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, justify="right" if column.startswith("#") else "left")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    _console().print(table)


def _clock(at: int | None) -> str:
    return when(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""


@cli.command()
@click.option("--orders", "count", type=click.IntRange(1, 100_000), default=200, show_default=True, help="How many orders buyers place.")
@click.option("--seed", type=int, default=1, show_default=True, help="Fixes payloads, ids and faults; not times.")
@click.option("--exit", "and_exit", is_flag=True, help="End after the checks instead of running on.")
@click.option(
    "--limits", type=click.Choice(["vendor", "relaxed"]), default="relaxed", show_default=True, help="Rate limits of the channels."
)
@click.option(
    "--record", type=click.Path(path_type=Path, dir_okay=False), help="Write every request with its answer, masked, a JSON line each."
)
@click.option("--join", is_flag=True, help="Join a business that runs: watch, count, match, look, go live; then the orders.")
@click.option("--tour", is_flag=True, help="Make every call of every connector at least once.")
@as_json
@click.pass_obj
def demo(settings: Settings, /, **wish: Any) -> None:
    """Rehearse: simulators, a hub, a merchant, and orders on all channels; then check that everything is right.

    Exit 0 only if every order was taken exactly once, nothing was sold twice, every listing shows what it should and
    nothing is parked that should not be.
    """
    from config.demo import run
    from config.demo_join import FIRST_DAY

    sys.exit(run(settings, first_day=FIRST_DAY if wish.pop("join") else None, **wish))


@cli.command()
@click.option("--host", help="Address to listen on (default 127.0.0.1).")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on (default 8400).")
@click.pass_obj
def serve(settings: Settings, host: str | None, port: int | None) -> None:
    """Run the web: webhooks, pages, health. Without Redis it also does all the work."""
    from config.processes import serve as run

    changed: dict[str, Any] = {key: value for key, value in (("host", host), ("port", port)) if value is not None}
    if port and settings.public_url == local_url(settings.port):
        changed["public_url"] = local_url(port)
    _hub(settings).database.close()
    run(settings.model_copy(update=changed))


@cli.command()
@click.option("--queue", type=click.Choice(["inside", "outside"]), help="One process of this queue; without it a child for each.")
@click.pass_obj
def worker(settings: Settings, queue: str | None) -> None:
    """Do the work that is due, woken over Redis. Needs PostgreSQL and Redis."""
    from config import processes

    if settings.is_sqlite:
        _fail("worker: SQLite has one writer, and that is `crossdock serve`; set DATABASE_URL to PostgreSQL for more processes")
    if not settings.redis_url:
        _fail("worker: REDIS_URL is not set; without Redis `crossdock serve` does the work itself")
    _hub(settings).database.close()
    if queue:
        processes.work(settings, queue)
    else:
        sys.exit(processes.keep_workers(settings))


@cli.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8410, show_default=True)
@click.option("--limits", type=click.Choice(["vendor", "relaxed"]), default="vendor", show_default=True)
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--empty", is_flag=True, help="They sell nothing until somebody tells them what, over their control door.")
@click.option("--record", type=click.Path(path_type=Path, dir_okay=False), help="Write every request with its answer, masked.")
@click.pass_obj
def simulate(settings: Settings, port: int, limits: str, seed: int, empty: bool, record: Path | None) -> None:
    """Run the simulators of Shopify, Amazon and eBay on one loopback port, to connect to instead of the real ones.

    The first time each has some thirty listings, spelled as people do, and a few orders. HOME/simulators then holds what they remember,
    a crossdock.toml for a hub that is to reach them, and NAME.login: the secrets for `crossdock connect`. Webhooks go to that hub.
    """
    from config.simulators import simulate as run

    run(port, settings.home, limits=limits, seed=seed, hub="" if empty else settings.public_url, record=record)


@cli.command()
@click.option("--check", is_flag=True, help="Only say whether there is something to do; exit 1 if so.")
@click.pass_obj
def migrate(settings: Settings, check: bool) -> None:
    """Bring the database to this version's tables. An SQLite file is copied first."""
    from core.store import row_locks, schema
    from core.store.engine import Database

    settings.home.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database)
    was = schema.current(database)
    if check:
        click.echo(f"at {was or 'nothing'}, head is {schema.head()}")
        sys.exit(was != schema.head())
    copy = schema.migrate(database)
    click.echo(f"{was or 'nothing'} -> {schema.head()}" + (f"; the file as it was: {copy}" if copy else ""))
    with database.read() as db:
        why = row_locks.why_not(db)
    if why:
        click.echo(f"crossdock: pages go without the second lock between merchants: {why}", err=True)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--without-keys", is_flag=True, help="Leave the key ring out. Without it nothing that is sealed can be read.")
@as_json
@click.pass_obj
def backup(settings: Settings, file: Path, without_keys: bool, as_json: bool) -> None:
    """Write everything that the hub remembers into one file, while it runs; either kind of database can be restored from it.

    The file holds buyers' data sealed, and the keys that open it: keep it as you keep secrets.
    """
    from config import backup as flow

    try:
        made = flow.back_up(settings, file, with_keys=not without_keys)
    except flow.Unfit as error:
        _fail(f"backup: {error}")
    except OSError as error:
        _fail(f"backup: {file}: cannot be written: {error.strerror}")
    if made.missing_keys:
        click.echo(f"crossdock: keep the keys {', '.join(made.missing_keys)}: the file is sealed by them and does not hold them", err=True)
    click.echo(json.dumps({"file": str(file), **asdict(made)}) if as_json else _backed_up(file, made))


def _backed_up(file: Path, made: Any) -> str:
    rows = sum(part.rows for part in made.tables.values())
    return f"{file}: {rows} rows of {made.database} at {made.made_at}, {len(made.keys.held) or 'no'} keys"


@cli.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help="Check everything and say what would happen; nothing is written.")
@as_json
@click.pass_obj
def restore(settings: Settings, file: Path, dry_run: bool, as_json: bool) -> None:
    """Put a backup into an empty database, all of it or nothing. Stop every process first.

    Nothing is ever overwritten: what is not empty needs another database or home. Afterwards every listing is read before it is
    written, and nothing is written before the orders of all channels were read.
    """
    from config import backup as flow

    try:
        done = flow.restore(settings, file, dry_run=dry_run)
    except flow.Unfit as error:
        _fail(f"restore: {error}")
    except OSError as error:
        _fail(f"restore: {error.filename or file}: {error.strerror}")
    click.echo(json.dumps({**asdict(done), "dry_run": dry_run}) if as_json else _restored(done, dry_run))


def _restored(done: Any, dry_run: bool) -> str:
    rows = sum(part.rows for part in done.manifest.tables.values())
    keys = "; keys are put into the home" if done.keys_put else ""
    after = "" if dry_run else f"; {done.connections} connections will be asked for what happened since"
    return f"{'would restore' if dry_run else 'restored'} {rows} rows of {done.manifest.made_at} into {done.into}{keys}{after}"


@cli.command()
@click.argument("channel")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
def normalize(channel: str, files: tuple[str, ...]) -> None:
    """Read vendor payloads and print what they mean: one JSON object per order, a line each. FILE - is standard input.

    Each order that cannot be read gives one line on standard error that names the field; then, or when there was none, exit 2.
    """
    import connectors
    from core.domain.summary import summary
    from core.errors import BadPayload

    known = connectors.load()
    if channel not in known:
        _fail(f"no such channel: {channel}; there are {', '.join(sorted(known))}")
    good = bad = 0
    for name in files:
        for one in _orders(known[channel], name):
            if isinstance(one, BadPayload):
                bad += 1
                click.echo(f"{name}: {one}", err=True)
            else:
                good += 1
                click.echo(json.dumps(summary(one), ensure_ascii=False))
    if not good and not bad:
        click.echo("no order in it", err=True)
    sys.exit(2 if bad or not good else 0)


def _orders(connector: Any, name: str) -> Iterable[Any]:
    """The orders of one document, or the reason why there are none."""
    from connectors.http import read_json
    from core.errors import BadPayload

    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        yield from connector.orders(read_json(raw), "-")
    except OSError as error:
        yield BadPayload(f"cannot be read: {error.strerror}")
    except BadPayload as error:
        yield error


@cli.group(invoke_without_command=True)
@click.option("--most", type=click.IntRange(1, 1000), default=25, show_default=True)
@of_merchant
@as_json
@click.pass_context
def orders(context: click.Context, most: int, merchant: str, as_json: bool) -> None:
    """The newest orders with their status, total and stock; copies and merged orders say of which order."""
    if context.invoked_subcommand:
        return
    from core.domain.money import Money
    from core.domain.summary import summary
    from core.store import orders as store

    hub = _hub(context.obj)
    with hub.database.read() as db:
        found = store.latest(db, _merchant(hub, merchant), most)
    if as_json:
        told = [
            {**summary(order), "waits": row.waits, "copy_of": row.copy_of or None, "merged_into": row.merged_into} for row, order in found
        ]
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    rows = [
        (row.name, row.channel, _clock(row.placed_at), f"{Money(row.total, row.currency).text()} {row.currency}", order.order_status.value,
         row.waits or _stands_for(row), (row.problems or "").partition("\n")[0])
        for row, order in found
    ]  # fmt: skip
    _table("Orders", ("order", "channel", "placed (UTC)", "# total", "status", "stock", "problem"), rows)


def _stands_for(row: Any) -> str:
    """Which order an order without stock of its own is another sight of."""
    if row.copy_of:
        return f"copy of {row.copy_of.partition('/')[2]}"
    return f"merged into {row.merged_into.partition('/')[2]}" if row.merged_into else ""


@orders.command("link")
@click.argument("order", metavar="ORDER")
@click.argument("original", metavar="ORIGINAL")
@of_merchant
@click.pass_obj
def orders_link(settings: Settings, order: str, original: str, merchant: str) -> None:
    """Say that ORDER is a copy of ORIGINAL: it reserves nothing, and what it reserved goes over. Lasts over all later news of both.

    Each is named by the channel's id or name of it, or CHANNEL/ID where several have the same.
    """
    from core.flows import linking

    hub = _hub(settings)
    owner = _merchant(hub, merchant)
    copy, other = linking.one(hub, owner, order), linking.one(hub, owner, original)
    linking.link(hub, owner, copy, other)
    click.echo(f"{order} is a copy of {original}: it reserves nothing")


@orders.command("unlink")
@click.argument("order", metavar="ORDER")
@of_merchant
@click.pass_obj
def orders_unlink(settings: Settings, order: str, merchant: str) -> None:
    """Say that ORDER is no copy, whatever it says of itself: it reserves its own units. Lasts over all later news of it."""
    from core.flows import linking

    hub = _hub(settings)
    linking.unlink(hub, linking.one(hub, _merchant(hub, merchant), order))
    click.echo(f"{order} is an order of its own: it reserves what it asks for")


@cli.group(invoke_without_command=True)
@click.option("--sku", default="", help="One SKU with its movements.")
@of_merchant
@as_json
@click.pass_context
def stock(context: click.Context, sku: str, merchant: str, as_json: bool) -> None:
    """Levels: on hand, reserved, available, kept from channels, damaged."""
    if context.invoked_subcommand:
        return
    from core.store import stock as store

    hub = _hub(context.obj)
    with hub.database.read() as db:
        owner = _merchant(hub, merchant)
        found = store.levels(db, owner, sku=sku, most=1000)
        moves = store.movements(db, owner, sku) if sku else []
    if as_json:
        click.echo(json.dumps({"levels": [dict(row._mapping) for row in found], "movements": [dict(row._mapping) for row in moves]}))
        return
    rows = [(row.sku, row.title, row.on_hand, row.reserved, row.on_hand - row.reserved, row.safety, row.damaged) for row in found]
    _table("Stock", ("SKU", "title", "# on hand", "# reserved", "# available", "# safety", "# damaged"), rows)
    if moves:
        _table(
            "Movements",
            ("at (UTC)", "# units", "# damaged", "cause", "subject"),
            [(_clock(row.at), row.units, row.damaged, row.cause, row.subject) for row in moves],
        )


@stock.command("import")
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
@click.option("--dry-run", "--preview", is_flag=True, help="Show what would change and change nothing.")
@click.option("--location", default="Main", show_default=True, help="The location of rows that name none; made where it is new.")
@click.option("--counted-at", help="When rows were counted that do not say it: 2026-11-22T18:30:00+01:00. Default: now.")
@click.option("--allow-alike", is_flag=True, help="Take SKUs that differ by case or blanks alone from known ones as SKUs of their own.")
@click.option(
    "--undo", type=click.Path(path_type=Path, dir_okay=False), help="Write the state before as such a file: importing it goes back."
)
@of_merchant
@as_json
@click.pass_obj
def stock_import(
    settings: Settings, file: Any, dry_run: bool, location: str, counted_at: str | None, allow_alike: bool, undo: Path | None,
    merchant: str, as_json: bool,
) -> None:  # fmt: skip
    """Count stock and map listings from a CSV file; all of it, or with one wrong line nothing.

    \b
    sku          required
    on_hand      units that lie there, sold and not yet sent ones included; empty: not counted
    title        empty: as it was
    location     where they lie; empty: --location
    safety       units there that no channel is shown; empty: as it was
    counted_at   when, with its zone; what orders moved since then is reckoned in; empty: --counted-at
    channel, connection, listing, channel_sku, units
                 one unit of this listing consumes so many (1) of the SKU; rows of one listing make a bundle

    Semicolons and tabs do as well as commas. `crossdock stock export` writes such a file.
    """
    from core.flows import counting, stock_csv

    hub = _hub(settings)
    owner = _merchant(hub, merchant)
    try:
        sheet = stock_csv.read(file, location, _counted_at(counted_at))
        report = counting.take(hub, owner, sheet, allow_alike=allow_alike, dry_run=dry_run)
    except counting.WrongLines as error:
        _wrong_lines(file.name, error.lines, as_json)
    if undo and not dry_run:
        _write_rows(undo, stock_csv.undo(report))
    if as_json:
        click.echo(json.dumps({"dry_run": dry_run, "wrong": [], **asdict(report)}))
    elif dry_run:
        _preview(report)
    else:
        for line in stock_csv.changes(report):
            click.echo(line)
    for words in () if as_json else report.warnings:
        click.echo(f"look: {words}", err=True)


def _counted_at(text: str | None) -> int | None:
    from core.flows.stock_csv import moment

    try:
        return moment(text) if text else None
    except ValueError as error:
        _fail(f"stock import: {error}")


def _wrong_lines(name: str, lines: list[tuple[int, str]], as_json: bool) -> NoReturn:
    if as_json:
        click.echo(json.dumps({"wrong": [{"line": line, "why": why} for line, why in lines]}))
    for line, why in lines:
        click.echo(f"{name}: line {line}: {why}" if line else f"{name}: {why}", err=True)
    sys.exit(2)


def _write_rows(path: Path, rows: Iterable[Any]) -> None:
    from core.flows import stock_csv

    try:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            stock_csv.write(file, rows)
    except OSError as error:
        _fail(f"stock: {path}: cannot be written: {error.strerror}")


def _preview(report: Any) -> None:
    """What a file would do: shelves, maps, channels, orders."""
    from core.flows.stock_csv import parts

    if report.shelves:
        names = ("SKU", "location", "# on hand", "# will be", "# reserved", "# counted", "# moved since")
        _table("Stock", names, [(one.sku, one.location, _units(one.was), _units(one.will), one.reserved, one.counted, one.moved or "")
                                for one in report.shelves])  # fmt: skip
    if report.safeties:
        kept = [(one.sku, one.location, one.was or 0, one.will) for one in report.safeties]
        _table("Kept from channels", ("SKU", "location", "# kept", "# will be"), kept)
    if report.maps:
        maps = [(f"{one.channel} {one.account}", one.listing, one.channel_sku, parts(one.was), parts(one.will)) for one in report.maps]
        _table("Maps", ("connection", "listing", "channel SKU", "consumes", "will consume"), maps)
    if report.effects:
        _table(
            "What the channels would show", ("connection", "", "listings that would change"), [_effect_row(one) for one in report.effects]
        )
    if report.orders:
        some = ", ".join(f"{channel} {order}" for channel, order in report.orders[:10])
        click.echo(
            f"{len(report.orders)} orders that wait would be reserved next, and lower that: {some}{', ...' if report.orders[10:] else ''}"
        )
    silent = f", {report.silent} listings without a SKU are left alone" if report.silent else ""
    click.echo(f"{len(report.shelves)} shelves and {len(report.maps)} maps would change, {report.same} rows say what is so{silent}")
    click.echo("nothing was changed")


def _units(units: int | None) -> object:
    from core.flows.stock_csv import UNCOUNTED

    return UNCOUNTED if units is None else units


def _effect_row(one: Any) -> tuple[str, str, str]:
    state = "written" if one.live else "only watched"
    return f"{one.channel} {one.account}", state, ", ".join(f"{count} {what}" for what, count in sorted(one.listings.items()))


@stock.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--unmapped", is_flag=True, help="Also the listings that nobody mapped, with an empty SKU to fill in.")
@of_merchant
@click.pass_obj
def stock_export(settings: Settings, file: Path | None, unmapped: bool, merchant: str) -> None:
    """Write every SKU with what lies where and the listings mapped to it, as CSV; without FILE to standard output.

    Edit it in a spreadsheet and import it. The figures are of the moment that stands in counted_at: a row that stays as it is changes
    nothing, whatever is sold meanwhile. Where you count anew, put in the moment of that, or nothing for the moment of the import.
    """
    from core.flows import stock_csv

    hub = _hub(settings)
    rows = stock_csv.export(hub, _merchant(hub, merchant), unmapped=unmapped)
    if file:
        _write_rows(file, rows)
        click.echo(f"{file}: {len(rows)} rows")
    else:
        stock_csv.write(sys.stdout, rows)


@stock.command("levels")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@of_merchant
@click.pass_obj
def stock_levels(settings: Settings, file: Path | None, merchant: str) -> None:
    """Write what lies where, reserved, kept from channels, damaged and on its way, as CSV; without FILE to standard output."""
    from core.flows import levels_csv

    hub = _hub(settings)
    rows = levels_csv.rows(hub, _merchant(hub, merchant))
    if not file:
        levels_csv.write(sys.stdout, rows)
        return
    try:
        with file.open("w", encoding="utf-8-sig", newline="") as out:
            levels_csv.write(out, rows)
    except OSError as error:
        _fail(f"stock levels: {file}: cannot be written: {error.strerror}")
    click.echo(f"{file}: {len(rows)} rows")


@stock.command("opening")
@click.argument("connection")
@click.option(
    "--others-taken-off/--others-not", default=None, help="Does what the channel shows leave out the other channels' open orders?"
)
@click.option("--dry-run", is_flag=True, help="Say what would be counted and change nothing.")
@click.option(
    "--location",
    default="Main",
    show_default=True,
    help="Our location that holds these units, where the channel's places say none; made if new.",
)
@of_merchant
@click.pass_obj
def stock_opening(
    settings: Settings, connection: str, others_taken_off: bool | None, dry_run: bool, location: str, merchant: str
) -> None:  # fmt: skip
    """Take the opening stock from what one channel shows: on hand is what it shows and what is sold and not yet sent.

    Units that are sold on this channel have left what it shows. Those of the other channels have left it only where a person or
    another tool took them off there too; say which with one of the two options. CONNECTION is an id, an account or a channel.
    """
    from core.flows import join
    from core.flows.stock_csv import apply
    from core.store import places

    hub = _hub(settings)
    owner = _merchant(hub, merchant)
    if others_taken_off is None:
        _fail("stock opening: say --others-taken-off or --others-not; a wrong answer sells goods twice")
    found, left = join.opening(hub, _connection(hub, owner, connection), others_taken_off=others_taken_off)
    with hub.database.read() as db:
        names = {row.id: row.name for row in places.locations(db, owner)}
    for place in dict.fromkeys(one.location for one in found):
        rows = list(join.lines([one for one in found if one.location == place]))
        for line in apply(hub, owner, rows, names.get(place, location), dry_run=dry_run):
            click.echo(line)
    for line in left:
        click.echo(f"left out: {line}", err=True)


@stock.command("map")
@click.argument("connection")
@click.argument("listing")
@click.argument("channel_sku")
@click.argument("parts", nargs=-1, required=True, metavar="SKU[=UNITS]...")
@of_merchant
@click.pass_obj
def stock_map(settings: Settings, connection: str, listing: str, channel_sku: str, parts: tuple[str, ...], merchant: str) -> None:
    """Say which SKUs one unit of a listing consumes; orders that waited for it are reserved.

    CONNECTION is its id (`crossdock connect`), LISTING and CHANNEL_SKU as the channel spells them; - for an empty one.
    """
    from core.flows import kits
    from core.flows.allocation import map_listing
    from core.store import displays, goods

    hub = _hub(settings)
    pairs = [part.partition("=") for part in parts]
    if wrong := next((sku for sku, sign, units in pairs if sign and not (units.isdecimal() and 0 < int(units) < 10_000)), None):
        _fail(f"stock map: units of {wrong} must be a whole number from 1 to 9999")
    made = {sku: int(units or 1) for sku, _, units in pairs}
    name = (connection, listing.removeprefix("-"), channel_sku.removeprefix("-"))
    owner = _merchant(hub, merchant)
    try:
        with hub.unit() as work:
            if strangers := sorted(made.keys() - goods.known(work.db, owner, list(made))):
                _fail(f"stock map: there is no SKU {strangers[0]}: count it first")
            kits.check(work, owner, name, made, alone=any(one.alone for one in displays.of_name(work.db, owner, name)))
            done = map_listing(work, owner, name, made)
    except kits.WrongKit as error:
        _fail(f"stock map: {error}")
    if not done:
        _fail("stock map: there is no such listing")
    click.echo("mapped; orders that waited for it are reserved as soon as the hub runs")


@cli.group(invoke_without_command=True)
@click.option("--state", type=click.Choice(["due", "running", "parked", "done"]), help="Only these.")
@click.option("--kind", default="", help="Only of this kind, for example publish_stock.")
@of_merchant
@as_json
@click.pass_context
def tasks(context: click.Context, state: str | None, kind: str, merchant: str, as_json: bool) -> None:
    """Work that must happen: how much is due, what is parked and why."""
    if context.invoked_subcommand:
        return
    from core.store import tasks as store

    hub = _hub(context.obj)
    with hub.database.read() as db:
        owner = _merchant(hub, merchant)
        counts = store.counts(db, owner)
        found = store.listed(db, owner, state=state or "parked", kind=kind)
    if as_json:
        click.echo(json.dumps({"counts": [list(row) for row in counts], "tasks": [asdict(one) for one in found]}))
        return
    _table("Tasks", ("kind", "state", "# how many", "first due (UTC)"), [(row[0], row[1], row[2], _clock(row[3])) for row in counts])
    rows = [(one.id, one.kind, one.subject, one.cause, one.detail, _clock(one.due_at)) for one in found]
    _table((state or "parked").capitalize(), ("id", "kind", "subject", "cause", "detail", "due (UTC)"), rows)


@tasks.command("retry")
@click.option("--id", "task", type=int, default=0, help="One task; without it all parked ones.")
@click.option("--kind", default="", help="All parked ones of this kind.")
@of_merchant
@click.pass_obj
def tasks_retry(settings: Settings, task: int, kind: str, merchant: str) -> None:
    """Make parked tasks due again, once their cause is gone."""
    from core.store import tasks as store

    hub = _hub(settings)
    with hub.database.write() as db:
        found = store.retry(db, _merchant(hub, merchant), hub.now, task=task, kind=kind)
    click.echo(f"{len(found)} due again")


@cli.command()
@click.argument("channel", required=False)
@click.argument("account", required=False)
@click.option("--merchant-name", help="Make a new merchant of this name.")
@of_merchant
@click.option("--set", "options", multiple=True, metavar="NAME=VALUE", help="A setting of the connection, for example url=http://...")
@click.option("--buffer", type=click.IntRange(0), help="Units that this channel never shows (none, for a new one).")
@as_json
@click.pass_obj
def connect(
    settings: Settings, channel: str | None, account: str | None, merchant_name: str | None, merchant: str, options: tuple[str, ...],
    buffer: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Connect an account. Secrets are asked for, or read as NAME=VALUE lines from standard input when it is no terminal.

    ACCOUNT is example.myshopify.com, Amazon's seller id, or eBay's user name. Without either: what is connected, how it is, what it waits
    for, how its notices come, and how late its orders are seen.
    """
    if channel is None or account is None:
        _show_connections(settings, merchant, as_json)
        return
    from config.wiring import OF_A_CONNECTION, typed
    from core.flows import connections as flows

    hub = _hub(settings)
    if channel not in hub.connectors:
        _fail(f"no such channel: {channel}; there are {', '.join(sorted(hub.connectors))}")
    own = typed({**hub.connectors[channel].settings, **OF_A_CONNECTION}, dict(option.partition("=")[::2] for option in options), "--set")
    login = _secrets(hub.connectors[channel])
    owner = flows.add_merchant(hub, merchant_name).id if merchant_name else _merchant(hub, merchant)
    one = flows.connect(hub, owner, channel, account, login, settings=own, **({} if buffer is None else {"buffer": buffer}))
    click.echo(f"{channel} {account} is connected as {one.id}; its listings are read and its orders polled as soon as the hub runs")
    if one.live_at is None:
        click.echo("it is watched: nothing is written there until `crossdock golive` is told --yes")
    click.echo("orders that changed within the last 30 days come by themselves; `crossdock backfill` brings older ones")


@cli.command()
@click.argument("connection")
@click.option("--yes", is_flag=True, help="Accept: from now on the hub writes this channel's stock.")
@click.option("--wait", is_flag=True, help="Follow what it waits for until its stock is written.")
@click.option("--all", "everything", is_flag=True, help="Show what stays the same, too.")
@of_merchant
@as_json
@click.pass_obj
def golive(settings: Settings, connection: str, yes: bool, wait: bool, everything: bool, merchant: str, as_json: bool) -> None:
    """What each listing shows now and would show; with --yes writing begins. Exit 1 while something is missing for that.

    A new connection is watched: its orders are taken and reserved, and nothing is written there. CONNECTION is an id, an account or a
    channel. Before the first number goes out the orders of all channels are read: it says which are missing. Back: `crossdock watch`.
    """
    from core.flows import join

    hub = _hub(settings)
    one = _connection(hub, _merchant(hub, merchant), connection)
    found, why = join.changes(hub, one), join.not_ready(hub, one)
    if yes and not why:
        join.go_live(hub, one)
        one = hub.connection(one.id)
    waits = _waits(hub, one)
    if as_json:
        live = one.live_at is not None
        click.echo(json.dumps({"live": live, "not_ready": why, "waits": waits, "listings": [asdict(change) for change in found]}))
    else:
        _show_changes(one, found, everything)
    if why:
        _say_and_end(f"golive: not yet: {why}")
    if one.live_at is not None:
        _say_live(hub, one, waits, wait=wait, err=as_json)
    elif wait:
        _say_and_end("golive: it is only watched; accept with --yes")


def _waits(hub: Any, one: Any) -> list[str]:
    from core.flows.ways import waits_for

    with hub.database.read() as db:
        return waits_for(db, hub.connection(one.id))


def _say_live(hub: Any, one: Any, waits: list[str], *, wait: bool, err: bool) -> None:
    name = f"{one.channel} {one.account}"
    when = f" once the orders of all channels are read up to {_clock(one.live_at)}" if one.live_at else ""
    for words in (f"{name} is live: its stock is written{when}", *(f"  {words}" for words in waits)):
        click.echo(words, err=err)
    if wait and one.live_at:
        _follow(hub, one, waits, err)
        click.echo(f"{name}: its stock is written now", err=err)


def _follow(hub: Any, one: Any, said: list[str], err: bool) -> None:
    """Say what it waits for whenever that is something else, until it waits for nothing."""
    idle_s = 0
    while hub.connection(one.id).live_at:
        time.sleep(1)
        waits = _waits(hub, one)
        for words in waits if waits != said else ():
            click.echo(f"  {words}", err=err)
        idle_s = idle_s + 1 if waits == said else 0
        if idle_s == IDLE_S:
            click.echo("  nothing has come for a while; is the hub running? (crossdock serve)", err=True)
        said = waits


IDLE_S = 45  # orders are asked for every thirty seconds while a connection waits for them


def _show_changes(one: Any, found: list[Any], everything: bool) -> None:
    counts = Counter(change.what for change in found)
    shown = [change for change in found if everything or change.what != "same"]
    rows = [
        (change.sku or change.listing, change.title, change.place, _number(change.now), _number(change.after), change.what)
        for change in shown
    ]
    _table(f"{one.channel} {one.account}", ("SKU", "title", "place", "# shows now", "# would show", "what"), rows)
    click.echo(", ".join(f"{n} {what}" for what, n in counts.most_common()) or "no listings")


def _number(units: int | None) -> str:
    return "?" if units is None else str(units)


def _say_and_end(words: str) -> NoReturn:
    click.echo(f"crossdock {words}", err=True)
    sys.exit(1)


@cli.command()
@click.argument("connection")
@of_merchant
@click.pass_obj
def watch(settings: Settings, connection: str, merchant: str) -> None:
    """Write nothing to this channel any more; its orders are taken and reserved as before."""
    from core.flows import join

    hub = _hub(settings)
    one = _connection(hub, _merchant(hub, merchant), connection)
    join.watch(hub, one)
    click.echo(f"{one.channel} {one.account} is watched")


@cli.command()
@click.argument("connection")
@of_merchant
@click.pass_obj
def pause(settings: Settings, connection: str, merchant: str) -> None:
    """Leave a channel alone: nothing is read there and nothing written, webhooks are kept. Back: `crossdock resume`."""
    from core.flows import join

    hub = _hub(settings)
    one = _connection(hub, _merchant(hub, merchant), connection)
    join.pause(hub, one)
    click.echo(f"{one.channel} {one.account} is paused")


@cli.command()
@click.argument("connection")
@of_merchant
@click.pass_obj
def resume(settings: Settings, connection: str, merchant: str) -> None:
    """Go on with a paused channel: first the orders of all channels are read up to now, then its stock is written again."""
    from core.flows import join

    hub = _hub(settings)
    one = _connection(hub, _merchant(hub, merchant), connection)
    join.resume(hub, one)
    click.echo(f"{one.channel} {one.account} goes on; its stock is written once the orders of all channels are read up to now")


@cli.command()
@click.argument("connection")
@click.option("--dry-run", is_flag=True, help="Say what would end, and change nothing; so it is without --yes, too.")
@click.option("--yes", is_flag=True, help="Accept: the login is forgotten now.")
@of_merchant
@as_json
@click.pass_obj
def disconnect(settings: Settings, connection: str, dry_run: bool, yes: bool, merchant: str, as_json: bool) -> None:
    """Let go of an account: its login is forgotten, nothing is read or written there any more. Its orders and their history stay.

    CONNECTION is an id, an account or a channel. Back: connect it again with a new login.
    """
    from core.flows import join

    if dry_run and yes:
        _fail("disconnect: --dry-run and --yes exclude each other")
    hub = _hub(settings)
    one = _connection(hub, _merchant(hub, merchant), connection)
    if one.state == "disconnected":
        _fail(f"disconnect: {one.channel} {one.account} is disconnected already")
    if yes:
        join.disconnect(hub, one)
        one = hub.connection(one.id)
    click.echo(json.dumps(_let_go(one, yes)) if as_json else _let_go_words(one, yes))


def _let_go(one: Any, done: bool) -> dict[str, Any]:
    named = {name: getattr(one, name) for name in ("id", "channel", "account", "label", "state")}
    return {**named, "live": one.live_at is not None, "disconnected": done}


def _let_go_words(one: Any, done: bool) -> str:
    ends = "orders are read and stock is written" if one.live_at is not None else "orders are read"
    if not done:
        return f"{one.channel} {one.account}: {ends} there now; that would end, and its login be forgotten. Accept with --yes"
    return f"{one.channel} {one.account} is disconnected: its login is forgotten, its orders stay; connect it again with: crossdock connect"


@cli.group(invoke_without_command=True)
@of_merchant
@as_json
@click.pass_context
def places(context: click.Context, merchant: str, as_json: bool) -> None:
    """Where channels keep stock, and which of our locations each place of theirs stands for."""
    if context.invoked_subcommand:
        return
    from core.store import connections
    from core.store import places as store

    hub = _hub(context.obj)
    owner = _merchant(hub, merchant)
    with hub.database.read() as db:
        names = {one.id: f"{one.channel} {one.account}" for one in connections.all_of(db, owner)}
        found = [dict(row._mapping) for row in (*store.listed(db, owner), *store.allowed(db, owner))]
        ours = [dict(row._mapping) for row in store.locations(db, owner)]
    if as_json:
        click.echo(json.dumps({"places": found, "locations": ours}))
        return
    rows = [(names[row["connection"]], row.get("place"), row.get("name", "(it keeps no places)"), _place_is(row)) for row in found]
    _table("Places", ("connection", "place", "name", "stands for"), rows)
    _table(
        "Our locations, in the order that stock is taken from them",
        ("id", "name", "kind"),
        [(row["id"], row["name"], row["kind"]) for row in ours],
    )


def _place_is(row: dict[str, Any]) -> str:
    if row.get("service"):
        return "nothing: another service's"
    if row["location_name"]:
        return str(row["location_name"]) + ("" if row.get("active", True) else " (closed there)")
    if not row["active"]:
        return "nothing: closed"
    return "nothing" if row["decided"] else "? say it: crossdock places map"


KINDS = click.Choice(["own", "shop", "3pl", "dropship", "fba"])


@places.command("add")
@click.argument("name")
@click.option("--kind", type=KINDS, default="own", show_default=True, help="What it is; of fba, Amazon's own, nothing is ever reserved.")
@of_merchant
@click.pass_obj
def places_add(settings: Settings, name: str, kind: str, merchant: str) -> None:
    """A new location of ours."""
    from core.domain.places import LocationKind
    from core.domain.who import COMMAND_LINE
    from core.flows import places as flow

    hub = _hub(settings)
    if not flow.add_location(hub, _merchant(hub, merchant), name, COMMAND_LINE, LocationKind(kind)):
        _fail(f"places add: there is a location {name} already")
    click.echo(f"{name} is a location of yours; stock is taken from it last")


@places.command("kind")
@click.argument("location")
@click.argument("kind", type=KINDS)
@of_merchant
@click.pass_obj
def places_kind(settings: Settings, location: str, kind: str, merchant: str) -> None:
    """Say what a location of ours is. LOCATION is its name or id."""
    from core.domain.places import LocationKind
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import places as flow

    hub = _hub(settings)
    owner = _merchant(hub, merchant)
    try:
        changed = flow.set_kind(hub, owner, rules_cli.location_of(hub, owner, location), LocationKind(kind), COMMAND_LINE)
    except Refused as error:
        _fail(f"places kind: {error}")
    click.echo(f"{location}: {kind} from now on" if changed else "it was so already")


@places.command("remove")
@click.argument("location")
@of_merchant
@click.pass_obj
def places_remove(settings: Settings, location: str, merchant: str) -> None:
    """Remove a location of ours where nothing lies, and nothing is on its way; what happened there stays written down."""
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import places as flow

    hub = _hub(settings)
    owner = _merchant(hub, merchant)
    try:
        name = flow.remove_location(hub, owner, rules_cli.location_of(hub, owner, location), COMMAND_LINE)
    except Refused as error:
        _fail(f"places remove: {error}")
    click.echo(f"{name} is no location of yours any more")


@places.command("map")
@click.argument("connection")
@click.argument("place")
@click.argument("locations", nargs=-1, metavar="[LOCATION]...")
@of_merchant
@click.pass_obj
def places_map(settings: Settings, connection: str, place: str, locations: tuple[str, ...], merchant: str) -> None:
    """Say which of our locations a channel's place stands for; without any, that it is nothing of ours.

    PLACE is its number or name there, LOCATION a name or id of ours. For a channel that keeps no places, PLACE is - and the locations are
    those that it may sell from: it shows their sum. Open orders are reserved anew.
    """
    from core.flows import places as flow
    from core.store import places as store

    hub = _hub(settings)
    owner = _merchant(hub, merchant)
    one = _connection(hub, owner, connection)
    with hub.database.read() as db:
        ours = {name: row.id for row in store.locations(db, owner) for name in (row.name, row.id)}
        theirs = {name: row.place for row in store.listed(db, owner, one.id) for name in (row.name, row.place)}
    if wrong := next((name for name in locations if name not in ours), None):
        _fail(f"places map: you have no location {wrong}; there are {', '.join(ours) or 'none'} (new ones: crossdock places add)")
    flow.map_place(hub, one, theirs.get(place, place.removeprefix("-")), [ours[name] for name in locations])
    click.echo(f"{place} of {one.channel} {one.account} stands for {', '.join(locations) or 'nothing of yours'}")


@places.command("forget")
@click.argument("connection")
@of_merchant
@click.pass_obj
def places_forget(settings: Settings, connection: str, merchant: str) -> None:
    """Forget what was said of a connection's places: it sells from all our locations, where it has one place or none."""
    from core.flows import places as flow

    hub = _hub(settings)
    one = _connection(hub, _merchant(hub, merchant), connection)
    flow.unmap_places(hub, one)
    click.echo(f"nothing is said of the places of {one.channel} {one.account} any more")


@places.command("first")
@click.argument("connection")
@click.argument("location")
@of_merchant
@click.pass_obj
def places_first(settings: Settings, connection: str, location: str, merchant: str) -> None:
    """Reserve a connection's orders at this location first, until the channel says from where it sends them."""
    from core.flows import places as flow
    from core.store import places as store

    hub = _hub(settings)
    owner = _merchant(hub, merchant)
    one = _connection(hub, owner, connection)
    with hub.database.read() as db:
        ours = {name: row.id for row in store.locations(db, owner) for name in (row.name, row.id)}
    if location not in ours:
        _fail(f"places first: you have no location {location}; there are {', '.join(ours) or 'none'}")
    flow.begin_at(hub, one, ours[location])
    click.echo(f"orders of {one.channel} {one.account} are reserved at {location} first")


@cli.command()
@click.argument("connection")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"]), help="A day, from its first hour anywhere; or a moment.")
@click.option("--days", type=click.IntRange(1, 36_500), help="So many days back, instead of --since.")
@click.option("--dry-run", is_flag=True, help="Say how far back the channel lets us read and what would be asked; nothing is asked.")
@click.option("--status", is_flag=True, help="How far it came; nothing is asked.")
@click.option("--stop", is_flag=True, help="Read nothing more; what was read is taken.")
@click.option("--follow", is_flag=True, help="Stay until it is over.")
@of_merchant
@as_json
@click.pass_obj
def backfill(settings: Settings, /, connection: str, merchant: str, as_json: bool, **wish: Any) -> None:
    """Bring in old orders of a channel, behind live work: open ones first, then the rest, from now back. As far as it lets us read,
    unless --since or --days says less.

    Orders that are over are known from then on, and move no stock. Asked for again while it runs, only an earlier --since changes
    anything; afterwards it reads all anew and passes what is known. CONNECTION is an id, an account or a channel.
    """
    from config.history import Wish, show

    if wish["since"] and wish["days"]:
        _fail("backfill: say --since or --days, not both")
    if sum(wish[name] for name in ("dry_run", "status", "stop")) > 1:
        _fail("backfill: --dry-run, --status and --stop exclude each other")
    hub = _hub(settings)
    one = _connection(hub, _merchant(hub, merchant), connection)
    found = show(hub, one, Wish(**wish), _console() if sys.stdout.isatty() else None)
    click.echo(json.dumps(found.document) if as_json else found.words)
    sys.exit(0 if found.ok else 1)


def _connection(hub: Any, owner: str, name: str) -> Any:
    """By its id, account, label or channel, whichever is one connection's alone."""
    from core.store import connections

    with hub.database.read() as db:
        known = connections.all_of(db, owner)
    for field in ("id", "account", "label", "channel"):
        found = [one for one in known if getattr(one, field) == name]
        if len(found) == 1:
            return found[0]
    _fail(f"no connection, or more than one, is called {name}; see: crossdock connect")


def _show_connections(settings: Settings, merchant: str, as_json: bool) -> None:
    from core.flows.ways import spell, ways
    from core.store import connections

    hub = _hub(settings)
    with hub.database.read() as db:
        owner = _merchant(hub, merchant)
        read = {(row.connection, row.name): row.at for row in connections.marks(db, owner)}
        found = ways(hub, db, owner)
    if as_json:
        click.echo(json.dumps([_way_json(way, read.get((way.connection.id, "orders"))) for way in found]))
        return
    rows = [
        (way.connection.id, way.connection.channel, way.connection.account, f"{way.connection.state}, {way.state}", way.connection.reason,
         way.connection.buffer, _clock(read.get((way.connection.id, "orders"))))
        for way in found
    ]  # fmt: skip
    _table("Connections", ("id", "channel", "account", "state", "why", "# buffer", "orders read to (UTC)"), rows)
    for way in found:
        seen = (
            f"; of the last day's {way.seen} half were seen after {spell(way.lag_p50)}, 99 % after {spell(way.lag_p99)}" if way.seen else ""
        )
        for words in (*way.waits, f"notices come by {way.notices}{f': {way.words}' if way.words else ''}{seen}"):
            click.echo(f"{way.connection.channel} {way.connection.account}: {words}")


def _way_json(way: Any, read: int | None) -> dict[str, Any]:
    named = {name: getattr(way.connection, name) for name in ("id", "channel", "account", "label", "state", "reason", "buffer")}
    own = ("notices", "late_s", "lag_p50", "lag_p99", "seen", "waits", "words")
    return {**named, "stock": way.state, "orders_read_to": read, **{name: getattr(way, name) for name in own}}


def _secrets(connector: Any) -> dict[str, str]:
    if not sys.stdin.isatty():
        given = dict(line.strip().partition("=")[::2] for line in sys.stdin if "=" in line)
    else:
        given = {
            field.name: click.prompt(f"{field.label} ({field.help})", hide_input=field.secret, default=None if field.required else "")
            for field in connector.login
        }
    missing = [field.name for field in connector.login if field.required and not given.get(field.name)]
    if missing:
        _fail(f"connect: {missing[0]} is missing")
    return {name: value for name, value in given.items() if value}


@cli.command()
@click.option("--days", type=click.IntRange(1, 60), default=2, show_default=True, help="How far back orders are compared.")
@click.option("--mend", is_flag=True, help="Take what is missing and tell channels again; without it nothing is changed.")
@click.option("--history", is_flag=True, help="Ask no channel: what was found so far, as `crossdock findings` shows it.")
@of_merchant
@as_json
@click.pass_obj
def reconcile(settings: Settings, days: int, mend: bool, history: bool, merchant: str, as_json: bool) -> None:
    """Hold the hub against its channels: orders, days, listings, subscriptions. Exit 1 if anything differs or an earlier finding is open.

    Orders that are missing or older here; days of which a channel counts other orders; listings that show something else; notices that
    are not subscribed.

    The running hub does all of this by itself. Counting a day at Amazon takes some minutes.
    """
    from core.flows import reconcile as flow
    from core.store import connections

    hub = _hub(settings)
    owner = _merchant(hub, merchant)
    if history:
        _show_findings(hub, owner, as_json, only_open=False)
    since = hub.clock() - timedelta(days=days)
    with hub.database.read() as db:
        known = [one for one in connections.all_of(db, owner) if one.state == "active"]
    found = _compared(hub, known, days)
    open_ = _show_differences(hub, owner, known, found, days, as_json)
    if mend:
        taken = sum(flow.mend(hub, one, since) for one in known)
        click.echo(f"{taken} orders kept, all listings are read again: the running hub does the rest", err=as_json)
    sys.exit(1 if found or open_ else 0)


def _compared(hub: Any, known: list[Any], days: int) -> list[Any]:
    """All differences; where a person looks, what is being asked meanwhile."""
    from rich.console import Console

    from core.flows import reconcile as flow

    with Console(stderr=True).status("") as status:
        return [
            difference
            for one in known
            for what, differences in flow.compare_all(hub, one, days)
            for difference in _while(status, f"{one.channel} {one.label}: {what}", differences)
        ]


def _while(status: Any, words: str, differences: Iterable[Any]) -> Iterable[Any]:
    status.update(words)
    yield from differences


def _show_differences(hub: Any, owner: str, known: list[Any], found: list[Any], days: int, as_json: bool) -> int:
    """Gives how many earlier findings are open."""
    from core.flows.overview import missed
    from core.store import findings

    with hub.database.read() as db:
        kept, late = findings.listed(db, owner, only_open=True), missed(db, owner, hub.now)
    labels = {one.id: f"{one.channel} {one.label}" for one in known}
    if as_json:
        opened = [findings.as_row(one, hub.now) for one in kept]
        click.echo(json.dumps({"differences": [asdict(one) for one in found], "missed": asdict(late), "open": opened}))
        return len(kept)
    if found:
        rows = [(labels[d.connection], d.what, d.subject, d.theirs, d.ours) for d in found]
        _table("Differences", ("connection", "what", "subject", "theirs", "ours"), rows)
    else:
        click.echo(f"no difference over {days} days on {len(known)} connections")
    _say_missed(late, len(kept))
    return len(kept)


def _say_missed(late: Any, opened: int) -> None:
    if late.orders:
        after = f"{late.p50_s} s p50, {late.max_s} s at most"
        click.echo(f"{late.orders} orders of {late.days} days came without a notice; polls found them after {after}")
    if opened:
        click.echo(f"{opened} earlier findings are open: crossdock findings --open")


@cli.command()
@click.option("--open", "only_open", is_flag=True, help="Only those that did not end yet.")
@of_merchant
@as_json
@click.pass_obj
def findings(settings: Settings, only_open: bool, merchant: str, as_json: bool) -> None:
    """What holding the hub against its channels found, with the evidence and how each ended. Exit 1 if any is open."""
    hub = _hub(settings)
    _show_findings(hub, _merchant(hub, merchant), as_json, only_open=only_open)


def _show_findings(hub: Any, owner: str, as_json: bool, *, only_open: bool) -> NoReturn:
    from core.flows.overview import missed
    from core.store import connections
    from core.store import findings as store

    with hub.database.read() as db:
        kept, late = store.listed(db, owner, only_open=only_open), missed(db, owner, hub.now)
        labels = {one.id: f"{one.channel} {one.label}" for one in connections.all_of(db, owner)}
    opened = sum(one.mended_at is None for one in kept)
    if as_json:
        click.echo(json.dumps({"findings": [store.as_row(one, hub.now) for one in kept], "missed": asdict(late)}))
    else:
        columns = ("connection", "what", "subject", "there", "here", "found (UTC)", "# unknown s", "ended (UTC)", "how")
        _table("Findings", columns, [_finding_row(one, labels) for one in kept])
        _say_missed(late, 0)
    sys.exit(1 if opened else 0)


def _finding_row(one: Any, labels: dict[str, str]) -> tuple[object, ...]:
    unknown = None if one.since is None else (one.found_at - one.since) // 1_000_000
    ended = _clock(one.mended_at)
    return (
        labels.get(one.connection, ""),
        one.what,
        one.subject,
        one.theirs,
        one.ours,
        _clock(one.found_at),
        unknown,
        ended,
        one.how or "open",
    )


@cli.command()
@as_json
@click.pass_obj
def doctor(settings: Settings, as_json: bool) -> None:
    """Examine the database: what must always hold, and what to do where it does not. Reads only; exit 1 if something is broken."""
    from core.flows.doctor import examine

    hub = _hub(settings)
    with hub.database.read() as db:
        found = examine(db, hub.now)
    if as_json:
        click.echo(json.dumps([{**asdict(one), "ok": one.ok} for one in found]))
    else:
        _table(
            "Doctor",
            ("", "must hold", "# broken", "next step"),
            [("ok" if one.ok else "BROKEN", one.name, one.broken, "" if one.ok else one.next_step) for one in found],
        )
    sys.exit(0 if all(one.ok for one in found) else 1)


@cli.command()
@click.argument("part", nargs=-1)
@click.option("--only", multiple=True, help="The same as PART (may be repeated).")
@click.option(
    "--payloads",
    type=click.Path(exists=True, path_type=Path, dir_okay=False),
    help="Shopify order bodies, a JSON line each, for --only intake.",
)
@click.option("--svg", type=click.Path(path_type=Path, dir_okay=False), help="Write the chart here.")
@as_json
@click.pass_obj
def bench(settings: Settings, part: tuple[str, ...], only: tuple[str, ...], payloads: Path | None, svg: Path | None, as_json: bool) -> None:
    """Measure the hub, or only each PART (intake, drain, pages, ...), against references taken in the same run. Exit 1 where a figure
    misses its 'must'."""
    from config import bench as measure

    logging.set_up("error")  # a line for every set would be measured too
    try:
        rows = measure.run((*part, *only), payloads=payloads, store=settings.database_url or None, svg=svg, tell=_tell)
    except measure.CannotMeasure as error:
        _fail(f"bench: {error}")
    if as_json:
        click.echo(measure.as_json(rows))
    else:
        _console().print(measure.render(rows))
    sys.exit(0 if measure.all_kept(rows) else 1)


cli.add_command(keys_cli.keys)
orders.add_command(short_cli.short)
orders.add_command(calling_cli.cancel)
orders.add_command(calling_cli.answer)
orders.add_command(capturing_cli.capture)
orders.add_command(sending_cli.address)
orders.add_command(sending_cli.reship)
cli.add_command(sku_cli.sku)
cli.add_command(inbound_cli.inbound)
cli.add_command(shipping_cli.shipments)
cli.add_command(buyers_cli.buyers)
shipping_cli.shipments.add_command(parties_cli.bring)
cli.add_command(printing_cli.printers)
stock.add_command(shipping_cli.sends)
stock.add_command(parties_cli.asks)
stock.add_command(parties_cli.theirs)
stock.add_command(routing_cli.rules)
stock.add_command(routing_cli.hours)
orders.add_command(routing_cli.route)
orders.add_command(routing_cli.parts)
stock.add_command(rules_cli.rule)
stock.add_command(rules_cli.stop)
stock.add_command(rules_cli.quota)
stock.add_command(kits_cli.kit)
stock.add_command(kits_cli.kits)
stock.add_command(kits_cli.assemble)
stock.add_command(rules_cli.safety)
orders.add_command(short_cli.short)
stock.add_command(windows_cli.windows)
stock.add_command(windows_cli.blind)
stock.add_command(leading_cli.lead)
stock.add_command(leading_cli.changed)
stock.add_command(leading_cli.choose)
cli.add_command(keys_cli.hooks)
cli.add_command(books_cli.books)
cli.add_command(simulate_cli.simulate_world)


def _tell(row: Any) -> None:
    """Progress, where a person looks."""
    if sys.stderr.isatty():
        click.echo(f"{row.name} {row.store}: {row.value}", err=True)


cli.add_command(user)


if __name__ == "__main__":
    main()
