"""What an operator can set: which word counts, what is refused by its name, and the key ring."""

import base64
import os
import stat
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from config.settings import BadSettings, Settings, key_ring, load
from config.wiring import OF_A_CONNECTION, channel_settings, make_hub, typed
from connectors.amazon import MANIFEST as AMAZON

KEY, OTHER = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))


def settings(home: Path, environ: Mapping[str, str] | None = None, toml: str = "", **given: Any) -> Settings:
    if toml:
        (home / "crossdock.toml").write_text(toml, "utf-8")
    return load({"home": home, **given}, environ or {})


def refusal(home: Path, environ: Mapping[str, str] | None = None, toml: str = "", **given: Any) -> str:
    """The words of the refusal, which are one line."""
    with pytest.raises(BadSettings) as refused:
        make_hub(settings(home, environ, toml, **given))
    assert "\n" not in str(refused.value)
    return str(refused.value)


# ---- which word counts


def test_without_anything_it_is_one_process_on_sqlite_in_the_home_here() -> None:
    plain = load({}, {})

    assert plain.home == Path(".crossdock")
    assert plain.database == f"sqlite:///{Path.cwd()}/.crossdock/crossdock.db"
    assert (plain.is_sqlite, plain.redis_url, plain.host, plain.port) == (True, "", "127.0.0.1", 8400)


def test_the_command_line_counts_above_the_environment_above_the_file_above_the_default(tmp_path: Path) -> None:
    toml = 'database_url = "postgresql://file/x"\nlog_level = "error"\nthreads = 3'
    environ = {"DATABASE_URL": "postgresql://environment/x", "CROSSDOCK_LOG_LEVEL": "warning"}

    said = settings(tmp_path, environ, toml, database_url="postgresql://line/x")

    assert (said.database, said.log_level, said.threads, said.workers) == ("postgresql://line/x", "warning", 3, 2)


def test_until_a_public_address_is_set_it_is_that_of_the_port_on_this_machine(tmp_path: Path) -> None:
    assert settings(tmp_path).public_url == "http://127.0.0.1:8400"
    assert settings(tmp_path, {"CROSSDOCK_PORT": "9000"}).public_url == "http://127.0.0.1:9000"
    assert (
        settings(tmp_path, {"CROSSDOCK_PORT": "9000", "CROSSDOCK_PUBLIC_URL": "https://hub.example/"}).public_url == "https://hub.example"
    )


def test_the_environment_and_the_file_speak_of_one_system_together(tmp_path: Path) -> None:
    toml = '[apps.shopify]\nclient_id = "from the file"\nclient_secret = "old"\n[apps.ebay]\ndev_id = "d"'

    said = settings(tmp_path, {"CROSSDOCK_APPS__SHOPIFY__CLIENT_SECRET": "new"}, toml)

    assert said.app("shopify") == {"client_id": "from the file", "client_secret": "new"}
    assert said.app("ebay") == {"dev_id": "d"}


def test_the_file_of_the_named_home_is_read(tmp_path: Path) -> None:
    (tmp_path / "crossdock.toml").write_text("port = 9000")

    assert load({}, {"CROSSDOCK_HOME": str(tmp_path)}).port == 9000
    assert load({"home": tmp_path / "other"}, {"CROSSDOCK_HOME": str(tmp_path)}).port == 8400


def test_an_empty_word_is_no_word(tmp_path: Path) -> None:
    said = settings(tmp_path, {"DATABASE_URL": "", "REDIS_URL": "", "CROSSDOCK_PORT": "", "CROSSDOCK_HOST": ""})

    assert (said.is_sqlite, said.port, said.host) == (True, 8400, "127.0.0.1")


def test_words_of_the_environment_that_are_not_ours_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "PORT", "KEYS", "HOME", "WORKERS", "THREADS", "LOG_LEVEL", "PUBLIC_URL", "BODY_LIMIT", "APPS"):
        monkeypatch.setenv(name, "9")

    said = load({"home": tmp_path})

    assert (said.host, said.port, said.keys, said.workers, said.log_level, said.apps) == ("127.0.0.1", 8400, None, 2, "info", {})


