"""Backup and restore: all or nothing, across both databases; and after it nothing is done twice outside."""

import base64
import json
import random
import shutil
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select

from config import backup
from config.backup import Unfit, back_up, restore
from config.settings import Settings, load
from config.wiring import make_hub
from connectors.bogus.channel import Bogus
from connectors.simulation import InProcess, Stage
from core.domain.tasks import Claim
from core.errors import LostLease, OutcomeUnknown, RateLimited
from core.ports import Answer, Push
from core.store import schema, stock, tasks
from core.store.engine import Database
from core.store.tables import metadata, us
from core.store.vault import Vault
from tests.conftest import Clock, House
from tests.flows import acts, books
from tests.flows.marks import on_sqlite
from tests.web.shop import APPS, open_shop

ZEROS = f"k1:{base64.b64encode(bytes(32)).decode()}\n"  # the keys of a House
OTHERS = f"k1:{base64.b64encode(bytes([1] * 32)).decode()}\n"


@dataclass
class Place:
    """Homes for hubs, and databases that are not there yet."""

    folder: Path
    request: pytest.FixtureRequest
    clock: Clock
    made: list[tuple[str, str]] = field(default_factory=list)

    def home(self, name: str, url: str, keys: str | None = None, **environ: str) -> Settings:
        home = self.folder / name
        home.mkdir(exist_ok=True)
        if keys:
            (home / "keys").write_text(keys)
        return load({"home": home, "database_url": url}, {"CROSSDOCK_APPS__BOGUS__SECRET": "s3cret", **environ})

    def url(self, kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{self.folder}/new-{len(list(self.folder.iterdir()))}-{random.getrandbits(32):x}.db"
        address, name = self.request.getfixturevalue("postgres_server"), f"back_{random.getrandbits(48):x}"
        self._do(address, f"create database {name}")
        self.made.append((address, name))
        return f"{address}/{name}"

    def _do(self, address: str, statement: str) -> None:
        engine = create_engine(f"{address}/postgres", isolation_level="AUTOCOMMIT")
        with engine.connect() as db:
            db.exec_driver_sql(statement)
        engine.dispose()

    def close(self) -> None:
        for address, name in self.made:
            self._do(address, f"drop database {name} with (force)")

    # ---- a House's backup

    def of(self, house: House) -> Settings:
        return self.home("old", house.hub.database.url, ZEROS)

    def file(self, house: House) -> Path:
        file = self.folder / "all.backup"
        back_up(self.of(house), file, clock=self.clock)
        return file

    def new(self, kind: str = "sqlite", name: str = "new", keys: str | None = None) -> Settings:
        return self.home(name, self.url(kind), keys)

    def again(self, house: House, file: Path, kind: str = "sqlite") -> House:
        """The house on a restored database; its channels are as they are now."""
        settings = self.new(kind)
        restore(settings, file, clock=self.clock)
        return move_in(house, Database(settings.database))


def move_in(house: House, database: Database) -> House:
    hub = replace(house.hub, database=database, vault=Vault({"k1": bytes(32)}), make_id=None)
    return House(hub, house.clock, house.merchant, house.systems, house.connections, house.place)


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest, clock: Clock) -> Iterator[Place]:
    made = Place(tmp_path, request, clock)
    yield made
    made.close()


@dataclass
class Oracle:
    """Sees every write at the channels of a house, and what is free in truth at that moment."""

    house: House
    counted: dict[str, int]
    writes: list[tuple[str, str, int]] = field(default_factory=list)
    twice: list[tuple[str, str, int]] = field(default_factory=list)
    too_much: list[tuple[str, str, int, int]] = field(default_factory=list)

    def watch(self) -> "Oracle":
        for name, system in self.house.systems.items():
            system.write = self._seen(name, system, system.write)  # type: ignore[method-assign]
        return self

    def _seen(self, name: str, system: Bogus, write: Callable[[Push], Answer]) -> Callable[[Push], Answer]:
        def seen(push: Push) -> Answer:
            told = (name, push.sku, push.quantity)
            self.writes.append(told)
            if system.listings[push.listing, push.sku].shown == push.quantity:
                self.twice.append(told)
            if push.quantity > self.free(push.sku):
                self.too_much.append((*told, self.free(push.sku)))
            return write(push)

        return seen

    def free(self, sku: str) -> int:
        sold = [line["quantity"] for one in self.house.systems.values() for order in one.orders.values() for line in order["lines"]
                if line["sku"] == sku]  # fmt: skip
        return self.counted[sku] - sum(sold)


