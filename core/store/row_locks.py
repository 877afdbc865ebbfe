"""The second lock, on PostgreSQL: pages read and write under a role without a login, whose policies (migration 0004) show it one
merchant's rows. The role belongs to the server and not to a database, so it is made, and given what it may touch, after each migration
and wherever that is still to be done. Where the database's user may not, everything works without it, and `crossdock doctor` says so."""

from sqlalchemy import Connection
from sqlalchemy.exc import ProgrammingError

from core.store.engine import USABLE, WEB
from core.store.tables import metadata

HIDDEN = ("sessions", "attempts")  # who is signed in is found before it is known whose rows they may see
WRITTEN_ONCE = ("audit", "events", "entries", "postings")
OF_USERS = "select (id, email, subject, name, locale, created_at, disabled_at)"  # no password, no key
WITHOUT_MERCHANT = {"merchants": "select, update", "users": OF_USERS, "budgets": "select, insert, update", "schedules": "select"}
INSUFFICIENT = "42501"  # insufficient_privilege
HOW = f"let somebody who may create roles say: create role {WEB}; grant {WEB} to {{user}}; then run `crossdock migrate` again"


def grants() -> dict[str, str]:
    """What the web may do with each table."""
    found = dict(WITHOUT_MERCHANT)
    for table in metadata.sorted_tables:
        if "merchant" in table.columns and table.name not in HIDDEN:
            found[table.name] = "select, insert" if table.name in WRITTEN_ONCE else "select, insert, update, delete"
    return found


def arrange(db: Connection) -> None:
    """Make the role and give it what it needs, as far as this user may. In a transaction of its own."""
    if db.dialect.name != "postgresql" or not _have_role(db):
        return
    schema = db.exec_driver_sql("select quote_ident(current_schema())").scalar_one()
    says = [f"grant usage on schema {schema} to {WEB}", f"grant usage on all sequences in schema {schema} to {WEB}"]
    says += [f"revoke all on all tables in schema {schema} from {WEB}"]
    says += [f"grant {what} on {schema}.{table} to {WEB}" for table, what in grants().items()]
    db.exec_driver_sql("; ".join(says))


def _have_role(db: Connection) -> bool:
    """Whether we may take the role on; it is made where it is not there."""
    try:
        with db.begin_nested():
            db.exec_driver_sql(MAKE)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", "") != INSUFFICIENT:
            raise
        return False  # somebody else must
    return True


# Its user becomes a member unless they may take it on already, as a superuser may.
MAKE = f"""
do $$ begin
  perform pg_advisory_xact_lock(hashtextextended('{WEB}', 0));
  if to_regrole('{WEB}') is null then create role {WEB} nologin; end if;
  if not pg_has_role('{WEB}', case when current_setting('server_version_num')::int >= 160000 then 'SET' else 'MEMBER' end) then
    grant {WEB} to current_user;
  end if;
end $$
"""


def why_not(db: Connection) -> str:
    """What to do for the second lock to hold; empty where it does, and on SQLite, which has no such thing."""
    if db.dialect.name != "postgresql" or db.exec_driver_sql(USABLE).scalar_one():
        return ""
    return HOW.format(user=db.exec_driver_sql("select quote_ident(current_user)").scalar_one())
