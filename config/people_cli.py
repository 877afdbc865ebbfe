"""`crossdock user`: who may sign in, for whoever has the command line of this installation."""

import json
import sys
from typing import Any

import click

from config.settings import Settings
from core.domain.roles import Role
from core.domain.signin import LONGEST_TEXT, SHORTEST, Problem
from core.domain.who import COMMAND_LINE

WORDS = {
    Problem.SHORT: f"a password needs at least {SHORTEST} characters",
    Problem.LONG: f"a password has at most {LONGEST_TEXT} characters",
    Problem.KNOWN: "that password is among the first that somebody would guess",
    Problem.EMAIL: "that is not an e-mail address",
    Problem.TAKEN: "they work for this merchant already: crossdock user role EMAIL ROLE gives them another role",
    Problem.GONE: "somebody set another password in this moment",
    Problem.LAST_OWNER: "the last owner stays: make somebody else an owner first",
    Problem.NOBODY: "they do not work for this merchant",
}
of_role = click.Choice([role.value for role in Role])
of_merchant = click.option("--merchant", default="", help="The merchant's id; needed only where there are several.")
asking = click.option("--ask", is_flag=True, help="Ask for the password, or read it from standard input, instead of printing a link.")


@click.group("user")
def user() -> None:
    """Who may sign in to the pages, and as what. On the pages themselves an owner invites others: Settings, People."""


@user.command("add")
@click.argument("email")
@click.option("--role", type=of_role, default=Role.OWNER.value, show_default=True)
@click.option("--name", default="", help="How they are called.")
@click.option("--merchant-name", help="Make a new merchant of this name.")
@of_merchant
@asking
@click.pass_obj
def add(settings: Settings, email: str, role: str, name: str, merchant_name: str | None, merchant: str, ask: bool) -> None:
    """Let somebody in. Prints a link by which they set their password: it holds for a day and works once.

    Somebody who works for another merchant here already keeps their password.
    """
    from core.flows import connections, people

    hub = _hub(settings)
    owner = connections.add_merchant(hub, merchant_name).id if merchant_name else _merchant(hub, merchant)
    made = people.add(hub, owner, email, name, Role(role))
    if isinstance(made, Problem):
        raise click.ClickException(f"user add: {WORDS[made]}")
    if made.password and not ask:
        click.echo(f"{made.email} signs in as before")
    else:
        _give_password(settings, hub, made, ask=ask)


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for programs instead of a table.")
@click.pass_obj
def listed(settings: Settings, as_json: bool) -> None:
    """Every user, with each merchant that they work for."""
    from config.cli import _table
    from core.flows.people import everyone

    rows = everyone(_hub(settings))
    if as_json:
        told = [{**row._mapping, "has_password": bool(row.has_password), "has_code": bool(row.has_code)} for row in rows]
        click.echo(json.dumps(told))
        return
    cells = [(row.email or row.subject, row.name, row.role, row.merchant_name, _how(row)) for row in rows]
    _table("Users", ("e-mail", "name", "role", "merchant", "signs in"), cells)


def _how(row: Any) -> str:
    if row.disabled_at:
        return "not: disabled"
    if row.subject and not row.has_password:
        return "by the channel"
    return ("with a code" if row.has_code else "yes") if row.has_password else "not yet: has no password"


@user.command("role")
@click.argument("email")
@click.argument("role", type=of_role)
@of_merchant
@click.pass_obj
def role(settings: Settings, email: str, role: str, merchant: str) -> None:
    """Give somebody another role at a merchant."""
    from core.flows import people

    hub = _hub(settings)
    one = _user(hub, email)
    if problem := people.set_role(hub, _merchant(hub, merchant), one.id, Role(role), COMMAND_LINE):
        raise click.ClickException(f"user role: {WORDS[problem]}")
    click.echo(f"{one.email}: {role}")


@user.command("disable")
@click.argument("email")
@click.option("--undo", is_flag=True, help="Let them in again.")
@click.pass_obj
def disable(settings: Settings, email: str, undo: bool) -> None:
    """Shut somebody out at once, everywhere: their sessions end. What they did stays in the activity."""
    from core.flows import people

    hub = _hub(settings)
    one = _user(hub, email)
    people.shut_out(hub, one, is_out=not undo)
    click.echo(f"{one.email} {'may sign in again' if undo else 'is shut out'}")


@user.command("password")
@click.argument("email")
@asking
@click.option("--without-code", is_flag=True, help="Take the second factor off too: the telephone is gone, and the recovery codes.")
@click.pass_obj
def password(settings: Settings, email: str, ask: bool, without_code: bool) -> None:
    """Let somebody set a new password. Their sessions end when they do, and so does any wait after wrong ones."""
    from core.flows import people

    hub = _hub(settings)
    one = _user(hub, email)
    if without_code:
        people.take_off_code(hub, one)
    _give_password(settings, hub, one, ask=ask)


def _give_password(settings: Settings, hub: Any, one: Any, *, ask: bool) -> None:
    from core.flows import people

    if not ask:
        click.echo(f"{settings.public_url}/password/{people.link(hub, one)}")
        click.echo(f"whoever opens this link within a day sets the password of {one.email}", err=True)
        return
    given = click.prompt("Password", hide_input=True, confirmation_prompt=True) if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if problem := people.set_password(hub, one, given, COMMAND_LINE):
        raise click.ClickException(f"user: {WORDS[problem]}")
    click.echo(f"{one.email} signs in at {settings.public_url}/login")


def _hub(settings: Settings) -> Any:
    from config.cli import _hub

    return _hub(settings)


def _merchant(hub: Any, wanted: str) -> str:
    from config.cli import _merchant

    return _merchant(hub, wanted)


def _user(hub: Any, email: str) -> Any:
    from core.flows import people

    one = people.find(hub, email)
    if one is None:
        raise click.ClickException(f"there is no user {email}: crossdock user list")
    return one