def test_postgres_may_be_called_by_its_short_name(tmp_path: Path) -> None:
    assert settings(tmp_path, {"DATABASE_URL": "postgres://u@h/n"}).database == "postgresql://u@h/n"


# ---- what is refused


@pytest.mark.parametrize(
    "name", ["CROSSDOCK_PROT", "CROSSDOCK_", "CROSSDOCK_APPS", "CROSSDOCK_PORT__X", "CROSSDOCK_DATABASE_URL", "CROSSDOCK_REDIS_URL"]
)
def test_a_variable_that_is_no_setting_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    assert name in refusal(tmp_path, {name: "1"})


def test_a_key_of_the_file_that_is_no_setting_is_refused_by_its_name(tmp_path: Path) -> None:
    assert "prot" in refusal(tmp_path, toml="prot = 1")


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("CROSSDOCK_APPS__SHOPFIY__CLIENT_ID", "apps.shopfiy"),
        ("CROSSDOCK_APPS__SHOPIFY__CLIENT_IDD", "apps.shopify.client_idd"),
        ("CROSSDOCK_CHANNELS__AMAZN__URL", "channels.amazn"),
        ("CROSSDOCK_CHANNELS__AMAZON__PAGE_SIZ", "channels.amazon.page_siz"),
        ("CROSSDOCK_CHANNELS__AMAZON__POLL_S", "channels.amazon.poll_s"),
    ],
)
def test_a_system_or_a_field_that_nobody_reads_is_refused_by_its_name(tmp_path: Path, name: str, named: str) -> None:
    assert named in refusal(tmp_path, {name: "1"})


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"CROSSDOCK_PORT": "0"}, "port"),
        ({"CROSSDOCK_PORT": "many"}, "port"),
        ({"CROSSDOCK_THREADS": "0"}, "threads"),
        ({"CROSSDOCK_BODY_LIMIT": "1"}, "body_limit"),
        ({"CROSSDOCK_LOG_LEVEL": "chatty"}, "log_level"),
        ({"CROSSDOCK_PUBLIC_URL": "hub.example"}, "public_url"),
        ({"DATABASE_URL": "nonsense"}, "database_url"),
        ({"DATABASE_URL": "mysql://u@h/n"}, "database_url"),
        ({"DATABASE_URL": "sqlite://"}, "database_url"),
        ({"DATABASE_URL": "postgresql://u@h:port/n"}, "database_url"),
        ({"DATABASE_URL": "postgresql://u@h"}, "database_url"),
        ({"REDIS_URL": "localhost:6379"}, "redis_url"),
        ({"CROSSDOCK_CHANNELS__AMAZON__PAGE_SIZE": "many"}, "channels.amazon.page_size"),
        ({"CROSSDOCK_APPS__SHOPIFY__CLIENT_ID__X": "1"}, "apps.shopify.client_id"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_the_settings_name(tmp_path: Path, environ: dict[str, str], named: str) -> None:
    assert named in refusal(tmp_path, environ)


def test_a_file_that_is_no_toml_is_refused_by_its_path(tmp_path: Path) -> None:
    assert "crossdock.toml" in refusal(tmp_path, toml="port = = 1")
    (tmp_path / "crossdock.toml").write_bytes(b"\xff\xfe")
    assert "crossdock.toml" in refusal(tmp_path)


@pytest.mark.parametrize("toml", ["apps = 3", "apps.shopify = 3", "channels.amazon.url = 3", "port = 1.5"])
def test_a_key_of_the_wrong_kind_is_refused(tmp_path: Path, toml: str) -> None:
    assert toml.partition(" ")[0].split(".")[0] in refusal(tmp_path, toml=toml)


def test_a_refusal_never_repeats_a_password(tmp_path: Path) -> None:
    said = [
        refusal(tmp_path, {"DATABASE_URL": "mysql://u:sesame@h/n"}),
        refusal(tmp_path, {"DATABASE_URL": "postgresql://u:sesame@h:port/n"}),
        refusal(tmp_path, {"REDIS_URL": "http://:sesame@h"}),
        refusal(tmp_path, {"CROSSDOCK_KEYS": "sesame"}),
        refusal(tmp_path, {"CROSSDOCK_APPS__SHOPIFY__CLIENT_SECRET__X": "sesame"}),
    ]

    assert [words for words in said if "sesame" in words] == []


def test_settings_do_not_show_secrets(tmp_path: Path) -> None:
    said = settings(tmp_path, {"CROSSDOCK_KEYS": f"k:{KEY}", "CROSSDOCK_APPS__SHOPIFY__CLIENT_SECRET": "sesame"})

    assert KEY not in repr(said)
    assert "sesame" not in repr(said)


# ---- a channel's own settings


def test_words_of_the_environment_become_what_the_manifest_has(tmp_path: Path) -> None:
    said = settings(tmp_path, {"CROSSDOCK_CHANNELS__AMAZON__MIN_AGE_S": "0", "CROSSDOCK_CHANNELS__AMAZON__URL": "http://here"})

    own = channel_settings(said, AMAZON, {"url": "http://nearer"})

    assert (own["min_age_s"], own["url"], own["page_size"]) == (0, "http://nearer", AMAZON.settings["page_size"])


def test_what_a_connection_is_told_on_the_command_line_is_a_number_where_it_should_be() -> None:
    told = typed(OF_A_CONNECTION, {"poll_s": "60", "verify_s": "5", "faster": "2.5", "webhook_url": "https://x"}, "--set")

    assert told == {"poll_s": 60, "verify_s": 5, "faster": 2.5, "webhook_url": "https://x"}


# ---- keys


def test_the_key_ring_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        ring = key_ring(settings(tmp_path / "home"))
    finally:
        os.umask(before)

    path = tmp_path / "home" / "keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [len(key) for key in ring.values()] == [32]
    assert key_ring(settings(tmp_path / "home")) == ring
    assert [file.name for file in path.parent.iterdir()] == ["keys"]


def test_two_homes_have_different_keys(tmp_path: Path) -> None:
    assert key_ring(settings(tmp_path / "a")) != key_ring(settings(tmp_path / "b"))


def test_those_who_start_at_once_agree_on_the_keys(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as several:
        for n in range(20):
            said, start = settings(tmp_path / str(n)), threading.Barrier(8)
            rings = [several.submit(lambda said=said, start=start: start.wait() is not None and key_ring(said)) for _ in range(8)]
            assert len({str(ring.result()) for ring in rings}) == 1


def test_the_ring_of_the_environment_counts_newest_last(tmp_path: Path) -> None:
    ring = key_ring(settings(tmp_path, {"CROSSDOCK_KEYS": f"old:{KEY}, new:{OTHER}"}))

    assert list(ring) == ["old", "new"]
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize(
    "bad",
    [
        " ",
        ",",
        "k1",
        "k1:",
        "k1:short",
        "k1:not base64!",
        "k1:ключ",
        f":{KEY}",
        KEY,
        f"k1:{KEY}{KEY}",
        f"k1:{KEY},k1:{OTHER}",
        f"k1:{KEY},k2:zz",
    ],
)
def test_a_ring_that_is_none_is_refused_and_not_repeated(tmp_path: Path, bad: str) -> None:
    words = refusal(tmp_path, {"CROSSDOCK_KEYS": bad})

    assert words.startswith("CROSSDOCK_KEYS:")
    assert KEY not in words


@pytest.mark.parametrize("bad", [b"", b"\xff\xfe\x00", b"k1:zz\n"])
def test_a_broken_key_file_is_refused_by_its_path_and_left_as_it_is(tmp_path: Path, bad: bytes) -> None:
    (tmp_path / "keys").write_bytes(bad)

    assert str(tmp_path / "keys") in refusal(tmp_path)
    assert (tmp_path / "keys").read_bytes() == bad
