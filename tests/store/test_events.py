"""The feed shows no event before all earlier ones: whoever reads on behind the last one never misses any."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.domain.events import CopyFound
from core.store import events
from core.store.engine import Database
from tests.servers import Databases


@pytest.fixture
def postgres(request: pytest.FixtureRequest) -> Iterator[Database]:
    databases: Databases = request.getfixturevalue("postgres_databases")
    with databases.one() as address:
        made = Database(address)
        yield made
        made.close()


def waits(database: Database) -> bool:
    with database.read() as db:
        return bool(db.exec_driver_sql("select count(*) from pg_locks where locktype = 'advisory' and not granted").scalar_one())


def test_an_event_is_shown_only_when_no_earlier_one_can_still_appear(postgres: Database) -> None:
    with ThreadPoolExecutor(1) as pool:
        with postgres.write() as slow:
            events.append(slow, "m", [("c/1", CopyFound(None))], "test", 1)
            with postgres.write() as fast:
                events.append(fast, "m", [("c/2", CopyFound(None))], "test", 1)
            reading = pool.submit(events.settled, postgres, "m", 0)
            while not waits(postgres):
                assert not reading.done()
        upto = reading.result()

    with postgres.read() as db:
        assert [row.subject for row in events.feed(db, "m", 0, upto, 10)] == ["c/1", "c/2"]


def test_a_merchant_waits_for_nobody_elses_events(postgres: Database) -> None:
    with postgres.write() as other:
        events.append(other, "n", [("c/1", CopyFound(None))], "test", 1)
        with postgres.write() as db:
            events.append(db, "m", [("c/2", CopyFound(None))], "test", 1)
        upto = events.settled(postgres, "m", 0)

    assert upto > 0
    assert events.settled(postgres, "m", upto) == upto


def test_events_are_counted_from_the_last_one_that_is_known(database: Database) -> None:
    for n in range(3):
        with database.write() as db:
            events.append(db, "m", [(f"c/{n}", CopyFound(None))], "test", n)

    upto = events.settled(database, "m", 0)
    with database.read() as db:
        first = events.feed(db, "m", 0, upto, 2)
        rest = events.feed(db, "m", first[-1].id, upto, 2)

    assert [row.subject for row in [*first, *rest]] == ["c/0", "c/1", "c/2"]
    assert events.settled(database, "m", upto) == upto
    assert events.settled(database, "another", 0) == 0
