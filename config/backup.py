"""Backup and restore: all that the hub remembers in one file, which SQLite and PostgreSQL both take in.

The file is a zip. Its parts are written and read one after another, however large; its table of contents comes last, so one that was
cut short is known at once. Each table is a part of JSON lines, a row each, bytes as base64; a manifest says what the parts must be.
"""

import base64
import errno
import hashlib
import os
import secrets
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, is_zipfile

import msgspec
from pydantic import SecretStr
from sqlalchemy import BigInteger, Connection, LargeBinary, Table, func, inspect, make_url, select, text

from config.settings import Settings, key_ring
from core.flows.restore import look_again
from core.hub import utc_now
from core.store import schema
from core.store.engine import Database
from core.store.tables import metadata, us
from core.store.unit import Unit
from core.store.vault import Unreadable, Vault

FORMAT = 1
MANIFEST, KEYS = "manifest.json", "keys"
AT_ONCE = 1000  # rows
SPEED = 1  # of compressing: half of the data is sealed and gets no smaller
SEALED_BY = ("merchants", "users")  # each has a wrapped data key of its own
NOT_CONTENT = ("schedules",)  # written by a hub that has nothing to do

_encode = msgspec.json.Encoder().encode
_row = msgspec.json.Decoder(list[Any]).decode


class Unfit(Exception):
    """One line that says why this cannot be backed up, or restored here."""


@dataclass(frozen=True, slots=True)
class Part:
    """A table's rows; `sha256` is over the part as it reads, not as it is packed."""

    rows: int
    sha256: str
    columns: list[str]


@dataclass(frozen=True, slots=True)
class Keys:
    """Key ids: those in the file, and those without which nothing sealed in it can be read."""

    held: list[str]
    needed: list[str]
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds; `revision` is the tables', `database` the kind that it was made of."""

    format: int
    made_at: str
    revision: str
    database: str
    tables: dict[str, Part]
    keys: Keys
    note: str

    @property
    def missing_keys(self) -> list[str]:
        return [id for id in self.keys.needed if id not in self.keys.held]


_manifest = msgspec.json.Decoder(Manifest).decode


# ---- backup


def back_up(settings: Settings, file: Path, *, with_keys: bool = True, clock: Callable[[], datetime] = utc_now) -> Manifest:
    """Write everything as it was at one moment into `file`, while the hub runs. Raises Unfit, and OSError where it cannot be written."""
    if file.exists() and not is_zipfile(file):
        raise Unfit(f"{file} is there and is no backup: it is not overwritten")
    with closing(_existing(settings)) as database, _whole(file) as raw, ZipFile(raw, "w", ZIP_DEFLATED, compresslevel=SPEED) as out:
        with _moment(database) as db:
            manifest = Manifest(
                format=FORMAT,
                made_at=clock().isoformat(),
                revision=_at_head(db),
                database=db.dialect.name,
                tables={str(table.name): _dump(db, out, table) for table in metadata.sorted_tables},
                keys=_put_keys(settings, out, _needed(db), with_keys=with_keys),
                note="Without the keys that are needed nothing that is sealed in this file can be read.",
            )
        out.writestr(MANIFEST, _encode(manifest))
    return manifest


def _existing(settings: Settings) -> Database:
    if _is_no_file(settings):
        raise Unfit(f"there is no database at {_place(settings)}")
    return Database(settings.database)


def _is_no_file(settings: Settings) -> bool:
    """Opening an SQLite file makes it: that it is not there must be known before."""
    return settings.is_sqlite and not Path(make_url(settings.database).database or "").exists()


def _place(settings: Settings) -> str:
    return make_url(settings.database).render_as_string(hide_password=True)


