"""costs: what units cost, what carriers bill, what banks say, the day's rates, and what each sale leaves."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

OWN = "case merchant when (select current_setting('crossdock.merchant', true)) then true else false end"


def upgrade() -> None:
    for part in (_goods, _postage, _money, _margins):
        part()


def _need(name: str, kind: type[Any] = sa.Text, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=False, server_default=None if default is None else sa.text(default))


def _may(name: str, kind: type[Any] = sa.Text) -> sa.Column[Any]:
    return sa.Column(name, kind(), nullable=True)


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Text(), primary_key=True)


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


def _goods() -> None:
    for column in (_may("cost", sa.BigInteger), _may("currency")):
        op.add_column("inbound_lines", column)
    which = (_need("merchant"), _need("sku"), _need("at", sa.BigInteger), _need("cost", sa.BigInteger), _need("currency"))
    why = (_need("units", sa.Integer, "0"), _need("source", default="''"), _need("who", default="''"), _need("name", default="''"))
    _table("unit_costs", *which, *why, sa.PrimaryKeyConstraint("merchant", "sku", "at"))
    which = (_need("merchant"), _need("ref"), _need("sku"), _need("units", sa.Integer), _need("at", sa.BigInteger))
    _table("costless", *which, sa.PrimaryKeyConstraint("merchant", "ref", "sku"))
    op.create_index("ix_costless_merchant_sku", "costless", ["merchant", "sku"])


def _postage() -> None:
    name = (_id(), _need("merchant"), _may("connection"), _need("carrier"), _need("number"), _need("day"), _need("currency"))
    rest = (_need("total", sa.BigInteger), _need("file", default="''"), _need("at", sa.BigInteger), _need("who"), _need("name"))
    once = sa.UniqueConstraint("merchant", "carrier", "number", name="uq_carrier_bills_merchant_carrier_number")
    _table("carrier_bills", *name, *rest, once)
    op.create_index("ix_carrier_bills_merchant_at_id", "carrier_bills", ["merchant", "at", "id"])
    line = (_need("merchant"), _need("bill"), _need("n", sa.Integer), _need("tracking"), _may("purchase"), _need("what"))
    _table("carrier_bill_lines", *line, _need("amount", sa.BigInteger), _need("text", default="''"), sa.PrimaryKeyConstraint("bill", "n"))
    _some("ix_carrier_bill_lines_purchase", "carrier_bill_lines", ["merchant", "purchase"], "purchase is not null")


def _money() -> None:
    for table, column in (
        ("payouts", _need("gateway", default="''")),
        ("payouts", _need("origin", default="'feed'")),
        ("payouts", _may("in_deposit")),
        ("orders", _may("destination")),
    ):
        op.add_column(table, column)
    _some("ix_payouts_in_deposit", "payouts", ["merchant", "in_deposit"], "in_deposit is not null")
    what = (_id(), _need("merchant"), _need("day"), _need("currency"), _need("amount", sa.BigInteger), _need("words", default="''"))
    _table("deposits", *what, _need("at", sa.BigInteger), _need("who"), _need("name"))
    op.create_index("ix_deposits_merchant_day_id", "deposits", ["merchant", "day", "id"])
    key = sa.PrimaryKeyConstraint("merchant", "currency", "base", "day")
    _table(
        "day_rates", _need("merchant"), _need("day"), _need("currency"), _need("base"), _need("rate"), _need("source", default="''"), key
    )


def _margins() -> None:
    which = (_need("merchant"), _need("ref"), _need("part"), _need("currency"), _need("sku", default="''"), _need("connection"))
    when = (_need("day"), _need("units", sa.Integer, "0"))
    sums = [_need(one, sa.BigInteger, "0") for one in ("earned", "given_back", "fees", "postage")]
    rest = (_may("cost", sa.BigInteger), sa.PrimaryKeyConstraint("merchant", "ref", "part", "currency"))
    _table("margins", *which, *when, *sums, *rest)
    op.create_index("ix_margins_merchant_day_connection", "margins", ["merchant", "day", "connection"])
    op.create_index("ix_margins_merchant_sku_day", "margins", ["merchant", "sku", "day"])
