"""The second lock: on PostgreSQL a page finds and writes one merchant's rows, even where a statement forgets to ask whose they are."""

import random
from collections.abc import Callable, Iterator

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DatabaseError, ProgrammingError

from core.errors import Refused
from core.flows import connections as flows
from core.flows.doctor import examine
from core.store import audit, row_locks, schema
from core.store.engine import WEB, Database
from core.store.tables import metadata
from tests.conftest import House
from tests.flows import acts
from tests.servers import Databases

MakeHouse = Callable[..., House]
OWN = [table.name for table in metadata.sorted_tables if "merchant" in table.columns]
SEEN = [table for table in row_locks.grants() if table not in ("budgets", "schedules")]  # these two belong to nobody


@pytest.fixture
def database_url(postgres_databases: Databases) -> Iterator[str]:
    with postgres_databases.one() as address:
        yield address


@pytest.fixture
def two(make_house: MakeHouse) -> tuple[House, str]:
    """Somebody with orders and stock, and another merchant."""
    house = make_house("north")
    house.shelve(A=5)
    acts.deliver(house, [acts.notice(house.bogus.sell({"A": 1}), "d1")])
    house.drain()
    return house, flows.add_merchant(house.hub, "South Sea Trading").id


def counts(database: Database) -> dict[str, int]:
    with database.read() as db:
        found = {table: db.execute(text(f"select count(*) from {table}")).scalar_one() for table in SEEN}
    return {table: count for table, count in found.items() if count}


def one(database: Database, statement: str) -> object:
    with database.read() as db:
        return db.exec_driver_sql(statement).scalar_one()


def test_every_table_with_a_merchant_has_its_policy(database: Database) -> None:
    """A migration that makes such a table gives it one."""
    with database.read() as db:
        statement = "select c.relname from pg_class c join pg_policy p on p.polrelid = c.oid where c.relrowsecurity"
        locked = set(db.execute(text(statement)).scalars())

    assert locked == {*OWN, "merchants", "users"}
    assert "orders" in locked


def test_what_forgets_to_ask_whose_rows_they_are_finds_nobody_elses(two: tuple[House, str]) -> None:
    house, other = two
    database = house.hub.database
    everything = counts(database)

    database.bind(other)
    theirs = counts(database)
    database.bind(house.merchant.id)
    ours = counts(database)

    assert theirs == {"merchants": 1}
    assert ours == {**everything, "merchants": 1}
    assert {"orders", "order_lines", "levels", "events", "tasks", "listings", "connections"} <= ours.keys()


@pytest.mark.parametrize("statement", ["update orders set name = 'ours'", "delete from order_lines", "update merchants set name = 'ours'"])
def test_what_forgets_to_ask_changes_nobody_elses_rows(two: tuple[House, str], statement: str) -> None:
    house, other = two
    database = house.hub.database
    database.bind(other)

    with database.write() as db:
        touched = db.exec_driver_sql(statement).rowcount

    database.bind("")
    assert touched == ("merchants" in statement)
    assert one(database, "select count(*) from order_lines") == 1
    assert one(database, f"select name from merchants where id = '{house.merchant.id}'") == "North Sea Trading"


def test_nothing_is_put_among_somebody_elses_rows(two: tuple[House, str]) -> None:
    house, other = two
    house.hub.database.bind(other)

    with pytest.raises(DatabaseError, match="row-level security"), house.hub.database.write() as db:
        audit.write(db, house.merchant.id, house.hub.now, "u", "Mallory", "order.hold")


@pytest.mark.parametrize(
    "statement",
    [
        "select * from sessions",
        "select id from attempts",
        "select password from users",
        "select data_key from users",
        "update audit set name = 'nobody'",
        "delete from audit",
        "update events set body = '{}'",
        "insert into users (id, data_key, created_at) values ('m', '', 0)",
        "create table more (id int)",
    ],
)
def test_a_page_can_neither_see_sessions_and_secrets_of_people_nor_change_what_is_written_once(
    two: tuple[House, str], statement: str
) -> None:
    house, _ = two
    house.hub.database.bind(house.merchant.id)

    with pytest.raises(ProgrammingError, match="permission denied"), house.hub.database.write() as db:
        db.exec_driver_sql(statement)