@contextmanager
def _whole(file: Path) -> Iterator[IO[bytes]]:
    """A file for its owner only, which has its name once it is whole and on the disk."""
    part = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as raw:
            yield raw
            raw.flush()
            os.fsync(raw.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _moment(database: Database) -> Iterator[Connection]:
    """One moment of the whole database; those who write are not held up."""
    if database.is_sqlite:
        with database.read() as db:  # a transaction there: it sees what was there at its first look
            yield db
        return
    alone = database.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with alone.connect() as db:
        for setting in ("statement_timeout = 0", "enable_seqscan = on"):
            db.exec_driver_sql(f"set local {setting}")
        yield db


def _at_head(db: Connection) -> str:
    known = inspect(db).has_table("alembic_version")
    if not known or db.execute(text("select version_num from alembic_version")).scalar() != schema.head():
        raise Unfit("the database is not up to date: run `crossdock migrate`")
    return schema.head()


def _needed(db: Connection) -> list[str]:
    wrapped = [key for table in SEALED_BY for key in db.execute(select(metadata.tables[table].c.data_key)).scalars()]
    return sorted({key.partition(":")[0] for key in wrapped})


def _dump(db: Connection, out: ZipFile, table: Table) -> Part:
    rows, digest = 0, hashlib.sha256()
    with out.open(_part(table), "w", force_zip64=True) as part:
        for some in db.execution_options(yield_per=AT_ONCE).execute(select(table)).partitions():
            lines = b"".join(_encode(tuple(row)) + b"\n" for row in some)
            part.write(lines)
            digest.update(lines)
            rows += len(some)
    return Part(rows, digest.hexdigest(), [str(column.name) for column in table.columns])


def _part(table: Table) -> str:
    return f"tables/{table.name}.jsonl"


def _put_keys(settings: Settings, out: ZipFile, needed: list[str], *, with_keys: bool) -> Keys:
    """The home's keys. Those of the environment are kept where that comes from."""
    path = settings.home / KEYS
    if not with_keys or settings.keys is not None or not path.exists():
        return Keys([], needed)
    raw = path.read_bytes()
    out.writestr(KEYS, raw)
    return Keys(list(_ring(settings, raw)), needed, hashlib.sha256(raw).hexdigest())


def _ring(settings: Settings, raw: bytes) -> dict[str, bytes]:
    """The keys that stand in a key file. Raises BadSettings."""
    return key_ring(settings.model_copy(update={"keys": SecretStr(raw.decode("utf-8", "replace"))}))


# ---- restore


@dataclass(frozen=True, slots=True)
class Restored:
    """`connections` are asked for their orders and listings; `keys_put`: the home had none, and has those of the file now."""

    manifest: Manifest
    into: str
    keys_put: bool
    connections: int = 0


def restore(settings: Settings, file: Path, *, dry_run: bool = False, clock: Callable[[], datetime] = utc_now) -> Restored:
    """Put a backup into an empty database, all of it or nothing; `dry_run` only checks. Raises Unfit, BadSettings and OSError."""
    with _opened(file) as parts:
        manifest = _checked(parts)
        keys = _keys_to_put(settings, parts, manifest)
        _check_empty(settings)
        asked = 0 if dry_run else _take_in(settings, parts, keys, us(clock()))
    return Restored(manifest, _place(settings), keys is not None, asked)


@contextmanager
def _opened(file: Path) -> Iterator[ZipFile]:
    """What cannot be read of it is the file's fault."""
    try:
        with ZipFile(file) as parts:
            yield parts
    except (BadZipFile, zlib.error, EOFError, RuntimeError, msgspec.MsgspecError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # zipfile seeks and unpacks as the file tells it to
            raise
        raise Unfit(f"{file} is not a backup, or not a whole one") from None


def _said(parts: ZipFile) -> Manifest:
    if MANIFEST not in parts.namelist():
        raise BadZipFile
    return _manifest(parts.read(MANIFEST))


def _checked(parts: ZipFile) -> Manifest:
    """Everything in the file is as its manifest says, and of our tables."""
    manifest = _said(parts)
    if manifest.format != FORMAT:
        raise Unfit(f"the backup has format {manifest.format}; this version reads {FORMAT}")
    if manifest.revision != schema.head():
        raise Unfit(f"the backup is of revision {manifest.revision}, this version of {schema.head()}: take the version that made it")
    for table in metadata.sorted_tables:
        _check_table(parts, table, manifest.tables.get(table.name))
    if manifest.keys.held and hashlib.sha256(_key_file(parts)).hexdigest() != manifest.keys.sha256:
        raise Unfit("the keys in the backup are not as they were written")
    return manifest


def _key_file(parts: ZipFile) -> bytes:
    return parts.read(KEYS) if KEYS in parts.namelist() else b""


def _check_table(parts: ZipFile, table: Table, part: Part | None) -> None:
    if part is None or _part(table) not in parts.namelist() or sorted(part.columns) != sorted(column.name for column in table.columns):
        raise Unfit(f"the backup does not hold the table {table.name} as this version knows it")
    rows, digest = 0, hashlib.sha256()
    with parts.open(_part(table)) as lines:
        for line in lines:
            digest.update(line)
            rows += 1
    if (rows, digest.hexdigest()) != (part.rows, part.sha256):
        raise Unfit(f"the table {table.name} in the backup is not as it was written")


def _keys_to_put(settings: Settings, parts: ZipFile, manifest: Manifest) -> bytes | None:
    """The backup's keys where there are none here. Raises Unfit where what is sealed could not be opened afterwards."""
    path, raw = settings.home / KEYS, _key_file(parts) if manifest.keys.held else None
    theirs = _ring(settings, raw) if raw else {}
    ours = key_ring(settings) if settings.keys is not None or path.exists() else {}
    if ours and not theirs.items() <= ours.items():
        raise Unfit(f"the keys here ({'CROSSDOCK_KEYS' if settings.keys else path}) are not the backup's, and are never overwritten")
    if missing := sorted(set(manifest.keys.needed) - set(ours or theirs)):
        raise Unfit(f"the backup cannot be read without the key {missing[0]}: put it into {path} or CROSSDOCK_KEYS first")
    _check_opens(parts, manifest, ours or theirs)
    return None if ours else raw


def _check_opens(parts: ZipFile, manifest: Manifest, ring: dict[str, bytes]) -> None:
    """Raises Unfit where a key of the right name is another one."""
    for row in [row for table in SEALED_BY for row in _rows(parts, manifest, metadata.tables[table])]:
        try:
            Vault(ring).open(row["id"], row["data_key"])
        except Unreadable as error:
            raise Unfit(f"the keys here are not those that the backup was written with: {error}") from None


def _rows(parts: ZipFile, manifest: Manifest, table: Table) -> Iterator[dict[str, Any]]:
    columns = manifest.tables[table.name].columns
    sealed = [column.name for column in table.columns if isinstance(column.type, LargeBinary)]
    with parts.open(_part(table)) as lines:
        for line in lines:
            row = dict(zip(columns, _row(line), strict=True))
            for name in sealed:
                row[name] = row[name] and base64.b64decode(row[name])
            yield row


def _check_empty(settings: Settings) -> None:
    if _is_no_file(settings):
        return
    with closing(Database(settings.database)) as database, database.read() as db:
        _refuse_content(settings, db)


def _refuse_content(settings: Settings, db: Connection) -> None:
    """Raises Unfit unless there is nothing, or our tables without a row."""
    there = set(inspect(db).get_table_names()) - {"alembic_version", *NOT_CONTENT}
    if strangers := sorted(there - set(metadata.tables)):
        raise Unfit(f"{_place(settings)} holds tables that are not ours, {strangers[0]} for one: restore into another database")
    counted = {name: db.execute(select(func.count()).select_from(metadata.tables[name])).scalar_one() for name in sorted(there)}
    if held := ", ".join(f"{count} {name}" for name, count in counted.items() if count):
        raise Unfit(f"{_place(settings)} is not empty ({held}): restore into another database or home")


def _take_in(settings: Settings, parts: ZipFile, keys: bytes | None, now: int) -> int:
    """One transaction for everything; keys come last, for they cannot be rolled back. Gives how many connections are asked."""
    settings.home.mkdir(parents=True, exist_ok=True)
    manifest = _said(parts)
    with closing(Database(settings.database)) as database:
        schema.migrate(database)
        with database.write() as db:
            _refuse_content(settings, db)
            for name in NOT_CONTENT:
                db.execute(metadata.tables[name].delete())
            for table in metadata.sorted_tables:
                _load(db, table, _rows(parts, manifest, table))
            asked = _ask(db, now)
            if keys is not None:
                _put(settings.home / KEYS, keys)
    return asked


def _ask(db: Connection, now: int) -> int:
    work = Unit(db, now, caused_by="restore")
    asked = look_again(work)
    work.close()
    return asked


def _load(db: Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    while some := list(islice(rows, AT_ONCE)):
        db.execute(table.insert(), some)
    if db.dialect.name == "postgresql" and "id" in table.columns and isinstance(table.columns["id"].type, BigInteger):
        last = func.coalesce(func.max(table.columns["id"]), 0)
        db.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), last + 1, False)))


def _put(path: Path, raw: bytes) -> None:
    """Whole or not at all. Raises FileExistsError where there are some by now."""
    spare = path.with_name(f"keys.{secrets.token_hex(8)}")
    with _whole(spare) as part:
        part.write(raw)
    try:
        os.link(spare, path)
    finally:
        spare.unlink()
