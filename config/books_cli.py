"""`crossdock books`: keep books from a day on, see how they stand, payouts, what is open, a month's certificate; write a ledger by hand."""

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from config.keys_cli import as_json, fail, of_merchant, opened, table
from config.settings import Settings

if TYPE_CHECKING:
    from core.domain.money import Money
    from core.flows.accounts import Open
    from core.flows.posting import Shelf
    from core.hub import Hub
    from core.store.connections import Connection

DAY = click.DateTime(["%Y-%m-%d"])


@click.group("books")
def books() -> None:
    """The journal, payouts and ledgers: every cent from order to bank."""


@books.command("begin")
@click.argument("first", metavar="DAY", type=DAY)
@click.option("--on-leaving", is_flag=True, help="Book a sale on the day its first parcel left; else on the day it was placed.")
@of_merchant
@click.pass_obj
def begin(settings: Settings, first: datetime, on_leaving: bool, merchant: str) -> None:
    """Keep books from DAY on (2026-11-01): orders since then are booked as they stand, older ones never."""
    from core.domain.who import COMMAND_LINE
    from core.flows import books as flow

    hub, owner = opened(settings, merchant)
    asked = flow.begin(hub, owner, first.date(), COMMAND_LINE, sale_on="leaving" if on_leaving else "placed")
    click.echo(f"{asked} orders are booked by the worker")


@books.command("close")
@click.argument("until", metavar="[DAY]", type=DAY, required=False)
@of_merchant
@click.pass_obj
def close(settings: Settings, until: datetime | None, merchant: str) -> None:
    """Book nothing on DAY or before any more: what arrives later is booked on the next day. Without DAY everything is open again."""
    from core.domain.who import COMMAND_LINE
    from core.flows import books as flow

    hub, owner = opened(settings, merchant)
    try:
        flow.close(hub, owner, until.date() if until else None, COMMAND_LINE)
    except flow.NotKept as error:
        fail(f"books close: {error}")


@books.command("rebook")
@of_merchant
@click.pass_obj
def rebook(settings: Settings, merchant: str) -> None:
    """Look at every order once more: what is booked as it stands is left, what is not is taken back and booked anew."""
    from core.flows import books as flow

    hub, owner = opened(settings, merchant)
    click.echo(f"{flow.ask_all(hub, owner)} orders are looked at by the worker")


@books.command("show")
@of_merchant
@as_json
@click.pass_obj
def show(settings: Settings, merchant: str, as_json: bool) -> None:
    """How the books stand: clearing accounts this month, and what is open in them and why. Exit 1 where something is to be looked at."""
    from core.flows import accounts

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        found = accounts.look(hub, db, owner)
    if found is None:
        fail("books show: no books are kept yet: crossdock books begin DAY")
    said = {
        "starts": found.books.starts.isoformat(), "entries": dict(found.counts), "waiting": dict(found.waiting),
        "clearing": [_cleared(found.names, one) for one in found.cleared], "awaited": found.awaited,
        "breaks": [_open(found.names, one) for one in found.breaks],
    }  # fmt: skip
    if as_json:
        click.echo(json.dumps(said))
    else:
        _print(said)
    raise SystemExit(1 if said["breaks"] else 0)


def _cleared(names: Any, one: Any) -> dict[str, str]:
    parts = {name: getattr(one, name).text() for name in ("before", "paid", "repaid", "kept", "out", "other", "after")}
    return {"account": names.get(one.connection, one.connection), "gateway": one.gateway, "currency": one.after.currency, **parts}


def _open(names: Any, one: "Open") -> dict[str, str]:
    item = one.item
    called = one.order.name if one.order else item.item
    return {
        "item": called, "account": names.get(item.connection, item.connection), "gateway": item.gateway, "open": _amount(item.open),
        "since": item.since.isoformat(), "by": one.by.isoformat(), "cause": one.cause.value,
    }  # fmt: skip


def _amount(one: "Money") -> str:
    return f"{one.text()} {one.currency}"


def _table(title: str, rows: list[dict[str, str]], columns: tuple[str, ...]) -> None:
    table(title, columns, [[row[name] for name in columns] for row in rows])


