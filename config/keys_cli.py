"""`crossdock key` and `crossdock hook`: what programs are let do, and whom we tell of events."""

import json
from datetime import timedelta
from typing import Any, NoReturn

import click

from config.settings import Settings

WHO = ("command line", "command line")
of_merchant = click.option("--merchant", default="", help="The merchant's id; needed only where there are several.")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of a table.")


def opened(settings: Settings, merchant: str) -> tuple[Any, str]:
    from config.cli import _hub, _merchant

    hub = _hub(settings)
    return hub, _merchant(hub, merchant)


def fail(words: str) -> NoReturn:
    from config.cli import _fail

    _fail(words)


def table(title: str, columns: tuple[str, ...], rows: Any) -> None:
    from config.cli import _table

    _table(title, columns, rows)


def _clock(at: int | None) -> str:
    from config.cli import _clock as clock

    return clock(at)


# ---- keys


@click.group("key")
def keys() -> None:
    """Keys with which programs use the API."""


@keys.command("add")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="What it may do: orders.read, stock.write, ... (may be repeated).")
@click.option("--days", type=click.IntRange(1, 3650), help="It ends by itself after so many days.")
@of_merchant
@click.pass_obj
def key_add(settings: Settings, name: str, scopes: tuple[str, ...], days: int | None, merchant: str) -> None:
    """Make a key and print it, this once. NAME is by what you will know it."""
    from core.errors import Refused
    from core.flows import keys as flow

    hub, owner = opened(settings, merchant)
    until = hub.now + timedelta(days=days) // timedelta(microseconds=1) if days else None
    try:
        click.echo(flow.make(hub, owner, WHO, name, scopes, until))
    except Refused as error:
        fail(f"key add: {error}")


@keys.command("list")
@of_merchant
@as_json
@click.pass_obj
def key_list(settings: Settings, merchant: str, as_json: bool) -> None:
    """All keys, what each may do and when it was last used."""
    from core.store import keys as store

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        found = store.all_of(db, owner)
    if as_json:
        click.echo(json.dumps([{**_plain(key), "holds": key.holds(hub.now)} for key in found]))
        return
    rows = [(*_row(key), "yes" if key.holds(hub.now) else "no", _clock(key.until)) for key in found]
    table("API keys", ("id", "name", "ends in", "may do", "last used (UTC)", "holds", "until (UTC)"), rows)


def _row(key: Any) -> tuple[object, ...]:
    return key.id, key.name, key.tail, " ".join(sorted(key.scopes)), _clock(key.used_at)


def _plain(key: Any) -> dict[str, Any]:
    named = ("id", "name", "tail", "created_by", "created_at", "until", "used_at", "revoked_at")
    return {"scopes": sorted(key.scopes), **{name: getattr(key, name) for name in named}}


@keys.command("revoke")
@click.argument("key")
@of_merchant
@click.pass_obj
def key_revoke(settings: Settings, key: str, merchant: str) -> None:
    """A key lets nobody in any more. KEY is its id."""
    from core.flows import keys as flow

    hub, owner = opened(settings, merchant)
    if not flow.revoke(hub, owner, WHO, key):
        fail("key revoke: there is no such key that holds; see: crossdock key list")
    click.echo("revoked")


# ---- webhooks


@click.group("hook")
def hooks() -> None:
    """Webhooks: addresses of programs that are told of events."""


@hooks.command("add")
@click.argument("url")
@click.option("--type", "types", multiple=True, help="Only events of this type, for example order.taken (may be repeated).")
@of_merchant
@click.pass_obj
def hook_add(settings: Settings, url: str, types: tuple[str, ...], merchant: str) -> None:
    """Tell an address of what happens from now on; prints its secret, this once."""
    from core.errors import Refused
    from core.flows import hooks as flow

    hub, owner = opened(settings, merchant)
    try:
        id, secret = flow.add(hub, owner, WHO, url, types)
    except Refused as error:
        fail(f"hook add: {error}")
    click.echo(f"{id} {secret}")


