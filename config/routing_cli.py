"""`crossdock stock routing`: how it is decided from where orders leave; `crossdock orders route`: what is decided of one, and why."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from config.keys_cli import as_json, fail, of_merchant, opened, table
from config.rules_cli import location_of
from config.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.domain.routing import Decision, Never, Rules, Verdict
    from core.domain.workdays import Hours
    from core.hub import Hub

Bans = tuple[tuple[str, str, str], ...]


@click.command("routing")
@click.option(
    "--by",
    help="What decides, in this order, with commas: fewest (parcels), nearest, cheapest, soonest, oldest (stock), ranked (your list).",
)
@click.option("--split/--whole", "split", default=None, help="An order may leave from several locations; or waits until one has it all.")
@click.option("--move/--stay", "move", default=None, help="Channels are told another place than they assigned; or it leaves from theirs.")
@click.option("--batch/--alone", "batch", default=None, help="Orders that want the same short stock are decided together; or each alone.")
@click.option("--currency", help="Of what parcels cost: EUR.")
@click.option("--zones", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="CSV: location, country, prefix, zone, cost.")
@click.option("--never", type=(str, str, str), multiple=True, metavar="LOCATION SKU COUNTRY", help="It never sends that there; - for any.")
@click.option("--again", type=(str, str, str), multiple=True, metavar="LOCATION SKU COUNTRY", help="The way back from --never.")
@of_merchant
@as_json
@click.pass_obj
def rules(
    settings: Settings, by: str | None, split: bool | None, move: bool | None, batch: bool | None, currency: str | None,
    zones: Path | None, never: Bans,
    again: Bans, merchant: str, as_json: bool,
) -> None:  # fmt: skip
    """From where orders leave; without an option it is only shown.

    Of the rows of a location that fit a buyer's country and the beginning of the postcode the longest counts: how far that is (a zone
    from 1 to 9; 9 where no row fits) and what a parcel costs from there. --zones replaces all rows.
    """
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import routing_rules

    hub, owner = opened(settings, merchant)
    said = _said(by, split, currency) | {name: on for name, on in (("move", move), ("batch", batch)) if on is not None}
    bans = [_never(hub, owner, one) for one in never], [_never(hub, owner, one) for one in again]
    text = zones.read_text("utf-8", "replace") if zones else None
    names = _names(hub, owner)

    def change(was: "Rules") -> "Rules":
        now = replace(was, **said, never=tuple(one for one in dict.fromkeys((*was.never, *bans[0])) if one not in bans[1]))
        return now if text is None else routing_rules.read_zones(text, names, now)

    try:
        found = routing_rules.set_rules(hub, owner, COMMAND_LINE, change) if said or zones or never or again else _kept(hub, owner)
    except Refused as error:
        fail(f"stock routing: {error}")
    _show(found, {id: name for name, id in names.items() if name != id}, as_json=as_json)


def _said(by: str | None, split: bool | None, currency: str | None) -> dict[str, Any]:
    from core.domain.routing import Strategy

    said: dict[str, Any] = {} if split is None else {"split": split}
    try:
        said |= {} if by is None else {"strategies": tuple(Strategy(one.strip()) for one in by.split(","))}
    except ValueError:
        fail(f"stock routing: --by is of {', '.join(Strategy)}")
    if currency is not None and not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        fail("stock routing: a currency is three letters: EUR")
    return said | ({} if currency is None else {"currency": currency.upper()})


def _never(hub: "Hub", owner: str, said: tuple[str, str, str]) -> "Never":
    from core.domain.routing import Never

    location, sku, country = said
    return Never(location_of(hub, owner, location), "" if sku == "-" else sku, "" if country == "-" else country.upper())


def _names(hub: "Hub", owner: str) -> dict[str, str]:
    """Ids of locations by their ids and names."""
    from core.store import places

    with hub.database.read() as db:
        return {said: row.id for row in places.locations(db, owner) for said in (row.id, row.name)}


def _kept(hub: "Hub", owner: str) -> "Rules":
    from core.store import routings

    with hub.database.read() as db:
        return routings.rules(db, owner)


def _show(found: "Rules", names: "Mapping[str, str]", *, as_json: bool) -> None:
    import msgspec

    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found)))
        return
    more = "; channels are told where they assigned otherwise" * found.move + "; decided together" * found.batch
    click.echo(f"by {', '.join(found.strategies) or 'ranked'}; {'may leave in parts' if found.split else 'leaves whole'}{more}")
    rows = [
        (names.get(at, at), row.country, row.prefix or "-", row.zone, "-" if row.cost is None else _amount(row.cost, found.currency))
        for at, some in found.zones.items()
        for row in some
    ]
    if rows:
        table("Zones", ("location", "country", "postcode", "# zone", "# cost"), rows)
    for one in found.never:
        click.echo(f"{names.get(one.location, one.location)} never sends {one.sku or 'anything'} to {one.country or 'anywhere'}")


def _amount(minor: int, currency: str) -> str:
    from core.domain.money import Money

    return f"{Money(minor, currency).text()} {currency}" if currency else str(minor)


@click.command("parts")
@click.argument("order", metavar="ORDER")
@click.option("--whole", "parts", flag_value="whole", help="It leaves from one location, when all of it is there, or waits.")
@click.option("--parts", "parts", flag_value="parts", help="It may leave from several locations, and what is there before the rest.")
@click.option("--as-ruled", "parts", flag_value="", help="As its account or the rules say.")
@of_merchant
@click.pass_obj
def parts(settings: Settings, order: str, parts: str | None, merchant: str) -> None:
    """Say whether ORDER is sent whole, whatever the rules are."""
    from core.domain.shipments import Parts
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import linking, parting
    from core.store import orders

    if parts is None:
        fail("orders parts: say --whole, --parts or --as-ruled")
    hub, owner = opened(settings, merchant)
    try:
        ref = linking.one(hub, owner, order)
        with hub.database.read() as db:
            id = orders.ids_of(db, owner, [ref])[ref]
        parting.of_order(hub, owner, id, Parts(parts) if parts else None, COMMAND_LINE)
    except Refused as error:
        fail(f"orders parts: {error}")
    click.echo({"whole": "it leaves whole", "parts": "it may leave in parts", "": "it leaves as the rules say"}[parts])


@click.command("hours")
@click.argument("location")
@click.option("--days", help="On which days of the week it sends: mon,tue,wed. Without this and all others it is only shown.")
@click.option("--cutoff", help="What is released until then leaves the same day, by its own clock: 15:30; - for midnight.")
@click.option("--capacity", help="Parcels a day at most; - for as many as there are.")
@click.option("--holidays", help="Days on which it does not send, in place of those there were: 2026-12-25,2026-12-26; - for none.")
@of_merchant
@as_json
@click.pass_obj
def hours(
    settings: Settings, location: str, days: str | None, cutoff: str | None, capacity: str | None, holidays: str | None, merchant: str,
    as_json: bool,
) -> None:  # fmt: skip
    """When LOCATION sends, and how much in a day: who is full gives way to the next."""
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import sites
    from core.store import shipments

    hub, owner = opened(settings, merchant)
    where = location_of(hub, owner, location)
    with hub.database.read() as db:
        kept = next(site.hours for site in shipments.all_sites(db, owner) if site.id == where)
    try:
        new = replace(kept, **_hours(days, cutoff, capacity, holidays))
        if new != kept:
            sites.set_hours(hub, owner, where, COMMAND_LINE, new)
    except (ValueError, Refused) as error:
        fail(f"stock hours: {error}")
    _show_hours(new, as_json=as_json)


WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _hours(days: str | None, cutoff: str | None, capacity: str | None, holidays: str | None) -> dict[str, Any]:
    """Raises ValueError for what is no day, time or number."""
    from datetime import date, time

    said: dict[str, Any] = {}
    if days is not None:
        said["week"] = tuple(sorted({WEEK.index(one.strip().lower()[:3]) for one in days.split(",")}))
    if cutoff is not None:
        said["cutoff"] = None if cutoff == "-" else time.fromisoformat(cutoff)
    if capacity is not None:
        said["capacity"] = None if capacity == "-" else int(capacity)
    if holidays is not None:
        said["holidays"] = () if holidays == "-" else tuple(sorted({date.fromisoformat(one.strip()) for one in holidays.split(",")}))
    return said


def _show_hours(found: "Hours", *, as_json: bool) -> None:
    import msgspec

    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found)))
        return
    until = found.cutoff.strftime("%H:%M") if found.cutoff else "midnight"
    most = "as many parcels as there are" if found.capacity is None else f"{found.capacity} parcels a day"
    click.echo(f"sends on {', '.join(WEEK[day] for day in found.week)}, the same day until {until}; {most}")
    if found.holidays:
        click.echo(f"not on {', '.join(day.isoformat() for day in found.holidays)}")


@click.command("route")
@click.argument("order", metavar="ORDER")
@click.option("--dry-run", is_flag=True, help="Only show it: nothing is reserved elsewhere.")
@of_merchant
@as_json
@click.pass_obj
def route(settings: Settings, order: str, dry_run: bool, merchant: str, as_json: bool) -> None:
    """Decide from where ORDER leaves, by what lies where now, and say why. Where nothing is left to decide, the last decision is shown."""
    from core.errors import Refused
    from core.flows import linking, releasing
    from core.store import orders, routings

    hub, owner = opened(settings, merchant)
    try:
        ref = linking.one(hub, owner, order)
    except Refused as error:
        fail(f"orders route: {error}")
    with hub.database.read() as db:
        id = orders.ids_of(db, owner, [ref])[ref]
        last = routings.last(db, owner, id)
    wait, now = releasing.would_leave(hub, owner, id, write=not dry_run)
    _tell(wait, now or last, is_new=now is not None, as_json=as_json)


def _tell(wait: str | None, found: "Decision | None", *, is_new: bool, as_json: bool) -> None:
    import msgspec

    if as_json:
        click.echo(json.dumps({"waits": wait, "new": is_new, "decision": msgspec.to_builtins(found) if found else None}))
    elif found is None:
        click.echo("there is nothing to decide: it can leave from one location only, or somebody said from where")
    else:
        _explain(found)
    if wait and not as_json:
        click.echo(f"it waits: {wait}")


def _explain(found: "Decision") -> None:
    from core.domain.routing import STRATEGIES

    click.echo(f"decided {', then '.join(STRATEGIES[one] for one in found.strategies)}")
    rows = [(one.name, sum(found.sends.get(one.location, {}).values()), *_facts(one, found.currency)) for one in found.verdicts]
    if found.left:
        more = "could not leave" if found.left.more is None else f"costs {_amount(found.left.more, found.currency)} more"
        click.echo(f"left to {found.left.order}, which {more} from elsewhere")
    table("Locations", ("location", "# units", "# zone", "# cost", "leaves", "# days lain", "lacks", "why"), rows)


def _facts(one: "Verdict", currency: str) -> tuple[int, str, str, int, str, str]:
    from datetime import date

    from core.domain.routing import WHYS

    lacks = ", ".join(f"{units} x {sku}" for sku, units in one.lacks.items())
    leaves = date.fromordinal(one.leaves).isoformat() if one.leaves else "-"
    return one.zone, "-" if one.cost is None else _amount(one.cost, currency), leaves, one.lain, lacks or "-", WHYS[one.why]
