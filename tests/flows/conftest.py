"""These tests look at what is written, not at whether a disk keeps it: their databases do not wait for the disk."""

from collections.abc import Iterator

import pytest

from core.store.engine import Database
from tests.flows.quick import hurry


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = hurry(Database(database_url))
    yield made
    made.close()