def _print(said: dict[str, Any]) -> None:
    click.echo(f"kept since {said['starts']}; this month: {said['entries'] or 'nothing'}; waiting: {said['waiting'] or 'none'}")
    _table("Clearing", said["clearing"], ("account", "gateway", "currency", "before", "paid", "repaid", "kept", "out", "other", "after"))
    click.echo(f"{said['awaited']} items are awaited, {len(said['breaks'])} are to be looked at")
    _table("To look at", said["breaks"], ("item", "account", "open", "since", "by", "cause"))


@books.command("payouts")
@click.option("--most", type=click.IntRange(1, 1000), default=30, show_default=True)
@of_merchant
@as_json
@click.pass_obj
def payouts(settings: Settings, most: int, merchant: str, as_json: bool) -> None:
    """What channels paid out, the newest first."""
    from core.store import payouts as store

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        found = store.listed(db, owner, 2**62, most)
    rows = [
        {
            "payout": one.payout.number or one.payout.id, "sent": one.payout.at.date().isoformat(), "state": one.payout.state.value,
            "amount": _amount(one.payout.amount), "booked": "yes" if one.booked_at else "no",
        }
        for one in found
    ]  # fmt: skip
    click.echo(json.dumps(rows)) if as_json else _table("Payouts", rows, ("payout", "sent", "state", "amount", "booked"))


@books.command("import-payouts")
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
@click.option("--connection", required=True, help="The channel's account: an id, an account or a name.")
@click.option("--gateway", required=True, help="Whose payouts these are, as payments name it: paypal.")
@click.option("--dry-run", is_flag=True, help="Say what the file would do, and do nothing.")
@click.option("--replace", "replaces", multiple=True, metavar="PAYOUT", help="One that is booked otherwise is taken back and booked anew.")
@of_merchant
@as_json
@click.pass_obj
def import_payouts(
    settings: Settings, file: Any, connection: str, gateway: str, dry_run: bool, replaces: tuple[str, ...], merchant: str, as_json: bool
) -> None:  # fmt: skip
    """Take the payouts of a gateway that tells none itself from a CSV FILE. Exit 1 where one is booked otherwise and is left."""
    from core.errors import HubError
    from core.flows.books import NotKept
    from core.store import connections

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        known = connections.all_of(db, owner)
    one = next((one for one in known if connection in (one.id, one.account, one.label)), None)
    if one is None:
        fail("books import-payouts: there is no such connection")
    try:
        said = _looked(hub, one, gateway, file.read()) if dry_run else _taken(hub, one, gateway, file, replaces)
    except (HubError, NotKept, UnicodeDecodeError) as error:
        fail(f"books import-payouts: {error}")
    click.echo(json.dumps(said) if as_json else "\n".join(f"{name}: {value}" for name, value in said.items()))
    raise SystemExit(1 if said.get("wrong") or said.get("others") else 0)


def _taken(hub: "Hub", one: Any, gateway: str, file: Any, replaces: tuple[str, ...]) -> dict[str, Any]:
    from core.domain.who import COMMAND_LINE
    from core.flows import gateways

    done = gateways.take(hub, one, gateway, file.read(), COMMAND_LINE, file=str(file.name), replaces=replaces)
    return {"booked": list(done.booked), "same": list(done.same), "others": list(done.others)}


def _looked(hub: "Hub", one: Any, gateway: str, text: str) -> dict[str, Any]:
    from core.flows import gateways

    with hub.database.read() as db:
        found = gateways.preview(hub, db, one, gateway, text)
    rows = [
        {
            "payout": each.number, "sight": each.sight.value, "order": row.movement.order, "amount": _amount(row.movement.amount),
            "before": _amount(row.before) if row.before else None, "after": _amount(row.after) if row.after else None,
        }
        for each in found.payouts
        for row in each.rows
    ]  # fmt: skip
    return {
        "wrong": [{"line": line, "why": why} for line, why in found.wrong], "rows": rows,
        "left": [_amount(one) for one in found.left.values()],
        "others": [each.number for each in found.others],
    }  # fmt: skip


@books.command("rates")
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
@of_merchant
@as_json
@click.pass_obj
def day_rates(settings: Settings, file: Any, merchant: str, as_json: bool) -> None:
    """Take the day's rates from a CSV FILE with the columns day, currency, base and rate."""
    from core.domain.rates import read
    from core.store import rates

    hub, owner = opened(settings, merchant)
    found, wrong = read(file.read())
    if wrong:
        fail(f"books rates: line {wrong[0][0]}: {wrong[0][1]}")
    with hub.unit() as work:
        rates.keep(work.db, owner, found, str(file.name)[:100])
    told = [{"day": one.day.isoformat(), "currency": one.currency, "base": one.base, "rate": f"{one.rate:f}"} for one in found]
    click.echo(json.dumps({"rates": told}, indent=2) if as_json else f"{len(found)} rates are kept")