@hooks.command("list")
@of_merchant
@as_json
@click.pass_obj
def hook_list(settings: Settings, merchant: str, as_json: bool) -> None:
    """All webhooks with their states."""
    from core.store import hooks as store

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        found = store.all_of(db, owner)
    if as_json:
        named = ("id", "url", "state", "reason", "sent_to", "failed", "failing_since", "rests_until", "created_at")
        click.echo(json.dumps([{"types": sorted(one.types), **{name: getattr(one, name) for name in named}} for one in found]))
        return
    rows = [(one.id, one.url, one.state, one.reason, " ".join(sorted(one.types)) or "all", _clock(one.failing_since)) for one in found]
    table("Webhooks", ("id", "address", "state", "why", "events", "fails since (UTC)"), rows)


def _act(settings: Settings, merchant: str, act: str, hook: str, *more: Any) -> None:
    from core.flows import hooks as flow

    hub, owner = opened(settings, merchant)
    if not getattr(flow, act)(hub, owner, WHO, hook, *more):
        fail(f"hook {act}: there is no such webhook{' or event' if more else ''}; see: crossdock hook list")


@hooks.command("pause")
@click.argument("hook")
@of_merchant
@click.pass_obj
def hook_pause(settings: Settings, hook: str, merchant: str) -> None:
    """Tell it nothing until it is resumed."""
    _act(settings, merchant, "pause", hook)
    click.echo("paused")


@hooks.command("resume")
@click.argument("hook")
@of_merchant
@click.pass_obj
def hook_resume(settings: Settings, hook: str, merchant: str) -> None:
    """Go on where it stopped."""
    _act(settings, merchant, "resume", hook)
    click.echo("it is told what happened since, as soon as the hub runs")


@hooks.command("test")
@click.argument("hook")
@of_merchant
@click.pass_obj
def hook_test(settings: Settings, hook: str, merchant: str) -> None:
    """Have the running hub send a test; `crossdock hook log` says what came of it."""
    _act(settings, merchant, "test", hook)
    click.echo("asked for")


@hooks.command("resend")
@click.argument("hook")
@click.argument("event", type=click.IntRange(1, 2**63 - 1))
@of_merchant
@click.pass_obj
def hook_resend(settings: Settings, hook: str, event: int, merchant: str) -> None:
    """Have the running hub tell an event once more, under the id that it had."""
    _act(settings, merchant, "resend", hook, event)
    click.echo("asked for")


@hooks.command("remove")
@click.argument("hook")
@of_merchant
@click.pass_obj
def hook_remove(settings: Settings, hook: str, merchant: str) -> None:
    """Forget a webhook and its log."""
    _act(settings, merchant, "remove", hook)
    click.echo("removed")


@hooks.command("secret")
@click.argument("hook")
@of_merchant
@click.pass_obj
def hook_secret(settings: Settings, hook: str, merchant: str) -> None:
    """Make a new secret and print it, this once; the old one signs for a day beside it."""
    from core.flows import hooks as flow

    hub, owner = opened(settings, merchant)
    secret = flow.rotate(hub, owner, WHO, hook)
    click.echo(secret) if secret else fail("hook secret: there is no such webhook; see: crossdock hook list")


@hooks.command("log")
@click.argument("hook")
@click.option("--most", type=click.IntRange(1, 1000), default=50, show_default=True)
@of_merchant
@as_json
@click.pass_obj
def hook_log(settings: Settings, hook: str, most: int, merchant: str, as_json: bool) -> None:
    """What came of the last calls, the newest first."""
    from core.store import hooks as store

    hub, owner = opened(settings, merchant)
    with hub.database.read() as db:
        found = store.calls(db, owner, hook, most)
    if as_json:
        click.echo(json.dumps([dict(row._mapping) for row in found]))
        return
    rows = [(_clock(row.at), row.event_id or "test", row.message, row.status or "none", row.ms, row.words) for row in found]
    table("Calls", ("at (UTC)", "event", "message", "answer", "# ms", "why"), rows)
