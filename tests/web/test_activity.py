"""Activity says in words what was done: whatever is written down has its sentence."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from core.domain.acts import Act
from tests.web.shop import Shop
from web import acts
from web.app import make_app

HOUSE = Path(__file__).parents[2]
FOLDERS = ("core/flows", "web/api", "web/pages", "config")
AN_ACT = re.compile(r"[a-z]+\.[a-z_]+")
WRITES = {"write", "note", "_note", "_say", "_said", "_tell", "_take_in", "_ask_once"}  # audit.write, and what hands an act on to it


def is_writing(node: ast.AST) -> bool:
    """It writes an act down, or chooses one of two for that."""
    called = getattr(node, "func", None)
    is_choice = isinstance(node, ast.IfExp) and isinstance(node.body, ast.Constant) and isinstance(node.orelse, ast.Constant)
    return is_choice or (getattr(called, "attr", None) or getattr(called, "id", None)) in WRITES


def texts(path: Path) -> Iterator[str]:
    for node in filter(is_writing, ast.walk(ast.parse(path.read_text("utf-8")))):
        yield from (one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str))


def written() -> set[str]:
    """Every act that the code may write down."""
    found = {text for folder in FOLDERS for path in (HOUSE / folder).rglob("*.py") for text in texts(path)}
    return {text for text in found if AN_ACT.fullmatch(text)} | {f"order.{one.value}" for one in Act}


def test_every_act_that_is_written_has_its_sentence_and_none_is_left_over(shop: Shop) -> None:
    with make_app(shop.hub).test_request_context():
        known, rooms = acts.SENTENCES, acts.rooms()

    assert len(written()) > 60
    assert sorted(written() - known.keys()) == []
    assert sorted(known.keys() - written()) == []
    assert {act.partition(".")[0] for act in known} == rooms.keys()
