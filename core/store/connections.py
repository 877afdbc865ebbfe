"""Merchants, their connections, secrets, marks and rate budgets."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection as Db

from core.store import places
from core.store.sql import run


@dataclass(frozen=True, slots=True)
class Merchant:
    id: str
    name: str
    data_key: str


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Connection:
    """One merchant's login at one system. `login` and `access` are sealed."""

    id: str
    merchant: str
    channel: str
    account: str
    label: str
    state: str
    reason: str | None
    blocked_until: int
    buffer: int
    settings: Mapping[str, Any]
    login: str | None
    access: str | None
    access_until: int
    location: str | None
    stock_since: int
    live_at: int | None = None
    own_map: bool = False
    login_until: int | None = None
    scopes: str | None = None
    role: str = "channel"


CHANNEL, CARRIER, LEDGER = "channel", "carrier", "ledger"
FIELDS = """id, merchant, channel, account, label, state, reason, blocked_until, buffer, settings, login, access, access_until, location,
  stock_since, live_at, own_map, login_until, scopes, role"""


def _read(row: Any) -> Connection:
    values = dict(row._mapping)
    return Connection(**{**values, "settings": msgspec.json.decode(values["settings"])})


def add_merchant(db: Db, one: Merchant, now: int) -> None:
    run(
        db,
        "insert into merchants (id, name, data_key, created_at) values (:id, :name, :data_key, :now)",
        id=one.id, name=one.name, data_key=one.data_key, now=now,
    )  # fmt: skip


def merchants(db: Db) -> list[Merchant]:
    return [Merchant(**row._mapping) for row in run(db, "select id, name, data_key from merchants order by created_at, id")]


def merchant(db: Db, id: str) -> Merchant | None:
    row = run(db, "select id, name, data_key from merchants where id = :id", id=id).first()
    return Merchant(**row._mapping) if row else None


ADD = """
insert into connections (id, merchant, channel, account, label, settings, login, location, stock_since, live_at, buffer, created_at, role)
values (:id, :merchant, :channel, :account, :label, :settings, :login, :location, :stock_since, :live_at, :buffer, :now, :role)
on conflict (channel, account) do nothing
"""


def add(db: Db, one: Connection, now: int) -> bool:
    """False where somebody has connected this account, seen by us or not."""
    added = run(
        db, ADD, id=one.id, merchant=one.merchant, channel=one.channel, account=one.account, label=one.label, login=one.login,
        settings=msgspec.json.encode(one.settings).decode(), location=one.location, stock_since=one.stock_since, live_at=one.live_at,
        buffer=one.buffer, now=now, role=one.role,
    )  # fmt: skip
    if added.rowcount and one.role == CHANNEL:
        places.spread(db, one.merchant, one.id)
    return bool(added.rowcount)


def get(db: Db, id: str) -> Connection | None:
    row = run(db, f"select {FIELDS} from connections where id = :id", id=id).first()
    return _read(row) if row else None


def one_of(db: Db, merchant: str, id: str) -> Connection | None:
    """A merchant's own connection; None where it is nobody's, or another's."""
    row = run(db, f"select {FIELDS} from connections where id = :id and merchant = :merchant", id=id, merchant=merchant).first()
    return _read(row) if row else None


def of_channel(db: Db, channel: str) -> list[Connection]:
    """For the sweeper, and for notices that are about no account: everybody's connections of a channel."""
    return [_read(row) for row in run(db, f"select {FIELDS} from connections where channel = :channel order by id", channel=channel)]


def by_account(db: Db, channel: str, account: str) -> Connection | None:
    """A connection is unique by channel and account over the whole installation."""
    row = run(
        db, f"select {FIELDS} from connections where channel = :channel and account = :account", channel=channel, account=account
    ).first()
    return _read(row) if row else None


def sellers(db: Db, merchant: str, channel: str) -> list[Connection]:
    """A merchant's carriers, and the channel's connection that an order came by, in the order in which they were connected."""
    found = run(db, SELLERS, merchant=merchant, channel=channel, role=CARRIER)
    return [_read(row) for row in found]


def all_of(db: Db, merchant: str, role: str = CHANNEL) -> list[Connection]:
    """A merchant's channels, or its carriers, in the order in which they were connected."""
    return [_read(row) for row in run(db, ALL_OF, merchant=merchant, role=role)]


SELLERS = f"select {FIELDS} from connections where merchant = :merchant and (role = :role or id = :channel) order by created_at, id"
ALL_OF = f"select {FIELDS} from connections where merchant = :merchant and role = :role order by created_at, id"


def everyone(db: Db) -> list[Connection]:
    """For the sweeper: all connections of all merchants."""
    return [_read(row) for row in run(db, f"select {FIELDS} from connections order by created_at, id")]


LOGIN = """
update connections set login = :login, access = null, access_until = 0, blocked_until = 0, state = 'active', reason = null,
  login_until = null where id = :id
"""


