"""levels: safety and damaged stock, goods on their way, what a SKU is, whose parts leave, and what is left to a channel that is blind."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

CARD = {
    "weight_g": sa.Integer, "length_mm": sa.Integer, "width_mm": sa.Integer, "height_mm": sa.Integer, "hs_code": sa.Text, "origin": sa.Text,
    "customs": sa.Text, "cost": sa.BigInteger, "cost_currency": sa.Text, "picture": sa.Text,
}  # fmt: skip
OWN = "case merchant when (select current_setting('crossdock.merchant', true)) then true else false end"


def upgrade() -> None:
    for name in ("safety", "damaged"):
        op.execute(f"alter table levels add column {name} integer not null default 0 constraint ck_levels_{name} check ({name} >= 0)")
    op.add_column("movements", _need("damaged", sa.Integer, "0"))
    op.add_column("locations", _need("kind", sa.Text, "'own'"))
    op.add_column("connections", _may("blind_since", sa.BigInteger))
    for column in (_may("ahead", sa.Integer), _need("backorder", sa.Integer, "0"), _need("alone", sa.Boolean, "false")):
        op.add_column("listings", column)
    op.add_column("listings", _need("urgent", sa.Boolean, "false"))
    op.add_column("listings", _need("exploded_by", sa.Text, "'hub'"))
    for name in ("ours", "decided"):
        op.add_column("order_lines", _may(name, sa.Text))
    waits = sa.text("waits is not null")
    op.create_index("ix_order_lines_waited_for", "order_lines", ["merchant", "listing", "sku"], sqlite_where=waits, postgresql_where=waits)
    looks = sa.text("ahead is not null")
    op.create_index("ix_listings_ahead", "listings", ["connection"], sqlite_where=looks, postgresql_where=looks)
    op.add_column("listings", _may("item", sa.Text))
    op.add_column("listings", _may("uncovered", sa.Text))
    has_item = sa.text("item is not null")
    op.create_index("ix_listings_item", "listings", ["connection", "item"], sqlite_where=has_item, postgresql_where=has_item)
    op.add_column("listings", _need("heard_at", sa.BigInteger, "0"))
    is_uncovered = sa.text("uncovered is not null")
    op.create_index("ix_listings_uncovered", "listings", ["merchant", "id"], sqlite_where=is_uncovered, postgresql_where=is_uncovered)
    for name, kind in CARD.items():
        op.add_column("skus", _may(name, kind))
    for tables in (_barcodes, _bins, _inbounds, _inbound_lines, _withheld, _doubts):
        tables()


def _need(name: str, kind: type[Any], default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=False, server_default=None if default is None else sa.text(default))


def _may(name: str, kind: type[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=True)


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    """A merchant's own, as the others are."""
    op.create_table(name, _need("merchant", sa.Text), *parts)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"alter table {name} enable row level security")
        op.execute(f"create policy own on {name} using ({OWN}) with check ({OWN})")


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def _barcodes() -> None:
    _table("barcodes", _need("barcode", sa.Text), _need("sku", sa.Text), _key("barcodes", "merchant", "barcode"))
    op.create_index("ix_barcodes_merchant_sku", "barcodes", ["merchant", "sku"])


def _bins() -> None:
    columns = (_need("sku", sa.Text), _need("location", sa.Text), _need("bin", sa.Text))
    _table("bins", *columns, _key("bins", "merchant", "sku", "location"))


def _inbounds() -> None:
    texts = (_need("kind", sa.Text), _need("state", sa.Text), _need("location", sa.Text), _may("source", sa.Text))
    words = [_need(name, sa.Text, "''") for name in ("sender", "reference", "note")]
    moments = (_may("expected_at", sa.BigInteger), _need("created_at", sa.BigInteger), _may("sent_at", sa.BigInteger))
    last = (_may("ended_at", sa.BigInteger), _need("who", sa.Text), _need("name", sa.Text))
    _table("inbounds", sa.Column("id", sa.Text(), primary_key=True), *texts, *words, *moments, *last)
    op.create_index("ix_inbounds_merchant_created_at_id", "inbounds", ["merchant", "created_at", "id"])
    is_open = sa.text("state in ('open', 'sent')")
    op.create_index("ix_inbounds_open", "inbounds", ["merchant", "expected_at"], sqlite_where=is_open, postgresql_where=is_open)


def _inbound_lines() -> None:
    units = [_need("units", sa.Integer), *(_need(name, sa.Integer, "0") for name in ("sent", "received", "damaged"))]
    check = sa.CheckConstraint("units > 0", name=op.f("ck_inbound_lines_units"))
    _table("inbound_lines", _need("inbound", sa.Text), _need("sku", sa.Text), *units, _key("inbound_lines", "inbound", "sku"), check)
    op.create_index("ix_inbound_lines_merchant_sku_inbound", "inbound_lines", ["merchant", "sku", "inbound"])


def _withheld() -> None:
    columns = (_need("connection", sa.Text), _need("sku", sa.Text), _need("units", sa.Integer))
    _table("withheld", *columns, _key("withheld", "connection", "sku"))
    op.create_index("ix_withheld_merchant_sku", "withheld", ["merchant", "sku"])


def _doubts() -> None:
    texts = (_need("connection", sa.Text), _need("listing_id", sa.BigInteger), _need("name", sa.Text))
    units = (_may("theirs", sa.Integer), _need("ours", sa.Integer), _may("units", sa.Integer))
    last = (_need("at", sa.BigInteger), _need("found_at", sa.BigInteger), _may("why", sa.Text))
    _table("doubts", *texts, *units, *last, _key("doubts", "listing_id"))
    op.create_index("ix_doubts_merchant_found_at", "doubts", ["merchant", "found_at"])
    op.create_index("ix_doubts_connection_at", "doubts", ["connection", "at"])
