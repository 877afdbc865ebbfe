"""`crossdock simulate-world` as somebody types it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from config import simulate_cli
from config.cli import cli


def said(*words: str) -> Result:
    return CliRunner().invoke(cli, ["simulate-world", *words])


def figures(*words: str) -> dict[str, Any]:
    done = said(*words, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_same_seeds_give_the_same_hash_and_others_another() -> None:
    first, again, other = figures("--seeds", "3"), figures("--seeds", "3"), figures("--seeds", "3", "--first", "4")

    assert first["hash"] == again["hash"] != other["hash"]
    assert (first["seeds"], first["broken"]) == (3, 0)
    assert first["orders"] > 50


def test_what_broke_is_told_with_the_command_that_shows_it_again() -> None:
    done = said("--mutant", "off-by-one", "--seeds", "1", "--knob", "plain")

    assert done.exit_code == 1
    assert "what is sold twice is explained" in done.stderr
    assert "crossdock simulate-world --world pure --knob 'plain' --first 1 --seeds 1" in done.stderr


def test_the_table_of_faults_is_printed() -> None:
    done = said("--world", "sqlite", "--seeds", "1", "--table")

    assert done.exit_code == 0
    assert "never met: crash, take_orders" in done.stdout.replace("\n", " ") or "never met:" in done.stdout


@pytest.mark.parametrize("words", [("--knob", "fast"), ("--without", "rain"), ("--mutant", "nobody")])
def test_what_is_not_known_is_said_in_one_line(words: tuple[str, str]) -> None:
    done = said(*words)

    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 1


def test_where_the_tests_are_not_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(simulate_cli, "__file__", str(tmp_path / "config" / "simulate_cli.py"))

    done = said()

    assert done.exit_code == 2
    assert "tests/simulation is not here" in done.stderr
