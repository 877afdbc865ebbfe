"""books: a journal, payouts and what they hold, ledgers and what is written into them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OWN = "case merchant when (select current_setting('crossdock.merchant', true)) then true else false end"


def upgrade() -> None:
    for part in (_books, _journal, _payouts, _payout_lines, _ledgers, _documents):
        part()


def _need(name: str, kind: type[Any] = sa.Text, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=False, server_default=None if default is None else sa.text(default))


def _may(name: str, kind: type[Any] = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=True)


def _number(name: str) -> sa.Column[Any]:
    """A key that the database counts up."""
    return sa.Column(name, sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True)


def _some(name: str, table: str, columns: list[str], condition: str) -> None:
    """An index over some rows of a table."""
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def _table(name: str, *parts: sa.schema.SchemaItem) -> None:
    """A merchant's own, as the others are."""
    op.create_table(name, *parts)
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"alter table {name} enable row level security")
        op.execute(f"create policy own on {name} using ({OWN}) with check ({OWN})")


def _books() -> None:
    merchant = sa.Column("merchant", sa.Text(), primary_key=True)
    _table("books", merchant, _need("starts"), _may("closed_until"), _need("settings", default="'{}'"))
    key = sa.PrimaryKeyConstraint("merchant", "ref")
    _table("unbooked", _need("merchant"), _need("ref"), _need("why"), _need("at", sa.BigInteger), key)


def _journal() -> None:
    name = (_need("merchant"), _need("kind"), _need("subject"), _need("key"), _need("version", sa.Integer), _need("day"), _may("due_day"))
    rest = (_need("memo", default="''"), _may("reverses", sa.Integer), _need("at", sa.BigInteger))
    once = sa.UniqueConstraint("merchant", "subject", "key", "version", name="uq_entries_merchant_subject_key_version")
    _table("entries", _number("id"), *name, *rest, once)
    op.create_index("ix_entries_merchant_day_id", "entries", ["merchant", "day", "id"])
    op.create_index("ix_entries_merchant_at_id", "entries", ["merchant", "at", "id"])
    where = [_need(one, default="''") for one in ("connection", "gateway", "item", "tax")]
    what = (_need("merchant"), _need("entry", sa.BigInteger), _need("n", sa.Integer), _need("kind"), _need("day"), _need("account"))
    _table("postings", *what, *where, _need("currency"), _need("amount", sa.BigInteger), sa.PrimaryKeyConstraint("entry", "n"))
    sums = [_need(one, sa.BigInteger, "0") for one in ("paid", "repaid", "settled", "other", "open")]
    key = sa.PrimaryKeyConstraint("merchant", "connection", "gateway", "currency", "item")
    whose = [_need(one) for one in ("merchant", "connection", "gateway", "currency", "item")]
    _table("items", *whose, *sums, _need("since"), _need("last"), key)
    _some("ix_items_open", "items", ["merchant", "since", "item"], "open <> 0")
    _some("ix_postings_item", "postings", ["merchant", "item", "account"], "item <> ''")
    op.create_index("ix_postings_merchant_day_account", "postings", ["merchant", "day", "account"])


def _payouts() -> None:
    what = (_need("merchant"), _need("connection"), _need("channel_id"), _need("state"), _need("at", sa.BigInteger), _need("currency"))
    money = (_need("amount", sa.BigInteger), _may("began", sa.BigInteger), _may("ended", sa.BigInteger), _may("deposit", sa.BigInteger))
    words = (_may("deposit_currency"), _need("number", default="''"), _need("handle", default="''"), _need("words", default="''"))
    read = (_may("cursor"), _may("read_at", sa.BigInteger), _may("booked_at", sa.BigInteger), _may("findings"))
    bank = (_may("banked", sa.BigInteger), _need("seen_at", sa.BigInteger))
    once = sa.UniqueConstraint("connection", "channel_id", name="uq_payouts_connection_channel_id")
    _table("payouts", sa.Column("id", sa.Text(), primary_key=True), *what, *money, *words, *read, *bank, once)
    op.create_index("ix_payouts_merchant_at_id", "payouts", ["merchant", "at", "id"])


def _payout_lines() -> None:
    name = (_need("merchant"), _need("connection"), _need("payout"), _need("channel_id"), _need("n", sa.Integer, "0"))
    what = (
        _need("occasion"),
        _need("at", sa.BigInteger),
        _need("currency"),
        _need("amount", sa.BigInteger),
        _may("order_id"),
        _need("doc"),
    )
    _table("payout_lines", *name, *what, sa.PrimaryKeyConstraint("connection", "payout", "channel_id"))
    _some("ix_payout_lines_order", "payout_lines", ["connection", "order_id"], "order_id is not null")
    op.create_index("ix_payout_lines_merchant_connection_payout_n", "payout_lines", ["merchant", "connection", "payout", "n"])


def _ledgers() -> None:
    thing = (_need("merchant"), _need("connection"), _need("kind"), _need("id"), _need("doc"), _need("seen_at", sa.BigInteger))
    _table("ledger_things", *thing, sa.PrimaryKeyConstraint("connection", "kind", "id"))
    which = (_need("merchant"), _need("connection"), _need("what"), _need("target"))
    _table("account_maps", *which, sa.PrimaryKeyConstraint("connection", "what"))


def _documents() -> None:
    name = (_need("merchant"), _need("connection"), _need("source"), _need("revision", sa.Integer, "1"), _need("kind"), _need("number"))
    what = (_need("day"), _need("currency"), _need("total", sa.BigInteger), _need("tax", sa.BigInteger, "0"), _need("doc"))
    state = (_need("state"), _may("why"), _may("words"), _may("after"), _need("wanted_at", sa.BigInteger), _may("tried_at", sa.BigInteger))
    there = (_may("posted_at", sa.BigInteger), _may("ledger_id"), _may("version"), _may("shape"), _may("shape_now"))
    once = sa.UniqueConstraint("connection", "source", "revision", name="uq_documents_connection_source_revision")
    gone = (_need("gone", sa.Boolean, "false"), _may("link"))
    _table("documents", sa.Column("id", sa.Text(), primary_key=True), *name, *what, *state, *there, *gone, once)
    op.create_index("ix_documents_merchant_state_wanted_at_id", "documents", ["merchant", "state", "wanted_at", "id"])
    _some("ix_documents_ledger_id", "documents", ["connection", "ledger_id"], "ledger_id is not null")
    which = (_need("merchant"), _need("connection"), _need("entry", sa.BigInteger), _need("document", default="''"))
    _table("document_entries", *which, sa.PrimaryKeyConstraint("connection", "entry"))
    _some("ix_document_entries_document", "document_entries", ["document"], "document <> ''")
    _some("ix_document_entries_to_do", "document_entries", ["connection", "entry"], "document = ''")
