"""shipments: what is sent from where, parcels, paid labels and their papers, and what channels and carriers say of them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OWN = "case merchant when (select current_setting('crossdock.merchant', true)) then true else false end"


def upgrade() -> None:
    op.add_column("connections", _need("role", sa.Text, "'channel'"))
    for column in (_need("ships", sa.Boolean, "false"), _may("address", sa.Text), _need("zone", sa.Text, "''"), _may("cutoff", sa.Text)):
        op.add_column("locations", column)
    for name in ("released", "sent"):
        op.add_column("order_lines", _need(name, sa.Integer, "0"))
    _some("ix_order_lines_to_release", "order_lines", ["merchant", "order_id"], "held > released and ships")
    op.create_index("ix_levels_merchant_location", "levels", ["merchant", "location"])
    for tables in (_shipments, _shipment_lines, _parcels, _purchases, _quotes, _papers, _tracks, _boxes, _callings, _routings):
        tables()


def _need(name: str, kind: type[Any], default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=False, server_default=None if default is None else sa.text(default))


def _may(name: str, kind: type[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=True)


def _some(name: str, table: str, columns: list[str], condition: str, *, unique: bool = False) -> None:
    """An index over some rows of a table."""
    where = sa.text(condition)
    op.create_index(name, table, columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    """A merchant's own, as the others are."""
    op.create_table(name, _need("merchant", sa.Text), *parts)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"alter table {name} enable row level security")
        op.execute(f"create policy own on {name} using ({OWN}) with check ({OWN})")


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _serial() -> sa.Column[Any]:
    return sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)


def _shipments() -> None:
    what = (_need("order_id", sa.Text), _need("number", sa.Integer), _need("name", sa.Text), _need("location", sa.Text))
    state = (_need("state", sa.Text), _need("created_at", sa.BigInteger), _may("ship_by", sa.BigInteger), _need("person", sa.Text, "''"))
    how = (_may("connection", sa.Text), _may("service", sa.Text), _may("problem", sa.Text), _may("problem_words", sa.Text))
    moments = [_may(name, sa.BigInteger) for name in ("packed_at", "labelled_at", "sent_at", "ended_at")]
    one = sa.UniqueConstraint("order_id", "number", name=op.f("uq_shipments_order_id_number"))
    key = sa.Column("id", sa.Text(), primary_key=True)
    _table(
        "shipments",
        key,
        *what,
        *state,
        *how,
        *moments,
        one,
        sa.UniqueConstraint("merchant", "name", name=op.f("uq_shipments_merchant_name")),
    )
    op.create_index("ix_shipments_merchant_state_created_at_id", "shipments", ["merchant", "state", "created_at", "id"])
    op.create_index("ix_shipments_merchant_created_at_id", "shipments", ["merchant", "created_at", "id"])
    _some("ix_shipments_open", "shipments", ["merchant", "ship_by", "id"], "state in ('released', 'packed', 'labelled')")


def _shipment_lines() -> None:
    columns = (
        _need("shipment", sa.Text),
        _need("line", sa.Text),
        _need("units", sa.Integer),
        _need("parts", sa.Text),
        _need("title", sa.Text),
    )
    check = sa.CheckConstraint("units > 0", name=op.f("ck_shipment_lines_units"))
    _table("shipment_lines", *columns, _key("shipment_lines", "shipment", "line"), check)


def _parcels() -> None:
    what = (sa.Column("id", sa.Text(), primary_key=True), _need("shipment", sa.Text), _need("number", sa.Integer), _need("token", sa.Text))
    size = [_need(name, sa.Integer, "0") for name in ("weight_g", "length_mm", "width_mm", "height_mm")]
    label = [_may(name, sa.Text) for name in ("contents", "purchase", "tracking", "carrier", "carrier_name", "service", "url")]
    told = (_may("telling_at", sa.BigInteger), _may("told_at", sa.BigInteger), _may("told_as", sa.Text), _may("told_problem", sa.Text))
    where = (_may("progress", sa.Text), _may("progress_at", sa.BigInteger), _may("expected_on", sa.Text), _may("look_at", sa.BigInteger))
    one = sa.UniqueConstraint("shipment", "number", name=op.f("uq_parcels_shipment_number"))
    token = sa.UniqueConstraint("token", name=op.f("uq_parcels_token"))
    _table("parcels", *what, *size, *label, *told, *where, _may("boxed", sa.Text), one, token)
    op.create_index("ix_parcels_merchant_tracking", "parcels", ["merchant", "tracking"])
    _some("ix_parcels_looked", "parcels", ["merchant", "look_at"], "look_at is not null")


