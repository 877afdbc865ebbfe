"""the staff: users, sessions, keys, notes, tags, alerts, outgoing webhooks; how orders are found."""

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.domain.goods import words
from core.store.tables import us

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column("cleared_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alerts_merchant_id"), ["merchant", "id"], unique=False)
        batch_op.create_index(
            "uq_alerts_open",
            ["merchant", "cause", "subject"],
            unique=True,
            sqlite_where=sa.text("cleared_at is null"),
            postgresql_where=sa.text("cleared_at is null"),
        )

    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("tail", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("secret", name=op.f("uq_api_keys_secret")),
    )
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_keys_merchant_created_at"), ["merchant", "created_at"], unique=False)

    op.create_table(
        "attempts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attempts_at"), ["at"], unique=False)

    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("body", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_merchant_id"), ["merchant", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_merchant_subject_id"), ["merchant", "subject", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_merchant_who_id"), ["merchant", "who", "id"], unique=False)

    op.create_table(
        "consents",
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("wish", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_consents")),
    )
    op.create_table(
        "exports",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("connection", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
        sa.UniqueConstraint("connection", "request", name=op.f("uq_exports_connection_request")),
    )
    with op.batch_alter_table("exports", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_exports_merchant_made_at"), ["merchant", "made_at"], unique=False)

    op.create_table(
        "hook_calls",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("hook", sa.Text(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("ms", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hook_calls")),
    )
    with op.batch_alter_table("hook_calls", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hook_calls_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_hook_calls_hook_id"), ["hook", "id"], unique=False)

    op.create_table(
        "hooks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'active'"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("sent_to", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("rests_until", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hooks")),
    )
    with op.batch_alter_table("hooks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hooks_merchant"), ["merchant"], unique=False)

    op.create_table(
        "idempotency",
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("api_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("api_key", "name", name=op.f("pk_idempotency")),
    )
    with op.batch_alter_table("idempotency", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_idempotency_at"), ["at"], unique=False)

    op.create_table(
        "ignored",
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("merchant", "cause", "subject", name=op.f("pk_ignored")),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("invited_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token", name=op.f("uq_invitations_token")),
    )
    with op.batch_alter_table("invitations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invitations_merchant_created_at"), ["merchant", "created_at"], unique=False)

    op.create_table(
        "members",
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("alerts", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("merchant", "user_id", name=op.f("pk_members")),
    )
    with op.batch_alter_table("members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_members_user_id"), ["user_id"], unique=False)

    op.create_table(
        "order_notes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_notes")),
    )
    with op.batch_alter_table("order_notes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_notes_order_id_id"), ["order_id", "id"], unique=False)

    op.create_table(
        "order_tags",
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("order_id", "tag", name=op.f("pk_order_tags")),
    )
    with op.batch_alter_table("order_tags", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_tags_merchant_tag_order_id"), ["merchant", "tag", "order_id"], unique=False)

    op.create_table(
        "order_words",
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("word", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("personal", sa.Boolean(), server_default=sa.text("(false)"), nullable=False),
        sa.PrimaryKeyConstraint("word", "order_id", name=op.f("pk_order_words")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("order_words", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_words_order_id"), ["order_id"], unique=False)

    op.create_table(
        "order_acts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("orders", sa.Text(), nullable=False),
        sa.Column("changed", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("done", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_acts")),
    )
    with op.batch_alter_table("order_acts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_acts_at"), ["at"], unique=False)

    op.create_table(
        "sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("agent", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sessions_until"), ["until"], unique=False)
        batch_op.create_index(batch_op.f("ix_sessions_user_id"), ["user_id"], unique=False)

    op.create_table(
        "users",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), server_default=sa.text("('')"), nullable=False),
        sa.Column("data_key", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("totp", sa.Text(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("locale", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sa.UniqueConstraint("subject", name=op.f("uq_users_subject")),
    )
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_events_merchant_subject_id"))
        batch_op.create_index(batch_op.f("ix_events_subject_id"), ["subject", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_events_merchant_id"), ["merchant", "id"], unique=False)

    with op.batch_alter_table("listings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_listings_merchant"))
        batch_op.create_index(batch_op.f("ix_listings_merchant_id"), ["merchant", "id"], unique=False)

    with op.batch_alter_table("connections", schema=None) as batch_op:
        batch_op.add_column(sa.Column("login_until", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("scopes", sa.Text(), nullable=True))

    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_inbox_kept",
            ["ref"],
            unique=False,
            sqlite_where=sa.text("done_at is not null and body is not null"),
            postgresql_where=sa.text("done_at is not null and body is not null"),
        )

    with op.batch_alter_table("merchants", schema=None) as batch_op:
        batch_op.add_column(sa.Column("settings", sa.Text(), server_default=sa.text("'{}'"), nullable=False))

    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.add_column(sa.Column("status", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("payment", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("fulfillment", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("units", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("test", sa.Boolean(), server_default=sa.text("(false)"), nullable=False))
        batch_op.add_column(sa.Column("held_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("held_why", sa.Text(), nullable=True))
        batch_op.create_index(batch_op.f("ix_orders_connection_placed_at_id"), ["connection", "placed_at", "id"], unique=False)
        batch_op.create_index(
            "ix_orders_held",
            ["merchant", "placed_at", "id"],
            unique=False,
            sqlite_where=sa.text("held_at is not null"),
            postgresql_where=sa.text("held_at is not null"),
        )
        batch_op.create_index(
            "ix_orders_payment",
            ["merchant", "payment", "placed_at", "id"],
            unique=False,
            sqlite_where=sa.text("payment <> 'paid'"),
            postgresql_where=sa.text("payment <> 'paid'"),
        )
        batch_op.create_index(
            "ix_orders_fulfillment",
            ["merchant", "fulfillment", "placed_at", "id"],
            unique=False,
            sqlite_where=sa.text("fulfillment <> 'fulfilled'"),
            postgresql_where=sa.text("fulfillment <> 'fulfilled'"),
        )
        batch_op.create_index(batch_op.f("ix_orders_merchant_name"), ["merchant", "name"], unique=False)
        batch_op.create_index("ix_orders_status", ["merchant", "status", "placed_at", "id"], unique=False)

    with op.batch_alter_table("order_lines", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_lines_merchant_sku"), ["merchant", "sku"], unique=False)
        batch_op.create_index(
            "ix_order_lines_waiting",
            ["merchant", "order_id", "waits"],
            unique=False,
            sqlite_where=sa.text("waits is not null"),
            postgresql_where=sa.text("waits is not null"),
        )

    with op.batch_alter_table("reservations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reservations_merchant_location"), ["merchant", "location"], unique=False)

    with op.batch_alter_table("inbox", schema=None) as batch_op:
        batch_op.drop_index("ix_inbox_waiting")
        batch_op.create_index("ix_inbox_ref", ["ref", "id"], unique=False)

    if op.get_bind().dialect.name == "postgresql":  # each row is updated once, soon: with room on its page its indexes stay as they are
        op.execute("alter table inbox set (fillfactor = 60)")

    _of_the_pages()


def _of_the_pages() -> None:
    """What the pages look things up by, and where they keep what people bring and are told."""
    words = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
    op.create_table(
        "sku_words",
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("word", words, nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("merchant", "word", "sku", name=op.f("pk_sku_words")),
    )
    op.create_index(op.f("ix_sku_words_merchant_sku"), "sku_words", ["merchant", "sku"], unique=False)
    op.create_table(
        "letters",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_letters")),
    )
    op.create_index(op.f("ix_letters_merchant_user_id_at"), "letters", ["merchant", "user_id", "at"], unique=False)
    op.create_index(op.f("ix_letters_at"), "letters", ["at"], unique=False)
    op.create_table(
        "uploads",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("report", sa.Text(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("undo", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
    )
    op.create_index(op.f("ix_uploads_merchant_at"), "uploads", ["merchant", "at"], unique=False)
    op.create_index(op.f("ix_uploads_at"), "uploads", ["at"], unique=False)
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ship_by", sa.BigInteger(), nullable=True))
    _partial("ix_orders_odd", "orders", ["merchant", "saved_at"], "problems is not null")
    _partial("ix_findings_open", "findings", ["merchant", "found_at"], "mended_at is null")
    _partial("ix_orders_ship_by", "orders", ["merchant", "ship_by"], "ship_by is not null")
    with op.batch_alter_table("listings", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mapped", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    _partial("ix_listings_unmapped", "listings", ["connection", "id"], "not mapped")
    _partial("ix_listings_problem", "listings", ["connection", "id"], "problem is not null")
    op.create_index(op.f("ix_findings_connection_what_found_at"), "findings", ["connection", "what", "found_at"], unique=False)
    with op.batch_alter_table("ignored", schema=None) as batch_op:
        batch_op.add_column(sa.Column("seen", sa.Text(), server_default=sa.text("('')"), nullable=False))
    op.execute("update listings set mapped = true where id in (select listing_id from listing_parts)")
    _find_goods()
    _ship_by()


def _partial(name: str, table: str, columns: list[str], condition: str) -> None:
    op.create_index(name, table, columns, unique=False, sqlite_where=sa.text(condition), postgresql_where=sa.text(condition))


def _find_goods() -> None:
    """SKUs of before are found by their words, too."""
    table = sa.table("sku_words", sa.column("merchant"), sa.column("word"), sa.column("sku"))
    for row in op.get_bind().execute(sa.text("select merchant, sku, title from skus")).fetchall():
        op.bulk_insert(table, [{"merchant": row.merchant, "word": word, "sku": row.sku} for word in words(row.sku, row.title)])


def _ship_by() -> None:
    """Orders of before say it in their documents alone."""
    db = op.get_bind()
    for row in db.execute(sa.text("select id, doc from orders where doc like '%\"ship_by\"%'")).fetchall():
        if said := json.loads(row.doc).get("ship_by"):
            at = us(datetime.fromisoformat(said))
            db.execute(sa.text("update orders set ship_by = :at where id = :id"), {"at": at, "id": row.id})
