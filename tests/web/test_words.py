"""Every sentence that a page can say is there in every language, with the same names in it."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from tests.web.people import Person
from web.visitor import LANGUAGES

HOUSE = Path(__file__).parents[2]
OTHERS = [name for name in LANGUAGES if name != "en"]
KEYWORDS = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2), "lazy_gettext": None}
METHODS = [("web/templates/**.html", "jinja2"), ("web/**.py", "python"), ("core/**.py", "python")]
NAMES = re.compile(r"%\(\w+\)s|%%")


@cache
def said() -> frozenset[str | tuple[str, ...]]:
    """Every sentence of ours; one that counts things is a pair."""
    found = [
        message
        for folder in ("web", "core")
        for _, _, message, _, _ in extract_from_dir(
            HOUSE / folder,
            [(pattern.removeprefix(f"{folder}/"), method) for pattern, method in METHODS if pattern.startswith(folder)],
            keywords=KEYWORDS,
        )
    ]
    return frozenset(tuple(one) if isinstance(one, (tuple, list)) else one for one in found)


def path(language: str, kind: str) -> Path:
    return HOUSE / "web" / "translations" / language / "LC_MESSAGES" / f"messages.{kind}"


def catalog(language: str) -> Catalog:
    with path(language, "po").open("rb") as file:
        return read_po(file, locale=language)


def messages(language: str) -> Iterator[Message]:
    return (message for message in catalog(language) if message.id)


def key(message: Message) -> str | tuple[str, ...]:
    return tuple(message.id) if isinstance(message.id, (tuple, list)) else str(message.id)


def forms(message: Message) -> list[str]:
    return list(message.string) if isinstance(message.string, (tuple, list)) else [str(message.string)]


@pytest.mark.parametrize("language", OTHERS)
def test_no_sentence_is_missing_and_none_is_left_over(language: str) -> None:
    known = {key(message): message for message in messages(language)}

    assert len(said()) > 500
    assert sorted(map(str, said() - known.keys())) == []
    assert sorted(map(str, known.keys() - said())) == []
    assert [str(one) for one, message in known.items() if message.fuzzy or not all(forms(message))] == []


@pytest.mark.parametrize("language", OTHERS)
def test_every_name_in_a_sentence_is_in_its_translation(language: str) -> None:
    wrong = []
    for message in messages(language):
        wanted = sorted(NAMES.findall(message.id if isinstance(message.id, str) else message.id[1]))
        wrong += [str(message.id) for form in forms(message) if sorted(NAMES.findall(form)) != wanted and not message.pluralizable]

    assert wrong == []


@pytest.mark.parametrize("language", OTHERS)
def test_what_is_read_is_what_was_written(language: str) -> None:
    made = BytesIO()
    write_mo(made, catalog(language))

    assert path(language, "mo").read_bytes() == made.getvalue(), "make words"


def test_a_page_speaks_the_visitors_language(signed_in: Callable[..., Person]) -> None:
    page = signed_in("viewer").get("/", headers={"Accept-Language": "ru"}).text

    assert '<html lang="ru">' in page
    assert "Обзор" in page
    assert "Overview" not in page
