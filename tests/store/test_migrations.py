"""The tables in the code and the tables that migrations make are the same, on both databases."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect

from core.store import goods, schema
from core.store.engine import Database
from core.store.tables import metadata


def test_the_migrated_database_is_what_the_tables_say(database: Database) -> None:
    options = {"compare_type": True, "compare_server_default": database.is_sqlite}  # PostgreSQL writes defaults in its own words
    with database.read() as db:
        assert compare_metadata(MigrationContext.configure(db, opts=options), metadata) == []


def test_every_check_constraint_and_partial_index_is_there(database: Database) -> None:
    seen = inspect(database.engine)
    for table in metadata.sorted_tables:
        checks = {str(check.name) for check in table.constraints if isinstance(check, CheckConstraint)}
        assert {check["name"] for check in seen.get_check_constraints(table.name)} == checks, table.name
        assert {index["name"] for index in seen.get_indexes(table.name) if not index.get("duplicates_constraint")} == {
            index.name for index in table.indexes
        }, table.name


def test_a_migrated_database_is_at_head_and_migrating_again_does_nothing(database: Database) -> None:
    assert schema.current(database) == schema.head()
    assert schema.migrate(database) is None


def test_a_fresh_file_is_brought_to_head(tmp_path: Path) -> None:
    fresh = Database(f"sqlite:///{tmp_path}/fresh.db")
    assert schema.current(fresh) == ""

    schema.migrate(fresh)

    assert schema.current(fresh) == schema.head()
    fresh.close()


def test_an_old_file_is_copied_before_it_is_changed(tmp_path: Path) -> None:
    old = Database(f"sqlite:///{tmp_path}/old.db")
    schema.migrate(old)
    with old.write() as db:
        db.exec_driver_sql("insert into skus (merchant, sku, created_at) values ('m', 'A', 1)")

    copy = schema._copy(old, "0000")
    old.close()

    assert copy.name == "old.before-0000.db"
    kept = Database(f"sqlite:///{copy}")
    with kept.read() as db:
        assert db.exec_driver_sql("select sku from skus").scalar_one() == "A"
    kept.close()


OF_THE_FIRST_TABLES = (
    "insert into merchants (id, name, data_key, created_at) values ('m', 'M', 'k', 1)",
    """insert into connections (id, merchant, channel, account, label, created_at) values
       ('shop', 'm', 'shopify', 'a', 'a', 1), ('seller', 'm', 'amazon', 'b', 'b', 1)""",
    "insert into locations (id, merchant, name) values ('main', 'm', 'Main')",
    """insert into listings (id, merchant, connection, listing, sku, handle, shown, shown_at, lower_since) values
       (7, 'm', 'shop', 'L', 'A', '{"item": "1", "location": "70001"}', 4, 99, 5), (8, 'm', 'seller', 'B0', 'A', '{}', 4, 98, null)""",
)


def test_what_was_known_before_there_were_places_is_carried_over(tmp_path: Path) -> None:
    old, config = Database(f"sqlite:///{tmp_path}/old.db"), schema._config()
    with old.write() as db:
        config.attributes["connection"] = db
        command.upgrade(config, "0001")
    with old.write() as db:
        for statement in OF_THE_FIRST_TABLES:
            db.exec_driver_sql(statement)

    schema.migrate(old)

    with old.read() as db:
        rows = [tuple(row) for row in db.exec_driver_sql("select id, place, figure_at, raise_from, shown from listings order by id")]
        ours = [tuple(row) for row in db.exec_driver_sql("select connection, place, location from place_locations order by 1")]
    old.close()
    assert rows == [(7, "70001", 99, 5, 4), (8, "", 98, None, 4)]
    assert ours == [("seller", "", "main"), ("shop", "70001", "main")]


BEFORE_THE_PAGES = (
    "insert into skus (merchant, sku, title, created_at) values ('m', 'KET-04', 'Kettle', 1)",
    """insert into listings (id, merchant, connection, listing, sku) values (7, 'm', 'shop', 'L', 'KET-04'), (8, 'm', 'shop', 'M', 'x')""",
    "insert into listing_parts (merchant, listing_id, sku) values ('m', 7, 'KET-04')",
    """insert into orders (id, merchant, connection, channel_id, name, revision, digest, placed_at, currency, total, doc, taken_at,
                           saved_at) values ('o', 'm', 'shop', '1', '#1', 1, 'd', 1, 'USD', 1, '{"ship_by":"2026-11-22T12:00:00Z"}', 1, 1),
              ('p', 'm', 'shop', '2', '#2', 1, 'd', 1, 'USD', 1, '{}', 1, 1)""",
)


def test_what_the_pages_look_things_up_by_is_made_of_what_was_there(tmp_path: Path) -> None:
    old, config = Database(f"sqlite:///{tmp_path}/old.db"), schema._config()
    with old.write() as db:
        config.attributes["connection"] = db
        command.upgrade(config, "0002")
    with old.write() as db:
        for statement in BEFORE_THE_PAGES:
            db.exec_driver_sql(statement)

    schema.migrate(old)

    with old.read() as db:
        mapped = [tuple(row) for row in db.exec_driver_sql("select id, mapped from listings order by id")]
        found = [row.sku for row in goods.page(db, "m", "kett")]
        due = [tuple(row) for row in db.exec_driver_sql("select id, ship_by from orders order by id")]
    old.close()
    assert mapped == [(7, 1), (8, 0)]
    assert found == ["KET-04"]
    assert due == [("o", 1_795_348_800_000_000), ("p", None)]
