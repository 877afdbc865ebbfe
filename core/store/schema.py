"""Migrations: forward only. The SQLite file is copied before it is changed."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from core.store import row_locks
from core.store.engine import Database

HERE = Path(__file__).parent / "migrations"


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    return config


def head() -> str:
    """The newest revision that this code knows."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def current(database: Database) -> str:
    """The revision of the database; empty where it has none."""
    with database.read() as db:
        return MigrationContext.configure(db).get_current_revision() or ""


def migrate(database: Database) -> Path | None:
    """Bring the database to head, and the second lock as near as its user may. Gives the copy that was made of an SQLite file that had a
    revision before."""
    was = current(database)
    if was == head():
        _arrange(database)
        return None
    copy = _copy(database, was) if was and database.is_sqlite else None
    config = _config()
    with database.write() as db:
        config.attributes["connection"] = db
        command.upgrade(config, "head")
    _arrange(database)
    return copy


def _arrange(database: Database) -> None:
    if not database.is_sqlite:
        with database.write() as db:
            row_locks.arrange(db)


def _copy(database: Database, was: str) -> Path:
    file = Path(database.url.removeprefix("sqlite:///"))
    copy = file.with_suffix(f".before-{was}.db")
    database.copy_to(str(copy))
    return copy