@books.command("certificate")
@click.argument("month", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of CSV.")
@click.option("--pdf", type=click.File("wb"), help="Write it into this file as PDF, too.")
@of_merchant
@click.pass_obj
def certificate(settings: Settings, month: str | None, as_json: bool, pdf: Any, merchant: str) -> None:
    """MONTH (2026-11; else this one) as CSV: clearing accounts, every open item, and the residue, which is zero. Exit 1 where it is not."""
    from core.flows import accounts
    from core.flows.books import NotKept

    hub, owner = opened(settings, merchant)
    since, until = accounts.month(month or "", hub.clock().date())
    try:
        with hub.database.read() as db:
            found = accounts.certificate(hub, db, owner, since, until)
    except NotKept as error:
        fail(f"books certificate: {error}")
    if pdf:
        from core.flows import certifying

        pdf.write(certifying.paper(hub, owner, since, until))
    names = _names(hub, owner)
    residue = {currency: one.text() for currency, one in found.residue.items()}
    if as_json:
        clearing = [_cleared(names, one) for one in found.cleared]
        click.echo(json.dumps({"clearing": clearing, "open": [_open(names, one) for one in found.found], "residue": residue}))
    else:
        for lines in accounts.as_csv(found, names):
            click.echo(lines, nl=False)
    raise SystemExit(1 if any(one.minor for one in found.residue.values()) else 0)


def _names(hub: "Hub", owner: str) -> dict[str, str]:
    from core.store import connections

    with hub.database.read() as db:
        return {one.id: one.label for one in connections.all_of(db, owner)}


@books.command("payout-certificate")
@click.argument("payout")
@click.argument("pdf", type=click.File("wb"))
@of_merchant
@click.pass_obj
def payout_certificate(settings: Settings, payout: str, pdf: Any, merchant: str) -> None:
    """Write a payout (its id) as a sheet into a PDF file: orders, fees, what is open, and the residue, which is zero."""
    from core.flows import certifying

    hub, owner = opened(settings, merchant)
    made = certifying.paper_of_payout(hub, owner, payout)
    if made is None:
        fail(f"books payout-certificate: there is no payout {payout}")
    pdf.write(made)


@books.command("ledger")
@click.argument("ledger")
@click.option("--from", "first", type=DAY, help="Write what was booked on this day or later.")
@click.option(
    "--mode", "modes", multiple=True, metavar="CHANNEL=MODE", help="per_order, daily, per_payout or none for a channel's account."
)
@click.option("--account", "maps", multiple=True, metavar="OURS=THEIRS", help="What of ours is which of theirs: sales=400.")
@of_merchant
@as_json
@click.pass_obj
def ledger(
    settings: Settings, ledger: str, first: datetime | None, modes: tuple[str, ...], maps: tuple[str, ...], merchant: str, as_json: bool
) -> None:  # fmt: skip
    """How entries are written into LEDGER, an id, an account or a name; with options, change that."""
    from core.domain.who import COMMAND_LINE
    from core.flows import posting
    from core.store import connections
    from core.store.connections import LEDGER

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        known, channels = connections.all_of(db, owner, LEDGER), connections.all_of(db, owner)
    one = next((one for one in known if ledger in (one.id, one.account, one.label)), None)
    if one is None:
        fail("books ledger: there is no such ledger")
    named = {name: row.id for row in channels for name in (row.id, row.account, row.label)}
    chosen = {named.get(channel, channel): mode for channel, _, mode in (text.partition("=") for text in modes)}
    if first or chosen:
        _choose(hub, owner, one, first, chosen)
    if maps:
        posting.map_accounts(hub, owner, one, COMMAND_LINE, dict(text.split("=", 1) for text in maps))
    with hub.database.read() as db:
        _show_shelf(posting.look(hub, db, hub.connection(one.id)), as_json)


def _choose(hub: "Hub", owner: str, one: "Connection", first: datetime | None, chosen: dict[str, str]) -> None:
    """From which day, and how channels' entries are written from now on; what is not named stays."""
    from core.domain.who import COMMAND_LINE
    from core.flows import posting

    starts: date | None = first.date() if first else posting.first_day(one)
    try:
        posting.choose(hub, owner, one, COMMAND_LINE, starts=starts, chosen={**(one.settings.get(posting.MODE) or {}), **chosen})
    except posting.TooMany as error:
        fail(f"books ledger: {error}: {error.facts['orders']} or more, at most {error.facts['most']}; choose daily")


def _show_shelf(shelf: "Shelf", as_json: bool) -> None:
    rows = [{"ours": ours, "theirs": theirs} for ours, theirs in sorted(shelf.used.items())]
    said = {
        "from": shelf.first.isoformat() if shelf.first else None,
        "modes": dict(shelf.modes),
        "accounts": rows,
        "missing": list(shelf.missing),
        "taxations": dict(shelf.taxations),
        "untaxed": list(shelf.untaxed),
    }
    if as_json:
        click.echo(json.dumps(said))
        return
    waits = ", ".join([*shelf.missing, *shelf.untaxed]) or "nothing"
    click.echo(f"from {said['from'] or 'no day: nothing is written'}; waiting for: {waits}")
    _table("Accounts", rows, ("ours", "theirs"))


@books.command("costs")
@click.argument("file", metavar="[FILE]", type=click.File("r", encoding="utf-8-sig"), required=False)
@click.option("--from", "first", type=DAY, help="Book what goods cost from this day on.")
@click.option("--off", is_flag=True, help="Book it no more: what was booked is taken back.")
@click.option("--dry-run", is_flag=True, help="Only say what the file would do.")
@as_json
@of_merchant
@click.pass_obj
def costs(settings: Settings, file: Any, first: datetime | None, off: bool, dry_run: bool, merchant: str, as_json: bool) -> None:
    """What units cost, from a CSV with the columns sku, cost, currency and, for a cost that counts from a day on, from (2026-11-01)."""
    from core.domain.who import COMMAND_LINE
    from core.flows import cost_csv, costing
    from core.flows.counting import WrongLines

    hub, owner = opened(settings, merchant)
    try:
        if first or off:
            costing.switch(hub, owner, first.date() if first else None, COMMAND_LINE)
        done = cost_csv.take(hub, owner, cost_csv.read(file.read()), COMMAND_LINE, dry_run=dry_run) if file else []
    except costing.NotKept as error:
        fail(f"books costs: {error}")
    except WrongLines as error:
        fail(f"books costs: {error}")
    told = [
        {"sku": one.sku, "cost": one.cost.text, "currency": one.cost.currency, "was": one.was.text if one.was else None} for one in done
    ]
    if as_json:
        click.echo(json.dumps({"dry_run": dry_run, "costs": told}, indent=2))
        return
    for row in told:
        click.echo(f"{row['sku']}: {row['was'] or '-'} -> {row['cost']} {row['currency']}")
    click.echo(f"{len(told)} costs {'would change' if dry_run else 'changed'}")


@books.command("carrier-bill")
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
@click.option("--carrier", required=True, help="The carrier's connection, by its name; or, where it has none here, what it is called.")
@click.option("--dry-run", is_flag=True, help="Only say what the file would do.")
@as_json
@of_merchant
@click.pass_obj
def carrier_bill(settings: Settings, file: Any, carrier: str, dry_run: bool, merchant: str, as_json: bool) -> None:
    """A carrier's bills from a CSV with the columns number, date, tracking, what (freight, surcharge, duty, tax, credit, other), amount,
    currency and text: each label is booked at what was billed for it."""
    from core.domain.who import COMMAND_LINE
    from core.flows import postage
    from core.flows.counting import WrongLines

    hub, owner = opened(settings, merchant)
    name, connection = postage.carrier_of(hub, owner, carrier)
    try:
        done = postage.take(hub, owner, name, connection, postage.read(file.read()), COMMAND_LINE, file=file.name, dry_run=dry_run)
    except WrongLines as error:
        fail(f"books carrier-bill: {error}")
    if as_json:
        click.echo(json.dumps({"dry_run": dry_run, "bills": [one.told() for one in done]}, indent=2))
        return
    for one in done:
        click.echo(f"{one.bill.number}: {one.bill.total.text()} {one.bill.currency}, {len(one.labels)} labels, "
                   f"{len(one.strangers)} lines of labels that were not bought here, {len(one.others)} others")  # fmt: skip
