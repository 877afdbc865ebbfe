"""shelves: what channels' own warehouses lost, found and disposed of."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

OWN = "case merchant when (select current_setting('crossdock.merchant', true)) then true else false end"


def upgrade() -> None:
    which = [_need(name) for name in ("merchant", "connection", "day", "sku", "cause", "reason")]
    key = sa.PrimaryKeyConstraint("merchant", "connection", "day", "sku", "cause", "reason")
    _table("shelf_moves", *which, _need("units", sa.Integer), _need("times", sa.Integer, "1"), key)


def _need(name: str, kind: type[Any] = sa.Text, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=False, server_default=None if default is None else sa.text(default))


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    """A merchant's own, as the others are."""
    op.create_table(name, *parts)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"alter table {name} enable row level security")
        op.execute(f"create policy own on {name} using ({OWN}) with check ({OWN})")
