"""Shops for the tests of the door and the pages."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import Clock
from tests.servers import Databases
from tests.web.desk import Desk, open_desk
from tests.web.inside import Admin, on, open_admin
from tests.web.late import LateRule
from tests.web.people import Person, come_in, hire
from tests.web.shop import Shop, open_shop

Flask.url_rule_class = LateRule  # applications are made faster


@pytest.fixture
def make_shop(clock: Clock, tmp_path: Path) -> Iterator[Callable[[str], Shop]]:
    made: list[Shop] = []

    def make(database_url: str) -> Shop:
        made.append(open_shop(database_url, tmp_path, clock))
        return made[-1]

    yield make
    for shop in made:
        shop.hub.database.close()


@pytest.fixture
def shop(make_shop: Callable[[str], Shop], sqlite_template: Path, tmp_path: Path) -> Shop:
    path = tmp_path / "house.db"
    path.write_bytes(sqlite_template.read_bytes())
    return make_shop(f"sqlite:///{path}")


@pytest.fixture
def signed_in(shop: Shop) -> Callable[..., Person]:
    """signed_in("viewer") is the browser of a viewer of the shop's merchant; they send with each form the proof that it was ours."""

    def make(role: str = "owner", **named: str) -> Person:
        return come_in(shop, hire(shop.hub, shop.merchant, role, **named), shop.merchant)

    return make


@pytest.fixture
def either_shop(make_shop: Callable[[str], Shop], database_url: str) -> Shop:
    """On SQLite, then on PostgreSQL."""
    return make_shop(database_url)


@pytest.fixture
def postgres_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty, migrated database on PostgreSQL."""
    databases: Databases = request.getfixturevalue("postgres_databases")
    with databases.one() as address:
        yield address


@pytest.fixture
def make_admin(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Admin]]:
    """An installation and its shops, on both databases."""
    made: list[Admin] = []

    def make(*accounts: str, **environ: str) -> Admin:
        made.append(open_admin(database_url, tmp_path, *accounts, **environ))
        monkeypatch.setattr("jwt.api_jwt.datetime", on(made[-1].clock))
        return made[-1]

    yield make
    for admin in made:
        admin.hub.database.close()


@pytest.fixture
def admin(make_admin: Callable[..., Admin]) -> Admin:
    return make_admin()


@pytest.fixture
def desk(database_url: str, clock: Clock, tmp_path: Path) -> Iterator[Desk]:
    made = open_desk(database_url, clock, tmp_path)
    yield made
    made.hub.database.close()
