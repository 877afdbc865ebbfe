"""Who works here, as what; invitations. An owner's page of the settings."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from core.domain.roles import Role
from core.domain.signin import Problem
from core.flows import people as flows
from core.store import people
from web import alone, words
from web.visitor import hub, needs, visitor, who

pages = Blueprint("people", __name__)
Page = str | tuple[str, int] | Response


@pages.get("/settings/people")
@needs("users.manage")
def page() -> Page:
    return _page()


def _page(problem: Problem | None = None, **more: Any) -> Page:
    with hub().database.read() as db:
        staff = people.staff(db, visitor().merchant)
        invited = people.open_invitations(db, visitor().merchant, hub().now)
    more |= {"problem": problem and words.problem(problem), "role_name": words.role, "role_may": words.may}
    text = render_template("people.html", staff=staff, invited=invited, roles=list(Role), **more)
    return (text, 400) if problem else text


def _role() -> Role:
    try:
        return Role(request.form.get("role", ""))
    except ValueError:
        abort(400, gettext("There is no such role."))


def _done(problem: Problem | None, said: str) -> Page:
    if problem is Problem.NOBODY:
        abort(404)
    if problem:
        return _page(problem)
    flash(said, "good")
    return redirect(url_for("people.page"), 303)


@pages.post("/settings/people/invitations")
@needs("users.manage")
def invite() -> Page:
    """The link is shown now and never again: only its hash is kept."""
    email = request.form.get("email", "")
    made = flows.invite(hub(), visitor().merchant, email, _role(), who())
    if isinstance(made, Problem):
        return _page(made, email=email)
    return _page(link=alone.origin() + url_for("signin.invitation", token=made), email=email)


@pages.post("/settings/people/invitations/<invitation>/withdraw")
@needs("users.manage")
def withdraw(invitation: str) -> Page:
    problem = flows.withdraw(hub(), visitor().merchant, invitation, who())
    return _done(problem, gettext("The invitation holds no more."))


@pages.post("/settings/people/<user>/role")
@needs("users.manage")
def set_role(user: str) -> Page:
    return _done(flows.set_role(hub(), visitor().merchant, user, _role(), who()), gettext("Saved."))


@pages.post("/settings/people/<user>/remove")
@needs("users.manage")
def remove(user: str) -> Page:
    return _done(flows.remove(hub(), visitor().merchant, user, who()), gettext("They work here no more."))
