"""Real servers for tests, and databases of theirs. Where one is not on this machine its tests are skipped, and say how to get it."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial

import psycopg
import pytest

from config import servers
from config.servers import NotHere, free_port, postgres_programs
from core.store import schema
from core.store.engine import Database

__all__ = ["Databases", "databases", "free_port", "postgres", "postgres_programs", "redis_server"]


@contextmanager
def _or_skip(start: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    try:
        server = start()
        address = server.__enter__()
    except NotHere as error:
        pytest.skip(str(error))
    try:
        yield address
    finally:
        server.__exit__(None, None, None)


def postgres(*, durable: bool = True) -> AbstractContextManager[str]:
    return _or_skip(partial(servers.postgres, durable=durable))


def redis_server() -> AbstractContextManager[str]:
    return _or_skip(servers.redis_server)


TEMPLATE = "house_template"
TIMES = 25  # how often a database is used again: what was deleted still takes room, and a young one has little
END_OTHERS = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
# All that a test may have built or torn down: relations with their columns, rules on them, triggers, functions, settings, the version.
SHAPE = """
select md5(concat_ws('|',
  (select string_agg(concat_ws(' ', c.relname, c.relkind, c.relpersistence, a.attname, a.atttypid, a.attnotnull, a.atthasdef), ','
                     order by c.relname, a.attnum)
   from pg_class c left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
   where c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace, 'pg_toast'::regnamespace)),
  (select string_agg(concat_ws(' ', conname, convalidated), ',' order by conname) from pg_constraint),
  (select count(*) from pg_trigger), (select count(*) from pg_rewrite), (select max(oid) from pg_proc), (select count(*) from pg_namespace),
  (select count(*) from pg_db_role_setting), (select string_agg(version_num, ',') from alembic_version)))
"""
TABLES = "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'alembic_version'"
COUNTERS = (
    "select setval(oid, 1, false) from pg_class where relkind = 'S' and relnamespace = 'public'::regnamespace; select pg_stat_reset()"
)


@dataclass
class Databases:
    """Migrated and empty databases of one server. One that a test left in its shape is emptied and used again, which takes a few
    milliseconds where making and dropping one takes two hundred."""

    address: str
    free: list[tuple[str, int]] = field(default_factory=list)
    made: int = 0
    shape: str = ""

    @contextmanager
    def one(self) -> Iterator[str]:
        name, times = self.free.pop() if self.free else (self._make(), 0)
        yield f"{self.address}/{name}"
        if times + 1 < TIMES and self._emptied(name):
            self.free.append((name, times + 1))
        else:
            self._do("postgres", f"drop database {name} with (force)")

    def only_young(self) -> None:
        """The next one is new: nobody wrote to it, and no statistics were ever taken of it."""
        for name, _ in self.free:
            self._do("postgres", f"drop database {name} with (force)")
        self.free.clear()

    def make_template(self) -> None:
        self._do("postgres", f"create database {TEMPLATE}")
        template = Database(f"{self.address}/{TEMPLATE}")
        schema.migrate(template)
        template.close()
        self.shape = self._do(TEMPLATE, SHAPE)

    def _make(self) -> str:
        name = f"house_{random.getrandbits(48):x}"
        self._do("postgres", f"create database {name} template {TEMPLATE}")
        self.made += 1
        return name

    def _emptied(self, name: str) -> bool:
        with psycopg.connect(f"{self.address}/{name}", autocommit=True) as db:
            db.execute(END_OTHERS)
            if db.execute(SHAPE).fetchone() != (self.shape,):
                return False
            tables = [table for (table,) in db.execute(TABLES)]
            db.execute("; ".join([f"delete from {table}" for table in tables] + [COUNTERS]))
            return True

    def _do(self, database: str, statement: str) -> str:
        with psycopg.connect(f"{self.address}/{database}", autocommit=True) as db:
            done = db.execute(statement)
            found = done.fetchone() if done.description else None
            return str(found[0]) if found else ""


@contextmanager
def databases(address: str) -> Iterator[Databases]:
    made = Databases(address)
    made.make_template()
    yield made
