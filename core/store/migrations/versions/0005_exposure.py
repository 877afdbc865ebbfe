"""exposure: what a listing may show at most, and SKUs that are dealt to channels."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("buffer", "cap", "share", "holds"):
        op.add_column("listings", sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("listings", sa.Column("stopped", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.add_column("skus", sa.Column("quota", sa.Boolean(), nullable=False, server_default=sa.text("false")))
    op.drop_index("ix_order_lines_merchant_sku", "order_lines")
    op.create_index("ix_order_lines_merchant_sku_order_id", "order_lines", ["merchant", "sku", "order_id"])
