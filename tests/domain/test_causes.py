"""Whatever stops, waits or differs has its words: nothing that the code can produce is left without."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import errors, jobs
from core.domain import causes
from core.domain.causes import Press
from core.domain.tasks import Task
from core.flows import access, judging, privacy

HOUSE = Path(__file__).parents[2]


def calls(name: str) -> Iterator[ast.Call]:
    """Every call of this name in core."""
    for path in (HOUSE / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield node


def texts(node: ast.AST) -> list[str]:
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def of_hub() -> list[type[errors.HubError]]:
    found = [errors.HubError]
    for one in found:
        found += one.__subclasses__()
    return found


@pytest.mark.parametrize("error", of_hub(), ids=lambda error: error.__name__)
def test_every_error_that_parks_a_task_has_its_cause(error: type[errors.HubError]) -> None:
    outcome = jobs.judge(error("x"), Task(1, "m", "c", "poll_orders", "s", 1, tries=99), 0.5)

    known = causes.OF_ERRORS.get(outcome.cause or "")
    assert outcome.state == "due" or known or error in (errors.HubError, errors.Retryable, errors.Forged, errors.LostLease)


def test_every_cause_that_a_flow_parks_by_is_known() -> None:
    parked = [call for call in calls("Outcome") if call.args and texts(call.args[0]) == ["parked"]]
    said = {word.value.value for call in parked for word in call.keywords if word.arg == "cause" and isinstance(word.value, ast.Constant)}

    assert {"BadPayload", "Gone"} <= said
    assert said <= causes.OF_ERRORS.keys()
    assert "'Crash'" in (HOUSE / "core/store/tasks.py").read_text("utf-8")


def test_every_finding_has_its_cause() -> None:
    said = {texts(call.args[1])[0] for call in calls("Finding") if len(call.args) > 1 and isinstance(call.args[1], ast.Constant)}
    said |= {access.LOGIN, access.SCOPES, privacy.REQUEST, judging.BREAK, judging.DECLINED, judging.LABEL}  # those that a flow names once

    assert {"order", "listing", "silence", "subscription", "login", "scopes", "request"} <= said
    named = {call.args[1].id for call in calls("Finding") if len(call.args) > 1 and isinstance(call.args[1], ast.Name)}
    assert named <= {"what", "REQUEST", "BREAK", "DECLINED", "LABEL"}
    assert {causes.of_finding(what) for what in said} <= causes.ALL.keys()


def test_every_kind_of_work_says_what_it_was_about_to_do() -> None:
    assert jobs.KINDS.keys() <= causes.DOES.keys()


def test_every_problem_of_an_order_has_its_words() -> None:
    files = [*(HOUSE / "connectors").rglob("*.py"), HOUSE / "core/domain/order.py"]
    places = r"notes?\.append\(|notes = |doubt = |NO_CURRENCY, |found(?: =|\.append)|party, |PAYMENTS else |OTHER, "
    noted = re.compile(rf"(?:{places}).*?f?[\"](\w+): ")
    said = {word for path in files if "simulat" not in path.name for word in noted.findall(path.read_text("utf-8"))}

    assert said >= {"money", "status", "quantity", "lines", "currency", "tax", "party", "payment", "fulfillment", "tracking"}
    assert said <= causes.PROBLEMS.keys()


def test_what_nobody_foresaw_is_a_mistake_of_ours() -> None:
    assert causes.of_task("reserve", "KeyError") == causes.of_task("reserve", None) == "bug"
    assert causes.of_task("send_alerts", "Refused") == "unsent"


@pytest.mark.parametrize("cause", causes.ALL.values(), ids=lambda cause: cause.name)
def test_every_cause_says_what_happened_what_it_means_and_what_to_press(cause: causes.Cause) -> None:
    assert min(map(len, (cause.what, cause.means, cause.todo))) > 8
    assert cause.press
    assert cause.means.endswith(".")
    assert cause.todo.endswith(".")
    assert not cause.what.endswith(".")
    assert re.fullmatch(r"[a-z-]+", cause.name)
    assert set(cause.press) <= set(Press)


def test_our_own_ids_are_left_out_of_what_an_error_said() -> None:
    assert causes.plain("total: not money (connection=01a2-b)") == "total: not money"
    assert causes.plain("declined (path=/x status=400)") == "declined (path=/x status=400)"
    assert causes.plain(None) == ""


def test_what_cannot_wait_is_known_by_name() -> None:
    assert set(causes.LOUD) == {
        "login",
        "uncaptured",
        "stands",
        "unread",
        "blind",
        "oversold",
        "late",
        "no-answer",
        "found-break",
        "found-document",
        "found-label",
    }