def set_login(db: Db, id: str, login: str) -> None:
    """New secrets: what came of the old ones is forgotten, and the connection is open again."""
    run(db, LOGIN, id=id, login=login)


def set_options(db: Db, id: str, settings: Mapping[str, Any], buffer: int) -> None:
    """Other settings and another buffer; what its listings show is looked at again."""
    set_settings(db, id, settings)
    set_buffer(db, id, buffer)


def set_settings(db: Db, id: str, settings: Mapping[str, Any]) -> None:
    text = msgspec.json.encode(settings).decode()
    run(db, "update connections set settings = :settings where id = :id", id=id, settings=text)


ACCESS = """
update connections set access = :access, access_until = :until, login = coalesce(:login, login),
  login_until = coalesce(:login_until, login_until), scopes = coalesce(:scopes, scopes)
where id = :id and coalesce(login, '') = :was
"""


def set_access(db: Db, id: str, was: str, access: str, until: int, login: str | None, **said: Any) -> bool:
    """New tokens of the login that `was`, stored before anybody uses them; and what the channel said of it: login_until, scopes. False
    where it is another login by now: then nothing is stored."""
    said = {"login_until": None, "scopes": None, **said}
    return bool(run(db, ACCESS, id=id, was=was, access=access, until=until, login=login, **said).rowcount)


def set_scopes(db: Db, id: str, scopes: str) -> None:
    run(db, "update connections set scopes = :scopes where id = :id", id=id, scopes=scopes)


SHUT = """
update connections set state = :state, reason = :reason, login = null, access = null, access_until = 0, login_until = null where id = :id
"""


def shut(db: Db, id: str, state: str, reason: str) -> None:
    """Nothing that opens the account is kept."""
    run(db, SHUT, id=id, state=state, reason=reason)


def lock_access(db: Db, id: str) -> None:
    """Only one refreshes at a time, over all processes; until the transaction ends."""
    if db.dialect.name == "postgresql":
        run(db, "select pg_advisory_xact_lock(hashtextextended(:id, 0))", id=f"access:{id}")


def set_state(db: Db, id: str, state: str, reason: str | None) -> None:
    run(db, "update connections set state = :state, reason = :reason where id = :id", id=id, state=state, reason=reason)


LOST = """
update connections set state = 'needs_login', reason = :reason where id = :id and state = 'active' and coalesce(login, '') = :login
"""


def lose_access(db: Db, id: str, login: str | None, reason: str) -> None:
    """It needs another login than this sealed one, unless it got that meanwhile, or somebody stopped it."""
    run(db, LOST, id=id, login=login or "", reason=reason)


def block(db: Db, id: str, until: int) -> None:
    run(db, "update connections set blocked_until = :until where id = :id and blocked_until < :until", id=id, until=until)


def set_buffer(db: Db, id: str, buffer: int) -> None:
    run(db, "update connections set buffer = :buffer where id = :id", id=id, buffer=buffer)
    run(db, "update listings set changed = changed + 1 where connection = :id", id=id)


def set_location(db: Db, id: str, location: str) -> None:
    """Of ours: where its orders are reserved first."""
    run(db, "update connections set location = :location where id = :id", id=id, location=location)


def set_live(db: Db, id: str, at: int | None) -> None:
    """Its stock is written once the orders of all channels up to then are here, at once for 0; None: it is only watched."""
    run(db, "update connections set live_at = :at where id = :id", id=id, at=at)


def wait_for_orders(db: Db, merchant: str, moment: int) -> None:
    """What is live writes no stock before the orders of all channels up to then are here."""
    run(db, "update connections set live_at = :at where merchant = :merchant and live_at is not null", merchant=merchant, at=moment)


READ_TO = """
select min(coalesce(m.at, 0)) as at, max(coalesce(p.at, 0)) as paged from connections
left join marks m on m.connection = connections.id and m.name = 'orders'
left join marks p on p.connection = connections.id and p.name = 'orders paged'
where connections.merchant = :merchant and connections.role = 'channel'
  and (connections.state = 'active' or (connections.state = 'needs_login' and live_at is not null))
"""
UNTAKEN = """
select (select count(*) from tasks where state = 'due' and queue = 'inside' and {of} and kind = 'take_orders' and asked_at <= :paged)
     + (select count(*) from tasks where state = 'due' and queue = 'outside' and {of} and kind = 'fetch_orders' and asked_at <= :paged)
     + (select count(*) from tasks where state = 'running' and lease_until > 0 and {of} and kind in ('take_orders', 'fetch_orders')
          and asked_at <= :paged)
"""
UNTAKEN_OF_ALL = UNTAKEN.format(of="merchant = :merchant")
UNTAKEN_OF_ONE = UNTAKEN.format(of="merchant = :merchant and connection = :connection")


def has_read(db: Db, merchant: str, moment: int) -> bool:
    """All orders up to then are here, and taken: of all open connections, and of those that are live and locked out."""
    read = run(db, READ_TO, merchant=merchant).one()
    return (read.at or 0) >= moment and not run(db, UNTAKEN_OF_ALL, merchant=merchant, paged=read.paged or 0).scalar_one()


