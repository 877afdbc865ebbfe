"""Signing in and out, the first owner, links for a password, invitations: pages for those who are not let in yet."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response

from core.domain.signin import Problem
from core.flows import people, signin
from core.flows.signin import CodeWanted, Sorry, Welcome
from core.store.people import User
from web import alone, words
from web.visitor import PUBLIC, Visitor, hub, needs, visitor

pages = Blueprint("signin", __name__)
Page = str | tuple[str, int] | Response


@pages.get("/login")
@needs(PUBLIC)
def page() -> Page:
    return _form()


@pages.post("/login")
@needs(PUBLIC)
def enter() -> Page:
    return _answer(signin.enter(hub(), request.form.get("email", ""), request.form.get("password", ""), alone.asker()))


@pages.post("/login/code")
@needs(PUBLIC)
def enter_code() -> Page:
    return _answer(signin.enter_code(hub(), request.form.get("ticket", ""), request.form.get("code", ""), alone.asker()))


def _answer(said: signin.Answer) -> Page:
    match said:
        case Welcome():
            return alone.let_in(said, request.form.get("next", ""))
        case CodeWanted(ticket):
            return _form(ticket=ticket)
        case Sorry(wait_s) if wait_s:
            words = ngettext(
                "That was tried too often. Wait %(num)d minute.", "That was tried too often. Wait %(num)d minutes.", -(-wait_s // 60)
            )
            return _form(problem=words), 429
    ticket = request.form.get("ticket", "")
    return _form(problem=_wrong(ticket), ticket=ticket), 401


def _wrong(ticket: str) -> str:
    if ticket:
        return str(gettext("That code was not right, or was used already. Wait for the next one, or sign in anew."))
    return str(gettext("E-mail address and password do not fit together."))


def _form(problem: str = "", ticket: str = "") -> str:
    said: dict[str, Any] = {"email": request.form.get("email", ""), "next": request.values.get("next", "")}
    return render_template("signin.html", problem=problem, ticket=ticket, **said)


@pages.post("/logout")
@needs("own")
def leave() -> Response:
    signin.leave(hub(), alone.session(), visitor().user)
    answer = redirect(url_for("signin.page"), 303)
    alone.forget(answer, alone.SESSION)
    return answer


# ---- the first owner


@pages.get("/setup/<token>")
@needs(PUBLIC)
def setup(token: str) -> Page:
    if not people.is_setup(hub(), token):
        abort(404)
    return render_template("setup.html", typed={})


@pages.post("/setup/<token>")
@needs(PUBLIC)
def set_up(token: str) -> Page:
    said = {name: request.form.get(name, "") for name in ("email", "name", "merchant_name")}
    done = people.first_owner(hub(), token, **said, password=request.form.get("password", ""), asker=alone.asker())
    if isinstance(done, Welcome):
        return alone.let_in(done, "/")
    if done is Problem.GONE:
        abort(404)
    return render_template("setup.html", typed=said, problem=words.problem(done)), 400


# ---- a link by which one sets a password


@pages.get("/password/<token>")
@needs(PUBLIC)
def password(token: str) -> Page:
    return render_template("password.html", who=people.linked(hub(), token) or abort(404))


@pages.post("/password/<token>")
@needs(PUBLIC)
def set_password(token: str) -> Page:
    who = people.linked(hub(), token) or abort(404)
    if problem := people.redeem(hub(), token, request.form.get("password", "")):
        return render_template("password.html", who=who, problem=words.problem(problem)), 400
    flash(gettext("The password is set. Sign in with it."), "good")
    return redirect(url_for("signin.page"), 303)


# ---- an invitation


@pages.get("/join/<token>")
@needs(PUBLIC)
def invitation(token: str) -> Page:
    return _invitation(token)


@pages.post("/join/<token>")
@needs(PUBLIC)
def join(token: str) -> Page:
    found, who = _invited(token), _signed_in()
    if who:
        problem = people.join_known(hub(), token, who, alone.session())
        return _invitation(token, problem) if problem else redirect(url_for("home.page"), 303)
    said = {name: request.form.get(name, "") for name in ("name", "password")}
    done = people.join_new(hub(), token, **said, asker=alone.asker())
    if isinstance(done, Welcome):
        return alone.let_in(done, "/")
    return _invitation(token, done, found)


def _invitation(token: str, problem: Problem | None = None, found: Any = None) -> tuple[str, int]:
    found, who = found or _invited(token), _signed_in()
    known = people.find(hub(), found.email) is not None
    values = {"invited": found, "role": words.role(found.role), "who": who, "known": known, "token": token}
    return render_template("join.html", **values, problem=problem and words.problem(problem)), 400 if problem else 200


def _invited(token: str) -> Any:
    return people.invited(hub(), token) or abort(404)


def _signed_in() -> User | None:
    """Who is signed in here, though this page is open to all."""
    found = alone.visitor(hub())
    return people.of(hub(), found.user) if isinstance(found, Visitor) else None
