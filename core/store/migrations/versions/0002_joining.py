"""places, backfills and findings; listings for each place; copies, merged orders and history."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backfills",
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=True),
        sa.Column("cursor", sa.Text(), nullable=True),
        sa.Column("orders", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("passed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("paged_at", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("connection", name=op.f("pk_backfills")),
    )
    op.create_table(
        "findings",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("theirs", sa.Text(), nullable=False),
        sa.Column("ours", sa.Text(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("mended_at", sa.BigInteger(), nullable=True),
        sa.Column("how", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
    )
    with op.batch_alter_table("findings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_findings_merchant_id"), ["merchant", "id"], unique=False)
        batch_op.create_index(
            "uq_findings_open",
            ["connection", "what", "subject"],
            unique=True,
            sqlite_where=sa.text("mended_at is null"),
            postgresql_where=sa.text("mended_at is null"),
        )

    op.create_table(
        "place_locations",
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "location", name=op.f("pk_place_locations")),
    )
    with op.batch_alter_table("place_locations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_place_locations_merchant"), ["merchant"], unique=False)

    op.create_table(
        "places",
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("service", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("decided", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("connection", "place", name=op.f("pk_places")),
    )
    with op.batch_alter_table("places", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_places_merchant"), ["merchant"], unique=False)

    with op.batch_alter_table("connections", schema=None) as batch_op:
        batch_op.add_column(sa.Column("own_map", sa.Boolean(), server_default=sa.text("false"), nullable=False))

    with op.batch_alter_table("levels", schema=None) as batch_op:
        batch_op.add_column(sa.Column("counted_at", sa.BigInteger(), server_default=sa.text("0"), nullable=False))

    with op.batch_alter_table("listings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("place", sa.Text(), server_default=sa.text("''"), nullable=False))
        batch_op.add_column(sa.Column("figure_at", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
        batch_op.alter_column("lower_since", new_column_name="raise_from", existing_type=sa.BigInteger(), existing_nullable=True)
        batch_op.add_column(sa.Column("compared", sa.BigInteger(), server_default=sa.text("0"), nullable=False))
        batch_op.add_column(sa.Column("sought", sa.Integer(), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_listings_connection_listing_sku"), type_="unique")
        batch_op.create_unique_constraint(batch_op.f("uq_listings_connection_listing_sku_place"), ["connection", "listing", "sku", "place"])
    with op.batch_alter_table("listings", schema=None) as batch_op:
        batch_op.create_index(
            "ix_listings_raising",
            ["connection"],
            unique=False,
            sqlite_where=sa.text("raise_from is not null"),
            postgresql_where=sa.text("raise_from is not null"),
        )

    with op.batch_alter_table("order_lines", schema=None) as batch_op:
        batch_op.add_column(sa.Column("assigned", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("merge_key", sa.Text(), nullable=True))
        batch_op.create_index(
            "ix_order_lines_merge_key",
            ["merchant", "merge_key"],
            unique=False,
            sqlite_where=sa.text("merge_key is not null"),
            postgresql_where=sa.text("merge_key is not null"),
        )

    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.add_column(sa.Column("source_id", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("copy_of", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("merged_into", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("history", sa.Boolean(), server_default=sa.text("false"), nullable=False))
        batch_op.create_index(
            "ix_orders_source_id",
            ["merchant", "source_id"],
            unique=False,
            sqlite_where=sa.text("source_id is not null"),
            postgresql_where=sa.text("source_id is not null"),
        )

    _carry_over()


def _carry_over() -> None:
    """What was known before there were places: every connection sells from all our locations, a Shopify listing's one place stands in
    its handle, and a figure is as old as its answer."""
    place = "json_extract(handle, '$.location')" if op.get_bind().dialect.name == "sqlite" else "cast(handle as json) ->> 'location'"
    op.execute(f"update listings set figure_at = shown_at, place = coalesce({place}, '')")
    op.execute("""
        insert into place_locations (merchant, connection, place, location)
        select c.merchant, c.id, coalesce((select max(l.place) from listings l where l.connection = c.id), ''), o.id
        from connections c join locations o on o.merchant = c.merchant
    """)