def _purchases() -> None:
    what = (
        sa.Column("id", sa.Text(), primary_key=True),
        _need("shipment", sa.Text),
        _need("connection", sa.Text),
        _need("service", sa.Text),
    )
    state = (_need("state", sa.Text), _need("wish", sa.Text), _may("handle", sa.Text), _may("words", sa.Text))
    price = (_may("price", sa.BigInteger), _may("currency", sa.Text))
    moments = (_need("asked_at", sa.BigInteger), *(_may(name, sa.BigInteger) for name in ("tried_at", "bought_at", "ended_at")))
    _table("purchases", *what, *state, *price, *moments)
    op.create_index("ix_purchases_shipment_asked_at", "purchases", ["shipment", "asked_at"])
    _some("ix_purchases_live", "purchases", ["shipment"], "state in ('asked', 'bought', 'voiding')", unique=True)


def _quotes() -> None:
    columns = (_need("shipment", sa.Text), _need("connection", sa.Text), _need("service", sa.Text), _need("name", sa.Text))
    price = (_may("price", sa.BigInteger), _may("currency", sa.Text), _may("arrives_on", sa.Text), _need("at", sa.BigInteger))
    _table("quotes", *columns, *price, _need("words", sa.Text, "''"), _key("quotes", "shipment", "connection", "service"))


def _papers() -> None:
    columns = (_need("shipment", sa.Text), _may("purchase", sa.Text), _need("kind", sa.Text), _need("format", sa.Text))
    _table("papers", _serial(), *columns, _need("body", sa.LargeBinary), _need("made_at", sa.BigInteger), _need("until", sa.BigInteger))
    op.create_index("ix_papers_shipment_id", "papers", ["shipment", "id"])
    op.create_index("ix_papers_until", "papers", ["until"])


def _tracks() -> None:
    columns = (_need("parcel", sa.Text), _need("at", sa.BigInteger), _need("progress", sa.Text), _need("code", sa.Text))
    words = [_need(name, sa.Text, "''") for name in ("words", "town", "country")]
    _table("tracks", *columns, *words, _key("tracks", "parcel", "at", "code"))


def _boxes() -> None:
    sizes = [_need(name, sa.Integer) for name in ("length_mm", "width_mm", "height_mm", "weight_g")]
    _table("boxes", _need("name", sa.Text), *sizes, _may("most_g", sa.Integer), _key("boxes", "merchant", "name"))


def _callings() -> None:
    what = (
        sa.Column("id", sa.Text(), primary_key=True),
        _need("order_id", sa.Text),
        _need("reason", sa.Text),
        _need("restock", sa.Boolean),
    )
    state = (_need("state", sa.Text), _need("who", sa.Text), _need("name", sa.Text), _may("words", sa.Text), _may("appeal", sa.Text))
    moments = (_need("asked_at", sa.BigInteger), _may("tried_at", sa.BigInteger), _may("ended_at", sa.BigInteger))
    _table("callings_off", *what, *state, *moments)
    op.create_index("ix_callings_off_order_id_asked_at", "callings_off", ["order_id", "asked_at"])
    _some("ix_callings_off_open", "callings_off", ["order_id"], "state in ('wanted', 'asked')", unique=True)


def _routings() -> None:
    columns = (
        sa.Column("order_id", sa.Text(), primary_key=True),
        _need("at", sa.BigInteger),
        _need("asked", sa.Text),
        _need("doc", sa.Text),
    )
    _table("routings", *columns)
