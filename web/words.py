"""Roles, and why something about a person was not done, in words."""

from flask_babel import gettext

from core.domain.roles import Role
from core.domain.signin import LONGEST_TEXT, SHORTEST, Problem


def role(one: Role | str) -> str:
    said = {
        Role.OWNER: gettext("Owner"),
        Role.MANAGER: gettext("Manager"),
        Role.PACKER: gettext("Warehouse"),
        Role.ACCOUNTANT: gettext("Accountant"),
        Role.VIEWER: gettext("Viewer"),
    }
    return str(said[Role(one)])


def may(one: Role) -> str:
    """What a role is for, in a line."""
    said = {
        Role.OWNER: gettext("everything, people and API keys too"),
        Role.MANAGER: gettext("everything but people, keys and removing connections"),
        Role.PACKER: gettext("orders, stock and what needs attention"),
        Role.ACCOUNTANT: gettext("reads everything but settings, exports orders"),
        Role.VIEWER: gettext("reads, without buyers' names and addresses"),
    }
    return str(said[one])


BROWSERS = {"Edg/": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}  # the first that fits
SYSTEMS = {"Windows": "Windows", "Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Mac OS X": "macOS", "Linux": "Linux"}


def browser(agent: str) -> str:
    """What a browser calls itself, shortly: "Firefox, Linux"; as it says it where we know none of it."""
    known = [next((name for sign, name in signs.items() if sign in agent), "") for signs in (BROWSERS, SYSTEMS)]
    return ", ".join(filter(None, known)) or agent[:40] or str(gettext("unknown"))


def problem(problem: Problem) -> str:
    said = {
        Problem.SHORT: gettext("A password needs at least %(count)s characters.", count=SHORTEST),
        Problem.LONG: gettext("A password has at most %(count)s characters.", count=LONGEST_TEXT),
        Problem.KNOWN: gettext("That password is among the first that somebody would guess."),
        Problem.EMAIL: gettext("That is not an e-mail address."),
        Problem.NAME: gettext("Please give a name of at most 100 characters."),
        Problem.TAKEN: gettext("Somebody with that address is here already."),
        Problem.GONE: gettext("This link holds no more, or something else was faster. Ask for a new one."),
        Problem.WRONG: gettext("That was not right."),
        Problem.WAIT: gettext("That was tried too often. Wait some minutes."),
        Problem.LAST_OWNER: gettext("The last owner stays: make somebody else an owner first."),
        Problem.NOBODY: gettext("Nobody like that works here any more."),
    }
    return str(said[problem])
