"""The tables. Money is whole minor units (bigint) with its currency, times are microseconds since 1970 in UTC (bigint):
exact, comparable and the same on both databases. Every table that belongs to a merchant carries the merchant."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ONE = timedelta(microseconds=1)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def us(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - EPOCH) // ONE


def when(at: int) -> datetime:
    return EPOCH + at * ONE


def _id() -> Column[Any]:
    return Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True)


def _need(name: str, kind: Any = Text, default: str | None = None) -> Column[Any]:
    return Column(name, kind, nullable=False, server_default=text(default) if default is not None else None)


def _may(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, nullable=True)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


merchants = Table(
    "merchants", metadata, Column("id", Text, primary_key=True), _need("name"), _need("data_key"), _need("created_at", BigInteger)
)

connections = Table(
    "connections",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("channel"),
    _need("account"),
    _need("label"),
    _need("state", default="'active'"),  # active, paused, needs_login
    _may("reason"),
    _need("blocked_until", BigInteger, "0"),
    _need("buffer", Integer, "0"),
    _need("settings", default="'{}'"),
    _may("login"),  # sealed
    _may("access"),  # sealed
    _need("access_until", BigInteger, "0"),
    _may("location"),  # ours, where its orders are reserved
    _need("stock_since", BigInteger, "0"),  # goods that left before this moment are not in our counts
    _may("live_at", BigInteger),  # its stock is written once all orders up to then are here, 0: they are; none: it is only watched
    _need("created_at", BigInteger),
    _need("own_map", Boolean, "false"),  # somebody said which of our locations it sells from; else all, where it has one place
    UniqueConstraint("channel", "account"),
    Index(None, "merchant"),
)

places = Table(
    "places",
    metadata,
    _need("merchant"),
    _need("connection"),
    _need("place"),  # the channel's own id of a stock location
    _need("name", default="''"),
    _need("active", Boolean, "true"),
    _need("service", Boolean, "false"),  # another fulfillment service's: shown, never ours
    _need("decided", Boolean, "false"),  # somebody said what it is: one of ours, or nothing
    _need("seen_at", BigInteger, "0"),
    PrimaryKeyConstraint("connection", "place"),
    Index(None, "merchant"),
)

# Which of our locations a channel's place stands for; place '' is a channel without places, which sells from all that are named.
place_locations = Table(
    "place_locations",
    metadata,
    _need("merchant"),
    _need("connection"),
    _need("place"),
    _need("location"),
    PrimaryKeyConstraint("connection", "location"),
    Index(None, "merchant"),
)

marks = Table(
    "marks",
    metadata,
    _need("merchant"),
    _need("connection"),
    _need("name"),
    _need("at", BigInteger, "0"),
    _may("cursor"),
    PrimaryKeyConstraint("connection", "name"),
)

inbox = Table(
    "inbox",
    metadata,
    _id(),
    _need("merchant"),
    _need("connection"),
    _need("delivery"),
    _need("topic"),
    _may("ref"),
    _may("revision", BigInteger),
    _may("read_at", BigInteger),  # when we asked the channel for it; none: the channel pushed it
    _may("body", LargeBinary),  # sealed
    _need("received_at", BigInteger),
    _may("done_at", BigInteger),
    _may("outcome"),
    UniqueConstraint("connection", "delivery"),
    Index("ix_inbox_waiting", "ref", **_where("done_at is null")),
    Index("ix_inbox_received_at", "received_at"),
)

tasks = Table(
    "tasks",
    metadata,
    _id(),
    _need("merchant"),
    _need("connection", default="''"),
    _need("kind"),
    _need("subject"),
    _need("queue"),
    _need("state"),  # due, running, parked, done
    _need("due_at", BigInteger),
    _need("asked_at", BigInteger),
    _need("tries", Integer, "0"),
    _need("crashes", Integer, "0"),
    _need("generation", Integer, "0"),
    _need("again", Boolean, "false"),
    _may("lease_until", BigInteger),
    _may("done_at", BigInteger),
    _may("cause"),
    _may("detail"),
    _may("words"),  # sealed
    Index("uq_tasks_open", "merchant", "kind", "subject", unique=True, **_where("state in ('due', 'running', 'parked')")),
    Index("ix_tasks_due", "queue", "merchant", "connection", "kind", "due_at", **_where("state = 'due'")),
    Index("ix_tasks_running", "lease_until", **_where("state = 'running'")),
    Index("ix_tasks_parked", "merchant", **_where("state = 'parked'")),
    Index("ix_tasks_done", "done_at", **_where("state = 'done'")),
)

events = Table(
    "events",
    metadata,
    _id(),
    _need("merchant"),
    _need("subject"),
    _need("kind"),
    _need("body"),
    _need("at", BigInteger),
    _need("caused_by"),
    Index(None, "merchant", "subject", "id"),
)

orders = Table(
    "orders",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("connection"),
    _need("channel_id"),
    _need("name"),
    _need("revision", BigInteger),
    _need("digest"),
    _need("placed_at", BigInteger),
    _need("currency"),
    _need("total", BigInteger),
    _need("doc"),  # the canonical order without its person
    _may("person"),  # sealed
    _may("person_until", BigInteger),
    _may("problems"),
    _need("taken_at", BigInteger),
    _need("saved_at", BigInteger),
    _may("read_at", BigInteger),  # when we asked the channel for this copy; none: the channel pushed it
    _may("source_id"),  # the order of another system that it says it is
    _may("copy_of"),  # the ref of our order that it is another sight of: it is shown, and moves nothing
    _may("merged_into"),  # the ref of the order that holds its lines now
    _need("history", Boolean, "false"),  # it came with the backfill and was over by then: it reserves, tells and books nothing
    UniqueConstraint("connection", "channel_id"),
    Index(None, "merchant", "placed_at", "id"),
    Index("ix_orders_person_until", "person_until", **_where("person is not null")),
    Index("ix_orders_problems", "merchant", **_where("problems is not null")),
    Index("ix_orders_source_id", "merchant", "source_id", **_where("source_id is not null")),
)

order_lines = Table(
    "order_lines",
    metadata,
    _need("merchant"),
    _need("order_id"),
    _need("line"),
    _may("listing"),
    _may("sku"),
    _need("hold", Integer),  # units that should be reserved, by the order's own facts
    _need("gone", Integer),  # units that should have left the shelf
    _need("back", Integer),  # units that should have come back
    _need("held", Integer, "0"),  # what of these is booked
    _need("booked_gone", Integer, "0"),
    _need("booked_back", Integer, "0"),
    _may("back_to"),  # the channel's location that returned units came to
    _need("ships", Boolean, "true"),  # goods that somebody sends: without a map they wait for one
    _may("waits"),  # mapping, stock
    _may("assigned"),  # JSON {our location: units} that the channel says shall be sent from there; none: it did not say
    _may("merge_key"),  # the line's id, where the channel may list it in another order one day
    PrimaryKeyConstraint("order_id", "line"),
    Index("ix_order_lines_waits", "merchant", "waits", **_where("waits is not null")),
    Index("ix_order_lines_merge_key", "merchant", "merge_key", **_where("merge_key is not null")),
)

listings = Table(
    "listings",
    metadata,
    _id(),
    _need("merchant"),
    _need("connection"),
    _need("listing"),
    _need("sku"),  # the channel's exact spelling
    _need("place", default="''"),  # the channel's location whose stock this row is; '': the channel has none, or the row none
    _need("alike", default="''"),  # in small letters, without blanks around
    _need("title", default="''"),
    _need("handle", default="'{}'"),
    _may("writable"),  # why its stock must not be written
    _may("shown", Integer),  # what we believe the channel shows; null: read it first
    _need("heard", BigInteger, "0"),  # counts what the channel's own orders told us of it
    _need("shown_from", BigInteger, "0"),  # when the call began that taught us
    _need("shown_at", BigInteger, "0"),  # when its answer was written; 0: nobody ever read this listing
    _need("changed", BigInteger, "0"),  # counts causes; told is the last one that the channel heard of
    _need("told", BigInteger, "0"),
    _may("since", BigInteger),  # the first sale it has not heard of
    _may("raise_from", BigInteger),  # it shall show more; it is told once the channel's orders are read up to then
    _may("accepted_at", BigInteger),  # the channel said "accepted" and was not read back yet
    _may("accepted_as"),  # what it said then, for asking what became of it
    _may("problem"),
    _need("revised", Integer, "0"),
    _need("revised_on", default="''"),
    _may("rests_until", BigInteger),  # out of revisions until then
    _need("found_at", BigInteger, "0"),  # when the channel's catalogue first listed it; 0: only an order named it
    _need("seen_at", BigInteger, "0"),  # when it last did
    _need("figure_at", BigInteger, "0"),  # the moment of what we believe it shows: it is raised once orders are read past that
    _need("compared", BigInteger, "0"),  # what `changed` counted when it was last read back and held against what we believe
    _may("sought", Integer),  # the units committed there for which its orders were looked for already
    UniqueConstraint("connection", "listing", "sku", "place"),
    Index(None, "connection", "alike"),
    Index("ix_listings_dirty", "connection", **_where("changed > told")),
    Index("ix_listings_accepted", "connection", **_where("accepted_at is not null")),
    Index("ix_listings_resting", "connection", **_where("rests_until is not null")),
    Index("ix_listings_raising", "connection", **_where("raise_from is not null")),
    Index(None, "merchant"),
)

listing_parts = Table(
    "listing_parts",
    metadata,
    _need("merchant"),
    _need("listing_id", BigInteger),
    _need("sku"),
    _need("units", Integer, "1"),
    PrimaryKeyConstraint("listing_id", "sku"),
    Index(None, "merchant", "sku"),
)

skus = Table(
    "skus",
    metadata,
    _need("merchant"),
    _need("sku"),
    _need("title", default="''"),
    _need("created_at", BigInteger),
    PrimaryKeyConstraint("merchant", "sku"),
)

locations = Table(
    "locations",
    metadata,
    Column("id", Text, primary_key=True),
    _need("merchant"),
    _need("name"),
    _need("rank", Integer, "0"),
    UniqueConstraint("merchant", "name"),
)

levels = Table(
    "levels",
    metadata,
    _need("merchant"),
    _need("sku"),
    _need("location"),
    _need("on_hand", Integer),
    _need("reserved", Integer, "0"),
    _need("counted_at", BigInteger, "0"),  # the moment of its last count
    PrimaryKeyConstraint("merchant", "sku", "location"),
    CheckConstraint("reserved >= 0", name="reserved"),
    CheckConstraint("on_hand >= reserved", name="on_hand"),
)

reservations = Table(
    "reservations",
    metadata,
    _need("merchant"),
    _need("order_id"),
    _need("line"),
    _need("sku"),
    _need("location"),
    _need("units", Integer),
    PrimaryKeyConstraint("order_id", "line", "sku", "location"),
    CheckConstraint("units > 0", name="units"),
    Index(None, "merchant", "sku"),
)

movements = Table(
    "movements",
    metadata,
    _id(),
    _need("merchant"),
    _need("sku"),
    _need("location"),
    _need("units", Integer),  # change of what is on hand
    _need("cause"),
    _need("subject"),
    _need("at", BigInteger),
    Index(None, "merchant", "sku", "id"),
)

pushes = Table(
    "pushes",
    metadata,
    _id(),
    _need("merchant"),
    _need("connection"),
    _need("listing_id", BigInteger),
    _need("key"),
    _need("quantity", Integer),
    _may("expected", Integer),
    _may("since", BigInteger),
    _need("asked_at", BigInteger),
    _may("told_at", BigInteger),
    _may("told"),
    Index("ix_pushes_open", "connection", **_where("told_at is null")),
    Index(None, "merchant", "asked_at"),
    Index(None, "listing_id", "id"),
)

budgets = Table(
    "budgets",
    metadata,
    _need("connection"),
    _need("operation"),
    _need("remaining", Float),
    _need("at", BigInteger),
    _need("per_s", Float),
    _need("burst", Float),
    PrimaryKeyConstraint("connection", "operation"),
)

# Old orders, taken in behind live work: one run a connection. `orders` were kept, `passed` were here already or said nothing new.
backfills = Table(
    "backfills",
    metadata,
    _need("merchant"),
    Column("connection", Text, primary_key=True),
    _need("since", BigInteger),
    _need("until", BigInteger),
    _need("phase"),  # open, history, done
    _may("at", BigInteger),  # how far the phase came, from `until` back
    _may("cursor"),
    _need("orders", Integer, "0"),
    _need("passed", Integer, "0"),
    _need("begun_at", BigInteger),
    _need("paged_at", BigInteger, "0"),
    _may("ended_at", BigInteger),
    _may("note"),  # why it does not reach as far back as was asked
)

# What holding the hub against a channel found, with its evidence.
findings = Table(
    "findings",
    metadata,
    _id(),
    _need("merchant"),
    _need("connection"),
    _need("what"),  # order, listing, level, day, subscription, silence
    _need("subject"),
    _need("theirs"),
    _need("ours"),
    _need("found_at", BigInteger),
    _may("since", BigInteger),  # since when it was so, where the channel tells: found_at less that is how long nobody knew
    _may("mended_at", BigInteger),
    _may("how"),  # repaired, gone by itself, accepted
    Index("uq_findings_open", "connection", "what", "subject", unique=True, **_where("mended_at is null")),
    Index(None, "merchant", "id"),
)

schedules = Table("schedules", metadata, Column("name", Text, primary_key=True), _need("slot", BigInteger))
