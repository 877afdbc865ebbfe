"""row locks: on PostgreSQL whoever does not own the tables sees the rows of the merchant that the session names, and no other."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Found by what the tables are. The setting is read once a statement. As a case no index is chosen for its sake: a policy that is an equal
# sign would tempt the planner to begin with a merchant's all.
TABLES = """
select quote_ident(c.relname) from pg_class c join pg_attribute a on a.attrelid = c.oid
where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace and a.attname = 'merchant' and not a.attisdropped
order by c.relname
"""
OWN = "case {column} when (select current_setting('crossdock.merchant', true)) then true else false end"
STAFF = "exists (select 1 from members m where m.user_id = users.id)"  # of which only the merchant's own are seen


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in op.get_bind().execute(sa.text(TABLES)).scalars().all():
        _lock(table, OWN.format(column="merchant"))
    _lock("merchants", OWN.format(column="id"))
    _lock("users", STAFF)


def _lock(table: str, rule: str) -> None:
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"create policy own on {table} using ({rule}) with check ({rule})")
