"""`crossdock stock windows` and `stock blind`: how long channels show what was sold elsewhere, and what is left to one out of sight."""

import json
from typing import Any

import click

from config.keys_cli import as_json, fail, of_merchant, opened, table
from config.settings import Settings


@click.command("windows")
@click.argument("sku", default="")
@of_merchant
@as_json
@click.pass_obj
def windows(settings: Settings, sku: str, merchant: str, as_json: bool) -> None:
    """Windows of risk of the last days; with a SKU, how many units each channel should keep back of it."""
    from core.flows import windows as flow

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        found = flow.advice(db, owner, sku, hub.now) if sku else flow.look(db, owner, hub.now)
    told = [_advised(one) if sku else _window(one) for one in found]
    if as_json:
        click.echo(json.dumps(told))
    elif told:
        table("Windows of risk", tuple(told[0]), [tuple("-" if value is None else value for value in one.values()) for one in told])
    else:
        click.echo("no channel is connected yet")


def _window(one: Any) -> dict[str, Any]:
    known = one.window
    return {
        "channel": one.one.channel, "account": one.one.account, "heard p50 ms": known.heard and known.heard.middle,
        "heard p99 ms": known.heard and known.heard.most, "told p50 ms": known.told and known.told.middle,
        "told p99 ms": known.told and known.told.most, "shows ms": known.shows_ms, "window ms": known.whole_ms,
    }  # fmt: skip


def _advised(one: Any) -> dict[str, Any]:
    named = {"channel": one.risk.one.channel, "account": one.risk.one.account, "window ms": one.risk.window.whole_ms}
    return {**named, "sold elsewhere a day": round(one.a_day, 2), "keep back": one.units}


@click.command("blind")
@click.argument("connection")
@click.option("--factor", type=int, help="Leave it its usual sales so many times over (3).")
@click.option("--strict/--usual", "strict", default=None, help="Leave it all that it shows; or its usual sales.")
@of_merchant
@click.pass_obj
def blind(settings: Settings, connection: str, factor: int | None, strict: bool | None, merchant: str) -> None:
    """What the other channels leave to one that can be neither read nor told for 15 minutes; without an option it is only shown."""
    from core.domain import blind as rules
    from core.domain.who import COMMAND_LINE
    from core.errors import Refused
    from core.flows import blind as flow
    from core.store import connections

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        one = connections.one_of(db, owner, connection) or fail("stock blind: there is no such connection")
    was = rules.care(one.settings)
    now = rules.Care(was.strict if strict is None else strict, was.factor if factor is None else factor)
    try:
        if now != was:
            flow.set_care(hub, one, strict=now.strict, factor=now.factor, who=COMMAND_LINE)
    except Refused as error:
        fail(f"stock blind: {error}")
    click.echo("all that it shows is left to it" if now.strict else f"its usual sales are left to it, times {now.factor}")
