"""Everything an operator can set, checked once at the start: command line, then environment, then $CROSSDOCK_HOME/crossdock.toml."""

import base64
import contextlib
import os
import re
import secrets
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

PREFIX = "CROSSDOCK_"
PLAIN = {"DATABASE_URL": "database_url", "REDIS_URL": "redis_url"}  # the names every host uses
NOT_OURS = ("CROSSDOCK_CONTRACTS",)  # where tests find the vendors' schemas


class BadSettings(Exception):
    """One line that names the setting and what is wrong with it."""


def _is_database(url: str) -> str:
    try:
        made = make_url(url.replace("postgres://", "postgresql://", 1)) if url else None
    except (ArgumentError, ValueError):
        raise ValueError("is not the address of a database") from None
    if made and (made.get_backend_name() not in ("sqlite", "postgresql") or not made.database):
        raise ValueError("must be postgresql://user@host/name, or sqlite:///path")
    return url


class Settings(BaseSettings):
    """Names in the environment are these in capitals after CROSSDOCK_, but for DATABASE_URL and REDIS_URL."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    home: Path = Path(".crossdock")
    database_url: Annotated[str, AfterValidator(_is_database)] = ""
    redis_url: str = Field("", pattern="^(|(redis|rediss|unix)://.+)$")
    keys: SecretStr | None = None
    public_url: Annotated[str, Field(pattern="^https?://[^/]+"), AfterValidator(lambda url: url.rstrip("/"))] = "http://127.0.0.1:8400"
    host: str = "127.0.0.1"
    port: int = Field(8400, ge=1, le=65535)
    threads: int = Field(8, ge=1, le=64)
    workers: int = Field(2, ge=1, le=32)
    outside_workers: int = Field(3, ge=1, le=32)
    body_limit: int = Field(2_000_000, ge=1_000)
    api_per_s: int = Field(10, ge=1, le=10_000)
    api_burst: int = Field(120, ge=1, le=100_000)
    hooks_private: bool = False
    metrics_token: SecretStr | None = Field(None, min_length=16)
    smtp_url: SecretStr = SecretStr("")
    mail_from: str = Field("crossdock@localhost", pattern=r"^[^\s<>]+@[^\s<>]+$|^[^<>\r\n]+ <[^\s<>]+@[^\s<>]+>$")
    log_level: str = Field("info", pattern="(?i)^(debug|info|warning|error)$")
    apps: dict[str, dict[str, SecretStr]] = Field(default_factory=dict)
    channels: dict[str, dict[str, Any]] = Field(default_factory=dict)

    @field_validator("smtp_url")
    @classmethod
    def _is_way_out(cls, url: SecretStr) -> SecretStr:
        if not re.fullmatch(r"|(smtp|smtps)://.+|file:///.+", url.get_secret_value()):
            raise ValueError("must be smtp://, smtps:// or file:///a folder")
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What `load` read and nothing else: pydantic would take HOST, PORT and KEYS of any environment for ours."""
        return (init_settings,)

    @property
    def database(self) -> str:
        """The database's address; an SQLite file in the home where none is set."""
        if not self.database_url:
            return f"sqlite:///{(self.home / 'crossdock.db').absolute()}"
        return self.database_url.replace("postgres://", "postgresql://", 1)

    @property
    def is_sqlite(self) -> bool:
        return self.database.startswith("sqlite")

    def app(self, name: str) -> dict[str, str]:
        """Our own credentials at one system."""
        return {field: value.get_secret_value() for field, value in self.apps.get(name, {}).items()}


def load(given: Mapping[str, Any] | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Settings from the command line (`given`), the environment and the TOML file. Raises BadSettings."""
    environ = os.environ if environ is None else environ
    said = {key: value for key, value in (given or {}).items() if value is not None}
    from_env = _environment(environ)
    home = Path(said.get("home") or from_env.get("home") or ".crossdock")
    values = {**_joined(_toml(home / "crossdock.toml"), from_env), **said, "home": home}
    values = {key: value for key, value in values.items() if value != ""}
    if "port" in values:
        values.setdefault("public_url", local_url(values["port"]))
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadSettings(f"setting {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def local_url(port: object) -> str:
    """Where people on this machine find it: its address until a public one is set."""
    return f"http://127.0.0.1:{port}"


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """CROSSDOCK_APPS__SHOPIFY__CLIENT_ID and CROSSDOCK_CHANNELS__AMAZON__URL reach into the tables."""
    values: dict[str, Any] = {field: environ[name] for name, field in PLAIN.items() if environ.get(name)}
    known = set(Settings.model_fields) - set(PLAIN.values())
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name in NOT_OURS:
            continue
        path = name[len(PREFIX) :].lower().split("__")
        if path[0] not in known or (len(path) > 1) != (path[0] in ("apps", "channels")):
            raise BadSettings(f"environment variable {name} is not a setting of Crossdock")
        _put(values, path, value)
    return values


def _put(values: dict[str, Any], path: list[str], value: str) -> None:
    for step in path[:-1]:
        values = values.setdefault(step, {})
    values[path[-1]] = value


def _toml(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path}: {error}") from None
    unknown = sorted(set(values) - set(Settings.model_fields))
    if unknown:
        raise BadSettings(f"{path}: {unknown[0]} is not a setting of Crossdock")
    return values


def _joined(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are joined key by key; of anything else the upper one counts."""
    both = {key: _joined(below[key], above[key]) for key in below.keys() & above.keys() if _are_tables(below[key], above[key])}
    return {**below, **above, **both}


def _are_tables(*values: object) -> bool:
    return all(isinstance(value, Mapping) for value in values)


def key_ring(settings: Settings) -> dict[str, bytes]:
    """The ring from CROSSDOCK_KEYS ("id:base64,...", newest last), else from HOME/keys, made at the first start. Raises BadSettings."""
    if settings.keys is not None:
        return _parse(settings.keys.get_secret_value(), "CROSSDOCK_KEYS")
    path = settings.home / "keys"
    if not path.exists():
        _make_keys(path)
    try:
        return _parse(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError):
        raise BadSettings(f"{path}: cannot be read") from None


def _make_keys(path: Path) -> None:
    """Whole or not at all; of two processes that start at once one wins, and both read the winner's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"keys.{secrets.token_hex(8)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}\n")
    with contextlib.suppress(FileExistsError):
        os.link(part, path)
    part.unlink()


def _parse(text: str, where: str) -> dict[str, bytes]:
    ring: dict[str, bytes] = {}
    for entry in filter(None, (part.strip() for part in text.replace("\n", ",").split(","))):
        name, _, data = entry.partition(":")
        try:
            key = base64.b64decode(data, validate=True)
        except ValueError:
            raise BadSettings(f"{where}: a key is not base64") from None
        if not name or len(key) != 32 or name in ring:
            raise BadSettings(f"{where}: each key must have a name of its own and 32 bytes")
        ring[name] = key
    if not ring:
        raise BadSettings(f"{where}: there is no key in it")
    return ring
