"""One's own page: name and language, password, second factor, sessions, and the merchants that one works for."""

from typing import Any

import segno
from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.wrappers import Response

from core.domain.signin import Problem
from core.flows import codes, people
from core.store.people import User
from web import alone, words
from web.visitor import hub, needs, visitor

pages = Blueprint("account", __name__)
Page = str | tuple[str, int] | Response


@pages.get("/account")
@needs("own")
def page() -> Page:
    return _page()


def _page(problem: Problem | None = None, **more: Any) -> Page:
    own = people.own(hub(), visitor().user, alone.session())
    text = render_template(
        "account.html", own=own, languages=_languages(), browser=words.browser, problem=problem and words.problem(problem), **more
    )
    return (text, 400) if problem else text


def _languages() -> dict[str, str]:
    found: dict[str, str] = current_app.config["LANGUAGES"]
    return found


def _user() -> User:
    return people.of(hub(), visitor().user) or abort(404)


def _done(said: str) -> Response:
    flash(said, "good")
    return redirect(url_for("account.page"), 303)


@pages.post("/account")
@needs("own")
def save() -> Page:
    locale = request.form.get("locale", "")
    people.set_own(hub(), visitor().user, request.form.get("name", ""), locale if locale in _languages() else None)
    return _done(gettext("Saved."))


@pages.post("/account/password")
@needs("own")
def change_password() -> Page:
    old, new = request.form.get("old", ""), request.form.get("new", "")
    problem = people.change_password(hub(), _user(), old, new, alone.session(), alone.address())
    return _page(problem, where="password") if problem else _done(gettext("The password is changed. All your other sessions have ended."))


# ---- the second factor


@pages.get("/account/code")
@needs("own")
def code() -> Page:
    return _code(people.code_ticket(hub(), _user(), codes.new_secret()))


def _code(ticket: str, problem: Problem | None = None) -> Page:
    user = _user()
    secret = people.code_secret(hub(), user, ticket) or abort(400)
    picture = segno.make(codes.address(secret, user.email or user.name)).svg_inline(scale=5, dark="#000", light="#fff")
    shown = {"picture": Markup(picture), "problem": problem and words.problem(problem)}  # noqa: S704 - segno's own
    return render_template("code.html", ticket=ticket, secret=secret, **shown)


@pages.post("/account/code")
@needs("own")
def put_on_code() -> Page:
    ticket = request.form.get("ticket", "")
    done = people.put_on_code(hub(), _user(), ticket, request.form.get("code", ""))
    if done is Problem.WRONG:
        return _code(ticket, done)
    return _page(done, where="code") if isinstance(done, Problem) else render_template("recovery.html", codes=done)


@pages.post("/account/code/off")
@needs("own")
def take_off_code() -> Page:
    problem = people.give_up_code(hub(), _user(), request.form.get("password", ""), alone.address())
    return _page(problem, where="code") if problem else _done(gettext("You sign in by your password alone now."))


# ---- sessions, merchants


@pages.post("/account/sessions/<session>/end")
@needs("own")
def end_session(session: str) -> Page:
    if not people.end_session(hub(), visitor().user, session):
        abort(404)
    return _done(gettext("That session has ended."))


@pages.post("/account/sessions/end")
@needs("own")
def end_others() -> Page:
    people.end_others(hub(), visitor().user, alone.session())
    return _done(gettext("All other sessions have ended."))


@pages.post("/account/merchant")
@needs("own")
def switch() -> Page:
    if not people.switch(hub(), alone.session(), request.form.get("merchant", "")):
        abort(404)
    return redirect(url_for("home.page"), 303)