def read_to(db: Db, merchant: str, connection: str) -> tuple[int, bool]:
    """Up to when its orders are here, and whether those that were read are taken."""
    (at, _), (paged, _) = mark(db, connection, "orders"), mark(db, connection, "orders paged")
    return at, not run(db, UNTAKEN_OF_ONE, merchant=merchant, connection=connection, paged=paged).scalar_one()


BEHIND = """
select connections.channel, connections.account, connections.state, coalesce(m.at, 0) as at from connections
left join marks m on m.connection = connections.id and m.name = 'orders'
where connections.merchant = :merchant and connections.role = 'channel'
  and (connections.state = 'active' or (connections.state = 'needs_login' and live_at is not null))
  and coalesce(m.at, 0) < :moment
order by connections.created_at, connections.id
"""


def behind(db: Db, merchant: str, moment: int) -> list[Any]:
    """The connections whose orders `has_read` waits for: (channel, account, state, how far they are read)."""
    return list(run(db, BEHIND, merchant=merchant, moment=moment))


def untaken(db: Db, merchant: str) -> int:
    """Orders that were read and that `has_read` waits to be taken."""
    read = run(db, READ_TO, merchant=merchant).one()
    return int(run(db, UNTAKEN_OF_ALL, merchant=merchant, paged=read.paged or 0).scalar_one())


def mark(db: Db, connection: str, name: str) -> tuple[int, str | None]:
    """How far a long read came: (moment, cursor); (0, None) where it never began."""
    row = run(db, "select at, cursor from marks where connection = :connection and name = :name", connection=connection, name=name).first()
    return (row.at, row.cursor) if row else (0, None)


MARK = """
insert into marks (merchant, connection, name, at, cursor) values (:merchant, :connection, :name, :at, :cursor)
on conflict (connection, name) do update set at = excluded.at, cursor = excluded.cursor
"""


def set_mark(db: Db, merchant: str, connection: str, name: str, at: int, cursor: str | None = None) -> None:
    run(db, MARK, merchant=merchant, connection=connection, name=name, at=at, cursor=cursor)


COUNT = """
insert into marks (merchant, connection, name, at) values (:merchant, :merchant, :name, :by)
on conflict (connection, name) do update set at = marks.at + :by returning at
"""


def count_up(db: Db, merchant: str, name: str, by: int) -> int:
    """Take so many numbers of a merchant's own; gives the last of them."""
    return int(run(db, COUNT, merchant=merchant, name=name, by=by).scalar_one())


def marks(db: Db, merchant: str) -> list[Any]:
    return list(
        run(db, "select connection, name, at, cursor from marks where merchant = :merchant order by connection, name", merchant=merchant)
    )


# One guarded statement takes from a bucket: it refills by the time that passed and gives back what is left, or nothing.
TAKE = """
insert into budgets (connection, operation, remaining, at, per_s, burst)
values (:connection, :operation, :burst - :units, :now, :per_s, :burst)
on conflict (connection, operation) do update set at = :now, remaining =
  case when budgets.remaining + (:now - budgets.at) * budgets.per_s / 1000000.0 > budgets.burst then budgets.burst
       else budgets.remaining + (:now - budgets.at) * budgets.per_s / 1000000.0 end - :units
where case when budgets.remaining + (:now - budgets.at) * budgets.per_s / 1000000.0 > budgets.burst then budgets.burst
           else budgets.remaining + (:now - budgets.at) * budgets.per_s / 1000000.0 end >= :needed
returning remaining
"""
BUCKET = "select remaining, at, per_s, burst from budgets where connection = :connection and operation = :operation"


def take(db: Db, connection: str, operation: str, per_s: float, burst: float, units: float, now: int, leaves: float = 0.0) -> float:
    """Take from a rate budget; 0 when it sufficed, else the seconds until it will. `leaves` is the share of a full one that stays."""
    needed = min(burst, units + leaves * burst)
    row = run(db, TAKE, connection=connection, operation=operation, per_s=per_s, burst=burst, units=units, needed=needed, now=now).first()
    if row is not None:
        return 0.0
    bucket = run(db, BUCKET, connection=connection, operation=operation).one()
    left: float = min(bucket.burst, bucket.remaining + (now - bucket.at) * bucket.per_s / 1e6)
    wait_s: float = (min(bucket.burst, needed) - left) / bucket.per_s
    return max(0.05, wait_s)


LEARN = """
update budgets set per_s = coalesce(:per_s, per_s), burst = coalesce(:burst, burst), remaining = coalesce(:left, remaining), at = :now
where connection = :connection and operation = :operation
"""


def learn(db: Db, connection: str, operation: str, now: int, per_s: float | None, burst: float | None, left: float | None) -> None:
    run(db, LEARN, connection=connection, operation=operation, now=now, per_s=per_s, burst=burst, left=left)