def test_the_keys_of_people_are_among_those_that_a_backup_needs(place: Place, house: House) -> None:
    """Their second factors are sealed by keys of their own."""
    with house.hub.database.write() as db:
        wrapped = Vault({"k9": bytes(32)}).new_key("ada")
        db.execute(metadata.tables["users"].insert(), {"id": "ada", "data_key": wrapped, "created_at": 0})

    manifest = back_up(place.of(house), place.folder / "all.backup", clock=place.clock)

    assert manifest.keys.needed == ["k1", "k9"]
    assert manifest.missing_keys == ["k9"]


def sell(house: House, count: int, *, told: bool = True) -> None:
    """Buyers buy one by one, on one channel after another; each sale is told and pushed before the next."""
    for n in range(count):
        system = list(house.systems.values())[n % len(house.systems)]
        connection = list(house.connections.values())[n % len(house.connections)]
        house.clock.pass_(timedelta(seconds=7))
        document = system.sell({"AB"[n // 2 % 2]: 1})
        if told:
            acts.deliver(house, [acts.notice(document, f"{connection.account} {document['id']}")], connection)
            house.drain()


def rest(house: House, polls: int = 2) -> None:
    for _ in range(polls):
        house.clock.pass_(timedelta(minutes=3))
        house.poll()
        house.drain(through=timedelta(seconds=70))


# ---- what is in the world already is not done again

KINDS = pytest.mark.parametrize("into", ["sqlite", "postgresql"])


@KINDS
def test_a_backup_older_than_thirty_sales_and_pushes_does_none_of_them_twice(
    make_house: Callable[..., House], place: Place, into: str
) -> None:
    house = make_house("north", "south")
    house.shelve(A=50, B=50)
    sell(house, 4)
    file = place.file(house)
    sell(house, 30)
    shown = {name: [shelf.shown for shelf in system.listings.values()] for name, system in house.systems.items()}
    assert shown == {"north": [32, 34], "south": [32, 34]}

    later = place.again(house, file, into)
    seen = Oracle(later, {"A": 50, "B": 50}).watch()
    later.drain()
    rest(later)

    assert seen.writes == []
    assert sum(len(system.orders) for system in later.systems.values()) == len(set(books.orders(later.hub))) == 34
    assert (books.level(later.hub, "A"), books.level(later.hub, "B")) == ((50, 18), (50, 16))
    assert books.wrong_listings(later) == []
    assert books.parked(later.hub) == []
    books.balance(later.hub)
    later.hub.database.close()


@on_sqlite
@pytest.mark.parametrize("whole", [True, False])
def test_what_was_sold_and_never_pushed_is_pushed_once_and_never_too_much(
    make_house: Callable[..., House], place: Place, whole: bool
) -> None:
    house = make_house("north", "south")
    for system in house.systems.values():
        system.whole, system.per_page = whole, 3
    house.shelve(A=50, B=50)
    file = place.file(house)
    sell(house, 20)
    sell(house, 11, told=False)

    later = place.again(house, file)
    seen = Oracle(later, {"A": 50, "B": 50}).watch()
    rest(later)

    assert (seen.twice, seen.too_much) == ([], [])
    assert len(seen.writes) == len(set(seen.writes)) == 4
    assert len(books.orders(later.hub)) == 31
    assert books.wrong_listings(later) == []
    books.balance(later.hub)
    later.hub.database.close()


@on_sqlite
def test_nothing_is_raised_while_the_orders_of_another_channel_are_unread(make_house: Callable[..., House], place: Place) -> None:
    house = make_house("north", "south")
    house.shelve(A=50, B=50)
    file = place.file(house)
    sell(house, 30)

    later = place.again(house, file)
    seen = Oracle(later, {"A": 50, "B": 50}).watch()
    for _ in range(20):
        later.systems["north"].next("poll", OutcomeUnknown("nothing came back"))
    later.drain(through=timedelta(minutes=10))
    before = list(seen.writes)
    later.systems["north"].faults.clear()
    rest(later)

    assert before == []
    assert seen.writes == []
    assert books.wrong_listings(later) == []
    later.hub.database.close()


@on_sqlite
def test_a_push_without_an_answer_in_the_backup_is_looked_for_before_it_is_told_again(
    make_house: Callable[..., House], place: Place
) -> None:
    house = make_house("north", "south")
    house.shelve(A=50)
    house.systems["south"].next("show", OutcomeUnknown("nothing came back"), after_the_work=True)
    document = house.systems["north"].sell({"A": 1})
    acts.deliver(house, [acts.notice(document, "d1")])
    house.drain()
    assert books.one(house.hub, "select count(*) from pushes where told_at is null") == 1

    later = place.again(house, place.file(house))
    seen = Oracle(later, {"A": 50}).watch()
    rest(later)

    assert seen.writes == []
    assert books.rows(later.hub, "select told from pushes order by id desc limit 1") == [("lost",)]
    assert later.systems["south"].listings["L-A", "A"].shown == 49
    later.hub.database.close()


@on_sqlite
def test_what_comes_true_after_the_look_is_mended_where_a_channel_only_accepts(make_house: Callable[..., House], place: Place) -> None:
    house = make_house("north", "south")
    south = house.systems["south"]
    south.queues = True
    house.shelve(A=50, B=50)
    sell(house, 6)
    south.settle()
    file = place.file(house)
    sell(house, 5)
    south.settle()

    later = place.again(house, file)
    later.clock.pass_(timedelta(minutes=3))
    later.poll()
    later.drain(through=timedelta(seconds=5))
    looked = books.rows(later.hub, "select told from pushes where key = 'restored'")
    south.listings["L-A", "A"].shown += 30  # what nobody here remembers having asked for
    for _ in range(2):
        rest(later)
        south.settle()

    assert looked == [("lost",), ("lost",)]
    assert books.wrong_listings(later) == []
    assert books.one(later.hub, "select count(*) from listings where accepted_at is not null") == 0
    later.hub.database.close()


def test_a_simulated_shop_is_restored_with_its_keys_and_told_nothing_twice(place: Place, clock: Clock, sqlite_template: Path) -> None:
    (place.folder / "shop").mkdir()
    (place.folder / "shop" / "crossdock.db").write_bytes(sqlite_template.read_bytes())
    shop = open_shop(f"sqlite:///{place.folder}/shop/crossdock.db", place.folder / "shop", clock)
    shop.offer("A", "B")
    file = place.folder / "all.backup"
    back_up(shop.settings, file, clock=clock)
    for n in range(30):
        shop.deliver(shop.sold(**{"AB"[n % 2]: 1}))
        shop.drain()
    shop.hub.database.close()
    writes = {row["sku"]: row["writes"] for row in shop.simulator.listings()}

    settings = place.home("new", place.url("sqlite"), **APPS)
    done = restore(settings, file, clock=clock)
    hub = make_hub(settings, clock=clock, adapter=InProcess(Stage({"shopify": (shop.world, shop.simulator)})))
    later = replace(shop, settings=settings, hub=hub)
    for _ in range(2):
        later.drain()
        clock.pass_(timedelta(minutes=3))
        with hub.unit() as work:
            work.ask(shop.merchant, "poll_orders", shop.connection.id, shop.connection.id)
    later.drain()

    assert done.keys_put
    assert {row["sku"]: row["writes"] for row in shop.simulator.listings()} == writes
    assert later.rows("select count(*), count(distinct channel_id) from orders") == [(30, 30)]
    assert later.rows("select sku, on_hand, reserved from levels order by 1") == [("A", 100, 15), ("B", 100, 15)]
    assert {row["sku"]: row["shown"] for row in shop.simulator.listings()} == {"A": 85, "B": 85}
    books.balance(hub)
    hub.database.close()


# ---- what a restored database begins with


@on_sqlite
def test_workers_that_are_no_more_hold_nothing_and_every_open_connection_is_asked(make_house: Callable[..., House], place: Place) -> None:
    house = make_house("north", "south", "west")
    west = house.connections["west"]
    with house.hub.database.write() as db:
        db.exec_driver_sql("update connections set access = 'sealed', access_until = 99, blocked_until = 99")
        db.exec_driver_sql("insert into schedules values ('prune', 5)")
        db.exec_driver_sql("update marks set cursor = 'page 2'")
        db.exec_driver_sql(f"update connections set state = 'needs_login' where id = '{west.id}'")
    house.ask("poll_orders")
    claim = claimed(house, "poll_orders")
    place.clock.pass_(timedelta(minutes=1))
    marks = books.rows(house.hub, "select connection, name, at from marks order by 1, 2")

    later = place.again(house, place.file(house))

    assert books.rows(later.hub, "select state, lease_until, due_at, tries from tasks where id = :id", id=claim.tasks[0].id) == [
        ("due", None, us(place.clock()), 1)
    ]
    assert books.rows(later.hub, "select distinct access, access_until, blocked_until, live_at from connections") == [
        (None, 0, 0, us(place.clock()))
    ]
    assert books.rows(later.hub, "select * from schedules") == []
    assert books.rows(later.hub, "select connection, name, at from marks order by 1, 2") == marks
    assert books.rows(later.hub, "select cursor from marks where cursor is not null") == []
    assert {(kind, subject) for kind, subject, _ in books.open_tasks(later.hub)} == {
        (kind, house.connections[name].id)
        for name in ("north", "south")
        for kind in ("poll_orders", "read_listings", "subscribe", "publish_stock")
    }
    with pytest.raises(LostLease), later.hub.database.read() as db:  # whoever held it before the backup holds nothing here
        tasks.fence(db, claim)
    later.hub.database.close()


def claimed(house: House, kind: str) -> Claim:
    with house.hub.database.write() as db:
        claim = tasks.claim(db, "outside", (house.merchant.id, house.connection.id, kind), 1, house.hub.now)
    assert claim
    return claim


@on_sqlite
def test_nothing_is_believed_of_any_listing_and_all_are_looked_at(make_house: Callable[..., House], place: Place) -> None:
    house = make_house()
    house.shelve(A=50, B=50)
    believed = "select shown is null, changed > told from listings"
    assert books.rows(house.hub, believed) == [(0, 0), (0, 0)]

    later = place.again(house, place.file(house))

    assert books.rows(later.hub, believed) == [(1, 1), (1, 1)]
    later.hub.database.close()


@on_sqlite
def test_a_channel_that_is_only_watched_stays_so(make_house: Callable[..., House], place: Place) -> None:
    house = make_house()
    with house.hub.database.write() as db:
        db.exec_driver_sql("update connections set live_at = null")

    later = place.again(house, place.file(house))

    assert books.rows(later.hub, "select live_at from connections") == [(None,)]
    later.hub.database.close()


# ---- the file


def busy(house: House) -> None:
    """Rows in every table that has any in life, with texts of every kind and bytes."""
    house.shelve(A=50, B=3)
    with house.hub.database.write() as db:
        db.exec_driver_sql("insert into schedules values ('prune', 5) on conflict do nothing")
    sell(house, 5)
    house.bogus.sell({'Ünï ☂ "quoted"\\ \n': 1})
    house.clock.pass_(timedelta(minutes=3))
    house.poll()


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    database = Database(url)
    with database.read() as db:
        found = {name: sorted(map(tuple, db.execute(select(table))), key=repr) for name, table in metadata.tables.items()}
    database.close()
    return found


@KINDS
def test_every_row_comes_back_as_it_was(make_house: Callable[..., House], place: Place, into: str, monkeypatch: pytest.MonkeyPatch) -> None:
    house = make_house("north", "south")
    busy(house)
    monkeypatch.setattr(backup, "look_again", lambda work: 0)
    monkeypatch.setattr(backup, "AT_ONCE", 7)
    before = contents(house.hub.database.url)

    settings = place.new(into)
    restore(settings, place.file(house))

    assert contents(settings.database) == before
    assert all(before[name] for name in ("connections", "inbox", "orders", "levels", "movements", "pushes", "listing_parts", "events"))


@KINDS
def test_new_rows_get_numbers_of_their_own_after_a_restore(make_house: Callable[..., House], place: Place, into: str) -> None:
    house = make_house()
    busy(house)

    later = place.again(house, place.file(house), into)
    busy(later)

    assert len(books.orders(later.hub)) == 12
    books.balance(later.hub)
    later.hub.database.close()


@on_sqlite
def test_the_file_is_for_its_owner_only_and_says_what_is_in_it(make_house: Callable[..., House], place: Place) -> None:
    house = make_house()
    busy(house)
    file = place.file(house)

    with zipfile.ZipFile(file) as parts:
        manifest = json.loads(parts.read("manifest.json"))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (manifest["format"], manifest["revision"], manifest["database"]) == (1, schema.head(), "sqlite")
    assert manifest["tables"]["orders"]["rows"] == 6
    assert manifest["made_at"] == place.clock().isoformat()
    assert (manifest["keys"]["held"], manifest["keys"]["needed"]) == (["k1"], ["k1"])
    assert [path.name for path in place.folder.iterdir() if "all.backup" in path.name] == ["all.backup"]


def test_a_backup_is_of_one_moment_while_others_write(make_house: Callable[..., House], place: Place) -> None:
    house = make_house()
    house.shelve(A=400)
    stop, failed = threading.Event(), list[BaseException]()

    def write() -> None:
        n = 0
        while not stop.is_set() and n < 300:
            n += 1
            try:
                with house.hub.unit() as work:
                    stock.count(
                        work.db, house.merchant.id, [{"sku": "A", "title": "A", "location": house.place, "on_hand": 400 + n}], work.now
                    )
            except BaseException as error:
                failed.append(error)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for one in writers:
        one.start()
    files = [place.file(house).rename(place.folder / f"{n}.backup") for n in range(4)]
    stop.set()
    for one in writers:
        one.join(60)

    assert failed == []
    for n, file in enumerate(files):
        settings = place.home(f"new-{n}", place.url("sqlite"))
        restore(settings, file, clock=place.clock)
        later = move_in(house, Database(settings.database))
        books.balance(later.hub)  # every level is the sum of its movements, in each of them
        later.hub.database.close()


@on_sqlite
def test_a_backup_that_fails_leaves_the_one_before_and_nothing_else(
    make_house: Callable[..., House], place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = make_house()
    file = place.file(house)
    before = file.read_bytes()
    monkeypatch.setattr(backup, "_needed", lambda db: {}["gone"])

    with pytest.raises(KeyError):
        place.file(house)

    assert file.read_bytes() == before
    assert [path.name for path in place.folder.iterdir() if "backup" in path.name] == ["all.backup"]


@on_sqlite
def test_a_backup_overwrites_a_backup_and_nothing_else(make_house: Callable[..., House], place: Place) -> None:
    house = make_house()
    settings, file = place.of(house), place.file(house)
    back_up(settings, file)

    for other in (Path(settings.database.removeprefix("sqlite:///")), settings.home / "keys"):
        before = other.read_bytes()
        with pytest.raises(Unfit, match="is no backup: it is not overwritten"):
            back_up(settings, other)
        assert other.read_bytes() == before


def test_where_there_is_no_database_there_is_nothing_to_back_up_and_none_is_made(place: Place) -> None:
    settings = place.new()

    with pytest.raises(Unfit, match="there is no database"):
        back_up(settings, place.folder / "all.backup")

    assert list(place.folder.glob("*.db")) == []


# ---- what is refused, and then nothing is there


def refused(place: Place, file: Path, words: str, settings: Settings | None = None) -> None:
    """It is said in one line, and neither a database nor keys are made; --dry-run says the same."""
    settings = settings or place.new()
    for dry_run in (True, False):
        with pytest.raises(Unfit, match=words) as said:
            restore(settings, file, dry_run=dry_run)
        assert "\n" not in str(said.value)
    assert not Path(settings.database.removeprefix("sqlite:///")).exists()


@pytest.fixture
def written(make_house: Callable[..., House], place: Place) -> Path:
    house = make_house()
    busy(house)
    return place.file(house)


@on_sqlite
def test_a_file_that_was_cut_short_or_is_something_else_is_refused(written: Path, place: Place) -> None:
    raw = written.read_bytes()
    for some in (b"", b"PK", raw[:100], raw[: len(raw) // 2], raw[:-1], raw[:-30], b"something else" * 100):
        written.write_bytes(some)
        refused(place, written, "is not a backup, or not a whole one")


@on_sqlite
def test_a_byte_that_flipped_anywhere_is_refused_or_changes_nothing(written: Path, place: Place) -> None:
    raw, chance = written.read_bytes(), random.Random(5)
    with zipfile.ZipFile(written) as parts:
        whole = {name: parts.read(name) for name in parts.namelist()}
    declined = 0
    for at in chance.sample(range(len(raw)), 150):
        written.write_bytes(raw[:at] + bytes([raw[at] ^ 1 << chance.randrange(8)]) + raw[at + 1 :])
        try:
            restore(place.home("new", "sqlite:///" + str(place.folder / "flip.db")), written, dry_run=True)
        except Unfit:
            declined += 1
            continue
        with zipfile.ZipFile(written) as parts:
            assert {name: parts.read(name) for name in parts.namelist()} == whole
    assert declined > 100  # nearly all of a backup counts


def tampered(file: Path, change: Callable[[str, bytes], bytes | None]) -> Path:
    """The same zip with other parts, well formed."""
    other = file.with_suffix(".other")
    with zipfile.ZipFile(file) as parts, zipfile.ZipFile(other, "w") as out:
        for name in parts.namelist():
            if (raw := change(name, parts.read(name))) is not None:
                out.writestr(name, raw)
    return other


@on_sqlite
@pytest.mark.parametrize(
    ("part", "edit", "words"),
    [
        ("tables/levels.jsonl", lambda raw: raw.replace(b"50", b"90"), "levels in the backup is not as it was written"),
        ("tables/orders.jsonl", lambda raw: raw[: raw.index(b"\n") + 1], "orders in the backup is not as it was written"),
        ("tables/orders.jsonl", lambda raw: None, "does not hold the table orders"),
        ("keys", lambda raw: OTHERS.encode(), "the keys in the backup are not as they were written"),
        ("keys", lambda raw: None, "the keys in the backup are not as they were written"),
        ("manifest.json", lambda raw: None, "not a whole one"),
        ("manifest.json", lambda raw: b"[]", "not a whole one"),
        ("manifest.json", lambda raw: raw.replace(b'"format":1', b'"format":2'), "has format 2"),
        ("manifest.json", lambda raw: raw.replace(b'"held"', b'"hold"'), "not a whole one"),
        ("manifest.json", lambda raw: json.dumps({**json.loads(raw), "revision": "0000"}).encode(), "is of revision 0000"),
    ],
)
def test_a_part_that_was_changed_is_refused(
    written: Path, place: Place, part: str, edit: Callable[[bytes], bytes | None], words: str
) -> None:
    refused(place, tampered(written, lambda name, raw: edit(raw) if name == part else raw), words)

    assert not (place.folder / "new" / "keys").exists()


@on_sqlite
def test_other_keys_in_the_home_are_refused_and_not_overwritten(written: Path, place: Place) -> None:
    settings = place.new(keys=OTHERS)

    refused(place, written, "are not the backup's, and are never overwritten", settings)

    assert (settings.home / "keys").read_text() == OTHERS


@on_sqlite
def test_the_same_keys_and_more_in_the_home_are_used(written: Path, place: Place) -> None:
    more = f"{ZEROS}k2:{base64.b64encode(bytes([2] * 32)).decode()}\n"
    settings = place.new(keys=more)

    done = restore(settings, written)

    assert not done.keys_put
    assert (settings.home / "keys").read_text() == more


@on_sqlite
def test_without_its_keys_a_backup_is_refused_until_they_are_here(make_house: Callable[..., House], place: Place) -> None:
    file = place.folder / "all.backup"
    made = back_up(place.of(make_house()), file, with_keys=False)
    assert made.missing_keys == ["k1"]
    assert b"keys" not in zipfile.ZipFile(file).namelist()

    refused(place, file, "cannot be read without the key k1")
    refused(place, file, "are not those that the backup was written with", place.new(name="wrong", keys=OTHERS))
    settings = place.new(name="right", keys=ZEROS)
    restore(settings, file)

    assert Path(settings.database.removeprefix("sqlite:///")).exists()


@on_sqlite
def test_keys_of_the_environment_are_not_in_the_file_and_are_named(make_house: Callable[..., House], place: Place) -> None:
    file, url = place.folder / "all.backup", make_house().hub.database.url
    made = back_up(place.home("old", url, OTHERS, CROSSDOCK_KEYS=ZEROS.strip()), file)
    assert (made.keys.held, made.keys.needed) == ([], ["k1"])

    settings = place.home("new", place.url("sqlite"), CROSSDOCK_KEYS=ZEROS.strip())
    restore(settings, file)

    assert not (settings.home / "keys").exists()


@on_sqlite
def test_keys_are_put_into_the_home_for_its_owner_only(written: Path, place: Place) -> None:
    settings = place.new()

    done = restore(settings, written)

    assert done.keys_put
    assert (settings.home / "keys").read_text() == ZEROS
    assert stat.S_IMODE((settings.home / "keys").stat().st_mode) == 0o600
    assert [path.name for path in settings.home.iterdir()] == ["keys"]


def test_a_database_that_holds_anything_is_refused_and_says_what(make_house: Callable[..., House], place: Place) -> None:
    house = make_house()
    file, before = place.file(house), contents(house.hub.database.url)

    for dry_run in (True, False):
        with pytest.raises(Unfit, match=r"is not empty \(.*1 connections.*\): restore into another"):
            restore(place.of(house), file, dry_run=dry_run)

    assert contents(house.hub.database.url) == before


@KINDS
def test_a_database_of_somebody_else_is_refused(written: Path, place: Place, into: str) -> None:
    settings = place.new(into)
    engine = create_engine(settings.database)
    with engine.begin() as db:
        db.exec_driver_sql("create table theirs (id integer)")
    engine.dispose()

    with pytest.raises(Unfit, match="theirs for one"):
        restore(settings, written)


@KINDS
@on_sqlite
def test_a_database_that_is_migrated_and_empty_is_taken_even_where_a_hub_idled_on_it(written: Path, place: Place, into: str) -> None:
    settings = place.new(into)
    empty = Database(settings.database)
    schema.migrate(empty)
    with empty.write() as db:
        db.exec_driver_sql("insert into schedules values ('prune', 5)")
    empty.close()

    restore(settings, written)

    assert len(contents(settings.database)["orders"]) == 6


@KINDS
@on_sqlite
def test_a_restore_that_fails_in_the_middle_leaves_an_empty_database_and_can_be_run_again(
    written: Path, place: Place, into: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = place.new(into)
    monkeypatch.setattr(backup, "look_again", lambda work: {}["gone"])
    with pytest.raises(KeyError):
        restore(settings, written)
    monkeypatch.undo()

    assert not any(contents(settings.database).values())
    assert not (settings.home / "keys").exists()
    restore(settings, written)
    assert len(contents(settings.database)["orders"]) == 6


@on_sqlite
def test_a_dry_run_checks_and_makes_nothing(written: Path, place: Place) -> None:
    settings = place.home("none", place.url("sqlite"))
    shutil.rmtree(settings.home)

    done = restore(settings, written, dry_run=True)

    assert (done.keys_put, done.connections) == (True, 0)
    assert not settings.home.exists()
    assert list(place.folder.glob("new-*.db")) == []


@on_sqlite
def test_nothing_is_raised_while_orders_are_known_and_not_read(make_house: Callable[..., House], place: Place) -> None:
    house = make_house("north", "south")
    for system in house.systems.values():
        system.whole = False
    house.shelve(A=50, B=50)
    file = place.file(house)
    sell(house, 30)

    later = place.again(house, file)
    seen = Oracle(later, {"A": 50, "B": 50}).watch()
    later.systems["north"].faults.extend(("fetch", RateLimited("slowly", wait_s=1.0, operation="fetch"), False) for _ in range(300))
    rest(later)
    before = list(seen.writes)
    later.systems["north"].faults.clear()
    rest(later)

    assert (before, seen.writes) == ([], [])
    assert books.wrong_listings(later) == []
    later.hub.database.close()