def test_the_people_who_work_elsewhere_are_not_seen(two: tuple[House, str]) -> None:
    house, other = two
    with house.hub.database.write() as db:
        for user, merchant in (("ada", house.merchant.id), ("bob", other)):
            db.exec_driver_sql(f"insert into users (id, email, data_key, created_at) values ('{user}', '{user}@staff.example', '', 0)")
            db.exec_driver_sql(f"insert into members (merchant, user_id, role, created_at) values ('{merchant}', '{user}', 'owner', 0)")

    house.hub.database.bind(other)

    assert one(house.hub.database, "select string_agg(email, ',') from users") == "bob@staff.example"


def test_the_lock_costs_one_statement_where_the_merchant_changes_and_none_where_it_stays(two: tuple[House, str]) -> None:
    house, other = two
    database = house.hub.database
    database.bind(other)
    counts(database)

    said: list[str] = []
    event.listen(database.engines[1], "before_cursor_execute", lambda _, __, statement, *___: said.append(statement))
    for merchant in (other, other, house.merchant.id, house.merchant.id):
        database.bind(merchant)
        with database.read() as db:
            db.exec_driver_sql("select 1")
        with database.write() as db:
            db.exec_driver_sql("select 2")

    assert [statement[:9] for statement in said] == ["select 1", "select 2"] * 2 + [
        "select se",
        "select 1",
        "select 2",
        "select 1",
        "select 2",
    ]


def test_what_a_write_was_told_of_does_not_outlast_it(two: tuple[House, str]) -> None:
    house, other = two
    database = house.hub.database
    database.bind(house.merchant.id)
    assert one(database, "select count(*) from orders") == 1

    database.bind(other)
    with database.write() as db:
        assert db.exec_driver_sql("select count(*) from orders").scalar_one() == 0
    database.bind(house.merchant.id)

    assert one(database, "select count(*) from orders") == 1


def test_an_account_that_another_merchant_connected_is_refused_though_it_is_not_seen(two: tuple[House, str]) -> None:
    house, other = two
    house.hub.database.bind(other)

    with pytest.raises(Refused, match="another merchant"):
        flows.connect(house.hub, other, "bogus", "north", {})


def test_whoever_is_bound_finds_people_where_they_ask_for_them(two: tuple[House, str]) -> None:
    house, other = two
    database = house.hub.database
    database.bind(other)

    with database.unbound():
        everybodys = one(database, "select count(*) from merchants")

    assert (everybodys, one(database, "select count(*) from merchants")) == (2, 1)


# ---- where the database's user may not make roles


@pytest.fixture
def lowly(postgres_server: str) -> Iterator[str]:
    """An empty database whose owner may do nothing else."""
    name = f"lowly_{random.getrandbits(40):x}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as db:
        db.execute(f"create role {name} login")
        db.execute(f"create database {name} owner {name}")
        yield f"{postgres_server}/{name}".replace("crossdock@", f"{name}@")
        db.execute(f"drop database {name} with (force)")
        db.execute(f"drop role {name}")


def test_where_no_role_may_be_made_everything_works_without_and_says_so_until_somebody_makes_it(lowly: str, postgres_server: str) -> None:
    database = Database(lowly)
    schema.migrate(database)
    with database.read() as db:
        [broken] = [finding for finding in examine(db, 0) if not finding.ok]
    database.bind("m")
    assert one(database, f"select current_user <> '{WEB}'")
    database.close()
    assert f"grant {WEB} to lowly_" in broken.next_step

    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as somebody:
        somebody.execute(f"grant {WEB} to {lowly.rpartition('/')[2]}")
    again = Database(lowly)
    schema.migrate(again)

    with again.read() as db:
        assert row_locks.why_not(db) == ""
    again.bind("m")
    assert one(again, "select current_user") == WEB
    again.close()
