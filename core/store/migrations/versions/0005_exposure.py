"""exposure: what a listing may show at most."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("listings", sa.Column("buffer", sa.Integer(), nullable=True))
    op.add_column("listings", sa.Column("cap", sa.Integer(), nullable=True))
    op.add_column("listings", sa.Column("stopped", sa.Boolean(), nullable=False, server_default=sa.text("false")))
