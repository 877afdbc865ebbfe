"""Shops for the tests of the door and the pages."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Clock
from tests.servers import Databases
from tests.web.shop import Shop, open_shop


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
def either_shop(make_shop: Callable[[str], Shop], database_url: str) -> Shop:
    """On SQLite, then on PostgreSQL."""
    return make_shop(database_url)


@pytest.fixture
def postgres_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty, migrated database on PostgreSQL."""
    databases: Databases = request.getfixturevalue("postgres_databases")
    with databases.one() as address:
        yield address
